package cdo

import (
	"context"
	"iter"
	"slices"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Fields are the properties of an object: all of its MAPI properties, with and without names. Changes are saved by the Update of
// the object.
type Fields struct {
	node
	bag   *bag
	space mapi.GUID
}

func newFields(parent Object, n *node, b *bag) *Fields {
	return &Fields{node: n.below(parent), bag: b, space: mapi.PSPublicStrings}
}

// Class is CdoFields.
func (c *Fields) Class() ObjectClass { return CdoFields }

// Count is how many fields there are.
func (c *Fields) Count(ctx context.Context) (int, error) {
	keys, err := c.bag.keys(ctx)
	return len(keys), fail("Fields.Count", err)
}

func (c *Fields) field(k mapi.Key) *Field {
	return &Field{node: c.below(c), bag: c.bag, key: k}
}

// Item is a field by its position, from 1 on. None there is CdoE_NOT_FOUND, as in all forms of CDO's Item for fields.
func (c *Fields) Item(ctx context.Context, index int) (*Field, error) {
	const member = "Fields.Item"
	keys, err := c.bag.keys(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	if index < 1 || index > len(keys) {
		return nil, failf(member, CdoE_NOT_FOUND, "there is no field %d of %d", index, len(keys))
	}
	return c.field(keys[index-1]), nil
}

// ByTag is the field of a property tag. The two types of strings are the same to it; type 0 stands for any type.
func (c *Fields) ByTag(ctx context.Context, t mapi.Tag) (*Field, error) {
	const member = "Fields.Item"
	k, err := c.bag.names.key(t)
	if err != nil {
		return nil, fail(member, err)
	}
	return c.byKey(ctx, member, k)
}

func (c *Fields) byKey(ctx context.Context, member string, k mapi.Key) (*Field, error) {
	p, ok, err := c.bag.get(ctx, k)
	if err != nil {
		return nil, fail(member, err)
	}
	switch {
	case ok:
		return c.field(p.Key), nil
	case c.bag.open && k.Type() != mapi.TypeUnspecified:
		return c.field(k.WithType(unicodeType(k.Type()))), nil
	}
	return nil, failf(member, CdoE_NOT_FOUND, "there is no property %v", k)
}

// ByName is the field of a custom name: "Name", "{GUID}Name", "{GUID}0x8208", or a tag written "0x0037001E". propsetID wins over
// a set in braces; without either it is the one of SetNamespace. Names of predefined properties (PR_SUBJECT) are not known.
func (c *Fields) ByName(ctx context.Context, name, propsetID string) (*Field, error) {
	const member = "Fields.Item"
	n, err := parseFieldName(name, propsetID, c.space)
	switch {
	case err != nil:
		return nil, fail(member, err)
	case n.name.IsZero():
		return c.ByTag(ctx, n.tag)
	}
	return c.byKey(ctx, member, mapi.NamedKey(n.name, mapi.TypeUnspecified))
}

// ByKey is the field of a property as package mapi names it.
func (c *Fields) ByKey(ctx context.Context, k mapi.Key) (*Field, error) {
	return c.byKey(ctx, "Fields.Item", k)
}

// All gives the fields in turn.
func (c *Fields) All(ctx context.Context) iter.Seq2[*Field, error] {
	return func(yield func(*Field, error) bool) {
		keys, err := c.bag.keys(ctx)
		if err != nil {
			yield(nil, fail("Fields", err))
			return
		}
		for _, k := range keys {
			if !yield(c.field(k), nil) {
				return
			}
		}
	}
}

// SetNamespace makes a property set the one of names without a set, in this collection. It is written as 32 hexadecimal digits in
// the order of memory, or as a GUID; empty is PS_PUBLIC_STRINGS.
func (c *Fields) SetNamespace(propsetID string) error {
	g, err := parsePropset(propsetID)
	if err != nil {
		return fail("Fields.SetNamespace", err)
	}
	c.space = g
	return nil
}

// Add sets a predefined property. A tag of a named property's id has to be known from a Field.ID.
func (c *Fields) Add(t mapi.Tag, value any) (*Field, error) {
	const member = "Fields.Add"
	k, err := c.bag.names.key(t)
	if err != nil {
		return nil, fail(member, err)
	}
	f := c.field(k.WithType(unicodeType(k.Type())))
	if err := f.set(value); err != nil {
		return nil, fail(member, err)
	}
	return f, nil
}

// AddNamed sets a custom property. name and propsetID are as in ByName. A class that isn't one has the type follow from the
// value; where there is no value either, it is CdoE_NO_SUPPORT. Without a value the field begins empty.
func (c *Fields) AddNamed(name string, class FieldType, value any, propsetID string) (*Field, error) {
	const member = "Fields.Add"
	n, err := parseFieldName(name, propsetID, c.space)
	if err != nil {
		return nil, fail(member, err)
	}
	t, ok := propType(class)
	if !ok && (class&^CdoArray == CdoNull || class&^CdoArray == CdoDataObject) {
		return nil, failf(member, CdoE_NO_SUPPORT, "fields of type %d aren't supported", class)
	}
	if !ok {
		if t, ok = typeOf(value); !ok {
			return nil, failf(member, CdoE_NO_SUPPORT, "neither %d nor a %T is the type of a field", class, value)
		}
	}
	k := mapi.NamedKey(n.name, t)
	if n.name.IsZero() {
		k = mapi.TagKey(n.tag.WithType(t))
	}
	f := c.field(k)
	if value == nil {
		if err := f.writable(); err != nil {
			return nil, fail(member, err)
		}
		c.bag.put(k, empty[t])
		return f, nil
	}
	if err := f.set(value); err != nil {
		return nil, fail(member, err)
	}
	return f, nil
}

// empty are the values that fields begin with.
var empty = map[mapi.Type]mapi.Value{
	mapi.TypeInt16: int16(0), mapi.TypeInt32: int32(0), mapi.TypeFloat32: float32(0), mapi.TypeFloat64: float64(0),
	mapi.TypeCurrency: mapi.Currency(0), mapi.TypeTime: mapi.FileTime(0), mapi.TypeString: "", mapi.TypeBool: false,
	mapi.TypeBinary:                  []byte{},
	mapi.TypeInt16 | mapi.MultiValue: []int16{}, mapi.TypeInt32 | mapi.MultiValue: []int32{},
	mapi.TypeFloat32 | mapi.MultiValue: []float32{}, mapi.TypeFloat64 | mapi.MultiValue: []float64{},
	mapi.TypeCurrency | mapi.MultiValue: []mapi.Currency{}, mapi.TypeTime | mapi.MultiValue: []mapi.FileTime{},
	mapi.TypeString | mapi.MultiValue: []string{}, mapi.TypeBinary | mapi.MultiValue: [][]byte{},
}

// Delete removes all fields that can be removed.
func (c *Fields) Delete(ctx context.Context) error {
	const member = "Fields.Delete"
	keys, err := c.bag.keys(ctx)
	if err != nil {
		return fail(member, err)
	}
	for _, k := range keys {
		f := c.field(k)
		if err := f.writable(); err != nil {
			if c.bag.fixed {
				return fail(member, err)
			}
			continue
		}
		if !holds(required, k) {
			c.bag.remove(k)
		}
	}
	return nil
}

// readOnly are properties that the store or this package computes: identities, sizes, counts.
var readOnly = tagKeys(pid.TagEntryId, pid.TagParentEntryId, pid.TagStoreEntryId, pid.TagStoreRecordKey, pid.TagRecordKey,
	pid.TagInstanceKey, pid.TagMappingSignature, pid.TagObjectType, pid.TagAccess, pid.TagAccessLevel, pid.TagMessageSize,
	pid.TagHasAttachments, pid.TagContentCount, pid.TagContentUnreadCount, pid.TagAssociatedContentCount, pid.TagSubfolders,
	pid.TagAttachNumber, pid.TagAttachSize, CdoPR_MESSAGE_RECIPIENTS, CdoPR_MESSAGE_ATTACHMENTS, pid.TagLastModificationTime)

// required are properties that objects cannot be without, or that are no content: Fields.Delete leaves them, Field.Delete refuses.
var required = tagKeys(pid.TagMessageClass, pid.TagMessageFlags, pid.TagDisplayName, pid.TagCreationTime, pid.TagSearchKey,
	pid.TagAttachMethod, pid.TagFolderType, pid.TagSourceKey, pid.TagChangeKey, pid.TagPredecessorChangeList)

func tagKeys(tags ...mapi.Tag) []mapi.Key {
	keys := make([]mapi.Key, len(tags))
	for i, t := range tags {
		keys[i] = mapi.TagKey(t)
	}
	return keys
}

// position is the index of a field, 0 when it is gone.
func (c *bag) position(ctx context.Context, k mapi.Key) (int, error) {
	keys, err := c.keys(ctx)
	return 1 + slices.IndexFunc(keys, func(o mapi.Key) bool { return same(o, k) }), err
}
