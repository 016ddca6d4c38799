package exchange_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

const conversationFolder = "Recorded – aufgezeichnet"

// conversation does what programs do with a mailbox, in the same order each time, in one session for reading and one for
// writing. It was held with a real server and recorded; see TestRecorded.
func conversation(t *testing.T, st *exchange.Store) {
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	props, err := st.Props(ctx)
	must(err)
	if len(props) == 0 {
		t.Error("the mailbox has no properties")
	}
	top, err := st.Special(ctx, mapi.RoleIPM)
	must(err)
	for _, r := range []mapi.Role{mapi.RoleInbox, mapi.RoleCalendar, mapi.RoleJunk} {
		_, err := st.Special(ctx, r)
		must(err)
	}
	root, err := st.Folder(ctx, top)
	must(err)
	dir, err := root.CreateFolder(ctx, conversationFolder, mapi.Props{{Key: mapi.TagKey(pid.TagContainerClass), Value: "IPF.Note"}})
	must(err)
	must(dir.SetProps(ctx, mapi.Props{{Key: mapi.TagKey(pid.TagComment), Value: "made anew each time"}}, nil))
	folder, err := dir.Props(ctx)
	must(err)
	if folder.Text(pid.TagComment) != "made anew each time" {
		t.Errorf("the folder's comment is %q", folder.Text(pid.TagComment))
	}
	_, err = root.CreateFolder(ctx, "recorded – AUFGEZEICHNET", nil)
	if !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("the same folder again: %v", err)
	}

	written := writeSamples(t, dir)
	subject, class, words := mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagMessageClass), pid.NameKeywords
	var ids []mapi.EntryID
	for r, err := range dir.Rows(ctx, mapi.Query{Columns: []mapi.Key{subject, class, words}, Sort: []mapi.Sort{{Key: subject}}}) {
		must(err)
		ids = append(ids, r.ID)
	}
	if len(ids) != len(written) {
		t.Fatalf("%d items, %d were written", len(ids), len(written))
	}
	readSamples(t, dir, ids, written)

	contacts := 0
	where := mapi.ResContent{Fuzzy: mapi.FuzzyPrefix, Key: class, Value: "IPM.Contact"}
	for _, err := range dir.Rows(ctx, mapi.Query{Where: where, Limit: 10}) {
		must(err)
		contacts++
	}
	if contacts != 1 {
		t.Errorf("%d contacts, want 1", contacts)
	}

	must(dir.Update(ctx, ids[0], mapi.Props{{Key: mapi.TagKey(pid.TagImportance), Value: int32(2)}, {Key: words, Value: []string{"seen"}}}, nil))
	w, err := dir.Replace(ctx, ids[1])
	must(err)
	must(storetest.SampleItems()[0].Item.WriteTo(w))
	_, err = w.Commit(ctx)
	must(err)
	must(dir.Delete(ctx, ids[2:3], false))
	deleted := 0
	for r, err := range dir.Rows(ctx, mapi.Query{Kind: mapi.SoftDeleted, Columns: []mapi.Key{subject}}) {
		must(err)
		_, err := mapi.ReadItem(ctx, dir, r.ID)
		must(err)
		deleted++
	}
	if deleted != 1 {
		t.Errorf("%d items in Recoverable Items, want 1", deleted)
	}
	must(dir.Delete(ctx, ids[3:], true))
	_, err = mapi.ReadItem(ctx, dir, ids[3])
	if !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("read a deleted item: %v", err)
	}
	addresses(t, st)
	must(root.DeleteFolder(ctx, dir.ID()))
	must(st.Close())
}

// writeSamples writes some items one by one, then the others in bulk.
func writeSamples(t *testing.T, dir mapi.Folder) []*mapi.Item {
	ctx := t.Context()
	var all, rest []*mapi.Item
	for i, s := range storetest.SampleItems() {
		if s.Kind != mapi.Normal || s.Name == "mail to many" || s.Name == "html mail with files" {
			continue // large; the latter is in the forwarded mail
		}
		all = append(all, s.Item)
		if i%3 != 0 {
			rest = append(rest, s.Item)
			continue
		}
		if _, err := mapi.WriteItem(ctx, dir, mapi.Normal, s.Item); err != nil {
			t.Fatal(s.Name, err)
		}
	}
	bulk, err := dir.(mapi.BulkWriter).WriteAll(ctx, mapi.Normal)
	if err != nil {
		t.Fatal(err)
	}
	defer bulk.Close()
	for _, it := range rest {
		if err := errors.Join(it.WriteTo(bulk), bulk.Next()); err != nil {
			t.Fatal(err)
		}
	}
	if err := bulk.Flush(); err != nil {
		t.Fatal(err)
	}
	return all
}

// readSamples reads items in bulk; each must be one that was written.
func readSamples(t *testing.T, dir mapi.Folder, ids []mapi.EntryID, written []*mapi.Item) {
	var want []*compare.Node
	for _, it := range written {
		var f compare.Fingerprint
		if err := it.WriteTo(&f); err != nil {
			t.Fatal(err)
		}
		want = append(want, f.Node())
	}
	for id, read := range mapi.ReadAll(t.Context(), dir, ids) {
		var f compare.Fingerprint
		if err := read(&f); err != nil {
			t.Errorf("read %x: %v", id, err)
			continue
		}
		got := f.Node()
		var nearest []compare.Delta
		i := slices.IndexFunc(want, func(n *compare.Node) bool {
			// Bodies that the server made, and what it says of them, are no loss.
			d := slices.DeleteFunc(compare.Deltas(n, got), func(d compare.Delta) bool {
				return d.A == "" || d.Key == mapi.TagKey(pid.TagInternetCodepage) || d.Key == mapi.TagKey(pid.TagBody)
			})
			if nearest == nil || len(d) < len(nearest) {
				nearest = d
			}
			return len(d) == 0
		})
		if i < 0 {
			t.Errorf("an item that was not written; nearest: %+v", nearest)
			continue
		}
		want = slices.Delete(want, i, i+1)
	}
}

func addresses(t *testing.T, st *exchange.Store) {
	ctx := t.Context()
	name, smtp := mapi.TagKey(pid.TagDisplayName), mapi.TagKey(pid.TagSmtpAddress)
	lists, err := st.Lists(ctx)
	if err != nil || len(lists) == 0 {
		t.Fatalf("address lists: %v, %v", lists, err)
	}
	for _, who := range []string{"alice", "bob"} {
		found, err := st.Resolve(ctx, who, []mapi.Key{name, smtp})
		if err != nil || len(found) != 1 || found[0].Text(pid.TagSmtpAddress) != who+"@contoso.test" {
			t.Fatalf("resolve %s: %v, %v", who, found, err)
		}
		id, _ := found[0].Tag(pid.TagEntryId).([]byte)
		if ps, err := st.Entry(ctx, mapi.EntryID(id), []mapi.Key{name}); err != nil || ps.Text(pid.TagDisplayName) == "" {
			t.Errorf("entry of %s: %v, %v", who, ps, err)
		}
	}
	if _, err := st.Resolve(ctx, "nobody-of-this-name", nil); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("resolve a stranger: %v", err)
	}
}
