package exchange

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/autodiscover"
)

// OpenPeer opens a mailbox on the server that the environment names: OPENCDO_GROMOX_URL (such as https://127.0.0.1:18443),
// OPENCDO_GROMOX_USER (an SMTP address), OPENCDO_GROMOX_PASSWORD_FILE and OPENCDO_GROMOX_CA. user, if given, logs on instead;
// change, if given, changes how the mailbox is opened.
func OpenPeer(t testing.TB, user string, change func(*Config)) *Store {
	t.Helper()
	base, file, ca := os.Getenv("OPENCDO_GROMOX_URL"), os.Getenv("OPENCDO_GROMOX_PASSWORD_FILE"), os.Getenv("OPENCDO_GROMOX_CA")
	if user == "" {
		user = os.Getenv("OPENCDO_GROMOX_USER")
	}
	if base == "" || user == "" || file == "" || ca == "" {
		t.Skip("SKIPPED: no server to test against; set OPENCDO_GROMOX_URL, OPENCDO_GROMOX_USER, OPENCDO_GROMOX_PASSWORD_FILE, OPENCDO_GROMOX_CA")
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 32, DisableCompression: true}}
	auth := func(r *http.Request) error {
		r.SetBasicAuth(user, strings.TrimSpace(string(password)))
		return nil
	}
	d := autodiscover.Client{HTTP: client, Authorize: auth}
	found, err := d.Discover(t.Context(), user, base+"/autodiscover/autodiscover.xml")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{MailboxURL: found.MailStore.ExternalURL, AddressBookURL: found.AddressBook.ExternalURL,
		UserDN: found.LegacyDN, HTTP: client, Authorize: auth}
	if change != nil {
		change(&c)
	}
	st, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}
