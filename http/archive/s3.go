package archive

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"maskswitch/actors/protocol"
)

// S3Config says which bucket, and how to get there. Bucket and APIKey alone mean
// Telnyx Storage, in whichever region the bucket is.
type S3Config struct {
	Bucket    string
	Endpoint  string          // https://host, http for tests and private networks; empty: Telnyx Storage
	Region    string          // empty: asked for
	AccessKey protocol.Secret // with SecretKey; empty: APIKey, at Telnyx Storage only
	SecretKey protocol.Secret
	APIKey    protocol.Secret // the carrier's: goes to telnyxcloudstorage.com by https, and nowhere else
	Spool     string          // folder for audio on its way, on a disk and not in memory; made if need be; empty: the system's

	transport http.RoundTripper // nil: the network
}

// S3 is an archive in a bucket. It uploads in one request, since not every region
// of Telnyx Storage has multipart; with the headers that every S3 knows, since
// Telnyx Storage knows no newer checksums; and with the bucket in the path. It
// makes no presigned URL, ever: that would show the access key, which at Telnyx
// is the API key.
type S3 struct {
	config S3Config
	door   *door
	// place is the client for where the bucket is; nil until that is known.
	place atomic.Pointer[minio.Core]
}

const (
	// largest is what Telnyx Storage takes in one request; others take a little more.
	largest = 5_000_000_000
	// tries is how often a request is sent before whoever asked hears of it.
	tries = 3
)

// OpenS3 checks the configuration and names every fault of it at once, in terms of
// the environment variables that are behind it. It sends nothing: Check does.
func OpenS3(config S3Config) (*S3, error) {
	var faults []error
	if config.Spool == "" {
		config.Spool = os.TempDir()
	} else if err := os.MkdirAll(config.Spool, 0o700); err != nil {
		faults = append(faults, fmt.Errorf("make the folder for recordings on their way: %w", err))
	}
	if err := s3utils.CheckValidBucketNameStrict(config.Bucket); err != nil {
		faults = append(faults, fmt.Errorf("STORAGE_BUCKET: %.70q is no name of a bucket: %v", config.Bucket, err))
	}
	if config.Region != "" && !regionName.MatchString(config.Region) {
		faults = append(faults, fmt.Errorf("STORAGE_REGION: %.70q is no region: write it like us-east-1", config.Region))
	}
	to, err := parseEndpoint(config.Endpoint)
	if err != nil {
		faults = append(faults, fmt.Errorf("STORAGE_ENDPOINT: %v", err))
	} else if err := checkKeys(config, to); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	s := &S3{config: config}
	if config.AccessKey == "" {
		s.config.AccessKey, s.config.SecretKey = config.APIKey, config.APIKey
	}
	s.door = newDoor(s.config, to)
	return s, nil
}

// regionName also keeps what a server says of itself from becoming a host name
// of another shape.
var regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// parseEndpoint reads where to go; nil if that is Telnyx Storage, whatever region.
func parseEndpoint(endpoint string) (*url.URL, error) {
	if endpoint == "" {
		return nil, nil
	}
	to, err := url.Parse(endpoint)
	switch {
	case err != nil: // its text would repeat what may be a password
		return nil, errors.New("this is no URL: write it like https://s3.example.com")
	case to.User != nil:
		return nil, errors.New("keys belong into STORAGE_ACCESS_KEY_ID and STORAGE_SECRET_ACCESS_KEY, not into the URL")
	case to.Scheme != "https" && to.Scheme != "http", to.Hostname() == "":
		return nil, errors.New("it must begin with https:// and a host, like https://s3.example.com")
	case strings.Trim(to.Path, "/") != "" || to.RawQuery != "" || to.Fragment != "":
		return nil, errors.New("only the host and port belong there, like https://s3.example.com: the bucket is STORAGE_BUCKET")
	}
	return to, nil
}

