package transfer

import (
	"context"

	"github.com/opencdo/opencdo/mapi"
)

// copyBulk copies some items in one run of the destination. Items that it cannot take so, and all of which it isn't known
// whether they arrived, are copied one by one afterwards, which also reports what is wrong with them.
func (r *run) copyBulk(ctx context.Context, b batch, to mapi.BulkWriter) error {
	type item struct {
		id mapi.EntryID
		s  *sink
	}
	var arrived []item // pushed, not yet known to be there
	alone := map[mapi.EntryID]*sink{}
	for _, id := range b.ids {
		alone[id] = nil
	}
	b.known.writing.RLock()
	w, err := to.WriteAll(ctx, b.kind)
	if err == nil {
		for id, read := range mapi.ReadAll(ctx, b.src, b.ids) {
			if _, wanted := alone[id]; !wanted || b.check[id] {
				continue
			}
			s := &sink{to: w, title: b.titles[id]}
			if read(s) != nil {
				if err = w.Drop(); err != nil {
					break
				}
				continue
			}
			if err = w.Next(); err != nil {
				alone[id] = s
				s.unanswered = true
				break
			}
			arrived = append(arrived, item{id, s})
			delete(alone, id)
		}
		if err == nil {
			err = w.Flush()
		}
		w.Close() // now: items copied one by one need the place that it has in the destination
	}
	for _, x := range arrived {
		if err != nil {
			x.s.unanswered = true
			alone[x.id] = x.s
			continue
		}
		b.known.committed(x.s)
		r.done(b, x.id, x.s)
	}
	b.known.writing.RUnlock()
	for _, id := range b.ids {
		s, left := alone[id]
		if !left {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := r.copyItem(ctx, b, id, nil, s); err != nil {
			return err
		}
	}
	return ctx.Err()
}
