package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"maskswitch/actors/protocol"
)

// TestLanes compares lanes with a plain map.
func TestLanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, model := newLanes(), map[protocol.RecordingID]laned{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := protocol.RecordingID(fmt.Sprint("r", rapid.IntRange(0, 9).Draw(t, "id")))
			if rapid.Bool().Draw(t, "drop") {
				l.drop(id)
				delete(model, id)
			} else {
				spot := laned{Act(rapid.IntRange(0, acts-1).Draw(t, "act")), noon.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "at")))}
				l.put(spot.act, protocol.RecordingDue{At: spot.at, ID: id})
				model[id] = spot
			}
			all := 0
			for act := range Act(acts) {
				all += len(l.by[act])
				if !slices.IsSortedFunc(l.by[act], soonest) {
					t.Fatalf("lane %d is not in order", act)
				}
				for _, due := range l.by[act] {
					if model[due.ID] != (laned{act, due.At}) || !l.knows(due.ID) {
						t.Fatalf("lane %d has %v", act, due)
					}
				}
			}
			if all != len(model) || len(l.where) != len(model) {
				t.Fatalf("%d in the lanes, %d known, want %d", all, len(l.where), len(model))
			}
		}
	})
}

func TestLanesKeepTheSoonest(t *testing.T) {
	l := newLanes()
	for _, n := range rand.New(rand.NewPCG(1, 2)).Perm(3 * laneMost) {
		l.put(ActFetch, protocol.RecordingDue{At: noon.Add(time.Duration(n)), ID: protocol.RecordingID(fmt.Sprint(n))})
	}
	if len(l.by[ActFetch]) != laneMost || len(l.where) != laneMost || !l.by[ActFetch][laneMost-1].At.Equal(noon.Add(laneMost-1)) || !l.spilled[ActFetch] || l.spilled[ActErase] {
		t.Errorf("%d in the lane, the last at %s", len(l.by[ActFetch]), l.by[ActFetch][laneMost-1].At)
	}
	l.spilled[ActFetch] = false
	if l.put(ActFetch, protocol.RecordingDue{At: noon.Add(time.Hour), ID: "late"}); !l.spilled[ActFetch] || l.knows("late") {
		t.Error("one that does not fit in is not noted as left out")
	}
}

func TestBrake(t *testing.T) {
	var b brake
	out, works := tried{ActFetch, trouble(protocol.TroubleLater, 0), true}, tried{act: ActFetch}
	carriers := tried{ActFetch, trouble(protocol.TroubleLater, 500), false}
	for i := range brakeAfter {
		if _, free := b.free(ActFetch, 7); !free {
			t.Fatalf("on after %d failures", i)
		}
		if changed := b.note(out, noon); changed != (i == brakeAfter-1) {
			t.Fatalf("failure %d: changed %t", i+1, changed)
		}
	}
	if _, free := b.free(ActFetch, 1); free {
		t.Error("two try at once")
	}
	if at, free := b.free(ActFetch, 0); !free || at != noon.Add(probeEvery) {
		t.Errorf("the next try at %s", at)
	}
	if at, free := b.free(ActErase, 3); !free || !at.IsZero() {
		t.Error("erasing waits")
	}
	b.note(carriers, noon.Add(time.Minute))
	if at, _ := b.free(ActFetch, 0); !b.on() || at != noon.Add(time.Minute+probeEvery) {
		t.Errorf("after a try that says nothing of the archive: on %t, the next at %s", b.on(), at)
	}
	if !b.note(works, noon) || b.on() {
		t.Error("still on when it works")
	}
	b.note(out, noon)
	b.note(works, noon)
	b.note(out, noon)
	if b.note(out, noon) {
		t.Error("on after failures that were not in a row")
	}
	enough := trouble(protocol.TroubleLater, 429)
	b.note(tried{ActTidy, enough, false}, noon)
	for act, want := range map[Act]time.Time{ActFetch: noon.Add(calmLeast), ActErase: noon.Add(calmLeast), ActTidy: noon.Add(calmLeast), ActSummarise: {}} {
		if at, _ := b.free(act, 0); at != want {
			t.Errorf("act %d: %s", act, at)
		}
	}
	enough.After = 30 * time.Hour
	b.note(tried{ActFetch, enough, false}, noon)
	b.note(tried{ActFetch, trouble(protocol.TroubleLater, 429), false}, noon)
	if at, _ := b.free(ActErase, 0); at != noon.Add(afterMost) {
		t.Errorf("until %s", at)
	}
}

