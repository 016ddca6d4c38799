package model

var (
	start = rw("StartTime", "Date", "When it begins. Seconds are dropped. Of a series ask its RecurrencePattern: CdoE_NO_SUPPORT. Not before the end: CdoE_INVALID_OBJECT from Update and Send.")
	end   = rw("EndTime", "Date", "When it ends. Seconds are dropped. Of a series ask its RecurrencePattern: CdoE_NO_SUPPORT.")
)

var respond = fn("Respond", "MeetingItem", "Begins the answer to a meeting request: accepted, tentative or declined. Accepting and tentative save the appointment in the calendar; the program sets a text and sends the answer.",
	req("RespondType", "CdoResponseStatus"))

var calendarObjects = []Object{
	{Name: "AppointmentItem", IID: "{EF9203E7-B9A5-101B-ACC1-00AA00423326}", Class: 26, Since: "1.2", Default: "Subject",
		Help: "An entry of a calendar: an appointment, a meeting, a series, or one occurrence of a series. Messages.Add makes one in a calendar.",
		Members: messageMembers(
			rw("AllDayEvent", "Boolean", "It lasts whole days. Setting it moves begin and end to midnight; clearing it puts half an hour at the begin of the business day. Of a series: CdoE_NO_SUPPORT."),
			rw("BusyStatus", "CdoBusyStatus", "How the time is shown to others."),
			ro("Duration", "Long", "The length in minutes."),
			end,
			ro("IsRecurring", "Boolean", "It is a series or an occurrence of one. Ask this rather than GetRecurrencePattern, which makes a series."),
			rw("Location", "String", "Where it is."),
			rw("MeetingResponseStatus", "CdoResponseStatus", "The user's answer; on the appointment of a response, that attendee's."),
			rw("MeetingStatus", "CdoMeetingStatusTypes", "Whether it is a meeting. Set it to CdoMeeting before Send to invite, to CdoMeetingCanceled to cancel."),
			ro("Organizer", "AddressEntry", "Whose meeting it is."),
			rw("ReminderMinutesBeforeStart", "Long", "When the reminder comes. Without a reminder: CdoE_NOT_FOUND."),
			rw("ReminderSet", "Boolean", "There is a reminder."),
			rw("ReplyTime", "Date", "When the user answered; programs set it. Never set: CdoE_NOT_FOUND."),
			rw("ResponseRequested", "Boolean", "Attendees are asked to answer."),
			start,
			fn("GetRecurrencePattern", "RecurrencePattern", "The pattern of the series. It makes a series of an appointment that is none; of an occurrence it is the pattern of its series."),
			fn("ClearRecurrencePattern", "", "Makes a single appointment of a series."),
			respond,
		)},
	{Name: "MeetingItem", IID: "{EF9203E8-B9A5-101B-ACC1-00AA00423326}", Class: 27, Since: "1.2", Default: "Subject",
		Help: "A meeting request, a cancellation or an answer to a request, as it comes into an Inbox.",
		Members: messageMembers(append([]Member{
			ro("MeetingType", "CdoMeetingType", "A request or a response."),
			fn("GetAssociatedAppointment", "AppointmentItem", "The appointment in the calendar that it is about: for a request a new one when there is none yet. Nothing is saved before its Update. A cancellation of what isn't there: CdoE_NOT_FOUND."),
			respond,
		}, replies...)...)},
	{Name: "RecurrencePattern", IID: "{EF9203E9-B9A5-101B-ACC1-00AA00423326}", Class: 28, Since: "1.2",
		Help: "When a series takes place. Its values depend on each other; the one that was set last wins. They are saved with the appointment.",
		Members: common("AppointmentItem",
			rw("DayOfMonth", "Long", "The day of the month in monthly and yearly patterns; 31 is the last day of each month."),
			rw("DayOfWeekMask", "Long", "The days of the week (CdoDaysOfWeek) in weekly, monthly-nth and yearly-nth patterns. Less than 1 or more than 127: CdoE_INVALID_PARAMETER."),
			ro("Duration", "Long", "The length of an occurrence in minutes."),
			rw("EndTime", "Date", "When an occurrence ends. A time of day before the begin is on the next day."),
			rw("Instance", "Long", "Which of those days of the month in monthly-nth and yearly-nth patterns: 1 to 4, or 5 for the last."),
			rw("Interval", "Long", "Every how many days, weeks, months or years: up to 999 days, 99 weeks or months, 1 year."),
			rw("MonthOfYear", "Long", "The month in yearly and yearly-nth patterns."),
			rw("NoEndDate", "Boolean", "The series doesn't end. Cleared, it has 10 occurrences."),
			rw("Occurrences", "Long", "How many occurrences there are; 1490000 of a series without end. Setting it moves PatternEndDate."),
			rw("PatternEndDate", "Date", "The last day of the series; in the year 4001 when it has no end. Setting it changes Occurrences."),
			rw("PatternStartDate", "Date", "The first day of the series. Setting it moves PatternEndDate."),
			rw("RecurrenceType", "CdoRecurTypes", "The kind of pattern."),
			rw("StartTime", "Date", "When an occurrence begins. On another day than PatternStartDate: CdoE_INVALID_PARAMETER."))},
}
