package autodiscover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxRedirects counts redirects of every kind in one Discover ([MS-OXDSCLI]
// 3.1.5.4 has clients stop at 10).
const maxRedirects = 10

// Times that keep a domain whose servers drop packets from holding up the step that works.
const (
	// DefaultTimeout limits a whole Discover.
	DefaultTimeout = 2 * time.Minute
	// attemptTimeout limits one request.
	attemptTimeout = 30 * time.Second
	// connectTimeout limits the time to its connection.
	connectTimeout = 10 * time.Second
	// headStart is what earlier steps have before the lookups that send neither the address nor credentials start beside them.
	headStart = 2 * time.Second
	// busyPause is the wait before a server that said it is busy is asked once more.
	busyPause = 3 * time.Second
)

const (
	serviceFolder = "/autodiscover/"
	servicePath   = serviceFolder + "autodiscover.xml"
	soapPath      = serviceFolder + "autodiscover.svc"
	jsonPath      = serviceFolder + "autodiscover.json"
	v2Version     = "/v1.0/"
)

// Formats of documents.
const (
	formatPOX  = "POX"
	formatSOAP = "SOAP"
	formatJSON = "JSON"
)

// Step is a way to find the service.
type Step string

// Steps; all but the first and the last are those of [MS-OXDISCO] 3.1.5.
const (
	StepGiven    Step = "given"    // the endpoints that Discover was given
	StepSCP      Step = "scp"      // service connection points of the directory; needs Client.Directory
	StepDomain   Step = "domain"   // https://DOMAIN/autodiscover/autodiscover.xml
	StepHost     Step = "host"     // https://autodiscover.DOMAIN/autodiscover/autodiscover.xml
	StepRedirect Step = "redirect" // GET without credentials on http://autodiscover.DOMAIN, which may only lead to https
	StepSRV      Step = "srv"      // DNS, _autodiscover._tcp.DOMAIN
	// StepMicrosoft365 asks Microsoft's service for the address by JSON, as newer Outlooks do; it tells Microsoft the address.
	StepMicrosoft365 Step = "microsoft365"
)

// DefaultSteps are the steps of [MS-OXDISCO] 3.1.5 in their order.
var DefaultSteps = []Step{StepSCP, StepDomain, StepHost, StepRedirect, StepSRV}

// Client looks up mailboxes. Its fields aren't to be changed while it is used.
//
// The address and credentials go only to endpoints that the user gave, hosts in the mailbox's domain, those that the
// directory named over TLS, and approved hosts, by https with a certificate that is good for the host. It doesn't matter
// who points to a host.
type Client struct {
	// HTTP sends the requests; nil: http.DefaultTransport. Redirects are followed
	// by the Client, not by it. Its transport may authenticate itself.
	HTTP *http.Client
	// Anonymous sends the requests that must carry no credentials. nil: HTTP, unless its transport may authenticate
	// itself, which is taken for granted of one that isn't an *http.Transport where there is no Authorize; then one without
	// settings.
	Anonymous *http.Client
	// Authorize adds credentials to a request. It is called for HTTPS URLs, and
	// for plain HTTP only if the URL was given to Discover and its host is a
	// loopback address. An endpoint that wasn't given gets credentials only after
	// it asked for them. nil: none.
	Authorize func(*http.Request) error
	// Trust approves a host, or the domain of an address, to which somebody pointed and that isn't in the mailbox's domain.
	// nil: only Microsoft's own service.
	Trust func(host string) bool
	// DomainCredentials lets https://DOMAIN itself have credentials. It is often the web server of somebody else.
	DomainCredentials bool
	// LookupSRV finds _autodiscover._tcp records; nil: the system's resolver.
	LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	// Directory is asked for service connection points; nil: this computer is in no domain.
	Directory *Directory
	// Steps are taken in their order where no endpoint is given; nil: DefaultSteps.
	Steps []Step
	// Timeout limits a Discover; 0: DefaultTimeout.
	Timeout time.Duration
}

// Discover looks up a mailbox by its SMTP address or, at given endpoints, by its
// legacy DN. Endpoints are URLs or host names of the service; with any given,
// no others are asked (but those they redirect to). Without, the order is that
// of [MS-OXDISCO] 3.1.5: the directory, the domain, its host autodiscover, a plain-HTTP
// redirect, the SRV record.
//
// The error is a *DiscoverError; it answers errors.Is for the sentinels of this
// package and errors.As for *Error, whatever attempt they come from.
func (c *Client) Discover(ctx context.Context, mailbox string, endpoints ...string) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, DefaultTimeout))
	defer cancel()
	d := &discovery{client: c, ctx: ctx}
	d.http, d.anonymous = c.clients()
	result, err := d.mailbox(mailbox, endpoints)
	if err != nil {
		for _, a := range d.attempts {
			if telling(a.Err) > telling(err) {
				err = a.Err
			}
		}
		return nil, &DiscoverError{mailbox, d.attempts, err}
	}
	result.Attempts, result.NotTried = d.attempts, d.left
	return result, nil
}

