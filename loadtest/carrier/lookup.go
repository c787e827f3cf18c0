package carrier

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

func decode(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	return string(b), err
}

// status is the look-up of one leg, dead or alive.
func (k *Call) status(l *leg, _ body) (map[string]any, *problem) {
	v := l.summary()
	v["is_alive"] = l.alive()
	v["start_time"] = wireTime(l.started)
	if !l.alive() {
		v["end_time"] = wireTime(l.ended)
	}
	return v, nil
}

// summary has the members of an active call; the Call's mutex is held.
func (l *leg) summary() map[string]any {
	state := ""
	if l.state != nil {
		state = *l.state
	}
	end := l.ended
	if l.alive() {
		end = l.call.carrier.now()
	}
	return map[string]any{
		"record_type": "call", "call_control_id": l.control, "call_leg_id": l.id,
		"call_session_id": l.call.session, "client_state": state,
		"call_duration": int(end.Sub(l.started).Seconds()),
	}
}

// listActive pages through the live legs of the application by cursor.
func (c *Carrier) listActive(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, p := pageSize(q, "page[limit]", "page[size]")
	if p == nil && r.PathValue("connection") != c.cfg.ConnectionID {
		p = notFound("no such connection")
	}
	if p != nil {
		p.write(w, nil)
		return
	}
	c.mu.RLock()
	legs := make([]*leg, 0, len(c.legs))
	for _, l := range c.legs {
		legs = append(legs, l)
	}
	c.mu.RUnlock()
	slices.SortFunc(legs, func(a, b *leg) int { return cmp.Compare(a.made, b.made) })

	after, _ := strconv.ParseUint(q.Get("page[after]"), 36, 64)
	data, total, more := []any{}, 0, false
	var first, last uint64
	for _, l := range legs {
		l.call.mu.Lock()
		alive, v := l.alive(), map[string]any(nil)
		if alive && l.made > after && len(data) < limit {
			v = l.summary()
		}
		l.call.mu.Unlock()
		switch {
		case !alive:
			continue
		case v != nil:
			data = append(data, v)
			last = l.made
			if first == 0 {
				first = last
			}
		case l.made > after:
			more = true
		}
		total++
	}
	meta := map[string]any{"total_items": total}
	if len(data) > 0 {
		meta["cursors"] = map[string]string{"before": strconv.FormatUint(first, 36), "after": strconv.FormatUint(last, 36)}
	}
	if more {
		meta["next"] = "http://" + r.Host + r.URL.Path + "?" + url.Values{
			"page[limit]": {strconv.Itoa(limit)}, "page[after]": {strconv.FormatUint(last, 36)}}.Encode()
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": data, "meta": meta})
}

// pageSize reads the first of the names that is given: 1 to 250, else 20.
func pageSize(q url.Values, names ...string) (int, *problem) {
	for _, name := range names {
		if s := q.Get(name); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil || n < 1 || n > 250 {
				return 0, &problem{status: http.StatusUnprocessableEntity, code: "10033", detail: name + " must be 1 to 250"}
			}
			return n, nil
		}
	}
	return 20, nil
}
