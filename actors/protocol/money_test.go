package protocol

import (
	"errors"
	"math"
	"testing"
)

func TestMoney(t *testing.T) {
	for text, want := range map[string]struct {
		money Money
		again string
	}{
		"0":               {0, "0.00"},
		"1":               {10_000, "1.00"},
		"1.5":             {15_000, "1.50"},
		"12.50":           {125_000, "12.50"},
		"1.00000":         {10_000, "1.00"},
		"0.0001":          {1, "0.0001"},
		"0.125":           {1_250, "0.125"},
		"007.10":          {71_000, "7.10"},
		"0.1":             {1_000, "0.10"},
		"999999999999.99": {9_999_999_999_999_900, "999999999999.99"},
	} {
		got, err := ParseMoney(text)
		if err != nil || got != want.money || got.String() != want.again {
			t.Errorf("%q is %d, %s: %v", text, int64(got), got, err)
		}
	}
	for _, text := range []string{
		"", ".", "1.", ".5", "-1", "+1", " 1", "1e2", "1,5", "0.00001", "1.2.3", "NaN", "0x10", "١", "1_0", "1000000000000",
	} {
		if got, err := ParseMoney(text); !errors.Is(err, ErrMoney) {
			t.Errorf("%q is taken as %s", text, got)
		}
	}
}

// FuzzMoney: what is read is written the same, and read again.
func FuzzMoney(f *testing.F) {
	for _, text := range []string{"0", "1.5", "12.3456", "00.10", "999999999999.9999", "1e9", "-0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMoney(text)
		if err != nil {
			return
		}
		again, err := ParseMoney(m.String())
		if err != nil || again != m || m < 0 || m > math.MaxInt64/100 {
			t.Errorf("%q is %d, written %s, read %d: %v", text, int64(m), m, int64(again), err)
		}
	})
}
