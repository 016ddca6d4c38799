package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

var _ mapi.FolderTabler = (*Store)(nil)

// permissionColumns and ruleColumns are those of the tables ([MS-OXCPERM] 2.2.4, [MS-OXORULE] 2.2.1.3.1).
var (
	permissionColumns = []mapi.Tag{pid.TagMemberId, pid.TagEntryId, pid.TagMemberName, pid.TagMemberRights}
	ruleColumns       = []mapi.Tag{pid.TagRuleId, pid.TagRuleSequence, pid.TagRuleState, pid.TagRuleName, pid.TagRuleProvider,
		pid.TagRuleLevel, pid.TagRuleUserFlags, pid.TagRuleProviderData, pid.TagRuleCondition, pid.TagRuleActions}
)

const (
	// foldersAtOnce is how many folders are asked about in a call: each takes four handles, of 255.
	foldersAtOnce = 40
	// ruleTableUnicode as TableFlags of RopGetRulesTable asks for Unicode strings ([MS-OXORULE] 2.2.2.2.1).
	ruleTableUnicode = 0x40
	// tableRows is how many rows of a folder's table are read at once. Rules may be large.
	tableRows = 50
)

// FolderTables implements mapi.FolderTabler.
func (st *Store) FolderTables(ctx context.Context, folders []mapi.EntryID) iter.Seq2[mapi.FolderTables, error] {
	return func(yield func(mapi.FolderTables, error) bool) {
		for chunk := range slices.Chunk(folders, foldersAtOnce) {
			var found []mapi.FolderTables
			err := st.with(ctx, func(s *session) (err error) {
				found, err = st.folderTables(ctx, s, chunk)
				return err
			})
			if err != nil {
				yield(mapi.FolderTables{}, fmt.Errorf("read permissions and rules: %w", err))
				return
			}
			for _, t := range found {
				if !yield(t, nil) {
					return
				}
			}
		}
	}
}

// ropsOfFolder is how many requests folderTables makes of a folder.
const ropsOfFolder = 8

func (st *Store) folderTables(ctx context.Context, s *session, ids []mapi.EntryID) ([]mapi.FolderTables, error) {
	var b batch
	for _, id := range ids {
		lid, err := parseFolder(id)
		if err != nil {
			return nil, err
		}
		in, err := (&folder{st: st, id: id, lid: lid}).open(ctx, s, &b)
		if err != nil {
			return nil, err
		}
		query := func(out uint8, columns []mapi.Tag) {
			b.add(&oxcrops.SetColumnsRequest{In: out, Tags: columns})
			b.add(&oxcrops.QueryRowsRequest{In: out, ForwardRead: true, RowCount: tableRows, Columns: columns})
		}
		out := b.out()
		b.add(&oxcrops.GetPermissionsTableRequest{In: in, Out: out})
		query(out, permissionColumns)
		out = b.out()
		b.add(&oxcrops.GetRulesTableRequest{In: in, Out: out, TableFlags: ruleTableUnicode})
		query(out, ruleColumns)
		out = b.out()
		b.add(&oxcrops.GetContentsTableRequest{In: in, Out: out, TableFlags: tableUnicode | tableSoftDeletes})
	}
	res, err := s.execute(ctx, &b)
	if err != nil {
		return nil, err
	}
	defer s.free(b.made(res)...)
	if len(res.resps) < len(b.reqs) {
		return nil, &mapi.Error{Op: "execute", Code: mapi.ErrNetwork, Err: fmt.Errorf("%d answers to %d requests", len(res.resps), len(b.reqs))}
	}
	var list []mapi.FolderTables
	for i, id := range ids {
		rops := res.resps[i*ropsOfFolder:][:ropsOfFolder]
		t := mapi.FolderTables{Folder: id}
		// rest reads what didn't fit the first answer, of the table that the request at a place made.
		rest := func(at int, columns []mapi.Tag) func() ([]oxcdata.PropertyRow, bool, error) {
			h := res.at(outOf(b.reqs[i*ropsOfFolder+at]))
			tab := &table{s: s, h: h, columns: columns}
			return func() ([]oxcdata.PropertyRow, bool, error) { return tab.more(ctx) }
		}
		if err := ropError("open folder", rops[0]); err != nil {
			t.PermissionsErr, t.RulesErr, t.RecoverableErr = err, err, err
			list = append(list, t)
			continue
		}
		t.Permissions, t.PermissionsErr = tableOf("read permissions", rops[1:4], permissionColumns, rest(1, permissionColumns))
		t.Rules, t.RulesErr = tableOf("read rules", rops[4:7], ruleColumns, rest(4, ruleColumns))
		if t.RecoverableErr = ropError("count soft-deleted items", rops[7]); t.RecoverableErr == nil {
			if c, ok := rops[7].(*oxcrops.GetContentsTableResponse); ok {
				t.Recoverable = int(c.RowCount)
			}
		}
		list = append(list, t)
	}
	return list, nil
}

