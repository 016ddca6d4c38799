package emldir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

func open(t *testing.T, dir string, c Config) *Store {
	t.Helper()
	s, err := Open(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// cut is a message that has lost the end of its attachment.
const cut = "Subject: cut\n" + `Content-Type: multipart/mixed; boundary=b

--b
Content-Type: image/png
Content-Transfer-Encoding: base64

aGVsbG8`

func mail(subject string) string { return "Subject: " + subject + "\n\ntext\n" }

func TestConformance(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"one.eml": mail("one"), "below/two.eml": mail("two"), "below/three.EML": mail("three"),
		"below/deeper/four.eml": mail("four"), "empty/note.txt": "no message"})
	storetest.Run(t, func(t *testing.T) mapi.Store { return open(t, dir, Config{}) }, storetest.Options{ReadOnly: true})
}

// Every directory of samples is a folder in which all files are listed, and read but for those that are known to be damaged.
func TestSamples(t *testing.T) {
	dir := filepath.Join(vectors.Data(t), "eml")
	want, err := filepath.Glob(filepath.Join(dir, "*", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	s := open(t, dir, Config{Damage: func(path string, e *mapi.Error) error {
		if e.Code.Failed() {
			damaged++
		}
		return nil
	}})
	ctx := t.Context()
	root, err := s.Folder(ctx, folderID("."))
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for info, err := range root.Folders(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.Folder(ctx, info.ID)
		if err != nil {
			t.Fatal(err)
		}
		for row, err := range f.Rows(ctx, mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}}) {
			if err != nil {
				t.Fatal(err)
			}
			it, err := mapi.ReadItem(ctx, f, row.ID)
			if err != nil {
				t.Errorf("%s: %v", row.ID, err)
				continue
			}
			if subject, _ := row.Values[0].(string); !strings.HasPrefix(it.Props.Text(pid.TagSubject), subject) {
				t.Errorf("%s: the list has the subject %q", row.ID, subject)
			}
			got++
		}
	}
	if got != len(want) || damaged == 0 {
		t.Errorf("%d items, %d damaged, of %d files", got, damaged, len(want))
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.eml": "Date: 2 Jan 2020 10:00 +0000\n" + mail("older"), "b.eml": "Date: 3 Jan 2020 10:00 +0000\n" + mail("newer"),
		"c.eml": cut, "d.msg": "none", "e.txt": "none"})
	if err := os.Symlink(filepath.Join(dir, "a.eml"), filepath.Join(dir, "link.eml")); err != nil {
		t.Log(err) // not everybody may, on Windows
	}
	s := open(t, dir, Config{})
	f, err := s.Folder(t.Context(), folderID("."))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var ids []mapi.EntryID
	for r, err := range f.Rows(t.Context(), mapi.Query{
		Columns: []mapi.Key{mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagMessageSize), mapi.TagKey(pid.TagHasAttachments)},
		Sort:    []mapi.Sort{{Key: mapi.TagKey(pid.TagClientSubmitTime), Descending: true}},
	}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Values[1].(int32) == 0 {
			t.Error("an item without a size")
		}
		got = append(got, r.Values[0].(string))
		ids = append(ids, r.ID)
	}
	if want := []string{"newer", "older", "cut"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	if _, err := mapi.ReadItem(t.Context(), f, ids[2]); !errors.Is(err, mapi.ErrCorruptData) {
		t.Errorf("a message that was cut short: %v, want %v", err, mapi.ErrCorruptData)
	}
}

// Nothing outside of the directory can be reached.
func TestOutside(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"secret.eml": mail("secret"), "store/a.eml": mail("a")})
	if err := os.Symlink(dir, filepath.Join(dir, "store", "up")); err != nil {
		t.Log(err)
	}
	s := open(t, filepath.Join(dir, "store"), Config{})
	for _, id := range []mapi.EntryID{folderID(".."), folderID("up"), folderID("/"), folderID("a.eml"), itemID("a.eml")} {
		if _, err := s.Folder(t.Context(), id); !errors.Is(err, mapi.ErrNotFound) {
			t.Errorf("folder %q: %v", id, err)
		}
	}
	f, err := s.Folder(t.Context(), folderID("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []mapi.EntryID{itemID("../secret.eml"), itemID("up/secret.eml"), folderID("a.eml"), itemID("."), itemID("none.eml")} {
		if _, err := mapi.ReadItem(t.Context(), f, id); !errors.Is(err, mapi.ErrNotFound) {
			t.Errorf("item %q: %v", id, err)
		}
	}
}

func TestNoDirectory(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none"), Config{})
	if !errors.Is(err, mapi.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
