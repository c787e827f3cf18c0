package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

// environ is an environment of name and value in turn.
func environ(pairs ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

// dotenv is a file of these lines.
func dotenv(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	someKey = "KEY0123456789"
	zeroKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" // 32 bytes
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := Load(nil, environ("TELNYX_API_KEY", someKey), filepath.Join(t.TempDir(), ".env"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct {
		name      string
		got, want any
	}{
		{"TELNYX_API_KEY", c.APIKey, someKey},
		{"TELNYX_PUBLIC_KEY", c.PublicKey, ""},
		{"TELNYX_BASE_URL", c.BaseURL, "https://api.telnyx.com/v2"},
		{"HOST", c.Host, "127.0.0.1"},
		{"PORT", c.Port, "5000"},
		{"ADMIN_ADDR", c.AdminAddr, "127.0.0.1:5001"},
		{"MAX_SKEW_SECONDS", c.MaxSkew, 5 * time.Minute},
		{"DATA_DIR", c.DataDir, "./data"},
		{"API_KEYS", c.Keys.Len(), 0},
		{"PAIRS_PER_NUMBER", c.PairsPerNumber, 200},
		{"CALLS_PER_MINUTE", c.CallsPerMinute, 0},
		{"ASSIGNMENT", c.Assignment, protocol.AssignSpread},
		{"QUARANTINE", c.Quarantine, 24 * time.Hour},
		{"QUARANTINE_STRICT", c.QuarantineStrict, false},
		{"RING_TIMEOUT", c.RingTimeout, 30 * time.Second},
		{"CALL_LIMIT", c.CallLimit, 4 * time.Hour},
		{"UNREACHABLE_MESSAGE", c.UnreachableMessage != "", true},
		{"ENDED_MESSAGE", c.EndedMessage != "", true},
		{"CHECKOUT_MESSAGE", c.CheckoutMessage != "", true},
		{"TELNYX_CONNECTION_ID", c.Connection, ""},
		{"NUMBER_TAG", c.Tag, "maskswitch"},
		{"RECORDING", c.Recording, protocol.RecordDualMP3},
		{"MAX_BOOKING_HOURS", c.MaxBookingHours, 8784},
		{"MAX_CALLS", c.MaxCalls, 100000},
		{"LOG_LEVEL", c.LogLevel, "info"},
		{"LOG_FORMAT", c.LogFormat, ""},
		{"-demo", c.Demo, false},
		{"-calls", c.Calls, 0},
	} {
		if d.got != d.want {
			t.Errorf("%s is %v, want %v", d.name, d.got, d.want)
		}
	}
	if len(c.warnings) != 2 || !strings.Contains(c.warnings[0], "TELNYX_PUBLIC_KEY") || !strings.Contains(c.warnings[1], "API_KEYS") {
		t.Errorf("warnings %q", c.warnings)
	}
}

// The defaults in the help text are the ones that count.
func TestDefaultsAreTaken(t *testing.T) {
	t.Parallel()
	for _, s := range settings {
		var c Config
		if err := s.take(&c, s.preset); err != nil {
			t.Errorf("%s does not take its default: %v", s.env, err)
		}
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := dotenv(t, "# a comment", "PORT=3000", "HOST=localhost", `UNREACHABLE_MESSAGE="from the file"`,
		"export RECORDING=off", "RING_TIMEOUT=6s", "TELNYX_API_KEY="+someKey, "QUARANTINE=")
	env := environ("PORT", "2000", "UNREACHABLE_MESSAGE", "", "CALL_LIMIT", "  ", "RING_TIMEOUT", "7s", "DATA_DIR", "d")
	c, err := Load([]string{"-port=1000", "--ring-timeout", "8s"}, env, file, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct {
		story     string
		got, want any
	}{
		{"a flag before all", c.Port, "1000"},
		{"with two dashes too", c.RingTimeout, 8 * time.Second},
		{"the environment before the file", c.UnreachableMessage, ""},
		{"the environment alone", c.DataDir, "d"},
		{"the file alone", c.Host, "localhost"},
		{"the file, with export", c.Recording, protocol.RecordOff},
		{"a secret in the file", c.APIKey, someKey},
		{"blank in the file is not set", c.Quarantine, 24 * time.Hour},
		{"blank in the environment is not set", c.CallLimit, 4 * time.Hour},
	} {
		if d.got != d.want {
			t.Errorf("%s: %v, want %v", d.story, d.got, d.want)
		}
	}
	if c, err := Load([]string{"-unreachable-message", "from the flag"}, env, file, io.Discard); err != nil || c.UnreachableMessage != "from the flag" {
		t.Errorf("a flag before a blank variable: %q %v", c.UnreachableMessage, err)
	}
}

// Nobody chose what is blank, so the demo may still take a free port.
func TestBlankIsNotChosen(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{"-demo"}, environ("PORT", "", "DATA_DIR", " ", "HOST", "127.0.0.1"), dotenv(t, "LOG_LEVEL="), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"PORT": false, "DATA_DIR": false, "LOG_LEVEL": false, "ADMIN_ADDR": false, "HOST": true} {
		if c.given[name] != want {
			t.Errorf("%s counts as chosen: %t", name, c.given[name])
		}
	}
}

// wrong has a bad value for each setting that can have one, and a word that its
// fault must say.
func wrong(t *testing.T) map[string][2]string {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string][2]string{
		"TELNYX_API_KEY":      {"", "required"},
		"TELNYX_PUBLIC_KEY":   {"c2hvcnQ=", "32 bytes"},
		"TELNYX_BASE_URL":     {"http://carrier.example/v2", "only https"},
		"HOST":                {"0.0.0.0", "API_KEYS is empty"},
		"PORT":                {"70000", "65535"},
		"ADMIN_ADDR":          {"5001", "127.0.0.1:5001"},
		"MAX_SKEW_SECONDS":    {"0", "from 1 to"},
		"DATA_DIR":            {file, "is a file"},
		"API_KEYS":            {"hunter2", "name:secret"},
		"PAIRS_PER_NUMBER":    {"0", "from 1 to"},
		"CALLS_PER_MINUTE":    {"-1", "from 0 to"},
		"ASSIGNMENT":          {"even", "neither spread nor pack"},
		"QUARANTINE":          {"-1h", "duration"},
		"QUARANTINE_STRICT":   {"perhaps", "neither true nor false"},
		"RING_TIMEOUT":        {"4s", "from 5s to 10m"},
		"CALL_LIMIT":          {"5h", "to 4h"},
		"UNREACHABLE_MESSAGE": {strings.Repeat("й", 3001), "3,000 characters"},
		"ENDED_MESSAGE":       {strings.Repeat("x", 3001), "3,000 characters"},
		"CHECKOUT_MESSAGE":    {strings.Repeat("x", 3001), "3,000 characters"},
		"RECORDING":           {"mp4", "dual-mp3"},
		"NUMBER_TAG":          {"a,b", "no tag"},

		"TELNYX_CONNECTION_ID": {"my application", "no id of an application"},
		"CONSENT_MESSAGE":      {strings.Repeat("a", 3001), "3,000 characters"},
		"RECORDING_HOSTS":      {"ftp://hunter2", "RECORDING_HOSTS"},
		"RECORDING_DOWNLOADS":  {"0", "whole number"},
		"RECORDING_BANDWIDTH":  {"-1", "whole number"},
		"DELETE_AT_CARRIER":    {"perhaps", "true"},
		"RETENTION_DAYS":       {"-1", "whole number"},
		"STORAGE_BUCKET":       {"b", "no name of a bucket"},
		"STORAGE_ENDPOINT":     {"ftp://hunter2", "STORAGE_"},
		"STORAGE_REGION":       {"over the hills", "STORAGE_"},
		"SUMMARIES":            {"perhaps", "true"},
		"AI_MODEL":             {"two words", "AI_MODEL"},

		"STORAGE_ACCESS_KEY_ID":     {"hunter 2", "STORAGE_"},
		"STORAGE_SECRET_ACCESS_KEY": {"hunter 2", "STORAGE_"},

		"MAX_BOOKING_HOURS": {"many", "whole number"},
		"MAX_CALLS":         {"0", "1"},
		"LOG_LEVEL":         {"loud", "debug"},
		"LOG_FORMAT":        {"xml", "none of json, console"},
	}
}

// isOf says that a fault begins with the name of the setting at fault.
func isOf(name, fault string) bool {
	rest, ok := strings.CutPrefix(fault, name)
	return ok && (rest[0] == ':' || rest[0] == ' ')
}

// Whoever starts the switch is told everything that is wrong, once.
func TestEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	bad := wrong(t)
	pairs := []string{"DATABASE_URL", "postgres://user:hunter3@db/x"}
	for _, s := range settings {
		v, ok := bad[s.env]
		if !ok {
			t.Fatalf("there is no bad value for %s here", s.env)
		}
		pairs = append(pairs, s.env, v[0])
	}
	bad["DATABASE_URL"] = [2]string{"", "DATA_DIR"}
	bad["-calls"] = [2]string{"", "-demo"}
	_, err := Load([]string{"-calls", "3", "surplus"}, environ(pairs...), dotenv(t, "TELNYX_API_KEY ~ hunter4"), io.Discard)
	if err == nil {
		t.Fatal("no fault")
	}
	lines := strings.Split(err.Error(), "\n")
	for name, v := range bad {
		of := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !isOf(name, l) })
		if len(of) != 1 || !strings.Contains(of[0], v[1]) {
			t.Errorf("%s: the faults are %q, one with %q is due", name, of, v[1])
		}
	}
	if want := len(bad) + 2; len(lines) != want {
		t.Errorf("%d faults, want %d:\n%v", len(lines), want, err)
	}
	for _, word := range []string{"an argument that is no flag", ".env cannot be read"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no fault says %q", word)
		}
	}
	if strings.Contains(err.Error(), "hunter") {
		t.Errorf("a secret is repeated:\n%v", err)
	}
}

