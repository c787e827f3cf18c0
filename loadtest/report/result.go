package report

import "time"

// Schema names the form of result.json. A change that an older reader would
// misunderstand gets a new number.
const Schema = "maskswitch-loadtest/1"

// Result is all that one run has to say: result.json is this, and the page and
// the summary are drawn from it alone. All durations are in seconds.
type Result struct {
	Schema     string      `json:"schema"`
	Run        Run         `json:"run"`
	Verdict    Verdict     `json:"verdict"`
	Thresholds []Threshold `json:"thresholds"`
	Load       Load        `json:"load"`
	Latencies  []Latency   `json:"latencies"`
	Ladders    []Ladder    `json:"ladders"`
	Errors     []Error     `json:"errors"`
	Budgets    []Budget    `json:"budgets"`
	Found      []Found     `json:"found"`    // every kind that was looked for, those with 0 too
	Findings   []Finding   `json:"findings"` // some of each kind, told in full
	Series     Series      `json:"series"`
	Marks      []Mark      `json:"marks"`
	Tester     Tester      `json:"tester"`
	Machine    Machine     `json:"machine"`
	Notes      []string    `json:"notes"` // what a reader should know: not checked, not offered by the switch
}

// Run says what was run.
type Run struct {
	ID       string    `json:"id"`
	Plan     string    `json:"plan"`      // its name
	PlanText string    `json:"plan_text"` // the plan as it was run, YAML
	Seed     uint64    `json:"seed"`
	Started  time.Time `json:"started"`
	Length   float64   `json:"length"` // of the measured part, without warm-up and drain
	Target   string    `json:"target"`
	Switch   string    `json:"switch,omitempty"` // the command that started it
	Command  string    `json:"command"`          // that started the tester
	Version  string    `json:"version"`          // of the tester
}

// Verdict is the first thing to read.
type Verdict struct {
	Exit    int      `json:"exit"`
	Word    string   `json:"word"`    // "passed", "wrong behaviour", "threshold missed", "interrupted", "switch unreachable"
	Reasons []string `json:"reasons"` // a sentence each
	// TesterLimit: the tester was late or the machine full, so that speed
	// measured here is the tester's as much as the switch's.
	TesterLimit bool `json:"tester_limit"`
}

// Threshold is one condition on a figure of the run.
type Threshold struct {
	Expr  string   `json:"expr"`  // "ack.p99<25ms"
	Value *float64 `json:"value"` // in seconds, or a count, or a ratio; null: there was nothing to measure
	Unit  string   `json:"unit"`  // "s", "" for counts and ratios
	OK    bool     `json:"ok"`
}

// Load is offered against achieved.
type Load struct {
	CallsPlanned int64            `json:"calls_planned"` // by the plan's rate and length
	CallsStarted int64            `json:"calls_started"`
	CallsDropped map[string]int64 `json:"calls_dropped"` // by reason; never delayed silently
	CallsEnded   int64            `json:"calls_ended"`
	CallsFailed  int64            `json:"calls_failed"` // did not go as planned, under a fault that excuses it
	PlannedRate  float64          `json:"planned_rate"` // calls/s over the measured part
	StartedRate  float64          `json:"started_rate"`
	MostActive   int64            `json:"most_active"` // calls at once
	Outcomes     map[string]int64 `json:"outcomes"`    // "talked", "busy", "refused: stranger", …
	Bookings     map[string]int64 `json:"bookings"`    // requests by "create ok", "create refused", "close ok", …
	Webhooks     map[string]int64 `json:"webhooks"`    // deliveries by "accepted", "retried", "given up", "duplicate", …
	Commands     map[string]int64 `json:"commands"`    // by action, and "repeat", "refused", "fault"
	Kills        int              `json:"kills"`       // of the switch
}

// Latency is one step of one leg, or one request. Successes only; what failed
// is counted apart. Corrected time runs from the instant at which the step was
// due by the plan, Uncorrected from when the tester really began.
type Latency struct {
	Step        string    `json:"step"`  // "ack", "answer", "transfer", "record_start", "create", …
	Title       string    `json:"title"` // "webhook sent → acknowledged"
	Corrected   Quantiles `json:"corrected"`
	Uncorrected Quantiles `json:"uncorrected"`
	Failed      int64     `json:"failed"`
	// HDR is the corrected histogram in microseconds, HdrHistogram V2
	// compressed, base64.
	HDR string `json:"hdr"`
	// UncorrectedHDR is the same of Uncorrected; empty: only its quantiles are
	// known.
	UncorrectedHDR string `json:"uncorrected_hdr,omitempty"`
}

