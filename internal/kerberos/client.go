package kerberos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ClientConfig says who a user is and how to get tickets. One of Password, Keytab and CredentialCache is used, in this order;
// without any of them, the credential cache that KRB5CCNAME names.
type ClientConfig struct {
	User            string // without realm; not needed with a credential cache
	Realm           string // empty: the default realm of ConfigFile
	Password        string
	Keytab          *Keytab
	CredentialCache string // a file
	// ConfigFile is a krb5.conf; empty: the one KRB5_CONFIG names, else /etc/krb5.conf. Where there is none, and for realms
	// that it doesn't know, key distribution centers are looked for in the DNS.
	ConfigFile string
}

// String leaves the password out.
func (c ClientConfig) String() string { return "kerberos: " + c.User + "@" + c.Realm }

// GoString leaves the password out.
func (c ClientConfig) GoString() string { return c.String() }

// LogValue leaves the password out.
func (c ClientConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Client gets a user's tickets and keeps them. Any number of goroutines may use it.
type Client struct {
	mu     sync.Mutex // gokrb5 shuffles its list of KDCs without a lock
	client *client.Client
}

// NewClient checks the configuration. Nothing is sent before the first ticket is needed.
func NewClient(cfg ClientConfig) (*Client, error) {
	conf, err := loadConfig(cfg.ConfigFile)
	if err != nil {
		return nil, err
	}
	if cfg.Realm == "" {
		cfg.Realm = conf.LibDefaults.DefaultRealm
	}
	// Active Directory doesn't know FAST's request for encrypted reply data everywhere.
	settings := client.DisablePAFXFAST(true)
	switch {
	case cfg.Password == "" && cfg.Keytab == nil:
	case cfg.User == "" || cfg.Realm == "":
		return nil, errors.New("kerberos: user or realm is missing")
	case cfg.Password != "":
		return &Client{client: client.NewWithPassword(cfg.User, cfg.Realm, cfg.Password, conf, settings)}, nil
	default:
		return &Client{client: client.NewWithKeytab(cfg.User, cfg.Realm, cfg.Keytab.keys, conf, settings)}, nil
	}
	name := cfg.CredentialCache
	if name == "" {
		if name, err = defaultCache(); err != nil {
			return nil, err
		}
	}
	cl, err := fromCache(name, conf, settings)
	if err != nil {
		return nil, fmt.Errorf("kerberos: credential cache %s: %w", name, err)
	}
	return &Client{client: cl}, nil
}

func fromCache(name string, conf *config.Config, settings func(*client.Settings)) (cl *client.Client, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	cache := new(credentials.CCache)
	err = guard(func() error {
		if err := cache.Unmarshal(b); err != nil {
			return err
		}
		cl, err = client.NewFromCCache(cache, conf, settings)
		return err
	})
	return cl, err
}

// defaultCache is MIT's default, as far as it is a file.
func defaultCache() (string, error) {
	name := os.Getenv("KRB5CCNAME")
	if name == "" {
		return fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid()), nil
	}
	kind, rest, ok := strings.Cut(name, ":")
	switch {
	case !ok || filepath.IsAbs(name):
		return name, nil
	case kind == "FILE":
		return rest, nil
	}
	return "", fmt.Errorf("kerberos: credential caches of kind %s can't be read; use FILE", kind)
}

func loadConfig(name string) (*config.Config, error) {
	given := name != ""
	if name == "" {
		name, _, _ = strings.Cut(os.Getenv("KRB5_CONFIG"), string(os.PathListSeparator))
	}
	if name == "" {
		name = "/etc/krb5.conf"
	}
	conf := config.New()
	b, err := os.ReadFile(name)
	switch {
	case err == nil:
		err = guard(func() (err error) {
			conf, err = config.NewFromString(string(b))
			return err
		})
		var unsupported config.UnsupportedDirective // what it doesn't need, such as include
		if err != nil && !errors.As(err, &unsupported) {
			return nil, fmt.Errorf("kerberos: %s: %w", name, err)
		}
	case given || !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("kerberos: configuration: %w", err)
	}
	lib := &conf.LibDefaults
	if !strings.Contains(string(b), "dns_lookup_kdc") {
		lib.DNSLookupKDC = true // as MIT's default
	}
	lib.DefaultTktEnctypeIDs, lib.DefaultTGSEnctypeIDs, lib.PermittedEnctypeIDs = encryptionTypes, encryptionTypes, encryptionTypes
	lib.PreferredPreauthTypes = []int{int(encryptionTypes[2])}
	lib.UDPPreferenceLimit = 1 // tickets of Active Directory don't fit into a datagram
	return conf, nil
}

// Close forgets the tickets and ends their renewal.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client.Destroy()
}

// Principal is the user's name with its realm.
func (c *Client) Principal() string {
	return principalName(c.client.Credentials.CName().NameString, c.client.Credentials.Domain())
}

// ticket gets a service's ticket and its session key.
func (c *Client) ticket(ctx context.Context, service string) (messages.Ticket, types.EncryptionKey, error) {
	type result struct {
		ticket messages.Ticket
		key    types.EncryptionKey
		err    error
	}
	// gokrb5 knows no contexts; it gives up after some seconds for each KDC.
	done := make(chan result, 1)
	go func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		var r result
		r.err = guard(func() (err error) {
			r.ticket, r.key, err = c.client.GetServiceTicket(service)
			return err
		})
		done <- r
	}()
	select {
	case r := <-done:
		if r.err != nil {
			r.err = kdcError(service, r.err)
		} else if !usable(r.key.KeyType) {
			r.err = errEncryption
		}
		return r.ticket, r.key, r.err
	case <-ctx.Done():
		return messages.Ticket{}, types.EncryptionKey{}, ctx.Err()
	}
}

// kdcError tells a refused user from other failures. gokrb5 has only text for that.
func kdcError(service string, err error) error {
	text := err.Error()
	for _, code := range []string{"KDC_ERR_PREAUTH_FAILED", "KDC_ERR_C_PRINCIPAL_UNKNOWN", "KDC_ERR_CLIENT_REVOKED",
		"KDC_ERR_KEY_EXPIRED", "client password/keytab incorrect"} {
		if strings.Contains(text, code) {
			return fmt.Errorf("%w: %s", ErrRefused, text)
		}
	}
	return fmt.Errorf("kerberos: ticket for %s: %w", service, err)
}
