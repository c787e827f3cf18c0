package pool

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"maskswitch/actors/protocol"
)

// sweep is the pool sizes of the drawing, in multiples of the lower bound.
var sweep = []float64{0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2}

// hues are told apart by the colour-blind too, and each has its own dashes.
var hues = []draw.LineStyle{
	{Color: color.RGBA{0, 114, 178, 255}, Width: vg.Points(1.8)},
	{Color: color.RGBA{213, 94, 0, 255}, Width: vg.Points(1.8), Dashes: []vg.Length{vg.Points(7), vg.Points(2)}},
	{Color: color.RGBA{0, 158, 115, 255}, Width: vg.Points(1.8), Dashes: []vg.Length{vg.Points(2), vg.Points(2)}},
	{Color: color.RGBA{140, 70, 140, 255}, Width: vg.Points(1.8), Dashes: []vg.Length{vg.Points(8), vg.Points(2), vg.Points(2), vg.Points(2)}},
}

// drawing shows, by the size of the pool, what share of bookings is refused,
// shown two numbers, and given a quarantined one; and how loaded each number is.
func drawing(t *testing.T, traces []trace) []byte {
	t.Helper()
	refused := panel("Refused (spread, shared, quarantine of 24 h)", "numbers ÷ lower bound D", "bookings, %")
	two := panel("On two numbers, for want of a clean common one", "numbers ÷ lower bound D", "bookings, %")
	rested := panel("Given a quarantined number", "numbers ÷ lower bound D", "bookings, %")
	loads := panel("Load of each number (skewed, 1.1 D of them)", "numbers, busiest first, %", "live bookings (logarithmic)")
	for i := range traces {
		var lines [3]plotter.XYs
		for _, pool := range sweep {
			out := traces[i].play(economy{pool: pool, quarantine: day})
			for k, y := range [...]float64{out.refused, out.two, out.rested} {
				lines[k] = append(lines[k], plotter.XY{X: pool, Y: y})
			}
		}
		for k, p := range [...]*plot.Plot{refused, two, rested} {
			addLine(t, p, traces[i].name, hues[i], lines[k])
		}
	}
	for _, p := range [...]*plot.Plot{refused, two, rested} {
		p.X.Tick.Marker = plot.TickerFunc(func(float64, float64) (ticks []plot.Tick) {
			for x := 8; x <= 20; x += 2 {
				ticks = append(ticks, plot.Tick{Value: float64(x) / 10, Label: fmt.Sprintf("%.1f", float64(x)/10)})
			}
			return ticks
		})
		p.Y.Tick.Marker = plot.TickerFunc(func(_, most float64) (ticks []plot.Tick) {
			for y := 0.0; y <= most; y += 5 * math.Ceil(most/25) {
				ticks = append(ticks, plot.Tick{Value: y, Label: fmt.Sprintf("%.0f", y)})
			}
			return ticks
		})
	}
	for k, policy := range [...]protocol.Assignment{protocol.AssignSpread, protocol.AssignPack} {
		out := traces[0].play(economy{pool: 1.1, policy: policy})
		slices.SortFunc(out.loads, func(x, y int) int { return y - x })
		var line plotter.XYs
		for i, load := range out.loads {
			if load > 0 {
				line = append(line, plotter.XY{X: 100 * float64(i) / float64(len(out.loads)), Y: float64(load)})
			}
		}
		addLine(t, loads, policy.String(), hues[k], line)
	}
	loads.Y.Scale, loads.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(func(_, most float64) (ticks []plot.Tick) {
		for y := 1.0; y <= most; y *= 10 {
			ticks = append(ticks, plot.Tick{Value: y, Label: fmt.Sprintf("%.0f", y)})
		}
		return ticks
	})
	loads.Y.Min, loads.Y.Max = 1, math.Pow(10, math.Ceil(math.Log10(loads.Y.Max)))

	canvas := vgsvg.New(30*vg.Centimeter, 21*vg.Centimeter)
	tiles := draw.Tiles{Rows: 2, Cols: 2, PadX: vg.Centimeter, PadY: vg.Centimeter,
		PadLeft: vg.Points(8), PadRight: vg.Points(14), PadTop: vg.Points(8), PadBottom: vg.Points(8)}
	page := draw.New(canvas)
	for i, p := range [...]*plot.Plot{refused, two, rested, loads} {
		p.Draw(tiles.At(page, i%2, i/2))
	}
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		t.Fatal(err)
	}
	// Not everybody has the font that was measured.
	return []byte(strings.ReplaceAll(svg.String(), "font-family:Liberation Sans", "font-family:Liberation Sans,Arial,Helvetica,sans-serif"))
}

func panel(title, x, y string) *plot.Plot {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font.Size = vg.Points(13)
	p.Title.Padding = vg.Points(6)
	for _, axis := range [...]*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font.Size = vg.Points(11)
		axis.Tick.Label.Font.Size = vg.Points(10)
	}
	p.Y.Min = 0
	p.Legend.Top = true
	p.Legend.TextStyle.Font.Size = vg.Points(11)
	p.Legend.Padding = vg.Points(4)
	p.Legend.ThumbnailWidth = vg.Points(34)
	p.Legend.YOffs = -vg.Points(4)
	p.Legend.XOffs = -vg.Points(4)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	return p
}

func addLine(t *testing.T, p *plot.Plot, name string, style draw.LineStyle, points plotter.XYs) {
	t.Helper()
	line, err := plotter.NewLine(points)
	if err != nil {
		t.Fatal(err)
	}
	line.LineStyle = style
	p.Add(line)
	p.Legend.Add(name+"  ", line)
}
