package api_test

import (
	"net/http"
	"testing"

	"go.uber.org/zap"

	"maskswitch/http/api"
)

// BenchmarkCreateBooking is the cost of the door alone: keys, decoding, checks
// and the answer, at the log level of production.
func BenchmarkCreateBooking(b *testing.B) {
	k, err := api.ParseKeys("stays:hunter2,rides:hunter3")
	if err != nil {
		b.Fatal(err)
	}
	d := &quick{}
	h := api.New(api.Config{Switch: d, APIKeys: k, Log: zap.New(zap.NewNop().Core())})
	body := good(`,"booking_id":"bk_123","duration_hours":48`)
	b.ReportAllocs()
	for b.Loop() {
		r := request("POST", "/bookings", body)
		r.Header.Set("Authorization", "Bearer hunter2")
		if status, text := ask(h, r); status != http.StatusOK {
			b.Fatal(status, text)
		}
	}
}
