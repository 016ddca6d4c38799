package oxrtfex

import (
	"bytes"
	"strconv"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
)

// state is what braces restore.
type state struct {
	skip       bool // nothing of the group is content
	tag        bool // \htmltag: the content is HTML
	suppressed bool // \htmlrtf
	fonts      bool // in the font table
	uc         int  // how many characters follow \u for readers that don't know it
	font       int
	look       look
}

// look is the looks of text.
type look struct{ bold, italic, underlined bool }

// reader interprets RTF.
type reader struct {
	in    []byte
	off   int
	state state
	stack []state
	star  bool // \* was read: the control word that follows may be skipped with its group
	ahead int  // characters to skip after \u
	page  int  // \ansicpg
	kind  Kind
	fonts map[int]int // code pages
	out   writer
}

func newReader(rtf []byte) *reader {
	return &reader{in: rtf, state: state{uc: 1}, page: codepage.Windows1252, fonts: map[int]int{}}
}

// maxFonts bounds the font table.
const maxFonts = 10000

func (r *reader) read() error {
	if !bytes.HasPrefix(bytes.TrimLeft(r.in, "\x00 \t\r\n"), []byte(`{\rtf`)) {
		return fail(mapi.ErrCorruptData, 0, `no RTF: it doesn't begin with {\rtf`)
	}
	for r.off < len(r.in) {
		c := r.in[r.off]
		r.off++
		switch c {
		case '{':
			if len(r.stack) >= maxDepth {
				return fail(mapi.ErrTooComplex, r.off-1, "groups are nested too deep")
			}
			r.flush()
			r.stack = append(r.stack, r.state)
			r.star, r.ahead = false, 0
		case '}':
			r.flush()
			r.ahead = 0
			if n := len(r.stack); n > 0 {
				r.state = r.stack[n-1]
				r.stack = r.stack[:n-1]
			}
			if len(r.stack) == 0 {
				return nil // what follows is padding
			}
		case '\\':
			r.control()
		case '\r', '\n', 0: // no content
		default:
			r.char(c)
		}
	}
	r.flush()
	return nil
}

// control reads a control word or symbol.
func (r *reader) control() {
	if r.off >= len(r.in) {
		return
	}
	c := r.in[r.off]
	if !letter(c) {
		r.off++
		r.symbol(c)
		return
	}
	start := r.off
	for r.off < len(r.in) && letter(r.in[r.off]) {
		r.off++
	}
	word := string(r.in[start:min(r.off, start+maxWord)])
	start = r.off
	if r.off < len(r.in) && r.in[r.off] == '-' {
		r.off++
	}
	for r.off < len(r.in) && r.in[r.off] >= '0' && r.in[r.off] <= '9' {
		r.off++
	}
	n, err := strconv.Atoi(string(r.in[start:r.off]))
	has := err == nil
	if r.off < len(r.in) && r.in[r.off] == ' ' {
		r.off++
	}
	if r.ahead > 0 && word != "u" && word != "bin" {
		r.ahead--
		return
	}
	r.word(word, n, has)
}

// maxWord is longer than any control word that is known here.
const maxWord = 32

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// symbol interprets a control symbol.
func (r *reader) symbol(c byte) {
	if c == '\'' {
		if r.off+2 > len(r.in) {
			return
		}
		v, err := strconv.ParseUint(string(r.in[r.off:r.off+2]), 16, 8)
		if err == nil {
			r.off += 2
			r.char(byte(v))
		}
		return
	}
	if c == '*' {
		r.star = true
		return
	}
	if r.ahead > 0 {
		r.ahead--
		return
	}
	switch c {
	case '{', '}', '\\':
		r.char(c)
	case '~':
		r.special('\u00A0', "&nbsp;")
	case '_':
		if r.kind == HTML {
			r.special('\u00AD', "&shy;")
		} else {
			r.special('\u2011', "")
		}
	case '\r', '\n':
		r.line()
	case '\t':
		r.text("\t")
	}
}

