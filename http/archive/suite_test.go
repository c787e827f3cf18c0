package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/minio/minio-go/v7"

	"maskswitch/actors/protocol"
)

// archive is what both are, in the words of who uses them.
type archive interface {
	Put(ctx context.Context, name, contentType string, size int64, audio io.Reader) (protocol.Object, error)
	Stat(ctx context.Context, name string) (protocol.Object, error)
	Open(ctx context.Context, name string, from, length int64) (io.ReadCloser, error)
	Delete(ctx context.Context, name string) error
}

func TestDirectory(t *testing.T) {
	d, dir := newDirectory(t)
	judge(t, d)
	if left := filesIn(t, filepath.Join(dir, parts)); len(left) > 0 {
		t.Errorf("left unfinished: %q", left)
	}
}

func newDirectory(t *testing.T) (*Directory, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "recordings")
	d, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, dir
}

// filesIn lists the files below a folder.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestS3(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "http", true: "https"}[secure], func(t *testing.T) {
			server := startS3(t, secure)
			spool := t.TempDir()
			seen := &witness{keys: []protocol.Secret{accessKey, secretKey}}
			s := server.open(t, func(c *S3Config) {
				seen.next, c.transport, c.Spool = c.transport, seen, spool
			})
			if err := s.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := live()
			judge(t, s)
			seen.check(t)
			t.Logf("%d KiB were in memory while 64 MiB went up", (seen.peak-before)>>10)
			if seen.peak == 0 || seen.peak > before+most {
				t.Errorf("more than %d bytes were in memory, or nothing went up", most)
			}
			if left := filesIn(t, spool); len(left) > 0 {
				t.Errorf("left in the spool: %q", left)
			}
			client, err := s.client(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for o := range client.Client.ListObjectsIter(t.Context(), bucket, listAll) {
				if strings.HasPrefix(o.Key, "maskswitch-check/") {
					t.Errorf("the check has left %s", o.Key)
				}
			}
		})
	}
}

// judge holds an archive to what recording.Archive promises.
func judge(t *testing.T, a archive) {
	for _, test := range []struct {
		name string
		test func(*testing.T, archive)
	}{
		{"kept", testKept},
		{"ranges", testRanges},
		{"names", testNames},
		{"refused names", testRefusedNames},
		{"nothing", testNothing},
		{"failing audio", testFailingAudio},
		{"context", testContext},
		{"one name", testOneName},
		{"empty", testEmpty},
		{"long", testLong},
	} {
		t.Run(test.name, func(t *testing.T) { test.test(t, a) })
	}
}

func testKept(t *testing.T, a archive) {
	ctx, name := t.Context(), "2026/11/23/booking/kept.mp3"
	for _, text := range []string{"the first words", "others", strings.Repeat("and more of them ", 100_000)} {
		for _, size := range []int64{int64(len(text)), -1, -7} {
			// Whatever a reader does that readers may do.
			audio := iotest.DataErrReader(strings.NewReader(text))
			if size < -1 {
				audio = iotest.HalfReader(strings.NewReader(text))
			}
			want := protocol.Object{Name: name, Bytes: int64(len(text)), ContentType: "audio/mpeg"}
			got, err := a.Put(ctx, name, "audio/mpeg", size, audio)
			if err != nil || got != want {
				t.Fatalf("put: %+v, %v; want %+v", got, err, want)
			}
			if got, err := a.Stat(ctx, name); err != nil || got != want {
				t.Errorf("stat: %+v, %v; want %+v", got, err, want)
			}
			if get(t, a, name) != text {
				t.Errorf("%d bytes were put, and others came back", len(text))
			}
		}
	}
	for range 2 {
		if err := a.Delete(ctx, name); err != nil {
			t.Errorf("delete: %v", err)
		}
		if _, err := a.Stat(ctx, name); !errors.Is(err, protocol.ErrNoObject) {
			t.Errorf("stat of what is deleted: %v", err)
		}
	}
}

