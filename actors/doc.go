// Package actors runs the switch: every proxy number, booking and live call is
// an actor, and Switch is the only door to them.
//
// A partition is a whole small switch. Its pool decides who gets which number;
// number, booking and call actors hang below it. The guardian above it throws a
// partition away and builds it again from the store whenever memory may be ahead
// of the disk. Nothing is acknowledged before it is on disk, and no actor waits
// for the disk or the carrier.
//
// The way of a webhook: the receiver verifies and decodes it and calls Deliver.
// A ring goes pool → number → booking → call, each adding its share of the
// route; any other event goes to the call of its session. The call decides, and
// its row goes to the journal while its commands go to the carrier. When the row
// is on disk, Deliver returns and the webhook is acknowledged.
package actors
