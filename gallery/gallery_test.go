//go:build !windows

// Package gallery runs old scripts, one for each kind of thing that people did with CDO, against the COM server and an
// Exchange-compatible server.
package gallery

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/comserver/winetest"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/internal/settings/home"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// Scripts that -short runs, and scripts that run in the 32-bit host too.
var (
	short = regexp.MustCompile(`^(03|05|08)-`)
	in32  = regexp.MustCompile(`^(03|12|26)-`)
)

// scriptHostTries is for Wine's cscript, which on a busy machine now and then ends before the first line of its script, when
// nothing was asked of COM yet.
const scriptHostTries = 3

// TestScripts runs all scripts, in their order, against one server. A script gets the server's name as its argument; what it
// prints has to be what stands in the .txt beside it.
func TestScripts(t *testing.T) {
	w := newWorld(t)
	scripts, err := filepath.Glob("*.vbs")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, wide := range []bool{true, false} {
		t.Run(map[bool]string{true: "64 bits", false: "32 bits"}[wide], func(t *testing.T) {
			if !wide && !w.prefix.Has32 {
				t.Skip("SKIPPED: no 32-bit Wine (package wine32), so no script runs in the 32-bit host")
			}
			for _, name := range scripts {
				if testing.Short() && !short.MatchString(name) || !wide && !in32.MatchString(name) {
					continue
				}
				t.Run(strings.TrimSuffix(name, ".vbs"), func(t *testing.T) { w.check(t, wide, name) })
			}
		})
	}
}

// world is a Windows with the COM server, and a mail server that it knows.
type world struct {
	prefix *winetest.Prefix
	server string // as scripts name it
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Setenv("TZ", "UTC")
	t.Setenv("LC_ALL", "C.UTF-8") // how scripts print dates and numbers
	w := &world{prefix: winetest.New(t)}
	srv := exchangetest.New(t, exchangetest.Options{
		Users: []exchangetest.User{
			{Alias: "admin", Name: "Administrator", Admin: true}, {Alias: "anna", Name: "Anna Schmidt"},
			{Alias: "bob", Name: "Bob Builder"}, {Alias: "room", Name: "Room 101"},
		},
		Seed: map[string]func(context.Context, mapi.Store) error{"anna": annaMail},
	})
	w.server = srv.Mailbox(t, "admin").String() + "@" + srv.Domain
	w.settings(t, srv)
	program := w.prefix.Build(t, "amd64", "opencdo-com.exe", "build", "../cmd/opencdo-com")
	w.prefix.Run(t, program, "/regserver")
	t.Cleanup(func() { w.prefix.Run(t, program, "/unregserver") })
	return w
}

// settings makes what whoever moves an old program makes once: the route to the server, and the passwords, in the encrypted
// file.
func (w *world) settings(t *testing.T, srv *exchangetest.Server) {
	t.Helper()
	const folder, passphrase, log = `C:\opencdo`, `C:\passphrase\phrase.txt`, `C:\opencdo-com.log`
	host := strings.TrimPrefix(srv.URL, "https://")
	s := settings.New()
	s.SetText(settings.Messaging, settings.RpcHttpProxyMap, srv.Domain+"="+srv.URL+",basic,none,false")
	s.SetNumber(settings.CDO, settings.IgnoreNoPF, 1)
	must(t, os.MkdirAll(w.prefix.Path(folder), 0o700))
	c, err := tls.Dial("tcp", host, &tls.Config{RootCAs: srv.CA})
	must(t, err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ConnectionState().PeerCertificates[0].Raw})
	c.Close()
	must(t, os.WriteFile(w.prefix.Path(folder+`\ca.pem`), certificate, 0o600))
	s.SetText(settings.Own, settings.CAFile, folder+`\ca.pem`)
	s.SetText(settings.Own, settings.SecretStore, secret.KindFile)
	must(t, s.Save(w.prefix.Path(folder)))

	file := w.prefix.Path(passphrase)
	must(t, os.MkdirAll(filepath.Dir(file), 0o700))
	must(t, os.WriteFile(file, []byte("open sesame\n"), 0o600))
	secrets := secret.NewEncrypted(filepath.Join(w.prefix.Path(folder), secret.FileName), secret.Passphrase{File: file})
	for _, alias := range []string{"admin", "anna", "bob", "room"} {
		must(t, secrets.Set(secret.PasswordName(alias+"@"+srv.Domain, host), exchangetest.Password))
	}
	p, err := profile.NewDynamic(profile.Info{Server: w.server, Mailbox: "anna"}, s)
	must(t, err)
	p.Name = "Anna's profile"
	must(t, profile.Open(w.prefix.Path(folder), secrets).Create(p))
	w.prefix.Run(t, "reg", "add", settings.Messaging+`\Profiles`, "/v", settings.DefaultProfile, "/d", p.Name, "/f")

	t.Setenv(home.Variable, folder)
	t.Setenv(secret.PassphraseVariable, passphrase)
	t.Setenv("OPENCDO_COM_LOG", log)
	t.Cleanup(func() {
		if text, err := os.ReadFile(w.prefix.Path(log)); err == nil && t.Failed() {
			t.Logf("log of the COM server:\n%s", text)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run gives what a script printed.
func (w *world) run(t *testing.T, wide bool, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	must(t, err)
	args := append(w.prefix.Script(t, wide, filepath.Base(name), string(text)), w.server)
	out, err := w.prefix.Try(args[0], args[1:]...)
	for range scriptHostTries {
		if err != nil || out != "" {
			break
		}
		out, err = w.prefix.Try(args[0], args[1:]...)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return out
}

func (w *world) check(t *testing.T, wide bool, name string) {
	t.Helper()
	out := w.run(t, wide, name)
	want, err := os.ReadFile(strings.TrimSuffix(name, ".vbs") + ".txt")
	must(t, err)
	if out != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", out, want)
	}
}
