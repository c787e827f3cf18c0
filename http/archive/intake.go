package archive

import (
	"context"
	"errors"
	"io"

	"maskswitch/actors/protocol"
)

// intake is audio that is held to what was announced of it, and to its context.
type intake struct {
	ctx    context.Context
	audio  io.Reader
	size   int64 // announced; negative: not announced
	most   int64 // that the archive takes
	given  int64
	failed error // why it ended early
}

func (in *intake) Read(p []byte) (int, error) {
	if err := in.ctx.Err(); err != nil {
		in.failed = err
		return 0, err
	}
	n, err := in.audio.Read(p)
	in.given += int64(n)
	ends := errors.Is(err, io.EOF)
	switch {
	case err != nil && !ends:
		in.failed = err
	case in.size >= 0 && in.given > in.size:
		in.failed = trouble(protocol.TroubleBroken, "%d bytes of audio were announced, and more came", in.size)
	case in.size >= 0 && in.given < in.size && ends:
		in.failed = trouble(protocol.TroubleBroken, "%d bytes of audio were announced, and only %d came", in.size, in.given)
	case in.given > in.most:
		in.failed = tooLong(in.most)
	}
	if in.failed != nil {
		return n, in.failed
	}
	return n, err
}

func tooLong(most int64) error {
	return trouble(protocol.TroubleRefused, "the recording has more than the %d bytes that the archive takes", most)
}
