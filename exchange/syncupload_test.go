package exchange

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// uploader imports changes as a program does that keeps a replica ([MS-OXCFXICS] 3.3.5.9).
type uploader struct {
	testing.TB
	st      *Store
	s       *session
	top     mapi.Folder
	ns      mapi.GUID // of the client's change keys
	replica mapi.GUID // of ids that the server reserved
	next    uint64
}

// TestSyncUpload imports changes to the embedded server.
func TestSyncUpload(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	st, err := Open(t.Context(), Config{MailboxURL: srv.MailboxURL(t, "alice"), UserDN: srv.UserDN(t, "alice"), HTTP: srv.Client(), Authorize: srv.Authorize("alice")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	importChanges(t, st, nil)
}

// TestInteropSyncUpload imports the same changes to a real server. The answers that differ are named.
func TestInteropSyncUpload(t *testing.T) {
	importChanges(t, OpenPeer(t, "", nil), map[string]string{
		"its time": "", // that of the import
		"what the client has imported isn't told to it": "1",
		"a move":                              mapi.WarnNewerChange.String(), // marking as read counts as a change
		"a change of what was moved away":     mapi.Code(0).String(),         // an item of the same key is made anew
		"a folder below one that isn't there": mapi.ErrCallFailed.String(),
	})
}

// folder makes a folder and gives it with its source key.
func (u *uploader) folder(name string) (*folder, []byte) {
	u.Helper()
	f, err := u.top.CreateFolder(u.Context(), name, nil)
	u.must(err)
	x := f.(*folder)
	return x, oxcfxics.NewXID(x.lid.GlobalID).Bytes()
}

func (u *uploader) must(err error) {
	u.Helper()
	if err != nil {
		u.Fatal(err)
	}
}

// collector opens an upload to a folder.
func (u *uploader) collector(f *folder, contents bool) handle {
	u.Helper()
	var b batch
	in, err := f.open(u.Context(), u.s, &b)
	u.must(err)
	out := b.out()
	b.add(&oxcrops.SynchronizationOpenCollectorRequest{In: in, Out: out, IsContentsCollector: contents})
	res, err := u.s.execute(u.Context(), &b)
	u.must(err)
	u.must(res.check("open collector"))
	return res.at(out)
}

// do runs a ROP on an object; the request's In is 0, its Out 1.
func (u *uploader) do(h handle, q oxcrops.Request) (mapi.Code, *result) {
	u.Helper()
	var b batch
	b.in(h)
	b.out()
	b.add(q)
	res, err := u.s.execute(u.Context(), &b)
	u.must(err)
	return res.resps[len(res.resps)-1].Result(), res
}

// key is a change key of the client's.
func (u *uploader) key(n uint32) oxcfxics.XID {
	return oxcfxics.XID{Namespace: u.ns, Local: binary.BigEndian.AppendUint32(nil, n)}
}

func pclOf(u *uploader, base []byte, xs ...oxcfxics.XID) []byte {
	u.Helper()
	list, err := oxcfxics.DecodePCL(base)
	u.must(err)
	for _, x := range xs {
		list.Add(x)
	}
	b, err := list.Bytes()
	u.must(err)
	return b
}

// id takes an id that the server reserved, as a source key.
func (u *uploader) id() []byte {
	u.next++
	return oxcfxics.NewXID(oxcdata.GlobalID{Replica: u.replica, Counter: u.next - 1}).Bytes()
}

func values(source []byte, modified mapi.FileTime, key oxcfxics.XID, pcl []byte) []oxcdata.TaggedValue {
	return []oxcdata.TaggedValue{{Tag: pid.TagSourceKey, Value: source}, {Tag: pid.TagLastModificationTime, Value: modified},
		{Tag: pid.TagChangeKey, Value: key.Bytes()}, {Tag: pid.TagPredecessorChangeList, Value: pcl}}
}

// item imports a message; it gives the first code that isn't success.
func (u *uploader) item(h handle, flags uint8, source []byte, modified mapi.FileTime, key oxcfxics.XID, pcl []byte, subject string) mapi.Code {
	u.Helper()
	code, res := u.do(h, &oxcrops.SynchronizationImportMessageChangeRequest{Out: 1, ImportFlag: flags, Values: values(source, modified, key, pcl)})
	if code != 0 {
		return code
	}
	m := res.at(1)
	defer u.s.free(m)
	if code, _ = u.do(m, &oxcrops.SetPropertiesRequest{Values: []oxcdata.TaggedValue{{Tag: pid.TagMessageClass, Value: "IPM.Note"}, {Tag: pid.TagSubject, Value: subject}}}); code != 0 {
		return code
	}
	code, _ = u.do(m, &oxcrops.SaveChangesMessageRequest{In: 0, ResponseIndex: 1})
	return code
}

// contents lists a folder by its changes: subjects with source keys and, beside them, what the changes say.
func (u *uploader) contents(f *folder, state []byte) (subjects map[string]mapi.ItemChange, next []byte) {
	u.Helper()
	subjects = map[string]mapi.ItemChange{}
	for c, err := range u.st.SyncContents(u.Context(), []mapi.SyncFolder{{Folder: f.id, State: state}}) {
		u.must(err)
		u.must(c.Err)
		for _, x := range c.Items {
			subjects[x.Subject] = x
		}
		next = c.State
	}
	return subjects, next
}

// state asks an upload for the state with what was imported, as one that SyncContents takes.
func (u *uploader) state(h handle, f *folder) []byte {
	u.Helper()
	var b batch
	in, out := b.in(h), b.out()
	b.add(&oxcrops.SynchronizationGetTransferStateRequest{In: in, Out: out})
	d, err := startDownload(u.Context(), u.s, &b, out)
	u.must(err)
	defer d.close()
	x := f.newState(oxcrops.SyncContents)
	for part, err := range oxcfxics.Parts(oxcfxics.NewReader(d), oxcfxics.RootState) {
		u.must(err)
		if s, ok := part.(*oxcfxics.State); ok {
			x.sets = *s
		}
	}
	bytes, err := x.bytes()
	u.must(err)
	return bytes
}

func importChanges(t *testing.T, st *Store, other map[string]string) {
	ctx := t.Context()
	u := &uploader{TB: t, st: st}
	rand.Read(u.ns[:])
	ipm, err := st.Special(ctx, mapi.RoleIPM)
	u.must(err)
	u.top, err = st.Folder(ctx, ipm)
	u.must(err)
	for x, err := range u.top.Folders(ctx) {
		u.must(err)
		if x.Name == "import a" || x.Name == "import b" {
			u.must(u.top.DeleteFolder(ctx, x.ID))
		}
	}
	a, aKey := u.folder("import a")
	b, bKey := u.folder("import b")
	defer func() {
		for _, f := range []*folder{a, b} {
			u.top.DeleteFolder(context.WithoutCancel(ctx), f.id)
		}
	}()
	s, err := st.acquire(ctx, st.slots)
	u.must(err)
	defer st.release(s)
	u.s = s
	expect := func(what string, got, want any) {
		t.Helper()
		w, differs := other[what]
		if !differs {
			w = fmt.Sprint(want)
		}
		if w != "" && fmt.Sprint(got) != w {
			t.Errorf("%s: %v, want %v", what, got, w)
		}
	}
	code, res := u.do(s.logon, &oxcrops.GetLocalReplicaIdsRequest{IDCount: 20})
	expect("reserve ids", code, mapi.Code(0))
	ids, err := answer[*oxcrops.GetLocalReplicaIdsResponse](res)
	u.must(err)
	u.next, u.replica = ids.First.Counter, ids.First.Replica

	toA, toB := u.collector(a, true), u.collector(b, true)
	first := u.id()
	expect("a new item", u.item(toA, 0, first, testTimeAt(1), u.key(1), pclOf(u, nil, u.key(1)), "one"), mapi.Code(0))
	got, state := u.contents(a, nil)
	x, ok := got["one"]
	expect("it is there", ok, true)
	expect("its source key", fmt.Sprintf("%x", x.SourceKey), fmt.Sprintf("%x", first))
	expect("its change key", fmt.Sprintf("%x", x.ChangeKey), fmt.Sprintf("%x", u.key(1).Bytes()))
	expect("its time", x.LastModificationTime, testTimeAt(1))
	news, _ := u.contents(a, u.state(toA, a))
	expect("what the client has imported isn't told to it", len(news), 0)

	expect("a change of it", u.item(toA, oxcrops.ImportFailOnConflict, first, testTimeAt(2), u.key(2), pclOf(u, x.PredecessorChanges, u.key(2)), "two"), mapi.Code(0))
	got, state = u.contents(a, state)
	x, ok = got["two"]
	expect("the change is there", fmt.Sprintf("%v %x", ok, x.ChangeKey), fmt.Sprintf("true %x", u.key(2).Bytes()))
	expect("an old change", u.item(toA, 0, first, testTimeAt(1), u.key(1), pclOf(u, nil, u.key(1)), "old"), mapi.ErrSyncIgnore)

	u.must(a.Update(ctx, x.ID, mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "the server's"}}, nil))
	expect("a change in conflict", u.item(toA, oxcrops.ImportFailOnConflict, first, testTimeAt(3), u.key(3), pclOf(u, nil, u.key(3)), "conflict"), mapi.ErrSyncConflict)
	got, state = u.contents(a, state)
	x, ok = got["the server's"]
	expect("the server's change stays", ok, true)

	if other == nil { // gromox resolves nothing
		resolve(t, u, st, a, toA, x, first, expect)
		got, _ = u.contents(a, state)
		x = got["the server's"]
	}
	mark := func(read bool) mapi.Code {
		c, _ := u.do(toA, &oxcrops.SynchronizationImportReadStateChangesRequest{MessageReadStates: []oxcrops.MessageReadState{{MessageID: first, MarkAsRead: read}}})
		return c
	}
	flags := func() int32 {
		it, err := mapi.ReadItem(ctx, a, x.ID)
		u.must(err)
		n, _ := it.Props.Tag(pid.TagMessageFlags).(int32)
		return n & 1
	}
	expect("mark as read", mark(true), mapi.Code(0))
	expect("it is read", flags(), 1)
	expect("mark as unread", mark(false), mapi.Code(0))
	expect("it is unread", flags(), 0)

	second := u.id()
	code, _ = u.do(toB, &oxcrops.SynchronizationImportMessageMoveRequest{SourceFolderID: aKey, SourceMessageID: first,
		PredecessorChangeList: pclOf(u, x.PredecessorChanges, u.key(8)), DestinationMessageID: second, ChangeNumber: u.key(8).Bytes()})
	expect("a move", code, mapi.Code(0))
	got, _ = u.contents(a, nil)
	expect("it is gone from where it was", len(got), 0)
	got, _ = u.contents(b, nil)
	x, ok = got["the server's"]
	expect("it is where it was moved", fmt.Sprintf("%v %x", ok, x.SourceKey), fmt.Sprintf("true %x", second))
	expect("a change of what was moved away", u.item(toA, 0, first, testTimeAt(9), u.key(9), pclOf(u, nil, u.key(9)), "late"), mapi.ErrSyncDeleted)

	code, _ = u.do(toB, &oxcrops.SynchronizationImportDeletesRequest{ImportDeleteFlags: oxcrops.ImportDeleteHard,
		Values: []oxcdata.TaggedValue{{Tag: 0x00001102, Value: [][]byte{second, u.id()}}}})
	expect("a deletion, and one of what never was", code, mapi.Code(0))
	got, _ = u.contents(b, nil)
	expect("it is deleted", len(got), 0)

	folders := u.collector(a, false)
	hierarchy := func(parent, source []byte, n uint32, name string, base []byte) mapi.Code {
		key := u.key(n)
		c, _ := u.do(folders, &oxcrops.SynchronizationImportHierarchyChangeRequest{
			HierarchyValues: append(append([]oxcdata.TaggedValue{{Tag: pid.TagParentSourceKey, Value: parent}}, values(source, testTimeAt(int(n)), key, pclOf(u, base, key))...),
				oxcdata.TaggedValue{Tag: pid.TagDisplayName, Value: name}),
			Values: []oxcdata.TaggedValue{{Tag: pid.TagComment, Value: "imported"}}})
		return c
	}
	below := func(f *folder) (names []string, pcl []byte) {
		h, err := st.SyncHierarchy(ctx, f.id, nil)
		u.must(err)
		for _, x := range h.Folders {
			names = append(names, x.Name+" "+x.Props.Text(pid.TagComment))
			pcl, _ = x.Props.Tag(pid.TagPredecessorChangeList).([]byte)
		}
		return names, pcl
	}
	sub := u.id()
	expect("a new folder", hierarchy([]byte{}, sub, 10, "below", nil), mapi.Code(0))
	names, pcl := below(a)
	expect("the folder is there", names, []string{"below imported"})
	expect("a folder renamed", hierarchy([]byte{}, sub, 11, "renamed", pcl), mapi.Code(0))
	names, pcl = below(a)
	expect("the folder has its new name", names, []string{"renamed imported"})
	expect("a folder below one that isn't there", hierarchy(u.id(), u.id(), 12, "lost", nil), mapi.ErrSyncNoParent)
	expect("a folder moved", hierarchy(bKey, sub, 13, "renamed", pcl), mapi.Code(0))
	names, _ = below(b)
	expect("the folder is where it was moved", names, []string{"renamed imported"})
	code, _ = u.do(u.collector(b, false), &oxcrops.SynchronizationImportDeletesRequest{ImportDeleteFlags: oxcrops.ImportDeleteHierarchy | oxcrops.ImportDeleteHard,
		Values: []oxcdata.TaggedValue{{Tag: 0x00001102, Value: [][]byte{sub}}}})
	expect("a folder deleted", code, mapi.Code(0))
	names, _ = below(b)
	expect("the folder is gone", len(names), 0)
	if bytes.Equal(aKey, bKey) {
		t.Error("two folders have one source key")
	}
}

