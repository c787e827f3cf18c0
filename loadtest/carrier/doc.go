// Package carrier is a whole telephone carrier in one process: the Call Control
// API of Telnyx over real HTTP, the people behind the phones, and signed
// webhooks with everything that goes wrong with them.
//
// What it promises:
//
//   - The wire is the carrier's. Commands are checked as the published API
//     checks them, and harder where that helps a test: a member it does not
//     know is refused, so that a misspelt field is found. Events have the
//     members of the published samples. Where the documents say nothing, the
//     comment at that place says what was chosen.
//   - The truth is kept. Each Call has a Ledger of all that happened: events
//     with every delivery, commands with what became of them, who was connected
//     to whom. Verdicts are drawn from it, never from what the switch says.
//   - Faults are decided by a hash of the seed and of what they befall (the nth
//     call, the leg, the kind, the attempt), never by the order in which
//     goroutines run: the same seed meets the same faults. Ids are random, so
//     that two runs against one store do not collide.
//
// Each Call owns its legs behind one mutex. Nothing under that mutex waits: an
// event is built there and handed to a bounded set of senders, so a slow
// switch delays its own webhooks and nobody's call. Hooks (OnCommand,
// OnDelivery) and the Observer run outside of it and may ask the call anything.
//
// It is made to share a machine with the switch that it tests, so it does by
// hand what it does nine times a call: BenchmarkCost says what is left. All
// that is due later, people's doings among it, is run by one goroutine in steps
// of a millisecond; what is late by that happens late, and its event says when
// it happened. Only the first event of a call is due when the plan says.
//
// The rules of commands are held against the published schema by a test, which
// lists where they differ and why.
//
// Recordings outlive their calls (Config.Shelf). Their files are made while they
// are read, the same each time, and are served as a storage service would: by a
// signed link that expires, to nobody who shows a key. What it was asked for
// stands in Recordings, KeyLeaks and Completions, whatever became of the call.
//
// Not played: dialling (POST /calls), bridge, gather, conferences,
// transcription of a call that goes on, the logs of events and deliveries; of
// the numbers API reservations, regulatory documents and what is not for voice.
package carrier
