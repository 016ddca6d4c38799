package cdo

import (
	"context"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Reply begins a message to the sender, without text and attachments, in the Outbox. The conversation's topic and index are for
// the program to set.
func (m *Message) Reply(ctx context.Context) (*Message, error) {
	r, err := m.answer(ctx, "RE: ", nil)
	if err == nil {
		err = r.toSender(ctx, m)
	}
	if err != nil {
		return nil, rename(err, "Message.Reply")
	}
	return r, nil
}

// ReplyAll begins a message to the sender and all recipients, as Reply does. Blind copies stay what they are.
func (m *Message) ReplyAll(ctx context.Context) (*Message, error) {
	const member = "Message.ReplyAll"
	r, err := m.Reply(ctx)
	if err != nil {
		return nil, rename(err, member)
	}
	from, err := m.Recipients(ctx)
	if err != nil {
		return nil, rename(err, member)
	}
	to, err := r.Recipients(ctx)
	if err != nil {
		return nil, rename(err, member)
	}
	for old, err := range from.All(ctx) {
		if err != nil {
			return nil, rename(err, member)
		}
		c := newRecipient(to)
		c.bag.fill(old.bag.merged(old.bag.have))
		to.list = append(to.list, c)
	}
	return r, nil
}

// Forward begins a message with the attachments, the class, importance and sensitivity and the custom properties of this one, but
// without recipients and text, in the Outbox.
func (m *Message) Forward(ctx context.Context) (*Message, error) {
	const member = "Message.Forward"
	it, err := m.copy(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	base := &mapi.Item{Attachments: it.Attachments}
	for _, p := range it.Props {
		if p.Key.Named() || holds(forwarded, p.Key) {
			base.Props = append(base.Props, p)
		}
	}
	f, err := m.answer(ctx, "FW: ", base)
	return f, rename(err, member)
}

var forwarded = tagKeys(pid.TagImportance, pid.TagSensitivity, pid.TagPriority, pid.TagHasAttachments)

// answer makes a message about this one: its subject with another prefix.
func (m *Message) answer(ctx context.Context, prefix string, base *mapi.Item) (*Message, error) {
	subject, err := m.Subject(ctx)
	if err != nil {
		return nil, err
	}
	class, err := m.Type(ctx)
	if err != nil {
		return nil, err
	}
	if base == nil || !strings.HasPrefix(strings.ToUpper(class), "IPM.") { // a report is answered by a note
		class = "IPM.Note"
	}
	outbox, err := m.folder.store.special(ctx, m, mapi.RoleOutbox)
	if missing(err) {
		outbox, err = m.folder, nil
	}
	if err != nil {
		return nil, err
	}
	a := outbox.Messages().Add("", "", class)
	a.SetSubject(prefix + subject[len(subjectPrefix(subject)):])
	if a.base = base; base == nil {
		return a, nil
	}
	if i := find(base.Props, mapi.TagKey(pid.TagImportance)); i >= 0 {
		a.bag.put(base.Props[i].Key, base.Props[i].Value)
	}
	return a, nil
}

// toSender addresses the message to the sender of another.
func (m *Message) toSender(ctx context.Context, of *Message) error {
	sender, err := of.Sender(ctx)
	if err != nil {
		return err
	}
	list, err := m.Recipients(ctx)
	if err != nil {
		return err
	}
	r := list.add(CdoTo)
	if err := r.take(ctx, sender); err != nil || r.resolved() {
		return err
	}
	kind, err := r.bag.text(ctx, pid.TagAddressType)
	if err != nil {
		return err
	}
	address, err := r.bag.text(ctx, pid.TagEmailAddress)
	if err != nil || address == "" {
		return err
	}
	name, err := r.bag.text(ctx, pid.TagDisplayName)
	if err != nil {
		return err
	}
	return r.custom(name, kind, address)
}
