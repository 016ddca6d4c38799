package oxocal

import (
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// SystemTime is a date and time ([MS-DTYP] 2.3.13). As the begin of standard or daylight saving time a year of 0 means every year,
// on the Day-th DayOfWeek of the month, 5 being the last.
type SystemTime struct {
	Year, Month, DayOfWeek, Day, Hour, Minute, Second, Milliseconds uint16
}

func (s *SystemTime) code(c *oxcdata.Coder) {
	for _, f := range []*uint16{&s.Year, &s.Month, &s.DayOfWeek, &s.Day, &s.Hour, &s.Minute, &s.Second, &s.Milliseconds} {
		c.U16(f)
	}
}

// in is the moment in a year, on the clock; ok is false when there is none.
func (s *SystemTime) in(year int) (t time.Time, ok bool) {
	if s.Month < 1 || s.Month > 12 || s.Year != 0 && int(s.Year) != year {
		return t, false
	}
	clock := time.Duration(s.Hour)*time.Hour + time.Duration(s.Minute)*time.Minute + time.Duration(s.Second)*time.Second
	first := time.Date(year, time.Month(s.Month), 1, 0, 0, 0, 0, time.UTC)
	if s.Year != 0 {
		return first.AddDate(0, 0, int(s.Day)-1).Add(clock), true
	}
	day := 1 + (int(s.DayOfWeek)-int(first.Weekday())+7)%7 + 7*(int(min(max(s.Day, 1), 5))-1)
	if last := first.AddDate(0, 1, -1).Day(); day > last {
		day -= 7
	}
	return first.AddDate(0, 0, day-1).Add(clock), true
}

// Rule is what a time zone does in a year. Biases are minutes to be added to local time to get UTC.
type Rule struct {
	Bias, StandardBias, DaylightBias int32
	Standard, Daylight               SystemTime // when each begins; a month of 0: there is no daylight saving time
}

// TimeZoneStruct is the value of PidLidTimeZoneStruct ([MS-OXOCAL] 2.2.1.39).
type TimeZoneStruct struct {
	Rule
	StandardYear, DaylightYear uint16
}

func (z *TimeZoneStruct) code(c *oxcdata.Coder) {
	c.I32(&z.Bias)
	c.I32(&z.StandardBias)
	c.I32(&z.DaylightBias)
	c.U16(&z.StandardYear)
	z.Standard.code(c)
	c.U16(&z.DaylightYear)
	z.Daylight.code(c)
}

// DecodeTimeZoneStruct reads one.
func DecodeTimeZoneStruct(b []byte) (*TimeZoneStruct, error) {
	z := &TimeZoneStruct{}
	return z, oxcdata.Decode(oxcdata.ROP, b, func(c *oxcdata.Coder) { c.In("TimeZoneStruct", z.code) })
}

// Encode is the reverse of DecodeTimeZoneStruct.
func (z *TimeZoneStruct) Encode() ([]byte, error) {
	return oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.In("TimeZoneStruct", z.code) })
}

// TimeZoneDefinition is the value of PidLidAppointmentTimeZoneDefinitionRecur and its like ([MS-OXOCAL] 2.2.1.41).
type TimeZoneDefinition struct {
	Major, Minor uint8
	Reserved     uint16
	KeyName      string
	Rules        []TZRule
	Trailing     []byte
}

// Flags of a TZRule ([MS-OXOCAL] 2.2.1.41.1).
const (
	RuleRecurCurrent uint16 = 1 // the rule of the series
	RuleEffective    uint16 = 2 // the rule of single appointments
)

// TZRule is what a time zone does from a year on ([MS-OXOCAL] 2.2.1.41.1).
type TZRule struct {
	Major, Minor uint8
	Reserved     uint16
	Flags, Year  uint16
	X            [14]byte
	Rule
}

const (
	tzMajor, tzMinor = 2, 1
	tzReserved       = 2
	tzRuleReserved   = 0x3E
	tzRuleSize       = 66
)

func (z *TimeZoneDefinition) code(c *oxcdata.Coder) {
	c.U8(&z.Major)
	c.U8(&z.Minor)
	name := mapi.EncodeUTF16(z.KeyName)
	header := uint16(c.Fit16(6 + len(name)))
	c.U16(&header)
	c.U16(&z.Reserved)
	n := c.Len16(len(name) / 2)
	c.Raw(2*n, &name)
	if !c.Encoding() {
		z.KeyName = mapi.DecodeUTF16(name)
	}
	oxcdata.List16(c, &z.Rules, tzRuleSize, func(c *oxcdata.Coder, r *TZRule) { c.In("TZRule", r.code) })
	c.Rest(&z.Trailing)
}

func (r *TZRule) code(c *oxcdata.Coder) {
	c.U8(&r.Major)
	c.U8(&r.Minor)
	c.U16(&r.Reserved)
	c.U16(&r.Flags)
	c.U16(&r.Year)
	c.Fixed(r.X[:])
	c.I32(&r.Bias)
	c.I32(&r.StandardBias)
	c.I32(&r.DaylightBias)
	r.Standard.code(c)
	r.Daylight.code(c)
}

