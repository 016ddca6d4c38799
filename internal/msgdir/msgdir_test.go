package msgdir_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/opencdo/opencdo/internal/msgdir"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
	"github.com/opencdo/opencdo/msgfile"
)

var ctx = context.Background()

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// root opens the root folder.
func root(t testing.TB, s *msgdir.Store) mapi.Folder {
	t.Helper()
	return must(s.Folder(ctx, must(s.Special(ctx, mapi.RoleRoot))(t)))(t)
}

func mail(subject string, times ...mapi.FileTime) *mapi.Item {
	it := &mapi.Item{Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
		{Key: mapi.TagKey(pid.TagSubject), Value: subject},
	}}
	for i, at := range times {
		tag := []mapi.Tag{pid.TagMessageDeliveryTime, pid.TagClientSubmitTime, pid.TagCreationTime}[i]
		it.Props = append(it.Props, mapi.Prop{Key: mapi.TagKey(tag), Value: at})
	}
	return it
}

// tree lists the files below a directory.
func tree(t testing.TB, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFileNames(t *testing.T) {
	at := mapi.NewFileTime(time.Date(2024, 3, 14, 9, 26, 53, 0, time.UTC))
	later := mapi.NewFileTime(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
	narrow := &mapi.Item{Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagSubject.WithType(mapi.TypeString8)), Value: mapi.String8("\xCF\xF0\xE8\xE2\xE5\xF2")},
		{Key: mapi.TagKey(pid.TagMessageCodepage), Value: int32(1251)},
	}}
	for _, c := range []struct {
		item *mapi.Item
		want string
	}{
		{mail("Hello", at, later), "2024-03-14 0926 Hello.msg"},
		{mail("hello", 0, later), "2025-01-01 0000 hello.msg"},
		{mail("Re: a/b\\c*?\"<>|\x01 end. ", at), "2024-03-14 0926 Re_ a_b_c_______ end.msg"},
		{mail("", at), "2024-03-14 0926 no subject.msg"},
		{mail("..."), "no subject.msg"},
		{mail("con"), "_con.msg"},
		{mail("Com1.txt"), "_Com1.txt.msg"},
		{mail(".hidden"), "hidden.msg"},
		{mail("Ünïcødé 数字 🏷", at), "2024-03-14 0926 Ünïcødé 数字 🏷.msg"},
		{mail("broken \xFF \xED\xA0\x80"), "broken _ ___.msg"},
		{mail("distant", 1<<62), "distant.msg"},
		{narrow, "Привет.msg"},
	} {
		dir := t.TempDir()
		s := open(t, dir, msgdir.Config{})
		id := must(mapi.WriteItem(ctx, root(t, s), mapi.Normal, c.item))(t)
		if got := tree(t, dir); !slices.ContainsFunc(got, func(n string) bool { return n == c.want }) || string(id) != "/"+c.want {
			t.Errorf("%q is stored as %q with id %q, want %q", c.item.Props.Text(pid.TagSubject), got, id, c.want)
		}
		s.Close()
	}

	dir := t.TempDir()
	s := open(t, dir, msgdir.Config{})
	defer s.Close()
	for range 3 {
		must(mapi.WriteItem(ctx, root(t, s), mapi.Normal, mail("Hello", at)))(t)
		must(mapi.WriteItem(ctx, root(t, s), mapi.Normal, mail(strings.Repeat("数字", 200), at)))(t)
	}
	must(root(t, s).CreateFolder(ctx, strings.Repeat("数字", 200), nil))(t)
	must(root(t, s).CreateFolder(ctx, "aux", nil))(t)
	names := tree(t, dir)
	for _, want := range []string{"2024-03-14 0926 Hello.msg", "2024-03-14 0926 Hello (2).msg", "2024-03-14 0926 Hello (3).msg", "_aux/.folder.json"} {
		if !slices.Contains(names, want) {
			t.Errorf("%q is not among %q", want, names)
		}
	}
	for _, n := range names {
		for _, part := range strings.Split(n, "/") {
			if len(part)+len(msgfile.SidecarExt) > 120 || !utf8.ValidString(part) {
				t.Errorf("%q has %d bytes", part, len(part))
			}
		}
	}
}

// restricted is an item that needs a sidecar.
func restricted(subject string) *mapi.Item {
	it := mail(subject)
	it.Props = append(it.Props, mapi.Prop{Key: mapi.TagKey(0x6A0000FD), Value: mapi.Opaque("restriction")})
	return it
}

