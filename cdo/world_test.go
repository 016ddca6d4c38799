package cdo_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// In these tests "Reference 1.8" is a section of the description of CDO 1.2.1's object model that the package follows: its ground
// rules (0), objects (1), enumerations (3) and errors (4).

// bare is a store that has the contract's methods and none of the abilities beside it.
type bare struct{ mapi.Store }

// world is a session that is logged on to a mailbox with samples.
type world struct {
	*testing.T
	ctx     context.Context
	store   mapi.Store
	session *cdo.Session
}

var berlin = time.FixedZone("UTC+2", 2*60*60)

// open makes the stores of every profile.
func open(stores ...mapi.Store) func(context.Context, cdo.Profile) ([]mapi.Store, error) {
	return func(context.Context, cdo.Profile) ([]mapi.Store, error) { return stores, nil }
}

// eachStore runs a test on a store in memory, which is exact, on the embedded store, which computes properties and gives large values
// as its own Blobs, and on a mailbox that is reached over the network.
func eachStore(t *testing.T, test func(w *world)) {
	t.Run("memstore", func(t *testing.T) { test(newWorld(t)) })
	t.Run("localstore", func(t *testing.T) {
		s, err := localstore.Create(t.Context(), filepath.Join(t.TempDir(), "box.db"), localstore.Options{Owner: "Ada Lovelace"})
		if err != nil {
			t.Fatal(err)
		}
		test(logOn(t, s))
	})
	if testing.Short() {
		return
	}
	t.Run("exchange", func(t *testing.T) {
		srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "ada", Name: "Ada Lovelace"}}})
		s, err := exchange.Open(t.Context(), exchange.Config{MailboxURL: srv.MailboxURL(t, "ada"), AddressBookURL: srv.AddressBookURL(t, "ada"), UserDN: srv.UserDN(t, "ada"), HTTP: srv.Client(), Authorize: srv.Authorize("ada")})
		if err != nil {
			t.Fatal(err)
		}
		test(logOn(t, s))
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return logOn(t, memstore.New(memstore.Config{Name: "Mailbox - Ada Lovelace"}))
}

// logOn fills a store with samples and logs on to it.
func logOn(t *testing.T, s mapi.Store) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), store: s}
	for _, s := range storetest.SampleItems() {
		id, err := w.store.Special(w.ctx, s.Role)
		w.must(err)
		dir, err := w.store.Folder(w.ctx, id)
		w.must(err)
		_, err = mapi.WriteItem(w.ctx, dir, s.Kind, s.Item)
		w.must(err)
	}
	w.session = cdo.NewSession(cdo.Config{Open: open(w.store), Location: berlin, TempDir: t.TempDir()})
	w.must(w.session.Logon(w.ctx, cdo.LogonOptions{ProfileInfo: "server.example\nada"}))
	t.Cleanup(func() {
		if w.session.LoggedOn() {
			if err := w.session.Logoff(); err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// want checks for an error of CDO with a code.
func want(t *testing.T, what string, err error, code mapi.Code) {
	t.Helper()
	var e *cdo.Error
	if !errors.As(err, &e) || e.Code != code || !errors.Is(err, code) || e.Member == "" {
		t.Errorf("%s: got %v, want %v", what, err, code)
	}
}

// wantUnknownID checks for the error of an ID that no folder has: where IDs have a form, one without it is malformed.
func wantUnknownID(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, cdo.CdoE_INVALID_ENTRYID) {
		want(t, what, err, cdo.CdoE_NOT_FOUND)
	}
}

// get ends the test on an error of a member.
func get[T any](v T, err error) func(w *world) T {
	return func(w *world) T {
		w.Helper()
		w.must(err)
		return v
	}
}

func (w *world) inbox() *cdo.Folder {
	w.Helper()
	return get(w.session.Inbox(w.ctx))(w)
}

// message finds a message of the Inbox by its subject.
func (w *world) message(subject string) *cdo.Message {
	w.Helper()
	for m, err := range w.inbox().Messages().All(w.ctx) {
		w.must(err)
		if s, err := m.Subject(w.ctx); err == nil && s == subject {
			return m
		}
	}
	w.Fatalf("there is no message %q", subject)
	return nil
}

// field is the value of a field by its tag.
func (w *world) field(f *cdo.Fields, t mapi.Tag) any {
	w.Helper()
	return get(get(f.ByTag(w.ctx, t))(w).Value(w.ctx))(w)
}

// special is the ID of a folder that GetDefaultFolder doesn't know.
func (w *world) special(r mapi.Role) string {
	w.Helper()
	id, err := w.store.Special(w.ctx, r)
	w.must(err)
	return fmt.Sprintf("%X", string(id))
}

func entryID(t *testing.T, id string) mapi.EntryID {
	t.Helper()
	b, err := hex.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	return mapi.EntryID(b)
}

// getMAPI is the folder of the store that a message is in.
func getMAPI(w *world, m *cdo.Message) mapi.Folder {
	w.Helper()
	dir, err := w.store.Folder(w.ctx, entryID(w.T, m.FolderID()))
	w.must(err)
	return dir
}

// id finds a message of a folder by its subject.
func (w *world) id(r mapi.Role, subject string) string {
	w.Helper()
	for m, err := range get(w.session.GetFolder(w.ctx, w.special(r), ""))(w).Messages().All(w.ctx) {
		w.must(err)
		if get(m.Subject(w.ctx))(w) == subject {
			return m.ID()
		}
	}
	w.Fatalf("there is no message %q", subject)
	return ""
}
