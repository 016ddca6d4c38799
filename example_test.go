package opencdo_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// A store is opened by its address and used through one contract, whatever kind it is.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "mails")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	st, err := opencdo.Open(ctx, "msg:"+dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	root, err := opencdo.Find(ctx, st, "")
	if err != nil {
		log.Fatal(err)
	}
	inbox, err := root.Folder.CreateFolder(ctx, "Inbox", nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = mapi.WriteItem(ctx, inbox, mapi.Normal, &mapi.Item{
		Props: mapi.Props{
			{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
			{Key: mapi.TagKey(pid.TagSubject), Value: "Minutes of Monday"},
			{Key: mapi.TagKey(pid.TagBody), Value: "We met."},
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	place, err := opencdo.Find(ctx, st, "inbox")
	if err != nil {
		log.Fatal(err)
	}
	subject := mapi.TagKey(pid.TagSubject)
	for row, err := range place.Folder.Rows(ctx, mapi.Query{Columns: []mapi.Key{subject}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row.Values[0])
	}
	// Output: Minutes of Monday
}

// A mailbox address names mailbox and server; the server's name may be a personalised one, with an @ of its own.
func ExampleParseAddress() {
	a, err := opencdo.ParseAddress("exchange:admin@8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.test//Inbox/2019")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Info.Mailbox)
	fmt.Println(a.Info.Server)
	fmt.Println(a.Path)
	// Output:
	// admin
	// 8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.test
	// Inbox/2019
}
