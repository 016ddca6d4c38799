package mapihttp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/internal/mapihttp"
)

// gromox is a real server to test against, named by OPENCDO_GROMOX_URL (such as
// https://127.0.0.1:18443), OPENCDO_GROMOX_USER (an SMTP address),
// OPENCDO_GROMOX_PASSWORD_FILE and OPENCDO_GROMOX_CA.
type gromox struct {
	url, user, password string
	http                *http.Client
}

func newGromox(t *testing.T) *gromox {
	t.Helper()
	g := &gromox{url: os.Getenv("OPENCDO_GROMOX_URL"), user: os.Getenv("OPENCDO_GROMOX_USER")}
	file, ca := os.Getenv("OPENCDO_GROMOX_PASSWORD_FILE"), os.Getenv("OPENCDO_GROMOX_CA")
	if g.url == "" || g.user == "" || file == "" || ca == "" {
		t.Skip("NO SERVER TO TEST AGAINST: set OPENCDO_GROMOX_URL, OPENCDO_GROMOX_USER, OPENCDO_GROMOX_PASSWORD_FILE, OPENCDO_GROMOX_CA")
	}
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g.password = strings.TrimSpace(string(password))
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %s", ca)
	}
	g.http = g.trusting(t, roots)
	return g
}

// trusting is an HTTP client that finds every host name at the server's address.
func (g *gromox) trusting(t *testing.T, roots *x509.CertPool) *http.Client {
	u, err := url.Parse(g.url)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasSuffix(address, ":80") {
				return nil, errors.New("plain HTTP isn't to be tried")
			}
			return new(net.Dialer).DialContext(ctx, network, u.Host)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (g *gromox) authorize(r *http.Request) error {
	r.SetBasicAuth(g.user, g.password)
	return nil
}

func (g *gromox) discover(t *testing.T) *autodiscover.Result {
	t.Helper()
	c := &autodiscover.Client{HTTP: g.http, Authorize: g.authorize}
	r, err := c.Discover(t.Context(), g.user, g.url+"/autodiscover/autodiscover.xml")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (g *gromox) client(t *testing.T, url string) *mapihttp.Client {
	t.Helper()
	c, err := mapihttp.NewClient(mapihttp.Config{URL: url, HTTP: g.http, Authorize: g.authorize})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// connectBody is a Connect request body ([MS-OXCMAPIHTTP] 2.2.4.1.1).
func connectBody(dn string) []byte {
	b := append([]byte(dn), 0)
	for _, v := range []uint32{0, 1252, 1033, 1033, 0} { // Flags, code page, LcidSort, LcidString, no auxiliary buffer
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// do asks and checks that StatusCode and ErrorCode are as wanted.
func do(t *testing.T, c *mapihttp.Client, requestType string, body []byte, errorCode uint32) {
	t.Helper()
	r, err := c.Do(t.Context(), requestType, body)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	want := binary.LittleEndian.AppendUint32(make([]byte, 4), errorCode)
	if !bytes.HasPrefix(r.Body, want) {
		t.Fatalf("%s: answer %x, want %x...", requestType, r.Body, want)
	}
	if r.Start.IsZero() || r.Expires == 0 || r.PendingPeriod == 0 || !strings.HasPrefix(r.ServerApplication, "Exchange/15.") {
		t.Errorf("%s: %+v", requestType, r)
	}
}

func TestInteropAutodiscover(t *testing.T) {
	g := newGromox(t)
	given := g.discover(t)
	c := &autodiscover.Client{HTTP: g.http, Authorize: g.authorize}
	found, err := c.Discover(t.Context(), g.user)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range found.Attempts {
		t.Log(a)
	}
	_, domain, _ := strings.Cut(g.user, "@")
	for _, r := range []*autodiscover.Result{given, found} {
		if r.SMTP != g.user || !strings.HasPrefix(r.LegacyDN, "/o=") || !strings.HasSuffix(r.Server, "@"+domain) ||
			!strings.Contains(r.MailStore.ExternalURL, "/mapi/emsmdb/?MailboxId="+r.Server) ||
			!strings.Contains(r.AddressBook.ExternalURL, "/mapi/nspi/?MailboxId="+r.Server) || r.EXCH == nil || r.EXPR == nil {
			t.Errorf("result %+v", r)
		}
	}
	var failure *autodiscover.Error
	if _, err := c.Discover(t.Context(), "nobody@"+domain, g.url+"/autodiscover/autodiscover.xml"); !errors.As(err, &failure) {
		t.Errorf("unknown mailbox: %v", err)
	}
	c.HTTP = g.trusting(t, x509.NewCertPool())
	var authority x509.UnknownAuthorityError
	if _, err := c.Discover(t.Context(), g.user, g.url); !errors.Is(err, autodiscover.ErrUntrustedCertificate) || !errors.As(err, &authority) {
		t.Errorf("untrusted: %v", err)
	}
}

func TestInteropMailbox(t *testing.T) {
	g := newGromox(t)
	found := g.discover(t)
	c := g.client(t, found.MailStore.ExternalURL)
	connect := connectBody(found.LegacyDN)

	do(t, c, mapihttp.Connect, connect, 0)
	if _, err := c.Do(t.Context(), mapihttp.PING, nil); err != nil {
		t.Error(err)
	}
	// An Execute with an empty ROP list moves the sequence on.
	execute := []byte{3, 0, 0, 0, 10, 0, 0, 0, 0, 0, 4, 0, 2, 0, 2, 0, 2, 0, 8, 0, 1, 0, 0, 0, 0, 0}
	do(t, c, mapihttp.Execute, execute, 0)
	do(t, c, mapihttp.Execute, execute, 0)

	// NotificationWait runs beside Execute, until it is given up.
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error)
	go func() {
		_, err := c.Do(ctx, mapihttp.NotificationWait, make([]byte, 8))
		waited <- err
	}()
	for range 5 {
		do(t, c, mapihttp.Execute, execute, 0)
	}
	cancel()
	if err := <-waited; err != nil && !errors.Is(err, context.Canceled) { // it may have been answered
		t.Errorf("NotificationWait: %v", err)
	}

	do(t, c, mapihttp.Connect, connect, 0) // in place of the former context
	do(t, c, mapihttp.Execute, execute, 0)
	do(t, c, mapihttp.Disconnect, make([]byte, 4), 0)

	_, err := c.Do(t.Context(), mapihttp.Execute, execute)
	if !errors.Is(err, mapihttp.ErrContextNotFound) {
		t.Errorf("Execute after Disconnect: %v", err)
	}
	if tr := c.Traffic(); tr.Requests != 14 || tr.Received == 0 {
		t.Errorf("traffic %+v", tr)
	}
}

func TestInteropAddressBook(t *testing.T) {
	g := newGromox(t)
	c := g.client(t, g.discover(t).AddressBook.ExternalURL)
	bind := append([]byte{0, 0, 0, 0, 0xFF}, make([]byte, 36+4)...)
	binary.LittleEndian.PutUint32(bind[5+24:], 1252) // CodePage of the STAT
	do(t, c, mapihttp.Bind, bind, 0)
	do(t, c, mapihttp.Unbind, make([]byte, 8), 1) // UnbindSuccess
}

func TestInteropRefusals(t *testing.T) {
	g := newGromox(t)
	found := g.discover(t)
	stranger := g.client(t, strings.Replace(found.MailStore.ExternalURL, "/emsmdb/", "/elsewhere/", 1))
	var status *mapihttp.HTTPError
	if _, err := stranger.Do(t.Context(), mapihttp.Connect, connectBody(found.LegacyDN)); !errors.As(err, &status) || status.Status != http.StatusNotFound {
		t.Errorf("wrong path: %v", err)
	}
	untrusting := *g
	untrusting.http = g.trusting(t, x509.NewCertPool())
	var authority x509.UnknownAuthorityError
	_, err := untrusting.client(t, found.MailStore.ExternalURL).Do(t.Context(), mapihttp.Connect, connectBody(found.LegacyDN))
	if !errors.Is(err, mapihttp.ErrUntrustedCertificate) || !errors.As(err, &authority) {
		t.Errorf("untrusted: %v", err)
	}
	wrong := *g
	wrong.password = "not " + time.Now().String()
	_, err = wrong.client(t, found.MailStore.ExternalURL).Do(t.Context(), mapihttp.Connect, connectBody(found.LegacyDN))
	if !errors.Is(err, mapihttp.ErrUnauthorized) || !errors.As(err, &status) || len(status.Challenges) == 0 {
		t.Errorf("wrong password: %v", err)
	}
}
