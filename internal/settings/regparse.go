package settings

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
)

// Document is a .reg file: what is to be done to keys and values, in order.
type Document struct {
	File string
	Keys []DocumentKey
}

// DocumentKey is a "[key]" line with the values after it.
type DocumentKey struct {
	Path   string // as written, but for the short names of roots
	Delete bool   // "[-key]": the key goes, with all below it
	Values []DocumentValue
	Line   int
}

// DocumentValue is a "name"=data line.
type DocumentValue struct {
	Name   string // empty: the default value, "@"
	Delete bool   // "name"=-
	Value  Value
	Line   int
}

// SyntaxError says what is wrong in a file, and where. It answers errors.Is for mapi.ErrCorruptData.
type SyntaxError struct {
	File    string
	Line    int
	Problem string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s, line %d: %s", e.File, e.Line, e.Problem)
}

// Is implements errors.Is.
func (e *SyntaxError) Is(target error) bool { return target == mapi.ErrCorruptData }

// maxFile bounds the size of text files that are read whole: an export of all of a user's registry is smaller.
const maxFile = 64 << 20

// ReadText reads a text file of Windows: UTF-16LE, UTF-8, or else in Windows' western code page.
func ReadText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxFile {
		return "", &SyntaxError{path, 1, fmt.Sprintf("the file has more than %d bytes", maxFile)}
	}
	return DecodeText(path, b)
}

// DecodeText is [ReadText] of a file's bytes.
func DecodeText(file string, b []byte) (string, error) {
	switch {
	case len(b) >= 2 && b[0] == 0xFF && b[1] == 0xFE:
		b = b[2:]
	case len(b) >= 2 && b[0] == 0xFE && b[1] == 0xFF:
		return "", &SyntaxError{file, 1, "UTF-16 with the high byte first: save the file as UTF-16 (little-endian) or UTF-8"}
	case len(b) >= 2 && b[0] != 0 && b[1] == 0: // UTF-16LE without a mark: text of these files begins with ASCII
	default:
		if s := strings.TrimPrefix(string(b), "\uFEFF"); utf8.ValidString(s) {
			return s, nil
		}
		return DecodeANSI(string(b)), nil
	}
	if len(b)%2 != 0 {
		return "", &SyntaxError{file, 1, "UTF-16 with half a character at its end"}
	}
	return mapi.DecodeUTF16(b), nil
}

// ReadDocument reads a .reg file.
func ReadDocument(path string) (*Document, error) {
	text, err := ReadText(path)
	if err != nil {
		return nil, err
	}
	return parseText(path, text)
}

// ParseDocument reads the bytes of a .reg file: what regedit of any version writes ("REGEDIT4" and version 5.00). Errors are
// [*SyntaxError].
func ParseDocument(file string, data []byte) (*Document, error) {
	text, err := DecodeText(file, data)
	if err != nil {
		return nil, err
	}
	return parseText(file, text)
}

// First lines of .reg files.
const (
	header  = "Windows Registry Editor Version 5.00"
	header4 = "REGEDIT4" // of Windows 9x and NT 4: strings in hexadecimal are 8-bit
)

type parser struct {
	file, rest string
	line       int
	ansi       bool // REGEDIT4
}

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{p.file, p.line, fmt.Sprintf(format, args...)}
}

