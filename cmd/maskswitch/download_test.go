package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

// saved downloads a recording with recordings audio.
func (s *shelf) saved(t *testing.T, args ...string) (code int, audio []byte, errs string) {
	t.Helper()
	dir := t.TempDir()
	to := filepath.Join(dir, "a.mp3")
	args = append([]string{"audio", "r1", "-o", to, "-pause", "1ms"}, args...)
	code, _, errs = tell(t, s.serve(t, ""), args...)
	audio, _ = os.ReadFile(to)
	if code != 0 {
		emptyFolder(t, dir)
	}
	return code, audio, errs
}

// A download goes on where the line broke, and reads nothing twice.
func TestDownloadGoesOn(t *testing.T) {
	s := filled()
	s.atAudio("r1", tries-1, s.cut(70_000))
	code, audio, errs := s.saved(t)
	if code != 0 || !bytes.Equal(audio, words(1)) {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, from := range []string{"", " bytes=70000-", " bytes=140000-", " bytes=210000-"} {
		if s.asked("GET /recordings/r1/audio"+from) == 0 {
			t.Errorf("never asked for%s: %v", from, s.seen)
		}
	}
}

// A line that breaks behind the last byte has brought all.
func TestDownloadBreaksAtTheEnd(t *testing.T) {
	s := filled()
	s.atAudio("r1", 1, func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write(words(1))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	if code, audio, errs := s.saved(t); code != 0 || !bytes.Equal(audio, words(1)) || s.asked("GET /recordings/r1/audio") != 1 {
		t.Errorf("exit %d: %s%v", code, errs, s.seen)
	}
}

// Whoever does not know ranges sends it all again, and it is whole all the same.
func TestDownloadBeginsAnew(t *testing.T) {
	altered := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Range", "bytes 70000-239999/240000")
		w.WriteHeader(http.StatusPartialContent)
		return send(bytes.Repeat([]byte{7}, 170_000))(w, r)
	}
	for name, c := range map[string]struct {
		second func(http.ResponseWriter, *http.Request) bool
		times  int
	}{
		"no ranges":            {send(words(1)), 2},
		"altered, then right":  {altered, 3},
		"too long, then right": {send(append(words(1), 0)), 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled()
			cut := s.cut(70_000)
			s.atAudio("r1", 2, func(w http.ResponseWriter, r *http.Request) bool {
				if s.asked("GET /recordings/r1/audio") == 1 {
					return cut(w, r)
				}
				return c.second(w, r)
			})
			if code, audio, errs := s.saved(t); code != 0 || !bytes.Equal(audio, words(1)) || s.asked("GET /recordings/r1/audio") != c.times {
				t.Errorf("exit %d: %s%v", code, errs, s.seen)
			}
		})
	}
}

// A part that nobody asked for is no part of the recording.
func TestDownloadOfTheWrongPart(t *testing.T) {
	s := filled()
	cut := s.cut(70_000)
	s.atAudio("r1", -1, func(w http.ResponseWriter, r *http.Request) bool {
		if s.asked("GET /recordings/r1/audio") == 1 {
			return cut(w, r)
		}
		w.Header().Set("Content-Range", "bytes 7-/240000")
		w.WriteHeader(http.StatusPartialContent)
		return true
	})
	if code, _, errs := s.saved(t); code != 1 || !strings.Contains(errs, "206 Partial Content") || s.asked("GET /recordings/r1/audio") != 2 {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// What will be no better is asked for once, all else a few times.
func TestDownloadTries(t *testing.T) {
	for _, c := range []struct {
		answer func(http.ResponseWriter, *http.Request) bool
		times  int
		want   string
	}{
		{answer(410, "recording_erased"), 1, "recording_erased"},
		{answer(500, "archive_broken"), 1, "archive_broken"},
		{answer(401, "key_missing"), 1, "key_missing"},
		{answer(503, "busy"), tries, "busy"},
		{send([]byte("x")), tries, "1 bytes came, and its record says 240000"},
	} {
		s := filled()
		s.atAudio("r1", -1, c.answer)
		if code, _, errs := s.saved(t); code != 1 || !strings.Contains(errs, c.want) || s.asked("GET /recordings/r1/audio") != c.times {
			t.Errorf("%s: exit %d, %d times: %s", c.want, code, s.asked("GET /recordings/r1/audio"), errs)
		}
	}
}

// A switch that stands still is given up, before an answer and within one.
func TestDownloadStands(t *testing.T) {
	for _, head := range []string{"", "I"} {
		s := filled()
		s.atAudio("r1", -1, func(w http.ResponseWriter, r *http.Request) bool {
			if head != "" {
				_, _ = w.Write([]byte(head))
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done() // the client has hung up
			return true
		})
		if code, _, errs := s.saved(t, "-patience", "50ms"); code != 1 || !strings.Contains(errs, ": nothing more came for 50ms; does the switch run") ||
			strings.Count(errs, "no answer from") != 1 {
			t.Errorf("%q: exit %d: %s", head, code, errs)
		}
	}
}

// Of a record without a hash nobody can say that the audio is it.
func TestDownloadOfNoHash(t *testing.T) {
	s := filled()
	_, _ = s.with("r1", func(r *protocol.Recording) error { r.SHA256 = ""; return nil })
	if code, _, errs := s.saved(t); code != 1 || !strings.Contains(errs, "what came has the hash") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// Trouble with the disk is not the recording's, and nothing is asked again.
func TestDownloadOntoNothing(t *testing.T) {
	s := filled()
	address := s.serve(t, "")
	c, err := newClient(address, "")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name) // to be read only
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := recordingTold{ID: "r1", Bytes: 240_000}
	err = (&session{client: c}).download(t.Context(), &lineTo{patience: time.Minute}, r, file, func(int64) {})
	if err == nil || aboutRecording(err) || s.asked("GET /recordings/r1/audio") != 1 {
		t.Errorf("%v, asked %d times", err, s.asked("GET /recordings/r1/audio"))
	}
}

// A bundle with large recordings takes no more memory than one with small ones.
func TestDisputeMemory(t *testing.T) {
	s := filled()
	big := bytes.Repeat([]byte("0123456789abcdef"), 4<<20)
	s.recordings = s.recordings[:1]
	s.audio["r1"] = big
	s.recordings[0].Bytes, s.recordings[0].SHA256 = int64(len(big)), fmt.Sprintf("%x", sha256.Sum256(big))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	to := filepath.Join(t.TempDir(), "a.zip")
	code, _, errs := disputed(t.Context(), environment(s.serve(t, ""), ""), stay, "-o", to)
	runtime.ReadMemStats(&after)
	info, err := os.Stat(to)
	if code != 0 || err != nil || info.Size() < int64(len(big)) {
		t.Fatalf("exit %d, %v: %s", code, err, errs)
	}
	// All that was ever allocated, by the fake switch too.
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(len(big)/4) {
		t.Errorf("%d bytes allocated for a recording of %d", got, len(big))
	}
}
