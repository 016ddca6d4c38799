package exchangeserver

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Flags of GetProps and QueryRows ([MS-OXNSPI] 2.2.1.11).
const (
	flagEphemeral = 0x2 // entry ids of this session
)

// displayTypeEx is PidTagDisplayTypeEx of a mailbox user, who can be given permissions ([MS-OXOABK] 2.2.3.12).
const displayTypeEx int32 = 0x40000000

// props are the properties of an entry ([MS-OXNSPI] 3.1.4.1.7, [MS-OXOABK] 2.2.3).
func (b *book) props(row int, flags uint32) mapi.Props {
	e := &b.entries[row]
	permanent := addressBookEntryID(e.LegacyDN)
	id := permanent
	if flags&flagEphemeral != 0 {
		id = b.ephemeral(row)
	}
	server := b.srv.personalised(e.Mailbox)
	var props mapi.Props
	for _, p := range []struct {
		t mapi.Tag
		v mapi.Value
	}{
		{pid.TagEntryId, id},
		{pid.TagObjectType, objectMailUser},
		{pid.TagDisplayType, int32(0)},
		{pid.TagDisplayTypeEx, displayTypeEx},
		{pid.TagDisplayName, e.DisplayName},
		{pid.TagTransmittableDisplayName, e.DisplayName},
		{pid.TagAddressBookDisplayNamePrintable, e.Alias},
		{pid.TagAddressType, "EX"},
		{pid.TagEmailAddress, e.LegacyDN},
		{pid.TagSmtpAddress, e.SMTPAddress},
		{pid.TagAccount, e.Alias},
		{pid.TagAddressBookContainerId, int32(0)},
		{pid.TagInitialDetailsPane, int32(0)},
		{pid.TagInstanceKey, binary.LittleEndian.AppendUint32(nil, b.mid(row))},
		{pid.TagRecordKey, permanent},
		{pid.TagSearchKey, append([]byte("EX:"+strings.ToUpper(e.LegacyDN)), 0)},
		{pid.TagTemplateid, permanent},
		{pid.TagMappingSignature, slices.Clone(oxcdata.ProviderAddressBook[:])},
		{pid.TagSendRichInfo, true},
		{pid.TagAddressBookObjectGuid, slices.Clone(e.Mailbox[:])},
		{pid.TagAddressBookHomeMessageDatabase.WithType(mapi.TypeString), databaseDN(server, e.Database)},
		{pid.TagAddressBookProxyAddresses, []string{"SMTP:" + e.SMTPAddress}},
	} {
		props = append(props, mapi.Prop{Key: mapi.TagKey(p.t), Value: p.v})
	}
	return props
}

// databaseDN is the home database of a mailbox as the address book names it: a DN below that of the server, which for every
// mailbox is its personalised name ([MS-OXOABK], PidTagAddressBookHomeMessageDatabase).
func databaseDN(server, name string) string {
	return serversDN + server + "/cn=" + cmp.Or(name, "Microsoft Private MDB")
}

// ephemeral is an entry id that is good in this session only ([MS-OXNSPI] 2.2.9.2).
func (b *book) ephemeral(row int) []byte {
	const idType = 0x87
	id := append([]byte{idType, 0, 0, 0}, b.srv.guid[:]...)
	id = binary.LittleEndian.AppendUint32(id, 1)
	id = binary.LittleEndian.AppendUint32(id, 0) // display type
	return binary.LittleEndian.AppendUint32(id, b.mid(row))
}

// value is a property in the type that was asked for, mapi.ErrNotFound where the entry has none.
func value(props mapi.Props, t mapi.Tag, page uint32) mapi.Value {
	if t.Type() == mapi.TypeUnspecified {
		for _, p := range props {
			if p.Key.Tag.ID() == t.ID() {
				return oxcdata.TypedValue{Type: p.Key.Type(), Value: p.Value}
			}
		}
		return mapi.ErrNotFound
	}
	if v := props.Tag(t); v != nil {
		return v
	}
	if o, ok := otherString(mapi.TagKey(t)); ok {
		switch v := props.Get(o).(type) {
		case string:
			return text8(v, page)
		case []string:
			out := make([]mapi.String8, len(v))
			for i, x := range v {
				out[i] = text8(x, page)
			}
			return out
		}
	}
	return mapi.ErrNotFound
}

// text8 is text in the code page of a request; one that isn't known counts as Western.
func text8(s string, page uint32) mapi.String8 {
	if page == codepage.UTF16 || !codepage.Known(int(page)) {
		page = codepage.Windows1252
	}
	raw, err := codepage.Encode(int(page), s)
	if err != nil {
		return mapi.String8(s)
	}
	return mapi.String8(raw)
}

