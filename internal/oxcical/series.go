package oxcical

import (
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/internal/vobject"
	"github.com/opencdo/opencdo/mapi/pid"
)

// never is the end of a series that has none, PidLidClipEnd ([MS-OXOCAL] 2.2.1.15).
var never = time.Date(4500, time.August, 31, 23, 59, 0, 0, time.UTC)

// series sets when a series takes place ([MS-OXCICAL] 2.1.3.2).
func (r *reader) series(m *Meeting, e *vobject.Component, exceptions []*vobject.Component, t times) bool {
	if len(e.All("RRULE")) != 1 || e.Get("RDATE") != nil || e.Get("EXRULE") != nil {
		return false
	}
	z := t.start.zone
	s := oxocal.NewSeries()
	s.StartOffset = t.start.clock % oxocal.Day
	s.EndOffset = s.StartOffset + oxocal.Minutes(t.end.utc.Sub(t.start.utc)/time.Minute)
	if t.allDay {
		s.EndOffset = s.StartOffset + t.end.clock - t.start.clock
	}
	p, kind, ok := pattern(parts(e.Value("RRULE")), t.start.clock.Clock(), func(value string) (oxocal.Minutes, bool) {
		until, utc, ok := parseTime(value)
		if !ok {
			return 0, false
		}
		clock := oxocal.MinutesOf(until)
		switch {
		case len(value) == len("20060102"):
			return clock, true
		case utc:
			clock = z.clock(until)
		}
		if clock%oxocal.Day < s.StartOffset && clock >= oxocal.Day { // before it begins on that day
			clock -= oxocal.Day
		}
		return clock.Midnight(), true
	})
	if !ok {
		return false
	}
	s.RecurrencePattern = p
	if !occurs(s, p.Start) {
		return false // the first occurrence is none of the rule's
	}
	if !r.except(s, e, exceptions, z) {
		return false
	}
	b, err := s.Encode()
	if err != nil {
		return false
	}
	m.set(pid.LidRecurring, true)
	m.set(pid.LidIsRecurring, true)
	m.set(pid.LidRecurrenceType, kind)
	m.set(pid.LidAppointmentRecur, b)
	m.setTime(pid.LidClipStart, p.Start.Clock())
	end := never
	if !p.Endless() {
		end = z.utc(p.End + s.EndOffset)
	}
	m.setTime(pid.LidClipEnd, end)
	if z == nil {
		z = &zone{name: "UTC"}
	}
	if b, err := (&oxocal.TimeZoneStruct{Rule: z.rule}).Encode(); err == nil {
		m.set(pid.LidTimeZoneStruct, b)
	}
	m.set(pid.LidTimeZoneDescription, z.name)
	m.set(pid.LidAppointmentTimeZoneDefinitionRecur, z.definition())
	return true
}

// except takes occurrences out of a series and changes others.
func (r *reader) except(s *oxocal.AppointmentRecurrencePattern, e *vobject.Component, exceptions []*vobject.Component, z *zone) bool {
	for _, p := range e.All("EXDATE") {
		for v := range strings.SplitSeq(p.Value, ",") {
			at, day, ok := r.moment(p, v)
			if !ok {
				return false
			}
			if d := dayOf(at, day, z); occurs(s, d) {
				s.Remove(d)
			}
		}
	}
	for _, x := range exceptions {
		id := x.Get("RECURRENCE-ID")
		at, day, ok := r.moment(id, id.Value)
		if !ok || id.Param("RANGE") != "" {
			return false
		}
		d := dayOf(at, day, z)
		if !occurs(s, d) {
			return false
		}
		if strings.EqualFold(x.Value("STATUS"), "CANCELLED") {
			s.Cancel(d)
			continue
		}
		t, ok := r.times(x)
		if !ok {
			return false
		}
		n := oxocal.Exception{Start: clockIn(t.start, t.allDay, z), End: clockIn(t.end, t.allDay, z), Original: d + s.StartOffset}
		if text := x.Text("SUMMARY"); text != e.Text("SUMMARY") {
			n.Flags |= oxocal.OwnSubject
			n.WideSubject, n.Subject = text, narrow(text)
		}
		if text := x.Text("LOCATION"); text != e.Text("LOCATION") {
			n.Flags |= oxocal.OwnLocation
			n.WideLocation, n.Location = text, narrow(text)
		}
		if b := busy(x, busyBusy); b != busy(e, busyBusy) {
			n.Flags |= oxocal.OwnBusyStatus
			n.BusyStatus = uint32(b)
		}
		s.Except(n)
	}
	return true
}

// dayOf is the day of an occurrence in the zone of its series.
func dayOf(m moment, day bool, z *zone) oxocal.Minutes { return clockIn(m, day, z).Midnight() }

// clockIn is what a zone's clock shows; days are the same everywhere.
func clockIn(m moment, day bool, z *zone) oxocal.Minutes {
	if day {
		return m.clock
	}
	return z.clock(m.utc)
}

// occurs tells whether a series takes place on a day, deleted or not.
func occurs(s *oxocal.AppointmentRecurrencePattern, day oxocal.Minutes) bool {
	for range s.Dates(day, day) {
		return true
	}
	return false
}
