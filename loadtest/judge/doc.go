// Package judge says whether a switch did its job. It keeps what the
// marketplaces were promised (the Register's bookings), takes the carrier's
// ledger of each call as the truth about that call, and holds one against the
// other.
//
// What it promises:
//
//   - Nothing uncertain leads to a finding. A request that was sent and not
//     answered may or may not have been carried out, so each booking has
//     intervals in which it certainly lived or certainly did not, and what
//     falls between them may go either way. An end by the clock is certain only
//     Config.Fuzz away from the instant that was told.
//   - Who may reach whom is a matter of (number, party), as it is for the
//     switch: the plan's word for a caller ("stranger") only names a finding.
//   - Whose booking on the number has ended may be rejected, or be answered, told
//     so to the end of the sentence, and released. Nobody else who is to be
//     refused may be answered.
//   - What a booking asked for decides how its checkout meets a talk: it goes on,
//     or it is cut no sooner than the grace after the end, and not much later.
//   - A command is owed from the instant at which the event that calls for it
//     was taken. An event that the world delayed is owed nothing while it is
//     delayed; one that the switch turned away without need is owed from then.
//   - A recording is what the carrier made, byte for byte: the switch is asked for
//     the recordings of each booking that has some, and for their audio. It may
//     still be fetching them, so the judge can be asked again and again.
//   - A fault excuses that a call failed. It never excuses a wrong connection, a
//     number shown, a command that took effect twice, or legs that live on.
//
// A Register is safe for use by many goroutines. Judge reads the bookings and
// keeps nothing of a call but hashes of its legs, so that commands that come
// late are not taken for strays. Bookings are dropped some minutes after they
// ended.
package judge
