package oxcdata

import (
	"bytes"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

// settle decodes b with f into a new structure, and encodes and decodes what came of it: whatever was read can be written,
// and what was written reads the same.
func settle[T any](t *testing.T, d Dialect, b []byte, f func(*Coder, *T)) {
	var v T
	c := &Coder{buf: b, Dialect: d}
	f(c, &v)
	if c.Err() != nil {
		return
	}
	once, err := Encode(d, func(c *Coder) { f(c, &v) })
	if err != nil {
		t.Fatalf("%x gives %+v, which can't be written: %v", b, v, err)
	}
	var w T
	if err := Decode(d, once, func(c *Coder) { f(c, &w) }); err != nil {
		t.Fatalf("%x was written as %x: %v", b, once, err)
	}
	twice, err := Encode(d, func(c *Coder) { f(c, &w) })
	if err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%x was written as %x, then as %x, %v", b, once, twice, err)
	}
}

var fuzzColumns = []mapi.Tag{0x67480014, 0x0037001F, 0x0037001E, 0x0E060040, 0x0E1B000B, 0x65E00102, 0x0FFF00FB, 0x00040005,
	0x00050048, 0x10000000, 0x8001101F, 0x80021102, 0x80031003, 0x8004301F, 0x667900FD, 0x668000FE, 0x3701000D, 0x0001000A}

func FuzzPropertyRow(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x00\x00\x00\x00\x00\x51a\x00\x00\x00b\x00"), uint8(3))
	f.Add([]byte("\x01\x0a\x0f\x01\x04\x80\x01\x00b\x00"), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		columns := fuzzColumns[int(n)%len(fuzzColumns):]
		settle(t, ROP, b, func(c *Coder, r *PropertyRow) { c.PropertyRow(columns, r) })
		settle(t, ROP, b, func(c *Coder, r *PropertyRow) { c.PropertyRow(fuzzColumns[:int(n)%len(fuzzColumns)], r) })
	})
}

func FuzzRecipientRow(f *testing.F) {
	f.Add([]byte("\x5b\x02a\x00@\x00x\x00.\x00o\x00r\x00g\x00\x00\x00A\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		settle(t, ROP, b, func(c *Coder, r *RecipientRow) { c.RecipientRow(fuzzColumns, r) })
	})
}

func FuzzRestriction(f *testing.F) {
	f.Add([]byte("\x03\x01\x00\x00\x00\x02\x01\x1d\x0c\x02\x01\x1d\x0c\x02\x00ab"), uint8(0))
	f.Add([]byte("\x00\x02\x00\x08\x1f\x00\x37\x00\x02\x09\x0d\x00\x12\x0e\x0a\x00\x00"), uint8(0))
	f.Add([]byte("\x030000000000"), uint8(AddressBook)) // no value to compare with
	f.Fuzz(func(t *testing.T, b []byte, d uint8) {
		settle(t, Dialect(d%3), b, (*Coder).Restriction)
	})
}

func FuzzStrings(f *testing.F) {
	f.Add([]byte("\x03RE: \x00"))
	f.Add([]byte("\x01\x29\x03\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46\x04a\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		settle(t, ROP, b, (*Coder).TypedString)
		settle(t, ROP, b, (*Coder).PropName)
		settle(t, ROP, b, (*Coder).OneOffEntryID)
		settle(t, ROP, b, (*Coder).StoreEntryID)
		settle(t, ROP, b, (*Coder).ContactEntryID)
	})
}
