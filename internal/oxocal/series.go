package oxocal

import (
	"slices"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// AppointmentRecurrencePattern says when a series of appointments takes place, exceptions included ([MS-OXOCAL] 2.2.1.44.5).
type AppointmentRecurrencePattern struct {
	RecurrencePattern
	ReaderVersion2, WriterVersion2 uint32
	StartOffset, EndOffset         Minutes // time of day; the end may be on a later one
	Exceptions                     []Exception
	ReservedBlock1, ReservedBlock2 []byte
	Trailing                       []byte // what follows: some programs leave the end of a longer value there
}

const (
	seriesReader = 0x3006
	seriesWriter = 0x3009

	// highlighted is the first version whose extended exceptions have a ChangeHighlight ([MS-OXOCAL] 2.2.1.44.4).
	highlighted = 0x3009
)

// NewSeries is an empty pattern of the version in use.
func NewSeries() *AppointmentRecurrencePattern {
	return &AppointmentRecurrencePattern{RecurrencePattern: NewRecurrencePattern(), ReaderVersion2: seriesReader, WriterVersion2: seriesWriter}
}

// What an exception has of its own, OverrideFlags ([MS-OXOCAL] 2.2.1.44.2).
const (
	OwnSubject       uint16 = 0x0001
	OwnMeetingType   uint16 = 0x0002
	OwnReminderDelta uint16 = 0x0004
	OwnReminder      uint16 = 0x0008
	OwnLocation      uint16 = 0x0010
	OwnBusyStatus    uint16 = 0x0020
	OwnAttachment    uint16 = 0x0040
	OwnSubType       uint16 = 0x0080
	OwnColor         uint16 = 0x0100
	OwnBody          uint16 = 0x0200
)

// Exception is an occurrence that differs from the others: an ExceptionInfo ([MS-OXOCAL] 2.2.1.44.2) with its ExtendedException
// (2.2.1.44.4). A value counts when its flag is set.
type Exception struct {
	Start, End, Original Minutes // Original is when it would have begun
	Flags                uint16
	Subject, Location    mapi.String8
	MeetingType          uint32
	ReminderDelta        uint32
	ReminderSet          uint32
	BusyStatus           uint32
	Attachment           uint32
	SubType              uint32
	Color                uint32

	Highlight      []byte // ChangeHighlight: a number, and what later versions add
	ReservedBlock1 []byte
	Extended       [3]Minutes // Start, End and Original again
	WideSubject    string
	WideLocation   string
	ReservedBlock2 []byte
}

// minException is the size of an ExceptionInfo that overrides nothing.
const minException = 14

func (p *AppointmentRecurrencePattern) code(c *oxcdata.Coder) {
	c.In("RecurrencePattern", p.RecurrencePattern.code)
	c.U32(&p.ReaderVersion2)
	c.U32(&p.WriterVersion2)
	minute(c, &p.StartOffset)
	minute(c, &p.EndOffset)
	oxcdata.List16(c, &p.Exceptions, minException, func(c *oxcdata.Coder, e *Exception) { c.In("ExceptionInfo", e.code) })
	c.Bytes32(&p.ReservedBlock1)
	for i := range p.Exceptions {
		c.In("ExtendedException", func(c *oxcdata.Coder) { p.Exceptions[i].extended(c, p.WriterVersion2 >= highlighted) })
	}
	c.Bytes32(&p.ReservedBlock2)
	c.Rest(&p.Trailing)
}

func (e *Exception) code(c *oxcdata.Coder) {
	minute(c, &e.Start)
	minute(c, &e.End)
	minute(c, &e.Original)
	c.U16(&e.Flags)
	narrow := func(s *mapi.String8) {
		b := []byte(*s)
		withEnd := uint16(c.Fit16(len(b)) + 1)
		c.U16(&withEnd)
		c.Bytes16(&b)
		*s = mapi.String8(b)
	}
	for _, f := range []struct {
		flag   uint16
		text   *mapi.String8
		number *uint32
	}{
		{OwnSubject, &e.Subject, nil}, {OwnMeetingType, nil, &e.MeetingType}, {OwnReminderDelta, nil, &e.ReminderDelta},
		{OwnReminder, nil, &e.ReminderSet}, {OwnLocation, &e.Location, nil}, {OwnBusyStatus, nil, &e.BusyStatus},
		{OwnAttachment, nil, &e.Attachment}, {OwnSubType, nil, &e.SubType}, {OwnColor, nil, &e.Color},
	} {
		switch {
		case e.Flags&f.flag == 0:
		case f.text != nil:
			narrow(f.text)
		default:
			c.U32(f.number)
		}
	}
}

func (e *Exception) extended(c *oxcdata.Coder, highlight bool) {
	if highlight {
		c.Bytes32(&e.Highlight)
	}
	c.Bytes32(&e.ReservedBlock1)
	if e.Flags&(OwnSubject|OwnLocation) == 0 {
		return
	}
	for i := range e.Extended {
		minute(c, &e.Extended[i])
	}
	wide := func(s *string) {
		b := mapi.EncodeUTF16(*s)
		n := c.Len16(len(b) / 2)
		c.Raw(2*n, &b)
		if !c.Encoding() {
			*s = mapi.DecodeUTF16(b)
		}
	}
	if e.Flags&OwnSubject != 0 {
		wide(&e.WideSubject)
	}
	if e.Flags&OwnLocation != 0 {
		wide(&e.WideLocation)
	}
	c.Bytes32(&e.ReservedBlock2)
}

// DecodeSeries reads the value of PidLidAppointmentRecur.
func DecodeSeries(b []byte) (*AppointmentRecurrencePattern, error) {
	p := &AppointmentRecurrencePattern{}
	err := oxcdata.Decode(oxcdata.ROP, b, func(c *oxcdata.Coder) { c.In("AppointmentRecurrencePattern", p.code) })
	return p, err
}

// Encode is the reverse of DecodeSeries.
func (p *AppointmentRecurrencePattern) Encode() ([]byte, error) {
	return oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.In("AppointmentRecurrencePattern", p.code) })
}

