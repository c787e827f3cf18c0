package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// readyWait is how long the switch may take to say how it is.
const readyWait = 3 * time.Second

// ready asks the switch on this machine whether it takes calls and requests. It
// is for health checks where there is neither a shell nor curl, and returns the
// exit code: 0 if it does, 1 if it does not or cannot be asked.
func ready(ctx context.Context, args []string, environ func(string) (string, bool), out, errs io.Writer) int {
	flags := flag.NewFlagSet("ready", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	preset, ok := environ("ADMIN_ADDR")
	if !ok || strings.TrimSpace(preset) == "" {
		preset = "127.0.0.1:5001"
	}
	at := flags.String("admin-addr", preset, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(out, `maskswitch ready [-admin-addr ADDRESS]

Asks the switch on this machine whether it takes calls and requests, at ADMIN_ADDR
(127.0.0.1:5001). Exit code: 0 it does, 1 it does not, and why is said; 2 a mistake
in the arguments.
`)
		return 0
	case err != nil || flags.NArg() > 0:
		fmt.Fprintln(errs, "maskswitch ready takes -admin-addr and nothing else")
		return 2
	}
	host, port, err := net.SplitHostPort(*at)
	if err != nil {
		fmt.Fprintf(errs, "maskswitch ready: %q is not an address such as 127.0.0.1:5001\n", *at)
		return 2
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens on all addresses, so on this one
	}
	said, err := askReady(ctx, "http://"+net.JoinHostPort(host, port)+"/readyz")
	if err != nil {
		fmt.Fprintf(errs, "maskswitch ready: %v\n", err)
		return 1
	}
	fmt.Fprintln(out, said)
	return 0
}

func askReady(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	direct := &http.Transport{DisableKeepAlives: true} // no proxy stands before this machine
	res, err := direct.RoundTrip(r)
	if err != nil {
		return "", fmt.Errorf("no switch answers at ADMIN_ADDR: %w", err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	said := strings.TrimSpace(string(body))
	if res.StatusCode != http.StatusOK {
		return "", errors.New(said)
	}
	return said, nil
}
