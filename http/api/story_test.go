package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maskswitch/actors/story"
)

// A story as text is what the tests of package call play, and has what the
// document has.
func TestStoryAsText(t *testing.T) { atEpoch(t, testStoryAsText) }

func testStoryAsText(t *testing.T) {
	d := recorded()
	r := request("GET", "/calls/"+callA, "")
	r.Header.Set("Accept", "text/plain")
	w := httptest.NewRecorder()
	serve(d).ServeHTTP(w, r)
	text := w.Body.String()
	if h := w.Header(); w.Code != http.StatusOK || h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("Vary") != "Accept" || h.Get("Content-Length") != fmt.Sprint(len(text)) {
		t.Errorf("%d %v", w.Code, h)
	}
	golden(t, "story.golden", text)
	told, err := story.Parse(text)
	if err != nil || told.String() != text {
		t.Errorf("%v: read as\n%v", err, told)
	}
	_, body := ask(serve(d), request("GET", "/calls/"+callA, ""))
	var document struct {
		Setup     float64 `json:"setup_seconds"`
		PostDial  float64 `json:"post_dial_delay_seconds"`
		Switching float64 `json:"switching_seconds"`
		Talk      float64 `json:"talk_seconds"`
		Commands  []any   `json:"commands"`
		Story     []any   `json:"story"`
	}
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		t.Fatal(err)
	}
	sums := told.Sums()
	if document.Setup != 5 || document.PostDial != 0.9 || document.Switching != 0.003 || document.Talk != 60.5 ||
		document.Setup != sums.Setup.Seconds() || document.PostDial != sums.PostDial.Seconds() || document.Switching != sums.Own.Seconds() || document.Talk != sums.Talk.Seconds() {
		t.Errorf("the document adds up to %+v, the text to %+v", document, sums)
	}
	if len(document.Commands) != len(told.Commands()) || len(document.Story) != len(told.Rungs) {
		t.Errorf("%d commands and %d lines in the document, %d and %d in the text", len(document.Commands), len(document.Story), len(told.Commands()), len(told.Rungs))
	}
}

// Of a call that nothing is told of there is the head.
func TestStoryOfNothing(t *testing.T) {
	r := request("GET", "/calls/"+callB, "")
	r.Header.Set("Accept", "text/plain")
	if status, text := ask(serve(recorded()), r); status != http.StatusOK || !strings.Contains(text, "stage         ringing\noutcome       none yet\n") || !strings.Contains(text, "began ") {
		t.Errorf("%d %s", status, text)
	}
}

// Whoever does not say that he would rather have text gets the document.
func TestStoryIsTextForWhoAsks(t *testing.T) {
	for accept, text := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/plain": true, "TEXT/PLAIN; charset=utf-8": true,
		"application/json, text/plain, */*": false, "application/json;q=0.5, text/plain": true, "text/plain;q=0.5, application/json": false,
		"text/plain, */*;q=0.1": true, "text/plain;q=0": false, "text/plain;q=x": false, "text/html, */*;q=0.8": false, ";": false,
	} {
		r := request("GET", "/calls/"+callA, "")
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		if _, body := ask(serve(recorded()), r); strings.HasPrefix(body, "{") == text {
			t.Errorf("Accept %q gets %.20s", accept, body)
		}
	}
}
