package loadtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"maskswitch/loadtest/party"
)

// Plan is a whole run as a person writes it. ParsePlan makes one and checks it;
// what is left out has the default in brackets.
type Plan struct {
	Name  string `yaml:"name"`
	About string `yaml:"about"` // what it is for, in a sentence
	Seed  uint64 `yaml:"seed"`  // [1]

	Warmup Span `yaml:"warmup"` // for opening the first bookings, before anything is measured [5s]
	Drain  Span `yaml:"drain"`  // how long the last calls may take to end [60s]

	Calls      Calls      `yaml:"calls"`
	Numbers    int        `yaml:"numbers"` // proxy numbers put into the pool [200]
	Population Population `yaml:"population"`
	Bookings   Bookings   `yaml:"bookings"`
	People     People     `yaml:"people"`
	Carrier    Network    `yaml:"carrier"`
	Recordings Recordings `yaml:"recordings"`
	Faults     Faults     `yaml:"faults"`  // all the time
	Outages    []Outage   `yaml:"outages"` // for a time, instead of Faults
	KillEvery  Span       `yaml:"kill_every"`

	Record     bool     `yaml:"record"` // talked calls must be recorded [true]
	React      Span     `yaml:"react"`  // a command later than this is wrong, not only slow [2s]
	Thresholds []string `yaml:"thresholds"`
	AbortAfter Span     `yaml:"abort_after"` // from then on a missed threshold ends the run [0: never]
}

// Calls says how often people dial.
type Calls struct {
	Arrivals  string  `yaml:"arrivals"` // poisson or even [poisson]
	Stages    []Stage `yaml:"stages"`
	MaxActive int     `yaml:"max_active"` // a call beyond so many at once is dropped, and counted [50000]
	Most      int64   `yaml:"most"`       // ends the run after so many [0: the stages end it]
}

// Stage is a time with one rate, or a ramp from one to another.
type Stage struct {
	For   Span     `yaml:"for"`
	Rate  float64  `yaml:"rate"`            // calls a second
	To    *float64 `yaml:"to,omitempty"`    // at its end, if it ramps
	Burst int      `yaml:"burst,omitempty"` // so many at once at its begin, on top
}

// Population is who there is. Skew is Zipf's exponent: 0 makes all alike, 1
// gives the busiest host n times the bookings of the nth.
type Population struct {
	Hosts     int     `yaml:"hosts"`
	Guests    int     `yaml:"guests"`
	HostSkew  float64 `yaml:"host_skew"`
	GuestSkew float64 `yaml:"guest_skew"`
}

// Bookings says what the marketplaces do. Shares are between 0 and 1.
type Bookings struct {
	Live      int      `yaml:"live"` // open when the calls begin
	Rate      float64  `yaml:"rate"` // opened a second from then on
	Lasts     Range    `yaml:"lasts"`
	Closed    float64  `yaml:"closed"`     // ended early
	Extended  float64  `yaml:"extended"`   // prolonged once
	Shortened float64  `yaml:"shortened"`  // brought forward once, of those that are long enough and not prolonged
	Repeated  float64  `yaml:"repeated"`   // created twice with one id
	Read      float64  `yaml:"read"`       // looked up once
	Pairs     float64  `yaml:"pairs"`      // a number for each side
	Cuts      float64  `yaml:"cuts"`       // the talk ends with the booking
	Grace     Range    `yaml:"grace"`      // so long after it; whole seconds
	Idle      float64  `yaml:"idle"`       // also ends when nobody has called for a time
	IdleAfter Range    `yaml:"idle_after"` // for so long
	Regional  float64  `yaml:"regional"`   // asks for a number of one of the regions, if there is one
	Regions   []string `yaml:"regions"`    // such as CA, US-312

	Unrecorded float64 `yaml:"unrecorded"` // are not to be recorded
	Wav        float64 `yaml:"wav"`        // are to be recorded as dual-wav
	Mono       float64 `yaml:"mono"`       // and as single-mp3
	Summaries  float64 `yaml:"summaries"`  // of those that are recorded: are to be summed up

	Storms  []Storm `yaml:"storms"`
	Clients int     `yaml:"clients"` // most requests at once; more are dropped, and counted [512]
}

// Storm is an instant at which many bookings end together.
type Storm struct {
	At     Span    `yaml:"at"`
	Share  float64 `yaml:"share"`  // of those live then
	Closed bool    `yaml:"closed"` // by request; else they expire
}

// People says who dials, as shares of all calls.
type People struct {
	FromHost    float64 `yaml:"from_host"`
	Strangers   float64 `yaml:"strangers"`
	Withheld    float64 `yaml:"withheld"`
	Late        float64 `yaml:"late"`    // of callers after checkout
	Twins       float64 `yaml:"twins"`   // both dial at the same time
	Redials     float64 `yaml:"redials"` // of those who reached nobody
	RedialAfter Range   `yaml:"redial_after"`
	Mix         Mix     `yaml:"mix"` // what the two of a call do; a list, or "everyday" or "brief" [everyday]
}

