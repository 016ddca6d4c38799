package oxcical

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/internal/vobject"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// People are those whom a meeting is about. In an answer there is one attendee, who answers.
type People struct {
	Organizer Person
	Attendees []Attendee
}

// methods are those of the message classes, and what an answer says.
var methods = []struct{ class, method, answer string }{
	{Request, "REQUEST", "NEEDS-ACTION"}, {Canceled, "CANCEL", ""}, {Accepted, "REPLY", "ACCEPTED"}, {Tentative, "REPLY", "TENTATIVE"},
	{Declined, "REPLY", "DECLINED"}, {Appointment, "PUBLISH", ""},
}

// product is PRODID.
const product = "-//OpenCDO//OpenCDO//EN"

// Write makes the calendar of a message about a meeting, or of an appointment ([MS-OXCICAL] 2.1.3.1). ok is false for items that are
// neither, or have no time.
func Write(it *mapi.Item, who People, text string) (calendar, method string, ok bool) {
	class := it.Props.Text(pid.TagMessageClass)
	i := slices.IndexFunc(methods, func(m struct{ class, method, answer string }) bool {
		return strings.EqualFold(class, m.class) || len(class) > len(m.class) && strings.EqualFold(class[:len(m.class)+1], m.class+".")
	})
	start, hasStart := it.Props.Get(pid.LidAppointmentStartWhole).(mapi.FileTime)
	end, hasEnd := it.Props.Get(pid.LidAppointmentEndWhole).(mapi.FileTime)
	if i < 0 || !hasStart {
		return "", "", false
	}
	if !hasEnd || end < start {
		end = start
	}
	w := &writer{it: it, who: who, text: text, method: methods[i].method, answer: methods[i].answer, start: start.Time(), end: end.Time()}
	w.zones()
	c := vobject.New("VCALENDAR")
	c.Add("METHOD", w.method)
	c.Add("PRODID", product)
	c.Add("VERSION", "2.0")
	series, ok := w.series()
	if !ok {
		return "", "", false
	}
	if w.zone != nil { // also of days: it says whose midnight
		c.Children = append(c.Children, w.zone.component())
	}
	e := w.event(series)
	c.Children = append(c.Children, e)
	if series != nil {
		for _, x := range series.Exceptions {
			c.Children = append(c.Children, w.exception(e, series, x))
		}
	}
	return c.String(), w.method, true
}

// writer writes the calendar of an item.
type writer struct {
	it             *mapi.Item
	who            People
	text           string
	method, answer string
	start, end     time.Time
	zone           *zone // of the clock; nil: UTC
	allDay         bool
}

func (w *writer) str(k mapi.Key) string { s, _ := w.it.Props.Get(k).(string); return s }

func (w *writer) number(k mapi.Key) (int32, bool) { n, ok := w.it.Props.Get(k).(int32); return n, ok }

func (w *writer) flag(k mapi.Key) bool { b, _ := w.it.Props.Get(k).(bool); return b }

// zones finds the zone in which the meeting was made.
func (w *writer) zones() {
	w.allDay = w.flag(pid.LidAppointmentSubType)
	for _, k := range []mapi.Key{pid.LidAppointmentTimeZoneDefinitionRecur, pid.LidAppointmentTimeZoneDefinitionStartDisplay} {
		if b, ok := w.it.Props.Get(k).([]byte); ok {
			if d, err := oxocal.DecodeTimeZoneDefinition(b); err == nil && len(d.Rules) > 0 && d.KeyName != "" {
				rule := d.Rules[0]
				for _, r := range d.Rules {
					if r.Flags&oxocal.RuleEffective != 0 {
						rule = r
					}
				}
				w.zone = &zone{name: d.KeyName, rule: rule.Rule}
				return
			}
		}
	}
	if b, ok := w.it.Props.Get(pid.LidTimeZoneStruct).([]byte); ok {
		if s, err := oxocal.DecodeTimeZoneStruct(b); err == nil {
			name := w.str(pid.LidTimeZoneDescription)
			if name == "" {
				name = "Time zone"
			}
			w.zone = &zone{name: name, rule: s.Rule}
		}
	}
}

// series is that of the item; ok is false for one that no rule can say.
func (w *writer) series() (s *oxocal.AppointmentRecurrencePattern, ok bool) {
	b, has := w.it.Props.Get(pid.LidAppointmentRecur).([]byte)
	if recurring := w.flag(pid.LidRecurring) || w.flag(pid.LidIsRecurring); !recurring || !has || w.method == "REPLY" {
		return nil, true
	}
	s, err := oxocal.DecodeSeries(b)
	if err != nil {
		return nil, true // the single time remains
	}
	_, ok = formatRule(&s.RecurrencePattern, func(oxocal.Minutes) string { return "" })
	return s, ok
}

