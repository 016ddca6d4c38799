package storetest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func (f *fixture) testSamples() {
	dir := f.folder()
	for _, s := range SampleItems() {
		if s.Kind == mapi.Normal || !f.o.NoAssociated {
			f.check(s.Name, func(f *fixture) { f.roundTrip(dir, s.Kind, s.Name, s.Item) })
		}
	}
}

// testRecipients writes more recipients than a row count of 8 or a page of 16 bits takes.
func (f *fixture) testRecipients() {
	f.roundTrip(f.folder(), mapi.Normal, "item with many recipients", mailToMany(f.o.Recipients))
}

func (f *fixture) testAttachments() {
	dir := f.folder()
	it := mail("attached")
	for i, size := range []int{0, 1, 4095, 4096, 4097, mapi.LargeValue - 1, mapi.LargeValue, mapi.LargeValue + 1, 300_000} {
		it.Attachments = append(it.Attachments, file(i, fmt.Sprintf("file %d.bin", i), "application/octet-stream", seeded("attachment", size)))
	}
	f.roundTrip(dir, mapi.Normal, "attachments of many sizes", it)

	it = mail("same names")
	for i := range 3 {
		it.Attachments = append(it.Attachments, file(i, "same.txt", "text/plain", []byte{byte(i)}))
	}
	f.roundTrip(dir, mapi.Normal, "attachments of one name", it)
}

func (f *fixture) testEmbedded() {
	it := htmlMail()
	for i := range f.o.Depth {
		outer := mail(fmt.Sprintf("%d around it", i+1), pid.TagBody, "outer")
		outer.Recipients = []mapi.Props{ada.recipient(0, to), bjorn.recipient(1, cc)}
		outer.Attachments = []*mapi.Attachment{file(0, "before.txt", "text/plain", []byte("before")), embedded(1, it),
			file(2, "after.txt", "text/plain", []byte("after"))}
		it = outer
	}
	f.roundTrip(f.folder(), mapi.Normal, "embedded items", it)
}

func (f *fixture) testAssociated() {
	if f.o.NoAssociated {
		f.Skip("no associated items")
	}
	dir := f.folder()
	f.write(dir, mapi.Normal, mail("normal"))
	id := f.write(dir, mapi.Associated, mail("hidden"))
	if got := f.subjects(dir, mapi.Query{}); !slices.Equal(got, []string{"normal"}) {
		f.Errorf("normal items: %q", got)
	}
	if got := f.subjects(dir, mapi.Query{Kind: mapi.Associated}); !slices.Equal(got, []string{"hidden"}) {
		f.Errorf("associated items: %q", got)
	}
	f.same("associated item", mail("hidden"), f.read(dir, id))
	f.must(dir.Update(f.ctx, id, props(pid.TagSubject, "changed"), nil))
	if got := f.subjects(dir, mapi.Query{Kind: mapi.Associated}); !slices.Equal(got, []string{"changed"}) {
		f.Errorf("associated items after a change: %q", got)
	}
	f.must(dir.Delete(f.ctx, []mapi.EntryID{id}, true))
	if n := f.count(dir, mapi.Associated); n != 0 {
		f.Errorf("%d associated items after deletion", n)
	}
}

// testUncommitted checks that nothing is seen of an item before Commit, nor after Close without it.
func (f *fixture) testUncommitted() {
	dir := f.folder()
	empty := func(when string) {
		f.Helper()
		if n := f.count(dir, mapi.Normal); n != 0 {
			f.Errorf("%d items %s", n, when)
		}
	}
	w, err := dir.Create(f.ctx, mapi.Normal)
	f.must(err)
	empty("after Create")
	f.must(htmlMail().WriteTo(w))
	empty("before Commit")
	f.must(w.Close())
	empty("after Close")
	_, err = w.Commit(f.ctx)
	if err == nil {
		f.Error("a writer could be committed after Close")
	}
	empty("after Commit of a closed writer")

	w, err = dir.Create(f.ctx, mapi.Normal)
	f.must(err)
	f.must(mail("one").WriteTo(w))
	id, err := w.Commit(f.ctx)
	f.must(err)
	f.must(w.Close())
	if err := w.Prop(mapi.TagKey(pid.TagSubject), "late"); err == nil {
		f.Error("a writer took a property after Commit")
	}
	rows := f.rows(dir, mapi.Query{})
	if len(rows) != 1 || rows[0].ID != id {
		f.Errorf("rows %v after Commit said %x", rows, id)
	}
	f.same("committed item", mail("one"), f.read(dir, id))

	if _, err := dir.Create(f.ctx, mapi.SoftDeleted); err == nil {
		f.Error("an item could be created in Recoverable Items")
	}
}

