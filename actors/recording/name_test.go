package recording

import (
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

func TestName(t *testing.T) {
	began := time.Date(2026, 11, 23, 23, 30, 0, 0, time.FixedZone("", -3600))
	for _, tt := range []struct {
		story string
		row   protocol.Recording
		want  string
	}{
		{"the day is that of UTC", protocol.Recording{ID: "0b9d-41", StartedAt: began, Format: "mp3"}, "2026/11/24/unknown/0b9d-41.mp3"},
		{"what is not told is not guessed", protocol.Recording{ID: "a", NoticedAt: began}, "2026/11/24/unknown/a.audio"},
		{"a foreign format makes no path", protocol.Recording{ID: "a", StartedAt: began, Format: "../x"}, "2026/11/24/unknown/a.audio"},
		{"an id makes no path", protocol.Recording{ID: "../A/b", StartedAt: began, Format: "wav"}, "2026/11/24/unknown/=2e=2e=2f=41=2fb.wav"},
		{"of a booking", protocol.Recording{ID: "leg:a@1", Booking: protocol.BookingID{1}, StartedAt: began}, "2026/11/24/" + protocol.BookingID{1}.String() + "/leg=3aa=401.audio"},
	} {
		t.Run(tt.story, func(t *testing.T) {
			if got := Name(tt.row); got != tt.want {
				t.Errorf("Name() = %s, want %s", got, tt.want)
			}
		})
	}
}

// Two recordings of one day and booking never share a name, whatever their ids.
func FuzzName(f *testing.F) {
	f.Add("a", "A")
	f.Add("a/b", "a=2fb")
	f.Add(strings.Repeat("x", 300), strings.Repeat("x", 301))
	f.Add("..", "=2e=2e")
	f.Fuzz(func(t *testing.T, a, b string) {
		one, two := Name(protocol.Recording{ID: protocol.RecordingID(a)}), Name(protocol.Recording{ID: protocol.RecordingID(b)})
		if a != b && strings.EqualFold(one, two) {
			t.Fatalf("%q and %q are both %s", a, b, one)
		}
		parts := strings.Split(one, "/")
		if len(parts) != 5 || len(parts[4]) > 255 || strings.HasPrefix(parts[4], ".") && a != "" {
			t.Fatalf("%q makes the name %s", a, one)
		}
	})
}
