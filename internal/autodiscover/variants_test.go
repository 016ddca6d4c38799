package autodiscover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	hostSOAP = "POST https://autodiscover.contoso.test/autodiscover/autodiscover.svc"
	hostJSON = "GET https://autodiscover.contoso.test/autodiscover/autodiscover.json/v1.0/alice@contoso.test?Protocol=AutodiscoverV1"
)

// full is an answer with everything that SOAP has too.
func full() *Response {
	r := settings()
	r.Account.Protocol = []Protocol{
		{Type: EXCH, Server: "guid@contoso.test", ServerDN: "/o=x/cn=Servers/cn=guid@contoso.test", ServerVersion: "73C0834F", AuthPackage: "ntlm"},
		{Type: EXPR, Server: "mail.contoso.test", SSL: "On", AuthPackage: "basic", EwsURL: "https://mail.contoso.test/EWS/Exchange.asmx"},
	}
	r.Account.AlternativeMailbox = []AlternativeMailbox{{Type: "Archive", DisplayName: "Old & older", LegacyDN: legacyDN + "/archive", Server: "archive@contoso.test"}}
	return r
}

func soapServer(lookup Lookup) http.HandlerFunc {
	h := &SOAPHandler{Lookup: lookup, Version: ServerVersion{15, 1, 2507, 39}}
	return func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Header.Get("SOAPAction") != `"http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"` {
			http.Error(w, "action", http.StatusBadRequest)
			return
		}
		h.ServeHTTP(w, r)
	}
}

func always(r *Response) Lookup {
	return func(context.Context, *Request) (*Response, error) { return r, nil }
}

func jsonServer(to string) http.HandlerFunc {
	return (&JSONHandler{URL: func(*http.Request, string) string { return to }}).ServeHTTP
}

