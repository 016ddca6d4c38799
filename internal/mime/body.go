package mime

import (
	"strings"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// maxBody is how large a text may be to be a body, which is held in memory while it is converted. A larger one becomes an
// attachment.
const maxBody = 32 << 20

// Values of PidTagNativeBody ([MS-OXCMSG] 2.2.1.58.2).
const (
	nativePlain int32 = 1
	nativeHTML  int32 = 3
)

// layout tells the parts of a message apart.
type layout struct {
	plain, html *part
	files       []*part // the others that hold something, in order
}

// layOut chooses the body: the first part that qualifies ([MS-OXCMAIL] 2.2.3.3.2). All other leaves and messages are files.
func layOut(root *part) *layout {
	l := &layout{}
	if t := root.contentType(); root.leaf() && (strings.HasPrefix(t, "text/") && t != "text/calendar" || root.multipart()) {
		// The text of a message that has no parts, or a multipart in which none were found.
		if root.disposition() != "attachment" && root.body.size() <= maxBody {
			if t == "text/html" {
				l.html = root
			} else {
				l.plain = root
			}
			return l
		}
	}
	l.find(root)
	l.collect(root)
	return l
}

func (t *part) leaf() bool { return t.children == nil && t.message == nil }

func (t *part) multipart() bool { return strings.HasPrefix(t.contentType(), "multipart/") }

// find looks for the body in a part and reports whether it is there.
func (l *layout) find(t *part) bool {
	if t.disposition() == "attachment" {
		return false
	}
	switch typ := t.contentType(); {
	case typ == "multipart/alternative" && t.children != nil:
		for _, c := range t.children { // the last is the best
			var sub layout
			sub.find(c)
			if sub.html != nil {
				l.html = sub.html
			}
			if sub.plain != nil && l.plain == nil {
				l.plain = sub.plain
			}
		}
	case typ == "multipart/related" && t.children != nil:
		return l.find(t.start())
	case t.children != nil:
		for _, c := range t.children {
			if l.find(c) {
				return true
			}
		}
	case t.message != nil || t.named() || t.body.size() > maxBody:
	case typ == "text/plain":
		l.plain = t
	case typ == "text/html":
		l.html = t
	}
	return l.plain != nil || l.html != nil
}

// start is the part of a multipart/related that the others belong to ([RFC2387] 3.2).
func (t *part) start() *part {
	if id := t.param("start"); id != "" {
		for _, c := range t.children {
			if c.header.get("Content-Id") == id {
				return c
			}
		}
	}
	return t.children[0]
}

// named tells whether a part has a file name: texts that have one are files.
func (t *part) named() bool { return t.fileName(0) != "" }

// collect lists the files.
func (l *layout) collect(t *part) {
	switch {
	case t == l.plain || t == l.html:
	case t.children != nil:
		for _, c := range t.children {
			l.collect(c)
		}
	case t.message == nil && t.body.size() == 0 && t.header == nil: // nothing between two delimiters, or after the last
	case t.multipart() && t.message == nil && t.blank():
	default:
		l.files = append(l.files, t)
	}
}

// blank tells whether there is nothing to be seen in a multipart in which no parts were found.
func (t *part) blank() bool {
	if t.body.size() > 1<<10 {
		return false
	}
	b, err := t.body.bytes()
	return err == nil && strings.TrimSpace(string(b)) == ""
}

// page is the code page of headers that don't say theirs: that of the body.
func (l *layout) page() int {
	for _, t := range []*part{l.html, l.plain} {
		if t != nil {
			if cp := pageOf(t.param("charset")); cp != 0 {
				return cp
			}
		}
	}
	return codepage.Windows1252
}

// body sets the properties of the body ([MS-OXCMAIL] 2.2.3.3) and gives the HTML.
func (b *builder) body(p *mapi.Props, l *layout) (html string, err error) {
	cp := 0
	if l.plain != nil {
		text, err := b.text(l.plain)
		if err != nil {
			return "", err
		}
		var s string
		s, cp = decodeText(l.plain.param("charset"), text)
		if flowed, delSp := l.plain.flowed(); flowed {
			s = unflow(s, delSp)
		}
		set(p, pid.TagBody, lineBreaks(s))
		set(p, pid.TagNativeBody, nativePlain)
	}
	if l.html != nil {
		text, err := b.text(l.html)
		if err != nil {
			return "", err
		}
		charset := l.html.param("charset")
		if charset == "" {
			charset = metaCharset(text)
		}
		html, cp = decodeText(charset, text)
		switch cp {
		case codepage.UTF16, 1201, 12000, 12001, codepage.UTF7: // which readers of PidTagHtml don't expect
			cp, text = codepage.UTF8, []byte(html)
		}
		set(p, pid.TagHtml, text)
		set(p, pid.TagNativeBody, nativeHTML)
		setText(p, pid.TagBodyContentId, trimID(l.html.header.get("Content-Id")))
		setText(p, pid.TagBodyContentLocation, l.html.header.get("Content-Location"))
	}
	if cp != 0 {
		set(p, pid.TagInternetCodepage, int32(cp))
	}
	return html, nil
}

// text decodes the transfer encoding of a body.
func (b *builder) text(t *part) ([]byte, error) {
	d := t.decoder()
	text, err := readAll(d, t.body.size())
	if err != nil {
		return nil, err
	}
	switch {
	case d.damage() != "":
		err = b.report(mapi.WarnPartial, "body: %s", d.damage())
	case d.doubt() != "":
		err = b.report(mapi.WarnPartial, "body: %s", d.doubt())
	}
	return text, err
}

// lineBreaks ends lines with CR LF, whatever the file has.
func lineBreaks(s string) string {
	if !strings.Contains(s, "\n") {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.ReplaceAll(s, "\n", "\r\n")
}

// metaCharset is the charset that HTML itself names: <meta charset=x>, <meta ... content="text/html; charset=x">.
func metaCharset(html []byte) string {
	head := strings.ToLower(string(html[:min(len(html), 4096)]))
	for {
		_, after, ok := strings.Cut(head, "<meta")
		if !ok {
			return ""
		}
		tag, rest, _ := strings.Cut(after, ">")
		if _, v, ok := strings.Cut(tag, "charset"); ok {
			v = strings.TrimLeft(v, " \t\r\n")
			if v, ok = strings.CutPrefix(v, "="); ok {
				v = strings.TrimLeft(v, " \t\r\n\"'")
				if end := strings.IndexAny(v, " \t\r\n\"';/>"); end >= 0 {
					v = v[:end]
				}
				if pageOf(v) != 0 {
					return v
				}
			}
		}
		head = rest
	}
}
