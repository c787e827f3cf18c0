package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"go.uber.org/zap"

	"maskswitch/http/api"
	"maskswitch/http/webhook"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// A scene is one call of the demo and what must come of it.
type scene struct {
	title    string
	from, to int // people by number, -1 for withheld; to is the booking's other party
	script   party.Script
	ended    bool // the booking is closed before the call
	connects bool // the other party's phone must ring
	talks    bool // the two must talk
}

const (
	guest    = 111
	host     = 222
	stranger = 666
	withheld = -1
)

// scenes are played in a circle.
var scenes = []scene{
	{title: "The guest calls the host, and they talk.", from: guest, to: host, connects: true, talks: true,
		script: party.Script{After: 400 * time.Millisecond, Talk: 1200 * time.Millisecond, Leaves: party.Caller}},
	{title: "The host calls the guest, on the number that the host knows.", from: host, to: guest, connects: true, talks: true,
		script: party.Script{After: 600 * time.Millisecond, Talk: 900 * time.Millisecond, Leaves: party.Callee}},
	{title: "A stranger dials the proxy number.", from: stranger, to: host},
	{title: "A caller withholds the number.", from: withheld, to: host},
	{title: "The host is on the phone already.", from: guest, to: host, connects: true,
		script: party.Script{Callee: party.Busy, After: 300 * time.Millisecond}},
	{title: "The guest hangs up while the host's phone rings.", from: guest, to: host, connects: true,
		script: party.Script{Callee: party.RingOut, Patience: 900 * time.Millisecond}},
	{title: "The guest calls after checkout, and is told that the booking has ended.", from: guest, to: host, ended: true},
	{title: "The host does not answer.", from: guest, to: host, connects: true,
		script: party.Script{Callee: party.NoAnswer, After: 700 * time.Millisecond}},
}

func person(n int) string {
	if n == withheld {
		return "anonymous"
	}
	return fmt.Sprintf("+13125550%03d", n)
}

// demo is a marketplace with a carrier of its own. It deals with the switch as
// everybody does: by REST and by webhook.
type demo struct {
	app     *App
	carrier *carrier.Carrier
	out     io.Writer
	wrong   []string
}

// RunDemo plays c.Calls calls, or until ctx ends, and tells each on out. The
// error says what went otherwise than it must.
func RunDemo(ctx context.Context, c Config, log *zap.Logger, out io.Writer) (err error) {
	fake := carrier.New(carrier.Config{
		APIKey: "demo", Seed: 1,
		Timing: carrier.Timing{Speech: 800 * time.Millisecond, Save: 300 * time.Millisecond},
	})
	defer fake.Close()
	if err := fake.Start(); err != nil {
		return err
	}
	c.APIKey, c.BaseURL, c.PublicKey = "demo", fake.BaseURL(), fake.PublicKey()
	c.RecordingHosts = fake.URL()
	if c.verifier, err = webhook.NewVerifier(c.PublicKey, c.MaxSkew, time.Now); err != nil {
		return err
	}
	// The demo is this machine's affair. Unless somebody chose them, it takes the
	// ports that are free, and leaves nothing behind.
	c.Host, c.Keys = "127.0.0.1", api.Keys{}
	if !c.given["PORT"] {
		c.Port = "0"
	}
	if !c.given["ADMIN_ADDR"] {
		c.AdminAddr = "127.0.0.1:0"
	}
	if !c.given["DATA_DIR"] {
		if c.DataDir, err = os.MkdirTemp("", "maskswitch-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(c.DataDir)
	}
	a, err := New(ctx, c, log)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	fake.SetWebhookURL(a.URL() + "/webhooks/voice")
	d := &demo{app: a, carrier: fake, out: out}
	err = d.play(ctx, c.Calls)
	return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
}

func (d *demo) play(ctx context.Context, calls int) error {
	fmt.Fprintf(d.out, "switch  %s\nmetrics %s/metrics\ncarrier %s (a fake, in this process)\n\n", d.app.URL(), d.app.AdminURL(), d.carrier.BaseURL())
	var pool struct {
		Size int `json:"pool_size"`
	}
	if err := d.ask(ctx, "POST", "/pool", map[string]any{"numbers": []string{person(900), person(901), person(902)}}, &pool); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "the pool has %d numbers\n", pool.Size)
	played := 0
	for ; calls == 0 || played < calls; played++ {
		if ctx.Err() != nil {
			break
		}
		if err := d.act(ctx, played+1, scenes[played%len(scenes)]); err != nil {
			if ctx.Err() != nil {
				break
			}
			return err
		}
	}
	t := d.carrier.Totals()
	fmt.Fprintf(d.out, "\n%d calls; %d webhooks delivered, %d taken; %d commands; a party's own number was shown %d times\n",
		played, t.Deliveries, t.Accepted, t.Commands, t.Leaks)
	if t.Leaks > 0 {
		d.wrong = append(d.wrong, "a party's own number was shown")
	}
	if len(d.wrong) > 0 {
		return fmt.Errorf("%d calls went wrong: %v", len(d.wrong), d.wrong)
	}
	return nil
}

// act plays one scene on a booking of its own.
func (d *demo) act(ctx context.Context, n int, s scene) error {
	var lent struct {
		ID    string `json:"booking_id"`
		Proxy string `json:"proxy_number"`
	}
	asked := map[string]any{"party_a": person(guest), "party_b": person(host), "duration_hours": 1, "booking_id": fmt.Sprintf("stay-%d-%d", time.Now().UnixNano(), n)}
	if err := d.ask(ctx, "POST", "/bookings", asked, &lent); err != nil {
		return err
	}
	path := "/bookings/" + url.PathEscape(lent.ID)
	if s.ended {
		if err := d.ask(ctx, "DELETE", path, nil, nil); err != nil {
			return err
		}
	}
	placed := d.carrier.PlaceCall(person(s.from), lent.Proxy, s.script)
	if err := placed.Wait(ctx); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\n%d. %s\n%s", n, s.title, placed.Ladder())
	d.judge(n, s, placed, lent.Proxy)
	if !s.ended {
		return d.ask(ctx, "DELETE", path, nil, nil)
	}
	return nil
}

// judge holds a call against its scene.
func (d *demo) judge(n int, s scene, placed *carrier.Call, proxy string) {
	wrong := func(format string, args ...any) {
		text := fmt.Sprintf("call %d: ", n) + fmt.Sprintf(format, args...)
		d.wrong = append(d.wrong, text)
		fmt.Fprintln(d.out, "WRONG:", text)
	}
	l := placed.Ledger()
	if len(l.Connections) > 0 != s.connects {
		wrong("%d phones rang, connecting was %v", len(l.Connections), s.connects)
	}
	for _, c := range l.Connections {
		if c.Callee.E164() != person(s.to) {
			wrong("the wrong phone rang")
		}
		if c.Shown.E164() != proxy {
			wrong("the callee saw another number than the proxy")
		}
	}
	if l.Talked() != s.talks {
		wrong("talked is %v", l.Talked())
	}
	if alive := l.Alive(); len(alive) > 0 {
		wrong("legs %v are still up", alive)
	}
	if s.talks && len(l.Recordings) != 1 {
		wrong("%d recordings", len(l.Recordings))
	}
	for _, action := range []string{"answer", "reject", "transfer", "record_start"} {
		if l.Effects(action) > 1 {
			wrong("%s took effect %d times", action, l.Effects(action))
		}
	}
}

// ask is one REST request. An answer that is not 200 is an error.
func (d *demo) ask(ctx context.Context, method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, d.app.URL()+path, sent)
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
