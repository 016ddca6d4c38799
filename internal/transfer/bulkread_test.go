package transfer_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
)

// brittle is a store whose folders read in bulk. A bulk reading breaks in the middle of an item that comes before a bad one.
type brittle struct{ *faulty }

func (s brittle) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	f, err := s.faulty.Folder(ctx, id)
	if err != nil {
		return nil, err
	}
	return brittleFolder{f.(*faultyFolder)}, nil
}

type brittleFolder struct{ *faultyFolder }

func (f brittleFolder) ReadAll(ctx context.Context, ids []mapi.EntryID) iter.Seq2[mapi.EntryID, func(mapi.ItemSink) error] {
	return func(yield func(mapi.EntryID, func(mapi.ItemSink) error) bool) {
		broken := false
		for i, id := range ids {
			read := func(w mapi.ItemSink) error { return f.Read(ctx, id, w) }
			if i+1 < len(ids) && !broken {
				if next := f.Read(ctx, ids[i+1], &mapi.ItemBuilder{}); next != nil {
					broken = true
					read = func(w mapi.ItemSink) error { return errors.Join(w.Recipient(), next) }
				}
			}
			if !yield(id, read) {
				return
			}
		}
	}
}

func TestBadItemSparesItsNeighbours(t *testing.T) {
	bad := &mapi.Error{Op: "download", Code: mapi.ErrNoSupport}
	fault := func(op, subject string) error {
		if op == "read" && subject == "007" {
			return bad
		}
		return nil
	}
	src, dst := many(t, 20), empty()
	r, err := transfer.Run(t.Context(), brittle{&faulty{Store: src, fault: fault}}, dst, quick)
	if err != nil {
		t.Fatal(err)
	}
	counts(t, "copy", r, 19, 0, 1)
	c, err := compare.Stores(t.Context(), brittle{&faulty{Store: src, fault: fault}}, dst, compare.Options{Workers: 1})
	if err != nil || c.Items != 19 || c.Equal != 19 || c.Count != 1 {
		t.Errorf("%d items compared, %d equal, %d differences (%v), %v", c.Items, c.Equal, c.Count, c.Differences, err)
	}
}
