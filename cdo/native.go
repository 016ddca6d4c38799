package cdo

import (
	"context"
	"iter"

	"github.com/opencdo/opencdo/mapi"
)

// MAPIObject and RawTable are what CDO gives programs in C and C++ as interfaces of MAPI: the same things of package mapi.

// Table lists the rows of a collection with some columns.
type Table func(ctx context.Context, columns ...mapi.Key) iter.Seq2[mapi.Row, error]

// MAPIObject are the stores of the session, the default store first.
func (s *Session) MAPIObject(ctx context.Context) ([]mapi.Store, error) {
	l, err := s.open(ctx, "Session.MAPIOBJECT")
	if err != nil {
		return nil, err
	}
	list := make([]mapi.Store, len(l.stores.list))
	for i, s := range l.stores.list {
		list[i] = s.store
	}
	return list, nil
}

// SetMAPIObject begins the session on stores that are open already, in place of Logon. Logoff leaves them open. A session that is
// logged on is CdoE_LOGON_FAILED.
func (s *Session) SetMAPIObject(stores []mapi.Store) error {
	const member = "Session.MAPIOBJECT"
	switch {
	case s.on != nil:
		return failf(member, CdoE_LOGON_FAILED, "the session is logged on already")
	case len(stores) == 0:
		return failf(member, CdoE_INVALID_PARAMETER, "there is no store")
	}
	l := &logon{session: s, loc: s.Location(), tempParent: s.config.TempDir, given: true}
	l.take(stores)
	s.on = l
	return nil
}

// MAPIObject is the store.
func (s *InfoStore) MAPIObject() mapi.Store { return s.store }

// MAPIObject is the folder of the store.
func (f *Folder) MAPIObject(ctx context.Context) (mapi.Folder, error) {
	dir, err := f.open(ctx)
	return dir, fail("Folder.MAPIOBJECT", err)
}

// MAPIObject is a copy of the item with all changes.
func (m *Message) MAPIObject(ctx context.Context) (*mapi.Item, error) {
	it, err := m.copy(ctx)
	return it, fail("Message.MAPIOBJECT", err)
}

// MAPIObject is the attachment with all changes.
func (a *Attachment) MAPIObject(ctx context.Context) (*mapi.Attachment, error) {
	if err := a.in.fresh(ctx); err != nil {
		return nil, fail("Attachment.MAPIOBJECT", err)
	}
	return a.saved(a.Index() - 1), nil
}

// MAPIObject is all that is known of the entry.
func (e *AddressEntry) MAPIObject(ctx context.Context) (mapi.Props, error) {
	err := e.bag.complete(ctx)
	return e.bag.merged(e.bag.have), fail("AddressEntry.MAPIOBJECT", err)
}

// RawTable is the table of the items that the filter lets through, in the collection's order. In a calendar it has series as they
// are, not their occurrences.
func (c *Messages) RawTable() Table {
	return func(ctx context.Context, columns ...mapi.Key) iter.Seq2[mapi.Row, error] {
		return func(yield func(mapi.Row, error) bool) {
			dir, err := c.folder.open(ctx)
			if err != nil {
				yield(mapi.Row{}, fail("Messages.RawTable", err))
				return
			}
			where := c.restriction()
			if calendar, err := c.IsCalendar(ctx); err != nil {
				yield(mapi.Row{}, err)
				return
			} else if calendar {
				start, end, only, err := c.period()
				if err != nil {
					yield(mapi.Row{}, fail("Messages.RawTable", err))
					return
				}
				if where = c.where; only {
					where = within(start, end, c.where)
				}
			}
			for r, err := range dir.Rows(ctx, mapi.Query{Kind: c.kind, Columns: columns, Where: where, Sort: c.order}) {
				if !yield(r, fail("Messages.RawTable", err)) {
					return
				}
			}
		}
	}
}

// RawTable is the table of the folders.
func (c *Folders) RawTable() Table {
	return bagTable("Folders.RawTable", c.All, func(f *Folder) (mapi.EntryID, *bag) { return f.id, &f.bag })
}

// RawTable is the table of the recipients. Its rows have no ids but those of resolved recipients.
func (c *Recipients) RawTable() Table {
	return bagTable("Recipients.RawTable", c.All, func(r *Recipient) (mapi.EntryID, *bag) { return "", &r.bag })
}

// RawTable is the table of the entries that the filter lets through.
func (c *AddressEntries) RawTable() Table {
	return bagTable("AddressEntries.RawTable", c.All, func(e *AddressEntry) (mapi.EntryID, *bag) { return mapi.EntryID(e.entryID()), &e.bag })
}

// bagTable reads the columns from the properties of objects.
func bagTable[T any](member string, all func(context.Context) iter.Seq2[T, error], of func(T) (mapi.EntryID, *bag)) Table {
	return func(ctx context.Context, columns ...mapi.Key) iter.Seq2[mapi.Row, error] {
		return func(yield func(mapi.Row, error) bool) {
			for o, err := range all(ctx) {
				if err != nil {
					yield(mapi.Row{}, rename(err, member))
					return
				}
				id, b := of(o)
				row := mapi.Row{ID: id, Values: make([]mapi.Value, len(columns))}
				for i, k := range columns {
					p, _, err := b.get(ctx, k)
					if err != nil {
						yield(mapi.Row{}, fail(member, err))
						return
					}
					row.Values[i] = p.Value
				}
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}
