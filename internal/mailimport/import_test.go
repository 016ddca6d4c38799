package mailimport

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
	"github.com/opencdo/opencdo/msgfile"
)

const mail = "Subject: x\n\ntext\n"

// cut is a message that has lost the end of its attachment.
const cut = "Subject: cut\n" + `Content-Type: multipart/mixed; boundary=b

--b
Content-Type: image/png
Content-Transfer-Encoding: base64

aGVsbG8`

// write makes a tree of files: a text, or an item that becomes a .msg file.
func write(t *testing.T, dir string, files map[string]any) {
	t.Helper()
	for name, v := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		switch v := v.(type) {
		case string:
			_, err = f.WriteString(v)
		case *mapi.Item:
			var m *msgfile.Message
			if m, err = msgfile.Plan(v); err == nil {
				_, err = m.WriteTo(f)
			}
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func object(class string) *mapi.Item {
	return &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: class}, {Key: mapi.TagKey(pid.TagSubject), Value: class},
		{Key: mapi.TagKey(pid.TagEntryId), Value: []byte("elsewhere")}}}
}

func run(t *testing.T, s mapi.Store, o Options, paths ...string) Result {
	t.Helper()
	r, err := Import(t.Context(), s, paths, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tree lists what a folder holds: "path/subject", associated items after a "*".
func tree(t *testing.T, s mapi.Store, id mapi.EntryID, path string) (list []string) {
	t.Helper()
	f, err := s.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		for r, err := range f.Rows(t.Context(), mapi.Query{Kind: k, Columns: []mapi.Key{mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagEntryId)}}) {
			if err != nil {
				t.Fatal(err)
			}
			subject, _ := r.Values[0].(string)
			if string(r.Values[1].([]byte)) == "elsewhere" {
				t.Errorf("%s has the entry id of its old store", subject)
			}
			list = append(list, path+map[mapi.Kind]string{mapi.Associated: "*"}[k]+subject)
		}
	}
	for info, err := range f.Folders(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, tree(t, s, info.ID, path+info.Name+"("+info.Class+")/")...)
	}
	return list
}

func special(t *testing.T, s mapi.Store, r mapi.Role) mapi.EntryID {
	t.Helper()
	id, err := s.Special(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]any{
		"a.eml": mail, "B.EML": mail, "note.txt": "no mail", ".hidden/c.eml": mail, "sub/deeper/d.eml": mail, "Sub2/e.msg": object("IPM.Note.Custom"),
		"meeting.MSG": object("IPM.Appointment"), "request.msg": object("IPM.Schedule.Meeting.Request"), "sub/friend.msg": object("ipm.contact"),
		"list.msg": object("IPM.DistList"), "task.msg": object("IPM.Task.Mine"), "taskrequest.msg": object("IPM.TaskRequest"),
		"note.msg": object("IPM.StickyNote"), "call.msg": object("IPM.Activity"), "sub/conf.msg": object("IPM.Configuration.Calendar"),
	})
	s := memstore.New(memstore.Config{})
	r := run(t, s, Options{}, dir)
	if r.Imported != 13 || len(r.Failed) != 0 || r.Warnings != nil {
		t.Errorf("%+v", r)
	}
	for role, want := range map[mapi.Role][]string{
		mapi.RoleInbox: {"x", "x", "IPM.Schedule.Meeting.Request", "IPM.TaskRequest", "*IPM.Configuration.Calendar",
			"Sub2(IPF.Note)/IPM.Note.Custom", "sub(IPF.Note)/deeper(IPF.Note)/x"},
		mapi.RoleCalendar: {"IPM.Appointment"}, mapi.RoleContacts: {"IPM.DistList", "sub(IPF.Contact)/ipm.contact"},
		mapi.RoleTasks: {"IPM.Task.Mine"}, mapi.RoleNotes: {"IPM.StickyNote"}, mapi.RoleJournal: {"IPM.Activity"},
	} {
		if got := tree(t, s, special(t, s, role), ""); !slices.Equal(got, want) {
			t.Errorf("%s holds\n%q, want\n%q", role, got, want)
		}
	}

	// A second time, and into another folder: folders are found again, items are new ones.
	r = run(t, s, Options{Role: mapi.RoleDrafts}, dir, filepath.Join(dir, "a.eml"))
	want := []string{"x", "IPM.Schedule.Meeting.Request", "IPM.TaskRequest", "x", "x", "*IPM.Configuration.Calendar",
		"Sub2(IPF.Note)/IPM.Note.Custom", "sub(IPF.Note)/deeper(IPF.Note)/x"}
	got := tree(t, s, special(t, s, mapi.RoleDrafts), "")
	slices.Sort(got)
	slices.Sort(want)
	if r.Imported != 14 || !slices.Equal(got, want) {
		t.Errorf("%d imported: %q", r.Imported, got)
	}
	if got := tree(t, s, special(t, s, mapi.RoleContacts), ""); len(got) != 4 {
		t.Errorf("contacts are %q", got)
	}
	r = run(t, s, Options{Folder: special(t, s, mapi.RoleSent)}, filepath.Join(dir, "a.eml"))
	if got := tree(t, s, special(t, s, mapi.RoleSent), ""); r.Imported != 1 || !slices.Equal(got, []string{"x"}) {
		t.Errorf("sent items are %q", got)
	}
}

