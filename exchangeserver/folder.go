package exchangeserver

import (
	"errors"
	"strings"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// folder is a folder that a client has open.
type folder struct {
	lg  *logon
	dir mapi.Folder
	fid ID
}

func (f *folder) close()          {}
func (f *folder) logonOf() *logon { return f.lg }
func (f *folder) pages() pages    { return pages{} }

func (f *folder) props(c *call) (mapi.Props, error) {
	props, err := f.dir.Props(c)
	if err == nil && props.Tag(pid.TagHasRules) == nil {
		props = append(props[:len(props):len(props)], mapi.Prop{Key: mapi.TagKey(pid.TagHasRules), Value: false})
	}
	return props, err
}

func (f *folder) change(c *call, set mapi.Props, del []mapi.Key) error {
	return f.dir.SetProps(c, set, del)
}

// openFolder finds a folder of a logon by its id.
func (c *call) openFolder(lg *logon, fid ID) (*folder, error) {
	if fid.Counter() == 0 {
		return nil, mapi.ErrNotFound
	}
	dir, err := lg.box.Folder(c, lg.box.FolderEntryID(fid))
	if err != nil {
		return nil, err
	}
	return &folder{lg, dir, fid}, nil
}

// opener is an object that folders and messages are opened through: a logon or any folder.
func (c *call) opener(i uint8) (*logon, error) {
	s, err := c.at(i)
	if err != nil {
		return nil, err
	}
	switch s.obj.(type) {
	case *logon, *folder:
		return s.lg, nil
	}
	return nil, mapi.ErrNoSupport
}

// ropOpenFolder is RopOpenFolder ([MS-OXCFOLD] 3.2.5.1).
func (c *call) ropOpenFolder(q *oxcrops.OpenFolderRequest) (oxcrops.Response, error) {
	lg, err := c.opener(q.In)
	if err != nil {
		return nil, err
	}
	f, err := c.openFolder(lg, wireID(q.FolderID))
	if err != nil {
		return nil, err
	}
	return nil, c.put(q.Out, lg, f)
}

// Values of PidTagFolderType ([MS-OXCFOLD] 2.2.2.2.2.2).
const (
	folderGeneric = 1
	folderSearch  = 2
)

// createFolder is RopCreateFolder ([MS-OXCFOLD] 3.2.5.2).
func (c *call) createFolder(q *oxcrops.CreateFolderRequest) (oxcrops.Response, error) {
	parent, err := get[*folder](c, q.In)
	if err != nil {
		return nil, err
	}
	switch {
	case q.FolderType != folderGeneric && q.FolderType != folderSearch:
		return nil, errorf(mapi.ErrInvalidParameter, "folder type %d", q.FolderType)
	case q.FolderType == folderSearch:
		return nil, errorf(mapi.ErrNoSupport, "search folders aren't kept")
	}
	name, comment := q.DisplayName, q.Comment
	if !q.UseUnicodeStrings {
		name, comment = c.s.decode8(mapi.String8(name), 0), c.s.decode8(mapi.String8(comment), 0)
	}
	if name == "" {
		return nil, errorf(mapi.ErrInvalidParameter, "a folder without name")
	}
	var props mapi.Props
	if comment != "" {
		props = mapi.Props{{Key: mapi.TagKey(pid.TagComment), Value: comment}}
	}
	dir, err := parent.dir.CreateFolder(c, name, props)
	existing := false
	if errors.Is(err, mapi.ErrCollision) && q.OpenExisting {
		dir, err = c.childNamed(parent, name)
		existing = true
	}
	if err != nil {
		return nil, err
	}
	fid, err := parent.lg.box.FolderID(dir.ID())
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.CreateFolderResponse{FolderID: fid.wire(), IsExistingFolder: existing}
	return resp, c.put(q.Out, parent.lg, &folder{parent.lg, dir, fid})
}

// childNamed finds the folder below whose name is taken.
func (c *call) childNamed(parent *folder, name string) (mapi.Folder, error) {
	for info, err := range parent.dir.Folders(c) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(info.Name, name) {
			return parent.lg.box.Folder(c, info.ID)
		}
	}
	return nil, mapi.ErrNotFound
}

// deleteFolder is RopDeleteFolder ([MS-OXCFOLD] 3.2.5.3). A folder with contents that the flags don't cover stays, which is
// partial completion and no error.
func (c *call) deleteFolder(q *oxcrops.DeleteFolderRequest) (oxcrops.Response, error) {
	parent, err := get[*folder](c, q.In)
	resp := &oxcrops.PartialResponse{ROP: q.RopID()}
	if err != nil {
		return resp, err
	}
	f, err := c.openFolder(parent.lg, wireID(q.FolderID))
	if err != nil {
		return resp, err
	}
	has, err := c.contains(f.dir)
	if err != nil {
		return resp, err
	}
	if has.items && q.DeleteFolderFlags&oxcrops.DelMessages == 0 || has.folders && q.DeleteFolderFlags&oxcrops.DelFolders == 0 {
		resp.PartialCompletion = true
		return resp, nil
	}
	return resp, parent.dir.DeleteFolder(c, f.dir.ID())
}

