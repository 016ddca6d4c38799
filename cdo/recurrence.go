package cdo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Limits of patterns in CDO.
const (
	endless        = 1_490_000 // Occurrences of a series without end
	maxSeries      = endless - 1
	defaultSeries  = 10 // Occurrences when NoEndDate is cleared
	endlessYear    = 4001
	lastDayOfMonth = 31
)

// lastPatternDay is the last day that a pattern may begin or end on.
var lastPatternDay = oxocal.MinutesOf(time.Date(3999, 12, 31, 0, 0, 0, 0, time.UTC))

// RecurrencePattern is when a series takes place. Its values depend on each other: the one that was set last wins. They are saved by
// the Update of the appointment. Times are those of the zone that the series is in.
type RecurrencePattern struct {
	node
	item *AppointmentItem // the series
	zone oxocal.Zone

	kind        RecurType
	interval    int32
	dayOfMonth  int32
	days        DaysOfWeek
	instance    int32
	month       int32
	first, last oxocal.Minutes // days; last counts unless noEnd
	count       int32
	noEnd       bool
	start, end  oxocal.Minutes // minutes after midnight; end may be on a later day

	dirty bool
}

// GetRecurrencePattern is the pattern of the series. It makes a series of an appointment that is none: every week on the day of the
// begin, without end. Of an occurrence it is the pattern of its series.
func (a *AppointmentItem) GetRecurrencePattern(ctx context.Context) (*RecurrencePattern, error) {
	const member = "AppointmentItem.GetRecurrencePattern"
	if err := a.usable(); err != nil {
		return nil, fail(member, err)
	}
	if a.at != nil {
		p, err := a.at.master.GetRecurrencePattern(ctx)
		return p, rename(err, member)
	}
	if a.pattern != nil {
		return a.pattern, nil
	}
	zone, err := a.zone(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	p := &RecurrencePattern{node: a.below(a), item: a, zone: zone}
	recurs, err := a.recurs(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	schedule, err := a.schedule(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	switch {
	case recurs && schedule == nil:
		return nil, failf(member, CdoE_CORRUPT_DATA, "the pattern of the series cannot be read")
	case recurs:
		p.take(schedule)
	default:
		if err := p.begin(ctx); err != nil {
			return nil, fail(member, err)
		}
		a.bag.put(pid.LidRecurring, true)
	}
	a.pattern = p
	return p, nil
}

// ClearRecurrencePattern makes a single appointment of a series, at the time of its first occurrence. Of an occurrence it is
// CdoE_NO_SUPPORT.
func (a *AppointmentItem) ClearRecurrencePattern(ctx context.Context) error {
	const member = "AppointmentItem.ClearRecurrencePattern"
	if err := a.usable(); err != nil {
		return fail(member, err)
	}
	if a.at != nil {
		return fail(member, &mapi.Error{Op: "end a series", Code: CdoE_NO_SUPPORT, Err: errOccurrence})
	}
	series, err := a.series(ctx)
	if err != nil || !series {
		return fail(member, err)
	}
	p, err := a.GetRecurrencePattern(ctx)
	if err != nil {
		return rename(err, member)
	}
	a.setTimes(p.moment(p.first+p.start), p.moment(p.first+p.end))
	a.pattern = nil
	a.bag.put(pid.LidRecurring, false)
	a.bag.put(pid.LidRecurrenceType, int32(0))
	for _, k := range append(slices.Clone(ofSeries), pid.LidAppointmentTimeZoneDefinitionRecur, pid.LidTimeZoneStruct) {
		if !same(k, pid.LidRecurrenceType) {
			a.bag.remove(k)
		}
	}
	return fail(member, a.dropExceptions(ctx))
}

// dropExceptions removes the attachments that exceptions lie in when the appointment is saved.
func (a *AppointmentItem) dropExceptions(ctx context.Context) error {
	list, err := a.Attachments(ctx)
	if err != nil {
		return err
	}
	for _, att := range slices.Clone(list.list) {
		if att.embedded != nil && isClass(att.embedded.Props.Text(pid.TagMessageClass), exceptionClass) {
			att.Delete()
		}
	}
	return nil
}

// Class is CdoRecurrencePattern.
func (p *RecurrencePattern) Class() ObjectClass { return CdoRecurrencePattern }

func (p *RecurrencePattern) moment(m oxocal.Minutes) time.Time { return p.zone.UTC(m).In(p.logon.loc) }

// date is a day of the series, with the time that occurrences begin at.
func (p *RecurrencePattern) date(day oxocal.Minutes) time.Time { return p.moment(day + p.start) }

// begin makes the pattern that a single appointment gets.
func (p *RecurrencePattern) begin(ctx context.Context) error {
	from, to, err := p.item.times(ctx)
	if err != nil {
		return err
	}
	start, end := p.zone.Clock(from), p.zone.Clock(to)
	p.first, p.start = start.Midnight(), start%oxocal.Day
	p.end = end - p.first
	day := start.Clock()
	*p = RecurrencePattern{node: p.node, item: p.item, zone: p.zone, first: p.first, start: p.start, end: p.end,
		kind: CdoRecurTypeWeekly, interval: 1, dayOfMonth: int32(day.Day()), days: 1 << day.Weekday(), instance: int32(day.Day()+6) / 7,
		month: int32(day.Month()), count: endless, noEnd: true, dirty: true}
	return nil
}

// take makes the pattern that of a series.
func (p *RecurrencePattern) take(s *oxocal.AppointmentRecurrencePattern) {
	day := s.Start.Clock()
	p.first, p.start, p.end = s.Start.Midnight(), s.StartOffset, s.EndOffset
	p.interval, p.days = int32(min(s.Period, 1<<16)), DaysOfWeek(s.Days&127)
	p.dayOfMonth, p.instance, p.month = int32(day.Day()), int32(day.Day()+6)/7, int32(day.Month())
	if p.days == 0 {
		p.days = 1 << day.Weekday()
	}
	switch s.Type {
	case oxocal.PatternDay:
		p.kind, p.interval = CdoRecurTypeDaily, int32(s.Period/uint32(oxocal.Day))
	case oxocal.PatternWeek:
		p.kind = CdoRecurTypeWeekly
	case oxocal.PatternMonthNth, oxocal.PatternHjMonthNth:
		p.kind, p.instance = CdoRecurTypeMonthlyNth, int32(min(s.Nth, oxocal.LastWeek))
	default:
		p.kind, p.dayOfMonth = CdoRecurTypeMonthly, int32(min(s.DayOfMonth, lastDayOfMonth))
		if s.Type == oxocal.PatternMonthEnd || s.Type == oxocal.PatternHjMonthEnd {
			p.dayOfMonth = lastDayOfMonth
		}
	}
	if s.Frequency == oxocal.Yearly && p.interval%12 == 0 {
		p.interval /= 12
		switch p.kind {
		case CdoRecurTypeMonthly:
			p.kind = CdoRecurTypeYearly
		case CdoRecurTypeMonthlyNth:
			p.kind = CdoRecurTypeYearlyNth
		}
	}
	p.interval = max(p.interval, 1)
	p.noEnd, p.count = s.Endless(), endless
	if !p.noEnd {
		p.last = s.End.Midnight()
		p.counted()
	}
}

// pattern is the same for an appointment.
func (p *RecurrencePattern) pattern() *oxocal.AppointmentRecurrencePattern {
	s := oxocal.NewSeries()
	s.Period, s.Start, s.StartOffset, s.EndOffset = uint32(p.interval), p.first, p.start, p.end
	switch p.kind {
	case CdoRecurTypeDaily:
		s.Frequency, s.Type, s.Period = oxocal.Daily, oxocal.PatternDay, uint32(p.interval)*uint32(oxocal.Day)
	case CdoRecurTypeWeekly:
		s.Frequency, s.Type, s.Days = oxocal.Weekly, oxocal.PatternWeek, uint32(p.days)
	case CdoRecurTypeMonthly, CdoRecurTypeYearly:
		s.Frequency, s.Type, s.DayOfMonth = oxocal.Monthly, oxocal.PatternMonth, uint32(p.dayOfMonth)
	case CdoRecurTypeMonthlyNth, CdoRecurTypeYearlyNth:
		s.Frequency, s.Type, s.Days, s.Nth = oxocal.Monthly, oxocal.PatternMonthNth, uint32(p.days), uint32(p.instance)
	}
	if p.kind == CdoRecurTypeYearly || p.kind == CdoRecurTypeYearlyNth {
		s.Frequency, s.Period = oxocal.Yearly, 12*s.Period
		y, m, _ := p.first.Clock().Date()
		if int32(m) != p.month { // the first such month after the begin
			if int32(m) > p.month {
				y++
			}
			s.Start = oxocal.MinutesOf(time.Date(y, time.Month(p.month), 1, 0, 0, 0, 0, time.UTC))
		}
	}
	s.EndType, s.Count, s.End = oxocal.NeverEnds, oxocal.NoCount, oxocal.NoEnd
	if !p.noEnd {
		s.EndType, s.Count, s.End = oxocal.EndAfterDate, uint32(p.count), p.last
	}
	if first, n := s.NthDay(1); n == 1 {
		s.Start = first
	}
	s.SetFirst()
	return s
}

// counted makes the number of occurrences what follows from the last day.
func (p *RecurrencePattern) counted() {
	n := int32(0)
	for range p.pattern().Dates(0, p.last) {
		if n++; n == maxSeries {
			break
		}
	}
	p.count = n
}

// ended makes the last day what follows from the number of occurrences.
func (p *RecurrencePattern) ended() {
	p.dirty = true
	if p.noEnd {
		return
	}
	s := p.pattern()
	day, n := s.NthDay(int(p.count))
	if p.last = day; n < int(p.count) || day > lastPatternDay {
		p.last = min(day, lastPatternDay)
		p.counted()
	}
}

// write makes the properties of the appointment that say when the series takes place. Its exceptions are gone then.
func (p *RecurrencePattern) write(ctx context.Context) error {
	if !p.dirty {
		return nil
	}
	a := p.item
	s := p.pattern()
	first, n := s.NthDay(1)
	if n == 0 || !p.noEnd && p.last < first {
		return &mapi.Error{Op: "save a series", Code: CdoE_INVALID_OBJECT, Err: errors.New("it never takes place")}
	}
	blob, err := s.Encode()
	if err != nil {
		return err
	}
	definition, err := p.logon.zoneDefinition(p.moment(first))
	if err != nil {
		return err
	}
	if have, ok, err := keyed[[]byte](ctx, &a.bag, pid.LidAppointmentTimeZoneDefinitionRecur); err != nil {
		return err
	} else if ok {
		definition = have
	}
	zone, err := (&oxocal.TimeZoneStruct{Rule: ruleOf(definition)}).Encode()
	if err != nil {
		return err
	}
	a.setTimes(p.moment(first+p.start), p.moment(first+p.end))
	clipEnd := latest
	if !p.noEnd {
		clipEnd = p.moment(p.last + p.end).UTC()
	}
	for _, v := range []mapi.Prop{
		{Key: pid.LidRecurring, Value: true}, {Key: pid.LidRecurrenceType, Value: recurrenceType(s.Frequency)}, {Key: pid.LidAppointmentRecur, Value: blob},
		{Key: pid.LidRecurrencePattern, Value: p.String()}, {Key: pid.LidClipStart, Value: mapi.NewFileTime(first.Clock())},
		{Key: pid.LidClipEnd, Value: mapi.NewFileTime(clipEnd)}, {Key: pid.LidAppointmentTimeZoneDefinitionRecur, Value: definition},
		{Key: pid.LidTimeZoneStruct, Value: zone}, {Key: pid.LidTimeZoneDescription, Value: p.logon.zoneName},
		{Key: mapi.TagKey(pid.TagIconIndex), Value: int32(iconSeries)},
	} {
		a.bag.put(v.Key, v.Value)
	}
	p.dirty = false
	if a.id == "" {
		return nil
	}
	return a.dropExceptions(ctx)
}

// ruleOf is the rule of a time zone definition that series follow.
func ruleOf(definition []byte) oxocal.Rule {
	z, err := oxocal.DecodeTimeZoneDefinition(definition)
	if err != nil || len(z.Rules) == 0 {
		return oxocal.Rule{}
	}
	for _, r := range z.Rules {
		if r.Flags&oxocal.RuleRecurCurrent != 0 {
			return r.Rule
		}
	}
	return z.Rules[len(z.Rules)-1].Rule
}

// recurrenceType is PidLidRecurrenceType of a frequency ([MS-OXOCAL] 2.2.1.45).
func recurrenceType(frequency uint16) int32 { return int32(frequency-oxocal.Daily) + 1 }

var weekdays = [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

// String describes the pattern, for people.
func (p *RecurrencePattern) String() string {
	every := func(unit string) string {
		if p.interval == 1 {
			return "every " + unit
		}
		return fmt.Sprintf("every %d %ss", p.interval, unit)
	}
	var names []string
	for d, name := range weekdays {
		if p.days>>d&1 != 0 {
			names = append(names, name)
		}
	}
	days := strings.Join(names, ", ")
	nth := [...]string{"", "first", "second", "third", "fourth", "last"}[min(max(p.instance, 0), 5)]
	month := time.Month(p.month)
	s := ""
	switch p.kind {
	case CdoRecurTypeDaily:
		s = every("day")
	case CdoRecurTypeWeekly:
		s = every("week") + " on " + days
	case CdoRecurTypeMonthly:
		s = fmt.Sprintf("day %d of %s", p.dayOfMonth, every("month"))
	case CdoRecurTypeMonthlyNth:
		s = fmt.Sprintf("the %s %s of %s", nth, days, every("month"))
	case CdoRecurTypeYearly:
		s = fmt.Sprintf("every %v %d", month, p.dayOfMonth)
	case CdoRecurTypeYearlyNth:
		s = fmt.Sprintf("the %s %s of %v", nth, days, month)
	}
	return fmt.Sprintf("%s from %s to %s", s, p.start.Clock().Format("15:04"), p.end.Clock().Format("15:04"))
}
