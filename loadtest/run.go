package loadtest

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/market"
	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/report"
)

// ErrUnreachable says that there was no switch to test, or that it and the
// tester's carrier do not know each other. Its text says what to do.
var ErrUnreachable = errors.New("the switch cannot be tested")

// Options are what a plan does not say: where the switch is.
type Options struct {
	Plan Plan

	// Target is the origin of REST and webhooks, such as http://127.0.0.1:5000.
	// Empty: Switch is started.
	Target string
	// Switch is a command that starts a switch. It gets HOST, PORT, ADMIN_ADDR,
	// DATA_DIR, TELNYX_BASE_URL, TELNYX_API_KEY, TELNYX_PUBLIC_KEY and
	// RECORDING_HOSTS, and what the plan's recordings need: CONSENT_MESSAGE,
	// SUMMARIES, DELETE_AT_CARRIER.
	Switch      string
	Admin       string // origin of the operators' listener, for /metrics and /readyz; empty: not looked at
	APIKey      string // of the REST interface; empty: none
	AllowRemote string // the one host outside of this machine that may be a target

	CarrierAddr string             // empty: a free port
	CarrierKey  ed25519.PrivateKey // signs webhooks; nil: a new one

	Out      string         // directory for the switch's log
	Command  string         // how the tester was called, for the report
	Version  string         // of the tester
	Progress func(Snapshot) // hears once a second; nil: nobody
	Note     func(string)   // hears of phases and of what goes wrong; nil: nobody
}

// carrierSecret is the API key that the tester's carrier expects of a switch
// that the tester starts.
const carrierSecret = "loadtest"

// run is one run on its way.
type run struct {
	Options
	id      string
	ctx     context.Context // ends with the run, whatever its requests wait for
	cancel  context.CancelFunc
	fake    *carrier.Carrier
	proc    *process // the switch, if it is ours
	desk    *desk
	market  *market.Market
	judge   *judge.Register
	ladders *judge.Ladders
	meter   *meter
	counts  counts
	clerk   clerk
	notes   notes
	trouble trouble
	forget  forgetting

	began time.Time       // of the measured part: its instant 0
	ended time.Time       // of the schedule
	first map[int]float64 // hours that each booking of the warm-up asks for, by N; fixed before any is opened

	clients  chan struct{} // a place for each request under way
	errands  sync.WaitGroup
	noExtend atomic.Bool // the switch has no PATCH

	mu       sync.Mutex
	lent     map[int]*lent // bookings with something under way, by N
	findings []report.Finding
	found    map[judge.Kind]int64
	gone     string // why there is no switch any more; empty: there is one
}

// counts are totals that many goroutines add to.
type counts struct {
	planned, started, ended, failed, active, most atomic.Int64
	retried, lost                                 atomic.Int64
	mu                                            sync.Mutex
	dropped, outcomes, bookings, commands         map[string]int64
	errors                                        map[wireError]int64
}

type wireError struct {
	where, what string
	planned     bool
}

func (c *counts) add(m map[string]int64, name string) {
	c.mu.Lock()
	m[name]++
	c.mu.Unlock()
}

func (c *counts) fault(where, what string, planned bool) {
	c.mu.Lock()
	c.errors[wireError{where, what, planned}]++
	c.mu.Unlock()
}

// Run plays a plan against a switch. The result is there even if the run was
// interrupted or found wrong behaviour; the error says that there was nothing
// to test, or that the tester itself cannot work.
func Run(ctx context.Context, o Options) (*report.Result, error) {
	r, err := newRun(o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	if err := r.prepare(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("interrupted before anything was measured: %w", context.Cause(ctx))
		}
		return nil, err
	}
	r.play(ctx)
	return r.finish(ctx), nil
}

