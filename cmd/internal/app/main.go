package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Main is the program maskswitch. It returns the exit code: 0 for an orderly
// end, 1 for a failure, 2 for a configuration that cannot be run.
func Main(args []string, out, errs *os.File) int {
	c, err := Load(args, os.LookupEnv, ".env", out)
	switch {
	case errors.Is(err, ErrHelp):
		return 0
	case c.Version:
		fmt.Fprintln(out, "maskswitch", version())
		return 0
	case err != nil:
		fmt.Fprintf(errs, "maskswitch cannot start:\n%v\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal means now.
	context.AfterFunc(ctx, stop)

	if c.Demo && !c.given["LOG_LEVEL"] {
		c.LogLevel = "warn" // the calls are what a demo shows
	}
	log := newLog(c, zapcore.Lock(errs), isTerminal(errs))
	defer func() { _ = log.Sync() }()
	if err := serve(ctx, c, log, out); err != nil {
		log.Error("maskswitch failed", zap.Error(err))
		return 1
	}
	return 0
}

func serve(ctx context.Context, c Config, log *zap.Logger, out io.Writer) error {
	if c.Demo {
		return RunDemo(ctx, c, log, out)
	}
	for _, w := range c.warnings {
		log.Warn(w)
	}
	a, err := New(ctx, c, log)
	if err != nil {
		return err
	}
	return a.Run(ctx)
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
