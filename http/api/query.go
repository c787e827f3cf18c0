package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// parameters reads a query as strictly as a body: a misspelt filter that is
// ignored shows somebody else's bookings. set is given each parameter, in the
// order of their names, so that of several faults the same one is told each
// time.
func parameters(r *http.Request, set func(name, value string) error) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return refuse(invalid, "malformed_query", "", "the query is not a form: name=value pairs, escaped, with & between them")
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if len(values[name]) > 1 {
			return refuse(invalid, "duplicate_parameter", clip(name), "the parameter is there more than once")
		}
		if err := set(name, values[name][0]); err != nil {
			return err
		}
	}
	return nil
}

func unknownParameter(name, known string) error {
	return refuse(invalid, "unknown_parameter", clip(name), known)
}

const (
	defaultLimit = 100
	maxLimit     = 1000
)

func limitParameter(value string) (int, error) { return countParameter("limit", value, maxLimit) }

// countParameter reads a whole number from 1.
func countParameter(name, value string, most int) (int, error) {
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil || n < 1 || n > uint64(most) {
		return 0, refuse(invalid, "out_of_range", name, fmt.Sprintf("%s is a whole number from 1 to %d", name, most))
	}
	return int(n), nil
}

// amountParameter reads a number above 0.
func amountParameter(name, value string, most float64) (float64, error) {
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || !(v > 0 && v <= most) {
		return 0, refuse(invalid, "out_of_range", name, fmt.Sprintf("%s is a number above 0, and %.0f at most", name, most))
	}
	return v, nil
}

func badCursor() error {
	return refuse(invalid, "bad_cursor", "cursor", "cursor takes the next_cursor of an earlier answer")
}