func TestSidecarsComeAndGo(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, msgdir.Config{})
	defer s.Close()
	f := root(t, s)
	id := must(mapi.WriteItem(ctx, f, mapi.Normal, restricted("x")))(t)
	check := func(what string, item *mapi.Item, want ...string) {
		t.Helper()
		if got := tree(t, dir); !slices.Equal(got, want) {
			t.Errorf("%s: files %q, want %q", what, got, want)
		}
		if item != nil {
			if d := storetest.DiffItems(item, must(mapi.ReadItem(ctx, f, id))(t)); d != "" {
				t.Errorf("%s: %s", what, d)
			}
		}
	}
	check("new", restricted("x"), "x.msg", "x.msg.sidecar")
	replace := func(it *mapi.Item) {
		t.Helper()
		w := must(f.Replace(ctx, id))(t)
		defer w.Close()
		if err := it.WriteTo(w); err != nil {
			t.Fatal(err)
		}
		must(w.Commit(ctx))(t)
	}
	replace(mail("y"))
	check("replaced", mail("y"), "x.msg")
	replace(restricted("z"))
	check("replaced again", restricted("z"), "x.msg", "x.msg.sidecar")
	if err := f.Update(ctx, id, nil, []mapi.Key{mapi.TagKey(0x6A0000FD)}); err != nil {
		t.Fatal(err)
	}
	check("changed", mail("z"), "x.msg")
	replace(restricted("z"))
	if err := f.Delete(ctx, []mapi.EntryID{id}, true); err != nil {
		t.Fatal(err)
	}
	check("deleted", nil)
}

func TestRoles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, msgdir.Config{})
	top := root(t, s).ID()
	if id := must(s.Special(ctx, mapi.RoleIPM))(t); id != top {
		t.Errorf("the visible root is %q", id)
	}
	in := must(root(t, s).CreateFolder(ctx, "Posteingang", nil))(t)
	deep := must(in.CreateFolder(ctx, "deep", nil))(t)
	if err := s.SetRole(ctx, in.ID(), mapi.RoleInbox); err != nil {
		t.Fatal(err)
	}
	if err := s.SetRole(ctx, deep.ID(), mapi.RoleCalendar); err != nil {
		t.Fatal(err)
	}
	if err := s.SetRole(ctx, "/nowhere", mapi.RoleSent); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("a role for a folder that isn't there: %v", err)
	}
	check := func(when string, want map[mapi.Role]mapi.EntryID) {
		t.Helper()
		for r, id := range want {
			if got, err := s.Special(ctx, r); got != id || (err != nil) != (id == "") {
				t.Errorf("%s: %s is %q (%v), want %q", when, r, got, err, id)
			}
		}
	}
	check("at first", map[mapi.Role]mapi.EntryID{mapi.RoleInbox: in.ID(), mapi.RoleCalendar: deep.ID(), mapi.RoleSent: ""})
	if err := root(t, s).DeleteFolder(ctx, in.ID()); !errors.Is(err, mapi.ErrNoAccess) {
		t.Errorf("delete the inbox: %v", err)
	}
	s.Close()
	s = open(t, dir, msgdir.Config{})
	check("opened again", map[mapi.Role]mapi.EntryID{mapi.RoleInbox: in.ID(), mapi.RoleCalendar: deep.ID(), mapi.RoleSent: ""})
	if err := s.SetRole(ctx, deep.ID(), mapi.RoleInbox); err != nil {
		t.Fatal(err)
	}
	check("moved", map[mapi.Role]mapi.EntryID{mapi.RoleInbox: deep.ID(), mapi.RoleCalendar: deep.ID()})
	if err := root(t, s).DeleteFolder(ctx, in.ID()); err != nil {
		t.Error(err)
	}
	check("deleted", map[mapi.Role]mapi.EntryID{mapi.RoleInbox: "", mapi.RoleCalendar: ""})
	s.Close()
}

