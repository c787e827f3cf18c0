package call

import (
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

// A beat is one step of a scene: what happens, after how long, and the commands
// that it brings about, such as "speak:ended", with the leg if it is B's.
type beat struct {
	after time.Duration
	when  protocol.Event // nil: the call looks at the clock
	want  string
}

// A scene is a call told from its first event, in Go where text would not do.
type scene struct {
	name    string
	beats   []beat
	outcome protocol.Outcome
	stage   Stage
	reason  string // a part of it
}

var told = Settings{
	RingTimeout: 30 * time.Second, Limit: time.Hour, Recording: protocol.RecordDualMP3,
	Unreachable: "Nobody is there.", Ended: "Your booking has ended.", Checkout: "Your booking ends now.",
}

// tell plays a scene twice: as it is, and with the call built again from its row
// before each beat.
func (s scene) tell(t *testing.T, set Settings) {
	t.Helper()
	for _, crash := range []string{"", ", from its row each time"} {
		t.Run(s.name+crash, func(t *testing.T) {
			now := epoch
			call := Begin(s.beats[0].when.(protocol.LegEvent).Facts(), 0, set)
			over := 0
			for i, b := range s.beats {
				now = now.Add(b.after)
				if crash != "" && i > 0 && call.Stage != StageClosed {
					call = restored(t, call)
				}
				ev := b.when
				switch ev.(type) {
				case nil:
					ev = protocol.DeadlinePassed{At: now}
				case protocol.Recovered:
					call = restored(t, call)
				}
				next, fx := call.Step(ev, now)
				call = next
				if fx.Over {
					over++
				}
				var got []string
				for _, cmd := range fx.Commands {
					name := cmd.Step()
					if cmd.Target() == "B" {
						name += " b"
					}
					got = append(got, name)
				}
				if strings.Join(got, ", ") != b.want {
					t.Fatalf("beat %d, %T: %q, want %q", i+1, ev, strings.Join(got, ", "), b.want)
				}
			}
			if call.Stage != s.stage || call.Outcome != s.outcome || !strings.Contains(call.Reason, s.reason) {
				t.Errorf("ends in stage %v as %v, reason %q; want %v, %v, %q", call.Stage, call.Outcome, call.Reason, s.stage, s.outcome, s.reason)
			}
			if want := call.Report && call.Stage >= StageOver; over != map[bool]int{true: 1}[want] {
				t.Errorf("the booking was told %d times", over)
			}
		})
	}
}

// The carrier's events, by its clock as it was at the first: no scene here hangs
// on them.

func facts(side protocol.Leg) protocol.About {
	about := protocol.About{Session: "s", Leg: "A", Tag: protocol.Tag{Call: protocol.NewCallID("s", epoch), Leg: side}, At: epoch, Attempt: 1}
	if side == protocol.LegB {
		about.Leg = "B"
	}
	return about
}

func ring(r protocol.Route) protocol.Event {
	about := facts(protocol.LegA)
	about.Tag = protocol.Tag{}
	return Rang{protocol.LegRang{About: about, Incoming: true}, r}
}

func answered(side protocol.Leg) protocol.Event {
	return protocol.LegAnswered{About: facts(side)}
}

func spoken(side protocol.Leg) protocol.Event {
	return protocol.SpeechEnded{About: facts(side)}
}

func hungUp(side protocol.Leg, cause protocol.HangupCause) protocol.Event {
	return protocol.LegHungUp{About: facts(side), Cause: cause}
}

func reply(cmd protocol.Command, r protocol.CommandResult) protocol.Event {
	return protocol.CommandEnded{Command: cmd.Kind(), Step: cmd.Step(), Leg: "A", Reply: protocol.Reply{Result: r, Detail: "why", Attempts: 1, Alive: true}}
}
