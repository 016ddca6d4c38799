package restic

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Policy says which snapshots to keep, as stock restic's forget does. Counts are of the newest snapshots, one of each hour, day
// and so on that has any; -1 is all of them. The zero value keeps everything.
type Policy struct {
	Last, Hourly, Daily, Weekly, Monthly, Yearly int
	// Within keeps what isn't older than that, counted from the newest snapshot; the others one of each hour, day and so on
	// within it.
	Within, WithinHourly, WithinDaily, WithinWeekly, WithinMonthly, WithinYearly Age
	// Tags keeps snapshots that have all tags of one of these lists. A list of one empty tag is for snapshots without any.
	Tags [][]string
}

// Empty reports whether the policy says nothing.
func (p *Policy) Empty() bool {
	return p.Last == 0 && p.Hourly == 0 && p.Daily == 0 && p.Weekly == 0 && p.Monthly == 0 && p.Yearly == 0 && len(p.Tags) == 0 &&
		p.Within == Age{} && p.WithinHourly == Age{} && p.WithinDaily == Age{} && p.WithinWeekly == Age{} && p.WithinMonthly == Age{} && p.WithinYearly == Age{}
}

// Age is a length of time by the calendar.
type Age struct{ Years, Months, Days, Hours int }

// ParseAge reads a length of time as stock restic writes it: numbers with the units y, m, d and h, such as 1y6m or 14d.
func ParseAge(s string) (Age, error) {
	var a Age
	bad := fmt.Errorf("restic: %q is no length of time such as 1y6m, 14d or 36h", s)
	rest := s
	for rest != "" {
		i := strings.IndexAny(rest, "ymdh")
		if i <= 0 {
			return Age{}, bad
		}
		n, err := strconv.Atoi(rest[:i])
		if err != nil || n < 0 {
			return Age{}, bad
		}
		*map[byte]*int{'y': &a.Years, 'm': &a.Months, 'd': &a.Days, 'h': &a.Hours}[rest[i]] += n
		rest = rest[i+1:]
	}
	if s == "" {
		return Age{}, bad
	}
	return a, nil
}

// UnmarshalText reads what ParseAge reads.
func (a *Age) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAge(string(text))
	return err
}

// String writes what ParseAge reads.
func (a Age) String() string {
	s := ""
	for _, part := range []struct {
		n    int
		unit string
	}{{a.Years, "y"}, {a.Months, "m"}, {a.Days, "d"}, {a.Hours, "h"}} {
		if part.n != 0 {
			s += strconv.Itoa(part.n) + part.unit
		}
	}
	return cmp.Or(s, "0h")
}

func (a Age) before(t time.Time) time.Time {
	return t.AddDate(-a.Years, -a.Months, -a.Days).Add(-time.Duration(a.Hours) * time.Hour)
}

// period numbers the hour, day and so on in which a snapshot was made, in the time zone in which it was made.
type period func(t time.Time, number int) int

func perHour(t time.Time, _ int) int  { return perDay(t, 0)*100 + t.Hour() }
func perDay(t time.Time, _ int) int   { return perMonth(t, 0)*100 + t.Day() }
func perMonth(t time.Time, _ int) int { return t.Year()*100 + int(t.Month()) }
func perYear(t time.Time, _ int) int  { return t.Year() }
func perWeek(t time.Time, _ int) int {
	year, week := t.ISOWeek()
	return year*100 + week
}
func perSnapshot(_ time.Time, number int) int { return number }

// rule keeps one snapshot of each period, so many of them or so far back.
type rule struct {
	period period
	count  int // left; -1: no end
	within Age
	reason string
	last   int // the period of the snapshot kept last
}

func (p *Policy) rules() []*rule {
	all := []*rule{
		{perSnapshot, p.Last, Age{}, "last snapshot", -1},
		{perHour, p.Hourly, Age{}, "hourly snapshot", -1},
		{perDay, p.Daily, Age{}, "daily snapshot", -1},
		{perWeek, p.Weekly, Age{}, "weekly snapshot", -1},
		{perMonth, p.Monthly, Age{}, "monthly snapshot", -1},
		{perYear, p.Yearly, Age{}, "yearly snapshot", -1},
		{perSnapshot, -1, p.Within, "within " + p.Within.String(), -1},
		{perHour, -1, p.WithinHourly, "hourly within " + p.WithinHourly.String(), -1},
		{perDay, -1, p.WithinDaily, "daily within " + p.WithinDaily.String(), -1},
		{perWeek, -1, p.WithinWeekly, "weekly within " + p.WithinWeekly.String(), -1},
		{perMonth, -1, p.WithinMonthly, "monthly within " + p.WithinMonthly.String(), -1},
		{perYear, -1, p.WithinYearly, "yearly within " + p.WithinYearly.String(), -1},
	}
	const counted = 6 // of them, the others go by age
	var rules []*rule
	for i, r := range all {
		if i < counted && r.count != 0 || i >= counted && r.within != (Age{}) {
			rules = append(rules, r)
		}
	}
	return rules
}

