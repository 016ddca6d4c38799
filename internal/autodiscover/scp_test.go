package autodiscover

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
)

const (
	pointerGUID = "67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68"
	urlGUID     = "77378F46-2C66-4aa9-A6A6-3E7A48B19596"
)

func TestArrange(t *testing.T) {
	own := point{[]string{urlGUID, "Site=Paris"}, []string{"https://paris/"}}
	other := point{[]string{urlGUID, "site=Berlin"}, []string{"https://berlin/"}}
	both := point{[]string{urlGUID, "Site=Berlin", "Site=Paris"}, []string{"https://both/"}}
	free := point{[]string{strings.ToLower(urlGUID)}, []string{"https://free/"}}
	foreign := point{[]string{urlGUID, "Domain=fabrikam.test", "Site=Paris"}, []string{"https://fabrikam/"}}
	for _, test := range []struct {
		name, site              string
		points                  []point
		urls, instead, fallback []string
	}{
		{name: "sites", site: "PARIS", points: []point{other, free, own, foreign, both}, urls: []string{"https://paris/", "https://both/", "https://free/", "https://berlin/", "https://fabrikam/"}},
		{name: "no site", points: []point{other, free, own}, urls: []string{"https://free/", "https://berlin/", "https://paris/"}},
		{name: "twice the same", points: []point{free, free}, urls: []string{"https://free/"}},
		{name: "a pointer for the domain", points: []point{free, {[]string{pointerGUID, "Domain=Contoso.Test"}, []string{"LDAP://dc"}}}, urls: []string{"https://free/"}, instead: []string{"LDAP://dc"}},
		{name: "a pointer for another", points: []point{{[]string{pointerGUID, "Domain=fabrikam.test"}, []string{"LDAP://dc"}}}},
		{name: "a pointer for all", points: []point{{[]string{pointerGUID}, []string{"LDAP://dc"}}, free}, urls: []string{"https://free/"}, fallback: []string{"LDAP://dc"}},
		{name: "something else", points: []point{{[]string{"x"}, []string{"https://x/"}}, {}}},
	} {
		urls, instead, fallback := arrange(test.points, "contoso.test", test.site)
		if diff := cmp.Diff([][]string{test.urls, test.instead, test.fallback}, [][]string{urls, instead, fallback}); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// controller is a domain controller: it answers LDAP searches for service connection points, over TLS if it has a
// configuration.
type controller struct {
	points   []point
	tls      *tls.Config
	ldaps    bool
	only     string // a bind with this name is needed; empty: none
	flood    bool   // the answer to the search has no end
	mu       sync.Mutex
	binds    []string
	filter   string
	searched int
}

func (c *controller) serve(conn net.Conn) {
	defer conn.Close()
	if c.ldaps {
		conn = tls.Server(conn, c.tls)
	}
	bound := ""
	for {
		p, err := ber.ReadPacket(conn)
		if err != nil || len(p.Children) < 2 {
			return
		}
		id, op := p.Children[0].Value.(int64), p.Children[1]
		answer := func(op ber.Tag, code int64, children ...*ber.Packet) {
			m := ber.NewSequence("")
			m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
			r := ber.Encode(ber.ClassApplication, ber.TypeConstructed, op, nil, "")
			if children == nil {
				children = []*ber.Packet{
					ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""), octets(""), octets("")}
			}
			for _, child := range children {
				r.AppendChild(child)
			}
			m.AppendChild(r)
			conn.Write(m.Bytes())
		}
		switch op.Tag {
		case ldap.ApplicationExtendedRequest:
			if c.tls == nil || c.ldaps {
				answer(ldap.ApplicationExtendedResponse, ldap.LDAPResultProtocolError)
				continue
			}
			answer(ldap.ApplicationExtendedResponse, 0)
			conn = tls.Server(conn, c.tls)
		case ldap.ApplicationBindRequest:
			bound = op.Children[1].Value.(string)
			c.mu.Lock()
			c.binds = append(c.binds, bound+":"+op.Children[2].Data.String())
			c.mu.Unlock()
			answer(ldap.ApplicationBindResponse, 0)
		case ldap.ApplicationSearchRequest:
			base := op.Children[0].Value.(string)
			switch {
			case base == "":
				answer(ldap.ApplicationSearchResultEntry, 0, entry("", map[string][]string{"configurationNamingContext": {"CN=Configuration,DC=contoso,DC=test"}})...)
			case c.only != "" && bound != c.only:
				answer(ldap.ApplicationSearchResultDone, ldap.LDAPResultOperationsError) // as Active Directory says it
				continue
			default:
				c.mu.Lock()
				c.searched++
				c.filter, _ = ldap.DecompileFilter(op.Children[6])
				c.mu.Unlock()
				for i := 0; i < len(c.points) || c.flood; i++ {
					p := c.points[i%len(c.points)]
					answer(ldap.ApplicationSearchResultEntry, 0, entry(fmt.Sprintf("CN=%d,%s", i, base), map[string][]string{"keywords": p.keywords, "serviceBindingInformation": p.bindings})...)
				}
			}
			answer(ldap.ApplicationSearchResultDone, 0)
		case ldap.ApplicationUnbindRequest:
			return
		}
	}
}

func octets(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

func entry(dn string, attributes map[string][]string) []*ber.Packet {
	list := ber.NewSequence("")
	for name, values := range attributes {
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range values {
			set.AppendChild(octets(v))
		}
		a := ber.NewSequence("")
		a.AppendChild(octets(name))
		a.AppendChild(set)
		list.AppendChild(a)
	}
	return []*ber.Packet{octets(dn), list}
}

// TestDirectory asks controllers for the service.
func TestDirectory(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate, which is good for example.com
	defer web.Close()
	roots := web.Client().Transport.(*http.Transport).TLSClientConfig
	certificate := &tls.Config{Certificates: web.TLS.Certificates}
	points := func(urls ...string) []point { return []point{{[]string{urlGUID}, urls}} }
	cas := "POST https://cas.corp.test/autodiscover/autodiscover.xml"
	casURL := strings.TrimPrefix(cas, "POST ")
	for _, test := range []struct {
		name        string
		servers     []string
		controllers map[string]*controller // by address
		anonymous   bool
		asked       []string // of the web
		binds       []string // at all controllers
		wantErr     error
	}{
		{name: "TLS", servers: []string{"ldaps://example.com"}, controllers: map[string]*controller{"example.com:636": {points: points(casURL), tls: certificate, ldaps: true, only: "alice"}},
			asked: []string{cas, cas + " +"}, binds: []string{"alice:secret"}},
		{name: "TLS is started", servers: []string{"ldap://example.com"}, controllers: map[string]*controller{"example.com:389": {points: points(casURL), tls: certificate, only: "alice"}},
			asked: []string{cas, cas + " +"}, binds: []string{"alice:secret"}},
		{name: "a certificate of another", servers: []string{"ldap://dc.corp.test"}, controllers: map[string]*controller{"dc.corp.test:389": {points: points(casURL), tls: certificate}},
			wantErr: ErrUnreachable},
		{name: "without TLS, a foreign host", servers: []string{"ldap://dc.corp.test"}, controllers: map[string]*controller{"dc.corp.test:389": {points: points(casURL)}},
			wantErr: ErrUntrustedRedirect},
		{name: "without TLS, a host of the domain", servers: []string{"ldap://dc.corp.test"}, controllers: map[string]*controller{"dc.corp.test:389": {points: points("https://mail.contoso.test/autodiscover/autodiscover.xml")}},
			asked: []string{"POST https://mail.contoso.test/autodiscover/autodiscover.xml"}},
		{name: "without TLS, a bind is needed", servers: []string{"ldap://dc.corp.test"}, controllers: map[string]*controller{"dc.corp.test:389": {points: points(casURL), only: "alice"}},
			wantErr: ErrUnreachable},
		{name: "anonymous", servers: []string{"ldaps://example.com"}, anonymous: true, controllers: map[string]*controller{"example.com:636": {points: points(casURL), tls: certificate, ldaps: true}},
			asked: []string{cas, cas + " +"}},
		{name: "plain URL", servers: []string{"ldaps://example.com"}, controllers: map[string]*controller{"example.com:636": {points: points("http://cas.corp.test/autodiscover/autodiscover.xml"), tls: certificate, ldaps: true}},
			wantErr: ErrUntrustedRedirect},
		{name: "the first controller is down", servers: []string{"ldaps://down.corp.test", "ldaps://example.com"}, controllers: map[string]*controller{"example.com:636": {points: points(casURL), tls: certificate, ldaps: true}},
			asked: []string{cas, cas + " +"}},
		{name: "pointer of the domain", servers: []string{"ldaps://example.com"}, controllers: map[string]*controller{
			"example.com:636":    {points: []point{{[]string{pointerGUID, "Domain=contoso.test"}, []string{"LDAP://a.example.com:3268"}}, {[]string{urlGUID}, []string{"https://wrong/"}}}, tls: certificate, ldaps: true},
			"a.example.com:3268": {points: points(casURL), tls: certificate, only: "alice"}},
			asked: []string{cas, cas + " +"}, binds: []string{"alice:secret", "alice:secret"}},
		{name: "fallback pointer", servers: []string{"ldaps://example.com"}, controllers: map[string]*controller{
			"example.com:636":   {points: []point{{[]string{pointerGUID}, []string{"LDAP://a.example.com"}}}, tls: certificate, ldaps: true},
			"a.example.com:389": {points: points(casURL), tls: certificate}},
			asked: []string{cas, cas + " +"}},
		{name: "pointer from a controller without TLS", servers: []string{"ldap://dc.corp.test"}, controllers: map[string]*controller{
			"dc.corp.test:389": {points: []point{{[]string{pointerGUID, "Domain=contoso.test"}, []string{"LDAP://example.com"}}}},
			"example.com:389":  {points: points(casURL), tls: certificate}},
			wantErr: ErrUntrustedRedirect},
		{name: "pointers in a circle", servers: []string{"ldaps://example.com"}, controllers: map[string]*controller{
			"example.com:636": {points: []point{{[]string{pointerGUID, "Domain=contoso.test"}, []string{"ldaps://example.com"}}}, tls: certificate, ldaps: true}},
			wantErr: ErrUnreachable},
		{name: "no points", servers: []string{"ldaps://example.com"}, controllers: map[string]*controller{"example.com:636": {tls: certificate, ldaps: true}}, wantErr: ErrUnreachable},
		{name: "too much", servers: []string{"ldaps://example.com"}, controllers: map[string]*controller{"example.com:636": {points: points(strings.Repeat("x", 10000)), flood: true, tls: certificate, ldaps: true}}, wantErr: errReplySize},
		{name: "not a URL of a directory", servers: []string{"https://example.com"}, wantErr: ErrUnreachable},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := &internet{t: t, sites: map[string]http.HandlerFunc{cas: serve(settings()), "POST https://mail.contoso.test/autodiscover/autodiscover.xml": func(w http.ResponseWriter, r *http.Request) {
				(&Handler{Lookup: always(settings())}).ServeHTTP(w, r)
			}}}
			c := n.client()
			c.Directory = &Directory{Servers: test.servers, TLS: roots, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
				d := test.controllers[address]
				if d == nil {
					return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
				}
				here, there := net.Pipe()
				go d.serve(there)
				return here, nil
			}, Credentials: func(context.Context) (string, string, error) { return "alice", "secret", nil }}
			if test.anonymous {
				c.Directory.Credentials = nil
			}
			r, err := c.Discover(t.Context(), user)
			if test.asked != nil && !slices.Equal(n.asked, test.asked) {
				t.Errorf("asked %q, want %q", n.asked, test.asked)
			}
			var binds []string
			for _, d := range test.controllers {
				d.mu.Lock()
				binds = append(binds, d.binds...)
				if d.searched > 1 {
					t.Errorf("searched %d times", d.searched)
				}
				if d.searched > 0 && d.filter != "(&(objectClass=serviceConnectionPoint)(|(keywords="+strings.ToLower(pointerGUID)+")(keywords="+strings.ToLower(urlGUID)+")))" {
					t.Errorf("filter %s", d.filter)
				}
				d.mu.Unlock()
			}
			if test.binds != nil && !slices.Equal(binds, test.binds) {
				t.Errorf("binds %q, want %q", binds, test.binds)
			}
			if test.wantErr == nil {
				if err != nil || r.Step != StepSCP || r.LegacyDN != legacyDN {
					t.Fatalf("%+v, %v", r, err)
				}
				return
			}
			if !errors.Is(err, test.wantErr) {
				t.Errorf("error %v, want %v", err, test.wantErr)
			}
			for _, asked := range n.asked {
				if strings.Contains(asked, "corp.test") {
					t.Errorf("asked %s", asked)
				}
			}
		})
	}
}

// TestSilentDirectory has a controller that takes the connection and says nothing.
func TestSilentDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &internet{t: t, sites: map[string]http.HandlerFunc{onHost: serve(settings())}}
		c := n.client()
		c.Directory = &Directory{Servers: []string{"ldap://dc.corp.test"}, Dial: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				for b := make([]byte, 100); ; {
					if _, err := there.Read(b); err != nil {
						return
					}
				}
			}()
			return here, nil
		}}
		began := time.Now()
		r, err := c.Discover(t.Context(), user)
		if took := time.Since(began); err != nil || r.Step != StepHost || took > directoryTimeout {
			t.Errorf("%+v, %v after %v", r, err, took)
		}
	})
}
