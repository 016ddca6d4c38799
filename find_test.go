package opencdo

import (
	"errors"
	"slices"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

func TestSplitPath(t *testing.T) {
	for in, want := range map[string][]string{
		"": nil, "Inbox": {"Inbox"}, "/Inbox//2019/": {"Inbox", "2019"}, `a\/b/c\\d`: {"a/b", `c\d`}, `x\y`: {`x\y`},
	} {
		if got := SplitPath(in); !slices.Equal(got, want) {
			t.Errorf("%q: %q", in, got)
		}
		if got := SplitPath(JoinPath(want...)); !slices.Equal(got, want) {
			t.Errorf("%q joined and split: %q", want, got)
		}
	}
}

func TestFind(t *testing.T) {
	ctx := t.Context()
	st := memstore.New(memstore.Config{})
	inbox, err := st.Special(ctx, mapi.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	f, err := st.Folder(ctx, inbox)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := f.CreateFolder(ctx, "To/From", nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids []mapi.EntryID
	for _, s := range []string{"one", "two", "two"} {
		id, err := mapi.WriteItem(ctx, sub, mapi.Normal, &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: s}}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for path, want := range map[string]mapi.EntryID{
		`inbox/to\/from`: "", `Inbox/To\/From/ONE`: ids[0], `Inbox/To\/From/#3`: ids[2],
	} {
		p, err := Find(ctx, st, path)
		if err != nil || p.Item != want || p.Path != `Inbox/To\/From` {
			t.Errorf("%s: %+v, %v", path, p, err)
		}
	}
	for path, want := range map[string]error{
		`Inbox/To\/From/two`: mapi.ErrAmbiguous, `Inbox/To\/From/three`: mapi.ErrNotFound, `Inbox/To\/From/#4`: mapi.ErrNotFound,
		"Inbox/nothing/here": mapi.ErrNotFound,
	} {
		if _, err := Find(ctx, st, path); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
