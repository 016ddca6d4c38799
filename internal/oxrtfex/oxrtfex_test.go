package oxrtfex

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxrtfcp"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

func TestVectors(t *testing.T) {
	kinds := map[Kind]string{Plain: "not encapsulated", Text: "text", HTML: "html"}
	for _, v := range vectors.Load(t, "oxrtfex.json") {
		t.Run(v.ID, func(t *testing.T) {
			var want struct{ Kind, HTML, Text string }
			if err := json.Unmarshal(v.Decoded, &want); err != nil {
				t.Fatal(err)
			}
			d, err := Decode(v.Bytes(t))
			if err != nil {
				t.Fatal(err)
			}
			if kinds[d.Kind] != want.Kind {
				t.Fatalf("got %s, want %s", kinds[d.Kind], want.Kind)
			}
			if want.HTML+want.Text != "" && strings.TrimSpace(d.Text) != strings.TrimSpace(want.HTML+want.Text) {
				t.Errorf("got  %q\nwant %q", d.Text, want.HTML+want.Text)
			}
		})
	}
}

// Text that was looked at in the files, where the truth file's tool drops it or takes a wrong code page.
var known = map[string]string{
	"tika/testRTFJapanese.rtf":                               "ゾルゲと尾崎",
	"tika/testRTFWindowsCodepage1250.rtf":                    "zażółć gęślą jaźń\r\nZAŻÓŁĆ GĘŚLĄ JAŹŃ",
	"tika/testRTFWordPadCzechCharacters.rtf":                 "př.\u2009n.\u2009l. a zaniklo",
	"tika/testRTFUnicodeUCNControlWordCharacterDoubling.rtf": "0 年 abc 念",
}

// Files of other projects can be read, and what they encapsulate is what independent readers saw in them.
func TestFiles(t *testing.T) {
	list, err := filepath.Glob(filepath.Join(vectors.Data(t), "rtf", "*", "*.rtf"))
	if err != nil || len(list) == 0 {
		t.Fatal("no samples", err)
	}
	for _, name := range list {
		short := filepath.Base(filepath.Dir(name)) + "/" + filepath.Base(name)
		t.Run(short, func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			var truth struct {
				FromHTML bool `json:"fromhtml"`
			}
			j, err := os.ReadFile(name + ".truth.json")
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(j, &truth); err != nil {
				t.Fatal(err)
			}
			if truth.FromHTML != (d.Kind == HTML) {
				t.Errorf("encapsulates HTML: got %v, want %v", d.Kind == HTML, truth.FromHTML)
			}
			if want := known[short]; !strings.Contains(d.Text, want) {
				t.Errorf("got %.500q, which is without %q", d.Text, want)
			}
			if strings.Contains(d.Text, `\par`) || strings.Contains(d.Text, `\htmlrtf`) {
				t.Errorf("control words are left in %.500q", d.Text)
			}
		})
	}
}

func TestText(t *testing.T) {
	for name, c := range map[string]struct{ rtf, text, html string }{
		"looks":        {`{\rtf1\ansi a {\b bold} \i it\i0  <x>\par}`, "a bold it <x>\r\n", "a <b>bold</b> <i>it</i> &lt;x&gt;<br>\r\n"},
		"two bytes":    {`{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset128 MS;}}\f0 \'93\'fa\'96\'7b}`, "日本", "日本"},
		"surrogates":   {`{\rtf1\ansi\uc1\u-10179?\u-8704?}`, "😀", "😀"},
		"binary":       {"{\\rtf1 a{\\*\\x\\bin5 }}}}}}b}", "ab", "ab"},
		"hidden parts": {`{\rtf1{\info{\title x}}{\field{\*\fldinst HYPERLINK "http://a"}{\fldrslt link}}{\pict 00ff}}`, "link", "link"},
		"cut off":      {`{\rtf1 a\'`, "a", "a"},
		"text":         {`{\rtf1\ansi\fromtext \deff0{\fonttbl{\f0 x;}}a < b\par\tab c\rquote}`, "a < b\r\n\tc\u2019", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Decode([]byte(c.rtf))
			if err != nil {
				t.Fatal(err)
			}
			if d.Text != c.text {
				t.Errorf("got %q, want %q", d.Text, c.text)
			}
			if !strings.Contains(d.HTML, c.html) {
				t.Errorf("got %q, want %q", d.HTML, c.html)
			}
		})
	}
	if _, err := Decode([]byte("no RTF")); !errors.Is(err, mapi.ErrCorruptData) {
		t.Errorf("no RTF: %v", err)
	}
	if _, err := Decode([]byte(`{\rtf1` + strings.Repeat("{", 1e6))); !errors.Is(err, mapi.ErrTooComplex) {
		t.Errorf("deep groups: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset204 Arial;}}{\*\htmltag64 <p>}\htmlrtf {\b\htmlrtf0 \u8211?\'e4\bin3 abc}}`))
	f.Add(oxrtfcp.Compress([]byte(`{\rtf1 a}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := Decode(b); err == nil && len(d.Text) > 8*len(b) {
			t.Errorf("%d bytes of text from %d of RTF", len(d.Text), len(b))
		}
	})
}
