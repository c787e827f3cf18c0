package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// TestScale fills a switch with a million live bookings over 5,000 numbers, by
// REST, kills it, starts it again on its store, and then has 50,000 bookings end
// in one second while 200 calls a second go on. It says what that costs, and
// fails where the budget is broken that does not hang on the machine's mood: the
// memory. It runs for some minutes; make scale asks for it.
//
//	MASKSWITCH_SCALE=1 go test ./cmd/internal/app -run TestScale -v -timeout 30m
//
// MASKSWITCH_SCALE_LIVE is another number of bookings than a million.
func TestScale(t *testing.T) {
	if os.Getenv("MASKSWITCH_SCALE") == "" {
		t.Skip("minutes of load: run it with make scale")
	}
	s := &scale{T: t, live: 1_000_000, numbers: 5_000, storm: 50_000}
	if n, err := strconv.Atoi(os.Getenv("MASKSWITCH_SCALE_LIVE")); err == nil && n > 0 {
		s.live = n
		s.storm = min(s.storm, n/2)
	}
	s.fake = carrier.New(carrier.Config{APIKey: carrierKey, Timing: carrier.Timing{Save: 50 * time.Millisecond}})
	t.Cleanup(s.fake.Close)
	if err := s.fake.Start(); err != nil {
		t.Fatal(err)
	}
	s.home = newHome(t, rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)), s.fake)
	// A million over 5,000 is 200 on each, which is all that the default lets
	// them have; the storm and the calls come on top.
	s.home.env = append(s.home.env, "PAIRS_PER_NUMBER=250")
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: scaleClients}}
	s.begin()
	s.fill()
	s.restart()
	s.checkouts()
}

const scaleClients = 64

type scale struct {
	*testing.T
	live, numbers, storm int

	fake   *carrier.Carrier
	home   *home
	life   *life
	client *http.Client
}

func (s *scale) begin() time.Duration {
	began := time.Now()
	s.life = s.home.begin(s.T)
	ctx, cancel := context.WithTimeout(s.Context(), 5*time.Minute)
	defer cancel()
	if err := s.life.ready(ctx); err != nil {
		s.Fatal(err)
	}
	return time.Since(began)
}

// fill books until there are as many live bookings as asked for. Hosts are
// skewed: the busiest has some 4,000 bookings, and so needs as many numbers.
func (s *scale) fill() {
	var list []string
	for i := range s.numbers {
		list = append(list, fmt.Sprintf("+1%s%07d", []string{"312", "415", "646", "212", "305"}[i%5], 2_000_000+i))
	}
	s.ask(http.MethodPost, "/pool", map[string]any{"numbers": list}, nil)
	random := rand.New(rand.NewPCG(7, 0))
	host := rand.NewZipf(random, 1.0001, 30, uint64(s.live/4))
	pairs := make([][2]int, s.live)
	busiest := make(map[int]int)
	for i := range pairs {
		pairs[i] = [2]int{i, int(host.Uint64())}
		busiest[pairs[i][1]]++
	}
	most := 0
	for _, n := range busiest {
		most = max(most, n)
	}
	s.Logf("filling: %d bookings, %d guests, %d hosts, the busiest with %d, over %d numbers", s.live, s.live, len(busiest), most, s.numbers)
	step := s.live / 10
	for from := 0; from < s.live; from += step {
		took, refused := s.book(pairs[from:min(from+step, s.live)], func(i int) map[string]any {
			return map[string]any{"booking_id": fmt.Sprint("bk_", from+i), "duration_hours": 240}
		})
		s.Logf("%9d live: %6.0f creates/s, p50 %.1f ms, p99 %.1f ms, refused %d, resident %d MiB", from+len(took),
			float64(len(took))/s.wall(took), quantile(took, .5), quantile(took, .99), refused, s.resident("VmRSS"))
	}
	s.Logf("filled: resident %d MiB, at most %d MiB", s.resident("VmRSS"), s.resident("VmHWM"))
}

type taken struct {
	at   time.Time
	took time.Duration
}

