package mime

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// truth is what an independent reader says is in a file.
type truth struct {
	Summary struct {
		Subject   string
		Date      string     `json:"Date_utc"`
		MessageID string     `json:"Message-ID"`
		From      [][]string `json:"From_addresses"`
		To        [][]string `json:"To_addresses"`
		Cc        [][]string `json:"Cc_addresses"`
	}
	Parts       []truthPart
	Attachments []struct {
		Part, Filename, Type, Sha256 string
	}
}

type truthPart struct {
	Part, Type, Sha256 string
	Size               int
	Text               string `json:"text_utf8_lf_sha256"`
}

func files(t testing.TB) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(vectors.Data(t), "eml", "*", "*.eml"))
	if err != nil || len(list) == 0 {
		t.Fatal("no samples", err)
	}
	return list
}

func readTruth(t testing.TB, name string) (tr truth) {
	t.Helper()
	b, err := os.ReadFile(name + ".truth.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &tr); err != nil {
		t.Fatal(err)
	}
	return tr
}

// lenient reads all that can be read.
func lenient(t testing.TB) Options {
	return Options{Damage: func(e *mapi.Error) error { t.Log(e); return nil }}
}

// exceptions are the files in which this package doesn't agree with the independent reader, Python's email package.
var exceptions = map[string]string{
	"mail-ruby/example13.eml":       "blanks before the colons: Python finds no header at all",
	"mime4j/infinite.msg.eml":       "a message that is only a text with a file name: the text is the body here ([MS-OXCMAIL] 2.2.3.3.2)",
	"mimekit/message-partial.0.eml": "a message/partial is kept as a file here, Python reads into it",
	"kopano/zcp-11699-ub.eml":       "Python knows no charset unicodebig",
	"tika/testRFC822-big.eml":       "names without addresses: Python takes the first words for addresses",
}

// inText are files with which it agrees but for the content of parts that are no attachments.
var inText = map[string]string{
	"cpython/msg_15.txt.eml":                            "an empty multipart is left out",
	"mail-parser/thirdparty-003.eml":                    "Python doesn't recognize an encoding with blanks after it",
	"mail-parser/thirdparty-012.eml":                    "Python doesn't unfold a boundary",
	"mail-ruby/multipart_report_multiple_status.eml":    "Python reads messages into a message/delivery-status",
	"mime4j/bad-newlines-multiple-parts-base64.msg.eml": "a message in base64, which Python doesn't decode",
	"mime4j/base64encoded-rfc822message-nested.msg.eml": "a message in base64, which Python doesn't decode",
	"mime4j/base64encoded-rfc822message.msg.eml":        "a message in base64, which Python doesn't decode",
	"mime4j/multi-clen.msg.eml":                         "Python doesn't unfold a boundary",
	"mime4j/multi-digest.msg.eml":                       "Python doesn't unfold a boundary",
	"mime4j/multi-simple.msg.eml":                       "Python doesn't unfold a boundary",
	"mime4j/multipartemptypart.msg.eml":                 "Python takes the epilogue for a part",
	"mime4j/multipartnopart.msg.eml":                    "a multipart without parts has no text",
	"tika/testGroupWiseEml.eml":                         "a message in base64, which Python doesn't decode",
}

func TestTruth(t *testing.T) {
	list := files(t)
	if max := len(list) * 2 / 100; len(exceptions) > max {
		t.Errorf("%d exceptions of %d files, at most %d are allowed", len(exceptions), len(list), max)
	}
	for _, name := range list {
		short := filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(name)), filepath.Base(name)))
		t.Run(short, func(t *testing.T) {
			f, err := lenient(t).OpenFile(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tr := readTruth(t, name)
			found := collect(t, &f.Item, raw)
			bad := append(tr.disagreements(&f.Item, found), tr.bodies(t, &f.Item, found)...)
			if exceptions[short] == "" {
				for _, d := range bad {
					t.Error(d)
				}
			} else if bad == nil {
				t.Error("agrees now: it is no exception anymore")
			}
			lost := tr.lost(found)
			if exceptions[short] == "" && inText[short] == "" {
				for _, d := range lost {
					t.Error(d)
				}
			} else if exceptions[short] == "" && lost == nil {
				t.Error("all text is there now: it is no exception anymore")
			}
		})
	}
}

