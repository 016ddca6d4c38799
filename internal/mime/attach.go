package mime

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"path"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Values of PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9) and PidTagAttachFlags (2.2.2.18).
const (
	attachByValue  int32 = 1
	attachEmbedded int32 = 5
	renderedInBody int32 = 4
	notInText      int32 = -1 // PidTagRenderingPosition
)

// maxFileName is how long a file name may be in bytes: file systems allow 255.
const maxFileName = 255

// attachments makes the attachments of a message ([MS-OXCMAIL] 2.2.3.4).
func (b *builder) attachments(it *mapi.Item, files []*part, text string, page int) error {
	shown := references(text, files)
	for i, t := range files {
		b.where = append(b.where, i+1)
		a, err := b.attachment(t, i, shown[t], page)
		if err != nil {
			return err
		}
		b.where = b.where[:len(b.where)-1]
		it.Attachments = append(it.Attachments, a)
	}
	return nil
}

func (b *builder) attachment(t *part, i int, shown bool, page int) (*mapi.Attachment, error) {
	a := &mapi.Attachment{}
	p := &a.Props
	set(p, pid.TagAttachNumber, int32(i))
	set(p, pid.TagRenderingPosition, notInText)
	name := t.fileName(page)
	typ := t.contentType()
	if t.message != nil {
		it, err := b.item(t.message)
		if err != nil {
			return nil, err
		}
		a.Embedded = it
		set(p, pid.TagAttachMethod, attachEmbedded)
		display := name
		if display == "" {
			display = decodeWords(t.header.get("Content-Description"), page)
		}
		if display == "" {
			display = it.Props.Text(pid.TagSubject)
		}
		setText(p, pid.TagDisplayName, display)
		if name == "" && display != "" {
			name = display + ".eml"
		}
	} else {
		c, err := b.content(t)
		if err != nil {
			return nil, err
		}
		set(p, pid.TagAttachMethod, attachByValue)
		set(p, pid.TagAttachSize, int32(min(c.Size(), 1<<31-1)))
		if err := setContent(p, c); err != nil {
			return nil, err
		}
		if charset := t.param("charset"); charset != "" && strings.HasPrefix(typ, "text/") {
			set(p, pid.TagTextAttachmentCharset, charset)
		}
	}
	if name == "" {
		name = fmt.Sprintf("ATT%05d%s", i+1, extension(typ))
	}
	setFileName(p, name)
	if a.Embedded == nil {
		set(p, pid.TagDisplayName, name)
	}
	set(p, pid.TagAttachMimeTag, typ)
	place(p, t, shown)
	for param, tag := range map[string]mapi.Tag{"creation-date": pid.TagCreationTime, "modification-date": pid.TagLastModificationTime} {
		_, ps := parseValue(t.header.get("Content-Disposition"))
		if d, ok := parseDate(ps.get(param)); ok {
			set(p, tag, d)
		}
	}
	return a, nil
}

// content measures what is attached and reports what is wrong with it.
func (b *builder) content(t *part) (*content, error) {
	c, d, err := t.measure()
	if err != nil {
		return nil, err
	}
	switch {
	case t.cut && t.binary():
		err = b.report(mapi.ErrCorruptData, "the file ends in the attachment: the rest is missing")
	case d.damage() != "":
		err = b.report(mapi.ErrCorruptData, "%s", d.damage())
	case d.doubt() != "":
		err = b.report(mapi.WarnPartial, "%s", d.doubt())
	}
	return c, err
}

// binary tells whether an attachment that is cut off is of no use. What isn't binary is text without a name or encoding, as
// bodies are, after which some mailers forget the closing delimiter. A header that is cut off may have been of anything.
func (t *part) binary() bool {
	e := t.encoding()
	return t.openHead || e == "base64" || e == "x-uuencode" || t.named() || !strings.HasPrefix(t.contentType(), "text/")
}

// setContent sets the data: small ones in memory.
func setContent(p *mapi.Props, c mapi.Blob) error {
	if c.Size() >= mapi.LargeValue {
		set(p, pid.TagAttachDataBinary, c)
		return nil
	}
	r, err := c.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := readAll(r, c.Size())
	set(p, pid.TagAttachDataBinary, data)
	return err
}

