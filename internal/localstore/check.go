package localstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/mapi"
)

// Check looks for damage: of the database, of its tables among each other, and of the contents of all items. It returns
// every finding, joined; each is ErrCorruptData.
func (s *Store) Check(ctx context.Context) error {
	var found []error
	damage := func(text string) {
		found = append(found, &mapi.Error{Op: "check store", Object: s.path, Code: mapi.ErrCorruptData, Err: errors.New(text)})
	}
	err := s.view(ctx, func(tx *sql.Tx) error {
		if err := s.texts(ctx, tx, damage, "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"); err != nil {
			return err
		}
		for _, query := range relations {
			if err := s.texts(ctx, tx, damage, query); err != nil {
				return err
			}
		}
		return s.checkContents(ctx, tx, damage)
	})
	if err != nil {
		found = append(found, s.fail("check store", err))
	}
	return errors.Join(found...)
}

// relations find what does not fit between tables, as texts.
var relations = []string{
	"SELECT 'item ' || mid || ' is in no folder' FROM items WHERE folder NOT IN (SELECT fid FROM folders)",
	"SELECT 'item ' || mid || ' has no content' FROM items WHERE content NOT IN (SELECT id FROM contents WHERE staged IS NULL)",
	"SELECT 'content ' || id || ' has no item' FROM contents WHERE staged IS NULL AND id NOT IN (SELECT content FROM items)",
	"SELECT 'segment ' || id || ' has no content' FROM segments WHERE id >> 20 NOT IN (SELECT id FROM contents)",
	"SELECT 'value ' || id || ' has no content' FROM blobs WHERE content NOT IN (SELECT id FROM contents)",
	"SELECT 'chunk ' || id || ' has no value' FROM chunks WHERE id >> 20 NOT IN (SELECT id FROM blobs)",
	"SELECT 'folder ' || fid || ' has nothing above' FROM folders WHERE parent NOT IN (SELECT fid FROM folders)",
	"SELECT 'folder ' || fid || ' counts wrong' FROM folders f WHERE (items, unread, associated, children) <> (" +
		"(SELECT count(*) FROM items WHERE folder = f.fid AND list = 0), (SELECT count(*) FROM items WHERE folder = f.fid AND list = 0 AND flags & 1 = 0), " +
		"(SELECT count(*) FROM items WHERE folder = f.fid AND list = 1), (SELECT count(*) FROM folders WHERE parent = f.fid AND fid <> f.fid))",
	"SELECT 'id ' || id || ' is beyond the counter' FROM (SELECT mid AS id FROM items UNION ALL SELECT cn FROM items UNION ALL SELECT read_cn FROM items " +
		"UNION ALL SELECT fid FROM folders UNION ALL SELECT cn FROM folders), mailbox WHERE id >> 48 = replica AND id & 281474976710655 > counter",
}

func (s *Store) texts(ctx context.Context, q querier, f func(string), query string) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		f(text)
	}
	return rows.Err()
}

// checkContents decodes every item and reads its large values.
func (s *Store) checkContents(ctx context.Context, q querier, damage func(string)) error {
	rows, err := q.QueryContext(ctx, "SELECT "+itemColumns+" FROM items ORDER BY mid")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		it := &item{}
		if err := rows.Scan(it.fields()...); err != nil {
			return err
		}
		if err := s.push(ctx, q, it, drain{}); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			damage(fmt.Sprintf("item %d: %v", int64(it.mid), err))
		}
	}
	return rows.Err()
}

// Compact rewrites the file without the room that deleted items left. It needs as much free disk space as the file has
// bytes in use.
func (s *Store) Compact(ctx context.Context) error {
	const op = "compact store"
	if err := s.alive(); err != nil {
		return err
	}
	select {
	case s.file.turn <- struct{}{}:
		defer func() { <-s.file.turn }()
	case <-ctx.Done():
		return s.fail(op, ctx.Err())
	}
	for _, q := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := s.write.ExecContext(ctx, q); err != nil {
			return s.fail(op, err)
		}
	}
	return nil
}

// drain is a sink that reads everything and keeps nothing.
type drain struct{}

func (drain) Prop(mapi.Key, mapi.Value) error { return nil }
func (drain) Stream(_ mapi.Key, _ int64, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
func (drain) Recipient() error  { return nil }
func (drain) Attachment() error { return nil }
func (drain) Embedded() error   { return nil }
func (drain) End() error        { return nil }
