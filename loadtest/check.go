package loadtest

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/party"
)

// Check holds the plan against what can be run. The error names every fault.
func (p *Plan) Check() error {
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if len(p.Calls.Stages) == 0 {
		refuse("calls.stages is empty; write at least one, such as {for: 60s, rate: 100}")
	} else if err := pace.Check(p.stages()); err != nil {
		refuse("calls.stages: %w", err)
	}
	if a := p.Calls.Arrivals; a != "poisson" && a != "even" {
		refuse("calls.arrivals is %q; write poisson or even", a)
	}
	for _, n := range []struct {
		name string
		is   int
	}{{"calls.max_active", p.Calls.MaxActive}, {"numbers", p.Numbers}, {"bookings.clients", p.Bookings.Clients}, {"carrier.senders", p.Carrier.Senders}} {
		if n.is < 1 {
			refuse("%s is %d; it must be at least 1", n.name, n.is)
		}
	}
	if p.Calls.Most < 0 {
		refuse("calls.most is %d; it counts calls, or is 0", p.Calls.Most)
	}
	if p.Numbers > 20_000 {
		refuse("numbers is %d; the tester has 20000 proxy numbers", p.Numbers)
	}
	if s := p.Carrier.Speed; !(s > 0) || math.IsInf(s, 0) {
		refuse("carrier.speed is %v; it must be more than 0", s)
	}
	for _, s := range []struct {
		name string
		is   Span
	}{{"warmup", p.Warmup}, {"drain", p.Drain}, {"react", p.React}, {"abort_after", p.AbortAfter}, {"kill_every", p.KillEvery},
		{"recordings.wait", p.Recordings.Wait}, {"recordings.lookup", p.Recordings.Lookup}} {
		if s.is < 0 {
			refuse("%s is %v; it cannot be negative", s.name, time.Duration(s.is))
		}
	}
	if k := time.Duration(p.KillEvery); k > 0 && k < time.Second {
		refuse("kill_every is %v; a switch needs a second at least to come back", k)
	}
	for _, r := range p.Bookings.Regions {
		if _, err := phone.ParseRegion(r); err != nil {
			refuse("bookings.regions: %q is %w", r, err)
		}
	}
	for _, h := range p.People.Mix.Habits {
		if _, ok := reactions[h.Callee]; !ok && h.Callee != "" {
			refuse("people.mix: the callee of %q %s; write one of: answers, rings out, busy, declines, no answer, unreachable, fails", h.Name, h.Callee)
		}
	}
	if n := p.Recordings.Bytes; n < 0 || n > mostAudio {
		refuse("recordings.bytes is %d; write up to %d", n, mostAudio)
	}
	if p.Recordings.Archived && !p.Record {
		refuse("recordings.archived wants what record forbids; leave one of them out")
	}
	if n := len(p.Recordings.Consent); n > mostConsent {
		refuse("recordings.consent has %d bytes; write %d at most", n, mostConsent)
	}
	wrong = append(wrong, p.Faults.check("faults")...)
	for i, o := range p.Outages {
		where := fmt.Sprintf("outages[%d]", i)
		if o.At < 0 || o.For <= 0 {
			refuse("%s needs at and for, such as {at: 20s, for: 10s}", where)
		}
		wrong = append(wrong, o.Faults.check(where+".faults")...)
	}
	for _, t := range p.Thresholds {
		if _, err := ParseThreshold(t); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) == 0 {
		if _, err := market.New(p.market(), pace.New(p.stages(), p.arrivals(), p.Seed), p.Seed); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// mostAudio and mostConsent are what the tester's carrier makes and takes.
const (
	mostAudio   = 64 << 20
	mostConsent = 3000
)

// actionsOfTheSwitch are what a fault may strike.
var actionsOfTheSwitch = []string{"any", "answer", "reject", "hangup", "transfer", "bridge", "record_start", "record_stop",
	"record_pause", "record_resume", "speak", "playback_start", "playback_stop", "gather_using_speak", "send_dtmf",
	"client_state_update", "status", "recording", "recordings", "recording_delete", "transcriptions", "completions"}

func (f *Faults) check(where string) []error {
	var wrong []error
	refuse := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf(where+"."+format, args...))
	}
	for _, s := range []struct {
		name string
		is   float64
	}{{"duplicate", f.Duplicate}, {"reorder", f.Reorder}, {"loss", f.Loss},
		{"recording_early", f.RecordingEarly}, {"recording_bare", f.RecordingBare}, {"recording_failed", f.RecordingFailed},
		{"recording_untold", f.RecordingUntold}, {"recording_again", f.RecordingAgain}, {"recording_split", f.RecordingSplit},
		{"untranscribed", f.Untranscribed}} {
		if !(s.is >= 0 && s.is <= 1) {
			refuse("%s is %v; a share is between 0 and 1", s.name, s.is)
		}
	}
	if f.Copies < 0 || f.Copies > 10 {
		refuse("copies is %d; write 2 to 10", f.Copies)
	}
	if f.Delay < 0 || f.Jitter < 0 {
		refuse("delay and jitter cannot be negative")
	}
	if f.RateLimit < 0 {
		refuse("rate_limit is %d; write commands a second, or leave it out", f.RateLimit)
	}
	struck := 0.0
	for i, one := range f.Files {
		struck += one.Rate
		if !slices.Contains(carrier.FileTroubles(), carrier.FileTrouble(one.Is)) {
			refuse("files[%d]: is is %q; write one of %v", i, one.Is, carrier.FileTroubles())
		}
		if !(one.Rate > 0 && one.Rate <= 1) || one.Tries < 0 || one.Lasts < 0 {
			refuse("files[%d] needs a rate above 0 and up to 1, and no negative tries or time", i)
		}
	}
	if struck > 1+1e-9 {
		refuse("files: the rates add up to %.3g; together they may be 1 at most", struck)
	}
	for _, action := range slices.Sorted(maps.Keys(f.Commands)) {
		list := f.Commands[action]
		if !slices.Contains(actionsOfTheSwitch, action) {
			refuse("commands has %q; write one of: %s", action, strings.Join(actionsOfTheSwitch, ", "))
		}
		sum := 0.0
		for _, one := range list {
			sum += one.Rate
			if one.Cut != "" && one.Cut != "before" && one.Cut != "after" {
				refuse("commands.%s: cut is %q; write before or after", action, one.Cut)
			}
			if s := one.Status; s != 0 && (s < 400 || s > 599) {
				refuse("commands.%s: status is %d; write an error, 400 to 599, or leave it out", action, s)
			}
			if !(one.Rate > 0 && one.Rate <= 1) || one.Hold < 0 || one.RetryAfter < 0 {
				refuse("commands.%s: each failure needs a rate above 0 and up to 1, and no negative time", action)
			}
		}
		if sum > 1+1e-9 {
			refuse("commands.%s: the rates add up to %.3g; together they may be 1 at most", action, sum)
		}
	}
	return wrong
}

