package carrier

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed says that the carrier closed before what was awaited came.
var ErrClosed = errors.New("the carrier is closed")

// Carrier plays Telnyx. It is an http.Handler for everything below /v2 and for
// recording files; Start gives it a port of its own. All methods may be called
// from anywhere.
type Carrier struct {
	cfg     Config
	signer  *signer
	linkKey []byte
	routes  *http.ServeMux
	webhook atomic.Pointer[address]
	courier *courier
	send    sender
	gate    gate
	clock   *clock
	ctx     context.Context // ends when Close begins
	cancel  context.CancelFunc
	server  *server

	mu       sync.RWMutex // taken with a Call's mutex held, never the other way round
	origin   string
	placed   uint64
	legsMade uint64
	calls    map[uint64]*Call // by the order of placing
	legs     map[string]*leg  // by call control id
	strays   []Command

	faults atomic.Pointer[Faults]
	bucket bucket
	live   atomic.Int64
	totals totals

	numbers *Numbers
	shelf   *shelf
}

// New makes a carrier that serves nothing until its handler is used or Start
// is called. Close it in any case.
func New(cfg Config) *Carrier {
	cfg = cfg.withDefaults()
	c := &Carrier{cfg: cfg, signer: newSigner(cfg.PrivateKey), origin: cfg.URL, linkKey: make([]byte, 32),
		calls: map[uint64]*Call{}, legs: map[string]*leg{}, shelf: newShelf(cfg.Shelf)}
	rand.Read(c.linkKey)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.clock = newClock()
	c.numbers = newNumbers(c)
	c.send = sender{carrier: c, most: cfg.Senders}
	c.courier = newCourier(c.ctx, cfg.WebhookTimeout)
	c.SetFaults(cfg.Faults)
	c.SetWebhookURL(cfg.WebhookURL)
	c.routes = c.routing()
	c.gate.enter()
	go func() {
		defer c.gate.leave()
		c.clock.serve(c.ctx)
	}()
	return c
}

// Start listens on Config.Addr.
func (c *Carrier) Start() error {
	l, err := net.Listen("tcp", c.cfg.Addr)
	if err != nil {
		return fmt.Errorf("fake carrier: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.origin == "" {
		c.origin = "http://" + l.Addr().String()
	}
	if !c.gate.enter() {
		l.Close()
		return ErrClosed
	}
	c.server = newServer(c, l)
	go func(s *server) {
		defer c.gate.leave()
		s.serve()
	}(c.server)
	return nil
}

// Close ends everything: requests under way are cut, events not yet delivered
// are forgotten, and whoever waits is told ErrClosed. It returns when nothing
// of the carrier runs any more.
func (c *Carrier) Close() {
	c.cancel()
	c.gate.close()
	c.clock.shut()
	c.mu.RLock()
	server := c.server
	c.mu.RUnlock()
	if server != nil {
		server.close()
	}
	c.courier.close()
	c.gate.inside.Wait()
}

// URL is the origin of the carrier, such as http://127.0.0.1:40001: the host
// that recordings are fetched from. Empty before Start.
func (c *Carrier) URL() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.origin
}

// BaseURL is what the switch takes for the carrier's API.
func (c *Carrier) BaseURL() string { return c.URL() + "/v2" }

// PublicKey is the key of the webhooks, as the carrier's portal shows it:
// standard base64 of 32 bytes.
func (c *Carrier) PublicKey() string {
	return base64.StdEncoding.EncodeToString(c.signer.public())
}

// SetWebhookURL says where events go from now on, those that wait to be
// delivered again among them.
func (c *Carrier) SetWebhookURL(url string) {
	if old := c.webhook.Swap(newAddress(url)); old != nil {
		c.courier.leave(old)
	}
}

// Calls are all calls so far, in the order they were placed, without those
// that Forget took.
func (c *Carrier) Calls() []*Call {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.SortedFunc(maps.Values(c.calls), func(a, b *Call) int { return cmp.Compare(a.order, b.order) })
}

// Forget drops a call with its legs, so that a long run does not fill the
// memory, and its recordings Config.Shelf later. Its handle keeps its ledger.
func (c *Carrier) Forget(call *Call) {
	call.mu.Lock()
	defer call.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, call.order)
	for _, l := range call.legs {
		delete(c.legs, l.control)
	}
	c.shelf.leave(call.recordings, time.Now())
}

// Wait returns when every call is done, those placed meanwhile among them.
func (c *Carrier) Wait(ctx context.Context) error {
	for calls := c.Calls(); len(calls) > 0; {
		for _, k := range calls {
			if err := k.Wait(ctx); err != nil {
				return fmt.Errorf("call %d: %w", k.number, err)
			}
		}
		calls = slices.DeleteFunc(c.Calls(), (*Call).over)
	}
	return nil
}

// Strays are requests for legs that never were.
func (c *Carrier) Strays() []Command {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.strays)
}

// addLeg makes a leg known to commands, and numbers it for lists.
func (c *Carrier) addLeg(l *leg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.legsMade++
	l.made = c.legsMade
	c.legs[l.control] = l
}

func (c *Carrier) legNamed(control string) *leg {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.legs[control]
}

// world is what d of people's and networks' time takes here.
func (c *Carrier) world(d time.Duration) time.Duration {
	return time.Duration(float64(max(d, 0)) / c.cfg.Speed)
}

// now is the instant by the carrier's own clock, which may be wrong.
func (c *Carrier) now() time.Time { return time.Now().UTC().Add(c.faults.Load().Skew) }
