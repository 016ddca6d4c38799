package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/mail"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/internal/vectors"
)

// peer is the server that the environment names; docs/interop.md tells the variables.
type peer struct {
	*bench
	url, user, password, ca string
}

func newPeer(t *testing.T) *peer {
	p := &peer{url: os.Getenv("OPENCDO_GROMOX_URL"), user: os.Getenv("OPENCDO_GROMOX_USER"),
		password: os.Getenv("OPENCDO_GROMOX_PASSWORD_FILE"), ca: os.Getenv("OPENCDO_GROMOX_CA")}
	if p.url == "" || p.user == "" || p.password == "" || p.ca == "" {
		t.Skip("SKIPPED: no server to test against; set OPENCDO_GROMOX_URL, OPENCDO_GROMOX_USER, OPENCDO_GROMOX_PASSWORD_FILE, OPENCDO_GROMOX_CA")
	}
	p.bench = newBench(t)
	return p
}

// online are the flags that the server needs, and more.
func (p *peer) online(args ...string) []string {
	return append([]string{"--ca", p.ca, "--password-file", p.password, "--quiet"}, args...)
}

// report runs a command, which must succeed, and reads what it says to programs.
func (p *peer) report(to any, args ...string) {
	p.Helper()
	if err := json.Unmarshal([]byte(p.ok(p.online(append(args, "--json")...)...)), to); err != nil {
		p.Fatalf("%v: %v", args, err)
	}
}

// copied is what commands that copy report.
type copied struct {
	Copied, Skipped, Failed int
	Proved                  bool
	DifferenceCount         int `json:"difference_count"`
	Added                   int
}

func (p *peer) items(store string) int {
	p.Helper()
	var who struct{ Items int }
	p.report(&who, "whoami", store)
	return who.Items
}

// enough is how many items the mailbox that is backed up should have.
const enough = 1000

// TestInteropBackUpAndRestore backs up a mailbox of the server and restores it into another. Both are named by the
// environment: OPENCDO_GROMOX_SOURCE, which is filled through OPENCDO_GROMOX_LMTP if it isn't, and OPENCDO_GROMOX_TARGET,
// which should be empty.
func TestInteropBackUpAndRestore(t *testing.T) {
	from, to := os.Getenv("OPENCDO_GROMOX_SOURCE"), os.Getenv("OPENCDO_GROMOX_TARGET")
	if from == "" || to == "" {
		t.Skip("SKIPPED: no mailboxes to back up and restore; set OPENCDO_GROMOX_SOURCE and OPENCDO_GROMOX_TARGET to their addresses")
	}
	p := newPeer(t)
	source, target := "exchange:"+from+"@"+p.url, "exchange:"+to+"@"+p.url
	p.fill(from, source)
	items := p.items(source)
	before := p.items(target)
	if before > 0 {
		t.Logf("%s HAS %d ITEMS: those it has already are not restored again", to, before)
	}
	if out := p.ok(p.online("ls", source+"//Inbox")...); strings.Count(out, "\n") < enough/2 {
		t.Errorf("the Inbox lists little:\n%s", out)
	}

	repo := filepath.Join(p.dir, "repo")
	var first, again, restored, restoredAgain copied
	p.report(&first, "backup", source, "--repo", repo)
	if first.Copied < items || first.Failed != 0 {
		t.Errorf("backed up %d of %d items: %+v", first.Copied, items, first)
	}
	t.Run("stock restic", func(t *testing.T) { checkWithRestic(t, repo) })

	p.report(&restored, "restore", "latest/"+from, "--repo", repo, "--to", target)
	if restored.Copied+restored.Skipped != first.Copied || before == 0 && restored.Copied < items || restored.Failed != 0 ||
		!restored.Proved || restored.DifferenceCount != 0 {
		t.Errorf("restored: %+v, of %d items backed up", restored, first.Copied)
	}
	if before == 0 {
		p.ok(p.online("diff", source, target)...)
	}
	p.report(&restoredAgain, "restore", "latest/"+from, "--repo", repo, "--to", target)
	if restoredAgain.Copied != 0 || restoredAgain.Skipped != first.Copied || restoredAgain.Failed != 0 {
		t.Errorf("restored again: %+v", restoredAgain)
	}
	p.report(&again, "backup", source, "--repo", repo)
	if again.Copied+again.Skipped != first.Copied || again.Failed != 0 || again.Added != 0 {
		t.Errorf("backed up again: %+v", again)
	}
	p.ok("verify", "--repo", repo, "--read-data")
	t.Run("msgconvert", func(t *testing.T) { p.checkWithMsgconvert(t, source) })
}

