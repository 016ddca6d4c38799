package samplebox

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// event is an entry in the calendar. start is local time, held as if it were UTC.
type event struct {
	lang    *language
	topic   string
	place   string
	project string
	start   time.Time
	length  time.Duration
	allDay  bool
	number  uint64 // of the meeting's identity
}

// Answers to a meeting ([MS-OXOCAL] 2.2.1.11), busy states (2.2.1.2), and states of a meeting (2.2.1.10).
const (
	responseNone int32 = iota
	responseOrganized
	responseTentative
	responseAccepted
	responseDeclined
	responseNotResponded

	busyFree      int32 = 0
	busyTentative int32 = 1
	busyBusy      int32 = 2
	busyAway      int32 = 3

	stateMeeting  int32 = 1
	stateReceived int32 = 2
	stateCanceled int32 = 4
)

// event invents one. The calendar reaches half a year into the future.
func (m *maker) event(n int) event {
	l := languageOf(n)
	e := event{lang: l, project: pick(m.r, l.projects), place: pick(m.r, l.places), number: m.r.Uint64()}
	on := day(moment(m.r).AddDate(0, m.r.IntN(6), 0))
	for on.Weekday() == time.Saturday || on.Weekday() == time.Sunday {
		on = on.AddDate(0, 0, 1)
	}
	e.start = on.Add(time.Duration(8*4+m.r.IntN(9*4)) * 15 * time.Minute)
	e.length = time.Duration(1+m.r.IntN(8)) * 15 * time.Minute
	e.topic = l.fill(m.r, pick(m.r, l.meetings), e.project, company, e.start)
	return e
}

func (e *event) end() time.Time { return e.start.Add(e.length) }

// globalObjectID is the identity of a meeting ([MS-OXOCAL] 2.2.1.27). instance is the day of an occurrence, zero for the
// whole.
func (e *event) globalObjectID(created, instance time.Time) []byte {
	b := []byte("\x04\x00\x00\x00\x82\x00\xE0\x00\x74\xC5\xB7\x10\x1A\x82\xE0\x08\x00\x00\x00\x00")
	if !instance.IsZero() {
		y, mo, d := instance.Date()
		copy(b[16:], []byte{byte(y >> 8), byte(y), byte(mo), byte(d)})
	}
	c := oxcdata.NewEncoder(b)
	t, zero, size := int64(ft(created)), int64(0), uint32(16)
	a, z := mix(e.number), mix(e.number+1)
	c.I64(&t)
	c.I64(&zero)
	c.U32(&size)
	c.U64(&a)
	c.U64(&z)
	return c.Bytes()
}

// calendar makes an item of a class about an event.
func (m *maker) calendar(class string, e *event, flags int32, created time.Time) *mapi.Item {
	it := m.base(class, "", e.topic, flags, created)
	start, end := utc(e.start), utc(e.end())
	west := westEurope()
	zone := m.encode(west.code)
	set(&it.Props,
		pid.LidAppointmentStartWhole, ft(start), pid.LidAppointmentEndWhole, ft(end), pid.LidCommonStart, ft(start), pid.LidCommonEnd, ft(end),
		pid.TagStartDate, ft(start), pid.TagEndDate, ft(end), pid.LidAppointmentDuration, int32(e.length/time.Minute),
		pid.LidLocation, e.place, pid.LidAppointmentSubType, e.allDay, pid.LidBusyStatus, busyBusy,
		pid.LidAppointmentStateFlags, int32(0), pid.LidResponseStatus, responseNone, pid.LidRecurring, false, pid.LidRecurrenceType, int32(0),
		pid.LidReminderSet, !e.allDay, pid.LidReminderDelta, int32(15), pid.LidReminderTime, ft(start), pid.LidReminderSignalTime, ft(start.Add(-15*time.Minute)),
		pid.LidGlobalObjectId, e.globalObjectID(created, time.Time{}), pid.LidCleanGlobalObjectId, e.globalObjectID(created, time.Time{}),
		pid.LidAppointmentTimeZoneDefinitionStartDisplay, zone, pid.LidAppointmentTimeZoneDefinitionEndDisplay, zone,
		pid.LidTimeZoneDescription, westEuropeDescription, pid.LidSideEffects, int32(0x171), pid.LidPrivate, chance(m.r, 8),
		pid.LidAppointmentSequence, int32(0), pid.LidBusyStatus, pick(m.r, []int32{busyBusy, busyBusy, busyTentative, busyFree}),
		pid.TagConversationTopic, e.topic, pid.TagConversationIndex, conversationIndex(created, mapi.GUID(randomBytes(m.r, 16))),
		pid.TagOwnerAppointmentId, int32(uint32(mix(e.number))), pid.TagMessageLocaleId, e.lang.locale, pid.LidToAttendeesString, "",
		pid.LidCcAttendeesString, "", pid.LidAllAttendeesString, "")
	if chance(m.r, 3) {
		set(&it.Props, pid.NameKeywords, m.categories())
	}
	return it
}

