package telnyx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

func TestNewNamesEveryFault(t *testing.T) {
	var tests = []struct {
		config Config
		want   []string // all of them are in the error; none: no error
	}{
		{Config{APIKey: testKey}, nil},
		{Config{APIKey: testKey, BaseURL: "https://api.telnyx.com/v2/"}, nil},
		{Config{APIKey: testKey, BaseURL: "http://127.0.0.1:8080/v2"}, nil},
		{Config{APIKey: testKey, BaseURL: "http://[::1]:8080"}, nil},
		{Config{APIKey: testKey, BaseURL: "http://localhost:8080"}, nil},
		{Config{APIKey: testKey, BaseURL: "http://api.telnyx.com/v2"}, []string{"show the API key", "api.telnyx.com"}},
		{Config{APIKey: testKey, BaseURL: "http://10.0.0.1"}, []string{"loopback"}},
		{Config{APIKey: testKey, BaseURL: "http://localhost.example.com"}, []string{"loopback"}},
		{Config{APIKey: testKey, BaseURL: "ftp://127.0.0.1"}, []string{"scheme"}},
		{Config{APIKey: testKey, BaseURL: "api.telnyx.com/v2"}, []string{"base URL"}},
		{Config{APIKey: testKey, BaseURL: "https://"}, []string{"base URL"}},
		{Config{APIKey: testKey, BaseURL: "https://user:" + testKey + "@api.telnyx.com"}, []string{"base URL"}},
		{Config{APIKey: testKey, BaseURL: "https://api.telnyx.com/v2?key=" + testKey}, []string{"base URL"}},
		{Config{APIKey: testKey, BaseURL: "https://api.telnyx.com:x/" + testKey}, []string{"base URL"}},
		{Config{}, []string{"API key is missing"}},
		{Config{APIKey: testKey + "\n"}, []string{"API key", "pasted"}},
		{Config{APIKey: "schlüssel"}, []string{"API key"}},
		{Config{APIKey: testKey, Concurrency: -1}, []string{"concurrency"}},
		{Config{APIKey: testKey, AttemptTimeout: -1}, []string{"attempt timeout"}},
		{Config{BaseURL: "http://10.0.0.1", Concurrency: -1}, []string{"loopback", "API key is missing", "concurrency"}},
	}
	for _, test := range tests {
		_, err := New(test.config)
		if len(test.want) == 0 {
			if err != nil {
				t.Errorf("%q: %v", test.config.BaseURL, err)
			}
			continue
		}
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: error %v, want %q in it", test.config.BaseURL, err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), testKey) {
			t.Errorf("the key is in the error: %v", err)
		}
	}
}

// server is a carrier on a real socket that counts its connections.
func server(t testing.TB, handle http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(handle)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, &opened
}

func dial(t testing.TB, base string, change ...func(*Config)) *Client {
	c := newClient(t, nil, append(change, func(config *Config) { config.BaseURL = base })...)
	t.Cleanup(c.Close)
	return c
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	s, opened := server(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if _, sent := r.Header["Idempotency-Key"]; sent {
			t.Error("the mark for the transport was sent")
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/speak"):
			w.WriteHeader(422)
			io.WriteString(w, fault("90010", "Invalid payload", ""))
		case r.Method == http.MethodGet:
			io.WriteString(w, alive)
		default:
			io.WriteString(w, taken)
		}
	})
	c := dial(t, s.URL+"/v2")
	for i := range 50 {
		leg := protocol.LegID(fmt.Sprint("v3:", i))
		c.Do(t.Context(), protocol.Answer{Leg: leg, Tag: tagA})
		c.Do(t.Context(), protocol.Speak{Leg: leg, Text: "x"})
		c.Do(t.Context(), protocol.Find{Leg: leg})
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for 150 commands, want 1", n)
	}
	// Many at once take many connections, and leave them for the next wave.
	const wide = 64
	wave := func() {
		var group sync.WaitGroup
		for range wide {
			group.Go(func() { c.Do(t.Context(), protocol.HangUp{Leg: testLeg}) })
		}
		group.Wait()
	}
	wave()
	after := opened.Load()
	for range 10 {
		wave()
	}
	if more := opened.Load() - after; after+more > wide+1 {
		t.Errorf("%d connections for waves of %d", after+more, wide)
	}
}

// TestClosedConnectionCostsNoAttempt: the carrier closes an idle connection
// just as we use it, and the command goes out on a new one at once.
func TestClosedConnectionCostsNoAttempt(t *testing.T) {
	s, opened := server(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, taken)
	})
	c := dial(t, s.URL)
	for range 20 {
		if reply := c.Do(t.Context(), protocol.HangUp{Leg: testLeg}); reply.Result != protocol.CommandOK || reply.Attempts != 1 {
			t.Fatalf("reply %+v", reply)
		}
		s.CloseClientConnections()
	}
	if opened.Load() < 2 {
		t.Error("no connection was closed")
	}
}

