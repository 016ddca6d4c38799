package snapshot_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

const (
	mailbox = "ada@example.com"
	secret  = "correct horse"
)

// cheap keeps the tests from spending their time in scrypt.
var cheap = &restic.Config{KDF: restic.KDF{N: 2, R: 1, P: 1}}

// counting is a backend that counts what is read of packs.
type counting struct {
	restic.Backend
	reads atomic.Int64
}

func (c *counting) Load(ctx context.Context, h restic.Handle, offset int64, length int) (io.ReadCloser, error) {
	if h.Type == restic.PackFile {
		c.reads.Add(1)
	}
	return c.Backend.Load(ctx, h, offset, length)
}

func newRepo(t testing.TB) (*restic.Repository, *counting) {
	t.Helper()
	be := &counting{Backend: restic.NewLocal(filepath.Join(t.TempDir(), "repo"))}
	r, err := restic.Create(t.Context(), be, secret, cheap)
	if err != nil {
		t.Fatal(err)
	}
	return r, be
}

// save backs a store up.
func save(t testing.TB, repo *restic.Repository, src mapi.Store) (*restic.Snapshot, restic.Stats) {
	t.Helper()
	lock, ctx, err := repo.Lock(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	w, err := repo.NewWriter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	b := snapshot.NewBuilder(ctx, w, mailbox)
	defer b.Close()
	props, err := src.Props(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b.SetProps(props)
	r, err := transfer.Run(ctx, src, b, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Errorf("problem: %v", p)
	}
	tree, err := b.Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := &restic.Snapshot{Time: time.Now(), Tree: &tree, Paths: []string{"/" + snapshot.DirName(mailbox)}, Hostname: "mail.example.com"}
	if err := w.SaveSnapshot(ctx, s); err != nil {
		t.Fatal(err)
	}
	return s, w.Stats()
}

func open(t testing.TB, repo *restic.Repository, s *restic.Snapshot) *snapshot.Store {
	t.Helper()
	st, err := snapshot.Open(t.Context(), repo, s)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func folder(t testing.TB, s mapi.Store, r mapi.Role) mapi.Folder {
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

func write(t testing.TB, f mapi.Folder, k mapi.Kind, it *mapi.Item) {
	t.Helper()
	if _, err := mapi.WriteItem(t.Context(), f, k, it); err != nil {
		t.Fatal(err)
	}
}

func filled(t testing.TB) *memstore.Store {
	t.Helper()
	s := memstore.New(memstore.Config{Name: "Ada Lovelace"})
	for _, sample := range storetest.SampleItems() {
		write(t, folder(t, s, sample.Role), sample.Kind, sample.Item)
	}
	return s
}

func prop(t mapi.Tag, v mapi.Value) mapi.Prop { return mapi.Prop{Key: mapi.TagKey(t), Value: v} }

func mail(subject string, delivered time.Time, more ...mapi.Prop) *mapi.Item {
	return &mapi.Item{Props: append(mapi.Props{prop(pid.TagMessageClass, "IPM.Note"), prop(pid.TagSubject, subject),
		prop(pid.TagMessageDeliveryTime, mapi.NewFileTime(delivered)), prop(pid.TagMessageFlags, int32(1))}, more...)}
}

func same(t *testing.T, a, b mapi.Store) {
	t.Helper()
	r, err := compare.Stores(t.Context(), a, b, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differences {
		t.Errorf("difference: %+v", d)
	}
}

func TestStore(t *testing.T) {
	repo, _ := newRepo(t)
	s, _ := save(t, repo, filled(t))
	storetest.Run(t, func(t *testing.T) mapi.Store { return open(t, repo, s) }, storetest.Options{ReadOnly: true, Roles: mapi.Roles})
}

func TestHoldsWhatTheMailboxHeld(t *testing.T) {
	repo, _ := newRepo(t)
	src := filled(t)
	top := folder(t, src, mapi.RoleIPM)
	for _, name := range []string{"2024-03", "a/b", "con", strings.Repeat("long ", 50), ".hidden", "half \xED\xA0\xBD"} {
		f, err := top.CreateFolder(t.Context(), name, mapi.Props{prop(pid.TagComment, "of "+name), prop(pid.TagContainerClass, "IPF.Note")})
		if err != nil {
			t.Fatal(err)
		}
		write(t, f, mapi.Normal, mail("in "+name, time.Unix(0, 0)))
	}
	s, _ := save(t, repo, src)
	st := open(t, repo, s)
	same(t, src, st)
	props, err := st.Props(t.Context())
	if err != nil || props.Text(pid.TagDisplayName) != "Ada Lovelace" || st.Mailbox() != mailbox {
		t.Errorf("the store is %v of %q, %v", props, st.Mailbox(), err)
	}
}

func TestSecondBackupAddsNothing(t *testing.T) {
	repo, _ := newRepo(t)
	src := filled(t)
	inbox := folder(t, src, mapi.RoleInbox)
	for range 3 { // genuine copies
		write(t, inbox, mapi.Normal, mail("copy", time.Unix(1e9, 0), prop(pid.TagSearchKey, []byte("same"))))
	}
	first, _ := save(t, repo, src)
	for range 3 {
		next, stats := save(t, repo, src)
		if *first.Tree != *next.Tree || stats.DataBlobs+stats.TreeBlobs+stats.Packs != 0 {
			t.Errorf("an unchanged mailbox added %+v", stats)
		}
	}
	same(t, src, open(t, repo, first))

	// One more message: its file, the catalog and .folder.json of its folder, the list of folders, and the directories up to the top.
	write(t, inbox, mapi.Normal, mail("new", time.Unix(1e9, 0)))
	_, stats := save(t, repo, src)
	if stats.DataBlobs > 4 || stats.TreeBlobs > 5 {
		t.Errorf("one message added %+v", stats)
	}
}

// files are the nodes of all files of a tree by path.
func files(t *testing.T, repo *restic.Repository, tree restic.ID, at string, into map[string]*restic.Node) {
	t.Helper()
	tr, err := repo.LoadTree(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range tr.Nodes {
		if n.Subtree != nil {
			files(t, repo, *n.Subtree, at+"/"+n.Name, into)
		} else {
			into[at+"/"+n.Name] = n
		}
	}
}

func random(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func attachment(data []byte) *mapi.Attachment {
	return &mapi.Attachment{Props: mapi.Props{prop(pid.TagAttachMethod, int32(1)), prop(pid.TagAttachDataBinary, data)}}
}

// An attachment of 4 KiB or more is a blob of its own, whose id is its hash, wherever it is.
func TestAttachmentIsStoredOnce(t *testing.T) {
	repo, _ := newRepo(t)
	src := memstore.New(memstore.Config{})
	inbox := folder(t, src, mapi.RoleInbox)
	data := [][]byte{random(1, 4096), random(2, 100_000), random(3, 4095)}
	for i := range 5 {
		inner := mail(fmt.Sprint("inner ", i), time.Unix(1e9, 0))
		inner.Attachments = []*mapi.Attachment{attachment(data[1]), attachment(data[2])}
		it := mail(fmt.Sprint("outer ", i), time.Unix(1e9, 0), prop(pid.TagBody, strings.Repeat(fmt.Sprint(i, " "), 10_000)))
		it.Attachments = []*mapi.Attachment{
			attachment(data[0]),
			{Props: mapi.Props{prop(pid.TagAttachMethod, int32(5))}, Embedded: inner},
			attachment(data[1]),
		}
		write(t, inbox, mapi.Normal, it)
	}
	s, stats := save(t, repo, src)
	all := map[string]*restic.Node{}
	files(t, repo, *s.Tree, "", all)
	found := 0
	for path, n := range all {
		if !strings.Contains(path, "/2001-09/outer ") {
			continue
		}
		found++
		has := map[restic.ID]int{}
		for _, id := range n.Content {
			has[id]++
		}
		for i, want := range []int{1, 2, 0} {
			if got := has[restic.ID(sha256.Sum256(data[i]))]; got != want {
				t.Errorf("%s has attachment %d as %d blobs, want %d", path, i, got, want)
			}
		}
	}
	if found != 5 {
		t.Errorf("%d items, want 5", found)
	}
	if stats.Bytes > 5*120_000+200_000 {
		t.Errorf("%d bytes were stored", stats.Bytes)
	}
	same(t, src, open(t, repo, s))
}

// A month of many items is split; lists come from the catalogs and keep their order.
func TestManyItems(t *testing.T) {
	const n = 4500
	repo, be := newRepo(t)
	src := memstore.New(memstore.Config{})
	inbox := folder(t, src, mapi.RoleInbox)
	for i := range n {
		write(t, inbox, mapi.Normal, mail(fmt.Sprintf("%04d", i), time.Unix(1e9, 0), prop(pid.TagSearchKey, fmt.Appendf(nil, "key %d", i))))
	}
	s, _ := save(t, repo, src)
	all := map[string]*restic.Node{}
	files(t, repo, *s.Tree, "", all)
	perDir := map[string]int{}
	for path := range all {
		if strings.HasSuffix(path, ".msg") && strings.Contains(path, "/2001-09/") {
			perDir[path[:strings.LastIndexByte(path, '/')]]++
		}
	}
	if len(perDir) != 16 {
		t.Errorf("items lie in %d directories, want 16: %v", len(perDir), perDir)
	}
	st := open(t, repo, s)
	f := folder(t, st, mapi.RoleInbox)
	subject := mapi.TagKey(pid.TagSubject)
	q := mapi.Query{Columns: []mapi.Key{subject, mapi.TagKey(pid.TagHasAttachments)}, Sort: []mapi.Sort{{Key: subject}}}
	before, i := be.reads.Load(), 0
	for row, err := range f.Rows(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Values[0] != fmt.Sprintf("%04d", i) || row.Values[1] != false {
			t.Fatalf("row %d is %v", i, row.Values)
		}
		i++
	}
	if i != n {
		t.Errorf("%d rows, want %d", i, n)
	}
	if reads := be.reads.Load() - before; reads > 100 {
		t.Errorf("a list of %d items read %d blobs", n, reads)
	}
	_, stats := save(t, repo, src)
	if stats.DataBlobs+stats.TreeBlobs != 0 {
		t.Errorf("an unchanged mailbox added %+v", stats)
	}
}

func TestFind(t *testing.T) {
	repo, _ := newRepo(t)
	if _, err := snapshot.Find(t.Context(), repo, "latest"); !errors.Is(err, restic.ErrNotFound) {
		t.Errorf("the latest of none: %v", err)
	}
	src := memstore.New(memstore.Config{})
	first, _ := save(t, repo, src)
	second, _ := save(t, repo, src)
	for which, want := range map[string]restic.ID{"latest": second.ID(), "latest/ADA@example.com": second.ID(),
		first.ID().String(): first.ID(), first.ID().String()[:12]: first.ID()} {
		s, err := snapshot.Find(t.Context(), repo, which)
		if err != nil || s.ID() != want {
			t.Errorf("%s is %v, %v; want %v", which, s, err, want)
		}
	}
	for _, which := range []string{"latest/bob@example.com", "ffffffffffff"} {
		if _, err := snapshot.Find(t.Context(), repo, which); !errors.Is(err, restic.ErrNotFound) {
			t.Errorf("%s: %v", which, err)
		}
	}
	for address, want := range map[string][2]string{
		"/srv/mail#latest/ada@example.com": {"/srv/mail", "latest/ada@example.com"},
		"/srv/mail#4711":                   {"/srv/mail", "4711"},
		"/srv/mail":                        {"/srv/mail", "latest"},
		"/srv/m#il#":                       {"/srv/m#il", "latest"},
	} {
		if repository, which := snapshot.ParseAddress(address); repository != want[0] || which != want[1] {
			t.Errorf("%s is %s and %s", address, repository, which)
		}
	}
}

// A snapshot of files that are no mailbox is told as such.
func TestNoMailbox(t *testing.T) {
	repo, _ := newRepo(t)
	w, err := repo.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	n := &restic.Node{Name: "file", Type: restic.FileNode}
	tree, err := w.SaveTree(t.Context(), &restic.Tree{Nodes: []*restic.Node{n}})
	if err != nil {
		t.Fatal(err)
	}
	s := &restic.Snapshot{Time: time.Now(), Tree: &tree, Paths: []string{"/file"}}
	if err := w.SaveSnapshot(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Open(t.Context(), repo, s); !errors.Is(err, snapshot.ErrNoMailbox) || !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// The largest mailbox must not need much memory: records of items wait in a file.
func TestBuilderSpills(t *testing.T) {
	if testing.Short() {
		t.Skip("only without -short: it stores 20,000 items")
	}
	repo, _ := newRepo(t)
	w, err := repo.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	b := snapshot.NewBuilder(t.Context(), w, mailbox)
	defer b.Close()
	root := folder(t, b, mapi.RoleRoot)
	for i := range 20_000 {
		write(t, root, mapi.Normal, mail(fmt.Sprint("subject ", i), time.Unix(1e9, 0)))
	}
	tree, err := b.Save(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &restic.Snapshot{Time: time.Now(), Tree: &tree, Paths: []string{"/" + mailbox}}
	if err := w.SaveSnapshot(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range folder(t, open(t, repo, s), mapi.RoleRoot).Rows(t.Context(), mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 20_000 {
		t.Errorf("%d items are listed", n)
	}
}
