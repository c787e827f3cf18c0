package archive

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"maskswitch/actors/protocol"
)

func TestOpenS3NamesEveryFault(t *testing.T) {
	const (
		here   = "https://s3.example.com"
		telnyx = "https://us-east-1.telnyxcloudstorage.com"
	)
	for _, test := range []struct {
		config S3Config
		want   []string // all of them are in the error; none: no error
	}{
		{S3Config{Bucket: bucket, APIKey: apiKey}, nil},
		{S3Config{Bucket: bucket, APIKey: apiKey, Region: "eu-central-1"}, nil},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: telnyx}, nil},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: telnyx + ":443/"}, nil},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: telnyx, AccessKey: apiKey, SecretKey: apiKey}, nil},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: here, AccessKey: accessKey, SecretKey: secretKey}, nil},
		{S3Config{Bucket: bucket, Endpoint: "http://10.0.0.1:9000", AccessKey: accessKey, SecretKey: secretKey}, nil},

		{S3Config{Bucket: bucket, APIKey: apiKey, Spool: filepath.Join(t.TempDir(), "made", "here")}, nil},
		{S3Config{Bucket: bucket, APIKey: apiKey, Spool: "s3.go/spool"}, []string{"the folder for recordings on their way"}},

		{S3Config{APIKey: apiKey}, []string{"STORAGE_BUCKET"}},
		{S3Config{Bucket: "../x", APIKey: apiKey}, []string{"STORAGE_BUCKET"}},
		{S3Config{Bucket: "Capitals", APIKey: apiKey}, []string{"STORAGE_BUCKET"}},
		{S3Config{Bucket: bucket}, []string{"TELNYX_API_KEY"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Region: "evil.example.com/"}, []string{"STORAGE_REGION"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, AccessKey: accessKey}, []string{"belong together"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, SecretKey: secretKey}, []string{"belong together"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: here}, []string{"STORAGE_ENDPOINT", "alone may see the API key"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: "https://telnyxcloudstorage.com.example.com"}, []string{"alone may see the API key"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: "https://eviltelnyxcloudstorage.com"}, []string{"alone may see the API key"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: "https://us-east-1.telnyxcloudstorage.com:8443"}, []string{"alone may see the API key"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: "http://us-east-1.telnyxcloudstorage.com"}, []string{"must be https"}},
		{S3Config{Bucket: bucket, Endpoint: "HTTP://Us-East-1.TelnyxCloudStorage.com", AccessKey: accessKey, SecretKey: secretKey}, []string{"must be https"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: here, AccessKey: apiKey, SecretKey: "x"}, []string{"only Telnyx Storage may see"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: here, AccessKey: "x", SecretKey: apiKey}, []string{"only Telnyx Storage may see"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: "https://" + accessKey + ":" + secretKey + "@s3.example.com"}, []string{"not into the URL"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: "https://" + accessKey + ":" + secretKey + "@s3.example.com:x"}, []string{"no URL"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: "s3.example.com"}, []string{"must begin with https://"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: "ftp://s3.example.com"}, []string{"must begin with https://"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: here + "/bucket"}, []string{"the bucket is STORAGE_BUCKET"}},
		{S3Config{Bucket: bucket, APIKey: apiKey, Endpoint: here + "?key=" + apiKey}, []string{"only the host and port"}},
		{S3Config{Region: "?", Endpoint: "?"}, []string{"STORAGE_BUCKET", "STORAGE_REGION", "STORAGE_ENDPOINT"}},
	} {
		_, err := OpenS3(test.config)
		if (err == nil) != (test.want == nil) {
			t.Errorf("%+v: %v", test.config, err)
		}
		if err == nil {
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: want %q in: %v", test.config, want, err)
			}
		}
		for _, key := range []string{apiKey, accessKey, secretKey} {
			if text := fmt.Sprintf("%v %+v %#v", err, test.config, test.config); strings.Contains(strings.ReplaceAll(text, test.config.Endpoint, ""), key) {
				t.Errorf("a key in: %s", text)
			}
		}
	}
}

func TestEnvironmentProxyIsNotUsed(t *testing.T) {
	if newTransport(stall).Proxy != nil {
		t.Error("recordings would go through a proxy of the environment's")
	}
}

