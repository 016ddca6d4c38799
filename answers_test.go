package opencdo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/mapi"
)

// TestStrangeAnswers logs on to servers whose Autodiscover says what nobody understands: the error tells what it is.
func TestStrangeAnswers(t *testing.T) {
	const start = `<?xml version="1.0"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">` +
		`<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">`
	for name, c := range map[string]struct {
		status int
		body   string
		code   mapi.Code
	}{
		"a web page":          {200, "<html><body>Welcome to our company<br></body></html>", mapi.ErrCorruptData},
		"nothing":             {200, "", mapi.ErrCorruptData},
		"an end too early":    {200, start + "<Account><Prot", mapi.ErrCorruptData},
		"no XML":              {200, "\x00\x01\x02", mapi.ErrCorruptData},
		"elements for ever":   {200, start + strings.Repeat("<a>", 100_000), mapi.ErrCorruptData},
		"too busy":            {503, "busy", mapi.ErrServerBusy},
		"a password is wrong": {401, "", mapi.ErrLogonFailed},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.status == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", "Basic")
				}
				w.Header().Set("Content-Type", "text/xml")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer srv.Close()
			st, err := opencdo.Open(t.Context(), "exchange:anna@contoso.test@"+srv.URL, &opencdo.Config{Home: t.TempDir(),
				Password: func(context.Context, string, string) (string, error) { return "secret", nil }})
			if err == nil {
				st.Close()
			}
			if !errors.Is(err, c.code) {
				t.Errorf("%v, want %v", err, c.code)
			}
		})
	}
}
