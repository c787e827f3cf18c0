package call

import (
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

// talked is a whole call as a busy switch sees it: every event of the carrier's
// and every answer to a command, from the ring to the recording.
func talked(b *testing.B) []protocol.Event {
	tag := protocol.Tag{Booking: protocol.NewBookingID(epoch), Call: protocol.NewCallID("s", epoch), Leg: protocol.LegA}
	guest, host, proxy := number(b, "+13125550111"), number(b, "+17735550122"), number(b, "+13125550199")
	a := protocol.About{
		EventID: "0ccc7b54-4df3-4bca-a65a-3da1ecc777f0", Session: "428c31b6-7af4-4bcb-b7f5-5013ef9657c1",
		Leg: "v3:Nq3u0o1vZb7yQ2mXrT9kLwHs5eCfJdGa8iPnYtBxVcUzRlMoSjAEkg", Connection: "2811000000000000001",
		Tag: tag, From: guest, To: proxy, At: epoch, Attempt: 1,
	}
	other := a
	other.Leg, other.Tag.Leg, other.From, other.To = "v3:Hs8d2k4fWm6xT1pYbR5jLqNu3eVcGzAa7iOnXtBvKcQzRmMoPjDElw", protocol.LegB, proxy, host
	ring := a
	ring.Tag = protocol.Tag{}
	ended := func(cmd protocol.Command) protocol.Event {
		return protocol.CommandEnded{Command: cmd.Kind(), Step: cmd.Step(), Leg: a.Leg, Reply: protocol.Reply{Attempts: 1, Status: 200}}
	}
	route := protocol.Route{Booking: tag.Booking, Caller: protocol.PartyA, To: host, From: proxy}
	return []protocol.Event{
		Rang{protocol.LegRang{About: ring, Incoming: true}, route}, ended(protocol.Answer{}), protocol.LegAnswered{About: a},
		ended(protocol.Transfer{}), Rang{protocol.LegRang{About: other}, protocol.Route{}}, protocol.LegBridged{About: other},
		protocol.LegBridged{About: a}, protocol.LegAnswered{About: other}, ended(protocol.StartRecording{}),
		protocol.LegHungUp{About: a, Cause: protocol.CauseNormalClearing, Source: protocol.SourceCaller},
		protocol.LegHungUp{About: other, Cause: protocol.CauseNormalClearing, Source: protocol.SourceCaller},
		protocol.LegRecorded{About: a, Recording: "4c8d1f0e-3a57-4c3a-9a3f-0d1f6b1c2e55", Link: "a link"},
	}
}

func BenchmarkTalkedCall(b *testing.B) {
	events := talked(b)
	b.ReportAllocs()
	bytes, lines := 0, 0
	for b.Loop() {
		now := epoch
		call := Begin(events[0].(protocol.LegEvent).Facts(), 0, told)
		bytes, lines = 0, 0
		for _, ev := range events {
			now = now.Add(123456 * time.Microsecond)
			if reply, ok := ev.(protocol.CommandEnded); ok {
				reply.Read, reply.Reply.Sent, reply.At = now.Add(-96100*time.Microsecond), now.Add(-94321*time.Microsecond), now.Add(-77*time.Microsecond)
				ev = reply
			}
			next, fx := call.Hear(ev, now.Add(-234*time.Microsecond), now)
			call = next
			for _, l := range fx.Lines {
				bytes += len(l.What)
				lines++
			}
			if fx.Write && !fx.StoryOnly && call.Row().ID != call.ID {
				b.Fatal("the row of another call")
			}
		}
		if call.Stage != StageClosed {
			b.Fatal("it is not over")
		}
	}
	b.ReportMetric(float64(bytes), "story-bytes/op")
	b.ReportMetric(float64(lines), "lines/op")
}
