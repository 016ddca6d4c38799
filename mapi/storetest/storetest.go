// Package storetest is the conformance suite for message stores: whoever implements the contract of package mapi calls
// [Run] from a test. It also holds what such tests need: sample items and a comparison of items.
package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Options say what a store cannot do or does differently. The zero value is a store that can do everything and gives
// back what it was given.
type Options struct {
	ReadOnly      bool // the store refuses changes; it is tested with what it holds
	NoSoftDelete  bool // no Recoverable Items: every deletion is for good
	NoAssociated  bool // no folder-associated items
	NoFolderProps bool // folders keep their name and class only
	// Lossy stores don't hold items property for property (MIME, for example). Of items only the subject is compared.
	Lossy bool

	// Roles are special folders that the store must have besides the root and the visible root.
	Roles []mapi.Role
	// Computed are properties of items that the store makes or changes itself, whatever their type. They are left out when
	// items are compared.
	Computed []mapi.Key
	// ComputedBits are the bits of Integer32 properties of items that the store makes itself. The others are compared.
	ComputedBits map[mapi.Tag]int32
	// Added are properties that the store gives to items, recipients and attachments that lack them. Those that came with
	// the item are compared.
	Added []mapi.Key
	// Normalize changes an item to what the store is documented to make of it, for example 8-bit strings to Unicode. It is
	// called for copies of what was written.
	Normalize func(*mapi.Item)

	Depth      int // how deep items can be embedded; 3 when 0
	Recipients int // the number of recipients to try; 3000 when 0
	Stream     int // the size of streams to try, in bytes; 4 MiB when 0

	// Except names checks that the store is known to fail, and says why: what isn't so and whose decision that is. They
	// show as skipped subtests. The names are those that failures of the checks are reported under: "Query/part of a word".
	Except map[string]string

	// Reopen closes the store and opens it again, for stores that outlive their closing.
	Reopen func(t *testing.T, s mapi.Store) mapi.Store
}

// conformance is a test of the suite.
type conformance struct {
	name string
	run  func(*fixture)
}

var always = []conformance{
	{"Walk", (*fixture).testWalk},
	{"Special", (*fixture).testSpecial},
	{"Missing", (*fixture).testMissing},
	{"Cancelled", (*fixture).testCancelled},
}

var readOnly = []conformance{
	{"Refusals", (*fixture).testRefusals},
}

var writing = []conformance{
	{"Folders", (*fixture).testFolders},
	{"FolderProps", (*fixture).testFolderProps},
	{"FolderCollision", (*fixture).testFolderCollision},
	{"FolderDelete", (*fixture).testFolderDelete},
	{"FolderCounts", (*fixture).testFolderCounts},
	{"Samples", (*fixture).testSamples},
	{"Values", (*fixture).testValues},
	{"Named", (*fixture).testNamed},
	{"Streams", (*fixture).testStreams},
	{"BrokenStream", (*fixture).testBrokenStream},
	{"Recipients", (*fixture).testRecipients},
	{"Attachments", (*fixture).testAttachments},
	{"Embedded", (*fixture).testEmbedded},
	{"Associated", (*fixture).testAssociated},
	{"Uncommitted", (*fixture).testUncommitted},
	{"Replace", (*fixture).testReplace},
	{"Update", (*fixture).testUpdate},
	{"Delete", (*fixture).testDelete},
	{"SoftDelete", (*fixture).testSoftDelete},
	{"Query", (*fixture).testQuery},
	{"SinkStops", (*fixture).testSinkStops},
	{"EarlyBreak", (*fixture).testEarlyBreak},
	{"ChangeInLoop", (*fixture).testChangeInLoop},
	{"Concurrent", (*fixture).testConcurrent},
	{"Bulk", (*fixture).testBulk},
	{"Reopen", (*fixture).testReopen},
}

// Run tests a store. open gives a new one for each test, empty but for special folders; the test closes it. A read-only
// store comes with contents.
func Run(t *testing.T, open func(t *testing.T) mapi.Store, o Options) {
	if o.Depth == 0 {
		o.Depth = 3
	}
	if o.Recipients == 0 {
		o.Recipients = 3000
	}
	if o.Stream == 0 {
		o.Stream = 4 << 20
	}
	tests := always
	if o.ReadOnly {
		tests = append(tests[:len(tests):len(tests)], readOnly...)
	} else {
		tests = append(tests[:len(tests):len(tests)], writing...)
	}
	ran, asked := 0, map[string]bool{}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			f := &fixture{T: t, o: o, ctx: t.Context(), s: open(t), test: c.name, asked: asked}
			defer f.end()
			c.run(f)
			ran++
		})
	}
	for name := range o.Except {
		if ran == len(tests) && !asked[name] {
			t.Errorf("an exception is made of the check %q, which there isn't", name)
		}
	}
}

// fixture is a test with its store.
type fixture struct {
	*testing.T
	o   Options
	ctx context.Context
	s   mapi.Store

	test  string          // its name in the suite
	asked map[string]bool // checks that could have been excepted

	made []mapi.EntryID // folders to remove at the end, for stores that are not made for one test
}

func (f *fixture) end() {
	top, err := f.s.Special(f.ctx, mapi.RoleIPM)
	if err == nil && len(f.made) > 0 {
		dir := f.open(top)
		for _, id := range f.made {
			if err := dir.DeleteFolder(f.ctx, id); err != nil && !errors.Is(err, mapi.ErrNotFound) {
				f.Errorf("delete the test's folder: %v", err)
			}
		}
	}
	if err := f.s.Close(); err != nil {
		f.Errorf("close: %v", err)
	}
}

