package cdo

import (
	"context"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Message is an item of a folder, or one that is embedded in an attachment. What its row in the folder's table says is known
// at once; for everything else the item is read once, its large values when they are used. Changes are kept until Update.
type Message struct {
	node
	folder *Folder
	kind   mapi.Kind
	id     mapi.EntryID // "" before it is saved
	place  int          // in the collection that gave it, -1 when none did
	within *Attachment  // that the message is embedded in, or nil
	bag    bag
	item   *mapi.Item // as it is saved, nil until it is read
	base   *mapi.Item // of a message that isn't saved yet: what it was made from, or nil
	gone   bool       // sent, deleted or moved

	at          *occurrence  // of a series, or nil
	header      *GroupHeader // the head of a group, which is no item at all, or nil
	appointment *AppointmentItem
	meeting     *MeetingItem

	recipients  *Recipients
	attachments *Attachments
}

// Flags of PR_MESSAGE_FLAGS ([MS-OXCMSG] 2.2.1.6).
const (
	flagRead       = 0x01
	flagSubmitted  = 0x04
	flagUnsent     = 0x08
	flagAttachment = 0x10
	flagAssociated = 0x40
)

func newMessage(parent Object, f *Folder, k mapi.Kind, id mapi.EntryID) *Message {
	m := &Message{node: node{f.logon, parent}, folder: f, kind: k, id: id, place: -1}
	m.bag = bag{names: &m.logon.names, load: m.load}
	return m
}

// fillRow takes what a row of the folder's table says.
func (m *Message) fillRow(columns []mapi.Key, r mapi.Row) {
	for i, k := range columns {
		if i < len(r.Values) && r.Values[i] != nil {
			if _, narrow := r.Values[i].(mapi.String8); narrow {
				k = k.WithType(mapi.TypeString8)
			}
			m.bag.have = append(m.bag.have, mapi.Prop{Key: k, Value: r.Values[i]})
		}
	}
	m.bag.listed = columns
}

// usable tells whether the message can still be read and changed.
func (m *Message) usable() error {
	if err := m.logon.alive(); err != nil {
		return err
	}
	if m.gone || m.header != nil {
		return mapi.ErrInvalidObject
	}
	return nil
}

// load reads the whole item.
func (m *Message) load(ctx context.Context) error {
	if err := m.usable(); err != nil {
		return err
	}
	switch {
	case m.at != nil:
		it, err := m.at.item(ctx)
		if err != nil {
			return err
		}
		m.item = it
	case m.within != nil:
		if err := m.within.bag.complete(ctx); err != nil {
			return err
		}
		m.item = m.within.embedded
	case m.id == "":
		m.item = m.base
	default:
		dir, err := m.folder.open(ctx)
		if err != nil {
			return err
		}
		it, err := m.logon.readItem(ctx, dir, m.id)
		if err != nil {
			return err
		}
		m.item = it
	}
	if m.item == nil {
		m.item = &mapi.Item{}
	}
	if flags, _ := m.item.Props.Tag(pid.TagMessageFlags).(int32); flags&flagAssociated != 0 {
		m.kind = mapi.Associated
	}
	return m.loaded(ctx)
}

// loaded spreads the item among the objects that stand for its parts.
func (m *Message) loaded(ctx context.Context) error {
	ps := slices.Clone(m.item.Props)
	if m.folder.store.plain {
		ps = slices.DeleteFunc(ps, func(p mapi.Prop) bool { return holds(rtf, p.Key) })
	}
	if m.id != "" {
		store, err := m.folder.store.entryID(ctx)
		if err != nil {
			return err
		}
		ids := []mapi.Prop{
			{Key: mapi.TagKey(pid.TagEntryId), Value: []byte(m.id)},
			{Key: mapi.TagKey(pid.TagParentEntryId), Value: []byte(m.folder.id)},
			{Key: mapi.TagKey(pid.TagStoreEntryId), Value: store},
		}
		for _, p := range ids {
			if i := find(ps, p.Key); i >= 0 {
				ps[i] = p
			} else {
				ps = append(ps, p)
			}
		}
	}
	for _, p := range m.bag.have { // what only tables show, such as the size
		if holds(rowColumns, p.Key) && find(ps, p.Key) < 0 {
			ps = append(ps, p)
		}
	}
	m.bag.fill(ps)
	if m.recipients != nil {
		m.recipients.bind(m.item.Recipients)
	}
	if m.attachments != nil {
		m.attachments.bind(m.item.Attachments)
	}
	return nil
}

// rtf are the properties that ExcludeRTFProps keeps out.
var rtf = tagKeys(pid.TagRtfCompressed, pid.TagRtfInSync, CdoPR_RTF_SYNC_BODY_CRC, CdoPR_RTF_SYNC_BODY_COUNT, CdoPR_RTF_SYNC_BODY_TAG,
	CdoPR_RTF_SYNC_PREFIX_COUNT, CdoPR_RTF_SYNC_TRAILING_COUNT)

// read has the whole item in memory.
func (m *Message) read(ctx context.Context) error {
	if m.item != nil && m.bag.all {
		return m.usable()
	}
	return m.load(ctx)
}

// stale has the item read again when something is needed that isn't known yet.
func (m *Message) stale() {
	m.item, m.bag.all = nil, false
	if m.recipients != nil {
		m.recipients.stale()
	}
	if m.attachments != nil {
		m.attachments.stale()
	}
}

// Class is CdoMsg, CdoAppointment or CdoMeetingItem, as the message class says, or CdoGroupHeader.
func (m *Message) Class() ObjectClass {
	if m.header != nil {
		return CdoGroupHeader
	}
	class := ""
	for _, ps := range []mapi.Props{m.bag.have, m.bag.set} {
		if i := find(ps, mapi.TagKey(pid.TagMessageClass)); i >= 0 {
			switch v := ps[i].Value.(type) {
			case string:
				class = v
			case mapi.String8:
				class = string(v)
			}
		}
	}
	switch {
	case hasClass(class, appointmentClass):
		return CdoAppointment
	case hasClass(class, meetingClass):
		return CdoMeetingItem
	}
	return CdoMsg
}

// hasClass tells whether a message class is another one or derived from it.
func hasClass(class, of string) bool {
	return len(class) >= len(of) && strings.EqualFold(class[:len(of)], of) && (len(class) == len(of) || class[len(of)] == '.')
}

// Object is the message as the object of its class: an *AppointmentItem, a *MeetingItem, a *GroupHeader, or the message itself.
func (m *Message) Object() Object {
	switch m.Class() {
	case CdoAppointment:
		return m.asAppointment()
	case CdoMeetingItem:
		return m.asMeeting()
	case CdoGroupHeader:
		return m.header
	}
	return m
}

// Appointment is the message as an appointment; ok is false for messages of other classes.
func (m *Message) Appointment() (a *AppointmentItem, ok bool) {
	if m == nil || m.Class() != CdoAppointment {
		return nil, false
	}
	return m.asAppointment(), true
}

// Meeting is the message as a meeting item; ok is false for messages of other classes.
func (m *Message) Meeting() (i *MeetingItem, ok bool) {
	if m == nil || m.Class() != CdoMeetingItem {
		return nil, false
	}
	return m.asMeeting(), true
}

// GroupHeader is the head of a group; ok is false for items.
func (m *Message) GroupHeader() (h *GroupHeader, ok bool) {
	if m == nil {
		return nil, false
	}
	return m.header, m.header != nil
}

func (m *Message) asAppointment() *AppointmentItem {
	if m.appointment == nil {
		m.appointment = &AppointmentItem{Message: m}
	}
	return m.appointment
}

func (m *Message) asMeeting() *MeetingItem {
	if m.meeting == nil {
		m.meeting = &MeetingItem{Message: m}
	}
	return m.meeting
}

// ID is the entry id of the message, "" before it is saved and for a message within another.
func (m *Message) ID() string { return hexID([]byte(m.id)) }

// FolderID is the ID of the folder that the message is in.
func (m *Message) FolderID() string { return m.folder.ID() }

// StoreID is the ID of the store that the message is in.
func (m *Message) StoreID(ctx context.Context) (string, error) {
	id, err := m.folder.store.entryID(ctx)
	return hexID(id), fail("Message.StoreID", err)
}

// Fields are the properties of the message.
func (m *Message) Fields() *Fields { return newFields(m, &m.node, &m.bag) }

// Recipients are the recipients of the message.
func (m *Message) Recipients(ctx context.Context) (*Recipients, error) {
	if m.recipients == nil {
		if err := m.read(ctx); err != nil {
			return nil, fail("Message.Recipients", err)
		}
		m.recipients = newRecipients(m)
		m.recipients.bind(m.item.Recipients)
	}
	return m.recipients, nil
}

// Attachments are the attachments of the message.
func (m *Message) Attachments(ctx context.Context) (*Attachments, error) {
	if m.attachments == nil {
		if err := m.read(ctx); err != nil {
			return nil, fail("Message.Attachments", err)
		}
		m.attachments = newAttachments(m)
		m.attachments.bind(m.item.Attachments)
	}
	return m.attachments, nil
}

// IsSameAs reports whether o is the same message.
func (m *Message) IsSameAs(ctx context.Context, o *Message) (bool, error) {
	if o != nil && (m.at != nil || o.at != nil) {
		return m == o || m.at != nil && o.at != nil && m.at.same(o.at), nil
	}
	if o == nil || m.id == "" || !sameID([]byte(m.id), []byte(o.id)) {
		return m == o, nil
	}
	same, err := m.folder.store.sameStore(ctx, o.folder.store)
	return same, fail("Message.IsSameAs", err)
}
