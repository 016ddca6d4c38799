package msgfile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/msgfile"
)

// lostValue is the value that is lost of a file.
var lostValue = map[string]mapi.Tag{
	"outlook-message-parser/Test_at_sign_in_personal_From_header.msg":       0x0065001F,
	"poi/clusterfuzz-testcase-minimized-POIHSMFFuzzer-4848576776503296.msg": 0x00710102,
}

// sampleFiles are the contents of the sample files.
func sampleFiles(t testing.TB) (files [][]byte) {
	for _, file := range vectors.MsgFiles(t) {
		b, err := os.ReadFile(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
	}
	return files
}

// samples calls check for each sample file.
func samples(t *testing.T, check func(t *testing.T, name string, it *mapi.Item, truth vectors.MsgTruth)) {
	for _, file := range vectors.MsgFiles(t) {
		t.Run(file.Name, func(t *testing.T) {
			var reported []*mapi.Error
			f, err := msgfile.Options{Report: func(e *mapi.Error) { reported = append(reported, e) }}.OpenFile(file.Path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if want := vectors.DamagedMsg[file.Name]; want == 0 && len(reported) > 0 || len(reported) < want {
				t.Errorf("%d losses are reported, want %d: %v", len(reported), want, reported)
			}
			check(t, file.Name, &f.Item, file.Truth(t))
		})
	}
}

// TestSamplesAgreeWithOlefile compares every property that olefile finds with what is read: same order, same values.
func TestSamplesAgreeWithOlefile(t *testing.T) {
	samples(t, func(t *testing.T, name string, it *mapi.Item, truth vectors.MsgTruth) {
		if vectors.DamagedMsg[name] > 2 {
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
			if vectors.DamagedMsg[name] == 0 && len(got) > 0 {
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
		if b, ok := vectors.Raw(t, v); ok {
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

// disagreements are what msgreader sees otherwise, and why. Its 8-bit strings are Windows-1252 mostly, whatever the
// message says.
var disagreements = map[string]*regexp.Regexp{
	"poi/chinese-traditional.msg": regexp.MustCompile(`^(subject|sender|name of recipient 0) is ".*[格張].*"|^body is`), // Big5
}

// TestSamplesAgreeWithMsgreader compares what people see: subject, sender, body, recipients, attachments with their contents.
func TestSamplesAgreeWithMsgreader(t *testing.T) {
	samples(t, func(t *testing.T, name string, it *mapi.Item, truth vectors.MsgTruth) {
		if truth.Tools.Msgreader.Status != "ok" {
			t.Skip("msgreader cannot read it")
		}
		for _, d := range truth.Tools.Msgreader.Differences(t, it) {
			if r := disagreements[name]; r == nil || !r.MatchString(d) {
				t.Error(d)
			}
		}
	})
}

// TestSamplesComeBack writes what was read of each sample and reads it again.
func TestSamplesComeBack(t *testing.T) {
	samples(t, func(t *testing.T, name string, it *mapi.Item, _ vectors.MsgTruth) {
		if sidecar := roundTrip(t, it); len(sidecar) > 0 && vectors.DamagedMsg[name] == 0 {
			t.Errorf("it needs a sidecar of %d bytes", len(sidecar))
		}
	})
}
