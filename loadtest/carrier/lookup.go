package carrier

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
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

// recordingFilters are the equality filters of the list, by what they compare.
var recordingFilters = map[string]func(*recording) string{
	"call_leg_id":     func(r *recording) string { return r.leg.id },
	"call_session_id": func(r *recording) string { return r.leg.call.session },
	"call_control_id": func(r *recording) string { return r.leg.control },
	"connection_id":   func(r *recording) string { return r.leg.call.carrier.cfg.ConnectionID },
	"from":            func(r *recording) string { return r.leg.from },
	"to":              func(r *recording) string { return r.leg.to },
}

// recordingTimes are the filters that take [gte] and [lte].
var recordingTimes = map[string]func(*recording) time.Time{
	"created_at": func(r *recording) time.Time { return r.saved },
	"start_time": func(r *recording) time.Time { return r.started },
	"end_time":   func(r *recording) time.Time { return r.ended },
}

// filter is one condition on recordings.
type filter func(*recording) bool

// filters reads the conditions of a query. One that it does not know is
// refused here, lest a misspelt filter lists everything.
func filters(q url.Values) ([]filter, *problem) {
	var all []filter
	for name, values := range q {
		inner, ok := strings.CutPrefix(name, "filter[")
		if !ok {
			continue
		}
		want := values[0]
		field, edge, _ := strings.Cut(strings.TrimSuffix(inner, "]"), "][")
		if value := recordingFilters[field]; value != nil && edge == "" {
			all = append(all, func(r *recording) bool { return value(r) == want })
			continue
		}
		at, err := time.Parse(time.RFC3339, want)
		when := recordingTimes[field]
		switch {
		case when == nil, err != nil, edge != "gte" && edge != "lte":
			return nil, &problem{status: http.StatusUnprocessableEntity, code: "10015", detail: "no such filter: " + name}
		case edge == "gte":
			all = append(all, func(r *recording) bool { return !when(r).Before(at) })
		default:
			all = append(all, func(r *recording) bool { return !when(r).After(at) })
		}
	}
	return all, nil
}

// listRecordings pages by number, newest first.
func (c *Carrier) listRecordings(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, p := pageSize(q, "page[size]")
	page, _ := strconv.Atoi(q.Get("page[number]"))
	page = max(page, 1)
	wanted, wrong := filters(q)
	if p = cmp.Or(p, wrong); p != nil {
		p.write(w, nil)
		return
	}
	c.mu.RLock()
	all := make([]*recording, 0, len(c.recordings))
	for _, rec := range c.recordings {
		all = append(all, rec)
	}
	c.mu.RUnlock()
	all = slices.DeleteFunc(all, func(rec *recording) bool {
		return slices.ContainsFunc(wanted, func(f filter) bool { return !f(rec) })
	})
	slices.SortFunc(all, func(a, b *recording) int {
		return cmp.Or(b.saved.Compare(a.saved), cmp.Compare(a.ID, b.ID))
	})
	data := []any{}
	for i := (page - 1) * size; i < min(page*size, len(all)); i++ {
		data = append(data, c.recordingResource(all[i], r.Host))
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": data, "meta": map[string]int{
		"page_number": page, "page_size": size,
		"total_pages": (len(all) + size - 1) / size, "total_results": len(all)}})
}

// recordingResource signs its link anew each time. A saved recording does not
// change any more, so no lock is held.
func (c *Carrier) recordingResource(r *recording, host string) map[string]any {
	l := r.leg
	return map[string]any{
		"record_type": "recording", "id": r.ID, "call_control_id": l.control, "call_leg_id": l.id,
		"call_session_id": l.call.session, "connection_id": c.cfg.ConnectionID, "channels": r.Channels,
		"from": l.from, "to": l.to, "initiated_by": r.by, "source": "call", "status": "completed",
		"duration_millis":      r.ended.Sub(r.started).Milliseconds(),
		"recording_started_at": wireTime(r.started), "recording_ended_at": wireTime(r.ended),
		"created_at": wireTime(r.saved), "updated_at": wireTime(r.saved),
		"download_urls": map[string]string{r.Format: c.link(r, host)},
	}
}

func (c *Carrier) showRecording(w http.ResponseWriter, r *http.Request) {
	c.mu.RLock()
	rec := c.recordings[r.PathValue("recording")]
	c.mu.RUnlock()
	if rec == nil {
		notFound("no such recording").write(w, nil)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": c.recordingResource(rec, r.Host)})
}

// deleteRecording returns the record, for the last time; its links are dead.
func (c *Carrier) deleteRecording(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("recording")
	c.mu.Lock()
	rec := c.recordings[id]
	if rec != nil {
		delete(c.recordings, id)
		delete(c.files, rec.object)
	}
	c.mu.Unlock()
	if rec == nil {
		notFound("no such recording").write(w, nil)
		return
	}
	k := rec.leg.call
	k.mu.Lock()
	rec.Deleted = true
	k.note()
	k.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"data": c.recordingResource(rec, r.Host)})
}
