package recording

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/journal"
	"maskswitch/actors/journal/memory"
	"maskswitch/actors/protocol"
)

// kept is a recording at the carrier.
type kept struct {
	protocol.CarrierRecording
	audio      string
	transcript string
	listed     time.Time // not before
	deleted    bool
}

// world is a queue with its store, carrier, archive and model. Use it inside a
// bubble.
type world struct {
	t      *testing.T
	engine *memory.Engine
	config Config // of the next boot
	call   protocol.Call

	mu      sync.Mutex
	kept    map[protocol.RecordingID]*kept
	objects map[string]string
	types   map[string]string
	asked   []string // what the carrier, the archive and the model were asked
	links   int
	faults  []string // promises that were broken
	// meet is told of every question, before its effect and after; nil: nobody is.
	meet func(ctx context.Context, name string, after bool) error
	// tap decides about a change: lose it, or keep its outcome from whoever wrote
	// it. Nil: neither.
	tap      func(c journal.Change) fate
	refuse   func() error // decides whether a change is taken at all; nil: it is
	halted   func()       // is told that the journal has halted; nil: nobody is
	seen     sighted
	answered map[string]int // how often each request was

	group  *journal.Group
	system *actor.ActorSystem
	desk   *actor.PID
}

// sighted is what the observer was told.
type sighted struct {
	archived, lost, pending int
	oldest                  time.Time
	failed                  map[protocol.RecordingTrouble]int
}

type fate uint8

const (
	fateWritten fate = iota
	fateLost         // the process died before it was written
	fateUnheard      // the process died after it was written
)

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, engine: memory.New(), kept: map[protocol.RecordingID]*kept{}, objects: map[string]string{}, types: map[string]string{},
		seen: sighted{failed: map[protocol.RecordingTrouble]int{}}, answered: map[string]int{},
	}
	w.config = Config{Schedule: func(f func()) { go f() }}
	now := time.Now()
	w.call = protocol.Call{
		ID: protocol.NewCallID("session-1", now), Session: "session-1",
		Booking: protocol.BookingID{15: 7}, Caller: protocol.PartyB,
	}
	w.write(journal.Change{Calls: []protocol.Call{w.call}})
	t.Cleanup(func() {
		w.crash()
		time.Sleep(2 * time.Second) // the library's log of dead letters
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, f := range w.faults {
			t.Error(f)
		}
		for name, n := range w.answered {
			if n != 1 {
				t.Errorf("%s was answered %d times", name, n)
			}
		}
	})
	return w
}

// write changes the store behind the queue's back.
func (w *world) write(c journal.Change) {
	w.t.Helper()
	refused, err := w.engine.Commit([]journal.Change{c})
	if err != nil || len(refused) > 0 {
		w.t.Fatal(refused, err)
	}
}

// boot starts a queue on what the store holds.
func (w *world) boot() { w.bootWith(func(*Config) {}) }

func (w *world) bootWith(change func(*Config)) {
	w.group = journal.NewGroup(w.engine, journal.Options{})
	if w.halted != nil {
		w.group.OnHalt(func(error) { w.halted() })
	}
	w.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	config := w.config
	config.Journal, config.Store, config.Carrier, config.Archive, config.Observer = w, w.group, (*carrier)(w), (*archive)(w), (*observer)(w)
	change(&config)
	stop := actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective }))
	config.Child = actor.PropsFromProducer(func() actor.Actor { return New(&config) })
	w.desk = w.system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return NewDesk(&config) }, stop))
}

