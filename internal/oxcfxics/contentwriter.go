package oxcfxics

import (
	"errors"
	"io"
	"math"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// ContentWriter is the sink that writes an item as messageContent ([MS-OXCFXICS] 2.2.4.3.12). Recipients and attachments
// keep the PidTagRowid and PidTagAttachNumber that they bring, or are numbered; both stand first, as the grammar demands.
type ContentWriter struct {
	w     *Writer
	at    *position
	stack []*object
	clear bool // with MetaTagFXDelProp before recipients and attachments
}

// object is an item, recipient or attachment that is being written.
type object struct {
	recipients, attachments counter // of an item
	cleared                 int     // how many of its two MetaTagFXDelProp are out

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
	c.top().cleared = len(clearTags)
	return c
}

func newContentWriter(w *Writer, at *position) *ContentWriter {
	return &ContentWriter{w: w, at: at, stack: []*object{newItem()}, clear: w.opt.DelProps}
}

func newItem() *object {
	return &object{
		recipients:  counter{key: mapi.TagKey(pid.TagRowid)},
		attachments: counter{key: mapi.TagKey(pid.TagAttachNumber)},
	}
}

// clearTags are the values of MetaTagFXDelProp in a message, in their order.
var clearTags = [...]mapi.Tag{pid.TagMessageRecipients, pid.TagMessageAttachments}

// clearUpTo writes the first n of them, if they are wanted.
func (c *ContentWriter) clearUpTo(n int) error {
	for o := c.top(); c.clear && o.number == nil && o.cleared < n; o.cleared++ {
		if err := c.w.put(pid.MetaTagFXDelProp, mapi.PropName{}, int32(clearTags[o.cleared])); err != nil {
			return err
		}
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
	if n >= o.number.next && n < math.MaxInt32 {
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

func (c *ContentWriter) begin(m Marker, cleared int, o *object) error {
	if c.w.err != nil {
		return c.w.err
	}
	if err := c.clearUpTo(cleared); err != nil {
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
	if err := c.clearUpTo(len(clearTags)); err != nil {
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
	return c.clearUpTo(len(clearTags))
}

func (c *ContentWriter) misplaced(problem string) error {
	return c.w.keep(&mapi.Error{Op: "write item", Code: mapi.ErrInvalidParameter, Err: errors.New(problem)})
}

// Group implements PartialSink, for items of a [PartWriter] that are partial.
func (c *ContentWriter) Group(id int32) error {
	if problem := c.at.prop(pid.MetaTagIncrementalSyncMessagePartial); problem != "" {
		return c.misplaced(problem)
	}
	return c.w.put(pid.MetaTagIncrementalSyncMessagePartial, mapi.PropName{}, id)
}
