package stack

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// image is the file system of the image, as the Dockerfile makes it.
type image struct {
	*testing.T
	root string
	user uint32
	env  []string
}

// build runs the Dockerfile's own build command and lays out what it copies.
func build(t *testing.T) *image {
	t.Helper()
	if os.Geteuid() != 0 {
		const why = "only root may give a process another root and another user"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	user, err := strconv.ParseUint(inDockerfile(t, `(?m)^USER (\d+):\d+$`), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	i := &image{T: t, root: t.TempDir(), user: uint32(user)}
	// Others have to be able to enter it.
	for dir := i.root; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(i.root, "maskswitch")
	command := strings.Replace(inDockerfile(t, `RUN (CGO_ENABLED=0 go build .*?) \\\n`), "/out/maskswitch", binary, 1)
	make := exec.Command("sh", "-c", command)
	make.Dir = "../.."
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	for _, dir := range []string{"data", "tmp"} {
		path := filepath.Join(i.root, dir)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, int(i.user), int(i.user)); err != nil {
			t.Fatal(err)
		}
	}
	i.env = strings.Fields(inDockerfile(t, `(?m)^ENV (.*)$`))
	return i
}

// start runs a program of the image in it, as its user.
func (i *image) start(out io.Writer, environment []string, args ...string) *exec.Cmd {
	i.Helper()
	c := &exec.Cmd{
		Path: args[0], Args: args, Dir: "/", Env: append(append([]string(nil), i.env...), environment...), Stdout: out, Stderr: out,
		SysProcAttr: &syscall.SysProcAttr{Chroot: i.root, Credential: &syscall.Credential{Uid: i.user, Gid: i.user}},
	}
	if err := c.Start(); err != nil {
		i.Fatal(err)
	}
	return c
}

// log is what a process says.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is what was said so far.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// until waits for a condition, and says what it waited for.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("after a minute still not: %s", what)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// The image's program is static, runs without rights in a root that has nothing
// else, refuses to be public without keys, keeps what it is told, is found healthy
// by the image's own check, and stops when it is asked to. Prometheus, started with
// the arguments of compose.yml, scrapes it and evaluates the rules.
func TestTheStackRuns(t *testing.T) {
	i := build(t)
	isStatic(t, filepath.Join(i.root, "maskswitch"))

	settings := composed(t).Services["switch"].Environment
	carrier := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"data":[],"meta":{"total_pages":1}}`)
	}))
	defer carrier.Close()
	api, admin := free(t), free(t)
	settings["PORT"], settings["ADMIN_ADDR"] = port(api), settings["ADMIN_ADDR"][:strings.LastIndex(settings["ADMIN_ADDR"], ":")+1]+port(admin)
	settings["TELNYX_API_KEY"], settings["TELNYX_BASE_URL"] = "KEY", carrier.URL
	environment := func() (list []string) {
		for name, value := range settings {
			list = append(list, name+"="+value)
		}
		return list
	}

	var refused log
	if err := i.start(&refused, environment(), "/maskswitch").Wait(); err == nil || !strings.Contains(refused.String(), "API_KEYS") {
		t.Fatalf("public and without keys: %v\n%s", err, refused.String())
	}

	settings["API_KEYS"] = "shop:a-long-enough-secret-0123456789"
	var said log
	sw := i.start(&said, environment(), "/maskswitch")
	defer func() {
		_ = sw.Process.Kill()
		if t.Failed() {
			t.Log(said.String())
		}
	}()
	var check []string
	if err := json.Unmarshal([]byte(inDockerfile(t, `(?m)^HEALTHCHECK .* CMD (\[.*\])$`)), &check); err != nil {
		t.Fatal(err)
	}
	until(t, "the health check passes", func() bool { return i.start(io.Discard, environment(), check...).Wait() == nil })
	added := post(t, "http://"+api+"/pool", `{"numbers":["+13125550199"]}`)
	if !strings.Contains(added, `"status":"added"`) {
		t.Errorf("POST /pool: %s", added)
	}
	if s := said.String(); !strings.Contains(s, `"msg":"serving"`) {
		t.Errorf("the log is not JSON, or has no serving line:\n%s", s)
	}

	scrape(t, admin)

	if err := sw.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := sw.Wait(); err != nil {
		t.Errorf("it was asked to stop: %v", err)
	}
	if err := i.start(io.Discard, environment(), check...).Wait(); err == nil {
		t.Error("the health check passes though nothing runs")
	}
}

func isStatic(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program needs a dynamic linker, and the image has none")
		}
	}
}

// scrape has Prometheus run as compose.yml runs it.
func scrape(t *testing.T, admin string) {
	t.Helper()
	prometheus := need(t, "prometheus", "PROMETHEUS", "apt-get install prometheus")
	dir, listen := t.TempDir(), free(t)
	alerts, err := filepath.Abs("../alerts")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("switch:5001", admin, "/etc/prometheus/alerts", alerts, "15s", "1s").Replace(string(raw))
	path := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool := need(t, "promtool", "PROMTOOL", "apt-get install prometheus")
	if out, err := exec.Command(promtool, "check", "config", path).CombinedOutput(); err != nil {
		t.Fatalf("promtool check config: %v\n%s", err, out)
	}
	args := []string{"--web.listen-address=" + listen}
	for _, arg := range composed(t).Services["prometheus"].Command {
		arg = strings.Replace(arg, "/etc/prometheus/prometheus.yml", path, 1)
		args = append(args, strings.Replace(arg, "=/prometheus", "="+filepath.Join(dir, "series"), 1))
	}
	var said log
	server := exec.Command(prometheus, args...)
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	}()
	first := func(query string) string {
		res, err := http.Get("http://" + listen + "/api/v1/query?query=" + query)
		if err != nil {
			return ""
		}
		defer res.Body.Close()
		var answer struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if json.NewDecoder(res.Body).Decode(&answer) != nil || len(answer.Data.Result) == 0 {
			return ""
		}
		return fmt.Sprint(answer.Data.Result[0].Value[1])
	}
	until(t, "Prometheus scrapes the switch", func() bool { return first(`up{job="maskswitch"}`) == "1" })
	until(t, "the switch's figures are there", func() bool {
		return first(`sum(maskswitch_pool_numbers{job="maskswitch",state="serving"})`) == "1"
	})
	res, err := http.Get("http://" + listen + "/api/v1/rules")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var rules struct {
		Data struct{ Groups []struct{ Name string } }
	}
	if err := json.NewDecoder(res.Body).Decode(&rules); err != nil || len(rules.Data.Groups) == 0 {
		t.Errorf("Prometheus has %d groups of rules, %v", len(rules.Data.Groups), err)
	}
}

func post(t *testing.T, url, body string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer a-long-enough-secret-0123456789")
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(said))
}

// free is an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func port(address string) string { return address[strings.LastIndex(address, ":")+1:] }
