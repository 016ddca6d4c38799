package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// writer writes an item: its stream goes to the server by FastTransfer as it comes. Items that fit one request are opened,
// filled and saved in a single call; larger ones hold a session until they are committed.
type writer struct {
	*oxcfxics.ContentWriter
	f   *folder
	ctx context.Context

	// begin adds opening the message to a batch and gives its slot; prepare runs before the upload, once it is open.
	begin   func(context.Context, *session, *batch) (uint8, error)
	prepare func(context.Context, *session, handle) error
	id      mapi.EntryID // of the item being replaced; empty for a new one

	given map[mapi.Tag]bool // properties of the item itself that were written
	depth int               // of recipients, attachments and embedded items

	s       *session
	message handle
	target  handle
	buf     []byte
	ended   bool
}

const (
	destinationCopyTo = 1
	// putMost is the data of one PutBuffer: a request of 32 KiB less framing.
	putMost = 0x7B00
)

// Create implements mapi.Folder.
func (f *folder) Create(ctx context.Context, k mapi.Kind) (mapi.ItemWriter, error) {
	if k == mapi.SoftDeleted {
		return nil, &mapi.Error{Op: "create item", Code: mapi.ErrNoSupport, Err: errors.New("items are not created as deleted")}
	}
	w := &writer{f: f, ctx: ctx, given: map[mapi.Tag]bool{}, message: none, target: none}
	w.begin = func(ctx context.Context, s *session, b *batch) (uint8, error) {
		const logonCodePage = 0x0FFF
		fid, err := f.st.wireID(ctx, s, f.lid)
		if err != nil {
			return 0, err
		}
		in, out := b.in(s.logon), b.out()
		b.add(&oxcrops.CreateMessageRequest{In: in, Out: out, CodePageID: logonCodePage, FolderID: fid, AssociatedFlag: k == mapi.Associated})
		return out, nil
	}
	w.content()
	return w, nil
}

// Replace implements mapi.Folder: the message is opened, emptied and filled anew; the server shows nothing of it before it
// is saved.
func (f *folder) Replace(ctx context.Context, id mapi.EntryID) (mapi.ItemWriter, error) {
	if _, _, err := parseMessage(id); err != nil {
		return nil, err
	}
	w := &writer{f: f, ctx: ctx, given: map[mapi.Tag]bool{}, id: id, message: none, target: none}
	w.begin = func(ctx context.Context, s *session, b *batch) (uint8, error) {
		return f.openMessage(ctx, s, b, id, openReadWrite)
	}
	w.prepare = f.empty
	if err := f.exists(ctx, id); err != nil {
		return nil, err
	}
	w.content()
	return w, nil
}

func (w *writer) content() {
	w.ContentWriter = oxcfxics.NewContentWriter(oxcfxics.NewWriter(w, &oxcfxics.Options{}))
}

// Prop implements mapi.ItemSink.
func (w *writer) Prop(k mapi.Key, v mapi.Value) error {
	w.note(k)
	return w.ContentWriter.Prop(k, v)
}

// Stream implements mapi.ItemSink.
func (w *writer) Stream(k mapi.Key, size int64, r io.Reader) error {
	w.note(k)
	return w.ContentWriter.Stream(k, size, r)
}

// Recipient implements mapi.ItemSink.
func (w *writer) Recipient() error {
	w.depth++
	return w.ContentWriter.Recipient()
}

// Attachment implements mapi.ItemSink.
func (w *writer) Attachment() error {
	w.depth++
	return w.ContentWriter.Attachment()
}

// Embedded implements mapi.ItemSink.
func (w *writer) Embedded() error {
	w.depth++
	return w.ContentWriter.Embedded()
}

// End implements mapi.ItemSink.
func (w *writer) End() error {
	w.depth--
	return w.ContentWriter.End()
}

func (w *writer) note(k mapi.Key) {
	if w.depth == 0 && !k.Named() {
		w.given[k.Tag] = true
	}
}

// defaults are properties that servers give to new messages ([MS-OXCMSG] 3.2.5.2). Those that the item doesn't have are
// removed again before it is saved.
var defaults = []mapi.Tag{
	pid.TagImportance, pid.TagSensitivity, pid.TagPriority, pid.TagOriginatorDeliveryReportRequested,
	pid.TagReadReceiptRequested, pid.TagTrustSender, pid.TagMessageLocaleId, pid.TagLocaleId, pid.TagMessageCodepage,
	pid.TagCreatorName, pid.TagCreatorEntryId,
}

func (w *writer) unwanted() []mapi.Tag {
	var list []mapi.Tag
	for _, t := range defaults {
		if !w.given[t] {
			list = append(list, t)
		}
	}
	return list
}

