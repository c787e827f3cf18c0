package carrier

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"testing"
)

func verifies(t *testing.T, s *signer, stamp string, body []byte) {
	t.Helper()
	sig, err := base64.StdEncoding.DecodeString(string(s.sign(nil, stamp, body)))
	if err != nil {
		t.Fatal(err)
	}
	message := append([]byte(stamp+"|"), body...)
	if !ed25519.Verify(s.public(), message, sig) {
		t.Fatalf("crypto/ed25519 refuses the signature of %q", message)
	}
	for _, at := range []int{0, len(message) / 2, len(message) - 1} {
		message[at] ^= 1
		if ed25519.Verify(s.public(), message, sig) {
			t.Fatalf("the signature does not cover byte %d", at)
		}
		message[at] ^= 1
	}
}

func FuzzSignaturesVerify(f *testing.F) {
	f.Add("1760000000", []byte(`{"data":{}}`))
	f.Add("", []byte{})
	f.Add("123456789012345678901234567890123456789", bytes.Repeat([]byte("x"), 5000))
	own := newSigner(nil)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	given := newSigner(key)
	f.Fuzz(func(t *testing.T, stamp string, body []byte) {
		verifies(t, own, stamp, body)
		verifies(t, given, stamp, body)
	})
}

// TestAGivenKeyIsSafe holds that only a key of our own meets a nonce twice.
func TestAGivenKeyIsSafe(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Config{PrivateKey: key})
	defer c.Close()
	const rounds = 2 * len(c.signer.nonces)
	signature := func(s *signer, i int) (body, sig []byte) {
		body = []byte{byte(i), byte(i >> 8)}
		sig, err := base64.StdEncoding.DecodeString(string(s.sign(nil, "1", body)))
		if err != nil {
			t.Fatal(err)
		}
		return body, sig
	}
	seen := map[string]bool{}
	for i := range rounds {
		body, sig := signature(c.signer, i)
		if want := ed25519.Sign(key, append([]byte("1|"), body...)); !bytes.Equal(sig, want) {
			t.Fatal("it is not the signature that the standard library makes")
		}
		seen[string(sig[:32])] = true
	}
	if len(seen) != rounds {
		t.Errorf("%d nonces for %d messages", len(seen), rounds)
	}
	own := New(Config{})
	defer own.Close()
	again := map[string]bool{}
	for i := range rounds {
		_, sig := signature(own.signer, i)
		again[string(sig[:32])] = true
	}
	if len(again) != len(own.signer.nonces) {
		t.Errorf("%d nonces of an own key, want those of the table, %d", len(again), len(own.signer.nonces))
	}
}

func BenchmarkSign(b *testing.B) {
	s, body := newSigner(nil), bytes.Repeat([]byte("x"), 1300)
	for range len(s.nonces) {
		s.sign(nil, "1760000000", body)
	}
	var out []byte
	for b.Loop() {
		out = s.sign(out[:0], "1760000000", body)
	}
}
