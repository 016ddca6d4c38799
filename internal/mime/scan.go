package mime

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

const (
	// maxParts bounds the memory for the structure of a message; digests of busy mailing lists have some hundreds.
	maxParts = 10000
	// maxHeaders bounds the headers of all parts, which are held in memory, in bytes: a hundred times what mail servers let
	// pass. fieldCost is what a line of one costs besides its text.
	maxHeaders = 32 << 20
	fieldCost  = 64
	// maxDecoded is how many bytes of messages that are themselves base64 are decoded, which is done in memory. Larger ones
	// stay file attachments.
	maxDecoded = 32 << 20
	// lineBuffer is how much of a line is looked at. Delimiters are shorter ([RFC2046] 5.1.1: 70 characters).
	lineBuffer = 64 << 10
)

// part is an entity of [RFC2045] 2.4: a message or a part of one. It is one of three: a multipart with children, a
// message/rfc822 with a message, or a leaf.
type part struct {
	header   header
	head     section // the header, without the empty line
	body     section // the raw content
	children []*part
	message  *part
	def      string // the type of a part that has no Content-Type
	last     bool   // the file ends with this part
	cut      bool   // and it should not: a delimiter is missing
	openHead bool   // its header has no empty line at the end
	open     bool   // the file ended inside this multipart
}

// section is a range of bytes of a file.
type section struct {
	r        io.ReaderAt
	off, end int64
}

func (s section) size() int64 { return s.end - s.off }

func (s section) open() *io.SectionReader { return io.NewSectionReader(s.r, s.off, s.size()) }

// buffered reads a section by lines.
func (s section) buffered() *bufio.Reader {
	return bufio.NewReaderSize(s.open(), int(min(s.size()+1, lineBuffer)))
}

// bytes reads a section that was found to be small.
func (s section) bytes() ([]byte, error) {
	b := make([]byte, s.size())
	n, err := s.r.ReadAt(b, s.off)
	if n == len(b) {
		err = nil
	}
	return b[:n], err
}

// lines reads a file line by line and knows the offsets.
type lines struct {
	r    *bufio.Reader
	text []byte // the start of the line, without its end
	off  int64  // of the line
	end  int64  // of its text
	next int64  // of the next line
	last int64  // the end of the text of the line before
	err  error  // not io.EOF
}

