package telnyx

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"maskswitch/actors/protocol"
)

// fetches is a Recordings whose ways are in the test's hands.
func fetches(t testing.TB, most int64, way http.RoundTripper) *Recordings {
	r := NewRecordings(newClient(t, nil), RecordingsConfig{MaxBytes: most})
	r.public, r.private = way, carrier(func(*http.Request) (*http.Response, error) { panic("the private way") })
	return r
}

func audio(body string, header ...string) *http.Response {
	res := answer(200, body, append([]string{"Content-Type", "audio/mpeg"}, header...)...)
	res.ContentLength = int64(len(body))
	return res
}

func troubleOf(t *testing.T, err error) *protocol.RecordingError {
	t.Helper()
	var failed *protocol.RecordingError
	if !errors.As(err, &failed) || failed.Detail == "" {
		t.Fatalf("error %v is no RecordingError that says what happened", err)
	}
	for _, secret := range []string{testKey, "X-Amz", "5ec2e7", "telephony-recorder-prod/"} {
		if strings.Contains(failed.Detail, secret) {
			t.Errorf("%q is in %q", secret, failed.Detail)
		}
	}
	return failed
}

func TestDownload(t *testing.T) {
	body := strings.Repeat("ID3\x04 talk ", 50_000)
	for _, kind := range []string{"audio/mpeg", "audio/x-wav", "Audio/WAV; rate=8000", "application/octet-stream", "binary/octet-stream"} {
		r := fetches(t, 0, carrier(func(r *http.Request) (*http.Response, error) {
			if r.URL.String() != goodLink || r.Method != "GET" || r.Body != nil || r.Header.Get("Authorization") != "" || r.Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
			return audio(body, "Content-Type", kind, "Content-Encoding", ""), nil
		}))
		got, err := r.Download(t.Context(), goodLink)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		read, err := io.ReadAll(got)
		if want, _, _ := strings.Cut(strings.ToLower(kind), ";"); err != nil || string(read) != body || got.Bytes != int64(len(body)) || got.ContentType != want {
			t.Errorf("%s: %d bytes of %d, %q, %v", kind, len(read), got.Bytes, got.ContentType, err)
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDownloadRefusals(t *testing.T) {
	long := audio(strings.Repeat("a", 1001))
	breaks := func(err error) func() (*http.Response, error) {
		return func() (*http.Response, error) { return nil, err }
	}
	says := func(res *http.Response) func() (*http.Response, error) {
		return func() (*http.Response, error) { return res, nil }
	}
	expired := `<Error><Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>600</X-Amz-Expires></Error>`
	for _, test := range []struct {
		story string
		way   func() (*http.Response, error)
		want  protocol.RecordingTrouble
		after time.Duration
	}{
		{"it has expired", says(answer(403, expired)), protocol.TroubleLink, 0},
		{"it is not valid", says(answer(400, expired)), protocol.TroubleLink, 0},
		{"it leads to nothing", says(answer(404, "")), protocol.TroubleLink, 0},
		{"no longer", says(answer(410, "")), protocol.TroubleLink, 0},
		{"slow down", says(answer(503, "", "Retry-After", "7")), protocol.TroubleLater, 7 * time.Second},
		{"too many", says(answer(429, "")), protocol.TroubleLater, 0},
		{"a fault", says(answer(500, "")), protocol.TroubleLater, 0},
		{"their time-out", says(answer(408, "")), protocol.TroubleLater, 0},
		{"a key is wanted", says(answer(401, "")), protocol.TroubleRefused, 0},
		{"to be paid", says(answer(402, "")), protocol.TroubleRefused, 0},
		{"a part of it", says(answer(206, "x", "Content-Type", "audio/mpeg")), protocol.TroubleBroken, 0},
		{"nothing has changed", says(answer(304, "")), protocol.TroubleBroken, 0},
		{"a page", says(audio("<html>", "Content-Type", "text/html")), protocol.TroubleBroken, 0},
		{"an error in good clothes", says(audio(expired, "Content-Type", "application/xml")), protocol.TroubleBroken, 0},
		{"of no kind", says(audio("ID3", "Content-Type", "")), protocol.TroubleBroken, 0},
		{"of a kind that is none", says(audio("ID3", "Content-Type", "audio/mpeg, text/html")), protocol.TroubleBroken, 0},
		{"packed", says(audio("ID3", "Content-Encoding", "gzip")), protocol.TroubleBroken, 0},
		{"no bytes", says(audio("")), protocol.TroubleBroken, 0},
		{"announced as too long", says(long), protocol.TroubleRefused, 0},
		{"no connection", breaks(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), protocol.TroubleLater, 0},
		{"no such name", breaks(&net.DNSError{Err: "no such host", Name: "s3.amazonaws.com"}), protocol.TroubleLater, 0},
		{"no answer", breaks(context.DeadlineExceeded), protocol.TroubleLater, 0},
		{"a certificate of somebody's", breaks(&tls.CertificateVerificationError{Err: errors.New("x")}), protocol.TroubleLater, 0},
		{"words that repeat the link", breaks(errors.New("malformed response " + goodLink + " Bearer " + testKey)), protocol.TroubleLater, 0},
		{"a private address", breaks(&net.OpError{Op: "dial", Err: errPrivate}), protocol.TroubleLink, 0},
	} {
		r := fetches(t, 1000, carrier(func(*http.Request) (*http.Response, error) { return test.way() }))
		_, err := r.Download(t.Context(), goodLink)
		if failed := troubleOf(t, err); failed.Trouble != test.want || failed.After != test.after {
			t.Errorf("%s: %s after %s: %v", test.story, failed.Trouble, failed.After, failed)
		}
	}
}

func TestDownloadRedirects(t *testing.T) {
	for _, test := range []struct {
		story, location string
		asked           int // requests in all
	}{
		{"on the same host", "https://s3.amazonaws.com/telephony-recorder-prod/b.mp3", 2},
		{"a path", "/telephony-recorder-prod/b.mp3?c=d", 2},
		{"nowhere", "", 1},
		{"a relative path", "b.mp3", 1},
		{"a path that climbs", "/telephony-recorder-prod/../evil/b.mp3", 1},
		{"a host without a scheme", "//s3.amazonaws.com/telephony-recorder-prod/b.mp3", 1},
		{"another bucket", "/evil/b.mp3", 1},
		{"another region", "https://s3.eu-central-1.amazonaws.com/telephony-recorder-prod/b.mp3", 1},
		{"the carrier, who would get the key", "https://media.telnyx.com/b.mp3", 1},
		{"a private network", "http://169.254.169.254/latest/meta-data/", 1},
		{"http", "http://s3.amazonaws.com/telephony-recorder-prod/b.mp3", 1},
		{"round and round", goodLink, 4},
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			asked := 0
			r := fetches(t, 0, carrier(func(r *http.Request) (*http.Response, error) {
				asked++
				if strings.Contains(r.URL.Path, "/b.mp3") {
					return audio("ID3"), nil
				}
				return answer(status, "", "Location", test.location), nil
			}))
			got, err := r.Download(t.Context(), goodLink)
			if test.asked == 2 && err == nil {
				got.Close()
			} else if failed := troubleOf(t, err); failed.Trouble != protocol.TroubleLink {
				t.Errorf("%s: %v", test.story, failed)
			}
			if asked != test.asked {
				t.Errorf("%s: asked %d times, want %d", test.story, asked, test.asked)
			}
		}
	}
}

// TestDownloadLengths: the limit holds for what was announced and what was not.
func TestDownloadLengths(t *testing.T) {
	body := strings.Repeat("a", 1000)
	const whole = protocol.RecordingTrouble(255) // no trouble
	for _, test := range []struct {
		story     string
		body      io.Reader
		announced int64
		came      int
		want      protocol.RecordingTrouble
	}{
		{"as announced", strings.NewReader(body), 1000, 1000, whole},
		{"not announced", strings.NewReader(body), -1, 1000, whole},
		{"byte for byte", iotest.OneByteReader(strings.NewReader(body)), -1, 1000, whole},
		{"with its end", iotest.DataErrReader(strings.NewReader(body)), -1, 1000, whole},
		{"one byte too many", strings.NewReader(body + "a"), -1, 1000, protocol.TroubleRefused},
		{"one byte too many, byte for byte", iotest.OneByteReader(strings.NewReader(body + "a")), -1, 1000, protocol.TroubleRefused},
		{"far too many", strings.NewReader(strings.Repeat(body, 1000)), -1, 1000, protocol.TroubleRefused},
		{"cut", io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(io.ErrUnexpectedEOF)), 1000, 3, protocol.TroubleBroken},
		{"reset", io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(syscall.ECONNRESET)), 1000, 3, protocol.TroubleLater},
	} {
		closed := false
		r := fetches(t, 1000, carrier(func(r *http.Request) (*http.Response, error) {
			res := audio("")
			res.ContentLength = test.announced
			res.Body = closing{test.body, func() { closed = true }}
			return res, nil
		}))
		got, err := r.Download(t.Context(), goodLink)
		if err != nil {
			t.Fatal(test.story, err)
		}
		read, err := io.ReadAll(got)
		if len(read) != test.came || got.Bytes != test.announced {
			t.Errorf("%s: %d bytes of %d came", test.story, len(read), got.Bytes)
		}
		if test.want == whole && err != nil || test.want != whole && troubleOf(t, err).Trouble != test.want {
			t.Errorf("%s: %v", test.story, err)
		}
		if n, again := got.Read(make([]byte, 10)); n != 0 || again == nil || err != nil && again != err {
			t.Errorf("%s: read again: %d, %v", test.story, n, again)
		}
		if got.Close(); !closed {
			t.Errorf("%s: the body is still open", test.story)
		}
	}
}

