package carrier

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// FuzzBodiesAreReadAsEncodingJSONReadsThem holds the short way against the long.
func FuzzBodiesAreReadAsEncodingJSONReadsThem(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { } `, `{"a":"b"}`, `{"a":"b","a":"c"}`, `{"n":30,"t":true,"f":false}`, `{"n":30.5}`, `{"n":0}`, `{"n":-1}`,
		`{"n":1e3}`, `{"n":01}`, `{"a":"\u0041"}`, `{"a":"\n"}`, `{"a":null}`, `{"a":{}}`, `{"a":[1]}`, `{"a":"b",}`, `{"a":"b"}x`,
		`{"a" : 1 , "b":"" }`, `{"a":tru}`, `{"a":trues}`, `{"a":"ü"}`, "{\"a\":\"\xff\"}", `null`, `[]`, ``, `{"a"`, `{"a":1 2}`, `{,}`, `{"":""}`,
		`{"a":[]}`, `{"a":[1,]}`, `{"a":[[[[[1]]]]]}`, `{"a":{"b":{"c":{"d":{"e":1}}}}}`, `{"a":{"x":"1"},"a":{"y":"2"}}`, `{"a":[1 2]}`, `{"a":{"b":}}`, `{"a":[`, `{"a":{`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var want body
		d := json.NewDecoder(strings.NewReader(raw))
		d.UseNumber()
		wantOK := d.Decode(&want) == nil && want != nil
		got, ok := parse([]byte(raw))
		if ok != wantOK || ok && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v %t, want %v %t", raw, got, ok, want, wantOK)
		}
	})
}

// TestThePlainWayIsTaken keeps the usual commands off the long way.
func TestThePlainWayIsTaken(t *testing.T) {
	for _, raw := range []string{
		`{"command_id":"f0e1d2c3","to":"+17735550122","timeout_secs":30,"client_state":"YQ==","early_media":true}`,
		`{"format":"mp3","channels":"dual","play_beep":false}`, `{}`,
		`{"webhook_retries_policies":{"call.answered":{"retries_ms":[1000,2000,4000]}},"custom_headers":[{"name":"a","value":"b"}]}`,
	} {
		if _, next, ok := plainObject(raw, 0, deepest); !ok || next != len(raw) {
			t.Errorf("%s goes the long way", raw)
		}
	}
}
