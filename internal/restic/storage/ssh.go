package storage

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

// HostKeyError says that an SSH server showed a key that isn't the known one, or that none is known.
type HostKeyError struct {
	Host        string
	Fingerprint string // of the key shown, as SHA256:…; empty where none was shown
	Err         error
}

func (e *HostKeyError) Error() string {
	text := "the SSH server " + e.Host + " can't be trusted: " + e.Err.Error()
	if e.Fingerprint != "" {
		text += "; it shows the key " + e.Fingerprint + ": if that is the right one, add it to known_hosts or name it in " + envSFTPHostKey
	}
	return text
}

func (e *HostKeyError) Unwrap() error { return e.Err }

// dialSSH connects and logs on.
func dialSSH(ctx context.Context, a Address, c Config) (*ssh.Client, error) {
	host := a.Host
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "22")
	}
	check, algorithms, err := hostKeys(host, c)
	if err != nil {
		return nil, err
	}
	name := a.User
	if name == "" {
		u, err := user.Current()
		if err != nil {
			return nil, err
		}
		name = u.Username[strings.LastIndexByte(u.Username, '\\')+1:]
	}
	login := &logins{ctx: ctx, addr: a, conf: c}
	defer login.close()
	conn, err := (&net.Dialer{Timeout: dialTimeout, KeepAlive: dialKeepAlive}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(dialTimeout))
	methods, err := login.methods()
	if err != nil {
		conn.Close()
		return nil, logonFailed(a, err)
	}
	sc, channels, requests, err := ssh.NewClientConn(conn, host, &ssh.ClientConfig{User: name, Auth: methods, HostKeyCallback: check, HostKeyAlgorithms: algorithms})
	if err != nil {
		conn.Close()
		var untrusted *HostKeyError
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.As(err, &untrusted):
			return nil, untrusted
		case strings.Contains(err.Error(), "unable to authenticate"): // it has no type
			return nil, logonFailed(a, errors.Join(err, login.problem))
		}
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return ssh.NewClient(sc, channels, requests), nil
}

// logins are the ways to log on.
type logins struct {
	ctx     context.Context
	addr    Address
	conf    Config
	agent   net.Conn
	problem error // why a way wasn't tried
}

func (l *logins) close() {
	if l.agent != nil {
		l.agent.Close()
	}
}

// usualKeys are the private keys of ~/.ssh that are tried where none is named.
var usualKeys = []string{"id_ed25519", "id_ecdsa", "id_rsa"}

// methods are, in this order: the named key; else the agent's keys and the usual ones; and a password, if one is kept.
func (l *logins) methods() ([]ssh.AuthMethod, error) {
	var signers []ssh.Signer
	if file := l.conf.Getenv(envSFTPKey); file != "" {
		s, err := l.key(file)
		if err != nil {
			return nil, err
		}
		signers = append(signers, s)
	} else {
		if socket := l.conf.Getenv("SSH_AUTH_SOCK"); socket != "" {
			if conn, err := net.Dial("unix", socket); err == nil {
				l.agent = conn
				if held, err := agent.NewClient(conn).Signers(); err == nil {
					signers = held
				}
			}
		}
		for _, name := range usualKeys {
			file, err := l.conf.inSSH(name)
			if err != nil {
				break
			}
			s, err := l.key(file)
			if err == nil {
				signers = append(signers, s)
			} else if !errors.Is(err, fs.ErrNotExist) {
				l.problem = errors.Join(l.problem, err)
			}
		}
	}
	methods := []ssh.AuthMethod{ssh.PublicKeys(signers...)}
	password, err := l.conf.secret(l.ctx, l.addr.SecretName())
	if err != nil {
		l.problem = errors.Join(l.problem, err)
	}
	if password != "" {
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, echos []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for i := range questions {
					if !echos[i] {
						answers[i] = password
					}
				}
				return answers, nil
			}))
	}
	return methods, nil
}

// key reads a private key; the passphrase of one that has one is a secret.
func (l *logins) key(file string) (ssh.Signer, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s, err := ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		name := "key:" + file
		passphrase, serr := l.conf.secret(l.ctx, name)
		if serr != nil || passphrase == "" {
			return nil, errors.Join(fmt.Errorf("%s: %w; keep it as the secret %s, or load the key into an SSH agent", file, err, name), serr)
		}
		s, err = ssh.ParsePrivateKeyWithPassphrase(b, []byte(passphrase))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// inSSH is a file in the user's folder of SSH.
func (c *Config) inSSH(name string) (string, error) {
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".ssh", name), err
}

// systemKnownHosts are the keys that the machine's administrator knows.
const systemKnownHosts = "/etc/ssh/ssh_known_hosts"

// hostKeys tells how to check a server's key, and which kinds of keys to ask it for: those that are known. A server has
// several, and would show another otherwise.
func hostKeys(host string, c Config) (ssh.HostKeyCallback, []string, error) {
	if pin := c.Getenv(envSFTPHostKey); pin != "" {
		return pinnedKey(host, pin)
	}
	var files []string
	if file := c.Getenv(envSFTPKnownHosts); file != "" {
		files = []string{file}
	} else {
		user, _ := c.inSSH("known_hosts")
		for _, f := range []string{user, systemKnownHosts} {
			if _, err := os.Stat(f); err == nil {
				files = append(files, f)
			}
		}
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, nil, &HostKeyError{Host: host, Err: err}
	}
	check := func(name string, remote net.Addr, key ssh.PublicKey) error {
		err := known(name, remote, key)
		if err == nil {
			return nil
		}
		e := &HostKeyError{host, ssh.FingerprintSHA256(key), err}
		var why *knownhosts.KeyError
		if errors.As(err, &why) && len(why.Want) == 0 {
			e.Err = errors.New("no key of it is known")
		} else if why != nil {
			e.Err = fmt.Errorf("its key isn't the known one (%s:%d); somebody may be listening in, or its keys were changed", why.Want[0].Filename, why.Want[0].Line)
		}
		return e
	}
	var algorithms []string
	var why *knownhosts.KeyError
	if err := known(host, &net.TCPAddr{IP: net.IPv4zero}, noKey{}); errors.As(err, &why) {
		for _, k := range why.Want {
			algorithms = append(algorithms, keyAlgorithms(k.Key.Type())...)
		}
	}
	slices.Sort(algorithms)
	return check, slices.Compact(algorithms), nil
}

// keyAlgorithms are the signature algorithms of a type of key: RSA keys sign with newer hashes, too (RFC 8332).
func keyAlgorithms(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

// noKey is no server's: asking for it tells which are known.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// pinnedKey checks against a fingerprint, or a key as public key files have it.
func pinnedKey(host, pin string) (ssh.HostKeyCallback, []string, error) {
	var algorithms []string
	if sum, ok := strings.CutPrefix(pin, "SHA256:"); ok {
		if raw, err := base64.RawStdEncoding.DecodeString(sum); err != nil || len(raw) != 32 {
			return nil, nil, &HostKeyError{Host: host, Err: fmt.Errorf("%s isn't the fingerprint of a key", envSFTPHostKey)}
		}
	} else {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(pin))
		if err != nil {
			return nil, nil, &HostKeyError{Host: host, Err: fmt.Errorf("%s: %w", envSFTPHostKey, err)}
		}
		pin, algorithms = ssh.FingerprintSHA256(key), keyAlgorithms(key.Type())
	}
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if shown := ssh.FingerprintSHA256(key); shown != pin {
			return &HostKeyError{host, shown, fmt.Errorf("its key isn't the one that %s names", envSFTPHostKey)}
		}
		return nil
	}, algorithms, nil
}
