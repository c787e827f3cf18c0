package protocol

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Money keeps this many decimals, so one unit of the currency is that many of it.
const (
	moneyDigits = 4
	moneyUnit   = 10_000
)

// ErrMoney says that a text is no amount of money.
var ErrMoney = errors.New("not an amount: a decimal number of at most 12 digits, with a point and 4 more at most, is expected, such as 12.50")

// ParseMoney reads a decimal text, exactly: "12", "1.5" or the "1.00000" that
// carriers write. An amount that Money cannot hold exactly, or a negative one,
// is refused.
func ParseMoney(s string) (Money, error) {
	whole, part, point := strings.Cut(s, ".")
	if point && part == "" {
		return 0, ErrMoney
	}
	part = strings.TrimRight(part, "0")
	if len(whole) == 0 || len(whole) > 12 || len(part) > moneyDigits || strings.Trim(whole+part, "0123456789") != "" {
		return 0, ErrMoney
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", moneyDigits-len(part)), 10, 64)
	if err != nil {
		return 0, ErrMoney
	}
	return Money(n), nil
}

// String is what ParseMoney reads: two decimals, or as many more as it takes.
func (m Money) String() string {
	s := fmt.Sprintf("%d.%04d", m/moneyUnit, m%moneyUnit)
	return strings.TrimSuffix(strings.TrimSuffix(s, "0"), "0")
}
