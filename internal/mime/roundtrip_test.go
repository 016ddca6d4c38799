package mime

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/samplebox"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// kept are the properties that a message keeps ([MS-OXCMAIL] 2.1.3.2), and for which items.
var kept = []struct {
	key  mapi.Key
	only func(it *mapi.Item) bool // nil: all
}{
	{key: mapi.TagKey(pid.TagSubject)}, {key: mapi.TagKey(pid.TagSubjectPrefix), only: hasPrefix}, {key: mapi.TagKey(pid.TagNormalizedSubject), only: hasPrefix},
	{key: mapi.TagKey(pid.TagInternetMessageId)}, {key: mapi.TagKey(pid.TagInReplyToId)}, {key: mapi.TagKey(pid.TagInternetReferences)},
	{key: mapi.TagKey(pid.TagImportance)}, {key: mapi.TagKey(pid.TagSensitivity), only: isNote},
	{key: mapi.TagKey(pid.TagConversationIndex)}, {key: mapi.TagKey(pid.TagConversationTopic)},
	{key: mapi.TagKey(pid.TagAutoResponseSuppress), only: isNote}, {key: mapi.TagKey(pid.TagReplyRecipientNames)},
	{key: mapi.TagKey(pid.TagReadReceiptRequested)}, {key: mapi.TagKey(pid.TagListHelp)}, {key: mapi.TagKey(pid.TagListSubscribe)},
	{key: mapi.TagKey(pid.TagListUnsubscribe)}, {key: pid.NameKeywords}, {key: mapi.TagKey(pid.TagSenderName)},
	{key: mapi.TagKey(pid.TagSentRepresentingName)}, {key: mapi.TagKey(pid.TagSenderSmtpAddress)},
	{key: mapi.TagKey(pid.TagSentRepresentingSmtpAddress)},
	{key: mapi.TagKey(pid.TagDisplayTo), only: isNote}, {key: mapi.TagKey(pid.TagDisplayCc), only: isNote}, {key: mapi.TagKey(pid.TagDisplayBcc), only: isNote},
	{key: mapi.TagKey(pid.TagClientSubmitTime)},
	{key: mapi.TagKey(pid.TagBody), only: hasPlain},
	{key: mapi.TagKey(pid.TagHtml), only: nativeIs(nativeHTML)},
	{key: mapi.TagKey(pid.TagMessageClass), only: hasClass},
	{key: pid.LidAppointmentStartWhole, only: isMeeting}, {key: pid.LidAppointmentEndWhole, only: isMeeting}, {key: pid.LidLocation, only: isMeeting},
	{key: pid.LidGlobalObjectId, only: isMeeting}, {key: pid.LidResponseStatus, only: isMeeting}, {key: pid.LidIntendedBusyStatus, only: isMeeting},
	{key: mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: "x-mailer"}, mapi.TypeString)},
	{key: mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: "list-id"}, mapi.TypeString)},
}

// hasClass tells of items whose class follows from their form.
func hasClass(it *mapi.Item) bool {
	c := it.Props.Text(pid.TagMessageClass)
	return c == classNote || strings.HasPrefix(c, "REPORT.") || strings.HasPrefix(c, classOpaque) || isMeeting(it)
}

func isMeeting(it *mapi.Item) bool {
	return strings.HasPrefix(it.Props.Text(pid.TagMessageClass), "IPM.Schedule.Meeting.") && it.Props.Get(pid.LidAppointmentStartWhole) != nil
}

func isNote(it *mapi.Item) bool {
	return strings.HasPrefix(it.Props.Text(pid.TagMessageClass), "IPM.Note") && !strings.Contains(it.Props.Text(pid.TagMessageClass), "SMIME")
}

// hasPrefix tells of subjects whose prefix can be seen in them ([MS-OXCMAIL] 2.2.3.2.6.1), or follows from the class.
func hasPrefix(it *mapi.Item) bool {
	prefix, _ := splitSubject(it.Props.Text(pid.TagSubject))
	class := it.Props.Text(pid.TagMessageClass)
	return prefix == it.Props.Text(pid.TagSubjectPrefix) && !strings.HasPrefix(class, "IPM.Note.Rules.") || strings.HasPrefix(class, "REPORT.") || strings.HasPrefix(class, "IPM.Schedule.")
}

