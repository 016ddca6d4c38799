package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// TestSync follows the changes of a mailbox on the embedded server.
func TestSync(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	st, err := exchange.Open(t.Context(), exchange.Config{MailboxURL: srv.MailboxURL(t, "alice"), UserDN: srv.UserDN(t, "alice"),
		HTTP: srv.Client(), Authorize: srv.Authorize("alice")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	follow(t, st)
}

// TestInteropSync follows the same changes on a real server.
func TestInteropSync(t *testing.T) {
	clearLeftovers(t, "storetest sync")
	follow(t, exchange.OpenPeer(t, "", nil))
}

// replica is what a client knows that follows a mailbox by its changes alone.
type replica struct {
	t    *testing.T
	st   *exchange.Store
	root mapi.EntryID
	tree []byte // state of the hierarchy

	folders map[string]mapi.FolderChange // by source key
	states  map[mapi.EntryID][]byte
	items   map[mapi.EntryID]map[string]string // subjects by source key, of each folder; "*" before those that are read
}

func (r *replica) hierarchy() (news []string, gone int) {
	r.t.Helper()
	h, err := r.st.SyncHierarchy(r.t.Context(), r.root, r.tree)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range h.Folders {
		if up, ok := r.folders[string(parentKey(f))]; f.Parent != r.root && (!ok || up.ID != f.Parent) {
			r.t.Errorf("folder %q comes before the one it is in", f.Name)
		}
		r.folders[string(f.SourceKey)] = f
		news = append(news, f.Name)
	}
	for _, key := range h.Deleted {
		if _, ok := r.folders[string(key)]; !ok {
			r.t.Errorf("folder %x is gone, which was never there", key)
		}
		delete(r.folders, string(key))
	}
	r.tree = h.State
	return news, len(h.Deleted)
}

func parentKey(f mapi.FolderChange) []byte {
	key, _ := f.Props.Tag(pid.TagParentSourceKey).([]byte)
	return key
}

// contents follows folders and tells what happened in each as "+subject", "-subject", "read subject", "unread subject".
func (r *replica) contents(folders ...mapi.EntryID) map[mapi.EntryID][]string {
	r.t.Helper()
	var ask []mapi.SyncFolder
	for _, id := range folders {
		ask = append(ask, mapi.SyncFolder{Folder: id, State: r.states[id]})
	}
	told := map[mapi.EntryID][]string{}
	for c, err := range r.st.SyncContents(r.t.Context(), ask) {
		if err != nil {
			r.t.Fatal(err)
		}
		if c.Err != nil {
			r.t.Fatal(c.Err)
		}
		id := c.Folder
		if _, twice := told[id]; twice {
			r.t.Errorf("a folder's changes came twice")
		}
		told[id] = []string{}
		if r.items[id] == nil {
			r.items[id] = map[string]string{}
		}
		dir, err := r.st.Folder(r.t.Context(), id)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, x := range c.Items {
			it, err := mapi.ReadItem(r.t.Context(), dir, x.ID)
			if err != nil {
				r.t.Fatalf("read what changed: %v", err)
			}
			if key, ok := it.Props.Tag(pid.TagSourceKey).([]byte); ok && !bytes.Equal(key, x.SourceKey) {
				r.t.Errorf("source key %x, but %x in the item", x.SourceKey, key)
			}
			if key, _ := it.Props.Tag(pid.TagSearchKey).([]byte); !bytes.Equal(key, x.SearchKey) {
				r.t.Errorf("search key %x, but %x in the item", x.SearchKey, key)
			}
			if at, _ := it.Props.Tag(pid.TagLastModificationTime).(mapi.FileTime); at != x.LastModificationTime {
				r.t.Errorf("modified %v, but %v in the item", x.LastModificationTime, at)
			}
			name := it.Props.Text(pid.TagSubject)
			if x.Subject != name || x.Class != it.Props.Text(pid.TagMessageClass) {
				r.t.Errorf("%q of class %q, but %q in the item", x.Subject, x.Class, name)
			}
			if x.Associated {
				name = "fai " + name
			}
			told[id] = append(told[id], "+"+name)
			r.items[id][string(x.SourceKey)] = name
		}
		for _, key := range c.Deleted {
			told[id] = append(told[id], "-"+r.items[id][string(key)])
			delete(r.items[id], string(key))
		}
		for _, x := range c.Read {
			told[id] = append(told[id], "read "+r.items[id][string(x.SourceKey)])
		}
		for _, x := range c.Unread {
			told[id] = append(told[id], "unread "+r.items[id][string(x.SourceKey)])
		}
		if int(c.Given) != len(r.items[id]) {
			r.t.Errorf("%d items by the state, %d by the changes", c.Given, len(r.items[id]))
		}
		slices.Sort(told[id])
		r.states[id] = c.State
	}
	if len(told) != len(folders) {
		r.t.Errorf("%d of %d folders were told of", len(told), len(folders))
	}
	return told
}

// follow makes changes to a mailbox and has a client follow.
func follow(t *testing.T, st *exchange.Store) {
	ctx := t.Context()
	root, err := st.Special(ctx, mapi.RoleRoot)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{t: t, st: st, root: root, folders: map[string]mapi.FolderChange{}, states: map[mapi.EntryID][]byte{}, items: map[mapi.EntryID]map[string]string{}}
	r.hierarchy()
	top, err := st.Special(ctx, mapi.RoleIPM)
	if err != nil {
		t.Fatal(err)
	}
	ipm, err := st.Folder(ctx, top)
	if err != nil {
		t.Fatal(err)
	}
	folder := func(in mapi.Folder, name string) mapi.Folder {
		t.Helper()
		f, err := in.CreateFolder(ctx, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b := folder(ipm, "storetest sync a"), folder(ipm, "storetest sync b")
	sub := folder(a, "sub")
	defer func() {
		for _, id := range []mapi.EntryID{a.ID(), b.ID()} {
			ipm.DeleteFolder(context.WithoutCancel(ctx), id)
		}
	}()
	expect := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	ours := func(names []string) []string {
		return slices.DeleteFunc(names, func(n string) bool { return n != "sub" && !strings.HasPrefix(n, "storetest sync") })
	}
	news, gone := r.hierarchy()
	expect("new folders", ours(news), []string{"storetest sync a", "storetest sync b", "sub"})
	expect("deleted folders", gone, 0)

	write := func(f mapi.Folder, k mapi.Kind, subject string) mapi.EntryID {
		t.Helper()
		class := "IPM.Note"
		if k == mapi.Associated {
			class = "IPM.Configuration.Test"
		}
		id, err := mapi.WriteItem(ctx, f, k, &mapi.Item{Props: mapi.Props{
			{Key: mapi.TagKey(pid.TagMessageClass), Value: class},
			{Key: mapi.TagKey(pid.TagSubject), Value: subject},
			{Key: mapi.TagKey(pid.TagBody), Value: strings.Repeat(subject+" ", 100)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	told := r.contents(a.ID(), b.ID(), sub.ID())
	expect("empty folders", told[a.ID()], []string{})
	one, two, three := write(a, mapi.Normal, "one"), write(a, mapi.Normal, "two"), write(a, mapi.Normal, "three")
	write(a, mapi.Associated, "view")
	write(sub, mapi.Normal, "below")
	told = r.contents(a.ID(), b.ID(), sub.ID())
	expect("new items", told[a.ID()], []string{"+fai view", "+one", "+three", "+two"})
	expect("a folder without changes", told[b.ID()], []string{})
	expect("the folder below", told[sub.ID()], []string{"+below"})
	told = r.contents(a.ID(), b.ID(), sub.ID())
	expect("nothing happened", told[a.ID()], []string{})

	must(a.Update(ctx, one, mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "one again"}}, nil))
	must(a.Delete(ctx, []mapi.EntryID{two}, true))
	told = r.contents(a.ID(), b.ID())
	expect("one changed, one deleted", told[a.ID()], []string{"+one again", "-two"})

	must(a.Delete(ctx, []mapi.EntryID{three}, false))
	write(a, mapi.Normal, "four")
	told = r.contents(a.ID())
	expect("soft deletion, new item", told[a.ID()], []string{"+four", "-three"})

	exchange.MarkItems(t, st, a.ID(), true, one) // it may be already
	r.contents(a.ID())
	exchange.MarkItems(t, st, a.ID(), false, one)
	told = r.contents(a.ID())
	expect("marked as unread", told[a.ID()], []string{"unread one again"})
	exchange.MarkItems(t, st, a.ID(), true, one)
	told = r.contents(a.ID())
	expect("marked as read", told[a.ID()], []string{"read one again"})

	exchange.MoveItems(t, st, a.ID(), b.ID(), one)
	told = r.contents(a.ID(), b.ID())
	expect("moved from", told[a.ID()], []string{"-one again"})
	expect("moved to", told[b.ID()], []string{"+one again"})

	must(sub.SetProps(ctx, mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: "storetest sync renamed"}}, nil))
	news, _ = r.hierarchy()
	if !slices.Contains(news, "storetest sync renamed") {
		t.Errorf("renamed folder: %v", news)
	}
	must(a.DeleteFolder(ctx, sub.ID()))
	news, gone = r.hierarchy()
	expect("deleted folder", fmt.Sprint(ours(news), gone), "[] 1")
	for c, err := range st.SyncContents(ctx, []mapi.SyncFolder{{Folder: sub.ID(), State: r.states[sub.ID()]}, {Folder: b.ID(), State: r.states[a.ID()]}, {Folder: b.ID(), State: []byte("no state")}, {Folder: a.ID(), State: r.states[a.ID()]}}) {
		must(err)
		switch {
		case c.Folder == a.ID() && c.Err != nil, c.Folder == b.ID() && !errors.Is(c.Err, mapi.ErrSyncState), c.Folder == sub.ID() && c.Err == nil:
			t.Errorf("a folder that is gone, states of others: %v", c.Err)
		}
	}
}

// TestFewerTrips compares what is asked for all at once with what is asked one by one.
func TestFewerTrips(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	st, err := exchange.Open(t.Context(), exchange.Config{MailboxURL: srv.MailboxURL(t, "alice"), UserDN: srv.UserDN(t, "alice"),
		HTTP: srv.Client(), Authorize: srv.Authorize("alice")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	fewerTrips(t, st)
}

func TestInteropFewerTrips(t *testing.T) { fewerTrips(t, exchange.OpenPeer(t, "", nil)) }

func fewerTrips(t *testing.T, st *exchange.Store) {
	ctx := t.Context()
	special, err := st.SpecialFolders(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range mapi.Roles {
		id, err := st.Special(ctx, r)
		if got, ok := special[r]; got != id || ok != (err == nil) {
			t.Errorf("%s: %x together, %x alone", r, got, id)
		}
	}
	var walk func(id mapi.EntryID) []mapi.TreeFolder
	walk = func(id mapi.EntryID) (list []mapi.TreeFolder) {
		f, err := st.Folder(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for info, err := range f.Folders(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(append(list, mapi.TreeFolder{FolderInfo: info, Parent: id}), walk(info.ID)...)
		}
		return list
	}
	tree, err := st.Tree(ctx, special[mapi.RoleRoot])
	if err != nil {
		t.Fatal(err)
	}
	byID := func(a, b mapi.TreeFolder) int { return strings.Compare(string(a.ID), string(b.ID)) }
	want := walk(special[mapi.RoleRoot])
	slices.SortFunc(tree, byID)
	slices.SortFunc(want, byID)
	if !slices.Equal(tree, want) {
		t.Errorf("the tree is\n%+v\nwant\n%+v", tree, want)
	}
}
