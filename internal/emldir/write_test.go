package emldir

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func TestWrite(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "new", "mail")
	st, err := Open(dir, Config{Write: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	top, err := st.Folder(ctx, folderID("."))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2019, 5, 2, 12, 0, 0, 0, time.UTC)
	it := &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "Re: a/b"}, {Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
		{Key: mapi.TagKey(pid.TagBody), Value: "Grüße\r\n"}, {Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: mapi.NewFileTime(at)}},
		Attachments: []*mapi.Attachment{{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachMethod), Value: int32(1)}, {Key: mapi.TagKey(pid.TagAttachLongFilename), Value: "big.bin"},
			{Key: mapi.TagKey(pid.TagAttachDataBinary), Value: mapi.MemBlob(strings.Repeat("0123456789", 10_000))}}}}}
	for range 2 { // the second time nothing changes
		f, err := top.CreateFolder(ctx, "Project X/Y", nil)
		if err != nil {
			t.Fatal(err)
		}
		id, err := mapi.WriteItem(ctx, f, mapi.Normal, it)
		if err != nil {
			t.Fatal(err)
		}
		var b mapi.ItemBuilder
		if err := f.Read(ctx, id, &b); err != nil || b.Item.Props.Text(pid.TagSubject) != "Re: a/b" || len(b.Item.Attachments) != 1 {
			t.Errorf("%+v, %v", b.Item.Props, err)
		}
		if _, err := f.Create(ctx, mapi.Associated); !errors.Is(err, mapi.ErrNoSupport) {
			t.Errorf("an associated item: %v", err)
		}
	}
	if _, err := top.CreateFolder(ctx, "Inbox", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := top.CreateFolder(ctx, "Inbox", nil); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("the same folder again: %v", err)
	}
	var files []string
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, filepath.Base(path))
			if info, err := d.Info(); err != nil || !info.ModTime().Equal(at) {
				t.Errorf("%s is of %v, %v", path, info.ModTime(), err)
			}
		}
		return err
	})
	if err != nil || len(files) != 1 || !slices.ContainsFunc(files, func(s string) bool { return strings.HasPrefix(s, "Re_ a_b ") && strings.HasSuffix(s, Ext) }) {
		t.Errorf("files %q, %v", files, err)
	}
	read, err := Open(dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	f, err := read.Folder(ctx, folderID("."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateFolder(ctx, "x", nil); !errors.Is(err, mapi.ErrNoSupport) {
		t.Errorf("writing in a store for reading: %v", err)
	}
}
