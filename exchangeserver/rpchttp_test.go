package exchangeserver_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"testing"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/internal/rpchttp"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// basic authenticates a channel as MAPI over HTTP's requests are.
type basic string

func (b basic) Authorize(context.Context, []string) (string, bool, error) {
	return string(b), true, nil
}

// overRPC reaches a user's mailbox by RPC over HTTP.
func overRPC(t *testing.T, srv *exchangetest.Server, alias string, change func(*exchange.Config)) exchange.Config {
	t.Helper()
	r, err := http.NewRequest("", srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Authorize(alias)(r); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := rpchttp.Config{
		URL:           rpchttp.URL(u.Host, "server@contoso.test", rpchttp.PortMailbox),
		TLS:           srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone(),
		Authenticator: func(*tls.ConnectionState) rpchttp.Authenticator { return basic(r.Header.Get("Authorization")) },
	}
	c := exchange.Config{UserDN: srv.UserDN(t, alias), RPC: &exchange.RPC{Version: oxcrpc.Version{16, 0, 4266, 1001}.Words(),
		Dial: func(ctx context.Context, interfaces ...dcerpc.Syntax) (*dcerpc.Client, error) {
			conn, err := rpchttp.Dial(ctx, cfg)
			if err != nil {
				return nil, err
			}
			client := dcerpc.NewClient(conn, dcerpc.Config{})
			if err := client.Bind(ctx, interfaces...); err != nil {
				client.Close()
				return nil, err
			}
			return client, nil
		}}}
	if change != nil {
		change(&c)
	}
	return c
}

// TestConformanceOverRPC runs the suite of stores over RPC: the client can't tell the transports apart.
func TestConformanceOverRPC(t *testing.T) {
	storetest.Run(t, func(t *testing.T) mapi.Store {
		srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}}})
		st, err := exchange.Open(t.Context(), overRPC(t, srv, "alice", nil))
		if err != nil {
			t.Fatal(err)
		}
		return st
	}, conformance())
}

// TestOldClients are told that there are no public folders, unless they say that they don't mind ([MS-OXCRPC] 3.1.4.1).
func TestOldClients(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}}})
	const refused = mapi.ErrClientVersion
	for _, c := range []struct {
		name    string
		version oxcrpc.Version
		ignore  bool
		code    mapi.Code
	}{
		{"MAPI/CDO", oxcrpc.Version{6, 5, 8244, 0}, false, refused},
		{"MAPI/CDO with Ignore No PF", oxcrpc.Version{6, 5, 8244, 0}, true, 0},
		{"Outlook 2003", oxcrpc.Version{11, 0, 8000, 0}, false, refused},
		{"Outlook 2007", oxcrpc.Version{12, 0, 0, 0}, false, 0},
		{"Outlook 2016", oxcrpc.Version{16, 0, 4266, 1001}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, err := exchange.Open(t.Context(), overRPC(t, srv, "alice", func(cfg *exchange.Config) {
				cfg.RPC.Version, cfg.IgnoreNoPF = c.version.Words(), c.ignore
			}))
			if err == nil {
				st.Close()
			}
			if got := mapi.CodeOf(err); err != nil && got != c.code || err == nil && c.code != 0 {
				t.Errorf("log on: %v, want %v", err, c.code)
			}
		})
	}
}

func TestUsersOfOthersMailboxesOverRPC(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}, {Alias: "bob"}}})
	_, err := exchange.Open(t.Context(), overRPC(t, srv, "alice", func(c *exchange.Config) { c.MailboxDN = srv.UserDN(t, "bob") }))
	if mapi.CodeOf(err) != mapi.ErrLoginPermission {
		t.Errorf("alice opens bob's mailbox: %v", err)
	}
	_, err = exchange.Open(t.Context(), overRPC(t, srv, "alice", func(c *exchange.Config) { c.UserDN = srv.UserDN(t, "bob") }))
	if mapi.CodeOf(err) != mapi.ErrLoginPermission {
		t.Errorf("alice connects as bob: %v", err)
	}
}
