package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// bench is a place to run the command in: files, and a server with mailboxes.
type bench struct {
	*testing.T
	dir    string
	server *exchangetest.Server
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, dir: t.TempDir()}
	t.Setenv("OPENCDO_HOME", filepath.Join(b.dir, "home"))
	t.Setenv("RESTIC_PASSWORD_FILE", b.file("repo-password", "correct horse\n"))
	return b
}

// file writes a file and gives its name.
func (b *bench) file(name, content string) string {
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// run runs the command and gives its exit code and what it printed.
func (b *bench) run(args ...string) (code int, stdout, stderr string) {
	b.Helper()
	var out, errs bytes.Buffer
	code = run(b.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// ok runs the command, which must succeed.
func (b *bench) ok(args ...string) string {
	b.Helper()
	code, out, errs := b.run(args...)
	if code != exitOK {
		b.Fatalf("opencdo %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// fails runs the command, which must end with a code and say something.
func (b *bench) fails(code int, says string, args ...string) {
	b.Helper()
	got, out, errs := b.run(args...)
	if got != code || !strings.Contains(errs, says) {
		b.Errorf("opencdo %s: exit code %d, want %d and %q\n%s%s", strings.Join(args, " "), got, code, says, out, errs)
	}
}

// mailbox makes an embedded store file with sample items and gives its address.
func (b *bench) mailbox(name string, samples bool) string {
	b.Helper()
	ctx := b.Context()
	path := filepath.Join(b.dir, name)
	st, err := localstore.Create(ctx, path, localstore.Options{Owner: "Ada Example", SMTP: "ada@contoso.test"})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	if samples {
		fill(b.T, st)
	}
	return "local:" + path
}

func fill(t *testing.T, st mapi.Store) {
	ctx := t.Context()
	for _, s := range storetest.SampleItems() {
		id, err := st.Special(ctx, s.Role)
		if err != nil {
			t.Fatal(err)
		}
		f, err := st.Folder(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mapi.WriteItem(ctx, f, s.Kind, s.Item); err != nil {
			t.Fatal(s.Name, err)
		}
	}
}

// serve starts a server with a map entry for it, and gives the address of anna's mailbox by dynamic profile.
func (b *bench) serve() (address string) { return b.serveWith(nil) }

func (b *bench) serveWith(change func(*exchangeserver.Config)) (address string) {
	b.start(exchangetest.Options{Config: change, Users: []exchangetest.User{{Alias: "anna", Name: "Anna Schmidt"}, {Alias: "annabel", Name: "Annabel Jones"}}})
	return "exchange:anna@" + b.server.Mailbox(b, "anna").String() + "@" + b.server.Domain
}

// start starts a server with a map entry for it.
func (b *bench) start(o exchangetest.Options) {
	b.Helper()
	b.server = exchangetest.New(b, o)
	host := strings.TrimPrefix(b.server.URL, "https://")
	b.certificate(host)
	b.file("password", exchangetest.Password+"\n")
	home := os.Getenv("OPENCDO_HOME")
	s, err := settings.Load(home)
	if err != nil {
		b.Fatal(err)
	}
	s.SetText(settings.Messaging, settings.RpcHttpProxyMap, b.server.Domain+"=https://"+host+",basic,none,false")
	if err := s.Save(home); err != nil {
		b.Fatal(err)
	}
}

// certificate keeps the certificate of a server, which is to be trusted.
func (b *bench) certificate(host string) {
	b.Helper()
	c, err := tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.file("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ConnectionState().PeerCertificates[0].Raw})))
}

// online are the flags that a server needs.
func (b *bench) online(args ...string) []string {
	return append([]string{"--ca", filepath.Join(b.dir, "ca.pem"), "--password-file", filepath.Join(b.dir, "password")}, args...)
}

func TestBackUpLoseRecover(t *testing.T) {
	b := newBench(t)
	address := b.serve()
	source := b.mailbox("ada.db", true)
	repo := filepath.Join(b.dir, "repo")

	b.ok("backup", source, "--repo", repo, "--name", "ada@contoso.test")
	b.ok("diff", source, "snapshot:"+repo+"#latest/ada@contoso.test")
	b.ok("verify", "--repo", repo, "--read-data")

	b.ok(b.online("restore", "latest/ada@contoso.test", "--repo", repo, "--to", address)...)
	b.ok(b.online("diff", source, address)...)

	// Restoring again must find everything in its place.
	var again struct{ Copied, Skipped, Failed int }
	if err := json.Unmarshal([]byte(b.ok(b.online("restore", "latest/ada@contoso.test", "--repo", repo, "--to", address, "--json")...)), &again); err != nil {
		t.Fatal(err)
	}
	if again.Copied != 0 || again.Skipped != len(storetest.SampleItems()) || again.Failed != 0 {
		t.Errorf("restored again: %+v", again)
	}

	// A single item, into a folder that isn't there yet.
	b.ok(b.online("restore", "latest/ada@contoso.test//Inbox/#1", "--repo", repo, "--to", address+"//Rescued/Today")...)
	if out := b.ok(b.online("ls", address+"//Rescued/Today", "--json")...); strings.Count(out, `"index"`) != 1 {
		t.Errorf("one item restored:\n%s", out)
	}
	b.fails(exitIncomplete, "differ", b.online("diff", source, address)...)
}

func TestFactsForPrograms(t *testing.T) {
	b := newBench(t)
	source := b.mailbox("ada.db", true)
	repo := filepath.Join(b.dir, "repo")
	for _, c := range []struct {
		args []string
		keys []string
	}{
		{[]string{"whoami", source}, []string{"store", "name", "owner", "folders", "items", "unread"}},
		{[]string{"show", source + "//Inbox/#1"}, []string{"properties"}},
		{[]string{"show", source + "//Inbox"}, []string{"properties"}},
		{[]string{"backup", source, "--repo", repo}, []string{"snapshot", "copied", "failed", "added", "stored"}},
		{[]string{"verify", "--repo", repo}, []string{"snapshots", "faults"}},
		{[]string{"diff", source, source}, []string{"folders", "items", "equal", "differences"}},
		{[]string{"cp", source, "msg:" + filepath.Join(b.dir, "out")}, []string{"copied", "skipped", "failed"}},
	} {
		var facts map[string]any
		if err := json.Unmarshal([]byte(b.ok(append(c.args, "--json")...)), &facts); err != nil {
			t.Errorf("%v: %v", c.args, err)
		}
		for _, k := range c.keys {
			if _, ok := facts[k]; !ok {
				t.Errorf("%v: no %q", c.args, k)
			}
		}
	}
	for _, args := range [][]string{{"tree", source}, {"ls", source + "//Inbox"}, {"snapshots", "--repo", repo}} {
		var list []map[string]any
		if err := json.Unmarshal([]byte(b.ok(append(args, "--json")...)), &list); err != nil || len(list) == 0 {
			t.Errorf("%v: %d facts, %v", args, len(list), err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	b := newBench(t)
	source := b.mailbox("ada.db", true)
	repo := filepath.Join(b.dir, "repo")
	b.ok("backup", source, "--repo", repo, "--name", "ada")

	b.fails(exitUsage, "", "whoami")
	b.fails(exitUsage, "", "nonsense")
	b.fails(exitUsage, "kind of store", "whoami", "imap:x")
	b.fails(exitNotFound, "", "whoami", "local:"+filepath.Join(b.dir, "none.db"))
	b.fails(exitNotFound, "", "ls", "msg:"+filepath.Join(b.dir, "none"))
	b.fails(exitNotFound, "", "ls", source+"//No/Such/Folder")
	b.fails(exitNotFound, "", "show", source+"//Inbox/#9999")
	b.fails(exitNotFound, "", "snapshots", "--repo", filepath.Join(b.dir, "none"))
	b.fails(exitNotFound, "snapshot", "ls", "snapshot:"+repo+"#latest/nobody")
	b.fails(exitRepoSecret, "RESTIC_PASSWORD_FILE", "snapshots", "--repo", repo, "--repo-password-file", b.file("wrong", "battery staple\n"))
	b.fails(exitDamaged, "", "whoami", "local:"+b.file("broken.db", strings.Repeat("no store ", 1000)))
	if code, out, _ := b.run("--help"); code != exitOK || !strings.Contains(out, "restore") {
		t.Errorf("help: exit code %d\n%s", code, out)
	}
}

func TestExitCodesOfServers(t *testing.T) {
	b := newBench(t)
	address := b.serve()
	guid := strings.TrimPrefix(address, "exchange:anna@")
	b.ok(b.online("whoami", address)...)
	b.ok(b.online("whoami", "exchange:", "--mailbox", "anna", "--server", guid)...)
	b.fails(exitUsage, "--server", b.online("whoami", "exchange:")...)
	if out := b.ok(b.online("addresses", address, "annabel")...); !strings.Contains(out, "Annabel Jones") {
		t.Errorf("addresses: %s", out)
	}
	wrong := b.file("wrong", "wrong\n")
	b.fails(exitLogon, "password", "--ca", filepath.Join(b.dir, "ca.pem"), "--password-file", wrong, "whoami", address)
	b.fails(exitCertificate, "--ca", "--password-file", filepath.Join(b.dir, "password"), "whoami", address)
	b.fails(exitNotFound, "nobody", b.online("--user", "anna", "whoami", "exchange:nobody@"+guid)...)
	b.fails(exitAmbiguous, "Annabel", b.online("--user", "anna", "whoami", "exchange:ann@"+guid)...)
	b.fails(exitNetwork, settings.RpcHttpProxyMap, b.online("whoami", "exchange:anna@"+strings.Replace(guid, b.server.Domain, "elsewhere.test", 1))...)
	b.fails(exitNetwork, "", b.online("--user", "anna", "whoami", "exchange:anna@https://127.0.0.1:1")...)
}

// TestDamagedRepository breaks a pack: what is damaged is named, and everything else can still be read.
func TestDamagedRepository(t *testing.T) {
	b := newBench(t)
	source := b.mailbox("ada.db", true)
	repo := filepath.Join(b.dir, "repo")
	b.ok("backup", source, "--repo", repo, "--name", "ada")
	packs, err := filepath.Glob(filepath.Join(repo, "data", "*", "*"))
	if err != nil || len(packs) == 0 {
		t.Fatalf("%d packs, %v", len(packs), err)
	}
	for _, pack := range packs {
		data, err := os.ReadFile(pack)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 0xFF
		if err := os.Chmod(pack, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pack, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.fails(exitDamaged, filepath.Base(repo), "verify", "--repo", repo, "--read-data")
}
