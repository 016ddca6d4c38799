package cdo

import (
	"context"
	"iter"
	"slices"

	"github.com/opencdo/opencdo/mapi"
)

// Attachments are the attachments of a message. They are saved with it.
type Attachments struct {
	node
	message *Message
	list    []*Attachment
	dirty   bool // members were added or removed
	old     bool // to be read again
}

func newAttachments(m *Message) *Attachments { return &Attachments{node: m.below(m), message: m} }

// Class is CdoAttachments.
func (c *Attachments) Class() ObjectClass { return CdoAttachments }

// bind takes what was read of the message. Members that exist stand for the attachments in the places that they were saved in.
func (c *Attachments) bind(list []*mapi.Attachment) {
	c.old = false
	if !c.dirty {
		for len(c.list) < len(list) {
			c.list = append(c.list, newAttachment(c, len(c.list)))
		}
		c.list = c.list[:len(list)]
	}
	for _, a := range c.list {
		if a.place >= 0 && a.place < len(list) {
			a.bind(list[a.place])
		}
	}
}

func (c *Attachments) stale() {
	c.old = true
	for _, a := range c.list {
		a.stale()
	}
}

// fresh reads the message again when the attachments may be others by now.
func (c *Attachments) fresh(ctx context.Context) error {
	if c.old {
		return c.message.read(ctx)
	}
	return c.message.usable()
}

func (c *Attachments) changed() bool {
	return c.dirty || slices.ContainsFunc(c.list, func(a *Attachment) bool { return a.bag.changed() || a.dirty })
}

// saved is the list as it is to be written.
func (c *Attachments) saved() []*mapi.Attachment {
	out := make([]*mapi.Attachment, len(c.list))
	for i, a := range c.list {
		out[i] = a.saved(i)
	}
	return out
}

// written notes that the list was saved.
func (c *Attachments) written() {
	c.dirty = false
	for i, a := range c.list {
		a.written(i)
	}
}

// Count is how many attachments there are.
func (c *Attachments) Count(ctx context.Context) (int, error) {
	err := c.fresh(ctx)
	return len(c.list), fail("Attachments.Count", err)
}

// Item is an attachment by its position, from 1 on; nil where there is none.
func (c *Attachments) Item(ctx context.Context, index int) (*Attachment, error) {
	if err := c.fresh(ctx); err != nil || index < 1 || index > len(c.list) {
		return nil, fail("Attachments.Item", err)
	}
	return c.list[index-1], nil
}

// All gives the attachments in turn.
func (c *Attachments) All(ctx context.Context) iter.Seq2[*Attachment, error] {
	return func(yield func(*Attachment, error) bool) {
		if err := c.fresh(ctx); err != nil {
			yield(nil, fail("Attachments", err))
			return
		}
		for _, a := range slices.Clone(c.list) {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// Add adds an attachment. source is a path for CdoFileData and CdoOle, whose content is read now, and for CdoFileLink, whose
// content isn't; for CdoEmbeddedMessage it is the ID of a message, which is copied. With an empty source content comes by the
// members of the attachment. CDO's default for the position is 0 and for the type CdoFileData.
func (c *Attachments) Add(ctx context.Context, name string, position int32, t AttachmentType, source string) (*Attachment, error) {
	const member = "Attachments.Add"
	if err := c.fresh(ctx); err != nil {
		return nil, fail(member, err)
	}
	a := newAttachment(c, unsaved)
	a.bag.all = true
	if err := a.SetType(t); err != nil {
		return nil, rename(err, member)
	}
	a.SetPosition(position)
	if source != "" {
		if err := a.begin(ctx, source); err != nil {
			return nil, rename(err, member)
		}
	}
	if name != "" {
		a.SetName(name)
	}
	c.list, c.dirty = append(c.list, a), true
	return a, nil
}

// Delete removes all attachments.
func (c *Attachments) Delete(ctx context.Context) error {
	if err := c.fresh(ctx); err != nil {
		return fail("Attachments.Delete", err)
	}
	c.list, c.dirty = nil, true
	return nil
}
