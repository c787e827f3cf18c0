package story

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var errNoObject = errors.New("not a JSON object")

// Parse reads what String writes. A rung may have its arrows as -> and <-, and as
// many or few spaces as it likes, but two before its details. An error names the
// line, and says what is expected there.
func Parse(text string) (Story, error) {
	p := parser{rest: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")}
	for p.next() {
		if err := p.line(); err != nil {
			return Story{}, fmt.Errorf("line %d: %w", p.n, err)
		}
	}
	switch {
	case p.story.Began.IsZero():
		return Story{}, errors.New(`there is no line "began", with an instant such as 2026-08-24T15:00:00Z`)
	case len(p.story.Rungs) == 0:
		return Story{}, errors.New("nothing happens: there is no line such as: 0.000  a  →  initiated  connect")
	}
	return p.story, nil
}

type parser struct {
	story Story
	rest  []string
	now   string
	n     int
}

func (p *parser) next() bool {
	if len(p.rest) == 0 {
		return false
	}
	p.now, p.rest = strings.TrimSpace(p.rest[0]), p.rest[1:]
	p.n++
	return true
}

func (p *parser) line() error {
	if p.now == "" {
		return nil
	}
	if comment, ok := strings.CutPrefix(p.now, "#"); ok {
		p.story.Comment = append(p.story.Comment, strings.TrimSpace(comment))
		return nil
	}
	if m := rungForm.FindStringSubmatch(p.now); m != nil {
		return p.rung(m[1], m[2], m[3], m[4])
	}
	word, text := halves(p.now)
	return p.head(word, text)
}

// halves are what stands before two spaces or more, and behind.
func halves(line string) (string, string) {
	before, after, _ := strings.Cut(line, "  ")
	return before, strings.TrimSpace(after)
}

func (p *parser) head(word, text string) error {
	into := map[string]*string{
		wordCall: &p.story.Call, wordSession: &p.story.Session, wordBooking: &p.story.Booking, wordNumber: &p.story.Number, wordCaller: &p.story.Caller,
		wordSettings: &p.story.Settings, wordStage: &p.story.Stage, wordOutcome: &p.story.Outcome, wordReason: &p.story.Reason,
	}[word]
	switch {
	case into != nil:
		*into = plain(text)
		if word == wordOutcome && text == noneYet {
			*into = ""
		}
		if word == wordSettings {
			_, err := details(text)
			return err
		}
	case word == wordBegan:
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return fmt.Errorf("%.40q is not an instant such as 2026-08-24T15:00:00Z", text)
		}
		p.story.Began = at.UTC().Truncate(time.Microsecond)
	case word == wordSetup, word == wordPostDial, word == wordOwn, word == wordTalk: // they follow from the rungs
	default:
		return fmt.Errorf(`%.40q begins neither a line of the head (a word, two spaces, a value) nor a rung (seconds, leg, arrow)`, p.now)
	}
	return nil
}

var rungForm = regexp.MustCompile(`^(-?[0-9]+(?:\.[0-9]+)?)\s+([ab-])\s+(→|←|·|->|<-)\s+(\S.*)$`)

func (p *parser) rung(after, leg, arrow, text string) error {
	d, err := time.ParseDuration(after + "s")
	if err != nil {
		return fmt.Errorf("%.20q is no number of seconds", after)
	}
	r := Rung{At: p.story.Began.Add(d.Truncate(time.Microsecond))}
	if p.story.Began.IsZero() {
		return errors.New(`before the first rung there is to be a line "began"`)
	}
	if leg != "-" {
		r.Leg = leg
	}
	words, rest := halves(text)
	switch arrow {
	case "→", "->":
		r.Kind = Event
		if to, ok := strings.CutPrefix(words, replyTo); ok {
			r.Kind, words = Reply, to
		}
	case "←", "<-":
		r.Kind = Send
	}
	r.What = strings.Join(strings.Fields(plain(words)), " ")
	if r.Details, err = details(rest); err != nil {
		return err
	}
	for _, d := range r.Details {
		if spans[d.Name] && !isSpan(d.Value) {
			return fmt.Errorf("%s is a span such as 1.5ms, and not %.40q", d.Name, d.Value)
		}
	}
	p.story.Rungs = append(p.story.Rungs, r)
	return nil
}

var detailForm = regexp.MustCompile(`^([A-Za-z0-9_-]+)(?: +("(?:[^"\\]|\\.)*"|[^",]+))?(?:, *|$)`)

// details reads name value, name, name "value", and so on.
func details(text string) (list []Detail, err error) {
	for text != "" {
		m := detailForm.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("%.40q is no detail: those are a name, and perhaps a value, in quotes if it has a comma", text)
		}
		text = text[len(m[0]):]
		d := Detail{m[1], strings.TrimSpace(m[2])}
		if strings.HasPrefix(d.Value, `"`) {
			if _, err := strconv.Unquote(d.Value); err != nil {
				return nil, fmt.Errorf("%.40s is not a text in quotes", d.Value)
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// Settings reads the settings, of the head or of a rung, as details.
func Settings(text string) (Rung, error) {
	list, err := details(text)
	return Rung{Details: list}, err
}
