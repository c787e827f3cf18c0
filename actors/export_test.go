package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/protocol"
)

// ToPool and ToCall send what no request would: tests of failing actors use them.
func (s *Switch) ToPool(m any) { s.system.Root.Send(s.door.Load().Pool, m) }

// ToCall sends to the shard of a session's call.
func (s *Switch) ToCall(session protocol.SessionID, m any) { s.to(s.door.Load().Call(session), m) }

func (s *Switch) to(pid *actor.PID, m any) { s.system.Root.Send(pid, m) }

// Unobserved is a switch's observer that sees nothing.
func Unobserved() Observer { return unobserved{} }
