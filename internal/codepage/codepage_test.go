package codepage

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

// Text and its bytes as Python's codecs give them.
var known = []struct {
	cp   int
	text string
	hex  string
}{
	{1252, `Grüße € “ok” ™`, "4772fcdf65208020936f6b942099"},
	{1250, `Příliš žluťoučký kůň`, "50f8ed6c699a209e6c759d6f75e86bfd206bf9f2"},
	{1251, `Привет, мир`, "cff0e8e2e5f22c20ece8f0"},
	{1253, `Γειά σου Κόσμε`, "c3e5e9dc20f3eff520cafcf3ece5"},
	{1254, `İstanbul ığüşöç`, "dd7374616e62756c20fdf0fcfef6e7"},
	{1255, `שלום`, "f9ece5ed"},
	{1256, `مرحبا`, "e3d1cdc8c7"},
	{1257, `Ačiū žmonėms`, "41e869fb20fe6d6f6eeb6d73"},
	{1258, `đơn ư`, "f0f56e20fd"},
	{874, `สวัสดี`, "cac7d1cab4d5"},
	{28591, `Grüße`, "4772fcdf65"},
	{28592, `Příliš`, "50f8ed6c69b9"},
	{28593, `Ħ ĝ`, "a120f8"},
	{28594, `ķ ĸ`, "f320a2"},
	{28595, `Привет`, "bfe0d8d2d5e2"},
	{28596, `مرحبا`, "e5d1cdc8c7"},
	{28597, `Γειά`, "c3e5e9dc"},
	{28598, `שלום`, "f9ece5ed"},
	{38598, `שלום`, "f9ece5ed"},
	{28599, `ığş`, "fdf0fe"},
	{28600, `þ ŋ`, "fe20bf"},
	{28601, `ก ๛`, "a120fb"},
	{28603, `ė ų`, "eb20f8"},
	{28604, `ŵ ỳ`, "f020bc"},
	{28605, `€ Š œ`, "a420a620bd"},
	{28606, `€ ș ț`, "a420ba20fe"},
	{20866, `Привет`, "f0d2c9d7c5d4"},
	{21866, `Привіт ґ`, "f0d2c9d7a6d420ad"},
	{932, `日本語テスト ｶﾅ ～`, "93fa967b8cea83658358836720b6c5208160"},
	{20932, `日本語`, "c6fccbdcb8ec"},
	{51932, `日本語 ｶﾅ`, "c6fccbdcb8ec208eb68ec5"},
	{50220, `日本語 and ASCII`, "1b2442467c4b5c386c1b284220616e64204153434949"},
	{50221, `日本語`, "1b2442467c4b5c386c1b2842"},
	{50222, `日本語`, "1b2442467c4b5c386c1b2842"},
	{936, `中文测试`, "d6d0cec4b2e2cad4"},
	{20936, `中文`, "d6d0cec4"},
	{51936, `中文`, "d6d0cec4"},
	{54936, `中文 𠀀 €`, "d6d0cec4209532823620a2e3"},
	{52936, `中文 ~`, "7e7b56504e447e7d207e7e"},
	{949, `한국어 똠`, "c7d1b1b9beee208c63"},
	{20949, `한국어`, "c7d1b1b9beee"},
	{51949, `한국어`, "c7d1b1b9beee"},
	{950, `繁體中文`, "c163c5e9a4a4a4e5"},
	{437, `é ü ░`, "82208120b0"},
	{850, `é ü ø`, "822081209b"},
	{852, `ž š ł`, "a720e72088"},
	{855, `Привет`, "dde1b7eba8e5"},
	{858, `€`, "d5"},
	{860, `ã`, "84"},
	{862, `שלום`, "998c858d"},
	{863, `Â`, "84"},
	{865, `ø`, "9b"},
	{866, `Привет`, "8fe0a8a2a5e2"},
	{37, `Hello é`, "c8859393964051"},
	{1140, `€`, "9f"},
	{10000, `é ü ∑`, "8e209f20b7"},
	{10007, `Привет`, "8ff0e8e2e5f2"},
	{65000, `A≢Α. Hi Mom -☺-! 日本語 1+1 \~ 𝄞x`, "412b496d49446b512e204869204d6f6d202d2b4a6a6f2d2d21202b5a65566e4c49716520312b2d31202b414677416667202b3244546448672d78"},
	{65001, `日本 𝄞`, "e697a5e69cac20f09d849e"},
	{1200, `日𝄞`, "e56534d81edd"},
	{1201, `日𝄞`, "65e5d834dd1e"},
	{12000, `日𝄞`, "e56500001ed10100"},
	{12001, `日𝄞`, "000065e50001d11e"},
	{20127, `plain`, "706c61696e"},
}

