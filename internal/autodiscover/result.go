package autodiscover

import (
	"net/url"
	"strings"
)

// Result is what a mailbox's Autodiscover answer says.
type Result struct {
	DisplayName  string
	LegacyDN     string // UserDn of a Connect
	SMTP         string
	DeploymentID string

	Server    string // personalised server name, guid@domain
	MdbDN     string
	MailStore EndpointURLs // MAPI/HTTP, /mapi/emsmdb/; empty URLs: not offered
	// AddressBook is MAPI/HTTP, /mapi/nspi/.
	AddressBook EndpointURLs
	EXCH        *Protocol  // RPC; nil: not offered
	EXPR        *Protocol  // RPC over HTTP; nil: not offered
	EXHTTP      []Protocol // RPC over HTTP for newer clients, in the server's order of preference
	Protocols   []Protocol // all, in the server's order of preference

	AlternativeMailboxes []AlternativeMailbox
	PublicFolders        string // SMTP address of the public folder mailbox, or empty

	URL      string // that gave the answer
	Format   string // POX or SOAP; SOAP has no URLs of MAPI/HTTP
	Step     Step   // that led to it
	Attempts []Attempt
	NotTried []Step // that weren't necessary
}

// Version is the version of the mailbox's server, if the answer tells it.
func (r *Result) Version() (v ServerVersion, ok bool) {
	if r.EXCH == nil {
		return v, false
	}
	return ParseServerVersion(strings.TrimSpace(r.EXCH.ServerVersion))
}

// Proxy is the RPC proxy: EXPR or, without one, the EXHTTP that the server prefers. nil: there is none.
func (r *Result) Proxy() *Protocol {
	if r.EXPR == nil && len(r.EXHTTP) > 0 {
		return &r.EXHTTP[0]
	}
	return r.EXPR
}

// Principal is the name that the certificate of a proxy has to be good for, or empty where an ordinary check of the
// certificate is meant. A section without it means its own server (CertPrincipalName (POX)).
func (p *Protocol) Principal() string {
	switch {
	case strings.EqualFold(p.CertPrincipalName, "none"):
		return ""
	case p.CertPrincipalName == "" && p.Server != "":
		return principalPrefix + p.Server
	}
	return p.CertPrincipalName
}

const principalPrefix = "msstd:"

// newResult takes what is used from a settings document.
func newResult(doc *Response) *Result {
	r := &Result{}
	if u := doc.User; u != nil {
		r.DisplayName, r.LegacyDN, r.SMTP, r.DeploymentID = u.DisplayName, u.LegacyDN, u.AutoDiscoverSMTPAddress, u.DeploymentId
	}
	a := doc.Account
	r.Protocols, r.AlternativeMailboxes = a.Protocol, a.AlternativeMailbox
	if a.PublicFolderInformation != nil {
		r.PublicFolders = a.PublicFolderInformation.SmtpAddress
	}
	for i := range a.Protocol {
		p := &a.Protocol[i]
		switch kind := p.Kind(); {
		case kind == EXCH && r.EXCH == nil:
			r.EXCH, r.Server, r.MdbDN = p, p.Server, p.MdbDN
		case kind == EXPR && r.EXPR == nil:
			r.EXPR = p
		case kind == EXHTTP:
			r.EXHTTP = append(r.EXHTTP, *p)
		case strings.EqualFold(kind, MapiHttp):
			if p.MailStore != nil {
				r.MailStore = *p.MailStore
			}
			if p.AddressBook != nil {
				r.AddressBook = *p.AddressBook
			}
		}
	}
	if r.Server == "" {
		// Exchange 2019 leaves EXCH out when it offers MAPI/HTTP.
		r.Server = mailboxID(r.MailStore.InternalURL)
	}
	if r.Server == "" {
		r.Server = mailboxID(r.MailStore.ExternalURL)
	}
	return r
}

func mailboxID(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Query().Get("MailboxId")
}