// TestDoorKeepsKeys sends requests that the client would never send.
func TestDoorKeepsKeys(t *testing.T) {
	const own, telnyx, amazon = "https://s3.example.com", "", "https://s3.amazonaws.com"
	for _, test := range []struct {
		endpoint, url string
		passes        bool
	}{
		{own, "https://s3.example.com/recordings/a", true},
		{own, "https://s3.example.com:443/recordings/a", true},
		{own, "https://s3.example.com:444/recordings/a", false},
		{own, "http://s3.example.com/recordings/a", false},
		{own, "https://recordings.s3.example.com/a", false},
		{own, "https://example.com/recordings/a", false},
		{own, "https://us-east-1.telnyxcloudstorage.com/recordings/a", false},
		{own, "https://s3.example.com/recordings/a?X-Amz-Credential=x", false},
		{own, "https://s3.example.com/recordings/a?x-amz-security-token=x", false},
		{own, "https://s3.example.com/recordings/a?key=" + apiKey, false},
		{own, "https://s3.example.com/recordings/a?key=" + secretKey, false},
		{own, "https://s3.example.com/recordings/a?key=" + accessKey, false},
		{own, "https://s3.example.com/recordings/" + apiKey, false},
		{telnyx, "https://us-central-1.telnyxcloudstorage.com/recordings/a", true},
		{telnyx, "https://ca-central-1.telnyxcloudstorage.com/recordings/a", true},
		{telnyx, "http://us-central-1.telnyxcloudstorage.com/recordings/a", false},
		{telnyx, "https://us-central-1.telnyxcloudstorage.com:8443/recordings/a", false},
		{telnyx, "https://us-central-1.telnyxcloudstorage.com.example.com/recordings/a", false},
		{telnyx, "https://us-central-1.eviltelnyxcloudstorage.com/recordings/a", false},
		{telnyx, "https://api.telnyx.com/recordings/a", false},
		{amazon, "https://s3.dualstack.us-west-2.amazonaws.com/recordings/a", true},
		{amazon, "http://s3.dualstack.us-west-2.amazonaws.com/recordings/a", false},
		{amazon, "https://s3.dualstack.us-west-2.amazonaws.com.example.com/recordings/a", false},
		{amazon, "https://amazonaws.com.example.com/recordings/a", false},
	} {
		passed := false
		config := S3Config{Bucket: bucket, Endpoint: test.endpoint, AccessKey: accessKey, SecretKey: secretKey, APIKey: apiKey}
		if test.endpoint == telnyx {
			config.AccessKey, config.SecretKey = "", ""
		}
		config.transport = handle(func(*http.Request) (int, string) {
			passed = true
			return http.StatusOK, ""
		})
		s, err := OpenS3(config)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"", "other.example.com"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, test.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if passed = false; host != "" {
				r.Host = host
			}
			_, err = s.door.RoundTrip(r)
			if want := test.passes && host == ""; passed != want || (err == nil) != want {
				t.Errorf("%s for %q to %s (%v): passed %t, %v", test.url, test.endpoint, host, r.Host, passed, err)
			}
		}
	}
}

// TestKeysThatAreWords has an access key that is in the name of all the rest.
func TestKeysThatAreWords(t *testing.T) {
	seen := &witness{next: handle(func(*http.Request) (int, string) { return http.StatusOK, "" })}
	s, err := OpenS3(S3Config{
		Bucket: "minio-recordings", Endpoint: "http://minio:9000", Region: "minio-1", AccessKey: "minio", SecretKey: "minio123",
		APIKey: apiKey, Spool: t.TempDir(), transport: seen,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), s, "minio.mp3", "x"); err != nil {
		t.Error(err)
	}
	seen.check(t)
}

// storage is what a fake Telnyx Storage has: where the bucket is, and what it says.
type storage struct {
	home     string // region of the bucket; empty: there is none
	says     string // to who asks where; empty: the truth
	europe   bool   // only Europe tells of what is in Europe
	location int    // status of the answer to who asks where; 0: 200
	dead     bool
	deadIn   string // one region
}

func (s storage) handle(r *http.Request) (int, string) {
	region, _, _ := strings.Cut(r.URL.Host, ".")
	const no = `<?xml version="1.0"?><Error><Code>%s</Code><Message>no: %s</Message></Error>`
	_, where := r.URL.Query()["location"]
	switch {
	case s.dead, region == s.deadIn:
		return 0, ""
	case where && s.location != 0:
		return s.location, fmt.Sprintf(no, "AccessDenied", apiKey)
	case s.home == "", where && s.europe && region != s.home, !where && region != s.home:
		return http.StatusNotFound, fmt.Sprintf(no, "NoSuchBucket", "")
	case where && s.says != "":
		return http.StatusOK, "<LocationConstraint>" + s.says + "</LocationConstraint>"
	case where && s.says == "":
		return http.StatusOK, "<LocationConstraint>" + s.home + "</LocationConstraint>"
	}
	return http.StatusOK, ""
}

