package main

import (
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

type profileEditCmd struct {
	profileFlags
	Name           string   `arg:"" help:"The profile." placeholder:"NAME"`
	Unset          []string `help:"Remove a property; may be repeated." placeholder:"PROPERTY" sep:"none"`
	RemoveService  []string `help:"Remove a service by its UID; may be repeated." placeholder:"UID" sep:"none"`
	RemovePassword bool     `help:"Forget the password."`
}

func (profileEditCmd) Help() string {
	return "Examples:\n  opencdo profile edit work --proxy mail2.contoso.test\n  opencdo profile edit work --set PR_PROFILE_CONNECT_FLAGS=0x8001 --unset PR_PROFILE_BINDING_ORDER\n  opencdo profile edit work --user alice@contoso.test --set-password"
}

// Run changes a profile.
func (c profileEditCmd) Run(a *app) error {
	d, _, err := a.profiles()
	if err != nil {
		return err
	}
	return d.Edit(c.Name, func(p *profile.Profile) error {
		if err := c.apply(a, p); err != nil {
			return err
		}
		for _, name := range c.Unset {
			s, place, err := c.section(p)
			if err != nil {
				return err
			}
			tag, ok := profile.ByName(place, name)
			if !ok {
				return usage("--unset %s: no such property: give its MAPI name or its tag (0x6622001F)", name)
			}
			if !s.Unset(tag) {
				return &mapi.Error{Op: "unset property", Object: name, Code: mapi.ErrNotFound}
			}
		}
		for _, text := range c.RemoveService {
			u, err := profile.ParseUID(text)
			if err != nil {
				return usage("--remove-service: %v", err)
			}
			if err := p.RemoveService(u); err != nil {
				return err
			}
		}
		if s, ok := p.Exchange(); c.RemovePassword && (!ok || !s.Unset(profile.TagAuthPassword)) {
			return &mapi.Error{Op: "remove password of profile", Object: p.Name, Code: mapi.ErrNotFound}
		}
		return nil
	})
}

// section finds the section of --section.
func (f profileFlags) section(p *profile.Profile) (*profile.Section, profile.Place, error) {
	var u profile.UID
	switch strings.ToLower(f.Section) {
	case "exchange":
		s, ok := p.Exchange()
		if !ok {
			return nil, "", usage("the profile has no Exchange service: give --server and --mailbox, --smtp, or --service %s", profile.MSEMS)
		}
		return s, profile.PlaceExchange, nil
	case "profile":
		u = profile.ProfileSection
	case "outlook":
		u = profile.OutlookSection
	default:
		var err error
		if u, err = profile.ParseUID(f.Section); err != nil {
			return nil, "", usage("--section: %v", err)
		}
	}
	s, ok := p.Section(u)
	if !ok {
		return nil, "", &mapi.Error{Op: "find section", Object: f.Section, Code: mapi.ErrNotFound}
	}
	return s, p.PlaceOf(s), nil
}

// apply does what the flags say.
func (f profileFlags) apply(a *app, p *profile.Profile) error {
	for _, name := range f.Service {
		if _, err := p.AddService(name); err != nil {
			return err
		}
	}
	for _, path := range f.PST {
		svc, err := p.AddService("MSUPST MS")
		if err != nil {
			return err
		}
		svc.Providers[0].Section.Set(profile.TagPSTPath, path)
	}
	if err := f.exchange(a, p); err != nil {
		return err
	}
	for _, text := range f.Set {
		s, place, err := f.section(p)
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return usage("--set %s: PROPERTY=VALUE expected", text)
		}
		tag, ok := profile.ByName(place, name)
		if !ok {
			return usage("--set %s: no such property: give its MAPI name or its tag (0x6622001F)", name)
		}
		if profile.IsSecret(tag) {
			return usage("--set %s: passwords aren't taken from arguments, which everyone on the machine can read: use --set-password", name)
		}
		v, err := profile.ParseValue(tag.Type(), value)
		if err != nil {
			return usage("--set %s: %v", name, err)
		}
		s.Set(tag, v)
	}
	return nil
}

// httpSchemes are values of PR_ROH_PROXY_AUTH_SCHEME.
var httpSchemes = map[string]int32{"basic": 1, "ntlm": 2, "winnt": 2, "digest": 8, "negotiate": 0x10, "certificate": 0x10000}