// TestOtherVariants has servers without POX.
func TestOtherVariants(t *testing.T) {
	mail := "POST https://mail.contoso.test/autodiscover/autodiscover.xml"
	busy := 0
	for _, test := range []struct {
		name     string
		endpoint string
		sites    map[string]http.HandlerFunc
		asked    []string
		wantErr  error
	}{
		{name: "SOAP", sites: map[string]http.HandlerFunc{onHost: http.NotFound, hostSOAP: soapServer(always(full()))},
			asked: []string{onDomain, onHost, hostSOAP, hostSOAP + " +"}},
		{name: "JSON", sites: map[string]http.HandlerFunc{onHost: http.NotFound, hostSOAP: http.NotFound,
			hostJSON: jsonServer("https://mail.contoso.test/autodiscover/autodiscover.xml"), mail: serve(full())},
			asked: []string{onDomain, onHost, hostSOAP, hostJSON, mail, mail + " +"}},
		{name: "JSON that points back", sites: map[string]http.HandlerFunc{onHost: http.NotFound, hostSOAP: http.NotFound,
			hostJSON: jsonServer("https://autodiscover.contoso.test/autodiscover/autodiscover.xml")},
			asked: []string{onDomain, onHost, hostSOAP, hostJSON, onHost, plain}, wantErr: &HTTPError{Status: 404}},
		{name: "JSON that points to a foreign host", sites: map[string]http.HandlerFunc{onHost: http.NotFound, hostJSON: jsonServer("https://evil.test/a.xml")},
			asked: []string{onDomain, onHost, hostSOAP, hostJSON, plain}, wantErr: ErrUntrustedRedirect},
		{name: "JSON that wants credentials", sites: map[string]http.HandlerFunc{onHost: http.NotFound, hostJSON: serve(nil)},
			asked: []string{onDomain, onHost, hostSOAP, hostJSON, plain}, wantErr: ErrUnauthorized},
		{name: "JSON without the protocol", sites: map[string]http.HandlerFunc{onHost: http.NotFound, hostJSON: jsonServer("")},
			asked: []string{onDomain, onHost, hostSOAP, hostJSON, plain}, wantErr: &HTTPError{Status: 404}},
		{name: "given SOAP", endpoint: "https://mail.contoso.test/autodiscover/Autodiscover.svc",
			sites: map[string]http.HandlerFunc{"POST https://mail.contoso.test/autodiscover/Autodiscover.svc": soapServer(always(full()))},
			asked: []string{"POST https://mail.contoso.test/autodiscover/Autodiscover.svc +"}},
		{name: "given JSON", endpoint: "https://mail.contoso.test/autodiscover/autodiscover.json",
			sites: map[string]http.HandlerFunc{"GET https://mail.contoso.test/autodiscover/autodiscover.json/v1.0/alice@contoso.test?Protocol=AutodiscoverV1": jsonServer("https://mail.contoso.test/autodiscover/autodiscover.xml"), mail: serve(full())},
			asked: []string{"GET https://mail.contoso.test/autodiscover/autodiscover.json/v1.0/alice@contoso.test?Protocol=AutodiscoverV1", mail, mail + " +"}},
		{name: "SOAP, redirect to a URL", sites: map[string]http.HandlerFunc{onHost: http.NotFound,
			hostSOAP: soapServer(always(account(Account{Action: ActionRedirectURL, RedirectURL: "https://mail.contoso.test/autodiscover/autodiscover.svc"}))),
			"POST https://mail.contoso.test/autodiscover/autodiscover.svc": soapServer(always(full()))}},
		{name: "SOAP, redirect to an address", sites: map[string]http.HandlerFunc{onHost: http.NotFound,
			hostSOAP: soapServer(always(account(Account{Action: ActionRedirectAddr, RedirectAddr: "alice@eu.contoso.test"}))),
			"POST https://autodiscover.eu.contoso.test/autodiscover/autodiscover.xml": serve(full())}},
		{name: "SOAP, no such mailbox", sites: map[string]http.HandlerFunc{onHost: http.NotFound, hostSOAP: soapServer(always(nil))},
			asked: []string{onDomain, onHost, hostSOAP, hostSOAP + " +"}, wantErr: &Error{ErrorCode: ErrorNoMailbox}},
		{name: "SOAP, busy for a moment", sites: map[string]http.HandlerFunc{onHost: http.NotFound, hostSOAP: func(w http.ResponseWriter, r *http.Request) {
			if busy++; busy == 1 {
				io.WriteString(w, busyAnswer)
				return
			}
			soapServer(always(full()))(w, r)
		}}},
		{name: "SOAP, busy", sites: map[string]http.HandlerFunc{onHost: http.NotFound, hostSOAP: func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, busyAnswer) }},
			asked: []string{onDomain, onHost, hostSOAP, hostSOAP, hostJSON, plain}, wantErr: &SOAPError{Code: SOAPServerBusy}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &internet{t: t, sites: test.sites}
				c := n.client()
				var endpoints []string
				if test.endpoint != "" {
					endpoints = []string{test.endpoint}
				}
				r, err := c.Discover(t.Context(), user, endpoints...)
				if test.asked != nil && !slices.Equal(withoutPlain(n.asked), withoutPlain(test.asked)) {
					t.Errorf("asked %q, want %q", n.asked, test.asked)
				}
				if test.wantErr != nil {
					if !errors.Is(err, test.wantErr) {
						t.Errorf("error %v, want %v", err, test.wantErr)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				version, _ := r.Version()
				if r.LegacyDN != legacyDN || r.DisplayName != "Alice" || r.SMTP != user || r.Server != "guid@contoso.test" ||
					r.EXCH.ServerDN != "/o=x/cn=Servers/cn=guid@contoso.test" || version.String() != "15.0.847" ||
					r.EXPR.Server != "mail.contoso.test" || r.EXPR.SSL != "On" || r.EXPR.AuthPackage != "basic" ||
					r.EXPR.EwsURL != "https://mail.contoso.test/EWS/Exchange.asmx" || r.Proxy().Principal() != "msstd:mail.contoso.test" ||
					len(r.AlternativeMailboxes) != 1 || r.AlternativeMailboxes[0].DisplayName != "Old & older" {
					t.Errorf("result %+v\n%+v\n%+v", r, r.EXCH, r.EXPR)
				}
			})
		})
	}
}

// withoutPlain leaves out what is asked when earlier steps take their time.
func withoutPlain(asked []string) []string {
	return slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return s == plain })
}

