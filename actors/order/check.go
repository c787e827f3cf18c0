package order

import (
	"strings"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// most is how many numbers one order may ask for.
const most = 500

// Check says what is wrong with a request, as a protocol.Error that names the
// field.
func Check(asked protocol.OrderNumbers) error {
	region, err := phone.ParseRegion(asked.Country)
	switch {
	case err != nil || region.Area() != 0:
		return invalid("unknown_country", "country", "two capitals of a country with telephone numbers are expected, such as US")
	case len(asked.AreaCode) > 5 || strings.Trim(asked.AreaCode, "0123456789") != "":
		return invalid("bad_area_code", "area_code", "1 to 5 digits are expected, or nothing for any area")
	case asked.Count < 1 || asked.Count > most:
		return invalid("out_of_range", "count", "between 1 and %d numbers can be ordered at once", most)
	case asked.MostMonthly < 0:
		return invalid("out_of_range", "max_monthly_cost", "it must not be negative; 0 is no limit")
	}
	return nil
}

func invalid(code, field, format string, args ...any) error {
	err := protocol.Errorf(protocol.Invalid, code, format, args...)
	err.Field = field
	return err
}
