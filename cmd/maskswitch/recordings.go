package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

const recordingsUsage = `maskswitch recordings: what a switch that is running has recorded.

%s
  maskswitch recordings COMMAND -help   what it does, its flags, an example

The switch is asked by REST at -url, or MASKSWITCH_URL. If it has API_KEYS, put
the secret of one of them, without its name, into MASKSWITCH_KEY. There is no flag
for it: everybody on the machine can read a command line. The switch writes down
which key listened, held, released and erased.

Exit codes: 0 done, 1 refused or failed, 2 a command that cannot be run.
`

// recordings is the client of the recordings. It returns the exit code.
func recordings(ctx context.Context, args []string, environ func(string) (string, bool), out, errs io.Writer) int {
	return group{"maskswitch recordings", recordingsUsage, []command{
		recordingsListCommand, recordingsShowCommand, recordingsAudioCommand,
		recordingsHoldCommand, recordingsReleaseCommand, recordingsEraseCommand,
	}}.run(ctx, args, environ, out, errs)
}

func recordingTable(out io.Writer, rows []recordingTold) {
	table(out, "RECORDING\tSTATE\tFROM\tSECONDS\tFORMAT\tCALLER\tCALL\tHELD\tWHY", func(line func(...any)) {
		for _, r := range rows {
			line(r.ID, r.State, orDash(r.StartedAt), orDash(r.Seconds.String()), orDash(strings.TrimSpace(r.Format+" "+r.Channels)),
				orDash(r.Caller), orDash(r.CallID), orDash(oneLine(r.Hold)), orDash(oneLine(r.Why)))
		}
	})
}

// oneRecording is a command about a recording, whose answer is the recording.
func oneRecording(method, path string) func(*flag.FlagSet) action {
	return func(*flag.FlagSet) action {
		return func(ctx context.Context, s *session, args []string) error {
			return askRecording(ctx, s, args, method, path, nil, recordingRow)
		}
	}
}

func askRecording(ctx context.Context, s *session, args []string, method, path string, body any, people func(io.Writer, recordingTold)) error {
	if err := oneID("recording", args); err != nil {
		return err
	}
	var r recordingTold
	if err := s.fetch(ctx, method, "/recordings/"+args[0]+path, nil, body, &r); err != nil {
		return err
	}
	s.show(func(out io.Writer) { people(out, r) })
	return nil
}

func recordingRow(out io.Writer, r recordingTold) { recordingTable(out, []recordingTold{r}) }

// oneID sees that there is one argument, and that it is an id.
func oneID(what string, args []string) error {
	if len(args) != 1 {
		return misuse("takes one " + what)
	}
	return checkID(what, args[0])
}

var recordingsListCommand = command{
	"list", "BOOKING", "The recordings of a booking",
	`A state is pending (with the carrier), archived (here, and found whole), erasing,
erased, or lost. WHY says why it is erased or lost; of others it is the last trouble.

  maskswitch recordings list stay-7
`,
	func(*flag.FlagSet) action {
		return func(ctx context.Context, s *session, args []string) error {
			if err := oneID("booking", args); err != nil {
				return err
			}
			var found struct {
				Recordings []recordingTold `json:"recordings"`
			}
			err := s.fetch(ctx, "GET", "/bookings/"+args[0]+"/recordings", nil, nil, &found)
			if err == nil {
				s.show(func(out io.Writer) { recordingTable(out, found.Recordings) })
			}
			return err
		}
	},
}

var recordingsShowCommand = command{
	"show", "RECORDING", "A recording, and what machines made of it",
	`  maskswitch recordings show 0c2d0f4a-9d3a-4f0c-9b6e-3f6f1d7b2a10
`,
	func(*flag.FlagSet) action {
		return func(ctx context.Context, s *session, args []string) error {
			return askRecording(ctx, s, args, "GET", "", nil, printRecording)
		}
	},
}

