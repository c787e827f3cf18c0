package recording

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Store is what the queue reads. Every journal.Store is one.
type Store interface {
	Recording(ctx context.Context, id protocol.RecordingID) (protocol.Recording, error)
	Recordings(ctx context.Context, id protocol.CallID) ([]protocol.Recording, error)
	CallOfSession(ctx context.Context, s protocol.SessionID) (protocol.Call, error)
	DueRecordings(ctx context.Context, p protocol.Partition, after protocol.RecordingDue, limit int) ([]protocol.Recording, error)
	OldestPending(ctx context.Context, p protocol.Partition) (n int, noticedAt time.Time, err error)
	ArchivedBefore(ctx context.Context, p protocol.Partition, before time.Time, limit int) ([]protocol.Recording, error)
	Text(ctx context.Context, id protocol.RecordingID, s protocol.SessionID, kind protocol.TextKind) (protocol.RecordingText, error)
}

// Config is what the recordings of a partition share.
type Config struct {
	Partition       protocol.Partition
	Journal         journal.Appender
	Store           Store
	Carrier         Carrier
	Archive         Archive
	Summaries       Summariser    // nil: none are made
	DeleteAtCarrier bool          // once a recording is in the archive
	Retention       time.Duration // what is older is erased, unless it is held; 0: for ever
	Parallel        int           // downloads at once; 0 means 8
	Bandwidth       int64         // of all downloads together, bytes a second; 0: no limit
	Schedule        func(func())  // starts a function on a goroutine of its own, and does not wait
	Observer        Observer      // nil: nobody watches
	Log             *zap.Logger   // nil: nobody reads
	Child           *actor.Props  // of one recording; shared
}

func (c *Config) policy() Policy { return Policy{c.DeleteAtCarrier, c.Summaries != nil} }

func (c *Config) log() *zap.Logger {
	if c.Log == nil {
		return zap.NewNop()
	}
	return c.Log
}

func (c *Config) observer() Observer {
	if c.Observer == nil {
		return unobserved{}
	}
	return c.Observer
}

type unobserved struct{}

func (unobserved) Archived(protocol.CallID, int64, time.Duration) {}
func (unobserved) TryFailed(protocol.RecordingTrouble)            {}
func (unobserved) Lost()                                          {}
func (unobserved) Pending(int, time.Time)                         {}
