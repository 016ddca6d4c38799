package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/mapi"
)

type discoverCmd struct {
	Explain     bool          `help:"Tell the whole way: what each step answered, and why it was or wasn't followed."`
	JSON        bool          `name:"json" help:"Print facts and way for programs."`
	Endpoint    []string      `help:"Ask this host or URL only; may be repeated." placeholder:"URL"`
	LDAP        []string      `name:"ldap" help:"Look for service connection points in the Active Directory of this server (ldaps://HOST or ldap://HOST); may be repeated." placeholder:"URL"`
	Site        string        `help:"The Active Directory site of this computer." placeholder:"SITE"`
	Trust       []string      `help:"Approve this host or domain if somebody points to it; may be repeated." placeholder:"HOST"`
	AllowDomain bool          `help:"Let the web server of the mail domain itself have the password if it wants it."`
	Skip        []string      `help:"Leave out steps: scp, domain, host, redirect, srv." placeholder:"STEP"`
	Office      bool          `name:"microsoft365" help:"At last, ask Microsoft 365, which learns the address."`
	Timeout     time.Duration `help:"How long to look at most." default:"2m" placeholder:"TIME"`
	Address     string        `arg:"" help:"SMTP address of the mailbox; with --endpoint also a legacy DN."`
}

func (discoverCmd) Help() string {
	return "Examples:\n  opencdo autodiscover alice@contoso.test\n  opencdo autodiscover alice@contoso.test --explain\n  opencdo autodiscover alice@contoso.test --endpoint mail.contoso.test --json"
}

// Run looks the mailbox up.
func (c discoverCmd) Run(ctx context.Context, a *app) error {
	client, end, err := c.client(ctx, a)
	if err != nil {
		return err
	}
	defer end()
	result, err := client.Discover(ctx, c.Address, c.Endpoint...)
	e := autodiscover.Explain(c.Address, result, err)
	switch {
	case c.JSON:
		if err := a.json(e); err != nil {
			return err
		}
	default:
		if c.Explain {
			if _, err := e.WriteTo(a.stdout); err != nil {
				return err
			}
		}
		if e.Found != nil {
			if c.Explain {
				a.printf("")
			}
			if _, err := e.Found.WriteTo(a.stdout); err != nil {
				return err
			}
		}
	}
	return discoveryError(c.Address, err)
}

// client makes the client. end gives up what was made for it.
func (c discoverCmd) client(ctx context.Context, a *app) (client *autodiscover.Client, end func(), err error) {
	end = func() {}
	steps, err := c.steps()
	if err != nil {
		return nil, end, err
	}
	user := cmp.Or(a.User, c.Address)
	client = &autodiscover.Client{
		Trust: func(host string) bool {
			return slices.ContainsFunc(c.Trust, func(t string) bool {
				t = strings.ToLower(strings.Trim(t, "."))
				return t != "" && (host == t || strings.HasSuffix(host, "."+t))
			})
		},
		DomainCredentials: c.AllowDomain, Steps: steps, Timeout: c.Timeout,
	}
	server := c.server()
	if server == "" { // nobody can be asked, and the client will say why
		return client, end, nil
	}
	cfg := a.config()
	var password string // of server and directory, asked for once
	cfg.Password = func(ctx context.Context, user, server string) (string, error) {
		if password == "" {
			p, err := a.password(ctx, user, server)
			if err != nil {
				return "", err
			}
			password = p
		}
		return password, nil
	}
	if client.HTTP, client.Anonymous, end, err = cfg.HTTPClient(ctx, user, server); err != nil {
		return nil, end, err
	}
	if len(c.LDAP) > 0 {
		client.Directory = &autodiscover.Directory{Servers: c.LDAP, Site: c.Site, TLS: client.Anonymous.Transport.(*http.Transport).TLSClientConfig,
			Credentials: func(ctx context.Context) (string, string, error) {
				p, err := cfg.Password(ctx, user, server)
				return user, p, err
			}}
	}
	return client, end, nil
}

// server is the host that credentials are for: the endpoint's, or the domain of the address. Empty: there is none.
func (c discoverCmd) server() string {
	if len(c.Endpoint) == 0 {
		_, domain, _ := strings.Cut(c.Address, "@")
		return domain
	}
	if u, err := url.Parse(c.Endpoint[0]); err == nil && u.Host != "" {
		return u.Host
	}
	host, _, _ := strings.Cut(c.Endpoint[0], "/")
	return host
}

// steps are those that are to be taken.
func (c discoverCmd) steps() ([]autodiscover.Step, error) {
	steps := slices.Clone(autodiscover.DefaultSteps)
	for _, s := range c.Skip {
		i := slices.Index(steps, autodiscover.Step(s))
		if i < 0 {
			return nil, usage("there is no step %q to skip", s)
		}
		steps = slices.Delete(steps, i, i+1)
	}
	if c.Office {
		steps = append(steps, autodiscover.StepMicrosoft365)
	}
	return steps, nil
}

// discoveryError gives the reason of a failure the code under which the command ends.
func discoveryError(address string, err error) error {
	var all *autodiscover.DiscoverError
	if !errors.As(err, &all) {
		return err
	}
	reason := err
	if told := all.Unwrap(); len(told) > 0 {
		reason = told[0]
	}
	code := func(c mapi.Code) error { return &mapi.Error{Op: "look up", Object: address, Code: c, Err: reason} }
	switch {
	case errors.Is(reason, httpauth.ErrNoScheme):
		return fmt.Errorf("look up %s: %w", address, reason)
	case errors.Is(reason, autodiscover.ErrUnauthorized):
		return code(mapi.ErrLogonFailed)
	case errors.Is(reason, &autodiscover.Error{ErrorCode: autodiscover.ErrorNoMailbox}):
		return code(mapi.ErrUnknownUser)
	case errors.Is(reason, autodiscover.ErrUnreachable):
		return code(mapi.ErrNetwork)
	case errors.Is(reason, autodiscover.ErrCredentialsWithheld):
		return fmt.Errorf("look up %s: %w; --allow-domain allows it", address, reason)
	case errors.Is(reason, autodiscover.ErrUntrustedRedirect):
		return fmt.Errorf("look up %s: %w; --trust HOST approves it", address, reason)
	}
	return fmt.Errorf("look up %s: %w", address, reason)
}
