// Package app ties the parts together: a configuration becomes a running switch.
//
// Order matters at both ends. The doors open before the store is read, so that
// an early webhook gets a 503, which the carrier repeats, and not a refused
// connection. At the end the doors shut first, then what is promised is
// written, then the store is closed; calls are left to the next process.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"maskswitch/actors"
	"maskswitch/actors/call"
	"maskswitch/actors/journal"
	"maskswitch/actors/journal/sqlite"
	"maskswitch/http/api"
	"maskswitch/http/telnyx"
	"maskswitch/http/webhook"
	"maskswitch/metrics"
)

// App is one process of the switch.
type App struct {
	config  Config
	log     *zap.Logger
	client  *telnyx.Client
	engine  *sqlite.Engine
	sw      *actors.Switch
	watch   *metrics.Metrics
	api     *http.Server
	admin   *http.Server
	apiAt   net.Listener
	adminAt net.Listener
	records *recordings
	failed  chan error // a server that stopped by itself
	trying  context.CancelFunc
	ballast []byte // see ballastSize
}

// ballastSize is memory that is asked for and never touched, so that it takes no
// room. The collector runs when the heap has doubled; without it the small heap
// of a switch with few bookings doubles several times a second.
const ballastSize = 64 << 20

// New opens the store and binds the addresses. Nothing is served yet.
func New(ctx context.Context, c Config, log *zap.Logger) (_ *App, err error) {
	a := &App{config: c, log: log, failed: make(chan error, 2), ballast: make([]byte, ballastSize)}
	defer func() {
		if err != nil {
			a.release()
		}
	}()
	registry := prometheus.NewRegistry()
	watch := metrics.New(registry, metricOptions(c))
	if a.client, err = telnyx.New(telnyx.Config{BaseURL: c.BaseURL, APIKey: c.APIKey, Observer: watch.Commands}); err != nil {
		return nil, err
	}
	if a.engine, err = sqlite.Open(ctx, c.DataDir); err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	if a.records, err = openRecordings(c, a.client); err != nil {
		return nil, err
	}
	records, err := a.records.settings(c, watch, log)
	if err != nil {
		return nil, err
	}
	group := journal.NewGroup(a.engine, journal.Options{Queue: journalQueue, Pace: journalPace, Observer: watch.Journal})
	a.sw = actors.New(actors.Config{
		Journal: group, Carrier: a.client,
		Calls: call.Settings{
			RingTimeout: c.RingTimeout, Limit: c.CallLimit, Recording: c.Recording,
			Unreachable: c.UnreachableMessage, Ended: c.EndedMessage, Checkout: c.CheckoutMessage,
			Consent: c.ConsentMessage, Summaries: c.Summaries,
		},
		Recordings:     records,
		PairsPerNumber: c.PairsPerNumber, CallsPerMinute: float64(c.CallsPerMinute), Assignment: c.Assignment,
		Quarantine: c.Quarantine, Strict: c.QuarantineStrict,
		LongestBooking: time.Duration(c.MaxBookingHours) * time.Hour,
		Numbers:        a.client, Connection: c.Connection, Tag: c.Tag,
		MostCalls: c.MaxCalls,
		Observer:  watch, Log: log,
	})
	sources := metrics.Sources{
		JournalSize: a.engine.Size, JournalPending: group.Pending, Disk: disk(c.DataDir),
		Outbox: a.sw.OnTheirWay, Waiting: a.sw.Waiting, Fullest: a.sw.Fullest,
	}
	sources.Ready.Journal, sources.Ready.Carrier = group.Ready, a.client.Ready
	sources.Ready.Archive, sources.Ready.Pool = a.records.archive.ready, a.sw.Ready
	watch.Watch(sources)
	a.watch = watch
	hooks := webhook.NewReceiver(webhook.Config{Switch: a.sw, Verifier: c.verifier, Observer: watch, Log: log})
	a.api = api.NewHTTPServer("", api.New(api.Config{
		Switch: a.sw, APIKeys: c.Keys, Log: log, Observer: watch.API, MaxBookingHours: c.MaxBookingHours, Webhook: watch.CountWebhooks(hooks),
	}))
	a.admin = api.NewHTTPServer("", metrics.NewAdmin(registry, a.sw.Ready, zap.NewStdLog(log)))
	if a.apiAt, err = net.Listen("tcp", net.JoinHostPort(c.Host, c.Port)); err != nil {
		return nil, fmt.Errorf("HOST and PORT: %w", err)
	}
	if a.adminAt, err = net.Listen("tcp", c.AdminAddr); err != nil {
		return nil, fmt.Errorf("ADMIN_ADDR: %w", err)
	}
	return a, nil
}