// resolve imports changes in conflict and lets the server decide: the last counts, the other goes to the folder for conflicts.
func resolve(t *testing.T, u *uploader, st *Store, a *folder, toA handle, x mapi.ItemChange, source []byte, expect func(string, any, any)) {
	id, err := st.Special(t.Context(), mapi.RoleConflicts)
	u.must(err)
	f, err := st.Folder(t.Context(), id)
	u.must(err)
	subjects := func(f mapi.Folder) (list []string) {
		for r, err := range f.Rows(t.Context(), mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}, Sort: []mapi.Sort{{Key: mapi.TagKey(pid.TagSubject)}}}) {
			u.must(err)
			list = append(list, fmt.Sprint(r.Values[0]))
		}
		return list
	}
	expect("a change in conflict, before the server's", u.item(toA, 0, source, 1, u.key(6), pclOf(u, nil, u.key(6)), "the client's, early"), mapi.Code(0))
	expect("the server's counts", subjects(a), []string{"the server's"})
	expect("the client's is aside", subjects(f), []string{"the client's, early"})
	expect("a change in conflict, after the server's", u.item(toA, 0, source, testTimeAt(7), u.key(7), pclOf(u, nil, u.key(7)), "the client's, late"), mapi.Code(0))
	expect("the client's counts", subjects(a), []string{"the client's, late"})
	expect("the server's is aside", subjects(f), []string{"the client's, early", "the server's"})
	it, err := mapi.ReadItem(t.Context(), a, x.ID)
	u.must(err)
	pcl, _ := it.Props.Tag(pid.TagPredecessorChangeList).([]byte)
	list, err := oxcfxics.DecodePCL(pcl)
	u.must(err)
	had, err := oxcfxics.DecodePCL(x.PredecessorChanges)
	u.must(err)
	expect("the list has the changes of both", list.Includes(had) && list.Knows(u.key(7)), true)
	u.must(a.Update(t.Context(), x.ID, mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "the server's"}}, nil))
}

// testTime is later than what the server does in the test, so that the client's changes are the last.
func testTime() time.Time { return time.Date(2040, 1, 2, 3, 4, 0, 0, time.UTC) }

func testTimeAt(n int) mapi.FileTime {
	return mapi.NewFileTime(testTime()) + mapi.FileTime(n)*600_000_000
}
