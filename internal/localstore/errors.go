package localstore

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/opencdo/opencdo/mapi"
)

// fail is err with what was tried, and SQLite's codes as MAPI's. Errors that have a MAPI code keep it; those about damage get
// the name of the file.
func (s *Store) fail(op string, err error) error { return fail(op, s.path, err) }

func fail(op, path string, err error) error {
	if err == nil {
		return nil
	}
	var m *mapi.Error
	if errors.As(err, &m) {
		if m.Code == mapi.ErrCorruptData && m.Object != path {
			return &mapi.Error{Op: op, Object: path, Code: mapi.ErrCorruptData, Err: err}
		}
		return err
	}
	return &mapi.Error{Op: op, Object: path, Code: codeOf(err), Err: err}
}

func codeOf(err error) mapi.Code {
	var e *sqlite.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return mapi.ErrUserCancel
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, fs.ErrNotExist):
		return mapi.ErrNotFound
	case errors.Is(err, fs.ErrExist):
		return mapi.ErrCollision
	case errors.Is(err, fs.ErrPermission):
		return mapi.ErrNoAccess
	case !errors.As(err, &e):
		return 0
	}
	switch e.Code() & 0xFF { // the low byte of an extended code is its primary code
	case sqlite3.SQLITE_FULL:
		return mapi.ErrOutOfDisk
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return mapi.ErrCorruptData
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return mapi.ErrBusy
	case sqlite3.SQLITE_IOERR:
		return mapi.ErrDisk
	case sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_TOOBIG:
		return mapi.ErrNoMemory
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CANTOPEN:
		return mapi.ErrNoAccess
	case sqlite3.SQLITE_INTERRUPT:
		return mapi.ErrUserCancel
	}
	return 0
}

func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xFF == sqlite3.SQLITE_BUSY || e.Code()&0xFF == sqlite3.SQLITE_LOCKED)
}

// isTaken tells whether a row would have been the second with a unique value.
func isTaken(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

func notFound(op, what string) error {
	return &mapi.Error{Op: op, Object: what, Code: mapi.ErrNotFound}
}