func TestJudge(t *testing.T) {
	wav := "RIFF....WAVEfmt "
	for _, c := range []struct {
		story, head, format, announced string
		want                           string // the format; empty: refused
	}{
		{"MP3 with a tag", "ID3\x04 and so on.", "mp3", "audio/mpeg", "mp3"},
		{"MP3 without", "\xff\xfb\x90\x00 and so on", "mp3", "application/octet-stream", "mp3"},
		{"WAV", wav, "wav", "audio/x-wav", "wav"},
		{"not announced", wav, "wav", "", "wav"},
		{"with a parameter", wav, "wav", "audio/wav; codecs=1", "wav"},
		{"as a store says", wav, "wav", "binary/octet-stream", "wav"},
		{"of no known format", "ID3 and so on", "", "audio/mpeg", "mp3"},
		{"WAV for MP3", wav, "mp3", "audio/mpeg", ""},
		{"MP3 for WAV", "ID3 and so on", "wav", "audio/wav", ""},
		{"an error page", "<html><body>Forbidden", "mp3", "text/html", ""},
		{"an error page that is announced as audio", "<html><body>Forbidden", "mp3", "audio/mpeg", ""},
		{"an error document", `<?xml version="1.0"?><Error>`, "mp3", "application/xml", ""},
		{"audio that is announced as a page", "ID3 and so on", "mp3", "text/html", ""},
		{"JSON", `{"errors":[]}`, "", "application/json", ""},
		{"another RIFF", "RIFF....AVI LIST", "wav", "audio/wav", ""},
		{"nothing", "", "mp3", "audio/mpeg", ""},
		{"one byte", "\xff", "mp3", "audio/mpeg", ""},
		{"a type that is none", "ID3 and so on", "mp3", "audio//mpeg;;", ""},
	} {
		head := c.head[:min(len(c.head), headBytes)]
		format, contentType, err := judge([]byte(head), c.format, c.announced)
		if format != c.want || (err == nil) != (c.want != "") || err == nil && contentType != map[string]string{"mp3": "audio/mpeg", "wav": "audio/wav"}[format] {
			t.Errorf("%s: %q as %q, %v", c.story, format, contentType, err)
		}
		if err != nil && err.Trouble != protocol.TroubleBroken {
			t.Errorf("%s: %s", c.story, err.Trouble)
		}
	}
}

// shelf is an archive that may do harm.
type shelf struct {
	Archive
	kept  []byte
	flip  bool // gives back another byte
	short bool // and shows another length
}

func (s *shelf) Put(_ context.Context, name, contentType string, _ int64, audio io.Reader) (protocol.Object, error) {
	all, err := io.ReadAll(audio)
	if err == nil {
		s.kept = all
	}
	return protocol.Object{}, err
}

func (s *shelf) Stat(context.Context, string) (protocol.Object, error) {
	if s.kept == nil {
		return protocol.Object{}, protocol.ErrNoObject
	}
	if s.short {
		return protocol.Object{Bytes: int64(len(s.kept)) - 1}, nil
	}
	return protocol.Object{Bytes: int64(len(s.kept))}, nil
}

func (s *shelf) Open(context.Context, string, int64, int64) (io.ReadCloser, error) {
	back := slices.Clone(s.kept)
	if s.flip {
		back[len(back)/2] ^= 1
	}
	return io.NopCloser(strings.NewReader(string(back))), nil
}

// line is a carrier that gives one audio.
type line struct {
	Carrier
	audio protocol.Audio
}

func (l *line) Download(context.Context, protocol.Secret) (protocol.Audio, error) {
	return l.audio, nil
}

type breaking struct{ io.Reader }

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the line broke"}
	}
	return n, err
}

