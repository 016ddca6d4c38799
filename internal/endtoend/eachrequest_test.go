package endtoend

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// TestEachRequestLost restores a folder again and again, and each time another request goes wrong, from the first to the
// last. The restore must complete, with the proof, and have everything once.
func TestEachRequestLost(t *testing.T) {
	t.Parallel()
	content := newLocal()
	inbox := folder(t, content, mapi.RoleInbox)
	n := 0
	for i := range 6 {
		it := mail(fmt.Sprint("message ", i))
		// Some buffers hold the end of an item and the beginning of the next one.
		it.Props = append(it.Props, prop(pid.TagSearchKey, random(fmt.Sprint("key ", i), 16)), prop(pid.TagBody, strings.Repeat(fmt.Sprint(i), 6000)))
		for range 1 + i%2 { // genuine copies
			write(t, inbox, mapi.Normal, it)
			n++
		}
	}
	write(t, inbox, mapi.Associated, mail("settings"))
	n++
	repo := newRepo(t)
	backUp(t, content, repo)
	snap := openSnapshot(t, repo, "latest")
	srv := exchangetest.New(t, exchangetest.Options{})
	w := &wire{}
	bob := openBy(t, srv, "bob", w)
	cut := errors.New("cut by the test")
	step := int64(1)
	if testing.Short() {
		step = 7
	}
	for name, fault := range map[string]func(at int64){
		"the answer":     func(at int64) { w.after = func(n int64) error { return failAt(n, at, cut) } },
		"the connection": func(at int64) { w.before = func(n int64) error { return failAt(n, at, cut) } },
		"the session": func(at int64) {
			w.before = func(n int64) error {
				if n == at {
					srv.Faults.LoseSessions(1)
				}
				return nil
			}
		},
	} {
		for at := int64(1); ; at += step {
			clear(t, folder(t, bob, mapi.RoleInbox))
			w.n.Store(0)
			fault(at)
			r, err := backup.Restore(t.Context(), snap, "Inbox", bob, backup.RestoreOptions{Backoff: time.Microsecond})
			w.before, w.after = nil, nil
			srv.Faults.LoseSessions(0)
			if err != nil || r.Failed > 0 || len(r.Problems) > 0 || r.Compared != n || r.DifferenceCount > 0 {
				t.Fatalf("%s of request %d gets lost: %d of %d copied, %d compared, problems %v, differences %+v, %v", name, at, r.Copied, n, r.Compared, r.Problems, r.Differences, err)
			}
			if got := count(t, folder(t, bob, mapi.RoleInbox)); got != n {
				t.Fatalf("%s of request %d gets lost: %d items are there, want %d", name, at, got, n)
			}
			if w.n.Load() < at {
				t.Logf("%s gets lost at each of %d requests", name, at-1)
				break
			}
		}
	}
}

func failAt(n, at int64, err error) error {
	if n == at {
		return err
	}
	return nil
}

var bothLists = []mapi.Kind{mapi.Normal, mapi.Associated}

func clear(t *testing.T, f mapi.Folder) {
	t.Helper()
	var ids []mapi.EntryID
	for _, k := range bothLists {
		for row, err := range f.Rows(t.Context(), mapi.Query{Kind: k}) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, row.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	if err := f.Delete(t.Context(), ids, true); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, f mapi.Folder) (n int) {
	t.Helper()
	for _, k := range bothLists {
		for _, err := range f.Rows(t.Context(), mapi.Query{Kind: k}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	return n
}
