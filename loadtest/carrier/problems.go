package carrier

import (
	"fmt"
	"net/http"
	"strconv"
)

// problem is a refusal as the carrier words it.
type problem struct {
	status  int
	code    string
	detail  string
	pointer string // the member at fault
}

// titles are the carrier's codes that this carrier uses.
var titles = map[string]string{
	"10004": "Missing required parameter",
	"10005": "Resource not found",
	"10007": "Unexpected error",
	"10009": "Authentication failed",
	"10010": "Authorization failed",
	"10011": "Too many requests",
	"10015": "Invalid value",
	"10016": "Phone number must be in +E.164 format",
	"10032": "Invalid enumerated value",
	"10033": "Value outside of range",
	"10037": "Service unavailable",
	"85000": "Number was not searched for",
	"85001": "Number not available",
	"85006": "Number reserved",
	"90000": "Invalid recording format",
	"90001": "Invalid recording channels",
	"90010": "Invalid payload",
	"90011": "Invalid payload type",
	"90012": "Invalid voice",
	"90013": "Invalid language",
	"90015": "Invalid Call Control ID",
	"90017": "Invalid client state",
	"90018": "Call has already ended",
	"90020": "Call recording before audio started",
	"90028": "Invalid timeout_secs",
	"90029": "Invalid time_limit_secs",
	"90034": "Call has not been answered yet",
	"90049": "Invalid record_timeout_secs",
	"90057": "Invalid webhook_urls",
	"90059": "Invalid recording_track",
	"90102": "Call cannot be answered",
	"90103": "Dials per second limit reached",
}

// usual is the code of a status that a test asks for without one.
var usual = map[int]string{
	http.StatusUnauthorized:        "10009",
	http.StatusForbidden:           "10010",
	http.StatusNotFound:            "10005",
	http.StatusUnprocessableEntity: "10015",
	http.StatusTooManyRequests:     "10011",
	http.StatusServiceUnavailable:  "10037",
}

// bad is a 422: the command, or the state of the call, does not allow it.
func bad(code, pointer, format string, args ...any) *problem {
	return &problem{status: http.StatusUnprocessableEntity, code: code, pointer: pointer, detail: fmt.Sprintf(format, args...)}
}

func (r *Reply) problem() *problem {
	p := &problem{status: r.Status, code: r.Code, detail: r.Detail}
	set(&p.code, usual[r.Status])
	set(&p.code, "10007")
	return p
}

type wireError struct {
	Code   string            `json:"code"`
	Title  string            `json:"title"`
	Detail string            `json:"detail"`
	Source map[string]string `json:"source,omitempty"`
}

func (p *problem) write(w http.ResponseWriter, r *Reply) {
	e := wireError{Code: p.code, Title: titles[p.code], Detail: p.detail}
	set(&e.Title, http.StatusText(p.status))
	set(&e.Detail, e.Title)
	if p.pointer != "" {
		e.Source = map[string]string{"pointer": p.pointer}
	}
	if r != nil && (p.status == http.StatusTooManyRequests || r.RetryAfter > 0) {
		seconds := strconv.Itoa(int(r.RetryAfter.Seconds()))
		h := w.Header()
		h.Set("retry-after", seconds)
		if h.Get("x-ratelimit-limit") == "" { // no limit is set: the failure is made up, and so is this
			h.Set("x-ratelimit-limit", "20")
			h.Set("x-ratelimit-remaining", "0")
			h.Set("x-ratelimit-reset", seconds)
		}
	}
	writeJSON(w, p.status, map[string]any{"errors": []wireError{e}})
}

func writeJSON(w http.ResponseWriter, status int, v any) { writeBody(w, status, mustJSON(v)) }

func writeBody(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	w.Write(b)
}
