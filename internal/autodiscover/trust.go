package autodiscover

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// microsoft365 is the host that newer Outlooks ask for every address.
const microsoft365 = "outlook.office365.com"

// microsoftHosts are the hosts to which Microsoft's own service and the domains in it point from any domain; tenants have
// domains below the last. Trust approves others.
var (
	microsoftHosts  = []string{"autodiscover-s.outlook.com", microsoft365}
	microsoftDomain = "onmicrosoft.com"
)

func normal(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

func hostOf(u *url.URL) string { return normal(u.Hostname()) }

// within tells whether a host is a domain or below it.
func within(host, domain string) bool { return host == domain || strings.HasSuffix(host, "."+domain) }

// approved tells whether a host may have the address, and credentials if it asks: why, or nothing.
func (d *discovery) approved(host string) (why string) {
	for _, domain := range d.domains {
		// Below a domain of one label, such as com, are the domains of others.
		if within(host, domain) && strings.Contains(domain, ".") || host == domain || host == "autodiscover."+domain {
			return "in the domain " + domain
		}
	}
	for _, h := range d.hosts {
		if within(host, h) {
			return "as good as " + h
		}
	}
	switch {
	case slices.Contains(microsoftHosts, host):
		return "Microsoft's own service"
	case d.client.Trust != nil && d.client.Trust(host):
		return "approved"
	}
	return ""
}

// approvedDomain tells whether the mailbox may have moved to another domain.
func (d *discovery) approvedDomain(domain string) bool {
	return within(domain, microsoftDomain) || d.approved(domain) != ""
}

// allowed refuses plain HTTP, except to a loopback host that the user named, and hosts that aren't approved.
func (d *discovery) allowed(u *url.URL, from source) error {
	switch {
	case u.Hostname() == "":
		return fmt.Errorf("autodiscover: %q has no host", u)
	case u.User != nil:
		return fmt.Errorf("%w: the URL holds a user name", ErrUntrustedRedirect)
	case from == given:
		if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
			return nil
		}
		return fmt.Errorf("autodiscover: credentials aren't sent to %s: it isn't https", u)
	case u.Scheme != "https":
		return fmt.Errorf("%w: %s isn't https", ErrUntrustedRedirect, u)
	case d.approved(hostOf(u)) == "":
		return fmt.Errorf("%w: the host %s is neither in the mailbox's domain nor approved; name it as the endpoint if it is right", ErrUntrustedRedirect, u.Hostname())
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withheld tells whether a host gets no credentials even if it wants them: that of the domain itself, unless it was given.
func (d *discovery) withheld(u *url.URL, from source) bool {
	host := hostOf(u)
	return from != given && !d.client.DomainCredentials && slices.Contains(d.domains, host) && !slices.Contains(d.hosts, host)
}

// authorize adds credentials.
func (d *discovery) authorize(req *http.Request) error {
	if err := d.client.Authorize(req); err != nil {
		return errStop{fmt.Errorf("autodiscover: credentials: %w", err)}
	}
	return nil
}
