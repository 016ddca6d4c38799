// Package recurrencetruth compares the recurrence of calendars with an independent implementation of iCalendar's rules (RFC 5545). It
// is a module of its own so that the comparison adds nothing to what the program needs:
//
//	cd cdo/recurrencetruth && go test
package recurrencetruth

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/teambition/rrule-go"
)

var weekdays = []rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}

func days(mask uint32) (list []rrule.Weekday) {
	for d, w := range weekdays {
		if mask>>d&1 != 0 {
			list = append(list, w)
		}
	}
	return list
}

// monthDay is the n-th day of a month or the last that there is.
func monthDay(o *rrule.ROption, n int) {
	switch {
	case n >= 31:
		o.Bymonthday = []int{-1}
	case n > 28:
		for d := 28; d <= n; d++ {
			o.Bymonthday = append(o.Bymonthday, d)
		}
		o.Bysetpos = []int{-1}
	default:
		o.Bymonthday = []int{n}
	}
}

// nth is the n-th of the days of a month that are among those of the week; 5 is the last.
func nth(o *rrule.ROption, mask uint32, n int) {
	o.Byweekday, o.Bysetpos = days(mask), []int{n}
	if n == 5 {
		o.Bysetpos = []int{-1}
	}
}

// Patterns as they lie in items, from any day on.
func TestPatternsVectors(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		start := time.Date(1990+r.IntN(60), time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC)
		p := oxocal.RecurrencePattern{Start: oxocal.MinutesOf(start), EndType: oxocal.NeverEnds, End: oxocal.NoEnd, FirstDOW: uint32(r.IntN(7))}
		o := rrule.ROption{Dtstart: start, Wkst: weekdays[p.FirstDOW]}
		mask := uint32(1 + r.IntN(127))
		switch kind := r.IntN(6); kind {
		case 0:
			o.Freq, o.Interval = rrule.DAILY, 1+r.IntN(40)
			p.Type, p.Period = oxocal.PatternDay, uint32(o.Interval)*1440
		case 1:
			o.Freq, o.Interval, o.Byweekday = rrule.WEEKLY, 1+r.IntN(8), days(mask)
			p.Type, p.Period, p.Days = oxocal.PatternWeek, uint32(o.Interval), mask
		case 2, 4:
			o.Freq, o.Interval = rrule.MONTHLY, 1+r.IntN(14)
			p.Type, p.Period, p.DayOfMonth = oxocal.PatternMonth, uint32(o.Interval), uint32(1+r.IntN(31))
			if kind == 4 {
				p.Period, o.Freq, o.Interval, o.Bymonth = 12, rrule.YEARLY, 1, []int{int(start.Month())}
			}
			monthDay(&o, int(p.DayOfMonth))
		case 3, 5:
			o.Freq, o.Interval = rrule.MONTHLY, 1+r.IntN(14)
			p.Type, p.Period, p.Days, p.Nth = oxocal.PatternMonthNth, uint32(o.Interval), mask, uint32(1+r.IntN(5))
			if kind == 5 {
				p.Period, o.Freq, o.Interval, o.Bymonth = 12, rrule.YEARLY, 1, []int{int(start.Month())}
			}
			nth(&o, mask, int(p.Nth))
		}
		rule, err := rrule.NewRRule(o)
		if err != nil {
			t.Fatal(err)
		}
		from := start.AddDate(0, 0, r.IntN(4000))
		to := from.AddDate(0, 0, r.IntN(1500))
		var want, got []string
		for _, d := range rule.Between(from, to, true) {
			want = append(want, d.Format(time.DateOnly))
		}
		for d := range p.Dates(oxocal.MinutesOf(from), oxocal.MinutesOf(to)) {
			got = append(got, d.Clock().Format(time.DateOnly))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("pattern %d, %+v, is not\n%v\nfrom %v to %v:\n got %v\nwant %v", i, p, rule, from, to, got, want)
		}
	}
}