func testRanges(t *testing.T, a archive) {
	name := "ranges.wav"
	if err := put(t.Context(), a, name, "0123456789"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		from, length int64
		want         string
	}{
		{0, -1, "0123456789"}, {0, 10, "0123456789"}, {0, 1, "0"}, {0, 0, ""}, {3, 4, "3456"}, {3, -1, "3456789"}, {3, -5, "3456789"},
		{9, 1, "9"}, {9, 50, "9"}, {3, math.MaxInt64, "3456789"}, {10, -1, ""}, {10, 1, ""}, {500, 7, ""}, {math.MaxInt64, -1, ""}, {math.MaxInt64, 5, ""},
	} {
		if got := piece(t, a, name, test.from, test.length); got != test.want {
			t.Errorf("%d from %d: %q, want %q", test.length, test.from, got, test.want)
		}
	}
	_, err := a.Open(t.Context(), name, -1, 1)
	refused(t, err, protocol.TroubleRefused, "cannot be read from byte -1")
}

func testNames(t *testing.T, a archive) {
	names := []string{
		"n/a.wav", "n/A.wav", "n/x=2f..wav", "n/a b.mp3", "n/a+b.mp3", "n/a%20b.mp3", "n/%2e%2e.mp3", "n/q?x=1&y.mp3", "n/#.mp3", "n/ü.mp3", "n/日本.mp3",
		"n/'\"<>|*:;,@$!~^`{}[]().mp3", "n/a..b", "n/-", "n/deep/er/still/x", "n/" + strings.Repeat("l", 150) + ".mp3",
	}
	for _, name := range names {
		if err := put(t.Context(), a, name, "is "+name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range names {
		if got := get(t, a, name); got != "is "+name {
			t.Errorf("%q: %q", name, got)
		}
		if err := a.Delete(t.Context(), name); err != nil {
			t.Errorf("delete %q: %v", name, err)
		}
	}
}

func testRefusedNames(t *testing.T, a archive) {
	for _, name := range []string{
		"", "/", "/x", "x/", "x//y", ".", "..", "../x", "x/..", "x/../y", "x/./y", ".parts/x", ".x", "x/.y", `x\y`, "x\x00y", "x\ny", "x\x7f", "\xff",
		strings.Repeat("l", 256), strings.Repeat("l/", 512) + "l",
	} {
		_, err := a.Put(t.Context(), name, "", -1, iotest.ErrReader(errors.New("this audio must not be read")))
		refused(t, err, protocol.TroubleRefused, "takes no object named")
		_, err = a.Stat(t.Context(), name)
		refused(t, err, protocol.TroubleRefused, "takes no object named")
		for _, length := range []int64{-1, 0} {
			_, err = a.Open(t.Context(), name, 0, length)
			refused(t, err, protocol.TroubleRefused, "takes no object named")
		}
		refused(t, a.Delete(t.Context(), name), protocol.TroubleRefused, "takes no object named")
	}
}

func testNothing(t *testing.T, a archive) {
	if err := put(t.Context(), a, "folder/there", "x"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"folder", "folder/not", "folder/there/not", "not/not/not"} {
		if _, err := a.Stat(t.Context(), name); !errors.Is(err, protocol.ErrNoObject) {
			t.Errorf("stat %s: %v", name, err)
		}
		for _, length := range []int64{-1, 0, 1} {
			if _, err := a.Open(t.Context(), name, 0, length); !errors.Is(err, protocol.ErrNoObject) {
				t.Errorf("open %s: %v", name, err)
			}
		}
		if err := a.Delete(t.Context(), name); err != nil {
			t.Errorf("delete %s: %v", name, err)
		}
	}
	if got := get(t, a, "folder/there"); got != "x" {
		t.Errorf("what is beside what was deleted is %q now", got)
	}
}

func testFailingAudio(t *testing.T, a archive) {
	broken := errors.New("the line has gone dead")
	var trouble *protocol.RecordingError
	for _, length := range []int{1, 5, 100_000, 3 << 20} {
		text := strings.Repeat("x", length)
		for _, test := range []struct {
			name  string
			size  int64
			audio io.Reader
			want  string // empty: broken
		}{
			{"at once", int64(length), iotest.ErrReader(broken), ""},
			{"in the middle", int64(length), io.MultiReader(strings.NewReader(text[:length/2]), iotest.ErrReader(broken)), ""},
			{"after the last byte", int64(length), io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), ""},
			{"in the middle, size unknown", -1, io.MultiReader(strings.NewReader(text[:length/2]), iotest.ErrReader(broken)), ""},
			{"too short", int64(length + 1), strings.NewReader(text), "only"},
			{"too long", int64(length - 1), strings.NewReader(text), "more came"},
			{"far too long", int64(length / 3), strings.NewReader(text), "more came"},
		} {
			for _, before := range []string{"", "what was there"} {
				name := fmt.Sprintf("failing/%d %s %s.mp3", length, test.name, before)
				if before != "" {
					if err := put(t.Context(), a, name, before); err != nil {
						t.Fatal(err)
					}
				}
				audio := test.audio
				if s, ok := audio.(*strings.Reader); ok {
					audio = strings.NewReader(text[:s.Size()])
				} else if before != "" {
					audio = io.MultiReader(strings.NewReader(text[:length/2]), iotest.ErrReader(broken)) // the first has been read
				}
				_, err := a.Put(t.Context(), name, "audio/mpeg", test.size, audio)
				switch {
				case test.want == "" && !errors.Is(err, broken):
					t.Errorf("%s: %v", name, err)
				case test.want != "" && (!errors.As(err, &trouble) || trouble.Trouble != protocol.TroubleBroken || !strings.Contains(err.Error(), test.want)):
					t.Errorf("%s: %v", name, err)
				}
				if before != "" {
					if got := get(t, a, name); got != before {
						t.Errorf("%s: %.40q", name, got)
					}
				} else if object, err := a.Stat(t.Context(), name); !errors.Is(err, protocol.ErrNoObject) {
					t.Errorf("%s: it has left %+v, %v", name, object, err)
				}
			}
		}
	}
}

func testContext(t *testing.T, a archive) {
	over, end := context.WithCancel(t.Context())
	end()
	if err := put(t.Context(), a, "context.mp3", "x"); err != nil {
		t.Fatal(err)
	}
	_, stat := a.Stat(over, "context.mp3")
	_, open := a.Open(over, "context.mp3", 0, -1)
	for what, err := range map[string]error{
		"put": put(over, a, "context.mp3", "other"), "stat": stat, "open": open, "delete": a.Delete(over, "context.mp3"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
	if got := get(t, a, "context.mp3"); got != "x" {
		t.Errorf("it has become %q", got)
	}
	for _, size := range []int64{-1, 10 << 20} {
		// In the middle of audio that goes on and on, and of audio that hangs.
		going, end := context.WithCancel(t.Context())
		_, err := a.Put(going, "ends.mp3", "", size, &endless{after: 1 << 20, then: end})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("put, ended in the middle: %v", err)
		}
		going, end = context.WithCancel(t.Context())
		hanging, hang := io.Pipe()
		context.AfterFunc(going, func() { hang.CloseWithError(going.Err()) })
		_, err = a.Put(going, "ends.mp3", "", size, io.MultiReader(io.LimitReader(&endless{after: 1 << 20, then: end}, 2<<20), hanging))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("put of what hangs: %v", err)
		}
	}
	if object, err := a.Stat(t.Context(), "ends.mp3"); !errors.Is(err, protocol.ErrNoObject) {
		t.Errorf("it has left %+v, %v", object, err)
	}
	testContextOfReads(t, a)
}

func testContextOfReads(t *testing.T, a archive) {
	if _, err := a.Put(t.Context(), "long read", "", 32<<20, io.LimitReader(&endless{}, 32<<20)); err != nil {
		t.Fatal(err)
	}
	going, end := context.WithCancel(t.Context())
	r, err := a.Open(going, "long read", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, 100); err != nil {
		t.Fatal(err)
	}
	end()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("read after the end: %v", err)
	}
}

