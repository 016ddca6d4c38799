package cdo_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencdo/opencdo/cdo"
)

// must ends an example on an error.
func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A static profile goes by its name.
func ExampleSession_Logon_profile() {
	ctx := context.Background()
	s := cdo.NewSession(cdo.Config{Open: openMailbox})
	check(s.Logon(ctx, cdo.LogonOptions{ProfileName: "Default Outlook Profile"}))
	defer s.Logoff()
	fmt.Println(must(s.Name()), must(s.Version()))
	// Output: Default Outlook Profile 1.2.1
}

// Send saves the message and hands it to the store's transport; the object cannot be used afterwards.
func ExampleMessage_Send() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	outbox := must(s.Outbox(ctx))
	m := outbox.Messages().Add("Cards", "They are punched.", "")
	recipients := must(m.Recipients(ctx))
	must(recipients.Add(ctx, "Charles", "SMTP:charles@example.com", cdo.CdoTo))
	check(recipients.AddMultiple(ctx, "mary@example.com; Luigi[SMTP:luigi@example.com]", cdo.CdoCc))
	check(recipients.Resolve(ctx, false))
	check(m.Send(ctx, true))

	sent := must(must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderSentItems)).Messages().GetFirst(ctx, ""))
	for r, err := range must(sent.Recipients(ctx)).All(ctx) {
		check(err)
		fmt.Println(must(r.Type(ctx)), must(r.Address(ctx)))
	}
	// Output:
	// 1 SMTP:charles@example.com
	// 2 SMTP:mary@example.com
	// 2 SMTP:luigi@example.com
}

// A filter says which items a collection has.
func ExampleMessageFilter() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	messages := must(s.Inbox(ctx)).Messages()
	filter := messages.Filter()
	filter.SetUnread(true)
	filter.SetSubject("engine")
	must(filter.Fields().Add(cdo.CdoPR_SENT_REPRESENTING_NAME, "babbage"))
	fmt.Println(must(messages.Count(ctx)))
	messages.SetFilter(nil)
	fmt.Println(must(messages.Count(ctx)))
	// Output:
	// 1
	// 1
}

// Attachments are saved as files.
func ExampleAttachment_WriteToFile() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	m := must(s.Inbox(ctx)).Messages().Add("Figures", "", "")
	a := must(must(m.Attachments(ctx)).Add(ctx, "table.csv", 0, cdo.CdoFileData, ""))
	check(a.SetData(ctx, strings.NewReader("n,B\n1,1/6\n")))
	check(m.Update(ctx, true, false))

	dir := must(os.MkdirTemp("", "attachments"))
	defer os.RemoveAll(dir)
	for a, err := range must(m.Attachments(ctx)).All(ctx) {
		check(err)
		if must(a.Type(ctx)) != cdo.CdoFileData {
			continue
		}
		file := filepath.Join(dir, filepath.Base(must(a.Name(ctx))))
		check(a.WriteToFile(ctx, file))
		fmt.Printf("%s: %q\n", filepath.Base(file), must(os.ReadFile(file)))
	}
	// Output: table.csv: "n,B\n1,1/6\n"
}

// Old mail moves into an archive. Moving while walking is safe: the collection keeps its place.
func ExampleMessage_MoveTo() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	inbox := must(s.Inbox(ctx))
	archive := must(inbox.Folders().Add(ctx, "2024"))
	messages := inbox.Messages()
	messages.Filter().SetTimeLast(time.Date(2024, 12, 31, 0, 0, 0, 0, time.UTC))
	m, err := messages.GetFirst(ctx, "")
	for ; m != nil && err == nil; m, err = messages.GetNext(ctx) {
		must(m.MoveTo(ctx, archive.ID(), ""))
	}
	check(err)
	fmt.Println(must(archive.Messages().Count(ctx)), must(inbox.Messages().Count(ctx)))
	// Output: 1 0
}

// All folders of all stores, as deep as they go.
func ExampleFolders_All() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	inbox := must(s.Inbox(ctx))
	must(must(inbox.Folders().Add(ctx, "Engines")).Folders().Add(ctx, "Difference"))
	var dump func(f *cdo.Folder, depth int)
	dump = func(f *cdo.Folder, depth int) {
		fmt.Printf("%s%s (%d)\n", strings.Repeat("  ", depth), must(f.Name(ctx)), must(f.Messages().Count(ctx)))
		for below, err := range f.Folders().All(ctx) {
			check(err)
			dump(below, depth+1)
		}
	}
	dump(inbox, 0)
	// Output:
	// Inbox (1)
	//   Engines (0)
	//     Difference (0)
}

// A folder is found by its name, and made when it isn't there.
func ExampleFolders_Add() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	folders := must(s.Inbox(ctx)).Folders()
	find := func(name string) *cdo.Folder {
		for f, err := range folders.All(ctx) {
			check(err)
			if must(f.Name(ctx)) == name {
				return f
			}
		}
		return must(folders.Add(ctx, name))
	}
	a, b := find("Projects"), find("Projects")
	fmt.Println(must(a.IsSameAs(ctx, b)))
	// Output: true
}

