package samplebox

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/oxrtfcp"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func collect(t testing.TB, o Options) []Sample {
	t.Helper()
	var list []Sample
	for s, err := range Items(o) {
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		list = append(list, s)
	}
	return list
}

func digests(t testing.TB, o Options) []string {
	t.Helper()
	var list []string
	for s, err := range Items(o) {
		if err != nil {
			t.Fatal(err)
		}
		var f compare.Fingerprint
		if err := s.Item.WriteTo(&f); err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %s %q %d %x", s.Name, s.Role, s.Path, s.Kind, f.Node().Digest()))
	}
	return list
}

func TestTheSeedDecidesAll(t *testing.T) {
	a := digests(t, Options{Items: 230, Seed: 7})
	if b := digests(t, Options{Items: 230, Seed: 7}); !slices.Equal(a, b) {
		t.Error("the same seed gave two mailboxes")
	}
	if b := digests(t, Options{Items: 205, Seed: 7}); !slices.Equal(a[:205], b) {
		t.Error("the first items depend on how many follow")
	}
	other := digests(t, Options{Items: 230, Seed: 8})
	for i := range a {
		if a[i] == other[i] {
			t.Errorf("item %d is the same for two seeds: %s", i, a[i])
		}
	}
	slices.Sort(a)
	if n := len(slices.Compact(a)); n != 230 {
		t.Errorf("%d different items of 230", n)
	}
}

func TestExactlyAsManyAsAskedFor(t *testing.T) {
	for _, n := range []int{0, 1, 37, 199, 200, 201, 433} {
		if got := len(collect(t, Options{Items: n})); got != n {
			t.Errorf("%d items instead of %d", got, n)
		}
	}
}

// seen gathers what occurs in a mailbox.
type seen map[string]bool

func (s seen) item(it *mapi.Item, depth int) {
	s["class "+it.Props.Text(pid.TagMessageClass)] = true
	s[fmt.Sprint("depth ", depth)] = true
	for _, p := range it.Props {
		s["type "+p.Key.Type().String()] = true
		if p.Key.Named() {
			s["named by "+map[bool]string{true: "string", false: "number"}[p.Key.Name.Name != ""]] = true
		}
		if _, ok := p.Value.(mapi.Blob); ok {
			s["large "+pid.Name(p.Key)] = true
		}
		switch p.Key {
		case mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagBody):
			if text, ok := p.Value.(string); ok {
				s.scripts(pid.Name(p.Key), text)
			}
		case mapi.TagKey(pid.TagInternetCodepage), mapi.TagKey(pid.TagImportance), mapi.TagKey(pid.TagFlagStatus), mapi.TagKey(pid.TagLastVerbExecuted),
			mapi.TagKey(pid.TagSensitivity), pid.LidRecurrenceType, pid.LidTaskStatus:
			s[fmt.Sprint(pid.Name(p.Key), " ", p.Value)] = true
		default:
			if n := pid.Name(p.Key); n != "" {
				s[n] = true
			}
		}
	}
	flags, _ := it.Props.Tag(pid.TagMessageFlags).(int32)
	s[fmt.Sprint("read ", flags&flagRead != 0)] = true
	s[fmt.Sprintf("unsent %v", flags&flagUnsent != 0)] = true
	for _, r := range it.Recipients {
		s[fmt.Sprintf("%s recipient %d", r.Text(pid.TagAddressType), r.Tag(pid.TagRecipientType))] = true
	}
	s[fmt.Sprint(len(it.Recipients), " recipients")] = true
	for _, a := range it.Attachments {
		s[fmt.Sprint("attach method ", a.Props.Tag(pid.TagAttachMethod))] = true
		kind := a.Props.Text(pid.TagAttachMimeTag)
		s["file "+kind], s["file "+strings.Split(kind, "/")[0]] = true, true
		if id := a.Props.Text(pid.TagAttachContentId); id != "" && strings.Contains(string(bodyOf(it)), "cid:"+id) {
			s["inline picture"] = true
		}
		if a.Props.Tag(pid.TagAttachmentFlags) == int32(2) {
			s["exception"] = true
		}
		if a.Embedded != nil {
			s.item(a.Embedded, depth+1)
		}
	}
}

var scripts = map[string]*unicode.RangeTable{"Latin": unicode.Latin, "Greek": unicode.Greek, "Cyrillic": unicode.Cyrillic, "Hebrew": unicode.Hebrew, "Arabic": unicode.Arabic,
	"Han": unicode.Han, "Hiragana": unicode.Hiragana, "Hangul": unicode.Hangul, "Thai": unicode.Thai}

