package mime

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxrtfcp"
	"github.com/opencdo/opencdo/internal/oxrtfex"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// composer makes parts of items.
type composer struct{ o WriteOptions }

// message writes an item as a message: the envelope, then the header and content of the root part.
func (c *composer) message(w io.Writer, it *mapi.Item, depth int) error {
	if depth > mapi.MaxDepth {
		return &mapi.Error{Op: "write message", Code: mapi.ErrTooComplex, Err: fmt.Errorf("messages in messages, more than %d deep", mapi.MaxDepth)}
	}
	root, err := c.root(it, depth)
	if err != nil {
		return err
	}
	fields, err := c.envelope(it)
	if err != nil {
		return err
	}
	if err := writeFields(w, fields); err != nil {
		return err
	}
	return root.writeRoot(w)
}

// root is the part that all others are in ([MS-OXCMAIL] 2.1.3.3, 2.1.3.4).
func (c *composer) root(it *mapi.Item, depth int) (*node, error) {
	class := strings.ToUpper(it.Props.Text(pid.TagMessageClass))
	switch {
	case strings.HasPrefix(class, strings.ToUpper(classClearSigned)):
		if n, err := clearSigned(it); n != nil || err != nil {
			return n, err
		}
	case strings.HasPrefix(class, strings.ToUpper(classOpaque)):
		if n, err := opaque(it); n != nil || err != nil {
			return n, err
		}
	case strings.HasPrefix(class, "REPORT."):
		return c.report(it, class, depth)
	}
	b, err := c.bodies(it)
	if err != nil {
		return nil, err
	}
	if err := c.calendar(b, it); err != nil {
		return nil, err
	}
	var inline, files []*node
	for _, a := range it.Attachments {
		n, shown, err := c.attachment(a, b.html, depth)
		switch {
		case err != nil:
			return nil, err
		case n == nil:
		case shown:
			inline = append(inline, n)
		default:
			files = append(files, n)
		}
	}
	if n := vcard(it); n != nil {
		files = append(files, n)
	}
	body := b.node()
	if len(inline) > 0 {
		start, _, _ := strings.Cut(body.typ, ";")
		body = multipartOf("related", append([]*node{body}, inline...)...)
		body.typ += "; type=" + quote(start)
	}
	if len(files) > 0 {
		body = multipartOf("mixed", append([]*node{body}, files...)...)
	}
	return body, nil
}

// bodies are the forms of a body.
type bodies struct {
	parts []*node // from the plainest to the richest
	html  string  // to look for references in
}

func (b *bodies) node() *node {
	switch len(b.parts) {
	case 0:
		return textPart("text/plain", "us-ascii", nil)
	case 1:
		return b.parts[0]
	}
	return multipartOf("alternative", b.parts...)
}

// nativeRTF is the third value of PidTagNativeBody.
const nativeRTF int32 = 2

// bodies chooses what is written of the body: plain text where it is there, and HTML, which may have to be taken out of RTF
// ([MS-OXCMAIL] 2.1.3.3, [MS-OXBBODY]).
func (c *composer) bodies(it *mapi.Item) (*bodies, error) {
	p := &it.Props
	page, _ := p.Tag(pid.TagInternetCodepage).(int32)
	native, _ := p.Tag(pid.TagNativeBody).(int32)
	b := &bodies{}
	plain, err := bodyText(p)
	if err != nil {
		return nil, err
	}
	html, htmlPage, err := bodyHTML(p)
	if err != nil {
		return nil, err
	}
	if (html == nil || native == nativeRTF) && native != nativePlain {
		doc, err := bodyRTF(p)
		if err != nil {
			return nil, err
		}
		switch {
		case doc == nil:
		case doc.Kind == oxrtfex.HTML:
			html, htmlPage = encodeHTML(doc.Text, int(page))
		default:
			if plain == nil {
				plain = &body{text: doc.Text}
			}
			if doc.Kind == oxrtfex.Plain && html == nil {
				html, htmlPage = []byte(doc.HTML), codepage.UTF8
			}
		}
	}
	if native == nativePlain && plain != nil {
		html = nil
	}
	if plain != nil {
		b.parts = append(b.parts, plain.node(int(page)))
	}
	if html != nil {
		b.html = decodePage(htmlPage, html)
		if !narrow(htmlPage, html) {
			html, htmlPage = []byte(b.html), codepage.UTF8
		}
		n := textPart("text/html", codepage.Charset(htmlPage), html)
		for _, f := range []struct {
			name string
			tag  mapi.Tag
		}{{"Content-Id", pid.TagBodyContentId}, {"Content-Location", pid.TagBodyContentLocation}} {
			if s := p.Text(f.tag); s != "" {
				n.fields = append(n.fields, outField{f.name, contentID(f.name, s)})
			}
		}
		b.parts = append(b.parts, n)
	}
	return b, nil
}

// contentID puts what names a part in angle brackets, if it is an id.
func contentID(field, s string) string {
	s = oneLine(s)
	if field == "Content-Id" {
		return "<" + trimID(s) + ">"
	}
	return s
}

// body is a plain text: in memory, or, when it is very long, where it lies as UTF-16.
type body struct {
	text string
	blob mapi.Blob
}

