package endtoend

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// meter counts what a client asks for.
type meter struct {
	http.RoundTripper
	requests, bytes atomic.Int64
}

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	m.requests.Add(1)
	resp, err := m.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = &metered{resp.Body, m}
	}
	return resp, err
}

type metered struct {
	body interface {
		Read([]byte) (int, error)
		Close() error
	}
	m *meter
}

func (b *metered) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.m.bytes.Add(int64(n))
	return n, err
}
func (b *metered) Close() error { return b.body.Close() }

// followedBox is a mailbox that is backed up again and again.
type followedBox struct {
	*testing.T
	srv  *exchangetest.Server
	repo *backup.Repository
	m    *meter
}

// run backs up with a connection of its own, and tells what it cost.
func (b *followedBox) run(repo *backup.Repository, full bool) (r *backup.Report, requests, bytes int64) {
	b.Helper()
	cfg := config(b, b.srv, "alice")
	client := *cfg.HTTP
	b.m = &meter{RoundTripper: client.Transport}
	client.Transport = b.m
	cfg.HTTP = &client
	st, err := exchange.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	r, err = backup.Run(b.Context(), st, repo, backup.Options{Mailbox: "alice@contoso.test", Full: full})
	if err != nil {
		b.Fatal(err)
	}
	requests, bytes = b.m.requests.Load(), b.m.bytes.Load()
	st.Close()
	if len(r.Problems) > 0 {
		b.Fatal(r.Problems[0])
	}
	return r, requests, bytes
}

// step backs up what changed, tells how each folder was, and compares with a full backup to a repository of its own.
func (b *followedBox) step(what string, changed, reads int) (requests, bytes int64) {
	b.Helper()
	r, requests, bytes := b.run(b.repo, false)
	by := 0
	for _, f := range r.Folders {
		switch {
		case f.Way != backup.WayChanges:
			b.Errorf("%s: %s: %s, because %s", what, f.Path, f.Way, f.Why)
		case f.Why != "nothing changed":
			by++
		}
	}
	if by != changed || r.Copied != reads {
		b.Errorf("%s: %d items read, %d folders changed; want %d, %d", what, r.Copied, by, reads, changed)
	}
	b.Logf("%s: %d requests, %d bytes", what, requests, bytes)
	b.same(what, r)
	return requests, bytes
}

func (b *followedBox) same(what string, r *backup.Report) {
	b.Helper()
	whole, _, _ := b.run(newRepo(b.T), true)
	if r.Snapshot.Tree != whole.Snapshot.Tree {
		b.Errorf("%s: the tree is %s, of a full backup %s", what, r.Snapshot.Tree, whole.Snapshot.Tree)
	}
	if r.Files != whole.Files || r.FileBytes != whole.FileBytes {
		b.Errorf("%s: %d files of %d bytes, of a full backup %d of %d", what, r.Files, r.FileBytes, whole.Files, whole.FileBytes)
	}
}

// pattern are bytes that don't repeat soon.
func pattern(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func note(subject string, body int) *mapi.Item {
	return &mapi.Item{Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
		{Key: mapi.TagKey(pid.TagSubject), Value: subject},
		{Key: mapi.TagKey(pid.TagBody), Value: strings.Repeat("x", body)},
		{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: mapi.FileTime(133_000_000_000_000_000 + int64(len(subject))*40*864_000_000_000)},
	}}
}

