package carrier

import (
	"bytes"
	"encoding/json"
)

// parse reads a JSON object. Most bodies are flat and plain: those are read
// here, in a tenth of the time; whatever else there may be, nesting, escapes,
// nulls, fractions, goes to encoding/json, with the same result.
func parse(raw []byte) (body, bool) {
	if in, ok := parseFlat(string(raw)); ok {
		return in, true
	}
	var in body
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err := d.Decode(&in)
	return in, err == nil && in != nil
}

// parseFlat gives up on the first thing that is not plain.
func parseFlat(s string) (body, bool) {
	i := blanks(s, 0)
	if i == len(s) || s[i] != '{' {
		return nil, false
	}
	in := body{}
	for i = blanks(s, i+1); ; i = blanks(s, i+1) {
		if i < len(s) && s[i] == '}' && len(in) == 0 {
			break
		}
		name, next, ok := plainText(s, i)
		if !ok {
			return nil, false
		}
		if i = blanks(s, next); i == len(s) || s[i] != ':' {
			return nil, false
		}
		i = blanks(s, i+1)
		v, next, ok := plainValue(s, i)
		if !ok {
			return nil, false
		}
		in[name] = v
		if i = blanks(s, next); i == len(s) || s[i] != ',' && s[i] != '}' {
			return nil, false
		}
		if s[i] == '}' {
			break
		}
	}
	return in, blanks(s, i+1) == len(s)
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

// plainValue reads a plain string, a boolean or a short count.
func plainValue(s string, i int) (v any, next int, ok bool) {
	if i == len(s) {
		return nil, 0, false
	}
	switch c := s[i]; {
	case c == '"':
		return plainText(s, i)
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
