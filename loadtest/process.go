package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a switch that the tester started, in a process group of its own:
// a command such as "go run" has children, and a kill must reach them.
type process struct {
	command string
	env     []string
	dir     string // its data, kept over kills and removed at the end
	log     *os.File
	target  string // http://127.0.0.1:PORT
	admin   string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when the present cmd has ended
	ending bool          // by us
}

// newProcess prepares a switch: addresses that are free now, a directory of its
// own, and a log beside the report.
func newProcess(command, out string) (*process, error) {
	p := &process{command: command}
	var err error
	if p.dir, err = os.MkdirTemp("", "loadtest-switch-"); err != nil {
		return nil, err
	}
	if p.log, err = os.Create(filepath.Join(out, "switch.log")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.dir))
	}
	addresses := make([]string, 2)
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		defer l.Close() // both are held until both are known
		addresses[i] = l.Addr().String()
	}
	p.target, p.admin = "http://"+addresses[0], "http://"+addresses[1]
	_, port, _ := net.SplitHostPort(addresses[0])
	p.env = []string{"HOST=127.0.0.1", "PORT=" + port, "ADMIN_ADDR=" + addresses[1], "DATA_DIR=" + p.dir}
	return p, nil
}

// wire tells the switch where the carrier is.
func (p *process) wire(base, apiKey, publicKey string) {
	p.env = append(p.env, "TELNYX_BASE_URL="+base, "TELNYX_API_KEY="+apiKey, "TELNYX_PUBLIC_KEY="+publicKey)
}

// set gives the switch further settings.
func (p *process) set(settings ...string) { p.env = append(p.env, settings...) }

// start runs the command and returns when the switch is ready. A first start
// may have to compile.
func (p *process) start(ctx context.Context, patience time.Duration) error {
	cmd := exec.Command("sh", "-c", "exec "+p.command)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.command, err)
	}
	exited := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.exited, p.ending = cmd, exited, false
	p.mu.Unlock()
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for beat := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-exited:
			beat.Stop()
			return fmt.Errorf("%s ended before it was ready: %s\n%s", p.command, cmd.ProcessState, p.tail())
		case <-ctx.Done():
			beat.Stop()
			return fmt.Errorf("%s was not ready within %v\n%s", p.command, patience, p.tail())
		case <-beat.C:
			if ready(ctx, p.target, p.admin) {
				beat.Stop()
				return nil
			}
		}
	}
}

// ready asks the operators' listener, and where there is none the REST
// interface.
func ready(ctx context.Context, target, admin string) bool {
	status := func(url string) int {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return 0
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if admin != "" {
		if s := status(admin + "/readyz"); s != 0 && s != http.StatusNotFound {
			return s == http.StatusOK
		}
	}
	return status(target+"/health") == http.StatusOK
}

// kill ends the switch as a crash of the machine would, and waits for the end.
func (p *process) kill() { p.signal(syscall.SIGKILL, 10*time.Second) }

// stop asks it to end, and kills it if it does not.
func (p *process) stop() {
	if !p.signal(syscall.SIGTERM, 20*time.Second) {
		p.kill()
	}
}

func (p *process) signal(s syscall.Signal, patience time.Duration) (ended bool) {
	p.mu.Lock()
	cmd, exited := p.cmd, p.exited
	p.ending = true
	p.mu.Unlock()
	if cmd == nil {
		return true
	}
	signalGroup(cmd.Process.Pid, s)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-exited:
		signalGroup(cmd.Process.Pid, syscall.SIGKILL) // children that outlived their parent
		awaitGroup(cmd.Process.Pid, groupPatience)
		return true
	case <-timer.C:
		return false
	}
}

// groupPatience is for children that die after their parent, with the switch's
// ports and its directory in their hands.
const groupPatience = 5 * time.Second

// awaitGroup waits until nothing of a process group runs, or patience has passed.
func awaitGroup(pid int, patience time.Duration) {
	for end := time.Now().Add(patience); groupLives(pid) && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // the kernel tells nobody of it but the parent
	}
}

// crashed says how the switch ended that nobody had asked to end; empty: it
// runs.
func (p *process) crashed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.exited:
		if !p.ending {
			return fmt.Sprintf("the switch ended by itself: %s\n%s", p.cmd.ProcessState, p.tail())
		}
	default:
	}
	return ""
}

// cpu is what the switch has used since it last started.
func (p *process) cpu() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || p.cmd.Process == nil {
		return 0, false
	}
	return treeCPU(p.cmd.Process.Pid)
}

func (p *process) close() error {
	return errors.Join(p.log.Close(), os.RemoveAll(p.dir))
}

// tail is the end of the switch's log, for an error.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

func makeDir(dir string) error { return os.MkdirAll(dir, 0o755) }
