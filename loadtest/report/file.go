package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Names of the files that Write makes.
const (
	ResultFile = "result.json"
	PageFile   = "report.html"
)

// Write puts result.json and report.html into dir, which is made if need be. A
// file is there whole or not at all: it is written beside and renamed. A result
// that Read would refuse is written all the same, and the error says what is
// wrong with it.
func Write(dir string, r *Result) error {
	faults := r.check()
	text, err := json.Marshal(r)
	if err != nil {
		return errors.Join(fmt.Errorf("%s cannot be written: %w", ResultFile, err), faults)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the folder for the report cannot be made; name another one: %w", err)
	}
	if err := replace(filepath.Join(dir, ResultFile), append(text, '\n')); err != nil {
		return err
	}
	page, err := Page(r)
	if err == nil {
		err = replace(filepath.Join(dir, PageFile), page)
	}
	if faults != nil {
		faults = fmt.Errorf("%s was written, and no tool will read it, because the tester counted wrong: %w", ResultFile, faults)
	}
	return errors.Join(err, faults)
}

// replace writes a file beside path and renames it, so that a reader never sees
// half of it.
func replace(path string, content []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s is not written: %w", path, err)
		}
	}()
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // once it is renamed there is nothing to remove
	_, err = f.Write(content)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// mostBytes bounds what Read takes: a day of seconds is 50 MB.
const mostBytes = 512 << 20

// Read takes a result.json and checks all of it, so that whoever has a Result
// may trust its numbers. Members that it does not know are left out.
func Read(path string) (*Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w; name a %s that a run has written", err, ResultFile)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name the %s in it", path, ResultFile)
	}
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(text) > mostBytes {
		return nil, fmt.Errorf("%s is longer than %s; is it a %s?", path, size(mostBytes), ResultFile)
	}
	r, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

func parse(text []byte) (*Result, error) {
	var head struct {
		Schema *string `json:"schema"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, malformed(text, err)
	}
	switch {
	case head.Schema == nil:
		return nil, fmt.Errorf("this has no schema, so it is no %s of a load test", ResultFile)
	case *head.Schema != Schema:
		return nil, fmt.Errorf("its schema is %.60q and this tester reads %q; use the tester that wrote it, or run the plan again", *head.Schema, Schema)
	}
	r := new(Result)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, malformed(text, err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("the file was changed or damaged, run the plan again: %w", err)
	}
	return r, nil
}

// malformed says where a text stops being the JSON that it should be.
func malformed(text []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return errors.New("the file is empty; run the plan again")
	case errors.As(err, &kind):
		return fmt.Errorf("%s is a %s where another kind of value belongs; run the plan again, or mend it near byte %d", kind.Field, kind.Value, kind.Offset)
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(text)):
		return fmt.Errorf("the file ends after %d bytes in the middle of a value, so it was copied in part or the disk was full; copy it again or run the plan again", len(text))
	case errors.As(err, &syntax):
		return fmt.Errorf("no JSON from byte %d on: %w; name a %s that a run has written", syntax.Offset, err, ResultFile)
	}
	return err
}