func (f *fixture) testReplace() {
	dir := f.folder()
	old := htmlMail()
	id := f.write(dir, mapi.Normal, old)
	other := f.write(dir, mapi.Normal, mail("other"))

	w, err := dir.Replace(f.ctx, id)
	f.must(err)
	f.must(plainMail().WriteTo(w))
	f.same("item before its new content is committed", old, f.read(dir, id))
	f.must(w.Close())
	f.same("item after its new content was discarded", old, f.read(dir, id))

	w, err = dir.Replace(f.ctx, id)
	f.must(err)
	f.must(plainMail().WriteTo(w))
	got, err := w.Commit(f.ctx)
	f.must(err)
	f.must(w.Close())
	if got != id {
		f.Errorf("the replaced item has id %x, was %x", got, id)
	}
	f.same("replaced item", plainMail(), f.read(dir, id))
	f.same("other item", mail("other"), f.read(dir, other))
	if n := f.count(dir, mapi.Normal); n != 2 {
		f.Errorf("%d items, want 2", n)
	}
}

func (f *fixture) testUpdate() {
	dir := f.folder()
	want := htmlMail()
	id := f.write(dir, mapi.Normal, want)
	set := props(pid.TagSubject, "changed", pid.TagSubjectPrefix, "", pid.TagNormalizedSubject, "changed", pid.TagImportance, int32(2),
		pid.NameKeywords, []string{"new", "words"}, pid.LidReminderSet, true,
		pid.TagTransportMessageHeaders, strings.Repeat("X-Long: header\r\n", 6_000))
	del := []mapi.Key{mapi.TagKey(pid.TagInternetReferences), mapi.TagKey(pid.TagAutoForwardComment)} // the second isn't there
	f.must(dir.Update(f.ctx, id, set, del))
	for _, p := range set {
		want.Props.Set(p.Key, p.Value)
	}
	want.Props.Delete(del[0])
	f.same("changed item", want, f.read(dir, id))
	if got := f.subjects(dir, mapi.Query{}); !slices.Equal(got, []string{"changed"}) {
		f.Errorf("subjects after a change: %q", got)
	}
	f.check("read mark", func(f *fixture) {
		for _, flags := range []int32{0, 1} {
			f.must(dir.Update(f.ctx, id, props(pid.TagMessageFlags, flags), nil))
			for r, err := range dir.Rows(f.ctx, mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagMessageFlags)}}) {
				f.must(err)
				if got, _ := r.Values[0].(int32); got&1 != flags {
					f.Errorf("marked %d, listed as %d", flags, got)
				}
			}
		}
		want.Props.Set(mapi.TagKey(pid.TagMessageFlags), int32(1))
	})
	f.check("body alone", func(f *fixture) {
		set := props(pid.TagBody, strings.Repeat("long ", 20_000))
		f.must(dir.Update(f.ctx, id, set, nil))
		want.Props.Set(set[0].Key, set[0].Value)
		f.same("item with a new body", want, f.read(dir, id))
	})
}

func (f *fixture) testDelete() {
	dir := f.folder()
	var ids []mapi.EntryID
	for i := range 5 {
		ids = append(ids, f.write(dir, mapi.Normal, mail(fmt.Sprint(i))))
	}
	f.must(dir.Delete(f.ctx, nil, true))
	f.must(dir.Delete(f.ctx, []mapi.EntryID{ids[1], ids[3]}, true))
	got := f.subjects(dir, mapi.Query{})
	slices.Sort(got)
	if !slices.Equal(got, []string{"0", "2", "4"}) {
		f.Errorf("left after deletion: %q", got)
	}
	if n := f.count(dir, mapi.SoftDeleted); n != 0 {
		f.Errorf("%d items in Recoverable Items after deletion for good", n)
	}
	_, err := mapi.ReadItem(f.ctx, dir, ids[1])
	f.wants("read a deleted item", err, mapi.ErrNotFound)
	_, err = dir.Replace(f.ctx, ids[1])
	f.wants("replace a deleted item", err, mapi.ErrNotFound)
	f.wants("change a deleted item", dir.Update(f.ctx, ids[1], props(pid.TagSubject, "x"), nil), mapi.ErrNotFound)
	// Whether deleting what is gone is an error is the store's choice, but not which.
	if err := dir.Delete(f.ctx, []mapi.EntryID{ids[1]}, true); err != nil && !errors.Is(err, mapi.ErrNotFound) {
		f.Errorf("delete a deleted item: %v", err)
	}
}

