package app

import (
	"context"
	"syscall"
	"time"

	"go.uber.org/zap"

	"maskswitch/http/telnyx"
)

// How often the carrier is asked for a sign of life: calls show that it lives, so
// only once at the start, and while it seems not to.
const (
	lookForCarrier = 15 * time.Second
	carrierAnswers = 10 * time.Second
)

// watchCarrier says early what would else be found out with the first call, such
// as a wrong key, and finds out that the carrier is back when no call would.
func watchCarrier(ctx context.Context, client *telnyx.Client, log *zap.Logger) {
	check := func() error {
		ctx, cancel := context.WithTimeout(ctx, carrierAnswers)
		defer cancel()
		return client.Check(ctx)
	}
	if err := check(); err != nil && ctx.Err() == nil {
		log.Error("the carrier does not answer as it should; calls cannot be connected until it does", zap.Error(err))
	}
	tick := time.NewTicker(lookForCarrier)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if client.Ready() == nil {
			continue
		}
		if err := check(); err == nil {
			log.Info("the carrier answers again")
		} else if ctx.Err() == nil {
			log.Warn("the carrier still does not answer as it should", zap.Error(err))
		}
	}
}

// disk asks for the space on the file system of a directory, in bytes: what an
// unprivileged process may still write, and what there is in all. Zeros if it
// cannot be asked.
func disk(dir string) func() (free, size uint64) {
	return func() (free, size uint64) {
		var s syscall.Statfs_t
		if syscall.Statfs(dir, &s) != nil {
			return 0, 0
		}
		block := uint64(s.Bsize)
		return s.Bavail * block, s.Blocks * block
	}
}
