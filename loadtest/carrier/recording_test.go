package carrier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

// fetch reads a recording's link, with a bearer key if one is given.
func (r *rig) fetch(link, bearer string) (int, []byte) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.ctx, "GET", link, nil)
	if err != nil {
		r.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	return resp.StatusCode, b
}

func savedLink(d received) string {
	urls, _ := d.payload["recording_urls"].(map[string]any)
	link, _ := urls["mp3"].(string)
	return link
}

func TestARecordingIsSavedAndServed(t *testing.T) {
	r := newRig(t, Config{APIKey: "KEY"})
	l := r.recorded()
	rec := l.Recordings[0]
	hangup, _ := l.Event("A", "call.hangup")
	saved, _ := l.Event("A", "call.recording.saved")
	if saved.At.Before(hangup.At) || saved.Recording != rec.ID {
		t.Errorf("saved at %v for %s, hung up at %v", saved.At, saved.Recording, hangup.At)
	}
	link := savedLink(r.deliveries("call.recording.saved")[0])
	if !strings.HasPrefix(link, r.URL()+"/") {
		t.Fatalf("link %s", link)
	}
	status, file := r.fetch(link, "")
	sum := sha256.Sum256(file)
	if status != 200 || int64(len(file)) != rec.Size || hex.EncodeToString(sum[:]) != rec.SHA256 {
		t.Errorf("%d, %d bytes; want %d bytes of %s", status, len(file), rec.Size, rec.SHA256)
	}
	if !bytes.HasPrefix(file, []byte("ID3")) || !bytes.Contains(file, []byte(rec.ID)) {
		t.Errorf("the file is not an mp3 with its id: %.40q", file)
	}
	if status, body := r.fetch(link, "KEY"); status != 400 || !bytes.Contains(body, []byte("Only one auth mechanism")) {
		t.Errorf("with a bearer key: %d %s", status, body)
	}
	if status, _ := r.fetch(strings.Replace(link, "X-Amz-Expires=600", "X-Amz-Expires=9600", 1), ""); status != 403 {
		t.Errorf("with a longer life: %d", status)
	}
	if got := r.Calls()[0].Ledger().Recordings[0].Fetches; got != 1 {
		t.Errorf("%d fetches, want 1", got)
	}
}

func TestLinksExpireAndAreSignedAnew(t *testing.T) {
	r := newRig(t, Config{LinkLife: -10 * time.Second})
	l := r.recorded()
	link := savedLink(r.deliveries("call.recording.saved")[0])
	if status, body := r.fetch(link, ""); status != 403 || !bytes.Contains(body, []byte("expired")) {
		t.Errorf("an expired link: %d %s", status, body)
	}
	r.Carrier.cfg.LinkLife = time.Minute
	status, out := r.request("GET", "/recordings/"+l.Recordings[0].ID, "")
	data, _ := out["data"].(map[string]any)
	urls, _ := data["download_urls"].(map[string]any)
	fresh, _ := urls["mp3"].(string)
	if status != 200 || fresh == "" {
		t.Fatalf("%d %v", status, out)
	}
	if status, _ := r.fetch(fresh, ""); status != 200 {
		t.Errorf("a fresh link: %d", status)
	}
}

func TestEarlyBareAndFailedRecordings(t *testing.T) {
	early := newRig(t, Config{Faults: Faults{RecordingEarly: 1}}).recorded()
	order := trail(early)
	if slices.Index(order, "A call.recording.saved") > slices.Index(order, "A call.hangup normal_clearing") {
		t.Errorf("saved after the hangup:\n%s", early.Ladder())
	}

	r := newRig(t, Config{Faults: Faults{RecordingBare: 1}})
	r.recorded()
	d := r.deliveries("call.recording.saved")[0]
	if _, has := d.payload["call_control_id"]; has {
		t.Error("a bare event has a call_control_id")
	}
	if status, _ := r.fetch(savedLink(d), ""); status != 200 {
		t.Errorf("its link: %d", status)
	}

	failed := newRig(t, Config{Faults: Faults{RecordingFailed: 1}}).recorded()
	if !failed.Recordings[0].Failed || !happened("A", "call.recording.error")(failed) || happened("A", "call.recording.saved")(failed) {
		t.Errorf("failed:\n%s", failed.Ladder())
	}
}

