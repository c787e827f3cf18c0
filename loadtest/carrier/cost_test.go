//go:build unix

package carrier

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

// BenchmarkCost is what a complete call (nine webhooks, three commands, one
// recording) costs the carrier in CPU. The switch that it talks to is a small
// handler in a process of its own, so that all CPU of this one is the
// carrier's, with its share of the kernel and the collector.
//
//	go test ./loadtest/carrier -run xxx -bench BenchmarkCost -benchtime 1x
func BenchmarkCost(b *testing.B) {
	for _, rate := range []int{200, 500} {
		b.Run(fmt.Sprintf("calls=%d", rate), func(b *testing.B) {
			clerk := &benchClerk{ended: make(chan struct{}, 1<<14)}
			c := New(Config{APIKey: "bench", Timing: Timing{Save: 50 * time.Millisecond}, Observer: clerk})
			defer c.Close()
			if err := c.Start(); err != nil {
				b.Fatal(err)
			}
			clerk.carrier = c
			c.SetWebhookURL(startSmallSwitch(b, c.BaseURL()) + "/webhooks/voice")
			clerk.play(b, rate, 2*rate) // connections, heap and kernel warm up
			const seconds = 5
			for b.Loop() {
				before := ownCPU(b)
				clerk.play(b, rate, seconds*rate)
				used := ownCPU(b) - before
				b.ReportMetric(used.Seconds()*1e6/float64(seconds*rate), "cpu-us/call")
				slices.Sort(clerk.acks)
				b.ReportMetric(clerk.acks[len(clerk.acks)*99/100].Seconds()*1e3, "ack-p99-ms")
			}
		})
	}
}

// benchClerk does what the one who runs a test must do: it reads the ledger of
// each call that ended and has the call forgotten.
type benchClerk struct {
	carrier *Carrier
	ended   chan struct{}

	mu    sync.Mutex
	acks  []time.Duration
	wrong string
}

func (*benchClerk) Delivered(*Call, string, string, Delivery) {}
func (*benchClerk) Commanded(*Call, Command, Reaction)        {}

func (e *benchClerk) Ended(k *Call) {
	l := k.Ledger()
	e.mu.Lock()
	if !l.Talked() || l.Effects("record_start") != 1 || len(l.Events) != 9 {
		e.wrong = l.Ladder()
	}
	for _, ev := range l.Events {
		e.acks = append(e.acks, ev.Deliveries[0].Took)
	}
	e.mu.Unlock()
	e.carrier.Forget(k)
	e.ended <- struct{}{}
}

// play places calls at a constant rate and waits for their end.
func (e *benchClerk) play(b *testing.B, rate, calls int) {
	b.Helper()
	e.acks = e.acks[:0]
	script := party.Script{After: 60 * time.Millisecond, Talk: 500 * time.Millisecond}
	began := time.Now()
	for i := range calls {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due))
		e.carrier.Place(Placement{From: fmt.Sprintf("+1312555%04d", i%10_000), To: proxy, Script: script, Due: due})
	}
	late := time.After(30 * time.Second)
	for range calls {
		select {
		case <-e.ended:
		case <-late:
			b.Fatalf("%d calls did not end", e.carrier.Live())
		}
	}
	if e.wrong != "" {
		b.Fatalf("a call went wrong; if it is full of \"late\", the machine is too busy to measure on:\n%s", e.wrong)
	}
}

// ownCPU is what this process has used so far, user and system.
func ownCPU(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const smallSwitchEnv = "CARRIER_BENCH_API"

// startSmallSwitch starts this test binary again, as the switch.
func startSmallSwitch(b *testing.B, api string) string {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSmallSwitch$", "-test.count=1")
	cmd.Env = append(os.Environ(), smallSwitchEnv+"="+api)
	stdin, err := cmd.StdinPipe() // it ends when this does
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatalf("the switch does not start: %v", err)
	}
	return strings.TrimSpace(line)
}

// TestSmallSwitch is the switch of BenchmarkCost, when it is started as one. It
// verifies nothing and keeps nothing: it answers, transfers and records.
func TestSmallSwitch(t *testing.T) {
	api := os.Getenv(smallSwitchEnv)
	if api == "" {
		t.Skip("not a test: the process that BenchmarkCost talks to")
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}, Timeout: 5 * time.Second}
	var flying sync.WaitGroup
	send := func(leg, action, body string) {
		flying.Go(func() {
			r, err := http.NewRequest("POST", api+"/calls/"+url.PathEscape(leg)+"/actions/"+action, bytes.NewReader([]byte(body)))
			if err != nil {
				return
			}
			r.Header.Set("Authorization", "Bearer bench")
			r.Header.Set("Content-Type", "application/json")
			if answer, err := client.Do(r); err == nil {
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		})
	}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		if err := json.NewDecoder(r.Body).Decode(&ev); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		const stateA, stateB = "bGVnIGEgb2YgdGhlIGJlbmNobWFyaw==", "bGVnIGIgb2YgdGhlIGJlbmNobWFyaw=="
		id := `{"command_id":"` + ev.Data.EventType + ` ` + ev.Data.Payload.State + `"`
		switch leg := ev.Data.Payload; {
		case ev.Data.EventType == "call.initiated" && leg.Direction == "incoming":
			send(leg.Leg, "answer", id+`,"client_state":"`+stateA+`"}`)
		case ev.Data.EventType == "call.answered" && leg.State == stateA:
			send(leg.Leg, "transfer", id+`,"to":"+17735550100","from":"`+proxy+`","timeout_secs":30,"time_limit_secs":14400,"client_state":"`+
				stateA+`","target_leg_client_state":"`+stateB+`"}`)
		case ev.Data.EventType == "call.answered" && leg.State == stateB:
			send(leg.Leg, "record_start", id+`,"format":"mp3","channels":"dual"}`)
		}
		io.WriteString(w, `{"status":"ok"}`)
	})}
	go server.Serve(at)
	fmt.Println("http://" + at.Addr().String())
	io.Copy(io.Discard, os.Stdin)
	server.Close()
	flying.Wait()
}
