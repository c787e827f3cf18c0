package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bundle is a zip in the making. The same answers make the same bytes: its times
// are the booking's, and its files have one order.
type bundle struct {
	zip        *zip.Writer
	at         time.Time
	booking    string
	sums       []string // as sha256sum -c reads them
	missing    []string // what is not in it, and why
	broken     bool     // something of that should be
	calls      int
	recordings int
}

func newBundle(w io.Writer) *bundle { return &bundle{zip: zip.NewWriter(w)} }

// put adds a file, and its hash to the list.
func (b *bundle) put(name string, method uint16, from io.Reader) error {
	header := &zip.FileHeader{Name: name, Method: method, Modified: b.at}
	header.SetMode(0o600)
	to, err := b.zip.CreateHeader(header)
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, sum), from); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.sums = append(b.sums, hex.EncodeToString(sum.Sum(nil))+"  "+name)
	return nil
}

func (b *bundle) text(name, text string) error {
	return b.put(name, zip.Deflate, strings.NewReader(text))
}

func (b *bundle) document(name string, document any) error {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	return b.put(name, zip.Deflate, bytes.NewReader(append(text, '\n')))
}

// putCalls writes the calls as they were told, as a table, and as stories.
func (b *bundle) putCalls(calls []told[callTold]) error {
	raw := make([]json.RawMessage, len(calls))
	var table bytes.Buffer
	rows := csv.NewWriter(&table)
	rows.UseCRLF = true // RFC 4180
	_ = rows.Write([]string{"call_id", "caller", "proxy_number", "outcome", "reason", "rang_at", "answered_at", "ringing_at", "talk_at",
		"consent_at", "ended_at", "talk_seconds", "hangup_cause", "hangup_source"})
	for i, call := range calls {
		raw[i] = call.raw
		c := call.is
		row := []string{c.ID, c.Caller, c.Number, c.Outcome, c.Reason, c.RangAt, c.AnsweredAt, c.RingingAt, c.TalkAt,
			c.ConsentAt, c.EndedAt, strconv.FormatFloat(c.TalkSeconds, 'f', -1, 64), c.HangupCause, c.HangupSource}
		for i := range row {
			row[i] = harmless(row[i])
		}
		_ = rows.Write(row)
	}
	rows.Flush()
	b.calls = len(calls)
	if err := errors.Join(b.document("calls.json", raw), b.put("calls.csv", zip.Deflate, &table)); err != nil {
		return err
	}
	for i, call := range calls {
		if err := b.text(fmt.Sprintf("stories/%03d-%s.txt", i+1, plainName(call.is.ID)), ladder(call.is)); err != nil {
			return err
		}
	}
	return nil
}

// harmless keeps a spreadsheet from taking a cell for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// ladder tells a call line by line: who did what, and how long after it rang.
func ladder(c callTold) string {
	var out strings.Builder
	fmt.Fprintf(&out, "call %s, from %s over %s\n", c.ID, orNobody(c.Caller), c.Number)
	outcome := strings.TrimSpace(c.Outcome + " " + c.Reason)
	if c.Outcome == "" {
		outcome = "none yet, the call was under way when this file was made"
	}
	fmt.Fprintf(&out, "outcome: %s\n\n", outcome)
	for i, line := range c.Story {
		fmt.Fprintf(&out, "%s %+10.3f s  %s\n", line.At.UTC().Format("2006-01-02 15:04:05.000000"), line.At.Sub(c.Story[0].At).Seconds(), sentence(c.Story[i].What))
	}
	return out.String()
}

func orNobody(party string) string {
	if party == "" {
		return "somebody who was not known"
	}
	return party
}

