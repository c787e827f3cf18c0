package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// data is what the page's script draws, as JSON in the page.
type data struct {
	Time   []float64 `json:"time"`
	Plots  []plot    `json:"plots"`
	Marks  []Mark    `json:"marks"`
	Levels []float64 `json:"levels"` // 1/(1-p) of the curves' points
	Curves []curve   `json:"curves"`
}

// plot is the rows that are drawn together.
type plot struct {
	N     int    `json:"n"` // place in data.Plots
	Title string `json:"title"`
	Unit  string `json:"unit"`
	Rows  []line `json:"rows"`
}

type line struct {
	Name   string     `json:"name"`
	Switch bool       `json:"switch"`
	Values []*float64 `json:"values"`
}

// curve is a step's latency by percentile.
type curve struct {
	Step        string     `json:"step"`
	Title       string     `json:"title"`
	On          bool       `json:"on"` // drawn at first
	Corrected   []*float64 `json:"corrected"`
	Uncorrected []*float64 `json:"uncorrected"`
}

// shownFirst is how many curves are drawn before the reader chooses.
const shownFirst = 3

// draw prepares the plots.
func (v *view) draw(r *Result) {
	v.Data = data{Time: []float64{}, Plots: plots(r.Series.Rows), Marks: []Mark{}, Curves: []curve{}, Levels: []float64{}}
	for _, t := range r.Series.Time {
		v.Data.Time = append(v.Data.Time, short(t))
	}
	v.Data.Marks = append(v.Data.Marks, r.Marks...)
	slices.SortStableFunc(v.Data.Marks, func(a, b Mark) int { return cmp.Compare(a.At, b.At) })
	for i, p := range v.Data.Plots {
		own := true
		for _, l := range p.Rows {
			own = own && l.Switch
		}
		v.Data.Plots[i].N = i
		p.N = i
		switch {
		case p.Title == "calls" || p.Title == "calls at once":
			v.LoadPlots = append(v.LoadPlots, p)
		case own:
			v.OwnPlots = append(v.OwnPlots, p)
		default:
			v.TimePlots = append(v.TimePlots, p)
		}
	}
	v.Data.Levels, v.Data.Curves = curves(r.Latencies)
	v.Curves = v.Data.Curves
}

// plots puts rows of the same plot and unit together; what has no value at all
// is not drawn.
func plots(rows []Row) []plot {
	all := []plot{}
	for _, row := range rows {
		values, some := make([]*float64, len(row.Values)), false
		for i, v := range row.Values {
			if v != nil {
				short := short(*v)
				values[i], some = &short, true
			}
		}
		if !some {
			continue
		}
		at := slices.IndexFunc(all, func(p plot) bool { return p.Title == row.Plot && p.Unit == row.Unit })
		if at < 0 {
			at = len(all)
			all = append(all, plot{Title: row.Plot, Unit: row.Unit})
		}
		all[at].Rows = append(all[at].Rows, line{row.Name, row.Switch, values})
	}
	return all
}

// perDecade is how many points a curve has between 90 % and 99 %.
const perDecade = 20

// curves samples the histograms at common levels 1/(1-p), up to what each has
// samples for; its last point is the maximum.
func curves(all []Latency) ([]float64, []curve) {
	levels, list := []float64{}, []curve{}
	var hists [][2]*Histogram
	for _, l := range all {
		h, err := Decode(l.HDR)
		if err != nil || h.Count() == 0 {
			continue
		}
		un, err := Decode(l.UncorrectedHDR)
		if err != nil || un.Count() == 0 {
			un = nil
		}
		hists = append(hists, [2]*Histogram{h, un})
		list = append(list, curve{Step: l.Step, Title: l.Title, On: len(list) < shownFirst})
		levels = append(levels, float64(h.Count()))
	}
	if len(list) == 0 {
		return levels, list
	}
	most := slices.Max(levels)
	for i := 0; ; i++ {
		level := math.Pow(10, float64(i)/perDecade)
		if level > most {
			break
		}
		levels = append(levels, short(level))
	}
	slices.Sort(levels)
	levels = slices.Compact(levels)
	for i := range list {
		list[i].Corrected = hists[i][0].curve(levels)
		if un := hists[i][1]; un != nil {
			list[i].Uncorrected = un.curve(levels)
		} else {
			list[i].Uncorrected = known(all, list[i].Step, levels)
		}
	}
	return levels, list
}

func (h *Histogram) curve(levels []float64) []*float64 {
	values := make([]*float64, len(levels))
	for i, level := range levels {
		if level <= float64(h.Count()) {
			v := short(h.At(1 - 1/level))
			if level == float64(h.Count()) {
				v = short(h.At(1))
			}
			values[i] = &v
		}
	}
	return values
}

// known is the curve of a histogram of which only the quantiles are known.
func known(all []Latency, step string, levels []float64) []*float64 {
	values := make([]*float64, len(levels))
	for _, l := range all {
		if l.Step != step || l.Uncorrected.Count == 0 {
			continue
		}
		q := l.Uncorrected
		for level, v := range map[float64]float64{2: q.P50, 10: q.P90, 100: q.P99, 1000: q.P999, float64(q.Count): q.Max} {
			if level > float64(q.Count) {
				continue
			}
			at, _ := slices.BinarySearch(levels, level)
			values[min(at, len(levels)-1)] = &v
		}
	}
	return values
}

// short rounds to five digits: more than a plot shows, and half the bytes.
func short(v float64) float64 {
	s, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
	if err != nil {
		return v
	}
	return s
}
