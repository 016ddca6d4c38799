package cdo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// world is a session that is logged on to a mailbox with samples.
type world struct {
	*testing.T
	ctx     context.Context
	store   *memstore.Store
	session *cdo.Session
}

var berlin = time.FixedZone("UTC+2", 2*60*60)

// open makes the stores of every profile.
func open(stores ...mapi.Store) func(context.Context, cdo.Profile) ([]mapi.Store, error) {
	return func(context.Context, cdo.Profile) ([]mapi.Store, error) { return stores, nil }
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), store: memstore.New(memstore.Config{Name: "Mailbox - Ada Lovelace"})}
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
			w.must(w.session.Logoff())
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

func TestSmoke(t *testing.T) {
	w := newWorld(t)
	m := w.message("RE: Figures for March")
	a := get(m.Attachments(w.ctx))(w)
	if n := get(a.Count(w.ctx))(w); n != 4 {
		t.Errorf("%d attachments", n)
	}
	m.SetSubject("x")
	w.must(m.Update(w.ctx, true, false))
	if s := get(m.Subject(w.ctx))(w); s != "x" {
		t.Errorf("subject %q", s)
	}
}
