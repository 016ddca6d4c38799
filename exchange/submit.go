package exchange

import (
	"context"
	"fmt"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// Submit sends an item of a folder ([MS-OXOMSG] 3.1.4.1): the server delivers it to its recipients and files it where its
// properties say. The item is gone from the folder afterwards, as a rule.
func (st *Store) Submit(ctx context.Context, in, item mapi.EntryID) error {
	f, err := st.Folder(ctx, in)
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	err = st.with(ctx, f.(*folder).openedMessage(ctx, item, openReadWrite, func(s *session, h handle) error {
		var b batch
		b.add(&oxcrops.SubmitMessageRequest{In: b.in(h)})
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		return res.check("submit item")
	}))
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	return nil
}
