package cdo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// maxInMemory bounds the value of a field in memory, where hexadecimal doubles it. What is larger is read as a file.
const maxInMemory = 64 << 20

// bag is the property cache of an object: what was read of it and what is changed but not yet saved.
type bag struct {
	have   mapi.Props
	listed []mapi.Key // columns of the table row that have comes from: what it lacks of these isn't there
	all    bool       // have is everything
	set    mapi.Props
	del    []mapi.Key

	// load reads everything: it calls fill.
	load func(context.Context) error
	// names gives named properties their ids; nil in the address book, where ids from 0x8000 on are properties without names.
	names *names
	// fixed objects have no Update: their fields cannot be changed.
	fixed bool
	// open takes any field for one that is there, as filters do: what is assigned to it is a condition.
	open bool
	// noStreams refuses ReadFromFile, as the fields of folders do.
	noStreams bool
	// notify is told when something was put or removed; it may be nil.
	notify func()
}

// same tells whether two keys are of one property: its two string types are one, and Unspecified stands for any type.
func same(a, b mapi.Key) bool {
	if a.Name != b.Name || a.Tag.ID() != b.Tag.ID() {
		return false
	}
	x, y := unicodeType(a.Type()), unicodeType(b.Type())
	return x == y || x == mapi.TypeUnspecified || y == mapi.TypeUnspecified
}

func unicodeType(t mapi.Type) mapi.Type {
	if t.Base() == mapi.TypeString8 {
		return t&mapi.MultiValue | mapi.TypeString
	}
	return t
}

func find(ps mapi.Props, k mapi.Key) int {
	return slices.IndexFunc(ps, func(p mapi.Prop) bool { return same(p.Key, k) })
}

func holds(keys []mapi.Key, k mapi.Key) bool {
	return slices.ContainsFunc(keys, func(o mapi.Key) bool { return same(o, k) })
}

// fill takes what was read of the object as everything that it has.
func (b *bag) fill(ps mapi.Props) { b.have, b.all = ps, true }

// forget has everything read again. Changes stay.
func (b *bag) forget() { b.have, b.listed, b.all = nil, nil, false }

// saved notes that the changes were written.
func (b *bag) saved() {
	b.have, b.all = b.merged(b.have), false
	b.listed = slices.DeleteFunc(slices.Clone(b.listed), func(k mapi.Key) bool { return find(b.set, k) >= 0 })
	b.set, b.del = nil, nil
}

func (b *bag) changed() bool { return len(b.set)+len(b.del) > 0 }

// merged is ps with the changes.
func (b *bag) merged(ps mapi.Props) mapi.Props {
	out := make(mapi.Props, 0, len(ps)+len(b.set))
	for _, p := range ps {
		if i := find(b.set, p.Key); i < 0 && !holds(b.del, p.Key) {
			out = append(out, p)
		}
	}
	return append(out, b.set...)
}

func (b *bag) complete(ctx context.Context) error {
	if b.all || b.load == nil {
		return nil
	}
	return b.load(ctx)
}

// get is a property with the key that it has in this object; ok is false when it isn't there.
func (b *bag) get(ctx context.Context, k mapi.Key) (p mapi.Prop, ok bool, err error) {
	if i := find(b.set, k); i >= 0 {
		return b.set[i], true, nil
	}
	if holds(b.del, k) {
		return p, false, nil
	}
	if i := find(b.have, k); i >= 0 && (b.all || !cut(b.have[i].Value)) {
		return b.have[i], true, nil
	} else if i < 0 && holds(b.listed, k) {
		return p, false, nil
	}
	if err := b.complete(ctx); err != nil {
		return p, false, err
	}
	if i := find(b.have, k); i >= 0 {
		return b.have[i], true, nil
	}
	return p, false, nil
}

// cut tells whether a value from a table may be less than the property: only its beginning ([mapi.Row]), or an 8-bit string whose
// code page the table didn't know.
func cut(v mapi.Value) bool {
	switch v := v.(type) {
	case string:
		return len(v) >= 255 || strings.ContainsRune(v, utf8.RuneError)
	case mapi.String8:
		return len(v) >= 255
	case []byte:
		return len(v) >= 255
	case []string, []mapi.String8, [][]byte:
		return true
	}
	return false
}

func (b *bag) tell() {
	if b.notify != nil {
		b.notify()
	}
}

// put changes a property. Strings are kept in Unicode.
func (b *bag) put(k mapi.Key, v mapi.Value) {
	b.tell()
	k = k.WithType(unicodeType(k.Type()))
	b.del = slices.DeleteFunc(b.del, func(o mapi.Key) bool { return same(o, k) })
	if i := find(b.set, k); i >= 0 {
		b.set[i] = mapi.Prop{Key: k, Value: v}
		return
	}
	b.set = append(b.set, mapi.Prop{Key: k, Value: v})
}

func (b *bag) putTag(t mapi.Tag, v mapi.Value) { b.put(mapi.TagKey(t), v) }

// remove deletes a property.
func (b *bag) remove(k mapi.Key) {
	b.tell()
	b.set = slices.DeleteFunc(b.set, func(p mapi.Prop) bool { return same(p.Key, k) })
	if !holds(b.del, k) {
		b.del = append(b.del, k)
	}
}

