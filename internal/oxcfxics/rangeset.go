package oxcfxics

import (
	"cmp"
	"slices"
)

// Range is a run of counters (GLOBCNT, 48 bits, [MS-OXCFXICS] 2.2.2.5), both ends in it.
type Range struct{ Low, High uint64 }

// RangeSet is a set of counters: ranges in ascending order with gaps between them. The zero value is empty.
type RangeSet []Range

// NewRangeSet makes a set of ranges in any order; they may overlap.
func NewRangeSet(ranges ...Range) RangeSet {
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.Low, b.Low) })
	var s RangeSet
	for _, r := range ranges {
		if n := len(s); n > 0 && r.Low <= s[n-1].High+1 {
			s[n-1].High = max(s[n-1].High, r.High)
		} else {
			s = append(s, r)
		}
	}
	return s
}

// find is the index of the first range that ends at c or above.
func (s RangeSet) find(c uint64) int {
	i, _ := slices.BinarySearchFunc(s, c, func(r Range, c uint64) int { return cmp.Compare(r.High, c) })
	return i
}

// Contains reports whether c is in the set.
func (s RangeSet) Contains(c uint64) bool {
	i := s.find(c)
	return i < len(s) && s[i].Low <= c
}

// Includes reports whether all of o is in the set.
func (s RangeSet) Includes(o RangeSet) bool {
	for _, r := range o {
		if i := s.find(r.Low); i == len(s) || s[i].Low > r.Low || s[i].High < r.High {
			return false
		}
	}
	return true
}

// Insert adds counters.
func (s *RangeSet) Insert(r Range) {
	// Ranges from i up to j overlap r or touch it.
	i := s.find(max(r.Low, 1) - 1)
	j := i
	for j < len(*s) && (*s)[j].Low <= r.High+1 {
		r.Low, r.High = min(r.Low, (*s)[j].Low), max(r.High, (*s)[j].High)
		j++
	}
	*s = slices.Replace(*s, i, j, r)
}

// Remove takes counters out.
func (s *RangeSet) Remove(r Range) {
	i := s.find(r.Low)
	var rest []Range
	j := i
	for ; j < len(*s) && (*s)[j].Low <= r.High; j++ {
		if old := (*s)[j]; old.Low < r.Low {
			rest = append(rest, Range{old.Low, r.Low - 1})
		}
		if old := (*s)[j]; old.High > r.High {
			rest = append(rest, Range{r.High + 1, old.High})
		}
	}
	*s = slices.Replace(*s, i, j, rest...)
}

// Union is all that is in either set.
func (s RangeSet) Union(o RangeSet) RangeSet { return NewRangeSet(slices.Concat(s, o)...) }

// Intersect is all that is in both sets.
func (s RangeSet) Intersect(o RangeSet) RangeSet {
	var both RangeSet
	for len(s) > 0 && len(o) > 0 {
		if low, high := max(s[0].Low, o[0].Low), min(s[0].High, o[0].High); low <= high {
			both = append(both, Range{low, high})
		}
		if s[0].High < o[0].High {
			s = s[1:]
		} else {
			o = o[1:]
		}
	}
	return both
}

// Count is the number of counters in the set.
func (s RangeSet) Count() (n uint64) {
	for _, r := range s {
		n += r.High - r.Low + 1
	}
	return n
}
