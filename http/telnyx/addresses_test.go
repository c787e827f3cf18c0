package telnyx

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

func TestPublicAddresses(t *testing.T) {
	for _, s := range []string{
		"52.216.0.1", "16.15.0.1", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "169.253.0.1", "223.255.255.1",
		"2600:1fa0:80e0::1", "2a05:d07a:a000::1", "::ffff:52.216.0.1", "64:ff9b::34d8:1",
	} {
		if !public(netip.MustParseAddr(s)) {
			t.Errorf("%s is refused", s)
		}
	}
	for _, s := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
		"127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255",
		"192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.9",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "2600::1%eth0", "fec0::1",
		"fc00::1", "fd00:ec2::254", "ff02::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "3fff::1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "5f00::1", "4000::1",
	} {
		if public(netip.MustParseAddr(s)) {
			t.Errorf("%s is taken", s)
		}
	}
}

// TestDialsOnlyPublic goes through the dialer itself, to a port that listens.
func TestDialsOnlyPublic(t *testing.T) {
	s, opened := server(t, func(http.ResponseWriter, *http.Request) {})
	address := s.Listener.Addr().String()
	if _, err := newDownloader(false, nil).DialContext(t.Context(), "tcp", address); !errors.Is(err, errPrivate) {
		t.Errorf("error %v", err)
	}
	if opened.Load() != 0 {
		t.Error("there was a connection")
	}
	conn, err := newDownloader(true, nil).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal("an origin that the operator named:", err)
	}
	conn.Close()
}

// TestNamesThatLeadInside: the link is fine, its name is not.
func TestNamesThatLeadInside(t *testing.T) {
	for _, inside := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:127.0.0.1"} {
		r := NewRecordings(newClient(t, nil), RecordingsConfig{})
		r.public = newDownloader(false, resolver(t, netip.MustParseAddr(inside)))
		for _, link := range []protocol.Secret{goodLink, "https://media.telnyx.com/a.mp3"} {
			_, err := r.Download(t.Context(), link)
			var failed *protocol.RecordingError
			if !errors.As(err, &failed) || failed.Trouble != protocol.TroubleLink {
				t.Errorf("%s: %v", inside, err)
			}
		}
	}
}

// resolver finds one address for every name.
func resolver(t *testing.T, ip netip.Addr) *net.Resolver {
	names, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { names.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := names.ReadFrom(buf)
			if err != nil {
				return
			}
			names.WriteTo(answerName(buf[:n], ip), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "udp", names.LocalAddr().String())
	}}
}

// answerName answers a question of the DNS (RFC 1035, section 4) with ip, if it
// is of the kind that was asked for.
func answerName(query []byte, ip netip.Addr) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the root, the type, the class
	kind := binary.BigEndian.Uint16(query[end-4:])
	out := append([]byte(nil), query[:end]...)
	binary.BigEndian.PutUint16(out[2:], 0x8180) // an answer, with recursion
	clear(out[6:12])
	if raw := ip.AsSlice(); kind == 1 && len(raw) == 4 || kind == 28 && len(raw) == 16 {
		out[7] = 1
		out = append(out, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(raw)))
		out = append(out, raw...)
	}
	return out
}