// exchange sets what flags of their own stand for.
func (f profileFlags) exchange(a *app, p *profile.Profile) error {
	if a.Server == "" && a.Mailbox == "" && a.User == "" && !a.Admin && f.SMTP == "" && f.Proxy == "" && !f.NoTLS && f.HTTPAuth == "" && a.RPCAuth == "" &&
		f.Principal == "" && !f.IgnoreCertificate && !f.IgnoreNoPF && !f.SetPassword {
		return nil
	}
	s, _, err := profileFlags{Section: "exchange"}.section(p)
	if err != nil {
		return err
	}
	text := func(tag mapi.Tag, v string) {
		if v != "" {
			s.Set(tag, v)
		}
	}
	if a.Server != "" || a.Mailbox != "" { // what an earlier name was resolved to is over
		for _, tag := range []mapi.Tag{profile.TagHomeServer, profile.TagHomeServerDN, profile.TagUser} {
			s.Unset(tag)
		}
	}
	text(profile.TagUnresolvedServer, a.Server)
	text(profile.TagUnresolvedName, a.Mailbox)
	text(profile.TagUserSMTPAddress, f.SMTP)
	text(profile.TagAuthUser, a.User)
	if f.HTTPAuth != "" {
		n, ok := httpSchemes[strings.ToLower(f.HTTPAuth)]
		if !ok {
			return usage("--http-auth is basic, ntlm, negotiate, digest or certificate, not %q", f.HTTPAuth)
		}
		s.Set(profile.TagROHAuthScheme, n)
	}
	if a.RPCAuth != "" {
		n, err := profile.ParseRPCAuth(a.RPCAuth)
		if err != nil {
			return usage("--rpc-auth is none, ntlm, negotiate, kerberos or a number, not %q", a.RPCAuth)
		}
		s.Set(profile.TagAuthPackage, int32(n))
	}
	if err := f.proxy(s); err != nil {
		return err
	}
	connect, _ := s.Number(profile.TagConnectFlags)
	flags := profile.ConnectFlags(connect)
	if a.Admin {
		flags |= profile.ConnectUseAdminPrivilege
	}
	if f.IgnoreNoPF {
		flags |= profile.ConnectIgnoreNoPF
	}
	if flags != profile.ConnectFlags(connect) {
		s.Set(profile.TagConnectFlags, int32(flags))
	}
	if f.SetPassword {
		password, err := a.newPassword("profile " + p.Name)
		if err != nil {
			return err
		}
		s.SetSecret(profile.TagAuthPassword, password)
	}
	return nil
}

// proxy sets the RPC proxy and its flags.
func (f profileFlags) proxy(s *profile.Section) error {
	n, _ := s.Number(profile.TagROHFlags)
	flags := profile.ROHFlags(n)
	if f.Proxy != "" {
		host, tls := f.Proxy, true
		if scheme, rest, ok := strings.Cut(f.Proxy, "://"); ok {
			if tls = strings.EqualFold(scheme, "https"); !tls && !strings.EqualFold(scheme, "http") {
				return usage("--proxy: %s: https or http expected", fmt.Sprintf("%q", scheme))
			}
			host = strings.TrimSuffix(rest, "/")
		}
		s.Set(profile.TagROHProxyServer, host)
		flags |= profile.ROHUseROH | profile.ROHHTTPFirstOnFast | profile.ROHHTTPFirstOnSlow
		if tls {
			flags |= profile.ROHSSLOnly
		} else {
			flags &^= profile.ROHSSLOnly
		}
	}
	if f.NoTLS {
		flags &^= profile.ROHSSLOnly
	}
	if f.Principal != "" {
		name := f.Principal
		if !strings.Contains(name, ":") {
			name = "msstd:" + name
		}
		s.Set(profile.TagROHPrincipalName, name)
		flags |= profile.ROHMutualAuth
	}
	if f.IgnoreCertificate {
		flags |= profile.ROHIgnoreSecWarning
	}
	if flags != profile.ROHFlags(n) {
		s.Set(profile.TagROHFlags, int32(flags))
	}
	return nil
}
