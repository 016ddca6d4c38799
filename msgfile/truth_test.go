package msgfile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// truth is what independent tools found in a file.
type truth struct {
	Tools struct {
		Olefile struct {
			Streams         [][3]any
			PropertyStreams map[string]struct{ Properties [][3]any } `json:"property_streams"`
			Recipients      int
			Attachments     int
		}
		Msgreader message `json:"@kenjiuno/msgreader"`
	}
}

// message is an item as msgreader sees it.
type message struct {
	Status        string
	MessageClass  string
	Subject       string
	SenderName    string
	SenderEmail   string
	Body, RTF     *digest
	CompressedRTF *digest
	Recipients    []struct{ Name, Email, Type string }
	Attachments   []struct {
		Name          string
		FileName      string
		ContentLength *int64
		SHA256        string
		Embedded      *message `json:"embedded_message"`
	}
}

type digest struct {
	Bytes      int
	SHA256     string
	UTF8SHA256 string `json:"utf8_sha256"`
}

// damaged are the sample files that are not what they should be, with the least number of losses that must be
// reported. All others must be read without any.
var damaged = map[string]int{
	"poi/clusterfuzz-testcase-minimized-POIHSMFFuzzer-5336473854148608.msg": 100, // made by a fuzzer
	"poi/clusterfuzz-testcase-minimized-POIHSMFFuzzer-4848576776503296.msg": 2,   // one name was changed
	"outlook-message-parser/Test_at_sign_in_personal_From_header.msg":       1,   // the value of one entry isn't there
}

// lostValue is the value that is lost of a file.
var lostValue = map[string]mapi.Tag{
	"outlook-message-parser/Test_at_sign_in_personal_From_header.msg":       0x0065001F,
	"poi/clusterfuzz-testcase-minimized-POIHSMFFuzzer-4848576776503296.msg": 0x00710102,
}