// newFollowedBox starts a server whose mailbox has items in four folders, and backs it up for the first time.
func newFollowedBox(t *testing.T, items int) *followedBox {
	fill := func(ctx context.Context, st mapi.Store) error {
		for i, role := range []mapi.Role{mapi.RoleInbox, mapi.RoleSent, mapi.RoleCalendar, mapi.RoleDeleted} {
			id, err := st.Special(ctx, role)
			if err != nil {
				return err
			}
			f, err := st.Folder(ctx, id)
			if err != nil {
				return err
			}
			for n := range items / 4 {
				if _, err := mapi.WriteItem(ctx, f, mapi.Normal, note(fmt.Sprintf("item %d of %d", n, i), 200)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	b := &followedBox{T: t, srv: exchangetest.New(t, exchangetest.Options{Seed: map[string]seed{"alice": fill}}), repo: newRepo(t)}
	r, requests, bytes := b.run(b.repo, false)
	if r.Copied != items || r.Folders[0].Way != backup.WayFull || r.Folders[0].Why == "" {
		t.Errorf("first: %d items, %+v", r.Copied, r.Folders[0])
	}
	t.Logf("first: %d requests, %d bytes", requests, bytes)
	b.same("first", r)
	return b
}

// What a run may ask for: of the mailbox, connecting included, and of each folder that changed.
const (
	handful = 15
	each    = 6
	answer  = 200_000 // bytes that one request more brings, at least
)

// TestUnchangedBackup backs up a mailbox of a thousand items in which nothing changed.
func TestUnchangedBackup(t *testing.T) {
	b := newFollowedBox(t, 1000)
	requests, bytes := b.step("nothing changed", 0, 0)
	if requests > handful || bytes > 20_000 {
		t.Errorf("nothing changed, and that took %d requests and %d bytes", requests, bytes)
	}
}

// TestIncrementalBackup follows a mailbox. What each run costs is what changed, and each snapshot is the one that a full backup
// makes.
func TestIncrementalBackup(t *testing.T) {
	b := newFollowedBox(t, 200)
	unchanged, _ := b.step("nothing changed", 0, 0)
	box := b.mailbox()
	inbox, sent := folder(t, box, mapi.RoleInbox).(*localstore.Folder), folder(t, box, mapi.RoleSent).(*localstore.Folder)
	list := func(f mapi.Folder) (ids []mapi.EntryID) {
		for r, err := range f.Rows(t.Context(), mapi.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, r.ID)
		}
		return ids
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	made := func(f mapi.Folder, err error) *localstore.Folder {
		t.Helper()
		must(err)
		return f.(*localstore.Folder)
	}
	add := func(f mapi.Folder, k mapi.Kind, it *mapi.Item) mapi.EntryID {
		t.Helper()
		id, err := mapi.WriteItem(ctx, f, k, it)
		must(err)
		return id
	}
	ids := list(inbox)
	var below, deep *localstore.Folder
	var large mapi.EntryID
	for _, c := range []struct {
		what           string
		change         func()
		folders, reads int
	}{
		{"an item changed", func() {
			must(inbox.Update(ctx, ids[0], mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "another subject"}}, nil))
		}, 1, 1},
		{"a new item", func() { add(inbox, mapi.Normal, note("new", 100)) }, 1, 1},
		{"two items that look alike", func() {
			it := note("twins", 100)
			it.Props = append(it.Props, mapi.Prop{Key: mapi.TagKey(pid.TagSearchKey), Value: []byte("the same key....")})
			add(inbox, mapi.Normal, it)
			add(inbox, mapi.Normal, it)
		}, 1, 2},
		{"a view", func() { add(inbox, mapi.Associated, note("view", 100)) }, 1, 1},
		{"items deleted", func() {
			must(inbox.Delete(ctx, ids[1:3], true))
			must(inbox.Delete(ctx, ids[3:4], false))
		}, 1, 0},
		{"an item marked as read", func() { must(inbox.SetRead(ctx, ids[4:5], true)) }, 1, 1},
		{"an item marked as unread", func() { must(inbox.SetRead(ctx, ids[4:5], false)) }, 1, 1},
		{"an item moved", func() {
			_, err := inbox.Move(ctx, ids[5:6], sent)
			must(err)
		}, 2, 1},
		{"a large item", func() {
			it := note("large", 40_000)
			it.Recipients = []mapi.Props{{{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: "Ada"}}}
			it.Attachments = []*mapi.Attachment{{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachMethod), Value: int32(1)},
				{Key: mapi.TagKey(pid.TagAttachDataBinary), Value: pattern(1 << 20)}}}}
			large = add(inbox, mapi.Normal, it)
		}, 1, 1},
		{"the large item moved", func() {
			moved, err := inbox.Move(ctx, []mapi.EntryID{large}, sent)
			must(err)
			large = moved[0]
		}, 2, 1},
		{"the large item moved and changed", func() {
			moved, err := sent.Move(ctx, []mapi.EntryID{large}, inbox)
			must(err)
			must(inbox.Update(ctx, moved[0], mapi.Props{{Key: mapi.TagKey(pid.TagBody), Value: strings.Repeat("changed ", 5000)}}, nil))
		}, 2, 1},
		{"an item copied", func() {
			_, err := inbox.Copy(ctx, ids[6:7], sent)
			must(err)
		}, 1, 1},
		{"a folder renamed", func() {
			below = made(inbox.CreateFolder(ctx, "below", mapi.Props{{Key: mapi.TagKey(pid.TagComment), Value: "as it was"}}))
			deep = made(below.CreateFolder(ctx, "deep", nil))
			add(below, mapi.Normal, note("in a folder", 100))
			add(deep, mapi.Normal, note("deep in folders", 100))
			b.run(b.repo, false)
			must(below.SetProps(ctx, mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: "renamed"}}, nil))
		}, 0, 0},
		{"a folder's comment", func() {
			must(deep.SetProps(ctx, mapi.Props{{Key: mapi.TagKey(pid.TagComment), Value: "as it is"}}, nil))
		}, 0, 0},
		{"a folder moved", func() { must(below.MoveTo(ctx, sent, "")) }, 0, 0},
		{"a folder deleted", func() { must(sent.DeleteFolder(ctx, below.ID())) }, 0, 0},
		{"a folder emptied", func() { must(sent.Delete(ctx, list(sent), true)) }, 1, 0},
		{"much at once", func() {
			must(inbox.Update(ctx, ids[10], mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "x"}}, nil))
			must(inbox.SetRead(ctx, ids[10:20], true))
			_, err := inbox.Move(ctx, ids[15:25], sent)
			must(err)
			must(inbox.Delete(ctx, ids[30:40], true))
		}, 2, 15},
	} {
		c.change()
		requests, bytes := b.step(c.what, c.folders, c.reads)
		if c.what == "the large item moved" && bytes > 100_000 {
			t.Errorf("%s: %d bytes", c.what, bytes)
		}
		if most := int64(handful+each*max(c.folders, 1)) + bytes/answer; requests > most {
			t.Errorf("%s: %d requests", c.what, requests)
		}
	}
	again, _ := b.step("nothing changed since", 0, 0)
	if again > unchanged+4 { // there are more folders than before, and they are asked about so many at a time
		t.Errorf("nothing changed, and that took %d requests", again)
	}
	snap := openSnapshot(t, b.repo, "latest")
	same(t, box, snap)
}

