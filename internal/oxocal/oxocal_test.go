package oxocal

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

func at(y int, m time.Month, d, h, min int) Minutes {
	return MinutesOf(time.Date(y, m, d, h, min, 0, 0, time.UTC))
}

// A rule says the same as the database of time zones that Go has.
func TestRulesOfLocations(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe",
		"Pacific/Auckland", "Europe/London", "America/St_Johns", "Asia/Tokyo"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Skipf("SKIPPED: no time zones here: %v", err)
		}
		t.Run(name, func(t *testing.T) {
			for year := 2015; year <= 2026; year++ {
				_, first := time.Date(year, 1, 1, 0, 0, 0, 0, loc).Zone()
				if _, last := time.Date(year, 12, 31, 12, 0, 0, 0, loc).Zone(); first != last {
					continue // it gave up daylight saving time, which no rule of one year can say
				}
				rule := RuleOf(loc, year)
				zone := (&TimeZoneStruct{Rule: rule}).Zone()
				for hour := range 365 * 24 {
					moment := time.Date(year, 1, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(hour-12) * time.Hour)
					local := moment.In(loc)
					if local.Year() != year {
						continue
					}
					clock := MinutesOf(local)
					if got := zone.Clock(moment); got != clock {
						t.Fatalf("%v is %v on the clock, want %v", moment, got.Clock(), clock.Clock())
					}
					back := zone.UTC(clock)
					if d := back.Sub(moment); d != 0 && d.Abs() > time.Hour {
						t.Fatalf("%v is %v, want %v", clock.Clock(), back, moment)
					}
				}
			}
		})
	}
}

// A pattern that begins in the middle of a window gives the same days as one that is followed from its begin.
func TestDatesFromTheMiddle(t *testing.T) {
	patterns := map[string]RecurrencePattern{
		"days":      {Type: PatternDay, Period: 3 * 1440},
		"weeks":     {Type: PatternWeek, Period: 2, Days: 0x2A, FirstDOW: 1},
		"months":    {Type: PatternMonth, Period: 5, DayOfMonth: 31},
		"month end": {Type: PatternMonthEnd, Period: 1, DayOfMonth: 31},
		"last day":  {Type: PatternMonthNth, Period: 1, Days: 0x7F, Nth: 5},
		"weekday":   {Type: PatternMonthNth, Period: 2, Days: 0x3E, Nth: 3},
		"year":      {Type: PatternMonth, Period: 12, DayOfMonth: 29},
	}
	for name, p := range patterns {
		p.Start, p.EndType, p.End = at(2023, 1, 29, 0, 0), EndAfterDate, at(2031, 7, 1, 0, 0)
		all := slices.Collect(p.Dates(0, NoEnd))
		if len(all) < 3 {
			t.Errorf("%s: only %d", name, len(all))
		}
		for i, from := range all {
			for _, late := range []Minutes{0, Day - 1} {
				if got := slices.Collect(p.Dates(from+late, NoEnd)); !slices.Equal(got, all[i:]) {
					t.Errorf("%s from %v: %d days, want %d", name, from.Clock(), len(got), len(all)-i)
				}
			}
		}
		if day, n := p.NthDay(3); n != 3 || day != all[2] {
			t.Errorf("%s: the third day is %v", name, day.Clock())
		}
	}
}

func TestExceptions(t *testing.T) {
	p := NewSeries()
	p.Type, p.Period, p.Frequency = PatternDay, 1440, Daily
	p.Start, p.EndType, p.Count, p.End = at(2024, 5, 1, 0, 0), EndAfterCount, 5, at(2024, 5, 5, 0, 0)
	p.StartOffset, p.EndOffset = 9*60, 10*60
	p.Except(Exception{Start: at(2024, 5, 2, 15, 0), End: at(2024, 5, 2, 16, 0), Original: at(2024, 5, 2, 9, 0), Flags: OwnSubject, Subject: "x", WideSubject: "x"})
	p.Cancel(at(2024, 5, 4, 0, 0))
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	q, err := DecodeSeries(b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for o := range q.Occurrences(at(2024, 5, 1, 9, 30), at(2024, 5, 5, 8, 0)) {
		got = append(got, o.Start.Clock().Format("02 15:04"))
	}
	if want := []string{"01 09:00", "02 15:00", "03 09:00"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(q.Deleted) != 2 || len(q.Modified) != 1 || q.Modified[0] != at(2024, 5, 2, 0, 0) {
		t.Errorf("deleted %v, modified %v", q.Deleted, q.Modified)
	}
}

func FuzzDecode(f *testing.F) {
	p := NewSeries()
	p.Type, p.Period, p.Start, p.EndType, p.End = PatternWeek, 1, at(2024, 5, 1, 0, 0), EndAfterDate, at(2025, 5, 1, 0, 0)
	p.Except(Exception{Start: at(2024, 5, 8, 1, 0), Original: at(2024, 5, 8, 0, 0), Flags: 0x3FF})
	b, err := p.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	z, err := NewTimeZoneDefinition("Zone", RuleOf(time.UTC, 2024), 2024).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(z)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, kind := range kinds {
			value, again, err := recode(kind, b)
			if err != nil {
				continue
			}
			_, third, err := recode(kind, again)
			if err != nil || !bytes.Equal(again, third) {
				t.Errorf("%s isn't stable: %v", kind, err)
			}
			if s, ok := value.(*AppointmentRecurrencePattern); ok {
				n := 0
				for range s.Occurrences(0, NoEnd) {
					if n++; n > 1000 {
						break
					}
				}
			}
			if z, ok := value.(*TimeZoneDefinition); ok {
				zone := z.Zone()
				zone.Clock(zone.UTC(at(2024, 5, 1, 0, 0)))
			}
		}
	})
}
