package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"maskswitch/loadtest"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

const carrierUsage = `loadtest carrier: only the carrier, for those who build a marketplace or a
switch. It plays Telnyx at http://ADDR/v2, sends signed webhooks, and lets calls
be placed by HTTP at a second address:

  loadtest carrier -webhook http://127.0.0.1:5000/webhooks/voice

  # somebody dials a proxy number; the callee answers after 2 s, they talk 5 s
  curl localhost:4011/calls --json '{"from":"+13125550111","to":"+13125550199","after":"2s","talk":"5s"}'
  # callee: answers, rings out, busy, declines, no answer, unreachable, fails
  curl localhost:4011/calls --json '{"from":"+13125550111","to":"+13125550199","callee":"busy"}'
  curl localhost:4011/calls              # all calls
  curl localhost:4011/calls/1            # one, as a ladder
  curl -X DELETE localhost:4011/calls/1  # the caller hangs up

It has a hundred numbers each for sale in the American areas 312 and 415, to
order with maskswitch numbers order -connection ` + carrierConnection + `.

Numbers are masked in what it shows. It runs until it is stopped.

Flags:
`

// carrierConnection is the application that the account has at the fake carrier.
const carrierConnection = "2811000000000000001"

func carrierCommand(ctx context.Context, args []string, out, _ *os.File) error {
	f := flags("carrier", carrierUsage, out)
	addr := f.String("addr", "127.0.0.1:4010", "address of the carrier's API")
	control := f.String("control", "127.0.0.1:4011", "address for placing calls; loopback only")
	webhook := f.String("webhook", "http://127.0.0.1:5000/webhooks/voice", "where events go")
	key := f.String("carrier-key", "carrier.key", "`file` of the key that signs webhooks; made if it is not there")
	secret := f.String("api-key", "", "API key that commands must carry; empty: any is taken")
	speed := f.Float64("speed", 1, "people and network are so many times faster")
	plan := f.String("faults", "", "take the faults of this `plan`")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("carrier takes no argument, and %q is one", rest[0])
	}
	for _, a := range []string{*addr, *control} {
		host, _, err := net.SplitHostPort(a)
		ip := net.ParseIP(host)
		if err != nil || (host != "localhost" && (ip == nil || !ip.IsLoopback())) {
			return fmt.Errorf("%q: the carrier stays on this machine; write 127.0.0.1:PORT", a)
		}
	}
	private, err := carrierKey(*key)
	if err != nil {
		return err
	}
	config := carrier.Config{Addr: *addr, WebhookURL: *webhook, PrivateKey: private, APIKey: *secret, Speed: *speed, ConnectionID: carrierConnection,
		Logf: func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }}
	if *plan != "" {
		p, err := loadtest.LoadPlan(*plan)
		if err != nil {
			return err
		}
		config.Faults, config.Seed = p.CarrierFaults(), p.Seed
	}
	fake := carrier.New(config)
	defer fake.Close()
	fake.Numbers().Stock(carrier.Lot("312", 100), carrier.Lot("415", 100))
	if err := fake.Start(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *control)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: controls(fake), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintf(out, "start the switch with\n  TELNYX_BASE_URL=%s TELNYX_PUBLIC_KEY=%s TELNYX_API_KEY=%s\nplace calls at http://%s/calls; loadtest carrier -help shows how\n",
		fake.BaseURL(), fake.PublicKey(), first(*secret, "anything"), listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// placing is the request for a call. Durations are as "2s".
type placing struct {
	From, To                           string
	Callee                             string
	After, Talk, Patience, AfterSpeech string
	CalleeLeaves                       bool `json:"callee_leaves"`
}

func (p placing) script() (party.Script, error) {
	s := party.Script{}
	reaction, ok := loadtest.Reaction(first(p.Callee, "answers"))
	if !ok {
		return s, fmt.Errorf("callee is %q; write answers, rings out, busy, declines, no answer, unreachable or fails", p.Callee)
	}
	s.Callee = reaction
	for _, d := range []struct {
		name, text, otherwise string
		into                  *time.Duration
	}{{"after", p.After, "2s", &s.After}, {"talk", p.Talk, "10s", &s.Talk}, {"patience", p.Patience, "0s", &s.Patience}, {"afterspeech", p.AfterSpeech, "1s", &s.AfterSpeech}} {
		v, err := time.ParseDuration(first(d.text, d.otherwise))
		if err != nil || v < 0 {
			return s, fmt.Errorf("%s is %q; write a duration such as 2s", d.name, d.text)
		}
		*d.into = v
	}
	if p.CalleeLeaves {
		s.Leaves = party.Callee
	}
	return s, nil
}

// mostKept is how many calls can be looked at.
const mostKept = 1000

// controls is the interface for placing calls.
func controls(fake *carrier.Carrier) http.Handler {
	mux := http.NewServeMux()
	var mu sync.Mutex
	var kept []*carrier.Call // so that a long session does not fill the memory
	mux.HandleFunc("POST /calls", func(w http.ResponseWriter, r *http.Request) {
		var p placing
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			http.Error(w, "the body must be such as {\"from\":\"+13125550111\",\"to\":\"+13125550199\"}: "+err.Error(), http.StatusBadRequest)
			return
		}
		script, err := p.script()
		if err == nil && p.To == "" {
			err = errors.New("to is missing: the proxy number that is dialled")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		call := fake.PlaceCall(p.From, p.To, script)
		mu.Lock()
		if kept = append(kept, call); len(kept) > mostKept {
			fake.Forget(kept[0])
			kept = kept[1:]
		}
		mu.Unlock()
		w.Header().Set("Location", fmt.Sprintf("/calls/%d", call.Number()))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "call %d\n", call.Number())
	})
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) {
		for _, call := range fake.Calls() {
			l := call.Ledger()
			state := "up"
			if l.Over {
				state = "over"
			}
			fmt.Fprintf(w, "%d\t%s\t%v → %v\t%s\n", l.Number, l.Placed.Format(time.TimeOnly), l.Caller, l.Proxy, state)
		}
	})
	one := func(w http.ResponseWriter, r *http.Request) *carrier.Call {
		n, err := strconv.ParseUint(r.PathValue("n"), 10, 64)
		for _, call := range fake.Calls() {
			if err == nil && call.Number() == n {
				return call
			}
		}
		http.Error(w, "no such call; GET /calls lists them", http.StatusNotFound)
		return nil
	}
	mux.HandleFunc("GET /calls/{n}", func(w http.ResponseWriter, r *http.Request) {
		if call := one(w, r); call != nil {
			fmt.Fprint(w, call.Ladder())
		}
	})
	mux.HandleFunc("DELETE /calls/{n}", func(w http.ResponseWriter, r *http.Request) {
		if call := one(w, r); call != nil {
			call.HangUp(party.Caller)
			w.WriteHeader(http.StatusNoContent)
		}
	})
	return mux
}
