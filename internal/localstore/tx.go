package localstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// tx is a write transaction.
type tx struct {
	*sql.Tx
	ctx     context.Context
	s       *Store
	replica uint16
	counter uint64 // last id given out; 0 until the first is asked for
	begun   uint64
	names   map[mapi.PropName]uint16 // added by this transaction
	events  []Event
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, query, args...)
	return err
}

// newID takes the next id of the store's counter.
func (t *tx) newID() (ID, error) { return t.newIDs(1) }

// newIDs takes n ids in a row and returns the first.
func (t *tx) newIDs(n uint64) (ID, error) {
	if t.replica == 0 {
		if err := t.QueryRowContext(t.ctx, "SELECT replica, counter FROM mailbox").Scan(&t.replica, &t.counter); err != nil {
			return 0, err
		}
		t.begun = t.counter
	}
	if t.counter+n > counterMask {
		return 0, &mapi.Error{Op: "make id", Object: t.s.path, Code: mapi.ErrNoMemory, Err: errors.New("the store has used all of its ids")}
	}
	t.counter += n
	return NewID(t.replica, t.counter-n+1), nil
}

// update runs f in a durable write transaction. f may be run only once.
func (s *Store) update(ctx context.Context, f func(*tx) error) error {
	if err := s.alive(); err != nil {
		return err
	}
	return s.updateOn(ctx, s.write, f)
}

func (s *Store) alive() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return &mapi.Error{Op: "use store", Object: s.path, Code: mapi.ErrInvalidObject, Err: errors.New("it is closed")}
	}
	return nil
}

func (s *Store) updateOn(ctx context.Context, db *sql.DB, f func(*tx) error) error {
	select {
	case s.file.turn <- struct{}{}:
		defer func() { <-s.file.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	q, err := beginWrite(ctx, db)
	if err != nil {
		return err
	}
	t := &tx{Tx: q, ctx: ctx, s: s}
	defer q.Rollback()
	if err := f(t); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	if t.counter != t.begun {
		if err := t.exec("UPDATE mailbox SET counter = ?", int64(t.counter)); err != nil {
			return err
		}
	}
	if err := q.Commit(); err != nil {
		return err
	}
	s.addNames(t.names)
	s.tell(t.events)
	return nil
}

// beginWrite waits for other processes in short steps, so that ctx counts.
func beginWrite(ctx context.Context, db *sql.DB) (*sql.Tx, error) {
	for end := time.Now().Add(busyWait); ; {
		q, err := db.BeginTx(ctx, nil)
		if err == nil || !isBusy(err) || ctx.Err() != nil || time.Now().After(end) {
			return q, err
		}
	}
}

// view runs f on a snapshot of the store.
func (s *Store) view(ctx context.Context, f func(*sql.Tx) error) error {
	if err := s.alive(); err != nil {
		return err
	}
	q, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer q.Rollback()
	if err := f(q); err != nil {
		if ctx.Err() != nil { // the transaction ended with it, and says that only
			return ctx.Err()
		}
		return err
	}
	return nil
}

// notNull is b for a column that must not be NULL: nil would be.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
