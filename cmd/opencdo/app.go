package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// globals are the flags of all commands.
type globals struct {
	User             string `help:"Who logs on to servers: an address, an alias or DOMAIN\\user. Default: the owner of the mailbox." placeholder:"USER"`
	PasswordFile     string `help:"File with the user's password; - is standard input. Without it the keyring is asked, then you." placeholder:"FILE"`
	RepoPasswordFile string `help:"File with the repository's password." env:"RESTIC_PASSWORD_FILE" placeholder:"FILE"`
	Server           string `help:"With --mailbox, what the address exchange: stands for: a personalised server name, a host or a URL." placeholder:"SERVER"`
	Mailbox          string `help:"With --server, the mailbox: an alias, an address or a legacy DN." placeholder:"MAILBOX"`
	CA               string `name:"ca" help:"File with certificates (PEM) to trust besides the system's." placeholder:"FILE"`
	Admin            bool   `help:"Open mailboxes of others with administrator rights."`
	Sessions         int    `help:"How many items to read or write at once on a server." placeholder:"N"`
	Quiet            bool   `short:"q" help:"No progress."`
	Verbose          bool   `short:"v" help:"Tell on standard error what is done with servers."`
}

// app is what commands share.
type app struct {
	*globals
	stdin          io.Reader
	stdout, stderr io.Writer
	progress       *progress
	repoPassword   string
}

func newApp(g *globals, stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{globals: g, stdin: stdin, stdout: stdout, stderr: stderr, progress: newProgress(stderr, g.Quiet)}
}

// keyringService is the name under which passwords of servers lie in the keyring.
const keyringService = "opencdo"

func (a *app) config() *opencdo.Config {
	cfg := &opencdo.Config{User: a.User, CAFile: a.CA, Admin: a.Admin, Sessions: a.Sessions,
		Warn: func(m string) { fmt.Fprintln(a.stderr, "warning:", m) },
		Password: func(_ context.Context, user, server string) (string, error) {
			return secret.Source{File: a.PasswordFile, Stdin: a.stdin, Service: keyringService, User: user + "@" + server,
				Prompt: fmt.Sprintf("Password of %s on %s", user, server)}.Get()
		},
		RepositoryPassword: a.repositoryPassword,
	}
	if a.Verbose {
		cfg.Logger = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return cfg
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
	cfg := a.config()
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
	addr, err := opencdo.ParseAddress(address)
	if err != nil {
		return nil, addr, usageError{err.Error()}
	}
	st, err := opencdo.Open(ctx, address, cfg)
	return st, addr, err
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
