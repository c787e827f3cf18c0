package sqlite

import (
	"context"
	"fmt"
	"os"
	"testing"

	"maskswitch/actors/journal"
	"maskswitch/actors/journal/journaltest"
)

func openIn(dir string) (journal.Engine, error) {
	e, err := Open(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func TestMain(m *testing.M) {
	if job := jobs[os.Getenv(jobVariable)]; job != nil {
		if err := job(os.Getenv(jobDir)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	journaltest.Main(m, openIn)
}

func TestEngine(t *testing.T) { journaltest.Run(t, openIn) }

func TestKilled(t *testing.T) { journaltest.Killed(t, openIn, 10) }
