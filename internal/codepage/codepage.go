// Package codepage converts text between the code pages that properties name by number ([MS-UCODEREF] 2.2.1) and UTF-8,
// and tells which charset name a code page has in MIME.
package codepage

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"

	"github.com/opencdo/opencdo/mapi"
)

// Code pages that the program itself chooses.
const (
	Windows1252 = 1252
	UTF16       = 1200
	ASCII       = 20127
	ISO8859_1   = 28591
	UTF7        = 65000
	UTF8        = 65001
)

// page is a code page: its text converter and its names in MIME, the preferred one first.
type page struct {
	coder encoding.Encoding // nil for those that Decode and Encode know themselves
	names []string
}

func unknown(op string, cp int) error {
	return &mapi.Error{Op: op, Object: fmt.Sprintf("code page %d", cp), Code: mapi.ErrBadCodePage}
}

// Known reports whether text in a code page can be converted.
func Known(cp int) bool { _, ok := pages[cp]; return ok }

// Decode converts text in a code page to UTF-8. Bytes that mean nothing in it become U+FFFD, but unpaired surrogates of
// UTF-16 are kept as package mapi does. The error is mapi.ErrBadCodePage.
func Decode(cp int, b []byte) (string, error) {
	p, ok := pages[cp]
	if !ok {
		return "", unknown("decode text", cp)
	}
	switch cp {
	case UTF8:
		return strings.ToValidUTF8(string(b), "\uFFFD"), nil
	case UTF16:
		return mapi.DecodeUTF16(b), nil
	case UTF7:
		return decodeUTF7(b), nil
	case ASCII:
		return decodeASCII(b), nil
	}
	if m, ok := p.coder.(*charmap.Charmap); ok {
		return decodeBytes(m, b), nil
	}
	out, err := p.coder.NewDecoder().Bytes(b)
	return string(out), err
}

// DecodeWhole is Decode for text of which nothing may get lost: ok is false if bytes of it mean nothing in the code page, or
// the code page isn't known.
func DecodeWhole(cp int, b []byte) (s string, ok bool) {
	s, err := Decode(cp, b)
	if err != nil || !strings.ContainsRune(s, utf8.RuneError) {
		return s, err == nil
	}
	again, err := Encode(cp, s) // U+FFFD may have been there
	return s, err == nil && bytes.Equal(again, b)
}

// Encode converts UTF-8 to a code page. Characters that it lacks become question marks, as Windows does it. The error is
// mapi.ErrBadCodePage.
func Encode(cp int, s string) ([]byte, error) {
	p, ok := pages[cp]
	if !ok {
		return nil, unknown("encode text", cp)
	}
	switch cp {
	case UTF8:
		return []byte(strings.ToValidUTF8(s, "\uFFFD")), nil
	case UTF16:
		return mapi.EncodeUTF16(s), nil
	case UTF7:
		return encodeUTF7(s), nil
	case ASCII:
		return encodeASCII(s), nil
	}
	if m, ok := p.coder.(*charmap.Charmap); ok {
		return encodeBytes(m, s), nil
	}
	b, err := p.coder.NewEncoder().Bytes([]byte(s))
	if err == nil {
		return b, nil
	}
	return p.coder.NewEncoder().Bytes([]byte(p.replaceMissing(s)))
}

// replaceMissing puts question marks in place of characters that the code page lacks. They are tried one by one, because
// an encoder doesn't tell where it stopped.
func (p page) replaceMissing(s string) string {
	tried := map[rune]bool{}
	one := p.coder.NewEncoder()
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		fits, ok := tried[r]
		if !ok {
			one.Reset()
			_, err := one.String(string(r))
			fits = err == nil
			tried[r] = fits
		}
		if fits {
			return r
		}
		return '?'
	}, s)
}

// decodeBytes converts text with a byte for each character. Bytes from 0x80 to 0x9F that mean nothing stand for the
// control character of their number, as in Windows, so that they survive.
func decodeBytes(m *charmap.Charmap, b []byte) string {
	out := make([]byte, 0, len(b)+len(b)/4)
	for _, c := range b {
		r := m.DecodeByte(c)
		if r == utf8.RuneError && isC1(rune(c)) {
			r = rune(c)
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

func encodeBytes(m *charmap.Charmap, s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		c, ok := m.EncodeRune(r)
		switch {
		case ok:
		case isC1(r) && m.DecodeByte(byte(r)) == utf8.RuneError:
			c = byte(r)
		default:
			c, _ = m.EncodeRune('?')
		}
		out = append(out, c)
	}
	return out
}

func isC1(r rune) bool { return r >= 0x80 && r <= 0x9F }

func decodeASCII(b []byte) string {
	var s strings.Builder
	s.Grow(len(b))
	for _, c := range b {
		if c < utf8.RuneSelf {
			s.WriteByte(c)
		} else {
			s.WriteRune(utf8.RuneError)
		}
	}
	return s.String()
}

func encodeASCII(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r >= utf8.RuneSelf {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}

// Charset is the name of a code page in MIME ("iso-8859-1"), or "" when it has none here.
func Charset(cp int) string {
	if p, ok := pages[cp]; ok {
		return p.names[0]
	}
	return ""
}

// ByCharset is the code page that a charset name of MIME or HTML stands for, in any case and with the aliases that IANA
// and browsers know.
func ByCharset(name string) (cp int, ok bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	if cp, ok := byName[name]; ok {
		return cp, true
	}
	if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		if n, err := ianaindex.MIME.Name(e); err == nil {
			if cp, ok := byName[strings.ToLower(n)]; ok {
				return cp, true
			}
		}
	}
	if e, err := htmlindex.Get(name); err == nil {
		if n, err := htmlindex.Name(e); err == nil {
			if cp, ok := byName[n]; ok {
				return cp, true
			}
		}
	}
	return 0, false
}
