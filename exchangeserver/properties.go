package exchangeserver

import (
	"io"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// propObject is an object with properties: a logon, folder, message or attachment.
type propObject interface {
	object
	logonOf() *logon
	pages() pages // of 8-bit strings
	// props are all properties, the large ones as Blobs.
	props(c *call) (mapi.Props, error)
	// change sets and deletes properties: of messages and attachments in the working copy, of others at once.
	change(c *call, set mapi.Props, del []mapi.Key) error
}

// readOnly are properties that the server or the store computes, of whatever object they are: setting or deleting them is a
// problem ([MS-OXCPRPT] 2.2.1.1 to 2.2.1.9, [MS-OXCFOLD] 2.2.2.2.1, [MS-OXCMSG] 2.2.1).
var readOnly = tagSet(pid.TagEntryId, pid.TagParentEntryId, pid.TagRecordKey, pid.TagInstanceKey, pid.TagSourceKey, pid.TagParentSourceKey,
	pid.TagChangeKey, pid.TagPredecessorChangeList, pid.TagChangeNumber, pid.TagMid, pid.TagFolderId, pid.TagParentFolderId,
	pid.TagInstID, pid.TagInstanceNum, pid.TagObjectType, pid.TagAccess, pid.TagAccessLevel, pid.TagMessageSize,
	pid.TagMessageSizeExtended, pid.TagHasAttachments, pid.TagHasNamedProperties, pid.TagStoreEntryId, pid.TagStoreRecordKey,
	pid.TagMappingSignature, pid.TagAssociated, pid.TagContentCount, pid.TagContentUnreadCount, pid.TagAssociatedContentCount,
	pid.TagDeletedCountTotal, pid.TagSubfolders, pid.TagFolderType, pid.TagRights, pid.TagHierarchyChangeNumber,
	pid.TagLocalCommitTimeMax, pid.TagDisplayTo, pid.TagDisplayCc, pid.TagDisplayBcc, pid.TagAttachNumber, pid.TagAttachSize,
	pid.TagSerializedReplidGuidMap, pid.TagUserEntryId, pid.TagMailboxOwnerEntryId, pid.TagMailboxOwnerName)

func tagSet(tags ...mapi.Tag) map[uint16]bool {
	m := map[uint16]bool{}
	for _, t := range tags {
		m[t.ID()] = true
	}
	return m
}

func isReadOnly(k mapi.Key) bool { return !k.Named() && readOnly[k.Tag.ID()] }

// cell is the value of a property for a response, in the type that was asked for: mapi.ErrNotFound where there is none,
// mapi.ErrNoMemory where it is larger than limit.
func (c *call) cell(props mapi.Props, p pages, k mapi.Key, limit int) mapi.Value {
	if k == noKey {
		return mapi.ErrNotFound
	}
	if k.Type() == mapi.TypeUnspecified {
		for _, x := range props {
			if x.Key.WithType(0) == k {
				return oxcdata.TypedValue{Type: x.Key.Type(), Value: c.s.recode8(c.small(x.Key.Type(), x.Value, limit), p)}
			}
		}
		return mapi.ErrNotFound
	}
	if v := props.Get(k); v != nil {
		return c.s.recode8(c.small(k.Type(), v, limit), p)
	}
	if o, ok := otherString(k); ok {
		if v := props.Get(o); v != nil {
			v = c.small(o.Type(), v, limit)
			if _, failed := v.(mapi.Code); failed {
				return v
			}
			return c.s.restring(v, p)
		}
	}
	return mapi.ErrNotFound
}

// small reads a value into memory, unless it is too large for a response.
func (c *call) small(t mapi.Type, v mapi.Value, limit int) mapi.Value {
	b, ok := v.(mapi.Blob)
	if !ok {
		return v
	}
	if b.Size() > int64(limit) {
		return mapi.ErrNoMemory
	}
	r, err := b.Open()
	if err != nil {
		return mapi.CodeOf(err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)))
	if err == nil {
		v, err = mapi.BytesValue(t, data)
	}
	if err != nil {
		return mapi.CodeOf(err)
	}
	return v
}

// otherString is a key with the other string type.
func otherString(k mapi.Key) (mapi.Key, bool) {
	switch k.Type().Base() {
	case mapi.TypeString, mapi.TypeString8:
		return k.WithType(k.Type() ^ (mapi.TypeString ^ mapi.TypeString8)), true
	}
	return k, false
}

// sendable is v if it can travel by value; an Object cannot, nor a string that holds a NUL, which would end it early.
func sendable(t mapi.Type, v mapi.Value) mapi.Value {
	if _, failed := v.(mapi.Code); failed && t != mapi.TypeError {
		return v
	}
	if tv, ok := v.(oxcdata.TypedValue); ok {
		if code, failed := sendable(tv.Type, tv.Value).(mapi.Code); failed {
			return code
		}
		return v
	}
	if _, err := encodedSize(func(c *oxcdata.Coder) { c.Value(t, &v) }); err != nil {
		return mapi.ErrNoMemory
	}
	return v
}

// sizeLimit is the largest value of a response.
func (c *call) sizeLimit(asked uint16) int {
	if asked == 0 {
		return c.room
	}
	return min(int(asked), c.room)
}

// getSpecific is RopGetPropertiesSpecific ([MS-OXCPRPT] 3.2.5.1).
func (c *call) getSpecific(q *oxcrops.GetPropertiesSpecificRequest) (oxcrops.Response, error) {
	o, err := get[propObject](c, q.In)
	if err != nil {
		return nil, err
	}
	keys, err := o.logonOf().keys(c, q.Tags)
	if err != nil {
		return nil, err
	}
	props, err := o.props(c)
	if err != nil {
		return nil, err
	}
	limit := c.sizeLimit(q.PropertySizeLimit)
	row := oxcdata.PropertyRow{Values: make([]mapi.Value, len(keys))}
	sizes := make([]int, len(keys))
	for i, k := range keys {
		v := c.cell(props, o.pages(), k, limit)
		if tv, ok := v.(oxcdata.TypedValue); ok && isString8(tv.Type) == (q.WantUnicode != 0) && isString(tv.Type) {
			t, _ := otherString(mapi.TagKey(mapi.Tag(tv.Type)))
			v = oxcdata.TypedValue{Type: t.Type(), Value: c.s.restring(tv.Value, o.pages())}
		}
		row.Values[i] = sendable(q.Tags[i].Type(), v)
		sizes[i] = cellSize(q.Tags[i].Type(), row.Values[i])
	}
	// The largest values have to be read by stream when all don't fit together.
	for i := range largestFirst(sizes, c.room-replySize-1) {
		row.Values[i] = mapi.ErrNoMemory
	}
	return &oxcrops.GetPropertiesSpecificResponse{Row: row}, nil
}

// replySize is what every response begins with: RopId, index, ReturnValue.
const replySize = 6

func isString(t mapi.Type) bool  { return t.Base() == mapi.TypeString || t.Base() == mapi.TypeString8 }
func isString8(t mapi.Type) bool { return t.Base() == mapi.TypeString8 }

// cellSize is the room that a value takes in a flagged row.
func cellSize(t mapi.Type, v mapi.Value) int {
	const flagAndType, code = 3, 4
	if _, failed := v.(mapi.Code); failed {
		return flagAndType + code
	}
	n, _ := encodedSize(func(c *oxcdata.Coder) {
		if tv, ok := v.(oxcdata.TypedValue); ok {
			c.TypedValue(&tv)
			return
		}
		c.Value(t, &v)
	})
	return flagAndType + n
}

// largestFirst yields the places of the largest sizes, until the rest fits room with an error code in place of each.
func largestFirst(sizes []int, room int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		sum := 0
		for _, n := range sizes {
			sum += n
		}
		for sum > room {
			at := 0
			for i, n := range sizes {
				if n > sizes[at] {
					at = i
				}
			}
			code := cellSize(mapi.TypeError, mapi.ErrNoMemory)
			if sizes[at] <= code {
				return
			}
			sum -= sizes[at] - code
			sizes[at] = code
			if !yield(at) {
				return
			}
		}
	}
}

// getAll is RopGetPropertiesAll ([MS-OXCPRPT] 3.2.5.2).
func (c *call) getAll(q *oxcrops.GetPropertiesAllRequest) (oxcrops.Response, error) {
	o, err := get[propObject](c, q.In)
	if err != nil {
		return nil, err
	}
	props, err := o.props(c)
	if err != nil {
		return nil, err
	}
	tags, err := o.logonOf().tags(c, keysOf(props))
	if err != nil {
		return nil, err
	}
	limit := c.sizeLimit(q.PropertySizeLimit)
	resp := &oxcrops.GetPropertiesAllResponse{}
	var sizes []int
	for i, p := range props {
		t := tags[i]
		if t == 0 || t.Type() == mapi.TypeObject {
			continue // objects are opened, not read
		}
		v := c.small(t.Type(), p.Value, limit)
		if _, failed := v.(mapi.Code); !failed && isString(t.Type()) && isString8(t.Type()) == (q.WantUnicode != 0) {
			v = c.s.restring(v, o.pages())
			t = t.WithType(t.Type() ^ (mapi.TypeString ^ mapi.TypeString8))
		}
		v = sendable(t.Type(), v)
		if n := cellSize(t.Type(), v); n > limit {
			v = mapi.ErrNoMemory
		}
		if _, failed := v.(mapi.Code); failed {
			t = t.WithType(mapi.TypeError)
		}
		resp.Values = append(resp.Values, oxcdata.TaggedValue{Tag: t, Value: v})
		sizes = append(sizes, cellSize(t.Type(), v)+1) // its tag is a byte longer than flag and type
	}
	for i := range largestFirst(sizes, c.room-replySize-2) {
		resp.Values[i] = oxcdata.TaggedValue{Tag: resp.Values[i].Tag.WithType(mapi.TypeError), Value: mapi.ErrNoMemory}
	}
	return resp, nil
}

func keysOf(props mapi.Props) []mapi.Key {
	keys := make([]mapi.Key, len(props))
	for i, p := range props {
		keys[i] = p.Key
	}
	return keys
}

// getList is RopGetPropertiesList ([MS-OXCPRPT] 3.2.5.3).
func (c *call) getList(q *oxcrops.GetPropertiesListRequest) (oxcrops.Response, error) {
	o, err := get[propObject](c, q.In)
	if err != nil {
		return nil, err
	}
	props, err := o.props(c)
	if err != nil {
		return nil, err
	}
	tags, err := o.logonOf().tags(c, keysOf(props))
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.GetPropertiesListResponse{}
	for _, t := range tags {
		if t != 0 {
			resp.Tags = append(resp.Tags, t)
		}
	}
	return resp, nil
}

// setProps is RopSetProperties and RopSetPropertiesNoReplicate ([MS-OXCPRPT] 3.2.5.4): what cannot be set is a problem of
// its own.
func (c *call) setProps(in uint8, values []oxcdata.TaggedValue, rop uint8) (oxcrops.Response, error) {
	o, err := get[propObject](c, in)
	if err != nil {
		return nil, err
	}
	tags := make([]mapi.Tag, len(values))
	for i, v := range values {
		tags[i] = v.Tag
	}
	keys, err := o.logonOf().keys(c, tags)
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.ProblemsResponse{ROP: rop}
	var set mapi.Props
	for i, k := range keys {
		switch {
		case k == noKey, k.Type() == mapi.TypeError, k.Type() == mapi.TypeNull, k.Type() == mapi.TypeUnspecified:
			resp.Problems = append(resp.Problems, oxcrops.PropertyProblem{Index: uint16(i), Tag: tags[i], ErrorCode: mapi.ErrInvalidParameter})
		case isReadOnly(k):
			resp.Problems = append(resp.Problems, oxcrops.PropertyProblem{Index: uint16(i), Tag: tags[i], ErrorCode: mapi.ErrComputed})
		default:
			set.Set(c.s.given(k, values[i].Value, o.pages().wanted))
		}
	}
	if len(set) > 0 {
		err = o.change(c, set, nil)
	}
	return resp, err
}

// deleteProps is RopDeleteProperties and RopDeletePropertiesNoReplicate ([MS-OXCPRPT] 3.2.5.5).
func (c *call) deleteProps(in uint8, tags []mapi.Tag, rop uint8) (oxcrops.Response, error) {
	o, err := get[propObject](c, in)
	if err != nil {
		return nil, err
	}
	keys, err := o.logonOf().keys(c, tags)
	if err != nil {
		return nil, err
	}
	props, err := o.props(c)
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.ProblemsResponse{ROP: rop}
	var del []mapi.Key
	for i, k := range keys {
		if isReadOnly(k) {
			resp.Problems = append(resp.Problems, oxcrops.PropertyProblem{Index: uint16(i), Tag: tags[i], ErrorCode: mapi.ErrComputed})
			continue
		}
		for _, p := range props { // whatever type it has
			if k != noKey && p.Key.WithType(0) == k.WithType(0) {
				del = append(del, p.Key)
			}
		}
	}
	if len(del) > 0 {
		err = o.change(c, nil, del)
	}
	return resp, err
}
