// Package kdctest runs MIT's key distribution center for tests, with a realm of its own in a temporary folder.
package kdctest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The realm and who is in it.
const (
	Realm    = "EXAMPLE.TEST"
	User     = "anna"
	Password = "Geheim, äöü 1"
	// Service has its key in the keytab; it is the name of a web server on this machine.
	Service = "HTTP/localhost"
)

// others are services of a mail server on this machine, whose keys lie in the keytab too.
var others = []string{"exchangeMDB/localhost", "exchangeAB/localhost"}

// KDC is a running key distribution center.
type KDC struct {
	Config     string // krb5.conf
	Keytab     string // of Service
	UserKeytab string // of User
	dir        string
}

const startTimeout = 20 * time.Second // machines that build at the same time are slow

// Start runs a KDC until the test ends, or skips the test where the machine hasn't got one. enctypes are the keys'
// encryption types; empty: MIT's own choice.
func Start(t testing.TB, enctypes string) *KDC {
	t.Helper()
	for _, tool := range []string{"krb5kdc", "kdb5_util", "kadmin.local", "kinit"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT TESTED AGAINST MIT KERBEROS: %s is missing (Debian: krb5-kdc krb5-admin-server krb5-user)", tool)
		}
	}
	if enctypes == "" {
		enctypes = "aes256-cts-hmac-sha1-96:normal"
	}
	k := &KDC{dir: t.TempDir()}
	k.Config, k.Keytab, k.UserKeytab = k.path("krb5.conf"), k.path("service.keytab"), k.path("user.keytab")
	address := freeAddress(t)
	k.write(t, "krb5.conf", fmt.Sprintf(`[libdefaults]
	default_realm = %[1]s
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	udp_preference_limit = 1
[realms]
	%[1]s = {
		kdc = %[2]s
	}
[domain_realm]
	localhost = %[1]s
`, Realm, address))
	k.write(t, "kdc.conf", fmt.Sprintf(`[kdcdefaults]
	kdc_listen = ""
	kdc_tcp_listen = %[2]s
[realms]
	%[1]s = {
		database_name = %[3]s/principal
		key_stash_file = %[3]s/stash
		acl_file = %[3]s/acl
		supported_enctypes = %[4]s
		max_life = 1h
	}
`, Realm, address, k.dir, enctypes))
	k.run(t, "kdb5_util", "create", "-s", "-r", Realm, "-P", "master")
	queries := []string{
		fmt.Sprintf("addprinc -requires_preauth -pw %q %s", Password, "nopreauth"),
		fmt.Sprintf("addprinc +requires_preauth -pw %q %s", Password, User),
		"addprinc -randkey " + Service,
		"ktadd -k " + k.Keytab + " " + Service,
		"ktadd -norandkey -k " + k.UserKeytab + " " + User,
	}
	for _, s := range others {
		queries = append(queries, "addprinc -randkey "+s, "ktadd -k "+k.Keytab+" "+s)
	}
	for _, q := range queries {
		k.run(t, "kadmin.local", "-r", Realm, "-q", q)
	}
	var log bytes.Buffer
	cmd := exec.Command("krb5kdc", "-n", "-r", Realm)
	cmd.Env, cmd.Stderr, cmd.Stdout = append(os.Environ(), k.Env()...), &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
			return k
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the KDC doesn't answer: %v: %s", err, &log)
		case <-time.After(10 * time.Millisecond): // between attempts to connect
		}
	}
}

// Env is the environment in which MIT's programs find the realm and the service's keys.
func (k *KDC) Env() []string {
	return []string{"KRB5_CONFIG=" + k.Config, "KRB5_KDC_PROFILE=" + k.path("kdc.conf"), "KRB5_KTNAME=" + k.Keytab,
		"KRB5RCACHENAME=dfl:", "KRB5RCACHEDIR=" + k.dir}
}

// CredentialCache logs User on with kinit and gives the cache's file.
func (k *KDC) CredentialCache(t testing.TB) string {
	t.Helper()
	cache := filepath.Join(t.TempDir(), "cc")
	cmd := exec.CommandContext(t.Context(), "kinit", "-c", "FILE:"+cache, User)
	cmd.Env, cmd.Stdin = append(os.Environ(), k.Env()...), strings.NewReader(Password+"\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kinit: %v: %s", err, out)
	}
	return cache
}

func (k *KDC) path(name string) string { return filepath.Join(k.dir, name) }

func (k *KDC) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(k.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (k *KDC) run(t testing.TB, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), k.Env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

// freeAddress is on a port of the loopback interface that nobody has at the moment.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
