package cdo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func (w *world) calendar() *cdo.Folder {
	w.Helper()
	return get(w.session.GetDefaultFolder(w.ctx, cdo.CdoDefaultFolderCalendar))(w)
}

// empty removes what the samples put into the calendar.
func (w *world) emptyCalendar() *cdo.Folder {
	w.Helper()
	f := w.calendar()
	w.must(f.Messages().Delete(w.ctx))
	return f
}

// day is a time of May 2030 in the session's zone.
func day(d, h, m int) time.Time { return time.Date(2030, 5, d, h, m, 0, 0, berlin) }

// add saves an appointment.
func (w *world) add(subject string, start, end time.Time, more func(a *cdo.AppointmentItem)) *cdo.AppointmentItem {
	w.Helper()
	a := get(w.calendar().Messages().AddAppointment(w.ctx))(w)
	a.SetSubject(subject)
	w.must(a.SetStartTime(w.ctx, start))
	w.must(a.SetEndTime(w.ctx, end))
	if more != nil {
		more(a)
	}
	w.must(a.Update(w.ctx, true, false))
	return a
}

// listed is what a calendar shows of a period.
func (w *world) listed(start, end time.Time) (list []string) {
	w.Helper()
	all := w.calendar().Messages()
	all.SetPeriod(start, end)
	for m, err := range all.All(w.ctx) {
		w.must(err)
		a, ok := m.Appointment()
		if !ok {
			w.Errorf("a message of class %d in the calendar", m.Class())
			continue
		}
		list = append(list, fmt.Sprintf("%s %s", get(a.StartTime(w.ctx))(w).Format("02 15:04"), get(a.Subject(w.ctx))(w)))
	}
	return list
}

