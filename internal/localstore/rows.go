package localstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"iter"
	"strings"

	"modernc.org/sqlite"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// sqlColumns are properties that SQL can sort and filter by, as expressions that are NULL where an item lacks them. Texts
// compare by fold(expression).
var sqlColumns = map[mapi.Tag]string{
	pid.TagMessageDeliveryTime:  "delivered",
	pid.TagClientSubmitTime:     "submitted",
	pid.TagImportance:           "importance",
	pid.TagCreationTime:         "created",
	pid.TagLastModificationTime: "modified",
	pid.TagMessageFlags:         "flags",
	pid.TagMessageSize:          "min(size, 2147483647)",
	pid.TagMessageSizeExtended:  "size",
	pid.TagRead:                 "(flags & 1)",
	pid.TagHasAttachments:       "(flags >> 4 & 1)",
	pid.TagMessageClass:         "class",
	pid.TagSubject:              "subject",
	pid.TagNormalizedSubject:    "normalized",
	pid.TagSenderName:           "sender",
	pid.TagSentRepresentingName: "representing",
	pid.TagDisplayTo:            "display_to",
	pid.TagDisplayCc:            "display_cc",
	pid.TagDisplayBcc:           "display_bcc",
}

const foldFunction = "opencdo_fold"

func init() {
	sqlite.MustRegisterDeterministicScalarFunction(foldFunction, 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		if s, ok := args[0].(string); ok {
			return fold(s), nil
		}
		return nil, nil
	})
}

// sqlExpr is what SQL compares a property by.
func sqlExpr(k mapi.Key) (string, bool) {
	if k.Named() {
		return "", false
	}
	t := k.Tag
	if t.Type() == mapi.TypeString8 {
		t = t.WithType(mapi.TypeString)
	}
	e, ok := sqlColumns[t]
	if ok && t.Type() == mapi.TypeString {
		e = foldFunction + "(" + e + ")"
	}
	return e, ok
}

// plan divides a query between SQL and mapi.Select.
type plan struct {
	where  []string
	args   []any
	order  string
	page   bool            // SQL does offset and limit
	rest   mapi.Query      // what is left to do
	top    bool            // rows will be asked for more than the columns
	wanted map[string]bool // optional columns that rows will be asked for
}

func newPlan(q mapi.Query) plan {
	p := plan{order: "mid", rest: q, wanted: map[string]bool{}}
	if !counts(q.Where) { // else all depends on the order that rows come in
		p.rest.Where = p.split(q.Where)
		p.sort(q.Sort)
	}
	p.page = p.rest.Where == nil && len(p.rest.Sort) == 0
	for _, k := range q.Columns {
		p.page = p.page && k.Type()&mapi.MultiInstance == 0
		p.want(k)
	}
	for _, s := range p.rest.Sort {
		p.want(s.Key)
	}
	if p.rest.Where != nil {
		mapi.MapKeys(p.rest.Where, func(k mapi.Key) (mapi.Key, error) { p.want(k); return k, nil })
	}
	if p.page {
		p.rest.Offset, p.rest.Limit = 0, 0
	}
	return p
}

// sort leaves sorting to SQL if it can do it.
func (p *plan) sort(by []mapi.Sort) {
	var order []string
	for _, s := range by {
		e, ok := sqlExpr(s.Key)
		if !ok {
			return
		}
		if s.Descending {
			e += " DESC"
		}
		order = append(order, e)
	}
	p.order = strings.Join(append(order, "mid"), ", ")
	p.rest.Sort = nil
}

