package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"maskswitch/actors"
	"maskswitch/actors/protocol"
	"maskswitch/actors/recording"
	"maskswitch/http/archive"
	"maskswitch/http/inference"
	"maskswitch/http/telnyx"
	"maskswitch/metrics"
)

// checkRecordings asks whoever will use the settings of recordings, none of whom
// sends anything yet, so that their faults are told with all the others.
func (c *Config) checkRecordings(fault func(string, ...any)) {
	if _, err := telnyx.ParseRecordingHosts(c.RecordingHosts); err != nil {
		fault("RECORDING_HOSTS: %w", err)
	}
	switch {
	case c.Storage.Bucket != "":
		if _, err := archive.OpenS3(c.s3("")); err != nil {
			fault("%w", err)
		}
	default:
		s := c.Storage
		for _, alone := range [...][2]string{
			{"STORAGE_ENDPOINT", s.Endpoint}, {"STORAGE_REGION", s.Region},
			{"STORAGE_ACCESS_KEY_ID", s.AccessKey}, {"STORAGE_SECRET_ACCESS_KEY", s.SecretKey},
		} {
			if alone[1] != "" {
				fault("%s: there is no STORAGE_BUCKET that it could belong to; without one recordings are kept in DATA_DIR", alone[0])
			}
		}
	}
	if _, err := inference.New(inference.Config{Key: "any", Model: c.Model}); err != nil {
		fault("AI_MODEL: %w", err)
	} else if _, err := inference.New(c.model(nil)); c.Summaries && !c.Demo && err != nil {
		fault("SUMMARIES: %w", err)
	}
	if c.ConsentMessage != "" && c.given["RECORDING"] && c.Recording == protocol.RecordOff {
		c.warnings = append(c.warnings, "CONSENT_MESSAGE is said only in calls of bookings that choose to be recorded: RECORDING is off")
	}
}

func (c *Config) s3(spool string) archive.S3Config {
	return archive.S3Config{
		Bucket: c.Storage.Bucket, Endpoint: c.Storage.Endpoint, Region: c.Storage.Region, Spool: spool,
		AccessKey: protocol.Secret(c.Storage.AccessKey), SecretKey: protocol.Secret(c.Storage.SecretKey), APIKey: protocol.Secret(c.APIKey),
	}
}

func (c *Config) model(log *zap.Logger) inference.Config {
	return inference.Config{BaseURL: c.BaseURL, Key: c.APIKey, Model: c.Model, Log: log}
}

// recordings is the way of recordings from the carrier to the archive.
type recordings struct {
	carrier *telnyx.Recordings
	archive watched
	close   func() error
	check   func(context.Context) error // nil: it was checked when it was opened
}

// openRecordings comes after the store is open, whose lock keeps other processes
// out of DATA_DIR.
func openRecordings(c Config, client *telnyx.Client) (*recordings, error) {
	hosts, err := telnyx.ParseRecordingHosts(c.RecordingHosts)
	if err != nil {
		return nil, fmt.Errorf("RECORDING_HOSTS: %w", err)
	}
	r := &recordings{close: func() error { return nil }}
	if c.Storage.Bucket != "" {
		bucket, err := archive.OpenS3(c.s3(filepath.Join(c.DataDir, "spool")))
		if err != nil {
			return nil, err
		}
		r.archive.Archive, r.check = bucket, bucket.Check
	} else {
		dir, err := archive.OpenDirectory(filepath.Join(c.DataDir, "recordings"))
		if err != nil {
			return nil, fmt.Errorf("DATA_DIR: %w", err)
		}
		r.archive.Archive, r.close = dir, dir.Close
	}
	r.carrier = telnyx.NewRecordings(client, telnyx.RecordingsConfig{Hosts: hosts})
	return r, nil
}

// settings are what the actors are told of it.
func (r *recordings) settings(c Config, watch *metrics.Metrics, log *zap.Logger) (actors.Recordings, error) {
	s := actors.Recordings{
		Carrier: r.carrier, Archive: &r.archive, Observer: watch.Recordings,
		DeleteAtCarrier: c.DeleteAtCarrier, Retention: time.Duration(c.RetentionDays) * 24 * time.Hour,
		Parallel: c.Downloads, Bandwidth: int64(c.Bandwidth) * 1_000_000,
	}
	if c.Summaries {
		model, err := inference.New(c.model(log))
		if err != nil {
			return s, err
		}
		s.Summaries = model
	}
	return s, nil
}

// tryArchive says early what would else be found out with the first recording.
// Recordings wait at the carrier until it works, so the switch runs all the same.
func (r *recordings) tryArchive(ctx context.Context, log *zap.Logger) {
	if r.check == nil {
		return
	}
	if err := r.check(ctx); err != nil && ctx.Err() == nil {
		r.archive.note(err)
		log.Error("recordings cannot be archived; they wait at the carrier until this is mended", zap.Error(err))
	}
}

// release comes when nobody reads or writes recordings any more.
func (r *recordings) release() error {
	r.carrier.Close()
	return r.close()
}

// watched is an archive that says whether it works, as far as anybody has tried.
type watched struct {
	recording.Archive
	trouble atomic.Pointer[error]
}

// Stat implements recording.Archive.
func (w *watched) Stat(ctx context.Context, name string) (protocol.Object, error) {
	o, err := w.Archive.Stat(ctx, name)
	if err != nil && !errors.Is(err, protocol.ErrNoObject) && ctx.Err() == nil {
		w.note(err)
	}
	return o, err
}

// Put implements recording.Archive. What the audio fails with is not the
// archive's trouble.
func (w *watched) Put(ctx context.Context, name, contentType string, size int64, audio io.Reader) (protocol.Object, error) {
	from := &heard{Reader: audio}
	o, err := w.Archive.Put(ctx, name, contentType, size, from)
	var trouble *protocol.RecordingError
	broken := errors.As(err, &trouble) && trouble.Trouble == protocol.TroubleBroken
	switch {
	case err == nil:
		w.trouble.Store(nil)
	case !from.failed && !broken && ctx.Err() == nil:
		w.note(err)
	}
	return o, err
}

func (w *watched) note(err error) { w.trouble.Store(&err) }

// ready is nil while the archive works.
func (w *watched) ready() error {
	if err := w.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// heard is audio that remembers whether it broke off.
type heard struct {
	io.Reader
	failed bool
}

// Read implements io.Reader.
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	h.failed = h.failed || err != nil && !errors.Is(err, io.EOF)
	return n, err
}
