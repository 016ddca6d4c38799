package cdo

import (
	"context"
	"errors"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// book is the address book of the first store that has one. None is CdoE_NOT_FOUND.
func (l *logon) book(ctx context.Context) (mapi.AddressBook, error) {
	if err := l.open(ctx); err != nil {
		return nil, err
	}
	for _, s := range l.stores.list {
		if b, ok := mapi.As[mapi.AddressBook](s.store); ok {
			return b, nil
		}
	}
	return nil, &mapi.Error{Op: "open address book", Code: mapi.ErrNotFound, Err: errors.New("no store of the profile has one")}
}

// candidates are the entries that a name may mean.
func (l *logon) candidates(ctx context.Context, name string) ([]mapi.Props, error) {
	b, err := l.book(ctx)
	if err != nil {
		return nil, err
	}
	list, err := b.Resolve(ctx, name, entryKeys)
	if errors.Is(err, mapi.ErrAmbiguous) || missing(err) {
		err = nil
	}
	return list, err
}

// resolve finds the one entry that a name means.
func (l *logon) resolve(ctx context.Context, name string) (mapi.Props, error) {
	b, err := l.book(ctx)
	if err != nil {
		return nil, err
	}
	list, err := b.Resolve(ctx, name, entryKeys)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, &mapi.Error{Op: "resolve", Object: name, Code: mapi.ErrNotFound}
	case len(list) > 1:
		return nil, &mapi.Error{Op: "resolve", Object: name, Code: mapi.ErrAmbiguous}
	}
	return list[0], nil
}

// currentUser is the owner of the default store as the address book knows him.
func (l *logon) currentUser(ctx context.Context) (*AddressEntry, error) {
	if err := l.open(ctx); err != nil {
		return nil, err
	}
	store := &l.stores.list[0].bag
	name, err := store.text(ctx, pid.TagMailboxOwnerName)
	if err != nil {
		return nil, err
	}
	for _, t := range []mapi.Tag{pid.TagMailboxOwnerEntryId, pid.TagUserEntryId} {
		id, err := store.binary(ctx, t)
		if err != nil {
			return nil, err
		}
		if len(id) > 0 {
			ps := mapi.Props{{Key: mapi.TagKey(pid.TagEntryId), Value: id}}
			if name != "" {
				ps.Set(mapi.TagKey(pid.TagDisplayName), name)
			}
			return l.newEntry(l.session, ps), nil
		}
	}
	if who := l.profile.Info.Mailbox; who != "" {
		ps, err := l.resolve(ctx, who)
		if err == nil {
			return l.newEntry(l.session, ps), nil
		}
		if name == "" || !missing(err) {
			return nil, err
		}
	}
	if name == "" {
		return nil, &mapi.Error{Op: "find the owner of the store", Code: mapi.ErrNotFound}
	}
	return l.namedEntry(l.session, name), nil
}

// entry opens an address entry by its ID.
func (l *logon) entry(ctx context.Context, parent Object, member, entryID string) (*AddressEntry, error) {
	id, err := parseID(member, entryID)
	if err != nil {
		return nil, err
	}
	e := l.newEntry(parent, mapi.Props{{Key: mapi.TagKey(pid.TagEntryId), Value: []byte(id)}})
	e.must = true
	return e, e.bag.complete(ctx)
}

// GetAddressEntry opens an address entry by its ID.
func (s *Session) GetAddressEntry(ctx context.Context, entryID string) (*AddressEntry, error) {
	const member = "Session.GetAddressEntry"
	l, err := s.active(member)
	if err != nil {
		return nil, err
	}
	e, err := l.entry(ctx, s, member, entryID)
	if err != nil {
		return nil, fail(member, err)
	}
	return e, nil
}

// AddressLists are the address lists of the profile: none when its stores have no address book.
func (s *Session) AddressLists(ctx context.Context) (*AddressLists, error) {
	const member = "Session.AddressLists"
	l, err := s.active(member)
	if err != nil {
		return nil, err
	}
	c := &AddressLists{node: node{l, s}}
	b, err := l.book(ctx)
	if missing(err) {
		return c, nil
	}
	if err != nil {
		return nil, fail(member, err)
	}
	lists, err := b.Lists(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	for i, list := range lists {
		c.list = append(c.list, newAddressList(c, b, list, i+1))
	}
	return c, nil
}

// GetAddressList is an address list by its purpose, whatever it is called. There are no personal address books: CdoAddressListPAB
// is CdoE_NOT_FOUND.
func (s *Session) GetAddressList(ctx context.Context, t AddressListType) (*AddressList, error) {
	const member = "Session.GetAddressList"
	if t < 0 || t >= CdoAddressListTotal {
		return nil, failf(member, CdoE_INVALID_PARAMETER, "there is no address list %d", t)
	}
	lists, err := s.AddressLists(ctx)
	if err != nil {
		return nil, rename(err, member)
	}
	for _, l := range lists.list {
		if t == CdoAddressListGAL && l.list.IsGlobal {
			return l, nil
		}
	}
	return nil, failf(member, CdoE_NOT_FOUND, "the profile has no such address list")
}
