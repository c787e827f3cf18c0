package phone

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// Region is where a number is at home: a country, and in North America, whose
// countries share one numbering plan, the area code. Its zero value is nowhere.
type Region struct {
	country [2]byte // ISO 3166-1 alpha-2
	area    uint16  // 0: none
}

// ErrRegion says that a text names no region.
var ErrRegion = errors.New("not a region: a country such as GB is expected, or in North America a country and an area code such as US-312")

// ParseRegion reads what String writes. The country must be one that has
// telephone numbers.
func ParseRegion(s string) (Region, error) {
	country, area, areas := strings.Cut(s, "-")
	code := 0
	if len(country) == 2 && country == strings.ToUpper(country) {
		code = phonenumbers.GetCountryCodeForRegion(country)
	}
	if code == 0 {
		return Region{}, ErrRegion
	}
	r := Region{country: [2]byte{country[0], country[1]}}
	if !areas {
		return r, nil
	}
	n, err := strconv.ParseUint(area, 10, 16)
	if err != nil || code != northAmerica || !isArea(uint16(n)) || len(area) != 3 {
		return Region{}, ErrRegion
	}
	r.area = uint16(n)
	return r, nil
}

// String is "GB" or "US-312", and empty for nowhere.
func (r Region) String() string {
	switch {
	case !r.Known():
		return ""
	case r.area == 0:
		return string(r.country[:])
	}
	return string(r.country[:]) + "-" + strconv.Itoa(int(r.area))
}

// Known says whether there is a region at all.
func (r Region) Known() bool { return r.country != [2]byte{} }

// Country is the region without its area code.
func (r Region) Country() Region { return Region{country: r.country} }

// Area is the area code, 0 if the region has none.
func (r Region) Area() int { return int(r.area) }

// Contains says whether every number of s is one of r: US contains US-312.
func (r Region) Contains(s Region) bool { return r == s || r.area == 0 && r.country == s.country }

// northAmerica is the country calling code of the North American Numbering Plan.
const northAmerica = 1

func isArea(n uint16) bool { return n >= 200 && n <= 999 }

// Region says where the number is at home. Nowhere is the home of numbers that
// no country has.
func (n Number) Region() Region {
	d := n.digits()
	if d == 0 {
		return Region{}
	}
	if first := leading(d, 1); first == northAmerica && count(d) == 11 {
		return areas.of(uint16(leading(d, 4) % 1000))
	}
	for i := 1; i <= 3; i++ {
		code := int(leading(d, i))
		switch regions := phonenumbers.GetRegionCodesForCountryCode(code); len(regions) {
		case 0:
		case 1:
			return region(regions[0])
		default:
			return region(oneOf(code, d, i))
		}
	}
	return Region{}
}

// oneOf chooses among the countries that share a calling code, the largest if
// the number itself does not tell.
func oneOf(code int, digits uint64, codeLen int) string {
	national := strconv.FormatUint(digits, 10)[codeLen:]
	if p, err := phonenumbers.Parse("+"+strconv.Itoa(code)+national, ""); err == nil {
		if found := phonenumbers.GetRegionCodeForNumber(p); found != "" {
			return found
		}
	}
	return phonenumbers.GetRegionCodeForCountryCode(code)
}

func region(code string) Region {
	if len(code) != 2 || code == phonenumbers.UNKNOWN_REGION {
		return Region{}
	}
	return Region{country: [2]byte{code[0], code[1]}}
}

// areas remembers the country of each North American area code, which
// libphonenumber finds by matching patterns.
var areas areaTable

type areaTable struct {
	once    sync.Once
	regions [1000]Region
}

func (t *areaTable) of(area uint16) Region {
	t.once.Do(t.fill)
	return t.regions[area]
}

// fill asks for one number of each area code; an area that no country uses is
// counted with the United States, where new ones appear.
func (t *areaTable) fill() {
	for area := uint16(200); area < 1000; area++ {
		found := "US"
		if p, err := phonenumbers.Parse("+1"+strconv.Itoa(int(area))+"2345678", ""); err == nil {
			if code := phonenumbers.GetRegionCodeForNumber(p); len(code) == 2 {
				found = code
			}
		}
		t.regions[area] = Region{country: [2]byte{found[0], found[1]}, area: area}
	}
}

// count is how many digits a number has, leading its first n of them.
func count(d uint64) int {
	n := 1
	for ; d >= 10; d /= 10 {
		n++
	}
	return n
}

func leading(d uint64, n int) uint64 {
	for drop := count(d) - n; drop > 0; drop-- {
		d /= 10
	}
	return d
}
