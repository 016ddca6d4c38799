package exchange

import (
	"context"
	"errors"
	"net/http"

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

// bookOverMAPIHTTP reaches the address book by MAPI over HTTP ([MS-OXCMAPIHTTP] 2.2.5).
type bookOverMAPIHTTP struct{ client *mapihttp.Client }

func newBookOverMAPIHTTP(cfg *Config) (bookOverMAPIHTTP, error) {
	c, err := mapihttp.NewClient(mapihttp.Config{URL: cfg.AddressBookURL, HTTP: cfg.HTTP, Authorize: cfg.Authorize,
		ClientApplication: cfg.ClientVersion})
	return bookOverMAPIHTTP{c}, err
}

func (t bookOverMAPIHTTP) call(ctx context.Context, kind string, req, resp oxcmapihttp.Body) error {
	return call(ctx, t.client, kind, req, resp)
}

// call does one exchange and decodes its body.
func call(ctx context.Context, c *mapihttp.Client, kind string, req, resp oxcmapihttp.Body) error {
	body, err := oxcmapihttp.MarshalRequest(req, oxcmapihttp.Envelope{})
	if err != nil {
		return err
	}
	r, err := c.Do(ctx, kind, body)
	if err != nil {
		return failure(ctx, kind, err)
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

// failure gives an error of the transport the code that says whether it may be gone after a while. Refusals at logon have
// one given by logonError, and an untrusted certificate none: it doesn't pass.
func failure(ctx context.Context, kind string, err error) error {
	var (
		code    mapi.Code
		network *mapihttp.NetworkError
		answer  *mapihttp.HTTPError
		refused *mapihttp.ResponseCodeError
	)
	switch {
	case ctx.Err() != nil, errors.Is(err, mapihttp.ErrUntrustedCertificate):
	case errors.Is(err, mapihttp.ErrSilent):
		code = mapi.ErrTimeout
	case errors.Is(err, mapihttp.ErrContextNotFound), errors.As(err, &network):
		code = mapi.ErrNetwork
	case errors.As(err, &answer):
		switch answer.Status {
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			code = mapi.ErrServerBusy
		case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
			code = mapi.ErrNetwork
		case http.StatusUnauthorized:
			if kind == mapihttp.Execute {
				code = mapi.ErrLogonFailed // the password was changed meanwhile
			}
		}
	case errors.As(err, &refused) && refused.Code == mapihttp.EndpointShuttingDown:
		code = mapi.ErrServerBusy
	}
	if code == 0 {
		return err
	}
	return &mapi.Error{Op: "ask the server", Code: code, Err: err}
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