func (l *lines) read() bool {
	if l.err != nil {
		return false
	}
	l.last, l.off, l.end = l.end, l.next, l.next
	l.text = l.text[:0]
	var tail [2]byte // the last two bytes
	for {
		b, err := l.r.ReadSlice('\n')
		if l.next == l.off {
			l.text = append(l.text, b...)
		}
		l.next += int64(len(b))
		if len(b) > 1 {
			tail[0] = b[len(b)-2]
		} else {
			tail[0] = tail[1]
		}
		if len(b) > 0 {
			tail[1] = b[len(b)-1]
		}
		if err == nil {
			break
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != io.EOF {
			l.err = err
			return false
		}
		if l.next == l.off {
			return false
		}
		l.end = l.next
		return true
	}
	l.end = l.next - 1
	if tail[0] == '\r' && l.end > l.off {
		l.end--
	}
	l.text = l.text[:min(int64(len(l.text)), l.end-l.off)]
	return true
}

// parser finds the parts of a message.
type parser struct {
	lines
	src    io.ReaderAt
	stack  []string // the delimiters of the open multiparts, with their two dashes
	used   *usage
	depth  int
	reread bool // the line was not used up
}

// usage is what a message with all messages in it has taken of its limits.
type usage struct {
	parts            int
	headers, decoded int64
}

func (p *parser) tooComplex(format string, args ...any) {
	if p.err == nil {
		p.err = &mapi.Error{Op: "read message", Code: mapi.ErrTooComplex, Err: fmt.Errorf(format, args...)}
	}
}

// mark is what ended a part: a delimiter of stack[level], or at level -1 the end of the file.
type mark struct {
	level   int
	closing bool
}

var endOfFile = mark{level: -1}

func parse(r io.ReaderAt, size int64) (*part, error) {
	return parseMessage(section{r, 0, size}, new(usage), 0)
}

func parseMessage(s section, used *usage, depth int) (*part, error) {
	p := &parser{lines: lines{r: s.buffered()}, src: s.open(), used: used, depth: depth}
	root, _ := p.entity("text/plain")
	return root, p.err
}

// line goes to the next line, or stays when that was not used up.
func (p *parser) line() bool {
	if p.reread {
		p.reread = false
		return true
	}
	return p.read()
}

// delimiter tells whether the line is a delimiter of an open multipart: an outer one ends the inner ones too.
func (p *parser) delimiter() (mark, bool) {
	if len(p.text) < 2 || p.text[0] != '-' || p.text[1] != '-' {
		return mark{}, false
	}
	text := bytes.TrimRight(p.text, " \t")
	for i := len(p.stack) - 1; i >= 0; i-- {
		rest, ok := bytes.CutPrefix(text, []byte(p.stack[i]))
		if ok && len(rest) == 0 {
			return mark{i, false}, true
		}
		if ok && string(rest) == "--" {
			return mark{i, true}, true
		}
	}
	return mark{}, false
}

// skip reads to the next delimiter. end is where the text before it ends: the line break belongs to the delimiter, also to
// one that is missing at the end of the file.
func (p *parser) skip(from int64) (m mark, end int64) {
	for p.line() {
		if m, ok := p.delimiter(); ok {
			return m, max(p.last, from)
		}
	}
	if len(p.stack) > 0 {
		return endOfFile, max(p.last, from)
	}
	return endOfFile, p.next
}

// entity reads a part with all that is in it.
func (p *parser) entity(def string) (*part, mark) {
	t := &part{def: def}
	if p.used.parts++; p.used.parts > maxParts {
		p.tooComplex("more than %d parts", maxParts)
	}
	m, ended := p.head(t)
	if ended {
		t.end(p, m)
		return t, m
	}
	p.depth++
	defer func() { p.depth-- }()
	start := t.body.off
	switch typ := t.contentType(); {
	case p.depth > mapi.MaxDepth:
		m, t.body.end = p.skip(start)
	case strings.HasPrefix(typ, "multipart/"):
		m = p.multipart(t, typ)
	case typ == "message/rfc822":
		m = p.embedded(t)
	default:
		m, t.body.end = p.skip(start)
	}
	t.end(p, m)
	return t, m
}

// head reads a header. The line that cannot be one of a header begins the body, be it empty or not. ended says that a
// delimiter or the end of the file came before the body.
func (p *parser) head(t *part) (m mark, ended bool) {
	t.head = section{p.src, p.next, p.next}
	if p.reread {
		t.head = section{p.src, p.off, p.off}
	}
	t.body = t.head
	first := true
	for p.line() {
		if p.used.headers += p.next - p.off + fieldCost; p.used.headers > maxHeaders {
			p.tooComplex("more than %d MiB of headers", maxHeaders>>20)
			break
		}
		if m, ok := p.delimiter(); ok {
			t.head.end = p.off
			t.body = section{p.src, p.off, p.off}
			p.fields(t)
			return m, true
		}
		if first && bytes.HasPrefix(p.text, []byte("From ")) { // of an mbox file
			t.head.off = p.next
			first = false
			continue
		}
		if len(p.text) == 0 {
			t.head.end = p.off
			t.body = section{p.src, p.next, p.next}
			p.fields(t)
			return m, false
		}
		if c := p.text[0]; c != ' ' && c != '\t' && fieldName(p.text) < 0 {
			t.head.end = p.off
			t.body = section{p.src, p.off, p.off}
			p.reread = true
			t.openHead = true
			p.fields(t)
			return m, false
		}
		first = false
	}
	t.head.end = p.next
	t.body = section{p.src, p.next, p.next}
	p.fields(t)
	t.openHead = t.head.size() > 0
	return endOfFile, true
}

// end notes how a leaf ended.
func (t *part) end(p *parser, m mark) {
	t.last = m == endOfFile && t.children == nil && t.message == nil
	t.cut = t.last && (len(p.stack) > 0 || t.open)
}

// fields parses the header that was found.
func (p *parser) fields(t *part) {
	if p.err != nil {
		return
	}
	b, err := t.head.bytes()
	if err != nil {
		p.err = err
		return
	}
	t.header = parseHeader(b)
}

// multipart reads the children of a part. Without any, it is a leaf.
func (p *parser) multipart(t *part, typ string) (m mark) {
	start := t.body.off
	boundary := strings.TrimRight(t.param("boundary"), " \t\r\n")
	if boundary == "" {
		m, t.body.end = p.skip(start)
		return m
	}
	level := len(p.stack)
	p.stack = append(p.stack, "--"+boundary)
	def := "text/plain"
	if typ == "multipart/digest" {
		def = "message/rfc822" // [RFC2046] 5.1.5
	}
	m, t.body.end = p.skip(start)
	for m.level == level && !m.closing {
		var child *part
		child, m = p.entity(def)
		t.children = append(t.children, child)
		t.body.end = max(p.last, start)
	}
	p.stack = p.stack[:level]
	if m.level == level { // the closing delimiter
		t.body.end = p.end
		m, _ = p.skip(p.next)
	} else if m == endOfFile {
		t.open = true
		t.body.end = p.next
	}
	return m
}

// embedded reads a message/rfc822 part. [RFC2046] 5.2.1 doesn't let it be encoded, but some are.
func (p *parser) embedded(t *part) (m mark) {
	start := t.body.off
	if !p.looksEncoded(t) {
		t.message, m = p.entity("text/plain")
		t.body.end = max(p.last, start)
		if m == endOfFile {
			t.body.end = p.next
		}
		return m
	}
	m, t.body.end = p.skip(start)
	if p.used.decoded += t.body.size(); p.used.decoded > maxDecoded || p.err != nil {
		return m
	}
	d := t.decoder()
	b, err := io.ReadAll(d)
	if err != nil {
		p.err = errors.Join(p.err, err)
		return m
	}
	if d.damage() == "" {
		t.message, p.err = parseMessage(section{bytes.NewReader(b), 0, int64(len(b))}, p.used, p.depth)
	}
	return m
}

// looksEncoded tells whether an embedded message is encoded as its header says: some that say so aren't.
func (p *parser) looksEncoded(t *part) bool {
	switch t.encoding() {
	case "base64", "quoted-printable", "x-uuencode":
	default:
		return false
	}
	if !p.line() {
		return false
	}
	p.reread = true
	return fieldName(p.text) < 0
}
