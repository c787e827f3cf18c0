package actorstest

import (
	"context"
	"sync"
	"time"

	"maskswitch/actors/protocol"
)

// Sent is a command as the carrier got it.
type Sent struct {
	Command protocol.Command
	ID      string
	At      time.Time
}

// Carrier takes every command, unless Answers says otherwise.
type Carrier struct {
	mu     sync.Mutex
	sent   []Sent
	answer func(ctx context.Context, cmd protocol.Command) protocol.Reply
}

// Answers has replies made by a function from now on. It may wait, and must mind
// ctx; nil takes every command again.
func (c *Carrier) Answers(answer func(ctx context.Context, cmd protocol.Command) protocol.Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// Do implements call.Carrier.
func (c *Carrier) Do(ctx context.Context, cmd protocol.Command) protocol.Reply {
	c.mu.Lock()
	c.sent = append(c.sent, Sent{cmd, protocol.CommandID(cmd.Target(), cmd.Step()), time.Now()})
	answer := c.answer
	c.mu.Unlock()
	if answer != nil {
		return answer(ctx, cmd)
	}
	return protocol.Reply{Result: protocol.CommandOK, Status: 200, Attempts: 1, Alive: true}
}

// Sent lists what was sent so far.
func (c *Carrier) Sent() []Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Sent(nil), c.sent...)
}

// Kinds lists what was sent so far, by name.
func (c *Carrier) Kinds() []string {
	var kinds []string
	for _, s := range c.Sent() {
		kinds = append(kinds, s.Command.Kind().String())
	}
	return kinds
}

// Effective counts the ids among the sent commands of a kind: what the carrier
// would really do.
func (c *Carrier) Effective(kind protocol.CommandKind) int {
	ids := make(map[string]bool)
	for _, s := range c.Sent() {
		if s.Command.Kind() == kind {
			ids[s.ID] = true
		}
	}
	return len(ids)
}
