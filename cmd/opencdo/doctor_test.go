package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/settings"
)

var update = flag.Bool("update", false, "write the doctor's words in docs/connecting.md anew")

// patient is a server that a doctor is sent to, and the settings of a user.
type patient struct {
	*bench
	host, address string
}

func newPatient(t *testing.T, change func(*exchangeserver.Config)) *patient {
	p := &patient{bench: newBench(t).withPassphrase()}
	users := []exchangetest.User{{Alias: "alice", Name: "Alice Adams"}, {Alias: "bob", Name: "Bob Builder"}, {Alias: "bobby", Name: "Bobby Blue"}}
	p.server = exchangetest.New(t, exchangetest.Options{Users: users, Config: change})
	p.host = strings.TrimPrefix(p.server.URL, "https://")
	p.certificate(p.host)
	p.file("password", exchangetest.Password+"\n")
	p.address = "exchange:alice@" + p.server.Mailbox(t, "alice").String() + "@" + p.server.Domain
	p.entry("ntlm,ntlm,false")
	return p
}

// entry sets RpcHttpProxyMap.
func (p *patient) entry(rest string) {
	p.set(settings.RpcHttpProxyMap, p.server.Domain+"=https://"+p.host+","+rest)
}

func (p *patient) set(name, value string) {
	p.Helper()
	p.ok("settings", "set", name, value)
}

// examine runs the doctor.
func (p *patient) examine(flags ...string) (code int, said string) {
	p.Helper()
	code, out, errs := p.run(append([]string{"doctor"}, flags...)...)
	if strings.Contains(out+errs, exchangetest.Password) {
		p.Errorf("the password is in\n%s%s", out, errs)
	}
	return code, out
}

// plain makes what differs from run to run the same. The names are those of the documentation.
func (p *patient) plain(s string) string {
	for _, r := range []struct{ pattern, with string }{
		{regexp.QuoteMeta(os.Getenv("OPENCDO_HOME")), "~/.config/opencdo"},
		{regexp.QuoteMeta(p.dir), "~"},
		{regexp.QuoteMeta(p.server.Mailbox(p, "alice").String()), "8d771abc-1ff9-41ce-9e53-fb02535b2470"},
		{regexp.QuoteMeta(p.host), "192.0.2.10:443"},
		{`localhost:\d+`, "localhost:443"},
		{`127\.0\.0\.1`, "192.0.2.10"},
		{`SHA-256: [0-9a-f]{64}`, "SHA-256: 5eb1…"},
		{`valid until \S+`, "valid until 2029-01-30"},
		{` on [0-9a-f.:\[\]]+:53:`, ":"},
		{`[0-9a-f]{32}-(alice|bob)`, "5ef454009dd21e4a9a992c1d5c62a164-$1"},
	} {
		s = regexp.MustCompile(r.pattern).ReplaceAllString(s, r.with)
	}
	return s
}

// failing is what the doctor said from the first failure on.
func failing(s string) string {
	if i := strings.Index(s, "FAIL"); i > 0 {
		return "...\n" + s[i:]
	}
	return s
}

// complaint is a case of docs/connecting.md.
type complaint struct {
	name    string // of the place in the page
	whole   bool   // shown with the steps before the failure
	server  func(*exchangeserver.Config)
	prepare func(p *patient) (flags []string)
	code    int
	says    string // what to set or do
}

func noMap(p *patient) []string {
	p.ok("settings", "unset", settings.RpcHttpProxyMap)
	return p.online(p.address)
}

