package exchangeserver

import (
	"context"
	"net/http"
	"net/url"
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

// discover finds the settings of a mailbox ([MS-OXDSCLI] 3.2.5).
func (s *Server) discover(ctx context.Context, r *autodiscover.Request) (*autodiscover.Response, error) {
	name := r.EMailAddress
	if name == "" {
		name = r.LegacyDN
	}
	u, err := s.findUser(ctx, name)
	if err != nil || u == nil {
		return nil, err
	}
	base, _ := ctx.Value(baseURLKey{}).(string)
	server := s.personalised(u.Mailbox)
	endpoint := func(service string) *autodiscover.EndpointURLs {
		at := base + "/mapi/" + service + "/?MailboxId=" + url.QueryEscape(server)
		at = strings.ReplaceAll(at, "%40", "@") // as Exchange has it
		return &autodiscover.EndpointURLs{InternalURL: at, ExternalURL: at}
	}
	return &autodiscover.Response{
		User: &autodiscover.User{AutoDiscoverSMTPAddress: u.SMTPAddress, DisplayName: u.DisplayName, LegacyDN: u.LegacyDN, DeploymentId: s.guid.String()},
		Account: &autodiscover.Account{AccountType: "email", Action: autodiscover.ActionSettings, MicrosoftOnline: "False", Protocol: []autodiscover.Protocol{
			{TypeAttr: autodiscover.MapiHttp, Version: "1", MailStore: endpoint("emsmdb"), AddressBook: endpoint("nspi")},
			{Type: autodiscover.EXCH, Server: server, ServerDN: serversDN + server, MdbDN: serversDN + server + "/cn=Microsoft Private MDB", AuthPackage: "Basic"},
		}},
	}, nil
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