func newRun(o Options) (*run, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	p := &o.Plan
	calls := pace.New(p.stages(), p.arrivals(), p.Seed)
	m, err := market.New(p.market(), calls, p.Seed)
	if err != nil {
		return nil, err
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	if o.Progress == nil {
		o.Progress = func(Snapshot) {}
	}
	r := &run{
		Options: o, id: strings.ReplaceAll(uuid.NewString(), "-", "")[:10], market: m,
		judge: judge.New(judge.Config{Record: p.Record, React: time.Duration(p.React), Speed: p.Carrier.Speed,
			Consent: p.Recordings.Consent, Archive: p.Recordings.Archived, Lookup: time.Duration(p.Recordings.Lookup)}),
		ladders: judge.NewLadders(), meter: newMeter(), clients: make(chan struct{}, p.Bookings.Clients),
		lent: map[int]*lent{}, first: map[int]float64{}, found: map[judge.Kind]int64{},
		counts: counts{dropped: map[string]int64{}, outcomes: map[string]int64{}, bookings: map[string]int64{},
			commands: map[string]int64{}, errors: map[wireError]int64{}},
	}
	r.notes.tell = o.Note
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

// check refuses what must not or cannot be tested.
func (o *Options) check() error {
	switch {
	case o.Target == "" && o.Switch == "":
		return errors.New("nothing to test: name a running switch with -target http://127.0.0.1:5000, or let the tester start one with -switch 'go run ./cmd/maskswitch'")
	case o.Target != "" && o.Switch != "":
		return errors.New("-target and -switch exclude each other: a switch that the tester starts has an address of its own")
	case o.Plan.KillEvery > 0 && o.Switch == "":
		return errors.New("kill_every needs -switch: the tester kills only what it has started")
	}
	if o.Target == "" {
		return nil
	}
	u, err := url.Parse(o.Target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("-target %q: write the origin of the switch, such as http://127.0.0.1:5000", o.Target)
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	if host != o.AllowRemote {
		return fmt.Errorf("-target %s is not this machine; a load test of somebody else's is an attack. If %s is yours, say so with -allow-remote %s", o.Target, host, host)
	}
	return nil
}

// connect brings up the carrier and, if it is ours to start, the switch.
func (r *run) connect(ctx context.Context) error {
	p := &r.Plan
	var retries []time.Duration
	for _, gap := range p.Carrier.Retries {
		retries = append(retries, time.Duration(gap))
	}
	r.fake = carrier.New(carrier.Config{
		APIKey: r.expectedKey(), Addr: r.CarrierAddr, PrivateKey: r.CarrierKey, Seed: p.Seed, Faults: p.Faults.carrier(),
		Speed: p.Carrier.Speed, Senders: p.Carrier.Senders, RetryDelays: retries, Observer: (*witness)(r),
		AudioBytes: p.Recordings.Bytes, Shelf: shelf,
	})
	if err := r.fake.Start(); err != nil {
		return err
	}
	if r.Switch != "" {
		var err error
		if r.proc, err = newProcess(r.Switch, r.Out); err != nil {
			return err
		}
		r.Target, r.Admin = r.proc.target, r.proc.admin
		r.proc.wire(r.fake.BaseURL(), carrierSecret, r.fake.PublicKey())
		r.proc.set(p.settings(r.fake.URL())...)
	}
	r.fake.SetWebhookURL(strings.TrimRight(r.Target, "/") + "/webhooks/voice")
	r.desk = newDesk(r.Target, r.APIKey, p.Bookings.Clients)
	if r.proc != nil {
		r.Note("starting the switch: " + r.Switch)
		if err := r.proc.start(ctx, 5*time.Minute); err != nil {
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
	}
	return r.greet()
}

// expectedKey is the carrier's API key: a switch that runs already has one that
// the tester does not know, and any is taken.
func (r *run) expectedKey() string {
	if r.Switch != "" {
		return carrierSecret
	}
	return ""
}

// greet asks the switch whether it is one.
func (r *run) greet() error {
	answer := r.desk.ask("GET", "/health", nil)
	switch {
	case answer.err != nil:
		return fmt.Errorf("%w: GET %s/health: %s; is it running, and is that its address?", ErrUnreachable, r.Target, answer.word())
	case answer.status == 401 || answer.status == 403:
		return fmt.Errorf("%w: it wants an API key; set LOADTEST_API_KEY to a secret of its API_KEYS", ErrUnreachable)
	case answer.status != 200:
		return fmt.Errorf("%w: GET %s/health answers %d %s", ErrUnreachable, r.Target, answer.status, clip(answer.body))
	}
	var health struct {
		Active int `json:"active"`
	}
	if json.Unmarshal(answer.body, &health) == nil && health.Active > 0 {
		r.notes.add(fmt.Sprintf("The switch had %d live bookings before the run, which are not the run's.", health.Active))
	}
	return nil
}

// lost notes that the switch is gone for good.
func (r *run) lost(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone == "" {
		r.gone = why
	}
}

// over says why there is no switch any more; empty: there is one.
func (r *run) over() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
}

func (r *run) close() {
	r.cancel()
	r.forget.stop()
	if r.fake != nil {
		r.fake.Close()
	}
	if r.proc != nil {
		r.proc.stop()
		if err := r.proc.close(); err != nil {
			r.Note(err.Error())
		}
	}
}

// notes are sentences for the report, each said once.
type notes struct {
	mu   sync.Mutex
	all  []string
	tell func(string)
}

func (n *notes) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, old := range n.all {
		if old == text {
			return
		}
	}
	n.all = append(n.all, text)
	n.tell(text)
}

// trouble is the spans of time in which the tester itself made things fail.
type trouble struct {
	mu    sync.RWMutex
	spans []judge.Span
}

// begin opens a span; the returned function ends it.
func (t *trouble) begin(at time.Time) (end func(time.Time)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := len(t.spans)
	t.spans = append(t.spans, judge.Span{From: at})
	return func(at time.Time) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.spans[i].To = at
	}
}

// now is a copy; a span that goes on lasts until now.
func (t *trouble) now() judge.Trouble {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.spans) == 0 {
		return judge.Trouble{}
	}
	down := make([]judge.Span, len(t.spans))
	copy(down, t.spans)
	for i := range down {
		if down[i].To.IsZero() {
			down[i].To = time.Now()
		}
	}
	return judge.Trouble{Down: down}
}
