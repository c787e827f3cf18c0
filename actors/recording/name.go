package recording

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"maskswitch/actors/protocol"
)

// nameBytes is how long the last part of a name may grow before a hash stands in
// for it: file systems take 255 bytes.
const nameBytes = 150

// Name is the name of a recording in the archive: the day it began (UTC), its
// booking, its id. It follows from facts that never change, so that whoever
// brings a recording, and however often, brings it to one place; two recordings
// never share one, not even where upper and lower case are the same.
func Name(r protocol.Recording) string {
	began := r.StartedAt
	if began.IsZero() {
		began = r.NoticedAt
	}
	booking := "unknown"
	if r.Booking != (protocol.BookingID{}) {
		booking = r.Booking.String()
	}
	ending := "audio" // the carrier has not told
	switch r.Format {
	case "mp3", "wav":
		ending = r.Format
	}
	return began.UTC().Format("2006/01/02/") + booking + "/" + plain(string(r.ID)) + "." + ending
}

// plain writes an id with the characters that every archive takes as they are.
func plain(id string) string {
	var b strings.Builder
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02x", c)
		}
	}
	if b.Len() > nameBytes {
		sum := sha256.Sum256([]byte(id))
		return "sha256=" + hex.EncodeToString(sum[:])
	}
	return b.String()
}
