package carrier

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func TestTimesOfTheWire(t *testing.T) {
	zone := time.FixedZone("", -7*3600)
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.Unix(1760000000, 999_999_999), time.Date(2026, 12, 31, 23, 59, 59, 1000, zone), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, want := wireTime(at), at.UTC().Format("2006-01-02T15:04:05.000000Z"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestPayloadsAreAsReflectionWritesThem fills payloads at random, every member
// present in some and absent in others, with texts that need escapes among them.
func TestPayloadsAreAsReflectionWritesThem(t *testing.T) {
	texts := []string{"", "plain", "+13125550111", `quote " and \\ bar`, "a<b", "a>b", "a&b", "line\nbreak", "ünïcode ☎", "\u2028", "\xff", "\x7f"}
	dice := rand.New(rand.NewPCG(1, 2))
	pick := func() string { return texts[dice.IntN(len(texts))] }
	seen := map[string]int{}
	const rounds = 3000
	for range rounds {
		var p payload
		v := reflect.ValueOf(&p).Elem()
		for i := range v.NumField() {
			if dice.IntN(2) == 0 {
				continue
			}
			seen[v.Type().Field(i).Name]++
			switch f := v.Field(i).Addr().Interface().(type) {
			case *string:
				*f = pick()
			case **string:
				s := pick()
				*f = &s
			case **bool:
				b := dice.IntN(2) == 0
				*f = &b
			case *int:
				*f = dice.IntN(3) * 4000
			case *[]string:
				*f = []string{pick(), pick()}[:dice.IntN(3)]
			case *json.RawMessage:
				*f = json.RawMessage(`{"mp3":null}`)
			case *map[string]*string:
				s := pick()
				*f = map[string]*string{"mp3": &s, "wav": nil}
			default:
				t.Fatalf("%s has a type that the test does not know: extend it and append", v.Type().Field(i).Name)
			}
		}
		want, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.append(nil); string(got) != string(want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
	for i := range reflect.TypeFor[payload]().NumField() {
		if name := reflect.TypeFor[payload]().Field(i).Name; seen[name] < rounds/3 {
			t.Errorf("%s was filled %d times only", name, seen[name])
		}
	}
}