const busyAnswer = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response><ErrorCode>ServerBusy</ErrorCode><ErrorMessage>Later.</ErrorMessage></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`

// published has the form in which [MS-OXWSADISC] and Microsoft's pages show answers: prefixes, nil elements, headers.
const published = `<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://www.w3.org/2005/08/addressing">
  <s:Header>
    <a:Action s:mustUnderstand="1">http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettingsResponse</a:Action>
    <h:ServerVersionInfo xmlns:h="http://schemas.microsoft.com/exchange/2010/Autodiscover" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
      <h:MajorVersion>15</h:MajorVersion><h:MinorVersion>1</h:MinorVersion><h:MajorBuildNumber>2507</h:MajorBuildNumber><h:MinorBuildNumber>39</h:MinorBuildNumber>
      <h:Version>Exchange2015</h:Version>
    </h:ServerVersionInfo>
  </s:Header>
  <s:Body>
    <GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover">
      <Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
        <ErrorCode>NoError</ErrorCode><ErrorMessage/>
        <UserResponses><UserResponse>
          <ErrorCode>NoError</ErrorCode><ErrorMessage>No error.</ErrorMessage>
          <RedirectTarget i:nil="true"/>
          <UserSettingErrors><UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode><ErrorMessage>no</ErrorMessage><SettingName>PublicFolderServer</SettingName></UserSettingError></UserSettingErrors>
          <UserSettings>
            <UserSetting i:type="StringSetting"><Name>UserDN</Name><Value>/o=x/cn=alice</Value></UserSetting>
            <UserSetting i:type="StringSetting"><Name>InternalMailboxServer</Name><Value>guid@contoso.test</Value></UserSetting>
            <UserSetting i:type="StringSetting"><Name>CasVersion</Name><Value>15.01.2507.039</Value></UserSetting>
            <UserSetting i:type="StringSetting"><Name>ExternalMailboxServer</Name><Value>mail.contoso.test</Value></UserSetting>
            <UserSetting i:type="StringSetting"><Name>ExternalMailboxServerRequiresSSL</Name><Value>True</Value></UserSetting>
            <UserSetting i:type="StringSetting"><Name>ExternalMailboxServerAuthenticationMethods</Name><Value>Negotiate</Value></UserSetting>
            <UserSetting i:type="AlternateMailboxCollectionSetting"><Name>AlternateMailboxes</Name><AlternateMailboxes>
              <AlternateMailbox><Type>Archive</Type><DisplayName>Archive</DisplayName><LegacyDN>/o=x/cn=archive</LegacyDN><Server>archive@contoso.test</Server></AlternateMailbox>
            </AlternateMailboxes></UserSetting>
          </UserSettings>
        </UserResponse></UserResponses>
      </Response>
    </GetUserSettingsResponseMessage>
  </s:Body>
</s:Envelope>`

func TestPublishedSOAP(t *testing.T) {
	doc, err := DecodeUserSettingsResponse(strings.NewReader(published))
	if err != nil {
		t.Fatal(err)
	}
	r := newResult(fromSettings(doc.Users[0].Settings))
	version, ok := r.Version()
	if r.LegacyDN != "/o=x/cn=alice" || r.Server != "guid@contoso.test" || !ok || version != (ServerVersion{15, 1, 2507, 39}) ||
		r.EXPR.Server != "mail.contoso.test" || r.EXPR.SSL != "On" || r.EXPR.AuthPackage != "Negotiate" ||
		len(r.AlternativeMailboxes) != 1 || r.AlternativeMailboxes[0].Server != "archive@contoso.test" || doc.Users[0].Errors[0].SettingName != "PublicFolderServer" {
		t.Errorf("%+v", r)
	}
	fault := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring xml:lang="en-US">broken</faultstring></s:Fault></s:Body></s:Envelope>`
	var failure *SOAPError
	if _, err := DecodeUserSettingsResponse(strings.NewReader(fault)); !errors.As(err, &failure) || failure.Code != "s:Client" || failure.Message != "broken" {
		t.Errorf("fault: %v", err)
	}
}

