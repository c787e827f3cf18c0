package telnyx

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"unicode"

	"maskswitch/actors/protocol"
)

// The carrier's error codes on which we act; all others are final.
const (
	codeLegInvalid  = "90015" // no such leg
	codeLegEnded    = "90018"
	codeNoAudioYet  = "90020"
	codeNotAnswered = "90034"
	codeUnexpected  = "10007"
	codeTimeout     = "10008"
	codeUnavailable = "10037"
)

// carrierError is the carrier's first error in an answer, as far as it could
// be read.
type carrierError struct {
	code   string
	detail string // title and detail as they came: redact before use
}

// judge says what an answer other than 2xx means.
func judge(kind protocol.CommandKind, status int, e carrierError) verdict {
	v := verdict{reply: protocol.Reply{Result: protocol.CommandRefused, Status: status, Code: e.code, Detail: e.detail}}
	if v.reply.Detail == "" {
		v.reply.Detail = http.StatusText(status)
	}
	switch {
	case status == http.StatusTooManyRequests:
		v.reply.Result, v.retry = protocol.CommandThrottled, RetryThrottled
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		v.reply.Result, v.retry = protocol.CommandUnavailable, RetryUnavailable
	case status < 400:
		v.reply.Detail = "the carrier redirects, which is not followed: is the base URL right?"
	case e.code == codeLegEnded, e.code == codeLegInvalid, notFound(status) && e.code != "":
		v.reply.Result = protocol.CommandLegGone
		if kind == protocol.CommandFind {
			v.reply.Result = protocol.CommandOK // asked and answered: not alive
		}
	case notFound(status):
		// Without an error of the carrier's this is the word of something on
		// the way, or of a wrong base URL: it says nothing about the leg.
		v.reply.Detail = "not found, and not in the carrier's words: is the base URL right?"
	case e.code == codeNotAnswered, e.code == codeNoAudioYet:
		v.retry = RetryNotReady
	case e.code == codeUnexpected, e.code == codeTimeout, e.code == codeUnavailable:
		v.reply.Result, v.retry = protocol.CommandUnavailable, RetryUnavailable
	}
	return v
}

func notFound(status int) bool {
	return status == http.StatusNotFound || status == http.StatusGone
}

// found reads the answer to a look-up. One that cannot be read must not pass
// for "dead", which would end a call: it is asked again.
func found(status int, body []byte) verdict {
	var in struct {
		Data struct {
			IsAlive *bool `json:"is_alive"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Data.IsAlive == nil {
		return verdict{
			reply: protocol.Reply{
				Result: protocol.CommandUnavailable, Status: status,
				Detail: "the carrier's answer does not say whether the leg is alive",
			},
			retry: RetryUnavailable,
		}
	}
	return verdict{reply: protocol.Reply{Result: protocol.CommandOK, Status: status, Alive: *in.Data.IsAlive}}
}

// parseError reads {"errors":[{"code","title","detail"}]}. Codes are texts by
// the schema and numbers in the field. Members of other types, and bodies that
// are no such document, give what can be had of them. If there are several
// errors, the first with a code speaks.
func parseError(body []byte) carrierError {
	var in struct {
		Errors []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &in) != nil {
		return carrierError{}
	}
	var out carrierError
	for i, raw := range in.Errors {
		var one struct {
			Code   json.RawMessage `json:"code"`
			Title  json.RawMessage `json:"title"`
			Detail json.RawMessage `json:"detail"`
		}
		if json.Unmarshal(raw, &one) != nil {
			continue
		}
		code := codeOf(one.Code)
		if i == 0 || code != "" {
			out = carrierError{code, join(text(one.Title), text(one.Detail))}
		}
		if code != "" {
			break
		}
	}
	return out
}

// codeOf takes up to six digits, as text or as number; a longer run could be
// somebody's telephone number.
func codeOf(raw json.RawMessage) string {
	s := string(bytes.Trim(raw, `"`))
	if len(s) == 0 || len(s) > 6 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

func text(raw json.RawMessage) string {
	var s string
	json.Unmarshal(raw, &s) // anything but a text is none
	return s
}

const maxDetail = 300 // bytes

func join(title, detail string) string {
	switch {
	case detail == "" || detail == title:
		return title
	case title == "":
		return detail
	}
	return title + ": " + detail
}

// redact makes a text of others fit to leave the package: without the API key,
// should somebody have repeated it, without anything that could be dialled, on
// one line and short. The key goes first: masked digits would break it up.
func (c *Client) redact(s string) string {
	s = strings.ReplaceAll(s, c.key, "(API key)")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	s = maskDigits(s)
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "…"
	}
	return s
}

// maskDigits hides every run of seven or more digits but its last two. Signs
// that people write inside of telephone numbers do not end a run.
func maskDigits(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if !digit(s[i]) {
			b.WriteByte(s[i])
			i++
			continue
		}
		end, digits := i, 0
		for j := i; j < len(s) && (digit(s[j]) || strings.IndexByte("- ()", s[j]) >= 0); j++ {
			if digit(s[j]) {
				digits++
				end = j + 1
			}
		}
		if digits >= 7 {
			b.WriteString("***")
			b.WriteString(lastDigits(s[i:end]))
		} else {
			b.WriteString(s[i:end])
		}
		i = end
	}
	return b.String()
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func lastDigits(run string) string {
	out := make([]byte, 0, 2)
	for i := len(run) - 1; i >= 0 && len(out) < 2; i-- {
		if digit(run[i]) {
			out = append(out, run[i])
		}
	}
	out[0], out[1] = out[1], out[0]
	return string(out)
}
