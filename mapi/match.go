package mapi

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxRestrictionDepth is how deep restrictions may be nested, as in Exchange.
const maxRestrictionDepth = 256

// maxSearchedBlob is how much of a large value a restriction looks at. It bounds the memory that one row can take;
// nothing but a body is ever near it.
const maxSearchedBlob = 16 << 20

// Record is an item as a table or a restriction sees it.
type Record struct {
	ID EntryID
	// Get is the value of a property, or nil. It is asked for the type that the restriction or column names; for strings
	// that are missing it is asked again for the other string type.
	Get func(Key) Value
	// Sub lists the recipients (SubRecipients) or attachments (SubAttachments). It may be nil.
	Sub func(Tag) iter.Seq[Props]
}

// lookup is the value of k, whichever string type it has, and the key with that type.
func (r Record) lookup(k Key) (Value, Key) {
	k = k.WithType(k.Type() &^ MultiInstance)
	v := r.Get(k)
	if v == nil {
		if o, ok := otherStringType(k); ok {
			return r.Get(o), o
		}
	}
	return v, k
}

func (r Record) has(k Key) bool {
	v, _ := r.lookup(k)
	return v != nil
}

// load is lookup with a large value read, not more than limit bytes of it.
func (r Record) load(k Key, limit int64) (Value, error) {
	v, k := r.lookup(k)
	b, ok := v.(Blob)
	if !ok {
		return v, nil
	}
	rd, err := b.Open()
	if err != nil {
		return nil, &Error{Op: "read", Object: k.String(), Err: err}
	}
	defer rd.Close()
	data, err := io.ReadAll(io.LimitReader(rd, limit))
	if err == nil {
		v, err = BytesValue(k.Type(), data)
	}
	if err != nil {
		return nil, &Error{Op: "read", Object: k.String(), Err: err}
	}
	return v, nil
}

// otherStringType is k with String8 for String and the reverse.
func otherStringType(k Key) (Key, bool) {
	switch k.Type().Base() {
	case TypeString, TypeString8:
		return k.WithType(k.Type() ^ (TypeString ^ TypeString8)), true
	}
	return k, false
}

// Record is the item as restrictions see it.
func (it *Item) Record(id EntryID) Record {
	return Record{ID: id, Get: it.Props.Get, Sub: func(t Tag) iter.Seq[Props] {
		return func(yield func(Props) bool) {
			switch t {
			case SubRecipients:
				for _, r := range it.Recipients {
					if !yield(r) {
						return
					}
				}
			case SubAttachments:
				for _, a := range it.Attachments {
					if !yield(a.Props) {
						return
					}
				}
			}
		}
	}}
}

// Filter is a restriction made ready to test many rows ([MS-OXCDATA] 2.12). It counts rows for [ResCount], so it serves
// one pass over them and one goroutine.
//
// A missing property makes every comparison false. Strings compare without regard to case in ResProperty and
// ResCompare, as in Exchange's tables, and as the fuzzy level says in ResContent. A property of a multiple type is
// tested value by value, one that fits is enough; but a list is compared with a list as a whole.
type Filter struct{ test test }

type test func(Record) (bool, error)

// NewFilter prepares a restriction; nil lets every row through. It fails with ErrTooComplex when the restriction is
// nested too deep and with ErrNoSupport for what needs more than the row: membership in a distribution list.
func NewFilter(r Restriction) (*Filter, error) {
	if r == nil {
		return &Filter{func(Record) (bool, error) { return true, nil }}, nil
	}
	t, err := compile(r, 0)
	if err != nil {
		return nil, err
	}
	return &Filter{t}, nil
}

// Match reports whether a row fulfils the restriction. An error comes from reading a [Blob].
func (f *Filter) Match(r Record) (bool, error) { return f.test(r) }

func filterError(c Code, format string, args ...any) error {
	return &Error{Op: "prepare restriction", Code: c, Err: fmt.Errorf(format, args...)}
}

func compile(r Restriction, depth int) (test, error) {
	if depth > maxRestrictionDepth {
		return nil, filterError(ErrTooComplex, "nested more than %d deep", maxRestrictionDepth)
	}
	switch r := r.(type) {
	case ResAnd:
		return compileList(r, false, depth)
	case ResOr:
		return compileList(r, true, depth)
	case ResNot:
		t, err := compile(r.Res, depth+1)
		return func(rec Record) (bool, error) {
			ok, err := t(rec)
			return !ok && err == nil, err
		}, err
	case ResContent:
		return compileContent(r)
	case ResProperty:
		return compileProperty(r)
	case ResCompare:
		return compileCompare(r)
	case ResBitMask:
		return func(rec Record) (bool, error) {
			v, _ := rec.lookup(r.Key)
			s := reduce(v)
			return s.kind == kindInt && (uint32(s.int)&r.Mask != 0) == r.NonZero, nil
		}, nil
	case ResSize:
		if r.Op > RelNE {
			return nil, filterError(ErrInvalidParameter, "relational operator %d on a size", r.Op)
		}
		return func(rec Record) (bool, error) {
			v, _ := rec.lookup(r.Key)
			return v != nil && holds(r.Op, compareLoose(ValueSize(v), int64(r.Size))), nil
		}, nil
	case ResExist:
		return func(rec Record) (bool, error) { return rec.has(r.Key), nil }, nil
	case ResSub:
		return compileSub(r, depth)
	case ResComment:
		if r.Res == nil {
			return func(Record) (bool, error) { return true, nil }, nil
		}
		return compile(r.Res, depth+1)
	case ResCount:
		return compileCount(r, depth)
	}
	return nil, filterError(ErrInvalidParameter, "%T is no restriction", r)
}

