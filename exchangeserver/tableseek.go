package exchangeserver

import (
	"encoding/binary"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// origin is the position that an origin and a bookmark name, and whether the bookmark's row is still there.
func (t *table) origin(c *call, origin uint8, mark []byte) (pos int, gone bool, err error) {
	switch origin {
	case oxcrops.BookmarkBeginning:
		return 0, false, nil
	case oxcrops.BookmarkCurrent:
		err := t.relocate(c)
		return t.pos, false, err
	case oxcrops.BookmarkEnd:
		n, err := t.count(c)
		return n, false, err
	case oxcrops.BookmarkCustom:
		return t.marked(c, mark)
	}
	return 0, false, errorf(mapi.ErrInvalidParameter, "origin %d", origin)
}

// marked is the position of a bookmark.
func (t *table) marked(c *call, mark []byte) (pos int, gone bool, err error) {
	b, _, err := t.bookmark(mark)
	if err != nil {
		return 0, false, err
	}
	if b.last == "" {
		n, err := t.count(c)
		return min(b.pos, n), b.pos > n, err
	}
	at, found, err := t.find(c, b.last)
	if err != nil || found {
		return at + 1, false, err
	}
	n, err := t.count(c)
	return min(b.pos, n), true, err
}

func (t *table) bookmark(mark []byte) (bookmark, uint32, error) {
	if len(mark) == 4 {
		n := binary.LittleEndian.Uint32(mark)
		if b, ok := t.bookmarks[n]; ok {
			return b, n, nil
		}
	}
	return bookmark{}, 0, mapi.ErrInvalidBookmark
}

// move puts the cursor n rows from a position, within the table; it gives the rows that it went.
func (t *table) move(c *call, from int, n int32) (went int32, err error) {
	total, err := t.count(c)
	if err != nil {
		return 0, err
	}
	to := min(max(int64(from)+int64(n), 0), int64(total))
	t.seek(int(to))
	return int32(to - int64(from)), nil
}

// set returns a table whose columns are set.
func setTable(c *call, in uint8) (*table, error) {
	t, err := get[*table](c, in)
	if err == nil && t.tags == nil {
		return nil, mapi.ErrNotInitialized
	}
	return t, err
}

// seekRow is RopSeekRow ([MS-OXCTABL] 3.2.5.8).
func (c *call) seekRow(q *oxcrops.SeekRowRequest) (oxcrops.Response, error) {
	t, err := setTable(c, q.In)
	if err != nil {
		return nil, err
	}
	if q.Origin == oxcrops.BookmarkCustom {
		return nil, mapi.ErrInvalidParameter
	}
	if q.Origin == oxcrops.BookmarkBeginning && q.RowCount == 0 {
		t.seek(0)
		return &oxcrops.SeekRowResponse{}, nil
	}
	from, _, err := t.origin(c, q.Origin, nil)
	if err != nil {
		return nil, err
	}
	went, err := t.move(c, from, q.RowCount)
	return &oxcrops.SeekRowResponse{HasSoughtLess: went != q.RowCount, RowsSought: went}, err
}

// seekRowBookmark is RopSeekRowBookmark ([MS-OXCTABL] 3.2.5.9).
func (c *call) seekRowBookmark(q *oxcrops.SeekRowBookmarkRequest) (oxcrops.Response, error) {
	t, err := bookmarked(c, q.In)
	if err != nil {
		return nil, err
	}
	from, gone, err := t.marked(c, q.Bookmark)
	if err != nil {
		return nil, err
	}
	went, err := t.move(c, from, q.RowCount)
	return &oxcrops.SeekRowBookmarkResponse{RowNoLongerVisible: gone, HasSoughtLess: went != q.RowCount, RowsSought: went}, err
}

// bookmarked is a table that can have bookmarks: attachment, rules and permissions tables cannot.
func bookmarked(c *call, in uint8) (*table, error) {
	t, err := setTable(c, in)
	if err != nil {
		return nil, err
	}
	if _, ok := t.source.(sortable); !ok {
		return nil, mapi.ErrNoSupport
	}
	return t, nil
}

// seekRowFractional is RopSeekRowFractional ([MS-OXCTABL] 3.2.5.10).
func (c *call) seekRowFractional(q *oxcrops.SeekRowFractionalRequest) (oxcrops.Response, error) {
	t, err := bookmarked(c, q.In)
	if err != nil {
		return nil, err
	}
	if q.Denominator == 0 {
		return nil, mapi.ErrInvalidBookmark
	}
	n, err := t.count(c)
	if err != nil {
		return nil, err
	}
	t.seek(int(min(uint64(n)*uint64(q.Numerator)/uint64(q.Denominator), uint64(n))))
	return nil, nil
}

// maxBookmarks bounds those of a table.
const maxBookmarks = 1000

// createBookmark is RopCreateBookmark ([MS-OXCTABL] 3.2.5.11).
func (c *call) createBookmark(q *oxcrops.CreateBookmarkRequest) (oxcrops.Response, error) {
	t, err := bookmarked(c, q.In)
	if err != nil {
		return nil, err
	}
	if len(t.bookmarks) >= maxBookmarks {
		return nil, errorf(mapi.ErrNoMemory, "more than %d bookmarks", maxBookmarks)
	}
	b := bookmark{t.pos, t.last}
	if b.last == "" && b.pos > 0 { // the row before tells the place, whatever comes or goes
		one := t.query(nil)
		one.Offset, one.Limit = b.pos-1, 1
		for r, err := range t.source.list(c, one) {
			if err != nil {
				return nil, err
			}
			b.last = r.ID
		}
	}
	t.nextMark++
	if t.bookmarks == nil {
		t.bookmarks = map[uint32]bookmark{}
	}
	t.bookmarks[t.nextMark] = b
	return &oxcrops.CreateBookmarkResponse{Bookmark: binary.LittleEndian.AppendUint32(nil, t.nextMark)}, nil
}

// freeBookmark is RopFreeBookmark ([MS-OXCTABL] 3.2.5.14).
func (c *call) freeBookmark(q *oxcrops.FreeBookmarkRequest) (oxcrops.Response, error) {
	t, err := bookmarked(c, q.In)
	if err != nil {
		return nil, err
	}
	_, n, err := t.bookmark(q.Bookmark)
	if err != nil {
		return nil, err
	}
	delete(t.bookmarks, n)
	return nil, nil
}

// findBackwards as FindRowFlags looks towards the beginning.
const findBackwards = 0x01

// findRow is RopFindRow ([MS-OXCTABL] 3.2.5.13): the cursor goes to the first row that fulfils the restriction.
func (c *call) findRow(q *oxcrops.FindRowRequest) (oxcrops.Response, error) {
	t, err := bookmarked(c, q.In)
	if err != nil {
		return nil, err
	}
	q.Columns = t.tags
	where, err := c.filter(t, q.RestrictionData)
	if err != nil {
		return nil, err
	}
	from, gone, err := t.origin(c, q.Origin, q.Bookmark)
	if err != nil {
		return nil, err
	}
	pos, err := t.match(c, where, from, q.FindRowFlags&findBackwards != 0)
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.FindRowResponse{RowNoLongerVisible: gone}
	one := t.query(t.columns)
	one.Offset, one.Limit = pos, 1
	for r, err := range t.source.list(c, one) {
		if err != nil {
			return nil, err
		}
		row, _, err := c.row(t, r)
		if err != nil {
			return nil, err
		}
		resp.HasRowData, resp.Row = true, row
	}
	t.seek(pos)
	return resp, nil
}

// match finds the nearest row at or after a position, or before it, that fulfils a restriction. What fulfils it is a part
// of the table in the same order, so both lists are walked side by side.
func (t *table) match(c *call, where mapi.Restriction, from int, backwards bool) (int, error) {
	found := t.query(nil)
	if found.Where != nil && where != nil {
		found.Where = mapi.ResAnd{found.Where, where}
	} else if where != nil {
		found.Where = where
	}
	matches := map[mapi.EntryID]bool{}
	for r, err := range t.source.list(c, found) {
		if err != nil {
			return 0, err
		}
		matches[r.ID] = true
	}
	pos, best := 0, -1
	for r, err := range t.source.list(c, t.query(nil)) {
		if err != nil {
			return 0, err
		}
		if matches[r.ID] {
			if !backwards && pos >= from {
				return pos, nil
			}
			if backwards && pos < from {
				best = pos
			}
		}
		if pos++; backwards && pos >= from {
			break
		}
	}
	if best < 0 {
		return 0, mapi.ErrNotFound
	}
	return best, nil
}

// queryColumns is RopQueryColumnsAll ([MS-OXCTABL] 3.2.5.12).
func (c *call) queryColumns(q *oxcrops.QueryColumnsAllRequest) (oxcrops.Response, error) {
	t, err := get[*table](c, q.In)
	if err != nil {
		return nil, err
	}
	return &oxcrops.QueryColumnsAllResponse{Tags: t.source.columns()}, nil
}

// resetTable is RopResetTable ([MS-OXCTABL] 3.2.5.15).
func (c *call) resetTable(q *oxcrops.ResetTableRequest) (oxcrops.Response, error) {
	t, err := get[*table](c, q.In)
	if err != nil {
		return nil, err
	}
	t.reset()
	t.tags, t.columns, t.where, t.sort = nil, nil, nil, nil
	return nil, nil
}

// getStatus is RopGetStatus ([MS-OXCTABL] 3.2.5.6): everything is complete when it is answered.
func (c *call) getStatus(q *oxcrops.GetStatusRequest) (oxcrops.Response, error) {
	_, err := get[*table](c, q.In)
	return nil, err
}

// abort is RopAbort ([MS-OXCTABL] 3.2.5.5): there is never anything to abort.
func (c *call) abort(q *oxcrops.AbortRequest) (oxcrops.Response, error) {
	if _, err := get[*table](c, q.In); err != nil {
		return nil, err
	}
	return nil, mapi.ErrUnableToAbort
}
