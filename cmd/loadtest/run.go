package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"maskswitch/loadtest"
	"maskswitch/loadtest/report"
)

const runUsage = `loadtest run PLAN: plays a plan against a switch. PLAN is the name of a plan that
comes with the tester (loadtest plans) or a file.

  # a switch of its own, from this checkout; one command, one verdict
  loadtest run smoke -switch 'go run ./cmd/maskswitch'

  # the same, killed every five seconds
  loadtest run duplicate-flood -switch ./bin/maskswitch -kill-every 5s

  # a switch that runs already, on this machine; the tester prints what it must
  # be started with, and waits for nothing
  loadtest run steady -target http://127.0.0.1:5000 -admin http://127.0.0.1:5001

  # other rates and conditions
  loadtest run steady -rate 200 -duration 30s -threshold 'ack.p99<10ms' -switch ./bin/maskswitch

Flags:
`

// target are the flags that say where the switch is, for run and find.
type target struct {
	url, command, admin, remote, carrier, key, out string
	killEvery                                      time.Duration
	plan                                           overrides
}

// overrides change a plan.
type overrides struct {
	rate       float64
	length     time.Duration
	calls      int64
	seed       uint64
	maxActive  int
	live       int
	thresholds list
	abort      time.Duration
}

type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func (t *target) flags(f *flag.FlagSet, out string) {
	f.StringVar(&t.url, "target", "", "origin of a switch that runs already, such as http://127.0.0.1:5000")
	f.StringVar(&t.command, "switch", "", "command that starts a switch; it gets HOST, PORT, ADMIN_ADDR, DATA_DIR and the TELNYX_ variables")
	f.StringVar(&t.admin, "admin", "", "with -target: origin of its /metrics, such as http://127.0.0.1:5001")
	f.StringVar(&t.remote, "allow-remote", "", "the one `host` outside of this machine that may be a target")
	f.StringVar(&t.carrier, "carrier", "127.0.0.1:4010", "with -target: address of the tester's carrier")
	f.StringVar(&t.key, "carrier-key", "carrier.key", "with -target: `file` of the key that signs webhooks; made if it is not there")
	f.StringVar(&t.out, "out", out, "`directory` for the report")
	f.DurationVar(&t.killEvery, "kill-every", 0, "with -switch: kill -9 the switch so often, and start it again")
	f.Float64Var(&t.plan.rate, "rate", 0, "calls a second, constant, instead of the plan's stages")
	f.DurationVar(&t.plan.length, "duration", 0, "length of the measured part")
	f.Int64Var(&t.plan.calls, "calls", 0, "end after so many calls")
	f.Uint64Var(&t.plan.seed, "seed", 0, "another seed than the plan's: other people, other faults")
	f.IntVar(&t.plan.maxActive, "max-active", 0, "calls at once; more are dropped, and counted")
	f.IntVar(&t.plan.live, "live", 0, "bookings open when the calls begin")
	f.Var(&t.plan.thresholds, "threshold", "a `condition` such as 'ack.p99<25ms'; may be given several times, and replaces the plan's")
	f.DurationVar(&t.plan.abort, "abort-after", 0, "from then on a missed threshold ends the run")
}

