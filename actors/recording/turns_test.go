package recording

import (
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

// A download that has just begun lets the next one wait, until it is done, or is
// seen to wait for the network, or links are about to die.
func TestCrowded(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		story string
		begun time.Duration // ago
		done  bool
		waits time.Duration // the link that goes next, since it came; 0: there is none
		want  time.Duration // from now; 0: at once
	}{
		{"it has just begun", 5 * time.Millisecond, false, time.Second, 15 * time.Millisecond},
		{"it is done", 5 * time.Millisecond, true, time.Second, 0},
		{"it waits for the network", youngFor, false, time.Second, 0},
		{"no link waits", 5 * time.Millisecond, false, 0, 15 * time.Millisecond},
		{"half of a link's life is over", 5 * time.Millisecond, false, hurryAfter, 0},
		{"and all of it: there is no hurry any more", 5 * time.Millisecond, false, linkAge, 15 * time.Millisecond},
	} {
		t.Run(tt.story, func(t *testing.T) {
			d := NewDesk(&Config{})
			d.young = &child{id: "one", since: now.Add(-tt.begun)}
			if !tt.done {
				d.live["one"] = d.young
			}
			if tt.waits > 0 {
				d.fresh, d.links["next"] = []protocol.RecordingID{"next"}, link{"a link", now.Add(-tt.waits)}
			}
			var got time.Duration
			if at := d.crowded(now); !at.IsZero() {
				got = at.Sub(now)
			}
			if got != tt.want {
				t.Errorf("waits %v, want %v", got, tt.want)
			}
		})
	}
}
