package exchange

import (
	"context"
	"io"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// writer writes one item. Its stream goes to the server by FastTransfer as it comes; an item that fits one request is
// opened, filled and saved in a single call.
type writer struct {
	*textSource
	content *oxcfxics.ContentWriter // behind it

	f   *folder
	ctx context.Context
	up  upload
	id  mapi.EntryID // of the item being replaced; empty for a new one

	given map[uint16]bool // ids of properties of the item itself that were written
	depth int             // of recipients, attachments and embedded items
	ended bool
}

const destinationCopyTo = 1

// Create implements mapi.Folder.
func (f *folder) Create(ctx context.Context, k mapi.Kind) (mapi.ItemWriter, error) {
	if k == mapi.SoftDeleted {
		return nil, errSoftDeleted
	}
	return f.newWriter(ctx, "", func(ctx context.Context, s *session, b *batch) (uint8, error) {
		const logonCodePage = 0x0FFF
		fid, err := f.st.wireID(ctx, s, f.lid)
		if err != nil {
			return 0, err
		}
		in, out := b.in(s.logon), b.out()
		b.add(&oxcrops.CreateMessageRequest{In: in, Out: out, CodePageID: logonCodePage, FolderID: fid, AssociatedFlag: k == mapi.Associated})
		return out, nil
	}), nil
}

// Replace implements mapi.Folder: the message is opened, emptied and filled anew; the server shows nothing of it before it
// is saved.
func (f *folder) Replace(ctx context.Context, id mapi.EntryID) (mapi.ItemWriter, error) {
	if _, _, err := parseMessage(id); err != nil {
		return nil, err
	}
	if err := f.exists(ctx, id); err != nil {
		return nil, err
	}
	w := f.newWriter(ctx, id, func(ctx context.Context, s *session, b *batch) (uint8, error) {
		return f.openMessage(ctx, s, b, id, openReadWrite)
	})
	w.up.prepare = f.empty
	return w, nil
}

func (f *folder) newWriter(ctx context.Context, id mapi.EntryID, begin func(context.Context, *session, *batch) (uint8, error)) *writer {
	w := &writer{f: f, ctx: ctx, id: id, given: map[uint16]bool{}}
	w.up = upload{st: f.st, operation: destinationCopyTo, begin: begin, object: none, target: none}
	// With the marks that clear recipients and attachments, which a new item doesn't need: gromox takes a stream that ends
	// in a multi-valued property for one that breaks off in it, and forgets that property.
	w.content = oxcfxics.NewContentWriter(oxcfxics.NewWriter(w, &oxcfxics.Options{DelProps: true}))
	w.textSource = newTextSource(w.content)
	return w
}

// Prop implements mapi.ItemSink.
func (w *writer) Prop(k mapi.Key, v mapi.Value) error {
	w.note(k)
	return w.textSource.Prop(k, v)
}

// Stream implements mapi.ItemSink.
func (w *writer) Stream(k mapi.Key, size int64, r io.Reader) error {
	w.note(k)
	return w.textSource.Stream(k, size, r)
}

// Recipient implements mapi.ItemSink.
func (w *writer) Recipient() error {
	w.depth++
	return w.textSource.Recipient()
}

// Attachment implements mapi.ItemSink.
func (w *writer) Attachment() error {
	w.depth++
	return w.textSource.Attachment()
}

// Embedded implements mapi.ItemSink.
func (w *writer) Embedded() error {
	w.depth++
	return w.textSource.Embedded()
}

// End implements mapi.ItemSink.
func (w *writer) End() error {
	w.depth--
	return w.textSource.End()
}

func (w *writer) note(k mapi.Key) {
	if w.depth == 0 && !k.Named() {
		w.given[k.Tag.ID()] = true
	}
}

// defaults are properties that servers give to new messages ([MS-OXCMSG] 3.2.5.2). Those that the item doesn't have are
// removed again before it is saved. Bodies that servers render from the one that was given ([MS-OXBBODY]) stay: they follow
// from it, and some servers render them on saving only.
var defaults = []mapi.Tag{
	pid.TagImportance, pid.TagSensitivity, pid.TagPriority, pid.TagOriginatorDeliveryReportRequested,
	pid.TagReadReceiptRequested, pid.TagNonReceiptNotificationRequested, pid.TagTrustSender, pid.TagMessageLocaleId,
	pid.TagLocaleId, pid.TagMessageCodepage, pid.TagInternetMessageId,
}

func (w *writer) unwanted() []mapi.Tag {
	var list []mapi.Tag
	for _, t := range defaults {
		if !w.given[t.ID()] {
			list = append(list, t)
		}
	}
	return list
}

// Atom implements oxcfxics.Output: what must stay together goes into one buffer.
func (w *writer) Atom(p []byte) error {
	if w.ended {
		return errEnded
	}
	if len(w.up.buf)+len(p) > putMost {
		if err := w.up.flush(w.ctx); err != nil {
			return err
		}
	}
	return w.up.put(p)
}

// Data implements oxcfxics.Output.
func (w *writer) Data(p []byte) error {
	if w.ended {
		return errEnded
	}
	for len(p) > 0 {
		if len(w.up.buf) == putMost {
			if err := w.up.flush(w.ctx); err != nil {
				return err
			}
		}
		n := min(len(p), putMost-len(w.up.buf))
		if err := w.up.put(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// Commit implements mapi.ItemWriter.
func (w *writer) Commit(ctx context.Context) (mapi.EntryID, error) {
	if w.ended {
		return "", errEnded
	}
	defer w.Close()
	if err := w.release(); err != nil {
		return "", err
	}
	if err := w.content.Close(); err != nil {
		return "", err
	}
	res, err := w.up.send(ctx, func(b *batch, message, target uint8) {
		const keepOpenReadOnly = 0x01
		b.add(&oxcrops.ReleaseRequest{In: target})
		if tags := w.unwanted(); len(tags) > 0 {
			b.add(&oxcrops.DeletePropertiesRequest{In: message, Tags: tags})
		}
		b.add(&oxcrops.SaveChangesMessageRequest{ResponseIndex: message, In: message, SaveFlags: keepOpenReadOnly})
	})
	if err != nil || w.id != "" {
		return w.id, err
	}
	saved, err := answer[*oxcrops.SaveChangesMessageResponse](res)
	if err != nil {
		return "", err
	}
	return w.f.st.messageEntry(ctx, w.up.s, w.f.lid, saved.MessageID)
}

// Close implements mapi.ItemWriter.
func (w *writer) Close() error {
	w.ended = true
	w.up.close()
	return nil
}
