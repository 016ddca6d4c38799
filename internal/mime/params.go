package mime

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// params are the parameters of a header field, names in lower case.
type params []param

type param struct{ name, value string }

// maxValue is how much of a field of parameters is looked at.
const maxValue = 64 << 10

// parseValue reads a field of the form "value; name=value; ...": Content-Type, Content-Disposition. It takes what can be
// read: missing quotes, blanks around the equals sign, comments.
func parseValue(s string) (value string, ps params) {
	s = s[:min(len(s), maxValue)]
	first, rest := cutParam(s)
	value = strings.ToLower(strings.TrimSpace(stripComments(first, true)))
	for rest != "" {
		first, rest = cutParam(rest)
		name, v, ok := strings.Cut(first, "=")
		name = strings.ToLower(strings.TrimSpace(stripComments(name, true)))
		if !ok || name == "" {
			continue
		}
		ps = append(ps, param{name, unquote(strings.TrimSpace(v))})
	}
	return value, ps
}

// cutParam cuts at the first semicolon outside of quotes.
func cutParam(s string) (first, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// unquote removes quotes and the backslashes that protect; those of Windows' paths, which old mailers don't double, stay.
// A word without quotes ends where a comment begins.
func unquote(s string) string {
	if s == "" || s[0] != '"' {
		return strings.TrimSpace(stripComments(s, true))
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case c == '"':
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// stripComments removes comments ([RFC5322] 3.2.2), or only those that stand apart: names like "report(1).pdf" without
// quotes are too common to see one in them.
func stripComments(s string, apart bool) string {
	if strings.IndexByte(s, '(') < 0 {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '(' && (!apart || i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			_, after := comment(s[i:])
			i = len(s) - len(after) - 1
			continue
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// comment reads the comment that s begins with; it may hold others.
func comment(s string) (text, rest string) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return s[1:i], s[i+1:]
			}
		}
	}
	return s[1:], ""
}

// get is a parameter as it stands, but put together where it is continued ([RFC2231] 3).
func (ps params) get(name string) string {
	v, _ := ps.find(name)
	return v
}

// text is a parameter that people read, in any of the forms that are used: [RFC2231] 4, encoded words, raw bytes.
func (ps params) text(name string, fallback int) string {
	v, charset := ps.find(name)
	if charset != "" {
		s, _ := decodeText(charset, []byte(v))
		return s
	}
	return decodeWords(v, fallback)
}

// find gives the bytes of a parameter, and their charset if it names one.
func (ps params) find(name string) (value, charset string) {
	for _, p := range ps {
		switch p.name {
		case name:
			value = p.value // the extended form is better, wherever it stands
		case name + "*":
			charset, rest := cutCharset(p.value)
			return percent(rest), charset
		}
	}
	type piece struct {
		n        int
		text     string
		extended bool
	}
	var pieces []piece
	for _, p := range ps {
		if num, ok := strings.CutPrefix(p.name, name+"*"); ok {
			num, extended := strings.CutSuffix(num, "*")
			if n, err := strconv.Atoi(num); err == nil {
				pieces = append(pieces, piece{n, p.value, extended})
			}
		}
	}
	if len(pieces) == 0 || value != "" {
		return value, ""
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Compare(a.n, b.n) })
	var b strings.Builder
	for i, p := range pieces {
		if p.extended {
			if i == 0 {
				charset, p.text = cutCharset(p.text)
			}
			p.text = percent(p.text)
		}
		b.WriteString(p.text)
	}
	return b.String(), charset
}

// cutCharset reads charset'language'text.
func cutCharset(s string) (charset, text string) {
	if f := strings.SplitN(s, "'", 3); len(f) == 3 {
		return cmp.Or(f[0], "us-ascii"), f[2]
	}
	return "us-ascii", s
}

// percent decodes %XX; what isn't that stays.
func percent(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, ok := hexByte(s[i+1], s[i+2]); ok {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexByte(hi, lo byte) (byte, bool) {
	c, err := strconv.ParseUint(string([]byte{hi, lo}), 16, 8)
	return byte(c), err == nil
}