// Each of them is enough.
func TestEachFaultAlone(t *testing.T) {
	t.Parallel()
	for name, v := range wrong(t) {
		pairs := []string{"TELNYX_API_KEY", someKey, name, v[0]}
		if _, err := Load(nil, environ(pairs...), "", io.Discard); err == nil || !isOf(name, err.Error()) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%.20q: %v", name, v[0], err)
		}
	}
	for _, c := range []struct {
		story string
		args  []string
		env   []string
		want  string // "" for none
	}{
		{"a key that cannot travel", nil, []string{"TELNYX_API_KEY", "hunter\n2"}, "API key"},
		{"a public address with keys", nil, []string{"HOST", "0.0.0.0", "API_KEYS", "shop:hunter2"}, ""},
		{"every address without keys", nil, []string{"HOST", "::"}, "HOST "},
		{"a name that may lead anywhere", nil, []string{"HOST", "switch.example"}, "HOST "},
		{"loopback of the other family", nil, []string{"HOST", "::1"}, ""},
		{"the longest sentence, in letters of two bytes", nil, []string{"UNREACHABLE_MESSAGE", strings.Repeat("й", 3000)}, ""},
		{"a demo without a key", []string{"-demo"}, []string{"TELNYX_API_KEY", ""}, ""},
		{"a demo of less than no calls", []string{"-demo", "-calls", "-1"}, nil, "-calls: "},
		{"a flag that is none", []string{"-prot", "1"}, nil, "maskswitch -help"},
		{"a secret as a flag", []string{"-telnyx-api-key=hunter2"}, nil, "not defined"},
		{"secrets as a flag", []string{"-api-keys", "shop:hunter2"}, nil, "not defined"},
		{"a store that is none of ours", nil, []string{"DATABASE_URL", "postgres://u:hunter2@db"}, "DATABASE_URL: "},
		{"a blank one", nil, []string{"DATABASE_URL", " "}, ""},
		{"the API key in the wrong place", nil, []string{"TELNYX_PUBLIC_KEY", "hunter2"}, "TELNYX_PUBLIC_KEY: "},
		{"a key in the address", nil, []string{"TELNYX_BASE_URL", "https://user:hunter2@api.telnyx.com/v2"}, "TELNYX_BASE_URL: "},
	} {
		pairs := append([]string{"TELNYX_API_KEY", someKey}, c.env...)
		_, err := Load(c.args, environ(pairs...), "", io.Discard)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.story, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: a secret is repeated: %v", c.story, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	quiet := []string{"TELNYX_API_KEY", someKey, "TELNYX_PUBLIC_KEY", zeroKey, "API_KEYS", "shop:hunter2"}
	for _, c := range []struct {
		story string
		args  []string
		env   []string
		want  string
	}{
		{"all is chosen", nil, nil, ""},
		{"no public key", nil, []string{"TELNYX_PUBLIC_KEY", ""}, "every webhook is refused"},
		{"no keys", nil, []string{"API_KEYS", ""}, "loopback only"},
		{"a bucket", nil, []string{"STORAGE_BUCKET", "recordings", "STORAGE_REGION", ""}, ""},
		{"a sentence that few will hear", nil, []string{"CONSENT_MESSAGE", "You are recorded.", "RECORDING", "off"}, "RECORDING is off"},
		{"operations in public", nil, []string{"ADMIN_ADDR", ":5001"}, "ADMIN_ADDR is reachable"},
		{"operations on localhost", nil, []string{"ADMIN_ADDR", "localhost:5001"}, ""},
		{"the carrier's address in a demo", []string{"-demo"}, []string{"TELNYX_BASE_URL", "https://api.telnyx.com/v2"}, "TELNYX_BASE_URL is not used"},
	} {
		c2, err := Load(c.args, environ(append(slices.Clone(quiet), c.env...)...), "", io.Discard)
		if err != nil {
			t.Errorf("%s: %v", c.story, err)
		}
		got := strings.Join(c2.warnings, "\n")
		if got != c.want && (c.want == "" || !strings.Contains(got, c.want) || len(c2.warnings) != 1) {
			t.Errorf("%s: warnings %q, want %q", c.story, c2.warnings, c.want)
		}
	}
	c, err := Load(nil, environ(quiet...), "", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v", c.Keys, c.Keys, c.Keys); strings.Contains(shown, "hunter") || !strings.Contains(shown, "shop") {
		t.Errorf("keys print as %s", shown)
	}
}

