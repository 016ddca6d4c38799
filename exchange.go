package opencdo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/profile"
)

// NoProxyError means that nothing says how a server is reached: no entry of RpcHttpProxyMap matches it. It answers
// errors.Is for mapi.ErrNetwork, as MAPI/CDO said then.
type NoProxyError struct {
	Server string
	Map    string // the value that was searched, empty: there is none
	File   string // where the settings lie
}

func (e *NoProxyError) Error() string {
	s := fmt.Sprintf("no way to the server %s is known: ", e.Server)
	if e.Map == "" {
		s += "there is no value " + settings.RpcHttpProxyMap
	} else {
		s += fmt.Sprintf("no entry of %s (%s) matches it", settings.RpcHttpProxyMap, e.Map)
	}
	return s + fmt.Sprintf("; set it under [%s] in %s, for example to %q", settings.Messaging, e.File,
		domainOf(e.Server)+"=https://mail."+domainOf(e.Server)+",basic,none,false")
}

// Is implements errors.Is.
func (e *NoProxyError) Is(target error) bool { return target == mapi.ErrNetwork }

func domainOf(server string) string {
	if _, domain, ok := profile.Personalised(server); ok {
		return domain
	}
	return server
}

// openExchange logs on as CDO did with a dynamic profile: it finds the way to the server, resolves the mailbox in the
// address book, and opens it.
//
// The way to a personalised server name is what RpcHttpProxyMap says; Exchange behind that proxy is asked by MAPI over HTTP.
// Other servers are asked by Autodiscover, unless the map knows them.
func openExchange(ctx context.Context, info profile.Info, cfg *Config) (mapi.Store, error) {
	if info.Anonymous {
		return nil, &mapi.Error{Op: "log on", Object: info.Server, Code: mapi.ErrNoSupport, Err: errors.New("anonymous access to public folders isn't available yet")}
	}
	way, err := findWay(info.Server, cfg)
	if err != nil {
		return nil, err
	}
	user := cfg.User
	if user == "" {
		user = ownerOf(info)
	}
	if way.client, err = httpClient(cfg, way.ignoreCertificate); err != nil {
		return nil, err
	}
	if way.ignoreCertificate {
		cfg.warn(fmt.Sprintf("the certificate of %s is not checked, as %s says", way.base.Host, settings.RpcHttpProxyMap))
	}
	if cfg.Password == nil {
		return nil, &mapi.Error{Op: "log on", Object: user, Code: mapi.ErrLogonFailed, Err: errors.New("no password was given")}
	}
	password, err := cfg.Password(ctx, user, way.base.Host)
	if err != nil {
		return nil, &mapi.Error{Op: "log on", Object: user, Code: mapi.ErrLogonFailed, Err: err}
	}
	way.authorize = func(r *http.Request) error {
		r.SetBasicAuth(user, password)
		return nil
	}
	c := exchange.Config{HTTP: way.client, Authorize: way.authorize, Admin: cfg.Admin, Sessions: cfg.Sessions, Logger: cfg.Logger,
		IgnoreNoPF: way.ignoreNoPF}
	if way.discover {
		err = way.byAutodiscover(ctx, info, user, &c)
	} else {
		err = way.byAddressBook(ctx, info, user, &c)
	}
	if err != nil {
		return nil, logonError(user, err)
	}
	st, err := exchange.Open(ctx, c)
	if err != nil {
		return nil, logonError(user, err)
	}
	return st, nil
}

// logonError makes refusals what MAPI programs know them as.
func logonError(user string, err error) error {
	if errors.Is(err, autodiscover.ErrUnauthorized) {
		return &mapi.Error{Op: "log on", Object: user, Code: mapi.ErrLogonFailed, Err: err}
	}
	var network *net.OpError // DNS errors come as one, too
	switch {
	case errors.Is(err, mapihttp.ErrUntrustedCertificate), errors.Is(err, autodiscover.ErrUntrustedCertificate):
		return err
	case errors.Is(err, autodiscover.ErrUnreachable), errors.As(err, &network):
		return &mapi.Error{Op: "log on", Object: user, Code: mapi.ErrNetwork, Err: err}
	}
	return err
}

// ownerOf is the account that a mailbox name suggests.
func ownerOf(info profile.Info) string {
	if strings.Contains(info.Mailbox, "@") || strings.HasPrefix(info.Mailbox, "/") {
		return info.Mailbox
	}
	if _, domain, ok := profile.Personalised(info.Server); ok {
		return info.Mailbox + "@" + domain
	}
	return info.Mailbox
}

// way is how a server is reached.
type way struct {
	server            string
	base              *url.URL
	discover          bool
	ignoreCertificate bool
	ignoreNoPF        bool
	client            *http.Client
	authorize         func(*http.Request) error
}

