package report

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files and samples anew")

// samples are three runs as they happen. The generator is deterministic; the
// files of testdata are what it makes.
var samples = []struct {
	name string
	make func() *Result
}{{"passed", passed}, {"wrong", wrongRun}, {"interrupted", interrupted}}

const minute = 60

// steps of the samples: typical time, spread of its logarithm, calls of each.
var sampleSteps = []struct {
	step, title  string
	median, wide float64
	perCall      float64
}{
	{"ack", "webhook sent → acknowledged", .0011, .45, 9.1},
	{"reaction", "event sent → the command that it asks for, all kinds", .0019, .5, 2.6},
	{"answer", "leg A rings → answer", .0021, .45, .97},
	{"reject", "leg A rings → reject", .0008, .4, .03},
	{"transfer", "leg A answered → transfer", .0018, .45, .96},
	{"record_start", "leg B answered → record_start", .0016, .45, .61},
	{"tell", "leg B failed → the caller is told or released", .0017, .5, .22},
	{"post_dial", "A dials → B rings, carrier's part included", .031, .12, .95},
	{"create", "POST /bookings", .0034, .55, .04},
	{"repeat", "POST /bookings again", .0007, .4, .002},
	{"read", "GET /bookings/{id}", .0005, .4, .008},
	{"close", "DELETE /bookings/{id}", .0031, .5, .02},
}

// lognormal is a time of the usual shape, with one in some thousands that waits
// for a collection of garbage or a flush.
func lognormal(rng *rand.Rand, median, wide float64) time.Duration {
	v := median * math.Exp(wide*rng.NormFloat64())
	if rng.Float64() < .002 {
		v += .004 * rng.ExpFloat64()
	}
	return time.Duration(v * float64(time.Second))
}

func base(name string, seed uint64) *Result {
	return &Result{
		Schema: Schema,
		Run: Run{ID: "3f9c01b2aa", Plan: name, PlanText: planText(name, seed), Seed: seed, Started: time.Date(2026, 8, 24, 3, 0, 12, 0, time.UTC),
			Length: minute, Target: "http://127.0.0.1:41873", Switch: "./bin/maskswitch", Command: "loadtest run " + name + " -switch ./bin/maskswitch",
			Version: "v0.4.0"},
		Verdict: Verdict{Exit: 0, Word: "passed", Reasons: []string{"30012 calls went as planned, and no threshold was missed"}},
		Machine: Machine{CPU: "Example 9000 2-Core Processor @ 2.60GHz", Cores: 2, Memory: 8 << 30, OS: "linux/amd64 6.1.0", Go: "go1.26.0"},
		Found:   foundList(),
	}
}

func planText(name string, seed uint64) string {
	return fmt.Sprintf(`name: %s
seed: %d
warmup: 10s
calls:
    arrivals: poisson
    stages:
        - for: 1m0s
          rate: 500
numbers: 400
population:
    hosts: 4000
    guests: 40000
    host_skew: 0.8
people:
    mix: brief
    strangers: 0.01
thresholds:
    - dropped<1
    - ack.p99<25ms
`, name, seed)
}

func foundList() []Found {
	var all []Found
	for _, f := range [][2]string{
		{"wrong_person", "somebody was connected to the wrong person"}, {"stranger_connected", "somebody was connected who has no booking"},
		{"number_seen", "a party saw the number of the other"}, {"number_leaked", "a private number stands in a command"},
		{"double_transfer", "one call was transferred twice"}, {"party_refused", "a party of a live booking was refused"},
		{"never_ended", "a call never ended"}, {"left_in_silence", "a caller was left in silence"},
		{"no_recording", "a conversation was not recorded"}, {"recording_altered", "a recording differs from the carrier's"},
		{"number_twice", "one number was given twice for a party"}, {"booking_lost", "an acknowledged booking is gone"},
		{"repeat_differs", "the same request got another answer"}, {"stray_command", "a command for a leg that the carrier never gave out"},
	} {
		all = append(all, Found{Kind: f[0], Title: f[1]})
	}
	return all
}

