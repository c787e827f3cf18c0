package telnyx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"maskswitch/actors/protocol"
)

// A link as the carrier signs them, in parts.
const (
	s3Object  = "/telephony-recorder-prod/00000000-0000-4000-8000-000000000000/2026-08-24/5b1f0f9a-7d11-11f1-a2d3-02420a1f0b69-1787583853.mp3"
	s3Sign    = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=EXAMPLE%2F20260824%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260824T150521Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=5ec2e7"
	goodLink  = "https://s3.amazonaws.com" + s3Object + s3Sign
	bucketOne = "/telephony-recorder-prod/a.mp3"
)

func hosts(t testing.TB, list string) RecordingHosts {
	t.Helper()
	h, err := ParseRecordingHosts(list)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// goodLinks are followed: to which host, whether with the key, and whether into
// a private network.
var goodLinks = []struct {
	link, list   string
	key, private bool
}{
	{goodLink, "", false, false},
	{"https://s3.amazonaws.com/telephony-recorder-prod/a%20b%2Bc.mp3", "", false, false},
	{"HTTPS://S3.Amazonaws.com" + bucketOne, "", false, false},
	{"https://s3.eu-central-1.amazonaws.com/telephony-recorder-prod-fr5/x/y.wav" + s3Sign, "", false, false},
	{"https://s3.us-gov-west-1.amazonaws.com" + bucketOne, "", false, false},
	{"https://telephony-recorder-prod.s3.amazonaws.com/a.mp3" + s3Sign, "", false, false},
	{"https://telephony-recorder-prod-fr5.s3.eu-central-1.amazonaws.com/x/a.mp3", "", false, false},
	{"https://media.telnyx.com/recordings/a.mp3", "", true, false},
	{"https://a.b.telnyx.com/x?y=z", "", true, false},
	{"https://recordings.example.com/a.mp3", "recordings.example.com", false, false},
	{"https://xn--bcher-kva.example.com/a.mp3", "xn--bcher-kva.example.com", false, false},
	{"http://127.0.0.1:8080/a.mp3", "x.example.com, http://127.0.0.1:8080", false, true},
	{"http://[::1]:8080/a.mp3", "http://[::1]:8080", false, true},
	{"https://store.internal:9000/bucket/a.mp3", "https://store.internal:9000/", false, true},
	{"http://store/a.mp3", "http://store:80", false, true},
	// An origin that the operator named does not get the key, whatever its name.
	{"https://media.telnyx.com:8443/a.mp3", "https://media.telnyx.com:8443", false, true},
}

func TestGoodLinks(t *testing.T) {
	for _, test := range goodLinks {
		to, err := hosts(t, test.list).check(test.link)
		if err != nil || to.key != test.key || to.private != test.private {
			t.Errorf("%s: key %t, private %t, %v", test.link, to.key, to.private, err)
			continue
		}
		want, err := url.Parse(test.link)
		if err != nil || to.url.RequestURI() != want.RequestURI() || !strings.EqualFold(to.url.Host, want.Host) {
			t.Errorf("%s became %s", test.link, to.url)
		}
	}
}

// hostile links are refused while recordings.example.com and two origins are
// allowed besides the carrier's own hosts.
const hostileHosts = "recordings.example.com,http://127.0.0.1:8080,https://store.internal:9000"

var hostileLinks = []struct{ story, link string }{
	{"nothing", ""},
	{"no URL", "recording.mp3"},
	{"only a host", "https://s3.amazonaws.com"},
	{"no path", "https://s3.amazonaws.com/"},
	{"no path, but a query", "https://media.telnyx.com?a=b"},
	{"no host", "https:///telephony-recorder-prod/a.mp3"},
	{"no scheme", "//s3.amazonaws.com" + bucketOne},
	{"opaque", "https:s3.amazonaws.com" + bucketOne},
	{"one slash", "https:/s3.amazonaws.com" + bucketOne},
	{"http", "http://s3.amazonaws.com" + bucketOne},
	{"http to the carrier", "http://media.telnyx.com/a.mp3"},
	{"ftp", "ftp://s3.amazonaws.com" + bucketOne},
	{"a file", "file:///etc/passwd"},
	{"a file by its host", "file://s3.amazonaws.com" + bucketOne},
	{"gopher", "gopher://s3.amazonaws.com" + bucketOne},
	{"a bucket's URI", "s3://telephony-recorder-prod/a.mp3"},
	{"data", "data:audio/mpeg;base64,AAAA"},
	{"a space before it", " " + goodLink},
	{"a line break behind it", goodLink + "\n"},
	{"a header in it", "https://s3.amazonaws.com/telephony-recorder-prod/a\r\nX-Evil: 1"},
	{"a byte 0", "https://s3.amazonaws.com\x00.example.com" + bucketOne},
	{"a tab in the scheme", "ht\ttps://s3.amazonaws.com" + bucketOne},
	{"a user", "https://user@s3.amazonaws.com" + bucketOne},
	{"a user and a password", "https://user:s3cr3t@s3.amazonaws.com" + bucketOne},
	{"the host as a user", "https://s3.amazonaws.com@evil.example.com" + bucketOne},
	{"the host as a user, with a path", "https://evil.example.com/@s3.amazonaws.com" + bucketOne},
	{"the host as a user, escaped", "https://s3.amazonaws.com%40evil.example.com" + bucketOne},
	{"an empty user", "https://@s3.amazonaws.com" + bucketOne},
	{"the default port, spelled out", "https://s3.amazonaws.com:443" + bucketOne},
	{"another port", "https://s3.amazonaws.com:22" + bucketOne},
	{"an empty port", "https://s3.amazonaws.com:" + bucketOne},
	{"the carrier's host at another port", "https://media.telnyx.com:8443/a.mp3"},
	{"a host of ours at another port", "https://recordings.example.com:8443/a.mp3"},
	{"a host of ours by http", "http://recordings.example.com/a.mp3"},
	{"a trailing dot", "https://s3.amazonaws.com." + bucketOne},
	{"a trailing dot of the carrier's", "https://media.telnyx.com./a.mp3"},
	{"a leading dot", "https://.telnyx.com/a.mp3"},
	{"two dots", "https://media..telnyx.com/a.mp3"},
	{"the carrier's domain alone", "https://telnyx.com/a.mp3"},
	{"a host that ends like the carrier's", "https://eviltelnyx.com/a.mp3"},
	{"a host that begins like the carrier's", "https://media.telnyx.com.evil.example.com/a.mp3"},
	{"another top level", "https://media.telnyx.co/a.mp3"},
	{"a label of an underscore", "https://a_b.telnyx.com/a.mp3"},
	{"a label that begins with a hyphen", "https://-a.telnyx.com/a.mp3"},
	{"a wide letter", "https://media.tеlnyx.com/a.mp3"},
	{"a wide dot", "https://s3。amazonaws。com" + bucketOne},
	{"a letter that folds into k", "https://recordings.example.com\u212A/a.mp3"},
	{"punycode", "https://xn--mdia-bpa.telnyx.com/a.mp3"},
	{"punycode for the whole", "https://media.xn--telnx-5ta.com/a.mp3"},
	{"an escape in the host", "https://s3%2eamazonaws.com" + bucketOne},
	{"this machine", "https://127.0.0.1/a.mp3"},
	{"this machine by name", "https://localhost/a.mp3"},
	{"an origin at another port", "http://127.0.0.1:8081/a.mp3"},
	{"an origin by https", "https://127.0.0.1:8080/a.mp3"},
	{"an origin without its port", "http://127.0.0.1/a.mp3"},
	{"an origin with a user", "http://user@127.0.0.1:8080/a.mp3"},
	{"an origin as a user", "http://127.0.0.1:8080@evil.example.com/a.mp3"},
	{"an origin, and more of it", "http://127.0.0.1:80800/a.mp3"},
	{"a host of the origin's", "https://store.internal/a.mp3"},
	{"decimal", "https://2130706433/a.mp3"},
	{"octal", "https://0177.0.0.1/a.mp3"},
	{"hexadecimal", "https://0x7f000001/a.mp3"},
	{"a short address", "https://127.1/a.mp3"},
	{"IPv6", "https://[::1]/a.mp3"},
	{"IPv6 with IPv4 inside", "https://[::ffff:127.0.0.1]/a.mp3"},
	{"IPv6 with a zone", "https://[fe80::1%25eth0]/a.mp3"},
	{"metadata", "https://169.254.169.254/latest/meta-data/iam/"},
	{"metadata by name", "https://metadata.google.internal/computeMetadata/v1/"},
	{"somebody else's bucket", "https://s3.amazonaws.com/evil/a.mp3"},
	{"a bucket that has the name inside", "https://s3.amazonaws.com/evil-telephony-recorder-prod/a.mp3"},
	{"a bucket with the prefix alone", "https://s3.amazonaws.com/telephony-recorder-/a.mp3"},
	{"a bucket in capitals", "https://s3.amazonaws.com/Telephony-Recorder-Prod/a.mp3"},
	{"a list of a bucket", "https://s3.amazonaws.com/telephony-recorder-prod"},
	{"a list of a bucket, with a slash", "https://s3.amazonaws.com/telephony-recorder-prod/"},
	{"the bucket as an object", "https://s3.amazonaws.com/evil/telephony-recorder-prod/a.mp3"},
	{"somebody else's bucket as a host", "https://evil.s3.amazonaws.com/telephony-recorder-prod/a.mp3"},
	{"a bucket's host with the prefix alone", "https://telephony-recorder-.s3.amazonaws.com/a.mp3"},
	{"a bucket's host with a dot", "https://telephony-recorder-prod.evil.s3.amazonaws.com/a.mp3"},
	{"another service", "https://telephony-recorder-prod.ec2.amazonaws.com/a.mp3"},
	{"another service of the region's", "https://ec2.us-east-1.amazonaws.com" + bucketOne},
	{"a website of S3's", "https://telephony-recorder-prod.s3-website.us-east-1.amazonaws.com/a.mp3"},
	{"a region that is none", "https://s3.evil.amazonaws.com" + bucketOne},
	{"amazonaws as a label", "https://s3.amazonaws.com.evil.example.com" + bucketOne},
	{"a host that ends like S3's", "https://evils3.amazonaws.com" + bucketOne},
	{"the other China", "https://s3.cn-north-1.amazonaws.com.cn" + bucketOne},
	{"up", "https://s3.amazonaws.com/telephony-recorder-prod/../evil/a.mp3"},
	{"up, escaped", "https://s3.amazonaws.com/telephony-recorder-prod/%2e%2e/evil/a.mp3"},
	{"up, half escaped", "https://s3.amazonaws.com/telephony-recorder-prod/.%2E/evil/a.mp3"},
	{"up, escaped twice", "https://s3.amazonaws.com/telephony-recorder-prod/%252e%252e/evil/a.mp3"},
	{"up at the end", "https://s3.amazonaws.com/telephony-recorder-prod/.."},
	{"up with parameters", "https://s3.amazonaws.com/telephony-recorder-prod/..;/evil/a.mp3"},
	{"here", "https://s3.amazonaws.com/./telephony-recorder-prod/a.mp3"},
	{"an empty segment", "https://s3.amazonaws.com//telephony-recorder-prod/a.mp3"},
	{"an empty segment inside", "https://s3.amazonaws.com/telephony-recorder-prod//a.mp3"},
	{"an escaped slash", "https://s3.amazonaws.com/telephony-recorder-prod%2fa.mp3"},
	{"an escaped slash that climbs", "https://s3.amazonaws.com/telephony-recorder-prod/..%2Fevil/a.mp3"},
	{"an escaped slash on a host of ours", "https://recordings.example.com/a%2f..%2f..%2fadmin"},
	{"an escaped slash that does not climb", "https://recordings.example.com/a%2fb.mp3"},
	{"a host that ends like ours", "https://evilrecordings.example.com/a.mp3"},
	{"a host below ours", "https://evil.recordings.example.com/a.mp3"},
	{"a backslash", `https://s3.amazonaws.com\@evil.example.com` + bucketOne},
	{"a backslash in the path", `https://s3.amazonaws.com/telephony-recorder-prod/..\evil`},
	{"an escaped backslash", "https://s3.amazonaws.com/telephony-recorder-prod/..%5cevil/a.mp3"},
	{"an escaped byte 0", "https://s3.amazonaws.com/telephony-recorder-prod/a%00.mp3"},
	{"an escaped line break", "https://s3.amazonaws.com/telephony-recorder-prod/a%0d%0aX:1"},
	{"a broken escape", "https://s3.amazonaws.com/telephony-recorder-prod/a%zz"},
	{"half an escape", "https://s3.amazonaws.com/telephony-recorder-prod/a%2"},
	{"a broken escape in the query", goodLink + "&a=%zz"},
	{"a fragment", goodLink + "#x"},
	{"a fragment in the host", "https://s3.amazonaws.com#.evil.example.com" + bucketOne},
	{"a question in the host", "https://evil.example.com?.s3.amazonaws.com" + bucketOne},
	{"quotes", `https://s3.amazonaws.com/telephony-recorder-prod/"a".mp3`},
	{"braces", "https://s3.amazonaws.com/telephony-recorder-prod/{a}.mp3"},
	{"too long", "https://s3.amazonaws.com/telephony-recorder-prod/" + strings.Repeat("a", maxLink)},
}

// wired has both ways of a Recordings lead to a dialer that counts.
func wired(t testing.TB, list string) (*Recordings, *atomic.Int64) {
	r := NewRecordings(newClient(t, nil), RecordingsConfig{Hosts: hosts(t, list)})
	var dialed atomic.Int64
	for _, way := range []http.RoundTripper{r.public, r.private} {
		way.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			dialed.Add(1)
			return nil, errors.New("dialed")
		}
	}
	return r, &dialed
}

