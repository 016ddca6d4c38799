package mime

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Messages cut short at every byte: what an attachment has lost is never passed over.
func TestCutShort(t *testing.T) {
	dir := filepath.Join(vectors.Data(t), "eml")
	for _, name := range []string{
		"enmime/attachment.raw.eml", "enmime/other-parts.raw.eml", "enmime/html-mime-bad-charset-inline.raw.eml",
		"mox/yahoo.eml", "tika/testRFC822_multipart_attachments.eml", "mail-ruby/attachment_pdf_lf.eml",
		"mail-ruby/raw_email_with_nested_attachment.eml", "mime4j/base64encoded-rfc822message-nested.msg.eml",
		"enmime/attachment-only.raw.eml",
	} {
		t.Run(name, func(t *testing.T) {
			whole, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			it, err := Open(bytes.NewReader(whole), int64(len(whole)))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]bool{}
			attached(t, it, want)
			failed := 0
			for n := range whole {
				it, err := Open(bytes.NewReader(whole[:n]), int64(n))
				if err != nil {
					failed++
					if !errors.Is(err, mapi.ErrCorruptData) {
						t.Fatalf("cut at %d: %v, want an error that is %v", n, err, mapi.ErrCorruptData)
					}
					continue
				}
				got := map[string]bool{}
				attached(t, it, got)
				for data := range got {
					if !want[data] && !allBase64(whole, n) {
						t.Fatalf("cut at %d: an attachment of %d bytes is none of the whole message's", n, len(data))
					}
				}
				var read mapi.ItemBuilder
				damaged := 0
				o := Options{Damage: func(*mapi.Error) error { damaged++; return nil }}
				if err := o.Read(bytes.NewReader(whole[:n]), int64(n), &read); err != nil {
					t.Fatalf("cut at %d: %v although damage is taken", n, err)
				}
			}
			if failed == 0 {
				t.Error("no cut was noticed")
			}
		})
	}
}

// allBase64 tells whether a message cut at n is one file in base64 whose last group of four characters is whole: nothing in
// it tells that there was more.
func allBase64(whole []byte, n int) bool {
	_, body, _ := bytes.Cut(whole[:n], []byte("\n\n"))
	b := bytes.Join(bytes.Fields(body), nil)
	return !bytes.Contains(whole, []byte("boundary")) && len(b)%4 == 0
}

// attached collects the files of an item.
func attached(t *testing.T, it *mapi.Item, into map[string]bool) {
	for _, a := range it.Attachments {
		if a.Embedded != nil {
			attached(t, a.Embedded, into)
			continue
		}
		into[string(value(t, a.Props.Tag(pid.TagAttachDataBinary)))] = true
	}
}
