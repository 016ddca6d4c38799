package cdo_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// appointmentSet is PSETID_Appointment as CDO programs write it (reference 1.16 "Details of Add").
const appointmentSet = "0220060000000000C000000000000046"

// Reference 1.16: fields by position, tag and name.
func TestFieldsItem(t *testing.T) {
	eachStore(t, func(w *world) {
		calendar := get(w.session.GetDefaultFolder(w.ctx, cdo.CdoDefaultFolderCalendar))(w)
		m := get(calendar.Messages().GetFirst(w.ctx, ""))(w)
		f := m.Fields()
		subject := get(m.Subject(w.ctx))(w)
		for _, tag := range []mapi.Tag{cdo.CdoPR_SUBJECT, pid.TagSubject, 0x00370000} {
			if v := w.field(f, tag); v != subject {
				w.Errorf("Fields(%v) is %v", tag, v)
			}
		}
		for _, name := range []string{"0x0037001E", "0x0037001F", "0X37001e"} {
			if v := get(get(f.ByName(w.ctx, name, ""))(w).Value(w.ctx))(w); v != subject {
				w.Errorf("Fields(%q) is %v", name, v)
			}
		}
		start := get(get(f.ByKey(w.ctx, pid.LidAppointmentStartWhole))(w).Value(w.ctx))(w).(time.Time)
		for _, n := range [][2]string{
			{"{0220060000000000C000000000000046}0x820D", ""}, {"{00062002-0000-0000-C000-000000000046}0x820D", ""},
			{"0x820D", appointmentSet}, {"{00000000000000000000000000000000}0x820d", appointmentSet}, {"0x0000820D", appointmentSet},
		} {
			if v := get(get(f.ByName(w.ctx, n[0], n[1]))(w).Value(w.ctx))(w); v != start {
				w.Errorf("Fields(%q, %q) is %v", n[0], n[1], v)
			}
		}
		w.must(f.SetNamespace(appointmentSet))
		if v := get(get(f.ByName(w.ctx, "0x820D", ""))(w).Value(w.ctx))(w); v != start {
			w.Errorf("after SetNamespace: %v", v)
		}
		_, err := m.Fields().ByName(w.ctx, "0x820D", "") // the namespace is that of one collection
		want(w.T, "0x820D in PS_PUBLIC_STRINGS", err, cdo.CdoE_NOT_FOUND)

		n := get(f.Count(w.ctx))(w)
		seen := 0
		for field, err := range f.All(w.ctx) {
			w.must(err)
			seen++
			at := get(f.Item(w.ctx, seen))(w)
			id := get(field.ID())(w)
			if get(at.ID())(w) != id || get(field.Index(w.ctx))(w) != seen {
				w.Errorf("field %d is another one by its position", seen)
			}
			// Reference 3.21, 1.16: a tag has its id in the high word; names have ids from 0x8000 on and are found by them.
			if field.Key().Named() != (id.ID() >= 0x8000) {
				w.Errorf("%v has the tag %v", field.Key(), id)
			}
			if again := get(f.ByTag(w.ctx, id))(w); again.Key() != field.Key() {
				w.Errorf("%v is found as %v by its tag", field.Key(), again.Key())
			}
		}
		if n != seen || n < 20 {
			w.Errorf("Count is %d, All gave %d", n, seen)
		}
		for what, err := range map[string]error{
			"a missing tag":      second(f.ByTag(w.ctx, cdo.CdoPR_TELEX_NUMBER)),
			"a missing name":     second(f.ByName(w.ctx, "Keyword", "")),
			"a predefined name":  second(f.ByName(w.ctx, "PR_SUBJECT", "")),
			"another type":       second(f.ByTag(w.ctx, pid.TagSubject.WithType(mapi.TypeInt32))),
			"an id never given":  second(f.ByTag(w.ctx, 0xF00D001E)),
			"position 0":         second(f.Item(w.ctx, 0)),
			"past the end":       second(f.Item(w.ctx, n+1)),
			"a field of nothing": second(f.ByName(w.ctx, "{"+appointmentSet+"}0x9999", "")),
		} {
			want(w.T, what, err, cdo.CdoE_NOT_FOUND)
		}
		for what, err := range map[string]error{
			"no property set": second(f.ByName(w.ctx, "x", "0220")), "an open brace": second(f.ByName(w.ctx, "{0220", "")),
			"an empty name": second(f.ByName(w.ctx, "", "")), "digits that aren't": second(f.ByName(w.ctx, "0xZZ", "")),
			"no namespace": f.SetNamespace("PS_MAPI"),
		} {
			want(w.T, what, err, cdo.CdoE_INVALID_PARAMETER)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// Reference 1.16, table of types: what a field of each type takes and shows. The values are written, saved and read in another object.
func TestFieldValues(t *testing.T) {
	when := time.Date(2001, 2, 3, 4, 5, 6, 0, berlin)
	before := time.Date(1066, 10, 14, 9, 30, 0, 0, berlin)
	eachStore(t, func(w *world) {
		for name, c := range map[string]struct {
			class    cdo.FieldType
			in, want any
			kind     cdo.FieldType // when it isn't class
		}{
			"integer":          {cdo.CdoInteger, 7, int16(7), 0},
			"least integer":    {cdo.CdoInteger, int64(math.MinInt16), int16(math.MinInt16), 0},
			"long":             {cdo.CdoLong, int16(-7), int32(-7), 0},
			"single":           {cdo.CdoSingle, 1.5, float32(1.5), 0},
			"double":           {cdo.CdoDouble, 3, 3.0, 0},
			"currency":         {cdo.CdoCurrency, mapi.Currency(12345), mapi.Currency(12345), 0},
			"date":             {cdo.CdoDate, when.UTC(), when, 0},
			"old date":         {cdo.CdoDate, before, before, 0},
			"string":           {cdo.CdoString, "Peru — 日本", "Peru — 日本", 0},
			"empty string":     {cdo.CdoString, "", "", 0},
			"boolean":          {cdo.CdoBoolean, true, true, 0},
			"blob":             {cdo.CdoBlob, "00ffAb", "00FFAB", 0},
			"blob of bytes":    {cdo.CdoBlob, []byte{1, 2}, "0102", 0},
			"array of strings": {cdo.CdoArray | cdo.CdoString, []string{"a", "ß"}, []string{"a", "ß"}, 0},
			"array of longs":   {cdo.CdoArray | cdo.CdoLong, []int32{1, -2}, []int32{1, -2}, 0},
			"array of dates":   {cdo.CdoArray | cdo.CdoDate, []time.Time{when}, []time.Time{when}, 0},
			"array of blobs":   {cdo.CdoArray | cdo.CdoBlob, []string{"0A", ""}, []string{"0A", ""}, 0},
			"derived string":   {cdo.CdoEmpty, "x", "x", cdo.CdoString},
			"derived long":     {999, 5, int32(5), cdo.CdoLong},
			"derived double":   {cdo.CdoEmpty, 2.5, 2.5, cdo.CdoDouble},
			"derived blob":     {cdo.CdoEmpty, []byte{0xAB}, "AB", cdo.CdoBlob},
			"derived array":    {cdo.CdoEmpty, []string{"x"}, []string{"x"}, cdo.CdoArray | cdo.CdoString},
			"long, no value":   {cdo.CdoLong, nil, int32(0), 0},
			"string, no value": {cdo.CdoString, nil, "", 0},
		} {
			w.Run(name, func(t *testing.T) {
				w := &world{T: t, ctx: w.ctx, store: w.store, session: w.session}
				m := w.inbox().Messages().Add(name, "", "")
				f := get(m.Fields().AddNamed("Test", c.class, c.in, ""))(w)
				check := func(f *cdo.Field) {
					t.Helper()
					if got := get(f.Value(w.ctx))(w); !sameValue(got, c.want) {
						t.Errorf("Value is %#v, want %#v", got, c.want)
					}
					if kind := c.kind; kind == 0 && f.Type() != c.class || kind != 0 && f.Type() != kind {
						t.Errorf("Type is %d", f.Type())
					}
					if f.Name() != "Test" {
						t.Errorf("Name is %q", f.Name())
					}
				}
				check(f)
				w.must(m.Update(w.ctx, true, false))
				m = get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
				check(get(m.Fields().ByName(w.ctx, "Test", ""))(w))
				// The property is where other programs look for it.
				dir := getMAPI(w, m)
				item, err := mapi.ReadItem(w.ctx, dir, entryID(t, m.ID()))
				w.must(err)
				found := false
				for _, p := range item.Props {
					found = found || p.Key.Name == mapi.PropName{Set: mapi.PSPublicStrings, Name: "Test"}
				}
				if !found {
					t.Error("it isn't in PS_PUBLIC_STRINGS")
				}
			})
		}
	})
}

func sameValue(a, b any) bool {
	switch x := a.(type) {
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y) && x.Location() == y.Location()
	case []time.Time:
		y, ok := b.([]time.Time)
		return ok && len(x) == len(y) && sameValue(x[0], y[0])
	}
	return reflect.DeepEqual(a, b)
}

// Reference 1.16, 4: what fields refuse.
func TestFieldErrors(t *testing.T) {
	w := newWorld(t)
	m := w.message("Notes on the engine")
	f := m.Fields()
	long := get(f.AddNamed("Long", cdo.CdoLong, 1, ""))(w)
	list := get(f.AddNamed("List", cdo.CdoArray|cdo.CdoString, nil, ""))(w)
	blob := get(f.AddNamed("Blob", cdo.CdoBlob, nil, ""))(w)
	for what, c := range map[string]struct {
		err  error
		code mapi.Code
	}{
		"no type, no value":        {second(f.AddNamed("x", cdo.CdoEmpty, nil, "")), cdo.CdoE_NO_SUPPORT},
		"a null":                   {second(f.AddNamed("x", cdo.CdoNull, nil, "")), cdo.CdoE_NO_SUPPORT},
		"an object":                {second(f.AddNamed("x", cdo.CdoDataObject, "x", "")), cdo.CdoE_NO_SUPPORT},
		"a name of 121 characters": {second(f.AddNamed(strings.Repeat("ä", 121), cdo.CdoLong, 1, "")), cdo.CdoE_STRING_TOO_LONG},
		"a string for a long":      {long.SetValue("1"), cdo.CdoE_INVALID_TYPE},
		"a long that is too large": {long.SetValue(int64(1) << 40), cdo.CdoE_INVALID_TYPE},
		"an array of another type": {list.SetValue([]int32{1}), cdo.CdoE_INVALID_TYPE},
		"a value for an array":     {list.SetValue("x"), cdo.CdoE_INVALID_TYPE},
		"half a byte":              {blob.SetValue("0"), cdo.CdoE_BAD_VALUE},
		"a computed property":      {second(f.Add(cdo.CdoPR_MESSAGE_SIZE, 1)), cdo.CdoE_COMPUTED},
		"deleting an entry id":     {get(f.ByTag(w.ctx, cdo.CdoPR_ENTRYID))(w).Delete(), cdo.CdoE_COMPUTED},
		"deleting a message class": {get(f.ByTag(w.ctx, cdo.CdoPR_MESSAGE_CLASS))(w).Delete(), cdo.CdoE_COMPUTED},
		"a file for a long":        {long.ReadFromFile("x"), cdo.CdoE_NO_SUPPORT},
		"a file that isn't there":  {blob.ReadFromFile(filepath.Join(t.TempDir(), "x")), cdo.CdoE_NOT_FOUND},
	} {
		want(t, what, c.err, c.code)
	}
	folder := w.inbox().Fields()
	name := get(folder.ByTag(w.ctx, cdo.CdoPR_DISPLAY_NAME))(w)
	want(t, "ReadFromFile on a folder", name.ReadFromFile("x"), cdo.CdoE_INTERFACE_NOT_SUPPORTED)
	if f.Class() != cdo.CdoFields || long.Class() != cdo.CdoField || long.Session() != w.session || long.Parent() != cdo.Object(f) || f.Parent() != cdo.Object(m) {
		t.Error("the fields are at another place of the model")
	}
}

// Deleted fields are gone after Update; Fields.Delete leaves what a message cannot be without.
func TestFieldsDelete(t *testing.T) {
	eachStore(t, func(w *world) {
		m := w.message("Follow up")
		field := get(m.Fields().ByKey(w.ctx, pid.NameKeywords))(w)
		w.must(field.Delete())
		_, err := field.Value(w.ctx)
		want(w.T, "a deleted field", err, cdo.CdoE_NOT_FOUND)
		if i := get(field.Index(w.ctx))(w); i != 0 {
			w.Errorf("its index is %d", i)
		}
		stored := get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
		if c := get(stored.Categories(w.ctx))(w); len(c) != 3 {
			w.Errorf("the categories in the store are %q before Update", c)
		}
		w.must(m.Update(w.ctx, true, false))
		for _, m := range []*cdo.Message{m, get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)} {
			if c := get(m.Categories(w.ctx))(w); len(c) != 0 {
				w.Errorf("the categories are %q after Update", c)
			}
		}
		w.must(m.Fields().Delete(w.ctx))
		w.must(m.Update(w.ctx, true, false))
		m = get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
		if text, class := get(m.Text(w.ctx))(w), get(m.Type(w.ctx))(w); text != "" || class != "IPM.Note" {
			w.Errorf("after Fields.Delete the text is %q, the class %q", text, class)
		}
	})
}

// Reference 1.16 ReadFromFile, WriteToFile: the file has the raw bytes where Value is hexadecimal.
func TestFieldFiles(t *testing.T) {
	eachStore(t, func(w *world) {
		in, out := filepath.Join(w.TempDir(), "in"), filepath.Join(w.TempDir(), "out")
		m := w.inbox().Messages().Add("files", "", "")
		blob := get(m.Fields().AddNamed("Blob", cdo.CdoBlob, "00", ""))(w)
		text := get(m.Fields().AddNamed("Text", cdo.CdoString, "", ""))(w)
		small, large := []byte{0, 1, 0xFE}, []byte(strings.Repeat("Straße\n", 50_000))
		for _, content := range [][]byte{small, large} {
			w.must(os.WriteFile(in, content, 0o600))
			w.must(blob.ReadFromFile(in))
			w.must(os.WriteFile(in, nil, 0o600)) // it was read: what comes of the file doesn't matter
			w.must(m.Update(w.ctx, true, false))
			again := get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
			field := get(again.Fields().ByName(w.ctx, "Blob", ""))(w)
			w.must(field.WriteToFile(w.ctx, out))
			if got, _ := os.ReadFile(out); string(got) != string(content) {
				w.Errorf("%d bytes came back as %d", len(content), len(got))
			}
			if v := get(field.Value(w.ctx))(w).(string); len(v) != 2*len(content) {
				w.Errorf("Value has %d digits for %d bytes", len(v), len(content))
			}
		}
		w.must(os.WriteFile(in, large, 0o600))
		w.must(text.ReadFromFile(in))
		w.must(m.Update(w.ctx, true, false))
		w.must(get(get(w.session.GetMessage(w.ctx, m.ID(), ""))(w).Fields().ByName(w.ctx, "Text", ""))(w).WriteToFile(w.ctx, out))
		if got, _ := os.ReadFile(out); string(got) != string(large) {
			w.Errorf("a text of %d bytes came back with %d", len(large), len(got))
		}
	})
}
