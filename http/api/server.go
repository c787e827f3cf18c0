// Package api is the REST door of the switch: what a marketplace calls.
//
// The contract is openapi.yaml, in this directory and at /openapi.json. Six of
// its requests are those of the application this one replaces: fields,
// status codes and the `error` texts that its clients compare are kept, fields
// may be added, and none is taken away. Every refusal also has a stable code
// for programs and a detail for people.
//
// A request is read and checked whole before the switch hears of it, so a 4xx
// changes nothing. A 2xx is sent after the switch has said that the change is
// on disk. Handlers own no state: they decode, ask, reply, and may wait. One
// adapter (adapter.go) does for all of them what is the same for all: it
// counts, measures, logs, catches panics and renders refusals, from one table
// (problem.go).
//
// Numbers and booking ids belong to marketplaces: answers carry them, logs
// never do, and so a path or a query is never logged either.
package api

import (
	"context"
	_ "embed"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Switch is what this door opens on. Its errors are *protocol.Error; any other
// is taken for a fault of ours. An id is the client's booking_id or order_id, or
// our own.
type Switch interface {
	OpenBooking(ctx context.Context, cmd protocol.OpenBooking) (protocol.Opened, error)
	MoveBooking(ctx context.Context, id string, to protocol.MoveBooking) (protocol.Booking, error)
	CloseBooking(ctx context.Context, id string) (protocol.Booking, error)
	Booking(ctx context.Context, id string) (protocol.Booking, error)
	Bookings(ctx context.Context, q protocol.BookingQuery) ([]protocol.Booking, error)
	Headcount(ctx context.Context) (protocol.Headcount, error)

	AddNumbers(ctx context.Context, numbers []phone.Number) (protocol.Added, error)
	Numbers(ctx context.Context, q protocol.NumberQuery) ([]protocol.NumberStatus, error)
	Number(ctx context.Context, n phone.Number) (protocol.NumberStatus, error)
	MoveNumber(ctx context.Context, m protocol.MoveNumberTo) (protocol.NumberStatus, error)
	// RetireNumber lets a number drain, or with force ends its bookings.
	RetireNumber(ctx context.Context, n phone.Number, force bool) (protocol.RetiredNumber, error)
	Headroom(ctx context.Context) (protocol.Headroom, error)
	Sizing(ctx context.Context, q protocol.SizingQuestion) (protocol.Sizing, error)

	ImportNumbers(ctx context.Context, q protocol.ImportNumbers) (protocol.Imported, error)
	// OrderNumbers is repeated if the order was there already.
	OrderNumbers(ctx context.Context, o protocol.OrderNumbers) (order protocol.NumberOrder, repeated bool, err error)
	NumberOrder(ctx context.Context, id string) (protocol.NumberOrder, error)
	NumberOrders(ctx context.Context, limit int) ([]protocol.NumberOrder, error)

	Calls(ctx context.Context, booking string, after protocol.CallID, limit int) ([]protocol.Call, error)
	Call(ctx context.Context, id protocol.CallID) (protocol.Call, []protocol.Line, error)
	FindCalls(ctx context.Context, q protocol.CallSearch) (protocol.CallPage, error)
	// Explain says what would happen to a call now; it changes nothing.
	Explain(ctx context.Context, from, to phone.Number, withheld bool) (protocol.Explanation, error)
	// PauseRecording returns when the carrier has paused or resumed.
	PauseRecording(ctx context.Context, call protocol.CallID, paused bool) (protocol.RecordingSwitch, error)

	BookingRecordings(ctx context.Context, booking string) ([]protocol.Recording, error)
	Recording(ctx context.Context, id protocol.RecordingID) (protocol.Recording, error)
	RecordingTexts(ctx context.Context, id protocol.RecordingID) ([]protocol.RecordingText, error)
	// OpenAudio reads from a byte on, to the end if length is negative.
	OpenAudio(ctx context.Context, r protocol.Recording, from, length int64) (io.ReadCloser, error)
	// HoldRecording without a reason takes the hold back.
	HoldRecording(ctx context.Context, id protocol.RecordingID, reason string) (protocol.Recording, error)
	EraseRecording(ctx context.Context, id protocol.RecordingID) (protocol.Recording, error)
	// PlaceErasure is about a party or, if that is unknown, a booking.
	PlaceErasure(ctx context.Context, party phone.Number, booking string) (protocol.Erasure, error)
	Erasure(ctx context.Context, id protocol.ErasureID) (protocol.Erasure, error)
}

// Observer is told of every request but the webhooks, which tell their own.
type Observer interface {
	InFlight(delta int)
	// Request is told once for each. Route and method are a pair of Routes.
	Request(route, method string, status int, d time.Duration)
}

// Config is what a Server needs. Only Switch has no default.
type Config struct {
	Switch          Switch
	APIKeys         Keys         // none: the API answers this machine only
	Log             *zap.Logger  // nil: silence
	Observer        Observer     // nil: nobody
	MaxBookingHours int          // 0: 8784, a leap year
	MaxInFlight     int          // requests at work in the switch; 0: 4096
	Webhook         http.Handler // takes POST /webhooks/voice whole; nil: there is none
}

// Limits that a Config may leave open.
const (
	DefaultMaxBookingHours = 8784
	DefaultMaxInFlight     = 4096
)

// A request waits so long for the switch. Then the client is told to ask again;
// with the same booking_id it gets the same booking.
//
// Two requests may take longer: an import reads the carrier's list page by page,
// at the carrier's pace, and a retirement by force waits until the last of
// maybe thousands of bookings has ended on disk. They stay below the minute
// that NewHTTPServer gives an answer.
const (
	patience     = 10 * time.Second
	longPatience = 45 * time.Second
	// pausePatience is longer than the carrier is asked to pause a recording.
	pausePatience = 15 * time.Second
)

// Server is the API as an http.Handler.
type Server struct {
	config   Config
	csrf     *http.CrossOriginProtection
	router   *mux.Router
	inFlight atomic.Int64
}

// A route is one method on one path. An open one asks for no key and is not
// counted against MaxInFlight, so that it still answers under load.
type route struct {
	path, method string
	open         bool
	patience     time.Duration
	handle       func(*Server, http.ResponseWriter, *http.Request) error
}

// A fixed path stands before the path with a variable that would take it too.
var routes = []route{
	{"/pool", http.MethodPost, false, patience, (*Server).addNumbers},
	{"/pool", http.MethodGet, false, patience, (*Server).listNumbers},
	{"/pool/headroom", http.MethodGet, false, patience, (*Server).headroom},
	{"/pool/sizing", http.MethodGet, false, patience, (*Server).sizing},
	{"/pool/import", http.MethodPost, false, longPatience, (*Server).importNumbers},
	{"/pool/order", http.MethodPost, false, patience, (*Server).orderNumbers},
	{"/pool/orders", http.MethodGet, false, patience, (*Server).listOrders},
	{"/pool/orders/{id}", http.MethodGet, false, patience, (*Server).readOrder},
	{"/pool/{number}", http.MethodGet, false, patience, (*Server).readNumber},
	{"/pool/{number}", http.MethodPatch, false, patience, (*Server).moveNumber},
	{"/pool/{number}", http.MethodDelete, false, longPatience, (*Server).retireNumber},
	{"/bookings", http.MethodPost, false, patience, (*Server).createBooking},
	{"/bookings", http.MethodGet, false, patience, (*Server).listBookings},
	{"/bookings/{id}", http.MethodGet, false, patience, (*Server).readBooking},
	{"/bookings/{id}", http.MethodPatch, false, patience, (*Server).moveBooking},
	{"/bookings/{id}", http.MethodDelete, false, patience, (*Server).deleteBooking},
	{"/bookings/{id}/calls", http.MethodGet, false, patience, (*Server).listCalls},
	{"/bookings/{id}/recordings", http.MethodGet, false, patience, (*Server).listRecordings},
	{"/calls", http.MethodGet, false, patience, (*Server).searchCalls},
	{"/explain", http.MethodGet, false, patience, (*Server).explain},
	{"/calls/{id}", http.MethodGet, false, patience, (*Server).readCall},
	{"/calls/{id}/recording", http.MethodPost, false, pausePatience, (*Server).pauseRecording},
	{"/recordings/{id}", http.MethodGet, false, patience, (*Server).readRecording},
	{"/recordings/{id}", http.MethodDelete, false, patience, (*Server).eraseRecording},
	{"/recordings/{id}/audio", http.MethodGet, false, patience, (*Server).recordingAudio},
	{"/recordings/{id}/hold", http.MethodPost, false, patience, (*Server).holdRecording},
	{"/recordings/{id}/hold", http.MethodDelete, false, patience, (*Server).releaseRecording},
	{"/erasures", http.MethodPost, false, patience, (*Server).placeErasure},
	{"/erasures/{id}", http.MethodGet, false, patience, (*Server).readErasure},
	{"/health", http.MethodGet, true, healthPatience, (*Server).health},
	{"/openapi.json", http.MethodGet, true, patience, (*Server).document},
}

// webhookPath is where the carrier posts.
const webhookPath = "/webhooks/voice"

// Other stands in a Route for whatever no route answers.
const Other = "other"

// Route is a pair that an Observer may be told.
type Route struct{ Path, Method string }

// Routes lists every pair, for metrics that must exist before the first
// request. HEAD counts as GET, and what no route answers as Other.
func Routes() []Route {
	out := make([]Route, 0, len(routes)+1)
	for _, rt := range routes {
		out = append(out, Route{rt.path, rt.method})
	}
	return append(out, Route{Other, Other})
}

// New makes the API. It panics without a Switch: that is a program's mistake,
// not an operator's.
func New(config Config) *Server {
	if config.Switch == nil {
		panic("api.New: no Switch")
	}
	if config.Log == nil {
		config.Log = zap.NewNop()
	}
	if config.Observer == nil {
		config.Observer = nobody{}
	}
	if config.MaxBookingHours <= 0 {
		config.MaxBookingHours = DefaultMaxBookingHours
	}
	if config.MaxInFlight <= 0 {
		config.MaxInFlight = DefaultMaxInFlight
	}
	s := &Server{config: config, csrf: http.NewCrossOriginProtection()}
	s.router = s.newRouter()
	return s
}

// newRouter leads each path to its methods. Paths are not cleaned, because the router would
// answer an unclean one with a redirect, and a redirected POST is a lost one.
// The router knows paths only: it would answer a wrong method without Allow.
func (s *Server) newRouter() *mux.Router {
	paths := make(map[string]methods)
	var order []string
	for _, rt := range routes {
		if paths[rt.path] == nil {
			paths[rt.path] = make(methods)
			order = append(order, rt.path)
		}
		paths[rt.path][rt.method] = s.adapt(rt)
		if rt.method == http.MethodGet {
			paths[rt.path][http.MethodHead] = paths[rt.path][rt.method]
		}
	}
	if s.config.Webhook != nil {
		paths[webhookPath] = methods{http.MethodPost: s.config.Webhook}
		order = append(order, webhookPath)
	}
	router := mux.NewRouter().SkipClean(true)
	for _, path := range order { // the router takes the first that fits
		byMethod := paths[path]
		byMethod[Other] = s.adapt(wrongMethod(byMethod.allowed()))
		router.Handle(path, byMethod)
	}
	router.NotFoundHandler = s.adapt(route{path: Other, method: Other, open: true, patience: patience, handle: noRoute})
	return router
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

//go:embed openapi.json
var openAPI []byte

// document serves the contract.
func (s *Server) document(w http.ResponseWriter, _ *http.Request) error {
	write(w, http.StatusOK, openAPI)
	return nil
}

// NewHTTPServer makes a server whose clients cannot hold it by being slow. The
// time to write leaves room for a profile of 30 seconds.
func NewHTTPServer(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second, // also ends the context of a handler that takes longer
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

type nobody struct{}

func (nobody) InFlight(int)                               {}
func (nobody) Request(string, string, int, time.Duration) {}
