package connect

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strings"

	"github.com/opencdo/opencdo/internal/autodiscover"
)

// discover asks Autodiscover where the mailbox is: at the server that is named, or, where only an address is known, in the
// documented order.
func (s *session) discover(ctx context.Context) (err error) {
	name := s.user
	if !strings.Contains(name, "@") && !strings.HasPrefix(name, "/") {
		_, login, ok := strings.Cut(name, `\`)
		if !ok {
			login = name
		}
		domain := s.base.Hostname()
		if _, d, ok := strings.Cut(cmp.Or(s.SMTP, s.Mailbox), "@"); ok { // users mostly have addresses like those of the mailboxes they open
			domain = d
		}
		name = login + "@" + domain
	}
	d := autodiscover.Client{HTTP: s.http, Steps: s.steps()}
	var endpoints []string
	if s.server != "" && !strings.HasPrefix(s.server, "/") {
		endpoints = []string{s.base.String()}
	}
	s.found, err = d.Discover(ctx, name, endpoints...)
	note := ""
	var failure *autodiscover.DiscoverError
	switch {
	case err == nil:
		note = "by " + s.found.URL
	case errors.As(err, &failure):
		var way []string
		for _, a := range failure.Attempts {
			way = append(way, a.String())
		}
		note = strings.Join(way, "\n")
	}
	s.step("ask Autodiscover for "+name, s.base.Host, err, note)
	return err
}

// steps are those of Autodiscover without the ones that settings switch off.
func (s *session) steps() (list []autodiscover.Step) {
	off := map[autodiscover.Step]bool{
		autodiscover.StepSCP: s.Autodiscover.SCP, autodiscover.StepDomain: s.Autodiscover.RootDomain,
		autodiscover.StepHost: s.Autodiscover.AutodiscoverDomain, autodiscover.StepRedirect: s.Autodiscover.Redirect,
		autodiscover.StepSRV: s.Autodiscover.SRV,
	}
	for _, step := range autodiscover.DefaultSteps {
		if !off[step] {
			list = append(list, step)
		}
	}
	return list
}

// dialer makes network connections for RPC over TCP.
func (s *session) dialer() func(context.Context, string, string) (net.Conn, error) {
	if s.Dial != nil {
		return s.Dial
	}
	return (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true}}).DialContext
}
