package exchangeserver_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// contents opens a table of the Inbox with the subjects as its column.
func (m *mailbox) contents() uint32 {
	m.t.Helper()
	_, table := one[*oxcrops.GetContentsTableResponse](m.rpc, m.inbox, &oxcrops.GetContentsTableRequest{Out: 1})
	one[*oxcrops.StatusResponse](m.rpc, table, &oxcrops.SetColumnsRequest{Tags: []mapi.Tag{pid.TagSubject}})
	return table
}

// next reads rows from the cursor on and gives their subjects.
func (m *mailbox) next(table uint32, n int) []string {
	m.t.Helper()
	return m.query(table, &oxcrops.QueryRowsRequest{ForwardRead: true, RowCount: uint16(n)})
}

func (m *mailbox) query(table uint32, q *oxcrops.QueryRowsRequest) []string {
	m.t.Helper()
	resp, _ := one[*oxcrops.QueryRowsResponse](m.rpc, table, q)
	return subjects(resp.Rows)
}

func subjects(rows []oxcdata.PropertyRow) (list []string) {
	for _, r := range rows {
		s, _ := r.Values[0].(string)
		list = append(list, s)
	}
	return list
}

func (m *mailbox) shows(what string, got []string, want ...string) {
	m.t.Helper()
	if !slices.Equal(got, want) {
		m.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func (m *mailbox) seek(table uint32, origin uint8, n int32) *oxcrops.SeekRowResponse {
	m.t.Helper()
	resp, _ := one[*oxcrops.SeekRowResponse](m.rpc, table, &oxcrops.SeekRowRequest{Origin: origin, RowCount: n, WantRowMovedCount: true})
	return resp
}

// letters fills the Inbox with messages a to f.
func (m *mailbox) letters() []oxcdata.ID {
	var ids []oxcdata.ID
	for i, s := range []string{"a", "b", "c", "d", "e", "f"} {
		ids = append(ids, m.mail(s, pid.TagImportance, int32(i%3)))
	}
	return ids
}

func TestTableCursor(t *testing.T) {
	m := openMailbox(t)
	m.letters()
	table := m.contents()
	m.shows("first", m.next(table, 2), "a", "b")
	m.shows("then", m.next(table, 2), "c", "d")
	if p, _ := one[*oxcrops.QueryPositionResponse](m.rpc, table, &oxcrops.QueryPositionRequest{}); p.Numerator != 4 || p.Denominator != 6 {
		t.Errorf("position %d of %d", p.Numerator, p.Denominator)
	}
	m.shows("without moving", m.query(table, &oxcrops.QueryRowsRequest{QueryRowsFlags: oxcrops.QueryRowsNoAdvance, ForwardRead: true, RowCount: 10}), "e", "f")
	m.shows("backwards", m.query(table, &oxcrops.QueryRowsRequest{RowCount: 3}), "d", "c", "b")
	m.shows("on", m.next(table, 1), "b")
	if r := m.seek(table, oxcrops.BookmarkEnd, -2); r.RowsSought != -2 || r.HasSoughtLess {
		t.Errorf("seek %+v", r)
	}
	m.shows("near the end", m.next(table, 10), "e", "f")
	m.shows("at the end", m.next(table, 10))
	if r := m.seek(table, oxcrops.BookmarkBeginning, 100); r.RowsSought != 6 || !r.HasSoughtLess {
		t.Errorf("seek %+v", r)
	}
	one[*oxcrops.PlainResponse](m.rpc, table, &oxcrops.SeekRowFractionalRequest{Numerator: 1, Denominator: 2})
	m.shows("in the middle", m.next(table, 1), "d")
	m.fails(mapi.ErrInvalidBookmark, table, &oxcrops.SeekRowFractionalRequest{Numerator: 1})
	m.fails(mapi.ErrInvalidParameter, table, &oxcrops.QueryRowsRequest{ForwardRead: true})
	m.fails(mapi.ErrUnableToAbort, table, &oxcrops.AbortRequest{})
	one[*oxcrops.PlainResponse](m.rpc, table, &oxcrops.ResetTableRequest{})
	m.fails(mapi.ErrNotInitialized, table, &oxcrops.QueryRowsRequest{ForwardRead: true, RowCount: 1})
	if all, _ := one[*oxcrops.QueryColumnsAllResponse](m.rpc, table, &oxcrops.QueryColumnsAllRequest{}); !slices.Contains(all.Tags, pid.TagMid) {
		t.Errorf("columns %v", all.Tags)
	}
}

// TestChangingTable deletes rows before and behind the cursor while a table is read.
func TestChangingTable(t *testing.T) {
	m := openMailbox(t)
	ids := m.letters()
	table := m.contents()
	m.shows("first", m.next(table, 3), "a", "b", "c")
	m.seek(table, oxcrops.BookmarkCurrent, 0)
	mark, _ := one[*oxcrops.CreateBookmarkResponse](m.rpc, table, &oxcrops.CreateBookmarkRequest{})
	one[*oxcrops.PartialResponse](m.rpc, m.inbox, &oxcrops.HardDeleteMessagesRequest{MessageIDs: ids[:1]})
	at, _ := one[*oxcrops.SeekRowBookmarkResponse](m.rpc, table, &oxcrops.SeekRowBookmarkRequest{Bookmark: mark.Bookmark})
	if at.RowNoLongerVisible {
		t.Error("the bookmark's row is said to be gone")
	}
	m.shows("from the bookmark", m.next(table, 1), "d")
	one[*oxcrops.PartialResponse](m.rpc, m.inbox, &oxcrops.HardDeleteMessagesRequest{MessageIDs: ids[2:3]})
	if at, _ := one[*oxcrops.SeekRowBookmarkResponse](m.rpc, table, &oxcrops.SeekRowBookmarkRequest{Bookmark: mark.Bookmark}); !at.RowNoLongerVisible {
		t.Error("the bookmark's row isn't said to be gone")
	}
	one[*oxcrops.PlainResponse](m.rpc, table, &oxcrops.FreeBookmarkRequest{Bookmark: mark.Bookmark})
	m.fails(mapi.ErrInvalidBookmark, table, &oxcrops.SeekRowBookmarkRequest{Bookmark: mark.Bookmark})
	m.fails(mapi.ErrInvalidBookmark, table, &oxcrops.FreeBookmarkRequest{Bookmark: []byte("what")})
	m.seek(table, oxcrops.BookmarkBeginning, 0)
	m.shows("all", m.next(table, 10), "b", "d", "e", "f")
}

func TestTableSortRestrictFind(t *testing.T) {
	m := openMailbox(t)
	m.letters()
	table := m.contents()
	one[*oxcrops.StatusResponse](m.rpc, table, &oxcrops.SortTableRequest{SortOrders: []oxcdata.Sort{{Tag: pid.TagImportance}, {Tag: pid.TagSubject, Order: 1}}})
	m.shows("sorted", m.next(table, 10), "d", "a", "e", "b", "f", "c")
	important := mapi.ResProperty{Op: mapi.RelGE, Key: mapi.TagKey(pid.TagImportance), Value: int32(1)}
	one[*oxcrops.StatusResponse](m.rpc, table, &oxcrops.RestrictRequest{RestrictionData: important})
	m.shows("restricted", m.next(table, 10), "e", "b", "f", "c")
	find := func(flags, origin uint8, s string) *oxcrops.FindRowRequest {
		return &oxcrops.FindRowRequest{FindRowFlags: flags, Origin: origin, RestrictionData: mapi.ResContent{
			Fuzzy: mapi.FuzzyFullString | mapi.FuzzyIgnoreCase, Key: mapi.TagKey(pid.TagSubject), Value: s}}
	}
	found, _ := one[*oxcrops.FindRowResponse](m.rpc, table, find(0, oxcrops.BookmarkBeginning, "F"))
	if !found.HasRowData || found.Row.Values[0] != "f" {
		t.Errorf("found %+v", found)
	}
	m.shows("from what was found", m.next(table, 10), "f", "c")
	m.fails(mapi.ErrNotFound, table, find(0, oxcrops.BookmarkCurrent, "e"))
	m.fails(mapi.ErrNotFound, table, find(0, oxcrops.BookmarkBeginning, "a")) // it is there, but restricted away
	backwards, _ := one[*oxcrops.FindRowResponse](m.rpc, table, find(1, oxcrops.BookmarkEnd, "e"))
	if backwards.Row.Values[0] != "e" {
		t.Errorf("found backwards %+v", backwards)
	}
	one[*oxcrops.StatusResponse](m.rpc, table, &oxcrops.RestrictRequest{})
	m.shows("no longer restricted", m.next(table, 10), "d", "a", "e", "b", "f", "c")
	m.fails(mapi.ErrTooComplex, table, &oxcrops.SortTableRequest{CategoryCount: 1, SortOrders: []oxcdata.Sort{{Tag: pid.TagImportance}}})
	m.fails(mapi.ErrInvalidParameter, table, &oxcrops.SetColumnsRequest{})
	m.fails(mapi.ErrInvalidParameter, m.inbox, &oxcrops.GetContentsTableRequest{Out: 1, TableFlags: 0x01})
}

// TestPackedRows reads a table larger than one buffer: rows come packed when the client allows it, and never more of them
// than it asked for.
func TestPackedRows(t *testing.T) {
	m := openMailbox(t)
	const all = 200
	for i := range all {
		m.mail(fmt.Sprintf("%0250d", i))
	}
	table := m.contents()
	m.flags, m.maxOut = oxcmapihttp.ExecuteChain, 0x40000
	for _, n := range []uint16{0xFFFF, 90} {
		m.seek(table, oxcrops.BookmarkBeginning, 0)
		seen := 0
		for {
			resps, _ := m.call([]uint32{table}, &oxcrops.QueryRowsRequest{QueryRowsFlags: oxcrops.QueryRowsEnablePackedBuffers, ForwardRead: true, RowCount: n})
			got, end := 0, false
			for _, x := range resps {
				r := x.(*oxcrops.QueryRowsResponse)
				for _, s := range subjects(r.Rows) {
					if want := fmt.Sprintf("%0250d", seen); s != want {
						t.Fatalf("row %d is %s", seen, s)
					}
					seen++
					got++
				}
				end = r.Origin == oxcrops.BookmarkEnd
			}
			if got > int(n) {
				t.Fatalf("%d rows, %d were asked for", got, n)
			}
			if n == 0xFFFF && len(resps) < 2 {
				t.Error("nothing was packed")
			}
			for _, size := range m.sizes {
				if size > 32<<10+100 {
					t.Errorf("a payload of %d bytes", size)
				}
			}
			if end || got == 0 {
				break
			}
		}
		if seen != all {
			t.Errorf("%d rows of %d", seen, all)
		}
	}
}
