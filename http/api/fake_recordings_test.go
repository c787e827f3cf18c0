package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func init() {
	for _, kind := range []string{"audio/mpeg", "audio/wav", "text/csv"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
}

// Ids of the tests'.
const (
	callA    = "019b7705-9c00-7000-8000-00000000000a"
	callB    = "019b7705-9c00-7000-8000-00000000000b"
	erasureA = "019b7705-9c00-7000-8000-0000000000ee"
)

// shelf is what a desk has of calls and recordings.
type shelf struct {
	calls      []protocol.Call
	story      []protocol.Line
	recordings []protocol.Recording
	texts      []protocol.RecordingText
	audio      []byte
	broken     int // the archive gives that many bytes, and an error; 0: all
	opened     int // how often somebody began to read, and how often he let go
	closed     int
}

// recorded is a desk with a booking, its calls, and recordings in every state.
func recorded() *desk {
	d := &desk{}
	ask(serve(d), request("POST", "/bookings", good(`,"booking_id":"bk_1"`)))
	d.calls = nil
	id := func(s string) protocol.CallID {
		id, err := protocol.ParseCallID(s)
		if err != nil {
			panic(err)
		}
		return id
	}
	b := d.bookings[0].ID
	over := protocol.Call{
		ID: id(callA), Booking: b, Number: proxy, Caller: protocol.PartyB, Session: "s-a", Stage: "closed", Outcome: protocol.OutcomeTalked,
		RangAt: epoch.Add(123456 * time.Microsecond), AnsweredAt: epoch.Add(time.Second), DialedAt: epoch.Add(2 * time.Second),
		TalkAt: epoch.Add(5 * time.Second), ConsentAt: epoch.Add(8 * time.Second), EndAt: epoch.Add(65*time.Second + 500*time.Millisecond),
		HangupCause: protocol.CauseNormalClearing, HangupSource: protocol.SourceCaller,
	}
	rings := protocol.Call{ID: id(callB), Booking: b, Number: proxy, Caller: protocol.PartyA, Session: "s-b", Stage: "ringing", RangAt: epoch.Add(time.Hour)}
	d.tape = shelf{
		calls: []protocol.Call{over, rings},
		story: wholeStory(over.ID),
		audio: []byte("ID3 this is what they said"),
	}
	sum := sha256.Sum256(d.tape.audio)
	whole := protocol.Recording{
		ID: "r1", Call: over.ID, Booking: b, Caller: protocol.PartyB, Session: "s-a", Format: "mp3", Channels: "dual",
		StartedAt: epoch.Add(8 * time.Second), EndedAt: epoch.Add(65*time.Second + 250*time.Millisecond), NoticedAt: epoch.Add(66 * time.Second),
		Status: protocol.RecordingArchived, Object: "2026/01/01/x/r1.mp3", Bytes: int64(len(d.tape.audio)), SHA256: hex.EncodeToString(sum[:]),
		ContentType: "audio/mpeg", ArchivedAt: epoch.Add(67 * time.Second), Summary: protocol.SummaryDone,
	}
	pending := protocol.Recording{ID: "pending", Booking: b, Call: over.ID, NoticedAt: epoch, NextTryAt: epoch.Add(time.Minute), Tries: 3, Why: "the carrier took too long", Summary: protocol.SummaryWaiting}
	lost := protocol.Recording{ID: "lost", Booking: b, NoticedAt: epoch, Status: protocol.RecordingLost, Why: "the carrier has no recording of this call"}
	erased := protocol.Recording{ID: "erased", NoticedAt: epoch, Status: protocol.RecordingErased, Why: "retention", CarrierGone: true, ErasedAt: epoch}
	d.tape.recordings = []protocol.Recording{whole, pending, lost, erased}
	d.tape.texts = []protocol.RecordingText{
		{Recording: "r1", Kind: protocol.TextTranscript, Text: "hello", MadeBy: "t1", At: epoch.Add(70 * time.Second)},
		{Recording: "r1", Kind: protocol.TextSummary, Text: "They greeted each other.", MadeBy: "model", At: epoch.Add(80 * time.Second)},
	}
	return d
}

// wholeStory has lines with every member that there is, and an old one.
func wholeStory(of protocol.CallID) (lines []protocol.Line) {
	for i, l := range []struct {
		ms   int
		what string
	}{
		{0, `{"event":"call.initiated","leg":"a","id":"e1","connect":true,"caller":"b","policy":"off","summary":true,"report":true,"cut":true,"grace":10000000,"lag":80000,"wait":250,"stage":"answering","settings":{"recording":"dual-mp3","ring":30000000,"limit":14400000000,"unreachable":true,"ended":true,"checkout":true,"consent":true,"summaries":true}}`},
		{81, `{"send":"answer","leg":"a"}`},
		{176, `{"reply":"answer","leg":"a","result":"ok","attempts":2,"own":1400,"took":94000,"wait":200}`},
		{180, `{"event":"call.initiated","leg":"a","id":"e1","repeat":true,"attempt":2,"lag":90000}`},
		{210, `{"event":"call.answered","leg":"a","id":"e2","lag":80000,"stage":"dialing"}`},
		{290, `{"send":"transfer","leg":"a"}`},
		{390, `{"reply":"transfer","leg":"a","result":"refused","status":422,"code":"10015","own":1600,"took":95000,"stage":"telling","outcome":"carrier","why":"Bad Request"}`},
		{391, `{"send":"speak","leg":"a","what":"unreachable"}`},
		{900, `{"event":"call.initiated","leg":"b","id":"e3"}`},
		{4000, `{"event":"call.speak.ended","leg":"a","id":"e4","broken":true}`},
		{5000, `{"event":"call.answered","leg":"b","id":"e5"}`},
		{5001, `{"send":"record_start","leg":"a","mode":"dual-mp3","transcribe":true}`},
		{6000, `{"note":"pause asked"}`},
		{6000, `{"send":"record_pause","leg":"a","turn":1}`},
		{6100, `{"reply":"record_pause","leg":"a","turn":1,"result":"ok"}`},
		{7000, `{"note":"booking over","since":2000}`},
		{8000, `{"note":"deadline","of":"cut"}`},
		{8000, `{"send":"find","leg":"a"}`},
		{8100, `{"reply":"find","leg":"a","result":"ok","alive":true}`},
		{65500, `{"event":"call.hangup","leg":"b","id":"e6","cause":"normal_clearing","source":"callee","sip":"200"}`},
		{66000, `{"event":"call.recording.saved","leg":"a","id":"e7","recording":"r1","stage":"closed"}`},
		{67000, `{"event":"call.initiated","leg":"a","id":"e8","refused":"stranger"}`},
	} {
		lines = append(lines, protocol.Line{Call: of, N: i + 1, At: epoch.Add(time.Duration(l.ms) * time.Millisecond), What: l.what})
	}
	return lines
}

func (d *desk) Calls(ctx context.Context, booking string, after protocol.CallID, limit int) ([]protocol.Call, error) {
	if err := d.called(ctx, booking); err != nil {
		return nil, err
	}
	var out []protocol.Call
	for _, c := range d.tape.calls {
		if c.ID.String() > after.String() && len(out) < limit {
			out = append(out, c)
		}
	}
	return out, nil
}

func (d *desk) FindCalls(ctx context.Context, q protocol.CallSearch) (page protocol.CallPage, err error) {
	if err := d.called(ctx, q); err != nil {
		return page, err
	}
	for _, c := range d.tape.calls {
		if q.Fits(c) && c.ID.String() > q.After.String() {
			page.Calls = append(page.Calls, c)
			if len(page.Calls) == q.Limit {
				page.Next = c.ID
				break
			}
		}
	}
	return page, nil
}

func (d *desk) Explain(ctx context.Context, from, to phone.Number, withheld bool) (protocol.Explanation, error) {
	if err := d.called(ctx, to); err != nil {
		return protocol.Explanation{}, err
	}
	return d.explains, nil
}

func (d *desk) Call(ctx context.Context, id protocol.CallID) (protocol.Call, []protocol.Line, error) {
	if err := d.called(ctx, id); err != nil {
		return protocol.Call{}, nil, err
	}
	for _, c := range d.tape.calls {
		if c.ID == id {
			var lines []protocol.Line
			for _, l := range d.tape.story {
				if l.Call == id {
					lines = append(lines, l)
				}
			}
			return c, lines, nil
		}
	}
	return protocol.Call{}, nil, protocol.Errorf(protocol.NotFound, "call_not_found", "no call has this id")
}

// pauseAsked is what the desk was asked about a recording.
type pauseAsked struct {
	Call   protocol.CallID
	Paused bool
}

func (d *desk) PauseRecording(ctx context.Context, id protocol.CallID, paused bool) (protocol.RecordingSwitch, error) {
	if err := d.called(ctx, pauseAsked{id, paused}); err != nil {
		return protocol.RecordingSwitch{}, err
	}
	for _, c := range d.tape.calls {
		if c.ID == id && c.EndAt.IsZero() {
			return protocol.RecordingSwitch{Call: id, Paused: paused, Since: epoch.Add(time.Minute)}, nil
		}
	}
	return protocol.RecordingSwitch{}, protocol.Errorf(protocol.NotFound, "call_not_live", "the call is over")
}

func (d *desk) BookingRecordings(ctx context.Context, booking string) ([]protocol.Recording, error) {
	return d.tape.recordings, d.called(ctx, booking)
}

func (d *desk) recording(id protocol.RecordingID) (*protocol.Recording, error) {
	for i := range d.tape.recordings {
		if d.tape.recordings[i].ID == id {
			return &d.tape.recordings[i], nil
		}
	}
	return &protocol.Recording{}, protocol.Errorf(protocol.NotFound, "recording_not_found", "no recording has this id")
}

func (d *desk) Recording(ctx context.Context, id protocol.RecordingID) (protocol.Recording, error) {
	if err := d.called(ctx, id); err != nil {
		return protocol.Recording{}, err
	}
	r, err := d.recording(id)
	return *r, err
}

func (d *desk) RecordingTexts(ctx context.Context, id protocol.RecordingID) (out []protocol.RecordingText, err error) {
	for _, t := range d.tape.texts {
		if t.Recording == id {
			out = append(out, t)
		}
	}
	return out, d.called(ctx, id)
}

func (d *desk) OpenAudio(ctx context.Context, r protocol.Recording, from, length int64) (io.ReadCloser, error) {
	if err := d.called(ctx, from); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tape.opened++
	rest := d.tape.audio[from:]
	if d.tape.broken > 0 {
		return &heard{io.MultiReader(bytes.NewReader(rest[:d.tape.broken]), brokenBody{}), d}, nil
	}
	return &heard{bytes.NewReader(rest), d}, nil
}

type heard struct {
	io.Reader
	d *desk
}

func (h *heard) Close() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	h.d.tape.closed++
	return nil
}