// node makes a part in the code page of the item if that has all characters, else in UTF-8.
func (t *body) node(page int) *node {
	if t.blob != nil {
		return file("text/plain; charset=utf-8", utf8Blob{t.blob})
	}
	data := lineBreaks(t.text)
	if isASCII([]byte(data)) {
		return textPart("text/plain", "us-ascii", []byte(data))
	}
	if usable(page) {
		if b, err := codepage.Encode(page, data); err == nil {
			if s, ok := codepage.DecodeWhole(page, b); ok && s == data && narrow(page, b) {
				return textPart("text/plain", codepage.Charset(page), b)
			}
		}
	}
	return textPart("text/plain", "utf-8", []byte(data))
}

// usable tells whether text can be sent in a code page: one that leaves ASCII as it is and has a name.
func usable(page int) bool {
	switch page {
	case 0, codepage.UTF16, 1201, 12000, 12001, codepage.UTF7, codepage.ASCII:
		return false
	}
	b, err := codepage.Encode(page, "\r\n=-")
	return err == nil && string(b) == "\r\n=-" && codepage.Charset(page) != ""
}

// utf8Blob is text of UTF-16 in UTF-8.
type utf8Blob struct{ mapi.Blob }

// Open implements mapi.Blob.
func (b utf8Blob) Open() (io.ReadCloser, error) {
	r, err := b.Blob.Open()
	if err != nil {
		return nil, err
	}
	d := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()
	return struct {
		io.Reader
		io.Closer
	}{transform.NewReader(r, d), r}, nil
}

// bodyText is PidTagBody, nil when there is none.
func bodyText(p *mapi.Props) (*body, error) {
	v := p.Tag(pid.TagBody)
	if b, ok := v.(mapi.Blob); ok {
		if b.Size() > 2*maxBody {
			return &body{blob: b}, nil
		}
		data, err := blobBytes(b)
		if err != nil {
			return nil, err
		}
		return &body{text: mapi.DecodeUTF16(data)}, nil
	}
	if v == nil && p.Get(mapi.TagKey(string8(pid.TagBody))) == nil {
		return nil, nil
	}
	return &body{text: propText(p, pid.TagBody)}, nil
}

// bodyHTML is PidTagHtml with its code page, nil when there is none. Some stores have it as a string.
func bodyHTML(p *mapi.Props) (html []byte, page int, err error) {
	const asString = pid.TagHtml&0xFFFF0000 | mapi.Tag(mapi.TypeString)
	if s := propText(p, asString); s != "" {
		return []byte(s), codepage.UTF8, nil
	}
	switch v := p.Tag(pid.TagHtml).(type) {
	case []byte:
		html = v
	case mapi.Blob:
		if html, err = blobBytes(v); err != nil {
			return nil, 0, err
		}
	}
	if len(html) == 0 {
		return nil, 0, nil
	}
	cp, _ := p.Tag(pid.TagInternetCodepage).(int32)
	page = int(cp)
	if codepage.Charset(page) == "" || page == codepage.ASCII && !isASCII(html) {
		page = truePage(metaCharset(html), html)
	}
	return html, page, nil
}

// bodyRTF is the content of PidTagRtfCompressed, nil when there is none, or none that can be read.
func bodyRTF(p *mapi.Props) (*oxrtfex.Document, error) {
	var data []byte
	switch v := p.Tag(pid.TagRtfCompressed).(type) {
	case []byte:
		data = v
	case mapi.Blob:
		var err error
		if data, err = blobBytes(v); err != nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	rtf, _ := oxrtfcp.Decompress(data, maxRTF) // of damaged ones the beginning
	if len(rtf) == 0 {
		return nil, nil // then it is the text that is written
	}
	doc, err := oxrtfex.Decode(rtf)
	if err != nil {
		return nil, nil
	}
	return doc, nil
}

// maxRTF is how large RTF may be that is made HTML, which is done in memory. Pictures in it are text.
const maxRTF = 256 << 20

// encodeHTML puts HTML into the code page of the item, or that which the HTML itself names, if it has all characters, else into
// UTF-8. Readers take the charset of the header.
func encodeHTML(html string, page int) ([]byte, int) {
	for _, cp := range []int{pageOf(metaCharset([]byte(html))), page} {
		if usable(cp) {
			b, err := codepage.Encode(cp, html)
			if s, ok := codepage.DecodeWhole(cp, b); err == nil && ok && s == html && narrow(cp, b) {
				return b, cp
			}
		}
	}
	return []byte(html), codepage.UTF8
}

// blobBytes reads a value that is needed whole.
func blobBytes(b mapi.Blob) ([]byte, error) {
	if m, ok := b.(mapi.MemBlob); ok {
		return m, nil
	}
	r, err := b.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readAll(r, b.Size())
}

// string8 is the 8-bit form of a string property's tag.
func string8(t mapi.Tag) mapi.Tag { return t&0xFFFF0000 | mapi.Tag(mapi.TypeString8) }

// propText is a string property: also one in the code page of the item, or one that is long.
func propText(p *mapi.Props, t mapi.Tag) string {
	switch v := p.Tag(t).(type) {
	case string:
		return v
	case mapi.Blob:
		if b, err := blobBytes(v); err == nil {
			return mapi.DecodeUTF16(b)
		}
	}
	s, ok := p.Tag(string8(t)).(mapi.String8)
	if !ok {
		return ""
	}
	if cp, ok := p.Tag(pid.TagMessageCodepage).(int32); ok && codepage.Known(int(cp)) {
		return decodePage(int(cp), []byte(s))
	}
	if utf8.ValidString(string(s)) {
		return string(s)
	}
	return decodePage(codepage.Windows1252, bytes.TrimRight([]byte(s), "\x00"))
}