func (w *world) same(what string, got []string, want ...string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// Reference 1.9: defaults of a new appointment, and what survives saving.
func TestAppointment(t *testing.T) {
	eachStore(t, func(w *world) {
		a := get(w.calendar().Messages().AddAppointment(w.ctx))(w)
		start, end := get(a.StartTime(w.ctx))(w), get(a.EndTime(w.ctx))(w)
		if start.Minute()%30 != 0 || start.Second() != 0 || end.Sub(start) != 30*time.Minute || time.Since(start) < 0 || time.Since(start) > 31*time.Minute {
			w.Errorf("a new appointment is from %v to %v", start, end)
		}
		if get(a.Duration(w.ctx))(w) != 30 || get(a.BusyStatus(w.ctx))(w) != cdo.CdoBusy || !get(a.ReminderSet(w.ctx))(w) || get(a.ReminderMinutesBeforeStart(w.ctx))(w) != 15 ||
			!get(a.ResponseRequested(w.ctx))(w) || get(a.MeetingStatus(w.ctx))(w) != cdo.CdoNonMeeting || get(a.IsRecurring(w.ctx))(w) || get(a.AllDayEvent(w.ctx))(w) ||
			get(a.Type(w.ctx))(w) != "IPM.Appointment" || a.Class() != cdo.CdoAppointment {
			w.Error("the defaults differ")
		}
		for what, err := range map[string]error{
			"ReplyTime": second(a.ReplyTime(w.ctx)), "Sender": second(a.Sender(w.ctx)), "ConversationTopic": second(a.ConversationTopic(w.ctx)),
			"TimeExpired": second(a.TimeExpired(w.ctx)),
		} {
			want(w.T, what, err, cdo.CdoE_NOT_FOUND)
		}
		for what, err := range map[string]error{
			"Respond": second(a.Respond(w.ctx, cdo.CdoResponseAccepted)), "Forward": second(a.Forward(w.ctx)), "CopyTo": second(a.CopyTo(w.ctx, w.inbox().ID(), "")),
			"MoveTo": second(a.MoveTo(w.ctx, w.inbox().ID(), "")), "Options": a.Options(w.ctx, 0), "Send of no meeting": a.Send(w.ctx, true),
		} {
			want(w.T, what, err, cdo.CdoE_NO_SUPPORT)
		}
		a.SetSubject("Tea")
		a.SetLocation("Dorset Street")
		a.SetBusyStatus(cdo.CdoOutOfOffice)
		a.SetReplyTime(day(1, 8, 0))
		w.must(a.SetReminderMinutesBeforeStart(w.ctx, 45))
		w.must(a.SetStartTime(w.ctx, time.Date(2030, 5, 7, 14, 0, 59, 0, berlin)))
		w.must(a.SetEndTime(w.ctx, day(7, 15, 30)))
		w.must(a.Update(w.ctx, true, false))

		b, ok := get(w.session.GetMessage(w.ctx, a.ID(), ""))(w).Appointment()
		if !ok {
			w.Fatal("GetMessage gives no appointment")
		}
		if s := get(b.StartTime(w.ctx))(w); !s.Equal(day(7, 14, 0)) || s.Location() != berlin { // seconds are dropped
			w.Errorf("it begins at %v", s)
		}
		if get(b.Duration(w.ctx))(w) != 90 || get(b.Location(w.ctx))(w) != "Dorset Street" || get(b.BusyStatus(w.ctx))(w) != cdo.CdoOutOfOffice ||
			get(b.ReminderMinutesBeforeStart(w.ctx))(w) != 45 || !get(b.ReplyTime(w.ctx))(w).Equal(day(1, 8, 0)) {
			w.Error("something isn't as it was saved")
		}
		if v := w.field(b.Fields(), cdo.CdoPR_START_DATE); !v.(time.Time).Equal(day(7, 14, 0)) {
			w.Errorf("PR_START_DATE is %v", v)
		}
		// what Outlook goes by ([MS-OXOCAL] 2.2.1)
		it := get(mapi.ReadItem(w.ctx, getMAPI(w, b.Message), entryID(w.T, b.ID())))(w)
		for k, v := range map[mapi.Key]mapi.Value{pid.LidReminderSignalTime: mapi.NewFileTime(day(7, 13, 15)), pid.LidCommonEnd: mapi.NewFileTime(day(7, 15, 30)), pid.LidAppointmentDuration: int32(90)} {
			if it.Props.Get(k) != v {
				w.Errorf("%v is %v, want %v", k, it.Props.Get(k), v)
			}
		}

		b.SetReminderSet(false)
		_, err := b.ReminderMinutesBeforeStart(w.ctx)
		want(w.T, "minutes without a reminder", err, cdo.CdoE_NOT_FOUND)
		want(w.T, "setting them", b.SetReminderMinutesBeforeStart(w.ctx, 5), cdo.CdoE_NOT_FOUND)
		w.must(b.SetEndTime(w.ctx, day(7, 14, 0)))
		want(w.T, "an end that isn't after the begin", b.Update(w.ctx, true, false), cdo.CdoE_INVALID_OBJECT)
		w.must(b.SetEndTime(w.ctx, day(7, 14, 1)))
		w.must(b.Update(w.ctx, true, false))
		b.SetReminderSet(true)
		w.must(b.SetReminderMinutesBeforeStart(w.ctx, 1<<30))
		want(w.T, "an absurd reminder", b.Update(w.ctx, true, false), cdo.CdoE_INVALID_OBJECT)
	})
}

// Reference 1.9 AllDayEvent.
func TestAllDayEvent(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ start, end, allStart, allEnd, backEnd time.Time }{
		{day(7, 14, 0), day(7, 15, 0), day(7, 0, 0), day(8, 0, 0), day(7, 9, 30)},
		{day(7, 14, 0), day(9, 10, 0), day(7, 0, 0), day(10, 0, 0), day(9, 9, 30)},
		{day(7, 14, 0), day(9, 0, 0), day(7, 0, 0), day(9, 0, 0), day(8, 9, 30)},
	} {
		a := get(w.calendar().Messages().AddAppointment(w.ctx))(w)
		w.must(a.SetStartTime(w.ctx, c.start))
		w.must(a.SetEndTime(w.ctx, c.end))
		w.must(a.SetAllDayEvent(w.ctx, true))
		if s, e := get(a.StartTime(w.ctx))(w), get(a.EndTime(w.ctx))(w); !s.Equal(c.allStart) || !e.Equal(c.allEnd) || !get(a.AllDayEvent(w.ctx))(w) {
			t.Errorf("%v to %v becomes %v to %v", c.start, c.end, s, e)
		}
		w.must(a.Update(w.ctx, true, false))
		w.must(a.SetEndTime(w.ctx, c.allEnd.Add(time.Hour)))
		want(t, "a day and an hour", a.Update(w.ctx, true, false), cdo.CdoE_INVALID_OBJECT)
		w.must(a.SetEndTime(w.ctx, c.allEnd))
		w.must(a.SetAllDayEvent(w.ctx, false))
		if s, e := get(a.StartTime(w.ctx))(w), get(a.EndTime(w.ctx))(w); !s.Equal(day(7, 9, 0)) || !e.Equal(c.backEnd) {
			t.Errorf("back it is from %v to %v", s, e)
		}
		w.must(a.Update(w.ctx, true, false))
	}
}

