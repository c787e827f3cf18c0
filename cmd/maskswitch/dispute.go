package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var disputeCommand = command{
	name: "dispute", args: "BOOKING -o FILE", about: "Put all there is of a booking into one file, for whoever settles a dispute",
	text: `The zip holds the booking, its calls as records and as stories, its recordings with
their hashes, and what machines made of them. Every recording is held against its
hash while it is read. Parties' numbers are masked unless -numbers is given. A file
that is missing or broken is told in README.txt, and by exit code 1.

  maskswitch dispute stay-7 -o stay-7.zip
`,
	flags: func(f *flag.FlagSet) action {
		var to string
		var force, numbers bool
		f.StringVar(&to, "o", "", "`file` to write")
		f.BoolVar(&force, "force", false, "write over a file that is there")
		f.BoolVar(&numbers, "numbers", false, "show the parties' numbers")
		return func(ctx context.Context, s *session, args []string) error {
			switch {
			case len(args) != 1:
				return misuse("name one booking")
			case to == "":
				return misuse("-o says which file to write")
			}
			return s.dispute(ctx, args[0], to, force, numbers)
		}
	},
}

// dispute is the client that makes bundles. It returns the exit code.
func dispute(ctx context.Context, args []string, environ func(string) (string, bool), out, errs io.Writer) int {
	const title = "maskswitch dispute"
	return finish(title, runCommand(ctx, title, disputeCommand, args, environ, out, errs), errs)
}

// dispute writes the file whole or not at all.
func (s *session) dispute(ctx context.Context, booking, to string, force, numbers bool) error {
	if _, err := os.Stat(to); err == nil && !force {
		return fmt.Errorf("%s is there already; -force writes over it", to)
	}
	file, err := os.CreateTemp(filepath.Dir(to), ".dispute-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // not there any more if all went well
	defer file.Close()
	b := newBundle(file)
	if err := s.fill(ctx, b, booking, numbers); err != nil {
		return err
	}
	if err := errors.Join(b.close(), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("%s: %w", to, err)
	}
	if err := os.Rename(file.Name(), to); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: %d calls, %d recordings\n", to, b.calls, b.recordings)
	for _, m := range b.missing {
		fmt.Fprintf(s.errs, "%s\n", m)
	}
	if b.broken {
		return errTold
	}
	return nil
}

// A call and a recording as the switch tells them, as far as a bundle needs it.
type (
	callTold struct {
		ID           string  `json:"call_id"`
		Caller       string  `json:"caller"`
		Number       string  `json:"proxy_number"`
		Outcome      string  `json:"outcome"`
		Reason       string  `json:"reason"`
		RangAt       string  `json:"rang_at"`
		AnsweredAt   string  `json:"answered_at"`
		RingingAt    string  `json:"ringing_at"`
		TalkAt       string  `json:"talk_at"`
		EndedAt      string  `json:"ended_at"`
		TalkSeconds  float64 `json:"talk_seconds"`
		HangupCause  string  `json:"hangup_cause"`
		HangupSource string  `json:"hangup_source"`
		ConsentAt    string  `json:"consent_at"`
		Story        []struct {
			At   time.Time      `json:"at"`
			What map[string]any `json:"what"`
		} `json:"story"`
	}
	recordingTold struct {
		ID        string `json:"id"`
		CallID    string `json:"call_id"`
		State     string `json:"state"`
		Why       string `json:"why"`
		Format    string `json:"format"`
		SHA256    string `json:"sha256"`
		Bytes     int64  `json:"bytes"`
		StartedAt string `json:"started_at"`
		Summary   struct {
			State, Why, Text, Model string
			MadeAt                  string `json:"made_at"`
		} `json:"summary"`
		Transcript *struct {
			Text   string `json:"text"`
			MadeBy string `json:"made_by"`
			MadeAt string `json:"made_at"`
		} `json:"transcript"`
	}
)

// fill asks the switch for everything, and puts it into the bundle.
func (s *session) fill(ctx context.Context, b *bundle, id string, numbers bool) error {
	path := "/bookings/" + url.PathEscape(id)
	var booking map[string]any
	if _, err := s.ask(ctx, http.MethodGet, path, nil, nil, &booking); err != nil {
		return err
	}
	if !numbers {
		for _, party := range []string{"party_a", "party_b"} {
			if number, ok := booking[party].(string); ok {
				booking[party] = masked(number)
			}
		}
	}
	if created, ok := booking["created"].(float64); ok {
		b.at = time.Unix(int64(created), 0).UTC()
	}
	b.booking = id
	if err := b.document("booking.json", booking); err != nil {
		return err
	}
	calls, err := s.allCalls(ctx, path)
	if err != nil {
		return err
	}
	recordings, err := s.allRecordings(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(b.putCalls(calls), b.putRecordings(ctx, s, recordings), b.finish())
}

// allCalls reads every call with its story, as told and as we need it.
func (s *session) allCalls(ctx context.Context, path string) (all []told[callTold], err error) {
	for cursor := ""; ; {
		query := url.Values{"limit": {"200"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var page struct {
			Calls []struct {
				ID string `json:"call_id"`
			} `json:"calls"`
			Next string `json:"next_cursor"`
		}
		if _, err := s.ask(ctx, http.MethodGet, path+"/calls", query, nil, &page); err != nil {
			return nil, err
		}
		for _, c := range page.Calls {
			one, err := ask[callTold](ctx, s, "/calls/"+url.PathEscape(c.ID))
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

func (s *session) allRecordings(ctx context.Context, path string) (all []told[recordingTold], err error) {
	var list struct {
		Recordings []struct {
			ID string `json:"id"`
		} `json:"recordings"`
	}
	if _, err := s.ask(ctx, http.MethodGet, path+"/recordings", nil, nil, &list); err != nil {
		return nil, err
	}
	for _, r := range list.Recordings {
		one, err := ask[recordingTold](ctx, s, "/recordings/"+url.PathEscape(r.ID))
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// told is a document as it came, and as it was understood.
type told[T any] struct {
	raw json.RawMessage
	is  T
}

func ask[T any](ctx context.Context, s *session, path string) (t told[T], err error) {
	t.raw, err = s.ask(ctx, http.MethodGet, path, nil, nil, &t.is)
	return t, err
}

// masked leaves of a number what the switch's own logs show.
func masked(number string) string {
	if len(number) < 6 {
		return strings.Repeat("*", len(number))
	}
	return number[:3] + "***" + number[len(number)-2:]
}

// audio opens a recording. It may take longer than any other answer.
func (s *session) audio(ctx context.Context, id string) (io.ReadCloser, error) {
	to := *s.base
	to.Path = strings.TrimSuffix(to.Path, "/") + "/recordings/" + id + "/audio"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return nil, err
	}
	if s.key != "" {
		r.Header.Set("Authorization", "Bearer "+s.key)
	}
	web := *s.web
	web.Timeout = 0
	answer, err := web.Do(r)
	if err != nil {
		return nil, s.unreached(err)
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		raw, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
		_, err := refusal(answer.StatusCode, raw)
		return nil, err
	}
	return answer.Body, nil
}