func TestServerVersion(t *testing.T) {
	// The first is gromox's 15.00.0847, the second that of Exchange 2016 CU19, 15.1.2176.
	for hex, want := range map[string]string{"73C0834F": "15.0.847", "73C18880": "15.1.2176", "15.01.2507.039": "15.1.2507.39"} {
		v, ok := ParseServerVersion(hex)
		if !ok || v.String() != want || len(hex) == 8 && v.Hex() != hex {
			t.Errorf("%s: %v, %s, want %s", hex, v, v.Hex(), want)
		}
	}
	for _, s := range []string{"", "73C0834", "03C0834F", "1.2.3.4.5", "a.b", "99999999999.1", "zzzzzzzz"} {
		if v, ok := ParseServerVersion(s); ok {
			t.Errorf("%q: %v", s, v)
		}
	}
}

func TestHostileDocuments(t *testing.T) {
	deep := strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000)
	account := func(inner string) string {
		return `<Autodiscover xmlns="` + nsEnvelope + `"><Response xmlns="` + ResponseSchema + `"><Account>` + inner + `</Account></Response></Autodiscover>`
	}
	for _, test := range []struct {
		name, doc string
		want      error // nil: any
	}{
		{"entity", `<!DOCTYPE x [<!ENTITY a "aaaa">]>` + account("&a;"), ErrDeclaration},
		{"billion laughs", `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><Autodiscover>&lol2;</Autodiscover>`, ErrDeclaration},
		{"external entity", `<!DOCTYPE x SYSTEM "file:///etc/passwd">` + account(""), ErrDeclaration},
		{"undefined entity", account("<Action>&passwd;</Action>"), nil},
		{"depth", account(deep), ErrTooDeep},
		{"many elements", account(strings.Repeat("<a/>", maxElements)), ErrTooMany},
		{"size", account("<Action>" + strings.Repeat("x", maxDocument) + "</Action>"), ErrTooLarge},
		{"cut off", account("")[:100], nil},
		{"wrong end", "<Autodiscover></Response>", nil},
		{"nothing", "", nil},
		{"another character set", `<?xml version="1.0" encoding="utf-7"?>` + account(""), nil},
	} {
		for format, decode := range map[string]func(io.Reader) error{
			formatPOX:  func(r io.Reader) error { _, err := DecodeResponse(r); return err },
			"request":  func(r io.Reader) error { _, err := DecodeRequest(r); return err },
			formatSOAP: func(r io.Reader) error { _, err := DecodeUserSettingsResponse(r); return err },
			formatJSON: func(r io.Reader) error { _, err := DecodeV2(r); return err },
		} {
			err := decode(strings.NewReader(test.doc))
			var wrong *DocumentError
			if !errors.As(err, &wrong) || wrong.Format == "" {
				t.Errorf("%s as %s: %v", test.name, format, err)
			}
			if format == formatPOX && test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%s: %v, want %v", test.name, err, test.want)
			}
		}
	}
	// Namespaces, references and CDATA are as ever.
	r, err := DecodeResponse(strings.NewReader(`<x:Autodiscover xmlns:x="` + nsEnvelope + `"><y:Response xmlns:y="` + ResponseSchema +
		`"><y:User><y:DisplayName>A &amp; B &#65;<![CDATA[<C>]]></y:DisplayName></y:User></y:Response></x:Autodiscover>`))
	if err != nil || r.User.DisplayName != "A & B A<C>" {
		t.Errorf("%+v, %v", r, err)
	}
}

// slow is a network where some hosts drop packets.
type slow struct {
	internet
	mu   sync.Mutex
	dark []string
}

func (n *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	if slices.Contains(n.dark, r.URL.Host) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.internet.RoundTrip(r)
}

