package oxcfxics

import (
	"errors"
	"io"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// ContentWriter is the sink that writes an item as messageContent ([MS-OXCFXICS] 2.2.4.3.12). Recipients and attachments
// keep the PidTagRowid and PidTagAttachNumber that they bring, or are numbered; both stand first, as the grammar demands.
type ContentWriter struct {
	w       *Writer
	at      *position
	stack   []*object
	cleared int // how many of the two MetaTagFXDelProp are out
}

// object is an item, recipient or attachment that is being written.
type object struct {
	recipients, attachments counter // of an item

	number  *counter   // of a recipient or attachment: where its number comes from
	waiting bool       // for the number
	props   mapi.Props // held meanwhile
}

// counter counts recipients or attachments.
type counter struct {
	key  mapi.Key
	next int32 // above all that were seen
}

// NewContentWriter writes an item to w, as the whole stream. The item is complete with Close.
func NewContentWriter(w *Writer) *ContentWriter {
	at := newPosition(RootMessage)
	return newContentWriter(w, &at)
}

// NewAttachmentWriter writes to w what an attachment consists of, as the whole stream (attachmentContent): its properties,
// and the embedded item between Embedded and End.
func NewAttachmentWriter(w *Writer) *ContentWriter {
	at := newPosition(RootAttachment)
	c := newContentWriter(w, &at)
	c.cleared = len(clearTags)
	return c
}

func newContentWriter(w *Writer, at *position) *ContentWriter {
	c := &ContentWriter{w: w, at: at, stack: []*object{newItem()}}
	if !w.opt.DelProps {
		c.cleared = len(clearTags)
	}
	return c
}

func newItem() *object {
	return &object{
		recipients:  counter{key: mapi.TagKey(pid.TagRowid)},
		attachments: counter{key: mapi.TagKey(pid.TagAttachNumber)},
	}
}

// clearTags are the values of MetaTagFXDelProp in a message, in their order.
var clearTags = [...]mapi.Tag{pid.TagMessageRecipients, pid.TagMessageAttachments}

// clear writes the first n of them, of the outermost item only.
func (c *ContentWriter) clear(n int) error {
	for len(c.stack) == 1 && c.cleared < n {
		if err := c.w.put(pid.MetaTagFXDelProp, mapi.PropName{}, int32(clearTags[c.cleared])); err != nil {
			return err
		}
		c.cleared++
	}
	return nil
}

func (c *ContentWriter) top() *object { return c.stack[len(c.stack)-1] }

// Prop implements mapi.ItemSink.
func (c *ContentWriter) Prop(k mapi.Key, v mapi.Value) error {
	if problem := c.at.prop(k.Tag); problem != "" {
		return c.misplaced(problem)
	}
	o := c.top()
	if o.number != nil && k == o.number.key {
		n, ok := v.(int32)
		if !o.waiting || !ok {
			return nil // it has a number already
		}
		return c.assign(o, n)
	}
	if o.waiting {
		o.props = append(o.props, mapi.Prop{Key: k, Value: v})
		return nil
	}
	return c.w.Prop(k, v)
}

// Stream implements mapi.ItemSink.
func (c *ContentWriter) Stream(k mapi.Key, size int64, r io.Reader) error {
	if problem := c.at.prop(k.Tag); problem != "" {
		return c.misplaced(problem)
	}
	if err := c.settle(); err != nil {
		return err
	}
	return c.w.Stream(k, size, r)
}

// settle gives the innermost recipient or attachment a number if it brought none.
func (c *ContentWriter) settle() error {
	if o := c.top(); o.waiting {
		return c.assign(o, o.number.next)
	}
	return nil
}

func (c *ContentWriter) assign(o *object, n int32) error {
	o.waiting = false
	if n >= o.number.next {
		o.number.next = n + 1
	}
	if err := c.w.Prop(o.number.key, n); err != nil {
		return err
	}
	for _, p := range o.props {
		if err := c.w.Prop(p.Key, p.Value); err != nil {
			return err
		}
	}
	o.props = nil
	return nil
}

// Recipient implements mapi.ItemSink.
func (c *ContentWriter) Recipient() error {
	o := c.top()
	return c.begin(StartRecip, 1, &object{number: &o.recipients, waiting: true})
}

// Attachment implements mapi.ItemSink.
func (c *ContentWriter) Attachment() error {
	o := c.top()
	return c.begin(NewAttach, 2, &object{number: &o.attachments, waiting: true})
}

// Embedded implements mapi.ItemSink.
func (c *ContentWriter) Embedded() error {
	if err := c.settle(); err != nil {
		return err
	}
	return c.begin(StartEmbed, 0, newItem())
}

func (c *ContentWriter) begin(m Marker, clear int, o *object) error {
	if c.w.err != nil {
		return c.w.err
	}
	if err := c.clear(clear); err != nil {
		return err
	}
	if _, problem := c.at.marker(m); problem != "" {
		return c.misplaced(problem)
	}
	c.stack = append(c.stack, o)
	return c.w.Marker(m)
}

// End implements mapi.ItemSink.
func (c *ContentWriter) End() error {
	if len(c.stack) == 1 {
		return c.misplaced("nothing is open that End could end")
	}
	if err := c.settle(); err != nil {
		return err
	}
	m := c.at.stack[len(c.at.stack)-1].close
	if _, problem := c.at.marker(m); problem != "" {
		return c.misplaced(problem)
	}
	c.stack = c.stack[:len(c.stack)-1]
	return c.w.Marker(m)
}

// Close completes the item; the stream itself stays open.
func (c *ContentWriter) Close() error {
	if c.w.err != nil {
		return c.w.err
	}
	if len(c.stack) != 1 {
		return c.misplaced("the item ends inside a recipient, attachment or embedded item")
	}
	return c.clear(len(clearTags))
}

func (c *ContentWriter) misplaced(problem string) error {
	return c.w.keep(&mapi.Error{Op: "write item", Code: mapi.ErrInvalidParameter, Err: errors.New(problem)})
}
