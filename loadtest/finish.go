package loadtest

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"maskswitch/loadtest/judge"
	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/report"
)

// Exit codes of a run, those of k6 where it has one.
const (
	ExitPassed      = 0
	ExitWrong       = 1
	ExitMissed      = 99
	ExitUnreachable = 102
	ExitBadPlan     = 104
	ExitInterrupted = 105
)

// finish lets the last calls end, asks the switch what it knows, and writes the
// result down.
func (r *run) finish(ctx context.Context) *report.Result {
	interrupted := ctx.Err() != nil
	r.drain(ctx)
	own := ownCPU() - r.clerk.cpu0
	used, all, ok := machineTime()
	r.clerk.end()
	r.audit(context.WithoutCancel(ctx))
	if !interrupted {
		r.auditArchive(ctx)
	}
	r.report(r.judge.KeysShown(r.fake.KeyLeaks()))
	r.report(r.judge.Summed(r.fake.Completions()))
	// Nothing may change any more while it is written down.
	r.cancel()
	r.fake.Close()
	r.errands.Wait()
	r.tidy()

	res := &report.Result{Schema: report.Schema, Machine: machine(), Latencies: r.meter.latencies(), Ladders: r.ladders.Report(),
		Series: r.clerk.series(), Marks: r.clerk.marks, Notes: r.notes.all, Findings: r.findings}
	text, err := yaml.Marshal(r.Plan)
	if err != nil {
		text = []byte(err.Error())
	}
	length := r.ended.Sub(r.began).Seconds()
	res.Run = report.Run{ID: r.id, Plan: r.Plan.Name, PlanText: string(text), Seed: r.Plan.Seed, Started: r.began, Length: length,
		Target: r.Target, Switch: r.Switch, Command: r.Command, Version: r.Version}
	c := &r.counts
	planned := pace.Planned(r.Plan.stages())
	res.Load = report.Load{CallsPlanned: c.planned.Load(), CallsStarted: c.started.Load(), CallsDropped: c.dropped, CallsEnded: c.ended.Load(),
		CallsFailed: c.failed.Load(), PlannedRate: planned / r.Plan.Length().Seconds(), StartedRate: float64(c.started.Load()) / max(length, 1e-9),
		MostActive: c.most.Load(), Outcomes: c.outcomes, Bookings: c.bookings, Commands: c.commands, Kills: r.clerk.kills,
		Webhooks: r.webhooks()}
	res.Errors = c.errorList()
	res.Tester = report.Tester{CPU: own.Seconds(), Lag: r.meter.lag.Quantiles(), SwitchCPU: r.clerk.switchUsed().Seconds()}
	took := time.Since(r.began).Seconds()
	res.Tester.CPUShare = own.Seconds() / took / float64(runtime.NumCPU())
	if n := c.ended.Load(); n > 0 {
		res.Tester.CPUPerCall = own.Seconds() / float64(n)
	}
	if ok && all > r.clerk.all0 {
		res.Tester.Busy = (used - r.clerk.used0) / (all - r.clerk.all0)
	}
	for _, k := range judge.Kinds() {
		res.Found = append(res.Found, report.Found{Kind: string(k), Title: k.Title(), Count: r.found[k]})
	}
	res.Budgets = r.budgets(res)
	for _, expr := range r.Plan.Thresholds {
		t, err := ParseThreshold(expr)
		if err != nil {
			continue // the plan was checked
		}
		res.Thresholds = append(res.Thresholds, t.On(res))
	}
	res.Tester.Reasons = r.limits(res)
	res.Verdict = verdict(res, interrupted, r.over())
	return res
}