// measured fills latencies and series of a run of some seconds. slow says how
// many times longer all takes in a second; up whether the switch was.
func measured(r *Result, rng *rand.Rand, seconds int, callRate float64, slow func(second int) float64, up func(int) bool) {
	type sums struct{ corrected, uncorrected *Histogram }
	all := make([]sums, len(sampleSteps))
	failed := make([]int64, len(sampleSteps))
	for i := range all {
		all[i] = sums{NewHistogram(), NewHistogram()}
	}
	rows := map[string]*Row{}
	put := func(plot, name, unit string, own bool, v float64) {
		key := plot + "\x00" + name
		if rows[key] == nil {
			rows[key] = &Row{Plot: plot, Name: name, Unit: unit, Switch: own}
			r.Series.Rows = append(r.Series.Rows, Row{Plot: plot, Name: name})
		}
		row := rows[key]
		if math.IsNaN(v) {
			row.Values = append(row.Values, nil)
		} else {
			row.Values = append(row.Values, &v)
		}
	}
	lag := NewHistogram()
	journal, total := 4e6, 0.0
	for second := range seconds {
		r.Series.Time = append(r.Series.Time, float64(second+1)+.0004*rng.Float64())
		n := callRate + math.Sqrt(callRate)*rng.NormFloat64()
		total += n
		factor, alive := slow(second), up(second)
		gone := math.NaN()
		put("calls", "planned", "/s", false, callRate)
		put("calls", "started", "/s", false, n)
		ended := n * min(1, float64(second)/12)
		if !alive {
			ended *= .3
		}
		put("calls", "ended", "/s", false, ended)
		put("calls", "dropped", "/s", false, 0)
		put("calls", "failed", "/s", false, map[bool]float64{true: 0, false: math.Round(.04 * n)}[alive])
		put("calls at once", "at the carrier", "", false, math.Round(callRate*min(float64(second+1), 12)))
		put("calls at once", "as the switch counts", "", true, or(alive, math.Round(callRate*min(float64(second+1), 12)*.98), gone))
		for i, s := range sampleSteps {
			brief, times := NewBrief(), int(n*s.perCall+rng.Float64())
			if !alive {
				failed[i] += int64(times)
				times = 0
			}
			for range times {
				took := lognormal(rng, s.median*factor, s.wide)
				all[i].uncorrected.Record(took)
				switch { // what was due while the tester was behind
				case factor > 5:
					took += time.Duration(rng.ExpFloat64() * float64(150*time.Millisecond))
				case rng.Float64() < .02:
					took += time.Duration(rng.ExpFloat64() * float64(3*time.Millisecond))
				}
				all[i].corrected.Record(took)
				brief.Record(took)
			}
			q := brief.Quantiles()
			p50, p99 := or(times > 0, q.P50, gone), or(times > 0, q.P99, gone)
			switch s.step {
			case "ack":
				put("acknowledgement", "p50", "s", false, p50)
				put("acknowledgement", "p99", "s", false, p99)
				put("acknowledgement", "p99 by the switch's own buckets", "s", true, p99*.8)
				put("webhooks", "acknowledged", "/s", false, float64(times))
				put("webhooks", "not taken", "/s", false, or(alive, 0, n*s.perCall))
			case "reaction":
				put("reaction", "p50", "s", false, p50)
				put("reaction", "p99", "s", false, p99)
			case "answer", "transfer", "record_start", "tell", "reject":
				put("commands by step", s.step+" p99", "s", false, p99)
			case "create", "close", "read":
				put("requests of the marketplace", s.step+" p99", "s", false, p99)
				put("requests", s.step, "/s", false, float64(times))
			}
		}
		late := time.Duration(rng.ExpFloat64() * float64(400*time.Microsecond))
		for range int(n / 8) {
			lag.Record(late + time.Duration(rng.ExpFloat64()*float64(300*time.Microsecond)))
		}
		put("start later than due", "p99", "s", false, late.Seconds()+.0012)
		put("cores used", "tester", "cores", false, .55+.03*rng.NormFloat64())
		put("cores used", "whole machine", "cores", false, 1.35+.05*rng.NormFloat64())
		put("cores used", "switch", "cores", true, or(alive, .62*min(factor, 1.4)+.02*rng.NormFloat64(), gone))
		put("memory of the switch", "resident", "bytes", true, or(alive, 61e6+2e5*float64(second), gone))
		put("goroutines of the switch", "goroutines", "", true, or(alive, math.Round(64+8*rng.Float64()), gone))
		put("journal of the switch", "append p99", "s", true, or(alive, .0021*factor, gone))
		journal += n * 2200
		put("journal size of the switch", "bytes on disk", "bytes", true, or(alive, journal, gone))
		put("bookings", "open, as the switch counts", "", true, or(alive, 5000+20*rng.NormFloat64(), gone))
	}
	for i, placeholder := range r.Series.Rows {
		r.Series.Rows[i] = *rows[placeholder.Plot+"\x00"+placeholder.Name]
	}
	for i, s := range sampleSteps {
		r.Latencies = append(r.Latencies, Latency{Step: s.step, Title: s.title, Corrected: all[i].corrected.Quantiles(),
			Uncorrected: all[i].uncorrected.Quantiles(), Failed: failed[i], HDR: all[i].corrected.Encode(), UncorrectedHDR: all[i].uncorrected.Encode()})
	}
	r.Tester = Tester{CPU: .55 * float64(seconds), CPUPerCall: .55 * float64(seconds) / total, CPUShare: .275, Busy: .68, Lag: lag.Quantiles(), SwitchCPU: .62 * float64(seconds)}
	n := int64(math.Round(total))
	r.Load.CallsStarted, r.Load.CallsPlanned, r.Load.CallsEnded = n, n, n
	r.Load.PlannedRate, r.Load.StartedRate, r.Load.MostActive = callRate, total/float64(seconds), int64(callRate*12.3)
	r.Run.Length = float64(seconds)
}

