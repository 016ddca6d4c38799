// Package oxcical converts meetings between iCalendar ([RFC5545], [RFC5546]) and the properties of items ([MS-OXCICAL]).
//
// Of a calendar one meeting is read: an event, with the exceptions of its series. What cannot be said with MAPI's properties
// (rules of hours or days of the year, several rules, further dates, unknown time zones) makes the calendar none of a meeting: the
// caller keeps the text.
package oxcical

import (
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/internal/vobject"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Message classes of meetings ([MS-OXCICAL] 2.1.3.1.1.1).
const (
	Request     = "IPM.Schedule.Meeting.Request"
	Canceled    = "IPM.Schedule.Meeting.Canceled"
	Accepted    = "IPM.Schedule.Meeting.Resp.Pos"
	Tentative   = "IPM.Schedule.Meeting.Resp.Tent"
	Declined    = "IPM.Schedule.Meeting.Resp.Neg"
	Appointment = "IPM.Appointment"
)

// Answers to a meeting ([MS-OXOCAL] 2.2.1.11), busy states (2.2.1.2) and states of a meeting (2.2.1.10).
const (
	respNone         int32 = 0
	respTentative    int32 = 2
	respAccepted     int32 = 3
	respDeclined     int32 = 4
	respNotResponded int32 = 5

	busyFree      int32 = 0
	busyTentative int32 = 1
	busyBusy      int32 = 2
	busyAway      int32 = 3
	busyElsewhere int32 = 4

	stateMeeting  int32 = 1
	stateReceived int32 = 2
	stateCanceled int32 = 4
)

// Meeting is what a calendar says.
type Meeting struct {
	Class   string
	Subject string
	Text    string // the description
	HTML    string // the description in HTML, where there is one
	Props   mapi.Props
	// Organizer and Attendees are SMTP addresses and names.
	Organizer Person
	Attendees []Attendee
}

// Person is somebody with an SMTP address.
type Person struct{ Name, Address string }

// Attendee is somebody who is invited. Type is that of a recipient: 1 required, 2 optional, 3 a room or thing.
type Attendee struct {
	Person
	Type   int32
	Answer string // PARTSTAT
}

// Read reads the meeting of a calendar, in UTF-8. ok is false when it holds none that items can be.
func Read(calendar string) (m *Meeting, ok bool) {
	components := vobject.Parse(calendar)
	if len(components) != 1 || components[0].Name != "VCALENDAR" {
		return nil, false
	}
	r := &reader{calendar: components[0], zones: map[string]*zone{}}
	for _, c := range r.calendar.Children {
		switch c.Name {
		case "VTIMEZONE":
			if z := readZone(c); z != nil {
				r.zones[z.name] = z
			}
		case "VEVENT":
			r.events = append(r.events, c)
		case "VTODO", "VJOURNAL", "VFREEBUSY":
			return nil, false
		}
	}
	return r.meeting()
}

// reader reads a calendar.
type reader struct {
	calendar *vobject.Component
	zones    map[string]*zone
	events   []*vobject.Component
}

// master is the event that isn't an exception of a series; one alone may be.
func (r *reader) master() (master *vobject.Component, exceptions []*vobject.Component, ok bool) {
	for _, e := range r.events {
		switch {
		case e.Get("RECURRENCE-ID") != nil && len(r.events) > 1:
			exceptions = append(exceptions, e)
		case master != nil:
			return nil, nil, false
		default:
			master = e
		}
	}
	for _, e := range exceptions {
		if master == nil || e.Value("UID") != master.Value("UID") {
			return nil, nil, false
		}
	}
	return master, exceptions, master != nil
}

// class is the message class of a method, and of the answer that it brings ([MS-OXCICAL] 2.1.3.1.1.1).
func (r *reader) class(e *vobject.Component) string {
	switch strings.ToUpper(r.calendar.Value("METHOD")) {
	case "REQUEST":
		return Request
	case "CANCEL":
		return Canceled
	case "REPLY":
		attendees := e.All("ATTENDEE")
		if len(attendees) != 1 {
			return ""
		}
		switch strings.ToUpper(attendees[0].Param("PARTSTAT")) {
		case "ACCEPTED":
			return Accepted
		case "TENTATIVE":
			return Tentative
		case "DECLINED":
			return Declined
		}
	case "COUNTER":
		return Tentative
	}
	return ""
}

func (r *reader) meeting() (*Meeting, bool) {
	e, exceptions, ok := r.master()
	if !ok {
		return nil, false
	}
	m := &Meeting{Class: r.class(e), Subject: e.Text("SUMMARY"), Text: e.Text("DESCRIPTION")}
	if m.Class == "" || e.Value("UID") == "" {
		return nil, false
	}
	for _, p := range e.All("X-ALT-DESC") {
		if strings.EqualFold(p.Param("FMTTYPE"), "text/html") {
			m.HTML = vobject.Text(p.Value)
		}
	}
	t, ok := r.times(e)
	if !ok {
		return nil, false
	}
	m.times(t)
	if !r.identity(m, e, t) {
		return nil, false
	}
	if e.Get("RRULE") != nil || e.Get("RDATE") != nil {
		if !r.series(m, e, exceptions, t) {
			return nil, false
		}
	} else if len(exceptions) > 0 {
		return nil, false
	} else {
		m.set(pid.LidRecurring, false)
		m.set(pid.LidRecurrenceType, int32(0))
	}
	r.people(m, e)
	r.status(m, e)
	return m, true
}

func (m *Meeting) set(k mapi.Key, v mapi.Value) { m.Props.Set(k, v) }

func (m *Meeting) setTag(t mapi.Tag, v mapi.Value) { m.set(mapi.TagKey(t), v) }

func (m *Meeting) setTime(k mapi.Key, t time.Time) { m.set(k, mapi.NewFileTime(t)) }

// times are begin and end of an event.
type times struct {
	start, end moment
	allDay     bool
}

// moment is a time as it stands in a calendar: on the clock of a zone.
type moment struct {
	clock oxocal.Minutes
	utc   time.Time
	zone  *zone // nil: UTC, or none
}

// times reads DTSTART and DTEND or DURATION.
func (r *reader) times(e *vobject.Component) (t times, ok bool) {
	start := e.Get("DTSTART")
	if start == nil {
		return t, false
	}
	if t.start, t.allDay, ok = r.moment(start, start.Value); !ok {
		return t, false
	}
	switch {
	case e.Get("DTEND") != nil:
		end := e.Get("DTEND")
		var day bool
		if t.end, day, ok = r.moment(end, end.Value); !ok || day != t.allDay {
			return t, false
		}
	case e.Get("DURATION") != nil:
		d, ok := duration(e.Value("DURATION"))
		if !ok || d < 0 {
			return t, false
		}
		t.end = t.start.add(d)
	case t.allDay:
		t.end = t.start.add(24 * time.Hour)
	default:
		t.end = t.start
	}
	if t.end.utc.Before(t.start.utc) {
		return t, false
	}
	if strings.EqualFold(e.Value("X-MICROSOFT-CDO-ALLDAYEVENT"), "TRUE") && t.start.clock%oxocal.Day == 0 && t.end.clock%oxocal.Day == 0 {
		t.allDay = true
	}
	return t, true
}

// add is a moment later: of whole days, on the clock.
func (m moment) add(d time.Duration) moment {
	if d%(24*time.Hour) == 0 {
		m.clock += oxocal.Minutes(d / time.Minute)
		m.utc = m.zone.utc(m.clock)
		return m
	}
	m.utc = m.utc.Add(d)
	m.clock = m.zone.clock(m.utc)
	return m
}

// times sets when the meeting is.
func (m *Meeting) times(t times) {
	for _, k := range []mapi.Key{pid.LidAppointmentStartWhole, pid.LidCommonStart, mapi.TagKey(pid.TagStartDate)} {
		m.setTime(k, t.start.utc)
	}
	for _, k := range []mapi.Key{pid.LidAppointmentEndWhole, pid.LidCommonEnd, mapi.TagKey(pid.TagEndDate)} {
		m.setTime(k, t.end.utc)
	}
	m.set(pid.LidAppointmentDuration, int32(min(t.end.utc.Sub(t.start.utc)/time.Minute, 1<<31-1)))
	m.set(pid.LidAppointmentSubType, t.allDay)
	if z := t.start.zone; z != nil {
		m.set(pid.LidAppointmentTimeZoneDefinitionStartDisplay, z.definition())
	}
	if z := t.end.zone; z != nil {
		m.set(pid.LidAppointmentTimeZoneDefinitionEndDisplay, z.definition())
	}
}