var complaints = []complaint{
	{"all is well", true, nil, func(p *patient) []string { return p.online(p.address) }, exitOK, "The mailbox can be used."},
	{"no map", true, nil, noMap, exitNetwork, `opencdo settings set RpcHttpProxyMap "contoso.test=https://mail.contoso.test,ntlm,ntlm,false"`},
	{"no entry matches", false, nil, func(p *patient) []string {
		p.set(settings.RpcHttpProxyMap, "fabrikam.test=https://mail.fabrikam.test")
		return p.online(p.address)
	}, exitNetwork, "no entry of RpcHttpProxyMap"},
	{"old client", false, nil, func(p *patient) []string {
		p.set(settings.ClientVersion, "6.5")
		return p.online(p.address, "--transport", "rpchttp")
	}, exitLogon, `opencdo settings set "Ignore No PF" 1`},
	{"old client by profile", false, nil, func(p *patient) []string {
		p.set(settings.ClientVersion, "6.5")
		p.ok("profile", "create", "work", "--server", p.server.Mailbox(p, "alice").String()+"@contoso.test", "--mailbox", "alice", "--proxy", p.host,
			"--http-auth", "ntlm", "--default", "--user", "alice@contoso.test", "--set-password", "--password-file", filepath.Join(p.dir, "password"))
		return []string{"profile:", "--ca", filepath.Join(p.dir, "ca.pem"), "--transport", "rpchttp"}
	}, exitLogon, `opencdo profile edit "work" --ignore-no-pf`},
	{"no such name", false, nil, func(p *patient) []string {
		resolveNothing(p.T)
		p.set(settings.RpcHttpProxyMap, "contoso.test=https://mial.contoso.test")
		return p.online(p.address)
	}, exitNetwork, "Check the name"},
	{"nobody there", false, nil, func(p *patient) []string {
		p.set(settings.RpcHttpProxyMap, "contoso.test=https://127.0.0.1:1")
		return p.online(p.address)
	}, exitNetwork, "whether it is running"},
	{"certificate not trusted", false, nil, func(p *patient) []string { return p.online(p.address)[2:] }, exitCertificate, "--ca FILE"},
	{"certificate for another name", false, nil, func(p *patient) []string {
		_, port, _ := net.SplitHostPort(p.host)
		p.set(settings.RpcHttpProxyMap, "contoso.test=https://localhost:"+port)
		return p.online(p.address)
	}, exitCertificate, "a name that it is good for"},
	{"certificate not pinned", false, nil, func(p *patient) []string {
		p.set(settings.CertificatePins, strings.Repeat("00", 32))
		return p.online(p.address)
	}, exitCertificate, "Certificate Pins"},
	{"no way to authenticate", false, func(c *exchangeserver.Config) { c.Auth.Schemes = []string{"basic"} }, func(p *patient) []string { return p.online(p.address) },
		exitLogon, "offered: Basic"},
	{"no token", false, func(c *exchangeserver.Config) {
		c.Auth.Schemes = []string{"bearer"}
		c.Auth.Token = func(context.Context, string) (string, error) { return "", exchangeserver.ErrToken }
	}, func(p *patient) []string { return p.online(p.address) }, exitLogon, "offered: Bearer"},
	{"wrong password", false, nil, func(p *patient) []string {
		return append(p.online(p.address)[:2], "--password-file", p.file("wrong", "wrong\n"), p.address)
	}, exitLogon, "--password-file"},
	{"no password", false, nil, func(p *patient) []string { return append(p.online(p.address)[:2], p.address) }, exitLogon, "no password given"},
	{"no tickets", false, nil, func(p *patient) []string {
		return append(p.online(p.address)[:2], "--ccache", filepath.Join(p.dir, "krb5cc"), p.address)
	}, exitLogon, "kinit"},
	{"no such mailbox", false, nil, func(p *patient) []string {
		return p.online("--user", "alice", strings.Replace(p.address, ":alice@", ":alcie@", 1))
	}, exitNotFound, "resolve the mailbox"},
	{"several mailboxes", false, nil, func(p *patient) []string {
		return p.online("--user", "alice", strings.Replace(p.address, ":alice@", ":bo@", 1))
	}, exitAmbiguous, "give an SMTP address"},
	{"no right", false, nil, func(p *patient) []string {
		return p.online("--user", "alice", strings.Replace(p.address, ":alice@", ":bob@contoso.test@", 1))
	}, exitLogon, "FullAccess"},
	{"no endpoint mapper", false, nil, func(p *patient) []string {
		return p.online("exchange:alice@127.0.0.1", "--transport", "rpctcp", "--mapper-port", "1")
	}, exitNetwork, "endpoint mapper"},
	{"map misspelt", false, nil, func(p *patient) []string {
		s, err := settings.Load(os.Getenv("OPENCDO_HOME"))
		if err != nil {
			p.Fatal(err)
		}
		s.SetText(settings.Messaging, settings.RpcHttpProxyMap, "contoso.test=mail.contoso.test,ntlm")
		if err := s.Save(os.Getenv("OPENCDO_HOME")); err != nil {
			p.Fatal(err)
		}
		return p.online(p.address)
	}, exitFailure, "must begin with https://"},
}

