package mime

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// message joins lines as a message.
func message(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

func open(t *testing.T, msg string) *mapi.Item {
	t.Helper()
	it, err := Open(strings.NewReader(msg), int64(len(msg)))
	if err != nil {
		t.Fatal(err)
	}
	return it
}

// wants compares properties; want is nil for one that must not be there.
func wants(t *testing.T, p mapi.Props, want map[mapi.Tag]any) {
	t.Helper()
	for tag, w := range want {
		got := p.Tag(tag)
		if b, ok := got.([]byte); ok {
			if _, ok := w.(string); ok {
				got = string(b)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(w) {
			t.Errorf("%s: got %v, want %v", pid.Name(mapi.TagKey(tag)), got, w)
		}
	}
}

func TestAlternative(t *testing.T) {
	it := open(t, message(
		"Content-Type: multipart/alternative; boundary=b", "",
		"--b", "Content-Type: text/plain; charset=utf-8", "", "Grüße", "",
		"--b", "Content-Type: text/html; charset=iso-8859-1", "Content-Transfer-Encoding: quoted-printable", "", "<p>Gr=FC=DFe</p>",
		"--b", "Content-Type: text/calendar; method=REQUEST", "", "BEGIN:VCALENDAR",
		"--b--"))
	wants(t, it.Props, map[mapi.Tag]any{
		pid.TagBody: "Grüße\r\n", pid.TagHtml: "<p>Gr\xfc\xdfe</p>", pid.TagInternetCodepage: 28591, pid.TagNativeBody: 3,
		pid.TagMessageClass: "IPM.Note",
	})
	if len(it.Attachments) != 1 {
		t.Fatalf("%d attachments, want that of the meeting", len(it.Attachments))
	}
	wants(t, it.Attachments[0].Props, map[mapi.Tag]any{
		pid.TagAttachLongFilename: "ATT00001.ics", pid.TagAttachMimeTag: "text/calendar", pid.TagAttachDataBinary: "BEGIN:VCALENDAR",
	})
}

// Pictures that the HTML shows are hidden ([MS-OXCMAIL] 2.2.3.4.1.4.1), others not.
func TestInline(t *testing.T) {
	picture := func(id, name string) []string {
		return []string{"--b", "Content-Type: image/png; name=" + name, "Content-Transfer-Encoding: base64", "Content-Id: <" + id + ">", "", "aGVsbG8="}
	}
	lines := []string{"Content-Type: multipart/related; boundary=b", "",
		"--b", "Content-Type: text/html", "", `<img src="CID:a%40b"><img src=cid:c@d><a href='http://x.example/?cid:e@f2'>cid:e@f</a>`}
	for i, id := range []string{"a@b", "c@d", "e@f2", "g@h"} {
		lines = append(lines, picture(id, fmt.Sprintf("%d.png", i))...)
	}
	it := open(t, message(append(lines, "--b--")...))
	for i, want := range []any{true, true, nil, nil} {
		a := it.Attachments[i].Props
		wants(t, a, map[mapi.Tag]any{pid.TagAttachmentHidden: want, pid.TagRenderingPosition: -1, pid.TagAttachSize: 5,
			pid.TagAttachExtension: ".png", pid.TagAttachMethod: 1})
		if flags := a.Tag(pid.TagAttachFlags); (flags == int32(4)) != (want == true) {
			t.Errorf("picture %d has the flags %v", i, flags)
		}
	}
	wants(t, it.Props, map[mapi.Tag]any{pid.TagMessageFlags: 0x11})
}

// The header of a message with all that maps to properties.
func TestEnvelope(t *testing.T) {
	it := open(t, message(
		"Received: from b.example", "Received: from a.example by b.example; Tue, 1 Jul 2003 10:52:40 +0200",
		"Received: from c.example by a.example; Tue, 1 Jul 2003 10:50:00 +0200",
		"From: =?utf-8?Q?J=C3=B6rn?= <joern@a.example>", "Sender: office@a.example", "To: b@b.example, C <c@b.example>", "Cc: d@b.example",
		"Bcc: e@b.example", "Reply-To: Desk <desk@a.example>, x@a.example", "Date: Tue, 1 Jul 2003 10:49:00 +0200",
		"Keywords: one, two words", "Sensitivity: Company-Confidential", "List-Unsubscribe: <mailto:u@a.example>",
		"X-Mailer: Mailer 1", "X-Mailer: another", "Expires: Wed, 2 Jul 2003 00:00:00 +0000", "Auto-Submitted: auto-generated",
		"Precedence: bulk", "Subject: Re: a", "\tb", "X-Message-Flag: Call back", "", "Text"))
	wants(t, it.Props, map[mapi.Tag]any{
		pid.TagMessageDeliveryTime: "2003-07-01T08:52:40Z", pid.TagClientSubmitTime: "2003-07-01T08:49:00Z", pid.TagExpiryTime: "2003-07-02T00:00:00Z",
		pid.TagSentRepresentingName: "Jörn", pid.TagSentRepresentingSmtpAddress: "joern@a.example", pid.TagSentRepresentingAddressType: "SMTP",
		pid.TagSenderName: "office@a.example", pid.TagSenderSearchKey: "SMTP:OFFICE@A.EXAMPLE\x00",
		pid.TagDisplayTo: "b@b.example; C", pid.TagDisplayCc: "d@b.example", pid.TagDisplayBcc: "e@b.example",
		pid.TagReplyRecipientNames: "Desk;x@a.example", pid.TagSensitivity: 3, pid.TagImportance: 1, pid.TagFlagStatus: 2,
		pid.TagListUnsubscribe: "<mailto:u@a.example>", pid.TagMessageFlags: 1, pid.TagNativeBody: 1, pid.TagBody: "Text\r\n",
		pid.TagAutoResponseSuppress: 0x30, tagInternetPrecedence: "bulk", pid.TagSubject: "Re: a b", pid.TagConversationTopic: "a b",
	})
	if got := fmt.Sprint(it.Props.Get(pid.NameKeywords)); got != "[one two words]" {
		t.Errorf("keywords %s", got)
	}
	mailer := mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: "x-mailer"}, mapi.TypeString)
	if got := it.Props.Get(mailer); got != "Mailer 1" {
		t.Errorf("x-mailer is %v", got)
	}
	if s := it.Props.Text(pid.TagTransportMessageHeaders); !strings.HasPrefix(s, "Received: from b.example\r\n") || !strings.HasSuffix(s, "Call back\r\n") {
		t.Errorf("transport headers are %q", s)
	}
	// A one-off entry id as Outlook writes it ([MS-OXCDATA] 2.2.5.1).
	id, _ := it.Recipients[1].Tag(pid.TagEntryId).([]byte)
	want := "00000000812b1fa4bea310199d6e00dd010f5402" + "00000190" + hex.EncodeToString(mapi.EncodeUTF16("C\x00SMTP\x00c@b.example\x00"))
	if hex.EncodeToString(id) != want {
		t.Errorf("entry id %x, want %s", id, want)
	}
	for i, typ := range []int32{1, 1, 2, 3} {
		wants(t, it.Recipients[i], map[mapi.Tag]any{pid.TagRecipientType: typ, pid.TagRowid: i})
	}
}

func TestMessageFlags(t *testing.T) {
	for head, want := range map[string]int32{"": 1, "Status: RO": 1, "Status: O": 0, "X-Mozilla-Status: 0000": 0, "X-Mozilla-Status: 0011": 1, "X-Unsent: 1": 9} {
		it := open(t, message("Subject: x", head)+"\r\ntext")
		wants(t, it.Props, map[mapi.Tag]any{pid.TagMessageFlags: want})
	}
}

func TestClearSigned(t *testing.T) {
	entity := message("--b", "Content-Type: text/plain", "", "Signed text", "--b", "Content-Type: application/pkcs7-signature; name=smime.p7s",
		"Content-Transfer-Encoding: base64", "", "aGVsbG8=", "--b--")
	typ := "Content-Type: multipart/signed; protocol=\"application/x-pkcs7-signature\";\r\n micalg=sha1; boundary=b\r\n"
	it := open(t, "Subject: x\r\n"+typ+"\r\n"+entity+"epilogue\r\n")
	wants(t, it.Props, map[mapi.Tag]any{pid.TagMessageClass: "IPM.Note.SMIME.MultipartSigned", pid.TagBody: "Signed text"})
	wants(t, it.Attachments[0].Props, map[mapi.Tag]any{pid.TagAttachMimeTag: "multipart/signed", pid.TagAttachLongFilename: "SMIME.p7m",
		pid.TagAttachDataBinary: typ + "\r\n" + strings.TrimSuffix(entity, "\r\n")})

	it = open(t, message("Content-Type: application/pkcs7-mime; name=smime.p7m", "Content-Transfer-Encoding: base64", "", "aGVsbG8="))
	wants(t, it.Props, map[mapi.Tag]any{pid.TagMessageClass: "IPM.Note.SMIME", pid.TagBody: nil})
	wants(t, it.Attachments[0].Props, map[mapi.Tag]any{pid.TagAttachDataBinary: "hello", pid.TagAttachLongFilename: "smime.p7m"})
}

// Reports of the samples, and of each action ([MS-OXCMAIL] 2.2.3.7).
func TestReports(t *testing.T) {
	dir := filepath.Join(vectors.Data(t), "eml")
	for name, want := range map[string]string{
		"mail-ruby/report_422.eml": "REPORT.IPM.Note.Delayed.DR", "mail-ruby/report_530.eml": "REPORT.IPM.Note.NDR",
		"mimekit/disposition-notification.anonymized.eml": "IPM.Note", "mail-ruby/multipart_report_multiple_status.eml": "REPORT.IPM.Note.NDR",
	} {
		f, err := OpenFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Props.Text(pid.TagMessageClass); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		f.Close()
	}
	report := func(typ, status string) *mapi.Item {
		return open(t, message("To: sender@a.example", "Content-Type: multipart/report; report-type=x; boundary=b", "", "--b", "Content-Type: text/plain", "",
			"Sorry", "--b", "Content-Type: message/"+typ, "", status, "--b--"))
	}
	for action, want := range map[string]string{"failed": ".NDR", "delayed": ".Delayed.DR", "relayed": ".Relayed.DR", "expanded": ".Expanded.DR", "delivered": ".DR"} {
		it := report("delivery-status", "Reporting-MTA: dns; a.example\r\n\r\nFinal-Recipient: rfc822; gone@b.example\r\nAction: "+action+
			"\r\nStatus: 5.1.1 (no user)\r\nRemote-MTA: dns; mx.b.example\r\nDiagnostic-Code: smtp; 550 no such user")
		wants(t, it.Props, map[mapi.Tag]any{pid.TagMessageClass: "REPORT.IPM.Note" + want, pid.TagBody: "Sorry", pid.TagReportingMessageTransferAgent: "dns; a.example"})
		wants(t, it.Recipients[1], map[mapi.Tag]any{pid.TagEmailAddress: "gone@b.example", pid.TagNonDeliveryReportStatusCode: 511,
			pid.TagSupplementaryInfo: "<mx.b.example #5.1.1 smtp; 550 no such user>", pid.TagRemoteMessageTransferAgent: "mx.b.example"})
	}
	for kind, want := range map[string]string{"displayed": "REPORT.IPM.Note.IPNRN", "deleted/error": "REPORT.IPM.Note.IPNNRN", "unheard-of": "IPM.Note"} {
		it := report("disposition-notification", "Final-Recipient: rfc822;a@b.example\r\nOriginal-Message-ID: <1@a.example>\r\nDisposition: automatic-action/MDN-sent-automatically; "+kind)
		wants(t, it.Props, map[mapi.Tag]any{pid.TagMessageClass: want})
	}
}

func TestEmbedded(t *testing.T) {
	msg := "Subject: innermost\r\n\r\ntext\r\n"
	for range 100 {
		msg = "Subject: outer\r\nContent-Type: message/rfc822\r\n\r\n" + msg
	}
	it := open(t, msg)
	depth := 0
	for len(it.Attachments) == 1 && it.Attachments[0].Embedded != nil {
		wants(t, it.Attachments[0].Props, map[mapi.Tag]any{pid.TagAttachMethod: 5, pid.TagDisplayName: "outer"})
		it = it.Attachments[0].Embedded
		depth++
	}
	if depth == 0 || depth > mapi.MaxDepth {
		t.Errorf("embedded %d deep", depth)
	}
	if len(it.Attachments) != 1 || !strings.HasSuffix(string(value(t, it.Attachments[0].Props.Tag(pid.TagAttachDataBinary))), "innermost\r\n\r\ntext\r\n") {
		t.Error("what is deeper is not kept as a file")
	}
}

func TestTooComplex(t *testing.T) {
	for name, msg := range map[string]string{
		"parts":      "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", maxParts+1) + "--b--\n",
		"headers":    strings.Repeat("a: b\n", maxHeaders/fieldCost),
		"recipients": "To: " + strings.Repeat("a@b,", maxAddresses+1) + "\n\n",
		"cut":        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n\nabc",
	} {
		_, err := Open(strings.NewReader(msg), int64(len(msg)))
		want := mapi.ErrTooComplex
		if name == "cut" {
			want = mapi.ErrCorruptData
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want an error that is %v", name, err, want)
		}
	}
}

