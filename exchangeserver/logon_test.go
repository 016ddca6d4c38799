package exchangeserver_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/mapi"
)

// TestWhoMayConnect tries DNs with and without administrator rights.
func TestWhoMayConnect(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	alice, bob := srv.UserDN(t, "alice"), srv.UserDN(t, "bob")
	for _, c := range []struct {
		what, user, dn string
		flags          uint32
		want           mapi.Code
	}{
		{"as oneself", "alice", alice, 0, 0},
		{"in other case", "alice", strings.ToUpper(alice), 0, 0},
		{"as somebody else", "alice", bob, 0, mapi.ErrLoginPermission},
		{"as nobody", "alice", "/o=x/cn=nobody", 0, mapi.ErrUnknownUser},
		{"as oneself with administrator rights that one hasn't", "alice", alice, oxcmapihttp.ConnectAdmin, mapi.ErrLoginPermission},
		{"an administrator as somebody else", "admin", bob, oxcmapihttp.ConnectAdmin, 0},
		{"an administrator as somebody else without saying so", "admin", bob, 0, mapi.ErrLoginPermission},
	} {
		r := &rpc{t: t, http: dial(t, srv, srv.MailboxURL(t, c.user), c.user)}
		code, err := r.connect(c.dn, c.flags)
		if err != nil || code != c.want {
			t.Errorf("%s: %v, %v, want %v", c.what, code, err, c.want)
		}
	}
}

