package compare

import (
	"fmt"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

func fingerprint(t *testing.T, it *mapi.Item) *Node {
	t.Helper()
	var f Fingerprint
	if err := it.WriteTo(&f); err != nil {
		t.Fatal(err)
	}
	return f.Node()
}

// place is a list of properties in an item.
type place struct {
	where string
	of    Object
	props *mapi.Props
}

func places(it *mapi.Item, where string) []place {
	list := []place{{where, OfItem, &it.Props}}
	for i := range it.Recipients {
		list = append(list, place{fmt.Sprintf("%s recipient %d", where, i+1), OfRecipient, &it.Recipients[i]})
	}
	for i, a := range it.Attachments {
		at := fmt.Sprintf("%s attachment %d", where, i+1)
		list = append(list, place{at, OfAttachment, &a.Props})
		if a.Embedded != nil {
			list = append(list, places(a.Embedded, at+" item")...)
		}
	}
	return list
}

// mutated is another value of the same type, as little different as can be.
func mutated(v mapi.Value) mapi.Value {
	switch v := v.(type) {
	case int16:
		return v ^ 1
	case int32:
		return v ^ 1
	case int64:
		return v ^ 1
	case float32:
		return v + 1
	case float64:
		return v + 1
	case mapi.Currency:
		return v + 1
	case mapi.AppTime:
		return v + 1
	case mapi.Code:
		return v + 1
	case mapi.FileTime:
		return v + 1
	case bool:
		return !v
	case string:
		return v + "x"
	case mapi.String8:
		return v + "x"
	case []byte:
		return append(append([]byte(nil), v...), 1)
	case mapi.Object:
		return append(append(mapi.Object(nil), v...), 1)
	case mapi.ServerID:
		return append(append(mapi.ServerID(nil), v...), 1)
	case mapi.Opaque:
		return append(append(mapi.Opaque(nil), v...), 1)
	case mapi.GUID:
		v[0] ^= 1
		return v
	case []int16:
		return append(v[:len(v):len(v)], 1)
	case []int32:
		return append(v[:len(v):len(v)], 1)
	case []int64:
		return append(v[:len(v):len(v)], 1)
	case []float32:
		return append(v[:len(v):len(v)], 1)
	case []float64:
		return append(v[:len(v):len(v)], 1)
	case []mapi.Currency:
		return append(v[:len(v):len(v)], 1)
	case []mapi.AppTime:
		return append(v[:len(v):len(v)], 1)
	case []mapi.FileTime:
		return append(v[:len(v):len(v)], 1)
	case []mapi.GUID:
		return append(v[:len(v):len(v)], mapi.GUID{})
	case []string:
		return append(v[:len(v):len(v)], "")
	case []mapi.String8:
		return append(v[:len(v):len(v)], "")
	case [][]byte:
		return append(v[:len(v):len(v)], []byte{})
	}
	return nil
}

// everyType is an item with a property of every type.
func everyType() *mapi.Item {
	it := &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}}}
	for i, v := range []mapi.Value{int16(1), int32(2), int64(3), float32(4), float64(5), mapi.Currency(6), mapi.AppTime(7), true, "s",
		mapi.String8("8"), mapi.FileTime(9), mapi.GUID{10}, []byte{11}, mapi.ServerID{12}, mapi.Opaque{13}, []int16{1}, []int32{2}, []int64{3},
		[]float32{4}, []float64{5}, []mapi.Currency{6}, []mapi.AppTime{7}, []mapi.FileTime{9}, []mapi.GUID{{10}}, []string{"s"},
		[]mapi.String8{"8"}, [][]byte{{11}}} {
		for t := mapi.Type(1); t < 0x1200; t++ {
			if mapi.CheckValue(t, v) == nil {
				it.Props.Set(mapi.TagKey(mapi.NewTag(uint16(0x6900+i), t)), v)
				it.Props.Set(mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: fmt.Sprint("p", i)}, t), v)
				break
			}
		}
	}
	return it
}

