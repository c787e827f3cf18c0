package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"maskswitch/actors/protocol"
	"maskswitch/http/api"
)

// watcher is an Observer that keeps what it is told.
type watcher struct {
	mu       sync.Mutex
	inFlight int
	highest  int
	told     []string
}

func (w *watcher) InFlight(delta int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inFlight += delta
	w.highest = max(w.highest, w.inFlight)
}

func (w *watcher) Request(route, method string, status int, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d <= 0 {
		route = "(no time) " + route
	}
	w.told = append(w.told, fmt.Sprint(route, " ", method, " ", status))
}

// TestObserver: every request is told once, as a pair of Routes.
func TestObserver(t *testing.T) {
	w := &watcher{}
	h := serve(&desk{}, func(c *api.Config) { c.Observer = w })
	var want []string
	for _, c := range []struct {
		r    *http.Request
		want string
	}{
		{request("POST", "/pool", `{"numbers":["+13125550100"]}`), "/pool POST 200"},
		{request("POST", "/bookings", good(`,"booking_id":"bk_1"`)), "/bookings POST 200"},
		{request("POST", "/bookings", ""), "/bookings POST 400"},
		{request("GET", "/bookings?limit=1", ""), "/bookings GET 200"},
		{request("HEAD", "/bookings", ""), "/bookings GET 200"},
		{request("GET", "/bookings/bk_1", ""), "/bookings/{id} GET 200"},
		{request("DELETE", "/bookings/bk_1", ""), "/bookings/{id} DELETE 200"},
		{request("DELETE", "/bookings/bk_2", ""), "/bookings/{id} DELETE 404"},
		{request("GET", "/health", ""), "/health GET 200"},
		{request("PATCH", "/bookings/bk_2", `{"extend_hours":1}`), "/bookings/{id} PATCH 404"},
		{request("GET", "/pool", ""), "/pool GET 200"},
		{request("GET", "/pool/+13125550100", ""), "/pool/{number} GET 404"},
		{request("PATCH", "/pool/+13125550100", `{"state":"serving"}`), "/pool/{number} PATCH 404"},
		{request("DELETE", "/pool/1", ""), "/pool/{number} DELETE 400"},
		{request("GET", "/pool/headroom", ""), "/pool/headroom GET 200"},
		{request("HEAD", "/pool/sizing", ""), "/pool/sizing GET 400"},
		{request("POST", "/pool/import", `{"tag":"a"}`), "/pool/import POST 200"},
		{request("POST", "/pool/order", ordered("")), "/pool/order POST 202"},
		{request("GET", "/pool/orders", ""), "/pool/orders GET 200"},
		{request("GET", "/pool/orders/o1", ""), "/pool/orders/{id} GET 404"},
		{request("GET", "/openapi.json", ""), "/openapi.json GET 200"},
		{request("GET", "/nothing", ""), "other other 404"},
		{request("PUT", "/pool", ""), "other other 405"},
		{request("FROB", "/health", ""), "other other 405"},
	} {
		ask(h, c.r)
		want = append(want, c.want)
	}
	if !slices.Equal(w.told, want) {
		t.Errorf("told %q\nwant %q", w.told, want)
	}
	if w.inFlight != 0 || w.highest != 1 {
		t.Errorf("in flight %d, at most %d", w.inFlight, w.highest)
	}
	for _, line := range w.told {
		var route, method string
		var status int
		if _, err := fmt.Sscan(line, &route, &method, &status); err != nil || !slices.Contains(api.Routes(), api.Route{Path: route, Method: method}) {
			t.Errorf("%q is not of Routes: %v", line, err)
		}
	}
}