// TestBoundedTime has hosts that drop packets.
func TestBoundedTime(t *testing.T) {
	all := []string{"contoso.test", "autodiscover.contoso.test"}
	mail := "POST https://mail.contoso.test/autodiscover/autodiscover.xml"
	for _, test := range []struct {
		name  string
		dark  []string
		sites map[string]http.HandlerFunc
		srv   bool
		limit time.Duration // of the lookup
		found bool
		took  time.Duration
	}{
		{name: "the domain", dark: all[:1], sites: map[string]http.HandlerFunc{onHost: serve(settings())}, found: true, took: connectTimeout},
		// The plain host and the record are asked while the first two hang.
		{name: "all but the record's host", dark: all, sites: map[string]http.HandlerFunc{mail: serve(settings())}, srv: true, found: true, took: 2*connectTimeout + 0},
		{name: "everything", dark: all, took: 2 * connectTimeout},
		{name: "the caller's limit", dark: all, limit: 5 * time.Second, took: 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &slow{internet: internet{t: t, sites: test.sites}, dark: test.dark}
				c := n.internet.client()
				c.HTTP, c.Timeout = &http.Client{Transport: n}, test.limit
				if test.srv {
					c.LookupSRV = func(ctx context.Context, _, _, _ string) (string, []*net.SRV, error) {
						return "", []*net.SRV{{Target: "mail.contoso.test.", Port: 443}}, nil
					}
				}
				began := time.Now()
				r, err := c.Discover(t.Context(), user)
				if took := time.Since(began); (err == nil) != test.found || took != test.took {
					t.Errorf("after %v: %v, %v; want %v", took, r, err, test.took)
				}
				if err != nil && !errors.Is(err, ErrUnreachable) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// authenticating answers every 401 with credentials, whoever wants them.
type authenticating struct{ below http.RoundTripper }

func (a authenticating) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := a.below.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	r = r.Clone(r.Context())
	r.SetBasicAuth(user, "secret")
	return a.below.RoundTrip(r)
}

// TestAuthenticatingTransport checks that such a transport gets no request that must carry no credentials.
func TestAuthenticatingTransport(t *testing.T) {
	challenge := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	n := &internet{t: t, sites: map[string]http.HandlerFunc{onDomain: challenge, onHost: redirect("https://evil.test/"), plain: challenge,
		"POST https://srv.contoso.test/autodiscover/autodiscover.xml": serve(settings())}}
	c := n.client()
	c.Authorize = nil
	c.HTTP, c.Anonymous = &http.Client{Transport: authenticating{n}}, &http.Client{Transport: n}
	c.LookupSRV = func(context.Context, string, string, string) (string, []*net.SRV, error) {
		return "", []*net.SRV{{Target: "srv.contoso.test.", Port: 443}}, nil
	}
	r, err := c.Discover(t.Context(), user)
	if err != nil || r.LegacyDN != legacyDN {
		t.Error(r, err)
	}
	want := []string{onDomain, onHost, plain, "POST https://srv.contoso.test/autodiscover/autodiscover.xml", "POST https://srv.contoso.test/autodiscover/autodiscover.xml +"}
	if !slices.Equal(n.asked, want) {
		t.Errorf("asked %q, want %q", n.asked, want)
	}
	c.Anonymous = nil
	if _, without := c.clients(); without.Transport != nil {
		t.Error("an unknown transport is used without credentials")
	}
}

// TestSteps takes steps in another order, and others.
func TestSteps(t *testing.T) {
	office := "GET https://outlook.office365.com/autodiscover/autodiscover.json/v1.0/alice@contoso.test?Protocol=AutodiscoverV1"
	cloud := "POST https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml"
	n := &internet{t: t, sites: map[string]http.HandlerFunc{cloud: serve(settings()), office: jsonServer(strings.TrimPrefix(cloud, "POST "))}}
	c := n.client()
	c.Steps = []Step{StepHost, StepMicrosoft365, StepDomain}
	r, err := c.Discover(t.Context(), user)
	if err != nil || r.Step != StepMicrosoft365 || !slices.Equal(r.NotTried, []Step{StepDomain}) || !slices.Equal(n.asked, []string{onHost, office, cloud, cloud + " +"}) {
		t.Errorf("%+v, %v, asked %q", r, err, n.asked)
	}
	c.Steps = []Step{"guess"}
	if _, err := c.Discover(t.Context(), user); err == nil {
		t.Error("a step that there isn't")
	}
}

// TestNoPassword has a user who doesn't give a password: there is no point in going on.
func TestNoPassword(t *testing.T) {
	n := &internet{t: t, sites: map[string]http.HandlerFunc{onHost: serve(settings())}}
	c := n.client()
	none := errors.New("no password")
	times := 0
	c.Authorize = func(*http.Request) error { times++; return none }
	if _, err := c.Discover(t.Context(), user); !errors.Is(err, none) || times != 1 || !slices.Equal(n.asked, []string{onDomain, onHost}) {
		t.Errorf("%v after %d times, asked %q", err, times, n.asked)
	}
}

func TestSOAPHandler(t *testing.T) {
	h := &SOAPHandler{Version: ServerVersion{15, 1, 2507, 39}, Lookup: func(_ context.Context, r *Request) (*Response, error) {
		switch r.EMailAddress {
		case user:
			return full(), nil
		case "broken@contoso.test":
			return nil, errors.New("secret path")
		case "moved@contoso.test":
			return account(Account{Action: ActionRedirectAddr, RedirectAddr: "moved@fabrikam.test"}), nil
		}
		return nil, nil
	}}
	ask := func(body string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, soapPath, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	b, err := EncodeUserSettingsRequest(&UserSettingsRequest{
		Mailboxes: []UserSettingsMailbox{{user}, {"nobody@contoso.test"}, {"alice"}, {"broken@contoso.test"}, {"moved@contoso.test"}},
		Settings:  []string{"UserDN", "PublicFolderServer", "Nonsense", "MapiHttpEnabled"}}, "https://x/")
	if err != nil {
		t.Fatal(err)
	}
	status, body := ask(string(b))
	doc, err := DecodeUserSettingsResponse(strings.NewReader(body))
	if status != http.StatusOK || err != nil || strings.Contains(body, "secret") {
		t.Fatal(status, err, body)
	}
	var codes []string
	for _, u := range doc.Users {
		codes = append(codes, u.ErrorCode+u.RedirectTarget)
	}
	if diff := cmp.Diff([]string{"NoError", "InvalidUser", "InvalidUser", "InternalServerError", "RedirectAddressmoved@fabrikam.test"}, codes); diff != "" {
		t.Error(diff)
	}
	alice := doc.Users[0]
	if len(alice.Settings) != 2 || alice.Settings[0].Value != legacyDN || alice.Settings[1].Value != "False" ||
		len(alice.Errors) != 2 || alice.Errors[0].ErrorCode != SOAPSettingNotAvailable || alice.Errors[1].ErrorCode != SOAPInvalidSetting {
		t.Errorf("%+v", alice)
	}
	if status, body := ask("<x/>"); status != http.StatusInternalServerError || !strings.Contains(body, "Fault") {
		t.Errorf("not SOAP: %d %s", status, body)
	}
	domains := strings.ReplaceAll(string(b), "Autodiscover/GetUserSettings", "Autodiscover/GetDomainSettings")
	if _, body := ask(domains); !strings.Contains(body, "InvalidRequest") {
		t.Errorf("another operation: %s", body)
	}
	many, _ := EncodeUserSettingsRequest(&UserSettingsRequest{Mailboxes: make([]UserSettingsMailbox, maxUsers+1)}, "")
	if _, body := ask(string(many)); !strings.Contains(body, "InvalidRequest") {
		t.Errorf("many users: %.200s", body)
	}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, soapPath, nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
}

func TestJSONHandler(t *testing.T) {
	h := &JSONHandler{URL: func(r *http.Request, protocol string) string {
		if protocol == ProtocolV1 {
			return "https://" + r.Host + servicePath
		}
		return ""
	}}
	for target, want := range map[string]string{
		"/v1.0/alice@contoso.test?Protocol=autodiscoverv1":       `{"Protocol":"AutodiscoverV1","Url":"https://example.com/autodiscover/autodiscover.xml"}`,
		"?Email=alice@contoso.test&Protocol=AutodiscoverV1":      `{"Protocol":"AutodiscoverV1","Url":"https://example.com/autodiscover/autodiscover.xml"}`,
		"/v1.0/nobody@contoso.test?Protocol=Rest":                `{"Protocol":"Rest","Url":""}`,
		"/v1.0/alice@contoso.test":                               `{"ErrorCode":"MissingProtocol"`,
		"/v1.0/alice?Protocol=AutodiscoverV1":                    `{"ErrorCode":"MandatoryParameterMissing"`,
		"?Protocol=AutodiscoverV1":                               `{"ErrorCode":"MandatoryParameterMissing"`,
		"/v1.0/alice@contoso.test?Protocol=%3Cscript%3Ebogus%22": `{"ErrorCode":"ProtocolNotSupported"`,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, jsonPath+target, nil))
		if !strings.HasPrefix(w.Body.String(), want) || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s", target, w.Body)
		}
	}
}

