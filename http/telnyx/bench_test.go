package telnyx

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"maskswitch/actors/protocol"
)

// BenchmarkCommand sends transfers over loopback: through Do, and by a bare
// http.Client that posts the same bytes and reads nothing of the answer. What
// lies between them is what this package costs.
func BenchmarkCommand(b *testing.B) {
	s, _ := server(b, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, taken)
	})
	b.Run("do", func(b *testing.B) {
		c := dial(b, s.URL)
		cmd := transfer(b)
		b.ReportAllocs()
		for b.Loop() {
			if c.Do(context.Background(), cmd).Result != protocol.CommandOK {
				b.Fatal("not taken")
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		r, err := dial(b, s.URL).request(transfer(b))
		if err != nil {
			b.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		defer client.CloseIdleConnections()
		b.ReportAllocs()
		for b.Loop() {
			req, err := http.NewRequest("POST", r.url.String(), bytes.NewReader(r.body))
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+testKey)
			req.Header.Set("Content-Type", "application/json")
			res, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	})
}

// BenchmarkRequest is the part before the wire: body, command id, URL.
func BenchmarkRequest(b *testing.B) {
	c := newClient(b, nil)
	cmd := transfer(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.request(cmd); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDo leaves the network out.
func BenchmarkDo(b *testing.B) {
	body := []byte(taken)
	c := newClient(b, carrier(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(body))}, nil
	}))
	cmd := transfer(b)
	b.ReportAllocs()
	for b.Loop() {
		c.Do(context.Background(), cmd)
	}
}
