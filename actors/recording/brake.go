package recording

import (
	"net/http"
	"time"

	"maskswitch/actors/protocol"
)

const (
	brakeAfter = 3                // failures of the archive in a row
	probeEvery = 10 * time.Second // how often a failing archive is tried
	calmLeast  = 5 * time.Second  // when the carrier has said "too many requests" and not for how long
)

// brake holds recordings back while trying them would only do harm. A failing
// archive is tried with one recording at a time: every other would be downloaded
// for nothing. A carrier that wants to be asked less is asked nothing.
type brake struct {
	failed  int // times in a row that the archive has failed
	probeAt time.Time
	calm    [acts]time.Time // what is due waits until then
}

// tried is what came of one try.
type tried struct {
	act     Act
	err     *protocol.RecordingError // nil: it worked
	archive bool                     // the error is the archive's
}

// note learns from a try. It says whether the brake has come on, or off.
func (b *brake) note(t tried, now time.Time) (changed bool) {
	was := b.on()
	switch {
	case t.act != ActFetch:
	case t.archive:
		b.failed++
		b.probeAt = now.Add(probeEvery)
	case t.err == nil:
		b.failed = 0
	case was:
		b.probeAt = now.Add(probeEvery) // it has told nothing of the archive
	}
	if t.err != nil && t.err.Status == http.StatusTooManyRequests && !t.archive {
		until := now.Add(min(max(t.err.After, calmLeast), afterMost))
		for act := range b.calm {
			if alike(Act(act), t.act) && until.After(b.calm[act]) {
				b.calm[act] = until
			}
		}
	}
	return was != b.on()
}

// alike says whether two acts ask the same host: summaries have one of their own.
func alike(a, b Act) bool { return (a == ActSummarise) == (b == ActSummarise) }

// on says whether the archive counts as failing.
func (b *brake) on() bool { return b.failed >= brakeAfter }

// free is when one more act may begin beside those that run; false if one of
// those has to end first.
func (b *brake) free(act Act, running int) (time.Time, bool) {
	at := b.calm[act]
	if act != ActFetch || !b.on() {
		return at, true
	}
	if b.probeAt.After(at) {
		at = b.probeAt
	}
	return at, running == 0
}
