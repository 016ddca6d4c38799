package localstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func TestFreshMailbox(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	var lines []string
	for c, err := range special(t, s, mapi.RoleRoot).Hierarchy(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		above, err := s.FolderByID(ctx, c.Parent)
		if err != nil {
			t.Fatal(err)
		}
		props, err := above.Props(ctx)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, props.Text(pid.TagDisplayName)+"/"+c.Info.Name+" "+c.Info.Class)
	}
	// As an Exchange mailbox has them ([MS-OXOSFLD] 2.2.1).
	want := `/Common Views |/Deferred Action |/Finder |/Schedule |/Shortcuts |/Spooler Queue |/Top of Information Store |/Views |` +
		`Top of Information Store/Calendar IPF.Appointment|Top of Information Store/Contacts IPF.Contact|Top of Information Store/Deleted Items IPF.Note|` +
		`Top of Information Store/Drafts IPF.Note|Top of Information Store/Inbox IPF.Note|Top of Information Store/Journal IPF.Journal|` +
		`Top of Information Store/Junk Email IPF.Note|Top of Information Store/Notes IPF.StickyNote|Top of Information Store/Outbox IPF.Note|` +
		`Top of Information Store/Sent Items IPF.Note|Top of Information Store/Sync Issues IPF.Note|Top of Information Store/Tasks IPF.Task|` +
		`Sync Issues/Conflicts IPF.Note|Sync Issues/Local Failures IPF.Note|Sync Issues/Server Failures IPF.Note`
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("folders\n%s, want\n%s", got, want)
	}
	props, err := inbox(t, s).Props(ctx)
	if err != nil {
		t.Fatal(err)
	}
	calendar, _ := s.Special(ctx, mapi.RoleCalendar)
	if got, _ := props.Tag(pid.TagIpmAppointmentEntryId).([]byte); mapi.EntryID(got) != calendar {
		t.Errorf("the Inbox names %x as Calendar, it is %x", got, calendar)
	}
	store, err := s.Props(ctx)
	if err != nil || store.Text(pid.TagMailboxOwnerName) != "Anna" {
		t.Errorf("owner %q, %v", store.Text(pid.TagMailboxOwnerName), err)
	}
	check(t, s)
}

func TestEntryIDs(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	id := add(t, f, mail("x"))

	// The forms of [MS-OXCDATA] 2.2.4.1 and 2.2.4.2.
	in := s.Info()
	var fe oxcdata.FolderEntryID
	if err := oxcdata.Decode(oxcdata.ROP, []byte(f.ID()), func(c *oxcdata.Coder) { c.FolderEntryID(&fe) }); err != nil || len(f.ID()) != 46 {
		t.Fatalf("folder entry id of %d bytes: %v", len(f.ID()), err)
	}
	if fe.Provider != in.MailboxGUID || fe.Folder.Replica != in.ReplicaGUID || fe.Folder.Counter != f.FID().Counter() || fe.Type != 1 {
		t.Errorf("folder entry id %+v", fe)
	}
	if len(id) != 70 {
		t.Errorf("message entry id of %d bytes", len(id))
	}
	fid, mid, err := s.MessageID(id)
	if err != nil || fid != f.FID() || s.MessageEntryID(fid, mid) != id {
		t.Errorf("entry id %x is %v %v %v", id, fid, mid, err)
	}
	if got := WireID(mid.Wire()); got != mid {
		t.Errorf("%x came back as %x", mid, got)
	}
	it := read(t, f, id)
	if key, _ := it.Props.Tag(pid.TagSourceKey).([]byte); len(key) != 22 || !bytes.Equal(key[:16], in.ReplicaGUID[:]) {
		t.Errorf("source key %x", key)
	} else if _, found, err := s.FindSourceKey(ctx, key); err != nil || found != mid {
		t.Errorf("by source key: %v %v", found, err)
	}

	other := newStore(t)
	for _, foreign := range []mapi.EntryID{"", "x", inbox(t, other).ID(), mapi.EntryID(strings.Repeat("\x00", 46))} {
		_, err := s.Folder(ctx, foreign)
		if !errors.Is(err, mapi.ErrNotFound) || !errors.Is(err, mapi.ErrInvalidEntryID) {
			t.Errorf("entry id %x: %v", foreign, err)
		}
	}
}

