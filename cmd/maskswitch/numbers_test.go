package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

var update = flag.Bool("update", false, "write the golden files anew")

// call runs a command against an address.
func call(t *testing.T, address string, args ...string) (code int, out, errs string) {
	t.Helper()
	return callWith(t.Context(), environment(address, ""), args...)
}

func callWith(ctx context.Context, environ func(string) (string, bool), args ...string) (int, string, string) {
	var out, errs bytes.Buffer
	code := numbers(ctx, args, environ, &out, &errs)
	return code, out.String(), errs.String()
}

// Ids that are made up anew in each run.
var (
	orderName = regexp.MustCompile(`cli-[A-Z0-9]{26}`)
	ourID     = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
)

// TestTranscript plays a session at a switch, good and bad, to the byte.
func TestTranscript(t *testing.T) {
	d := stocked()
	address := serve(t, d, "")
	file := filepath.Join(t.TempDir(), "numbers.txt")
	if err := os.WriteFile(file, []byte("# the new ones\n\n+13125550103  # front desk\r\n +13125550104\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, line := range []string{
		"help", "frob", "list -help", "rest -h",
		"list", "list -state draining", "list -region GB", "list -region US -json", "list -limit 2", "list -limit -1",
		"list more", "list -state busy", "list -frob",
		"show +13125550100 +442079460100", "show", "show +13125550109", "show orders", "show 13125550100", "show -json +13125550101",
		"show +13125550109 +13125550101",
		"add +13125550100 +13125550102", "add -file FILE", "add -file FILE.gone", "add", "add +13125550105 +1312555", "add -json +13125550102",
		"rest +13125550101", "rest +13125550101 -until 2026-01-02T08:00:00+01:00",
		"rest -for 1h -until 2026-01-02T08:00:00Z +13125550101", "rest -until tomorrow +13125550101", "rest -for 0s +13125550101", "rest -for long +13125550101",
		"rest -for 10000h +13125550101",
		"serve +13125550101", "drain +13125550101 +13125550102", "retire +13125550101", "retire +13125550100 +13125550102 -force",
		"retire -force -json +13125550104", "serve +13125550100",
		"headroom", "headroom -json", "headroom now",
		"sizing -bookings 20000 -hours 47.5 -busiest 120", "sizing -bookings 1", "sizing -bookings -1 -hours 1 -busiest 1", "sizing -json -bookings 1 -hours 1 -busiest 1",
		"import -tag maskswitch", "import -connection 1494", "import -tag none", "import", "import -tag a -connection 1", "import -tag maskswitch -json",
		"orders", "order -country US -area 312 -count 2 -max-monthly 5 -id spring-1", "order -country GB -count 1 -max-monthly 5.50 -connection 1494",
		"order -country US -count 1", "order -country US -count 501 -max-monthly 5", "order -country US -count 1 -max-monthly much",
		"order -country US -area 312 -count 2 -max-monthly 5 -id spring-1 -json", "order -country US -count 1 -max-monthly 5 -every 0s",
		"orders", "orders spring-1", "orders -json -limit 1", "orders summer-1", "orders ..", "orders a/b", "orders a b", "orders -limit 0",
		"list -url ftp://127.0.0.1", "list -url 127.0.0.1:5000",
	} {
		code, out, errs := call(t, address, strings.Fields(strings.ReplaceAll(line, "FILE", file))...)
		text := fmt.Sprintf("$ maskswitch numbers %s\n%s%s[%d]\n\n", line, out, errs, code)
		text = strings.NewReplacer(file, "FILE", address, "ADDRESS").Replace(text)
		got.WriteString(ourID.ReplaceAllString(orderName.ReplaceAllString(text, "cli-SOMETHING-THAT-IS-MADE-UP"), "(our id)"))
	}
	const path = "testdata/numbers.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wants := strings.SplitAfter(string(want), "]\n\n")
	for i, part := range strings.SplitAfter(got.String(), "]\n\n") {
		if i >= len(wants) || part != wants[i] {
			t.Fatalf("got\n%s\nwant\n%s", part, append(wants, "(the end)")[min(i, len(wants))])
		}
	}
	for i, want := range []any{
		protocol.SizingQuestion{Bookings: 20_000, Hours: 47.5, Busiest: 120},
		protocol.SizingQuestion{Bookings: 1, Hours: 1, Busiest: 1},
		protocol.ImportNumbers{Tag: "maskswitch"}, protocol.ImportNumbers{Connection: "1494"},
		protocol.ImportNumbers{Tag: "none"}, protocol.ImportNumbers{Tag: "maskswitch"},
		protocol.OrderNumbers{Ref: "spring-1", Country: "US", AreaCode: "312", Count: 2, MostMonthly: 50_000},
	} {
		if !reflect.DeepEqual(d.asked[i], want) {
			t.Errorf("the switch was asked %+v, want %+v", d.asked[i], want)
		}
	}
}

