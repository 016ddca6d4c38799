package main

import (
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
)

type secretCmd struct {
	Set    secretSetCmd    `cmd:"" help:"Keep a password."`
	Login  secretLoginCmd  `cmd:"" help:"Get an OAuth access token and keep it."`
	List   secretListCmd   `cmd:"" help:"List the names of what is kept."`
	Remove secretRemoveCmd `cmd:"" help:"Forget a password."`
}

func (secretCmd) Help() string {
	return "Passwords lie in the operating system's keyring, or in the encrypted file secrets.json in OPENCDO_HOME. The file is used where its passphrase is at hand: in the file that OPENCDO_PASSPHRASE_FILE names, or in the systemd credential opencdo-passphrase. The setting \"Secret Store\" chooses one of them for good.\n\nA password of a user on a server has the name USER@SERVER, where SERVER is the host that is logged on to. Tokens have names with oauth: before that, passwords of profiles names with profile:.\n\nExamples:\n  opencdo secret set alice@contoso.test@mail.contoso.test\n  opencdo secret set alice@contoso.test@mail.contoso.test --password-file -\n  opencdo secret list"
}

// secrets is the store of secrets that the settings and the environment choose.
func (a *app) secrets() (secret.Store, error) {
	set, folder, err := loadSettings()
	if err != nil {
		return nil, err
	}
	return secret.Open(folder, set.TextOf(settings.SecretStore))
}

type secretSetCmd struct {
	Name string `arg:"" help:"USER@SERVER." placeholder:"NAME"`
}

func (secretSetCmd) Help() string {
	return "The password comes from --password-file (- is standard input), or you are asked.\n\nExamples:\n  opencdo secret set alice@contoso.test@mail.contoso.test\n  pass show mail | opencdo secret set alice@mail.contoso.test --password-file -"
}

// Run keeps a password.
func (c secretSetCmd) Run(a *app) error {
	store, err := a.secrets()
	if err != nil {
		return err
	}
	p, err := a.newPassword(c.Name)
	if err != nil {
		return err
	}
	if err := store.Set(secret.Name(c.Name), p); err != nil {
		return err
	}
	a.printf("kept in %s", store.Where())
	return nil
}

type secretListCmd struct {
	JSON bool `name:"json" help:"Print facts for programs."`
}

func (secretListCmd) Help() string {
	return "Examples:\n  opencdo secret list\n  opencdo secret list --json"
}

// Run lists names.
func (c secretListCmd) Run(a *app) error {
	store, err := a.secrets()
	if err != nil {
		return err
	}
	list, err := store.List()
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(struct {
			Where string        `json:"where"`
			Names []secret.Name `json:"names"`
		}{store.Where(), append([]secret.Name{}, list...)})
	}
	for _, n := range list {
		a.printf("%s", clean(string(n)))
	}
	if len(list) == 0 {
		a.printf("nothing is kept in %s", store.Where())
	}
	return nil
}

type secretRemoveCmd struct {
	Name string `arg:"" help:"A name of \"opencdo secret list\"." placeholder:"NAME"`
}

func (secretRemoveCmd) Help() string {
	return "Examples:\n  opencdo secret remove alice@contoso.test@mail.contoso.test"
}

// Run forgets a password.
func (c secretRemoveCmd) Run(a *app) error {
	store, err := a.secrets()
	if err != nil {
		return err
	}
	return store.Remove(secret.Name(c.Name))
}