// Mix is a named mix of habits, or a list of them.
type Mix struct{ Habits []Habit }

// Habit is a kind of call.
type Habit struct {
	Name         string  `yaml:"name"`
	Weight       int     `yaml:"weight"`
	Callee       string  `yaml:"callee"` // what becomes of the callee's ringing phone: see Reactions
	After        Range   `yaml:"after"`
	Talk         Range   `yaml:"talk"`
	Patience     Range   `yaml:"patience"`     // the caller leaves who talks to nobody by then
	AfterSpeech  Range   `yaml:"after_speech"` // the caller leaves so long after a spoken line
	CalleeLeaves float64 `yaml:"callee_leaves"`
}

// Network is how the carrier behaves when nothing is wrong.
type Network struct {
	Speed   float64 `yaml:"speed"`   // people and network are so many times faster than the plan says [1]
	Senders int     `yaml:"senders"` // most webhooks under way at once [256]
	Retries []Span  `yaml:"retries"` // pauses between deliveries; else what the switch asks for, or 2s 4s 8s 16s 30s
}

// Faults is what goes wrong at the carrier: shares between 0 and 1.
type Faults struct {
	Duplicate       float64              `yaml:"duplicate"` // of events that come several times at once
	Copies          int                  `yaml:"copies"`    // how often [2]
	Reorder         float64              `yaml:"reorder"`   // of events held back
	Delay           Span                 `yaml:"delay"`     // at most so long [1s]
	Loss            float64              `yaml:"loss"`      // of events whose first delivery vanishes
	Skew            Span                 `yaml:"skew"`      // the carrier's clock is ahead by this
	Jitter          Span                 `yaml:"jitter"`
	RecordingEarly  float64              `yaml:"recording_early"`
	RecordingBare   float64              `yaml:"recording_bare"`
	RecordingFailed float64              `yaml:"recording_failed"`
	RecordingUntold float64              `yaml:"recording_untold"` // of recordings whose event never comes
	RecordingAgain  float64              `yaml:"recording_again"`  // of those told of twice
	RecordingSplit  float64              `yaml:"recording_split"`  // of those that end in the talk, and another begins
	Untranscribed   float64              `yaml:"untranscribed"`    // of transcriptions whose event never comes
	Files           []FileFault          `yaml:"files"`            // what befalls the files of recordings
	RateLimit       int                  `yaml:"rate_limit"`       // commands a second, beyond them 429
	Commands        map[string][]Failure `yaml:"commands"`         // by action; "any" for every one, requests about recordings among them
}

// Recordings says what is asked of the switch's archive.
type Recordings struct {
	// Archived: after the run the switch has every recording, byte for byte. It is
	// asked until it has them, and no longer than Wait [60s].
	Archived bool `yaml:"archived"`
	Wait     Span `yaml:"wait"`
	// Lookup is how long after a call a recording may be missing that the carrier
	// never told of: so long the switch waits before it asks [20m].
	Lookup Span `yaml:"lookup"`
	// Consent is the sentence that both hear to the end before they are recorded;
	// the tester's own switch gets it as CONSENT_MESSAGE.
	Consent string `yaml:"consent"`
	Delete  bool   `yaml:"delete"` // the tester's own switch deletes the carrier's copies
	Bytes   int64  `yaml:"bytes"`  // the least that a file has; else 1 kB a second
}

// FileFault strikes the files of a share of the recordings.
type FileFault struct {
	Rate  float64 `yaml:"rate"`
	Is    string  `yaml:"is"`    // expired, forbidden, missing, error, slow, cut, short, page or garbled
	Tries int     `yaml:"tries"` // so many first requests [1]
	Lasts Span    `yaml:"lasts"` // of a slow one [3s]
}

// Failure strikes a share of the commands of one kind.
type Failure struct {
	Rate       float64 `yaml:"rate"`
	Status     int     `yaml:"status"` // 0: the command works
	Code       string  `yaml:"code"`
	Hold       Span    `yaml:"hold"` // answered so late
	RetryAfter Span    `yaml:"retry_after"`
	Cut        string  `yaml:"cut"` // the connection breaks: before or after the effect
}

// Outage replaces the faults for a time.
type Outage struct {
	At     Span   `yaml:"at"`
	For    Span   `yaml:"for"`
	Text   string `yaml:"text"` // for the report
	Faults Faults `yaml:"faults"`
}

// Span is a duration in a plan: "90s", "1m30s".
type Span time.Duration

// UnmarshalYAML reads what time.ParseDuration takes.
func (s *Span) UnmarshalYAML(n *yaml.Node) error {
	d, err := time.ParseDuration(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: %q is no duration; write 500ms, 90s or 2h", n.Line, n.Value)
	}
	*s = Span(d)
	return nil
}

// MarshalYAML writes what UnmarshalYAML reads.
func (s Span) MarshalYAML() (any, error) { return time.Duration(s).String(), nil }

// Range is a span of durations to draw from: "2s..9s", or "5s" for always that.
type Range party.Range

