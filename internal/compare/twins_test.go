package compare

import (
	"slices"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Two items that a server gave different search keys and conversations are alike otherwise. When the server of the other
// side gave them even more, each is still compared with itself.
func TestTwinsAreToldApart(t *testing.T) {
	ctx := t.Context()
	twins := []mapi.Props{
		{{Key: mapi.TagKey(pid.TagSubject), Value: "meeting"}, {Key: mapi.TagKey(pid.TagSearchKey), Value: []byte{1}},
			{Key: mapi.TagKey(pid.TagConversationIndex), Value: []byte{1, 1}}},
		{{Key: mapi.TagKey(pid.TagSubject), Value: "meeting"}, {Key: mapi.TagKey(pid.TagSearchKey), Value: []byte{2}},
			{Key: mapi.TagKey(pid.TagConversationIndex), Value: []byte{2, 2}}},
	}
	fill := func(list []mapi.Props, more mapi.Props) *memstore.Store {
		st := memstore.New(memstore.Config{})
		id, err := st.Special(ctx, mapi.RoleInbox)
		if err != nil {
			t.Fatal(err)
		}
		f, err := st.Folder(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, ps := range list {
			if _, err := mapi.WriteItem(ctx, f, mapi.Normal, &mapi.Item{Props: append(slices.Clone(ps), more...)}); err != nil {
				t.Fatal(err)
			}
		}
		return st
	}
	backwards := slices.Clone(twins)
	slices.Reverse(backwards)
	a, b := fill(twins, nil), fill(backwards, mapi.Props{{Key: mapi.TagKey(pid.TagConversationTopic), Value: "meeting"}})
	r, err := Stores(ctx, a, b, Options{})
	if err != nil || r.Count != 0 || r.Equal != len(twins) {
		t.Errorf("%+v, %v", r, err)
	}
}