func (s seen) scripts(where, text string) {
	for name, table := range scripts {
		if strings.ContainsFunc(text, func(c rune) bool { return unicode.Is(table, c) }) {
			s[name+" in "+where] = true
		}
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c >= 0x1F300 }) {
		s["emoji in "+where] = true
	}
	if strings.ContainsAny(text, "äöüßÄÖÜ") {
		s["umlauts in "+where] = true
	}
}

func bodyOf(it *mapi.Item) []byte {
	switch v := it.Props.Tag(pid.TagHtml).(type) {
	case []byte:
		return v
	case mapi.MemBlob:
		return v
	}
	return nil
}

// wanted is what every mailbox of a block or more must have.
var wanted = []string{
	"class IPM.Note", "class IPM.Note.SMIME.MultipartSigned", "class IPM.Note.Microsoft.Voicemail.UM.CA", "class IPM.Note.Rules.OofTemplate.Microsoft",
	"class IPM.Post", "class REPORT.IPM.Note.NDR", "class REPORT.IPM.Note.DR", "class REPORT.IPM.Note.IPNRN", "class REPORT.IPM.Note.IPNNRN",
	"class IPM.Schedule.Meeting.Request", "class IPM.Schedule.Meeting.Resp.Pos", "class IPM.Schedule.Meeting.Resp.Neg", "class IPM.Schedule.Meeting.Resp.Tent",
	"class IPM.Schedule.Meeting.Canceled", "class IPM.Appointment", "class IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}", "class IPM.Contact", "class IPM.DistList",
	"class IPM.Task", "class IPM.TaskRequest", "class IPM.StickyNote", "class IPM.Activity", "class IPM.Configuration.CategoryList", "class IPM.Configuration.WorkHours",
	"class IPM.Microsoft.FolderDesign.NamedView", "class IPM.Microsoft.WunderBar.Link", "class IPM.ExtendedRule.Message",

	"depth 3", "attach method 1", "attach method 5", "inline picture", "exception", "1 recipients", "60 recipients", "0 recipients",
	"EX recipient 1", "EX recipient 2", "EX recipient 3", "SMTP recipient 1", "SMTP recipient 2",
	"file application/pdf", "file image/png", "file image/jpeg", "file audio/wav", "file text",

	"read true", "read false", "unsent true", "PidTagHtml", "PidTagRtfCompressed", "PidTagTransportMessageHeaders", "PidTagInternetMessageId", "PidTagInReplyToId",
	"PidTagConversationIndex", "PidTagConversationTopic", "PidNameKeywords", "PidTagImportance 0", "PidTagImportance 1", "PidTagImportance 2",
	"PidTagFlagStatus 1", "PidTagFlagStatus 2", "PidLidFlagRequest", "PidTagLastVerbExecuted 102", "PidTagLastVerbExecuted 104", "PidTagIconIndex",
	"PidTagInternetCodepage 65001", "PidLidRecurrenceType 1", "PidLidRecurrenceType 2", "PidLidRecurrenceType 3", "PidLidRecurrenceType 4", "PidLidAppointmentRecur",
	"PidLidAppointmentTimeZoneDefinitionRecur", "PidLidGlobalObjectId", "PidLidTaskRecurrence", "PidLidEmail1OriginalEntryId", "PidLidEmail2EmailAddress",
	"PidLidDistributionListMembers", "PidLidDistributionListOneOffMembers", "PidLidNoteColor", "PidLidLogDuration", "PidTagReportTag", "PidTagExtendedRuleMessageCondition",
	"PidTagRoamingXmlStream", "PidTagRoamingDictionary", "PidTagContentFilterSpamConfidenceLevel",

	"named by string", "named by number", "large PidTagBody",
	"type Integer16", "type Integer32", "type Integer64", "type Floating32", "type Floating64", "type Currency", "type FloatingTime", "type Boolean", "type String",
	"type Time", "type Guid", "type Binary", "type MultipleInteger16", "type MultipleInteger32", "type MultipleInteger64", "type MultipleFloating32", "type MultipleFloating64",
	"type MultipleCurrency", "type MultipleFloatingTime", "type MultipleString", "type MultipleTime", "type MultipleGuid", "type MultipleBinary",
}

