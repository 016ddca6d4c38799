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
// Unicode. The message class, which servers send in 8 bits whatever they hold, always does.
type textSink struct {
	mapi.ItemSink
	r     *oxcfxics.Reader
	pages []int // of the items around, outermost first
	depth []bool
}

// maxText bounds an 8-bit string that is converted, in bytes.
const maxText = 64 << 20

// Prop implements mapi.ItemSink.
func (s *textSink) Prop(k mapi.Key, v mapi.Value) error {
	switch v := v.(type) {
	case int32:
		s.notePage(k, int(v))
	case mapi.String8:
		if text, ok := s.text(k, v); ok {
			return s.ItemSink.Prop(k.WithType(mapi.TypeString), text)
		}
	}
	return s.ItemSink.Prop(k, v)
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
	return s.Prop(k, mapi.String8(b))
}

func (s *textSink) notePage(k mapi.Key, page int) {
	if k.Named() || k.Tag != pid.TagMessageCodepage && k.Tag != pid.TagInternetCodepage {
		return
	}
	if len(s.pages) == 0 {
		s.pages = []int{0}
	}
	if last := &s.pages[len(s.pages)-1]; *last == 0 || k.Tag == pid.TagMessageCodepage {
		*last = page
	}
}

// page is the code page of the innermost item that names one.
func (s *textSink) page() int {
	for i := len(s.pages) - 1; i >= 0; i-- {
		if s.pages[i] != 0 {
			return s.pages[i]
		}
	}
	return 0
}

// text gives an 8-bit string as Unicode, where it has to become that and its code page can say it.
func (s *textSink) text(k mapi.Key, v mapi.String8) (string, bool) {
	page := int(s.r.CodePage)
	class := !k.Named() && k.Tag.ID() == pid.TagMessageClass.ID()
	if !class && (page == 0 || page == s.page()) {
		return "", false
	}
	if page == 0 {
		page = codePage
	}
	t, err := codepage.Decode(page, []byte(v))
	return t, err == nil
}

// Recipient implements mapi.ItemSink.
func (s *textSink) Recipient() error {
	s.depth = append(s.depth, false)
	return s.ItemSink.Recipient()
}

// Attachment implements mapi.ItemSink.
func (s *textSink) Attachment() error {
	s.depth = append(s.depth, false)
	return s.ItemSink.Attachment()
}

// Embedded implements mapi.ItemSink.
func (s *textSink) Embedded() error {
	if len(s.pages) == 0 {
		s.pages = []int{0}
	}
	s.pages = append(s.pages, 0)
	s.depth = append(s.depth, true)
	return s.ItemSink.Embedded()
}

// End implements mapi.ItemSink.
func (s *textSink) End() error {
	if n := len(s.depth); n > 0 {
		if s.depth[n-1] {
			s.pages = s.pages[:len(s.pages)-1]
		}
		s.depth = s.depth[:n-1]
	}
	return s.ItemSink.End()
}