// Exception is the exception that stands for the occurrence of a day, nil when there is none.
func (p *AppointmentRecurrencePattern) Exception(day Minutes) *Exception {
	for i := range p.Exceptions {
		if p.Exceptions[i].Original.Midnight() == day {
			return &p.Exceptions[i]
		}
	}
	return nil
}

// Except makes e the exception of its original day, in place of another one.
func (p *AppointmentRecurrencePattern) Except(e Exception) {
	e.Extended = [3]Minutes{e.Start, e.End, e.Original}
	if len(e.Highlight) == 0 && p.WriterVersion2 >= highlighted {
		e.Highlight = make([]byte, 4)
	}
	p.Cancel(e.Original.Midnight())
	p.Exceptions = append(p.Exceptions, e)
	slices.SortFunc(p.Exceptions, func(a, b Exception) int { return int(int64(a.Start) - int64(b.Start)) })
	p.modified()
}

// Cancel removes the occurrence of a day, be it an exception or not.
func (p *AppointmentRecurrencePattern) Cancel(day Minutes) {
	p.Exceptions = slices.DeleteFunc(p.Exceptions, func(e Exception) bool { return e.Original.Midnight() == day })
	p.Remove(day)
	p.modified()
}

// modified lists the days on which exceptions take place now.
func (p *AppointmentRecurrencePattern) modified() {
	p.Modified = make([]Minutes, len(p.Exceptions))
	for i, e := range p.Exceptions {
		p.Modified[i] = e.Start.Midnight()
	}
	slices.Sort(p.Modified)
}

// ClearExceptions makes all occurrences alike again.
func (p *AppointmentRecurrencePattern) ClearExceptions() {
	p.Exceptions, p.Deleted, p.Modified = nil, nil, nil
}
