package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencdo/opencdo/internal/directory"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/internal/mailimport"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/mapi"
)

type serveCmd struct {
	Run    serveRunCmd    `cmd:"" default:"withargs" help:"Serve the mailboxes of a data directory."`
	User   serveUserCmd   `cmd:"" help:"Manage users."`
	Import serveImportCmd `cmd:"" help:"Put .msg and .eml files into a mailbox."`
}

func (serveCmd) Help() string {
	return "Examples:\n  opencdo serve user add alice --data /srv/opencdo --name \"Alice Adams\"\n  opencdo serve import alice mails/ --data /srv/opencdo\n  opencdo serve --data /srv/opencdo --listen 127.0.0.1:8443\n  opencdo serve run --help"
}

// dataFlag is the data directory of the server.
type dataFlag struct {
	Data   string `required:"" help:"Data directory: users, mailboxes and certificates." placeholder:"DIR"`
	Domain string `help:"Mail domain of a new data directory." default:"contoso.test" placeholder:"DOMAIN"`
}

// open opens the data directory, making it where it isn't there.
func (d dataFlag) open(ctx context.Context) (*directory.Directory, error) {
	dir, err := directory.Open(ctx, d.Data)
	if errors.Is(err, mapi.ErrNotFound) {
		return directory.Create(ctx, d.Data, d.Domain)
	}
	return dir, err
}

type serveUserCmd struct {
	Add    userAddCmd    `cmd:"" help:"Add a user with an empty mailbox."`
	List   userListCmd   `cmd:"" help:"List users."`
	Remove userRemoveCmd `cmd:"" help:"Remove a user; the mailbox file stays."`
	Passwd userPasswdCmd `cmd:"" help:"Change a user's password."`
}

// newPassword comes from a file, standard input or a prompt, never from an argument.
func (a *app) newPassword(user string) (string, error) {
	if a.PasswordFile != "" {
		return secret.Source{File: a.PasswordFile, Stdin: a.stdin}.Get()
	}
	p, err := secret.Ask("New password of " + user)
	if err != nil {
		return "", err
	}
	again, err := secret.Ask("Once more")
	if err == nil && again != p {
		err = errors.New("the two passwords differ")
	}
	return p, err
}

type userAddCmd struct {
	dataFlag
	Name     string `name:"name" help:"Display name." placeholder:"NAME"`
	Database string `help:"Database that the address book names as the mailbox's home." placeholder:"NAME"`
	Alias    string `arg:"" name:"user" help:"Alias of the user: the part of the address before the @." placeholder:"USER"`
}

// Run adds a user.
func (c userAddCmd) Run(ctx context.Context, a *app) error {
	dir, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer dir.Close()
	p, err := a.newPassword(c.Alias)
	if err != nil {
		return err
	}
	u, err := dir.Add(ctx, directory.NewUser{Alias: c.Alias, DisplayName: c.Name, Password: p, Admin: a.Admin, Database: c.Database})
	if err != nil {
		return err
	}
	a.printf("%s <%s>, mailbox %s@%s", u.DisplayName, u.SMTPAddress, u.Mailbox, dir.Domain())
	return nil
}

type userListCmd struct {
	dataFlag
	JSON bool `name:"json" help:"Print facts for programs."`
}

// Run lists users.
func (c userListCmd) Run(ctx context.Context, a *app) error {
	dir, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer dir.Close()
	users, err := dir.Users(ctx)
	if err != nil {
		return err
	}
	type fact struct {
		Alias    string `json:"alias"`
		Name     string `json:"name"`
		SMTP     string `json:"smtp"`
		DN       string `json:"dn"`
		Mailbox  string `json:"mailbox"` // personalised server name
		Admin    bool   `json:"admin"`
		Database string `json:"database"`
	}
	facts := []fact{}
	for _, u := range users {
		facts = append(facts, fact{u.Alias, u.DisplayName, u.SMTPAddress, u.LegacyDN, u.Mailbox.String() + "@" + dir.Domain(), u.Admin, u.Database})
	}
	if c.JSON {
		return a.json(facts)
	}
	for _, f := range facts {
		admin := ""
		if f.Admin {
			admin = "  administrator"
		}
		a.printf("%-16s %-24s %-28s %s  %s%s", f.Alias, clean(f.Name), f.SMTP, f.Mailbox, clean(f.Database), admin)
	}
	return nil
}

type userRemoveCmd struct {
	dataFlag
	Alias string `arg:"" name:"user" help:"Alias of the user." placeholder:"USER"`
}

// Run removes a user.
func (c userRemoveCmd) Run(ctx context.Context, a *app) error {
	dir, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer dir.Close()
	file, err := dir.Remove(ctx, c.Alias)
	if err != nil {
		return err
	}
	a.printf("removed %s; the mailbox is still in %s", c.Alias, file)
	return nil
}

type userPasswdCmd struct {
	dataFlag
	Alias string `arg:"" name:"user" help:"Alias of the user." placeholder:"USER"`
}

// Run changes a password.
func (c userPasswdCmd) Run(ctx context.Context, a *app) error {
	dir, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer dir.Close()
	p, err := a.newPassword(c.Alias)
	if err != nil {
		return err
	}
	return dir.SetPassword(ctx, c.Alias, p)
}

type serveImportCmd struct {
	dataFlag
	Mailbox string   `arg:"" help:"Alias or address of the mailbox's owner." placeholder:"MAILBOX"`
	Paths   []string `arg:"" help:".msg and .eml files, and folders of them." placeholder:"PATH"`
	JSON    bool     `name:"json" help:"Print the result for programs: imported, a count, and failed, a list of file and reason."`
}

// Run imports files.
func (c serveImportCmd) Run(ctx context.Context, a *app) error {
	dir, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer dir.Close()
	alias, domain, found := strings.Cut(c.Mailbox, "@")
	if found && !strings.EqualFold(domain, dir.Domain()) {
		return &mapi.Error{Op: "find mailbox", Object: c.Mailbox, Code: mapi.ErrUnknownUser, Err: fmt.Errorf("the server is for %s", dir.Domain())}
	}
	u, err := dir.User(ctx, alias)
	if err != nil {
		return err
	}
	st, err := localstore.Open(ctx, dir.MailboxPath(u.Mailbox))
	if err != nil {
		return err
	}
	defer st.Close()
	for _, p := range c.Paths {
		if _, err := os.Stat(filepath.Clean(p)); err != nil {
			return &mapi.Error{Op: "import", Object: p, Code: mapi.ErrNotFound, Err: err}
		}
	}
	r, err := mailimport.Import(ctx, st, c.Paths, mailimport.Options{Progress: func(p mailimport.Progress) { a.progress.show(p.File, p.Done, p.Total, 0) }})
	if err != nil {
		return err
	}
	if c.JSON {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		for _, f := range r.Warnings {
			a.printf("note: %s: %s", clean(f.File), clean(f.Reason))
		}
		for _, f := range r.Failed {
			a.printf("failed: %s: %s", clean(f.File), clean(f.Reason))
		}
		a.printf("%d items imported, %d files failed", r.Imported, len(r.Failed))
	}
	lost := 0
	for _, f := range r.Warnings {
		if f.Lost {
			lost++
		}
	}
	if len(r.Failed) > 0 || lost > 0 {
		return incomplete{fmt.Sprintf("%d files could not be imported, %d losses in others", len(r.Failed), lost)}
	}
	return nil
}