func TestNamedProperties(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	a, b := mapi.PropName{Set: mapi.PSETIDCommon, LID: 0x8501}, mapi.PropName{Set: mapi.PSPublicStrings, Name: "Keywords"}
	lid := mapi.PropName{Set: mapi.PSMAPI, LID: 0x37}
	ids, err := s.PropIDs(ctx, []mapi.PropName{a, lid, b}, false)
	if err != nil || ids[0] != 0 || ids[1] != 0x37 || ids[2] != 0 {
		t.Fatalf("unknown names: %x, %v", ids, err)
	}
	id := add(t, f, &mapi.Item{Props: mapi.Props{{Key: mapi.NamedKey(a, mapi.TypeBool), Value: true}}})
	ids, err = s.PropIDs(ctx, []mapi.PropName{a, b}, true)
	if err != nil || ids[0] < 0x8000 || ids[1] < 0x8000 || ids[0] == ids[1] {
		t.Fatalf("ids %x, %v", ids, err)
	}
	again := open(t, s.Path())
	names, err := again.PropNames(ctx, []uint16{ids[1], ids[0], 0x37, 0xFFF0})
	if err != nil || names[0] != b || names[1] != a || names[2] != lid || !names[3].IsZero() {
		t.Errorf("names %v, %v", names, err)
	}
	// A name that another opener adds later is found too.
	c := mapi.PropName{Set: mapi.PSETIDTask, LID: 0x8101}
	late, err := s.PropIDs(ctx, []mapi.PropName{c}, true)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.PropIDs(ctx, []mapi.PropName{c}, false); err != nil || got[0] != late[0] {
		t.Errorf("other opener: %x %v, want %x", got, err, late)
	}

	// With no id left an item holds the name itself.
	if _, err := s.write.Exec("INSERT INTO names VALUES (65534, x'', 0, 'last')"); err != nil {
		t.Fatal(err)
	}
	d := mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "one too many"}, mapi.TypeString)
	if got, err := s.PropIDs(ctx, []mapi.PropName{d.Name}, true); err != nil || got[0] != 0 {
		t.Errorf("id %x %v after the last", got, err)
	}
	full := add(t, f, &mapi.Item{Props: mapi.Props{{Key: d, Value: "kept"}}})
	if got := read(t, f, full).Props.Get(d); got != "kept" {
		t.Errorf("property without id: %v", got)
	}
	for row, err := range f.Rows(ctx, mapi.Query{Columns: []mapi.Key{d}, Where: mapi.ResExist{Key: d}}) {
		if err != nil || row.Values[0] != "kept" {
			t.Errorf("row %v %v", row.Values, err)
		}
	}
	if got := read(t, f, id).Props.Get(mapi.NamedKey(a, mapi.TypeBool)); got != true {
		t.Errorf("named property: %v", got)
	}
}

func TestCopiedFile(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	old := add(t, f, mail("before"))
	if err := s.Compact(ctx); err != nil { // all is in the one file now
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, path)
	if c.Info().ReplicaGUID == s.Info().ReplicaGUID || c.Info().MailboxGUID != s.Info().MailboxGUID {
		t.Errorf("copy %+v of %+v", c.Info(), s.Info())
	}
	cf := inbox(t, c)
	if cf.ID() != f.ID() || read(t, cf, old).Props.Text(pid.TagSubject) != "before" {
		t.Error("what was there before the copy is not the same in it")
	}
	if add(t, f, mail("a")) == add(t, cf, mail("b")) {
		t.Error("the original and the copy gave the same id")
	}
	if err := cf.Update(ctx, old, mapi.Props{{Key: mapi.TagKey(pid.TagImportance), Value: int32(2)}}, nil); err != nil {
		t.Fatal(err)
	}
	pcl, _ := read(t, cf, old).Props.Tag(pid.TagPredecessorChangeList).([]byte)
	if len(pcl) != 46 || bytes.Compare(pcl[1:17], pcl[24:40]) >= 0 {
		t.Errorf("change list %x does not have both replicas in order", pcl)
	}
	info := c.Info()
	again := open(t, path)
	if again.Info() != info {
		t.Errorf("opened again: %+v, was %+v", again.Info(), info)
	}
	if err := again.Adopt(ctx); err != nil || again.Info().ReplicaGUID == info.ReplicaGUID {
		t.Errorf("adopted: %+v %v", again.Info(), err)
	}
	x := add(t, inbox(t, again), mail("adopted"))
	if got := read(t, cf, x).Props.Text(pid.TagSubject); got != "adopted" { // c learns of the replica
		t.Errorf("read %q", got)
	}
	check(t, c)
}

