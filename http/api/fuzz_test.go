package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
	"maskswitch/http/api"
)

// judge sees that an answer to anything at all is a success or a whole refusal
// that blames the client, and that no refused request reached the switch.
func judge(t *testing.T, d *desk, status int, body string) {
	t.Helper()
	if status == http.StatusOK || status == http.StatusAccepted {
		return
	}
	var p struct{ Error, Code, Detail string }
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Error == "" || p.Code == "" || p.Detail == "" {
		t.Errorf("%d %s: %v", status, body, err)
	}
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
	default:
		t.Errorf("%d %s", status, body)
	}
	if len(d.calls) > 0 {
		t.Errorf("%d %s, and the switch was asked %v", status, body, d.calls)
	}
}

// possible is the whole of what a number must be.
func possible(t *testing.T, n phone.Number) {
	t.Helper()
	if again, err := phone.Parse(n.E164()); err != nil || again != n {
		t.Errorf("the switch was asked for %s: %v", n.E164(), err)
	}
}

func FuzzCreateBooking(f *testing.F) {
	for _, body := range []string{
		good(""), good(`,"booking_id":"bk_123","duration_hours":0.5`), good(`,"booking_id":null,"duration_hours":1e999`),
		good(`,"booking_id":"` + strings.Repeat("b", 129) + `"`), good(`,"party_a":1`), good(`,"x":{"y":[1]}`),
		good(`,"masks":"pair","idle_hours":0.5` + allTerms), good(`,"masks":null,"region_strict":true`), good(`,"grace_seconds":6e2`),
		good(`,"region":"XX"`), good(`,"on_checkout":"cut","grace_seconds":-0.5`), good(`,"idle_hours":1e-9`),
		`{}`, ``, `null`, `[`, `{"party_a":"+13125550111,1","party_b":"sip:a@b"}`, "\xff", `{"party_a":"\ud800"}`,
	} {
		f.Add(body, "application/json")
	}
	f.Add(good(""), "")
	f.Add(good(""), "text/plain; charset")
	f.Fuzz(func(t *testing.T, body, media string) {
		d := &desk{}
		r := request("POST", "/bookings", body)
		r.Header.Set("Content-Type", media)
		status, answer := ask(serve(d), r)
		judge(t, d, status, answer)
		for _, call := range d.calls {
			cmd := call.(protocol.OpenBooking)
			possible(t, cmd.PartyA)
			possible(t, cmd.PartyB)
			switch {
			case cmd.PartyA == cmd.PartyB,
				cmd.Duration < time.Millisecond, cmd.Duration > api.DefaultMaxBookingHours*time.Hour,
				cmd.Duration%time.Millisecond != 0,
				len(cmd.Ref) > 128, strings.ContainsAny(string(cmd.Ref), "/\\?#% \x00"), cmd.Ref == ".", cmd.Ref == "..":
				t.Errorf("the switch was asked for %+v", cmd)
			}
			switch terms := cmd.Terms; {
			case terms.Idle < 0, terms.Idle > api.DefaultMaxBookingHours*time.Hour, terms.Idle%time.Millisecond != 0,
				terms.RegionStrict && !terms.Region.Known(),
				terms.Grace < 0, terms.Grace > 10*time.Minute, terms.Grace%time.Second != 0,
				terms.Grace > 0 && terms.OnCheckout != protocol.CutCalls:
				t.Errorf("the switch was asked for %+v", terms)
			}
			if again, err := protocol.ParseTerms(cmd.Terms.Text()); err != nil || again != cmd.Terms {
				t.Errorf("a store would make %+v of %+v: %v", again, cmd.Terms, err)
			}
		}
	})
}

func FuzzAddNumbers(f *testing.F) {
	for _, body := range []string{
		`{"numbers":["+13125550100","+13125550101"]}`, `{"numbers":["+13125550100","+13125550100"]}`,
		`{"numbers":[]}`, `{"numbers":null}`, `{"numbers":[null]}`, `{"numbers":[1]}`, `{"numbers":"+13125550100"}`,
		`{"numbers":["+13125550100"],"numbers":[]}`, `{"numbers":["+13125550100"]}{}`, `{"/":1}`, ``, `"`, "\xff",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d := &desk{}
		status, answer := ask(serve(d), request("POST", "/pool", body))
		judge(t, d, status, answer)
		for _, call := range d.calls {
			numbers := call.([]phone.Number)
			seen := make(map[phone.Number]bool)
			for _, n := range numbers {
				possible(t, n)
				if seen[n] {
					t.Errorf("the switch was asked for %s twice", n.E164())
				}
				seen[n] = true
			}
			if len(numbers) == 0 {
				t.Error("the switch was asked for nothing")
			}
		}
	})
}

func FuzzListBookings(f *testing.F) {
	for _, query := range []string{
		"", "limit=10&status=live", "party=%2B13125550111", "party=+13125550111", "cursor=01912d68-783e-7a03-8467-5661c1243ad4",
		"limit=-1", "limit=1&limit=2", "%ff=1", "%zz", "a;b", "cursor=",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		d := &desk{}
		r := request("GET", "/bookings", "")
		r.URL.RawQuery = query
		status, answer := ask(serve(d), r)
		judge(t, d, status, answer)
		for _, call := range d.calls {
			if q, ok := call.(protocol.BookingQuery); ok {
				if q.Limit < 2 || q.Limit > 1001 || q.State > protocol.BookingClosed {
					t.Errorf("the switch was asked for %+v", q)
				}
				if q.Party.Known() {
					possible(t, q.Party)
				}
			}
		}
	})
}
