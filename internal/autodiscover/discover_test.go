package autodiscover

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

const (
	user     = "alice@contoso.test"
	legacyDN = "/o=First Organization/ou=Exchange/cn=Recipients/cn=alice"
)

// settings is a plain answer about alice.
func settings() *Response {
	return &Response{
		User:    &User{LegacyDN: legacyDN, DisplayName: "Alice", AutoDiscoverSMTPAddress: user},
		Account: &Account{AccountType: "email", Action: ActionSettings},
	}
}

// internet is a network of hosts: requests by "METHOD URL", anything else isn't
// reachable. It fails the test when credentials go where they mustn't.
type internet struct {
	t     *testing.T
	sites map[string]http.HandlerFunc
	asked []string // in order; with + if the request carried credentials
}

func (n *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	key := r.Method + " " + r.URL.String()
	note := key
	if r.Header.Get("Authorization") != "" {
		note += " +"
		if r.URL.Scheme != "https" {
			n.t.Errorf("credentials sent to %s", r.URL)
		}
	}
	n.asked = append(n.asked, note)
	site := n.sites[key]
	if site == nil {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
	}
	w := httptest.NewRecorder()
	site(w, r)
	res := w.Result()
	res.Request = r
	return res, nil
}

func (n *internet) client() *Client {
	return &Client{
		HTTP:      &http.Client{Transport: n},
		Authorize: func(r *http.Request) error { r.SetBasicAuth(user, "secret"); return nil },
		LookupSRV: func(context.Context, string, string, string) (string, []*net.SRV, error) {
			return "", nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		},
	}
}

