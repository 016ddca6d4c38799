package exchangeserver

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// rows is what a table shows.
type rows interface {
	// list answers a query; ids are unique within the table.
	list(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error]
	// columns are those that the table's rows can have ([MS-OXCTABL] 2.2.2.13).
	columns() []mapi.Tag
}

// table is a table that a client has open ([MS-OXCTABL] 3.2.1).
type table struct {
	lg     *logon
	source rows
	kind   mapi.Kind

	tags    []mapi.Tag // columns; nil until they are set
	columns []mapi.Key
	where   mapi.Restriction
	sort    []mapi.Sort

	pos       int // of the cursor, in rows from the beginning
	last      mapi.EntryID
	cursor    *cursor // open after a read that didn't reach the end
	bookmarks map[uint32]bookmark
	nextMark  uint32

	shows   func(Event) bool // what changes it; nil: its client isn't told
	watched uint32           // the handle, once it is watched
	notes   *notes
}

// bookmark is a place in a table: behind a row, at a number of rows from the beginning.
type bookmark struct {
	pos  int
	last mapi.EntryID
}

func (t *table) close() {
	t.unwatch()
	t.drop()
}

// drop ends the reading of rows in order.
func (t *table) drop() {
	if t.cursor != nil {
		t.cursor.close()
		t.cursor = nil
	}
}

// query is the query for all rows, with columns if wanted.
func (t *table) query(columns []mapi.Key) mapi.Query {
	return mapi.Query{Kind: t.kind, Columns: columns, Where: t.where, Sort: t.sort}
}

// cursorIdle is how long a cursor that nobody reads from keeps the store's snapshot of the table open. A client that reads
// on later finds its place by the last row that it got.
const cursorIdle = 5 * time.Second

// maxCursors bounds those of a session.
const maxCursors = 8

// cursor reads the rows of a table in order, as they were when it was opened.
type cursor struct {
	mu   sync.Mutex
	next func() (mapi.Row, error, bool)
	stop func()
	idle *time.Timer
	done bool
	held *mapi.Row // read, but not used
}

func newCursor(seq iter.Seq2[mapi.Row, error]) *cursor {
	c := &cursor{}
	c.next, c.stop = iter.Pull2(seq)
	c.idle = time.AfterFunc(cursorIdle, c.close)
	return c
}

// read gives the next row; ok is false at the end, and alive when the cursor was closed meanwhile.
func (c *cursor) read() (row mapi.Row, ok, alive bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return row, false, false, nil
	}
	c.idle.Reset(cursorIdle)
	if c.held != nil {
		row, c.held = *c.held, nil
		return row, true, true, nil
	}
	row, err, ok = c.next()
	return row, ok && err == nil, true, err
}

// unread gives a row back.
func (c *cursor) unread(r mapi.Row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = &r
}

func (c *cursor) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done {
		c.done = true
		c.idle.Stop()
		c.stop()
	}
}

// reader gives the cursor for the rows from the table's position on.
func (t *table) reader(c *call) (*cursor, error) {
	if t.cursor != nil {
		return t.cursor, nil
	}
	q := t.query(t.columns)
	if t.pos > 0 {
		// The row before must still be where it was; else the place behind it is looked for.
		if err := t.relocate(c); err != nil {
			return nil, err
		}
	}
	q.Offset = t.pos
	open := 0
	for _, o := range c.s.objects {
		if x, ok := o.obj.(*table); ok && x.cursor != nil {
			if open++; open >= maxCursors {
				x.drop()
			}
		}
	}
	t.cursor = newCursor(t.source.list(c.s.ctx, q))
	return t.cursor, nil
}

// relocate finds the position behind the last row again, if rows came or went before it.
func (t *table) relocate(c *call) error {
	if t.last == "" {
		return nil
	}
	q := t.query(nil)
	q.Offset, q.Limit = t.pos-1, 1
	for r, err := range t.source.list(c, q) {
		if err != nil {
			return err
		}
		if r.ID == t.last {
			return nil
		}
	}
	pos, found, err := t.find(c, t.last)
	if err != nil {
		return err
	}
	if found {
		t.pos = pos + 1
		return nil
	}
	n, err := t.count(c)
	t.pos = min(t.pos, n)
	return err
}

// find gives the position of a row.
func (t *table) find(c *call, id mapi.EntryID) (pos int, found bool, err error) {
	for r, err := range t.source.list(c, t.query(nil)) {
		if err != nil {
			return 0, false, err
		}
		if r.ID == id {
			return pos, true, nil
		}
		pos++
	}
	return 0, false, nil
}

