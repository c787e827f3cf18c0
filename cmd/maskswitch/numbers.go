package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

const numbersUsage = `maskswitch numbers: the proxy numbers of a switch that is running.

%s
  maskswitch numbers COMMAND -help   what it does, its flags, an example

The switch is asked by REST at -url, or MASKSWITCH_URL. If it has API_KEYS, put
the secret of one of them, without its name, into MASKSWITCH_KEY. There is no flag
for it: everybody on the machine can read a command line.

Exit codes: 0 done, 1 refused or failed, 2 a command that cannot be run.
`

// A command is one word behind numbers or recordings, or stands alone. flags
// declares its flags and returns what it does when they are read.
type command struct {
	name, args, about string
	text              string // more of what it does, and an example
	flags             func(*flag.FlagSet) action
}

type action func(ctx context.Context, s *session, args []string) error

var commands = []command{
	listCommand, showCommand, addCommand, serveCommand, restCommand, drainCommand, retireCommand,
	headroomCommand, sizingCommand, importCommand, orderCommand, ordersCommand,
}

// A session is one run of a command.
type session struct {
	client
	json      bool
	out, errs io.Writer
}

// fetch asks the switch and, with -json, prints what it answers.
func (s *session) fetch(ctx context.Context, method, path string, query url.Values, body, into any) error {
	raw, err := s.ask(ctx, method, path, query, body, into)
	if s.json {
		_, _ = s.out.Write(raw)
	}
	return err
}

// show prints for people, unless the answers are printed as they come.
func (s *session) show(people func(io.Writer)) {
	if !s.json {
		people(s.out)
	}
}

// misuse is a command that cannot be run as it was written.
type misuse string

func (m misuse) Error() string { return string(m) }

// errTold ends a command whose trouble is on the screen already.
var errTold = errors.New("told already")

// numbers is the client of the proxy numbers. It returns the exit code.
func numbers(ctx context.Context, args []string, environ func(string) (string, bool), out, errs io.Writer) int {
	return group{"maskswitch numbers", numbersUsage, commands}.run(ctx, args, environ, out, errs)
}

// A group is a word with commands behind it. Its usage has a place for their list.
type group struct {
	title, usage string
	commands     []command
}

func (g group) run(ctx context.Context, args []string, environ func(string) (string, bool), out, errs io.Writer) int {
	if len(args) == 0 {
		g.print(errs)
		return 2
	}
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		g.print(out)
		return 0
	}
	i := slices.IndexFunc(g.commands, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		fmt.Fprintf(errs, "%s: there is no command %q; %s help lists them\n", g.title, args[0], g.title)
		return 2
	}
	title := g.title + " " + args[0]
	return finish(title, runCommand(ctx, title, g.commands[i], args[1:], environ, out, errs), errs)
}

// finish tells how a command ended, and returns the exit code.
func finish(title string, err error, errs io.Writer) int {
	var wrong misuse
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(errs, "%s: %v\n%s -help says how it is used\n", title, err, title)
		return 2
	case !errors.Is(err, errTold):
		fmt.Fprintf(errs, "%s: %v\n", title, err)
	}
	return 1
}

func (g group) print(w io.Writer) {
	var list strings.Builder
	for _, c := range g.commands {
		fmt.Fprintf(&list, "  %-30s %s\n", strings.TrimSpace(c.name+" "+c.args), c.about)
	}
	fmt.Fprintf(w, g.usage, list.String())
}

const defaultURL = "http://127.0.0.1:5000"

func runCommand(ctx context.Context, title string, c command, args []string, environ func(string) (string, bool), out, errs io.Writer) error {
	s := &session{out: out, errs: errs}
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	address := defaultURL
	if v, ok := environ("MASKSWITCH_URL"); ok && v != "" {
		address = v
	}
	f.StringVar(&address, "url", address, "`address` of the switch's REST API; preset by MASKSWITCH_URL")
	f.BoolVar(&s.json, "json", false, "print the switch's answers as they come")
	do := c.flags(f)
	rest, err := parse(f, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(out, "%s\n%s.\n\n%s\nFlags:\n", strings.TrimSpace(title+" "+c.args), c.about, c.text)
		f.SetOutput(out)
		f.PrintDefaults()
		return err
	case err != nil:
		return misuse(err.Error())
	}
	key, _ := environ("MASKSWITCH_KEY")
	if s.client, err = newClient(address, key); err != nil {
		return err
	}
	return do(ctx, s, rest)
}

// parse takes flags before and after the other arguments.
func parse(f *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

// none refuses arguments of a command that has only flags.
func none(args []string) error {
	if len(args) > 0 {
		return misuse(fmt.Sprintf("takes no argument, and %q is one", args[0]))
	}
	return nil
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// checkNumbers sees that arguments are numbers: any other word in a path would
// ask the switch for something else.
func checkNumbers(args []string) error {
	if len(args) == 0 {
		return misuse("takes at least one number, such as +13125550100")
	}
	for _, n := range args {
		if !e164.MatchString(n) {
			return misuse(fmt.Sprintf("%q is not a number in E.164, such as +13125550100", n))
		}
	}
	return nil
}

// readLines reads what stands on lines of its own, but for blank lines and
// what follows a #. The name - is the standard input.
func readLines(name string) (lines []string, err error) {
	text := []byte(nil)
	if name == "-" {
		text, err = io.ReadAll(os.Stdin)
	} else {
		text, err = os.ReadFile(name)
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, err
}
