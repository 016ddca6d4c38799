package cdo_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
)

func (w *world) root() *cdo.Folder {
	w.Helper()
	return get(get(w.session.InfoStores(w.ctx))(w).Item(1).RootFolder(w.ctx))(w)
}

// Reference 1.5, script 13: find or create a folder; the creation needs no Update, later changes do.
func TestFolders(t *testing.T) {
	eachStore(t, func(w *world) {
		top := get(w.root().Folders().Add(w.ctx, "cdo"))(w)
		c := top.Folders()
		for _, name := range []string{"b", "C", "a"} {
			get(c.Add(w.ctx, name))(w)
		}
		_, err := c.Add(w.ctx, "B")
		want(w.T, "a name that is taken", err, cdo.CdoE_COLLISION)
		if n := get(c.Count(w.ctx))(w); n != 3 {
			w.Errorf("Count is %d", n)
		}
		names := func(c *cdo.Folders) (out []string) {
			for f, err := c.GetFirst(w.ctx); f != nil; f, err = c.GetNext(w.ctx) {
				w.must(err)
				out = append(out, get(f.Name(w.ctx))(w))
			}
			return out
		}
		w.must(c.Sort(cdo.CdoAscending, 0))
		if got := names(c); !slices.Equal(got, []string{"a", "b", "C"}) {
			w.Errorf("ascending: %q", got)
		}
		w.must(c.Sort(cdo.CdoDescending, cdo.CdoPR_DISPLAY_NAME))
		if got := names(c); !slices.Equal(got, []string{"C", "b", "a"}) {
			w.Errorf("descending: %q", got)
		}
		if f := get(c.GetLast(w.ctx))(w); get(f.Name(w.ctx))(w) != "a" {
			w.Error("the last isn't a")
		}
		if f := get(c.GetPrevious(w.ctx))(w); get(f.Name(w.ctx))(w) != "b" {
			w.Error("the previous isn't b")
		}
		for _, i := range []int{0, 4} {
			if f := get(c.Item(w.ctx, i))(w); f != nil {
				w.Errorf("Item(%d) is there", i)
			}
		}
		w.must(get(c.Find(w.ctx, "C"))(w).Messages().Add("x", "", "").Update(w.ctx, true, false))
		for _, tag := range []mapi.Tag{cdo.CdoPR_CONTENT_COUNT, cdo.CdoPR_COMMENT} {
			if tag == cdo.CdoPR_COMMENT {
				full := get(top.Folders().Find(w.ctx, "C"))(w)
				get(full.Fields().Add(tag, "zz"))(w)
				w.must(full.Update(w.ctx, true, false))
			}
			w.must(c.Sort(cdo.CdoDescending, tag))
			if got := names(c); got[0] != "C" {
				w.Errorf("by %v: %q", tag, got)
			}
		}
		w.must(c.Sort(cdo.CdoAscending, cdo.CdoPR_DISPLAY_NAME))
		if f := get(c.Find(w.ctx, "bb"))(w); get(f.Name(w.ctx))(w) != "C" { // reference 1.2: the next one that isn't before
			w.Error("Find goes wrong")
		}
		if f := get(c.Find(w.ctx, "d"))(w); f != nil {
			w.Error("Find finds what isn't there")
		}
		want(w.T, "Sort(5)", c.Sort(5, 0), cdo.CdoE_INVALID_PARAMETER)
		b := get(c.Find(w.ctx, "b"))(w)
		if byID := get(c.Find(w.ctx, b.ID()))(w); byID.ID() != b.ID() {
			w.Error("Find by ID gives another folder")
		}
		if get(b.FolderID(w.ctx))(w) != top.ID() {
			w.Error("FolderID isn't the parent's")
		}

		b.SetName("renamed")
		if again := get(w.session.GetFolder(w.ctx, b.ID(), ""))(w); get(b.Name(w.ctx))(w) != "renamed" || get(again.Name(w.ctx))(w) != "b" {
			w.Error("a new name isn't kept until Update")
		}
		w.must(b.Update(w.ctx, true, true))
		if again := get(w.session.GetFolder(w.ctx, b.ID(), ""))(w); get(b.Name(w.ctx))(w) != "renamed" || get(again.Name(w.ctx))(w) != "renamed" {
			w.Error("Update doesn't rename")
		}
		get(b.Fields().Add(cdo.CdoPR_COMMENT, "a comment"))(w)
		w.must(b.Update(w.ctx, true, false))
		if v := w.field(get(w.session.GetFolder(w.ctx, b.ID(), ""))(w).Fields(), cdo.CdoPR_COMMENT); v != "a comment" {
			w.Errorf("the comment is %v", v)
		}

		w.must(b.Delete(w.ctx, false))
		_, err = w.session.GetFolder(w.ctx, b.ID(), "")
		want(w.T, "a folder that was deleted", err, cdo.CdoE_NOT_FOUND)
		want(w.T, "Update of it", b.Update(w.ctx, true, true), cdo.CdoE_INVALID_OBJECT)
		w.must(top.Folders().Delete(w.ctx))
		if n := get(top.Folders().Count(w.ctx))(w); n != 0 {
			w.Errorf("%d folders are left", n)
		}
	})
}

