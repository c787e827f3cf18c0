// Command maskswitch runs the switch: REST and webhooks in, carrier commands
// out. See maskswitch -help.
//
// With the word numbers before its arguments it is an operator's client of a
// switch that runs already: see maskswitch numbers help. It asks by REST and
// opens no store, because a store belongs to one process.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"maskswitch/cmd/internal/app"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs *os.File) int {
	if len(args) == 0 || args[0] != "numbers" {
		return app.Main(args, out, errs)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal means now
	return numbers(ctx, args[1:], os.LookupEnv, out, errs)
}
