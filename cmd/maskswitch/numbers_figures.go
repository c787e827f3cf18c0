package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strconv"
)

var headroomCommand = command{
	"headroom", "", "How many more bookings fit",
	`BUSIEST is the most live bookings of one party: he cannot have more of them than
there are numbers.

  maskswitch numbers headroom
`,
	func(*flag.FlagSet) action {
		return func(ctx context.Context, s *session, args []string) error {
			if err := none(args); err != nil {
				return err
			}
			return headroom(ctx, s)
		}
	},
}

type room struct {
	Region  string `json:"region"`
	Serving int    `json:"serving"`
	Live    int    `json:"live"`
	Room    int    `json:"room"`
	Busiest int    `json:"busiest"`
}

func headroom(ctx context.Context, s *session) error {
	var found struct {
		Regions        []room `json:"regions"`
		All            room   `json:"all"`
		PairsPerNumber int    `json:"pairs_per_number"`
	}
	if err := s.fetch(ctx, "GET", "/pool/headroom", nil, nil, &found); err != nil {
		return err
	}
	s.show(func(out io.Writer) {
		found.All.Region = "all"
		table(out, "REGION\tSERVING\tLIVE\tROOM\tBUSIEST", func(line func(...any)) {
			for _, r := range append(found.Regions, found.All) {
				line(orDash(r.Region), r.Serving, r.Live, r.Room, r.Busiest)
			}
		})
		fmt.Fprintf(out, "A number shows %d live bookings at most.\n", found.PairsPerNumber)
	})
	return nil
}

var sizingCommand = command{
	"sizing", "", "How many numbers a marketplace needs, and why",
	`  maskswitch numbers sizing -bookings 20000 -hours 48 -busiest 120
`,
	func(f *flag.FlagSet) action {
		bookings := f.Float64("bookings", 0, "new bookings a day; required")
		hours := f.Float64("hours", 0, "how long one lives; required")
		busiest := f.Int("busiest", 0, "live bookings of the busiest party at his busiest; required")
		return func(ctx context.Context, s *session, args []string) error {
			if err := none(args); err != nil {
				return err
			}
			if *bookings == 0 || *hours == 0 || *busiest == 0 {
				return misuse("needs -bookings, -hours and -busiest")
			}
			return sizing(ctx, s, url.Values{
				"bookings": {strconv.FormatFloat(*bookings, 'g', -1, 64)},
				"hours":    {strconv.FormatFloat(*hours, 'g', -1, 64)},
				"busiest":  {strconv.Itoa(*busiest)},
			})
		}
	},
}

func sizing(ctx context.Context, s *session, question url.Values) error {
	var found struct {
		Numbers       int      `json:"numbers"`
		LowerBound    int      `json:"lower_bound"`
		OnePerBooking int      `json:"one_per_booking"`
		Live          int      `json:"live"`
		Reasoning     []string `json:"reasoning"`
	}
	if err := s.fetch(ctx, "GET", "/pool/sizing", question, nil, &found); err != nil {
		return err
	}
	s.show(func(out io.Writer) {
		fmt.Fprintf(out, "%d numbers; fewer than %d cannot do, and one for each live booking would be %d\n",
			found.Numbers, found.LowerBound, found.OnePerBooking)
		for _, sentence := range found.Reasoning {
			fmt.Fprintln(out, "-", sentence)
		}
	})
	return nil
}

var importCommand = command{
	"import", "", "Take numbers of the carrier's account into the pool",
	`The account's active numbers that have a tag, or whose calls an application of the
carrier's gets.

  maskswitch numbers import -tag maskswitch
`,
	func(f *flag.FlagSet) action {
		tag := f.String("tag", "", "those with this `tag`")
		connection := f.String("connection", "", "those of the application with this `id`")
		return func(ctx context.Context, s *session, args []string) error {
			if err := none(args); err != nil {
				return err
			}
			if (*tag == "") == (*connection == "") {
				return misuse("needs -tag or -connection, and not both")
			}
			body := map[string]string{"tag": *tag}
			if *connection != "" {
				body = map[string]string{"connection_id": *connection}
			}
			return importNumbers(ctx, s, body)
		}
	},
}

func importNumbers(ctx context.Context, s *session, selection any) error {
	var found struct {
		Size    int `json:"pool_size"`
		Added   int `json:"added"`
		Found   int `json:"found"`
		Skipped []struct {
			Number string `json:"number"`
			Reason string `json:"reason"`
		} `json:"skipped"`
	}
	if err := s.fetch(ctx, "POST", "/pool/import", nil, selection, &found); err != nil {
		return err
	}
	s.show(func(out io.Writer) {
		fmt.Fprintf(out, "found %d, added %d, the pool has %d\n", found.Found, found.Added, found.Size)
		if len(found.Skipped) == 0 {
			return
		}
		table(out, "SKIPPED\tWHY", func(line func(...any)) {
			for _, n := range found.Skipped {
				line(n.Number, n.Reason)
			}
		})
	})
	return nil
}
