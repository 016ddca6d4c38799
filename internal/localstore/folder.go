package localstore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"unicode"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Folder is a folder of a store. It implements [mapi.Folder].
type Folder struct {
	s      *Store
	fid    ID
	parent ID
}

var _ mapi.Folder = (*Folder)(nil)

// folderRow is a row of table folders.
type folderRow struct {
	fid, parent                                ID
	role                                       sql.NullString
	name                                       string
	class                                      string
	kind                                       int
	hidden                                     bool
	created, modified                          int64
	cn                                         ID
	sourceKey, changeKey, pcl                  []byte
	props                                      []byte
	children, hierarchyChanges                 int64
	items, unread, associated, softDeleted     int64
	bytes, associatedBytes, deleted, committed int64
}

const folderColumns = "fid, parent, role, name, class, type, hidden, created, modified, cn, source_key, change_key, pcl, props, " +
	"children, hierarchy_changes, items, unread, associated, soft_deleted, bytes, associated_bytes, deleted_total, committed"

func (f *folderRow) fields() []any {
	return []any{&f.fid, &f.parent, &f.role, &f.name, &f.class, &f.kind, &f.hidden, &f.created, &f.modified, &f.cn, &f.sourceKey, &f.changeKey, &f.pcl, &f.props,
		&f.children, &f.hierarchyChanges, &f.items, &f.unread, &f.associated, &f.softDeleted, &f.bytes, &f.associatedBytes, &f.deleted, &f.committed}
}

func findFolder(ctx context.Context, q querier, fid ID) (*folderRow, error) {
	f := &folderRow{}
	err := q.QueryRowContext(ctx, "SELECT "+folderColumns+" FROM folders WHERE fid = ?", int64(fid)).Scan(f.fields()...)
	return f, err
}

// Folder implements mapi.Store.
func (s *Store) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	fid, err := s.FolderID(id)
	if err != nil {
		return nil, err
	}
	return s.FolderByID(ctx, fid)
}

// FolderByID opens a folder by its FID.
func (s *Store) FolderByID(ctx context.Context, fid ID) (*Folder, error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	f := &Folder{s: s, fid: fid}
	if err := s.read.QueryRowContext(ctx, "SELECT parent FROM folders WHERE fid = ?", int64(fid)).Scan(&f.parent); err != nil {
		return nil, s.fail("open folder", err)
	}
	return f, nil
}

// ID implements mapi.Folder.
func (f *Folder) ID() mapi.EntryID { return f.s.FolderEntryID(f.fid) }

// FID is the folder's id.
func (f *Folder) FID() ID { return f.fid }

// Parent implements mapi.Folder.
func (f *Folder) Parent() mapi.EntryID { return f.s.FolderEntryID(f.parent) }

// ParentFID is the id of the folder above, of the root its own.
func (f *Folder) ParentFID() ID { return f.parent }

// Props implements mapi.Folder.
func (f *Folder) Props(ctx context.Context) (props mapi.Props, err error) {
	err = f.s.view(ctx, func(q *sql.Tx) error {
		row, err := findFolder(ctx, q, f.fid)
		if err != nil {
			return err
		}
		props, err = f.s.folderProps(ctx, q, row)
		return err
	})
	return props, f.s.fail("read folder", err)
}

func (s *Store) folderProps(ctx context.Context, q querier, row *folderRow) (mapi.Props, error) {
	stored, err := s.props(ctx, q, row.props)
	if err != nil {
		return nil, err
	}
	var roles map[mapi.Role]ID
	if r := mapi.Role(row.role.String); r == mapi.RoleRoot || r == mapi.RoleInbox {
		if roles, err = s.roles(ctx, q); err != nil {
			return nil, err
		}
	}
	props := append(mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: row.name}}, stored...)
	for _, c := range Computed {
		if c.Of != OfFolder || c.Kept && stored.Tag(c.Tag) != nil {
			continue
		}
		if v := row.prop(s, c.Tag, roles); v != nil {
			props = append(props, mapi.Prop{Key: mapi.TagKey(c.Tag), Value: v})
		}
	}
	return props, nil
}

