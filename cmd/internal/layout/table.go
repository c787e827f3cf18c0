package layout

// Rule says what a package may import besides the standard library: packages of
// ours by their folder ("actors/..." means all below it too), modules of others
// by their path, which means all their packages.
type Rule struct {
	May   []string
	Tests []string // its tests may import these as well
}

// Modules of others, by the names that the table has for them.
const (
	protoactor = "github.com/asynkron/protoactor-go"
	zap        = "go.uber.org/zap"
	uuid       = "github.com/google/uuid"
	mux        = "github.com/gorilla/mux"
	jsonv2     = "github.com/go-json-experiment/json"
	openapi    = "github.com/getkin/kin-openapi"
	yaml       = "go.yaml.in/yaml/v3"
	client     = "github.com/prometheus/client_golang"
	model      = "github.com/prometheus/client_model"
	common     = "github.com/prometheus/common"
	fasthttp   = "github.com/valyala/fasthttp"
	rapid      = "pgregory.net/rapid"
)

// protoactorUnused are the parts of protoactor that are not used: measured, a
// node frozen for three seconds left actors active twice for good.
var protoactorUnused = []string{"cluster", "remote", "router", "persistence", "plugin", "stream"}

// Table is the shape. Packages of the design that do not exist yet are in it.
var Table = map[string]Rule{
	"actors": {
		May:   []string{"actors/...", protoactor, zap},
		Tests: []string{rapid},
	},
	"actors/phone": {
		May:   []string{"github.com/nyaruka/phonenumbers", "google.golang.org/protobuf"}, // its numbers are protobufs
		Tests: []string{rapid},
	},
	"actors/protocol": {
		May: []string{"actors/phone", uuid},
	},
	"actors/story": {Tests: []string{rapid}}, // the text form, for whoever shows or plays a story

	// Siblings: what one needs of another is a message or a function handed in.
	"actors/pool":      {May: decides, Tests: append([]string{"gonum.org/v1/plot"}, testsOfDeciders...)}, // draws ECONOMY.md's plot
	"actors/number":    {May: decides, Tests: testsOfDeciders},
	"actors/booking":   {May: decides, Tests: testsOfDeciders},
	"actors/call":      {May: decides, Tests: append([]string{"actors/story"}, testsOfDeciders...)},
	"actors/order":     {May: decides, Tests: testsOfDeciders},
	"actors/recording": {May: append([]string{"golang.org/x/time"}, decides...), Tests: testsOfDeciders}, // paces downloads
	"actors/erasure":   {May: decides, Tests: testsOfDeciders},

	"actors/journal": {
		May:   []string{"actors/protocol"},
		Tests: []string{"actors/journal/...", "actors/phone", rapid},
	},
	"actors/journal/memory":      engine(),
	"actors/journal/sqlite":      engine("modernc.org/sqlite"),
	"actors/journal/postgres":    engine("github.com/jackc/pgx/v5"),
	"actors/journal/journaltest": engine("actors/journal/memory", rapid),
	"actors/actorstest":          {May: []string{"actors/...", zap}, Tests: []string{rapid}},

	"http/api": {
		May:   []string{"actors/protocol", "actors/phone", "actors/story", mux, zap, jsonv2},
		Tests: []string{openapi, yaml},
	},
	"http/webhook": {
		May:   []string{"actors/protocol", "actors/phone", mux, zap, jsonv2, "github.com/oasisprotocol/curve25519-voi"},
		Tests: []string{openapi, yaml},
	},
	"http/telnyx": {
		May:   []string{"actors/protocol", "actors/phone", jsonv2},
		Tests: []string{openapi, yaml, "loadtest/carrier"},
	},
	"http/archive":   {May: []string{"actors/protocol", "github.com/minio/minio-go/v7"}},
	"http/inference": {May: []string{"actors/protocol", zap}, Tests: []string{openapi}},

	// It fits the observers of others without importing them; its external tests
	// hold it against them.
	"metrics": {
		May:   []string{"actors/protocol", "metrics/family", client},
		Tests: []string{"actors", "actors/phone", "actors/journal", "actors/recording", "http/...", "metrics/...", model},
	},
	"metrics/family": {},
	"metrics/alerts": {May: []string{"metrics/family"}},
	"metrics/dashboards": {
		May:   []string{"metrics/family"},
		Tests: []string{"gonum.org/v1/plot"}, // draws the previews
	},
	"metrics/stack": {Tests: []string{yaml}},

	// It shares nothing with the switch but the wire, so that the two do not
	// make the same mistake; a phone number is one on both sides.
	"loadtest": {
		May: []string{"actors/phone", "loadtest/...", uuid, yaml, fasthttp, model, common},
	},
	"loadtest/carrier": {
		May:   []string{"actors/phone", "loadtest/party", uuid, fasthttp, "filippo.io/edwards25519"},
		Tests: []string{openapi},
	},
	"loadtest/party":       {},
	"loadtest/pace":        {Tests: []string{rapid}},
	"loadtest/market":      {May: []string{"loadtest/pace", "loadtest/party"}, Tests: []string{"actors/phone", rapid}},
	"loadtest/judge":       {May: []string{"actors/phone", "loadtest/..."}, Tests: []string{rapid}},
	"loadtest/wrongswitch": {Tests: []string{"actors/phone", "loadtest/..."}},
	"loadtest/report":      {May: []string{"github.com/HdrHistogram/hdrhistogram-go"}},

	"cmd/maskswitch": {May: []string{"cmd/internal/app", "actors/story"}, Tests: []string{"http/api", "actors/protocol", "actors/phone"}},
	"cmd/loadtest":   {May: []string{"loadtest/..."}, Tests: []string{"cmd/internal/app"}},
	"cmd/internal/app": {
		May:   []string{"actors/...", "http/...", "metrics/...", "loadtest/...", client, zap, "github.com/joho/godotenv"},
		Tests: []string{model, common},
	},
	"cmd/internal/layout": {},
}

var (
	decides         = []string{"actors/protocol", "actors/phone", "actors/journal", protoactor, zap}
	testsOfDeciders = []string{"actors/journal/memory", rapid}
)

// engine is the rule of a journal's engine: its driver is its own affair.
func engine(more ...string) Rule {
	return Rule{
		May:   append([]string{"actors/journal", "actors/protocol", "actors/phone"}, more...),
		Tests: []string{"actors/journal/journaltest", rapid},
	}
}