// A reply belongs to the conversation when the program says so.
func ExampleMessage_Reply() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	m := must(must(s.Inbox(ctx)).Messages().GetFirst(ctx, ""))
	check(m.SetConversationIndex(must(s.CreateConversationIndex(""))))
	reply := must(m.Reply(ctx))
	reply.SetText("I have read them.")
	reply.SetConversationTopic("Notes on the engine")
	check(reply.SetConversationIndex(must(s.CreateConversationIndex(must(m.ConversationIndex(ctx))))))
	fmt.Println(must(reply.Subject(ctx)), len(must(m.ConversationIndex(ctx)))/2, len(must(reply.ConversationIndex(ctx)))/2)

	forward := must(m.Forward(ctx))
	check(forward.SetRecipients(ctx, must(reply.Recipients(ctx))))
	fmt.Println(must(forward.Subject(ctx)), must(must(forward.Recipients(ctx)).Count(ctx)))
	// Output:
	// RE: Notes on the engine 22 27
	// FW: Notes on the engine 1
}

// A posted item isn't sent: the program sets what the transport would.
func ExampleMessage_Update_post() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	folder := must(must(s.Inbox(ctx)).Folders().Add(ctx, "Board"))
	now := time.Date(2024, 3, 15, 8, 0, 0, 0, time.UTC)
	m := folder.Messages().Add("Minutes", "We met.", "IPM.Post")
	check(m.SetSent(ctx, true))
	check(m.SetSubmitted(ctx, false))
	check(m.SetUnread(ctx, true))
	m.SetTimeSent(now)
	m.SetTimeReceived(now)
	must(m.Fields().AddNamed("Keyword", cdo.CdoString, "Peru", ""))
	check(m.Update(ctx, true, false))

	again := must(folder.Messages().GetFirst(ctx, "IPM.Post"))
	keyword := must(again.Fields().ByName(ctx, "Keyword", ""))
	fmt.Println(must(again.Sent(ctx)), must(again.TimeReceived(ctx)).Format(time.DateTime), must(keyword.Value(ctx)))
	// Output: true 2024-03-15 08:00:00 Peru
}

// Fields by their positions are all properties; a type that fields cannot show is an error of that field.
func ExampleFields_All() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	m := must(must(s.Inbox(ctx)).Messages().GetFirst(ctx, ""))
	for f, err := range m.Fields().All(ctx) {
		check(err)
		if v, err := f.Value(ctx); err == nil && f.Name() != "" {
			fmt.Println(f.Name(), f.Type(), v)
		}
	}
	// Output: Keywords 8200 [Engines]
}

// A property set is named once, then its properties by their names or numbers.
func ExampleFields_SetNamespace() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	contacts := must(s.GetDefaultFolder(ctx, cdo.CdoDefaultFolderContacts))
	m := contacts.Messages().Add("Charles Babbage", "", "IPM.Contact")
	fields := m.Fields()
	must(fields.Add(cdo.CdoPR_GIVEN_NAME, "Charles"))
	check(fields.SetNamespace("0420060000000000C000000000000046")) // PSETID_Address, in the order of memory
	must(fields.AddNamed("0x8005", cdo.CdoString, "Babbage, Charles", ""))
	check(m.Update(ctx, true, false))
	fmt.Println(must(must(m.Fields().ByName(ctx, "{00062004-0000-0000-C000-000000000046}0x8005", "")).Value(ctx)))
	// Output: Babbage, Charles
}

// The out-of-office answer of the mailbox changes at once.
func ExampleSession_SetOutOfOffice() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	check(s.SetOutOfOfficeText(ctx, "I am at the seaside until Monday."))
	check(s.SetOutOfOffice(ctx, true))
	fmt.Println(must(s.OutOfOffice(ctx)), must(s.OutOfOfficeText(ctx)))
	// Output: true I am at the seaside until Monday.
}

// All address lists with the kinds of their first entries.
func ExampleAddressLists_All() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	for list := range must(s.AddressLists(ctx)).All() {
		e := must(list.AddressEntries().GetFirst(ctx))
		fmt.Println(list.Name(), "/", must(e.Name(ctx)), must(e.Type(ctx)))
	}
	team := must(must(must(s.AddressLists(ctx)).Item(1).AddressEntries().Find(ctx, "Zeta")).Members(ctx))
	fmt.Println(must(must(team.GetFirst(ctx)).Name(ctx)))
	// Output:
	// Globales Adressbuch / User 00000 EX
	// All Users / User 00000 EX
	// User 00000
}

// The host of a session gives it the dialogs that it has.
func ExampleSession_AddressBook() {
	ctx := context.Background()
	s := cdo.NewSession(cdo.Config{Open: openMailbox, Dialogs: cdo.Dialogs{
		PickRecipients: func(ctx context.Context, s *cdo.Session, o cdo.AddressBookOptions) ([]cdo.Picked, error) {
			return []cdo.Picked{{Name: "User 00003", Type: cdo.CdoCc}}, nil // what a person would choose
		},
	}})
	check(s.Logon(ctx, cdo.LogonOptions{ProfileInfo: "server.example\nada"}))
	defer s.Logoff()

	chosen := must(s.AddressBook(ctx, cdo.AddressBookOptions{Title: "Who?", RecipLists: 3, ForceResolution: true}))
	m := must(s.Inbox(ctx)).Messages().Add("Hello", "", "")
	check(m.SetRecipients(ctx, chosen))
	fmt.Println(must(must(must(m.Recipients(ctx)).Item(ctx, 1)).Address(ctx)))
	// Output: EX:/o=Org/cn=user00003
}
