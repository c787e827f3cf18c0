package loadtest

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

const metricsText = `# HELP process_cpu_seconds_total CPU.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total %g
# HELP maskswitch_calls_active Calls.
# TYPE maskswitch_calls_active gauge
maskswitch_calls_active{state="setup"} 3
maskswitch_calls_active{state="talking"} 4
# TYPE maskswitch_calls_active_limit gauge
maskswitch_calls_active_limit 1000
# TYPE unwanted_thing gauge
unwanted_thing{ this is not even a line
# TYPE maskswitch_webhook_ack_duration_seconds histogram
maskswitch_webhook_ack_duration_seconds_bucket{result="ok",le="0.005"} %d
maskswitch_webhook_ack_duration_seconds_bucket{result="ok",le="0.01"} %d
maskswitch_webhook_ack_duration_seconds_bucket{result="ok",le="+Inf"} %d
maskswitch_webhook_ack_duration_seconds_sum{result="ok"} 1
maskswitch_webhook_ack_duration_seconds_count{result="ok"} %d
`

func TestTheSwitchsOwnMetricsAreRead(t *testing.T) {
	var look atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := int(look.Add(1))
		if n == 4 {
			n = 0 // restarted: counters begin anew
		}
		// Each look adds 100 observations: 50 up to 5 ms, 50 between 5 and 10 ms.
		fmt.Fprintf(w, metricsText, float64(n)*1e6, 50*n, 100*n, 100*n, 100*n)
	}))
	defer server.Close()
	s := newScraper(server.URL)
	value := func(name string) float64 {
		values, err := s.look(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range gauges {
			if g.family == name {
				return values[i]
			}
		}
		t.Fatalf("%s is not looked for", name)
		return 0
	}
	if v := value("process_cpu_seconds_total"); !math.IsNaN(v) {
		t.Errorf("a rate after one look: %v", v)
	}
	if v := value("process_cpu_seconds_total"); !(v > 0) {
		t.Errorf("the rate of a counter that grew: %v", v)
	}
	// The 99th of 100: 49 of the 50 in the second bucket lie below it.
	if v := value("maskswitch_webhook_ack_duration_seconds"); math.Abs(v-(.005+.005*49/50)) > 1e-9 {
		t.Errorf("p99 is %v", v)
	}
	if v := value("process_cpu_seconds_total"); !math.IsNaN(v) {
		t.Errorf("the rate of a counter that went back: %v", v)
	}
	if v := value("maskswitch_calls_active"); v != 7 {
		t.Errorf("a gauge over its labels: %v", v)
	}
}
