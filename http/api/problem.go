package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"maskswitch/actors/protocol"
)

// A verdict is how a refusal looks from outside. Its text is the `error`
// member, which clients of the application this one replaces compare.
type verdict struct {
	status int
	text   string
}

// Every refusal has one of these; some routes have an older text for a 400.
var (
	invalid      = verdict{http.StatusBadRequest, "Invalid request"}
	unauthorized = verdict{http.StatusUnauthorized, "Unauthorized"}
	forbidden    = verdict{http.StatusForbidden, "Forbidden"}
	notFound     = verdict{http.StatusNotFound, "Not found"}
	notAllowed   = verdict{http.StatusMethodNotAllowed, "Method not allowed"}
	unacceptable = verdict{http.StatusNotAcceptable, "Not acceptable"}
	conflict     = verdict{http.StatusConflict, "Conflict"}
	tooLarge     = verdict{http.StatusRequestEntityTooLarge, "Body too large"}
	wrongMedia   = verdict{http.StatusUnsupportedMediaType, "Unsupported media type"}
	clientGone   = verdict{499, "Client closed request"} // for logs: nobody reads it
	internal     = verdict{http.StatusInternalServerError, "Internal error"}
	exhausted    = verdict{http.StatusServiceUnavailable, "No proxy numbers available"}
	unavailable  = verdict{http.StatusServiceUnavailable, "Temporarily unavailable"}
)

// verdicts says how the errors of the switch look, by kind.
var verdicts = map[protocol.ErrorKind]verdict{
	protocol.Invalid:     invalid,
	protocol.NotFound:    notFound,
	protocol.Conflict:    conflict,
	protocol.Exhausted:   exhausted,
	protocol.Unavailable: unavailable,
	protocol.Internal:    internal,
}

// problem is a refusal on its way out.
type problem struct {
	Text   string `json:"error"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitzero"`

	status int
	header [2]string // one more header, if its name is not empty
	cause  error     // for the log; nil if the refusal says all
}

// refuse makes a problem; with the field at fault, if there is one.
func refuse(v verdict, code, field, detail string) *problem {
	return &problem{Text: v.text, Code: code, Detail: detail, Field: field, status: v.status}
}

// with adds a header.
func (p *problem) with(name, value string) *problem {
	p.header = [2]string{name, value}
	return p
}

func (p *problem) Error() string { return p.Code + ": " + p.Detail }

// problemOf finds the refusal in any error: this is the one place where an
// error gets its status.
func problemOf(r *http.Request, err error, request string) *problem {
	p := &problem{}
	var e *protocol.Error
	var boom *panicked
	switch {
	case errors.As(err, &p):
	case errors.As(err, &boom):
		p = fault(err, request)
	case errors.As(err, &e) && e.Kind != protocol.Internal:
		p = refuse(verdicts[e.Kind], e.Code, e.Field, e.Detail)
		p.cause = e.Err
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		p = refuse(clientGone, "client_gone", "", "the client left before the answer")
	case errors.Is(err, context.DeadlineExceeded):
		p = refuse(unavailable, "timeout", "", "the switch did not answer in time, and may still do what was asked: "+
			"ask again, with the same booking_id or order_id if something was to be opened or ordered")
		p.cause = err
	default:
		p = fault(err, request)
	}
	if p.Text == unavailable.text && p.header[0] == "" {
		p.with("Retry-After", "1")
	}
	return p
}

// fault hides what went wrong with us, and says how to find it in the log.
func fault(err error, request string) *problem {
	p := refuse(internal, "internal", "", "the fault is ours; it is logged under request id "+request)
	p.cause = err
	return p
}

// write sends the refusal.
func (p *problem) write(w http.ResponseWriter) {
	if p.header[0] != "" {
		w.Header().Set(p.header[0], p.header[1])
	}
	body, err := json.Marshal(p)
	if err != nil { // a text that is not UTF-8; the code is ours and always is
		body = []byte(`{"error":"` + p.Text + `","code":"` + p.Code + `","detail":""}`)
	}
	write(w, p.status, append(body, '\n'))
}

// noRoute answers for a path that is none of ours.
func noRoute(_ *Server, _ http.ResponseWriter, _ *http.Request) error {
	return refuse(notFound, "no_such_path", "", "there is nothing at this path; see /openapi.json")
}

// wrongMethod answers for a path of ours with a method it does not have.
func wrongMethod(allowed string) route {
	return route{path: Other, method: Other, open: true, patience: patience, handle: func(*Server, http.ResponseWriter, *http.Request) error {
		return refuse(notAllowed, "method_not_allowed", "", "this path answers to "+allowed).with("Allow", allowed)
	}}
}

// clip makes a client's own word fit for a sentence: short, and valid UTF-8.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if runes := []rune(s); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return s
}
