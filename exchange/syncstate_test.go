package exchange

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func stateOf(t testing.TB) ([]byte, *folder) {
	f := &folder{st: &Store{}, lid: oxcdata.LongTermID{GlobalID: oxcdata.GlobalID{Replica: mapi.PSMAPI, Counter: 7}}}
	x := f.newState(oxcrops.SyncContents)
	x.sets.IdsetGiven = &oxcfxics.GUIDSet{}
	for i := uint64(1); i < 100; i += 3 {
		x.sets.IdsetGiven.Insert(mapi.PSMAPI, i)
		x.learn(oxcdata.GlobalID{Replica: mapi.PSMAPI, Counter: i}, append([]byte("a key from elsewhere"), byte(i)))
	}
	x.sets.CnsetSeen = &oxcfxics.GUIDSet{}
	x.sets.CnsetSeen.Add(mapi.PSMAPI, oxcfxics.RangeSet{{Low: 1, High: 1000}})
	b, err := x.bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b, f
}

// TestSyncState keeps a state, which is the same bytes whenever it is the same state.
func TestSyncState(t *testing.T) {
	b, f := stateOf(t)
	for range 3 {
		if again, _ := stateOf(t); !bytes.Equal(again, b) {
			t.Fatal("the same state has other bytes")
		}
	}
	x, err := f.readState(oxcrops.SyncContents, b)
	if err != nil {
		t.Fatal(err)
	}
	if x.given() != 33 || string(x.sourceKey(oxcdata.GlobalID{Replica: mapi.PSMAPI, Counter: 4})) != "a key from elsewhere\x04" {
		t.Errorf("%d given, key %q", x.given(), x.sourceKey(oxcdata.GlobalID{Replica: mapi.PSMAPI, Counter: 4}))
	}
	x.sets.IdsetGiven.Remove(mapi.PSMAPI, 4)
	x.forget()
	if len(x.foreign) != 32 {
		t.Errorf("%d keys of 32 items", len(x.foreign))
	}
}

func FuzzSyncState(f *testing.F) {
	b, dir := stateOf(f)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := dir.readState(oxcrops.SyncContents, b)
		if err != nil {
			return
		}
		again, err := x.bytes()
		if err != nil {
			t.Fatal(err)
		}
		if y, err := dir.readState(oxcrops.SyncContents, again); err != nil || y.given() != x.given() {
			t.Errorf("%x became %x: %v", b, again, err)
		}
	})
}

// TestLargeStates follows folders whose states don't fit a request, beside others.
func TestLargeStates(t *testing.T) {
	defer func(n int) { maxStateData = n }(maxStateData)
	maxStateData = 100
	srv := exchangetest.New(t, exchangetest.Options{})
	st, err := Open(t.Context(), Config{MailboxURL: srv.MailboxURL(t, "alice"), UserDN: srv.UserDN(t, "alice"), HTTP: srv.Client(), Authorize: srv.Authorize("alice")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ipm, err := st.Special(ctx, mapi.RoleIPM)
	check(err)
	top, err := st.Folder(ctx, ipm)
	check(err)
	const folders, items = 12, 60
	var list []mapi.SyncFolder
	for n := range folders {
		f, err := top.CreateFolder(ctx, fmt.Sprint("folder ", n), nil)
		check(err)
		var gone []mapi.EntryID
		for i := 0; i < items && n%3 == 0; i++ {
			id, err := mapi.WriteItem(ctx, f, mapi.Normal, &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: fmt.Sprint(i)}}})
			check(err)
			if i%2 == 0 {
				gone = append(gone, id)
			}
		}
		if gone != nil {
			check(f.Delete(ctx, gone, true))
		}
		list = append(list, mapi.SyncFolder{Folder: f.ID()})
	}
	for round, want := range []int{items / 2, 0} {
		seen := 0
		for c, err := range st.SyncContents(ctx, list) {
			check(err)
			check(c.Err)
			for i := range list {
				if list[i].Folder != c.Folder {
					continue
				}
				seen++
				list[i].State = c.State
				if i%3 == 0 && (len(c.Items) != want || c.Given != items/2) || i%3 != 0 && c.Given != 0 {
					t.Errorf("round %d, folder %d: %d items, %d given", round, i, len(c.Items), c.Given)
				}
			}
		}
		if seen != folders {
			t.Errorf("round %d: %d folders", round, seen)
		}
	}
	// Whole items, by a sink.
	got := make(map[string]int)
	var mu sync.Mutex
	for i := range list {
		list[i].State = nil
		list[i].Content = func(c mapi.ItemChange) (mapi.ItemSink, error) {
			return &subjects{sync: &mu, got: got}, nil
		}
	}
	for c, err := range st.SyncContents(ctx, list) {
		check(err)
		check(c.Err)
	}
	if len(got) != items/2 || got["1"] != folders/3 {
		t.Errorf("whole items: %v", got)
	}
}

// subjects is a sink that counts subjects.
type subjects struct {
	mapi.ItemBuilder
	sync *sync.Mutex
	got  map[string]int
}

func (s *subjects) Prop(k mapi.Key, v mapi.Value) error {
	if text, ok := v.(string); ok && k == mapi.TagKey(pid.TagSubject) {
		s.sync.Lock()
		s.got[text]++
		s.sync.Unlock()
	}
	return s.ItemBuilder.Prop(k, v)
}
