package cdo

import (
	"context"
	"iter"
	"slices"
	"sort"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// AddressEntries are the entries of an address list in the order of their names, the members of a distribution list, or what an
// ambiguous name may mean. They are read a window at a time, however many there are.
type AddressEntries struct {
	node
	rows   entryRows
	count  int          // CdoMaxCount: not known
	list   mapi.EntryID // "" where entries cannot be added
	where  mapi.Restriction
	filter *AddressEntryFilter // nil until it is asked for

	pos    int // of the member that was given last, from 0 on; -1 before the first
	window []mapi.Props
	start  int  // position of the window's first entry
	end    bool // the window reaches the end
}

// entryRows reads some entries.
type entryRows func(ctx context.Context, where mapi.Restriction, offset, limit int, yield func(mapi.Props) bool) error

// entryKeys are the properties that an entry has from a list.
var entryKeys = tagKeys(pid.TagEntryId, pid.TagDisplayName, pid.TagAddressType, pid.TagEmailAddress, pid.TagSmtpAddress,
	pid.TagDisplayType, pid.TagObjectType, pid.TagAccount)

// entryWindow is how many entries are read at once: about what one answer of a server holds.
const entryWindow = 64

// givenEntries is a collection of entries that are known.
func (l *logon) givenEntries(parent Object, list []mapi.Props) *AddressEntries {
	c := &AddressEntries{node: node{l, parent}, count: len(list)}
	c.rows = func(_ context.Context, where mapi.Restriction, offset, limit int, yield func(mapi.Props) bool) error {
		filter, err := mapi.NewFilter(where)
		if err != nil {
			return err
		}
		for _, ps := range list {
			ok, err := filter.Match(mapi.Record{Get: ps.Get})
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if offset--; offset >= 0 {
				continue
			}
			limit--
			if !yield(ps) || limit == 0 {
				return nil
			}
		}
		return nil
	}
	c.rewind()
	return c
}

func (c *AddressEntries) rewind() { c.pos, c.window, c.start, c.end = -1, nil, 0, false }

// Class is CdoAddressEntries.
func (c *AddressEntries) Class() ObjectClass { return CdoAddressEntries }

// SetRestriction narrows the collection to entries that fulfil r; nil widens it again. Restrictions that the address book cannot
// evaluate are errors of the Get methods. Server address books know ambiguous name resolution: PidTagAnr equal to a string.
func (c *AddressEntries) SetRestriction(r mapi.Restriction) {
	c.where = r
	c.rewind()
}

// Filter says which entries the collection has. It begins empty, and lives as long as the collection.
func (c *AddressEntries) Filter() *AddressEntryFilter {
	if c.filter == nil {
		c.filter = newAddressEntryFilter(c)
	}
	return c.filter
}

// SetFilter takes the conditions of another collection's filter; nil drops the filter, so that Filter gives a new empty one.
func (c *AddressEntries) SetFilter(f *AddressEntryFilter) {
	c.rewind()
	if f == c.filter {
		return
	}
	if c.filter = nil; f != nil {
		c.Filter().copy(&f.conditions)
	}
}

// restriction is what the entries have to fulfil.
func (c *AddressEntries) restriction() mapi.Restriction {
	var own mapi.Restriction
	if c.filter != nil {
		own = c.filter.restriction()
	}
	switch {
	case own == nil:
		return c.where
	case c.where == nil:
		return own
	}
	return mapi.ResAnd{c.where, own}
}

// Add begins an entry of an address type: SMTP, FAX, X400, or MAPIPDL for a private distribution list. Its Update saves it. Lists that
// cannot be changed are CdoE_NO_SUPPORT.
func (c *AddressEntries) Add(emailType, name, address string) (*AddressEntry, error) {
	const member = "AddressEntries.Add"
	if err := c.logon.alive(); err != nil {
		return nil, fail(member, err)
	}
	if c.list == "" || c.logon.bookWriter() == nil {
		return nil, failf(member, CdoE_NO_SUPPORT, "the address list cannot be changed")
	}
	if emailType == "" {
		return nil, failf(member, CdoE_INVALID_PARAMETER, "the type of the address is missing")
	}
	e := c.logon.newEntry(c, nil)
	e.list, e.bag.all = c.list, true
	for t, v := range map[mapi.Tag]string{pid.TagAddressType: emailType, pid.TagDisplayName: name, pid.TagEmailAddress: address} {
		if v != "" {
			e.bag.putTag(t, v)
		}
	}
	return e, nil
}

// Delete removes all entries of the collection from their list.
func (c *AddressEntries) Delete(ctx context.Context) error {
	const member = "AddressEntries.Delete"
	if c.list == "" || c.logon.bookWriter() == nil {
		return failf(member, CdoE_NO_SUPPORT, "the address list cannot be changed")
	}
	var all []*AddressEntry
	for e, err := range c.All(ctx) {
		if err != nil {
			return rename(err, member)
		}
		all = append(all, e)
	}
	c.rewind()
	for _, e := range all {
		if err := e.Delete(ctx); err != nil {
			return rename(err, member)
		}
	}
	return nil
}

// Count is how many entries there are, CdoMaxCount when the address book doesn't tell.
func (c *AddressEntries) Count() int {
	if c.restriction() != nil {
		return CdoMaxCount
	}
	return c.count
}

// read gives up to limit entries from a position on.
func (c *AddressEntries) read(ctx context.Context, from, limit int) ([]mapi.Props, error) {
	if err := c.logon.alive(); err != nil {
		return nil, err
	}
	var list []mapi.Props
	err := c.rows(ctx, c.restriction(), from, limit, func(ps mapi.Props) bool {
		list = append(list, ps)
		return len(list) < limit
	})
	return list, err
}

// fetch makes the window one that holds a position; ok is false past the ends.
func (c *AddressEntries) fetch(ctx context.Context, pos int) (ok bool, err error) {
	if pos < 0 {
		return false, nil
	}
	if pos >= c.start && pos < c.start+len(c.window) {
		return true, nil
	}
	if c.window != nil && c.end && pos >= c.start+len(c.window) {
		return false, nil
	}
	from := pos
	if pos < c.start {
		from = max(0, pos-entryWindow+1)
	}
	list, err := c.read(ctx, from, entryWindow)
	if err != nil {
		return false, err
	}
	c.window, c.start, c.end = list, from, len(list) < entryWindow
	return pos < from+len(list), nil
}

func (c *AddressEntries) at(ctx context.Context, member string, pos int) (*AddressEntry, error) {
	ok, err := c.fetch(ctx, pos)
	if err != nil {
		return nil, fail(member, err)
	}
	if !ok {
		c.pos = max(pos, -1)
		if c.end {
			c.pos = min(c.pos, c.start+len(c.window))
		}
		return nil, nil
	}
	c.pos = pos
	return c.logon.newEntry(c, c.window[pos-c.start]), nil
}

// Item is an entry by its position, from 1 on; nil where there is none.
func (c *AddressEntries) Item(ctx context.Context, index int) (*AddressEntry, error) {
	if ok, err := c.fetch(ctx, index-1); !ok || err != nil {
		return nil, fail("AddressEntries.Item", err)
	}
	return c.at(ctx, "AddressEntries.Item", index-1)
}

// GetFirst is the first entry; nil when there is none.
func (c *AddressEntries) GetFirst(ctx context.Context) (*AddressEntry, error) {
	c.rewind()
	return c.at(ctx, "AddressEntries.GetFirst", 0)
}

// GetNext is the entry after the one that was given last; nil at the end.
func (c *AddressEntries) GetNext(ctx context.Context) (*AddressEntry, error) {
	return c.at(ctx, "AddressEntries.GetNext", c.pos+1)
}

// GetPrevious is the entry before the one that was given last; nil at the beginning.
func (c *AddressEntries) GetPrevious(ctx context.Context) (*AddressEntry, error) {
	return c.at(ctx, "AddressEntries.GetPrevious", c.pos-1)
}

// GetLast is the last entry; nil when there is none. Where the count isn't known, a few entries are read to find the end.
func (c *AddressEntries) GetLast(ctx context.Context) (*AddressEntry, error) {
	const member = "AddressEntries.GetLast"
	end := c.Count()
	if end == CdoMaxCount {
		var err error
		if end, err = c.first(ctx, 0, func(mapi.Props) bool { return false }); err != nil {
			return nil, fail(member, err)
		}
	}
	if c.window = nil; end > entryWindow {
		if _, err := c.fetch(ctx, end-entryWindow); err != nil {
			return nil, fail(member, err)
		}
	}
	return c.at(ctx, member, end-1)
}

// Find is CDO's Item with a string: the next entry after the current position whose name is not before s; nil when there is
// none. A few entries of the list are read, not all.
func (c *AddressEntries) Find(ctx context.Context, s string) (*AddressEntry, error) {
	const member = "AddressEntries.Item"
	want := strings.ToLower(s)
	from := c.pos + 1
	at, err := c.first(ctx, from, func(ps mapi.Props) bool {
		return mapi.CompareValues(strings.ToLower(ps.Text(pid.TagDisplayName)), want) >= 0
	})
	if err != nil {
		return nil, fail(member, err)
	}
	if ok, err := c.fetch(ctx, at); !ok || err != nil {
		return nil, fail(member, err)
	}
	return c.at(ctx, member, at)
}

// first finds the first position from one on whose entry fulfils a condition that holds for all after it too: the end of the
// collection when there is none. It asks for single entries, at first in steps that double.
func (c *AddressEntries) first(ctx context.Context, from int, cond func(mapi.Props) bool) (int, error) {
	var failed error
	beyond := func(pos int) bool { // whether the position is past the end or fulfils the condition
		if failed != nil {
			return true
		}
		list, err := c.read(ctx, pos, 1)
		failed = err
		return len(list) == 0 || cond(list[0])
	}
	low, step := from, 1
	for !beyond(low + step - 1) {
		low += step
		step *= 2
	}
	n := sort.Search(step-1, func(i int) bool { return beyond(low + i) })
	return low + n, failed
}

// All gives the entries in turn, without regard to the position.
func (c *AddressEntries) All(ctx context.Context) iter.Seq2[*AddressEntry, error] {
	return func(yield func(*AddressEntry, error) bool) {
		stopped := false
		err := c.logon.alive()
		if err == nil {
			err = c.rows(ctx, c.restriction(), 0, 0, func(ps mapi.Props) bool {
				stopped = !yield(c.logon.newEntry(c, ps), nil)
				return !stopped
			})
		}
		if err != nil && !stopped {
			yield(nil, fail("AddressEntries", err))
		}
	}
}

// Sort takes the order that address books have, ascending by name; any other is CdoE_TOO_COMPLEX.
func (c *AddressEntries) Sort(order SortOrder, tag mapi.Tag) error {
	byName := slices.Contains([]uint16{0, pid.TagDisplayName.ID()}, tag.ID())
	if order == CdoDescending || !byName {
		return failf("AddressEntries.Sort", CdoE_TOO_COMPLEX, "address books are sorted by name")
	}
	c.rewind()
	return nil
}
