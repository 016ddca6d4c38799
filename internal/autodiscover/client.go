package autodiscover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxRedirects counts redirects of every kind in one Discover ([MS-OXDSCLI]
// 3.1.5.4 has clients stop at 10).
const maxRedirects = 10

// attemptTimeout limits one request: a domain whose web server drops packets must
// not hold up the step that works.
const attemptTimeout = 30 * time.Second

const servicePath = "/autodiscover/autodiscover.xml"

// officeHosts are the hosts that Microsoft's own service redirects to from any
// domain; a plain-HTTP redirect may name them.
var officeHosts = []string{"autodiscover-s.outlook.com", "outlook.office365.com"}

// Client looks up mailboxes. Its fields aren't to be changed while it is used.
type Client struct {
	// HTTP sends the requests; nil: http.DefaultTransport. Redirects are followed
	// by the Client, not by it.
	HTTP *http.Client
	// Authorize adds credentials to a request. It is called for HTTPS URLs, and
	// for plain HTTP only if the URL was given to Discover and its host is a
	// loopback address. An endpoint that wasn't given gets credentials only after
	// it asked for them. nil: none.
	Authorize func(*http.Request) error
	// Trust says whether a host that was named by an unauthenticated source
	// (plain HTTP or DNS) and that isn't in the mailbox's domain may be asked, and
	// so get the credentials. nil: only Microsoft's own service.
	Trust func(host string) bool
	// LookupSRV finds _autodiscover._tcp records; nil: the system's resolver.
	LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

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
	Protocols   []Protocol // all, in the server's order of preference

	AlternativeMailboxes []AlternativeMailbox
	PublicFolders        string // SMTP address of the public folder mailbox, or empty

	URL      string // that gave the answer
	Attempts []Attempt
}

// Attempt is one step on the way to a result.
type Attempt struct {
	Step   string // why this URL was asked
	Method string
	URL    string
	Status int    // HTTP status; 0: no response
	Err    error  // nil: it led on, or to the result
	Next   string // where a redirect points; empty: none
}

func (a Attempt) String() string {
	s := fmt.Sprintf("%s: %s %s", a.Step, a.Method, a.URL)
	if a.Status != 0 {
		s += ": " + strconv.Itoa(a.Status)
	}
	if a.Next != "" {
		s += " -> " + a.Next
	}
	if a.Err != nil {
		s += ": " + strings.TrimPrefix(a.Err.Error(), "autodiscover: ")
	}
	return s
}

// Discover looks up a mailbox by its SMTP address or, at given endpoints, by its
// legacy DN. Endpoints are URLs or host names of the service; with any given,
// no others are asked (but those they redirect to). Without, the order is that
// of [MS-OXDISCO] 3.1.5.1: the domain, its host autodiscover, a plain-HTTP
// redirect, the SRV record.
//
// The error is a *DiscoverError; it answers errors.Is for the sentinels of this
// package and errors.As for *Error, whatever attempt they come from.
func (c *Client) Discover(ctx context.Context, mailbox string, endpoints ...string) (*Result, error) {
	d := &discovery{client: c, ctx: ctx, http: http.Client{}}
	if c.HTTP != nil {
		d.http = *c.HTTP
	}
	d.http.Jar = nil
	d.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	result, err := d.mailbox(mailbox, endpoints)
	if err != nil {
		for _, a := range d.attempts {
			if telling(a.Err) > telling(err) {
				err = a.Err
			}
		}
		return nil, &DiscoverError{mailbox, d.attempts, err}
	}
	result.Attempts = d.attempts
	return result, nil
}

// discovery is the state of one Discover.
type discovery struct {
	client    *Client
	ctx       context.Context
	http      http.Client
	attempts  []Attempt
	redirects int
}

// source says how far the word of whoever named a URL goes.
type source int

const (
	given   source = iota // by the user
	derived               // from the mailbox's domain, or by a server over HTTPS
	hearsay               // by plain HTTP or DNS
)

// errStop wraps an error after which no other endpoint is asked.
type errStop struct{ error }

func (e errStop) Unwrap() error { return e.error }

func (d *discovery) mailbox(mailbox string, endpoints []string) (*Result, error) {
	var err error
	if len(endpoints) > 0 {
		for _, e := range endpoints {
			var r *Result
			if r, err = d.post("given", mailbox, endpointURL(e), given); d.settled(err) {
				return r, err
			}
		}
		return nil, err
	}
	_, domain, ok := strings.Cut(mailbox, "@")
	if !ok || domain == "" || strings.HasPrefix(mailbox, "/") || strings.ContainsAny(domain, "/?#@:\\ ") {
		return nil, fmt.Errorf("autodiscover: %q isn't an SMTP address and no endpoint was given", mailbox)
	}
	host := "autodiscover." + domain
	for _, step := range []func() (*Result, error){
		func() (*Result, error) {
			return d.post("domain", mailbox, "https://"+domain+servicePath, derived)
		},
		func() (*Result, error) {
			return d.post("autodiscover host", mailbox, "https://"+host+servicePath, derived)
		},
		func() (*Result, error) { return d.plain(mailbox, "http://"+host+servicePath) },
		func() (*Result, error) { return d.srv(mailbox, domain) },
	} {
		var r *Result
		if r, err = step(); d.settled(err) {
			return r, err
		}
	}
	return nil, err
}

// endpointURL completes what a user may give: a URL, one without a path, or a host.
func endpointURL(s string) string {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	if u, err := url.Parse(s); err == nil && strings.Trim(u.Path, "/") == "" {
		u.Path = servicePath
		return u.String()
	}
	return s
}

// settled tells whether there is nothing more to try: a result, an answer about
// the mailbox, or an end to trying.
func (d *discovery) settled(err error) bool {
	var code *Error
	var stop errStop
	return err == nil || d.ctx.Err() != nil || errors.As(err, &code) || errors.As(err, &stop)
}

// post asks one endpoint and follows where it points.
func (d *discovery) post(step, mailbox, target string, from source) (*Result, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, d.note(step, http.MethodPost, target, 0, fmt.Errorf("autodiscover: endpoint: %w", err))
	}
	if err := allowed(u, from); err != nil {
		return nil, d.note(step, http.MethodPost, target, 0, err)
	}
	res, err := d.send(mailbox, u, from == given)
	if err == nil && res.status == http.StatusUnauthorized && from != given && d.client.Authorize != nil {
		d.note(step, http.MethodPost, target, res.status, nil)
		res, err = d.send(mailbox, u, true)
	}
	if err != nil {
		return nil, d.note(step, http.MethodPost, target, 0, err)
	}
	if res.location != nil {
		d.moved(step, http.MethodPost, target, res.status, res.location.String())
		return d.redirect(func() (*Result, error) {
			return d.post("redirect", mailbox, res.location.String(), derived)
		})
	}
	if res.err != nil {
		return nil, d.note(step, http.MethodPost, target, res.status, res.err)
	}
	account := res.document.Account
	switch {
	case strings.EqualFold(account.Action, ActionRedirectAddr):
		d.moved(step, http.MethodPost, target, res.status, account.RedirectAddr)
		return d.redirect(func() (*Result, error) { return d.mailbox(account.RedirectAddr, nil) })
	case strings.EqualFold(account.Action, ActionRedirectURL):
		d.moved(step, http.MethodPost, target, res.status, account.RedirectURL)
		return d.redirect(func() (*Result, error) {
			return d.post("redirectUrl", mailbox, account.RedirectURL, derived)
		})
	}
	d.note(step, http.MethodPost, target, res.status, nil)
	r := newResult(res.document)
	r.URL = target
	return r, nil
}