// TestDoctor has the doctor name what is wrong and what to do, and docs/connecting.md show what it says.
func TestDoctor(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "connecting.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, c := range complaints {
		t.Run(c.name, func(t *testing.T) {
			p := newPatient(t, c.server)
			flags := c.prepare(p)
			code, said := p.examine(flags...)
			if code != c.code || !strings.Contains(said, c.says) {
				t.Errorf("exit code %d, want %d and %q\n%s", code, c.code, c.says, said)
			}
			shown := said
			if !c.whole {
				shown = failing(said)
			}
			page = shownIn(t, page, c.name, p.plain(shown)+fmt.Sprintf("(exit code %d)\n", code))
		})
	}
	if page == string(raw) {
		return
	}
	if !*update {
		t.Fatalf("docs/connecting.md doesn't show what the doctor says; write it anew: go test ./cmd/opencdo -run TestDoctor -update")
	}
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shownIn puts text into its place of a page: between a comment with its name and the next fence.
func shownIn(t *testing.T, page, name, text string) string {
	t.Helper()
	begin := "<!-- doctor: " + name + " -->\n```\n"
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Errorf("docs/connecting.md has no place for %q", name)
		return page
	}
	return before + begin + text + "```\n" + after
}

// resolveNothing makes a resolver that knows no name the system's, for a test.
func resolveNothing(t *testing.T) {
	system := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = system })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerNothing(server)
		return client, nil
	}}
}

// answerNothing answers DNS questions on a stream (RFC 7766, 8) with "no such name".
func answerNothing(c net.Conn) {
	defer c.Close()
	for {
		var length uint16
		if binary.Read(c, binary.BigEndian, &length) != nil {
			return
		}
		message := make([]byte, length)
		if _, err := io.ReadFull(c, message); err != nil || len(message) < 12 {
			return
		}
		question := message[12:]
		if i := strings.IndexByte(string(question), 0); i >= 0 && i+5 <= len(question) {
			question = question[:i+5]
		}
		answer := append([]byte{message[0], message[1], 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
		if binary.Write(c, binary.BigEndian, uint16(len(answer))) != nil {
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

func TestDoctorFacts(t *testing.T) {
	p := newPatient(t, nil)
	well := facts[diagnosis](p.bench, append([]string{"doctor"}, p.online(p.address)...)...)
	if !well.OK || well.Code != 0 || len(well.Steps) < 10 || well.Error != "" {
		t.Errorf("well: %+v", well)
	}
	code, said := p.examine(append(noMap(p), "--json")...)
	var ill diagnosis
	if err := json.Unmarshal([]byte(said), &ill); err != nil {
		t.Fatal(err)
	}
	last := ill.Steps[len(ill.Steps)-1]
	if code != exitNetwork || ill.OK || ill.Code != exitNetwork || last.OK || !strings.Contains(last.Do, "settings set RpcHttpProxyMap") || last.Do != ill.Do {
		t.Errorf("exit code %d, %+v", code, ill)
	}
	local := facts[diagnosis](p.bench, "doctor", p.mailbox("ada.db", false))
	if !local.OK || len(local.Steps) != 1 {
		t.Errorf("a file: %+v", local)
	}
}
