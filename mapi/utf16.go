package mapi

import "unicode/utf8"

// Strings on the wire may hold unpaired surrogates, which UTF-8 has no form for. They are kept as WTF-8 does it (the
// three bytes that a surrogate code point would have), so that every string comes back to the byte.

// DecodeUTF16 reads UTF-16LE; an odd last byte is dropped.
func DecodeUTF16(b []byte) string {
	n := len(b) / 2
	ascii := true
	for i := 0; i < n; i++ {
		if b[2*i+1] != 0 || b[2*i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		out := make([]byte, n)
		for i := range out {
			out[i] = b[2*i]
		}
		return string(out)
	}
	out := make([]byte, 0, n+n/2)
	for i := 0; i < n; i++ {
		u := rune(b[2*i]) | rune(b[2*i+1])<<8
		if u >= 0xD800 && u < 0xDC00 && i+1 < n {
			if l := rune(b[2*i+2]) | rune(b[2*i+3])<<8; l >= 0xDC00 && l < 0xE000 {
				out = utf8.AppendRune(out, 0x10000+(u-0xD800)<<10+(l-0xDC00))
				i++
				continue
			}
		}
		if u >= 0xD800 && u < 0xE000 {
			out = append(out, 0xE0|byte(u>>12), 0x80|byte(u>>6)&0x3F|0x80, 0x80|byte(u)&0x3F)
			continue
		}
		out = utf8.AppendRune(out, u)
	}
	return string(out)
}

// wtf8Surrogate recognizes the three-byte form of an unpaired surrogate at the start of s.
func wtf8Surrogate(s string) (uint16, bool) {
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2] >= 0x80 && s[2] <= 0xBF {
		return 0xD000 | uint16(s[1]&0x3F)<<6 | uint16(s[2]&0x3F), true
	}
	return 0, false
}

func decodeRune(s string) (rune, int) { return utf8.DecodeRuneInString(s) }