// apply changes the plan as the flags say, and checks it again.
func (o *overrides) apply(p *loadtest.Plan) error {
	if o.rate < 0 || o.length < 0 || o.calls < 0 || o.maxActive < 0 || o.live < 0 {
		return errors.New("-rate, -duration, -calls, -max-active and -live cannot be negative")
	}
	switch {
	case o.rate > 0:
		length := loadtest.Span(o.length)
		if length == 0 {
			length = loadtest.Span(p.Length())
		}
		p.Calls.Stages = []loadtest.Stage{{For: length, Rate: o.rate}}
	case o.length > 0:
		if len(p.Calls.Stages) != 1 || p.Calls.Stages[0].To != nil {
			return fmt.Errorf("-duration needs -rate: the stages of %s have lengths of their own", p.Name)
		}
		p.Calls.Stages[0].For = loadtest.Span(o.length)
	}
	p.Calls.Most = max(p.Calls.Most, o.calls)
	if o.seed != 0 {
		p.Seed = o.seed
	}
	if o.maxActive > 0 {
		p.Calls.MaxActive = o.maxActive
	}
	if o.live > 0 {
		p.Bookings.Live = o.live
	}
	if len(o.thresholds) > 0 {
		p.Thresholds = o.thresholds
	}
	if o.abort > 0 {
		p.AbortAfter = loadtest.Span(o.abort)
	}
	// What lies beyond a shortened run never happens.
	end := loadtest.Span(p.Length())
	for i := range p.Bookings.Storms {
		if p.Bookings.Storms[i].At >= end {
			p.Bookings.Storms = p.Bookings.Storms[:i]
			break
		}
	}
	return p.Check()
}

// options puts plan and target together.
func (t *target) options(name string) (loadtest.Options, error) {
	plan, err := loadtest.LoadPlan(name)
	if err != nil {
		return loadtest.Options{}, err
	}
	if t.killEvery != 0 {
		plan.KillEvery = loadtest.Span(t.killEvery)
	}
	if err := t.plan.apply(&plan); err != nil {
		return loadtest.Options{}, err
	}
	o := loadtest.Options{Plan: plan, Target: t.url, Switch: t.command, Admin: t.admin, APIKey: os.Getenv("LOADTEST_API_KEY"),
		AllowRemote: t.remote, Out: t.out, Command: "loadtest " + strings.Join(quoted(os.Args[1:]), " "), Version: version()}
	if t.url != "" {
		o.CarrierAddr = t.carrier
		if o.CarrierKey, err = carrierKey(t.key); err != nil {
			return o, err
		}
	}
	return o, os.MkdirAll(t.out, 0o755)
}

// quoted is a command line as a shell would take it.
func quoted(args []string) []string {
	var out []string
	for _, a := range args {
		if strings.ContainsAny(a, " '\"<>&|;$*?()") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out = append(out, a)
	}
	return out
}

// carrierKey reads the key that signs webhooks, or makes one, so that a switch
// need not be told another each time.
func carrierKey(file string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		seed := make([]byte, ed25519.SeedSize)
		if _, err := rand.Read(seed); err != nil {
			return nil, err
		}
		text = []byte(base64.StdEncoding.EncodeToString(seed) + "\n")
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("the key of the carrier: %w", err)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s does not hold a key (32 bytes in base64); remove it and a new one is made", file)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func publicKey(k ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(k.Public().(ed25519.PublicKey))
}

func runCommand(ctx context.Context, args []string, out, errs *os.File) error {
	f := flags("run", runUsage, out)
	var t target
	t.flags(f, "loadtest-report")
	quiet := f.Bool("quiet", false, "no display while it runs")
	profile := f.String("cpuprofile", "", "write a CPU profile of the tester itself to this `file`")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("run takes one plan: one of %s, or a file", strings.Join(loadtest.Presets(), ", "))
	}
	o, err := t.options(rest[0])
	if err != nil {
		return err
	}
	if o.Target != "" {
		fmt.Fprintf(out, "the switch must have been started with\n  TELNYX_BASE_URL=http://%s/v2 TELNYX_PUBLIC_KEY=%s\n", t.carrier, publicKey(o.CarrierKey))
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	d := newDisplay(out, *quiet)
	o.Progress, o.Note = d.progress, d.note
	result, err := loadtest.Run(ctx, o)
	if err != nil {
		return err
	}
	return write(t.out, result, out)
}

// write puts the report down and says where; it returns the verdict as an exit.
func write(dir string, r *report.Result, out *os.File) error {
	if err := report.Write(dir, r); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n%s\n", report.Summary(r), filepath.Join(dir, "report.html"))
	if r.Verdict.Exit != 0 {
		return exit(r.Verdict.Exit)
	}
	return nil
}