// checkKeys sees to it that the API key opens Telnyx Storage and nothing else.
func checkKeys(config S3Config, to *url.URL) error {
	own := config.AccessKey != ""
	switch {
	case own != (config.SecretKey != ""):
		return errors.New("STORAGE_ACCESS_KEY_ID and STORAGE_SECRET_ACCESS_KEY belong together: set both, or none for Telnyx Storage")
	case !own && config.APIKey == "":
		return errors.New("TELNYX_API_KEY: Telnyx Storage is opened with it: set it, or STORAGE_ENDPOINT and keys for another storage")
	case to == nil || atTelnyx(to):
		return nil
	case to.Scheme == "http" && telnyxHost(to): // whose access keys are API keys in any case
		return errors.New("STORAGE_ENDPOINT: Telnyx Storage gets the API key itself, so it must be https")
	case !own:
		return errors.New("STORAGE_ENDPOINT: this is not Telnyx Storage, which alone may see the API key: set STORAGE_ACCESS_KEY_ID and STORAGE_SECRET_ACCESS_KEY")
	case config.APIKey != "" && (config.AccessKey == config.APIKey || config.SecretKey == config.APIKey):
		return errors.New("STORAGE_ACCESS_KEY_ID: this is the API key, which only Telnyx Storage may see: get keys from whose storage it is")
	}
	return nil
}

// connect makes a client for one place. region may be empty: then it is asked for
// with the first request.
func (s *S3) connect(to *url.URL, region string) (*minio.Core, error) {
	client, err := minio.New(to.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(string(s.config.AccessKey), string(s.config.SecretKey), ""),
		Secure:       to.Scheme == "https",
		Transport:    s.door,
		Region:       region,
		BucketLookup: minio.BucketLookupPath,
		MaxRetries:   tries,
	})
	if err != nil {
		return nil, trouble(protocol.TroubleRefused, "STORAGE_ENDPOINT: %v", err)
	}
	return &minio.Core{Client: client}, nil
}

// client gives the client for where the bucket is.
func (s *S3) client(ctx context.Context) (*minio.Core, error) {
	if known := s.place.Load(); known != nil {
		return known, nil
	}
	found, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	s.place.Store(found)
	return found, nil
}

func (s *S3) find(ctx context.Context) (*minio.Core, error) {
	switch {
	case s.door.to != nil:
		return s.connect(s.door.to, s.config.Region)
	case s.config.Region != "":
		return s.connect(telnyxIn(s.config.Region), s.config.Region)
	}
	return s.findTelnyx(ctx)
}

// Check says whether the bucket is there and takes, gives back and deletes an
// object, with an error that says what to do. The archive may be used whatever it
// says: tomorrow it may say something else.
func (s *S3) Check(ctx context.Context) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := s.probe(ctx); err != nil {
		return err
	}
	// Not every storage knows the question, so that no answer is no fault.
	if kept, err := client.GetBucketVersioning(ctx, s.config.Bucket); err == nil && kept.Enabled() {
		return trouble(protocol.TroubleRefused,
			"the bucket %s keeps old versions, so that recordings which are erased stay there: switch its versioning off", s.config.Bucket)
	}
	return nil
}

// probe puts a small object, reads it and deletes it.
func (s *S3) probe(ctx context.Context) error {
	name := "maskswitch-check/" + strings.ToLower(rand.Text())
	said := "this object may be deleted\n"
	if _, err := s.Put(ctx, name, "text/plain", int64(len(said)), strings.NewReader(said)); err != nil {
		return err
	}
	back, err := s.Open(ctx, name, 0, -1)
	if err == nil {
		var heard []byte
		heard, err = io.ReadAll(back)
		back.Close()
		if err == nil && string(heard) != said {
			err = trouble(protocol.TroubleBroken, "the bucket %s gives back something else than it was given", s.config.Bucket)
		}
	}
	return cmp.Or(s.Delete(ctx, name), err)
}
