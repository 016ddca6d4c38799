package cdo

import (
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
)

// ranged checks a value of the pattern.
func ranged(member string, v, low, high int32) error {
	if v < low || v > high {
		return failf("RecurrencePattern."+member, CdoE_INVALID_PARAMETER, "%d isn't from %d to %d", v, low, high)
	}
	return nil
}

// RecurrenceType is the kind of the pattern.
func (p *RecurrencePattern) RecurrenceType() RecurType { return p.kind }

// SetRecurrenceType changes the kind. Values that the kind doesn't use stay for later.
func (p *RecurrencePattern) SetRecurrenceType(t RecurType) error {
	if t < CdoRecurTypeDaily || t > CdoRecurTypeYearlyNth || t == CdoRecurTypeMonthlyNth+1 {
		return failf("RecurrencePattern.RecurrenceType", CdoE_INVALID_PARAMETER, "there is no pattern %d", t)
	}
	p.kind = t
	p.interval = min(p.interval, p.most())
	p.ended()
	return nil
}

// most is the largest Interval of the kind of pattern.
func (p *RecurrencePattern) most() int32 {
	switch p.kind {
	case CdoRecurTypeDaily:
		return 999
	case CdoRecurTypeYearly, CdoRecurTypeYearlyNth:
		return 1
	}
	return 99
}

// Interval is every how many days, weeks, months or years the series takes place.
func (p *RecurrencePattern) Interval() int32 { return p.interval }

// SetInterval changes the interval: up to 999 days, 99 weeks or months, 1 year; else CdoE_INVALID_PARAMETER. The last day follows.
func (p *RecurrencePattern) SetInterval(n int32) error {
	if err := ranged("Interval", n, 1, p.most()); err != nil {
		return err
	}
	p.interval = n
	p.ended()
	return nil
}

// DayOfMonth is the day of the month in monthly and yearly patterns.
func (p *RecurrencePattern) DayOfMonth() int32 { return p.dayOfMonth }

// SetDayOfMonth changes the day; 31 is the last day of each month. In a yearly pattern the month must have such a day:
// CdoE_INVALID_PARAMETER. The 29th of February is the 28th in other years.
func (p *RecurrencePattern) SetDayOfMonth(day int32) error {
	most := int32(lastDayOfMonth)
	if p.kind == CdoRecurTypeYearly {
		most = int32(time.Date(2000, time.Month(p.month)+1, 0, 0, 0, 0, 0, time.UTC).Day()) // a leap year
	}
	if err := ranged("DayOfMonth", day, 1, most); err != nil {
		return err
	}
	p.dayOfMonth = day
	p.ended()
	return nil
}

// DayOfWeekMask are the days of the week in weekly, monthly-nth and yearly-nth patterns.
func (p *RecurrencePattern) DayOfWeekMask() int32 { return int32(p.days) }

// SetDayOfWeekMask changes the days, which are added up. Less than 1 or more than 127 is CdoE_INVALID_PARAMETER.
func (p *RecurrencePattern) SetDayOfWeekMask(mask int32) error {
	if err := ranged("DayOfWeekMask", mask, 1, 127); err != nil {
		return err
	}
	p.days = DaysOfWeek(mask)
	p.ended()
	return nil
}

// Instance is which of those days of the month it is in monthly-nth and yearly-nth patterns.
func (p *RecurrencePattern) Instance() int32 { return p.instance }

// SetInstance changes that: 1 to 4, or 5 for the last.
func (p *RecurrencePattern) SetInstance(n int32) error {
	if err := ranged("Instance", n, 1, int32(oxocal.LastWeek)); err != nil {
		return err
	}
	p.instance = n
	p.ended()
	return nil
}

// MonthOfYear is the month in yearly and yearly-nth patterns.
func (p *RecurrencePattern) MonthOfYear() int32 { return p.month }

// SetMonthOfYear changes the month.
func (p *RecurrencePattern) SetMonthOfYear(month int32) error {
	if err := ranged("MonthOfYear", month, 1, 12); err != nil {
		return err
	}
	p.month = month
	p.ended()
	return nil
}