func (f *fixture) testSoftDelete() {
	dir := f.folder()
	id := f.write(dir, mapi.Normal, htmlMail())
	f.write(dir, mapi.Normal, mail("stays"))
	f.must(dir.Delete(f.ctx, []mapi.EntryID{id}, false))
	if got := f.subjects(dir, mapi.Query{}); !slices.Equal(got, []string{"stays"}) {
		f.Errorf("left after deletion: %q", got)
	}
	rows := f.rows(dir, mapi.Query{Kind: mapi.SoftDeleted})
	if f.o.NoSoftDelete {
		if len(rows) != 0 {
			f.Errorf("%d items in Recoverable Items of a store that has none", len(rows))
		}
		_, err := mapi.ReadItem(f.ctx, dir, id)
		f.wants("read a deleted item", err, mapi.ErrNotFound)
		return
	}
	if len(rows) != 1 {
		f.Fatalf("%d items in Recoverable Items, want 1", len(rows))
	}
	f.same("soft-deleted item", htmlMail(), f.read(dir, rows[0].ID))
	f.must(dir.Delete(f.ctx, []mapi.EntryID{rows[0].ID}, true))
	if n := f.count(dir, mapi.SoftDeleted); n != 0 {
		f.Errorf("%d items in Recoverable Items after they were deleted for good", n)
	}
	_, err := mapi.ReadItem(f.ctx, dir, rows[0].ID)
	f.wants("read an item deleted for good", err, mapi.ErrNotFound)
}

// stopper is a sink that fails at its n-th call.
type stopper struct {
	left int
	err  error
}

func (s *stopper) call() error {
	if s.left--; s.left < 0 {
		return s.err
	}
	return nil
}

func (s *stopper) Prop(mapi.Key, mapi.Value) error { return s.call() }
func (s *stopper) Stream(_ mapi.Key, _ int64, r io.Reader) error {
	if err := s.call(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, r)
	return err
}
func (s *stopper) Recipient() error  { return s.call() }
func (s *stopper) Attachment() error { return s.call() }
func (s *stopper) Embedded() error   { return s.call() }
func (s *stopper) End() error        { return s.call() }

// testSinkStops checks that an error of the sink ends the reading of an item and comes back.
func (f *fixture) testSinkStops() {
	dir := f.folder()
	id := f.write(dir, mapi.Normal, forwardedMail())
	all := &stopper{left: 1 << 30}
	f.must(dir.Read(f.ctx, id, all))
	calls := 1<<30 - all.left
	for n := 0; n < calls; n += 1 + calls/50 {
		s := &stopper{left: n, err: errors.New("enough")}
		err := dir.Read(f.ctx, id, s)
		if !errors.Is(err, s.err) {
			f.Errorf("the sink failed at call %d of %d and Read says %v", n, calls, err)
		}
		if s.left < -1 {
			f.Errorf("the sink was called %d times after it had failed", -1-s.left)
		}
	}
	f.same("item after broken reading", forwardedMail(), f.read(dir, id))
}

// testReopen checks that what was committed outlives the store's closing, and nothing else.
func (f *fixture) testReopen() {
	if f.o.Reopen == nil {
		f.Skip("nothing outlives this store")
	}
	dir := f.folder()
	sub, err := dir.CreateFolder(f.ctx, "kept", props(pid.TagContainerClass, "IPF.Contact"))
	f.must(err)
	id := f.write(sub, mapi.Normal, forwardedMail())
	soft := f.write(sub, mapi.Normal, mail("soft"))
	f.must(sub.Delete(f.ctx, []mapi.EntryID{soft}, false))
	w, err := sub.Create(f.ctx, mapi.Normal)
	f.must(err)
	f.must(htmlMail().WriteTo(w))

	f.s = f.o.Reopen(f.T, f.s)
	sub = f.open(sub.ID())
	rows := f.rows(sub, mapi.Query{})
	if len(rows) != 1 || rows[0].ID != id {
		f.Fatalf("%d items after reopening, want the one that was committed", len(rows))
	}
	f.same("item after reopening", forwardedMail(), f.read(sub, id))
	if n := f.count(sub, mapi.SoftDeleted); (n == 1) == f.o.NoSoftDelete {
		f.Errorf("%d items in Recoverable Items after reopening", n)
	}
	if info := f.infos(f.open(sub.Parent()))["kept"]; info.Class != "IPF.Contact" || info.Items != 1 {
		f.Errorf("the folder is listed as %+v after reopening", info)
	}
	f.write(sub, mapi.Normal, mail("later"))
	if n := f.count(sub, mapi.Normal); n != 2 {
		f.Errorf("%d items after one more, want 2", n)
	}
}
