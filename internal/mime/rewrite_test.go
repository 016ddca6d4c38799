package mime

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// unwritable are files of items that are no mail, which messages cannot say all of.
var unwritable = map[string]string{
	"horde/tnef_task.eml":   "a task request: its hidden attachment is to be seen as a message",
	"mimekit/rich-text.eml": "an appointment, which has a calendar beside it now",
}

// Messages that are read, written and read again say the same.
func TestRewritten(t *testing.T) {
	for _, name := range files(t) {
		t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), func(t *testing.T) {
			if why := unwritable[filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name)]; why != "" {
				t.Skip("SKIPPED:", why)
			}
			f, err := lenient(t).OpenFile(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var b bytes.Buffer
			if err := Write(&b, &f.Item); err != nil {
				t.Fatal(err)
			}
			again, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			sameContent(t, again, &f.Item)
			if t.Failed() {
				t.Logf("%.2000s", b.Bytes())
			}
		})
	}
}

// sameContent compares what people see, in embedded messages too.
func sameContent(t *testing.T, got, want *mapi.Item) {
	t.Helper()
	for _, tag := range []mapi.Tag{pid.TagMessageClass, pid.TagSubject, pid.TagSenderName, pid.TagSenderEmailAddress, pid.TagSentRepresentingName,
		pid.TagSentRepresentingEmailAddress, pid.TagDisplayTo, pid.TagDisplayCc, pid.TagDisplayBcc, pid.TagClientSubmitTime, pid.TagInternetMessageId,
		pid.TagInReplyToId, pid.TagImportance, pid.TagSensitivity, pid.TagReplyRecipientNames, pid.TagReadReceiptRequested, pid.TagListUnsubscribe,
		pid.TagBody, pid.TagMessageFlags} {
		g, w := got.Props.Tag(tag), want.Props.Tag(tag)
		if tag == pid.TagMessageClass && !hasClass(want) {
			continue
		}
		if a, b := blanks(comparable(t, g)), blanks(comparable(t, w)); a != b && !(w == nil && g == "") && w != false {
			t.Errorf("%s: got %.300q, want %.300q", pid.Name(mapi.TagKey(tag)), a, b)
		}
	}
	if html, _, _ := bodyHTML(&want.Props); html != nil {
		if g, w := htmlText(t, got), htmlText(t, want); g != w {
			t.Errorf("HTML: got %.300q, want %.300q", g, w)
		}
	}
	var g, w []string
	for i, a := range want.Attachments {
		w = append(w, describe(t, a))
		if a.Embedded != nil && i < len(got.Attachments) && got.Attachments[i].Embedded != nil {
			sameContent(t, got.Attachments[i].Embedded, a.Embedded)
		}
	}
	for _, a := range got.Attachments {
		g = append(g, describe(t, a))
	}
	slices.Sort(g)
	slices.Sort(w)
	if !slices.Equal(g, w) {
		t.Errorf("attachments: got %q, want %q", g, w)
	}
}

// describe says what can be seen of an attachment.
func describe(t *testing.T, a *mapi.Attachment) string {
	t.Helper()
	hidden, _ := a.Props.Tag(pid.TagAttachmentHidden).(bool)
	s := fmt.Sprintf("%s %v %s ", a.Props.Text(pid.TagAttachLongFilename), hidden, a.Props.Text(pid.TagAttachContentId))
	if a.Embedded != nil {
		return s + a.Embedded.Props.Text(pid.TagSubject)
	}
	if v := a.Props.Tag(pid.TagAttachDataBinary); v != nil {
		s += fmt.Sprintf("%x", sha256.Sum256(bytes.TrimRight(value(t, v), "\r\n")))
	}
	return s
}

// zeros is a large value that is made while it is read.
type zeros int64

func (z zeros) Size() int64 { return int64(z) }

func (z zeros) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(zeroReader{}, int64(z))), nil
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Large attachments are never held in memory, in messages in messages neither.
func TestWriteLargeAttachment(t *testing.T) {
	const size = 64 << 20
	file := &mapi.Attachment{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachMethod), Value: attachByValue}, {Key: mapi.TagKey(pid.TagAttachDataBinary), Value: zeros(size)}}}
	it := &mapi.Item{Attachments: []*mapi.Attachment{{Embedded: &mapi.Item{Attachments: []*mapi.Attachment{file}}}}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := &counter{}
	if err := Write(n, it); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
		t.Errorf("%d KiB of memory were used", used>>10)
	}
	if want := int64(size/3*4) * 78 / 76; n.n < want {
		t.Errorf("%d bytes were written, want %d and more", n.n, want)
	}
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

// Nothing that an item holds makes another header of the message.
func TestHeaderInjection(t *testing.T) {
	evil := "x\r\nBcc: victim@a.example\r\n\r\n<script>"
	tag := func(t mapi.Tag) mapi.Prop { return mapi.Prop{Key: mapi.TagKey(t), Value: evil} }
	it := &mapi.Item{
		Props: mapi.Props{tag(pid.TagSubject), tag(pid.TagSenderName), tag(pid.TagSenderEmailAddress), tag(pid.TagSenderSmtpAddress), tag(pid.TagInternetMessageId),
			tag(pid.TagInReplyToId), tag(pid.TagInternetReferences), tag(pid.TagConversationTopic), tag(pid.TagListHelp), tag(pid.TagBodyContentLocation),
			tag(pid.TagReplyRecipientNames), {Key: mapi.TagKey(pid.TagHtml), Value: []byte("<p>")},
			{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note.Custom." + evil},
			{Key: mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: "x-a"}, mapi.TypeString), Value: evil},
			{Key: mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: "x-b: c\r\nBcc"}, mapi.TypeString), Value: evil},
			{Key: mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: "bcc"}, mapi.TypeString), Value: evil}},
		Recipients: []mapi.Props{{tag(pid.TagDisplayName), tag(pid.TagSmtpAddress), {Key: mapi.TagKey(pid.TagRecipientType), Value: recipientTo}}},
		Attachments: []*mapi.Attachment{{Props: mapi.Props{tag(pid.TagAttachLongFilename), tag(pid.TagAttachMimeTag), tag(pid.TagAttachContentId), tag(pid.TagAttachContentLocation),
			tag(pid.TagAttachContentBase), tag(pid.TagTextAttachmentCharset), {Key: mapi.TagKey(pid.TagAttachDataBinary), Value: []byte("x")}}}},
	}
	var b bytes.Buffer
	if err := (WriteOptions{Sending: true}).Write(&b, it); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(strings.ToLower(line), "bcc") || strings.HasPrefix(line, "<script>") {
			t.Errorf("a line of its own: %q in\n%s", line, b.Bytes())
		}
	}
}
