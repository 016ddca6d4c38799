package endtoend

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/mailimport"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// TestFilesCutShort imports files of which the end is missing, from any byte on. Each is either imported whole or named, and
// nothing of it is in the store then.
func TestFilesCutShort(t *testing.T) {
	t.Parallel()
	const most = 7000 // bytes: small files, with all kinds of streams in them
	n := 0
	for _, file := range vectors.MsgFiles(t) {
		b, err := os.ReadFile(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > most {
			continue
		}
		n++
		t.Run(file.Name, func(t *testing.T) {
			m, err := msgfile.OpenFile(file.Path)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			whole := digestOf(t, m.Item.WriteTo)
			dir := t.TempDir()
			for size := range b {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.msg", size)), b[:size], 0o600); err != nil {
					t.Fatal(err)
				}
			}
			store := newLocal()
			r, err := mailimport.Import(t.Context(), store, []string{dir}, mailimport.Options{})
			if err != nil || r.Imported+len(r.Failed) != len(b) || len(r.Warnings) > 0 {
				t.Fatalf("%d imported and %d failed of %d files, warnings %v, %v", r.Imported, len(r.Failed), len(b), r.Warnings, err)
			}
			failed := map[string]bool{}
			for _, f := range r.Failed {
				if failed[f.File] || filepath.Dir(f.File) != dir || f.Reason == "" {
					t.Errorf("a failure: %+v", f)
				}
				failed[f.File] = true
			}
			there := 0
			for it := range items(t, store, folder(t, store, mapi.RoleRoot)) {
				there++
				if digestOf(t, it.WriteTo) != whole {
					t.Error("an item was imported in part")
				}
			}
			if there != r.Imported {
				t.Errorf("%d items are there, %d were imported", there, r.Imported)
			}
			t.Logf("cut at %d places, %d of them behind all that counts", len(b), r.Imported)
		})
	}
	if n < 4 {
		t.Errorf("only %d files are small enough", n)
	}
}

// TestLargeFilesCutShort imports a file with attachments, cut here and there, into a mailbox over the network: what is missing
// is found out when a part of the item is on the server already.
func TestLargeFilesCutShort(t *testing.T) {
	t.Parallel()
	srv := exchangetest.New(t, exchangetest.Options{})
	bob := open(t, srv, "bob")
	dir, n := t.TempDir(), 0
	for _, file := range vectors.MsgFiles(t) {
		b, err := os.ReadFile(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < 200_000 || len(b) > 1_000_000 {
			continue
		}
		for i := range 5 {
			n++
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.msg", n)), b[:len(b)*(2*i+1)/10], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := mailimport.Import(t.Context(), bob, []string{dir}, mailimport.Options{})
	if err != nil || n < 20 || r.Imported > 0 || len(r.Failed) != n {
		t.Errorf("%d imported and %d failed of %d files, %v", r.Imported, len(r.Failed), n, err)
	}
	for it := range items(t, bob, folder(t, bob, mapi.RoleRoot)) {
		t.Errorf("%q was imported in part", it.Props.Text(pid.TagSubject))
	}
}
