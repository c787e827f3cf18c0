package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// orderRow is an order of numbers as the API shows it.
type orderRow struct {
	OrderID     string   `json:"order_id"`
	Reference   string   `json:"reference"`
	Stage       string   `json:"stage"`
	Country     string   `json:"country"`
	AreaCode    string   `json:"area_code"`
	Count       int      `json:"count"`
	MaxMonthly  string   `json:"max_monthly_cost"`
	Numbers     []string `json:"numbers"`
	MonthlyCost string   `json:"monthly_cost"`
	Currency    string   `json:"currency"`
	Added       int      `json:"added"`
	Trouble     string   `json:"trouble"`
	NextTryAt   int64    `json:"next_try_at"`
	CreatedAt   int64    `json:"created_at"`
	ChangedAt   int64    `json:"changed_at"`
}

func (o orderRow) over() bool { return o.Stage == "done" || o.Stage == "failed" }

func (o orderRow) progress() string {
	s := fmt.Sprintf("%s: %d of %d numbers bought or being bought, %d in the pool", o.Stage, len(o.Numbers), o.Count, o.Added)
	if o.Trouble != "" {
		s += "; " + o.Trouble
	}
	if o.NextTryAt != 0 && !o.over() {
		s += "; next try at " + instant(o.NextTryAt)
	}
	return s
}

func orderTable(out io.Writer, orders []orderRow) {
	table(out, "ORDER\tSTAGE\tWHERE\tCOUNT\tBOUGHT\tIN POOL\tA MONTH\tAT MOST\tSINCE\tCHANGED\tTROUBLE", func(line func(...any)) {
		for _, o := range orders {
			where := o.Country
			if o.AreaCode != "" {
				where += " " + o.AreaCode
			}
			line(o.OrderID, o.Stage, where, o.Count, len(o.Numbers), o.Added, orDash(strings.TrimSpace(o.MonthlyCost+" "+o.Currency)),
				o.MaxMonthly, instant(o.CreatedAt), instant(o.ChangedAt), orDash(o.Trouble))
		}
	})
}

var orderCommand = command{
	"order", "", "Buy new numbers from the carrier, and take them into the pool",
	`It costs money. The switch searches, buys the cheapest that fit, leads their calls
to itself and adds them; that takes minutes and survives a restart. An order with
the same -id is the same order, and buys once: without -id a new one is made up
and shown, so that a command whose answer was lost can be repeated with it.

  maskswitch numbers order -country US -area 312 -count 20 -max-monthly 25.00 -wait
`,
	func(f *flag.FlagSet) action {
		country := f.String("country", "", "two `capitals`, such as US; required")
		area := f.String("area", "", "area `code`; any without it")
		count := f.Int("count", 0, "how many; required")
		most := f.String("max-monthly", "", "what all of them together may cost a month, an `amount` such as 25.00; required")
		id := f.String("id", "", "your `name` for the order")
		connection := f.String("connection", "", "`id` of the carrier's application that gets their calls; without it, the configured one")
		wait := f.Bool("wait", false, "wait until it is done or has failed, and show how far it is")
		every := f.Duration("every", 2*time.Second, "with -wait, how often to ask")
		return func(ctx context.Context, s *session, args []string) error {
			if err := none(args); err != nil {
				return err
			}
			switch {
			case *country == "" || *count == 0 || *most == "":
				return misuse("needs -country, -count and -max-monthly")
			case *every <= 0:
				return misuse("-every is more than 0")
			}
			if *id == "" {
				*id = "cli-" + rand.Text()
				fmt.Fprintf(s.errs, "ordering under -id %s\n", *id)
			}
			body := map[string]any{"country": *country, "count": *count, "max_monthly_cost": *most, "order_id": *id}
			if *area != "" {
				body["area_code"] = *area
			}
			if *connection != "" {
				body["connection_id"] = *connection
			}
			return order(ctx, s, body, *id, *wait, *every)
		}
	},
}

func order(ctx context.Context, s *session, body any, id string, wait bool, every time.Duration) error {
	var row orderRow
	raw, err := s.ask(ctx, "POST", "/pool/order", nil, body, &row)
	if err != nil && passing(err) {
		err = fmt.Errorf("%w\nthe order may have been taken all the same; the same command with -id %s finds out, and buys once", err, id)
	}
	if err == nil && wait {
		raw, err = await(ctx, s, &row, raw, "/pool/orders/"+row.OrderID, every)
		if ctx.Err() != nil && !row.over() {
			err = fmt.Errorf("stopped waiting; the order goes on, see maskswitch numbers orders %s", row.OrderID)
		}
	}
	if s.json {
		_, _ = s.out.Write(raw)
	}
	if err != nil {
		return err
	}
	s.show(func(out io.Writer) { printOrder(out, row) })
	if row.Stage == "failed" {
		return fmt.Errorf("order %s failed: %s", row.OrderID, orDash(row.Trouble))
	}
	return nil
}

// work is something that the switch goes on with after its answer.
type work interface {
	over() bool
	progress() string // one line of a wait
}

// await asks until the work is over, and returns the last answer. A switch that
// is away for a moment is waited for: the work goes on when it is back.
func await[W work](ctx context.Context, s *session, now *W, raw []byte, path string, every time.Duration) ([]byte, error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	told := ""
	tell := func(line string) {
		if line != told {
			told = line
			fmt.Fprintln(s.errs, line)
		}
	}
	for tell((*now).progress()); !(*now).over(); {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		var next W
		text, err := s.ask(ctx, "GET", path, nil, nil, &next)
		switch {
		case err == nil:
			raw, *now = text, next
			tell((*now).progress())
		case ctx.Err() != nil: // it was the wait that was stopped
		case passing(err):
			tell(err.Error())
		default:
			return text, err
		}
	}
	return raw, nil
}

func printOrder(out io.Writer, row orderRow) {
	orderTable(out, []orderRow{row})
	for _, n := range row.Numbers {
		fmt.Fprintln(out, n)
	}
}

var ordersCommand = command{
	"orders", "[ORDER]", "The orders of numbers, newest first, or one of them",
	`  maskswitch numbers orders
  maskswitch numbers orders spring-1
`,
	func(f *flag.FlagSet) action {
		limit := f.Int("limit", 20, "this many at most, up to 1000")
		return func(ctx context.Context, s *session, args []string) error {
			switch {
			case len(args) > 1:
				return misuse("takes one order at most")
			case len(args) == 1:
				return oneOrder(ctx, s, args[0])
			}
			var found struct {
				Orders []orderRow `json:"orders"`
			}
			err := s.fetch(ctx, "GET", "/pool/orders", url.Values{"limit": {strconv.Itoa(*limit)}}, nil, &found)
			if err == nil {
				s.show(func(out io.Writer) { orderTable(out, found.Orders) })
			}
			return err
		}
	},
}

// orderID is what a path may have as it is: see the API's document.
var orderID = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*+,;=:@-]{1,128}$`)

func oneOrder(ctx context.Context, s *session, id string) error {
	if !orderID.MatchString(id) || strings.Trim(id, ".") == "" {
		return misuse(fmt.Sprintf("%q is not the id of an order", id))
	}
	var row orderRow
	err := s.fetch(ctx, "GET", "/pool/orders/"+id, nil, nil, &row)
	if err == nil {
		s.show(func(out io.Writer) { printOrder(out, row) })
	}
	return err
}
