// Package loadtest plays the rest of the world to a masking switch and says
// whether it did its job: the carrier, the marketplaces, the people with their
// phones, and a judge who knows what each of them was promised.
//
// A Plan says who calls whom, how often, and what goes wrong. It becomes a
// stream of intended operations (market), which depends on the plan and its
// seed alone and never on what the switch does: an open model. One scheduler
// starts each operation when it is due. What cannot be started then is counted
// as dropped, never put off, and all latencies run from the due instant.
//
// Each call's ledger, as the carrier kept it, is held against what its booking
// promised (judge). One wrong behaviour fails a run, whatever the latencies.
//
// The tester shares nothing with the switch but the wire, so that the two do
// not make the same mistake.
package loadtest
