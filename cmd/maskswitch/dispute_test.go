package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shelf is a switch of the tests' that has one booking with two calls, and
// recordings in several states.
type shelf struct {
	audio  map[string]string // by recording, as the switch sends it
	cut    map[string]int    // so many times it breaks off
	asked  []string
	secret string
}

const said = "ID3 what they said"

func newShelf() *shelf {
	return &shelf{audio: map[string]string{"r1": said, "leg:x@1": "RIFF"}, cut: map[string]int{}}
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.URL.Path)
	if s.secret != "" && r.Header.Get("Authorization") != "Bearer "+s.secret {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"Unauthorized","code":"key_missing","detail":"no key"}`)
		return
	}
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	call := func(id, more string) string {
		return `{"call_id":"` + id + `","caller":"party_a","proxy_number":"+13125550100","session_id":"s","stage":"closed","outcome":"talked","reason":"=HYPERLINK(\"x\")","rang_at":"2026-01-01T00:00:00Z","talk_seconds":1.5` + more + `}`
	}
	story := `,"story":[{"n":1,"at":"2026-01-01T00:00:00Z","what":{"event":"call.initiated","leg":"a","id":"e1"}},{"n":2,"at":"2026-01-01T00:00:00.25Z","what":{"send":"answer","leg":"a"}}]`
	recording := func(id, state, more string) string {
		return `{"id":"` + id + `","state":"` + state + `","noticed_at":"2026-01-01T00:00:00Z","at_carrier":true` + more + `}`
	}
	r1 := recording("r1", "archived", fmt.Sprintf(`,"format":"mp3","sha256":%q,"bytes":%d,"summary":{"state":"done","text":"They greeted.","model":"m"},"transcript":{"text":"hello","made_by":"t","machine_made":true}`, sum(said), len(said)))
	r2 := recording("leg:x@1", "archived", fmt.Sprintf(`,"format":"wav","sha256":%q,"bytes":4,"summary":{"state":"none"}`, sum("RIFF")))
	lost := recording("lost", "lost", `,"why":"the carrier has no recording of this call","summary":{"state":"none"}`)
	answers := map[string]string{
		"/bookings/stay-7":            `{"booking_id":"stay-7","party_a":"+13125550111","party_b":"+13125550122","created":1767225600}`,
		"/bookings/stay-7/calls":      `{"calls":[{"call_id":"c1"}],"next_cursor":"c1"}`,
		"/bookings/stay-7/calls?c1":   `{"calls":[{"call_id":"c2"}]}`,
		"/calls/c1":                   call("c1", story),
		"/calls/c2":                   call("c2", `,"story":[]`),
		"/bookings/stay-7/recordings": `{"recordings":[{"id":"r1"},{"id":"leg:x@1"},{"id":"lost"}]}`,
		"/recordings/r1":              r1, "/recordings/leg:x@1": r2, "/recordings/lost": lost,
	}
	path := r.URL.Path
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		path += "?" + cursor
	}
	if id, ok := strings.CutSuffix(strings.TrimPrefix(path, "/recordings/"), "/audio"); ok {
		if s.cut[id] > 0 {
			s.cut[id]--
			w.Header().Set("Content-Length", "1000")
		}
		_, _ = io.WriteString(w, s.audio[id])
		return
	}
	if answers[path] == "" {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":"Not found","code":"booking_not_found","detail":"no booking has this id"}`)
		return
	}
	_, _ = io.WriteString(w, answers[path])
}

