package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/profile"
)

const personalised = "8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.test"

func TestProfileCommand(t *testing.T) {
	b := newBench(t).withPassphrase()
	b.ok("profile", "create", "work", "--server", personalised, "--mailbox", "alice", "--proxy", "mail.contoso.test", "--http-auth", "negotiate", "--default",
		"--user", "alice@contoso.test", "--set-password", "--password-file", b.file("pw", "correct battery\n"))
	b.fails(exitFailure, "there is a profile", "profile", "create", "WORK")
	file := filepath.Join(os.Getenv("OPENCDO_HOME"), "profiles", "work.json")
	if raw, err := os.ReadFile(file); err != nil || strings.Contains(string(raw), "battery") {
		t.Errorf("%v\n%s", err, raw)
	}
	got := facts[profileFacts](b, "profile", "show", "work")
	if got.Name != "work" || !got.Default || len(got.Services) != 1 || got.Services[0].Name != "MSEMS" || len(got.Services[0].Providers) != 3 {
		t.Errorf("show: %+v", got)
	}
	i := slices.IndexFunc(got.Sections, func(s sectionFacts) bool { return s.Kind == profile.PlaceExchange })
	if i < 0 || !slices.ContainsFunc(got.Sections[i].Properties, func(p profilePropertyFacts) bool {
		return p.Name == "PR_PROFILE_AUTH_PASSWORD" && p.Secret && p.Value == nil
	}) {
		t.Errorf("sections: %+v", got.Sections)
	}
	c := facts[connectionFacts](b, "profile", "show", "--resolve")
	if c.Profile != "work" || c.Server != personalised || c.Mailbox != "alice" || c.Proxy != "https://mail.contoso.test" || c.User != "alice@contoso.test" ||
		c.Password == "" || !slices.Equal(c.HTTPAuth, []profile.HTTPAuth{profile.HTTPNegotiate}) {
		t.Errorf("connection: %+v", c)
	}

	b.ok("profile", "edit", "work", "--set", "PR_PROFILE_CONNECT_FLAGS=0x8001", "--set", "PR_PROFILE_BINDING_ORDER=ncacn_http,ncacn_ip_tcp", "--principal", "*.contoso.test", "--no-tls")
	c = facts[connectionFacts](b, "profile", "show", "work", "--resolve")
	if c.ConnectFlags != "CONNECT_USE_ADMIN_PRIVILEGE|CONNECT_IGNORE_NO_PF" || !c.IgnoreNoPF || c.Proxy != "http://mail.contoso.test" || !strings.Contains(c.Certificate, "*.contoso.test") {
		t.Errorf("edited: %+v", c)
	}
	b.ok("profile", "edit", "work", "--unset", "PR_ROH_FLAGS", "--remove-password")
	b.fails(exitNetwork, "RpcHttpProxyMap", "profile", "show", "work", "--resolve") // no proxy any more
	b.ok("settings", "set", "RpcHttpProxyMap", "contoso.test=https://cas.contoso.test,basic,none,true")
	c = facts[connectionFacts](b, "profile", "show", "work", "--resolve")
	if c.Proxy != "https://cas.contoso.test" || c.Password != "" || c.Certificate != "any" {
		t.Errorf("by the map: %+v", c)
	}
	dynamic := facts[connectionFacts](b, "profile", "show", "--server", personalised, "--mailbox", "bob", "--resolve")
	if dynamic.Profile != "" || dynamic.Mailbox != "bob" || dynamic.Proxy != c.Proxy {
		t.Errorf("dynamic: %+v", dynamic)
	}

	b.ok("profile", "create", "archive", "--pst", "2019.pst")
	b.ok("profile", "copy", "work", "travel")
	b.ok("profile", "rename", "work", "office")
	list := facts[[]struct {
		Name    string
		Default bool
	}](b, "profile", "list")
	if len(list) != 3 || list[0].Name != "archive" || list[1].Name != "office" || !list[1].Default || list[2].Default {
		t.Errorf("list: %+v", list)
	}
	b.ok("profile", "remove", "office")
	b.fails(exitNotFound, "there is none", "profile", "default")
	b.ok("profile", "default", "travel")
	if out := strings.TrimSpace(b.ok("profile", "default")); out != "travel" {
		t.Errorf("default %q", out)
	}
	b.ok("profile", "default", "--none")
	service := facts[profileFacts](b, "profile", "show", "archive").Services[0].UID
	b.ok("profile", "edit", "archive", "--remove-service", service)
	if left := facts[profileFacts](b, "profile", "show", "archive"); len(left.Services) != 0 || len(left.Sections) != 1 {
		t.Errorf("left: %+v", left)
	}
}