// metricOptions are the lists and limits that the metrics show and others own.
func metricOptions(c Config) metrics.Options {
	o := metrics.Options{
		RetryReasons: telnyx.RetryReasons(), RefusalReasons: webhook.RefusalReasons(),
		RequestLimit: api.DefaultMaxInFlight, JournalLimit: journalQueue, CallLimit: c.MaxCalls,
	}
	for _, r := range api.Routes() {
		o.Routes = append(o.Routes, metrics.Route{Path: r.Path, Method: r.Method})
	}
	return o
}

// journalQueue is how many changes may wait for the disk: half a second's worth
// of what it takes at its best.
const journalQueue = 32768

// journalPace is how long a webhook waits for company on its way to the disk. Its
// commands have left by then, and the carrier waits two seconds.
const journalPace = 8 * time.Millisecond

// release lets go of what New took, when it could not take everything.
func (a *App) release() {
	for _, at := range []net.Listener{a.apiAt, a.adminAt} {
		if at != nil {
			_ = at.Close()
		}
	}
	if a.records != nil {
		_ = a.records.release()
	}
	if a.engine != nil {
		_ = a.engine.Close()
	}
	if a.client != nil {
		a.client.Close()
	}
}

// URL is where REST and webhooks are served.
func (a *App) URL() string { return "http://" + a.apiAt.Addr().String() }

// AdminURL is where metrics and health are served.
func (a *App) AdminURL() string { return "http://" + a.adminAt.Addr().String() }

// Start serves, and recovers what the store holds. When it returns nil the
// switch is ready.
func (a *App) Start(ctx context.Context) error {
	serve := func(s *http.Server, at net.Listener) {
		if err := s.Serve(at); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- err
		}
	}
	go serve(a.api, a.apiAt)
	go serve(a.admin, a.adminAt)
	if err := a.sw.Start(ctx); err != nil {
		_ = a.Stop(context.WithoutCancel(ctx))
		return err
	}
	trying, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.trying = cancel
	go a.records.tryArchive(trying, a.log)
	go watchCarrier(trying, a.client, a.log)
	a.log.Info("serving", zap.String("api", a.URL()), zap.String("admin", a.AdminURL()))
	return nil
}

// How long the end may take. Requests have their own bounds, shorter than these.
const (
	drainWait = 10 * time.Second
	flushWait = 20 * time.Second
)

// Stop shuts the doors, writes what is promised and closes the store.
func (a *App) Stop(ctx context.Context) error {
	a.sw.Drain()
	a.watch.Draining()
	draining, cancel := context.WithTimeout(ctx, drainWait)
	defer cancel()
	errAPI := a.api.Shutdown(draining)
	flushing, cancel := context.WithTimeout(ctx, flushWait)
	defer cancel()
	if a.trying != nil {
		a.trying()
	}
	errSwitch := a.sw.Stop(flushing)
	errAdmin := a.admin.Shutdown(flushing)
	errRecords := a.records.release()
	a.client.Close()
	return errors.Join(errAPI, errSwitch, errAdmin, errRecords)
}

// Run serves until ctx ends, then stops.
func (a *App) Run(ctx context.Context) error {
	if err := a.Start(ctx); err != nil {
		return err
	}
	var failed error
	select {
	case <-ctx.Done():
		a.log.Info("stopping: calls go on at the carrier and are found again by the next start")
	case failed = <-a.failed:
	}
	return errors.Join(failed, a.Stop(context.WithoutCancel(ctx)))
}

// newLog makes the log that a configuration asks for.
func newLog(c Config, out zapcore.WriteSyncer, terminal bool) *zap.Logger {
	level, err := zapcore.ParseLevel(c.LogLevel)
	if err != nil {
		level = zapcore.InfoLevel
	}
	shape := zap.NewProductionEncoderConfig()
	shape.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	shape.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(shape)
	if c.LogFormat == "console" || c.LogFormat == "" && terminal {
		shape.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		shape.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(shape)
	}
	return zap.New(zapcore.NewCore(encoder, out, level))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
