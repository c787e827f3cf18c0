package story

import (
	"encoding/json"
	"strings"
	"time"
)

// Told is a line of a story as the store and the API have it.
type Told struct {
	At   time.Time // of an event by the carrier's clock
	What string    // JSON
}

// New puts a story together of its head and what was told. It takes lines of any
// version; what they did not tell is not there.
func New(head Story, told []Told) Story {
	s := head
	s.Rungs = make([]Rung, len(told))
	for i, line := range told {
		s.Rungs[i] = rungOf(line)
	}
	if len(s.Rungs) > 0 {
		first := &s.Rungs[0]
		s.Began, s.Settings = first.At, first.Text("settings")
		for i, d := range first.Details {
			if d.Name == "settings" {
				first.Details = append(first.Details[:i:i], first.Details[i+1:]...)
				break
			}
		}
	}
	return s
}

// spans are the members that are whole microseconds.
var spans = map[string]bool{
	"lag": true, "wait": true, "own": true, "took": true, "grace": true, "since": true, "ring": true, "limit": true,
}

func rungOf(line Told) Rung {
	r := Rung{At: line.At.UTC().Truncate(time.Microsecond)}
	members, err := membersOf(line.What)
	if err != nil {
		r.What = "a line that cannot be read"
		return r
	}
	for _, m := range members {
		text, isText := textOf(m.value)
		switch {
		case m.name == "event" && isText:
			r.Kind, r.What = Event, strings.TrimPrefix(text, "call.")
		case m.name == "send" && isText:
			r.Kind, r.What = Send, text
		case m.name == "reply" && isText:
			r.Kind, r.What = Reply, text
		case m.name == "note" && isText:
			r.What = text
		case m.name == "leg" && (text == "a" || text == "b"):
			r.Leg = text
		case m.name == "id", m.name == "settings" && m.value[0] != '{':
		default:
			if d := m.detail(); !spans[d.Name] || isSpan(d.Value) {
				r.Details = append(r.Details, d)
			}
		}
	}
	r.What = strings.Join(strings.Fields(r.What), " ") // two spaces begin the details
	r.At = r.At.Add(r.Span("lag") + r.Span("wait"))
	return r
}

func isSpan(value string) bool {
	_, err := time.ParseDuration(value)
	return err == nil
}

// member is one of an object, as it came.
type member struct {
	name  string
	value json.RawMessage
}

// membersOf reads an object in its order.
func membersOf(object string) ([]member, error) {
	d := json.NewDecoder(strings.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errNoObject
	}
	var list []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	_, err := d.Token()
	return list, err
}

func textOf(value json.RawMessage) (text string, ok bool) {
	return text, json.Unmarshal(value, &text) == nil && value[0] == '"'
}

// detail is a member as a rung has it.
func (m member) detail() Detail {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			return c
		}
		return '_'
	}, m.name)
	if name == "" {
		name = "_"
	}
	raw := string(m.value)
	if text, ok := textOf(m.value); ok {
		return Detail{name, value(text)}
	}
	var us int64
	switch {
	case raw == "true":
		return Detail{name, ""}
	case spans[name] && json.Unmarshal(m.value, &us) == nil:
		return Detail{name, (time.Duration(us) * time.Microsecond).String()}
	case raw[0] == '{' && name == "settings":
		members, err := membersOf(raw)
		if err != nil {
			break
		}
		list := make([]string, len(members))
		for i, m := range members {
			list[i] = m.detail().String()
		}
		return Detail{name, value(strings.Join(list, ", "))}
	}
	return Detail{name, value(raw)}
}
