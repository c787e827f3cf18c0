package telnyx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/protocol"
)

// script answers attempt after attempt, and notes when each began. The last
// line is repeated.
type script struct {
	lines []func(*http.Request) (*http.Response, error)
	began time.Time
	at    []time.Duration
}

func newScript(lines ...func(*http.Request) (*http.Response, error)) *script {
	return &script{lines: lines, began: time.Now()}
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	line := s.lines[min(len(s.at), len(s.lines)-1)]
	s.at = append(s.at, time.Since(s.began))
	return line(r)
}

func says(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return answer(status, body, header...), nil }
}

func breaks(*http.Request) (*http.Response, error) {
	return nil, errors.New("read tcp: connection reset by peer")
}

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// retryStories run in virtual time with the jitter at its middle, so that the
// first pause is 500 ms, then 1 s, 2 s, 4 s, 4 s.
var retryStories = []struct {
	story    string
	lines    []func(*http.Request) (*http.Response, error)
	deadline time.Duration // of the stage; 0: none
	want     protocol.Reply
	at       []time.Duration // of each attempt
	took     time.Duration
}{
	{"taken at once", list(says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 1}, ms(0), 0},
	{"a fault, then taken", list(says(503, ""), says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 500), 500 * time.Millisecond},
	{"a broken connection, then taken", list(breaks, says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 500), 500 * time.Millisecond},
	{"no answer to the first attempt", list(hangs, says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 2500), 2500 * time.Millisecond},
	{"attempts get more patient", list(hangs), 20 * time.Second,
		protocol.Reply{Result: protocol.CommandTimeout, Detail: "no answer", Attempts: 4}, ms(0, 2500, 7500, 14500), 19500 * time.Millisecond},
	{"back-off doubles up to a cap", list(says(500, "")), 18 * time.Second,
		protocol.Reply{Result: protocol.CommandUnavailable, Status: 500, Detail: "Internal Server Error", Attempts: 7},
		ms(0, 500, 1500, 3500, 7500, 11500, 15500), 15500 * time.Millisecond},
	{"the leg is not ready yet", list(says(422, fault("90034", "Not answered", "")), says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 500), 500 * time.Millisecond},
	{"the leg is never ready", list(says(422, fault("90034", "Not answered", ""))), 3 * time.Second,
		protocol.Reply{Result: protocol.CommandRefused, Status: 422, Code: "90034", Detail: "Not answered", Attempts: 3}, ms(0, 500, 1500), 1500 * time.Millisecond},
	{"refused for good", list(says(422, fault("10015", "Bad number", ""))), time.Minute,
		protocol.Reply{Result: protocol.CommandRefused, Status: 422, Code: "10015", Detail: "Bad number", Attempts: 1}, ms(0), 0},
	{"the leg ended between two attempts", list(says(503, ""), says(422, fault("90018", "Ended", ""))), time.Minute,
		protocol.Reply{Result: protocol.CommandLegGone, Status: 422, Code: "90018", Detail: "Ended", Attempts: 2}, ms(0, 500), 500 * time.Millisecond},
	{"retry-after in seconds", list(says(429, "", "Retry-After", "3", "X-Ratelimit-Reset", "9"), says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 3125), 3125 * time.Millisecond},
	{"retry-after as a date", list(says(503, "", "Retry-After", "Sat, 01 Jan 2000 00:00:07 GMT"), says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 7125), 7125 * time.Millisecond},
	{"the reset of the limit", list(says(429, "", "X-Ratelimit-Reset", "2"), says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 2125), 2125 * time.Millisecond},
	{"a reset means nothing without a 429", list(says(503, "", "X-Ratelimit-Reset", "20"), says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 500), 500 * time.Millisecond},
	{"a retry-after that is none", list(says(429, "", "Retry-After", "soon"), says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 500), 500 * time.Millisecond},
	{"a negative retry-after", list(says(429, "", "Retry-After", "-5"), says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 500), 500 * time.Millisecond},
	{"an endless retry-after is bounded", list(says(429, "", "Retry-After", "1e300"), says(200, taken)), time.Minute,
		protocol.Reply{Status: 200, Attempts: 2}, ms(0, 30125), 30125 * time.Millisecond},
	{"asked to come back after the deadline: known at once", list(says(429, fault("10011", "Too many", ""), "Retry-After", "20")), 10 * time.Second,
		protocol.Reply{Result: protocol.CommandThrottled, Status: 429, Code: "10011", Detail: "Too many", Attempts: 1}, ms(0), 0},
	{"the deadline cuts the only attempt", list(hangs), time.Second,
		protocol.Reply{Result: protocol.CommandTimeout, Detail: "no answer", Attempts: 1}, ms(0), time.Second},
	{"the deadline cuts the second: the first explains more", list(says(429, fault("90103", "Dials", "")), hangs), time.Second,
		protocol.Reply{Result: protocol.CommandThrottled, Status: 429, Code: "90103", Detail: "Dials", Attempts: 2}, ms(0, 500), time.Second},
	{"without a deadline it ends before the carrier forgets the id", list(says(500, "")), 0,
		protocol.Reply{Result: protocol.CommandUnavailable, Status: 500, Detail: "Internal Server Error", Attempts: 16},
		ms(0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 35500, 39500, 43500, 47500, 51500), 51500 * time.Millisecond},
	{"no connection at all", list(breaks), time.Second,
		protocol.Reply{Result: protocol.CommandUnavailable, Detail: "read tcp: connection reset by peer", Attempts: 2}, ms(0, 500), 500 * time.Millisecond},
}

