package loadtest

import (
	"context"
	"math"
	"runtime"
	"sync"
	"time"

	"maskswitch/loadtest/report"
)

// Snapshot is how a run stands, for whoever watches it. Durations are in
// seconds, NaN for no value.
type Snapshot struct {
	At, Length                                      time.Duration
	Planned, Started, Ended, Failed, Dropped, Found int64
	Active                                          int64
	PlannedRate, StartedRate, EndedRate             float64 // in the last second
	AckP50, AckP99, ReactionP50, ReactionP99        float64
	CreateP99                                       float64
	LagP99, LagMax                                  float64
	OwnCPU, SwitchCPU                               float64 // cores
	Retried                                         int64   // deliveries made again, so far
}

// tick is one second of a run.
type tick struct {
	at                                               float64
	planned, started, ended, dropped, failed, active float64
	retried                                          float64
	p50, p99                                         [stepCount]float64
	stepFailed                                       [stepCount]float64
	count                                            [stepCount]float64
	lag                                              float64
	own, busy                                        float64
	gauges                                           []float64
}

// clerk keeps the books of a run, second by second.
type clerk struct {
	mu     sync.Mutex
	ticks  []tick
	marks  []report.Mark
	kills  int
	stop   chan struct{}
	done   chan struct{}
	r      *run
	scrape *scraper

	cpu0       time.Duration // own, at the begin
	used0      float64
	all0       float64
	switchCPU  time.Duration // of switches that were killed
	switchCPU0 time.Duration // of the present one, at the begin
	switchSeen time.Duration // the last that was seen of the present one
}

// begin starts the books at the run's instant 0; abort ends the run early.
func (c *clerk) begin(r *run, abort func()) {
	c.r, c.stop, c.done = r, make(chan struct{}), make(chan struct{})
	if r.Admin != "" {
		c.scrape = newScraper(r.Admin + "/metrics")
	}
	r.meter.collect(false) // the warm-up
	c.cpu0 = ownCPU()
	c.used0, c.all0, _ = machineTime()
	if r.proc != nil {
		c.switchCPU0, _ = r.proc.cpu()
		c.switchSeen = c.switchCPU0
	}
	go c.run(abort)
}

func (c *clerk) run(abort func()) {
	defer close(c.done)
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	last := totals{cpu: c.cpu0, used: c.used0, all: c.all0, at: c.r.began}
	for {
		select {
		case <-beat.C:
			last = c.second(last)
			c.r.forget.due(time.Now())
			if p := c.r.proc; p != nil {
				if how := p.crashed(); how != "" {
					c.r.lost(how)
					abort()
				}
			}
			c.r.missed(abort)
		case <-c.stop:
			c.second(last)
			return
		}
	}
}

// totals are what the last second is the difference to.
type totals struct {
	at                                                time.Time
	planned, started, ended, dropped, failed, retried int64
	cpu                                               time.Duration
	used, all                                         float64
}

func (c *clerk) second(last totals) totals {
	r := c.r
	s := r.meter.collect(true)
	now := totals{at: time.Now(), planned: r.counts.planned.Load(), started: r.counts.started.Load(), ended: r.counts.ended.Load(),
		dropped: r.counts.droppedSum(), failed: r.counts.failed.Load(), retried: r.counts.retried.Load(), cpu: ownCPU()}
	now.used, now.all, _ = machineTime()
	passed := max(now.at.Sub(last.at).Seconds(), 1e-3)
	per := func(a, b int64) float64 { return float64(a-b) / passed }
	t := tick{at: now.at.Sub(r.began).Seconds(), planned: per(now.planned, last.planned), started: per(now.started, last.started),
		ended: per(now.ended, last.ended), dropped: per(now.dropped, last.dropped), failed: per(now.failed, last.failed),
		retried: per(now.retried, last.retried), active: float64(r.counts.active.Load()),
		own: (now.cpu - last.cpu).Seconds() / passed, lag: math.NaN(), busy: math.NaN()}
	if now.all > last.all {
		t.busy = (now.used - last.used) / (now.all - last.all) * float64(runtime.NumCPU())
	}
	for i, h := range s.latency {
		t.p50[i], t.p99[i], t.stepFailed[i] = math.NaN(), math.NaN(), float64(s.failed[i])/passed
		if h != nil {
			q := h.Quantiles()
			t.p50[i], t.p99[i], t.count[i] = q.P50, q.P99, float64(q.Count)/passed
		}
	}
	snap := Snapshot{LagP99: math.NaN(), LagMax: math.NaN(), SwitchCPU: math.NaN()}
	if s.lag != nil {
		q := s.lag.Quantiles()
		t.lag, snap.LagP99, snap.LagMax = q.P99, q.P99, q.Max
	}
	if c.scrape != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 900*time.Millisecond)
		t.gauges, _ = c.scrape.look(ctx) // a switch that is down has no values
		cancel()
	}
	if r.proc != nil {
		if cpu, ok := r.proc.cpu(); ok {
			if cpu < c.switchSeen { // another process by now
				c.switchCPU += c.switchSeen - c.switchCPU0
				c.switchCPU0 = 0
			} else {
				snap.SwitchCPU = (cpu - c.switchSeen).Seconds() / passed
			}
			c.switchSeen = cpu
		}
	}
	c.mu.Lock()
	c.ticks = append(c.ticks, t)
	c.mu.Unlock()

	snap.At, snap.Length = now.at.Sub(r.began), r.Plan.Length()
	snap.Planned, snap.Started, snap.Ended, snap.Failed, snap.Dropped = now.planned, now.started, now.ended, now.failed, now.dropped
	snap.Active, snap.Retried, snap.Found = r.counts.active.Load(), now.retried, r.foundSum()
	snap.PlannedRate, snap.StartedRate, snap.EndedRate = t.planned, t.started, t.ended
	snap.AckP50, snap.AckP99, snap.ReactionP50, snap.ReactionP99 = t.p50[ack], t.p99[ack], t.p50[reaction], t.p99[reaction]
	snap.CreateP99, snap.OwnCPU = t.p99[create], t.own
	r.Progress(snap)
	return now
}

