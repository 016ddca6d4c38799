package mime

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
)

// decoder undoes a transfer encoding. Only errors of reading the file end it; what is wrong with the text it can tell at the
// end.
type decoder interface {
	io.Reader
	// damage says how the text was broken off in the middle of a byte; "" if it wasn't.
	damage() string
	// doubt says what was left out because it made no sense; "" if there was nothing.
	doubt() string
}

func (t *part) decoder() decoder {
	switch t.encoding() {
	case "base64":
		return &base64Reader{r: t.body.open(), last: t.last}
	case "quoted-printable":
		return &quotedReader{r: t.body.buffered()}
	case "x-uuencode":
		return &uuReader{r: t.body.buffered(), plain: t.body.open()}
	}
	return identity{t.body.open()}
}

// identity is 7bit, 8bit and binary. What has an encoding that isn't known stays encoded too ([RFC2045] 6.4).
type identity struct{ io.Reader }

func (identity) damage() string { return "" }
func (identity) doubt() string  { return "" }

// content is what a leaf holds, decoded. It is a mapi.Blob.
type content struct {
	t    *part
	size int64
}

// Size implements mapi.Blob.
func (c *content) Size() int64 { return c.size }

// Open implements mapi.Blob.
func (c *content) Open() (io.ReadCloser, error) { return io.NopCloser(c.t.decoder()), nil }

// measure decodes the content once to know its size and state.
func (t *part) measure() (c *content, d decoder, err error) {
	d = t.decoder()
	if r, ok := d.(identity); ok {
		return &content{t, r.Reader.(*io.SectionReader).Size()}, d, nil
	}
	n, err := io.Copy(io.Discard, d)
	return &content{t, n}, d, err
}

var base64Alphabet = func() (a [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		a[c] = true
	}
	return a
}()

// base64Reader is base64 as it is found: line ends and anything else that isn't of the alphabet is skipped, padding ends it
// or is missing.
type base64Reader struct {
	r       io.Reader
	last    bool // the file ends here: missing padding may be missing content
	raw     [4096]byte
	clean   []byte // of the alphabet, not decoded yet
	out     []byte // decoded, not read yet
	buf     [3200]byte
	pads    int
	ended   bool // by padding
	trailer bool // there is more after the padding
	strange int  // bytes that have no place there
	rest    int  // of an unfinished group
	err     error
}

