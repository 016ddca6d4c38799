package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// globals are the flags of all commands.
type globals struct {
	User             string `help:"Who logs on to servers: an address, an alias or DOMAIN\\user. Default: the owner of the mailbox." placeholder:"USER"`
	PasswordFile     string `help:"File with the user's password; - is standard input. Without it the stored secrets are asked, then you." placeholder:"FILE"`
	RepoPasswordFile string `help:"File with the repository's password." env:"RESTIC_PASSWORD_FILE" placeholder:"FILE"`
	Server           string `help:"With --mailbox, what the address exchange: stands for: a personalised server name, a host or a URL." placeholder:"SERVER"`
	Mailbox          string `help:"With --server, the mailbox: an alias, an address or a legacy DN." placeholder:"MAILBOX"`
	Profile          string `help:"The static profile that the address profile: stands for. Default: the default profile." placeholder:"NAME"`
	CA               string `name:"ca" help:"File with certificates (PEM) to trust besides the system's." placeholder:"FILE"`
	Admin            bool   `help:"Open mailboxes of others with administrator rights."`
	Sessions         int    `help:"How many items to read or write at once on a server." placeholder:"N"`
	Quiet            bool   `short:"q" help:"No progress."`
	Verbose          bool   `short:"v" help:"Tell on standard error what is done with servers."`

	connectFlags `group:"connect"`
	authFlags    `group:"auth"`
}

// connectFlags say how servers are reached.
type connectFlags struct {
	Transport  []string `help:"Transports that may be used, in order: mapihttp, rpchttp, rpctcp. Default: as the settings say." placeholder:"T"`
	MapperPort int      `help:"Port of the endpoint mapper for rpctcp. Default: 135." placeholder:"PORT"`
}

// authFlags say how users prove who they are, besides by a password.
type authFlags struct {
	Auth        []string `help:"Ways to authenticate in HTTP that may be used: basic, ntlm, negotiate, bearer, certificate. Default: all that profile, map and server allow." placeholder:"SCHEME"`
	RPCAuth     string   `name:"rpc-auth" help:"Authentication in RPC: none, ntlm, negotiate, kerberos. Default: as profile or map say." placeholder:"PACKAGE"`
	RPCLevel    string   `name:"rpc-level" help:"Authentication level in RPC: connect, packet, integrity, privacy. Default: privacy, unless the profile wants no encryption." placeholder:"LEVEL"`
	Kerberos    bool     `help:"Use Kerberos tickets: with --password-file got for that password, else those of the credential cache that KRB5CCNAME names."`
	Keytab      string   `help:"Use Kerberos tickets got by the user's key in this file." placeholder:"FILE"`
	Ccache      string   `help:"Use the Kerberos tickets in this credential cache." placeholder:"FILE"`
	Krb5Conf    string   `name:"krb5-conf" help:"Kerberos configuration. Default: that of KRB5_CONFIG, /etc/krb5.conf." placeholder:"FILE"`
	Realm       string   `help:"Kerberos realm. Default: that of the user's name, or the configuration's." placeholder:"REALM"`
	TokenFile   string   `help:"File with an OAuth access token; it is read again when the server refuses the token." placeholder:"FILE"`
	ClientCert  string   `help:"Client certificate (PEM)." placeholder:"FILE"`
	ClientKey   string   `help:"Its key (PEM). Default: in the same file." placeholder:"FILE"`
	CurrentUser bool     `help:"Log on as whoever runs the program; on Windows only."`
}

// app is what commands share.
type app struct {
	*globals
	stdin          io.Reader
	stdout, stderr io.Writer
	progress       *progress
	repoPassword   string
	passwords      passwords
}

// passwords are those of users, each asked for once however many mailboxes it opens.
type passwords struct {
	mu    sync.Mutex
	known map[string]string
}

func (p *passwords) get(who string, ask func() (string, error)) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.known[who]; ok {
		return s, nil
	}
	s, err := ask()
	if err != nil {
		return "", err
	}
	if p.known == nil {
		p.known = map[string]string{}
	}
	p.known[who] = s
	return s, nil
}

func newApp(g *globals, stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{globals: g, stdin: stdin, stdout: stdout, stderr: stderr, progress: newProgress(stderr, g.Quiet)}
}

