package dashboards_test

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"maskswitch/metrics/dashboards"
)

// hues are told apart by the colour-blind too.
var hues = []color.RGBA{
	{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}, {230, 159, 0, 255},
	{86, 180, 233, 255}, {120, 94, 60, 255}, {90, 90, 90, 255},
}

// Sizes of a preview: pixels of a unit of the grid.
const (
	unitWide, unitHigh = 50, 26
	dpi                = 96
)

func px(n int) vg.Length { return vg.Length(n) * vg.Inch / dpi }

// preview draws a board from the answers to its queries. It is no picture of
// Grafana's: that cannot be had on every machine.
func preview(t *testing.T, b dashboards.Board, answers map[string][]line, from, to time.Time) {
	t.Helper()
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	high := 2
	for _, r := range b.Rows {
		high += 1 + r.Height*rowsOf(r)
	}
	canvas := vgimg.NewWith(vgimg.UseWH(px(24*unitWide), px(high*unitHigh)), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.Gray{244}))
	page := draw.New(canvas)
	at := func(x, y, w, h int) draw.Canvas {
		top := page.Max.Y - px(y*unitHigh)
		return draw.Canvas{Canvas: page.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: px(x * unitWide), Y: top - px(h*unitHigh)}, Max: vg.Point{X: px((x + w) * unitWide), Y: top},
		}}
	}
	write(at(0, 0, 24, 2), b.Title+": a preview, drawn from the queries of the board", 13, 8, 20, color.Black)
	y := 2
	for _, r := range b.Rows {
		write(at(0, y, 24, 1), r.Title, 10, 8, 8, color.Gray{90})
		y++
		x := 0
		for _, p := range r.Panels {
			w := p.Width
			if w == 0 {
				w = 24 / len(r.Panels)
			}
			if x+w > 24 {
				x, y = 0, y+r.Height
			}
			tile(t, at(x, y, w, r.Height), p, answers[p.Title], from, to)
			x += w
		}
		y += r.Height
	}
	if err := os.MkdirAll("preview", 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join("preview", strings.TrimPrefix(b.UID, "maskswitch-")+".png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(f); err != nil {
		t.Fatal(err)
	}
}

// rowsOf is how many lines the panels of a row take.
func rowsOf(r dashboards.Row) int {
	n, x := 1, 0
	for _, p := range r.Panels {
		w := p.Width
		if w == 0 {
			w = 24 / len(r.Panels)
		}
		if x+w > 24 {
			n, x = n+1, 0
		}
		x += w
	}
	return n
}

func write(c draw.Canvas, text string, points float64, left, down int, ink color.Color) {
	style := draw.TextStyle{Color: ink, Font: font.From(plot.DefaultFont, vg.Points(points)), Handler: plot.DefaultTextHandler}
	c.FillText(style, vg.Point{X: c.Min.X + px(left), Y: c.Max.Y - px(down) - vg.Points(points)}, text)
}

// tile draws one panel.
func tile(t *testing.T, c draw.Canvas, p dashboards.Panel, lines []line, from, to time.Time) {
	t.Helper()
	c = draw.Crop(c, px(3), -px(3), px(3), -px(3))
	c.FillPolygon(color.White, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
	write(c, p.Title, 8.5, 6, 5, color.Black)
	switch p.Kind {
	case dashboards.Figure, dashboards.Bars:
		for i, l := range lines {
			if i < 4 {
				text := shown(l.values[len(l.values)-1], p.Unit)
				if p.Kind == dashboards.Bars {
					write(c, l.name+"  "+text, 8, 8, 22+i*15, color.Gray{60})
					continue
				}
				write(c, text, 20, 8, 34, color.RGBA{0, 100, 60, 255})
			}
		}
	case dashboards.Heat:
		heat(draw.Crop(c, px(44), -px(8), px(16), -px(24)), lines, p.Unit, from, to)
	default:
		chart(t, draw.Crop(c, px(2), -px(6), px(20), -px(20)), c, p, lines)
	}
}

// chart draws lines, the largest with their names.
func chart(t *testing.T, c, whole draw.Canvas, p dashboards.Panel, lines []line) {
	t.Helper()
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(slices.Max(b.values), slices.Max(a.values)) })
	pl := plot.New()
	pl.BackgroundColor, pl.Y.Min = nil, 0
	pl.X.Tick.Marker = plot.TickerFunc(func(float64, float64) []plot.Tick { return nil })
	pl.X.LineStyle.Color, pl.Y.LineStyle.Color = color.Gray{200}, color.Gray{200}
	pl.Y.Tick.Label.Font.Size, pl.Y.Tick.LineStyle.Color = vg.Points(6.5), color.Gray{200}
	pl.Y.Tick.Marker = plot.TickerFunc(func(low, top float64) (ticks []plot.Tick) {
		for i := range 4 {
			v := top * float64(i) / 3
			ticks = append(ticks, plot.Tick{Value: v, Label: shown(v, p.Unit)})
		}
		return ticks
	})
	grid := plotter.NewGrid()
	grid.Vertical.Width, grid.Horizontal.Color = 0, color.Gray{232}
	pl.Add(grid)
	left := 8
	for i, l := range lines {
		points := make(plotter.XYs, len(l.at))
		for k := range points {
			points[k] = plotter.XY{X: l.at[k], Y: l.values[k]}
		}
		drawn, err := plotter.NewLine(points)
		if err != nil {
			t.Fatal(err)
		}
		hue := hues[min(i, len(hues)-1)]
		drawn.LineStyle = draw.LineStyle{Color: hue, Width: vg.Points(1)}
		pl.Add(drawn)
		if wide := 9 + 5*len(l.name); i < len(hues) && left+wide < int((whole.Max.X-whole.Min.X)/px(1))-8 {
			write(draw.Crop(whole, 0, 0, 0, 0), l.name, 6.5, left, int((whole.Max.Y-whole.Min.Y)/px(1))-15, hue)
			left += wide
		}
	}
	if pl.Y.Max <= 0 {
		pl.Y.Max = 1
	}
	pl.Draw(c)
}

