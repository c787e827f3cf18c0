package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"maskswitch/actors/journal/sqlite"
	"maskswitch/loadtest/carrier"
)

// program runs Main in a folder of its own, in an environment without settings.
type program struct {
	t         *testing.T
	out, errs *os.File
}

func newProgram(t *testing.T) *program {
	t.Helper()
	for _, s := range settings {
		t.Setenv(s.env, "")
	}
	// The message is said even if it is blank, that is, not at all.
	t.Setenv("UNREACHABLE_MESSAGE", "Nobody is there.")
	t.Setenv("DATABASE_URL", "")
	dir := t.TempDir()
	t.Chdir(dir)
	p := &program{t: t}
	for name, f := range map[string]**os.File{"out": &p.out, "errs": &p.errs} {
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		*f = file
	}
	return p
}

func (p *program) text(f *os.File) string {
	p.t.Helper()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func TestMainExits(t *testing.T) {
	busy := t.TempDir()
	store, err := sqlite.Open(t.Context(), busy)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, c := range []struct {
		args      string
		code      int
		out, errs string // what must be said there; empty: nothing
	}{
		{"-help", 0, "TELNYX_API_KEY", ""},
		{"-version", 0, "maskswitch ", ""},
		{"-version -port x", 0, "maskswitch ", ""}, // an answer is due all the same
		{"", 2, "", "TELNYX_API_KEY: required"},
		{"-port x -log-level y", 2, "", "LOG_LEVEL"},
		{"-prot 1", 2, "", "-help lists the flags"},
		{"-demo -calls 1 -data-dir " + busy, 1, "", "in use by another process"},
		{"-demo -calls 1", 0, "1 calls; ", ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			p := newProgram(t)
			if code := Main(strings.Fields(c.args), p.out, p.errs); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for where, says := range map[string][2]string{"out": {p.text(p.out), c.out}, "errs": {p.text(p.errs), c.errs}} {
				if !strings.Contains(says[0], says[1]) || says[1] == "" && says[0] != "" {
					t.Errorf("%s has %q, want %q", where, says[0], says[1])
				}
			}
			if left, _ := filepath.Glob("*"); len(left) != 2 {
				t.Errorf("it leaves %v behind", left)
			}
		})
	}
}

// The program serves until SIGTERM, and says in its log where, and what it
// warns of; its settings come from .env here.
func TestMainServes(t *testing.T) {
	p := newProgram(t)
	fake := carrier.New(carrier.Config{APIKey: "hunter2"})
	defer fake.Close()
	if err := fake.Start(); err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		os.Unsetenv(s.env) // newProgram puts them back in the end
	}
	file := strings.Join([]string{"TELNYX_API_KEY=hunter2", "TELNYX_BASE_URL=" + fake.BaseURL(), "PORT=0", "ADMIN_ADDR=127.0.0.1:0"}, "\n")
	if err := os.WriteFile(".env", []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() { ended <- Main(nil, p.out, p.errs) }()

	said := func(what string) map[string]string {
		for line := range bytes.Lines([]byte(p.text(p.errs))) {
			said := map[string]string{}
			if json.Unmarshal(line, &said) == nil && said["msg"] == what {
				return said
			}
		}
		return nil
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for said("serving") == nil {
		select {
		case <-tick.C:
		case code := <-ended:
			t.Fatalf("it ended with %d:\n%s", code, p.text(p.errs))
		case <-deadline:
			t.Fatalf("it does not serve:\n%s", p.text(p.errs))
		}
	}
	where := said("serving")
	for _, url := range []string{where["admin"] + "/readyz", where["api"] + "/health"} {
		if status := get(t, url); status != 200 {
			t.Errorf("%s is %d", url, status)
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
	case <-deadline:
		t.Fatal("SIGTERM does not end it")
	}
	log := p.text(p.errs)
	for _, word := range []string{"every webhook is refused", "loopback only", "stopping: calls go on"} {
		if !strings.Contains(log, word) {
			t.Errorf("the log does not say %q:\n%s", word, log)
		}
	}
	if strings.Contains(log, "hunter2") || p.text(p.out) != "" {
		t.Errorf("it says too much:\n%s%s", p.text(p.out), log)
	}
	store, err := sqlite.Open(t.Context(), "data")
	if err != nil {
		t.Errorf("the store is not free: %v", err)
	} else {
		store.Close()
	}
}

func get(t *testing.T, url string) int {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}
