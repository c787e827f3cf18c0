package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// place writes a file whole or not at all: under another name beside it, which
// becomes its own at the end. Only its owner can read it.
func place(name string, force bool, write func(*os.File) error) error {
	if err := free(name, force); err != nil {
		return err
	}
	file, err := besides(name)
	if err != nil {
		return err
	}
	defer discard(file) // finds nothing if all went well
	if err := write(file); err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	// It took its time: somebody may have been faster.
	if err := free(name, force); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// free says whether a file may be written.
func free(name string, force bool) error {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory; -o names a file", name)
	case !force:
		return fmt.Errorf("%s is there already; -force writes over it", name)
	}
	return nil
}

// besides makes a file for a while in the folder of another, where there is room
// for that one too.
func besides(name string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(name), ".maskswitch-*")
}

func discard(file *os.File) {
	_ = file.Close()
	_ = os.Remove(file.Name())
}

// meter shows on a terminal how far something is, on one line, which it clears.
type meter struct {
	to    io.Writer // nil: nobody looks
	shown string
}

func newMeter(errs io.Writer) *meter {
	if file, ok := errs.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &meter{to: file}
		}
	}
	return &meter{}
}

func (m *meter) show(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if m.to == nil || line == m.shown {
		return
	}
	m.shown = line
	fmt.Fprintf(m.to, "\r%s\x1b[K", line)
}

func (m *meter) clear() {
	if m.shown != "" {
		m.shown = ""
		fmt.Fprint(m.to, "\r\x1b[K")
	}
}
