package recording

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"maskswitch/actors/protocol"
)

// fetch brings a recording into the archive, or finds out what it is.
func (e errand) fetch(ctx context.Context) Event {
	if e.row.ID.StandIn() {
		stoodFor, known, trouble := e.resolve(ctx)
		switch {
		case known:
			return e.leave(ctx, stoodFor)
		case e.row.ID.Expected() && trouble == nil:
			return Unlisted{}
		case trouble == nil:
			trouble = &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the carrier does not list this recording"}
		}
		if e.row.ID.Expected() || !e.link.fresh(time.Now()) {
			return FetchFailed{Failure{Err: trouble}}
		}
		// The link is all there is, and it dies soon.
	}
	// An archive that is out is noticed before anything is downloaded.
	if _, err := e.config.Archive.Stat(ctx, Name(e.row)); err != nil && !errors.Is(err, protocol.ErrNoObject) {
		return FetchFailed{Failure{archiveTrouble(err), true}}
	}
	if e.link.fresh(time.Now()) {
		ev, failure := e.bring(ctx, e.link.to, e.row.Format)
		if failure == nil && e.row.ID.StandIn() {
			// It may have got a row of its own meanwhile.
			if _, known, trouble := e.siblings(ctx); trouble == nil && len(known) > 0 && e.inherit(ctx, known) == nil {
				return e.leave(ctx, Resolved{})
			}
		}
		if failure == nil {
			return ev
		}
		if failure.Archive || failure.Err.Trouble != protocol.TroubleLink || e.row.ID.StandIn() {
			return FetchFailed{*failure}
		}
	}
	told, err := e.config.Carrier.Recording(ctx, e.row.ID)
	if err != nil {
		return FetchFailed{Failure{Err: carrierTrouble(err)}}
	}
	to, format := choose(told.Links, e.row.Format)
	if to == "" {
		return FetchFailed{Failure{Err: &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the carrier gives no link to the recording"}}}
	}
	ev, failure := e.bring(ctx, to, format)
	if failure != nil {
		return FetchFailed{*failure}
	}
	told.Links = nil
	ev.Told = told
	return ev
}

// leave deletes what an earlier try has brought into the archive by the name of a
// stand-in: it comes there by its own.
func (e errand) leave(ctx context.Context, stoodFor Resolved) Event {
	if e.row.ID.Expected() {
		return stoodFor
	}
	if err := e.config.Archive.Delete(ctx, Name(e.row)); err != nil {
		return FetchFailed{Failure{archiveTrouble(err), true}}
	}
	return stoodFor
}

// choose picks a link: of the format that was announced, or of any.
func choose(links map[string]protocol.Secret, format string) (protocol.Secret, string) {
	for _, f := range [...]string{format, "mp3", "wav"} {
		if links[f] != "" {
			return links[f], f
		}
	}
	return "", ""
}

// bring streams from a link into the archive, and reads back what is there.
func (e errand) bring(ctx context.Context, to protocol.Secret, format string) (Archived, *Failure) {
	audio, err := e.config.Carrier.Download(ctx, to)
	if err != nil {
		return Archived{}, &Failure{Err: carrierTrouble(err)}
	}
	defer audio.Close()
	came := &source{ctx: ctx, audio: audio, pace: e.pace, hash: sha256.New()}
	buffered := bufio.NewReaderSize(came, chunk)
	head, err := buffered.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return Archived{}, &Failure{Err: carrierTrouble(err)}
	}
	format, contentType, broken := judge(head, format, audio.ContentType)
	if broken != nil {
		return Archived{}, &Failure{Err: broken}
	}
	kept, err := e.config.Archive.Put(ctx, Name(e.row), contentType, audio.Bytes, buffered)
	switch {
	case came.err != nil:
		return Archived{}, &Failure{Err: carrierTrouble(came.err)}
	case err != nil:
		return Archived{}, &Failure{archiveTrouble(err), true}
	}
	if trouble := came.whole(); trouble != nil {
		return Archived{}, &Failure{Err: trouble}
	}
	kept.Name, kept.Bytes, kept.ContentType = Name(e.row), came.bytes, contentType
	sum := hex.EncodeToString(came.hash.Sum(nil))
	if failure := e.verify(ctx, kept, sum); failure != nil {
		return Archived{}, failure
	}
	return Archived{Object: kept, SHA256: sum, Format: format}, nil
}

// verify compares what the archive has with what came.
func (e errand) verify(ctx context.Context, want protocol.Object, sum string) *Failure {
	found, err := e.config.Archive.Stat(ctx, want.Name)
	if err != nil {
		return &Failure{archiveTrouble(err), true}
	}
	back, err := e.config.Archive.Open(ctx, want.Name, 0, -1)
	if err != nil {
		return &Failure{archiveTrouble(err), true}
	}
	defer back.Close()
	read := sha256.New()
	n, err := io.Copy(read, back)
	switch {
	case err != nil:
		return &Failure{archiveTrouble(err), true}
	case found.Bytes != want.Bytes || n != want.Bytes || hex.EncodeToString(read.Sum(nil)) != sum:
		return &Failure{Err: broken("the archive gives back other bytes than it was given: %d came, it shows %d and reads %d", want.Bytes, found.Bytes, n)}
	}
	return nil
}

func broken(format string, args ...any) *protocol.RecordingError {
	return &protocol.RecordingError{Trouble: protocol.TroubleBroken, Detail: fmt.Sprintf(format, args...)}
}

// chunk is how much of a recording is in memory at once.
const chunk = 32 << 10

// source is the audio on its way: counted, hashed, slowed down, and held to the
// length that was announced.
type source struct {
	ctx   context.Context
	audio protocol.Audio
	pace  *rate.Limiter
	hash  hash.Hash
	bytes int64
	err   error // what broke it, if anything did
}

func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.pace != nil {
		p = p[:min(len(p), s.pace.Burst())]
	}
	n, err := s.audio.Read(p)
	s.hash.Write(p[:n])
	s.bytes += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		if trouble := s.whole(); trouble != nil {
			err = trouble
		}
	case err == nil && s.pace != nil && n > 0:
		err = s.pace.WaitN(s.ctx, n)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// whole says whether all came that was announced.
func (s *source) whole() *protocol.RecordingError {
	if s.audio.Bytes >= 0 && s.bytes != s.audio.Bytes {
		return broken("%d bytes were announced and %d came", s.audio.Bytes, s.bytes)
	}
	return nil
}

// headBytes is how many bytes tell what something is.
const headBytes = 12

// judge says whether something may be the audio it is said to be: an error page
// under a good link is not. It gives the format, which is found out if nobody
// has told it, and the type to keep.
func judge(head []byte, format, announced string) (string, string, *protocol.RecordingError) {
	found := sniff(head)
	switch {
	case len(head) == 0:
		return "", "", broken("the recording came without a single byte")
	case found == "" || format != "" && found != format:
		return "", "", broken("what came is not %s audio", cmp.Or(format, "MP3 or WAV"))
	case !audible(announced):
		return "", "", broken("what came is announced as %.60q", announced)
	case found == "wav":
		return found, "audio/wav", nil
	}
	return found, "audio/mpeg", nil
}

func sniff(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("RIFF")) && len(head) >= headBytes && string(head[8:12]) == "WAVE":
		return "wav"
	case bytes.HasPrefix(head, []byte("ID3")), len(head) >= 2 && head[0] == 0xFF && head[1]&0xE0 == 0xE0:
		return "mp3"
	}
	return ""
}

// audible says whether audio may be announced as such. The store of a carrier
// need not know what it keeps.
func audible(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case contentType == "", kind == "application/octet-stream", kind == "binary/octet-stream":
		return true
	}
	return err == nil && strings.HasPrefix(kind, "audio/")
}
