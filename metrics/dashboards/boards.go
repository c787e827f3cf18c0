package dashboards

// Boards are all of them, in the order in which they are read.
func Boards() []Board {
	return []Board{calls(), legs(), carrier(), numbers(), recordings(), engine(), slo()}
}

// Where a figure is green, yellow and red.
var (
	shareOf     = func(good, bad float64) []Step { return []Step{{"red", 0}, {"yellow", bad}, {"green", good}} }
	more        = func(yellow, red float64) []Step { return []Step{{"yellow", yellow}, {"red", red}} }
	bad         = []Step{{"red", 0.0000001}}
	promisedAck = []Step{{"red", 0.25}}
)

const (
	percent  = "percentunit"
	second   = "s"
	perSec   = "ops"
	count    = "short"
	bytesOf  = "bytes"
	bytesSec = "Bps"
	hours    = "h"
)
