package cdo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Classes of calendar items ([MS-OXOCAL] 2.2.2 and following), of folders that hold them, and of exceptions within a series.
const (
	appointmentClass = "IPM.Appointment"
	meetingClass     = "IPM.Schedule.Meeting"
	calendarClass    = "IPF.Appointment"
	exceptionClass   = "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}"
)

// IsCalendar reports whether the collection is the items of a calendar: it is ordered by the begin of the appointments and by
// nothing else, and filtered by a period of time and by nothing else.
func (c *Messages) IsCalendar(ctx context.Context) (bool, error) {
	if c.kind != mapi.Normal {
		return false, nil
	}
	class, err := c.folder.bag.text(ctx, pid.TagContainerClass)
	return hasClass(class, calendarClass), fail("Messages", err)
}

// SetPeriod narrows a calendar to what takes place between two times: what ends at or after the start and begins at or before the
// end. Series are then expanded: each occurrence is an appointment of its own. It is the Filter with CdoPR_END_DATE and
// CdoPR_START_DATE.
func (c *Messages) SetPeriod(start, end time.Time) {
	c.SetFilter(nil)
	f := c.Filter()
	f.bag.putTag(CdoPR_START_DATE, mapi.NewFileTime(end))
	f.bag.putTag(CdoPR_END_DATE, mapi.NewFileTime(start))
}

// period is what the filter of a calendar says; only is false when it says nothing.
func (c *Messages) period() (start, end time.Time, only bool, err error) {
	start, end = earliest, latest
	if c.filter == nil || len(c.filter.list) == 0 && len(c.filter.bag.set) == 0 {
		return start, end, false, nil
	}
	tooComplex := &mapi.Error{Op: "filter a calendar", Code: mapi.ErrTooComplex, Err: errors.New("by anything but the begin and the end")}
	if len(c.filter.list) > 0 || c.filter.not || c.filter.or {
		return start, end, false, tooComplex
	}
	for _, p := range c.filter.bag.set {
		t, ok := p.Value.(mapi.FileTime)
		switch {
		case ok && same(p.Key, mapi.TagKey(CdoPR_START_DATE)):
			end = t.Time()
		case ok && same(p.Key, mapi.TagKey(CdoPR_END_DATE)):
			start = t.Time()
		default:
			return start, end, false, tooComplex
		}
	}
	return start, end, true, nil
}

// Times that calendars can have.
var (
	earliest = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(4500, 8, 31, 23, 59, 0, 0, time.UTC)
)

// calendarColumns are what the list of a calendar reads of each item beside the usual.
var calendarColumns = []mapi.Key{
	pid.LidAppointmentStartWhole, pid.LidAppointmentEndWhole, mapi.TagKey(pid.TagStartDate), mapi.TagKey(pid.TagEndDate), pid.LidRecurring,
	pid.LidBusyStatus, pid.LidLocation, pid.LidAppointmentSubType, pid.LidAppointmentDuration, pid.LidAppointmentStateFlags,
}

// maxOccurrences bounds how many occurrences one series gives for a period: a daily one of more than a century.
const maxOccurrences = 50_000