// clients are those of HTTP and Anonymous, which leave redirects to the discovery and keep no cookies.
func (c *Client) clients() (with, without *http.Client) {
	plain := func(h *http.Client) *http.Client {
		var own http.Client
		if h != nil {
			own = *h
		}
		own.Jar = nil
		own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return &own
	}
	with = plain(c.HTTP)
	if c.Anonymous != nil {
		return with, plain(c.Anonymous)
	}
	if _, known := with.Transport.(*http.Transport); known || with.Transport == nil || c.Authorize != nil {
		return with, with
	}
	return with, plain(nil)
}

// discovery is the state of one Discover.
type discovery struct {
	client          *Client
	ctx             context.Context
	http, anonymous *http.Client
	attempts        []Attempt
	redirects       int
	left            []Step   // not taken yet
	domains         []string // of the mailbox, and of where it moved
	hosts           []string // that were given or that the directory named
}

// source says how far the word of whoever named a URL goes.
type source int

const (
	given source = iota // by the user: gets credentials at once
	named               // by anybody else: asked if its host is approved, and gets credentials if it wants them
)

// place is where in the order a request is made.
type place struct {
	step Step
	via  string // what kind of redirect led there; empty: none
}

// errStop wraps an error after which no other endpoint is asked.
type errStop struct{ error }

func (e errStop) Unwrap() error { return e.error }

func (d *discovery) mailbox(mailbox string, endpoints []string) (*Result, error) {
	domain, ok := domainOf(mailbox)
	if ok {
		d.domains = append(d.domains, domain)
	}
	if len(endpoints) > 0 {
		var err error
		for _, e := range endpoints {
			var r *Result
			if r, err = d.ask(place{step: StepGiven}, mailbox, d.vouched(endpointURL(e)), given); d.settled(err) {
				return r, err
			}
		}
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("autodiscover: %q isn't an SMTP address and no endpoint was given", mailbox)
	}
	steps := d.client.Steps
	if steps == nil {
		steps = DefaultSteps
	}
	host := "autodiscover." + domain
	plain := begin(func() plainAnswer { return d.plainAnswer("http://" + host + servicePath) })
	records := begin(func() srvAnswer { return d.srvAnswer(domain) })
	early := time.AfterFunc(headStart, func() {
		if slices.Contains(steps, StepRedirect) {
			plain.start()
		}
		if slices.Contains(steps, StepSRV) {
			records.start()
		}
	})
	defer early.Stop()
	err := errors.New("autodiscover: no step is to be taken")
	for i, step := range steps {
		var r *Result
		d.left = steps[i+1:]
		switch step {
		case StepSCP:
			r, err = d.scp(mailbox, domain)
		case StepDomain:
			r, err = d.ask(place{step: step}, mailbox, "https://"+domain+servicePath, named)
		case StepHost:
			r, err = d.ask(place{step: step}, mailbox, "https://"+host+servicePath, named)
		case StepRedirect:
			r, err = d.plain(mailbox, plain.wait())
		case StepSRV:
			r, err = d.srv(mailbox, records.wait())
		case StepMicrosoft365:
			r, err = d.ask(place{step: step}, mailbox, "https://"+microsoft365+jsonPath, named)
		default:
			err = fmt.Errorf("autodiscover: there is no step %q", step)
		}
		if d.settled(err) {
			return r, err
		}
	}
	return nil, err
}