// gone are the keys that a store is asked to delete, which it does by the whole key: deleted strings in either type, and the 8-bit
// form of strings that are set now.
func (b *bag) gone() []mapi.Key {
	out := slices.Clone(b.del)
	for _, k := range b.del {
		if t := k.Type(); t.Base() == mapi.TypeString || t.Base() == mapi.TypeString8 {
			out = append(out, k.WithType(t^(mapi.TypeString^mapi.TypeString8)))
		}
	}
	for _, p := range b.set {
		if i := find(b.have, p.Key); i >= 0 && b.have[i].Key != p.Key {
			out = append(out, b.have[i].Key)
		}
	}
	return out
}

// keys are the properties of the object, those that were added last.
func (b *bag) keys(ctx context.Context) ([]mapi.Key, error) {
	if err := b.complete(ctx); err != nil {
		return nil, err
	}
	var out []mapi.Key
	for _, p := range b.have {
		if !holds(b.del, p.Key) {
			out = append(out, p.Key)
		}
	}
	for _, p := range b.set {
		if !holds(out, p.Key) {
			out = append(out, p.Key)
		}
	}
	return out, nil
}

// text is a string property, "" when it isn't there.
func (b *bag) text(ctx context.Context, t mapi.Tag) (string, error) {
	p, ok, err := b.get(ctx, mapi.TagKey(t))
	if !ok || err != nil {
		return "", err
	}
	v, err := inMemory(p.Key, p.Value)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case mapi.String8:
		return b.decode(ctx, v)
	}
	return "", nil
}

// codePage is the one that the 8-bit strings of the object are in ([MS-OXCMSG] 2.2.1.4, [MS-OXCMAIL] 2.1.3.3.3).
func (b *bag) codePage(ctx context.Context) (int, error) {
	for _, t := range []mapi.Tag{pid.TagMessageCodepage, pid.TagInternetCodepage} {
		cp, ok, err := integer(ctx, b, t)
		if err != nil {
			return 0, err
		}
		if ok && codepage.Known(int(cp)) && cp != codepage.UTF16 {
			return int(cp), nil
		}
	}
	return codepage.Windows1252, nil
}

func (b *bag) decode(ctx context.Context, s mapi.String8) (string, error) {
	if ascii := strings.IndexFunc(string(s), func(r rune) bool { return r >= 0x80 }) < 0; ascii {
		return string(s), nil
	}
	cp, err := b.codePage(ctx)
	if err != nil {
		return "", err
	}
	return codepage.Decode(cp, []byte(s))
}

// value is a property that has the Go type T.
func value[T any](ctx context.Context, b *bag, t mapi.Tag) (v T, ok bool, err error) {
	p, ok, err := b.get(ctx, mapi.TagKey(t))
	if !ok || err != nil {
		return v, false, err
	}
	v, ok = p.Value.(T)
	return v, ok, nil
}

// keyed is a property by its key that has the Go type T.
func keyed[T any](ctx context.Context, b *bag, k mapi.Key) (v T, ok bool, err error) {
	p, ok, err := b.get(ctx, k)
	if !ok || err != nil {
		return v, false, err
	}
	value, err := inMemory(p.Key, p.Value)
	v, ok = value.(T)
	return v, ok, err
}

func integer(ctx context.Context, b *bag, t mapi.Tag) (int32, bool, error) {
	return value[int32](ctx, b, t)
}

// number is an integer property, or def when it isn't there.
func (b *bag) number(ctx context.Context, t mapi.Tag, def int32) (int32, error) {
	v, ok, err := integer(ctx, b, t)
	if !ok {
		v = def
	}
	return v, err
}

func (b *bag) flag(ctx context.Context, t mapi.Tag) (bool, error) {
	v, _, err := value[bool](ctx, b, t)
	return v, err
}

// date is a time property. One that isn't there is CdoE_NOT_FOUND.
func (b *bag) date(ctx context.Context, t mapi.Tag, loc *time.Location) (time.Time, error) {
	v, ok, err := value[mapi.FileTime](ctx, b, t)
	if err != nil {
		return time.Time{}, err
	}
	if !ok {
		return time.Time{}, mapi.ErrNotFound
	}
	return v.Time().In(loc), nil
}

// binary is a binary property, nil when it isn't there.
func (b *bag) binary(ctx context.Context, t mapi.Tag) ([]byte, error) {
	p, ok, err := b.get(ctx, mapi.TagKey(t))
	if !ok || err != nil {
		return nil, err
	}
	v, err := inMemory(p.Key, p.Value)
	out, _ := v.([]byte)
	return out, err
}

// inMemory is a value with its Blob read.
func inMemory(k mapi.Key, v mapi.Value) (mapi.Value, error) {
	blob, ok := v.(mapi.Blob)
	if !ok {
		return v, nil
	}
	if blob.Size() > maxInMemory {
		return nil, &mapi.Error{Op: "read", Object: k.String(), Code: CdoE_NOT_ENOUGH_MEMORY,
			Err: fmt.Errorf("%d bytes: write it to a file", blob.Size())}
	}
	r, err := blob.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxInMemory))
	if err != nil {
		return nil, err
	}
	return mapi.BytesValue(k.Type(), data)
}