type contents struct{ items, folders bool }

func (c *call) contains(dir mapi.Folder) (has contents, err error) {
	props, err := dir.Props(c)
	if err != nil {
		return has, err
	}
	n, _ := props.Tag(pid.TagContentCount).(int32)
	has.items = n > 0
	has.folders, _ = props.Tag(pid.TagSubfolders).(bool)
	return has, nil
}

// emptyFolder is RopEmptyFolder and RopHardDeleteMessagesAndSubfolders ([MS-OXCFOLD] 3.2.5.9, 3.2.5.10): what can't be
// deleted stays, which is partial completion.
func (c *call) emptyFolder(in uint8, associated, hard bool, rop uint8) (oxcrops.Response, error) {
	resp := &oxcrops.PartialResponse{ROP: rop}
	f, err := get[*folder](c, in)
	if err != nil {
		return resp, err
	}
	var folders []mapi.EntryID
	for info, err := range f.dir.Folders(c) {
		if err != nil {
			return resp, err
		}
		folders = append(folders, info.ID)
	}
	for _, id := range folders {
		if err := f.dir.DeleteFolder(c, id); err != nil {
			resp.PartialCompletion = true
		}
	}
	kinds := []mapi.Kind{mapi.Normal}
	if associated {
		kinds = append(kinds, mapi.Associated)
	}
	for _, k := range kinds {
		if err := c.deleteAll(f.dir, k, hard); err != nil {
			return resp, err
		}
	}
	return resp, nil
}

// deleteBatch bounds the items that one transaction deletes.
const deleteBatch = 1000

func (c *call) deleteAll(dir mapi.Folder, k mapi.Kind, hard bool) error {
	for {
		var ids []mapi.EntryID
		for r, err := range dir.Rows(c, mapi.Query{Kind: k, Limit: deleteBatch}) {
			if err != nil {
				return err
			}
			ids = append(ids, r.ID)
		}
		if len(ids) == 0 {
			return nil
		}
		if err := dir.Delete(c, ids, hard); err != nil {
			return err
		}
	}
}

// deleteMessages is RopDeleteMessages and RopHardDeleteMessages ([MS-OXCFOLD] 3.2.5.11, 3.2.5.12). Messages that aren't
// there are partial completion.
func (c *call) deleteMessages(in uint8, mids []oxcdata.ID, hard bool, rop uint8) (oxcrops.Response, error) {
	resp := &oxcrops.PartialResponse{ROP: rop}
	f, err := get[*folder](c, in)
	if err != nil {
		return resp, err
	}
	ids := f.entryIDs(mids)
	err = f.dir.Delete(c, ids, hard)
	if err == nil || !errors.Is(err, mapi.ErrNotFound) {
		return resp, err
	}
	for _, id := range ids { // all those that are there
		err := f.dir.Delete(c, []mapi.EntryID{id}, hard)
		if errors.Is(err, mapi.ErrNotFound) {
			resp.PartialCompletion = true
		} else if err != nil {
			return resp, err
		}
	}
	return resp, nil
}

func (f *folder) entryIDs(mids []oxcdata.ID) []mapi.EntryID {
	ids := make([]mapi.EntryID, len(mids))
	for i, m := range mids {
		ids[i] = f.lg.box.MessageEntryID(f.fid, wireID(m))
	}
	return ids
}

// moveCopyMessages is RopMoveCopyMessages ([MS-OXCFOLD] 3.2.5.6).
func (c *call) moveCopyMessages(q *oxcrops.MoveCopyMessagesRequest) (oxcrops.Response, error) {
	resp := &oxcrops.MoveResponse{ROP: q.RopID()}
	src, dest, err := sourceAndTarget[*folder](c, q.Src, q.Dest)
	if err != nil {
		return resp, err
	}
	ids := src.entryIDs(q.MessageIDs)
	if m, ok := src.dir.(Mover); ok && src.lg.user.Mailbox == dest.lg.user.Mailbox {
		one := m.Move
		if q.WantCopy {
			one = m.Copy
		}
		if _, err = one(c, ids, dest.dir.ID()); err == nil || !errors.Is(err, mapi.ErrNotFound) {
			return resp, err
		}
		for _, id := range ids {
			_, err := one(c, []mapi.EntryID{id}, dest.dir.ID())
			if errors.Is(err, mapi.ErrNotFound) {
				resp.PartialCompletion = true
			} else if err != nil {
				return resp, err
			}
		}
		return resp, nil
	}
	for _, id := range ids {
		err := c.copyItem(src.dir, id, dest.dir)
		if err == nil && !q.WantCopy {
			err = src.dir.Delete(c, []mapi.EntryID{id}, true)
		}
		if errors.Is(err, mapi.ErrNotFound) {
			resp.PartialCompletion = true
		} else if err != nil {
			return resp, err
		}
	}
	return resp, nil
}

