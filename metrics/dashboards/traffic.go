package dashboards

import "maskswitch/metrics/family"

const people = `outcome=~"talked|busy|no_answer|declined|abandoned"`

func calls() Board {
	ended := func(matchers ...string) string { return rate("", family.CallsEnded, matchers...) }
	return Board{
		UID: "maskswitch-calls", Title: "maskswitch / Calls", About: "Whether people reach each other, and if not, whose fault it is.",
		Rows: []Row{
			{"Now", 4, []Panel{
				{Title: "Switch ready", Kind: Figure, Unit: count, Steps: []Step{{"red", 0}, {"green", 1}},
					About:   "1 when every part of every switch can do its work. At 0 see the board Engine, Components, and curl ADMIN/readyz.",
					Queries: []Query{{"min(" + of(family.ComponentReady) + ")", "ready"}}},
				{Title: "Calls in progress", Kind: Figure, Unit: count,
					About:   "Calls that ring, are talked or are about to end. It follows the hour of the day; a sudden fall means that rings do not get here (board Carrier).",
					Queries: []Query{{total("", family.CallsActive), "calls"}}},
				{Title: "Answered (ASR)", Kind: Figure, Unit: percent, Max: 1,
					About:   "Answered of all attempts (E.425). People decide it, so there is no right value: compare it with last week's. When it falls while NER holds, it is people.",
					Queries: []Query{{share(ended(`outcome="talked"`), ended()), "ASR"}}},
				{Title: "Network effectiveness (NER)", Kind: Figure, Unit: percent, Max: 1, Steps: shareOf(.95, .9),
					About:   "Calls that came to what people do: talked, busy, no answer, declined, given up (E.425). Below 95 % look at Outcomes, then at the board Carrier.",
					Queries: []Query{{share(ended(people), ended(`outcome!~"stranger|no_booking|withheld|unallocated_number"`)), "NER"}}},
				{Title: "Mean talk (ACD)", Kind: Figure, Unit: second,
					About:   "How long the two talk on average. A fall to seconds means that they do not hear each other: look at Short calls.",
					Queries: []Query{{share(rate("", family.CallTalkDuration+"_sum"), rate("", family.CallTalkDuration+"_count")), "ACD"}}},
				{Title: "Lost by us", Kind: Figure, Unit: perSec, Steps: bad,
					About:   "Calls that ended as failed or stuck, a second. It is 0. If not: log \"call ended\" at level warn, and maskswitch story CALL.",
					Queries: []Query{{ended(`outcome=~"failed|stuck"`), "lost"}}},
			}},
			{"What becomes of calls", 9, []Panel{
				{Title: "Outcomes", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "How calls end. talked, busy, no_answer, declined and abandoned are people; stranger, no_booking and withheld are refused on purpose; carrier is theirs, failed and stuck are ours.",
					Queries: []Query{{rate("outcome", family.CallsEnded), "{{outcome}}"}}},
				{Title: "Attempts", Kind: Lines, Unit: perSec,
					About:   "Rings a second. It follows the hour; nothing at all at noon means that the carrier's webhooks do not arrive.",
					Queries: []Query{{rate("", family.CallsOffered), "rings"}}},
				{Title: "Active against the limit", Kind: Lines, Unit: count,
					About:   "Calls in progress by state, and MAX_CALLS, beyond which a ring is refused. At four fifths raise it, if there is memory.",
					Queries: []Query{{total("state", family.CallsActive), "{{state}}"}, {total("", family.CallsActiveLimit), "limit"}}},
			}},
			{"How they go", 9, []Panel{
				{Title: "Setup, from A's ring to B's answer", Kind: Lines, Unit: second,
					About:   "Mostly how long people take to answer. Long in all percentiles at once: look at Post-dial delay and the board Legs.",
					Queries: percentiles(family.CallSetupDuration)},
				{Title: "Our share of the setup", Kind: Lines, Unit: second, Steps: []Step{{"red", .05}},
					About:   "What the switch itself adds to a setup, all its reactions together. Milliseconds; above 50 ms see the board Engine.",
					Queries: percentiles(family.CallSetupSwitching)},
				{Title: "Talk", Kind: Heat, Unit: second,
					About:   "How long talks last. A band that wanders down to seconds is an audio fault, one at hours a number that is abused.",
					Queries: []Query{{rise("le", family.CallTalkDuration+"_bucket"), "{{le}}"}}},
				{Title: "Short calls", Kind: Lines, Unit: percent, Max: 1, Steps: more(.1, .2),
					About:   "Talks of less than six seconds. Above a tenth: people do not hear each other, or somebody tries numbers out.",
					Queries: []Query{{share(rate("", family.CallTalkDuration+"_bucket", `le=~"6(\\.0)?"`), rate("", family.CallTalkDuration+"_count")), "< 6 s"}}},
			}},
		},
	}
}

