package exchange

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxnspi"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// AddressBook is the server's address book ([MS-OXNSPI], [MS-OXCMAPIHTTP] 2.2.5). It implements mapi.AddressBook; stores
// whose configuration says how to reach one do too, through it.
type AddressBook struct {
	t      bookTransport
	policy retry.Policy

	mu      sync.Mutex
	bound   bool
	reached bool // once
}

// NewAddressBook prepares the address book of a server; nothing is sent before the first question. Of cfg the fields that say
// how to reach it and the credentials are used.
func NewAddressBook(cfg Config) (*AddressBook, error) {
	t, err := newBookTransport(&cfg)
	if err != nil {
		return nil, err
	}
	return &AddressBook{t: t, policy: cfg.policy()}, nil
}

// newStat is a position at the beginning of the global list. Its code page is an 8-bit one, as a Bind demands ([MS-OXNSPI]
// 3.1.4.1.1); strings are asked for by their Unicode types all the same.
func newStat() *oxnspi.Stat {
	return &oxnspi.Stat{CodePage: codePage, TemplateLocale: localeID, SortLocale: localeID}
}

// ask does one exchange, binding first where there is no session, and again where it was lost: questions do no harm. A server
// that never answered is asked again only when it says that it is busy.
func (ab *AddressBook) ask(ctx context.Context, kind string, req, resp oxcmapihttp.Body) error {
	worth := func(err error) bool {
		ab.mu.Lock()
		defer ab.mu.Unlock()
		return isBusy(err) || ab.reached && retry.Transient(err)
	}
	return ab.policy.While(ctx, worth, func(int) error {
		err := ab.once(ctx, kind, req, resp)
		if lost(err) { // at once: a session that lay idle was stale
			err = ab.once(ctx, kind, req, resp)
		}
		return err
	})
}

func (ab *AddressBook) once(ctx context.Context, kind string, req, resp oxcmapihttp.Body) error {
	if err := ab.bind(ctx); err != nil {
		return err
	}
	err := ab.t.call(ctx, kind, req, resp)
	if lost(err) || retry.Transient(err) {
		ab.mu.Lock()
		ab.bound = false
		ab.mu.Unlock()
	}
	return err
}

func (ab *AddressBook) bind(ctx context.Context) error {
	ab.mu.Lock()
	defer ab.mu.Unlock()
	if ab.bound {
		return nil
	}
	err := ab.t.call(ctx, mapihttp.Bind, &oxcmapihttp.BindRequest{State: newStat()}, &oxcmapihttp.BindResponse{})
	if errors.Is(err, mapihttp.ErrUnauthorized) {
		return &mapi.Error{Op: "log on to the address book", Code: mapi.ErrLogonFailed, Err: err}
	}
	ab.bound = err == nil
	ab.reached = ab.reached || ab.bound
	return err
}

// Close ends the session.
func (ab *AddressBook) Close() error {
	ab.mu.Lock()
	defer ab.mu.Unlock()
	if !ab.bound {
		return nil
	}
	ab.bound = false
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	err := ab.t.call(ctx, mapihttp.Unbind, &oxcmapihttp.UnbindRequest{}, &oxcmapihttp.Empty{})
	if mapi.CodeOf(err) == unbindSuccess || lost(err) {
		return nil
	}
	return err
}

// unbindSuccess is the code that an Unbind answers with when it worked ([MS-OXNSPI] 2.2.1.2).
const unbindSuccess mapi.Code = 1

// Lists implements mapi.AddressBook.
func (ab *AddressBook) Lists(ctx context.Context) ([]mapi.AddressList, error) {
	var resp oxcmapihttp.GetSpecialTableResponse
	req := &oxcmapihttp.GetSpecialTableRequest{Flags: oxcmapihttp.SpecialUnicode, State: newStat(), Version: new(uint32)}
	if err := ab.ask(ctx, mapihttp.GetSpecialTable, req, &resp); err != nil {
		return nil, fmt.Errorf("list address lists: %w", err)
	}
	var lists []mapi.AddressList
	for _, row := range resp.Rows {
		ps := propsOf(row)
		l := mapi.AddressList{Name: ps.Text(pid.TagDisplayName), Props: ps}
		if id, ok := ps.Tag(pid.TagEntryId).([]byte); ok {
			l.ID = mapi.EntryID(id)
		}
		if d, ok := ps.Tag(pid.TagDepth).(int32); ok {
			l.Depth = int(d)
		}
		if id, ok := ps.Tag(pid.TagAddressBookContainerId).(int32); ok && id == 0 {
			l.IsGlobal = true
			if l.Name == "" {
				l.Name = "Global Address List"
			}
		}
		lists = append(lists, l)
	}
	return lists, nil
}