// time adds a time: a day, or one on the clock of the zone, or UTC.
func (w *writer) time(e *vobject.Component, name string, t time.Time) {
	w.clock(e, name, w.zone.clock(t))
}

func (w *writer) clock(e *vobject.Component, name string, m oxocal.Minutes) {
	switch t := m.Clock(); {
	case w.allDay:
		e.Add(name, t.Format("20060102"), "VALUE", "DATE")
	case w.zone == nil:
		e.Add(name, t.Format("20060102T150405Z"))
	default:
		e.Add(name, t.Format("20060102T150405"), "TZID", w.zone.name)
	}
}

// event makes the VEVENT.
func (w *writer) event(series *oxocal.AppointmentRecurrencePattern) *vobject.Component {
	e := vobject.New("VEVENT")
	p := &w.it.Props
	if o := w.who.Organizer; o.Address != "" && (w.method != "PUBLISH" || len(w.who.Attendees) > 0) {
		e.Add("ORGANIZER", "mailto:"+o.Address, "CN", o.Name)
	}
	w.attendees(e)
	e.AddText("SUMMARY", p.Text(pid.TagSubject))
	e.AddText("DESCRIPTION", w.text)
	e.AddText("LOCATION", w.str(pid.LidLocation))
	w.time(e, "DTSTART", w.start)
	w.time(e, "DTEND", w.end)
	w.identity(e)
	if series != nil {
		w.rule(e, series)
	}
	w.status(e)
	return e
}

// attendees adds those who are invited, or who answers.
func (w *writer) attendees(e *vobject.Component) {
	for _, a := range w.who.Attendees {
		role, kind, rsvp := "REQ-PARTICIPANT", "", ""
		switch a.Type {
		case 2:
			role = "OPT-PARTICIPANT"
		case 3:
			role, kind = "NON-PARTICIPANT", "RESOURCE"
		}
		if asked, _ := w.it.Props.Tag(pid.TagResponseRequested).(bool); asked && w.method == "REQUEST" {
			rsvp = "TRUE"
		}
		if w.method == "REPLY" {
			role = ""
		}
		e.Add("ATTENDEE", "mailto:"+a.Address, "CN", a.Name, "CUTYPE", kind, "ROLE", role, "PARTSTAT", w.answer, "RSVP", rsvp)
	}
}

// identity adds UID, and which occurrence it is about.
func (w *writer) identity(e *vobject.Component) {
	b, _ := w.it.Props.Get(pid.LidGlobalObjectId).([]byte)
	g, err := oxocal.DecodeGlobalObjectID(b)
	if err != nil {
		b, _ = w.it.Props.Get(pid.LidCleanGlobalObjectId).([]byte)
		if g, err = oxocal.DecodeGlobalObjectID(b); err != nil {
			key, _ := w.it.Props.Tag(pid.TagSearchKey).([]byte)
			g = objectID(w.it.Props.Text(pid.TagInternetMessageId) + string(key))
		}
	}
	e.AddText("UID", uidOf(g))
	if g.Month == 0 || g.D == 0 {
		return
	}
	if t, ok := w.it.Props.Get(pid.LidExceptionReplaceTime).(mapi.FileTime); ok {
		w.time(e, "RECURRENCE-ID", t.Time())
		return
	}
	day := time.Date(int(g.YH)<<8|int(g.YL), time.Month(g.Month), int(g.D), 0, 0, 0, 0, time.UTC)
	e.Add("RECURRENCE-ID", day.Format("20060102"), "VALUE", "DATE")
}

// rule adds RRULE and EXDATE.
func (w *writer) rule(e *vobject.Component, s *oxocal.AppointmentRecurrencePattern) {
	rule, _ := formatRule(&s.RecurrencePattern, func(last oxocal.Minutes) string {
		if w.allDay {
			return last.Clock().Format("20060102")
		}
		return w.zone.utc(last + s.StartOffset).Format("20060102T150405Z")
	})
	e.Add("RRULE", rule)
	for _, day := range s.Deleted {
		if s.Exception(day) == nil {
			w.clock(e, "EXDATE", day+s.StartOffset)
		}
	}
}