func parseText(file, text string) (*Document, error) {
	p := &parser{file: file, rest: text, line: 1}
	d := &Document{File: file}
	p.skipBlank()
	switch first := strings.TrimSpace(p.restOfLine()); first {
	case header:
	case header4:
		p.ansi = true
	default:
		return nil, p.fail("%q expected, not %q", header, shorten(first))
	}
	for p.skipBlank(); p.rest != ""; p.skipBlank() {
		if p.rest[0] == '[' {
			k, err := p.key()
			if err != nil {
				return nil, err
			}
			d.Keys = append(d.Keys, k)
			continue
		}
		if len(d.Keys) == 0 {
			return nil, p.fail("a value before the first key")
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		k := &d.Keys[len(d.Keys)-1]
		if k.Delete {
			return nil, p.fail("a value below a key that is deleted")
		}
		k.Values = append(k.Values, v)
	}
	return d, nil
}

func shorten(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// skipBlank goes on to what is neither blank nor comment.
func (p *parser) skipBlank() {
	for p.rest != "" {
		switch p.rest[0] {
		case '\n':
			p.line++
		case ' ', '\t', '\r':
		case ';':
			p.restOfLine()
			continue
		default:
			return
		}
		p.rest = p.rest[1:]
	}
}

func (p *parser) skipSpaces() { p.rest = strings.TrimLeft(p.rest, " \t") }

// restOfLine takes what is left of the line, but not the line's end.
func (p *parser) restOfLine() string {
	i := strings.IndexByte(p.rest, '\n')
	if i < 0 {
		i = len(p.rest)
	}
	s := p.rest[:i]
	p.rest = p.rest[i:]
	return strings.TrimSuffix(s, "\r")
}

// endOfLine demands that nothing but a comment follows.
func (p *parser) endOfLine(after string) error {
	if s := strings.TrimSpace(p.restOfLine()); s != "" && s[0] != ';' {
		return p.fail("%q after %s", shorten(s), after)
	}
	return nil
}

// key reads "[key]" or "[-key]". Names of keys may hold brackets, so the last one of the line closes.
func (p *parser) key() (DocumentKey, error) {
	k := DocumentKey{Line: p.line}
	line := strings.TrimSpace(p.restOfLine())
	i := strings.LastIndexByte(line, ']')
	if i < 0 {
		return k, p.fail("a key without its closing bracket")
	}
	if after := strings.TrimSpace(line[i+1:]); after != "" && after[0] != ';' {
		return k, p.fail("%q after the key", shorten(after))
	}
	path, del := strings.CutPrefix(line[1:i], "-")
	k.Path, k.Delete = FullPath(path), del
	if k.Path == "" {
		return k, p.fail("a key without a name")
	}
	return k, nil
}

func (p *parser) value() (DocumentValue, error) {
	v := DocumentValue{Line: p.line}
	var err error
	switch {
	case p.rest[0] == '@':
		p.rest = p.rest[1:]
	case p.rest[0] == '"':
		if v.Name, err = p.quoted(); err != nil {
			return v, err
		}
	default:
		return v, p.fail("a key, a value or a comment expected, not %q", shorten(strings.TrimSpace(p.restOfLine())))
	}
	p.skipSpaces()
	if !strings.HasPrefix(p.rest, "=") {
		return v, p.fail(`"=" expected after the name of a value`)
	}
	p.rest = p.rest[1:]
	p.skipSpaces()
	switch lower := strings.ToLower(p.rest[:min(len(p.rest), len("hex(ffffffff):"))]); {
	case strings.HasPrefix(lower, "-"):
		p.rest, v.Delete = p.rest[1:], true
	case strings.HasPrefix(lower, `"`):
		s, err := p.quoted()
		if err != nil {
			return v, err
		}
		v.Value = TextValue(s)
	case strings.HasPrefix(lower, "dword:"):
		p.rest = p.rest[len("dword:"):]
		if v.Value, err = p.dword(); err != nil {
			return v, err
		}
	case strings.HasPrefix(lower, "hex"):
		p.rest = p.rest[len("hex"):]
		if v.Value, err = p.hex(); err != nil {
			return v, err
		}
	default:
		return v, p.fail("data of no known kind: %q", shorten(strings.TrimSpace(p.restOfLine())))
	}
	return v, p.endOfLine("the value")
}

// quoted reads a string in quotes. It may go on over several lines, as regedit writes strings with line ends in them.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	start := p.line
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; c {
		case '"':
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case '\\':
			i++
			if i == len(p.rest) || p.rest[i] != '\\' && p.rest[i] != '"' {
				return "", p.fail(`a backslash that isn't doubled ("\\" and "\"" are what regedit writes)`)
			}
		case '\n':
			p.line++
		case 0:
			return "", p.fail("a NUL character in a string")
		}
		b.WriteByte(p.rest[i])
	}
	p.line = start
	return "", p.fail("a string without its closing quote")
}

func (p *parser) dword() (Value, error) {
	p.skipSpaces()
	n := 0
	for n < len(p.rest) && isHex(p.rest[n]) {
		n++
	}
	u, err := strconv.ParseUint(p.rest[:n], 16, 32)
	if err != nil || n > 8 {
		return Value{}, p.fail("dword: %q isn't a number of one to eight hexadecimal digits", shorten(strings.TrimSpace(p.restOfLine())))
	}
	p.rest = p.rest[n:]
	return NumberValue(uint32(u)), nil
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

// hex reads what follows "hex": ":00,01" (binary) or "(7):00,01", with lines that go on after a backslash.
func (p *parser) hex() (Value, error) {
	v := Value{Type: TypeBinary}
	if rest, ok := strings.CutPrefix(p.rest, "("); ok {
		number, rest, ok := strings.Cut(rest, ")")
		t, err := strconv.ParseUint(number, 16, 32)
		if !ok || err != nil {
			return v, p.fail("hex(n): the type isn't a hexadecimal number")
		}
		v.Type, p.rest = Type(t), rest
	}
	if !strings.HasPrefix(p.rest, ":") {
		return v, p.fail(`":" expected after "hex"`)
	}
	p.rest = p.rest[1:]
	for {
		if err := p.continued(); err != nil {
			return v, err
		}
		n := 0
		for n < len(p.rest) && n < 3 && isHex(p.rest[n]) {
			n++
		}
		if n == 0 { // the end; regedit allows a comma before it
			break
		}
		if n > 2 {
			return v, p.fail("hex: a byte of more than two digits")
		}
		b, _ := strconv.ParseUint(p.rest[:n], 16, 8)
		v.Data = append(v.Data, byte(b))
		p.rest = p.rest[n:]
		if err := p.continued(); err != nil {
			return v, err
		}
		rest, comma := strings.CutPrefix(p.rest, ",")
		if !comma {
			break
		}
		p.rest = rest
	}
	if p.ansi && (v.Type == TypeString || v.Type == TypeExpandString || v.Type == TypeMultiString) {
		v.Data = mapi.EncodeUTF16(DecodeANSI(string(v.Data)))
	}
	return v, nil
}

// continued skips blanks, and a backslash with the line end and the blanks after it.
func (p *parser) continued() error {
	p.skipSpaces()
	for strings.HasPrefix(p.rest, `\`) {
		p.rest = p.rest[1:]
		if err := p.endOfLine("a backslash"); err != nil {
			return err
		}
		if p.rest == "" {
			return p.fail("nothing after the backslash")
		}
		p.rest = p.rest[1:]
		p.line++
		p.skipSpaces()
	}
	return nil
}
