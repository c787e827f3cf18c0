package inference

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"maskswitch/actors/protocol"
)

// maxSummary is the longest summary taken, in bytes.
const maxSummary = 8 << 10

// longestAsked bounds the pause that the carrier may ask for.
const longestAsked = time.Hour

// judge says what an answer other than 200 means. The words of it are not
// passed on: what complains about a request likes to repeat it.
func judge(res *http.Response) *protocol.RecordingError {
	status := res.StatusCode
	failed := &protocol.RecordingError{Trouble: protocol.TroubleRefused, Status: status}
	switch {
	case status == http.StatusTooManyRequests, status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		failed.Trouble, failed.After = protocol.TroubleLater, asked(res.Header.Get("Retry-After"))
		failed.Detail = fmt.Sprintf("the model is busy or out of order (%d)", status)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		failed.Detail = fmt.Sprintf("the carrier does not let this API key use its models (%d)", status)
	case status == http.StatusPaymentRequired:
		failed.Detail = "the carrier wants to be paid before its models are used (402)"
	case status < 400:
		failed.Detail = fmt.Sprintf("the answer is none to this question, and a redirect is not followed (%d): is the base URL right?", status)
	default:
		failed.Detail = fmt.Sprintf("the carrier refuses the question (%d): does it have a model of this name?", status)
	}
	return failed
}

// asked reads the pause that the carrier wants, in seconds or as a date.
func asked(s string) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, longestAsked)
	}
	if at, err := http.ParseTime(s); err == nil {
		return min(max(time.Until(at), 0), longestAsked)
	}
	return 0
}

// read takes the text out of an answer, and the name of who gave it.
func read(raw []byte) (text, model string, err error) {
	var in struct {
		Model   string `json:"model"`
		Choices []struct {
			Finish  string `json:"finish_reason"`
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	switch {
	case json.Unmarshal(raw, &in) != nil:
		return "", "", errors.New("the model's answer is no JSON of the kind that was asked for")
	case len(in.Choices) == 0:
		return "", "", errors.New("the model has not answered")
	case in.Choices[0].Finish == "length":
		return "", "", errors.New("the model's answer is longer than it may be, and was cut")
	case in.Choices[0].Finish == "content_filter":
		return "", "", errors.New("the model's answer was held back by a filter")
	}
	if len(in.Model) <= 200 && printable(in.Model) {
		model = in.Model
	}
	return in.Choices[0].Message.Content, model, nil
}

// check takes a summary that can be kept: not empty, not long, and nothing in
// quotation marks that was not said. The error does not repeat it.
func check(answer string, of transcript) (string, error) {
	answer = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, answer))
	switch {
	case len(words(answer)) == 0:
		return "", errors.New("the model has said nothing")
	case len(answer) > maxSummary:
		return "", fmt.Errorf("the summary has %d bytes, and at most %d are taken", len(answer), maxSummary)
	}
	said, allowed := sequence(of.fenced), sequence(absent)
	for i, quote := range quotes(answer) {
		if q := sequence(quote); q != allowed && !strings.Contains(said, q) {
			return "", fmt.Errorf("quote %d of the summary does not stand in the transcript", i+1)
		}
	}
	if of.cut {
		answer += "\n\n(Only the beginning of the transcript was summed up: it is too long.)"
	}
	return answer, nil
}

// quotes has what stands between double quotation marks of any kind. One that
// is not closed goes on to the end.
func quotes(s string) []string {
	var out []string
	for i, part := range strings.Split(quoteMarks.Replace(s), `"`) {
		if i%2 == 1 && len(words(part)) > 0 {
			out = append(out, part)
		}
	}
	return out
}

var quoteMarks = strings.NewReplacer("\u201c", `"`, "\u201d", `"`, "\u201e", `"`, "\u201f", `"`, "\u00ab", `"`, "\u00bb", `"`, "\uff02", `"`)

// sequence is a text as its words alone, so that two texts can be compared: case
// and punctuation are the machine's guess anyway. Signs of money and percent
// are words.
func sequence(s string) string { return " " + strings.Join(words(s), " ") + " " }

func words(s string) []string {
	var out []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	for _, r := range s {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.Is(unicode.M, r):
			word.WriteRune(unicode.ToLower(r))
		case unicode.Is(unicode.Sc, r), r == '%':
			flush()
			out = append(out, string(r))
		default:
			flush()
		}
	}
	flush()
	return out
}
