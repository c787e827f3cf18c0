package carrier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

// download is what a client sees of a link.
type download struct {
	status int
	kind   string
	bytes  []byte
	err    error
}

func (r *rig) download(link string) download {
	r.Helper()
	req, err := http.NewRequestWithContext(r.ctx, "GET", link, nil)
	if err != nil {
		r.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return download{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return download{resp.StatusCode, resp.Header.Get("Content-Type"), b, err}
}

// freshLink asks the API for a recording's link.
func (r *rig) freshLink(id string) string {
	r.Helper()
	status, out := r.request("GET", "/recordings/"+id, "")
	data, _ := out["data"].(map[string]any)
	urls, _ := data["download_urls"].(map[string]any)
	for _, link := range urls {
		return link.(string)
	}
	r.Fatalf("GET /recordings/%s: %d %v", id, status, out)
	return ""
}

// Each trouble is what it is called, and over after its tries.
func TestFileTroubles(t *testing.T) {
	troubles := map[FileTrouble]func(download, Recording) bool{
		FileExpired: func(d download, _ Recording) bool {
			return d.status == 403 && bytes.Contains(d.bytes, []byte("expired"))
		},
		FileForbidden: func(d download, _ Recording) bool { return d.status == 403 },
		FileMissing:   func(d download, _ Recording) bool { return d.status == 404 },
		FileError:     func(d download, _ Recording) bool { return d.status == 500 },
		FilePage: func(d download, _ Recording) bool {
			return d.status == 200 && strings.HasPrefix(d.kind, "text/html") && d.err == nil
		},
		FileCut: func(d download, rec Recording) bool {
			return d.status == 200 && d.err != nil && int64(len(d.bytes)) == rec.Size/2
		},
		FileShort: func(d download, rec Recording) bool {
			return d.status == 200 && d.err != nil && int64(len(d.bytes)) == rec.Size-1
		},
		FileGarbled: func(d download, rec Recording) bool {
			return d.status == 200 && d.err == nil && int64(len(d.bytes)) == rec.Size && !bytes.HasPrefix(d.bytes, []byte("ID3"))
		},
		FileSlow: func(d download, rec Recording) bool { return d.err == nil && whole(d, rec) },
	}
	for _, trouble := range FileTroubles() {
		t.Run(string(trouble), func(t *testing.T) {
			t.Parallel()
			if troubles[trouble] == nil {
				t.Fatal("the test does not know this trouble")
			}
			r := newRig(t, Config{AudioBytes: 100_000, Faults: Faults{Files: []FileFault{{Rate: 1, Is: trouble, Lasts: 50 * time.Millisecond}}}})
			rec := r.recorded().Recordings[0]
			began := time.Now()
			d := r.download(savedLink(r.deliveries("call.recording.saved")[0]))
			if !troubles[trouble](d, rec) {
				t.Errorf("status %d, %s, %d bytes of %d, %v", d.status, d.kind, len(d.bytes), rec.Size, d.err)
			}
			if took := time.Since(began); trouble == FileSlow && took < 50*time.Millisecond {
				t.Errorf("a slow file took %v", took)
			}
			if again := r.download(r.freshLink(rec.ID)); again.err != nil || !whole(again, rec) {
				t.Errorf("again: status %d, %d bytes, %v", again.status, len(again.bytes), again.err)
			}
			l := r.Calls()[0].Ledger().Recordings[0]
			tries, fetches := 2, 1
			switch trouble {
			case FileExpired:
				tries = 1 // that link is no good one
			case FileSlow:
				fetches = 2
			}
			// The carrier notes a fetch when it has written the file, which may be after
			// it was read.
			for end := time.Now().Add(10 * time.Second); l.Fetches < fetches && time.Now().Before(end); {
				<-time.After(time.Millisecond)
				l = r.Calls()[0].Ledger().Recordings[0]
			}
			if l.Tries != tries || l.Fetches != fetches {
				t.Errorf("%d tries and %d fetches, want %d and %d", l.Tries, l.Fetches, tries, fetches)
			}
		})
	}
}

// whole says that a download is the recording.
func whole(d download, rec Recording) bool {
	sum := sha256.Sum256(d.bytes)
	return d.status == 200 && int64(len(d.bytes)) == rec.Size && hex.EncodeToString(sum[:]) == rec.SHA256
}

func TestFileTroublesByHookAndTries(t *testing.T) {
	var asked []string
	r := newRig(t, Config{Faults: Faults{Files: []FileFault{{Rate: 1, Is: FileMissing, Tries: 2}}}, OnFile: func(rec Recording, try int) FileTrouble {
		asked = append(asked, fmt.Sprint(rec.ID, try))
		if try == 2 {
			return FileError
		}
		return ""
	}})
	rec := r.recorded().Recordings[0]
	link := savedLink(r.deliveries("call.recording.saved")[0])
	var got []int
	for range 4 {
		got = append(got, r.download(link).status)
	}
	if !slices.Equal(got, []int{404, 500, 200, 200}) || !slices.Equal(asked, []string{rec.ID + "1", rec.ID + "2", rec.ID + "3", rec.ID + "4"}) {
		t.Errorf("answered %v, asked the hook %v", got, asked)
	}
}

// A share of the recordings is struck, by the seed.
func TestFileFaultsKeepTheirRates(t *testing.T) {
	c := New(Config{Seed: 4, Faults: Faults{Files: []FileFault{{Rate: .2, Is: FileCut}, {Rate: .3, Is: FilePage}}}})
	defer c.Close()
	n := map[FileTrouble]int{}
	for call := range uint64(10_000) {
		is, _ := c.trouble(&kept{Recording: Recording{Call: call, Leg: "A"}}, 1)
		n[is]++
	}
	if n[FileCut] < 1850 || n[FileCut] > 2150 || n[FilePage] < 2800 || n[FilePage] > 3200 || n[""] < 4800 {
		t.Errorf("of 10,000: %v", n)
	}
}

// The handler may be mounted on any server.
func TestBrokenFilesOnAnotherServer(t *testing.T) {
	r := newRig(t, Config{Faults: Faults{Files: []FileFault{{Rate: 1, Is: FileCut}}}})
	rec := r.recorded().Recordings[0]
	server := httptest.NewServer(r.Carrier)
	defer server.Close()
	link := strings.Replace(r.freshLink(rec.ID), r.URL(), server.URL, 1)
	if d := r.download(link); d.status != 200 || d.err == nil || int64(len(d.bytes)) != rec.Size/2 {
		t.Errorf("status %d, %d bytes of %d, %v", d.status, len(d.bytes), rec.Size, d.err)
	}
	if d := r.download(link); d.err != nil || !whole(d, rec) {
		t.Errorf("again: status %d, %d bytes, %v", d.status, len(d.bytes), d.err)
	}
}

func TestKeysShownToTheStorageAreNoted(t *testing.T) {
	r := newRig(t, Config{APIKey: "KEY"})
	rec := r.recorded().Recordings[0]
	link := savedLink(r.deliveries("call.recording.saved")[0])
	if leaks := r.KeyLeaks(); len(leaks) > 0 {
		t.Errorf("leaks before anything was fetched: %+v", leaks)
	}
	r.fetch(link, "")
	if status, _ := r.fetch(link, "KEY"); status != 400 {
		t.Errorf("with a key: %d", status)
	}
	if status, _ := r.fetch(r.URL()+recorder+"nothing", "KEY"); status != 400 {
		t.Errorf("with a key, and no link: %d", status)
	}
	leaks := r.KeyLeaks()
	if len(leaks) != 2 || leaks[0].Recording != rec.ID || leaks[0].Call != rec.Call || leaks[1].Recording != "" || leaks[0].At.IsZero() {
		t.Errorf("leaks %+v", leaks)
	}
	if got := r.Recordings()[0]; got.Fetches != 1 || got.Tries != 1 {
		t.Errorf("a request with a key counts as a fetch: %+v", got)
	}
}

// A recording outlives its call as long as it was told to, and no longer.
func TestRecordingsOutliveTheirCalls(t *testing.T) {
	for _, life := range []time.Duration{0, time.Hour} {
		r := newRig(t, Config{Shelf: life})
		rec := r.recorded().Recordings[0]
		link := savedLink(r.deliveries("call.recording.saved")[0])
		r.Forget(r.Calls()[0])
		d := r.download(link)
		if stays := life > 0; stays != whole(d, rec) || stays != (len(r.Recordings()) == 1) {
			t.Errorf("with a life of %v: status %d, %d recordings", life, d.status, len(r.Recordings()))
		}
	}
}

func TestDeletedRecordingsAreRemembered(t *testing.T) {
	r := newRig(t, Config{})
	rec := r.recorded().Recordings[0]
	if status, _ := r.request("DELETE", "/recordings/"+rec.ID, ""); status != 200 {
		t.Fatalf("delete: %d", status)
	}
	if all := r.Recordings(); len(all) != 1 || !all[0].Deleted {
		t.Errorf("%+v", all)
	}
}

func TestAudioIsAsLongAsAsked(t *testing.T) {
	for _, format := range []string{"mp3", "wav"} {
		for _, channels := range []string{"single", "dual"} {
			for _, least := range []int64{0, 1, 5000, 5001, 1 << 20} {
				began := time.Now()
				r := &recording{Recording: Recording{ID: newID(), Format: format, Channels: channels, Started: began, Ended: began.Add(time.Second), Paused: 400 * time.Millisecond}}
				a := r.audio(least)
				b, err := io.ReadAll(a.reader())
				if err != nil || int64(len(b)) != a.size || a.size < least || least > 6000 && a.size > least+100 {
					t.Fatalf("%s %s of at least %d: %d bytes read of %d, %v", format, channels, least, len(b), a.size, err)
				}
				sum := sha256.Sum256(b)
				if hex.EncodeToString(sum[:]) != a.sum() || !bytes.Contains(b, []byte(r.ID)) {
					t.Errorf("%s %s: another sum, or no id", format, channels)
				}
				// Any part of it is that part.
				again := a.reader()
				for _, from := range []int64{0, 7, int64(len(a.head)) - 1, int64(len(a.head)) + 5, a.size - 3, a.size} {
					if _, err := again.Seek(from-a.size, io.SeekEnd); err != nil {
						t.Fatal(err)
					}
					if rest, _ := io.ReadAll(again); !bytes.Equal(rest, b[from:]) {
						t.Errorf("%s %s from %d: other bytes", format, channels, from)
					}
				}
				if least == 0 {
					soundIsValid(t, format, channels, b)
				}
			}
		}
	}
}

// soundIsValid reads a file as a player would: 600 ms.
func soundIsValid(t *testing.T, format, channels string, b []byte) {
	t.Helper()
	little := func(at, n int) (v int) {
		for i := n - 1; i >= 0; i-- {
			v = v<<8 | int(b[at+i])
		}
		return v
	}
	if format == "wav" {
		n := map[string]int{"single": 1, "dual": 2}[channels]
		if string(b[:4]) != "RIFF" || little(4, 4) != len(b)-8 || little(22, 2) != n || little(24, 4) != 8000 {
			t.Errorf("wav %s: head % x", channels, b[:44])
		}
		at := bytes.Index(b, []byte("data"))
		if size := little(at+4, 4); at < 0 || size != len(b)-at-8 || size != 600*8*n {
			t.Errorf("wav %s: %d bytes of sound", channels, size)
		}
		return
	}
	tag := 10 + int(b[9])
	if frames := (len(b) - tag) / 24; string(b[:3]) != "ID3" || (len(b)-tag)%24 != 0 || frames != 25 {
		t.Errorf("mp3: a tag of %d bytes and %d frames in %d bytes", tag, (len(b)-tag)/24, len(b))
	}
	for at := tag; at < len(b); at += 24 {
		if mode := b[at+3] >> 6; b[at] != 0xff || b[at+1]&0xe0 != 0xe0 || (mode == 3) != (channels == "single") {
			t.Fatalf("mp3 %s: no frame at %d: % x", channels, at, b[at:at+4])
		}
	}
}

func TestPausesAreNotRecorded(t *testing.T) {
	r := newRig(t, Config{}, idle)
	k, a := r.parked()
	pause := func(id string, want int, wantCode string) {
		t.Helper()
		if status, out := r.act(a, "record_pause", map[string]any{"command_id": id}); status != want || code(out) != wantCode {
			t.Errorf("pause %s: %d %v, want %d %s", id, status, out, want, wantCode)
		}
	}
	pause("before the answer", 422, "90034")
	r.act(a, "answer", nil)
	r.await(k, "A is through", taken("A", "call.answered"))
	pause("nothing is recorded", 422, "10015")
	r.act(a, "record_start", map[string]any{"format": "mp3", "channels": "dual"})
	if status, out := r.act(a, "record_pause", map[string]any{"recording_id": "none"}); status != 422 || code(out) != "10015" {
		t.Errorf("an id that is none: %d %v", status, out)
	}
	if status, out := r.act(a, "record_pause", map[string]any{"recording_id": newID(), "command_id": "another's"}); status != 422 || code(out) != "10015" {
		t.Errorf("another's id: %d %v", status, out)
	}
	pause("now", 200, "")
	pause("again", 200, "")
	r.act(a, "speak", map[string]any{"payload": "Your card number, please.", "voice": "female"})
	r.await(k, "a line was said", happened("A", "call.speak.ended"))
	if status, out := r.act(a, "record_resume", nil); status != 200 {
		t.Errorf("resume: %d %v", status, out)
	}
	r.act(a, "record_stop", nil)
	l := r.await(k, "it is saved", func(l Ledger) bool { return len(l.Recordings) == 1 && l.Recordings[0].Size > 0 })
	rec := l.Recordings[0]
	if rec.Paused < quick.Speech || rec.Paused > rec.Ended.Sub(rec.Started) {
		t.Errorf("paused for %v of %v", rec.Paused, rec.Ended.Sub(rec.Started))
	}
	k.HangUp(party.Caller)
	r.finish(k)
	pause("after the end", 422, "90018")
}
