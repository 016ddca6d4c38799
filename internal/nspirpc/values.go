package nspirpc

import (
	"bytes"

	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxnspi"
	"github.com/opencdo/opencdo/mapi"
)

// Ranges of the interface definition ([MS-OXNSPI] section 6).
const (
	maxCount  = 100_000
	maxBinary = 2 << 20 // bytes
)

func inRange(c *ndr.Coder, n, most int) {
	if n > most {
		c.Fail("%d where %d are allowed", n, most)
	}
}

// stat is a STAT ([MS-OXNSPI] 2.2.8) by reference: it is always there, so a nil one is encoded as zeros.
func stat(c *ndr.Coder, p **oxnspi.Stat) {
	s := *p
	if s == nil {
		s = &oxnspi.Stat{}
		if !c.Encoding() {
			*p = s
		}
	}
	for _, u := range []*uint32{&s.SortType, &s.ContainerID, &s.CurrentRec} {
		c.U32(u)
	}
	c.I32(&s.Delta)
	for _, u := range []*uint32{&s.NumPos, &s.TotalRecs, &s.CodePage, &s.TemplateLocale, &s.SortLocale} {
		c.U32(u)
	}
}

// tagArray is a PropertyTagArray_r ([MS-OXNSPI] 2.2.2.1), of tags or minimal ids. Its maximum count is one more than there are.
func tagArray[T ~uint32](c *ndr.Coder, s *[]T) {
	most := c.Max(len(*s) + 1)
	n := uint32(len(*s))
	c.U32(&n)
	actual := c.Range(len(*s), most, 4)
	if actual != int(n) {
		c.Fail("array of %d whose count is %d", actual, n)
	}
	inRange(c, actual, maxCount)
	ndr.Elements(c, actual, s, func(c *ndr.Coder, p *T) {
		u := uint32(*p)
		if c.U32(&u); !c.Encoding() {
			*p = T(u)
		}
	})
}

// tags is a unique pointer to a PropertyTagArray_r; nil is null.
func tags[T ~uint32](c *ndr.Coder, s *[]T) { c.Pointer(*s != nil, func() { tagArray(c, s) }) }

// hoisted is a structure of a count and an array, whose maximum count goes ahead.
func hoisted[T any](c *ndr.Coder, s *[]T, min int, f func(*ndr.Coder, *T)) {
	most := c.Max(len(*s))
	n := c.Count(len(*s), min)
	if uint32(n) != most {
		c.Fail("array of %d whose count is %d", most, n)
	}
	inRange(c, n, maxCount)
	ndr.Elements(c, n, s, f)
}

// stringsArray is a StringsArray_r, or of UTF-16 a WStringsArray_r ([MS-OXNSPI] 2.2.2.2, 2.2.2.3).
func stringsArray[T ~string](c *ndr.Coder, s *[]T, f func(*ndr.Coder, *T)) {
	hoisted(c, s, 4, func(c *ndr.Coder, p *T) { c.Pointer(true, func() { f(c, p) }) })
}

// binary is a Binary_r ([MS-OXNSPI] 2.2.2.4).
func binary(c *ndr.Coder, p *[]byte) {
	inRange(c, len(*p), maxBinary)
	c.Binary(p)
}

// propertyValue is a PropertyValue_r ([MS-OXNSPI] 2.2.2.7): tag, reserved, and a union. A null pointer is a nil value. A code
// as the value of another property is the error that stands for it.
func propertyValue(c *ndr.Coder, p *oxcdata.TaggedValue) {
	c.Aggregate(func() {
		tag, reserved := p.Tag, uint32(0)
		if _, failed := p.Value.(mapi.Code); failed && c.Encoding() {
			tag = tag.WithType(mapi.TypeError)
		}
		c.Tag(&tag)
		c.U32(&reserved)
		c.Discriminant(uint32(tag.Type()))
		if !c.Encoding() {
			p.Tag = tag
		}
		if c.Err() == nil {
			value(c, tag.Type(), &p.Value)
		}
	})
}

