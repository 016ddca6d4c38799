package oxcdata

import (
	"github.com/opencdo/opencdo/mapi"
)

// ID is a folder, message or change number as it stands on the wire ([MS-OXCDATA] 2.2.1): a 16-bit replica id and a
// 48-bit counter in big-endian order. As a PtypInteger64 it has the same bytes.
type ID uint64

// NewID joins a replica id and a counter.
func NewID(replica uint16, counter uint64) ID {
	var c uint64
	for i := 0; i < 6; i++ {
		c = c<<8 | counter&0xFF
		counter >>= 8
	}
	return ID(c<<16 | uint64(replica))
}

// Replica is the replica id.
func (id ID) Replica() uint16 { return uint16(id) }

// Counter is the global counter.
func (id ID) Counter() uint64 {
	v, c := uint64(id)>>16, uint64(0)
	for i := 0; i < 6; i++ {
		c = c<<8 | v&0xFF
		v >>= 8
	}
	return c
}

// ID walks an ID.
func (c *Coder) ID(p *ID) { c.U64((*uint64)(p)) }

// GlobalID is a GID: a replica GUID and counter, 22 bytes ([MS-OXCDATA] 2.2.1.3).
type GlobalID struct {
	Replica mapi.GUID
	Counter uint64 // 48 bits
}

// GlobalID walks one.
func (c *Coder) GlobalID(p *GlobalID) {
	c.GUID(&p.Replica)
	var b [6]byte
	for i := range b {
		b[i] = byte(p.Counter >> (40 - 8*i))
	}
	c.Fixed(b[:])
	p.Counter = 0
	for _, x := range b {
		p.Counter = p.Counter<<8 | uint64(x)
	}
}

// LongTermID is a GlobalID with padding, 24 bytes ([MS-OXCDATA] 2.2.1.3.1).
type LongTermID struct {
	GlobalID
	Pad uint16
}

// LongTermID walks one.
func (c *Coder) LongTermID(p *LongTermID) {
	c.GlobalID(&p.GlobalID)
	c.U16(&p.Pad)
}

// Provider UIDs of entry ids ([MS-OXCDATA] 2.2.4, 2.2.5).
var (
	ProviderPublicStore = mapi.GUID{0x1A, 0x44, 0x73, 0x90, 0xAA, 0x66, 0x11, 0xCD, 0x9B, 0xC8, 0x00, 0xAA, 0x00, 0x2F, 0xC4, 0x5A}
	ProviderAddressBook = mapi.GUID{0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A, 0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82}
	ProviderOneOff      = mapi.GUID{0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02}
	ProviderStoreWrap   = mapi.GUID{0x38, 0xA1, 0xBB, 0x10, 0x05, 0xE5, 0x10, 0x1A, 0xA1, 0xBB, 0x08, 0x00, 0x2B, 0x2A, 0x56, 0xC2}
	ProviderMailbox     = mapi.GUID{0x1B, 0x55, 0xFA, 0x20, 0xAA, 0x66, 0x11, 0xCD, 0x9B, 0xC8, 0x00, 0xAA, 0x00, 0x2F, 0xC4, 0x5A} // wrapped
	ProviderPublicWrap  = mapi.GUID{0x1C, 0x83, 0x02, 0x10, 0xAA, 0x66, 0x11, 0xCD, 0x9B, 0xC8, 0x00, 0xAA, 0x00, 0x2F, 0xC4, 0x5A} // wrapped
	ProviderContact     = mapi.GUID{0xFE, 0x42, 0xAA, 0x0A, 0x18, 0xC7, 0x1A, 0x10, 0xE8, 0x85, 0x0B, 0x65, 0x1C, 0x24, 0x00, 0x00}
)

// FolderEntryID is a folder's entry id, 46 bytes ([MS-OXCDATA] 2.2.4.1).
type FolderEntryID struct {
	Flags    uint32
	Provider mapi.GUID // the mailbox GUID, or ProviderPublicStore
	Type     uint16    // 1 private, 3 public
	Folder   LongTermID
}

// FolderEntryID walks one.
func (c *Coder) FolderEntryID(p *FolderEntryID) {
	c.U32(&p.Flags)
	c.GUID(&p.Provider)
	c.U16(&p.Type)
	c.LongTermID(&p.Folder)
}

