package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/mapi"
)

// secrets are what nobody may read, by what they are.
type secrets map[string][]byte

// forms are the ways in which a secret may stand somewhere: as it is, in UTF-16, in hexadecimal, in URLs, and in base64, alone
// or after something else, such as a user's name.
func forms(s []byte) (list [][]byte) {
	wide := mapi.EncodeUTF16(string(s))
	for _, b := range [][]byte{s, wide} {
		list = append(list, b, []byte(hex.EncodeToString(b)), []byte(strings.ToUpper(hex.EncodeToString(b))), []byte(url.QueryEscape(string(b))))
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			for before := range 3 {
				// The characters that don't depend on what is before and behind.
				text := enc.EncodeToString(append(make([]byte, before), b...))
				from := (before*8 + 5) / 6
				list = append(list, []byte(text[from:len(text)-4]))
			}
		}
	}
	return list
}

// find gives the name of a secret that stands in b, and its form there.
func (s secrets) find(b []byte) (name string, form []byte) {
	for name, secret := range s {
		for _, form := range forms(secret) {
			if bytes.Contains(b, form) {
				return name, form
			}
		}
	}
	return "", nil
}

// in reports secrets in b.
func (s secrets) in(t *testing.T, where string, b []byte) {
	t.Helper()
	if name, form := s.find(b); form != nil {
		t.Errorf("%s stands in %s, as %q", name, where, form)
	}
}

// TestSecretsAreFound makes sure that looking for secrets finds them.
func TestSecretsAreFound(t *testing.T) {
	const password = "größer 17"
	s := secrets{"the password": []byte(password)}
	for _, text := range []string{"as " + password + " is", string(mapi.EncodeUTF16("in " + password)), "user=a&password=" + url.QueryEscape(password),
		base64.StdEncoding.EncodeToString([]byte("anna:" + password)), base64.StdEncoding.EncodeToString([]byte(`CONTOSO\anna:` + password + "!")),
		base64.RawURLEncoding.EncodeToString([]byte("x" + password)), base64.StdEncoding.EncodeToString(mapi.EncodeUTF16("wide " + password + " text")),
		hex.EncodeToString([]byte(password))} {
		if name, _ := s.find([]byte(text)); name == "" {
			t.Errorf("%q isn't found out", text)
		}
	}
	if name, form := s.find([]byte("nothing here")); name != "" {
		t.Errorf("%s is seen where it isn't, as %q", name, form)
	}
}

// watch looks at the command lines of all processes until stop is called.
func (s secrets) watch(t *testing.T) (stop func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		seen := map[string]bool{}
		for {
			lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, name := range lines {
				if b, err := os.ReadFile(name); err == nil && !seen[string(b)] {
					seen[string(b)] = true
					s.in(t, "the command line "+string(bytes.ReplaceAll(b, []byte{0}, []byte{' '})), b)
				}
			}
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-stopped }
}