// endless is audio without an end that does something after some bytes.
type endless struct {
	after int64
	then  func()
}

func (e *endless) Read(p []byte) (int, error) {
	if e.after -= int64(len(p)); e.after <= 0 && e.then != nil {
		e.then()
		e.then = nil
	}
	return len(p), nil
}

func testOneName(t *testing.T, a archive) {
	const name, length = "one/name.mp3", 300_000
	whole := func(text string) bool { return len(text) == length && strings.Trim(text, text[:1]) == "" }
	if err := put(t.Context(), a, name, strings.Repeat("0", length)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 4 {
				if err := put(t.Context(), a, name, strings.Repeat(string(rune('a'+i)), length)); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
		all.Go(func() {
			r, err := a.Open(t.Context(), name, 0, -1)
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			defer r.Close()
			text, err := io.ReadAll(r)
			if err != nil || !whole(string(text)) {
				t.Errorf("a mixture was read: %d bytes, %v", len(text), err)
			}
		})
	}
	all.Wait()
	if got := get(t, a, name); !whole(got) {
		t.Errorf("it has %d bytes, of several", len(got))
	}
}

func testEmpty(t *testing.T, a archive) {
	for _, size := range []int64{0, -1} {
		name := fmt.Sprintf("empty %d.wav", size)
		if _, err := a.Put(t.Context(), name, "audio/wav", size, strings.NewReader("")); err != nil {
			t.Errorf("put: %v", err)
		}
		if object, err := a.Stat(t.Context(), name); err != nil || object.Bytes != 0 || object.ContentType != "audio/wav" {
			t.Errorf("stat: %+v, %v", object, err)
		}
		if got := get(t, a, name) + piece(t, a, name, 0, 5) + piece(t, a, name, 5, -1); got != "" {
			t.Errorf("it reads %q", got)
		}
	}
	_, err := a.Put(t.Context(), "not empty.wav", "", 0, strings.NewReader("x"))
	refused(t, err, protocol.TroubleBroken, "more came")
	if _, err := a.Stat(t.Context(), "not empty.wav"); !errors.Is(err, protocol.ErrNoObject) {
		t.Errorf("stat: %v", err)
	}
}

// most is how many bytes may be in memory of an object, however long.
const most = 8 << 20

// testLong streams more than may be in memory.
func testLong(t *testing.T, a archive) {
	const length = 64 << 20
	for _, size := range []int64{length, -1} {
		audio := &random{dice: rand.NewChaCha8([32]byte{1}), left: length}
		sum, got := sha256.New(), sha256.New()
		before := live()
		if _, err := a.Put(t.Context(), "long.wav", "audio/wav", size, io.TeeReader(audio, sum)); err != nil {
			t.Fatal(err)
		}
		r, err := a.Open(t.Context(), "long.wav", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		read := &measured{from: r}
		n, err := io.Copy(got, read)
		r.Close()
		if err != nil || n != length || !bytes.Equal(got.Sum(nil), sum.Sum(nil)) {
			t.Errorf("%d bytes came back, %v, and they are others", n, err)
		}
		t.Logf("of %d bytes (size told: %t) %d KiB were in memory to put them, %d KiB to read them", length, size >= 0, (audio.peak-before)>>10, (read.peak-before)>>10)
		if max(audio.peak, read.peak) > before+most {
			t.Errorf("more than %d bytes were in memory", most)
		}
	}
	if err := a.Delete(t.Context(), "long.wav"); err != nil {
		t.Error(err)
	}
}

// live is how many bytes are in use.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// random is audio that measures the memory while it is read.
type random struct {
	dice       *rand.ChaCha8
	left, next int64
	peak       int64
}

func (r *random) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, _ := r.dice.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	if r.next -= int64(n); r.next <= 0 {
		r.next, r.peak = 8<<20, max(r.peak, live())
	}
	return n, nil
}

// measured measures the memory while something is read.
type measured struct {
	from io.Reader
	next int64
	peak int64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	if m.next -= int64(n); m.next <= 0 {
		m.next, m.peak = 8<<20, max(m.peak, live())
	}
	return n, err
}

func TestMain(m *testing.M) {
	minio.DefaultRetryUnit = time.Millisecond // what waits between tries is the client's
	// A proxy that is nowhere: whoever asks it fails.
	os.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	os.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	os.Exit(m.Run())
}
