package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func opened(t testing.TB, dir string) *Engine {
	t.Helper()
	e, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func commit(t testing.TB, e *Engine, c journal.Change) {
	t.Helper()
	refused, err := e.Commit([]journal.Change{c})
	if err := errors.Join(append(refused, err)...); err != nil {
		t.Fatal(err)
	}
}

func edit(t testing.TB, e *Engine, text string) {
	t.Helper()
	if err := e.writer.script(t.Context(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func booking(ref string) protocol.Booking {
	n, _ := phone.FromStore("+13125550100")
	a, _ := phone.FromStore("+13125550111")
	return protocol.Booking{ID: protocol.NewBookingID(time.Now()), Ref: protocol.Ref(ref), NumberA: n, NumberB: n, PartyA: a}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "odd ?#%41 name")
	e := opened(t, dir)
	commit(t, e, journal.Change{Open: []protocol.Booking{booking("")}})
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range files {
		names[f.Name()] = true
		if info, _ := f.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", f.Name(), info.Mode().Perm())
		}
	}
	if !names["journal.db"] || !names["journal.db-wal"] || !names["lock"] {
		t.Errorf("files: %v", names)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("directory has mode %o", info.Mode().Perm())
	}
	if e.Size() <= 0 {
		t.Error("no size")
	}
}

func TestOneProcessPerDirectory(t *testing.T) {
	dir := t.TempDir()
	e := opened(t, dir)
	_, err := Open(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in use by another process (pid %d)", os.Getpid())) {
		t.Errorf("opened twice: %v", err)
	}
	commit(t, e, journal.Change{Open: []protocol.Booking{booking("")}})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	opened(t, dir)
}

func TestForeignFiles(t *testing.T) {
	for name, make := range map[string]func(t *testing.T, path string){
		"no database": func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("Dear diary, ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"somebody else's": func(t *testing.T, path string) {
			conn, err := connect(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			w := writer{conn: conn}
			if err := w.script(t.Context(), "CREATE TABLE diary (entry TEXT)"); err != nil {
				t.Fatal(err)
			}
			conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			make(t, path)
			before, _ := os.ReadFile(path)
			if _, err := Open(t.Context(), dir); !errors.Is(err, errForeign) {
				t.Errorf("opened: %v", err)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestNewerSchema(t *testing.T) {
	dir := t.TempDir()
	e := opened(t, dir)
	edit(t, e, "INSERT INTO schema_version VALUES (7, '0007_later.sql', 0)")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), dir)
	if !errors.Is(err, journal.ErrNewer) || !strings.Contains(err.Error(), "version 7") || !strings.Contains(err.Error(), "knows 4") {
		t.Errorf("opened: %v", err)
	}
}

func TestMigrationIsWholeOrNothing(t *testing.T) {
	dir := t.TempDir()
	e := opened(t, dir)
	b := booking("kept")
	commit(t, e, journal.Change{Open: []protocol.Booking{b}})
	next := func(text string) []script {
		list, err := scriptsOf(fstest.MapFS{
			"migrations/0001_first.sql":  {Data: []byte("never run again")},
			"migrations/0002_second.sql": {Data: []byte("nor this")},
			"migrations/0003_third.sql":  {Data: []byte("nor that")},
			"migrations/0004_fourth.sql": {Data: []byte("least of all that")},
			"migrations/0005_fifth.sql":  {Data: []byte(text)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if err := e.writer.migrate(t.Context(), 4, next("CREATE TABLE x (a TEXT); DELETE FROM booking; CREATE GARBAGE")); err == nil {
		t.Error("a broken migration passed")
	}
	if v, err := e.writer.inspect(); v != 4 || err != nil {
		t.Errorf("version %d, %v", v, err)
	}
	if _, err := e.Booking(t.Context(), b.ID); err != nil {
		t.Error(err)
	}
	good := next("CREATE TABLE x (a TEXT)")
	if err := e.writer.migrate(t.Context(), 4, good); err != nil {
		t.Fatal(err)
	}
	v, err := e.writer.inspect()
	if v != 5 || err != nil {
		t.Errorf("version %d, %v", v, err)
	}
	if err := e.writer.migrate(t.Context(), v, good); err != nil {
		t.Errorf("again: %v", err)
	}
	if _, err := scriptsOf(fstest.MapFS{"migrations/0002_gap.sql": {}}); err == nil {
		t.Error("a gap in the versions passed")
	}
}

// TestBrokenRows has people edit the file.
func TestBrokenRows(t *testing.T) {
	b := booking("ref")
	c := protocol.Call{ID: protocol.CallID(b.ID), Session: "s", State: "{}", Stage: "ringing"}
	for _, change := range []string{
		"UPDATE booking SET state = 'alive'",
		"UPDATE booking SET party_a = 'sip:me'",
		"UPDATE booking SET part = 65536",
		"UPDATE booking SET id = upper(id) || 'X'",
		"UPDATE call SET outcome = 'great'",
		"UPDATE call SET caller = 'c'",
		"UPDATE call SET booking_id = '1'",
		"UPDATE call SET hangup_source = ''",
		"UPDATE proxy_number SET state = ''",
		"UPDATE recording SET call_id = 'x'",
		"UPDATE recording SET status = 'gone'",
		"UPDATE recording SET caller = 'c'",
		"UPDATE recording SET summary = ''",
		"UPDATE recording SET part = 65536",
	} {
		t.Run(change, func(t *testing.T) {
			e := opened(t, t.TempDir())
			commit(t, e, journal.Change{
				Open: []protocol.Booking{b}, Calls: []protocol.Call{c},
				Numbers:    []protocol.Number{{Number: b.NumberA}},
				Recordings: []protocol.Recording{{ID: "r"}},
			})
			edit(t, e, change)
			table := strings.Fields(change)[1]
			var last error
			for _, err := range e.Live(t.Context(), 0, 0) {
				last = err
			}
			if table == "booking" && strings.Contains(change, "part") && last == nil {
				_, last = e.Booking(t.Context(), b.ID) // another partition's, by its row
			}
			if table == "recording" { // the queue reads it by itself
				_, last = e.Recording(t.Context(), "r")
			}
			if last == nil || !strings.Contains(last.Error(), "table "+table) {
				t.Errorf("read: %v", last)
			}
		})
	}
}

func TestViewsMask(t *testing.T) {
	e := opened(t, t.TempDir())
	at := time.Date(2026, 3, 1, 11, 0, 0, 5e6, time.UTC)
	b := booking("mine")
	b.CreatedAt = at
	c := protocol.Call{ID: protocol.CallID(b.ID), TalkAt: at, EndAt: at.Add(90500 * time.Millisecond)}
	commit(t, e, journal.Change{
		Open: []protocol.Booking{b}, Calls: []protocol.Call{c}, Recordings: []protocol.Recording{{ID: "r", StartedAt: at}},
	})
	for query, want := range map[string]string{
		"SELECT party_a || ' ' || created || ' ' || public_id FROM bookings": "+13***11 2026-03-01 11:00:00.005 mine",
		"SELECT talk_seconds || ' ' || ended FROM calls":                     "90.5 2026-03-01 11:01:30.505",
		"SELECT started || ' ' || status FROM recordings":                    "2026-03-01 11:00:00.005 pending",
	} {
		var got string
		if err := e.readers.QueryRowContext(context.Background(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v", query, got, err)
		}
	}
}

// old makes a store as an earlier release left it: after its scripts, with rows
// of its own.
func old(t *testing.T, version int, rows ...string) *Engine {
	t.Helper()
	dir := t.TempDir()
	scripts, err := scriptsOf(migrations)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := connect(t.Context(), filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	w := writer{conn: conn}
	texts := []string{"CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"}
	for i, s := range scripts[:version] {
		texts = append(texts, s.text, fmt.Sprintf("INSERT INTO schema_version VALUES (%d, '%s', 0)", i+1, s.name))
	}
	for _, text := range append(texts, rows...) {
		if err := w.script(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	conn.Close()
	return opened(t, dir)
}

// TestFirstSchema opens a store as the first release left it.
func TestFirstSchema(t *testing.T) {
	e := old(t, 1,
		"INSERT INTO proxy_number VALUES ('+13125550100', 0, 'serving', 5)",
		`INSERT INTO booking VALUES ('019ca90e-1bfc-7090-b744-8dcd0f698a02', 'old', 0, '+13125550100', '+13125550100',
			'+13125550111', '+13125550112', 'live', '', 1000000, 2000000, 2000000, 1000000)`)
	b, err := e.BookingByRef(t.Context(), "old")
	if err != nil || b.Terms != (protocol.Terms{}) || !b.LimitAt.IsZero() || b.Asked != time.Second || b.NumberB.E164() != "+13125550100" {
		t.Errorf("booking: %+v, %v", b, err)
	}
	items := 0
	for _, err := range e.Live(t.Context(), 0, 0) {
		if err != nil {
			t.Error(err)
		}
		items++
	}
	if items != 2 {
		t.Errorf("%d items live, want the number and the booking", items)
	}
	b.ID, b.Ref, b.Terms = protocol.NewBookingID(time.Now()), "new", protocol.Terms{Masks: protocol.MasksPair}
	commit(t, e, journal.Change{Open: []protocol.Booking{b}})
}

// TestSchemaBeforeRecordings: what was noted when nothing brought recordings
// home is due, and the calls of that time are found by their booking.
func TestSchemaBeforeRecordings(t *testing.T) {
	const booking, call = "019ca90e-1bfc-7090-b744-8dcd0f698a02", "019ca90e-1bfc-7090-b744-8dcd0f698a03"
	e := old(t, 2,
		fmt.Sprintf(`INSERT INTO call VALUES ('%s', 0, '%s', '+13125550100', 'b', 's', 'closed', 'talked', '',
			1, 2, 3, 4, 5, 'normal_clearing', 'caller', '', 0)`, call, booking),
		fmt.Sprintf(`INSERT INTO recording VALUES ('r', '%s', '%s', 0, 's', '', '', 'wav', 'dual', 3, 4, 2000000, NULL, 'pending')`, call, booking))
	due, err := e.DueRecordings(t.Context(), 0, protocol.RecordingDue{}, 10)
	if err != nil || len(due) != 1 || !due[0].NextTryAt.Equal(time.Unix(2, 0)) || due[0].Format != "wav" || due[0].Summary != protocol.SummaryNone {
		t.Errorf("due: %+v, %v", due, err)
	}
	if n, oldest, err := e.OldestPending(t.Context(), 0); n != 1 || !oldest.Equal(time.Unix(2, 0)) || err != nil {
		t.Errorf("pending: %d since %v, %v", n, oldest, err)
	}
	id, _ := protocol.ParseBookingID(booking)
	calls, err := e.Calls(t.Context(), protocol.CallQuery{Booking: id, Limit: 10})
	if err != nil || len(calls) != 1 || calls[0].ID.String() != call || !calls[0].ConsentAt.IsZero() {
		t.Errorf("calls: %+v, %v", calls, err)
	}
}

// TestForgottenIsOverwritten: what was erased is not left in the file, where
// anybody who copies it would read it.
func TestForgottenIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	e := opened(t, dir)
	const words = "my card ends in four two four two"
	party, _ := phone.FromStore("+491701234567")
	b := booking("mine")
	b.PartyB = party
	text := protocol.RecordingText{Recording: "r", Text: strings.Repeat(words, 1000)} // pages of its own
	commit(t, e, journal.Change{Open: []protocol.Booking{b}, Texts: []protocol.RecordingText{text}})
	for range 50 { // it is not alone on its page
		commit(t, e, journal.Change{Open: []protocol.Booking{booking("")}})
	}
	commit(t, e, journal.Change{Close: []journal.Closing{{ID: b.ID, State: protocol.BookingClosed}}})
	text.Text = ""
	commit(t, e, journal.Change{
		Forget: []journal.Forgetting{{ID: b.ID, A: true, B: true}}, Texts: []protocol.RecordingText{text},
	})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, gone := range []string{party.E164(), words} {
			if strings.Contains(string(data), gone) {
				t.Errorf("%s still holds %q", f.Name(), gone)
			}
		}
	}
}
