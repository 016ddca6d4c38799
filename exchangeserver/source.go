package exchangeserver

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// source is a FastTransfer download ([MS-OXCFXICS] 3.2.5.8.1): its stream is written while it is fetched.
type source struct {
	out *oxcfxics.Producer
	err error
}

func (s *source) close() { s.out.Close() }

// newSource starts a download. What write writes has its 8-bit strings in the form that it gets.
func (c *call) newSource(lg *logon, send uint8, p pages, write func(context.Context, *oxcfxics.Writer, textForm) error) *source {
	opt := &oxcfxics.Options{
		Strings: oxcfxics.SendOptions(send).Strings(),
		PropID: func(n mapi.PropName) (uint16, error) {
			ids, err := lg.box.PropIDs(c.s.ctx, []mapi.PropName{n}, true)
			if err != nil {
				return 0, err
			}
			return ids[0], nil
		},
		Spool: func() (oxcfxics.Spool, error) { return c.s.newTransferSpool(), nil },
	}
	page := c.s.codePage(p.stored)
	if opt.Strings == oxcfxics.EightBit {
		page = c.s.codePage(p.wanted)
	}
	opt.CodePage, opt.Encoding = uint16(page), encodingOf(page)
	return &source{out: oxcfxics.NewProducer(c.s.ctx, opt, func(ctx context.Context, w *oxcfxics.Writer) error {
		form := textForm{page: page}
		if opt.Strings == oxcfxics.CodePages {
			form.each = w
		}
		return write(ctx, w, form)
	})}
}

// transferSpool is room for one value of unknown length.
type transferSpool struct {
	*spooled
	off int64
}

func (s *session) newTransferSpool() oxcfxics.Spool {
	return &transferSpool{spooled: &spooled{q: s.spool, dir: s.srv.spoolDir}}
}

func (t *transferSpool) Read(p []byte) (int, error) {
	n, err := t.ReadAt(p, t.off)
	t.off += int64(n)
	return n, err
}

func (t *transferSpool) Write(p []byte) (int, error) {
	n, err := t.WriteAt(p, t.off)
	t.off += int64(n)
	return n, err
}

func (t *transferSpool) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		off += t.off
	case io.SeekEnd:
		off += t.size
	}
	t.off = off
	return off, nil
}

func (t *transferSpool) Close() error {
	t.discard()
	return nil
}

// filter is a sink that leaves own properties and parts of an item out.
type filter struct {
	mapi.ItemSink
	skip     func(mapi.Key) bool // own properties
	noRecips bool
	noAttach bool

	depth   int
	skipped int // depth of the part that is left out, 0: none
}

func (f *filter) Prop(k mapi.Key, v mapi.Value) error {
	if f.skipped > 0 || f.depth == 0 && f.skip(k) {
		return nil
	}
	return f.ItemSink.Prop(k, v)
}

func (f *filter) Stream(k mapi.Key, size int64, r io.Reader) error {
	if f.skipped > 0 || f.depth == 0 && f.skip(k) {
		return nil
	}
	return f.ItemSink.Stream(k, size, r)
}

func (f *filter) open(leaveOut bool, open func() error) error {
	f.depth++
	if f.skipped == 0 && leaveOut && f.depth == 1 {
		f.skipped = f.depth
	}
	if f.skipped > 0 {
		return nil
	}
	return open()
}

func (f *filter) Recipient() error  { return f.open(f.noRecips, f.ItemSink.Recipient) }
func (f *filter) Attachment() error { return f.open(f.noAttach, f.ItemSink.Attachment) }
func (f *filter) Embedded() error   { return f.open(false, f.ItemSink.Embedded) }

func (f *filter) End() error {
	f.depth--
	if f.skipped > 0 {
		if f.depth < f.skipped {
			f.skipped = 0
		}
		return nil
	}
	return f.ItemSink.End()
}

