// Package report is what is left of a run of the load tester: a Result, and what
// people and tools make of it.
//
// A Result is one value with nothing shared. Write puts it down as result.json
// and as report.html; Read takes it back and checks every field, so that Page,
// Summary and Compare may trust what they are given. They look at nothing else:
// the page of a result that is read is, byte for byte, that of the run.
//
// Times are measured with Histogram, the sum of all of a run to three digits.
// The page draws from these histograms, and so does Compare, which knows from
// them what chance alone can do to a quantile. Texts that came over the wire
// stand in all three as text, with phone numbers masked.
package report
