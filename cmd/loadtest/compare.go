package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"maskswitch/loadtest"
	"maskswitch/loadtest/report"
)

const compareUsage = `loadtest compare A.json B.json: two results side by side, B against A. Exit code
99 if B is worse by the rule that it prints.

  loadtest compare before/result.json loadtest-report/result.json

Flags:
`

func compareCommand(_ context.Context, args []string, out, _ *os.File) error {
	f := flags("compare", compareUsage, out)
	files, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(files) != 2 {
		return errors.New("compare takes two files, each a result.json")
	}
	var results [2]*report.Result
	for i, file := range files {
		if results[i], err = report.Read(file); err != nil {
			return err
		}
	}
	text, worse := report.Compare(results[0], results[1])
	fmt.Fprintln(out, text)
	if worse {
		return exit(loadtest.ExitMissed)
	}
	return nil
}
