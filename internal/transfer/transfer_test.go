package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

func empty() *memstore.Store { return memstore.New(memstore.Config{}) }

// filled is a mailbox with the sample items.
func filled(t *testing.T) *memstore.Store {
	t.Helper()
	s := empty()
	for _, sample := range storetest.SampleItems() {
		write(t, folder(t, s, sample.Role), sample.Kind, sample.Item)
	}
	return s
}

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

func write(t *testing.T, f mapi.Folder, k mapi.Kind, it *mapi.Item) mapi.EntryID {
	t.Helper()
	id, err := mapi.WriteItem(t.Context(), f, k, it)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// mail is an item with a search key, unless that is empty.
func mail(subject, searchKey string) *mapi.Item {
	it := &mapi.Item{Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
		{Key: mapi.TagKey(pid.TagSubject), Value: subject},
	}}
	if searchKey != "" {
		it.Props.Set(mapi.TagKey(pid.TagSearchKey), []byte(searchKey))
	}
	return it
}

func subjects(t *testing.T, f mapi.Folder) string {
	t.Helper()
	var list []string
	q := mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}, Sort: []mapi.Sort{{Key: mapi.TagKey(pid.TagSubject)}}}
	for row, err := range f.Rows(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, row.Values[0].(string))
	}
	return strings.Join(list, " ")
}

