package exchangeserver_test

import (
	"testing"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// open opens a user's mailbox over the network.
func open(t *testing.T, srv *exchangetest.Server, alias string) mapi.Store {
	t.Helper()
	st, err := exchange.Open(t.Context(), exchange.Config{MailboxURL: srv.MailboxURL(t, alias), AddressBookURL: srv.AddressBookURL(t, alias),
		UserDN: srv.UserDN(t, alias), HTTP: srv.Client(), Authorize: srv.Authorize(alias)})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// unicodeClass does to items what the client does: it makes Unicode of the message class, which servers send in 8 bits.
func unicodeClass(it *mapi.Item) {
	for i, p := range it.Props {
		if s, ok := p.Value.(mapi.String8); ok && p.Key.Tag.ID() == pid.TagMessageClass.ID() {
			it.Props[i] = mapi.Prop{Key: mapi.TagKey(pid.TagMessageClass), Value: string(s)}
		}
	}
}

// conformance is what to expect of the server.
func conformance() storetest.Options {
	var computed []mapi.Key
	for _, c := range compare.Table {
		if c.Of == compare.OfItem || c.Of == compare.OfRecipient || c.Of == compare.OfAttachment {
			computed = append(computed, mapi.TagKey(c.Tag))
		}
	}
	for _, c := range localstore.Computed { // what lies behind the server
		if c.Of == localstore.OfItem || c.Of == localstore.OfRecipient || c.Of == localstore.OfAttachment {
			computed = append(computed, mapi.TagKey(c.Tag))
		}
	}
	return storetest.Options{
		Computed: computed, Normalize: unicodeClass,
		Roles: []mapi.Role{mapi.RoleInbox, mapi.RoleOutbox, mapi.RoleSent, mapi.RoleDeleted, mapi.RoleDrafts, mapi.RoleCalendar,
			mapi.RoleContacts, mapi.RoleTasks, mapi.RoleNotes, mapi.RoleJournal, mapi.RoleJunk, mapi.RoleSyncIssues, mapi.RoleConflicts},
	}
}

// TestConformance runs the suite that every store passes over the client and this server.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) mapi.Store {
		return open(t, exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}}}), "alice")
	}, conformance())
}
