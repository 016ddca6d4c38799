package cdo_test

import (
	"context"
	"fmt"
	"time"

	"github.com/opencdo/opencdo/cdo"
)

// may is a time of May 2030.
func may(day, hour int) time.Time { return time.Date(2030, 5, day, hour, 0, 0, 0, time.UTC) }

// An appointment is begun in a calendar and saved by its Update.
func ExampleMessages_AddAppointment() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	calendar := must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderCalendar))
	a := must(calendar.Messages().AddAppointment(ctx))
	a.SetSubject("Tea with Mr Babbage")
	a.SetLocation("Dorset Street")
	check(a.SetStartTime(ctx, may(7, 15)))
	check(a.SetEndTime(ctx, may(7, 16)))
	a.SetBusyStatus(cdo.CdoBusy)
	check(a.SetReminderMinutesBeforeStart(ctx, 30))
	check(a.Update(ctx, true, false))
	fmt.Println(must(a.StartTime(ctx)).Format(time.DateTime), must(a.Duration(ctx)), must(a.Location(ctx)))
	// Output: 2030-05-07 15:00:00 60 Dorset Street
}

// A series is an appointment with a pattern.
func ExampleRecurrencePattern() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	calendar := must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderCalendar))
	a := must(calendar.Messages().AddAppointment(ctx))
	a.SetSubject("Reading")
	check(a.SetStartTime(ctx, may(1, 19)))
	check(a.SetEndTime(ctx, may(1, 20)))
	p := must(a.GetRecurrencePattern(ctx))
	check(p.SetRecurrenceType(cdo.CdoRecurTypeMonthlyNth))
	check(p.SetDayOfWeekMask(int32(cdo.CdoFriday)))
	check(p.SetInstance(5)) // the last
	check(p.SetOccurrences(4))
	check(a.Update(ctx, true, false))
	fmt.Println(p)
	fmt.Println(p.PatternEndDate().Format(time.DateOnly))
	// Output:
	// the last Friday of every month from 19:00 to 20:00
	// 2030-08-30
}

// With a period, a calendar gives each occurrence of a series as an appointment of its own. Changing one makes it an exception.
func ExampleMessages_SetPeriod() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	calendar := must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderCalendar))
	a := must(calendar.Messages().AddAppointment(ctx))
	a.SetSubject("Standup")
	check(a.SetStartTime(ctx, may(6, 9)))
	check(a.SetEndTime(ctx, may(6, 10)))
	check(must(a.GetRecurrencePattern(ctx)).SetRecurrenceType(cdo.CdoRecurTypeDaily))
	check(a.Update(ctx, true, false))

	wednesday := calendar.Messages()
	wednesday.SetPeriod(may(8, 0), may(8, 23))
	one, _ := must(wednesday.GetFirst(ctx, "")).Appointment()
	check(one.SetStartTime(ctx, may(8, 11)))
	check(one.SetEndTime(ctx, may(8, 12)))
	check(one.Update(ctx, true, false))

	week := calendar.Messages()
	week.SetPeriod(may(7, 0), may(9, 23))
	for m, err := range week.All(ctx) {
		check(err)
		a, _ := m.Appointment()
		fmt.Println(must(a.StartTime(ctx)).Format("Mon 15:04"), must(a.Subject(ctx)), must(a.IsRecurring(ctx)))
	}
	// Output:
	// Tue 09:00 Standup true
	// Wed 11:00 Standup true
	// Thu 09:00 Standup true
}

// An appointment becomes a meeting when it is sent as one, and is cancelled in the same way.
func ExampleAppointmentItem_Send() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	a := must(must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderCalendar)).Messages().AddAppointment(ctx))
	a.SetSubject("The Engine")
	check(a.SetStartTime(ctx, may(7, 15)))
	check(a.SetEndTime(ctx, may(7, 16)))
	attendees := must(a.Recipients(ctx))
	must(attendees.Add(ctx, "Charles", "SMTP:charles@example.com", cdo.CdoTo))
	check(attendees.Resolve(ctx, false))
	a.SetMeetingStatus(cdo.CdoMeeting)
	check(a.Send(ctx, true))
	a.SetMeetingStatus(cdo.CdoMeetingCanceled)
	check(a.Send(ctx, true))
	check(a.Delete(ctx, false))

	for m, err := range must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderSentItems)).Messages().All(ctx) {
		check(err)
		fmt.Println(must(m.Type(ctx)), "/", must(m.Subject(ctx)))
	}
	// Output:
	// IPM.Schedule.Meeting.Request / The Engine
	// IPM.Schedule.Meeting.Canceled / Canceled: The Engine
}

// An agent that accepts what doesn't collide, as the sample of Exchange 5.5 did.
func ExampleMeetingItem_Respond() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	accept := func(id string) error {
		m, err := s.GetMessage(ctx, id, "")
		if err != nil {
			return err
		}
		request, ok := m.Meeting()
		if !ok || must(request.MeetingType(ctx)) != cdo.CdoMeetingRequest {
			return nil
		}
		response, err := request.Respond(ctx, cdo.CdoResponseAccepted)
		if err != nil {
			return err
		}
		response.SetText("Accepted by a machine.")
		return response.Send(ctx, true)
	}
	inbox := must(s.Inbox(ctx))
	for m, err := range inbox.Messages().All(ctx) {
		check(err)
		check(accept(m.ID()))
	}
	fmt.Println(must(must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderCalendar)).Messages().Count(ctx)))
	// Output: 0
}

// A digit for each half hour: free, tentative, busy, out of office. Of the user, the calendar is asked where no server knows.
func ExampleAddressEntry_GetFreeBusy() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	a := must(must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderCalendar)).Messages().AddAppointment(ctx))
	check(a.SetStartTime(ctx, may(7, 10)))
	check(a.SetEndTime(ctx, may(7, 11)))
	check(a.Update(ctx, true, false))
	me := must(s.CurrentUser(ctx))
	fmt.Println(must(me.GetFreeBusy(ctx, may(7, 9), may(7, 12), 30)))
	// Output: 002200
}

// Calendar options lie in the mailbox.
func ExampleSession_SetOption() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	check(s.SetOption(ctx, "WorkingDays", int32(cdo.CdoMonday|cdo.CdoTuesday|cdo.CdoWednesday|cdo.CdoThursday)))
	fmt.Println(must(s.GetOption(ctx, "WorkingDays")), must(s.GetOption(ctx, "FreeBusyMonths")))
	// Output: 30 3
}
