package localstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Change is what incremental synchronization needs to know of an item ([MS-OXCFXICS] 3.2.5.3). Deletions show by an id being
// gone, moves as a deletion and a new id.
type Change struct {
	ID       ID
	CN       ID // of the last change
	ReadCN   ID // of the last change of the read state
	Read     bool
	Kind     mapi.Kind
	Size     int64
	Modified mapi.FileTime
}

// Changes lists the items of a folder except soft-deleted ones, in the order of their change numbers.
func (f *Folder) Changes(ctx context.Context) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		err := f.s.view(ctx, func(tx *sql.Tx) error {
			rows, err := tx.QueryContext(ctx, "SELECT mid, cn, read_cn, flags & 1, list, size, modified FROM items WHERE folder = ? AND list < 2 ORDER BY cn", int64(f.fid))
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var c Change
				if err := rows.Scan(&c.ID, &c.CN, &c.ReadCN, &c.Read, &c.Kind, &c.Size, &c.Modified); err != nil {
					return err
				}
				if !yield(c, nil) {
					return nil
				}
			}
			return rows.Err()
		})
		if err != nil {
			yield(Change{}, f.s.fail("list changes", err))
		}
	}
}

// FolderChange is a line of the hierarchy.
type FolderChange struct {
	ID, Parent ID
	CN         ID
	Role       mapi.Role
	Info       mapi.FolderInfo
}

// Hierarchy lists all folders below one, parents before children.
func (f *Folder) Hierarchy(ctx context.Context) iter.Seq2[FolderChange, error] {
	const tree = "fid IN (WITH RECURSIVE t(fid) AS (SELECT ? UNION SELECT f.fid FROM folders f JOIN t ON f.parent = t.fid) SELECT fid FROM t) AND fid <> ? ORDER BY folded"
	return func(yield func(FolderChange, error) bool) {
		list, err := f.s.listFolders(ctx, tree, int64(f.fid), int64(f.fid))
		if err != nil {
			yield(FolderChange{}, f.s.fail("list folders", err))
			return
		}
		below := map[ID][]*folderRow{}
		for _, row := range list {
			below[row.parent] = append(below[row.parent], row)
		}
		for queue := below[f.fid]; len(queue) > 0; queue = queue[1:] {
			row := queue[0]
			if !yield(FolderChange{row.fid, row.parent, row.cn, mapi.Role(row.role.String), row.info(f.s)}, ctx.Err()) {
				return
			}
			queue = append(queue, below[row.fid]...)
		}
	}
}

// LastCN is the last id that the store gave out: every change up to it has happened.
func (s *Store) LastCN(ctx context.Context) (ID, error) {
	var replica uint16
	var counter uint64
	if err := s.alive(); err != nil {
		return 0, err
	}
	err := s.read.QueryRowContext(ctx, "SELECT replica, counter FROM mailbox").Scan(&replica, &counter)
	return NewID(replica, counter), s.fail("read change number", err)
}

// Identity is what an object brings along that another replica made or changed ([MS-OXCFXICS] 3.2.5.9.4). Zero members are
// made by the store. The store gives each change a change number of its own all the same; the next change made here
// takes the place of ChangeKey and joins PCL.
type Identity struct {
	ID        ID     // one that ReserveIDs gave out, or of another replica
	SourceKey []byte // where it is not made of ID
	ChangeKey []byte
	PCL       []byte
}

// id is the id that came, or a new one.
func (as Identity) id(t *tx) (ID, error) {
	if as.ID == 0 {
		return t.newID()
	}
	if _, err := t.newIDs(0); err != nil {
		return 0, err
	}
	if as.ID.Counter() == 0 || as.ID.Replica() == t.replica && as.ID.Counter() > t.counter {
		return 0, &mapi.Error{Op: "use id", Object: fmt.Sprintf("%x", as.ID.Counter()), Code: mapi.ErrInvalidParameter, Err: errors.New("it was never given out")}
	}
	return as.ID, nil
}

func (as Identity) change(changeKey, pcl *[]byte) {
	if as.ChangeKey != nil {
		*changeKey = as.ChangeKey
	}
	if as.PCL != nil {
		*pcl = as.PCL
	}
}

// idTaken names the cause of a constraint's failure.
func idTaken(err error, id ID) error {
	if isTaken(err) {
		return &mapi.Error{Op: "use id", Object: fmt.Sprintf("%x", id.Counter()), Code: mapi.ErrCollision, Err: errors.New("another object has it")}
	}
	return err
}

