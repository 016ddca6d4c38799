package mime

import (
	"bytes"
	"strings"
)

// field is a header field: its name as it stands, and its value with the line breaks of folding, undecoded.
type field struct {
	name string
	raw  []byte
}

// header is the fields of a part, in order.
type header []field

// fieldName is the length of the name that begins a line of a header, or -1 when the line begins no field. Blanks before
// the colon are of old ([RFC5322] 4.5); a name may be missing, then the line is of no use but doesn't end the header.
func fieldName(line []byte) int {
	for i, c := range line {
		switch {
		case c == ':':
			return len(bytes.TrimRight(line[:i], " \t"))
		case c == ' ' || c == '\t':
			if rest := bytes.TrimLeft(line[i:], " \t"); len(rest) == 0 || rest[0] != ':' {
				return -1
			}
		case c < ' ' || c > '~':
			return -1
		}
	}
	return -1
}

func parseHeader(b []byte) header {
	var h header
	skip := true // what continues no field
	for line := range bytes.Lines(b) {
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			if !skip {
				h[len(h)-1].raw = append(h[len(h)-1].raw, line...)
			}
			continue
		}
		n := fieldName(line)
		if skip = n <= 0; skip {
			continue
		}
		colon := bytes.IndexByte(line, ':')
		h = append(h, field{string(line[:n]), bytes.Clone(line[colon+1:])})
	}
	return h
}

// unfolded is the value of a field in one line: bytes as they stand, without the line breaks.
func (f field) unfolded() string {
	return strings.Trim(noBreaks.Replace(string(f.raw)), " \t")
}

var noBreaks = strings.NewReplacer("\r", "", "\n", "")

// get is the first value of a field, or "".
func (h header) get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.name, name) {
			return f.unfolded()
		}
	}
	return ""
}

// contentType is the media type of a part in lower case. One that cannot be read is as if it weren't there ([RFC2045]
// 5.2).
func (t *part) contentType() string {
	typ, _ := parseValue(t.header.get("Content-Type"))
	if major, minor, ok := strings.Cut(typ, "/"); !ok || major == "" || minor == "" {
		return t.def
	}
	return typ
}

// param is a parameter of Content-Type.
func (t *part) param(name string) string {
	_, ps := parseValue(t.header.get("Content-Type"))
	return ps.get(name)
}

// disposition is the first word of Content-Disposition in lower case.
func (t *part) disposition() string {
	d, _ := parseValue(t.header.get("Content-Disposition"))
	return d
}

// encoding is the transfer encoding in lower case; the names of uuencode are one.
func (t *part) encoding() string {
	e, _, _ := strings.Cut(strings.ToLower(t.header.get("Content-Transfer-Encoding")), " ")
	switch e = strings.Trim(e, ";\"'"); e {
	case "uuencode", "x-uue", "uue":
		return "x-uuencode"
	}
	return e
}
