package vectors

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// MsgFile is a sample .msg file.
type MsgFile struct {
	Name string // its path among the samples, with slashes
	Path string
}

// MsgFiles are the sample .msg files, and templates, which are no different.
func MsgFiles(t testing.TB) (list []MsgFile) {
	t.Helper()
	dir := filepath.Join(Data(t), "msg")
	truths, err := filepath.Glob(filepath.Join(dir, "*", "*.truth.json"))
	if err != nil || len(truths) < 80 {
		t.Fatalf("%d sample files with a truth file, %v", len(truths), err)
	}
	for _, truth := range truths {
		file := strings.TrimSuffix(truth, ".truth.json")
		name, err := filepath.Rel(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, MsgFile{filepath.ToSlash(name), file})
	}
	return list
}

// DamagedMsg are the sample files that are not what they should be, with the least number of losses that a reader must
// report. All others must be read without any.
var DamagedMsg = map[string]int{
	"poi/clusterfuzz-testcase-minimized-POIHSMFFuzzer-5336473854148608.msg": 100, // made by a fuzzer
	"poi/clusterfuzz-testcase-minimized-POIHSMFFuzzer-4848576776503296.msg": 2,   // one name was changed
	"outlook-message-parser/Test_at_sign_in_personal_From_header.msg":       1,   // the value of one entry isn't there
}

// MsgTruth is what independent tools found in a .msg file.
type MsgTruth struct {
	Tools struct {
		Olefile struct {
			Streams         [][3]any
			PropertyStreams map[string]struct{ Properties [][3]any } `json:"property_streams"`
			Recipients      int
			Attachments     int
		}
		Msgreader MsgReading `json:"@kenjiuno/msgreader"`
	}
}

// Truth reads the truth file of a sample.
func (f MsgFile) Truth(t testing.TB) (truth MsgTruth) {
	t.Helper()
	b, err := os.ReadFile(f.Path + ".truth.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	return truth
}

// Streams tells where an item isn't what olefile found: subject, sender, times, names and contents of attachments, byte for
// byte. A string may have become one of the other type.
func (m *MsgTruth) Streams(t testing.TB, it *mapi.Item) (differences []string) {
	t.Helper()
	digests := map[string]string{} // the beginnings of SHA-256
	for _, s := range m.Tools.Olefile.Streams {
		digests[s[0].(string)], _ = s[2].(string)
	}
	agrees := func(path string, ps mapi.Props, tags ...mapi.Tag) {
		for _, tag := range tags {
			stream := fmt.Sprintf("%s__substg1.0_%08X", path, uint32(tag))
			want, there := digests[stream]
			if !there {
				continue
			}
			b, ok := Raw(t, ps.Tag(tag))
			if other, _ := Raw(t, ps.Tag(tag.WithType(tag.Type()^(mapi.TypeString^mapi.TypeString8)))); !ok && other != nil {
				b = recoded(tag.Type(), int(msgCodePage(it)), other)
			}
			found := false
			for _, end := range []string{"", "\x00", "\x00\x00"} { // it may have a terminator
				found = found || SHA256(append(b[:len(b):len(b)], end...))[:len(want)] == want
			}
			if !found {
				differences = append(differences, fmt.Sprintf("%s holds something else than %.60q", stream, b))
			}
		}
	}
	both := func(tags ...mapi.Tag) (list []mapi.Tag) {
		for _, tag := range tags {
			list = append(list, tag, tag.WithType(mapi.TypeString8))
		}
		return list
	}
	agrees("", it.Props, both(pid.TagSubject, pid.TagSenderName, pid.TagSenderEmailAddress, pid.TagSenderAddressType)...)
	for _, entry := range m.Tools.Olefile.PropertyStreams["(root)"].Properties {
		for _, tag := range []mapi.Tag{pid.TagClientSubmitTime, pid.TagMessageDeliveryTime} {
			if entry[0] != fmt.Sprintf("%08X", uint32(tag)) {
				continue
			}
			at, _ := it.Props.Tag(tag).(mapi.FileTime)
			if got := hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, uint64(at))); got != entry[2] {
				differences = append(differences, fmt.Sprintf("%v is %s, want %s", tag, got, entry[2]))
			}
		}
	}
	if len(it.Attachments) != m.Tools.Olefile.Attachments || len(it.Recipients) != m.Tools.Olefile.Recipients {
		differences = append(differences, fmt.Sprintf("%d attachments and %d recipients, want %d and %d", len(it.Attachments), len(it.Recipients),
			m.Tools.Olefile.Attachments, m.Tools.Olefile.Recipients))
	}
	for i, a := range it.Attachments {
		agrees(fmt.Sprintf("__attach_version1.0_#%08X/", i), a.Props,
			append(both(pid.TagAttachFilename, pid.TagAttachLongFilename, pid.TagDisplayName), pid.TagAttachDataBinary)...)
	}
	return differences
}

// recoded gives the bytes of a string the form of the other string type, which is t.
func recoded(t mapi.Type, page int, b []byte) []byte {
	if t == mapi.TypeString {
		text, err := codepage.Decode(page, b)
		if err != nil {
			return nil
		}
		return mapi.EncodeUTF16(text)
	}
	out, err := codepage.Encode(page, mapi.DecodeUTF16(b))
	if err != nil {
		return nil
	}
	return out
}

