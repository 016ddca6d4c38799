package autodiscover_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/autodiscover"
)

// TestInteropGromox looks a mailbox up on the server that the environment names: OPENCDO_GROMOX_URL (such as
// https://127.0.0.1:18443), OPENCDO_GROMOX_USER (an SMTP address), OPENCDO_GROMOX_PASSWORD_FILE and OPENCDO_GROMOX_CA. All
// names lead to it, and plain HTTP leads nowhere.
func TestInteropGromox(t *testing.T) {
	base, user := os.Getenv("OPENCDO_GROMOX_URL"), os.Getenv("OPENCDO_GROMOX_USER")
	file, ca := os.Getenv("OPENCDO_GROMOX_PASSWORD_FILE"), os.Getenv("OPENCDO_GROMOX_CA")
	if base == "" || user == "" || file == "" || ca == "" {
		t.Skip("SKIPPED: no server to test against; set OPENCDO_GROMOX_URL, OPENCDO_GROMOX_USER, OPENCDO_GROMOX_PASSWORD_FILE, OPENCDO_GROMOX_CA")
	}
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, domain, _ := strings.Cut(user, "@")
	network := func(dark ...string) *autodiscover.Client {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasSuffix(address, ":80") {
				return nil, errors.New("no plain HTTP here")
			}
			for _, host := range dark {
				if strings.HasPrefix(address, host+":") {
					return nil, errors.New("no such host")
				}
			}
			return new(net.Dialer).DialContext(ctx, network, at.Host)
		}}
		t.Cleanup(transport.CloseIdleConnections)
		return &autodiscover.Client{HTTP: &http.Client{Transport: transport},
			Authorize: func(r *http.Request) error {
				r.SetBasicAuth(user, strings.TrimSpace(string(password)))
				return nil
			},
			LookupSRV: func(context.Context, string, string, string) (string, []*net.SRV, error) {
				return "", []*net.SRV{{Target: "mail." + domain + ".", Port: 443}}, nil
			}}
	}
	allowed := network()
	allowed.DomainCredentials = true
	for _, test := range []struct {
		name     string
		client   *autodiscover.Client
		endpoint []string
		step     autodiscover.Step
		via      string
	}{
		{name: "given", client: network(), endpoint: []string{base}, step: autodiscover.StepGiven},
		{name: "domain", client: allowed, step: autodiscover.StepDomain},
		{name: "host", client: network(), step: autodiscover.StepHost},
		{name: "SRV record", client: network(domain, "autodiscover."+domain), step: autodiscover.StepSRV},
		{name: "JSON", client: network(), endpoint: []string{base + "/autodiscover/autodiscover.json"}, step: autodiscover.StepGiven, via: "JSON"},
		{name: "no such path", client: network(), endpoint: []string{base + "/autodiscover/autodiscover.svc", base}, step: autodiscover.StepGiven},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := test.client.Discover(t.Context(), user, test.endpoint...)
			if err != nil {
				autodiscover.Explain(user, r, err).WriteTo(os.Stderr)
				t.Fatal(err)
			}
			last := r.Attempts[len(r.Attempts)-1]
			if r.Step != test.step || last.Via != test.via || last.Outcome != autodiscover.OutcomeSettings {
				t.Errorf("found by %s %s: %v", r.Step, last.Via, last)
			}
			version, ok := r.Version()
			if !strings.EqualFold(r.SMTP, user) || !strings.HasPrefix(r.LegacyDN, "/o=") || !strings.HasSuffix(r.Server, "@"+domain) ||
				!strings.Contains(r.MailStore.ExternalURL, r.Server) || !strings.Contains(r.AddressBook.ExternalURL, r.Server) ||
				!ok || version.Major != 15 || r.EXCH == nil || r.EXPR == nil || len(r.EXHTTP) == 0 || r.Proxy().Server == "" || r.Proxy().AuthPackage == "" {
				t.Errorf("%+v", r)
			}
		})
	}
	wrong := network()
	wrong.Authorize = func(r *http.Request) error {
		r.SetBasicAuth("nobody@"+domain, "wrong")
		return nil
	}
	if _, err := wrong.Discover(t.Context(), user, base); !errors.Is(err, autodiscover.ErrUnauthorized) {
		t.Errorf("wrong password: %v", err)
	}
}
