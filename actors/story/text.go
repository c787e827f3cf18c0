package story

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func (d Detail) String() string {
	if d.Value == "" {
		return d.Name
	}
	return d.Name + " " + d.Value
}

// noneYet is the outcome of a call that is under way.
const noneYet = "none yet"

// The words of the head and of the sums.
const (
	wordCall     = "call"
	wordSession  = "session"
	wordBooking  = "booking"
	wordNumber   = "proxy number"
	wordCaller   = "caller"
	wordBegan    = "began"
	wordSettings = "settings"
	wordStage    = "stage"
	wordOutcome  = "outcome"
	wordReason   = "reason"

	wordSetup    = "setup"
	wordPostDial = "post-dial delay"
	wordOwn      = "own share"
	wordTalk     = "talk"
)

// String is the story as text, which Parse reads.
func (s Story) String() string {
	var out strings.Builder
	for _, line := range s.Comment {
		out.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	outcome := s.Outcome
	if outcome == "" {
		outcome = noneYet
	}
	began := ""
	if !s.Began.IsZero() {
		began = s.Began.UTC().Format(time.RFC3339Nano)
	}
	for _, h := range [...]struct{ word, value string }{
		{wordCall, s.Call}, {wordSession, s.Session}, {wordBooking, s.Booking}, {wordNumber, s.Number}, {wordCaller, s.Caller}, {wordBegan, began},
		{wordSettings, s.Settings}, {wordStage, s.Stage}, {wordOutcome, outcome}, {wordReason, s.Reason},
	} {
		if h.value != "" {
			fmt.Fprintf(&out, "%-12s  %s\n", h.word, headValue(h.value))
		}
	}
	s.writeRungs(&out)
	s.writeSums(&out)
	return out.String()
}

// headValue stands alone on its line, so commas need no quotes.
func headValue(text string) string {
	if text[0] == '"' || text[0] == ' ' || text[len(text)-1] == ' ' || strings.ContainsFunc(text, func(c rune) bool { return !strconv.IsPrint(c) }) {
		return strconv.Quote(text)
	}
	return text
}

func (s Story) writeRungs(out *strings.Builder) {
	if len(s.Rungs) > 0 {
		out.WriteByte('\n')
	}
	digits := 3
	wide, long := 0, 0
	for _, r := range s.Rungs {
		if r.At.Sub(s.Began)%time.Millisecond != 0 {
			digits = 6
		}
		long = max(long, utf8.RuneCountInString(r.words()))
	}
	after := func(r Rung) string {
		d, sign := r.At.Sub(s.Began), ""
		if d < 0 {
			d, sign = -d, "-"
		}
		return sign + strconv.FormatInt(int64(d/time.Second), 10) + fmt.Sprintf("%.*f", digits, (d % time.Second).Seconds())[1:]
	}
	for _, r := range s.Rungs {
		wide = max(wide, len(after(r)))
	}
	for _, r := range s.Rungs {
		leg := r.Leg
		if leg == "" {
			leg = "-"
		}
		list := make([]string, len(r.Details))
		for i, d := range r.Details {
			list[i] = d.String()
		}
		line := fmt.Sprintf("%*s  %s  %s  %-*s  %s", wide, after(r), leg, r.Kind.arrow(), long, r.words(), strings.Join(list, ", "))
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// words name a rung.
func (r Rung) words() string {
	words := value(r.What)
	switch {
	case r.Kind == Reply:
		return replyTo + words
	case strings.HasPrefix(words, replyTo):
		return strconv.Quote(r.What)
	}
	return words
}

const replyTo = "reply "

func (k Kind) arrow() string {
	switch k {
	case Event, Reply:
		return "→"
	case Send:
		return "←"
	}
	return "·"
}

func (s Story) writeSums(out *strings.Builder) {
	sums := s.Sums()
	gap := "\n"
	for _, sum := range [...]struct {
		word string
		is   time.Duration
	}{{wordSetup, sums.Setup}, {wordPostDial, sums.PostDial}, {wordOwn, sums.Own}, {wordTalk, sums.Talk}} {
		if sum.is != 0 {
			fmt.Fprintf(out, "%s%-15s  %v\n", gap, sum.word, sum.is)
			gap = ""
		}
	}
}
