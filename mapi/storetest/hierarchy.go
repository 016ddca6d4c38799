package storetest

import (
	"context"
	"errors"
	"slices"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// maxWalkDepth ends a walk through folders that contain themselves.
const maxWalkDepth = 100

// testWalk goes through all that the store holds and checks that its lists agree with each other.
func (f *fixture) testWalk() {
	if !f.o.ReadOnly {
		dir := f.folder()
		sub, err := dir.CreateFolder(f.ctx, "below", nil)
		f.must(err)
		for _, s := range SampleItems() {
			if s.Kind == mapi.Normal || !f.o.NoAssociated {
				f.write(sub, s.Kind, s.Item)
			}
		}
	}
	root, err := f.s.Special(f.ctx, mapi.RoleRoot)
	f.must(err)
	top, err := f.s.Special(f.ctx, mapi.RoleIPM)
	f.must(err)
	if p := f.open(root).Parent(); p != root {
		f.Errorf("the root's parent is %x, want itself, %x", p, root)
	}
	seen := map[mapi.EntryID]bool{}
	f.walk(root, root, 0, seen)
	if !seen[top] {
		f.Error("the visible root isn't below the root")
	}
	if _, err := f.s.Props(f.ctx); err != nil {
		f.Errorf("properties of the store: %v", err)
	}
}

func (f *fixture) walk(id, parent mapi.EntryID, depth int, seen map[mapi.EntryID]bool) {
	if seen[id] || depth > maxWalkDepth {
		f.Fatalf("folder %x is met twice or too deep", id)
	}
	seen[id] = true
	dir := f.open(id)
	if dir.ID() != id || dir.Parent() != parent {
		f.Errorf("folder %x below %x says that it is %x below %x", id, parent, dir.ID(), dir.Parent())
	}
	_, err := dir.Props(f.ctx)
	f.must(err)
	for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		f.walkItems(dir, k)
	}
	for info, err := range dir.Folders(f.ctx) {
		f.must(err)
		below := f.open(info.ID)
		if n := f.count(below, mapi.Normal); n != info.Items && !info.Search {
			f.Errorf("folder %q lists %d items and says %d", info.Name, n, info.Items)
		}
		if n := f.count(below, mapi.Associated); n != info.Associated && !info.Search {
			f.Errorf("folder %q lists %d associated items and says %d", info.Name, n, info.Associated)
		}
		if info.Unread > info.Items {
			f.Errorf("folder %q has %d unread of %d items", info.Name, info.Unread, info.Items)
		}
		if n := len(f.infos(below)); (n > 0) != info.HasChildren {
			f.Errorf("folder %q has %d folders below and says %v", info.Name, n, info.HasChildren)
		}
		f.walk(info.ID, id, depth+1, seen)
	}
}

// walkItems checks that a list is the same in windows as in one piece, and that every item reads the same twice.
func (f *fixture) walkItems(dir mapi.Folder, k mapi.Kind) {
	rows := f.rows(dir, mapi.Query{Kind: k, Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}})
	ids := map[mapi.EntryID]bool{}
	for _, r := range rows {
		if ids[r.ID] {
			f.Errorf("%v item %x is listed twice", k, r.ID)
		}
		ids[r.ID] = true
	}
	const window = 7
	for i := 0; i < len(rows); i += window {
		part := f.rows(dir, mapi.Query{Kind: k, Offset: i, Limit: window})
		want := rows[i:min(i+window, len(rows))]
		if !slices.EqualFunc(part, want, func(a, b mapi.Row) bool { return a.ID == b.ID }) {
			f.Errorf("%v rows %d to %d differ from the same rows of the whole list", k, i, i+len(want))
		}
	}
	for _, r := range rows {
		if d := DiffItems(f.read(dir, r.ID), f.read(dir, r.ID)); d != "" {
			f.Errorf("%v item %x reads differently the second time:\n%s", k, r.ID, d)
		}
	}
}