// crash ends everything that is not on disk.
func (w *world) crash() {
	if w.desk == nil {
		return
	}
	_ = w.system.Root.StopFuture(w.desk).Wait()
	w.desk = nil
	w.system.Shutdown()
	if err := w.group.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

// Append implements journal.Appender.
func (w *world) Append(c journal.Change, done journal.Done) error {
	w.mu.Lock()
	refuse, tap := w.refuse, w.tap
	w.mu.Unlock()
	if refuse != nil && !c.Empty() {
		if err := refuse(); err != nil {
			return err
		}
	}
	if tap != nil && !c.Empty() {
		switch tap(c) {
		case fateLost:
			return nil
		case fateUnheard:
			return w.group.Append(c, nil)
		}
	}
	return w.group.Append(c, done)
}

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// ask notes a question. It fails as meet says.
func (w *world) ask(ctx context.Context, name string, after bool) error {
	w.mu.Lock()
	if !after {
		w.asked = append(w.asked, name)
	}
	meet := w.meet
	w.mu.Unlock()
	if meet != nil {
		if err := meet(ctx, name, after); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// count is how many questions began like this.
func (w *world) count(prefix string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, name := range w.asked {
		if strings.HasPrefix(name, prefix) {
			n++
		}
	}
	return n
}

// observer is the world as the one who watches.
type observer world

func (o *observer) note(what func(*sighted)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	what(&o.seen)
}

func (o *observer) Archived(protocol.CallID, int64, time.Duration) {
	o.note(func(t *sighted) { t.archived++ })
}
func (o *observer) Lost() { o.note(func(t *sighted) { t.lost++ }) }
func (o *observer) TryFailed(why protocol.RecordingTrouble) {
	o.note(func(t *sighted) { t.failed[why]++ })
}
func (o *observer) Pending(n int, oldest time.Time) {
	o.note(func(t *sighted) { t.pending, t.oldest = n, oldest })
}

// told is what the observer has been told.
func (w *world) told() sighted {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.seen
	t.failed = maps.Clone(t.failed)
	return t
}

// carrier changes a recording at the carrier, or just looks at it.
func (w *world) carrier(id protocol.RecordingID, change func(*kept)) kept {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.kept[id]
	if change != nil {
		change(k)
	}
	return *k
}

// stored is how many objects the archive has.
func (w *world) stored() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.objects)
}

// record has the carrier keep a recording of the call, and gives its event.
func (w *world) record(id string, leg string, after time.Duration) protocol.LegRecorded {
	began := w.at(after)
	k := &kept{audio: "ID3 the audio of " + id + strings.Repeat(".", 100), CarrierRecording: protocol.CarrierRecording{
		ID: protocol.RecordingID(id), Session: w.call.Session, LegUUID: leg, Channels: "dual", StartedAt: began, EndedAt: began.Add(time.Minute),
	}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept[k.ID] = k
	link := (*carrier)(w).sign(k).Links["mp3"]
	return protocol.LegRecorded{
		About:     protocol.About{Session: w.call.Session, At: time.Now()},
		Recording: k.ID, LegUUID: leg, Format: "mp3", Channels: "dual", StartedAt: began, EndedAt: began.Add(time.Minute), Link: link,
	}
}

// at is an instant of the call.
func (w *world) at(after time.Duration) time.Time {
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Hour + after)
}

// row is what the switch writes of an event.
func (w *world) row(ev protocol.LegRecorded) protocol.Recording {
	r := protocol.SavedRecording(ev)
	r.Call, r.Booking, r.Partition, r.Caller = w.call.ID, w.call.Booking, w.call.Partition, w.call.Caller
	return r
}

// deliver is the switch's part: a row on disk, then the queue is told.
func (w *world) deliver(r protocol.Recording, ev protocol.LegRecorded) {
	w.t.Helper()
	if _, err := w.engine.Recording(context.Background(), r.ID); err == nil {
		return
	}
	w.write(journal.Change{Recordings: []protocol.Recording{r}})
	w.send(protocol.FetchRecording{Row: r, Link: ev.Link, Since: ev.At})
}

func (w *world) send(m any) {
	if w.desk != nil {
		w.system.Root.Send(w.desk, m)
	}
}

type answer struct {
	row protocol.Recording
	err error
}

// done makes the Done of one request, which must be called once.
func (w *world) done(name string) (func(protocol.Recording, error), <-chan answer) {
	answers := make(chan answer, 9)
	w.mu.Lock()
	w.answered[name] = 0
	w.mu.Unlock()
	return func(r protocol.Recording, err error) {
		w.mu.Lock()
		w.answered[name]++
		w.mu.Unlock()
		answers <- answer{r, err}
	}, answers
}

func (w *world) name(what string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%s (%d)", what, len(w.answered))
}

func (w *world) hold(id protocol.RecordingID, why string) <-chan answer {
	done, answers := w.done(w.name("hold " + string(id)))
	w.send(protocol.HoldRecording{ID: id, Reason: why, Done: done})
	return answers
}

func (w *world) erase(id protocol.RecordingID) <-chan answer {
	done, answers := w.done(w.name("erase " + string(id)))
	w.send(protocol.EraseRecording{ID: id, Reason: "asked for", Done: done})
	return answers
}

func (w *world) transcript(id protocol.RecordingID, session protocol.SessionID, text string) <-chan protocol.Receipt {
	receipts := make(chan protocol.Receipt, 9)
	done, _ := w.done(w.name("transcript " + string(id)))
	w.send(protocol.Transcribed{
		Event: protocol.LegTranscribed{About: protocol.About{Session: session, At: time.Now()}, Recording: id, ID: "tr-" + string(id), Text: text},
		Done: func(r protocol.Receipt, err error) {
			done(protocol.Recording{}, err)
			if err == nil {
				receipts <- r
			} else {
				receipts <- protocol.ReceiptOverloaded
			}
		},
	})
	return receipts
}

func (w *world) find(id protocol.RecordingID) protocol.Recording {
	w.t.Helper()
	r, err := w.engine.Recording(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// text is a text about a recording; "" if there is none.
func (w *world) text(id protocol.RecordingID, kind protocol.TextKind) string {
	text, err := w.engine.Text(context.Background(), id, w.call.Session, kind)
	if err != nil {
		return ""
	}
	return text.Text
}

// until waits for a row, for as long as it may take.
func (w *world) until(id protocol.RecordingID, most time.Duration, wanted func(protocol.Recording) bool) protocol.Recording {
	w.t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(time.Second) {
		if r := w.find(id); wanted(r) {
			synctest.Wait() // for the observer
			return r
		} else if time.Now().After(end) {
			w.t.Fatalf("%s is still %s (%s), %d tries, summary %s (%s)", id, r.Status, r.Why, r.Tries, r.Summary, r.SummaryWhy)
		}
	}
}

func is(s protocol.RecordingStatus) func(protocol.Recording) bool {
	return func(r protocol.Recording) bool { return r.Status == s }
}

// whole checks that a recording is in the archive as the carrier had it.
func (w *world) whole(r protocol.Recording, audio string) {
	w.t.Helper()
	sum := sha256.Sum256([]byte(audio))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.objects[r.Object] != audio || r.SHA256 != hex.EncodeToString(sum[:]) || r.Bytes != int64(len(audio)) || r.ContentType != "audio/mpeg" {
		w.t.Errorf("%s: the row has %d bytes of %q with hash %.8s…, the archive %d bytes at %q", r.ID, r.Bytes, r.ContentType, r.SHA256, len(w.objects[r.Object]), r.Object)
	}
}