func nativeIs(n int32) func(*mapi.Item) bool {
	return func(it *mapi.Item) bool { v, _ := it.Props.Tag(pid.TagNativeBody).(int32); return v == n && isNote(it) }
}

func hasPlain(it *mapi.Item) bool { return isNote(it) }

// comparable is a value as a message can have it: times in seconds, addresses of SMTP.
func comparable(t *testing.T, v mapi.Value) string {
	switch v := v.(type) {
	case mapi.FileTime:
		return v.Time().Truncate(1e9).String()
	case mapi.Blob:
		return string(value(t, v))
	case []byte:
		return string(v)
	case string:
		return strings.TrimRight(lineBreaks(v), "\r\n ")
	case []string:
		return strings.Join(v, "|")
	}
	return fmt.Sprint(v)
}

func htmlText(t *testing.T, it *mapi.Item) string {
	t.Helper()
	html, page, err := bodyHTML(&it.Props)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(decodePage(page, html), "\r\n")
}

// written writes an item and reads it again.
func written(t *testing.T, it *mapi.Item) (*mapi.Item, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := (WriteOptions{Domain: "contoso.test"}).Write(&b, it); err != nil {
		t.Fatal(err)
	}
	got, err := Options{Domains: []string{"contoso.test"}}.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return got, b.Bytes()
}

// Items that become messages and items again keep what messages can hold.
func TestRoundTrip(t *testing.T) {
	for s, err := range samplebox.Items(samplebox.Options{Items: 2 * samplebox.Block, Seed: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind != mapi.Normal {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			got, _ := written(t, s.Item)
			for _, k := range kept {
				want := s.Item.Props.Get(k.key)
				if want == nil || k.only != nil && !k.only(s.Item) {
					continue
				}
				g, w := comparable(t, got.Props.Get(k.key)), comparable(t, want)
				if k.key == mapi.TagKey(pid.TagHtml) { // in UTF-8 if it has characters that the name of its code page doesn't stand for
					g, w = htmlText(t, got), htmlText(t, s.Item)
				}
				if g != w && !(w == "" && g == "<nil>") && w != "false" {
					t.Errorf("%s: got %.300q, want %.300q", pid.Name(k.key), g, w)
				}
			}
			sameFiles(t, got, s.Item)
		})
	}
}

// sameFiles compares attachments: names and contents.
func sameFiles(t *testing.T, got, want *mapi.Item) {
	t.Helper()
	list := func(it *mapi.Item) (out []string) {
		for _, a := range it.Attachments {
			if exception(&a.Props) {
				continue
			}
			if a.Embedded != nil {
				out = append(out, "message "+a.Embedded.Props.Text(pid.TagSubject))
				continue
			}
			if strings.HasPrefix(a.Props.Text(pid.TagAttachMimeTag), "message/d") {
				continue // what a report says to programs
			}
			if tag := a.Props.Text(pid.TagAttachMimeTag); it == got && (tag == "text/calendar" || tag == "text/vcard") {
				continue // what an item is that isn't mail
			}
			data := ""
			if v := a.Props.Tag(pid.TagAttachDataBinary); v != nil {
				data = strings.TrimRight(string(value(t, v)), "\r\n")
			}
			hidden, _ := a.Props.Tag(pid.TagAttachmentHidden).(bool)
			html, page, err := bodyHTML(&want.Props)
			if err != nil {
				t.Fatal(err)
			}
			hidden = hidden && refers(decodePage(page, html), a.Props.Text(pid.TagAttachContentId), "") // others become plain files
			out = append(out, fmt.Sprintf("%s %v %s %x", strings.ToLower(a.Props.Text(pid.TagAttachLongFilename)), hidden, a.Props.Text(pid.TagAttachContentId), data))
		}
		slices.Sort(out)
		return out
	}
	short := func(list []string) (out []string) {
		for _, s := range list {
			out = append(out, fmt.Sprintf("%.60s", s))
		}
		return out
	}
	g, w := list(got), list(want)
	if !slices.Equal(g, w) {
		t.Errorf("attachments: got %q, want %q", short(g), short(w))
	}
}