// Reference 1.5 CopyTo, MoveTo, Delete: at once, with messages and subfolders, the source of a copy unchanged.
func TestFolderCopyMove(t *testing.T) {
	eachStore(t, func(w *world) {
		root := w.root()
		src := numbered(w, 7)
		w.must(src.HiddenMessages().Add("view", "", "IPM.Microsoft.FolderDesign.NamedView").Update(w.ctx, true, false))
		sub := get(src.Folders().Add(w.ctx, "sub"))(w)
		w.must(sub.Messages().Add("below", "text", "").Update(w.ctx, true, false))
		to := get(root.Folders().Add(w.ctx, "to"))(w)
		shape := func(f *cdo.Folder) string {
			w.Helper()
			s := fmt.Sprintf("%s %d+%d", get(f.Name(w.ctx))(w), get(f.Messages().Count(w.ctx))(w), get(f.HiddenMessages().Count(w.ctx))(w))
			for c, err := range f.Folders().All(w.ctx) {
				w.must(err)
				s += fmt.Sprintf(" [%s %d]", get(c.Name(w.ctx))(w), get(c.Messages().Count(w.ctx))(w))
			}
			return s
		}
		for _, c := range []struct {
			name       string
			subfolders bool
			want       string
		}{{"", true, "numbered 7+1 [sub 1]"}, {"flat", false, "flat 7+1"}} {
			copied := get(src.CopyTo(w.ctx, to.ID(), "", c.name, c.subfolders))(w)
			if got := shape(copied); got != c.want || get(copied.FolderID(w.ctx))(w) != to.ID() {
				w.Errorf("the copy is %q, want %q", got, c.want)
			}
		}
		if got := shape(src); got != "numbered 7+1 [sub 1]" {
			w.Errorf("the source is %q", got)
		}
		_, err := src.CopyTo(w.ctx, to.ID(), "", "", true)
		want(w.T, "a second copy of the name", err, cdo.CdoE_COLLISION)
		_, err = src.CopyTo(w.ctx, sub.ID(), "", "", true)
		want(w.T, "a copy into itself", err, cdo.CdoE_FOLDER_CYCLE)
		_, err = w.inbox().MoveTo(w.ctx, to.ID(), "")
		want(w.T, "moving the Inbox", err, cdo.CdoE_NO_ACCESS)

		moved := get(get(to.Folders().Find(w.ctx, "flat"))(w).MoveTo(w.ctx, sub.ID(), ""))(w)
		if got := shape(moved); got != "flat 7+1" {
			w.Errorf("the moved folder is %q", got)
		}
		if n := get(to.Folders().Count(w.ctx))(w); n != 1 {
			w.Errorf("%d folders are left where one was moved away", n)
		}
		bin := get(w.session.GetDefaultFolder(w.ctx, cdo.CdoDefaultFolderDeletedItems))(w)
		w.must(src.Delete(w.ctx, true))
		if f := get(bin.Folders().Find(w.ctx, "numbered"))(w); f == nil || shape(f) != "numbered 7+1 [sub 1]" {
			w.Error("Delete(True) doesn't move to Deleted Items")
		}
	})
}

// Messages and folders go from one store of the profile to another.
func TestBetweenStores(t *testing.T) {
	w := newWorld(t)
	archive := memstore.New(memstore.Config{Name: "Archive"})
	s := cdo.NewSession(cdo.Config{Open: open(w.store, archive)})
	w.must(s.Logon(w.ctx, cdo.LogonOptions{ProfileName: "p"}))
	w.session = s
	second := get(get(s.InfoStores(w.ctx))(w).ByName(w.ctx, "Archive"))(w)
	id := get(second.ID(w.ctx))(w)
	top := get(second.RootFolder(w.ctx))(w)
	m := w.message("RE: Figures for March")
	moved := get(m.MoveTo(w.ctx, top.ID(), id))(w)
	if get(moved.StoreID(w.ctx))(w) != id || get(get(moved.Attachments(w.ctx))(w).Count(w.ctx))(w) != 4 {
		t.Error("the message isn't in the other store with its attachments")
	}
	f := get(w.inbox().CopyTo(w.ctx, top.ID(), id, "Inbox of 2024", true))(w)
	if a, b := get(f.Messages().Count(w.ctx))(w), get(w.inbox().Messages().Count(w.ctx))(w); a != b {
		t.Errorf("%d of %d messages were copied", a, b)
	}
	if ok := get(f.IsSameAs(w.ctx, w.inbox()))(w); ok {
		t.Error("the copy is the same folder")
	}
}

// The model: who is whose parent, and of what class (reference 1.0, 1.1).
func TestModel(t *testing.T) {
	w := newWorld(t)
	stores := get(w.session.InfoStores(w.ctx))(w)
	inbox := w.inbox()
	messages := inbox.Messages()
	m := get(messages.GetFirst(w.ctx, ""))(w)
	recipients := get(m.Recipients(w.ctx))(w)
	folders := inbox.Folders()
	for i, c := range []struct {
		o, parent cdo.Object
		class     cdo.ObjectClass
	}{
		{w.session, nil, 0}, {stores, w.session, 14}, {stores.Item(1), stores, 1}, {inbox, w.session, 2}, {folders, inbox, 15},
		{messages, inbox, 16}, {m, messages, 3}, {recipients, m, 17}, {get(m.Attachments(w.ctx))(w), m, 18}, {m.Fields(), m, 19},
		{get(w.session.AddressLists(w.ctx))(w), w.session, 20},
	} {
		if c.o.Class() != c.class || c.o.Parent() != c.parent || c.o.Session() != w.session || c.o.Application() != "Collaboration Data Objects" {
			t.Errorf("%d, a %T, is of class %d with parent %T", i, c.o, c.o.Class(), c.o.Parent())
		}
	}
	if top := w.root(); top.Parent() != cdo.Object(stores.Item(1)) || top.Class() != cdo.CdoFolder {
		t.Error("the root folder's parent isn't the store")
	}
}