// Every file is either imported or in the list of those that failed, with a reason.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	unfinished := "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n"
	write(t, dir, map[string]any{"cut.eml": cut, "bad.msg": "no compound file", "empty.msg": "", "good.eml": mail, "text.txt": "", "unfinished.eml": unfinished})
	s := memstore.New(memstore.Config{})
	paths := []string{dir, filepath.Join(dir, "text.txt"), filepath.Join(dir, "missing.eml")}
	var seen []string
	r := run(t, s, Options{Progress: func(p Progress) {
		seen = append(seen, filepath.Base(p.File))
		if p.Done != len(seen) || p.Total != 5 {
			t.Errorf("progress is %+v", p)
		}
	}}, paths...)
	if r.Imported != 2 || len(seen) != 5 {
		t.Errorf("%d imported, progress %q", r.Imported, seen)
	}
	var failed []string
	for _, f := range r.Failed {
		failed = append(failed, filepath.Base(f.File))
		if f.Reason == "" {
			t.Errorf("%s has no reason", f.File)
		}
	}
	slices.Sort(failed)
	if want := []string{"bad.msg", "cut.eml", "empty.msg", "missing.eml", "text.txt"}; !slices.Equal(failed, want) {
		t.Errorf("failed are %q, want %q", failed, want)
	}
	if len(r.Warnings) != 1 || filepath.Base(r.Warnings[0].File) != "unfinished.eml" {
		t.Errorf("warnings are %+v", r.Warnings)
	}
	b, err := json.Marshal(r)
	if err != nil || !strings.HasPrefix(string(b), `{"imported":2,"failed":[{"file":`) {
		t.Errorf("%s %v", b, err)
	}
	r = run(t, s, Options{KeepDamaged: true}, filepath.Join(dir, "cut.eml"))
	if r.Imported != 1 || len(r.Failed) != 0 || len(r.Warnings) != 2 {
		t.Errorf("damaged, kept: %+v", r)
	}
	b, err = json.Marshal(run(t, s, Options{}))
	if err != nil || string(b) != `{"imported":0,"failed":[]}` {
		t.Errorf("nothing to import: %s %v", b, err)
	}
}

func TestEndsEarly(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]any{"a.eml": mail, "b.eml": mail})
	s := memstore.New(memstore.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Import(ctx, s, []string{dir}, Options{Progress: func(Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) || r.Imported != 1 {
		t.Errorf("cancelled: %+v %v", r, err)
	}
	if _, err := Import(t.Context(), s, []string{dir}, Options{Role: "nowhere"}); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("no such folder: %v", err)
	}
}

// All samples: what isn't imported is known to be damaged.
func TestSamples(t *testing.T) {
	data := vectors.Data(t)
	damaged := map[string]bool{
		"msg_15.txt.eml": true, "very-very-long-boundary.msg.eml": true, "testEML_embedded_xhtml_and_img.eml": true,
		"clusterfuzz-testcase-minimized-POIHSMFFuzzer-5336473854148608.msg": true,
	}
	for _, dir := range []string{"eml", "msg"} {
		t.Run(dir, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(data, dir, "*", "*."+dir))
			if err != nil || len(files) == 0 {
				t.Fatal("no samples", err)
			}
			s := memstore.New(memstore.Config{})
			r := run(t, s, Options{}, filepath.Join(data, dir))
			if r.Imported+len(r.Failed) != len(files) {
				t.Errorf("%d imported, %d failed, of %d files", r.Imported, len(r.Failed), len(files))
			}
			for _, f := range r.Failed {
				if !damaged[filepath.Base(f.File)] {
					t.Errorf("%s: %s", f.File, f.Reason)
				}
			}
			if n := len(tree(t, s, special(t, s, mapi.RoleRoot), "")); n != r.Imported {
				t.Errorf("%d items in the store, %d imported", n, r.Imported)
			}
		})
	}
}

// A .msg file is imported property by property, 8-bit strings as they are.
func TestExact(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors.Data(t), "msg", "*", "*.msg"))
	if err != nil {
		t.Fatal(err)
	}
	var ignore []mapi.Key
	for id := range own {
		ignore = append(ignore, mapi.TagKey(mapi.NewTag(id, mapi.TypeUnspecified)))
	}
	for _, name := range files {
		s := memstore.New(memstore.Config{})
		if r := run(t, s, Options{}, name); r.Imported != 1 {
			continue // TestSamples tells
		}
		f, err := msgfile.Options{Report: func(*mapi.Error) {}}.OpenFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got := only(t, s, special(t, s, mapi.RoleRoot))
		if d := storetest.DiffItems(&f.Item, got, ignore...); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
		f.Close()
	}
}

// only finds the one item of a store.
func only(t *testing.T, s mapi.Store, id mapi.EntryID) *mapi.Item {
	t.Helper()
	f, err := s.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		for r, err := range f.Rows(t.Context(), mapi.Query{Kind: k}) {
			if err != nil {
				t.Fatal(err)
			}
			it, err := mapi.ReadItem(t.Context(), f, r.ID)
			if err != nil {
				t.Fatal(err)
			}
			return it
		}
	}
	for info, err := range f.Folders(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if it := only(t, s, info.ID); it != nil {
			return it
		}
	}
	return nil
}
