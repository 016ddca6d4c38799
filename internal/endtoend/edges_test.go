package endtoend

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// edges are items at the edges of what mailboxes, protocol and formats can hold.
func edges() map[string]*mapi.Item {
	list := map[string]*mapi.Item{
		"3,000 of each":    manyOfEach(3000),
		"ten deep":         deep(10),
		"nothing at all":   {},
		"everything empty": allEmpty(),
		"hard to name":     mail("\x01 / : * ? half \xED\xA0\xBD"),
		"large values": {Props: append(mail("large").Props, prop(pid.TagBody, strings.Repeat("Ä€𝄞 ", 400_000)), prop(pid.TagHtml, random("html", 5<<20))),
			Attachments: []*mapi.Attachment{file(random("file", 20<<20)), file(nil)}},
	}
	for page, words := range eightBit {
		list[fmt.Sprintf("8-bit strings in code page %d", page)] = eightBitMail(int32(page), words)
	}
	for page, bytes := range noText {
		list[fmt.Sprintf("bytes that aren't code page %d", page)] = eightBitMail(int32(page), bytes)
	}
	for typ, values := range values() {
		list["values of type "+typ.String()] = withValues(typ, values)
	}
	return list
}

func random(name string, n int) []byte {
	var seed [32]byte
	copy(seed[:], name)
	b := make([]byte, n)
	rand.NewChaCha8(seed).Read(b)
	return b
}

func file(content []byte) *mapi.Attachment {
	return &mapi.Attachment{Props: mapi.Props{prop(pid.TagAttachMethod, int32(1)), prop(pid.TagAttachLongFilename, "file.bin"),
		prop(pid.TagAttachDataBinary, content)}}
}

func recipient(name, address string) mapi.Props {
	return mapi.Props{prop(pid.TagRecipientType, int32(1)), prop(pid.TagDisplayName, name), prop(pid.TagAddressType, "SMTP"),
		prop(pid.TagEmailAddress, address)}
}

func manyOfEach(n int) *mapi.Item {
	it := mail(fmt.Sprintf("%d of each", n))
	for i := range n {
		it.Recipients = append(it.Recipients, recipient(fmt.Sprint("Reader ", i), fmt.Sprintf("reader%d@example.com", i)))
		it.Attachments = append(it.Attachments, file(fmt.Append(nil, "file ", i)))
	}
	return it
}

// deep is an item with another embedded in it, and so on.
func deep(levels int) *mapi.Item {
	it := mail(fmt.Sprint("level ", levels))
	for i := levels - 1; i >= 0; i-- {
		around := mail(fmt.Sprint("level ", i))
		around.Recipients = []mapi.Props{recipient("Ada", "ada@example.com")}
		around.Attachments = []*mapi.Attachment{file(random("deep", 10_000+i)), {Props: mapi.Props{prop(pid.TagAttachMethod, int32(5))}, Embedded: it}}
		it = around
	}
	return it
}

// allEmpty has every kind of part and value, all of them empty.
func allEmpty() *mapi.Item {
	empty := mapi.Props{prop(pid.TagMessageClass, ""), prop(pid.TagSubject, ""), prop(pid.TagBody, ""), prop(pid.TagHtml, []byte{}),
		prop(pid.TagSenderName, ""), prop(0x6A00101F, []string{}), prop(0x6A011102, [][]byte{}), prop(0x6A021003, []int32{})}
	return &mapi.Item{Props: empty, Recipients: []mapi.Props{{}, {prop(pid.TagDisplayName, "")}},
		Attachments: []*mapi.Attachment{{}, file([]byte{}), {Props: mapi.Props{prop(pid.TagAttachMethod, int32(5))}, Embedded: &mapi.Item{}},
			{Props: mapi.Props{prop(pid.TagAttachMethod, int32(5))}, Embedded: &mapi.Item{Props: empty}}}}
}

// eightBit are words in code pages.
var eightBit = map[int]string{
	1250:  "P\xF8\xEDli\x9A \x9Elu\xBBou\xE8k\xFD",             // Czech
	1251:  "\xCF\xF0\xE8\xE2\xE5\xF2",                          // Russian
	1252:  "Gr\xFC\xDFe",                                       // German
	1253:  "\xC3\xE5\xE9\xDC",                                  // Greek
	932:   "\x82\xB1\x82\xF1\x82\xC9\x82\xBF\x82\xCD\x83\x5C",  // Japanese; the last ends in a backslash
	936:   "\xC4\xE3\xBA\xC3",                                  // Chinese
	950:   "\xA7\x41\xA6\x6E\xB3\x5C",                          // Chinese; the last ends in a backslash
	20866: "\xF0\xD2\xC9\xD7\xC5\xD4",                          // Russian
	28592: "P\xF8\xEDli\xB9",                                   // Czech
	65001: "Gr\xC3\xBC\xC3\x9Fe \xE4\xBD\xA0 \xF0\x9D\x84\x9E", // UTF-8
}

