package endtoend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
)

// impacket is a python that has impacket.
func impacket(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} { // a distribution's package isn't seen by another python in the path
		if exec.Command(name, "-c", "import impacket").Run() == nil {
			return name
		}
	}
	t.Skip("NOT TESTED WITH ANOTHER CLIENT OF RPC OVER HTTP: no python3 with impacket (Debian: python3-impacket)")
	return ""
}

// TestImpacketListsAddressBook has impacket, an independent client of RPC over HTTP, list the server's address book, with each
// way of HTTP authentication that it has, and with NTLM inside of RPC.
func TestImpacketListsAddressBook(t *testing.T) {
	t.Parallel()
	python := impacket(t)
	users := []exchangetest.User{{Alias: "alice", Name: "Alice Example"}, {Alias: "boeb", Name: "Böb Baumeister"}}
	for i := range 5 {
		users = append(users, exchangetest.User{Alias: fmt.Sprint("user", i), Name: fmt.Sprint("User ", i)})
	}
	srv := exchangetest.New(t, exchangetest.Options{Users: users})
	var people []map[string]any
	for _, u := range users {
		people = append(people, map[string]any{"3001001F": u.Name, "39FE001F": u.Alias + "@" + srv.Domain})
	}
	server := srv.Mailbox(t, "alice").String() + "@" + srv.Domain
	list := func(t *testing.T, http, level, password string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), python, "-W", "ignore", "testdata/book.py", srv.URL+"/rpc/rpcproxy.dll?"+server+":6004", server, http, level, "alice")
		cmd.Stdin = strings.NewReader(password + "\n")
		var problem bytes.Buffer
		cmd.Stderr = &problem
		out, err := cmd.Output()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, &problem)
		}
		return out, err
	}
	for _, http := range []string{"Basic", "NTLM"} {
		for name, level := range map[string]string{"none": "0", "connect": "2", "integrity": "5", "privacy": "6"} {
			t.Run(http+"-rpc-"+name, func(t *testing.T) {
				out, err := list(t, http, level, exchangetest.Password)
				if err != nil {
					t.Fatal(err)
				}
				var got struct {
					Containers, Unbound int
					People              []map[string]any
					Resolved, One       []map[string]any
				}
				if err := json.Unmarshal(out, &got); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				if got.Containers == 0 || got.Unbound != 1 {
					t.Errorf("%d containers, Unbind gives %d", got.Containers, got.Unbound)
				}
				if fmt.Sprint(got.People) != fmt.Sprint(people) {
					t.Errorf("the address book has\n%v, want\n%v", got.People, people)
				}
				if len(got.Resolved) != 1 || got.Resolved[0]["39FE001F"] != "boeb@"+srv.Domain || len(got.One) != 1 || got.One[0]["3001001F"] != "Böb Baumeister" {
					t.Errorf("Böb is %v, %v", got.Resolved, got.One)
				}
			})
		}
		if _, err := list(t, http, "0", "wrong"); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("%s, wrong password: %v", http, err)
		}
	}
}

// curl asks, as curl's configuration says, for the user's Autodiscover settings, pings both endpoints of MAPI over HTTP, and
// knocks at the RPC proxy. It gives the statuses, and Autodiscover's answer. The configuration goes where no list of processes
// shows it.
func curl(t *testing.T, srv *exchangetest.Server, user string, env []string, options ...string) (statuses, answer string) {
	t.Helper()
	base := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	id := srv.Mailbox(t, user).String() + "@" + srv.Domain
	body := filepath.Join(t.TempDir(), "request.xml")
	request := fmt.Sprintf(`<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>%s</EMailAddress>`+
		`<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`,
		user+"@"+srv.Domain)
	if err := os.WriteFile(body, []byte(request), 0o600); err != nil {
		t.Fatal(err)
	}
	common := "silent\nshow-error\ninsecure\nnoproxy = \"*\"\nmax-time = 30\nwrite-out = \"\\nstatus %{http_code}\\n\"\n" + strings.Join(options, "\n") + "\n"
	ping := func(endpoint string) string {
		return common + "url = \"" + base + "/mapi/" + endpoint + "/?MailboxId=" + id + "\"\nrequest = POST\ndata = \"\"\n" +
			"header = \"X-RequestType: PING\"\nheader = \"X-RequestId: {12345678-1234-1234-1234-123456789012}:1\"\nheader = \"X-ClientInfo: {12345678-1234-1234-1234-123456789012}\"\n" +
			"header = \"Content-Type: application/mapi-http\"\n"
	}
	cfg := strings.Join([]string{
		common + "url = \"" + base + "/autodiscover/autodiscover.xml\"\ndata = \"@" + body + "\"\nheader = \"Content-Type: text/xml\"\n",
		ping("emsmdb"), ping("nspi"),
		common + "url = \"" + base + "/rpc/rpcproxy.dll?" + id + ":6001\"\nrequest = RPC_OUT_DATA\nheader = \"Content-Length: 0\"\n",
	}, "next\n")
	cmd := exec.CommandContext(t.Context(), "curl", "-q", "-K", "-")
	cmd.Env, cmd.Stdin = append(os.Environ(), env...), strings.NewReader(cfg)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("curl: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		if status, ok := strings.CutPrefix(line, "status "); ok {
			statuses += " " + strings.TrimSpace(status)
		} else {
			answer += line
		}
	}
	return statuses, answer
}

