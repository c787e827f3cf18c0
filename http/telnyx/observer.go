package telnyx

import (
	"time"

	"maskswitch/actors/protocol"
)

// Observer watches commands. Its methods are called from the goroutines that
// send, so they must be safe for concurrent use and must not block.
type Observer interface {
	// CommandSent reports each attempt. One that was told to come back later
	// (429, 5xx, the leg not ready) has the result that would stand if it were
	// the last.
	CommandSent(kind protocol.CommandKind, result protocol.CommandResult, took time.Duration)
	// CommandRetried comes before the second and each further attempt; reason
	// is one of RetryReasons.
	CommandRetried(kind protocol.CommandKind, reason string)
	// CommandWaited says how long an attempt stood in our own queue, mostly 0.
	CommandWaited(kind protocol.CommandKind, waited time.Duration)
	// InFlight moves the number of requests that are with the carrier.
	InFlight(delta int)
	// CommandDone reports each command once; total runs from the call of Do.
	CommandDone(kind protocol.CommandKind, reply protocol.Reply, total time.Duration)
}

// Why a command is sent again.
const (
	RetryThrottled   = "throttled"   // 429
	RetryUnavailable = "unavailable" // 5xx, or the carrier's word for it
	RetryNetwork     = "network"     // no connection, or it broke
	RetryTimeout     = "timeout"     // no answer to this attempt
	RetryNotReady    = "not_ready"   // the leg has not answered yet, or has no audio yet
)

// RetryReasons lists every reason, for labels.
func RetryReasons() []string {
	return []string{RetryThrottled, RetryUnavailable, RetryNetwork, RetryTimeout, RetryNotReady}
}

type nobody struct{}

func (nobody) CommandSent(protocol.CommandKind, protocol.CommandResult, time.Duration) {}
func (nobody) CommandRetried(protocol.CommandKind, string)                             {}
func (nobody) CommandWaited(protocol.CommandKind, time.Duration)                       {}
func (nobody) InFlight(int)                                                            {}
func (nobody) CommandDone(protocol.CommandKind, protocol.Reply, time.Duration)         {}
