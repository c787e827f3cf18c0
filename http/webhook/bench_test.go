package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

// discard is a response writer that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkReceive is the whole handler without a network.
func BenchmarkReceive(b *testing.B) {
	now := time.Now()
	rc := NewReceiver(Config{Switch: accepting{}, Verifier: verifier(b, func() time.Time { return now })})
	body := document(b, "call.initiated")
	r := httptest.NewRequest(http.MethodPost, "/webhooks/voice", nil)
	r.Header = sign(body, now)
	r.ContentLength = int64(len(body))
	reader := bytes.NewReader(body)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		r.Body = io.NopCloser(reader)
		clear(w.header)
		rc.ServeHTTP(w, r)
	}
}

func BenchmarkVerify(b *testing.B) {
	now := time.Now()
	v := verifier(b, func() time.Time { return now })
	body := document(b, "call.initiated")
	header := sign(body, now)
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(header, body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode also decodes the same members with encoding/json: the module
// stays as long as it is clearly cheaper.
func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"call.initiated", "call.hangup", "call.recording.saved"} {
		body := document(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(body, readAt); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/encoding-json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var in plain
				if err := json.Unmarshal(body, &in); err != nil {
					b.Fatal(err)
				}
				full := envelope{}
				full.Data = &in.Data
				about, err := full.about(readAt)
				if err != nil {
					b.Fatal(err)
				}
				var event protocol.LegEvent
				event, _ = in.Data.Payload.event(in.Data.EventType, about)
				_ = event
			}
		})
	}
}

// plain is the envelope as encoding/json reads it, without our leniency: text
// is a string to it.
type plain struct {
	Data struct {
		EventType  string  `json:"event_type"`
		ID         text    `json:"id"`
		OccurredAt text    `json:"occurred_at"`
		Payload    payload `json:"payload"`
	} `json:"data"`
	Meta struct {
		Attempt int `json:"attempt"`
	} `json:"meta"`
}

type accepting struct{}

func (accepting) Deliver(context.Context, protocol.LegEvent, time.Time) (protocol.Receipt, error) {
	return protocol.ReceiptAccepted, nil
}