func findWay(server string, cfg *Config) (*way, error) {
	home, err := cfg.home()
	if err != nil {
		return nil, err
	}
	set, err := settings.Load(home)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	value, ok := set.Text(settings.Messaging, settings.RpcHttpProxyMap)
	if !ok {
		value, _ = set.Text(settings.MessagingMachine, settings.RpcHttpProxyMap)
	}
	m, err := profile.ParseProxyMap(value)
	if err != nil {
		return nil, err
	}
	w := &way{server: server}
	n, _ := set.Number(settings.CDO, settings.IgnoreNoPF)
	w.ignoreNoPF = n == 1
	if e, ok := m.Find(server); ok {
		if e.HTTPAuth != "basic" {
			return nil, &mapi.Error{Op: "log on to", Object: server, Code: mapi.ErrNoSupport,
				Err: fmt.Errorf("%s asks for %s authentication; this version has basic only", settings.RpcHttpProxyMap, e.HTTPAuth)}
		}
		w.base, w.ignoreCertificate = e.Proxy, e.IgnoreCertificate
		return w, nil
	}
	if _, _, personalised := profile.Personalised(server); personalised {
		return nil, &NoProxyError{Server: server, Map: value, File: home + string(os.PathSeparator) + settings.FileName}
	}
	w.discover = true
	if !strings.Contains(server, "://") {
		server = "https://" + server
	}
	if w.base, err = url.Parse(server); err != nil || w.base.Host == "" {
		return nil, &mapi.Error{Op: "log on to", Object: server, Code: mapi.ErrInvalidParameter, Err: errors.New("the server is neither a name nor a URL")}
	}
	return w, nil
}

// byAutodiscover asks the server for the endpoints and the DN of the user, and where that isn't the mailbox wanted, the
// address book for the mailbox.
func (w *way) byAutodiscover(ctx context.Context, info profile.Info, user string, c *exchange.Config) error {
	d := autodiscover.Client{HTTP: w.client, Authorize: w.authorize}
	name := user
	if !strings.Contains(name, "@") {
		name += "@" + w.base.Hostname()
	}
	found, err := d.Discover(ctx, name, w.base.String())
	if err != nil {
		return err
	}
	if c.MailboxURL = found.MailStore.ExternalURL; c.MailboxURL == "" {
		c.MailboxURL = found.MailStore.InternalURL
	}
	if c.AddressBookURL = found.AddressBook.ExternalURL; c.AddressBookURL == "" {
		c.AddressBookURL = found.AddressBook.InternalURL
	}
	if c.MailboxURL == "" {
		return &mapi.Error{Op: "log on to", Object: w.server, Code: mapi.ErrNoSupport, Err: errors.New("the server offers no MAPI over HTTP")}
	}
	c.UserDN = found.LegacyDN
	if strings.EqualFold(info.Mailbox, found.SMTP) || strings.EqualFold(info.Mailbox, found.LegacyDN) ||
		strings.EqualFold(info.Mailbox, strings.SplitN(name, "@", 2)[0]) || strings.EqualFold(info.Mailbox, name) {
		return nil
	}
	return resolveMailbox(ctx, info.Mailbox, c)
}

// byAddressBook builds the endpoint URLs from the proxy's name and the personalised server name, and resolves user and
// mailbox.
func (w *way) byAddressBook(ctx context.Context, info profile.Info, user string, c *exchange.Config) error {
	query := "?MailboxId=" + w.server
	c.MailboxURL = w.base.String() + "/mapi/emsmdb/" + query
	c.AddressBookURL = w.base.String() + "/mapi/nspi/" + query
	if err := resolveMailbox(ctx, info.Mailbox, c); err != nil {
		return err
	}
	mailbox := c.MailboxDN
	c.UserDN = mailbox
	if !strings.EqualFold(user, ownerOf(info)) {
		if err := resolveMailbox(ctx, user, c); err != nil {
			return err
		}
		c.UserDN, c.MailboxDN = c.MailboxDN, mailbox
	}
	return nil
}

// resolveMailbox finds the DN of a mailbox in the address book, as the MSEMS service did.
func resolveMailbox(ctx context.Context, name string, c *exchange.Config) error {
	book, err := exchange.NewAddressBook(*c)
	if err != nil {
		return err
	}
	defer book.Close()
	found, err := book.Resolve(ctx, name, []mapi.Key{mapi.TagKey(pid.TagEmailAddress), mapi.TagKey(pid.TagDisplayName)})
	if errors.Is(err, mapi.ErrAmbiguous) {
		var names []string
		for _, ps := range found {
			names = append(names, ps.Text(pid.TagDisplayName))
		}
		return &mapi.Error{Op: "log on to the mailbox", Object: name, Code: mapi.ErrAmbiguous,
			Err: fmt.Errorf("the name fits %s: give an SMTP address", strings.Join(names, ", "))}
	}
	if err != nil {
		return fmt.Errorf("log on to the mailbox: %w", err)
	}
	c.MailboxDN = found[0].Text(pid.TagEmailAddress)
	if c.MailboxDN == "" {
		return &mapi.Error{Op: "log on to the mailbox", Object: name, Code: mapi.ErrNotFound, Err: errors.New("its address book entry has no DN")}
	}
	return nil
}

// httpClient speaks HTTP/1.1, as MAPI over HTTP does, with as many connections as there are sessions.
func httpClient(cfg *Config, ignoreCertificate bool) (*http.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: ignoreCertificate}
	if cfg.CAFile != "" {
		pem, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificates to trust: %w", err)
		}
		if conf.RootCAs, err = x509.SystemCertPool(); err != nil {
			conf.RootCAs = x509.NewCertPool()
		}
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates to trust: %s holds none", cfg.CAFile)
		}
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = conf
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	t.DisableCompression = true
	t.MaxIdleConnsPerHost = 4 * max(cfg.Sessions, exchange.DefaultSessions)
	return &http.Client{Transport: t}, nil
}
