package actors

import (
	"time"

	"maskswitch/actors/protocol"
)

// unobserved is a switch that nobody watches.
type unobserved struct{}

func (unobserved) NumbersCounted(string, protocol.PoolFigures)                         {}
func (unobserved) BookingOpened(string)                                                {}
func (unobserved) BookingRefused(string)                                               {}
func (unobserved) BookingRepeated(string, bool)                                        {}
func (unobserved) BookingEnded(string, string)                                         {}
func (unobserved) CallOffered()                                                        {}
func (unobserved) CallActive(string, int)                                              {}
func (unobserved) CallEnded(protocol.Call, bool)                                       {}
func (unobserved) CallConnected(time.Duration, time.Duration)                          {}
func (unobserved) PostDialDelay(time.Duration)                                         {}
func (unobserved) LegHungUp(protocol.Leg, protocol.HangupCause, protocol.HangupSource) {}
func (unobserved) LegStage(protocol.Leg, string, bool, time.Duration)                  {}
func (unobserved) Reacted(protocol.CallID, protocol.CommandKind, time.Duration)        {}
func (unobserved) Panicked(protocol.ActorKind)                                         {}
func (unobserved) ActorLives(protocol.ActorKind, int)                                  {}
func (unobserved) ActorWaited(protocol.ActorKind, time.Duration)                       {}
func (unobserved) ActorHandled(protocol.ActorKind, time.Duration)                      {}
func (unobserved) DeadLetter(protocol.ActorKind)                                       {}
func (unobserved) Recovered(time.Duration)                                             {}
