package telnyx

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/protocol"
)

// answers is a carrier that answers each request with a status; 0: not at all.
type answers struct{ status int }

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	if a.status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(`{"data":[]}`))}, nil
}

func TestReadySaysWhetherTheCarrierIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		carrier := &answers{status: 200}
		c, err := New(Config{APIKey: "k", Transport: carrier})
		if err != nil {
			t.Fatal(err)
		}
		hangUp := func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			c.Do(ctx, protocol.HangUp{Leg: "leg"})
		}
		ready := func(when string, want bool, says string) {
			t.Helper()
			err := c.Ready()
			if (err == nil) != want || err != nil && !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", when, err)
			}
		}
		ready("nobody has tried", true, "")
		carrier.status = 0
		hangUp()
		time.Sleep(9 * time.Second)
		ready("it failed nine seconds ago", true, "")
		hangUp()
		time.Sleep(time.Second)
		ready("it has failed for ten seconds", false, "connection refused")
		carrier.status = 422
		hangUp()
		ready("it refuses a command, so it is there", true, "")
		carrier.status = 503
		hangUp()
		time.Sleep(time.Minute)
		ready("it answers 503", false, "cannot be reached")
		carrier.status = 200
		if err := c.Check(t.Context()); err != nil {
			t.Error(err)
		}
		ready("it was asked, and answers", true, "")
		carrier.status = 401
		if err := c.Check(t.Context()); err == nil {
			t.Error("a check is content with 401")
		}
		ready("it refuses the key", false, "TELNYX_API_KEY")
		carrier.status = 0
		hangUp()
		ready("and then fails", false, "cannot be reached")
		carrier.status = 200
		hangUp()
		ready("a command got through", true, "")
	})
}

// A command whose own deadline has passed says nothing about the carrier.
func TestReadyIsNotMovedByOurOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{APIKey: "k", Transport: hanging{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		c.Do(ctx, protocol.HangUp{Leg: "leg"})
		time.Sleep(time.Minute)
		if err := c.Ready(); err != nil {
			t.Error(err)
		}
	})
}

type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
