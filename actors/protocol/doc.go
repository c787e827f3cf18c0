// Package protocol has the words that the parts of the switch say to each
// other: ids, commands, events, outcomes, and the records that are stored.
//
// Everything here is a value: no pointer, map or slice that two actors could
// share, Delivery's function excepted. Wire names of the carrier stop before
// this package, and so do the names of the REST fields.
package protocol
