package cdo

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Messages are items of a folder, with a position, a sort order and a restriction of their own. Rows are read some at a time;
// what a row says of an item is not read again.
type Messages struct {
	node
	folder *Folder
	kind   mapi.Kind
	order  []mapi.Sort
	sortBy mapi.Key // of the last Sort
	groups []mapi.Sort
	where  mapi.Restriction
	filter *MessageFilter // nil until it is asked for
	class  string         // GetFirst's filter

	pos    int // of the member that was given last, from 0 on; -1 before the first
	window []member
	start  int  // position of the window's first row
	end    bool // the window reaches the end
	size   int  // of the next window
}

// member is a member of the collection: a row, an occurrence of a series, or the head of a group.
type member struct {
	row    mapi.Row
	at     *occurrence
	header *GroupHeader
}

// Windows of rows begin small, because many programs want the first item only, and grow, because every window is a question to
// the store.
const (
	firstWindow = 32
	lastWindow  = 2048
)

// rowColumns are the properties that a message has from its row.
var rowColumns = []mapi.Key{
	mapi.TagKey(pid.TagMessageClass), mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagMessageFlags), mapi.TagKey(pid.TagMessageSize),
	mapi.TagKey(pid.TagImportance), mapi.TagKey(pid.TagSensitivity), mapi.TagKey(pid.TagMessageDeliveryTime),
	mapi.TagKey(pid.TagClientSubmitTime), mapi.TagKey(pid.TagCreationTime), mapi.TagKey(pid.TagLastModificationTime),
	mapi.TagKey(pid.TagConversationTopic), mapi.TagKey(pid.TagSentRepresentingName), mapi.TagKey(pid.TagSentRepresentingAddressType),
	mapi.TagKey(pid.TagSentRepresentingEmailAddress), mapi.TagKey(pid.TagSentRepresentingEntryId), mapi.TagKey(pid.TagHasAttachments),
	mapi.TagKey(pid.TagDisplayTo), mapi.TagKey(pid.TagMessageCodepage), mapi.TagKey(pid.TagInternetCodepage),
}

func newMessages(f *Folder, k mapi.Kind) *Messages {
	c := &Messages{node: f.below(f), folder: f, kind: k}
	c.rewind()
	return c
}

func (c *Messages) rewind() {
	c.pos, c.window, c.start, c.end, c.size = -1, nil, 0, false, firstWindow
}

// Class is CdoMessages.
func (c *Messages) Class() ObjectClass { return CdoMessages }

// restriction is what the rows have to fulfil.
func (c *Messages) restriction() mapi.Restriction {
	var all mapi.ResAnd
	if c.where != nil {
		all = append(all, c.where)
	}
	if c.filter != nil {
		if r := c.filter.restriction(); r != nil {
			all = append(all, r)
		}
	}
	if c.class != "" {
		all = append(all, mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagMessageClass), Value: c.class})
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// Filter says which items the collection has. It begins empty, and lives as long as the collection. Criteria that the store cannot
// evaluate, or that a calendar doesn't allow, are CdoE_TOO_COMPLEX from the Get methods.
func (c *Messages) Filter() *MessageFilter {
	if c.filter == nil {
		c.filter = newMessageFilter(c)
	}
	return c.filter
}

// SetFilter takes the conditions of another collection's filter; nil drops the filter, so that Filter gives a new empty one.
func (c *Messages) SetFilter(f *MessageFilter) {
	c.rewind()
	if f == c.filter {
		return
	}
	if c.filter = nil; f != nil {
		c.Filter().copy(&f.conditions)
	}
}

// columns are rowColumns and, last, what is sorted by.
func (c *Messages) columns() []mapi.Key {
	if c.sortBy == (mapi.Key{}) || holds(rowColumns, c.sortBy) {
		return rowColumns
	}
	return append(slices.Clone(rowColumns), c.sortBy)
}

