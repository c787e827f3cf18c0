package call

import (
	"slices"
	"strings"

	"maskswitch/actors/protocol"
	"maskswitch/actors/story"
)

// retell holds the story, as the disk has it, against the call: as text it is read
// back as it was, and it goes again as it went.
func (p *play) retell() {
	if !p.retold {
		return
	}
	lines := slices.Concat(p.story, p.untold)
	slices.SortFunc(lines, func(a, b protocol.Line) int { return a.N - b.N })
	told := make([]story.Told, len(lines))
	for i, l := range lines {
		if i > 0 && l.N <= lines[i-1].N {
			p.t.Fatalf("line %d comes after line %d", l.N, lines[i-1].N)
		}
		told[i] = story.Told{At: l.At, What: l.What}
	}
	head := story.Story{Call: p.call.ID.String(), Outcome: p.call.Outcome.String(), Reason: p.call.Reason}
	text := story.New(head, told).String()
	read, err := story.Parse(text)
	if err != nil || read.String() != text {
		p.t.Fatalf("%v\n%v\nis read as\n%v", err, text, read)
	}
	again, err := replay(read, func(c Call) Call { return c })
	if err != nil {
		p.t.Fatalf("%v\n%s", err, text)
	}
	if played := again.String(); doubtless(played) != doubtless(text) {
		p.t.Fatal(difference(text, played))
	}
}

// doubtless is a story without what a crash makes doubtful: an event on which
// nothing hangs is news once more to a call whose row does not have it.
func doubtless(text string) string { return strings.ReplaceAll(text, "repeat, ", "") }
