package main

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/exchangetest"
)

// TestAutodiscover looks mailboxes up on a server that was given.
func TestAutodiscover(t *testing.T) {
	b := newBench(t)
	b.server = exchangetest.New(t, exchangetest.Options{})
	redirecting := httptest.NewTLSServer(http.RedirectHandler("https://hoster.test/a.xml", http.StatusFound))
	defer redirecting.Close()
	// All servers of httptest have the same certificate.
	ca := b.file("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: redirecting.Certificate().Raw})))
	password := b.file("password", exchangetest.Password)
	args := []string{"autodiscover", "alice@contoso.test", "--endpoint", b.server.URL, "--ca", ca, "--password-file", password}
	server := b.server.Mailbox(t, "alice").String() + "@contoso.test"

	for _, want := range []string{server, b.server.UserDN(t, "alice"), b.server.MailboxURL(t, "alice"), b.server.AddressBookURL(t, "alice")} {
		if out := b.ok(args...); !strings.Contains(out, want) || strings.Contains(out, "Looking up") {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if out := b.ok(append(args, "--explain")...); !strings.Contains(out, "POST "+b.server.URL+"/autodiscover/autodiscover.xml with credentials\n    HTTP 200 OK; settings of the mailbox\n    = this is the answer") || strings.Contains(out, exchangetest.Password) {
		t.Errorf("way:\n%s", out)
	}
	var facts struct {
		Mailbox string
		Found   struct {
			LegacyDN, Server string
			MapiHTTP         struct{ MailboxExternal string }
		}
		Steps []struct {
			Step, Outcome string
			Status        int
		}
	}
	if err := json.Unmarshal([]byte(b.ok(append(args, "--json")...)), &facts); err != nil {
		t.Fatal(err)
	}
	if facts.Mailbox != "alice@contoso.test" || facts.Found.Server != server || facts.Found.MapiHTTP.MailboxExternal != b.server.MailboxURL(t, "alice") ||
		len(facts.Steps) != 1 || facts.Steps[0].Outcome != "settings" || facts.Steps[0].Status != 200 {
		t.Errorf("facts %+v", facts)
	}

	for _, test := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"nobody", []string{"nobody@contoso.test", "--user", "alice", "--endpoint", b.server.URL, "--ca", ca, "--password-file", password}, exitNotFound, "500"},
		{"a wrong password", []string{"alice@contoso.test", "--endpoint", b.server.URL, "--ca", ca, "--password-file", b.file("wrong", "wrong")}, exitLogon, "--password-file"},
		{"an untrusted certificate", []string{"alice@contoso.test", "--endpoint", b.server.URL, "--password-file", password}, exitCertificate, "--ca"},
		{"nobody there", []string{"alice@contoso.test", "--endpoint", "https://127.0.0.1:1", "--password-file", password}, exitNetwork, "refused"},
		{"a redirect to a stranger", []string{"alice@contoso.test", "--endpoint", redirecting.URL, "--ca", ca, "--password-file", password}, exitFailure, "--trust"},
		{"not an address", []string{"alice"}, exitFailure, "SMTP"},
		{"no such step", []string{"alice@contoso.test", "--skip", "dance"}, exitUsage, "dance"},
	} {
		code, out, errs := b.run(append([]string{"autodiscover"}, test.args...)...)
		if code != test.code || !strings.Contains(errs, test.says) || strings.Contains(out+errs, exchangetest.Password) {
			t.Errorf("%s: exit code %d, want %d\n%s%s", test.name, code, test.code, out, errs)
		}
	}
	// What was tried is told even where nothing was found.
	if code, out, _ := b.run("autodiscover", "alice@contoso.test", "--endpoint", "https://127.0.0.1:1", "--password-file", password, "--json"); code != exitNetwork || !strings.Contains(out, `"outcome": "failed"`) {
		t.Errorf("exit code %d: %s", code, out)
	}
}