// compileList makes an And (stop is false) or an Or (stop is true): the first member that is stop decides.
func compileList(list []Restriction, stop bool, depth int) (test, error) {
	tests := make([]test, len(list))
	for i, r := range list {
		t, err := compile(r, depth+1)
		if err != nil {
			return nil, err
		}
		tests[i] = t
	}
	return func(rec Record) (bool, error) {
		for _, t := range tests {
			if ok, err := t(rec); ok == stop || err != nil {
				return ok && err == nil, err
			}
		}
		return !stop, nil
	}, nil
}

func compileSub(r ResSub, depth int) (test, error) {
	t, err := compile(r.Res, depth+1)
	return func(rec Record) (bool, error) {
		if rec.Sub == nil {
			return false, nil
		}
		for p := range rec.Sub(r.Sub) {
			if ok, err := t(Record{Get: p.Get}); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}, err
}

func compileCount(r ResCount, depth int) (test, error) {
	left := r.Count
	t, err := compile(r.Res, depth+1)
	return func(rec Record) (bool, error) {
		if left == 0 {
			return false, nil
		}
		ok, err := t(rec)
		if ok {
			left--
		}
		return ok, err
	}, err
}

func compileProperty(r ResProperty) (test, error) {
	if r.Op == RelMemberOfDL {
		return nil, filterError(ErrNoSupport, "membership in a distribution list cannot be told from a row")
	}
	if r.Op > RelNE {
		return nil, filterError(ErrInvalidParameter, "relational operator %d", r.Op)
	}
	return func(rec Record) (bool, error) {
		return anyValue(rec, r.Key, r.Value, func(v Value) bool { return holds(r.Op, compareLoose(v, r.Value)) })
	}, nil
}

func compileCompare(r ResCompare) (test, error) {
	if r.Op > RelNE {
		return nil, filterError(ErrInvalidParameter, "relational operator %d between properties", r.Op)
	}
	return func(rec Record) (bool, error) {
		b, err := rec.load(r.B, maxSearchedBlob)
		if b == nil || err != nil {
			return false, err
		}
		return anyValue(rec, r.A, b, func(v Value) bool { return holds(r.Op, compareLoose(v, b)) })
	}, nil
}

// anyValue tests the value of a property, or each of several when it is compared with a single one.
func anyValue(rec Record, k Key, with Value, test func(Value) bool) (bool, error) {
	v, err := rec.load(k, maxSearchedBlob)
	if v == nil || err != nil {
		return false, err
	}
	n := listLen(v)
	if n < 0 || listLen(with) >= 0 {
		return test(v), nil
	}
	for i := range n {
		if test(listAt(v, i)) {
			return true, nil
		}
	}
	return false, nil
}

// holds tells whether an operator fits the outcome of a comparison.
func holds(op RelOp, c int) bool {
	switch op {
	case RelLT:
		return c < 0
	case RelLE:
		return c <= 0
	case RelGT:
		return c > 0
	case RelGE:
		return c >= 0
	case RelEQ:
		return c == 0
	case RelNE:
		return c != 0
	}
	return false
}

func compileContent(r ResContent) (test, error) {
	level := r.Fuzzy & 0xFFFF
	if level > FuzzyPrefix {
		return nil, filterError(ErrInvalidParameter, "fuzzy level 0x%08X", r.Fuzzy)
	}
	if want, ok := rawBytes(r.Value); ok {
		return func(rec Record) (bool, error) {
			return anyValue(rec, r.Key, r.Value, func(v Value) bool {
				b, ok := rawBytes(v)
				return ok && contains(level, b, want, bytes.Equal, bytes.HasPrefix, bytes.Contains)
			})
		}, nil
	}
	want, ok := textOf(r.Value)
	if !ok {
		return nil, filterError(ErrInvalidParameter, "a %T cannot be searched for", r.Value)
	}
	want = loosen(r.Fuzzy, want)
	return func(rec Record) (bool, error) {
		return anyValue(rec, r.Key, r.Value, func(v Value) bool {
			s, ok := textOf(v)
			return ok && contains(level, loosen(r.Fuzzy, s), want, equal, strings.HasPrefix, strings.Contains)
		})
	}, nil
}

func equal(a, b string) bool { return a == b }

func contains[T any](level uint32, v, want T, whole, prefix, within func(a, b T) bool) bool {
	switch level {
	case FuzzyFullString:
		return whole(v, want)
	case FuzzyPrefix:
		return prefix(v, want)
	}
	return within(v, want)
}

func textOf(v Value) (string, bool) {
	s := reduce(v)
	return s.text, s.kind == kindText
}

// loosen takes out of s what the fuzzy level says is not to matter.
func loosen(fuzzy uint32, s string) string {
	if fuzzy&(FuzzyIgnoreNonSpace|FuzzyLoose) != 0 {
		s = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(s))
	}
	if fuzzy&(FuzzyIgnoreCase|FuzzyLoose) != 0 {
		s = foldCase(s)
	}
	return s
}

// ValueSize is the size of a value in bytes as [ResSize] sees it: of a string the UTF-16 or 8-bit form without
// terminator, of a list the sum of its values.
func ValueSize(v Value) int64 {
	switch v := v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case int16:
		return 2
	case int32, float32, Code:
		return 4
	case GUID:
		return 16
	case string:
		return int64(len(EncodeUTF16(v)))
	case String8:
		return int64(len(v))
	case Blob:
		return v.Size()
	}
	if b, ok := rawBytes(v); ok {
		return int64(len(b))
	}
	if n := listLen(v); n >= 0 {
		var sum int64
		for i := range n {
			sum += ValueSize(listAt(v, i))
		}
		return sum
	}
	return 8
}
