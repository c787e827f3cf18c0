package telnyx

import (
	"context"
	"errors"
	"io"
	"time"

	"maskswitch/actors/protocol"
)

// How slow a download may be. A recording of the usual kind plays at 4 to 32 KiB
// a second: what comes more slowly than that holds a place that others wait for.
const (
	leastSpeed = 16 << 10         // bytes a second, over a window
	window     = 20 * time.Second // of waiting for bytes
)

// pacedBody is a body that must come along. Only the time that is spent waiting
// for the host counts, so a reader that takes its time is no fault of the host's.
type pacedBody struct {
	cancel context.CancelFunc // ends the request
	body   io.ReadCloser
	from   *Recordings
	stall  *time.Timer   // cancels a read that brings nothing for a window
	left   int64         // bytes until the limit
	waited time.Duration // of this window
	came   int64         // bytes in it
	failed error         // the last word
}

func newPacedBody(cancel context.CancelFunc, body io.ReadCloser, from *Recordings) *pacedBody {
	b := &pacedBody{cancel: cancel, body: body, from: from, left: from.maxBytes}
	b.stall = time.AfterFunc(window, cancel)
	b.stall.Stop()
	return b
}

// Read passes on what comes. After an error it says the same again.
func (b *pacedBody) Read(p []byte) (int, error) {
	if b.failed != nil || len(p) == 0 {
		return 0, b.failed
	}
	// One byte more than is left tells a body of the limit from a longer one.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	began := time.Now()
	b.stall.Reset(window)
	n, err := b.body.Read(p)
	stalled := !b.stall.Stop()
	b.waited += time.Since(began)
	b.came += int64(n)
	b.left -= int64(n)
	switch {
	case b.left < 0:
		n += int(b.left)
		b.failed = b.from.tooLong()
	case err == io.EOF:
		b.failed = io.EOF
	case stalled, err == nil && b.waited >= window && b.came < int64(b.waited.Seconds()*leastSpeed):
		b.failed = trouble(protocol.TroubleLater, "the recording comes too slowly: %d bytes in %s", b.came, b.waited.Round(time.Second))
	case errors.Is(err, io.ErrUnexpectedEOF):
		b.failed = trouble(protocol.TroubleBroken, "the recording ended before its announced length")
	case err != nil:
		b.failed = trouble(protocol.TroubleLater, "the recording broke off: %s", breakage(err))
	case b.waited >= window:
		b.waited, b.came = 0, 0
	}
	if b.failed != nil && b.failed != io.EOF {
		b.cancel()
	}
	return n, b.failed
}

// Close ends the download wherever it is.
func (b *pacedBody) Close() error {
	b.stall.Stop()
	b.cancel()
	return b.body.Close()
}
