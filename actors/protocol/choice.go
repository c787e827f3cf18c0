package protocol

import (
	"fmt"
	"strconv"
	"strings"
)

// Choice is why a booking got the number that it got; of two numbers, that of
// the first party. It is kept with the booking, for people who ask later.
type Choice struct {
	Again  bool     // the two had it before
	Rested bool     // one of them still remembers it from somebody else: nothing else was free
	Split  bool     // two numbers though one was asked for: none was free for both
	Packed bool     // the first that had room, by ASSIGNMENT=pack; else the least loaded
	Near   Nearness // to the region asked for, or to the homes of the two
	Load   int      // live bookings that it showed before
	Of     int      // numbers in service then; 0: it was chosen by a program that did not tell
}

// Nearness is how near a number is to where it was wanted.
type Nearness uint8

// Where nothing was wanted, a number is elsewhere.
const (
	NearElsewhere Nearness = iota
	NearCountry
	NearArea
)

var nearnessNames = [...]string{"elsewhere", "country", "area"}

func (n Nearness) String() string { return nearnessNames[n] }

// String is how the store has it: words, of which those that do not apply are
// left out. The zero value is empty.
func (c Choice) String() string {
	if c.Of == 0 {
		return ""
	}
	b := make([]byte, 0, 48)
	for _, w := range [...]struct {
		is   bool
		word string
	}{{c.Again, "again "}, {c.Rested, "rested "}, {c.Split, "split "}, {c.Packed, "packed "}} {
		if w.is {
			b = append(b, w.word...)
		}
	}
	b = append(append(append(b, "near="...), c.Near.String()...), " load="...)
	b = strconv.AppendInt(b, int64(c.Load), 10)
	return string(strconv.AppendInt(append(b, " of="...), int64(c.Of), 10))
}

// ParseChoice reads what String writes.
func ParseChoice(s string) (c Choice, err error) {
	for word := range strings.FieldsSeq(s) {
		name, value, _ := strings.Cut(word, "=")
		n, bad := strconv.ParseUint(value, 10, 31)
		switch {
		case word == "again":
			c.Again = true
		case word == "rested":
			c.Rested = true
		case word == "split":
			c.Split = true
		case word == "packed":
			c.Packed = true
		case name == "load" && bad == nil:
			c.Load = int(n)
		case name == "of" && bad == nil:
			c.Of = int(n)
		case word == "near=elsewhere":
		case word == "near=country":
			c.Near = NearCountry
		case word == "near=area":
			c.Near = NearArea
		default:
			return Choice{}, fmt.Errorf("%.40q says nothing about the choice of a number", word)
		}
	}
	return c, nil
}
