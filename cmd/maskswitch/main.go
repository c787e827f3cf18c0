// Command maskswitch runs the switch: REST and webhooks in, carrier commands
// out. See maskswitch -help.
package main

import (
	"os"

	"maskswitch/cmd/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr)) }
