package delivery

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Kinds of recipients in the lower bits of PidTagRecipientType ([MS-OXOMSG] 2.2.3.1).
const (
	recipientKind = 0x0F
	toRecipient   = 1
	ccRecipient   = 2
	bccRecipient  = 3
)

func kindOf(r mapi.Props) int32 {
	n, _ := r.Tag(pid.TagRecipientType).(int32)
	return n & recipientKind
}

// addressee is someone who gets the message, once however often the recipients name them.
type addressee struct {
	Person
	to, cc bool
}

// deliver gives each recipient a copy. Who can't get one is noted.
func (m *submitted) deliver(ctx context.Context) error {
	var list []*addressee
	var outside []mapi.Props
	known := map[string]*addressee{}
	for _, r := range m.it.Recipients {
		p, ok, err := m.find(ctx, r)
		if err != nil {
			return err
		}
		if !ok {
			outside = append(outside, r)
			continue
		}
		a := known[p.DN]
		if a == nil {
			a = &addressee{Person: p}
			known[p.DN] = a
			list = append(list, a)
		}
		a.to = a.to || kindOf(r) == toRecipient
		a.cc = a.cc || kindOf(r) == ccRecipient
	}
	for _, a := range list {
		if err := m.give(ctx, a); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			m.fail(a.SMTP, err)
		}
	}
	m.relay(ctx, outside)
	return nil
}

// find looks for the mailbox of a recipient: by its entry id, by its address, by its SMTP address.
func (m *submitted) find(ctx context.Context, r mapi.Props) (Person, bool, error) {
	if id, ok := r.Tag(pid.TagEntryId).([]byte); ok {
		var e oxcdata.AddressBookEntryID
		if oxcdata.Decode(oxcdata.ROP, id, func(c *oxcdata.Coder) { c.AddressBookEntryID(&e) }) == nil && e.Provider == oxcdata.ProviderAddressBook {
			if p, ok, err := m.post.Find(ctx, "EX", string(e.DN)); ok || err != nil {
				return p, ok, err
			}
		}
	}
	if addr := r.Text(pid.TagEmailAddress); addr != "" {
		if p, ok, err := m.post.Find(ctx, strings.ToUpper(r.Text(pid.TagAddressType)), addr); ok || err != nil {
			return p, ok, err
		}
	}
	if addr := r.Text(pid.TagSmtpAddress); addr != "" {
		return m.post.Find(ctx, "SMTP", addr)
	}
	return Person{}, false, nil
}

// private are properties of the sender's own copy ([MS-OXOMSG] 3.2.5.2), and those that a mailbox gives its items.
var private = map[uint16]bool{}

func init() {
	for _, t := range []mapi.Tag{
		pid.TagSentMailEntryId, pid.TagDeleteAfterSubmit, pid.TagTargetEntryId, pid.TagParentKey, pid.TagSentMailSvrEID,
		pid.TagEntryId, pid.TagParentEntryId, pid.TagStoreEntryId, pid.TagStoreRecordKey, pid.TagRecordKey, pid.TagSourceKey,
		pid.TagParentSourceKey, pid.TagChangeKey, pid.TagPredecessorChangeList, pid.TagChangeNumber, pid.TagMid, pid.TagFolderId,
		pid.TagCreationTime, pid.TagLastModificationTime, pid.TagLocalCommitTime, pid.TagAccess, pid.TagAccessLevel,
		pid.TagDisplayTo, pid.TagDisplayCc, pid.TagDisplayBcc, pid.TagMessageSize, pid.TagMessageSizeExtended,
	} {
		private[t.ID()] = true
	}
}

// give writes someone's copy into the Inbox.
func (m *submitted) give(ctx context.Context, a *addressee) error {
	it := &mapi.Item{Attachments: m.it.Attachments}
	it.Props = slices.DeleteFunc(slices.Clone(m.it.Props), func(p mapi.Prop) bool { return !p.Key.Named() && private[p.Key.Tag.ID()] })
	for _, r := range m.it.Recipients {
		if kindOf(r) != bccRecipient {
			it.Recipients = append(it.Recipients, r)
		}
	}
	for _, p := range slices.Concat(receivedBy.of(a.Person), receivedFor.of(a.Person), mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageFlags), Value: int32(0)},
		{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: m.now},
		{Key: mapi.TagKey(pid.TagMessageToMe), Value: a.to},
		{Key: mapi.TagKey(pid.TagMessageCcMe), Value: a.cc},
		{Key: mapi.TagKey(pid.TagMessageRecipientMe), Value: a.to || a.cc},
	}) {
		it.Props.Set(p.Key, p.Value)
	}
	box, err := m.post.Open(ctx, a.Person)
	if err != nil {
		return err
	}
	defer box.Close()
	if err := put(ctx, m.post, a.Person, box, it); err != nil {
		return err
	}
	if m.Store == nil { // it came from outside
		return nil
	}
	if err := m.answer(ctx, a, box); err != nil {
		m.post.Log("automatic reply not sent", a.Person, err) // the message has arrived
	}
	return nil
}

// deposit puts an item into someone's Inbox.
func deposit(ctx context.Context, post Post, p Person, it *mapi.Item) error {
	box, err := post.Open(ctx, p)
	if err != nil {
		return err
	}
	defer box.Close()
	return put(ctx, post, p, box, it)
}

// put puts an item into the Inbox of a mailbox.
func put(ctx context.Context, post Post, p Person, box mapi.Store, it *mapi.Item) error {
	id, err := box.Special(ctx, mapi.RoleInbox)
	if err != nil {
		return err
	}
	f, err := box.Folder(ctx, id)
	if err != nil {
		return err
	}
	item, err := mapi.WriteItem(ctx, f, mapi.Normal, it)
	if err == nil {
		post.Delivered(ctx, p, box, item, it.Props.Text(pid.TagMessageClass))
	}
	return err
}

// relay hands over what is for others. Recipients without an Internet address can't get anything.
func (m *submitted) relay(ctx context.Context, list []mapi.Props) {
	var addresses []string
	for _, r := range list {
		addr := r.Text(pid.TagSmtpAddress)
		if addr == "" && strings.EqualFold(r.Text(pid.TagAddressType), "SMTP") {
			addr = r.Text(pid.TagEmailAddress)
		}
		if addr == "" {
			m.failed = append(m.failed, failure{r, r.Text(pid.TagEmailAddress), errors.New("nobody has this address")})
			continue
		}
		addresses = append(addresses, addr)
	}
	if len(addresses) == 0 {
		return
	}
	out := *m.it
	out.Recipients = slices.DeleteFunc(slices.Clone(m.it.Recipients), func(r mapi.Props) bool { return kindOf(r) == bccRecipient })
	err := m.post.Relay(ctx, m.Owner.SMTP, addresses, &out)
	var refused Refused
	switch {
	case errors.As(err, &refused):
		for a, why := range refused {
			m.fail(a, why)
		}
	case err != nil:
		for _, a := range addresses {
			m.fail(a, err)
		}
	}
}

// fail notes that an address got nothing.
func (m *submitted) fail(address string, err error) {
	f := failure{address: address, reason: err}
	for _, r := range m.it.Recipients {
		if strings.EqualFold(r.Text(pid.TagSmtpAddress), address) || strings.EqualFold(r.Text(pid.TagEmailAddress), address) {
			f.recipient = r
		}
	}
	m.failed = append(m.failed, f)
}
