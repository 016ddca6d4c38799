package cdo_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Reference 1.7: what each property of a filter lets through.
func TestMessageFilter(t *testing.T) {
	noon := time.Date(2024, 5, 17, 12, 0, 0, 0, time.UTC)
	eachStore(t, func(w *world) {
		folder := get(w.inbox().Folders().Add(w.ctx, "filtered"))(w)
		for i := range 6 {
			m := folder.Messages().Add(fmt.Sprintf("Report %d of the Engine", i), fmt.Sprintf("text %d", i), []string{"", "IPM.Post"}[i/4])
			m.SetImportance(cdo.Importance(i % 3))
			w.must(m.SetSent(w.ctx, i%2 == 0))
			w.must(m.SetUnread(w.ctx, i < 2))
			m.SetTimeReceived(noon.Add(time.Duration(i) * time.Hour))
			m.SetConversationTopic(fmt.Sprintf("Topic %d", i/2))
			get(m.Fields().Add(cdo.CdoPR_SENDER_NAME, fmt.Sprintf("Sender %d Byron", i)))(w)
			get(m.Fields().AddNamed("Machine", cdo.CdoString, fmt.Sprintf("Engine %d", i), ""))(w)
			get(m.Fields().AddNamed("Wheels", cdo.CdoLong, int32(1000*i), ""))(w)
			r := get(get(m.Recipients(w.ctx))(w).Add(w.ctx, fmt.Sprintf("Reader %d Lovelace", i%3), "SMTP:r@example.com", cdo.CdoTo))(w)
			w.must(r.Resolve(w.ctx, false))
			w.must(m.Update(w.ctx, true, false))
		}
		sizes := map[string]int32{}
		for m, err := range folder.Messages().All(w.ctx) {
			w.must(err)
			sizes[get(m.Subject(w.ctx))(w)] = get(m.Size(w.ctx))(w)
		}
		middle := slices.Sorted(func(yield func(int32) bool) {
			for _, n := range sizes {
				if !yield(n) {
					return
				}
			}
		})[3]
		var larger []int
		for i := range 6 {
			if sizes[fmt.Sprintf("Report %d of the Engine", i)] > middle {
				larger = append(larger, i)
			}
		}

		for name, c := range map[string]struct {
			set  func(f *cdo.MessageFilter)
			want []int
		}{
			"nothing":       {func(*cdo.MessageFilter) {}, []int{0, 1, 2, 3, 4, 5}},
			"subject":       {func(f *cdo.MessageFilter) { f.SetSubject("3 OF the") }, []int{3}},
			"text":          {func(f *cdo.MessageFilter) { f.SetText("xt 4") }, []int{4}},
			"sender":        {func(f *cdo.MessageFilter) { f.SetSender("der 2 by") }, []int{2}},
			"recipients":    {func(f *cdo.MessageFilter) { f.SetRecipients("1 love") }, []int{1, 4}},
			"conversation":  {func(f *cdo.MessageFilter) { f.SetConversation("Topic 1") }, []int{2, 3}},
			"part of topic": {func(f *cdo.MessageFilter) { f.SetConversation("Topic") }, nil},
			"importance":    {func(f *cdo.MessageFilter) { f.SetImportance(cdo.CdoHigh) }, []int{2, 5}},
			"sent":          {func(f *cdo.MessageFilter) { f.SetSent(true) }, []int{0, 2, 4}},
			"not sent":      {func(f *cdo.MessageFilter) { f.SetSent(false) }, []int{1, 3, 5}},
			"unread":        {func(f *cdo.MessageFilter) { f.SetUnread(true) }, []int{0, 1}},
			"read":          {func(f *cdo.MessageFilter) { f.SetUnread(false) }, []int{2, 3, 4, 5}},
			"size":          {func(f *cdo.MessageFilter) { f.SetSize(middle) }, larger},
			"from":          {func(f *cdo.MessageFilter) { f.SetTimeFirst(noon.Add(4 * time.Hour)) }, []int{4, 5}},
			"to":            {func(f *cdo.MessageFilter) { f.SetTimeLast(noon.Add(time.Hour)) }, []int{0, 1}},
			"type":          {func(f *cdo.MessageFilter) { f.SetType("ipm.post") }, []int{4, 5}},
			"together":      {func(f *cdo.MessageFilter) { f.SetSent(true); f.SetType("IPM.Post") }, []int{4}},
			"either":        {func(f *cdo.MessageFilter) { f.SetSent(true); f.SetType("IPM.Post"); f.SetOr(true) }, []int{0, 2, 4, 5}},
			"set again":     {func(f *cdo.MessageFilter) { f.SetSubject("3"); f.SetSubject("4") }, []int{4}},
			// the sample of the reference: unread and not IPM.Note
			"not": {func(f *cdo.MessageFilter) { f.SetNot(true); f.SetType("IPM.Note"); f.SetUnread(true) }, []int{4, 5}},
			"string field": {func(f *cdo.MessageFilter) {
				get(f.Fields().AddNamed("Machine", cdo.CdoString, "ine 5", ""))(w)
			}, []int{5}},
			"number field": {func(f *cdo.MessageFilter) { get(f.Fields().AddNamed("Wheels", cdo.CdoLong, int32(2000), ""))(w) }, []int{2}},
			"tag":          {func(f *cdo.MessageFilter) { get(f.Fields().Add(cdo.CdoPR_IMPORTANCE, int32(1)))(w) }, []int{1, 4}},
			"computed tag": {func(f *cdo.MessageFilter) { get(f.Fields().Add(cdo.CdoPR_SUBJECT, "report 1"))(w) }, []int{1}},
			"assigned field": {func(f *cdo.MessageFilter) {
				w.must(get(f.Fields().ByTag(w.ctx, cdo.CdoPR_SENDER_NAME))(w).SetValue("4 Byron"))
			}, []int{4}},
			"deleted field": {func(f *cdo.MessageFilter) {
				x := get(f.Fields().Add(cdo.CdoPR_IMPORTANCE, int32(1)))(w)
				w.must(x.Delete())
			}, []int{0, 1, 2, 3, 4, 5}},
			"properties both": {func(f *cdo.MessageFilter) { f.SetSent(true); get(f.Fields().Add(cdo.CdoPR_IMPORTANCE, int32(2)))(w) }, []int{2}},
		} {
			list := folder.Messages()
			w.must(list.Sort(cdo.CdoAscending, 0))
			c.set(list.Filter())
			var got, walked []int
			for m, err := range list.All(w.ctx) {
				w.must(err)
				got = append(got, number(w, m))
			}
			for m := get(list.GetFirst(w.ctx, ""))(w); m != nil; m = get(list.GetNext(w.ctx))(w) {
				walked = append(walked, number(w, m))
			}
			if !slices.Equal(got, c.want) || !slices.Equal(walked, c.want) || get(list.Count(w.ctx))(w) != len(c.want) {
				w.Errorf("%s: %v and %v, want %v", name, got, walked, c.want)
			}
		}

		// Reference 1.6 Filter: changing it refreshes the collection; Nothing drops it.
		list := folder.Messages()
		f := list.Filter()
		f.SetSubject("5")
		if number(w, get(list.GetFirst(w.ctx, ""))(w)) != 5 || f != list.Filter() || !f.IsSameAs(f) || f.Subject() != "5" || f.Class() != cdo.CdoMessageFilter {
			w.Error("the filter isn't that of the collection")
		}
		f.SetSubject("2")
		if m := get(list.GetNext(w.ctx))(w); number(w, m) != 2 {
			w.Error("a changed filter doesn't begin again")
		}
		other := folder.Messages()
		other.SetFilter(f)
		if n := get(other.Count(w.ctx))(w); n != 1 || other.Filter() == f {
			w.Errorf("an assigned filter gives %d", n)
		}
		list.SetFilter(nil)
		if n := get(list.Count(w.ctx))(w); n != 6 || list.Filter().Subject() != "" {
			w.Errorf("%d without a filter", n)
		}
	})
}

