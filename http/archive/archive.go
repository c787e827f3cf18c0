// Package archive keeps recordings, in a directory or in a bucket of any S3.
//
// An object is there whole or not at all: it shows when its last byte is safe, a
// broken upload leaves what was there before, and of two that write one name the
// later wins whole. Nothing is held in memory but a buffer. Whoever calls decides
// what is tried again, and reads back what must be proved: an archive says only
// what it has been told.
//
// A name is a path of parts with slashes between. It may not leave the archive,
// and no part begins with a dot: those names are the archive's own.
//
// Errors are protocol.ErrNoObject, the context's, what the audio failed with, or
// a *protocol.RecordingError: TroubleRefused is for the operator to mend and says
// what to do, TroubleBroken is audio of another length than announced, TroubleLater
// passes. No error holds a key.
package archive

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"maskswitch/actors/protocol"
)

const (
	longestName = 1024 // bytes; S3's limit
	longestPart = 255  // bytes; that of most file systems
)

// checkName refuses what is not the name of an object.
func checkName(name string) error {
	refuse := func(why string) error {
		return trouble(protocol.TroubleRefused, "the archive takes no object named %.80q: %s", name, why)
	}
	if len(name) > longestName {
		return refuse(fmt.Sprintf("it has more than %d bytes", longestName))
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || strings.Contains(name, `\`) {
		return refuse("it has a backslash, or characters that do not print")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "":
			return refuse("a part of it is empty")
		case part[0] == '.':
			return refuse("a part of it begins with a dot")
		case len(part) > longestPart:
			return refuse(fmt.Sprintf("a part of it has more than %d bytes", longestPart))
		}
	}
	return nil
}

// checkRange refuses to read from before the first byte.
func checkRange(name string, from int64) error {
	if from < 0 {
		return trouble(protocol.TroubleRefused, "%s cannot be read from byte %d", name, from)
	}
	return nil
}

// typeOf is the media type of an object by its name.
func typeOf(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".mp3":
		return "audio/mpeg"
	case ".wav":
		return "audio/wav"
	}
	return "application/octet-stream"
}

func noObject(name string) error { return fmt.Errorf("%s: %w", name, protocol.ErrNoObject) }

func trouble(kind protocol.RecordingTrouble, format string, args ...any) *protocol.RecordingError {
	return &protocol.RecordingError{Trouble: kind, Detail: fmt.Sprintf(format, args...)}
}

// ended wraps the end of a context, which is nobody's fault here.
func ended(name string, err error) error { return fmt.Errorf("%s: %w", name, err) }

// isEnd says whether an error is that of a context.
func isEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
