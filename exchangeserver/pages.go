package exchangeserver

import (
	"context"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// pages are the code pages of an object's 8-bit strings: that in which they are stored, and that in which the client wants
// and gives them. 0 stands for the session's.
type pages struct{ stored, wanted int }

// logonCodePage as a CodePageId stands for the one of the session ([MS-OXCMSG] 2.2.3.1.1).
const logonCodePage = 0x0FFF

// codePage is page where it can be used for 8-bit strings, else that of the session.
func (s *session) codePage(page int) int {
	if page == 0 || page == logonCodePage || page == codepage.UTF16 || !codepage.Known(page) {
		return s.page
	}
	return page
}

// itemPage is the code page that an item names, 0 where it names none.
func itemPage(props mapi.Props) int {
	for _, t := range []mapi.Tag{pid.TagMessageCodepage, pid.TagInternetCodepage} {
		if n, ok := props.Tag(t).(int32); ok && n > 0 && n != codepage.UTF16 && codepage.Known(int(n)) {
			return int(n)
		}
	}
	return 0
}

func (s *session) decode8(v mapi.String8, page int) string {
	if t, err := codepage.Decode(s.codePage(page), []byte(v)); err == nil {
		return t
	}
	return string(v)
}

func (s *session) encode8(v string, page int) mapi.String8 {
	b, err := codepage.Encode(s.codePage(page), v)
	if err != nil {
		return mapi.String8(v)
	}
	return mapi.String8(b)
}

// restring converts strings, and lists of them, to the other string type.
func (s *session) restring(v mapi.Value, p pages) mapi.Value {
	switch v := v.(type) {
	case string:
		return s.encode8(v, p.wanted)
	case mapi.String8:
		return s.decode8(v, p.stored)
	case []string:
		out := make([]mapi.String8, len(v))
		for i, x := range v {
			out[i] = s.encode8(x, p.wanted)
		}
		return out
	case []mapi.String8:
		out := make([]string, len(v))
		for i, x := range v {
			out[i] = s.decode8(x, p.stored)
		}
		return out
	}
	return v
}

// recode8 gives 8-bit strings the code page that the client wants.
func (s *session) recode8(v mapi.Value, p pages) mapi.Value {
	if s.codePage(p.stored) == s.codePage(p.wanted) {
		return v
	}
	switch v.(type) {
	case mapi.String8, []mapi.String8:
		return s.restring(s.restring(v, p), p)
	}
	return v
}

// given makes Unicode of a property that a client gave in 8 bits: that is how it is kept, as on Exchange, whatever the code
// pages of other clients.
func (s *session) given(k mapi.Key, v mapi.Value, page int) (mapi.Key, mapi.Value) {
	switch v.(type) {
	case mapi.String8, []mapi.String8:
		return k.WithType(k.Type() ^ (mapi.TypeString ^ mapi.TypeString8)), s.restring(v, pages{stored: page})
	}
	return k, v
}

// encodingOf is the converter of a code page for whole streams; nil where there is none.
func encodingOf(page int) encoding.Encoding {
	if e, err := ianaindex.MIME.Encoding(codepage.Charset(page)); err == nil && e != nil {
		return e
	}
	return nil
}

// pageFinder is the sink that notes the code pages of an item and of the items embedded in it, in their order.
type pageFinder struct {
	found []int
	stack []int // of embedded items: place in found; -1 for other parts
}

func (f *pageFinder) at() int {
	for i := len(f.stack) - 1; i >= 0; i-- {
		if f.stack[i] >= 0 {
			return f.stack[i]
		}
	}
	return 0
}

func (f *pageFinder) Prop(k mapi.Key, v mapi.Value) error {
	inPart := len(f.stack) > 0 && f.stack[len(f.stack)-1] < 0
	if inPart || k.Named() || k.Tag != pid.TagMessageCodepage && k.Tag != pid.TagInternetCodepage {
		return nil
	}
	p := &f.found[f.at()]
	if n := itemPage(mapi.Props{{Key: k, Value: v}}); n != 0 && (*p <= 0 || k.Tag == pid.TagMessageCodepage) {
		*p = n
	}
	return nil
}

func (f *pageFinder) Stream(mapi.Key, int64, io.Reader) error { return nil }

func (f *pageFinder) Recipient() error  { f.stack = append(f.stack, -1); return nil }
func (f *pageFinder) Attachment() error { f.stack = append(f.stack, -1); return nil }

func (f *pageFinder) Embedded() error {
	f.stack = append(f.stack, len(f.found))
	f.found = append(f.found, -f.at()-1) // that of the item around, unless it names its own
	return nil
}

func (f *pageFinder) End() error {
	f.stack = f.stack[:len(f.stack)-1]
	return nil
}

// pages are the code pages in order.
func (f *pageFinder) pages() []int {
	for i, p := range f.found {
		if p < 0 {
			f.found[i] = f.found[-p-1]
		}
	}
	return f.found
}

// textForm is how the 8-bit strings of a download go out.
type textForm struct {
	page int              // of all of them
	each *oxcfxics.Writer // is told the code page of each item, if they go out as they are; else nil
}

// pageSink is a sink for a stream. If its 8-bit strings are all in one code page, those of items in other ones become
// Unicode.
type pageSink struct {
	mapi.ItemSink
	s     *session
	form  textForm
	read  func(mapi.ItemSink) error // reads the item again, to find its code pages
	found []int                     // in the order of the items; nil until one is needed
	stack []int
	items int
}

// inForm makes write's item one for a stream whose 8-bit strings have a form.
func (s *session) inForm(form textForm, write func(context.Context, mapi.ItemSink) error) func(context.Context, mapi.ItemSink) error {
	form.page = s.codePage(form.page)
	return func(ctx context.Context, sink mapi.ItemSink) error {
		p := &pageSink{ItemSink: sink, s: s, form: form}
		p.read = func(f mapi.ItemSink) error { return write(ctx, f) }
		return write(ctx, p)
	}
}

// foreign is the code page of the item that is being written, if its strings cannot go out as they are.
func (p *pageSink) foreign() (int, bool, error) {
	if p.found == nil {
		f := &pageFinder{found: []int{0}}
		if err := p.read(f); err != nil {
			return 0, false, err
		}
		p.found = f.pages()
	}
	at := 0
	for _, i := range p.stack {
		at = max(at, i)
	}
	if at >= len(p.found) {
		return 0, false, nil
	}
	page := p.s.codePage(p.found[at])
	if p.form.each != nil {
		p.form.each.SetCodePage(uint16(page))
		return page, false, nil
	}
	return page, page != p.form.page, nil
}

func (p *pageSink) Prop(k mapi.Key, v mapi.Value) error {
	switch v.(type) {
	case mapi.String8, []mapi.String8:
		page, foreign, err := p.foreign()
		if err != nil {
			return err
		}
		if foreign {
			k, v = p.s.given(k, v, page)
		}
	}
	return p.ItemSink.Prop(k, v)
}

func (p *pageSink) Stream(k mapi.Key, size int64, r io.Reader) error {
	if k.Type() == mapi.TypeString8 {
		page, foreign, err := p.foreign()
		if err != nil {
			return err
		}
		if e := encodingOf(page); foreign && e != nil {
			wide := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder()
			return p.ItemSink.Stream(k.WithType(mapi.TypeString), -1, transform.NewReader(e.NewDecoder().Reader(r), wide))
		}
	}
	return p.ItemSink.Stream(k, size, r)
}

func (p *pageSink) Recipient() error  { p.stack = append(p.stack, -1); return p.ItemSink.Recipient() }
func (p *pageSink) Attachment() error { p.stack = append(p.stack, -1); return p.ItemSink.Attachment() }

func (p *pageSink) Embedded() error {
	p.items++
	p.stack = append(p.stack, p.items)
	return p.ItemSink.Embedded()
}

func (p *pageSink) End() error {
	p.stack = p.stack[:len(p.stack)-1]
	return p.ItemSink.End()
}
