package cdo

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Classes of meeting items ([MS-OXOCAL] 2.2.5 to 2.2.7).
const (
	requestClass   = meetingClass + ".Request"
	canceledClass  = meetingClass + ".Canceled"
	responseClass  = meetingClass + ".Resp"
	acceptedClass  = responseClass + ".Pos"
	tentativeClass = responseClass + ".Tent"
	declinedClass  = responseClass + ".Neg"
)

// MeetingItem is a meeting request, a cancellation or an answer to a request. It is a message with more members.
type MeetingItem struct {
	*Message
	associated *AppointmentItem // that a request was last seen with, or nil
}

func (i *MeetingItem) class(ctx context.Context) (string, error) {
	return i.bag.text(ctx, pid.TagMessageClass)
}

// MeetingType is CdoMeetingResponse for an answer, CdoMeetingRequest for requests and cancellations.
func (i *MeetingItem) MeetingType(ctx context.Context) (MeetingType, error) {
	class, err := i.class(ctx)
	if hasClass(class, responseClass) {
		return CdoMeetingResponse, fail("MeetingItem.MeetingType", err)
	}
	return CdoMeetingRequest, fail("MeetingItem.MeetingType", err)
}

// answers are the classes and subjects of the three answers.
var answers = map[ResponseStatus]struct {
	class, prefix string
	icon          int32
}{
	CdoResponseAccepted:  {acceptedClass, "Accepted: ", iconAccepted},
	CdoResponseTentative: {tentativeClass, "Tentative: ", iconTentative},
	CdoResponseDeclined:  {declinedClass, "Declined: ", iconDeclined},
}

// cleanID is the identity of the meeting, and the day of the occurrence that the item is about: 0 when it is about the whole.
func (i *MeetingItem) cleanID(ctx context.Context) (clean []byte, day oxocal.Minutes, err error) {
	b, ok, err := keyed[[]byte](ctx, &i.bag, pid.LidGlobalObjectId)
	if err != nil || !ok {
		return nil, 0, err
	}
	g, err := oxocal.DecodeGlobalObjectID(b)
	if err != nil {
		return b, 0, nil // another program's: compared as it is
	}
	if y := int(g.YH)<<8 | int(g.YL); y != 0 {
		day = oxocal.MinutesOf(time.Date(y, time.Month(g.Month), int(g.D), 0, 0, 0, 0, time.UTC))
	}
	clean, err = g.Clean().Encode()
	return clean, day, err
}

// calendar is the calendar of the store that the item is in.
func (i *MeetingItem) calendar(ctx context.Context) (*Folder, error) {
	return i.folder.store.special(ctx, i, mapi.RoleCalendar)
}

// find looks for the meeting in the calendar, nil when it isn't there.
func (i *MeetingItem) find(ctx context.Context) (*AppointmentItem, error) {
	folder, err := i.calendar(ctx)
	if err != nil {
		return nil, err
	}
	clean, day, err := i.cleanID(ctx)
	if err != nil {
		return nil, err
	}
	var where mapi.Restriction
	if clean != nil {
		where = mapi.ResOr{mapi.ResProperty{Op: mapi.RelEQ, Key: pid.LidCleanGlobalObjectId, Value: clean},
			mapi.ResProperty{Op: mapi.RelEQ, Key: pid.LidGlobalObjectId, Value: clean}}
	} else if owner, ok, err := integer(ctx, &i.bag, pid.TagOwnerAppointmentId); err != nil {
		return nil, err
	} else if ok {
		where = mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagOwnerAppointmentId), Value: owner}
	} else {
		return nil, nil
	}
	dir, err := folder.open(ctx)
	if err != nil {
		return nil, err
	}
	for r, err := range dir.Rows(ctx, mapi.Query{Where: where, Limit: 1}) {
		if err != nil {
			return nil, err
		}
		m := newMessage(folder, folder, mapi.Normal, r.ID)
		if err := m.read(ctx); err != nil {
			return nil, err
		}
		return m.asAppointment().on(ctx, day)
	}
	return nil, nil
}

// on is the occurrence of a day, the appointment itself when the day is 0 or it has none then.
func (a *AppointmentItem) on(ctx context.Context, day oxocal.Minutes) (*AppointmentItem, error) {
	p, err := a.schedule(ctx)
	if day == 0 || p == nil || err != nil {
		return a, err
	}
	zone, err := a.zone(ctx)
	if err != nil {
		return nil, err
	}
	for o := range p.Occurrences(day-min(day, oxocal.Week), day+oxocal.Week) {
		if o.Day == day {
			m := a.occurrence(zone, o).message(a.parent)
			return m.asAppointment(), m.read(ctx)
		}
	}
	return a, nil
}