// prop computes a property of a folder; nil when it has none. roles is given for folders that name others.
func (f *folderRow) prop(s *Store, t mapi.Tag, roles map[mapi.Role]ID) mapi.Value {
	switch t {
	case pid.TagEntryId:
		return []byte(s.FolderEntryID(f.fid))
	case pid.TagParentEntryId:
		return []byte(s.FolderEntryID(f.parent))
	case pid.TagRecordKey:
		return s.gid(f.fid)
	case pid.TagInstanceKey:
		return binary.LittleEndian.AppendUint64(nil, uint64(f.fid.Wire()))
	case pid.TagSourceKey:
		if f.sourceKey != nil {
			return f.sourceKey
		}
		return s.gid(f.fid)
	case pid.TagParentSourceKey:
		return s.gid(f.parent)
	case pid.TagChangeKey:
		if f.changeKey != nil {
			return f.changeKey
		}
		return s.gid(f.cn)
	case pid.TagPredecessorChangeList:
		if f.pcl != nil {
			return f.pcl
		}
		return s.mergePCL(nil, f.cn)
	case pid.TagChangeNumber:
		return f.cn.value()
	case pid.TagFolderId:
		return f.fid.value()
	case pid.TagParentFolderId:
		return f.parent.value()
	case pid.TagObjectType:
		return objectFolder
	case pid.TagAccess:
		return accessFolder
	case pid.TagRights:
		return ownerRights
	case pid.TagFolderType:
		return int32(f.kind)
	case pid.TagContentCount:
		return clamp32(f.items)
	case pid.TagContentUnreadCount:
		return clamp32(f.unread)
	case pid.TagAssociatedContentCount:
		return clamp32(f.associated)
	case pid.TagDeletedCountTotal:
		return clamp32(f.deleted)
	case pid.TagSubfolders:
		return f.children > 0
	case pid.TagMessageSize:
		return clamp32(f.bytes)
	case pid.TagMessageSizeExtended:
		return f.bytes
	case pid.TagHierarchyChangeNumber:
		return clamp32(f.hierarchyChanges)
	case pid.TagLocalCommitTimeMax:
		return mapi.FileTime(f.committed)
	case pid.TagLastModificationTime:
		return mapi.FileTime(f.modified)
	case pid.TagCreationTime:
		return mapi.FileTime(f.created)
	}
	if roles != nil {
		if _, ok := specialTags[t]; ok || t == pid.TagAdditionalRenEntryIds {
			return s.specialValue(t, roles)
		}
	}
	return nil
}

func clamp32(n int64) int32 { return int32(min(n, math.MaxInt32)) }

// Folders implements mapi.Folder.
func (f *Folder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		list, err := f.s.listFolders(ctx, "parent = ? AND fid <> parent ORDER BY folded", int64(f.fid))
		if err == nil && len(list) == 0 {
			err = f.exists(ctx, f.s.read)
		}
		if err != nil {
			yield(mapi.FolderInfo{}, f.s.fail("list folders", err))
			return
		}
		for _, row := range list {
			if err := ctx.Err(); err != nil {
				yield(mapi.FolderInfo{}, f.s.fail("list folders", err))
				return
			}
			if !yield(row.info(f.s), nil) {
				return
			}
		}
	}
}

func (f *folderRow) info(s *Store) mapi.FolderInfo {
	return mapi.FolderInfo{ID: s.FolderEntryID(f.fid), Name: f.name, Class: f.class, Items: int(f.items), Unread: int(f.unread),
		Associated: int(f.associated), HasChildren: f.children > 0, Search: f.kind == folderSearch, Hidden: f.hidden}
}

