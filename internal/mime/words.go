package mime

import (
	"encoding/base64"
	"fmt"
	stdmime "mime"
	"strings"
	"unicode/utf8"
)

const (
	// lineLength is where lines of headers are folded ([RFC5322] 2.1.1: 78 at most without need).
	lineLength = 76
	// longWord is how long a word of text may be that stands in a header as it is: lines must not exceed 998 characters.
	longWord = 400
	// wordBytes is how much text an encoded word holds ([RFC2047] 2: 75 characters in all).
	wordBytes = 45
)

// encodeText makes text what an unstructured field can hold: encoded words ([RFC2047] 5) unless it is plain.
func encodeText(s string) string {
	s = oneLine(s)
	if isPlain(s) {
		return s
	}
	return encodeAll(s)
}

// isPlain tells whether text can stand in a field as it is.
func isPlain(s string) bool {
	if s != strings.TrimSpace(s) || strings.Contains(s, "=?") || strings.Contains(s, "  ") {
		return false
	}
	word := 0
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
		if word++; s[i] == ' ' {
			word = 0
		}
		if word > longWord {
			return false
		}
	}
	return true
}

// encodeAll encodes all of a text. The library leaves ASCII alone, which isn't plain when it looks like an encoded word, or has
// blanks that would get lost.
func encodeAll(s string) string {
	if !isASCII([]byte(s)) {
		if strings.ContainsAny(s, phraseSpecials) || letters(s) < len(s)*2/3 {
			return stdmime.BEncoding.Encode("utf-8", s)
		}
		return stdmime.QEncoding.Encode("utf-8", s)
	}
	var words []string
	for len(s) > 0 {
		n := min(len(s), wordBytes)
		words = append(words, "=?us-ascii?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, " ")
}

// letters counts the characters that Q leaves alone.
func letters(s string) (n int) {
	for i := 0; i < len(s); i++ {
		if s[i] < utf8.RuneSelf {
			n++
		}
	}
	return n
}

// phraseSpecials are characters that the library's Q leaves as they are although a phrase cannot hold them ([RFC2047] 5).
const phraseSpecials = "\"(),.:;<>@[\\]'#$%&{|}~^`"

// encodePhrase makes a display name what stands before an address.
func encodePhrase(s string) string {
	s = strings.TrimSpace(oneLine(s))
	switch {
	case s == "":
		return ""
	case !isPlain(s):
		return encodeAll(s)
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c == ' ' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return quote(s)
		}
	}
	return s
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// oneLine makes what would break a header apart a blank.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, s)
}

// fold is the value of a field, broken into lines where it has blanks outside of quotes. It has no line breaks yet.
func fold(name, value string) string {
	var out strings.Builder
	start := len(name) + len(": ")
	column := start
	value = strings.Trim(value, " ")
	for value != "" {
		// A piece is blanks and the word after them.
		n := len(value) - len(strings.TrimLeft(value, " "))
		for quoted := false; n < len(value) && (quoted || value[n] != ' '); n++ {
			quoted = quoted != (value[n] == '"' && strings.IndexByte(value[n+1:], '"') >= 0 || quoted && value[n] == '"')
		}
		piece := value[:n]
		value = value[n:]
		if column != start && column+len(piece) > lineLength {
			out.WriteString("\r\n")
			column = 0
		}
		out.WriteString(piece)
		column += len(piece)
	}
	return out.String()
}

// formatParam is a parameter of a field; text that isn't ASCII, and long text, is in pieces of [RFC2231] 3 and 4.
func formatParam(name, value string) string {
	value = oneLine(value)
	if isASCII([]byte(value)) && len(value) <= lineLength-len(name) && !strings.Contains(value, "=?") {
		return fmt.Sprintf("; %s=%s", name, quote(value))
	}
	const room = 50
	var pieces []string
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if c := value[i]; c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '.' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		if b.Len() >= room {
			pieces = append(pieces, b.String())
			b.Reset()
		}
	}
	if b.Len() > 0 || len(pieces) == 0 {
		pieces = append(pieces, b.String())
	}
	if len(pieces) == 1 {
		return fmt.Sprintf("; %s*=utf-8''%s", name, pieces[0])
	}
	var out strings.Builder
	for i, p := range pieces {
		charset := ""
		if i == 0 {
			charset = "utf-8''"
		}
		fmt.Fprintf(&out, "; %s*%d*=%s%s", name, i, charset, p)
	}
	return out.String()
}