// TestLogHasNoNumbers: whatever is asked, and whatever comes of it, no number,
// booking_id, query or secret is in the log.
func TestLogHasNoNumbers(t *testing.T) {
	core, logged := observer.New(zap.DebugLevel)
	log := func(c *api.Config) { c.Log = zap.New(core) }
	for _, d := range []*desk{{}, {err: protocol.Errorf(protocol.Unavailable, "busy", "asked for %s", alice)}, {err: fmt.Errorf("open %v", bob)}} {
		h := serve(d, log)
		ask(h, request("POST", "/pool", `{"numbers":["+13125550100"]}`))
		ask(h, request("POST", "/pool", `{"numbers":["+13125550100,1"]}`))
		ask(h, request("POST", "/bookings", good(`,"booking_id":"+13125550133"`)))
		ask(h, request("POST", "/bookings", good(`,"+13125550144":1`)))
		ask(h, request("GET", "/bookings?party=%2B13125550111", ""))
		ask(h, request("GET", "/bookings?%2B13125550111=1", ""))
		ask(h, request("GET", "/bookings/+13125550133", ""))
		ask(h, request("DELETE", "/bookings/+13125550133", ""))
		ask(h, request("GET", "/+13125550133", ""))
		ask(h, request("PATCH", "/bookings/+13125550133", `{"extend_hours":1}`))
		ask(h, request("GET", "/pool?cursor=13125550100", ""))
		ask(h, request("GET", "/pool/+13125550100", ""))
		ask(h, request("GET", "/pool/13125550100", ""))
		ask(h, request("PATCH", "/pool/+13125550100", `{"state":"resting","+13125550100":1}`))
		ask(h, request("DELETE", "/pool/+13125550100?force=true", ""))
		ask(h, request("POST", "/pool/order", ordered(`,"order_id":"+13125550100"`)))
		ask(h, request("GET", "/pool/orders/+13125550100", ""))
	}
	if logged.Len() != 51 {
		t.Errorf("%d lines", logged.Len())
	}
	for _, line := range logged.All() {
		if text := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(text, "3125550") {
			t.Error(text)
		}
	}
}

// TestLogLevels: info and above is what an operator acts on.
func TestLogLevels(t *testing.T) {
	for status, c := range map[int]struct {
		err   error
		level zapcore.Level
	}{
		200: {nil, zap.DebugLevel},
		404: {protocol.Errorf(protocol.NotFound, "no_such_booking", "none"), zap.DebugLevel},
		503: {protocol.Errorf(protocol.Exhausted, "pool_exhausted", "none"), zap.InfoLevel},
		500: {errors.New("lost"), zap.ErrorLevel},
	} {
		core, logged := observer.New(zap.DebugLevel)
		got, _ := ask(serve(&desk{err: c.err}, func(c *api.Config) { c.Log = zap.New(core) }), request("POST", "/bookings", good("")))
		line := logged.All()[0]
		if got != status || line.Level != c.level || line.ContextMap()["request"] != "r1" {
			t.Errorf("%d: %d at %s %v", status, got, line.Level, line.ContextMap())
		}
	}
}

// TestPanic: a handler's panic is a 500 with its stack in the log, and neither
// the process nor the books suffer.
func TestPanic(t *testing.T) {
	core, logged := observer.New(zap.DebugLevel)
	w := &watcher{}
	h := serve(&desk{before: func(context.Context) error { panic("out of cheese") }},
		func(c *api.Config) { c.Log, c.Observer, c.MaxInFlight = zap.New(core), w, 1 })
	for range 2 { // twice: the place in the queue is given back
		status, body := ask(h, request("POST", "/bookings", good("")))
		if status != http.StatusInternalServerError || strings.Contains(body, "cheese") || !strings.Contains(body, "request id r1") {
			t.Error(status, body)
		}
	}
	if line := fmt.Sprint(logged.All()[0].ContextMap()["error"]); !strings.Contains(line, "out of cheese\n") || !strings.Contains(line, "createBooking") {
		t.Error(line)
	}
	if w.inFlight != 0 || len(w.told) != 2 {
		t.Error(w.inFlight, w.told)
	}
}

func TestAbortHandler(t *testing.T) {
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Error(v)
		}
	}()
	ask(serve(&desk{before: func(context.Context) error { panic(http.ErrAbortHandler) }}), request("POST", "/bookings", good("")))
}

