// Package directory is the data directory of the embedded server: its users with their passwords, their mailbox files and
// the certificate of its TLS endpoint.
//
//	DIR/directory.db            domain and users, an SQLite file
//	DIR/mailboxes/GUID.db       mailboxes, package localstore
//	DIR/ca.pem, ca-key.pem      the certificate authority that clients are to trust
//	DIR/server.pem, server-key.pem
//
// A server and the command line use it at once, each as a [Directory] of its own: every call sees what the other has
// committed.
package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/mapi"
)

// recipientsDN is where users stand in the directory tree ([MS-OXOABK] 2.2.1.1).
const recipientsDN = "/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="

// User is a user and the user's mailbox.
type User struct {
	Alias       string
	DisplayName string
	SMTPAddress string
	LegacyDN    string
	Mailbox     mapi.GUID
	Admin       bool   // may open the mailboxes of others
	Database    string // that the mailbox is said to lie in
}

// DefaultDatabase is the database of mailboxes that nobody assigned to another, under the name that Exchange gives to the first one.
const DefaultDatabase = "Microsoft Private MDB"

// maxDatabaseName is the longest name that the directory of Exchange takes.
const maxDatabaseName = 64

// Directory is an open data directory. It may be used by several goroutines at once.
type Directory struct {
	path   string
	domain string
	db     *sql.DB

	mu       sync.Mutex
	verified map[string]verification // by alias
}

const schema = `
CREATE TABLE settings (domain TEXT NOT NULL);
CREATE TABLE users (
	alias    TEXT PRIMARY KEY COLLATE NOCASE,
	name     TEXT NOT NULL,
	dn       TEXT NOT NULL UNIQUE COLLATE NOCASE,
	mailbox  BLOB NOT NULL UNIQUE,
	admin    INTEGER NOT NULL,
	password TEXT NOT NULL,
	nthash   BLOB, -- what NTLM needs; NULL for users from before there was any
	mdb      TEXT NOT NULL DEFAULT '` + DefaultDatabase + `'
);
PRAGMA user_version = 2;`

// Create makes a data directory for a mail domain. The directory may exist, but not hold one already (ErrCollision).
func Create(ctx context.Context, path, domain string) (*Directory, error) {
	const op = "create data directory"
	if domain == "" || strings.ContainsAny(domain, "@ /\\:") {
		return nil, &mapi.Error{Op: op, Object: domain, Code: mapi.ErrInvalidParameter, Err: errors.New("a mail domain such as example.org is needed")}
	}
	if err := os.MkdirAll(filepath.Join(path, "mailboxes"), 0o700); err != nil {
		return nil, fail(op, path, err)
	}
	db, err := connect(path, "rwc")
	if err != nil {
		return nil, fail(op, path, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err == nil {
		defer tx.Rollback()
		var tables int
		if err = tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err == nil && tables > 0 {
			err = &mapi.Error{Op: op, Object: path, Code: mapi.ErrCollision, Err: errors.New("there is a directory already")}
		}
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, schema+"INSERT INTO settings VALUES (?)", domain)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		db.Close()
		return nil, fail(op, path, err)
	}
	return newDirectory(path, domain, db), nil
}

// Open opens a data directory. A missing one is ErrNotFound.
func Open(ctx context.Context, path string) (*Directory, error) {
	const op = "open data directory"
	if _, err := os.Stat(filepath.Join(path, "directory.db")); err != nil {
		return nil, fail(op, path, err)
	}
	db, err := connect(path, "rw")
	if err != nil {
		return nil, fail(op, path, err)
	}
	if err := migrate(ctx, db); err != nil {
		db.Close()
		return nil, fail(op, path, err)
	}
	var domain string
	if err := db.QueryRowContext(ctx, "SELECT domain FROM settings").Scan(&domain); err != nil {
		db.Close()
		return nil, fail(op, path, err)
	}
	return newDirectory(path, domain, db), nil
}

// migrations lead from each version to the next.
var migrations = []string{
	"ALTER TABLE users ADD COLUMN nthash BLOB",
	"ALTER TABLE users ADD COLUMN mdb TEXT NOT NULL DEFAULT '" + DefaultDatabase + "'",
}

// migrate brings a file of an earlier version up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(migrations) {
		return &mapi.Error{Op: "open data directory", Code: mapi.ErrVersion, Err: fmt.Errorf("it is of version %d, which a later program made", version)}
	}
	if version == len(migrations) {
		return nil
	}
	for _, step := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(migrations))); err != nil {
		return err
	}
	return tx.Commit()
}

