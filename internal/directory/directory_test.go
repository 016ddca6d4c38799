package directory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/mapi"
)

func create(t *testing.T) *Directory {
	t.Helper()
	d, err := Create(t.Context(), filepath.Join(t.TempDir(), "data"), "contoso.test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func add(t *testing.T, d *Directory, alias, name string) User {
	t.Helper()
	u, err := d.Add(t.Context(), NewUser{Alias: alias, DisplayName: name, Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestUsers(t *testing.T) {
	d := create(t)
	zoe, adam := add(t, d, "zoe", "Zoë"), add(t, d, "adam", "")
	if adam.DisplayName != "adam" || zoe.SMTPAddress != "zoe@contoso.test" || !strings.HasSuffix(zoe.LegacyDN, "-zoe") || zoe.Mailbox == adam.Mailbox {
		t.Errorf("users %+v, %+v", zoe, adam)
	}
	users, err := d.Users(t.Context())
	if err != nil || !slices.Equal(users, []User{adam, zoe}) {
		t.Errorf("listed %+v, %v", users, err)
	}
	if u, err := d.User(t.Context(), "ZOE"); err != nil || u != zoe {
		t.Errorf("found %+v, %v", u, err)
	}
	box, err := localstore.Open(t.Context(), d.MailboxPath(zoe.Mailbox))
	if err != nil {
		t.Fatal(err)
	}
	if in := box.Info(); in.MailboxGUID != zoe.Mailbox || in.Owner != "Zoë" || in.LegacyDN != zoe.LegacyDN || in.SMTP != zoe.SMTPAddress {
		t.Errorf("mailbox %+v", in)
	}
	box.Close()
	if _, err := d.Add(t.Context(), NewUser{Alias: "Zoe", Password: "x"}); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("the same alias in other case: %v", err)
	}
	for _, bad := range []NewUser{{Password: "x"}, {Alias: "a b", Password: "x"}, {Alias: "a@b", Password: "x"}, {Alias: `a\b`, Password: "x"}, {Alias: "../x", Password: "x"}, {Alias: "nopassword"}} {
		if _, err := d.Add(t.Context(), bad); !errors.Is(err, mapi.ErrInvalidParameter) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := d.SetAdmin(t.Context(), "adam", true); err != nil {
		t.Fatal(err)
	}
	if u, _ := d.User(t.Context(), "adam"); !u.Admin {
		t.Error("adam is no administrator")
	}
	path, err := d.Remove(t.Context(), "zoe")
	if err != nil || path != d.MailboxPath(zoe.Mailbox) {
		t.Errorf("removed: %s, %v", path, err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the mailbox of a removed user: %v", err)
	}
	for what, err := range map[string]error{"remove": second(d.Remove(t.Context(), "zoe")), "password": d.SetPassword(t.Context(), "zoe", "x"), "admin": d.SetAdmin(t.Context(), "zoe", true)} {
		if !errors.Is(err, mapi.ErrUnknownUser) {
			t.Errorf("%s of a user who isn't there: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAuthenticate(t *testing.T) {
	d := create(t)
	anna := add(t, d, "anna", "")
	for login, ok := range map[string]bool{"anna": true, "ANNA": true, "anna@contoso.test": true, "anna@CONTOSO.TEST": true, `CONTOSO\anna`: true, `contoso.test\anna`: true,
		"anna@other.test": false, `OTHER\anna`: false, "bert": false, "": false, "@contoso.test": false} {
		u, err := d.Authenticate(t.Context(), login, "secret")
		if ok && (err != nil || u != anna) || !ok && !errors.Is(err, mapi.ErrLogonFailed) {
			t.Errorf("%q: %+v, %v", login, u, err)
		}
	}
	for _, password := range []string{"", "Secret", "secret "} {
		if _, err := d.Authenticate(t.Context(), "anna", password); !errors.Is(err, mapi.ErrLogonFailed) || strings.Contains(err.Error(), password) && password != "" {
			t.Errorf("password %q: %v", password, err)
		}
	}
	// A server that runs sees what the command line changes.
	cli, err := Open(t.Context(), d.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer cli.Close()
	if err := cli.SetPassword(t.Context(), "anna", "other"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Authenticate(t.Context(), "anna", "secret"); !errors.Is(err, mapi.ErrLogonFailed) {
		t.Errorf("the old password: %v", err)
	}
	if _, err := d.Authenticate(t.Context(), "anna", "other"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	file, err := os.ReadFile(filepath.Join(d.Path(), "directory.db"))
	if err != nil || strings.Contains(string(file), "secret") {
		t.Errorf("the password stands in the file, or %v", err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	if _, err := Open(t.Context(), path); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := Create(t.Context(), path, "not a domain"); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("a bad domain: %v", err)
	}
	d, err := Create(t.Context(), path, "example.org")
	if err != nil {
		t.Fatal(err)
	}
	add(t, d, "anna", "")
	d.Close()
	if _, err := Create(t.Context(), path, "example.org"); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("there is one already: %v", err)
	}
	d, err = Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if users, err := d.Users(t.Context()); err != nil || len(users) != 1 || d.Domain() != "example.org" {
		t.Errorf("%d users of %s, %v", len(users), d.Domain(), err)
	}
}

// TestConcurrentUse adds the same users from several openers at once: each alias is taken once.
func TestConcurrentUse(t *testing.T) {
	d := create(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 3 {
		other, err := Open(t.Context(), d.Path())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		wg.Go(func() {
			for _, alias := range []string{"a", "b"} {
				_, err := other.Add(context.Background(), NewUser{Alias: alias, Password: "x"})
				switch {
				case err == nil:
					mu.Lock()
					made++
					mu.Unlock()
				case !errors.Is(err, mapi.ErrCollision):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	users, err := d.Users(t.Context())
	files, _ := filepath.Glob(filepath.Join(d.Path(), "mailboxes", "*.db"))
	if err != nil || len(users) != 2 || made != 2 || len(files) != 2 {
		t.Errorf("%d users, %d made, %d mailboxes, %v", len(users), made, len(files), err)
	}
}

// TestCertificate serves and connects with the certificate that the first start makes.
func TestCertificate(t *testing.T) {
	d := create(t)
	cert, err := d.Certificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.Certificate(t.Context())
	if err != nil || !again.Leaf.Equal(cert.Leaf) {
		t.Errorf("the second start has another certificate, or %v", err)
	}
	pem, err := os.ReadFile(d.CAPath())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no authority in the file")
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	for name, ok := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "contoso.test": true, "mail.contoso.test": true, "autodiscover.contoso.test": true, "other.test": false} {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: roots, ServerName: name})
		if (err == nil) != ok {
			t.Errorf("as %s: %v", name, err)
		}
		if err == nil {
			c.Close()
		}
	}
	for _, f := range []string{"ca-key.pem", "server-key.pem"} {
		info, err := os.Stat(filepath.Join(d.Path(), f))
		if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
}

func TestDatabases(t *testing.T) {
	d := create(t)
	if u := add(t, d, "zoe", ""); u.Database != DefaultDatabase {
		t.Errorf("database %q", u.Database)
	}
	if u, err := d.Add(t.Context(), NewUser{Alias: "adam", Password: "x", Database: "DB 01"}); err != nil || u.Database != "DB 01" {
		t.Errorf("%+v, %v", u, err)
	}
	if err := d.SetDatabase(t.Context(), "zoe", "DB02"); err != nil {
		t.Fatal(err)
	}
	if u, _ := d.User(t.Context(), "zoe"); u.Database != "DB02" {
		t.Errorf("moved to %q", u.Database)
	}
	for _, bad := range []string{"", "a/b", "a=b", " a", strings.Repeat("x", 65)} {
		if err := d.SetDatabase(t.Context(), "zoe", bad); !errors.Is(err, mapi.ErrInvalidParameter) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestOlderDirectory opens directories as earlier versions made them.
func TestOlderDirectory(t *testing.T) {
	for version, undo := range []string{"ALTER TABLE users DROP COLUMN mdb; ALTER TABLE users DROP COLUMN nthash; PRAGMA user_version = 0",
		"ALTER TABLE users DROP COLUMN mdb; PRAGMA user_version = 1"} {
		d := create(t)
		zoe := add(t, d, "zoe", "")
		if _, err := d.db.ExecContext(t.Context(), undo); err != nil {
			t.Fatal(err)
		}
		old, err := Open(t.Context(), d.Path())
		if err != nil {
			t.Fatal(version, err)
		}
		if u, err := old.User(t.Context(), "zoe"); err != nil || u != zoe {
			t.Errorf("version %d: %+v, %v", version, u, err)
		}
		old.Close()
	}
}