func save(t testing.TB, name string, it *mapi.Item) {
	t.Helper()
	m := must(msgfile.Plan(it))(t)
	f := must(os.Create(name))(t)
	defer f.Close()
	if _, err := m.WriteTo(f); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// subjects lists the items of a folder.
func subjects(t testing.TB, f mapi.Folder, k mapi.Kind) (out []string) {
	t.Helper()
	for row, err := range f.Rows(ctx, mapi.Query{Kind: k, Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(row.Values[0]))
	}
	return out
}

func folders(t testing.TB, f mapi.Folder) (out []string) {
	t.Helper()
	for info, err := range f.Folders(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s (%d)", info.Name, info.Items))
	}
	return out
}

// TestAnyDirectory reads a tree that nobody made for this.
func TestAnyDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Projects", "notes.txt"), "not an item")
	write(t, filepath.Join(dir, "Projects", ".git", "x.msg"), "nor this")
	write(t, filepath.Join(dir, "Projects", "empty.msg"), "")
	write(t, filepath.Join(dir, "Projects", "broken.msg"), "not what it says")
	save(t, filepath.Join(dir, "Projects", "A.MSG"), mail("capital"))
	save(t, filepath.Join(dir, "b.msg"), mail("top"))
	write(t, filepath.Join(dir, "Mails.msg", "bad json", ".folder.json"), "{")
	if err := os.Symlink(dir, filepath.Join(dir, "loop")); err != nil {
		t.Log(err)
	}
	if err := os.Symlink(filepath.Join(dir, "b.msg"), filepath.Join(dir, "link.msg")); err != nil {
		t.Log(err)
	}
	before := tree(t, dir)
	var reported []string
	s := open(t, dir, msgdir.Config{ReadOnly: true, Report: func(file string, _ *mapi.Error) { reported = append(reported, file) }})
	defer s.Close()
	if got := subjects(t, root(t, s), mapi.Normal); !slices.Equal(got, []string{"top"}) {
		t.Errorf("items of the root: %q", got)
	}
	if got := folders(t, root(t, s)); !slices.Equal(got, []string{"Mails.msg (0)", "Projects (2)"}) {
		t.Errorf("folders: %q", got)
	}
	f := must(s.Folder(ctx, "/Projects"))(t)
	if got := subjects(t, f, mapi.Normal); !slices.Equal(got, []string{"capital", "<nil>"}) {
		t.Errorf("items: %q", got)
	}
	if _, err := mapi.ReadItem(ctx, f, "/Projects/broken.msg"); !errors.Is(err, mapi.ErrCorruptData) {
		t.Errorf("read what is no .msg file: %v", err)
	}
	if got := folders(t, must(s.Folder(ctx, "/Mails.msg"))(t)); !slices.Equal(got, []string{"bad json (0)"}) {
		t.Errorf("folders: %q", got)
	}
	for _, id := range []mapi.EntryID{"/..", "/../x", "Projects", "/Projects/", "//Projects", "/Projects/.git", "/loop", "/Projects/notes.txt", "/b.msg", "/./Projects"} {
		if _, err := s.Folder(ctx, id); !errors.Is(err, mapi.ErrNotFound) {
			t.Errorf("folder %q: %v", id, err)
		}
	}
	for _, id := range []mapi.EntryID{"/../b.msg", "b.msg", "/Projects/A.MSG", "/link.msg", "/Projects/.git/x.msg", "/Mails.msg", "/none.msg"} {
		if _, err := mapi.ReadItem(ctx, root(t, s), id); !errors.Is(err, mapi.ErrNotFound) {
			t.Errorf("item %q of the root: %v", id, err)
		}
	}
	if got := tree(t, dir); !slices.Equal(got, before) {
		t.Errorf("reading left %q", got)
	}
	if len(reported) > 0 {
		t.Errorf("reported %q", reported)
	}
}

// TestDamage reads what is left of a file if somebody wants to know of the rest, and not at all if nobody does.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "cut.msg")
	it := mail("cut")
	it.Attachments = []*mapi.Attachment{{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachDataBinary), Value: make([]byte, 10_000)}}}}
	save(t, name, it)
	if err := os.Truncate(name, must(os.Stat(name))(t).Size()-5000); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, msgdir.Config{})
	if _, err := mapi.ReadItem(ctx, root(t, s), "/cut.msg"); !errors.Is(err, mapi.ErrCorruptData) {
		t.Errorf("strict: %v", err)
	}
	if err := root(t, s).Update(ctx, "/cut.msg", mail("x").Props, nil); !errors.Is(err, mapi.ErrCorruptData) {
		t.Errorf("a change of what is damaged: %v", err)
	}
	if got := subjects(t, root(t, s), mapi.Normal); !slices.Equal(got, []string{"cut"}) {
		t.Errorf("listed as %q", got)
	}
	s.Close()
	var reported []string
	s = open(t, dir, msgdir.Config{Report: func(file string, e *mapi.Error) { reported = append(reported, file+": "+e.Object) }})
	defer s.Close()
	got, err := mapi.ReadItem(ctx, root(t, s), "/cut.msg")
	if err != nil || got.Props.Text(pid.TagSubject) != "cut" || len(got.Attachments) != 1 {
		t.Errorf("tolerant: %v", err)
	}
	if want := name + ": __attach_version1.0_#00000000/__substg1.0_37010102"; !slices.Equal(reported, []string{want}) {
		t.Errorf("reported %q, want %q", reported, want)
	}
}

