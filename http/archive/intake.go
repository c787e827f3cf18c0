package archive

import (
	"context"
	"errors"
	"io"
	"sync"

	"maskswitch/actors/protocol"
)

// errStopped is what reads get that come after the end.
var errStopped = errors.New("nobody waits for this audio any more")

// intake hands audio on to an archive and holds it to what was announced. It gives
// the last byte away only when the end has been seen and is right: a server that
// has all the bytes it was told of keeps them, whatever is found out later.
type intake struct {
	ctx  context.Context
	size int64 // announced; -1: not announced
	most int64 // that the archive takes; -1: as much as comes

	mu    sync.Mutex // an HTTP client reads on its own, and for a while after its answer
	audio io.Reader
	given int64
	end   error // io.EOF: the right one
}

func newIntake(ctx context.Context, audio io.Reader, size, most int64) *intake {
	return &intake{ctx: ctx, audio: audio, size: max(size, -1), most: most}
}

func (in *intake) Read(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.end != nil {
		return 0, in.end
	}
	n, err := in.read(p)
	in.given += int64(n)
	in.end = err
	return n, err
}

// read gives bytes or an error, and both only at the right end.
func (in *intake) read(p []byte) (int, error) {
	if err := in.ctx.Err(); err != nil {
		return 0, err
	}
	if in.size >= 0 {
		p = p[:min(int64(len(p)), in.size-in.given)]
	}
	var n int
	var err error
	if in.given != in.size {
		n, err = in.audio.Read(p)
	}
	all := in.given + int64(n)
	if err == nil && all == in.size {
		err = in.rest()
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return 0, err
	case in.most >= 0 && all > in.most:
		return 0, tooLong(in.most)
	case err == nil:
		return n, nil
	case in.size >= 0 && all != in.size:
		return 0, trouble(protocol.TroubleBroken, "%d bytes of audio were announced, and only %d came", in.size, all)
	}
	return n, io.EOF
}

// rest is io.EOF if nothing follows.
func (in *intake) rest() error {
	_, err := io.ReadFull(in.audio, make([]byte, 1))
	if err == nil {
		return trouble(protocol.TroubleBroken, "%d bytes of audio were announced, and more came", in.size)
	}
	return err
}

// stop ends all reading, and waits for a read that is under way. It says what the
// audio has failed with, if it has.
func (in *intake) stop() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	end := in.end
	in.end, in.audio = errStopped, nil
	if errors.Is(end, io.EOF) {
		return nil
	}
	return end
}

func tooLong(most int64) error {
	return trouble(protocol.TroubleRefused, "the recording has more than the %d bytes that the archive takes in one piece", most)
}