// fill delivers mail until there is enough.
func (p *peer) fill(address, store string) {
	p.Helper()
	have := p.items(store)
	if have >= enough {
		return
	}
	lmtp := os.Getenv("OPENCDO_GROMOX_LMTP")
	if lmtp == "" {
		p.Skipf("SKIPPED: %s has %d items; set OPENCDO_GROMOX_LMTP to the host:port that takes mail for it", address, have)
	}
	files, err := filepath.Glob(filepath.Join(vectors.Data(p), "eml", "*", "*.eml"))
	if err != nil || len(files) == 0 {
		p.Skip("SKIPPED: no .eml files to deliver; OPENCDO_DATA names their folder")
	}
	const spare = 50 // some are not kept, being answers that the server deals with
	for n := have; n < enough+spare; n++ {
		raw, err := os.ReadFile(files[n%len(files)])
		if err != nil {
			p.Fatal(err)
		}
		if err := deliver(lmtp, address, raw); err != nil {
			p.Fatalf("%s: %v", files[n%len(files)], err)
		}
	}
	// The server sorts them in on its own time.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	settled := 0
	for wait := 0; wait < 300 && settled < 10; wait++ {
		<-tick.C
		now := p.items(store)
		if settled++; now != have {
			have, settled = now, 0
		}
	}
	if have < enough {
		p.Fatalf("%s has only %d items", address, have)
	}
}

// deliver gives a message to a mail server (RFC 2033).
func deliver(server, recipient string, message []byte) error {
	conn, err := net.Dial("tcp", server)
	if err != nil {
		return err
	}
	defer conn.Close()
	c := textproto.NewConn(conn)
	if _, _, err := c.ReadResponse(220); err != nil {
		return err
	}
	for _, step := range []struct {
		code int
		text string
	}{{250, "LHLO localhost"}, {250, "MAIL FROM:<sender@contoso.test>"}, {250, "RCPT TO:<" + recipient + ">"}, {354, "DATA"}} {
		if err := c.PrintfLine("%s", step.text); err != nil {
			return err
		}
		if _, _, err := c.ReadResponse(step.code); err != nil {
			return fmt.Errorf("%s: %w", step.text, err)
		}
	}
	w := c.DotWriter()
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, _, err = c.ReadResponse(250)
	return err
}

func checkWithRestic(t *testing.T, repo string) {
	tool, err := exec.LookPath(cmp.Or(os.Getenv("OPENCDO_RESTIC"), "restic"))
	if err != nil {
		t.Skip("SKIPPED: no stock restic to check with; install it or name it in OPENCDO_RESTIC: ", err)
	}
	cmd := exec.Command(tool, "--no-cache", "-r", repo, "check", "--read-data")
	cmd.Env = os.Environ() // RESTIC_PASSWORD_FILE is set
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("no errors were found")) {
		t.Errorf("restic check: %v\n%s", err, out)
	}
}

// checkWithMsgconvert saves an item as a .msg file and has msgconvert make mail of it.
func (p *peer) checkWithMsgconvert(t *testing.T, source string) {
	tool, err := exec.LookPath("msgconvert")
	if err != nil {
		t.Skip("SKIPPED: no msgconvert (Debian: libemail-outlook-message-perl)")
	}
	var list []struct {
		Index          int
		Subject, Class string
	}
	p.report(&list, "ls", source+"//Inbox")
	checked := 0
	for i := 0; i < len(list) && checked < 3; i += 7 {
		if list[i].Subject == "" || list[i].Class != "IPM.Note" {
			continue
		}
		checked++
		dir := filepath.Join(p.dir, fmt.Sprint("item ", i))
		p.ok(p.online("cp", fmt.Sprintf("%s//Inbox/#%d", source, list[i].Index), "msg:"+dir)...)
		files, _ := filepath.Glob(filepath.Join(dir, "*.msg"))
		if len(files) != 1 {
			t.Fatalf("%d files were written", len(files))
		}
		out, err := exec.Command(tool, "--outfile", "-", files[0]).Output()
		if err != nil {
			t.Fatalf("msgconvert: %v", err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("what msgconvert made: %v", err)
		}
		got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(list[i].Subject), " ") {
			t.Errorf("msgconvert finds the subject %q, want %q (%v)", got, list[i].Subject, err)
		}
	}
	if checked == 0 {
		t.Error("no mail with a subject")
	}
}