func TestTelnyxStorageByBucketAlone(t *testing.T) {
	later, mend := protocol.TroubleLater, protocol.TroubleRefused
	for _, test := range []struct {
		name    string
		storage storage
		region  string // configured
		words   string // of the error; empty: it works
		kind    protocol.RecordingTrouble
	}{
		{"at home", storage{home: "us-central-1"}, "", "", 0},
		{"in the east", storage{home: "us-east-1"}, "", "", 0},
		{"in Canada", storage{home: "ca-central-1"}, "", "", 0},
		{"in Europe", storage{home: "eu-central-1"}, "", "", 0},
		{"in Europe, which America does not know", storage{home: "eu-central-1", europe: true}, "", "", 0},
		{"at home, which is not told", storage{home: "us-central-1", location: http.StatusForbidden}, "", "", 0},
		{"at home, which is told as nothing", storage{home: "us-central-1", says: " "}, "", "", 0},
		{"at home, told with a lie", storage{home: "us-central-1", says: "us-west-1"}, "", "", 0},
		{"told to leave", storage{home: "us-central-1", says: "evil.example.com/#"}, "", "", 0},
		{"in the west, as configured", storage{home: "us-west-1"}, "us-west-1", "", 0},
		{"nowhere", storage{}, "", "no bucket named recordings", mend},
		{"not where it is configured to be", storage{home: "us-west-1"}, "us-east-1", "no bucket named recordings", mend},
		{"not in Europe, and America out of reach", storage{home: "us-east-1", europe: true, deadIn: "us-central-1"}, "", "could not be looked up", later},
		{"out of reach", storage{dead: true}, "", "could not be looked up", later},
	} {
		t.Run(test.name, func(t *testing.T) {
			seen := &witness{keys: []protocol.Secret{apiKey}, next: handle(test.storage.handle)}
			s, err := OpenS3(S3Config{Bucket: bucket, Region: test.region, APIKey: apiKey, Spool: t.TempDir(), transport: seen})
			if err != nil {
				t.Fatal(err)
			}
			err = put(t.Context(), s, "a.mp3", "x")
			if test.words != "" {
				refused(t, err, test.kind, test.words)
			} else if err != nil {
				t.Fatal(err)
			}
			seen.check(t)
			for _, r := range seen.seen {
				if host := r.URL.Host; r.URL.Scheme != "https" || !strings.HasSuffix(host, ".telnyxcloudstorage.com") || strings.Count(host, ".") != 2 {
					t.Errorf("the API key went to %s", r.URL)
				}
				if !strings.HasPrefix(r.URL.Path, "/"+bucket) || !strings.Contains(r.Header.Get("Authorization"), apiKey) {
					t.Errorf("%s is not path style, or has no key", r.URL)
				}
			}
			if test.words != "" {
				return
			}
			last := seen.seen[len(seen.seen)-1]
			if last.Method != http.MethodPut || last.URL.Host != test.storage.home+".telnyxcloudstorage.com" {
				t.Errorf("the last was %s %s", last.Method, last.URL)
			}
			if sum := last.Header.Get("X-Amz-Content-Sha256"); sum != "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" {
				t.Errorf("it is held to the hash %q", sum)
			}
			before := len(seen.seen)
			if err := put(t.Context(), s, "b.mp3", "x"); err != nil || len(seen.seen) != before+1 {
				t.Errorf("the second took %d requests, %v", len(seen.seen)-before, err)
			}
		})
	}
}

// TestTelnyxStorageFoundLater opens it while nobody answers.
func TestTelnyxStorageFoundLater(t *testing.T) {
	there := storage{home: "us-east-1", dead: true}
	seen := &witness{keys: []protocol.Secret{apiKey}, next: handle(func(r *http.Request) (int, string) { return there.handle(r) })}
	s, err := OpenS3(S3Config{Bucket: bucket, APIKey: apiKey, Spool: t.TempDir(), transport: seen})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, s.Check(t.Context()), protocol.TroubleLater, "could not be looked up")
	there.dead = false
	if err := put(t.Context(), s, "a.mp3", "x"); err != nil {
		t.Error(err)
	}
}
