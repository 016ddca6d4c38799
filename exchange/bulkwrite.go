package exchange

import (
	"context"
	"errors"
	"io"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/mapi"
)

const destinationCopyMessages = 3 // SourceOperation of RopFastTransferDestinationConfigure

// bulkItems uploads a list of messages to a folder ([MS-OXCFXICS] 3.3.5.8.1: CopyMessages). The server makes each message as
// it comes, without the properties that it would give to one created by a client, and without rendering its other bodies.
type bulkItems struct {
	f   *folder
	ctx context.Context
	fai bool

	parts *oxcfxics.PartWriter
	item  *textSource // takes the item being pushed; nil between items
	up    upload
	whole int  // bytes of the buffer up to the end of the last whole item
	torn  bool // a part of the item being pushed was sent
	ended bool
	// broken is the error of a buffer that was not taken: with it the end of whole items may have got lost.
	broken error
}

// WriteAll implements mapi.BulkWriter.
func (f *folder) WriteAll(ctx context.Context, k mapi.Kind) (mapi.BulkItems, error) {
	if k == mapi.SoftDeleted {
		return nil, errSoftDeleted
	}
	w := &bulkItems{f: f, ctx: ctx, fai: k == mapi.Associated}
	w.up = upload{st: f.st, operation: destinationCopyMessages, begin: f.open, object: none, target: none}
	w.start()
	return w, nil
}

// start begins a new list: at the beginning, and after the server's half of one was thrown away.
func (w *bulkItems) start() {
	w.parts = oxcfxics.NewPartWriter(oxcfxics.NewWriter(w, &oxcfxics.Options{}), oxcfxics.RootMessageList)
	w.item, w.torn, w.whole = nil, false, 0
}

// Atom implements oxcfxics.Output.
func (w *bulkItems) Atom(p []byte) error {
	if err := w.room(len(p)); err != nil {
		return err
	}
	return w.up.put(p)
}

// Data implements oxcfxics.Output.
func (w *bulkItems) Data(p []byte) error {
	for len(p) > 0 {
		if err := w.room(1); err != nil {
			return err
		}
		n := min(len(p), putMost-len(w.up.buf))
		if err := w.up.put(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// room sends what is buffered when n bytes more do not fit.
func (w *bulkItems) room(n int) error {
	if len(w.up.buf)+n <= putMost {
		return nil
	}
	if len(w.up.buf) > w.whole {
		w.torn = true
	}
	return w.flush()
}

func (w *bulkItems) flush() error {
	if w.broken == nil {
		w.whole = 0
		w.broken = w.up.flush(w.ctx)
	}
	return w.broken
}

// sink takes the item being pushed; it is begun when the first part of it comes.
func (w *bulkItems) sink() (*textSource, error) {
	if w.ended {
		return nil, errEnded
	}
	if w.item == nil {
		content, err := w.parts.Message(&oxcfxics.Message{Associated: w.fai})
		if err != nil {
			return nil, err
		}
		w.item = newTextSource(content)
	}
	return w.item, nil
}

// Prop implements mapi.ItemSink.
func (w *bulkItems) Prop(k mapi.Key, v mapi.Value) error {
	c, err := w.sink()
	if err != nil {
		return err
	}
	return c.Prop(k, v)
}

// Stream implements mapi.ItemSink.
func (w *bulkItems) Stream(k mapi.Key, size int64, r io.Reader) error {
	c, err := w.sink()
	if err != nil {
		return err
	}
	return c.Stream(k, size, r)
}

// Recipient implements mapi.ItemSink.
func (w *bulkItems) Recipient() error {
	c, err := w.sink()
	if err != nil {
		return err
	}
	return c.Recipient()
}

// Attachment implements mapi.ItemSink.
func (w *bulkItems) Attachment() error {
	c, err := w.sink()
	if err != nil {
		return err
	}
	return c.Attachment()
}

// Embedded implements mapi.ItemSink.
func (w *bulkItems) Embedded() error {
	c, err := w.sink()
	if err != nil {
		return err
	}
	return c.Embedded()
}

// End implements mapi.ItemSink.
func (w *bulkItems) End() error {
	c, err := w.sink()
	if err != nil {
		return err
	}
	return c.End()
}

// Next implements mapi.BulkItems.
func (w *bulkItems) Next() error {
	item, err := w.sink()
	if err != nil {
		return err
	}
	if err := item.release(); err != nil {
		return err
	}
	if err := w.parts.EndMessage(); err != nil {
		return err
	}
	w.item, w.torn, w.whole = nil, false, len(w.up.buf)
	return nil
}

// Drop implements mapi.BulkItems: what the server has of the item goes with the upload that carried it.
func (w *bulkItems) Drop() error {
	if w.broken != nil {
		return w.broken
	}
	torn := w.torn
	w.up.buf = w.up.buf[:min(w.whole, len(w.up.buf))]
	keep := w.whole
	w.start()
	if torn {
		w.up.buf = w.up.buf[:0]
		w.up.abandon()
		return nil
	}
	w.whole = keep
	return nil
}

// Flush implements mapi.BulkItems.
func (w *bulkItems) Flush() error {
	if w.item != nil {
		return &mapi.Error{Op: "write items", Code: mapi.ErrInvalidParameter, Err: errors.New("an item is under way")}
	}
	if len(w.up.buf) == 0 {
		return w.broken
	}
	return w.flush()
}

// Close implements mapi.BulkItems.
func (w *bulkItems) Close() error {
	w.ended = true
	w.up.close()
	return nil
}
