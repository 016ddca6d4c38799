package oxrtfex

import (
	"strings"
	"unicode/utf16"

	"github.com/opencdo/opencdo/internal/codepage"
)

// writer collects the content.
type writer struct {
	bytes []byte   // text of the current font, not converted yet: a character may be of two bytes
	units []uint16 // of \u, not converted yet
	text  strings.Builder
	html  strings.Builder
}

func (w *writer) empty() bool { return w.text.Len() == 0 && len(w.bytes) == 0 && len(w.units) == 0 }

var escape = strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;")

// breaks makes text with blanks and line breaks HTML.
var breaks = strings.NewReplacer("\r\n", "<br>\r\n", "  ", "&nbsp; ", "\t", "&nbsp;&nbsp;&nbsp; ")

// flush converts the bytes and units that were collected.
func (r *reader) flush() {
	if len(r.out.units) > 0 {
		s := string(utf16.Decode(r.out.units))
		r.out.units = r.out.units[:0]
		r.put(s)
	}
	if len(r.out.bytes) == 0 {
		return
	}
	page, ok := r.fonts[r.state.font]
	if !ok || r.state.tag { // HTML is in the page of the document ([MS-OXRTFEX] 2.2.3.2)
		page = r.page
	}
	s, err := codepage.Decode(page, r.out.bytes)
	if err != nil {
		s, _ = codepage.Decode(codepage.Windows1252, r.out.bytes)
	}
	r.out.bytes = r.out.bytes[:0]
	r.put(s)
}

// text is content.
func (r *reader) text(s string) {
	if r.ahead > 0 {
		r.ahead--
		return
	}
	if r.visible() {
		r.flush()
		r.put(s)
	}
}

// special is a character, which HTML has an entity for.
func (r *reader) special(c rune, entity string) {
	if !r.visible() {
		return
	}
	r.flush()
	if r.kind == HTML && !r.state.tag && entity != "" {
		r.out.text.WriteString(entity)
		return
	}
	r.put(string(c))
}

func (r *reader) line() { r.text("\r\n") }

// unicode is \u: a unit of UTF-16 that is followed by characters for readers that don't know it.
func (r *reader) unicode(n int) {
	if r.visible() {
		if len(r.out.bytes) > 0 {
			r.flush()
		}
		r.out.units = append(r.out.units, uint16(n))
	}
	r.ahead = r.state.uc
}

// put writes text.
func (r *reader) put(s string) {
	s = strings.ReplaceAll(s, "\x00", "")
	switch r.kind {
	case HTML:
		if !r.state.tag {
			s = escape.Replace(s)
		}
	case Plain:
		r.out.put(s, r.state.look)
	}
	r.out.text.WriteString(s)
}

// put writes text as simple HTML.
func (w *writer) put(s string, l look) {
	for _, t := range []struct {
		on   bool
		name string
	}{{l.bold, "b"}, {l.italic, "i"}, {l.underlined, "u"}} {
		if t.on {
			w.html.WriteString("<" + t.name + ">")
			defer w.html.WriteString("</" + t.name + ">")
		}
	}
	w.html.WriteString(breaks.Replace(escape.Replace(s)))
}

func (r *reader) document() *Document {
	d := &Document{Kind: r.kind, CodePage: r.page, Text: r.out.text.String()}
	if r.kind == Plain {
		d.HTML = "<html><body>\r\n" + r.out.html.String() + "\r\n</body></html>\r\n"
	}
	return d
}
