package app

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/joho/godotenv"

	"maskswitch/actors/protocol"
	"maskswitch/http/api"
	"maskswitch/http/telnyx"
	"maskswitch/http/webhook"
)

// Config is everything that a person may choose. Load checks it.
type Config struct {
	APIKey, PublicKey, BaseURL string
	Host, Port, AdminAddr      string
	MaxSkew                    time.Duration
	DataDir                    string
	Keys                       api.Keys
	PairsPerNumber             int
	CallsPerMinute             int // 0: no cap
	Assignment                 protocol.Assignment
	Quarantine                 time.Duration
	QuarantineStrict           bool
	RingTimeout, CallLimit     time.Duration
	UnreachableMessage         string
	EndedMessage               string
	CheckoutMessage            string
	Connection, Tag            string // of ordered numbers, at the carrier
	Recording                  protocol.RecordingMode
	ConsentMessage             string
	RecordingHosts             string // checked by the carrier's client
	Downloads, Bandwidth       int    // of recordings: at once; MB/s of all together, 0: no limit
	DeleteAtCarrier            bool
	RetentionDays              int // 0: for ever
	Storage                    Storage
	Summaries                  bool
	Model                      string
	MaxBookingHours            int
	MaxCalls                   int // in progress when another rings
	LogLevel, LogFormat        string

	Demo    bool
	Calls   int // of the demo; 0: until stopped
	Version bool

	verifier *webhook.Verifier
	warnings []string
	given    map[string]bool // settings that somebody chose
}

// Storage is the S3 archive. Without a bucket recordings are kept in DATA_DIR.
type Storage struct{ Bucket, Endpoint, Region, AccessKey, SecretKey string }

// A setting is one line of the configuration: an environment variable and, but
// for secrets, a flag. Secrets have none, because everybody on the machine can
// read a command line.
type setting struct {
	env, preset, help string
	secret            bool
	take              func(c *Config, value string) error
}

func (s setting) flag() string { return strings.ReplaceAll(strings.ToLower(s.env), "_", "-") }