func (f *fixture) testSpecial() {
	seen := map[mapi.EntryID]mapi.Role{}
	for _, r := range mapi.Roles {
		must := r == mapi.RoleRoot || r == mapi.RoleIPM || slices.Contains(f.o.Roles, r)
		id, err := f.s.Special(f.ctx, r)
		if errors.Is(err, mapi.ErrNotFound) && !must {
			continue
		}
		if err != nil {
			f.Errorf("special folder %s: %v", r, err)
			continue
		}
		if other, ok := seen[id]; ok && other != mapi.RoleRoot {
			f.Errorf("%s and %s are the same folder", other, r)
		}
		seen[id] = r
		if got := f.open(id).ID(); got != id {
			f.Errorf("special folder %s: opened %x, got %x", r, id, got)
		}
	}
	_, err := f.s.Special(f.ctx, "no such role")
	f.wants("special folder of an unknown role", err, mapi.ErrNotFound)
}

// testMissing asks for what isn't there. Ids that were never given out may also be called invalid.
func (f *fixture) testMissing() {
	codes := []mapi.Code{mapi.ErrNotFound, mapi.ErrInvalidEntryID}
	for _, id := range []mapi.EntryID{"", "x", mapi.EntryID(make([]byte, 46))} {
		_, err := f.s.Folder(f.ctx, id)
		f.wants("open an unknown folder", err, codes...)
		_, err = mapi.ReadItem(f.ctx, f.special(mapi.RoleIPM), id)
		f.wants("read an unknown item", err, codes...)
	}
}

// testCancelled checks that a cancelled call fails as cancelled, if it fails.
func (f *fixture) testCancelled() {
	dir := f.special(mapi.RoleIPM)
	if !f.o.ReadOnly {
		dir = f.folder()
		f.write(dir, mapi.Normal, mail("one"))
	}
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	check := func(what string, err error) {
		if err != nil && !errors.Is(err, context.Canceled) {
			f.Errorf("%s when cancelled: %v, want context.Canceled", what, err)
		}
	}
	_, err := f.s.Props(ctx)
	check("properties", err)
	for _, err := range dir.Rows(ctx, mapi.Query{}) {
		check("list items", err)
	}
	for _, err := range dir.Folders(ctx) {
		check("list folders", err)
	}
	if !f.o.ReadOnly {
		_, err = dir.CreateFolder(ctx, "below", nil)
		check("create folder", err)
		_, err = mapi.WriteItem(ctx, dir, mapi.Normal, mail("two"))
		check("write item", err)
		n := f.count(dir, mapi.Normal)
		if want := 1 + map[bool]int{true: 1}[err == nil]; n != want {
			f.Errorf("%d items after a cancelled write that said %v, want %d", n, err, want)
		}
	}
}

func (f *fixture) testFolders() {
	dir := f.folder()
	names := []string{"first", "Zweiter – für alle", "第三 📁", "with / and \\ and : and %41", "trailing dot."}
	for _, n := range names {
		sub, err := dir.CreateFolder(f.ctx, n, props(pid.TagContainerClass, "IPF.Contact"))
		if err != nil {
			f.Errorf("create folder %q: %v", n, err)
			continue
		}
		if sub.Parent() != dir.ID() {
			f.Errorf("folder %q is not below its parent", n)
		}
	}
	infos := f.infos(dir)
	if len(infos) != len(names) {
		f.Errorf("%d folders are listed, want %d", len(infos), len(names))
	}
	for _, n := range names {
		info, ok := infos[n]
		if !ok {
			f.Errorf("folder %q isn't listed under its name", n)
			continue
		}
		if info.Class != "IPF.Contact" || info.Items != 0 || info.HasChildren {
			f.Errorf("folder %q is listed as %+v", n, info)
		}
		ps, err := f.open(info.ID).Props(f.ctx)
		f.must(err)
		if got := ps.Text(pid.TagDisplayName); got != n {
			f.Errorf("folder %q has the display name %q", n, got)
		}
	}
	f.check("long name", func(f *fixture) {
		long := longName()
		sub, err := dir.CreateFolder(f.ctx, long, nil)
		f.must(err)
		ps, err := f.open(sub.ID()).Props(f.ctx)
		f.must(err)
		if got := ps.Text(pid.TagDisplayName); got != long || f.infos(dir)[long].ID != sub.ID() {
			f.Errorf("a folder with a name of %d letters has one of %d", len(long), len(got))
		}
	})
	at := dir
	for range 10 {
		sub, err := at.CreateFolder(f.ctx, "deeper", nil)
		f.must(err)
		at = sub
	}
	if !f.infos(dir)["deeper"].HasChildren {
		f.Error("a folder with folders below says that it has none")
	}
	_, err := dir.CreateFolder(f.ctx, "", nil)
	f.wants("create a folder without name", err, mapi.ErrInvalidParameter)
}

