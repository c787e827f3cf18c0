// Package webhook takes the carrier's events in.
//
// A webhook is verified, decoded and delivered; it is answered 200 only after
// the switch has said that the event is on disk. The carrier gives up after 2 s
// and delivers again what was answered 408, 429 or 5xx; most other 4xx it never
// delivers again. So whatever might go better the next time is answered 503,
// and 4xx are for what cannot be an event of the carrier's.
//
// The receiver holds no state between two webhooks, and passes all of them on,
// duplicates and late ones too: what is news, only the call knows. Wire names
// end here.
package webhook

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"maskswitch/actors/protocol"
)

// Switch takes events in. Deliver returns when the event is on disk or known
// to need no writing, and at the latest when ctx ends. With an error nothing
// was promised, and the carrier will deliver the event again.
type Switch interface {
	Deliver(ctx context.Context, event protocol.LegEvent, read time.Time) (protocol.Receipt, error)
}

// Observer watches webhooks. Its methods must be safe for concurrent use and
// must not block.
type Observer interface {
	// WebhookTaken reports an event that was delivered, or would have been:
	// with ReceiptOverloaded it was answered 503, else 200. ack runs from its
	// first byte to our answer. lag is how long ago the carrier's clock says
	// that the event happened: negative if the clocks differ.
	// of is the call that it names in its tag; zero if it names none.
	WebhookTaken(of protocol.CallID, kind protocol.EventKind, receipt protocol.Receipt, ack, lag time.Duration, redelivered bool)
	// WebhookRefused reports what was no event of the carrier's; reason is one
	// of RefusalReasons.
	WebhookRefused(reason string)
}

// Why a webhook is refused.
const (
	RefusedSignature = "bad_signature"
	RefusedStale     = "stale"
	RefusedMalformed = "malformed" // also what is dropped with 200: another format
	RefusedTooLarge  = "too_large"
)

// RefusalReasons lists every reason, for labels.
func RefusalReasons() []string {
	return []string{RefusedSignature, RefusedStale, RefusedMalformed, RefusedTooLarge}
}

const (
	// MaxBody is the longest body taken, in bytes: the longest transcript fits
	// in, with each letter outside of ASCII escaped.
	MaxBody = 3*protocol.MaxTranscript + 1<<20
	// DefaultTimeout leaves half a second of the carrier's two to the network.
	DefaultTimeout = 1500 * time.Millisecond
	// keptBuffer is the largest buffer that is used again.
	keptBuffer = 64 << 10
)

// Config says who takes events, and who may send them.
type Config struct {
	Switch   Switch        // required
	Verifier *Verifier     // required
	Timeout  time.Duration // of Deliver; default DefaultTimeout
	Observer Observer      // nil: nobody
	Log      *zap.Logger   // nil: nowhere
}

// Receiver is the handler for the carrier's webhooks. A sender that dawdles is
// ended by the ReadTimeout of the server around it.
type Receiver struct {
	sw       Switch
	verifier *Verifier
	timeout  time.Duration
	observer Observer
	log      *zap.Logger
	buffers  sync.Pool // of *[]byte
}

// NewReceiver makes a handler. It panics without a Switch or a Verifier: that
// is a mistake in the program.
func NewReceiver(config Config) *Receiver {
	if config.Switch == nil || config.Verifier == nil {
		panic("webhook: a receiver needs a switch and a verifier")
	}
	if config.Timeout <= 0 {
		config.Timeout = DefaultTimeout
	}
	if config.Observer == nil {
		config.Observer = nobody{}
	}
	if config.Log == nil {
		config.Log = zap.NewNop()
	}
	return &Receiver{
		sw:       config.Switch,
		verifier: config.Verifier,
		timeout:  config.Timeout,
		observer: config.Observer,
		log:      sampled(config.Log),
		buffers:  sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }},
	}
}

// sampled lets five lines a second of each message through, then each
// thousandth: anybody may send us refused webhooks.
func sampled(log *zap.Logger) *zap.Logger {
	return log.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, time.Second, 5, 1000)
	}))
}