// drain waits for the calls under way, and no longer than the plan says.
func (r *run) drain(ctx context.Context) {
	patience := time.Duration(r.Plan.Drain)
	if ctx.Err() != nil || r.over() != "" {
		patience = min(patience, 5*time.Second) // somebody wants to go home, or there is nobody there
	}
	r.Note(fmt.Sprintf("the schedule is over; %d calls are still up", r.counts.active.Load()))
	until, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	r.waitErrands(until, patience)
	if r.fake.Wait(until) == nil {
		r.settle(until)
		return
	}
	left := 0
	for _, k := range r.fake.Calls() {
		d, ok := k.Tag().(*dialled)
		if !ok || d.judged.Load() {
			continue
		}
		left++
		if ctx.Err() == nil && r.over() == "" { // of a run cut short nothing can be said about calls that were up
			r.judgeCall(k, d)
		} else {
			d.judged.Store(true)
			r.counts.add(r.counts.outcomes, "cut off by the end of the run")
		}
	}
	if left > 0 {
		r.notes.add(fmt.Sprintf("%d calls had not ended %v after the last one began.", left, patience))
	}
}

// settle waits until every call that ended was judged.
func (r *run) settle(ctx context.Context) {
	for beat := time.NewTicker(5 * time.Millisecond); ; {
		if r.counts.active.Load() <= 0 || ctx.Err() != nil {
			beat.Stop()
			return
		}
		<-beat.C
	}
}

// audit asks the switch what bookings it has, and holds them against what it
// acknowledged.
func (r *run) audit(ctx context.Context) {
	if r.over() != "" {
		return
	}
	r.Note("asking the switch for its bookings")
	asked := time.Now()
	all, err := r.desk.listAll(ctx.Done())
	if err != nil {
		r.notes.add("The bookings of the switch could not be listed, so that forgotten ones were not looked for: " + err.Error())
	}
	listedAll := make([]judge.Listed, 0, len(all))
	for _, b := range all {
		listedAll = append(listedAll, listed(b))
	}
	r.report(r.judge.Audit(listedAll, err == nil, asked))
	r.report(r.judge.Strays(r.fake.Strays()))
	if r.proc == nil {
		r.cleanUp(all)
	}
}

// cleanUp ends the run's bookings at a switch that goes on without us.
func (r *run) cleanUp(all []bookingShown) {
	var mine []string
	for _, b := range all {
		if strings.HasPrefix(b.ID, "lt-"+r.id+"-") {
			mine = append(mine, b.ID)
		}
	}
	if len(mine) == 0 {
		return
	}
	r.Note(fmt.Sprintf("ending the run's %d bookings", len(mine)))
	var wg sync.WaitGroup
	for part := range slices.Chunk(mine, (len(mine)+15)/16) {
		wg.Go(func() {
			for _, id := range part {
				if a := r.desk.ask("DELETE", bookingPath(id), nil); a.err != nil || (a.status != 200 && a.status != 404) {
					r.notes.add("Some of the run's bookings could not be ended; they live on at the switch until their checkout.")
				}
			}
		})
	}
	wg.Wait()
}

// tidy makes what many wrote to this goroutine's own.
func (r *run) tidy() {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortFunc(r.findings, func(a, b report.Finding) int {
		if a.Kind != b.Kind {
			return strings.Compare(a.Kind, b.Kind)
		}
		return int(a.Call) - int(b.Call)
	})
}

func (r *run) webhooks() map[string]int64 {
	t := r.fake.Totals()
	return map[string]int64{"delivered": t.Deliveries, "taken": t.Accepted, "delivered again": t.Redelivered,
		"refused for good": t.Refused, "given up": t.GivenUp, "lost on purpose": r.counts.lost.Load()}
}

func (c *counts) errorList() []report.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []report.Error
	for e, n := range c.errors {
		all = append(all, report.Error{Where: e.where, What: e.what, Count: n, Planned: e.planned})
	}
	slices.SortFunc(all, func(a, b report.Error) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Where+a.What, b.Where+b.What)
	})
	return all
}