// agenda is a text about an event.
func (m *maker) agenda(e *event) text {
	c := &conversation{lang: e.lang, topic: e.topic, project: e.project, page: e.lang.pages[0]}
	return text{message: message{conversation: c, author: m.owner, reader: m.owner, at: e.start, greeting: e.project,
		paragraphs: e.lang.prose(m.r, 1+m.r.IntN(6), e.project, m.owner.display, e.start), closing: pick(m.r, e.lang.closings)},
		signature: []string{m.owner.display}}
}

// planned is when an event was entered.
func (m *maker) planned(e *event) time.Time {
	t := working(m.r, e.start.AddDate(0, 0, -1-m.r.IntN(30)))
	if t.After(baseDate) {
		t = baseDate
	}
	return t
}

func appointment(m *maker) Sample {
	e := m.event(m.index)
	created := m.planned(&e)
	it := m.calendar("IPM.Appointment", &e, flagRead, created)
	m.from(it, m.owner, m.owner)
	if m.nth%2 == 0 {
		m.setRTF(it, m.agendaRTF(&e))
	} else {
		m.setPlain(it, m.agenda(&e))
	}
	s := Sample{Role: mapi.RoleCalendar, Item: it}
	if m.nth == 5 {
		s.Path = []string{"Team Würzburg"}
	}
	return s
}

func (m *maker) agendaRTF(e *event) string {
	t := m.agenda(e)
	return t.rtf()
}

// allDayEvent begins and ends at midnight ([MS-OXOCAL] 2.2.1.9).
func allDayEvent(m *maker) Sample {
	e := m.event(m.index)
	e.start, e.allDay, e.length = day(e.start), true, time.Duration(1+m.r.IntN(5))*24*time.Hour
	topics := []string{"Büro geschlossen 🏖️", "Trade fair", "В отпуске", "Plant closed", "出差", "Fortbildung"}
	e.topic = topics[(m.index/Block*3+m.nth)%len(topics)]
	it := m.calendar("IPM.Appointment", &e, flagRead, m.planned(&e))
	m.from(it, m.owner, m.owner)
	set(&it.Props, pid.LidBusyStatus, busyAway, pid.TagBody, "")
	return Sample{Role: mapi.RoleCalendar, Item: it}
}

// recurringEvent is a series, by turns of each pattern.
func recurringEvent(m *maker) Sample {
	e := m.event(m.index)
	start := day(e.start)
	var p series
	count := 8 + m.r.IntN(30)
	var kind int32
	switch m.nth % 5 {
	case 0:
		p.recurrence = recurrence{frequency: daily, pattern: byDay, period: 24 * 60}
		kind = 1
	case 1:
		p.recurrence = recurrence{frequency: weekly, pattern: byWeek, period: 1, days: 1<<start.Weekday() | 1<<time.Wednesday, firstOfWeek: 1}
		kind, count = 2, 0
	case 2:
		p.recurrence = recurrence{frequency: monthly, pattern: byMonth, period: 1, day: uint32(start.Day()), end: endDate}
		kind = 3
	case 3:
		p.recurrence = recurrence{frequency: monthly, pattern: byMonthNth, period: 2, days: 1 << start.Weekday(), nth: uint32(start.Day()+6) / 7}
		kind = 3
	case 4:
		e.start, e.allDay, e.length = start, true, 24*time.Hour
		e.topic = "🎂 " + pick(m.r, m.people).display
		p.recurrence = recurrence{frequency: yearly, pattern: byMonth, period: 12, day: uint32(start.Day())}
		kind, count = 4, 0
	}
	p.recurs(start, count)
	p.from = uint32(e.start.Sub(start) / time.Minute)
	p.until = p.from + uint32(e.length/time.Minute)
	created := m.planned(&e)
	it := m.calendar("IPM.Appointment", &e, flagRead, created)
	m.from(it, m.owner, m.owner)
	if p.pattern == byDay || p.pattern == byMonthNth {
		m.except(it, &e, &p, created)
	}
	clip := ft(time.Date(4500, time.August, 31, 23, 59, 0, 0, time.UTC))
	if count > 0 {
		last := p.occurrences(start, count)[count-1]
		clip = ft(utc(last.Add(time.Duration(p.until) * time.Minute)))
	}
	west := westEurope()
	zone, rule := m.encode(west.code), west.rules[0]
	set(&it.Props, pid.LidRecurring, true, pid.LidRecurrenceType, kind, pid.LidRecurrencePattern, describe(&p),
		pid.LidClipStart, ft(start), pid.LidClipEnd, clip, pid.LidAppointmentRecur, m.encode(p.code), pid.LidIsRecurring, true,
		pid.LidAppointmentTimeZoneDefinitionRecur, zone, pid.LidTimeZoneStruct, m.encode(func(c *oxcdata.Coder) { rule.code(c, true) }))
	if !e.allDay {
		m.setPlain(it, m.agenda(&e))
	}
	return Sample{Role: mapi.RoleCalendar, Item: it}
}