// ServeHTTP answers a webhook: 200 if the event is safe with us or concerns
// nobody here, 401 if the carrier did not sign it, 400 and 413 if it is no
// event, 503 if it should come again. Checks go from cheap to dear: method,
// announced length, headers and clock, body, signature, JSON.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		answer(w, http.StatusMethodNotAllowed, "method not allowed", "method_not_allowed", "webhooks come by POST")
		return
	}
	if r.ContentLength > MaxBody {
		rc.refuseTooLarge(w, r)
		return
	}
	claim, err := rc.verifier.claim(r.Header)
	if err != nil {
		rc.refuse(w, r, err)
		return
	}
	buf := rc.buffers.Get().(*[]byte)
	defer rc.release(buf)
	*buf = claim.appendPrefix((*buf)[:0])
	prefix := len(*buf)
	switch *buf, err = readAll(*buf, r.Body, prefix+MaxBody); {
	case err == errTooLarge:
		rc.refuseTooLarge(w, r)
		return
	case err != nil:
		rc.observer.WebhookRefused(RefusedMalformed)
		rc.log.Warn("webhook broke off", from(r), zap.Error(err))
		answer(w, http.StatusServiceUnavailable, "body incomplete", "incomplete", "the body broke off; send it again")
		return
	}
	if err := rc.verifier.holds(&claim, *buf); err != nil {
		rc.refuse(w, r, err)
		return
	}
	read := time.Now()
	event, odd, err := decode((*buf)[prefix:], read)
	if err != nil {
		rc.refuse(w, r, err)
		return
	}
	if odd != "" {
		rc.log.Warn("hangup cause not in the carrier's list, taken as unspecified", zap.String("cause", odd))
	}
	rc.deliver(w, r, event, began, read)
}

// deliver hands an event over and answers with what became of it.
func (rc *Receiver) deliver(w http.ResponseWriter, r *http.Request, event protocol.LegEvent, began, read time.Time) {
	about := event.Facts()
	receipt, err := protocol.ReceiptUnknownCall, error(nil)
	if concerns(event) {
		ctx, cancel := context.WithDeadline(r.Context(), began.Add(rc.timeout))
		receipt, err = rc.sw.Deliver(ctx, event, read)
		cancel()
	}
	if err != nil || receipt == protocol.ReceiptOverloaded {
		receipt = protocol.ReceiptOverloaded
		rc.log.Warn("webhook not accepted, the carrier will send it again",
			zap.Stringer("event", event.Kind()), zap.Int("attempt", about.Attempt), zap.Error(err))
		answerLater(w, err)
	} else {
		answerOK(w)
	}
	rc.observer.WebhookTaken(about.Tag.Call, event.Kind(), receipt, time.Since(began), read.Sub(about.At), about.Attempt > 1)
}

// concerns says whether an event could be about a call of ours.
func concerns(event protocol.LegEvent) bool {
	about := event.Facts()
	_, transcribed := event.(protocol.LegTranscribed) // it names its recording, at least
	return about.Leg != "" || about.Session != "" || transcribed
}

// refuse answers a webhook that is none of the carrier's, or none of ours.
func (rc *Receiver) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, ErrSignature):
		rc.observer.WebhookRefused(RefusedSignature)
		rc.log.Warn("webhook refused: signature", from(r), zap.Error(err))
		answer(w, http.StatusUnauthorized, "invalid signature", "invalid_signature", err.Error())
	case errors.Is(err, ErrStale):
		rc.observer.WebhookRefused(RefusedStale)
		rc.log.Warn("webhook refused: timestamp", from(r), zap.Error(err))
		answer(w, http.StatusUnauthorized, "invalid signature", "stale_timestamp", err.Error())
	case errors.Is(err, ErrForeign):
		// Its signature is right, so the carrier means it; but no repeat would
		// say it in our words.
		rc.observer.WebhookRefused(RefusedMalformed)
		rc.log.Warn("webhook dropped: format", zap.Error(err))
		answerOK(w)
	default:
		rc.observer.WebhookRefused(RefusedMalformed)
		rc.log.Warn("webhook refused: malformed", zap.Error(err))
		answer(w, http.StatusBadRequest, "malformed event", "malformed_event", err.Error())
	}
}

func (rc *Receiver) refuseTooLarge(w http.ResponseWriter, r *http.Request) {
	rc.observer.WebhookRefused(RefusedTooLarge)
	rc.log.Warn("webhook refused: too large", from(r), zap.Int64("announced_bytes", r.ContentLength))
	answer(w, http.StatusRequestEntityTooLarge, "body too large", "too_large", "webhooks of up to 4 MiB are taken")
}

// from says which host sent a request.
func from(r *http.Request) zap.Field {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return zap.String("remote", host)
}

func (rc *Receiver) release(buf *[]byte) {
	if cap(*buf) <= keptBuffer {
		rc.buffers.Put(buf)
	}
}

var errTooLarge = errors.New("body too large")

// readAll appends the body to buf, and fails when buf would pass most bytes. It
// grows with what arrives, not with what was announced.
func readAll(buf []byte, body io.Reader, most int) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > most:
			return buf, errTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

type nobody struct{}

func (nobody) WebhookTaken(protocol.CallID, protocol.EventKind, protocol.Receipt, time.Duration, time.Duration, bool) {
}
func (nobody) WebhookRefused(string) {}
