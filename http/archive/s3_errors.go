package archive

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"syscall"

	"github.com/minio/minio-go/v7"

	"maskswitch/actors/protocol"
)

// remedies say what an operator does about a refusal.
var remedies = []struct {
	codes []string
	do    string
}{
	{[]string{minio.AccessDenied, "AllAccessDisabled"}, "these keys are wrong, or may not do that there: allow them to read, write and delete objects in the bucket"},
	{[]string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId", "Unauthorized", "XAdminUserNotFound"},
		"the keys are wrong: mend STORAGE_ACCESS_KEY_ID and STORAGE_SECRET_ACCESS_KEY, or TELNYX_API_KEY for Telnyx Storage"},
	{[]string{"RequestTimeTooSkewed"}, "the clock of this machine is wrong: set it"},
	{[]string{"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "InvalidRegion", "IllegalLocationConstraintException"},
		"the bucket is somewhere else: mend STORAGE_REGION and STORAGE_ENDPOINT"},
	{[]string{"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "EntityTooLarge"}, "the storage has no room for it: make some, or shorten the retention"},
}

// trouble says what an error of the client's means.
func (s *S3) trouble(ctx context.Context, op, name string, err error) error {
	var known *protocol.RecordingError
	if errors.As(err, &known) {
		return known
	}
	if ctx.Err() != nil {
		return ended(s.what(op, name), ctx.Err())
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		return s.unanswered(op, name, err)
	}
	status := answer.StatusCode
	refused := &protocol.RecordingError{Trouble: protocol.TroubleRefused, Status: status}
	do := "see what the storage says"
	switch {
	case answer.Code == minio.NoSuchBucket:
		return s.noBucket()
	case answer.Code == minio.NoSuchKey:
		return noObject(name)
	case status >= 500 && status != http.StatusNotImplemented && status != http.StatusInsufficientStorage,
		status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusConflict,
		answer.Code == "RequestTimeout", answer.Code == "IncompleteBody", answer.Code == "OperationAborted":
		refused.Trouble, do = protocol.TroubleLater, "the storage is busy"
	case status >= 300 && status < 400:
		do = remedies[3].do
	case status == http.StatusUnauthorized:
		do = remedies[1].do
	case status == http.StatusPaymentRequired:
		do = "the storage wants to be paid"
	case status == http.StatusForbidden:
		do = remedies[0].do
	}
	for _, r := range remedies {
		if slices.Contains(r.codes, answer.Code) {
			do = r.do
		}
	}
	refused.Detail = fmt.Sprintf("%s: %s (%d %.80s: %.200s)", s.what(op, name), do, status, s.door.hide(answer.Code), s.door.hide(answer.Message))
	return refused
}

// what says in words what has been tried. Without a name it was with the bucket.
func (s *S3) what(op, name string) string {
	if name == "" {
		return op + " the bucket " + s.config.Bucket
	}
	return op + " " + name + " in the bucket " + s.config.Bucket
}

func (s *S3) noBucket() error {
	return &protocol.RecordingError{Trouble: protocol.TroubleRefused, Status: http.StatusNotFound, Detail: fmt.Sprintf(
		"the storage has no bucket named %s: make it, or mend STORAGE_BUCKET, STORAGE_REGION and STORAGE_ENDPOINT", s.config.Bucket)}
}

// unanswered says why there was no answer, or not all of it.
func (s *S3) unanswered(op, name string, err error) error {
	kind, why := protocol.TroubleLater, "the connection broke"
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	var file *fs.PathError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errDoor):
		kind, why = protocol.TroubleRefused, errDoor.Error()
	case errors.As(err, &file):
		kind, why = protocol.TroubleRefused, "the folder for files on their way does not work: mend it: "+file.Err.Error()
	case errors.As(err, &dns):
		why = "the name of the storage could not be looked up: see that STORAGE_ENDPOINT is right"
	case errors.As(err, &certificate):
		kind, why = protocol.TroubleRefused, "the certificate of the storage was not accepted: see that STORAGE_ENDPOINT is right"
	case errors.As(err, &noTLS), errors.Is(err, http.ErrSchemeMismatch):
		kind, why = protocol.TroubleRefused, "the storage does not speak https: mend STORAGE_ENDPOINT"
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "the storage refused the connection"
	case errors.As(err, &timeout) && timeout.Timeout():
		why = "the storage did not answer in time"
	default:
		// Of an error that names a URL, only what is behind it.
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err
		}
		why = fmt.Sprintf("%.200s", s.door.hide(err.Error()))
	}
	return trouble(kind, "%s: %s", s.what(op, name), why)
}

// troubleOf is the kind of an error; later if it does not tell.
func troubleOf(err error) protocol.RecordingTrouble {
	var known *protocol.RecordingError
	if errors.As(err, &known) {
		return known.Trouble
	}
	return protocol.TroubleLater
}