// child is the folder of a name below another.
func child(t *testing.T, s mapi.Store, f mapi.Folder, name string) mapi.Folder {
	t.Helper()
	for info, err := range f.Folders(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if info.Name == name {
			c, err := s.Folder(t.Context(), info.ID)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	t.Fatalf("there is no folder %q", name)
	return nil
}

func create(t *testing.T, f mapi.Folder, name string, props ...mapi.Prop) mapi.Folder {
	t.Helper()
	c, err := f.CreateFolder(t.Context(), name, props)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// quick retries without waiting.
var quick = transfer.Options{Backoff: 1, Workers: 3, Batch: 4}

func run(t *testing.T, src, dst mapi.Store, o transfer.Options) *transfer.Report {
	t.Helper()
	r, err := transfer.Run(t.Context(), src, dst, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Errorf("problem: %v", p)
	}
	return r
}

// counts checks how many items were copied, skipped and failed.
func counts(t *testing.T, what string, r *transfer.Report, copied, skipped, failed int) {
	t.Helper()
	if r.Copied != copied || r.Skipped != skipped || r.Failed != failed {
		t.Errorf("%s: %d copied, %d skipped, %d failed; want %d, %d, %d", what, r.Copied, r.Skipped, r.Failed, copied, skipped, failed)
	}
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

func TestCopyWholeStore(t *testing.T) {
	local := func(t *testing.T) mapi.Store {
		s, err := localstore.Create(t.Context(), filepath.Join(t.TempDir(), "mailbox"), localstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	for name, destination := range map[string]func(*testing.T) mapi.Store{
		"memory":                           func(*testing.T) mapi.Store { return empty() },
		"store that makes what is missing": local,
	} {
		t.Run(name, func(t *testing.T) {
			src, dst, n := filled(t), destination(t), len(storetest.SampleItems())
			counts(t, "first copy", run(t, src, dst, transfer.Options{}), n, 0, 0)
			same(t, src, dst)
			counts(t, "second copy", run(t, src, dst, transfer.Options{}), 0, n, 0)
			same(t, src, dst)
		})
	}
}

func TestFolders(t *testing.T) {
	src, dst := empty(), empty()
	top := folder(t, src, mapi.RoleIPM)
	// The source speaks German, and has a folder of the user's own with the name of another special folder there.
	rename := mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: "Posteingang"}}
	if err := folder(t, src, mapi.RoleInbox).SetProps(t.Context(), rename, nil); err != nil {
		t.Fatal(err)
	}
	write(t, folder(t, src, mapi.RoleInbox), mapi.Normal, mail("for the inbox", "1"))
	write(t, create(t, top, "Inbox"), mapi.Normal, mail("for a folder called Inbox", "2"))
	below := create(t, create(t, folder(t, src, mapi.RoleInbox), "2019"), "März/April",
		mapi.Prop{Key: mapi.TagKey(pid.TagComment), Value: "a comment"}, mapi.Prop{Key: mapi.TagKey(pid.TagContainerClass), Value: "IPF.Task"})
	write(t, below, mapi.Normal, mail("deep", "3"))

	for range 2 { // the second time finds what the first made
		r := run(t, src, dst, quick)
		if len(r.Notes) == 0 || !strings.Contains(r.Notes[0].Text, `"Inbox (2)"`) {
			if r.Copied > 0 {
				t.Errorf("notes: %v", r.Notes)
			}
		}
	}
	inbox := folder(t, dst, mapi.RoleInbox)
	if got := subjects(t, inbox); got != "for the inbox" {
		t.Errorf("the inbox has %q", got)
	}
	if got := subjects(t, child(t, dst, folder(t, dst, mapi.RoleIPM), "Inbox (2)")); got != "for a folder called Inbox" {
		t.Errorf("the folder called Inbox has %q", got)
	}
	deep := child(t, dst, child(t, dst, inbox, "2019"), "März/April")
	props, err := deep.Props(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if subjects(t, deep) != "deep" || props.Text(pid.TagComment) != "a comment" || props.Text(pid.TagContainerClass) != "IPF.Task" {
		t.Errorf("the deep folder has %q and %v", subjects(t, deep), props)
	}
}

func TestCopyPart(t *testing.T) {
	src := empty()
	year := create(t, folder(t, src, mapi.RoleInbox), "2019")
	write(t, year, mapi.Normal, mail("in", "1"))
	two := write(t, year, mapi.Normal, mail("two", "2"))
	write(t, create(t, year, "March"), mapi.Normal, mail("below", "3"))
	write(t, folder(t, src, mapi.RoleInbox), mapi.Normal, mail("out", "4"))

	dst := empty()
	counts(t, "a folder", run(t, src, dst, transfer.Options{From: year.ID()}), 3, 0, 0)
	got := child(t, dst, folder(t, dst, mapi.RoleInbox), "2019")
	if subjects(t, got) != "in two" || subjects(t, child(t, dst, got, "March")) != "below" {
		t.Errorf("2019 has %q", subjects(t, got))
	}

	dst = empty()
	into := create(t, folder(t, dst, mapi.RoleIPM), "Recovered")
	counts(t, "into a folder", run(t, src, dst, transfer.Options{From: folder(t, src, mapi.RoleInbox).ID(), To: into.ID()}), 4, 0, 0)
	if subjects(t, into) != "out" || subjects(t, child(t, dst, into, "2019")) != "in two" {
		t.Errorf("Recovered has %q", subjects(t, into))
	}
	if got := subjects(t, folder(t, dst, mapi.RoleInbox)); got != "" {
		t.Errorf("the inbox has %q", got)
	}

	dst = empty()
	counts(t, "an item", run(t, src, dst, transfer.Options{From: year.ID(), Items: []mapi.EntryID{two}}), 1, 0, 0)
	where := mapi.ResContent{Key: mapi.TagKey(pid.TagSubject), Value: "b", Fuzzy: mapi.FuzzyPrefix}
	counts(t, "a search", run(t, src, dst, transfer.Options{Where: where}), 1, 0, 0)
	dst = empty()
	exclude := func(f transfer.FolderName) bool { return f.Path == "Inbox/2019" }
	counts(t, "without a folder", run(t, src, dst, transfer.Options{Exclude: exclude}), 1, 0, 0)
}

// What is the same item, and what is not.
func TestIdentity(t *testing.T) {
	sourceKey := func(it *mapi.Item, key string) *mapi.Item {
		it.Props.Set(mapi.TagKey(pid.TagSourceKey), []byte(key))
		return it
	}
	for _, c := range []struct {
		name      string
		src, dst  []*mapi.Item
		copied    int
		afterward string
	}{
		{"the same", []*mapi.Item{mail("a", "1")}, []*mapi.Item{mail("a", "1")}, 0, "a"},
		{"changed there since", []*mapi.Item{mail("a", "1")}, []*mapi.Item{mail("A", "1")}, 0, "A"},
		{"two genuine copies", []*mapi.Item{mail("a", "1"), mail("a", "1")}, nil, 2, "a a"},
		{"two copies, one is there", []*mapi.Item{mail("a", "1"), mail("a", "1")}, []*mapi.Item{mail("a", "1")}, 1, "a a"},
		{"two versions, one is there", []*mapi.Item{mail("a", "1"), mail("b", "1")}, []*mapi.Item{mail("b", "1")}, 1, "a b"},
		{"one of two that are there", []*mapi.Item{mail("a", "1")}, []*mapi.Item{mail("a", "1"), mail("b", "1")}, 0, "a b"},
		{"no search key", []*mapi.Item{mail("a", ""), mail("b", "")}, []*mapi.Item{mail("b", "")}, 1, "a b"},
		{"two copies without search key", []*mapi.Item{mail("a", ""), mail("a", "")}, []*mapi.Item{mail("a", "")}, 1, "a a"},
		{"a store that made a search key", []*mapi.Item{mail("a", "")}, []*mapi.Item{mail("a", "made")}, 0, "a"},
		{"same subject, other item", []*mapi.Item{mail("a", "1")}, []*mapi.Item{mail("a", "2")}, 1, "a a"},
		{"source key before search key", []*mapi.Item{sourceKey(mail("a", "1"), "x"), sourceKey(mail("a", "1"), "y")},
			[]*mapi.Item{sourceKey(mail("A", "1"), "x")}, 1, "A a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, dst := empty(), empty()
			for _, it := range c.src {
				write(t, folder(t, src, mapi.RoleInbox), mapi.Normal, it)
			}
			for _, it := range c.dst {
				write(t, folder(t, dst, mapi.RoleInbox), mapi.Normal, it)
			}
			counts(t, "first copy", run(t, src, dst, quick), c.copied, len(c.src)-c.copied, 0)
			counts(t, "second copy", run(t, src, dst, quick), 0, len(c.src), 0)
			if got := subjects(t, folder(t, dst, mapi.RoleInbox)); got != c.afterward {
				t.Errorf("the inbox has %q, want %q", got, c.afterward)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	src, dst := empty(), empty()
	write(t, folder(t, src, mapi.RoleInbox), mapi.Normal, mail("a", "1"))
	for range 2 {
		counts(t, "append", run(t, src, dst, transfer.Options{Policy: transfer.Append}), 1, 0, 0)
	}
	if got := subjects(t, folder(t, dst, mapi.RoleInbox)); got != "a a" {
		t.Errorf("the inbox has %q", got)
	}
}

// ids of an item in its old store stay behind; ids in values that cannot be translated are told of.
func TestIDs(t *testing.T) {
	src, dst := empty(), empty()
	it := mail("a", "1")
	for _, tag := range []mapi.Tag{pid.TagEntryId, pid.TagSourceKey, pid.TagSentMailEntryId} {
		it.Props.Set(mapi.TagKey(tag), []byte("somewhere"))
	}
	write(t, folder(t, src, mapi.RoleInbox), mapi.Normal, it)
	r := run(t, src, dst, quick)
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0].String(), "PidTagSentMailEntryId") {
		t.Errorf("notes: %v", r.Notes)
	}
	inbox := folder(t, dst, mapi.RoleInbox)
	for row, err := range inbox.Rows(t.Context(), mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got, err := mapi.ReadItem(t.Context(), inbox, row.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.Props.Tag(pid.TagEntryId) != nil || got.Props.Tag(pid.TagSourceKey) == nil || got.Props.Tag(pid.TagSentMailEntryId) == nil {
			t.Errorf("the copy has %v", got.Props)
		}
	}
}

// many is a mailbox of n items in the inbox.
func many(t *testing.T, n int) *memstore.Store {
	s := empty()
	for i := range n {
		write(t, folder(t, s, mapi.RoleInbox), mapi.Normal, mail(fmt.Sprintf("%03d", i), fmt.Sprint("key", i)))
	}
	return s
}

func TestBadItemIsNamedAndTheRestIsCopied(t *testing.T) {
	bad := &mapi.Error{Op: "read item", Code: mapi.ErrCorruptData}
	for _, op := range []string{"read", "commit"} {
		t.Run(op, func(t *testing.T) {
			fault := func(o, subject string) error {
				if o == op && (subject == "007" || subject == "011") {
					return bad
				}
				return nil
			}
			src, dst := many(t, 20), empty()
			r, err := transfer.Run(t.Context(), &faulty{Store: src, fault: fault}, &faulty{Store: dst, fault: fault}, quick)
			if err != nil {
				t.Fatal(err)
			}
			counts(t, "copy", r, 18, 0, 2)
			for _, p := range r.Problems {
				if p.Folder != "Inbox" || !(strings.Contains(p.Item, `"007"`) || strings.Contains(p.Item, `"011"`)) || !errors.Is(p.Err, mapi.ErrCorruptData) {
					t.Errorf("problem: %v", p)
				}
			}
			if len(r.Problems) != 2 || len(strings.Fields(subjects(t, folder(t, dst, mapi.RoleInbox)))) != 18 {
				t.Errorf("%d problems, the inbox has %q", len(r.Problems), subjects(t, folder(t, dst, mapi.RoleInbox)))
			}
		})
	}
}

func TestLostConnections(t *testing.T) {
	lost := &mapi.Error{Op: "execute", Code: mapi.ErrNetwork}
	for op, times := range map[string]int{"read": 30, "create": 30, "commit": 30, "committed": 30, "rows": 4, "folders": 4} {
		t.Run(op, func(t *testing.T) {
			calls, faults := 0, 0
			fault := func(o, _ string) error {
				if o == op {
					if calls++; calls%5 == 3 && faults < times {
						faults++
						return lost
					}
				}
				return nil
			}
			src, dst := many(t, 30), empty()
			r := run(t, &faulty{Store: src, fault: fault}, &faulty{Store: dst, fault: fault}, quick)
			counts(t, "copy", r, 30, 0, 0)
			if calls < 5 {
				t.Errorf("only %d calls", calls)
			}
			same(t, src, dst)
		})
	}
}

func TestWhatEndsARun(t *testing.T) {
	for name, c := range map[string]struct {
		op   string
		err  error
		want error
	}{
		"disk full":                  {"commit", fmt.Errorf("write: %w", syscall.ENOSPC), syscall.ENOSPC},
		"mailbox full":               {"commit", mapi.Code(0x4DD), mapi.Code(0x4DD)},
		"connection that stays lost": {"read", &mapi.Error{Op: "execute", Code: mapi.ErrNetwork}, mapi.ErrNetwork},
		"logon refused":              {"rows", mapi.ErrLogonFailed, mapi.ErrLogonFailed},
	} {
		t.Run(name, func(t *testing.T) {
			fault := func(op, _ string) error {
				if op == c.op {
					return c.err
				}
				return nil
			}
			src, dst := many(t, 30), empty()
			r, err := transfer.Run(t.Context(), &faulty{Store: src, fault: fault}, &faulty{Store: dst, fault: fault}, quick)
			if !errors.Is(err, c.want) || r == nil || r.Copied != 0 {
				t.Errorf("got %v and %+v", err, r)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		o := quick
		o.Progress = func(p transfer.Progress) {
			if p.Items == 10 {
				cancel()
			}
		}
		r, err := transfer.Run(ctx, many(t, 100), empty(), o)
		if !errors.Is(err, context.Canceled) || r.Copied < 10 || r.Copied > 20 || len(r.Problems) > 0 {
			t.Errorf("got %v, %d copied, problems %v", err, r.Copied, r.Problems)
		}
	})
}

// A destination that has no associated items is told of once.
func TestRefusedKind(t *testing.T) {
	src, dst := many(t, 3), empty()
	for i := range 5 {
		write(t, folder(t, src, mapi.RoleInbox), mapi.Associated, mail("settings", fmt.Sprint(i)))
	}
	fault := func(op, kind string) error {
		if op == "create" && kind == mapi.Associated.String() {
			return &mapi.Error{Op: "create item", Code: mapi.ErrNoSupport}
		}
		return nil
	}
	r, err := transfer.Run(t.Context(), src, &faulty{Store: dst, fault: fault}, quick)
	if err != nil {
		t.Fatal(err)
	}
	counts(t, "copy", r, 3, 0, 5)
	if len(r.Problems) != 1 || r.Problems[0].Count != 5 || r.Problems[0].Kind != mapi.Associated {
		t.Errorf("problems: %v", r.Problems)
	}
}

func TestProgress(t *testing.T) {
	var last transfer.Progress
	o := quick
	o.Progress = func(p transfer.Progress) {
		if p.Items < last.Items || p.Folders < last.Folders || p.Bytes < last.Bytes {
			t.Errorf("progress went back from %+v to %+v", last, p)
		}
		last = p
	}
	src := filled(t)
	run(t, src, empty(), o)
	if n := len(storetest.SampleItems()); last.Items != n || last.ItemsTotal != n || last.Folders != last.FoldersTotal || last.Bytes == 0 {
		t.Errorf("the last progress is %+v", last)
	}
}

// Items written in bulk are all there, once, whatever becomes of the run that took them.
func TestBulk(t *testing.T) {
	for op, err := range map[string]error{
		"":        nil,
		"bulk":    &mapi.Error{Op: "write items", Code: mapi.ErrNoSupport},
		"read":    &mapi.Error{Op: "execute", Code: mapi.ErrNetwork},
		"whole":   &mapi.Error{Op: "execute", Code: mapi.ErrNetwork},
		"flush":   &mapi.Error{Op: "execute", Code: mapi.ErrNetwork},
		"flushed": &mapi.Error{Op: "execute", Code: mapi.ErrNetwork},
	} {
		t.Run("fault at "+op, func(t *testing.T) {
			calls := 0
			fault := func(o, _ string) error {
				if o == op {
					if calls++; calls%4 == 2 {
						return err
					}
				}
				return nil
			}
			src, dst := many(t, 30), empty()
			for i := range 6 {
				write(t, folder(t, src, mapi.RoleDrafts), mapi.Normal, mail(fmt.Sprint("draft without key ", i%3), ""))
			}
			r := run(t, &faulty{Store: src, fault: fault}, bulky{&faulty{Store: dst, fault: fault}}, transfer.Options{Backoff: 1, Batch: 4, Workers: 1})
			counts(t, "copy", r, 36, 0, 0)
			same(t, src, dst)
		})
	}
}

func TestSearchFoldersAreToldOf(t *testing.T) {
	src, dst := empty(), empty()
	write(t, create(t, folder(t, src, mapi.RoleFinder), "Unread"), mapi.Normal, mail("of another folder", "1"))
	none := func(string, string) error { return nil }
	r := run(t, &faulty{Store: src, fault: none, search: "Unread"}, dst, quick)
	counts(t, "copy", r, 0, 0, 0)
	if r.SearchFolders != 1 || len(r.Notes) != 1 || r.Notes[0].String() != "Finder/Unread: not copied: search folder" {
		t.Errorf("%d search folders, notes %v", r.SearchFolders, r.Notes)
	}
}
