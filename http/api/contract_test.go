package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"maskswitch/http/api"
)

// TestContract calls every operation of the document until each status that it
// documents has come once. Requests that are to succeed and all answers are
// checked against it; nothing undocumented may be answered.
func TestContract(t *testing.T) { atEpoch(t, testContract) }

func testContract(t *testing.T) {
	doc, router := contract(t)
	came := make(map[string]bool)
	for _, c := range append(alike(), particular()...) {
		r := request(c.method, c.target, c.body)
		r.Host = "127.0.0.1:5000"
		r.Header.Set("Authorization", "Bearer hunter2")
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		secrets := "stays:hunter2"
		switch c.change {
		case "nokey":
			r.Header.Del("Authorization")
		case "keyless":
			secrets, r.RemoteAddr = "", "192.0.2.1:9"
		case "form":
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if media, ok := strings.CutPrefix(c.change, "accept="); ok {
			r.Header.Set("Accept", media)
		}
		if strings.HasPrefix(c.change, "bytes=") {
			r.Header.Set("Range", c.change)
		}
		h := serve(c.desk, func(config *api.Config) { config.APIKeys, config.Webhook = keys(t, secrets), scripted{} })
		name := fmt.Sprintf("%s %s %.90s %s", c.method, c.target, c.body, c.change)
		operation := check(t, router, h, r, c.body, c.status, name)
		came[fmt.Sprint(operation, " ", c.status)] = true
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if line := fmt.Sprint(method, " ", path, " ", status); !came[line] {
					t.Errorf("never seen: %s", line)
				}
			}
		}
	}
}

// contract loads the document that is served.
func contract(t *testing.T) (*openapi3.T, routers.Router) {
	t.Helper()
	_, text := ask(serve(&desk{}), request("GET", "/openapi.json", ""))
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return doc, router
}

// check sends a request and holds it and its answer against the document. A
// request that is answered with 400 or 415 must be wrong by the document too,
// and any other right.
func check(t *testing.T, router routers.Router, h http.Handler, r *http.Request, body string, status int, name string) string {
	t.Helper()
	found, params, err := router.FindRoute(r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: found,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, SkipSettingDefaults: true,
			AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
				if in.RequestValidationInput.Request.Header.Get("Authorization") == "" {
					return errors.New("no key")
				}
				return nil
			},
		},
	}
	err = openapi3filter.ValidateRequest(t.Context(), input)
	r.Body = io.NopCloser(strings.NewReader(body)) // the validator has read it
	webhook := strings.HasPrefix(found.Path, "/webhooks/")
	switch wrong := status == 400 || status == 401 || status == 413 || status == 415; {
	case wrong && err == nil && !webhook:
		t.Errorf("%s: the document takes what the API refuses", name)
	case !wrong && err != nil:
		t.Errorf("%s: the document refuses it: %v", name, err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != status {
		t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, status)
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: w.Code, Header: w.Header(), Options: input.Options,
	}
	answer.SetBodyBytes(w.Body.Bytes())
	if err := openapi3filter.ValidateResponse(t.Context(), answer); err != nil {
		t.Errorf("%s: the answer is not as documented: %v\n%s", name, err, w.Body)
	}
	told := w.Header().Get("Content-Type") == "application/json"
	if response := found.Operation.Responses.Status(w.Code); told && response != nil && found.Path != "/openapi.json" {
		var document any
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		undocumented(t, name, response.Value.Content["application/json"].Schema.Value, document)
	}
	return found.Method + " " + found.Path
}

// undocumented finds members of an answer that the document does not have.
// Schemas of answers are open, so the validator lets them pass.
func undocumented(t *testing.T, name string, schema *openapi3.Schema, document any) {
	t.Helper()
	switch document := document.(type) {
	case map[string]any:
		for member, value := range document {
			property := schema.Properties[member]
			if property == nil {
				t.Errorf("%s: the answer's member %s is not documented", name, member)
				continue
			}
			undocumented(t, name, property.Value, value)
		}
	case []any:
		for _, item := range document {
			undocumented(t, name, schema.Items.Value, item)
		}
	}
}

// scripted stands for the webhook's handler: it answers as it is told to.
type scripted struct{}

func (scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Answer int `json:"answer"`
	}
	text := map[int]string{200: `{"status":"ok"}`, 400: `{"error":"malformed"}`, 401: `{"error":"invalid signature"}`, 503: `{"error":"overloaded"}`}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || text[in.Answer] == "" {
		in.Answer = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(in.Answer)
	_, _ = io.WriteString(w, text[in.Answer])
}