func (d *discovery) redirect(follow func() (*Result, error)) (*Result, error) {
	if d.redirects++; d.redirects > maxRedirects {
		return nil, errStop{ErrTooManyRedirects}
	}
	return follow()
}

// plain asks without credentials over plain HTTP, which may only point to HTTPS.
func (d *discovery) plain(mailbox, target string) (*Result, error) {
	const step = "plain HTTP redirect"
	ctx, cancel := context.WithTimeout(d.ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, d.note(step, http.MethodGet, target, 0, err)
	}
	res, err := d.http.Do(req)
	if err != nil {
		return nil, d.note(step, http.MethodGet, target, 0, &NetworkError{err})
	}
	res.Body.Close()
	to := location(res)
	if to == nil {
		return nil, d.note(step, http.MethodGet, target, res.StatusCode, errNoRedirect)
	}
	d.moved(step, http.MethodGet, target, res.StatusCode, to.String())
	return d.redirect(func() (*Result, error) { return d.hearsay("redirect", mailbox, to) })
}

// srv asks the hosts of the domain's SRV records that serve port 443
// ([MS-OXDISCO] 3.1.5.1).
func (d *discovery) srv(mailbox, domain string) (*Result, error) {
	const step = "SRV record"
	lookup := d.client.LookupSRV
	if lookup == nil {
		lookup = net.DefaultResolver.LookupSRV
	}
	name := "_autodiscover._tcp." + domain
	_, records, err := lookup(d.ctx, "autodiscover", "tcp", domain)
	if err != nil {
		return nil, d.note(step, "DNS", name, 0, &NetworkError{err})
	}
	err = d.note(step, "DNS", name, 0, nil)
	for _, r := range records {
		if r.Port != 443 {
			continue
		}
		to := &url.URL{Scheme: "https", Host: strings.TrimSuffix(r.Target, "."), Path: servicePath}
		var result *Result
		if result, err = d.hearsay(step, mailbox, to); d.settled(err) {
			return result, err
		}
	}
	if err == nil {
		err = d.note(step, "DNS", name, 0, &NetworkError{errors.New("no record for port 443")})
	}
	return nil, err
}