// sql is the query for the rows: the columns of items, those that nobody asks for as NULL, and the item's own properties
// or NULL.
func (p *plan) sql(folder ID, q mapi.Query) (string, []any) {
	from, where := "items", " WHERE folder = ? AND list = ?"
	args := append([]any{int64(folder), int(q.Kind)}, p.args...)
	for _, c := range p.where {
		where += " AND " + c
	}
	where += " ORDER BY " + p.order
	if p.page && (q.Limit > 0 || q.Offset > 0) {
		limit := q.Limit
		if limit <= 0 {
			limit = -1
		}
		where += " LIMIT ? OFFSET ?"
		args = append(args, limit, max(q.Offset, 0))
		// The rows before the page need not be read where an index has the order.
		from, where = "(SELECT mid AS chosen FROM items"+where+") JOIN items ON mid = chosen", " ORDER BY "+p.order
	}
	data := ", NULL"
	if p.top {
		from, data = from+" LEFT JOIN segments ON id = content << 20", ", data"
	}
	columns := strings.Split(itemColumns, ", ")
	for i, c := range columns {
		if optional[c] && !p.wanted[c] {
			columns[i] = "NULL"
		}
	}
	return "SELECT " + strings.Join(columns, ", ") + data + " FROM " + from + where, args
}

// optional are the columns that may be read as NULL.
var optional = map[string]bool{"deleted": true, "search_key": true, "source_key": true, "change_key": true, "pcl": true}

// columnOf is the optional column that a property is made of.
var columnOf = map[uint16]string{
	pid.TagDeletedOn.ID():             "deleted",
	pid.TagSearchKey.ID():             "search_key",
	pid.TagSourceKey.ID():             "source_key",
	pid.TagChangeKey.ID():             "change_key",
	pid.TagPredecessorChangeList.ID(): "pcl",
}

func init() {
	for t, c := range sqlColumns {
		if t.Type() == mapi.TypeString || t == pid.TagMessageDeliveryTime || t == pid.TagClientSubmitTime || t == pid.TagImportance {
			optional[c], columnOf[t.ID()] = true, c
		}
	}
}

// want prepares for rows being asked for a property.
func (p *plan) want(k mapi.Key) {
	if c, ok := columnOf[k.Tag.ID()]; ok && !k.Named() {
		p.wanted[c] = true
		return
	}
	if _, ok := sqlColumns[k.Tag]; !ok && !rowTags[k.Tag] || k.Named() {
		p.top = true
	}
}

// split moves what SQL can do of a restriction into p and returns what it can't.
func (p *plan) split(r mapi.Restriction) mapi.Restriction {
	if list, ok := r.(mapi.ResAnd); ok {
		var rest mapi.ResAnd
		for _, m := range list {
			if m = p.split(m); m != nil {
				rest = append(rest, m)
			}
		}
		if len(rest) == 0 {
			return nil
		}
		return rest
	}
	if r == nil {
		return nil
	}
	cond, args, ok := sqlCondition(r, 0)
	if !ok {
		return r
	}
	p.where, p.args = append(p.where, cond), append(p.args, args...)
	return nil
}

// counts tells whether a restriction has a ResCount, which depends on the rows that come before.
func counts(r mapi.Restriction) bool {
	switch r := r.(type) {
	case mapi.ResCount:
		return true
	case mapi.ResAnd:
		return countsAny(r)
	case mapi.ResOr:
		return countsAny(r)
	case mapi.ResNot:
		return counts(r.Res)
	case mapi.ResComment:
		return counts(r.Res)
	}
	return false
}

func countsAny(list []mapi.Restriction) bool {
	for _, r := range list {
		if counts(r) {
			return true
		}
	}
	return false
}

// maxConditionDepth is less than SQLite's limit of 1000 for expressions, and more than people write.
const maxConditionDepth = 20

var sqlOperators = map[mapi.RelOp]string{mapi.RelLT: "<", mapi.RelLE: "<=", mapi.RelGT: ">", mapi.RelGE: ">=", mapi.RelEQ: "=", mapi.RelNE: "<>"}

