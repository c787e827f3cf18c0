package report

import (
	"cmp"
	"slices"
)

// errorsSorted puts what nobody asked for first, then what is most.
func errorsSorted(all []Error) []Error {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Error) int {
		if a.Planned != b.Planned {
			if b.Planned {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Where, b.Where), cmp.Compare(a.What, b.What))
	})
	return all
}

// foundSorted puts what was found first.
func foundSorted(all []Found) []Found {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Found) int { return cmp.Compare(b.Count, a.Count) })
	return all
}

// thresholdsSorted puts the missed ones first.
func thresholdsSorted(all []Threshold) []Threshold {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Threshold) int {
		switch {
		case a.OK == b.OK:
			return 0
		case b.OK:
			return -1
		}
		return 1
	})
	return all
}

// budgetsSorted puts first whose budget is used up most.
func budgetsSorted(all []Budget) []Budget {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Budget) int { return cmp.Compare(b.used(), a.used()) })
	return all
}

// used is the part of the allowed failures that happened: 1 is all of them. Of
// an objective of 100 % any failure is more than all.
func (b Budget) used() float64 {
	if b.Total == 0 || b.Good >= b.Total {
		return 0
	}
	allowed := (1 - b.Objective) * float64(b.Total)
	return float64(b.Total-b.Good) / max(allowed, 1e-9)
}
