package exchangeserver

import (
	"context"
	"io"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// destination is a FastTransfer upload ([MS-OXCFXICS] 3.2.5.8.2): its stream is read while it comes.
type destination struct {
	in      *oxcfxics.Consumer
	merge   func() error // takes over what was read, when the upload is complete; may be nil
	discard func()       // gives up what was read; may be nil
	err     error
	ended   bool
	steps   int
}

func newDestination(s *session, read func(context.Context, *oxcfxics.Reader) error, merge func() error, discard func()) *destination {
	return &destination{in: oxcfxics.NewConsumer(s.ctx, read), merge: merge, discard: discard}
}

// end completes the upload: the client has released it, or uses the object that it goes to.
func (d *destination) end() error {
	if d.ended {
		return d.err
	}
	d.ended = true
	if d.err = d.in.Finish(); d.err == nil && d.merge != nil {
		d.err = d.merge()
	}
	if d.discard != nil {
		d.discard()
	}
	return d.err
}

// abandon gives the upload up: the object that it goes to is gone.
func (d *destination) abandon() {
	if d.ended {
		return
	}
	d.ended = true
	d.in.Close()
	if d.discard != nil {
		d.discard()
	}
}

func (d *destination) close() { d.end() }

// put takes a buffer.
func (d *destination) put(c *call, data []byte) error {
	if d.ended {
		if d.err != nil {
			return d.err
		}
		return errorf(mapi.ErrInvalidObject, "the upload has ended")
	}
	d.steps++
	return d.in.PutBuffer(c, data)
}

// configureDestination is RopFastTransferDestinationConfigure ([MS-OXCFXICS] 3.2.5.8.2.1).
func (c *call) configureDestination(q *oxcrops.FastTransferDestinationConfigureRequest) (oxcrops.Response, error) {
	s, err := c.at(q.In)
	if err != nil {
		return nil, err
	}
	content := q.SourceOperation == oxcrops.SourceCopyTo || q.SourceOperation == oxcrops.SourceCopyProperties
	var d *destination
	switch o := s.obj.(type) {
	case *message:
		if !content {
			return nil, mapi.ErrInvalidParameter
		}
		d, err = o.receive(c)
	case *attachment:
		if !content {
			return nil, mapi.ErrInvalidParameter
		}
		d, err = o.receive(c)
	case *folder:
		d, err = o.receive(c, q.SourceOperation)
	default:
		err = mapi.ErrNoSupport
	}
	if err != nil {
		return nil, err
	}
	return nil, c.put(q.Out, s.lg, d)
}

// putBuffer is RopFastTransferDestinationPutBuffer ([MS-OXCFXICS] 3.2.5.8.2.2).
func (c *call) putBuffer(q *oxcrops.FastTransferDestinationPutBufferRequest) (oxcrops.Response, error) {
	resp := &oxcrops.FastTransferDestinationPutBufferResponse{}
	d, err := get[*destination](c, q.In)
	if err == nil {
		err = d.put(c, q.TransferData)
		resp.InProgressCount = uint16(min(d.steps, 0xFFFF))
		resp.TotalStepCount = resp.InProgressCount
	}
	if err == nil {
		resp.TransferStatus = oxcrops.TransferPartial
		resp.BufferUsedSize = c.usedSize(len(q.TransferData))
	}
	return resp, err
}

// putBufferExtended is RopFastTransferDestinationPutBufferExtended ([MS-OXCFXICS] 3.2.5.8.2.3).
func (c *call) putBufferExtended(q *oxcrops.FastTransferDestinationPutBufferExtendedRequest) (oxcrops.Response, error) {
	resp := &oxcrops.FastTransferDestinationPutBufferExtendedResponse{}
	d, err := get[*destination](c, q.In)
	if err == nil {
		err = d.put(c, q.TransferData)
		resp.InProgressCount = uint32(d.steps)
		resp.TotalStepCount = resp.InProgressCount
	}
	if err == nil {
		resp.TransferStatus = oxcrops.TransferPartial
		resp.BufferUsedSize = c.usedSize(len(q.TransferData))
	}
	return resp, err
}

// usedSize is what was used of the data: all of it; of packed requests, of the last one.
func (c *call) usedSize(n int) uint16 {
	if c.part > 0 {
		n = c.part
	}
	return uint16(n)
}

// endUpload completes an upload to the message, if there is one.
func (m *message) endUpload(*call) error {
	if m.upload == nil {
		return nil
	}
	err := m.upload.end()
	m.upload = nil
	return err
}

func (a *attachment) endUpload(*call) error {
	if a.upload == nil {
		return nil
	}
	err := a.upload.end()
	a.upload = nil
	return err
}

// receive begins an upload to a message. Where the message has nothing of its own yet, and the upload turns out to be
// large, it goes straight into the store.
func (m *message) receive(c *call) (*destination, error) {
	if !m.writable {
		return nil, mapi.ErrNoAccess
	}
	w, err := m.content(c)
	if err != nil {
		return nil, err
	}
	u := &upload{w: w}
	if m.att == nil && m.blank(w) {
		u.open = func() (mapi.ItemWriter, error) { return m.writer(c.s.ctx) }
	}
	read := func(_ context.Context, r *oxcfxics.Reader) error { return oxcfxics.ReadContent(r, u) }
	m.upload = newDestination(c.s, read, func() error {
		m.defaults = nil
		if u.writer == nil {
			return u.merge()
		}
		m.direct = &directUpload{w: u.writer, top: u.top}
		u.writer = nil
		return nil
	}, func() { u.discard(c.s) })
	return m.upload, nil
}

// blank tells whether an upload will be all of the message.
func (m *message) blank(w *content) bool {
	if len(w.Recipients) > 0 || len(w.Attachments) > 0 {
		return false
	}
	for _, p := range w.Props {
		if !isReadOnly(p.Key) {
			return false
		}
	}
	return true
}

// upload is the sink of an upload to a message. What comes is kept in memory as it came, up to memoryUpload and as long as
// no value is large; then it is written to the store, where the message was blank, or built into the working copy.
type upload struct {
	w    *content
	open func() (mapi.ItemWriter, error) // nil: the message isn't blank

	events []event
	size   int64
	depth  int
	writer mapi.ItemWriter // what came goes there
	top    mapi.Props      // own properties meanwhile
	build  *builder        // or there
}

// event is a call of a sink.
type event struct {
	op    int
	key   mapi.Key
	value mapi.Value
}

const (
	eventProp = iota
	eventRecipient
	eventAttachment
	eventEmbedded
	eventEnd
	eventClear
)

// memoryUpload is how much of an upload is held in memory: most messages have no more.
const memoryUpload = 512 << 10

func (e *event) play(s mapi.ItemSink) error {
	switch e.op {
	case eventRecipient:
		return s.Recipient()
	case eventAttachment:
		return s.Attachment()
	case eventEmbedded:
		return s.Embedded()
	case eventEnd:
		return s.End()
	case eventClear:
		if c, ok := s.(oxcfxics.Clearer); ok {
			return c.Clear(mapi.Tag(e.key.Tag))
		}
		return nil
	}
	return s.Prop(e.key, e.value)
}

// sink is where what comes goes now; nil while it is kept.
func (u *upload) sink() mapi.ItemSink {
	switch {
	case u.writer != nil:
		return u.writer
	case u.build != nil:
		return u.build
	}
	return nil
}

// settle decides where an upload goes that isn't kept in memory any longer.
func (u *upload) settle() error {
	if u.sink() != nil {
		return nil
	}
	if u.open == nil {
		u.build = u.w.builder()
	} else {
		w, err := u.open()
		if err != nil {
			return err
		}
		u.writer = w
	}
	depth := 0
	for i := range u.events {
		e := &u.events[i]
		switch e.op {
		case eventRecipient, eventAttachment, eventEmbedded:
			depth++
		case eventEnd:
			depth--
		case eventProp:
			if depth == 0 && u.writer != nil {
				u.top.Set(e.key, e.value)
			}
		}
		if err := e.play(u.sink()); err != nil {
			return err
		}
	}
	u.events = nil
	return nil
}

// eventCost is what an event takes in memory besides its value.
const eventCost = 100

func (u *upload) take(e event) error {
	switch e.op {
	case eventRecipient, eventAttachment, eventEmbedded:
		u.depth++
	case eventEnd:
		u.depth--
	}
	if s := u.sink(); s != nil {
		if e.op == eventProp && u.depth == 0 && u.writer != nil && len(u.top) < maxTop {
			u.top.Set(e.key, e.value)
		}
		return e.play(s)
	}
	u.events = append(u.events, e)
	if u.size += eventCost + mapi.ValueSize(e.value); u.size > memoryUpload {
		return u.settle()
	}
	return nil
}

// maxTop bounds the properties that can be read of an unsaved upload.
const maxTop = 1000

func (u *upload) Prop(k mapi.Key, v mapi.Value) error { return u.take(event{eventProp, k, v}) }
func (u *upload) Recipient() error                    { return u.take(event{op: eventRecipient}) }
func (u *upload) Attachment() error                   { return u.take(event{op: eventAttachment}) }
func (u *upload) Embedded() error                     { return u.take(event{op: eventEmbedded}) }
func (u *upload) End() error                          { return u.take(event{op: eventEnd}) }

// Clear implements oxcfxics.Clearer.
func (u *upload) Clear(t mapi.Tag) error { return u.take(event{op: eventClear, key: mapi.TagKey(t)}) }

// Stream implements mapi.ItemSink.
func (u *upload) Stream(k mapi.Key, size int64, r io.Reader) error {
	if err := u.settle(); err != nil {
		return err
	}
	return u.sink().Stream(k, size, r)
}

// merge puts an upload that didn't go to the store into the working copy.
func (u *upload) merge() error {
	if u.build == nil {
		u.build = u.w.builder()
		for i := range u.events {
			if err := u.events[i].play(u.build); err != nil {
				return err
			}
		}
		u.events = nil
	}
	u.build.finish()
	return nil
}

func (u *upload) discard(s *session) {
	if u.writer != nil {
		closeWriter(s, u.writer)
		u.writer = nil
	}
}

func closeWriter(s *session, w mapi.ItemWriter) {
	if err := w.Close(); err != nil {
		s.srv.log("unsaved item not discarded", "error", err)
	}
}

// directUpload is a complete upload that lies in the store, not yet committed.
type directUpload struct {
	w   mapi.ItemWriter
	top mapi.Props // own properties, those that aren't large
}

func (d *directUpload) close(s *session) { closeWriter(s, d.w) }

// change sets properties, which the writer takes at its end too. What was written cannot be taken back.
func (d *directUpload) change(set mapi.Props, del []mapi.Key) error {
	if len(del) > 0 {
		return errUnsaved
	}
	for _, p := range set {
		if err := d.w.Prop(p.Key, p.Value); err != nil {
			return err
		}
		d.top.Set(p.Key, p.Value)
	}
	return nil
}

// receive begins an upload to an attachment.
func (a *attachment) receive(c *call) (*destination, error) {
	if !a.writable {
		return nil, mapi.ErrNoAccess
	}
	if err := a.endUpload(c); err != nil {
		return nil, err
	}
	b := newContent(mapi.Item{}, a.spool).builder()
	read := func(_ context.Context, r *oxcfxics.Reader) error {
		if err := b.Attachment(); err != nil {
			return err
		}
		if err := oxcfxics.ReadAttachment(r, b); err != nil {
			return err
		}
		return b.End()
	}
	a.upload = newDestination(c.s, read, func() error {
		got := b.Item.Attachments[0]
		for _, p := range got.Props {
			if p.Key.Tag != pid.TagAttachNumber {
				a.att.Props.Set(p.Key, p.Value)
			}
		}
		if got.Embedded != nil {
			a.att.Embedded = got.Embedded
		}
		a.changed = true
		return nil
	}, nil)
	return a.upload, nil
}
