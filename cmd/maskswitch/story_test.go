package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
	"maskswitch/actors/story"
)

func (s *shelf) Number(_ context.Context, n phone.Number) (protocol.NumberStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n != s.booking.NumberA {
		return protocol.NumberStatus{}, protocol.Errorf(protocol.NotFound, "number_not_found", "the pool has no such number")
	}
	return protocol.NumberStatus{Number: protocol.Number{Number: n, ChangedAt: epoch}, Region: n.Region(), Live: 3, CallsPerMinute: 0.4}, nil
}

// lists answers GET /calls, newest first, and adds to a booking why it has its
// number: what a switch with those does.
func (s *shelf) lists(t *testing.T) {
	s.first = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/bookings/" + s.booking.ID.String():
			fmt.Fprintf(w, `{"booking_id":"stay-7","status":"ended","reason":"checkout","proxy_number":%q,"party_a":%q,"party_b":%q,"created":1767225600,"expires_at":1767312000,`+
				`"assignment":{"policy":"spread","why":"the least loaded of 12","for":%q,"number":{"live":3},"tried":[1,"x"],"none":null,"sure":true}}`,
				s.booking.NumberA.E164(), partyA, partyB, partyA)
			return true
		case "/calls":
		default:
			return false
		}
		query := r.URL.Query()
		if query.Get("number") != s.booking.NumberA.E164() || query.Get("order") != "newest" {
			t.Errorf("calls are asked for by %v", query)
		}
		limit, err := strconv.Atoi(query.Get("limit"))
		if err != nil {
			t.Error(err)
		}
		from, _ := strconv.Atoi(query.Get("cursor"))
		var page []map[string]any
		for n := len(s.calls) - 1 - from; n >= 0 && len(page) < min(limit, 2); n-- { // two on a page
			c := s.calls[n]
			page = append(page, map[string]any{
				"call_id": c.ID.String(), "rang_at": c.RangAt, "stage": c.Stage, "outcome": c.Outcome.String(), "reason": c.Reason,
				"caller": "party_" + c.Caller.String(), "booking_id": "stay-7",
			})
		}
		answer := map[string]any{"calls": page}
		if from += len(page); from < len(s.calls) {
			answer["next_cursor"] = fmt.Sprint(from)
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
		return true
	}
}

// telling runs story against an address.
func telling(t *testing.T, address string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = stories(t.Context(), args, environment(address, ""), &o, &e)
	return code, o.String(), e.String()
}

// TestStoryTranscript plays a session, good and bad, to the byte. Nobody's number
// is shown in it, not even if he types it.
func TestStoryTranscript(t *testing.T) {
	s := filled()
	s.stories[callID(3)] = []protocol.Line{{Call: callID(3), N: 1, At: epoch.Add(time.Hour), What: `{"event":"call.initiated","leg":"a","id":"e1","connect":true,"caller":"a","lag":81000,"stage":"answering","settings":{"recording":"off","ring":30000000,"limit":3600000000}}`}}
	address := s.serve(t, "")
	proxy, ours := s.booking.NumberA.E164(), s.booking.ID.String()
	var got strings.Builder
	play := func(line string) {
		args := strings.Fields(strings.NewReplacer("CALL", callID(1).String(), "OURS", ours, "PROXY", proxy, "PARTY", partyA, "DIGITS", partyA[1:]).Replace(line))
		code, out, errs := telling(t, address, args...)
		fmt.Fprintf(&got, "$ maskswitch story %s\n%s%s[%d]\n\n", line, out, errs, code)
	}
	for _, line := range []string{
		"help", "-h", "", "CALL CALL", "-n 0 CALL", "-frob CALL", "CALL", "CALL -json", "019b7705-9c00-7000-8000-000000000099",
		"stay-7;b", "stay-7;b -n 1", "stay-8", "..", "a/b", "stay-7;b -json -n 1", "DIGITS", "PARTY", "PARTY11111",
	} {
		play(line)
	}
	s.lists(t)
	for _, line := range []string{"OURS", "PROXY", "PROXY -n 1", "PROXY -n 2 -full", "PROXY -n 1 -json"} {
		play(line)
	}
	s.calls = nil
	play("PROXY")
	play("OURS")
	text := strings.NewReplacer(address, "ADDRESS", ours, "OURS").Replace(got.String())
	checkGolden(t, "testdata/story.golden", text)
	people, _, _ := strings.Cut(strings.ReplaceAll(text, "-json", "\x00"), "\x00")
	for _, private := range []string{partyA, partyB, partyA[1:], partyB[1:]} {
		if strings.Contains(people, private) {
			t.Errorf("%s is in it", private)
		}
	}
}

// What is printed of a call is what is parsed, and nothing else is on the screen.
func TestStoryIsParsed(t *testing.T) {
	s := filled()
	address := s.serve(t, "")
	for n := 1; n <= 3; n++ {
		_, out, errs := telling(t, address, callID(n).String())
		if told, err := story.Parse(out); n != 1 && len(s.stories[callID(n)]) > 0 && err != nil || n == 1 && (err != nil || told.String() != out || errs != "") {
			t.Errorf("%v\n%s%s", err, out, errs)
		}
	}
}

// A call by its id is a call, even if a booking has the same name.
func TestStoryOfABookingNamedLikeACall(t *testing.T) {
	s := filled()
	s.booking.Ref = protocol.Ref(callID(9).String())
	address := s.serve(t, "")
	if code, out, errs := telling(t, address, callID(9).String()); code != 0 || !strings.HasPrefix(out, "booking       "+callID(9).String()) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	s.first = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/calls/") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	if code, out, _ := telling(t, address, callID(9).String()); code != 1 || out != "" {
		t.Errorf("nobody knows whether it is a call, and exit %d: %s", code, out)
	}
	s.first = nil
	s.calls[0].ID = callID(9)
	if _, out, _ := telling(t, address, callID(9).String()); !strings.HasPrefix(out, "call          "+callID(9).String()) {
		t.Errorf("%s", out)
	}
}

// A switch that is away, or that refuses, says so, and the exit code is 1.
func TestStoryOfASwitchThatRefuses(t *testing.T) {
	s := filled()
	s.first = func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"code":"overloaded","detail":"ask again later"}`)
		return true
	}
	address := s.serve(t, "")
	for _, of := range []string{callID(1).String(), "stay-7;b", s.booking.NumberA.E164()} {
		if code, out, errs := telling(t, address, of); code != 1 || out != "" || !strings.Contains(errs, "503") || !strings.Contains(errs, "ask again later") {
			t.Errorf("%s: exit %d: %s%s", of, code, out, errs)
		}
	}
	away := &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	if code, _, errs := telling(t, away.String(), partyA); code != 1 || strings.Contains(errs, partyA) || !strings.Contains(errs, "no answer from http://127.0.0.1:1") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
