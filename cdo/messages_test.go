package cdo_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// numbered makes a folder with n messages "0000", "0001", ... of which every third is an IPM.Post.
func numbered(w *world, n int) *cdo.Folder {
	w.Helper()
	top := get(get(w.session.InfoStores(w.ctx))(w).Item(1).RootFolder(w.ctx))(w)
	f := get(top.Folders().Add(w.ctx, "numbered"))(w)
	id := entryID(w.T, f.ID())
	dir, err := w.store.Folder(w.ctx, id)
	w.must(err)
	for i := range n {
		class := "IPM.Note"
		if i%3 == 2 {
			class = "IPM.Post"
		}
		day := mapi.NewFileTime(time.Date(2020, 1, 1, 0, n-i, 0, 0, time.UTC))
		_, err := mapi.WriteItem(w.ctx, dir, mapi.Normal, &mapi.Item{Props: mapi.Props{
			{Key: mapi.TagKey(pid.TagMessageClass), Value: class},
			{Key: mapi.TagKey(pid.TagSubject), Value: fmt.Sprintf("%04d", i)},
			{Key: mapi.TagKey(pid.TagMessageFlags), Value: int32(i % 2)},
			{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: day},
		}})
		w.must(err)
	}
	return f
}

// walk collects the subjects that a first call and its successors give until Nothing.
func walk(w *world, first, next func() (*cdo.Message, error)) []string {
	w.Helper()
	var out []string
	for m, err := first(); ; m, err = next() {
		w.must(err)
		if m == nil {
			return out
		}
		out = append(out, get(m.Subject(w.ctx))(w))
	}
}

func forward(w *world, c *cdo.Messages, class string) []string {
	return walk(w, func() (*cdo.Message, error) { return c.GetFirst(w.ctx, class) }, func() (*cdo.Message, error) { return c.GetNext(w.ctx) })
}

func backward(w *world, c *cdo.Messages, class string) []string {
	return walk(w, func() (*cdo.Message, error) { return c.GetLast(w.ctx, class) }, func() (*cdo.Message, error) { return c.GetPrevious(w.ctx) })
}

func sequence(n int, step func(i int) bool) []string {
	var out []string
	for i := range n {
		if step == nil || step(i) {
			out = append(out, fmt.Sprintf("%04d", i))
		}
	}
	return out
}

func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// Reference 1.2, 1.6: traversal, positions, sort order and restriction, across windows of rows.
func TestMessagesTraversal(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 33, 250} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t)
			f := numbered(w, n)
			c := f.Messages()
			all := sequence(n, nil)
			posts := sequence(n, func(i int) bool { return i%3 == 2 })
			same := func(what string, got, want []string) {
				t.Helper()
				if !slices.Equal(got, want) {
					t.Errorf("%s: %d items %.60q, want %d %.60q", what, len(got), fmt.Sprint(got), len(want), fmt.Sprint(want))
				}
			}
			w.must(c.Sort(cdo.CdoAscending, cdo.CdoPR_SUBJECT))
			same("ascending", forward(w, c, ""), all)
			same("ascending from the end", backward(w, c, ""), reversed(all))
			same("posts", forward(w, c, "IPM.Post"), posts)
			same("posts from the end", backward(w, c, "IPM.Post"), reversed(posts))
			same("again all", forward(w, c, ""), all)
			w.must(c.Sort(cdo.CdoDescending, 0)) // the property of the previous Sort
			same("descending", forward(w, c, ""), reversed(all))
			var got []string
			for m, err := range c.All(w.ctx) {
				w.must(err)
				got = append(got, get(m.Subject(w.ctx))(w))
			}
			same("All", got, reversed(all))
			// Every collection is its own: a new one isn't sorted, and sorts by delivery time when it isn't told (1.2).
			fresh := f.Messages()
			w.must(fresh.Sort(cdo.CdoAscending, 0))
			same("by delivery time", forward(w, fresh, ""), reversed(all))

			if got := get(c.Count(w.ctx))(w); got != n {
				t.Errorf("Count is %d", got)
			}
			w.must(c.Sort(cdo.CdoAscending, cdo.CdoPR_SUBJECT))
			for _, i := range []int{1, n / 2, n, n + 1, n + 100} {
				m := get(c.Item(w.ctx, max(i, 1)))(w)
				switch inside := max(i, 1) <= n; {
				case inside != (m != nil):
					t.Errorf("Item(%d) is %v", i, m)
				case inside:
					if s := get(m.Subject(w.ctx))(w); s != all[max(i, 1)-1] {
						t.Errorf("Item(%d) is %s", i, s)
					}
				}
			}
			c.SetRestriction(mapi.ResBitMask{NonZero: true, Key: mapi.TagKey(pid.TagMessageFlags), Mask: 1})
			odd := sequence(n, func(i int) bool { return i%2 == 1 })
			same("restricted", walk(w, func() (*cdo.Message, error) { return c.GetNext(w.ctx) }, func() (*cdo.Message, error) { return c.GetNext(w.ctx) }), odd)
			if got := get(c.Count(w.ctx))(w); got != len(odd) {
				t.Errorf("Count is %d with a restriction", got)
			}
			c.SetRestriction(nil)
			same("widened", forward(w, c, ""), all)
		})
	}
}

