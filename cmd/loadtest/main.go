// Loadtest plays a carrier, marketplaces and people to a masking switch, and
// says whether it did its job.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"maskswitch/loadtest"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `loadtest plays a carrier, marketplaces and people with phones to a masking
switch, and says whether it did its job.

  loadtest run PLAN [flags]        one run: summary, result.json, report.html
  loadtest find PLAN [flags]       the highest rate of calls that passes
  loadtest compare A.json B.json   two results, side by side
  loadtest carrier [flags]         only the carrier, to develop against
  loadtest plans [NAME]            the plans that come with it, or the text of one

  loadtest COMMAND -help           the flags, with examples

On a fresh checkout, this needs nothing else:

  go run ./cmd/loadtest run smoke -switch 'go run ./cmd/maskswitch'

Exit codes: 0 passed, 1 wrong behaviour, 99 a threshold missed, 102 no switch to
test, 104 a plan or flag that cannot be run, 105 interrupted (the report is
written all the same).
`

// run is the program: it returns the exit code.
func run(args []string, out, errs *os.File) int {
	// The switch is what is measured, so the tester takes little of the machine:
	// it makes much garbage and holds little, and collects it seldom.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal means now
	if len(args) == 0 {
		fmt.Fprint(errs, usage)
		return loadtest.ExitBadPlan
	}
	commands := map[string]func(context.Context, []string, *os.File, *os.File) error{
		"run": runCommand, "find": findCommand, "compare": compareCommand, "carrier": carrierCommand, "plans": plansCommand,
	}
	switch command := commands[args[0]]; {
	case args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help":
		fmt.Fprint(out, usage)
		return 0
	case args[0] == "-version" || args[0] == "--version" || args[0] == "version":
		fmt.Fprintln(out, "loadtest", version())
		return 0
	case command == nil:
		fmt.Fprintf(errs, "loadtest: there is no command %q\n\n%s", args[0], usage)
		return loadtest.ExitBadPlan
	default:
		return exitCode(command(ctx, args[1:], out, errs), errs)
	}
}

// exit is an end with a code that has been explained already.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func exitCode(err error, errs io.Writer) int {
	var code exit
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(errs, "loadtest: %v\n", err)
	switch {
	case errors.Is(err, loadtest.ErrUnreachable):
		return loadtest.ExitUnreachable
	case errors.Is(err, context.Canceled):
		return loadtest.ExitInterrupted
	}
	return loadtest.ExitBadPlan
}

// flags makes the set of one command; its usage is the text and the defaults.
func flags(name, text string, out io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("loadtest "+name, flag.ContinueOnError)
	f.SetOutput(out)
	f.Usage = func() {
		fmt.Fprint(out, text)
		f.PrintDefaults()
	}
	return f
}

// parse takes flags before and after the other arguments.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, exit(loadtest.ExitBadPlan) // flag has said what is wrong
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

// version is the one that the module was built at.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v + " " + info.GoVersion
}

func plansCommand(_ context.Context, args []string, out, _ *os.File) error {
	if len(args) > 1 {
		return errors.New("plans takes one name at most")
	}
	if len(args) == 1 && args[0] != "-help" && args[0] != "-h" {
		text, err := loadtest.Preset(args[0])
		if err == nil {
			_, err = out.Write(text)
		}
		return err
	}
	fmt.Fprint(out, "The plans that come with the tester. To change one: loadtest plans steady > mine.yaml\n\n")
	for _, name := range loadtest.Presets() {
		p, err := loadtest.LoadPlan(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  %-16s %s (%v)\n", name, p.About, p.Length())
	}
	return nil
}