// Reference 1.6, 1.7: a calendar is ordered by the begin, filtered by a period, and by nothing else.
func TestCalendarList(t *testing.T) {
	eachStore(t, func(w *world) {
		f := w.emptyCalendar()
		w.add("third", day(7, 14, 0), day(7, 15, 0), nil)
		w.add("first", day(6, 9, 0), day(6, 10, 0), nil)
		w.add("second", day(6, 23, 0), day(7, 1, 0), nil)
		w.same("all", w.listed(day(1, 0, 0), day(30, 0, 0)), "06 09:00 first", "06 23:00 second", "07 14:00 third")
		w.same("overlapping", w.listed(day(7, 0, 0), day(7, 13, 59)), "06 23:00 second")
		w.same("touching", w.listed(day(6, 10, 0), day(6, 23, 0)), "06 09:00 first", "06 23:00 second")
		w.same("none", w.listed(day(8, 0, 0), day(9, 0, 0)))

		// script 25 of section 7
		list := f.Messages()
		get(list.Filter().Fields().Add(cdo.CdoPR_START_DATE, day(7, 13, 59)))(w)
		get(list.Filter().Fields().Add(cdo.CdoPR_END_DATE, day(7, 0, 0)))(w)
		if n := get(list.Count(w.ctx))(w); n != 1 {
			w.Errorf("the filter gives %d", n)
		}
		list = f.Messages()
		if m := get(list.GetFirst(w.ctx, "IPM.Note"))(w); m == nil || m.Class() != cdo.CdoAppointment || get(m.Subject(w.ctx))(w) != "first" {
			w.Error("GetFirst with a class isn't the first appointment")
		}
		if m := get(list.GetLast(w.ctx, ""))(w); get(m.Subject(w.ctx))(w) != "third" || get(get(list.GetPrevious(w.ctx))(w).Subject(w.ctx))(w) != "second" {
			w.Error("GetLast isn't the last")
		}
		for name, set := range map[string]func(l *cdo.Messages){
			"a subject": func(l *cdo.Messages) { l.Filter().SetSubject("x") },
			"a field":   func(l *cdo.Messages) { get(l.Filter().Fields().Add(cdo.CdoPR_IMPORTANCE, int32(1)))(w) },
			"not":       func(l *cdo.Messages) { l.SetPeriod(day(1, 0, 0), day(2, 0, 0)); l.Filter().SetNot(true) },
			"sorting":   func(l *cdo.Messages) { w.must(l.Sort(cdo.CdoAscending, cdo.CdoPR_SUBJECT)) },
		} {
			l := f.Messages()
			set(l)
			_, err := l.GetFirst(w.ctx, "")
			want(w.T, name, err, cdo.CdoE_TOO_COMPLEX)
		}
		if _, err := w.inbox().Messages().AddAppointment(w.ctx); !errors.Is(err, cdo.CdoE_NO_SUPPORT) {
			w.Errorf("an appointment in the Inbox: %v", err)
		}
	})
}