// sentence says what happened: first by whom and what, then all that is known.
func sentence(what map[string]any) string {
	var said string
	for _, kind := range [...][2]string{{"event", "the carrier tells"}, {"send", "the switch sends"}, {"reply", "the carrier answers to"}, {"note", "note:"}} {
		if v, ok := what[kind[0]]; ok {
			said = fmt.Sprint(kind[1], " ", v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(what)) {
		switch name {
		case "event", "send", "reply", "note":
		default:
			said += fmt.Sprintf(", %s %v", name, what[name])
		}
	}
	return said
}

// putRecordings writes the recordings as they were told, their audio, and what
// machines made of it.
func (b *bundle) putRecordings(ctx context.Context, s *session, recordings []told[recordingTold]) error {
	raw := make([]json.RawMessage, len(recordings))
	for i, r := range recordings {
		raw[i] = r.raw
	}
	if err := b.document("recordings.json", raw); err != nil {
		return err
	}
	for i, r := range recordings {
		if err := b.putRecording(ctx, s, r.is, i+1, len(recordings)); err != nil {
			return err
		}
	}
	return nil
}

func (b *bundle) putRecording(ctx context.Context, s *session, r recordingTold, n, of int) error {
	name := fmt.Sprintf("%03d-%s", n, plainName(r.ID))
	if t := r.Transcript; t != nil {
		head := fmt.Sprintf("MADE BY A MACHINE, which may have misunderstood. Only the recording proves what was said.\nTranscript of recording %s by the carrier (%s), %s.\n\n", r.ID, t.MadeBy, t.MadeAt)
		if err := b.text("transcripts/"+name+".txt", head+t.Text+"\n"); err != nil {
			return err
		}
	}
	if r.Summary.Text != "" {
		head := fmt.Sprintf("MADE BY A MACHINE from a machine's transcript. Only the recording proves what was said.\nSummary of recording %s by %s, %s.\n\n", r.ID, r.Summary.Model, r.Summary.MadeAt)
		if err := b.text("summaries/"+name+".txt", head+r.Summary.Text+"\n"); err != nil {
			return err
		}
	}
	if r.State != "archived" {
		why := r.Why
		if why == "" {
			why = "nobody said why"
		}
		b.missing = append(b.missing, fmt.Sprintf("recording %s is %s: %s", r.ID, r.State, why))
		return nil
	}
	fmt.Fprintf(s.errs, "recording %d of %d, %d bytes\n", n, of, r.Bytes)
	audio, err := s.spool(ctx, r)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		b.broken = true
		b.missing = append(b.missing, fmt.Sprintf("recording %s could not be read as it was archived: %v", r.ID, err))
		return nil
	}
	defer os.Remove(audio.Name())
	defer audio.Close()
	b.recordings++
	return b.put("recordings/"+name+"."+ending(r.Format), zip.Store, audio)
}

// tries is how often a recording is read before it counts as broken.
const tries = 3

// spool reads a recording into a file of its own and holds it against its hash:
// what is in the bundle is whole.
func (s *session) spool(ctx context.Context, r recordingTold) (file *os.File, err error) {
	for range tries {
		if file, err = s.spoolOnce(ctx, r); err == nil || ctx.Err() != nil {
			return file, err
		}
	}
	return nil, err
}

func (s *session) spoolOnce(ctx context.Context, r recordingTold) (_ *os.File, err error) {
	from, err := s.audio(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	file, err := os.CreateTemp("", "maskswitch-audio-*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, sum), from)
	if err != nil {
		return nil, fmt.Errorf("it broke off after %d bytes: %w", n, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != r.SHA256 || n != r.Bytes {
		return nil, fmt.Errorf("%d bytes with the hash %s came; its record says %d and %s", n, got, r.Bytes, r.SHA256)
	}
	_, err = file.Seek(0, io.SeekStart)
	return file, err
}

func ending(format string) string {
	if format == "mp3" || format == "wav" {
		return format
	}
	return "audio"
}

// plainName makes a file name of an id.
func plainName(id string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			return c
		}
		return '_'
	}, id)
}

const bundleText = `What the call switch has of booking %s.

booking.json      the booking: when it was made, when it ended, its proxy numbers
calls.json        its calls as the switch tells them, with their stories
calls.csv         the same calls as a table
stories/          each call line by line: what the carrier told, what the switch did
recordings.json   its recordings: who spoke when, how long, and the hash of each
recordings/       the audio. Of a recording with two channels, the first is who called
transcripts/      what a machine understood; not proof
summaries/        what a machine made of that; not proof
SHA256SUMS        hashes of all files here: sha256sum -c SHA256SUMS checks them

All times are UTC. A recording's hash was taken when it came from the carrier, again
when it was read back from the archive, and again when this file was made.

Missing:
%s`

// finish says what is in the bundle and what is not.
func (b *bundle) finish() error {
	missing := "nothing\n"
	if len(b.missing) > 0 {
		missing = strings.Join(b.missing, "\n") + "\n"
	}
	if err := b.text("README.txt", fmt.Sprintf(bundleText, b.booking, missing)); err != nil {
		return err
	}
	return b.text("SHA256SUMS", strings.Join(b.sums, "\n")+"\n")
}

func (b *bundle) close() error { return b.zip.Close() }
