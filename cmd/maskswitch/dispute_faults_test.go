package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maskswitch/actors/protocol"
)

// What does not come as it was archived is told, is not in the bundle, and fails
// the command; all else is there.
func TestDisputeOfBrokenAudio(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(*shelf)
		want   string
	}{
		"altered":   {func(s *shelf) { s.audio["r1"] = bytes.ToLower(words(1)) }, "what came has the hash"},
		"cut":       {func(s *shelf) { s.atAudio("r1", -1, s.cut(1)) }, "no answer"},
		"too long":  {func(s *shelf) { s.atAudio("r1", -1, send(append(words(1), 0))) }, "more came than"},
		"too short": {func(s *shelf) { s.atAudio("r1", -1, send(words(1)[1:])) }, "239999 bytes came"},
		"refused":   {func(s *shelf) { s.atAudio("r1", -1, answer(500, "archive_broken")) }, "archive_broken"},
		"redirected": {func(s *shelf) {
			s.atAudio("r1", -1, func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return true
			})
		}, "302 Found"},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled()
			c.breaks(s)
			code, files, _, errs := s.bundled(t, filepath.Join(t.TempDir(), "a.zip"))
			for _, told := range []string{errs, files["README.txt"]} {
				if code != 1 || !strings.Contains(told, "recording r1 of call "+callID(1).String()+": the switch has it") || !strings.Contains(told, c.want) {
					t.Errorf("exit %d: %s", code, told)
				}
			}
			if files["recordings/001-r1.mp3"] != "" || files["recordings/002-leg_v3_x_1.wav"] != string(words(2)) || files["transcripts/001-r1.txt"] == "" {
				t.Errorf("the files are %v", names(files))
			}
			checkSums(t, files)
		})
	}
}

func send(text []byte) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write(text); return true }
}

