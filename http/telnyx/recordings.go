package telnyx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"maskswitch/actors/protocol"
)

const (
	// DefaultMaxRecording is four hours of the longest kind there is, dual WAV,
	// four times over. In bytes.
	DefaultMaxRecording = 2 << 30
	// mostRecordingQuestions is how many requests about recordings are with the
	// carrier at once, beside those about numbers.
	mostRecordingQuestions = 8
	// mostRecordingPages bounds the recordings of one session: 500. More means
	// that the carrier has not understood what was asked.
	mostRecordingPages = 2
)

// RecordingsConfig says which links to recordings are followed.
type RecordingsConfig struct {
	Hosts    RecordingHosts // besides the carrier's own
	MaxBytes int64          // the longest recording taken; default DefaultMaxRecording
}

// Recordings asks for recordings, and fetches them. Its methods block until the
// carrier has answered or ctx is done; questions are repeated a few times. All
// errors are *protocol.RecordingError. It is safe for concurrent use.
type Recordings struct {
	client          *Client
	hosts           RecordingHosts
	maxBytes        int64
	questions       chan struct{}     // in flight
	public, private http.RoundTripper // to hosts of the internet; to origins that the operator has named
}

// NewRecordings makes the way to an account's recordings.
func NewRecordings(c *Client, config RecordingsConfig) *Recordings {
	if config.MaxBytes <= 0 {
		config.MaxBytes = DefaultMaxRecording
	}
	return &Recordings{
		client:    c,
		hosts:     config.Hosts,
		maxBytes:  config.MaxBytes,
		questions: make(chan struct{}, mostRecordingQuestions),
		public:    newDownloader(false, nil),
		private:   newDownloader(true, nil),
	}
}

// Recording asks for one, with links that are signed anew: TroubleGone if the
// carrier says that it has none.
func (r *Recordings) Recording(ctx context.Context, id protocol.RecordingID) (protocol.CarrierRecording, error) {
	return askRecording(ctx, r, http.MethodGet, id, readRecording)
}

// DeleteRecording deletes the carrier's copy; nil if there is none.
func (r *Recordings) DeleteRecording(ctx context.Context, id protocol.RecordingID) error {
	_, err := askRecording(ctx, r, http.MethodDelete, id, func([]byte) (struct{}, error) { return struct{}{}, nil })
	if failed := (*protocol.RecordingError)(nil); errors.As(err, &failed) && failed.Trouble == protocol.TroubleGone {
		return nil
	}
	return err
}

// FindRecordings lists all that a session or a leg has; none is no error.
func (r *Recordings) FindRecordings(ctx context.Context, q protocol.RecordingSearch) ([]protocol.CarrierRecording, error) {
	query := url.Values{}
	if q.Session != "" {
		query.Set("filter[call_session_id]", string(q.Session))
	}
	if q.LegUUID != "" {
		query.Set("filter[call_leg_id]", q.LegUUID)
	}
	if len(query) == 0 { // without a filter the whole account would answer
		return nil, trouble(protocol.TroubleRefused, "neither a session nor a leg is known whose recordings could be looked for")
	}
	all, err := pages(ctx, r.client, numbersRequest{path: "/recordings", query: query, lane: r.questions}, mostRecordingPages, readRecordings)
	if err != nil {
		return nil, r.trouble(err)
	}
	seen := make(map[protocol.RecordingID]bool)
	found := all[:0]
	for _, one := range all {
		// A filter that is not understood may be ignored, and other people's talk
		// must not be filed under this call.
		if seen[one.ID] || q.Session != "" && one.Session != q.Session || q.LegUUID != "" && one.LegUUID != q.LegUUID {
			continue
		}
		seen[one.ID] = true
		found = append(found, one)
	}
	return found, nil
}

// Transcription asks for the transcription of a recording, the finished one if
// there are several. It is not Done, and has no ID, if the carrier has none yet.
func (r *Recordings) Transcription(ctx context.Context, id protocol.RecordingID) (protocol.CarrierTranscription, error) {
	if !isRecordingID(string(id)) {
		return protocol.CarrierTranscription{}, errRecordingID()
	}
	query := url.Values{"filter[recording_id]": {string(id)}, "page[size]": {strconv.Itoa(ownedPage)}}
	all, err := ask(ctx, r.client, numbersRequest{
		method: http.MethodGet, path: "/recording_transcriptions", query: query, lane: r.questions,
	}, readTranscriptions)
	if err != nil {
		return protocol.CarrierTranscription{}, r.trouble(err)
	}
	best := protocol.CarrierTranscription{Recording: id}
	for _, one := range all {
		if one.Recording == id && (best.ID == "" || one.Done && !best.Done) {
			best = one
		}
	}
	return best, nil
}

// askRecording asks about one recording by its id.
func askRecording[T any](ctx context.Context, r *Recordings, method string, id protocol.RecordingID, read func([]byte) (T, error)) (T, error) {
	var none T
	if !isRecordingID(string(id)) {
		return none, errRecordingID()
	}
	got, err := ask(ctx, r.client, numbersRequest{method: method, path: "/recordings/" + string(id), lane: r.questions}, read)
	if err != nil {
		return none, r.trouble(err)
	}
	return got, nil
}

func errRecordingID() error {
	return trouble(protocol.TroubleRefused, "the recording has no id that could be asked for")
}

// linkInWords finds links in what people are told.
var linkInWords = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`)

// trouble says what the failure of a question means for a recording.
func (r *Recordings) trouble(err error) error {
	var failed *protocol.NumbersError
	if !errors.As(err, &failed) {
		return trouble(protocol.TroubleLater, "%s", r.client.redact(err.Error()))
	}
	out := &protocol.RecordingError{
		Trouble: protocol.TroubleRefused, Status: failed.Status, After: failed.After,
		Detail: linkInWords.ReplaceAllString(failed.Detail, "(link)"),
	}
	if failed.Code != "" {
		out.Detail = fmt.Sprintf("%s (%s)", out.Detail, failed.Code)
	}
	switch {
	case failed.Remedy == protocol.RemedyLater:
		out.Trouble = protocol.TroubleLater
	case notFound(failed.Status) && failed.Code != "":
		out.Trouble = protocol.TroubleGone
	case notFound(failed.Status):
		// Without an error of the carrier's this is the word of something on the
		// way, or of a wrong base URL: no recording is given up for that.
		out.Detail = "not found, and not in the carrier's words: is the base URL right?"
	}
	return out
}

// Close lets go of idle connections; downloads go on.
func (r *Recordings) Close() {
	for _, way := range []http.RoundTripper{r.public, r.private} {
		if t, ok := way.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}
