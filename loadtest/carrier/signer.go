package carrier

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"sync/atomic"

	"filippo.io/edwards25519"
)

// signer signs webhooks: the timestamp, a bar and the raw body, and nothing
// else of the request.
//
// Most of an Ed25519 signature is the multiplication R = rB of a fresh nonce r
// with the base point. A signer whose key was made here, for this run, keeps
// some nonces with their R and uses them over and over, which is ten times
// cheaper, and which every verifier accepts. Two signatures under one nonce
// give the private key away to whoever sees them, so this is for keys that are
// thrown away with the run and protect nothing. A key that was handed in may
// protect something: the standard library signs with it.
type signer struct {
	key    ed25519.PrivateKey
	scalar *edwards25519.Scalar // of a throw-away key; nil: the standard library signs
	next   atomic.Uint32
	nonces [1024]atomic.Pointer[nonce] // made when they are first wanted
}

// nonce is a secret number and its point, encoded.
type nonce struct {
	r     *edwards25519.Scalar
	point [32]byte
}

// newSigner signs with a key, or with one of its own if that is nil.
func newSigner(key ed25519.PrivateKey) *signer {
	if key != nil {
		return &signer{key: key}
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // the system has no randomness: nothing can be signed
	}
	// RFC 8032, 5.1.5: the scalar is the first half of the seed's hash, clamped.
	hash := sha512.Sum512(key.Seed())
	scalar, err := edwards25519.NewScalar().SetBytesWithClamping(hash[:32])
	if err != nil {
		panic(err) // it takes any 32 bytes
	}
	return &signer{key: key, scalar: scalar}
}

// public is the key that verifies.
func (s *signer) public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

// sign appends the signature of stamp, a bar and body in standard base64 to b.
func (s *signer) sign(b []byte, stamp string, body []byte) []byte {
	if s.scalar == nil {
		m := make([]byte, 0, len(stamp)+1+len(body))
		m = append(append(append(m, stamp...), '|'), body...)
		return base64.StdEncoding.AppendEncode(b, ed25519.Sign(s.key, m))
	}
	// RFC 8032, 5.1.6: k = H(R, A, M) and S = r + k a, with a nonce from the
	// table instead of one from the message.
	n := s.nonce(int(s.next.Add(1)) % len(s.nonces))
	h := sha512.New()
	h.Write(n.point[:])
	h.Write(s.key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
	head := append(make([]byte, 0, 32), stamp...)
	h.Write(append(head, '|'))
	h.Write(body)
	var digest [64]byte
	k, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(digest[:0]))
	if err != nil {
		panic(err) // it takes any 64 bytes
	}
	var signature [64]byte
	copy(signature[:], n.point[:])
	copy(signature[32:], k.MultiplyAdd(k, s.scalar, n.r).Bytes())
	return base64.StdEncoding.AppendEncode(b, signature[:])
}

// nonce finds or makes the ith. Two that make it at once make two; either is
// good.
func (s *signer) nonce(i int) *nonce {
	if n := s.nonces[i].Load(); n != nil {
		return n
	}
	var random [64]byte
	rand.Read(random[:])
	r, err := edwards25519.NewScalar().SetUniformBytes(random[:])
	if err != nil {
		panic(err) // it takes any 64 bytes
	}
	n := &nonce{r: r}
	copy(n.point[:], new(edwards25519.Point).ScalarBaseMult(r).Bytes())
	s.nonces[i].Store(n)
	return n
}
