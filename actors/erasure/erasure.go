// Package erasure has persons and bookings forgotten: the recordings of their
// bookings are erased, and then their numbers are taken out of the bookings.
//
// An erasure is a durable job. It looks at all bookings of its subject, portion
// by portion, has erased what may be, and looks again until nothing of it is
// left but what it must refuse: a booking that lives, a call under way, a
// recording that is held. Whatever it does may be done twice, so a process that
// dies leaves it to go on from the start; only what it has counted is in its row,
// and that is written together with what it counts.
//
// A booking loses its parties last. Until then the recordings that are still
// being erased can be found by them.
package erasure

import (
	"context"
	"time"

	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Store is what an erasure reads. Every journal.Store is one.
type Store interface {
	Booking(ctx context.Context, id protocol.BookingID) (protocol.Booking, error)
	Bookings(ctx context.Context, q protocol.BookingQuery) ([]protocol.Booking, error)
	Calls(ctx context.Context, q protocol.CallQuery) ([]protocol.Call, error)
	BookingRecordings(ctx context.Context, id protocol.BookingID) ([]protocol.Recording, error)
}

// Config is what the erasures of a partition share.
type Config struct {
	Partition     protocol.Partition
	Journal       journal.Appender
	Store         Store
	EndQuarantine func(protocol.EndQuarantine)  // hands it to the pool, and does not wait
	Recordings    func(protocol.EraseRecording) // hands it to the queue, and does not wait
	Schedule      func(func())                  // starts a function on a goroutine of its own, and does not wait
	Log           *zap.Logger                   // nil: nobody reads
}

func (c *Config) log() *zap.Logger {
	if c.Log == nil {
		return zap.NewNop()
	}
	return c.Log
}

// How long to wait before looking again at what is still being erased. A party's
// bookings are found by reading all there are, so patience grows.
const (
	lookFirst = time.Second
	lookMost  = 5 * time.Minute
)
