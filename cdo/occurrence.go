package cdo

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// occurrence is one time that a series takes place.
type occurrence struct {
	master     *AppointmentItem
	at         oxocal.Occurrence
	start, end time.Time
}

func (o *occurrence) same(p *occurrence) bool {
	return o.at.Day == p.at.Day && sameID([]byte(o.master.id), []byte(p.master.id))
}

// schedule is when a series takes place, nil when the appointment is none or its pattern cannot be read.
func (a *AppointmentItem) schedule(ctx context.Context) (*oxocal.AppointmentRecurrencePattern, error) {
	b, ok, err := keyed[[]byte](ctx, &a.bag, pid.LidAppointmentRecur)
	if !ok || err != nil {
		return nil, err
	}
	p, err := oxocal.DecodeSeries(b)
	if err != nil {
		return nil, nil // a damaged series is shown as a single appointment
	}
	return p, nil
}

// zone is the time zone that the series is in, else the session's.
func (a *AppointmentItem) zone(ctx context.Context) (oxocal.Zone, error) {
	for _, k := range []mapi.Key{pid.LidAppointmentTimeZoneDefinitionRecur, pid.LidTimeZoneStruct, pid.LidAppointmentTimeZoneDefinitionStartDisplay} {
		b, ok, err := keyed[[]byte](ctx, &a.bag, k)
		if err != nil {
			return oxocal.Zone{}, err
		}
		if !ok {
			continue
		}
		if k == pid.LidTimeZoneStruct {
			if z, err := oxocal.DecodeTimeZoneStruct(b); err == nil {
				return z.Zone(), nil
			}
		} else if z, err := oxocal.DecodeTimeZoneDefinition(b); err == nil {
			return z.Zone(), nil
		}
	}
	return a.logon.zoneAt(time.Now()), nil
}

// zoneAt is the session's zone with the rule of a year.
func (l *logon) zoneAt(t time.Time) oxocal.Zone {
	return (&oxocal.TimeZoneStruct{Rule: oxocal.RuleOf(l.loc, t.Year())}).Zone()
}

// occurrences are those of a series between two times. A series that cannot be expanded is taken for what its properties say: an
// appointment of its own.
func (a *AppointmentItem) occurrences(ctx context.Context, start, end time.Time) ([]*occurrence, error) {
	if err := a.read(ctx); err != nil {
		return nil, err
	}
	p, err := a.schedule(ctx)
	if err != nil {
		return nil, err
	}
	zone, err := a.zone(ctx)
	if err != nil {
		return nil, err
	}
	if p == nil || !p.Gregorian() {
		from, to, err := a.times(ctx)
		if err != nil || from.After(end) || to.Before(start) {
			return nil, err
		}
		at := oxocal.Occurrence{Start: zone.Clock(from), End: zone.Clock(to)}
		at.Day = at.Start.Midnight()
		return []*occurrence{{a, at, from, to}}, nil
	}
	var list []*occurrence
	for o := range p.Occurrences(clockMargin(zone, start, -1), clockMargin(zone, end, 1)) {
		x := a.occurrence(zone, o)
		if x.end.Before(start) || x.start.After(end) {
			continue
		}
		if list = append(list, x); len(list) >= maxOccurrences {
			break
		}
	}
	return list, nil
}

// clockMargin is a moment on the series' clock, with an hour to spare where the clock changes.
func clockMargin(z oxocal.Zone, t time.Time, direction time.Duration) oxocal.Minutes {
	if !t.After(earliest.AddDate(0, 0, 2)) {
		return 0
	}
	return z.Clock(t.Add(direction * time.Hour))
}

func (a *AppointmentItem) occurrence(z oxocal.Zone, o oxocal.Occurrence) *occurrence {
	return &occurrence{a, o, z.UTC(o.Start).In(a.logon.loc), z.UTC(o.End).In(a.logon.loc)}
}

// message is the occurrence as an item.
func (o *occurrence) message(parent Object) *Message {
	m := newMessage(parent, o.master.folder, o.master.kind, o.master.id)
	m.at = o
	for _, p := range o.master.bag.have { // known at once, though the occurrence may have its own
		if same(p.Key, mapi.TagKey(pid.TagMessageClass)) {
			m.bag.have = append(m.bag.have, p)
		}
	}
	return m
}

// ofSeries are properties of a series that its occurrences don't have.
var ofSeries = []mapi.Key{pid.LidAppointmentRecur, pid.LidRecurrenceType, pid.LidRecurrencePattern, pid.LidClipStart, pid.LidClipEnd}

