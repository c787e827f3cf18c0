package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// methods answers a path by method; Other takes those that have no answer.
type methods map[string]http.Handler

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, ok := m[r.Method]
	if !ok {
		h = m[Other]
	}
	h.ServeHTTP(w, r)
}

// allowed is the value of Allow.
func (m methods) allowed() string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// adapt puts around a handler what every request needs: it counts, measures,
// logs, catches panics, and renders the error as a refusal.
func (s *Server) adapt(rt route) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		start := time.Now()
		s.config.Observer.InFlight(+1)
		defer s.config.Observer.InFlight(-1)

		w := &writer{ResponseWriter: out}
		id := requestID(r)
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")

		key, err := s.run(rt, w, r)
		var p *problem
		if err != nil {
			p = problemOf(r, err, id)
			if w.status == 0 {
				p.write(w)
			}
		}
		took := time.Since(start)
		s.config.Observer.Request(rt.path, rt.method, w.status, took)
		s.note(rt, w.status, took, id, key, p)
	})
}

// run admits the request and hands it to its handler. A panic comes back as an
// error: one bad request must not end a connection that others share.
func (s *Server) run(rt route, w http.ResponseWriter, r *http.Request) (key string, err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v) // net/http's own word for "cut the connection"
		default:
			err = &panicked{v, debug.Stack()}
		}
	}()
	if !rt.open {
		if key, err = s.admit(r); err != nil {
			return key, err
		}
		if s.inFlight.Add(1) > int64(s.config.MaxInFlight) {
			s.inFlight.Add(-1)
			return key, refuse(unavailable, "overloaded", "", "too many requests are at work: ask again a little later")
		}
		defer s.inFlight.Add(-1)
	}
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), keyName{}, key), rt.patience)
	defer cancel()
	return key, rt.handle(s, w, r.WithContext(ctx))
}

// keyName is where a request's context has the name of its key.
type keyName struct{}

// note writes the request's line. What an operator acts on is louder: our own
// faults, and clients with a wrong key. The detail and the field of a refusal
// stay out of it, since both may repeat what the client sent.
func (s *Server) note(rt route, status int, took time.Duration, id, key string, p *problem) {
	level := zapcore.DebugLevel
	switch status {
	case http.StatusInternalServerError:
		level = zapcore.ErrorLevel
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable:
		level = zapcore.InfoLevel
	}
	line := s.config.Log.Check(level, "request")
	if line == nil {
		return
	}
	fields := []zap.Field{
		zap.String("route", rt.path), zap.String("method", rt.method), zap.Int("status", status),
		zap.Duration("took", took), zap.String("request", id),
	}
	if key != "" {
		fields = append(fields, zap.String("key", key))
	}
	if p != nil {
		fields = append(fields, zap.String("code", p.Code))
		if p.cause != nil {
			fields = append(fields, zap.Error(p.cause))
		}
	}
	line.Write(fields...)
}

// writer remembers the status, and so whether anything was said at all.
type writer struct {
	http.ResponseWriter
	status int
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// panicked is a handler's panic as an error.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

// reply sends a document.
func reply(w http.ResponseWriter, status int, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	write(w, status, append(body, '\n'))
	return nil
}

// write sends a body whole. That the client has left by then is no error of
// anybody's: what was asked is done.
func write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// requestID is the client's, if it is fit for a log, or a new one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); isRequestID(id) {
		return id
	}
	return rand.Text()
}

func isRequestID(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, alphanumeric+"-_.") == ""
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
