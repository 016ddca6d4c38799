package cdo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/mapi"
)

// Field is a property of an object.
type Field struct {
	node
	bag *bag
	key mapi.Key
}

// Class is CdoField.
func (f *Field) Class() ObjectClass { return CdoField }

// Key is the property as package mapi names it.
func (f *Field) Key() mapi.Key { return f.key }

// ID is the property tag. As in CDO strings have the tag of their 8-bit form; properties with a name have an id from 0x8000
// on that holds for the session.
func (f *Field) ID() (mapi.Tag, error) {
	t, err := f.bag.names.tag(f.key)
	if t.Type().Base() == mapi.TypeString {
		t = t.WithType(t.Type()&mapi.MultiValue | mapi.TypeString8)
	}
	return t, fail("Field.ID", err)
}

// Index is the position among the fields; 0 when the field is deleted.
func (f *Field) Index(ctx context.Context) (int, error) {
	i, err := f.bag.position(ctx, f.key)
	return i, fail("Field.Index", err)
}

// Name is the custom name of the field, "0x8208" for one that is named by a number, and "" for predefined properties.
func (f *Field) Name() string {
	switch n := f.key.Name; {
	case n.IsZero() || n.Name != "":
		return n.Name
	default:
		return fmt.Sprintf("0x%04X", n.LID)
	}
}

// Type is the type of the value.
func (f *Field) Type() FieldType { return FieldTypeOf(f.key.Type()) }

func (f *Field) prop(ctx context.Context) (mapi.Prop, error) {
	p, ok, err := f.bag.get(ctx, f.key)
	if err == nil && !ok {
		err = &mapi.Error{Op: "read", Object: f.key.String(), Code: mapi.ErrNotFound}
	}
	return p, err
}

// Value is the value in the Go type that goes with the field's type: int16, int32, float32, float64, mapi.Currency, time.Time
// in local time, string, bool; binaries are hexadecimal strings; lists are slices of these. Types that fields cannot show
// are CdoE_NO_SUPPORT.
func (f *Field) Value(ctx context.Context) (any, error) {
	p, err := f.prop(ctx)
	if err != nil {
		return nil, fail("Field.Value", err)
	}
	v, err := f.bag.fieldValue(ctx, p, f.logon.loc)
	return v, fail("Field.Value", err)
}

// Raw is the value as package mapi has it; a large one is a [mapi.Blob].
func (f *Field) Raw(ctx context.Context) (mapi.Value, error) {
	p, err := f.prop(ctx)
	return p.Value, fail("Field.Value", err)
}

// SetValue changes the value. It takes what Value gives; numbers may be of any Go type that they fit in, binaries []byte as
// well, times of any zone. A slice of another type than the field's is CdoE_INVALID_TYPE, a property that is computed
// CdoE_COMPUTED.
func (f *Field) SetValue(v any) error { return fail("Field.Value", f.set(v)) }

func (f *Field) set(v any) error {
	if err := f.writable(); err != nil {
		return err
	}
	value, err := propValue(f.key.Type(), v, f.logon.loc)
	if err == nil {
		f.bag.put(f.key, value)
	}
	return err
}

func (f *Field) writable() error {
	switch {
	case f.bag.fixed:
		return &mapi.Error{Op: "change", Object: f.key.String(), Code: CdoE_NO_SUPPORT, Err: errors.New("the object cannot be changed")}
	case holds(readOnly, f.key) && !f.bag.open:
		return &mapi.Error{Op: "change", Object: f.key.String(), Code: CdoE_COMPUTED}
	}
	return nil
}

// Delete removes the field when the object is updated.
func (f *Field) Delete() error {
	err := f.writable()
	if err == nil && holds(required, f.key) {
		err = &mapi.Error{Op: "delete", Object: f.key.String(), Code: CdoE_COMPUTED, Err: errors.New("the object cannot be without it")}
	}
	if err != nil {
		return fail("Field.Delete", err)
	}
	f.bag.remove(f.key)
	return nil
}

// streamable tells whether the field can be read from and written to files.
func (f *Field) streamable() error {
	switch t := f.key.Type(); {
	case f.bag.noStreams:
		return &mapi.Error{Op: "read or write a file", Object: f.key.String(), Code: CdoE_INTERFACE_NOT_SUPPORTED}
	case t != mapi.TypeString && t != mapi.TypeString8 && t != mapi.TypeBinary:
		return &mapi.Error{Op: "read or write a file", Object: f.key.String(), Code: CdoE_NO_SUPPORT, Err: errors.New("neither a string nor a binary")}
	}
	return nil
}

// ReadFromFile makes the content of a file the value of a string or binary field. Files of strings are UTF-8.
func (f *Field) ReadFromFile(fileName string) error {
	return fail("Field.ReadFromFile", f.readFromFile(fileName))
}

func (f *Field) readFromFile(fileName string) error {
	if err := f.streamable(); err != nil {
		return err
	}
	if err := f.writable(); err != nil {
		return err
	}
	if f.key.Type() == mapi.TypeBinary {
		v, err := f.logon.keepFile(f.key, fileName)
		if err == nil {
			f.bag.put(f.key, v)
		}
		return err
	}
	file, err := openFile(fileName)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxInMemory+1))
	if err == nil && len(text) > maxInMemory {
		err = &mapi.Error{Op: "read", Object: fileName, Code: CdoE_TOO_BIG}
	}
	if err == nil {
		f.bag.put(f.key, string(bytes.ToValidUTF8(text, []byte("\uFFFD"))))
	}
	return err
}

// WriteToFile writes the value of a string or binary field to a file, which is overwritten. Binaries are written as they are,
// strings as UTF-8.
func (f *Field) WriteToFile(ctx context.Context, fileName string) error {
	return fail("Field.WriteToFile", f.writeToFile(ctx, fileName))
}

func (f *Field) writeToFile(ctx context.Context, fileName string) error {
	if err := f.streamable(); err != nil {
		return err
	}
	p, err := f.prop(ctx)
	if err != nil {
		return err
	}
	if p.Key.Type() == mapi.TypeBinary {
		return writeValue(p, fileName)
	}
	v, err := f.bag.fieldValue(ctx, p, f.logon.loc)
	if err != nil {
		return err
	}
	text, _ := v.(string)
	return writeFile(fileName, bytes.NewReader([]byte(text)))
}