var settings = []setting{
	{env: "TELNYX_API_KEY", secret: true, help: "the carrier's API key; required unless -demo", take: text(func(c *Config) *string { return &c.APIKey })},
	{env: "TELNYX_PUBLIC_KEY", help: "base64 Ed25519 key that webhooks are signed with; blank: every webhook is refused", take: text(func(c *Config) *string { return &c.PublicKey })},
	{env: "TELNYX_BASE_URL", preset: telnyx.DefaultBaseURL, help: "the carrier's API", take: text(func(c *Config) *string { return &c.BaseURL })},
	{env: "HOST", preset: "127.0.0.1", help: "address of REST and webhooks; a public one needs API_KEYS", take: text(func(c *Config) *string { return &c.Host })},
	{env: "PORT", preset: "5000", help: "port of REST and webhooks; 0 takes a free one", take: takePort},
	{env: "ADMIN_ADDR", preset: "127.0.0.1:5001", help: "address of /metrics, /healthz, /readyz and pprof", take: takeAdmin},
	{env: "MAX_SKEW_SECONDS", preset: "300", help: "how far a webhook's timestamp may be from our clock", take: takeSkew},
	{env: "DATA_DIR", preset: "./data", help: "where the store is", take: takeDir},
	{env: "API_KEYS", secret: true, help: "name:secret pairs, by commas; without any, REST answers loopback only", take: takeKeys},
	{env: "PAIRS_PER_NUMBER", preset: "200", help: "live bookings on one number; 1 gives each booking a number of its own", take: between(1, 100_000, func(c *Config) *int { return &c.PairsPerNumber })},
	{env: "CALLS_PER_MINUTE", preset: "0", help: "a number that rings more often gets no new bookings until it has calmed down; 0: it does", take: between(0, 100_000, func(c *Config) *int { return &c.CallsPerMinute })},
	{env: "ASSIGNMENT", preset: "spread", help: "how a number is chosen; spread: the least loaded one; pack: the first that has room", take: takeAssignment},
	{env: "QUARANTINE", preset: "24h", help: "how long a number remembers the parties of a booking that has ended", take: span(0, 90*24*time.Hour, func(c *Config) *time.Duration { return &c.Quarantine })},
	{env: "QUARANTINE_STRICT", preset: "false", help: "never lend a number to a party that it remembers", take: flagged(func(c *Config) *bool { return &c.QuarantineStrict })},
	{env: "RING_TIMEOUT", preset: "30s", help: "how long the other party's phone rings; 5s to 10m", take: span(5*time.Second, 10*time.Minute, func(c *Config) *time.Duration { return &c.RingTimeout })},
	{env: "CALL_LIMIT", preset: "4h", help: "the longest talk; 30s to 4h", take: span(30*time.Second, 4*time.Hour, func(c *Config) *time.Duration { return &c.CallLimit })},
	{env: "UNREACHABLE_MESSAGE", preset: "The person you are calling cannot be reached right now. Please try again later.", help: "said to the caller when the other party cannot be had; empty: just hang up", take: message(func(c *Config) *string { return &c.UnreachableMessage })},
	{env: "ENDED_MESSAGE", preset: "This booking has ended, and the number can no longer be used to reach the other person.", help: "said to a caller whose booking has ended; empty: he is turned away unanswered", take: message(func(c *Config) *string { return &c.EndedMessage })},
	{env: "CHECKOUT_MESSAGE", preset: "This booking has ended. The call will be disconnected shortly.", help: "said to both when a booking with on_checkout cut ends during their call; empty: nothing", take: message(func(c *Config) *string { return &c.CheckoutMessage })},
	{env: "TELNYX_CONNECTION_ID", help: "the carrier's application (connection) that this switch serves: ordered numbers are led to it; blank: an order has to name one", take: takeConnection},
	{env: "NUMBER_TAG", preset: "maskswitch", help: "tag that ordered numbers get at the carrier", take: takeTag},
	{env: "RECORDING", preset: "dual-mp3", help: "dual-mp3, dual-wav, single-mp3 or off", take: takeRecording},
	{env: "CONSENT_MESSAGE", help: "said to both before a call is recorded; whoever cannot hear it is not recorded; empty: nothing is said", take: message(func(c *Config) *string { return &c.ConsentMessage })},
	{env: "RECORDING_HOSTS", help: "further hosts, or exact origins such as http://127.0.0.1:9000, that recordings may be fetched from, by commas", take: text(func(c *Config) *string { return &c.RecordingHosts })},
	{env: "RECORDING_DOWNLOADS", preset: "8", help: "recordings that are fetched at once", take: between(1, 256, func(c *Config) *int { return &c.Downloads })},
	{env: "RECORDING_BANDWIDTH", preset: "0", help: "MB a second that fetching them may take; 0: no limit", take: between(0, 100_000, func(c *Config) *int { return &c.Bandwidth })},
	{env: "DELETE_AT_CARRIER", preset: "false", help: "delete the carrier's copy of a recording once it is in the archive", take: flagged(func(c *Config) *bool { return &c.DeleteAtCarrier })},
	{env: "RETENTION_DAYS", preset: "0", help: "erase recordings that are so old, unless they are held; 0: keep them", take: between(0, 36_500, func(c *Config) *int { return &c.RetentionDays })},
	{env: "STORAGE_BUCKET", help: "S3 bucket for recordings; blank: they are kept in DATA_DIR/recordings", take: text(func(c *Config) *string { return &c.Storage.Bucket })},
	{env: "STORAGE_ENDPOINT", help: "its S3 endpoint; blank: Telnyx Storage", take: text(func(c *Config) *string { return &c.Storage.Endpoint })},
	{env: "STORAGE_REGION", help: "its region; blank: found out", take: text(func(c *Config) *string { return &c.Storage.Region })},
	{env: "STORAGE_ACCESS_KEY_ID", secret: true, help: "its access key; blank with Telnyx Storage: TELNYX_API_KEY", take: key(func(c *Config) *string { return &c.Storage.AccessKey })},
	{env: "STORAGE_SECRET_ACCESS_KEY", secret: true, help: "and the secret to it", take: key(func(c *Config) *string { return &c.Storage.SecretKey })},
	{env: "SUMMARIES", preset: "false", help: "have the carrier transcribe and sum up the calls of bookings that ask for it", take: flagged(func(c *Config) *bool { return &c.Summaries })},
	{env: "AI_MODEL", preset: "moonshotai/Kimi-K2.6", help: "the carrier's model that sums up", take: text(func(c *Config) *string { return &c.Model })},
	{env: "MAX_BOOKING_HOURS", preset: "8784", help: "the longest duration_hours of a booking", take: between(1, 10*8784, func(c *Config) *int { return &c.MaxBookingHours })},
	{env: "MAX_CALLS", preset: "100000", help: "calls in progress when another rings: that one is answered 503, which the carrier repeats", take: between(1, 10_000_000, func(c *Config) *int { return &c.MaxCalls })},
	{env: "LOG_LEVEL", preset: "info", help: "debug, info, warn or error", take: oneOf(func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error")},
	{env: "LOG_FORMAT", preset: "", help: "json or console; blank: console on a terminal, else json", take: oneOf(func(c *Config) *string { return &c.LogFormat }, "", "json", "console")},
}

// ErrHelp says that help was asked for and given.
var ErrHelp = flag.ErrHelp

// Load reads flags, environment and, where it exists, the file dotenv, in this
// order of precedence. The error names every fault; help goes to out.
func Load(args []string, environ func(string) (string, bool), dotenv string, out io.Writer) (Config, error) {
	c := Config{given: make(map[string]bool)}
	flags := flag.NewFlagSet("maskswitch", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&c.Demo, "demo", false, "")
	flags.IntVar(&c.Calls, "calls", 0, "")
	flags.BoolVar(&c.Version, "version", false, "")
	byFlag := make(map[string]*string)
	for _, s := range settings {
		if !s.secret {
			byFlag[s.env] = flags.String(s.flag(), "", "")
		}
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage(out)
			return c, ErrHelp
		}
		return c, fmt.Errorf("%w; maskswitch -help lists the flags", err)
	}
	set := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { set[f.Name] = true })

	var faults []error
	if flags.NArg() > 0 {
		faults = append(faults, errors.New("an argument that is no flag; maskswitch -help lists the flags"))
	}
	file, err := readDotenv(dotenv)
	if err != nil {
		faults = append(faults, err)
	}
	look := func(name string) (string, bool) {
		if v, ok := environ(name); ok {
			return v, true
		}
		v, ok := file[name]
		return v, ok
	}
	for _, s := range settings {
		value, ok := look(s.env)
		if !s.secret && set[s.flag()] {
			value, ok = *byFlag[s.env], true
		}
		// A blank variable counts as not set, except where blank says something.
		if strings.TrimSpace(value) == "" && !strings.HasSuffix(s.env, "_MESSAGE") {
			ok = false
		}
		if c.given[s.env] = ok; !ok {
			value = s.preset
		}
		if err := s.take(&c, value); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", s.env, err))
		}
	}
	faults = append(faults, c.together(look)...)
	return c, errors.Join(faults...)
}