type closing struct {
	io.Reader
	close func()
}

func (c closing) Close() error { c.close(); return nil }

// dripping sends so many bytes after each pause, until its request ends.
type dripping struct {
	ctx   context.Context
	bytes int
	every time.Duration
}

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.every):
		return copy(p, bytes.Repeat([]byte("a"), d.bytes)), nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

func TestSlowDownloads(t *testing.T) {
	for _, test := range []struct {
		story  string
		bytes  int
		every  time.Duration
		reader time.Duration // the reader's own pause
		ends   time.Duration // 0: it goes on
	}{
		{"silence", 0, time.Hour, 0, window},
		{"a byte now and then", 1, window - time.Second, 0, 2 * (window - time.Second)},
		{"a byte a second", 1, time.Second, 0, window},
		{"half of the least", leastSpeed / 2, time.Second, 0, window},
		{"twice the least", 2 * leastSpeed, time.Second, 0, 0},
		{"in bursts", int(window/time.Second) * leastSpeed, window - time.Second, 0, 0},
		{"a reader that takes his time", 2 * leastSpeed, time.Second, 5 * time.Minute, 0},
	} {
		t.Run(test.story, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := fetches(t, 0, carrier(func(r *http.Request) (*http.Response, error) {
					res := audio("")
					res.ContentLength = 1 << 30
					res.Body = io.NopCloser(dripping{r.Context(), test.bytes, test.every})
					return res, nil
				}))
				got, err := r.Download(t.Context(), goodLink)
				if err != nil {
					t.Fatal(err)
				}
				defer got.Close()
				began, buf := time.Now(), make([]byte, 1<<20)
				for time.Since(began) < 10*window && err == nil {
					_, err = got.Read(buf)
					time.Sleep(test.reader)
				}
				switch {
				case test.ends == 0 && err != nil:
					t.Errorf("ended: %v", err)
				case test.ends != 0 && (troubleOf(t, err).Trouble != protocol.TroubleLater || time.Since(began) != test.ends):
					t.Errorf("%v after %s", err, time.Since(began))
				}
			})
		})
	}
}

func TestDownloadsEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := fetches(t, 0, carrier(func(r *http.Request) (*http.Response, error) {
			res := audio("")
			res.ContentLength = 1 << 30
			res.Body = io.NopCloser(dripping{r.Context(), leastSpeed, time.Second})
			return res, nil
		}))
		got, err := r.Download(ctx, goodLink)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(1500*time.Millisecond, cancel)
		began := time.Now()
		_, err = io.Copy(io.Discard, got)
		if troubleOf(t, err).Trouble != protocol.TroubleLater || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		got.Close()
	})
}

// TestTheKeyGoesToTheCarrierOnly lets all names lead to a server that notices.
func TestTheKeyGoesToTheCarrierOnly(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]string{} // by host
	handle := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		for name, values := range r.Header {
			for _, value := range values {
				if strings.Contains(value, testKey) {
					seen[r.Host] += name
				}
			}
		}
		seen[r.Host] += "|"
		if strings.HasSuffix(r.URL.Path, "/from") {
			http.Redirect(w, r, strings.TrimSuffix(r.URL.Path, "from")+"to", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "audio/mpeg")
		io.WriteString(w, "ID3")
	})
	secure := httptest.NewTLSServer(handle)
	defer secure.Close()
	open := httptest.NewServer(handle)
	defer open.Close()
	r := NewRecordings(newClient(t, nil), RecordingsConfig{Hosts: hosts(t, "recordings.example.com,https://media.telnyx.com:8443,"+open.URL)})
	defer r.Close()
	for _, way := range []http.RoundTripper{r.public, r.private} {
		transport := way.(*http.Transport)
		transport.TLSClientConfig.InsecureSkipVerify = true // the names are others'
		plain := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == open.Listener.Addr().String() {
				return plain(ctx, network, address)
			}
			return new(net.Dialer).DialContext(ctx, network, secure.Listener.Addr().String())
		}
	}
	want := map[string]string{
		"s3.amazonaws.com":                         "|",
		"telephony-recorder-prod.s3.amazonaws.com": "||",
		"recordings.example.com":                   "|",
		"media.telnyx.com:8443":                    "|",
		strings.TrimPrefix(open.URL, "http://"):    "|",
		"media.telnyx.com":                         "Authorization|Authorization|",
		"s3.eu-central-1.amazonaws.com":            "|",
	}
	for _, link := range []protocol.Secret{
		goodLink, "https://telephony-recorder-prod.s3.amazonaws.com/from", "https://recordings.example.com/a", "https://media.telnyx.com:8443/a",
		protocol.Secret(open.URL + "/a"), "https://media.telnyx.com/from", "https://s3.eu-central-1.amazonaws.com" + bucketOne,
	} {
		got, err := r.Download(t.Context(), link)
		if err != nil {
			t.Fatalf("%s: %v", string(link), err)
		}
		if body, err := io.ReadAll(got); err != nil || string(body) != "ID3" {
			t.Errorf("%s: %q, %v", string(link), body, err)
		}
		got.Close()
	}
	for host, keys := range want {
		if seen[host] != keys {
			t.Errorf("%s: %q, want %q", host, seen[host], keys)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("hosts %v", seen)
	}
}

// TestDownloadsTakeNoProxy, whatever the environment says.
func TestDownloadsTakeNoProxy(t *testing.T) {
	for _, private := range []bool{true, false} {
		if newDownloader(private, nil).Proxy != nil {
			t.Error("there is a proxy")
		}
	}
}

// TestDownloadHangs: no head comes.
func TestDownloadHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		go io.Copy(io.Discard, far)
		r := NewRecordings(newClient(t, nil), RecordingsConfig{Hosts: hosts(t, "http://store:9000")})
		r.private.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return near, nil }
		began := time.Now()
		_, err := r.Download(t.Context(), "http://store:9000/a.mp3")
		if troubleOf(t, err).Trouble != protocol.TroubleLater || time.Since(began) != headerTimeout {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		far.Close()
		r.Close()
	})
}
