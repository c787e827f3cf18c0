package journaltest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// childDir tells the test binary that it is the child that Killed kills.
const childDir = "JOURNALTEST_CHILD_DIR"

// Main is for the TestMain of an engine that is judged by Killed.
func Main(m *testing.M, open Open) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir, open))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Killed starts a process that writes and says what it was told is written,
// kills it, and looks: everything acknowledged must be there, and of everything
// else the whole or nothing. The same store is killed in each round.
func Killed(t *testing.T, open Open, rounds int) {
	dir := t.TempDir()
	acknowledged, whole := map[protocol.BookingID]bool{}, map[protocol.BookingID]bool{}
	for round := range rounds {
		// Another number of acknowledgements each time, so that the kill falls on
		// other instants of the engine's life.
		told := killAfter(t, dir, 20+37*round)
		for _, id := range told {
			acknowledged[id] = true
		}
		checkWhole(t, open, dir, acknowledged, whole)
		if t.Failed() {
			t.Fatalf("after %d rounds", round+1)
		}
	}
	t.Logf("%d changes acknowledged in %d rounds", len(acknowledged), rounds)
}

func killAfter(t *testing.T, dir string, lines int) (told []protocol.BookingID) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // a line that was cut short was not told
		}
		if err != nil {
			t.Fatal(err)
		}
		id, err := protocol.ParseBookingID(line[:len(line)-1])
		if err != nil {
			t.Fatal(err)
		}
		if told = append(told, id); len(told) == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait() // it was killed
	if len(told) < lines {
		t.Fatalf("the child ended by itself after %d lines", len(told))
	}
	return told
}

// checkWhole looks at the parts of what is not known to be whole from an
// earlier round.
func checkWhole(t *testing.T, open Open, dir string, acknowledged, whole map[protocol.BookingID]bool) {
	t.Helper()
	ctx, e := t.Context(), opened(t, open, dir)
	defer closed(t, e)
	found := map[protocol.BookingID]bool{}
	for _, item := range live(t, e, 7, start) {
		switch {
		case item.Booking != nil:
			found[item.Booking.ID] = true
			if whole[item.Booking.ID] {
				continue
			}
			whole[item.Booking.ID] = true
			c, err := e.Call(ctx, protocol.CallID(item.Booking.ID))
			lines, storyErr := e.Story(ctx, c.ID)
			recordings, recordingErr := e.Recordings(ctx, c.ID)
			if err != nil || storyErr != nil || recordingErr != nil || len(lines) != 1 || len(recordings) != 1 {
				t.Errorf("half a change: booking %s without its call (%v), %d lines, %d recordings", item.Booking.ID, err, len(lines), len(recordings))
			}
		case item.Call != nil && !found[protocol.BookingID(item.Call.ID)]:
			t.Errorf("half a change: call %s without its booking", item.Call.ID)
		}
	}
	for id := range acknowledged {
		if !found[id] {
			t.Errorf("acknowledged and lost: %s", id)
		}
	}
}

// child writes until it is killed.
func child(dir string, open Open) error {
	e, err := open(dir)
	if err != nil {
		return err
	}
	g := journal.NewGroup(e, journal.Options{})
	errs := make(chan error)
	for range 8 {
		go func() {
			for {
				id := protocol.NewBookingID(time.Now())
				call := protocol.Call{ID: protocol.CallID(id), Session: protocol.SessionID(id.String()), Partition: 7, State: "{}"}
				told := make(chan error, 1)
				if err := g.Append(journal.Change{
					Open:       []protocol.Booking{{ID: id, Ref: protocol.Ref(id.String()), Partition: 7, Asked: time.Hour}},
					Calls:      []protocol.Call{call},
					Story:      []protocol.Line{{Call: call.ID, N: 1, What: "{}"}},
					Recordings: []protocol.Recording{{ID: protocol.RecordingID(id.String()), Call: call.ID, Partition: 7}},
				}, func(err error) { told <- err }); err != nil {
					errs <- err
					return
				}
				if err := <-told; err != nil {
					errs <- err
					return
				}
				fmt.Println(id)
			}
		}()
	}
	return errors.Join(<-errs, g.Close(context.Background()))
}
