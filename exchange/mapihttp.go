package exchange

import (
	"context"

	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/mapi"
)

// overMAPIHTTP reaches a mailbox by MAPI over HTTP ([MS-OXCMAPIHTTP]).
type overMAPIHTTP struct {
	client *mapihttp.Client
	userDN string
	flags  uint32 // of Connect
}

func newMAPIHTTP(cfg *Config) (*overMAPIHTTP, error) {
	c, err := mapihttp.NewClient(mapihttp.Config{URL: cfg.MailboxURL, HTTP: cfg.HTTP, Authorize: cfg.Authorize,
		ClientApplication: cfg.ClientVersion})
	if err != nil {
		return nil, err
	}
	t := &overMAPIHTTP{client: c, userDN: cfg.UserDN}
	if cfg.Admin {
		t.flags |= oxcmapihttp.ConnectAdmin
	}
	if cfg.IgnoreNoPF {
		t.flags |= oxcmapihttp.ConnectIgnoreNoPF
	}
	return t, nil
}

// call does one exchange and decodes its body.
func call(ctx context.Context, c *mapihttp.Client, kind string, req, resp oxcmapihttp.Body) error {
	body, err := oxcmapihttp.MarshalRequest(req, oxcmapihttp.Envelope{})
	if err != nil {
		return err
	}
	r, err := c.Do(ctx, kind, body)
	if err != nil {
		return err
	}
	code, _, err := oxcmapihttp.UnmarshalResponse(r.Body, resp)
	if err != nil {
		return &mapi.Error{Op: kind, Code: mapi.CodeOf(err), Err: err}
	}
	if code.Failed() {
		return &mapi.Error{Op: kind, Code: code}
	}
	return nil
}

// Language settings of a session: English sort order and strings, Western code page for 8-bit strings.
const (
	localeID = 0x0409
	codePage = 1252
)

func (t *overMAPIHTTP) connect(ctx context.Context) error {
	req := &oxcmapihttp.ConnectRequest{UserDN: mapi.String8(t.userDN), Flags: t.flags, DefaultCodePage: codePage,
		LcidSort: localeID, LcidString: localeID}
	return call(ctx, t.client, mapihttp.Connect, req, &oxcmapihttp.ConnectResponse{})
}

func (t *overMAPIHTTP) execute(ctx context.Context, buffers []byte, maxOut uint32) ([]byte, error) {
	req := &oxcmapihttp.ExecuteRequest{Flags: oxcmapihttp.ExecuteChain, ROPBuffer: buffers, MaxROPOut: maxOut}
	var resp oxcmapihttp.ExecuteResponse
	if err := call(ctx, t.client, mapihttp.Execute, req, &resp); err != nil {
		return nil, err
	}
	return resp.ROPBuffer, nil
}

func (t *overMAPIHTTP) disconnect(ctx context.Context) error {
	return call(ctx, t.client, mapihttp.Disconnect, &oxcmapihttp.Empty{}, &oxcmapihttp.Empty{})
}
