package cdo_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/cdo"
)

// Anonymous access to public folders goes by the DN of a server. The names aren't verified; what isn't a DN at all is refused.
func ExampleSession_Logon_anonymous() {
	ctx := context.Background()
	s := cdo.NewSession(cdo.Config{Open: openMailbox})
	err := s.Logon(ctx, cdo.LogonOptions{ProfileInfo: "no DN\n\nanon"})
	fmt.Println(errors.Is(err, cdo.CdoE_INVALID_PARAMETER))
	check(s.Logon(ctx, cdo.LogonOptions{ProfileInfo: "/o=Org/ou=Site/cn=Configuration/cn=Servers/cn=MAIL\n\nanon"}))
	defer s.Logoff()
	fmt.Println(must(must(s.CurrentUser(ctx)).Name(ctx)))
	// Output:
	// true
	// Unknown default
}

// A session that was logged off can log on again, so that one walks the mailboxes of many.
func ExampleSession_Logoff() {
	ctx := context.Background()
	s := cdo.NewSession(cdo.Config{Open: openMailbox})
	for _, mailbox := range []string{"ada", "charles"} {
		check(s.Logon(ctx, cdo.LogonOptions{ProfileInfo: "server.example\n" + mailbox, NoMail: true}))
		calendar := must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderCalendar))
		fmt.Println(must(must(s.InfoStores(ctx)).Item(1).Name(ctx)), must(calendar.Messages().Count(ctx)), must(s.OutOfOffice(ctx)))
		check(s.Logoff())
	}
	// Output:
	// Mailbox - ada 0 false
	// Mailbox - charles 0 false
}

// Default folders don't depend on the language of their names.
func ExampleSession_GetDefaultFolder() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	for _, t := range []cdo.DefaultFolder{cdo.CdoDefaultFolderCalendar, cdo.CdoDefaultFolderContacts, cdo.CdoDefaultFolderTasks} {
		fmt.Println(must(must(s.GetDefaultFolder(ctx, t)).Name(ctx)))
	}
	// Output:
	// Calendar
	// Contacts
	// Tasks
}

// A filter finds entries of a large address book without reading it all.
func ExampleAddressEntryFilter() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	entries := must(s.GetAddressList(ctx, cdo.CdoAddressListGAL)).AddressEntries()
	must(entries.Filter().Fields().Add(cdo.CdoPR_DISPLAY_NAME, "User 00003"))
	entry := must(entries.GetFirst(ctx))
	fmt.Println(must(entry.Name(ctx)), must(entry.Type(ctx)))
	// Output: User 00003 EX
}

// Properties of a program's own have names; arrays hold values of one type.
func ExampleFields_AddNamed() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	m := must(s.Inbox(ctx)).Messages().Add("Named", "", "")
	must(m.Fields().AddNamed("Number", cdo.CdoLong, int32(42), ""))
	must(m.Fields().AddNamed("Words", cdo.CdoArray|cdo.CdoString, []string{"one", "two"}, ""))
	check(m.Update(ctx, true, false))

	again := must(s.GetMessage(ctx, m.ID(), ""))
	for _, name := range []string{"Number", "Words"} {
		f := must(again.Fields().ByName(ctx, name, ""))
		fmt.Println(f.Name(), must(f.Value(ctx)))
	}
	// Output:
	// Number 42
	// Words [one two]
}