// disagreements are those in the subject, the people, the date and the attachments. What Python couldn't read cannot
// disagree: addresses that it found none in, text with replacement characters.
func (tr *truth) disagreements(it *mapi.Item, found *found) (list []string) {
	check := func(what, got, want string) {
		if got != want && !strings.Contains(want, "\uFFFD") {
			list = append(list, what+": got "+got+", want "+want)
		}
	}
	check("subject", blanks(text(it.Props, pid.TagSubject)), nulls.Replace(blanks(tr.Summary.Subject)))
	if from := people(tr.Summary.From); len(from) > 0 {
		check("from", person(it.Props, pid.TagSentRepresentingName, pid.TagSentRepresentingEmailAddress), from[0])
	}
	for typ, want := range map[int32][][]string{recipientTo: tr.Summary.To, recipientCc: tr.Summary.Cc} {
		var got []string
		for _, r := range it.Recipients {
			if r.Tag(pid.TagRecipientType) == typ && r.Tag(pid.TagSupplementaryInfo) == nil {
				got = append(got, person(r, pid.TagDisplayName, pid.TagEmailAddress))
			}
		}
		if wants := people(want); len(wants) > 0 || len(want) == 0 {
			check("recipients", strings.Join(got, "; "), strings.Join(wants, "; "))
		}
	}
	if want := tr.Summary.Date; strings.HasSuffix(want, "Z") { // else Python knew no time zone
		d, _ := it.Props.Tag(pid.TagClientSubmitTime).(mapi.FileTime)
		check("date", d.Time().Format(time.RFC3339), want)
	}
	for _, a := range tr.Attachments {
		// Python leaves encoded words in parameters as they are; and only here names become those that files can have.
		want := a.Filename
		if w, err := new(mime.WordDecoder).DecodeHeader(strings.ReplaceAll(want, "\n", "")); err == nil {
			want = w
		}
		want = strings.NewReplacer("/", "_", "\\", "_", ":", "_", "?", "_").Replace(want)
		want = strings.Replace(want, "3d-=_ISO-8859-1_Q_=63_=om=_US-ASCII*EN_Q_pr_=ess", "3d-compress", 1) // words in words
		if found.inside[a.Sha256] {
			continue // it became part of the item
		}
		if want != "" && !slices.Contains(found.names, want) && !strings.Contains(want, "\uFFFD") {
			list = append(list, "attachment "+want+" is missing among "+strings.Join(found.names, ", "))
		}
		if a.Sha256 != "" && !found.hashes[a.Sha256] {
			list = append(list, "the content of "+want+" is missing")
		}
	}
	return list
}

// bodies are the texts of the item that are none of the message's, as the independent reader sees it. A text whose lines were joined
// cannot be compared, nor one that came with TNEF.
func (tr *truth) bodies(t *testing.T, it *mapi.Item, found *found) (list []string) {
	if found.tnef {
		return nil
	}
	texts := map[string]bool{}
	if !slices.ContainsFunc(tr.Parts, func(p truthPart) bool { return strings.HasPrefix(p.Type, "text/") }) {
		return nil // where it found no text, none can disagree
	}
	for _, p := range tr.Parts {
		texts[p.Text], texts[p.Sha256] = true, true
		if found.flowed[p.Sha256] {
			return nil
		}
	}
	check := func(what, text string) {
		f := &collectedHashes{}
		f.text(text)
		f.text(strings.TrimRight(text, "\r\n")) // line breaks before a delimiter
		f.text(text + "\n")
		if strings.TrimSpace(text) != "" && !slices.ContainsFunc(f.list, func(h string) bool { return texts[h] }) {
			list = append(list, what+" is no text of the message: "+text[:min(len(text), 100)])
		}
	}
	check("body", text(it.Props, pid.TagBody))
	if v := it.Props.Tag(pid.TagHtml); v != nil {
		cp, _ := it.Props.Tag(pid.TagInternetCodepage).(int32)
		b := value(t, v)
		if h := sha256.Sum256(b); !texts[hex.EncodeToString(h[:])] { // byte for byte, or else as text
			check("HTML", decodePage(int(cp), b))
		}
	}
	return list
}

// collectedHashes are those of a text in several forms.
type collectedHashes struct{ list []string }

func (c *collectedHashes) text(s string) {
	f := &found{hashes: map[string]bool{}}
	f.text(s)
	for h := range f.hashes {
		c.list = append(c.list, h)
	}
}

