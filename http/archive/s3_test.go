package archive

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"maskswitch/actors/protocol"
)

func TestS3Refuses(t *testing.T) {
	server := startS3(t, true)
	for _, test := range []struct {
		name   string
		change func(*S3Config)
		stat   bool   // Stat sees it too: a HEAD has no words
		want   string // in what Put and Check say
	}{
		{"a wrong secret", func(c *S3Config) { c.SecretKey = "wrong" }, true, "the keys are wrong|keys are wrong, or"},
		{"a wrong key", func(c *S3Config) { c.AccessKey = "wrong" }, true, "the keys are wrong|keys are wrong, or"},
		{"no bucket", func(c *S3Config) { c.Bucket = "not-there" }, false, "no bucket named not-there: make it"},
		{"a certificate that nobody knows", func(c *S3Config) { c.transport = newTransport(stall) }, true, "certificate"},
		{"http where there is https", func(c *S3Config) { c.Endpoint = strings.Replace(c.Endpoint, "https", "http", 1) }, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := server.open(t, test.change)
			errs := map[string]error{
				"put": put(t.Context(), s, "a.mp3", strings.Repeat("x", 5<<20)), "check": s.Check(t.Context()), "delete": s.Delete(t.Context(), "a.mp3"),
			}
			if test.stat {
				_, errs["stat"] = s.Stat(t.Context(), "a.mp3")
				_, errs["open"] = s.Open(t.Context(), "a.mp3", 0, -1)
			}
			for op, err := range errs {
				if test.want == "" { // a server of TLS may say so, or hang up
					if err == nil || errors.Is(err, protocol.ErrNoObject) {
						t.Errorf("%s: %v", op, err)
					}
					continue
				}
				refused(t, err, protocol.TroubleRefused)
				said := false
				for want := range strings.SplitSeq(test.want, "|") {
					said = said || strings.Contains(err.Error(), want)
				}
				if !said {
					t.Errorf("%s: want %q in: %v", op, test.want, err)
				}
			}
		})
	}
}

func TestS3HttpsToAServerOfHTTP(t *testing.T) {
	server := startS3(t, false)
	s := server.open(t, func(c *S3Config) { c.Endpoint = strings.Replace(c.Endpoint, "http", "https", 1) })
	refused(t, s.Check(t.Context()), protocol.TroubleRefused, "does not speak https")
}

// TestS3ServerKilled kills it in the middle of an upload.
func TestS3ServerKilled(t *testing.T) {
	for _, secure := range []bool{false, true} {
		server := startS3(t, secure)
		first := server.life
		var killed atomic.Bool
		s := server.open(t, func(c *S3Config) {
			next := c.transport
			c.transport = tripper(func(r *http.Request) (*http.Response, error) {
				if r.ContentLength > 1<<20 && !killed.Swap(true) {
					r.Body = struct {
						io.Reader
						io.Closer
					}{io.MultiReader(io.LimitReader(r.Body, 1<<20), does(first.kill), r.Body), r.Body}
				}
				return next.RoundTrip(r)
			})
		})
		text := strings.Repeat("words and ", 1<<20)
		refused(t, put(t.Context(), s, "a.mp3", text), protocol.TroubleLater, "put a.mp3")
		if !killed.Load() {
			t.Error("it has not been killed")
		}
		_, err := s.Stat(t.Context(), "a.mp3")
		refused(t, err, protocol.TroubleLater, "refused the connection")
		server.start(t)
		if object, err := s.Stat(t.Context(), "a.mp3"); !errors.Is(err, protocol.ErrNoObject) {
			t.Errorf("there is %+v, %v", object, err)
		}
		if err := put(t.Context(), s, "a.mp3", text); err != nil || get(t, s, "a.mp3") != text {
			t.Errorf("put once more: %v", err)
		}
	}
}

// TestS3ConnectionBroken breaks it in the middle of an upload, as the death of this
// process would. Servers have been seen that keep the half they got.
func TestS3ConnectionBroken(t *testing.T) {
	for _, secure := range []bool{false, true} {
		server := startS3(t, secure)
		broken := 0
		s := server.open(t, func(c *S3Config) {
			next := c.transport
			c.transport = tripper(func(r *http.Request) (*http.Response, error) {
				if r.ContentLength > 1<<20 && broken < tries {
					broken++
					r.Body = struct {
						io.Reader
						io.Closer
					}{io.LimitReader(r.Body, 1<<20), r.Body}
				}
				return next.RoundTrip(r)
			})
		})
		text := strings.Repeat("words and ", 1<<20)
		refused(t, put(t.Context(), s, "a.mp3", text), protocol.TroubleLater, "put a.mp3")
		if broken != tries {
			t.Errorf("it was tried %d times, want %d", broken, tries)
		}
		if object, err := s.Stat(t.Context(), "a.mp3"); !errors.Is(err, protocol.ErrNoObject) {
			t.Errorf("it has left %+v, %v", object, err)
		}
		broken = tries - 1
		if err := put(t.Context(), s, "a.mp3", text); err != nil || get(t, s, "a.mp3") != text {
			t.Errorf("a connection that broke once: %v", err)
		}
	}
}

// does is no audio: it does something when it is its turn.
type does func()

func (d does) Read([]byte) (int, error) {
	d()
	return 0, io.EOF
}

type closes func()

func (c closes) Close() error {
	c()
	return nil
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestS3RefusesBeforeTheAudioGoes would lose the refusal in a connection that breaks
// under bytes nobody reads.
func TestS3RefusesBeforeTheAudioGoes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer server.Close()
	var gone atomic.Bool
	over := make(chan struct{}) // when the transport has done with the audio
	next := newTransport(stall)
	s, err := OpenS3(S3Config{
		Bucket: bucket, Endpoint: server.URL, Region: "us-east-1", AccessKey: accessKey, SecretKey: secretKey,
		transport: tripper(func(r *http.Request) (*http.Response, error) {
			r.Body = struct {
				io.Reader
				closes
			}{io.MultiReader(does(func() { gone.Store(true) }), r.Body), sync.OnceFunc(func() { close(over) })}
			return next.RoundTrip(r)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, put(t.Context(), s, "a.mp3", strings.Repeat("x", 5<<20)), protocol.TroubleRefused, "allow them")
	<-over
	if gone.Load() {
		t.Error("audio was sent to who had not asked for it")
	}
}

// TestS3BreaksOffWhileRead has a server that promises more than it gives.
func TestS3BreaksOffWhileRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("Last-Modified", "Mon, 23 Nov 2026 07:00:00 GMT")
		_, _ = io.WriteString(w, "0123456789")
	}))
	defer server.Close()
	s, err := OpenS3(S3Config{Bucket: bucket, Endpoint: server.URL, Region: "us-east-1", AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), "a.mp3", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = io.ReadAll(r)
	refused(t, err, protocol.TroubleLater, "read a.mp3 in the bucket")
}

func TestS3KeepsTheMediaType(t *testing.T) {
	s := startS3(t, false).open(t, nil)
	for given, want := range map[string]string{"audio/x-wav": "audio/x-wav", "": "audio/mpeg"} {
		if _, err := s.Put(t.Context(), "a.mp3", given, 1, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Stat(t.Context(), "a.mp3"); err != nil || got.ContentType != want {
			t.Errorf("put as %q it is %q, %v", given, got.ContentType, err)
		}
	}
}

func TestS3DeletesWhatIsNotThere(t *testing.T) {
	s := answering(t, func(*http.Request) (int, string) {
		return http.StatusNotFound, "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>"
	})
	if err := s.Delete(t.Context(), "a.mp3"); err != nil {
		t.Error(err)
	}
}