// longName is a name as long as Exchange's clients let folders have.
func longName() string {
	b := make([]byte, 255)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return string(b)
}

func (f *fixture) testFolderProps() {
	dir := f.folder()
	sub, err := dir.CreateFolder(f.ctx, "old name", props(pid.TagComment, "first"))
	f.must(err)
	set := props(pid.TagDisplayName, "new name", pid.TagComment, "second", pid.TagContainerClass, "IPF.Task")
	custom := mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "storetest"}, mapi.TypeInt32)
	if !f.o.NoFolderProps {
		set.Set(mapi.TagKey(pid.TagAttributeHidden), true)
	}
	f.must(sub.SetProps(f.ctx, set, nil))
	ps, err := f.open(sub.ID()).Props(f.ctx)
	f.must(err)
	for _, p := range set {
		if f.o.NoFolderProps && p.Key.Tag == pid.TagComment {
			continue
		}
		if got := ps.Get(p.Key); got != p.Value {
			f.Errorf("%s of the folder is %v, want %v", keyName(p.Key), got, p.Value)
		}
	}
	infos := f.infos(dir)
	if info := infos["new name"]; len(infos) != 1 || info.ID != sub.ID() || info.Class != "IPF.Task" || info.Hidden == f.o.NoFolderProps {
		f.Errorf("the renamed folder is listed as %+v", infos)
	}
	if !f.o.NoFolderProps {
		f.check("named", func(f *fixture) {
			f.must(sub.SetProps(f.ctx, mapi.Props{{Key: custom, Value: int32(7)}}, nil))
			ps, err := sub.Props(f.ctx)
			f.must(err)
			if got := ps.Get(custom); got != int32(7) {
				f.Errorf("%s of the folder is %v, want 7", keyName(custom), got)
			}
		})
	}
	f.must(sub.SetProps(f.ctx, props(pid.TagContentCount, int32(99)), []mapi.Key{custom, mapi.TagKey(pid.TagComment)}))
	ps, err = sub.Props(f.ctx)
	f.must(err)
	if ps.Get(custom) != nil || ps.Text(pid.TagComment) != "" {
		f.Error("a deleted folder property is still there")
	}
	if n := ps.Tag(pid.TagContentCount); n == int32(99) {
		f.Error("a computed folder property could be set")
	}
}

func (f *fixture) testFolderCollision() {
	dir := f.folder()
	for _, name := range []string{"Archive", "Größe"} {
		_, err := dir.CreateFolder(f.ctx, name, nil)
		f.must(err)
	}
	for _, name := range []string{"Archive", "archive", "ARCHIVE", "Größe"} {
		_, err := dir.CreateFolder(f.ctx, name, nil)
		f.wants("create folder "+name+" again", err, mapi.ErrCollision)
	}
	f.check("letters beyond ASCII", func(f *fixture) {
		_, err := dir.CreateFolder(f.ctx, "GRÖßE", nil)
		f.wants("create folder Größe again", err, mapi.ErrCollision)
	})
	other, err := dir.CreateFolder(f.ctx, "Other", nil)
	f.must(err)
	_, err = other.CreateFolder(f.ctx, "Archive", nil)
	f.must(err) // the name is taken elsewhere only
	if n := len(f.infos(dir)); n != 3 {
		f.Errorf("%d folders after collisions, want 3", n)
	}
}

