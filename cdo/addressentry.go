package cdo

import (
	"context"
	"errors"
	"slices"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// AddressEntry is a user, a distribution list or a contact: an entry of the address book, or an address that a message carries. What
// isn't known of it is read from the address book when it is needed.
type AddressEntry struct {
	node
	bag  bag
	must bool         // the address book has to know it
	list mapi.EntryID // that a new entry is for
	gone bool         // deleted
}

func (l *logon) newEntry(parent Object, ps mapi.Props) *AddressEntry {
	e := &AddressEntry{node: node{l, parent}}
	e.bag = bag{have: slices.Clone(ps), fixed: l.bookWriter() == nil, load: e.load}
	return e
}

// namedEntry is an entry of which only the name is known.
func (l *logon) namedEntry(parent Object, name string) *AddressEntry {
	e := l.newEntry(parent, nil)
	e.bag.fill(mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: name}})
	return e
}

func (e *AddressEntry) load(ctx context.Context) error {
	if err := e.usable(); err != nil {
		return err
	}
	id := e.entryID()
	ps, ok := oneOffProps(id)
	if !ok && len(id) > 0 {
		b, err := e.logon.book(ctx)
		if err == nil {
			ps, err = b.Entry(ctx, mapi.EntryID(id), nil)
		}
		if err != nil && (e.must || !missing(err) && !errors.Is(err, mapi.ErrInvalidEntryID)) {
			return err
		}
		ps = slices.Clone(ps)
	}
	for _, p := range e.bag.have {
		if find(ps, p.Key) < 0 {
			ps = append(ps, p)
		}
	}
	e.bag.fill(ps)
	return nil
}

// oneOffProps are the properties in the entry id of an address that stands in no address book ([MS-OXCDATA] 2.2.5.1).
func oneOffProps(id []byte) (mapi.Props, bool) {
	var e oxcdata.OneOffEntryID
	err := oxcdata.Decode(oxcdata.ROP, id, func(c *oxcdata.Coder) { c.OneOffEntryID(&e) })
	if err != nil || e.Provider != oxcdata.ProviderOneOff {
		return nil, false
	}
	var ps mapi.Props
	for _, s := range []struct {
		tag  mapi.Tag
		text string
	}{{pid.TagDisplayName, e.DisplayName}, {pid.TagAddressType, e.AddressType}, {pid.TagEmailAddress, e.Email}} {
		if e.Options&oxcdata.OneOffUnicode == 0 {
			s.text, _ = codepage.Decode(codepage.Windows1252, []byte(s.text))
		}
		ps = append(ps, mapi.Prop{Key: mapi.TagKey(s.tag), Value: s.text})
	}
	ps = append(ps, mapi.Prop{Key: mapi.TagKey(pid.TagEntryId), Value: id},
		mapi.Prop{Key: mapi.TagKey(pid.TagDisplayType), Value: int32(CdoUser)}, mapi.Prop{Key: mapi.TagKey(pid.TagObjectType), Value: objectMailUser})
	if e.AddressType == "SMTP" {
		ps = append(ps, mapi.Prop{Key: mapi.TagKey(pid.TagSmtpAddress), Value: e.Email})
	}
	return ps, true
}

func (e *AddressEntry) entryID() []byte {
	if i := find(e.bag.have, mapi.TagKey(pid.TagEntryId)); i >= 0 {
		id, _ := e.bag.have[i].Value.([]byte)
		return id
	}
	return nil
}

// Class is CdoAddressEntry.
func (e *AddressEntry) Class() ObjectClass { return CdoAddressEntry }

// ID is the entry id, "" for an address without one.
func (e *AddressEntry) ID() string { return hexID(e.entryID()) }

// Name is the display name.
func (e *AddressEntry) Name(ctx context.Context) (string, error) {
	v, err := e.bag.text(ctx, pid.TagDisplayName)
	return v, fail("AddressEntry.Name", err)
}

// present is a string property; one that isn't there is CdoE_NOT_FOUND.
func (e *AddressEntry) present(ctx context.Context, member string, t mapi.Tag) (string, error) {
	v, err := e.bag.text(ctx, t)
	if err == nil && v == "" {
		return "", failf(member, CdoE_NOT_FOUND, "the entry has none")
	}
	return v, fail(member, err)
}

// Address is the address without its type: of Exchange users (type EX) the DN; their SMTP address is the field 0x39FE001E.
// Private distribution lists have none: CdoE_NOT_FOUND.
func (e *AddressEntry) Address(ctx context.Context) (string, error) {
	return e.present(ctx, "AddressEntry.Address", pid.TagEmailAddress)
}

// Type is the type of the address: SMTP, EX, ... Private distribution lists have none: CdoE_NOT_FOUND.
func (e *AddressEntry) Type(ctx context.Context) (string, error) {
	return e.present(ctx, "AddressEntry.Type", pid.TagAddressType)
}

// DisplayType is the kind of the entry.
func (e *AddressEntry) DisplayType(ctx context.Context) (DisplayType, error) {
	v, err := e.bag.number(ctx, pid.TagDisplayType, int32(CdoUser))
	return DisplayType(v), fail("AddressEntry.DisplayType", err)
}

// Fields are the properties of the entry.
func (e *AddressEntry) Fields() *Fields { return newFields(e, &e.node, &e.bag) }

// Members are the members of a distribution list; nil when the entry is none.
func (e *AddressEntry) Members(ctx context.Context) (*AddressEntries, error) {
	const member = "AddressEntry.Members"
	t, err := e.DisplayType(ctx)
	if err != nil {
		return nil, rename(err, member)
	}
	if t != CdoDistList && t != CdoPrivateDistList {
		return nil, nil
	}
	b, err := e.logon.book(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	c := &AddressEntries{node: e.below(e), count: CdoMaxCount, rows: bookRows(b, mapi.EntryID(e.entryID()))}
	c.rewind()
	return c, nil
}

// IsSameAs reports whether o is the same entry.
func (e *AddressEntry) IsSameAs(o *AddressEntry) bool {
	if o == nil || len(e.entryID()) == 0 {
		return e == o
	}
	return sameID(e.entryID(), o.entryID())
}
