package carrier

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// recorder is where the files of recordings are.
const recorder = "/telephony-recorder-prod/"

// FileTrouble is a way in which a recording's file cannot be had.
type FileTrouble string

// All of them leave the recording itself as it is.
const (
	FileExpired   FileTrouble = "expired"   // the link of the event is dead from the begin, only another one works
	FileForbidden FileTrouble = "forbidden" // 403
	FileMissing   FileTrouble = "missing"   // 404
	FileError     FileTrouble = "error"     // 500
	FileSlow      FileTrouble = "slow"      // it comes, but takes its time
	FileCut       FileTrouble = "cut"       // the connection breaks in the middle
	FileShort     FileTrouble = "short"     // a byte less comes than was announced
	FilePage      FileTrouble = "page"      // 200, and a page of HTML
	FileGarbled   FileTrouble = "garbled"   // 200, and bytes that are no sound
)

// FileTroubles lists every one.
func FileTroubles() []FileTrouble {
	return []FileTrouble{FileExpired, FileForbidden, FileMissing, FileError, FileSlow, FileCut, FileShort, FilePage, FileGarbled}
}

// FileFault strikes the files of a share of the recordings.
type FileFault struct {
	Rate  float64
	Is    FileTrouble
	Tries int           // so many first requests for the file; 0: 1
	Lasts time.Duration // how long a slow file takes; 0: 3 s
}

// fileFault draws what befalls a recording's file; nil: nothing.
func (c *Carrier) fileFault(k *kept) *FileFault {
	list := c.faults.Load().Files
	at := c.draw("file", k.Call, k.Leg, "", k.nth)
	for i := range list {
		if at -= list[i].Rate; at < 0 {
			return &list[i]
		}
	}
	return nil
}

// trouble is what befalls one request for a file.
func (c *Carrier) trouble(k *kept, try int) (is FileTrouble, lasts time.Duration) {
	const slow = 3 * time.Second
	if c.cfg.OnFile != nil {
		if is = c.cfg.OnFile(k.seen(), try); is != "" {
			return is, slow
		}
	}
	f := c.fileFault(k)
	if f == nil || try > max(f.Tries, 1) || f.Is == FileExpired { // which the link has
		return "", 0
	}
	set(&lasts, f.Lasts)
	set(&lasts, slow)
	return f.Is, lasts
}

// eventLink is the link that an event tells.
func (c *Carrier) eventLink(k *kept) string {
	signed := time.Now()
	if f := c.fileFault(k); f != nil && f.Is == FileExpired {
		signed = signed.Add(-c.cfg.LinkLife - 2*time.Second)
	}
	return c.link(k, "", signed)
}

// link is an address of the file in the form of an S3 presigned one. The host
// is the carrier's own, or of the request if it does not know that.
func (c *Carrier) link(k *kept, host string, signed time.Time) string {
	origin := c.URL()
	if origin == "" {
		origin = "http://" + host
	}
	date := signed.UTC().Format(amzTime)
	expires := strconv.Itoa(int(c.cfg.LinkLife.Seconds()))
	q := url.Values{
		"X-Amz-Algorithm":     {"AWS4-HMAC-SHA256"},
		"X-Amz-Credential":    {"EXAMPLE/" + date[:8] + "/us-east-1/s3/aws4_request"},
		"X-Amz-Date":          {date},
		"X-Amz-Expires":       {expires},
		"X-Amz-SignedHeaders": {"host"},
		"X-Amz-Signature":     {c.linkSignature(k.object, date, expires)},
	}
	return origin + k.object + "?" + q.Encode()
}

const amzTime = "20060102T150405Z"

func (c *Carrier) linkSignature(object, date, expires string) string {
	mac := hmac.New(sha256.New, c.linkKey)
	fmt.Fprintf(mac, "%s\n%s\n%s", object, date, expires)
	return hex.EncodeToString(mac.Sum(nil))
}

// serveFile plays S3: one way to authenticate only, an end to every link. A key
// that came along is noted.
func (c *Carrier) serveFile(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	date, expires := q.Get("X-Amz-Date"), q.Get("X-Amz-Expires")
	signed, err := time.Parse(amzTime, date)
	life, _ := strconv.Atoi(expires)
	want := c.linkSignature(r.URL.Path, date, expires)
	switch {
	case r.Header.Get("Authorization") != "":
		c.shelf.leaked(r.URL.Path)
		c.cfg.Logf("a request for a recording's file shows a key to the storage")
		s3Error(w, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
		return
	case err != nil || subtle.ConstantTimeCompare([]byte(want), []byte(q.Get("X-Amz-Signature"))) == 0:
		s3Error(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided")
		return
	case time.Since(signed) > time.Duration(life)*time.Second+time.Second: // X-Amz-Date has whole seconds
		expired(w)
		return
	}
	k := c.shelf.file(r.URL.Path)
	if k == nil {
		noSuchKey(w)
		return
	}
	defer k.note()
	is, lasts := c.trouble(k, int(k.tries.Add(1)))
	switch is {
	case "":
		c.serveWhole(w, r, k)
	case FileExpired:
		expired(w)
	case FileForbidden:
		s3Error(w, http.StatusForbidden, "AccessDenied", "Access Denied")
	case FileMissing:
		noSuchKey(w)
	case FileError:
		s3Error(w, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	case FilePage:
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!DOCTYPE html><title>Service unavailable</title><p>Please come back later.")
	default:
		c.serveBroken(w, k, is, lasts)
	}
}

func (c *Carrier) serveWhole(w http.ResponseWriter, r *http.Request, k *kept) {
	k.fetches.Add(1)
	w.Header().Set("Content-Type", contentTypes[k.Format])
	w.Header().Set("ETag", `"`+k.SHA256[:32]+`"`)
	http.ServeContent(w, r, "", k.saved, k.sound.reader())
}

var contentTypes = map[string]string{"mp3": "audio/mpeg", "wav": "audio/x-wav"}

// serveBroken writes an answer that no server library would: the connection is
// taken over, and ends with it.
func (c *Carrier) serveBroken(w http.ResponseWriter, k *kept, is FileTrouble, lasts time.Duration) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // no connection to break: an answer that never comes is near enough
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", contentTypes[k.Format], k.Size)
	sound := io.Reader(k.sound.reader())
	switch is {
	case FileCut:
		io.CopyN(conn, sound, k.Size/2)
	case FileShort:
		io.CopyN(conn, sound, k.Size-1)
	case FileGarbled:
		io.Copy(conn, inverted{sound})
	case FileSlow:
		const pieces = 10
		piece := int64(math.Ceil(float64(k.Size) / pieces))
		for range pieces {
			if !c.hold(&Reply{Hold: lasts / pieces}) {
				return
			}
			if _, err := io.CopyN(conn, sound, piece); err != nil && err != io.EOF {
				return
			}
		}
		k.fetches.Add(1)
	}
}

// inverted turns every bit around.
type inverted struct{ io.Reader }

func (r inverted) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	for i := range p[:n] {
		p[i] = ^p[i]
	}
	return n, err
}

func expired(w http.ResponseWriter) {
	s3Error(w, http.StatusForbidden, "AccessDenied", "Request has expired")
}

func noSuchKey(w http.ResponseWriter) {
	s3Error(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

func s3Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}
