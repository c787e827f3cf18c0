package pace

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Arrivals is how far arrivals are apart.
type Arrivals uint8

// People who know nothing of each other arrive as a Poisson process; Even keeps
// one distance, and is for finding out what the disorder of life costs.
const (
	Poisson Arrivals = iota
	Even
)

func (a Arrivals) String() string {
	if a == Even {
		return "even"
	}
	return "poisson"
}

// Pace gives the instants of arrivals, one after another. It is not safe for
// concurrent use. Its memory does not grow with the run.
type Pace struct {
	stages   []Stage // the present one and those to come
	length   time.Duration
	arrivals Arrivals
	dice     *rand.Rand
	slack    float64 // by how much sums may miss what they are on paper

	begin time.Duration // of the present stage
	burst int           // what is left of its burst
	spent float64       // of its area
	step  float64       // how much the area is to grow until the next arrival
	last  time.Duration
}

// stream keeps these draws apart from others that are made with the same seed.
const stream = 0x70616365 // "pace"

// New makes a Pace of stages that Check lets pass. Equal arguments give equal
// instants.
func New(stages []Stage, a Arrivals, seed uint64) *Pace {
	p := &Pace{stages: slices.Clone(stages), length: Length(stages), arrivals: a, dice: rand.New(rand.NewPCG(seed, stream)),
		slack: rounding * max(Planned(stages), 1)}
	if len(stages) > 0 {
		p.burst = stages[0].Burst
	}
	p.step = p.draw()
	return p
}

// Length is how long the stages take together: no arrival is later.
func (p *Pace) Length() time.Duration { return p.length }

// Next is the instant of the next arrival since the start of the run, never
// before the one before. It reports false when the last stage has no more.
func (p *Pace) Next() (at time.Duration, ok bool) {
	for ; len(p.stages) > 0; p.enter() {
		s := p.stages[0]
		if p.burst > 0 {
			p.burst--
			return p.at(p.begin), true
		}
		if next := p.spent + p.step; next <= s.area()+p.slack {
			p.spent = next
			p.step = p.draw()
			return p.at(p.begin + s.after(next)), true
		}
	}
	return 0, false
}

// rounding is by which share a sum of products may miss the whole number that it
// is on paper: ten arrivals a second for 0.3 s are three.
const rounding = 1e-12

// enter goes on to the next stage with what is left of the step.
func (p *Pace) enter() {
	s := p.stages[0]
	p.begin += s.For
	p.step = max(p.step-(s.area()-p.spent), 0)
	p.spent = 0
	if p.stages = p.stages[1:]; len(p.stages) > 0 {
		p.burst = p.stages[0].Burst
	}
}

func (p *Pace) draw() float64 {
	if p.arrivals == Even {
		return 1
	}
	return p.dice.ExpFloat64()
}

// at keeps the order where rounding would break it.
func (p *Pace) at(d time.Duration) time.Duration {
	p.last = max(p.last, d)
	return p.last
}
