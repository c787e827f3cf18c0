package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"
)

var eraseCommand = command{
	"erase", "-party NUMBER | -booking ID", "Forget a person, or a booking",
	`It cannot be undone. The recordings are erased, here and at the carrier, and the
parties' numbers taken out of bookings and calls. A booking that is live, and a
recording that is held, is left, and said: then the exit code is 1. It takes a while
and survives a restart; the answer is a receipt with an id. The same again does no
harm.

  maskswitch erase -booking stay-7 -wait
`,
	func(f *flag.FlagSet) action {
		party := f.String("party", "", "the person with this `number`, such as +13125550111")
		booking := f.String("booking", "", "the booking with this `id`")
		wait := f.Bool("wait", false, "wait until it is done, and show how far it is")
		every := f.Duration("every", 2*time.Second, "with -wait, how often to ask")
		return func(ctx context.Context, s *session, args []string) error {
			switch {
			case len(args) > 0: // not repeated: it may be a party's number
				return misuse("takes only flags")
			case (*party == "") == (*booking == ""):
				return misuse("needs -party or -booking, and not both")
			case *party != "" && !e164.MatchString(*party):
				return misuse("-party is not a number in E.164, such as +13125550111")
			case *every <= 0:
				return misuse("-every is more than 0")
			}
			body := map[string]string{"party": *party}
			if *booking != "" {
				if err := checkID("booking", *booking); err != nil {
					return err
				}
				body = map[string]string{"booking_id": *booking}
			}
			return forget(ctx, s, body, *wait, *every)
		}
	},
}

// erase is the client that has people forgotten. It returns the exit code.
func erase(ctx context.Context, args []string, environ func(string) (string, bool), out, errs io.Writer) int {
	const title = "maskswitch erase"
	return finish(title, runCommand(ctx, title, eraseCommand, args, environ, out, errs), errs)
}

// erasureRow is a receipt as the API shows it.
type erasureRow struct {
	ID         string `json:"erasure_id"`
	CreatedAt  string `json:"created_at"`
	DoneAt     string `json:"done_at"`
	Subject    string `json:"subject"`
	Bookings   int    `json:"bookings"`
	Recordings int    `json:"recordings"`
	Waiting    int    `json:"waiting"`
	Refused    []struct {
		Booking   string `json:"booking_id"`
		Recording string `json:"recording_id"`
		Code      string `json:"code"`
		Detail    string `json:"detail"`
	} `json:"refused"`
	Trouble string `json:"trouble"`
}

func (e erasureRow) over() bool { return e.DoneAt != "" }

func (e erasureRow) progress() string {
	line := fmt.Sprintf("%d bookings and %d recordings erased, %d recordings wait, %d refused", e.Bookings, e.Recordings, e.Waiting, len(e.Refused))
	if e.Trouble != "" {
		line += "; " + oneLine(e.Trouble)
	}
	return line
}

func forget(ctx context.Context, s *session, body any, wait bool, every time.Duration) error {
	var row erasureRow
	raw, err := s.ask(ctx, "POST", "/erasures", nil, body, &row)
	if err != nil && passing(err) {
		err = fmt.Errorf("%w\nthe erasure may have been taken all the same; the same command again does no harm", err)
	}
	if err == nil && wait {
		fmt.Fprintf(s.errs, "erasure %s\n", row.ID)
		raw, err = await(ctx, s, &row, raw, "/erasures/"+row.ID, every)
		if ctx.Err() != nil && !row.over() {
			err = fmt.Errorf("stopped waiting; the erasure goes on, GET /erasures/%s says how far it is", row.ID)
		}
	}
	if s.json {
		_, _ = s.out.Write(raw)
	}
	if err != nil {
		return err
	}
	s.show(func(out io.Writer) { printErasure(out, row) })
	if len(row.Refused) > 0 {
		return fmt.Errorf("not all of it: %d refused", len(row.Refused))
	}
	return nil
}

func printErasure(out io.Writer, e erasureRow) {
	table(out, "ERASURE\tOF\tSINCE\tDONE\tBOOKINGS\tRECORDINGS\tWAITING\tTROUBLE", func(line func(...any)) {
		line(e.ID, orDash(e.Subject), orDash(e.CreatedAt), orDash(e.DoneAt), e.Bookings, e.Recordings, e.Waiting, orDash(oneLine(e.Trouble)))
	})
	if len(e.Refused) == 0 {
		return
	}
	table(out, "LEFT\tRECORDING\tCODE\tWHY", func(line func(...any)) {
		for _, r := range e.Refused {
			line(orDash(r.Booking), orDash(r.Recording), r.Code, oneLine(r.Detail))
		}
	})
}
