package cdo_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// person is a mailbox whose mail goes to the other person's Inbox.
type person struct {
	*world
	address string
}

// couple are two people who write to each other.
func couple(t *testing.T) (ada, charles *person) {
	t.Helper()
	boxes := map[string]*memstore.Store{}
	deliver := func(ctx context.Context, it *mapi.Item) error {
		for _, r := range it.Recipients {
			box := boxes[strings.ToLower(r.Text(pid.TagSmtpAddress))]
			if box == nil {
				continue
			}
			id, err := box.Special(ctx, mapi.RoleInbox)
			if err != nil {
				return err
			}
			dir, err := box.Folder(ctx, id)
			if err != nil {
				return err
			}
			received := &mapi.Item{Props: slices.Clone(it.Props), Recipients: it.Recipients, Attachments: it.Attachments}
			received.Props.Set(mapi.TagKey(pid.TagMessageDeliveryTime), mapi.NewFileTime(time.Now()))
			received.Props.Set(mapi.TagKey(pid.TagMessageFlags), int32(0))
			if _, err := mapi.WriteItem(ctx, dir, mapi.Normal, received); err != nil {
				return err
			}
		}
		return nil
	}
	make := func(address string) *person {
		s := memstore.New(memstore.Config{Name: address, Deliver: deliver})
		boxes[address] = s
		w := &world{T: t, ctx: t.Context(), store: s}
		w.session = cdo.NewSession(cdo.Config{Open: open(s), Location: berlin, TempDir: t.TempDir()})
		w.must(w.session.Logon(w.ctx, cdo.LogonOptions{ProfileInfo: "server\n" + address}))
		return &person{w, address}
	}
	return make("ada@example.com"), make("charles@example.com")
}

// from gives what somebody sends their address: what a real transport does.
func (p *person) from(m *cdo.Message) {
	p.Helper()
	for _, t := range []mapi.Tag{pid.TagSentRepresentingEmailAddress, pid.TagSenderEmailAddress} {
		get(m.Fields().Add(t, p.address))(p.world)
	}
	for _, t := range []mapi.Tag{pid.TagSentRepresentingAddressType, pid.TagSenderAddressType} {
		get(m.Fields().Add(t, "SMTP"))(p.world)
	}
	for _, t := range []mapi.Tag{pid.TagSentRepresentingName, pid.TagSenderName} {
		get(m.Fields().Add(t, p.address))(p.world)
	}
}

// newest is the last item that came.
func (p *person) newest() *cdo.MeetingItem {
	p.Helper()
	list := p.inbox().Messages()
	m := get(list.GetLast(p.ctx, ""))(p.world)
	i, ok := m.Meeting()
	if !ok {
		p.Fatalf("the newest item is no meeting item: %v", m)
	}
	return i
}

func invite(ada, charles *person) *cdo.AppointmentItem {
	ada.Helper()
	a := get(ada.calendar().Messages().AddAppointment(ada.ctx))(ada.world)
	a.SetSubject("The Engine")
	a.SetText("What it can do")
	a.SetLocation("Dorset Street")
	a.SetBusyStatus(cdo.CdoOutOfOffice)
	ada.must(a.SetStartTime(ada.ctx, day(7, 14, 0)))
	ada.must(a.SetEndTime(ada.ctx, day(7, 15, 0)))
	a.SetMeetingStatus(cdo.CdoMeeting)
	want(ada.T, "an invitation to nobody", a.Send(ada.ctx, true), cdo.CdoE_NO_RECIPIENTS)
	r := get(get(a.Recipients(ada.ctx))(ada.world).Add(ada.ctx, "Charles", "SMTP:"+charles.address, cdo.CdoTo))(ada.world)
	ada.must(r.Resolve(ada.ctx, false))
	ada.from(a.Message)
	ada.must(a.Send(ada.ctx, true))
	return a
}