// value is an arm of PROP_VAL_UNION ([MS-OXNSPI] 2.2.2.6). Address books have no properties of other types.
func value(c *ndr.Coder, t mapi.Type, v *mapi.Value) {
	if c.Encoding() && (*v != nil || !nullable(t)) {
		if err := mapi.CheckValue(t, *v); err != nil {
			c.Fail("%v", err)
			return
		}
	}
	switch t {
	case mapi.TypeInt16:
		scalar(c, v, (*ndr.Coder).I16)
	case mapi.TypeInt32:
		scalar(c, v, (*ndr.Coder).I32)
	case mapi.TypeBool:
		scalar(c, v, boolean)
	case mapi.TypeError:
		scalar(c, v, (*ndr.Coder).Code)
	case mapi.TypeTime:
		scalar(c, v, fileTime)
	case mapi.TypeNull, mapi.TypeObject:
		var reserved uint32
		c.U32(&reserved)
	case mapi.TypeString8:
		pointer(c, v, (*ndr.Coder).String8)
	case mapi.TypeString:
		pointer(c, v, (*ndr.Coder).String)
	case mapi.TypeGUID:
		pointer(c, v, (*ndr.Coder).GUID)
	case mapi.TypeBinary:
		binaryValue(c, v)
	case mapi.TypeInt16 | mapi.MultiValue:
		list(c, v, 2, (*ndr.Coder).I16)
	case mapi.TypeInt32 | mapi.MultiValue:
		list(c, v, 4, (*ndr.Coder).I32)
	case mapi.TypeTime | mapi.MultiValue:
		list(c, v, 8, fileTime)
	case mapi.TypeString8 | mapi.MultiValue:
		list(c, v, 4, pointed((*ndr.Coder).String8))
	case mapi.TypeString | mapi.MultiValue:
		list(c, v, 4, pointed((*ndr.Coder).String))
	case mapi.TypeGUID | mapi.MultiValue:
		list(c, v, 4, pointed((*ndr.Coder).GUID))
	case mapi.TypeBinary | mapi.MultiValue:
		list(c, v, 8, binary)
	default:
		c.Fail("no property type %v in address books", t)
	}
}

// nullable are the types whose values are behind pointers, or aren't there at all.
func nullable(t mapi.Type) bool {
	switch t {
	case mapi.TypeString8, mapi.TypeString, mapi.TypeGUID, mapi.TypeBinary, mapi.TypeNull, mapi.TypeObject:
		return true
	}
	return t.Multi()
}

func boolean(c *ndr.Coder, p *bool) {
	var u uint16
	if *p {
		u = 1
	}
	if c.U16(&u); !c.Encoding() {
		*p = u != 0
	}
}

// fileTime is a FILETIME: two numbers of 32 bits, and aligned so.
func fileTime(c *ndr.Coder, p *mapi.FileTime) {
	low, high := uint32(*p), uint32(uint64(*p)>>32)
	c.U32(&low)
	c.U32(&high)
	if !c.Encoding() {
		*p = mapi.FileTime(uint64(high)<<32 | uint64(low))
	}
}

// of is the value to encode, zero for nil, or one to decode into.
func of[T any](v mapi.Value) T {
	x, _ := v.(T)
	return x
}

func scalar[T any](c *ndr.Coder, v *mapi.Value, f func(*ndr.Coder, *T)) {
	x := of[T](*v)
	if f(c, &x); !c.Encoding() {
		*v = x
	}
}

func pointer[T any](c *ndr.Coder, v *mapi.Value, f func(*ndr.Coder, *T)) {
	c.Pointer(*v != nil, func() { scalar(c, v, f) })
}

// pointed is an element that is a pointer.
func pointed[T any](f func(*ndr.Coder, *T)) func(*ndr.Coder, *T) {
	return func(c *ndr.Coder, p *T) { c.Pointer(true, func() { f(c, p) }) }
}

// binaryValue is a Binary_r as a value; decoded it is a copy.
func binaryValue(c *ndr.Coder, v *mapi.Value) {
	b := of[[]byte](*v)
	n := uint32(len(b))
	inRange(c, len(b), maxBinary)
	c.U32(&n)
	c.Pointer(*v != nil, func() {
		if c.Bytes32(&b); c.Encoding() || c.Err() != nil {
			return
		}
		if len(b) != int(n) || n > maxBinary {
			c.Fail("binary of %d bytes whose count is %d", len(b), n)
		}
		*v = append([]byte{}, b...)
	})
}

// list is one of the arrays of values ([MS-OXNSPI] 2.2.2.5): a count and a pointer to the elements.
func list[T any](c *ndr.Coder, v *mapi.Value, min int, f func(*ndr.Coder, *T)) {
	s := of[[]T](*v)
	n := uint32(len(s))
	c.U32(&n)
	c.Pointer(*v != nil, func() {
		actual := c.Count(len(s), min)
		if actual != int(n) {
			c.Fail("%d values whose count is %d", actual, n)
		}
		inRange(c, actual, maxCount)
		if c.Err() != nil {
			return
		}
		if !c.Encoding() {
			s = make([]T, actual)
			*v = s // before the elements, which may come later
		}
		c.Aggregate(func() {
			for i := range s {
				f(c, &s[i])
			}
		})
		if b, ok := any(s).([][]byte); ok && !c.Encoding() {
			for i := range b {
				b[i] = bytes.Clone(b[i])
			}
		}
	})
}