func (c *counts) droppedSum() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return sum(c.dropped)
}

func (r *run) foundSum() (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range r.found {
		n += v
	}
	return n
}

// missed ends the run if a threshold is missed and the plan wants that.
func (r *run) missed(abort func()) {
	grace := time.Duration(r.Plan.AbortAfter)
	if grace == 0 || time.Since(r.began) < grace {
		return
	}
	res := &report.Result{Latencies: r.meter.latencies()}
	res.Load.CallsDropped = map[string]int64{"": r.counts.droppedSum()}
	res.Load.CallsFailed, res.Load.CallsEnded = r.counts.failed.Load(), r.counts.ended.Load()
	res.Tester.Lag = r.meter.lag.Quantiles()
	for _, text := range r.Plan.Thresholds {
		t, err := ParseThreshold(text)
		if err != nil {
			continue // the plan was checked
		}
		if on := t.On(res); !on.OK {
			r.notes.add("The run was ended early: " + on.Expr + " was missed.")
			abort()
			return
		}
	}
}

func (c *clerk) mark(text string) {
	c.mu.Lock()
	c.marks = append(c.marks, report.Mark{At: time.Since(c.r.began).Seconds(), Text: text})
	c.mu.Unlock()
	c.r.Note(text)
}

func (c *clerk) kill() {
	c.mu.Lock()
	c.kills++
	c.mu.Unlock()
	c.mark("the switch is killed")
}

// end closes the books.
func (c *clerk) end() {
	close(c.stop)
	<-c.done
}

// switchUsed is the CPU of the switch over the measured part.
func (c *clerk) switchUsed() time.Duration { return c.switchCPU + c.switchSeen - c.switchCPU0 }

// series are the books as the report draws them.
func (c *clerk) series() report.Series {
	c.mu.Lock()
	defer c.mu.Unlock()
	var s report.Series
	for _, t := range c.ticks {
		s.Time = append(s.Time, t.at)
	}
	row := func(plot, name, unit string, of func(tick) float64) {
		line := report.Row{Plot: plot, Name: name, Unit: unit}
		some := false
		for _, t := range c.ticks {
			v := of(t)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				line.Values = append(line.Values, nil)
				continue
			}
			some = true
			line.Values = append(line.Values, &v)
		}
		if some {
			s.Rows = append(s.Rows, line)
		}
	}
	row("calls", "planned", "/s", func(t tick) float64 { return t.planned })
	row("calls", "started", "/s", func(t tick) float64 { return t.started })
	row("calls", "ended", "/s", func(t tick) float64 { return t.ended })
	row("calls", "dropped", "/s", func(t tick) float64 { return t.dropped })
	row("calls", "failed", "/s", func(t tick) float64 { return t.failed })
	row("calls at once", "at the carrier", "", func(t tick) float64 { return t.active })
	for _, plot := range []struct {
		name string
		of   []step
	}{{"acknowledgement", []step{ack}}, {"reaction", []step{reaction}},
		{"commands by step", []step{answer, transfer, recordStart, tell, reject}},
		{"requests of the marketplace", []step{create, read, extend, checkout}}} {
		for _, i := range plot.of {
			prefix := ""
			if len(plot.of) > 1 {
				prefix = steps[i].name + " "
			} else {
				row(plot.name, "p50", "s", func(t tick) float64 { return t.p50[i] })
			}
			row(plot.name, prefix+"p99", "s", func(t tick) float64 { return t.p99[i] })
		}
	}
	row("webhooks", "acknowledged", "/s", func(t tick) float64 { return t.count[ack] })
	row("webhooks", "not taken", "/s", func(t tick) float64 { return t.stepFailed[ack] })
	row("webhooks", "delivered again", "/s", func(t tick) float64 { return t.retried })
	row("requests", "create", "/s", func(t tick) float64 { return t.count[create] })
	row("requests", "close", "/s", func(t tick) float64 { return t.count[checkout] })
	row("requests", "failed", "/s", func(t tick) float64 {
		return t.stepFailed[create] + t.stepFailed[checkout] + t.stepFailed[read] + t.stepFailed[extend]
	})
	row("start later than due", "p99", "s", func(t tick) float64 { return t.lag })
	row("cores used", "tester", "cores", func(t tick) float64 { return t.own })
	row("cores used", "whole machine", "cores", func(t tick) float64 { return t.busy })
	for i, g := range gauges {
		n := len(s.Rows)
		row(g.plot, g.name, g.unit, func(t tick) float64 {
			if t.gauges == nil {
				return math.NaN()
			}
			return t.gauges[i]
		})
		if len(s.Rows) > n {
			s.Rows[n].Switch = true
		}
	}
	return s
}
