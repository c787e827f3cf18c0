package archive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"maskswitch/actors/protocol"
)

// parts is the folder of what is not whole yet, on the same file system as all
// objects so that a rename makes one of them.
const parts = ".parts"

// Directory is an archive in a directory, which is that of one process. Only its
// user can read what is in it. The media type of an object follows from its
// name: .mp3, .wav.
type Directory struct {
	dir  string
	root *os.Root
	// tree is held to take folders away, and shared to put something in them.
	tree sync.RWMutex
	made atomic.Int64 // parts, since it was opened
	// disk is held by whoever makes files and brings them to the disk. Many at once
	// are no faster, and whoever shares the disk, as the journal does, waits for
	// all of them: measured, eight double the time until a webhook is answered.
	disk chan struct{}
	// fsync is (*os.File).Sync; tests see what it is called with.
	fsync func(*os.File) error
}

// OpenDirectory opens the archive in dir, and makes dir if need be. It tries
// whether a file can be written there, and removes what an earlier process has
// left unfinished. Close it after use.
func OpenDirectory(dir string) (*Directory, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("make the directory for recordings: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the directory for recordings: %w", err)
	}
	d := &Directory{dir: dir, root: root, fsync: (*os.File).Sync, disk: make(chan struct{}, diskAtOnce)}
	if err := d.begin(); err != nil {
		root.Close()
		return nil, fmt.Errorf("recordings cannot be kept in %s, which this user (uid %d) must be able to write to: %w", dir, os.Geteuid(), err)
	}
	return d, nil
}

// makeDir is os.MkdirAll whose work survives a power cut.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// begin clears the folder of parts, and proves that a file can be made an object.
func (d *Directory) begin() error {
	if err := d.root.RemoveAll(parts); err != nil {
		return err
	}
	if err := d.root.Mkdir(parts, 0o700); err != nil {
		return err
	}
	part, err := d.newPart()
	if err != nil {
		return err
	}
	defer d.root.Remove(part.name)
	_, err = part.file.WriteString("x")
	if err := errors.Join(err, d.fsync(part.file), part.file.Close()); err != nil {
		return err
	}
	return d.sync(".")
}

// diskAtOnce is how many may have the disk busy.
const diskAtOnce = 2

// Close gives the directory back. No other method may be called afterwards.
func (d *Directory) Close() error { return d.root.Close() }

// part is a file that is no object yet.
type part struct {
	name string
	file *os.File
}

// partsMost is how many parts one folder gets. A file system looks for a place for
// a new file near its folder, and where thousands have got theirs it looks long:
// measured on ext4, thirty times as long. It gives a new folder a place with room.
const partsMost = 1000

func (d *Directory) newPart() (part, error) {
	n := d.made.Add(1)
	folder := path.Join(parts, strconv.FormatInt(n/partsMost, 10))
	if n%partsMost == 0 { // what was begun long ago may have left one empty
		_ = d.root.Remove(path.Join(parts, strconv.FormatInt(n/partsMost-2, 10)))
	}
	name := path.Join(folder, rand.Text()+".part")
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if missing(err) {
		if err := d.root.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return part{}, err
		}
		f, err = d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	return part{name, f}, err
}

// Put implements recording.Archive. audio must end when ctx does. contentType is
// not kept: the name tells it.
func (d *Directory) Put(ctx context.Context, name, _ string, size int64, audio io.Reader) (protocol.Object, error) {
	if err := checkName(name); err != nil {
		return protocol.Object{}, err
	}
	d.disk <- struct{}{}
	part, err := d.newPart()
	<-d.disk
	if err != nil {
		return protocol.Object{}, d.trouble("put", name, err)
	}
	placed := false
	defer func() {
		if !placed {
			_ = d.root.Remove(part.name)
		}
	}()
	in := &intake{ctx: ctx, audio: audio, size: size, most: math.MaxInt64}
	n, err := io.Copy(part.file, in)
	if in.failed != nil {
		part.file.Close()
		return protocol.Object{}, fmt.Errorf("%s: %w", name, in.failed)
	}
	d.disk <- struct{}{}
	defer func() { <-d.disk }()
	if err := errors.Join(err, d.fsync(part.file), part.file.Close()); err != nil {
		return protocol.Object{}, d.trouble("put", name, err)
	}
	if err := d.place(part.name, name); err != nil {
		return protocol.Object{}, d.trouble("put", name, err)
	}
	placed = true
	return protocol.Object{Name: name, Bytes: n, ContentType: typeOf(name)}, nil
}

