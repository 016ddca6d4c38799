package opencdo

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/connect"
	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// NoProxyError means that nothing says how a server is reached: no entry of RpcHttpProxyMap matches it. It answers
// errors.Is for mapi.ErrNetwork, as MAPI/CDO said then.
type NoProxyError = connect.NoProxyError

// VersionRefusedError means that the server doesn't want clients of this version. It answers errors.Is for
// mapi.ErrFailOneProvider, as MAPI/CDO said then.
type VersionRefusedError = connect.VersionRefusedError

// Step is something that was done on the way to a mailbox.
type Step = connect.Step

// StepResolve is the step that finds a name in the address book.
const StepResolve = connect.StepResolve

// Auth says how a user proves to servers who they are, besides by Config.Password. The zero value leaves it to profile and server.
type Auth struct {
	// Schemes are the ways that may be used in HTTP: "basic", "ntlm", "negotiate", "bearer", "certificate". Empty: all that
	// profile and server allow.
	Schemes []string
	// RPC is authentication in RPC: "none", "ntlm", "negotiate" or "kerberos"; empty: as profile or map say.
	RPC string
	// RPCLevel is "connect", "packet", "integrity" or "privacy"; empty: privacy, unless the profile wants no encryption.
	RPCLevel string
	// Kerberos gets tickets; nil: none are used.
	Kerberos *Kerberos
	// Token gives an access token (OAuth 2.0); refused, where it isn't empty, is one that the server didn't take.
	Token func(ctx context.Context, refused string) (string, error)
	// TokenFor gives what Token would be for a user on a server, nil where there is none. It is asked where Token is nil.
	TokenFor func(ctx context.Context, user, server string) (func(ctx context.Context, refused string) (string, error), error)
	// CertificateFile and KeyFile are a client certificate and its key (PEM).
	CertificateFile, KeyFile string
	// CurrentUser logs on whoever runs the program, on Windows.
	CurrentUser bool
}

// Kerberos says where a user's tickets come from: a keytab, a credential cache, or the user's password. With nothing set it is
// the credential cache that KRB5CCNAME names.
type Kerberos struct {
	Realm           string // empty: the default one, or that of the user's name
	KeytabFile      string
	CredentialCache string
	ConfigFile      string // krb5.conf; empty: KRB5_CONFIG, /etc/krb5.conf
	Password        bool   // use Config.Password
}

// ErrNoTickets means that there is nothing to get Kerberos tickets with.
var ErrNoTickets = connect.ErrNoTickets

// openExchange logs on as CDO did with a dynamic profile. The profile exists, under a random name, as long as the store is open.
func openExchange(ctx context.Context, info profile.Info, cfg *Config) (mapi.Store, error) {
	home, set, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	way, err := info.Connection(set)
	if err != nil {
		cfg.step(stepProfile, "dynamic", err, "")
		return nil, err
	}
	cfg.override(way)
	cfg.profileStep("dynamic", way)
	var temporary *profile.TemporaryProfile
	if p, err := profile.NewDynamic(info, set); err == nil {
		if temporary, err = profile.Temporary(home, p, cfg.Secrets); err != nil {
			cfg.debug("no file for the dynamic profile", err)
		}
	}
	st, err := cfg.connect(ctx, home, way)
	if err != nil || temporary == nil {
		if temporary != nil {
			temporary.Close()
		}
		if err != nil {
			return nil, err // a nil *exchange.Store must not become a mapi.Store
		}
		return st, nil
	}
	return &dynamic{st, temporary}, nil
}

// dynamic is a mailbox that was opened by a dynamic profile.
type dynamic struct {
	*exchange.Store
	profile *profile.TemporaryProfile
}

// Close implements mapi.Store.
func (d *dynamic) Close() error { return errors.Join(d.Store.Close(), d.profile.Close()) }

// openProfile logs on by a static profile; an empty name is that of the default one.
func openProfile(ctx context.Context, name string, cfg *Config) (mapi.Store, error) {
	home, set, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	dir := profile.Open(home, cfg.Secrets)
	p, err := dir.Load(name)
	if err != nil {
		cfg.step(stepProfile, name, err, "")
		return nil, err
	}
	way, err := p.Connection(set)
	if err != nil {
		cfg.step(stepProfile, p.Name, err, "")
		return nil, err
	}
	cfg.override(way)
	cfg.profileStep(p.Name, way)
	own := *cfg
	if way.Password != "" && cfg.Secrets != nil {
		own.Password = func(ctx context.Context, user, server string) (string, error) {
			s, err := dir.Password(p)
			if err != nil && cfg.Password != nil {
				return cfg.Password(ctx, user, server)
			}
			return s, err
		}
	}
	st, err := own.connect(ctx, home, way)
	if err != nil {
		return nil, err
	}
	return st, nil
}

// settings loads the settings and says where they lie.
func (cfg *Config) settings() (home string, set *settings.Settings, err error) {
	if home, err = cfg.home(); err != nil {
		return "", nil, err
	}
	const what = "read the settings"
	if set, err = settings.Load(home); err != nil {
		cfg.step(what, home, err, "")
		return "", nil, fmt.Errorf("settings: %w", err)
	}
	if cfg.Trace != nil {
		cfg.step(what, set.Where(home), nil, settingsNote(set))
	}
	return home, set, nil
}