// Reference 1.9, 1.10; scripts 28 and 29 of section 7: invitation, answer, change, cancellation.
func TestMeeting(t *testing.T) {
	ada, charles := couple(t)
	a := invite(ada, charles)
	ada.same("the organizer's calendar", ada.listed(day(1, 0, 0), day(30, 0, 0)), "07 14:00 The Engine")
	if get(a.MeetingResponseStatus(ada.ctx))(ada.world) != cdo.CdoResponseOrganized {
		t.Error("the organizer isn't known as such")
	}

	request := charles.newest()
	if request.Class() != cdo.CdoMeetingItem || get(request.MeetingType(charles.ctx))(charles.world) != cdo.CdoMeetingRequest ||
		get(request.Type(charles.ctx))(charles.world) != "IPM.Schedule.Meeting.Request" || get(request.Text(charles.ctx))(charles.world) != "What it can do" {
		t.Error("the request isn't one")
	}
	b := get(request.GetAssociatedAppointment(charles.ctx))(charles.world)
	if b.ID() != "" || get(b.MeetingStatus(charles.ctx))(charles.world) != cdo.CdoMeetingReceived || get(b.BusyStatus(charles.ctx))(charles.world) != cdo.CdoTentative ||
		get(b.MeetingResponseStatus(charles.ctx))(charles.world) != cdo.CdoResponseNotResponded || get(b.Location(charles.ctx))(charles.world) != "Dorset Street" ||
		!get(b.StartTime(charles.ctx))(charles.world).Equal(day(7, 14, 0)) {
		t.Error("the attendee's appointment differs")
	}
	if o := get(b.Organizer(charles.ctx))(charles.world); get(o.Address(charles.ctx))(charles.world) != ada.address {
		t.Error("the organizer isn't Ada")
	}
	charles.same("before an answer", charles.listed(day(1, 0, 0), day(30, 0, 0)))
	_, err := request.Respond(charles.ctx, 1)
	want(t, "an answer that isn't one", err, cdo.CdoE_INVALID_PARAMETER)

	answer := get(request.Respond(charles.ctx, cdo.CdoResponseAccepted))(charles.world)
	b.SetReplyTime(day(1, 0, 0)) // what was asked for before the answer is the appointment that the answer saved
	charles.must(b.Update(charles.ctx, true, false))
	charles.same("after it", charles.listed(day(1, 0, 0), day(30, 0, 0)), "07 14:00 The Engine")
	b = get(request.GetAssociatedAppointment(charles.ctx))(charles.world)
	if b.ID() == "" || get(b.BusyStatus(charles.ctx))(charles.world) != cdo.CdoOutOfOffice || get(b.MeetingResponseStatus(charles.ctx))(charles.world) != cdo.CdoResponseAccepted {
		t.Error("the accepted appointment differs")
	}
	b.SetReplyTime(day(1, 1, 0))
	charles.must(b.Update(charles.ctx, true, false))
	answer.SetText("With pleasure")
	charles.from(answer.Message)
	charles.must(answer.Send(charles.ctx, true))
	get(b.Respond(charles.ctx, cdo.CdoResponseTentative))(charles.world) // repeatable
	charles.must(request.Delete(charles.ctx, false))

	response := ada.newest()
	if get(response.MeetingType(ada.ctx))(ada.world) != cdo.CdoMeetingResponse || get(response.Type(ada.ctx))(ada.world) != "IPM.Schedule.Meeting.Resp.Pos" ||
		get(response.Subject(ada.ctx))(ada.world) != "Accepted: The Engine" || get(response.Text(ada.ctx))(ada.world) != "With pleasure" {
		t.Error("the response isn't one")
	}
	_, err = response.Respond(ada.ctx, cdo.CdoResponseAccepted)
	want(t, "an answer to an answer", err, cdo.CdoE_NO_SUPPORT)
	c := get(response.GetAssociatedAppointment(ada.ctx))(ada.world)
	if c.ID() != a.ID() || get(c.MeetingResponseStatus(ada.ctx))(ada.world) != cdo.CdoResponseAccepted {
		t.Error("the response doesn't lead to the meeting")
	}
	ada.must(c.Update(ada.ctx, true, false))
	again := mustAppointment(ada.world, get(ada.session.GetMessage(ada.ctx, a.ID(), ""))(ada.world))
	r := get(get(again.Recipients(ada.ctx))(ada.world).Item(ada.ctx, 1))(ada.world)
	if get(r.MeetingResponseStatus(ada.ctx))(ada.world) != cdo.CdoResponseAccepted {
		t.Error("the answer isn't kept with the attendee")
	}

	// a change
	ada.must(again.SetStartTime(ada.ctx, day(8, 9, 0)))
	ada.must(again.SetEndTime(ada.ctx, day(8, 10, 0)))
	ada.must(again.Send(ada.ctx, true))
	change := charles.newest()
	b = get(change.GetAssociatedAppointment(charles.ctx))(charles.world)
	charles.same("the change before Update", charles.listed(day(1, 0, 0), day(30, 0, 0)), "07 14:00 The Engine")
	charles.must(b.Update(charles.ctx, true, false))
	charles.same("and after", charles.listed(day(1, 0, 0), day(30, 0, 0)), "08 09:00 The Engine")

	// a cancellation
	again.SetMeetingStatus(cdo.CdoMeetingCanceled)
	ada.must(again.Send(ada.ctx, true))
	ada.must(again.Delete(ada.ctx, false))
	canceled := charles.newest()
	_, err = canceled.Respond(charles.ctx, cdo.CdoResponseAccepted)
	want(t, "an answer to a cancellation", err, cdo.CdoE_NO_SUPPORT)
	b = get(canceled.GetAssociatedAppointment(charles.ctx))(charles.world)
	if get(b.BusyStatus(charles.ctx))(charles.world) != cdo.CdoFree || get(b.MeetingStatus(charles.ctx))(charles.world)&4 == 0 {
		t.Error("the cancelled appointment isn't marked")
	}
	charles.must(b.Delete(charles.ctx, false))
	_, err = canceled.GetAssociatedAppointment(charles.ctx)
	want(t, "a cancellation of what isn't there", err, cdo.CdoE_NOT_FOUND)
	_, err = response.GetAssociatedAppointment(ada.ctx)
	want(t, "an answer to what isn't there", err, cdo.CdoE_NOT_FOUND)
}

