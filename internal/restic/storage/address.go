package storage

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Kind is where a repository is kept.
type Kind string

// Kinds of places.
const (
	Local Kind = "local" // a directory
	SFTP  Kind = "sftp"
	S3    Kind = "s3"
	REST  Kind = "rest" // a server of restic's REST protocol
)

// otherKinds are those that stock restic has besides. Without them here a directory of that name would be made.
var otherKinds = []string{"azure", "b2", "gs", "rclone", "swift"}

// Address is the place of a repository. What isn't used for its kind is empty.
type Address struct {
	Kind   Kind
	TLS    bool   // S3 and REST
	User   string // SFTP and REST; for S3 the id of the access key
	Host   string // with its port, if one is given
	Bucket string // S3
	// Path is the directory: for SFTP relative to the user's home if it doesn't begin with a slash, for S3 and REST without
	// a slash at either end.
	Path string
}

var errPasswordInAddress = errors.New("an address must not hold a password, which everyone on the machine could read; keep it with \"opencdo secret set\" or give it in the environment")

// Parse reads the address of a repository as stock restic writes it:
//
//	/srv/mail, local:/srv/mail
//	sftp:user@host:/srv/mail, sftp://user@host:2222//srv/mail
//	s3:https://host/bucket/prefix, s3:host/bucket/prefix
//	rest:https://user@host:8000/path
//
// Everything without one of these prefixes is a directory.
func Parse(s string) (Address, error) {
	a, err := parse(s)
	if err != nil {
		return Address{}, fmt.Errorf("repository address %s: %w", withoutPassword(s), err)
	}
	return a, nil
}

func parse(s string) (Address, error) {
	scheme, rest, _ := strings.Cut(s, ":")
	switch kind := Kind(scheme); kind {
	case SFTP:
		return parseSFTP(rest)
	case S3:
		return parseS3(rest)
	case REST:
		return parseREST(rest)
	case Local:
		s = rest
	default:
		if slices.Contains(otherKinds, scheme) && rest != "" {
			return Address{}, fmt.Errorf("storage of the kind %q isn't supported; there are directories, %s, %s and %s", scheme, SFTP, S3, REST)
		}
	}
	if s == "" {
		return Address{}, errors.New("it is empty")
	}
	return Address{Kind: Local, Path: s}, nil
}

// parseSFTP reads user@host:path, as scp has it, and the URL form, which can say a port. In that the first slash only ends
// the host.
func parseSFTP(s string) (Address, error) {
	a := Address{Kind: SFTP}
	if strings.HasPrefix(s, "//") {
		u, err := url.Parse(string(SFTP) + ":" + s)
		if err != nil {
			return a, err
		}
		if _, has := u.User.Password(); has {
			return a, errPasswordInAddress
		}
		a.User, a.Host, a.Path = u.User.Username(), u.Host, strings.TrimPrefix(u.Path, "/")
	} else {
		i := strings.LastIndexByte(beforePath(s), '@')
		a.User = s[:max(i, 0)]
		host, dir, ok := strings.Cut(s[i+1:], ":")
		if strings.HasPrefix(s[i+1:], "[") { // an IPv6 address
			if host, dir, ok = strings.Cut(s[i+1:], "]:"); ok {
				host += "]"
			}
		}
		if !ok {
			return a, errors.New("sftp:USER@HOST:PATH expected")
		}
		a.Host, a.Path = host, dir
		if strings.Contains(a.User, ":") {
			return a, errPasswordInAddress
		}
	}
	if a.Host == "" || a.Path == "" {
		return a, errors.New("sftp:USER@HOST:PATH expected")
	}
	a.Path = path.Clean(a.Path)
	return a, nil
}

// beforePath is what comes before a path in sftp:user@host:path: user names may hold an @, and so may paths.
func beforePath(s string) string {
	if i := strings.IndexByte(s, '/'); i >= 0 {
		return s[:i]
	}
	return s
}

func parseS3(s string) (Address, error) {
	a := Address{Kind: S3, TLS: true}
	switch {
	case strings.HasPrefix(s, "//"):
		s = "https:" + s
	case !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://"):
		s = "https://" + s
	}
	if err := a.fromURL(s); err != nil {
		return a, err
	}
	a.Bucket, a.Path, _ = strings.Cut(a.Path, "/")
	if a.Bucket == "" {
		return a, errors.New("s3:https://HOST/BUCKET/PREFIX expected")
	}
	return a, nil
}

func parseREST(s string) (Address, error) {
	a := Address{Kind: REST}
	if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
		return a, errors.New("rest:https://HOST/PATH expected")
	}
	return a, a.fromURL(s)
}

func (a *Address) fromURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		var why *url.Error // it repeats the address, and a password in it
		if errors.As(err, &why) {
			err = why.Err
		}
		return err
	}
	if _, has := u.User.Password(); has {
		return errPasswordInAddress
	}
	if u.Host == "" {
		return errors.New("it names no host")
	}
	a.TLS, a.User, a.Host = u.Scheme == "https", u.User.Username(), u.Host
	a.Path = strings.Trim(path.Clean("/"+u.Path), "/")
	return nil
}

// withoutPassword is an address for an error's text.
func withoutPassword(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s
	}
	start := 0
	if i := strings.Index(s[:at], "//"); i >= 0 {
		start = i + 2
	} else if i := strings.IndexByte(s[:at], ':'); i >= 0 {
		start = i + 1
	}
	if i := strings.IndexByte(s[start:at], ':'); i >= 0 {
		return s[:start+i] + ":***" + s[at:]
	}
	return s
}

// String is the address in a form that [Parse] and stock restic read.
func (a Address) String() string {
	at := ""
	if a.User != "" {
		at = url.User(a.User).String() + "@"
	}
	scheme := "http://"
	if a.TLS {
		scheme = "https://"
	}
	switch a.Kind {
	case SFTP:
		if _, _, err := net.SplitHostPort(a.Host); err == nil {
			return "sftp://" + at + a.Host + "/" + a.Path
		}
		if a.User != "" {
			at = a.User + "@"
		}
		return "sftp:" + at + a.Host + ":" + a.Path
	case S3:
		return "s3:" + scheme + at + a.Host + "/" + path.Join(a.Bucket, a.Path)
	case REST:
		return "rest:" + scheme + at + a.Host + "/" + a.Path
	}
	return a.Path
}

// SecretName is the name under which the password of the place is kept, empty where there is no user.
func (a Address) SecretName() string {
	if a.User == "" || a.Kind == Local {
		return ""
	}
	return string(a.Kind) + ":" + a.User + "@" + a.Host
}