// listFolders reads folders, all at once: there are never so many that it matters, and the caller may take its time.
func (s *Store) listFolders(ctx context.Context, where string, args ...any) (list []*folderRow, err error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	rows, err := s.read.QueryContext(ctx, "SELECT "+folderColumns+" FROM folders WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row := &folderRow{}
		if err := rows.Scan(row.fields()...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// CreateFolder implements mapi.Folder. PidTagFolderType 2 among the properties makes a search folder, whose contents stay
// empty here.
func (f *Folder) CreateFolder(ctx context.Context, name string, props mapi.Props) (mapi.Folder, error) {
	made, err := f.CreateFolderAs(ctx, name, props, Identity{})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// CreateFolderAs is CreateFolder for a folder that brings its identity along.
func (f *Folder) CreateFolderAs(ctx context.Context, name string, props mapi.Props, as Identity) (*Folder, error) {
	row := &folderRow{parent: f.fid, name: name, kind: folderGeneric}
	if t, ok := props.Tag(pid.TagFolderType).(int32); ok && t == folderSearch {
		row.kind = folderSearch
	}
	if name == "" {
		return nil, &mapi.Error{Op: "create folder", Code: mapi.ErrInvalidParameter, Err: errors.New("a folder needs a name")}
	}
	err := f.s.update(ctx, func(tx *tx) error {
		if _, err := findFolder(ctx, tx, f.fid); err != nil {
			return err
		}
		return tx.addFolder(row, props, as)
	})
	if err != nil {
		return nil, f.s.fail("create folder", nameTaken(err, name))
	}
	return &Folder{s: f.s, fid: row.fid, parent: row.parent}, nil
}

func nameTaken(err error, name string) error {
	if isTaken(err) {
		return &mapi.Error{Op: "name folder", Object: name, Code: mapi.ErrCollision, Err: errors.New("there is a folder of that name")}
	}
	return err
}

// addFolder inserts a folder; fid and times of row are set.
func (t *tx) addFolder(row *folderRow, props mapi.Props, as Identity) (err error) {
	if row.fid, err = as.id(t); err != nil {
		return err
	}
	row.sourceKey = as.SourceKey
	as.change(&row.changeKey, &row.pcl)
	if row.cn, err = t.newID(); err != nil {
		return err
	}
	if row.kind == folderRoot {
		row.parent = row.fid
	}
	data, all, err := t.change(nil, props, []mapi.Key{mapi.TagKey(pid.TagDisplayName)}, computedFolder)
	if err != nil {
		return err
	}
	row.created, row.props = now(), data
	row.modified, row.committed = row.created, row.created
	row.mirror(all)
	t.note(Event{Kind: Created, Folder: row.fid, Parent: row.parent})
	return t.exec("INSERT INTO folders (fid, parent, role, name, folded, class, type, hidden, created, modified, cn, source_key, change_key, pcl, props, committed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		int64(row.fid), int64(row.parent), row.role, row.name, fold(row.name), row.class, row.kind, row.hidden, row.created, row.modified, int64(row.cn), row.sourceKey, row.changeKey, row.pcl, notNull(row.props), row.committed)
}

// mirror sets the columns that repeat properties.
func (f *folderRow) mirror(props mapi.Props) {
	f.class = props.Text(pid.TagContainerClass)
	f.hidden, _ = props.Tag(pid.TagAttributeHidden).(bool)
}

// fold makes names equal that differ in case only.
func fold(s string) string {
	return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, s)
}

// SetProps implements mapi.Folder. PidTagDisplayName renames the folder.
func (f *Folder) SetProps(ctx context.Context, set mapi.Props, del []mapi.Key) error {
	return f.setProps(ctx, set, del, Identity{})
}

func (f *Folder) setProps(ctx context.Context, set mapi.Props, del []mapi.Key, as Identity) error {
	name := set.Text(pid.TagDisplayName)
	err := f.s.update(ctx, func(tx *tx) error {
		row, err := findFolder(ctx, tx, f.fid)
		if err != nil {
			return err
		}
		if name != "" {
			row.name = name
		}
		data, all, err := tx.change(row.props, set, append([]mapi.Key{mapi.TagKey(pid.TagDisplayName), mapi.TagKey(pid.TagDisplayName).WithType(mapi.TypeString8)}, del...), computedFolder)
		if err != nil {
			return err
		}
		row.props = data
		row.mirror(all)
		tx.note(Event{Kind: Modified, Folder: row.fid, Parent: row.parent})
		if err := tx.saveFolder(row); err != nil || as.ChangeKey == nil {
			return err
		}
		as.change(&row.changeKey, &row.pcl)
		return tx.exec("UPDATE folders SET change_key = ?, pcl = ? WHERE fid = ?", row.changeKey, row.pcl, int64(row.fid))
	})
	return f.s.fail("change folder", nameTaken(err, name))
}

// saveFolder writes a changed folder with a new change number.
func (t *tx) saveFolder(row *folderRow) (err error) {
	pcl := row.pcl
	if pcl == nil {
		pcl = t.s.mergePCL(nil, row.cn)
	}
	if row.cn, err = t.newID(); err != nil {
		return err
	}
	row.pcl, row.changeKey, row.modified = t.s.mergePCL(pcl, row.cn), nil, now()
	return t.exec("UPDATE folders SET parent = ?, name = ?, folded = ?, class = ?, hidden = ?, modified = ?, cn = ?, change_key = NULL, pcl = ?, props = ?, committed = ? WHERE fid = ?",
		int64(row.parent), row.name, fold(row.name), row.class, row.hidden, row.modified, int64(row.cn), row.pcl, notNull(row.props), row.modified, int64(row.fid))
}

// change applies changes to properties of a folder or store and gives them encoded and decoded. Those in computed, and
// the deleted, are left out.
func (t *tx) change(data []byte, set mapi.Props, del []mapi.Key, computed map[mapi.Tag]bool) ([]byte, mapi.Props, error) {
	props, err := t.s.props(t.ctx, t, data)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range set {
		v, err := inMemory(p)
		if err != nil {
			return nil, nil, err
		}
		props.Set(p.Key, v)
	}
	for _, k := range del {
		props.Delete(k)
	}
	var kept mapi.Props
	var recs []record
	for _, p := range props {
		if computed[p.Key.Tag] {
			continue
		}
		if err := checkKey(p.Key); err != nil {
			return nil, nil, err
		}
		r := record{op: opProp, tag: p.Key.Tag, val: p.Value}
		if p.Key.Named() {
			id, err := t.nameID(p.Key.Name)
			if err != nil {
				return nil, nil, err
			}
			if r.tag = mapi.NewTag(id, p.Key.Type()); id == 0 {
				r.name = p.Key.Name
			}
		}
		recs, kept = append(recs, r), append(kept, p)
	}
	data, err = encode(nil, recs...)
	return data, kept, err
}

func checkKey(k mapi.Key) error {
	if k.Tag.Named() || k.Tag.ID() == 0 && !k.Named() {
		return &mapi.Error{Op: "write property", Object: k.String(), Code: mapi.ErrInvalidParameter, Err: errors.New("a property id of this range needs a name")}
	}
	return nil
}

// maxFolderValue bounds values of folders and stores, which are held in memory.
const maxFolderValue = 16 << 20

// inMemory is the value of a property, a Blob read.
func inMemory(p mapi.Prop) (mapi.Value, error) {
	v := p.Value
	if b, ok := v.(mapi.Blob); ok {
		if b.Size() > maxFolderValue {
			return nil, &mapi.Error{Op: "write property", Object: p.Key.String(), Code: mapi.ErrNoMemory, Err: fmt.Errorf("%d bytes are too many for a folder", b.Size())}
		}
		r, err := b.Open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		data, err := io.ReadAll(io.LimitReader(r, maxFolderValue))
		if err != nil {
			return nil, err
		}
		v, err = mapi.BytesValue(p.Key.Type(), data)
		return v, err
	}
	if err := mapi.CheckValue(p.Key.Type(), v); err != nil {
		return nil, &mapi.Error{Op: "write property", Object: p.Key.String(), Code: mapi.ErrInvalidParameter, Err: err}
	}
	return v, nil
}

// DeleteFolder implements mapi.Folder. The folder is gone for good; special folders are ErrNoAccess.
func (f *Folder) DeleteFolder(ctx context.Context, id mapi.EntryID) error {
	const op = "delete folder"
	fid, err := f.s.FolderID(id)
	if err != nil {
		return err
	}
	return f.s.fail(op, f.s.update(ctx, func(tx *tx) error {
		row, err := findFolder(ctx, tx, fid)
		if err != nil {
			return err
		}
		if row.parent != f.fid || fid == f.fid {
			return notFound(op, row.name)
		}
		const tree = "WITH RECURSIVE t(fid) AS (SELECT ? UNION SELECT f.fid FROM folders f JOIN t ON f.parent = t.fid) "
		var special sql.NullString
		if err := tx.QueryRowContext(ctx, tree+"SELECT min(name) FROM folders WHERE role IS NOT NULL AND fid IN t", int64(fid)).Scan(&special); err != nil {
			return err
		}
		if special.Valid {
			return &mapi.Error{Op: op, Object: special.String, Code: mapi.ErrNoAccess, Err: errors.New("special folders cannot be deleted")}
		}
		if err := tx.exec(tree+"DELETE FROM items WHERE folder IN t", int64(fid)); err != nil {
			return err
		}
		if err := tx.exec(tree+"DELETE FROM folders WHERE fid IN t", int64(fid)); err != nil {
			return err
		}
		tx.note(Event{Kind: Deleted, Folder: fid, Parent: f.fid})
		return tx.committed(f.fid)
	}))
}
