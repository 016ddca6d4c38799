package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

func TestLoadsWhatRegeditWrites(t *testing.T) {
	home := t.TempDir()
	text := "\uFEFFWindows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows Messaging Subsystem\\CDO]\r\n" +
		"@=\"default\"\r\n\"Ignore No PF\"=dword:00000001\r\n\"Blob\"=hex:01,02,\\\r\n  03,04\r\n; a comment\r\n"
	for _, data := range [][]byte{[]byte(text), mapi.EncodeUTF16(text)} {
		if err := os.WriteFile(filepath.Join(home, FileName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(home)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := s.Number(CDO, IgnoreNoPF); !ok || n != 1 {
			t.Errorf("got %d, %v", n, ok)
		}
		if d, ok := s.Text(CDO, ""); !ok || d != "default" {
			t.Errorf("got %q, %v", d, ok)
		}
		if v, _, _ := s.Value(CDO, "blob"); !v.Equal(Value{TypeBinary, []byte{1, 2, 3, 4}}) {
			t.Errorf("got %v", v)
		}
	}
}

func TestAllKindsOfValues(t *testing.T) {
	const key = "\n[HKEY_CURRENT_USER\\K]\n"
	for _, c := range []struct {
		name, text string
		want       Value
	}{
		{"string", `"v"="a \"b\" c:\\d"`, TextValue(`a "b" c:\d`)},
		{"empty string", `"v"=""`, TextValue("")},
		{"string of two lines", "\"v\"=\"a\r\nb\" ; comment", TextValue("a\r\nb")},
		{"string in hexadecimal", `"v"=hex(1):61,00,00,00`, TextValue("a")},
		{"string without terminator", `"v"=hex(1):61,00`, Value{TypeString, []byte{'a', 0}}},
		{"number", `"v"=dword:0000000F`, NumberValue(15)},
		{"short number", `"v"=dword:f`, NumberValue(15)},
		{"large number", `"v"=hex(b):08,07,06,05,04,03,02,01`, LargeNumberValue(0x0102030405060708)},
		{"binary", `"v"=hex:00,FF,1`, Value{TypeBinary, []byte{0, 255, 1}}},
		{"nothing", `"v"=hex(0):`, Value{}},
		{"expand", `"v"=hex(2):25,00,41,00,25,00,00,00`, ExpandValue("%A%")},
		{"multi", `"v"=hex(7):61,00,00,00,62,00,00,00,00,00`, StringsValue([]string{"a", "b"})},
		{"big-endian number", `"v"=hex(5):00,00,00,01`, Value{TypeDWordBigEndian, []byte{0, 0, 0, 1}}},
		{"type of nobody", `"v"=hex(8000abcd):01`, Value{0x8000ABCD, []byte{1}}},
		{"wrapped", "\"v\"=hex:01,\\\r\n  02,\\ ; why not\n\t03,\n; a comment", Value{TypeBinary, []byte{1, 2, 3}}},
		{"blanks", ` "v" =  dword: 1  `, NumberValue(1)},
	} {
		d, err := ParseDocument("x.reg", []byte("; before\n"+header+"\n"+key+c.text+"\n"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		s := New()
		s.Apply(d)
		if v, _, ok := s.Value(`HKCU\k`, "V"); !ok || !v.Equal(c.want) {
			t.Errorf("%s: %v %x", c.name, v.Type, v.Data)
		}
		sameAgain(t, c.name, d)
	}
}

// REGEDIT4 has 8-bit strings, in hexadecimal too.
func TestRegedit4(t *testing.T) {
	d, err := ParseDocument("x.reg", []byte("REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\K]\r\n\"M\xFCller\"=\"\x80\"\r\n@=hex(2):25,41,25,00\r\n\"m\"=hex(7):61,00,62,00,00\r\n\"b\"=hex:fc\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Value{TextValue("€"), ExpandValue("%A%"), StringsValue([]string{"a", "b"}), {TypeBinary, []byte{0xFC}}} {
		if got := d.Keys[0].Values[i]; !got.Value.Equal(want) {
			t.Errorf("%s: %v", got.Name, got.Value)
		}
	}
	if n := d.Keys[0].Values[0].Name; n != "Müller" {
		t.Errorf("name %q", n)
	}
	sameAgain(t, "REGEDIT4", d)
}

func TestDeletions(t *testing.T) {
	s := New()
	s.SetText(`HKCU\A`, "x", "1")
	s.SetText(`HKCU\A`, "", "default")
	s.SetText(`HKCU\A\B`, "y", "2")
	s.SetText(`HKCU\C`, "z", "3")
	d, err := ParseDocument("x.reg", []byte(header+"\n\n[-HKEY_CURRENT_USER\\A\\B]\n\n[HKEY_CURRENT_USER\\a]\n\"X\"=-\n@=-\n[HKCU\\D]\n"))
	if err != nil {
		t.Fatal(err)
	}
	sameAgain(t, "deletions", d)
	s.Apply(d)
	if got, want := string(s.Document("").UTF8()), header+"\n\n[HKEY_CURRENT_USER\\A]\n\n[HKEY_CURRENT_USER\\C]\n\"z\"=\"3\"\n\n[HKEY_CURRENT_USER\\D]\n"; got != want {
		t.Errorf("got %s", got)
	}
}

// Lines break where regedit breaks them. The lengths are those of exports of Windows that were published: a name, its type,
// and how many bytes stand in its first line.
func TestLinesBreakAsRegeditBreaksThem(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes int
	}{{"", 23}, {"Icon", 21}, {"DumpFile", 20}, {"DevicePath", 19}, {"MinidumpDir", 19}, {"MediaPathUnexpanded", 16}} {
		v := ExpandValue(`%SystemRoot%\system32\drivers\and\a\path\that\is\long`)
		d := Document{Keys: []DocumentKey{{Path: "HKEY_CURRENT_USER", Values: []DocumentValue{{Name: c.name, Value: v}}}}}
		lines := strings.Split(d.text("\r\n"), "\r\n")[3:]
		if got := strings.Count(lines[0], ","); got != c.bytes {
			t.Errorf("%q: %d bytes in the first line, %d expected", c.name, got, c.bytes)
		}
		if got := strings.Count(lines[1], ","); got != 25 || !strings.HasPrefix(lines[1], "  ") || !strings.HasSuffix(lines[1], `,\`) {
			t.Errorf("%q: second line %q", c.name, lines[1])
		}
	}
}

func TestSyntaxErrorsNameFileAndLine(t *testing.T) {
	for _, c := range []struct {
		text, says string
		line       int
	}{
		{"", "expected", 1},
		{"\n\nnonsense", "expected", 3},
		{"H\"v\"=dword:1", "before the first key", 2},
		{"H[HKCU", "bracket", 2},
		{"H[]", "without a name", 2},
		{"H[HKCU] x", "after the key", 2},
		{"HK\"v=1", "closing quote", 3},
		{"HK\"v\"\"x\"", `"="`, 3},
		{`HK"v"="c:\temp"`, "backslash", 3},
		{`HK"v"="x" y`, "after the value", 3},
		{`HK"v"=dword:`, "dword", 3},
		{`HK"v"=dword:123456789`, "dword", 3},
		{`HK"v"=hex(x):00`, "hex(n)", 3},
		{`HK"v"=hex 00`, `":"`, 3},
		{`HK"v"=hex:001`, "two digits", 3},
		{`HK"v"=hex:00,gg`, "after the value", 3},
		{"HK\"v\"=hex:00,\\\n  01,\\", "after the backslash", 4},
		{"HK\"v\"=hex:00,\\ 01", "after a backslash", 3},
		{"HK\"v\"=qword:00", "no known kind", 3},
		{"H[-HKEY_CURRENT_USER\\K]\n\"v\"=-", "deleted", 3},
		{"\xFE\xFF\x00W", "high byte", 1},
		{"\xFF\xFEW", "half a character", 1},
	} {
		text := c.text
		if rest, ok := strings.CutPrefix(text, "H"); ok {
			text = header + "\n" + strings.Replace(rest, "K\"", "[HKEY_CURRENT_USER\\K]\n\"", 1)
			if !strings.HasPrefix(rest, "K") {
				text = header + "\n" + rest
			}
		}
		_, err := ParseDocument("x.reg", []byte(text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.File != "x.reg" || syntax.Line != c.line || !strings.Contains(syntax.Problem, c.says) || !errors.Is(err, mapi.ErrCorruptData) {
			t.Errorf("%q: %v, want line %d and %q", c.text, err, c.line, c.says)
		}
	}
}

// sameAgain writes a document in both forms and reads it back.
func sameAgain(t *testing.T, name string, d *Document) {
	t.Helper()
	for form, data := range map[string][]byte{"UTF-16": d.UTF16(), "UTF-8": d.UTF8()} {
		again, err := ParseDocument(name, data)
		if err != nil {
			t.Errorf("%s, %s: %v\n%s", name, form, err, d.UTF8())
			continue
		}
		if a, b := meaning(d), meaning(again); a != b {
			t.Errorf("%s, %s: was\n%s\nis\n%s", name, form, a, b)
		}
	}
}

// meaning is what a document says, without its form.
func meaning(d *Document) string {
	var b strings.Builder
	for _, k := range d.Keys {
		fmt.Fprintf(&b, "%q %v\n", k.Path, k.Delete)
		for _, v := range k.Values {
			fmt.Fprintf(&b, "  %q %v %d %x\n", v.Name, v.Delete, v.Value.Type, v.Value.Data)
		}
	}
	return b.String()
}

// samples are the .reg files of the sample data.
func samples(t *testing.T) []string {
	dir := os.Getenv("OPENCDO_DATA")
	if dir == "" {
		root, err := os.Getwd()
		for err == nil {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "data")
	}
	list, _ := filepath.Glob(filepath.Join(dir, "reg", "*", "*.reg"))
	if len(list) == 0 {
		t.Skip("NO SAMPLE DATA: set OPENCDO_DATA to the folder that has reg/*/*.reg")
	}
	return list
}

// TestSamplesAgreeWithTheirTruth compares sample files with what another reader found in them, and writes them again.
func TestSamplesAgreeWithTheirTruth(t *testing.T) {
	for _, path := range samples(t) {
		d, err := ReadDocument(path)
		if err != nil {
			t.Error(err)
			continue
		}
		var truth struct {
			Keys, Values int
			Tree         map[string]map[string]struct {
				Type   string
				Value  any
				Size   int
				Sha256 string `json:"sha256_16"`
			}
		}
		raw, err := os.ReadFile(path + ".truth.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &truth); err != nil {
			t.Fatal(err)
		}
		values := 0
		for _, k := range d.Keys {
			list, ok := truth.Tree[k.Path]
			if !ok || len(list) != len(k.Values) {
				t.Errorf("%s: %d values, want %d", k.Path, len(k.Values), len(list))
			}
			for _, v := range k.Values {
				values++
				want, ok := list[v.Name]
				if !ok || v.Value.Type.String() != want.Type {
					t.Errorf("%s %q: %v, want %+v", k.Path, v.Name, v.Value.Type, want)
				}
				digest := sha256.Sum256(v.Value.Data)
				text, _ := v.Value.Text()
				number, _ := v.Value.Number()
				switch x := want.Value.(type) {
				case string:
					if text != x {
						t.Errorf("%s %q: %q, want %q", k.Path, v.Name, text, x)
					}
				case float64:
					if number != uint64(x) {
						t.Errorf("%s %q: %d, want %v", k.Path, v.Name, number, x)
					}
				default:
					if len(v.Value.Data) != want.Size || hex.EncodeToString(digest[:8]) != want.Sha256 {
						t.Errorf("%s %q: %d bytes %x, want %+v", k.Path, v.Name, len(v.Value.Data), digest[:8], want)
					}
				}
			}
		}
		if len(d.Keys) != truth.Keys || values != truth.Values {
			t.Errorf("%s: %d keys, %d values, want %d, %d", path, len(d.Keys), values, truth.Keys, truth.Values)
		}
		sameAgain(t, path, d)
		s := New()
		s.Apply(d)
		sameAgain(t, path+" (settings)", s.Document(""))
	}
}

// A file that regedit itself wrote comes back byte for byte, but for the comment before its first line.
func TestRegeditsFileByteForByte(t *testing.T) {
	for _, path := range samples(t) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if raw[0] != 0xFF {
			continue
		}
		d, err := ReadDocument(path)
		if err != nil {
			t.Fatal(err)
		}
		_, want, _ := strings.Cut(mapi.DecodeUTF16(raw[2:]), header)
		if _, got, _ := strings.Cut(mapi.DecodeUTF16(d.UTF16()[2:]), header); strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s comes back as\n%s", path, got)
		}
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(header + "\n\n[HKEY_CURRENT_USER\\K]\n@=\"x\"\n\"a\"=hex(7):61,00,\\\n  00,00\n\"b\"=-\n[-HKLM\\X]\n"))
	f.Add(mapi.EncodeUTF16("\uFEFF" + header + "\r\n[HKCU]\r\n\"\\\"\"=dword:1\r\n"))
	f.Add([]byte("REGEDIT4\n[K]\n\"\xFC\"=hex(2):fc,00\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDocument("x.reg", data)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := ParseDocument("x.reg", d.UTF16())
		if err != nil {
			t.Fatalf("%v\n%s", err, d.UTF8())
		}
		if a, b := meaning(d), meaning(again); a != b {
			t.Fatalf("was\n%s\nis\n%s", a, b)
		}
	})
}
