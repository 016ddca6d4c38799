package main

import (
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

type profileShowCmd struct {
	Name    string `arg:"" optional:"" help:"The profile. Default: the default profile; with --server and --mailbox a dynamic one." placeholder:"NAME"`
	Resolve bool   `help:"Show the connection that profile and settings come to."`
	JSON    bool   `name:"json" help:"Print facts for programs."`
}

func (profileShowCmd) Help() string {
	return "Nothing is asked of a server.\n\nExamples:\n  opencdo profile show work\n  opencdo profile show work --resolve\n  opencdo profile show --server 8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.test --mailbox alice --resolve --json"
}

// Run shows a profile.
func (c profileShowCmd) Run(a *app) error {
	d, set, err := a.profiles()
	if err != nil {
		return err
	}
	if c.Name == "" && a.Server != "" && a.Mailbox != "" {
		if !c.Resolve {
			return usage("a dynamic profile has nothing to show but what --resolve makes of it")
		}
		conn, err := profile.Info{Server: a.Server, Mailbox: a.Mailbox}.Connection(set)
		if err != nil {
			return err
		}
		return a.showConnection(conn, c.JSON)
	}
	standard, err := d.Default()
	if err != nil {
		return err
	}
	if c.Name == "" {
		c.Name = standard
	}
	if c.Name == "" {
		return usage("there is no default profile: name one")
	}
	p, err := d.Load(c.Name)
	if err != nil {
		return err
	}
	if c.Resolve {
		conn, err := p.Connection(set)
		if err != nil {
			return err
		}
		return a.showConnection(conn, c.JSON)
	}
	f, err := profileFactsOf(p)
	if err != nil {
		return err
	}
	f.Default = p.Name == standard
	if c.JSON {
		return a.json(f)
	}
	a.printProfile(f)
	return nil
}

// profileFacts are a profile for programs.
type profileFacts struct {
	Name     string            `json:"name"`
	Default  bool              `json:"default"`
	Services []serviceFacts    `json:"services"`
	Sections []sectionFacts    `json:"sections"`
	Accounts []profile.Account `json:"accounts"`
}

type serviceFacts struct {
	UID       string          `json:"uid"`
	Name      string          `json:"name"`
	Display   string          `json:"display"`
	Default   bool            `json:"default"`
	Providers []providerFacts `json:"providers"`
}

type providerFacts struct {
	UID     string `json:"uid"`
	Kind    string `json:"kind"`
	Display string `json:"display"`
}

type sectionFacts struct {
	UID        string                 `json:"uid"`
	Kind       profile.Place          `json:"kind"`
	Properties []profilePropertyFacts `json:"properties"`
}

type profilePropertyFacts struct {
	Name   string `json:"name"`
	Tag    string `json:"tag"`
	Type   string `json:"type"`
	Value  any    `json:"value,omitempty"`
	Flags  string `json:"flags,omitempty"`
	Secret bool   `json:"secret,omitempty"`
}

func profileFactsOf(p *profile.Profile) (*profileFacts, error) {
	f := &profileFacts{Name: p.Name, Services: []serviceFacts{}, Sections: []sectionFacts{}, Accounts: append([]profile.Account{}, p.Accounts...)}
	for _, s := range p.Services() {
		x := serviceFacts{s.Section.UID.String(), s.Name, s.Display, s.Default, []providerFacts{}}
		for _, pr := range s.Providers {
			x.Providers = append(x.Providers, providerFacts{pr.Section.UID.String(), pr.Kind, pr.Display})
		}
		f.Services = append(f.Services, x)
	}
	for _, s := range p.Sections {
		place := p.PlaceOf(s)
		x := sectionFacts{s.UID.String(), place, []profilePropertyFacts{}}
		for _, pr := range s.Props {
			t := pr.Key.Tag
			v, err := profile.PlainValue(t.Type(), pr.Value)
			if err != nil {
				return nil, err
			}
			y := profilePropertyFacts{Name: profile.NameOf(place, t), Tag: t.String(), Type: t.Type().String(), Value: v}
			if n, ok := v.(int32); ok {
				y.Flags = profile.FlagNames(t, n)
			}
			x.Properties = append(x.Properties, y)
		}
		for _, t := range s.Secrets() {
			x.Properties = append(x.Properties, profilePropertyFacts{Name: profile.NameOf(place, t), Tag: t.String(), Type: t.Type().String(), Secret: true})
		}
		f.Sections = append(f.Sections, x)
	}
	return f, nil
}

func (a *app) printProfile(f *profileFacts) {
	note := ""
	if f.Default {
		note = " (default)"
	}
	a.printf("%s%s", clean(f.Name), note)
	for _, s := range f.Services {
		note = ""
		if s.Default {
			note = " (default store)"
		}
		a.printf("  service %s: %s%s  %s", clean(s.Name), clean(s.Display), note, s.UID)
		for _, p := range s.Providers {
			a.printf("    %-14s %s  %s", p.Kind, clean(p.Display), p.UID)
		}
	}
	for _, s := range f.Sections {
		a.printf("  section %s %s", s.UID, s.Kind)
		for _, p := range s.Properties {
			name := p.Name
			if name == "" {
				name = p.Tag
			}
			value := fmt.Sprint(p.Value)
			if n, ok := p.Value.(int32); ok && p.Flags != "" {
				value = fmt.Sprintf("0x%x %s", uint32(n), p.Flags)
			}
			if p.Secret {
				value = "(in the store of secrets)"
			}
			a.printf("    %-40s %s", name, clean(value))
		}
	}
	for _, x := range f.Accounts {
		a.printf("  account %s (not used)", clean(x.Type))
		for _, s := range x.Settings {
			a.printf("    %-40s %s", clean(s.Name), clean(s.Value))
		}
	}
}

// connectionFacts are a connection for programs.
type connectionFacts struct {
	Profile       string              `json:"profile"`
	Server        string              `json:"server"`
	Mailbox       string              `json:"mailbox"`
	Resolved      bool                `json:"resolved"`
	SMTP          string              `json:"smtp"`
	User          string              `json:"user"`
	Password      string              `json:"password"`
	Anonymous     bool                `json:"anonymous"`
	Proxy         string              `json:"proxy"`
	Source        string              `json:"source"`
	HTTPAuth      []profile.HTTPAuth  `json:"http_auth"`
	RPCAuth       string              `json:"rpc_auth"`
	Transports    []profile.Transport `json:"transports"`
	Certificate   string              `json:"certificate"`
	Encrypt       bool                `json:"encrypt"`
	ConnectFlags  string              `json:"connect_flags"`
	ROHFlags      string              `json:"roh_flags"`
	PublicFolders bool                `json:"public_folders"`
	IgnoreNoPF    bool                `json:"ignore_no_pf"`
	ClientVersion string              `json:"client_version"`
	Searched      []string            `json:"searched"`
	Warnings      []string            `json:"warnings"`
}

// certificateRule says in words which certificates are accepted.
func certificateRule(r profile.CertificateRule) string {
	var s []string
	switch {
	case len(r.Pins) > 0:
		s = append(s, fmt.Sprintf("one of %d pinned ones", len(r.Pins)))
	case r.Ignore:
		s = append(s, "any")
	default:
		s = append(s, "trusted ones")
	}
	if r.Name != "" {
		s = append(s, "for "+r.Name)
	}
	if r.CAFile != "" {
		s = append(s, "authorities in "+r.CAFile)
	}
	return strings.Join(s, ", ")
}

func (a *app) showConnection(c *profile.Connection, asJSON bool) error {
	f := connectionFacts{Profile: c.Profile, Server: c.Server, Mailbox: c.Mailbox, Resolved: c.Resolved, SMTP: c.SMTP, User: c.User, Password: string(c.Password),
		Anonymous: c.Anonymous, Source: c.Source, HTTPAuth: append([]profile.HTTPAuth{}, c.HTTPAuth...), RPCAuth: c.RPCAuth.String(), Transports: c.Transports,
		Certificate: certificateRule(c.Certificate), Encrypt: c.Encrypt, ConnectFlags: profile.FlagNames(profile.TagConnectFlags, int32(c.ConnectFlags)),
		ROHFlags: profile.FlagNames(profile.TagROHFlags, int32(c.ROHFlags)), PublicFolders: c.PublicFolders, IgnoreNoPF: c.IgnoreNoPF,
		ClientVersion: c.ClientVersion.String(), Searched: []string{}, Warnings: append([]string{}, c.Warnings...)}
	if c.Proxy != nil {
		f.Proxy = c.Proxy.String()
	}
	for _, v := range c.Searched {
		f.Searched = append(f.Searched, v.String())
	}
	if asJSON {
		return a.json(f)
	}
	line := func(name, value string) {
		if value != "" {
			a.printf("%-16s %s", name, clean(value))
		}
	}
	line("profile", f.Profile)
	line("server", f.Server)
	line("mailbox", f.Mailbox)
	line("address", f.SMTP)
	line("user", f.User)
	line("password", f.Password)
	switch {
	case f.Proxy != "":
		line("proxy", f.Proxy+" (from "+f.Source+")")
	case len(f.Searched) > 0:
		line("proxy", "none: no entry matches in "+strings.Join(f.Searched, ", "))
	default:
		line("proxy", "none: there is no value "+settings.RpcHttpProxyMap)
	}
	var auth []string
	for _, h := range f.HTTPAuth {
		auth = append(auth, string(h))
	}
	if len(auth) == 0 {
		auth = []string{"what the server offers"}
	}
	line("HTTP", strings.Join(auth, ", "))
	line("RPC", f.RPCAuth)
	var transports []string
	for _, t := range f.Transports {
		transports = append(transports, string(t))
	}
	line("transports", strings.Join(transports, ", "))
	line("certificates", f.Certificate)
	line("connect flags", f.ConnectFlags)
	line("proxy flags", f.ROHFlags)
	line("client version", f.ClientVersion)
	for _, w := range f.Warnings {
		line("warning", w)
	}
	if c.Proxy == nil {
		if _, _, personalised := profile.Personalised(c.Server); personalised {
			return &mapi.Error{Op: "connect to", Object: c.Server, Code: mapi.ErrNetwork,
				Err: fmt.Errorf("a personalised server name needs a proxy: set %s, or give the profile one with --proxy", settings.RpcHttpProxyMap)}
		}
	}
	return nil
}
