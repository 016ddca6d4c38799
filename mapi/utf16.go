package mapi

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Strings on the wire may hold unpaired surrogates, which UTF-8 has no form for. They are kept as WTF-8 does it (the
// three bytes that a surrogate code point would have), so that every string comes back to the byte.

// DecodeUTF16 reads UTF-16LE; an odd last byte is dropped.
func DecodeUTF16(b []byte) string {
	n := len(b) / 2
	size := n // of the result: more where there are other characters than ASCII
	for i := 0; i < n; i++ {
		if b[2*i+1] != 0 || b[2*i] >= 0x80 {
			size += n / 2
			break
		}
	}
	var out strings.Builder
	out.Grow(size)
	for i := 0; i < n; i++ {
		u := rune(b[2*i]) | rune(b[2*i+1])<<8
		switch {
		case u < 0x80:
			out.WriteByte(byte(u))
		case u >= 0xD800 && u < 0xE000:
			if u < 0xDC00 && i+1 < n {
				if l := rune(b[2*i+2]) | rune(b[2*i+3])<<8; l >= 0xDC00 && l < 0xE000 {
					out.WriteRune(0x10000 + (u-0xD800)<<10 + (l - 0xDC00))
					i++
					continue
				}
			}
			out.WriteByte(0xE0 | byte(u>>12))
			out.WriteByte(0x80 | byte(u>>6)&0x3F)
			out.WriteByte(0x80 | byte(u)&0x3F)
		default:
			out.WriteRune(u)
		}
	}
	return out.String()
}

// EncodeUTF16 is s in UTF-16LE without terminator. Unpaired surrogates that DecodeUTF16 kept come back as they were.
func EncodeUTF16(s string) []byte { return AppendUTF16(make([]byte, 0, 2*len(s)), s) }

// AppendUTF16 appends EncodeUTF16 of s to b.
func AppendUTF16(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < 0x80 {
			b = append(b, c, 0)
			i++
			continue
		}
		if u, ok := wtf8Surrogate(s[i:]); ok {
			b = append(b, byte(u), byte(u>>8))
			i += 3
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if r >= 0x10000 {
			r1, r2 := utf16.EncodeRune(r)
			b = append(b, byte(r1), byte(r1>>8), byte(r2), byte(r2>>8))
		} else {
			b = append(b, byte(r), byte(r>>8))
		}
	}
	return b
}

// wtf8Surrogate recognizes the three-byte form of an unpaired surrogate at the start of s.
func wtf8Surrogate(s string) (uint16, bool) {
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2] >= 0x80 && s[2] <= 0xBF {
		return 0xD000 | uint16(s[1]&0x3F)<<6 | uint16(s[2]&0x3F), true
	}
	return 0, false
}
