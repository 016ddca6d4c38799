package mime

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi/pid"
)

// What independent tools take out of a TNEF file is attached to the message that the file came with.
func TestTNEFInMessages(t *testing.T) {
	list, err := filepath.Glob(filepath.Join(vectors.Data(t), "tnef", "*", "*.truth.json"))
	if err != nil || len(list) == 0 {
		t.Fatal("no samples", err)
	}
	damaged := []string{"bad_checksum.tnef", "duplicate_filename.tnef"} // the tools refuse them too
	for _, name := range list {
		name = strings.TrimSuffix(name, ".truth.json")
		short := filepath.Base(name)
		t.Run(filepath.Base(filepath.Dir(name))+"/"+short, func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			it := open(t, message("From: Real Sender <real@a.example>", "To: real@b.example", "Subject: Of the header",
				"Date: Tue, 1 Jul 2003 10:49:00 +0200", "Content-Type: multipart/mixed; boundary=b", "",
				"--b", "Content-Type: text/plain", "", "Text",
				"--b", "Content-Type: application/ms-tnef; name=winmail.dat", "Content-Transfer-Encoding: base64", "",
				base64.StdEncoding.EncodeToString(b), "--b--"))
			if slices.Contains(damaged, short) {
				if len(it.Attachments) != 1 || it.Attachments[0].Props.Text(pid.TagAttachLongFilename) != "winmail.dat" {
					t.Fatal("what is damaged doesn't stay a file")
				}
				return
			}
			if s := it.Props.Text(pid.TagSenderEmailAddress); s != "real@a.example" || len(it.Recipients) != 1 {
				t.Errorf("sent by %s to %v", s, it.Recipients)
			}
			var truth struct {
				Tools map[string]struct {
					Files []struct{ Name, Sha256 string }
				}
			}
			j, err := os.ReadFile(name + ".truth.json")
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(j, &truth); err != nil {
				t.Fatal(err)
			}
			f := &found{hashes: map[string]bool{}}
			f.item(t, it)
			for _, a := range it.Attachments {
				if v := a.Props.Tag(pid.TagAttachDataBinary); v != nil && a.Props.Tag(pid.TagAttachSize) == nil {
					t.Errorf("%s has no size", a.Props.Text(pid.TagAttachLongFilename))
				}
			}
			if slices.Contains(f.names, "winmail.dat") {
				t.Error("winmail.dat is still a file")
			}
			for _, tool := range truth.Tools {
				for _, want := range tool.Files {
					switch ext := filepath.Ext(want.Name); {
					case ext == ".rtf", ext == ".ics", ext == ".vcf", strings.HasPrefix(want.Name, "Untitled"), want.Name == "OLE Package":
					case !f.hashes[want.Sha256]:
						t.Errorf("%s is missing", want.Name)
					}
				}
			}
		})
	}
}

// A TNEF file of another message stays a file.
func TestForeignTNEF(t *testing.T) {
	dir := filepath.Join(vectors.Data(t), "tnef", "poi", "quick-winmail.dat")
	b, err := os.ReadFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	it := open(t, message("From: a@a.example", "X-MS-TNEF-Correlator: <of another message>", "Content-Type: application/ms-tnef; name=winmail.dat",
		"Content-Disposition: attachment", "Content-Transfer-Encoding: base64", "", base64.StdEncoding.EncodeToString(b)))
	if len(it.Attachments) != 1 || it.Attachments[0].Props.Text(pid.TagAttachLongFilename) != "winmail.dat" {
		t.Errorf("it was read: %d attachments", len(it.Attachments))
	}
}

// Examples of [RFC3676] 4.1 and 4.5, and what mailers write.
func TestFlowed(t *testing.T) {
	for in, want := range map[string]string{
		"a b \r\nc\r\nd\r\n":                    "a b c\r\nd\r\n",
		"> a \r\n> b\r\n>> c \r\n> d\r\n":       "> a b\r\n>> c \r\n> d\r\n",
		" From here\r\n >no quote \r\nmore\r\n": "From here\r\n>no quote more\r\n",
		"text \r\n-- \r\nname\r\n":              "text \r\n-- \r\nname\r\n",
		"no end ":                               "no end ",
		"":                                      "",
	} {
		if got := unflow(in, false); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := unflow("日本 \r\n語\r\n", true); got != "日本語\r\n" {
		t.Errorf("with blanks to be deleted: got %q", got)
	}
}