func TestKnownText(t *testing.T) {
	seen := map[int]bool{}
	for _, c := range known {
		seen[c.cp] = true
		b, _ := hex.DecodeString(c.hex)
		if got, err := Decode(c.cp, b); err != nil || got != c.text {
			t.Errorf("Decode(%d, %s) = %q %v, want %q", c.cp, c.hex, got, err, c.text)
		}
		if got, err := Encode(c.cp, c.text); err != nil || hex.EncodeToString(got) != c.hex {
			t.Errorf("Encode(%d, %q) = %x %v, want %s", c.cp, c.text, got, err, c.hex)
		}
	}
	for cp := range pages {
		if !seen[cp] && cp != 1047 {
			t.Errorf("code page %d isn't tested", cp)
		}
	}
}

func TestDecodeOther(t *testing.T) {
	for _, c := range []struct {
		cp   int
		in   string
		want string
	}{
		{ASCII, "a\xE4b", "a\uFFFDb"},
		{UTF8, "a\xFFb", "a\uFFFDb"},
		{Windows1252, "\x80\x81", "€\u0081"}, // the second is undefined
		{1253, "\xAA", "\uFFFD"},
		{UTF16, "\x3D\xD8", "\xED\xA0\xBD"},
		{UTF7, "+AGEAYg-c", "abc"},
		{UTF7, "1 +- 1 +", "1 + 1 \uFFFD"},
		{UTF7, "+2D0-", "\uFFFD"}, // half a character
		{UTF7, "a\xE4", "a\uFFFD"},
		{50220, "\x1B$B\x46\x7C", "日"}, // not returned to ASCII
		{932, "a\x81", "a\uFFFD"},
		{1201, "\x00a\x00", "a\uFFFD"},
	} {
		if got, err := Decode(c.cp, []byte(c.in)); err != nil || got != c.want {
			t.Errorf("Decode(%d, %q) = %q %v, want %q", c.cp, c.in, got, err, c.want)
		}
	}
}

func TestEncodeReplacesWhatIsMissing(t *testing.T) {
	for cp, want := range map[int]string{
		ASCII: "a? ? ?b", Windows1252: "a\xE4 ? ?b", 28591: "a\xE4 ? ?b", 932: "a? \x93\xFA ?b", 50220: "a? \x1B$BF|\x1B(B ?b",
		UTF8: "aä 日 𝄞b",
	} {
		if got, err := Encode(cp, "aä 日 𝄞b"); err != nil || string(got) != want {
			t.Errorf("Encode(%d) = %q %v, want %q", cp, got, err, want)
		}
	}
	if got, _ := Encode(Windows1252, "\u0080\u0081"); string(got) != "?\x81" {
		t.Errorf("controls in 1252: %q", got)
	}
	if got, _ := Encode(UTF8, "\xED\xA0\xBD"); string(got) != "\uFFFD" {
		t.Errorf("half a character in UTF-8: %q", got)
	}
}