// lost are the parts that are neither body nor attachment.
func (tr *truth) lost(found *found) (list []string) {
	for _, p := range tr.Parts {
		if p.Sha256 != "" && p.Size > 0 && !found.inside[p.Sha256] && !found.hashes[p.Sha256] && !found.hashes[p.Text] {
			list = append(list, "part "+p.Part+" is missing: "+p.Type)
		}
	}
	return list
}

var nulls = strings.NewReplacer("\x00", "")

func people(list [][]string) (out []string) {
	for _, p := range list {
		if p[0]+p[1] != "" {
			out = append(out, pair(p[0], p[1]))
		}
	}
	return out
}

func blanks(s string) string { return strings.Join(strings.Fields(s), " ") }

func text(p mapi.Props, tag mapi.Tag) string {
	if b, ok := p.Tag(tag).(mapi.MemBlob); ok {
		return mapi.DecodeUTF16(b)
	}
	return p.Text(tag)
}

func person(p mapi.Props, name, email mapi.Tag) string { return pair(p.Text(name), p.Text(email)) }

func pair(name, email string) string {
	if name = blanks(name); name == email {
		name = ""
	}
	return name + " <" + email + ">"
}

// found is what is in an item: file names, and hashes of contents, of texts also as UTF-8 with LF.
type found struct {
	names  []string
	hashes map[string]bool
	inside map[string]bool // parts that became properties: winmail.dat, meetings, text whose lines were joined
	flowed map[string]bool // the latter
	tnef   bool
}

func collect(t *testing.T, it *mapi.Item, raw []byte) *found {
	f := &found{hashes: map[string]bool{}, inside: map[string]bool{}, flowed: map[string]bool{}}
	f.item(t, it)
	root, err := parse(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	f.converted(t, root)
	// What a clear-signed message holds is inside its only attachment.
	if it.Props.Text(pid.TagMessageClass) == classClearSigned {
		data := value(t, it.Attachments[0].Props.Tag(pid.TagAttachDataBinary))
		root, err := parse(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(raw, data[len(data)-int(root.body.size()):]) {
			t.Error("the signed content is not byte for byte that of the file")
		}
		b := builder{o: lenient(t)}
		all := &layout{}
		all.collect(root)
		var inner mapi.Item
		if err := b.attachments(&inner, all.files, "", 0); err != nil {
			t.Fatal(err)
		}
		f.item(t, &inner)
	}
	return f
}

// converted notes parts that are no attachments because they were understood. What became of them is tested elsewhere.
func (f *found) converted(t *testing.T, p *part) {
	for _, c := range p.children {
		f.converted(t, c)
	}
	if p.message != nil {
		f.converted(t, p.message)
	}
	flowed, _ := p.flowed()
	if p.leaf() && (p.isTNEF() || flowed || p.contentType() == "text/calendar") {
		b, err := io.ReadAll(p.decoder())
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.Sum256(b)
		f.inside[hex.EncodeToString(h[:])] = true
		f.flowed[hex.EncodeToString(h[:])] = flowed
		f.tnef = f.tnef || p.isTNEF()
	}
}

func (f *found) add(b []byte) {
	h := sha256.Sum256(b)
	f.hashes[hex.EncodeToString(h[:])] = true
}

func (f *found) text(s string) {
	f.add([]byte(s))
	f.add([]byte(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")))
}

func (f *found) item(t *testing.T, it *mapi.Item) {
	t.Helper()
	f.text(text(it.Props, pid.TagBody))
	if v := it.Props.Tag(pid.TagHtml); v != nil {
		b := value(t, v)
		f.add(b)
		cp, _ := it.Props.Tag(pid.TagInternetCodepage).(int32)
		f.text(decodePage(int(cp), b))
	}
	for _, a := range it.Attachments {
		f.names = append(f.names, a.Props.Text(pid.TagAttachLongFilename))
		if a.Embedded != nil {
			f.item(t, a.Embedded)
			continue
		}
		v := a.Props.Tag(pid.TagAttachDataBinary)
		if v == nil {
			continue // an OLE object
		}
		b := value(t, v)
		f.add(b)
		s, _ := decodeText(a.Props.Text(pid.TagTextAttachmentCharset), b)
		f.text(s)
	}
}

func value(t *testing.T, v mapi.Value) []byte {
	t.Helper()
	b, ok := v.(mapi.Blob)
	if !ok {
		return v.([]byte)
	}
	r, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(data)) != b.Size() {
		t.Errorf("a blob of %d bytes says that it has %d", len(data), b.Size())
	}
	return data
}
