package samplebox

import (
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// zoneDefinition is a TimeZoneDefinition ([MS-OXOCAL] 2.2.1.41).
type zoneDefinition struct {
	name  string
	rules []zoneRule
}

// zoneRule is a TZRule ([MS-OXOCAL] 2.2.1.41.1). Biases are minutes to be added to local time to get UTC.
type zoneRule struct {
	flags, year                uint16
	bias, standardB, daylightB int32
	standardDate, daylightDate [8]uint16 // SYSTEMTIME: year, month, day of week, day, hour, ...; a day of 5 is the last
}

// Flags of a zoneRule.
const zoneEffective = 2

// westEurope is where the company is. Each call gives its own: a Coder may write what it encodes.
func westEurope() zoneDefinition {
	return zoneDefinition{"W. Europe Standard Time", []zoneRule{{zoneEffective, 2000, -60, 0, -60, [8]uint16{0, 10, 0, 5, 3}, [8]uint16{0, 3, 0, 5, 2}}}}
}

const westEuropeDescription = "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"

func systemTime(c *oxcdata.Coder, t *[8]uint16) {
	for i := range t {
		c.U16(&t[i])
	}
}

func (z *zoneDefinition) code(c *oxcdata.Coder) {
	version := uint16(0x0102) // major 2, minor 1
	c.U16(&version)
	name := mapi.EncodeUTF16(z.name)
	header, reserved := uint16(c.Fit16(6+len(name))), uint16(2)
	c.U16(&header)
	c.U16(&reserved)
	n := c.Len16(len(name) / 2)
	c.Raw(2*n, &name)
	if !c.Encoding() {
		z.name = mapi.DecodeUTF16(name)
	}
	oxcdata.List16(c, &z.rules, 66, func(c *oxcdata.Coder, r *zoneRule) {
		size := uint16(0x3E)
		c.U16(&version)
		c.U16(&size)
		c.U16(&r.flags)
		c.U16(&r.year)
		c.Fixed(make([]byte, 14))
		r.code(c, false)
	})
}

// code is the end of a TZRule, or with years a TimeZoneStruct ([MS-OXOCAL] 2.2.1.39).
func (r *zoneRule) code(c *oxcdata.Coder, years bool) {
	c.I32(&r.bias)
	c.I32(&r.standardB)
	c.I32(&r.daylightB)
	if years {
		c.U16(&r.standardDate[0])
	}
	systemTime(c, &r.standardDate)
	if years {
		c.U16(&r.daylightDate[0])
	}
	systemTime(c, &r.daylightDate)
}

// utc is the moment of a local time of western Europe, which is held as if it were UTC.
func utc(local time.Time) time.Time {
	summer := lastSunday(local.Year(), time.March).Add(2 * time.Hour)
	winter := lastSunday(local.Year(), time.October).Add(3 * time.Hour)
	if !local.Before(summer) && local.Before(winter) {
		return local.Add(-2 * time.Hour)
	}
	return local.Add(-time.Hour)
}

func lastSunday(year int, m time.Month) time.Time {
	t := time.Date(year, m+1, 0, 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, -int(t.Weekday()))
}