func (p *Plan) stages() []pace.Stage {
	var all []pace.Stage
	for _, s := range p.Calls.Stages {
		to := s.Rate
		if s.To != nil {
			to = *s.To
		}
		all = append(all, pace.Stage{For: time.Duration(s.For), From: s.Rate, To: to, Burst: s.Burst})
	}
	return all
}

func (p *Plan) arrivals() pace.Arrivals {
	if p.Calls.Arrivals == "even" {
		return pace.Even
	}
	return pace.Poisson
}

// Length is how long the measured part takes.
func (p *Plan) Length() time.Duration { return pace.Length(p.stages()) }

func (p *Plan) market() market.Config {
	c := market.Config{
		Hosts: p.Population.Hosts, Guests: p.Population.Guests, HostSkew: p.Population.HostSkew, GuestSkew: p.Population.GuestSkew,
		Live: p.Bookings.Live, Lasts: party.Range(p.Bookings.Lasts), Closed: p.Bookings.Closed, Extended: p.Bookings.Extended,
		Shortened: p.Bookings.Shortened, Repeated: p.Bookings.Repeated, Read: p.Bookings.Read,
		Pairs: p.Bookings.Pairs, Cuts: p.Bookings.Cuts, Grace: party.Range(p.Bookings.Grace), Idle: p.Bookings.Idle,
		Unrecorded: p.Bookings.Unrecorded, Wav: p.Bookings.Wav, Mono: p.Bookings.Mono, Summaries: p.Bookings.Summaries,
		IdleAfter: party.Range(p.Bookings.IdleAfter), Regional: p.Bookings.Regional, Regions: p.Bookings.Regions,
		FromHost: p.People.FromHost, Strangers: p.People.Strangers, Withheld: p.People.Withheld, Late: p.People.Late,
		Twins: p.People.Twins, Redials: p.People.Redials, RedialAfter: party.Range(p.People.RedialAfter), Mix: p.mix(),
		Speed: p.Carrier.Speed,
	}
	if p.Bookings.Rate != 0 {
		c.Opens = []pace.Stage{{For: p.Length(), From: p.Bookings.Rate, To: p.Bookings.Rate}}
	}
	for _, s := range p.Bookings.Storms {
		c.Storms = append(c.Storms, market.Storm{At: time.Duration(s.At), Share: s.Share, Closed: s.Closed})
	}
	return c
}

