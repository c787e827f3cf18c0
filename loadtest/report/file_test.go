package report

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// The files of testdata are what the generator makes. Elsewhere than on amd64
// the last bit of a logarithm may differ.
func TestSamples(t *testing.T) {
	for _, s := range samples {
		got := sample(t, s.name)
		if want := s.make(); runtime.GOARCH == "amd64" && !reflect.DeepEqual(got, canonical(t, want)) {
			t.Errorf("testdata/%s.json is not what its generator makes; go test -update writes it", s.name)
		}
	}
}

// canonical is a result as a file has it: null and empty are told apart there,
// and a time has no monotonic clock.
func canonical(t *testing.T, r *Result) *Result {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	out := new(Result)
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWriteAndRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	for _, s := range append(samples[:len(samples):len(samples)], samples[0]) { // each over the one before
		want := sample(t, s.name)
		if err := Write(dir, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(filepath.Join(dir, ResultFile))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read back it differs", s.name)
		}
		page, err := os.ReadFile(filepath.Join(dir, PageFile))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Page(got); err != nil || !bytes.Equal(page, again) {
			t.Errorf("%s: %s is not the page of the result: %v", s.name, PageFile, err)
		}
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 2 {
		t.Errorf("the folder has %v: %v", names, err)
	}
	for _, n := range names {
		if info, err := n.Info(); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s has mode %v: %v", n.Name(), info.Mode(), err)
		}
	}
}

// A reader that has the old file open goes on reading it, whole: the new one is
// another file.
func TestWriteReplacesAndDoesNotTouch(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, sample(t, "passed")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ResultFile, PageFile} {
		before, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(dir, sample(t, "wrong")); err != nil {
			t.Fatal(err)
		}
		after, err := os.Stat(filepath.Join(dir, name))
		if err != nil || os.SameFile(before, after) {
			t.Errorf("%s was written in place: %v", name, err)
		}
	}
}

func TestWriteSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(file, sample(t, "passed")); err == nil || !strings.Contains(err.Error(), "name another one") {
		t.Errorf("into a file: %v", err)
	}
	// A tester that counts wrong must not lose the run.
	bad := sample(t, "passed")
	bad.Load.CallsEnded = -1
	if err := Write(dir, bad); err == nil || !strings.Contains(err.Error(), "-1") {
		t.Errorf("a negative count: %v", err)
	}
	for _, name := range []string{ResultFile, PageFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s was not written: %v", name, err)
		}
	}
	bad.Tester.CPU = math.NaN()
	if err := Write(dir, bad); err == nil || !strings.Contains(err.Error(), "tester.cpu is NaN") {
		t.Errorf("no number: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "passed.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ story, text, want string }{
		{"nothing", "", "is empty"}, {"blanks", " \n", "is empty"},
		{"half", string(whole[:len(whole)/2]), "ends after"},
		{"all but the last brace", strings.TrimRight(string(whole), "}\n"), "ends after"},
		{"two", string(whole) + string(whole), "no JSON from byte"},
		{"a page", "<!doctype html>", "no JSON from byte 1 on"},
		{"another document", `{"a":1}`, "no schema"}, {"a list", `[]`, "another kind of value"},
		{"another schema", strings.Replace(string(whole), Schema, "maskswitch-loadtest/2", 1), "use the tester that wrote it"},
		{"a word for a number", strings.Replace(string(whole), `"exit":0`, `"exit":"0"`, 1), "verdict.exit is a string"},
		{"a fraction for a count", strings.Replace(string(whole), `"most_active":1230`, `"most_active":1.5`, 1), "load.most_active"},
		{"null", "null", "no schema"},
	} {
		path := filepath.Join(t.TempDir(), "x.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; want %q and the path", c.story, err, c.want)
		}
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Read("testdata/none.json"); err == nil || !strings.Contains(err.Error(), "name a result.json") {
		t.Errorf("no file: %v", err)
	}
}

