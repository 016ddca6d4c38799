package exchangeserver_test

import (
	"testing"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Strings that end with a zero on the wire may hold one all the same, in items of damaged files: their messages can be
// opened, and what is downloaded is whole.
func TestRecipientsWithZeros(t *testing.T) {
	st := open(t, exchangetest.New(t, exchangetest.Options{}), "alice")
	defer st.Close()
	id, err := st.Special(t.Context(), mapi.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := st.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"\x00", "A\x00B", "EX", "SMTP", "SM\x00TP"} {
		it := &mapi.Item{Recipients: []mapi.Props{{
			{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1)}, {Key: mapi.TagKey(pid.TagAddressType), Value: kind},
			{Key: mapi.TagKey(pid.TagDisplayName), Value: "\x00"}, {Key: mapi.TagKey(pid.TagEmailAddress), Value: "ada\x00@example.com"},
		}}}
		item, err := mapi.WriteItem(t.Context(), inbox, mapi.Normal, it)
		if err != nil {
			t.Fatal(err)
		}
		got, err := mapi.ReadItem(t.Context(), inbox, item)
		if err != nil {
			t.Errorf("a recipient with the address type %q: %v", kind, err)
			continue
		}
		for _, p := range it.Recipients[0] {
			if v := got.Recipients[0].Get(p.Key); v != p.Value {
				t.Errorf("a recipient with the address type %q: %v is %q, want %q", kind, p.Key, v, p.Value)
			}
		}
	}
}