// item is what the occurrence consists of: the series, with what an exception has of its own.
func (o *occurrence) item(ctx context.Context) (*mapi.Item, error) {
	a := o.master
	if err := a.read(ctx); err != nil {
		return nil, err
	}
	it := &mapi.Item{Recipients: a.item.Recipients}
	for _, p := range a.bag.merged(a.bag.have) {
		if !holds(ofSeries, p.Key) {
			it.Props = append(it.Props, p)
		}
	}
	for _, att := range a.item.Attachments {
		if !isException(att) {
			it.Attachments = append(it.Attachments, att)
		}
	}
	put := func(k mapi.Key, v mapi.Value) {
		it.Props = slices.DeleteFunc(it.Props, func(p mapi.Prop) bool { return same(p.Key, k) })
		it.Props = append(it.Props, mapi.Prop{Key: k, Value: v})
	}
	if e := o.at.Exception; e != nil {
		for _, p := range exceptionProps(e) {
			put(p.Key, p.Value)
		}
		if i, err := o.attachment(ctx); err != nil {
			return nil, err
		} else if i >= 0 {
			own := a.item.Attachments[i].Embedded
			for _, p := range own.Props {
				if !same(p.Key, mapi.TagKey(pid.TagMessageClass)) {
					put(p.Key, p.Value)
				}
			}
			if len(own.Recipients) > 0 {
				it.Recipients = own.Recipients
			}
			if len(own.Attachments) > 0 {
				it.Attachments = own.Attachments
			}
		}
	}
	from, to := mapi.NewFileTime(o.start), mapi.NewFileTime(o.end)
	for _, k := range []mapi.Key{pid.LidAppointmentStartWhole, mapi.TagKey(pid.TagStartDate), pid.LidCommonStart} {
		put(k, from)
	}
	for _, k := range []mapi.Key{pid.LidAppointmentEndWhole, mapi.TagKey(pid.TagEndDate), pid.LidCommonEnd} {
		put(k, to)
	}
	put(pid.LidAppointmentDuration, int32(o.end.Sub(o.start)/time.Minute))
	put(pid.LidRecurring, false) // [MS-OXOCAL] 2.2.1.12: of the series only
	return it, nil
}

// exceptionProps are what the pattern says of an exception ([MS-OXOCAL] 2.2.1.44.2).
func exceptionProps(e *oxocal.Exception) (ps mapi.Props) {
	text := func(flag uint16, narrow mapi.String8, wide string, keys ...mapi.Key) {
		if e.Flags&flag == 0 {
			return
		}
		if wide == "" {
			wide, _ = codepage.Decode(codepage.Windows1252, []byte(narrow))
		}
		for _, k := range keys {
			ps = append(ps, mapi.Prop{Key: k, Value: wide})
		}
	}
	number := func(flag uint16, k mapi.Key, v mapi.Value) {
		if e.Flags&flag != 0 {
			ps = append(ps, mapi.Prop{Key: k, Value: v})
		}
	}
	text(oxocal.OwnSubject, e.Subject, e.WideSubject, mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagNormalizedSubject))
	text(oxocal.OwnLocation, e.Location, e.WideLocation, pid.LidLocation)
	number(oxocal.OwnMeetingType, pid.LidAppointmentStateFlags, int32(e.MeetingType))
	number(oxocal.OwnReminderDelta, pid.LidReminderDelta, int32(e.ReminderDelta))
	number(oxocal.OwnReminder, pid.LidReminderSet, e.ReminderSet != 0)
	number(oxocal.OwnBusyStatus, pid.LidBusyStatus, int32(e.BusyStatus))
	number(oxocal.OwnSubType, pid.LidAppointmentSubType, e.SubType != 0)
	number(oxocal.OwnColor, pid.LidAppointmentColor, int32(e.Color))
	return ps
}

// isException tells whether an attachment is the exception of a series ([MS-OXOCAL] 2.2.10.1): hidden, a message of that class.
func isException(a *mapi.Attachment) bool {
	return a.Embedded != nil && isClass(a.Embedded.Props.Text(pid.TagMessageClass), exceptionClass)
}

// attachment finds the attachment of the exception among those of the series, -1 when there is none.
func (o *occurrence) attachment(ctx context.Context) (int, error) {
	zone, err := o.master.zone(ctx)
	if err != nil {
		return -1, err
	}
	at := o.at.Day
	if o.at.Exception != nil {
		at = o.at.Exception.Original
	}
	original := zone.UTC(at)
	return slices.IndexFunc(o.master.item.Attachments, func(a *mapi.Attachment) bool {
		if !isException(a) {
			return false
		}
		for _, v := range []mapi.Value{a.Embedded.Props.Get(pid.LidExceptionReplaceTime), a.Props.Tag(pid.TagExceptionReplaceTime)} {
			if t, ok := v.(mapi.FileTime); ok {
				return t.Time().Equal(original)
			}
		}
		t, ok := a.Props.Tag(pid.TagExceptionStartTime).(mapi.FileTime) // the begin on the series' clock
		return ok && o.at.Exception != nil && oxocal.MinutesOf(t.Time()) == o.at.Exception.Start
	}), nil
}

