package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// numberRow is a proxy number as the API shows it.
type numberRow struct {
	Number         string  `json:"number"`
	State          string  `json:"state"`
	Region         string  `json:"region"`
	Live           int     `json:"live"`
	CallsPerMinute float64 `json:"calls_per_minute"`
	Quarantined    int     `json:"quarantined"`
	LastCallAt     int64   `json:"last_call_at"`
	RestUntil      int64   `json:"rest_until"`
	ChangedAt      int64   `json:"changed_at"`
}

func numberTable(out io.Writer, rows []numberRow) {
	table(out, "NUMBER\tSTATE\tREGION\tLIVE\tCALLS/MIN\tQUARANTINED\tLAST CALL\tRESTS UNTIL\tSINCE", func(line func(...any)) {
		for _, n := range rows {
			line(n.Number, n.State, orDash(n.Region), n.Live, strconv.FormatFloat(n.CallsPerMinute, 'f', 1, 64),
				n.Quarantined, instant(n.LastCallAt), instant(n.RestUntil), instant(n.ChangedAt))
		}
	})
}

// table prints rows under a head, in columns.
func table(out io.Writer, head string, rows func(line func(...any))) {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, head)
	rows(func(cells ...any) {
		texts := make([]string, len(cells))
		for i, cell := range cells {
			texts[i] = fmt.Sprint(cell)
		}
		fmt.Fprintln(w, strings.Join(texts, "\t"))
	})
	_ = w.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func instant(unix int64) string {
	if unix == 0 {
		return "-"
	}
	return time.Unix(unix, 0).UTC().Format(time.RFC3339)
}

var listCommand = command{
	"list", "", "The numbers of the pool, and what they carry",
	`  maskswitch numbers list -state draining
`,
	func(f *flag.FlagSet) action {
		state := f.String("state", "", "only those in this `state`: serving, draining, resting or retired")
		region := f.String("region", "", "only those of this `region`, such as GB or US-312")
		limit := f.Int("limit", 0, "this many at most; 0: all")
		return func(ctx context.Context, s *session, args []string) error {
			if err := none(args); err != nil {
				return err
			}
			if *limit < 0 {
				return misuse("-limit is 0 or more")
			}
			return list(ctx, s, *state, *region, *limit)
		}
	},
}

// list goes through the pages. With -json it prints each.
func list(ctx context.Context, s *session, state, region string, limit int) error {
	const page = 1000
	var rows []numberRow
	for cursor := ""; ; {
		query := url.Values{"limit": {strconv.Itoa(page)}}
		if limit > 0 {
			query.Set("limit", strconv.Itoa(min(page, limit-len(rows))))
		}
		for name, value := range map[string]string{"state": state, "region": region, "cursor": cursor} {
			if value != "" {
				query.Set(name, value)
			}
		}
		var found struct {
			Numbers []numberRow `json:"numbers"`
			Next    string      `json:"next_cursor"`
		}
		if err := s.fetch(ctx, "GET", "/pool", query, nil, &found); err != nil {
			return err
		}
		rows = append(rows, found.Numbers...)
		if cursor = found.Next; cursor == "" || limit > 0 && len(rows) >= limit {
			break
		}
	}
	s.show(func(out io.Writer) { numberTable(out, rows) })
	return nil
}

var showCommand = command{
	"show", "NUMBER...", "Some numbers of the pool",
	`  maskswitch numbers show +13125550100
`,
	func(*flag.FlagSet) action {
		return func(ctx context.Context, s *session, args []string) error {
			return each(ctx, s, args, "GET", nil, nil)
		}
	},
}

// each asks the same about each of some numbers. One that is refused does not
// keep the others from being asked.
func each(ctx context.Context, s *session, args []string, method string, query url.Values, body any) error {
	if err := checkNumbers(args); err != nil {
		return err
	}
	var rows []numberRow
	var ended []string
	var failed error
	for _, n := range args {
		var row struct {
			numberRow
			Ended []string `json:"ended"`
		}
		if err := s.fetch(ctx, method, "/pool/"+n, query, body, &row); err != nil {
			failed = errTold
			fmt.Fprintf(s.errs, "%s: %v\n", n, err)
			var r *refused
			if !errors.As(err, &r) {
				break // nor will the others be answered
			}
			continue
		}
		rows, ended = append(rows, row.numberRow), append(ended, row.Ended...)
	}
	if len(rows) > 0 {
		s.show(func(out io.Writer) { numberTable(out, rows) })
	}
	for _, id := range ended {
		s.show(func(out io.Writer) { fmt.Fprintln(out, "ended booking", id) })
	}
	return failed
}

