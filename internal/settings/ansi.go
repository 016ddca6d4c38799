package settings

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// DecodeANSI reads 8-bit text in Windows' western code page. Five bytes have no character there; they become control
// characters of the same number, as Windows has it, so that every byte comes back.
func DecodeANSI(b string) string {
	var s strings.Builder
	for i := range len(b) {
		r := charmap.Windows1252.DecodeByte(b[i])
		if r == utf8.RuneError {
			r = rune(b[i])
		}
		s.WriteRune(r)
	}
	return s.String()
}

// EncodeANSI is the reverse of DecodeANSI; a character that the code page lacks is an error.
func EncodeANSI(s string) (string, error) {
	var b strings.Builder
	for _, r := range s {
		c, ok := charmap.Windows1252.EncodeRune(r)
		switch {
		case ok && r != utf8.RuneError:
		case r < 0x100 && charmap.Windows1252.DecodeByte(byte(r)) == utf8.RuneError:
			c = byte(r)
		default:
			return "", fmt.Errorf("the character %q isn't in Windows' western code page: use the Unicode form of the property", r)
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}
