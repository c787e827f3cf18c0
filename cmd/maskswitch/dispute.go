package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

var disputeCommand = command{
	name: "dispute", args: "BOOKING -o FILE", about: "Put all there is of a booking into one file, for whoever settles a dispute",
	text: `The zip holds the booking, its calls as records, as a table and as stories, its
recordings, what machines made of them, and the hashes of all that. Every recording
is held against the hash in its record while it is read. The parties' numbers in
booking.json are masked unless -numbers is given. README.txt in it says what each
file is, and what is missing and why. The same booking gives the same bytes until
something happens to it.

A recording that is pending, lost or erased is told there and on the screen. One that
the switch has and that did not come whole is told too, and the exit code is 1.

  maskswitch dispute stay-7 -o stay-7.zip
`,
	flags: func(f *flag.FlagSet) action {
		to := f.String("o", "", "`file` to write; required")
		force := f.Bool("force", false, "write over a file that is there")
		numbers := f.Bool("numbers", false, "show the parties' numbers")
		f.Lookup("json").Usage = "say in JSON what was written"
		var patience lineTo
		patience.flags(f)
		return func(ctx context.Context, s *session, args []string) error {
			switch {
			case len(args) != 1:
				return misuse("takes one booking")
			case *to == "":
				return misuse("needs -o, the file to write")
			}
			if err := errors.Join(checkID("booking", args[0]), patience.check()); err != nil {
				return err
			}
			return s.dispute(ctx, &patience, args[0], *to, *force, *numbers)
		}
	},
}

// dispute is the client that makes bundles. It returns the exit code.
func dispute(ctx context.Context, args []string, environ func(string) (string, bool), out, errs io.Writer) int {
	const title = "maskswitch dispute"
	return finish(title, runCommand(ctx, title, disputeCommand, args, environ, out, errs), errs)
}

// checkID sees that an argument is an id: any other word in a path would ask the
// switch for something else.
func checkID(what, id string) error {
	if !orderID.MatchString(id) || id == "." || id == ".." {
		return misuse(fmt.Sprintf("%q is not the id of a %s", id, what))
	}
	return nil
}

func (s *session) dispute(ctx context.Context, l *lineTo, booking, to string, force, numbers bool) error {
	var b *bundle
	err := place(to, force, func(file *os.File) error {
		b = newBundle(s, l, file, to)
		defer b.meter.clear()
		if err := b.fill(ctx, booking, numbers); err != nil {
			return err
		}
		return b.zip.Close()
	})
	if err != nil {
		return err
	}
	if s.json {
		if err := json.NewEncoder(s.out).Encode(map[string]any{
			"file": to, "calls": b.calls, "recordings": len(b.kept), "missing": append([]string{}, b.missing...), "broken": b.broken,
		}); err != nil {
			return err
		}
	}
	s.show(func(out io.Writer) { fmt.Fprintf(out, "%s: %d calls, %d recordings\n", to, b.calls, len(b.kept)) })
	for _, m := range b.missing {
		fmt.Fprintln(s.errs, m)
	}
	if b.broken {
		return errTold
	}
	return nil
}

// read asks for a document until it comes.
func (b *bundle) read(ctx context.Context, path string, query url.Values, into any) (raw []byte, err error) {
	err = b.line.again(ctx, func() error {
		raw, err = b.session.ask(ctx, http.MethodGet, path, query, nil, into)
		return err
	})
	return raw, err
}

// fill asks the switch for everything and puts it in. A list goes by pages, and
// what there is many of through files: it may be a busy booking.
func (b *bundle) fill(ctx context.Context, id string, numbers bool) error {
	path := "/bookings/" + id
	var booking map[string]any
	if _, err := b.read(ctx, path, nil, &booking); err != nil {
		return err
	}
	for _, party := range []string{"party_a", "party_b"} {
		if number, ok := booking[party].(string); ok && !numbers {
			booking[party] = masked(number)
		}
	}
	if created, ok := booking["created"].(float64); ok {
		b.at = time.Unix(int64(created), 0).UTC()
	}
	b.booking, b.masked, b.policy = id, !numbers, "the default"
	if policy, ok := booking["recording"].(string); ok {
		b.policy = policy
	}
	if err := b.document("booking.json", booking); err != nil {
		return err
	}
	if err := b.putCalls(ctx, path); err != nil {
		return err
	}
	if err := b.putRecordings(ctx, path); err != nil {
		return err
	}
	return b.finish()
}

// masked leaves of a number what the switch's own logs show.
func masked(number string) string {
	switch {
	case number == "": // erased
		return ""
	case !e164.MatchString(number):
		return "***"
	}
	return number[:3] + "***" + number[len(number)-2:]
}