// heat draws buckets: darker where more lies.
func heat(c draw.Canvas, lines []line, unit string, from, to time.Time) {
	bound := func(l line) float64 {
		v, err := strconv.ParseFloat(strings.Replace(l.labels["le"], "+Inf", "Inf", 1), 64)
		if err != nil {
			return math.Inf(1)
		}
		return v
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Compare(bound(a), bound(b)) })
	if len(lines) == 0 {
		return
	}
	cells, most := make([]map[float64]float64, len(lines)), 0.0
	below := make(map[float64]float64)
	for i, l := range lines {
		cells[i] = make(map[float64]float64)
		for k, at := range l.at {
			cells[i][at] = l.values[k] - below[at]
			below[at] = l.values[k]
			most = max(most, cells[i][at])
		}
	}
	span := to.Sub(from).Seconds()
	high := (c.Max.Y - c.Min.Y) / vg.Length(len(lines))
	for i, l := range lines {
		bottom := c.Min.Y + high*vg.Length(i)
		for at, n := range cells[i] {
			if n <= 0 || most == 0 {
				continue
			}
			x := c.Min.X + (c.Max.X-c.Min.X)*vg.Length((at-float64(from.Unix()))/span)
			shade := uint8(230 - 210*math.Sqrt(n/most))
			c.FillPolygon(color.RGBA{shade, uint8(float64(shade) * .9), 235, 255}, []vg.Point{
				{X: x, Y: bottom}, {X: x + px(6), Y: bottom}, {X: x + px(6), Y: bottom + high*.92}, {X: x, Y: bottom + high*.92},
			})
		}
		if v := bound(l); i%3 == 0 && !math.IsInf(v, 0) {
			write(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: c.Min.X - px(40), Y: bottom}, Max: vg.Point{X: c.Min.X, Y: bottom + high}}},
				shown(v, unit), 6.5, 0, 0, color.Gray{90})
		}
	}
}

// shown is a value with its unit, short.
func shown(v float64, unit string) string {
	si := func(v float64, suffix string) string {
		for _, s := range []struct {
			from float64
			name string
		}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
			if v >= s.from {
				return fmt.Sprintf("%.3g %s%s", v/s.from, s.name, suffix)
			}
		}
		return strings.TrimRight(fmt.Sprintf("%.3g %s", v, suffix), " ")
	}
	switch unit {
	case "s":
		switch {
		case v == 0:
			return "0"
		case v < 1e-3:
			return fmt.Sprintf("%.3g µs", v*1e6)
		case v < 1:
			return fmt.Sprintf("%.3g ms", v*1e3)
		}
		return si(v, "s")
	case "percentunit":
		return fmt.Sprintf("%.4g %%", v*100)
	case "bytes":
		return si(v, "B")
	case "Bps":
		return si(v, "B/s")
	case "ops":
		return si(v, "/s")
	case "h":
		return fmt.Sprintf("%.3g h", v)
	}
	return si(v, "")
}
