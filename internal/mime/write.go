package mime

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"

	"github.com/opencdo/opencdo/mapi"
)

// WriteOptions say how to write. The zero value writes a file: with what only the owner of the message is to know.
type WriteOptions struct {
	// Sending leaves out what recipients must not see: blind copies, and whether the message was read.
	Sending bool
	// Domain is where addresses of other kinds than SMTP are encapsulated (IMCEAEX-...). Empty is "invalid".
	Domain string
}

// Write writes an item as a message: see [WriteOptions.Write].
func Write(w io.Writer, it *mapi.Item) error { return WriteOptions{}.Write(w, it) }

// Write writes an item as a message ([MS-OXCMAIL] 2.1), with lines that end in CR LF and hold nothing but ASCII, unless a signed
// message is kept as it is, or an address has other characters. Attachments are read while they are written.
func (o WriteOptions) Write(w io.Writer, it *mapi.Item) error {
	b := bufio.NewWriter(w)
	c := composer{o: o}
	if err := c.message(b, it, 0); err != nil {
		return err
	}
	return b.Flush()
}

// field is a field of a header to be written.
type outField struct{ name, value string }

// node is a part to be written: one with children, with content, or with a blob that has its header already.
type node struct {
	typ      string // Content-Type with its parameters, without the one of a boundary
	encoding string
	fields   []outField
	children []*node
	content  func(w io.Writer) error
	raw      mapi.Blob
}

func multipartOf(subtype string, children ...*node) *node {
	return &node{typ: "multipart/" + subtype, children: children}
}

// header is what describes the part. boundary is empty for one without children.
func (n *node) header(boundary string) []outField {
	typ := n.typ
	if boundary != "" {
		typ += "; boundary=" + quote(boundary)
	}
	h := []outField{{"Content-Type", typ}}
	if n.encoding != "" {
		h = append(h, outField{"Content-Transfer-Encoding", n.encoding})
	}
	return append(h, n.fields...)
}

// newBoundary is one that is nowhere else.
func (n *node) newBoundary() string {
	if n.children == nil {
		return ""
	}
	return multipart.NewWriter(io.Discard).Boundary()
}

// writeRoot writes a part that is the message itself, after the header of the envelope.
func (n *node) writeRoot(w io.Writer) error {
	if n.raw != nil {
		return copyBlob(w, n.raw)
	}
	boundary := n.newBoundary()
	if err := writeFields(w, n.header(boundary)); err != nil {
		return err
	}
	if _, err := w.Write(lineEnd); err != nil {
		return err
	}
	if err := n.writeContent(w, boundary); err != nil {
		return err
	}
	if n.encoding == "base64" { // which ends in the line
		_, err := w.Write(lineEnd)
		return err
	}
	return nil
}

func writeFields(w io.Writer, fields []outField) error {
	for _, f := range fields {
		if _, err := fmt.Fprintf(w, "%s: %s\r\n", f.name, fold(f.name, f.value)); err != nil {
			return err
		}
	}
	return nil
}

// writeContent writes what comes after the header.
func (n *node) writeContent(w io.Writer, boundary string) error {
	if n.children == nil {
		return n.content(w)
	}
	m := multipart.NewWriter(w)
	if err := m.SetBoundary(boundary); err != nil {
		return err
	}
	for _, c := range n.children {
		inner := c.newBoundary()
		h := textproto.MIMEHeader{}
		for _, f := range c.header(inner) {
			h[f.name] = append(h[f.name], fold(f.name, f.value))
		}
		part, err := m.CreatePart(h)
		if err != nil {
			return err
		}
		if err := c.writeContent(part, inner); err != nil {
			return err
		}
	}
	return m.Close()
}

func copyBlob(w io.Writer, b mapi.Blob) error {
	r, err := b.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// file is a part in base64.
func file(typ string, data mapi.Blob) *node {
	return &node{typ: typ, encoding: "base64", content: func(w io.Writer) error {
		lines := &lineBreaker{w: w}
		enc := base64.NewEncoder(base64.StdEncoding, lines)
		if err := copyBlob(enc, data); err != nil {
			return err
		}
		return enc.Close()
	}}
}

var lineEnd = []byte("\r\n")

// lineBreaker breaks base64 into lines ([RFC2045] 6.8: 76 characters).
type lineBreaker struct {
	w      io.Writer
	column int
}

// Write implements io.Writer.
func (l *lineBreaker) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		if l.column == lineLength {
			if _, err := l.w.Write(lineEnd); err != nil {
				return done, err
			}
			l.column = 0
		}
		n, err := l.w.Write(p[done:min(len(p), done+lineLength-l.column)])
		done += n
		l.column += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// textPart is a text with lines that end in CR LF: as it is if it is plain, else in the shorter encoding.
func textPart(typ, charset string, text []byte) *node {
	typ += "; charset=" + charset
	encoding := textEncoding(text)
	if encoding == "base64" {
		return file(typ, mapi.MemBlob(text))
	}
	return &node{typ: typ, encoding: encoding, content: func(w io.Writer) error {
		if encoding == "7bit" {
			_, err := w.Write(text)
			return err
		}
		q := quotedprintable.NewWriter(w)
		if _, err := q.Write(text); err != nil {
			return err
		}
		if err := q.Close(); err != nil {
			return err
		}
		if !bytes.HasSuffix(text, []byte("\r\n")) { // a soft line break: the text ends in the line
			_, err := io.WriteString(w, "=\r\n")
			return err
		}
		return nil
	}}
}

// textEncoding chooses how a text is written. Where lines end in something else than CR LF it is kept as bytes.
func textEncoding(text []byte) string {
	strange, longest, line, bare := 0, 0, 0, false
	for i, c := range text {
		switch {
		case c == '\n':
			bare = bare || i == 0 || text[i-1] != '\r'
			line = 0
		case c == '\r':
			bare = bare || i+1 == len(text) || text[i+1] != '\n'
		case c < ' ' && c != '\t' || c >= 0x7F:
			strange++
			line++
		default:
			line++
		}
		longest = max(longest, line)
	}
	switch {
	case bare || strange > len(text)/4:
		return "base64"
	case strange > 0 || longest > maxLine || len(text) > 0 && line > 0 || bytes.Contains(text, []byte(" \r\n")) || bytes.Contains(text, []byte("\nFrom ")):
		return "quoted-printable"
	}
	return "7bit"
}

// maxLine is how long a line of text is that needs no encoding ([RFC5322] 2.1.1).
const maxLine = 78