// selection is which properties and parts of an object are sent.
type selection struct {
	ids     map[uint16]bool
	names   map[mapi.PropName]bool
	include bool // those listed, else all others
	shallow bool // no parts (Level)
}

func (lg *logon) selection(c *call, tags []mapi.Tag, include bool, level uint8) (*selection, error) {
	keys, err := lg.keys(c, tags)
	if err != nil {
		return nil, err
	}
	s := &selection{ids: map[uint16]bool{}, names: map[mapi.PropName]bool{}, include: include, shallow: level != 0}
	for _, k := range keys {
		if k.Named() {
			s.names[k.Name] = true
		} else if k != noKey {
			s.ids[k.Tag.ID()] = true
		}
	}
	return s, nil
}

func (s *selection) has(k mapi.Key) bool {
	if k.Named() {
		return s.names[k.Name] == s.include
	}
	return s.ids[k.Tag.ID()] == s.include
}

// part tells whether a kind of parts is sent, which is named by a property.
func (s *selection) part(t mapi.Tag) bool { return !s.shallow && s.ids[t.ID()] == s.include }

func (s *selection) filter(sink mapi.ItemSink) mapi.ItemSink {
	return &filter{ItemSink: sink, skip: func(k mapi.Key) bool { return !s.has(k) },
		noRecips: !s.part(pid.TagMessageRecipients), noAttach: !s.part(pid.TagMessageAttachments)}
}

// sourceCopyTo is RopFastTransferSourceCopyTo and RopFastTransferSourceCopyProperties ([MS-OXCFXICS] 3.2.5.8.1.1,
// 3.2.5.8.1.2).
func (c *call) sourceCopyTo(in, out, level, send uint8, tags []mapi.Tag, include bool) (oxcrops.Response, error) {
	s, err := c.at(in)
	if err != nil {
		return nil, err
	}
	sel, err := s.lg.selection(c, tags, include, level)
	if err != nil {
		return nil, err
	}
	var src *source
	switch o := s.obj.(type) {
	case *message:
		src, err = o.send(c, send, sel)
	case *attachment:
		src, err = o.send(c, send, sel)
	case *folder:
		src, err = o.send(c, send, sel)
	default:
		err = mapi.ErrNoSupport
	}
	if err != nil {
		return nil, err
	}
	return nil, c.put(out, s.lg, src)
}

// send downloads the message as it is: the working copy if it was changed, else what the store has.
func (m *message) send(c *call, send uint8, sel *selection) (*source, error) {
	if err := m.endUpload(c); err != nil {
		return nil, err
	}
	write := func(ctx context.Context, sink mapi.ItemSink) error { return m.dir.Read(ctx, m.id, sink) }
	if m.att != nil || m.id == "" || m.direct != nil || m.work != nil && m.work.changed() {
		w, err := m.content(c)
		if err != nil {
			return nil, err
		}
		it := cloneItem(&w.Item)
		if it.Props, err = m.props(c); err != nil {
			return nil, err
		}
		write = func(_ context.Context, sink mapi.ItemSink) error { return it.WriteTo(sink) }
	}
	return c.newSource(m.lg, send, m.pages(), func(ctx context.Context, w *oxcfxics.Writer, form textForm) error {
		out := oxcfxics.NewContentWriter(w)
		if err := c.s.inForm(form, write)(ctx, sel.filter(out)); err != nil {
			return err
		}
		return out.Close()
	}), nil
}

func (a *attachment) send(c *call, send uint8, sel *selection) (*source, error) {
	props, err := a.props(c)
	if err != nil {
		return nil, err
	}
	props = slices.DeleteFunc(props, func(p mapi.Prop) bool { return !sel.has(p.Key) })
	embedded := a.att.Embedded
	if embedded != nil && sel.part(pid.TagAttachDataObject) {
		embedded = cloneItem(embedded)
	} else {
		embedded = nil
	}
	return c.newSource(a.m.lg, send, a.pages(), func(_ context.Context, w *oxcfxics.Writer, _ textForm) error {
		out := oxcfxics.NewAttachmentWriter(w)
		for _, p := range props {
			if err := out.Prop(p.Key, p.Value); err != nil {
				return err
			}
		}
		if embedded != nil {
			if err := out.Embedded(); err != nil {
				return err
			}
			if err := embedded.WriteTo(out); err != nil {
				return err
			}
			if err := out.End(); err != nil {
				return err
			}
		}
		return out.Close()
	}), nil
}

