package order

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// failed tries again later if that may help, and gives up if not.
func (j *Job) failed(err error, now time.Time) {
	j.Trouble = err.Error()
	if refusal := refusalOf(err); refusal.Remedy == protocol.RemedyLater {
		j.retry(refusal.After, now)
		return
	}
	j.giveUp(j.Trouble, now)
}

// retry sets the next try, after a pause that grows. If that would be after the
// deadline, it gives up.
func (j *Job) retry(atLeast time.Duration, now time.Time) {
	j.Tries++
	pause := min(firstPause<<min(j.Tries-1, 16), longestPause)
	j.NextTryAt = trim(now).Add(max(atLeast, pause))
	if j.NextTryAt.After(j.Deadline) {
		j.giveUp(j.overdue(), now)
	}
}

func (j *Job) overdue() string { return strings.TrimSpace("it took too long. " + j.Trouble) }

// giveUp ends what the stage is about, and goes on with what has been reached.
func (j *Job) giveUp(why string, now time.Time) {
	switch j.Stage {
	case protocol.OrderSearching:
		j.Why = why
	case protocol.OrderOrdering:
		j.Why = fmt.Sprintf("whether the carrier sold %d numbers ordered at %s is not known: look there for the customer reference %s. %s",
			j.count(Wanted), j.PostedAt.Format(time.RFC3339), j.ID, why)
	case protocol.OrderPending:
		j.Why = fmt.Sprintf("the carrier has not finished its order %s, and what that still brings has to be imported. %s",
			strings.Join(j.Open, ", "), why)
		j.Open = nil
	case protocol.OrderAssigning:
		j.stick(Bought, why)
	case protocol.OrderAdding:
		j.stick(Assigned, why)
	}
	j.advance(now)
}

// advance finds the stage that has something to do, for now.
func (j *Job) advance(now time.Time) {
	j.Tries, j.NextTryAt = 0, time.Time{}
	if j.Why == "" && j.missing() > 0 && len(j.Open) == 0 && now.After(j.Deadline) {
		j.Why = j.overdue()
	}
	switch {
	case len(j.Open) > 0:
		j.Stage = protocol.OrderPending
	case j.Why == "" && j.missing() > 0:
		j.Stage = protocol.OrderSearching
	case j.count(Bought) > 0:
		j.Stage = protocol.OrderAssigning
	case j.count(Assigned) > 0:
		j.Stage = protocol.OrderAdding
	default:
		j.end()
	}
}

// end tells the operator what has come of it all.
func (j *Job) end() {
	added, stuck := j.count(Added), j.count(Stuck)
	if j.Why == "" && stuck == 0 {
		j.Stage, j.Trouble = protocol.OrderDone, ""
		if added > j.Asked.Count {
			j.Trouble = fmt.Sprintf("the carrier has sold %d numbers more than were asked for; they are in the pool", added-j.Asked.Count)
		}
		return
	}
	j.Stage, j.Trouble = protocol.OrderFailed, j.Why
	if added+stuck == 0 {
		return
	}
	parts := []string{fmt.Sprintf("%d of %d numbers are bought and in the pool", added, j.Asked.Count)}
	if stuck > 0 {
		i := slices.IndexFunc(j.Items, func(it Item) bool { return it.Fate == Stuck })
		parts = append(parts, fmt.Sprintf("%d are bought and not in the pool: mend this, then import them: %s", stuck, j.Items[i].Why))
	}
	if j.Why != "" {
		parts = append(parts, j.Why)
	}
	j.Trouble = strings.Join(parts, "; ")
}