// sqlCondition translates a restriction into a condition that is 0 or 1, never NULL.
func sqlCondition(r mapi.Restriction, depth int) (cond string, args []any, ok bool) {
	if depth > maxConditionDepth {
		return "", nil, false
	}
	list := func(rs []mapi.Restriction, op, empty string) (string, []any, bool) {
		var conds []string
		var args []any
		for _, m := range rs {
			c, a, ok := sqlCondition(m, depth+1)
			if !ok || len(conds) > 100 { // leaves room below SQLite's limit of variables
				return "", nil, false
			}
			conds, args = append(conds, c), append(args, a...)
		}
		if len(conds) == 0 {
			return empty, nil, true
		}
		return "(" + strings.Join(conds, op) + ")", args, true
	}
	switch r := r.(type) {
	case mapi.ResAnd:
		return list(r, " AND ", "1")
	case mapi.ResOr:
		return list(r, " OR ", "0")
	case mapi.ResNot:
		c, a, ok := sqlCondition(r.Res, depth+1)
		return "(NOT " + c + ")", a, ok
	case mapi.ResExist:
		e, ok := sqlExpr(r.Key)
		return "(" + e + " IS NOT NULL)", nil, ok
	case mapi.ResProperty:
		e, ok := sqlExpr(r.Key)
		op, known := sqlOperators[r.Op]
		v, fits := sqlValue(r.Key.Type(), r.Value)
		return "ifnull(" + e + " " + op + " ?, 0)", []any{v}, ok && known && fits
	case mapi.ResBitMask:
		e, ok := sqlExpr(r.Key)
		op := "="
		if r.NonZero {
			op = "<>"
		}
		return "ifnull((" + e + " & ?) " + op + " 0, 0)", []any{int64(r.Mask)}, ok && r.Key.Type() == mapi.TypeInt32
	}
	return "", nil, false
}

// sqlValue is a value for comparison with a property of type t; only those of the same kind compare as in package mapi.
func sqlValue(t mapi.Type, v mapi.Value) (any, bool) {
	switch v := v.(type) {
	case mapi.FileTime:
		return int64(v), t == mapi.TypeTime
	case int32:
		return int64(v), t == mapi.TypeInt32 || t == mapi.TypeInt64
	case int64:
		return v, t == mapi.TypeInt32 || t == mapi.TypeInt64
	case bool:
		n := 0
		if v {
			n = 1
		}
		return n, t == mapi.TypeBool
	case string:
		return fold(v), t == mapi.TypeString || t == mapi.TypeString8
	}
	return nil, false
}

// Rows implements mapi.Folder. All rows are of one moment. SQL sorts and filters where all is in columns; else rows pass
// through package mapi, which keeps those of a sorted table in memory.
func (f *Folder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		err := f.s.view(ctx, func(tx *sql.Tx) error {
			if err := f.exists(ctx, tx); err != nil {
				return err
			}
			r := rowReader{ctx: ctx, s: f.s, q: tx, f: f}
			p := newPlan(q)
			reopen, err := r.reopen(p)
			if err != nil {
				return err
			}
			for row, err := range mapi.Select(p.rest, r.records(q, p), reopen) {
				if err == nil {
					err = r.err
				}
				if err != nil {
					return err
				}
				if !yield(row, nil) {
					return nil
				}
			}
			return r.err
		})
		if err != nil {
			yield(mapi.Row{}, f.s.fail("list items", err))
		}
	}
}

// maxKept is how many rows a table that is sorted in memory may have for their columns to be kept there too. Those of
// larger ones are read again when the order is known.
const maxKept = 100_000

func (r *rowReader) reopen(p plan) (func(mapi.EntryID) (mapi.Record, error), error) {
	if len(p.rest.Sort) == 0 || p.rest.Limit > 0 {
		return nil, nil
	}
	row, err := findFolder(r.ctx, r.q, r.f.fid)
	if err != nil || row.items+row.associated+row.softDeleted <= maxKept {
		return nil, err
	}
	return func(id mapi.EntryID) (mapi.Record, error) {
		mid, err := r.f.itemID(id)
		if err != nil {
			return mapi.Record{}, err
		}
		it, err := findItem(r.ctx, r.q, r.f.fid, mid)
		if err != nil {
			return mapi.Record{}, r.s.fail("list items", err)
		}
		return r.record(it), nil
	}, nil
}