func propsOf(row []oxcdata.TaggedValue) mapi.Props {
	ps := make(mapi.Props, 0, len(row))
	for _, v := range row {
		if _, failed := v.Value.(mapi.Code); !failed && v.Value != nil {
			ps = append(ps, mapi.Prop{Key: mapi.TagKey(v.Tag), Value: v.Value})
		}
	}
	return ps
}

// container finds the id that positions carry for an address list; empty is the global list.
func (ab *AddressBook) container(ctx context.Context, list mapi.EntryID) (uint32, error) {
	if list == "" {
		return 0, nil
	}
	lists, err := ab.Lists(ctx)
	if err != nil {
		return 0, err
	}
	for _, l := range lists {
		if l.ID == list {
			id, _ := l.Props.Tag(pid.TagAddressBookContainerId).(int32)
			return uint32(id), nil
		}
	}
	return 0, &mapi.Error{Op: "open address list", Code: mapi.ErrNotFound}
}

// entryColumns are asked for when nothing else is.
var entryColumns = []mapi.Tag{
	pid.TagEntryId, pid.TagDisplayName, pid.TagSmtpAddress, pid.TagEmailAddress, pid.TagAddressType, pid.TagAccount,
	pid.TagDisplayType, pid.TagObjectType,
}

// columnsOf are the tags of keys with the entry id ahead. Address book properties have no names.
func columnsOf(keys []mapi.Key) []mapi.Tag {
	tags := []mapi.Tag{pid.TagEntryId}
	if len(keys) == 0 {
		return entryColumns
	}
	for _, k := range keys {
		if !k.Named() {
			tags = append(tags, k.Tag)
		}
	}
	return tags
}

// windowRows is how many entries are read at once.
const windowRows = 100

// Entries implements mapi.AddressBook.
func (ab *AddressBook) Entries(ctx context.Context, list mapi.EntryID, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		if err := ab.entries(ctx, list, q, yield); err != nil && err != errStopped {
			yield(mapi.Row{}, fmt.Errorf("list address entries: %w", err))
		}
	}
}

func (ab *AddressBook) entries(ctx context.Context, list mapi.EntryID, q mapi.Query, yield func(mapi.Row, error) bool) error {
	st := newStat()
	var err error
	if st.ContainerID, err = ab.container(ctx, list); err != nil {
		return err
	}
	columns := columnsOf(q.Columns)
	left := q.Limit
	emit := func(rows oxcmapihttp.Rows) error {
		for _, r := range rows.Rows {
			if !yield(rowOf(rows.Columns, r, q.Columns), nil) {
				return errStopped
			}
			if left--; left == 0 {
				return errStopped
			}
		}
		return nil
	}
	if q.Where != nil {
		return ab.matches(ctx, st, q, columns, emit)
	}
	if q.Offset > 0 {
		var moved oxcmapihttp.UpdateStatResponse
		st.Delta = int32(q.Offset)
		if err := ab.ask(ctx, mapihttp.UpdateStat, &oxcmapihttp.UpdateStatRequest{State: st, DeltaRequested: true}, &moved); err != nil {
			return err
		}
		if moved.State != nil {
			st = moved.State
		}
	}
	for st.CurrentRec != oxnspi.MidEnd {
		n := windowRows
		if left > 0 {
			n = min(n, left)
		}
		var resp oxcmapihttp.RowsResponse
		if err := ab.ask(ctx, mapihttp.QueryRows, &oxcmapihttp.QueryRowsRequest{State: st, RowCount: uint32(n), Columns: columns}, &resp); err != nil {
			return err
		}
		if err := emit(resp.Rows); err != nil {
			return err
		}
		if len(resp.Rows.Rows) == 0 || resp.State == nil {
			return nil
		}
		st = resp.State
	}
	return nil
}