// together checks what no setting can say alone.
func (c *Config) together(look func(string) (string, bool)) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !c.Demo {
		c.checkCarrier(fault)
	}
	if c.Demo && (c.APIKey != "" && c.given["TELNYX_BASE_URL"]) {
		c.warnings = append(c.warnings, "-demo talks to its own carrier; TELNYX_BASE_URL is not used")
	}
	if c.Calls < 0 || c.Calls > 0 && !c.Demo {
		fault("-calls: a number of calls for -demo, 0 or more")
	}
	// A tolerance that could not be read is told already, and says nothing of the key.
	verifier, err := webhook.NewVerifier(c.PublicKey, max(c.MaxSkew, time.Second), time.Now)
	if err != nil {
		fault("TELNYX_PUBLIC_KEY: %w", err)
	}
	c.verifier = verifier
	if c.PublicKey == "" && !c.Demo {
		c.warnings = append(c.warnings, "TELNYX_PUBLIC_KEY is not set: every webhook is refused, so no call is connected")
	}
	if err := api.CheckBind(c.Host, c.Keys); err != nil {
		fault("%w", err)
	}
	if c.Keys.Len() == 0 {
		c.warnings = append(c.warnings, "API_KEYS is not set: REST answers on loopback only")
	}
	if v, ok := look("DATABASE_URL"); ok && strings.TrimSpace(v) != "" {
		fault("DATABASE_URL: this version keeps its store in DATA_DIR and cannot use PostgreSQL")
	}
	c.checkRecordings(fault)
	return faults
}

// checkCarrier asks the carrier's client, which sends nothing yet, so that its
// faults are told with all the others.
func (c *Config) checkCarrier(fault func(string, ...any)) {
	if c.APIKey == "" {
		fault("TELNYX_API_KEY: required; or try maskswitch -demo, which needs no account")
	} else if _, err := telnyx.New(telnyx.Config{APIKey: c.APIKey}); err != nil {
		fault("TELNYX_API_KEY: %w", err)
	}
	if _, err := telnyx.New(telnyx.Config{APIKey: "any", BaseURL: c.BaseURL}); err != nil {
		fault("TELNYX_BASE_URL: %w", err)
	}
}

func readDotenv(path string) (map[string]string, error) {
	file, err := godotenv.Read(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		// The library quotes the line at fault, which may be a key.
		return nil, fmt.Errorf("%s cannot be read: each line must be NAME=value", path)
	}
	return file, nil
}

func text(of func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*of(c) = strings.TrimSpace(v)
		return nil
	}
}

// key takes what can travel in a header, and does not repeat it.
func key(of func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		v = strings.TrimSpace(v)
		if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("a space, or a character that is not ASCII, is in it: copy it once more")
		}
		*of(c) = v
		return nil
	}
}

