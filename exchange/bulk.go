package exchange

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// bulkMost bounds the items of one download: what fits a request, and what is lost time when the download breaks.
const bulkMost = 500

// ReadAll implements mapi.BulkReader: the items come in one FastTransfer stream, as fast as the server can send it. What
// the stream leaves out, or all that is left when it breaks, is read item by item.
func (f *folder) ReadAll(ctx context.Context, ids []mapi.EntryID) iter.Seq2[mapi.EntryID, func(mapi.ItemSink) error] {
	return func(yield func(mapi.EntryID, func(mapi.ItemSink) error) bool) {
		for len(ids) > 0 {
			n := min(len(ids), bulkMost)
			if !f.readSome(ctx, ids[:n], yield) {
				return
			}
			ids = ids[n:]
		}
	}
}

// readSome reads one download's worth; it reports whether the loop goes on.
func (f *folder) readSome(ctx context.Context, ids []mapi.EntryID, yield func(mapi.EntryID, func(mapi.ItemSink) error) bool) bool {
	waiting := make(map[oxcdata.ID]mapi.EntryID, len(ids))
	order := make([]oxcdata.ID, 0, len(ids))
	more := true
	err := f.st.with(ctx, func(s *session) error {
		clear(waiting)
		order = order[:0]
		for _, id := range ids {
			_, l, err := parseMessage(id)
			if err != nil {
				continue // read alone it says what is wrong
			}
			mid, err := f.st.wireID(ctx, s, l)
			if err != nil {
				return err
			}
			waiting[mid] = id
			order = append(order, mid)
		}
		var b batch
		in, err := f.open(ctx, s, &b)
		if err != nil {
			return err
		}
		out := b.out()
		b.add(&oxcrops.FastTransferSourceCopyMessagesRequest{In: in, Out: out, MessageIDs: order, CopyFlags: copySendIDs, SendOptions: sendForUpload})
		d, err := startDownload(ctx, s, &b, out)
		if err != nil {
			return err
		}
		defer d.close()
		r := oxcfxics.NewReader(d)
		for part, err := range oxcfxics.Parts(r, oxcfxics.RootMessageList) {
			if err != nil {
				return err
			}
			m, ok := part.(*oxcfxics.Message)
			if !ok {
				continue
			}
			mid, read, stop := identified(m, r, &f.st.ids)
			id, known := waiting[mid]
			if known {
				delete(waiting, mid)
				f.st.lend(func() { more = yield(id, read) })
			}
			stop()
			if !more {
				return errStopped
			}
		}
		return nil
	})
	if !more {
		return false
	}
	if err != nil {
		f.st.log("download of many items broke, going on one by one", "error", err, "left", len(waiting))
	}
	left := make(map[mapi.EntryID]bool, len(waiting))
	for _, id := range waiting {
		left[id] = true
	}
	for _, id := range ids {
		_, l, perr := parseMessage(id)
		if _, known := f.st.ids.known(l); perr == nil && known && !left[id] {
			continue
		}
		if !yield(id, func(w mapi.ItemSink) error { return f.Read(ctx, id, w) }) {
			return false
		}
	}
	return true
}

// identified reads a message of a list as far as the property that says which it is, and gives a function that reads it
// whole. stop ends the reading, wherever it is.
func identified(m *oxcfxics.Message, r *oxcfxics.Reader, ids *idMap) (mid oxcdata.ID, read func(mapi.ItemSink) error, stop func()) {
	g := &gate{ids: ids}
	resume, stop := iter.Pull(func(yield func(struct{}) bool) {
		g.found = func() bool { return yield(struct{}{}) }
		t := newTextSink(g, r)
		if g.err = m.Content(t); g.err == nil {
			g.err = t.release()
		}
		g.done = true
	})
	resume()
	read = func(w mapi.ItemSink) error {
		g.sink = w
		for _, p := range g.held {
			if err := g.sink.Prop(p.Key, p.Value); err != nil {
				return err
			}
		}
		g.held = nil
		for !g.done {
			resume()
		}
		return g.err
	}
	return g.mid, read, stop
}

// gate is a sink that holds an item's properties until it knows which item it is, then waits for the sink that takes them.
type gate struct {
	ids   *idMap
	found func() bool // gives control to the reader of the list
	mid   oxcdata.ID
	held  mapi.Props
	sink  mapi.ItemSink
	done  bool
	err   error
}

var errUnidentified = &mapi.Error{Op: "download", Code: mapi.ErrNotFound, Err: errors.New("an item without its id")}

func (g *gate) open() error {
	if g.sink == nil && g.mid == 0 {
		return errUnidentified
	}
	return nil
}

// Prop implements mapi.ItemSink.
func (g *gate) Prop(k mapi.Key, v mapi.Value) error {
	if g.sink != nil {
		return g.sink.Prop(k, v)
	}
	g.held = append(g.held, mapi.Prop{Key: k, Value: v})
	if k == mapi.TagKey(pid.TagMid) {
		g.mid, _ = idOf(v)
	} else if b, ok := v.([]byte); ok && k == mapi.TagKey(pid.TagEntryId) && g.mid == 0 {
		if _, l, err := parseMessage(mapi.EntryID(b)); err == nil {
			g.mid, _ = g.ids.known(l)
		}
	}
	if g.mid == 0 {
		return nil
	}
	if !g.found() || g.sink == nil {
		return errStopped
	}
	return nil
}

// Stream implements mapi.ItemSink.
func (g *gate) Stream(k mapi.Key, size int64, r io.Reader) error {
	if err := g.open(); err != nil {
		return err
	}
	return g.sink.Stream(k, size, r)
}

// Recipient implements mapi.ItemSink.
func (g *gate) Recipient() error {
	if err := g.open(); err != nil {
		return err
	}
	return g.sink.Recipient()
}

// Attachment implements mapi.ItemSink.
func (g *gate) Attachment() error {
	if err := g.open(); err != nil {
		return err
	}
	return g.sink.Attachment()
}

// Embedded implements mapi.ItemSink.
func (g *gate) Embedded() error { return g.sink.Embedded() }

// End implements mapi.ItemSink.
func (g *gate) End() error { return g.sink.End() }