func TestHostileLinks(t *testing.T) {
	if len(hostileLinks) < 60 {
		t.Fatalf("%d links", len(hostileLinks))
	}
	r, dialed := wired(t, hostileHosts)
	for _, test := range hostileLinks {
		audio, err := r.Download(t.Context(), protocol.Secret(test.link))
		var failed *protocol.RecordingError
		if !errors.As(err, &failed) || failed.Trouble != protocol.TroubleLink || failed.Detail == "" || audio.ReadCloser != nil {
			t.Errorf("%s: %v", test.story, err)
			continue
		}
		if strings.Contains(failed.Detail, "s3cr3t") || strings.Contains(failed.Detail, "/telephony-recorder-") || strings.Contains(failed.Detail, "X-Amz") {
			t.Errorf("%s: the link is in %q", test.story, failed.Detail)
		}
	}
	if n := dialed.Load(); n != 0 {
		t.Errorf("%d connections for links that are refused", n)
	}
	// The dialer does count what is not refused.
	if _, err := r.Download(t.Context(), goodLink); err == nil || dialed.Load() != 1 {
		t.Errorf("%d connections for a good link, %v", dialed.Load(), err)
	}
}

func TestParseRecordingHosts(t *testing.T) {
	got := hosts(t, " A.Example.com,,a.example.com , HTTP://127.0.0.1:8080/, https://b.example.com:443,https://b.example.com ")
	if strings.Join(got.names, " ") != "a.example.com" || strings.Join(got.origins, " ") != "http://127.0.0.1:8080 https://b.example.com" {
		t.Errorf("got %q", got)
	}
	for _, test := range []struct{ list, want string }{
		{"*.example.com", "no wildcards"},
		{"example.com/recordings", "nothing else"},
		{"user@example.com", "nothing else"},
		{"example.com:8443", "scheme is needed"},
		{"192.0.2.7", "scheme is needed"},
		{"0x7f000001", "scheme is needed"},
		{"[::1]", "scheme is needed"},
		{"localhost", "without a dot"},
		{"example.com.", "no name of a host"},
		{"bücher.example.com", "xn--"},
		{"boo\u212A.example.com", "xn--"},
		{"a b.example.com", "no name of a host"},
		{"ftp://example.com", "https or http"},
		{"https://", "must be a scheme"},
		{"https://example.com/recordings", "must be a scheme"},
		{"https://example.com?a", "must be a scheme"},
		{"https://example.com?", "must be a scheme"},
		{"https://example.com:", "must be a scheme"},
		{"https://user:secret@example.com", "must be a scheme"},
		{"https://*.example.com", "neither an address nor a name"},
		{"https://exa mple.com", "must be a scheme"},
	} {
		_, err := ParseRecordingHosts("fine.example.com," + test.list)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "fine") {
			t.Errorf("%q: %v", test.list, err)
		}
	}
	if _, err := ParseRecordingHosts("*.a.example,localhost"); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults in %v", err)
	}
}