// Reference 1.11: the default pattern, and how its values depend on each other.
func TestRecurrencePattern(t *testing.T) {
	w := newWorld(t)
	a := get(w.calendar().Messages().AddAppointment(w.ctx))(w)
	w.must(a.SetStartTime(w.ctx, day(15, 10, 0))) // a Wednesday, the third of the month
	w.must(a.SetEndTime(w.ctx, day(15, 11, 15)))
	if get(a.IsRecurring(w.ctx))(w) {
		t.Error("it recurs from the beginning")
	}
	p := get(a.GetRecurrencePattern(w.ctx))(w)
	if !get(a.IsRecurring(w.ctx))(w) || p.Parent() != cdo.Object(a) || p.Class() != cdo.CdoRecurrencePattern || get(a.GetRecurrencePattern(w.ctx))(w) != p {
		t.Error("GetRecurrencePattern doesn't make a series")
	}
	if p.RecurrenceType() != cdo.CdoRecurTypeWeekly || p.Interval() != 1 || p.DayOfMonth() != 15 || p.DayOfWeekMask() != 8 || p.Instance() != 3 || p.MonthOfYear() != 5 ||
		!p.PatternStartDate().Equal(day(15, 10, 0)) || p.PatternEndDate().Year() != 4001 || p.Occurrences() != 1490000 || !p.NoEndDate() ||
		!p.StartTime().Equal(day(15, 10, 0)) || !p.EndTime().Equal(day(15, 11, 15)) || p.Duration() != 75 {
		t.Errorf("the default pattern is %v", p)
	}
	for what, err := range map[string]error{
		"StartTime": second(a.StartTime(w.ctx)), "EndTime": second(a.EndTime(w.ctx)), "AllDayEvent": second(a.AllDayEvent(w.ctx)), "setting it": a.SetStartTime(w.ctx, day(1, 1, 0)),
	} {
		want(t, what+" of a series", err, cdo.CdoE_NO_SUPPORT)
	}
	end := func(what string, want time.Time, n int32) {
		t.Helper()
		if !p.PatternEndDate().Equal(want) || p.Occurrences() != n {
			t.Errorf("%s: %d until %v, want %d until %v", what, p.Occurrences(), p.PatternEndDate(), n, want)
		}
	}
	p.SetNoEndDate(false)
	end("NoEndDate cleared", day(15+63, 10, 0), 10)
	w.must(p.SetOccurrences(3))
	end("Occurrences", day(29, 10, 0), 3)
	w.must(p.SetInterval(2))
	end("Interval", day(15+28, 10, 0), 3)
	w.must(p.SetPatternEndDate(day(30, 23, 0)))
	end("PatternEndDate", day(30, 10, 0), 2)
	w.must(p.SetPatternStartDate(day(22, 3, 0)))
	end("PatternStartDate", day(22+14, 10, 0), 2)
	w.must(p.SetRecurrenceType(cdo.CdoRecurTypeDaily))
	end("daily", day(24, 10, 0), 2)
	p.SetNoEndDate(true)
	if p.Occurrences() != 1490000 || p.PatternEndDate().Year() != 4001 {
		t.Error("NoEndDate set leaves an end")
	}
	w.must(p.SetStartTime(day(22, 16, 0)))
	if p.SetEndTime(day(22, 2, 0)); p.Duration() != 10*60 || !p.EndTime().Equal(day(23, 2, 0)) { // an earlier time of day is on the next
		t.Errorf("it ends at %v", p.EndTime())
	}
	for what, err := range map[string]error{
		"mask 0": p.SetDayOfWeekMask(0), "mask 128": p.SetDayOfWeekMask(128), "another day": p.SetStartTime(day(23, 9, 0)), "type 4": p.SetRecurrenceType(4),
		"interval 1000": p.SetInterval(1000), "instance 6": p.SetInstance(6), "month 13": p.SetMonthOfYear(13), "day 32": p.SetDayOfMonth(32), "no occurrences": p.SetOccurrences(0),
		"year 4000": p.SetPatternEndDate(time.Date(4000, 1, 1, 0, 0, 0, 0, berlin)),
	} {
		want(t, what, err, cdo.CdoE_INVALID_PARAMETER)
	}
	w.must(a.ClearRecurrencePattern(w.ctx))
	if get(a.IsRecurring(w.ctx))(w) || !get(a.StartTime(w.ctx))(w).Equal(day(22, 16, 0)) {
		t.Error("ClearRecurrencePattern leaves a series")
	}
}