// The help has every setting with its flag and its default, and the secrets
// have neither.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"-help", "-h", "--help"} {
		var out bytes.Buffer
		_, err := Load([]string{"-port", "1", flag}, environ("TELNYX_API_KEY", "hunter2", "API_KEYS", "shop:hunter3", "PORT", "bad"), dotenv(t, "TELNYX_API_KEY=hunter4"), &out)
		if !errors.Is(err, ErrHelp) {
			t.Fatalf("%s: %v", flag, err)
		}
		help := out.String()
		if strings.Contains(help, "hunter") {
			t.Errorf("the help repeats a secret:\n%s", help)
		}
		for _, word := range []string{"maskswitch -demo", "-calls 8", "-version", ".env"} {
			if !strings.Contains(help, word) {
				t.Errorf("the help has no %q", word)
			}
		}
		for _, s := range settings {
			name := regexp.QuoteMeta("-" + s.flag())
			if s.secret {
				name = `\(no flag\)`
			}
			line := `(?m)^  ` + s.env + ` +` + name + ` +` + regexp.QuoteMeta(s.help) + `$`
			if s.preset != "" {
				line += `\n +default: ` + regexp.QuoteMeta(s.preset) + `$`
			}
			if !regexp.MustCompile(line).MatchString(help) {
				t.Errorf("the help does not have %s as it should:\n%s", s.env, help)
			}
			if s.secret && (s.preset != "" || strings.Contains(help, "-"+s.flag()+" ")) {
				t.Errorf("%s has a flag or a default", s.env)
			}
		}
	}
}

// The example at the root of the repository sets what there is to set, to what
// it is set to anyway.
func TestDotenvExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(nil, environ("TELNYX_API_KEY", someKey), "../../../.env.example", io.Discard); err != nil {
		t.Errorf("as it is: %v", err)
	}
	known := map[string]setting{}
	for _, s := range settings {
		known[s.env] = s
	}
	assignment := regexp.MustCompile(`(?m)^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$`)
	named := map[string]bool{}
	for _, m := range assignment.FindAllStringSubmatch(string(text), -1) {
		s, ok := known[m[1]]
		if !ok {
			t.Errorf("%s is no setting", m[1])
			continue
		}
		named[s.env] = true
		if got := strings.Trim(m[2], `"`); got != s.preset {
			t.Errorf("%s=%s, and the default is %q", s.env, got, s.preset)
		}
	}
	for _, s := range settings {
		if !named[s.env] {
			t.Errorf("%s is missing", s.env)
		}
	}
	all := assignment.ReplaceAllString(string(text), "$1=$2")
	if _, err := Load(nil, environ("TELNYX_API_KEY", someKey), dotenv(t, all), io.Discard); err != nil {
		t.Errorf("with nothing commented out: %v", err)
	}
}
