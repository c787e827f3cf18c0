package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskswitch/loadtest"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/report"
)

// These tests wait more than they work.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// whole keeps a test of whole runs at full rate away from the race detector,
// which would take the machine, so that it is measured and nothing else is.
// make test has a step of its own for them.
func whole(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("runs without the race detector: make whole")
	}
}

// call runs the program and gives what it wrote.
func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	files := make([]*os.File, 2)
	for i := range files {
		f, err := os.CreateTemp(t.TempDir(), "out")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	code = run(args, files[0], files[1])
	texts := make([]string, 2)
	for i, f := range files {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	return code, texts[0], texts[1]
}

// built makes a program of this module.
func built(t *testing.T, name string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), name)
	if text, err := exec.Command("go", "build", "-buildvcs=false", "-o", to, "maskswitch/cmd/"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return to
}

// One command gives a verdict on the switch of this checkout, and leaves a
// report that says the same.
func TestRunStartsTheSwitchAndJudgesIt(t *testing.T) {
	whole(t)
	t.Parallel()
	dir := t.TempDir()
	code, out, errs := call(t, "run", "smoke", "-switch", built(t, "maskswitch"), "-rate", "20", "-duration", "4s", "-out", dir, "-threshold", "failed<1")
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	r, err := report.Read(filepath.Join(dir, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.Exit != 0 || r.Load.CallsEnded < 40 || r.Load.CallsEnded != r.Load.CallsStarted || r.Tester.SwitchCPU <= 0 {
		t.Errorf("verdict %+v, load %+v, switch CPU %v", r.Verdict, r.Load, r.Tester.SwitchCPU)
	}
	if !strings.Contains(out, "PASSED") || !strings.Contains(out, filepath.Join(dir, "report.html")) {
		t.Errorf("the summary does not say so:\n%s", out)
	}
	own := make(map[string]bool)
	for _, row := range r.Series.Rows {
		own[row.Plot+": "+row.Name] = row.Switch
	}
	for _, name := range []string{
		"cores used: switch", "memory of the switch: resident", "goroutines of the switch: goroutines",
		"calls at once: as the switch counts", "webhooks: taken by the switch", "acknowledgement: p99 by the switch's own buckets",
		"reaction: p99 by the switch's own buckets", "journal of the switch: append p99", "mailboxes of the switch: wait p99",
		"commands of the switch: in flight", "commands of the switch: outcome not known", "commands of the switch: retries",
		"bookings: open, as the switch counts", "journal size of the switch: bytes on disk",
	} {
		if !own[name] {
			t.Errorf("%s: the switch's own figure is not in the report", name)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || len(page) < 50_000 {
		t.Errorf("report.html: %v, %d bytes", err, len(page))
	}
	if code, out, errs := call(t, "compare", filepath.Join(dir, "result.json"), filepath.Join(dir, "result.json")); code != 0 {
		t.Errorf("a run is worse than itself: %d\n%s%s", code, out, errs)
	}
}

// The switch is killed every second under everything that may go wrong at the
// carrier, and no promise is broken.
func TestKilledSwitchKeepsItsPromises(t *testing.T) {
	whole(t)
	t.Parallel()
	dir := t.TempDir()
	// A child of a shell, as that of go run: the kill must reach it.
	code, out, errs := call(t, "run", "duplicate-flood", "-switch", built(t, "maskswitch")+" & wait", "-rate", "30", "-duration", "8s", "-kill-every", "2s",
		"-out", dir, "-threshold", "dropped<1")
	if code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errs)
	}
	r, err := report.Read(filepath.Join(dir, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Load.Kills < 3 || len(r.Marks) < 2*r.Load.Kills || r.Load.CallsEnded != r.Load.CallsStarted || r.Load.Outcomes["talked"] < 50 {
		t.Errorf("%d kills, marks %v, load %+v", r.Load.Kills, r.Marks, r.Load)
	}
}

// A switch that ends by itself in the middle of a run has not passed.
func TestCrashOfTheSwitchIsFound(t *testing.T) {
	whole(t)
	t.Parallel()
	command := built(t, "maskswitch") + " & child=$!; sleep 4; kill -9 $child; wait $child"
	code, out, errs := call(t, "run", "smoke", "-switch", command, "-rate", "10", "-duration", "1m", "-out", t.TempDir())
	if code != loadtest.ExitWrong || !strings.Contains(out, "ended by itself") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}

func TestFindEndsAtWhatPasses(t *testing.T) {
	whole(t)
	t.Parallel()
	dir := t.TempDir()
	code, out, errs := call(t, "find", "smoke", "-switch", built(t, "maskswitch"), "-from", "5", "-to", "10", "-step", "1s", "-live", "20",
		"-out", dir, "-threshold", "started_share>0")
	if code != 0 || !strings.Contains(out, "10 calls/s pass") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
	for _, rate := range []string{"rate-5", "rate-10"} {
		if _, err := report.Read(filepath.Join(dir, rate, "result.json")); err != nil {
			t.Error(err)
		}
	}
	if code, out, _ := call(t, "find", "smoke", "-switch", built(t, "maskswitch"), "-from", "4", "-to", "4", "-step", "1s", "-live", "20",
		"-out", dir, "-threshold", "ack.p50<1ns"); code != loadtest.ExitMissed {
		t.Errorf("no rate passes, and the exit code is %d\n%s", code, out)
	}
}

func TestWrongUseIsExplained(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("calls: {stages: [{for: 5s, rate: x}]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "carrier.key")
	if err := os.WriteFile(key, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", 104, "loadtest run PLAN"},
		{"walk", 104, `no command "walk"`},
		{"-help", 0, ""},
		{"run -help", 0, ""},
		{"find -help", 0, ""},
		{"carrier -help", 0, ""},
		{"compare -help", 0, ""},
		{"run", 104, "one of smoke, steady"},
		{"run smoke", 104, "-switch"},
		{"run smok -target http://127.0.0.1:1", 104, "no plan \"smok\""},
		{"run nowhere.yaml -target http://127.0.0.1:1", 104, "cannot be read"},
		{"run " + broken + " -target http://127.0.0.1:1", 104, "cannot be read"},
		{"run smoke -rate -1 -target http://127.0.0.1:1", 104, "negative"},
		{"run morning-peak -duration 5s -target http://127.0.0.1:1", 104, "-duration needs -rate"},
		{"run smoke -threshold ack.p9<2ms -target http://127.0.0.1:1", 104, "QUANTILE"},
		{"run smoke -no-such-flag", 104, "not defined"},
		{"run smoke -target http://127.0.0.1:1 -carrier-key " + key, 104, "remove it"},
		{"run smoke -target http://127.0.0.1:1 -carrier 127.0.0.1:0 -carrier-key " + filepath.Join(t.TempDir(), "new.key"), 102, "is it running"},
		{"run smoke -target http://192.0.2.7 -carrier-key " + filepath.Join(t.TempDir(), "new.key"), 104, "-allow-remote 192.0.2.7"},
		{"find steady -rate 5 -switch true", 104, "-from, -to and -step"},
		{"compare one.json", 104, "two files"},
		{"compare " + broken + " " + broken, 104, broken},
		{"carrier -addr 0.0.0.0:1", 104, "stays on this machine"},
		{"plans nothing", 104, "no plan"},
	} {
		args := strings.Fields(c.args)
		if len(args) > 0 && args[0] == "run" && len(args) > 2 {
			args = append(args, "-out", t.TempDir())
		}
		code, out, errs := call(t, args...)
		if code != c.code || !strings.Contains(errs+out, c.want) {
			t.Errorf("loadtest %s: exit code %d, want %d\n%s%s", c.args, code, c.code, out, errs)
		}
		if c.code == 0 && !strings.Contains(out, "loadtest ") {
			t.Errorf("loadtest %s gives no help on standard output: %q", c.args, out)
		}
	}
}

func TestPlansAreListedAndShown(t *testing.T) {
	_, out, _ := call(t, "plans")
	for _, name := range loadtest.Presets() {
		if !strings.Contains(out, name) {
			t.Errorf("%s is not listed:\n%s", name, out)
		}
		_, text, _ := call(t, "plans", name)
		if _, err := loadtest.ParsePlan([]byte(text)); err != nil {
			t.Errorf("the text of %s cannot be run: %v", name, err)
		}
	}
}

// The key is made once, and only its owner may read it.
func TestCarrierKeyStays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "carrier.key")
	a, err := carrierKey(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := carrierKey(file)
	if err != nil || !a.Equal(b) {
		t.Errorf("the key changed: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info.Mode(), err)
	}
}

func TestCallsArePlacedByHTTP(t *testing.T) {
	heard := make(chan struct{}, 64)
	switched := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard <- struct{}{} }))
	defer switched.Close()
	fake := carrier.New(carrier.Config{WebhookURL: switched.URL})
	defer fake.Close()
	h := controls(fake)
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w
	}
	if w := ask("POST", "/calls", `{"from":"+13125550111","to":"+13125550199","callee":"busy","after":"2s"}`); w.Code != 201 || w.Header().Get("Location") != "/calls/1" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	select {
	case <-heard:
	case <-time.After(10 * time.Second):
		t.Fatal("no event came")
	}
	w := ask("GET", "/calls/1", "")
	if !strings.Contains(w.Body.String(), "call.initiated") || strings.Contains(w.Body.String(), "3125550111") {
		t.Errorf("the ladder: %s", w.Body)
	}
	if w := ask("GET", "/calls", ""); !strings.HasPrefix(w.Body.String(), "1\t") || strings.Contains(w.Body.String(), "3125550111") {
		t.Errorf("the list: %s", w.Body)
	}
	if w := ask("DELETE", "/calls/1", ""); w.Code != 204 {
		t.Errorf("hanging up: %d %s", w.Code, w.Body)
	}
	for body, want := range map[string]string{
		`{`: "the body must be", `{"from":"+13125550111"}`: "to is missing", `{"to":"+1","callee":"sings"}`: "rings out",
		`{"to":"+1","talk":"long"}`: "such as 2s", `{"too":"+1"}`: "unknown field",
	} {
		if w := ask("POST", "/calls", body); w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := ask("GET", "/calls/77", ""); w.Code != 404 {
		t.Errorf("a call that never was: %d", w.Code)
	}
}

func TestDisplayTellsTheRun(t *testing.T) {
	s := loadtest.Snapshot{At: 5 * time.Second, Length: 10 * time.Second, Planned: 500, Started: 499, Dropped: 1, AckP99: .0123, Found: 2}
	for name, text := range map[string]string{"line": line(s), "block": block(s)} {
		for _, want := range []string{"499", "12.3ms"} {
			if name == "line" && want == "499" {
				continue
			}
			if !strings.Contains(text, want) {
				t.Errorf("the %s says nothing of %s:\n%s", name, want, text)
			}
		}
		if strings.Contains(text, "\n\n") || !strings.Contains(strings.ToLower(text), "wrong") {
			t.Errorf("the %s:\n%s", name, text)
		}
	}
	if b, err := json.Marshal(quoted([]string{"run", "a b", "it's"})); err != nil || string(b) != `["run","'a b'","'it'\\''s'"]` {
		t.Errorf("quoted: %s %v", b, err)
	}
}
