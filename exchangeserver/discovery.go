package exchangeserver

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/mapi"
)

// serversDN is where servers stand in the directory tree. A personalised server has its name GUID@DOMAIN there.
const serversDN = "/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Configuration/cn=Servers/cn="

// baseURLKey is the context's key for the URL that the answer's endpoints lie under.
type baseURLKey struct{}

func withBaseURL(r *http.Request, base string) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), baseURLKey{}, base))
}

// baseURL is where clients reach the server.
func (s *Server) baseURL(r *http.Request) string {
	if s.cfg.URL != "" {
		return strings.TrimSuffix(s.cfg.URL, "/")
	}
	u := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return u.String()
}

// personalised is the server name of a mailbox, which is good for this mailbox only and never changes.
func (s *Server) personalised(mailbox mapi.GUID) string { return mailbox.String() + "@" + s.cfg.Domain }

// Offer says which ways to the mailboxes Autodiscover names. The zero value is what the server serves by itself: MAPI over
// HTTP, and RPC over HTTP.
type Offer struct {
	NoMapiHTTP bool

	NoRPCOverHTTP bool
	ProxyAuth     string // AuthPackage of the RPC proxy: basic, ntlm or negotiate; empty: basic

	RPCOverTCP bool
	RPCAuth    string // AuthPackage within RPC: ntlm, negotiate, kerb or anonymous; empty: anonymous
}

const authAnonymous = "anonymous" // whom HTTP has authenticated

// authPackages are the values of AuthPackage that clients know (AuthPackage (POX)), and anonymous.
var authPackages = []string{"", "basic", "kerb", "kerbntlm", "ntlm", "certificate", "negotiate", "nego2", authAnonymous}

func (o *Offer) validate() error {
	for _, p := range []string{o.ProxyAuth, o.RPCAuth} {
		if !slices.Contains(authPackages, p) {
			return &mapi.Error{Op: "make server", Object: p, Code: mapi.ErrInvalidParameter, Err: errors.New("not an authentication package of Autodiscover")}
		}
	}
	return nil
}

// discovery answers Autodiscover.
type discovery struct {
	*Server
	offer Offer
}

// discoveryFolder is where its endpoints lie.
const discoveryFolder = "/autodiscover/"

// handler serves the endpoints: POX and SOAP for those who authenticate, JSON for all.
func (d *discovery) handler() http.Handler {
	pox := d.authenticated(&autodiscover.Handler{Lookup: d.lookup})
	soap := d.authenticated(&autodiscover.SOAPHandler{Lookup: d.lookup, Version: d.version()})
	json := &autodiscover.JSONHandler{URL: func(r *http.Request, protocol string) string {
		if protocol == autodiscover.ProtocolV1 {
			return d.baseURL(r) + discoveryFolder + "autodiscover.xml"
		}
		return ""
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = withBaseURL(r, d.baseURL(r))
		switch path := strings.TrimPrefix(strings.ToLower(r.URL.Path), discoveryFolder); {
		case path == "autodiscover.xml":
			pox.ServeHTTP(w, r)
		case path == "autodiscover.svc":
			soap.ServeHTTP(w, r)
		case path == "autodiscover.json", strings.HasPrefix(path, "autodiscover.json/v1.0/"):
			json.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// version is the server's, from the form Exchange/15.dd.dddd.ddd.
func (d *discovery) version() autodiscover.ServerVersion {
	_, version, _ := strings.Cut(d.cfg.ServerVersion, "/")
	v, _ := autodiscover.ParseServerVersion(version)
	return v
}

// lookup finds the settings of a mailbox ([MS-OXDSCLI] 3.2.5).
func (d *discovery) lookup(ctx context.Context, r *autodiscover.Request) (*autodiscover.Response, error) {
	name := r.EMailAddress
	if name == "" {
		name = r.LegacyDN
	}
	u, err := d.findUser(ctx, name)
	if err != nil || u == nil {
		return nil, err
	}
	base, _ := ctx.Value(baseURLKey{}).(string)
	return &autodiscover.Response{
		User: &autodiscover.User{AutoDiscoverSMTPAddress: u.SMTPAddress, DisplayName: u.DisplayName, LegacyDN: u.LegacyDN, DeploymentId: d.guid.String()},
		Account: &autodiscover.Account{AccountType: "email", Action: autodiscover.ActionSettings, MicrosoftOnline: "False",
			Protocol: d.protocols(base, d.personalised(u.Mailbox), u.Database)},
	}, nil
}

// protocols are the ways to a mailbox, the one to be preferred first. The handler leaves out what a client doesn't know.
func (d *discovery) protocols(base, server, database string) (list []autodiscover.Protocol) {
	if !d.offer.NoMapiHTTP {
		endpoint := func(service string) *autodiscover.EndpointURLs {
			at := base + "/mapi/" + service + "/?MailboxId=" + url.QueryEscape(server)
			at = strings.ReplaceAll(at, "%40", "@") // as Exchange has it
			return &autodiscover.EndpointURLs{InternalURL: at, ExternalURL: at}
		}
		list = append(list, autodiscover.Protocol{TypeAttr: autodiscover.MapiHttp, Version: "1", MailStore: endpoint("emsmdb"), AddressBook: endpoint("nspi")})
	}
	if d.offer.RPCOverTCP || !d.offer.NoRPCOverHTTP {
		exclusive := "Off"
		if !d.offer.RPCOverTCP {
			exclusive = "On" // the name is good behind the proxy only
		}
		list = append(list, autodiscover.Protocol{Type: autodiscover.EXCH, Server: server, ServerDN: serversDN + server, ServerVersion: d.version().Hex(),
			MdbDN: databaseDN(server, database), AuthPackage: cmp.Or(d.offer.RPCAuth, authAnonymous), ServerExclusiveConnect: exclusive,
			EwsURL: base + "/EWS/Exchange.asmx", ASURL: base + "/EWS/Exchange.asmx"})
	}
	if !d.offer.NoRPCOverHTTP {
		list = append(list, d.proxy(autodiscover.EXPR, base), d.proxy(autodiscover.EXHTTP, base))
	}
	return list
}

// proxy is the section of the RPC proxy.
func (d *discovery) proxy(kind, base string) autodiscover.Protocol {
	p := autodiscover.Protocol{Type: kind, SSL: "Off", AuthPackage: cmp.Or(d.offer.ProxyAuth, autodiscover.AuthBasic),
		EwsURL: base + "/EWS/Exchange.asmx", ASURL: base + "/EWS/Exchange.asmx"}
	if u, err := url.Parse(base); err == nil {
		p.Server = u.Host
		if u.Scheme == "https" {
			p.SSL, p.Server = "On", strings.TrimSuffix(u.Host, ":443")
			p.CertPrincipalName = "msstd:" + u.Hostname()
		}
	}
	if kind == autodiscover.EXHTTP {
		p.ServerExclusiveConnect = "On"
	}
	return p
}

// findUser finds a user by SMTP address, personalised server name or legacy DN; nil when there is none.
func (s *Server) findUser(ctx context.Context, name string) (*User, error) {
	users, err := s.cfg.Backend.Users(ctx)
	if err != nil {
		return nil, err
	}
	for i := range users {
		u := &users[i]
		if strings.EqualFold(name, u.SMTPAddress) || strings.EqualFold(name, u.LegacyDN) || strings.EqualFold(name, s.personalised(u.Mailbox)) {
			return u, nil
		}
	}
	return nil, nil
}
