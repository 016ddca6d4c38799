package mime

import (
	"strconv"
	"strings"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

var months = map[string]time.Month{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
	"oct": 10, "nov": 11, "dec": 12}

// zones are the names that [RFC5322] 4.3 knows, in hours. Others mean UTC there.
var zones = map[string]int{"edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8}

// maxDate is how long a date can be with its comments.
const maxDate = 256

// parseDate reads a date ([RFC5322] 3.3, 4.3), and those of mailers that put its parts in another order ("Tue Feb  1
// 10:00:00 2005") or join them by dashes.
func parseDate(s string) (mapi.FileTime, bool) {
	s = stripComments(s[:min(len(s), maxDate)], false)
	var day, year, hour, minute, second int
	var month time.Month
	var clock bool
	offset := 0
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		f = strings.ToLower(f)
		switch {
		case strings.Contains(f, ":") && !clock:
			var ok bool
			var rest string
			if hour, minute, second, rest, ok = parseClock(f); !ok {
				return 0, false
			}
			clock = true
			if rest != "" {
				offset, _ = parseZone(rest)
			}
		case len(f) >= 3 && months[f[:3]] != 0 && month == 0:
			month = months[f[:3]]
		case strings.Count(f, "-") == 2 && day == 0: // 1-Feb-2005
			p := strings.Split(f, "-")
			day, _ = strconv.Atoi(p[0])
			year, _ = strconv.Atoi(p[2])
			if len(p[1]) >= 3 {
				month = months[p[1][:3]]
			}
		case clock && (f[0] == '+' || f[0] == '-' || zones[f] != 0):
			offset, _ = parseZone(f)
		default:
			n, err := strconv.Atoi(f)
			switch {
			case err != nil || n < 0:
			case day == 0 && n <= 31 && len(f) <= 2:
				day = n
			case year == 0:
				if year = n; n < 100 && len(f) <= 2 {
					year += 1900
					if n < 69 {
						year += 100
					}
				}
			}
		}
	}
	if day == 0 || month == 0 || year < 1601 || year > 9999 || !clock {
		return 0, false
	}
	if time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Day() != day {
		return 0, false
	}
	t := time.Date(year, month, day, hour, minute-offset, second, 0, time.UTC)
	return mapi.NewFileTime(t), t.Year() >= 1601
}

// parseClock reads hh:mm or hh:mm:ss; rest is a time zone that touches it.
func parseClock(s string) (hour, minute, second int, rest string, ok bool) {
	if i := strings.IndexAny(s, "+-"); i > 0 {
		s, rest = s[:i], s[i:]
	}
	var n [3]int
	for i, p := range strings.SplitN(s, ":", 3) {
		p, _, _ = strings.Cut(p, ".")
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 {
			return 0, 0, 0, "", false
		}
		n[i] = v
	}
	ok = n[0] < 24 && n[1] < 60 && n[2] <= 60
	return n[0], n[1], n[2], rest, ok
}

// parseZone gives the minutes east of UTC.
func parseZone(s string) (int, bool) {
	if h, ok := zones[s]; ok {
		return h * 60, true
	}
	v, err := strconv.Atoi(s)
	if err != nil || len(s) < 4 || v < -9959 || v > 9959 {
		return 0, false
	}
	return v/100*60 + v%100, true
}