// Reference 1.10 Respond: declining makes no appointment.
func TestDecline(t *testing.T) {
	ada, charles := couple(t)
	a := invite(ada, charles)
	request := charles.newest()
	answer := get(request.Respond(charles.ctx, cdo.CdoResponseDeclined))(charles.world)
	if get(answer.Type(charles.ctx))(charles.world) != "IPM.Schedule.Meeting.Resp.Neg" {
		t.Error("the answer isn't no")
	}
	to := get(get(answer.Recipients(charles.ctx))(charles.world).Item(charles.ctx, 1))(charles.world)
	if get(to.Address(charles.ctx))(charles.world) != "SMTP:"+ada.address {
		t.Errorf("the answer goes to %q", get(to.Address(charles.ctx))(charles.world))
	}
	charles.same("declined", charles.listed(day(1, 0, 0), day(30, 0, 0)))

	f := get(a.Forward(ada.ctx))(ada.world)
	if i, ok := f.Meeting(); !ok || get(i.Subject(ada.ctx))(ada.world) != "FW: The Engine" || get(get(f.Recipients(ada.ctx))(ada.world).Count(ada.ctx))(ada.world) != 0 {
		t.Error("a forwarded meeting is no meeting item")
	}
}

// Reference 1.12 GetFreeBusy: a digit for each slot, the highest wins.
func TestFreeBusy(t *testing.T) {
	w := newWorld(t)
	w.emptyCalendar()
	w.add("busy", day(7, 9, 0), day(7, 10, 15), nil)
	w.add("maybe", day(7, 10, 0), day(7, 12, 0), func(a *cdo.AppointmentItem) { a.SetBusyStatus(cdo.CdoTentative) })
	w.add("free", day(7, 13, 0), day(7, 14, 0), func(a *cdo.AppointmentItem) { a.SetBusyStatus(cdo.CdoFree) })
	w.add("away", day(7, 16, 30), day(8, 9, 0), func(a *cdo.AppointmentItem) { a.SetBusyStatus(cdo.CdoOutOfOffice) })
	w.add("every day", day(1, 17, 0), day(1, 17, 30), func(a *cdo.AppointmentItem) {
		w.must(get(a.GetRecurrencePattern(w.ctx))(w).SetRecurrenceType(cdo.CdoRecurTypeDaily))
	})
	me := get(w.session.CurrentUser(w.ctx))(w)
	if got := get(me.GetFreeBusy(w.ctx, day(7, 8, 0), day(7, 18, 0), 60))(w); got != "0221000033" {
		t.Errorf("the owner is %q", got)
	}
	stranger := get(get(w.inbox().Messages().Add("x", "", "").Recipients(w.ctx))(w).Add(w.ctx, "Mary", "SMTP:mary@example.com", cdo.CdoTo))(w)
	w.must(stranger.Resolve(w.ctx, false))
	_, err := stranger.GetFreeBusy(w.ctx, day(7, 8, 0), day(7, 9, 0), 30)
	want(t, "somebody whom no store knows", err, cdo.CdoE_NO_SUPPORT)
	store := &published{Store: w.store, owner: w}
	w = logOnTo(t, store)
	e := get(get(w.inbox().Messages().Add("x", "", "").Recipients(w.ctx))(w).Add(w.ctx, "Ada", "SMTP:ada@example.com", cdo.CdoTo))(w)
	w.must(e.Resolve(w.ctx, false))
	for _, c := range []struct {
		from, to time.Time
		minutes  int32
		want     string
	}{
		{day(7, 8, 0), day(7, 18, 0), 60, "0221000033"},
		{day(7, 9, 0), day(7, 11, 0), 15, "22222111"},
		{day(6, 16, 0), day(6, 18, 0), 30, "0020"},
		{day(7, 10, 0), day(7, 10, 50), 20, "211"},
		{day(7, 10, 0), day(7, 10, 0), 20, ""},
	} {
		if got := get(e.GetFreeBusy(w.ctx, c.from, c.to, c.minutes))(w); got != c.want {
			t.Errorf("from %v to %v by %d: %q, want %q", c.from, c.to, c.minutes, got, c.want)
		}
	}
	_, err = e.GetFreeBusy(w.ctx, day(7, 8, 0), day(7, 9, 0), 0)
	want(t, "an interval of nothing", err, cdo.CdoE_INVALID_PARAMETER)
	_, err = e.GetFreeBusy(w.ctx, day(7, 8, 0), day(7, 9, 0).AddDate(200, 0, 0), 1)
	want(t, "too much", err, cdo.CdoE_TOO_BIG)

	m := w.inbox().Messages().Add("x", "", "")
	list := get(m.Recipients(w.ctx))(w)
	w.must(list.AddMultiple(w.ctx, "ada@example.com;busy@example.com", cdo.CdoTo))
	if got := get(list.GetFreeBusy(w.ctx, day(7, 8, 0), day(7, 18, 0), 60))(w); got != "0221000233" {
		t.Errorf("together %q", got)
	}
	w.must(list.AddMultiple(w.ctx, "Nobody at all", cdo.CdoTo))
	_, err = list.GetFreeBusy(w.ctx, day(7, 8, 0), day(7, 18, 0), 60)
	if err == nil {
		t.Error("somebody who isn't there is free")
	}
}