func newDirectory(path, domain string, db *sql.DB) *Directory {
	return &Directory{path: path, domain: domain, db: db, verified: map[string]verification{}}
}

func connect(path, mode string) (*sql.DB, error) {
	abs, err := filepath.Abs(filepath.Join(path, "directory.db"))
	if err != nil {
		return nil, err
	}
	// Writers of other processes are waited for; a change is on the disk when it is confirmed.
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: "mode=" + mode + "&_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(full)"}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path // C:/...
	}
	return sql.Open("sqlite", u.String())
}

func fail(op, object string, err error) error {
	var m *mapi.Error
	if err == nil || errors.As(err, &m) {
		return err
	}
	code := mapi.Code(0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, sql.ErrNoRows) {
		code = mapi.ErrNotFound
	}
	return &mapi.Error{Op: op, Object: object, Code: code, Err: err}
}

// Domain is the mail domain of all users.
func (d *Directory) Domain() string { return d.domain }

// Path is the directory.
func (d *Directory) Path() string { return d.path }

// Close ends the use of the directory.
func (d *Directory) Close() error { return d.db.Close() }

const userColumns = "alias, name, dn, mailbox, admin, mdb"

func (d *Directory) scan(row interface{ Scan(...any) error }, more ...any) (u User, err error) {
	var guid []byte
	if err := row.Scan(append([]any{&u.Alias, &u.DisplayName, &u.LegacyDN, &guid, &u.Admin, &u.Database}, more...)...); err != nil {
		return User{}, err
	}
	copy(u.Mailbox[:], guid)
	u.SMTPAddress = u.Alias + "@" + d.domain
	return u, nil
}

// Users lists all users in the order of their display names.
func (d *Directory) Users(ctx context.Context) ([]User, error) {
	const op = "list users"
	rows, err := d.db.QueryContext(ctx, "SELECT "+userColumns+" FROM users ORDER BY name COLLATE NOCASE, alias")
	if err != nil {
		return nil, fail(op, d.path, err)
	}
	defer rows.Close()
	var list []User
	for rows.Next() {
		u, err := d.scan(rows)
		if err != nil {
			return nil, fail(op, d.path, err)
		}
		list = append(list, u)
	}
	return list, fail(op, d.path, rows.Err())
}

// User finds a user by alias, whatever its case, or is ErrUnknownUser.
func (d *Directory) User(ctx context.Context, alias string) (User, error) {
	u, err := d.scan(d.db.QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE alias = ?", alias))
	return u, userError("find user", alias, err)
}

func userError(op, alias string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return &mapi.Error{Op: op, Object: alias, Code: mapi.ErrUnknownUser, Err: errors.New("there is no such user")}
	}
	return fail(op, alias, err)
}

// NewUser is a user to be added. DisplayName may be empty: it is the alias then. So may Database: it is DefaultDatabase then.
type NewUser struct {
	Alias       string
	DisplayName string
	Password    string
	Admin       bool
	Database    string
}