// TestSecretsStaySecret runs the program with each kind of secret, telling all that it tells, with success and without, and
// looks for the secrets in what it prints, in the arguments of processes, and in the files that it leaves.
func TestSecretsStaySecret(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs of a program")
	}
	b := newBench(t)
	program := filepath.Join(b.dir, "opencdo")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const password, wrong, token, refused, passphrase, repo = "Quagga-Zebu 17 größer", "Okapi:wrong 99 Ärger", "token.Axolotl-4711.signature", "token.Ocelot-0815.signature",
		"Passphrase of Numbats", "Repository of Wombats"
	key, certificate := clientCertificate(t)
	hash, wrongHash := ntlm.NTHash(password), ntlm.NTHash(wrong)
	hidden := secrets{"the password": []byte(password), "the wrong password": []byte(wrong), "the NT hash": hash[:], "the wrong NT hash": wrongHash[:],
		"the token": []byte(token), "the refused token": []byte(refused), "the passphrase": []byte(passphrase), "the repository's password": []byte(repo), "the client key": key}

	// What holds the secrets rightly lies in a folder of its own.
	if err := os.MkdirAll(filepath.Join(b.dir, "vault"), 0o700); err != nil {
		t.Fatal(err)
	}
	vault := func(name, content string) string { return b.file("vault/"+name, content) }
	passwordFile, wrongFile := vault("password", password+"\n"), vault("wrong", wrong+"\n")
	t.Setenv("OPENCDO_PASSPHRASE_FILE", vault("passphrase", passphrase+"\n"))
	t.Setenv("RESTIC_PASSWORD_FILE", vault("repo", repo+"\n"))
	t.Setenv("TMPDIR", filepath.Join(b.dir, "tmp"))
	if err := os.MkdirAll(filepath.Join(b.dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	certificateFile := vault("client.pem", certificate)
	b.start(exchangetest.Options{Users: []exchangetest.User{{Alias: "anna", Name: "Anna Schmidt", Password: password}}, Config: func(c *exchangeserver.Config) {
		c.Auth.Token = func(_ context.Context, got string) (string, error) {
			if got != token {
				return "", exchangeserver.ErrToken
			}
			return "anna", nil
		}
	}})
	address := "exchange:anna@" + b.server.Mailbox(b, "anna").String() + "@" + b.server.Domain
	host := strings.TrimPrefix(b.server.URL, "https://")
	stop := hidden.watch(t)
	runs := 0
	run := func(good bool, args ...string) {
		t.Helper()
		runs++
		cmd := exec.CommandContext(t.Context(), program, append([]string{"--verbose", "--ca", filepath.Join(b.dir, "ca.pem")}, args...)...)
		cmd.Dir = b.dir
		out, err := cmd.CombinedOutput()
		if (err == nil) != good {
			t.Errorf("opencdo %v: %v\n%s", args, err, out)
		}
		hidden.in(t, "the output of opencdo "+strings.Join(args, " "), out)
	}
	for _, way := range [][]string{{"--transport", "mapihttp", "--auth", "basic"}, {"--transport", "mapihttp", "--auth", "ntlm"}, {"--transport", "mapihttp", "--auth", "negotiate"},
		{"--transport", "rpchttp", "--auth", "basic", "--rpc-auth", "ntlm"}, {"--transport", "rpchttp", "--auth", "ntlm", "--rpc-auth", "negotiate"}} {
		for _, command := range []string{"whoami", "doctor"} {
			run(true, append(way, command, address, "--password-file", passwordFile)...)
			run(false, append(way, command, address, "--password-file", wrongFile)...)
		}
	}
	for _, transport := range []string{"mapihttp", "rpchttp"} {
		run(true, "whoami", address, "--transport", transport, "--auth", "bearer", "--token-file", vault("token", token+"\n"))
		run(false, "whoami", address, "--transport", transport, "--auth", "bearer", "--token-file", vault("refused", refused+"\n"))
	}
	run(false, "whoami", address, "--auth", "certificate", "--client-cert", certificateFile)
	run(false, "whoami", address, "--auth", "certificate", "--client-cert", filepath.Join(b.dir, "ca.pem"), "--client-key", certificateFile)
	run(true, "secret", "set", "anna@"+b.server.Domain+"@"+host, "--password-file", passwordFile)
	run(true, "secret", "list")
	run(true, "whoami", address)
	run(true, "backup", address, "--repo", filepath.Join(b.dir, "repo"))
	run(false, "backup", address, "--repo", filepath.Join(b.dir, "repo"), "--password-file", wrongFile)
	run(true, "secret", "set", "anna@"+b.server.Domain+"@"+host, "--password-file", wrongFile)
	run(false, "whoami", address)
	run(true, "settings", "list")
	t.Setenv("OPENCDO_PASSPHRASE_FILE", wrongFile)
	run(false, "whoami", address)
	t.Setenv("RESTIC_PASSWORD_FILE", wrongFile)
	run(false, "verify", "--repo", filepath.Join(b.dir, "repo"))
	t.Run("keytab", func(t *testing.T) {
		kdc := kdctest.Start(t, "")
		for _, file := range []string{kdc.UserKeytab, kdc.Config, passwordFile} { // the last two aren't keytabs
			cmd := exec.CommandContext(t.Context(), program, "--verbose", "--ca", filepath.Join(b.dir, "ca.pem"), "whoami", address, "--krb5-conf", kdc.Config,
				"--user", kdctest.User, "--realm", kdctest.Realm, "--keytab", file)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("a server without Kerberos let %s in", file)
			}
			b, err := os.ReadFile(kdc.UserKeytab)
			if err != nil {
				t.Fatal(err)
			}
			const keySize = 32 // AES-256's, at the end but for a version number that MIT adds
			secrets{"the key": b[len(b)-4-keySize : len(b)-4], "the password": []byte(password)}.in(t, "the output with "+file, out)
		}
	})
	stop()
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && d.Name() == "vault" {
				return fs.SkipDir
			}
			return err
		}
		if path == program {
			return nil
		}
		content, err := os.ReadFile(path)
		hidden.in(t, path, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d runs", runs)
}

// clientCertificate makes one; secret is the private number in it.
func clientCertificate(t *testing.T) (secret []byte, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "anna"}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	number, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return number, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}