// Series of all types, saved, read again and expanded.
func TestSeries(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(w *world, p *cdo.RecurrencePattern)
		want string
	}{
		"daily": {func(w *world, p *cdo.RecurrencePattern) {
			w.must(p.SetRecurrenceType(cdo.CdoRecurTypeDaily))
			w.must(p.SetInterval(3))
		}, "05-15 05-18 05-21 05-24"},
		"weekly": {func(w *world, p *cdo.RecurrencePattern) {
			w.must(p.SetDayOfWeekMask(int32(cdo.CdoMonday | cdo.CdoWednesday)))
			w.must(p.SetInterval(2))
		}, "05-15 05-27 05-29 06-10"},
		"monthly": {func(w *world, p *cdo.RecurrencePattern) {
			w.must(p.SetRecurrenceType(cdo.CdoRecurTypeMonthly))
			w.must(p.SetDayOfMonth(31))
		}, "05-31 06-30 07-31 08-31"},
		"monthly nth": {func(w *world, p *cdo.RecurrencePattern) {
			w.must(p.SetRecurrenceType(cdo.CdoRecurTypeMonthlyNth))
			w.must(p.SetInstance(5))
			w.must(p.SetDayOfWeekMask(int32(cdo.CdoFriday)))
			w.must(p.SetInterval(2))
		}, "05-31 07-26 09-27 11-29"},
		"yearly": {func(w *world, p *cdo.RecurrencePattern) {
			w.must(p.SetRecurrenceType(cdo.CdoRecurTypeYearly))
			w.must(p.SetMonthOfYear(2))
			w.must(p.SetDayOfMonth(29)) // reference 1.11: the 28th in other years
		}, "02-28 02-29 02-28 02-28"},
		"yearly nth": {func(w *world, p *cdo.RecurrencePattern) {
			w.must(p.SetRecurrenceType(cdo.CdoRecurTypeYearlyNth))
			w.must(p.SetMonthOfYear(11))
			w.must(p.SetInstance(4))
			w.must(p.SetDayOfWeekMask(int32(cdo.CdoThursday)))
		}, "11-28 11-27 11-25 11-24"},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(w *world) {
				w.emptyCalendar()
				w.add("Series", day(15, 10, 0), day(15, 11, 0), func(a *cdo.AppointmentItem) {
					p := get(a.GetRecurrencePattern(w.ctx))(w)
					c.set(w, p)
					w.must(p.SetOccurrences(4))
				})
				list := w.calendar().Messages()
				list.SetPeriod(day(1, 0, 0), day(1, 0, 0).AddDate(20, 0, 0))
				var got []string
				for m, err := range list.All(w.ctx) {
					w.must(err)
					a, _ := m.Appointment()
					s := get(a.StartTime(w.ctx))(w)
					got = append(got, s.Format("01-02"))
					if s.Hour() != 10 || !get(a.IsRecurring(w.ctx))(w) || get(a.Duration(w.ctx))(w) != 60 {
						w.Errorf("an occurrence at %v", s)
					}
					if master := get(a.GetRecurrencePattern(w.ctx))(w).Parent(); master.(*cdo.AppointmentItem).ID() != a.ID() {
						w.Error("the pattern isn't the series'")
					}
				}
				if s := strings.Join(got, " "); s != c.want {
					w.Errorf("it takes place on %s, want %s", s, c.want)
				}
				a, _ := get(w.calendar().Messages().GetFirst(w.ctx, ""))(w).Appointment()
				p := get(a.GetRecurrencePattern(w.ctx))(w)
				before := p.String()
				if p.Occurrences() != 4 || p.NoEndDate() {
					w.Errorf("read again it has %d occurrences", p.Occurrences())
				}
				w.must(a.Update(w.ctx, true, false))
				if again := get(w.session.GetMessage(w.ctx, a.ID(), ""))(w); get(mustAppointment(w, again).GetRecurrencePattern(w.ctx))(w).String() != before {
					w.Error("the pattern differs after an Update that changed nothing")
				}
			})
		})
	}
}

func mustAppointment(w *world, m *cdo.Message) *cdo.AppointmentItem {
	w.Helper()
	a, ok := m.Appointment()
	if !ok {
		w.Fatal("no appointment")
	}
	return a
}

