package telnyx

import (
	"context"
	"time"

	"maskswitch/actors/protocol"
)

// lanes bounds the requests in flight, each kind of command for itself: a
// hangup never stands behind a transfer. A lane is left between two attempts,
// so commands that wait for their next one keep nobody out.
type lanes []chan struct{}

func newLanes(width int) lanes {
	all := make(lanes, len(protocol.CommandKinds()))
	for i := range all {
		all[i] = make(chan struct{}, width)
	}
	return all
}

// enter waits for room and says how long that took. It is false if ctx ended
// first; otherwise leave must follow.
func (l lanes) enter(ctx context.Context, kind protocol.CommandKind) (time.Duration, bool) {
	select {
	case l[kind] <- struct{}{}:
		return 0, true
	default:
	}
	began := time.Now()
	select {
	case l[kind] <- struct{}{}:
		return time.Since(began), true
	case <-ctx.Done():
		return time.Since(began), false
	}
}

func (l lanes) leave(kind protocol.CommandKind) { <-l[kind] }
