package cdo

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Recipients are the recipients of a message. They are saved with it.
type Recipients struct {
	node
	message *Message
	list    []*Recipient
	dirty   bool // members were added or removed
	old     bool // to be read again
	asked   int  // position of the last GetFirstUnresolved or GetNextUnresolved
}

func newRecipients(m *Message) *Recipients { return &Recipients{node: m.below(m), message: m} }

// Class is CdoRecipients.
func (c *Recipients) Class() ObjectClass { return CdoRecipients }

// bind takes what was read of the message. Members that exist stand for the recipients in the same places.
func (c *Recipients) bind(list []mapi.Props) {
	c.old = false
	if c.dirty {
		return
	}
	for len(c.list) < len(list) {
		c.list = append(c.list, newRecipient(c))
	}
	c.list = c.list[:len(list)]
	for i, ps := range list {
		c.list[i].bag.fill(ps)
	}
}

func (c *Recipients) stale() { c.old = true }

// fresh reads the message again when the recipients may be others by now.
func (c *Recipients) fresh(ctx context.Context) error {
	if c.old {
		return c.message.read(ctx)
	}
	return c.message.usable()
}

func (c *Recipients) changed() bool {
	return c.dirty || slices.ContainsFunc(c.list, func(r *Recipient) bool { return r.bag.changed() })
}

// saved is the list as it is to be written.
func (c *Recipients) saved() []mapi.Props {
	out := make([]mapi.Props, len(c.list))
	for i, r := range c.list {
		ps := r.bag.merged(r.bag.have)
		rowID := mapi.TagKey(pid.TagRowid)
		if j := find(ps, rowID); j >= 0 {
			ps[j].Value = int32(i)
		} else {
			ps = append(ps, mapi.Prop{Key: rowID, Value: int32(i)})
		}
		out[i] = ps
	}
	return out
}

// written notes that the list was saved.
func (c *Recipients) written() {
	c.dirty = false
	for _, r := range c.list {
		r.bag.saved()
		r.bag.all = true
	}
}

// Count is how many recipients there are.
func (c *Recipients) Count(ctx context.Context) (int, error) {
	err := c.fresh(ctx)
	return len(c.list), fail("Recipients.Count", err)
}

// Item is a recipient by its position, from 1 on; nil where there is none.
func (c *Recipients) Item(ctx context.Context, index int) (*Recipient, error) {
	if err := c.fresh(ctx); err != nil || index < 1 || index > len(c.list) {
		return nil, fail("Recipients.Item", err)
	}
	return c.list[index-1], nil
}

// All gives the recipients in turn.
func (c *Recipients) All(ctx context.Context) iter.Seq2[*Recipient, error] {
	return func(yield func(*Recipient, error) bool) {
		if err := c.fresh(ctx); err != nil {
			yield(nil, fail("Recipients", err))
			return
		}
		for _, r := range slices.Clone(c.list) {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Add adds a recipient by name and full address, "SMTP:ada@example.com"; either may be empty. One without an address is found in
// the address book by Resolve.
func (c *Recipients) Add(ctx context.Context, name, address string, t RecipientType) (*Recipient, error) {
	const member = "Recipients.Add"
	if err := c.fresh(ctx); err != nil {
		return nil, fail(member, err)
	}
	r := c.add(t)
	if name != "" {
		r.SetName(name)
	}
	if address != "" {
		if err := r.SetAddress(address); err != nil {
			c.list = c.list[:len(c.list)-1]
			return nil, rename(err, member)
		}
	}
	return r, nil
}

func (c *Recipients) add(t RecipientType) *Recipient {
	r := newRecipient(c)
	r.bag.all = true
	r.SetType(t)
	c.list, c.dirty = append(c.list, r), true
	return r
}

// AddEntry adds the address entry of an ID, CDO's Add with entryID.
func (c *Recipients) AddEntry(ctx context.Context, entryID string, t RecipientType) (*Recipient, error) {
	const member = "Recipients.Add"
	if err := c.fresh(ctx); err != nil {
		return nil, fail(member, err)
	}
	r := newRecipient(c)
	r.bag.all = true
	if err := r.SetID(ctx, entryID); err != nil {
		return nil, rename(err, member)
	}
	r.SetType(t)
	c.list, c.dirty = append(c.list, r), true
	return r, nil
}

// AddMultiple adds recipients from a list with semicolons: display names, SMTP addresses, or "Name[SMTP:address]". Nothing is
// resolved.
func (c *Recipients) AddMultiple(ctx context.Context, list string, t RecipientType) error {
	const member = "Recipients.AddMultiple"
	for part := range strings.SplitSeq(list, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, address, _ := bracketed(part)
		if _, err := c.Add(ctx, name, address, t); err != nil {
			return rename(err, member)
		}
	}
	return nil
}

// bracketed splits "Name[SMTP:address]"; ok is false for what has another form.
func bracketed(s string) (name, address string, ok bool) {
	name, rest, found := strings.Cut(s, "[")
	address, closed := strings.CutSuffix(rest, "]")
	if !found || !closed || !strings.Contains(address, ":") {
		return s, "", false
	}
	return strings.TrimSpace(name), address, true
}

// Delete removes all recipients.
func (c *Recipients) Delete(ctx context.Context) error {
	if err := c.fresh(ctx); err != nil {
		return fail("Recipients.Delete", err)
	}
	c.list, c.dirty = nil, true
	return nil
}

// Resolved is true when all recipients are.
func (c *Recipients) Resolved(ctx context.Context) (bool, error) {
	for r, err := range c.All(ctx) {
		if err != nil {
			return false, rename(err, "Recipients.Resolved")
		}
		if !r.resolved() {
			return false, nil
		}
	}
	return true, nil
}

// Resolve looks all recipients up that aren't resolved yet, and fails as the first of them does that cannot be.
func (c *Recipients) Resolve(ctx context.Context, showDialog bool) error {
	var first error
	for r, err := range c.All(ctx) {
		if err == nil {
			err = r.Resolve(ctx, showDialog)
		}
		if first == nil {
			first = err
		}
	}
	return rename(first, "Recipients.Resolve")
}

// GetFirstUnresolved is the first recipient that isn't resolved; nil when all are.
func (c *Recipients) GetFirstUnresolved(ctx context.Context) (*Recipient, error) {
	c.asked = 0
	r, err := c.GetNextUnresolved(ctx)
	return r, rename(err, "Recipients.GetFirstUnresolved")
}

// GetNextUnresolved is the next recipient after it that isn't resolved; nil at the end.
func (c *Recipients) GetNextUnresolved(ctx context.Context) (*Recipient, error) {
	if err := c.fresh(ctx); err != nil {
		return nil, fail("Recipients.GetNextUnresolved", err)
	}
	for c.asked < len(c.list) {
		c.asked++
		if r := c.list[c.asked-1]; !r.resolved() {
			return r, nil
		}
	}
	return nil, nil
}

// SetRecipients gives the message a copy of the recipients of another.
func (m *Message) SetRecipients(ctx context.Context, from *Recipients) error {
	const member = "Message.Recipients"
	own, err := m.Recipients(ctx)
	if err == nil {
		err = from.fresh(ctx)
	}
	if err == nil {
		err = own.fresh(ctx)
	}
	if err != nil {
		return fail(member, err)
	}
	list := make([]*Recipient, len(from.list))
	for i, r := range from.list {
		list[i] = newRecipient(own)
		list[i].bag.fill(r.bag.merged(r.bag.have))
	}
	own.list, own.dirty = list, true
	return nil
}

// displayNames sets the lists of names that go with recipients ([MS-OXOMSG] 2.2.1.7 to 2.2.1.9).
func displayNames(it *mapi.Item) {
	lists := map[int32][]string{}
	for _, ps := range it.Recipients {
		t, _ := ps.Tag(pid.TagRecipientType).(int32)
		lists[t] = append(lists[t], ps.Text(pid.TagDisplayName))
	}
	for i, tag := range []mapi.Tag{pid.TagDisplayTo, pid.TagDisplayCc, pid.TagDisplayBcc} {
		set(it, tag, strings.Join(lists[int32(CdoTo)+int32(i)], "; "))
	}
}
