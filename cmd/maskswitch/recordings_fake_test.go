package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
	"maskswitch/http/api"
)

// shelf is a switch of the tests' with one booking, its calls and recordings,
// behind the real API.
type shelf struct {
	api.Switch

	mu         sync.Mutex
	booking    protocol.Booking
	calls      []protocol.Call
	stories    map[protocol.CallID][]protocol.Line
	recordings []protocol.Recording
	texts      map[protocol.RecordingID][]protocol.RecordingText
	audio      map[protocol.RecordingID][]byte
	erasures   []protocol.Erasure
	erased     []string                // what erasures were asked for
	look       func(*protocol.Erasure) // before each look at one

	// first may answer instead of the API, and says so.
	first func(w http.ResponseWriter, r *http.Request) bool
	seen  []string // method, path and range of each request
}

const partyA, partyB = "+13125550111", "+447700900123"

// words are what was said, long enough to break off in the midst of it.
func words(seed byte) []byte { return bytes.Repeat([]byte{seed, 'I', 'D', '3', 0, 0xff}, 40_000) }

func callID(n int) protocol.CallID {
	id, err := protocol.ParseCallID(fmt.Sprintf("019b7705-9c00-7000-8000-%012d", n))
	if err != nil {
		panic(err)
	}
	return id
}

// filled is a shelf with a call that was recorded, one that nobody answered, one
// that is under way, and recordings in every state.
func filled() *shelf {
	b := protocol.Booking{
		ID: protocol.NewBookingID(epoch), Ref: "stay-7;b", NumberA: number("+13125550100"), NumberB: number("+13125550100"),
		PartyA: number(partyA), PartyB: number(partyB), CreatedAt: epoch, CheckoutAt: epoch.Add(24 * time.Hour), LimitAt: epoch.Add(24 * time.Hour),
	}
	talked := protocol.Call{
		ID: callID(1), Booking: b.ID, Number: b.NumberA, Caller: protocol.PartyB, Session: "s-1", Stage: "closed", Outcome: protocol.OutcomeTalked,
		RangAt: epoch, AnsweredAt: epoch.Add(time.Second), TalkAt: epoch.Add(5 * time.Second), ConsentAt: epoch.Add(8 * time.Second),
		EndAt: epoch.Add(65500 * time.Millisecond), HangupCause: protocol.CauseNormalClearing, HangupSource: protocol.SourceCaller,
	}
	unheard := talked
	unheard.ID, unheard.Session, unheard.Reason, unheard.ConsentAt = callID(2), "s-2", "=HYPERLINK(\"x\")\nforged, line", time.Time{}
	rings := protocol.Call{ID: callID(3), Booking: b.ID, Number: b.NumberA, Caller: protocol.PartyA, Session: "s-3", Stage: "ringing", RangAt: epoch.Add(time.Hour)}
	s := &shelf{
		booking: b, calls: []protocol.Call{talked, unheard, rings},
		stories: map[protocol.CallID][]protocol.Line{
			talked.ID: {
				{N: 1, At: epoch, What: `{"event":"call.initiated","leg":"a","id":"e1"}`},
				{N: 2, At: epoch.Add(250 * time.Millisecond), What: `{"send":"answer","leg":"a"}`},
				{N: 3, At: epoch.Add(1250 * time.Millisecond), What: `{"reply":"answer","result":"ok","attempts":2}`},
				{N: 5, At: epoch.Add(66 * time.Second), What: `{"note":"two\nlines","said":"a \"b\"","more":{"b":1,"a":[2]},"list":"c, d","none":""}`},
			},
		},
		texts: map[protocol.RecordingID][]protocol.RecordingText{"r1": {
			{Recording: "r1", Kind: protocol.TextTranscript, Text: "hello\nhello", MadeBy: "t1", At: epoch.Add(70 * time.Second)},
			{Recording: "r1", Kind: protocol.TextSummary, Text: "They greeted each other.", MadeBy: "model-1", At: epoch.Add(80 * time.Second)},
		}},
		audio: map[protocol.RecordingID][]byte{"r1": words(1), "leg:v3;x@1": words(2)},
	}
	for _, r := range []protocol.Recording{
		{ID: "r1", Call: talked.ID, Format: "mp3", Channels: "dual", Caller: protocol.PartyB, StartedAt: epoch.Add(8 * time.Second), EndedAt: epoch.Add(65250 * time.Millisecond),
			Status: protocol.RecordingArchived, ContentType: "audio/mpeg", ArchivedAt: epoch.Add(67 * time.Second), Summary: protocol.SummaryDone},
		{ID: "leg:v3;x@1", Format: "wav", Channels: "single", Status: protocol.RecordingArchived, ContentType: "audio/wav", ArchivedAt: epoch, Summary: protocol.SummaryFailed, SummaryWhy: "the model is gone"},
		{ID: "waits", Call: rings.ID, NextTryAt: epoch.Add(time.Minute), Tries: 3, Why: "the carrier took too long", Summary: protocol.SummaryWaiting},
		{ID: "lost", Status: protocol.RecordingLost, Why: "the carrier has no recording of this call"},
		{ID: "gone", Status: protocol.RecordingErased, Why: "retention", CarrierGone: true, ErasedAt: epoch},
		{ID: "going", Status: protocol.RecordingErasing, Why: "asked for"},
	} {
		r.Booking, r.NoticedAt = b.ID, epoch
		if audio := s.audio[r.ID]; audio != nil {
			sum := sha256.Sum256(audio)
			r.Bytes, r.SHA256 = int64(len(audio)), hex.EncodeToString(sum[:])
		}
		s.recordings = append(s.recordings, r)
	}
	return s
}

