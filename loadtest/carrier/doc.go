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
// OnDelivery) run outside of it and may ask the call anything.
//
// Not played: bridge, gather, conferences, transcription, the number API.
package carrier