// DecodeTimeZoneDefinition reads one.
func DecodeTimeZoneDefinition(b []byte) (*TimeZoneDefinition, error) {
	z := &TimeZoneDefinition{}
	return z, oxcdata.Decode(oxcdata.ROP, b, func(c *oxcdata.Coder) { c.In("TimeZoneDefinition", z.code) })
}

// Encode is the reverse of DecodeTimeZoneDefinition.
func (z *TimeZoneDefinition) Encode() ([]byte, error) {
	return oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.In("TimeZoneDefinition", z.code) })
}

// NewTimeZoneDefinition is a zone with one rule.
func NewTimeZoneDefinition(name string, r Rule, year int) *TimeZoneDefinition {
	rule := TZRule{Major: tzMajor, Minor: tzMinor, Reserved: tzRuleReserved, Flags: RuleRecurCurrent | RuleEffective, Year: uint16(year), Rule: r}
	return &TimeZoneDefinition{Major: tzMajor, Minor: tzMinor, Reserved: tzReserved, KeyName: name, Rules: []TZRule{rule}}
}

// Zone converts between the clock of a time zone and UTC. The zero value is UTC.
type Zone struct{ rules []TZRule }

// Zone is the zone of the definition.
func (z *TimeZoneDefinition) Zone() Zone { return Zone{z.Rules} }

// Zone is the zone of the structure.
func (z *TimeZoneStruct) Zone() Zone { return Zone{[]TZRule{{Rule: z.Rule}}} }

// rule is the one of a year: the latest that begins in it or before, else the first.
func (z Zone) rule(year int) *Rule {
	best := -1
	for i, r := range z.rules {
		if int(r.Year) <= year && (best < 0 || r.Year >= z.rules[best].Year) {
			best = i
		}
	}
	switch {
	case best >= 0:
		return &z.rules[best].Rule
	case len(z.rules) > 0:
		return &z.rules[0].Rule
	}
	return &Rule{}
}

// bias is what to add to a clock to get UTC. A time that the clock jumps over counts as standard time, one that it shows twice as
// daylight saving time.
func (r *Rule) bias(clock time.Time) time.Duration {
	minutes := r.Bias + r.StandardBias
	standard, hasStandard := r.Standard.in(clock.Year())
	daylight, hasDaylight := r.Daylight.in(clock.Year())
	if hasStandard && hasDaylight {
		gap := time.Duration(r.StandardBias-r.DaylightBias) * time.Minute
		saving := !clock.Before(daylight.Add(gap)) && clock.Before(standard)
		if standard.Before(daylight) { // the southern hemisphere
			saving = clock.Before(standard) || !clock.Before(daylight.Add(gap))
		}
		if saving {
			minutes = r.Bias + r.DaylightBias
		}
	}
	return time.Duration(minutes) * time.Minute
}

// UTC is the moment of a time on the zone's clock.
func (z Zone) UTC(m Minutes) time.Time {
	clock := m.Clock()
	return clock.Add(z.rule(clock.Year()).bias(clock))
}

// Clock is what the zone's clock shows at a moment.
func (z Zone) Clock(t time.Time) Minutes {
	t = t.UTC()
	r := z.rule(t.Year())
	for _, bias := range []int32{r.Bias + r.DaylightBias, r.Bias + r.StandardBias} {
		clock := t.Add(-time.Duration(bias) * time.Minute)
		if clock.Add(z.rule(clock.Year()).bias(clock)).Equal(t) {
			return MinutesOf(clock)
		}
	}
	return MinutesOf(t.Add(-time.Duration(r.Bias+r.StandardBias) * time.Minute))
}

// RuleOf is what a location does in a year, as far as a rule can say it: one begin and one end of daylight saving time.
func RuleOf(loc *time.Location, year int) Rule {
	begin, end := time.Date(year, 1, 1, 0, 0, 0, 0, loc), time.Date(year+1, 1, 1, 0, 0, 0, 0, loc)
	_, standard := begin.Zone()
	saving := standard
	var toSaving, toStandard time.Time // on the clock before the change
	for t := begin; ; {
		_, next := t.ZoneBounds()
		if next.IsZero() || !next.Before(end) {
			break
		}
		_, before := next.Add(-time.Second).Zone()
		_, after := next.Zone()
		clock := next.UTC().Add(time.Duration(before) * time.Second)
		switch {
		case after > before:
			toSaving, saving, standard = clock, after, before
		case after < before:
			toStandard, saving, standard = clock, before, after
		}
		t = next
	}
	r := Rule{Bias: int32(-standard / 60)}
	if toSaving.IsZero() || toStandard.IsZero() {
		_, now := end.Add(-time.Second).Zone()
		r.Bias = int32(-now / 60)
		return r
	}
	r.DaylightBias = int32((standard - saving) / 60)
	r.Standard, r.Daylight = yearly(toStandard), yearly(toSaving)
	return r
}

// yearly says a moment as a day of the week of every year.
func yearly(t time.Time) SystemTime {
	n := (t.Day()-1)/7 + 1
	if t.AddDate(0, 0, 7).Month() != t.Month() {
		n = 5
	}
	return SystemTime{Month: uint16(t.Month()), DayOfWeek: uint16(t.Weekday()), Day: uint16(n), Hour: uint16(t.Hour()), Minute: uint16(t.Minute()), Second: uint16(t.Second())}
}
