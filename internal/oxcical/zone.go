package oxcical

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/internal/vobject"
)

// zone is a time zone, as a rule for every year.
type zone struct {
	name string
	rule oxocal.Rule
}

// utc is the moment of a time on the zone's clock; that of no zone is UTC.
func (z *zone) utc(m oxocal.Minutes) time.Time {
	if z == nil {
		return m.Clock()
	}
	s := oxocal.TimeZoneStruct{Rule: z.rule}
	return s.Zone().UTC(m)
}

// clock is the reverse of utc.
func (z *zone) clock(t time.Time) oxocal.Minutes {
	if z == nil {
		return oxocal.MinutesOf(t.UTC())
	}
	s := oxocal.TimeZoneStruct{Rule: z.rule}
	return s.Zone().Clock(t)
}

// firstYear is that of rules that are for ever.
const firstYear = 1601

func (z *zone) definition() []byte {
	b, _ := oxocal.NewTimeZoneDefinition(z.name, z.rule, firstYear).Encode()
	return b
}

// readZone reads a VTIMEZONE: its latest observances ([MS-OXCICAL] 2.1.3.1.1.19). It is nil for one that makes no sense.
func readZone(c *vobject.Component) *zone {
	z := &zone{name: strings.TrimSpace(vobject.Text(c.Value("TZID")))}
	standard, daylight := latest(c, "STANDARD"), latest(c, "DAYLIGHT")
	if standard == nil {
		standard, daylight = daylight, nil
	}
	if z.name == "" || standard == nil {
		return nil
	}
	z.rule.Bias = -standard.to
	if daylight == nil || daylight.to == standard.to || daylight.ended || daylight.at.Month == 0 || standard.at.Month == 0 {
		return z
	}
	z.rule.DaylightBias = standard.to - daylight.to
	z.rule.Standard, z.rule.Daylight = standard.at, daylight.at
	return z
}

// observance is when a part of the year begins, and how many minutes it is east of UTC.
type observance struct {
	start time.Time
	to    int32
	at    oxocal.SystemTime
	ended bool
}

// latest is the observance of a kind that begins last.
func latest(c *vobject.Component, kind string) (best *observance) {
	for _, d := range c.Children {
		if d.Name != kind {
			continue
		}
		start, _, ok := parseTime(d.Value("DTSTART"))
		to, okTo := offset(d.Value("TZOFFSETTO"))
		if !ok || !okTo {
			continue
		}
		o := &observance{start: start, to: to}
		if rule := parts(d.Value("RRULE")); rule != nil {
			o.at, ok = yearly(rule, start)
			if !ok {
				continue
			}
			if until, _, ok := parseTime(rule["UNTIL"]); ok && until.Year() < recentYear {
				o.ended = true
			}
		}
		if best == nil || best.ended && !o.ended || best.ended == o.ended && !o.start.Before(best.start) {
			best = o
		}
	}
	return best
}

// recentYear: what ended before is history. Rules for the past aren't kept.
const recentYear = 2008

// yearly is when a rule of a VTIMEZONE takes place: FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU.
func yearly(rule map[string]string, start time.Time) (s oxocal.SystemTime, ok bool) {
	s = oxocal.SystemTime{Hour: uint16(start.Hour()), Minute: uint16(start.Minute()), Second: uint16(start.Second())}
	month := int(start.Month())
	if m, err := strconv.Atoi(rule["BYMONTH"]); err == nil {
		month = m
	}
	days, ok := weekdays(rule["BYDAY"])
	if rule["FREQ"] != "YEARLY" || !ok || len(days) != 1 || month < 1 || month > 12 {
		return s, false
	}
	nth := days[0].nth
	switch {
	case nth == -1:
		nth = 5
	case nth == 0: // BYDAY=SU;BYMONTHDAY=8,9,10,11,12,13,14
		first, _, _ := strings.Cut(rule["BYMONTHDAY"], ",")
		day, err := strconv.Atoi(first)
		if err != nil || day < 1 {
			return s, false
		}
		nth = (day-1)/7 + 1
	case nth < 1 || nth > 5:
		return s, false
	}
	s.Month, s.DayOfWeek, s.Day = uint16(month), uint16(days[0].day), uint16(nth)
	return s, true
}

// offset reads +hhmm or +hhmmss, in minutes.
func offset(s string) (int32, bool) {
	if len(s) != 5 && len(s) != 7 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	n, err := strconv.Atoi(s[1:5])
	if err != nil || n/100 > 23 || n%100 > 59 {
		return 0, false
	}
	m := int32(n/100*60 + n%100)
	if s[0] == '-' {
		m = -m
	}
	return m, true
}

