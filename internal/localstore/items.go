package localstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// itemID is the MID in an entry id, which must name an item of this folder.
func (f *Folder) itemID(e mapi.EntryID) (ID, error) {
	fid, mid, err := f.s.MessageID(e)
	if err == nil && fid != f.fid {
		return 0, notFound("find message", "in another folder")
	}
	return mid, err
}

func (f *Folder) itemIDs(es []mapi.EntryID) ([]ID, error) {
	ids := make([]ID, len(es))
	for i, e := range es {
		var err error
		if ids[i], err = f.itemID(e); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// Read implements mapi.Folder. The item is read as it is when the reading begins, however long it takes.
func (f *Folder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	const op = "read item"
	mid, err := f.itemID(id)
	if err != nil {
		return err
	}
	return f.s.fail(op, f.s.view(ctx, func(q *sql.Tx) error {
		it, err := findItem(ctx, q, f.fid, mid)
		if err != nil {
			return err
		}
		return f.s.push(ctx, q, it, w)
	}))
}

// OpenItem reads an item into memory except for its large values: those are Blobs that read from the store when they are
// opened, and fail with ErrObjectDeleted once the item has got another content or is gone.
func (f *Folder) OpenItem(ctx context.Context, id mapi.EntryID) (*mapi.Item, error) {
	b := blobKeeper{ctx: context.WithoutCancel(ctx)}
	if err := f.Read(ctx, id, &b); err != nil {
		return nil, err
	}
	return &b.Item, nil
}

// blobKeeper builds an item with the store's own Blobs.
type blobKeeper struct {
	mapi.ItemBuilder
	ctx context.Context // to read them with, later
}

// Create implements mapi.Folder. Until it is committed an item takes up file space only.
func (f *Folder) Create(ctx context.Context, k mapi.Kind) (mapi.ItemWriter, error) {
	return f.CreateAs(ctx, k, Identity{})
}

// CreateAs is Create for an item that brings its identity along.
func (f *Folder) CreateAs(ctx context.Context, k mapi.Kind, as Identity) (mapi.ItemWriter, error) {
	if k != mapi.Normal && k != mapi.Associated {
		return nil, &mapi.Error{Op: "create item", Object: k.String(), Code: mapi.ErrNoSupport, Err: errors.New("only deletion puts items there")}
	}
	if err := f.s.alive(); err != nil {
		return nil, err
	}
	if err := f.exists(ctx, f.s.read); err != nil {
		return nil, f.s.fail("create item", err)
	}
	w := f.writer(ctx, k, 0)
	w.brought = as
	return w, nil
}

// exists fails for a folder that was deleted since it was opened.
func (f *Folder) exists(ctx context.Context, q querier) error {
	var one int
	return q.QueryRowContext(ctx, "SELECT 1 FROM folders WHERE fid = ?", int64(f.fid)).Scan(&one)
}

func (f *Folder) writer(ctx context.Context, k mapi.Kind, replace ID) *writer {
	return &writer{s: f.s, ctx: ctx, folder: f.fid, kind: k, replace: replace, topKeys: map[mapi.Key]int{}}
}

// Replace implements mapi.Folder.
func (f *Folder) Replace(ctx context.Context, id mapi.EntryID) (mapi.ItemWriter, error) {
	return f.ReplaceAs(ctx, id, Identity{})
}

// ReplaceAs is Replace with the change key and list of the change; the rest of as is ignored.
func (f *Folder) ReplaceAs(ctx context.Context, id mapi.EntryID, as Identity) (mapi.ItemWriter, error) {
	const op = "replace item"
	mid, err := f.itemID(id)
	if err != nil {
		return nil, err
	}
	if err := f.s.alive(); err != nil {
		return nil, err
	}
	it, err := findItem(ctx, f.s.read, f.fid, mid)
	if err == nil {
		err = it.writable(op)
	}
	if err != nil {
		return nil, f.s.fail(op, err)
	}
	w := f.writer(ctx, mapi.Kind(it.list), mid)
	w.brought = as
	return w, nil
}

func (it *item) writable(op string) error {
	if it.list >= listSoftDeleted {
		return &mapi.Error{Op: op, Code: mapi.ErrNoAccess, Err: errors.New("the item is deleted")}
	}
	return nil
}

// Update implements mapi.Folder. PidTagLastModificationTime is set unless given; a new PidTagSubject replaces the prefix and
// the normalized subject, and the reverse.
func (f *Folder) Update(ctx context.Context, id mapi.EntryID, set mapi.Props, del []mapi.Key) error {
	const op = "update item"
	mid, err := f.itemID(id)
	if err != nil {
		return err
	}
	w := f.writer(ctx, mapi.Normal, 0) // for what is large
	defer w.Close()
	for _, p := range set {
		if err := w.Prop(p.Key, p.Value); err != nil {
			return f.s.fail(op, err)
		}
	}
	if err := f.s.alive(); err != nil {
		return err
	}
	return f.s.fail(op, f.s.update(ctx, func(tx *tx) error {
		old, err := findItem(ctx, tx, f.fid, mid)
		if err == nil {
			err = old.writable(op)
		}
		if err != nil {
			return err
		}
		tx.noteItem(Modified, old)
		return tx.updateItem(old, w, del)
	}))
}

// updateItem puts the properties of w into an item.
func (t *tx) updateItem(old *item, w *writer, del []mapi.Key) error {
	it := *old
	top, err := topData(t.ctx, t, old.content)
	if err != nil {
		return err
	}
	var recs []record
	var keys []mapi.Key
	gone := map[mapi.Key]bool{}
	for _, k := range del {
		gone[k] = true
	}
	for _, k := range replaced(w.topKeys) {
		gone[k] = true
	}
	namesDropped := false
	dropped := func(r record) error {
		it.size -= valueSize(r.val)
		switch r.tag.ID() {
		case pid.TagDisplayTo.ID(), pid.TagDisplayCc.ID(), pid.TagDisplayBcc.ID():
			namesDropped = true
		}
		if ref, ok := r.val.(blobRef); ok {
			return t.exec("DELETE FROM blobs WHERE id = ?", int64(ref.ID))
		}
		return nil
	}
	err = decode(top, func(r record) error {
		k, err := t.s.keyOf(t.ctx, &r)
		if err != nil {
			return err
		}
		_, again := w.topKeys[k]
		if again || gone[k] {
			return dropped(r)
		}
		recs, keys = append(recs, r), append(keys, k)
		return nil
	})
	if err != nil {
		return err
	}
	var props mapi.Props
	for i, r := range recs {
		props = append(props, mapi.Prop{Key: keys[i], Value: r.val})
	}
	added, kept, err := w.ownProps(t.ctx)
	if err != nil {
		return err
	}
	recs, props = append(recs, kept...), append(props, added...)
	if top, err = encode(nil, recs...); err != nil {
		return err
	}
	it.size += w.size
	if namesDropped { // the columns had them instead of the recipients' names
		if it.display, err = recipientNames(t.ctx, t, old.content); err != nil {
			return err
		}
	}
	it.derive(props, old)
	if err := t.changed(&it, old); err != nil {
		return err
	}
	if err := t.exec("UPDATE segments SET data = ? WHERE id = ?", notNull(top), old.content<<rowShift); err != nil {
		return err
	}
	if w.content != 0 { // large values change hands
		if err := t.exec("UPDATE blobs SET content = ? WHERE content = ?", old.content, w.content); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM contents WHERE id = ?", w.content); err != nil {
			return err
		}
	}
	return t.replaceItem(&it)
}

// recipientNames are PidTagDisplayTo, Cc and Bcc as the recipients make them.
func recipientNames(ctx context.Context, q querier, content int64) ([3]sql.NullString, error) {
	var d displayNames
	var recipientType int32
	var name string
	inside := false
	err := eachPart(ctx, q, content, func(depth int, r record) error {
		switch {
		case depth != 1:
		case r.op == opRecipient:
			inside, recipientType, name = true, 0, ""
		case r.op == opEnd && inside:
			d.add(recipientType, name)
			inside = false
		case r.tag == pid.TagRecipientType:
			recipientType, _ = r.val.(int32)
		case r.tag == pid.TagDisplayName:
			name, _ = r.val.(string)
		}
		return nil
	})
	return d.columns(), err
}

// replaced are the members of the subject's trinity that new ones make stale.
func replaced(set map[mapi.Key]int) (gone []mapi.Key) {
	has := func(t mapi.Tag) bool {
		_, wide := set[mapi.TagKey(t)]
		_, narrow := set[mapi.TagKey(t).WithType(mapi.TypeString8)]
		return wide || narrow
	}
	drop := func(t mapi.Tag) {
		if !has(t) {
			gone = append(gone, mapi.TagKey(t), mapi.TagKey(t).WithType(mapi.TypeString8))
		}
	}
	switch {
	case has(pid.TagSubject):
		drop(pid.TagSubjectPrefix)
		drop(pid.TagNormalizedSubject)
	case has(pid.TagSubjectPrefix), has(pid.TagNormalizedSubject):
		drop(pid.TagSubject)
	}
	return gone
}

// SetRead marks items read or unread. It changes their read-state change numbers only ([MS-OXCFXICS] 3.2.5.3).
func (f *Folder) SetRead(ctx context.Context, ids []mapi.EntryID, read bool) error {
	mids, err := f.itemIDs(ids)
	if err != nil {
		return err
	}
	return f.s.fail("set read flag", f.s.update(ctx, func(tx *tx) error {
		for _, mid := range mids {
			it, err := findItem(ctx, tx, f.fid, mid)
			if err == nil {
				err = it.writable("set read flag")
			}
			if err != nil {
				return err
			}
			flags := it.flags &^ (flagRead | flagEverRead)
			if read {
				flags |= flagRead | flagEverRead
			}
			if flags&flagRead == it.flags&flagRead {
				continue
			}
			cn, err := tx.newID()
			if err != nil {
				return err
			}
			if err := tx.exec("UPDATE items SET flags = ?, read_cn = ? WHERE mid = ?", flags, int64(cn), int64(mid)); err != nil {
				return err
			}
			it.flags = flags
			tx.noteItem(Modified, it)
		}
		return tx.committed(f.fid)
	}))
}

// Delete implements mapi.Folder. All of ids are deleted or, on an error, none.
func (f *Folder) Delete(ctx context.Context, ids []mapi.EntryID, hard bool) error {
	const op = "delete items"
	mids, err := f.itemIDs(ids)
	if err != nil {
		return err
	}
	return f.s.fail(op, f.s.update(ctx, func(tx *tx) error {
		for _, mid := range mids {
			query, args := "DELETE FROM items WHERE mid = ? AND folder = ?", []any{int64(mid), int64(f.fid)}
			if !hard {
				query = "UPDATE items SET list = list | 2, deleted = ifnull(deleted, ?) WHERE mid = ? AND folder = ?"
				args = append([]any{now()}, args...)
			}
			if err := tx.one(query, args...); err != nil {
				return err
			}
			tx.note(Event{Kind: Deleted, Folder: f.fid, Item: mid})
		}
		return tx.committed(f.fid)
	}))
}

// one is exec for a statement that must change one row.
func (t *tx) one(query string, args ...any) error {
	r, err := t.ExecContext(t.ctx, query, args...)
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err == nil && n != 1 {
		err = sql.ErrNoRows
	}
	return err
}

// Purge removes for good what was soft-deleted before a moment, in all folders, and tells how many items that were.
func (s *Store) Purge(ctx context.Context, before mapi.FileTime) (n int64, err error) {
	err = s.update(ctx, func(tx *tx) error {
		r, err := tx.ExecContext(ctx, "DELETE FROM items WHERE list >= 2 AND deleted < ?", int64(before))
		if err == nil {
			n, err = r.RowsAffected()
		}
		return err
	})
	return n, s.fail("purge deleted items", err)
}

// Undelete takes soft-deleted items back into the list they were deleted from. They get new ids, as after a move.
func (f *Folder) Undelete(ctx context.Context, ids []mapi.EntryID) ([]mapi.EntryID, error) {
	return f.transfer(ctx, "recover items", ids, f, func(tx *tx, it *item) error {
		if it.list < listSoftDeleted {
			return &mapi.Error{Op: "recover items", Code: mapi.ErrInvalidParameter, Err: errors.New("the item is not deleted")}
		}
		return tx.move(it, f.fid, Identity{})
	})
}

// Move moves items to another folder of the store, where they get new ids.
func (f *Folder) Move(ctx context.Context, ids []mapi.EntryID, to *Folder) ([]mapi.EntryID, error) {
	return f.transfer(ctx, "move items", ids, to, func(tx *tx, it *item) error { return tx.move(it, to.fid, Identity{}) })
}

// MoveAs is Move for one item that a client moved already and gave its new identity.
func (f *Folder) MoveAs(ctx context.Context, id mapi.EntryID, to *Folder, as Identity) (mapi.EntryID, error) {
	moved, err := f.transfer(ctx, "move item", []mapi.EntryID{id}, to, func(tx *tx, it *item) error { return tx.move(it, to.fid, as) })
	if err != nil {
		return "", err
	}
	return moved[0], nil
}

// Copy copies items into a folder of the store, which may be their own.
func (f *Folder) Copy(ctx context.Context, ids []mapi.EntryID, to *Folder) ([]mapi.EntryID, error) {
	return f.transfer(ctx, "copy items", ids, to, func(tx *tx, it *item) error { return tx.copy(it, to.fid) })
}

// transfer runs do on each item, which leaves the new item in it, and gives the new entry ids.
func (f *Folder) transfer(ctx context.Context, op string, ids []mapi.EntryID, to *Folder, do func(*tx, *item) error) ([]mapi.EntryID, error) {
	mids, err := f.itemIDs(ids)
	if err != nil {
		return nil, err
	}
	if to.s.mailbox != f.s.mailbox || to.s.file != f.s.file {
		return nil, &mapi.Error{Op: op, Code: mapi.ErrNoSupport, Err: errors.New("the folders are of different stores")}
	}
	moved := make([]mapi.EntryID, len(mids))
	err = f.s.update(ctx, func(tx *tx) error {
		if _, err := findFolder(ctx, tx, to.fid); err != nil {
			return err
		}
		for i, mid := range mids {
			it, err := findItem(ctx, tx, f.fid, mid)
			if err != nil {
				return err
			}
			if err := do(tx, it); err != nil {
				return err
			}
			moved[i] = f.s.MessageEntryID(it.folder, it.mid)
		}
		if err := tx.committed(f.fid); err != nil {
			return err
		}
		return tx.committed(to.fid)
	})
	if err != nil {
		return nil, f.s.fail(op, err)
	}
	return moved, nil
}

// renew gives an item that comes into a folder its ids.
func (t *tx) renew(it *item, to ID, as Identity) (err error) {
	it.pcl = t.s.itemPCL(it)
	if it.mid, err = as.id(t); err != nil {
		return err
	}
	if it.cn, err = t.newID(); err != nil {
		return err
	}
	it.folder, it.list, it.deleted = to, it.list&listAssociated, sql.NullInt64{}
	it.readCN, it.sourceKey, it.changeKey = it.cn, as.SourceKey, nil
	it.pcl = t.s.mergePCL(it.pcl, it.cn)
	as.change(&it.changeKey, &it.pcl)
	return nil
}

// move takes an item into a folder. Its content stays where it is.
func (t *tx) move(it *item, to ID, as Identity) error {
	old, from, deleted := it.mid, it.folder, it.list >= listSoftDeleted
	if err := t.renew(it, to, as); err != nil {
		return err
	}
	if deleted {
		t.noteItem(Created, it) // nobody has seen it before
	} else {
		t.noteItem(Moved, it)
		e := &t.events[len(t.events)-1]
		e.OldFolder, e.OldItem = from, old
	}
	return idTaken(t.one("UPDATE items SET ("+itemColumns+") = ("+itemMarks+") WHERE mid = ?", append(it.values(), int64(old))...), it.mid)
}

// copy makes a second item with a second content.
func (t *tx) copy(it *item, to ID) error {
	if it.list >= listSoftDeleted {
		return it.writable("copy items")
	}
	content, err := t.copyContent(it.content)
	if err != nil {
		return err
	}
	it.content = content
	old, from := it.mid, it.folder
	if err := t.renew(it, to, Identity{}); err != nil {
		return err
	}
	t.noteItem(Copied, it)
	e := &t.events[len(t.events)-1]
	e.OldFolder, e.OldItem = from, old
	return t.insertItem(it)
}

// copyContent copies a content inside the file. References to large values are rewritten to the copies.
func (t *tx) copyContent(from int64) (int64, error) {
	id, err := t.insert("INSERT INTO contents (attach_sizes) SELECT attach_sizes FROM contents WHERE id = ?", from)
	if err != nil {
		return 0, err
	}
	to := int64(id)
	for number := int64(0); ; number++ {
		var data []byte
		err := t.QueryRowContext(t.ctx, "SELECT data FROM segments WHERE id = ?", from<<rowShift+number).Scan(&data)
		if errors.Is(err, sql.ErrNoRows) && number > 0 {
			return to, nil
		}
		if err != nil {
			return 0, fmt.Errorf("segment %d: %w", number, err)
		}
		var out []byte
		err = decode(data, func(r record) error {
			if ref, ok := r.val.(blobRef); ok {
				blob, err := t.insert("INSERT INTO blobs (content) VALUES (?)", to)
				if err != nil {
					return err
				}
				err = t.exec("INSERT INTO chunks SELECT id - ? + ?, data FROM chunks WHERE id BETWEEN ? AND ? ORDER BY id",
					int64(ref.ID)<<rowShift, int64(blob)<<rowShift, int64(ref.ID)<<rowShift, int64(ref.ID+1)<<rowShift-1)
				if err != nil {
					return err
				}
				ref.ID = blob
				r.val = ref
			}
			var err error
			out, err = encode(out, r)
			return err
		})
		if err != nil {
			return 0, err
		}
		if err := t.segment(to, number, out); err != nil {
			return 0, err
		}
	}
}
