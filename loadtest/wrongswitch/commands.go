package wrongswitch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// once asks for something on a leg, the first time that it is wanted.
func (s *Switch) once(c *call, action string, g *leg, body map[string]any) {
	if c.asked[action] {
		return
	}
	c.asked[action] = true
	s.command(c, action, g.control, body, 0, false)
}

// command sends one command in the background, until the carrier has taken or
// refused it; twice, with another one of its kind after it. Its id follows from
// the call and the action, so that a repeat is known as one. Call it with the
// mutex held.
func (s *Switch) command(c *call, action, control string, body map[string]any, after time.Duration, twice bool) {
	s.send(c, action, action, control, body, after, twice)
}

// send is command under a name of its own, which tells two of one action apart.
func (s *Switch) send(c *call, name, action, control string, body map[string]any, after time.Duration, twice bool) {
	body = maps.Clone(body)
	if body == nil {
		body = map[string]any{}
	}
	text := func(step string) []byte {
		sum := sha256.Sum256([]byte(c.session + " " + step))
		body["command_id"] = hex.EncodeToString(sum[:16])
		text, err := json.Marshal(body)
		if err != nil {
			panic(err) // a map of strings and numbers
		}
		return text
	}
	first, second := text(name), text(name+" again")
	s.jobs.Go(func() {
		if after > 0 && !s.pause(after) {
			return
		}
		address := s.cfg.BaseURL + "/calls/" + url.PathEscape(control) + "/actions/" + action
		if !s.insist(address, first) {
			s.failed(c, name)
		} else if twice {
			s.insist(address, second)
		}
	})
}

// failed does without a command that the carrier will not carry out.
func (s *Switch) failed(c *call, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	switch name {
	case "announce": // then they are not recorded
		c.unheard = true
	case "answer", "reject": // it must not ring on
		s.once(c, "hangup", &c.a, nil)
	case "transfer":
		c.failed = true
		s.decide(c)
	case "speak":
		c.spoken = true
		s.decide(c)
	}
}

// Pauses between the attempts at one command, and how many there are: about
// half a minute in all.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
	attempts   = 20
)

// insist posts until the answer is final, and says whether that was a success.
func (s *Switch) insist(address string, body []byte) bool {
	pause := firstPause
	for range attempts {
		switch status := s.post(address, body); {
		case status/100 == 2:
			return true
		case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
			return false
		}
		if !s.pause(pause) {
			return false
		}
		pause = min(2*pause, maxPause)
	}
	return false
}

// pause waits; it reports false if the switch closes meanwhile.
func (s *Switch) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// post is one attempt; 0 if there was no answer.
func (s *Switch) post(address string, body []byte) int {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.cfg.APIKey)
	resp, err := s.client.Do(req)
	if err != nil {
		return 0
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode
}
