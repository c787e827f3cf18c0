package layout

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const root = "../../.."

func TestEveryPackageKeepsToTheTable(t *testing.T) {
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil || !strings.HasPrefix(string(module), "module "+Module+"\n") {
		t.Fatalf("%s is not the root of the module %s: %v", root, Module, err)
	}
	files, err := Read(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d files were found", len(files))
	}
	for _, fault := range Check(files, Table) {
		t.Error(fault)
	}
}

// A rule that cannot fail holds nothing: each of these must be found.
var shapes = []struct {
	story string
	files map[string]string
	want  []string // in this order; empty: nothing is wrong
}{
	{"what the table allows", map[string]string{
		"actors/pool/a.go":      `package pool; import ("context"; "maskswitch/actors/journal"; "github.com/asynkron/protoactor-go/actor"; "go.uber.org/zap/zapcore")`,
		"actors/call/a_test.go": `package call_test; import ("testing"; "maskswitch/actors/call"; "maskswitch/actors/journal/memory")`,
		"http/api/a.go":         `package api; import (_ "embed"; rand "math/rand/v2"; "net/http")`,
	}, nil},
	{"siblings", map[string]string{
		"actors/pool/a.go": `package pool; import "maskswitch/actors/call"`,
	}, []string{"actors/pool/a.go: actors/pool may not import maskswitch/actors/call: have what it needs handed in"}},
	{"what only tests may", map[string]string{
		"actors/call/a.go":      `package call; import "maskswitch/actors/journal/memory"`,
		"actors/call/b_test.go": `package call; import "maskswitch/actors/journal/memory"`,
	}, []string{"actors/call/a.go: actors/call may not import maskswitch/actors/journal/memory"}},
	{"a test that reaches too far", map[string]string{
		"http/webhook/a_test.go": `package webhook; import "maskswitch/loadtest/carrier"`,
	}, []string{"http/webhook/a_test.go: http/webhook may not import maskswitch/loadtest/carrier"}},
	{"part of a package's path", map[string]string{
		"http/api/a.go": `package api; import "maskswitch/actors/protocolish"`,
	}, []string{"may not import maskswitch/actors/protocolish"}},
	{"a package of ours by its short name", map[string]string{
		"http/api/a.go": `package api; import "maskswitch/actors/phone/wire"`,
	}, []string{"may not import maskswitch/actors/phone/wire"}},
	{"a module that is not in the table", map[string]string{
		"metrics/a.go": `package metrics; import "github.com/sirupsen/logrus"`,
	}, []string{"metrics may not import github.com/sirupsen/logrus"}},
	{"the root of the module", map[string]string{
		"metrics/a.go": `package metrics; import "maskswitch"`,
	}, []string{"metrics may not import maskswitch"}},
	{"a package nobody entered", map[string]string{
		"actors/billing/a.go": `package billing; import "fmt"`,
		"actors/billing/b.go": `package billing; import "maskswitch/actors/pool"`,
	}, []string{"actors/billing: the package is not in the table: enter what it may import in cmd/internal/layout/table.go"}},
	{"a file in the shelf", map[string]string{
		"http/server.go": `package http`,
	}, []string{"http/server.go: the folder http holds packages and is none"}},
	{"protoactor's cluster", map[string]string{
		"actors/a.go":              `package actors; import "` + protoactor + `/cluster/clusterproviders/k8s"`,
		"cmd/internal/app/b.go":    `package app; import "` + protoactor + `/remote"`,
		"actors/number/stored.go":  `package number; import "` + protoactor + `/persistence"`,
		"actors/number/routers.go": `package number; import "` + protoactor + `/router"`,
	}, []string{"actors/a.go: " + protoactor + "/cluster", "actors/number/routers.go", "actors/number/stored.go", "cmd/internal/app/b.go"}},
	{"a renamed standard package", map[string]string{
		"http/api/a.go": `package api; import nethttp "net/http"`,
		"http/api/b.go": `package api; import . "strings"`,
	}, []string{"http/api/a.go: net/http is imported as nethttp", "http/api/b.go: strings is imported as ."}},
	{"cgo", map[string]string{
		"actors/phone/a.go": `package phone; import "C"`,
	}, []string{"cgo is not used"}},
	{"a file for another system", map[string]string{
		"actors/phone/a_windows.go": "//go:build windows\n\npackage phone; import \"maskswitch/actors\"",
	}, []string{"actors/phone may not import maskswitch/actors"}},
	{"what the go command passes over", map[string]string{
		"actors/phone/testdata/a.go": `package a; import "maskswitch/actors"`,
		".git/a.go":                  `package a; import "maskswitch/actors"`,
		"_old/a.go":                  `package a; import "maskswitch/actors"`,
		"metrics/live/go.mod":        `module live`,
		"metrics/live/a.go":          `package live; import "github.com/prometheus/prometheus/promql/parser"`,
	}, nil},
}

func TestCheckCanFail(t *testing.T) {
	for _, c := range shapes {
		t.Run(c.story, func(t *testing.T) {
			tree := make(fstest.MapFS)
			for name, text := range c.files {
				tree[name] = &fstest.MapFile{Data: []byte(text)}
			}
			files, err := Read(tree)
			if err != nil {
				t.Fatal(err)
			}
			got := Check(files, Table)
			for i := range max(len(got), len(c.want)) {
				switch {
				case i >= len(c.want):
					t.Errorf("not expected: %s", got[i])
				case i >= len(got):
					t.Errorf("not found: %s", c.want[i])
				case !strings.Contains(got[i], c.want[i]):
					t.Errorf("got %s, want %s", got[i], c.want[i])
				}
			}
		})
	}
}

func TestAFileThatDoesNotParseIsAnError(t *testing.T) {
	_, err := Read(fstest.MapFS{"actors/a.go": {Data: []byte("package actors; import maskswitch")}})
	if err == nil {
		t.Error("a file whose imports cannot be read was passed over")
	}
}

// A wrong name in the table would allow nothing, or something else.
func TestTheTableNamesFolders(t *testing.T) {
	for dir, rule := range Table {
		for _, name := range append(rule.May, rule.Tests...) {
			name = strings.TrimSuffix(name, "/...")
			if _, ok := Table[name]; isStandard(name) && !ok && !isFolderOfTable(name) {
				t.Errorf("%s may import %s, which the table does not have", dir, name)
			}
		}
	}
}

func isFolderOfTable(name string) bool {
	for dir := range Table {
		if path.Dir(dir) == name {
			return true
		}
	}
	return false
}
