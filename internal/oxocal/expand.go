package oxocal

import (
	"iter"
	"slices"
	"time"
)

// lunar are the calendars whose months aren't the Gregorian ones ([MS-OXOCAL] 2.2.1.44.1, CalendarType): Hijri, Hebrew, the lunar ones
// of eastern Asia, Saka, Umm al-Qura.
var lunar = []uint16{0x06, 0x08, 0x0B, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14, 0x17}

// Gregorian tells whether the days of the pattern follow from the Gregorian calendar, so that Dates knows them.
func (p *RecurrencePattern) Gregorian() bool {
	switch p.Type {
	case PatternDay, PatternWeek:
		return true
	case PatternMonth, PatternMonthNth, PatternMonthEnd:
		return !slices.Contains(lunar, p.Calendar)
	}
	return false
}

// latest is the last day that is expanded: the limit that calendars have, 4500-08-31 ([MS-OXOCAL] 2.2.1.44.1).
const latest = NoEnd

// Last is the last day of the series, or of all calendars.
func (p *RecurrencePattern) Last() Minutes {
	if p.Endless() {
		return latest
	}
	return p.End
}

// Dates are the days of the pattern from one day to another, both included; deleted ones too. A pattern of another calendar gives
// none.
func (p *RecurrencePattern) Dates(from, to Minutes) iter.Seq[Minutes] {
	from, to = max(from.Midnight(), p.Start.Midnight()), min(to, p.Last())
	return func(yield func(Minutes) bool) {
		if !p.Gregorian() || from > to {
			return
		}
		switch p.Type {
		case PatternDay:
			p.days(from, to, yield)
		case PatternWeek:
			p.weeks(from, to, yield)
		default:
			p.months(from, to, yield)
		}
	}
}

func (p *RecurrencePattern) days(from, to Minutes, yield func(Minutes) bool) {
	start, step := int64(p.Start.Midnight()), int64(max(Minutes(p.Period)/Day, 1)*Day)
	day := start + (int64(from)-start+step-1)/step*step
	for ; day <= int64(to); day += step {
		if !yield(Minutes(day)) {
			return
		}
	}
}

// weekOf is the first day of the week of a day.
func (p *RecurrencePattern) weekOf(day Minutes) Minutes {
	before := (int(day.Clock().Weekday()) - int(p.FirstDOW%7) + 7) % 7
	return day.Midnight() - min(Minutes(before)*Day, day.Midnight())
}

func (p *RecurrencePattern) weeks(from, to Minutes, yield func(Minutes) bool) {
	step := int64(min(max(p.Period, 1), maxPeriod)) * int64(Week)
	first := int64(p.weekOf(p.Start))
	week := first + (int64(from)-first)/step*step
	for ; week <= int64(to); week += step {
		for i := range int64(7) {
			day := Minutes(week) + Minutes(i)*Day
			if day < from || p.Days>>day.Clock().Weekday()&1 == 0 {
				continue
			}
			if day > to || !yield(day) {
				return
			}
		}
	}
}

// maxPeriod bounds damaged values: more weeks or months than there are.
const maxPeriod = 50_000

// monthOf counts months since January 1601.
func monthOf(day Minutes) int {
	y, m, _ := day.Clock().Date()
	return (y-1601)*12 + int(m) - 1
}

func (p *RecurrencePattern) months(from, to Minutes, yield func(Minutes) bool) {
	step := int(min(max(p.Period, 1), maxPeriod))
	first := monthOf(p.Start)
	month := first + (monthOf(from)-first)/step*step
	for ; month <= monthOf(to); month += step {
		day, ok := p.in(month)
		if !ok || day < from {
			continue
		}
		if day > to || !yield(day) {
			return
		}
	}
}

// in is the day of a month; ok is false for a month that has none.
func (p *RecurrencePattern) in(month int) (Minutes, bool) {
	begin := time.Date(1601, time.Month(1+month), 1, 0, 0, 0, 0, time.UTC)
	last := begin.AddDate(0, 1, -1).Day()
	switch p.Type {
	case PatternMonthEnd:
		return MinutesOf(begin.AddDate(0, 0, last-1)), true
	case PatternMonth:
		return MinutesOf(begin.AddDate(0, 0, min(max(int(p.DayOfMonth), 1), last)-1)), true
	}
	var found time.Time
	n := uint32(0)
	for d := range last {
		if day := begin.AddDate(0, 0, d); p.Days>>day.Weekday()&1 != 0 && (n < p.Nth || p.Nth >= LastWeek) {
			found, n = day, n+1
		}
	}
	return MinutesOf(found), n == p.Nth || n > 0 && p.Nth >= LastWeek
}

// NthDay is the last day of the first n days of a pattern, and how many there are: fewer when calendars end before.
func (p *RecurrencePattern) NthDay(n int) (day Minutes, count int) {
	endless := *p
	endless.EndType = NeverEnds
	for d := range endless.Dates(p.Start, latest) {
		day = d
		if count++; count >= n {
			break
		}
	}
	return day, count
}

// Occurrence is one time that a series takes place.
type Occurrence struct {
	Day        Minutes // on which the pattern has it
	Start, End Minutes
	Exception  *Exception // nil for one like the others
}

// Occurrences are those that end at or after one time and begin at or before another, by their begin. It takes what the pattern
// says, without those that were deleted, and the exceptions.
func (p *AppointmentRecurrencePattern) Occurrences(from, to Minutes) iter.Seq[Occurrence] {
	return func(yield func(Occurrence) bool) {
		pending := make([]*Exception, 0, len(p.Exceptions))
		for i := range p.Exceptions {
			if e := &p.Exceptions[i]; e.End >= from && e.Start <= to {
				pending = append(pending, e)
			}
		}
		slices.SortStableFunc(pending, func(a, b *Exception) int { return int(int64(a.Start) - int64(b.Start)) })
		upTo := func(limit Minutes) bool {
			for len(pending) > 0 && pending[0].Start <= limit {
				e := pending[0]
				pending = pending[1:]
				if !yield(Occurrence{e.Original.Midnight(), e.Start, e.End, e}) {
					return false
				}
			}
			return true
		}
		deleted := slices.Clone(p.Deleted)
		slices.Sort(deleted)
		earliest := from - min(from, max(p.EndOffset, p.StartOffset)) // the day of the first that may still go on
		for day := range p.Dates(earliest, to) {
			o := Occurrence{day, day + p.StartOffset, day + p.EndOffset, nil}
			if o.Start > to {
				break
			}
			if _, gone := slices.BinarySearch(deleted, day); gone || o.End < from || p.Exception(day) != nil {
				continue
			}
			if !upTo(o.Start) || !yield(o) {
				return
			}
		}
		upTo(to)
	}
}