// Atom implements oxcfxics.Output: what must stay together goes into one buffer.
func (w *writer) Atom(p []byte) error {
	if len(w.buf)+len(p) > putMost {
		if err := w.flush(w.ctx, false); err != nil {
			return err
		}
	}
	return w.Data(p)
}

// Data implements oxcfxics.Output.
func (w *writer) Data(p []byte) error {
	if w.ended {
		return errEnded
	}
	for len(p) > 0 {
		if len(w.buf) == putMost {
			if err := w.flush(w.ctx, false); err != nil {
				return err
			}
		}
		n := min(len(p), putMost-len(w.buf))
		w.buf = append(w.buf, p[:n]...)
		p = p[n:]
	}
	return nil
}

var errEnded = &mapi.Error{Op: "write item", Code: mapi.ErrInvalidObject, Err: errors.New("the writer has ended")}

// flush sends what is buffered, opening the message before the first, and saving it after the last.
func (w *writer) flush(ctx context.Context, last bool) error {
	if w.s == nil {
		s, err := w.f.st.acquire(ctx, w.f.st.writing)
		if err != nil {
			return err
		}
		w.s = s
	}
	err := w.send(ctx, last)
	if err != nil && lost(err) && w.s.calls == 0 { // a session from the pool was stale: nothing has happened yet
		w.f.st.release(w.s)
		w.s = nil
		return w.flush(ctx, last)
	}
	return err
}

func (w *writer) send(ctx context.Context, last bool) error {
	var b batch
	message, target := uint8(0), uint8(0)
	if w.message == none {
		var err error
		if message, err = w.begin(ctx, w.s, &b); err != nil {
			return err
		}
		if w.prepare != nil {
			if err := w.openAndPrepare(ctx, &b, message); err != nil {
				return err
			}
			b = batch{}
			message = b.in(w.message)
		}
	} else {
		message = b.in(w.message)
	}
	if w.target == none {
		target = b.out()
		b.add(&oxcrops.FastTransferDestinationConfigureRequest{In: message, Out: target, SourceOperation: destinationCopyTo})
	} else {
		target = b.in(w.target)
	}
	if len(w.buf) > 0 {
		b.add(&oxcrops.FastTransferDestinationPutBufferRequest{In: target, TransferData: w.buf})
	}
	if last {
		const keepOpenReadOnly = 0x01
		b.add(&oxcrops.ReleaseRequest{In: target})
		b.add(&oxcrops.DeletePropertiesRequest{In: message, Tags: w.unwanted()})
		b.add(&oxcrops.SaveChangesMessageRequest{ResponseIndex: message, In: message, SaveFlags: keepOpenReadOnly})
	}
	res, err := w.s.execute(ctx, &b)
	if err != nil {
		return err
	}
	if w.message == none {
		w.message = res.at(message)
	}
	if last {
		w.target = none
	} else if w.target == none {
		w.target = res.at(target)
	}
	if err := res.check("write item"); err != nil {
		return err
	}
	if x, err := answer[*oxcrops.FastTransferDestinationPutBufferResponse](res); err == nil && int(x.BufferUsedSize) != len(w.buf) {
		return &mapi.Error{Op: "write item", Code: mapi.ErrCallFailed,
			Err: fmt.Errorf("the server took %d of %d bytes", x.BufferUsedSize, len(w.buf))}
	}
	w.buf = w.buf[:0]
	if !last || w.id != "" {
		return nil
	}
	return w.learnID(ctx, res)
}

func (w *writer) openAndPrepare(ctx context.Context, b *batch, slot uint8) error {
	res, err := w.s.execute(ctx, b)
	if err != nil {
		return err
	}
	if err := res.check("open item"); err != nil {
		return err
	}
	w.message = res.at(slot)
	return w.prepare(ctx, w.s, w.message)
}

// learnID makes the entry id of what was saved.
func (w *writer) learnID(ctx context.Context, res *result) error {
	saved, err := answer[*oxcrops.SaveChangesMessageResponse](res)
	if err != nil {
		return err
	}
	w.id, err = w.f.st.messageEntry(ctx, w.s, w.f.lid, saved.MessageID)
	return err
}

// Commit implements mapi.ItemWriter.
func (w *writer) Commit(ctx context.Context) (mapi.EntryID, error) {
	if w.ended {
		return "", errEnded
	}
	err := w.ContentWriter.Close()
	if err == nil {
		err = w.flush(ctx, true)
	}
	w.Close()
	if err != nil {
		return "", err
	}
	return w.id, nil
}

// Close implements mapi.ItemWriter.
func (w *writer) Close() error {
	if w.ended {
		return nil
	}
	w.ended = true
	if w.s != nil {
		w.s.free(w.target, w.message)
		w.f.st.release(w.s)
		w.s = nil
	}
	return nil
}
