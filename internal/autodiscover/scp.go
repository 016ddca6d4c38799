package autodiscover

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Keywords of service connection points: the first kind points to the directory of another domain, the second holds the URL
// of the service ([MS-OXDISCO] 2.2.1).
const (
	keywordPointer = "67661d7f-8fc4-4fa7-bfac-e1d7794c1f68"
	keywordURL     = "77378f46-2c66-4aa9-a6a6-3e7a48b19596"
)

const pointFilter = "(&(objectClass=serviceConnectionPoint)(|(keywords=" + keywordPointer + ")(keywords=" + keywordURL + ")))"

// Limits on directories.
const (
	// maxDirectories counts pointers followed, as maxRedirects does redirects.
	maxDirectories = 10
	// maxPoints limits service connection points; an organisation has one or a few for each server.
	maxPoints = 1000
	// maxURLs limits the URLs of them that are asked.
	maxURLs = 10
	// maxReply limits what a directory sends, in bytes: a point has less than 1 KiB.
	maxReply = 4 << 20
	// directoryTimeout limits the conversation with one directory.
	directoryTimeout = 15 * time.Second
)

var (
	errNoDirectory = errors.New("autodiscover: no directory is configured (computers in a domain have one)")
	errNoPoints    = errors.New("autodiscover: no service connection point")
	errReplySize   = fmt.Errorf("the directory sent more than %d MiB", maxReply>>20)
)