// propertyRow is a PropertyRow_r ([MS-OXNSPI] 2.2.4.1).
func propertyRow(c *ndr.Coder, row *[]oxcdata.TaggedValue) {
	c.Aggregate(func() {
		var reserved uint32
		c.U32(&reserved)
		n := uint32(len(*row))
		c.U32(&n)
		inRange(c, int(n), maxCount)
		ndr.CountedElsewhere(c, n, row, 16, propertyValue)
	})
}

// rowPointer is a unique pointer to a PropertyRow_r; nil is null.
func rowPointer(c *ndr.Coder, row *[]oxcdata.TaggedValue) {
	c.Pointer(*row != nil, func() {
		propertyRow(c, row)
		if !c.Encoding() && *row == nil {
			*row = []oxcdata.TaggedValue{}
		}
	})
}

// rowSet is a unique pointer to a PropertyRowSet_r ([MS-OXNSPI] 2.2.4.2); nil is null.
func rowSet(c *ndr.Coder, rows *[][]oxcdata.TaggedValue) {
	c.Pointer(*rows != nil, func() { c.Aggregate(func() { hoisted(c, rows, 12, propertyRow) }) })
}

// rows is a row set whose rows have the same columns.
func rows(c *ndr.Coder, r *oxcmapihttp.Rows) {
	var set [][]oxcdata.TaggedValue
	if c.Encoding() && r.Columns != nil {
		set = make([][]oxcdata.TaggedValue, len(r.Rows))
		for i, row := range r.Rows {
			if len(row.Values) != len(r.Columns) {
				c.Fail("row of %d cells over %d columns", len(row.Values), len(r.Columns))
				return
			}
			set[i] = make([]oxcdata.TaggedValue, len(r.Columns))
			for j, v := range row.Values {
				set[i][j] = cell(r.Columns[j], v)
			}
		}
	}
	rowSet(c, &set)
	if !c.Encoding() && set != nil && c.Err() == nil {
		*r = tabulate(c, set)
	}
}

// cell gives a cell its tag. A property that isn't there is an error ([MS-OXNSPI] 3.1.4.1.8).
func cell(column mapi.Tag, v mapi.Value) oxcdata.TaggedValue {
	switch v := v.(type) {
	case oxcdata.TypedValue:
		return oxcdata.TaggedValue{Tag: column.WithType(v.Type), Value: v.Value}
	case nil:
		return oxcdata.TaggedValue{Tag: column, Value: mapi.ErrNotFound}
	}
	return oxcdata.TaggedValue{Tag: column, Value: v}
}

// tabulate finds the columns of rows that all have their own tags. A column is of the type that its cells have besides errors;
// where there are several it is of none, and the cells have theirs.
func tabulate(c *ndr.Coder, set [][]oxcdata.TaggedValue) oxcmapihttp.Rows {
	out := oxcmapihttp.Rows{Columns: []mapi.Tag{}}
	for i, row := range set {
		if i == 0 {
			for _, v := range row {
				out.Columns = append(out.Columns, v.Tag)
			}
		}
		if len(row) != len(out.Columns) {
			c.Fail("row of %d cells after one of %d", len(row), len(out.Columns))
			return out
		}
		for j, v := range row {
			column := &out.Columns[j]
			switch {
			case v.Tag.ID() != column.ID():
				c.Fail("cell of %v in the column of %v", v.Tag, *column)
				return out
			case column.Type() == mapi.TypeError:
				*column = v.Tag
			case v.Tag != *column && v.Tag.Type() != mapi.TypeError:
				*column = column.WithType(mapi.TypeUnspecified)
			}
		}
	}
	for _, row := range set {
		values := make([]mapi.Value, len(row))
		for j, v := range row {
			values[j] = v.Value
			if _, failed := v.Value.(mapi.Code); out.Columns[j].Type() == mapi.TypeUnspecified && !failed {
				values[j] = oxcdata.TypedValue{Type: v.Tag.Type(), Value: v.Value}
			}
		}
		out.Rows = append(out.Rows, oxcdata.PropertyRow{Values: values})
	}
	return out
}
