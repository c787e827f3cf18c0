package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maskswitch/actors/protocol"
)

// tell runs a command about recordings against an address.
func tell(t *testing.T, address string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = recordings(t.Context(), args, environment(address, ""), &o, &e)
	return code, o.String(), e.String()
}

// erasing runs erase against an address.
func erasing(ctx context.Context, address string, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = erase(ctx, args, environment(address, ""), &o, &e)
	return code, o.String(), e.String()
}

// TestRecordingsTranscript plays a session, good and bad, to the byte.
func TestRecordingsTranscript(t *testing.T) {
	s := filled()
	address := s.serve(t, "")
	file := filepath.Join(t.TempDir(), "a.mp3")
	var got strings.Builder
	play := func(name, line string, run func(args []string) (int, string, string)) {
		args := strings.Fields(strings.ReplaceAll(line, "FILE", file))
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		code, out, errs := run(args)
		text := fmt.Sprintf("$ maskswitch %s %s\n%s%s[%d]\n\n", name, line, out, errs, code)
		got.WriteString(strings.NewReplacer(file, "FILE", address, "ADDRESS").Replace(text))
	}
	for _, line := range []string{
		"", "help", "frob", "list -help", "audio -h", "hold -h",
		"list " + stay, "list", "list ..", "list stay-8", "list " + stay + " r1", "list -json stay-8",
		"show r1", "show waits", "show lost", "show leg:v3;x@1", "show r2", "show a/b", "show", "show -json lost",
		"audio r1 -o FILE", "audio r1 -o FILE", "audio r1 -o FILE -force", "audio r1", "audio -o FILE", "audio .. -o FILE", "audio r1 -o FILE -patience 0s",
		"audio waits -o FILE.2", "audio lost -o FILE.2", "audio gone -o FILE.2", "audio going -o FILE.2", "audio r2 -o FILE.2", "audio lost -o FILE.2 -json",
		"hold r1 -reason case_4711", "hold r1", "hold -reason x", "hold r2 -reason x", "erase r1", "release r1", "erase r1", "erase gone", "erase", "release -json r1",
	} {
		play("recordings", line, func(args []string) (int, string, string) { return tell(t, address, args...) })
	}
	for _, line := range []string{
		"-help", "", "-party " + partyA + " -booking x", "-party 13125550111", "-booking ..", partyA, "-booking x -every 0s",
		"-party " + partyA, "-booking " + stay, "-booking " + stay + " -json",
	} {
		play("erase", line, func(args []string) (int, string, string) { return erasing(t.Context(), address, args...) })
	}
	checkGolden(t, "testdata/recordings.golden", got.String())
	if audio, err := os.ReadFile(file); err != nil || !bytes.Equal(audio, words(1)) {
		t.Errorf("the audio is other audio: %v", err)
	}
	if want := []string{partyA, stay, stay}; fmt.Sprint(s.erased) != fmt.Sprint(want) {
		t.Errorf("erased were %v, want %v", s.erased, want)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What others wrote commands no terminal.
func TestPrintable(t *testing.T) {
	if got := printable("a\x1b[2J\u0085b\r\nc\td"); got != "a [2J b\nc d\n" {
		t.Errorf("%q", got)
	}
}

// TestEraseWait follows an erasure to its end, over a switch that is away.
func TestEraseWait(t *testing.T) {
	for _, c := range []struct {
		name  string
		ends  func(*protocol.Erasure)
		code  int
		wants []string
	}{
		{"done", func(e *protocol.Erasure) { e.DoneAt, e.Recordings, e.Waiting = epoch, 3, 0 }, 0, []string{
			"1 bookings and 1 recordings erased, 2 recordings wait, 0 refused\n", "the carrier is away", "1 bookings and 3 recordings erased, 0 recordings wait, 0 refused\n", "2026-01-01T00:00:00Z",
		}},
		{"held", func(e *protocol.Erasure) {
			e.DoneAt = epoch
			e.Refused = []protocol.ErasureRefusal{{Booking: "b2", Recording: "r9", Code: "recording_held", Detail: "case 4711"}}
		}, 1, []string{"b2", "r9", "recording_held", "case 4711", "not all of it: 1 refused"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := filled()
			looks := 0
			s.look = func(e *protocol.Erasure) {
				if looks++; looks == 1 {
					e.Trouble = "the carrier is away"
				} else {
					e.Trouble = ""
					c.ends(e)
				}
			}
			code, out, errs := erasing(t.Context(), s.serve(t, ""), "-party", partyA, "-wait", "-every", "1ms")
			for _, want := range c.wants {
				if !strings.Contains(out+errs, want) {
					t.Errorf("it does not say %q: %s%s", want, out, errs)
				}
			}
			if code != c.code || looks != 2 || strings.Contains(out+errs, partyA) {
				t.Errorf("exit %d, %d looks: %s%s", code, looks, out, errs)
			}
		})
	}
}

// With -json it is the last receipt, and nothing else.
func TestEraseWaitJSON(t *testing.T) {
	s := filled()
	s.look = func(e *protocol.Erasure) { e.DoneAt = epoch }
	code, out, _ := erasing(t.Context(), s.serve(t, ""), "-booking", stay, "-wait", "-every", "1ms", "-json")
	var row erasureRow
	if err := json.Unmarshal([]byte(out), &row); err != nil || code != 0 || row.DoneAt == "" || row.Subject != stay {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
}

// Whoever stops waiting is told that the erasure goes on.
func TestEraseWaitStops(t *testing.T) {
	s := filled()
	ctx, stop := context.WithCancel(t.Context())
	s.look = func(*protocol.Erasure) { stop() }
	if code, out, errs := erasing(ctx, s.serve(t, ""), "-booking", stay, "-wait", "-every", "1ms"); code != 1 || !strings.Contains(errs, "the erasure goes on") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// An erasure whose answer was lost may have been taken.
func TestLostErasure(t *testing.T) {
	s := filled()
	s.first = answer(503, "busy")
	if code, _, errs := erasing(t.Context(), s.serve(t, ""), "-booking", stay); code != 1 || !strings.Contains(errs, "the same command again does no harm") {
		t.Errorf("exit %d: %s", code, errs)
	}
	s.first = answer(409, "no")
	if _, _, errs := erasing(t.Context(), s.serve(t, ""), "-booking", stay); strings.Contains(errs, "may have been taken") {
		t.Errorf("a refusal is told as if it were none: %s", errs)
	}
}
