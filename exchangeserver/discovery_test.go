package exchangeserver

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/internal/directory"
	"github.com/opencdo/opencdo/mapi"
)

// TestOffers asks servers that offer different ways, in every variant.
func TestOffers(t *testing.T) {
	dir, err := directory.Create(t.Context(), t.TempDir(), "contoso.test")
	if err != nil {
		t.Fatal(err)
	}
	alice, err := dir.Add(t.Context(), directory.NewUser{Alias: "alice", DisplayName: "Alice", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	backend := NewLocal(dir)
	defer backend.Close()
	s, err := New(Config{Backend: backend, Domain: "contoso.test", ServerVersion: "Exchange/15.01.2507.039", SpoolDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, test := range []struct {
		name               string
		offer              Offer
		mapi               bool
		exch, proxy, exttp string // AuthPackage
	}{
		{name: "as it is", mapi: true, exch: "anonymous", proxy: "basic", exttp: "basic"},
		{name: "MAPI over HTTP", offer: Offer{NoRPCOverHTTP: true}, mapi: true},
		{name: "nothing", offer: Offer{NoMapiHTTP: true, NoRPCOverHTTP: true}},
		{name: "RPC over HTTP", offer: Offer{NoMapiHTTP: true, RPCAuth: "ntlm"}, exch: "ntlm", proxy: "basic", exttp: "basic"},
		{name: "RPC over TCP", offer: Offer{NoMapiHTTP: true, NoRPCOverHTTP: true, RPCOverTCP: true, RPCAuth: "kerb"}, exch: "kerb"},
		{name: "all", offer: Offer{ProxyAuth: "negotiate", RPCOverTCP: true}, mapi: true, exch: "anonymous", proxy: "negotiate", exttp: "negotiate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.offer.validate(); err != nil {
				t.Fatal(err)
			}
			d := &discovery{s, test.offer}
			web := httptest.NewTLSServer(d.handler())
			defer web.Close()
			host := strings.TrimPrefix(web.URL, "https://")
			c := autodiscover.Client{HTTP: web.Client(), Authorize: func(r *http.Request) error {
				r.SetBasicAuth("alice", "secret")
				return nil
			}}
			server := alice.Mailbox.String() + "@contoso.test"
			for _, endpoint := range []string{"/Autodiscover/Autodiscover.xml", "/autodiscover/autodiscover.svc", "/autodiscover/autodiscover.json"} {
				r, err := c.Discover(t.Context(), alice.SMTPAddress, web.URL+endpoint)
				if err != nil {
					t.Fatal(err)
				}
				soap := strings.HasSuffix(endpoint, ".svc")
				if r.LegacyDN != alice.LegacyDN || r.DisplayName != "Alice" || r.SMTP != alice.SMTPAddress {
					t.Errorf("%s: %+v", endpoint, r)
				}
				if has := strings.HasPrefix(r.MailStore.ExternalURL, web.URL+"/mapi/emsmdb/?MailboxId="+server); has != (test.mapi && !soap) {
					t.Errorf("%s: MAPI over HTTP: %+v", endpoint, r.MailStore)
				}
				if (r.EXCH != nil) != (test.exch != "") || (r.EXPR != nil) != (test.proxy != "") || (len(r.EXHTTP) > 0) != (test.exttp != "" && !soap) {
					t.Fatalf("%s: %+v", endpoint, r.Protocols)
				}
				if r.EXCH != nil {
					version, _ := r.Version()
					if r.Server != server || r.EXCH.ServerDN == "" || !strings.HasPrefix(version.String(), "15.1.2507") || !soap && r.EXCH.AuthPackage != test.exch {
						t.Errorf("%s: EXCH %+v", endpoint, r.EXCH)
					}
				}
				if r.EXPR != nil && (r.EXPR.Server != host || r.EXPR.SSL != "On" || r.EXPR.AuthPackage != test.proxy) {
					t.Errorf("%s: EXPR %+v", endpoint, r.EXPR)
				}
			}
			if _, err := c.Discover(t.Context(), "nobody@contoso.test", web.URL+"/autodiscover/autodiscover.svc"); !errors.Is(err, &autodiscover.Error{ErrorCode: autodiscover.ErrorNoMailbox}) {
				t.Errorf("nobody: %v", err)
			}
			c.Authorize = nil
			if _, err := c.Discover(t.Context(), alice.SMTPAddress, web.URL+"/autodiscover/autodiscover.svc"); !errors.Is(err, autodiscover.ErrUnauthorized) {
				t.Errorf("without a password: %v", err)
			}
		})
	}
	if err := (&Offer{ProxyAuth: "magic"}).validate(); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("an unknown package: %v", err)
	}
}
