package market

import (
	"math"
	"strings"
	"testing"
	"time"

	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/party"
)

func TestFaultsOfAConfigAreTold(t *testing.T) {
	s, nan := time.Second, math.NaN()
	for _, c := range []struct {
		change func(*Config)
		want   string // in the text; empty: no fault
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.Hosts = 0 }, "hosts is 0; write how many"},
		{func(c *Config) { c.Guests = mostPeople + 1 }, "guests is 10000001; write how many people there are, from 1 to 10000000"},
		{func(c *Config) { c.HostSkew = -1 }, "host_skew is -1; write Zipf's exponent"},
		{func(c *Config) { c.GuestSkew = nan }, "guest_skew is NaN"},
		{func(c *Config) { c.HostSkew = math.Inf(1) }, "host_skew is +Inf"},
		{func(c *Config) { c.Live = -1 }, "live is -1; write how many bookings"},
		{func(c *Config) { c.Live = mostLive + 1 }, "from 0 to 10000000"},
		{func(c *Config) { c.Opens[0].From = -1 }, "the opening of bookings: stage 1: its rate is -1"},
		{func(c *Config) { c.Live, c.Opens = 0, nil }, "nobody has a number to dial; write how many are live"},
		{func(c *Config) { c.Live, c.Opens = 0, []pace.Stage{{For: s}} }, "nobody has a number to dial"},
		{func(c *Config) { c.Live, c.Opens = 0, []pace.Stage{{For: s, Burst: 1}} }, ""},
		{func(c *Config) { c.Live, c.Opens = 1, nil }, ""},
		{func(c *Config) { c.Lasts = party.Range{} }, "lasts begins at 0s; write 1ms or more"},
		{func(c *Config) { c.Lasts = party.Range{Min: 9 * s, Max: 8 * s} }, "lasts ends at 8s, before its begin at 9s"},
		{func(c *Config) { c.Lasts = party.Range{Min: s, Max: math.MaxInt64} }, "write 87600 hours at most"},
		{func(c *Config) { c.Lasts = party.Range{Min: s, Max: 4 * s} }, "so write more than 4s"},
		{func(c *Config) { c.Lasts = party.Range{Min: s, Max: 4*s + 1} }, ""},
		{func(c *Config) { c.Settle, c.Lasts = time.Minute, party.Range{Min: 2 * time.Minute} }, "so write more than 2m0s"},
		{func(c *Config) { c.Settle = -s }, "settle is -1s"},
		{func(c *Config) { c.Settle = 1 }, "settle is 1ns; write how long"},
		{func(c *Config) { c.Settle = 2 * time.Hour }, "from 1ms to 1h"},
		{func(c *Config) { c.Closed = 1.1 }, "closed is 1.1; a share is between 0 and 1"},
		{func(c *Config) { c.Extended = -.1 }, "extended is -0.1"},
		{func(c *Config) { c.Shortened = 2 }, "shortened is 2"},
		{func(c *Config) { c.Pairs = -1 }, "pairs is -1"},
		{func(c *Config) { c.Cuts = nan }, "cuts is NaN"},
		{func(c *Config) { c.Idle = 2 }, "idle is 2"},
		{func(c *Config) { c.Unrecorded = 2 }, "unrecorded is 2"},
		{func(c *Config) { c.Wav = -1 }, "wav is -1"},
		{func(c *Config) { c.Mono = nan }, "mono is NaN"},
		{func(c *Config) { c.Summaries = 2 }, "summaries is 2"},
		{func(c *Config) { c.Unrecorded, c.Wav, c.Mono = .4, .4, .4 }, "write shares whose sum is 1 at most"},
		{func(c *Config) { c.Regional = 2 }, "regional is 2"},
		{func(c *Config) { c.Regions = nil }, "there are no regions; write regions"},
		{func(c *Config) { c.Regional, c.Regions = 0, nil }, ""},
		{func(c *Config) { c.Grace.Min = -s }, "grace begins at -1s"},
		{func(c *Config) { c.Grace.Max = 11 * time.Minute }, "grace goes up to 11m0s; the switch takes 10m0s at most"},
		{func(c *Config) { c.IdleAfter = party.Range{} }, "idle_after begins at 0s; write 1s or more"},
		{func(c *Config) { c.Idle, c.IdleAfter = 0, party.Range{} }, ""},
		{func(c *Config) { c.Repeated = nan }, "repeated is NaN"},
		{func(c *Config) { c.Read = 2 }, "read is 2"},
		{func(c *Config) { c.FromHost = 2 }, "from_host is 2"},
		{func(c *Config) { c.Strangers = 2 }, "strangers is 2"},
		{func(c *Config) { c.Withheld = 2 }, "withheld is 2"},
		{func(c *Config) { c.Late = 2 }, "late is 2"},
		{func(c *Config) { c.Twins = 2 }, "twins is 2"},
		{func(c *Config) { c.Redials = 2 }, "redials is 2"},
		{func(c *Config) { c.Strangers, c.Withheld, c.Late, c.Twins = .4, .3, .2, .2 }, "are 1.1 of the calls together"},
		{func(c *Config) { c.Strangers, c.Withheld, c.Late, c.Twins = .4, .3, .2, .1 }, ""},
		{func(c *Config) { c.RedialAfter.Min = -s }, "redial_after begins at -1s; write 0s or more"},
		{func(c *Config) { c.Speed = -1 }, "speed is -1"},
		{func(c *Config) { c.Speed = math.Inf(1) }, "speed is +Inf"},
		{func(c *Config) { c.Mix = nil }, "the mix has no weight"},
		{func(c *Config) { c.Mix = party.Mix{{Name: "never"}} }, "the mix has no weight"},
		{func(c *Config) { c.Mix = party.Mix{{Weight: 1}} }, "habit 1 has no name"},
		{func(c *Config) { c.Mix = party.Mix{{Name: "late", Weight: 1}} }, "habit 1 (late): the market has calls of that name"},
		{func(c *Config) { c.Mix = party.Mix{{Name: "x", Weight: math.MaxInt}} }, "write 1000000 at most"},
		{func(c *Config) { c.Mix = party.Mix{{Name: "x", Weight: 1, Callee: 99}} }, "(99); write one of"},
		{func(c *Config) { c.Mix = party.Mix{{Name: "x", Weight: 1, Patience: party.Range{Min: -s}}} }, "habit 1 (x): patience begins at -1s"},
		{func(c *Config) { c.Mix = party.Mix{{Name: "x", Weight: 1, CalleeLeaves: 3}} }, "habit 1 (x): callee_leaves is 3"},
		{func(c *Config) { c.Storms = []Storm{{At: 0, Share: 1}} }, "storm 1 is at 0s; write an instant of the run, from 2s after its begin to its end at 10m0s"},
		{func(c *Config) { c.Storms = []Storm{{At: 2*s - 1}} }, "storm 1 is at 1.999999999s"},
		{func(c *Config) { c.Storms = []Storm{{At: 2 * s}, {At: 10 * time.Minute}} }, ""},
		{func(c *Config) { c.Storms = []Storm{{At: 3 * s}, {At: time.Hour}} }, "storm 2 is at 1h0m0s"},
		{func(c *Config) { c.Storms = []Storm{{At: 3 * s, Share: 1.5}} }, "storm 1: its share is 1.5"},
	} {
		cfg := steady()
		c.change(&cfg)
		_, err := New(cfg, pace.New(calls(1, time.Minute), pace.Poisson, 1), 1)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("a config that can be played is refused: %v", err)
		case c.want != "" && err == nil:
			t.Errorf("a config passes that should be told %q", c.want)
		case c.want != "" && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("a config is told %q, want one line with %q", err, c.want)
		}
	}
}

func TestAllFaultsOfAConfigAreToldAtOnce(t *testing.T) {
	_, err := New(Config{Live: -1, Late: 3, Storms: []Storm{{Share: 2}}}, pace.New(nil, pace.Even, 1), 1)
	if err == nil {
		t.Fatal("it passes")
	}
	for _, want := range []string{"hosts", "guests", "live", "lasts", "late", "mix", "storm 1 is at", "storm 1: its share"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nsays nothing of %s", err, want)
		}
	}
}

// Without calls nobody asks who dials.
func TestAMarketWithoutCalls(t *testing.T) {
	cfg := steady()
	cfg.Mix, cfg.Late = nil, 7
	m, err := New(cfg, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for op, ok := m.Next(); ok; op, ok = m.Next() {
		if n++; op.Kind == Dial {
			t.Fatalf("somebody dials: %+v", op)
		}
	}
	if n < 2000 {
		t.Errorf("%d operations", n)
	}
}
