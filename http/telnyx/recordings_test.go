package telnyx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"maskswitch/actors/protocol"
	"maskswitch/http/telnyx"
)

const (
	recordingID = protocol.RecordingID("10cd86ac-fef8-4765-b203-0f7511f9fc75")
	sessionID   = protocol.SessionID("5b1f0c2e-7d11-11f1-9c40-02420a1f0b69")
	legUUID     = "5b1f0f9a-7d11-11f1-a2d3-02420a1f0b69"
	apiKey      = "KEY0123456789ABCDEF_testonly"
	signed      = "https://s3.amazonaws.com/telephony-recorder-prod/a.mp3?X-Amz-Signature=5ec2e7"
)

// resource is a recording as the carrier's API words it.
func resource(id string, changes ...string) string {
	s := fmt.Sprintf(`{"record_type":"recording","id":%q,"call_control_id":"v3:x","call_leg_id":%q,"call_session_id":%q,"connection_id":"2811",
"channels":"dual","source":"call","status":"completed","initiated_by":"StartCallRecordingAPI","duration_millis":66102,"from":"+13125550111","to":"+13125550199",
"recording_started_at":"2026-08-24T15:04:13.802117Z","recording_ended_at":"2026-08-24T15:05:19.904551Z",
"download_urls":{"mp3":%q,"wav":%q},"created_at":"2026-08-24T15:05:20Z","updated_at":"2026-08-24T15:05:20Z"}`,
		id, legUUID, sessionID, signed, strings.Replace(signed, ".mp3", ".wav", 1))
	return strings.NewReplacer(changes...).Replace(s)
}

var told = protocol.CarrierRecording{
	ID: recordingID, Session: sessionID, Leg: "v3:x", LegUUID: legUUID, Channels: "dual",
	StartedAt: time.Date(2026, 8, 24, 15, 4, 13, 802117000, time.UTC), EndedAt: time.Date(2026, 8, 24, 15, 5, 19, 904551000, time.UTC),
	Links: map[string]protocol.Secret{"mp3": signed, "wav": protocol.Secret(strings.Replace(signed, ".mp3", ".wav", 1))},
}

func list(total int, rows ...string) string {
	return fmt.Sprintf(`{"data":[%s],"meta":{"page_number":1,"page_size":250,"total_pages":%d,"total_results":%d}}`, strings.Join(rows, ","), total, len(rows))
}

type way func(*http.Request) (*http.Response, error)

func (f way) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func says(status int, body string, header ...string) way {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func fault(code, detail string) string {
	return fmt.Sprintf(`{"errors":[{"code":%q,"title":"x","detail":%q}]}`, code, detail)
}

func recordings(t *testing.T, next http.RoundTripper) *telnyx.Recordings {
	t.Helper()
	c, err := telnyx.New(telnyx.Config{APIKey: apiKey, Transport: next})
	if err != nil {
		t.Fatal(err)
	}
	return telnyx.NewRecordings(c, telnyx.RecordingsConfig{})
}

// described holds requests and answers against the carrier's own description.
func described(t *testing.T, next way) *telnyx.Recordings {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return recordings(t, checked{t, router, next})
}

func TestRecording(t *testing.T) {
	r := described(t, func(r *http.Request) (*http.Response, error) {
		if got := r.Method + " " + r.URL.String(); got != "GET https://api.telnyx.com/v2/recordings/"+string(recordingID) || r.Header.Get("Authorization") != "Bearer "+apiKey {
			t.Errorf("%s with %q", got, r.Header.Get("Authorization"))
		}
		return says(200, `{"data":`+resource(string(recordingID))+`}`)(r)
	})
	got, err := r.Recording(t.Context(), recordingID)
	if err != nil || !reflect.DeepEqual(got, told) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, told)
	}
	if s := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(s, "5ec2e7") {
		t.Errorf("printed, it shows a link: %s", s)
	}
}