// rowsOf makes the rows of some entries; a row of -1 is one of an entry that isn't there.
func (b *book) rowsOf(rows []int, columns []mapi.Tag, flags, page uint32) oxcmapihttp.Rows {
	if columns == nil {
		columns = defaultColumns
	}
	out := oxcmapihttp.Rows{Columns: columns, Rows: []oxcdata.PropertyRow{}}
	for _, row := range rows {
		r := oxcdata.PropertyRow{Values: make([]mapi.Value, len(columns))}
		var props mapi.Props
		if row >= 0 {
			props = b.props(row, flags)
		}
		for i, t := range columns {
			r.Values[i] = value(props, t, page)
		}
		out.Rows = append(out.Rows, r)
	}
	return out
}

// defaultColumns are those of rows when a request names none ([MS-OXNSPI] 3.1.4.1.8).
var defaultColumns = []mapi.Tag{pid.TagAddressBookContainerId, pid.TagObjectType, pid.TagDisplayType, pid.TagDisplayName.WithType(mapi.TypeString8),
	pid.TagPrimaryTelephoneNumber.WithType(mapi.TypeString8), pid.TagDepartmentName.WithType(mapi.TypeString8), pid.TagOfficeLocation.WithType(mapi.TypeString8)}

// tagsOf lists the properties of entries, strings in one of their types.
func (b *book) tagsOf(unicode bool) []mapi.Tag {
	any := book{srv: b.srv, entries: []entry{{}}} // all entries have the same
	var tags []mapi.Tag
	for _, p := range any.props(0, 0) {
		t := p.Key.Tag
		if isString(t.Type()) && !unicode {
			t = t.WithType(t.Type() ^ (mapi.TypeString ^ mapi.TypeString8))
		}
		tags = append(tags, t)
	}
	return tags
}

// getPropList is GetPropList ([MS-OXNSPI] 3.1.4.1.6).
func (b *book) getPropList(q *oxcmapihttp.GetPropListRequest, r *oxcmapihttp.TagsResponse) mapi.Code {
	if _, ok := b.row(q.MinID); !ok {
		return mapi.ErrInvalidObject
	}
	r.Tags = b.tagsOf(q.CodePage == codepage.UTF16)
	return 0
}

// unicodeTypes as MapiFlags of QueryColumns asks for Unicode property types ([MS-OXNSPI] 2.2.1.10).
const unicodeTypes = 0x80000000

// queryColumns is QueryColumns ([MS-OXNSPI] 3.1.4.1.5).
func (b *book) queryColumns(q *oxcmapihttp.QueryColumnsRequest, r *oxcmapihttp.TagsResponse) mapi.Code {
	r.Tags = b.tagsOf(q.Flags&unicodeTypes != 0)
	return 0
}

// getProps is GetProps ([MS-OXNSPI] 3.1.4.1.7), of the entry that CurrentRec names.
func (b *book) getProps(q *oxcmapihttp.GetPropsRequest, r *oxcmapihttp.ValuesResponse) mapi.Code {
	if code := b.checkState(q.State); code != 0 {
		return code
	}
	r.CodePage = q.State.CodePage
	row, ok := b.row(q.State.CurrentRec)
	if !ok && q.Tags == nil {
		return codeNotFound
	}
	var props mapi.Props
	if ok {
		props = b.props(row, q.Flags)
	}
	tags := q.Tags
	if tags == nil {
		tags = b.tagsOf(q.State.CodePage == codepage.UTF16)
	}
	code := mapi.Code(0)
	r.Values = []oxcdata.TaggedValue{}
	for _, t := range tags {
		v := value(props, t, q.State.CodePage)
		if tv, ok := v.(oxcdata.TypedValue); ok {
			t, v = t.WithType(tv.Type), tv.Value
		}
		if _, failed := v.(mapi.Code); failed {
			t, code = t.WithType(mapi.TypeError), mapi.WarnErrorsReturned
		}
		r.Values = append(r.Values, oxcdata.TaggedValue{Tag: t, Value: v})
	}
	return code
}

// The global address list in the table of address lists ([MS-OXNSPI] 2.2.2.3, [MS-OXOABK] 2.2.2).
const (
	galName       = "Global Address List"
	galFlags      = 0x1 | 0x8 // AB_RECIPIENTS, AB_UNMODIFIABLE
	typeContainer = 0x100
)

// getSpecialTable is GetSpecialTable ([MS-OXNSPI] 3.1.4.1.3). There are no templates to make addresses with.
func (b *book) getSpecialTable(q *oxcmapihttp.GetSpecialTableRequest, r *oxcmapihttp.GetSpecialTableResponse) mapi.Code {
	version := uint32(1)
	r.Version = &version
	r.Rows = [][]oxcdata.TaggedValue{}
	if q.State != nil {
		r.CodePage = q.State.CodePage
	}
	if q.Flags&oxcmapihttp.SpecialCreationTemplates != 0 {
		return 0
	}
	e := oxcdata.AddressBookEntryID{Provider: oxcdata.ProviderAddressBook, Version: 1, Type: typeContainer, DN: "/"}
	name := oxcdata.TaggedValue{Tag: pid.TagDisplayName, Value: galName}
	if q.Flags&oxcmapihttp.SpecialUnicode == 0 {
		name = oxcdata.TaggedValue{Tag: pid.TagDisplayName.WithType(mapi.TypeString8), Value: mapi.String8(galName)}
	}
	r.Rows = append(r.Rows, []oxcdata.TaggedValue{
		{Tag: pid.TagEntryId, Value: entryID(func(c *oxcdata.Coder) { c.AddressBookEntryID(&e) })},
		{Tag: pid.TagContainerFlags, Value: int32(galFlags)},
		{Tag: pid.TagDepth, Value: int32(0)},
		{Tag: pid.TagAddressBookContainerId, Value: int32(0)},
		name,
		{Tag: pid.TagAddressBookIsMaster, Value: false},
	})
	return 0
}

// queryRows is QueryRows ([MS-OXNSPI] 3.1.4.1.8).
func (b *book) queryRows(q *oxcmapihttp.QueryRowsRequest, r *oxcmapihttp.RowsResponse) mapi.Code {
	if code := b.checkState(q.State); code != 0 {
		return code
	}
	var list []int
	if len(q.Explicit) > 0 {
		for _, mid := range q.Explicit {
			row, ok := b.row(mid)
			if !ok {
				row = -1
			}
			list = append(list, row)
		}
	} else {
		if q.RowCount == 0 {
			return mapi.ErrInvalidParameter
		}
		at, code := b.position(q.State)
		if code != 0 {
			return code
		}
		for ; at < len(b.entries) && len(list) < int(min(q.RowCount, maxBookRows)); at++ {
			list = append(list, at)
		}
		b.place(q.State, at)
	}
	r.State = q.State
	r.Rows = b.rowsOf(list, q.Columns, q.Flags, q.State.CodePage)
	return 0
}

// maxBookRows bounds the rows of an answer ([MS-OXNSPI] 2.2.3: 100,000).
const maxBookRows = 10000

// seekEntries is SeekEntries ([MS-OXNSPI] 3.1.4.1.9): the first entry whose name isn't below the one asked for.
func (b *book) seekEntries(q *oxcmapihttp.SeekEntriesRequest, r *oxcmapihttp.RowsResponse) mapi.Code {
	if code := b.checkState(q.State); code != 0 {
		return code
	}
	if q.Target == nil || q.Target.Tag.ID() != pid.TagDisplayName.ID() {
		return mapi.ErrCallFailed
	}
	var target string
	switch v := q.Target.Value.(type) {
	case string:
		target = v
	case mapi.String8:
		target = string(v)
		if t, err := codepage.Decode(int(q.State.CodePage), []byte(v)); err == nil {
			target = t
		}
	default:
		return mapi.ErrCallFailed
	}
	target = strings.ToLower(target)
	var list []int
	if q.Explicit != nil {
		for _, mid := range q.Explicit {
			if row, ok := b.row(mid); ok && b.entries[row].fold >= target {
				list = append(list, row)
			}
		}
		slices.Sort(list)
	} else {
		for row := range b.entries {
			if b.entries[row].fold >= target {
				list = append(list, row)
			}
		}
	}
	if len(list) == 0 {
		return codeNotFound
	}
	b.place(q.State, list[0])
	r.State = q.State
	if q.Columns != nil {
		r.Rows = b.rowsOf(list[:min(len(list), maxBookRows)], q.Columns, flagEphemeral, q.State.CodePage)
	}
	return 0
}

// midsOf are the minimal ids of rows.
func (b *book) midsOf(rows []int) []uint32 {
	out := make([]uint32, len(rows))
	for i, row := range rows {
		out[i] = b.mid(row)
	}
	return out
}