// bundled makes a bundle, and returns the exit code, its files, and what was said.
func (s *shelf) bundled(t *testing.T, to string, args ...string) (code int, files map[string]string, told string) {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	var out, errs bytes.Buffer
	environ := func(name string) (string, bool) {
		v := map[string]string{"MASKSWITCH_URL": server.URL, "MASKSWITCH_KEY": "hunter2"}[name]
		return v, v != ""
	}
	code = dispute(t.Context(), append([]string{"stay-7", "-o", to}, args...), environ, &out, &errs)
	archive, err := zip.OpenReader(to)
	if err != nil {
		return code, nil, out.String() + errs.String()
	}
	defer archive.Close()
	files = make(map[string]string)
	for _, f := range archive.File {
		from, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return code, files, out.String() + errs.String()
}

func TestDispute(t *testing.T) {
	s := newShelf()
	s.secret = "hunter2"
	to := filepath.Join(t.TempDir(), "a.zip")
	code, files, told := s.bundled(t, to)
	if code != 0 || !strings.Contains(told, "2 calls, 2 recordings") || !strings.Contains(told, "lost") {
		t.Fatalf("exit %d: %s", code, told)
	}
	for name, want := range map[string]string{
		"booking.json":               `"party_a": "+13***11"`,
		"calls.json":                 `"call_id": "c2"`,
		"calls.csv":                  `'=HYPERLINK`,
		"stories/001-c1.txt":         "+0.250 s  the switch sends answer, leg a",
		"stories/002-c2.txt":         "call c2",
		"recordings.json":            `"state": "lost"`,
		"recordings/001-r1.mp3":      said,
		"recordings/002-leg_x_1.wav": "RIFF",
		"transcripts/001-r1.txt":     "hello",
		"summaries/001-r1.txt":       "MADE BY A MACHINE",
		"README.txt":                 "recording lost is lost: the carrier has no recording of this call",
		"SHA256SUMS":                 "recordings/001-r1.mp3",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not say %q: %q", name, want, files[name])
		}
		delete(files, name)
	}
	if len(files) > 0 {
		t.Errorf("more than expected: %v", files)
	}
	// As sha256sum -c does it.
	_, files, _ = s.bundled(t, to, "-force")
	lines := strings.Split(strings.TrimSpace(files["SHA256SUMS"]), "\n")
	if len(lines) != len(files)-1 {
		t.Errorf("%d hashes of %d files", len(lines), len(files))
	}
	for _, line := range lines {
		sum, name, _ := strings.Cut(line, "  ")
		if h := sha256.Sum256([]byte(files[name])); hex.EncodeToString(h[:]) != sum {
			t.Errorf("the hash of %s is wrong", name)
		}
	}
	if all := fmt.Sprint(files); strings.Contains(all, "5550111") || strings.Contains(all, "hunter2") {
		t.Error("a party's number or the key is in it")
	}
	if _, files, _ = s.bundled(t, to, "-force", "-numbers"); !strings.Contains(files["booking.json"], "+13125550111") {
		t.Errorf("-numbers: %s", files["booking.json"])
	}
}

// The same answers make the same bytes.
func TestDisputeTwice(t *testing.T) {
	dir := t.TempDir()
	var bytes [2]string
	for i := range bytes {
		to := filepath.Join(dir, fmt.Sprint(i))
		newShelf().bundled(t, to)
		text, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		bytes[i] = string(text)
	}
	if bytes[0] != bytes[1] {
		t.Error("two runs differ")
	}
}

// What cannot be read as it was archived is told, and is not in the bundle.
func TestDisputeOfBrokenAudio(t *testing.T) {
	for name, breaks := range map[string]func(*shelf){
		"altered": func(s *shelf) { s.audio["r1"] = strings.ToUpper(said) },
		"cut":     func(s *shelf) { s.cut["r1"] = 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			breaks(s)
			code, files, told := s.bundled(t, filepath.Join(t.TempDir(), "a.zip"))
			if code != 1 || !strings.Contains(told, "recording r1 could not be read") || !strings.Contains(files["README.txt"], "recording r1 could not be read") ||
				files["recordings/001-r1.mp3"] != "" || files["recordings/002-leg_x_1.wav"] == "" {
				t.Errorf("exit %d: %s\n%v", code, told, files)
			}
		})
	}
	s := newShelf()
	s.cut["r1"] = tries - 1
	if code, files, told := s.bundled(t, filepath.Join(t.TempDir(), "a.zip")); code != 0 || files["recordings/001-r1.mp3"] != said {
		t.Errorf("broke off and was read again: exit %d: %s", code, told)
	}
}

func TestDisputeRefused(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "there.zip")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newShelf())
	defer server.Close()
	environ := func(name string) (string, bool) { return server.URL, name == "MASKSWITCH_URL" }
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "name one booking"},
		{[]string{"a", "b", "-o", "x"}, 2, "name one booking"},
		{[]string{"stay-7"}, 2, "-o says"},
		{[]string{"stay-7", "-o", there}, 1, "-force"},
		{[]string{"stay-8", "-o", filepath.Join(dir, "8.zip")}, 1, "booking_not_found"},
		{[]string{"stay-7", "-o", filepath.Join(dir, "none", "7.zip")}, 1, "no such file"},
		{[]string{"-help"}, 0, "SHA256SUMS"},
	} {
		var out bytes.Buffer
		code := dispute(t.Context(), c.args, environ, &out, &out)
		if code != c.code || !strings.Contains(out.String(), c.want) && c.code != 0 {
			t.Errorf("%v: exit %d, %s", c.args, code, out.String())
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if text, _ := os.ReadFile(there); string(text) != "mine" {
		t.Error("a file that was there was written over")
	}
}
