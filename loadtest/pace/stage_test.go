package pace

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestPlannedAndLength(t *testing.T) {
	stages := []Stage{{For: 20 * time.Second, From: 30, To: 30}, {For: 40 * time.Second, From: 30, To: 300, Burst: 7}, {For: time.Second}}
	if got := Planned(stages); got != 600+6600+7 {
		t.Errorf("planned %v, want 7207", got)
	}
	if got := Length(stages); got != 61*time.Second {
		t.Errorf("length %v, want 61s", got)
	}
	if got := New(stages, Poisson, 1).Length(); got != 61*time.Second {
		t.Errorf("length of the pace %v, want 61s", got)
	}
}

// A sum that is a little too large does not lead past the end of a stage, nor
// does one that is a little more than nothing where nothing arrives.
func TestAStageEndsAtItsEnd(t *testing.T) {
	for _, s := range []Stage{{For: 10 * time.Hour, From: 100}, {For: 10 * time.Hour, From: 100, To: 100}, {For: 10 * time.Hour, To: 100}, {For: time.Second}} {
		if got := s.after(s.area()*(1+1e-12) + 1e-13); got != s.For {
			t.Errorf("%+v is over after %v", s, got)
		}
		if got := s.after(0); got != 0 {
			t.Errorf("%+v begins after %v", s, got)
		}
	}
}

func TestFaultsOfStagesAreTold(t *testing.T) {
	s := time.Second
	for _, c := range []struct {
		stages []Stage
		want   []string // each in the text
		faults int
	}{
		{nil, nil, 0},
		{[]Stage{{For: s}, {For: 1, From: 1, To: Highest, Burst: 1}}, nil, 0},
		{[]Stage{{From: 1, To: 1}}, []string{"stage 1", "length is 0s", "such as 60s"}, 1},
		{[]Stage{{For: -s}}, []string{"length is -1s"}, 1},
		{[]Stage{{For: s, From: -1, To: 1}}, []string{"-1 at its begin", "from 0 to 1000000"}, 1},
		{[]Stage{{For: s, From: 1, To: -2}}, []string{"-2 at its end"}, 1},
		{[]Stage{{For: s, From: -1, To: -1}}, []string{"-1 at its begin"}, 1},
		{[]Stage{{For: s, From: math.NaN(), To: math.NaN()}}, []string{"NaN at its begin"}, 1},
		{[]Stage{{For: s, From: 1, To: math.NaN()}}, []string{"NaN at its end"}, 1},
		{[]Stage{{For: s, From: math.Inf(1), To: 1}}, []string{"+Inf at its begin"}, 1},
		{[]Stage{{For: s, From: 1, To: Highest + 1}}, []string{"at its end"}, 1},
		{[]Stage{{For: s, Burst: -1}}, []string{"burst is -1", "0 for no burst"}, 1},
		{[]Stage{{For: Longest}}, nil, 0},
		{[]Stage{{For: Longest}, {For: 1}, {For: math.MaxInt64}}, []string{"stage 2", "longer than 87600 hours"}, 1},
		{[]Stage{{For: math.MaxInt64}}, []string{"stage 1", "longer than 87600 hours"}, 1},
		{[]Stage{{For: -1, From: -1, To: -2}, {For: s}, {For: s, Burst: -4}}, []string{"stage 1", "-1 at its begin", "-2 at its end", "stage 3", "burst is -4"}, 4},
	} {
		err := Check(c.stages)
		if c.faults == 0 {
			if err != nil {
				t.Errorf("%+v is refused: %v", c.stages, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%+v passes", c.stages)
			continue
		}
		if n := len(strings.Split(err.Error(), "\n")); n != c.faults {
			t.Errorf("%+v: %d faults are told, want %d: %v", c.stages, n, c.faults, err)
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%+v: %v says nothing of %q", c.stages, err, w)
			}
		}
	}
}
