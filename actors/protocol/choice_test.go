package protocol

import "testing"

func TestChoiceIsReadAsWritten(t *testing.T) {
	for _, c := range []Choice{
		{}, {Of: 1}, {Load: 199, Of: 5000, Near: NearArea}, {Again: true, Of: 2, Near: NearCountry},
		{Again: true, Rested: true, Split: true, Packed: true, Near: NearArea, Load: 7, Of: 8},
	} {
		got, err := ParseChoice(c.String())
		if err != nil || got != c {
			t.Errorf("%q is read as %+v, %v; it was %+v", c, got, err, c)
		}
	}
	for _, s := range []string{"near=here", "load=-1 of=1", "load=99999999999 of=1", "of=", "again=1", "why not"} {
		if c, err := ParseChoice(s); err == nil {
			t.Errorf("%q is read as %+v", s, c)
		}
	}
}
