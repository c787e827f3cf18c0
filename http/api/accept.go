package api

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Media types that answers come in.
const (
	mediaJSON = "application/json"
	mediaCSV  = "text/csv"
	mediaText = "text/plain"
)

// negotiate chooses among the types that an answer can have, the first if the
// client does not care (RFC 9110, section 12.5.1).
func negotiate(r *http.Request, offers ...string) (string, error) {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(header) == "" {
		return offers[0], nil
	}
	best, chosen := 0.0, ""
	for _, offer := range offers {
		if q := quality(header, offer); q > best {
			best, chosen = q, offer
		}
	}
	if chosen == "" {
		return "", refuse(unacceptable, "not_acceptable", "", "this answer comes as "+strings.Join(offers, " or ")+", and Accept takes neither")
	}
	return chosen, nil
}

// quality is how much a client wants a type: the most exact range that takes it
// says so.
func quality(header, offer string) (q float64) {
	kind, _, _ := strings.Cut(offer, "/")
	exact := 0
	for one := range strings.SplitSeq(header, ",") {
		name, params, err := mime.ParseMediaType(one)
		if err != nil {
			continue
		}
		closeness := map[string]int{offer: 3, kind + "/*": 2, "*/*": 1}[name]
		if closeness == 0 || closeness < exact {
			continue
		}
		weight := 1.0
		if text, ok := params["q"]; ok {
			if weight, err = strconv.ParseFloat(text, 64); err != nil || weight < 0 || weight > 1 {
				continue
			}
		}
		exact, q = closeness, weight
	}
	return q
}