func TestBring(t *testing.T) {
	sound := "ID3" + strings.Repeat("sound", 50_000)
	for _, c := range []struct {
		story     string
		audio     io.Reader
		announced int64
		shelf     shelf
		want      string // the trouble, contained; empty: none
		kept      bool   // by the archive all the same
	}{
		{"whole", strings.NewReader(sound), int64(len(sound)), shelf{}, "", false},
		{"not announced", strings.NewReader(sound), -1, shelf{}, "", false},
		{"cut off", strings.NewReader(sound[:90_000]), int64(len(sound)), shelf{}, "were announced and 90000 came", false},
		{"too much", strings.NewReader(sound), 90_000, shelf{}, "90000 bytes were announced", false},
		{"broken off", breaking{strings.NewReader(sound)}, int64(len(sound)), shelf{}, "the line broke", false},
		{"broken off at the very beginning", breaking{strings.NewReader("")}, -1, shelf{}, "the line broke", false},
		{"nothing", strings.NewReader(""), 0, shelf{}, "without a single byte", false},
		{"the archive flips a bit", strings.NewReader(sound), -1, shelf{flip: true}, "other bytes", true},
		{"the archive shows another length", strings.NewReader(sound), -1, shelf{short: true}, "other bytes", true},
	} {
		e := errand{row: row(), config: &Config{
			Carrier: &line{audio: protocol.Audio{ReadCloser: io.NopCloser(c.audio), Bytes: c.announced, ContentType: "audio/mpeg"}}, Archive: &c.shelf,
		}}
		got, failure := e.bring(context.Background(), "link", "mp3")
		switch {
		case c.want == "" && (failure != nil || got.Object.Bytes != int64(len(sound)) || got.Object.Name != Name(e.row) || string(c.shelf.kept) != sound):
			t.Errorf("%s: %+v, %+v", c.story, got, failure)
		case c.want != "" && (failure == nil || !strings.Contains(failure.Err.Detail, c.want) || failure.Archive || (c.shelf.kept != nil) != c.kept):
			t.Errorf("%s: %+v, %+v", c.story, got, failure)
		}
	}
}

// TestFromEvent: the same event makes the same row, and two recordings never do.
func TestFromEvent(t *testing.T) {
	ev := protocol.LegRecorded{
		About: protocol.About{Session: "s", Leg: "ctl", At: noon}, LegUUID: "leg", Format: "mp3", Channels: "dual",
		StartedAt: noon.Add(-time.Hour), EndedAt: noon, Link: "https://secret",
	}
	a, b := protocol.SavedRecording(ev), protocol.SavedRecording(ev)
	if a != b || !a.ID.StandIn() || a.ID.Expected() || a.NextTryAt != noon || a.NoticedAt != noon || strings.Contains(fmt.Sprintf("%+v", a), "secret") {
		t.Errorf("%+v", a)
	}
	ids := map[protocol.RecordingID]bool{a.ID: true}
	for _, change := range []func(*protocol.LegRecorded){
		func(ev *protocol.LegRecorded) { ev.StartedAt = ev.StartedAt.Add(time.Microsecond) },
		func(ev *protocol.LegRecorded) { ev.LegUUID = "" },
		func(ev *protocol.LegRecorded) { ev.LegUUID = "other" },
		func(ev *protocol.LegRecorded) { ev.Recording = "r1" },
	} {
		other := ev
		change(&other)
		ids[protocol.SavedRecording(other).ID] = true
	}
	if len(ids) != 5 {
		t.Errorf("%d ids of 5", len(ids))
	}
	call := protocol.Call{ID: protocol.CallID{9}, Booking: protocol.BookingID{7}, Session: "s", Caller: protocol.PartyA, Partition: 2}
	r := protocol.ExpectedRecording(call, noon)
	if !r.ID.Expected() || r.Call != call.ID || r.Booking != call.Booking || r.Session != "s" || r.Caller != protocol.PartyA || r.Partition != 2 || r.NextTryAt != noon || r.NoticedAt != noon {
		t.Errorf("%+v", r)
	}
}