func legs() Board {
	stage := func(title, about, leg, name string) Panel {
		return Panel{Title: title, Kind: Lines, Unit: second, About: about,
			Queries: percentiles(family.LegStageDuration, `leg="`+leg+`"`, `stage="`+name+`"`, `result="ok"`)}
	}
	return Board{
		UID: "maskswitch-legs", Title: "maskswitch / Legs", About: "How long each side of a call takes for each of its stages, and whose time it is.",
		Rows: []Row{
			{"Now", 4, []Panel{
				{Title: "Reaction p99", Kind: Figure, Unit: second, Steps: more(.025, .05),
					About:   "From reading an event to sending its command. It waits for nobody, so above 50 ms the processor is full: board Engine.",
					Queries: []Query{{quantile("0.99", "", family.ReactionDuration), "p99"}}},
				{Title: "Post-dial delay p95", Kind: Figure, Unit: second, Steps: more(3, 6),
					About:   "From A's ring here to B's leg being set up: the nearest to PDD (E.721) that Call Control shows. The carrier's part is most of it.",
					Queries: []Query{{quantile("0.95", "", family.PostDialDelay), "p95"}}},
				{Title: "Our share of the setup p99", Kind: Figure, Unit: second, Steps: more(.05, .1),
					About:   "What we add to a setup, of seconds that people and networks take. Milliseconds are right; else board Engine.",
					Queries: []Query{{quantile("0.99", "", family.CallSetupSwitching), "p99"}}},
				{Title: "Legs that failed", Kind: Figure, Unit: percent, Max: 1, Steps: more(.3, .5),
					About:   "Legs B that rang and were not answered. People decide that; a jump is worth a look at Hangups by cause.",
					Queries: []Query{{share(rate("", family.LegStageDuration+"_count", `leg="b"`, `stage="ring"`, `result="failed"`), rate("", family.LegStageDuration+"_count", `leg="b"`, `stage="ring"`)), "failed"}}},
			}},
			{"Ours", 9, []Panel{
				{Title: "Reaction", Kind: Lines, Unit: second, Steps: []Step{{"red", .05}},
					About:   "From reading a webhook to its command on the wire, by command. One command alone: the actor that sends it; all: the processor.",
					Queries: []Query{{quantile("0.99", "command", family.ReactionDuration), "{{command}} p99"}}},
				{Title: "Reaction, all of it", Kind: Heat, Unit: second,
					About:   "Where reactions lie. A second band above the first is garbage collection or a full processor.",
					Queries: []Query{{rise("le", family.ReactionDuration+"_bucket"), "{{le}}"}}},
			}},
			{"Leg A, the caller's", 8, []Panel{
				stage("A: answer", "From A's ring to our answering it, by the carrier's clock: our reaction and the carrier's. Above a second the carrier is slow: board Carrier, Attempts.", "a", "answer"),
				stage("A: release", "From B's end to A's. The carrier does it; long means that we had to hang up ourselves.", "a", "release"),
			}},
			{"Leg B, the other party's", 8, []Panel{
				stage("B: dial", "From A's answer to B's leg being set up: the transfer. Long: the carrier or the network behind it.", "b", "dial"),
				stage("B: ring", "How long it rings until B answers: people.", "b", "ring"),
				stage("B: release", "From A's end to B's: the carrier's, as above.", "b", "release"),
				{Title: "B rings in vain", Kind: Lines, Unit: second,
					About:   "How long it rings until nobody answers. A line at RING_TIMEOUT is people who let it ring.",
					Queries: percentiles(family.LegStageDuration, `leg="b"`, `stage="ring"`, `result="failed"`)},
			}},
			{"How they end", 9, []Panel{
				{Title: "Post-dial delay", Kind: Heat, Unit: second,
					About:   "From A's ring to B's. The band is the carrier's; E.721 expects 5 s for a local call, 8 s for a long one.",
					Queries: []Query{{rise("le", family.PostDialDelay+"_bucket"), "{{le}}"}}},
				{Title: "Hangups by cause", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "The carrier's nine causes. unspecified and not_found rise when numbers do not exist or a route is broken.",
					Queries: []Query{{rate("leg, cause", family.LegHangups), "{{leg}} {{cause}}"}}},
				{Title: "Who hangs up", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "caller and callee are people. unknown is the carrier, or us: many of them mean calls that are cut.",
					Queries: []Query{{rate("source", family.LegHangups), "{{source}}"}}},
			}},
		},
	}
}

