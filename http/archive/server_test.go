package archive

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"maskswitch/actors/protocol"
)

const (
	bucket    = "recordings"
	accessKey = "an-access-key-of-the-tests"
	secretKey = "a-secret-key-of-the-tests"
)

// s3Server is a real S3 server, over a folder.
type s3Server struct {
	address string
	roots   *x509.CertPool // nil: it speaks http
	args    []string
	life    *life
}

// life is one process of a server.
type life struct {
	process *exec.Cmd
	said    bytes.Buffer
	gone    chan struct{} // closed when it has ended and been waited for
}

// s3Program is where the server is. In CI it must be there.
func s3Program(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("../../.ci/s3server", "-n").Output()
	program := strings.TrimSpace(string(out))
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("the S3 server is missing, so that CI has not tested the archive: run .ci/s3server (%v)", err)
	}
	if err != nil {
		t.Skipf("NOT TESTED: S3, since its server is missing: run .ci/s3server, which builds it once (%v)", err)
	}
	return program
}

// startS3 starts a server that has the bucket.
func startS3(t *testing.T, secure bool, more ...string) *s3Server {
	t.Helper()
	program := s3Program(t)
	data, side := t.TempDir(), t.TempDir()
	s := &s3Server{address: freeAddress(t)}
	s.args = []string{program, "--port", s.address, "--access", accessKey, "--secret", secretKey, "--quiet", "--keep-alive"}
	if secure {
		var certificate, key string
		certificate, key, s.roots = newCertificate(t)
		s.args = append(s.args, "--cert", certificate, "--key", key)
	}
	s.args = append(s.args, "posix", "--sidecar", side)
	s.args = append(s.args, more...)
	s.args = append(s.args, data)
	s.start(t)
	archive := s.open(t, nil)
	client, err := archive.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatalf("make a bucket: %v", err)
	}
	return s
}

// freeAddress finds a port below the range that connections take theirs from.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := "127.0.0.1:" + strconv.Itoa(20_000+rand.IntN(10_000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// start begins a life of the server, which ends with the test at the latest.
func (s *s3Server) start(t *testing.T) {
	t.Helper()
	begun := &life{process: exec.Command(s.args[0], s.args[1:]...), gone: make(chan struct{})}
	begun.process.Stdout, begun.process.Stderr = &begun.said, &begun.said
	if err := begun.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = begun.process.Wait() // it is killed in the end
		close(begun.gone)
	}()
	t.Cleanup(begun.kill)
	s.life = begun
	for {
		c, err := net.Dial("tcp", s.address)
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-begun.gone:
			t.Fatalf("the S3 server has ended: %s", begun.said.String())
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// kill ends the server as a power cut does.
func (l *life) kill() {
	_ = l.process.Process.Kill() // it fails if it has ended
	<-l.gone
}

func (s *s3Server) config() S3Config {
	scheme := "http://"
	transport := newTransport(stall)
	if s.roots != nil {
		scheme = "https://"
		transport.TLSClientConfig.RootCAs = s.roots
	}
	return S3Config{Bucket: bucket, Endpoint: scheme + s.address, AccessKey: accessKey, SecretKey: secretKey, transport: transport}
}

// open opens the archive there, with what change makes of its configuration.
func (s *s3Server) open(t *testing.T, change func(*S3Config)) *S3 {
	t.Helper()
	config := s.config()
	if change != nil {
		change(&config)
	}
	archive, err := OpenS3(config)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// witness sees every request on its way, and has words about what it should not show.
type witness struct {
	next http.RoundTripper
	keys []protocol.Secret

	mu     sync.Mutex
	seen   []*http.Request
	faults []string
	peak   int64 // bytes in memory while much went up
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.seen = append(w.seen, r)
	url := r.URL.String()
	for _, key := range w.keys {
		if strings.Contains(url, string(key)) {
			w.faults = append(w.faults, "a key in a URL: "+url)
		}
	}
	for param := range r.URL.Query() {
		switch param := strings.ToLower(param); {
		case strings.HasPrefix(param, "x-amz-"):
			w.faults = append(w.faults, "a presigned URL: "+url)
		case param == "uploads", param == "uploadid", param == "partnumber":
			w.faults = append(w.faults, "an upload in parts: "+url)
		}
	}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if strings.Contains(name, "checksum") || strings.Contains(name, "trailer") || strings.Contains(strings.ToLower(strings.Join(values, " ")), "trailer") {
			w.faults = append(w.faults, "a header that not every S3 knows: "+name)
		}
	}
	w.mu.Unlock()
	if r.ContentLength < 2*most {
		return w.next.RoundTrip(r)
	}
	up := &measured{from: r.Body}
	r = r.Clone(r.Context())
	r.Body = struct {
		io.Reader
		io.Closer
	}{up, r.Body}
	answer, err := w.next.RoundTrip(r)
	if err == nil {
		w.mu.Lock()
		w.peak = max(w.peak, up.peak)
		w.mu.Unlock()
	}
	return answer, err
}

// check tells of all faults, and fails if nothing came by.
func (w *witness) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, fault := range w.faults {
		t.Error(fault)
	}
	if len(w.seen) == 0 {
		t.Error("no request has been seen")
	}
}

// handle makes a way to a server that is a function.
type handle func(r *http.Request) (status int, body string)

func (h handle) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	status, body := h(r)
	if status == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}
	}
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Last-Modified": {"Mon, 23 Nov 2026 07:00:00 GMT"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// refused checks an error: of that trouble, in these words, without a key.
func refused(t *testing.T, err error, kind protocol.RecordingTrouble, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one of trouble %q with %q", kind, words)
	}
	if got := troubleOf(err); got != kind {
		t.Errorf("trouble %q, want %q: %v", got, kind, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("want %q in: %v", word, err)
		}
	}
	for _, key := range []string{accessKey, secretKey, apiKey} {
		if strings.Contains(err.Error(), key) {
			t.Errorf("a key in: %v", err)
		}
	}
}

func put(ctx context.Context, a archive, name, text string) error {
	_, err := a.Put(ctx, name, typeOf(name), int64(len(text)), strings.NewReader(text))
	return err
}

func get(t *testing.T, a archive, name string) string {
	t.Helper()
	return piece(t, a, name, 0, -1)
}

func piece(t *testing.T, a archive, name string, from, length int64) string {
	t.Helper()
	r, err := a.Open(t.Context(), name, from, length)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// listAll lists every object of a bucket.
var listAll = minio.ListObjectsOptions{Recursive: true}

// apiKey stands for the carrier's.
const apiKey = "KEY0123456789ABCDEF_of-the-tests"