// An error of the file is not one of the message.
func TestDiskError(t *testing.T) {
	_, err := Open(brokenDisk{}, 100)
	if !errors.Is(err, mapi.ErrDisk) || !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

type brokenDisk struct{}

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, os.ErrPermission }

// repeated is a large file: head, a block many times, tail.
type repeated struct {
	head, block, tail string
	times             int64
}

func (r repeated) size() int64 {
	return int64(len(r.head)) + r.times*int64(len(r.block)) + int64(len(r.tail))
}

func (r repeated) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		var from string
		at := off - int64(len(r.head))
		switch middle := r.times * int64(len(r.block)); {
		case at < 0:
			from = r.head[off:]
		case at < middle:
			from = r.block[at%int64(len(r.block)):]
		case at-middle < int64(len(r.tail)):
			from = r.tail[at-middle:]
		default:
			return n, io.EOF
		}
		m := copy(p[n:], from)
		n += m
		off += int64(m)
	}
	return n, nil
}

// discard is a sink that counts the bytes of streams.
type discard struct{ n int64 }

func (d *discard) Prop(mapi.Key, mapi.Value) error { return nil }
func (d *discard) Stream(_ mapi.Key, size int64, r io.Reader) error {
	n, err := io.Copy(io.Discard, r)
	if d.n += n; n != size {
		return fmt.Errorf("a stream of %d bytes has %d", size, n)
	}
	return err
}
func (d *discard) Recipient() error  { return nil }
func (d *discard) Attachment() error { return nil }
func (d *discard) Embedded() error   { return nil }
func (d *discard) End() error        { return nil }