func (p *Plan) mix() party.Mix {
	var m party.Mix
	for _, h := range p.People.Mix.Habits {
		m = append(m, party.Habit{Name: h.Name, Weight: h.Weight, Callee: reactions[h.Callee], After: party.Range(h.After),
			Talk: party.Range(h.Talk), Patience: party.Range(h.Patience), AfterSpeech: party.Range(h.AfterSpeech), CalleeLeaves: h.CalleeLeaves})
	}
	return m
}

// carrier says the same in the carrier's words.
func (f *Faults) carrier() carrier.Faults {
	c := carrier.Faults{
		Duplicate: f.Duplicate, Copies: f.Copies, Reorder: f.Reorder, Delay: time.Duration(f.Delay), Loss: f.Loss,
		Skew: time.Duration(f.Skew), Jitter: time.Duration(f.Jitter), RecordingEarly: f.RecordingEarly,
		RecordingBare: f.RecordingBare, RecordingFailed: f.RecordingFailed, RecordingUntold: f.RecordingUntold,
		RecordingAgain: f.RecordingAgain, RecordingSplit: f.RecordingSplit, TranscriptUntold: f.Untranscribed,
		RateLimit: f.RateLimit, Commands: map[string][]carrier.Failure{},
	}
	for _, one := range f.Files {
		c.Files = append(c.Files, carrier.FileFault{Rate: one.Rate, Is: carrier.FileTrouble(one.Is), Tries: one.Tries, Lasts: time.Duration(one.Lasts)})
	}
	for action, list := range f.Commands {
		if action == "any" {
			action = ""
		}
		for _, one := range list {
			c.Commands[action] = append(c.Commands[action], carrier.Failure{Rate: one.Rate, Reply: carrier.Reply{
				Hold: time.Duration(one.Hold), Status: one.Status, Code: one.Code, RetryAfter: time.Duration(one.RetryAfter),
				Cut: map[string]carrier.Cut{"before": carrier.CutBefore, "after": carrier.CutAfter}[one.Cut],
			}})
		}
	}
	return c
}

// CarrierFaults are the plan's faults in the carrier's words.
func (p *Plan) CarrierFaults() carrier.Faults { return p.Faults.carrier() }

// Reaction reads a plan's word for what becomes of a ringing callee.
func Reaction(word string) (party.Reaction, bool) {
	r, ok := reactions[word]
	return r, ok
}
