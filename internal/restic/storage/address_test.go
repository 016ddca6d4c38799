package storage

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]Address{
		"/srv/mail":                                 {Kind: Local, Path: "/srv/mail"},
		"mail":                                      {Kind: Local, Path: "mail"},
		`C:\mail`:                                   {Kind: Local, Path: `C:\mail`},
		"local:/srv/mail":                           {Kind: Local, Path: "/srv/mail"},
		"sftp:ada@host:/srv/mail":                   {Kind: SFTP, User: "ada", Host: "host", Path: "/srv/mail"},
		"sftp:host:mail/":                           {Kind: SFTP, Host: "host", Path: "mail"},
		"sftp:ada@corp.test@host:/srv/a@b:c":        {Kind: SFTP, User: "ada@corp.test", Host: "host", Path: "/srv/a@b:c"},
		"sftp:ada@[::1]:/srv/mail":                  {Kind: SFTP, User: "ada", Host: "[::1]", Path: "/srv/mail"},
		"sftp://ada@host:2222//srv/mail":            {Kind: SFTP, User: "ada", Host: "host:2222", Path: "/srv/mail"},
		"sftp://host/mail":                          {Kind: SFTP, Host: "host", Path: "mail"},
		"s3:https://host:9000/bucket/some/prefix/":  {Kind: S3, TLS: true, Host: "host:9000", Bucket: "bucket", Path: "some/prefix"},
		"s3:http://KEY@host/bucket":                 {Kind: S3, User: "KEY", Host: "host", Bucket: "bucket"},
		"s3:s3.amazonaws.com/bucket":                {Kind: S3, TLS: true, Host: "s3.amazonaws.com", Bucket: "bucket"},
		"s3://s3.eu-central-1.amazonaws.com/bucket": {Kind: S3, TLS: true, Host: "s3.eu-central-1.amazonaws.com", Bucket: "bucket"},
		"rest:https://ada@host:8000/":               {Kind: REST, TLS: true, User: "ada", Host: "host:8000"},
		"rest:http://host/some/repo/":               {Kind: REST, Host: "host", Path: "some/repo"},
	} {
		a, err := Parse(in)
		if err != nil || a != want {
			t.Errorf("%s: %+v, %v", in, a, err)
			continue
		}
		if again, err := Parse(a.String()); err != nil || again != a {
			t.Errorf("%s: as %s it is %+v, %v", in, a, again, err)
		}
	}
	for _, in := range []string{"", "local:", "sftp:host", "sftp:ada@:/x", "sftp://host", "s3:https://host", "s3:https:///bucket", "rest:host/x", "rest:", "b2:bucket:mail",
		"rclone:remote:mail"} {
		if a, err := Parse(in); err == nil {
			t.Errorf("%s: %+v", in, a)
		}
	}
	for _, in := range []string{"rest:https://ada:S3CRET@host/", "sftp://ada:S3CRET@host/x", "sftp:ada:S3CRET@host:x", "s3:https://KEY:S3CRET@host/b", "rest:https://ada:S3CRET@ho st/",
		"s3:KEY:S3CRET@host/b"} {
		if _, err := Parse(in); err == nil || strings.Contains(err.Error(), "S3CRET") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"/srv", "sftp:ada@host:/srv", "sftp://a%20b@host:22//srv", "s3:https://KEY@host/b/p", "rest:http://[::1]:8000/x", "sftp:a@[::1]:x", "rest:https://a:b@h/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			return
		}
		if again, err := Parse(a.String()); err != nil || again != a {
			t.Errorf("%q is %+v, written as %q that is %+v, %v", s, a, a.String(), again, err)
		}
	})
}
