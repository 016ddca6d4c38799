package profile

import (
	"errors"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

func TestParseInfo(t *testing.T) {
	const guid = "8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.example"
	for _, c := range []struct {
		in   string
		want Info
		ok   bool
	}{
		{guid + "\nadmin", Info{Server: guid, Mailbox: "admin"}, true},
		{"EXCH01\n/o=Org/ou=Site/cn=Recipients/cn=johnd", Info{Server: "EXCH01", Mailbox: "/o=Org/ou=Site/cn=Recipients/cn=johnd"}, true},
		{"srv\n john d", Info{Server: "srv", Mailbox: " john d"}, true}, // nothing is trimmed
		{"/o=Org/cn=Servers/cn=S\n\nanon", Info{Server: "/o=Org/cn=Servers/cn=S", Anonymous: true}, true},
		{"srv\r\nadmin", Info{}, false},
		{"srv\n", Info{}, false},
		{"srv", Info{}, false},
		{"", Info{}, false},
		{"\nadmin", Info{}, false},
		{"srv\nadmin\n", Info{}, false},
		{"srv\n\nguest", Info{}, false},
		{"srv\n\nanon\n", Info{}, false},
	} {
		got, err := ParseInfo(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("ParseInfo(%q) = %+v, %v", c.in, got, err)
		}
		if err != nil && !errors.Is(err, mapi.ErrInvalidParameter) {
			t.Errorf("ParseInfo(%q): %v isn't MAPI_E_INVALID_PARAMETER", c.in, err)
		}
		if err == nil && got.String() != c.in {
			t.Errorf("%q came back as %q", c.in, got.String())
		}
	}
}

func TestPersonalised(t *testing.T) {
	g, domain, ok := Personalised("8D771ABC-1ff9-41ce-9e53-fb02535b2470@contoso.example")
	if !ok || domain != "contoso.example" || g.String() != "8d771abc-1ff9-41ce-9e53-fb02535b2470" {
		t.Errorf("got %v, %q, %v", g, domain, ok)
	}
	for _, s := range []string{"mail.contoso.example", "alice@contoso.example", "8d771abc-1ff9-41ce-9e53-fb02535b2470", "8d771abc-1ff9-41ce-9e53-fb02535b2470@"} {
		if _, _, ok := Personalised(s); ok {
			t.Errorf("%q isn't a personalised server name", s)
		}
	}
}

// The worked examples are those of the written description of the value.
func TestProxyMap(t *testing.T) {
	const server = "8d771abc-1ff9-41ce-9e53-fb02535b2470@"
	two := "*.corp.example=https://mail.corp.example,negotiate,negotiate,false;*@lab.example=https://cas.lab.example,ntlm,ntlm,true"
	for _, c := range []struct {
		value, server string
		proxy, auth   string
		ignore        bool
	}{
		{"contoso.example=https://mail.contoso.example,ntlm,ntlm,false", server + "contoso.example", "https://mail.contoso.example", "ntlm", false},
		{"contoso.example=https://mail.contoso.example,ntlm,ntlm,false", "EXCH2010.old.example", "", "", false},
		{"contoso.example=https://mail.contoso.example,ntlm,ntlm,false", server + "notcontoso.example", "", "", false},
		{two, server + "lab.example", "https://cas.lab.example", "ntlm", true},
		{two, "mbx1.corp.example", "https://mail.corp.example", "negotiate", false},
		{"*=http://cas1,ntlm,none,false", "anything", "http://cas1", "ntlm", false},
		{" Contoso.Example = HTTPS://Mail:8443 , Basic ", server + "CONTOSO.example", "https://mail:8443", "basic", false},
		{"a=https://one,basic\nb=https://two", "B", "https://two", "ntlm", false},
		{"ex?h=https://one;exch=https://two", "exch", "https://one", "ntlm", false},
		{"", "x", "", "", false},
	} {
		m, err := ParseProxyMap(c.value)
		if err != nil {
			t.Errorf("%q: %v", c.value, err)
			continue
		}
		e, ok := m.Find(c.server)
		if ok != (c.proxy != "") {
			t.Errorf("%q for %q: found %v", c.value, c.server, ok)
			continue
		}
		if ok && (e.Proxy.String() != c.proxy || e.HTTPAuth != c.auth || e.IgnoreCertificate != c.ignore) {
			t.Errorf("%q for %q: %v %s %v", c.value, c.server, e.Proxy, e.HTTPAuth, e.IgnoreCertificate)
		}
	}
	for _, bad := range []string{"contoso.example=mail.contoso.example,ntlm,ntlm,false", "=https://x", "x", "x=https://", "x=https://h/path",
		"x=https://h,digest", "x=https://h,ntlm,kerberos", "x=https://h,ntlm,ntlm,maybe", "x=https://h,a,b,c,d", "x=https://u:p@h"} {
		if m, err := ParseProxyMap(bad); !errors.Is(err, mapi.ErrInvalidParameter) {
			t.Errorf("ParseProxyMap(%q) = %v, %v", bad, m, err)
		}
	}
}

func FuzzProxyMap(f *testing.F) {
	f.Add("*.corp.example=https://mail.corp.example,negotiate,negotiate,false;x=https://y", "a.corp.example")
	f.Fuzz(func(t *testing.T, value, server string) {
		if m, err := ParseProxyMap(value); err == nil {
			m.Find(server)
		}
	})
}
