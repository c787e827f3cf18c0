package carrier

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
)

// server answers the switch. Commands, which are nearly all there is, go
// straight from fasthttp to Carrier.command: net/http spends more on each than
// the command itself costs, with a goroutine to watch for a caller who leaves.
// Everything else goes through the router of Carrier.ServeHTTP.
type server struct {
	carrier  *Carrier
	listener net.Listener
	fast     *fasthttp.Server
	other    fasthttp.RequestHandler

	mu    sync.Mutex
	conns map[*conn]struct{} // nil after close
}

func newServer(c *Carrier, l net.Listener) *server {
	s := &server{carrier: c, listener: l, conns: map[*conn]struct{}{}, other: fasthttpadaptor.NewFastHTTPHandler(c)}
	s.fast = &fasthttp.Server{
		Handler:               s.handle,
		Logger:                quiet{},
		NoDefaultServerHeader: true,
		NoDefaultDate:         true,
		NoDefaultContentType:  true,
		MaxRequestBodySize:    maxBody,
		ReadBufferSize:        16 << 10, // the longest header of a request
	}
	return s
}

// serve ends after close.
func (s *server) serve() {
	if err := s.fast.Serve(accepting{s}); err != nil && s.carrier.ctx.Err() == nil {
		s.carrier.cfg.Logf("fake carrier: %v", err)
	}
}

// close breaks all connections.
func (s *server) close() {
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	s.listener.Close()
	for c := range conns {
		c.Conn.Close()
	}
}

// handle answers one request.
func (s *server) handle(ctx *fasthttp.RequestCtx) {
	at := time.Now()
	c := s.carrier
	if !c.gate.enter() {
		abort(ctx)
		return
	}
	defer c.gate.leave()
	defer func() {
		if e := recover(); e == http.ErrAbortHandler {
			abort(ctx)
		} else if e != nil {
			panic(e)
		}
	}()
	leg, name, a, ok := plain(string(ctx.Method()), string(ctx.URI().PathOriginal()))
	if !ok {
		s.other(ctx)
		return
	}
	w := &direct{ctx: ctx}
	if !c.authorised(string(ctx.Request.Header.Peek("Authorization"))) {
		unauthorised.write(w, nil)
		return
	}
	c.command(w, bytes.Clone(ctx.PostBody()), at, leg, name, a)
}

// plain reads the path of a request about one leg that needs no unescaping.
// Others are the router's.
func plain(method, path string) (leg, name string, a action, ok bool) {
	rest, ok := strings.CutPrefix(path, "/v2/calls/")
	if !ok || strings.ContainsAny(rest, ".%") {
		return "", "", a, false
	}
	leg, name, acts := strings.Cut(rest, "/actions/")
	if !acts {
		name, a = "status", lookup
	} else if a, ok = actions[name]; !ok {
		return "", "", a, false
	}
	return leg, name, a, a.method == method && leg != "" && !strings.Contains(leg, "/")
}

// lookup is GET /calls/{id}, an action by its effect on faults and ledgers.
var lookup = action{method: http.MethodGet, effect: (*Call).status}

// abort breaks the connection instead of answering.
func abort(ctx *fasthttp.RequestCtx) {
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(net.Conn) {}) // it is closed afterwards
}

// direct is a fasthttp answer as an http.ResponseWriter.
type direct struct {
	ctx    *fasthttp.RequestCtx
	header http.Header
}

func (d *direct) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}

func (d *direct) WriteHeader(status int) {
	d.ctx.SetStatusCode(status)
	for name, values := range d.header {
		if name != "Content-Length" { // fasthttp counts by itself
			d.ctx.Response.Header.Set(name, values[0])
		}
	}
}

func (d *direct) Write(b []byte) (int, error) { return d.ctx.Write(b) }

// accepting is the listener, with a note of each connection.
type accepting struct{ s *server }

func (a accepting) Accept() (net.Conn, error) {
	raw, err := a.s.listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, server: a.s}
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if a.s.conns == nil {
		raw.Close()
		return nil, net.ErrClosed
	}
	a.s.conns[c] = struct{}{}
	return c, nil
}

func (a accepting) Close() error   { return a.s.listener.Close() }
func (a accepting) Addr() net.Addr { return a.s.listener.Addr() }

type conn struct {
	net.Conn
	server *server
}

func (c *conn) Close() error {
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	return c.Conn.Close()
}

// quiet takes what fasthttp logs: broken connections, which are this carrier's
// daily bread.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
