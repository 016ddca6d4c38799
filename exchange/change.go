package exchange

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// exists asks for an item, so that replacing what isn't there fails at once.
func (f *folder) exists(ctx context.Context, id mapi.EntryID) error {
	return f.st.reading(ctx, f.openedMessage(ctx, id, openReadOnly, func(*session, handle) error { return nil }))
}

// openedMessage gives an operation of a session that has an item open.
func (f *folder) openedMessage(ctx context.Context, id mapi.EntryID, mode uint8, do func(*session, handle) error) func(*session) error {
	return func(s *session) error {
		var b batch
		slot, err := f.openMessage(ctx, s, &b, id, mode)
		if err != nil {
			return err
		}
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		if err := res.check("open item"); err != nil {
			return err
		}
		h := res.at(slot)
		defer s.free(h)
		return do(s, h)
	}
}

// empty removes all content of an open message: properties, recipients and attachments.
func (f *folder) empty(ctx context.Context, s *session, h handle) error {
	var b batch
	in, out := b.in(h), b.out()
	columns := []mapi.Tag{pid.TagAttachNumber}
	b.add(&oxcrops.RemoveAllRecipientsRequest{In: in})
	b.add(&oxcrops.GetAttachmentTableRequest{In: in, Out: out})
	t, rows, end, err := openTable(ctx, s, &b, out, columns, nil, nil, 0)
	if err != nil {
		return err
	}
	var del batch
	slot := del.in(h)
	for r, err := range t.each(ctx, rows, end) {
		if err != nil {
			return err
		}
		if n, ok := value(r, 0).(int32); ok {
			del.add(&oxcrops.DeleteAttachmentRequest{In: slot, AttachmentID: uint32(n)})
		}
	}
	tags, err := f.propertyList(ctx, s, h)
	if err != nil {
		return err
	}
	if len(tags) > 0 {
		del.add(&oxcrops.DeletePropertiesRequest{In: slot, Tags: tags})
	}
	if len(del.reqs) == 0 {
		return nil
	}
	const most = 500 // attachments deleted in one call: well below 32 KiB of answers
	for reqs := del.reqs; len(reqs) > 0; {
		n := min(len(reqs), most)
		res, err := s.execute(ctx, &batch{reqs: reqs[:n], handles: del.handles})
		if err != nil {
			return err
		}
		if err := res.check("empty item"); err != nil {
			return err
		}
		reqs = reqs[n:]
	}
	return nil
}

func (f *folder) propertyList(ctx context.Context, s *session, h handle) ([]mapi.Tag, error) {
	var b batch
	b.add(&oxcrops.GetPropertiesListRequest{In: b.in(h)})
	res, err := s.execute(ctx, &b)
	if err != nil {
		return nil, err
	}
	if err := res.check("list properties"); err != nil {
		return nil, err
	}
	r, err := answer[*oxcrops.GetPropertiesListResponse](res)
	if err != nil {
		return nil, err
	}
	return r.Tags, nil
}

// Update implements mapi.Folder. Whether an item is read is changed by an operation of its own, here without the receipt that a
// reader would send ([MS-OXCMSG] 2.2.3.11); the other message flags can't be changed once an item is saved (2.2.1.6).
func (f *folder) Update(ctx context.Context, id mapi.EntryID, set mapi.Props, del []mapi.Key) error {
	flagsKey := mapi.TagKey(pid.TagMessageFlags)
	flags, marks := set.Tag(pid.TagMessageFlags).(int32)
	if marks {
		set = slices.Clone(set)
		set.Delete(flagsKey)
	}
	err := f.st.with(ctx, f.openedMessage(ctx, id, openReadWrite, func(s *session, h handle) error {
		if err := f.st.setProps(ctx, s, h, set, del); err != nil {
			return err
		}
		var b batch
		in := b.in(h)
		if marks {
			mark := uint8(oxcrops.ReadSuppressReceipt)
			if flags&flagRead == 0 {
				mark = oxcrops.ReadClear
			}
			b.add(&oxcrops.SetMessageReadFlagRequest{ResponseIndex: in, In: in, ReadFlags: mark})
		}
		b.add(&oxcrops.SaveChangesMessageRequest{ResponseIndex: in, In: in})
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		return res.check("save item")
	}))
	if err != nil {
		return fmt.Errorf("update item: %w", err)
	}
	return nil
}

// flagRead is mfRead of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6).
const flagRead = 0x01

// deleteMost bounds the ids of one request.
const deleteMost = 2000

// Delete implements mapi.Folder.
func (f *folder) Delete(ctx context.Context, ids []mapi.EntryID, hard bool) error {
	for len(ids) > 0 {
		n := min(len(ids), deleteMost)
		partial := false
		err := f.st.with(ctx, f.opened(ctx, func(s *session, h handle) (err error) {
			partial, err = f.deleteSome(ctx, s, h, ids[:n], hard)
			return err
		}))
		if err != nil {
			return err
		}
		if partial {
			if err := f.gone(ctx, ids[:n]); err != nil {
				return err
			}
		}
		ids = ids[n:]
	}
	return nil
}

// deleteSome deletes as many items as one request takes; partial says that the server left some out.
func (f *folder) deleteSome(ctx context.Context, s *session, h handle, ids []mapi.EntryID, hard bool) (partial bool, err error) {
	mids := make([]oxcdata.ID, len(ids))
	for i, id := range ids {
		_, m, err := parseMessage(id)
		if err != nil {
			return false, err
		}
		if mids[i], err = f.st.wireID(ctx, s, m); err != nil {
			return false, err
		}
	}
	var b batch
	if in := b.in(h); hard {
		b.add(&oxcrops.HardDeleteMessagesRequest{In: in, MessageIDs: mids})
	} else {
		b.add(&oxcrops.DeleteMessagesRequest{In: in, MessageIDs: mids})
	}
	res, err := s.execute(ctx, &b)
	if err != nil {
		return false, err
	}
	return isPartial(res), res.check("delete items")
}

// gone reports an item that is still there. Those that were gone before are left out of a deletion too, which is no error.
func (f *folder) gone(ctx context.Context, ids []mapi.EntryID) error {
	for _, id := range ids {
		err := f.exists(ctx, id)
		if err == nil {
			return &mapi.Error{Op: "delete items", Code: mapi.ErrNoAccess, Err: errors.New("the server deleted only some of them")}
		}
		if !errors.Is(err, mapi.ErrNotFound) {
			return err
		}
	}
	return nil
}