// Quantiles of a histogram, in seconds.
type Quantiles struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

// Ladder is what went over the wire for all calls of one script, step by step.
type Ladder struct {
	Script string `json:"script"`
	Calls  int64  `json:"calls"`
	Rungs  []Rung `json:"rungs"`
}

// Rung is one step. Of an event, Sent counts deliveries and Received those that
// were taken; of a command, Sent is 0 and Received counts requests.
type Rung struct {
	Step       string `json:"step"`    // "A call.initiated", "answer A"
	Command    bool   `json:"command"` // the switch speaks
	Sent       int64  `json:"sent"`
	Received   int64  `json:"received"`
	Duplicate  int64  `json:"duplicate"` // copies and redeliveries of an event, repeats of a command
	Late       int64  `json:"late"`      // taken, or asked, later than the limit
	Missing    int64  `json:"missing"`   // calls in which it had to come and did not
	Unexpected int64  `json:"unexpected"`
}

// Error is one kind of failure of the wire, by how it looked.
type Error struct {
	Where string `json:"where"` // "webhook", "command transfer", "POST /bookings"
	What  string `json:"what"`  // "503", "timeout", "connection refused"
	Count int64  `json:"count"`
	// Planned: a fault that the tester made itself.
	Planned bool `json:"planned"`
}

// Budget is a service level objective over this run.
type Budget struct {
	Name      string  `json:"name"`
	Objective float64 `json:"objective"` // 0.999
	Good      int64   `json:"good"`
	Total     int64   `json:"total"`
}

// Found counts one kind of wrong behaviour.
type Found struct {
	Kind  string `json:"kind"`  // "stranger_connected"
	Title string `json:"title"` // "somebody was connected who has no booking"
	Count int64  `json:"count"`
}

// Finding is one wrong behaviour with its evidence. Numbers in it are masked.
type Finding struct {
	Kind    string  `json:"kind"`
	Call    uint64  `json:"call,omitempty"` // as the carrier counts
	Booking string  `json:"booking,omitempty"`
	At      float64 `json:"at"`   // seconds since the start
	Text    string  `json:"text"` // what was expected, and what happened
	Ladder  string  `json:"ladder,omitempty"`
}

// Series are values second by second; a null is a second without a value.
type Series struct {
	Time []float64 `json:"time"` // seconds since the start
	Rows []Row     `json:"rows"`
}

// Row is one line of a plot. Rows of one Plot are drawn together.
type Row struct {
	Plot   string     `json:"plot"` // "calls", "acknowledgement", "reaction", "create", "tester", "switch cpu", …
	Name   string     `json:"name"`
	Unit   string     `json:"unit"`             // "s", "/s", "", "cores", "bytes"
	Switch bool       `json:"switch,omitempty"` // from the switch's own metrics
	Values []*float64 `json:"values"`
}

// Mark is an instant to draw as a vertical line: a kill, a fault that begins.
type Mark struct {
	At   float64 `json:"at"`
	Text string  `json:"text"`
}

// Tester is how the tester itself did.
type Tester struct {
	CPU        float64   `json:"cpu"`          // seconds of CPU in the measured part, user and system
	CPUPerCall float64   `json:"cpu_per_call"` // seconds, over the calls that ended in the measured part
	CPUShare   float64   `json:"cpu_share"`    // of all cores
	Busy       float64   `json:"busy"`         // share of the machine that anybody used; 0: not known here
	Lag        Quantiles `json:"lag"`          // start later than due
	SwitchCPU  float64   `json:"switch_cpu"`   // seconds of CPU of the switch in the measured part; 0: not known
	Reasons    []string  `json:"reasons"`      // why it was the limit, if it was
}

// Machine is where it ran.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory"` // bytes
	OS     string `json:"os"`
	Go     string `json:"go"`
}