// TestListReadsEveryPage: more numbers than a page has are all listed, once; with
// -json each page is printed as it came.
func TestListReadsEveryPage(t *testing.T) {
	d := &desk{}
	var all []phone.Number
	for i := range 2_500 {
		all = append(all, number(fmt.Sprintf("+1312555%04d", i)))
	}
	if _, err := d.AddNumbers(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	address := serve(t, d, "")
	_, out, _ := call(t, address, "list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i, n := range all {
		if len(lines) != len(all)+1 || !strings.HasPrefix(lines[i+1], n.E164()+" ") {
			t.Fatalf("%d lines, and %d is wrong", len(lines), i+1)
		}
	}
	if _, out, _ := call(t, address, "list", "-limit", "1500"); strings.Count(out, "\n") != 1_501 {
		t.Errorf("-limit 1500: %d lines", strings.Count(out, "\n"))
	}
	_, out, _ = call(t, address, "list", "-json")
	count, pages := 0, json.NewDecoder(strings.NewReader(out))
	for {
		var page struct{ Numbers []numberRow }
		if err := pages.Decode(&page); err != nil {
			break
		}
		count += len(page.Numbers)
	}
	if count != len(all) {
		t.Errorf("-json: %d numbers", count)
	}
}

// TestAddInParts: more numbers than a request may have go in several, and a
// wrong one is named whatever part it is in.
func TestAddInParts(t *testing.T) {
	d := &desk{}
	address := serve(t, d, "")
	file := filepath.Join(t.TempDir(), "numbers.txt")
	var text strings.Builder
	for i := range 10_001 {
		fmt.Fprintf(&text, "+1312%07d\n", 5_000_000+i)
	}
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text.String() + "+1312555\n")
	code, _, errs := call(t, address, "add", "-file", file)
	if code != 1 || !strings.Contains(errs, "10000 of 10002 numbers were taken") || !strings.Contains(errs, "(numbers[1]): +1312555") {
		t.Error(code, errs)
	}
	write(text.String())
	if code, out, errs := call(t, address, "add", "-file", file); code != 0 || out != "added 1, the pool has 10001\n" {
		t.Error(code, out, errs)
	}
}

// TestKey: the secret opens the API, and is never shown, whatever goes wrong.
func TestKey(t *testing.T) {
	address := serve(t, stocked(), "ops:hunter2")
	for _, c := range []struct {
		key  string
		code int
		want string // on the screen
	}{
		{"hunter2", 0, "+13125550100"},
		{" hunter2\n", 0, "+13125550100"},
		{"", 1, "401 Unauthorized, key_missing"},
		{"ops:hunter2", 1, "MASKSWITCH_KEY takes the secret alone"},
		{"hunter2\x00", 1, "invalid header"},
	} {
		code, out, errs := callWith(t.Context(), environment(address, c.key), "list")
		if code != c.code || !strings.Contains(out+errs, c.want) || strings.Contains(out+errs, "hunter2") {
			t.Errorf("%q: %d %s %s", c.key, code, out, errs)
		}
	}
}