func TestUnknownCodePage(t *testing.T) {
	if _, err := Decode(4711, nil); !errors.Is(err, mapi.ErrBadCodePage) {
		t.Error(err)
	}
	if _, err := Encode(4711, ""); !errors.Is(err, mapi.ErrBadCodePage) {
		t.Error(err)
	}
	if Known(4711) || !Known(1252) || Charset(4711) != "" {
		t.Error("4711 is known")
	}
}

func TestDecodeWhole(t *testing.T) {
	for _, c := range []struct {
		cp    int
		bytes string
		whole bool
	}{
		{65001, "\xE4\xBD\xA0", true}, {65001, "Gr\xFC\xDFe", false}, {65001, "was lost before: \xEF\xBF\xBD", true},
		{932, "\x83\x5C", true}, {932, "\x83", false}, {20127, "plain", true}, {20127, "Gr\xFC\xDFe", false}, {1252, "\x81\xFF", true},
		{54936, "\x84\x31\xA4\x37", true}, {4711, "plain", false},
	} {
		want, _ := Decode(c.cp, []byte(c.bytes))
		if got, whole := DecodeWhole(c.cp, []byte(c.bytes)); whole != c.whole || got != want {
			t.Errorf("code page %d: %q is %q, whole %v; want %q, %v", c.cp, c.bytes, got, whole, want, c.whole)
		}
	}
}

func TestCharsets(t *testing.T) {
	for name, want := range map[string]int{
		"utf-8": 65001, "UTF-8": 65001, "utf8": 65001, " us-ascii ": 20127, "iso-8859-1": 28591, "ISO-8859-15": 28605,
		"latin1": 28591, "l1": 28591, "cp819": 28591, "windows-1252": 1252, "cp1252": 1252, "Shift_JIS": 932, "ms_kanji": 932,
		"iso-2022-jp": 50220, "euc-jp": 51932, "gb2312": 936, "gbk": 936, "gb18030": 54936, "hz-gb-2312": 52936, "big5": 950,
		"ks_c_5601-1987": 949, "euc-kr": 51949, "koi8-r": 20866, "koi8-u": 21866, "utf-7": 65000, "utf-16": 1200, "utf-16be": 1201,
		"ibm437": 437, "csPC8CodePage437": 437, "cp850": 850, "iso-8859-8-i": 38598, "tis-620": 874, "macintosh": 10000,
	} {
		if got, ok := ByCharset(name); !ok || got != want {
			t.Errorf("ByCharset(%q) = %d %v, want %d", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "x-unknown", "unknown-8bit", "replacement"} {
		if got, ok := ByCharset(name); ok {
			t.Errorf("ByCharset(%q) = %d", name, got)
		}
	}
	for cp := range pages {
		name := Charset(cp)
		back, ok := ByCharset(name)
		if !ok || name != strings.ToLower(name) {
			t.Errorf("code page %d is called %q, which isn't understood", cp, name)
		}
		if Charset(back) != name {
			t.Errorf("%q is code page %d, which is called %q", name, back, Charset(back))
		}
	}
}

func FuzzCodePages(f *testing.F) {
	f.Add(1252, []byte("a\xE4"))
	f.Add(65000, []byte("+ZeVnLIqe-"))
	f.Add(50220, []byte("\x1B$B"))
	f.Fuzz(func(t *testing.T, cp int, b []byte) {
		s, err := Decode(cp, b)
		if err != nil {
			if !errors.Is(err, mapi.ErrBadCodePage) {
				t.Fatal(err)
			}
			return
		}
		if _, err := Encode(cp, s); err != nil {
			t.Errorf("Encode(%d, %q): %v", cp, s, err)
		}
	})
}

func FuzzUTF7(f *testing.F) {
	f.Add("Hi Mom -☺-! 1+1 日本語")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		if got := decodeUTF7(encodeUTF7(s)); got != s {
			t.Errorf("%q came back as %q from %q", s, got, encodeUTF7(s))
		}
	})
}
