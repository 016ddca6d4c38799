package exchange

import (
	"context"
	"fmt"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

var (
	_ mapi.TreeLister = (*Store)(nil)
	_ mapi.RoleLister = (*Store)(nil)
)

// Tree implements mapi.TreeLister: a hierarchy table of all depths.
func (st *Store) Tree(ctx context.Context, below mapi.EntryID) ([]mapi.TreeFolder, error) {
	lid, err := parseFolder(below)
	if err != nil {
		return nil, err
	}
	f := &folder{st: st, id: below, lid: lid}
	columns := append(folderColumns[:len(folderColumns):len(folderColumns)], pid.TagParentFolderId)
	var list []mapi.TreeFolder
	err = st.reading(ctx, func(s *session) error {
		list = nil
		var b batch
		in, err := f.open(ctx, s, &b)
		if err != nil {
			return err
		}
		out := b.out()
		b.add(&oxcrops.GetHierarchyTableRequest{In: in, Out: out, TableFlags: tableUnicode | tableDepth})
		t, rows, end, err := openTable(ctx, s, &b, out, columns, nil, nil, 0)
		if err != nil {
			return err
		}
		for r, err := range t.each(ctx, rows, end) {
			if err != nil {
				return err
			}
			info, err := f.info(ctx, s, r)
			if err != nil {
				return err
			}
			up, ok := idOf(value(r, len(columns)-1))
			if !ok || up.Counter() == 0 {
				return &mapi.Error{Op: "list folders", Object: info.Name, Code: mapi.ErrNoSupport, Err: fmt.Errorf("the server doesn't tell what folder it is in")}
			}
			parent, err := st.folderEntry(ctx, s, up)
			if err != nil {
				return err
			}
			list = append(list, mapi.TreeFolder{FolderInfo: info, Parent: parent})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list all folders: %w", err)
	}
	return list, nil
}

// SpecialFolders implements mapi.RoleLister.
func (st *Store) SpecialFolders(ctx context.Context) (map[mapi.Role]mapi.EntryID, error) {
	tags := []mapi.Tag{pid.TagAdditionalRenEntryIds}
	for _, r := range mapi.Roles {
		if t, ok := inboxFolders[r]; ok {
			tags = append(tags, t)
		}
	}
	found := map[mapi.Role]mapi.EntryID{}
	err := st.reading(ctx, func(s *session) error {
		for r, i := range logonFolders {
			if i < len(st.info.FolderIDs) && st.info.FolderIDs[i].Counter() != 0 {
				id, err := st.folderEntry(ctx, s, st.info.FolderIDs[i])
				if err != nil {
					return err
				}
				found[r] = id
			}
		}
		var b batch
		for _, r := range []mapi.Role{mapi.RoleInbox, mapi.RoleRoot} { // the latter keeps a copy
			in, out := b.in(s.logon), b.out()
			b.add(&oxcrops.OpenFolderRequest{In: in, Out: out, FolderID: st.info.FolderIDs[logonFolders[r]]})
			b.add(&oxcrops.GetPropertiesSpecificRequest{In: out, Tags: tags})
		}
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		s.free(b.made(res)...)
		if err := res.check("find special folders"); err != nil {
			return err
		}
		for i, t := range tags {
			var v mapi.Value
			for _, x := range res.resps {
				if r, ok := x.(*oxcrops.GetPropertiesSpecificResponse); ok && v == nil {
					v = value(r.Row, i)
				}
			}
			for _, r := range mapi.Roles {
				var id mapi.EntryID
				at, additional := additionalFolders[r]
				if list, ok := v.([][]byte); ok && additional && t == pid.TagAdditionalRenEntryIds && at < len(list) {
					id = mapi.EntryID(list[at])
				} else if b, ok := v.([]byte); ok && inboxFolders[r] == t {
					id = mapi.EntryID(b)
				}
				if _, err := parseFolder(id); err == nil {
					found[r] = id
				}
			}
		}
		return nil
	})
	return found, err
}