// noText are bytes that mean nothing in a code page. Where one is named only for the HTML body, other strings are often so.
var noText = map[int]string{
	932:   "half \x83",
	20127: "Gr\xFC\xDFe",
	50220: "\x1B$B\xFF\xFF",
	65001: "Gr\xFC\xDFe",
}

// eightBitMail is an item whose strings are all of 8 bits, with another in Russian in it.
func eightBitMail(page int32, words string) *mapi.Item {
	s8 := func(t mapi.Tag, text string) mapi.Prop { return prop(t.WithType(mapi.TypeString8), mapi.String8(text)) }
	it := &mapi.Item{Props: mapi.Props{s8(pid.TagMessageClass, "IPM.Note"), s8(pid.TagSubject, words), s8(pid.TagSenderName, words),
		prop(pid.TagMessageCodepage, page), s8(pid.TagBody, strings.Repeat(words+"\r\n", 20_000)),
		{Key: mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "Keywords"}, mapi.TypeString8|mapi.MultiValue), Value: []mapi.String8{mapi.String8(words), ""}},
		{Key: mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "word"}, mapi.TypeString8), Value: mapi.String8(words)}},
		Recipients: []mapi.Props{{prop(pid.TagRecipientType, int32(1)), s8(pid.TagDisplayName, words), s8(pid.TagAddressType, "SMTP"), s8(pid.TagEmailAddress, "ada@example.com")}},
	}
	a := file(random("8 bits", 100))
	a.Props.Delete(mapi.TagKey(pid.TagAttachLongFilename))
	a.Props = append(a.Props, s8(pid.TagAttachLongFilename, words+".bin"))
	it.Attachments = []*mapi.Attachment{a}
	if page != 1251 {
		it.Attachments = append(it.Attachments, &mapi.Attachment{Props: mapi.Props{prop(pid.TagAttachMethod, int32(5)), s8(pid.TagDisplayName, words)},
			Embedded: eightBitMail(1251, eightBit[1251])})
	}
	return it
}

// values are values of every type.
func values() map[mapi.Type][]mapi.Value {
	const m = mapi.MultiValue
	g := mapi.MustGUID("00112233-4455-6677-8899-AABBCCDDEEFF")
	at := mapi.NewFileTime(time.Date(2024, 3, 14, 15, 9, 26, 535_897_900, time.UTC))
	return map[mapi.Type][]mapi.Value{
		mapi.TypeNull:     {nil},
		mapi.TypeInt16:    {int16(0), int16(math.MinInt16)},
		mapi.TypeInt32:    {int32(0), int32(math.MinInt32)},
		mapi.TypeInt64:    {int64(0), int64(math.MinInt64), int64(1<<53 + 1)},
		mapi.TypeFloat32:  {float32(0), float32(math.Inf(1)), float32(-1.5)},
		mapi.TypeFloat64:  {0.0, math.Copysign(0, -1), math.NaN(), math.MaxFloat64},
		mapi.TypeCurrency: {mapi.Currency(-1), mapi.Currency(math.MaxInt64)},
		mapi.TypeAppTime:  {mapi.AppTime(0), mapi.AppTime(45365.625)},
		mapi.TypeError:    {mapi.ErrNotFound, mapi.Code(0)},
		mapi.TypeBool:     {true, false},
		mapi.TypeTime:     {at, mapi.FileTime(0), mapi.FileTime(math.MaxInt64)},
		mapi.TypeGUID:     {g, mapi.GUID{}},
		mapi.TypeString:   {"", "plain", "Ä€𝄞", "half \xED\xA0\xBD", "a\x00b"},
		mapi.TypeString8:  {mapi.String8(""), mapi.String8("plain"), mapi.String8("\x80\xE4\xFF"), mapi.String8("a\x00b")},
		mapi.TypeBinary:   {[]byte{}, []byte{0}, random("binary", 600), random("binary", 40_000)},
		mapi.TypeServerID: {mapi.ServerID("\x01 server id")},

		m | mapi.TypeInt16:    {[]int16{}, []int16{1, -1}},
		m | mapi.TypeInt32:    {[]int32{}, []int32{1, -1}},
		m | mapi.TypeInt64:    {[]int64{}, []int64{1, -1}},
		m | mapi.TypeFloat32:  {[]float32{}, []float32{1.5, -2.25}},
		m | mapi.TypeFloat64:  {[]float64{}, []float64{1.5, math.Pi}},
		m | mapi.TypeCurrency: {[]mapi.Currency{}, []mapi.Currency{10000, -1}},
		m | mapi.TypeAppTime:  {[]mapi.AppTime{}, []mapi.AppTime{1.5}},
		m | mapi.TypeTime:     {[]mapi.FileTime{}, []mapi.FileTime{at, 0}},
		m | mapi.TypeGUID:     {[]mapi.GUID{}, []mapi.GUID{g, {}}},
		m | mapi.TypeString:   {[]string{}, []string{"b", "", "a", "Ä€𝄞"}},
		m | mapi.TypeString8:  {[]mapi.String8{}, []mapi.String8{"b", "", "\x80\xE4\xFF"}},
		m | mapi.TypeBinary:   {[][]byte{}, [][]byte{{2}, {}, random("binary", 600)}},
	}
}

