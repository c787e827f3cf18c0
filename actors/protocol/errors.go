package protocol

import (
	"errors"
	"fmt"
)

// ErrorKind says who has to act on an error.
type ErrorKind uint8

// Invalid and Conflict are the asker's to mend, Exhausted the operator's,
// Unavailable goes away by itself, Internal is our fault.
const (
	Internal ErrorKind = iota
	Invalid
	NotFound
	Conflict
	Exhausted
	Unavailable
)

// Error is a refusal that a client can read.
type Error struct {
	Kind   ErrorKind
	Code   string // stable, for programs: "not_e164"
	Detail string // for people: what is wrong and what to do
	Field  string // the member at fault, if there is one
	Err    error  // the cause, for logs
}

func (e *Error) Error() string {
	s := e.Code + ": " + e.Detail
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error without a field.
func Errorf(kind ErrorKind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// KindOf finds the kind of an error; one that is not ours is Internal.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
