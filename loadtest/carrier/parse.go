package carrier

import (
	"bytes"
	"encoding/json"
)

// parse reads a JSON object. Most bodies are plain: those are read here, in a
// tenth of the time; whatever else there may be, escapes, nulls, fractions, goes
// to encoding/json, with the same result.
func parse(raw []byte) (body, bool) {
	s := string(raw)
	if i := blanks(s, 0); i < len(s) {
		if in, next, ok := plainObject(s, i, deepest); ok && blanks(s, next) == len(s) {
			return in, true
		}
	}
	var in body
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err := d.Decode(&in)
	return in, err == nil && in != nil
}

// deepest is how far plain objects and lists may lie in each other.
const deepest = 4

// plainObject reads an object and gives up on the first thing that is not
// plain; next is behind it.
func plainObject(s string, i, depth int) (in map[string]any, next int, ok bool) {
	if s[i] != '{' || depth == 0 {
		return nil, 0, false
	}
	in = map[string]any{}
	for i = blanks(s, i+1); ; i = blanks(s, i+1) {
		if i < len(s) && s[i] == '}' && len(in) == 0 {
			return in, i + 1, true
		}
		name, next, ok := plainText(s, i)
		if !ok {
			return nil, 0, false
		}
		if i = blanks(s, next); i == len(s) || s[i] != ':' {
			return nil, 0, false
		}
		v, next, ok := plainValue(s, blanks(s, i+1), depth-1)
		if !ok {
			return nil, 0, false
		}
		in[name] = v
		switch i = blanks(s, next); {
		case i == len(s) || s[i] != ',' && s[i] != '}':
			return nil, 0, false
		case s[i] == '}':
			return in, i + 1, true
		}
	}
}

// plainList is plainObject for a list.
func plainList(s string, i, depth int) (list []any, next int, ok bool) {
	if depth == 0 {
		return nil, 0, false
	}
	list = []any{}
	for i = blanks(s, i+1); ; i = blanks(s, i+1) {
		if i < len(s) && s[i] == ']' && len(list) == 0 {
			return list, i + 1, true
		}
		v, next, ok := plainValue(s, i, depth-1)
		if !ok {
			return nil, 0, false
		}
		list = append(list, v)
		switch i = blanks(s, next); {
		case i == len(s) || s[i] != ',' && s[i] != ']':
			return nil, 0, false
		case s[i] == ']':
			return list, i + 1, true
		}
	}
}

func blanks(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i
}

// plainText reads a string of ASCII without escapes; next is behind it.
func plainText(s string, i int) (text string, next int, ok bool) {
	if i == len(s) || s[i] != '"' {
		return "", 0, false
	}
	for j := i + 1; j < len(s); j++ {
		switch c := s[j]; {
		case c == '"':
			return s[i+1 : j], j + 1, true
		case c < ' ' || c >= 0x7f || c == '\\':
			return "", 0, false
		}
	}
	return "", 0, false
}

// plainValue reads a plain string, a boolean, a short count, or an object or
// list of those.
func plainValue(s string, i, depth int) (v any, next int, ok bool) {
	if i >= len(s) {
		return nil, 0, false
	}
	switch c := s[i]; {
	case c == '"':
		return plainText(s, i)
	case c == '{':
		return plainObject(s, i, depth)
	case c == '[':
		return plainList(s, i, depth)
	case len(s)-i >= 4 && s[i:i+4] == "true":
		return true, i + 4, true
	case len(s)-i >= 5 && s[i:i+5] == "false":
		return false, i + 5, true
	case c >= '1' && c <= '9':
		j := i + 1
		for j < len(s) && s[j] >= '0' && s[j] <= '9' {
			j++
		}
		return json.Number(s[i:j]), j, true // what follows a digit ends the member, or it is not plain
	}
	return nil, 0, false
}
