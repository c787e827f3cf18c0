package order

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Import lists the active numbers of the account that can join the pool, and
// those that were selected and cannot. connection is the application whose calls
// we get; empty: any. It blocks while the carrier is asked; its errors are
// protocol.Errors.
func Import(ctx context.Context, carrier Carrier, q protocol.ImportNumbers, connection string) ([]phone.Number, []protocol.SkippedNumber, error) {
	if (q.Tag == "") == (q.Connection == "") {
		return nil, nil, invalid("several_selections", "tag", "one of tag and connection_id selects the numbers")
	}
	owned, err := carrier.OwnedNumbers(ctx, protocol.OwnedQuery{Tag: q.Tag, Connection: q.Connection, ActiveOnly: true})
	if err != nil {
		return nil, nil, refused(err)
	}
	var taken []phone.Number
	var skipped []protocol.SkippedNumber
	for _, n := range owned {
		if why := unfit(n, q, connection); why != "" {
			skipped = append(skipped, protocol.SkippedNumber{Number: n.Text, Reason: why})
			continue
		}
		taken = append(taken, n.Number)
	}
	return taken, skipped, nil
}

// unfit says why a number cannot be taken.
func unfit(n protocol.OwnedNumber, q protocol.ImportNumbers, connection string) string {
	switch {
	case !n.Number.Known():
		return "it is no E.164 number, so nobody could dial it from elsewhere"
	case n.Status != protocol.OwnedActive:
		return fmt.Sprintf("it is %s, not active", n.Status)
	case q.Tag != "" && !slices.Contains(n.Tags, q.Tag):
		return "the carrier shows it without the tag"
	case q.Connection != "" && n.Connection != q.Connection:
		return "the carrier shows it with another application"
	case n.Connection == "":
		return "no application gets its calls: assign it to ours at the carrier first"
	case q.Tag != "" && connection != "" && n.Connection != connection:
		return "another application gets its calls, so that we would not hear of them: assign it to ours at the carrier first"
	}
	return ""
}

// refused puts the carrier's refusal into words for whoever asked.
func refused(err error) error {
	var refusal *protocol.NumbersError
	if errors.As(err, &refusal) && refusal.Remedy == protocol.RemedyNone {
		return &protocol.Error{
			Kind: protocol.Conflict, Code: "carrier_refused", Err: err,
			Detail: "the carrier refuses: " + refusal.Error() + "; mend that at its portal or in the configuration",
		}
	}
	return &protocol.Error{
		Kind: protocol.Unavailable, Code: "carrier_unavailable", Err: err, Detail: "the carrier gives no answer that helps; try again",
	}
}