func (f *folder) send(c *call, send uint8, sel *selection) (*source, error) {
	props, err := f.props(c)
	if err != nil {
		return nil, err
	}
	props = slices.DeleteFunc(sentFolderProps(props, false), func(p mapi.Prop) bool { return !sel.has(p.Key) })
	parts := folderParts{sel.part(pid.TagContainerContents), sel.part(pid.TagFolderAssociatedContents), sel.part(pid.TagContainerHierarchy)}
	return c.newSource(f.lg, send, pages{}, func(ctx context.Context, w *oxcfxics.Writer, form textForm) error {
		p := oxcfxics.NewPartWriter(w, oxcfxics.RootFolder)
		if err := c.send(ctx, p, form, f.lg, f.dir, &oxcfxics.Folder{Props: props}, parts, folderParts{true, true, true}); err != nil {
			return err
		}
		return p.Close()
	}), nil
}

// sourceCopyMessages is RopFastTransferSourceCopyMessages ([MS-OXCFXICS] 3.2.5.8.1.3). Messages that are gone are left out.
func (c *call) sourceCopyMessages(q *oxcrops.FastTransferSourceCopyMessagesRequest) (oxcrops.Response, error) {
	f, err := get[*folder](c, q.In)
	if err != nil {
		return nil, err
	}
	ids := f.entryIDs(q.MessageIDs)
	associated := map[mapi.EntryID]bool{}
	for r, err := range f.dir.Rows(c, mapi.Query{Kind: mapi.Associated}) {
		if err != nil {
			return nil, err
		}
		associated[r.ID] = true
	}
	src := c.newSource(f.lg, q.SendOptions, pages{}, func(ctx context.Context, w *oxcfxics.Writer, form textForm) error {
		w.Total(len(ids))
		p := oxcfxics.NewPartWriter(w, oxcfxics.RootMessageList)
		for _, id := range ids {
			sink := &lateMessage{p: p, message: &oxcfxics.Message{Associated: associated[id]}}
			if q.CopyFlags&copySendEntryID != 0 {
				sink.entryID = []byte(id)
			}
			read := func(ctx context.Context, to mapi.ItemSink) error { return f.dir.Read(ctx, id, to) }
			if err := c.s.inForm(form, read)(ctx, sink); err != nil && !(errors.Is(err, mapi.ErrNotFound) && sink.ItemSink == nil) {
				return err
			}
		}
		return p.Close()
	})
	return nil, c.put(q.Out, f.lg, src)
}

// lateMessage is the sink that begins a message in a list with the first that comes of it: one that is gone has none.
type lateMessage struct {
	mapi.ItemSink // nil until then
	p             *oxcfxics.PartWriter
	message       *oxcfxics.Message
	progress      *oxcfxics.MessageProgress // goes before it, if set
	entryID       []byte                    // goes first, so that the receiver knows which it is; nil: not wanted
	depth         int                       // above 0 once the message's own properties are over
}

func (l *lateMessage) begin() error {
	if l.ItemSink != nil {
		return nil
	}
	if l.progress != nil {
		if err := l.p.Write(l.progress); err != nil {
			return err
		}
	}
	w, err := l.p.Message(l.message)
	if err != nil {
		return err
	}
	l.ItemSink = w
	if l.entryID != nil {
		return w.Prop(mapi.TagKey(pid.TagEntryId), l.entryID)
	}
	return nil
}