// readAll reads what is about size bytes without keeping more.
func readAll(r io.Reader, size int64) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// place sets how the HTML refers to an attachment: a picture that it shows is not shown as an attachment too ([MS-OXCMAIL]
// 2.2.3.4.1.4).
func place(p *mapi.Props, t *part, shown bool) {
	setText(p, pid.TagAttachContentId, trimID(t.header.get("Content-Id")))
	setText(p, pid.TagAttachContentLocation, t.header.get("Content-Location"))
	setText(p, pid.TagAttachContentBase, t.header.get("Content-Base"))
	if shown && strings.HasPrefix(t.contentType(), "image/") {
		set(p, pid.TagAttachFlags, renderedInBody)
		set(p, pid.TagAttachmentHidden, true)
	}
}

// references finds the files that HTML refers to by their Content-ID or Content-Location, in one pass: both may be long.
func references(text string, files []*part) map[*part]bool {
	wanted := map[string]*part{}
	for _, t := range files {
		if id := trimID(t.header.get("Content-Id")); id != "" {
			wanted["cid:"+strings.ToLower(id)] = t
		}
		if l := t.header.get("Content-Location"); l != "" {
			wanted[strings.ToLower(l)] = t
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	shown := map[*part]bool{}
	for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune("\"'()<> \t\r\n", r) }) {
		w = strings.ToLower(html.UnescapeString(w))
		for _, form := range []string{w, strings.TrimPrefix(w, "src="), percent(w)} {
			if t := wanted[form]; t != nil {
				shown[t] = true
			}
		}
	}
	return shown
}

func trimID(s string) string { return strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">") }

// fileName is the name that a part has, in the forms of [RFC2183], [RFC2231] and older mailers.
func (t *part) fileName(page int) string {
	for _, f := range []struct{ field, param string }{{"Content-Disposition", "filename"}, {"Content-Type", "name"}} {
		_, ps := parseValue(t.header.get(f.field))
		if s := strings.TrimSpace(ps.text(f.param, page)); s != "" {
			return s
		}
	}
	return ""
}

// setFileName sets the name that a file was sent under in its three forms. Characters that no file name can have become
// underscores: a name must not lead out of the folder in which it is saved.
func setFileName(p *mapi.Props, name string) {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, name)
	ext := path.Ext(name)
	if len(name) > maxFileName {
		name = shorten(strings.TrimSuffix(name, ext), maxFileName-len(ext)) + ext
	}
	set(p, pid.TagAttachLongFilename, name)
	set(p, pid.TagAttachFilename, shortName(name))
	setText(p, pid.TagAttachExtension, ext)
}

// shorten cuts a text to n bytes at most, between characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = strings.ToValidUTF8(s[:max(n, 0)], "")
	return strings.TrimSpace(s)
}

// shortName makes an 8.3 name, as Windows does: characters that it cannot have are left out, and one that is too long ends
// in ~1.
func shortName(name string) string {
	keep := func(s string) string {
		return strings.Map(func(r rune) rune {
			switch {
			case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', strings.ContainsRune("_-!#$%&'()@^`{}~", r):
				return r
			case r >= 'a' && r <= 'z':
				return r - 'a' + 'A'
			case r == '+', r == ',', r == ';', r == '=', r == '[', r == ']':
				return '_'
			}
			return -1
		}, s)
	}
	dot := strings.LastIndexByte(name, '.')
	rawBase, rawExt := name, ""
	if dot > 0 {
		rawBase, rawExt = name[:dot], name[dot+1:]
	}
	base, ext := keep(rawBase), keep(rawExt)
	if !strings.EqualFold(base, rawBase) || len(base) > 8 || len(ext) > 3 || base == "" {
		base = base[:min(len(base), 6)] + "~1"
	}
	if ext = ext[:min(len(ext), 3)]; ext != "" {
		ext = "." + ext
	}
	return base + ext
}

// extensions are those of types that come without a name. The system has a table too, but another one on each machine.
var extensions = map[string]string{"text/plain": ".txt", "text/html": ".htm", "text/calendar": ".ics", "text/rfc822-headers": ".txt",
	"message/delivery-status": ".txt", "message/disposition-notification": ".txt", "message/rfc822": ".eml", "message/partial": ".eml",
	"image/jpeg": ".jpg", "image/jpg": ".jpg", "image/pjpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "application/pdf": ".pdf", "application/zip": ".zip",
	"application/pgp-signature": ".asc", "application/pkcs7-signature": ".p7s", "application/ms-tnef": ".dat",
	"text/enriched": ".txt", "text/richtext": ".txt", "text/vcard": ".vcf", "text/csv": ".csv"}

// extension is that of a generated name.
func extension(typ string) string {
	if e, ok := extensions[typ]; ok {
		return e
	}
	return ".dat"
}
