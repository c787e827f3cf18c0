package carrier

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// repeatWindow is how long the carrier remembers a command id on one leg.
const repeatWindow = 60 * time.Second

const maxBody = 1 << 20

func (c *Carrier) routing() *http.ServeMux {
	mux := http.NewServeMux()
	for name, a := range actions {
		mux.HandleFunc(a.method+" /v2/calls/{leg}/actions/"+name, func(w http.ResponseWriter, r *http.Request) {
			c.routed(w, r, name, a)
		})
	}
	mux.HandleFunc("GET /v2/calls/{leg}", func(w http.ResponseWriter, r *http.Request) {
		c.routed(w, r, "status", lookup)
	})
	mux.HandleFunc("GET /v2/connections/{connection}/active_calls", c.listActive)
	c.routeRecordings(mux)
	c.numbers.route(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.cfg.Logf("no such resource: %s %s", r.Method, strings.SplitN(r.URL.Path, "/actions/", 2)[0])
		notFound("the requested resource or URL could not be found").write(w, nil)
	})
	return mux
}

func notFound(detail string) *problem {
	return &problem{status: http.StatusNotFound, code: "10005", detail: detail}
}

// ServeHTTP is the carrier's API below /v2, and its recording files.
func (c *Carrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.gate.enter() {
		panic(http.ErrAbortHandler)
	}
	defer c.gate.leave()
	if strings.HasPrefix(r.URL.Path, "/v2/") && !c.authorised(r.Header.Get("Authorization")) {
		unauthorised.write(w, nil)
		return
	}
	c.routes.ServeHTTP(w, r)
}

var unauthorised = &problem{status: http.StatusUnauthorized, code: "10009", detail: "the bearer key is missing or wrong"}

func (c *Carrier) authorised(header string) bool {
	if c.cfg.APIKey == "" {
		return true
	}
	key, bearer := strings.CutPrefix(header, "Bearer ")
	return bearer && subtle.ConstantTimeCompare([]byte(key), []byte(c.cfg.APIKey)) == 1
}

// routed is a request about one leg that came by the router.
func (c *Carrier) routed(w http.ResponseWriter, r *http.Request, name string, a action) {
	at := time.Now()
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	c.command(w, raw, at, r.PathValue("leg"), name, a)
}

// command receives a request about one leg: fault first, then the carrier's own
// rules, then the effect. Once it has been read it is carried out, whether or
// not the asker still listens, as a real carrier would. It panics with
// http.ErrAbortHandler to break the connection.
func (c *Carrier) command(w http.ResponseWriter, raw []byte, at time.Time, leg, name string, a action) {
	c.totals.commands.Add(1)
	cmd := &Command{ControlID: leg, Action: name, Body: raw, At: at}
	l := c.legNamed(leg)
	if l == nil {
		c.stray(w, cmd)
		return
	}
	var in body
	var wrong *problem
	if a.rules != nil {
		in, wrong = a.rules.read(raw)
		cmd.ID = in.text("command_id")
	}
	k := l.call
	reacts := k.arrive(l, cmd, in)
	faults := c.faults.Load()
	reply := c.fault(k, cmd, faults)
	if *reply != noReply {
		k.strike(cmd)
	}
	defer k.commanded(cmd, reacts) // after the answer, and after a connection was cut
	if !c.hold(reply) || reply.Cut == CutBefore {
		k.answered(cmd, 0, "")
		panic(http.ErrAbortHandler)
	}
	if faults.RateLimit > 0 {
		c.bucket.tell(w.Header(), faults.RateLimit)
	}
	if reply.Status != 0 {
		p := reply.problem()
		k.answered(cmd, p.status, p.code)
		p.write(w, reply)
		return
	}
	result, p := k.perform(l, cmd, a, in, wrong, reply.Cut == CutAfter)
	switch {
	case reply.Cut == CutAfter:
		panic(http.ErrAbortHandler)
	case p != nil:
		p.write(w, nil)
	case result == nil:
		writeBody(w, http.StatusOK, resultOK)
	default:
		writeJSON(w, http.StatusOK, map[string]any{"data": result})
	}
}

// resultOK is the answer to most commands.
var resultOK = []byte(`{"data":{"result":"ok"}}`)

// hold lets nothing happen for as long as the reply says. It reports false if
// the carrier closed meanwhile.
func (c *Carrier) hold(r *Reply) bool {
	if r.Until != nil {
		select {
		case <-r.Until:
		case <-c.ctx.Done():
			return false
		}
	}
	if r.Hold > 0 {
		t := time.NewTimer(r.Hold)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.ctx.Done():
			return false
		}
	}
	return true
}

// stray answers for a leg that never was: 90015, as 422 if the id does not even
// look like one, else as 404.
func (c *Carrier) stray(w http.ResponseWriter, cmd *Command) {
	p := bad("90015", "", "the call_control_id provided was not valid")
	if strings.HasPrefix(cmd.ControlID, "v3:") {
		p.status = http.StatusNotFound
	}
	cmd.Status, cmd.Code, cmd.Took = p.status, p.code, time.Since(cmd.At)
	c.mu.Lock()
	c.strays = append(c.strays, *cmd)
	c.mu.Unlock()
	c.cfg.Logf("%s for a leg that never was", cmd.Action)
	p.write(w, nil)
}