func (l *lateMessage) Prop(k mapi.Key, v mapi.Value) error {
	if err := l.begin(); err != nil {
		return err
	}
	if k.Tag == pid.TagEntryId && !k.Named() && l.depth == 0 {
		return nil
	}
	return l.ItemSink.Prop(k, v)
}

func (l *lateMessage) Stream(k mapi.Key, size int64, r io.Reader) error {
	if err := l.begin(); err != nil {
		return err
	}
	return l.ItemSink.Stream(k, size, r)
}

func (l *lateMessage) Recipient() error {
	if err := l.begin(); err != nil {
		return err
	}
	l.depth++
	return l.ItemSink.Recipient()
}

func (l *lateMessage) Attachment() error {
	if err := l.begin(); err != nil {
		return err
	}
	l.depth++
	return l.ItemSink.Attachment()
}

// copySendEntryID asks CopyMessages to send PidTagEntryId ([MS-OXCFXICS] 2.2.3.1.1.3.1).
const copySendEntryID = 0x20

// sourceCopyFolder is RopFastTransferSourceCopyFolder ([MS-OXCFXICS] 3.2.5.8.1.4).
func (c *call) sourceCopyFolder(q *oxcrops.FastTransferSourceCopyFolderRequest) (oxcrops.Response, error) {
	const withSubfolders = 0x10
	f, err := get[*folder](c, q.In)
	if err != nil {
		return nil, err
	}
	props, err := f.props(c)
	if err != nil {
		return nil, err
	}
	props = sentFolderProps(props, true)
	src := c.newSource(f.lg, q.SendOptions, pages{}, func(ctx context.Context, w *oxcfxics.Writer, form textForm) error {
		p := oxcfxics.NewPartWriter(w, oxcfxics.RootTopFolder)
		parts := folderParts{true, true, q.CopyFlags&withSubfolders != 0}
		if err := c.send(ctx, p, form, f.lg, f.dir, &oxcfxics.Folder{Props: props}, parts, parts); err != nil {
			return err
		}
		return p.Close()
	})
	return nil, c.put(q.Out, f.lg, src)
}

// sourceAt is the download in a place of the handle table. One of changes begins when it is asked for first, because its
// state comes after it was configured.
func (c *call) sourceAt(i uint8) (*source, error) {
	s, err := c.at(i)
	if err != nil {
		return nil, err
	}
	switch o := s.obj.(type) {
	case *source:
		return o, nil
	case *syncDownload:
		return o.begin(c)
	}
	return nil, mapi.ErrNoSupport
}

// bufferFraming is the response of RopFastTransferSourceGetBuffer without its data.
const bufferFraming = replySize + 2 + 2 + 2 + 1 + 2

// getBuffer is RopFastTransferSourceGetBuffer ([MS-OXCFXICS] 3.2.5.8.1.5).
func (c *call) getBuffer(q *oxcrops.FastTransferSourceGetBufferRequest) (oxcrops.Response, error) {
	resp := &oxcrops.FastTransferSourceGetBufferResponse{}
	s, err := c.sourceAt(q.In)
	if err != nil {
		return resp, err
	}
	size := c.room - bufferFraming
	if asked := int(q.BufferSize); q.BufferSize != oxcrops.MaximumSize {
		size = min(size, asked)
	} else if q.MaximumBufferSize > 0 {
		size = min(size, int(q.MaximumBufferSize))
	}
	if s.err != nil {
		return resp, s.err
	}
	chunk, err := s.out.GetBuffer(c, size)
	if err != nil {
		s.err = err
		return resp, err
	}
	resp.TransferStatus = uint16(chunk.Status)
	resp.TransferBuffer = chunk.Data
	resp.TotalStepCount = uint16(min(max(chunk.Steps, 1), 0xFFFF))
	resp.InProgressCount = uint16(min(chunk.Step, int(resp.TotalStepCount)))
	return resp, nil
}
