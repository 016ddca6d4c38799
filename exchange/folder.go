package exchange

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// folder is a folder of a mailbox, known by its ids; it is opened anew in whatever session an operation runs.
type folder struct {
	st     *Store
	id     mapi.EntryID
	lid    oxcdata.LongTermID
	parent mapi.EntryID
}

func (f *folder) ID() mapi.EntryID     { return f.id }
func (f *folder) Parent() mapi.EntryID { return f.parent }

// Folder opens a folder by entry id.
func (st *Store) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	lid, err := parseFolder(id)
	if err != nil {
		return nil, err
	}
	f := &folder{st: st, id: id, lid: lid}
	err = st.reading(ctx, func(s *session) (err error) {
		f.parent, err = f.findParent(ctx, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// findParent asks for the folder above; it fails with ErrNotFound when the folder isn't there.
func (f *folder) findParent(ctx context.Context, s *session) (mapi.EntryID, error) {
	var b batch
	slot, err := f.open(ctx, s, &b)
	if err != nil {
		return "", err
	}
	b.add(&oxcrops.GetPropertiesSpecificRequest{In: slot, Tags: []mapi.Tag{pid.TagParentFolderId}})
	res, err := s.execute(ctx, &b)
	if err != nil {
		return "", err
	}
	s.free(res.at(slot))
	if err := res.check("open folder"); err != nil {
		return "", err
	}
	r, err := answer[*oxcrops.GetPropertiesSpecificResponse](res)
	if err != nil {
		return "", err
	}
	up, ok := idOf(value(r.Row, 0))
	if !ok || up.Counter() == 0 {
		return f.id, nil
	}
	return f.st.folderEntry(ctx, s, up)
}

// open adds opening the folder to a batch and gives its slot.
func (f *folder) open(ctx context.Context, s *session, b *batch) (uint8, error) {
	fid, err := f.st.wireID(ctx, s, f.lid)
	if err != nil {
		return 0, err
	}
	in, out := b.in(s.logon), b.out()
	b.add(&oxcrops.OpenFolderRequest{In: in, Out: out, FolderID: fid})
	return out, nil
}

// opened gives an operation of a session that has the folder open.
func (f *folder) opened(ctx context.Context, do func(*session, handle) error) func(*session) error {
	return func(s *session) error {
		var b batch
		slot, err := f.open(ctx, s, &b)
		if err != nil {
			return err
		}
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		if err := res.check("open folder"); err != nil {
			return err
		}
		h := res.at(slot)
		defer s.free(h)
		return do(s, h)
	}
}

// Props implements mapi.Folder.
func (f *folder) Props(ctx context.Context) (ps mapi.Props, err error) {
	err = f.st.reading(ctx, f.opened(ctx, func(s *session, h handle) (err error) {
		ps, err = f.st.allProps(ctx, s, h)
		return err
	}))
	return ps, err
}

// SetProps implements mapi.Folder.
func (f *folder) SetProps(ctx context.Context, set mapi.Props, del []mapi.Key) error {
	return f.st.with(ctx, f.opened(ctx, func(s *session, h handle) error { return f.st.setProps(ctx, s, h, set, del) }))
}

var folderColumns = []mapi.Tag{
	pid.TagFolderId, pid.TagDisplayName, pid.TagContainerClass, pid.TagContentCount, pid.TagContentUnreadCount,
	pid.TagAssociatedContentCount, pid.TagSubfolders, pid.TagFolderType, pid.TagAttributeHidden,
}

const searchFolder = 2 // PidTagFolderType

// Folders implements mapi.Folder.
func (f *folder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		var list []mapi.FolderInfo // hierarchies are short: read them whole and free the session for the loop's body
		err := f.st.reading(ctx, func(s *session) error {
			list = nil
			var b batch
			in, err := f.open(ctx, s, &b)
			if err != nil {
				return err
			}
			out := b.out()
			b.add(&oxcrops.GetHierarchyTableRequest{In: in, Out: out, TableFlags: tableUnicode})
			t, rows, end, err := openTable(ctx, s, &b, out, folderColumns, nil, nil, 0)
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
				list = append(list, info)
			}
			return nil
		})
		if err != nil {
			yield(mapi.FolderInfo{}, fmt.Errorf("list folders: %w", err))
			return
		}
		for _, x := range list {
			if !yield(x, nil) {
				return
			}
		}
	}
}

func (f *folder) info(ctx context.Context, s *session, r oxcdata.PropertyRow) (mapi.FolderInfo, error) {
	fid, ok := idOf(value(r, 0))
	if !ok {
		return mapi.FolderInfo{}, &mapi.Error{Op: "list folders", Code: mapi.ErrCorruptData, Err: fmt.Errorf("a row without folder id")}
	}
	id, err := f.st.folderEntry(ctx, s, fid)
	if err != nil {
		return mapi.FolderInfo{}, err
	}
	count := func(i int) int {
		n, _ := value(r, i).(int32)
		return int(n)
	}
	info := mapi.FolderInfo{ID: id, Items: count(3), Unread: count(4), Associated: count(5)}
	info.Name, _ = value(r, 1).(string)
	info.Class, _ = value(r, 2).(string)
	info.HasChildren, _ = value(r, 6).(bool)
	info.Search = count(7) == searchFolder
	info.Hidden, _ = value(r, 8).(bool)
	return info, nil
}

// CreateFolder implements mapi.Folder.
func (f *folder) CreateFolder(ctx context.Context, name string, props mapi.Props) (mapi.Folder, error) {
	const generic = 1
	if name == "" {
		return nil, &mapi.Error{Op: "create folder", Code: mapi.ErrInvalidParameter, Err: errors.New("it has no name")}
	}
	child := &folder{st: f.st, parent: f.id}
	err := f.st.with(ctx, func(s *session) error {
		var b batch
		in, err := f.open(ctx, s, &b)
		if err != nil {
			return err
		}
		out := b.out()
		b.add(&oxcrops.CreateFolderRequest{In: in, Out: out, FolderType: generic, UseUnicodeStrings: true, DisplayName: name})
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		defer s.free(res.at(in), res.at(out))
		if err := res.check(fmt.Sprintf("create folder %q", name)); err != nil {
			return err
		}
		r, err := answer[*oxcrops.CreateFolderResponse](res)
		if err != nil {
			return err
		}
		if child.lid, err = f.st.longTerm(ctx, s, r.FolderID); err != nil {
			return err
		}
		child.id = f.st.folderEntryOf(child.lid)
		if len(props) == 0 {
			return nil
		}
		return f.st.setProps(ctx, s, res.at(out), props, nil)
	})
	if err != nil {
		return nil, err
	}
	return child, nil
}

// DeleteFolder implements mapi.Folder. gromox deletes a folder wherever it is, and says of one that isn't there that it was
// deleted, so the client looks first.
func (f *folder) DeleteFolder(ctx context.Context, id mapi.EntryID) error {
	const messages, folders, hard = 0x01, 0x04, 0x10
	lid, err := parseFolder(id)
	if err != nil {
		return err
	}
	return f.st.with(ctx, f.opened(ctx, func(s *session, h handle) error {
		parent, err := (&folder{st: f.st, id: id, lid: lid}).findParent(ctx, s)
		if err != nil {
			return err
		}
		if parent != f.id {
			return &mapi.Error{Op: "delete folder", Code: mapi.ErrNotFound, Err: errors.New("it isn't directly below this one")}
		}
		fid, err := f.st.wireID(ctx, s, lid)
		if err != nil {
			return err
		}
		var b batch
		b.add(&oxcrops.DeleteFolderRequest{In: b.in(h), DeleteFolderFlags: messages | folders | hard, FolderID: fid})
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		if err := res.check("delete folder"); err != nil {
			return err
		}
		if isPartial(res) {
			return &mapi.Error{Op: "delete folder", Code: mapi.ErrNoAccess, Err: errors.New("the server deleted only a part of it")}
		}
		return nil
	}))
}

// isPartial reports whether a ROP that deletes has left something out.
func isPartial(res *result) bool {
	r, err := answer[*oxcrops.PartialResponse](res)
	return err == nil && r.PartialCompletion
}

// Rows implements mapi.Folder. A list whose connection breaks is gone on with behind the last item that was given.
func (f *folder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		given, last, changed := 0, mapi.EntryID(""), false
		err := f.st.again(ctx, func() bool { return !changed }, func(s *session) error {
			rest, found := q, given == 0
			if !found {
				rest.Offset += given - 1
				rest.Limit = max(q.Limit-given+1, 0)
			}
			err := f.rows(ctx, s, rest, func(r mapi.Row, err error) (more bool) {
				if !found {
					found = r.ID == last
					return found
				}
				given, last = given+1, r.ID
				f.st.lend(func() { more = yield(r, err) })
				return more
			})
			if !found && (err == nil || err == errStopped) {
				changed = true
				return &mapi.Error{Op: "go on with a list", Code: mapi.ErrNetwork, Err: errors.New("the connection broke, and the list has changed meanwhile")}
			}
			return err
		})
		if err != nil && err != errStopped {
			yield(mapi.Row{}, fmt.Errorf("list items: %w", err))
		}
	}
}