// TestHTTP2 goes to a carrier that speaks it, on the transport we make.
func TestHTTP2(t *testing.T) {
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Header.Get("Authorization") != "Bearer "+testKey {
			t.Errorf("%s with %q", r.Proto, r.Header.Get("Authorization"))
		}
		if _, sent := r.Header["Idempotency-Key"]; sent {
			t.Error("the mark for the transport was sent")
		}
		io.WriteString(w, taken)
	}))
	s.EnableHTTP2 = true
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	transport := newTransport(Config{Concurrency: 1})
	transport.TLSClientConfig.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := newClient(t, transport, func(config *Config) { config.BaseURL = s.URL + "/v2" })
	defer c.Close()
	for range 20 {
		if reply := c.Do(t.Context(), transfer(t)); reply.Result != protocol.CommandOK || reply.Attempts != 1 {
			t.Fatalf("reply %+v", reply)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	elsewhere, reached := server(t, func(w http.ResponseWriter, r *http.Request) { t.Error("the key travelled") })
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	for _, cmd := range []protocol.Command{protocol.HangUp{Leg: testLeg}, protocol.Find{Leg: testLeg}} {
		reply := dial(t, s.URL).Do(t.Context(), cmd)
		if reply.Result != protocol.CommandRefused || reply.Status != 307 || reply.Alive {
			t.Errorf("reply %+v", reply)
		}
	}
	if reached.Load() != 0 {
		t.Error("somebody followed")
	}
}

func TestEnvironmentProxyIsNotUsed(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	if newTransport(Config{Concurrency: 1}).Proxy != nil {
		t.Error("a proxy without being told to")
	}
	if newTransport(Config{Concurrency: 1, Proxy: http.ProxyFromEnvironment}).Proxy == nil {
		t.Error("the configured proxy is not used")
	}
}

func TestLongAnswersAreCut(t *testing.T) {
	block := strings.Repeat("x", 1<<16)
	var status atomic.Int64
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		for range 1 << 12 { // 256 MiB, unless somebody hangs up
			if _, err := io.WriteString(w, block); err != nil {
				return
			}
		}
		t.Error("all of it was read")
	})
	c := dial(t, s.URL)
	for want, result := range map[int]protocol.CommandResult{200: protocol.CommandOK, 422: protocol.CommandRefused} {
		status.Store(int64(want))
		if reply := c.Do(t.Context(), protocol.HangUp{Leg: testLeg}); reply.Result != result || reply.Status != want {
			t.Errorf("reply %+v", reply)
		}
	}
}

// TestBrokenAnswers: the connection dies inside the answer.
func TestBrokenAnswers(t *testing.T) {
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		if strings.HasSuffix(r.URL.Path, "/speak") {
			w.WriteHeader(422)
		}
		io.WriteString(w, `{"data":`)
		http.NewResponseController(w).Flush() // the status is out
		panic(http.ErrAbortHandler)
	})
	c := dial(t, s.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if reply := c.Do(ctx, protocol.HangUp{Leg: testLeg}); reply.Result != protocol.CommandOK || reply.Attempts != 1 {
		t.Errorf("taken, then broken: %+v", reply)
	}
	if reply := c.Do(ctx, protocol.Speak{Leg: testLeg, Text: "x"}); reply.Result != protocol.CommandRefused || reply.Status != 422 {
		t.Errorf("refused, then broken: %+v", reply)
	}
	if reply := c.Do(ctx, protocol.Find{Leg: testLeg}); reply.Result != protocol.CommandUnavailable || reply.Alive {
		t.Errorf("looked up, then broken: %+v", reply)
	}
}

func TestKeyStaysInside(t *testing.T) {
	for story, transport := range map[string]carrier{
		"the carrier repeats it": func(*http.Request) (*http.Response, error) {
			return answer(401, fault("10009", "Invalid key "+testKey, "Bearer "+testKey)), nil
		},
		"the transport repeats it": func(r *http.Request) (*http.Response, error) {
			return nil, errors.New("invalid header " + r.Header.Get("Authorization"))
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		reply := newClient(t, transport).Do(ctx, protocol.HangUp{Leg: testLeg})
		cancel()
		if s := fmt.Sprintf("%+v", reply); strings.Contains(s, testKey) || !strings.Contains(s, "(API key)") {
			t.Errorf("%s: %s", story, s)
		}
	}
}

func TestSlowKindOnRealSockets(t *testing.T) {
	release := make(chan struct{})
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/transfer") {
			<-release
		}
		io.WriteString(w, taken)
	})
	c := dial(t, s.URL, func(config *Config) { config.Concurrency, config.AttemptTimeout = 4, time.Minute })
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() { c.Do(t.Context(), transfer(t)) })
	}
	for range 20 {
		if reply := c.Do(t.Context(), protocol.HangUp{Leg: testLeg}); reply.Result != protocol.CommandOK {
			t.Errorf("hangup beside hanging transfers: %+v", reply)
		}
	}
	close(release)
	group.Wait()
}
