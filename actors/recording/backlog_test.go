package recording

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// heap is a store that keeps a great many recordings in little space, so that
// what is measured is the queue's. Row n is the nth by age.
type heap struct {
	Store
	mu     sync.Mutex
	began  time.Time
	status []protocol.RecordingStatus
	next   []time.Duration // since began
	order  []int           // scratch
	asked  int
}

func newHeap(n int) *heap {
	s := &heap{began: time.Now().Add(-time.Hour), status: make([]protocol.RecordingStatus, n), next: make([]time.Duration, n), order: make([]int, 0, n)}
	for i := range s.next {
		s.next[i] = time.Duration(i)
	}
	return s
}

func heapID(n int) protocol.RecordingID { return protocol.RecordingID(fmt.Sprintf("r%09d", n)) }

func heapNumber(id protocol.RecordingID) int {
	var n int
	_, _ = fmt.Sscanf(string(id), "r%d", &n)
	return n
}

func (s *heap) row(n int) protocol.Recording {
	r := protocol.Recording{ID: heapID(n), Format: "mp3", Status: s.status[n], StartedAt: s.began, NoticedAt: s.began}
	if s.next[n] >= 0 {
		r.NextTryAt = s.began.Add(s.next[n])
	}
	return r
}

func (s *heap) Recording(_ context.Context, id protocol.RecordingID) (protocol.Recording, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.row(heapNumber(id)), nil
}

func (s *heap) OldestPending(context.Context, protocol.Partition) (int, time.Time, error) {
	return 0, time.Time{}, nil
}

func (s *heap) DueRecordings(_ context.Context, _ protocol.Partition, after protocol.RecordingDue, limit int) ([]protocol.Recording, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = max(s.asked, limit)
	s.order = s.order[:0]
	for n, at := range s.next {
		if later := s.began.Add(at).Compare(after.At); at >= 0 && (later > 0 || later == 0 && heapID(n) > after.ID) {
			s.order = append(s.order, n)
		}
	}
	slices.SortStableFunc(s.order, func(a, b int) int { return cmp.Compare(s.next[a], s.next[b]) })
	var due []protocol.Recording
	for _, n := range s.order[:min(limit, len(s.order))] {
		due = append(due, s.row(n))
	}
	return due, nil
}

func (s *heap) Append(c journal.Change, done journal.Done) error {
	s.mu.Lock()
	for _, r := range c.Recorded {
		n := heapNumber(r.ID)
		s.status[n], s.next[n] = r.Status, -1
		if !r.NextTryAt.IsZero() {
			s.next[n] = r.NextTryAt.Sub(s.began)
		}
	}
	s.mu.Unlock()
	go done(nil)
	return nil
}

func (s *heap) most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *heap) archived(upTo int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, status := range s.status[:upTo] {
		if status == protocol.RecordingArchived {
			n++
		}
	}
	return n
}

// none is an archive that forgets what it takes, so that it takes no space.
type none struct {
	Archive
	down func() bool
}

func (a *none) Stat(ctx context.Context, name string) (protocol.Object, error) {
	if a.down() {
		return protocol.Object{}, errors.New("down")
	}
	return protocol.Object{Bytes: int64(len(silence))}, nil
}

const silence = "ID3 .........."

func (a *none) Put(_ context.Context, _, _ string, _ int64, audio io.Reader) (protocol.Object, error) {
	_, err := io.Copy(io.Discard, audio)
	return protocol.Object{}, err
}

func (a *none) Open(ctx context.Context, name string, from, length int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(silence)), nil
}

// TestBacklog: however many wait, a few thousand are in memory, and the oldest
// come first.
func TestBacklog(t *testing.T) {
	const n = 100_000
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		store := newHeap(n)
		var mu sync.Mutex
		down := true
		w.config.Parallel = 8
		w.bootWith(func(c *Config) {
			c.Store, c.Journal = store, store
			c.Archive = &none{down: func() bool { mu.Lock(); defer mu.Unlock(); return down }}
			c.Carrier = &backlogCarrier{}
			c.Observer = nil
		})
		use := func() int64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before := use()
		check := func(when string) {
			t.Helper()
			if grown := use() - before; grown > 16<<20 { // 9 of it are the library's registry, once and for all
				t.Errorf("%s: %d MB for a backlog of %d", when, grown>>20, n)
			}
		}
		time.Sleep(20 * time.Minute) // the whole backlog is walked through
		check("while the archive is out")
		mu.Lock()
		down = false
		mu.Unlock()
		for store.archived(n) < 3*laneMost {
			time.Sleep(10 * time.Millisecond)
		}
		check("while it is worked off")
		if most := store.most(); most > 2*portion {
			t.Errorf("%d rows read at once", most)
		}
		if oldest, all := store.archived(3*laneMost), store.archived(n); oldest < all*3/4 {
			t.Errorf("%d of the %d that are archived are among the oldest", oldest, all)
		}
	})
}

type backlogCarrier struct{ Carrier }

func (*backlogCarrier) Recording(_ context.Context, id protocol.RecordingID) (protocol.CarrierRecording, error) {
	return protocol.CarrierRecording{ID: id, Links: map[string]protocol.Secret{"mp3": "link"}}, nil
}

func (*backlogCarrier) Download(context.Context, protocol.Secret) (protocol.Audio, error) {
	time.Sleep(10 * time.Millisecond)
	return protocol.Audio{ReadCloser: io.NopCloser(strings.NewReader(silence)), Bytes: int64(len(silence)), ContentType: "audio/mpeg"}, nil
}