// except deletes the third occurrence and moves the fifth, which gets an item of its own ([MS-OXOCAL] 2.2.10.1).
func (m *maker) except(it *mapi.Item, e *event, p *series, created time.Time) {
	days := p.occurrences(day(e.start), 5)
	from := time.Duration(p.from) * time.Minute
	moved := event{lang: e.lang, topic: e.topic + " – " + pick(m.r, e.lang.files), place: pick(m.r, e.lang.places), project: e.project,
		start: days[4].Add(from + time.Hour), length: e.length, number: e.number}
	p.deleted = []uint32{minutes(days[2]), minutes(days[4])}
	p.modified = []uint32{minutes(days[4])}
	p.exceptions = []exception{{start: minutes(moved.start), end: minutes(moved.end()), original: minutes(days[4].Add(from)),
		flags: ownSubject | ownLocation, subject: moved.topic, location: moved.place}}
	inner := m.calendar("IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}", &moved, flagRead, created)
	set(&inner.Props, pid.LidExceptionReplaceTime, ft(utc(days[4].Add(from))), pid.LidGlobalObjectId, e.globalObjectID(created, days[4]),
		pid.LidCleanGlobalObjectId, e.globalObjectID(created, time.Time{}), pid.LidIsException, true, pid.LidFExceptionalBody, false)
	a := embed(it, inner)
	set(&a.Props, pid.TagAttachmentHidden, true, pid.TagAttachmentFlags, int32(2), pid.TagExceptionStartTime, ft(moved.start),
		pid.TagExceptionEndTime, ft(moved.end()), pid.TagExceptionReplaceTime, ft(utc(days[4].Add(from))))
}

// describe says in words when a series takes place.
func describe(p *series) string {
	at := fmt.Sprintf("from %d:%02d to %d:%02d", p.from/60, p.from%60, p.until/60, p.until%60)
	switch p.pattern {
	case byDay:
		return "every day " + at
	case byWeek:
		var names []string
		for d := range 7 {
			if p.days>>d&1 != 0 {
				names = append(names, time.Weekday(d).String())
			}
		}
		return "every " + strings.Join(names, " and ") + " " + at
	case byMonthNth:
		return fmt.Sprintf("the %s %s of every %d months %s", []string{"first", "second", "third", "fourth", "last"}[p.nth-1], time.Weekday(bits.TrailingZeros32(p.days)), p.period, at)
	}
	return fmt.Sprintf("day %d of every %d month(s) %s", p.day, p.period, at)
}

// organizedMeeting is a meeting of the owner with those who were invited.
func organizedMeeting(m *maker) Sample {
	e := m.event(m.index)
	it := m.calendar("IPM.Appointment", &e, flagRead, m.planned(&e))
	m.from(it, m.owner, m.owner)
	invited := m.crowd(2 + m.r.IntN(8))
	m.attendees(it, m.owner, invited)
	for i := range it.Recipients[1:] {
		set(&it.Recipients[i+1], pid.TagRecipientTrackStatus, pick(m.r, []int32{responseNone, responseTentative, responseAccepted, responseAccepted, responseDeclined}),
			pid.TagRecipientTrackStatusTime, ft(m.planned(&e)))
	}
	set(&it.Props, pid.LidAppointmentStateFlags, stateMeeting, pid.LidResponseStatus, responseOrganized, pid.LidFInvited, true,
		pid.LidAppointmentSequenceTime, ft(m.planned(&e)), pid.LidOwnerCriticalChange, ft(m.planned(&e)))
	m.setHTML(it, m.agenda(&e))
	return Sample{Role: mapi.RoleCalendar, Item: it}
}