func number(w *world, m *cdo.Message) (n int) {
	w.Helper()
	fmt.Sscanf(get(m.Subject(w.ctx))(w), "Report %d", &n)
	return n
}

// Reference 1.14: entries by name, full address and fields.
func TestAddressEntryFilter(t *testing.T) {
	w := newBookWorld(t, &directory{size: 50, counted: true})
	gal := get(w.session.GetAddressList(w.ctx, cdo.CdoAddressListGAL))(w)
	for name, c := range map[string]struct {
		set  func(f *cdo.AddressEntryFilter)
		want []string
	}{
		"display name":  {func(f *cdo.AddressEntryFilter) { get(f.Fields().Add(cdo.CdoPR_DISPLAY_NAME, "user 0000"))(w) }, nil},
		"beginning":     {func(f *cdo.AddressEntryFilter) { get(f.Fields().Add(cdo.CdoPR_DISPLAY_NAME, "zeta"))(w) }, []string{"Zeta team"}},
		"not beginning": {func(f *cdo.AddressEntryFilter) { get(f.Fields().Add(cdo.CdoPR_DISPLAY_NAME, "team"))(w) }, []string{}},
		"address":       {func(f *cdo.AddressEntryFilter) { f.SetAddress("user00007") }, []string{"User 00007"}},
		"full address":  {func(f *cdo.AddressEntryFilter) { f.SetAddress("ex:/o=org/cn=user00012") }, []string{"User 00012"}},
		"type":          {func(f *cdo.AddressEntryFilter) { f.SetAddress("fax:") }, []string{}},
		"not":           {func(f *cdo.AddressEntryFilter) { f.SetNot(true); f.SetAddress("EX:") }, []string{"Zeta team"}},
		"or": {func(f *cdo.AddressEntryFilter) {
			f.SetOr(true)
			f.SetAddress("user00003")
			get(f.Fields().Add(cdo.CdoPR_DISPLAY_TYPE, int32(1)))(w)
		}, []string{"User 00003", "Zeta team"}},
	} {
		list := gal.AddressEntries()
		c.set(list.Filter())
		got := []string{}
		for e, err := range list.All(w.ctx) {
			w.must(err)
			got = append(got, get(e.Name(w.ctx))(w))
		}
		if c.want == nil {
			if len(got) != 10 {
				t.Errorf("%s: %d entries", name, len(got))
			}
			continue
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		first := get(list.GetFirst(w.ctx))(w)
		if (first == nil) != (len(c.want) == 0) {
			t.Errorf("%s: GetFirst disagrees", name)
		}
		if n := list.Count(); n != cdo.CdoMaxCount && n != len(c.want) {
			t.Errorf("%s: Count is %d", name, n)
		}
	}
	list := gal.AddressEntries()
	list.Filter().SetName("pet") // reference 1.14: handed to the address book as it is
	if list.Filter().Name() != "pet" || list.Filter().Class() != cdo.CdoAddressFilter {
		t.Error("the name isn't kept")
	}
	list.SetFilter(nil)
	if n := list.Count(); n != 50 {
		t.Errorf("%d entries without a filter", n)
	}
}

// Reference 1.15: heads of groups stand in the collection before their items.
func TestGroupHeaders(t *testing.T) {
	eachStore(t, func(w *world) {
		folder := get(w.inbox().Folders().Add(w.ctx, "grouped"))(w)
		for i := range 5 {
			m := folder.Messages().Add(fmt.Sprintf("Report %d", i), "", []string{"IPM.Note", "IPM.Post"}[i%2])
			m.SetImportance(cdo.Importance(i / 4))
			w.must(m.SetUnread(w.ctx, i == 0))
			w.must(m.Update(w.ctx, true, false))
		}
		list := folder.Messages()
		w.must(list.Sort(cdo.CdoDescending, cdo.CdoPR_SUBJECT))
		w.must(list.GroupBy(mapi.Sort{Key: mapi.TagKey(pid.TagMessageClass)}, mapi.Sort{Key: mapi.TagKey(pid.TagImportance)}))
		var got []string
		for m, err := range list.All(w.ctx) {
			w.must(err)
			switch o := m.Object().(type) {
			case *cdo.GroupHeader:
				got = append(got, fmt.Sprintf("%d %s %d/%d", o.Level(), o.Name(), o.Unread(), o.Count()))
				if _, err := m.Subject(w.ctx); err == nil || m.Class() != cdo.CdoGroupHeader || o.Class() != cdo.CdoGroupHeader {
					w.Error("the head of a group is an item")
				}
			case *cdo.Message:
				got = append(got, get(o.Subject(w.ctx))(w))
			}
		}
		want := []string{"1 IPM.Note 1/3", "2 0 1/2", "Report 2", "Report 0", "2 1 0/1", "Report 4", "1 IPM.Post 0/2", "2 0 0/2", "Report 3", "Report 1"}
		if !slices.Equal(got, want) {
			w.Errorf("got %q\nwant %q", got, want)
		}
		if n := get(list.Count(w.ctx))(w); n != len(want) {
			w.Errorf("Count is %d", n)
		}
		h, ok := get(list.Item(w.ctx, 5))(w).GroupHeader()
		if !ok || h.Level() != 2 {
			w.Error("Item 5 isn't the head of a group")
		}
	})
	w := newWorld(t)
	s := mapi.Sort{Key: mapi.TagKey(pid.TagSubject)}
	if err := w.inbox().Messages().GroupBy(s, s, s, s, s); mapi.CodeOf(err) == 0 {
		t.Error("five levels of groups")
	}
}
