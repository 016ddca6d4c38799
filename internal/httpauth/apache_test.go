package httpauth

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
)

const modules = "/usr/lib/apache2/modules/"

// apache runs Apache with mod_auth_gssapi, with MIT's library and gss-ntlmssp behind it, and gives its URL.
func apache(t *testing.T, env []string) string {
	t.Helper()
	program, err := exec.LookPath("apache2")
	if err == nil {
		_, err = os.Stat(modules + "mod_auth_gssapi.so")
	}
	if err != nil {
		t.Skip("NOT TESTED AGAINST ANOTHER SERVER: Debian's packages apache2 and libapache2-mod-auth-gssapi are missing")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	// httptest's certificate will do.
	pair := httptest.NewTLSServer(nil)
	key, err := x509.MarshalPKCS8PrivateKey(pair.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pair.Certificate().Raw
	pair.Close()
	write := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("index.html", []byte("let in"))
	var load strings.Builder
	for _, m := range []string{"mpm_event", "authn_core", "authz_core", "authz_user", "dir", "ssl", "socache_shmcb", "auth_gssapi"} {
		fmt.Fprintf(&load, "LoadModule %s_module %smod_%s.so\n", m, modules, m)
	}
	conf := write("apache.conf", fmt.Appendf(nil, `%s
ServerRoot %[2]s
ServerName localhost
Listen %[3]s
User nobody
Group nogroup
PidFile %[2]s/pid
ErrorLog %[2]s/log
LogLevel warn auth_gssapi:debug
DocumentRoot %[2]s
SSLEngine on
SSLCertificateFile %[4]s
SSLCertificateKeyFile %[5]s
<Location />
	AuthType GSSAPI
	GssapiConnectionBound On
	GssapiAllowedMech krb5
	GssapiAllowedMech ntlmssp
	Require valid-user
</Location>
`, &load, dir, address, write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})),
		write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))))
	var out bytes.Buffer
	cmd := exec.Command(program, "-X", "-f", conf)
	cmd.Env, cmd.Stderr, cmd.Stdout = append(os.Environ(), env...), &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if log, err := os.ReadFile(filepath.Join(dir, "log")); t.Failed() && err == nil {
			t.Logf("%s", log)
		}
	})
	for {
		select {
		case <-ended:
			t.Fatalf("apache2: %s", &out)
		case <-time.After(10 * time.Millisecond): // between attempts to connect
		}
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return "https://" + strings.Replace(address, "127.0.0.1", "localhost", 1)
		}
	}
}

func TestTransportAgainstApache(t *testing.T) {
	kdc := kdctest.Start(t, "")
	const password = "geheim" // a colon would end it in the file
	name := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(name, []byte(domain+":"+user+":"+password+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{name, kdc.Keytab, kdc.Config} { // Apache reads them as another user
		dir := filepath.Dir(file)
		if err := errors.Join(os.Chmod(file, 0o644), os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	url := apache(t, append(kdc.Env(), "NTLM_USER_FILE="+name, "KRB5RCACHENAME=none:"))
	tickets, err := kerberos.NewClient(kerberos.ClientConfig{User: kdctest.User, Password: kdctest.Password, ConfigFile: kdc.Config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tickets.Close)
	for name, auth := range map[string]Config{
		"Kerberos":          {Kerberos: tickets},
		"NTLM in Negotiate": {User: user, Domain: domain, Password: password, Schemes: []Scheme{Negotiate}},
		"NTLM":              {User: user, Domain: domain, Password: password, Schemes: []Scheme{NTLM}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := NewTransport(TransportConfig{Auth: auth, TLS: &tls.Config{InsecureSkipVerify: true}})
			t.Cleanup(tr.CloseIdleConnections)
			for range 3 {
				if got, err := send(t, tr, http.MethodGet, url+"/index.html", nil); err != nil || got != "let in" {
					t.Fatalf("%q, %v", got, err)
				}
			}
		})
	}
}