func or(ok bool, yes, no float64) float64 {
	if ok {
		return yes
	}
	return no
}

func always(int) bool { return true }

func valued(v float64) *float64 { return &v }

func passed() *Result {
	r := base("steady", 7)
	rng := rand.New(rand.NewPCG(7, 7))
	measured(r, rng, minute, 100, func(second int) float64 { return or(second == 31, 2.2, 1) }, always)
	r.Verdict.Reasons = []string{fmt.Sprintf("%d calls went as planned, and no threshold was missed", r.Load.CallsEnded)}
	n := r.Load.CallsEnded
	r.Load.CallsDropped = map[string]int64{}
	r.Load.Outcomes = map[string]int64{"talked": n * 61 / 100, "busy": n * 8 / 100, "no answer": n * 12 / 100, "declined": n * 6 / 100,
		"left while ringing": n * 9 / 100, "refused: stranger": n / 100, "refused: withheld": n / 100, "refused: late": n / 100}
	r.Load.Bookings = map[string]int64{"create ok": 240, "repeat ok": 12, "read ok": 48, "close ok": 120}
	r.Load.Webhooks = map[string]int64{"delivered": 54621, "taken": 54621, "delivered again": 0, "refused for good": 0, "given up": 0, "lost on purpose": 0}
	r.Load.Commands = map[string]int64{"answer": 5820, "transfer": 5760, "record_start": 3660, "reject": 180, "speak": 1320, "hangup": 1320}
	r.Thresholds = []Threshold{{Expr: "dropped<1", Value: valued(0), OK: true}, {Expr: "failed<1", Value: valued(0), OK: true},
		{Expr: "ack.p99<25ms", Value: valued(r.Latencies[0].Corrected.P99), Unit: "s", OK: true},
		{Expr: "extend.p99<50ms", Unit: "s", OK: true}, {Expr: "failed_share<0.01", Value: valued(0), OK: true}}
	r.Budgets = []Budget{{"webhooks answered 2xx", .9995, 54621, 54621}, {"webhooks answered within 250 ms", .999, 54621, 54621},
		{"commands sent within 50 ms", .99, 15590, 15600}, {"calls not lost", .995, n, n}, {"bookings opened", .999, 240, 240}}
	r.Ladders = []Ladder{{"talks", n * 61 / 100, talkRungs(n*61/100, 0, 0)}, {"rings out", n * 12 / 100, talkRungs(n*12/100, 0, 0)[:6]}}
	r.Notes = []string{"The switch has no PATCH /bookings/{id}: extending was not tested."}
	return r
}