// Reference 1.9: an occurrence that is edited is an exception of its series; what it doesn't have of its own follows the series.
func TestExceptions(t *testing.T) {
	eachStore(t, func(w *world) {
		w.emptyCalendar()
		master := w.add("Series", day(6, 10, 0), day(6, 11, 0), func(a *cdo.AppointmentItem) {
			a.SetLocation("Room 1")
			p := get(a.GetRecurrencePattern(w.ctx))(w)
			w.must(p.SetRecurrenceType(cdo.CdoRecurTypeDaily))
			w.must(p.SetOccurrences(6))
		})
		on := func(d int) *cdo.AppointmentItem {
			w.Helper()
			list := w.calendar().Messages()
			list.SetPeriod(day(d, 0, 0), day(d, 23, 0))
			return mustAppointment(w, get(list.GetFirst(w.ctx, ""))(w))
		}
		a := on(8)
		a.SetSubject("Especially")
		w.must(a.SetStartTime(w.ctx, day(8, 15, 0)))
		w.must(a.SetEndTime(w.ctx, day(8, 17, 0)))
		a.SetText("bring cake")
		w.must(a.Update(w.ctx, true, false))
		if get(a.Subject(w.ctx))(w) != "Especially" || get(a.Duration(w.ctx))(w) != 120 {
			w.Error("the exception isn't as it was saved")
		}
		w.must(on(9).Delete(w.ctx, false))
		b := on(10)
		b.SetBusyStatus(cdo.CdoFree)
		w.must(b.Update(w.ctx, true, false))
		w.same("with exceptions", w.listed(day(1, 0, 0), day(30, 0, 0)),
			"06 10:00 Series", "07 10:00 Series", "08 15:00 Especially", "10 10:00 Series", "11 10:00 Series")

		again := mustAppointment(w, get(w.session.GetMessage(w.ctx, master.ID(), ""))(w))
		again.SetLocation("Room 2")
		again.SetSubject("Renamed")
		w.must(again.Update(w.ctx, true, false))
		w.same("the series renamed", w.listed(day(7, 0, 0), day(10, 23, 0)), "07 10:00 Renamed", "08 15:00 Especially", "10 10:00 Renamed")
		if a := on(8); get(a.Location(w.ctx))(w) != "Room 2" || get(a.Text(w.ctx))(w) != "bring cake" || get(on(10).BusyStatus(w.ctx))(w) != cdo.CdoFree || get(on(7).BusyStatus(w.ctx))(w) != cdo.CdoBusy {
			w.Errorf("the exception has %q and %q", get(a.Location(w.ctx))(w), get(a.Text(w.ctx))(w))
		}

		for what, to := range map[string]time.Time{"the day of another": day(7, 20, 0), "past a neighbour": day(12, 9, 0), "over another": day(11, 9, 30)} {
			c := on(10)
			w.must(c.SetStartTime(w.ctx, to))
			w.must(c.SetEndTime(w.ctx, to.Add(time.Hour)))
			want(w.T, what, c.Update(w.ctx, true, false), cdo.CdoE_COLLISION)
		}
		c := on(8) // once more, back to nearly where it was
		w.must(c.SetStartTime(w.ctx, day(8, 9, 30)))
		w.must(c.SetEndTime(w.ctx, day(8, 10, 0)))
		w.must(c.Update(w.ctx, true, false))
		w.same("moved again", w.listed(day(8, 0, 0), day(8, 23, 0)), "08 09:30 Especially")
		it := get(mapi.ReadItem(w.ctx, getMAPI(w, again.Message), entryID(w.T, again.ID())))(w)
		if len(it.Attachments) != 2 {
			w.Errorf("the series has %d attachments for two exceptions", len(it.Attachments))
		}
		want(w.T, "ClearRecurrencePattern of an occurrence", on(8).ClearRecurrencePattern(w.ctx), cdo.CdoE_NO_SUPPORT)
		if n := get(get(on(8).Attachments(w.ctx))(w).Count(w.ctx))(w); n != 0 {
			w.Errorf("an occurrence shows %d attachments", n)
		}

		// a changed pattern has no exceptions any more (Outlook's store)
		p := get(again.GetRecurrencePattern(w.ctx))(w)
		w.must(p.SetInterval(2))
		w.must(again.Update(w.ctx, true, false))
		w.same("another pattern", w.listed(day(1, 0, 0), day(11, 0, 0)), "06 10:00 Renamed", "08 10:00 Renamed", "10 10:00 Renamed")
		w.must(again.ClearRecurrencePattern(w.ctx))
		w.must(again.Update(w.ctx, true, false))
		w.same("no series", w.listed(day(1, 0, 0), day(30, 0, 0)), "06 10:00 Renamed")
		w.must(again.Delete(w.ctx, false))
		w.same("deleted", w.listed(day(1, 0, 0), day(30, 0, 0)))
	})
}

// The sample of another program: a series with an exception whose attachment isn't marked as CDO marks its own.
func TestSampleSeries(t *testing.T) {
	w := newWorld(t)
	list := w.calendar().Messages()
	list.SetPeriod(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC))
	n := 0
	for m, err := range list.All(w.ctx) {
		w.must(err)
		if get(mustAppointment(w, m).IsRecurring(w.ctx))(w) {
			n++
		}
	}
	if n != 10 {
		t.Errorf("%d occurrences, want 10", n)
	}
}