// held is what the desk was asked to hold.
type held struct {
	ID     protocol.RecordingID
	Reason string
}

func (d *desk) HoldRecording(ctx context.Context, id protocol.RecordingID, reason string) (protocol.Recording, error) {
	if err := d.called(ctx, held{id, reason}); err != nil {
		return protocol.Recording{}, err
	}
	r, err := d.recording(id)
	if err == nil && reason != "" && r.Status == protocol.RecordingErased {
		err = protocol.Errorf(protocol.Conflict, "recording_erased", "it is erased")
	}
	if err == nil {
		r.Hold = reason
	}
	return *r, err
}

func (d *desk) EraseRecording(ctx context.Context, id protocol.RecordingID) (protocol.Recording, error) {
	if err := d.called(ctx, id); err != nil {
		return protocol.Recording{}, err
	}
	r, err := d.recording(id)
	switch {
	case err != nil:
	case r.Hold != "":
		err = protocol.Errorf(protocol.Conflict, "recording_held", "the recording is held and must not be erased: %s", r.Hold)
	case r.Status != protocol.RecordingErased:
		r.Status, r.Why = protocol.RecordingErasing, "asked for"
	}
	return *r, err
}

func (d *desk) PlaceErasure(ctx context.Context, party phone.Number, booking string) (protocol.Erasure, error) {
	if err := d.called(ctx, protocol.AskErasure{Party: party}); err != nil {
		return protocol.Erasure{}, err
	}
	if booking != "" && booking != "bk_1" {
		return protocol.Erasure{}, protocol.Errorf(protocol.NotFound, "booking_not_found", "no booking has this id")
	}
	subject := booking
	if subject == "" {
		subject = party.String()
	}
	return protocol.Erasure{ID: protocol.NewErasureID(epoch), CreatedAt: epoch, Subject: subject}, nil
}

func (d *desk) Erasure(ctx context.Context, id protocol.ErasureID) (protocol.Erasure, error) {
	if err := d.called(ctx, id); err != nil {
		return protocol.Erasure{}, err
	}
	if id.String() != erasureA {
		return protocol.Erasure{}, protocol.Errorf(protocol.NotFound, "erasure_not_found", "no erasure has this id")
	}
	return protocol.Erasure{
		ID: id, CreatedAt: epoch, DoneAt: epoch.Add(time.Minute), Subject: alice.String(), Bookings: 2, Recordings: 3, Waiting: 1,
		Refused: []protocol.ErasureRefusal{{Booking: "bk_1", Recording: "r1", Code: "recording_held", Detail: "case 7"}}, Trouble: "1 more",
	}, nil
}
