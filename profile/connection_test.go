package profile

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

const personalised = "8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.example"

// with gives settings that have a map for a user.
func with(values map[string]string) *settings.Settings {
	s := settings.New()
	for k, v := range values {
		key, name := settings.Own, k
		if i := strings.LastIndexByte(k, '\\'); i >= 0 {
			key, name = k[:i], k[i+1:]
		} else if strings.HasPrefix(k, settings.RpcHttpProxyMap) {
			key = settings.Messaging
		}
		if v == "#1" {
			s.SetNumber(key, name, 1)
		} else {
			s.SetText(key, name, v)
		}
	}
	return s
}

const oneEntry = "contoso.example=https://mail.contoso.example,negotiate,none,true"

func TestDynamicConnection(t *testing.T) {
	c, err := Info{Server: personalised, Mailbox: "johnd"}.Connection(with(map[string]string{"RpcHttpProxyMap": oneEntry,
		settings.CDO + `\Ignore No PF`: "#1"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Proxy.String() != "https://mail.contoso.example" || !slices.Equal(c.HTTPAuth, []HTTPAuth{HTTPNegotiate}) || c.RPCAuth != RPCNone || !c.Certificate.Ignore {
		t.Errorf("way: %v %v %v %+v", c.Proxy, c.HTTPAuth, c.RPCAuth, c.Certificate)
	}
	if !c.IgnoreNoPF || c.ConnectFlags != ConnectIgnoreNoPF || !c.Encrypt || c.Mailbox != "johnd" || c.Server != personalised || c.Resolved || c.SMTP != "" {
		t.Errorf("flags: %+v", c)
	}
	if !slices.Equal(c.Transports, []Transport{MAPIHTTP, RPCHTTP, RPCTCP}) || c.ClientVersion.String() != settings.CurrentClientVersion {
		t.Errorf("transports %v, version %v", c.Transports, c.ClientVersion)
	}
	if !strings.Contains(c.Source, `Windows Messaging Subsystem\RpcHttpProxyMap`) {
		t.Errorf("source %q", c.Source)
	}

	c, err = Info{Server: "mail.contoso.example", Mailbox: "a@contoso.example"}.Connection(settings.New())
	if err != nil || c.Proxy != nil || c.IgnoreNoPF || c.ConnectFlags != 0 || c.SMTP != "a@contoso.example" || len(c.Searched) != 0 {
		t.Errorf("nothing set: %+v, %v", c, err)
	}
	c, err = Info{Server: "/o=Org/ou=Site/cn=Configuration/cn=Servers/cn=EX1", Anonymous: true}.Connection(with(map[string]string{"RpcHttpProxyMap": "ex1=http://cas"}))
	if err != nil || !c.Anonymous || c.ConnectFlags != ConnectAnonymousAccess || c.Proxy == nil || c.Proxy.Host != "cas" {
		t.Errorf("anonymous: %+v, %v", c, err)
	}
}

// The order of the values: that of the tag first, then the plain one; the user's before the machine's, of that the 32-bit view
// first.
func TestWhichMapCounts(t *testing.T) {
	const machine, machine32 = settings.MessagingMachine + `\`, settings.LocalMachine + `\SOFTWARE\Wow6432Node\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem\`
	to := func(host string) string { return "contoso.example=https://" + host }
	for name, c := range map[string]struct {
		values map[string]string
		proxy  string
	}{
		"plain":               {map[string]string{"RpcHttpProxyMap": to("plain")}, "plain"},
		"tag first":           {map[string]string{"RpcHttpProxyMap": to("plain"), "RpcHttpProxyMap_BES": to("tag"), "Application Tag": "bes"}, "tag"},
		"another's tag":       {map[string]string{"RpcHttpProxyMap_TSM": to("tag"), "Application Tag": "bes"}, ""},
		"merged":              {map[string]string{"RpcHttpProxyMap_TSM": to("tag"), "Application Tag": "bes", "Merge Proxy Maps": "#1"}, "tag"},
		"name of the program": {map[string]string{"RpcHttpProxyMap_profile.test": to("tag")}, "tag"},
		"user first":          {map[string]string{"RpcHttpProxyMap": to("user"), machine + "RpcHttpProxyMap": to("machine")}, "user"},
		"machine":             {map[string]string{machine + "RpcHttpProxyMap": to("machine")}, "machine"},
		"32-bit view":         {map[string]string{machine + "RpcHttpProxyMap": to("machine"), machine32 + "RpcHttpProxyMap": to("machine32")}, "machine32"},
		"machine's tag":       {map[string]string{"RpcHttpProxyMap": to("user"), machine + "RpcHttpProxyMap_BES": to("machine"), "Application Tag": "bes"}, "machine"},
		"first has no match":  {map[string]string{"RpcHttpProxyMap": "other.example=https://x", machine + "RpcHttpProxyMap": to("machine")}, "machine"},
		"substring":           {map[string]string{"RpcHttpProxyMap": "ntoso=https://plain"}, ""},
		"substring wanted":    {map[string]string{"RpcHttpProxyMap": "ntoso=https://plain", "Match Substring": "#1"}, "plain"},
	} {
		got, err := Info{Server: personalised, Mailbox: "a"}.Connection(with(c.values))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		host := ""
		if got.Proxy != nil {
			host = got.Proxy.Host
		}
		if host != c.proxy {
			t.Errorf("%s: %q, want %q", name, host, c.proxy)
		}
	}
	c, err := Info{Server: personalised, Mailbox: "a"}.Connection(with(map[string]string{settings.MisspeltMessaging + `\RpcHttpProxyMap`: to("x")}))
	if err != nil || c.Proxy != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "Current Version") {
		t.Errorf("misspelt key: %v, %v", c, err)
	}
}

func TestSettingsOfConnections(t *testing.T) {
	pin := strings.Repeat("ab", 32)
	c, err := Info{Server: "s", Mailbox: "a"}.Connection(with(map[string]string{"Client Version": "6.5.8309.0", "Transports": "rpchttp, mapihttp", "CA File": "/ca.pem",
		"Certificate Pins": pin + "," + strings.Repeat("01:", 31) + "01", settings.Autodiscover + `\ExcludeScpLookup`: "#1"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.ClientVersion != (Version{6, 5, 8309, 0}) || c.ClientVersion.Words() != [3]uint16{0x0605, 0x8000 | 8309, 0} {
		t.Errorf("version %v %x", c.ClientVersion, c.ClientVersion.Words())
	}
	if !slices.Equal(c.Transports, []Transport{RPCHTTP, MAPIHTTP}) || c.Certificate.CAFile != "/ca.pem" || len(c.Certificate.Pins) != 2 || c.Certificate.Pins[0][31] != 0xAB ||
		c.Autodiscover != (Exclusions{SCP: true}) {
		t.Errorf("got %+v", c)
	}
	c, err = Info{Server: "s", Mailbox: "a"}.Connection(with(map[string]string{settings.Exchange + `\MapiHttpDisabled`: "#1"}))
	if err != nil || !slices.Equal(c.Transports, []Transport{RPCHTTP, RPCTCP}) {
		t.Errorf("without MAPI over HTTP: %+v, %v", c, err)
	}
}

// Values that cannot be used are named with the file and line where they stand.
func TestValueErrors(t *testing.T) {
	for name, c := range map[string]struct{ key, value string }{
		"RpcHttpProxyMap":  {settings.Messaging, "contoso.example=mail.contoso.example,ntlm,ntlm,false"},
		"Client Version":   {settings.Own, "current"},
		"Transports":       {settings.Own, "carrier pigeon"},
		"Certificate Pins": {settings.Own, "abcd"},
	} {
		d, err := settings.ParseDocument("settings.reg", []byte("REGEDIT4\n\n["+c.key+"]\n\n\""+name+"\"=\""+c.value+"\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		s := settings.New()
		s.Apply(d)
		_, err = Info{Server: personalised, Mailbox: "a"}.Connection(s)
		var bad *ValueError
		if !errors.As(err, &bad) || bad.Name != name || bad.Origin != (settings.Origin{File: "settings.reg", Line: 5}) || !errors.Is(err, mapi.ErrInvalidParameter) ||
			!strings.Contains(err.Error(), "settings.reg, line 5") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// exchangeProfile is a profile with values in its Exchange section, which are given as text.
func exchangeProfile(t *testing.T, values map[string]string) *Profile {
	t.Helper()
	p, err := New("work")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.AddService(MSEMS); err != nil {
		t.Fatal(err)
	}
	s, ok := p.Exchange()
	if !ok {
		t.Fatal("no Exchange section")
	}
	for name, text := range values {
		tag, ok := ByName(PlaceExchange, name)
		if !ok {
			t.Fatal(name)
		}
		v, err := ParseValue(tag.Type(), text)
		if err != nil {
			t.Fatal(err)
		}
		s.Set(tag, v)
	}
	return p
}

// The minimal property sets of the published instructions: Exchange 2013, and Office 365 with Exchange's MAPI.
func TestStaticConnection(t *testing.T) {
	p := exchangeProfile(t, map[string]string{"PR_PROFILE_UNRESOLVED_NAME": "johnd", "PR_PROFILE_UNRESOLVED_SERVER": personalised,
		"PR_ROH_PROXY_SERVER": "mail.contoso.example", "PR_ROH_FLAGS": "0x2f", "PR_ROH_PROXY_AUTH_SCHEME": "2", "PR_PROFILE_AUTH_PACKAGE": "10",
		"PR_ROH_PROXY_PRINCIPAL_NAME": "msstd:*.Contoso.example", "PR_PROFILE_CONNECT_FLAGS": "0x8001"})
	c, err := p.Connection(with(map[string]string{"RpcHttpProxyMap": "*=https://elsewhere,basic"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Profile != "work" || c.Server != personalised || c.Mailbox != "johnd" || c.Resolved {
		t.Errorf("names: %+v", c)
	}
	if c.Proxy.String() != "https://mail.contoso.example" || c.Source != "profile work" || !slices.Equal(c.HTTPAuth, []HTTPAuth{HTTPNTLM}) || c.RPCAuth != RPCWinNT {
		t.Errorf("way: %v from %s, %v, %v", c.Proxy, c.Source, c.HTTPAuth, c.RPCAuth)
	}
	if c.Certificate.Name != "*.contoso.example" || c.Certificate.Ignore || !c.IgnoreNoPF || c.ConnectFlags != ConnectUseAdminPrivilege|ConnectIgnoreNoPF || !c.Encrypt {
		t.Errorf("flags: %+v", c)
	}

	p = exchangeProfile(t, map[string]string{"PR_PROFILE_UNRESOLVED_NAME_A": "johnd", "PR_PROFILE_UNRESOLVED_SERVER_A": personalised,
		"PR_ROH_PROXY_SERVER": "outlook.office365.com", "PR_ROH_FLAGS": "3", "PR_ROH_PROXY_AUTH_SCHEME": "1", "PR_PROFILE_AUTH_PACKAGE": "0",
		"PR_PROFILE_AUTH_USER": "johnd@contoso.example", "PR_PROFILE_CONFIG_FLAGS": "0x580", "PR_PROFILE_BINDING_ORDER": "ncacn_http,NCACN_IP_TCP"})
	s, _ := p.Exchange()
	s.SetSecret(TagAuthPassword, "correct horse")
	c, err = p.Connection(settings.New())
	if err != nil {
		t.Fatal(err)
	}
	if c.User != "johnd@contoso.example" || c.Password != p.SecretName(s, TagAuthPassword) || !slices.Equal(c.HTTPAuth, []HTTPAuth{HTTPBasic}) || c.RPCAuth != RPCNone {
		t.Errorf("credentials: %+v", c)
	}
	if !c.Cached || !c.CachedPublic || len(c.Warnings) != 1 || !slices.Equal(c.BindingOrder, []string{"ncacn_http", "ncacn_ip_tcp"}) || c.Certificate.Name != "" {
		t.Errorf("flags: %+v", c)
	}
}

// One profile for 2013 and older servers: no proxy of its own, and a map for those that need one.
func TestStaticProfileWithMap(t *testing.T) {
	set := with(map[string]string{"RpcHttpProxyMap": oneEntry})
	p := exchangeProfile(t, map[string]string{"PR_PROFILE_HOME_SERVER": personalised, "PR_PROFILE_USER": "/o=Org/cn=johnd", "PR_PROFILE_UNRESOLVED_NAME": "x"})
	c, err := p.Connection(set)
	if err != nil || c.Proxy == nil || c.Proxy.Host != "mail.contoso.example" || !c.Resolved || c.Mailbox != "/o=Org/cn=johnd" || c.RPCAuth != RPCNone {
		t.Errorf("got %+v, %v", c, err)
	}
	p = exchangeProfile(t, map[string]string{"PR_PROFILE_UNRESOLVED_SERVER": "EXCH2010", "PR_PROFILE_UNRESOLVED_NAME": "x"})
	if c, err = p.Connection(set); err != nil || c.Proxy != nil || c.Source != "" || len(c.Searched) != 1 {
		t.Errorf("older server: %+v, %v", c, err)
	}
	p = exchangeProfile(t, map[string]string{"PR_PROFILE_USER_SMTP_EMAIL_ADDRESS": "=SMTP:john@contoso.example"})
	if c, err = p.Connection(set); err != nil || c.SMTP != "john@contoso.example" || c.Mailbox != c.SMTP || c.Server != "" || c.Proxy != nil {
		t.Errorf("address only: %+v, %v", c, err)
	}
}

func TestStaticConnectionErrors(t *testing.T) {
	empty, err := New("empty")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := empty.Connection(settings.New()); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("no Exchange service: %v", err)
	}
	for name, values := range map[string]map[string]string{
		"PR_PROFILE_UNRESOLVED_NAME":  {"PR_PROFILE_UNRESOLVED_SERVER": "s"},
		"PR_ROH_PROXY_SERVER":         {"PR_PROFILE_UNRESOLVED_NAME": "a", "PR_ROH_FLAGS": "1"},
		"PR_ROH_PROXY_AUTH_SCHEME":    {"PR_PROFILE_UNRESOLVED_NAME": "a", "PR_ROH_FLAGS": "1", "PR_ROH_PROXY_SERVER": "p", "PR_ROH_PROXY_AUTH_SCHEME": "64"},
		"PR_ROH_PROXY_PRINCIPAL_NAME": {"PR_PROFILE_UNRESOLVED_NAME": "a", "PR_ROH_FLAGS": "7", "PR_ROH_PROXY_SERVER": "p", "PR_ROH_PROXY_PRINCIPAL_NAME": "host"},
	} {
		_, err := exchangeProfile(t, values).Connection(settings.New())
		var bad *ValueError
		if !errors.As(err, &bad) || bad.Name != name || !strings.Contains(err.Error(), "profile work") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := exchangeProfile(t, map[string]string{"PR_PROFILE_UNRESOLVED_NAME": "a", "PR_ROH_FLAGS": "3", "PR_ROH_PROXY_SERVER": "https://p"}).Connection(settings.New()); err == nil {
		t.Error("a proxy with its scheme is taken")
	}
}

func TestVersions(t *testing.T) {
	for s, want := range map[string]Version{"15.20.1.0": {15, 20, 1, 0}, "6.5": {6, 5, 0, 0}, "12.0.6668.5000": {12, 0, 6668, 5000}} {
		if v, err := ParseVersion(s); err != nil || v != want {
			t.Errorf("%s: %v, %v", s, v, err)
		}
	}
	for _, s := range []string{"", "15", "1.2.3.4.5", "256.0", "1.256", "1.0.32768", "1.0.x", "-1.0", "1..0"} {
		if v, err := ParseVersion(s); err == nil {
			t.Errorf("%q is %v", s, v)
		}
	}
}
