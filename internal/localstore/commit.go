package localstore

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/opencdo/opencdo/mapi"
)

// Commit implements mapi.ItemWriter.
func (w *writer) Commit(ctx context.Context) (mapi.EntryID, error) {
	const op = "commit item"
	if err := w.begin(); err != nil {
		return "", err
	}
	if len(w.levels) != 0 {
		return "", w.outOfOrder("commit")
	}
	it := &item{folder: w.folder, list: int(w.kind), size: w.size}
	if w.kind == mapi.Associated {
		it.flags |= flagAssociated
	}
	if len(w.sizes) > 0 {
		it.flags |= flagHasAttach
	}
	props, kept, err := w.ownProps(ctx)
	if err != nil {
		return "", w.fail(op, err)
	}
	it.display = w.display.columns()
	top, err := encode(nil, kept...)
	if err != nil {
		return "", w.fail(op, err)
	}
	err = w.s.update(ctx, func(tx *tx) error {
		if it.content, err = w.settle(tx, top); err != nil {
			return err
		}
		return w.place(tx, it, props)
	})
	if err != nil {
		return "", w.fail(op, err)
	}
	w.done = true
	return w.s.MessageEntryID(it.folder, it.mid), nil
}

// ownProps are the item's own properties, all and those for the records.
func (w *writer) ownProps(ctx context.Context) (mapi.Props, []record, error) {
	props := make(mapi.Props, 0, len(w.top))
	kept := make([]record, 0, len(w.top))
	for _, r := range w.top {
		k, err := w.s.keyOf(ctx, &r)
		if err != nil {
			return nil, nil, err
		}
		props = append(props, mapi.Prop{Key: k, Value: r.val})
		if !stripped[k.Tag] {
			kept = append(kept, r)
		}
	}
	return props, kept, nil
}

// settle writes what is still in memory and takes the content out of the staged ones.
func (w *writer) settle(tx *tx, top []byte) (content int64, err error) {
	sizes := encodeSizes(w.sizes)
	if content = w.content; content == 0 {
		id, err := tx.insert("INSERT INTO contents (attach_sizes) VALUES (?)", sizes)
		if err != nil {
			return 0, err
		}
		content = int64(id)
	} else {
		r, err := tx.ExecContext(tx.ctx, "UPDATE contents SET staged = NULL, attach_sizes = ? WHERE id = ? AND staged IS NOT NULL", sizes, content)
		if err != nil {
			return 0, err
		}
		if n, err := r.RowsAffected(); err != nil || n != 1 {
			return 0, errors.Join(err, &mapi.Error{Op: "commit item", Code: mapi.ErrObjectDeleted, Err: errors.New("what was written of it is gone")})
		}
	}
	if err := tx.segment(content, 0, top); err != nil {
		return 0, err
	}
	if len(w.seg) > 0 {
		return content, tx.segment(content, w.segments+1, w.seg)
	}
	return content, nil
}

// place makes the content that of an item.
func (w *writer) place(tx *tx, it *item, props mapi.Props) error {
	var folder int
	if err := tx.QueryRowContext(tx.ctx, "SELECT 1 FROM folders WHERE fid = ?", int64(it.folder)).Scan(&folder); err != nil {
		return err
	}
	if w.replace != 0 {
		old, err := findItem(tx.ctx, tx, it.folder, w.replace)
		if err != nil {
			return err
		}
		it.mid, it.list, it.readCN, it.sourceKey = old.mid, old.list, old.readCN, old.sourceKey
		it.flags |= old.flags & flagAssociated
		it.derive(props, old)
		if err := tx.changed(it, old); err != nil {
			return err
		}
		w.brought.change(&it.changeKey, &it.pcl)
		tx.noteItem(Modified, it)
		return tx.replaceItem(it)
	}
	var err error
	if it.mid, err = w.brought.id(tx); err != nil {
		return err
	}
	it.derive(props, nil)
	if err := tx.changed(it, nil); err != nil {
		return err
	}
	it.sourceKey = w.brought.SourceKey
	w.brought.change(&it.changeKey, &it.pcl)
	if err := tx.insertItem(it); err != nil {
		return idTaken(err, it.mid)
	}
	tx.noteItem(Created, it)
	return nil
}

// changed gives an item a new change number, and its change list what it knew before.
func (t *tx) changed(it, old *item) (err error) {
	if it.cn, err = t.newID(); err != nil {
		return err
	}
	it.changeKey, it.pcl = nil, nil
	if old != nil {
		it.pcl = t.s.mergePCL(t.s.itemPCL(old), it.cn)
	} else {
		it.readCN = it.cn
	}
	return t.committed(it.folder)
}

// committed notes that something in a folder changed.
func (t *tx) committed(folder ID) error {
	return t.exec("UPDATE folders SET committed = ? WHERE fid = ?", now(), int64(folder))
}

func encodeSizes(sizes []int64) []byte {
	var b []byte
	for _, n := range sizes {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

func decodeSizes(b []byte) []int64 {
	var sizes []int64
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			break
		}
		sizes, b = append(sizes, int64(v)), b[n:]
	}
	return sizes
}