// parseTime reads a DATE or DATE-TIME, as if its clock were that of UTC.
func parseTime(s string) (t time.Time, utc, ok bool) {
	s = strings.TrimSpace(s)
	s, utc = strings.CutSuffix(strings.ToUpper(s), "Z")
	for _, f := range []string{"20060102T150405", "20060102T1504", "20060102"} {
		if t, err := time.Parse(f, s); err == nil && t.Year() >= firstYear {
			return t, utc, true
		}
	}
	return t, false, false
}

// moment reads a time with its zone: a VTIMEZONE of the calendar, or one that the system knows by that name.
func (r *reader) moment(p *vobject.Property, value string) (m moment, day, ok bool) {
	t, utc, ok := parseTime(value)
	if !ok {
		return m, false, false
	}
	if day = len(strings.TrimSpace(value)) == len("20060102"); day {
		m.zone = r.home()
	}
	m.clock = oxocal.MinutesOf(t)
	if id := p.Param("TZID"); id != "" && !utc && !day {
		if m.zone = r.zone(id, t.Year()); m.zone == nil {
			return m, false, false
		}
	}
	m.utc = m.zone.utc(m.clock).Add(time.Duration(t.Second()) * time.Second)
	return m, day, true
}

// home is the zone whose days are meant by days: the only one of the calendar.
func (r *reader) home() *zone {
	if len(r.zones) == 1 {
		for _, z := range r.zones {
			return z
		}
	}
	return nil
}

func (r *reader) zone(id string, year int) *zone {
	if z := r.zones[id]; z != nil {
		return z
	}
	name := strings.TrimPrefix(id, "/")
	for range 3 { // "/freeassociation.sourceforge.net/Europe/Berlin"
		if loc, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			z := &zone{name: name, rule: oxocal.RuleOf(loc, year)}
			r.zones[id] = z
			return z
		}
		_, after, ok := strings.Cut(name, "/")
		if !ok {
			break
		}
		name = after
	}
	return nil
}

// component makes a VTIMEZONE ([MS-OXCICAL] 2.1.3.1.1.19).
func (z *zone) component() *vobject.Component {
	c := vobject.New("VTIMEZONE")
	c.AddText("TZID", z.name)
	standard := -(z.rule.Bias + z.rule.StandardBias)
	daylight := -(z.rule.Bias + z.rule.DaylightBias)
	if z.rule.Standard.Month == 0 || z.rule.Daylight.Month == 0 {
		c.Children = append(c.Children, observe("STANDARD", oxocal.SystemTime{}, standard, standard))
		return c
	}
	c.Children = append(c.Children, observe("STANDARD", z.rule.Standard, daylight, standard), observe("DAYLIGHT", z.rule.Daylight, standard, daylight))
	return c
}

func observe(kind string, at oxocal.SystemTime, from, to int32) *vobject.Component {
	c := vobject.New(kind)
	c.Add("DTSTART", fmt.Sprintf("16010101T%02d%02d%02d", at.Hour, at.Minute, at.Second))
	if at.Month != 0 {
		nth := int(at.Day)
		if nth >= 5 {
			nth = -1
		}
		c.Add("RRULE", fmt.Sprintf("FREQ=YEARLY;BYDAY=%d%s;BYMONTH=%d", nth, dayNames[at.DayOfWeek%7], at.Month))
	}
	c.Add("TZOFFSETFROM", formatOffset(from))
	c.Add("TZOFFSETTO", formatOffset(to))
	return c
}

func formatOffset(minutes int32) string {
	sign := "+"
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	return fmt.Sprintf("%s%02d%02d", sign, minutes/60%24, minutes%60)
}

// duration reads P1DT2H3M4S or P1W ([RFC5545] 3.3.6).
func duration(s string) (d time.Duration, ok bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	negative := strings.HasPrefix(s, "-")
	s, ok = strings.CutPrefix(strings.TrimLeft(s, "+-"), "P")
	if !ok || s == "" {
		return 0, false
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}
	n := -1
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9' && n < 1e6:
			n = max(n, 0)*10 + int(c-'0')
		case c == 'T':
		case units[c] != 0 && n >= 0:
			d += time.Duration(n) * units[c]
			n = -1
		default:
			return 0, false
		}
	}
	if negative {
		d = -d
	}
	return d, n < 0
}
