// Command maskswitch runs the switch: REST and webhooks in, carrier commands
// out. See maskswitch -help.
//
// With the word numbers, recordings, story, dispute or erase before its arguments it
// is a client of a switch that runs already: see maskswitch numbers help, maskswitch
// recordings help, maskswitch story help, maskswitch dispute -help, maskswitch erase
// -help. It asks by REST and opens no store, because a store belongs to one process.
// maskswitch ready is for health checks.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"maskswitch/cmd/internal/app"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs *os.File) int {
	clients := map[string]func(context.Context, []string, func(string) (string, bool), io.Writer, io.Writer) int{
		"numbers": numbers, "recordings": recordings, "dispute": dispute, "erase": erase,
		"story": stories, "ready": ready,
	}
	if len(args) == 0 || clients[args[0]] == nil {
		return app.Main(args, out, errs)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal means now
	return clients[args[0]](ctx, args[1:], os.LookupEnv, out, errs)
}