// override puts what cfg says in place of what profile and settings say.
func (cfg *Config) override(way *profile.Connection) {
	if cfg.User != "" {
		way.User = cfg.User
	}
	way.Certificate.CAFile = cmp.Or(cfg.CAFile, way.Certificate.CAFile)
	if len(cfg.Transports) > 0 {
		way.Transports = nil
		for _, t := range cfg.Transports {
			way.Transports = append(way.Transports, profile.Transport(strings.ToLower(t)))
		}
	}
}

// connect opens the mailbox of a connection.
func (cfg *Config) connect(ctx context.Context, home string, way *profile.Connection) (*exchange.Store, error) {
	return through(ctx, cfg, home, way, connect.Open)
}

// through opens something with what the configuration says of users, certificates and transports.
func through[T any](ctx context.Context, cfg *Config, home string, way *profile.Connection, open func(context.Context, connect.Config) (*T, error)) (*T, error) {
	credentials, end, err := cfg.credentials(way.User)
	if err != nil {
		cfg.step("get the credentials", way.User, err, "")
		return nil, &mapi.Error{Op: "log on", Object: way.User, Code: mapi.ErrInvalidParameter, Err: err}
	}
	st, err := open(ctx, connect.Config{Connection: way, Credentials: credentials, Admin: cfg.Admin, Sessions: cfg.Sessions, Home: home,
		Warn: cfg.warn, Logger: cfg.Logger, Trace: cfg.Trace, Examine: cfg.Examine, MapperPort: cfg.MapperPort})
	if err != nil {
		end()
		return nil, err
	}
	return st, nil
}

// credentials are those of the user. end gives up what was made for them.
func (cfg *Config) credentials(user string) (c connect.Credentials, end func(), err error) {
	end = func() {}
	c.Password, c.CurrentUser = cfg.Password, cfg.Auth.CurrentUser
	for _, s := range cfg.Auth.Schemes {
		scheme, err := httpauth.ParseScheme(s)
		if err != nil {
			return c, end, err
		}
		c.Schemes = append(c.Schemes, scheme)
	}
	if cfg.Auth.RPC != "" {
		by, err := profile.ParseRPCAuth(cfg.Auth.RPC)
		if err != nil {
			return c, end, err
		}
		c.RPC = &by
	}
	if cfg.Auth.RPCLevel != "" {
		if c.Level, err = dcerpc.ParseLevel(cfg.Auth.RPCLevel); err != nil {
			return c, end, err
		}
	}
	if cfg.Auth.Token != nil {
		c.Tokens = tokens(cfg.Auth.Token)
	} else if cfg.Auth.TokenFor != nil {
		c.TokensFor = func(ctx context.Context, user, server string) (httpauth.TokenSource, error) {
			t, err := cfg.Auth.TokenFor(ctx, user, server)
			if t == nil || err != nil {
				return nil, err
			}
			return tokens(t), nil
		}
	}
	if cfg.Auth.CertificateFile != "" {
		pair, err := tls.LoadX509KeyPair(cfg.Auth.CertificateFile, cmp.Or(cfg.Auth.KeyFile, cfg.Auth.CertificateFile))
		if err != nil {
			return c, end, fmt.Errorf("client certificate: %w", err)
		}
		c.Certificate = &pair
	}
	if k := cfg.Auth.Kerberos; k != nil {
		if c.Kerberos, err = cfg.kerberos(k, user); err != nil {
			return c, end, fmt.Errorf("%w: %w", ErrNoTickets, err)
		}
		end = c.Kerberos.Close
	}
	return c, end, nil
}

func (cfg *Config) kerberos(k *Kerberos, user string) (*kerberos.Client, error) {
	name, realm := user, k.Realm
	if n, r, ok := strings.Cut(user, "@"); ok {
		name, realm = n, cmp.Or(realm, strings.ToUpper(r))
	} else if d, n, ok := strings.Cut(user, `\`); ok {
		name, realm = n, cmp.Or(realm, strings.ToUpper(d))
	}
	kc := kerberos.ClientConfig{User: name, Realm: realm, CredentialCache: k.CredentialCache, ConfigFile: k.ConfigFile}
	var err error
	switch {
	case k.KeytabFile != "":
		kc.Keytab, err = kerberos.LoadKeytab(k.KeytabFile)
	case k.Password:
		if cfg.Password == nil {
			return nil, errors.New("no password was given")
		}
		kc.Password, err = cfg.Password(context.Background(), user, realm)
	}
	if err != nil {
		return nil, err
	}
	return kerberos.NewClient(kc)
}

// tokens is a function as a source of tokens.
type tokens func(ctx context.Context, refused string) (string, error)

// Token implements httpauth.TokenSource.
func (t tokens) Token(ctx context.Context, refused string) (string, error) { return t(ctx, refused) }