func carrier() Board {
	refused := rate("", family.WebhooksRefused)
	return Board{
		UID: "maskswitch-carrier", Title: "maskswitch / Carrier", About: "What comes from Telnyx and what goes to it.",
		Rows: []Row{
			{"Now", 4, []Panel{
				{Title: "Webhooks answered 2xx", Kind: Figure, Unit: "percentunit", Max: 1, Steps: shareOf(.9995, .999),
					About:   "The promise is 99.95 %. Below it the switch is not ready, overloaded or full: log \"webhook not accepted\".",
					Queries: []Query{{"1 - " + share(rate("", family.Webhooks, `result="overloaded"`), rate("", family.Webhooks)), "2xx"}}},
				{Title: "Answered within 250 ms", Kind: Figure, Unit: percent, Max: 1, Steps: shareOf(.999, .99),
					About:   "The promise is 99.9 %. Below it look at Acknowledgement, then at the board Engine, Journal append.",
					Queries: []Query{{within("0.25", family.WebhookAckDuration), "≤ 250 ms"}}},
				{Title: "Refused for their signature", Kind: Figure, Unit: percent, Max: 1, Steps: more(.01, .5),
					About:   "Of all webhooks. Half of them or more: TELNYX_PUBLIC_KEY is not the account's, and events are lost for good.",
					Queries: []Query{{share(rate("", family.WebhooksRefused, `reason="bad_signature"`), "("+refused+" + "+rate("", family.Webhooks)+")"), "bad signature"}}},
				{Title: "Last event", Kind: Figure, Unit: second, Steps: more(120, 300),
					About:   "How long ago the last event was taken. At night minutes are normal; with calls in progress they are not.",
					Queries: []Query{{"time() - max(" + of(family.WebhookLastAcceptedTimestamp) + " > 0)", "ago"}}},
				{Title: "Commands that failed", Kind: Figure, Unit: percent, Max: 1, Steps: more(.01, .05),
					About:   "Commands that the carrier did not take in the end; that a leg is gone is none of it. See Commands by result.",
					Queries: []Query{{share(rate("", family.Commands, `result=~"refused|throttled|unavailable|timeout"`), rate("", family.Commands)), "failed"}}},
				{Title: "Oldest command", Kind: Figure, Unit: second, Steps: more(2, 10),
					About:   "How long the oldest command has been on its way. Above 10 s callers wait: Attempts, Retries by reason.",
					Queries: []Query{{"clamp_min(time() - max(" + of(family.OutboxOldestTimestamp) + " > 0), 0) or vector(0)", "age"}}},
			}},
			{"Webhooks in", 9, []Panel{
				{Title: "Webhooks by result", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "accepted and duplicate are well; unknown_call is about calls of nobody here; overloaded was answered 503 and comes again.",
					Queries: []Query{{rate("result", family.Webhooks), "{{result}}"}}},
				{Title: "Refused", Kind: Lines, Unit: perSec, Steps: bad,
					About:   "bad_signature: the key, or a stranger. stale: a clock, ours or theirs. malformed: API version 2 is set in the portal?",
					Queries: []Query{{rate("reason", family.WebhooksRefused), "{{reason}}"}}},
				{Title: "Acknowledgement", Kind: Lines, Unit: second, Steps: promisedAck,
					About:   "From a webhook's first byte to our answer, which waits for the disk. 8 ms of it are on purpose: webhooks wait for company.",
					Queries: percentiles(family.WebhookAckDuration)},
			}},
			{"Time", 8, []Panel{
				{Title: "Delivery lag", Kind: Lines, Unit: second, Steps: []Step{{"red", 2}},
					About:   "How old events are when they get here, by the carrier's clock against ours. Above 2 s callers wait: the way here, or a clock.",
					Queries: percentiles(family.WebhookDeliveryLag)},
				{Title: "Events from the future", Kind: Lines, Unit: perSec, Steps: bad,
					About:   "Events that were read before they happened: our clock is late. See timedatectl.",
					Queries: []Query{{rate("", family.WebhookNegativeLags), "negative lags"}}},
				{Title: "Delivered again", Kind: Lines, Unit: percent, Max: 1, Steps: []Step{{"red", .01}},
					About:   "Of all webhooks. Above 1 % our answers do not reach the carrier in 2 s.",
					Queries: []Query{{share(rate("", family.WebhookRedeliveries), rate("", family.Webhooks)), "redelivered"}}},
			}},
			{"Commands out", 9, []Panel{
				{Title: "Commands by result", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "What became of commands in the end, retries included. leg_gone: somebody hung up first, which is well.",
					Queries: []Query{{rate("result", family.Commands), "{{result}}"}}},
				{Title: "Commands by kind", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "What is asked of the carrier. find is asked about calls that are overdue or after a restart: many of them are a sign of lost events.",
					Queries: []Query{{rate("command", family.Commands), "{{command}}"}}},
				{Title: "Retries by reason", Kind: Lines, Unit: perSec, Steps: bad,
					About:   "Attempts after the first. throttled: 429, the account's limit. unavailable: 5xx. network and timeout: the way there.",
					Queries: []Query{{rate("reason", family.CommandRetries), "{{reason}}"}}},
			}},
			{"How long they take", 8, []Panel{
				{Title: "Attempts", Kind: Lines, Unit: second,
					About:   "One attempt at a command, until the carrier's answer. 100 ms are usual; seconds are an outage.",
					Queries: []Query{{quantile("0.5", "", family.CommandAttemptDuration), "p50"}, {quantile("0.99", "command", family.CommandAttemptDuration), "{{command}} p99"}}},
				{Title: "Our own queue", Kind: Lines, Unit: second, Steps: []Step{{"red", .05}},
					About:   "How long attempts wait here for a place, so that no more than so many are with the carrier. 0 unless the carrier is slow.",
					Queries: percentiles(family.CommandPacingWait)},
				{Title: "On their way", Kind: Lines, Unit: count,
					About:   "Commands whose outcome is not known, and those of them that are with the carrier right now; the others wait to be sent again.",
					Queries: []Query{{total("", family.OutboxCommands), "outcome not known"}, {total("", family.CommandsInFlight), "in flight"}}},
			}},
		},
	}
}
