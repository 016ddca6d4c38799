package opencdo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/connect"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/profile"
)

// MailboxEntry is a mailbox as the address book of a server lists it.
type MailboxEntry struct {
	Name    string `json:"name"`
	Alias   string `json:"alias,omitempty"`
	Address string `json:"address"` // SMTP; the DN where there is none
	DN      string `json:"dn"`
	// Server is the server that the address book names for the mailbox, often a personalised name, and Database the name of its
	// home database there. Both are empty where the address book doesn't tell.
	Server   string `json:"server,omitempty"`
	Database string `json:"database,omitempty"`
}

// mailUser is PidTagDisplayType of somebody with a mailbox ([MS-OXOABK] 2.2.3.11); lists, agents and contacts have other ones.
const mailUser = 0

// Mailboxes lists the mailboxes of a server's global address list, in the order of their names; or, where names are given, those
// alone: aliases, addresses or DNs. cfg.User, who needs no mailbox there, logs on. Errors are those of [Open] and end the
// sequence, except those of a name, which come with an entry that has nothing but that name as its address.
func Mailboxes(ctx context.Context, server string, cfg *Config, names ...string) iter.Seq2[MailboxEntry, error] {
	return func(yield func(MailboxEntry, error) bool) {
		book, err := openBook(ctx, server, cfg)
		if err == nil {
			defer book.Close()
			if len(names) > 0 {
				resolveMailboxes(ctx, book, names, yield)
				return
			}
			for row, e := range book.Entries(ctx, "", mapi.Query{Columns: mailboxColumns}) {
				if err = e; err != nil {
					break
				}
				if kind, ok := row.Values[0].(int32); ok && kind != mailUser {
					continue
				}
				if !yield(mailboxEntry(func(i int) string { s, _ := row.Values[i].(string); return s }), nil) {
					return
				}
			}
		}
		if err != nil {
			yield(MailboxEntry{}, fmt.Errorf("list the mailboxes of %s: %w", server, err))
		}
	}
}

var mailboxColumns = []mapi.Key{mapi.TagKey(pid.TagDisplayType), mapi.TagKey(pid.TagDisplayName), mapi.TagKey(pid.TagAccount),
	mapi.TagKey(pid.TagSmtpAddress), mapi.TagKey(pid.TagEmailAddress), mapi.TagKey(pid.TagAddressBookHomeMessageDatabase.WithType(mapi.TypeString))}

// mailboxEntry makes an entry of the mailboxColumns.
func mailboxEntry(text func(column int) string) MailboxEntry {
	e := MailboxEntry{Name: text(1), Alias: text(2), Address: cmp.Or(text(3), text(4)), DN: text(4)}
	e.Server, e.Database = homeDatabase(text(5))
	return e
}

func openBook(ctx context.Context, server string, cfg *Config) (*exchange.AddressBook, error) {
	if cfg == nil || cfg.User == "" {
		return nil, &mapi.Error{Op: "log on", Code: mapi.ErrInvalidParameter, Err: errors.New("nobody is named who logs on")}
	}
	home, set, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	way, err := profile.Info{Server: server, Mailbox: cfg.User}.Connection(set)
	if err != nil {
		return nil, err
	}
	cfg.override(way)
	return through(ctx, cfg, home, way, connect.OpenBook)
}

func resolveMailboxes(ctx context.Context, book *exchange.AddressBook, names []string, yield func(MailboxEntry, error) bool) {
	for _, name := range names {
		e := MailboxEntry{Address: name}
		found, err := book.Resolve(ctx, name, mailboxColumns)
		switch {
		case errors.Is(err, mapi.ErrAmbiguous):
			err = fmt.Errorf("the name fits %d entries of the address book: %w", len(found), err)
		case err == nil:
			e = mailboxEntry(func(i int) string { return found[0].Text(mailboxColumns[i].Tag) })
		}
		if !yield(e, err) || ctx.Err() != nil {
			return
		}
	}
}

// homeDatabase takes the DN of a database apart, which ends in "/cn=Servers/cn=SERVER/cn=DATABASE".
func homeDatabase(dn string) (server, database string) {
	parts := strings.Split(dn, "/")
	name := func(i int) string {
		if i < 0 {
			return ""
		}
		kind, value, _ := strings.Cut(parts[i], "=")
		if !strings.EqualFold(kind, "cn") {
			return ""
		}
		return value
	}
	return name(len(parts) - 2), name(len(parts) - 1)
}

// OpenMailbox opens a mailbox that [Mailboxes] listed for the server, as cfg.User; set cfg.Admin to open those of others. A
// server by a personalised name is taken for the domain that it is of, in which every mailbox has a name of its own.
func OpenMailbox(ctx context.Context, server string, e MailboxEntry, cfg *Config) (mapi.Store, error) {
	if _, _, ok := profile.Personalised(server); ok {
		if _, _, ok := profile.Personalised(e.Server); ok {
			server = e.Server
		}
	}
	return OpenProfile(ctx, profile.Info{Server: server, Mailbox: cmp.Or(e.DN, e.Address)}, cfg)
}
