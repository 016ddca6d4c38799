package snapshot

import (
	"slices"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// catalogKeys are the properties of items that a catalog of messages holds: what tables show, sort by and search. Strings are listed
// as String and held whichever string type they have.
var catalogKeys = func() []mapi.Key {
	keys := []mapi.Key{
		pid.NameKeywords, pid.LidAppointmentStartWhole, pid.LidAppointmentEndWhole, pid.LidLocation, pid.LidBusyStatus,
		pid.LidRecurring, pid.LidGlobalObjectId, pid.LidCleanGlobalObjectId, pid.LidFileUnder, pid.LidEmail1EmailAddress,
		pid.LidTaskDueDate, pid.LidTaskStatus, pid.LidTaskComplete, pid.LidReminderSet, pid.LidReminderSignalTime, pid.LidPrivate,
	}
	for _, t := range []mapi.Tag{
		pid.TagSubject, pid.TagSubjectPrefix, pid.TagNormalizedSubject, pid.TagMessageClass, pid.TagConversationTopic,
		pid.TagConversationIndex, pid.TagConversationId, pid.TagSenderName, pid.TagSenderEmailAddress, pid.TagSenderSmtpAddress,
		pid.TagSentRepresentingName, pid.TagSentRepresentingEmailAddress, pid.TagDisplayTo, pid.TagDisplayCc, pid.TagDisplayBcc,
		pid.TagMessageDeliveryTime, pid.TagClientSubmitTime, pid.TagCreationTime, pid.TagLastModificationTime,
		pid.TagMessageFlags, pid.TagMessageStatus, pid.TagRead, pid.TagHasAttachments, pid.TagMessageSize, pid.TagImportance,
		pid.TagPriority, pid.TagSensitivity, pid.TagIconIndex, pid.TagFlagStatus, pid.TagSearchKey, pid.TagSourceKey,
		pid.TagChangeKey, pid.TagInternetMessageId, pid.TagMessageCodepage, pid.TagInternetCodepage,
		pid.TagDisplayName, pid.TagCompanyName, pid.TagStartDate, pid.TagEndDate,
	} {
		keys = append(keys, mapi.TagKey(t))
	}
	return keys
}()

// columnIndex finds the column of a property, whichever string type it is asked for.
func columnIndex(keys []mapi.Key) map[mapi.Key]int {
	m := make(map[mapi.Key]int, len(keys))
	for i, k := range keys {
		m[k] = i
		if k.Type().Base() == mapi.TypeString {
			m[narrow(k)] = i
		}
	}
	return m
}

// narrow is a string's key with 8-bit type.
func narrow(k mapi.Key) mapi.Key {
	return k.WithType(k.Type()&mapi.MultiValue | mapi.TypeString8)
}

// maxCell is the size from which a catalog only says that there is a value; tables show no more of it.
const maxCell = 512

// catalog is the content of a catalogFile.
type catalog struct {
	Keys []mapi.Key
	Rows []catalogRow // in the order of the names

	columns map[mapi.Key]int
}

// catalogRow is one item.
type catalogRow struct {
	Name    string // of the file
	Size    uint64 // of its values
	Attach  bool   // it has attachments
	Columns []cell // of the properties that it has, by rising column
}

// cell is a property of an item.
type cell struct {
	Column uint16
	Form   cellForm
	Value  mapi.Value
}

type cellForm uint8

const (
	cellValue  cellForm = iota // of the column's type
	cellNarrow                 // a string of 8-bit type
	cellLarge                  // no value here: read the item
)

// catalogMagic begins a catalog and says its version.
const catalogMagic = "OCDOCAT1"

func (c *catalog) code(b *oxcdata.Coder) {
	b.In("catalog", func(b *oxcdata.Coder) {
		magic := []byte(catalogMagic)
		b.Fixed(magic)
		if string(magic) != catalogMagic {
			b.Fail("this is no catalog, or of a later version")
			return
		}
		oxcdata.List32(b, &c.Keys, 5, codeKey)
		oxcdata.List32(b, &c.Rows, 17, func(b *oxcdata.Coder, r *catalogRow) {
			text(b, &r.Name)
			r.code(b, c.Keys)
		})
	})
	if !b.Encoding() {
		c.columns = columnIndex(c.Keys)
	}
}

func (r *catalogRow) code(b *oxcdata.Coder, keys []mapi.Key) {
	b.U64(&r.Size)
	b.Bool(&r.Attach)
	oxcdata.List32(b, &r.Columns, 3, func(b *oxcdata.Coder, v *cell) {
		b.U16(&v.Column)
		b.U8((*uint8)(&v.Form))
		if int(v.Column) >= len(keys) || v.Form > cellLarge {
			b.Fail("a cell of an unknown column or form")
			return
		}
		t := keys[v.Column].Type()
		if v.Form == cellNarrow {
			t = narrow(keys[v.Column]).Type()
		}
		if v.Form != cellLarge {
			codeValue(b, t, &v.Value)
		}
	})
}

func codeKey(b *oxcdata.Coder, k *mapi.Key) {
	b.Tag(&k.Tag)
	named := k.Named()
	b.Bool(&named)
	if named {
		b.GUID(&k.Name.Set)
		b.U32(&k.Name.LID)
		text(b, &k.Name.Name)
	}
}

// codeValue walks a value. Strings have a count here and not a terminator, since values may hold zeros.
func codeValue(b *oxcdata.Coder, t mapi.Type, v *mapi.Value) {
	switch t {
	case mapi.TypeString:
		scalar(b, v, text[string])
	case mapi.TypeString8:
		scalar(b, v, text[mapi.String8])
	case mapi.TypeString | mapi.MultiValue:
		list(b, v, text[string])
	case mapi.TypeString8 | mapi.MultiValue:
		list(b, v, text[mapi.String8])
	default:
		b.Value(t, v)
	}
}

// text is a count of bytes and the bytes: of a string UTF-8, or what the item has.
func text[T ~string](b *oxcdata.Coder, p *T) {
	raw := []byte(*p)
	b.Bytes32(&raw)
	if !b.Encoding() {
		*p = T(raw)
	}
}

func scalar[T any](b *oxcdata.Coder, v *mapi.Value, f func(*oxcdata.Coder, *T)) {
	x, _ := (*v).(T)
	f(b, &x)
	*v = x
}

func list[T any](b *oxcdata.Coder, v *mapi.Value, f func(*oxcdata.Coder, *T)) {
	x, _ := (*v).([]T)
	if x == nil {
		x = []T{}
	}
	oxcdata.List32(b, &x, 4, f)
	*v = x
}

// note adds a property to the row if the catalog has a column for it. Of one that is there twice the first counts.
func (r *catalogRow) note(in *columns, k mapi.Key, v mapi.Value) {
	i, ok := in.index[k]
	if !ok || slices.ContainsFunc(r.Columns, func(c cell) bool { return c.Column == uint16(i) }) {
		return
	}
	c := cell{Column: uint16(i), Value: v}
	_, blob := v.(mapi.Blob)
	switch {
	case v == nil || blob || mapi.ValueSize(v) > maxCell:
		c = cell{Column: uint16(i), Form: cellLarge}
	case k != in.keys[i]:
		c.Form = cellNarrow
	}
	r.put(c)
}

// put inserts a cell.
func (r *catalogRow) put(c cell) {
	at, _ := slices.BinarySearchFunc(r.Columns, c.Column, func(c cell, i uint16) int { return int(c.Column) - int(i) })
	r.Columns = slices.Insert(r.Columns, at, c)
}

// get looks a property up. When known is false only the item can tell.
func (c *catalog) get(r *catalogRow, k mapi.Key) (v mapi.Value, known bool) {
	i, ok := c.columns[k]
	if !ok {
		return nil, false
	}
	at, ok := slices.BinarySearchFunc(r.Columns, uint16(i), func(c cell, i uint16) int { return int(c.Column) - int(i) })
	if !ok {
		return nil, true
	}
	v = r.Columns[at].Value
	switch wide := k == c.Keys[i]; r.Columns[at].Form {
	case cellLarge:
		return nil, false
	case cellNarrow:
		if wide {
			return nil, true
		}
	default:
		if !wide {
			return nil, true
		}
	}
	return v, true
}
