package cdo

import (
	"context"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// bookWriter is the first address book that can be changed, nil when there is none.
func (l *logon) bookWriter() mapi.AddressBookWriter {
	if l.stores == nil {
		return nil
	}
	for _, s := range l.stores.list {
		if w, ok := mapi.As[mapi.AddressBookWriter](s.store); ok {
			return w
		}
	}
	return nil
}

func (e *AddressEntry) usable() error {
	if e.gone {
		return mapi.ErrInvalidObject
	}
	return e.logon.alive()
}

// put changes a property. Where the address book cannot be changed it is CdoE_NO_SUPPORT.
func (e *AddressEntry) put(member string, t mapi.Tag, v string) error {
	if e.bag.fixed {
		return failf(member, CdoE_NO_SUPPORT, "the address book cannot be changed")
	}
	e.bag.putTag(t, v)
	return nil
}

// SetName changes the display name when the entry is updated. Address books that cannot be changed are CdoE_NO_SUPPORT.
func (e *AddressEntry) SetName(name string) error {
	return e.put("AddressEntry.Name", pid.TagDisplayName, name)
}

// SetAddress changes the address, without its type, when the entry is updated.
func (e *AddressEntry) SetAddress(address string) error {
	return e.put("AddressEntry.Address", pid.TagEmailAddress, address)
}

// SetType changes the type of the address when the entry is updated.
func (e *AddressEntry) SetType(t string) error {
	return e.put("AddressEntry.Type", pid.TagAddressType, t)
}

// Update saves the entry when makePermanent is true, and has it read again when refreshObject is.
func (e *AddressEntry) Update(ctx context.Context, makePermanent, refreshObject bool) error {
	const member = "AddressEntry.Update"
	if err := e.usable(); err != nil {
		return fail(member, err)
	}
	if makePermanent && (e.bag.changed() || e.list != "") {
		if err := e.save(ctx); err != nil {
			return fail(member, err)
		}
	}
	if refreshObject && len(e.entryID()) > 0 {
		id := e.entryID()
		e.bag.have, e.bag.all = mapi.Props{{Key: mapi.TagKey(pid.TagEntryId), Value: id}}, false
		return fail(member, e.load(ctx))
	}
	return nil
}

func (e *AddressEntry) save(ctx context.Context) error {
	w := e.logon.bookWriter()
	if w == nil {
		return &mapi.Error{Op: "save address entry", Code: mapi.ErrNoSupport}
	}
	if e.list == "" {
		if err := w.UpdateEntry(ctx, mapi.EntryID(e.entryID()), e.bag.set, e.bag.gone()); err != nil {
			return err
		}
		e.bag.saved()
		return nil
	}
	id, err := w.CreateEntry(ctx, e.list, e.bag.set)
	if err != nil {
		return err
	}
	e.list = ""
	e.bag.saved()
	e.bag.have.Set(mapi.TagKey(pid.TagEntryId), []byte(id))
	return nil
}

// Delete removes the entry from its list. Address books that cannot be changed are CdoE_NO_SUPPORT.
func (e *AddressEntry) Delete(ctx context.Context) error {
	const member = "AddressEntry.Delete"
	if err := e.usable(); err != nil {
		return fail(member, err)
	}
	w := e.logon.bookWriter()
	if w == nil {
		return failf(member, CdoE_NO_SUPPORT, "the address book cannot be changed")
	}
	if e.list == "" {
		if err := w.DeleteEntry(ctx, mapi.EntryID(e.entryID())); err != nil {
			return fail(member, err)
		}
	}
	e.gone = true
	return nil
}

// Manager is whom the user reports to, nil when that isn't known.
func (e *AddressEntry) Manager(ctx context.Context) (*AddressEntry, error) {
	const member = "AddressEntry.Manager"
	dn, err := e.bag.text(ctx, pid.TagAddressBookManagerDistinguishedName)
	if err != nil || dn == "" {
		return nil, fail(member, err)
	}
	ps, err := e.logon.resolve(ctx, dn)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fail(member, err)
	}
	return e.logon.newEntry(e, ps), nil
}
