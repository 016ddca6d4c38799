package cdo_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// openMailbox stands for what opens the mailbox of a profile. Here it is in memory, with an address book of ten entries and one
// message.
func openMailbox(ctx context.Context, p cdo.Profile) ([]mapi.Store, error) {
	store := memstore.New(memstore.Config{Name: "Mailbox - " + p.Info.Mailbox})
	inbox, err := store.Special(ctx, mapi.RoleInbox)
	if err != nil {
		return nil, err
	}
	dir, err := store.Folder(ctx, inbox)
	if err != nil {
		return nil, err
	}
	_, err = mapi.WriteItem(ctx, dir, mapi.Normal, &mapi.Item{Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
		{Key: mapi.TagKey(pid.TagMessageFlags), Value: int32(0)},
		{Key: mapi.TagKey(pid.TagSubject), Value: "Notes on the engine"},
		{Key: mapi.TagKey(pid.TagSentRepresentingName), Value: "Charles Babbage"},
		{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: mapi.NewFileTime(time.Date(2024, 3, 14, 9, 27, 0, 0, time.UTC))},
		{Key: mapi.TagKey(pid.TagTransportMessageHeaders), Value: "Subject: Notes on the engine\r\n"},
		{Key: pid.NameKeywords, Value: []string{"Engines"}},
	}})
	return []mapi.Store{withBook{store, &directory{size: 10}}}, err
}

// logOnAsAda is how every program begins.
func logOnAsAda(ctx context.Context) *cdo.Session {
	s := cdo.NewSession(cdo.Config{Open: openMailbox, Location: time.UTC})
	if err := s.Logon(ctx, cdo.LogonOptions{ProfileInfo: "server.example\nada"}); err != nil {
		log.Fatal(err)
	}
	return s
}

// A dynamic profile is a server and a mailbox with a line feed between them. Its names are not verified by Logon: the first access
// to the mailbox tells.
func ExampleSession_Logon() {
	ctx := context.Background()
	s := cdo.NewSession(cdo.Config{Open: openMailbox})
	if err := s.Logon(ctx, cdo.LogonOptions{ProfileInfo: "server.example\nada"}); err != nil {
		log.Fatal(err)
	}
	defer s.Logoff()

	inbox, err := s.Inbox(ctx)
	if err != nil {
		log.Fatal(err) // errors.Is(err, cdo.CdoE_FAILONEPROVIDER): wrong names, or the server is away
	}
	stores, err := s.InfoStores(ctx)
	if err != nil {
		log.Fatal(err)
	}
	store, _ := stores.Item(1).Name(ctx)
	folder, _ := inbox.Name(ctx)
	fmt.Println(store, "/", folder)
	// Output: Mailbox - ada / Inbox
}

func ExampleMessages_All() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	inbox, err := s.Inbox(ctx)
	if err != nil {
		log.Fatal(err)
	}
	messages := inbox.Messages()
	if err := messages.Sort(cdo.CdoDescending, cdo.CdoPR_MESSAGE_DELIVERY_TIME); err != nil {
		log.Fatal(err)
	}
	for m, err := range messages.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		subject, err := m.Subject(ctx)
		if err != nil {
			log.Fatal(err)
		}
		sender, err := m.Sender(ctx)
		if err != nil {
			log.Fatal(err)
		}
		from, _ := sender.Name(ctx)
		received, _ := m.TimeReceived(ctx)
		fmt.Println(received.Format(time.DateTime), from, subject)
	}
	// Output: 2024-03-14 09:27:00 Charles Babbage Notes on the engine
}

// The older way: Nothing, a nil message, ends the walk.
func ExampleMessages_GetNext() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	inbox, err := s.Inbox(ctx)
	if err != nil {
		log.Fatal(err)
	}
	messages := inbox.Messages()
	m, err := messages.GetFirst(ctx, "IPM.Note")
	for ; m != nil; m, err = messages.GetNext(ctx) {
		subject, _ := m.Subject(ctx)
		fmt.Println(subject)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output: Notes on the engine
}

// Fields have all properties: by tag, and by the name that a custom property has.
func ExampleFields() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	inbox, err := s.Inbox(ctx)
	if err != nil {
		log.Fatal(err)
	}
	m, err := inbox.Messages().GetFirst(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	headers, err := m.Fields().ByTag(ctx, cdo.CdoPR_TRANSPORT_MESSAGE_HEADERS)
	if err != nil {
		log.Fatal(err)
	}
	value, err := headers.Value(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", value)

	keywords, err := m.Fields().ByName(ctx, "Keywords", "")
	if err != nil {
		log.Fatal(err)
	}
	value, err = keywords.Value(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %v %v\n", keywords.Name(), keywords.Type() == cdo.CdoArray|cdo.CdoString, value)
	// Output:
	// "Subject: Notes on the engine\r\n"
	// Keywords true [Engines]
}

// A message is saved by its Update, with its recipients and attachments.
func ExampleMessages_Add() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	inbox, err := s.Inbox(ctx)
	if err != nil {
		log.Fatal(err)
	}
	m := inbox.Messages().Add("Figures", "See the table.", "")
	m.SetImportance(cdo.CdoHigh)

	recipients, err := m.Recipients(ctx)
	if err != nil {
		log.Fatal(err)
	}
	to, err := recipients.Add(ctx, "Charles Babbage", "SMTP:charles@example.com", cdo.CdoTo)
	if err != nil {
		log.Fatal(err)
	}
	if err := to.Resolve(ctx, false); err != nil {
		log.Fatal(err)
	}

	attachments, err := m.Attachments(ctx)
	if err != nil {
		log.Fatal(err)
	}
	table, err := attachments.Add(ctx, "table.csv", 0, cdo.CdoFileData, "") // or the path of a file
	if err != nil {
		log.Fatal(err)
	}
	if err := table.SetData(ctx, strings.NewReader("n,B\n1,1/6\n")); err != nil {
		log.Fatal(err)
	}
	if err := m.Update(ctx, true, false); err != nil {
		log.Fatal(err)
	}

	again, err := s.GetMessage(ctx, m.ID(), "")
	if err != nil {
		log.Fatal(err)
	}
	attachments, err = again.Attachments(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for a, err := range attachments.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		name, _ := a.Name(ctx)
		fmt.Println(a.Index(), name)
	}
	// Output: 1 table.csv
}

// Entries are read a window at a time, and a name is found without reading the whole directory.
func ExampleAddressEntries_Find() {
	ctx := context.Background()
	s := logOnAsAda(ctx)
	defer s.Logoff()

	list, err := s.GetAddressList(ctx, cdo.CdoAddressListGAL)
	if err != nil {
		log.Fatal(err)
	}
	entry, err := list.AddressEntries().Find(ctx, "User 00007")
	if err != nil {
		log.Fatal(err)
	}
	name, _ := entry.Name(ctx)
	smtp, err := entry.Fields().ByTag(ctx, 0x39FE001E) // PR_SMTP_ADDRESS
	if err != nil {
		log.Fatal(err)
	}
	address, _ := smtp.Value(ctx)
	fmt.Println(name, address)
	// Output: User 00007 user00007@example.com
}
