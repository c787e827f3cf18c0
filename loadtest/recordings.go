package loadtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
	"time"

	"maskswitch/loadtest/judge"
)

// shelf is how long the carrier keeps the recordings of calls that are over: a
// switch may come for them late, after an outage.
const shelf = time.Hour

// settings are what a switch of the tester's own needs for the plan's recordings,
// as NAME=value; it may fetch them from the carrier at origin.
func (p *Plan) settings(origin string) []string {
	all := []string{"RECORDING_HOSTS=" + origin}
	if p.Recordings.Consent != "" {
		all = append(all, "CONSENT_MESSAGE="+p.Recordings.Consent)
	}
	if p.Bookings.Summaries > 0 {
		all = append(all, "SUMMARIES=true")
	}
	if p.Recordings.Delete {
		all = append(all, "DELETE_AT_CARRIER=true")
	}
	return all
}

// auditArchive asks the switch for the recordings of every booking that must have
// some, until it has them all or the plan's patience with it is over.
func (r *run) auditArchive(ctx context.Context) {
	if !r.Plan.Recordings.Archived || r.over() != "" {
		return
	}
	a := archivist{run: r, shown: map[string][]judge.Kept{}, heard: map[string]string{}, made: map[string]bool{}}
	for _, rec := range r.fake.Recordings() {
		a.made[rec.SHA256] = true
	}
	began := time.Now()
	until := began.Add(time.Duration(r.Plan.Recordings.Wait))
	r.Note("asking the switch for its recordings")
	ask := r.judge.Shelved()
	for {
		a.ask(ask)
		result := r.judge.Archived(a.shown, a.made, until)
		ask = result.Waiting
		over := !time.Now().Before(until) || !sleepUntil(ctx, time.Now().Add(archiveBeat))
		if len(ask) > 0 && !over {
			continue
		}
		if ctx.Err() != nil {
			r.notes.add("The recordings were not waited for: the run was interrupted.")
			return
		}
		r.report(result.Findings)
		r.notes.add(fmt.Sprintf("%d recordings are in the archive, byte for byte, %v after the last call; %d more, of which no event told, were not waited for.",
			result.Whole, time.Since(began).Round(time.Second), result.NotDue))
		return
	}
}

// archiveBeat is between two looks at the archive.
const archiveBeat = 250 * time.Millisecond

// archivist asks for recordings.
type archivist struct {
	*run
	made map[string]bool // SHA-256 of all that the carrier made

	mu    sync.Mutex
	shown map[string][]judge.Kept // by booking, as it was last
	heard map[string]string       // by recording: SHA-256 of its audio
}

// archiveClients is how many requests about recordings are under way at once.
const archiveClients = 8

// ask looks at the recordings of some bookings.
func (a *archivist) ask(bookings []string) {
	var wg sync.WaitGroup
	next := make(chan string)
	for range archiveClients {
		wg.Go(func() {
			for booking := range next {
				if rows, ok := a.list(booking); ok {
					a.mu.Lock()
					a.shown[booking] = rows
					a.mu.Unlock()
				}
			}
		})
	}
	for _, booking := range bookings {
		next <- booking
	}
	close(next)
	wg.Wait()
}

// recordingShown is a recording in the list of a booking.
type recordingShown struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Why    string `json:"why"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// list reads the recordings of one booking, page by page, and the audio of those
// that are archived.
func (a *archivist) list(booking string) ([]judge.Kept, bool) {
	all := []judge.Kept{}
	path := bookingPath(booking) + "/recordings"
	for query := ""; ; {
		answer := a.desk.ask("GET", path+query, nil)
		if answer.err != nil || answer.status != 200 {
			a.counts.fault("GET /bookings/{id}/recordings", answer.word()+" "+code(answer.body), false)
			return nil, false
		}
		var page struct {
			Recordings []recordingShown `json:"recordings"`
			Cursor     string           `json:"next_cursor"`
		}
		if err := json.Unmarshal(answer.body, &page); err != nil {
			a.counts.fault("GET /bookings/{id}/recordings", "answer that is no list of recordings", false)
			return nil, false
		}
		for _, shown := range page.Recordings {
			k := judge.Kept{ID: shown.ID, State: shown.State, Why: shown.Why, SHA256: shown.SHA256, Bytes: shown.Bytes}
			if k.State == "archived" {
				k.Audio, k.Unread = a.listen(shown.ID)
			}
			all = append(all, k)
		}
		if page.Cursor == "" {
			return all, true
		}
		query = "?cursor=" + url.QueryEscape(page.Cursor)
	}
}

// listen is the SHA-256 of what the switch serves as the audio of a recording; it
// is fetched once.
func (a *archivist) listen(id string) (sum, unread string) {
	a.mu.Lock()
	sum, known := a.heard[id]
	a.mu.Unlock()
	if known {
		return sum, ""
	}
	answer := a.desk.ask("GET", "/recordings/"+url.PathEscape(id)+"/audio", nil)
	if answer.err != nil || answer.status != 200 {
		a.counts.fault("GET /recordings/{id}/audio", answer.word()+" "+code(answer.body), false)
		return "", "GET /recordings/{id}/audio: " + answer.word()
	}
	hash := sha256.Sum256(answer.body)
	sum = hex.EncodeToString(hash[:])
	a.mu.Lock()
	a.heard[id] = sum
	a.mu.Unlock()
	return sum, ""
}
