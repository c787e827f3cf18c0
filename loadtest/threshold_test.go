package loadtest

import (
	"testing"
	"time"

	"maskswitch/loadtest/report"
)

func TestThresholdsOnARun(t *testing.T) {
	r := &report.Result{
		Latencies: []report.Latency{{Step: "ack", Corrected: report.Quantiles{Count: 10, P50: .001, P99: .025, Max: 1}, Failed: 3}},
		Load:      report.Load{CallsDropped: map[string]int64{"a": 2, "b": 1}, CallsEnded: 200, CallsFailed: 10, Bookings: map[string]int64{"create exhausted": 4}, StartedRate: 90, PlannedRate: 100},
		Errors:    []report.Error{{Count: 5}, {Count: 7, Planned: true}},
		Found:     []report.Found{{Count: 1}, {Count: 2}},
		Tester:    report.Tester{Lag: report.Quantiles{Count: 1, P99: .002}, SwitchCPU: .4, CPUPerCall: .0005},
	}
	for _, c := range []struct {
		expr string
		ok   bool
	}{
		{"ack.p99<25ms", false}, {"ack.p99<=25ms", true}, {"ack.p99 < 25.1ms", true}, {"ack.p50<1us", false}, {"ack.max>=1s", true},
		{"ack.failed<3", false}, {"ack.count>9", true}, {"answer.p99<1ns", true}, {"answer.count>0", false},
		{"dropped<3", false}, {"dropped<4", true}, {"failed_share<.05", false}, {"failed_share<=.05", true}, {"failed<11", true},
		{"errors<=5", true}, {"findings<3", false}, {"exhausted<4", false}, {"started_share>.9", false}, {"started_share>=.9", true},
		{"lag.p99<2ms", false}, {"proccpu_per_call<=2ms", true}, {"cpu_per_call<.5ms", false},
	} {
		th, err := ParseThreshold(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if got := th.On(r); got.OK != c.ok {
			t.Errorf("%s is %v, with value %v", c.expr, got.OK, got.Value)
		}
	}
	th, err := ParseThreshold("answer.p99<1ns")
	if err != nil {
		t.Fatal(err)
	}
	if on := th.On(r); on.Value != nil {
		t.Errorf("a step that nothing happened in has the value %v", *on.Value)
	}
}

func TestSearchHalvesTheGap(t *testing.T) {
	for _, limit := range []float64{1, 3, 49, 50, 51, 437, 4999, 1e6} {
		s := Search{}
		if err := s.fill(); err != nil {
			t.Fatal(err)
		}
		var f Found
		runs := 0
		for rate := s.From; rate != 0; rate = s.next(f) {
			if runs++; runs > 40 {
				t.Fatalf("with a limit of %v the search does not end", limit)
			}
			if rate <= limit {
				f.Best = rate
			} else {
				f.Next = rate
			}
		}
		switch {
		case limit >= s.To:
			if f.Best != s.To || f.Next != 0 {
				t.Errorf("with no limit in reach: %+v", f)
			}
		case f.Best > limit || f.Next <= limit || (f.Next-f.Best > s.Precise*f.Best && f.Next-f.Best > 1):
			t.Errorf("with a limit of %v: %+v", limit, f)
		}
	}
	for _, bad := range []Search{{From: -1}, {From: 10, To: 5}, {Step: time.Millisecond}, {Precise: 2}, {Most: -1}} {
		if err := bad.fill(); err == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
