package webhook

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// The key of testdata/signature_vectors.json, made for tests.
var testKey = ed25519.NewKeyFromSeed([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"))

const testPublicKey = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="

type vector struct {
	Name      string `json:"name"`
	Timestamp string `json:"telnyx-timestamp"`
	Signature string `json:"telnyx-signature-ed25519"`
	Body      string `json:"body"`
	BodyFile  string `json:"body_file"`
	VerifyAt  int64  `json:"verify_at_unix"`
	Valid     bool   `json:"valid"`
	Why       string `json:"why"`
}

func vectors(t testing.TB) []vector {
	raw, err := os.ReadFile("testdata/signature_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		PublicKey string   `json:"public_key_base64"`
		Vectors   []vector `json:"vectors"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	if in.PublicKey != testPublicKey || len(in.Vectors) != 16 {
		t.Fatalf("%d vectors for key %s", len(in.Vectors), in.PublicKey)
	}
	for i, v := range in.Vectors {
		if v.BodyFile != "" {
			body, err := os.ReadFile(filepath.Join("testdata", v.BodyFile))
			if err != nil {
				t.Fatal(err)
			}
			in.Vectors[i].Body = string(body)
		}
	}
	return in.Vectors
}

func (v vector) header() http.Header {
	h := http.Header{}
	if v.Timestamp != "" {
		h.Set("telnyx-timestamp", v.Timestamp)
	}
	if v.Signature != "" {
		h.Set("telnyx-signature-ed25519", v.Signature)
	}
	return h
}

func verifier(t testing.TB, now func() time.Time) *Verifier {
	v, err := NewVerifier(testPublicKey, 300*time.Second, now)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func at(unix int64) func() time.Time { return func() time.Time { return time.Unix(unix, 0) } }

// sign makes the headers of a genuine delivery.
func sign(body []byte, at time.Time) http.Header {
	ts := strconv.FormatInt(at.Unix(), 10)
	sig := ed25519.Sign(testKey, append([]byte(ts+"|"), body...))
	h := http.Header{}
	h.Set("telnyx-timestamp", ts)
	h.Set("telnyx-signature-ed25519", base64.StdEncoding.EncodeToString(sig))
	return h
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			err := verifier(t, at(v.VerifyAt)).Verify(v.header(), []byte(v.Body))
			if (err == nil) != v.Valid {
				t.Errorf("error %v, valid should be %t: %s", err, v.Valid, v.Why)
			}
			if err != nil && !errors.Is(err, ErrSignature) && !errors.Is(err, ErrStale) {
				t.Errorf("error %v is of no kind", err)
			}
			if stale := strings.Contains(v.Why, "window") || strings.Contains(v.Why, "more than 300"); stale != errors.Is(err, ErrStale) {
				t.Errorf("error %v, stale should be %t", err, stale)
			}
		})
	}
}

// TestStrictness changes one thing each about a delivery that is good.
func TestStrictness(t *testing.T) {
	now := time.Unix(1787583846, 0)
	body := []byte(`{"data":{}}`)
	const sig, ts = "Telnyx-Signature-Ed25519", "Telnyx-Timestamp"
	var tests = []struct {
		story  string
		change func(http.Header)
		want   error
	}{
		{"nothing", func(http.Header) {}, nil},
		{"headers in capitals", func(h http.Header) { v := h.Get(sig); h.Del(sig); h.Set("TELNYX-SIGNATURE-ED25519", v) }, nil},
		{"two signatures", func(h http.Header) { h.Add(sig, h.Get(sig)) }, ErrSignature},
		{"a wrong signature, then the right one", func(h http.Header) { h[sig] = []string{strings.Repeat("A", 86) + "==", h.Get(sig)} }, ErrSignature},
		{"two timestamps", func(h http.Header) { h.Add(ts, h.Get(ts)) }, ErrSignature},
		{"no headers", func(h http.Header) { clear(h) }, ErrSignature},
		{"a space before the signature", func(h http.Header) { h.Set(sig, " "+h.Get(sig)) }, ErrSignature},
		{"a line break in the signature", func(h http.Header) { h.Set(sig, h.Get(sig)[:40]+"\n"+h.Get(sig)[40:]) }, ErrSignature},
		{"line breaks for the last bytes", func(h http.Header) { h.Set(sig, h.Get(sig)[:84]+"\n\n\n\n") }, ErrSignature},
		{"the URL alphabet", func(h http.Header) { h.Set(sig, strings.NewReplacer("+", "-", "/", "_").Replace(h.Get(sig))) }, ErrSignature},
		{"no padding", func(h http.Header) { h.Set(sig, strings.TrimRight(h.Get(sig), "=")) }, ErrSignature},
		{"65 bytes in as many characters", func(h http.Header) { h.Set(sig, h.Get(sig)[:86]+"A=") }, ErrSignature},
		{"66 bytes in as many characters", func(h http.Header) { h.Set(sig, h.Get(sig)[:86]+"AA") }, ErrSignature},
		{"spare bits set", func(h http.Header) { h.Set(sig, spareBits(h.Get(sig))) }, ErrSignature},
		{"a plus before the timestamp", func(h http.Header) { h.Set(ts, "+"+h.Get(ts)) }, ErrSignature},
		{"a fraction", func(h http.Header) { h.Set(ts, h.Get(ts)+".5") }, ErrSignature},
		{"a space after the timestamp", func(h http.Header) { h.Set(ts, h.Get(ts)+" ") }, ErrSignature},
		{"a zero before the timestamp", func(h http.Header) { h.Set(ts, "0"+h.Get(ts)) }, ErrSignature},
		{"milliseconds", func(h http.Header) { h.Set(ts, h.Get(ts)+"000") }, ErrSignature},
		{"the year 5138", func(h http.Header) { h.Set(ts, "99999999999") }, ErrStale},
		{"1970", func(h http.Header) { h.Set(ts, "0") }, ErrStale},
	}
	for _, test := range tests {
		t.Run(test.story, func(t *testing.T) {
			h := sign(body, now)
			test.change(h)
			if err := verifier(t, func() time.Time { return now }).Verify(h, body); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

// spareBits gives other base64 of the same bytes.
func spareBits(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := strings.IndexByte(alphabet, s[85])
	return s[:85] + string(alphabet[last|1]) + s[86:]
}

func TestSkew(t *testing.T) {
	now := time.Unix(1787583846, 0)
	for _, test := range []struct {
		off  time.Duration
		want error
	}{
		{0, nil}, {300 * time.Second, nil}, {-300 * time.Second, nil},
		{300*time.Second + time.Nanosecond, ErrStale}, {-300*time.Second - time.Nanosecond, ErrStale},
	} {
		v := verifier(t, func() time.Time { return now.Add(test.off) })
		if err := v.Verify(sign(nil, now), nil); !errors.Is(err, test.want) {
			t.Errorf("off by %s: %v, want %v", test.off, err, test.want)
		}
	}
}

func TestBlankKeyRefusesAll(t *testing.T) {
	for _, key := range []string{"", " \n"} {
		v, err := NewVerifier(key, time.Minute, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Verify(sign(nil, time.Now()), nil); !errors.Is(err, ErrSignature) {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func TestBadKeysSayWhatIsExpected(t *testing.T) {
	for _, key := range []string{"x", "KEY0123_secret", testPublicKey[:40], testPublicKey + testPublicKey, strings.Repeat("0", 64)} {
		_, err := NewVerifier(key, time.Minute, nil)
		if err == nil || !strings.Contains(err.Error(), "32 bytes") || len(key) > 1 && strings.Contains(err.Error(), key) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	if _, err := NewVerifier(testPublicKey, 0, nil); err == nil {
		t.Error("no tolerance was taken")
	}
	if _, err := NewVerifier(testPublicKey+"\n", time.Minute, nil); err != nil {
		t.Errorf("a pasted line break: %v", err)
	}
}

// FuzzVerify: whatever is accepted is accepted by the plain reading of the
// carrier's SDKs too.
func FuzzVerify(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Timestamp, v.Signature, []byte(v.Body), v.VerifyAt)
	}
	good := vectors(f)[0]
	f.Add(good.Timestamp, good.Signature[:86]+"A=", []byte(good.Body), good.VerifyAt)
	f.Add(good.Timestamp, good.Signature[:86]+"AA", []byte(good.Body), good.VerifyAt)
	f.Add(good.Timestamp, good.Signature[:84]+"\n\n\n\n", []byte(good.Body), good.VerifyAt)
	f.Fuzz(func(t *testing.T, timestamp, signature string, body []byte, now int64) {
		h := vector{Timestamp: timestamp, Signature: signature}.header()
		err := verifier(t, at(now)).Verify(h, body)
		if err != nil {
			if !errors.Is(err, ErrSignature) && !errors.Is(err, ErrStale) {
				t.Errorf("error %v is of no kind", err)
			}
			return
		}
		sig, _ := base64.StdEncoding.DecodeString(signature)
		ts, parseErr := strconv.ParseInt(timestamp, 10, 64)
		off := time.Unix(now, 0).Sub(time.Unix(ts, 0))
		if len(sig) != 64 || parseErr != nil || off.Abs() > 300*time.Second ||
			!ed25519.Verify(testKey.Public().(ed25519.PublicKey), bytes.Join([][]byte{[]byte(timestamp), body}, []byte("|")), sig) {
			t.Errorf("accepted %q %q at %d", timestamp, signature, now)
		}
	})
}

// FuzzAsStdlib: the library that verifies judges every key and signature as
// crypto/ed25519 does, the odd ones of small order among them.
func FuzzAsStdlib(f *testing.F) {
	for _, v := range vectors(f) {
		sig, _ := base64.StdEncoding.DecodeString(v.Signature)
		f.Add([]byte(testKey.Public().(ed25519.PublicKey)), append([]byte(v.Timestamp+"|"), v.Body...), sig)
	}
	for _, key := range []string{ // of small order, or not canonical
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	} {
		k, err := hex.DecodeString(key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(k, []byte("m"), make([]byte, 64))
		f.Add(k, []byte("m"), append(slices.Clone(k), make([]byte, 32)...))
		f.Add([]byte(testKey.Public().(ed25519.PublicKey)), []byte("m"), append(slices.Clone(k), make([]byte, 32)...))
	}
	f.Fuzz(func(t *testing.T, key, message, signature []byte) {
		if len(key) != ed25519.PublicKeySize || len(signature) != ed25519.SignatureSize {
			return
		}
		want := ed25519.Verify(key, message, signature)
		got := false
		if expanded, err := voi.NewExpandedPublicKey(key); err == nil {
			got = voi.VerifyExpandedWithOptions(expanded, message, signature, asStdlib)
		}
		if got != want {
			t.Errorf("key %x signature %x: %v, crypto/ed25519 says %v", key, signature, got, want)
		}
	})
}