// TestForClient checks what is left out for clients that didn't ask for it.
func TestForClient(t *testing.T) {
	answer := account(Account{Protocol: []Protocol{{TypeAttr: MapiHttp}, {Type: EXCH, AuthPackage: "negotiate"}, {Type: EXPR, AuthPackage: "basic"}, {Type: EXHTTP, AuthPackage: "negotiate"}}})
	for _, test := range []struct {
		capability, can string
		want            string
	}{
		{"", "", "EXCH ntlm, EXPR basic"},
		{"1", "", "mapiHttp , EXCH ntlm, EXPR basic"},
		{"0", "Negotiate", "EXCH negotiate, EXPR basic"},
		{"2", "negotiate, exhttpinfo", "mapiHttp , EXCH negotiate, EXPR basic, EXHTTP negotiate"},
		{"x", "ExHttpInfo", "EXCH ntlm, EXPR basic, EXHTTP ntlm"},
	} {
		header := http.Header{}
		header.Set(headerMapiHTTP, test.capability)
		header.Set(headerCanHandle, test.can)
		var got []string
		for _, p := range forClient(answer, header).Account.Protocol {
			got = append(got, p.Kind()+" "+p.AuthPackage)
		}
		if s := strings.Join(got, ", "); s != test.want {
			t.Errorf("%q %q: %s, want %s", test.capability, test.can, s, test.want)
		}
	}
}