func answer(status int, code string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"error":"no","code":%q,"detail":"no"}`, code)
		return true
	}
}

// What is erased between two questions is as if it had been before the first:
// none of its texts is told.
func TestDisputeWhileSomebodyErases(t *testing.T) {
	s := filled()
	s.atAudio("r1", 1, func(w http.ResponseWriter, _ *http.Request) bool {
		_, err := s.with("r1", func(r *protocol.Recording) error {
			r.Status, r.Why, r.Summary = protocol.RecordingErased, "erasure 5", protocol.SummaryNone
			s.texts = nil
			return nil
		})
		return err != nil
	})
	code, files, _, errs := s.bundled(t, filepath.Join(t.TempDir(), "a.zip"))
	if code != 0 || !strings.Contains(errs, "recording r1 of call "+callID(1).String()+": erased: erasure 5") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if all := fmt.Sprint(files); strings.Contains(all, "hello") || strings.Contains(all, "They greeted") || !strings.Contains(files["recordings.json"], "erasure 5") {
		t.Errorf("what was erased is told: %v", names(files))
	}
}

// A row that is gone altogether is told, and the exit code with it.
func TestDisputeOfVanishedRows(t *testing.T) {
	for path, want := range map[string]string{
		"/recordings/r1":               "recording r1: it was there",
		"/calls/" + callID(2).String(): "call " + callID(2).String() + ": it was there",
	} {
		s := filled()
		s.first = func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Path == path && answer(404, "gone")(w, r)
		}
		code, files, _, errs := s.bundled(t, filepath.Join(t.TempDir(), "a.zip"))
		if code != 1 || !strings.Contains(errs, want) || !strings.Contains(files["README.txt"], want) || files["recordings/002-leg_v3_x_1.wav"] == "" {
			t.Errorf("exit %d: %s%v", code, errs, names(files))
		}
		checkSums(t, files)
	}
}

// A switch that is away for a moment is asked again.
func TestDisputeWaits(t *testing.T) {
	s := filled()
	away := make(map[string]bool)
	s.first = func(w http.ResponseWriter, r *http.Request) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		before := away[r.URL.Path]
		away[r.URL.Path] = true
		return !before && answer(503, "busy")(w, r)
	}
	if code, files, _, errs := s.bundled(t, filepath.Join(t.TempDir(), "a.zip")); code != 0 || len(files) != 13 {
		t.Errorf("exit %d: %s%v", code, errs, names(files))
	}
	s.first = answer(503, "busy")
	if code, files, _, errs := s.bundled(t, filepath.Join(t.TempDir(), "b.zip")); code != 1 || files != nil || !strings.Contains(errs, "busy") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// Whoever stops it finds no file.
func TestDisputeStopped(t *testing.T) {
	s := filled()
	ctx, stop := context.WithCancel(t.Context())
	s.atAudio("leg:v3;x@1", -1, func(http.ResponseWriter, *http.Request) bool { stop(); return false })
	dir := t.TempDir()
	code, _, errs := disputed(ctx, environment(s.serve(t, ""), ""), stay, "-o", filepath.Join(dir, "a.zip"))
	if code != 1 || !strings.Contains(errs, "canceled") {
		t.Errorf("exit %d: %s", code, errs)
	}
	emptyFolder(t, dir)
}

func emptyFolder(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDisputeRefused(t *testing.T) {
	dir := t.TempDir()
	none := t.TempDir()
	there := filepath.Join(dir, "there.zip")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := filled()
	address := s.serve(t, "ops:"+secret)
	for _, c := range []struct {
		line, key string
		code      int
		want      string
	}{
		{"", secret, 2, "takes one booking"},
		{"a b -o NONE/x", secret, 2, "takes one booking"},
		{stay, secret, 2, "needs -o"},
		{stay + " -o NONE/x -pause -1s", secret, 2, "-pause"},
		{stay + " -o NONE/x -patience 0s", secret, 2, "-patience"},
		{"a/b -o NONE/x", secret, 2, "not the id of a booking"},
		{".. -o NONE/x", secret, 2, "not the id of a booking"},
		{stay + " -o THERE", secret, 1, "-force writes over it"},
		{stay + " -o NONE -force", secret, 1, "is a directory"},
		{"stay-8 -o NONE/x", secret, 1, "booking_not_found"},
		{stay + " -o NONE/x", "", 1, "key_missing: "},
		{stay + " -o NONE/x", "wrong", 1, "MASKSWITCH_KEY takes the secret"},
		{stay + " -o NONE/none/x", secret, 1, "no such file"},
		{stay + " -o THERE/x", secret, 1, "not a directory"},
	} {
		line := strings.NewReplacer("NONE", none, "THERE", there).Replace(c.line)
		code, out, errs := disputed(t.Context(), environment(address, c.key), strings.Fields(line)...)
		if code != c.code || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, %s%s", line, code, out, errs)
		}
	}
	emptyFolder(t, none)
	if text, _ := os.ReadFile(there); string(text) != "mine" {
		t.Error("a file that was there was written over")
	}
	code, files, _, errs := s.bundled(t, there, "-force")
	if code != 0 || files["README.txt"] == "" {
		t.Errorf("-force: exit %d: %s", code, errs)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if code, out, _ := disputed(t.Context(), environment(address, ""), "-help"); code != 0 || !strings.Contains(out, "-patience") {
		t.Errorf("-help: exit %d: %s", code, out)
	}
}

// A file that somebody else makes meanwhile is his.
func TestDisputeIsSlower(t *testing.T) {
	to := filepath.Join(t.TempDir(), "a.zip")
	s := filled()
	s.atAudio("r1", 1, func(http.ResponseWriter, *http.Request) bool {
		return os.WriteFile(to, []byte("mine"), 0o600) != nil
	})
	code, _, errs := disputed(t.Context(), environment(s.serve(t, ""), ""), stay, "-o", to)
	if text, _ := os.ReadFile(to); code != 1 || string(text) != "mine" || !strings.Contains(errs, "-force") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
