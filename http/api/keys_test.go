package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"maskswitch/http/api"
)

func keys(t *testing.T, s string) api.Keys {
	t.Helper()
	k, err := api.ParseKeys(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseKeys(t *testing.T) {
	cases := []struct{ text, names, fault string }{
		{"", "", ""},
		{"  ", "", ""},
		{"stays:hunter2", "stays", ""},
		{"stays:hunter2, rides:hunter3\n", "stays,rides", ""},
		{"stays:a:b", "stays", ""},
		{"hunter2", "", "key 1: name:secret is expected, and there is no colon"},
		{"stays:hunter2,", "", "key 2: name:secret is expected, and there is no colon"},
		{":hunter2", "", "key 1: a name has 1 to 64 letters, digits, '-', '_' or '.'"},
		{"big stays:hunter2", "", "key 1: a name has 1 to 64 letters, digits, '-', '_' or '.'"},
		{"stays:", "", "key 1: a secret has at least one character, and no spaces or characters beyond ASCII"},
		{"stays:hunter 2", "", "key 1: a secret has at least one character, and no spaces or characters beyond ASCII"},
		{"stays:hünter2", "", "key 1: a secret has at least one character, and no spaces or characters beyond ASCII"},
		{"stays:hunter2,stays:hunter3", "", "key 2: has the name of key 1"},
		{"stays:hunter2,rides:hunter2", "", "key 2: has the secret of key 1"},
		{
			"hunter2,stays:,rides:hunter3", "",
			"key 1: name:secret is expected, and there is no colon\n" +
				"key 2: a secret has at least one character, and no spaces or characters beyond ASCII",
		},
	}
	for _, c := range cases {
		k, err := api.ParseKeys(c.text)
		fault := ""
		if err != nil {
			fault = err.Error()
		}
		if k.String() != c.names || fault != c.fault {
			t.Errorf("%q: %q, %q; want %q, %q", c.text, k, fault, c.names, c.fault)
		}
		if strings.Contains(fault, "hunter") {
			t.Errorf("%q: the error repeats a secret: %s", c.text, fault)
		}
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	k := keys(t, "stays:hunter2")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if got := fmt.Sprintf(verb, k); !strings.Contains(got, "stays") || len(got) > 20 {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

func TestCheckBind(t *testing.T) {
	with := keys(t, "stays:hunter2")
	for _, host := range []string{"127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"} {
		if err := api.CheckBind(host, api.Keys{}); err != nil {
			t.Errorf("%s without keys: %v", host, err)
		}
	}
	for _, host := range []string{"", "0.0.0.0", "::", "10.0.0.1", "switch.example.com", "localhost.example.com"} {
		if err := api.CheckBind(host, with); err != nil {
			t.Errorf("%s with keys: %v", host, err)
		}
		err := api.CheckBind(host, api.Keys{})
		if err == nil || !strings.Contains(err.Error(), "set API_KEYS to name:secret pairs, or HOST to 127.0.0.1") {
			t.Errorf("%s without keys: %v", host, err)
		}
	}
}

// TestKeys: with keys set, a request needs one of them and nothing else.
func TestKeys(t *testing.T) {
	const missing, unknown = "key_missing", "key_unknown"
	cases := []struct {
		story  string
		values []string
		code   string // empty: let in
		name   string
	}{
		{"none", nil, missing, ""},
		{"the first", []string{"Bearer hunter2"}, "", "stays"},
		{"the second", []string{"bearer  hunter3"}, "", "rides"},
		{"wrong", []string{"Bearer hunter4"}, unknown, ""},
		{"empty", []string{"Bearer "}, unknown, ""},
		{"only the scheme", []string{"Bearer"}, unknown, ""},
		{"beginning of one", []string{"Bearer hunter"}, unknown, ""},
		{"the name", []string{"Bearer stays"}, unknown, ""},
		{"name and secret", []string{"Bearer stays:hunter2"}, unknown, ""},
		{"another scheme", []string{"Basic hunter2"}, unknown, ""},
		{"no scheme", []string{"hunter2"}, unknown, ""},
		{"two at once", []string{"Bearer hunter2", "Bearer hunter3"}, unknown, ""},
	}
	for _, c := range cases {
		core, logged := observer.New(zap.DebugLevel)
		d := &desk{}
		h := serve(d, func(c *api.Config) { c.APIKeys, c.Log = keys(t, "stays:hunter2,rides:hunter3"), zap.New(core) })
		r := request("POST", "/bookings", good(""))
		r.RemoteAddr, r.Host = "203.0.113.9:1234", "switch.example.com"
		r.Header["Authorization"] = c.values
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if c.code == "" {
			if w.Code != http.StatusOK || logged.All()[0].ContextMap()["key"] != c.name {
				t.Errorf("%s: %d %s %v", c.story, w.Code, w.Body, logged.All())
			}
			continue
		}
		if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), `"code":"`+c.code+`"`) ||
			!strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer realm=") || len(d.calls) > 0 {
			t.Errorf("%s: %d %s %v", c.story, w.Code, w.Body, w.Header())
		}
		if strings.Contains(fmt.Sprint(logged.All()), "hunter") {
			t.Errorf("%s: the secret is in the log: %v", c.story, logged.All())
		}
	}
}

// TestLoopback: without keys, only programs on this machine are answered.
func TestLoopback(t *testing.T) {
	cases := []struct {
		story, peer, host string
		header            [2]string
		code              string // empty: let in
	}{
		{"IPv4", "127.0.0.1:9", "127.0.0.1:5000", [2]string{}, ""},
		{"IPv6", "[::1]:9", "[::1]:5000", [2]string{}, ""},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:9", "localhost", [2]string{}, ""},
		{"another port's name", "127.0.0.1:9", "LOCALHOST:80", [2]string{}, ""},
		{"a page of our own", "127.0.0.1:9", "localhost:5000", [2]string{"Origin", "http://localhost:5000"}, ""},
		{"the network", "192.168.0.7:9", "localhost:5000", [2]string{}, "loopback_only"},
		{"no address", "@", "localhost:5000", [2]string{}, "loopback_only"},
		{"a name that was rebound", "127.0.0.1:9", "evil.example.com:5000", [2]string{}, "host_not_local"},
		{"a name that sounds like it", "127.0.0.1:9", "localhost.example.com", [2]string{}, "host_not_local"},
		{"no host", "127.0.0.1:9", "", [2]string{}, "host_not_local"},
		{"a tunnel that rewrites the host", "127.0.0.1:9", "localhost", [2]string{"X-Forwarded-For", "203.0.113.9"}, "forwarded"},
		{"a proxy", "127.0.0.1:9", "localhost", [2]string{"Forwarded", "for=203.0.113.9"}, "forwarded"},
		{"another proxy", "127.0.0.1:9", "localhost", [2]string{"X-Real-IP", "203.0.113.9"}, "forwarded"},
		{"a foreign page", "127.0.0.1:9", "localhost:5000", [2]string{"Origin", "https://evil.example.com"}, "cross_origin"},
		{"a foreign page, newer browser", "127.0.0.1:9", "localhost:5000", [2]string{"Sec-Fetch-Site", "cross-site"}, "cross_origin"},
	}
	for _, c := range cases {
		d := &desk{}
		h := serve(d, func(c *api.Config) { c.Webhook = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}) })
		as := func(method, target, body string) *http.Request {
			r := request(method, target, body)
			r.RemoteAddr, r.Host = c.peer, c.host
			if c.header[0] != "" {
				r.Header.Set(c.header[0], c.header[1])
			}
			return r
		}
		status, body := ask(h, as("POST", "/bookings", good("")))
		if c.code == "" && status != http.StatusOK {
			t.Errorf("%s: %d %s", c.story, status, body)
		}
		if c.code != "" && (status != http.StatusForbidden || !strings.Contains(body, `"code":"`+c.code+`"`) || len(d.calls) > 0) {
			t.Errorf("%s: %d %s", c.story, status, body)
		}
		for _, open := range []*http.Request{
			as("GET", "/health", ""), as("GET", "/openapi.json", ""), as("POST", "/webhooks/voice", "x"),
		} {
			if status, body := ask(h, open); status != http.StatusOK {
				t.Errorf("%s: %s: %d %s", c.story, open.URL, status, body)
			}
		}
	}
}
