package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestReady(t *testing.T) {
	status, says := http.StatusOK, "ok"
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asks %s", r.URL.Path)
		}
		w.WriteHeader(status)
		w.Write([]byte(says + "\n"))
	}))
	defer admin.Close()
	address := strings.TrimPrefix(admin.URL, "http://")
	_, port, _ := strings.Cut(address, ":")
	at := ""
	ask := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := ready(t.Context(), args, func(name string) (string, bool) { return at, name == "ADMIN_ADDR" }, &out, &out)
		return code, out.String()
	}
	check := func(when string, want int, says string, args ...string) {
		t.Helper()
		if code, got := ask(args...); code != want || !strings.Contains(got, says) {
			t.Errorf("%s: exit code %d, %q; want %d and %q", when, code, got, want, says)
		}
	}
	check("by flag", 0, "ok", "-admin-addr", address)
	at = "0.0.0.0:" + port
	check("where it listens on all addresses", 0, "ok")
	at = ":" + port
	check("without a host", 0, "ok")
	status, says = http.StatusServiceUnavailable, "not ready: recovering"
	check("not ready", 1, "not ready: recovering")
	admin.Close()
	check("nobody there", 1, "no switch answers")
	at = "here"
	check("no address", 2, "not an address")
	check("a word too many", 2, "nothing else", "now")
	check("a flag that is none", 2, "nothing else", "-url", "x")
	check("help", 0, "Exit code", "-help")
}
