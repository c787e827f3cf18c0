package order

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/journal"
	"maskswitch/actors/journal/memory"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// world is a desk with its store, carrier and pool. Use it inside a bubble.
type world struct {
	t      *testing.T
	shop   *shop
	engine *memory.Engine
	config Config // of the next boot
	// tap decides about the nth row: lose it, or keep its outcome from whoever
	// wrote it. Nil: neither.
	tap    func(n int) fateOfRow
	refuse func() error // decides whether a row is taken at all; nil: it is

	group  *journal.Group
	system *actor.ActorSystem
	desk   *actor.PID
	rows   int

	mu     sync.Mutex
	pool   []phone.Number // what it has on disk
	adding func(n phone.Number, done func(error))
}

type fateOfRow uint8

const (
	rowWritten fateOfRow = iota
	rowLost              // the process died before it was written
	rowUnheard           // the process died after it was written
)

func newWorld(t *testing.T, s *shop) *world {
	w := &world{t: t, shop: s, engine: memory.New()}
	w.config = Config{Connection: "77", Schedule: func(f func()) { go f() }}
	t.Cleanup(func() {
		w.crash()
		time.Sleep(2 * time.Second) // the library's log of dead letters
	})
	w.boot()
	return w
}

// boot starts a desk on what the store holds.
func (w *world) boot() {
	w.group = journal.NewGroup(w.engine, journal.Options{})
	w.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	pool := w.system.Root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		if m, ok := c.Message().(protocol.AddNumbers); ok {
			w.add(m)
		}
	}))
	config := w.config
	config.Journal, config.Store, config.Pool, config.Carrier = w, w.group, pool, w.shop
	stop := actor.WithSupervisor(actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective }))
	config.Child = actor.PropsFromProducer(func() actor.Actor { return New(&config) })
	w.desk = w.system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return NewDesk(&config) }, stop))
	for item, err := range w.group.Live(context.Background(), 0, 0) {
		if err != nil {
			w.t.Fatal(err)
		}
		if item.Order != nil {
			w.system.Root.Send(w.desk, protocol.RestoreOrder{Row: *item.Order})
		}
	}
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
	if w.refuse != nil && !c.Empty() {
		if err := w.refuse(); err != nil {
			return err
		}
	}
	if w.tap == nil || c.Empty() {
		return w.group.Append(c, done)
	}
	w.mu.Lock()
	w.rows++
	n := w.rows
	w.mu.Unlock()
	switch w.tap(n) {
	case rowLost:
		return nil
	case rowUnheard:
		return w.group.Append(c, nil)
	}
	return w.group.Append(c, done)
}

// add is the pool: it has the numbers on disk, then it answers.
func (w *world) add(m protocol.AddNumbers) {
	w.mu.Lock()
	adding := w.adding
	w.mu.Unlock()
	take := func(err error) {
		w.mu.Lock()
		for _, n := range m.Numbers {
			if err == nil && !slices.Contains(w.pool, n) {
				w.pool = append(w.pool, n)
			}
		}
		w.mu.Unlock()
		m.Done(protocol.Added{New: len(m.Numbers)}, err)
	}
	if adding != nil {
		adding(m.Numbers[0], take)
		return
	}
	take(nil)
}

// answer is what became of PlaceOrder.
type answer struct {
	order    protocol.NumberOrder
	repeated bool
	err      error
}

// place asks for an order, and returns where the answer will be.
func (w *world) place(asked protocol.OrderNumbers) <-chan answer {
	answers := make(chan answer, 1)
	w.system.Root.Send(w.desk, protocol.PlaceOrder{Asked: asked, Done: func(o protocol.NumberOrder, repeated bool, err error) {
		answers <- answer{o, repeated, err}
	}})
	return answers
}

// ordered places an order that must be taken.
func (w *world) ordered(asked protocol.OrderNumbers) protocol.NumberOrder {
	w.t.Helper()
	select {
	case got := <-w.place(asked):
		if got.err != nil {
			w.t.Fatalf("place: %v", got.err)
		}
		return got.order
	case <-time.After(time.Minute):
		w.t.Fatal("place: no answer")
	}
	panic("unreachable")
}

// row is the newest order in the store; false if there is none.
func (w *world) row() (protocol.NumberOrder, bool) {
	w.t.Helper()
	rows, err := w.engine.Orders(context.Background(), 1)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(rows) == 0 {
		return protocol.NumberOrder{}, false
	}
	o, err := View(rows[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return o, true
}

// end waits until the newest order is over, for four days at the most.
func (w *world) end() protocol.NumberOrder {
	w.t.Helper()
	for range 4 * 24 * 60 {
		if o, there := w.row(); there && o.Stage.Over() {
			return o
		}
		time.Sleep(time.Minute)
	}
	o, _ := w.row()
	w.t.Fatalf("the order does not end: %s, %s", o.Stage, o.Trouble)
	return o
}

// added lists what is in the pool.
func (w *world) added() []phone.Number {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.pool)
}

// judge holds an order that is done against what the carrier sold.
func (w *world) judge(count int) {
	w.t.Helper()
	o := w.end()
	if o.Stage != protocol.OrderDone || o.Added != count || len(o.Numbers) != count {
		w.t.Errorf("the order is %s with %d of %d numbers added (%s), want %d done", o.Stage, o.Added, len(o.Numbers), o.Trouble, count)
	}
	sold, pool := sorted(w.shop.sold()), sorted(w.added())
	if len(sold) != count {
		w.t.Errorf("%d numbers were bought, and %d asked for", len(sold), count)
	}
	if !slices.Equal(sold, pool) {
		w.t.Errorf("%d numbers were bought, and %d are in the pool", len(sold), len(pool))
	}
	for _, n := range w.shop.owned {
		if n.Connection != "77" || !slices.Contains(n.Tags, DefaultTag) || n.Reference != o.ID.String() {
			w.t.Errorf("a number is left with connection %q, tags %v, reference %q", n.Connection, n.Tags, n.Reference)
		}
	}
}

func sorted(numbers []phone.Number) []phone.Number {
	slices.SortFunc(numbers, phone.Number.Compare)
	return numbers
}

// asking is a request for numbers of one area.
func asking(ref string, count int) protocol.OrderNumbers {
	return protocol.OrderNumbers{Ref: protocol.Ref(ref), Country: "US", AreaCode: "312", Count: count}
}
