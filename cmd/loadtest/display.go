package main

import (
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"maskswitch/loadtest"
)

// display shows a run while it goes on: a block that is drawn anew each second
// on a terminal, a line every five seconds elsewhere.
type display struct {
	mu       sync.Mutex
	out      *os.File
	quiet    bool
	terminal bool
	height   int // lines of the block that stands on the terminal now
	last     time.Duration
}

func newDisplay(out *os.File, quiet bool) *display {
	info, err := out.Stat()
	return &display{out: out, quiet: quiet, last: -time.Hour,
		terminal: err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"}
}

// note writes a line above the block.
func (d *display) note(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wipe()
	fmt.Fprintln(d.out, text)
}

func (d *display) wipe() {
	if d.height > 0 {
		fmt.Fprintf(d.out, "\x1b[%dA\x1b[J", d.height)
		d.height = 0
	}
}

func (d *display) progress(s loadtest.Snapshot) {
	if d.quiet {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.terminal {
		if s.At-d.last >= 4900*time.Millisecond {
			d.last = s.At
			fmt.Fprintln(d.out, line(s))
		}
		return
	}
	d.wipe()
	block := block(s)
	d.height = strings.Count(block, "\n")
	fmt.Fprint(d.out, block)
}

func line(s loadtest.Snapshot) string {
	return fmt.Sprintf("%4.0fs  %.0f/s offered, %.0f/s started, %.0f/s ended  up %d  failed %d  dropped %d  wrong %d  ack %s/%s  reaction %s/%s  lag %s  tester %.2f cores",
		s.At.Seconds(), s.PlannedRate, s.StartedRate, s.EndedRate, s.Active, s.Failed, s.Dropped, s.Found,
		short(s.AckP50), short(s.AckP99), short(s.ReactionP50), short(s.ReactionP99), short(s.LagP99), s.OwnCPU)
}

func block(s loadtest.Snapshot) string {
	var b strings.Builder
	done := 0
	if s.Length > 0 {
		done = int(min(30, 30*s.At/s.Length))
	}
	fmt.Fprintf(&b, "%s%s %v of %v\n", strings.Repeat("━", done), strings.Repeat("─", 30-done), s.At.Round(time.Second), s.Length)
	fmt.Fprintf(&b, "  calls      offered %-8d started %-8d ended %-8d up %-7d failed %-6d dropped %d\n", s.Planned, s.Started, s.Ended, s.Active, s.Failed, s.Dropped)
	fmt.Fprintf(&b, "  a second   offered %-8.0f started %-8.0f ended %-8.0f\n", s.PlannedRate, s.StartedRate, s.EndedRate)
	fmt.Fprintf(&b, "  p50, p99   acknowledgement %s, %s   reaction %s, %s   create p99 %s\n", short(s.AckP50), short(s.AckP99), short(s.ReactionP50), short(s.ReactionP99), short(s.CreateP99))
	fmt.Fprintf(&b, "  tester     starts late by p99 %s, at most %s   %.2f cores   switch %s cores   delivered again %d\n", short(s.LagP99), short(s.LagMax), s.OwnCPU, cores(s.SwitchCPU), s.Retried)
	if s.Found > 0 {
		fmt.Fprintf(&b, "  WRONG BEHAVIOUR %d\n", s.Found)
	}
	return b.String()
}

func cores(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

// short is a duration with two or three digits.
func short(seconds float64) string {
	switch {
	case math.IsNaN(seconds):
		return "-"
	case seconds < 1e-3:
		return fmt.Sprintf("%.0fus", seconds*1e6)
	case seconds < 1:
		return fmt.Sprintf("%.3gms", seconds*1e3)
	}
	return fmt.Sprintf("%.3gs", seconds)
}
