package storetest

import (
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// testBulk writes many items in one run, some of them dropped half way, and reads them in bulk.
func (f *fixture) testBulk() {
	dir := f.folder()
	bulk, ok := dir.(mapi.BulkWriter)
	if !ok {
		f.Skip("this store takes items one by one only")
	}
	w, err := bulk.WriteAll(f.ctx, mapi.Normal)
	f.must(err)
	defer w.Close()

	number := mapi.NamedKey(mapi.PropName{Set: set, Name: "number in the run"}, mapi.TypeInt32)
	var want []*mapi.Item
	for i, s := range SampleItems() {
		if s.Kind != mapi.Normal {
			continue
		}
		if i%4 == 1 { // an item that breaks off: a small one, which is still here, then a large one, which is on its way
			f.must(mail("half an item", pid.TagHtml, seeded("dropped", []int{10, 100_000}[i/4%2])).WriteTo(w))
			f.must(w.Attachment())
			f.must(w.Drop())
		}
		it := clone(s.Item)
		it.Props.Set(number, int32(len(want)))
		f.must(it.WriteTo(w))
		f.must(w.Next())
		if i%5 == 0 {
			f.must(w.Flush())
		}
		want = append(want, it)
	}
	f.must(w.Flush())
	f.must(w.Close())

	var ids []mapi.EntryID
	for _, r := range f.rows(dir, mapi.Query{}) {
		ids = append(ids, r.ID)
	}
	if len(ids) != len(want) {
		f.Errorf("%d items, want %d", len(ids), len(want))
	}
	seen := map[int32]bool{}
	for id, read := range mapi.ReadAll(f.ctx, dir, ids) {
		var b mapi.ItemBuilder
		if err := read(&b); err != nil {
			f.Errorf("read item %x: %v", id, err)
			continue
		}
		n, ok := b.Item.Props.Get(number).(int32)
		if !ok || int(n) >= len(want) || seen[n] {
			f.Errorf("an item that was not written: %q", b.Item.Props.Text(pid.TagSubject))
			continue
		}
		seen[n] = true
		f.same("item "+want[n].Props.Text(pid.TagSubject), want[n], &b.Item)
	}
}