func TestVariety(t *testing.T) {
	want := slices.Clone(wanted)
	for name := range scripts {
		want = append(want, name+" in PidTagSubject", name+" in PidTagBody")
	}
	want = append(want, "emoji in PidTagSubject", "umlauts in PidTagSubject", "umlauts in PidTagBody")
	for _, o := range []Options{{Items: 200}, {Items: 220, Seed: 1}, {Items: 220, Seed: 2}, {Items: 437, Seed: 3}} {
		s := seen{}
		pages := 0
		places := map[string]int{}
		for _, x := range collect(t, o) {
			s.item(x.Item, 0)
			s["kind "+x.Name] = true
			places[string(x.Role)+"/"+strings.Join(x.Path, "/")]++
			s.scripts("names of folders", strings.Join(x.Path, ""))
		}
		foreign := 0
		for name := range scripts {
			if s[name+" in names of folders"] {
				foreign++
			}
		}
		if foreign < 4 {
			t.Errorf("%+v: names of folders in %d scripts only", o, foreign)
		}
		for _, w := range want {
			if !s[w] {
				t.Errorf("%+v: no %s", o, w)
			}
		}
		for _, k := range kinds {
			if !s["kind "+k.name] {
				t.Errorf("%+v: no %s", o, k.name)
			}
		}
		for f := range s {
			if strings.HasPrefix(f, "PidTagInternetCodepage ") {
				pages++
			}
		}
		if pages < 8 {
			t.Errorf("%+v: bodies in %d code pages only", o, pages)
		}
		for _, p := range []string{"inbox/", "sent/", "drafts/", "deleted/", "junk/", "calendar/", "contacts/", "tasks/", "notes/", "journal/", "inbox/Archive/2024"} {
			if places[p] == 0 {
				t.Errorf("%+v: nothing in %s", o, p)
			}
		}
		t.Logf("%+v: %d code pages, %v", o, pages, places)
	}
}

func TestSharesAddUpToABlock(t *testing.T) {
	sum := 0
	for _, k := range kinds {
		sum += k.share
	}
	if sum != Block {
		t.Errorf("the shares are %d of %d", sum, Block)
	}
}

func TestItemsAreWhole(t *testing.T) {
	oldest := baseDate.AddDate(-years, 0, -7)
	for i, s := range collect(t, Options{Items: 600, Seed: 11}) {
		complain := func(format string, args ...any) {
			t.Helper()
			t.Errorf("item %d (%s): %s", i, s.Name, fmt.Sprintf(format, args...))
		}
		p := s.Item.Props
		for _, tag := range []mapi.Tag{pid.TagMessageClass, pid.TagSubject, pid.TagSubjectPrefix, pid.TagNormalizedSubject, pid.TagMessageFlags,
			pid.TagSearchKey, pid.TagCreationTime, pid.TagLastModificationTime, pid.TagImportance, pid.TagHasAttachments} {
			if p.Tag(tag) == nil {
				complain("no %s", pid.Name(mapi.TagKey(tag)))
			}
		}
		if p.Text(pid.TagSubject) != p.Text(pid.TagSubjectPrefix)+p.Text(pid.TagNormalizedSubject) {
			complain("subject %q isn't %q and %q", p.Text(pid.TagSubject), p.Text(pid.TagSubjectPrefix), p.Text(pid.TagNormalizedSubject))
		}
		if strings.ContainsAny(p.Text(pid.TagSubject), "{}") {
			complain("a slot left open in %q", p.Text(pid.TagSubject))
		}
		flags := p.Tag(pid.TagMessageFlags).(int32)
		mail := s.Kind == mapi.Normal && (s.Role == mapi.RoleInbox || s.Role == mapi.RoleSent || s.Role == mapi.RoleJunk || s.Role == mapi.RoleDeleted)
		if mail && (p.Tag(pid.TagClientSubmitTime) == nil || p.Tag(pid.TagMessageDeliveryTime) == nil || p.Tag(pid.TagSenderEntryId) == nil) {
			complain("no times or sender")
		}
		if s.Role == mapi.RoleDrafts && (flags&flagUnsent == 0 || p.Tag(pid.TagClientSubmitTime) != nil) {
			complain("a draft that was sent")
		}
		if (s.Kind == mapi.Associated) != (flags&flagAssociated != 0) {
			complain("flags 0x%X of a %v item", flags, s.Kind)
		}
		for _, tag := range []mapi.Tag{pid.TagCreationTime, pid.TagLastModificationTime, pid.TagClientSubmitTime, pid.TagMessageDeliveryTime} {
			if v, ok := p.Tag(tag).(mapi.FileTime); ok && (v.Time().Before(oldest) || v.Time().After(baseDate.AddDate(0, 0, 1))) {
				complain("%s is %v", pid.Name(mapi.TagKey(tag)), v)
			}
		}
		checkProps(complain, s.Item)
		checkBodies(complain, s.Item)
	}
}