// change writes the series with another pattern and other exceptions.
func (a *AppointmentItem) change(ctx context.Context, p *oxocal.AppointmentRecurrencePattern, edit func(*mapi.Item)) error {
	b, err := p.Encode()
	if err != nil {
		return err
	}
	a.bag.put(pid.LidAppointmentRecur, b)
	return a.replace(ctx, edit)
}

// cancel takes an occurrence out of its series.
func (o *occurrence) cancel(ctx context.Context) error {
	p, err := o.fresh(ctx)
	if err != nil {
		return err
	}
	i, err := o.attachment(ctx)
	if err != nil {
		return err
	}
	p.Cancel(o.at.Day)
	return o.master.change(ctx, p, func(it *mapi.Item) {
		if i >= 0 {
			it.Attachments = slices.Delete(slices.Clone(it.Attachments), i, i+1)
		}
	})
}

// fresh is the pattern of the series as it is in the store now.
func (o *occurrence) fresh(ctx context.Context) (*oxocal.AppointmentRecurrencePattern, error) {
	o.master.stale()
	if err := o.master.read(ctx); err != nil {
		return nil, err
	}
	p, err := o.master.schedule(ctx)
	if err == nil && p == nil {
		err = &mapi.Error{Op: "change an occurrence", Object: "of a series without a pattern", Code: mapi.ErrNoSupport}
	}
	return p, err
}

// own are the properties that an exception's flags tell of.
var own = []struct {
	key  mapi.Key
	flag uint16
}{
	{mapi.TagKey(pid.TagSubject), oxocal.OwnSubject}, {pid.LidLocation, oxocal.OwnLocation}, {pid.LidAppointmentStateFlags, oxocal.OwnMeetingType},
	{pid.LidReminderDelta, oxocal.OwnReminderDelta}, {pid.LidReminderSet, oxocal.OwnReminder}, {pid.LidBusyStatus, oxocal.OwnBusyStatus},
	{pid.LidAppointmentSubType, oxocal.OwnSubType}, {mapi.TagKey(pid.TagBody), oxocal.OwnBody},
}

// save makes the changed occurrence an exception of its series.
func (o *occurrence) save(ctx context.Context, m *Message) error {
	p, err := o.fresh(ctx)
	if err != nil {
		return err
	}
	zone, err := o.master.zone(ctx)
	if err != nil {
		return err
	}
	a := m.asAppointment()
	start, end, err := a.times(ctx)
	if err != nil {
		return err
	}
	e := oxocal.Exception{Original: o.at.Day + p.StartOffset}
	if old := p.Exception(o.at.Day); old != nil {
		e = *old
	}
	e.Start, e.End = zone.Clock(start), zone.Clock(end)
	if err := o.fits(p, e); err != nil {
		return err
	}
	for _, f := range own {
		if find(m.bag.set, f.key) >= 0 {
			e.Flags |= f.flag
		}
	}
	if err := a.describe(ctx, &e); err != nil {
		return err
	}
	i, err := o.attachment(ctx)
	if err != nil {
		return err
	}
	embedded := &mapi.Item{}
	if i >= 0 {
		embedded = o.master.item.Attachments[i].Embedded
	}
	embedded = o.embed(m, embedded, zone.UTC(e.Original))
	p.Except(e)
	err = o.master.change(ctx, p, func(it *mapi.Item) {
		att := exceptionAttachment(embedded, e)
		if i >= 0 {
			it.Attachments = slices.Clone(it.Attachments)
			it.Attachments[i] = att
		} else {
			it.Attachments = append(slices.Clone(it.Attachments), att)
		}
		for n, a := range it.Attachments {
			a.Props.Set(mapi.TagKey(pid.TagAttachNumber), int32(n))
		}
	})
	if err != nil {
		return err
	}
	o.at = oxocal.Occurrence{Day: o.at.Day, Start: e.Start, End: e.End, Exception: &e}
	o.start, o.end = start, end
	return nil
}

// fits tells whether the occurrence may be moved there ([MS-OXOCAL] 3.1.4.8.2): neither to a day of another, nor over or past one.
func (o *occurrence) fits(p *oxocal.AppointmentRecurrencePattern, e oxocal.Exception) error {
	low, high := min(e.Start, o.at.Start), max(e.End, o.at.End)
	for x := range p.Occurrences(low-min(low, oxocal.Day), high+oxocal.Day) {
		if x.Day == o.at.Day {
			continue
		}
		if x.Start.Midnight() == e.Start.Midnight() || x.Start < e.End && x.End > e.Start || x.Start > low && x.Start < high {
			return &mapi.Error{Op: "move an occurrence", Object: "to where another one is", Code: CdoE_COLLISION}
		}
	}
	return nil
}