// Verdict is what becomes of a snapshot, and why.
type Verdict struct {
	Snapshot *Snapshot
	Keep     bool
	Reasons  []string // of keeping it
}

// Apply decides about snapshots that belong together; the newest comes first then.
func (p *Policy) Apply(list []*Snapshot) []Verdict {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b *Snapshot) int { return cmp.Or(b.Time.Compare(a.Time), a.id.Compare(b.id)) })
	verdicts := make([]Verdict, len(list))
	rules := p.rules()
	for i, s := range list {
		v := Verdict{Snapshot: s}
		if p.Empty() {
			v.Reasons = append(v.Reasons, "the policy is empty")
		}
		for _, tags := range p.Tags {
			if s.HasTags(tags) {
				v.Reasons = append(v.Reasons, "has the tags "+strings.Join(tags, ","))
			}
		}
		for _, r := range rules {
			if r.keeps(s.Time, i, list[0].Time) {
				v.Reasons = append(v.Reasons, r.reason)
			}
		}
		v.Keep = len(v.Reasons) > 0
		verdicts[i] = v
	}
	return verdicts
}

func (r *rule) keeps(t time.Time, number int, newest time.Time) bool {
	if r.count == 0 || r.within != (Age{}) && !t.After(r.within.before(newest)) {
		return false
	}
	now := r.period(t, number)
	if now == r.last {
		return false
	}
	r.last = now
	if r.count > 0 {
		r.count--
	}
	return true
}

// HasTags reports whether the snapshot has all these tags; a single empty one stands for none at all.
func (s *Snapshot) HasTags(tags []string) bool {
	if len(tags) == 1 && tags[0] == "" {
		return len(s.Tags) == 0
	}
	for _, tag := range tags {
		if !slices.Contains(s.Tags, tag) {
			return false
		}
	}
	return true
}

// Grouping says which snapshots belong together, so that a policy is applied to each group of its own.
type Grouping struct{ Host, Paths, Tags bool }

// DefaultGrouping is stock restic's: by host and paths, so by server and mailbox.
var DefaultGrouping = Grouping{Host: true, Paths: true}

// ParseGrouping reads a list of host, paths and tags with commas between them; an empty one makes a single group.
func ParseGrouping(s string) (Grouping, error) {
	var g Grouping
	for _, word := range strings.Split(s, ",") {
		switch word {
		case "":
		case "host", "hosts":
			g.Host = true
		case "path", "paths":
			g.Paths = true
		case "tag", "tags":
			g.Tags = true
		default:
			return g, fmt.Errorf("restic: snapshots are grouped by host, paths and tags, not by %q", word)
		}
	}
	return g, nil
}

// Group is snapshots that belong together. What they aren't grouped by is empty.
type Group struct {
	Host      string
	Paths     []string
	Tags      []string
	Snapshots []*Snapshot
}

// Split puts snapshots into groups, in the order of their names.
func (g Grouping) Split(list []*Snapshot) []Group {
	groups := map[string]*Group{}
	for _, s := range list {
		var of Group
		if g.Host {
			of.Host = s.Hostname
		}
		if g.Paths {
			of.Paths = slices.Sorted(slices.Values(s.Paths))
		}
		if g.Tags {
			of.Tags = slices.Sorted(slices.Values(s.Tags))
		}
		name := fmt.Sprintf("%q %q %q", of.Host, of.Paths, of.Tags)
		if groups[name] == nil {
			groups[name] = &of
		}
		groups[name].Snapshots = append(groups[name].Snapshots, s)
	}
	var all []Group
	for _, group := range groups {
		all = append(all, *group)
	}
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(strings.Compare(a.Host, b.Host), slices.Compare(a.Paths, b.Paths), slices.Compare(a.Tags, b.Tags))
	})
	return all
}
