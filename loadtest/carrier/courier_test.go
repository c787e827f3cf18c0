package carrier

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// deliverTo sends one webhook.
func deliverTo(c *courier, a *address, body string) (int, string) {
	return c.post(a, a.appendRequest(nil, "1760000000", []byte("SIG"), []byte(body)))
}

func testCourier(t *testing.T, timeout time.Duration) *courier {
	ctx, cancel := context.WithCancel(t.Context())
	c := newCourier(ctx, timeout)
	t.Cleanup(func() { cancel(); c.close() })
	return c
}

func TestARequestIsWellFormed(t *testing.T) {
	var got *http.Request
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer s.Close()
	c := testCourier(t, 5*time.Second)
	a := newAddress("http://user:pass@" + s.Listener.Addr().String() + "/a%20b/voice?x=1&y=%2F")
	if status, why := deliverTo(c, a, `{"a":"ü"}`); status != 200 {
		t.Fatalf("%d %s", status, why)
	}
	user, password, _ := got.BasicAuth()
	if got.Method != "POST" || got.RequestURI != "/a%20b/voice?x=1&y=%2F" || got.Host != s.Listener.Addr().String() || got.ContentLength != 10 ||
		string(body) != `{"a":"ü"}` || user != "user" || password != "pass" || got.Close {
		t.Errorf("got %+v with body %q", got, body)
	}
	for name, want := range map[string]string{"User-Agent": "telnyx-webhooks", "Content-Type": "application/json",
		"Telnyx-Timestamp": "1760000000", "Telnyx-Signature-Ed25519": "SIG"} {
		if !slices.Equal(got.Header[name], []string{want}) {
			t.Errorf("%s is %q, want %q", name, got.Header[name], want)
		}
	}
}

func TestHTTPS(t *testing.T) {
	var dials atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dials.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	c := testCourier(t, 5*time.Second)
	a := newAddress(strings.Replace(s.URL, "127.0.0.1", "localhost", 1))
	if status, why := deliverTo(c, a, "x"); status != 0 || !strings.Contains(why, "certificate") {
		t.Errorf("an unknown authority: %d %s", status, why)
	}
	before := dials.Load()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	c.trust = &tls.Config{RootCAs: pool}
	a = newAddress(strings.Replace(s.URL, "127.0.0.1", "example.com", 1))
	a.host = "127.0.0.1" // the certificate knows it, too
	for range 5 {
		if status, why := deliverTo(c, a, "x"); status != 204 {
			t.Fatalf("%d %s", status, why)
		}
	}
	if n := dials.Load() - before; n != 1 {
		t.Errorf("%d connections for five webhooks", n)
	}
}

// rawServer answers each request on each connection with what reply says; a
// reply of "" closes without a word, and so does whatever follows "!".
func rawServer(t *testing.T, reply func(conn, request int) string) (url string, conns func() []net.Conn, seen *atomic.Int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	var work sync.WaitGroup
	seen = new(atomic.Int32)
	work.Go(func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			work.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for i := 1; ; i++ {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						return
					}
					seen.Add(1)
					answer, end := strings.CutPrefix(reply(n, i), "!")
					io.WriteString(conn, answer)
					if end || answer == "" {
						return
					}
				}
			})
		}
	})
	conns = func() []net.Conn {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(open)
	}
	t.Cleanup(func() {
		l.Close()
		for _, c := range conns() {
			c.Close()
		}
		work.Wait()
	})
	return "http://" + l.Addr().String(), conns, seen
}

const plainOK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// TestAStaleConnectionIsNoFailedDelivery closes the connection while it is idle,
// as a switch does that was started again.
func TestAStaleConnectionIsNoFailedDelivery(t *testing.T) {
	url, conns, seen := rawServer(t, func(int, int) string { return plainOK })
	c := testCourier(t, 5*time.Second)
	c.fresh = 0
	a := newAddress(url)
	for i := range 4 {
		if status, why := deliverTo(c, a, "x"); status != 200 {
			t.Fatalf("webhook %d: %d %s", i, status, why)
		}
		if n := len(conns()); n != i+1 {
			t.Fatalf("%d connections after webhook %d", n, i)
		}
		a.mu.Lock()
		idle := a.idle[0]
		a.mu.Unlock()
		conns()[i].Close()
		for !idle.stale() { // until the end has travelled
			if t.Context().Err() != nil {
				t.Fatal("the end never came")
			}
			time.Sleep(time.Millisecond)
		}
	}
	if n := seen.Load(); n != 4 {
		t.Errorf("the switch saw %d webhooks, want 4", n)
	}
}

// TestNothingIsSentTwice: a connection that breaks after the request may have
// delivered it, so the courier leaves a second attempt to the schedule.
func TestNothingIsSentTwice(t *testing.T) {
	for _, kept := range []bool{false, true} {
		url, _, seen := rawServer(t, func(_, request int) string {
			if kept && request == 1 {
				return plainOK
			}
			return ""
		})
		c := testCourier(t, 5*time.Second)
		a := newAddress(url)
		want := int32(1)
		if kept {
			want = 2
			if status, why := deliverTo(c, a, "x"); status != 200 {
				t.Fatal(status, why)
			}
		}
		if status, why := deliverTo(c, a, "x"); status != 0 || !strings.Contains(why, "broke") {
			t.Errorf("got %d %q", status, why)
		}
		if n := seen.Load(); n != want {
			t.Errorf("the switch saw %d webhooks, want %d", n, want)
		}
	}
}