// attendees are organizer, required and, last, optional people, and a room.
func (m *maker) attendees(it *mapi.Item, organizer person, invited []person) {
	var kinds []int32
	var toNames, ccNames []string
	for i, p := range invited {
		if i > 0 && i == len(invited)-1 {
			kinds, ccNames = append(kinds, cc), append(ccNames, p.display)
		} else {
			kinds, toNames = append(kinds, to), append(toNames, p.display)
		}
	}
	m.address(it, append([]person{organizer}, invited...), append([]int32{to}, kinds...)...)
	for i := range it.Recipients {
		flags := int32(1)
		if i == 0 {
			flags |= 2
		}
		set(&it.Recipients[i], pid.TagRecipientFlags, flags, pid.TagRecipientTrackStatus, responseNone, pid.TagRecipientOrder, int32(i))
	}
	set(&it.Props, pid.LidToAttendeesString, strings.Join(toNames, "; "), pid.LidCcAttendeesString, strings.Join(ccNames, "; "),
		pid.LidAllAttendeesString, strings.Join(append(toNames, ccNames...), "; "))
}

// meetingMessage is mail about a meeting of somebody else.
func (m *maker) meetingMessage(class, prefix string, from person, e *event) (Sample, *mapi.Item) {
	sent := m.planned(e)
	it := m.calendar(class, e, flagRead|flagEverRead, sent)
	set(&it.Props, pid.TagSubject, prefix+e.topic, pid.TagSubjectPrefix, prefix, pid.TagClientSubmitTime, ft(sent),
		pid.TagMessageDeliveryTime, ft(sent.Add(3*time.Second)), pid.TagInternetMessageId, fmt.Sprintf("<%016x@%s>", e.number, domain),
		pid.LidOwnerCriticalChange, ft(sent), pid.LidAttendeeCriticalChange, ft(sent), pid.LidIsRecurring, false, pid.LidIsException, false,
		pid.LidWhere, e.place, pid.TagIconIndex, int32(0x404), pid.TagMessageToMe, true)
	m.from(it, from, from)
	m.received(it)
	return Sample{Role: mapi.RoleInbox, Item: it}, it
}

func meetingRequest(m *maker) Sample {
	e := m.event(m.index)
	from := m.anybody(e.lang)
	s, it := m.meetingMessage("IPM.Schedule.Meeting.Request", "", from, &e)
	m.attendees(it, from, append([]person{m.owner}, m.crowd(1+m.r.IntN(5))...))
	set(&it.Props, pid.LidMeetingType, int32(1), pid.LidIntendedBusyStatus, busyBusy, pid.LidBusyStatus, busyTentative,
		pid.LidAppointmentStateFlags, stateMeeting|stateReceived, pid.LidResponseStatus, responseNotResponded, pid.TagResponseRequested, true,
		pid.TagReplyRequested, true, pid.LidAppointmentMessageClass, "IPM.Appointment", pid.LidFInvited, true)
	m.setHTML(it, m.agenda(&e))
	return s
}

func meetingResponse(m *maker) Sample {
	e := m.event(m.index)
	answer := []struct {
		class, prefix string
		status        int32
		icon          int32
	}{
		{"IPM.Schedule.Meeting.Resp.Pos", "Accepted: ", responseAccepted, 0x405},
		{"IPM.Schedule.Meeting.Resp.Neg", "Declined: ", responseDeclined, 0x406},
		{"IPM.Schedule.Meeting.Resp.Tent", "Tentative: ", responseTentative, 0x407},
	}[m.nth%3]
	from := m.anybody(e.lang)
	s, it := m.meetingMessage(answer.class, answer.prefix, from, &e)
	m.address(it, []person{m.owner})
	set(&it.Props, pid.LidAppointmentReplyName, from.display, pid.LidAppointmentReplyTime, it.Props.Tag(pid.TagClientSubmitTime),
		pid.LidResponseStatus, answer.status, pid.TagIconIndex, answer.icon, pid.TagBody, pick(m.r, e.lang.closings)+"\r\n")
	return s
}

func meetingCancellation(m *maker) Sample {
	e := m.event(m.index)
	from := m.anybody(e.lang)
	s, it := m.meetingMessage("IPM.Schedule.Meeting.Canceled", "Canceled: ", from, &e)
	m.attendees(it, from, []person{m.owner})
	set(&it.Props, pid.LidAppointmentStateFlags, stateMeeting|stateReceived|stateCanceled, pid.LidBusyStatus, busyFree, pid.LidAppointmentSequence, int32(1),
		pid.TagIconIndex, int32(0x408), pid.TagImportance, int32(2))
	m.setPlain(it, m.agenda(&e))
	return s
}