func TestProfileExitCodes(t *testing.T) {
	b := newBench(t).withPassphrase()
	b.ok("profile", "create", "p")
	for _, args := range [][]string{{"show", "none"}, {"edit", "none"}, {"copy", "none", "x"}, {"rename", "none", "x"}, {"remove", "none"}, {"default", "none"}, {"import", "none.prf"}} {
		b.fails(exitNotFound, "none", append([]string{"profile"}, args...)...)
	}
	b.fails(exitUsage, "blank", "profile", "create", " x")
	b.fails(exitUsage, "MSEMS", "profile", "edit", "p", "--proxy", "x")
	b.ok("profile", "edit", "p", "--service", "MSEMS")
	b.fails(exitUsage, "PROPERTY=VALUE", "profile", "edit", "p", "--set", "PR_ROH_FLAGS")
	b.fails(exitUsage, "no such property", "profile", "edit", "p", "--set", "PR_NONSENSE=1")
	b.fails(exitUsage, "number", "profile", "edit", "p", "--set", "PR_ROH_FLAGS=x")
	b.fails(exitUsage, "arguments", "profile", "edit", "p", "--set", "PR_PROFILE_AUTH_PASSWORD=00")
	b.fails(exitUsage, "--http-auth", "profile", "edit", "p", "--http-auth", "kerberos")
	b.fails(exitNotFound, "PR_ROH_FLAGS", "profile", "edit", "p", "--unset", "PR_ROH_FLAGS")
	b.fails(exitFailure, "there is no mailbox", "profile", "show", "p", "--resolve")
	b.fails(exitUsage, "default", "profile", "show")
	if err := os.WriteFile(filepath.Join(os.Getenv("OPENCDO_HOME"), "profiles", "q.json"), []byte("{\n,"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.fails(exitDamaged, "q.json, line 2", "profile", "show", "q")
	b.fails(exitIncomplete, "q.json, line 2", "profile", "list")
}

const exchangePRF = `[General]
ProfileName=Imported
OverwriteProfile=No
[Service List]
ServiceEGS=Exchange Global Section
Service1=Microsoft Exchange Server
[ServiceEGS]
RPCoverHTTPflags=0x3
RPCProxyServer=mail.contoso.test
RPCProxyAuthScheme=1
MailboxName=alice
HomeServer=EX1
[Service1]
MailboxName=alice
HomeServer=EX1
Mystery=1
[Microsoft Exchange Server]
ServiceName=MSEMS
MailboxName=PT_STRING8,0x6607
HomeServer=PT_STRING8,0x6608
[Exchange Global Section]
SectionGUID=13dbb0c8aa05101a9bb000aa002fc45a
MailboxName=PT_STRING8,0x6607
HomeServer=PT_STRING8,0x6608
RPCoverHTTPflags=PT_LONG,0x6623
RPCProxyServer=PT_UNICODE,0x6622
RPCProxyAuthScheme=PT_LONG,0x6627
`

func TestProfileImport(t *testing.T) {
	b := newBench(t).withPassphrase()
	prf := b.file("x.prf", exchangePRF)
	b.fails(exitIncomplete, "x.prf, line 16", "profile", "import", prf) // the option Mystery
	c := facts[connectionFacts](b, "profile", "show", "Imported", "--resolve")
	if c.Mailbox != "alice" || c.Server != "EX1" || c.Proxy != "https://mail.contoso.test" {
		t.Errorf("got %+v", c)
	}
	prf = b.file("x.prf", strings.Replace(exchangePRF, "Mystery=1\n", "", 1))
	b.fails(exitFailure, "--overwrite", "profile", "import", prf)
	b.ok("profile", "import", prf, "--overwrite")
	imported := facts[[]importedFacts](b, "profile", "import", prf, "--name", "Other")
	if len(imported) != 1 || imported[0].Name != "Other" || !imported[0].Default || !slices.Equal(imported[0].Services, []string{"MSEMS"}) {
		t.Errorf("imported %+v", imported)
	}
	b.ok("profile", "import", b.file("x.prf", strings.NewReplacer("Mystery=1\n", "", "Profile=No", "Profile=Append").Replace(exchangePRF)), "--name", "Other")
	if got := facts[profileFacts](b, "profile", "show", "Other"); len(got.Services) != 2 {
		t.Errorf("appended: %+v", got.Services)
	}
	b.fails(exitDamaged, "bad.prf, line 1", "profile", "import", b.file("bad.prf", "[Service List]\n"))
	b.fails(exitDamaged, "no.reg, line 1", "profile", "import", b.file("no.reg", "REGEDIT4\n"))
	reg := b.file("x.reg", "REGEDIT4\n\n[HKEY_CURRENT_USER\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem\\Profiles]\n\"DefaultProfile\"=\"Old\"\n"+
		"[HKEY_CURRENT_USER\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem\\Profiles\\Old\\13dbb0c8aa05101a9bb000aa002fc45a]\n"+
		"\"001e6607\"=hex:61,6e,6e,61,00\n\"001e6608\"=hex:45,58,32,00\n")
	b.ok("profile", "import", reg)
	if c := facts[connectionFacts](b, "profile", "show", "old", "--resolve"); c.Mailbox != "anna" || c.Server != "EX2" {
		t.Errorf("got %+v", c)
	}
	if out := strings.TrimSpace(b.ok("profile", "default")); out != "Other" {
		t.Errorf("an imported .reg file changed the default profile: %q", out)
	}
}