// SetRestriction narrows the collection to items that fulfil r; nil widens it again. Restrictions that the store cannot
// evaluate are CdoE_TOO_COMPLEX from the Get methods. The position goes back to the beginning.
func (c *Messages) SetRestriction(r mapi.Restriction) {
	c.where, c.class = r, ""
	c.rewind()
}

// Sort orders the collection and goes back to its beginning. A tag of 0 is the property of the last Sort,
// PR_MESSAGE_DELIVERY_TIME when there was none.
func (c *Messages) Sort(order SortOrder, tag mapi.Tag) error {
	k, err := c.logon.names.key(tag)
	if err != nil {
		return fail("Messages.Sort", err)
	}
	return c.sort(order, k)
}

// SortByName is Sort by a named property: "Name" or "{GUID}Name" as for Fields. Its values are taken for strings.
func (c *Messages) SortByName(order SortOrder, name string) error {
	n, err := parseFieldName(name, "", mapi.PSPublicStrings)
	switch {
	case err != nil:
		return fail("Messages.Sort", err)
	case n.name.IsZero():
		return c.Sort(order, n.tag)
	}
	return c.sort(order, mapi.NamedKey(n.name, mapi.TypeString))
}

func (c *Messages) sort(order SortOrder, k mapi.Key) error {
	if order < CdoNone || order > CdoDescending {
		return failf("Messages.Sort", CdoE_INVALID_PARAMETER, "there is no sort order %d", order)
	}
	if k != (mapi.Key{}) {
		c.sortBy = k.WithType(unicodeType(k.Type()))
	} else if c.sortBy == (mapi.Key{}) {
		c.sortBy = mapi.TagKey(pid.TagMessageDeliveryTime)
	}
	c.order = nil
	if order != CdoNone {
		c.order = []mapi.Sort{{Key: c.sortBy, Descending: order == CdoDescending}}
	}
	c.rewind()
	return nil
}

// fetch makes the window one that holds a position; ok is false past the end.
func (c *Messages) fetch(ctx context.Context, pos int) (ok bool, err error) {
	if err := c.logon.alive(); err != nil {
		return false, err
	}
	if pos < 0 {
		return false, nil
	}
	for {
		switch {
		case c.window != nil && pos >= c.start && pos < c.start+len(c.window):
			return true, nil
		case c.window != nil && c.end && pos >= c.start+len(c.window):
			return false, nil
		}
		from := pos
		if c.window != nil && pos < c.start { // going backwards: the position at the end of the new window
			from = max(0, pos-c.size+1)
		}
		if err := c.read(ctx, from); err != nil {
			return false, err
		}
		if len(c.window) == 0 {
			return false, nil
		}
	}
}

func (c *Messages) read(ctx context.Context, from int) error {
	if list, ok, err := c.whole(ctx); ok || err != nil {
		c.window, c.start, c.end = list, 0, true
		return err
	}
	dir, err := c.folder.open(ctx)
	if err != nil {
		return err
	}
	q := mapi.Query{Kind: c.kind, Columns: c.columns(), Where: c.restriction(), Sort: c.order, Offset: from, Limit: c.size}
	rows := make([]member, 0, c.size)
	for r, err := range dir.Rows(ctx, q) {
		if err != nil {
			return err
		}
		rows = append(rows, member{row: r})
	}
	c.window, c.start, c.end = rows, from, len(rows) < c.size
	c.size = min(2*c.size, lastWindow)
	return nil
}

// at moves to a position and gives the message there, nil past the ends.
func (c *Messages) at(ctx context.Context, member string, pos int) (*Message, error) {
	ok, err := c.fetch(ctx, pos)
	if err != nil {
		return nil, fail(member, err)
	}
	switch {
	case ok:
	case pos < 0:
		c.pos = -1
		return nil, nil
	default:
		c.pos = c.start + len(c.window)
		return nil, nil
	}
	c.pos = pos
	m := c.message(c.window[pos-c.start])
	m.place = pos
	return m, nil
}