// sampleFiles are the contents of the sample files.
func sampleFiles(t testing.TB) (files [][]byte) {
	names, err := filepath.Glob(filepath.Join(vectors.Data(t), "msg", "*", "*.msg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
	}
	return files
}

// samples calls check for each sample file.
func samples(t *testing.T, check func(t *testing.T, name string, it *mapi.Item, truth truth)) {
	dir := filepath.Join(vectors.Data(t), "msg")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.msg"))
	if err != nil || len(files) < 80 {
		t.Fatalf("%d sample files, %v", len(files), err)
	}
	for _, file := range files {
		name, _ := filepath.Rel(dir, file)
		t.Run(name, func(t *testing.T) {
			var reported []*mapi.Error
			f, err := msgfile.Options{Report: func(e *mapi.Error) { reported = append(reported, e) }}.OpenFile(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if want := damaged[filepath.ToSlash(name)]; want == 0 && len(reported) > 0 || len(reported) < want {
				t.Errorf("%d losses are reported, want %d: %v", len(reported), want, reported)
			}
			b, err := os.ReadFile(file + ".truth.json")
			if err != nil {
				t.Fatal(err)
			}
			var truth truth
			if err := json.Unmarshal(b, &truth); err != nil {
				t.Fatal(err)
			}
			check(t, filepath.ToSlash(name), &f.Item, truth)
		})
	}
}

// TestSamplesAgreeWithOlefile compares every property that olefile finds with what is read: same order, same values.
func TestSamplesAgreeWithOlefile(t *testing.T) {
	samples(t, func(t *testing.T, name string, it *mapi.Item, truth truth) {
		if damaged[name] > 2 {
			t.Skip("too damaged to be compared")
		}
		ole := truth.Tools.Olefile
		if len(it.Recipients) != ole.Recipients || len(it.Attachments) != ole.Attachments {
			t.Errorf("%d recipients and %d attachments, want %d and %d", len(it.Recipients), len(it.Attachments), ole.Recipients, ole.Attachments)
		}
		streams := map[string]string{} // the beginnings of their SHA-256
		for _, s := range ole.Streams {
			streams[s[0].(string)] = s[2].(string)
		}
		for path, want := range ole.PropertyStreams {
			got, ok := object(it, path)
			if !ok {
				t.Errorf("%s isn't there", path)
				continue
			}
			prefix := path + "/"
			if path == "(root)" {
				prefix = ""
			}
			for _, entry := range want.Properties {
				tag, err := strconv.ParseUint(entry[0].(string), 16, 32)
				if err != nil {
					t.Fatal(err)
				}
				value, err := hex.DecodeString(entry[2].(string))
				if err != nil {
					t.Fatal(err)
				}
				if tag == 0x3701000D || uint64(lostValue[name]) == tag {
					continue // an embedded item, or a value that isn't there
				}
				if len(got) == 0 {
					t.Errorf("%s%08X is missing", prefix, tag)
					break
				}
				comparePropWith(t, prefix, mapi.Tag(tag), value, streams, got[0])
				got = got[1:]
			}
			if damaged[name] == 0 && len(got) > 0 {
				t.Errorf("%s: %v came from nowhere", path, got[0].Key)
			}
		}
	})
}

// object finds the properties of an object by its path of storages.
func object(it *mapi.Item, path string) (mapi.Props, bool) {
	props := it.Props
	var att *mapi.Attachment
	for _, step := range strings.Split(path, "/") {
		kind, number, _ := strings.Cut(step, "#")
		n, _ := strconv.ParseInt(number, 16, 32)
		switch {
		case step == "(root)":
		case kind == "__recip_version1.0_" && int(n) < len(it.Recipients):
			props = it.Recipients[n]
		case kind == "__attach_version1.0_" && int(n) < len(it.Attachments):
			att = it.Attachments[n]
			props = att.Props
		case step == "__substg1.0_3701000D" && att != nil && att.Embedded != nil:
			it = att.Embedded
			props = it.Props
		default:
			return nil, false
		}
	}
	return props, true
}

// comparePropWith compares a property with the 8 bytes of its entry and the digest of its stream.
func comparePropWith(t *testing.T, prefix string, tag mapi.Tag, value []byte, streams map[string]string, got mapi.Prop) {
	t.Helper()
	if got.Key.Type() != tag.Type() || got.Key.Named() != (tag.ID() >= 0x8000) || !got.Key.Named() && got.Key.Tag != tag {
		t.Errorf("%s%08X was read as %v", prefix, uint32(tag), got.Key)
		return
	}
	stream := fmt.Sprintf("%s__substg1.0_%08X", prefix, uint32(tag))
	agrees := func(stream string, b []byte) {
		want, ok := streams[stream]
		for _, end := range []string{"", "\x00", "\x00\x00"} { // the stream may have a terminator
			if !ok || short(append(b[:len(b):len(b)], end...)) == want {
				return
			}
		}
		t.Errorf("%s has other contents: %.60q", stream, b)
	}
	switch v := got.Value.(type) {
	case []string:
		for i, s := range v {
			agrees(fmt.Sprintf("%s-%08X", stream, i), mapi.EncodeUTF16(s))
		}
	case []mapi.String8:
		for i, s := range v {
			agrees(fmt.Sprintf("%s-%08X", stream, i), []byte(s))
		}
	case [][]byte:
		for i, b := range v {
			agrees(fmt.Sprintf("%s-%08X", stream, i), b)
		}
	case mapi.GUID, []int16, []int32, []int64:
		b, err := binary.Append(nil, binary.LittleEndian, v)
		if err != nil {
			t.Fatal(err)
		}
		agrees(stream, b)
	default:
		if b, ok := raw(t, v); ok {
			agrees(stream, b)
			return
		}
		b, err := binary.Append(nil, binary.LittleEndian, v)
		if err != nil {
			t.Fatalf("%v: %v", got.Key, err)
		}
		if !bytes.HasPrefix(value, b) {
			t.Errorf("%v is %x, want %x", got.Key, b, value)
		}
	}
}

func short(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// raw are the bytes of a value that is a stream.
func raw(t testing.TB, v mapi.Value) ([]byte, bool) {
	if b, ok := v.(mapi.Blob); ok {
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
	return mapi.ValueBytes(v)
}

// disagreements are what msgreader sees otherwise, and why. Its 8-bit strings are Windows-1252 mostly, whatever the
// message says.
var disagreements = map[string]*regexp.Regexp{
	"poi/chinese-traditional.msg": regexp.MustCompile(`^(subject|sender|name of recipient 0) is ".*[格張].*"|^body is`), // Big5
}

// TestSamplesAgreeWithMsgreader compares what people see: subject, sender, body, recipients, attachments with their contents.
func TestSamplesAgreeWithMsgreader(t *testing.T) {
	samples(t, func(t *testing.T, name string, it *mapi.Item, truth truth) {
		if truth.Tools.Msgreader.Status != "ok" {
			t.Skip("msgreader cannot read it")
		}
		for _, d := range compareMessage(t, "", it, &truth.Tools.Msgreader) {
			if r := disagreements[name]; r == nil || !r.MatchString(d) {
				t.Error(d)
			}
		}
	})
}

// compareMessage tells where an item isn't what msgreader says.
func compareMessage(t *testing.T, where string, it *mapi.Item, want *message) (differences []string) {
	page := int32(0)
	if it.Props.Tag(pid.TagMessageCodepage) == nil && it.Props.Tag(pid.TagMessageLocaleId) == int32(1031) {
		page = codepage.Windows1252 // the locale's; PidTagInternetCodepage is that of the HTML body only
	}
	for _, tag := range []mapi.Tag{pid.TagMessageCodepage, pid.TagInternetCodepage} {
		if cp, ok := it.Props.Tag(tag).(int32); ok && page == 0 {
			page = cp
		}
	}
	differ := func(what string, got, want any) {
		if got != want {
			differences = append(differences, fmt.Sprintf("%s%s is %q, want %q", where, what, got, want))
		}
	}
	differ("message class", text(t, page, it.Props, pid.TagMessageClass), want.MessageClass)
	differ("subject", text(t, page, it.Props, pid.TagSubject), want.Subject)
	if want.SenderName != "" {
		differ("sender", text(t, page, it.Props, pid.TagSenderName), want.SenderName)
		differ("sender's address", text(t, page, it.Props, pid.TagSenderEmailAddress), want.SenderEmail)
	}
	if want.Body != nil {
		differ("body", sum([]byte(text(t, page, it.Props, pid.TagBody))), want.Body.UTF8SHA256)
	}
	if want.CompressedRTF != nil {
		b, _ := raw(t, it.Props.Tag(pid.TagRtfCompressed))
		differ("compressed RTF", sum(b), want.CompressedRTF.SHA256)
	}
	differ("number of recipients", len(it.Recipients), len(want.Recipients))
	for i := range min(len(it.Recipients), len(want.Recipients)) {
		differ(fmt.Sprintf("name of recipient %d", i), text(t, page, it.Recipients[i], pid.TagDisplayName), want.Recipients[i].Name)
		differ(fmt.Sprintf("address of recipient %d", i), text(t, page, it.Recipients[i], pid.TagEmailAddress), want.Recipients[i].Email)
	}
	differ("number of attachments", len(it.Attachments), len(want.Attachments))
	for i := range min(len(it.Attachments), len(want.Attachments)) {
		a, w := it.Attachments[i], want.Attachments[i]
		if w.FileName != "" {
			differ(fmt.Sprintf("name of attachment %d", i), text(t, page, a.Props, pid.TagAttachLongFilename), w.FileName)
		}
		if w.SHA256 != "" {
			b, _ := raw(t, a.Props.Tag(pid.TagAttachDataBinary))
			differ(fmt.Sprintf("content of attachment %d", i), sum(b), w.SHA256)
		}
		differ(fmt.Sprintf("attachment %d is an item", i), a.Embedded != nil, w.Embedded != nil)
		if a.Embedded != nil && w.Embedded != nil {
			differences = slices.Concat(differences, compareMessage(t, fmt.Sprintf("%sattachment %d: ", where, i), a.Embedded, w.Embedded))
		}
	}
	return differences
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// text is a string in whatever type and form it is there.
func text(t testing.TB, page int32, ps mapi.Props, tag mapi.Tag) string {
	if b, ok := raw(t, ps.Tag(tag.WithType(mapi.TypeString))); ok {
		return mapi.DecodeUTF16(b)
	}
	b, _ := raw(t, ps.Tag(tag.WithType(mapi.TypeString8)))
	s, err := codepage.Decode(int(page), b)
	if err != nil {
		return string(b)
	}
	return s
}

// TestSamplesComeBack writes what was read of each sample and reads it again.
func TestSamplesComeBack(t *testing.T) {
	samples(t, func(t *testing.T, name string, it *mapi.Item, _ truth) {
		if sidecar := roundTrip(t, it); len(sidecar) > 0 && damaged[name] == 0 {
			t.Errorf("it needs a sidecar of %d bytes", len(sidecar))
		}
	})
}
