package memory_test

import (
	"testing"

	"maskswitch/actors/journal"
	"maskswitch/actors/journal/journaltest"
	"maskswitch/actors/journal/memory"
)

func TestEngine(t *testing.T) {
	stores := map[string]*memory.Engine{}
	journaltest.Run(t, func(dir string) (journal.Engine, error) {
		if stores[dir] == nil {
			stores[dir] = memory.New()
		}
		return stores[dir], nil
	})
}
