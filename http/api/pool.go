package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"maskswitch/actors/phone"
)

// service is the name under which the replaced application answers.
const service = "edge-number-masking"

// maxNumbers bounds one request to add numbers.
const maxNumbers = 10_000

const numbersRequired = "numbers array required"

type newNumbers struct {
	Numbers []string `json:"numbers"`
}

// parse checks every number and leaves out those that came before.
func (in newNumbers) parse() ([]phone.Number, error) {
	required := verdict{http.StatusBadRequest, numbersRequired}
	switch {
	case in.Numbers == nil:
		return nil, refuse(required, "missing", "numbers", "numbers is missing")
	case len(in.Numbers) == 0:
		return nil, refuse(required, "empty", "numbers", "numbers is empty")
	case len(in.Numbers) > maxNumbers:
		return nil, refuse(invalid, "too_many", "numbers",
			fmt.Sprintf("a request may add %d numbers at most, and this one has %d", maxNumbers, len(in.Numbers)))
	}
	out := make([]phone.Number, 0, len(in.Numbers))
	seen := make(map[phone.Number]bool, len(in.Numbers))
	for i, text := range in.Numbers {
		n, err := parseNumber(text, fmt.Sprintf("numbers[%d]", i))
		if err != nil {
			return nil, err
		}
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out, nil
}

// parseNumber reads a number a client sent in the named member.
func parseNumber(text, field string) (phone.Number, error) {
	n, err := phone.Parse(text)
	switch {
	case errors.Is(err, phone.ErrImpossible):
		return n, refuse(invalid, "impossible_number", field, err.Error())
	case err != nil:
		return n, refuse(invalid, "not_e164", field, err.Error())
	}
	return n, nil
}

type numbersAdded struct {
	Status   string `json:"status"`
	PoolSize int    `json:"pool_size"`
	Added    int    `json:"added"`
}

// addNumbers puts proxy numbers into the pool: 200 with the size of the pool
// and how many are new to it. All of them or, if one is wrong, none.
func (s *Server) addNumbers(w http.ResponseWriter, r *http.Request) error {
	var in newNumbers
	if err := decode(r, &in, numbersRequired); err != nil {
		return err
	}
	numbers, err := in.parse()
	if err != nil {
		return err
	}
	added, err := s.config.Switch.AddNumbers(r.Context(), numbers)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, numbersAdded{"added", added.Pool, added.New})
}

type healthy struct {
	Status  string `json:"status"`
	Service string `json:"service"`
	Pool    int    `json:"pool"`
	Active  int    `json:"active"`
}

type unhealthy struct {
	Status  string `json:"status"`
	Service string `json:"service"`
	Text    string `json:"error"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// healthPatience is shorter than what balancers wait for a probe.
const healthPatience = 2 * time.Second

// health says whether the switch answers. A balancer reads the status code:
// 503 for whatever keeps the switch from answering.
func (s *Server) health(w http.ResponseWriter, r *http.Request) error {
	count, err := s.config.Switch.Headcount(r.Context())
	if err == nil {
		return reply(w, http.StatusOK, healthy{"ok", service, count.Pool, count.Active})
	}
	const detail = "the switch cannot answer at the moment"
	w.Header().Set("Retry-After", "1")
	if sent := reply(w, http.StatusServiceUnavailable,
		unhealthy{"unavailable", service, unavailable.text, "unavailable", detail}); sent != nil {
		return sent
	}
	p := refuse(unavailable, "unavailable", "", detail) // sent already: for the log
	p.cause = err
	return p
}
