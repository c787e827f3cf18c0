package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var storyCommand = command{
	name: "story", args: "CALL | BOOKING | NUMBER", about: "What happened to a call, to a booking, or on a proxy number",
	text: `Of a call: what the carrier told, what followed from that and why, what the switch
asked of the carrier, and how long each took. A line begins with the seconds since
the first; → is news, ← a command that follows from it. Put among the stories that
the switch is tested with (actors/call/testdata), what is printed is a test.

Of a booking, by the marketplace's name or ours: its life, then its calls, oldest
first. Of a proxy number: its state and load, then its latest calls with a line each,
or with -full as stories. The parties' numbers are masked, but not with -json.

  maskswitch story 019abc60-1d2e-7c3f-8a4b-5c6d7e8f9a0b
  maskswitch story stay-7
  maskswitch story +13125550100 -n 50
  maskswitch story +13125550100 -n 3 -full

Exit codes: 0 done, 1 refused or failed, 2 a command that cannot be run.
`,
	flags: func(f *flag.FlagSet) action {
		most := f.Int("n", 20, "this many calls at most")
		full := f.Bool("full", false, "of a number, tell its calls whole")
		return func(ctx context.Context, s *session, args []string) error {
			switch {
			case len(args) != 1:
				return misuse("takes the id of one call or booking, or one proxy number such as +13125550100")
			case *most < 1:
				return misuse("-n is 1 or more")
			}
			t := &teller{s, *most}
			if strings.HasPrefix(args[0], "+") {
				return t.number(ctx, args[0], *full)
			}
			return t.callOrBooking(ctx, args[0])
		}
	},
}

// stories is the client that tells stories. It returns the exit code.
func stories(ctx context.Context, args []string, environ func(string) (string, bool), out, errs io.Writer) int {
	const title = "maskswitch story"
	if len(args) == 1 && args[0] == "help" {
		args = []string{"-help"}
	}
	return finish(title, runCommand(ctx, title, storyCommand, args, environ, out, errs), errs)
}

// callForm is the form of a call's id.
var callForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// teller tells of calls, no more than so many of a list.
type teller struct {
	*session
	most int
}

// callOrBooking tells of a call, and if there is none with this id, of a booking. What is
// given may be anything, a person's number too, so nothing here repeats it.
func (t *teller) callOrBooking(ctx context.Context, id string) error {
	if checkID("call", id) != nil {
		return misuse("this is neither the id of a call or a booking nor a proxy number such as +13125550100")
	}
	if callForm.MatchString(id) {
		if err := t.call(ctx, id); !absent(err) {
			return err
		}
	}
	switch err := t.booking(ctx, id); {
	case absent(err):
		return errors.New("no call and no booking has this id; a proxy number begins with +, such as +13125550100")
	default:
		return err
	}
}

// call tells of one call.
func (t *teller) call(ctx context.Context, id string) error {
	var call callTold
	err := t.document(ctx, "/calls/"+id, &call)
	if err == nil {
		t.show(func(out io.Writer) { fmt.Fprint(out, call.story()) })
	}
	return err
}

// booking tells of a booking and its calls.
func (t *teller) booking(ctx context.Context, id string) error {
	var b bookingTold
	if err := t.document(ctx, "/bookings/"+id, &b); err != nil {
		return err
	}
	t.show(func(out io.Writer) { b.print(out) })
	calls, more, err := t.list(ctx, "/bookings/"+id+"/calls", url.Values{})
	if err != nil {
		return err
	}
	if err := t.tellAll(ctx, calls); err != nil {
		return err
	}
	if len(calls) == 0 {
		t.show(func(out io.Writer) { fmt.Fprint(out, "\nno calls\n") })
	}
	t.tellMore(more)
	return nil
}

// number tells of a proxy number and its latest calls.
func (t *teller) number(ctx context.Context, number string, full bool) error {
	if !e164.MatchString(number) {
		return misuse("a proxy number is written in E.164, such as +13125550100")
	}
	var row numberRow
	switch err := t.document(ctx, "/pool/"+number, &row); {
	case absent(err):
		return fmt.Errorf("%s is no number of the pool; it takes a proxy number, not that of a party", masked(number))
	case err != nil:
		return err
	}
	t.show(func(out io.Writer) { numberTable(out, []numberRow{row}) })
	calls, more, err := t.list(ctx, "/calls", url.Values{"number": {number}, "order": {"newest"}})
	switch {
	case err != nil:
		return err
	case len(calls) == 0:
		t.show(func(out io.Writer) { fmt.Fprint(out, "\nno calls\n") })
		return nil
	case full:
		err = t.tellAll(ctx, calls)
	default:
		t.show(func(out io.Writer) {
			fmt.Fprintln(out)
			callTable(out, calls)
		})
	}
	t.tellMore(more)
	return err
}

