package mapi

import (
	"container/heap"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// maxCellBytes is how much of a large value a table shows, as in Exchange.
const maxCellBytes = 510

// Select answers a query over the items of a folder for providers that have no tables of their own. rows are all items
// of q.Kind; a Record is used only until the next one is asked for. The order of rows stays where q.Sort doesn't decide.
//
// Without a sort order, rows pass through one by one. With one, the whole table is held in memory, or with q.Limit as
// many rows as are wanted: with their columns, or if reopen isn't nil only with their ids and sort columns. reopen finds
// an item again by its id; rows for which it says ErrNotFound are left out.
//
// A string column is answered from the other string type when the item has only that. A column or sort column with
// MultiInstance in its type makes one row for each value of that property. Missing values sort first.
func Select(q Query, rows iter.Seq2[Record, error], reopen func(EntryID) (Record, error)) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		t, err := newTable(q)
		if err != nil {
			yield(Row{}, err)
			return
		}
		if len(q.Sort) == 0 {
			t.stream(rows, yield)
			return
		}
		t.keepColumns = reopen == nil
		if err := t.fill(rows); err != nil {
			yield(Row{}, err)
			return
		}
		t.emit(reopen, yield)
	}
}

type table struct {
	Query
	filter      *Filter
	instance    *Key // the property that makes several rows of one item, or nil
	keepColumns bool
	rows        tableRows
}

