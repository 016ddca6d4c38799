package storetest

import (
	"math"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func TestDiffItemsFindsNothing(t *testing.T) {
	for _, s := range SampleItems() {
		if d := DiffItems(s.Item, clone(s.Item)); d != "" {
			t.Errorf("%s differs from itself:\n%s", s.Name, d)
		}
	}
	a := mail("x", pid.TagBody, "long text", pid.TagHtml, []byte{}, pid.NameKeywords, []string{})
	b := &mapi.Item{Props: props(pid.NameKeywords, []string(nil), pid.TagHtml, []byte(nil),
		pid.TagBody, mapi.MemBlob(mapi.EncodeUTF16("long text")), pid.TagMessageFlags, int32(1), pid.TagSubject, "x", pid.TagMessageClass, "IPM.Note")}
	if d := DiffItems(a, b); d != "" {
		t.Errorf("order of properties, blobs and nil lists count:\n%s", d)
	}
	if d := DiffItems(mail("x"), mail("y", pid.TagBody, "b"), mapi.TagKey(pid.TagSubject.WithType(mapi.TypeString8)), mapi.TagKey(pid.TagBody)); d != "" {
		t.Errorf("properties to ignore count:\n%s", d)
	}
}

func TestDiffItemsFinds(t *testing.T) {
	change := func(f func(*mapi.Item)) *mapi.Item {
		it := forwardedMail()
		f(it)
		return it
	}
	for want, it := range map[string]*mapi.Item{
		"PidTagSubject (0x0037001F) was \"FW: Three letters\", then \"x\"": change(func(it *mapi.Item) { it.Props.Set(mapi.TagKey(pid.TagSubject), "x") }),
		"PidTagBody (0x1000001F) is missing, was \"In one another":         change(func(it *mapi.Item) { it.Props.Delete(mapi.TagKey(pid.TagBody)) }),
		"PidLidReminderSet (PSETID_Common/0x8503:Boolean) came from nowhere: true": change(func(it *mapi.Item) {
			it.Props.Set(pid.LidReminderSet, true)
		}),
		"PidTagSubject (0x0037001F) is there twice": change(func(it *mapi.Item) { it.Props = append(it.Props, it.Props[1]) }),
		"1 recipients, then 0":                      change(func(it *mapi.Item) { it.Recipients = nil }),
		"recipient 0: PidTagRowid (0x30000003) was 0, then 9": change(func(it *mapi.Item) {
			it.Recipients[0].Set(mapi.TagKey(pid.TagRowid), int32(9))
		}),
		"3 attachments, then 2": change(func(it *mapi.Item) { it.Attachments = it.Attachments[:2] }),
		"attachment 1: PidTagAttachDataBinary (0x37010102) was []uint8 636f766572, then []uint8 636f": change(func(it *mapi.Item) {
			it.Attachments[1].Props.Set(mapi.TagKey(pid.TagAttachDataBinary), []byte("co"))
		}),
		"attachment 2: embedded item is missing": change(func(it *mapi.Item) { it.Attachments[2].Embedded = nil }),
		"attachment 0: embedded: attachment 4: embedded: PidLidLocation (PSETID_Appointment/0x8208:String) was \"Dorset Street\", then \"\"": change(func(it *mapi.Item) {
			it.Attachments[0].Embedded.Attachments[4].Embedded.Props.Set(pid.LidLocation, "")
		}),
	} {
		if d := DiffItems(forwardedMail(), it); !strings.HasPrefix(d, want) || strings.Contains(d, "\n") {
			t.Errorf("got  %s\nwant %s", d, want)
		}
	}
	for _, pair := range [][2]mapi.Value{
		{math.Copysign(0, -1), 0.0}, {int32(1), int64(1)}, {"a", mapi.String8("a")}, {[]byte("a"), mapi.Object("a")},
		{[]string{"a", "b"}, []string{"b", "a"}}, {[][]byte{{}}, [][]byte{}}, {nil, int32(0)},
	} {
		if equal(pair[0], pair[1]) {
			t.Errorf("%#v equals %#v", pair[0], pair[1])
		}
	}
}

func TestSampleItems(t *testing.T) {
	names := map[string]bool{}
	for i, s := range SampleItems() {
		if names[s.Name] {
			t.Errorf("two samples are called %q", s.Name)
		}
		names[s.Name] = true
		if d := DiffItems(s.Item, SampleItems()[i].Item); d != "" {
			t.Errorf("%s is different each time:\n%s", s.Name, d)
		}
		checkItem(t, s.Name, s.Item)
	}
}

// checkItem checks that values have the types of their keys, and those of well-known properties theirs.
func checkItem(t *testing.T, name string, it *mapi.Item) {
	lists := append([]mapi.Props{it.Props}, it.Recipients...)
	for _, a := range it.Attachments {
		lists = append(lists, a.Props)
		if a.Embedded != nil {
			checkItem(t, name+", embedded", a.Embedded)
		}
	}
	for _, ps := range lists {
		for _, p := range ps {
			if err := mapi.CheckValue(p.Key.Type(), p.Value); err != nil {
				t.Errorf("%s: %s: %v", name, keyName(p.Key), err)
			}
		}
	}
}

func TestValuesHaveEveryType(t *testing.T) {
	for typ, list := range values() {
		for _, v := range list {
			if err := mapi.CheckValue(typ, v); err != nil {
				t.Errorf("%v: %v", typ, err)
			}
		}
	}
	if n := len(values()); n != 25 {
		t.Errorf("%d types", n)
	}
}
