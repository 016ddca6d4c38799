package endtoend

import (
	"iter"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

// items are all normal items of a folder and of those below.
func items(t *testing.T, s mapi.Store, f mapi.Folder) iter.Seq[*mapi.Item] {
	return func(yield func(*mapi.Item) bool) { walk(t, s, f, yield) }
}

func walk(t *testing.T, s mapi.Store, f mapi.Folder, yield func(*mapi.Item) bool) bool {
	t.Helper()
	for row, err := range f.Rows(t.Context(), mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		it, err := mapi.ReadItem(t.Context(), f, row.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !yield(it) {
			return false
		}
	}
	for info, err := range f.Folders(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		below, err := s.Folder(t.Context(), info.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !walk(t, s, below, yield) {
			return false
		}
	}
	return true
}