// PatternStartDate is the first day of the series, with the time that occurrences begin at.
func (p *RecurrencePattern) PatternStartDate() time.Time { return p.date(p.first) }

// SetPatternStartDate moves the first day; the time of day is ignored, and the last day follows. After 3999 it is
// CdoE_INVALID_PARAMETER.
func (p *RecurrencePattern) SetPatternStartDate(t time.Time) error {
	day, err := p.day("PatternStartDate", t)
	if err != nil {
		return err
	}
	p.first = day
	p.ended()
	return nil
}

// day is a date of the session's zone as a day of the series.
func (p *RecurrencePattern) day(member string, t time.Time) (oxocal.Minutes, error) {
	day := oxocal.MinutesOf(t.In(p.logon.loc)).Midnight()
	if day == 0 || day > lastPatternDay {
		return 0, failf("RecurrencePattern."+member, CdoE_INVALID_PARAMETER, "%s is no day of a series", t.Format(time.DateOnly))
	}
	return day, nil
}

// PatternEndDate is the last day of the series, with the time that occurrences begin at; in the year 4001 when it has no end.
func (p *RecurrencePattern) PatternEndDate() time.Time {
	if p.noEnd {
		return time.Date(endlessYear, 1, 1, 0, 0, 0, 0, p.logon.loc)
	}
	return p.date(p.last)
}

// SetPatternEndDate moves the last day; the number of occurrences follows. After 3999 it is CdoE_INVALID_PARAMETER.
func (p *RecurrencePattern) SetPatternEndDate(t time.Time) error {
	day, err := p.day("PatternEndDate", t)
	if err != nil {
		return err
	}
	p.last, p.noEnd, p.dirty = day, false, true
	p.counted()
	return nil
}

// Occurrences is how many times the series takes place, 1490000 when it has no end.
func (p *RecurrencePattern) Occurrences() int32 { return p.count }

// SetOccurrences changes that, from 1 to 1489999; the last day follows. 1490000 takes the end away.
func (p *RecurrencePattern) SetOccurrences(n int32) error {
	if err := ranged("Occurrences", n, 1, endless); err != nil {
		return err
	}
	p.count, p.noEnd = n, n == endless
	p.ended()
	return nil
}

// NoEndDate is true when the series has no end.
func (p *RecurrencePattern) NoEndDate() bool { return p.noEnd }

// SetNoEndDate takes the end away, or makes it the tenth occurrence.
func (p *RecurrencePattern) SetNoEndDate(on bool) {
	if on == p.noEnd {
		return
	}
	if p.noEnd, p.count = on, endless; !on {
		p.count = defaultSeries
	}
	p.ended()
}

// StartTime is when the first occurrence begins.
func (p *RecurrencePattern) StartTime() time.Time { return p.moment(p.first + p.start) }

// SetStartTime changes the time of day that occurrences begin at, and keeps the end's; seconds are dropped. Another day than
// PatternStartDate is CdoE_INVALID_PARAMETER.
func (p *RecurrencePattern) SetStartTime(t time.Time) error {
	clock := p.zone.Clock(t)
	if clock.Midnight() != p.first {
		return failf("RecurrencePattern.StartTime", CdoE_INVALID_PARAMETER, "%s isn't the first day of the series", t.Format(time.DateOnly))
	}
	p.start = clock % oxocal.Day
	p.setEnd(p.end)
	return nil
}

// EndTime is when the first occurrence ends.
func (p *RecurrencePattern) EndTime() time.Time { return p.moment(p.first + p.end) }

// SetEndTime changes the time of day that occurrences end at; seconds are dropped. One that isn't after the begin's is on the next
// day.
func (p *RecurrencePattern) SetEndTime(t time.Time) { p.setEnd(p.zone.Clock(t)) }

func (p *RecurrencePattern) setEnd(clock oxocal.Minutes) {
	p.end, p.dirty = clock%oxocal.Day, true
	if p.end <= p.start {
		p.end += oxocal.Day
	}
}

// Duration is the length of an occurrence in minutes.
func (p *RecurrencePattern) Duration() int32 { return int32(p.end - p.start) }