// whole is the list of all members where rows alone don't make it: in a calendar, and in groups. ok is false elsewhere.
func (c *Messages) whole(ctx context.Context) (list []member, ok bool, err error) {
	calendar, err := c.IsCalendar(ctx)
	switch {
	case err != nil:
		return nil, false, err
	case calendar:
		list, err = c.appointments(ctx)
		return list, true, err
	case len(c.groups) > 0:
		list, err = c.grouped(ctx)
		return list, true, err
	}
	return nil, false, nil
}

// message is the message that stands for a member.
func (c *Messages) message(w member) *Message {
	switch {
	case w.header != nil:
		m := newMessage(c, c.folder, c.kind, "")
		m.header = w.header
		return m
	case w.at != nil:
		return w.at.message(c)
	}
	m := newMessage(c, c.folder, c.kind, w.row.ID)
	m.fillRow(c.columns(), w.row)
	return m
}

// forget takes an item that was deleted or moved out of the window, so that the position stays where it was. place is where it was
// when it was given.
func (c *Messages) forget(id mapi.EntryID, place int) {
	i := slices.IndexFunc(c.window, func(w member) bool { return w.at == nil && w.row.ID == id })
	if i < 0 && place >= c.start && place < c.start+len(c.window) && c.window[place-c.start].at != nil {
		i = place - c.start
	}
	switch {
	case i >= 0:
		c.window = slices.Delete(c.window, i, i+1)
		if c.start+i <= c.pos {
			c.pos--
		}
	case place >= 0 && place < c.start:
		c.start--
		c.pos--
	}
}

// Count is how many items the collection has.
func (c *Messages) Count(ctx context.Context) (int, error) {
	n, err := c.count(ctx)
	return n, fail("Messages.Count", err)
}