// MsgReading is an item as msgreader sees it. Its 8-bit strings are Windows-1252 mostly, whatever the message says.
type MsgReading struct {
	Status              string // "ok" if it could read the file
	MessageClass        string
	Subject             string
	SenderName          string
	SenderEmail         string
	ClientSubmitTime    string
	MessageDeliveryTime string
	Body, RTF           *digest
	CompressedRTF       *digest
	Recipients          []struct{ Name, Email, Type string }
	Attachments         []struct {
		Name          string
		FileName      string
		ContentLength *int64
		SHA256        string
		Embedded      *MsgReading `json:"embedded_message"`
	}
}

type digest struct {
	SHA256     string
	UTF8SHA256 string `json:"utf8_sha256"`
}

// Differences tells where an item isn't what msgreader says: what people see of it, and the contents of its attachments.
func (m *MsgReading) Differences(t testing.TB, it *mapi.Item) []string {
	t.Helper()
	d := &differences{TB: t}
	d.message("", it, m)
	return d.list
}

type differences struct {
	testing.TB
	list []string
}

func (d *differences) message(where string, it *mapi.Item, want *MsgReading) {
	d.Helper()
	page := msgCodePage(it)
	differ := func(what string, got, want any) {
		if got != want {
			d.list = append(d.list, fmt.Sprintf("%s%s is %q, want %q", where, what, got, want))
		}
	}
	differ("message class", MsgText(d, page, it.Props, pid.TagMessageClass), want.MessageClass)
	differ("subject", MsgText(d, page, it.Props, pid.TagSubject), want.Subject)
	if want.SenderName != "" {
		differ("sender", MsgText(d, page, it.Props, pid.TagSenderName), want.SenderName)
		differ("sender's address", MsgText(d, page, it.Props, pid.TagSenderEmailAddress), want.SenderEmail)
	}
	for _, date := range []struct {
		what string
		tag  mapi.Tag
		want string
	}{
		{"submit time", pid.TagClientSubmitTime, want.ClientSubmitTime},
		{"delivery time", pid.TagMessageDeliveryTime, want.MessageDeliveryTime},
	} {
		if date.want == "" {
			continue
		}
		got, _ := it.Props.Tag(date.tag).(mapi.FileTime)
		differ(date.what, got.Time().Truncate(time.Second).Format(http.TimeFormat), date.want)
	}
	if want.Body != nil {
		differ("body", SHA256([]byte(MsgText(d, page, it.Props, pid.TagBody))), want.Body.UTF8SHA256)
	}
	if want.CompressedRTF != nil {
		b, _ := Raw(d, it.Props.Tag(pid.TagRtfCompressed))
		differ("compressed RTF", SHA256(b), want.CompressedRTF.SHA256)
	}
	differ("number of recipients", len(it.Recipients), len(want.Recipients))
	for i := range min(len(it.Recipients), len(want.Recipients)) {
		differ(fmt.Sprintf("name of recipient %d", i), MsgText(d, page, it.Recipients[i], pid.TagDisplayName), want.Recipients[i].Name)
		differ(fmt.Sprintf("address of recipient %d", i), MsgText(d, page, it.Recipients[i], pid.TagEmailAddress), want.Recipients[i].Email)
	}
	differ("number of attachments", len(it.Attachments), len(want.Attachments))
	for i := range min(len(it.Attachments), len(want.Attachments)) {
		a, w := it.Attachments[i], want.Attachments[i]
		if w.FileName != "" {
			differ(fmt.Sprintf("name of attachment %d", i), MsgText(d, page, a.Props, pid.TagAttachLongFilename), w.FileName)
		}
		if w.SHA256 != "" {
			b, _ := Raw(d, a.Props.Tag(pid.TagAttachDataBinary))
			differ(fmt.Sprintf("content of attachment %d", i), SHA256(b), w.SHA256)
		}
		differ(fmt.Sprintf("attachment %d is an item", i), a.Embedded != nil, w.Embedded != nil)
		if a.Embedded != nil && w.Embedded != nil {
			d.message(fmt.Sprintf("%sattachment %d: ", where, i), a.Embedded, w.Embedded)
		}
	}
}

// msgCodePage is that of an item's 8-bit strings.
func msgCodePage(it *mapi.Item) int32 {
	if it.Props.Tag(pid.TagMessageCodepage) == nil && it.Props.Tag(pid.TagMessageLocaleId) == int32(1031) {
		return codepage.Windows1252 // the locale's; PidTagInternetCodepage is that of the HTML body only
	}
	for _, tag := range []mapi.Tag{pid.TagMessageCodepage, pid.TagInternetCodepage} {
		if cp, ok := it.Props.Tag(tag).(int32); ok {
			return cp
		}
	}
	return 0
}

// MsgText is a string in whatever type and form it is there.
func MsgText(t testing.TB, page int32, ps mapi.Props, tag mapi.Tag) string {
	t.Helper()
	if b, ok := Raw(t, ps.Tag(tag.WithType(mapi.TypeString))); ok {
		return mapi.DecodeUTF16(b)
	}
	b, _ := Raw(t, ps.Tag(tag.WithType(mapi.TypeString8)))
	s, err := codepage.Decode(int(page), b)
	if err != nil {
		return string(b)
	}
	return s
}

// Raw are the bytes of a value that is a stream.
func Raw(t testing.TB, v mapi.Value) ([]byte, bool) {
	t.Helper()
	b, ok := v.(mapi.Blob)
	if !ok {
		return mapi.ValueBytes(v)
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
	return data, true
}

// SHA256 is a digest in hexadecimal, as the truth files have them.
func SHA256(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