// domainOf is the domain of an SMTP address, if it is one that can be part of a URL.
func domainOf(mailbox string) (string, bool) {
	_, domain, ok := strings.Cut(mailbox, "@")
	if !ok || domain == "" || strings.HasPrefix(mailbox, "/") || strings.ContainsAny(domain, "/?#@:\\% []") {
		return "", false
	}
	return normal(domain), true
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

// vouched notes the host of a URL as one to be trusted, and returns the URL.
func (d *discovery) vouched(target string) string {
	if u, err := url.Parse(target); err == nil && u.Hostname() != "" {
		d.hosts = append(d.hosts, hostOf(u))
	}
	return target
}

// settled tells whether there is nothing more to try: a result, an answer about
// the mailbox, or an end to trying.
func (d *discovery) settled(err error) bool {
	var code *Error
	var stop errStop
	return err == nil || d.ctx.Err() != nil || errors.As(err, &code) || errors.As(err, &stop) ||
		errors.Is(err, &SOAPError{Code: SOAPInvalidUser})
}

// future is a lookup that may start before its answer is wanted.
type future[T any] struct {
	start func()
	done  chan struct{}
	value T
}

func begin[T any](f func() T) *future[T] {
	u := &future[T]{done: make(chan struct{})}
	started := make(chan struct{}, 1)
	u.start = func() {
		select {
		case started <- struct{}{}:
			go func() {
				defer close(u.done)
				u.value = f()
			}()
		default:
		}
	}
	return u
}

func (u *future[T]) wait() T {
	u.start()
	<-u.done
	return u.value
}

// plainAnswer is the answer of the plain-HTTP host.
type plainAnswer struct {
	url    string
	status int
	to     *url.URL
	err    error
	took   time.Duration
}

// plainAnswer asks without credentials over plain HTTP, which may only point to HTTPS.
func (d *discovery) plainAnswer(target string) plainAnswer {
	began := time.Now()
	a := plainAnswer{url: target}
	req, err := http.NewRequest(http.MethodGet, target, nil)
	if err == nil {
		var r *reply
		if r, err = d.roundTrip(d.anonymous, req); err == nil {
			if a.status, a.to = r.status, r.location; a.to == nil {
				err = errNoRedirect
			}
		}
	}
	a.err, a.took = err, time.Since(began)
	return a
}

func (d *discovery) plain(mailbox string, a plainAnswer) (*Result, error) {
	attempt := Attempt{Step: StepRedirect, Format: "HTTP", Method: http.MethodGet, URL: a.url, Status: a.status, Took: a.took}
	if a.err != nil {
		return nil, d.failed(attempt, a.err)
	}
	return d.follow(attempt, viaHTTP, mailbox, a.to.String())
}

type srvAnswer struct {
	name    string
	records []*net.SRV
	err     error
	took    time.Duration
}

func (d *discovery) srvAnswer(domain string) srvAnswer {
	began := time.Now()
	lookup := d.client.LookupSRV
	if lookup == nil {
		lookup = net.DefaultResolver.LookupSRV
	}
	ctx, cancel := context.WithTimeout(d.ctx, connectTimeout)
	defer cancel()
	_, records, err := lookup(ctx, "autodiscover", "tcp", domain)
	if err != nil {
		err = &NetworkError{err}
	}
	return srvAnswer{"_autodiscover._tcp." + domain, records, err, time.Since(began)}
}

// maxRecords limits the SRV records of which hosts are asked.
const maxRecords = 5

// srv asks the hosts of the domain's SRV records that serve port 443
// ([MS-OXDISCO] 3.1.5), the best first, as the resolver sorts them.
func (d *discovery) srv(mailbox string, a srvAnswer) (*Result, error) {
	attempt := Attempt{Step: StepSRV, Format: "DNS", Method: "SRV", URL: a.name, Took: a.took}
	if a.err != nil {
		return nil, d.failed(attempt, a.err)
	}
	var targets []string
	for _, r := range a.records {
		host := strings.TrimSuffix(r.Target, ".")
		what := fmt.Sprintf("%s:%d priority %d weight %d", host, r.Port, r.Priority, r.Weight)
		switch {
		case host == "":
			what += " (no service)" // RFC 2782
		case r.Port != 443:
			what += " (only port 443 is asked)"
		case len(targets) == maxRecords:
			what += " (one too many)"
		default:
			targets = append(targets, (&url.URL{Scheme: "https", Host: host, Path: servicePath}).String())
		}
		attempt.Found = append(attempt.Found, what)
	}
	if len(targets) == 0 {
		return nil, d.failed(attempt, &NetworkError{errors.New("no record for port 443")})
	}
	attempt.Outcome = OutcomeFound
	d.note(attempt)
	var err error
	for _, target := range targets {
		var r *Result
		if r, err = d.ask(place{step: StepSRV}, mailbox, target, named); d.settled(err) {
			return r, err
		}
	}
	return nil, err
}
