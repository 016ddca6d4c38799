package oxcdata

import (
	"fmt"

	"github.com/opencdo/opencdo/mapi"
)

// RecipientRow flags ([MS-OXCDATA] 2.8.3.1), as a little-endian 16-bit number.
const (
	RecipientTypeMask     = 0x0007
	RecipientEmail        = 0x0008 // E: EmailAddress included
	RecipientDisplay      = 0x0010 // D: DisplayName included
	RecipientTransmit     = 0x0020 // T: TransmittableDisplayName included
	RecipientSameName     = 0x0040 // S: TransmittableDisplayName equals DisplayName and isn't included
	RecipientNonRich      = 0x0080 // R: no rich information
	RecipientUnicode      = 0x0200 // U: strings are Unicode
	RecipientSimple       = 0x0400 // I: SimpleDisplayName included
	RecipientOtherAddress = 0x8000 // O: AddressType included

	RecipientNone = 0 // address types
	RecipientX500 = 1
	RecipientSMTP = 3
	RecipientPDL1 = 6
	RecipientPDL2 = 7
)

// RecipientRow is a recipient of a message ([MS-OXCDATA] 2.8.3).
type RecipientRow struct {
	Flags         uint16
	PrefixUsed    uint8 // X500: characters of the session's DN prefix that go before X500DN
	DisplayType   uint8
	X500DN        mapi.String8
	EntryID       []byte // personal distribution lists
	SearchKey     []byte
	AddressType   mapi.String8
	Email         string
	Display       string
	Simple        string
	Transmittable string
	Row           PropertyRow // over the first len(Row.Values) recipient columns
	ColumnsUsed   uint16
}

// RecipientRow walks a recipient whose extra properties are columns.
func (c *Coder) RecipientRow(columns []mapi.Tag, r *RecipientRow) {
	c.U16(&r.Flags)
	switch r.Flags & RecipientTypeMask {
	case RecipientX500:
		c.U8(&r.PrefixUsed)
		c.U8(&r.DisplayType)
		c.SZ(&r.X500DN)
	case RecipientPDL1, RecipientPDL2:
		c.Bytes16(&r.EntryID)
		c.Bytes16(&r.SearchKey)
	case RecipientNone:
		if r.Flags&RecipientOtherAddress != 0 {
			c.SZ(&r.AddressType)
		}
	}
	c.recipientString(r.Flags, RecipientEmail, &r.Email)
	c.recipientString(r.Flags, RecipientDisplay, &r.Display)
	c.recipientString(r.Flags, RecipientSimple, &r.Simple)
	c.recipientString(r.Flags, RecipientTransmit, &r.Transmittable)
	if c.enc {
		r.ColumnsUsed = uint16(len(r.Row.Values))
	}
	c.U16(&r.ColumnsUsed)
	if int(r.ColumnsUsed) > len(columns) {
		c.Fail(fmt.Sprintf("recipient with %d of %d columns", r.ColumnsUsed, len(columns)))
		return
	}
	if c.err == nil {
		c.PropertyRow(columns[:r.ColumnsUsed], &r.Row)
	}
}

// recipientString is Unicode or 8-bit; 8-bit text is carried as one rune a byte (the code page stands outside the row).
func (c *Coder) recipientString(flags, bit uint16, p *string) {
	if flags&bit == 0 {
		return
	}
	if flags&RecipientUnicode != 0 {
		c.WSZ(p)
		return
	}
	s := mapi.String8(*p)
	c.SZ(&s)
	if !c.enc {
		*p = string(s)
	}
}