// A later tester may add members.
func TestReadLeavesOutWhatItDoesNotKnow(t *testing.T) {
	r, err := parse([]byte(`{"schema":"` + Schema + `","verdict":{"word":"passed","new":[1]},"newer":{"a":null}}`))
	if err != nil || r.Verdict.Word != "passed" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestEveryFieldIsChecked(t *testing.T) {
	for _, c := range []struct {
		want   string
		damage func(*Result)
	}{
		{"schema", func(r *Result) { r.Schema = "" }},
		{"verdict.word", func(r *Result) { r.Verdict.Word = "" }},
		{"verdict.exit", func(r *Result) { r.Verdict.Exit = 256 }},
		{"with exit code 1", func(r *Result) { r.Verdict.Exit = 1 }},
		{"3 findings", func(r *Result) { r.Found[2].Count = 3 }},
		{"run.length", func(r *Result) { r.Run.Length = -1 }},
		{`threshold "dropped<1"`, func(r *Result) { r.Thresholds[0].Value = valued(math.Inf(1)) }},
		{"load counts -1", func(r *Result) { r.Load.CallsStarted = -1 }},
		{"load counts -2", func(r *Result) { r.Load.Kills = -2 }},
		{"planned_rate", func(r *Result) { r.Load.PlannedRate = math.NaN() }},
		{"started_rate", func(r *Result) { r.Load.StartedRate = -1 }},
		{`outcomes["talked"]`, func(r *Result) { r.Load.Outcomes["talked"] = -1 }},
		{"calls_dropped", func(r *Result) { r.Load.CallsDropped = map[string]int64{"x": -1} }},
		{"bookings", func(r *Result) { r.Load.Bookings = map[string]int64{"x": -1} }},
		{"webhooks", func(r *Result) { r.Load.Webhooks = map[string]int64{"x": -1} }},
		{"commands", func(r *Result) { r.Load.Commands = map[string]int64{"x": -1} }},
		{"twice", func(r *Result) { r.Latencies[1].Step = "ack" }},
		{"has no name", func(r *Result) { r.Latencies[1].Step = "" }},
		{"ack corrected falls", func(r *Result) { r.Latencies[0].Corrected.P90 = 1e-9 }},
		{"ack uncorrected falls", func(r *Result) { r.Latencies[0].Uncorrected.Max = 0 }},
		{"counts none", func(r *Result) { r.Latencies[0].Uncorrected.Count = 0 }},
		{"ack corrected is -1", func(r *Result) { r.Latencies[0].Corrected.Mean = -1 }},
		{"ack.failed", func(r *Result) { r.Latencies[0].Failed = -1 }},
		{"ack.hdr: no HdrHistogram", func(r *Result) { r.Latencies[0].HDR = "x" }},
		{"were counted", func(r *Result) { r.Latencies[0].HDR = r.Latencies[1].HDR }},
		{"ack.uncorrected_hdr", func(r *Result) { r.Latencies[0].UncorrectedHDR = r.Latencies[1].UncorrectedHDR }},
		{"ladder talks counts -1", func(r *Result) { r.Ladders[0].Calls = -1 }},
		{"ladder talks, A call.initiated", func(r *Result) { r.Ladders[0].Rungs[0].Unexpected = -1 }},
		{"error", func(r *Result) { r.Errors = []Error{{Count: -1}} }},
		{"objective", func(r *Result) { r.Budgets[0].Objective = 1.1 }},
		{"objective", func(r *Result) { r.Budgets[0].Good = r.Budgets[0].Total + 1 }},
		{"budget", func(r *Result) { r.Budgets[0].Good = -1 }},
		{"findings of", func(r *Result) { r.Found[0].Count = -1 }},
		{"instant of a finding", func(r *Result) { r.Findings = []Finding{{At: math.Inf(1)}} }},
		{"instant of a mark", func(r *Result) { r.Marks = []Mark{{At: math.NaN()}} }},
		{"does not rise", func(r *Result) { r.Series.Time[3] = r.Series.Time[2] }},
		{"series.time is NaN", func(r *Result) { r.Series.Time[0] = math.NaN() }},
		{"values for", func(r *Result) { r.Series.Rows[0].Values = r.Series.Rows[0].Values[1:] }},
		{`series "calls", "planned" is +Inf`, func(r *Result) { r.Series.Rows[0].Values[0] = valued(math.Inf(1)) }},
		{"rows of", func(r *Result) { r.Series.Rows = make([]Row, mostRows+1) }},
		{"latencies of", func(r *Result) { r.Latencies = make([]Latency, mostSteps+1) }},
		{"tester.cpu is", func(r *Result) { r.Tester.CPU = -1 }},
		{"tester.cpu_per_call", func(r *Result) { r.Tester.CPUPerCall = math.Inf(1) }},
		{"tester.cpu_share", func(r *Result) { r.Tester.CPUShare = -1 }},
		{"tester.busy", func(r *Result) { r.Tester.Busy = -1 }},
		{"tester.switch_cpu", func(r *Result) { r.Tester.SwitchCPU = -1 }},
		{"tester.lag", func(r *Result) { r.Tester.Lag.P50 = 9 }},
		{"machine.cores", func(r *Result) { r.Machine.Cores = -1 }},
		{"machine.memory", func(r *Result) { r.Machine.Memory = -1 }},
	} {
		r := sample(t, "passed")
		r.Latencies = r.Latencies[:2]
		c.damage(r)
		if err := r.check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.want, err)
		}
	}
}

// Whatever Read takes can be drawn, summed up and compared.
func FuzzParse(f *testing.F) {
	for _, s := range samples {
		text, err := os.ReadFile(filepath.Join("testdata", s.name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		if s.name == "interrupted" {
			f.Add(text)
		}
	}
	f.Add([]byte(`{"schema":"` + Schema + `","verdict":{"word":"passed"}}`))
	f.Add([]byte(`{"schema":"` + Schema + `","verdict":{"word":"x","exit":1},"latencies":[{"step":"ack","corrected":{"count":2048,"p50":1},"hdr":"` + fromAnother + `"}],"series":{"time":[1,2],"rows":[{"plot":"a","unit":"s","values":[null,0]}]}}`))
	other := sample(f, "passed")
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parse(text)
		if err != nil {
			return
		}
		if _, err := Page(r); err != nil {
			t.Errorf("no page: %v", err)
		}
		if Summary(r) == "" {
			t.Error("no summary")
		}
		if _, isWorse := Compare(r, r); isWorse {
			t.Error("worse than itself")
		}
		Compare(other, r)
		Compare(r, other)
	})
}