var addCommand = command{
	"add", "[NUMBER...]", "Take numbers into the pool",
	`All of a request or, if one is wrong, none. Numbers that are in it stay as they
are; those that are retired serve again.

  maskswitch numbers add +13125550100 +13125550101
  maskswitch numbers add -file numbers.txt
`,
	func(f *flag.FlagSet) action {
		file := f.String("file", "", "read numbers from this `file`, one a line; - is the standard input")
		return func(ctx context.Context, s *session, args []string) error {
			if *file != "" {
				lines, err := readLines(*file)
				if err != nil {
					return misuse(err.Error())
				}
				args = append(args, lines...)
			}
			return add(ctx, s, args)
		}
	},
}

// add sends as many at once as a request may have.
func add(ctx context.Context, s *session, all []string) error {
	if err := checkNumbers(all); err != nil {
		return err
	}
	const most = 10_000
	added, size := 0, 0
	for rest := all; len(rest) > 0; {
		part := rest[:min(len(rest), most)]
		rest = rest[len(part):]
		var answer struct {
			Added int `json:"added"`
			Size  int `json:"pool_size"`
		}
		if err := s.fetch(ctx, "POST", "/pool", nil, map[string]any{"numbers": part}, &answer); err != nil {
			return fmt.Errorf("%d of %d numbers were taken: %w%s", len(all)-len(rest)-len(part), len(all), err, which(err, part))
		}
		added, size = added+answer.Added, answer.Size
	}
	s.show(func(out io.Writer) { fmt.Fprintf(out, "added %d, the pool has %d\n", added, size) })
	return nil
}

// which names the number that a refusal means by numbers[7].
func which(err error, part []string) string {
	var r *refused
	if !errors.As(err, &r) {
		return ""
	}
	text, found := strings.CutPrefix(strings.TrimSuffix(r.Field, "]"), "numbers[")
	if i, err := strconv.Atoi(text); found && err == nil && i >= 0 && i < len(part) {
		return ": " + part[i]
	}
	return ""
}

// shift makes a command that gives numbers another state.
func shift(name, about, text, state string) command {
	return command{name, "NUMBER...", about, text, func(*flag.FlagSet) action {
		return func(ctx context.Context, s *session, args []string) error {
			return each(ctx, s, args, "PATCH", nil, map[string]any{"state": state})
		}
	}}
}

var serveCommand = shift("serve", "Lend numbers to new bookings again", `  maskswitch numbers serve +13125550100
`, "serving")

var drainCommand = shift("drain", "Lend numbers to no new bookings, and retire them when they are empty", `A number is empty when its last booking has ended and it remembers nobody.

  maskswitch numbers drain +13125550100
`, "draining")

var restCommand = command{
	"rest", "NUMBER...", "Lend numbers to no new bookings for a while",
	`Without -for and -until they rest until they are told to serve.

  maskswitch numbers rest -for 12h +13125550100
`,
	func(f *flag.FlagSet) action {
		body := map[string]any{"state": "resting"}
		f.Func("for", "they serve again after so `long`, such as 12h", func(text string) error {
			length, err := time.ParseDuration(text)
			if err == nil && length <= 0 {
				err = errors.New("more than 0 is expected")
			}
			body["rest_hours"] = length.Hours()
			return err
		})
		f.Func("until", "they serve again at this `instant`, such as 2026-01-02T08:00:00Z", func(text string) error {
			at, err := time.Parse(time.RFC3339, text)
			body["rest_until"] = at.Unix()
			return err
		})
		return func(ctx context.Context, s *session, args []string) error {
			return each(ctx, s, args, "PATCH", nil, body)
		}
	},
}

var retireCommand = command{
	"retire", "NUMBER...", "Take numbers out, once they are empty or now",
	`They drain, as by drain. With -force the bookings that they show end now, and are
listed. The numbers stay the account's at the carrier.

  maskswitch numbers retire -force +13125550100
`,
	func(f *flag.FlagSet) action {
		force := f.Bool("force", false, "end the bookings that show them, now")
		return func(ctx context.Context, s *session, args []string) error {
			query := url.Values{}
			if *force {
				query.Set("force", "true")
			}
			return each(ctx, s, args, "DELETE", query, nil)
		}
	},
}