// matches searches: the server gives the ids of what it found, which are then read a window at a time.
func (ab *AddressBook) matches(ctx context.Context, st *oxnspi.Stat, q mapi.Query, columns []mapi.Tag, emit func(oxcmapihttp.Rows) error) error {
	const most = 50000 // the server says so when it found more
	var found oxcmapihttp.GetMatchesResponse
	req := &oxcmapihttp.GetMatchesRequest{State: st, Filter: q.Where, RowCount: most, Columns: []mapi.Tag{pid.TagEntryId}}
	if err := ab.ask(ctx, mapihttp.GetMatches, req, &found); err != nil {
		return err
	}
	ids := found.MinIDs[min(q.Offset, len(found.MinIDs)):]
	for len(ids) > 0 {
		n := min(len(ids), windowRows)
		var resp oxcmapihttp.RowsResponse
		req := &oxcmapihttp.QueryRowsRequest{State: newStat(), Explicit: ids[:n], RowCount: uint32(n), Columns: columns}
		if err := ab.ask(ctx, mapihttp.QueryRows, req, &resp); err != nil {
			return err
		}
		if err := emit(resp.Rows); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// rowOf arranges the cells of a row as they were asked for.
func rowOf(columns []mapi.Tag, r oxcdata.PropertyRow, asked []mapi.Key) mapi.Row {
	cell := func(t mapi.Tag) mapi.Value {
		for i, c := range columns {
			if c == t && i < len(r.Values) {
				return value(r, i)
			}
		}
		return nil
	}
	row := mapi.Row{Values: make([]mapi.Value, len(asked))}
	if id, ok := cell(pid.TagEntryId).([]byte); ok {
		row.ID = mapi.EntryID(id)
	}
	for i, k := range asked {
		if !k.Named() {
			row.Values[i] = cell(k.Tag)
		}
	}
	return row
}

// Entry implements mapi.AddressBook.
func (ab *AddressBook) Entry(ctx context.Context, id mapi.EntryID, keys []mapi.Key) (mapi.Props, error) {
	var e oxcdata.AddressBookEntryID
	if err := oxcdata.Decode(oxcdata.ROP, []byte(id), func(c *oxcdata.Coder) { c.AddressBookEntryID(&e) }); err != nil || e.Provider != oxcdata.ProviderAddressBook {
		return nil, badEntry("an address", err)
	}
	var ids oxcmapihttp.MinIDsResponse
	if err := ab.ask(ctx, mapihttp.DNToMId, &oxcmapihttp.DNToMinIDRequest{Names: []mapi.String8{e.DN}}, &ids); err != nil {
		return nil, fmt.Errorf("open address entry: %w", err)
	}
	if len(ids.MinIDs) == 0 || ids.MinIDs[0] < oxnspi.MidFirst {
		return nil, &mapi.Error{Op: "open address entry", Object: string(e.DN), Code: mapi.ErrNotFound}
	}
	st := newStat()
	st.CurrentRec = ids.MinIDs[0]
	req := &oxcmapihttp.GetPropsRequest{State: st}
	if len(keys) > 0 {
		req.Tags = columnsOf(keys)
	}
	var resp oxcmapihttp.ValuesResponse
	if err := ab.ask(ctx, mapihttp.GetProps, req, &resp); err != nil {
		return nil, fmt.Errorf("open address entry: %w", err)
	}
	return propsOf(resp.Values), nil
}

// Resolve implements mapi.AddressBook.
func (ab *AddressBook) Resolve(ctx context.Context, name string, keys []mapi.Key) ([]mapi.Props, error) {
	if strings.HasPrefix(name, "/o=") || strings.HasPrefix(name, "/O=") {
		return ab.resolveDN(ctx, name, keys)
	}
	columns := columnsOf(keys)
	var resp oxcmapihttp.ResolveNamesResponse
	req := &oxcmapihttp.ResolveNamesRequest{State: newStat(), Tags: append(slices.Clone(columns), lastingTags...), Names: []string{name}}
	if err := ab.ask(ctx, mapihttp.ResolveNames, req, &resp); err != nil {
		return nil, fmt.Errorf("resolve %q: %w", name, err)
	}
	if len(resp.MinIDs) == 0 || resp.MinIDs[0] == oxnspi.MidUnresolved {
		return nil, &mapi.Error{Op: "resolve", Object: name, Code: mapi.ErrNotFound}
	}
	if resp.MinIDs[0] == oxnspi.MidResolved && len(resp.Rows.Rows) > 0 {
		ps := rowProps(resp.Rows.Columns, resp.Rows.Rows[0])
		lasting(ps)
		return []mapi.Props{slices.DeleteFunc(ps, func(p mapi.Prop) bool { return !slices.Contains(columns, p.Key.Tag) })}, nil
	}
	var all []mapi.Props
	q := mapi.Query{Where: mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagAnr), Value: name}}
	err := ab.matches(ctx, newStat(), q, columns, func(rows oxcmapihttp.Rows) error {
		for _, r := range rows.Rows {
			all = append(all, rowProps(rows.Columns, r))
		}
		return nil
	})
	switch {
	case len(all) == 0 && (err == nil || errors.Is(err, mapi.ErrNotFound)):
		// Some servers call ambiguous what they didn't find at all.
		return nil, &mapi.Error{Op: "resolve", Object: name, Code: mapi.ErrNotFound}
	case err != nil && !errors.Is(err, mapi.ErrTableTooBig):
		return nil, fmt.Errorf("resolve %q: %w", name, err)
	}
	return all, &mapi.Error{Op: "resolve", Object: name, Code: mapi.ErrAmbiguous}
}