// FindSourceKey finds the item that has a source key, soft-deleted ones too, or ErrNotFound.
func (s *Store) FindSourceKey(ctx context.Context, key []byte) (fid, mid ID, err error) {
	const op = "find item by source key"
	if err := s.alive(); err != nil {
		return 0, 0, err
	}
	id := s.sourceID(key)
	row := s.read.QueryRowContext(ctx, "SELECT folder, mid FROM items WHERE source_key = ? UNION ALL SELECT folder, mid FROM items WHERE mid = ? AND source_key IS NULL", key, int64(id))
	err = row.Scan(&fid, &mid)
	return fid, mid, s.fail(op, err)
}

// FindFolderSourceKey finds the folder that has a source key, or ErrNotFound.
func (s *Store) FindFolderSourceKey(ctx context.Context, key []byte) (fid ID, err error) {
	if err := s.alive(); err != nil {
		return 0, err
	}
	row := s.read.QueryRowContext(ctx, "SELECT fid FROM folders WHERE source_key = ? OR fid = ? AND source_key IS NULL", key, int64(s.sourceID(key)))
	err = row.Scan(&fid)
	return fid, s.fail("find folder by source key", err)
}

// sourceID is the id that a source key is made of, or 0.
func (s *Store) sourceID(key []byte) ID {
	var g oxcdata.GlobalID
	if oxcdata.Decode(oxcdata.ROP, key, func(c *oxcdata.Coder) { c.GlobalID(&g) }) != nil {
		return 0
	}
	id, _ := s.localID(g, "source key")
	return id
}

// FolderOf is the folder that an item is in.
func (s *Store) FolderOf(ctx context.Context, mid ID) (fid ID, err error) {
	if err := s.alive(); err != nil {
		return 0, err
	}
	err = s.read.QueryRowContext(ctx, "SELECT folder FROM items WHERE mid = ?", int64(mid)).Scan(&fid)
	return fid, s.fail("find item", err)
}

// WasDeleted tells whether an item or folder with a source key was here and is gone for good, or was moved and has another
// key now.
func (s *Store) WasDeleted(ctx context.Context, key []byte) (was bool, err error) {
	if err := s.alive(); err != nil {
		return false, err
	}
	row := s.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM deleted WHERE source_key = ? UNION ALL SELECT 1 FROM deleted WHERE id = ? AND source_key IS NULL)", key, int64(s.sourceID(key)))
	err = row.Scan(&was)
	return was, s.fail("find deleted object", err)
}

// Version is which version of an item is here.
type Version struct {
	Identity
	CN, ReadCN ID
	Modified   mapi.FileTime
	Size       int64
	Deleted    bool // soft-deleted
}

// Version tells which version of an item the folder has, or ErrNotFound.
func (f *Folder) Version(ctx context.Context, mid ID) (v Version, err error) {
	if err := f.s.alive(); err != nil {
		return v, err
	}
	it, err := findItem(ctx, f.s.read, f.fid, mid)
	if err != nil {
		return v, f.s.fail("find item", err)
	}
	v = Version{Identity{ID: mid, SourceKey: it.sourceKey, ChangeKey: it.changeKey, PCL: f.s.itemPCL(it)}, it.cn, it.readCN, mapi.FileTime(it.modified), it.size, it.list >= listSoftDeleted}
	if v.SourceKey == nil {
		v.SourceKey = f.s.gid(mid)
	}
	if v.ChangeKey == nil {
		v.ChangeKey = f.s.gid(it.cn)
	}
	return v, nil
}

// ChangeAs is SetProps with the change key and list of the change; the rest of as is ignored.
func (f *Folder) ChangeAs(ctx context.Context, set mapi.Props, as Identity) error {
	return f.setProps(ctx, set, nil, as)
}

// MoveTo puts the folder below another, under a new name if one is given. ErrFolderCycle when that is the folder itself or
// below it, ErrCollision when the name is taken there, ErrNoAccess for special folders.
func (f *Folder) MoveTo(ctx context.Context, to *Folder, name string) error {
	const op = "move folder"
	err := f.s.update(ctx, func(tx *tx) error {
		row, err := findFolder(ctx, tx, f.fid)
		if err != nil {
			return err
		}
		if row.role.Valid {
			return &mapi.Error{Op: op, Object: row.name, Code: mapi.ErrNoAccess, Err: errors.New("special folders stay where they are")}
		}
		for above := to.fid; ; {
			if above == f.fid {
				return &mapi.Error{Op: op, Object: row.name, Code: mapi.ErrFolderCycle}
			}
			next, err := findFolder(ctx, tx, above)
			if err != nil {
				return err
			}
			if next.parent == above {
				break
			}
			above = next.parent
		}
		if name != "" {
			row.name = name
		}
		tx.note(Event{Kind: Moved, Folder: row.fid, Parent: to.fid, OldFolder: row.fid, OldParent: row.parent})
		row.parent = to.fid
		return tx.saveFolder(row)
	})
	if err != nil {
		return f.s.fail(op, nameTaken(err, name))
	}
	f.parent = to.fid
	return nil
}
