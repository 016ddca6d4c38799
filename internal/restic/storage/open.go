package storage

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
)

// Config says how places are reached. The zero value, or nil, takes credentials from the environment, from the user's files
// and the SSH agent.
type Config struct {
	// Secret gives a secret by its name; one that isn't there is [mapi.ErrNotFound]. nil: there are none.
	Secret func(ctx context.Context, name string) (string, error)
	// CAFile is a file of certificates (PEM) to trust besides the system's and those of the file that RESTIC_CACERT names.
	CAFile string
	// Getenv gives the environment; nil: os.Getenv.
	Getenv func(string) string
	// Connections is how many calls may run at once; 0: 5, as stock restic has it.
	Connections int
	// Patience with servers.
	Patience Patience
}

const defaultConnections = 5

// Variables of the environment. Those of S3 are Amazon's usual ones.
const (
	envCAFile       = "RESTIC_CACERT"
	envRESTUser     = "RESTIC_REST_USERNAME"
	envRESTPassword = "RESTIC_REST_PASSWORD"
	envS3KeyID      = "AWS_ACCESS_KEY_ID"
	envS3Secret     = "AWS_SECRET_ACCESS_KEY"
	envS3Token      = "AWS_SESSION_TOKEN"
	envS3Region     = "AWS_DEFAULT_REGION"
	// For SFTP: a private key's file, a known_hosts file, and the server's key itself, either as SHA256:… or as a line of a
	// public key file.
	envSFTPKey        = "OPENCDO_SFTP_KEY_FILE"
	envSFTPKnownHosts = "OPENCDO_SFTP_KNOWN_HOSTS"
	envSFTPHostKey    = "OPENCDO_SFTP_HOST_KEY"
)

func (c *Config) withDefaults() Config {
	var d Config
	if c != nil {
		d = *c
	}
	if d.Getenv == nil {
		d.Getenv = os.Getenv
	}
	if d.Connections <= 0 {
		d.Connections = defaultConnections
	}
	d.Patience = d.Patience.withDefaults()
	return d
}

// Open gives the place of an address. For servers it connects at the first call; a logon that is refused is
// [mapi.ErrLogonFailed] then, and a server whose SSH key isn't the known one a [*HostKeyError].
func Open(address string, c *Config) (restic.Backend, error) {
	a, err := Parse(address)
	if err != nil {
		return nil, err
	}
	conf := c.withDefaults()
	var be restic.Backend
	switch a.Kind {
	case SFTP:
		be = newSFTP(a, conf)
	case S3:
		be, err = newS3(a, conf)
	case REST:
		be, err = newREST(a, conf)
	default:
		return restic.NewLocal(a.Path), nil
	}
	if err != nil {
		return nil, fmt.Errorf("repository %s: %w", a, err)
	}
	return Steady(be, conf.Connections, conf.Patience), nil
}

// secret asks for a secret; none is no error.
func (c *Config) secret(ctx context.Context, name string) (string, error) {
	if c.Secret == nil || name == "" {
		return "", nil
	}
	s, err := c.Secret(ctx, name)
	if errors.Is(err, mapi.ErrNotFound) {
		return "", nil
	}
	return s, err
}

// ErrLogon says that the storage doesn't accept the credentials. Errors that carry it are [mapi.ErrLogonFailed], too.
var ErrLogon = errors.New("the storage doesn't accept the credentials")

func logonFailed(a Address, err error) error {
	return &mapi.Error{Op: "log on to storage", Object: a.String(), Code: mapi.ErrLogonFailed, Err: fmt.Errorf("%w: %w", ErrLogon, err)}
}

const (
	dialTimeout   = 30 * time.Second
	dialKeepAlive = 30 * time.Second
	// idleTimeout closes connections before the servers and firewalls that would do so silently.
	idleTimeout = 90 * time.Second
)

// transport is for S3 and REST. It has no timeouts for requests as a whole: Steady notices those that stall.
func (c *Config) transport() (*http.Transport, error) {
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: dialKeepAlive}).DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   dialTimeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   c.Connections,
		IdleConnTimeout:       idleTimeout,
		DisableCompression:    true, // all is encrypted
		ExpectContinueTimeout: time.Second,
	}, nil
}

// roots are the certificates to trust; nil: the system's.
func (c *Config) roots() (*x509.CertPool, error) {
	var pool *x509.CertPool
	for _, file := range []string{c.CAFile, c.Getenv(envCAFile)} {
		if file == "" {
			continue
		}
		if pool == nil {
			var err error
			if pool, err = x509.SystemCertPool(); err != nil {
				pool = x509.NewCertPool()
			}
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("certificates to trust: %w", err)
		}
		if !pool.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("certificates to trust: %s holds none in PEM form", file)
		}
	}
	return pool, nil
}
