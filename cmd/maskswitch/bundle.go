package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// bundle is a zip in the making. The same answers make the same bytes: its times
// are the booking's, and its files have one order.
type bundle struct {
	session *session
	line    *lineTo
	meter   *meter
	zip     *zip.Writer
	beside  string // the file it becomes; others of a while are beside it

	booking string
	at      time.Time // the booking was made then
	masked  bool
	policy  string // of recording
	calls   int
	silent  map[string]bool // calls with talk, of which no recording is known yet
	talks   []string        // all calls with talk
	sums    []string        // as sha256sum -c reads them
	kept    []string        // the recordings in it, in words
	missing []string        // what is not in it, and why
	broken  bool            // something of that should be
}

func newBundle(s *session, l *lineTo, to io.Writer, name string) *bundle {
	return &bundle{session: s, line: l, meter: newMeter(s.errs), zip: zip.NewWriter(to), beside: name, silent: make(map[string]bool)}
}

// lacks notes what is not in the bundle.
func (b *bundle) lacks(format string, args ...any) {
	b.missing = append(b.missing, oneLine(fmt.Sprintf(format, args...)))
}

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

// spool is a file of the bundle that grows while others are put in.
type spool struct{ *os.File }

func (b *bundle) spool() (spool, error) {
	file, err := besides(b.beside)
	return spool{file}, err
}

func (b *bundle) putSpool(name string, from spool) error {
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return b.put(name, zip.Deflate, from)
}

// array is a JSON array that is written member by member, as they came.
type array struct {
	to spool
	n  int
}

func (a *array) add(raw json.RawMessage) error {
	lead := ",\n  "
	if a.n == 0 {
		lead = "[\n  "
	}
	a.n++
	text := bytes.NewBufferString(lead)
	if err := json.Indent(text, bytes.TrimSpace(raw), "  ", "  "); err != nil {
		return err
	}
	_, err := a.to.Write(text.Bytes())
	return err
}

func (b *bundle) putList(name string, a *array) error {
	end := "\n]\n"
	if a.n == 0 {
		end = "[]\n"
	}
	if _, err := a.to.WriteString(end); err != nil {
		return err
	}
	return b.putSpool(name, a.to)
}

// absent says that the switch does not know what it has just told of: somebody
// erases while the bundle is made.
func absent(err error) bool {
	var r *refused
	return errors.As(err, &r) && r.status == 404 && r.Code != ""
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

// oneLine keeps what others wrote from looking like lines of ours.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 {
			return ' '
		}
		return c
	}, s)
}

const bundleText = `What the call switch has of booking %s.

booking.json      the booking: when it was made, when it ends or ended, its proxy
                  numbers. %s
calls.json        its calls as the switch tells them, with every line of their
                  stories
calls.csv         the same calls as a table for a spreadsheet. A ' before a cell that
                  begins with = + - or @ keeps it from being run as a formula
stories/          a file for each call, to be read from top to bottom: what the
                  carrier told, what the switch sent, what the carrier answered
recordings.json   its recordings: of which call, who spoke on which channel, from
                  when to when, how many bytes with which hash, and in what state
recordings/       the audio, byte by byte as it came from the carrier
transcripts/      what a machine understood of a recording. MACHINE-MADE, no proof
summaries/        what a machine made of that. MACHINE-MADE, no proof
SHA256SUMS        the hash of every other file here. Unpack everything into one
                  folder, and there sha256sum -c SHA256SUMS says whether any has
                  been changed since
README.txt        this text

A folder that is not there would be empty. All times are UTC. party_a and party_b are
the two of the booking, and stand for them wherever a number would.

A recording's hash was taken when it came from the carrier and is in recordings.json.
What is in recordings/ was read back from the archive for this file and has that hash.

Recordings here:
%s
Missing here, and why:
%s`

// finish says what is in the bundle and what is not.
func (b *bundle) finish() error {
	for _, call := range b.talks {
		if b.silent[call] {
			b.lacks("call %s: the parties talked, and the switch knows of no recording; the booking's recording policy is %s", call, b.policy)
		}
	}
	numbers := "The parties' own are in it"
	if b.masked {
		numbers = "The parties' own are masked"
	}
	if err := b.text("README.txt", fmt.Sprintf(bundleText, b.booking, numbers, orNothing(b.kept), orNothing(b.missing))); err != nil {
		return err
	}
	return b.text("SHA256SUMS", strings.Join(b.sums, "\n")+"\n")
}

func orNothing(lines []string) string {
	if len(lines) == 0 {
		return "nothing\n"
	}
	return "- " + strings.Join(lines, "\n- ") + "\n"
}
