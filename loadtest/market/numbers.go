package market

import "strconv"

// The numbers are ten national digits after +1, as long as the North American
// plan wants them, so that every library calls them possible. The fourth digit
// is 1, which no exchange there begins with: nobody has such a number, and none
// can be given to anybody. Each block is a range of area codes.
const (
	hostBlock     = 200
	guestBlock    = 300
	strangerBlock = 400
	proxyBlock    = 600
)

// areaSize is how many numbers one area code holds.
const areaSize = 1_000_000

// Most people of a kind, and most bookings at once.
const (
	mostPeople = 10_000_000
	mostLive   = 10_000_000
)

// strangers is how many people there are who have no booking at all.
const strangers = 100_000

// anonymous is what the carrier reports for a caller who hides the number.
const anonymous = "anonymous"

// Proxies are the first n proxy numbers, E.164: the same each time, and nobody's
// own. There are a million.
func Proxies(n int) []string {
	all := make([]string, min(n, areaSize))
	for i := range all {
		all[i] = numberIn(proxyBlock, i)
	}
	return all
}

// numberIn is the ith number of a block.
func numberIn(block, i int) string {
	n := int64(1e10) + int64(block+i/areaSize)*1e7 + 1e6 + int64(i%areaSize)
	var text [16]byte
	text[0] = '+'
	return string(strconv.AppendInt(text[:1], n, 10))
}