func TestDeletion(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	it := mail("big", pid.TagBody, strings.Repeat("x", 100000))
	it.Attachments = []*mapi.Attachment{{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachDataBinary), Value: pattern(600000)}}}}
	id := add(t, f, it)
	if n := count(t, s, "chunks"); n != 4 {
		t.Errorf("%d chunks", n)
	}
	if err := f.Delete(ctx, []mapi.EntryID{id}, false); err != nil {
		t.Fatal(err)
	}
	subjects, ids := list(t, f, mapi.Query{Kind: mapi.SoftDeleted})
	if len(subjects) != 1 || subjects[0] != "big" {
		t.Fatalf("soft-deleted: %q", subjects)
	}
	if err := f.Update(ctx, id, nil, nil); !errors.Is(err, mapi.ErrNoAccess) {
		t.Errorf("changing a deleted item: %v", err)
	}
	back, err := f.Undelete(ctx, ids)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, f, back[0]); len(got.Attachments) != 1 || !bytes.Equal(got.Attachments[0].Props.Tag(pid.TagAttachDataBinary).([]byte), pattern(600000)) {
		t.Error("the recovered item lost its attachment")
	}
	props, err := f.Props(ctx)
	if err != nil || props.Tag(pid.TagContentCount) != int32(1) || props.Tag(pid.TagDeletedCountTotal) != int32(1) {
		t.Errorf("count %v, deleted %v, %v", props.Tag(pid.TagContentCount), props.Tag(pid.TagDeletedCountTotal), err)
	}
	if err := f.Delete(ctx, []mapi.EntryID{back[0], id}, true); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("one of two ids is gone: %v", err)
	}
	if err := f.Delete(ctx, back, true); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"items", "contents", "segments", "blobs", "chunks"} {
		if n := count(t, s, table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
	check(t, s)
}

func TestMoveAndCopy(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f, to := inbox(t, s), special(t, s, mapi.RoleSent)
	it := mail("m", pid.TagHtml, pattern(70000))
	it.Recipients = []mapi.Props{{{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: "Bert"}}}
	id := add(t, f, it)
	key := read(t, f, id).Props.Tag(pid.TagSearchKey).([]byte)
	moved, err := f.Move(ctx, []mapi.EntryID{id}, to)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Read(ctx, id, drain{}); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("the old id: %v", err)
	}
	copied, err := to.Copy(ctx, moved, f)
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Delete(ctx, moved, true); err != nil {
		t.Fatal(err)
	}
	got := read(t, f, copied[0])
	if !bytes.Equal(got.Props.Tag(pid.TagHtml).([]byte), pattern(70000)) || len(got.Recipients) != 1 || !bytes.Equal(got.Props.Tag(pid.TagSearchKey).([]byte), key) {
		t.Error("the copy is not what the original was")
	}
	if _, _, err := s.MessageID(copied[0]); err != nil || copied[0] == id || moved[0] == id {
		t.Error("ids came back")
	}
	check(t, s)
}

func TestMoveFolder(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	sub := func(in *Folder, name string) *Folder {
		x, err := in.CreateFolder(ctx, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		return x.(*Folder)
	}
	a := sub(f, "a")
	b := sub(a, "b")
	sub(f, "B")
	if err := a.MoveTo(ctx, b, ""); !errors.Is(err, mapi.ErrFolderCycle) {
		t.Errorf("into itself: %v", err)
	}
	if err := b.MoveTo(ctx, f, ""); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("name taken: %v", err)
	}
	if err := b.MoveTo(ctx, f, "c"); err != nil || b.Parent() != f.ID() {
		t.Errorf("moved: %v", err)
	}
	if err := f.MoveTo(ctx, a, ""); !errors.Is(err, mapi.ErrNoAccess) {
		t.Errorf("special folder: %v", err)
	}
	if err := special(t, s, mapi.RoleIPM).DeleteFolder(ctx, f.ID()); !errors.Is(err, mapi.ErrNoAccess) {
		t.Errorf("deleting a special folder: %v", err)
	}
	check(t, s)
}