// errStopped ends a loop whose consumer has enough.
var errStopped = fmt.Errorf("stopped")

func (f *folder) rows(ctx context.Context, s *session, q mapi.Query, yield func(mapi.Row, error) bool) error {
	asked, err := f.st.tags(ctx, s, q.Columns, false)
	if err != nil {
		return err
	}
	columns := []mapi.Tag{pid.TagMid}
	at := make([]int, len(asked)) // column of each, 0: the mailbox has no such property
	for i, t := range asked {
		if t != 0 {
			at[i] = len(columns)
			columns = append(columns, t)
		}
	}
	var sort []oxcdata.Sort
	for _, o := range q.Sort {
		t, err := f.st.tags(ctx, s, []mapi.Key{o.Key}, false)
		if err != nil {
			return err
		}
		if t[0] != 0 {
			x := oxcdata.Sort{Tag: t[0]}
			if o.Descending {
				x.Order = 1
			}
			sort = append(sort, x)
		}
	}
	where := q.Where
	if where != nil {
		if where, err = f.st.mapRestriction(ctx, s, where); err != nil {
			return err
		}
	}
	var b batch
	in, err := f.open(ctx, s, &b)
	if err != nil {
		return err
	}
	flags := uint8(tableUnicode)
	switch q.Kind {
	case mapi.Associated:
		flags |= tableAssociated
	case mapi.SoftDeleted:
		flags |= tableSoftDeletes
	}
	out := b.out()
	b.add(&oxcrops.GetContentsTableRequest{In: in, Out: out, TableFlags: flags})
	t, rows, end, err := openTable(ctx, s, &b, out, columns, where, sort, q.Offset)
	if err != nil {
		return err
	}
	left := q.Limit
	for r, err := range t.each(ctx, rows, end) {
		if err != nil {
			return err
		}
		mid, ok := idOf(value(r, 0))
		if !ok {
			return &mapi.Error{Op: "list items", Code: mapi.ErrCorruptData, Err: fmt.Errorf("a row without message id")}
		}
		row := mapi.Row{Values: make([]mapi.Value, len(asked))}
		if row.ID, err = f.st.messageEntry(ctx, s, f.lid, mid); err != nil {
			return err
		}
		for i, c := range at {
			if c > 0 {
				row.Values[i] = value(r, c)
			}
			if row.Values[i] == nil && q.Columns[i] == mapi.TagKey(pid.TagSourceKey) {
				row.Values[i] = f.st.sourceKey(mid)
			}
		}
		if !yield(row, nil) {
			return errStopped
		}
		if left--; left == 0 {
			return nil
		}
	}
	return nil
}