// A walk in both directions from any place.
func TestMessagesTurn(t *testing.T) {
	w := newWorld(t)
	c := numbered(w, 100).Messages()
	w.must(c.Sort(cdo.CdoAscending, cdo.CdoPR_SUBJECT))
	get(c.Item(w.ctx, 50))(w)
	for _, step := range []struct {
		call func(context.Context) (*cdo.Message, error)
		want string
	}{
		{c.GetNext, "0050"}, {c.GetPrevious, "0049"}, {c.GetPrevious, "0048"}, {c.GetNext, "0049"},
		{func(ctx context.Context) (*cdo.Message, error) { return c.Item(ctx, 1) }, "0000"}, {c.GetPrevious, ""}, {c.GetPrevious, ""}, {c.GetNext, "0000"},
		{func(ctx context.Context) (*cdo.Message, error) { return c.GetLast(ctx, "") }, "0099"}, {c.GetNext, ""}, {c.GetNext, ""}, {c.GetPrevious, "0099"}, {c.GetPrevious, "0098"},
	} {
		m := get(step.call(w.ctx))(w)
		got := ""
		if m != nil {
			got = get(m.Subject(w.ctx))(w)
		}
		if got != step.want {
			t.Fatalf("got %q, want %q", got, step.want)
		}
	}
}

// Reference 1.6 Item: with a string the next message from the current position on whose sort property isn't before it.
func TestMessagesFind(t *testing.T) {
	w := newWorld(t)
	c := numbered(w, 100).Messages()
	_, err := c.Find(w.ctx, "x")
	want(t, "Find in the default order", err, cdo.CdoE_INVALID_PARAMETER)
	w.must(c.Sort(cdo.CdoAscending, cdo.CdoPR_SUBJECT))
	for _, step := range []struct{ find, want string }{{"0042", "0042"}, {"0042", "0043"}, {"00425", "0044"}, {"007", "0070"}, {"0001", "0071"}, {"01", ""}} {
		m := get(c.Find(w.ctx, step.find))(w)
		got := ""
		if m != nil {
			got = get(m.Subject(w.ctx))(w)
		}
		if got != step.want {
			t.Errorf("Find(%q) is %q, want %q", step.find, got, step.want)
		}
	}
}

// Reference 1.2: members are renumbered at once when one is deleted. With GetNext none is skipped, by index programs go downwards.
func TestDeleteWhileWalking(t *testing.T) {
	eachStore(t, func(w *world) {
		f := numbered(w, 100)
		c := f.Messages()
		w.must(c.Sort(cdo.CdoAscending, cdo.CdoPR_SUBJECT))
		var seen []string
		for m, err := c.GetFirst(w.ctx, ""); m != nil; m, err = c.GetNext(w.ctx) {
			w.must(err)
			s := get(m.Subject(w.ctx))(w)
			seen = append(seen, s)
			if s[3] != '7' {
				w.must(m.Delete(w.ctx, false))
			}
		}
		if !slices.Equal(seen, sequence(100, nil)) {
			w.Errorf("%d messages were seen: %.80v", len(seen), seen)
		}
		if n := get(f.Messages().Count(w.ctx))(w); n != 10 {
			w.Errorf("%d are left", n)
		}
		c = f.Messages()
		for i := get(c.Count(w.ctx))(w); i > 0; i-- {
			w.must(get(c.Item(w.ctx, i))(w).Delete(w.ctx, false))
		}
		if n := get(f.Messages().Count(w.ctx))(w); n != 0 {
			w.Errorf("%d are left", n)
		}
	})
}

