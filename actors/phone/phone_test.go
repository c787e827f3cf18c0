package phone

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		in   string
		want error
	}{
		{"+13125550111", nil},
		{"+442079460018", nil},
		{"+390669812345", nil}, // the zero after +39 belongs to the number
		{"+4915112345678", nil},
		{"+8613800138000", nil},
		{"+883510012345678", nil}, // a country code that is no country's
		{"", ErrSyntax},
		{"13125550111", ErrSyntax},
		{"+1 312 555 0111", ErrSyntax},
		{"+13125550111,200", ErrSyntax},
		{"+13125550111;ext=2", ErrSyntax},
		{"sip:+13125550111@example.com", ErrSyntax},
		{"+03125550111", ErrSyntax},
		{"+1312555", ErrImpossible},
		{"+1312555011", ErrImpossible},
		{"+131255501112", ErrImpossible},
		{"+1312555011122334", ErrSyntax},
		{"+१३१२५५५०१११", ErrSyntax},
		{"+2100000000", ErrImpossible}, // no country has 210
		{"\uff0b13125550111", ErrSyntax},
	} {
		n, err := Parse(test.in)
		if err != test.want {
			t.Errorf("Parse(%q): %v, want %v", test.in, err, test.want)
		}
		if err == nil && n.E164() != test.in {
			t.Errorf("Parse(%q) = %s", test.in, n.E164())
		}
	}
}

func TestFromCarrier(t *testing.T) {
	for in, want := range map[string]string{
		"+13125550111": "+13125550111", "13125550111": "+13125550111", "+1-312-555-0111": "+13125550111",
		"+1 (312) 555.0111": "+13125550111",
		"":                  "", "anonymous": "", "Restricted": "", "sip:alice@example.com": "", "+anonymous": "",
		"sip:+13125550111@203.0.113.9": "", "266696687": "", "+266696687": "", "12345": "", "+13125550111x5": "",
		"1+3125550111": "", "1234567890123456": "",
	} {
		if got := FromCarrier(in).E164(); got != want {
			t.Errorf("FromCarrier(%q) = %q, want %q", in, got, want)
		}
	}
}

// Nothing that prints, logs or marshals a number reveals it.
func TestANumberMasksItself(t *testing.T) {
	n, err := Parse("+13125550111")
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Party Number
		inner Number
	}
	h := holder{n, n}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "n", n, "h", h, "p", &n)
	marshalled, _ := json.Marshal(map[Number]holder{n: h})
	prints := []string{logged.String(), string(marshalled), fmt.Sprint(n, &n, []Number{n})}
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x", "%s", "%q", "%o", "%08d"} {
		prints = append(prints, fmt.Sprintf(verb, n), fmt.Sprintf(verb, h), fmt.Sprintf(verb, &n))
	}
	for _, s := range prints {
		if strings.Contains(s, "3125550111") || strings.Contains(s, "5550111") || strings.Contains(s, fmt.Sprintf("%x", 13125550111)) {
			t.Errorf("revealed in %s", s)
		}
	}
	if got := n.String(); got != "+13***11" {
		t.Errorf("masked as %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"+13125550111", "+390669812345", "+13125550111,1", "sip:x", "+0", "+999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			if n.Known() {
				t.Fatal("a number came with an error")
			}
			return
		}
		if n.E164() != s {
			t.Fatalf("%q came back as %q", s, n.E164())
		}
		again, err := FromStore(n.E164())
		if err != nil || again != n || FromCarrier(s) != n {
			t.Fatalf("%q is read differently from the store or the carrier", s)
		}
		p, err := phonenumbers.Parse(s, "")
		if err != nil || !phonenumbers.IsPossibleNumber(p) {
			t.Fatalf("the library would refuse %q", s)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := Parse("+13125550111"); err != nil {
			b.Fatal(err)
		}
	}
}
