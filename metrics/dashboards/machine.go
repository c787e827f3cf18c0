package dashboards

import (
	"fmt"

	"maskswitch/metrics/family"
)

func engine() Board {
	return Board{
		UID: "maskswitch-engine", Title: "maskswitch / Engine", About: "Actors, the store, the API and the process itself.",
		Rows: []Row{
			{"Now", 4, []Panel{
				{Title: "Components", Kind: Bars, Unit: count, Max: 1, Steps: []Step{{"red", 0}, {"green", 1}},
					About:   "1: it can do its work. At 0 curl ADMIN/readyz says why; see the runbook, component-down.",
					Queries: []Query{{"min by (component) (" + of(family.ComponentReady) + ")", "{{component}}"}}},
				{Title: "Mailbox wait p99", Kind: Figure, Unit: second, Steps: more(.05, .5),
					About:   "How long a message waits for its actor. Above 50 ms the processor is full, or an actor is at work too long.",
					Queries: []Query{{quantile("0.99", "", family.ActorMailboxWait), "p99"}}},
				{Title: "Journal append p99", Kind: Figure, Unit: second, Steps: more(.025, .05),
					About:   "How long a change takes to the disk. Above 50 ms the disk is slow: every acknowledgement waits for it.",
					Queries: []Query{{quantile("0.99", "", family.JournalAppendDuration), "p99"}}},
				{Title: "Panics", Kind: Figure, Unit: count, Steps: bad,
					About:   "Actors that panicked in the time shown. It is 0. If not: log \"actor panicked\" has the stack.",
					Queries: []Query{{"sum(increase(" + of(family.ActorRestarts) + "[$__range]))", "panics"}}},
				{Title: "Up since", Kind: Figure, Unit: second,
					About:   "How long the youngest process runs. Short without a deployment: see its last log lines and dmesg.",
					Queries: []Query{{"time() - max(" + of("process_start_time_seconds") + ")", "uptime"}}},
				{Title: "Draining", Kind: Figure, Unit: count, Steps: more(1, 2),
					About:   "1: a process is about to end, and takes no more work.",
					Queries: []Query{{"max(" + of(family.Draining) + ")", "draining"}}},
			}},
			{"Actors", 9, []Panel{
				{Title: "Mailbox wait", Kind: Lines, Unit: second, Steps: []Step{{"red", .5}},
					About:   "By kind of actor, p99. One kind: that actor is busy; see Time at work. All: the processor.",
					Queries: []Query{{quantile("0.99", "kind", family.ActorMailboxWait), "{{kind}}"}}},
				{Title: "Time at work", Kind: Lines, Unit: second,
					About:   "How long an actor is at work on a message, p99. Actors wait for nothing, so it is microseconds.",
					Queries: []Query{{quantile("0.99", "kind", family.ActorHandleDuration), "{{kind}}"}}},
				{Title: "Messages", Kind: Lines, Unit: perSec,
					About:   "Handled a second, by kind.",
					Queries: []Query{{rate("kind", family.ActorHandleDuration+"_count"), "{{kind}}"}}},
			}},
			{"More about actors", 8, []Panel{
				{Title: "Actors", Kind: Lines, Unit: count,
					About:   "In memory, by kind. Bookings sleep while nothing happens; calls are as many as are in progress or wait for a recording.",
					Queries: []Query{{total("kind", family.Actors), "{{kind}}"}}},
				{Title: "Fullest mailbox", Kind: Lines, Unit: count, Steps: []Step{{"red", 1000}},
					About:   "Messages in the fullest mailbox since the last scrape, by kind, and all that wait. Thousands: load that should have been refused at the doors.",
					Queries: []Query{{"max by (kind) (" + of(family.ActorMailboxMessagesMax) + ")", "{{kind}}"}, {total("", family.ActorMailboxMessages), "waiting, all"}}},
				{Title: "Dead letters", Kind: Lines, Unit: perSec,
					About:   "Messages to actors that are gone, by kind. A few are late answers of the carrier's; a hundredth of all messages is a fault.",
					Queries: []Query{{rate("kind", family.ActorDeadLetters), "{{kind}}"}}},
				{Title: "Panics by kind", Kind: Lines, Unit: count, Steps: bad,
					About:   "Actors that panicked and are built again from their rows.",
					Queries: []Query{{rise("kind", family.ActorRestarts), "{{kind}}"}}},
			}},
			{"The store", 9, []Panel{
				{Title: "Journal append", Kind: Lines, Unit: second, Steps: []Step{{"red", .05}},
					About:   "From handing a change in until it is on disk. 8 ms are on purpose: changes of webhooks wait for company.",
					Queries: percentiles(family.JournalAppendDuration)},
				{Title: "Journal commit", Kind: Lines, Unit: second,
					About:   "One commit of the store: the fsync is most of it. A disk of its own keeps it below a few milliseconds.",
					Queries: percentiles(family.JournalCommitDuration)},
				{Title: "Changes and commits", Kind: Lines, Unit: perSec,
					About:   "Changes a second, and the commits they share.",
					Queries: []Query{{rate("", family.JournalChanges), "changes"}, {rate("", family.JournalCommitDuration+"_count"), "commits"}}},
			}},
			{"More about the store", 8, []Panel{
				{Title: "Pending changes", Kind: Lines, Unit: count,
					About:   "Changes that wait for the disk, and how many may. At the limit webhooks and bookings are refused as overloaded.",
					Queries: []Query{{total("", family.JournalPendingChanges), "pending"}, {total("", family.JournalPendingChangesLimit), "limit"}}},
				{Title: "Store errors", Kind: Lines, Unit: count, Steps: bad,
					About:   "What the store could not do, by operation. Any is a page: nothing is acknowledged until it can.",
					Queries: []Query{{rise("op", family.JournalErrors), "{{op}}"}}},
				{Title: "Disk", Kind: Lines, Unit: bytesOf,
					About:   "Free space where DATA_DIR is, what there is in all, and what the store takes. Recordings are beside it unless there is a bucket.",
					Queries: []Query{{total("", family.DataFree), "free"}, {total("", family.DataSize), "all"}, {total("", family.JournalSize), "the store"}}},
				{Title: "Recovery", Kind: Lines, Unit: second,
					About:   "How long the last recovery from the store took: seconds for a million bookings.",
					Queries: []Query{{"max by (instance) (" + of(family.RecoveryDuration) + ")", "{{instance}}"}}},
			}},
			{"The API", 9, []Panel{
				{Title: "API by route and code", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "Requests of marketplaces. 5xx are ours; 4xx theirs: a jump after their deployment is worth a call.",
					Queries: []Query{{rate("method, route, code", family.HTTPRequests) + " > 0 or " + rate("code", family.HTTPRequests, `code="5xx"`), "{{method}} {{route}} {{code}}"}}},
				{Title: "API requests", Kind: Lines, Unit: second,
					About:   "How long those take that are done, p99, all routes, and those that fail. They wait for the disk.",
					Queries: []Query{{quantile("0.99", "code", family.HTTPRequestDuration), "{{code}} p99"}}},
				{Title: "Requests at work", Kind: Lines, Unit: count,
					About:   "By door, and how many the API may have. At the limit requests are refused as overloaded.",
					Queries: []Query{{total("server", family.HTTPRequestsInFlight), "{{server}}"}, {total("server", family.HTTPRequestsInFlightLimit), "{{server}} limit"}}},
			}},
			{"The process", 8, []Panel{
				{Title: "CPU", Kind: Lines, Unit: count,
					About:   "Cores in use. About 2 ms a call; near all cores everything waits.",
					Queries: []Query{{rate("instance", "process_cpu_seconds_total"), "{{instance}}"}}},
				{Title: "Memory", Kind: Lines, Unit: bytesOf,
					About:   "Resident, the heap's live part, and the limit for the collector (GOMEMLIMIT), if one is set.",
					Queries: []Query{{total("instance", "process_resident_memory_bytes"), "{{instance}} resident"}, {total("instance", "go_memstats_heap_inuse_bytes"), "{{instance}} heap"}}},
				{Title: "GC pauses", Kind: Lines, Unit: second,
					About:   "How long the collector stops the program, p99. Below a millisecond.",
					Queries: []Query{{quantile("0.99", "", "go_sched_pauses_total_gc_seconds"), "p99"}}},
				{Title: "Runnable goroutines", Kind: Lines, Unit: second,
					About:   "How long goroutines wait for a core, p99: the best sign of a full processor.",
					Queries: []Query{{quantile("0.99", "", "go_sched_latencies_seconds"), "wait p99"}}},
				{Title: "Goroutines", Kind: Lines, Unit: count,
					About:   "They follow commands and requests in flight. A line that only rises is a leak: keep ADMIN/debug/pprof/goroutine.",
					Queries: []Query{{total("instance", "go_goroutines"), "{{instance}}"}}},
				{Title: "File descriptors", Kind: Lines, Unit: count,
					About:   "Open, and how many there may be. Near the limit connections are refused.",
					Queries: []Query{{total("instance", "process_open_fds"), "{{instance}} open"}, {total("instance", "process_max_fds"), "{{instance}} limit"}}},
			}},
		},
	}
}