// rowReader reads items for a table.
type rowReader struct {
	ctx context.Context
	s   *Store
	q   querier
	f   *Folder
	err error // of a property that was asked for
}

func (r *rowReader) records(q mapi.Query, p plan) iter.Seq2[mapi.Record, error] {
	return func(yield func(mapi.Record, error) bool) {
		query, args := p.sql(r.f.fid, q)
		rows, err := r.q.QueryContext(r.ctx, query, args...)
		if err != nil {
			yield(mapi.Record{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			it := &item{}
			if err := rows.Scan(append(it.fields(), &it.topData)...); err != nil {
				yield(mapi.Record{}, err)
				return
			}
			if !yield(r.record(it), r.err) || r.err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(mapi.Record{}, err)
		}
	}
}

// record is an item as package mapi sees it.
func (r *rowReader) record(it *item) mapi.Record {
	return mapi.Record{
		ID:  r.s.MessageEntryID(it.folder, it.mid),
		Get: func(k mapi.Key) mapi.Value { return r.get(it, k) },
		Sub: func(t mapi.Tag) iter.Seq[mapi.Props] { return r.parts(it, t) },
	}
}

// get is a property of an item as tables see it, nil when it has none.
func (r *rowReader) get(it *item, k mapi.Key) mapi.Value {
	if k.Named() {
		return r.stored(it, k)
	}
	v, isText, ok := it.column(k.Tag)
	switch {
	case ok && isText && it.narrow: // what was given comes first, in the type that it has
		if given := r.stored(it, k); given != nil {
			return given
		}
		if r.stored(it, k.WithType(mapi.TypeString8)) != nil {
			return nil
		}
		return v
	case ok:
		return v
	case k.Tag == pid.TagSubjectPrefix:
		if given := r.stored(it, k); given != nil {
			return given
		}
		var err error
		if it.top, err = r.s.props(r.ctx, r.q, r.topOf(it)); err != nil {
			r.fail(err)
		}
		return it.prop(r.s, k.Tag)
	case rowTags[k.Tag]:
		return it.prop(r.s, k.Tag)
	}
	return r.stored(it, k)
}

// stored is one of the item's own properties.
func (r *rowReader) stored(it *item, k mapi.Key) mapi.Value {
	tag, name := k.Tag, mapi.PropName{}
	if k.Named() {
		if id := r.s.knownName(k.Name); id != 0 {
			tag = mapi.NewTag(id, k.Type())
		} else {
			name = k.Name
		}
	}
	rec, ok, err := find(r.topOf(it), tag, name)
	if !ok || err != nil {
		r.fail(err)
		return nil
	}
	p, err := r.s.propOf(r.ctx, r.q, &rec)
	r.fail(err)
	return p.Value
}

// topOf is the encoding of the item's own properties.
func (r *rowReader) topOf(it *item) []byte {
	if it.topData == nil {
		var err error
		if it.topData, err = topData(r.ctx, r.q, it.content); err != nil {
			r.fail(err)
			it.topData = []byte{}
		}
	}
	return it.topData
}

// fail keeps the first error of a property: those who ask for it cannot be told.
func (r *rowReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// parts are the recipients or attachments of an item.
func (r *rowReader) parts(it *item, t mapi.Tag) iter.Seq[mapi.Props] {
	wanted := map[mapi.Tag]uint8{mapi.SubRecipients: opRecipient, mapi.SubAttachments: opAttachment}[t]
	return func(yield func(mapi.Props) bool) {
		var props mapi.Props
		inside := false
		err := eachPart(r.ctx, r.q, it.content, func(depth int, rec record) error {
			switch {
			case depth != 1:
			case rec.op == opEnd:
				if inside && !yield(props) {
					return errStop
				}
			case rec.op != opProp && rec.op != opBlob:
				inside, props = rec.op == wanted, nil
			case inside:
				p, err := r.s.propOf(r.ctx, r.q, &rec)
				props = append(props, p)
				return err
			}
			return nil
		})
		if err != errStop {
			r.fail(err)
		}
	}
}