// Add makes a user and an empty mailbox. A taken alias is ErrCollision.
func (d *Directory) Add(ctx context.Context, n NewUser) (User, error) {
	const op = "add user"
	if a, err := mail.ParseAddress(n.Alias + "@" + d.domain); err != nil || a.Address != n.Alias+"@"+d.domain || strings.ContainsAny(n.Alias, `/\=`) {
		return User{}, &mapi.Error{Op: op, Object: n.Alias, Code: mapi.ErrInvalidParameter, Err: errors.New("an alias is the part of a mail address before the @")}
	}
	if n.DisplayName == "" {
		n.DisplayName = n.Alias
	}
	n.Database = cmp.Or(n.Database, DefaultDatabase)
	if err := checkDatabase(op, n.Database); err != nil {
		return User{}, err
	}
	hash, err := hashPassword(n.Password)
	if err != nil {
		return User{}, err
	}
	u := User{Alias: n.Alias, DisplayName: n.DisplayName, Admin: n.Admin, Database: n.Database, SMTPAddress: n.Alias + "@" + d.domain}
	rand.Read(u.Mailbox[:])
	u.Mailbox[7] = u.Mailbox[7]&0x0F | 0x40 // version 4, in wire order
	u.Mailbox[8] = u.Mailbox[8]&0x3F | 0x80
	u.LegacyDN = recipientsDN + hex.EncodeToString(u.Mailbox[:]) + "-" + n.Alias
	if _, err := d.User(ctx, n.Alias); err == nil {
		return User{}, aliasTaken(op, n.Alias)
	}
	box, err := localstore.Create(ctx, d.MailboxPath(u.Mailbox), localstore.Options{
		Owner: u.DisplayName, SMTP: u.SMTPAddress, LegacyDN: u.LegacyDN, MailboxGUID: u.Mailbox,
	})
	if err != nil {
		return User{}, err
	}
	if err := box.Close(); err != nil {
		return User{}, err
	}
	_, err = d.db.ExecContext(ctx, "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?)", u.Alias, u.DisplayName, u.LegacyDN, u.Mailbox[:], u.Admin, hash, ntHash(n.Password), u.Database)
	if err != nil {
		os.Remove(d.MailboxPath(u.Mailbox))
		var se *sqlite.Error
		if errors.As(err, &se) && se.Code()&0xFF == sqlite3.SQLITE_CONSTRAINT {
			return User{}, aliasTaken(op, n.Alias)
		}
		return User{}, fail(op, n.Alias, err)
	}
	return u, nil
}

func aliasTaken(op, alias string) error {
	return &mapi.Error{Op: op, Object: alias, Code: mapi.ErrCollision, Err: errors.New("there is a user of that alias")}
}

// Remove takes a user out of the directory. The mailbox file stays; it is returned, so that it can be kept or deleted.
func (d *Directory) Remove(ctx context.Context, alias string) (mailbox string, err error) {
	const op = "remove user"
	u, err := d.User(ctx, alias)
	if err != nil {
		return "", err
	}
	if err := d.change(ctx, op, alias, "DELETE FROM users WHERE alias = ?", alias); err != nil {
		return "", err
	}
	return d.MailboxPath(u.Mailbox), nil
}

// SetPassword gives a user another password.
func (d *Directory) SetPassword(ctx context.Context, alias, password string) error {
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	return d.change(ctx, "set password", alias, "UPDATE users SET password = ?, nthash = ? WHERE alias = ?", hash, ntHash(password), alias)
}

// SetAdmin says whether a user is an administrator.
func (d *Directory) SetAdmin(ctx context.Context, alias string, admin bool) error {
	return d.change(ctx, "change user", alias, "UPDATE users SET admin = ? WHERE alias = ?", admin, alias)
}

// checkDatabase tells whether a name can stand in a DN.
func checkDatabase(op, name string) error {
	if name == "" || len(name) > maxDatabaseName || strings.ContainsAny(name, `/=\`) || strings.TrimSpace(name) != name {
		return &mapi.Error{Op: op, Object: name, Code: mapi.ErrInvalidParameter, Err: fmt.Errorf("the name of a database has at most %d bytes, and none of / = \\", maxDatabaseName)}
	}
	return nil
}

// SetDatabase assigns a user's mailbox to a database. The mailbox stays where it is; what changes is what the address book says.
func (d *Directory) SetDatabase(ctx context.Context, alias, name string) error {
	const op = "change user"
	if err := checkDatabase(op, name); err != nil {
		return err
	}
	return d.change(ctx, op, alias, "UPDATE users SET mdb = ? WHERE alias = ?", name, alias)
}

// change runs a statement that must change one user.
func (d *Directory) change(ctx context.Context, op, alias, query string, args ...any) error {
	r, err := d.db.ExecContext(ctx, query, args...)
	if err != nil {
		return fail(op, alias, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 {
		return userError(op, alias, sql.ErrNoRows)
	}
	return nil
}

// MailboxPath is the file of a mailbox.
func (d *Directory) MailboxPath(mailbox mapi.GUID) string {
	return filepath.Join(d.path, "mailboxes", fmt.Sprintf("%s.db", mailbox))
}
