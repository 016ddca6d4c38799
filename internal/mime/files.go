package mime

import (
	"bytes"
	"fmt"
	"io"
	stdmime "mime"
	"path"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// attachOLE and the methods of links are values of PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9).
const (
	attachLink     int32 = 2
	attachLinkOnly int32 = 4
	attachOLE      int32 = 6
	attachWebLink  int32 = 7
)

// attachment makes a part of an attachment; nil is one that holds nothing. shown: it belongs to the HTML ([MS-OXCMAIL] 2.1.3.4.1.2).
func (c *composer) attachment(a *mapi.Attachment, html string, depth int) (n *node, shown bool, err error) {
	p := &a.Props
	name := attachmentName(p)
	if a.Embedded != nil {
		if exception(p) {
			return nil, false, nil // of a series, which says it itself
		}
		n = c.embedded(a.Embedded, depth)
		n.disposition("attachment", propText(p, pid.TagAttachLongFilename), p)
		if s := propText(p, pid.TagDisplayName); s != "" {
			n.fields = append(n.fields, outField{"Content-Description", encodeText(s)})
		}
		if id := propText(p, pid.TagAttachContentId); id != "" {
			n.fields = append(n.fields, outField{"Content-Id", contentID("Content-Id", id)})
		}
		return n, false, nil
	}
	data, err := attachmentData(p)
	if err != nil || data == nil {
		return nil, false, err
	}
	typ := mediaType(propText(p, pid.TagAttachMimeTag))
	if charset := propText(p, pid.TagTextAttachmentCharset); charset != "" && strings.HasPrefix(typ, "text/") {
		typ += formatParam("charset", charset)
	}
	if name != "" {
		typ += formatParam("name", name)
	}
	n = file(typ, data)
	id, location := propText(p, pid.TagAttachContentId), propText(p, pid.TagAttachContentLocation)
	flags, _ := p.Tag(pid.TagAttachFlags).(int32)
	hidden, _ := p.Tag(pid.TagAttachmentHidden).(bool)
	shown = (flags&renderedInBody != 0 || hidden) && (id != "" || location != "") && refers(html, id, location)
	disposition := "attachment"
	if shown {
		disposition = "inline"
	}
	n.disposition(disposition, name, p)
	if id != "" {
		n.fields = append(n.fields, outField{"Content-Id", contentID("Content-Id", id)})
	}
	if location != "" {
		n.fields = append(n.fields, outField{"Content-Location", oneLine(location)})
	}
	if base := propText(p, pid.TagAttachContentBase); base != "" {
		n.fields = append(n.fields, outField{"Content-Base", oneLine(base)})
	}
	return n, shown, nil
}

// exception tells whether an embedded item is an exception to a series of appointments ([MS-OXOCAL] 2.2.10.1).
func exception(p *mapi.Props) bool {
	const isException = 2
	flags, _ := p.Tag(pid.TagAttachmentFlags).(int32)
	return flags&isException != 0
}

// refers tells whether HTML shows a part.
func refers(html, id, location string) bool {
	t := &part{header: header{{"Content-Id", []byte("<" + id + ">")}, {"Content-Location", []byte(location)}}}
	return references(html, []*part{t})[t]
}

// disposition says how a part is to be shown, under which name, and of when it is ([RFC2183] 2).
func (n *node) disposition(kind, name string, p *mapi.Props) {
	if name != "" {
		kind += formatParam("filename", name)
	}
	for _, d := range []struct {
		param string
		tag   mapi.Tag
	}{{"creation-date", pid.TagCreationTime}, {"modification-date", pid.TagLastModificationTime}} {
		if t, ok := p.Tag(d.tag).(mapi.FileTime); ok && plausible(t) {
			kind += formatParam(d.param, statusDate(t))
		}
	}
	n.fields = append(n.fields, outField{"Content-Disposition", kind})
}

// attachmentName is the name of a file, best form first.
func attachmentName(p *mapi.Props) string {
	for _, t := range []mapi.Tag{pid.TagAttachLongFilename, pid.TagAttachFilename, pid.TagDisplayName} {
		if s := propText(p, t); s != "" {
			return path.Base(strings.ReplaceAll(s, `\`, "/"))
		}
	}
	return ""
}

// mediaType is a type that a part with a file can have: others have a structure of their own.
func mediaType(s string) string {
	typ, _, err := stdmime.ParseMediaType(s)
	major, minor, ok := strings.Cut(typ, "/")
	if err != nil || !ok || minor == "" || major == "multipart" || major == "message" {
		return "application/octet-stream"
	}
	return typ
}

// attachmentData is what a file holds: the file, the storage of an object, or of a link where it leads.
func attachmentData(p *mapi.Props) (mapi.Blob, error) {
	method, _ := p.Tag(pid.TagAttachMethod).(int32)
	switch {
	case method == attachWebLink, method >= attachLink && method <= attachLinkOnly:
		if s := propText(p, pid.TagAttachLongPathname); s != "" && p.Tag(pid.TagAttachDataBinary) == nil {
			return mapi.MemBlob("[InternetShortcut]\r\nURL=" + oneLine(s) + "\r\n"), nil
		}
	}
	for _, t := range []mapi.Tag{pid.TagAttachDataBinary, pid.TagAttachDataObject} {
		switch v := p.Tag(t).(type) {
		case mapi.Blob:
			return v, nil
		case []byte:
			return mapi.MemBlob(v), nil
		case mapi.Object:
			return mapi.MemBlob(v), nil
		}
	}
	if method == attachOLE {
		return nil, nil
	}
	return mapi.MemBlob(nil), nil
}

// embedded is a message in a message.
func (c *composer) embedded(it *mapi.Item, depth int) *node {
	return &node{typ: "message/rfc822", content: func(w io.Writer) error {
		inner := composer{o: WriteOptions{Sending: false, Domain: c.o.Domain}}
		return inner.message(w, it, depth+1)
	}}
}

// clearSigned is the signed message that is the only attachment ([MS-OXOSMIME] 2.1.1), byte for byte. It is nil when there is
// something else.
func clearSigned(it *mapi.Item) (*node, error) {
	if len(it.Attachments) != 1 || it.Attachments[0].Embedded != nil {
		return nil, nil
	}
	data, err := attachmentData(&it.Attachments[0].Props)
	if err != nil || data == nil {
		return nil, err
	}
	head, err := start(data, maxSignedHeader)
	if err != nil {
		return nil, err
	}
	end := bytes.Index(head, []byte("\n\r\n"))
	if lf := bytes.Index(head, []byte("\n\n")); end < 0 || lf >= 0 && lf < end {
		end = lf
	}
	if end < 0 {
		return nil, nil
	}
	t := &part{header: parseHeader(head[:end+1])}
	if t.contentType() != "multipart/signed" {
		return nil, nil
	}
	for _, f := range t.header { // nothing but what describes the content: the envelope is ours
		if !strings.HasPrefix(strings.ToLower(f.name), "content-") {
			return nil, nil
		}
	}
	return &node{raw: data}, nil
}

// maxSignedHeader is how long the header of a signed message may be.
const maxSignedHeader = 64 << 10

// start is the begin of a value.
func start(b mapi.Blob, n int64) ([]byte, error) {
	r, err := b.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, n))
}

// opaque is an S/MIME message whose only attachment is what is encrypted or signed ([MS-OXOSMIME] 2.1.2).
func opaque(it *mapi.Item) (*node, error) {
	if len(it.Attachments) != 1 || it.Attachments[0].Embedded != nil {
		return nil, nil
	}
	data, err := attachmentData(&it.Attachments[0].Props)
	if err != nil || data == nil {
		return nil, err
	}
	head, err := start(data, 64)
	if err != nil {
		return nil, err
	}
	typ := "application/pkcs7-mime"
	for _, k := range smimeTypes {
		if bytes.Contains(head, []byte(k.oid)) {
			typ += fmt.Sprintf("; smime-type=%s", k.name)
		}
	}
	n := file(typ+formatParam("name", "smime.p7m"), data)
	n.disposition("attachment", "smime.p7m", &mapi.Props{})
	return n, nil
}

// smimeTypes are the object identifiers of the content of a PKCS #7 file in DER ([RFC8551] 3.2.2).
var smimeTypes = []struct{ oid, name string }{
	{"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02", "signed-data"}, {"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03", "enveloped-data"},
	{"\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x09", "compressed-data"},
}
