// Package oxocal is the structures of [MS-OXOCAL] that calendar items carry as binary values: recurrence patterns with their
// exceptions, time zones and global object ids; and what follows from them: when a series takes place.
package oxocal

import (
	"slices"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
)

// Minutes counts minutes since 1601-01-01 00:00 on the clock of a series' time zone.
type Minutes uint32

// Length of a day and a week in minutes.
const (
	Day  Minutes = 24 * 60
	Week         = 7 * Day
)

const epoch = -11644473600 // 1601-01-01 in Unix seconds

// Clock is the date and time of day, as if it were UTC.
func (m Minutes) Clock() time.Time { return time.Unix(epoch+int64(m)*60, 0).UTC() }

// Midnight is the begin of the day.
func (m Minutes) Midnight() Minutes { return m - m%Day }

// MinutesOf is the date and time of day that t shows, whatever its zone; times before 1601 are 0.
func MinutesOf(t time.Time) Minutes {
	y, mo, d := t.Date()
	s := time.Date(y, mo, d, t.Hour(), t.Minute(), 0, 0, time.UTC).Unix() - epoch
	if s < 0 {
		return 0
	}
	return Minutes(min(s/60, 1<<32-1))
}

// Values of RecurrencePattern ([MS-OXOCAL] 2.2.1.44.1).
const (
	Daily   uint16 = 0x200A
	Weekly  uint16 = 0x200B
	Monthly uint16 = 0x200C
	Yearly  uint16 = 0x200D

	PatternDay        uint16 = 0
	PatternWeek       uint16 = 1
	PatternMonth      uint16 = 2
	PatternMonthNth   uint16 = 3
	PatternMonthEnd   uint16 = 4
	PatternHjMonth    uint16 = 0xA
	PatternHjMonthNth uint16 = 0xB
	PatternHjMonthEnd uint16 = 0xC

	EndAfterDate  uint32 = 0x2021
	EndAfterCount uint32 = 0x2022
	NeverEnds     uint32 = 0x2023
	NeverEndsOld  uint32 = 0xFFFFFFFF

	NoEnd    Minutes = 0x5AE980DF // EndDate of a series without end
	NoCount  uint32  = 10         // OccurrenceCount of a series without end
	LastWeek uint32  = 5          // N: the last such day of the month
)

// RecurrencePattern says on which days a series takes place ([MS-OXOCAL] 2.2.1.44.1).
type RecurrencePattern struct {
	ReaderVersion, WriterVersion uint16
	Frequency                    uint16 // Daily, ...
	Type                         uint16 // PatternDay, ...
	Calendar                     uint16 // 0: Gregorian, of the user's language
	FirstDateTime                uint32
	Period                       uint32 // days in minutes, weeks, or months
	Sliding                      uint32
	Days                         uint32 // bit 0 is Sunday: of PatternWeek and PatternMonthNth
	DayOfMonth                   uint32 // of PatternMonth and PatternMonthEnd
	Nth                          uint32 // of PatternMonthNth; LastWeek is the last
	EndType                      uint32
	Count                        uint32 // occurrences, deleted ones too
	FirstDOW                     uint32 // 0 is Sunday
	Deleted                      []Minutes
	Modified                     []Minutes
	Start, End                   Minutes // first and last day
}

const patternVersion = 0x3004

// NewRecurrencePattern is an empty pattern of the version in use.
func NewRecurrencePattern() RecurrencePattern {
	return RecurrencePattern{ReaderVersion: patternVersion, WriterVersion: patternVersion}
}

func (p *RecurrencePattern) code(c *oxcdata.Coder) {
	c.U16(&p.ReaderVersion)
	c.U16(&p.WriterVersion)
	c.U16(&p.Frequency)
	c.U16(&p.Type)
	c.U16(&p.Calendar)
	c.U32(&p.FirstDateTime)
	c.U32(&p.Period)
	c.U32(&p.Sliding)
	switch p.Type {
	case PatternDay:
	case PatternWeek:
		c.U32(&p.Days)
	case PatternMonth, PatternMonthEnd, PatternHjMonth, PatternHjMonthEnd:
		c.U32(&p.DayOfMonth)
	case PatternMonthNth, PatternHjMonthNth:
		c.U32(&p.Days)
		c.U32(&p.Nth)
	default:
		c.Fail("unknown pattern type")
	}
	c.U32(&p.EndType)
	c.U32(&p.Count)
	c.U32(&p.FirstDOW)
	minutes(c, &p.Deleted)
	minutes(c, &p.Modified)
	minute(c, &p.Start)
	minute(c, &p.End)
}

func minute(c *oxcdata.Coder, m *Minutes) { c.U32((*uint32)(m)) }

func minutes(c *oxcdata.Coder, list *[]Minutes) { oxcdata.List32(c, list, 4, minute) }

// DecodeRecurrencePattern reads a pattern without the appointment's part, as tasks have it, and gives what follows it.
func DecodeRecurrencePattern(b []byte) (p *RecurrencePattern, rest []byte, err error) {
	p = &RecurrencePattern{}
	err = oxcdata.Decode(oxcdata.ROP, b, func(c *oxcdata.Coder) {
		c.In("RecurrencePattern", p.code)
		c.Rest(&rest)
	})
	return p, rest, err
}

// Encode is the reverse of DecodeRecurrencePattern.
func (p *RecurrencePattern) Encode() ([]byte, error) {
	return oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.In("RecurrencePattern", p.code) })
}

// Endless tells whether the series has no end.
func (p *RecurrencePattern) Endless() bool {
	return p.EndType == NeverEnds || p.EndType == NeverEndsOld || p.End == NoEnd
}

// SetFirst sets FirstDateTime, which follows from the first day and the period.
func (p *RecurrencePattern) SetFirst() {
	period := max(p.Period, 1)
	switch p.Type {
	case PatternDay:
		p.FirstDateTime = uint32(p.Start) % period
	case PatternWeek:
		p.FirstDateTime = uint32(p.weekOf(p.Start)) % (period * uint32(Week))
	default:
		months := monthOf(p.Start) % int(period)
		p.FirstDateTime = uint32(MinutesOf(time.Date(1601, time.Month(1+months), 1, 0, 0, 0, 0, time.UTC)))
	}
}

// Remove takes the occurrence of a day out of the series.
func (p *RecurrencePattern) Remove(day Minutes) {
	if i, found := slices.BinarySearch(p.Deleted, day); !found {
		p.Deleted = slices.Insert(p.Deleted, i, day)
	}
}
