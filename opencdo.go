// Package opencdo opens message stores: Exchange mailboxes, embedded store files, folders of .msg files, backup snapshots.
//
// A store is named by an address, such as "exchange:admin@GUID@contoso.test" or "local:alice.db"; [Open] gives it as a
// mapi.Store, whatever it is.
package opencdo

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/internal/emldir"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/internal/msgdir"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// Config says how stores are opened. The zero value opens what needs no credentials.
type Config struct {
	// Home is where settings lie; empty: OPENCDO_HOME or the operating system's place.
	Home string
	// User is who logs on to servers: an SMTP address, an alias or DOMAIN\user. Empty: the owner of the mailbox.
	User string
	// Password gives the user's password for a server. It is asked once for each store.
	Password func(ctx context.Context, user, server string) (string, error)
	// RepositoryPassword gives the password of a backup repository.
	RepositoryPassword func(ctx context.Context, repository string) (string, error)
	// Auth says how the user authenticates otherwise.
	Auth Auth
	// Secrets keeps what static profiles have of secrets, and passwords of storage; nil: they have none.
	Secrets SecretStore
	// Transports are those that may be used, in order: "mapihttp", "rpchttp", "rpctcp". Empty: as settings say.
	Transports []string
	// MapperPort is the port of endpoint mappers, for "rpctcp"; 0: 135.
	MapperPort int
	// Trace is told each step of a logon.
	Trace func(Step)
	// Examine has a logon look at each layer by itself (names, connections, certificates, what servers offer), and try all
	// transports though the first would do. What is found goes to Trace; how the logon ends is the same.
	Examine bool
	// CAFile is a file of certificates (PEM) to trust besides the system's.
	CAFile string
	// Admin asks for administrator rights, to open mailboxes of others.
	Admin bool
	// Sessions is how many items may be read or written at once; 0: the provider's default.
	Sessions int
	// ReadOnly promises not to write, where that makes a difference.
	ReadOnly bool
	// Warn is told what the user should know though it is no error: a certificate that wasn't checked, for example.
	Warn   func(message string)
	Logger *slog.Logger
}

// SecretStore keeps secrets by name: a keyring or an encrypted file.
type SecretStore = secret.Store

func (cfg *Config) debug(message string, err error) {
	if cfg.Logger != nil {
		cfg.Logger.Debug(message, "error", err)
	}
}

func (cfg *Config) warn(message string) {
	if cfg.Warn != nil {
		cfg.Warn(message)
	}
}

// repositoryPassword asks for the password of a repository.
func (cfg *Config) repositoryPassword(repository string) backup.Password {
	if cfg.RepositoryPassword == nil {
		return nil
	}
	return func(ctx context.Context) (string, error) { return cfg.RepositoryPassword(ctx, repository) }
}

// home is the folder of the settings.
func (cfg *Config) home() (string, error) {
	if cfg.Home != "" {
		return cfg.Home, nil
	}
	return settings.Home()
}

// Open opens the store of an address; the path in the address, if any, is left to the caller ([Find]). Errors answer
// errors.Is for the codes of package mapi, among them ErrLogonFailed (wrong password), ErrNotFound (no such mailbox or
// file), ErrAmbiguous (an alias of several), ErrNetwork (not reachable, or no way known), and for what crypto/x509 says of
// certificates.
func Open(ctx context.Context, address string, cfg *Config) (mapi.Store, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	a, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	switch a.Scheme {
	case SchemeProfile:
		return openProfile(ctx, a.Name, cfg)
	case SchemeExchange:
		return openExchange(ctx, a.Info, cfg)
	case SchemeLocal:
		return localstore.Open(ctx, filepath.Clean(a.Name))
	case SchemeMsg:
		return msgdir.Open(ctx, filepath.Clean(a.Name), msgdir.Config{ReadOnly: cfg.ReadOnly,
			Report: func(file string, problem *mapi.Error) { cfg.warn(file + ": " + problem.Error()) }})
	case SchemeEml:
		return emldir.Open(filepath.Clean(a.Name), emldir.Config{Write: !cfg.ReadOnly, Damage: func(path string, e *mapi.Error) error {
			cfg.warn(path + ": " + e.Error())
			return nil
		}})
	case SchemeSnapshot:
		return backup.Storage{Secrets: cfg.Secrets, CAFile: cfg.CAFile}.OpenAddress(ctx, a.Name, cfg.repositoryPassword(a.Name))
	}
	return nil, &mapi.Error{Op: "open", Object: address, Code: mapi.ErrNoSupport, Err: errors.New("this kind of store cannot be opened yet")}
}