// serve answers with a document, to whoever has the password.
func serve(r *Response) http.HandlerFunc {
	h := &Handler{Lookup: func(context.Context, *Request) (*Response, error) { return r, nil }}
	return func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="mail"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

func fail(e *Error) http.HandlerFunc {
	h := &Handler{Lookup: func(context.Context, *Request) (*Response, error) { return nil, e }}
	return h.ServeHTTP
}

const (
	onDomain = "POST https://contoso.test/autodiscover/autodiscover.xml"
	onHost   = "POST https://autodiscover.contoso.test/autodiscover/autodiscover.xml"
	plain    = "GET http://autodiscover.contoso.test/autodiscover/autodiscover.xml"
)

func account(a Account) *Response { return &Response{Account: &a} }

func TestDiscoverOrder(t *testing.T) {
	page := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html>Welcome")
	}
	hoster := func(host string) bool { return host == "hoster.test" }
	many := map[string]http.HandlerFunc{onDomain: redirect("https://contoso.test/0")}
	for i := range 20 {
		many[fmt.Sprintf("POST https://contoso.test/%d", i)] = redirect(fmt.Sprintf("https://contoso.test/%d", i+1))
	}
	for _, test := range []struct {
		name      string
		mailbox   string
		endpoints []string
		sites     map[string]http.HandlerFunc
		trust     func(string) bool
		domain    bool // the domain's web server may have credentials
		srv       []*net.SRV
		asked     []string
		wantErr   error // nil: alice is found
	}{
		{name: "domain", domain: true, sites: map[string]http.HandlerFunc{onDomain: serve(settings()), onHost: serve(nil)},
			asked: []string{onDomain, onDomain + " +"}},
		{name: "domain is a web site", sites: map[string]http.HandlerFunc{onDomain: page, onHost: serve(settings())},
			asked: []string{onDomain, onHost, onHost + " +"}},
		{name: "host autodiscover", sites: map[string]http.HandlerFunc{onDomain: http.NotFound, onHost: serve(settings())},
			asked: []string{onDomain, onHost, onHost + " +"}},
		{name: "plain redirect within the domain", sites: map[string]http.HandlerFunc{
			plain: redirect("https://mail.contoso.test/a.xml"), "POST https://mail.contoso.test/a.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain, "POST https://mail.contoso.test/a.xml", "POST https://mail.contoso.test/a.xml +"}},
		{name: "plain redirect to a foreign host", sites: map[string]http.HandlerFunc{
			plain: redirect("https://evil.test/a.xml"), "POST https://evil.test/a.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain}, wantErr: ErrUntrustedRedirect},
		{name: "plain redirect to a host with a similar name", sites: map[string]http.HandlerFunc{
			plain: redirect("https://evilcontoso.test/a.xml"), "POST https://evilcontoso.test/a.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain}, wantErr: ErrUntrustedRedirect},
		{name: "plain redirect to a trusted host", trust: hoster,
			sites: map[string]http.HandlerFunc{
				plain: redirect("https://hoster.test/a.xml"), "POST https://hoster.test/a.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain, "POST https://hoster.test/a.xml", "POST https://hoster.test/a.xml +"}},
		{name: "plain redirect to plain HTTP", sites: map[string]http.HandlerFunc{
			plain: redirect("http://mail.contoso.test/a.xml"), "POST http://mail.contoso.test/a.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain}, wantErr: ErrUntrustedRedirect},
		{name: "settings over plain HTTP", sites: map[string]http.HandlerFunc{plain: serve(settings())},
			asked: []string{onDomain, onHost, plain}, wantErr: ErrUnreachable},
		{name: "SRV record", srv: []*net.SRV{{Target: "x.contoso.test.", Port: 8443}, {Target: "srv.contoso.test.", Port: 443}},
			sites: map[string]http.HandlerFunc{"POST https://srv.contoso.test/autodiscover/autodiscover.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain, "POST https://srv.contoso.test/autodiscover/autodiscover.xml",
				"POST https://srv.contoso.test/autodiscover/autodiscover.xml +"}},
		{name: "nobody there", asked: []string{onDomain, onHost, plain}, wantErr: ErrUnreachable},
		{name: "HTTPS redirect", trust: hoster, sites: map[string]http.HandlerFunc{onDomain: redirect("https://hoster.test/a.xml"), "POST https://hoster.test/a.xml": serve(settings())},
			asked: []string{onDomain, "POST https://hoster.test/a.xml", "POST https://hoster.test/a.xml +"}},
		{name: "HTTPS redirect to plain HTTP", sites: map[string]http.HandlerFunc{onDomain: redirect("http://mail.contoso.test/a.xml"), "POST http://mail.contoso.test/a.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain}, wantErr: ErrUntrustedRedirect},
		{name: "redirectUrl", domain: true, trust: hoster, sites: map[string]http.HandlerFunc{
			onDomain: serve(account(Account{Action: ActionRedirectURL, RedirectURL: "https://hoster.test/a.xml"})), "POST https://hoster.test/a.xml": serve(settings())},
			asked: []string{onDomain, onDomain + " +", "POST https://hoster.test/a.xml", "POST https://hoster.test/a.xml +"}},
		{name: "redirectAddr", domain: true, trust: func(host string) bool { return host == "fabrikam.test" }, sites: map[string]http.HandlerFunc{
			onDomain: serve(account(Account{Action: ActionRedirectAddr, RedirectAddr: "alice@fabrikam.test"})),
			"POST https://fabrikam.test/autodiscover/autodiscover.xml": serve(settings())},
			asked: []string{onDomain, onDomain + " +", "POST https://fabrikam.test/autodiscover/autodiscover.xml", "POST https://fabrikam.test/autodiscover/autodiscover.xml +"}},
		{name: "redirectAddr to a domain that nobody approved", sites: map[string]http.HandlerFunc{
			onHost: serve(account(Account{Action: ActionRedirectAddr, RedirectAddr: "alice@fabrikam.test"}))},
			asked: []string{onDomain, onHost, onHost + " +", plain}, wantErr: ErrUntrustedRedirect},
		{name: "redirectAddr to Microsoft's service", sites: map[string]http.HandlerFunc{
			onHost: serve(account(Account{Action: ActionRedirectAddr, RedirectAddr: "alice@contoso.mail.onmicrosoft.com"})),
			"GET http://autodiscover.contoso.mail.onmicrosoft.com/autodiscover/autodiscover.xml": redirect("https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml"),
			"POST https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml":              serve(settings())}},
		{name: "the web server of the domain wants credentials", sites: map[string]http.HandlerFunc{onDomain: serve(settings())},
			asked: []string{onDomain, onHost, plain}, wantErr: ErrCredentialsWithheld},
		{name: "plain redirect to the web server of the domain, which wants credentials", sites: map[string]http.HandlerFunc{
			plain: redirect("https://contoso.test/a.xml"), "POST https://contoso.test/a.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain, "POST https://contoso.test/a.xml"}, wantErr: ErrCredentialsWithheld},
		{name: "HTTPS redirect to a foreign host", sites: map[string]http.HandlerFunc{onHost: redirect("https://evil.test/a.xml"), "POST https://evil.test/a.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain}, wantErr: ErrUntrustedRedirect},
		{name: "redirectUrl to a foreign host", sites: map[string]http.HandlerFunc{
			onHost: serve(account(Account{Action: ActionRedirectURL, RedirectURL: "https://evil.test/a.xml"})), "POST https://evil.test/a.xml": serve(settings())},
			asked: []string{onDomain, onHost, onHost + " +", plain}, wantErr: ErrUntrustedRedirect},
		{name: "redirectUrl with a user name", sites: map[string]http.HandlerFunc{
			onHost: serve(account(Account{Action: ActionRedirectURL, RedirectURL: "https://mallory:x@mail.contoso.test/a.xml"}))},
			asked: []string{onDomain, onHost, onHost + " +", plain}, wantErr: ErrUntrustedRedirect},
		{name: "SRV record of a foreign host", srv: []*net.SRV{{Target: "evil.test.", Port: 443}},
			sites: map[string]http.HandlerFunc{"POST https://evil.test/autodiscover/autodiscover.xml": serve(settings())},
			asked: []string{onDomain, onHost, plain}, wantErr: ErrUntrustedRedirect},
		{name: "a given endpoint redirects below itself", endpoints: []string{"mail.corp.test"}, sites: map[string]http.HandlerFunc{
			"POST https://mail.corp.test/autodiscover/autodiscover.xml": redirect("https://eu.mail.corp.test/a.xml"), "POST https://eu.mail.corp.test/a.xml": serve(settings())},
			asked: []string{"POST https://mail.corp.test/autodiscover/autodiscover.xml +", "POST https://eu.mail.corp.test/a.xml", "POST https://eu.mail.corp.test/a.xml +"}},
		{name: "a given endpoint redirects elsewhere", endpoints: []string{"mail.corp.test"}, sites: map[string]http.HandlerFunc{
			"POST https://mail.corp.test/autodiscover/autodiscover.xml": redirect("https://evil.test/a.xml"), "POST https://evil.test/a.xml": serve(settings())},
			asked: []string{"POST https://mail.corp.test/autodiscover/autodiscover.xml +"}, wantErr: ErrUntrustedRedirect},
		{name: "below a domain of one label", mailbox: "alice@test", sites: map[string]http.HandlerFunc{
			"GET http://autodiscover.test/autodiscover/autodiscover.xml": redirect("https://evil.test/a.xml"), "POST https://evil.test/a.xml": serve(settings())},
			wantErr: ErrUntrustedRedirect},
		{name: "an account that is locked", sites: map[string]http.HandlerFunc{onHost: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(456) }},
			asked: []string{onDomain, onHost}, wantErr: &HTTPError{Status: 456}},
		{name: "redirectAddr to itself", domain: true, sites: map[string]http.HandlerFunc{onDomain: serve(account(Account{Action: ActionRedirectAddr, RedirectAddr: user}))},
			wantErr: ErrTooManyRedirects},
		{name: "redirects without end", sites: many, wantErr: ErrTooManyRedirects},
		{name: "wrong password", domain: true, sites: map[string]http.HandlerFunc{onDomain: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) }},
			asked: []string{onDomain, onDomain + " +", onHost, plain}, wantErr: ErrUnauthorized},
		{name: "no such mailbox", domain: true, sites: map[string]http.HandlerFunc{onDomain: serve(nil), onHost: serve(settings())},
			asked: []string{onDomain, onDomain + " +"}, wantErr: &Error{ErrorCode: ErrorNoMailbox}},
		{name: "server error", sites: map[string]http.HandlerFunc{onDomain: fail(&Error{ErrorCode: ErrorServer, Message: "disk"})},
			asked: []string{onDomain}, wantErr: &Error{ErrorCode: ErrorServer}},
		{name: "given", endpoints: []string{"https://given.test/a.xml"}, sites: map[string]http.HandlerFunc{"POST https://given.test/a.xml": serve(settings())},
			asked: []string{"POST https://given.test/a.xml +"}},
		{name: "given by host, first one down", endpoints: []string{"down.test", "up.test"},
			sites: map[string]http.HandlerFunc{"POST https://up.test/autodiscover/autodiscover.xml": serve(settings()), onDomain: serve(settings())},
			asked: []string{"POST https://down.test/autodiscover/autodiscover.xml +", "POST https://up.test/autodiscover/autodiscover.xml +"}},
		{name: "given, by legacy DN", mailbox: legacyDN, endpoints: []string{"up.test"},
			sites: map[string]http.HandlerFunc{"POST https://up.test/autodiscover/autodiscover.xml": serve(settings())},
			asked: []string{"POST https://up.test/autodiscover/autodiscover.xml +"}},
		{name: "given without a path", endpoints: []string{"https://up.test:8443/"},
			sites: map[string]http.HandlerFunc{"POST https://up.test:8443/autodiscover/autodiscover.xml": serve(settings())},
			asked: []string{"POST https://up.test:8443/autodiscover/autodiscover.xml +"}},
		{name: "given, all down", endpoints: []string{"down.test"}, sites: map[string]http.HandlerFunc{onDomain: serve(settings())},
			asked: []string{"POST https://down.test/autodiscover/autodiscover.xml +"}, wantErr: ErrUnreachable},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := &internet{t: t, sites: test.sites}
			c := n.client()
			c.Trust, c.DomainCredentials = test.trust, test.domain
			if test.srv != nil {
				c.LookupSRV = func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
					if service != "autodiscover" || proto != "tcp" || name != "contoso.test" {
						t.Errorf("SRV record of %s %s %s", service, proto, name)
					}
					return "", test.srv, nil
				}
			}
			mailbox := test.mailbox
			if mailbox == "" {
				mailbox = user
			}
			r, err := c.Discover(t.Context(), mailbox, test.endpoints...)
			if test.asked != nil && !slices.Equal(n.asked, test.asked) {
				t.Errorf("asked %q, want %q", n.asked, test.asked)
			}
			if test.wantErr == nil {
				if err != nil {
					t.Fatal(err)
				}
				last := strings.TrimSuffix(n.asked[len(n.asked)-1], " +")
				if r.LegacyDN != legacyDN || "POST "+r.URL != last || r.Attempts[len(r.Attempts)-1].Status != 200 {
					t.Errorf("result %+v", r)
				}
				return
			}
			var all *DiscoverError
			if !errors.Is(err, test.wantErr) || !errors.As(err, &all) || len(all.Attempts) < len(n.asked) {
				t.Fatalf("error %v, want %v", err, test.wantErr)
			}
			// The most telling error leads.
			if lead := all.Unwrap()[0]; !errors.Is(lead, test.wantErr) || !strings.Contains(err.Error(), mailbox) {
				t.Errorf("%v leads, want %v", lead, test.wantErr)
			}
			if len(n.asked) > 2*(maxRedirects+2) {
				t.Errorf("%d requests", len(n.asked))
			}
		})
	}
}

func TestDiscoverBadMailbox(t *testing.T) {
	n := &internet{t: t}
	for _, mailbox := range []string{"", "alice", "alice@", legacyDN, "/o=x/cn=guid@contoso.test", "alice@contoso.test/path", "alice@user:password@contoso.test", "alice@contoso.test:99"} {
		if _, err := n.client().Discover(t.Context(), mailbox); err == nil || len(n.asked) > 0 {
			t.Errorf("%q: %v, asked %v", mailbox, err, n.asked)
		}
	}
	for _, endpoint := range []string{"http://mail.contoso.test/a.xml", "ftp://mail.contoso.test/", "https://", "https://%zz/"} {
		if _, err := n.client().Discover(t.Context(), user, endpoint); err == nil || len(n.asked) > 0 {
			t.Errorf("%q: %v, asked %v", endpoint, err, n.asked)
		}
	}
}

func TestDiscoverRequest(t *testing.T) {
	var header http.Header
	var request *Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		h := &Handler{Lookup: func(_ context.Context, r *Request) (*Response, error) {
			request = r
			s := settings()
			s.Account.Protocol = []Protocol{
				{TypeAttr: MapiHttp, Version: "1", MailStore: &EndpointURLs{ExternalURL: "https://mail/mapi/emsmdb/?MailboxId=guid@contoso.test"}},
			}
			s.Account.AlternativeMailbox = []AlternativeMailbox{{Type: "Archive", LegacyDN: legacyDN + "/archive", Server: "archive@contoso.test"}}
			return s, nil
		}}
		h.ServeHTTP(w, r)
	}))
	defer server.Close()
	// A loopback address that the user named may have credentials over plain HTTP.
	c := &Client{Authorize: func(r *http.Request) error { r.SetBasicAuth(user, "secret"); return nil }}
	r, err := c.Discover(t.Context(), user, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if *request != (Request{EMailAddress: user, AcceptableResponseSchema: ResponseSchema}) {
		t.Errorf("request %+v", request)
	}
	if header.Get("X-MapiHttpCapability") != "1" || header.Get("X-AnchorMailbox") != user || !strings.HasPrefix(header.Get("Content-Type"), "text/xml") || header.Get("Authorization") == "" {
		t.Errorf("header %v", header)
	}
	if r.Server != "guid@contoso.test" || r.EXCH != nil || len(r.AlternativeMailboxes) != 1 || r.AlternativeMailboxes[0].Server != "archive@contoso.test" {
		t.Errorf("result %+v", r)
	}
	if _, err := c.Discover(t.Context(), legacyDN, server.URL); err != nil || request.LegacyDN != legacyDN || request.EMailAddress != "" || header.Get("X-AnchorMailbox") != "" {
		t.Errorf("by legacy DN: %v, %+v", err, request)
	}
}

func TestDiscoverUntrustedCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(serve(settings()))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	c := &Client{Authorize: func(r *http.Request) error { r.SetBasicAuth(user, "secret"); return nil }}
	_, err := c.Discover(t.Context(), user, server.URL)
	var authority x509.UnknownAuthorityError
	if !errors.Is(err, ErrUntrustedCertificate) || errors.Is(err, ErrUnreachable) || !errors.As(err, &authority) {
		t.Errorf("error %v", err)
	}
	c.HTTP = server.Client()
	if _, err := c.Discover(t.Context(), user, server.URL); err != nil {
		t.Error(err)
	}
}

func TestHandlerErrors(t *testing.T) {
	envelope := func(inner string) string {
		return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="` + nsRequest + `"><Request>` + inner + `</Request></Autodiscover>`
	}
	const schema = "<AcceptableResponseSchema>" + ResponseSchema + "</AcceptableResponseSchema>"
	h := &Handler{Lookup: func(_ context.Context, r *Request) (*Response, error) {
		switch {
		case strings.HasPrefix(r.EMailAddress, "nobody"):
			return nil, nil
		case strings.HasPrefix(r.EMailAddress, "broken"):
			return nil, errors.New("secret path")
		case strings.HasPrefix(r.EMailAddress, "moved"):
			return nil, fmt.Errorf("wrapped: %w", &Error{ErrorCode: ErrorNoMailbox, Message: "moved away"})
		}
		return settings(), nil
	}}
	for _, test := range []struct {
		method, body string
		code         ErrorCode
	}{
		{"GET", "", ErrorInvalidRequest},
		{"POST", "", ErrorInvalidRequest},
		{"POST", "<x/>", ErrorInvalidRequest},
		{"POST", "<Autodiscover xmlns='urn:other'/>", ErrorInvalidRequest},
		{"POST", envelope(schema), ErrorInvalidRequest},
		{"POST", envelope("<EMailAddress>" + user + "</EMailAddress>"), ErrorNoProvider},
		{"POST", envelope("<EMailAddress>alice</EMailAddress>" + schema), ErrorBadAddress},
		{"POST", envelope("<LegacyDN>alice</LegacyDN>" + schema), ErrorBadAddress},
		{"POST", envelope("<EMailAddress>nobody@contoso.test</EMailAddress>" + schema), ErrorNoMailbox},
		{"POST", envelope("<EMailAddress>moved@contoso.test</EMailAddress>" + schema), ErrorNoMailbox},
		{"POST", envelope("<EMailAddress>broken@contoso.test</EMailAddress>" + schema), ErrorServer},
		{"POST", envelope("<EMailAddress> " + user + "\n</EMailAddress>" + schema), 0},
		{"POST", envelope("<LegacyDN>" + legacyDN + "</LegacyDN>" + schema), 0},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(test.method, "/autodiscover/autodiscover.xml", strings.NewReader(test.body)))
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml") || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %v %s", test.body, w.Code, w.Header(), w.Body)
		}
		r, err := DecodeResponse(w.Body)
		if err != nil {
			t.Errorf("%s: %v", test.body, err)
			continue
		}
		switch {
		case test.code == 0:
			if r.Error != nil || r.User.LegacyDN != legacyDN {
				t.Errorf("%s: %+v", test.body, r)
			}
		case r.Error == nil || r.Error.ErrorCode != test.code || r.Error.Message == "" || r.Error.Time == "" || r.Error.ID == "":
			t.Errorf("%s: %+v, want %d", test.body, r.Error, test.code)
		}
	}
}
