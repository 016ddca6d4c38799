package cdo

import (
	"context"
	"errors"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// AppointmentItem is an entry of a calendar: an appointment, a meeting, a series, or one occurrence of a series. It is a message with
// more members; an occurrence has the ID of its series.
type AppointmentItem struct {
	*Message
	pattern *RecurrencePattern // once it was asked for
	request *MeetingItem       // that led here, or nil
	answer  *Recipient         // whose response led here, or nil
}

// series tells whether the appointment is a whole series.
func (a *AppointmentItem) series(ctx context.Context) (bool, error) {
	if a.at != nil {
		return false, nil
	}
	return a.recurs(ctx)
}

func (a *AppointmentItem) recurs(ctx context.Context) (bool, error) {
	v, _, err := keyed[bool](ctx, &a.bag, pid.LidRecurring)
	return v, err
}

// single fails for a series.
func (a *AppointmentItem) single(ctx context.Context) error {
	if err := a.usable(); err != nil {
		return err
	}
	series, err := a.series(ctx)
	if err == nil && series {
		err = &mapi.Error{Op: "time of a series", Code: CdoE_NO_SUPPORT, Err: errors.New("ask its RecurrencePattern")}
	}
	return err
}

// times are the begin and the end, of a series those of its first occurrence.
func (a *AppointmentItem) times(ctx context.Context) (start, end time.Time, err error) {
	get := func(keys ...mapi.Key) (time.Time, error) {
		for _, k := range keys {
			v, ok, err := keyed[mapi.FileTime](ctx, &a.bag, k)
			if ok || err != nil {
				return v.Time().In(a.logon.loc), err
			}
		}
		return time.Time{}, mapi.ErrNotFound
	}
	if start, err = get(pid.LidAppointmentStartWhole, mapi.TagKey(pid.TagStartDate), pid.LidCommonStart); err != nil {
		return start, end, err
	}
	end, err = get(pid.LidAppointmentEndWhole, mapi.TagKey(pid.TagEndDate), pid.LidCommonEnd)
	return start, end, err
}

// setTimes changes all properties that say when it is.
func (a *AppointmentItem) setTimes(start, end time.Time) {
	from, to := mapi.NewFileTime(start), mapi.NewFileTime(end)
	for _, k := range []mapi.Key{pid.LidAppointmentStartWhole, mapi.TagKey(pid.TagStartDate), pid.LidCommonStart} {
		a.bag.put(k, from)
	}
	for _, k := range []mapi.Key{pid.LidAppointmentEndWhole, mapi.TagKey(pid.TagEndDate), pid.LidCommonEnd} {
		a.bag.put(k, to)
	}
	a.bag.put(pid.LidAppointmentDuration, int32(end.Sub(start)/time.Minute))
}

// StartTime is when the appointment begins. Of a series it is CdoE_NO_SUPPORT: ask its RecurrencePattern.
func (a *AppointmentItem) StartTime(ctx context.Context) (time.Time, error) {
	const member = "AppointmentItem.StartTime"
	if err := a.single(ctx); err != nil {
		return time.Time{}, fail(member, err)
	}
	start, _, err := a.times(ctx)
	return start, fail(member, err)
}

// SetStartTime moves the begin; seconds are dropped. Update fails with CdoE_INVALID_OBJECT when it isn't before the end.
func (a *AppointmentItem) SetStartTime(ctx context.Context, t time.Time) error {
	return a.retime(ctx, "AppointmentItem.StartTime", func(start, end *time.Time) { *start = t.Truncate(time.Minute) })
}

// EndTime is when the appointment ends. Of a series it is CdoE_NO_SUPPORT.
func (a *AppointmentItem) EndTime(ctx context.Context) (time.Time, error) {
	const member = "AppointmentItem.EndTime"
	if err := a.single(ctx); err != nil {
		return time.Time{}, fail(member, err)
	}
	_, end, err := a.times(ctx)
	return end, fail(member, err)
}

// SetEndTime moves the end; seconds are dropped.
func (a *AppointmentItem) SetEndTime(ctx context.Context, t time.Time) error {
	return a.retime(ctx, "AppointmentItem.EndTime", func(start, end *time.Time) { *end = t.Truncate(time.Minute) })
}

func (a *AppointmentItem) retime(ctx context.Context, member string, change func(start, end *time.Time)) error {
	if err := a.single(ctx); err != nil {
		return fail(member, err)
	}
	start, end, err := a.times(ctx)
	if err != nil && !missing(err) {
		return fail(member, err)
	}
	change(&start, &end)
	a.setTimes(start, end)
	return nil
}

// Duration is the length in minutes.
func (a *AppointmentItem) Duration(ctx context.Context) (int32, error) {
	start, end, err := a.times(ctx)
	return int32(min(max(end.Sub(start)/time.Minute, 0), maxDuration)), fail("AppointmentItem.Duration", err)
}

// maxDuration is CDO's limit in minutes, which means for ever.
const maxDuration = 1_490_000

// AllDayEvent is true when it lasts whole days. Of a series it is CdoE_NO_SUPPORT.
func (a *AppointmentItem) AllDayEvent(ctx context.Context) (bool, error) {
	const member = "AppointmentItem.AllDayEvent"
	if err := a.single(ctx); err != nil {
		return false, fail(member, err)
	}
	v, _, err := keyed[bool](ctx, &a.bag, pid.LidAppointmentSubType)
	return v, fail(member, err)
}

// SetAllDayEvent makes it last whole days: from the midnight before the begin to the midnight after the end. The other way round it
// is the first half hour of the business day.
func (a *AppointmentItem) SetAllDayEvent(ctx context.Context, on bool) error {
	const member = "AppointmentItem.AllDayEvent"
	was, err := a.AllDayEvent(ctx)
	if err != nil || was == on {
		return err
	}
	business, err := a.logon.clock(ctx, "BusinessDayStartTime")
	if err != nil {
		return fail(member, err)
	}
	err = a.retime(ctx, member, func(start, end *time.Time) {
		if on {
			if last := midnight(*end); !last.Equal(*end) || !end.After(*start) {
				*end = last.AddDate(0, 0, 1)
			}
			*start = midnight(*start)
			return
		}
		last := *end
		if midnight(last).Equal(last) && last.After(*start) {
			last = last.AddDate(0, 0, -1) // the last of the days
		}
		*start = midnight(*start).Add(business)
		*end = midnight(last).Add(business + 30*time.Minute)
	})
	if err == nil {
		a.bag.put(pid.LidAppointmentSubType, on)
	}
	return err
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// BusyStatus is how the time is shown to others.
func (a *AppointmentItem) BusyStatus(ctx context.Context) (BusyStatus, error) {
	v, ok, err := keyed[int32](ctx, &a.bag, pid.LidBusyStatus)
	if !ok {
		v = int32(CdoBusy)
	}
	return BusyStatus(v), fail("AppointmentItem.BusyStatus", err)
}

// SetBusyStatus changes how the time is shown to others.
func (a *AppointmentItem) SetBusyStatus(s BusyStatus) { a.bag.put(pid.LidBusyStatus, int32(s)) }

// IsRecurring is true for a series and for an occurrence of one.
func (a *AppointmentItem) IsRecurring(ctx context.Context) (bool, error) {
	if err := a.usable(); err != nil {
		return false, fail("AppointmentItem.IsRecurring", err)
	}
	v, err := a.recurs(ctx)
	return v || a.at != nil, fail("AppointmentItem.IsRecurring", err)
}

// Location is where it is.
func (a *AppointmentItem) Location(ctx context.Context) (string, error) {
	v, err := a.namedText(ctx, pid.LidLocation)
	return v, fail("AppointmentItem.Location", err)
}

func (a *AppointmentItem) namedText(ctx context.Context, k mapi.Key) (string, error) {
	p, ok, err := a.bag.get(ctx, k)
	if !ok || err != nil {
		return "", err
	}
	v, err := a.bag.fieldValue(ctx, p, a.logon.loc)
	s, _ := v.(string)
	return s, err
}

// SetLocation changes where it is.
func (a *AppointmentItem) SetLocation(place string) { a.bag.put(pid.LidLocation, place) }

// MeetingResponseStatus is the user's answer; on the appointment of a response that attendee's.
func (a *AppointmentItem) MeetingResponseStatus(ctx context.Context) (ResponseStatus, error) {
	if a.answer != nil {
		return a.answer.MeetingResponseStatus(ctx)
	}
	v, _, err := keyed[int32](ctx, &a.bag, pid.LidResponseStatus)
	return ResponseStatus(v), fail("AppointmentItem.MeetingResponseStatus", err)
}

// SetMeetingResponseStatus changes the answer.
func (a *AppointmentItem) SetMeetingResponseStatus(s ResponseStatus) {
	if a.answer != nil {
		a.answer.SetMeetingResponseStatus(s)
		return
	}
	a.bag.put(pid.LidResponseStatus, int32(s))
}

// meetingMask are the bits of PidLidAppointmentStateFlags that CDO has names for ([MS-OXOCAL] 2.2.1.10).
const meetingMask = int32(CdoMeeting | CdoMeetingReceived | CdoMeetingCanceled)

// MeetingStatus is whether it is a meeting, and whose.
func (a *AppointmentItem) MeetingStatus(ctx context.Context) (MeetingStatus, error) {
	v, _, err := keyed[int32](ctx, &a.bag, pid.LidAppointmentStateFlags)
	return MeetingStatus(v & meetingMask), fail("AppointmentItem.MeetingStatus", err)
}

// SetMeetingStatus is set to CdoMeeting before Send to invite, to CdoMeetingCanceled to cancel.
func (a *AppointmentItem) SetMeetingStatus(s MeetingStatus) {
	a.bag.put(pid.LidAppointmentStateFlags, int32(s))
}

// Organizer is whose meeting it is; nil when nobody is named.
func (a *AppointmentItem) Organizer(ctx context.Context) (*AddressEntry, error) {
	e, err := a.Message.Sender(ctx)
	if missing(err) {
		return nil, nil
	}
	return e, rename(err, "AppointmentItem.Organizer")
}

// Sender is CdoE_NOT_FOUND, as in CDO: an appointment isn't sent. Organizer is what is meant.
func (a *AppointmentItem) Sender(ctx context.Context) (*AddressEntry, error) {
	return nil, failf("AppointmentItem.Sender", CdoE_NOT_FOUND, "an appointment has none: ask for Organizer")
}

// ConversationTopic is CdoE_NOT_FOUND, as in CDO.
func (a *AppointmentItem) ConversationTopic(ctx context.Context) (string, error) {
	return "", failf("AppointmentItem.ConversationTopic", CdoE_NOT_FOUND, "an appointment has none")
}

// ReminderSet is true when there is a reminder.
func (a *AppointmentItem) ReminderSet(ctx context.Context) (bool, error) {
	v, _, err := keyed[bool](ctx, &a.bag, pid.LidReminderSet)
	return v, fail("AppointmentItem.ReminderSet", err)
}

// SetReminderSet sets the reminder or takes it away.
func (a *AppointmentItem) SetReminderSet(on bool) { a.bag.put(pid.LidReminderSet, on) }

// defaultReminder stands for the user's default in PidLidReminderDelta ([MS-OXORMDR] 2.2.1.3); CDO's is 15 minutes.
const (
	defaultReminder = 0x5AE980E1
	defaultMinutes  = 15
)

// ReminderMinutesBeforeStart is when the reminder comes. Without a reminder it is CdoE_NOT_FOUND.
func (a *AppointmentItem) ReminderMinutesBeforeStart(ctx context.Context) (int32, error) {
	const member = "AppointmentItem.ReminderMinutesBeforeStart"
	if err := a.reminded(ctx, member); err != nil {
		return 0, err
	}
	v, ok, err := keyed[int32](ctx, &a.bag, pid.LidReminderDelta)
	if !ok || v == defaultReminder {
		v = defaultMinutes
	}
	return v, fail(member, err)
}

func (a *AppointmentItem) reminded(ctx context.Context, member string) error {
	on, err := a.ReminderSet(ctx)
	if err == nil && !on {
		err = failf(member, CdoE_NOT_FOUND, "there is no reminder")
	}
	return rename(err, member)
}

// SetReminderMinutesBeforeStart changes when the reminder comes. Without a reminder it is CdoE_NOT_FOUND.
func (a *AppointmentItem) SetReminderMinutesBeforeStart(ctx context.Context, minutes int32) error {
	if err := a.reminded(ctx, "AppointmentItem.ReminderMinutesBeforeStart"); err != nil {
		return err
	}
	a.bag.put(pid.LidReminderDelta, minutes)
	return nil
}

// ReplyTime is when the user answered. Never set, it is CdoE_NOT_FOUND; programs set it.
func (a *AppointmentItem) ReplyTime(ctx context.Context) (time.Time, error) {
	const member = "AppointmentItem.ReplyTime"
	v, ok, err := keyed[mapi.FileTime](ctx, &a.bag, pid.LidAppointmentReplyTime)
	if err == nil && !ok {
		err = mapi.ErrNotFound
	}
	return v.Time().In(a.logon.loc), fail(member, err)
}

// SetReplyTime notes when the user answered.
func (a *AppointmentItem) SetReplyTime(t time.Time) {
	a.bag.put(pid.LidAppointmentReplyTime, mapi.NewFileTime(t))
}

// ResponseRequested is true when attendees are asked to answer.
func (a *AppointmentItem) ResponseRequested(ctx context.Context) (bool, error) {
	v, ok, err := value[bool](ctx, &a.bag, pid.TagResponseRequested)
	return v || !ok, fail("AppointmentItem.ResponseRequested", err)
}

// SetResponseRequested asks attendees to answer, or not to.
func (a *AppointmentItem) SetResponseRequested(on bool) { a.bag.putTag(pid.TagResponseRequested, on) }

// CopyTo is CdoE_NO_SUPPORT, as in CDO.
func (a *AppointmentItem) CopyTo(ctx context.Context, folderID, storeID string) (*Message, error) {
	return nil, failf("AppointmentItem.CopyTo", CdoE_NO_SUPPORT, "appointments aren't copied")
}

// MoveTo is CdoE_NO_SUPPORT, as in CDO.
func (a *AppointmentItem) MoveTo(ctx context.Context, folderID, storeID string) (*Message, error) {
	return nil, failf("AppointmentItem.MoveTo", CdoE_NO_SUPPORT, "appointments aren't moved")
}

// zoneDefinition is the session's time zone as appointments carry it.
func (l *logon) zoneDefinition(at time.Time) ([]byte, error) {
	if l.zoneName == "" {
		l.zoneName = zoneKey(l.loc)
	}
	return oxocal.NewTimeZoneDefinition(l.zoneName, oxocal.RuleOf(l.loc, at.Year()), at.Year()).Encode()
}

// prepare makes the properties that follow from others before the appointment is saved, and checks them.
func (a *AppointmentItem) prepare(ctx context.Context) error {
	if a.pattern != nil {
		if err := a.pattern.write(ctx); err != nil {
			return err
		}
	}
	set := func(k mapi.Key) bool { return find(a.bag.set, k) >= 0 }
	moved := set(pid.LidAppointmentStartWhole) || set(pid.LidAppointmentEndWhole) || set(pid.LidAppointmentSubType)
	if !moved && !set(pid.LidReminderDelta) && !set(pid.LidReminderSet) {
		return nil
	}
	start, end, err := a.times(ctx)
	if missing(err) && a.id != "" {
		return nil // somebody else's item without times
	}
	if err != nil {
		return err
	}
	invalid := func(why string) error {
		return &mapi.Error{Op: "save appointment", Code: CdoE_INVALID_OBJECT, Err: errors.New(why)}
	}
	allDay, _, err := keyed[bool](ctx, &a.bag, pid.LidAppointmentSubType)
	if err != nil {
		return err
	}
	sameClock := func() bool { // on the clock, as a day may have 23 hours
		s, e := start.In(a.logon.loc), end.In(a.logon.loc)
		return s.Hour() == e.Hour() && s.Minute() == e.Minute() && !midnight(e).Equal(midnight(s))
	}
	switch {
	case moved && !start.Before(end):
		return invalid("it ends before it begins, or lasts no time")
	case moved && allDay && !sameClock():
		return invalid("an event of whole days doesn't last whole days")
	}
	reminder, _, err := keyed[bool](ctx, &a.bag, pid.LidReminderSet)
	if err != nil || !reminder {
		return err
	}
	minutes, err := a.ReminderMinutesBeforeStart(ctx)
	if err != nil {
		return err
	}
	signal := time.Unix(start.Unix()-60*int64(minutes), 0) // more minutes than a Duration holds
	if signal.Before(earliest) {
		return invalid("the reminder is before 1601")
	}
	a.bag.put(pid.LidReminderTime, mapi.NewFileTime(start))
	a.bag.put(pid.LidReminderSignalTime, mapi.NewFileTime(signal))
	return nil
}
