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

// Carrier takes every command, unless Answer says otherwise.
type Carrier struct {
	mu   sync.Mutex
	sent []Sent
	// Answer, if set, makes the reply; it may wait, and must mind ctx.
	Answer func(ctx context.Context, cmd protocol.Command) protocol.Reply
}

// Do implements call.Carrier.
func (c *Carrier) Do(ctx context.Context, cmd protocol.Command) protocol.Reply {
	c.mu.Lock()
	c.sent = append(c.sent, Sent{cmd, protocol.CommandID(cmd.Target(), cmd.Step()), time.Now()})
	answer := c.Answer
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