func TestChangeNumbers(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	changes := func() (all []Change) {
		for c, err := range f.Changes(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		return all
	}
	a, b := add(t, f, mail("a")), add(t, f, mail("b"))
	before := changes()
	if err := f.SetRead(ctx, []mapi.EntryID{a}, true); err != nil {
		t.Fatal(err)
	}
	after := changes()
	if after[0].CN != before[0].CN || after[0].ReadCN <= before[1].CN || !after[0].Read || after[1] != before[1] {
		t.Errorf("read state: %+v, was %+v", after, before)
	}
	if err := f.SetRead(ctx, []mapi.EntryID{a}, true); err != nil || changes()[0] != after[0] {
		t.Errorf("no change is a change: %v", err)
	}
	if err := f.Update(ctx, a, mapi.Props{{Key: mapi.TagKey(pid.TagImportance), Value: int32(0)}}, nil); err != nil {
		t.Fatal(err)
	}
	last := changes()
	if last[1].ID != before[0].ID || last[1].CN <= after[0].ReadCN || !last[1].Read {
		t.Errorf("updated: %+v", last)
	}
	if cn, err := s.LastCN(ctx); err != nil || cn != last[1].CN {
		t.Errorf("last change %v %v", cn, err)
	}
	first, err := s.ReserveIDs(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Update(ctx, b, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := changes()[1]; got.CN != first+1000 {
		t.Errorf("change %v after a block from %v", got.CN, first)
	}
	for info := range f.Folders(ctx) {
		t.Errorf("folder %v", info)
	}
	props, _ := f.Props(ctx)
	if props.Tag(pid.TagContentUnreadCount) != int32(1) {
		t.Errorf("unread %v", props.Tag(pid.TagContentUnreadCount))
	}
}

func TestForeignIdentity(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	id, err := s.ReserveIDs(ctx, 10)
	if err != nil {
		t.Fatal(err)
	}
	foreign := append(bytes.Repeat([]byte{7}, 16), 1, 2, 3, 4)
	as := Identity{ID: id + 3, ChangeKey: foreign, PCL: append([]byte{20}, foreign...)}
	write := func(as Identity) (mapi.EntryID, error) {
		w, err := f.CreateAs(ctx, mapi.Normal, as)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		return w.Commit(ctx)
	}
	e, err := write(as)
	if err != nil {
		t.Fatal(err)
	}
	if _, mid, _ := s.MessageID(e); mid != id+3 {
		t.Errorf("id %v, want %v", mid, id+3)
	}
	if it := read(t, f, e); !bytes.Equal(it.Props.Tag(pid.TagChangeKey).([]byte), foreign) || !bytes.Equal(it.Props.Tag(pid.TagPredecessorChangeList).([]byte), as.PCL) {
		t.Errorf("change key %x, list %x", it.Props.Tag(pid.TagChangeKey), it.Props.Tag(pid.TagPredecessorChangeList))
	}
	if _, err := write(as); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("id used twice: %v", err)
	}
	if _, err := write(Identity{ID: id + 5000}); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("id never given out: %v", err)
	}
	if err := f.Update(ctx, e, nil, nil); err != nil {
		t.Fatal(err)
	}
	it := read(t, f, e)
	if pcl := it.Props.Tag(pid.TagPredecessorChangeList).([]byte); !bytes.Contains(pcl, foreign) || !bytes.Contains(pcl, it.Props.Tag(pid.TagChangeKey).([]byte)) {
		t.Errorf("change list %x after a change here", pcl)
	}
	key := []byte("a key of another system")
	e, err = write(Identity{SourceKey: key})
	if err != nil {
		t.Fatal(err)
	}
	if fid, mid, err := s.FindSourceKey(ctx, key); err != nil || s.MessageEntryID(fid, mid) != e {
		t.Errorf("by source key: %v", err)
	}
	check(t, s)
}

// A server opens an item, and reads its attachment when it is asked for it.
func TestOpenItem(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	id := add(t, f, mail("x", pid.TagHtml, pattern(300000)))
	it, err := f.OpenItem(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	blob, ok := it.Props.Tag(pid.TagHtml).(mapi.Blob)
	if !ok || blob.Size() != 300000 {
		t.Fatalf("large value: %T", it.Props.Tag(pid.TagHtml))
	}
	r, err := blob.Open()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, pattern(300000)) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if err := f.Update(ctx, id, mapi.Props{{Key: mapi.TagKey(pid.TagHtml), Value: []byte("short")}}, nil); err != nil {
		t.Fatal(err)
	}
	r, _ = blob.Open()
	if _, err := io.ReadAll(r); !errors.Is(err, mapi.ErrObjectDeleted) {
		t.Errorf("a value that is gone: %v", err)
	}
	// An item that is replaced by itself, large values and all.
	if err := f.Update(ctx, id, mapi.Props{{Key: mapi.TagKey(pid.TagHtml), Value: mapi.MemBlob(pattern(500000))}}, nil); err != nil {
		t.Fatal(err)
	}
	if it, err = f.OpenItem(ctx, id); err != nil {
		t.Fatal(err)
	}
	w, err := f.Replace(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := it.WriteTo(w); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if got := read(t, f, id).Props.Tag(pid.TagHtml); !bytes.Equal(got.([]byte), pattern(500000)) {
		t.Error("the value is not the same")
	}
	check(t, s)
}

// What the item says of its recipients stays what was given, or follows from them.
func TestDisplayNames(t *testing.T) {
	ctx := context.Background()
	f := inbox(t, newStore(t))
	it := mail("x", pid.TagDisplayCc, "given")
	for i, name := range []string{"Bert", "Carla", "Dirk", "Emma"} {
		it.Recipients = append(it.Recipients, mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: name}, {Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1 + i%2)}})
	}
	id := add(t, f, it)
	names := func() string {
		p := read(t, f, id).Props
		return p.Text(pid.TagDisplayTo) + "|" + p.Text(pid.TagDisplayCc) + "|" + p.Text(pid.TagDisplayBcc)
	}
	if got := names(); got != "Bert; Dirk|given|" {
		t.Error(got)
	}
	if err := f.Update(ctx, id, nil, []mapi.Key{mapi.TagKey(pid.TagDisplayCc)}); err != nil {
		t.Fatal(err)
	}
	if got := names(); got != "Bert; Dirk|Carla; Emma|" {
		t.Error(got)
	}
}