// TestEveryChangeIsSeen changes and removes every property of many items, one by one. What isn't on the table of computed
// properties must be reported, under its name and place.
func TestEveryChangeIsSeen(t *testing.T) {
	samples := append(storetest.SampleItems(), storetest.Sample{Name: "every type", Item: everyType()})
	tried := 0
	for _, s := range samples {
		before := fingerprint(t, s.Item)
		if d := Deltas(before, fingerprint(t, s.Item)); len(d) > 0 {
			t.Fatalf("%s differs from itself: %+v", s.Name, d)
		}
		for _, at := range places(s.Item, s.Name) {
			for i := range *at.props {
				p := (*at.props)[i]
				other := mutated(p.Value)
				if other == nil {
					if _, blob := p.Value.(mapi.Blob); !blob {
						t.Fatalf("%s: no mutation for a %T", at.where, p.Value)
					}
					other = mapi.MemBlob("something else")
				}
				was, seen := Compared(at.of, p.Key, p.Value)
				is, _ := Compared(at.of, p.Key, other)
				(*at.props)[i].Value = other
				d := Deltas(before, fingerprint(t, s.Item))
				(*at.props)[i].Value = p.Value
				if seen && was != nil && fmt.Sprint(was) != fmt.Sprint(is) {
					tried++
					if len(d) == 0 {
						t.Errorf("%s: a change of %s was not seen", at.where, name(p.Key))
					}
				} else if len(d) > 0 && !seen && p.Key.Tag.ID() != pid.TagSubject.ID() {
					t.Errorf("%s: %s is computed, but its change was reported: %+v", at.where, name(p.Key), d)
				}

				*at.props = append((*at.props)[:i:i], (*at.props)[i+1:]...)
				d = Deltas(before, fingerprint(t, s.Item))
				*at.props = append((*at.props)[:i:i], append(mapi.Props{p}, (*at.props)[i:]...)...)
				if seen && !added[computedKey{p.Key.Tag.ID(), at.of}] && !derived(p) && len(d) == 0 {
					t.Errorf("%s: the loss of %s was not seen", at.where, name(p.Key))
				}
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d changes were tried", tried)
	}
}

// TestStringsOfBothKinds compares 8-bit strings with Unicode ones: the same text is the same, bytes that are no text are not.
func TestStringsOfBothKinds(t *testing.T) {
	item := func(page int32, v mapi.Value) *mapi.Item {
		typ := mapi.TypeString
		if _, narrow := v.(mapi.String8); narrow {
			typ = mapi.TypeString8
		}
		return &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageCodepage), Value: page}, {Key: mapi.TagKey(pid.TagSubject.WithType(typ)), Value: v},
			{Key: mapi.TagKey(pid.TagBody.WithType(typ)), Value: v}}}
	}
	for _, c := range []struct {
		page int32
		a, b mapi.Value
		same bool
	}{
		{1252, mapi.String8("Gr\xFC\xDFe"), "Grüße", true},
		{1251, mapi.String8("\xCF\xF0"), "Пр", true},
		{65001, mapi.String8("Gr\xFC\xDFe"), mapi.String8("Gr\xFC\xDFe"), true},
		{65001, mapi.String8("Gr\xFC\xDFe"), "Gr\uFFFDe", false},
		{65001, mapi.String8("Gr\xFC\xDFe"), "Gr\uFFFD\uFFFDe", false},
		{65001, mapi.String8("Gr\xFC\xDFe"), mapi.String8("Gr\xFC\xDEe"), false},
		{932, mapi.String8("\x83"), "\uFFFD", false},
		{20127, mapi.String8("\xFC"), "\uFFFD", false},
	} {
		if d := Deltas(fingerprint(t, item(c.page, c.a)), fingerprint(t, item(c.page, c.b))); (len(d) == 0) != c.same {
			t.Errorf("%q and %q in code page %d: %+v", c.a, c.b, c.page, d)
		}
	}
}

// derived are properties whose loss other properties make good: see Node.complete.
func derived(p mapi.Prop) bool {
	switch p.Key.Tag.ID() {
	case pid.TagSubjectPrefix.ID(), pid.TagNormalizedSubject.ID():
		return !p.Key.Named()
	case pid.TagMessageFlags.ID():
		n, _ := p.Value.(int32)
		return n&^(flagUnmodified|flagHasAttach|flagAssociated|flagEverRead) == 0
	}
	return false
}

