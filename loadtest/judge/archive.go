package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"maskswitch/loadtest/carrier"
)

// Kept is a recording as the switch shows it.
type Kept struct {
	ID     string
	State  string // "archived", "pending", "lost"
	Why    string
	SHA256 string // hexadecimal, as Audio
	Bytes  int64
	// Audio is the SHA-256 of what the switch serves as its audio; empty: it was
	// not asked for, or Unread says why it could not be had.
	Audio, Unread string
}

// owed is a recording that the switch has to have. It never changes.
type owed struct {
	carrier.Recording
	bookings []string // of which one must show it
	summary  bool     // some of them want one
	due      time.Time
	ladder   string
}

// archive is all recordings that were judged, by id.
type archive struct {
	mu   sync.Mutex
	owed map[string]*owed
}

// owe notes the recordings of a call. One of which the carrier's event was
// never taken is due when the switch must have looked for it by itself.
func (h *hearing) owe() {
	if !h.cfg.Archive || !h.l.Over || len(h.l.Recordings) == 0 {
		return
	}
	ladder := h.l.Ladder()
	h.archive.mu.Lock()
	defer h.archive.mu.Unlock()
	for i := range h.l.Recordings {
		r := h.l.Recordings[i]
		if r.Size == 0 || len(h.rec.bookings) == 0 {
			continue
		}
		o := &owed{Recording: r, bookings: h.rec.bookings, summary: h.rec.summary, due: r.Ended, ladder: ladder}
		if !h.toldOf(r.ID) {
			o.due = r.Ended.Add(h.cfg.Lookup)
		}
		h.archive.owed[r.ID] = o
	}
}

// toldOf says whether the switch took an event about a recording.
func (h *hearing) toldOf(recording string) bool {
	for i := range h.l.Events {
		if e := &h.l.Events[i]; e.Kind == "call.recording.saved" && e.Recording == recording && e.Accepted {
			return true
		}
	}
	return false
}

