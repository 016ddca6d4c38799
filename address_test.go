package opencdo

import (
	"errors"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

func TestParseAddress(t *testing.T) {
	const guid = "8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.test"
	for in, want := range map[string]struct{ name, mailbox, server, path string }{
		"exchange:admin@" + guid:                               {"admin@" + guid, "admin", guid, ""},
		"exchange:alice@contoso.test@" + guid + "//Inbox/2019": {"alice@contoso.test@" + guid, "alice@contoso.test", guid, "Inbox/2019"},
		"exchange:alice@contoso.test@mail.contoso.test":        {"alice@contoso.test@mail.contoso.test", "alice@contoso.test", "mail.contoso.test", ""},
		"exchange:alice@mail.contoso.test":                     {"alice@mail.contoso.test", "alice", "mail.contoso.test", ""},
		"exchange:alice@https://127.0.0.1:8443//Inbox":         {"alice@https://127.0.0.1:8443", "alice", "https://127.0.0.1:8443", "Inbox"},
		"exchange:/o=Org/cn=Recipients/cn=alice@srv":           {"/o=Org/cn=Recipients/cn=alice@srv", "/o=Org/cn=Recipients/cn=alice", "srv", ""},
		"local:/var/mail/a.db//Inbox/":                         {"/var/mail/a.db", "", "", "Inbox"},
		"msg:mails":                                            {"mails", "", "", ""},
		"MSG:mails//":                                          {"mails", "", "", ""},
		"snapshot:/backup#latest/alice@contoso.test//Inbox/x":  {"/backup#latest/alice@contoso.test", "", "", "Inbox/x"},
		"snapshot:sftp:ada@host:/srv/mail#1f0c//Inbox/#12":     {"sftp:ada@host:/srv/mail#1f0c", "", "", "Inbox/#12"},
		"snapshot:sftp://ada@host:2222//srv/mail#1f0c//Inbox":  {"sftp://ada@host:2222//srv/mail#1f0c", "", "", "Inbox"},
		"snapshot:s3:https://host/bucket/mail#latest/a@b//x":   {"s3:https://host/bucket/mail#latest/a@b", "", "", "x"},
		"snapshot:rest:https://ada@host:8000/#latest":          {"rest:https://ada@host:8000/#latest", "", "", ""},
		"pst:old.pst//Inbox/2019":                              {"old.pst", "", "", "Inbox/2019"},
	} {
		a, err := ParseAddress(in)
		if err != nil || a.Name != want.name || a.Info.Mailbox != want.mailbox || a.Info.Server != want.server || a.Path != want.path {
			t.Errorf("%s: %+v, %v", in, a, err)
		}
	}
	for _, in := range []string{"", "alice", "exchange:alice", "exchange:@srv", "exchange:alice@", "exchange:" + guid, "imap:x", "local:", "snapshot:/backup", "snapshot:/backup#", "msg://x"} {
		if a, err := ParseAddress(in); !errors.Is(err, mapi.ErrInvalidParameter) {
			t.Errorf("%q: %+v, %v", in, a, err)
		}
	}
}