// The server writes an item's own properties until it is saved, and some of them again.
func TestLaterPropertiesCount(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	w, err := f.Create(ctx, mapi.Normal)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, err := range []error{
		w.Prop(mapi.TagKey(pid.TagHtml), pattern(100000)), w.Prop(mapi.TagKey(pid.TagSubject), "first"),
		w.Recipient(), w.End(), w.Attachment(), w.End(),
		w.Prop(mapi.TagKey(pid.TagHtml), pattern(200000)), w.Prop(mapi.TagKey(pid.TagSubject), "second"), w.Prop(mapi.TagKey(pid.TagImportance), int32(2)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	id, err := w.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p := read(t, f, id).Props
	if p.Text(pid.TagSubject) != "second" || p.Tag(pid.TagImportance) != int32(2) || !bytes.Equal(p.Tag(pid.TagHtml).([]byte), pattern(200000)) {
		t.Errorf("%q %v", p.Text(pid.TagSubject), p.Tag(pid.TagImportance))
	}
	if n := count(t, s, "blobs"); n != 1 {
		t.Errorf("%d large values are kept", n)
	}
	check(t, s)
}

// The list of computed properties is all that the store adds.
func TestComputedIsComplete(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	listed := map[Object]map[mapi.Tag]bool{}
	for _, c := range Computed {
		if listed[c.Of] == nil {
			listed[c.Of] = map[mapi.Tag]bool{}
		}
		if listed[c.Of][c.Tag] || c.Reason == "" || c.Section == "" {
			t.Errorf("%v of %s is there twice, or without reason", c.Tag, c.Of)
		}
		listed[c.Of][c.Tag] = true
	}
	compare := func(o Object, got mapi.Props, given ...mapi.Tag) {
		t.Helper()
		for _, p := range got {
			if !listed[o][p.Key.Tag] && !slices.Contains(given, p.Key.Tag) {
				t.Errorf("%s has %v (%s), which was not given", o, p.Key, pid.Name(p.Key))
			}
		}
		for _, c := range Computed {
			if c.Of == o && !c.RowOnly && got.Tag(c.Tag) == nil {
				t.Errorf("%s has no %v (%s)", o, c.Tag, pid.Name(mapi.TagKey(c.Tag)))
			}
		}
	}
	it := mail("x")
	it.Recipients = []mapi.Props{nil}
	it.Attachments = []*mapi.Attachment{{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachDataBinary), Value: []byte("x")}}}}
	id := add(t, f, it)
	got := read(t, f, id)
	compare(OfItem, got.Props, pid.TagMessageClass)
	compare(OfRecipient, got.Recipients[0])
	compare(OfAttachment, got.Attachments[0].Props, pid.TagAttachDataBinary)
	props, err := f.Props(ctx)
	if err != nil {
		t.Fatal(err)
	}
	compare(OfFolder, props, pid.TagDisplayName, pid.TagContainerClass)
	if props, err = s.Props(ctx); err != nil {
		t.Fatal(err)
	}
	compare(OfStore, props)
	if err := f.Delete(ctx, []mapi.EntryID{id}, false); err != nil {
		t.Fatal(err)
	}
	var columns []mapi.Key
	for _, c := range Computed {
		if c.Of == OfItem {
			columns = append(columns, mapi.TagKey(c.Tag))
		}
	}
	for row, err := range f.Rows(ctx, mapi.Query{Kind: mapi.SoftDeleted, Columns: columns}) {
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range row.Values {
			if v == nil || mapi.CheckValue(columns[i].Type(), v) != nil {
				t.Errorf("column %v (%s) is %T", columns[i], pid.Name(columns[i]), v)
			}
		}
	}
}