func (f *fixture) testFolderDelete() {
	dir := f.folder()
	sub, err := dir.CreateFolder(f.ctx, "doomed", nil)
	f.must(err)
	deep, err := sub.CreateFolder(f.ctx, "with it", nil)
	f.must(err)
	f.write(sub, mapi.Normal, mail("one"))
	f.write(deep, mapi.Normal, mail("two"))
	_, err = dir.CreateFolder(f.ctx, "survivor", nil)
	f.must(err)

	f.wants("delete a folder that isn't directly below", dir.DeleteFolder(f.ctx, deep.ID()), mapi.ErrNotFound)
	f.must(dir.DeleteFolder(f.ctx, sub.ID()))
	_, err = f.s.Folder(f.ctx, sub.ID())
	f.wants("open a deleted folder", err, mapi.ErrNotFound)
	_, err = f.s.Folder(f.ctx, deep.ID())
	f.wants("open a folder below a deleted one", err, mapi.ErrNotFound)
	f.wants("delete a folder twice", dir.DeleteFolder(f.ctx, sub.ID()), mapi.ErrNotFound)
	if infos := f.infos(dir); len(infos) != 1 || infos["survivor"].ID == "" {
		f.Errorf("folders left: %v", infos)
	}
	_, err = dir.CreateFolder(f.ctx, "doomed", nil)
	f.must(err) // the name is free again
}

func (f *fixture) testFolderCounts() {
	dir := f.folder()
	sub, err := dir.CreateFolder(f.ctx, "counted", nil)
	f.must(err)
	f.write(sub, mapi.Normal, mail("read", pid.TagMessageFlags, int32(1)))
	f.write(sub, mapi.Normal, mail("unread", pid.TagMessageFlags, int32(0)))
	gone := f.write(sub, mapi.Normal, mail("unread, then deleted", pid.TagMessageFlags, int32(0)))
	want := mapi.FolderInfo{ID: sub.ID(), Name: "counted", Items: 3, Unread: 2}
	if !f.o.NoAssociated {
		f.write(sub, mapi.Associated, mail("settings"))
		want.Associated = 1
	}
	check := func() {
		f.Helper()
		got := f.infos(dir)["counted"]
		got.Class = ""
		if got != want {
			f.Errorf("listed as %+v, want %+v", got, want)
		}
		ps, err := f.open(sub.ID()).Props(f.ctx)
		f.must(err)
		for t, n := range map[mapi.Tag]int{pid.TagContentCount: want.Items, pid.TagContentUnreadCount: want.Unread} {
			if v := ps.Tag(t); v != int32(n) {
				f.Errorf("%s is %v, want %d", pid.Name(mapi.TagKey(t)), v, n)
			}
		}
	}
	check()
	f.must(sub.Delete(f.ctx, []mapi.EntryID{gone}, false))
	want.Items, want.Unread = 2, 1
	check()
}

// testRefusals tries to change a store that refuses changes.
func (f *fixture) testRefusals() {
	codes := []mapi.Code{mapi.ErrNoSupport, mapi.ErrNoAccess}
	dir := f.special(mapi.RoleIPM)
	_, err := dir.CreateFolder(f.ctx, "storetest", nil)
	f.wants("create folder", err, codes...)
	f.wants("change folder", dir.SetProps(f.ctx, props(pid.TagComment, "x"), nil), codes...)
	for _, info := range f.infos(dir) {
		f.wants("delete folder", dir.DeleteFolder(f.ctx, info.ID), codes...)
	}
	_, err = dir.Create(f.ctx, mapi.Normal)
	f.wants("create item", err, codes...)
	f.refuseChanges(f.special(mapi.RoleRoot), codes)
}

// refuseChanges tries to change an item of each folder.
func (f *fixture) refuseChanges(dir mapi.Folder, codes []mapi.Code) {
	for _, r := range f.rows(dir, mapi.Query{Limit: 1}) {
		_, err := dir.Replace(f.ctx, r.ID)
		f.wants("replace item", err, codes...)
		f.wants("change item", dir.Update(f.ctx, r.ID, props(pid.TagSubject, "x"), nil), codes...)
		f.wants("delete item", dir.Delete(f.ctx, []mapi.EntryID{r.ID}, true), codes...)
		f.read(dir, r.ID)
	}
	for _, info := range f.infos(dir) {
		f.refuseChanges(f.open(info.ID), codes)
	}
}