// Reference 1.6 Delete: all members, and only those; the collection stays usable. Hidden messages are another list (1.5).
func TestMessagesDelete(t *testing.T) {
	w := newWorld(t)
	f := numbered(w, 50)
	hidden := f.HiddenMessages()
	w.must(hidden.Add("settings", "", "IPM.Configuration.Test").Update(w.ctx, true, false))
	if n := get(hidden.Count(w.ctx))(w); n != 1 {
		t.Errorf("%d hidden messages", n)
	}
	c := f.Messages()
	c.SetRestriction(mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Post"})
	w.must(c.Delete(w.ctx))
	if m := get(c.GetFirst(w.ctx, ""))(w); m != nil {
		t.Error("a deleted message is still there")
	}
	if n := get(f.Messages().Count(w.ctx))(w); n != 50-16 {
		t.Errorf("%d messages are left", n)
	}
	w.must(f.Messages().Delete(w.ctx))
	if n, h := get(f.Messages().Count(w.ctx))(w), get(f.HiddenMessages().Count(w.ctx))(w); n != 0 || h != 1 {
		t.Errorf("%d messages and %d hidden ones are left", n, h)
	}
	w.must(hidden.Delete(w.ctx))
	if h := get(f.HiddenMessages().Count(w.ctx))(w); h != 0 {
		t.Errorf("%d hidden messages are left", h)
	}
}

func TestMessagesErrors(t *testing.T) {
	w := newWorld(t)
	c := w.inbox().Messages()
	_, err := c.Item(w.ctx, 0)
	want(t, "Item(0)", err, cdo.CdoE_INVALID_PARAMETER)
	want(t, "Sort(3)", c.Sort(3, 0), cdo.CdoE_INVALID_PARAMETER)
	// Reference 1.7: an unsupported criterion is an error of the Get methods, not when it is set.
	var deep mapi.Restriction = mapi.ResExist{Key: mapi.TagKey(pid.TagSubject)}
	for range 300 {
		deep = mapi.ResNot{Res: deep}
	}
	c.SetRestriction(deep)
	_, err = c.GetFirst(w.ctx, "")
	want(t, "a restriction 300 deep", err, cdo.CdoE_TOO_COMPLEX)
}

// counting counts the questions that are asked of a store.
type counting struct {
	*memstore.Store
	rows, reads int
}

func (c *counting) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	f, err := c.Store.Folder(ctx, id)
	return &countingFolder{f, c}, err
}

type countingFolder struct {
	mapi.Folder
	c *counting
}

func (f *countingFolder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	f.c.rows++
	return f.Folder.Rows(ctx, q)
}

func (f *countingFolder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	f.c.reads++
	return f.Folder.Read(ctx, id, w)
}

// Reference 0 "Late loading", "Property cache": a list is shown from the table, and a message is read once.
func TestListsReadNoItems(t *testing.T) {
	store := &counting{Store: memstore.New(memstore.Config{})}
	w := logOn(t, store)
	f := get(w.session.GetFolder(w.ctx, numbered(w, 500).ID(), ""))(w)
	store.rows, store.reads = 0, 0
	c := f.Messages()
	var last *cdo.Message
	for m, err := c.GetFirst(w.ctx, ""); m != nil; m, err = c.GetNext(w.ctx) {
		w.must(err)
		get(m.Subject(w.ctx))(w)
		get(m.Unread(w.ctx))(w)
		get(m.Type(w.ctx))(w)
		get(m.Importance(w.ctx))(w)
		get(m.TimeReceived(w.ctx))(w)
		get(m.Size(w.ctx))(w)
		last = m
	}
	if store.reads != 0 || store.rows > 10 || store.rows == 0 {
		t.Errorf("%d items were read and %d questions asked for a list of 500", store.reads, store.rows)
	}
	get(last.Text(w.ctx))(w)
	get(last.Recipients(w.ctx))(w)
	get(last.Attachments(w.ctx))(w)
	get(last.Fields().Count(w.ctx))(w)
	if store.reads != 1 {
		t.Errorf("one message was read %d times", store.reads)
	}
}

// Reference 1.2 Sort: by a custom property, by its name.
func TestMessagesSortByName(t *testing.T) {
	eachStore(t, func(w *world) {
		f := numbered(w, 5)
		for m, err := range f.Messages().All(w.ctx) {
			w.must(err)
			s := get(m.Subject(w.ctx))(w)
			get(m.Fields().AddNamed("Rank", cdo.CdoString, string("cadbe"[s[3]-'0']), ""))(w)
			w.must(m.Update(w.ctx, true, false))
		}
		c := f.Messages()
		w.must(c.SortByName(cdo.CdoAscending, "Rank"))
		if got := forward(w, c, ""); !slices.Equal(got, []string{"0001", "0003", "0000", "0002", "0004"}) {
			w.Errorf("sorted: %q", got)
		}
		c.SetRestriction(nil)
		if m := get(c.Find(w.ctx, "c"))(w); get(m.Subject(w.ctx))(w) != "0000" {
			w.Error("Find doesn't go by the custom property")
		}
		w.must(c.SortByName(cdo.CdoDescending, "0x0037001E"))
		if got := forward(w, c, ""); got[0] != "0004" {
			w.Errorf("by a tag in words: %q", got)
		}
		want(w.T, "a name that isn't", c.SortByName(cdo.CdoAscending, "{"), cdo.CdoE_INVALID_PARAMETER)
	})
}