// TestRequestID: the client's is kept if it is fit for a log.
func TestRequestID(t *testing.T) {
	h := serve(&desk{})
	seen := make(map[string]bool)
	for id, kept := range map[string]bool{
		"abc-1.2_Z": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a b": false, "a\tb": false, "+13125550100": false, "ä": false,
	} {
		r := request("GET", "/health", "")
		r.Header.Set("X-Request-Id", id)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Header().Get("X-Request-Id")
		if (got == id) != kept || len(got) < 8 || seen[got] {
			t.Errorf("%q becomes %q", id, got)
		}
		seen[got] = true
	}
}

// TestOverload: more requests than the limit are refused at once; the open
// routes still answer.
func TestOverload(t *testing.T) {
	const limit = 3
	entered, leave := make(chan struct{}), make(chan struct{})
	h := serve(&desk{before: func(context.Context) error {
		entered <- struct{}{}
		<-leave
		return nil
	}}, func(c *api.Config) { c.MaxInFlight = limit })
	var wg sync.WaitGroup
	for range limit {
		wg.Go(func() {
			if status, body := ask(h, request("POST", "/bookings", good(""))); status != http.StatusOK {
				t.Error(status, body)
			}
		})
		<-entered
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request("POST", "/bookings", good("")))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"code":"overloaded"`) {
		t.Error(w.Code, w.Body, w.Header())
	}
	if status, body := ask(h, request("GET", "/openapi.json", "")); status != http.StatusOK {
		t.Error(status, body)
	}
	close(leave)
	wg.Wait()
}

// TestClientGone: a client that leaves is no fault of ours.
func TestClientGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := &watcher{}
	core, logged := observer.New(zap.InfoLevel)
	h := serve(&desk{before: func(asked context.Context) error {
		cancel()
		<-asked.Done()
		return fmt.Errorf("ask pool: %w", asked.Err())
	}}, func(c *api.Config) { c.Observer, c.Log = w, zap.New(core) })
	ask(h, request("POST", "/bookings", good("")).WithContext(ctx))
	if !slices.Equal(w.told, []string{"/bookings POST 499"}) || logged.Len() > 0 {
		t.Error(w.told, logged.All())
	}
}

// TestWebhook: the carrier's events are the other handler's, untouched.
func TestWebhook(t *testing.T) {
	w := &watcher{}
	body := strings.Repeat("x", 2<<20)
	h := serve(&desk{}, func(c *api.Config) {
		c.Observer, c.APIKeys = w, keys(t, "stays:hunter2")
		c.Webhook = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			if err != nil || string(got) != body {
				t.Error(len(got), err)
			}
			w.WriteHeader(http.StatusTeapot)
		})
	})
	if status, _ := ask(h, request("POST", "/webhooks/voice", body)); status != http.StatusTeapot || len(w.told) > 0 {
		t.Error(status, w.told)
	}
	if status, _ := ask(serve(&desk{}), request("POST", "/webhooks/voice", "{}")); status != http.StatusNotFound {
		t.Error("without a handler:", status)
	}
}

// TestOverTheWire asks a real server what a recorder cannot show.
func TestOverTheWire(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = api.NewHTTPServer("", serve(&desk{}))
	server.Start()
	defer server.Close()
	do := func(method, target string, body io.Reader) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, body)
		if err != nil {
			t.Fatal(err)
		}
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}

	get, head := do("GET", "/health", nil), do("HEAD", "/health", nil)
	text, _ := io.ReadAll(get.Body)
	none, _ := io.ReadAll(head.Body)
	if head.StatusCode != http.StatusOK || head.ContentLength != int64(len(text)) || len(none) > 0 {
		t.Error("HEAD:", head.StatusCode, head.ContentLength, len(none))
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
	} {
		if got := get.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if !json.Valid(text) {
		t.Errorf("%s", text)
	}

	large := do("POST", "/pool", io.MultiReader(strings.NewReader(`{"numbers":["`), strings.NewReader(strings.Repeat("1", 2<<20))))
	if large.StatusCode != http.StatusRequestEntityTooLarge || !large.Close {
		t.Error("large:", large.StatusCode, large.Close)
	}
	if res := do("OPTIONS", "/bookings", nil); res.StatusCode != http.StatusMethodNotAllowed {
		t.Error("OPTIONS:", res.StatusCode)
	}
}

func TestNewNeedsASwitch(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	api.New(api.Config{})
}
