package mime

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/opencdo/opencdo/internal/codepage"
)

// pageOf is the code page of a charset name, and 0 when none is known. It takes what mailers write in place of a name:
// "charset=utf-8", "cp-850", "437".
func pageOf(charset string) int {
	name := strings.ToLower(strings.Trim(charset, " \t\"'"))
	name = strings.TrimPrefix(name, "charset=")
	name, _, _ = strings.Cut(name, "*") // a language ([RFC2231] 5)
	if cp, ok := codepage.ByCharset(name); ok {
		return cp
	}
	switch name {
	case "unicodebig":
		return 1201
	case "unicodelittle":
		return codepage.UTF16
	}
	digits := name
	for _, p := range []string{"windows", "cp", "ibm", "dos"} {
		if rest, ok := strings.CutPrefix(digits, p); ok {
			digits = strings.TrimLeft(rest, "-_")
			break
		}
	}
	if cp, err := strconv.Atoi(digits); err == nil && codepage.Known(cp) {
		return cp
	}
	return 0
}

// truePage is the code page that text is in. The charset it is said to have is believed, unless there is none, or it is
// one in which the text makes no sense: then it is UTF-8 if it can be, and else Windows-1252.
func truePage(charset string, b []byte) int {
	cp := pageOf(charset)
	switch cp {
	case 0, codepage.ASCII, codepage.UTF8:
		switch {
		case isASCII(b):
			if cp == 0 {
				cp = codepage.ASCII
			}
		case utf8.Valid(b):
			cp = codepage.UTF8
		case cp == codepage.UTF8 && mostlyUTF8(b):
		default:
			cp = codepage.Windows1252
		}
	case codepage.UTF16:
		if bytes.HasPrefix(b, []byte{0xFE, 0xFF}) {
			cp = 1201
		}
	}
	return cp
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// mostlyUTF8 tells whether most of what isn't ASCII is UTF-8: text cut in the middle of a character, for example.
func mostlyUTF8(b []byte) bool {
	good, bad := 0, 0
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		b = b[n:]
	}
	return good > bad
}

// decodeText converts text of a charset and tells which code page it was taken to be in.
func decodeText(charset string, b []byte) (string, int) {
	cp := truePage(charset, b)
	return decodePage(cp, b), cp
}

// decodePage converts text of a code page that is known. Strings of MAPI hold no NUL.
func decodePage(cp int, b []byte) string {
	s, err := codepage.Decode(cp, b)
	if err != nil {
		s = strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return strings.ReplaceAll(strings.TrimPrefix(s, "\uFEFF"), "\x00", "")
}

// decodeRaw converts bytes of a header that are no encoded words: UTF-8 ([RFC6532]), or what old mailers send, which most
// likely is in the code page of the body.
func decodeRaw(s string, fallback int) string {
	switch {
	case utf8.ValidString(s):
		return strings.ReplaceAll(s, "\x00", "")
	case fallback == 0 || fallback == codepage.UTF8 || fallback == codepage.ASCII:
		fallback = codepage.Windows1252
	}
	return decodePage(fallback, []byte(s))
}

// decodeWords converts the unfolded text of a header: encoded words ([RFC2047]) and what stands between them. Some mailers
// cut characters in two between words, so the bytes of words that follow each other are put together first.
func decodeWords(s string, fallback int) string {
	var out strings.Builder
	var charset string
	var word []byte // not written yet
	flush := func() {
		if word != nil {
			t, _ := decodeText(charset, word)
			out.WriteString(t)
		}
		word = nil
	}
	for s != "" {
		start := strings.Index(s, "=?")
		if start < 0 {
			break
		}
		cs, b, n := encodedWord(s[start:])
		if n == 0 {
			flush()
			out.WriteString(decodeRaw(s[:start+2], fallback))
			s = s[start+2:]
			continue
		}
		between := s[:start]
		if word == nil || strings.Trim(between, " \t") != "" || !strings.EqualFold(cs, charset) {
			adjacent := word != nil && strings.Trim(between, " \t") == ""
			flush()
			if !adjacent {
				out.WriteString(decodeRaw(between, fallback))
			}
			charset, word = cs, []byte{}
		}
		word = append(word, b...)
		s = s[start+n:]
	}
	flush()
	out.WriteString(decodeRaw(s, fallback))
	return out.String()
}

// maxWord is how long an encoded word may be; [RFC2047] 2 allows 75 characters, not all mailers know.
const maxWord = 4 << 10

// encodedWord reads the word that s begins with: its bytes and its length in s, which is 0 when it is none.
func encodedWord(s string) (charset string, b []byte, n int) {
	charset, rest, ok := strings.Cut(s[2:min(len(s), maxWord)], "?")
	if !ok || charset == "" || strings.ContainsAny(charset, " \t=") || len(rest) < 3 || rest[1] != '?' {
		return "", nil, 0
	}
	// In Q, "?=" may come from the text "?=3D" of a mailer that doesn't encode question marks; it doesn't in practice.
	text, _, ok := strings.Cut(rest[2:], "?=")
	if !ok {
		return "", nil, 0
	}
	switch rest[0] {
	case 'B', 'b':
		b = decodeBase64(text)
	case 'Q', 'q':
		b = decodeQ(text)
	default:
		return "", nil, 0
	}
	return charset, b, len("=?") + len(charset) + len("?Q?") + len(text) + len("?=")
}

func decodeQ(s string) []byte {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			b = append(b, ' ')
		case c == '=' && i+2 < len(s):
			if x, ok := hexByte(s[i+1], s[i+2]); ok {
				b = append(b, x)
				i += 2
				continue
			}
			b = append(b, c)
		default:
			b = append(b, c)
		}
	}
	return b
}

// decodeBase64 decodes what can be decoded of a short text.
func decodeBase64(s string) []byte {
	s = strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && base64Alphabet[r] {
			return r
		}
		return -1
	}, s)
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	b, _ := base64.RawStdEncoding.DecodeString(s)
	return b
}