// char is a byte of text.
func (r *reader) char(c byte) {
	switch {
	case r.ahead > 0:
		r.ahead--
	case r.visible():
		r.out.bytes = append(r.out.bytes, c)
	}
}

// visible tells whether text is content.
func (r *reader) visible() bool { return !r.state.skip && !r.state.suppressed }

// pages are the code pages of \fcharset.
var pages = map[int]int{0: 1252, 77: 10000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258,
	177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437}

// word interprets a control word.
func (r *reader) word(word string, n int, has bool) {
	star := r.star
	r.star = false
	if word == "bin" {
		r.off += min(max(n, 0), len(r.in)-r.off)
		return
	}
	if r.state.fonts {
		r.font(word, n)
		return
	}
	switch word {
	case "fromhtml":
		r.made(HTML)
	case "fromtext":
		r.made(Text)
	case "ansicpg":
		if codepage.Known(n) {
			r.page = n
		}
	case "mac":
		r.page = 10000
	case "pc":
		r.page = 437
	case "pca":
		r.page = 850
	case "htmltag":
		r.state.tag = true
	case "htmlrtf":
		r.flush()
		r.state.suppressed = !has || n != 0
	case "fonttbl":
		r.state.skip, r.state.fonts = true, true
	case "f":
		r.flush()
		r.state.font = n
	case "plain":
		r.flush()
		r.state.look = look{}
	case "b":
		r.flush()
		r.state.look.bold = !has || n != 0
	case "i":
		r.flush()
		r.state.look.italic = !has || n != 0
	case "ul":
		r.flush()
		r.state.look.underlined = !has || n != 0
	case "ulnone":
		r.flush()
		r.state.look.underlined = false
	case "uc":
		r.state.uc = min(max(n, 0), 255)
	case "u":
		r.unicode(n)
	case "par", "line", "sect", "page", "row":
		r.line()
	case "tab":
		r.text("\t")
	case "cell":
		if r.kind == Plain {
			r.text("\t")
		}
	default:
		if s, ok := specials[word]; ok {
			r.special(s.r, s.entity)
		} else if star || destinations[word] || r.kind == HTML && word == "pntext" {
			r.state.skip = true
		}
	}
}

// made notes what the RTF was made of, which its header says.
func (r *reader) made(k Kind) {
	if len(r.stack) <= 1 && r.out.empty() {
		r.kind = k
	}
}

// font reads the font table: which code page is that of a font.
func (r *reader) font(word string, n int) {
	switch word {
	case "f":
		r.state.font = n
	case "fcharset", "cpg":
		if word == "fcharset" {
			n = pages[n]
		}
		if codepage.Known(n) && len(r.fonts) < maxFonts {
			r.fonts[r.state.font] = n
		}
	}
}

// specials are characters that have a word.
var specials = map[string]struct {
	r      rune
	entity string
}{
	"lquote": {'\u2018', "&lsquo;"}, "rquote": {'\u2019', "&rsquo;"}, "ldblquote": {'\u201C', "&ldquo;"}, "rdblquote": {'\u201D', "&rdquo;"},
	"bullet": {'\u2022', "&bull;"}, "endash": {'\u2013', "&ndash;"}, "emdash": {'\u2014', "&mdash;"}, "emspace": {'\u2003', "&emsp;"},
	"enspace": {'\u2002', "&ensp;"}, "qmspace": {'\u2005', "&#8197;"}, "zwj": {'\u200D', "&zwj;"}, "zwnj": {'\u200C', "&zwnj;"},
}

// destinations hold no text of the document although they have no \*.
var destinations = map[string]bool{"colortbl": true, "stylesheet": true, "info": true, "pict": true, "header": true, "headerl": true,
	"headerr": true, "headerf": true, "footer": true, "footerl": true, "footerr": true, "footerf": true, "footnote": true, "ftnsep": true,
	"ftnsepc": true, "ftncn": true, "nonshppict": true, "fldinst": true, "mhtmltag": true, "listtable": true, "listoverridetable": true,
	"revtbl": true, "filetbl": true, "xe": true, "tc": true, "rxe": true, "private": true, "objdata": true, "objattph": true}
