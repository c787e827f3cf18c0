// Package wrongswitch is a masking switch for testing the tester: right unless
// it is told to be wrong. It keeps everything in memory, speaks the REST
// interface and the carrier's, and shares no code with the real switch.
//
// Right, it is a whole switch: it verifies signatures, decides by what is known
// of a call and not by the order of events, repeats failed commands under the
// same id, gives a party no number that the party holds, and lends a number
// again to the same party only when nothing else is free. It tells a caller whose
// booking has ended, and ends a talk at checkout where that was asked for. It records
// as the booking says, fetches what the carrier made of it and keeps it. So what a
// judge finds is the Defect that was asked for.
package wrongswitch