// GetAssociatedAppointment is the appointment that the item is about. For a request that isn't in the calendar yet it is a new one,
// tentative; an update of the organizer is applied to the one that is there, a cancellation marks it, and an answer notes it with
// the attendee. Nothing of that is saved before Update. An answer or a cancellation of what isn't there is CdoE_NOT_FOUND.
func (i *MeetingItem) GetAssociatedAppointment(ctx context.Context) (*AppointmentItem, error) {
	const member = "MeetingItem.GetAssociatedAppointment"
	if err := i.usable(); err != nil {
		return nil, fail(member, err)
	}
	class, err := i.class(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	a, err := i.find(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	request := !hasClass(class, responseClass) && !hasClass(class, canceledClass)
	if a == nil && !request {
		return nil, failf(member, CdoE_NOT_FOUND, "the meeting isn't in the calendar")
	}
	switch {
	case hasClass(class, responseClass):
		err = a.answered(ctx, i)
	case hasClass(class, canceledClass):
		a.bag.put(pid.LidAppointmentStateFlags, int32(CdoMeetingCanceled|CdoMeetingReceived))
		a.SetBusyStatus(CdoFree)
	case a == nil && i.associated != nil && i.associated.id == "":
		a = i.associated
	case a == nil:
		a, err = i.accept(ctx)
	default:
		err = a.update(ctx, i)
	}
	if err != nil {
		return nil, rename(err, member)
	}
	a.request = i
	if request {
		i.associated = a
	}
	return a, nil
}

// carried are the properties that go from an appointment into a meeting item and back, beside all named ones.
var carried = tagKeys(pid.TagSubject, pid.TagSubjectPrefix, pid.TagNormalizedSubject, pid.TagBody, pid.TagHtml, pid.TagBodyHtml, pid.TagRtfCompressed, pid.TagRtfInSync,
	pid.TagNativeBody, pid.TagInternetCodepage, pid.TagMessageLocaleId, pid.TagImportance, pid.TagSensitivity, pid.TagStartDate, pid.TagEndDate,
	pid.TagOwnerAppointmentId, pid.TagResponseRequested, pid.TagConversationTopic, pid.TagConversationIndex,
	pid.TagSentRepresentingName, pid.TagSentRepresentingAddressType, pid.TagSentRepresentingEmailAddress, pid.TagSentRepresentingEntryId,
	pid.TagSenderName, pid.TagSenderAddressType, pid.TagSenderEmailAddress, pid.TagSenderEntryId)

// ownOnly are named properties that stay with whom they belong to.
var ownOnly = []mapi.Key{pid.LidReminderSet, pid.LidReminderDelta, pid.LidReminderTime, pid.LidReminderSignalTime, pid.LidResponseStatus,
	pid.LidAppointmentReplyTime, pid.LidAppointmentStateFlags, pid.LidBusyStatus, pid.LidFInvited}

func carries(ps mapi.Props) (out mapi.Props) {
	for _, p := range ps {
		if p.Key.Named() && !holds(ownOnly, p.Key) || holds(carried, p.Key) {
			out = append(out, p)
		}
	}
	return out
}

// accept makes the appointment of a request.
func (i *MeetingItem) accept(ctx context.Context) (*AppointmentItem, error) {
	folder, err := i.calendar(ctx)
	if err != nil {
		return nil, err
	}
	it, err := i.copy(ctx)
	if err != nil {
		return nil, err
	}
	m := newMessage(folder, folder, mapi.Normal, "")
	m.base = &mapi.Item{Props: carries(it.Props), Recipients: it.Recipients, Attachments: it.Attachments}
	for _, p := range []mapi.Prop{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: appointmentClass}, {Key: mapi.TagKey(pid.TagMessageFlags), Value: int32(flagRead)},
		{Key: pid.LidAppointmentStateFlags, Value: int32(CdoMeetingReceived)}, {Key: pid.LidResponseStatus, Value: int32(CdoResponseNotResponded)},
		{Key: pid.LidBusyStatus, Value: int32(CdoTentative)}, {Key: pid.LidReminderSet, Value: true}, {Key: pid.LidReminderDelta, Value: int32(defaultMinutes)},
		{Key: pid.LidSideEffects, Value: sideEffects}, {Key: mapi.TagKey(pid.TagIconIndex), Value: int32(iconMeeting)},
	} {
		m.bag.put(p.Key, p.Value)
	}
	return m.asAppointment(), nil
}

// update applies a request to the appointment when it is newer.
func (a *AppointmentItem) update(ctx context.Context, i *MeetingItem) error {
	sequence := func(b *bag) (int32, error) {
		v, _, err := keyed[int32](ctx, b, pid.LidAppointmentSequence)
		return v, err
	}
	have, err := sequence(&a.bag)
	if err != nil {
		return err
	}
	sent, err := sequence(&i.bag)
	if err != nil || sent <= have {
		return err
	}
	it, err := i.copy(ctx)
	if err != nil {
		return err
	}
	for _, p := range carries(it.Props) {
		a.bag.put(p.Key, p.Value)
	}
	a.bag.put(pid.LidResponseStatus, int32(CdoResponseNotResponded))
	a.bag.put(pid.LidBusyStatus, int32(CdoTentative))
	list, err := a.Recipients(ctx)
	if err != nil {
		return err
	}
	list.list = nil
	for _, ps := range it.Recipients {
		r := newRecipient(list)
		r.bag.fill(ps)
		list.list = append(list.list, r)
	}
	list.dirty = true
	return nil
}

// answered notes an attendee's answer.
func (a *AppointmentItem) answered(ctx context.Context, i *MeetingItem) error {
	class, err := i.class(ctx)
	if err != nil {
		return err
	}
	sender, err := i.Sender(ctx)
	if err != nil {
		return err
	}
	for r, err := range allOf(ctx, a.Message) {
		if err != nil {
			return err
		}
		e := r.logon.newEntry(r, r.bag.merged(r.bag.have))
		if !e.means(ctx, sender) {
			continue
		}
		for status, x := range answers {
			if hasClass(class, x.class) {
				r.SetMeetingResponseStatus(status)
				a.answer = r
			}
		}
	}
	return nil
}

// allOf are the recipients of a message.
func allOf(ctx context.Context, m *Message) func(func(*Recipient, error) bool) {
	return func(yield func(*Recipient, error) bool) {
		list, err := m.Recipients(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for r, err := range list.All(ctx) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// Respond begins the answer to a request: CdoResponseAccepted, CdoResponseTentative or CdoResponseDeclined. Accepting and tentative
// save the appointment in the calendar; declining makes none and leaves one that is there. The answer is addressed to the organizer
// and lies unsent in the Outbox: set its Text and send it. Cancellations and answers are CdoE_NO_SUPPORT.
func (i *MeetingItem) Respond(ctx context.Context, t ResponseStatus) (*MeetingItem, error) {
	const member = "MeetingItem.Respond"
	if err := i.usable(); err != nil {
		return nil, fail(member, err)
	}
	class, err := i.class(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	how, ok := answers[t]
	switch {
	case !hasClass(class, requestClass):
		return nil, failf(member, CdoE_NO_SUPPORT, "only a request can be answered")
	case !ok:
		return nil, failf(member, CdoE_INVALID_PARAMETER, "%d is no answer", t)
	}
	if t != CdoResponseDeclined {
		if err := i.enter(ctx, t); err != nil {
			return nil, rename(err, member)
		}
	}
	subject, err := i.Subject(ctx)
	if err != nil {
		return nil, rename(err, member)
	}
	it, err := i.copy(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	outbox, err := i.folder.store.special(ctx, i, mapi.RoleOutbox)
	if err != nil {
		return nil, fail(member, err)
	}
	m := outbox.Messages().Add("", "", how.class)
	for _, p := range carries(it.Props) {
		if p.Key.Named() || holds(answerTags, p.Key) {
			m.bag.put(p.Key, p.Value)
		}
	}
	m.SetSubject(how.prefix + subject)
	m.bag.put(pid.LidAttendeeCriticalChange, mapi.NewFileTime(time.Now()))
	m.bag.put(pid.LidResponseStatus, int32(t))
	m.bag.putTag(pid.TagIconIndex, how.icon)
	if err := m.toSender(ctx, i.Message); err != nil {
		return nil, rename(err, member)
	}
	return m.asMeeting(), nil
}

// answerTags are the properties of a request that its answer has too.
var answerTags = tagKeys(pid.TagStartDate, pid.TagEndDate, pid.TagOwnerAppointmentId, pid.TagConversationTopic, pid.TagConversationIndex)

// enter saves the appointment of an accepted request.
func (i *MeetingItem) enter(ctx context.Context, t ResponseStatus) error {
	// Programs hold the appointment that they asked for before they answered, and save it afterwards: it must be the same one.
	a := i.associated
	if a == nil || a.usable() != nil {
		var err error
		if a, err = i.GetAssociatedAppointment(ctx); err != nil {
			return err
		}
	}
	status := CdoTentative
	if t == CdoResponseAccepted {
		intended, ok, err := keyed[int32](ctx, &i.bag, pid.LidIntendedBusyStatus)
		if err != nil {
			return err
		}
		if status = BusyStatus(intended); !ok || intended < 0 {
			status = CdoBusy
		}
	}
	a.SetBusyStatus(status)
	a.bag.put(pid.LidResponseStatus, int32(t))
	return a.Update(ctx, true, false)
}

// Respond is that of the meeting request which led to the appointment; of any other appointment it is CdoE_NO_SUPPORT.
func (a *AppointmentItem) Respond(ctx context.Context, t ResponseStatus) (*MeetingItem, error) {
	const member = "AppointmentItem.Respond"
	if a.request == nil {
		return nil, failf(member, CdoE_NO_SUPPORT, "the appointment doesn't come from a meeting request")
	}
	r, err := a.request.Respond(ctx, t)
	return r, rename(err, member)
}

// Send invites the attendees when MeetingStatus is CdoMeeting, and cancels the meeting when it is CdoMeetingCanceled; anything else
// is CdoE_NO_SUPPORT. The appointment is saved and can be used further.
func (a *AppointmentItem) Send(ctx context.Context, saveCopy bool) error {
	const member = "AppointmentItem.Send"
	status, err := a.MeetingStatus(ctx)
	switch {
	case err != nil:
		return rename(err, member)
	case status != CdoMeeting && status != CdoMeetingCanceled:
		return failf(member, CdoE_NO_SUPPORT, "it is no meeting of the user: MeetingStatus is %d", status)
	}
	if err := a.usable(); err != nil {
		return fail(member, err)
	}
	if _, ok := mapi.As[mapi.Submitter](a.folder.store.store); !ok {
		return fail(member, &mapi.Error{Op: "send", Code: mapi.ErrNoSupport})
	}
	if err := a.sendable(ctx); err != nil {
		return fail(member, err)
	}
	if err := a.organize(ctx); err != nil {
		return fail(member, err)
	}
	if err := a.save(ctx); err != nil {
		return fail(member, err)
	}
	class := requestClass
	if status == CdoMeetingCanceled {
		class = canceledClass
	}
	m, err := a.invitation(ctx, class)
	if err != nil {
		return fail(member, err)
	}
	return rename(m.Send(ctx, saveCopy), member)
}

// organize makes the appointment a meeting of the user ([MS-OXOCAL] 3.1.4.7.1).
func (a *AppointmentItem) organize(ctx context.Context) error {
	_, has, err := keyed[[]byte](ctx, &a.bag, pid.LidGlobalObjectId)
	if err != nil {
		return err
	}
	if !has {
		g := oxocal.NewGlobalObjectID(time.Now())
		id, err := g.Encode()
		if err != nil {
			return err
		}
		a.bag.put(pid.LidGlobalObjectId, id)
		a.bag.put(pid.LidCleanGlobalObjectId, id)
		a.bag.putTag(pid.TagOwnerAppointmentId, int32(uint32(g.Data[0])|uint32(g.Data[1])<<8|uint32(g.Data[2])<<16|uint32(g.Data[3]&0x7F)<<24))
	}
	invited, _, err := keyed[bool](ctx, &a.bag, pid.LidFInvited)
	if err != nil {
		return err
	}
	sequence, _, err := keyed[int32](ctx, &a.bag, pid.LidAppointmentSequence)
	if err != nil {
		return err
	}
	if invited {
		sequence++
	}
	a.bag.put(pid.LidAppointmentSequence, sequence)
	a.bag.put(pid.LidFInvited, true)
	a.bag.put(pid.LidResponseStatus, int32(CdoResponseOrganized))
	a.bag.put(pid.LidOwnerCriticalChange, mapi.NewFileTime(time.Now()))
	a.bag.putTag(pid.TagIconIndex, int32(iconMeeting))
	if err := a.attendees(ctx); err != nil {
		return err
	}
	if _, ok, err := a.bag.get(ctx, mapi.TagKey(pid.TagSentRepresentingName)); ok || err != nil {
		return err
	}
	return a.fromUser(ctx)
}

// attendees lists the names of those who are invited ([MS-OXOCAL] 2.2.1.16 to 2.2.1.18).
func (a *AppointmentItem) attendees(ctx context.Context) error {
	var all []string
	lists := map[RecipientType][]string{}
	for r, err := range allOf(ctx, a.Message) {
		if err != nil {
			return err
		}
		name, err := r.Name(ctx)
		if err != nil {
			return err
		}
		t, err := r.Type(ctx)
		if err != nil {
			return err
		}
		all = append(all, name)
		lists[t] = append(lists[t], name)
	}
	a.bag.put(pid.LidAllAttendeesString, strings.Join(all, "; "))
	a.bag.put(pid.LidToAttendeesString, strings.Join(lists[CdoTo], "; "))
	a.bag.put(pid.LidCcAttendeesString, strings.Join(lists[CdoCc], "; "))
	return nil
}

// invitation is a meeting item about the appointment, with its recipients, in the Outbox ([MS-OXOCAL] 2.2.6, 2.2.8).
func (a *AppointmentItem) invitation(ctx context.Context, class string) (*Message, error) {
	it, err := a.copy(ctx)
	if err != nil {
		return nil, err
	}
	outbox, err := a.folder.store.special(ctx, a, mapi.RoleOutbox)
	if err != nil {
		return nil, err
	}
	base := &mapi.Item{Props: carries(it.Props), Recipients: it.Recipients}
	for _, att := range it.Attachments {
		if !isException(att) {
			base.Attachments = append(base.Attachments, att)
		}
	}
	if a.at != nil {
		id, _ := it.Props.Get(pid.LidGlobalObjectId).([]byte)
		if g, err := oxocal.DecodeGlobalObjectID(id); err == nil {
			if id, err = g.On(a.at.at.Day).Encode(); err != nil {
				return nil, err
			}
			base.Props.Set(pid.LidGlobalObjectId, id)
		}
	}
	m := newMessage(outbox, outbox, mapi.Normal, "")
	m.base = base
	busy, err := a.BusyStatus(ctx)
	if err != nil {
		return nil, err
	}
	sequence, _ := it.Props.Get(pid.LidAppointmentSequence).(int32)
	state, icon, kind := int32(CdoMeetingReceived), int32(iconRequest), int32(mtgRequest)
	if sequence > 0 {
		kind = mtgFull
	}
	if isClass(class, canceledClass) {
		state, icon, kind = int32(CdoMeetingReceived|CdoMeetingCanceled), iconCanceled, 0
	}
	for _, p := range []mapi.Prop{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: class}, {Key: mapi.TagKey(pid.TagMessageFlags), Value: int32(flagUnsent | flagRead)},
		{Key: pid.LidAppointmentStateFlags, Value: state}, {Key: pid.LidIntendedBusyStatus, Value: int32(busy)}, {Key: pid.LidBusyStatus, Value: int32(CdoTentative)},
		{Key: pid.LidResponseStatus, Value: int32(CdoResponseNotResponded)}, {Key: pid.LidMeetingType, Value: kind},
		{Key: pid.LidAppointmentMessageClass, Value: appointmentClass}, {Key: mapi.TagKey(pid.TagIconIndex), Value: icon},
	} {
		m.bag.put(p.Key, p.Value)
	}
	if isClass(class, canceledClass) {
		subject, err := a.Subject(ctx)
		if err != nil {
			return nil, err
		}
		m.SetSubject("Canceled: " + strings.TrimPrefix(subject, "Canceled: "))
	}
	return m, nil
}

// Values of PidLidMeetingType ([MS-OXOCAL] 2.2.6.5).
const (
	mtgRequest = 0x00000001
	mtgFull    = 0x00010000
)

// Forward begins a meeting request about the appointment, without recipients and text, in the Outbox. An appointment that is no
// meeting is CdoE_NO_SUPPORT.
func (a *AppointmentItem) Forward(ctx context.Context) (*Message, error) {
	const member = "AppointmentItem.Forward"
	status, err := a.MeetingStatus(ctx)
	if err != nil {
		return nil, rename(err, member)
	}
	if status == CdoNonMeeting {
		return nil, fail(member, &mapi.Error{Op: "forward", Code: CdoE_NO_SUPPORT, Err: errors.New("it is no meeting")})
	}
	m, err := a.invitation(ctx, requestClass)
	if err != nil {
		return nil, fail(member, err)
	}
	subject, err := a.Subject(ctx)
	if err != nil {
		return nil, rename(err, member)
	}
	m.base.Recipients = nil
	m.SetSubject("FW: " + subject)
	m.SetText("")
	return m, nil
}
