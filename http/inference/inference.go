// Package inference has the carrier's language models sum up what was said in a
// call.
//
// What leaves this process is the transcript, with everything in it masked that
// could be dialled, and when the call was, how long it took and which party
// rang: no number, no name, no id, no audio. It goes to the configured origin
// and nowhere else: no redirect is followed, no proxy is taken from the
// environment, and a model is refused that the carrier would pass the text on to
// another company for.
//
// A transcript is what strangers have said, so it can hold orders to the model.
// It is sent as data between marks that cannot occur in it, and what comes back
// is checked: everything between quotation marks must have been said. That, and
// no more, is what a summary proves; it is for people who have a recording to
// hear.
package inference

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"maskswitch/actors/protocol"
)

// What a Config means that says nothing.
const (
	DefaultBaseURL = "https://api.telnyx.com/v2"
	DefaultModel   = "meta-llama/Meta-Llama-3.1-8B-Instruct" // the carrier's default, pinned
)

const (
	timeout = 2 * time.Minute
	// maxTokens bounds an answer: maxSummary bytes have about 2,000.
	maxTokens = 1500
	maxAnswer = 1 << 20 // bytes of an answer that are read
	// temperature is low since nothing is to be made up.
	temperature = 0.1
)

// Config says where the models are and who we are.
type Config struct {
	BaseURL   string // default DefaultBaseURL; http only to a loopback address
	Key       string // required
	Model     string // one that the carrier runs itself; default DefaultModel
	Transport http.RoundTripper
	Log       *zap.Logger // nil: nowhere
}

// Client asks a model. It holds no state between two questions, and is safe for
// concurrent use.
type Client struct {
	target    *url.URL
	key       string
	model     string
	transport http.RoundTripper
	log       *zap.Logger
}

// New checks the configuration and sends nothing. The error names every fault.
func New(config Config) (*Client, error) {
	if config.BaseURL == "" {
		config.BaseURL = DefaultBaseURL
	}
	if config.Model == "" {
		config.Model = DefaultModel
	}
	if config.Transport == nil {
		config.Transport = newTransport()
	}
	if config.Log == nil {
		config.Log = zap.NewNop()
	}
	target, err := parseBase(config.BaseURL)
	if err = errors.Join(err, checkKey(config.Key), checkModel(config.Model)); err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	target.Path += "/ai/openai/chat/completions"
	return &Client{target, config.Key, config.Model, config.Transport, config.Log}, nil
}

// parseBase takes https anywhere and http on this machine. Its errors do not
// repeat the text, in which a key may have been pasted.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return nil, errors.New("base URL: scheme, host and path are expected and nothing else, such as " + DefaultBaseURL)
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && !ip.Unmap().IsLoopback()) {
		return nil, errors.New("base URL: only https, or http to a loopback address, is taken: the text of calls and the API key go there")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func checkKey(key string) error {
	if key == "" {
		return errors.New("API key is missing")
	}
	if !printable(key) {
		return errors.New("API key: it has a character that cannot travel in a header; was a space or a line break pasted with it?")
	}
	return nil
}

// foreign begins the names of models that the carrier does not run itself but
// passes texts on for.
var foreign = []string{"openai/", "anthropic/", "xai/", "x-ai/", "google/gemini", "groq/", "fireworks/", "azure/"}

func checkModel(model string) error {
	if len(model) > 200 || !printable(model) {
		return errors.New("model: a name such as " + DefaultModel + " is expected")
	}
	name := strings.ToLower(model)
	passedOn := slices.ContainsFunc(foreign, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	if passedOn && !strings.HasPrefix(name, "openai/gpt-oss") { // whose weights are open
		return fmt.Errorf("model %.60s: the carrier would pass the text of calls on to another company; name a model that it runs itself, such as %s", model, DefaultModel)
	}
	return nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Summarise asks once; it takes two minutes at the most. Errors are
// *protocol.RecordingError, and hold nothing of the transcript or the answer:
// TroubleGone if there are no words to sum up, TroubleBroken if the answer is
// unfit, as one that quotes what was not said, TroubleRefused if the carrier
// does not want to, TroubleLater if it could not.
func (c *Client) Summarise(ctx context.Context, of protocol.SummaryRequest) (protocol.Summary, error) {
	text := prepare(of.Transcript)
	if len(words(text.fenced)) == 0 {
		return protocol.Summary{}, trouble(protocol.TroubleGone, "the transcript has no words")
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	raw, failed := c.ask(ctx, []message{{"system", rules}, {"user", question(of, text)}})
	if failed != nil {
		return protocol.Summary{}, failed
	}
	answer, model, err := read(raw)
	if err == nil {
		answer, err = check(answer, text)
	}
	if err != nil {
		c.log.Warn("the model's summary is not used", zap.String("model", c.model), zap.Error(err))
		return protocol.Summary{}, trouble(protocol.TroubleBroken, "%s", err)
	}
	if model == "" {
		model = c.model
	}
	c.log.Debug("summary made", zap.String("model", model), zap.Int("transcript_bytes", len(of.Transcript)),
		zap.Int("masked", text.masked), zap.Duration("took", time.Since(began)))
	return protocol.Summary{Text: answer, Model: model}, nil
}

// ask sends one question. The transport is used without an http.Client, which
// would follow redirects with the key and the transcript in hand.
func (c *Client) ask(ctx context.Context, messages []message) ([]byte, *protocol.RecordingError) {
	body, _ := json.Marshal(struct { // texts and numbers always have a form in JSON
		Model       string    `json:"model"`
		Messages    []message `json:"messages"`
		Temperature float64   `json:"temperature"`
		MaxTokens   int       `json:"max_tokens"`
		Stream      bool      `json:"stream"`
		// Thoughts count as part of the answer's length, and are of no use.
		Thinking bool `json:"enable_thinking"`
	}{c.model, messages, temperature, maxTokens, false, false})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, trouble(protocol.TroubleRefused, "the model cannot be asked: is the base URL right?")
	}
	r.Header = http.Header{
		"Authorization": {"Bearer " + c.key}, "Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"maskswitch"},
	}
	res, err := c.transport.RoundTrip(r)
	if err != nil {
		return nil, trouble(protocol.TroubleLater, "the model does not answer")
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode != http.StatusOK:
		return nil, judge(res)
	case err != nil:
		return nil, trouble(protocol.TroubleLater, "the model's answer broke off")
	}
	return raw, nil
}

func trouble(kind protocol.RecordingTrouble, format string, args ...any) *protocol.RecordingError {
	return &protocol.RecordingError{Trouble: kind, Detail: fmt.Sprintf(format, args...)}
}