func checkProps(complain func(string, ...any), it *mapi.Item) {
	check := func(where string, ps mapi.Props) {
		keys := map[mapi.Key]bool{}
		for _, p := range ps {
			if err := mapi.CheckValue(p.Key.Type(), p.Value); err != nil {
				complain("%s: %v: %v", where, p.Key, err)
			}
			if keys[p.Key] {
				complain("%s: %v twice", where, p.Key)
			}
			keys[p.Key] = true
		}
	}
	check("item", it.Props)
	for _, r := range it.Recipients {
		check("recipient", r)
		if a := r.Text(pid.TagSmtpAddress); !strings.HasSuffix(a, ".test") {
			complain("address %q", a)
		}
		if len(r.Tag(pid.TagEntryId).([]byte)) < 28 {
			complain("entry id of %q", r.Text(pid.TagDisplayName))
		}
	}
	for _, a := range it.Attachments {
		check("attachment", a.Props)
		if a.Embedded != nil {
			checkProps(complain, a.Embedded)
		}
	}
}

// checkBodies reads bodies as a program would: HTML in its code page, RTF decompressed.
func checkBodies(complain func(string, ...any), it *mapi.Item) {
	if h := bodyOf(it); h != nil {
		page := int(it.Props.Tag(pid.TagInternetCodepage).(int32))
		text, err := codepage.Decode(page, h)
		if err != nil || strings.ContainsRune(text, unicode.ReplacementChar) || !strings.Contains(text, "charset="+codepage.Charset(page)+`"`) {
			complain("HTML isn't in code page %d: %v", page, err)
		}
		if strings.ContainsAny(strings.ReplaceAll(text, cssOf(text), ""), "{}") {
			complain("a slot left open in HTML")
		}
	}
	var rtf []byte
	switch v := it.Props.Tag(pid.TagRtfCompressed).(type) {
	case []byte:
		rtf = v
	case mapi.MemBlob:
		rtf = v
	default:
		return
	}
	text, err := oxrtfcp.Decompress(rtf, 1<<20)
	if err != nil || !bytes.HasPrefix(text, []byte(`{\rtf1`)) || bytes.Count(text, []byte("{"))-bytes.Count(text, []byte(`\{`)) != bytes.Count(text, []byte("}"))-bytes.Count(text, []byte(`\}`)) {
		complain("RTF: %v, %.60s", err, text)
	}
	for _, c := range text {
		if c >= 0x80 {
			complain("RTF has the byte %#x", c)
			break
		}
	}
}

func cssOf(text string) string {
	_, after, _ := strings.Cut(text, "<style>")
	css, _, _ := strings.Cut(after, "</style>")
	return css
}

func TestOwner(t *testing.T) {
	o := Owner{Name: "Alice Adams", SMTP: "alice@contoso.test", LegacyDN: "/o=First Organization/cn=Recipients/cn=alice"}
	for _, s := range collect(t, Options{Items: 60, Owner: o}) {
		p := s.Item.Props
		if s.Role == mapi.RoleSent && (p.Text(pid.TagSenderName) != o.Name || p.Text(pid.TagSenderEmailAddress) != o.LegacyDN || p.Text(pid.TagSenderSmtpAddress) != o.SMTP) {
			t.Errorf("%s was sent by %q <%s>", s.Name, p.Text(pid.TagSenderName), p.Text(pid.TagSenderEmailAddress))
		}
		if s.Role == mapi.RoleInbox && s.Kind == mapi.Normal && s.Name != "post" && p.Text(pid.TagSenderName) == o.Name {
			t.Errorf("the owner received a %s of their own", s.Name)
		}
	}
}

func TestWorkingHours(t *testing.T) {
	r := newBox(Options{}).random("test", 1)
	for range 1000 {
		at := moment(r)
		if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday || at.Hour() < 7 || at.Hour() > 18 || at.After(baseDate) || at.Before(baseDate.AddDate(-years, 0, -3)) {
			t.Fatalf("%v isn't a working hour of the last years", at)
		}
	}
}