// A series keeps its time of day across changes of the clock.
func TestSeriesKeepsItsClock(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("SKIPPED: no time zones here: %v", err)
	}
	w := newWorld(t)
	s := cdo.NewSession(cdo.Config{Location: loc})
	w.must(s.SetMAPIObject([]mapi.Store{w.store}))
	f := get(s.GetDefaultFolder(w.ctx, cdo.CdoDefaultFolderCalendar))(w)
	w.must(f.Messages().Delete(w.ctx))
	a := get(f.Messages().AddAppointment(w.ctx))(w)
	w.must(a.SetStartTime(w.ctx, time.Date(2030, 3, 25, 9, 0, 0, 0, loc)))
	w.must(a.SetEndTime(w.ctx, time.Date(2030, 3, 25, 10, 0, 0, 0, loc)))
	get(a.GetRecurrencePattern(w.ctx))(w)
	w.must(a.Update(w.ctx, true, false))
	list := f.Messages()
	list.SetPeriod(time.Date(2030, 1, 1, 0, 0, 0, 0, loc), time.Date(2030, 12, 31, 0, 0, 0, 0, loc))
	offsets := map[int]int{}
	for m, err := range list.All(w.ctx) {
		w.must(err)
		start := get(mustAppointment(w, m).StartTime(w.ctx))(w)
		if start.Hour() != 9 || start.Weekday() != time.Monday {
			t.Errorf("an occurrence at %v", start)
		}
		_, offset := start.Zone()
		offsets[offset]++
	}
	if offsets[3600] != 11 || offsets[7200] != 30 {
		t.Errorf("occurrences by offset: %v", offsets)
	}
	it := get(mapi.ReadItem(w.ctx, getMAPI(w, a.Message), entryID(t, a.ID())))(w)
	b, _ := it.Props.Get(pid.LidAppointmentTimeZoneDefinitionRecur).([]byte)
	if z := get(oxocal.DecodeTimeZoneDefinition(b))(w); z.KeyName != "W. Europe Standard Time" { // what Outlook calls it
		t.Errorf("the zone is called %q", z.KeyName)
	}
	// another session sees the same moments
	other := cdo.NewSession(cdo.Config{Location: time.UTC})
	w.must(other.SetMAPIObject([]mapi.Store{w.store}))
	list = get(other.GetDefaultFolder(w.ctx, cdo.CdoDefaultFolderCalendar))(w).Messages()
	list.SetPeriod(time.Date(2030, 7, 1, 0, 0, 0, 0, loc), time.Date(2030, 7, 2, 0, 0, 0, 0, loc))
	if start := get(mustAppointment(w, get(list.GetFirst(w.ctx, ""))(w)).StartTime(w.ctx))(w); start.Hour() != 7 {
		t.Errorf("in UTC it is at %v", start)
	}
}

// Reference 1.6 Delete: what the collection has, of a series only the occurrences that it lists. RawTable shows series as they are.
func TestCalendarDelete(t *testing.T) {
	eachStore(t, func(w *world) {
		f := w.emptyCalendar()
		w.add("Series", day(6, 10, 0), day(6, 11, 0), func(a *cdo.AppointmentItem) {
			w.must(get(a.GetRecurrencePattern(w.ctx))(w).SetRecurrenceType(cdo.CdoRecurTypeDaily))
		})
		w.add("Single", day(7, 12, 0), day(7, 13, 0), nil)
		w.add("Later", day(9, 12, 0), day(9, 13, 0), nil)
		list := f.Messages()
		list.SetPeriod(day(7, 0, 0), day(8, 23, 0))
		rows := 0
		for _, err := range list.RawTable()(w.ctx, mapi.TagKey(pid.TagSubject)) {
			w.must(err)
			rows++
		}
		if n := get(list.Count(w.ctx))(w); n != 3 || rows != 2 {
			w.Errorf("%d members and %d rows", n, rows)
		}
		w.must(list.Delete(w.ctx))
		w.same("what is left", w.listed(day(1, 0, 0), day(9, 23, 0)), "06 10:00 Series", "09 10:00 Series", "09 12:00 Later")
		all := f.Messages()
		if n := get(all.Count(w.ctx))(w); n != 2 {
			w.Errorf("%d items are left", n)
		}
		// walking and deleting keeps the place
		list = f.Messages()
		list.SetPeriod(day(9, 0, 0), day(12, 23, 0))
		n := 0
		m, err := list.GetFirst(w.ctx, "")
		for ; m != nil; m, err = list.GetNext(w.ctx) {
			w.must(m.Delete(w.ctx, false))
			n++
		}
		w.must(err)
		if n != 5 {
			w.Errorf("%d were deleted", n)
		}
		w.same("after the walk", w.listed(day(1, 0, 0), day(13, 23, 0)), "06 10:00 Series", "13 10:00 Series")
	})
}

