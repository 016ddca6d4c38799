package exchange

import (
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// MoveItems moves items to another folder, as other clients do.
func MoveItems(t testing.TB, st *Store, from, to mapi.EntryID, ids ...mapi.EntryID) {
	t.Helper()
	inFolder(t, st, from, func(s *session, b *batch, in uint8) error {
		lid, err := parseFolder(to)
		if err != nil {
			return err
		}
		out, err := (&folder{st: st, id: to, lid: lid}).open(t.Context(), s, b)
		if err != nil {
			return err
		}
		mids, err := wireIDs(t, st, s, ids)
		b.add(&oxcrops.MoveCopyMessagesRequest{Src: in, Dest: out, MessageIDs: mids})
		return err
	})
}

// MarkItems sets or clears the read flag of items.
func MarkItems(t testing.TB, st *Store, in mapi.EntryID, read bool, ids ...mapi.EntryID) {
	t.Helper()
	const suppressReceipt, clearRead = 0x01, 0x04
	inFolder(t, st, in, func(s *session, b *batch, in uint8) error {
		mids, err := wireIDs(t, st, s, ids)
		q := &oxcrops.SetReadFlagsRequest{In: in, ReadFlags: suppressReceipt, MessageIDs: mids}
		if !read {
			q.ReadFlags = clearRead
		}
		b.add(q)
		return err
	})
}

// inFolder runs ROPs on a folder.
func inFolder(t testing.TB, st *Store, id mapi.EntryID, fill func(s *session, b *batch, in uint8) error) {
	t.Helper()
	lid, err := parseFolder(id)
	if err != nil {
		t.Fatal(err)
	}
	f := &folder{st: st, id: id, lid: lid}
	err = st.with(t.Context(), func(s *session) error {
		var b batch
		in, err := f.open(t.Context(), s, &b)
		if err == nil {
			err = fill(s, &b, in)
		}
		if err != nil {
			return err
		}
		res, err := s.execute(t.Context(), &b)
		if err != nil {
			return err
		}
		s.free(b.made(res)...)
		return res.check("change")
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wireIDs(t testing.TB, st *Store, s *session, ids []mapi.EntryID) (list []oxcdata.ID, err error) {
	for _, e := range ids {
		_, l, err := parseMessage(e)
		if err != nil {
			return nil, err
		}
		id, err := st.wireID(t.Context(), s, l)
		if err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, nil
}