func talkRungs(n, repeated, missing int64) []Rung {
	event := func(step string) Rung {
		return Rung{Step: step, Sent: n + repeated, Received: n + repeated, Duplicate: repeated, Late: repeated / 3}
	}
	command := func(step string) Rung {
		return Rung{Step: step, Command: true, Received: n + repeated/2, Duplicate: repeated / 2}
	}
	rungs := []Rung{event("A call.initiated"), command("answer A"), event("A call.answered"), command("transfer to B"), event("B call.initiated"),
		event("B call.answered"), command("record_start B"), event("B call.bridged"), event("A call.hangup"), event("B call.hangup"), event("B call.recording.saved")}
	rungs[6].Missing, rungs[6].Received = missing, rungs[6].Received-missing
	if missing > 0 {
		rungs[3].Unexpected = 1
	}
	return rungs
}

// wrongRun has kills, findings, a machine too small, and texts from the wire
// that would like to be markup.
func wrongRun() *Result {
	r := base("carrier-outage", 20260824)
	rng := rand.New(rand.NewPCG(3, 9))
	up := func(second int) bool { return second%20 < 18 || second < 18 }
	measured(r, rng, 90, 50, func(second int) float64 { return or(second%20 < 3 && second > 20, 40, 1.4) }, up)
	n := r.Load.CallsEnded
	r.Run.Command = `loadtest run carrier-outage -switch './bin/maskswitch # </script><script>boom()</script>' -kill-every 20s`
	r.Run.PlanText += "kill_every: 20s\nabout: <b>bold</b> & </script><script>boom()</script>\n"
	r.Load.CallsDropped = map[string]int64{"no live booking to call": 31, "too many calls at once": 4}
	r.Load.CallsFailed, r.Load.Kills = 143, 4
	r.Load.Outcomes = map[string]int64{"talked": n * 55 / 100, "busy": n * 9 / 100, "failed: switch down": 143, "a very long outcome that somebody gave a name which does not end for quite a while": 3}
	r.Load.Bookings = map[string]int64{"create ok": 860, "create refused": 14, "create repeated after connection refused": 22, "close ok": 410, "read dropped": 2}
	r.Load.Webhooks = map[string]int64{"delivered": 42100, "taken": 39650, "delivered again": 2450, "refused for good": 0, "given up": 9, "lost on purpose": 120}
	r.Load.Commands = map[string]int64{"answer": 4400, "transfer": 4310, "repeat": 412, "refused": 19, "fault": 1733}
	r.Marks = []Mark{{10, "half of all commands answer 503"}, {25, "end of: half of all commands answer 503"}, {38.2, "the switch is killed"},
		{39.9, "the switch is back </script><script>boom()</script>"}, {58.1, "the switch is killed"}, {55, "20 commands a second and no more"}, {78.3, "the switch is killed"}}
	found := map[string]int64{"stranger_connected": 1, "no_recording": 12, "never_ended": 2}
	for i, f := range r.Found {
		r.Found[i].Count = found[f.Kind]
	}
	ladder := "            A +13***11                  switch +13***99                          B +17***22\n" +
		"     +0 ms  dials                     ▶ call.initiated (2 copies)\n     +3 ms                            ◀ answer\n" +
		"  +4060 ms                              call.answered                          ◀ answers\n  <script>boom()</script> </pre></script>\n"
	r.Findings = []Finding{
		{Kind: "never_ended", Call: 902, Booking: "lt-3f9c01b2aa-17", At: 41.2, Text: "the last event came 20 s before the end of the run; its legs are still up", Ladder: ladder},
		{Kind: "no_recording", Call: 311, Booking: "lt-3f9c01b2aa-9", At: 22.75, Text: "talked for 6.2 s and no recording was asked for"},
		{Kind: "no_recording", Call: 312, Booking: "lt-3f9c01b2aa-10", At: 22.91, Text: "talked for 3.1 s and no recording was asked for"},
		{Kind: "stranger_connected", Call: 77, At: 3.04, Text: "+13125550111 has no booking on +13125550199, and was connected to <script>boom()</script>\nwanted: reject\ngot: answer, transfer", Ladder: ladder},
	}
	r.Errors = []Error{
		{"webhook", "connection refused", 2280, true}, {"command transfer", "503 10037", 911, true}, {"webhook", "timeout", 170, false},
		{"POST /bookings", `500 {"error":"<script>boom()</script> +13125550111"}`, 3, false}, {"command answer", "cut", 25, true},
	}
	r.Thresholds = []Threshold{{Expr: "dropped<1", Value: valued(35)}, {Expr: "failed_share<0.25", Value: valued(143 / float64(n)), OK: true},
		{Expr: "ack.p99<250ms", Value: valued(r.Latencies[0].Corrected.P99), Unit: "s", OK: true}}
	r.Budgets = []Budget{{"webhooks answered 2xx", .9995, 39650, 42100}, {"commands sent within 50 ms", .99, 11410, 11500}, {"calls not lost", .995, n - 143, n}, {"bookings opened", 1, 860, 874}}
	r.Ladders = []Ladder{{"talks", n * 55 / 100, talkRungs(n*55/100, 310, 12)}, {"declines <script>boom()</script>", 240, talkRungs(240, 11, 0)[:6]}}
	r.Tester.Reasons = []string{"calls were started late: p99 41 ms after they were due", "the machine was full: 99 % of all cores were in use, 48 % by the tester"}
	r.Tester.CPUShare, r.Tester.Busy = .48, .99
	r.Tester.Lag = Quantiles{Count: 4533, Mean: .0041, P50: .0012, P90: .0093, P99: .041, P999: .0622, Max: .0714}
	r.Verdict = Verdict{Exit: 1, Word: "wrong behaviour", TesterLimit: true, Reasons: []string{"a conversation was not recorded: 12 times", "a call never ended: 2 times",
		"somebody was connected who has no booking: 1 times", "missed: dropped<1, it was 35"}}
	for _, why := range r.Tester.Reasons {
		r.Verdict.Reasons = append(r.Verdict.Reasons, "the tester was the limit: "+why)
	}
	r.Notes = []string{"2 calls had not ended 20s after the last one began.", "The switch had 3 live bookings before the run, which are not the run's."}
	return r
}

