package telnyx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"maskswitch/actors/protocol"
)

const (
	headerTimeout = 30 * time.Second
	// mostRedirects bounds the hops to other places on the same host.
	mostRedirects = 3
)

// Download opens the audio behind a link. What it leads to is read as it comes:
// whoever reads slowly slows the carrier down, and nothing is kept in memory.
// The body must be closed. Errors of both are *protocol.RecordingError, and hold
// nothing of the link but the name of its host:
//
//   - TroubleLink: the link is refused, without a connection, or has expired;
//   - TroubleLater: the host did not answer, or sends less than 16 KiB a second;
//   - TroubleBroken: what came is no audio, or is not what was announced;
//   - TroubleRefused: it is longer than the limit.
//
// The API key goes along to the carrier's own hosts (*.telnyx.com) and to no
// other, an operator's included: a link of S3's is its own key, and S3 refuses
// a second one.
func (r *Recordings) Download(ctx context.Context, link protocol.Secret) (protocol.Audio, error) {
	to, err := r.hosts.check(string(link))
	if err != nil {
		return protocol.Audio{}, r.refusedLink(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	for hops := 0; ; hops++ {
		res, err := r.open(ctx, to)
		if err != nil {
			cancel()
			return protocol.Audio{}, r.unreached(to, err)
		}
		if !redirects(res.StatusCode) {
			audio, failed := r.accept(cancel, res)
			if failed != nil {
				cancel()
				res.Body.Close()
				return protocol.Audio{}, failed
			}
			return audio, nil
		}
		res.Body.Close()
		next, err := r.follow(to, res.Header.Get("Location"))
		if err == nil && hops == mostRedirects {
			err = errors.New("the link leads from one place to the next and does not end")
		}
		if err != nil {
			cancel()
			return protocol.Audio{}, r.refusedLink(err)
		}
		to = next
	}
}

// open asks for what is behind a link. The transport is used without an
// http.Client, which would follow redirects on its own.
func (r *Recordings) open(ctx context.Context, to door) (*http.Response, error) {
	header := http.Header{"User-Agent": {"maskswitch"}, "Accept": {"audio/*, application/octet-stream"}, "Accept-Encoding": {"identity"}}
	if to.key {
		header.Set("Authorization", "Bearer "+r.client.key)
	}
	way := r.public
	if to.private {
		way = r.private
	}
	one := request{method: http.MethodGet, url: to.url}
	return way.RoundTrip(one.http(ctx, header))
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// follow says where a redirect leads, which must be on the same host and as good
// as a link of its own. A relative one must be a whole path: what climbs would be
// straightened before it could be checked.
func (r *Recordings) follow(from door, location string) (door, error) {
	if strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//") {
		location = from.origin + location
	}
	to, err := r.hosts.check(location)
	if err != nil {
		return door{}, fmt.Errorf("it redirects, and %w", err)
	}
	if to.origin != from.origin {
		return door{}, errors.New("the link redirects to another host, which is not followed")
	}
	return to, nil
}

// accept judges an answer by its head.
func (r *Recordings) accept(cancel context.CancelFunc, res *http.Response) (protocol.Audio, error) {
	if res.StatusCode != http.StatusOK {
		return protocol.Audio{}, judgeLink(res)
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	encoding := res.Header.Get("Content-Encoding")
	switch {
	case err != nil || !strings.HasPrefix(kind, "audio/") && kind != "application/octet-stream" && kind != "binary/octet-stream":
		return protocol.Audio{}, trouble(protocol.TroubleBroken, "the link leads to something that is not announced as audio")
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return protocol.Audio{}, trouble(protocol.TroubleBroken, "the audio comes packed, which was not asked for")
	case res.ContentLength == 0:
		return protocol.Audio{}, trouble(protocol.TroubleBroken, "the recording is announced with no bytes")
	case res.ContentLength > r.maxBytes:
		return protocol.Audio{}, r.tooLong()
	}
	return protocol.Audio{
		ReadCloser: newPacedBody(cancel, res.Body, r),
		Bytes:      res.ContentLength, ContentType: kind,
	}, nil
}

func (r *Recordings) tooLong() *protocol.RecordingError {
	return trouble(protocol.TroubleRefused, "the recording is longer than the limit of %d bytes", r.maxBytes)
}

// judgeLink says what an answer other than 200 means for a link. S3 answers 400
// and 403 to a signature that is wrong or has expired, 404 to what is not there
// any more; another link, or the lack of one, tells which.
func judgeLink(res *http.Response) *protocol.RecordingError {
	failed := &protocol.RecordingError{Status: res.StatusCode}
	switch status := res.StatusCode; {
	case status == http.StatusBadRequest, status == http.StatusForbidden, notFound(status):
		failed.Trouble, failed.Detail = protocol.TroubleLink, "the link is not valid, or not any more"
	case status == http.StatusTooManyRequests, status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		failed.Trouble, failed.Detail = protocol.TroubleLater, "the host of the recording is busy"
		failed.After = asked(status, res.Header)
	case status < 400:
		failed.Trouble, failed.Detail = protocol.TroubleBroken, "the host of the recording answers with something else than it"
	default:
		failed.Trouble, failed.Detail = protocol.TroubleRefused, "the host of the recording refuses it"
	}
	return failed
}

// refusedLink is the error of a link that is not followed.
func (r *Recordings) refusedLink(why error) *protocol.RecordingError {
	return trouble(protocol.TroubleLink, "%s", r.client.redact(why.Error()))
}

// unreached is the error of a link behind which nobody answered.
func (r *Recordings) unreached(to door, err error) *protocol.RecordingError {
	kind := protocol.TroubleLater
	if errors.Is(err, errPrivate) {
		kind = protocol.TroubleLink
	}
	return trouble(kind, "%s: %s", r.client.redact(to.url.Hostname()), breakage(err))
}

// breakage says in words of ours why there was no answer, or not all of it: the
// words of an error can repeat what the other side sent.
func breakage(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errPrivate):
		return errPrivate.Error() + "; RECORDING_HOSTS can allow it, with its scheme"
	case errors.Is(err, context.Canceled):
		return "the download was stopped"
	case errors.As(err, &dns):
		return "its name could not be looked up"
	case errors.As(err, &certificate):
		return "its certificate was not accepted"
	case errors.Is(err, context.DeadlineExceeded), timedOut(err):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refused the connection"
	}
	return "the connection broke"
}

func trouble(kind protocol.RecordingTrouble, format string, args ...any) *protocol.RecordingError {
	return &protocol.RecordingError{Trouble: kind, Detail: fmt.Sprintf(format, args...)}
}