// TestFolderNames keeps names that no directory can have, until somebody gives the directory another.
func TestFolderNames(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, msgdir.Config{})
	f := must(root(t, s).CreateFolder(ctx, "In/Out: all?", mapi.Props{{Key: mapi.TagKey(pid.TagContainerClass), Value: "IPF.Note"}}))(t)
	if f.ID() != "/In_Out_ all_" {
		t.Errorf("the directory is %q", f.ID())
	}
	set := mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: "Renamed"}}
	if err := f.SetProps(ctx, set, nil); err != nil {
		t.Fatal(err)
	}
	if got := folders(t, root(t, s)); !slices.Equal(got, []string{"Renamed (0)"}) {
		t.Errorf("folders %q", got)
	}
	s.Close()
	if err := os.Rename(filepath.Join(dir, "In_Out_ all_"), filepath.Join(dir, "By hand")); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, msgdir.Config{})
	defer s.Close()
	for info := range root(t, s).Folders(ctx) {
		if info.Name != "By hand" || info.Class != "IPF.Note" {
			t.Errorf("listed as %+v", info)
		}
	}
}

// TestRestoredSnapshot reads what stock restic restores of a backup: its directories of a month are no folders.
func TestRestoredSnapshot(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".store.json"), `{"format":1}`)
	write(t, filepath.Join(dir, ".folder.json"), `{"format":1,"name":"","kind":"normal","roles":["root"]}`)
	write(t, filepath.Join(dir, "Top", ".folder.json"), `{"format":1,"name":"Top of Information Store","kind":"normal","roles":["ipm"]}`)
	write(t, filepath.Join(dir, "Top", "Inbox~1234abcd", ".folder.json"), `{"format":1,"name":"In:box","kind":"normal","roles":["inbox"]}`)
	inbox := filepath.Join(dir, "Top", "Inbox~1234abcd")
	for _, d := range []string{"2024-01", "2024-02/3", ".associated/undated"} {
		write(t, filepath.Join(inbox, d, ".catalog"), "binary")
		save(t, filepath.Join(inbox, d, "x 0123456789ab.msg"), mail(d))
	}
	save(t, filepath.Join(inbox, ".folder.msg"), mail("ignored"))
	s := open(t, dir, msgdir.Config{ReadOnly: true})
	defer s.Close()
	id := must(s.Special(ctx, mapi.RoleInbox))(t)
	f := must(s.Folder(ctx, id))(t)
	if got := subjects(t, f, mapi.Normal); !slices.Equal(got, []string{"2024-01", "2024-02/3"}) {
		t.Errorf("items %q", got)
	}
	if got := subjects(t, f, mapi.Associated); !slices.Equal(got, []string{".associated/undated"}) {
		t.Errorf("associated items %q", got)
	}
	for row := range f.Rows(ctx, mapi.Query{}) {
		must(mapi.ReadItem(ctx, f, row.ID))(t)
	}
	top := must(s.Folder(ctx, must(s.Special(ctx, mapi.RoleIPM))(t)))(t)
	if got := folders(t, top); !slices.Equal(got, []string{"In:box (2)"}) || f.Parent() != top.ID() {
		t.Errorf("folders %q of %q", got, top.ID())
	}
	if got := folders(t, f); len(got) > 0 {
		t.Errorf("folders below the inbox: %q", got)
	}
}

func TestOpening(t *testing.T) {
	dir := t.TempDir()
	if _, err := msgdir.Open(ctx, filepath.Join(dir, "none"), msgdir.Config{ReadOnly: true}); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("nothing, to read: %v", err)
	}
	if _, err := msgdir.Open(ctx, filepath.Join(dir, "none", "deeper"), msgdir.Config{}); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("nothing in nothing: %v", err)
	}
	write(t, filepath.Join(dir, "file"), "x")
	if _, err := msgdir.Open(ctx, filepath.Join(dir, "file"), msgdir.Config{}); err == nil {
		t.Error("a file was opened as a store")
	}
	s := open(t, filepath.Join(dir, "new"), msgdir.Config{})
	s.Close()
	if _, err := s.Folder(ctx, "/"); !errors.Is(err, mapi.ErrInvalidObject) {
		t.Errorf("a closed store: %v", err)
	}
}

func BenchmarkCreate(b *testing.B) {
	s := open(b, b.TempDir(), msgdir.Config{})
	defer s.Close()
	f := root(b, s)
	for b.Loop() {
		must(mapi.WriteItem(ctx, f, mapi.Normal, mail("benchmark")))(b)
	}
}

func BenchmarkRows(b *testing.B) {
	s := open(b, b.TempDir(), msgdir.Config{})
	defer s.Close()
	f := root(b, s)
	for i := range 500 {
		must(mapi.WriteItem(ctx, f, mapi.Normal, mail(fmt.Sprint(i))))(b)
	}
	b.Run("subjects", func(b *testing.B) {
		for b.Loop() {
			subjects(b, f, mapi.Normal)
		}
	})
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			must(f.Props(ctx))(b)
		}
	})
}
