package mime

import (
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxcical"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// maxCalendar is how large a calendar may be to be read, in bytes; what it holds is one meeting.
const maxCalendar = 4 << 20

// meeting reads the calendar of a message and takes it out of the files. It is nil where there is none, or one that stays a file:
// attached, or with something else in it than a meeting that somebody invites to, cancels or answers.
func (b *builder) meeting(l *layout) (*oxcical.Meeting, error) {
	i := slices.IndexFunc(l.files, func(t *part) bool {
		return t.message == nil && t.contentType() == "text/calendar" && t.disposition() != "attachment" && t.body.size() <= maxCalendar
	})
	if i < 0 {
		return nil, nil
	}
	t := l.files[i]
	d := t.decoder()
	data, err := readAll(d, t.body.size())
	if err != nil || d.damage() != "" || t.cut {
		return nil, err // what is damaged stays a file, of which that is reported
	}
	charset := t.param("charset")
	if charset == "" {
		charset = "utf-8" // [RFC5545] 3.1.4
	}
	text, _ := decodeText(charset, data)
	m, ok := oxcical.Read(text)
	if !ok {
		return nil, nil
	}
	l.files = slices.Delete(slices.Clone(l.files), i, i+1)
	return m, nil
}

// meet gives an item what the calendar says. The header and the texts of the message win.
func meet(it *mapi.Item, m *oxcical.Meeting) {
	p := &it.Props
	for _, q := range m.Props {
		p.Set(q.Key, q.Value)
	}
	if p.Text(pid.TagSubject) == "" {
		set(p, pid.TagSubject, m.Subject)
		set(p, pid.TagNormalizedSubject, m.Subject)
		set(p, pid.TagConversationTopic, m.Subject)
	}
	if p.Tag(pid.TagBody) == nil && p.Tag(pid.TagHtml) == nil {
		if m.HTML != "" {
			set(p, pid.TagHtml, []byte(m.HTML))
			set(p, pid.TagInternetCodepage, int32(codepage.UTF8))
			set(p, pid.TagNativeBody, nativeHTML)
		} else {
			set(p, pid.TagNativeBody, nativePlain)
		}
		set(p, pid.TagBody, m.Text)
	}
	for i := range it.Recipients { // what is invited is a matter of the calendar
		for _, a := range m.Attendees {
			if a.Type == recipientThing && strings.EqualFold(a.Address, it.Recipients[i].Text(pid.TagSmtpAddress)) {
				set(&it.Recipients[i], pid.TagRecipientType, recipientThing)
			}
		}
	}
}

// recipientThing is the type of a room or thing as a recipient of a meeting ([MS-OXOCAL] 2.2.4.10.7). Messages hide it as Bcc.
const recipientThing int32 = 3

// calendar adds a calendar to the body of a message about a meeting, or of an appointment.
func (c *composer) calendar(b *bodies, it *mapi.Item) error {
	text, err := bodyText(&it.Props)
	if err != nil {
		return err
	}
	description := ""
	if text != nil {
		description = text.text
	}
	if cal, method, ok := oxcical.Write(it, c.invited(it), description); ok {
		n := textPart("text/calendar", "utf-8", []byte(cal))
		n.typ += "; method=" + method
		b.parts = append(b.parts, n)
	}
	return nil
}

// invited are those whom a meeting is about. An answer is from who was invited to who did.
func (c *composer) invited(it *mapi.Item) (who oxcical.People) {
	sender, ok := c.person(&it.Props, sentRepresentingGroup)
	if !ok {
		sender, _ = c.person(&it.Props, senderGroup)
	}
	answer := strings.Contains(strings.ToUpper(it.Props.Text(pid.TagMessageClass)), ".RESP.")
	if answer {
		who.Attendees = []oxcical.Attendee{{Person: oxcical.Person{Name: sender.Name, Address: sender.Addr}, Type: recipientTo}}
	} else {
		who.Organizer = oxcical.Person{Name: sender.Name, Address: sender.Addr}
	}
	for _, r := range it.Recipients {
		a, ok := c.person(&r, recipientGroup)
		if !ok {
			continue
		}
		p := oxcical.Person{Name: a.Name, Address: a.Addr}
		const organizer, kind = 2, 0x0F
		flags, _ := r.Tag(pid.TagRecipientFlags).(int32)
		typ, _ := r.Tag(pid.TagRecipientType).(int32)
		switch {
		case answer && who.Organizer.Address == "":
			who.Organizer = p
		case answer, flags&organizer != 0, strings.EqualFold(a.Addr, sender.Addr):
		default:
			who.Attendees = append(who.Attendees, oxcical.Attendee{Person: p, Type: typ & kind})
		}
	}
	return who
}
