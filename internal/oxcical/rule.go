package oxcical

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
)

var dayNames = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// weekday is an element of BYDAY: -1SU.
type weekday struct{ nth, day int }

// weekdays reads BYDAY.
func weekdays(s string) (list []weekday, ok bool) {
	for f := range strings.SplitSeq(s, ",") {
		f = strings.TrimSpace(f)
		if len(f) < 2 {
			return nil, false
		}
		w := weekday{day: -1}
		for i, name := range dayNames {
			if f[len(f)-2:] == name {
				w.day = i
			}
		}
		if n := f[:len(f)-2]; n != "" {
			var err error
			if w.nth, err = strconv.Atoi(n); err != nil || w.nth == 0 {
				return nil, false
			}
		}
		if w.day < 0 {
			return nil, false
		}
		list = append(list, w)
	}
	return list, true
}

// parts reads a RRULE, in upper case; nil when there is none.
func parts(s string) map[string]string {
	if s == "" {
		return nil
	}
	m := map[string]string{}
	for f := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(s)), ";") {
		if name, value, ok := strings.Cut(f, "="); ok {
			m[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return m
}

// understood are the parts of rules that patterns can say ([MS-OXCICAL] 2.1.3.2.2).
var understood = map[string]bool{"FREQ": true, "INTERVAL": true, "COUNT": true, "UNTIL": true, "BYDAY": true, "BYMONTHDAY": true, "BYMONTH": true,
	"BYSETPOS": true, "WKST": true}

// maxInterval bounds the time between occurrences: 99 years in months, 999 weeks or days are what [MS-OXOCAL] 2.2.1.44.1 allows.
const maxInterval = 9999

// pattern makes a recurrence pattern of a rule for a series that begins on a day ([MS-OXCICAL] 2.1.3.2.2, [MS-OXOCAL] 2.2.1.44.1).
// until is UNTIL on the clock of the series. ok is false for a rule that no pattern can say.
func pattern(rule map[string]string, first time.Time, until func(string) (oxocal.Minutes, bool)) (p oxocal.RecurrencePattern, kind int32, ok bool) {
	for name, value := range rule {
		if !understood[name] && !strings.HasPrefix(name, "X-") {
			// A part that says what the first occurrence does says nothing.
			switch {
			case name == "BYHOUR" && value == strconv.Itoa(first.Hour()), name == "BYMINUTE" && value == strconv.Itoa(first.Minute()), name == "BYSECOND" && value == "0":
			default:
				return p, 0, false
			}
		}
	}
	p = oxocal.NewRecurrencePattern()
	interval := 1
	if s := rule["INTERVAL"]; s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxInterval {
			return p, 0, false
		}
		interval = n
	}
	p.Start = oxocal.MinutesOf(first).Midnight()
	p.FirstDOW = 1 // [RFC5545] 3.3.10: WKST is Monday
	if list, ok := weekdays(rule["WKST"]); ok {
		p.FirstDOW = uint32(list[0].day)
	}
	var days []weekday
	if s := rule["BYDAY"]; s != "" {
		if days, ok = weekdays(s); !ok {
			return p, 0, false
		}
	}
	switch rule["FREQ"] {
	case "DAILY":
		kind, ok = 1, daily(&p, rule, days, interval)
		if p.Type == oxocal.PatternWeek {
			kind = 2
		}
	case "WEEKLY":
		kind, ok = 2, weekly(&p, rule, days, interval, first)
	case "MONTHLY":
		p.Frequency, p.Period = oxocal.Monthly, uint32(interval)
		kind, ok = 3, rule["BYMONTH"] == "" && monthly(&p, rule, days, first)
	case "YEARLY":
		p.Frequency, p.Period = oxocal.Yearly, uint32(12*interval)
		month := int(first.Month())
		if s := rule["BYMONTH"]; s != "" {
			month, _ = strconv.Atoi(s)
		}
		kind, ok = 4, month == int(first.Month()) && (len(days) == 0 || rule["BYMONTH"] != "") && monthly(&p, rule, days, first)
	default:
		ok = false
	}
	if !ok || !ends(&p, rule, until) {
		return p, 0, false
	}
	p.SetFirst()
	return p, kind, true
}

func daily(p *oxocal.RecurrencePattern, rule map[string]string, days []weekday, interval int) bool {
	if rule["BYMONTHDAY"] != "" || rule["BYMONTH"] != "" || rule["BYSETPOS"] != "" {
		return false
	}
	if len(days) > 0 { // every working day is a pattern of weeks
		p.Frequency, p.Type, p.Period = oxocal.Daily, oxocal.PatternWeek, 1
		p.Days = mask(days)
		return interval == 1 && !numbered(days)
	}
	p.Frequency, p.Type, p.Period = oxocal.Daily, oxocal.PatternDay, uint32(oxocal.Day)*uint32(interval)
	return true
}

func weekly(p *oxocal.RecurrencePattern, rule map[string]string, days []weekday, interval int, first time.Time) bool {
	p.Frequency, p.Type, p.Period = oxocal.Weekly, oxocal.PatternWeek, uint32(interval)
	if len(days) == 0 {
		days = []weekday{{day: int(first.Weekday())}}
	}
	p.Days = mask(days)
	return !numbered(days) && rule["BYMONTHDAY"] == "" && rule["BYMONTH"] == "" && rule["BYSETPOS"] == ""
}

// monthly is a day of the month, or the nth of some days of the week.
func monthly(p *oxocal.RecurrencePattern, rule map[string]string, days []weekday, first time.Time) bool {
	if len(days) == 0 {
		p.Type, p.DayOfMonth = oxocal.PatternMonth, uint32(first.Day())
		day, last := monthDay(rule, first.Day())
		p.DayOfMonth = uint32(day)
		// iCalendar leaves out months that are too short, patterns take their last day.
		return day >= 1 && (last || day <= 28 || p.Frequency == oxocal.Yearly && day <= longest(first.Month()))
	}
	p.Type, p.Days = oxocal.PatternMonthNth, mask(days)
	nth := days[0].nth
	if s := rule["BYSETPOS"]; s != "" {
		var err error
		if nth, err = strconv.Atoi(s); err != nil || numbered(days) {
			return false
		}
	} else if len(days) > 1 {
		return false
	}
	if nth == -1 {
		nth = int(oxocal.LastWeek)
	} else if nth < 1 || nth > 4 {
		return false
	}
	p.Nth = uint32(nth)
	return rule["BYMONTHDAY"] == ""
}

// monthDay is the day of the month of a rule, 0 for a rule that is about something else. last: where a month is too short it is the
// last one.
func monthDay(rule map[string]string, first int) (day int, last bool) {
	list := rule["BYMONTHDAY"]
	switch set := rule["BYSETPOS"]; {
	case list == "" && set == "":
		return first, false
	case list == "-1" && set == "":
		return 31, true
	case set == "-1":
		for n := 29; n <= 31; n++ {
			if list == upTo(n) {
				return n, true
			}
		}
		return 0, false
	case set != "":
		return 0, false
	}
	n, err := strconv.Atoi(list)
	if err != nil || n < 1 || n > 31 {
		return 0, false
	}
	return n, false
}

// upTo are the days of which the last that a month has is day n, or its last: BYMONTHDAY=28,29,30;BYSETPOS=-1.
func upTo(n int) string {
	return strings.Join([]string{"28", "29", "30", "31"}[:n-27], ",")
}

// longest is how many days a month has in every year.
func longest(m time.Month) int { return time.Date(2001, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }

func mask(days []weekday) (m uint32) {
	for _, d := range days {
		m |= 1 << d.day
	}
	return m
}

func numbered(days []weekday) bool {
	for _, d := range days {
		if d.nth != 0 {
			return true
		}
	}
	return false
}

// maxCount bounds the occurrences of a series: daily for a hundred years.
const maxCount = 36500

// ends sets when a series ends: after a number of occurrences, on a day, or never.
func ends(p *oxocal.RecurrencePattern, rule map[string]string, until func(string) (oxocal.Minutes, bool)) bool {
	p.EndType, p.Count, p.End = oxocal.NeverEnds, oxocal.NoCount, oxocal.NoEnd
	switch {
	case rule["COUNT"] != "":
		n, err := strconv.Atoi(rule["COUNT"])
		if err != nil || n < 1 || n > maxCount {
			return false
		}
		last, found := oxocal.Minutes(0), 0
		for day := range p.Dates(p.Start, oxocal.NoEnd) {
			last = day
			if found++; found == n {
				break
			}
		}
		if found == 0 {
			return false
		}
		p.EndType, p.Count, p.End = oxocal.EndAfterCount, uint32(n), last
	case rule["UNTIL"] != "":
		day, ok := until(rule["UNTIL"])
		if !ok {
			return false
		}
		last, found := oxocal.Minutes(0), 0
		for d := range p.Dates(p.Start, min(day, oxocal.NoEnd-1)) {
			last = d
			if found++; found > maxCount {
				return false
			}
		}
		if found == 0 {
			return false
		}
		p.EndType, p.Count, p.End = oxocal.EndAfterDate, uint32(found), last
	}
	return true
}

// formatRule is the reverse of pattern; ok is false for patterns of other calendars. at is the time of day of the occurrences.
func formatRule(p *oxocal.RecurrencePattern, until func(oxocal.Minutes) string) (rule string, ok bool) {
	if !p.Gregorian() {
		return "", false
	}
	var names []string
	for i, n := range dayNames {
		if p.Days>>i&1 != 0 {
			names = append(names, n)
		}
	}
	byDay := strings.Join(names, ",")
	period := max(p.Period, 1)
	month := ""
	frequency := "MONTHLY"
	if p.Frequency == oxocal.Yearly {
		frequency, period = "YEARLY", max(period/12, 1)
		month = fmt.Sprintf(";BYMONTH=%d", int(p.Start.Clock().Month()))
	}
	switch p.Type {
	case oxocal.PatternDay:
		rule = interval("DAILY", period/uint32(oxocal.Day))
	case oxocal.PatternWeek:
		rule = interval("WEEKLY", period) + ";BYDAY=" + byDay
	case oxocal.PatternMonthNth:
		nth := fmt.Sprint(p.Nth)
		if p.Nth >= oxocal.LastWeek {
			nth = "-1"
		}
		rule = interval(frequency, period) + ";BYDAY=" + byDay + ";BYSETPOS=" + nth + month
		if bits.OnesCount32(p.Days) == 1 {
			rule = interval(frequency, period) + ";BYDAY=" + nth + byDay + month
		}
	default:
		day := fmt.Sprint(p.DayOfMonth)
		switch n := int(p.DayOfMonth); {
		case n <= 28, p.Frequency == oxocal.Yearly && n <= longest(p.Start.Clock().Month()):
		case n >= 31:
			day = "-1"
		default: // in shorter months it is the last ([MS-OXOCAL] 2.2.1.44.1)
			day = upTo(n) + ";BYSETPOS=-1"
		}
		rule = interval(frequency, period) + ";BYMONTHDAY=" + day + month
	}
	switch {
	case p.EndType == oxocal.EndAfterCount:
		rule += fmt.Sprintf(";COUNT=%d", p.Count)
	case !p.Endless():
		rule += ";UNTIL=" + until(p.End)
	}
	if p.Type == oxocal.PatternWeek && p.FirstDOW != 1 {
		rule += ";WKST=" + dayNames[p.FirstDOW%7]
	}
	return rule, true
}

func interval(frequency string, n uint32) string {
	if n <= 1 {
		return "FREQ=" + frequency
	}
	return fmt.Sprintf("FREQ=%s;INTERVAL=%d", frequency, n)
}