func printRecording(out io.Writer, r recordingTold) {
	recordingRow(out, r)
	if r.SHA256 != "" {
		fmt.Fprintf(out, "%s\n%d bytes, SHA-256 %s\n", r.voices(), r.Bytes, r.SHA256)
	}
	if r.State == "pending" && r.NextTryAt != "" {
		fmt.Fprintf(out, "next try at %s\n", r.NextTryAt)
	}
	switch {
	case r.Summary.Text != "":
		fmt.Fprintf(out, "\nMACHINE-MADE summary, by %s at %s:\n%s", orDash(r.Summary.Model), orDash(r.Summary.MadeAt), printable(r.Summary.Text))
	case r.Summary.State != "none":
		fmt.Fprintf(out, "summary: %s\n", strings.TrimSuffix(r.Summary.State+", "+oneLine(r.Summary.Why), ", "))
	}
	if t := r.Transcript; t != nil {
		fmt.Fprintf(out, "\nMACHINE-MADE transcript, by the carrier (%s) at %s:\n%s", orDash(t.MadeBy), orDash(t.MadeAt), printable(t.Text))
	}
}

// printable is a text of others' without what would command a terminal.
func printable(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(oneLine(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return out.String()
}

var recordingsAudioCommand = command{
	"audio", "RECORDING -o FILE", "The recording itself",
	`It is held against the hash in its record while it is read: a file that is there
afterwards is whole.

  maskswitch recordings audio 0c2d0f4a-9d3a-4f0c-9b6e-3f6f1d7b2a10 -o talk.mp3
`,
	func(f *flag.FlagSet) action {
		to := f.String("o", "", "`file` to write; required")
		force := f.Bool("force", false, "write over a file that is there")
		var patience lineTo
		patience.flags(f)
		return func(ctx context.Context, s *session, args []string) error {
			if err := patience.check(); err != nil {
				return err
			}
			if *to == "" {
				return misuse("needs -o, the file to write")
			}
			if err := oneID("recording", args); err != nil {
				return err
			}
			return saveAudio(ctx, s, &patience, args[0], *to, *force)
		}
	},
}

func saveAudio(ctx context.Context, s *session, l *lineTo, id, to string, force bool) error {
	var r recordingTold
	if err := s.fetch(ctx, "GET", "/recordings/"+id, nil, nil, &r); err != nil {
		return err
	}
	if r.State != "archived" {
		return fmt.Errorf("recording %s is %s", id, oneLine(r.absence()))
	}
	progress := newMeter(s.errs)
	err := place(to, force, func(file *os.File) error {
		return s.download(ctx, l, r, file, func(bytes int64) {
			progress.show("%3d%% of %.1f MB", 100*bytes/max(r.Bytes, 1), float64(r.Bytes)/1e6)
		})
	})
	progress.clear()
	if err == nil {
		s.show(func(out io.Writer) { fmt.Fprintf(out, "%s: %d bytes, SHA-256 %s\n", to, r.Bytes, r.SHA256) })
	}
	return err
}

var recordingsHoldCommand = command{
	"hold", "RECORDING -reason TEXT", "Forbid to erase a recording, until it is released",
	`Neither retention nor an erasure takes it; whoever asks for one is told the reason,
which therefore has no name and no number in it.

  maskswitch recordings hold 0c2d0f4a-9d3a-4f0c-9b6e-3f6f1d7b2a10 -reason "case 4711"
`,
	func(f *flag.FlagSet) action {
		reason := f.String("reason", "", "why it must stay, a `text`; required")
		return func(ctx context.Context, s *session, args []string) error {
			if *reason == "" {
				return misuse("needs -reason")
			}
			return askRecording(ctx, s, args, "POST", "/hold", map[string]string{"reason": *reason}, recordingRow)
		}
	},
}

var recordingsReleaseCommand = command{
	"release", "RECORDING", "Allow again to erase a recording",
	`  maskswitch recordings release 0c2d0f4a-9d3a-4f0c-9b6e-3f6f1d7b2a10
`,
	oneRecording("DELETE", "/hold"),
}

var recordingsEraseCommand = command{
	"erase", "RECORDING", "Erase a recording for ever, here and at the carrier",
	`It is erasing when the switch has promised it, and erased when that is done. One
that is held is refused.

  maskswitch recordings erase 0c2d0f4a-9d3a-4f0c-9b6e-3f6f1d7b2a10
`,
	oneRecording("DELETE", ""),
}