func (c *Messages) count(ctx context.Context) (n int, err error) {
	dir, err := c.folder.open(ctx)
	if err != nil {
		return 0, err
	}
	if list, ok, err := c.whole(ctx); ok || err != nil {
		return len(list), err
	}
	where := c.restriction()
	if where == nil {
		ps, err := dir.Props(ctx)
		if err != nil {
			return 0, err
		}
		tag := pid.TagContentCount
		if c.kind == mapi.Associated {
			tag = pid.TagAssociatedContentCount
		}
		if n, ok := ps.Tag(tag).(int32); ok {
			return int(n), nil
		}
	}
	for _, err := range dir.Rows(ctx, mapi.Query{Kind: c.kind, Where: where}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// Item is a message by its position, from 1 on; nil where there is none.
func (c *Messages) Item(ctx context.Context, index int) (*Message, error) {
	if index < 1 {
		return nil, failf("Messages.Item", CdoE_INVALID_PARAMETER, "positions count from 1")
	}
	if ok, err := c.fetch(ctx, index-1); !ok || err != nil {
		return nil, fail("Messages.Item", err)
	}
	return c.at(ctx, "Messages.Item", index-1)
}

// Find is CDO's Item with a string: the next message after the current position whose sort property is not before s, nil when
// there is none. The collection has to be sorted by a string property.
func (c *Messages) Find(ctx context.Context, s string) (*Message, error) {
	const member = "Messages.Item"
	if c.sortBy == (mapi.Key{}) || c.sortBy.Type() != mapi.TypeString {
		return nil, failf(member, CdoE_INVALID_PARAMETER, "the collection isn't sorted by a string property")
	}
	column := slices.IndexFunc(c.columns(), func(k mapi.Key) bool { return same(k, c.sortBy) })
	want := strings.ToLower(s)
	for pos := c.pos + 1; ; pos++ {
		ok, err := c.fetch(ctx, pos)
		if !ok || err != nil {
			return nil, fail(member, err)
		}
		row := c.window[pos-c.start].row
		if len(row.Values) <= column { // the head of a group
			continue
		}
		v, _ := row.Values[column].(string)
		if mapi.CompareValues(strings.ToLower(v), want) >= 0 {
			return c.at(ctx, member, pos)
		}
	}
}

// GetFirst is the first item, of a message class when filter isn't empty; nil when there is none. The filter holds for
// GetNext too, until the next GetFirst or GetLast.
func (c *Messages) GetFirst(ctx context.Context, filter string) (*Message, error) {
	c.only(filter)
	return c.at(ctx, "Messages.GetFirst", 0)
}

func (c *Messages) only(class string) {
	c.class = class
	c.rewind()
}

// GetNext is the item after the one that was given last; nil at the end.
func (c *Messages) GetNext(ctx context.Context) (*Message, error) {
	return c.at(ctx, "Messages.GetNext", c.pos+1)
}

// GetLast is the last item, of a message class when filter isn't empty; nil when there is none.
func (c *Messages) GetLast(ctx context.Context, filter string) (*Message, error) {
	const member = "Messages.GetLast"
	c.only(filter)
	n, err := c.count(ctx)
	if err != nil || n == 0 {
		return nil, fail(member, err)
	}
	if err := c.read(ctx, max(0, n-c.size)); err != nil {
		return nil, fail(member, err)
	}
	return c.at(ctx, member, c.start+len(c.window)-1) // fewer than counted when somebody deletes at the same time
}

// GetPrevious is the item before the one that was given last; nil at the beginning.
func (c *Messages) GetPrevious(ctx context.Context) (*Message, error) {
	return c.at(ctx, "Messages.GetPrevious", c.pos-1)
}

// All gives the items in turn, in the collection's order, without regard to its position.
func (c *Messages) All(ctx context.Context) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		list, whole, err := c.whole(ctx)
		if err != nil {
			yield(nil, fail("Messages", err))
			return
		}
		for _, w := range list {
			if !yield(c.message(w), nil) {
				return
			}
		}
		if whole {
			return
		}
		dir, err := c.folder.open(ctx)
		if err != nil {
			yield(nil, fail("Messages", err))
			return
		}
		q := mapi.Query{Kind: c.kind, Columns: c.columns(), Where: c.restriction(), Sort: c.order}
		for r, err := range dir.Rows(ctx, q) {
			if err != nil {
				yield(nil, fail("Messages", err))
				return
			}
			if !yield(c.message(member{row: r}), nil) {
				return
			}
		}
	}
}

// Add begins a new message with a subject, a text and a message class, IPM.Note when empty. It is saved by its Update.
func (c *Messages) Add(subject, text, class string) *Message {
	if class == "" {
		class = "IPM.Note"
	}
	m := newMessage(c, c.folder, c.kind, "")
	flags := int32(flagUnsent | flagRead)
	if c.kind == mapi.Associated {
		flags |= flagAssociated
	}
	m.bag.putTag(pid.TagMessageClass, class)
	m.bag.putTag(pid.TagMessageFlags, flags)
	m.bag.putTag(pid.TagImportance, int32(CdoNormal))
	m.SetSubject(subject)
	m.bag.putTag(pid.TagBody, text)
	return m
}

// deleteWindow is how many items are deleted at once.
const deleteWindow = 1000

// Delete removes all items of the collection for good, not to Deleted Items. The collection can be used further.
func (c *Messages) Delete(ctx context.Context) error {
	const member = "Messages.Delete"
	if list, ok, err := c.whole(ctx); err != nil {
		return fail(member, err)
	} else if ok && len(c.groups) == 0 {
		return c.deleteAppointments(ctx, member, list)
	}
	dir, err := c.folder.open(ctx)
	if err != nil {
		return fail(member, err)
	}
	ids, err := itemIDs(ctx, dir, mapi.Query{Kind: c.kind, Where: c.restriction()})
	if err != nil {
		return fail(member, err)
	}
	c.rewind()
	for part := range slices.Chunk(ids, deleteWindow) {
		if err := dir.Delete(ctx, part, false); err != nil {
			return fail(member, err)
		}
	}
	return nil
}
