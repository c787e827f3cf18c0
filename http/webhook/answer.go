package webhook

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"

	"maskswitch/actors/protocol"
)

// Shared by all answers: net/http reads headers and does not write them.
var (
	contentType = []string{"application/json"}
	retryAfter  = []string{"1"} // seconds
	ok          = []byte(`{"status":"ok"}`)
)

// answerOK is the whole answer to a webhook, to the byte: it is compared with
// that of the application this one replaces.
func answerOK(w http.ResponseWriter) {
	w.Header()["Content-Type"] = contentType
	w.WriteHeader(http.StatusOK)
	w.Write(ok)
}

// answer refuses. What an error says is for people, code for programs; nothing
// of the webhook is repeated.
func answer(w http.ResponseWriter, status int, what, code, detail string) {
	if status == http.StatusServiceUnavailable {
		w.Header()["Retry-After"] = retryAfter
	}
	body, err := json.Marshal(struct {
		Error  string `json:"error"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}{what, code, detail})
	if err != nil { // a text that is not UTF-8
		body = []byte(`{"error":"refused","code":"refused","detail":""}`)
	}
	w.Header()["Content-Type"] = contentType
	w.WriteHeader(status)
	w.Write(body)
}

// answerLater asks the carrier to deliver again. Only a refusal that was made
// for clients shows its words.
func answerLater(w http.ResponseWriter, err error) {
	code, detail := "unavailable", "the event was not taken; send it again"
	var refusal *protocol.Error
	switch {
	case errors.As(err, &refusal):
		code, detail = refusal.Code, refusal.Detail
	case errors.Is(err, context.DeadlineExceeded):
		code, detail = "timeout", "the event could not be written in time; send it again"
	}
	answer(w, http.StatusServiceUnavailable, "service unavailable", code, detail)
}