func between(least, most int, of func(*Config) *int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is not a whole number from %d to %d", v, least, most)
		}
		*of(c) = n
		return nil
	}
}

func span(least, most time.Duration, of func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < least || d > most {
			return fmt.Errorf("%q is not a duration from %s to %s, such as 30s or 4h", v, least, most)
		}
		*of(c) = d
		return nil
	}
}

func oneOf(of func(*Config) *string, words ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		for _, w := range words {
			if v == w {
				*of(c) = v
				return nil
			}
		}
		return fmt.Errorf("%q is none of %s", v, strings.TrimPrefix(strings.Join(words, ", "), ", "))
	}
}

func takePort(c *Config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is not a port from 0 to 65535", v)
	}
	c.Port = v
	return nil
}

func takeAdmin(c *Config, v string) error {
	host, port, err := net.SplitHostPort(v)
	if err != nil {
		return fmt.Errorf("%q is not an address such as 127.0.0.1:5001", v)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is not a port from 0 to 65535", port)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		c.warnings = append(c.warnings, "ADMIN_ADDR is reachable from outside: it shows metrics and profiles to anybody who can connect")
	}
	c.AdminAddr = v
	return nil
}

func takeSkew(c *Config, v string) error {
	var seconds int
	err := between(1, 86_400, func(*Config) *int { return &seconds })(c, v)
	c.MaxSkew = time.Duration(seconds) * time.Second
	return err
}

func takeDir(c *Config, v string) error {
	if info, err := os.Stat(v); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file; a folder is needed", v)
	}
	c.DataDir = v
	return nil
}

func takeKeys(c *Config, v string) (err error) {
	c.Keys, err = api.ParseKeys(v)
	return err
}

func takeAssignment(c *Config, v string) error {
	policy, ok := protocol.ParseAssignment(v)
	if !ok {
		return fmt.Errorf("%q is neither spread nor pack", v)
	}
	c.Assignment = policy
	return nil
}

// takeConnection takes the carrier's id of an application: decimal, 64 bits.
func takeConnection(c *Config, v string) error {
	v = strings.TrimSpace(v)
	if _, err := strconv.ParseUint(v, 10, 64); err != nil && v != "" {
		return fmt.Errorf("%q is no id of an application, such as 1293384261075731499", v)
	}
	c.Connection = v
	return nil
}

func takeTag(c *Config, v string) error {
	v = strings.TrimSpace(v)
	if v == "" || utf8.RuneCountInString(v) > 64 || strings.ContainsAny(v, ",\"\\") {
		return fmt.Errorf("%q is no tag: 1 to 64 characters, without commas and quotes", v)
	}
	c.Tag = v
	return nil
}

func flagged(of func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) (err error) {
		if *of(c), err = strconv.ParseBool(v); err != nil {
			return fmt.Errorf("%q is neither true nor false", v)
		}
		return nil
	}
}

func message(of func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		// The carrier speaks 3,000 characters at the most.
		if utf8.RuneCountInString(v) > 3000 {
			return errors.New("longer than the 3,000 characters that the carrier speaks")
		}
		*of(c) = strings.TrimSpace(v)
		return nil
	}
}

func takeRecording(c *Config, v string) error {
	mode, ok := protocol.ParseRecordingMode(v)
	if !ok || mode == protocol.RecordDefault {
		return fmt.Errorf("%q is none of %v", v, protocol.RecordingModes())
	}
	c.Recording = mode
	return nil
}

func usage(w io.Writer) {
	fmt.Fprint(w, `maskswitch connects the two parties of a booking by phone, and neither sees the
other's number.

  maskswitch                 serve REST and webhooks; needs TELNYX_API_KEY
  maskswitch -demo           a carrier and a marketplace in the process; needs nothing
  maskswitch -demo -calls 8  the same, until eight calls are over
  maskswitch -version
  maskswitch numbers help    the proxy numbers of a switch that runs
  maskswitch dispute -help   all there is of a booking, in one file
  maskswitch recordings help its recordings: list, listen, hold, erase
  maskswitch erase -help     forget a party or a booking
  maskswitch ready           whether the switch on this machine takes calls

Settings come from flags, from the environment, or from a file .env, in this
order:

`)
	for _, s := range settings {
		name := "-" + s.flag()
		if s.secret {
			name = "(no flag)"
		}
		fmt.Fprintf(w, "  %-25s %-22s %s\n", s.env, name, s.help)
		if s.preset != "" {
			fmt.Fprintf(w, "  %-25s %-22s default: %s\n", "", "", s.preset)
		}
	}
}
