package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxBody is far above what the largest legal request needs.
const maxBody = 1 << 20

// decode reads a JSON object, strictly: a member we do not know or a doubled
// one is a client's mistake that would otherwise pass for a success. required
// is the route's older text for a body without what it needs.
func decode(r *http.Request, into any, required string) error {
	if err := checkMedia(r.Header); err != nil {
		return err
	}
	if r.ContentLength > maxBody {
		return bodyTooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		p := refuse(invalid, "body_unreadable", "", "the body broke off before its end")
		p.cause = err
		return p
	}
	if len(body) > maxBody {
		return bodyTooLarge()
	}
	old := verdict{http.StatusBadRequest, required}
	if err := checkShape(body, old); err != nil {
		return err
	}
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil {
		return explain(body, err, old)
	}
	return nil
}

// checkMedia takes JSON, and a body whose sender did not say what it is.
func checkMedia(h http.Header) error {
	if enc := h.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return refuse(wrongMedia, "content_encoding", "", "compressed bodies are not read; send the JSON as it is")
	}
	value := h.Get("Content-Type")
	if value == "" {
		return nil
	}
	media, params, err := mime.ParseMediaType(value)
	charset, given := params["charset"]
	if err != nil || media != "application/json" || given && !strings.EqualFold(charset, "utf-8") {
		return refuse(wrongMedia, "content_type", "", "the body must be application/json in UTF-8")
	}
	return nil
}

// bodyTooLarge also ends the connection: what is left of the body is not read.
func bodyTooLarge() error {
	return refuse(tooLarge, "body_too_large", "", "a body may have 1 MiB at most").with("Connection", "close")
}

// checkShape sees that the body is an object at all. A JSON null would pass
// for an empty one later.
func checkShape(body []byte, required verdict) error {
	switch kind := jsontext.Value(body).Kind(); {
	case len(bytes.Trim(body, " \t\r\n")) == 0:
		return refuse(required, "empty_body", "", "the body is empty; a JSON object is expected")
	case !utf8.Valid(body):
		return refuse(invalid, "invalid_utf8", "", "the body is not valid UTF-8")
	case kind != jsontext.KindBeginObject && jsontext.Value(body).IsValid():
		return refuse(required, "not_an_object", "", "the body is "+kindWords(kind)+"; a JSON object is expected")
	}
	return nil
}

// explain says in plain words what the decoder stumbled on.
func explain(body []byte, err error, required verdict) error {
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return refuse(invalid, "duplicate_member", fieldName(syntax.JSONPointer), "the member is there more than once")
	case errors.As(err, &syntax):
		return malformed(body, syntax)
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &meaning):
		return refuse(invalid, "unknown_member", fieldName(meaning.JSONPointer),
			"this request has no such member: check its spelling")
	case errors.As(err, &meaning) && meaning.GoType != nil && meaning.JSONKind == jsontext.KindNumber &&
		meaning.GoType.Kind() == reflect.Float64:
		return refuse(invalid, "out_of_range", fieldName(meaning.JSONPointer), "the number is too large")
	case errors.As(err, &meaning) && meaning.GoType != nil:
		v := invalid
		if meaning.GoType.Kind() == reflect.Slice {
			v = required // an array that is none was "required" to the old clients
		}
		return refuse(v, "wrong_type", fieldName(meaning.JSONPointer),
			"expected "+typeWords(meaning.GoType)+", got "+kindWords(meaning.JSONKind))
	}
	p := refuse(invalid, "malformed_json", "", "the body is not what this request takes")
	p.cause = err
	return p
}

// malformed tells a broken document from a whole one with something behind it.
func malformed(body []byte, syntax *jsontext.SyntacticError) error {
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	if err := dec.SkipValue(); err == nil {
		return refuse(invalid, "trailing_data", "",
			fmt.Sprintf("there is more after the JSON object, which ends at byte %d", dec.InputOffset()))
	}
	if errors.Is(syntax, io.ErrUnexpectedEOF) {
		return refuse(invalid, "malformed_json", "", "the JSON breaks off before its end")
	}
	return refuse(invalid, "malformed_json", "", fmt.Sprintf("the body is not JSON from byte %d on", syntax.ByteOffset))
}

// fieldName turns /numbers/3 into numbers[3].
func fieldName(at jsontext.Pointer) string {
	var name strings.Builder
	for token := range at.Tokens() {
		switch {
		case name.Len() == 0:
			name.WriteString(clip(token))
		case strings.Trim(token, "0123456789") == "":
			name.WriteString("[" + token + "]")
		default:
			name.WriteString("." + clip(token))
		}
	}
	return name.String()
}

// typeWords has the types that requests are made of.
func typeWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "an array"
	}
	return "another type"
}

func kindWords(k jsontext.Kind) string {
	switch k {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindFalse, jsontext.KindTrue:
		return "a boolean"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "an array"
	}
	return "something else"
}
