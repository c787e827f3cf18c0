package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"maskswitch/actors/protocol"
)

// stalled is how long a listener may take no byte before the line is cut: a
// recording of hours takes longer than any answer may otherwise.
const stalled = 60 * time.Second

// recordingAudio streams a recording, whole or in ranges, from whatever archive
// there is. Its ETag is the hash, so that a download can go on after a break.
func (s *Server) recordingAudio(w http.ResponseWriter, r *http.Request) error {
	id, err := recordingID(r)
	if err != nil {
		return err
	}
	rec, err := s.config.Switch.Recording(r.Context(), id)
	if err != nil {
		return err
	}
	switch rec.Status {
	case protocol.RecordingArchived:
	case protocol.RecordingErasing, protocol.RecordingErased:
		return refuse(gone, "recording_erased", "", "the recording was erased: "+orUnknown(rec.Why))
	case protocol.RecordingLost:
		return refuse(gone, "recording_lost", "", "the recording is lost: "+orUnknown(rec.Why))
	case protocol.RecordingReplaced:
		return refuse(gone, "recording_replaced", "", "the recording has another id by now: list those of its booking")
	default:
		return refuse(conflict, "recording_pending", "", "the recording is not in the archive yet; GET /recordings/{id} says when it is tried next")
	}
	// Not r's context, which ends with the patience of a request, but with the
	// client.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	audio := &audioReader{ctx: ctx, open: s.config.Switch.OpenAudio, rec: rec}
	defer audio.Close()
	if r.Method != http.MethodHead {
		// The first bytes are had before anything is said: whatever is wrong with
		// the archive is an answer and not a broken line.
		if err := audio.begin(); err != nil {
			return err
		}
	}
	s.audit(r, "listen to recording", string(id))
	h := w.Header()
	h.Set("Content-Type", rec.ContentType)
	h.Set("ETag", `"`+rec.SHA256+`"`)
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Disposition", `attachment; filename="`+fileName(rec)+`"`)
	out := &patient{ResponseWriter: w, control: http.NewResponseController(w)}
	http.ServeContent(out, r, "", rec.ArchivedAt, audio)
	if audio.err != nil && !errors.Is(audio.err, io.EOF) {
		// Fewer bytes than were announced: the server cuts the line, so that nobody
		// takes them for whole.
		s.config.Log.Error("a recording broke off while somebody listened", zap.String("id", string(id)), zap.Error(audio.err))
	}
	return nil
}

// gone is what was, and never will be again.
var gone = verdict{http.StatusGone, "Gone"}

func orUnknown(why string) string {
	if why == "" {
		return "nobody said why"
	}
	return why
}

// fileName says what it is to whoever finds it among his downloads.
func fileName(r protocol.Recording) string {
	ending := r.Format
	if ending != "mp3" && ending != "wav" {
		ending = "audio"
	}
	id := strings.Map(func(c rune) rune {
		if strings.ContainsRune(alphanumeric+"-_.", c) {
			return c
		}
		return '_'
	}, string(r.ID))
	return fmt.Sprintf("recording-%s-%s.%s", r.StartedAt.UTC().Format("20060102-150405"), id, ending)
}

// audioReader reads a recording from wherever somebody wants to listen: it opens
// the archive anew where he jumps to.
type audioReader struct {
	ctx   context.Context
	open  func(ctx context.Context, r protocol.Recording, from, length int64) (io.ReadCloser, error)
	rec   protocol.Recording
	at    int64
	from  io.ReadCloser // nil: to be opened at at
	start int64         // where from was opened
	err   error         // what broke it
}

func (a *audioReader) begin() error {
	if a.from != nil {
		return nil
	}
	from, err := a.open(a.ctx, a.rec, a.at, -1)
	if err != nil {
		return err
	}
	a.from, a.start = from, a.at
	return nil
}

// Read implements io.Reader.
func (a *audioReader) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	if a.at >= a.rec.Bytes {
		return 0, io.EOF
	}
	if err := a.begin(); err != nil {
		a.err = err
		return 0, err
	}
	n, err := a.from.Read(p)
	a.at += int64(n)
	if errors.Is(err, io.EOF) && a.at < a.rec.Bytes {
		err = fmt.Errorf("the archive ends at byte %d of %d", a.at, a.rec.Bytes)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		a.err = err
	}
	return n, err
}

// Seek implements io.Seeker, and costs nothing.
func (a *audioReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += a.at
	case io.SeekEnd:
		offset += a.rec.Bytes
	}
	if offset < 0 {
		return 0, errors.New("a place before the first byte")
	}
	if offset != a.at && a.from != nil {
		a.Close()
	}
	a.at = offset
	return offset, nil
}

// Close lets go of the archive.
func (a *audioReader) Close() {
	if a.from != nil {
		_ = a.from.Close()
		a.from = nil
	}
}

// patient gives a listener time as long as he takes bytes.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	// A writer that knows no deadlines has none that could cut it.
	_ = p.control.SetWriteDeadline(time.Now().Add(stalled))
	return p.ResponseWriter.Write(b)
}