// The same through CDO: a series is made, saved, and its occurrences listed in zones that change their clocks.
func TestSeriesVectors(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Skipf("SKIPPED: no time zones here: %v", err)
		}
		t.Run(name, func(t *testing.T) { compare(t, loc) })
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func compare(t *testing.T, loc *time.Location) {
	r := rand.New(rand.NewPCG(3, 4))
	ctx := t.Context()
	for range 60 {
		s := cdo.NewSession(cdo.Config{Location: loc})
		if err := s.SetMAPIObject([]mapi.Store{memstore.New(memstore.Config{})}); err != nil {
			t.Fatal(err)
		}
		calendar := must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderCalendar))(t)
		a := must(calendar.Messages().AddAppointment(ctx))(t)
		start := time.Date(2024, time.Month(1+r.IntN(12)), 1+r.IntN(28), 4+r.IntN(18), 30, 0, 0, loc)
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		check(a.SetStartTime(ctx, start))
		check(a.SetEndTime(ctx, start.Add(45*time.Minute)))
		p := must(a.GetRecurrencePattern(ctx))(t)
		o := rrule.ROption{Dtstart: start, Count: 1 + r.IntN(60), Wkst: rrule.SU}
		mask := uint32(1 + r.IntN(127))
		kind := []cdo.RecurType{0, 1, 2, 3, 5, 6}[r.IntN(6)]
		check(p.SetRecurrenceType(kind))
		switch kind {
		case cdo.CdoRecurTypeDaily:
			o.Freq, o.Interval = rrule.DAILY, 1+r.IntN(20)
		case cdo.CdoRecurTypeWeekly:
			o.Freq, o.Interval, o.Byweekday = rrule.WEEKLY, 1+r.IntN(5), days(mask)
			check(p.SetDayOfWeekMask(int32(mask)))
		case cdo.CdoRecurTypeMonthly, cdo.CdoRecurTypeYearly:
			day, month := 1+r.IntN(28), 1+r.IntN(12)
			o.Freq, o.Interval = rrule.MONTHLY, 1+r.IntN(5)
			if kind == cdo.CdoRecurTypeYearly {
				o.Freq, o.Interval, o.Bymonth = rrule.YEARLY, 1, []int{month}
				check(p.SetMonthOfYear(int32(month)))
			} else if r.IntN(3) == 0 {
				day = 29 + r.IntN(3)
			}
			monthDay(&o, day)
			check(p.SetDayOfMonth(int32(day)))
		default:
			n, month := 1+r.IntN(5), 1+r.IntN(12)
			o.Freq, o.Interval = rrule.MONTHLY, 1+r.IntN(5)
			if kind == cdo.CdoRecurTypeYearlyNth {
				o.Freq, o.Interval, o.Bymonth = rrule.YEARLY, 1, []int{month}
				check(p.SetMonthOfYear(int32(month)))
			}
			nth(&o, mask, n)
			check(p.SetInstance(int32(n)))
			check(p.SetDayOfWeekMask(int32(mask)))
		}
		check(p.SetInterval(int32(o.Interval)))
		check(p.SetOccurrences(int32(o.Count)))
		check(a.Update(ctx, true, false))
		rule, err := rrule.NewRRule(o)
		check(err)
		all := rule.All()
		if last := p.PatternEndDate(); !sameDay(last, all[len(all)-1]) {
			t.Fatalf("%v ends on %v, want %v", rule, last, all[len(all)-1])
		}
		from := start.AddDate(0, 0, r.IntN(900))
		to := from.AddDate(0, 0, r.IntN(700))
		list := calendar.Messages()
		list.SetPeriod(from, to)
		var got, want []string
		for m, err := range list.All(ctx) {
			check(err)
			x, _ := m.Appointment()
			got = append(got, fmt.Sprint(must(x.StartTime(ctx))(t)))
		}
		for _, d := range all {
			if end := d.Add(45 * time.Minute); !end.Before(from) && !d.After(to) {
				want = append(want, fmt.Sprint(d))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v from %v to %v:\n got %v\nwant %v", rule, from, to, got, want)
		}
	}
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }
