package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Keys are the secrets that open the API, each with the name of whoever holds
// it. They keep hashes: a Keys that is printed gives nothing away.
type Keys struct {
	keys []key
}

type key struct {
	name string
	hash [sha256.Size]byte
}

// ParseKeys reads "name:secret,name2:secret2", and says everything that is
// wrong with it. No error repeats any of it: what looks like a name may be a
// secret. The empty text is no keys.
func ParseKeys(s string) (Keys, error) {
	if strings.TrimSpace(s) == "" {
		return Keys{}, nil
	}
	var out Keys
	var faults []error
	names := make(map[string]int)
	secrets := make(map[[sha256.Size]byte]int)
	for i, entry := range strings.Split(s, ",") {
		n := i + 1
		name, secret, found := strings.Cut(strings.TrimSpace(entry), ":")
		hash := sha256.Sum256([]byte(secret))
		switch {
		case !found:
			faults = append(faults, fmt.Errorf("key %d: name:secret is expected, and there is no colon", n))
		case name == "" || len(name) > 64 || strings.Trim(name, alphanumeric+"-_.") != "":
			faults = append(faults, fmt.Errorf("key %d: a name has 1 to 64 letters, digits, '-', '_' or '.'", n))
		case !isSecret(secret):
			faults = append(faults, fmt.Errorf("key %d: a secret has at least one character, and no spaces or characters beyond ASCII", n))
		case names[name] > 0:
			faults = append(faults, fmt.Errorf("key %d: has the name of key %d", n, names[name]))
		case secrets[hash] > 0:
			faults = append(faults, fmt.Errorf("key %d: has the secret of key %d", n, secrets[hash]))
		default:
			names[name], secrets[hash] = n, n
			out.keys = append(out.keys, key{name, hash})
		}
	}
	if len(faults) > 0 {
		return Keys{}, errors.Join(faults...)
	}
	return out, nil
}

func isSecret(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// Len is how many keys there are.
func (k Keys) Len() int { return len(k.keys) }

// String lists the names.
func (k Keys) String() string {
	names := make([]string, len(k.keys))
	for i := range k.keys {
		names[i] = k.keys[i].name
	}
	return strings.Join(names, ",")
}

// GoString keeps the hashes out of %#v.
func (k Keys) GoString() string { return "api.Keys{" + k.String() + "}" }

// holder finds whose secret it is. Hashing first makes all lengths one, and
// going through every key makes the time say nothing about which one matched.
func (k Keys) holder(secret string) (name string, ok bool) {
	hash := sha256.Sum256([]byte(secret))
	found := -1
	for i := range k.keys {
		match := subtle.ConstantTimeCompare(hash[:], k.keys[i].hash[:])
		found = subtle.ConstantTimeSelect(match, i, found)
	}
	if found < 0 {
		return "", false
	}
	return k.keys[found].name, true
}

// CheckBind refuses to listen where others can reach an API without keys. The
// host is an address, a name, or empty for all addresses; of names only
// localhost is trusted, since any other may lead anywhere by tomorrow.
func CheckBind(host string, keys Keys) error {
	if keys.Len() > 0 || isLoopback(host) {
		return nil
	}
	shown := host
	if host == "" {
		shown = "every address"
	}
	return fmt.Errorf("HOST %s can be reached from other machines and API_KEYS is empty: "+
		"set API_KEYS to name:secret pairs, or HOST to 127.0.0.1", shown)
}

func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// admit lets a request in and says with whose key. Without keys the machine
// itself is the key: see local.
func (s *Server) admit(r *http.Request) (name string, err error) {
	if s.config.APIKeys.Len() == 0 {
		return "", s.local(r)
	}
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", refuse(unauthorized, "key_missing", "",
			"send the API key in the header Authorization: Bearer <key>").with("WWW-Authenticate", `Bearer realm="maskswitch"`)
	}
	scheme, secret, _ := strings.Cut(values[0], " ")
	if len(values) == 1 && strings.EqualFold(scheme, "bearer") {
		if name, ok := s.config.APIKeys.holder(strings.TrimSpace(secret)); ok {
			return name, nil
		}
	}
	return "", refuse(unauthorized, "key_unknown", "", "the API key is not one of ours").
		with("WWW-Authenticate", `Bearer realm="maskswitch", error="invalid_token"`)
}

// local admits only programs on this machine. The peer's address alone does
// not show that: a tunnel or a proxy on this machine has a local address too,
// and so does a browser that a foreign page makes talk to us, under a name of
// its own that resolves to 127.0.0.1 or across origins.
func (s *Server) local(r *http.Request) error {
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !isLoopback(peer) {
		return refuse(forbidden, "loopback_only", "", "no API keys are set, so only this machine is answered: set API_KEYS")
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return refuse(forbidden, "forwarded", "",
				"no API keys are set, so only this machine is answered, and the request came through a proxy: set API_KEYS")
		}
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if !isLoopback(host) {
		return refuse(forbidden, "host_not_local", "",
			"no API keys are set, so only requests to localhost or 127.0.0.1 are answered: set API_KEYS")
	}
	if err := s.csrf.Check(r); err != nil {
		return refuse(forbidden, "cross_origin", "", "no API keys are set, and a page of another origin made this request: set API_KEYS")
	}
	return nil
}
