package app_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"maskswitch/cmd/internal/app"
	"maskswitch/loadtest/carrier"
)

// killChild tells the test binary that it is the switch that is killed.
const killChild = "MASKSWITCH_KILL_CHILD"

// TestKillChild is the switch that TestKilledAtAnyInstant kills, when it is
// started as one. It lives until its standard input ends, so that it cannot
// outlive who started it.
func TestKillChild(t *testing.T) {
	if os.Getenv(killChild) == "" {
		t.Skip("not a test: the process that TestKilledAtAnyInstant kills")
	}
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), os.Stderr, zap.WarnLevel))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	c, err := app.Load(nil, os.LookupEnv, "", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(ctx, c, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}
	fmt.Println(ready)
	<-ctx.Done()
	if err := a.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}

const ready = "ready"

// home is where all lives of the switch are lived: one address, one store.
type home struct {
	url, dir, log string
	env           []string
}

func newHome(t *testing.T, dice *rand.Rand, fake *carrier.Carrier) *home {
	dir := t.TempDir()
	port := freePort(t, dice)
	h := &home{
		url: "http://127.0.0.1:" + port,
		dir: filepath.Join(dir, "data"),
		log: filepath.Join(dir, "log"),
	}
	h.env = append(os.Environ(), killChild+"=1",
		"TELNYX_API_KEY="+carrierKey, "TELNYX_BASE_URL="+fake.BaseURL(), "TELNYX_PUBLIC_KEY="+fake.PublicKey(),
		"HOST=127.0.0.1", "PORT="+port, "ADMIN_ADDR=127.0.0.1:0", "DATA_DIR="+h.dir, "RING_TIMEOUT=5s",
		"RECORDING_HOSTS="+fake.URL())
	fake.SetWebhookURL(h.url + "/webhooks/voice")
	return h
}

// freePort finds one below the range that connections take theirs from: between
// two lives, somebody's connection could otherwise be given the port, or even
// reach itself on it.
func freePort(t *testing.T, dice *rand.Rand) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + dice.IntN(10_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// life is one process of the switch.
type life struct {
	home  *home
	cmd   *exec.Cmd
	stdin io.Closer
	lines chan string // what it says; closed when it says no more
}

// begin starts a life. It ends with the test at the latest.
func (h *home) begin(t *testing.T) *life {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$", "-test.count=1")
	cmd.Env = h.env
	log, err := os.OpenFile(h.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l := &life{home: h, cmd: cmd, stdin: stdin, lines: make(chan string, 64)}
	go func() {
		defer close(l.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			l.lines <- s.Text()
		}
	}()
	t.Cleanup(func() { _ = l.kill() })
	return l
}

// ready waits until the switch has recovered and opened its doors.
func (l *life) ready(ctx context.Context) error {
	said := []string{}
	for {
		select {
		case line, ok := <-l.lines:
			if !ok {
				return fmt.Errorf("the switch ended by itself: %s", strings.Join(said, "\n"))
			}
			if said = append(said, line); line == ready {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("the switch is not ready: %w", ctx.Err())
		}
	}
}

// kill ends a life without warning. An error says that it was over before.
func (l *life) kill() error {
	if err := l.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	if err := l.wait(); !killed(err) {
		return fmt.Errorf("the switch ended by itself: %w", err)
	}
	return nil
}

func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// stop ends a life in order.
func (l *life) stop(patience time.Duration) error {
	_ = l.stdin.Close()
	late := time.AfterFunc(patience, func() { _ = l.cmd.Process.Kill() })
	defer late.Stop()
	return l.wait()
}

func (l *life) wait() error {
	for range l.lines { // Wait closes the pipe, and what is left in it would be lost
	}
	return l.cmd.Wait()
}

// complaints are the lines of the log that no life should write, the first of
// them.
func (h *home) complaints(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(h.log)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		bad := strings.Contains(line, `"level":"error"`) || strings.Contains(line, "DATA RACE") ||
			strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:")
		if bad && len(found) < 10 {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
