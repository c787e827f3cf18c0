package loadtest

import (
	"encoding/json"
	"testing"
	"time"

	"maskswitch/loadtest/market"
)

// A booking without terms is asked for as ever, so that switches that know none
// can be tested too.
func TestWhatIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		terms market.Terms
		want  string
	}{
		{market.Terms{}, ""},
		{market.Terms{Pair: true}, `,"masks":"pair"`},
		{market.Terms{Cut: true}, `,"on_checkout":"cut","grace_seconds":0`},
		{market.Terms{Cut: true, Grace: 90 * time.Second}, `,"on_checkout":"cut","grace_seconds":90`},
		{market.Terms{Idle: 90 * time.Minute, Region: "GB"}, `,"idle_hours":1.5,"region":"GB"`},
	} {
		got, err := json.Marshal(asking(&market.Booking{Host: "+12001000000", Guest: "+13001000000", Terms: c.terms}, "bk", 2))
		if want := `{"party_a":"+13001000000","party_b":"+12001000000","booking_id":"bk","duration_hours":2` + c.want + `}`; err != nil || string(got) != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestWhichNumberIsWhose(t *testing.T) {
	for _, c := range []struct{ body, guest, host, own string }{
		{`{"proxy_number":"+1"}`, "+1", "+1", ""},
		{`{"proxy":"+1"}`, "+1", "+1", ""},
		{`{"proxy_number":"+1","proxy_number_b":"+2"}`, "+1", "+2", "+2"},
		{`{"proxy_number":"+1","proxy_numbers":{"party_a":"+1","party_b":"+2"}}`, "+1", "+2", "+2"},
		{`{"proxy":"+1","proxy_numbers":{"party_a":"+1","party_b":"+1"}}`, "+1", "+1", "+1"},
	} {
		b, err := readBooking([]byte(c.body))
		if err != nil || b.guestDials() != c.guest || b.hostDials() != c.host || listed(b).Proxy != c.guest || listed(b).ProxyHost != c.own {
			t.Errorf("%s: %v, guest %q, host %q, listed %+v", c.body, err, b.guestDials(), b.hostDials(), listed(b))
		}
	}
}
