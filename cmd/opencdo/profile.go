package main

import (
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

type profileCmd struct {
	Create  profileCreateCmd  `cmd:"" help:"Make a static profile."`
	List    profileListCmd    `cmd:"" help:"List the static profiles."`
	Show    profileShowCmd    `cmd:"" help:"Show a profile, or with --resolve the connection that it comes to."`
	Edit    profileEditCmd    `cmd:"" help:"Change a profile."`
	Copy    profileCopyCmd    `cmd:"" help:"Copy a profile with its passwords."`
	Rename  profileRenameCmd  `cmd:"" help:"Rename a profile."`
	Remove  profileRemoveCmd  `cmd:"" help:"Remove a profile with its passwords."`
	Default profileDefaultCmd `cmd:"" help:"Print the default profile, or make one that."`
	Import  profileImportCmd  `cmd:"" help:"Make profiles of a .prf file, or of a .reg file that regedit exported."`
}

func (profileCmd) Help() string {
	return "A static profile has services (Exchange, PST files), and properties with MAPI's names, tags and values; docs/settings.md describes them. Profiles lie in the folder profiles in OPENCDO_HOME, one readable file each; passwords lie in the store of secrets (\"opencdo secret --help\").\n\nExamples:\n  opencdo profile create work --server 8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.test --mailbox alice --proxy mail.contoso.test --http-auth basic\n  opencdo profile import outlook.prf\n  opencdo profile show work --resolve\n  opencdo profile default work"
}

// profiles gives the place of profiles with its store of secrets, and the settings.
func (a *app) profiles() (*profile.Dir, *settings.Settings, error) {
	set, folder, err := loadSettings()
	if err != nil {
		return nil, nil, err
	}
	store, err := a.secrets()
	if err != nil {
		return nil, nil, err
	}
	return profile.Open(folder, store), set, nil
}

// connection is what a profile and the settings come to.
func (a *app) connection(name string) (*profile.Connection, error) {
	d, set, err := a.profiles()
	if err != nil {
		return nil, err
	}
	p, err := d.Load(name)
	if err != nil {
		return nil, err
	}
	return p.Connection(set)
}

// profileFlags are what create and edit have in common. --server, --mailbox, --user, --admin and --rpc-auth say the usual things.
type profileFlags struct {
	SMTP              string   `name:"smtp" help:"SMTP address of the mailbox." placeholder:"ADDRESS"`
	Proxy             string   `help:"Host that serves the server (PR_ROH_PROXY_SERVER), perhaps with https:// before it." placeholder:"HOST"`
	NoTLS             bool     `name:"no-tls" help:"The proxy has no TLS."`
	HTTPAuth          string   `name:"http-auth" help:"How to authenticate to the proxy: basic, ntlm, negotiate, digest, certificate." placeholder:"SCHEME"`
	Principal         string   `help:"Name that the proxy's certificate must have, if not the proxy's own (msstd:HOST)." placeholder:"NAME"`
	IgnoreCertificate bool     `help:"Accept any certificate of the proxy."`
	IgnoreNoPF        bool     `name:"ignore-no-pf" help:"Log on though the organisation may have no public folders."`
	Set               []string `help:"Set a property, by its MAPI name or tag; may be repeated." placeholder:"PROPERTY=VALUE" sep:"none"`
	Section           string   `help:"The section of --set and --unset: exchange, profile, outlook or a UID." default:"exchange" placeholder:"SECTION"`
	PST               []string `name:"pst" help:"Add a PST file; may be repeated." placeholder:"FILE" sep:"none"`
	Service           []string `help:"Add a service by its name in mapisvc.inf; may be repeated." placeholder:"NAME" sep:"none"`
	SetPassword       bool     `help:"Keep a password for --user: that of --password-file, or the one you are asked for."`
}

type profileCreateCmd struct {
	profileFlags
	Name    string `arg:"" help:"Name of the profile." placeholder:"NAME"`
	Default bool   `help:"Make it the default profile."`
}

func (profileCreateCmd) Help() string {
	return "Without --mailbox, --server or --smtp the profile has no Exchange service.\n\nExamples:\n  opencdo profile create work --server 8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.test --mailbox alice --proxy mail.contoso.test --http-auth negotiate --default\n  opencdo profile create cloud --smtp alice@contoso.test --user alice@contoso.test --set-password\n  opencdo profile create old --server EXCH2010 --mailbox alice --set PR_PROFILE_CONNECT_FLAGS=0x8000\n  opencdo profile create archive --pst 2019.pst"
}

// Run makes a profile.
func (c profileCreateCmd) Run(a *app) error {
	d, _, err := a.profiles()
	if err != nil {
		return err
	}
	p, err := profile.New(c.Name)
	if err != nil {
		return usageError{err.Error()}
	}
	if a.Server != "" || a.Mailbox != "" || c.SMTP != "" {
		if _, err := p.AddService(profile.MSEMS); err != nil {
			return err
		}
	}
	if err := c.apply(a, p); err != nil {
		return err
	}
	if err := d.Create(p); err != nil {
		return err
	}
	if c.Default {
		return d.SetDefault(p.Name)
	}
	return nil
}

type profileListCmd struct {
	JSON bool `name:"json" help:"Print facts for programs."`
}

func (profileListCmd) Help() string {
	return "Examples:\n  opencdo profile list\n  opencdo profile list --json"
}

// Run lists profiles. One that cannot be read is named, and the others follow.
func (c profileListCmd) Run(a *app) error {
	d, set, err := a.profiles()
	if err != nil {
		return err
	}
	standard, err := d.Default()
	if err != nil {
		return err
	}
	type listed struct {
		Name     string   `json:"name"`
		Default  bool     `json:"default"`
		Services []string `json:"services"`
		Mailbox  string   `json:"mailbox,omitempty"`
		Server   string   `json:"server,omitempty"`
	}
	facts, damaged := []listed{}, 0
	for p, err := range d.All() {
		if err != nil {
			damaged++
			fmt.Fprintln(a.stderr, "opencdo:", err)
			continue
		}
		f := listed{Name: p.Name, Default: standard == p.Name, Services: []string{}}
		for _, s := range p.Services() {
			f.Services = append(f.Services, s.Name)
		}
		if conn, err := p.Connection(set); err == nil {
			f.Mailbox, f.Server = conn.Mailbox, conn.Server
		}
		facts = append(facts, f)
		if !c.JSON {
			mark := " "
			if f.Default {
				mark = "*"
			}
			a.printf("%s %-24s %s", mark, clean(f.Name), clean(f.Mailbox+" "+f.Server))
		}
	}
	if c.JSON {
		if err := a.json(facts); err != nil {
			return err
		}
	}
	if damaged > 0 {
		return incomplete{fmt.Sprintf("%d profiles cannot be read", damaged)}
	}
	return nil
}

type profileCopyCmd struct {
	From string `arg:"" help:"The profile to copy." placeholder:"FROM"`
	To   string `arg:"" help:"The name of the copy." placeholder:"TO"`
}

func (profileCopyCmd) Help() string { return "Examples:\n  opencdo profile copy work travel" }

// Run copies a profile.
func (c profileCopyCmd) Run(a *app) error {
	d, _, err := a.profiles()
	if err != nil {
		return err
	}
	return d.Copy(c.From, c.To)
}

type profileRenameCmd struct {
	From string `arg:"" help:"The profile." placeholder:"FROM"`
	To   string `arg:"" help:"Its new name." placeholder:"TO"`
}

func (profileRenameCmd) Help() string { return "Examples:\n  opencdo profile rename Outlook work" }

// Run renames a profile.
func (c profileRenameCmd) Run(a *app) error {
	d, _, err := a.profiles()
	if err != nil {
		return err
	}
	return d.Rename(c.From, c.To)
}

type profileRemoveCmd struct {
	Name string `arg:"" help:"The profile." placeholder:"NAME"`
}

func (profileRemoveCmd) Help() string { return "Examples:\n  opencdo profile remove old" }

// Run removes a profile.
func (c profileRemoveCmd) Run(a *app) error {
	d, _, err := a.profiles()
	if err != nil {
		return err
	}
	return d.Remove(c.Name)
}

type profileDefaultCmd struct {
	Name string `arg:"" optional:"" help:"The profile that is to be the default one." placeholder:"NAME"`
	None bool   `help:"There is to be no default profile."`
	JSON bool   `name:"json" help:"Print facts for programs."`
}

func (profileDefaultCmd) Help() string {
	return "Examples:\n  opencdo profile default\n  opencdo profile default work\n  opencdo profile default --none"
}

// Run prints or changes the default profile.
func (c profileDefaultCmd) Run(a *app) error {
	d, _, err := a.profiles()
	if err != nil {
		return err
	}
	switch {
	case c.None && c.Name != "":
		return usage("either a name or --none")
	case c.None || c.Name != "":
		return d.SetDefault(c.Name)
	}
	name, err := d.Default()
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(struct {
			Default string `json:"default"`
		}{name})
	}
	if name == "" {
		return &mapi.Error{Op: "default profile", Code: mapi.ErrNotFound, Err: errors.New("there is none")}
	}
	a.printf("%s", clean(name))
	return nil
}
