package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"maskswitch/actors/protocol"
)

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