// lastingTags are what an entry id that lasts is made of.
var lastingTags = []mapi.Tag{pid.TagEmailAddress, pid.TagDisplayType}

// ephemeral is the first byte of entry ids that are good in one session only ([MS-OXNSPI] 2.2.9.2). ResolveNames gives such.
const ephemeral = 0x87

// lasting puts an entry id that is good for ever in the place of one that is not ([MS-OXNSPI] 2.2.9.3).
func lasting(ps mapi.Props) {
	id, _ := ps.Tag(pid.TagEntryId).([]byte)
	dn := ps.Text(pid.TagEmailAddress)
	if len(id) == 0 || id[0] != ephemeral || !strings.HasPrefix(dn, "/") {
		return
	}
	kind, _ := ps.Tag(pid.TagDisplayType).(int32)
	e := oxcdata.AddressBookEntryID{Provider: oxcdata.ProviderAddressBook, Version: 1, Type: uint32(kind), DN: mapi.String8(dn)}
	ps.Set(mapi.TagKey(pid.TagEntryId), []byte(encodeID((*oxcdata.Coder).AddressBookEntryID, &e)))
}

func (ab *AddressBook) resolveDN(ctx context.Context, dn string, keys []mapi.Key) ([]mapi.Props, error) {
	e := oxcdata.AddressBookEntryID{Provider: oxcdata.ProviderAddressBook, Version: 1, DN: mapi.String8(dn)}
	ps, err := ab.Entry(ctx, encodeID((*oxcdata.Coder).AddressBookEntryID, &e), keys)
	if err != nil {
		return nil, err
	}
	return []mapi.Props{ps}, nil
}

func rowProps(columns []mapi.Tag, r oxcdata.PropertyRow) mapi.Props {
	var ps mapi.Props
	for i, c := range columns {
		if v := value(r, i); v != nil {
			ps = append(ps, mapi.Prop{Key: mapi.TagKey(c), Value: v})
		}
	}
	return ps
}

// errNoBook answers for stores without an address book endpoint.
var errNoBook = &mapi.Error{Op: "use the address book", Code: mapi.ErrNoSupport, Err: errors.New("the server named no address book endpoint")}

// Lists implements mapi.AddressBook.
func (st *Store) Lists(ctx context.Context) ([]mapi.AddressList, error) {
	if st.book == nil {
		return nil, errNoBook
	}
	return st.book.Lists(ctx)
}

// Entries implements mapi.AddressBook.
func (st *Store) Entries(ctx context.Context, list mapi.EntryID, q mapi.Query) iter.Seq2[mapi.Row, error] {
	if st.book == nil {
		return func(yield func(mapi.Row, error) bool) { yield(mapi.Row{}, errNoBook) }
	}
	return st.book.Entries(ctx, list, q)
}

// Entry implements mapi.AddressBook.
func (st *Store) Entry(ctx context.Context, id mapi.EntryID, keys []mapi.Key) (mapi.Props, error) {
	if st.book == nil {
		return nil, errNoBook
	}
	return st.book.Entry(ctx, id, keys)
}

// Resolve implements mapi.AddressBook.
func (st *Store) Resolve(ctx context.Context, name string, keys []mapi.Key) ([]mapi.Props, error) {
	if st.book == nil {
		return nil, errNoBook
	}
	return st.book.Resolve(ctx, name, keys)
}
