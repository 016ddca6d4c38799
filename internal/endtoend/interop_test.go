package endtoend

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// peer is the gromox server that the environment names (docs/interop.md).
type peer struct {
	url, user, source, target, ca, password string
	krb5                                    string // krb5.conf; empty: no Kerberos
	ntlm                                    bool   // within Negotiate
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{url: os.Getenv("OPENCDO_GROMOX_URL"), user: os.Getenv("OPENCDO_GROMOX_USER"), source: os.Getenv("OPENCDO_GROMOX_SOURCE"), target: os.Getenv("OPENCDO_GROMOX_TARGET"),
		ca: os.Getenv("OPENCDO_GROMOX_CA"), krb5: os.Getenv("OPENCDO_GROMOX_KRB5_CONFIG"), ntlm: os.Getenv("OPENCDO_GROMOX_NTLM") != ""}
	file := os.Getenv("OPENCDO_GROMOX_PASSWORD_FILE")
	if p.url == "" || p.user == "" || p.ca == "" || file == "" {
		t.Skip("SKIPPED: no server to test against; set OPENCDO_GROMOX_URL, OPENCDO_GROMOX_USER, OPENCDO_GROMOX_PASSWORD_FILE, OPENCDO_GROMOX_CA")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p.password = strings.TrimSpace(string(b))
	return p
}

// peerWays are the ways to log on to gromox: what it has of them depends on its configuration.
func peerWays() (list []way) {
	for _, t := range []string{"mapihttp", "rpchttp"} {
		list = append(list, way{transport: t, http: "basic", rpc: "none"}, way{transport: t, http: "negotiate", rpc: "none"},
			way{transport: t, http: "negotiate", rpc: "none", kerberos: "password"}, way{transport: t, http: "negotiate", rpc: "none", kerberos: "cache"})
	}
	for _, level := range []string{"connect", "integrity", "privacy"} { // packet level it has without signatures only
		list = append(list, way{transport: "rpchttp", http: "basic", rpc: "ntlm", level: level})
	}
	return list
}

// open opens a mailbox of the peer in a way; the user is its owner.
func (p *peer) open(t *testing.T, w way, smtp string) mapi.Store {
	t.Helper()
	cfg := &opencdo.Config{Home: t.TempDir(), CAFile: p.ca, Transports: []string{w.transport}, User: smtp,
		Auth:     opencdo.Auth{RPC: w.rpc, RPCLevel: w.level, Schemes: []string{w.http}},
		Password: func(context.Context, string, string) (string, error) { return p.password, nil }}
	alias, domain, _ := strings.Cut(smtp, "@")
	short, _, _ := strings.Cut(domain, ".")
	switch {
	case w.kerberos != "":
		if p.krb5 == "" {
			t.Skip("SKIPPED: no Kerberos; set OPENCDO_GROMOX_KRB5_CONFIG")
		}
		cfg.Auth.Kerberos = &opencdo.Kerberos{ConfigFile: p.krb5, Password: true}
	case w.http == "negotiate":
		if !p.ntlm {
			t.Skip("SKIPPED: no NTLM; set OPENCDO_GROMOX_NTLM")
		}
		cfg.User = strings.ToUpper(short) + `\` + alias
	}
	st, err := opencdo.Open(t.Context(), "exchange:"+smtp+"@"+p.url, cfg)
	if err != nil {
		t.Fatalf("log on: %v", err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// TestInteropEveryWay asks the address book of a gromox server, backs a mailbox of it up and restores it into another, over
// each transport with each way to authenticate that it has.
func TestInteropEveryWay(t *testing.T) {
	p := newPeer(t)
	if p.source == "" || p.target == "" {
		t.Skip("SKIPPED: no mailboxes to back up and restore; set OPENCDO_GROMOX_SOURCE and OPENCDO_GROMOX_TARGET to their addresses")
	}
	for _, w := range peerWays() {
		t.Run(w.String(), func(t *testing.T) {
			src, dst := p.open(t, w, p.source), p.open(t, w, p.target)
			book, ok := mapi.As[mapi.AddressBook](src)
			if !ok {
				t.Fatal("there is no address book")
			}
			found, err := book.Resolve(t.Context(), p.source, []mapi.Key{mapi.TagKey(pid.TagSmtpAddress)})
			if err != nil || len(found) != 1 || !strings.EqualFold(found[0].Text(pid.TagSmtpAddress), p.source) {
				t.Errorf("the address book knows %v, %v", found, err)
			}
			repo := newRepo(t)
			begun := time.Now()
			r := backUp(t, src, repo)
			backedUp := time.Now()
			clearMailbox(t, dst)
			cleared := time.Now()
			restored, err := backup.Restore(t.Context(), openSnapshot(t, repo, "latest"), "", dst, backup.RestoreOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if restored.Copied != r.Copied || restored.Failed > 0 || restored.Compared != r.Copied || restored.DifferenceCount > 0 {
				t.Errorf("%d items backed up; %d restored, %d compared, %d differences such as %+v, problems %v", r.Copied, restored.Copied, restored.Compared,
					restored.DifferenceCount, restored.Differences, restored.Problems)
			}
			t.Logf("%d items backed up in %v, cleared in %v, restored and compared in %v", r.Copied, backedUp.Sub(begun).Round(time.Millisecond),
				cleared.Sub(backedUp).Round(time.Millisecond), time.Since(cleared).Round(time.Millisecond))
		})
	}
}

// clearMailbox removes all items, and the folders that aren't special.
func clearMailbox(t *testing.T, st mapi.Store) {
	t.Helper()
	special := map[string]bool{}
	for _, r := range mapi.Roles {
		if id, err := st.Special(t.Context(), r); err == nil {
			special[string(id)] = true
		}
	}
	var walk func(f mapi.Folder)
	walk = func(f mapi.Folder) {
		clear(t, f)
		var below []mapi.EntryID
		for info, err := range f.Folders(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if !info.Search {
				below = append(below, info.ID)
			}
		}
		for _, id := range below {
			sub, err := st.Folder(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			walk(sub)
			if !special[string(id)] {
				f.DeleteFolder(t.Context(), id) // there may be folders that the server doesn't give away
			}
		}
	}
	walk(folder(t, st, mapi.RoleRoot))
}

// TestInteropDynamicProfile logs on as a program of MAPI/CDO's time did: with a dynamic profile, as version 6.5, with NTLM
// through the RPC proxy that RpcHttpProxyMap names, to a personalised server name. NTLM in HTTP and in RPC at once isn't to be
// had: gromox knows nobody's password in RPC who didn't give it in HTTP.
func TestInteropDynamicProfile(t *testing.T) {
	p := newPeer(t)
	if !p.ntlm {
		t.Skip("SKIPPED: no NTLM; set OPENCDO_GROMOX_NTLM")
	}
	alias, domain, _ := strings.Cut(p.user, "@")
	short, _, _ := strings.Cut(domain, ".")
	for _, c := range []struct{ http, rpc, user string }{
		{"ntlm", "none", strings.ToUpper(short) + `\` + alias},
		{"basic", "ntlm", p.user},
	} {
		t.Run(c.http+"-rpc-"+c.rpc, func(t *testing.T) {
			home := t.TempDir()
			set, err := settings.Load(home)
			if err != nil {
				t.Fatal(err)
			}
			set.SetText(settings.Messaging, settings.RpcHttpProxyMap, domain+"="+p.url+","+c.http+","+c.rpc+",false")
			set.SetNumber(settings.CDO, settings.IgnoreNoPF, 1)
			set.SetText(settings.Own, settings.ClientVersion, "6.5.8309.0")
			if err := set.Save(home); err != nil {
				t.Fatal(err)
			}
			st, err := opencdo.Open(t.Context(), "exchange:"+alias+"@00000000-0000-0000-0000-000000000001@"+domain, &opencdo.Config{Home: home, CAFile: p.ca,
				Transports: []string{"rpchttp"}, User: c.user, Password: func(context.Context, string, string) (string, error) { return p.password, nil }})
			if err != nil {
				t.Fatalf("log on: %v", err)
			}
			defer st.Close()
			if _, err := folder(t, st, mapi.RoleInbox).Props(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
