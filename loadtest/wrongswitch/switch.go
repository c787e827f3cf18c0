package wrongswitch

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Config sets a Switch up.
type Config struct {
	BaseURL   string // of the carrier's API, with /v2
	APIKey    string // for it
	PublicKey string // of its webhooks: standard base64 of 32 bytes
	Defects   []Defect
	Lateness  time.Duration // of AnswersLate; 0: 3 s
	Consent   string        // said to both before they are recorded; empty: nothing is
	Lookup    time.Duration // so long after a call it asks for recordings that no event told of; 0: 2 s
	// RejectsLate: callers whose booking has ended are rejected, not told.
	RejectsLate bool
}

// Switch is an http.Handler for REST and webhooks. Close it in any case.
type Switch struct {
	cfg    Config
	key    ed25519.PublicKey
	wrong  defects
	mux    *http.ServeMux
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc
	jobs   sync.WaitGroup // commands under way

	mu       sync.Mutex
	closed   bool
	numbers  []string // the pool, in the order they were added
	next     int      // where the search for a number begins
	bookings map[string]*booking
	held     map[key]*booking
	past     map[key]*booking // ended: the quarantine
	order    []*booking       // live and ended, as they were opened
	calls    map[string]*call // by session
	archive  map[string]*file // by recording id
}

// New makes a switch without numbers. A PublicKey that is none makes it refuse
// every webhook with 401.
func New(cfg Config) *Switch {
	s := &Switch{cfg: cfg, wrong: newDefects(cfg.Defects), bookings: map[string]*booking{}, held: map[key]*booking{},
		past: map[key]*booking{}, calls: map[string]*call{}, archive: map[string]*file{},
		client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	if s.cfg.Lateness == 0 {
		s.cfg.Lateness = 3 * time.Second
	}
	if s.cfg.Lookup == 0 {
		s.cfg.Lookup = 2 * time.Second
	}
	if raw, err := base64.StdEncoding.DecodeString(cfg.PublicKey); err == nil && len(raw) == ed25519.PublicKeySize {
		s.key = raw
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /pool", s.addNumbers)
	s.mux.HandleFunc("POST /bookings", s.openBooking)
	s.mux.HandleFunc("GET /bookings", s.listBookings)
	s.mux.HandleFunc("GET /bookings/{id}", s.showBooking)
	s.mux.HandleFunc("PATCH /bookings/{id}", s.changeBooking)
	s.mux.HandleFunc("DELETE /bookings/{id}", s.closeBooking)
	s.mux.HandleFunc("GET /bookings/{id}/recordings", s.listRecordings)
	s.mux.HandleFunc("GET /recordings/{id}/audio", s.serveAudio)
	s.mux.HandleFunc("GET /health", s.health)
	s.mux.HandleFunc("POST /webhooks/voice", s.webhook)
	return s
}

// ServeHTTP is REST and the webhook.
func (s *Switch) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Struck is how often a defect has struck so far.
func (s *Switch) Struck(k Kind) int64 {
	if d := s.wrong[k]; d != nil {
		return d.struck.Load()
	}
	return 0
}

// Close ends all commands under way and returns when none is left.
func (s *Switch) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.jobs.Wait()
	s.client.CloseIdleConnections()
}

func reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

func refuse(w http.ResponseWriter, status int, text, code string) {
	reply(w, status, map[string]any{"error": text, "code": code})
}
