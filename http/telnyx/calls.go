package telnyx

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"maskswitch/actors/protocol"
)

// request is a command in the carrier's words, the same for all attempts.
type request struct {
	kind   protocol.CommandKind
	method string
	url    *url.URL
	body   []byte // nil for a look-up
}

// Bounds of the carrier's schema (TransferCallRequest, SpeakRequest). A value
// outside them would be refused, and the call lost for a setting.
const (
	minRing, maxRing   = 5 * time.Second, 600 * time.Second
	minLimit, maxLimit = 30 * time.Second, 14400 * time.Second
	maxSpeech          = 3000 // characters
	maxLegID           = 512  // bytes; seen are about 60
)

// The carrier's own schedule of webhook retries is not documented, so we set
// one: close together while a caller waits, and to the full minute that is
// allowed (five delays, 60,000 ms in sum), which outlasts a restart of ours.
// Only answer and transfer take a policy; the events are those that their
// reference lists, since a word it does not know might refuse the command.
const (
	retries         = `{"retries_ms":[1000,3000,6000,15000,35000]}`
	answerRetries   = `,"webhook_retries_policies":{"call.answered":` + retries + `,"call.hangup":` + retries + `}`
	transferRetries = `,"webhook_retries_policies":{"call.initiated":` + retries + `,"call.answered":` + retries +
		`,"call.bridged":` + retries + `,"call.hangup":` + retries + `}`
)

var (
	errLeg       = errors.New("the leg has no id that could be sent")
	errNobody    = errors.New("there is no number to transfer to")
	errRecordOff = errors.New("a recording was asked for whose mode is off")
	errSpeech    = errors.New("there is nothing to say")
	errUnknown   = errors.New("the command is of no kind that the carrier has")
)

// request puts a command into the carrier's words. An error means that it
// cannot be said at all: sending it would be refused, or do something else.
func (c *Client) request(cmd protocol.Command) (request, error) {
	leg, kind := cmd.Target(), cmd.Kind()
	if !sendable(leg) {
		return request{}, errLeg
	}
	if kind == protocol.CommandFind {
		return request{kind, http.MethodGet, c.url(leg, ""), nil}, nil
	}
	b := make([]byte, 0, 768)
	b = append(b, `{"command_id":"`...)
	b = append(b, protocol.CommandID(leg, cmd.Step())...)
	b = append(b, '"')
	b, err := c.appendBody(b, cmd)
	if err != nil {
		return request{}, err
	}
	return request{kind, http.MethodPost, c.url(leg, "/actions/"+kind.String()), append(b, '}')}, nil
}

func (c *Client) appendBody(b []byte, cmd protocol.Command) ([]byte, error) {
	switch cmd := cmd.(type) {
	case protocol.Answer:
		b = appendState(b, "client_state", cmd.Tag)
		return append(b, answerRetries...), nil
	case protocol.Reject:
		// The carrier's list has this word and USER_BUSY, and nothing finer.
		b = append(b, `,"cause":"CALL_REJECTED"`...)
		return appendState(b, "client_state", cmd.Tag), nil
	case protocol.Transfer:
		return appendTransfer(b, cmd)
	case protocol.StartRecording:
		return appendRecording(b, cmd)
	case protocol.Speak:
		return c.appendSpeech(b, cmd)
	case protocol.HangUp, protocol.PauseRecording, protocol.ResumeRecording:
		return b, nil
	}
	return nil, errUnknown
}

func appendTransfer(b []byte, cmd protocol.Transfer) ([]byte, error) {
	if !cmd.To.Known() {
		return nil, errNobody
	}
	b = append(b, `,"to":"`...)
	b = append(b, cmd.To.E164()...)
	b = append(b, '"')
	if cmd.From.Known() { // without it the carrier shows the number that was called
		b = append(b, `,"from":"`...)
		b = append(b, cmd.From.E164()...)
		b = append(b, '"')
	}
	b = appendSeconds(b, "timeout_secs", cmd.RingTimeout, minRing, maxRing)
	b = appendSeconds(b, "time_limit_secs", cmd.Limit, minLimit, maxLimit)
	b = appendState(b, "client_state", cmd.TagA)
	b = appendState(b, "target_leg_client_state", cmd.TagB)
	return append(b, transferRetries...), nil
}

func appendRecording(b []byte, cmd protocol.StartRecording) ([]byte, error) {
	switch cmd.Mode {
	case protocol.RecordDualMP3:
		b = append(b, `,"format":"mp3","channels":"dual"`...)
	case protocol.RecordDualWAV:
		b = append(b, `,"format":"wav","channels":"dual"`...)
	case protocol.RecordSingleMP3:
		b = append(b, `,"format":"mp3","channels":"single"`...)
	default:
		return nil, errRecordOff
	}
	if cmd.Transcribe {
		// B is the carrier's own engine. Its default, A, hands the talk to Google.
		b = append(b, `,"transcription":true,"transcription_engine":"B"`...)
	}
	return appendState(b, "client_state", cmd.Tag), nil
}

func (c *Client) appendSpeech(b []byte, cmd protocol.Speak) ([]byte, error) {
	text := cmd.Text
	if text == "" {
		return nil, errSpeech
	}
	// Half a sentence is better than the silence after a refusal.
	if len(text) > maxSpeech {
		if runes := []rune(text); len(runes) > maxSpeech {
			text = string(runes[:maxSpeech])
		}
	}
	b = append(b, `,"payload":`...)
	b = append(b, quote(text)...)
	b = append(b, `,"voice":`...)
	b = append(b, c.voice...)
	if cmd.Both {
		b = append(b, `,"target_legs":"both"`...)
	}
	return appendState(b, "client_state", cmd.Tag), nil
}

// appendState hangs our tag on a leg. The carrier takes standard base64 only
// (else error 90017); the form has no character that JSON would escape.
func appendState(b []byte, member string, tag protocol.Tag) []byte {
	if !tag.Known() {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, member...)
	b = append(b, `":"`...)
	b = base64.StdEncoding.AppendEncode(b, []byte(tag.String()))
	return append(b, '"')
}

// appendSeconds writes whole seconds, rounded up and held within the bounds;
// zero leaves the choice to the carrier.
func appendSeconds(b []byte, member string, d, least, most time.Duration) []byte {
	if d == 0 {
		return b
	}
	d = min(max(d, least), most)
	b = append(b, `,"`...)
	b = append(b, member...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, int64((d+time.Second-1)/time.Second), 10)
}

func quote(s string) []byte {
	b, _ := json.Marshal(s) // a string always has a form in JSON
	return b
}

// sendable keeps ids out that would change the path they are put into. The
// carrier's are opaque tokens such as "v3:…".
func sendable(leg protocol.LegID) bool {
	if leg == "" || len(leg) > maxLegID || leg == "." || leg == ".." {
		return false
	}
	for i := range len(leg) {
		if leg[i] <= ' ' || leg[i] > '~' {
			return false
		}
	}
	return true
}

func (c *Client) url(leg protocol.LegID, action string) *url.URL {
	u := c.base
	u.Path = c.base.Path + "/calls/" + string(leg) + action
	u.RawPath = c.base.EscapedPath() + "/calls/" + url.PathEscape(string(leg)) + action
	return &u
}

// http makes the request of one attempt.
func (r *request) http(ctx context.Context, header http.Header) *http.Request {
	h := &http.Request{
		Method: r.method, URL: r.url, Header: header, Host: r.url.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if r.body != nil {
		body := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.body)), nil }
		h.Body, _ = body()
		h.GetBody = body
		h.ContentLength = int64(len(r.body))
	}
	return h.WithContext(ctx)
}