// TestNothingUserMadeIsComputed keeps what users rely on off the table.
func TestNothingUserMadeIsComputed(t *testing.T) {
	for _, tag := range []mapi.Tag{pid.TagClientSubmitTime, pid.TagMessageDeliveryTime, pid.TagSenderName, pid.TagSenderEmailAddress,
		pid.TagSenderEntryId, pid.TagSentRepresentingName, pid.TagSentRepresentingEmailAddress, pid.TagBody, pid.TagHtml, pid.TagRtfCompressed,
		pid.TagImportance, pid.TagSensitivity, pid.TagFlagStatus, pid.TagMessageClass, pid.TagNormalizedSubject, pid.TagAttachDataBinary,
		pid.TagRecipientType, pid.TagDisplayName, pid.TagEmailAddress} {
		for _, of := range []Object{OfItem, OfRecipient, OfAttachment} {
			if _, found := computed[computedKey{tag.ID(), of}]; found {
				t.Errorf("%v of a %s is on the table", tag, of)
			}
			if added[computedKey{tag.ID(), of}] && tag != pid.TagNormalizedSubject {
				t.Errorf("%v of a %s may be added", tag, of)
			}
		}
	}
	const unread, unsent, submitted = 0x01, 0x08, 0x04
	part, ok := Compared(OfItem, mapi.TagKey(pid.TagMessageFlags), int32(unread|unsent|submitted|flagHasAttach))
	if !ok || part != int32(unread|unsent|submitted) {
		t.Errorf("of the message flags %v is compared", part)
	}
	for _, c := range Table {
		if c.Reason == "" || c.Stores == "" {
			t.Errorf("%v has no reason or store", c.Tag)
		}
	}
}

// TestStoresReport compares two stores that differ in every way there is.
func TestStoresReport(t *testing.T) {
	ctx := t.Context()
	fill := func() *memstore.Store {
		st := memstore.New(memstore.Config{})
		for _, s := range storetest.SampleItems() {
			id, err := st.Special(ctx, s.Role)
			if err != nil {
				t.Fatal(err)
			}
			f, err := st.Folder(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mapi.WriteItem(ctx, f, s.Kind, s.Item); err != nil {
				t.Fatal(err)
			}
		}
		return st
	}
	a, b := fill(), fill()
	r, err := Stores(ctx, a, b, Options{})
	if err != nil || r.Count != 0 || r.Equal != len(storetest.SampleItems()) {
		t.Fatalf("two equal stores: %+v, %v", r, err)
	}
	inbox := func(st *memstore.Store) mapi.Folder {
		id, err := st.Special(ctx, mapi.RoleInbox)
		if err != nil {
			t.Fatal(err)
		}
		f, err := st.Folder(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	var ids []mapi.EntryID
	for r, err := range inbox(b).Rows(ctx, mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	if err := inbox(b).Update(ctx, ids[0], mapi.Props{{Key: mapi.TagKey(pid.TagImportance), Value: int32(7)}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := inbox(b).Delete(ctx, ids[1:2], true); err != nil {
		t.Fatal(err)
	}
	twin, err := mapi.ReadItem(ctx, inbox(b), ids[2])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mapi.WriteItem(ctx, inbox(b), mapi.Normal, twin); err != nil {
		t.Fatal(err)
	}
	if _, err := inbox(b).CreateFolder(ctx, "only here", nil); err != nil {
		t.Fatal(err)
	}
	if err := inbox(b).SetProps(ctx, mapi.Props{{Key: mapi.TagKey(pid.TagComment), Value: "changed"}}, nil); err != nil {
		t.Fatal(err)
	}
	if r, err = Stores(ctx, a, b, Options{}); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, d := range r.Differences {
		kind := d.Reason
		if d.Item == "" {
			kind += " (folder)"
		}
		got[kind]++
	}
	want := map[string]int{Differs: 1, OnlyA: 1, OnlyB: 1, OnlyB + " (folder)": 1, Differs + " (folder)": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) || r.Count != 5 {
		t.Errorf("%d differences: %v, want %v", r.Count, got, want)
	}
}