// copyItem copies an item between mailboxes.
func (c *call) copyItem(src mapi.Folder, id mapi.EntryID, dest mapi.Folder) error {
	w, err := dest.Create(c, mapi.Normal)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := src.Read(c, id, w); err != nil {
		return err
	}
	_, err = w.Commit(c)
	return err
}

// sourceAndTarget finds the two objects of a copying ROP. A target that isn't there is mapi.ErrNullDestination.
func sourceAndTarget[T any](c *call, src, dest uint8) (a, b T, err error) {
	if a, err = get[T](c, src); err != nil {
		return a, b, err
	}
	if b, err = get[T](c, dest); errors.Is(err, mapi.ErrNullObject) {
		err = mapi.ErrNullDestination
	}
	return a, b, err
}

// moveFolder is RopMoveFolder ([MS-OXCFOLD] 3.2.5.7).
func (c *call) moveFolder(q *oxcrops.MoveFolderRequest) (oxcrops.Response, error) {
	resp := &oxcrops.MoveResponse{ROP: q.RopID()}
	src, dest, err := sourceAndTarget[*folder](c, q.Src, q.Dest)
	if err != nil {
		return resp, err
	}
	f, err := c.openFolder(src.lg, wireID(q.FolderID))
	if err != nil {
		return resp, err
	}
	m, ok := f.dir.(Mover)
	if !ok || src.lg.user.Mailbox != dest.lg.user.Mailbox {
		return resp, mapi.ErrNoSupport
	}
	if f.dir.Parent() != src.dir.ID() {
		return resp, mapi.ErrNotFound
	}
	return resp, m.MoveFolder(c, dest.dir.ID(), c.newName(q.NewFolderName, q.UseUnicode))
}

func (c *call) newName(name string, unicode bool) string {
	if unicode {
		return name
	}
	return c.s.decode8(mapi.String8(name), 0)
}

// copyFolder is RopCopyFolder ([MS-OXCFOLD] 3.2.5.8).
func (c *call) copyFolder(q *oxcrops.CopyFolderRequest) (oxcrops.Response, error) {
	resp := &oxcrops.MoveResponse{ROP: q.RopID()}
	src, dest, err := sourceAndTarget[*folder](c, q.Src, q.Dest)
	if err != nil {
		return resp, err
	}
	if src.lg.user.Mailbox != dest.lg.user.Mailbox {
		return resp, mapi.ErrNoSupport
	}
	f, err := c.openFolder(src.lg, wireID(q.FolderID))
	if err != nil {
		return resp, err
	}
	for at := dest.dir; ; {
		if at.ID() == f.dir.ID() {
			return resp, mapi.ErrFolderCycle
		}
		if at.Parent() == at.ID() {
			break
		}
		if at, err = dest.lg.box.Folder(c, at.Parent()); err != nil {
			return resp, err
		}
	}
	return resp, c.copyTree(f.dir, f.lg, dest.dir, c.newName(q.NewFolderName, q.UseUnicode), q.WantRecursive, 0)
}

// maxFolderDepth bounds recursion; Exchange allows folders 300 deep.
const maxFolderDepth = 300

func (c *call) copyTree(src mapi.Folder, lg *logon, dest mapi.Folder, name string, recursive bool, depth int) error {
	if depth > maxFolderDepth {
		return mapi.ErrTooComplex
	}
	props, err := src.Props(c)
	if err != nil {
		return err
	}
	if name == "" {
		name = props.Text(pid.TagDisplayName)
	}
	made, err := dest.CreateFolder(c, name, ownProps(props))
	if err != nil {
		return err
	}
	for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		if err := c.copyItems(src, k, made); err != nil {
			return err
		}
	}
	if !recursive {
		return nil
	}
	var below []mapi.EntryID
	for info, err := range src.Folders(c) {
		if err != nil {
			return err
		}
		below = append(below, info.ID)
	}
	for _, id := range below {
		sub, err := lg.box.Folder(c, id)
		if err == nil {
			err = c.copyTree(sub, lg, made, "", true, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *call) copyItems(src mapi.Folder, k mapi.Kind, dest mapi.Folder) error {
	var ids []mapi.EntryID
	for r, err := range src.Rows(c, mapi.Query{Kind: k}) {
		if err != nil {
			return err
		}
		ids = append(ids, r.ID)
	}
	if m, ok := src.(Mover); ok {
		_, err := m.Copy(c, ids, dest.ID())
		return err
	}
	for _, id := range ids {
		w, err := dest.Create(c, k)
		if err == nil {
			err = src.Read(c, id, w)
		}
		if err == nil {
			_, err = w.Commit(c)
		}
		if w != nil {
			w.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ownProps are the properties that a copy of an object takes along.
func ownProps(props mapi.Props) (own mapi.Props) {
	for _, p := range props {
		if !isReadOnly(p.Key) && p.Key.Tag.ID() != pid.TagDisplayName.ID() {
			own = append(own, p)
		}
	}
	return own
}