// outOf is the slot of the table that a request makes.
func outOf(r oxcrops.Request) uint8 {
	switch r := r.(type) {
	case *oxcrops.GetPermissionsTableRequest:
		return r.Out
	case *oxcrops.GetRulesTableRequest:
		return r.Out
	}
	return 0xFF
}

// tableOf reads the answers to opening a table, setting its columns and reading rows.
func tableOf(op string, rops []oxcrops.Response, columns []mapi.Tag, more func() ([]oxcdata.PropertyRow, bool, error)) ([]mapi.Props, error) {
	for _, r := range rops {
		if err := ropError(op, r); err != nil {
			return nil, err
		}
	}
	q, ok := rops[2].(*oxcrops.QueryRowsResponse)
	if !ok {
		return nil, &mapi.Error{Op: op, Code: mapi.ErrNetwork, Err: errors.New("the server gave no rows")}
	}
	rows, end := q.Rows, q.Origin == originEnd || len(q.Rows) == 0
	list := []mapi.Props{}
	for {
		for _, r := range rows {
			var ps mapi.Props
			for i, t := range columns {
				if v := value(r, i); v != nil {
					ps = append(ps, mapi.Prop{Key: mapi.TagKey(t), Value: v})
				}
			}
			list = append(list, ps)
		}
		if end {
			return list, nil
		}
		var err error
		if rows, end, err = more(); err != nil {
			return nil, err
		}
	}
}

// AddPermissions implements mapi.FolderTabler.
func (st *Store) AddPermissions(ctx context.Context, id mapi.EntryID, rows []mapi.Props) error {
	lid, err := parseFolder(id)
	if err != nil {
		return err
	}
	f := &folder{st: st, id: id, lid: lid}
	return st.with(ctx, func(s *session) error {
		there, err := st.folderTables(ctx, s, []mapi.EntryID{id})
		if err == nil {
			err = there[0].PermissionsErr
		}
		if err != nil {
			return err
		}
		var data []oxcrops.PermissionData
		for _, row := range rows {
			if p, ok := permission(row, there[0].Permissions); ok {
				data = append(data, p)
			}
		}
		if len(data) == 0 {
			return nil
		}
		var b batch
		in, err := f.open(ctx, s, &b)
		if err != nil {
			return err
		}
		b.add(&oxcrops.ModifyPermissionsRequest{In: in, PermissionsData: data})
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		s.free(b.made(res)...)
		return res.check("set permissions")
	})
}

// permission is what has to be done for a member to have the rights of a row, if anything.
func permission(row mapi.Props, there []mapi.Props) (p oxcrops.PermissionData, needed bool) {
	rights, ok := row.Tag(pid.TagMemberRights).(int32)
	if !ok {
		return p, false
	}
	who, _ := row.Tag(pid.TagEntryId).([]byte)
	member, _ := row.Tag(pid.TagMemberId).(int64)
	for _, x := range there {
		same := false
		if id, _ := x.Tag(pid.TagEntryId).([]byte); len(who) > 0 {
			same = bytes.Equal(bytes.ToUpper(id), bytes.ToUpper(who)) // DNs compare without regard to case
		} else if n, ok := x.Tag(pid.TagMemberId).(int64); ok {
			same = n == member && len(id) == 0 // the default user and anonymous ones have no entry id ([MS-OXCPERM] 2.2.5)
		}
		if !same {
			continue
		}
		n, _ := x.Tag(pid.TagMemberId).(int64)
		p = oxcrops.PermissionData{Flags: oxcrops.RowModify, Values: []oxcdata.TaggedValue{{Tag: pid.TagMemberId, Value: n}, {Tag: pid.TagMemberRights, Value: rights}}}
		return p, x.Tag(pid.TagMemberRights) != mapi.Value(rights)
	}
	if len(who) == 0 {
		return p, false
	}
	return oxcrops.PermissionData{Flags: oxcrops.RowAdd, Values: []oxcdata.TaggedValue{{Tag: pid.TagEntryId, Value: who}, {Tag: pid.TagMemberRights, Value: rights}}}, true
}

// AddRules implements mapi.FolderTabler.
func (st *Store) AddRules(ctx context.Context, id mapi.EntryID, rows []mapi.Props) error {
	lid, err := parseFolder(id)
	if err != nil {
		return err
	}
	var data []oxcrops.RuleData
	for _, row := range rows {
		d := oxcrops.RuleData{Flags: oxcrops.RowAdd}
		for _, t := range ruleColumns[1:] { // the server makes the id ([MS-OXORULE] 2.2.1.3.1.1)
			if v := row.Tag(t); v != nil {
				d.Values = append(d.Values, oxcdata.TaggedValue{Tag: t, Value: v})
			}
		}
		data = append(data, d)
	}
	if len(data) == 0 {
		return nil
	}
	f := &folder{st: st, id: id, lid: lid}
	return st.with(ctx, func(s *session) error {
		var b batch
		in, err := f.open(ctx, s, &b)
		if err != nil {
			return err
		}
		b.add(&oxcrops.ModifyRulesRequest{In: in, RulesData: data})
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		s.free(b.made(res)...)
		return res.check("set rules")
	})
}
