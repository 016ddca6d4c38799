package exchange

import (
	"fmt"
	"io"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// textSink looks after the 8-bit strings of a download. In the store contract they are in the code page of their item; on
// the wire each says its own ([MS-OXCFXICS] 2.2.4.1.1.1). Where the two agree the string stays as it is, else it becomes
// Unicode. An item's code page may come after its strings: those are held until the item's properties are complete. The
// message class, which servers send in 8 bits whatever they hold, always becomes Unicode.
type textSink struct {
	mapi.ItemSink
	r     *oxcfxics.Reader
	items []textItem // around, outermost first
	in    []bool     // for each open part of an item: whether it is an embedded item
}

// textItem is an item under way.
type textItem struct {
	page int // its code page, 0 while it has named none
	held []heldText
}

type heldText struct {
	key   mapi.Key
	value mapi.String8
	page  int
}

// maxText bounds an 8-bit string that is converted, in bytes.
const maxText = 64 << 20

func newTextSink(w mapi.ItemSink, r *oxcfxics.Reader) *textSink {
	return &textSink{ItemSink: w, r: r, items: make([]textItem, 1)}
}

func (s *textSink) item() *textItem { return &s.items[len(s.items)-1] }

// inItem reports whether properties are the item's own.
func (s *textSink) inItem() bool { return len(s.in) == 0 || s.in[len(s.in)-1] }

// Prop implements mapi.ItemSink.
func (s *textSink) Prop(k mapi.Key, v mapi.Value) error {
	switch v := v.(type) {
	case int32:
		if it := s.item(); k.Tag == pid.TagMessageCodepage || k.Tag == pid.TagInternetCodepage && it.page == 0 {
			it.page = int(v)
		}
	case mapi.String8:
		return s.text(k, v)
	}
	return s.ItemSink.Prop(k, v)
}

// text passes an 8-bit string on, or holds it while the item may still name its code page.
func (s *textSink) text(k mapi.Key, v mapi.String8) error {
	page := int(s.r.CodePage)
	switch {
	case !k.Named() && k.Tag.ID() == pid.TagMessageClass.ID():
		if page == 0 {
			page = codePage
		}
		return s.convert(heldText{k, v, page})
	case page == 0: // without a code page type
		return s.ItemSink.Prop(k, v)
	case s.inItem():
		it := s.item()
		it.held = append(it.held, heldText{k, v, page})
		return nil
	}
	return s.settle(heldText{k, v, page})
}

// settle decides about a string when its item's code page is known.
func (s *textSink) settle(h heldText) error {
	if h.page == s.page() {
		return s.ItemSink.Prop(h.key, h.value)
	}
	return s.convert(h)
}

func (s *textSink) convert(h heldText) error {
	text, err := codepage.Decode(h.page, []byte(h.value))
	if err != nil {
		return s.ItemSink.Prop(h.key, h.value)
	}
	return s.ItemSink.Prop(h.key.WithType(mapi.TypeString), text)
}

// release settles what was held of an item whose properties are complete.
func (s *textSink) release() error {
	it := s.item()
	held := it.held
	it.held = nil
	for _, h := range held {
		if err := s.settle(h); err != nil {
			return err
		}
	}
	return nil
}

// page is the code page of the innermost item that names one, or the session's.
func (s *textSink) page() int {
	for i := len(s.items) - 1; i >= 0; i-- {
		if s.items[i].page != 0 {
			return s.items[i].page
		}
	}
	return codePage
}

// Stream implements mapi.ItemSink.
func (s *textSink) Stream(k mapi.Key, size int64, r io.Reader) error {
	if k.Type() != mapi.TypeString8 || int(s.r.CodePage) == s.page() {
		return s.ItemSink.Stream(k, size, r)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil {
		return err
	}
	if len(b) > maxText {
		return &mapi.Error{Op: "read item", Object: k.String(), Code: mapi.ErrNoMemory, Err: fmt.Errorf("an 8-bit string of more than %d MiB", maxText>>20)}
	}
	return s.text(k, mapi.String8(b))
}

// Recipient implements mapi.ItemSink.
func (s *textSink) Recipient() error {
	if err := s.release(); err != nil {
		return err
	}
	s.in = append(s.in, false)
	return s.ItemSink.Recipient()
}

// Attachment implements mapi.ItemSink.
func (s *textSink) Attachment() error {
	if err := s.release(); err != nil {
		return err
	}
	s.in = append(s.in, false)
	return s.ItemSink.Attachment()
}

// Embedded implements mapi.ItemSink.
func (s *textSink) Embedded() error {
	s.in = append(s.in, true)
	s.items = append(s.items, textItem{})
	return s.ItemSink.Embedded()
}

// End implements mapi.ItemSink.
func (s *textSink) End() error {
	if n := len(s.in); n > 0 {
		if s.in[n-1] {
			if err := s.release(); err != nil {
				return err
			}
			s.items = s.items[:len(s.items)-1]
		}
		s.in = s.in[:n-1]
	}
	return s.ItemSink.End()
}