func (s *shelf) Booking(_ context.Context, id string) (protocol.Booking, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != s.booking.PublicID() && id != s.booking.ID.String() {
		return protocol.Booking{}, protocol.Errorf(protocol.NotFound, "booking_not_found", "no booking has this id")
	}
	return s.booking, nil
}

func (s *shelf) Calls(_ context.Context, _ string, after protocol.CallID, limit int) (out []protocol.Call, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.ID.String() > after.String() && len(out) < limit {
			out = append(out, c)
		}
	}
	return out, nil
}

func (s *shelf) Call(_ context.Context, id protocol.CallID) (protocol.Call, []protocol.Line, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.ID == id {
			return c, s.stories[id], nil
		}
	}
	return protocol.Call{}, nil, protocol.Errorf(protocol.NotFound, "call_not_found", "no call has this id")
}

func (s *shelf) BookingRecordings(context.Context, string) ([]protocol.Recording, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.recordings), nil
}

// with does something to a recording, or says that there is none.
func (s *shelf) with(id protocol.RecordingID, do func(*protocol.Recording) error) (protocol.Recording, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.recordings {
		if s.recordings[i].ID == id {
			err := do(&s.recordings[i])
			return s.recordings[i], err
		}
	}
	return protocol.Recording{}, protocol.Errorf(protocol.NotFound, "recording_not_found", "no recording has this id")
}

func (s *shelf) Recording(_ context.Context, id protocol.RecordingID) (protocol.Recording, error) {
	return s.with(id, func(*protocol.Recording) error { return nil })
}

func (s *shelf) RecordingTexts(_ context.Context, id protocol.RecordingID) ([]protocol.RecordingText, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.texts[id], nil
}

func (s *shelf) OpenAudio(_ context.Context, r protocol.Recording, from, _ int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return io.NopCloser(bytes.NewReader(s.audio[r.ID][from:])), nil
}

func (s *shelf) HoldRecording(_ context.Context, id protocol.RecordingID, reason string) (protocol.Recording, error) {
	return s.with(id, func(r *protocol.Recording) error { r.Hold = reason; return nil })
}

func (s *shelf) EraseRecording(_ context.Context, id protocol.RecordingID) (protocol.Recording, error) {
	return s.with(id, func(r *protocol.Recording) error {
		if r.Hold != "" {
			return protocol.Errorf(protocol.Conflict, "recording_held", "it is held: %s", r.Hold)
		}
		if r.Status != protocol.RecordingErased {
			r.Status, r.Why = protocol.RecordingErasing, "asked for"
		}
		return nil
	})
}

func (s *shelf) PlaceErasure(_ context.Context, party phone.Number, booking string) (protocol.Erasure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	subject := booking
	if booking == "" {
		subject = party.String()
		s.erased = append(s.erased, party.E164())
	} else {
		s.erased = append(s.erased, booking)
	}
	id, err := protocol.ParseErasureID(fmt.Sprintf("019b7705-9c00-7000-8000-%012d", 900+len(s.erasures)))
	if err != nil {
		return protocol.Erasure{}, err
	}
	s.erasures = append(s.erasures, protocol.Erasure{ID: id, CreatedAt: epoch, Subject: subject, Bookings: 1, Recordings: 1, Waiting: 2})
	return s.erasures[len(s.erasures)-1], nil
}

func (s *shelf) Erasure(_ context.Context, id protocol.ErasureID) (protocol.Erasure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.erasures {
		if s.erasures[i].ID == id {
			if s.look != nil {
				s.look(&s.erasures[i])
			}
			return s.erasures[i], nil
		}
	}
	return protocol.Erasure{}, protocol.Errorf(protocol.NotFound, "erasure_not_found", "no erasure has this id")
}

// serve runs its API, and returns the address.
func (s *shelf) serve(t *testing.T, secrets string) string {
	t.Helper()
	keys, err := api.ParseKeys(secrets)
	if err != nil {
		t.Fatal(err)
	}
	h := api.New(api.Config{Switch: s, APIKeys: keys})
	return listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Range")))
		first := s.first
		s.mu.Unlock()
		if first == nil || !first(w, r) {
			h.ServeHTTP(w, r)
		}
	}))
}

// asked counts the requests that begin with words.
func (s *shelf) asked(words string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.seen {
		if strings.HasPrefix(line, words) {
			n++
		}
	}
	return n
}

// atAudio does something when the audio of a recording is asked for, until it
// has done so some times.
func (s *shelf) atAudio(id string, times int, do func(w http.ResponseWriter, r *http.Request) bool) {
	s.first = func(w http.ResponseWriter, r *http.Request) bool {
		s.mu.Lock()
		mine := r.URL.Path == "/recordings/"+id+"/audio" && times != 0
		if mine {
			times--
		}
		s.mu.Unlock()
		return mine && do(w, r)
	}
}

// cutter lets an answer go on until so many bytes of it are sent, and hangs up.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) >= c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// cut serves the audio as the API does, and hangs up after some bytes.
func (s *shelf) cut(after int) func(http.ResponseWriter, *http.Request) bool {
	h := api.New(api.Config{Switch: s})
	return func(w http.ResponseWriter, r *http.Request) bool {
		h.ServeHTTP(&cutter{w, after}, r)
		return true
	}
}
