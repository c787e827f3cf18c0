package api_test

import (
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
	"maskswitch/http/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

// epoch is the instant at which all test bookings begin.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// desk is a switch of the tests': it answers what it is told to, keeps what it
// was asked, and has bookings in a slice.
type desk struct {
	err    error // the answer to everything, if set
	before func(context.Context) error

	mu       sync.Mutex
	calls    []any // the arguments of every call
	bookings []protocol.Booking
	numbers  []protocol.NumberStatus // in the order of their digits
	orders   []protocol.NumberOrder
	tape     shelf
	explains protocol.Explanation
}

func (d *desk) called(ctx context.Context, arg any) error {
	d.mu.Lock()
	d.calls = append(d.calls, arg)
	d.mu.Unlock()
	if d.before != nil {
		if err := d.before(ctx); err != nil {
			return err
		}
	}
	return d.err
}

func (d *desk) AddNumbers(ctx context.Context, numbers []phone.Number) (protocol.Added, error) {
	return protocol.Added{New: len(numbers), Pool: len(numbers)}, d.called(ctx, numbers)
}

func (d *desk) OpenBooking(ctx context.Context, cmd protocol.OpenBooking) (protocol.Opened, error) {
	if err := d.called(ctx, cmd); err != nil {
		return protocol.Opened{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.bookings {
		if cmd.Ref != "" && b.Ref == cmd.Ref {
			if b.PartyA != cmd.PartyA || b.PartyB != cmd.PartyB || b.Asked != cmd.Duration || b.Terms != cmd.Terms {
				return protocol.Opened{}, &protocol.Error{Kind: protocol.Conflict, Code: "booking_exists",
					Detail: "the booking_id belongs to a different request", Field: "booking_id"}
			}
			return protocol.Opened{Booking: b, Repeated: true}, nil
		}
	}
	at := epoch.Add(time.Duration(len(d.bookings)) * time.Second)
	b := protocol.Booking{
		ID: protocol.NewBookingID(at), Ref: cmd.Ref, PartyA: cmd.PartyA, PartyB: cmd.PartyB,
		NumberA: proxy, NumberB: proxy, CreatedAt: at, CheckoutAt: at.Add(cmd.Duration), Asked: cmd.Duration,
		LimitAt: at.Add(cmd.Duration), Terms: cmd.Terms,
	}
	if cmd.Terms.Masks == protocol.MasksPair {
		b.NumberB = proxyB
	}
	if idle := cmd.Terms.Idle; idle > 0 && idle < cmd.Duration {
		b.CheckoutAt = at.Add(idle)
	}
	d.bookings = append(d.bookings, b)
	return protocol.Opened{Booking: b}, nil
}

func (d *desk) MoveBooking(ctx context.Context, id string, to protocol.MoveBooking) (protocol.Booking, error) {
	if err := d.called(ctx, to); err != nil {
		return protocol.Booking{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, b := range d.bookings {
		if b.PublicID() == id && b.State == protocol.BookingLive {
			if b.LimitAt = b.LimitAt.Add(to.By); !to.To.IsZero() {
				b.LimitAt = to.To
			}
			if !b.LimitAt.After(time.Now()) {
				return b, protocol.Errorf(protocol.Invalid, "out_of_range", "the booking would have ended already")
			}
			if b.CheckoutAt = b.LimitAt; b.Terms.Idle > 0 {
				b.CheckoutAt = b.CreatedAt.Add(b.Terms.Idle)
			}
			d.bookings[i] = b
			return b, nil
		}
	}
	return protocol.Booking{}, protocol.Errorf(protocol.NotFound, "booking_not_found", "no live booking has this id")
}

func (d *desk) CloseBooking(ctx context.Context, id string) (protocol.Booking, error) {
	if err := d.called(ctx, id); err != nil {
		return protocol.Booking{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, b := range d.bookings {
		if b.PublicID() == id && b.State == protocol.BookingLive {
			d.bookings[i].State, d.bookings[i].Reason = protocol.BookingQuarantined, "deleted"
			return d.bookings[i], nil
		}
	}
	return protocol.Booking{}, protocol.Errorf(protocol.NotFound, "booking_not_found", "no live booking has this id")
}

func (d *desk) Booking(ctx context.Context, id string) (protocol.Booking, error) {
	if err := d.called(ctx, id); err != nil {
		return protocol.Booking{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.bookings {
		if b.PublicID() == id || b.ID.String() == id {
			return b, nil
		}
	}
	return protocol.Booking{}, protocol.Errorf(protocol.NotFound, "booking_not_found", "no booking has this id")
}

func (d *desk) Bookings(ctx context.Context, q protocol.BookingQuery) ([]protocol.Booking, error) {
	if err := d.called(ctx, q); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []protocol.Booking
	for _, b := range d.bookings {
		if b.State == q.State && b.ID.String() > q.After.String() && len(out) < q.Limit &&
			(!q.Party.Known() || q.Party == b.PartyA || q.Party == b.PartyB) {
			out = append(out, b)
		}
	}
	return out, nil
}

func (d *desk) Headcount(ctx context.Context) (protocol.Headcount, error) {
	return protocol.Headcount{Pool: 7, Active: 3}, d.called(ctx, "headcount")
}

// Numbers of the tests'.
var (
	proxy  = number("+13125550100")
	proxyB = number("+13125550101")
	alice  = number("+13125550111")
	bob    = number("+13125550122")
)

func number(s string) phone.Number {
	n, err := phone.Parse(s)
	if err != nil {
		panic(err)
	}
	return n
}

// serve makes an API on d; more may change its Config.
func serve(d *desk, more ...func(*api.Config)) *api.Server {
	config := api.Config{Switch: d}
	for _, change := range more {
		change(&config)
	}
	return api.New(config)
}

// request makes one that a program on this machine might send.
func request(method, target, body string) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, reader)
	r.Host = "localhost:5000"
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("X-Request-Id", "r1")
	return r
}

// ask sends a request and returns the status and the body.
func ask(h http.Handler, r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	wants := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(wants) || line != wants[i] {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s", path, i+1, line, append(wants, "(end of file)")[min(i, len(wants))])
		}
	}
	t.Fatalf("%s has more lines than came out", path)
}

// quick is a switch that costs nothing.
type quick struct{ desk }

func (*quick) OpenBooking(_ context.Context, cmd protocol.OpenBooking) (protocol.Opened, error) {
	return protocol.Opened{Booking: protocol.Booking{
		Ref: cmd.Ref, PartyA: cmd.PartyA, PartyB: cmd.PartyB, NumberA: proxy, NumberB: proxy,
		CreatedAt: epoch, CheckoutAt: epoch.Add(cmd.Duration),
	}}, nil
}