// MessageEntryID is a message's entry id, 70 bytes ([MS-OXCDATA] 2.2.4.2).
type MessageEntryID struct {
	Flags    uint32
	Provider mapi.GUID
	Type     uint16 // 7 private, 9 public
	Folder   LongTermID
	Message  LongTermID
}

// MessageEntryID walks one.
func (c *Coder) MessageEntryID(p *MessageEntryID) {
	c.U32(&p.Flags)
	c.GUID(&p.Provider)
	c.U16(&p.Type)
	c.LongTermID(&p.Folder)
	c.LongTermID(&p.Message)
}

// AddressBookEntryID names an address book object by its DN ([MS-OXCDATA] 2.2.5.2).
type AddressBookEntryID struct {
	Flags    uint32
	Provider mapi.GUID // ProviderAddressBook
	Version  uint32    // 1
	Type     uint32    // 0 mail user, 1 distribution list, 0x100 container, ...
	DN       mapi.String8
}

// AddressBookEntryID walks one.
func (c *Coder) AddressBookEntryID(p *AddressBookEntryID) {
	c.U32(&p.Flags)
	c.GUID(&p.Provider)
	c.U32(&p.Version)
	c.U32(&p.Type)
	c.SZ(&p.DN)
}

// OneOffEntryID is an address that stands in no address book ([MS-OXCDATA] 2.2.5.1).
type OneOffEntryID struct {
	Flags       uint32
	Provider    mapi.GUID // ProviderOneOff
	Version     uint16
	Options     uint16 // OneOffUnicode, ...
	DisplayName string
	AddressType string
	Email       string
}

// Options of a one-off entry id.
const (
	OneOffUnicode  = 0x8000
	OneOffNoLookup = 0x1000
	OneOffNoRich   = 0x0001
)

// OneOffEntryID walks one.
func (c *Coder) OneOffEntryID(p *OneOffEntryID) {
	c.U32(&p.Flags)
	c.GUID(&p.Provider)
	c.U16(&p.Version)
	c.U16(&p.Options)
	for _, s := range []*string{&p.DisplayName, &p.AddressType, &p.Email} {
		if p.Options&OneOffUnicode != 0 {
			c.WSZ(s)
			continue
		}
		b := mapi.String8(*s)
		c.SZ(&b)
		*s = string(b)
	}
}

// StoreEntryID is a store's entry id as the Exchange provider makes it ([MS-OXCDATA] 2.2.4.3).
type StoreEntryID struct {
	Flags           uint32
	Provider        mapi.GUID // ProviderStoreWrap
	Version         uint8
	Flag            uint8
	DLLFileName     [14]byte // "emsmdb.dll", padded with zeros
	WrappedFlags    uint32
	WrappedProvider mapi.GUID // ProviderMailbox or ProviderPublicWrap
	WrappedType     uint32    // 0xC mailbox, 6 public folders
	ServerShortname mapi.String8
	MailboxDN       mapi.String8 // not of public folders
	Tail            []byte       // version 2 and 3 additions, as they stood
}

// StoreEntryID walks one, to the end of the buffer.
func (c *Coder) StoreEntryID(p *StoreEntryID) {
	c.U32(&p.Flags)
	c.GUID(&p.Provider)
	c.U8(&p.Version)
	c.U8(&p.Flag)
	c.Fixed(p.DLLFileName[:])
	c.U32(&p.WrappedFlags)
	c.GUID(&p.WrappedProvider)
	c.U32(&p.WrappedType)
	c.SZ(&p.ServerShortname)
	if p.WrappedProvider != ProviderPublicWrap {
		c.SZ(&p.MailboxDN)
	}
	c.Rest(&p.Tail)
}

// ContactEntryID names an address of a contact, or a personal distribution list ([MS-OXCDATA] 2.2.5.3, 2.2.5.4).
type ContactEntryID struct {
	Flags    uint32
	Provider mapi.GUID // ProviderContact
	Version  uint32    // 3
	Type     uint32    // 4 contact, 5 distribution list
	Index    uint32    // 0-2 e-mail addresses, 3-5 fax numbers, 0xFF distribution list
	EntryID  []byte    // of the contact
}

// ContactEntryID walks one.
func (c *Coder) ContactEntryID(p *ContactEntryID) {
	c.U32(&p.Flags)
	c.GUID(&p.Provider)
	c.U32(&p.Version)
	c.U32(&p.Type)
	c.U32(&p.Index)
	c.Bytes32(&p.EntryID)
}
