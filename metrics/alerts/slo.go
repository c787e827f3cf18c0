package alerts

import (
	"fmt"

	"maskswitch/metrics/family"
)

// SLO is a promise of the service, over thirty days.
type SLO struct {
	Name      string
	Objective float64 // percent
	Promise   string
	// Errors and Total are events a second over a window, by job.
	Errors, Total func(window string) string

	alert, anchor string
	ways          []way // in which it is broken, for cases
}

// SLOs are what the service promises.
//
// A webhook that somebody else signed is no webhook of the carrier's, and does not
// count. A booking for which no number is left is a call that cannot be made, so it
// counts among the calls. What people do, and what the carrier fails at, is in NER.
var SLOs = []SLO{
	{
		"webhook-availability", 99.95, "webhooks are answered 2xx",
		func(w string) string { return rate(w, "job", of(family.Webhooks, `result="overloaded"`)) },
		func(w string) string { return rate(w, "job", of(family.Webhooks)) },
		"WebhooksRefused", "webhooks-refused",
		[]way{counts("they are refused", family.Webhooks, `event="call.answered",result="overloaded"`, `event="call.answered",result="accepted"`)},
	},
	{
		"webhook-latency", 99.9, "webhooks are answered within 250 ms",
		func(w string) string { return slower(w, family.WebhookAckDuration, `le="0.25"`) },
		func(w string) string { return rate(w, "job", of(family.WebhookAckDuration+"_count")) },
		"WebhooksSlow", "webhooks-slow",
		[]way{times(family.WebhookAckDuration, `result="accepted",`, "0.25")},
	},
	{
		"reaction", 99, "commands leave within 50 ms",
		func(w string) string { return slower(w, family.ReactionDuration, `le="0.05"`) },
		func(w string) string { return rate(w, "job", of(family.ReactionDuration+"_count")) },
		"ReactionSlow", "reaction-slow",
		[]way{times(family.ReactionDuration, `command="answer",`, "0.05")},
	},
	{
		"calls", 99.5, "no call is lost by us or for want of numbers",
		func(w string) string {
			return rate(w, "job", of(family.CallsEnded, `outcome=~"failed|stuck"`)) + " + " + rate(w, "job", of(family.Bookings, `result="exhausted"`))
		},
		func(w string) string {
			return rate(w, "job", of(family.CallsEnded, `outcome!~"stranger|withheld|unallocated_number"`)) + " + " +
				rate(w, "job", of(family.Bookings, `result=~"opened|exhausted"`))
		},
		"CallsLost", "calls-lost",
		[]way{
			counts("they fail", family.CallsEnded, `outcome="failed"`, `outcome="talked"`).beside(family.Bookings, `region="US",result="opened"`, `region="US",result="exhausted"`),
			counts("they are stuck", family.CallsEnded, `outcome="stuck"`, `outcome="busy"`).beside(family.Bookings, `region="US",result="opened"`, `region="US",result="exhausted"`),
			counts("no number is left", family.Bookings, `region="US",result="exhausted"`, `region="US",result="opened"`).beside(family.CallsEnded, `outcome="failed"`, `outcome="stranger"`),
		},
	},
	{
		"recordings", 99.9, "recordings are archived within 15 minutes",
		func(w string) string {
			return slower(w, family.RecordingArchiveLag, le("900")) + " + " + rate(w, "job", of(family.Recordings, `result="lost"`))
		},
		func(w string) string { return rate(w, "job", of(family.Recordings, `result=~"archived|lost"`)) },
		"RecordingsLate", "recordings-late",
		[]way{
			times(family.RecordingArchiveLag, "", "900").counted(family.Recordings, `result="archived"`).beside(family.Recordings, `result="lost"`),
			counts("they are lost", family.Recordings, `result="lost"`, `result="archived"`).beside(family.RecordingArchiveLag+"_count", "").beside(family.RecordingArchiveLag+"_bucket", `le="900"`),
		},
	},
	{
		"api", 99.9, "the API answers without 5xx",
		func(w string) string { return rate(w, "job", of(family.HTTPRequests, `code="5xx"`)) },
		func(w string) string { return rate(w, "job", of(family.HTTPRequests)) },
		"APIFails", "api-fails",
		[]way{counts("it fails", family.HTTPRequests, `code="5xx",method="GET",route="/bookings"`, `code="2xx",method="GET",route="/bookings"`)},
	},
}