// place makes a part the object of that name. All folders above are synced and not
// only those it has made: an earlier process may have died before it could.
func (d *Directory) place(part, name string) error {
	d.tree.RLock()
	defer d.tree.RUnlock()
	folder := path.Dir(name)
	if err := d.root.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := d.root.Rename(part, name); err != nil {
		return err
	}
	for ; ; folder = path.Dir(folder) {
		if err := d.sync(folder); err != nil || folder == "." {
			return err
		}
	}
}

// sync brings the entries of a folder to the disk.
func (d *Directory) sync(folder string) error {
	f, err := d.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.fsync(f), f.Close())
}

// Stat implements recording.Archive.
func (d *Directory) Stat(ctx context.Context, name string) (protocol.Object, error) {
	f, object, err := d.open(ctx, name)
	if err != nil {
		return protocol.Object{}, err
	}
	f.Close()
	return object, nil
}

// Open implements recording.Archive. From the end on there is nothing to read,
// which is no error.
func (d *Directory) Open(ctx context.Context, name string, from, length int64) (io.ReadCloser, error) {
	if err := checkRange(name, from); err != nil {
		return nil, err
	}
	f, object, err := d.open(ctx, name)
	if err != nil {
		return nil, err
	}
	if length < 0 {
		length = object.Bytes
	}
	return &opened{ctx, io.NewSectionReader(f, from, length), f}, nil
}

// opened is a file that is read until its context ends.
type opened struct {
	ctx  context.Context
	from io.Reader
	file io.Closer
}

func (o *opened) Read(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	return o.from.Read(p)
}

func (o *opened) Close() error { return o.file.Close() }

func (d *Directory) open(ctx context.Context, name string) (*os.File, protocol.Object, error) {
	if err := checkName(name); err != nil {
		return nil, protocol.Object{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, protocol.Object{}, ended(name, err)
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, protocol.Object{}, d.trouble("open", name, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		f.Close()
		return nil, protocol.Object{}, d.trouble("open", name, err)
	case !info.Mode().IsRegular():
		f.Close()
		return nil, protocol.Object{}, noObject(name)
	}
	return f, protocol.Object{Name: name, Bytes: info.Size(), ContentType: typeOf(name)}, nil
}

// Delete implements recording.Archive: after nil it is gone for good. Folders that
// have nothing in them go too.
func (d *Directory) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return ended(name, err)
	}
	d.tree.Lock()
	defer d.tree.Unlock()
	info, err := d.root.Lstat(name)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		err = d.root.Remove(name)
	}
	if err != nil && !missing(err) {
		return d.trouble("delete", name, err)
	}
	return d.trouble("delete", name, d.prune(path.Dir(name)))
}

// prune takes away a folder, and those above, that have nothing in them. It syncs
// in any case: an object that is gone may have gone a moment before its process
// died. tree is held.
func (d *Directory) prune(folder string) error {
	for folder != "." {
		info, err := d.root.Lstat(folder)
		if err == nil && (!info.IsDir() || d.root.Remove(folder) != nil) {
			break
		}
		folder = path.Dir(folder)
	}
	if err := d.sync(folder); !missing(err) {
		return err
	}
	return nil
}

// missing says whether there is nothing by a name: no file, or no folder for it.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// trouble says what an error of the file system means.
func (d *Directory) trouble(op, name string, err error) error {
	// Of the paths in it, one would be that of a part.
	why := err
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case err == nil:
		return nil
	case missing(err) && op != "put":
		return noObject(name)
	case errors.As(err, &at):
		why = at.Err
	case errors.As(err, &link):
		why = link.Err
	}
	for _, mend := range [...]struct {
		errs []error
		do   string
	}{
		{[]error{syscall.ENOSPC, syscall.EDQUOT}, "there is no space left: make room, or shorten the retention"},
		{[]error{fs.ErrPermission, syscall.EROFS}, "this user may not write there: give it the directory back"},
		{[]error{syscall.EIO}, "the disk does not read or write: replace it"},
		{[]error{syscall.EISDIR, syscall.EEXIST, syscall.ENOTDIR}, "something else has that name: move it out of the way"},
		{[]error{fs.ErrNotExist}, "a file or folder has been taken away: bring the directory back and start the switch again, and let no other switch use it"},
	} {
		for _, e := range mend.errs {
			if errors.Is(err, e) {
				return trouble(protocol.TroubleRefused, "%s %s in %s: %s (%v)", op, name, d.dir, mend.do, why)
			}
		}
	}
	return trouble(protocol.TroubleLater, "%s %s in %s: %v", op, name, d.dir, why)
}
