// Package pace says when calls are due.
//
// It is an open model: people dial when they dial, whatever became of those who
// dialled before, so a slow switch is not spared the calls that it would have
// to take in life. A Pace has no clock. It gives instants since the start of a
// run, one after another, from the stages and a seed alone; whoever plays them
// waits for each, and counts as late, or as dropped, what it could not start.
//
// Both kinds of arrivals come from the integral of the rate. Arrivals are due
// where it has grown by a step since the one before: by 1 for even arrivals, by
// a draw from the unit exponential distribution for a Poisson process, of a
// changing rate too. A step that a stage cannot complete goes on in the next.
package pace