// check runs a part of the test that a store may be excepted from.
func (f *fixture) check(name string, do func(*fixture)) {
	f.Helper()
	full := f.test + "/" + name
	f.asked[full] = true
	f.Run(name, func(t *testing.T) {
		if why, ok := f.o.Except[full]; ok {
			t.Skipf("NOT CHECKED, the store is known to differ: %s", why)
		}
		part := *f
		part.T = t
		do(&part)
	})
}

// must ends the test on an error.
func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// wants reports an error that is none of codes.
func (f *fixture) wants(what string, err error, codes ...mapi.Code) {
	f.Helper()
	for _, c := range codes {
		if errors.Is(err, c) {
			return
		}
	}
	f.Errorf("%s: got %v, want an error that is %v", what, err, codes)
}

func (f *fixture) special(r mapi.Role) mapi.Folder {
	f.Helper()
	id, err := f.s.Special(f.ctx, r)
	f.must(err)
	return f.open(id)
}

func (f *fixture) open(id mapi.EntryID) mapi.Folder {
	f.Helper()
	dir, err := f.s.Folder(f.ctx, id)
	f.must(err)
	return dir
}

// folder makes an empty folder to work in.
func (f *fixture) folder() mapi.Folder {
	f.Helper()
	name := "storetest " + strings.ReplaceAll(f.Name(), "/", " ")
	dir, err := f.special(mapi.RoleIPM).CreateFolder(f.ctx, name, props(pid.TagContainerClass, "IPF.Note"))
	f.must(err)
	f.made = append(f.made, dir.ID())
	return dir
}

func (f *fixture) write(dir mapi.Folder, k mapi.Kind, it *mapi.Item) mapi.EntryID {
	f.Helper()
	id, err := mapi.WriteItem(f.ctx, dir, k, it)
	f.must(err)
	return id
}

func (f *fixture) read(dir mapi.Folder, id mapi.EntryID) *mapi.Item {
	f.Helper()
	it, err := mapi.ReadItem(f.ctx, dir, id)
	f.must(err)
	return it
}

// same checks that an item reads as it was written.
func (f *fixture) same(what string, want, got *mapi.Item) {
	f.Helper()
	if f.o.Lossy {
		if w, g := want.Props.Text(pid.TagSubject), got.Props.Text(pid.TagSubject); w != g {
			f.Errorf("%s: subject %q, want %q", what, g, w)
		}
		return
	}
	if f.o.Normalize != nil {
		want = clone(want)
		f.o.Normalize(want)
	}
	d := &differ{ignore: keySet(f.o.Computed), added: keySet(f.o.Added), bits: f.o.ComputedBits}
	d.items("", want, got)
	if len(d.lines) > 0 {
		f.Errorf("%s differs:\n%s", what, d)
	}
}

// roundTrip writes an item and checks that it reads the same.
func (f *fixture) roundTrip(dir mapi.Folder, k mapi.Kind, what string, it *mapi.Item) {
	f.Helper()
	id, err := mapi.WriteItem(f.ctx, dir, k, it)
	if err != nil {
		f.Errorf("%s: write: %v", what, err)
		return
	}
	got, err := mapi.ReadItem(f.ctx, dir, id)
	if err != nil {
		f.Errorf("%s: read: %v", what, err)
		return
	}
	f.same(what, it, got)
}

// rows lists items, which must go well.
func (f *fixture) rows(dir mapi.Folder, q mapi.Query) []mapi.Row {
	f.Helper()
	var rows []mapi.Row
	for r, err := range dir.Rows(f.ctx, q) {
		f.must(err)
		if len(r.Values) != len(q.Columns) {
			f.Fatalf("a row has %d values for %d columns", len(r.Values), len(q.Columns))
		}
		rows = append(rows, r)
	}
	return rows
}

func (f *fixture) count(dir mapi.Folder, k mapi.Kind) int {
	f.Helper()
	return len(f.rows(dir, mapi.Query{Kind: k}))
}

// subjects lists the subjects of items in the order of the query.
func (f *fixture) subjects(dir mapi.Folder, q mapi.Query) []string {
	f.Helper()
	q.Columns = []mapi.Key{mapi.TagKey(pid.TagSubject)}
	var out []string
	for _, r := range f.rows(dir, q) {
		s, _ := r.Values[0].(string)
		out = append(out, s)
	}
	return out
}

func (f *fixture) infos(dir mapi.Folder) map[string]mapi.FolderInfo {
	f.Helper()
	m := map[string]mapi.FolderInfo{}
	for info, err := range dir.Folders(f.ctx) {
		f.must(err)
		if _, ok := m[info.Name]; ok {
			f.Errorf("two folders are called %q", info.Name)
		}
		m[info.Name] = info
	}
	return m
}

// clone is a copy that can be changed; values are shared.
func clone(it *mapi.Item) *mapi.Item {
	c := &mapi.Item{Props: append(mapi.Props(nil), it.Props...)}
	for _, r := range it.Recipients {
		c.Recipients = append(c.Recipients, append(mapi.Props(nil), r...))
	}
	for _, a := range it.Attachments {
		b := &mapi.Attachment{Props: append(mapi.Props(nil), a.Props...)}
		if a.Embedded != nil {
			b.Embedded = clone(a.Embedded)
		}
		c.Attachments = append(c.Attachments, b)
	}
	return c
}

// mail is a small item with a subject.
func mail(subject string, more ...any) *mapi.Item {
	return &mapi.Item{Props: with(props(pid.TagMessageClass, "IPM.Note", pid.TagSubject, subject, pid.TagMessageFlags, int32(1)), more...)}
}