// mailbox is alice's, beside the server.
func (b *followedBox) mailbox() *localstore.Store {
	b.Helper()
	st, err := localstore.Open(b.Context(), b.srv.Directory().MailboxPath(b.srv.Mailbox(b, "alice")))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	return st
}

// silent is a mailbox that doesn't tell what changed.
type silent struct{ mapi.Store }

// TestIncrementalBackupFallsBack takes the state of the last snapshot away, or makes it useless. All is read then, nothing is
// stored again, and the report says why.
func TestIncrementalBackupFallsBack(t *testing.T) {
	fill := func(ctx context.Context, st mapi.Store) error {
		id, err := st.Special(ctx, mapi.RoleInbox)
		if err != nil {
			return err
		}
		f, err := st.Folder(ctx, id)
		for n := 0; err == nil && n < 30; n++ {
			_, err = mapi.WriteItem(ctx, f, mapi.Normal, note(fmt.Sprint("item ", n), 5000+n))
		}
		return err
	}
	seeds := map[string]seed{"alice": fill, "bob": fill}
	b := &followedBox{T: t, srv: exchangetest.New(t, exchangetest.Options{Seed: seeds}), repo: newRepo(t)}
	b.run(b.repo, false)
	b.step("follow", 0, 0)
	// inbox backs up and tells how the Inbox was.
	inbox := func(what string, st mapi.Store, full bool, way, why string) {
		t.Helper()
		var r *backup.Report
		if st == nil {
			r, _, _ = b.run(b.repo, full)
		} else {
			var err error
			if r, err = backup.Run(t.Context(), st, b.repo, backup.Options{Mailbox: "alice@contoso.test", Retries: -1}); err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range r.Folders {
			if f.Role == mapi.RoleInbox && (f.Way != way || !strings.Contains(f.Why, why)) {
				t.Errorf("%s: %s, because %s; want %s, because %s", what, f.Way, f.Why, way, why)
			}
		}
		const directory = 50_000 // a folder's, of items that are there; the items themselves take ten times as much
		if way == backup.WayFull && r.Added > directory && !strings.HasPrefix(what, "another mailbox") {
			t.Errorf("%s: %d bytes were stored again", what, r.Added)
		}
	}
	const changes, full = backup.WayChanges, backup.WayFull
	inbox("asked for", nil, true, full, "asked for")
	inbox("after that", nil, false, changes, "nothing changed")

	alice := open(t, b.srv, "alice")
	inbox("a store that cannot tell", silent{alice}, false, full, "doesn't tell what changed")
	inbox("after it", nil, false, full, "the last snapshot doesn't tell how far the mailbox was followed")
	inbox("after that", nil, false, changes, "nothing changed")

	inbox("another mailbox of the same name", open(t, b.srv, "bob"), false, full, "the folder is new")
	inbox("the first one again", nil, false, full, "the folder is new")
	inbox("after that", nil, false, changes, "nothing changed")

	inbox("a server that rejects the state", &rejecting{Store: alice}, false, full, "the mailbox doesn't tell what changed: ")
	inbox("after that", nil, false, changes, "nothing changed")
	inbox("a server that counts otherwise", &rejecting{Store: alice, count: 1}, false, full, "30 items remain of it, 31 should")
	inbox("after that", nil, false, changes, "nothing changed")

	box := b.mailbox()
	f := folder(t, box, mapi.RoleInbox).(*localstore.Folder)
	bad, err := mapi.WriteItem(t.Context(), f, mapi.Normal, note("cannot be read", 100))
	if err != nil {
		t.Fatal(err)
	}
	inbox("an item that cannot be read", &rejecting{Store: alice, unread: bad, sync: true}, false, changes, "1 new or changed")
	inbox("after it", nil, false, full, "the last snapshot doesn't tell how far the folder was followed")
	b.step("after that", 0, 0)

	// The repository loses what the last run stored: directories, items and all.
	before := indexes(t, b.repo)
	if _, err := mapi.WriteItem(t.Context(), f, mapi.Normal, note("lost", 100)); err != nil {
		t.Fatal(err)
	}
	inbox("one more item", nil, false, changes, "1 new or changed")
	for name := range indexes(t, b.repo) {
		if !before[name] {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.repo = openRepo(t, b.repo.String()) // without what it remembers
	r, _, _ := b.run(b.repo, false)
	for _, x := range r.Folders {
		if x.Way != full || x.Why == "" {
			t.Errorf("after a loss: %s: %s, because %s", x.Path, x.Way, x.Why)
		}
	}
	b.same("after a loss", r)
	snap := openSnapshot(t, b.repo, "latest")
	same(t, b.mailbox(), snap)
}

// indexes are the index files of a repository.
func indexes(t *testing.T, repo *backup.Repository) map[string]bool {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(repo.String(), "index", "*"))
	if err != nil || len(list) == 0 {
		t.Fatalf("%d index files, %v", len(list), err)
	}
	names := map[string]bool{}
	for _, name := range list {
		names[name] = true
	}
	return names
}

// rejecting is a mailbox on a server that takes no state, or miscounts, and has an item that cannot be read.
type rejecting struct {
	mapi.Store
	sync   bool // takes states
	count  int  // too many
	unread mapi.EntryID
}

func (s *rejecting) SyncHierarchy(ctx context.Context, below mapi.EntryID, state []byte) (*mapi.HierarchyChanges, error) {
	sync, _ := mapi.As[mapi.Synchronizer](s.Store)
	return sync.SyncHierarchy(ctx, below, state)
}

func (s *rejecting) SyncContents(ctx context.Context, folders []mapi.SyncFolder) iter.Seq2[*mapi.ContentChanges, error] {
	return func(yield func(*mapi.ContentChanges, error) bool) {
		sync, _ := mapi.As[mapi.Synchronizer](s.Store)
		for c, err := range sync.SyncContents(ctx, folders) {
			if err == nil && len(folders[0].State) > 0 && !s.sync {
				if c.Given += uint64(s.count); s.count == 0 {
					c = &mapi.ContentChanges{Folder: c.Folder, Err: mapi.ErrFormat}
				}
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

func (s *rejecting) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	f, err := s.Store.Folder(ctx, id)
	return unreadable{f, s.unread}, err
}

type unreadable struct {
	mapi.Folder
	id mapi.EntryID
}

func (f unreadable) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	if id == f.id {
		return mapi.ErrCorruptData
	}
	return f.Folder.Read(ctx, id, w)
}