// TestStrangeAnswers: what stands at the address may be no switch.
func TestStrangeAnswers(t *testing.T) {
	for story, c := range map[string]struct {
		answer func(http.ResponseWriter)
		want   string
	}{
		"a proxy without a switch": {func(w http.ResponseWriter) { w.WriteHeader(502); fmt.Fprint(w, "<h1>Bad\n Gateway</h1>") }, "502 Bad Gateway: <h1>Bad Gateway</h1>"},
		"a proxy that speaks JSON": {func(w http.ResponseWriter) { w.WriteHeader(502); fmt.Fprint(w, `{"detail":"no upstream"}`) }, `502 Bad Gateway: {"detail":"no upstream"}`},
		"silence":                  {func(w http.ResponseWriter) { w.WriteHeader(500) }, "500 Internal Server Error: the answer is empty"},
		"a long page":              {func(w http.ResponseWriter) { w.WriteHeader(404); fmt.Fprint(w, strings.Repeat("x", 300)) }, strings.Repeat("x", 200) + "…\n"},
		"another site":             {func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") }, "the answer is not one of the switch's"},
		"a redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/pool")
			w.WriteHeader(307)
		}, "307 Temporary Redirect"},
		"an answer that breaks off": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "{")
			panic(http.ErrAbortHandler)
		}, "no answer from http://127.0.0.1:"},
	} {
		address := listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w) }))
		code, out, errs := call(t, address, "list")
		if code != 1 || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%s: %d %q %q", story, code, out, errs)
		}
	}
}

// TestPathOfAddress: a switch may live below a path of its host.
func TestPathOfAddress(t *testing.T) {
	var asked string
	address := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.RequestURI
		fmt.Fprint(w, `{}`)
	}))
	if code, _, errs := call(t, address, "show", "+13125550100", "-url", address+"/switch/"); code != 0 || asked != "/switch/pool/+13125550100" {
		t.Error(code, errs, asked)
	}
}

// TestOneUnansweredIsEnough: a switch that is gone is not asked for the rest.
func TestOneUnansweredIsEnough(t *testing.T) {
	var asked atomic.Int32
	address := listen(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler)
	}))
	code, _, errs := call(t, address, "drain", "+13125550100", "+13125550101")
	if code != 1 || !strings.HasPrefix(errs, "+13125550100: no answer from "+address+": EOF; ") || strings.Count(errs, "\n") != 1 || asked.Load() != 1 {
		t.Error(code, errs, asked.Load())
	}
}

// TestOrderWait follows an order through its stages, a switch that is away for
// a moment among them.
func TestOrderWait(t *testing.T) {
	for end, c := range map[protocol.OrderStage]struct {
		code int
		last string // line on the standard error
	}{
		protocol.OrderDone:   {0, "done: 2 of 2 numbers bought or being bought, 2 in the pool"},
		protocol.OrderFailed: {1, "maskswitch numbers order: order o1 failed: nobody sells any"},
	} {
		looks := 0
		d := stocked()
		d.look = func(_ context.Context, o *protocol.NumberOrder) error {
			looks++
			switch looks {
			case 1, 2:
				o.Stage = protocol.OrderOrdering
			case 3:
				return protocol.Errorf(protocol.Unavailable, "not_ready", "the switch is starting")
			case 4:
				o.Stage, o.Trouble, o.NextTryAt = protocol.OrderPending, "the carrier is busy", epoch
			default:
				o.Stage, o.Trouble = end, ""
				o.Numbers, o.Added = []phone.Number{number("+13125550108"), number("+13125550109")}, 2
				if end == protocol.OrderFailed {
					o.Numbers, o.Added, o.Trouble = nil, 0, "nobody sells any"
				}
			}
			return nil
		}
		code, out, errs := call(t, serve(t, d, ""), "order", "-country", "US", "-count", "2", "-max-monthly", "5", "-id", "o1", "-wait", "-every", "1ms")
		lines := strings.Split(strings.TrimSpace(errs), "\n")
		want := []string{
			"searching: 0 of 2 numbers bought or being bought, 0 in the pool",
			"ordering: 0 of 2 numbers bought or being bought, 0 in the pool",
			"503 Service Unavailable, not_ready: the switch is starting",
			"pending: 0 of 2 numbers bought or being bought, 0 in the pool; the carrier is busy; next try at 2026-01-01T00:00:00Z",
		}
		if end == protocol.OrderFailed {
			want = append(want, "failed: 0 of 2 numbers bought or being bought, 0 in the pool; nobody sells any")
		}
		want = append(want, c.last)
		if code != c.code || !reflect.DeepEqual(lines, want) {
			t.Errorf("%s: %d\n%s\nwant\n%s", end, code, errs, strings.Join(want, "\n"))
		}
		if (end == protocol.OrderDone) != strings.HasSuffix(out, "\n+13125550108\n+13125550109\n") {
			t.Errorf("%s: %s", end, out)
		}
	}
}

