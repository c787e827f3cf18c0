package app

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"maskswitch/actors/protocol"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// BenchmarkCall measures what a complete call (nine webhooks, three commands)
// costs the process that handles it, against a bare handler that verifies,
// parses and sends the commands, and keeps nothing. Each runs in a process of
// its own, so that its CPU is its own; the fake carrier runs in this one. The
// two take turns, and each at a stated rate, because idle wake-ups make a slow
// trickle dearer by the call than a stream.
//
//	go test ./cmd/internal/app -run xxx -bench BenchmarkCall -benchtime 1x
//
// With BENCH_PROFILE=FILE each process writes its CPU profile to FILE.bare and
// FILE.switch.
func BenchmarkCall(b *testing.B) {
	for _, rate := range []int{200, 500} {
		for _, kind := range []string{"bare", "switch"} {
			b.Run(fmt.Sprintf("%s/calls=%d", kind, rate), func(b *testing.B) {
				for b.Loop() {
					r := measure(b, kind, rate, 10*time.Second)
					b.ReportMetric(r.cpu.Seconds()*1e3/float64(r.calls), "cpu-ms/call")
					b.ReportMetric(r.cpu.Seconds()*1e6/float64(r.webhooks), "cpu-us/webhook")
					b.ReportMetric(ms(r.acks, 0.5), "ack-p50-ms")
					b.ReportMetric(ms(r.acks, 0.99), "ack-p99-ms")
					b.ReportMetric(ms(r.reactions, 0.5), "reaction-p50-ms")
					b.ReportMetric(ms(r.reactions, 0.99), "reaction-p99-ms")
					b.ReportMetric(float64(r.calls), "calls")
				}
			})
		}
	}
}

type measured struct {
	cpu             time.Duration
	calls, webhooks int
	acks, reactions []time.Duration // as the carrier sees them
}

func ms(d []time.Duration, q float64) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(int(q*float64(len(d))), len(d)-1)].Seconds() * 1e3
}

const benchPairs = 200

func measure(b *testing.B, kind string, rate int, length time.Duration) measured {
	fake := carrier.New(carrier.Config{APIKey: "bench", Timing: carrier.Timing{Save: 50 * time.Millisecond}})
	defer fake.Close()
	if err := fake.Start(); err != nil {
		b.Fatal(err)
	}
	child := startChild(b, kind, fake)
	fake.SetWebhookURL(child.url + "/webhooks/voice")
	numbers := child.prepare(b)
	script := party.Script{After: 60 * time.Millisecond, Talk: 500 * time.Millisecond}
	dial := func(i int) *carrier.Call {
		return fake.PlaceCall(benchGuest(i%benchPairs), numbers[i%benchPairs], script)
	}
	run := func(calls int) []*carrier.Call {
		placed := make([]*carrier.Call, calls)
		began := time.Now()
		for i := range placed {
			time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
			placed[i] = dial(i)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, call := range placed {
			if err := call.Wait(ctx); err != nil {
				b.Fatalf("a call did not end:\n%s", call.Ladder())
			}
		}
		return placed
	}
	for _, call := range run(rate) { // warm up
		fake.Forget(call)
	}
	before := child.cpu(b)
	placed := run(rate * int(length/time.Second))
	r := measured{cpu: child.cpu(b) - before, calls: len(placed)}
	for _, call := range placed {
		l := call.Ledger()
		if !l.Talked() || l.Effects("record_start") != 1 {
			b.Fatalf("a call went wrong:\n%s", call.Ladder())
		}
		r.add(l)
	}
	return r
}

// add takes acknowledgements, and the time from each of the three events to the
// command that it must cause.
func (r *measured) add(l carrier.Ledger) {
	for _, ev := range l.Events {
		for _, d := range ev.Deliveries {
			r.webhooks++
			r.acks = append(r.acks, d.Took)
		}
	}
	for _, c := range l.Commands {
		leg, kind := "A", map[string]string{"answer": "call.initiated", "transfer": "call.answered", "record_start": "call.answered"}[c.Action]
		if c.Action == "record_start" {
			leg = "B"
		}
		if ev, ok := l.Event(leg, kind); ok && len(ev.Deliveries) > 0 {
			r.reactions = append(r.reactions, c.At.Sub(ev.Deliveries[0].Sent))
		}
	}
}

func benchGuest(i int) string { return fmt.Sprintf("+1312555%04d", i) }
func benchHost(i int) string  { return fmt.Sprintf("+1773555%04d", i) }

// A child is the process under measurement.
type child struct {
	cmd       *exec.Cmd
	kind, url string
}

const childEnv = "MASKSWITCH_BENCH_CHILD"

func startChild(b *testing.B, kind string, fake *carrier.Carrier) *child {
	args := []string{"-test.run=^TestBenchChild$", "-test.count=1"}
	if to := os.Getenv("BENCH_PROFILE"); to != "" {
		args = append(args, "-test.cpuprofile="+to+"."+kind)
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"="+kind,
		"TELNYX_API_KEY=bench", "TELNYX_BASE_URL="+fake.BaseURL(), "TELNYX_PUBLIC_KEY="+fake.PublicKey(),
		"PORT=0", "ADMIN_ADDR=127.0.0.1:0", "LOG_LEVEL=info", "DATA_DIR="+b.TempDir())
	stdin, err := cmd.StdinPipe() // the child ends when this does
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = io.Discard
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatalf("the child does not start: %v", err)
	}
	return &child{cmd, kind, strings.TrimSpace(line)}
}