func (a *app) config() *opencdo.Config {
	warn := func(m string) { fmt.Fprintln(a.stderr, "warning:", m) }
	cfg := &opencdo.Config{User: a.User, CAFile: a.CA, Admin: a.Admin, Sessions: a.Sessions, Transports: a.Transport, MapperPort: a.MapperPort,
		Auth: a.auth(), Password: a.password, RepositoryPassword: a.repositoryPassword, Warn: warn}
	store, err := a.secrets()
	if err != nil {
		warn("stored secrets aren't used: " + err.Error())
	}
	cfg.Secrets = store
	if a.Verbose {
		cfg.Logger = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return cfg
}

// password is that of a user on a server.
func (a *app) password(_ context.Context, user, server string) (string, error) {
	store, err := a.secrets()
	if err != nil && a.PasswordFile == "" {
		return "", err
	}
	return a.passwords.get(user+"@"+server, func() (string, error) {
		return secret.Source{File: a.PasswordFile, Stdin: a.stdin, Store: store, Name: secret.PasswordName(user, server),
			Prompt: fmt.Sprintf("Password of %s on %s", user, server)}.Get()
	})
}

// auth is what the flags say of authentication.
func (a *app) auth() opencdo.Auth {
	auth := opencdo.Auth{Schemes: a.Auth, RPC: a.RPCAuth, RPCLevel: a.RPCLevel, CertificateFile: a.ClientCert, KeyFile: a.ClientKey, CurrentUser: a.CurrentUser}
	if a.Kerberos || a.Keytab != "" || a.Ccache != "" {
		auth.Kerberos = &opencdo.Kerberos{Realm: a.Realm, KeytabFile: a.Keytab, CredentialCache: a.Ccache, ConfigFile: a.Krb5Conf,
			Password: a.PasswordFile != "" && a.Keytab == "" && a.Ccache == ""}
	}
	switch {
	case a.TokenFile != "":
		auth.Token = func(context.Context, string) (string, error) {
			return secret.Source{File: a.TokenFile, Stdin: a.stdin}.Get()
		}
	case a.PasswordFile == "" && auth.Kerberos == nil && !a.CurrentUser && a.ClientCert == "": // else the user has chosen
		auth.TokenFor = a.storedToken
	}
	return auth
}

// repositoryPassword is asked for once in a run.
func (a *app) repositoryPassword(context.Context, string) (string, error) {
	if a.repoPassword != "" {
		return a.repoPassword, nil
	}
	p, err := secret.Source{File: a.RepoPasswordFile, Stdin: a.stdin, Prompt: "Password of the repository"}.Get()
	a.repoPassword = p
	return p, err
}

// access is what a command does with a store.
type access bool

const (
	reading access = false
	writing access = true
)

// open opens the store of an address.
func (a *app) open(ctx context.Context, address string, w access) (mapi.Store, opencdo.Address, error) {
	return a.openWith(ctx, a.config(), address, w)
}

func (a *app) openWith(ctx context.Context, cfg *opencdo.Config, address string, w access) (mapi.Store, opencdo.Address, error) {
	cfg.ReadOnly = w == reading
	if path, ok := strings.CutPrefix(address, string(opencdo.SchemeExchange)+":"); ok && (path == "" || strings.HasPrefix(path, "//")) {
		if a.Server == "" || a.Mailbox == "" {
			return nil, opencdo.Address{}, usage("the address %s needs --server and --mailbox", address)
		}
		addr := opencdo.Address{Scheme: opencdo.SchemeExchange, Name: a.Mailbox + "@" + a.Server,
			Info: profile.Info{Server: a.Server, Mailbox: a.Mailbox}, Path: strings.Trim(path, "/")}
		st, err := opencdo.OpenProfile(ctx, addr.Info, cfg)
		return st, addr, err
	}
	if path, ok := strings.CutPrefix(address, string(opencdo.SchemeProfile)+":"); ok && (path == "" || strings.HasPrefix(path, "//")) {
		name, err := a.profileName()
		if err != nil {
			return nil, opencdo.Address{}, err
		}
		address = string(opencdo.SchemeProfile) + ":" + name + path
	}
	addr, err := opencdo.ParseAddress(address)
	if err != nil {
		return nil, addr, usageError{err.Error()}
	}
	st, err := opencdo.Open(ctx, address, cfg)
	return st, addr, err
}

// profileName is that of --profile, or of the default profile.
func (a *app) profileName() (string, error) {
	if a.Profile != "" {
		return a.Profile, nil
	}
	d, _, err := a.profiles()
	if err != nil {
		return "", err
	}
	name, err := d.Default()
	if err == nil && name == "" {
		err = usage("the address profile: needs --profile, for there is no default profile")
	}
	return name, err
}

// openPlace opens a store and finds the folder or item that the address names.
func (a *app) openPlace(ctx context.Context, address string, w access) (mapi.Store, *opencdo.Place, error) {
	st, addr, err := a.open(ctx, address, w)
	if err != nil {
		return nil, nil, err
	}
	p, err := opencdo.Find(ctx, st, addr.Path)
	if err != nil {
		st.Close()
		return nil, nil, err
	}
	return st, p, nil
}

// json prints a fact for programs.
func (a *app) json(v any) error {
	a.progress.done()
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// note tells people something beside what was asked for.
func (a *app) note(text string) {
	a.progress.done()
	fmt.Fprintln(a.stderr, "note:", text)
}

// printf prints a line for people.
func (a *app) printf(format string, args ...any) {
	a.progress.done()
	fmt.Fprintf(a.stdout, format+"\n", args...)
}

var version = "0.1.0-dev"

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	a.printf("opencdo %s", version)
	return nil
}
