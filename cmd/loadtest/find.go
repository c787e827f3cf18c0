package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"maskswitch/loadtest"
	"maskswitch/loadtest/report"
)

const findUsage = `loadtest find PLAN: searches the highest rate of calls that keeps the plan's
thresholds. It runs the plan at a constant rate, doubles it until a run does not
pass, then halves the gap. With -switch each run has a new switch.

  loadtest find steady -switch ./bin/maskswitch
  loadtest find steady -from 100 -to 1500 -step 30s -threshold 'ack.p99<25ms' -threshold 'dropped<1' -switch ./bin/maskswitch

Flags:
`

func findCommand(ctx context.Context, args []string, out, _ *os.File) error {
	f := flags("find", findUsage, out)
	var t target
	t.flags(f, "loadtest-find")
	var s loadtest.Search
	f.Float64Var(&s.From, "from", 50, "calls a second to begin with")
	f.Float64Var(&s.To, "to", 5000, "never more than this")
	f.DurationVar(&s.Step, "step", 20e9, "measured part of each run")
	f.Float64Var(&s.Precise, "precise", .08, "ends when passing and failing rate are this close, as a share")
	f.IntVar(&s.Most, "most", 14, "runs at most")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("find takes one plan: one of %s, or a file", strings.Join(loadtest.Presets(), ", "))
	}
	if t.plan.rate != 0 || t.plan.length != 0 {
		return errors.New("find chooses the rates itself: use -from, -to and -step instead of -rate and -duration")
	}
	o, err := t.options(rest[0])
	if err != nil {
		return err
	}
	d := newDisplay(out, false)
	o.Progress, o.Note = d.progress, func(string) {}
	fmt.Fprintf(out, "%8s %10s %12s %12s %8s %8s %14s  %s\n", "calls/s", "started/s", "ack p99", "reaction p99", "dropped", "failed", "tester ms/call", "verdict")
	var unwritten error
	found, err := loadtest.Find(ctx, o, s, func(one loadtest.Tried) {
		d.note(row(one))
		unwritten = errors.Join(unwritten, report.Write(fmt.Sprintf("%s/rate-%.0f", t.out, one.Rate), one.Result))
	})
	if err != nil {
		return errors.Join(err, unwritten)
	}
	if unwritten != nil {
		return unwritten
	}
	last := found.Tried[len(found.Tried)-1].Result
	switch {
	case last.Verdict.Exit == loadtest.ExitWrong || last.Verdict.Exit == loadtest.ExitInterrupted:
		fmt.Fprintf(out, "\n%s\n", report.Summary(last))
		return exit(last.Verdict.Exit)
	case found.Best == 0:
		fmt.Fprintf(out, "\nno rate passed, not even %.0f calls/s\n", found.Next)
		return exit(loadtest.ExitMissed)
	case found.Next == 0:
		fmt.Fprintf(out, "\n%.0f calls/s pass; nothing that was tried failed\n", found.Best)
	default:
		fmt.Fprintf(out, "\n%.0f calls/s pass, %.0f do not: %s\n", found.Best, found.Next, reasons(found))
	}
	if found.Limit {
		fmt.Fprintln(out, "the tester was the limit there: the switch alone may do more")
	}
	fmt.Fprintf(out, "reports of all runs: %s\n", t.out)
	return nil
}

func reasons(f loadtest.Found) string {
	for _, one := range f.Tried {
		if one.Rate == f.Next {
			return strings.Join(one.Result.Verdict.Reasons, "; ")
		}
	}
	return ""
}

func row(one loadtest.Tried) string {
	r := one.Result
	p99 := func(step string) string {
		for _, l := range r.Latencies {
			if l.Step == step && l.Corrected.Count > 0 {
				return short(l.Corrected.P99)
			}
		}
		return "-"
	}
	dropped := int64(0)
	for _, n := range r.Load.CallsDropped {
		dropped += n
	}
	limit := ""
	if r.Verdict.TesterLimit {
		limit = ", tester was the limit"
	}
	return fmt.Sprintf("%8.0f %10.1f %12s %12s %8d %8d %14.2f  %s%s", one.Rate, r.Load.StartedRate, p99("ack"), p99("reaction"),
		dropped, r.Load.CallsFailed, r.Tester.CPUPerCall*1e3, r.Verdict.Word, limit)
}