// curlHas skips where curl is missing, or hasn't got a feature.
func curlHas(t *testing.T, feature string) {
	t.Helper()
	version, err := exec.Command("curl", "-q", "--version").Output()
	if err != nil || !strings.Contains(string(version), feature) {
		t.Skipf("NOT TESTED WITH CURL: there is no curl with %s (%v)", feature, err)
	}
}

const everythingServed = " 200 200 200 200"

// TestCurlGetsIn has curl log on in each way that it has.
func TestCurlGetsIn(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	srv := exchangetest.New(t, exchangetest.Options{Config: func(c *exchangeserver.Config) {
		c.Auth.Token, c.Auth.ExtendedProtection = issuer.verify, "allow"
	}})
	user := `user = "alice:` + exchangetest.Password + `"`
	for _, c := range []struct {
		name, feature string
		options       []string
		statuses      string
	}{
		{"nobody", "", nil, " 401 401 401 401"},
		{"Basic", "", []string{"basic", user}, everythingServed},
		{"NTLM", "NTLM", []string{"ntlm", user}, everythingServed},
		{"NTLM with a domain", "NTLM", []string{"ntlm", strings.Replace(user, "alice", `CONTOSO\\alice`, 1)}, everythingServed},
		{"Bearer", "", []string{`oauth2-bearer = "` + issuer.token("alice@contoso.test") + `"`}, everythingServed},
		{"an expired token", "", []string{`oauth2-bearer = "nonsense"`}, " 401 401 401 401"},
		{"a wrong password by Basic", "", []string{"basic", `user = "alice:wrong"`}, " 401 401 401 401"},
		{"a wrong password by NTLM", "NTLM", []string{"ntlm", `user = "alice:wrong"`}, " 401 401 401 401"},
	} {
		t.Run(c.name, func(t *testing.T) {
			curlHas(t, c.feature)
			statuses, answer := curl(t, srv, "alice", nil, c.options...)
			if statuses != c.statuses || strings.Contains(answer, srv.UserDN(t, "alice")) != (c.statuses == everythingServed) {
				t.Errorf("curl gets%s, want%s:\n%s", statuses, c.statuses, answer)
			}
		})
	}
}

// TestCurlGetsInWithTicket has curl log on with a ticket that MIT's kinit got.
func TestCurlGetsInWithTicket(t *testing.T) {
	t.Parallel()
	curlHas(t, "SPNEGO")
	kdc := kdctest.Start(t, "")
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: kdctest.User, Name: "Anna Schmidt"}},
		Config: func(c *exchangeserver.Config) { c.Auth.Keytab = kdc.Keytab }})
	env := append(kdc.Env(), "KRB5CCNAME=FILE:"+kdc.CredentialCache(t))
	if statuses, answer := curl(t, srv, kdctest.User, env, "negotiate", `user = ":"`); statuses != everythingServed || !strings.Contains(answer, srv.UserDN(t, kdctest.User)) {
		t.Errorf("curl gets%s, want%s:\n%s", statuses, everythingServed, answer)
	}
	if statuses, _ := curl(t, srv, kdctest.User, append(kdc.Env(), "KRB5CCNAME=FILE:/nowhere"), "negotiate", `user = ":"`); statuses != " 401 401 401 401" {
		t.Errorf("without a ticket curl gets%s", statuses)
	}
}
