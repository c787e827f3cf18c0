package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestDocument: what is served is openapi.yaml, member by member and in its
// order.
func TestDocument(t *testing.T) {
	source, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(source, &root); err != nil {
		t.Fatal(err)
	}
	var compact, want bytes.Buffer
	toJSON(t, &compact, root.Content[0])
	if err := json.Indent(&want, compact.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	want.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return // the program in hand has the old one embedded
	}
	if status, got := ask(serve(&desk{}), request("GET", "/openapi.json", "")); status != http.StatusOK || got != want.String() {
		t.Error("openapi.json is not what openapi.yaml says: run go test ./http/api -run TestDocument -update")
	}
}

// toJSON keeps the order of members, which a map would not.
func toJSON(t *testing.T, out *bytes.Buffer, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		out.WriteByte('{')
		for i := 0; i < len(n.Content); i += 2 {
			if i > 0 {
				out.WriteByte(',')
			}
			name, _ := json.Marshal(n.Content[i].Value)
			out.Write(append(name, ':'))
			toJSON(t, out, n.Content[i+1])
		}
		out.WriteByte('}')
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			toJSON(t, out, item)
		}
		out.WriteByte(']')
	default:
		var v any
		if err := n.Decode(&v); err != nil {
			t.Fatal(err)
		}
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
}
