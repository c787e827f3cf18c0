// Package erasure has persons and bookings forgotten.
package erasure

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Store is what an erasure reads.
type Store interface {
	Booking(ctx context.Context, id protocol.BookingID) (protocol.Booking, error)
}

// Config is what the erasures of a partition share.
type Config struct {
	Partition     protocol.Partition
	Journal       journal.Appender
	Store         Store
	EndQuarantine func(protocol.EndQuarantine)
	Recordings    func(protocol.EraseRecording)
	Schedule      func(func())
	Log           *zap.Logger
	Child         *actor.Props
}

type Actor struct{}

func New(*Config) *Actor                                 { return &Actor{} }
func NewDesk(*Config) *Actor                             { return &Actor{} }
func (*Actor) Receive(actor.Context)                     {}
func View(protocol.ErasureRow) (protocol.Erasure, error) { return protocol.Erasure{}, nil }