// TestRecordingsAreRead as far as they can be used.
func TestRecordingsAreRead(t *testing.T) {
	bare := protocol.CarrierRecording{ID: recordingID}
	for _, test := range []struct {
		story, body string
		want        protocol.CarrierRecording
		refused     bool
	}{
		{"nothing but its id", `{"data":{"id":"` + string(recordingID) + `"}}`, bare, false},
		{"nulls", `{"data":{"id":"` + string(recordingID) + `","call_session_id":null,"download_urls":null,"recording_started_at":null,"channels":null}}`, bare, false},
		{"words that are none", `{"data":{"id":"` + string(recordingID) + `","channels":"mono","recording_started_at":"yesterday","call_control_id":"a b"}}`, bare, false},
		{"links that are none", `{"data":{"id":"` + string(recordingID) + `","download_urls":{"mp3":"","wav":"https://a b"}}}`, bare, false},
		{"a link too long", `{"data":{"id":"` + string(recordingID) + `","download_urls":{"mp3":"https://s3.amazonaws.com/` + strings.Repeat("a", 4096) + `"}}}`, bare, false},
		{"no id", `{"data":{"channels":"dual"}}`, bare, true},
		{"an id that is a path", `{"data":{"id":"../calls"}}`, bare, true},
		{"no data", `{}`, bare, true},
		{"no JSON", `<html>`, bare, true},
		{"of another type", `{"data":{"id":5}}`, bare, true},
		{"links of another type", `{"data":{"id":"a","download_urls":"` + signed + `"}}`, bare, true},
	} {
		got, err := recordings(t, says(200, test.body)).Recording(t.Context(), recordingID)
		if test.refused {
			if failed := trouble(t, err); failed.Trouble != protocol.TroubleLater {
				t.Errorf("%s: %v", test.story, failed)
			}
		} else if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v", test.story, got, err)
		}
	}
}

func trouble(t *testing.T, err error) *protocol.RecordingError {
	t.Helper()
	var failed *protocol.RecordingError
	if !errors.As(err, &failed) || failed.Detail == "" {
		t.Fatalf("error %v is no RecordingError that says what happened", err)
	}
	for _, secret := range []string{apiKey, "X-Amz", "5ec2e7", "3125550111"} {
		if strings.Contains(failed.Detail, secret) {
			t.Errorf("%q is in %q", secret, failed.Detail)
		}
	}
	return failed
}

func TestRecordingTroubles(t *testing.T) {
	for _, test := range []struct {
		story string
		next  way
		want  protocol.RecordingTrouble
		after time.Duration
		asked int
	}{
		{"there is none", says(404, fault("10005", "Resource not found")), protocol.TroubleGone, 0, 1},
		{"there is none any more", says(410, fault("10005", "x")), protocol.TroubleGone, 0, 1},
		{"somebody on the way knows nothing", says(404, "404 page not found"), protocol.TroubleRefused, 0, 1},
		{"a key that is wrong", says(401, fault("10009", "Invalid key "+apiKey)), protocol.TroubleRefused, 0, 1},
		{"no money", says(402, fault("20100", "x")), protocol.TroubleRefused, 0, 1},
		{"not allowed", says(403, fault("10010", "x")), protocol.TroubleRefused, 0, 1},
		{"an id that it does not like", says(422, fault("10015", "x")), protocol.TroubleRefused, 0, 1},
		{"words with a number and a link", says(403, fault("10010", "+13125550111 at "+signed)), protocol.TroubleRefused, 0, 1},
		{"a redirect", says(307, ""), protocol.TroubleRefused, 0, 1},
		{"too many requests", says(429, fault("10011", "x"), "Retry-After", "7"), protocol.TroubleLater, 7 * time.Second, 4},
		{"busy", says(503, ""), protocol.TroubleLater, 0, 4},
		{"no connection", func(*http.Request) (*http.Response, error) { return nil, errors.New("refused " + signed) }, protocol.TroubleLater, 0, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			r := recordings(t, way(func(r *http.Request) (*http.Response, error) { asked++; return test.next(r) }))
			check := func(what string, err error) {
				if failed := trouble(t, err); failed.Trouble != test.want || failed.After != test.after || asked != test.asked {
					t.Errorf("%s, %s: %s after %s, asked %d times: %v", test.story, what, failed.Trouble, failed.After, asked, failed)
				}
				asked = 0
			}
			_, err := r.Recording(t.Context(), recordingID)
			check("recording", err)
			_, err = r.FindRecordings(t.Context(), protocol.RecordingSearch{Session: sessionID})
			check("search", err)
			_, err = r.Transcription(t.Context(), recordingID)
			check("transcription", err)
			if err = r.DeleteRecording(t.Context(), recordingID); test.want != protocol.TroubleGone {
				check("delete", err)
			} else if err != nil {
				t.Errorf("%s, delete: %v", test.story, err)
			}
		})
	}
}