// grounded are values that FastTransfer has no form for ([MS-OXCFXICS] 2.2.4.1.1): no mailbox gives or takes them as
// properties of an item. Files and snapshots have them.
func grounded() map[mapi.Type][]mapi.Value {
	return map[mapi.Type][]mapi.Value{
		mapi.TypeUnspecified: {nil},
		mapi.TypeRestriction: {mapi.Opaque("\x08\x1F\x00\x37\x00")},
		mapi.TypeRuleAction:  {mapi.Opaque("\x00\x00")},
	}
}

// withValues has the values as properties by tag and by name, of the item, a recipient, an attachment and an embedded item.
func withValues(typ mapi.Type, list []mapi.Value) *mapi.Item {
	it := mail("values of type " + typ.String())
	var ps mapi.Props
	for i, v := range list {
		ps = append(ps, prop(mapi.NewTag(0x6A00+uint16(i), typ), v), mapi.Prop{
			Key: mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: fmt.Sprintf("value %d", i)}, typ), Value: v})
	}
	it.Props = append(it.Props, ps...)
	it.Recipients = []mapi.Props{append(recipient("Ada", "ada@example.com"), ps...)}
	a := file([]byte("x"))
	a.Props = append(a.Props, ps...)
	it.Attachments = []*mapi.Attachment{a, {Props: mapi.Props{prop(pid.TagAttachMethod, int32(5))}, Embedded: &mapi.Item{Props: append(mail("within").Props, ps...)}}}
	return it
}

// TestEdges takes items at the edges through server, backup and restore.
func TestEdges(t *testing.T) {
	t.Parallel()
	content := newLocal()
	n := 0
	for name, it := range edges() {
		if _, err := mapi.WriteItem(t.Context(), folder(t, content, mapi.RoleInbox), mapi.Normal, it); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n++
	}
	srv := serve(t, content)
	alice, bob, repo := open(t, srv, "alice"), open(t, srv, "bob"), newRepo(t)
	if r := backUp(t, alice, repo); r.Copied != n {
		t.Errorf("backup: %d items copied, want %d", r.Copied, n)
	}
	if r := restore(t, repo, bob); r.Copied != n || r.Compared != n {
		t.Errorf("restore: %d items copied, %d compared, want %d", r.Copied, r.Compared, n)
	}
	if got := same(t, alice, bob); got != n {
		t.Errorf("%d items are the same in the two mailboxes, want %d", got, n)
	}
	if got := same(t, content, bob); got != n {
		t.Errorf("%d items are the same as were written, want %d", got, n)
	}
}

// TestValuesWithoutAForm checks that a snapshot keeps what the protocol cannot carry, and that an item with such values is
// named when it comes to a mailbox, and its neighbours are none the worse for it.
func TestValuesWithoutAForm(t *testing.T) {
	t.Parallel()
	content := newLocal()
	inbox := folder(t, content, mapi.RoleInbox)
	for typ, values := range grounded() {
		write(t, inbox, mapi.Normal, mail("before"))
		write(t, inbox, mapi.Normal, withValues(typ, values))
	}
	write(t, inbox, mapi.Normal, mail("after"))
	const good, bad = 4, 3
	repo, local := newRepo(t), newLocal()
	backUp(t, content, repo)
	restore(t, repo, local)
	same(t, content, local)

	bob := open(t, exchangetest.New(t, exchangetest.Options{}), "bob")
	snap := openSnapshot(t, repo, "latest")
	r, err := backup.Restore(t.Context(), snap, "", bob, backup.RestoreOptions{})
	if err != nil || r.Copied != good || r.Failed != bad || len(r.Problems) != bad || r.DifferenceCount != bad {
		t.Errorf("restore to a mailbox: %d copied, %d failed, problems %v, differences %v, %v", r.Copied, r.Failed, r.Problems, r.Differences, err)
	}
	snap.Close()

	alice := open(t, serve(t, content), "alice") // such a mailbox comes from a file
	report, err := backup.Run(t.Context(), alice, newRepo(t), backup.Options{Mailbox: "mailbox"})
	if err != nil || report.Copied != good || report.Failed != bad || len(report.Problems) != bad {
		t.Errorf("backup of a mailbox: %d copied, %d failed, problems %v, %v", report.Copied, report.Failed, report.Problems, err)
	}
	for _, p := range report.Problems {
		if !strings.Contains(p.Item, "values of type") || !errors.Is(p.Err, mapi.ErrNoSupport) {
			t.Errorf("backup of a mailbox: problem: %v", p)
		}
	}
}
