package samplebox

import (
	"fmt"
	"html"
	"strings"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxrtfcp"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Kinds of bodies ([MS-OXBBODY] 2.1).
const (
	nativePlain int32 = 1
	nativeRTF   int32 = 2
	nativeHTML  int32 = 3
)

// text is the whole text of a mail: a list of paragraphs with what it answers below.
type text struct {
	message
	signature []string
	quoted    []message // newest first
}

func (m *maker) text(msg message) text {
	t := text{message: msg, signature: m.signature(msg.author)}
	for d := msg.depth - 1; d >= 0; d-- {
		t.quoted = append(t.quoted, m.message(msg.conversation, d))
	}
	return t
}

func (m *maker) signature(p person) []string {
	return []string{p.display, p.lang.job[len(p.address)%len(p.lang.job)], p.company, p.address}
}

func (t *text) plain() string {
	var b strings.Builder
	line := func(s string) { b.WriteString(s + "\r\n") }
	line(t.greeting)
	line("")
	for _, p := range t.paragraphs {
		line(p)
		line("")
	}
	line(t.closing)
	for _, s := range t.signature {
		line(s)
	}
	for _, q := range t.quoted {
		line("")
		line(t.lang.asked)
		for _, h := range q.heading() {
			line(h[0] + ": " + h[1])
		}
		line("")
		line(q.greeting)
		for _, p := range q.paragraphs {
			line("")
			line(p)
		}
		line("")
		line(q.closing)
		line(q.author.display)
	}
	return b.String()
}

func (msg *message) heading() [][2]string {
	l := msg.lang
	return [][2]string{
		{l.labels[0], msg.author.display + " <" + msg.author.address + ">"}, {l.labels[1], msg.at.Format(l.date + " 15:04")},
		{l.labels[2], msg.reader.display}, {l.labels[3], msg.topic},
	}
}

// html is the text in HTML. Pictures are shown by Content-ID.
func (t *text) html(charset string, pictures []string) string {
	var b strings.Builder
	dir := ""
	if t.lang.rtl {
		dir = ` dir="rtl"`
	}
	fmt.Fprintf(&b, "<html lang=\"%s\">\r\n<head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=%s\">\r\n<style>p { margin: 0 0 .8em; font-family: Calibri, sans-serif; font-size: 11pt } .sig { color: #567 }</style>\r\n</head>\r\n<body%s>\r\n",
		t.lang.code, charset, dir)
	para := func(class, s string) { fmt.Fprintf(&b, "<p%s>%s</p>\r\n", class, html.EscapeString(s)) }
	para("", t.greeting)
	for i, p := range t.paragraphs {
		if i == 1 && len(t.paragraphs) > 3 {
			fmt.Fprintf(&b, "<p><b>%s</b></p>\r\n", html.EscapeString(t.project))
		}
		para("", p)
		if i < len(pictures) {
			fmt.Fprintf(&b, "<p><img src=\"cid:%s\" width=\"320\" alt=\"\"></p>\r\n", pictures[i])
		}
	}
	para("", t.closing)
	fmt.Fprintf(&b, "<p class=\"sig\">%s</p>\r\n", strings.Join(escaped(t.signature), "<br>\r\n"))
	for _, q := range t.quoted {
		b.WriteString("<hr>\r\n<div style=\"border-left: 2px solid #89a; padding-left: 6px\">\r\n<p>")
		for _, h := range q.heading() {
			fmt.Fprintf(&b, "<b>%s:</b> %s<br>\r\n", html.EscapeString(h[0]), html.EscapeString(h[1]))
		}
		b.WriteString("</p>\r\n")
		para("", q.greeting)
		for _, p := range q.paragraphs {
			para("", p)
		}
		para("", q.closing)
		para("", q.author.display)
		b.WriteString("</div>\r\n")
	}
	b.WriteString("</body>\r\n</html>\r\n")
	return b.String()
}

func escaped(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = html.EscapeString(s)
	}
	return out
}

