// Package exchangetest starts an Exchange-compatible server for a test, with users and mailboxes of its own.
//
//	srv := exchangetest.New(t, exchangetest.Options{})
//	store, err := exchange.Open(ctx, srv.Config("alice"))
//
// What goes wrong between client and server in real life can be made to: sessions get lost, answers come late or not at all.
package exchangetest

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/internal/directory"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/mapi"
)

// Options say what the server has. The zero value has the users alice, bob and admin, an administrator, and empty mailboxes.
type Options struct {
	Users []User
	// Domain of the users; contoso.test when empty.
	Domain string
	// Seed puts content into the mailbox of a user, by alias, before the server starts.
	Seed map[string]func(ctx context.Context, box mapi.Store) error
	// Logger of the server; nil: nothing is logged.
	Logger *slog.Logger
	// SessionExpiry and PendingPeriod are those of the server; 0: its defaults.
	SessionExpiry, PendingPeriod time.Duration
	// Config changes the configuration of the server otherwise; may be nil.
	Config func(*exchangeserver.Config)
}

// User is a user of the server. Name may be empty, Password too: it is Password then. An empty Database is a default one.
type User struct {
	Alias, Name, Password string
	Admin                 bool
	Database              string
}

// Password is that of users whose password isn't given.
const Password = "Pass-word1"

// Server is a running server.
type Server struct {
	URL    string // https://127.0.0.1:PORT
	CA     *x509.CertPool
	Domain string
	Server *exchangeserver.Server
	Faults *Faults

	http  *httptest.Server
	dir   *directory.Directory
	users map[string]User
}

// New starts a server; it ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	ctx := context.Background()
	if o.Domain == "" {
		o.Domain = "contoso.test"
	}
	if o.Users == nil {
		o.Users = []User{{Alias: "alice", Name: "Alice Example"}, {Alias: "bob", Name: "Bob Builder"}, {Alias: "admin", Name: "Administrator", Admin: true}}
	}
	dir, err := directory.Create(ctx, t.TempDir(), o.Domain)
	check(t, err)
	s := &Server{Domain: o.Domain, Faults: &Faults{}, dir: dir, users: map[string]User{}}
	for _, u := range o.Users {
		if u.Password == "" {
			u.Password = Password
		}
		_, err := dir.Add(ctx, directory.NewUser{Alias: u.Alias, DisplayName: u.Name, Password: u.Password, Admin: u.Admin, Database: u.Database})
		check(t, err)
		s.users[u.Alias] = u
	}
	for alias, seed := range o.Seed {
		box, err := localstore.Open(ctx, dir.MailboxPath(s.user(t, alias).Mailbox))
		check(t, err)
		check(t, seed(ctx, box))
		check(t, box.Close())
	}
	backend := exchangeserver.NewLocal(dir)
	cfg := exchangeserver.Config{Backend: backend, Domain: o.Domain, Logger: o.Logger, SessionExpiry: o.SessionExpiry,
		PendingPeriod: o.PendingPeriod, SpoolDir: t.TempDir()}
	if o.Config != nil {
		o.Config(&cfg)
	}
	s.Server, err = exchangeserver.New(cfg)
	check(t, err)
	s.http = httptest.NewUnstartedServer(s.Faults.wrap(s.Server))
	s.http.Config.ConnContext = s.Server.ConnContext
	s.http.StartTLS()
	s.Server.SetCertificate(s.http.Certificate())
	s.URL = s.http.URL
	s.CA = x509.NewCertPool()
	s.CA.AddCert(s.http.Certificate())
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.http.Close()
		if err := s.Server.Close(); err != nil {
			t.Errorf("close server: %v", err)
		}
		if err := backend.Close(); err != nil {
			t.Errorf("close directory: %v", err)
		}
	})
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *Server) user(t testing.TB, alias string) directory.User {
	t.Helper()
	u, err := s.dir.User(context.Background(), alias)
	check(t, err)
	return u
}

// Client is an HTTP client that trusts the server.
func (s *Server) Client() *http.Client { return s.http.Client() }

// Authorize adds the credentials of a user to requests.
func (s *Server) Authorize(alias string) func(*http.Request) error {
	return func(r *http.Request) error {
		r.SetBasicAuth(alias, s.users[alias].Password)
		return nil
	}
}

// UserDN is the legacy DN of a user.
func (s *Server) UserDN(t testing.TB, alias string) string { return s.user(t, alias).LegacyDN }

// Mailbox is the GUID of a user's mailbox.
func (s *Server) Mailbox(t testing.TB, alias string) mapi.GUID { return s.user(t, alias).Mailbox }

// MailboxURL is the mailbox endpoint of a user, AddressBookURL the address book's.
func (s *Server) MailboxURL(t testing.TB, alias string) string { return s.endpoint(t, "emsmdb", alias) }

// AddressBookURL is the address book endpoint of a user.
func (s *Server) AddressBookURL(t testing.TB, alias string) string {
	return s.endpoint(t, "nspi", alias)
}

func (s *Server) endpoint(t testing.TB, service, alias string) string {
	return s.URL + "/mapi/" + service + "/?MailboxId=" + s.Mailbox(t, alias).String() + "@" + s.Domain
}

// Directory is the server's data directory, for tests that change users.
func (s *Server) Directory() *directory.Directory { return s.dir }
