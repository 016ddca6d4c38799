package exchange

import (
	"bytes"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// 8-bit strings are in the code page of their item in the store contract, and name theirs on the wire
// ([MS-OXCFXICS] 2.2.4.1.1.1).

// pages follows the stream of an item and of those embedded in it, and knows their code pages. An item may name its code
// page after its strings: those are held until its properties are complete.
type pages struct {
	mapi.ItemSink
	settle func(heldText) error // passes a string on, now that its item's code page is known
	items  []textItem           // around, outermost first
	in     []bool               // for each open part of an item: whether it is an embedded item
}

// textItem is an item under way.
type textItem struct {
	page  int  // its code page, 0 while it has named none
	final bool // nothing that follows can change it
	held  []heldText
}

type heldText struct {
	key   mapi.Key
	value mapi.String8
	page  int // that it named itself
}

// maxText bounds an 8-bit string that is held, in bytes.
const maxText = 64 << 20

// reset is the state before an item.
func (p *pages) reset() { p.items, p.in = make([]textItem, 1), nil }

func (p *pages) item() *textItem { return &p.items[len(p.items)-1] }

// note learns an item's code page: that of its strings comes before that of its HTML body.
func (p *pages) note(k mapi.Key, v int32) {
	switch it := p.item(); {
	case !p.inItem():
	case k.Tag == pid.TagMessageCodepage:
		it.page, it.final = int(v), true
	case k.Tag == pid.TagInternetCodepage && it.page == 0:
		it.page = int(v)
	}
}

// inItem reports whether properties are the item's own.
func (p *pages) inItem() bool { return len(p.in) == 0 || p.in[len(p.in)-1] }

// text passes a string on as soon as the code page of its item is known.
func (p *pages) text(h heldText) error {
	if it := p.item(); p.inItem() && !it.final {
		it.held = append(it.held, h)
		return nil
	}
	return p.settle(h)
}

// release settles what was held of an item whose properties are complete.
func (p *pages) release() error {
	it := p.item()
	held := it.held
	it.held, it.final = nil, true
	for _, h := range held {
		if err := p.settle(h); err != nil {
			return err
		}
	}
	return nil
}

// page is the code page of the innermost item that names one, or the session's.
func (p *pages) page() int {
	for i := len(p.items) - 1; i >= 0; i-- {
		if p.items[i].page != 0 {
			return p.items[i].page
		}
	}
	return codePage
}

// pass gives a string on, a large one as a stream.
func (p *pages) pass(k mapi.Key, v mapi.Value) error {
	if b, _ := mapi.ValueBytes(v); len(b) >= mapi.LargeValue {
		return p.ItemSink.Stream(k, int64(len(b)), bytes.NewReader(b))
	}
	return p.ItemSink.Prop(k, v)
}

// whole reads a string that comes as a stream.
func whole(op string, k mapi.Key, r io.Reader) (mapi.String8, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err == nil && len(b) > maxText {
		err = &mapi.Error{Op: op, Object: k.String(), Code: mapi.ErrNoMemory, Err: fmt.Errorf("an 8-bit string of more than %d MiB", maxText>>20)}
	}
	return mapi.String8(b), err
}

// Recipient implements mapi.ItemSink.
func (p *pages) Recipient() error {
	if err := p.release(); err != nil {
		return err
	}
	p.in = append(p.in, false)
	return p.ItemSink.Recipient()
}

// Attachment implements mapi.ItemSink.
func (p *pages) Attachment() error {
	if err := p.release(); err != nil {
		return err
	}
	p.in = append(p.in, false)
	return p.ItemSink.Attachment()
}

// Embedded implements mapi.ItemSink.
func (p *pages) Embedded() error {
	p.in = append(p.in, true)
	p.items = append(p.items, textItem{})
	return p.ItemSink.Embedded()
}

// End implements mapi.ItemSink.
func (p *pages) End() error {
	if n := len(p.in); n > 0 {
		if p.in[n-1] {
			if err := p.release(); err != nil {
				return err
			}
			p.items = p.items[:len(p.items)-1]
		}
		p.in = p.in[:n-1]
	}
	return p.ItemSink.End()
}

// textSink looks after the 8-bit strings of a download. Where a string's code page is that of its item the string stays as
// it is, else it becomes Unicode. The message class, which servers send in 8 bits whatever they hold, always does.
type textSink struct {
	pages
	r *oxcfxics.Reader
}

func newTextSink(w mapi.ItemSink, r *oxcfxics.Reader) *textSink {
	s := &textSink{pages: pages{ItemSink: w}, r: r}
	s.settle = func(h heldText) error {
		if h.page == s.page() {
			return s.pass(h.key, h.value)
		}
		return s.convert(h)
	}
	s.reset()
	return s
}

// Prop implements mapi.ItemSink.
func (s *textSink) Prop(k mapi.Key, v mapi.Value) error {
	switch v := v.(type) {
	case int32:
		s.note(k, v)
	case mapi.String8:
		page := int(s.r.CodePage)
		switch {
		case !k.Named() && k.Tag.ID() == pid.TagMessageClass.ID():
			if page == 0 {
				page = codePage
			}
			return s.convert(heldText{k, v, page})
		case page == 0: // without a code page type
			return s.pass(k, v)
		}
		return s.text(heldText{k, v, page})
	}
	return s.ItemSink.Prop(k, v)
}

// Stream implements mapi.ItemSink.
func (s *textSink) Stream(k mapi.Key, size int64, r io.Reader) error {
	if k.Type() != mapi.TypeString8 || s.item().final && int(s.r.CodePage) == s.page() {
		return s.ItemSink.Stream(k, size, r)
	}
	v, err := whole("read item", k, r)
	if err != nil {
		return err
	}
	return s.Prop(k, v)
}

func (s *textSink) convert(h heldText) error {
	text, err := codepage.Decode(h.page, []byte(h.value))
	if err != nil {
		return s.pass(h.key, h.value)
	}
	return s.pass(h.key.WithType(mapi.TypeString), text)
}

// textSource looks after the 8-bit strings of an upload: each names the code page of its item. Servers take one that doesn't
// for text in the code page of the session, and gromox leaves it as bytes in recipients.
type textSource struct{ pages }

func newTextSource(w mapi.ItemSink) *textSource {
	s := &textSource{pages{ItemSink: w}}
	s.settle = s.write
	s.reset()
	return s
}

// codePageType is the property type of strings in a code page of less than 15 bits.
const codePageType mapi.Type = 0x8000

// write names the code page of a string. Where the type has no room for it, the string becomes Unicode, unless it holds bytes
// that mean nothing in that page and would be lost.
func (s *textSource) write(h heldText) error {
	page := s.page()
	if page < int(codePageType) {
		return s.pass(h.key.WithType(codePageType|mapi.Type(page)), h.value)
	}
	if text, ok := codepage.DecodeWhole(page, []byte(h.value)); ok {
		return s.pass(h.key.WithType(mapi.TypeString), text)
	}
	return s.pass(h.key, h.value)
}

// Prop implements mapi.ItemSink.
func (s *textSource) Prop(k mapi.Key, v mapi.Value) error {
	switch v := v.(type) {
	case int32:
		s.note(k, v)
	case mapi.String8:
		return s.text(heldText{key: k, value: v})
	}
	return s.ItemSink.Prop(k, v)
}

// Stream implements mapi.ItemSink.
func (s *textSource) Stream(k mapi.Key, size int64, r io.Reader) error {
	if k.Type() != mapi.TypeString8 {
		return s.ItemSink.Stream(k, size, r)
	}
	if page := s.page(); page < int(codePageType) && s.item().final {
		return s.ItemSink.Stream(k.WithType(codePageType|mapi.Type(page)), size, r)
	}
	v, err := whole("write item", k, r)
	if err != nil {
		return err
	}
	return s.text(heldText{key: k, value: v})
}
