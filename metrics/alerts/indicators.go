package alerts

import (
	"fmt"

	"maskswitch/metrics/family"
)

// indicators are those of telecommunications, over five minutes, and the two that
// are compared with last week's over an hour.
//
// ASR (ITU-T E.411, E.425) is what was answered of all attempts. NER (E.425) counts
// what people do (busy, no answer, declined, given up) as a success of the network,
// and leaves out who has no business here. PDD (E.721) would run from the last digit
// to the ringback; what is seen here runs from A's ring to B's.
func indicators() []Rule {
	const people = `outcome=~"talked|busy|no_answer|declined|abandoned"`
	ended := func(w string, matchers ...string) string {
		return rate(w, "job", of(family.CallsEnded, matchers...))
	}
	ratio := func(part, whole string) string { return fmt.Sprintf("(%s) / ((%s) > 0)", part, whole) }
	list := []Rule{
		{Record: "job:maskswitch_calls_offered:rate5m", Expr: rate("5m", "job", of(family.CallsOffered))},
		{Record: "job:maskswitch_traffic:erlang", Expr: "sum by (job) (" + of(family.CallsActive) + ")"},
		{Record: "job:maskswitch_acd_seconds:mean5m", Expr: ratio(rate("5m", "job", of(family.CallTalkDuration+"_sum")), rate("5m", "job", of(family.CallTalkDuration+"_count")))},
		{Record: "job:maskswitch_pdd_seconds:p95_5m", Expr: quantile("0.95", "5m", "job", family.PostDialDelay)},
		{Record: "job:maskswitch_short_calls:ratio_rate5m", Expr: ratio(rate("5m", "job", of(family.CallTalkDuration+"_bucket", le("6"))), rate("5m", "job", of(family.CallTalkDuration+"_count")))},
	}
	for _, w := range []string{"5m", "1h"} {
		list = append(list,
			Rule{Record: "job:maskswitch_asr:ratio_rate" + w, Expr: ratio(ended(w, `outcome="talked"`), ended(w))},
			Rule{Record: "job:maskswitch_ner:ratio_rate" + w, Expr: ratio(ended(w, people), ended(w, `outcome!~"stranger|no_booking|withheld|unallocated_number"`))},
		)
	}
	return list
}