// prepare fills the pool and opens bookings; it returns what each guest dials.
// The bare handler knows no bookings: its guests dial what they like.
func (c *child) prepare(b *testing.B) []string {
	numbers := make([]string, benchPairs)
	if c.kind == "bare" {
		for i := range numbers {
			numbers[i] = "+14155550100"
		}
		return numbers
	}
	post := func(path, body string) []byte {
		answer, err := http.Post(c.url+path, "application/json", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s", path, text)
		}
		return text
	}
	post("/pool", `{"numbers":["+14155550100","+14155550101","+14155550102"]}`)
	for i := range numbers {
		var lent struct {
			Proxy string `json:"proxy_number"`
		}
		text := post("/bookings", fmt.Sprintf(`{"party_a":%q,"party_b":%q}`, benchGuest(i), benchHost(i)))
		if err := json.Unmarshal(text, &lent); err != nil {
			b.Fatal(err)
		}
		numbers[i] = lent.Proxy
	}
	return numbers
}

// cpu is what the child has used so far, user and system.
func (c *child) cpu(b *testing.B) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		b.Skipf("no CPU accounting on this system: %v", err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // the kernel's tick for this file
}

// TestBenchChild is the process under measurement, when it is started as one.
func TestBenchChild(t *testing.T) {
	kind := os.Getenv(childEnv)
	if kind == "" {
		t.Skip("not a test: the process that BenchmarkCall measures")
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if kind == "bare" {
		runBare(t, ctx)
		return
	}
	c, err := Load(nil, os.LookupEnv, "", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(ctx, c, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}
	fmt.Println(a.URL())
	<-ctx.Done()
	if err := a.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// runBare is the handler to measure against: with the standard library it
// verifies and parses a webhook, acknowledges it, and sends the command that
// follows. It keeps nothing, knows nobody, and does not notice what comes twice.
func runBare(t *testing.T, ctx context.Context) {
	key, err := base64.StdEncoding.DecodeString(os.Getenv("TELNYX_PUBLIC_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}, Timeout: 5 * time.Second}
	base, secret := os.Getenv("TELNYX_BASE_URL"), os.Getenv("TELNYX_API_KEY")
	var flying sync.WaitGroup
	send := func(leg, action string, body map[string]string) {
		flying.Go(func() {
			body["command_id"] = protocol.CommandID(protocol.LegID(leg), action)
			text, _ := json.Marshal(body)
			r, err := http.NewRequest("POST", base+"/calls/"+url.PathEscape(leg)+"/actions/"+action, bytes.NewReader(text))
			if err != nil {
				return
			}
			r.Header.Set("Authorization", "Bearer "+secret)
			r.Header.Set("Content-Type", "application/json")
			if answer, err := client.Do(r); err == nil {
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
		})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhooks/voice", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		signature, err2 := base64.StdEncoding.DecodeString(r.Header.Get("telnyx-signature-ed25519"))
		signed := append([]byte(r.Header.Get("telnyx-timestamp")+"|"), body...)
		if err != nil || err2 != nil || !ed25519.Verify(key, signed, signature) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var ev struct {
			Data struct {
				EventType string `json:"event_type"`
				Payload   struct {
					Leg       string `json:"call_control_id"`
					State     string `json:"client_state"`
					Direction string `json:"direction"`
				} `json:"payload"`
			} `json:"data"`
		}
		if err := json.Unmarshal(body, &ev); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		const stateA, stateB = "YQ==", "Yg=="
		switch leg := ev.Data.Payload; {
		case ev.Data.EventType == "call.initiated" && leg.Direction == "incoming":
			send(leg.Leg, "answer", map[string]string{"client_state": stateA})
		case ev.Data.EventType == "call.answered" && leg.State == stateA:
			send(leg.Leg, "transfer", map[string]string{
				"to": "+17735550100", "from": "+14155550100", "client_state": stateA, "target_leg_client_state": stateB,
			})
		case ev.Data.EventType == "call.answered" && leg.State == stateB:
			send(leg.Leg, "record_start", map[string]string{"format": "mp3", "channels": "dual"})
		}
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	})
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(at) }()
	fmt.Println("http://" + at.Addr().String())
	<-ctx.Done()
	_ = server.Close()
	flying.Wait()
}
