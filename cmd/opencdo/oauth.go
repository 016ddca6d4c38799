package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/opencdo/opencdo/internal/oauth"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/mapi"
)

type secretLoginCmd struct {
	Name             string   `arg:"" help:"USER@SERVER, as for passwords: SERVER is the host that is logged on to." placeholder:"NAME"`
	Flow             string   `help:"How: device (a code to enter in a browser anywhere), browser (on this machine), client (the program's own access, without a user)." enum:"device,browser,client" default:"device" placeholder:"FLOW"`
	ClientID         string   `required:"" help:"Identifier under which the program is registered at the authorization server." placeholder:"ID"`
	ClientSecretFile string   `help:"File with the program's secret; - is standard input." placeholder:"FILE"`
	Scope            []string `required:"" help:"What is asked for; may be repeated." placeholder:"SCOPE"`
	Tenant           string   `help:"Microsoft Entra ID's tenant; stands for the three URLs." placeholder:"TENANT"`
	TokenURL         string   `name:"token-url" help:"The authorization server's token endpoint." placeholder:"URL"`
	DeviceURL        string   `name:"device-url" help:"Its device authorization endpoint, for device." placeholder:"URL"`
	AuthorizeURL     string   `name:"authorize-url" help:"Its authorization endpoint, for browser." placeholder:"URL"`
}

func (secretLoginCmd) Help() string {
	return "Gets an OAuth 2.0 access token and keeps it, and what is needed to renew it, in the store of secrets under oauth:USER@SERVER. Commands that log on there as that user use it from then on, unless other credentials are given.\n\nExamples:\n  opencdo secret login alice@contoso.test@mail.contoso.test --client-id 1b730954-1685-4b74-9bfd-dac224a7b894 --tenant contoso.test --scope https://mail.contoso.test/.default --scope offline_access\n  opencdo secret login backup@mail.contoso.test --flow client --client-id 1b730954-1685-4b74-9bfd-dac224a7b894 --client-secret-file secret --token-url https://login.contoso.test/token --scope mail"
}

var flows = map[string]oauth.Flow{"device": oauth.DeviceCode, "browser": oauth.AuthorizationCode, "client": oauth.ClientCredentials}

// Run gets a token.
func (c secretLoginCmd) Run(ctx context.Context, a *app) error {
	store, err := a.secrets()
	if err != nil {
		return err
	}
	l := &oauthLogin{Flow: c.Flow, Endpoint: oauth.Endpoint{Authorize: c.AuthorizeURL, Token: c.TokenURL, Device: c.DeviceURL}, ClientID: c.ClientID,
		Scopes: c.Scope, secrets: store, name: secret.Name("oauth:" + c.Name)}
	switch {
	case c.Tenant != "" && (c.TokenURL != "" || c.DeviceURL != "" || c.AuthorizeURL != ""):
		return usage("either --tenant or the URLs")
	case c.Tenant != "":
		l.Endpoint = oauth.Microsoft(c.Tenant)
	case c.TokenURL == "":
		return usage("--tenant or --token-url is needed")
	}
	if c.ClientSecretFile != "" {
		if l.ClientSecret, err = (secret.Source{File: c.ClientSecretFile, Stdin: a.stdin}).Get(); err != nil {
			return err
		}
	}
	source, err := l.source(a, true)
	if err != nil {
		return usageError{err.Error()}
	}
	if _, err := source.Token(ctx, ""); err != nil {
		return err
	}
	a.printf("kept in %s", store.Where())
	return nil
}

// oauthLogin is what is kept of a login: how it is done, and the tokens.
type oauthLogin struct {
	Flow         string          `json:"flow"`
	Endpoint     oauth.Endpoint  `json:"endpoint"`
	ClientID     string          `json:"client_id"`
	ClientSecret string          `json:"client_secret,omitempty"`
	Scopes       []string        `json:"scopes"`
	Tokens       json.RawMessage `json:"tokens,omitempty"`

	secrets secret.Store
	name    secret.Name
}

// Load implements oauth.Store. An entry has one login's tokens.
func (l *oauthLogin) Load(context.Context, string) ([]byte, error) { return l.Tokens, nil }

// Save implements oauth.Store.
func (l *oauthLogin) Save(_ context.Context, _ string, tokens []byte) error {
	l.Tokens = tokens
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return l.secrets.Set(l.name, string(b))
}

// source gives tokens. Only an interactive one asks a user.
func (l *oauthLogin) source(a *app, interactive bool) (*oauth.Source, error) {
	cfg := oauth.Config{Endpoint: l.Endpoint, Flow: flows[l.Flow], ClientID: l.ClientID, ClientSecret: l.ClientSecret, Scopes: l.Scopes, Store: l,
		Prompt: func(_ context.Context, p oauth.Prompt) error {
			fmt.Fprintf(a.stderr, "Open %s in a browser and enter the code %s before %s.\n", p.URL, p.UserCode, p.Expires.Format(time.TimeOnly))
			return nil
		},
		Browser: func(_ context.Context, url string) error {
			fmt.Fprintf(a.stderr, "If no browser opens, open this on this machine:\n%s\n", url)
			showPage(url)
			return nil
		}}
	if !interactive {
		again := fmt.Errorf("%w: the token can't be renewed any more; run \"opencdo secret login\" for %s again", oauth.ErrDenied, l.name)
		cfg.Prompt = func(context.Context, oauth.Prompt) error { return again }
		cfg.Browser = func(context.Context, string) error { return again }
	}
	return oauth.NewSource(cfg)
}

// showPage opens a page in the user's browser, where there is one. The page is printed as well, so a failure is no harm.
func showPage(url string) {
	command := []string{"xdg-open", url}
	switch {
	case os.Getenv("BROWSER") != "":
		command[0] = os.Getenv("BROWSER")
	case runtime.GOOS == "darwin":
		command[0] = "open"
	case runtime.GOOS == "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	}
	c := exec.Command(command[0], command[1:]...)
	if c.Start() == nil {
		go c.Wait()
	}
}

// storedToken finds the login that "secret login" kept for a user on a server.
func (a *app) storedToken(_ context.Context, user, server string) (func(context.Context, string) (string, error), error) {
	store, err := a.secrets()
	if err != nil {
		return nil, nil // the password will tell
	}
	name := secret.TokenName(user, server)
	text, err := store.Get(name)
	switch {
	case errors.Is(err, secret.ErrWrongPassphrase):
		return nil, err
	case err != nil:
		return nil, nil // there is none, or no keyring
	}
	l := &oauthLogin{secrets: store, name: name}
	if err := json.Unmarshal([]byte(text), l); err != nil {
		return nil, &mapi.Error{Op: "use stored token", Object: string(name), Code: mapi.ErrCorruptData, Err: errors.New("it isn't of \"opencdo secret login\"")}
	}
	source, err := l.source(a, false)
	if err != nil {
		return nil, err
	}
	return source.Token, nil
}
