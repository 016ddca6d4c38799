package exchange

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/opencdo/opencdo/internal/availability"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// FreeBusy implements mapi.FreeBusyReader, by Exchange Web Services ([MS-OXWAVLS]): what people publish in public folders is of
// servers that are older than these.
func (st *Store) FreeBusy(ctx context.Context, who mapi.Props, from, to time.Time) ([]mapi.Busy, error) {
	const op = "read free/busy"
	if st.cfg.ServicesURL == "" {
		return nil, &mapi.Error{Op: op, Code: mapi.ErrNoSupport, Err: errors.New("the server's web services aren't known")}
	}
	address := who.Text(pid.TagSmtpAddress)
	if address == "" && who.Text(pid.TagAddressType) == "SMTP" {
		address = who.Text(pid.TagEmailAddress)
	}
	if id, ok := who.Tag(pid.TagEntryId).([]byte); ok && address == "" {
		ps, err := st.Entry(ctx, mapi.EntryID(id), []mapi.Key{mapi.TagKey(pid.TagSmtpAddress)})
		if err != nil {
			return nil, wrap(op, err)
		}
		address = ps.Text(pid.TagSmtpAddress)
	}
	if address == "" {
		return nil, &mapi.Error{Op: op, Object: who.Text(pid.TagDisplayName), Code: mapi.ErrNotFound, Err: errors.New("nothing tells the SMTP address")}
	}
	c := availability.Client{URL: st.cfg.ServicesURL, HTTP: st.cfg.HTTP, Authorize: st.cfg.Authorize}
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	return c.FreeBusy(ctx, address, from, to)
}
