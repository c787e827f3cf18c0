package dashboards

import "maskswitch/metrics/family"

func numbers() Board {
	headroom := total("region", family.PoolHeadroomBookings)
	return Board{
		UID: "maskswitch-numbers", Title: "maskswitch / Numbers", About: "Whether there are numbers for the bookings that are asked for, and for how long.",
		Rows: []Row{
			{"Now", 4, []Panel{
				{Title: "Headroom", Kind: Figure, Unit: count, Steps: []Step{{"red", 0}, {"yellow", 1}, {"green", 100}},
					About:   "How many more bookings fit on all numbers. At 0 the next one is refused: maskswitch numbers order.",
					Queries: []Query{{total("", family.PoolHeadroomBookings), "bookings"}}},
				{Title: "Live bookings", Kind: Figure, Unit: count,
					About:   "Bookings that are open. It follows the marketplace.",
					Queries: []Query{{total("", family.BookingsOpen), "live"}}},
				{Title: "Numbers in service", Kind: Figure, Unit: count, Steps: []Step{{"red", 0}, {"green", 1}},
					About:   "Numbers that are lent. Resting and draining ones show what they have, and are not lent.",
					Queries: []Query{{total("", family.PoolNumbers, `state="serving"`), "serving"}}},
				{Title: "Refused for want of numbers", Kind: Figure, Unit: perSec, Steps: bad,
					About:   "Bookings a second that got none. It is 0. If not: maskswitch numbers headroom tells whether the pool is full or one party has too many.",
					Queries: []Query{{rate("", family.Bookings, `result="exhausted"`), "refused"}}},
				{Title: "Filled", Kind: Figure, Unit: percent, Max: 1, Steps: more(.8, .95),
					About:   "Live bookings of all that the numbers could show. Above 80 % order more.",
					Queries: []Query{{share(total("", family.BookingsOpen), "("+total("", family.BookingsOpen)+" + "+total("", family.PoolHeadroomBookings)+")"), "filled"}}},
			}},
			{"How long they last", 9, []Panel{
				{Title: "Headroom by country", Kind: Lines, Unit: count, Steps: []Step{{"red", 0}},
					About:   "How many more bookings fit, by the country of the numbers. A line that falls to 0 is a page; order before.",
					Queries: []Query{{headroom, "{{region}}"}}},
				{Title: "Hours left", Kind: Lines, Unit: hours, Max: 168, Steps: []Step{{"red", 0}, {"yellow", 24}, {"green", 72}},
					About:   "Until the headroom of a country is gone, as it fell in the last hour; a week at the most, and where it does not fall.",
					Queries: []Query{{"clamp_max(" + headroom + " / clamp_min(-sum by (region) (deriv(" + of(family.PoolHeadroomBookings) + "[1h])), 1e-9) / 3600, 168)", "{{region}}"}}},
				{Title: "Numbers by state", Kind: Lines, Unit: count, Stacked: true,
					About:   "serving are lent; draining go when their bookings have ended; resting come back; retired are gone.",
					Queries: []Query{{total("state", family.PoolNumbers), "{{state}}"}}},
			}},
			{"Bookings", 9, []Panel{
				{Title: "Requests for bookings", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "opened; repeated with the same booking_id; conflict under another's name: a marketplace's mistake; exhausted: no number was left.",
					Queries: []Query{{rate("result", family.Bookings), "{{result}}"}}},
				{Title: "Why they end", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "checkout at their time, deleted by the marketplace, idle for too long, number_retired by an operator.",
					Queries: []Query{{rate("reason", family.BookingsEnded), "{{reason}}"}}},
				{Title: "Bookings open", Kind: Lines, Unit: count, Stacked: true,
					About:   "Live bookings by the country of their first number.",
					Queries: []Query{{total("region", family.BookingsOpen), "{{region}}"}}},
			}},
			{"Who calls them", 8, []Panel{
				{Title: "Strangers", Kind: Lines, Unit: perSec,
					About:   "Callers that no booking knows, withheld callers, and calls to numbers out of the pool. A jump on few numbers is spam: rest those.",
					Queries: []Query{{rate("outcome", family.CallsEnded, `outcome=~"stranger|withheld|unallocated_number"`), "{{outcome}}"}}},
				{Title: "Late callers", Kind: Lines, Unit: perSec,
					About:   "Callers whose booking has ended. They are told so. Many: marketplaces end bookings too early.",
					Queries: []Query{{rate("", family.CallsEnded, `outcome="no_booking"`), "no booking any more"}}},
				{Title: "Idle numbers", Kind: Lines, Unit: count,
					About:   "Serving numbers without a live booking. Many for weeks: drain some, they cost money.",
					Queries: []Query{{total("region", family.PoolIdleNumbers), "{{region}}"}}},
			}},
		},
	}
}