// personalised asks Autodiscover for the personalised server name of the user's mailbox.
func (p *peer) personalised() string {
	p.Helper()
	pem, err := os.ReadFile(p.ca)
	if err != nil {
		p.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	password, err := os.ReadFile(p.password)
	if err != nil {
		p.Fatal(err)
	}
	d := autodiscover.Client{HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
		Authorize: func(r *http.Request) error {
			r.SetBasicAuth(p.user, strings.TrimSpace(string(password)))
			return nil
		}}
	found, err := d.Discover(p.Context(), p.user, p.url)
	if err != nil {
		p.Fatal(err)
	}
	if found.Server == "" || !strings.Contains(found.Server, "@") {
		p.Fatalf("the server's personalised name is %q", found.Server)
	}
	return found.Server
}

// mapped notes in the settings how the server is reached.
func (p *peer) mapped(domain, way string) {
	p.Helper()
	home := os.Getenv("OPENCDO_HOME")
	s, err := settings.Load(home)
	if err != nil {
		p.Fatal(err)
	}
	s.SetText(settings.Messaging, settings.RpcHttpProxyMap, domain+"="+way)
	if err := s.Save(home); err != nil {
		p.Fatal(err)
	}
}

// TestInteropDynamicProfile logs on as MAPI/CDO did: alias, personalised server name, RpcHttpProxyMap.
func TestInteropDynamicProfile(t *testing.T) {
	p := newPeer(t)
	alias, domain, _ := strings.Cut(p.user, "@")
	server := p.personalised()
	address := "exchange:" + alias + "@" + server

	p.fails(exitNetwork, settings.RpcHttpProxyMap, p.online("whoami", address)...)
	base, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	p.mapped(domain, "https://"+base.Host+",basic,none,false")
	var who struct{ Owner string }
	for _, mailbox := range []string{alias, p.user, strings.ToUpper(p.user)} {
		p.report(&who, "--user", p.user, "whoami", "exchange:"+mailbox+"@"+server)
		if who.Owner == "" {
			t.Errorf("%s: no owner", mailbox)
		}
	}
	p.report(&who, "whoami", address) // the user is who owns the mailbox
	if out := p.ok(p.online("addresses", address, alias)...); !strings.Contains(out, p.user) {
		t.Errorf("addresses: %s", out)
	}

	flags := []string{"--password-file", p.password, "--quiet"}
	wrong := p.file("wrong", "not the password\n")
	p.fails(exitLogon, "password", "--ca", p.ca, "--password-file", wrong, "--quiet", "whoami", address)
	p.fails(exitCertificate, "--ca", append(flags, "whoami", address)...)
	p.fails(exitNotFound, "nobody-of-this-name", p.online("--user", p.user, "whoami", "exchange:nobody-of-this-name@"+server)...)
	p.fails(exitAmbiguous, alias, p.online("--user", p.user, "whoami", "exchange:"+domain[:5]+"@"+server)...)
	p.fails(exitNetwork, settings.RpcHttpProxyMap, p.online("whoami", strings.Replace(address, domain, "elsewhere.test", 1))...)
	p.mapped(domain, "https://127.0.0.1:1,basic,none,false")
	p.fails(exitNetwork, "", p.online("whoami", address)...)

	// The map may say that the certificate doesn't matter; that is told each time.
	p.mapped(domain, "https://"+base.Host+",basic,none,true")
	code, _, errs := p.run(append(flags, "whoami", address)...)
	if code != exitOK || !strings.Contains(errs, "certificate") {
		t.Errorf("an unchecked certificate: exit code %d\n%s", code, errs)
	}
}

// TestInteropExitCodes asks for what a server refuses, by Autodiscover.
func TestInteropExitCodes(t *testing.T) {
	p := newPeer(t)
	address := "exchange:" + p.user + "@" + p.url
	p.ok(p.online("whoami", address)...)
	p.fails(exitLogon, "password", "--ca", p.ca, "--password-file", p.file("wrong", "not the password\n"), "whoami", address)
	p.fails(exitCertificate, "--ca", "--password-file", p.password, "whoami", address)
	p.fails(exitNotFound, "nobody-of-this-name", p.online("--user", p.user, "whoami", "exchange:nobody-of-this-name@"+p.url)...)
	p.fails(exitNetwork, "", p.online("whoami", "exchange:"+p.user+"@https://127.0.0.1:1")...)
	p.fails(exitNetwork, "", p.online("whoami", "exchange:"+p.user+"@no-such-host.invalid")...)
}
