package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maskswitch/actors/protocol"
)

const stay = "stay-7;b"

// bundled makes a bundle, and returns the exit code, its files, and what was said.
func (s *shelf) bundled(t *testing.T, to string, args ...string) (code int, files map[string]string, out, errs string) {
	t.Helper()
	address := s.serve(t, "ops:"+secret)
	args = append([]string{stay, "-o", to, "-pause", "1ms"}, args...)
	code, out, errs = disputed(t.Context(), environment(address, secret), args...)
	return code, unpacked(t, to), out, errs
}

const secret = "hunter2-hunter2-hunter2-hunter2-"

func disputed(ctx context.Context, environ func(string) (string, bool), args ...string) (int, string, string) {
	var out, errs bytes.Buffer
	code := dispute(ctx, args, environ, &out, &errs)
	return code, out.String(), errs.String()
}

// unpacked reads a bundle, and nothing if there is none.
func unpacked(t *testing.T, name string) map[string]string {
	t.Helper()
	archive, err := zip.OpenReader(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := make(map[string]string)
	for _, f := range archive.File {
		if !f.Modified.Equal(epoch) || f.Mode() != 0o600 {
			t.Errorf("%s is of %v, with the mode %v", f.Name, f.Modified, f.Mode())
		}
		from, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := files[f.Name]; twice {
			t.Errorf("%s is there twice", f.Name)
		}
		files[f.Name] = string(text)
	}
	return files
}

// checkSums does what sha256sum -c does: every line is right, and no file but
// itself is without one.
func checkSums(t *testing.T, files map[string]string) {
	t.Helper()
	var names []string
	for line := range strings.Lines(files["SHA256SUMS"]) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		h := sha256.Sum256([]byte(files[name]))
		if _, there := files[name]; !ok || !there || hex.EncodeToString(h[:]) != sum {
			t.Errorf("SHA256SUMS is wrong: %q", line)
		}
		names = append(names, name)
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(files)-1 {
		t.Errorf("%d files, and hashes of %v", len(files), names)
	}
}

func names(files map[string]string) []string {
	var all []string
	for name := range files {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func TestDispute(t *testing.T) {
	s := filled()
	code, files, out, errs := s.bundled(t, filepath.Join(t.TempDir(), "a.zip"))
	if code != 0 || !strings.HasSuffix(out, "a.zip: 3 calls, 2 recordings\n") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	call := func(n int) string { return callID(n).String() }
	want := []string{
		"README.txt", "SHA256SUMS", "booking.json", "calls.csv", "calls.json", "recordings.json",
		"recordings/001-r1.mp3", "recordings/002-leg_v3_x_1.wav",
		"stories/001-" + call(1) + ".txt", "stories/002-" + call(2) + ".txt", "stories/003-" + call(3) + ".txt",
		"summaries/001-r1.txt", "transcripts/001-r1.txt",
	}
	if got := names(files); !slices.Equal(got, want) {
		t.Errorf("the files are %v, want %v", got, want)
	}
	checkSums(t, files)
	if files["recordings/001-r1.mp3"] != string(words(1)) || files["recordings/002-leg_v3_x_1.wav"] != string(words(2)) {
		t.Error("the audio is other audio")
	}
	// Stories and README to the byte: they are what people read.
	golden := ""
	for _, name := range []string{"README.txt", want[8], want[9], want[10], "calls.csv", "summaries/001-r1.txt", "transcripts/001-r1.txt", "booking.json"} {
		golden += "== " + name + "\n" + strings.ReplaceAll(files[name], "\r\n", "(CRLF)\n")
	}
	checkGolden(t, "testdata/dispute.golden", golden+"== errors\n"+errs)

	var calls []struct {
		ID    string `json:"call_id"`
		Story []struct{ What any }
	}
	var recordings []struct{ ID, State string }
	if err := errors.Join(json.Unmarshal([]byte(files["calls.json"]), &calls), json.Unmarshal([]byte(files["recordings.json"]), &recordings)); err != nil {
		t.Fatal(err)
	}
	if len(calls) != 3 || calls[0].ID != call(1) || len(calls[0].Story) != 4 || calls[2].ID != call(3) {
		t.Errorf("calls.json: %+v", calls)
	}
	if got := fmt.Sprint(recordings); got != "[{r1 archived} {leg:v3;x@1 archived} {waits pending} {lost lost} {gone erased} {going erasing}]" {
		t.Errorf("recordings.json: %s", got)
	}
	rows, err := csv.NewReader(strings.NewReader(files["calls.csv"])).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][0] != call(1) {
		t.Errorf("calls.csv: %v, %v", rows, err)
	}
	for _, private := range []string{partyA, partyB, partyA[5:], partyB[5:], secret} {
		if strings.Contains(fmt.Sprint(files, out, errs), private) {
			t.Errorf("%q is in it", private)
		}
	}
}

func TestDisputeNumbers(t *testing.T) {
	_, files, _, _ := filled().bundled(t, filepath.Join(t.TempDir(), "a.zip"), "-numbers")
	if !strings.Contains(files["booking.json"], partyA) || !strings.Contains(files["booking.json"], partyB) ||
		!strings.Contains(files["README.txt"], "own are in it") {
		t.Errorf("%s%s", files["booking.json"], files["README.txt"])
	}
}

func TestDisputeJSON(t *testing.T) {
	to := filepath.Join(t.TempDir(), "a.zip")
	code, _, out, _ := filled().bundled(t, to, "-json")
	var said struct {
		File              string
		Calls, Recordings int
		Missing           []string
		Broken            bool
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil || code != 0 || said.File != to || said.Calls != 3 || said.Recordings != 2 ||
		len(said.Missing) != 8 || said.Broken {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
}

// The masks are those of phone.Number.
func TestMasked(t *testing.T) {
	for in, want := range map[string]string{
		partyA: number(partyA).String(), partyB: number(partyB).String(), "": "", "5550111": "***", "+1": "***",
	} {
		if got := masked(in); got != want {
			t.Errorf("%s: %s", want, got)
		}
	}
}

// The same answers make the same bytes, whatever the file is called.
func TestDisputeTwice(t *testing.T) {
	dir := t.TempDir()
	s := filled()
	var texts [2]string
	for i := range texts {
		to := filepath.Join(dir, fmt.Sprint(i))
		s.bundled(t, to)
		text, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] != texts[1] {
		t.Error("two runs differ")
	}
}

// Every page of the calls is read, and each call once.
func TestDisputeOfManyCalls(t *testing.T) {
	s := filled()
	s.calls = nil
	for n := range 450 {
		s.calls = append(s.calls, protocol.Call{ID: callID(n), Booking: s.booking.ID, Session: "s", Stage: "closed", RangAt: epoch, EndAt: epoch})
	}
	code, files, out, _ := s.bundled(t, filepath.Join(t.TempDir(), "a.zip"))
	rows, err := csv.NewReader(strings.NewReader(files["calls.csv"])).ReadAll()
	if code != 0 || err != nil || !strings.Contains(out, "450 calls") || len(rows) != 451 || s.asked("GET /bookings/"+stay+"/calls") != 3 {
		t.Fatalf("exit %d: %s%d rows, %d pages", code, out, len(rows), s.asked("GET /bookings/"+stay+"/calls"))
	}
	var calls []struct {
		ID string `json:"call_id"`
	}
	if err := json.Unmarshal([]byte(files["calls.json"]), &calls); err != nil {
		t.Fatal(err)
	}
	for n, c := range calls {
		id := callID(n).String()
		if c.ID != id || rows[n+1][0] != id || files[fmt.Sprintf("stories/%03d-%s.txt", n+1, id)] == "" {
			t.Fatalf("call %d is %s, %s", n, c.ID, rows[n+1][0])
		}
	}
}

func TestDisputeOfNothing(t *testing.T) {
	s := filled()
	s.calls, s.recordings = nil, nil
	code, files, _, errs := s.bundled(t, filepath.Join(t.TempDir(), "a.zip"))
	if code != 0 || errs != "" || files["calls.json"] != "[]\n" || files["recordings.json"] != "[]\n" || len(files) != 6 ||
		strings.Count(files["README.txt"], "nothing\n") != 2 {
		t.Errorf("exit %d: %s%v", code, errs, files)
	}
	checkSums(t, files)
}

func TestHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "talked": "talked", "2026": "2026", "=1+1": "'=1+1", "+13125550100": "'+13125550100", "-2": "'-2", "@x": "'@x", "\t=1": "'\t=1", "\r=1": "'\r=1", "a=1": "a=1",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestMeter(t *testing.T) {
	var screen bytes.Buffer
	m := &meter{to: &screen}
	m.clear()
	m.show("%d%%", 1)
	m.show("%d%%", 1)
	m.show("%d%%", 2)
	m.clear()
	m.clear()
	if got := screen.String(); got != "\r1%\x1b[K\r2%\x1b[K\r\x1b[K" {
		t.Errorf("%q", got)
	}
	screens, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer screens.Close()
	if m := newMeter(screens); m.to == nil {
		t.Error("a device is not taken for a terminal")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, to := range []io.Writer{&screen, file} {
		if m := newMeter(to); m.to != nil {
			t.Errorf("%T is taken for a terminal", to)
		}
	}
}

// checkGolden holds a text against a file.
func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}
