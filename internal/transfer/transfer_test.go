package transfer_test

import (
	"testing"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// filled is a mailbox with the sample items.
func filled(t *testing.T) *memstore.Store {
	t.Helper()
	s := memstore.New(memstore.Config{})
	for _, sample := range storetest.SampleItems() {
		write(t, folder(t, s, sample.Role), sample.Kind, sample.Item)
	}
	return s
}

func folder(t *testing.T, s mapi.Store, r mapi.Role) mapi.Folder {
	t.Helper()
	id, err := s.Special(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, f mapi.Folder, k mapi.Kind, it *mapi.Item) mapi.EntryID {
	t.Helper()
	id, err := mapi.WriteItem(t.Context(), f, k, it)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func run(t *testing.T, src, dst mapi.Store, o transfer.Options) *transfer.Report {
	t.Helper()
	r, err := transfer.Run(t.Context(), src, dst, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Errorf("problem: %v", p)
	}
	return r
}

func same(t *testing.T, a, b mapi.Store) {
	t.Helper()
	r, err := compare.Stores(t.Context(), a, b, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differences {
		t.Errorf("difference: %+v", d)
	}
}

func TestCopyWholeStore(t *testing.T) {
	src, dst := filled(t), memstore.New(memstore.Config{})
	n := len(storetest.SampleItems())
	if r := run(t, src, dst, transfer.Options{}); r.Copied != n || r.Skipped+r.Failed != 0 {
		t.Errorf("first copy: %+v", r)
	}
	same(t, src, dst)
	if r := run(t, src, dst, transfer.Options{}); r.Skipped != n || r.Copied+r.Failed != 0 {
		t.Errorf("second copy: %+v", r)
	}
	same(t, src, dst)
}
