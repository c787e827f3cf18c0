// Package phone has the telephone number as the switch knows it.
//
// A Number is eight bytes, comparable and safe to print: whatever prints,
// formats, logs or marshals it gets a masked form. Only E164 reveals it, and
// only wires and stores call E164.
package phone

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"

	"github.com/nyaruka/phonenumbers"
	"google.golang.org/protobuf/proto"
)

// Number is a telephone number in E.164. Its zero value is "no number": a
// withheld caller, a SIP address, an absent field.
type Number struct {
	// The digits without the plus, of which E.164 allows fifteen, crossed with
	// veil. Printing a struct that has a Number in an unexported field calls none
	// of its methods, and shows this instead.
	veiled uint64
}

// veil is another one in each process. Its top bit keeps every real number
// apart from the zero value.
var veil = rand.Uint64() | 1<<63

func of(digits uint64) Number { return Number{digits ^ veil} }

func (n Number) digits() uint64 {
	if n.veiled == 0 {
		return 0
	}
	return n.veiled ^ veil
}

// Shortest and longest numbers taken, in digits without the plus. The upper
// bound is E.164's; the lower one keeps out short codes, which a carrier would
// dial as services.
const (
	minDigits = 7
	maxDigits = 15
)

// ErrSyntax says that a text is not strict E.164: a plus, then 7 to 15 digits
// that do not start with 0, and nothing else. The carrier would take digits
// after a comma, or a SIP address, as dialling instructions.
var ErrSyntax = errors.New("not an E.164 number: a plus sign and 7 to 15 digits are expected, such as +13125550111")

// ErrImpossible says that no country has numbers of this length.
var ErrImpossible = errors.New("not a possible number: its country has no numbers of this length")

// Parse reads strict E.164 and asks libphonenumber whether such a number is
// possible. It does not ask whether it is valid, because number ranges change
// faster than libraries do.
func Parse(s string) (Number, error) {
	n, ok := syntax(s)
	if !ok {
		return Number{}, ErrSyntax
	}
	if !possible(s[1:]) {
		return Number{}, ErrImpossible
	}
	return n, nil
}

// possible asks libphonenumber, which is quick when it gets country code and
// national number apart and slow when it has to find them in a text. The slow
// way has the last word, since it knows of national oddities such as the 1 in
// old Mexican mobile numbers.
func possible(digits string) bool {
	for i := 1; i <= 3; i++ {
		code, _ := strconv.Atoi(digits[:i])
		if phonenumbers.GetRegionCodeForCountryCode(code) == phonenumbers.UNKNOWN_REGION {
			continue
		}
		national, err := strconv.ParseUint(digits[i:], 10, 64)
		if err != nil {
			return false
		}
		zeros := 0
		for zeros < len(digits)-i-1 && digits[i+zeros] == '0' {
			zeros++
		}
		p := &phonenumbers.PhoneNumber{CountryCode: proto.Int32(int32(code)), NationalNumber: &national}
		if zeros > 0 {
			p.ItalianLeadingZero, p.NumberOfLeadingZeros = proto.Bool(true), proto.Int32(int32(zeros))
		}
		if phonenumbers.IsPossibleNumber(p) {
			return true
		}
		break
	}
	p, err := phonenumbers.Parse("+"+digits, "")
	return err == nil && phonenumbers.IsPossibleNumber(p)
}

// FromCarrier reads a caller or called number out of a carrier event, where a
// missing plus and dashes have been seen. Anything else, an anonymous marker
// or a SIP address among it, is no number, so that it never matches a party.
func FromCarrier(s string) Number {
	n := fromCarrier(s)
	if n.digits() == anonymous {
		return Number{}
	}
	return n
}

// anonymous is the word ANONYMOUS on a keypad, which some networks send for a
// withheld number. No country has such a number.
const anonymous = 266696687

func fromCarrier(s string) Number {
	if n, ok := syntax(s); ok {
		return n
	}
	buf := make([]byte, 1, maxDigits+1)
	buf[0] = '+'
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if len(buf) > maxDigits {
				return Number{}
			}
			buf = append(buf, c)
		case c == '-', c == ' ', c == '(', c == ')', c == '.', c == '+' && i == 0:
		default:
			return Number{}
		}
	}
	n, _ := syntax(string(buf))
	return n
}

// FromStore reads what E164 wrote. The empty text is no number.
func FromStore(s string) (Number, error) {
	if s == "" {
		return Number{}, nil
	}
	n, ok := syntax(s)
	if !ok {
		return Number{}, fmt.Errorf("stored number %q: %w", mask(s), ErrSyntax)
	}
	return n, nil
}

func syntax(s string) (Number, bool) {
	if len(s) < 1+minDigits || len(s) > 1+maxDigits || s[0] != '+' || s[1] == '0' {
		return Number{}, false
	}
	var v uint64
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return Number{}, false
		}
		v = v*10 + uint64(s[i]-'0')
	}
	return of(v), true
}

// E164 reveals the number: for carriers, stores and the marketplace that owns
// it. The empty text stands for no number.
func (n Number) E164() string {
	if !n.Known() {
		return ""
	}
	return "+" + strconv.FormatUint(n.digits(), 10)
}

// Known says whether there is a number at all.
func (n Number) Known() bool { return n.veiled != 0 }

// Compare orders numbers, for lists that must come out the same each time.
func (n Number) Compare(m Number) int { return cmp.Compare(n.digits(), m.digits()) }

// String is the masked form, for logs: enough to tell two numbers apart in an
// incident, too little to dial.
func (n Number) String() string {
	if !n.Known() {
		return "(none)"
	}
	return mask(n.E164())
}

func mask(s string) string {
	if len(s) < 1+minDigits {
		return "***"
	}
	return s[:3] + "***" + s[len(s)-2:]
}

// Format masks under every verb: %d of a plain integer would reveal.
func (n Number) Format(f fmt.State, _ rune) { fmt.Fprint(f, n.String()) }

// MarshalText masks: a Number in a document that somebody marshals whole, a
// dead letter for instance, must not reveal. Documents that need the number
// say E164.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// LogValue masks in structured logs.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }
