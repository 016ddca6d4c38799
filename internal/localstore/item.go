package localstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"time"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// item is a row of table items.
type item struct {
	mid, folder    ID
	list           int
	content        int64
	cn, readCN     ID
	deleted        sql.NullInt64
	flags          int32
	size           int64
	created        int64
	modified       int64
	delivered      sql.NullInt64
	submitted      sql.NullInt64
	importance     sql.NullInt32
	class          sql.NullString
	subject        sql.NullString
	normalized     sql.NullString
	sender         sql.NullString
	representing   sql.NullString
	display        [3]sql.NullString // to, cc, bcc
	narrow         bool              // one of the texts is a String8
	searchKey      []byte
	sourceKey      []byte
	changeKey, pcl []byte
	top            mapi.Props // own properties, where a reader filled them in
	topData        []byte     // the same, encoded
}

// Lists of table items.
const (
	listNormal      = 0
	listAssociated  = 1
	listSoftDeleted = 2 // added to one of the others
)

const itemColumns = "mid, folder, list, content, cn, read_cn, deleted, flags, size, created, modified, delivered, submitted, importance, class, subject, " +
	"normalized, sender, representing, display_to, display_cc, display_bcc, narrow, search_key, source_key, change_key, pcl"

const itemMarks = "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

// fields are the places of itemColumns.
func (it *item) fields() []any {
	return []any{&it.mid, &it.folder, &it.list, &it.content, &it.cn, &it.readCN, &it.deleted, &it.flags, &it.size, &it.created, &it.modified,
		&it.delivered, &it.submitted, &it.importance, &it.class, &it.subject, &it.normalized, &it.sender, &it.representing,
		&it.display[0], &it.display[1], &it.display[2], &it.narrow, &it.searchKey, &it.sourceKey, &it.changeKey, &it.pcl}
}

// values are the fields for writing.
func (it *item) values() []any {
	return []any{int64(it.mid), int64(it.folder), it.list, it.content, int64(it.cn), int64(it.readCN), it.deleted, it.flags, it.size, it.created, it.modified,
		it.delivered, it.submitted, it.importance, it.class, it.subject, it.normalized, it.sender, it.representing,
		it.display[0], it.display[1], it.display[2], it.narrow, it.searchKey, it.sourceKey, it.changeKey, it.pcl}
}

func (t *tx) insertItem(it *item) error {
	return t.exec("INSERT INTO items ("+itemColumns+") VALUES ("+itemMarks+")", it.values()...)
}

// replaceItem writes all columns of an item that exists.
func (t *tx) replaceItem(it *item) error {
	return t.exec("UPDATE items SET ("+itemColumns+") = ("+itemMarks+") WHERE mid = ?", append(it.values(), int64(it.mid))...)
}

// findItem reads the row of an item in a folder.
func findItem(ctx context.Context, q querier, folder, mid ID) (*item, error) {
	it := &item{}
	row := q.QueryRowContext(ctx, "SELECT "+itemColumns+" FROM items WHERE mid = ? AND folder = ?", int64(mid), int64(folder))
	if err := row.Scan(it.fields()...); err != nil {
		return nil, err
	}
	return it, nil
}

// Bits of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6).
const (
	flagRead       = 0x1
	flagHasAttach  = 0x10
	flagAssociated = 0x40
	flagEverRead   = 0x400
)

func now() int64 { return int64(mapi.NewFileTime(time.Now())) }

// derive fills the columns from the item's own properties. old is the item before, or nil for a new one.
func (it *item) derive(props mapi.Props, old *item) {
	number := func(t mapi.Tag) (n sql.NullInt64) {
		if v, ok := props.Tag(t).(mapi.FileTime); ok {
			n = sql.NullInt64{Int64: int64(v), Valid: true}
		}
		return n
	}
	text := func(t mapi.Tag) (s sql.NullString) {
		if v, narrow, ok := textOf(props, t); ok {
			s = sql.NullString{String: v, Valid: true}
			it.narrow = it.narrow || narrow
		}
		return s
	}
	it.modified = now()
	it.created = it.modified
	if v := number(pid.TagCreationTime); v.Valid {
		it.created = v.Int64
	} else if old != nil {
		it.created = old.created
	}
	if v := number(pid.TagLastModificationTime); v.Valid {
		it.modified = v.Int64
	}
	if v, ok := props.Tag(pid.TagMessageFlags).(int32); ok {
		it.flags = it.flags&(flagHasAttach|flagAssociated) | v&^(flagHasAttach|flagAssociated)
	} else if old != nil {
		it.flags = it.flags&(flagHasAttach|flagAssociated) | old.flags&^(flagHasAttach|flagAssociated)
	}
	if v, ok := props.Tag(pid.TagSearchKey).([]byte); ok && len(v) > 0 {
		it.searchKey = v
	} else if old != nil {
		it.searchKey = old.searchKey
	} else {
		it.searchKey = make([]byte, 16)
		rand.Read(it.searchKey)
	}
	it.importance = sql.NullInt32{}
	if v, ok := props.Tag(pid.TagImportance).(int32); ok {
		it.importance = sql.NullInt32{Int32: v, Valid: true}
	}
	it.narrow = false
	it.delivered, it.submitted = number(pid.TagMessageDeliveryTime), number(pid.TagClientSubmitTime)
	it.class = text(pid.TagMessageClass)
	it.sender, it.representing = text(pid.TagSenderName), text(pid.TagSentRepresentingName)
	sub := subjectOf(props)
	it.narrow = it.narrow || sub.narrow
	it.subject, it.normalized = sub.column(pid.TagSubject), sub.column(pid.TagNormalizedSubject)
	for i, t := range displayTags {
		if s := text(t); s.Valid {
			it.display[i] = s
		}
	}
}

var displayTags = [3]mapi.Tag{pid.TagDisplayTo, pid.TagDisplayCc, pid.TagDisplayBcc}

// stripped are properties that the columns hold, not the records.
var stripped = map[mapi.Tag]bool{
	pid.TagCreationTime: true, pid.TagLastModificationTime: true, pid.TagMessageFlags: true, pid.TagSearchKey: true,
}

// textOf is the text of a string property of either type that lies in memory, or the beginning of one that doesn't; narrow
// for 8-bit ones, which are taken as Latin-1, as tables compare them.
func textOf(props mapi.Props, t mapi.Tag) (s string, narrow, ok bool) {
	for _, p := range props {
		if p.Key.Named() || p.Key.Tag.ID() != t.ID() {
			continue
		}
		switch v := p.Value.(type) {
		case string:
			return v, false, true
		case mapi.String8:
			return latin1(v), true, true
		case blobRef:
			return headText(p.Key.Type(), v)
		case blob:
			return headText(p.Key.Type(), v.ref)
		}
	}
	return "", false, false
}

func latin1(s mapi.String8) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		b = utf8.AppendRune(b, rune(s[i]))
	}
	return string(b)
}

func headText(t mapi.Type, ref blobRef) (s string, narrow, ok bool) {
	switch t {
	case mapi.TypeString:
		return mapi.DecodeUTF16(ref.Head), false, true
	case mapi.TypeString8:
		return latin1(mapi.String8(ref.Head)), true, true
	}
	return "", false, false
}

// narrowed is the reverse of latin1.
func narrowed(s string) mapi.String8 {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return mapi.String8(b)
}