// FuzzLinks: what is let through leads by https to a host that is known, or to
// an origin that is named, and does not climb; the key goes to the carrier only.
func FuzzLinks(f *testing.F) {
	for _, test := range hostileLinks {
		f.Add(test.link)
	}
	for _, test := range goodLinks {
		f.Add(test.link)
	}
	allowed := hosts(f, hostileHosts)
	f.Fuzz(func(t *testing.T, link string) {
		to, err := allowed.check(link)
		if err != nil {
			return
		}
		request := to.url.String()
		again, err := url.Parse(request)
		if err != nil || again.Host != to.url.Host || !strings.EqualFold(request[:len(to.origin)], link[:len(to.origin)]) || request[len(to.origin):] != link[len(to.origin):] {
			t.Fatalf("%q became %q, %v", link, request, err)
		}
		if again.User != nil || again.Fragment != "" || strings.Contains(again.Path, "..") && (strings.Contains(again.Path, "/../") || strings.HasSuffix(again.Path, "/..")) {
			t.Fatalf("%q was let through", link)
		}
		if to.private {
			if to.key || again.Host != "127.0.0.1:8080" && again.Host != "store.internal:9000" {
				t.Fatalf("%q: private at %q, key %t", link, again.Host, to.key)
			}
			return
		}
		if _, err := netip.ParseAddr(again.Hostname()); err == nil || again.Scheme != "https" || again.Port() != "" {
			t.Fatalf("%q leads to %s", link, to.origin)
		}
		host := again.Host
		carrier := strings.HasSuffix(host, ".telnyx.com")
		s3 := strings.HasSuffix(host, ".amazonaws.com") || host == "s3.amazonaws.com"
		if to.key != carrier || !carrier && !s3 && host != "recordings.example.com" {
			t.Fatalf("%q: key %t at %q", link, to.key, host)
		}
		if s3 && !strings.HasPrefix(host, bucketPrefix) && !strings.HasPrefix(again.Path, "/"+bucketPrefix) {
			t.Fatalf("%q leads to another bucket", link)
		}
	})
}
