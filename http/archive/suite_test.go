package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
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

func TestMain(m *testing.M) {
	minio.DefaultRetryUnit = time.Millisecond // what waits between tries is the client's
	// A proxy that is nowhere: whoever asks it fails.
	os.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	os.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	os.Exit(m.Run())
}