func recordings() Board {
	return Board{
		UID: "maskswitch-recordings", Title: "maskswitch / Recordings", About: "Whether what was said is safe in the archive.",
		Rows: []Row{
			{"Now", 4, []Panel{
				{Title: "Archived within 15 minutes", Kind: Figure, Unit: percent, Max: 1, Steps: shareOf(.999, .99),
					About:   "The promise is 99.9 %. Below it look at Failures by trouble.",
					Queries: []Query{{within("900", family.RecordingArchiveLag), "≤ 15 min"}}},
				{Title: "Lost", Kind: Figure, Unit: count, Steps: bad,
					About:   "Recordings that were given up in the time shown. It is 0. If not: log \"a recording is lost\".",
					Queries: []Query{{"sum(increase(" + of(family.Recordings, `result="lost"`) + "[$__range]))", "lost"}}},
				{Title: "Pending", Kind: Figure, Unit: count,
					About:   "Recordings that are not in the archive yet, and calls whose recordings are looked for, up to a day.",
					Queries: []Query{{total("", family.RecordingsPending), "pending"}}},
				{Title: "Oldest pending", Kind: Figure, Unit: second, Steps: more(300, 480),
					About:   "How long the oldest waits of which the carrier has told. Its link dies after 10 minutes; the switch then asks for another.",
					Queries: []Query{{"clamp_min(time() - min(" + of(family.RecordingOldestPendingTimestamp) + " > 0), 0) or vector(0)", "age"}}},
				{Title: "Archive works", Kind: Figure, Unit: count, Steps: []Step{{"red", 0}, {"green", 1}},
					About:   "0: the last try to write failed. Recordings wait at the carrier until it is mended.",
					Queries: []Query{{"min(" + of(family.ComponentReady, `component="archive"`) + ")", "ready"}}},
			}},
			{"The queue", 9, []Panel{
				{Title: "Tries", Kind: Lines, Unit: perSec, Stacked: true,
					About:   "archived, failed (and tried again), lost. More failed than archived: see beside.",
					Queries: []Query{{rate("result", family.Recordings), "{{result}}"}}},
				{Title: "Failures by trouble", Kind: Lines, Unit: perSec, Steps: bad,
					About:   "What can be done about it: link (a new one is asked for), broken (the file), refused, archive (ours).",
					Queries: []Query{{rate("trouble", family.RecordingFailures), "{{trouble}}"}}},
				{Title: "Waiting", Kind: Lines, Unit: count,
					About:   "How many wait. A line that rises for an hour: more is recorded than fetched; raise RECORDING_DOWNLOADS.",
					Queries: []Query{{total("", family.RecordingsPending), "pending"}}},
			}},
			{"How long it takes", 9, []Panel{
				{Title: "Until it is archived", Kind: Lines, Unit: second, Steps: []Step{{"red", 900}},
					About:   "From when the carrier told of it until it was verified in the archive. Seconds; minutes after an outage.",
					Queries: percentiles(family.RecordingArchiveLag)},
				{Title: "Until it is archived, all of it", Kind: Heat, Unit: second,
					About:   "Where they lie. A band at hours is what an outage left behind.",
					Queries: []Query{{rise("le", family.RecordingArchiveLag+"_bucket"), "{{le}}"}}},
				{Title: "Audio", Kind: Lines, Unit: bytesSec,
					About:   "Bytes a second into the archive. RECORDING_BANDWIDTH bounds it.",
					Queries: []Query{{rate("", family.RecordingArchivedBytes), "archived"}}},
			}},
		},
	}
}
