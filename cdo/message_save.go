package cdo

import (
	"context"
	"slices"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Update saves the message when makePermanent is true; when refreshObject is, everything is read again. Changes that were not
// made permanent stay in either case. CDO's defaults are true and false.
//
// Changed properties alone are written in place; with changed recipients or attachments the item is written anew under its
// identity. A message within another is saved in that one, whose Update makes it permanent.
func (m *Message) Update(ctx context.Context, makePermanent, refreshObject bool) error {
	const member = "Message.Update"
	if err := m.usable(); err != nil {
		return fail(member, err)
	}
	if makePermanent {
		if err := m.save(ctx); err != nil {
			return fail(member, err)
		}
	}
	if refreshObject && (m.id != "" || m.within != nil) {
		m.bag.forget()
		m.stale()
		return fail(member, m.load(ctx))
	}
	return nil
}

func (m *Message) save(ctx context.Context) error {
	if a, ok := m.Appointment(); ok {
		if err := a.prepare(ctx); err != nil {
			return err
		}
	}
	parts := m.recipients != nil && m.recipients.changed() || m.attachments != nil && m.attachments.changed()
	switch {
	case m.at != nil:
		return m.saveOccurrence(ctx, parts)
	case m.within != nil:
		return m.saveWithin(ctx)
	case m.id == "":
		return m.create(ctx)
	case parts:
		return m.replace(ctx, nil)
	case !m.bag.changed():
		return nil
	}
	dir, err := m.folder.open(ctx)
	if err != nil {
		return err
	}
	if err := dir.Update(ctx, m.id, m.bag.set, m.bag.gone()); err != nil {
		return err
	}
	m.saved()
	return nil
}

// current is the item with all changes.
func (m *Message) current(ctx context.Context) (*mapi.Item, error) {
	if err := m.read(ctx); err != nil {
		return nil, err
	}
	it := &mapi.Item{Props: m.bag.merged(m.item.Props), Recipients: m.item.Recipients, Attachments: m.item.Attachments}
	if m.recipients != nil {
		it.Recipients = m.recipients.saved()
		if m.recipients.changed() {
			displayNames(it)
		}
	}
	if m.attachments != nil {
		it.Attachments = m.attachments.saved()
		if m.attachments.changed() {
			set(it, pid.TagHasAttachments, len(it.Attachments) > 0)
		}
	}
	return it, nil
}

// set sets a property of an item.
func set(it *mapi.Item, t mapi.Tag, v mapi.Value) {
	k := mapi.TagKey(t)
	it.Props = slices.DeleteFunc(it.Props, func(p mapi.Prop) bool { return same(p.Key, k) })
	it.Props = append(it.Props, mapi.Prop{Key: k, Value: v})
}

func (m *Message) create(ctx context.Context) error {
	dir, err := m.folder.open(ctx)
	if err != nil {
		return err
	}
	it, err := m.current(ctx)
	if err != nil {
		return err
	}
	id, err := mapi.WriteItem(ctx, dir, m.kind, it)
	if err != nil {
		return err
	}
	m.id = id
	m.saved()
	return nil
}

// saveOccurrence makes a changed occurrence an exception of its series.
func (m *Message) saveOccurrence(ctx context.Context, parts bool) error {
	if !parts && !m.bag.changed() {
		return nil
	}
	if err := m.at.save(ctx, m); err != nil {
		return err
	}
	m.saved()
	m.bag.forget()
	return m.load(ctx)
}

// replace writes the item anew under its identity. edit may change it before; it may be nil.
func (m *Message) replace(ctx context.Context, edit func(*mapi.Item)) error {
	dir, err := m.folder.open(ctx)
	if err != nil {
		return err
	}
	it, err := m.current(ctx)
	if err != nil {
		return err
	}
	if edit != nil {
		edit(it)
	}
	w, err := dir.Replace(ctx, m.id)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := it.WriteTo(w); err != nil {
		return err
	}
	if _, err := w.Commit(ctx); err != nil {
		return err
	}
	m.saved()
	return nil
}

// saveWithin makes the message the content of its attachment.
func (m *Message) saveWithin(ctx context.Context) error {
	it, err := m.current(ctx)
	if err != nil {
		return err
	}
	m.within.embed(it)
	m.saved()
	return nil
}

// computed are properties that a store changes whenever it saves an item.
var computed = []mapi.Key{mapi.TagKey(pid.TagMessageSize), mapi.TagKey(pid.TagLastModificationTime), mapi.TagKey(pid.TagHasAttachments)}

// saved notes that everything was written. What the store made of it is read when it is needed.
func (m *Message) saved() {
	m.bag.saved()
	m.bag.listed = nil
	m.bag.have = slices.DeleteFunc(m.bag.have, func(p mapi.Prop) bool { return holds(computed, p.Key) })
	if m.recipients != nil {
		m.recipients.written()
	}
	if m.attachments != nil {
		m.attachments.written()
	}
	m.stale()
}

// away notes that the item isn't there any more.
func (m *Message) away() {
	m.gone = true
	if c, ok := m.parent.(*Messages); ok {
		c.forget(m.id, m.place)
	}
}

// Delete removes the message from its folder at once, for good; into Deleted Items when deletedItems is true and it isn't there
// yet. A message that was never saved is just forgotten.
func (m *Message) Delete(ctx context.Context, deletedItems bool) error {
	return fail("Message.Delete", m.delete(ctx, deletedItems))
}

func (m *Message) delete(ctx context.Context, deletedItems bool) error {
	if err := m.usable(); err != nil {
		return err
	}
	if m.within != nil {
		return &mapi.Error{Op: "delete", Object: "a message within another", Code: mapi.ErrNoSupport}
	}
	if m.id == "" {
		m.gone = true
		return nil
	}
	if m.at != nil {
		if err := m.at.cancel(ctx); err != nil {
			return err
		}
		m.away()
		return nil
	}
	if deletedItems {
		bin, err := m.folder.store.special(ctx, m, mapi.RoleDeleted)
		if err != nil {
			return err
		}
		if bin.id != m.folder.id {
			_, err = m.move(ctx, bin)
			return err
		}
	}
	dir, err := m.folder.open(ctx)
	if err != nil {
		return err
	}
	if err := dir.Delete(ctx, []mapi.EntryID{m.id}, false); err != nil {
		return err
	}
	m.away()
	return nil
}

// MoveTo moves the message to another folder at once and returns it there; changes that were not saved are lost. The old object
// cannot be used any more. An empty storeID is the default store.
func (m *Message) MoveTo(ctx context.Context, folderID, storeID string) (*Message, error) {
	const member = "Message.MoveTo"
	to, err := m.logon.session.GetFolder(ctx, folderID, storeID)
	if err != nil {
		return nil, rename(err, member)
	}
	moved, err := m.move(ctx, to)
	return moved, fail(member, err)
}

// move writes the item into another folder, reading it at the same time, and then removes it from its own.
func (m *Message) move(ctx context.Context, to *Folder) (*Message, error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	if m.id == "" || m.within != nil || m.at != nil {
		return nil, &mapi.Error{Op: "move", Object: "a message that isn't in a folder", Code: mapi.ErrNoSupport}
	}
	src, err := m.folder.open(ctx)
	if err != nil {
		return nil, err
	}
	dst, err := to.open(ctx)
	if err != nil {
		return nil, err
	}
	id, err := copyItem(ctx, src, dst, m.kind, m.id)
	if err != nil {
		return nil, err
	}
	if err := src.Delete(ctx, []mapi.EntryID{m.id}, true); err != nil {
		return nil, err
	}
	m.away()
	return newMessage(to, to, m.kind, id), nil
}

// CopyTo makes a copy of the message, unsaved changes included, in another folder. The copy is saved by its own Update. An empty
// storeID is the default store.
func (m *Message) CopyTo(ctx context.Context, folderID, storeID string) (*Message, error) {
	const member = "Message.CopyTo"
	to, err := m.logon.session.GetFolder(ctx, folderID, storeID)
	if err != nil {
		return nil, rename(err, member)
	}
	it, err := m.copy(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	c := newMessage(to, to, m.kind, "")
	c.base = it
	return c, nil
}

// copy is the item with all changes, and nothing in it depends on the store any more.
func (m *Message) copy(ctx context.Context) (*mapi.Item, error) {
	it, err := m.current(ctx)
	if err != nil {
		return nil, err
	}
	b := m.logon.builder()
	if err := it.WriteTo(b); err != nil {
		return nil, err
	}
	return &b.Item, nil
}