// TestExplanation compares explanations with golden files; OPENCDO_GOLDEN=1 writes them.
func TestExplanation(t *testing.T) {
	answer := full()
	answer.Account.Protocol = append(answer.Account.Protocol, Protocol{TypeAttr: MapiHttp, Version: "1",
		MailStore:   &EndpointURLs{InternalURL: "https://in.contoso.test/mapi/emsmdb/?MailboxId=guid@contoso.test", ExternalURL: "https://mail.contoso.test/mapi/emsmdb/?MailboxId=guid@contoso.test"},
		AddressBook: &EndpointURLs{InternalURL: "https://mail.contoso.test/mapi/nspi/?MailboxId=guid@contoso.test", ExternalURL: "https://mail.contoso.test/mapi/nspi/?MailboxId=guid@contoso.test"}})
	page := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html>Welcome")
	}
	for name, sites := range map[string]map[string]http.HandlerFunc{
		"host": {onDomain: page, onHost: serve(answer)},
		"redirects": {onDomain: serve(answer), onHost: redirect("https://evil.test/autodiscover.xml"), plain: redirect("https://mail.contoso.test/a.xml"),
			"POST https://mail.contoso.test/a.xml": serve(account(Account{Action: ActionRedirectURL, RedirectURL: "https://eu.contoso.test/a.xml"})),
			"POST https://eu.contoso.test/a.xml":   serve(answer)},
		"nothing": {onHost: http.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			c := (&internet{t: t, sites: sites}).client()
			if name == "nothing" {
				c.LookupSRV = func(context.Context, string, string, string) (string, []*net.SRV, error) {
					return "", []*net.SRV{{Target: "old.contoso.test.", Port: 8443, Priority: 1}, {Target: "hoster.test.", Port: 443, Priority: 5, Weight: 10}}, nil
				}
			}
			r, err := c.Discover(t.Context(), user)
			e := Explain(user, r, err)
			var b strings.Builder
			e.WriteTo(&b)
			if e.Found != nil {
				b.WriteString("\n")
				e.Found.WriteTo(&b)
			}
			if strings.Contains(b.String(), "secret") {
				t.Error("the password is told")
			}
			file := filepath.Join("testdata", "explain-"+name+".txt")
			if os.Getenv("OPENCDO_GOLDEN") != "" {
				os.MkdirAll("testdata", 0o755)
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