// Reference 1.9: an occurrence of a meeting is sent by itself, with the identity of its day ([MS-OXOCAL] 2.2.1.27).
func TestMeetingOccurrence(t *testing.T) {
	ada, charles := couple(t)
	a := get(ada.calendar().Messages().AddAppointment(ada.ctx))(ada.world)
	a.SetSubject("Weekly")
	ada.must(a.SetStartTime(ada.ctx, day(7, 14, 0)))
	ada.must(a.SetEndTime(ada.ctx, day(7, 15, 0)))
	get(a.GetRecurrencePattern(ada.ctx))(ada.world)
	a.SetMeetingStatus(cdo.CdoMeeting)
	r := get(get(a.Recipients(ada.ctx))(ada.world).Add(ada.ctx, "Charles", "SMTP:"+charles.address, cdo.CdoTo))(ada.world)
	ada.must(r.Resolve(ada.ctx, false))
	ada.from(a.Message)
	ada.must(a.Send(ada.ctx, true))
	get(charles.newest().Respond(charles.ctx, cdo.CdoResponseAccepted))(charles.world)
	charles.same("the series", charles.listed(day(1, 0, 0), day(21, 23, 0)), "07 14:00 Weekly", "14 14:00 Weekly", "21 14:00 Weekly")

	list := ada.calendar().Messages()
	list.SetPeriod(day(14, 0, 0), day(14, 23, 0))
	one := mustAppointment(ada.world, get(list.GetFirst(ada.ctx, ""))(ada.world))
	ada.must(one.SetStartTime(ada.ctx, day(14, 16, 0)))
	ada.must(one.SetEndTime(ada.ctx, day(14, 17, 0)))
	ada.must(one.Send(ada.ctx, true))
	ada.same("the organizer's calendar", ada.listed(day(1, 0, 0), day(21, 23, 0)), "07 14:00 Weekly", "14 16:00 Weekly", "21 14:00 Weekly")
	b := get(charles.newest().GetAssociatedAppointment(charles.ctx))(charles.world)
	charles.must(b.Update(charles.ctx, true, false))
	charles.same("the attendee's calendar", charles.listed(day(1, 0, 0), day(21, 23, 0)), "07 14:00 Weekly", "14 16:00 Weekly", "21 14:00 Weekly")
	it := get(mapi.ReadItem(charles.ctx, getMAPI(charles.world, b.Message), entryID(t, b.ID())))(charles.world)
	if s, _ := it.Props.Get(pid.LidAllAttendeesString).(string); s != "Charles" {
		t.Errorf("attendees are %q", s)
	}
}

// A pattern that cannot be read is shown as one appointment, and never overwritten.
func TestDamagedSeries(t *testing.T) {
	w := newWorld(t)
	w.emptyCalendar()
	a := w.add("Series", day(6, 10, 0), day(6, 11, 0), func(a *cdo.AppointmentItem) { get(a.GetRecurrencePattern(w.ctx))(w) })
	f := get(a.Fields().ByKey(w.ctx, pid.LidAppointmentRecur))(w)
	w.must(f.SetValue([]byte("damaged")))
	w.must(a.Update(w.ctx, true, false))
	w.same("the list", w.listed(day(1, 0, 0), day(30, 0, 0)), "06 10:00 Series")
	again := mustAppointment(w, get(w.session.GetMessage(w.ctx, a.ID(), ""))(w))
	_, err := again.GetRecurrencePattern(w.ctx)
	want(t, "the pattern", err, cdo.CdoE_CORRUPT_DATA)
	w.must(again.Update(w.ctx, true, false))
	if v := get(get(again.Fields().ByKey(w.ctx, pid.LidAppointmentRecur))(w).Value(w.ctx))(w); v != "64616D61676564" {
		t.Errorf("the pattern became %v", v)
	}
}
