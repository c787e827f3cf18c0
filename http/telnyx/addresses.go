package telnyx

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errPrivate says that a name has led to an address that is not of the internet.
var errPrivate = errors.New("its address belongs to a private network")

// reserved has what is global by its bits alone, and is nobody's on the internet
// (IANA's registries of special-purpose addresses).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),    // behind a carrier's NAT; some clouds' metadata
	netip.MustParsePrefix("168.63.129.16/32"), // Azure's own, inside of each of its networks
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), // Teredo, which has an IPv4 address inside
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4, which has one too
	netip.MustParsePrefix("3fff::/20"),
}

var (
	internet6 = netip.MustParsePrefix("2000::/3")
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
)

// public says whether an address is one of the internet. What stands for an
// IPv4 address is judged as that.
func public(ip netip.Addr) bool {
	if ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	if nat64.Contains(ip) { // a network of IPv6 alone reaches IPv4 so
		last := ip.As16()
		ip = netip.AddrFrom4([4]byte(last[12:]))
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is6() && !internet6.Contains(ip) {
		return false
	}
	for _, prefix := range reserved {
		if prefix.Contains(ip) {
			return false
		}
	}
	return true
}

// onlyPublic is asked by the dialer for each address, after the name has been
// looked up and before a packet leaves: a name cannot lead somewhere else later.
func onlyPublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !public(to.Addr()) {
		return errPrivate
	}
	return nil
}

// newDownloader makes the way to recordings, for names that names looks up
// (nil: the system's way). It goes through no proxy, whatever
// the environment says: a proxy looks names up by itself, and the check of the
// addresses would be of the proxy's. HTTP/2 is left out since there one slow
// recording could hold up the others on its connection.
func newDownloader(private bool, names *net.Resolver) *http.Transport {
	dialer := &net.Dialer{Resolver: names, Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	if !private {
		dialer.ControlContext = onlyPublic
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    4,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // what comes is what was signed for, byte for byte
	}
}