// describe fills in what the flags of an exception tell of.
func (a *AppointmentItem) describe(ctx context.Context, e *oxocal.Exception) error {
	text := func(flag uint16, narrow *mapi.String8, wide *string, k mapi.Key) error {
		if e.Flags&flag == 0 {
			return nil
		}
		s, err := a.namedText(ctx, k)
		if err != nil {
			return err
		}
		b, err := codepage.Encode(codepage.Windows1252, s)
		if err != nil {
			b = []byte(asciiOnly(s))
		}
		*narrow, *wide = mapi.String8(b), s
		return nil
	}
	if err := text(oxocal.OwnSubject, &e.Subject, &e.WideSubject, mapi.TagKey(pid.TagSubject)); err != nil {
		return err
	}
	if err := text(oxocal.OwnLocation, &e.Location, &e.WideLocation, pid.LidLocation); err != nil {
		return err
	}
	for _, f := range []struct {
		flag uint16
		key  mapi.Key
		to   *uint32
	}{
		{oxocal.OwnMeetingType, pid.LidAppointmentStateFlags, &e.MeetingType}, {oxocal.OwnReminderDelta, pid.LidReminderDelta, &e.ReminderDelta},
		{oxocal.OwnReminder, pid.LidReminderSet, &e.ReminderSet}, {oxocal.OwnBusyStatus, pid.LidBusyStatus, &e.BusyStatus},
		{oxocal.OwnSubType, pid.LidAppointmentSubType, &e.SubType},
	} {
		if e.Flags&f.flag == 0 {
			continue
		}
		p, _, err := a.bag.get(ctx, f.key)
		if err != nil {
			return err
		}
		switch v := p.Value.(type) {
		case int32:
			*f.to = uint32(v)
		case bool:
			*f.to = 0
			if v {
				*f.to = 1
			}
		}
	}
	return nil
}

func asciiOnly(s string) string {
	b := []byte(nil)
	for _, r := range s {
		if r >= 0x80 {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return string(b)
}

// embed is the message that keeps what an exception has of its own.
func (o *occurrence) embed(m *Message, old *mapi.Item, original time.Time) *mapi.Item {
	it := &mapi.Item{Props: slices.Clone(old.Props), Recipients: old.Recipients, Attachments: old.Attachments}
	put := func(k mapi.Key, v mapi.Value) {
		it.Props = slices.DeleteFunc(it.Props, func(p mapi.Prop) bool { return same(p.Key, k) })
		it.Props = append(it.Props, mapi.Prop{Key: k, Value: v})
	}
	for _, p := range m.bag.set {
		put(p.Key, p.Value)
	}
	it.Props = slices.DeleteFunc(it.Props, func(p mapi.Prop) bool { return holds(m.bag.del, p.Key) })
	put(mapi.TagKey(pid.TagMessageClass), exceptionClass)
	put(pid.LidExceptionReplaceTime, mapi.NewFileTime(original))
	for _, k := range []mapi.Key{pid.LidAppointmentStartWhole, pid.LidAppointmentEndWhole} {
		if i := find(m.bag.have, k); i >= 0 && find(it.Props, k) < 0 {
			put(k, m.bag.have[i].Value)
		}
	}
	if m.recipients != nil && m.recipients.changed() {
		it.Recipients = m.recipients.saved()
	}
	if m.attachments != nil && m.attachments.changed() {
		it.Attachments = m.attachments.saved()
	}
	return it
}

// exceptionAttachment is the attachment that an exception lies in ([MS-OXOCAL] 2.2.10.1).
func exceptionAttachment(it *mapi.Item, e oxocal.Exception) *mapi.Attachment {
	const embeddedMessage, exception = 5, 2 // afEmbeddedMessage; PidTagAttachmentFlags of exceptions
	return &mapi.Attachment{Embedded: it, Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagAttachMethod), Value: int32(embeddedMessage)},
		{Key: mapi.TagKey(pid.TagAttachmentFlags), Value: int32(exception)},
		{Key: mapi.TagKey(pid.TagAttachmentHidden), Value: true},
		{Key: mapi.TagKey(pid.TagRenderingPosition), Value: int32(-1)},
		{Key: mapi.TagKey(pid.TagDisplayName), Value: "Untitled"},
		{Key: mapi.TagKey(pid.TagExceptionStartTime), Value: mapi.NewFileTime(e.Start.Clock())},
		{Key: mapi.TagKey(pid.TagExceptionEndTime), Value: mapi.NewFileTime(e.End.Clock())},
	}}
}

var errOccurrence = errors.New("it is an occurrence of a series")
