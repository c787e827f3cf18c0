package carrier

import (
	"crypto/ed25519"
	"time"
)

// Config sets up a Carrier. The zero value is a carrier without faults that
// makes its own key; only the webhook address must come from somewhere.
type Config struct {
	WebhookURL string             // where events go; SetWebhookURL may name it later
	PrivateKey ed25519.PrivateKey // signs webhooks; nil: a new one
	APIKey     string             // expected as bearer; empty: any request is let in
	Addr       string             // Start listens here; empty: a free port of 127.0.0.1
	URL        string             // own origin for recording links, if another server holds the handler

	Seed   uint64
	Faults Faults // at the start; SetFaults changes them
	Timing Timing

	// Speed divides what people and the network take: scripts, Timing, ring
	// timeouts, time limits. 100 lets a ring of 30 s pass in 300 ms. The rules
	// of the wire (2 s for a webhook, RetryDelays, 60 s for a command id, 600 s
	// for a link) are never scaled. 0 and less: 1.
	Speed float64

	// RetryDelays are the pauses between the deliveries of one event; after the
	// last the event is given up. Set, they also outrank the policies that
	// commands ask for. nil: policies are honoured, and events without one get
	// 2, 4, 8, 16 and 30 s. The carrier publishes no schedule for voice, only
	// that the pauses grow.
	RetryDelays []time.Duration

	WebhookTimeout time.Duration // 0: 2 s, the carrier's own
	Senders        int           // most deliveries under way at once; 0: 256
	LinkLife       time.Duration // of a recording link; 0: 600 s, the carrier's own
	AudioBytes     int64         // the least that a recording's file has; what two people say is small. 64 MiB at most
	Shelf          time.Duration // how long recordings are kept whose call is forgotten

	ConnectionID string   // of the application that owns the numbers; empty: one from the samples
	Tags         []string // of the dialled number, on leg A's events; nil: "mask-pool"

	// OnCommand decides about a request before anything else does; nil, or a
	// nil Reply, leaves it to Faults. It runs once for each request.
	OnCommand func(Command) *Reply
	// OnDelivery decides how an event travels; nil, or a nil Plan, leaves it to
	// Faults. It runs once for each event, before its first delivery.
	OnDelivery func(Event) *Plan
	// OnFile decides about a request for a recording's file that has a good link,
	// by the recording and how many such requests there were for it; nil, or an
	// empty trouble, leaves it to Faults.
	OnFile func(r Recording, try int) FileTrouble
	// Observer hears of deliveries, requests and ends; nil: nobody.
	Observer Observer
	// Logf hears of what a test should know: given up events, stray commands.
	Logf func(format string, args ...any)
}

// Timing is how long the carrier itself takes. 0 is the default in brackets, a
// negative value is none.
type Timing struct {
	Answer  time.Duration // answer command to answered leg [20 ms]
	Dial    time.Duration // transfer to leg B's ring [30 ms]
	Bridge  time.Duration // leg B's ring to the bridge [10 ms]
	Release time.Duration // one leg's end to the other's [15 ms]
	Save    time.Duration // a recording's end to its saved event [1 s]
	Speech  time.Duration // a spoken line, a playback [2 s]

	Transcribe time.Duration // a saved recording to its transcription [1 s]
}

func (c Config) withDefaults() Config {
	set(&c.Addr, "127.0.0.1:0")
	set(&c.WebhookTimeout, 2*time.Second)
	set(&c.Senders, 256)
	set(&c.LinkLife, 600*time.Second)
	set(&c.ConnectionID, "2811000000000000001")
	set(&c.Timing.Answer, 20*time.Millisecond)
	set(&c.Timing.Dial, 30*time.Millisecond)
	set(&c.Timing.Bridge, 10*time.Millisecond)
	set(&c.Timing.Release, 15*time.Millisecond)
	set(&c.Timing.Save, time.Second)
	set(&c.Timing.Speech, 2*time.Second)
	set(&c.Timing.Transcribe, time.Second)
	c.AudioBytes = min(c.AudioBytes, 64<<20)
	if c.Speed <= 0 {
		c.Speed = 1
	}
	if c.Tags == nil {
		c.Tags = []string{"mask-pool"}
	}
	if c.Logf == nil {
		c.Logf = func(string, ...any) {}
	}
	return c
}

func set[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

var defaultRetries = []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second}
