package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// The carrier's headers, in the spelling that net/http gives to every case.
const (
	signatureHeader = "Telnyx-Signature-Ed25519"
	timestampHeader = "Telnyx-Timestamp"
)

// ErrSignature says that nobody who holds the carrier's key signed this.
var ErrSignature = errors.New("invalid signature")

// ErrStale says that the carrier's timestamp is too far from our clock, either
// way: a replay, or two clocks that differ.
var ErrStale = errors.New("stale timestamp")

// One value for each refusal: whoever sends garbage gets no work out of us.
var (
	errNoKey      = fmt.Errorf("%w: no public key is configured, so every webhook is refused", ErrSignature)
	errHeaders    = fmt.Errorf("%w: one %s and one %s header are expected", ErrSignature, signatureHeader, timestampHeader)
	errTimestamp  = fmt.Errorf("%w: the timestamp is not a number of seconds", ErrSignature)
	errEncoding   = fmt.Errorf("%w: the signature is not 64 bytes in standard base64", ErrSignature)
	errMismatch   = fmt.Errorf("%w: it does not fit the body and the configured public key", ErrSignature)
	errTimestamps = fmt.Errorf("%w: it differs from our clock by more than is allowed", ErrStale)
)

// Verifier checks that the carrier sent a webhook: Ed25519 over the timestamp
// header, a pipe, and the raw body. URL, method and other headers are not
// signed. It is safe for concurrent use.
//
// It is stricter than the carrier's SDKs, which take the first of several
// headers, a sign before the timestamp, and line breaks or spare bits inside
// the base64: nothing that one of our parts reads differently from another
// gets in. Whatever it accepts, they accept.
type Verifier struct {
	key  *voi.ExpandedPublicKey // nil: refuse everything
	skew time.Duration
	now  func() time.Time
}

// NewVerifier reads the key as the carrier's portal shows it: standard base64
// of 32 bytes. A blank key gives a Verifier that refuses everything. skew is
// how far the timestamp may be from now, to either side; exactly that far
// passes.
func NewVerifier(publicKeyBase64 string, skew time.Duration, now func() time.Time) (*Verifier, error) {
	if skew <= 0 {
		return nil, fmt.Errorf("webhook timestamp tolerance %s: it must be positive; the carrier's own SDKs use 5m", skew)
	}
	if now == nil {
		now = time.Now
	}
	v := &Verifier{skew: skew, now: now}
	text := strings.TrimSpace(publicKeyBase64)
	if text == "" {
		return v, nil
	}
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		// The text is not repeated: it may be the API key, pasted here.
		return nil, errors.New("webhook public key: base64 of 32 bytes is expected (44 characters ending in =), as the carrier's portal shows it under Keys")
	}
	if v.key, err = voi.NewExpandedPublicKey(key); err != nil {
		return nil, errors.New("webhook public key: these 32 bytes are no Ed25519 key; copy it again from the carrier's portal")
	}
	return v, nil
}

// claim is what the headers say about a delivery, before anything is proven.
type claim struct {
	timestamp string // as it was signed
	signature [ed25519.SignatureSize]byte
}

// claim reads the headers and does all that needs no body, cheapest first.
func (v *Verifier) claim(header http.Header) (claim, error) {
	if v.key == nil {
		return claim{}, errNoKey
	}
	signatures, timestamps := header[signatureHeader], header[timestampHeader]
	if len(signatures) != 1 || len(timestamps) != 1 {
		return claim{}, errHeaders
	}
	c := claim{timestamp: timestamps[0]}
	at, ok := unixSeconds(c.timestamp)
	if !ok {
		return claim{}, errTimestamp
	}
	if off := v.now().Sub(at); off > v.skew || off < -v.skew {
		return claim{}, errTimestamps
	}
	// The length comes first: the decoder skips line breaks.
	if len(signatures[0]) != base64.StdEncoding.EncodedLen(len(c.signature)) {
		return claim{}, errEncoding
	}
	// As many characters may hold two bytes more, and the decoder writes them.
	var decoded [ed25519.SignatureSize + 2]byte
	n, err := base64.StdEncoding.Strict().Decode(decoded[:], []byte(signatures[0]))
	if err != nil || n != len(c.signature) {
		return claim{}, errEncoding
	}
	c.signature = [ed25519.SignatureSize]byte(decoded[:n])
	return c, nil
}

// appendPrefix writes what is signed before the body.
func (c *claim) appendPrefix(b []byte) []byte {
	b = append(b, c.timestamp...)
	return append(b, '|')
}

// asStdlib has signatures judged as crypto/ed25519 judges them; a fuzz test
// holds the two against each other. Verifying is a third of what a webhook
// costs, and for one key that is worked out beforehand voi takes half the time.
var asStdlib = &voi.Options{Verify: voi.VerifyOptionsStdLib}

// holds checks the signature of a whole message: prefix and body.
func (v *Verifier) holds(c *claim, message []byte) error {
	if !voi.VerifyExpandedWithOptions(v.key, message, c.signature[:], asStdlib) {
		return errMismatch
	}
	return nil
}

// Verify says whether the carrier sent body under these headers, lately. The
// error is ErrSignature or ErrStale, with the reason.
func (v *Verifier) Verify(header http.Header, body []byte) error {
	c, err := v.claim(header)
	if err != nil {
		return err
	}
	return v.holds(&c, append(c.appendPrefix(make([]byte, 0, len(c.timestamp)+1+len(body))), body...))
}

// unixSeconds takes digits only, and not more than a time could have.
func unixSeconds(s string) (time.Time, bool) {
	if len(s) == 0 || len(s) > 11 {
		return time.Time{}, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return time.Time{}, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0), err == nil
}
