package codepage

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
)

// UTF-7 (RFC 2152): ASCII as it is, all else as base64 of UTF-16BE without padding between "+" and "-" or the next
// character that isn't base64.

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// direct reports whether a character stands for itself: sets D and O of the RFC and white space. Backslash and tilde
// don't, because not every ASCII has them.
func direct(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || c >= ' ' && c <= '}' && c != '+' && c != '\\'
}

func encodeUTF7(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c := rune(s[i])
		if direct(c) {
			out = append(out, byte(c))
			i++
			continue
		}
		if c == '+' {
			out = append(out, "+-"...)
			i++
			continue
		}
		end := i
		for end < len(s) && !direct(rune(s[end])) && s[end] != '+' {
			end++
		}
		run := mapi.EncodeUTF16(s[i:end])
		for j := 0; j+1 < len(run); j += 2 {
			run[j], run[j+1] = run[j+1], run[j]
		}
		out = append(out, '+')
		out = base64.RawStdEncoding.AppendEncode(out, run)
		// The end must be marked where the next character would be read as base64 or as the mark.
		if end < len(s) && (s[end] == '-' || strings.IndexByte(base64Digits, s[end]) >= 0) {
			out = append(out, '-')
		}
		i = end
	}
	return out
}

func decodeUTF7(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); {
		c := b[i]
		i++
		if c != '+' {
			if c < utf8.RuneSelf {
				out.WriteByte(c)
			} else {
				out.WriteRune(utf8.RuneError)
			}
			continue
		}
		if i < len(b) && b[i] == '-' {
			out.WriteByte('+')
			i++
			continue
		}
		var units []uint16
		var bits, n uint
		start := i
		for ; i < len(b); i++ {
			d := strings.IndexByte(base64Digits, b[i])
			if d < 0 {
				break
			}
			bits = bits<<6 | uint(d)
			if n += 6; n >= 16 {
				n -= 16
				units = append(units, uint16(bits>>n))
			}
		}
		for _, r := range utf16.Decode(units) {
			out.WriteRune(r)
		}
		if i == start {
			out.WriteRune(utf8.RuneError) // "+" before what is neither base64 nor "-"
		}
		if i < len(b) && b[i] == '-' {
			i++
		}
	}
	return out.String()
}
