package memstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

func folder(t *testing.T, s mapi.Store, r mapi.Role) mapi.Folder {
	t.Helper()
	id, err := s.Special(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func count(t *testing.T, f mapi.Folder) (n int) {
	t.Helper()
	for _, err := range f.Rows(t.Context(), mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// What is sent goes to Deliver once, no longer a draft, and then where its properties say.
func TestSubmit(t *testing.T) {
	var sent []*mapi.Item
	refuse := error(nil)
	s := memstore.New(memstore.Config{Deliver: func(_ context.Context, it *mapi.Item) error {
		sent = append(sent, it)
		return refuse
	}})
	outbox, sentItems := folder(t, s, mapi.RoleOutbox), folder(t, s, mapi.RoleSent)
	write := func(ps ...mapi.Prop) mapi.EntryID {
		t.Helper()
		it := &mapi.Item{Props: append(mapi.Props{{Key: mapi.TagKey(pid.TagMessageFlags), Value: int32(0x0D)}}, ps...),
			Recipients: []mapi.Props{{{Key: mapi.TagKey(pid.TagDisplayName), Value: "Bob"}}}}
		id, err := mapi.WriteItem(t.Context(), outbox, mapi.Normal, it)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for _, c := range []struct {
		prop         mapi.Prop
		outbox, kept int
	}{
		{mapi.Prop{Key: mapi.TagKey(pid.TagSentMailEntryId), Value: []byte(sentItems.ID())}, 0, 1},
		{mapi.Prop{Key: mapi.TagKey(pid.TagDeleteAfterSubmit), Value: true}, 0, 1},
		{mapi.Prop{Key: mapi.TagKey(pid.TagSubject), Value: "stays"}, 1, 1},
	} {
		sent = nil
		if err := s.Submit(t.Context(), outbox.ID(), write(c.prop)); err != nil {
			t.Fatal(err)
		}
		if len(sent) != 1 || sent[0].Props.Tag(pid.TagMessageFlags) != int32(0x01) {
			t.Errorf("%v: %d were delivered", c.prop.Key, len(sent))
		}
		if count(t, outbox) != c.outbox || count(t, sentItems) != c.kept {
			t.Errorf("%v: %d in the Outbox, %d in Sent Items", c.prop.Key, count(t, outbox), count(t, sentItems))
		}
	}
	refuse = mapi.ErrNetwork
	if err := s.Submit(t.Context(), outbox.ID(), write()); !errors.Is(err, mapi.ErrNetwork) || count(t, outbox) != 2 {
		t.Errorf("a delivery that fails: %v, %d in the Outbox", err, count(t, outbox))
	}
	if err := s.Submit(t.Context(), outbox.ID(), "nothing"); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("an item that isn't there: %v", err)
	}
	s.SetReadOnly(true)
	if err := s.Submit(t.Context(), outbox.ID(), "nothing"); err == nil {
		t.Error("a store that is read only sends")
	}
	if err := s.SetOutOfOffice(t.Context(), mapi.OutOfOffice{On: true}); !errors.Is(err, mapi.ErrNoSupport) {
		t.Errorf("and answers: %v", err)
	}
}

// A special folder that is missing can be made, once.
func TestCreateSpecial(t *testing.T) {
	s := memstore.New(memstore.Config{Without: []mapi.Role{mapi.RoleTasks, mapi.RoleSyncIssues}})
	for _, r := range []mapi.Role{mapi.RoleTasks, mapi.RoleSyncIssues, mapi.RoleConflicts} { // the last one lies in the second
		if _, err := s.Special(t.Context(), r); !errors.Is(err, mapi.ErrNotFound) {
			t.Errorf("%s: %v", r, err)
		}
	}
	id, err := s.CreateSpecial(t.Context(), mapi.RoleTasks, "Aufgaben")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.CreateSpecial(t.Context(), mapi.RoleTasks, "Tasks"); again != id || err != nil {
		t.Errorf("once more: %v", err)
	}
	ps, err := folder(t, s, mapi.RoleTasks).Props(t.Context())
	if err != nil || ps.Text(pid.TagDisplayName) != "Aufgaben" || ps.Text(pid.TagContainerClass) != "IPF.Task" {
		t.Errorf("the folder is %v, %v", ps, err)
	}
	if _, err := s.CreateSpecial(t.Context(), "nonsense", "x"); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("a role that isn't one: %v", err)
	}
	if _, err := s.CreateSpecial(t.Context(), mapi.RoleConflicts, "Conflicts"); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("a folder without the one it lies in: %v", err)
	}
}
