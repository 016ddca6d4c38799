package exchange_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// TestInteropIncrementalBackup follows a mailbox of a real server through changes. Each snapshot must be the one that a full
// backup makes.
func TestInteropIncrementalBackup(t *testing.T) {
	var requests atomic.Int64
	st := exchange.OpenPeer(t, "", func(c *exchange.Config) {
		authorize := c.Authorize
		c.Authorize = func(r *http.Request) error {
			requests.Add(1)
			return authorize(r)
		}
	})
	ctx := t.Context()
	place := filepath.Join(t.TempDir(), "repo")
	const secret = "correct horse"
	if _, err := restic.Create(ctx, restic.NewLocal(place), secret, &restic.Config{KDF: restic.KDF{N: 2, R: 1, P: 1}}); err != nil {
		t.Fatal(err)
	}
	repo, err := backup.Open(ctx, place, backup.FixedPassword(secret))
	if err != nil {
		t.Fatal(err)
	}
	run := func(what string, full bool) *backup.Report {
		t.Helper()
		requests.Store(0)
		r, err := backup.Run(ctx, st, repo, backup.Options{Mailbox: "peer", Full: full})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Problems {
			t.Errorf("%s: %v", what, p)
		}
		t.Logf("%s: %d items read, %d not; %d requests", what, r.Copied, r.Skipped, requests.Load())
		return r
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id, err := st.Special(ctx, mapi.RoleIPM)
	must(err)
	top, err := st.Folder(ctx, id)
	must(err)
	note := func(subject string, body int) *mapi.Item {
		return &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}, {Key: mapi.TagKey(pid.TagSubject), Value: subject},
			{Key: mapi.TagKey(pid.TagBody), Value: strings.Repeat("text ", body/5)}}}
	}
	clearLeftovers(t, "storetest backup")
	dir, err := top.CreateFolder(ctx, "storetest backup", nil)
	must(err)
	defer top.DeleteFolder(context.WithoutCancel(ctx), dir.ID())
	below, err := dir.CreateFolder(ctx, "below", nil)
	must(err)
	var ids []mapi.EntryID
	for range 5 {
		for _, f := range []mapi.Folder{dir, below} {
			id, err := mapi.WriteItem(ctx, f, mapi.Normal, note("an item", 20_000))
			must(err)
			ids = append(ids, id)
		}
	}
	run("first", false)
	for _, c := range []struct {
		what   string
		change func()
		reads  int
	}{
		{"nothing changed", func() {}, 0},
		{"an item changed", func() {
			must(dir.Update(ctx, ids[0], mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "another"}}, nil))
		}, 1},
		{"items deleted", func() {
			must(dir.Delete(ctx, ids[2:3], true))
			must(below.Delete(ctx, ids[3:4], false))
		}, 0},
		{"an item marked as unread", func() {
			exchange.MarkItems(t, st, dir.ID(), false, ids[4])
		}, 1},
		{"items moved", func() { exchange.MoveItems(t, st, dir.ID(), below.ID(), ids[4], ids[6]) }, 2},
		{"a new item, a view", func() {
			for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
				_, err := mapi.WriteItem(ctx, dir, k, note("new", 100))
				must(err)
			}
		}, 2},
		{"a folder renamed", func() {
			must(below.SetProps(ctx, mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: "renamed"}}, nil))
		}, 0},
		{"a folder deleted", func() { must(dir.DeleteFolder(ctx, below.ID())) }, 0},
	} {
		c.change()
		r := run(c.what, false)
		for _, f := range r.Folders {
			if f.Way != backup.WayChanges {
				t.Errorf("%s: %s: %s, because %s", c.what, f.Path, f.Way, f.Why)
			}
		}
		if r.Copied != c.reads {
			t.Errorf("%s: %d items read, want %d", c.what, r.Copied, c.reads)
		}
		if whole := run(c.what+", all", true); whole.Snapshot.Tree != r.Snapshot.Tree {
			t.Errorf("%s: the tree is %s, of a full backup %s", c.what, r.Snapshot.Tree, whole.Snapshot.Tree)
		}
	}
}
