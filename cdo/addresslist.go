package cdo

import (
	"context"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// AddressList is a list of address entries: the global one, or one below it.
type AddressList struct {
	node
	book  mapi.AddressBook
	list  mapi.AddressList
	index int
	bag   bag
}

func newAddressList(c *AddressLists, b mapi.AddressBook, list mapi.AddressList, index int) *AddressList {
	a := &AddressList{node: c.below(c), book: b, list: list, index: index}
	a.bag = bag{fixed: true, noStreams: true}
	a.bag.fill(list.Props)
	return a
}

// Class is CdoAddressList.
func (a *AddressList) Class() ObjectClass { return CdoAddressList }

// Name is the display name.
func (a *AddressList) Name() string { return a.list.Name }

// ID is the entry id of the list.
func (a *AddressList) ID() string { return hexID([]byte(a.list.ID)) }

// Index is the position among the address lists.
func (a *AddressList) Index() int { return a.index }

// containerModifiable is AB_MODIFIABLE of PR_CONTAINER_FLAGS.
const containerModifiable = 2

// IsReadOnly is true when entries cannot be added.
func (a *AddressList) IsReadOnly() bool {
	flags, _ := a.list.Props.Tag(pid.TagContainerFlags).(int32)
	return flags&containerModifiable == 0
}

// Fields are the properties of the list. They cannot be changed.
func (a *AddressList) Fields() *Fields { return newFields(a, &a.node, &a.bag) }

// AddressEntries are the entries of the list, in a new collection each time.
func (a *AddressList) AddressEntries() *AddressEntries {
	c := &AddressEntries{node: a.below(a), count: CdoMaxCount, list: a.list.ID}
	if n, ok := a.list.Props.Tag(pid.TagContentCount).(int32); ok {
		c.count = int(n)
	}
	c.rows = bookRows(a.book, a.list.ID)
	c.rewind()
	return c
}

// IsSameAs reports whether o is the same list.
func (a *AddressList) IsSameAs(o *AddressList) bool {
	return o != nil && sameID([]byte(a.list.ID), []byte(o.list.ID))
}

// bookRows reads entries of a list of the address book.
func bookRows(b mapi.AddressBook, list mapi.EntryID) entryRows {
	return func(ctx context.Context, where mapi.Restriction, offset, limit int, yield func(mapi.Props) bool) error {
		q := mapi.Query{Columns: entryKeys, Where: where, Offset: offset, Limit: limit}
		for r, err := range b.Entries(ctx, list, q) {
			if err != nil {
				return err
			}
			ps := make(mapi.Props, 0, len(entryKeys)+1)
			for i, v := range r.Values {
				if v != nil && i < len(entryKeys) {
					ps = append(ps, mapi.Prop{Key: entryKeys[i], Value: v})
				}
			}
			if id := mapi.TagKey(pid.TagEntryId); find(ps, id) < 0 {
				ps = append(ps, mapi.Prop{Key: id, Value: []byte(r.ID)})
			}
			if !yield(ps) {
				return nil
			}
		}
		return nil
	}
}
