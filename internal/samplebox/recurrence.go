package samplebox

import (
	"time"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// recurrence is a RecurrencePattern ([MS-OXOCAL] 2.2.1.44.1). Dates and times are minutes since 1601 in local time.
type recurrence struct {
	frequency, pattern, calendar uint16
	first, period, sliding       uint32
	days                         uint32 // a mask of week days, bit 0 Sunday
	day                          uint32 // of the month
	nth                          uint32 // 5: the last
	end, count, firstOfWeek      uint32
	deleted, modified            []uint32
	start, endDate               uint32
}

// Values of recurrence.
const (
	daily   = 0x200A
	weekly  = 0x200B
	monthly = 0x200C
	yearly  = 0x200D

	byDay      = 0
	byWeek     = 1
	byMonth    = 2
	byMonthNth = 3

	endDate  = 0x2021
	endCount = 0x2022
	endNever = 0x2023

	noEndDate  = 0x5AE980DF
	endlessRun = 10 // the count of a series without end
)

func dates(c *oxcdata.Coder, list *[]uint32) {
	oxcdata.List32(c, list, 4, func(c *oxcdata.Coder, d *uint32) { c.U32(d) })
}

func (p *recurrence) code(c *oxcdata.Coder) {
	version := uint16(0x3004)
	c.U16(&version)
	c.U16(&version)
	c.U16(&p.frequency)
	c.U16(&p.pattern)
	c.U16(&p.calendar)
	c.U32(&p.first)
	c.U32(&p.period)
	c.U32(&p.sliding)
	switch p.pattern {
	case byDay:
	case byWeek:
		c.U32(&p.days)
	case byMonth:
		c.U32(&p.day)
	case byMonthNth:
		c.U32(&p.days)
		c.U32(&p.nth)
	default:
		c.Fail("pattern type of another calendar")
	}
	c.U32(&p.end)
	c.U32(&p.count)
	c.U32(&p.firstOfWeek)
	dates(c, &p.deleted)
	dates(c, &p.modified)
	c.U32(&p.start)
	c.U32(&p.endDate)
}

// series is an AppointmentRecurrencePattern ([MS-OXOCAL] 2.2.1.44.5).
type series struct {
	recurrence
	from, until uint32 // minutes of the day
	exceptions  []exception
}

// exception is an occurrence that differs from the others.
type exception struct {
	start, end, original uint32
	flags                uint16
	subject, location    string
	meetingType, delta   uint32
	reminder, busy       uint32
	attachment, allDay   uint32
	color, highlight     uint32
}

// What an exception overrides.
const (
	ownSubject     = 0x0001
	ownMeetingType = 0x0002
	ownDelta       = 0x0004
	ownReminder    = 0x0008
	ownLocation    = 0x0010
	ownBusyStatus  = 0x0020
	ownAttachment  = 0x0040
	ownSubType     = 0x0080
	ownColor       = 0x0100
)

func (p *series) code(c *oxcdata.Coder) {
	p.recurrence.code(c)
	reader, writer := uint32(0x3006), uint32(0x3009)
	c.U32(&reader)
	c.U32(&writer)
	c.U32(&p.from)
	c.U32(&p.until)
	oxcdata.List16(c, &p.exceptions, 14, func(c *oxcdata.Coder, e *exception) { e.code(c) })
	var reserved []byte
	c.Bytes32(&reserved)
	for i := range p.exceptions {
		p.exceptions[i].extended(c)
	}
	c.Bytes32(&reserved)
}

// code is an ExceptionInfo ([MS-OXOCAL] 2.2.1.44.2).
func (e *exception) code(c *oxcdata.Coder) {
	c.U32(&e.start)
	c.U32(&e.end)
	c.U32(&e.original)
	c.U16(&e.flags)
	text := func(s *string) {
		b, _ := codepage.Encode(codepage.Windows1252, *s)
		size := uint16(c.Fit16(len(b)) + 1)
		c.U16(&size)
		c.Bytes16(&b)
		if !c.Encoding() {
			*s, _ = codepage.Decode(codepage.Windows1252, b)
		}
	}
	for _, f := range []struct {
		flag   uint16
		number *uint32
		text   *string
	}{
		{ownSubject, nil, &e.subject}, {ownMeetingType, &e.meetingType, nil}, {ownDelta, &e.delta, nil}, {ownReminder, &e.reminder, nil},
		{ownLocation, nil, &e.location}, {ownBusyStatus, &e.busy, nil}, {ownAttachment, &e.attachment, nil}, {ownSubType, &e.allDay, nil},
		{ownColor, &e.color, nil},
	} {
		switch {
		case e.flags&f.flag == 0:
		case f.text != nil:
			text(f.text)
		default:
			c.U32(f.number)
		}
	}
}

// extended is an ExtendedException ([MS-OXOCAL] 2.2.1.44.4): the strings again, in Unicode.
func (e *exception) extended(c *oxcdata.Coder) {
	c.Sized32(func(c *oxcdata.Coder) {
		var later []byte // of later versions
		c.U32(&e.highlight)
		c.Rest(&later)
	})
	var reserved []byte
	c.Bytes32(&reserved)
	if e.flags&(ownSubject|ownLocation) == 0 {
		return
	}
	c.U32(&e.start)
	c.U32(&e.end)
	c.U32(&e.original)
	text := func(s *string) {
		b := mapi.EncodeUTF16(*s)
		n := c.Len16(len(b) / 2)
		c.Raw(2*n, &b)
		if !c.Encoding() {
			*s = mapi.DecodeUTF16(b)
		}
	}
	if e.flags&ownSubject != 0 {
		text(&e.subject)
	}
	if e.flags&ownLocation != 0 {
		text(&e.location)
	}
	c.Bytes32(&reserved)
}

// minutes since 1601 of a local time, which is held as if it were UTC.
func minutes(t time.Time) uint32 { return uint32(int64(ft(t)) / (60 * 1e7)) }

// recurs completes a pattern that begins on a day and ends after count occurrences, or never when count is 0: the numbers
// that follow from the rest.
func (p *recurrence) recurs(start time.Time, count int) {
	p.start = minutes(start)
	switch p.pattern {
	case byDay:
		p.first = p.start % p.period
	case byWeek:
		sunday := start.AddDate(0, 0, -int(start.Weekday()))
		p.first = minutes(sunday) % (p.period * 7 * 24 * 60)
	default:
		months := (start.Year()-1601)*12 + int(start.Month()) - 1
		p.first = minutes(time.Date(1601, time.Month(1+months%int(p.period)), 1, 0, 0, 0, 0, time.UTC))
	}
	if count == 0 {
		p.end, p.count, p.endDate = endNever, endlessRun, noEndDate
		return
	}
	days := p.occurrences(start, count)
	p.count, p.endDate = uint32(count), minutes(days[count-1])
	if p.end == 0 {
		p.end = endCount
	}
}

// occurrences are the first days of a series.
func (p *recurrence) occurrences(start time.Time, count int) []time.Time {
	var days []time.Time
	for i := 0; len(days) < count; i++ {
		switch p.pattern {
		case byDay:
			days = append(days, start.AddDate(0, 0, i*int(p.period/(24*60))))
		case byWeek:
			sunday := start.AddDate(0, 0, -int(start.Weekday())+7*i*int(p.period))
			for d := range 7 {
				if t := sunday.AddDate(0, 0, d); p.days>>d&1 != 0 && !t.Before(start) && len(days) < count {
					days = append(days, t)
				}
			}
		default:
			first := time.Date(start.Year(), start.Month()+time.Month(i*int(p.period)), 1, 0, 0, 0, 0, time.UTC)
			last := first.AddDate(0, 1, -1).Day()
			t := first.AddDate(0, 0, min(int(p.day), last)-1)
			if p.pattern == byMonthNth {
				t = p.nthOf(first, last)
			}
			if !t.Before(start) {
				days = append(days, t)
			}
		}
	}
	return days
}

// nthOf is the nth day of a month that is among the days of the week.
func (p *recurrence) nthOf(first time.Time, last int) time.Time {
	var t time.Time
	n := uint32(0)
	for d := range last {
		if day := first.AddDate(0, 0, d); p.days>>day.Weekday()&1 != 0 && n < p.nth {
			t, n = day, n+1
		}
	}
	return t
}