func TestPurge(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	a, b := add(t, f, mail("a")), add(t, f, mail("b"))
	if err := f.Delete(ctx, []mapi.EntryID{a}, false); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Purge(ctx, 0); n != 0 || err != nil {
		t.Errorf("nothing is that old: %d %v", n, err)
	}
	if n, err := s.Purge(ctx, mapi.NewFileTime(time.Now().Add(time.Hour))); n != 1 || err != nil {
		t.Errorf("purged %d %v", n, err)
	}
	read(t, f, b)
	check(t, s)
}

func TestSubjects(t *testing.T) {
	s := newStore(t)
	f := inbox(t, s)
	const absent = "-"
	for _, c := range []struct{ subject, prefix, normalized, wantSubject, wantPrefix, wantNormalized string }{
		{"RE: lunch", absent, absent, "RE: lunch", "RE: ", "lunch"},
		{"Ödp: x", absent, absent, "Ödp: x", "Ödp: ", "x"},
		{"Fwd2: x", absent, absent, "Fwd2: x", "", "Fwd2: x"},
		{"R2: x", absent, absent, "R2: x", "", "R2: x"},
		{"Note: x", absent, absent, "Note: x", "", "Note: x"},
		{"RE:x", absent, absent, "RE:x", "", "RE:x"},
		{"", absent, absent, "", "", ""},
		{absent, "RE: ", "lunch", "RE: lunch", "RE: ", "lunch"},
		{absent, absent, "lunch", "lunch", "", "lunch"},
		{"Answer: lunch", "Answer: ", absent, "Answer: lunch", "Answer: ", "lunch"},
		{"Answer: lunch", absent, "lunch", "Answer: lunch", "Answer: ", "lunch"},
		{"these", "do not", "fit", "these", "do not", "fit"},
	} {
		it := &mapi.Item{}
		for tag, v := range map[mapi.Tag]string{pid.TagSubject: c.subject, pid.TagSubjectPrefix: c.prefix, pid.TagNormalizedSubject: c.normalized} {
			if v != absent {
				it.Props.Set(mapi.TagKey(tag), v)
			}
		}
		got := read(t, f, add(t, f, it)).Props
		if a, b, d := got.Text(pid.TagSubject), got.Text(pid.TagSubjectPrefix), got.Text(pid.TagNormalizedSubject); a != c.wantSubject || b != c.wantPrefix || d != c.wantNormalized {
			t.Errorf("%q %q %q: became %q %q %q", c.subject, c.prefix, c.normalized, a, b, d)
		}
	}
	id := add(t, f, mail("RE: old"))
	update := func(tag mapi.Tag, v string, want string) {
		t.Helper()
		if err := f.Update(context.Background(), id, mapi.Props{{Key: mapi.TagKey(tag), Value: v}}, nil); err != nil {
			t.Fatal(err)
		}
		p := read(t, f, id).Props
		if got := p.Text(pid.TagSubject) + "|" + p.Text(pid.TagSubjectPrefix) + "|" + p.Text(pid.TagNormalizedSubject); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	update(pid.TagSubject, "AW: new", "AW: new|AW: |new")
	update(pid.TagNormalizedSubject, "newer", "newer||newer")
	update(pid.TagSubjectPrefix, "WG: ", "WG: newer|WG: |newer")
	update(pid.TagSubject, "plain", "plain||plain")
}