func newTable(q Query) (*table, error) {
	f, err := NewFilter(q.Where)
	if err != nil {
		return nil, err
	}
	t := &table{Query: q, filter: f, rows: tableRows{sort: q.Sort}}
	t.Offset = max(t.Offset, 0)
	for _, k := range q.Columns {
		if err := t.instanceOf(k); err != nil {
			return nil, err
		}
	}
	for _, s := range q.Sort {
		if err := t.instanceOf(s.Key); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// instanceOf notes the property that makes several rows; a table can have only one.
func (t *table) instanceOf(k Key) error {
	if k.Type()&MultiInstance == 0 {
		return nil
	}
	if t.instance != nil && *t.instance != k {
		return &Error{Op: "list items", Code: ErrTooComplex, Err: fmt.Errorf("%v and %v both ask for a row per value", *t.instance, k)}
	}
	t.instance = &k
	return nil
}

// matching calls do for every row of the table in the order of rows: for each item that the filter lets through once,
// or once for each value of the instance property, as long as it asks for more. n numbers the value, -1 stands for an
// item without any.
func (t *table) matching(rows iter.Seq2[Record, error], do func(r Record, n int) (more bool, err error)) error {
	for r, err := range rows {
		if err != nil {
			return err
		}
		ok, err := t.filter.Match(r)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		count := 0
		if t.instance != nil {
			v, _ := r.lookup(*t.instance)
			count = listLen(v)
		}
		first := 0
		if count <= 0 {
			first, count = -1, 0
		}
		for n := first; n < count; n++ {
			if more, err := do(r, n); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// cell is the value of a column: cut if large, one of several for a column with MultiInstance.
func cell(r Record, k Key, n int) (Value, error) {
	v, err := r.load(k, maxCellBytes)
	if err != nil {
		return nil, err
	}
	if k.Type()&MultiInstance != 0 {
		if n < 0 {
			return nil, nil
		}
		if listLen(v) >= 0 {
			if n >= listLen(v) {
				return nil, nil // the item changed since the row was counted
			}
			v = listAt(v, n)
		}
	}
	return withStringType(v, k.Type().Base()), nil
}

// withStringType converts strings, and lists of them, to the other string type as far as ASCII goes.
func withStringType(v Value, t Type) Value {
	switch v := v.(type) {
	case string:
		if t == TypeString8 {
			return ascii8(v)
		}
	case String8:
		if t == TypeString {
			return asciiText(string(v))
		}
	case []string:
		if t == TypeString8 {
			out := make([]String8, len(v))
			for i, s := range v {
				out[i] = ascii8(s)
			}
			return out
		}
	case []String8:
		if t == TypeString {
			out := make([]string, len(v))
			for i, s := range v {
				out[i] = asciiText(string(s))
			}
			return out
		}
	}
	return v
}

func ascii8(s string) String8 {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r >= 0x80 {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return String8(b)
}

func cells(r Record, keys []Key, n int) ([]Value, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	out := make([]Value, len(keys))
	for i, k := range keys {
		v, err := cell(r, k, n)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// stream lists the rows of a table without sort order.
func (t *table) stream(rows iter.Seq2[Record, error], yield func(Row, error) bool) {
	skip, left := t.Offset, t.Limit
	err := t.matching(rows, func(r Record, n int) (bool, error) {
		if skip > 0 {
			skip--
			return true, nil
		}
		values, err := cells(r, t.Columns, n)
		if err != nil {
			return false, err
		}
		left--
		return yield(Row{r.ID, values}, nil) && left != 0, nil
	})
	if err != nil {
		yield(Row{}, err)
	}
}

// fill reads and sorts the rows of a table with sort order.
func (t *table) fill(rows iter.Seq2[Record, error]) error {
	keep := 0
	if t.Limit > 0 {
		keep = t.Offset + t.Limit
	}
	keys := make([]Key, len(t.Sort))
	for i, s := range t.Sort {
		keys[i] = s.Key
	}
	number := 0
	err := t.matching(rows, func(r Record, n int) (more bool, err error) {
		row := tableRow{id: r.ID, number: number, instance: n}
		number++
		if row.sort, err = cells(r, keys, n); err != nil {
			return false, err
		}
		if keep > 0 && len(t.rows.list) == keep && t.rows.compare(&row, &t.rows.list[0]) >= 0 {
			return true, nil
		}
		if t.keepColumns {
			if row.columns, err = cells(r, t.Columns, n); err != nil {
				return false, err
			}
		}
		switch {
		case keep <= 0:
			t.rows.list = append(t.rows.list, row)
		case len(t.rows.list) < keep:
			heap.Push(&t.rows, row)
		default:
			t.rows.list[0] = row
			heap.Fix(&t.rows, 0)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(t.rows.list, func(a, b tableRow) int { return t.rows.compare(&a, &b) })
	return nil
}

func (t *table) emit(reopen func(EntryID) (Record, error), yield func(Row, error) bool) {
	list := t.rows.list
	for _, row := range list[min(t.Offset, len(list)):] {
		if !t.keepColumns && len(t.Columns) > 0 {
			r, err := reopen(row.id)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err == nil {
				row.columns, err = cells(r, t.Columns, row.instance)
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
		}
		if !yield(Row{row.id, row.columns}, nil) {
			return
		}
	}
}

type tableRow struct {
	id       EntryID
	number   int // the place in the order of the source, to keep it among equals
	instance int
	sort     []Value
	columns  []Value
}

// tableRows is the rows of a sorted table; as a heap it has the last of them on top.
type tableRows struct {
	sort []Sort
	list []tableRow
}

func (t *tableRows) compare(a, b *tableRow) int {
	for i, s := range t.sort {
		c := compareLoose(a.sort[i], b.sort[i])
		if c == 0 {
			continue
		}
		if s.Descending {
			return -c
		}
		return c
	}
	return a.number - b.number
}

func (t *tableRows) Len() int           { return len(t.list) }
func (t *tableRows) Less(i, j int) bool { return t.compare(&t.list[i], &t.list[j]) > 0 }
func (t *tableRows) Swap(i, j int)      { t.list[i], t.list[j] = t.list[j], t.list[i] }
func (t *tableRows) Push(x any)         { t.list = append(t.list, x.(tableRow)) }
func (t *tableRows) Pop() any {
	last := len(t.list) - 1
	x := t.list[last]
	t.list = t.list[:last]
	return x
}