// published is a store that publishes free/busy: of its owner the calendar, of others one busy hour.
type published struct {
	mapi.Store
	owner *world
}

func (p *published) FreeBusy(ctx context.Context, who mapi.Props, from, to time.Time) ([]mapi.Busy, error) {
	if who.Text(pid.TagSmtpAddress) != "ada@example.com" {
		return []mapi.Busy{{Start: day(7, 15, 0), End: day(7, 16, 0), Status: 2}}, nil
	}
	list := p.owner.calendar().Messages()
	list.SetPeriod(from, to)
	var busy []mapi.Busy
	for m, err := range list.All(ctx) {
		if err != nil {
			return nil, err
		}
		a, _ := m.Appointment()
		busy = append(busy, mapi.Busy{Start: get(a.StartTime(ctx))(p.owner), End: get(a.EndTime(ctx))(p.owner), Status: int32(get(a.BusyStatus(ctx))(p.owner))})
	}
	return busy, nil
}

// logOnTo logs on to a store as it is.
func logOnTo(t *testing.T, s mapi.Store) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), store: s, session: cdo.NewSession(cdo.Config{Open: open(s), Location: berlin, TempDir: t.TempDir()})}
	w.must(w.session.Logon(w.ctx, cdo.LogonOptions{ProfileInfo: "server.example\nada"}))
	return w
}