func list(lines ...func(*http.Request) (*http.Response, error)) []func(*http.Request) (*http.Response, error) {
	return lines
}

func ms(at ...int) []time.Duration {
	out := make([]time.Duration, len(at))
	for i, n := range at {
		out[i] = time.Duration(n) * time.Millisecond
	}
	return out
}

func TestRetries(t *testing.T) {
	for _, test := range retryStories {
		t.Run(test.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(test.lines...)
				c := newClient(t, s)
				c.random = func() float64 { return 0.5 }
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				began := time.Now()
				reply := c.Do(ctx, protocol.Transfer{Leg: testLeg, To: number(t, "+17735550122")})
				if took := time.Since(began); took != test.took {
					t.Errorf("took %s, want %s", took, test.took)
				}
				test.want.Sent = began
				if reply != test.want {
					t.Errorf("got  %+v\nwant %+v", reply, test.want)
				}
				if !slices.Equal(s.at, test.at) {
					t.Errorf("attempts at %v, want %v", s.at, test.at)
				}
			})
		})
	}
}

// TestJitterSpreads: calls that fail together come back apart, none at once
// and none later than half as long again.
func TestJitterSpreads(t *testing.T) {
	c := newClient(t, nil)
	least, most := time.Hour, time.Duration(0)
	for range 2000 {
		d := c.pauseAfter(1, 0)
		least, most = min(least, d), max(most, d)
	}
	if least < firstPause/2 || most > 3*firstPause/2 || most-least < firstPause/2 {
		t.Errorf("first pauses from %s to %s", least, most)
	}
}

func TestCancelEndsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := newClient(t, newScript(says(503, "", "Retry-After", "20")))
		done := make(chan protocol.Reply)
		go func() { done <- c.Do(ctx, protocol.HangUp{Leg: testLeg}) }()
		synctest.Wait()
		cancel()
		if reply := <-done; reply.Result != protocol.CommandUnavailable || reply.Attempts != 1 {
			t.Errorf("reply %+v", reply)
		}
	})
}

// log is an Observer that writes all down.
type log struct {
	mu       sync.Mutex
	lines    []string
	inFlight int
	peak     int
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *log) CommandSent(k protocol.CommandKind, r protocol.CommandResult, d time.Duration) {
	l.add("sent %s %s %s", k, r, d)
}
func (l *log) CommandRetried(k protocol.CommandKind, reason string) {
	l.add("retried %s %s", k, reason)
}
func (l *log) CommandWaited(k protocol.CommandKind, d time.Duration) {
	if d > 0 {
		l.add("waited %s %s", k, d)
	}
}
func (l *log) InFlight(delta int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight += delta
	l.peak = max(l.peak, l.inFlight)
}
func (l *log) CommandDone(k protocol.CommandKind, r protocol.Reply, d time.Duration) {
	l.add("done %s %s after %d in %s", k, r.Result, r.Attempts, d)
}

func TestObserverSeesEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen log
		c := newClient(t, newScript(says(503, ""), hangs, breaks, says(429, ""), says(422, fault("90020", "x", "")), says(200, taken)),
			func(config *Config) { config.Observer = &seen })
		c.random = func() float64 { return 0.5 }
		c.Do(t.Context(), protocol.StartRecording{Leg: testLeg, Mode: protocol.RecordDualMP3})
		want := []string{
			"sent record_start unavailable 0s", "retried record_start unavailable",
			"sent record_start timeout 4s", "retried record_start timeout",
			"sent record_start unavailable 0s", "retried record_start network",
			"sent record_start throttled 0s", "retried record_start throttled",
			"sent record_start refused 0s", "retried record_start not_ready",
			"sent record_start ok 0s",
			"done record_start ok after 6 in 15.5s",
		}
		if !slices.Equal(seen.lines, want) {
			t.Errorf("got  %q\nwant %q", seen.lines, want)
		}
		for _, reason := range RetryReasons() {
			if !slices.Contains(want, "retried record_start "+reason) {
				t.Errorf("reason %s was not seen", reason)
			}
		}
		if seen.inFlight != 0 || seen.peak != 1 {
			t.Errorf("in flight %d at the end, %d at most", seen.inFlight, seen.peak)
		}
	})
}

// TestKindsDoNotWaitForEachOther hangs the carrier on transfers: they queue
// among themselves, and a hangup goes straight through.
func TestKindsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen log
		release := make(chan struct{})
		c := newClient(t, carrier(func(r *http.Request) (*http.Response, error) {
			if r.ContentLength > 300 { // a transfer; a hangup has its id only
				<-release
			}
			return answer(200, taken), nil
		}), func(config *Config) { config.Concurrency, config.Observer = 2, &seen })
		var group sync.WaitGroup
		var sent [3]time.Time
		for i := range 3 {
			group.Go(func() {
				cmd := transfer(t)
				cmd.Leg = protocol.LegID(fmt.Sprint("v3:", i))
				reply := c.Do(t.Context(), cmd)
				if sent[i] = reply.Sent; reply.Result != protocol.CommandOK || reply.Attempts != 1 {
					t.Errorf("transfer %d: %+v", i, reply)
				}
			})
		}
		synctest.Wait() // two are with the carrier, one stands in the queue
		began := time.Now()
		if reply := c.Do(t.Context(), protocol.HangUp{Leg: testLeg}); reply.Result != protocol.CommandOK {
			t.Errorf("hangup: %+v", reply)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("a hangup waited %s for transfers", took)
		}
		short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if reply := c.Do(short, transfer(t)); reply != (protocol.Reply{Result: protocol.CommandTimeout}) {
			t.Errorf("a transfer that found no room: %+v", reply)
		}
		close(release)
		group.Wait()
		slices.SortFunc(sent[:], time.Time.Compare)
		if !sent[1].Equal(began) || sent[2].Sub(began) != 300*time.Millisecond { // which was not on the wire while it queued
			t.Errorf("at %v, transfers were sent at %v", began, sent)
		}
		if seen.peak != 3 { // two transfers and the hangup
			t.Errorf("%d requests in flight at most, want 3", seen.peak)
		}
		if !slices.Contains(seen.lines, "waited transfer 300ms") {
			t.Errorf("the wait was not reported: %q", seen.lines)
		}
	})
}

// TestPausesLeaveTheLane: a command that waits for its next attempt keeps
// nobody out.
func TestPausesLeaveTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, newScript(says(429, "", "Retry-After", "20"), says(200, taken)),
			func(config *Config) { config.Concurrency = 1 })
		first := make(chan protocol.Reply)
		go func() { first <- c.Do(t.Context(), protocol.HangUp{Leg: testLeg}) }()
		synctest.Wait()
		began := time.Now()
		c.Do(t.Context(), protocol.HangUp{Leg: "v3:other"})
		if took := time.Since(began); took != 0 {
			t.Errorf("waited %s for another command's pause", took)
		}
		if reply := <-first; reply.Result != protocol.CommandOK || reply.Attempts != 2 {
			t.Errorf("reply %+v", reply)
		}
	})
}