// count is the number of rows.
func (t *table) count(c *call) (n int, err error) {
	for _, err := range t.source.list(c, t.query(nil)) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// seek puts the cursor somewhere.
func (t *table) seek(pos int) {
	t.drop()
	t.pos, t.last = pos, ""
}

// reset puts the cursor to the beginning of a changed table; bookmarks mean nothing in it ([MS-OXCTABL] 3.2.5.2).
func (t *table) reset() {
	t.seek(0)
	t.bookmarks = nil
}

// maxColumns bounds the columns of a table: their tags must fit a request.
const maxColumns = 4096

// setColumns is RopSetColumns ([MS-OXCTABL] 3.2.5.1).
func (c *call) setColumns(q *oxcrops.SetColumnsRequest) (oxcrops.Response, error) {
	t, err := get[*table](c, q.In)
	if err != nil {
		return nil, err
	}
	if len(q.Tags) == 0 || len(q.Tags) > maxColumns {
		return nil, errorf(mapi.ErrInvalidParameter, "%d columns", len(q.Tags))
	}
	for _, tag := range q.Tags {
		if !columnType(tag.Type()) {
			return nil, errorf(mapi.ErrInvalidParameter, "column %v", tag)
		}
	}
	keys, err := t.lg.keys(c, q.Tags)
	if err != nil {
		return nil, err
	}
	t.drop()
	t.tags, t.columns = slices.Clone(q.Tags), keys
	t.watch(c, c.handles[q.In])
	return nil, nil
}

// columnType tells whether values of a type can stand in a row.
func columnType(t mapi.Type) bool {
	if t&mapi.MultiInstance != 0 && t&mapi.MultiValue == 0 {
		return false
	}
	switch t.Base() {
	case mapi.TypeInt16, mapi.TypeInt32, mapi.TypeInt64, mapi.TypeFloat32, mapi.TypeFloat64, mapi.TypeCurrency, mapi.TypeAppTime,
		mapi.TypeTime, mapi.TypeGUID, mapi.TypeString, mapi.TypeString8, mapi.TypeBinary:
		return true
	case mapi.TypeBool, mapi.TypeError, mapi.TypeServerID, mapi.TypeObject, mapi.TypeRestriction, mapi.TypeRuleAction:
		return t&mapi.MultiValue == 0
	}
	return false
}

// sortTable is RopSortTable ([MS-OXCTABL] 3.2.5.2).
func (c *call) sortTable(q *oxcrops.SortTableRequest) (oxcrops.Response, error) {
	t, err := get[*table](c, q.In)
	if err != nil {
		return nil, err
	}
	if _, ok := t.source.(sortable); !ok {
		return nil, mapi.ErrNoSupport
	}
	switch {
	case q.CategoryCount > 0 || q.ExpandedCount > 0:
		return nil, errorf(mapi.ErrTooComplex, "categories")
	}
	for _, o := range q.SortOrders {
		if !columnType(o.Tag.Type()) || o.Tag.Type() == mapi.TypeObject || o.Order != sortAscending && o.Order != sortDescending {
			return nil, errorf(mapi.ErrInvalidParameter, "sort column %v", o.Tag)
		}
	}
	order, err := t.lg.sorted(c, q.SortOrders)
	if err != nil {
		return nil, err
	}
	t.reset()
	t.sort = order
	return nil, nil
}

// sortable are rows that can be sorted and restricted.
type sortable interface{ sortable() }

// restrict is RopRestrict ([MS-OXCTABL] 3.2.5.3).
func (c *call) restrict(q *oxcrops.RestrictRequest) (oxcrops.Response, error) {
	t, err := get[*table](c, q.In)
	if err != nil {
		return nil, err
	}
	if _, ok := t.source.(sortable); !ok {
		return nil, mapi.ErrNoSupport
	}
	where, err := c.filter(t, q.RestrictionData)
	if err != nil {
		return nil, err
	}
	t.reset()
	t.where = where
	return nil, nil
}

// filter prepares a restriction for a table.
func (c *call) filter(t *table, r mapi.Restriction) (mapi.Restriction, error) {
	where, err := t.lg.restriction(c, r)
	if err != nil {
		return nil, err
	}
	_, err = mapi.NewFilter(where)
	return where, err
}

// rowFraming is a response of RopQueryRows without its rows.
const rowFraming = replySize + 1 + 2

// queryRows is RopQueryRows ([MS-OXCTABL] 3.2.5.4).
func (c *call) queryRows(q *oxcrops.QueryRowsRequest) (oxcrops.Response, error) {
	t, err := get[*table](c, q.In)
	if err != nil {
		return nil, err
	}
	if t.tags == nil {
		return nil, mapi.ErrNotInitialized
	}
	if q.RowCount == 0 {
		return nil, mapi.ErrInvalidParameter
	}
	q.Columns = t.tags
	resp := &oxcrops.QueryRowsResponse{Origin: oxcrops.BookmarkCurrent}
	before := bookmark{t.pos, t.last}
	if q.ForwardRead {
		err = c.forward(t, int(q.RowCount), resp)
	} else {
		err = c.backward(t, int(q.RowCount), resp)
	}
	if err != nil {
		return nil, err
	}
	if q.QueryRowsFlags&oxcrops.QueryRowsNoAdvance != 0 {
		t.drop()
		t.pos, t.last = before.pos, before.last
	}
	return resp, nil
}

func (c *call) forward(t *table, n int, resp *oxcrops.QueryRowsResponse) error {
	cur, err := t.reader(c)
	if err != nil {
		return err
	}
	left := c.room - rowFraming
	for len(resp.Rows) < n {
		r, ok, alive, err := cur.read()
		if err != nil {
			t.drop()
			return err
		}
		if !alive { // it was closed for being idle
			t.cursor = nil
			if cur, err = t.reader(c); err != nil {
				return err
			}
			continue
		}
		if !ok {
			resp.Origin = oxcrops.BookmarkEnd
			t.drop()
			return nil
		}
		row, size, err := c.row(t, r)
		if err != nil {
			return err
		}
		if left -= size; left < 0 {
			cur.unread(r)
			if len(resp.Rows) == 0 {
				return mapi.ErrBufferTooSmall
			}
			return nil
		}
		resp.Rows = append(resp.Rows, row)
		t.pos++
		t.last = r.ID
	}
	return nil
}

// backward reads the rows before the cursor, the nearest first, and puts it before them.
func (c *call) backward(t *table, n int, resp *oxcrops.QueryRowsResponse) error {
	if err := t.relocate(c); err != nil {
		return err
	}
	q := t.query(t.columns)
	q.Offset = max(t.pos-n, 0)
	q.Limit = t.pos - q.Offset
	var list []mapi.Row
	if q.Limit > 0 {
		for r, err := range t.source.list(c, q) {
			if err != nil {
				return err
			}
			list = append(list, r)
		}
	}
	left := c.room - rowFraming
	slices.Reverse(list)
	for _, r := range list {
		row, size, err := c.row(t, r)
		if err != nil {
			return err
		}
		if left -= size; left < 0 {
			break
		}
		resp.Rows = append(resp.Rows, row)
	}
	if len(resp.Rows) == 0 && len(list) > 0 {
		return mapi.ErrBufferTooSmall
	}
	t.seek(t.pos - len(resp.Rows))
	if t.pos == 0 {
		resp.Origin = oxcrops.BookmarkBeginning
	}
	return nil
}

// row is a row for a response, and its size.
func (c *call) row(t *table, r mapi.Row) (oxcdata.PropertyRow, int, error) {
	row := oxcdata.PropertyRow{Values: make([]mapi.Value, len(t.tags))}
	for i, tag := range t.tags {
		v := c.tableValue(t.columns[i], r.Values[i])
		if v == nil {
			v = mapi.ErrNotFound
		}
		row.Values[i] = v
		switch tag.Type().Base() {
		case mapi.TypeString, mapi.TypeString8, mapi.TypeObject, mapi.TypeRestriction, mapi.TypeRuleAction:
			t := tag.Type()
			if t&mapi.MultiInstance != 0 {
				t = t.Base()
			}
			row.Values[i] = sendable(t, v)
		}
	}
	n, err := encodedSize(func(cd *oxcdata.Coder) { cd.PropertyRow(t.tags, &row) })
	return row, n, err
}

// tableValue gives columns that say something of the table and not of the object ([MS-OXCTABL] 2.2.1).
func (c *call) tableValue(k mapi.Key, v mapi.Value) mapi.Value {
	if v == nil && !k.Named() {
		switch k.Tag {
		case pid.TagRowType:
			return rowLeaf
		case pid.TagInstanceNum:
			return int32(0)
		}
	}
	return v
}

// rowLeaf is PidTagRowType of a row that is no category ([MS-OXCTABL] 2.2.1.3).
const rowLeaf int32 = 1

// queryPosition is RopQueryPosition ([MS-OXCTABL] 3.2.5.7).
func (c *call) queryPosition(q *oxcrops.QueryPositionRequest) (oxcrops.Response, error) {
	t, err := get[*table](c, q.In)
	if err != nil {
		return nil, err
	}
	if t.tags == nil {
		return nil, mapi.ErrNotInitialized
	}
	n, err := t.count(c)
	return &oxcrops.QueryPositionResponse{Numerator: uint32(min(t.pos, n)), Denominator: uint32(n)}, err
}