// interrupted ended before anything came back: all is null that can be.
func interrupted() *Result {
	r := base("smoke", 1)
	r.Run.Length = .8
	r.Run.Switch, r.Run.Target = "", "http://127.0.0.1:5000"
	r.Verdict = Verdict{Exit: 105, Word: "interrupted", Reasons: []string{"the run was interrupted; what it has seen is a part"}}
	r.Load = Load{CallsPlanned: 4, CallsStarted: 4, PlannedRate: 20, StartedRate: 5, MostActive: 4}
	r.Thresholds = []Threshold{{Expr: "ack.p99<25ms", Unit: "s", OK: true}}
	r.Budgets = []Budget{{"webhooks answered 2xx", .9995, 0, 0}}
	r.Latencies = []Latency{{Step: "ack", Title: "webhook sent → acknowledged", Failed: 9, HDR: NewHistogram().Encode()}}
	r.Series = Series{Time: []float64{.8}, Rows: []Row{{Plot: "calls", Name: "planned", Unit: "/s", Values: []*float64{valued(20)}},
		{Plot: "acknowledgement", Name: "p50", Unit: "s", Values: []*float64{nil}}}}
	r.Machine = Machine{Cores: 2, OS: "linux/arm64", Go: "go1.26.0"}
	return r
}

// sample reads a file of testdata; with -update it is made anew.
func sample(t testing.TB, name string) *Result {
	t.Helper()
	path := filepath.Join("testdata", name+".json")
	if *update {
		for _, s := range samples {
			if s.name == name {
				text, err := json.Marshal(s.make())
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if _, ok := kept[name]; !ok || *update {
		if _, err := Read(path); err != nil {
			t.Fatalf("%v (go test -run TestSamples -update makes it)", err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kept[name] = text
	}
	r := new(Result)
	if err := json.Unmarshal(kept[name], r); err != nil {
		t.Fatal(err)
	}
	return r
}

// kept are the samples that were read and checked once: all of a check is
// decoding histograms. Each test gets a copy of its own.
var kept = map[string][]byte{}

// golden holds text against a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; if that is meant, go test -update writes it. Got:\n%.3000s", path, got)
	}
}