// Large attachments are never held in memory, whatever their encoding, and also when lines have no end.
func TestLargeAttachment(t *testing.T) {
	for name, f := range map[string]struct {
		encoding, block string
		times, want     int64
	}{
		"base64":           {"base64", strings.Repeat("QUJD", 19) + "\r\n", 500_000, 500_000 * 57},
		"base64 in a line": {"base64", strings.Repeat("QUJD", 19), 500_000, 500_000 * 57},
		"quoted-printable": {"quoted-printable", strings.Repeat("=41", 20), 500_000, 500_000 * 20},
		"8bit":             {"8bit", strings.Repeat("x", 70) + "\r\n", 500_000, 500_000 * 72},
		"a text":           {"7bit\r\nContent-Type: text/plain", strings.Repeat("x", 70) + "\r\n", 500_000, 500_000 * 72},
	} {
		t.Run(name, func(t *testing.T) {
			r := repeated{"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: " + f.encoding +
				"\r\nContent-Disposition: attachment\r\n\r\n", f.block, "\r\n--b--\r\n", f.times}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var d discard
			if err := Read(r, r.size(), &d); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if d.n != f.want {
				t.Errorf("%d bytes, want %d", d.n, f.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
				t.Errorf("%d KiB of memory were used for %d KiB", used>>10, r.size()>>10)
			}
		})
	}
}

// Any message that can be read is an item that a store takes.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"From: a@b\nTo: c@d\nSubject: =?utf-8?q?x?=\n\ntext",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src=cid:x>\n--b\nContent-Id: <x>\nContent-Type: image/png; name*=utf-8''a\nContent-Transfer-Encoding: base64\n\nQUJD\n--b--\n",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQTogYgoKYw==",
		"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nAction: failed\nFinal-Recipient: rfc822;a@b\n--b--",
		"Content-Type: multipart/signed; protocol=application/pkcs7-signature; boundary=b\n\n--b\n\nx\n--b--",
		"Content-Transfer-Encoding: uuencode\nContent-Disposition: attachment\n\nbegin 644 a\n#86)C\n`\nend\n",
		"Content-Transfer-Encoding: quoted-printable\n\na=\n=4",
		"Content-Type: text/plain; format=flowed; delsp=yes\n\n> a \n> b",
		"Content-Type: application/ms-tnef\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\neJ8+IgEABAICAAEAAAAAAA==",
		"Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:x\nDTSTART:20240702T100000Z\nRRULE:FREQ=DAILY\nEND:VEVENT\nEND:VCALENDAR\n",
	} {
		f.Add([]byte(s))
	}
	store := memstore.New(memstore.Config{})
	inbox, err := store.Special(f.Context(), mapi.RoleInbox)
	if err != nil {
		f.Fatal(err)
	}
	folder, err := store.Folder(f.Context(), inbox)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		it, err := Options{Domains: []string{"b"}, Damage: func(*mapi.Error) error { return nil }}.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if !errors.Is(err, mapi.ErrTooComplex) {
				t.Fatal(err)
			}
			return
		}
		var message bytes.Buffer
		if err := Write(&message, it); err != nil {
			t.Fatal(err)
		}
		damaged := Options{Damage: func(*mapi.Error) error { return nil }} // what was signed is written as it came
		if _, err := damaged.Open(bytes.NewReader(message.Bytes()), int64(message.Len())); err != nil && !errors.Is(err, mapi.ErrTooComplex) {
			t.Fatalf("what was written cannot be read: %v\n%.2000q", err, message.Bytes())
		}
		w, err := folder.Create(t.Context(), mapi.Normal)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if err := it.WriteTo(w); err != nil {
			t.Fatal(err)
		}
	})
}
