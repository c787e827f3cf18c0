package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// lineTo is how patient a client is with its line to the switch.
type lineTo struct {
	pause    time.Duration // before something is tried again
	patience time.Duration // with a download of which nothing comes
}

// tries is how often something is asked for before it counts as broken.
const tries = 4

func (l *lineTo) flags(f *flag.FlagSet) {
	f.DurationVar(&l.pause, "pause", 2*time.Second, "how long to wait before what broke off is tried again")
	f.DurationVar(&l.patience, "patience", time.Minute, "how long a download may bring nothing before it counts as broken off")
}

func (l *lineTo) check() error {
	if l.pause < 0 || l.patience <= 0 {
		return misuse("-pause is not less than 0, and -patience is more")
	}
	return nil
}

// again does something until it succeeds or never will, a few times at most.
func (l *lineTo) again(ctx context.Context, do func() error) (err error) {
	for try := range tries {
		if try > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(l.pause):
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var bad *spoilt
		if err = do(); err == nil || !passing(err) && !errors.As(err, &bad) {
			break
		}
	}
	return err
}

// spoilt says why what came of a recording is not what its record says.
type spoilt struct{ why string }

func (s *spoilt) Error() string { return s.why }

// download reads a recording into an empty file and holds it against its record.
// Where the line breaks it goes on. An error that is *spoilt, *refused or
// *unreached is about the recording, any other about the file.
func (s *session) download(ctx context.Context, l *lineTo, r recordingTold, to *os.File, tell func(bytes int64)) error {
	d := &download{session: s, patience: l.patience, record: r, to: to, sum: sha256.New(), tell: tell}
	return l.again(ctx, func() error { return d.attempt(ctx) })
}

type download struct {
	*session
	patience time.Duration
	record   recordingTold
	to       *os.File
	sum      hash.Hash // of what is in the file
	have     int64
	tell     func(bytes int64)
}

// attempt reads what is not there yet. If all of it came and is wrong, the next
// one begins anew.
func (d *download) attempt(ctx context.Context) error {
	if d.have > 0 && d.have == d.record.Bytes { // only the end of the line was missing
		return d.judge()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(d.patience, func() { cancel(fmt.Errorf("nothing more came for %v", d.patience)) })
	defer stall.Stop()
	answer, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusOK && d.have > 0 {
		if err := d.begin(); err != nil {
			return err
		}
	}
	buffer := make([]byte, 64<<10)
	// A byte too much is enough to know that it is wrong.
	for from := io.LimitReader(answer.Body, d.record.Bytes-d.have+1); ; {
		n, err := from.Read(buffer)
		stall.Reset(d.patience)
		if _, err := d.to.Write(buffer[:n]); err != nil {
			return err
		}
		d.sum.Write(buffer[:n])
		d.have += int64(n)
		d.tell(d.have)
		if errors.Is(err, io.EOF) {
			return d.judge()
		}
		if err != nil {
			return d.unreached(err)
		}
	}
}

// open asks for the audio from where it broke off, if it is the same by now.
func (d *download) open(ctx context.Context) (*http.Response, error) {
	to := *d.base
	to.Path = strings.TrimSuffix(to.Path, "/") + "/recordings/" + d.record.ID + "/audio"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return nil, err
	}
	if d.key != "" {
		r.Header.Set("Authorization", "Bearer "+d.key)
	}
	// Compressed on the way by a proxy, a part would be one of something else.
	r.Header.Set("Accept-Encoding", "identity")
	if d.have > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.have))
		r.Header.Set("If-Range", `"`+d.record.SHA256+`"`)
	}
	web := *d.web
	web.Timeout = 0 // a recording of hours takes its time
	answer, err := web.Do(r)
	if err != nil {
		return nil, d.unreached(err)
	}
	switch {
	case answer.StatusCode == http.StatusOK:
		return answer, nil
	case answer.StatusCode == http.StatusPartialContent && d.have > 0 &&
		strings.HasPrefix(answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", d.have)):
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, d.unreached(err)
	}
	_, err = refusal(answer.StatusCode, raw)
	return nil, err
}

// judge holds what came against the record.
func (d *download) judge() error {
	got, want := hex.EncodeToString(d.sum.Sum(nil)), d.record
	var why string
	switch {
	case d.have > want.Bytes:
		why = fmt.Sprintf("more came than the %d bytes that its record says", want.Bytes)
	case d.have < want.Bytes:
		why = fmt.Sprintf("%d bytes came, and its record says %d", d.have, want.Bytes)
	case got != want.SHA256:
		why = fmt.Sprintf("what came has the hash %s, and its record says %q", got, want.SHA256)
	default:
		_, err := d.to.Seek(0, io.SeekStart)
		return err
	}
	if err := d.begin(); err != nil {
		return err
	}
	return &spoilt{why}
}

// begin forgets what came.
func (d *download) begin() error {
	d.have = 0
	d.sum.Reset()
	_, err := d.to.Seek(0, io.SeekStart)
	return errors.Join(err, d.to.Truncate(0))
}