// book creates a booking for each pair, from as many clients as there are.
func (s *scale) book(pairs [][2]int, also func(i int) map[string]any) (all []taken, refused int) {
	all = make([]taken, len(pairs))
	var next, full atomic.Int64
	var wg sync.WaitGroup
	for range scaleClients {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(pairs) {
					return
				}
				body := also(i)
				body["party_a"] = fmt.Sprintf("+1773%07d", 2_000_000+pairs[i][0])
				body["party_b"] = fmt.Sprintf("+1847%07d", 2_000_000+pairs[i][1])
				at := time.Now()
				status, err := s.try(http.MethodPost, "/bookings", body, nil)
				all[i] = taken{at, time.Since(at)}
				switch {
				case status == http.StatusServiceUnavailable:
					full.Add(1)
				case err != nil:
					s.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if s.Failed() {
		s.FailNow()
	}
	return all, int(full.Load())
}

// restart kills the switch and starts it on what it left behind.
func (s *scale) restart() {
	before := s.active()
	if err := s.life.kill(); err != nil {
		s.Fatal(err)
	}
	took := s.begin()
	if after := s.active(); after != before {
		s.Fatalf("%d bookings are live after the restart, were %d", after, before)
	}
	s.Logf("killed and started again: ready in %.1f s with %d live bookings; resident %d MiB, at most %d MiB",
		took.Seconds(), before, s.resident("VmRSS"), s.resident("VmHWM"))
	if most := s.resident("VmHWM"); s.live <= 1_000_000 && most > 2048 {
		s.Errorf("%d MiB resident, more than 2 GiB", most)
	}
}

// checkouts has bookings end in one second, in the middle of calls.
func (s *scale) checkouts() {
	const guests = 200
	dials := make([]string, guests)
	for i := range dials {
		var answer struct {
			Proxy string `json:"proxy_number"`
		}
		s.ask(http.MethodPost, "/bookings", map[string]any{
			"party_a": benchCaller(i), "party_b": fmt.Sprintf("+1630%07d", 2_000_000+i),
		}, &answer)
		dials[i] = answer.Proxy
	}
	// They are due when all are booked, and ten seconds of calls are over.
	due := time.Now().Add(time.Duration(s.storm)*time.Second/2000 + 25*time.Second).Truncate(time.Second)
	pairs := make([][2]int, s.storm)
	for i := range pairs {
		pairs[i] = [2]int{3_000_000 + i, 4_000_000 + i%(s.storm/4)}
	}
	s.book(pairs, func(i int) map[string]any {
		return map[string]any{"duration_hours": max(time.Until(due).Hours(), 0.0001)}
	})
	before := s.active()
	from := due.Add(-10 * time.Second)
	if time.Now().After(from) {
		s.Fatalf("booking took until %s, later than %s", time.Now().Format(time.TimeOnly), from.Format(time.TimeOnly))
	}
	time.Sleep(time.Until(from))
	script := party.Script{After: 60 * time.Millisecond, Talk: 500 * time.Millisecond}
	const rate, length = 200, 25
	placed := make(chan *carrier.Call, rate*length)
	go func() {
		defer close(placed)
		for i := range rate * length {
			time.Sleep(time.Until(from.Add(time.Duration(i) * time.Second / rate)))
			placed <- s.fake.PlaceCall(benchCaller(i%guests), dials[i%guests], script)
		}
	}()
	done := s.untilEnded(before-s.storm, due)
	var quiet, busy []taken
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for call := range placed {
		if err := call.Wait(ctx); err != nil {
			s.Fatalf("a call did not end:\n%s", call.Ladder())
		}
		l := call.Ledger()
		if !l.Talked() {
			s.Errorf("a call failed:\n%s", call.Ladder())
		}
		for _, ev := range l.Events {
			for _, d := range ev.Deliveries {
				if d.Sent.Before(due) {
					quiet = append(quiet, taken{d.Sent, d.Took})
				} else if d.Sent.Before(due.Add(done)) {
					busy = append(busy, taken{d.Sent, d.Took})
				}
			}
		}
	}
	s.Logf("%d checkouts due in one second were done %.1f s after it, with %d live bookings and %d calls/s",
		s.storm, done.Seconds(), before, rate)
	s.Logf("acknowledgements in the ten seconds before: p50 %.1f ms, p99 %.1f ms; while they ended: p50 %.1f ms, p99 %.1f ms, at most %.1f ms",
		quantile(quiet, .5), quantile(quiet, .99), quantile(busy, .5), quantile(busy, .99), quantile(busy, 1))
}

// untilEnded waits until so many bookings are left, and says how long that took
// from when they were due.
func (s *scale) untilEnded(left int, due time.Time) time.Duration {
	time.Sleep(time.Until(due))
	for deadline := due.Add(2 * time.Minute); s.active() > left; {
		if time.Now().After(deadline) {
			s.Fatalf("%d bookings are live two minutes later, should be %d", s.active(), left)
		}
		time.Sleep(100 * time.Millisecond) // no more often, since asking costs too
	}
	return time.Since(due)
}

func benchCaller(i int) string { return fmt.Sprintf("+1708%07d", 2_000_000+i) }

func (s *scale) active() int {
	var health struct {
		Active int `json:"active"`
	}
	s.ask(http.MethodGet, "/health", nil, &health)
	return health.Active
}

func (s *scale) ask(method, path string, body, answer any) {
	s.Helper()
	if _, err := s.try(method, path, body, answer); err != nil {
		s.Fatal(err)
	}
}

func (s *scale) try(method, path string, body, answer any) (int, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequest(method, s.home.url+path, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	got, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer got.Body.Close()
	text, err = io.ReadAll(got.Body)
	if err == nil && got.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, got.Status, text)
	}
	if err == nil && answer != nil {
		err = json.Unmarshal(text, answer)
	}
	return got.StatusCode, err
}

// resident reads what the kernel says of the switch's memory, in MiB.
func (s *scale) resident(what string) int {
	s.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.life.cmd.Process.Pid))
	if err != nil {
		s.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				s.Fatal(err)
			}
			return kib / 1024
		}
	}
	s.Fatalf("the kernel does not say %s", what)
	return 0
}

// wall is how long it took in all, in seconds.
func (s *scale) wall(all []taken) float64 {
	first, last := all[0].at, all[0].at
	for _, x := range all {
		if x.at.Before(first) {
			first = x.at
		}
		if end := x.at.Add(x.took); end.After(last) {
			last = end
		}
	}
	return last.Sub(first).Seconds()
}

// quantile is in milliseconds.
func quantile(all []taken, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.SortFunc(all, func(a, b taken) int { return int(a.took - b.took) })
	return all[min(int(q*float64(len(all))), len(all)-1)].took.Seconds() * 1e3
}
