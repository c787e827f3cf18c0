package carrier

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What requests that are about no leg are called among Faults.Commands.
const (
	askRecording      = "recording"
	askRecordings     = "recordings"
	askDelete         = "recording_delete"
	askTranscriptions = "transcriptions"
	askCompletion     = "completions"
)

// routeRecordings adds all that is about recordings and not about a leg.
func (c *Carrier) routeRecordings(mux *http.ServeMux) {
	handle := func(pattern, action string, serve http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { c.faulty(w, r, action, serve) })
	}
	handle("GET /v2/recordings", askRecordings, c.listRecordings)
	handle("GET /v2/recordings/{recording}", askRecording, c.showRecording)
	handle("DELETE /v2/recordings/{recording}", askDelete, c.deleteRecording)
	handle("GET /v2/recording_transcriptions", askTranscriptions, c.listTranscriptions)
	handle("POST /v2/ai/openai/chat/completions", askCompletion, c.complete)
	mux.HandleFunc("GET "+recorder, c.serveFile)
}

// faulty gives a request its fault, then its effect. The draw is by what the
// request is about and how often that was asked, as for commands.
func (c *Carrier) faulty(w http.ResponseWriter, r *http.Request, action string, serve http.HandlerFunc) {
	about := action + " " + r.PathValue("recording") + r.URL.RawQuery
	reply := c.drawReply(c.faults.Load(), action, 0, about, c.shelf.nth(about))
	if !c.hold(reply) || reply.Cut == CutBefore {
		panic(http.ErrAbortHandler)
	}
	switch {
	case reply.Status != 0:
		reply.problem().write(w, reply)
	case reply.Cut == CutAfter:
		serve(nowhere{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	default:
		serve(w, r)
	}
}

// nowhere is an answer that nobody hears.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) WriteHeader(int)             {}
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }

// recordingFilters are the equality filters of the list, by what they compare.
var recordingFilters = map[string]func(*kept) string{
	"call_leg_id":     func(k *kept) string { return k.legID },
	"call_session_id": func(k *kept) string { return k.Session },
	"call_control_id": func(k *kept) string { return k.control },
	"from":            func(k *kept) string { return k.from },
	"to":              func(k *kept) string { return k.to },
}

// recordingTimes are the filters that take [gte] and [lte].
var recordingTimes = map[string]func(*kept) time.Time{
	"created_at": func(k *kept) time.Time { return k.saved },
	"start_time": func(k *kept) time.Time { return k.started },
	"end_time":   func(k *kept) time.Time { return k.ended },
}

// transcriptFilters are those of the list of transcriptions.
var transcriptFilters = map[string]func(*kept) string{"recording_id": func(k *kept) string { return k.ID }}

var transcriptTimes = map[string]func(*kept) time.Time{"created_at": recordingTimes["created_at"]}

// filter is one condition on recordings.
type filter func(*kept) bool

// filters reads the conditions of a query. What it does not know is refused
// here, lest a misspelt filter lists everything.
func filters(q url.Values, values map[string]func(*kept) string, times map[string]func(*kept) time.Time) ([]filter, *problem) {
	var all []filter
	for name, given := range q {
		inner, ok := strings.CutPrefix(name, "filter[")
		if !ok && (name == "page[size]" || name == "page[number]") {
			continue
		}
		want := given[0]
		field, edge, _ := strings.Cut(strings.TrimSuffix(inner, "]"), "][")
		if value := values[field]; value != nil && edge == "" {
			all = append(all, func(k *kept) bool { return value(k) == want })
			continue
		}
		at, err := time.Parse(time.RFC3339, want)
		when := times[field]
		switch {
		case when == nil, err != nil, edge != "gte" && edge != "lte":
			return nil, bad("10015", "", "no such parameter here: %s", name)
		case edge == "gte":
			all = append(all, func(k *kept) bool { return !when(k).Before(at) })
		default:
			all = append(all, func(k *kept) bool { return !when(k).After(at) })
		}
	}
	return all, nil
}

// mostPages is beyond any list here.
const mostPages = 1 << 20

// part is a page of a list, newest first.
type part struct {
	rows          []*kept
	number, size  int
	pages, amount int
}

// part reads a query and finds what it asks for.
func (c *Carrier) part(q url.Values, values map[string]func(*kept) string, times map[string]func(*kept) time.Time, also ...filter) (part, *problem) {
	size, p := pageSize(q, "page[size]")
	number := 1
	if s := q.Get("page[number]"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > mostPages {
			p = cmp.Or(p, bad("10033", "", "page[number] must be 1 or more"))
		}
		number = n
	}
	wanted, wrong := filters(q, values, times)
	if p = cmp.Or(p, wrong); p != nil {
		return part{}, p
	}
	wanted = append(wanted, also...)
	all := slices.DeleteFunc(c.shelf.list(), func(k *kept) bool {
		return slices.ContainsFunc(wanted, func(f filter) bool { return !f(k) })
	})
	slices.SortFunc(all, func(a, b *kept) int { return cmp.Or(b.saved.Compare(a.saved), cmp.Compare(a.ID, b.ID)) })
	from := min((number-1)*size, len(all))
	return part{rows: all[from:min(from+size, len(all))], number: number, size: size,
		pages: (len(all) + size - 1) / size, amount: len(all)}, nil
}

func (c *Carrier) listRecordings(w http.ResponseWriter, r *http.Request) {
	found, p := c.part(r.URL.Query(), recordingFilters, recordingTimes)
	if p != nil {
		p.write(w, nil)
		return
	}
	data := make([]any, 0, len(found.rows))
	for _, k := range found.rows {
		data = append(data, c.resource(k, r.Host))
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": data, "meta": map[string]int{
		"page_number": found.number, "page_size": found.size, "total_pages": found.pages, "total_results": found.amount}})
}

// resource is a recording as the API shows it, with a link that is signed anew.
func (c *Carrier) resource(k *kept, host string) map[string]any {
	return map[string]any{
		"record_type": "recording", "id": k.ID, "call_control_id": k.control, "call_leg_id": k.legID,
		"call_session_id": k.Session, "connection_id": c.cfg.ConnectionID, "channels": k.Channels,
		"from": k.from, "to": k.to, "initiated_by": k.by, "source": "call", "status": "completed",
		"duration_millis":      k.ended.Sub(k.started).Milliseconds(),
		"recording_started_at": wireTime(k.started), "recording_ended_at": wireTime(k.ended),
		"created_at": wireTime(k.saved), "updated_at": wireTime(k.saved),
		"download_urls": map[string]string{k.Format: c.link(k, host, time.Now())},
	}
}

func (c *Carrier) showRecording(w http.ResponseWriter, r *http.Request) {
	k := c.shelf.find(r.PathValue("recording"))
	if k == nil {
		notFound("no such recording").write(w, nil)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": c.resource(k, r.Host)})
}

// deleteRecording returns the record, for the last time; its links are dead.
func (c *Carrier) deleteRecording(w http.ResponseWriter, r *http.Request) {
	k := c.shelf.remove(r.PathValue("recording"))
	if k == nil {
		notFound("no such recording").write(w, nil)
		return
	}
	k.note()
	writeJSON(w, http.StatusOK, map[string]any{"data": c.resource(k, r.Host)})
}