func TestDeleteRecording(t *testing.T) {
	r := described(t, func(r *http.Request) (*http.Response, error) {
		if r.Method != "DELETE" || r.URL.Path != "/v2/recordings/"+string(recordingID) {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		return says(200, `{"data":`+resource(string(recordingID))+`}`)(r)
	})
	if err := r.DeleteRecording(t.Context(), recordingID); err != nil {
		t.Error(err)
	}
	if err := recordings(t, says(204, "")).DeleteRecording(t.Context(), recordingID); err != nil {
		t.Error("without words:", err)
	}
}

func TestFindRecordings(t *testing.T) {
	other := `"call_session_id":"5b1f0c2e-7d11-11f1-9c40-02420a1f0b70"`
	pages := map[string]string{
		"1": list(2, resource("a-1"), resource("b-2", `"call_session_id":"`+string(sessionID)+`"`, other)),
		"2": list(2, resource("a-1"), resource("c-3", legUUID, "5b1f0f9a-7d11-11f1-a2d3-02420a1f0b70")),
	}
	for _, test := range []struct {
		q     protocol.RecordingSearch
		query string
		want  string
	}{
		{protocol.RecordingSearch{Session: sessionID}, "filter[call_session_id]=" + string(sessionID), "a-1 c-3"},
		{protocol.RecordingSearch{LegUUID: legUUID}, "filter[call_leg_id]=" + legUUID, "a-1 b-2"},
	} {
		asked := 0
		r := described(t, func(r *http.Request) (*http.Response, error) {
			asked++
			query := r.URL.Query()
			name, value, _ := strings.Cut(test.query, "=")
			if len(query) != 3 || query.Get(name) != value || query.Get("page[size]") != "250" {
				t.Errorf("query %v", query)
			}
			return says(200, pages[query.Get("page[number]")])(r)
		})
		got, err := r.FindRecordings(t.Context(), test.q)
		var ids []string
		for _, one := range got {
			ids = append(ids, string(one.ID))
		}
		if err != nil || strings.Join(ids, " ") != test.want || asked != 2 {
			t.Errorf("%s: %v, %v, asked %d times", test.query, ids, err, asked)
		}
	}
	if got, err := described(t, says(200, list(0))).FindRecordings(t.Context(), protocol.RecordingSearch{Session: sessionID}); err != nil || len(got) != 0 {
		t.Errorf("none: %v, %v", got, err)
	}
	_, err := described(t, says(200, list(700, resource("a-1")))).FindRecordings(t.Context(), protocol.RecordingSearch{Session: sessionID})
	if failed := trouble(t, err); failed.Trouble != protocol.TroubleRefused {
		t.Errorf("the whole account: %v", failed)
	}
}

// TestWhatCannotBeAsked is not asked.
func TestWhatCannotBeAsked(t *testing.T) {
	r := recordings(t, way(func(r *http.Request) (*http.Response, error) {
		t.Errorf("asked %s", r.URL)
		return says(404, fault("10005", "x"))(r)
	}))
	for _, id := range []protocol.RecordingID{"", "..", "a/b", "a?b", "call:x", "a b", "\u212A", protocol.RecordingID(strings.Repeat("a", 129))} {
		_, err := r.Recording(t.Context(), id)
		_, transcription := r.Transcription(t.Context(), id)
		for _, err := range []error{err, transcription, r.DeleteRecording(t.Context(), id)} {
			if failed := trouble(t, err); failed.Trouble != protocol.TroubleRefused {
				t.Errorf("%q: %v", id, failed)
			}
		}
	}
	if _, err := r.FindRecordings(t.Context(), protocol.RecordingSearch{}); trouble(t, err).Trouble != protocol.TroubleRefused {
		t.Error(err)
	}
}

func TestTranscription(t *testing.T) {
	row := func(id, of, status, text string) string {
		return fmt.Sprintf(`{"record_type":"recording_transcription","id":%q,"recording_id":%q,"status":%q,"transcription_text":%q,"duration_millis":1000,"created_at":"2026-08-24T15:05:20Z","updated_at":"2026-08-24T15:05:20Z"}`, id, of, status, text)
	}
	cursors := func(rows ...string) string {
		return `{"data":[` + strings.Join(rows, ",") + `],"meta":{"cursors":{"after":"v1:x","before":"v1:y"},"next":"/v2/recording_transcriptions?page[after]=v1:x","previous":"x"}}`
	}
	id := string(recordingID)
	long := strings.Repeat("é", protocol.MaxTranscript/2-1) + "x☎"
	for _, test := range []struct {
		story, body string
		want        protocol.CarrierTranscription
	}{
		{"one", cursors(row("t-1", id, "completed", "Hello.")), protocol.CarrierTranscription{ID: "t-1", Recording: recordingID, Text: "Hello.", Done: true}},
		{"not yet", cursors(row("t-1", id, "in-progress", "")), protocol.CarrierTranscription{ID: "t-1", Recording: recordingID}},
		{"none", cursors(), protocol.CarrierTranscription{Recording: recordingID}},
		{"somebody else's", cursors(row("t-1", "other", "completed", "Secret.")), protocol.CarrierTranscription{Recording: recordingID}},
		{"the finished one", cursors(row("t-1", id, "in-progress", "He"), row("t-2", id, "completed", "Hello."), row("t-3", id, "completed", "Hullo.")),
			protocol.CarrierTranscription{ID: "t-2", Recording: recordingID, Text: "Hello.", Done: true}},
		{"too long", cursors(row("t-1", id, "completed", long)), protocol.CarrierTranscription{ID: "t-1", Recording: recordingID, Text: long[:protocol.MaxTranscript-1], Done: true}},
	} {
		r := described(t, func(r *http.Request) (*http.Response, error) {
			if got := r.URL.Query().Get("filter[recording_id]"); got != id {
				t.Errorf("%s: asked for %q", test.story, got)
			}
			return says(200, test.body)(r)
		})
		got, err := r.Transcription(t.Context(), recordingID)
		if err != nil || got != test.want {
			t.Errorf("%s: %.200v, %v", test.story, got, err)
		}
	}
	got, err := recordings(t, says(200, `{"data":[{"id":"t","recording_id":"`+id+`","status":"completed","transcription_text":"a\u0000b"}]}`)).Transcription(t.Context(), recordingID)
	if err != nil || got.Text != "a b" {
		t.Errorf("%q, %v", got.Text, err)
	}
	if _, err := recordings(t, says(200, `{"data":[{"id":"t","status":"completed"}]}`)).Transcription(t.Context(), recordingID); trouble(t, err).Trouble != protocol.TroubleLater {
		t.Error(err)
	}
}

// TestFewRecordingQuestionsAtOnce: a crowd of them waits for the eight that are
// with the carrier, and leaves the numbers their own way.
func TestFewRecordingQuestionsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{}, 100)
		c, err := telnyx.New(telnyx.Config{APIKey: apiKey, Transport: way(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/phone_numbers") {
				return says(200, list(0))(r)
			}
			open <- struct{}{}
			time.Sleep(time.Second)
			<-open
			return says(200, `{"data":`+resource(string(recordingID))+`}`)(r)
		})})
		if err != nil {
			t.Fatal(err)
		}
		r := telnyx.NewRecordings(c, telnyx.RecordingsConfig{})
		done := make(chan error)
		for range 40 {
			go func() {
				_, err := r.Recording(context.Background(), recordingID)
				done <- err
			}()
		}
		synctest.Wait()
		if len(open) != 8 {
			t.Errorf("%d at once", len(open))
		}
		began := time.Now()
		if _, err := c.OwnedNumbers(t.Context(), protocol.OwnedQuery{}); err != nil || time.Since(began) != 0 {
			t.Errorf("numbers after %s, %v", time.Since(began), err)
		}
		for range 40 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