// document reads one, and prints it with -json, unless it is not there.
func (t *teller) document(ctx context.Context, path string, into any) error {
	raw, err := t.ask(ctx, http.MethodGet, path, nil, nil, into)
	if t.json && !absent(err) {
		_, _ = t.out.Write(raw)
	}
	return err
}

// list reads pages of calls, and says whether there are more.
func (t *teller) list(ctx context.Context, path string, query url.Values) (calls []callTold, more bool, err error) {
	const page = 200
	for {
		query.Set("limit", strconv.Itoa(min(page, t.most-len(calls))))
		var found struct {
			Calls []callTold `json:"calls"`
			Next  string     `json:"next_cursor"`
		}
		if err := t.fetch(ctx, http.MethodGet, path, query, nil, &found); err != nil {
			return nil, false, err
		}
		calls = append(calls, found.Calls...)
		if found.Next == "" || len(calls) >= t.most {
			return calls, found.Next != "", nil
		}
		query.Set("cursor", found.Next)
	}
}

// tellAll tells calls one after the other, with a blank line between.
func (t *teller) tellAll(ctx context.Context, calls []callTold) error {
	for _, c := range calls {
		t.show(func(out io.Writer) { fmt.Fprintln(out) })
		if err := t.call(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

func (t *teller) tellMore(more bool) {
	if more {
		fmt.Fprintf(t.errs, "there are more calls; -n %d shows more of them\n", 10*t.most)
	}
}

func callTable(out io.Writer, calls []callTold) {
	table(out, "CALL\tRANG\tCALLER\tBOOKING\tOUTCOME\tTALK\tREASON", func(line func(...any)) {
		for _, c := range calls {
			outcome := c.Outcome
			if outcome == "" {
				outcome = c.Stage
			}
			line(oneLine(c.ID), oneLine(c.RangAt), orDash(oneLine(c.Caller)), orDash(oneLine(c.Booking)), oneLine(outcome),
				orDash(c.TalkSeconds.String()), orDash(oneLine(c.Reason)))
		}
	})
}

// bookingTold is a booking as the switch tells it. Its members are as they came:
// people see whatever there is of it.
type bookingTold map[string]any

// print shows a booking, with its parties masked.
func (b bookingTold) print(out io.Writer) {
	secrets := make([]string, 0, 4)
	for _, party := range []string{"party_a", "party_b"} {
		if number, ok := b[party].(string); ok && number != "" {
			secrets = append(secrets, number, masked(number))
		}
	}
	mask := strings.NewReplacer(secrets...)
	show := func(word, member string, as func(any) string) {
		if value, ok := b[member]; ok {
			if text := mask.Replace(as(value)); text != "" {
				fmt.Fprintf(out, "%-12s  %s\n", word, text)
			}
		}
	}
	for _, m := range []struct {
		word, member string
		as           func(any) string
	}{
		{"booking", "booking_id", plainly}, {"status", "status", plainly}, {"reason", "reason", plainly},
		{"party_a", "party_a", plainly}, {"party_b", "party_b", plainly},
		{"proxy number", "proxy_number", plainly}, {"for party_b", "proxy_number_b", plainly}, {"assignment", "assignment", plainly},
		{"created", "created", unixTold}, {"checkout", "expires_at", unixTold}, {"idle end", "idle_ends_at", unixTold},
		{"on checkout", "on_checkout", plainly}, {"grace", "grace_seconds", func(v any) string { return plainly(v) + " s" }}, {"recording", "recording", plainly},
	} {
		show(m.word, m.member, m.as)
	}
}

func unixTold(value any) string {
	if seconds, ok := value.(float64); ok {
		return instant(int64(seconds))
	}
	return plainly(value)
}

// plainly is a JSON value without its marks: of an object its members by name,
// of a list its elements.
func plainly(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return oneLine(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case []any:
		list := make([]string, len(value))
		for i, v := range value {
			list[i] = plainly(v)
		}
		return strings.Join(list, " ")
	case map[string]any:
		var list []string
		for name, v := range value {
			text := plainly(v)
			if _, nested := v.(map[string]any); nested {
				text = "(" + text + ")"
			}
			list = append(list, oneLine(name)+" "+text)
		}
		slices.Sort(list)
		return strings.Join(list, ", ")
	}
	return fmt.Sprint(value)
}