func (d *base64Reader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		n, err := d.r.Read(d.raw[:])
		d.take(d.raw[:n])
		whole := len(d.clean) / 4 * 4
		if err != nil {
			d.err = err
			if whole = len(d.clean); err == io.EOF {
				d.rest = whole % 4
			}
			if whole%4 == 1 {
				whole--
			}
		}
		m, _ := base64.RawStdEncoding.Decode(d.buf[:], d.clean[:whole])
		d.out = d.buf[:m]
		d.clean = append(d.clean[:0], d.clean[whole:]...)
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// take sorts out the bytes of the alphabet.
func (d *base64Reader) take(b []byte) {
	for _, c := range b {
		switch {
		case base64Alphabet[c]:
			if d.ended {
				d.trailer = true
				continue
			}
			d.pads = 0
			d.clean = append(d.clean, c)
		case c == '=':
			d.pads++
			if k := len(d.clean) % 4; k >= 2 && k+d.pads >= 4 {
				d.ended = true
			}
		case c != '\r' && c != '\n' && c != ' ' && c != '\t':
			d.strange++
		}
	}
}

func (d *base64Reader) damage() string {
	switch {
	case d.rest == 1:
		return "base64 ends in the middle of a byte"
	case d.rest > 1 && !d.ended && d.last:
		return "base64 ends without padding at the end of the file"
	}
	return ""
}

func (d *base64Reader) doubt() string {
	switch {
	case d.strange > 0:
		return fmt.Sprintf("%d bytes that are no base64 were skipped", d.strange)
	case d.trailer:
		return "what comes after the end of base64 was skipped"
	}
	return ""
}

// quotedReader is quoted-printable ([RFC2045] 6.7) as it is found: an equals sign that begins no code stands for itself.
type quotedReader struct {
	r     *bufio.Reader
	in    []byte // a line, or a piece of one that is longer than the buffer
	carry int    // bytes at the end of the piece before that belong to this one
	line  []byte // decoded, not read yet
	buf   []byte
	bad   int
}

func (d *quotedReader) Read(p []byte) (int, error) {
	for len(d.line) == 0 {
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, d.line)
	d.line = d.line[n:]
	return n, nil
}

// next decodes a line or a piece of one.
func (d *quotedReader) next() error {
	d.in = append(d.in[:0], d.in[len(d.in)-d.carry:]...)
	d.carry = 0
	more, err := d.r.ReadSlice('\n')
	d.in = append(d.in, more...)
	whole := err != bufio.ErrBufferFull
	if whole && err != nil && (err != io.EOF || len(d.in) == 0) {
		return err
	}
	b := d.in
	d.buf = d.buf[:0]
	for i := 0; i < len(b); i++ {
		if b[i] != '=' {
			d.buf = append(d.buf, b[i])
			continue
		}
		if !whole && len(b)-i < 3 {
			d.carry = len(b) - i
			break
		}
		if after := bytes.TrimLeft(b[i+1:], " \t\r"); len(after) == 0 || after[0] == '\n' {
			break // a soft line break; so is the end of the file
		}
		if i+2 < len(b) {
			if c, ok := hexByte(b[i+1], b[i+2]); ok {
				d.buf = append(d.buf, c)
				i += 2
				continue
			}
		}
		d.bad++
		d.buf = append(d.buf, '=')
	}
	d.line = d.buf
	return nil
}

func (d *quotedReader) damage() string { return "" }

func (d *quotedReader) doubt() string {
	if d.bad == 0 {
		return ""
	}
	return fmt.Sprintf("%d equals signs in quoted-printable that begin no code were kept", d.bad)
}

// uuReader is what comes between the lines "begin" and "end" of uuencode. Without the first of them, the text stays as it is.
type uuReader struct {
	r          *bufio.Reader
	plain      io.Reader
	line       []byte
	begun, end bool
	none       bool
	bad        int
}

func (d *uuReader) Read(p []byte) (int, error) {
	for len(d.line) == 0 {
		if d.none {
			return d.plain.Read(p)
		}
		if d.end {
			return 0, io.EOF
		}
		b, err := d.r.ReadSlice('\n')
		if err == io.EOF && len(b) == 0 && !d.begun {
			d.none = true
			continue
		}
		if err != nil && err != bufio.ErrBufferFull && (err != io.EOF || len(b) == 0) {
			return 0, err
		}
		b = bytes.TrimRight(b, "\r\n")
		switch {
		case !d.begun:
			d.begun = bytes.HasPrefix(b, []byte("begin "))
		case string(b) == "end":
			d.end = true
		case len(b) > 0:
			d.line = d.decode(b)
		}
	}
	n := copy(p, d.line)
	d.line = d.line[n:]
	return n, nil
}

// decode decodes a line: its length, then groups of four characters for three bytes. Blanks at the end may have been lost.
func (d *uuReader) decode(b []byte) []byte {
	n := int(b[0]-' ') & 0x3F
	var out []byte
	for i := 1; len(out) < n; i += 4 {
		if i >= len(b) {
			d.bad++
			return out
		}
		var v [4]byte
		for j := range v {
			if i+j < len(b) {
				v[j] = (b[i+j] - ' ') & 0x3F
			}
		}
		out = append(out, v[0]<<2|v[1]>>4, v[1]<<4|v[2]>>2, v[2]<<6|v[3])
	}
	return out[:n]
}

func (d *uuReader) damage() string {
	if d.begun && !d.end {
		return "uuencode ends without its last line"
	}
	return ""
}

func (d *uuReader) doubt() string {
	switch {
	case d.none:
		return "uuencode without its first line was left as it is"
	case d.bad > 0:
		return fmt.Sprintf("%d lines of uuencode are too short", d.bad)
	}
	return ""
}
