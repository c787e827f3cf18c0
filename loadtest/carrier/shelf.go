package carrier

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// kept is a saved recording as the carrier keeps it. It holds on to nothing of
// its call, which may be forgotten before. What is not atomic never changes.
type kept struct {
	Recording
	nth                   uint64
	sound                 audio
	started, ended, saved time.Time // by the carrier's clock
	control, legID        string
	from, to              string
	by, object            string
	transcript            *transcript // nil: none was asked for
	call                  atomic.Pointer[Call]
	tries, fetches        atomic.Int32
	deleted               atomic.Bool
}

// seen is the recording as it stands.
func (k *kept) seen() Recording {
	r := k.Recording
	r.Tries, r.Fetches, r.Deleted = int(k.tries.Load()), int(k.fetches.Load()), k.deleted.Load()
	return r
}

// note wakes those who await a change of the call, if it is still known.
func (k *kept) note() {
	if call := k.call.Load(); call != nil {
		call.mu.Lock()
		call.note()
		call.mu.Unlock()
	}
}

// shelf is where saved recordings are, and what was done with them.
type shelf struct {
	life time.Duration // of those whose call is forgotten

	mu          sync.RWMutex     // taken with a Call's mutex held, never the other way round
	byID        map[string]*kept // deleted ones among them
	byObject    map[string]*kept // by the path of the file
	old         []forgotten      // in the order of forgetting
	leaks       []KeyLeak
	completions []Completion
	asked       map[string]uint64 // requests, by what they are about
}

type forgotten struct {
	at   time.Time
	kept *kept
}

// KeyLeak is a request for a recording's file that carried an Authorization
// header: the links lead to a storage service, which has no business with the
// key of the API.
type KeyLeak struct {
	At        time.Time
	Recording string // empty: the link led to no recording
	Call      uint64
}

func newShelf(life time.Duration) *shelf {
	return &shelf{life: life, byID: map[string]*kept{}, byObject: map[string]*kept{}, asked: map[string]uint64{}}
}

func (s *shelf) add(k *kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[k.ID], s.byObject[k.object] = k, k
}

// find is nil if there is no such recording any more.
func (s *shelf) find(id string) *kept {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.byID[id]; k != nil && !k.deleted.Load() {
		return k
	}
	return nil
}

func (s *shelf) file(path string) *kept {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byObject[path]
}

// list is all that there is, in no order.
func (s *shelf) list() []*kept {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*kept, 0, len(s.byID))
	for _, k := range s.byID {
		if !k.deleted.Load() {
			all = append(all, k)
		}
	}
	return all
}

// remove deletes a recording; its links are dead. nil: there is none.
func (s *shelf) remove(id string) *kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.byID[id]
	if k == nil || k.deleted.Swap(true) {
		return nil
	}
	delete(s.byObject, k.object)
	return k
}

// leave is told of a call that is forgotten: its recordings stay for some time.
func (s *shelf) leave(recordings []*recording, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range recordings {
		if r.kept != nil {
			r.kept.call.Store(nil)
			s.old = append(s.old, forgotten{now, r.kept})
		}
	}
	n := 0
	for ; n < len(s.old) && now.Sub(s.old[n].at) >= s.life; n++ {
		k := s.old[n].kept
		delete(s.byID, k.ID)
		delete(s.byObject, k.object)
		s.old[n] = forgotten{}
	}
	s.old = s.old[n:]
}

// leaked notes a key that was shown to the storage.
func (s *shelf) leaked(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := KeyLeak{At: time.Now()}
	if k := s.byObject[path]; k != nil {
		l.Recording, l.Call = k.ID, k.Call
	}
	s.leaks = append(s.leaks, l)
}

// nth counts the requests about one thing, from 1.
func (s *shelf) nth(about string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[about]++
	return s.asked[about]
}

// Recordings are all that were saved, in the order of their begin: those that
// the switch deleted among them, but not those that went with their calls (see
// Config.Shelf).
func (c *Carrier) Recordings() []Recording {
	c.shelf.mu.RLock()
	defer c.shelf.mu.RUnlock()
	var all []Recording
	for _, k := range c.shelf.byID {
		all = append(all, k.seen())
	}
	slices.SortFunc(all, func(a, b Recording) int { return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID)) })
	return all
}

// KeyLeaks are all requests that showed a key to the storage.
func (c *Carrier) KeyLeaks() []KeyLeak {
	c.shelf.mu.RLock()
	defer c.shelf.mu.RUnlock()
	return slices.Clone(c.shelf.leaks)
}
