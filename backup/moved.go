package backup

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// An item that was moved has another source key and another place, but its bodies and attachments are those of the item that
// is gone from the folder it was in. These are taken from the last snapshot; the rest is read, which is little.

// movedLeast is the size from which that pays: smaller items come in bulk, many in one answer.
const movedLeast = 16 << 10

// held are the parts of an item that are taken from the snapshot.
var held = []mapi.Tag{pid.TagBody, pid.TagHtml, pid.TagRtfCompressed, pid.TagMessageAttachments}

// gone is an item of the last snapshot that is no longer where it was.
type gone struct {
	dir      mapi.Folder // in the snapshot
	id       mapi.EntryID
	modified mapi.FileTime
	attached bool
}

var goneColumns = []mapi.Key{mapi.TagKey(pid.TagSourceKey), mapi.TagKey(pid.TagSearchKey), mapi.TagKey(pid.TagLastModificationTime), mapi.TagKey(pid.TagHasAttachments)}

// lost lists the items of the last snapshot that are gone from their folders, by search key.
func (f *follower) lost(ctx context.Context) map[string][]gone {
	if f.absent != nil {
		return f.absent
	}
	f.absent = map[string][]gone{}
	for id, x := range f.folders {
		if x.why != "" || len(x.Deleted) == 0 {
			continue
		}
		keys := map[string]bool{}
		for _, key := range x.Deleted {
			keys[string(key)] = true
		}
		dir, err := f.old.Folder(ctx, f.saved.Folders[id].At)
		if err != nil {
			continue // what isn't found is read
		}
		for row, err := range dir.Rows(ctx, mapi.Query{Columns: goneColumns}) {
			if err != nil {
				break
			}
			source, _ := row.Values[0].([]byte)
			search, _ := row.Values[1].([]byte)
			if !keys[string(source)] || len(search) == 0 {
				continue
			}
			g := gone{dir: dir, id: row.ID}
			g.modified, _ = row.Values[2].(mapi.FileTime)
			g.attached, _ = row.Values[3].(bool)
			f.absent[string(search)] = append(f.absent[string(search)], g)
		}
	}
	return f.absent
}

// wasMoved notes that an item is one that was elsewhere, if it is.
func (f *follower) wasMoved(ctx context.Context, c mapi.ItemChange) {
	if c.Size < movedLeast || c.Associated || len(c.SearchKey) == 0 {
		return
	}
	alike := slices.Clone(f.lost(ctx)[string(c.SearchKey)])
	alike = slices.DeleteFunc(alike, func(g gone) bool { return g.modified != c.LastModificationTime })
	if len(alike) == 1 {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.moved[c.ID] = alike[0]
	}
}

// movedFrom tells what an item was before it was moved.
func (f *follower) movedFrom(id mapi.EntryID) (gone, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, ok := f.moved[id]
	return g, ok
}

var errNotMoved = errors.New("the item isn't the one of the last snapshot")

// readMoved pushes an item that was moved.
func readMoved(ctx context.Context, dir mapi.PartReader, id mapi.EntryID, was gone, w mapi.ItemSink) error {
	var now mapi.ItemBuilder
	if err := dir.ReadExcept(ctx, id, held, &now); err != nil {
		return err
	}
	p := &parts{to: w, now: &now.Item}
	has := func(t mapi.Tag) bool { b, _ := now.Item.Props.Tag(t).(bool); return b }
	if has(pid.TagHasAttachments) != was.attached || len(now.Item.Attachments) > 0 {
		return errNotMoved
	}
	if err := (&mapi.Item{Props: now.Item.Props}).WriteTo(w); err != nil {
		return err
	}
	if err := was.dir.Read(ctx, was.id, p); err != nil {
		return err
	}
	return p.recipients()
}

// parts is a sink that passes what is taken from the snapshot, with the recipients as they are now.
type parts struct {
	to    mapi.ItemSink
	now   *mapi.Item
	depth int
	skip  int // depth of a recipient that is left out; 0: none
	done  bool
}

func (p *parts) passes(k mapi.Key) bool {
	if p.depth > 0 {
		return p.skip == 0
	}
	return !k.Named() && slices.ContainsFunc(held, func(t mapi.Tag) bool { return t.ID() == k.Tag.ID() })
}

// Prop implements mapi.ItemSink.
func (p *parts) Prop(k mapi.Key, v mapi.Value) error {
	if !p.passes(k) {
		return nil
	}
	return p.to.Prop(k, v)
}

// Stream implements mapi.ItemSink.
func (p *parts) Stream(k mapi.Key, size int64, r io.Reader) error {
	if !p.passes(k) {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	return p.to.Stream(k, size, r)
}

// recipients pushes those of the item as it is now, once.
func (p *parts) recipients() error {
	if p.done {
		return nil
	}
	p.done = true
	return (&mapi.Item{Recipients: p.now.Recipients}).WriteTo(p.to)
}

// Recipient implements mapi.ItemSink.
func (p *parts) Recipient() error {
	p.depth++
	if p.depth == 1 {
		p.skip = 1
	}
	if p.skip > 0 {
		return nil
	}
	return p.to.Recipient()
}

// Attachment implements mapi.ItemSink.
func (p *parts) Attachment() error {
	p.depth++
	if p.depth == 1 {
		if err := p.recipients(); err != nil {
			return err
		}
	}
	return p.to.Attachment()
}

// Embedded implements mapi.ItemSink.
func (p *parts) Embedded() error { p.depth++; return p.to.Embedded() }

// End implements mapi.ItemSink.
func (p *parts) End() error {
	p.depth--
	if p.skip > 0 {
		p.skip = 0
		return nil
	}
	return p.to.End()
}