// exception is the event of an occurrence that differs.
func (w *writer) exception(master *vobject.Component, s *oxocal.AppointmentRecurrencePattern, x oxocal.Exception) *vobject.Component {
	e := vobject.New("VEVENT")
	for _, p := range master.Props {
		switch p.Name {
		case "DTSTART", "DTEND", "RRULE", "EXDATE":
			continue
		case "SUMMARY":
			if x.Flags&oxocal.OwnSubject != 0 {
				p.Value = vobject.Escape(x.WideSubject)
			}
		case "LOCATION":
			if x.Flags&oxocal.OwnLocation != 0 {
				p.Value = vobject.Escape(x.WideLocation)
			}
		}
		e.Props = append(e.Props, p)
	}
	if x.Flags&oxocal.OwnLocation != 0 && e.Get("LOCATION") == nil {
		e.AddText("LOCATION", x.WideLocation)
	}
	w.clock(e, "DTSTART", x.Start)
	w.clock(e, "DTEND", x.End)
	w.clock(e, "RECURRENCE-ID", x.Original.Midnight()+s.StartOffset)
	return e
}

// status adds what else is known.
func (w *writer) status(e *vobject.Component) {
	p := &w.it.Props
	stamp := w.start
	for _, k := range []mapi.Key{pid.LidAttendeeCriticalChange, pid.LidOwnerCriticalChange, mapi.TagKey(pid.TagClientSubmitTime)} {
		if t, ok := p.Get(k).(mapi.FileTime); ok && t > 0 {
			stamp = t.Time()
			if (k == pid.LidAttendeeCriticalChange) == (w.method == "REPLY") {
				break
			}
		}
	}
	e.Add("DTSTAMP", stamp.UTC().Format("20060102T150405Z"))
	if n, ok := w.number(pid.LidAppointmentSequence); ok {
		e.Add("SEQUENCE", strconv.Itoa(int(n)))
	}
	switch n, _ := p.Tag(pid.TagSensitivity).(int32); {
	case n == 3:
		e.Add("CLASS", "CONFIDENTIAL")
	case n == 2 || w.flag(pid.LidPrivate):
		e.Add("CLASS", "PRIVATE")
	default:
		e.Add("CLASS", "PUBLIC")
	}
	if list, ok := p.Get(pid.NameKeywords).([]string); ok && len(list) > 0 {
		var words []string
		for _, s := range list {
			words = append(words, vobject.Escape(s))
		}
		e.Add("CATEGORIES", strings.Join(words, ","))
	}
	state, hasBusy := w.number(pid.LidBusyStatus)
	if n, ok := w.number(pid.LidIntendedBusyStatus); ok && w.method == "REQUEST" && n >= 0 {
		state, hasBusy = n, true
	}
	switch {
	case w.method == "CANCEL":
		e.Add("STATUS", "CANCELLED")
		e.Add("TRANSP", "TRANSPARENT")
	case state == busyFree && hasBusy:
		e.Add("STATUS", "CONFIRMED")
		e.Add("TRANSP", "TRANSPARENT")
	default:
		e.Add("STATUS", "CONFIRMED")
		e.Add("TRANSP", "OPAQUE")
	}
	for name, n := range busyNames {
		if hasBusy && n == state {
			e.Add("X-MICROSOFT-CDO-BUSYSTATUS", name)
			e.Add("X-MICROSOFT-CDO-INTENDEDSTATUS", name)
		}
	}
	e.Add("X-MICROSOFT-CDO-ALLDAYEVENT", strings.ToUpper(strconv.FormatBool(w.allDay)))
	if n, ok := p.Tag(pid.TagOwnerAppointmentId).(int32); ok {
		e.Add("X-MICROSOFT-CDO-OWNERAPPTID", strconv.Itoa(int(n)))
	}
	if w.flag(pid.LidAppointmentNotAllowPropose) {
		e.Add("X-MICROSOFT-DISALLOW-COUNTER", "TRUE")
	}
	if n, ok := w.number(pid.LidReminderDelta); ok && w.flag(pid.LidReminderSet) && n >= 0 && n < 1<<20 && w.method != "REPLY" && w.method != "CANCEL" {
		a := vobject.New("VALARM")
		a.Add("ACTION", "DISPLAY")
		a.Add("DESCRIPTION", "REMINDER")
		a.Add("TRIGGER", "-PT"+strconv.Itoa(int(n))+"M", "RELATED", "START")
		e.Children = append(e.Children, a)
	}
}
