package cdo

import (
	"context"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// senderTags are the two sets of properties that name who sent a message: in whose name, and who did it. They are in the order of
// senderEntry.
var senderTags = [2][4]mapi.Tag{
	{pid.TagSentRepresentingName, pid.TagSentRepresentingAddressType, pid.TagSentRepresentingEmailAddress, pid.TagSentRepresentingEntryId},
	{pid.TagSenderName, pid.TagSenderAddressType, pid.TagSenderEmailAddress, pid.TagSenderEntryId},
}

// senderEntry are the same properties of an address entry.
var senderEntry = [4]mapi.Tag{pid.TagDisplayName, pid.TagAddressType, pid.TagEmailAddress, pid.TagEntryId}

// Sender is in whose name the message was sent. A message that wasn't is CdoE_NOT_FOUND.
func (m *Message) Sender(ctx context.Context) (*AddressEntry, error) {
	const member = "Message.Sender"
	for _, tags := range senderTags {
		var ps mapi.Props
		for i, t := range tags {
			p, ok, err := m.bag.get(ctx, mapi.TagKey(t))
			if err != nil {
				return nil, fail(member, err)
			}
			if !ok {
				continue
			}
			v, err := inMemory(p.Key, p.Value)
			if s, narrow := v.(mapi.String8); narrow && err == nil {
				v, err = m.bag.decode(ctx, s)
			}
			if err != nil {
				return nil, fail(member, err)
			}
			ps = append(ps, mapi.Prop{Key: mapi.TagKey(senderEntry[i]), Value: v})
		}
		if len(ps) > 0 {
			return m.logon.newEntry(m, ps), nil
		}
	}
	return nil, failf(member, CdoE_NOT_FOUND, "the message has no sender")
}

// SetSender changes the sender of a message that wasn't saved yet; later it does nothing.
func (m *Message) SetSender(ctx context.Context, e *AddressEntry) error {
	if m.id != "" {
		return nil
	}
	return fail("Message.Sender", m.setSender(ctx, e))
}

func (m *Message) setSender(ctx context.Context, e *AddressEntry) error {
	for i, t := range senderEntry {
		p, ok, err := e.bag.get(ctx, mapi.TagKey(t))
		if err != nil {
			return err
		}
		for _, tags := range senderTags {
			if ok {
				m.bag.putTag(tags[i], p.Value)
			} else {
				m.bag.remove(mapi.TagKey(tags[i]))
			}
		}
	}
	return nil
}

// Send saves the message in the Outbox and submits it; saveCopy keeps a copy in Sent Items. The object cannot be used afterwards.
// Stores that cannot send are CdoE_NO_SUPPORT, a message without recipients CdoE_NO_RECIPIENTS, one with recipients that
// aren't resolved CdoE_AMBIGUOUS_RECIP.
func (m *Message) Send(ctx context.Context, saveCopy bool) error {
	if a, ok := m.Appointment(); ok {
		return a.Send(ctx, saveCopy)
	}
	return fail("Message.Send", m.send(ctx, saveCopy))
}

func (m *Message) send(ctx context.Context, saveCopy bool) error {
	if err := m.usable(); err != nil {
		return err
	}
	store := m.folder.store
	sender, ok := mapi.As[mapi.Submitter](store.store)
	if !ok || m.within != nil {
		return &mapi.Error{Op: "send", Code: mapi.ErrNoSupport}
	}
	if err := m.sendable(ctx); err != nil {
		return err
	}
	outbox, err := store.special(ctx, m, mapi.RoleOutbox)
	if err != nil {
		return err
	}
	if saveCopy {
		sent, err := store.store.Special(ctx, mapi.RoleSent)
		if err != nil {
			return err
		}
		m.bag.putTag(pid.TagSentMailEntryId, []byte(sent))
		m.bag.remove(mapi.TagKey(pid.TagDeleteAfterSubmit))
	} else {
		m.bag.putTag(pid.TagDeleteAfterSubmit, true)
		m.bag.remove(mapi.TagKey(pid.TagSentMailEntryId))
	}
	if m.id == "" {
		m.folder = outbox
	}
	if err := m.save(ctx); err != nil {
		return err
	}
	waiting := m
	if m.folder.id != outbox.id {
		if waiting, err = m.move(ctx, outbox); err != nil {
			return err
		}
	}
	m.gone = true
	m.bag.forget() // nothing of it can be read any more
	return sender.Submit(ctx, outbox.id, waiting.id)
}

// sendable tells what is missing for a message to be sent.
func (m *Message) sendable(ctx context.Context) error {
	list, err := m.Recipients(ctx)
	if err != nil {
		return err
	}
	if n, err := list.Count(ctx); err != nil || n == 0 {
		if err == nil {
			err = &mapi.Error{Op: "send", Code: CdoE_NO_RECIPIENTS}
		}
		return err
	}
	for _, r := range list.list {
		if !r.resolved() {
			return &mapi.Error{Op: "send", Code: mapi.ErrAmbiguous}
		}
	}
	return nil
}