// budgets are the service levels of the design over this run.
func (r *run) budgets(res *report.Result) []report.Budget {
	within := func(s step, limit time.Duration) (good, total int64) {
		h := r.meter.corrected[s]
		return h.Within(limit), h.Count() + r.meter.failed[s]
	}
	taken := r.meter.corrected[ack].Count()
	quick, acks := within(ack, 250*time.Millisecond)
	prompt, commands := within(reaction, 50*time.Millisecond)
	calls := res.Load.CallsEnded
	answered := r.meter.corrected[create].Count()
	return []report.Budget{
		{Name: "webhooks answered 2xx", Objective: .9995, Good: taken, Total: taken + r.meter.failed[ack]},
		{Name: "webhooks answered within 250 ms", Objective: .999, Good: quick, Total: acks},
		{Name: "commands sent within 50 ms", Objective: .99, Good: prompt, Total: commands},
		{Name: "calls not lost", Objective: .995, Good: calls - res.Load.CallsFailed, Total: calls},
		{Name: "bookings opened", Objective: .999, Good: answered, Total: answered + r.meter.failed[create]},
	}
}

// limits says why speed measured in this run would be the tester's, if so.
func (r *run) limits(res *report.Result) []string {
	var why []string
	if lag := res.Tester.Lag; lag.Count > 0 && lag.P99 > lateStart.Seconds() {
		why = append(why, fmt.Sprintf("calls were started late: p99 %.0f ms after they were due", lag.P99*1e3))
	}
	if s := res.Tester.CPUShare * float64(runtime.NumCPU()) / float64(runtime.GOMAXPROCS(0)); s > .9 {
		why = append(why, fmt.Sprintf("the tester used %.0f %% of the %d cores that it takes", s*100, runtime.GOMAXPROCS(0)))
	}
	if r.Target != "" && res.Tester.Busy > .95 {
		why = append(why, fmt.Sprintf("the machine was full: %.0f %% of all cores were in use, %.0f %% by the tester", res.Tester.Busy*100, res.Tester.CPUShare*100))
	}
	if n := res.Load.Bookings; anyDropped(n) {
		why = append(why, "requests of the marketplace were dropped because all of its clients were busy")
	}
	return why
}

// lateStart is what the 99th percentile of starts may be late: the tick of the
// scheduler and a timer that overshoots by as much again, several times over.
const lateStart = 10 * time.Millisecond

func anyDropped(bookings map[string]int64) bool {
	for name := range maps.Keys(bookings) {
		if strings.HasSuffix(name, " dropped") {
			return true
		}
	}
	return false
}

// verdict weighs: wrong behaviour, of which a switch that is gone is the worst,
// before an interruption before thresholds.
func verdict(res *report.Result, interrupted bool, gone string) report.Verdict {
	v := report.Verdict{Exit: ExitPassed, Word: "passed", TesterLimit: len(res.Tester.Reasons) > 0}
	if gone != "" {
		v.Exit, v.Word = ExitWrong, "wrong behaviour"
		v.Reasons = append(v.Reasons, gone)
	}
	for _, f := range res.Found {
		if f.Count > 0 {
			v.Exit, v.Word = ExitWrong, "wrong behaviour"
			v.Reasons = append(v.Reasons, fmt.Sprintf("%s: %s", f.Title, times(f.Count)))
		}
	}
	if interrupted {
		if v.Exit == ExitPassed {
			v.Exit, v.Word = ExitInterrupted, "interrupted"
		}
		v.Reasons = append(v.Reasons, "the run was interrupted; what it has seen is a part")
	}
	for _, t := range res.Thresholds {
		if t.OK {
			continue
		}
		if v.Exit == ExitPassed {
			v.Exit, v.Word = ExitMissed, "threshold missed"
		}
		v.Reasons = append(v.Reasons, "missed: "+t.Expr+", it was "+figureText(t))
	}
	for _, why := range res.Tester.Reasons {
		v.Reasons = append(v.Reasons, "the tester was the limit: "+why)
	}
	if len(v.Reasons) == 0 {
		v.Reasons = []string{fmt.Sprintf("%d calls, nothing wrong in them, %d failed under faults of the tester; no threshold was missed", res.Load.CallsEnded, res.Load.CallsFailed)}
	}
	return v
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func figureText(t report.Threshold) string {
	if t.Value == nil {
		return "never measured"
	}
	if t.Unit == "s" {
		return time.Duration(*t.Value * float64(time.Second)).Round(time.Microsecond).String()
	}
	return fmt.Sprintf("%.4g", *t.Value)
}