// TestOrderWaitJSON: of a wait, only the last answer is printed for programs.
func TestOrderWaitJSON(t *testing.T) {
	d := stocked()
	d.look = func(_ context.Context, o *protocol.NumberOrder) error {
		o.Stage++
		return nil
	}
	code, out, errs := call(t, serve(t, d, ""), "order", "-country", "US", "-count", "2", "-max-monthly", "5", "-wait", "-every", "1ms", "-json")
	var row orderRow
	if err := json.Unmarshal([]byte(out), &row); code != 0 || err != nil || row.Stage != "done" {
		t.Error(code, out, errs, err)
	}
}

// TestOrderWaitStops: a refusal ends the wait, and so does an interrupt, which
// says how to go on.
func TestOrderWaitStops(t *testing.T) {
	args := []string{"order", "-country", "US", "-count", "2", "-max-monthly", "5", "-id", "o1", "-wait", "-every", "1ms"}
	d := stocked()
	d.look = func(context.Context, *protocol.NumberOrder) error { return errors.New("lost") }
	if code, _, errs := call(t, serve(t, d, ""), args...); code != 1 || !strings.Contains(errs, "500 Internal Server Error, internal") {
		t.Error(code, errs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.look = func(asked context.Context, _ *protocol.NumberOrder) error {
		cancel()
		<-asked.Done() // the client has gone before it was answered
		return nil
	}
	code, out, errs := callWith(ctx, environment(serve(t, d, ""), ""), args...)
	want := "searching: 0 of 2 numbers bought or being bought, 0 in the pool\n" +
		"maskswitch numbers order: stopped waiting; the order goes on, see maskswitch numbers orders o1\n"
	if code != 1 || out != "" || errs != want {
		t.Error(code, out, errs)
	}
}

// TestLostOrder: an answer that is lost may mean an order that is taken. The
// name under which it can be asked for again is told, made up or not.
func TestLostOrder(t *testing.T) {
	d := stocked()
	good := serve(t, d, "")
	lost := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r2, err := http.NewRequest(r.Method, good+r.URL.Path, r.Body)
		if err == nil {
			r2.Header = r.Header
			var answer *http.Response
			if answer, err = http.DefaultClient.Do(r2); err == nil {
				err = answer.Body.Close()
			}
		}
		if err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	}))
	args := []string{"order", "-country", "US", "-count", "2", "-max-monthly", "5"}
	code, _, errs := call(t, lost, args...)
	id := regexp.MustCompile(`the same command with -id (cli-\w+) finds out`).FindStringSubmatch(errs)
	if code != 1 || len(id) == 0 || !strings.HasPrefix(errs, "ordering under -id "+id[1]+"\n") {
		t.Fatal(code, errs)
	}
	code, out, errs := call(t, good, append(args, "-id", id[1])...)
	if code != 0 || len(d.orders) != 1 || !strings.Contains(out, id[1]) {
		t.Error(code, out, errs, len(d.orders))
	}
}

// TestRest: the instant is counted from now by the switch.
func TestRest(t *testing.T) {
	d := stocked()
	before := time.Now()
	if code, _, errs := call(t, serve(t, d, ""), "rest", "-for", "20m", "+13125550100"); code != 0 {
		t.Fatal(errs)
	}
	at := d.find(number("+13125550100")).RestUntil
	if at.Before(before.Add(20*time.Minute)) || at.After(time.Now().Add(20*time.Minute)) {
		t.Error(at)
	}
}