// slower is what a histogram has above a bound.
func slower(window, name, bound string) string {
	return rate(window, "job", of(name+"_count")) + " - " + rate(window, "job", of(name+"_bucket", bound))
}

// budget is what may go wrong, as a fraction.
func (s SLO) budget() string { return fmt.Sprintf("%.4g", 1-s.Objective/100) }

func (s SLO) labels() [][2]string {
	return [][2]string{{"sloth_service", "maskswitch"}, {"sloth_slo", s.Name}, {"sloth_id", "maskswitch-" + s.Name}}
}

// id selects the SLO's own rules.
func (s SLO) id() string { return `sloth_id="maskswitch-` + s.Name + `"` }

// windows are those that rates are recorded over.
var windows = []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d"}

// rules record how much goes wrong. What has no traffic has no value, and so
// neither burns nor fires.
func (s SLO) rules() (list []Rule) {
	for _, w := range windows {
		list = append(list, Rule{
			Record: "slo:sli_error:ratio_rate" + w,
			Expr:   fmt.Sprintf("(%s) / ((%s) > 0)", s.Errors(w), s.Total(w)),
			Labels: append(s.labels(), [2]string{"sloth_window", w}),
		})
	}
	mean := fmt.Sprintf("avg_over_time(slo:sli_error:ratio_rate5m{%s}[30d])", s.id())
	return append(list,
		Rule{"slo:sli_error:ratio_rate30d", mean, append(s.labels(), [2]string{"sloth_window", "30d"})},
		Rule{"slo:objective:ratio", fmt.Sprintf("vector(%.6g)", s.Objective/100), s.labels()},
		Rule{"slo:error_budget:ratio", fmt.Sprintf("vector(%s)", s.budget()), s.labels()},
		Rule{
			"slo:current_burn_rate:ratio", fmt.Sprintf("slo:sli_error:ratio_rate5m{%s} / %s", s.id(), s.budget()), s.labels(),
		},
		Rule{
			"slo:period_burn_rate:ratio", fmt.Sprintf("slo:sli_error:ratio_rate30d{%s} / %s", s.id(), s.budget()), s.labels(),
		},
		Rule{
			"slo:period_error_budget_remaining:ratio", fmt.Sprintf("1 - slo:period_burn_rate:ratio{%s}", s.id()), s.labels(),
		},
		Rule{"sloth_slo_info", "vector(1)", append(s.labels(), [2]string{"sloth_objective", fmt.Sprintf("%.6g", s.Objective)}, [2]string{"promise", s.Promise})},
	)
}

// burns is true of a job that burns its budget so many times too fast, now and
// for some time. few is how many events there must be in the long window: of a
// handful one is no trend.
func (s SLO) burns(times, long, short string, few int) string {
	limit := fmt.Sprintf("%s * %s", times, s.budget())
	expr := fmt.Sprintf("max without (sloth_window) (slo:sli_error:ratio_rate%s{%s}) > %s", long, s.id(), limit) +
		fmt.Sprintf("\nand max without (sloth_window) (slo:sli_error:ratio_rate%s{%s}) > %s", short, s.id(), limit)
	if few > 0 {
		expr += fmt.Sprintf("\nand on (job) (%s) * %s >= %d", s.Total(long), secondsOf[long], few)
	}
	return "(" + expr + ")"
}

var secondsOf = map[string]string{"1h": "3600", "6h": "21600", "1d": "86400", "3d": "259200"}

// fewest events wake somebody.
const fewest = 30
