package exchange

import (
	"context"
	"iter"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// Table flags ([MS-OXCFOLD] 2.2.1.13, 2.2.1.14).
const (
	tableAssociated  = 0x02
	tableDepth       = 0x04
	tableDeferred    = 0x08
	tableSoftDeletes = 0x20
	tableUnicode     = 0x40
)

// Row reading ([MS-OXCTABL] 2.2.2.5).
const (
	queryPacked  = 0x02   // further rows in packed buffers, where the server likes
	queryMost    = 0xFFFF // the server gives as many as fit
	originEnd    = 2
	seekFromHere = 1
)

// table is an open table with its columns set.
type table struct {
	s       *session
	h       handle
	made    []handle // it and what it is a table of
	columns []mapi.Tag
}

// openTable runs a batch that ends in making a table in slot out, sets it up and reads the first rows, all in one call.
func openTable(ctx context.Context, s *session, b *batch, out uint8, columns []mapi.Tag, where mapi.Restriction, sort []oxcdata.Sort, skip int) (*table, []oxcdata.PropertyRow, bool, error) {
	b.add(&oxcrops.SetColumnsRequest{In: out, Tags: columns})
	if len(sort) > 0 {
		b.add(&oxcrops.SortTableRequest{In: out, SortOrders: sort})
	}
	if where != nil {
		b.add(&oxcrops.RestrictRequest{In: out, RestrictionData: where})
	}
	if skip > 0 {
		b.add(&oxcrops.SeekRowRequest{In: out, Origin: seekFromHere, RowCount: int32(skip)})
	}
	b.add(&oxcrops.QueryRowsRequest{In: out, QueryRowsFlags: queryPacked, ForwardRead: true, RowCount: queryMost, Columns: columns})
	res, err := s.execute(ctx, b)
	if err != nil {
		return nil, nil, false, err
	}
	t := &table{s: s, h: res.at(out), made: b.made(res), columns: columns}
	if err := res.check("open table"); err != nil {
		s.free(t.made...)
		return nil, nil, false, err
	}
	rows, end := rowsOf(res)
	return t, rows, end, nil
}

// more reads the next rows.
func (t *table) more(ctx context.Context) ([]oxcdata.PropertyRow, bool, error) {
	var b batch
	b.add(&oxcrops.QueryRowsRequest{In: b.in(t.h), QueryRowsFlags: queryPacked, ForwardRead: true, RowCount: queryMost, Columns: t.columns})
	res, err := t.s.execute(ctx, &b)
	if err != nil {
		return nil, false, err
	}
	if err := res.check("read table"); err != nil {
		return nil, false, err
	}
	rows, end := rowsOf(res)
	return rows, end, nil
}

// rowsOf collects the rows of an answer and of its packed buffers. A table is at its end when a read gives no rows.
func rowsOf(res *result) (rows []oxcdata.PropertyRow, end bool) {
	for _, x := range res.resps {
		if q, ok := x.(*oxcrops.QueryRowsResponse); ok {
			rows = append(rows, q.Rows...)
			end = q.Origin == originEnd || len(q.Rows) == 0
		}
	}
	return rows, end
}

// each yields all rows of a table, the first of which were read on opening it.
func (t *table) each(ctx context.Context, rows []oxcdata.PropertyRow, end bool) iter.Seq2[oxcdata.PropertyRow, error] {
	return func(yield func(oxcdata.PropertyRow, error) bool) {
		defer t.s.free(t.made...)
		for {
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
			if end {
				return
			}
			var err error
			if rows, end, err = t.more(ctx); err != nil {
				yield(oxcdata.PropertyRow{}, err)
				return
			}
		}
	}
}

// value is the i-th cell, nil when it is missing or an error.
func value(r oxcdata.PropertyRow, i int) mapi.Value {
	if _, failed := r.Values[i].(mapi.Code); failed {
		return nil
	}
	return r.Values[i]
}