func TestAnswersOfManyForms(t *testing.T) {
	for _, c := range []struct {
		story, answer string
		status        int
		kept          bool // the connection serves the next webhook
	}{
		{"a body", plainOK, 200, true},
		{"no body", "HTTP/1.1 204 No Content\r\n\r\n", 204, true},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, true},
		{"chunks and a trailer", "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n", 503, true},
		{"told to close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, false},
		{"an old server", "!HTTP/1.0 200 OK\r\n\r\nok", 200, false},
		{"a redirect", "HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", 307, true},
		{"early hints", "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + plainOK, 200, true},
		{"a long body", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), 200, false},
		{"half a body", "!HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok", 200, false},
		{"more than it said", plainOK + "more", 200, false},
		{"half a header", "!HTTP/1.1 200 OK\r\nContent-Le", 0, false},
		{"not HTTP", "!SSH-2.0-OpenSSH_9.6\r\n\r\n", 0, false},
		{"long headers", "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 0\r\n\r\n", 200, true},
	} {
		t.Run(c.story, func(t *testing.T) {
			url, conns, seen := rawServer(t, func(int, int) string { return c.answer })
			courier := testCourier(t, 5*time.Second)
			a := newAddress(url)
			for i := range 2 {
				if status, why := deliverTo(courier, a, "x"); status != c.status || (why == "") != (status != 0) {
					t.Errorf("webhook %d: %d %q, want %d", i, status, why, c.status)
				}
			}
			want := map[bool]int{true: 1, false: 2}[c.kept]
			if n := len(conns()); n != want || seen.Load() != 2 {
				t.Errorf("%d connections for %d webhooks, want %d for 2", n, seen.Load(), want)
			}
		})
	}
}

// TestTheTimeIsUp: no answer at all, half an answer, and a body that never ends.
func TestTheTimeIsUp(t *testing.T) {
	const timeout = 50 * time.Millisecond
	for story, c := range map[string]struct {
		answer string
		status int
	}{
		"silence":                 {" ", 0},
		"half a header":           {"HTTP/1.1 200 OK\r\n", 0},
		"a body that never comes": {"HTTP/1.1 202 OK\r\nContent-Length: 10\r\n\r\n", 202},
	} {
		t.Run(story, func(t *testing.T) {
			url, _, _ := rawServer(t, func(int, int) string { return strings.TrimPrefix(c.answer, " ") })
			if c.answer == " " {
				url = silentServer(t)
			}
			courier := testCourier(t, timeout)
			began := time.Now()
			status, why := deliverTo(courier, newAddress(url), "x")
			if status != c.status || status == 0 && !strings.Contains(why, "timeout") {
				t.Errorf("%d %q, want %d", status, why, c.status)
			}
			if took := time.Since(began); took < timeout {
				t.Errorf("it gave up after %v", took)
			}
			courier.mu.Lock()
			defer courier.mu.Unlock()
			if len(courier.lines) != 0 {
				t.Error("the connection is kept")
			}
		})
	}
}

// silentServer takes connections and says nothing.
func silentServer(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String()
}

func TestCloseCutsWhatIsUnderWay(t *testing.T) {
	c := newCourier(context.Background(), time.Hour)
	got := make(chan string, 1)
	a := newAddress(silentServer(t))
	go func() {
		_, why := deliverTo(c, a, "x")
		got <- why
	}()
	for {
		c.mu.Lock()
		n := len(c.lines)
		c.mu.Unlock()
		if n == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	c.close()
	if why := <-got; why == "" {
		t.Error("an answer came")
	}
	if _, why := deliverTo(c, a, "x"); why != ErrClosed.Error() {
		t.Errorf("after the close: %q", why)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, text := range []string{"", "127.0.0.1:5000", "ftp://127.0.0.1/", "http:///voice", "http://a b/", "/voice"} {
		if a := newAddress(text); a.wrong == "" {
			t.Errorf("%q is taken", text)
		}
	}
	for text, want := range map[string]place{
		"http://switch.example/voice":   {"switch.example", "80", false},
		"https://switch.example":        {"switch.example", "443", true},
		"http://[::1]:5000/voice":       {"::1", "5000", false},
		"https://switch.example:8443/v": {"switch.example", "8443", true},
	} {
		a := newAddress(text)
		if a.wrong != "" || a.place != want {
			t.Errorf("%s: %q %+v", text, a.wrong, a.place)
		}
	}
	c := testCourier(t, time.Second)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if status, why := deliverTo(c, newAddress(fmt.Sprintf("http://%s/", l.Addr())), "x"); status != 0 || !strings.Contains(why, "refused") {
		t.Errorf("nobody listens: %d %q", status, why)
	}
}