// UnmarshalYAML reads one duration, or two with dots between.
func (r *Range) UnmarshalYAML(n *yaml.Node) error {
	low, high, two := strings.Cut(n.Value, "..")
	least, err := time.ParseDuration(strings.TrimSpace(low))
	most := least
	if two && err == nil {
		most, err = time.ParseDuration(strings.TrimSpace(high))
	}
	if err != nil || n.Kind != yaml.ScalarNode || least < 0 || most < least {
		return fmt.Errorf("line %d: %q is no range of durations; write 2s..9s, or 5s", n.Line, n.Value)
	}
	*r = Range{Min: least, Max: most}
	return nil
}

// MarshalYAML writes what UnmarshalYAML reads.
func (r Range) MarshalYAML() (any, error) {
	if r.Max <= r.Min {
		return r.Min.String(), nil
	}
	return r.Min.String() + ".." + r.Max.String(), nil
}

// UnmarshalYAML reads a name or a list.
func (m *Mix) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		named, ok := mixes[n.Value]
		if !ok {
			return fmt.Errorf("line %d: there is no mix %q; write everyday, brief, or a list of habits", n.Line, n.Value)
		}
		m.Habits = slices.Clone(named)
		return nil
	}
	// A node does not pass the decoder's strictness on, so it is asked for anew.
	text, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&m.Habits); err != nil {
		return fmt.Errorf("the mix at line %d: %w", n.Line, err)
	}
	return nil
}

// MarshalYAML writes the list, so that a plan is whole without its defaults.
func (m Mix) MarshalYAML() (any, error) { return m.Habits, nil }

// mixes are the mixes that have a name.
var mixes = map[string][]Habit{"everyday": habitsOf(party.Everyday()), "brief": brief}

// brief is for load: the shares of Everyday, but short, so that a given rate
// keeps fewer calls up at once and a run ends soon after its last call began.
var brief = []Habit{
	{Name: "talks", Weight: 74, Callee: "answers", After: span(500, 2000), Talk: span(2000, 8000), CalleeLeaves: .4},
	{Name: "rings out", Weight: 6, Callee: "rings out", Patience: span(8000, 10000), AfterSpeech: span(500, 500)},
	{Name: "gives up", Weight: 8, Callee: "rings out", Patience: span(2000, 5000)},
	{Name: "busy", Weight: 5, Callee: "busy", After: span(500, 500), AfterSpeech: span(500, 500)},
	{Name: "declines", Weight: 5, Callee: "declines", After: span(1000, 3000), AfterSpeech: span(500, 500)},
	{Name: "unreachable", Weight: 2, Callee: "unreachable", After: span(500, 500), AfterSpeech: span(500, 500)},
}

func span(low, high int) Range {
	return Range{Min: time.Duration(low) * time.Millisecond, Max: time.Duration(high) * time.Millisecond}
}

// reactions are the words of a plan for what becomes of a ringing callee.
var reactions = map[string]party.Reaction{
	"answers": party.Answer, "rings out": party.RingOut, "busy": party.Busy, "declines": party.Decline,
	"no answer": party.NoAnswer, "unreachable": party.Unreachable, "fails": party.Failed,
}

func habitsOf(m party.Mix) []Habit {
	var all []Habit
	for _, h := range m {
		word := ""
		for w, r := range reactions {
			if r == h.Callee {
				word = w
			}
		}
		all = append(all, Habit{h.Name, h.Weight, word, Range(h.After), Range(h.Talk), Range(h.Patience), Range(h.AfterSpeech), h.CalleeLeaves})
	}
	return all
}

// ParsePlan reads a plan, fills in what it leaves out, and checks it. The error
// names every fault.
func ParsePlan(text []byte) (Plan, error) {
	p := Plan{Record: true}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("the plan cannot be read: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var more any
	if d.Decode(&more) == nil {
		return p, errors.New("the plan has a second document after a line of ---; put one plan into one file")
	}
	p.fill()
	return p, p.Check()
}

// fill puts the defaults where nothing was said.
func (p *Plan) fill() {
	either(&p.Name, "unnamed")
	either(&p.Seed, 1)
	either(&p.Warmup, Span(5*time.Second))
	either(&p.Drain, Span(time.Minute))
	either(&p.Calls.Arrivals, "poisson")
	either(&p.Calls.MaxActive, 50_000)
	either(&p.Numbers, 200)
	either(&p.Bookings.Clients, 512)
	either(&p.React, Span(2*time.Second))
	either(&p.Recordings.Wait, Span(time.Minute))
	either(&p.Recordings.Lookup, Span(20*time.Minute))
	either(&p.Carrier.Speed, 1)
	either(&p.Carrier.Senders, 256)
	if p.People.Mix.Habits == nil {
		p.People.Mix.Habits = slices.Clone(mixes["everyday"])
	}
	if p.Bookings.Lasts == (Range{}) {
		p.Bookings.Lasts = Range{Min: time.Hour, Max: 3 * time.Hour}
	}
	if p.People.RedialAfter == (Range{}) {
		p.People.RedialAfter = Range{Min: 3 * time.Second, Max: 20 * time.Second}
	}
}

func either[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}
