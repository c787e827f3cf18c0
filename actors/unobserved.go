package actors

import (
	"time"

	"maskswitch/actors/protocol"
)

// unobserved is a switch that nobody watches.
type unobserved struct{}

func (unobserved) NumbersCounted(protocol.PoolFigures)                                 {}
func (unobserved) BookingOpened()                                                      {}
func (unobserved) BookingRefused()                                                     {}
func (unobserved) BookingRepeated(bool)                                                {}
func (unobserved) BookingEnded(string)                                                 {}
func (unobserved) CallOffered()                                                        {}
func (unobserved) CallActive(string, int)                                              {}
func (unobserved) CallEnded(protocol.Call, bool)                                       {}
func (unobserved) CallConnected(time.Duration, time.Duration)                          {}
func (unobserved) PostDialDelay(time.Duration)                                         {}
func (unobserved) LegHungUp(protocol.Leg, protocol.HangupCause, protocol.HangupSource) {}
func (unobserved) LegStage(protocol.Leg, string, bool, time.Duration)                  {}
func (unobserved) Reacted(protocol.CommandKind, time.Duration)                         {}
func (unobserved) Panicked(string)                                                     {}
func (unobserved) Recovered(time.Duration)                                             {}
