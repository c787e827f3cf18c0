// Package market plays marketplaces: bookings that open, change and end, and
// the people who dial.
//
// It has no clock, no I/O and no idea of how things went. A Market is a stream
// of intended operations in order of time, made lazily from a Config, the
// instants of a pace.Pace and a seed, and equal arguments give the same stream
// whatever the switch does with it. So two switches, or two versions of one,
// meet the same marketplace; and what is right can be said before anything is
// sent.
//
// A booking's whole life is drawn when it opens, storms included, and a Booking
// never changes after that. Bookings and calls are drawn from two sequences: a
// change of who dials leaves the bookings as they were.
//
// Every call that the market makes takes one instant of the pace, so that the
// rate of a plan is the rate of all dialling. A caller who dials again takes
// the first instant that comes after they are ready; a twin takes the next
// instant's place, and dials together with the other.
//
// Memory follows the live bookings: what has ended is kept for some minutes, a
// few thousand of it, for late callers.
package market