// Directory is the Active Directory of the computer's domain.
type Directory struct {
	// Servers are ldap: or ldaps: URLs of domain controllers, asked in their order until one answers. With ldap: TLS is
	// started if the server can; without TLS no credentials are sent, and what the directory says is no more trusted than
	// what plain HTTP says.
	Servers []string
	// Site is the computer's site; empty: none.
	Site string
	// Credentials are those of a simple bind, asked for once TLS stands; nil: an anonymous bind.
	Credentials func(ctx context.Context) (user, password string, err error)
	// TLS checks servers' certificates; nil: as usual.
	TLS *tls.Config
	// Dial connects; nil: net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DirectoryError is a directory that didn't answer.
type DirectoryError struct {
	Server string
	Err    error
}

func (e *DirectoryError) Error() string { return "autodiscover: " + e.Server + ": " + e.Err.Error() }
func (e *DirectoryError) Unwrap() error { return e.Err }

// point is a service connection point.
type point struct {
	keywords []string
	bindings []string // URLs
}

func (p *point) has(keyword string) bool {
	return slices.ContainsFunc(p.keywords, func(k string) bool { return strings.EqualFold(strings.Trim(k, "{} "), keyword) })
}

// scoped tells whether a point has a keyword SCOPE=VALUE, and whether it has any of this scope.
func (p *point) scoped(scope, value string) (matches, any bool) {
	for _, k := range p.keywords {
		if name, v, ok := strings.Cut(k, "="); ok && strings.EqualFold(strings.TrimSpace(name), scope) {
			any = true
			matches = matches || value != "" && strings.EqualFold(strings.TrimSpace(v), value)
		}
	}
	return matches, any
}

// arrange sorts service connection points as "Find Autodiscover endpoints by using SCP lookup" has it. instead are
// directories to be asked instead of this one, fallback those for when it names no URLs. URLs of the computer's site come
// first, then those of none, then those of others.
//
// A URL may be scoped to domains too ([MS-OXDISCO] 2.2.1). No source says where those of other domains come: here last.
func arrange(points []point, domain, site string) (urls, instead, fallback []string) {
	type ranked struct {
		url  string
		rank int
	}
	var all []ranked
	for i := range points {
		p := &points[i]
		inDomain, ofDomains := p.scoped("Domain", domain)
		switch {
		case p.has(keywordPointer) && inDomain:
			instead = append(instead, p.bindings...)
		case p.has(keywordPointer) && !ofDomains:
			fallback = append(fallback, p.bindings...)
		case p.has(keywordURL):
			rank := 1
			if inSite, ofSites := p.scoped("Site", site); inSite {
				rank = 0
			} else if ofSites {
				rank = 2
			}
			if ofDomains && !inDomain {
				rank = 3
			}
			for _, b := range p.bindings {
				all = append(all, ranked{b, rank})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	for _, r := range all {
		if !slices.Contains(urls, r.url) {
			urls = append(urls, r.url)
		}
	}
	return urls, instead, fallback
}

// scp asks the URLs that the directory names.
func (d *discovery) scp(mailbox, domain string) (*Result, error) {
	dir := d.client.Directory
	if dir == nil || len(dir.Servers) == 0 {
		return nil, d.failed(Attempt{Step: StepSCP, Format: "LDAP", Outcome: OutcomeSkipped}, errNoDirectory)
	}
	servers := slices.Clone(dir.Servers)
	var fallback []string
	trusted := true // the server is one that the user or a trusted server named
	var asked []string
	err := error(errNoPoints)
	for len(asked) < maxDirectories {
		if len(servers) == 0 {
			if servers, fallback = fallback, nil; len(servers) == 0 {
				return nil, err
			}
		}
		server := servers[0]
		servers = servers[1:]
		if slices.Contains(asked, server) {
			continue
		}
		asked = append(asked, server)
		attempt := Attempt{Step: StepSCP, Format: "LDAP", Method: "SEARCH", URL: server}
		began := time.Now()
		points, how, lookupErr := dir.points(d.ctx, server, trusted)
		attempt.Took, attempt.Credentials = time.Since(began), how.bound
		if lookupErr != nil {
			err = d.failed(attempt, &DirectoryError{server, lookupErr})
			if d.ctx.Err() != nil {
				return nil, err
			}
			continue
		}
		if !how.secure {
			trusted = false
		}
		urls, instead, others := arrange(points, domain, dir.Site)
		attempt.Found = urls
		fallback = append(fallback, others...)
		attempt.Outcome = OutcomeFound
		switch {
		case len(instead) > 0:
			attempt.Outcome, attempt.Redirect, attempt.Next = OutcomeRedirect, "pointer of the domain", strings.Join(instead, ", ")
			servers, fallback = instead, nil
		case len(urls) == 0:
			servers = nil
			err = d.failed(attempt, errNoPoints)
			continue
		case !how.secure:
			attempt.Reason = "asked in this order, where their hosts are approved: the directory answered without TLS"
		}
		d.note(attempt)
		if len(instead) > 0 {
			continue
		}
		for _, target := range urls[:min(len(urls), maxURLs)] {
			if trusted {
				d.vouched(target)
			}
			var r *Result
			if r, err = d.ask(place{step: StepSCP}, mailbox, target, named); d.settled(err) {
				return r, err
			}
		}
		return nil, err
	}
	return nil, err
}

// how a directory was asked.
type how struct{ secure, bound bool }

// points reads the service connection points of a directory. Credentials go to servers that may have them, over TLS.
func (dir *Directory) points(ctx context.Context, server string, mayBind bool) ([]point, how, error) {
	var h how
	u, err := url.Parse(server)
	if err != nil {
		return nil, h, err
	}
	secure := strings.EqualFold(u.Scheme, "ldaps")
	if host := u.Hostname(); host == "" || !secure && !strings.EqualFold(u.Scheme, "ldap") {
		return nil, h, fmt.Errorf("%q isn't an ldap: or ldaps: URL with a host", server)
	}
	port := cmp.Or(u.Port(), "389")
	if secure {
		port = cmp.Or(u.Port(), "636")
	}
	ctx, cancel := context.WithTimeout(ctx, directoryTimeout)
	defer cancel()
	c := &conversation{dir: dir, host: u.Hostname(), address: net.JoinHostPort(u.Hostname(), port), mayBind: mayBind}
	c.left.Store(maxReply)
	points, err := c.search(ctx, secure, !secure)
	if errors.Is(err, errNoTLS) {
		points, err = c.search(ctx, false, false) // the library has left the connection unusable
	}
	switch {
	case err == nil:
	case c.left.Load() <= 0:
		err = errReplySize
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return points, c.how, err
}

// errNoTLS is a directory that refuses to start TLS.
var errNoTLS = errors.New("autodiscover: the directory has no TLS")

// conversation is one with a directory.
type conversation struct {
	dir           *Directory
	host, address string
	mayBind       bool
	left          atomic.Int64 // of maxReply
	how
}

func (c *conversation) search(ctx context.Context, secure, startTLS bool) ([]point, error) {
	dial := c.dir.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	dialled, err := dial(ctx, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	under := &limitedConn{dialled, &c.left}
	// Closing the connection ends every wait of the library, which knows no contexts.
	stop := context.AfterFunc(ctx, func() { under.Close() })
	defer stop()
	var raw net.Conn = under
	conf := &tls.Config{}
	if c.dir.TLS != nil {
		conf = c.dir.TLS.Clone()
	}
	conf.ServerName = c.host
	if secure {
		t := tls.Client(raw, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			under.Close()
			return nil, err
		}
		raw = t
	}
	conn := ldap.NewConn(raw, secure)
	conn.SetTimeout(directoryTimeout)
	conn.Start()
	defer conn.Close()
	defer under.Close() // first, as TLS would wait for a server that doesn't read
	if startTLS {
		if err := conn.StartTLS(conf); ldap.IsErrorWithCode(err, ldap.ErrorNetwork) {
			return nil, err // a certificate that isn't trusted, too
		} else if err != nil {
			return nil, errNoTLS
		}
		secure = true
	}
	c.secure = secure
	if secure && c.mayBind && c.dir.Credentials != nil {
		user, password, err := c.dir.Credentials(ctx)
		if err != nil {
			return nil, err
		}
		if password == "" {
			return nil, errors.New("no password for the directory") // an empty one would be an anonymous bind
		}
		if err := conn.Bind(user, password); err != nil {
			return nil, err
		}
		c.bound = true
	}
	root, err := conn.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false,
		"(objectClass=*)", []string{"configurationNamingContext"}, nil))
	if err != nil {
		return nil, err
	}
	if len(root.Entries) == 0 || root.Entries[0].GetAttributeValue("configurationNamingContext") == "" {
		return nil, errors.New("the directory has no configurationNamingContext: it isn't Active Directory")
	}
	found, err := conn.Search(ldap.NewSearchRequest(root.Entries[0].GetAttributeValue("configurationNamingContext"),
		ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, maxPoints, int(directoryTimeout/time.Second), false,
		pointFilter, []string{"keywords", "serviceBindingInformation"}, nil))
	// Beyond the limit, the first ones do.
	if err != nil && !(ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) && found != nil) {
		return nil, err
	}
	points := make([]point, 0, len(found.Entries))
	for _, e := range found.Entries {
		points = append(points, point{e.GetEqualFoldAttributeValues("keywords"), e.GetEqualFoldAttributeValues("serviceBindingInformation")})
	}
	return points, nil
}

// limitedConn fails after a number of bytes read.
type limitedConn struct {
	net.Conn
	left *atomic.Int64
}

func (c *limitedConn) Read(b []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		return 0, errReplySize
	}
	n, err := c.Conn.Read(b[:min(int64(len(b)), left)])
	c.left.Add(-int64(n))
	return n, err
}