// arrive notes a request before anything is done about it.
func (k *Call) arrive(l *leg, cmd *Command, in body) Reaction {
	k.mu.Lock()
	defer k.unlock()
	cmd.Leg, cmd.Attempt = l.name, 1
	for _, other := range k.commands {
		if other.Leg == cmd.Leg && other.Action == cmd.Action && other.ID == cmd.ID {
			cmd.Attempt++
		}
	}
	k.commands = append(k.commands, cmd)
	k.searchLeaks(l, cmd, in)
	k.note()
	return k.reaction(l, cmd.Action, cmd.At)
}

func (k *Call) copyOf(cmd *Command) Command {
	k.mu.Lock()
	defer k.mu.Unlock()
	return *cmd
}

// strike marks a request that a fault decides about.
func (k *Call) strike(cmd *Command) {
	k.mu.Lock()
	defer k.mu.Unlock()
	cmd.Faulted = true
}

// commanded tells the observer of a request that is over.
func (k *Call) commanded(cmd *Command, r Reaction) {
	if o := k.carrier.cfg.Observer; o != nil {
		o.Commanded(k, k.copyOf(cmd), r)
	}
}

// perform carries a command out, unless its id has just taken effect on this
// leg: the carrier's answer to such a repeat is not documented, 200 is likely.
// It notes the answer in the same breath, so that no ledger has an effect
// without it; unheard means that there will be none. A nil result is "ok" and
// nothing else.
func (k *Call) perform(l *leg, cmd *Command, a action, in body, wrong *problem, unheard bool) (map[string]any, *problem) {
	k.mu.Lock()
	defer k.unlock()
	result, p := k.tryTo(l, cmd, a, in, wrong)
	switch {
	case unheard:
	case p != nil:
		cmd.Status, cmd.Code = p.status, p.code
	default:
		cmd.Status = http.StatusOK
	}
	cmd.Took = time.Since(cmd.At)
	k.note()
	return result, p
}

func (k *Call) tryTo(l *leg, cmd *Command, a action, in body, wrong *problem) (map[string]any, *problem) {
	if a.rules == nil {
		return a.effect(k, l, nil)
	}
	if at, seen := l.repeats[cmd.ID]; seen && cmd.ID != "" && time.Since(at) < repeatWindow {
		cmd.Repeat = true
		k.carrier.totals.repeats.Add(1)
		return nil, nil
	}
	if wrong != nil {
		return nil, wrong
	}
	result, p := k.apply(l, a, in)
	if p != nil {
		return nil, p
	}
	cmd.Effective = true
	if cmd.ID != "" {
		if l.repeats == nil {
			l.repeats = map[string]time.Time{}
		}
		l.repeats[cmd.ID] = time.Now()
	}
	if result != nil {
		result["result"] = "ok"
	}
	return result, nil
}

// answered completes what arrive noted, where nothing was carried out.
func (k *Call) answered(cmd *Command, status int, code string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	cmd.Status, cmd.Code, cmd.Took = status, code, time.Since(cmd.At)
	k.note()
}

// searchLeaks looks for the parties' own numbers in a command. The one place
// for such a number is the "to" of a transfer; in client_state it would travel
// through logs and portals, and anywhere else the other party might see it.
func (k *Call) searchLeaks(l *leg, cmd *Command, in body) {
	parties := append(make([]string, 0, 8), k.from)
	for _, g := range k.legs[1:] {
		parties = append(parties, g.to)
	}
	if to := in.text("to"); to != "" {
		parties = append(parties, to)
	}
	before := len(k.leaks)
	for name, v := range in {
		if cmd.Action == "transfer" && name == "to" {
			continue
		}
		text, _ := v.(string)
		plain := ""
		if len(text)%4 == 0 { // perhaps base64
			if s, err := decode(text); err == nil {
				plain = s
			}
		}
		for _, p := range parties {
			if d := digits(p); !strings.Contains(plain, d) && !shows(v, d) {
				continue
			}
			leak := Leak{Leg: l.name, Action: cmd.Action, Member: "/" + name, Number: number(p)}
			if leak.Number.Known() && !slices.Contains(k.leaks[before:], leak) {
				k.leaks = append(k.leaks, leak)
				k.carrier.totals.leaks.Add(1)
				k.carrier.cfg.Logf("call %d: %s shows %s in %s", k.number, leak.Action, leak.Number, leak.Member)
			}
		}
	}
}

// digits is a number as people recognise it: without plus, and without a
// country code, which can be left out.
func digits(number string) string {
	s := strings.TrimLeft(number, "+")
	if len(s) > 10 {
		s = s[len(s)-10:]
	}
	return s
}

// shows says whether a member holds some digits.
func shows(v any, digits string) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, digits)
	case json.Number:
		return strings.Contains(v.String(), digits)
	case []any:
		return slices.ContainsFunc(v, func(one any) bool { return shows(one, digits) })
	case map[string]any:
		for name, one := range v {
			if strings.Contains(name, digits) || shows(one, digits) {
				return true
			}
		}
	}
	return false
}