// Shelved are the bookings whose recordings have to be asked for.
func (r *Register) Shelved() []string {
	r.archive.mu.Lock()
	defer r.archive.mu.Unlock()
	all := map[string]struct{}{}
	for _, o := range r.archive.owed {
		for _, id := range o.bookings {
			all[id] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Archive is how what the switch shows compares with what the carrier made.
type Archive struct {
	Whole    int       // recordings that are there, byte for byte
	NotDue   int       // that are not there, and need not yet
	Waiting  []string  // bookings that lack one which may still come
	Findings []Finding // as things stand: what may still come counts as missing
}

// Archived holds what the switch shows, by booking, against what the carrier
// made. made has the SHA-256 of all that it ever made, of calls that were not
// judged too. until is when the switch will be asked for the last time: what is
// not due by then is owed nothing. Nothing is remembered of an earlier look.
func (r *Register) Archived(shown map[string][]Kept, made map[string]bool, until time.Time) Archive {
	r.archive.mu.Lock()
	defer r.archive.mu.Unlock()
	bySum := make(map[string]*owed, len(r.archive.owed))
	for _, o := range r.archive.owed {
		bySum[o.SHA256] = o
	}
	l := look{at: r.now(), until: until, rows: map[*owed][]row{}, archive: &Archive{}}
	for _, booking := range slices.Sorted(maps.Keys(shown)) {
		for _, k := range shown[booking] {
			o := r.archive.owed[k.ID]
			if o == nil {
				o = bySum[k.SHA256]
			}
			switch {
			case o != nil:
				l.rows[o] = append(l.rows[o], row{k, booking})
			case k.State == "archived" && !made[k.SHA256]:
				l.find(RecordingAltered, nil, booking, "the archive has recording %s with SHA-256 %s, and the carrier never made such a file", k.ID, k.SHA256)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.archive.owed)) {
		l.judge(r.archive.owed[id])
	}
	slices.Sort(l.archive.Waiting)
	l.archive.Waiting = slices.Compact(l.archive.Waiting)
	return *l.archive
}

// row is a recording in the list of a booking.
type row struct {
	Kept
	booking string
}

// look is one comparison.
type look struct {
	at      time.Time
	until   time.Time
	rows    map[*owed][]row // about each recording
	archive *Archive
}

func (l *look) find(kind Kind, o *owed, booking, format string, args ...any) {
	f := Finding{Kind: kind, Booking: booking, At: l.at, Text: fmt.Sprintf(format, args...)}
	if o != nil {
		f.Call, f.Ladder = o.Call, o.ladder
	}
	l.archive.Findings = append(l.archive.Findings, f)
}

// wait has the switch asked again for a recording.
func (l *look) wait(o *owed) { l.archive.Waiting = append(l.archive.Waiting, o.bookings...) }

// judge looks at all that is shown of one recording.
func (l *look) judge(o *owed) {
	there, given := 0, false
	how := "it shows nothing of it"
	for _, k := range l.rows[o] {
		switch {
		case !slices.Contains(o.bookings, k.booking):
			how = "it is among those of booking " + k.booking
			continue
		case k.State != "archived":
			how, given = "it is "+strings.TrimSpace(k.State+" "+k.Why), k.State == "lost" || k.State == "erased"
			continue
		}
		if there++; there > 1 {
			l.find(RecordingTwice, o, k.booking, "recording %s is in the archive more than once, here as %s", o.ID, k.ID)
			continue
		}
		switch {
		case k.SHA256 != o.SHA256 || k.Bytes != o.Size:
			l.find(RecordingAltered, o, k.booking, "recording %s: the carrier made %d bytes with SHA-256 %s, the switch has %d with %s", o.ID, o.Size, o.SHA256, k.Bytes, k.SHA256)
		case k.Unread != "":
			l.wait(o)
			l.find(RecordingMissing, o, k.booking, "recording %s is said to be in the archive, and its audio cannot be had: %s", o.ID, k.Unread)
		case k.Audio != "" && k.Audio != o.SHA256:
			l.find(RecordingAltered, o, k.booking, "recording %s: the switch tells the SHA-256 that the carrier's file has (%s), and serves a file with %s", o.ID, o.SHA256, k.Audio)
		default:
			l.archive.Whole++
		}
	}
	switch {
	case there > 0:
	case l.until.Before(o.due):
		l.archive.NotDue++
	default:
		if !given {
			l.wait(o)
		}
		l.find(RecordingMissing, o, o.bookings[0], "recording %s of %d bytes was saved at the carrier; the switch was asked for the recordings of the booking, and %s", o.ID, o.Size, how)
	}
}

// KeysShown judges requests to the carrier's storage that carried a key.
func (r *Register) KeysShown(leaks []carrier.KeyLeak) (found []Finding) {
	r.archive.mu.Lock()
	defer r.archive.mu.Unlock()
	for _, l := range leaks {
		f := Finding{Kind: KeyLeaked, At: l.At, Text: "a recording was fetched with an Authorization header; its link is signed and leads to a storage service, which must not see the key of the carrier's API"}
		if o := r.archive.owed[l.Recording]; o != nil {
			f.Call, f.Booking, f.Ladder = o.Call, o.bookings[0], o.ladder
		}
		found = append(found, f)
	}
	return found
}

// Summed judges requests to the carrier's language models.
func (r *Register) Summed(done []carrier.Completion) (found []Finding) {
	r.archive.mu.Lock()
	defer r.archive.mu.Unlock()
	for _, c := range done {
		for _, id := range c.Recordings {
			if o := r.archive.owed[id]; o != nil && !o.summary {
				found = append(found, Finding{Kind: SummaryUnasked, Call: o.Call, Booking: o.bookings[0], At: c.At, Ladder: o.ladder,
					Text: "the booking wants no summary; what was said in its call was given to a language model"})
			}
		}
		for _, n := range c.Leaks {
			found = append(found, Finding{Kind: NumberShown, At: c.At,
				Text: fmt.Sprintf("a language model was given the party's number %s, which was told in the call; numbers have to be masked in a transcript before that", n)})
		}
	}
	return found
}
