package transfer_test

import (
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// An item without a search key may have been given one by the store that took it without an answer: it is found all the same.
func TestUnansweredItemsWithoutKey(t *testing.T) {
	dst, err := localstore.Create(t.Context(), filepath.Join(t.TempDir(), "store"), localstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	src := empty()
	inbox := folder(t, src, mapi.RoleInbox)
	for _, subject := range []string{"a", "a", "b"} {
		write(t, inbox, mapi.Normal, mail(subject, ""))
	}
	other := mail("a", "of another mail")
	other.Props.Set(mapi.TagKey(pid.TagImportance), int32(2))
	write(t, folder(t, dst, mapi.RoleInbox), mapi.Normal, other)
	lost := 0
	r := run(t, src, &faulty{Store: dst, fault: func(op, _ string) error {
		if op == "committed" && lost < 3 {
			lost++
			return &mapi.Error{Op: "execute", Code: mapi.ErrNetwork}
		}
		return nil
	}}, transfer.Options{Workers: 1, Backoff: quick.Backoff})
	counts(t, "copy", r, 3, 0, 0)
	if got := subjects(t, folder(t, dst, mapi.RoleInbox)); got != "a a a b" {
		t.Errorf("the inbox has %q", got)
	}
}
