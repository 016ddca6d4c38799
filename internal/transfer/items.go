package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// copyBatch copies some items. It fails only with what ends the run.
func (r *run) copyBatch(ctx context.Context, b batch) error {
	if r.DryRun {
		return r.tryBatch(ctx, b)
	}
	if bw, ok := b.dst.(mapi.BulkWriter); ok && len(b.ids) > 1 {
		return r.copyBulk(ctx, b, bw)
	}
	left := map[mapi.EntryID]bool{}
	for _, id := range b.ids {
		left[id] = true
	}
	for id, read := range mapi.ReadAll(ctx, b.src, b.ids) {
		if !left[id] {
			continue
		}
		delete(left, id)
		if err := r.copyItem(ctx, b, id, read, nil); err != nil {
			return err
		}
	}
	for _, id := range b.ids { // what a lost connection kept from being yielded
		if left[id] && ctx.Err() == nil {
			if err := r.copyItem(ctx, b, id, nil, nil); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// copyItem copies an item, or reports why it could not. read is from a bulk reading and works once. s is of an attempt that
// may have succeeded, or nil.
func (r *run) copyItem(ctx context.Context, b batch, id mapi.EntryID, read func(mapi.ItemSink) error, s *sink) error {
	one := func(w mapi.ItemSink) error { return b.src.Read(ctx, id, w) }
	broke := false // a bulk reading, in the middle of this item; another one may be to blame
	if read == nil {
		read = one
	} else {
		bulk := read
		read = func(w mapi.ItemSink) error {
			err := bulk(w)
			broke = err != nil
			return err
		}
	}
	if no := b.refused.Load(); no != nil {
		no.count.Add(1)
		r.count(b.pair, failed, 0)
		return nil
	}
	var same, replacing bool
	var victim mapi.EntryID
	attempt := func() (err error) {
		if b.check[id] {
			var fp compare.Fingerprint
			if err := read(&fp); err != nil {
				return err
			}
			if same = b.known.has(fp.Node().Core()); same {
				return nil
			}
			read = one
			if r.Policy == Replace && !replacing {
				victim, replacing = b.known.rival(b.who[id])
			}
		}
		if replacing {
			s, err = r.replace(ctx, b, id, victim, read)
			return err
		}
		s, err = r.write(ctx, b, id, s, read)
		return err
	}
	err := r.retry(ctx, func(try int) error {
		if try > 0 {
			read = one
		}
		err := attempt()
		if broke && try == 0 && !systemic(err) {
			read = one
			err = attempt()
		}
		return err
	})
	switch {
	case err == nil && same:
		r.count(b.pair, skipped, 0)
		return nil
	case err == nil:
		r.done(b, id, s)
		if replacing {
			r.replaced()
		}
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case systemic(err):
		return fmt.Errorf("%s: %s: %w", b.path, b.titles[id], err)
	}
	r.count(b.pair, failed, 0)
	var no *refusalError
	if errors.As(err, &no) {
		r.refuse(b.list, no.err)
		return nil
	}
	r.problem(Problem{Folder: b.path, Item: b.titles[id], ID: id, Kind: b.kind, Count: 1, Err: err})
	return nil
}

// done reports an item that was copied.
func (r *run) done(b batch, id mapi.EntryID, s *sink) {
	for _, lost := range s.notPortable {
		r.note(b.path, b.titles[id], lost)
	}
	r.count(b.pair, copied, s.bytes)
}

// refusalError says that an item could not even be begun.
type refusalError struct{ err error }

func (e *refusalError) Error() string { return e.err.Error() }
func (e *refusalError) Unwrap() error { return e.err }

// refuse notes that the destination takes no items of a list, once for all of them.
func (r *run) refuse(l *list, err error) {
	no := &refusal{err: err}
	no.count.Add(1)
	if !l.refused.CompareAndSwap(nil, no) {
		l.refused.Load().count.Add(1)
	}
}

// write makes one attempt to copy an item. last is the attempt before it, or nil.
func (r *run) write(ctx context.Context, b batch, id mapi.EntryID, last *sink, read func(mapi.ItemSink) error) (*sink, error) {
	if last != nil && last.unanswered {
		there, err := b.known.landed(ctx, b.list, last)
		if err != nil {
			return last, err
		}
		if there {
			return last, nil
		}
	}
	b.known.writing.RLock()
	defer b.known.writing.RUnlock()
	w, err := b.dst.Create(ctx, b.kind)
	if refuses(err) {
		err = &refusalError{err}
	}
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if i, ok := w.(Identifier); ok && len(b.keys[id]) > 0 {
		i.Identify(b.keys[id])
	}
	s := &sink{to: w, title: b.titles[id]}
	if err := read(s); err != nil {
		return s, err
	}
	if _, err := w.Commit(ctx); err != nil {
		s.unanswered = retry.Transient(err)
		return s, err
	}
	b.known.committed(s)
	return s, nil
}

// replace gives an item of the destination the content of one of the source. Done twice it comes to the same.
func (r *run) replace(ctx context.Context, b batch, id, victim mapi.EntryID, read func(mapi.ItemSink) error) (*sink, error) {
	w, err := b.dst.Replace(ctx, victim)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	s := &sink{to: w, title: b.titles[id]}
	if err := read(s); err != nil {
		return s, err
	}
	_, err = w.Commit(ctx)
	return s, err
}

// sink passes an item on, without what names it in its old store, and looks at what passes.
type sink struct {
	to    mapi.ItemSink
	title string
	depth int
	bytes int64

	searchKey   []byte
	notPortable []string
	unanswered  bool // the commit may have been done
}

// drop tells whether a property stays behind.
func (s *sink) drop(k mapi.Key) bool {
	if s.depth > 0 || k.Named() {
		return false
	}
	if what, yes := notPortable(k, false); yes {
		s.notPortable = append(s.notPortable, fmt.Sprintf("%s is copied as it is and may not work in another mailbox: %s", name(k), what))
	}
	return own[k.Tag.ID()]
}

func (s *sink) Prop(k mapi.Key, v mapi.Value) error {
	if s.drop(k) {
		return nil
	}
	if b, ok := v.([]byte); ok && s.depth == 0 && k == mapi.TagKey(pid.TagSearchKey) {
		s.searchKey = b
	}
	s.bytes += mapi.ValueSize(v)
	return s.to.Prop(k, v)
}

func (s *sink) Stream(k mapi.Key, size int64, r io.Reader) error {
	if s.drop(k) {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	c := &counter{r: r}
	err := s.to.Stream(k, size, c)
	s.bytes += c.n
	return err
}

func (s *sink) Recipient() error  { s.depth++; return s.to.Recipient() }
func (s *sink) Attachment() error { s.depth++; return s.to.Attachment() }
func (s *sink) Embedded() error   { s.depth++; return s.to.Embedded() }
func (s *sink) End() error        { s.depth--; return s.to.End() }

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