func TestRecordStopAndMaxLength(t *testing.T) {
	r := newRig(t, Config{Speed: 100}, idle)
	k, a := r.parked()
	r.act(a, "answer", nil)
	r.await(k, "A is through", taken("A", "call.answered"))
	r.act(a, "record_start", map[string]any{"format": "wav", "channels": "single", "command_id": "1"})
	r.act(a, "record_stop", nil)
	r.act(a, "record_start", map[string]any{"format": "mp3", "channels": "single", "max_length": 1, "command_id": "2"})
	l := r.await(k, "both are saved", func(l Ledger) bool {
		return len(l.Recordings) == 2 && l.Recordings[0].Size > 0 && l.Recordings[1].Size > 0
	})
	if len(l.Alive()) != 1 {
		t.Error("the call ended with its recording")
	}
	if d := l.Recordings[1].Ended.Sub(l.Recordings[1].Started); d < 10*time.Millisecond {
		t.Errorf("a second lasted %v at a hundredfold speed", d)
	}
	status, out := r.request("GET", "/recordings/"+l.Recordings[0].ID, "")
	if status != 200 {
		t.Fatalf("%d %v", status, out)
	}
	link := out["data"].(map[string]any)["download_urls"].(map[string]any)["wav"].(string)
	if _, file := r.fetch(link, ""); !bytes.HasPrefix(file, []byte("RIFF")) || int64(len(file)) != l.Recordings[0].Size {
		t.Errorf("the file is no wav: %.20q", file)
	}
	k.HangUp(party.Caller)
	r.finish(k)
}

func TestRecordingsAreListedFilteredAndDeleted(t *testing.T) {
	r := newRig(t, Config{})
	var ledgers []Ledger
	for range 3 {
		ledgers = append(ledgers, r.recorded())
	}
	list := func(query string) (int, []string, map[string]any) {
		t.Helper()
		status, out := r.request("GET", "/recordings?"+query, "")
		var ids []string
		for _, v := range asList(out["data"]) {
			ids = append(ids, v.(map[string]any)["id"].(string))
		}
		meta, _ := out["meta"].(map[string]any)
		return status, ids, meta
	}
	want := ledgers[1].Recordings[0].ID
	for _, q := range []string{
		"filter[call_leg_id]=" + ledgers[1].Legs[0].LegID,
		"filter[call_session_id]=" + ledgers[1].Session,
		"filter[call_control_id]=" + url.QueryEscape(ledgers[1].Legs[0].ControlID),
	} {
		if status, ids, _ := list(q); status != 200 || !slices.Equal(ids, []string{want}) {
			t.Errorf("%s: %d %v", q, status, ids)
		}
	}
	if _, ids, meta := list("page[size]=2&page[number]=2"); len(ids) != 1 || meta["total_pages"] != 2. || meta["total_results"] != 3. {
		t.Errorf("second page: %v %v", ids, meta)
	}
	soon := url.QueryEscape(time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	if _, ids, _ := list("filter[created_at][gte]=" + soon); len(ids) != 0 {
		t.Errorf("saved in the future: %v", ids)
	}
	if _, ids, _ := list("filter[created_at][lte]=" + soon); len(ids) != 3 {
		t.Errorf("saved until now: %v", ids)
	}
	if status, _, _ := list("filter[session]=x"); status != 422 {
		t.Errorf("a misspelt filter: %d", status)
	}
	if status, _, _ := list("page[size]=500"); status != 422 {
		t.Errorf("a page of 500: %d", status)
	}

	link := savedLink(r.deliveries("call.recording.saved")[1])
	status, out := r.request("DELETE", "/recordings/"+want, "")
	if status != 200 || out["data"].(map[string]any)["id"] != want {
		t.Errorf("delete: %d %v", status, out)
	}
	if status, _ := r.request("DELETE", "/recordings/"+want, ""); status != 404 {
		t.Errorf("delete again: %d", status)
	}
	if status, _ := r.fetch(link, ""); status != 404 {
		t.Errorf("its link: %d", status)
	}
	if !r.Calls()[1].Ledger().Recordings[0].Deleted {
		t.Error("the ledger does not know")
	}
}

func asList(v any) []any { l, _ := v.([]any); return l }