// promises are those of package alerts, with what each is watched by.
var promises = [][2]string{
	{"webhook-availability", "Webhooks answered 2xx (99.95 %)"}, {"webhook-latency", "Webhooks within 250 ms (99.9 %)"},
	{"reaction", "Reaction within 50 ms (99 %)"}, {"calls", "Calls not lost by us (99.5 %)"},
	{"recordings", "Archived within 15 min (99.9 %)"}, {"api", "API without 5xx (99.9 %)"},
}

func slo() Board {
	budgets, burns := Row{Title: "Budget left of 30 days", Height: 4}, Row{Title: "How fast it burns", Height: 8}
	for _, p := range promises {
		id := fmt.Sprintf(`{job=~"$job", sloth_id="maskswitch-%s"}`, p[0])
		budgets.Panels = append(budgets.Panels, Panel{
			Title: p[1], Kind: Figure, Unit: percent, Steps: []Step{{"red", -1000}, {"yellow", .25}, {"green", .5}},
			About:   "1 is all of it, 0 none, less is overspent. It counts what the server has kept, up to 30 days.",
			Queries: []Query{{"slo:period_error_budget_remaining:ratio" + id, "left"}},
		})
		burns.Panels = append(burns.Panels, Panel{
			Title: p[1] + ": burn", Kind: Lines, Unit: "none", Steps: []Step{{"yellow", 1}, {"red", 14.4}}, Width: 8,
			About: "1 spends the budget in just 30 days. 14.4 for an hour, or 6 for six hours, is a page; 3 for a day or 1 for three days a ticket.",
			Queries: []Query{
				{"slo:current_burn_rate:ratio" + id, "5 min"},
				{"slo:sli_error:ratio_rate1h" + id + " / on (sloth_id) group_left () slo:error_budget:ratio" + fmt.Sprintf(`{sloth_id="maskswitch-%s"}`, p[0]), "1 h"},
			},
		})
	}
	return Board{
		UID: "maskswitch-slo", Title: "maskswitch / SLO", About: "What is promised, what of it is left, and how fast it goes. From the recording rules in metrics/alerts.",
		Rows: []Row{budgets, burns, {"Telecom indicators", 8, []Panel{
			{Title: "ASR and NER", Kind: Lines, Unit: percent, Max: 1,
				About:   "Answered of all attempts, and what reached people (E.425), over five minutes.",
				Queries: []Query{{`job:maskswitch_asr:ratio_rate5m{job=~"$job"}`, "ASR"}, {`job:maskswitch_ner:ratio_rate5m{job=~"$job"}`, "NER"}}},
			{Title: "Traffic", Kind: Lines, Unit: "none",
				About:   "Calls at once, in erlang: what capacity is planned by.",
				Queries: []Query{{`job:maskswitch_traffic:erlang{job=~"$job"}`, "erlang"}}},
			{Title: "Short calls and mean talk", Kind: Lines, Unit: percent,
				About:   "Talks of less than six seconds, of all talks.",
				Queries: []Query{{`job:maskswitch_short_calls:ratio_rate5m{job=~"$job"}`, "< 6 s"}}},
		}}},
	}
}
