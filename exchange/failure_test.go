package exchange

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"testing"

	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/mapi"
)

// What programs do about an error of the transport depends on its code: copies wait and try again, or end.
func TestFailuresHaveCodes(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		ctx  context.Context
		kind string
		err  error
		code mapi.Code
	}{
		{t.Context(), mapihttp.Execute, &mapihttp.NetworkError{RequestType: mapihttp.Execute, Err: io.ErrUnexpectedEOF}, mapi.ErrNetwork},
		{t.Context(), mapihttp.Execute, &mapihttp.NetworkError{RequestType: mapihttp.Execute, Err: mapihttp.ErrSilent}, mapi.ErrTimeout},
		{t.Context(), mapihttp.Execute, &mapihttp.ResponseCodeError{Code: mapihttp.ContextNotFound}, mapi.ErrNetwork},
		{t.Context(), mapihttp.Execute, &mapihttp.ResponseCodeError{Code: mapihttp.EndpointShuttingDown}, mapi.ErrServerBusy},
		{t.Context(), mapihttp.Execute, &mapihttp.ResponseCodeError{Code: mapihttp.NoPrivilege}, mapi.ErrCallFailed},
		{t.Context(), mapihttp.Connect, &mapihttp.HTTPError{Status: 503}, mapi.ErrServerBusy},
		{t.Context(), mapihttp.Execute, &mapihttp.HTTPError{Status: 429}, mapi.ErrServerBusy},
		{t.Context(), mapihttp.Execute, &mapihttp.HTTPError{Status: 502}, mapi.ErrNetwork},
		{t.Context(), mapihttp.Execute, &mapihttp.HTTPError{Status: 401}, mapi.ErrLogonFailed},
		{t.Context(), mapihttp.Execute, &mapihttp.HTTPError{Status: 404}, mapi.ErrCallFailed},
		{t.Context(), mapihttp.Connect, &mapihttp.NetworkError{Err: x509.UnknownAuthorityError{}}, mapi.ErrCallFailed},
		{ended, mapihttp.Execute, &mapihttp.NetworkError{Err: context.Canceled}, mapi.ErrCallFailed},
	} {
		got := failure(c.ctx, c.kind, c.err)
		if mapi.CodeOf(got) != c.code || !errors.Is(got, c.err) {
			t.Errorf("%s: %v has become %v, want code %v", c.kind, c.err, got, c.code)
		}
	}
}
