package archive

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"

	"github.com/minio/minio-go/v7"

	"maskswitch/actors/protocol"
)

// Put implements recording.Archive. audio must end when ctx does. It goes through a
// file first, and up with its hash when all of it is here: there are servers that
// keep what they got when a connection breaks in the middle, unless they have a
// hash to hold it to. It takes 5 GB at most.
func (s *S3) Put(ctx context.Context, name, contentType string, size int64, audio io.Reader) (protocol.Object, error) {
	if err := checkName(name); err != nil {
		return protocol.Object{}, err
	}
	if size > largest {
		return protocol.Object{}, tooLong(largest)
	}
	client, err := s.client(ctx)
	if err != nil {
		return protocol.Object{}, err
	}
	in := &intake{ctx: ctx, audio: audio, size: size, most: largest}
	spool, err := s.spool(in)
	if in.failed != nil {
		return protocol.Object{}, fmt.Errorf("%s: %w", name, in.failed)
	}
	if err != nil {
		return protocol.Object{}, s.trouble(ctx, "put", name, err)
	}
	defer spool.file.Close()
	object := protocol.Object{Name: name, Bytes: spool.size, ContentType: cmp.Or(contentType, typeOf(name))}
	_, err = client.PutObject(ctx, s.config.Bucket, name, io.NewSectionReader(spool.file, 0, spool.size), spool.size, "", spool.sum,
		minio.PutObjectOptions{ContentType: object.ContentType, DisableContentSha256: true}) // the hash of the whole replaces those of chunks
	if err != nil {
		return protocol.Object{}, s.trouble(ctx, "put", name, err)
	}
	return object, nil
}

// spooled is audio in a file that has no name any more: whatever becomes of this
// process, nothing is left of it.
type spooled struct {
	file *os.File
	size int64
	sum  string // SHA-256, hexadecimal
}

func (s *S3) spool(in io.Reader) (spooled, error) {
	f, err := os.CreateTemp(s.config.Spool, "maskswitch-")
	if err != nil {
		return spooled{}, err
	}
	hash := sha256.New()
	err = os.Remove(f.Name())
	var n int64
	if err == nil {
		n, err = io.Copy(io.MultiWriter(f, hash), in)
	}
	if err != nil {
		f.Close()
		return spooled{}, err
	}
	return spooled{f, n, hex.EncodeToString(hash.Sum(nil))}, nil
}

// Stat implements recording.Archive. Without a bucket there is no object.
func (s *S3) Stat(ctx context.Context, name string) (protocol.Object, error) {
	if err := checkName(name); err != nil {
		return protocol.Object{}, err
	}
	client, err := s.client(ctx)
	if err != nil {
		return protocol.Object{}, err
	}
	info, err := client.StatObject(ctx, s.config.Bucket, name, minio.StatObjectOptions{})
	if err != nil {
		return protocol.Object{}, s.trouble(ctx, "stat", name, err)
	}
	return protocol.Object{Name: name, Bytes: info.Size, ContentType: info.ContentType}, nil
}

// Open implements recording.Archive. From the end on there is nothing to read,
// which is no error.
func (s *S3) Open(ctx context.Context, name string, from, length int64) (io.ReadCloser, error) {
	if err := checkRange(name, from); err != nil {
		return nil, err
	}
	if length == 0 {
		_, err := s.Stat(ctx, name)
		return http.NoBody, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	body, _, header, err := client.GetObject(ctx, s.config.Bucket, name, within(from, length))
	if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return http.NoBody, nil
	}
	if err != nil {
		return nil, s.trouble(ctx, "open", name, err)
	}
	if (from > 0 || length > 0) && header.Get("Content-Range") == "" {
		body.Close()
		return nil, trouble(protocol.TroubleRefused, "open %s: the storage reads objects from their beginning only: use another", name)
	}
	return &reading{s, ctx, name, body}, nil
}

// within is the header for a part of an object.
func within(from, length int64) minio.GetObjectOptions {
	var o minio.GetObjectOptions
	switch {
	case length > 0:
		o.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+min(length-1, math.MaxInt64-from)))
	case from > 0:
		o.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	return o
}

// reading is an object on its way here.
type reading struct {
	s    *S3
	ctx  context.Context
	name string
	body io.ReadCloser
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.s.trouble(r.ctx, "read", r.name, err)
	}
	return n, err
}

func (r *reading) Close() error { return r.body.Close() }

// Delete implements recording.Archive.
func (s *S3) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	err = client.RemoveObject(ctx, s.config.Bucket, name, minio.RemoveObjectOptions{})
	if err == nil {
		return nil
	}
	if err = s.trouble(ctx, "delete", name, err); errors.Is(err, protocol.ErrNoObject) {
		return nil
	}
	return err
}
