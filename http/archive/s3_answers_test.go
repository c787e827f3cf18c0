package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

func TestS3WithVersions(t *testing.T) {
	server := startS3(t, false, "--versioning-dir", t.TempDir())
	s := server.open(t, nil)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err := s.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.EnableVersioning(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	refused(t, s.Check(t.Context()), protocol.TroubleRefused, "switch its versioning off")
}

// TestS3Redirected has a server send the client, and the keys, to another.
func TestS3Redirected(t *testing.T) {
	var other atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		}))
		s, err := OpenS3(S3Config{Bucket: bucket, Endpoint: server.URL, Region: "us-east-1", AccessKey: accessKey, SecretKey: secretKey})
		if err != nil {
			t.Fatal(err)
		}
		_, stat := s.Stat(t.Context(), "a.mp3")
		_, open := s.Open(t.Context(), "a.mp3", 0, -1)
		for _, err := range []error{put(t.Context(), s, "a.mp3", "x"), stat, open, s.Delete(t.Context(), "a.mp3"), s.Check(t.Context())} {
			refused(t, err, protocol.TroubleRefused, "somewhere else")
		}
		server.Close()
	}
	if n := other.Load(); n > 0 {
		t.Errorf("%d requests were led to another server", n)
	}
}

// TestS3Answers has a server say what real ones say, and what none should.
func TestS3Answers(t *testing.T) {
	later, mend := protocol.TroubleLater, protocol.TroubleRefused
	for _, test := range []struct {
		status int
		code   string
		kind   protocol.RecordingTrouble
		want   string
	}{
		{403, "AccessDenied", mend, "allow them"},
		{403, "InvalidAccessKeyId", mend, "the keys are wrong"},
		{403, "SignatureDoesNotMatch", mend, "the keys are wrong"},
		{403, "RequestTimeTooSkewed", mend, "the clock"},
		{401, "Whatever", mend, "the keys are wrong"},
		{402, "Whatever", mend, "wants to be paid"},
		{400, "AuthorizationHeaderMalformed", mend, "STORAGE_REGION"},
		{400, "Whatever", mend, "see what the storage says"},
		{404, "NoSuchBucket", mend, "no bucket named"},
		{404, "Whatever", mend, "see what the storage says"},
		{405, "MethodNotAllowed", mend, "see what the storage says"},
		{501, "NotImplemented", mend, "see what the storage says"},
		{507, "InsufficientStorage", mend, "make some"},
		{400, "RequestTimeout", later, "busy"},
		{409, "OperationAborted", later, "busy"},
		{429, "TooManyRequests", later, "busy"},
		{500, "InternalError", later, "busy"},
		{503, "SlowDown", later, "busy"},
	} {
		s := answering(t, func(*http.Request) (int, string) {
			return test.status, fmt.Sprintf("<Error><Code>%s</Code><Message>your key %s%s is %s</Message></Error>", test.code, strings.Repeat("x", 190), accessKey, secretKey)
		})
		for op, err := range map[string]error{"put": put(t.Context(), s, "a.mp3", "x"), "delete": s.Delete(t.Context(), "a.mp3")} {
			t.Run(fmt.Sprintf("%d %s %s", test.status, test.code, op), func(t *testing.T) {
				refused(t, err, test.kind, test.want)
				var known *protocol.RecordingError
				if errors.As(err, &known) && known.Status != test.status {
					t.Errorf("status %d", known.Status)
				}
				if strings.Contains(err.Error(), accessKey[:8]) {
					t.Errorf("half a key in: %v", err)
				}
			})
		}
	}
}

// answering is an archive whose server is a function.
func answering(t *testing.T, f handle) *S3 {
	t.Helper()
	s, err := OpenS3(S3Config{
		Bucket: bucket, Endpoint: "https://s3.example.com", Region: "us-east-1", AccessKey: accessKey, SecretKey: secretKey, Spool: t.TempDir(), transport: f,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestS3ThatKnowsNoRanges(t *testing.T) {
	s := answering(t, func(*http.Request) (int, string) { return http.StatusOK, "0123456789" })
	if got := get(t, s, "a.mp3"); got != "0123456789" {
		t.Errorf("whole it is %q", got)
	}
	_, err := s.Open(t.Context(), "a.mp3", 3, -1)
	refused(t, err, protocol.TroubleRefused, "from their beginning only")
}

func TestS3TakesNoMoreThanOneRequestCarries(t *testing.T) {
	s := answering(t, func(r *http.Request) (int, string) {
		t.Errorf("asked: %s %s", r.Method, r.URL)
		return http.StatusOK, ""
	})
	_, err := s.Put(t.Context(), "a.wav", "", largest+1, errReader{})
	refused(t, err, protocol.TroubleRefused, "more than the 5000000000 bytes")
	in := &intake{ctx: t.Context(), audio: &endless{}, size: -1, most: 1000}
	_, err = io.Copy(io.Discard, in)
	refused(t, err, protocol.TroubleRefused, "more than the 1000 bytes")
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("this must not be read") }

func TestS3WithoutASpool(t *testing.T) {
	s := answering(t, func(*http.Request) (int, string) { return http.StatusOK, "" })
	s.config.Spool = filepath.Join(t.TempDir(), "not there")
	refused(t, put(t.Context(), s, "a.mp3", "x"), protocol.TroubleRefused, "the folder for files on their way")
}

func TestS3CheckOfAStorageThatForgets(t *testing.T) {
	s := answering(t, func(r *http.Request) (int, string) {
		if r.Method == http.MethodDelete {
			return http.StatusNoContent, ""
		}
		return http.StatusOK, "something else"
	})
	refused(t, s.Check(t.Context()), protocol.TroubleBroken, "gives back something else")
}

// TestS3Stalled has a server that takes a connection and then nothing.
func TestS3Stalled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var taken atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken.Add(1)
			defer c.Close()
		}
	}()
	s, err := OpenS3(S3Config{
		Bucket: bucket, Endpoint: "http://" + l.Addr().String(), Region: "us-east-1", AccessKey: accessKey, SecretKey: secretKey,
		transport: newTransport(100 * time.Millisecond),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Stat(t.Context(), "a.mp3")
	refused(t, err, protocol.TroubleLater, "did not answer in time")
	_, err = s.Put(t.Context(), "a.mp3", "", 64<<20, io.LimitReader(&endless{}, 64<<20))
	refused(t, err, protocol.TroubleLater, "put a.mp3")
	if n := taken.Load(); n < 2 {
		t.Errorf("%d connections were taken", n)
	}
}

// TestS3SlowReader reads more slowly than a connection may be without a byte.
func TestS3SlowReader(t *testing.T) {
	server := startS3(t, false)
	const stall = 50 * time.Millisecond
	s := server.open(t, func(c *S3Config) { c.transport = newTransport(stall) })
	const length = 32 << 20
	if _, err := s.Put(t.Context(), "a.wav", "", length, io.LimitReader(&endless{}, length)); err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), "a.wav", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, 1000); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * stall) // the time that passes is what is tested
	if n, err := io.Copy(io.Discard, r); err != nil || n != length-1000 {
		t.Errorf("after a rest %d bytes came, %v", n, err)
	}
}

// TestS3EndsWithItsContext has a server that answers nothing until it has ended.
func TestS3EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-over
	}))
	defer server.Close()
	defer close(over)
	s, err := OpenS3(S3Config{Bucket: bucket, Endpoint: server.URL, Region: "us-east-1", AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(ctx, s, "a.mp3", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
}
