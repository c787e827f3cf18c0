package telnyx

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Where a link to a recording may lead.
//
// A link comes from outside and is fetched from inside of our network, so what
// is not known to be the carrier's store is refused before a name is looked up.
// The text itself is checked, byte by byte, and then once more as net/url reads
// it: two readers that differ about where a link leads are a way around either.

// RecordingHosts are the hosts that links to recordings may lead to, besides the
// carrier's own.
type RecordingHosts struct {
	names   []string // https, default port, public addresses
	origins []string // exactly these: scheme, host and port, as an URL begins
}

// ParseRecordingHosts reads a list with commas. A host, such as
// "recordings.example.com", is taken by https on the default port, and its
// addresses must be public. An origin, such as "http://127.0.0.1:8080", is taken
// exactly as it stands; only so can a link lead to http, to another port, or
// into a private network. The error names every entry that is neither.
func ParseRecordingHosts(list string) (RecordingHosts, error) {
	var hosts RecordingHosts
	var faults []error
	for entry := range strings.SplitSeq(list, ",") {
		entry = lower(strings.TrimSpace(entry))
		if entry == "" {
			continue
		}
		if strings.Contains(entry, "://") {
			origin, err := parseOrigin(entry)
			if err != nil {
				faults = append(faults, err)
			} else if !slices.Contains(hosts.origins, origin) {
				hosts.origins = append(hosts.origins, origin)
			}
			continue
		}
		if err := checkHostEntry(entry); err != nil {
			faults = append(faults, err)
		} else if !slices.Contains(hosts.names, entry) {
			hosts.names = append(hosts.names, entry)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return RecordingHosts{}, fmt.Errorf("recording hosts: %w", err)
	}
	return hosts, nil
}

// parseOrigin does not repeat what it refuses: there may be a password in it.
func parseOrigin(entry string) (string, error) {
	u, err := url.Parse(entry)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" ||
		strings.Trim(u.Path, "/") != "" || !printable(entry) || strings.HasSuffix(u.Host, ":"):
		return "", errors.New("an entry with :// must be a scheme, a host and perhaps a port, such as http://127.0.0.1:8080")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("%s://…: the scheme must be https or http", u.Scheme)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil && !isName(u.Hostname()) {
		return "", fmt.Errorf("%s://…: its host is neither an address nor a name in letters, digits, dots and hyphens", u.Scheme)
	}
	host := u.Host
	if (u.Scheme == "https" && u.Port() == "443") || (u.Scheme == "http" && u.Port() == "80") {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return u.Scheme + "://" + host, nil
}

func checkHostEntry(entry string) error {
	switch {
	case strings.ContainsRune(entry, '*'):
		return fmt.Errorf("%.100q: there are no wildcards; name each host", entry)
	case strings.ContainsAny(entry, "@/?#\\"):
		return errors.New("an entry without :// must be the name of a host and nothing else, such as recordings.example.com")
	case strings.ContainsRune(entry, ':'):
		return fmt.Errorf("%.100q: with a port the scheme is needed too, such as https://recordings.example.com:8443", entry)
	case !isName(entry):
		return fmt.Errorf("%.100q: this is no name of a host; letters outside of ASCII are written as xn--…, without a dot at the end", entry)
	case numeric(entry):
		return fmt.Errorf("%.100q: for an address the scheme is needed too, such as https://192.0.2.7", entry)
	case !strings.ContainsRune(entry, '.'):
		return fmt.Errorf("%.100q: a name without a dot belongs to a private network; write it with its scheme, such as http://%s", entry, entry)
	}
	return nil
}

const (
	// maxLink is the longest link taken, in bytes; those that were seen have 500.
	maxLink = 4 << 10
	// bucketPrefix begins the name of each bucket that the carrier records to.
	bucketPrefix = "telephony-recorder-"
)

var (
	region = `[a-z]{2}(?:-[a-z]+)+-[0-9]`
	// pathStyle has the bucket as the first segment of the path.
	pathStyle   = regexp.MustCompile(`^s3(?:\.` + region + `)?\.amazonaws\.com$`)
	bucketStyle = regexp.MustCompile(`^` + bucketPrefix + `[a-z0-9-]*[a-z0-9]\.s3(?:\.` + region + `)?\.amazonaws\.com$`)
	bucketName  = regexp.MustCompile(`^` + bucketPrefix + `[a-z0-9.-]*[a-z0-9]$`)
)

// door is where a link leads, and what is allowed there.
type door struct {
	url     *url.URL
	origin  string
	private bool // it may be in a private network: the operator has named it
	key     bool // it is the carrier's own host, and may see our key
}

// check says where a link leads, or why it is refused. The error holds nothing
// of the link but its host.
func (h RecordingHosts) check(link string) (door, error) {
	if len(link) > maxLink {
		return door{}, fmt.Errorf("the link has %d bytes, and at most %d are taken", len(link), maxLink)
	}
	for i := range len(link) {
		if !allowed(link[i]) {
			return door{}, errors.New("the link has a character that does not belong into one")
		}
	}
	scheme, rest, ok := strings.Cut(link, "://")
	if scheme = lower(scheme); !ok || scheme != "https" && scheme != "http" {
		return door{}, errors.New("the link is not one of https")
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		return door{}, errors.New("the link has no path")
	}
	host, target := lower(rest[:end]), rest[end:]
	path, query, _ := strings.Cut(target, "?")
	if err := checkPath(path); err != nil {
		return door{}, err
	}
	if !escapes(query) {
		return door{}, errors.New("the link's query has a broken escape")
	}
	to := door{origin: scheme + "://" + host}
	if err := h.admit(&to, scheme, host, path); err != nil {
		return door{}, err
	}
	u, err := url.Parse(to.origin + target)
	if err != nil || u.Scheme != scheme || u.Host != host || u.User != nil || u.Fragment != "" || u.Opaque != "" ||
		u.EscapedPath() != path || u.RawQuery != query {
		return door{}, errors.New("the link can be read in two ways")
	}
	to.url = u
	return to, nil
}

// admit checks the host, and the bucket where the host is everybody's.
func (h RecordingHosts) admit(to *door, scheme, host, path string) error {
	if slices.Contains(h.origins, to.origin) {
		to.private = true
		return nil
	}
	if scheme != "https" {
		return errors.New("the link is not one of https")
	}
	if !isName(host) {
		return errors.New("the link's host is no plain name: a port, a password, an address or a foreign letter is in it")
	}
	bucket, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case slices.Contains(h.names, host), bucketStyle.MatchString(host):
	case strings.HasSuffix(host, ".telnyx.com") && !strings.Contains(host, "xn--"):
		to.key = true
	case pathStyle.MatchString(host):
		if !bucketName.MatchString(bucket) || object == "" {
			return errors.New("the link leads to a bucket at " + host + " that is not the carrier's")
		}
	default:
		return fmt.Errorf("the link leads to %s, which is not where the carrier keeps recordings; RECORDING_HOSTS can allow it", host)
	}
	return nil
}

// checkPath wants a path that no server could take for another: no segment that
// climbs or is empty, no separator in disguise, nothing that is escaped twice.
func checkPath(path string) error {
	if !strings.HasPrefix(path, "/") || path == "/" {
		return errors.New("the link has no path")
	}
	if !escapes(path) {
		return errors.New("the link's path has a broken escape")
	}
	plain, err := url.PathUnescape(path)
	if err != nil || strings.Count(plain, "/") != strings.Count(path, "/") || strings.ContainsAny(plain, `\%;`) || !printable(strings.ReplaceAll(plain, " ", "")) {
		return errors.New("the link's path hides something in its escapes")
	}
	for segment := range strings.SplitSeq(plain[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return errors.New("the link's path climbs, or has an empty segment")
		}
	}
	return nil
}

// allowed has the characters of RFC 3986 but the one that begins a fragment.
func allowed(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || digit(c) || strings.IndexByte("-._~:/?[]@!$&'()*+,;=%", c) >= 0
}

// escapes says whether each percent sign is followed by two hexadecimal digits.
func escapes(s string) bool {
	for {
		_, after, found := strings.Cut(s, "%")
		switch {
		case !found:
			return true
		case len(after) < 2 || strings.Trim(after[:2], "0123456789abcdefABCDEF") != "":
			return false
		}
		s = after[2:]
	}
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// lower folds ASCII only: there are letters outside whose lower case is inside,
// and which would then pass for it.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// isName takes names of hosts as the DNS has them, in lower case and without
// the dot at the end; addresses in numbers are names by this rule.
func isName(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// numeric says whether a resolver might take a name for an address: the last
// label of a real one does not begin with a digit.
func numeric(host string) bool { return digit(host[strings.LastIndexByte(host, '.')+1]) }