// TestWhoMayLogOn tries the mailboxes of others.
func TestWhoMayLogOn(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	alice, bob := srv.UserDN(t, "alice"), srv.UserDN(t, "bob")
	logon := func(user, dn string, flags uint32) mapi.Code {
		q := logonRequest(dn)
		q.OpenFlags |= flags
		resps, _ := connect(t, srv, user).call([]uint32{none}, q)
		return resps[0].Result()
	}
	for _, c := range []struct {
		what, user, dn string
		flags          uint32
		want           mapi.Code
	}{
		{"one's own", "alice", alice, 0, 0},
		{"another's", "alice", bob, 0, mapi.ErrLoginPermission},
		{"another's with rights that one hasn't", "alice", bob, oxcrops.OpenUseAdminPrivilege, mapi.ErrLoginPermission},
		{"an administrator another's", "admin", bob, oxcrops.OpenUseAdminPrivilege, 0},
		{"an administrator another's without saying so", "admin", bob, 0, mapi.ErrLoginPermission},
		{"nobody's", "admin", "/o=x/cn=nobody", oxcrops.OpenUseAdminPrivilege, mapi.ErrUnknownUser},
	} {
		if got := logon(c.user, c.dn, c.flags); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	public := &oxcrops.LogonRequest{OpenFlags: oxcrops.OpenPublic}
	resps, _ := connect(t, srv, "alice").call([]uint32{none}, public)
	if code := resps[0].Result(); code != mapi.ErrLogonFailed {
		t.Errorf("public folders: %v", code)
	}
}

// TestConnectAnswer checks what clients learn about the server.
func TestConnectAnswer(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	c := dial(t, srv, srv.MailboxURL(t, "alice"), "alice")
	body, err := oxcmapihttp.MarshalRequest(&oxcmapihttp.ConnectRequest{UserDN: mapi.String8(srv.UserDN(t, "alice")), DefaultCodePage: 1252}, oxcmapihttp.Envelope{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Do(t.Context(), mapihttp.Connect, body)
	if err != nil {
		t.Fatal(err)
	}
	var resp oxcmapihttp.ConnectResponse
	_, envelope, err := oxcmapihttp.UnmarshalResponse(answer.Body, &resp)
	if err != nil || resp.DisplayName != "Alice Example" || resp.PollsMax == 0 {
		t.Errorf("%+v, %v", resp, err)
	}
	payloads, err := oxcrpc.Unpack(envelope.Aux)
	if err != nil || len(payloads) != 1 {
		t.Fatal(err, len(payloads))
	}
	blocks, err := oxcrpc.DecodeAux(payloads[0])
	packed := false
	for _, b := range blocks {
		if c, ok := b.(*oxcrpc.AuxServerCapabilities); ok {
			packed = c.ServerCapabilityFlags&oxcrpc.PackedFastTransferUpload != 0
		}
	}
	if err != nil || !packed {
		t.Errorf("packed uploads aren't announced: %v, %v", blocks, err)
	}
}

// TestPasswords tries forms of the user's name, and wrong passwords.
func TestPasswords(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	try := func(name, password string) int {
		r, _ := http.NewRequest(http.MethodPost, srv.URL+"/AutoDiscover/autodiscover.XML", strings.NewReader("x"))
		if name != "" {
			r.SetBasicAuth(name, password)
		}
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Values("WWW-Authenticate"); resp.StatusCode == http.StatusUnauthorized &&
			!slices.Equal(got, []string{"Negotiate", "NTLM", `Basic realm="Exchange", charset="UTF-8"`}) {
			t.Errorf("challenges %q", got)
		}
		return resp.StatusCode
	}
	const good, bad = http.StatusOK, http.StatusUnauthorized
	for name, want := range map[string]int{"alice": good, "ALICE": good, "alice@contoso.test": good, `contoso\alice`: good, `CONTOSO.TEST\alice`: good,
		"alice@elsewhere.test": bad, `elsewhere\alice`: bad, "nobody": bad, "": bad} {
		if got := try(name, exchangetest.Password); got != want {
			t.Errorf("%q: HTTP status %d, want %d", name, got, want)
		}
	}
	if got := try("alice", "wrong"); got != bad {
		t.Errorf("a wrong password: HTTP status %d", got)
	}
	if got := try("alice", exchangetest.Password); got != good {
		t.Errorf("the right password after a wrong one: HTTP status %d", got)
	}
	if err := srv.Directory().SetPassword(t.Context(), "alice", "changed"); err != nil {
		t.Fatal(err)
	}
	if old, now := try("alice", exchangetest.Password), try("alice", "changed"); old != bad || now != good {
		t.Errorf("after a change: the old password gives %d, the new %d", old, now)
	}
	if _, err := srv.Directory().Remove(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if got := try("alice", "changed"); got != bad {
		t.Errorf("a removed user: HTTP status %d", got)
	}
}

// TestDiscovery finds endpoints by address, personalised server name and DN.
func TestDiscovery(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	c := autodiscover.Client{HTTP: srv.Client(), Authorize: srv.Authorize("alice")}
	found, err := c.Discover(t.Context(), "alice@contoso.test", srv.URL+"/autodiscover/autodiscover.xml")
	if err != nil {
		t.Fatal(err)
	}
	if found.LegacyDN != srv.UserDN(t, "alice") || found.MailStore.ExternalURL != srv.MailboxURL(t, "alice") || found.AddressBook.ExternalURL != srv.AddressBookURL(t, "alice") {
		t.Errorf("found %+v, want %s", found, srv.MailboxURL(t, "alice"))
	}
	personalised := srv.Mailbox(t, "bob").String() + "@contoso.test"
	if found, err := c.Discover(t.Context(), personalised, srv.URL+"/autodiscover/autodiscover.xml"); err != nil || found.LegacyDN != srv.UserDN(t, "bob") {
		t.Errorf("by personalised server name: %+v, %v", found, err)
	}
	if _, err := c.Discover(t.Context(), "nobody@contoso.test", srv.URL+"/autodiscover/autodiscover.xml"); !errors.Is(err, &autodiscover.Error{ErrorCode: autodiscover.ErrorNoMailbox}) {
		t.Errorf("nobody: %v", err)
	}
}

// TestPlainHTTP is for loopback addresses only.
func TestPlainHTTP(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	if err := srv.Server.ListenAndServe(t.Context(), "0.0.0.0:0", nil); !errors.Is(err, mapi.ErrNoAccess) {
		t.Errorf("passwords in the clear to all the world: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := srv.Server.ListenAndServe(ctx, "127.0.0.1:0", nil); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("on loopback: %v", err)
	}
}

func TestServerVersion(t *testing.T) {
	for version, ok := range map[string]bool{"": true, "Exchange/15.01.2507.039": true, "Exchange/16": false, "nginx": false} {
		srv := exchangetest.New(t, exchangetest.Options{})
		s, err := exchangeserver.New(exchangeserver.Config{Backend: exchangeserver.NewLocal(srv.Directory()), Domain: "contoso.test", ServerVersion: version, SpoolDir: t.TempDir()})
		if (err == nil) != ok {
			t.Errorf("%q: %v", version, err)
		}
		if s != nil {
			s.Close()
		}
	}
}