// hearsay asks a URL that nobody vouches for, if its host may have the credentials.
func (d *discovery) hearsay(step, mailbox string, to *url.URL) (*Result, error) {
	_, domain, _ := strings.Cut(mailbox, "@")
	if !d.trusted(strings.ToLower(to.Hostname()), strings.ToLower(domain)) {
		return nil, d.note(step, http.MethodPost, to.String(), 0,
			fmt.Errorf("%w: %s isn't in the domain %s; name it as the endpoint if it is right", ErrUntrustedRedirect, to.Hostname(), domain))
	}
	return d.post(step, mailbox, to.String(), hearsay)
}

func (d *discovery) trusted(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain) || slices.Contains(officeHosts, host) ||
		d.client.Trust != nil && d.client.Trust(host)
}

// allowed refuses plain HTTP, except to a loopback host that the user named.
func allowed(u *url.URL, from source) error {
	switch {
	case u.Host == "":
		return fmt.Errorf("autodiscover: %q has no host", u)
	case u.Scheme == "https", u.Scheme == "http" && from == given && loopback(u.Hostname()):
		return nil
	case from == given:
		return fmt.Errorf("autodiscover: credentials aren't sent to %s: it isn't https", u)
	}
	return fmt.Errorf("%w: %s isn't https", ErrUntrustedRedirect, u)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// note records an attempt and returns its error.
func (d *discovery) note(step, method, target string, status int, err error) error {
	d.attempts = append(d.attempts, Attempt{Step: step, Method: method, URL: target, Status: status, Err: err})
	return err
}

// moved records an attempt that was told to ask elsewhere.
func (d *discovery) moved(step, method, target string, status int, next string) {
	d.attempts = append(d.attempts, Attempt{Step: step, Method: method, URL: target, Status: status, Next: next})
}

// reply is an HTTP response: a redirect, an error or a document.
type reply struct {
	status   int
	location *url.URL
	err      error
	document *Response
}

func (d *discovery) send(mailbox string, u *url.URL, authorize bool) (*reply, error) {
	request := &Request{EMailAddress: mailbox, AcceptableResponseSchema: ResponseSchema}
	if strings.HasPrefix(mailbox, "/") {
		request.EMailAddress, request.LegacyDN = "", mailbox
	}
	body, err := EncodeRequest(request)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(d.ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("autodiscover: %w", err)
	}
	req.Header.Set("Content-Type", contentTypeXML)
	req.Header.Set(headerMapiHTTP, "1")
	req.Header.Set(headerCanHandle, "Negotiate,ExHttpInfo")
	if request.EMailAddress != "" {
		req.Header.Set(headerAnchor, request.EMailAddress)
	}
	if authorize && d.client.Authorize != nil {
		if err := d.client.Authorize(req); err != nil {
			return nil, fmt.Errorf("autodiscover: credentials: %w", err)
		}
	}
	res, err := d.http.Do(req)
	if err != nil {
		return nil, &NetworkError{err}
	}
	defer res.Body.Close()
	r := &reply{status: res.StatusCode, location: location(res)}
	if r.location != nil {
		return r, nil
	}
	if res.StatusCode != http.StatusOK {
		r.err = &HTTPError{res.StatusCode, res.Header.Values("WWW-Authenticate")}
		return r, nil
	}
	if t, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); t == "text/html" {
		r.err = errors.New("autodiscover: a web page answered")
		return r, nil
	}
	r.document, r.err = DecodeResponse(res.Body)
	switch {
	case r.err != nil:
	case r.document.Error != nil:
		r.err = r.document.Error
	case r.document.Account == nil:
		r.err = errors.New("autodiscover: answer without settings")
	}
	return r, nil
}

// location is where an HTTP redirect points, or nil.
func location(res *http.Response) *url.URL {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if u, err := res.Location(); err == nil {
			return u
		}
	}
	return nil
}

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