// appointments lists what the filter of a calendar lets through, by the begin.
func (c *Messages) appointments(ctx context.Context) ([]member, error) {
	if err := c.logon.alive(); err != nil {
		return nil, err
	}
	if c.order != nil || len(c.groups) > 0 {
		return nil, &mapi.Error{Op: "sort a calendar", Code: mapi.ErrTooComplex, Err: errors.New("it is ordered by the begin of the appointments")}
	}
	start, end, expand, err := c.period()
	if err != nil {
		return nil, err
	}
	dir, err := c.folder.open(ctx)
	if err != nil {
		return nil, err
	}
	columns := c.columns()
	at := len(columns)
	columns = append(slices.Clone(columns), calendarColumns...)
	q := mapi.Query{Kind: c.kind, Columns: columns, Where: c.where}
	if expand {
		q.Where = within(start, end, c.where)
	}
	type dated struct {
		member
		begin time.Time
	}
	var list []dated
	for r, err := range dir.Rows(ctx, q) {
		if err != nil {
			return nil, err
		}
		begin := startOf(r.Values[at:])
		if recurring, _ := r.Values[at+4].(bool); !recurring || !expand {
			list = append(list, dated{member{row: r}, begin})
			continue
		}
		master := newMessage(c, c.folder, c.kind, r.ID)
		occurrences, err := master.asAppointment().occurrences(ctx, start, end)
		if missing(err) { // deleted since the row was read
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, o := range occurrences {
			list = append(list, dated{member{row: mapi.Row{ID: r.ID}, at: o}, o.start})
		}
	}
	slices.SortStableFunc(list, func(a, b dated) int { return a.begin.Compare(b.begin) })
	out := make([]member, len(list))
	for i, d := range list {
		out[i] = d.member
		if out[i].at == nil {
			out[i].row.Values = out[i].row.Values[:at:at]
		}
	}
	return out, nil
}

// deleteAppointments removes what a calendar lists: of series only the occurrences that are listed.
func (c *Messages) deleteAppointments(ctx context.Context, member string, list []member) error {
	c.rewind()
	for _, w := range list {
		if err := c.message(w).delete(ctx, false); err != nil && !missing(err) {
			return fail(member, err)
		}
	}
	return nil
}

// startOf is the begin that a row of calendarColumns says.
func startOf(values []mapi.Value) time.Time {
	for _, i := range []int{0, 2} {
		if t, ok := values[i].(mapi.FileTime); ok {
			return t.Time()
		}
	}
	return earliest
}

// within lets single appointments of a period through and all series, which the period cannot be asked of.
func within(start, end time.Time, where mapi.Restriction) mapi.Restriction {
	first, last := mapi.NewFileTime(start), mapi.NewFileTime(end)
	period := func(from, to mapi.Key) mapi.Restriction {
		return mapi.ResAnd{mapi.ResProperty{Op: mapi.RelLE, Key: from, Value: last}, mapi.ResProperty{Op: mapi.RelGE, Key: to, Value: first}}
	}
	any := mapi.ResOr{
		period(pid.LidAppointmentStartWhole, pid.LidAppointmentEndWhole),
		mapi.ResAnd{mapi.ResNot{Res: mapi.ResExist{Key: pid.LidAppointmentStartWhole}}, period(mapi.TagKey(pid.TagStartDate), mapi.TagKey(pid.TagEndDate))},
		mapi.ResProperty{Op: mapi.RelEQ, Key: pid.LidRecurring, Value: true},
	}
	if where == nil {
		return any
	}
	return mapi.ResAnd{where, any}
}

// AddAppointment begins a new appointment of half an hour, with a reminder, in a calendar. Its Update saves it. A folder that is no
// calendar is CdoE_NO_SUPPORT.
func (c *Messages) AddAppointment(ctx context.Context) (*AppointmentItem, error) {
	const member = "Messages.Add"
	calendar, err := c.IsCalendar(ctx)
	switch {
	case err != nil:
		return nil, rename(err, member)
	case !calendar:
		return nil, failf(member, CdoE_NO_SUPPORT, "the folder is no calendar")
	}
	m := c.Add("", "", appointmentClass)
	m.bag.putTag(pid.TagMessageFlags, int32(flagRead))
	a := m.asAppointment()
	start := time.Now().In(c.logon.loc)
	start = time.Date(start.Year(), start.Month(), start.Day(), start.Hour(), start.Minute()/30*30, 0, 0, c.logon.loc)
	a.setTimes(start, start.Add(30*time.Minute))
	for _, p := range []mapi.Prop{
		{Key: pid.LidAppointmentSubType, Value: false}, {Key: pid.LidBusyStatus, Value: int32(CdoBusy)}, {Key: pid.LidRecurring, Value: false},
		{Key: pid.LidRecurrenceType, Value: int32(0)}, {Key: pid.LidAppointmentStateFlags, Value: int32(CdoNonMeeting)},
		{Key: pid.LidResponseStatus, Value: int32(CdoResponseNone)}, {Key: pid.LidReminderSet, Value: true}, {Key: pid.LidReminderDelta, Value: int32(15)},
		{Key: pid.LidSideEffects, Value: sideEffects}, {Key: mapi.TagKey(pid.TagResponseRequested), Value: true},
		{Key: mapi.TagKey(pid.TagIconIndex), Value: int32(iconAppointment)},
	} {
		m.bag.put(p.Key, p.Value)
	}
	zone, err := c.logon.zoneDefinition(start)
	if err != nil {
		return nil, fail(member, err)
	}
	m.bag.put(pid.LidAppointmentTimeZoneDefinitionStartDisplay, zone)
	m.bag.put(pid.LidAppointmentTimeZoneDefinitionEndDisplay, zone)
	return a, fail(member, m.fromUser(ctx))
}

// fromUser makes the user the sender, as far as the stores know who that is.
func (m *Message) fromUser(ctx context.Context) error {
	user, err := m.logon.currentUser(ctx)
	if err == nil {
		err = m.setSender(ctx, user)
	}
	if missing(err) || errors.Is(err, mapi.ErrNoSupport) {
		return nil
	}
	return err
}

const (
	// sideEffects are those of appointments ([MS-OXCMSG] 2.2.1.16): open to delete, to copy and to move, among others.
	sideEffects int32 = 0x171

	// Icons ([MS-OXOMSG] 2.2.1 names them PidTagIconIndex).
	iconAppointment = 0x400
	iconSeries      = 0x401
	iconMeeting     = 0x402
	iconRequest     = 0x404
	iconAccepted    = 0x405
	iconDeclined    = 0x406
	iconTentative   = 0x407
	iconCanceled    = 0x408
)

// isClass compares message classes without regard to case.
func isClass(a, b string) bool { return strings.EqualFold(a, b) }