// rtf is the text in RTF, as Outlook writes it.
func (t *text) rtf() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{\rtf1\ansi\ansicpg1252\deff0\deflang%d{\fonttbl{\f0\fswiss\fcharset0 Calibri;}{\f1\froman\fcharset0 Cambria;}}{\colortbl ;\red80\green100\blue120;}`+"\r\n",
		t.lang.locale)
	b.WriteString(`{\*\generator Riched20 16.0;}\viewkind4\uc1`)
	dir := `\ltrpar`
	if t.lang.rtl {
		dir = `\rtlpar\qr`
	}
	para := func(style, s string) { fmt.Fprintf(&b, "\r\n\\pard%s%s\\f0\\fs22 %s\\par", dir, style, escapeRTF(s)) }
	para(``, t.greeting)
	for i, p := range t.paragraphs {
		if i == 1 && len(t.paragraphs) > 3 {
			para(`\b`, t.project)
			b.WriteString(`\b0`)
		}
		para(`\sa160`, p)
	}
	para(``, t.closing)
	for _, s := range t.signature {
		para(`\cf1`, s)
	}
	for _, q := range t.quoted {
		para(``, "")
		for _, h := range q.heading() {
			para(`\li240`, h[0]+": "+h[1])
		}
		for _, p := range q.paragraphs {
			para(`\li240\sa160`, p)
		}
	}
	b.WriteString("}\r\n")
	return b.String()
}

// encapsulate wraps HTML in RTF ([MS-OXRTFEX] 2.1.3): tags as groups that RTF readers skip, text as text.
func encapsulate(page string) string {
	var b strings.Builder
	b.WriteString(`{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Calibri;}}` + "\r\n" + `\uc1\pard\plain\deftab360 \f0\fs22 `)
	for page != "" {
		i := strings.IndexByte(page, '<')
		if i < 0 {
			i = len(page)
		}
		if s := html.UnescapeString(strings.ReplaceAll(page[:i], "\r\n", "")); s != "" {
			b.WriteString(escapeRTF(s))
		}
		if page = page[i:]; page == "" {
			break
		}
		end := strings.IndexByte(page, '>') + 1
		if strings.HasPrefix(page, "<style>") {
			end = strings.Index(page, "</style>") + len("</style>")
		}
		tag := page[:end]
		page = page[end:]
		fmt.Fprintf(&b, `{\*\htmltag%d %s}`, tagKind(tag), escapeRTF(tag))
		if tag == "</p>" || strings.HasPrefix(tag, "<br") {
			b.WriteString(`\htmlrtf \par` + "\r\n" + `\htmlrtf0 `)
		}
	}
	b.WriteString("}")
	return b.String()
}

// tagKind is the destination and type of a tag ([MS-OXRTFEX] 2.1.3.1.4.1).
func tagKind(tag string) int {
	closing := 0
	if strings.HasPrefix(tag, "</") {
		closing = 8
	}
	switch name := strings.Trim(strings.ToLower(strings.FieldsFunc(tag, func(c rune) bool { return c == ' ' || c == '>' })[0]), "</"); name {
	case "html":
		return 0x13 + closing
	case "head":
		return 0x22 + closing
	case "meta":
		return 0xA1
	case "style":
		return 0xF1
	case "body":
		return 0x32 + closing
	case "p":
		return 0x40 + closing
	case "br":
		return 0x74
	case "div", "hr":
		return 0x60 + closing
	}
	return 0x54 + closing
}

// escapeRTF writes characters outside ASCII as \u, with a question mark for readers that don't know it.
func escapeRTF(s string) string {
	var b strings.Builder
	u := mapi.EncodeUTF16(s)
	for i := 0; i+1 < len(u); i += 2 {
		switch c := uint16(u[i]) | uint16(u[i+1])<<8; {
		case c == '\\' || c == '{' || c == '}':
			b.WriteByte('\\')
			b.WriteByte(byte(c))
		case c == '\n':
			b.WriteString(`\line `)
		case c == '\r':
		case c < 0x80:
			b.WriteByte(byte(c))
		default:
			fmt.Fprintf(&b, `\u%d?`, int16(c))
		}
	}
	return b.String()
}

// inPage is s in a code page, or in UTF-8 where the page lacks a character.
func inPage(page int, s string) ([]byte, int) {
	b, err := codepage.Encode(page, s)
	if err == nil {
		if back, err := codepage.Decode(page, b); err == nil && back == s {
			return b, page
		}
	}
	return []byte(s), codepage.UTF8
}

func (m *maker) setPlain(it *mapi.Item, t text) {
	s := t.plain()
	_, page := inPage(t.page, s)
	var v mapi.Value = s
	if u := mapi.EncodeUTF16(s); len(u) >= mapi.LargeValue {
		v = mapi.MemBlob(u)
	}
	set(&it.Props, pid.TagBody, v, pid.TagNativeBody, nativePlain, pid.TagInternetCodepage, int32(page))
}

func (m *maker) setHTML(it *mapi.Item, t text, pictures ...string) {
	data, page := inPage(t.page, t.html(codepage.Charset(t.page), pictures))
	if page != t.page {
		data = []byte(t.html(codepage.Charset(page), pictures))
	}
	set(&it.Props, pid.TagHtml, large(data), pid.TagNativeBody, nativeHTML, pid.TagInternetCodepage, int32(page))
}

func (m *maker) setRTF(it *mapi.Item, rtf string) {
	set(&it.Props, pid.TagRtfCompressed, large(oxrtfcp.Compress([]byte(rtf))), pid.TagRtfInSync, true, pid.TagNativeBody, nativeRTF,
		pid.TagInternetCodepage, int32(codepage.UTF8))
}
