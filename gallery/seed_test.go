//go:build !windows

package gallery

import (
	"context"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// annaMail is what lies in Anna's Inbox before the first script runs.
func annaMail(ctx context.Context, box mapi.Store) error {
	id, err := box.Special(ctx, mapi.RoleInbox)
	if err != nil {
		return err
	}
	inbox, err := box.Folder(ctx, id)
	if err != nil {
		return err
	}
	for _, m := range []struct {
		subject, from, address, text string
		day                          int
		read                         bool
		headers                      string
	}{
		{"Budget 1998", "Bob Builder", "bob@contoso.test", "The figures are ready.\r\nBob", 2, false, ""},
		{"Lunch on Friday", "Administrator", "admin@contoso.test", "At noon?", 3, true, ""},
		{"Your order", "Shop", "orders@shop.test", "It was sent.", 4, false, "Received: from shop.test\r\nX-Order: 4711\r\nSubject: Your order\r\n"},
		{"Budget 1998, second draft", "Bob Builder", "bob@contoso.test", "Again.", 5, true, ""},
	} {
		when := mapi.NewFileTime(time.Date(1998, 3, m.day, 9, 30, 0, 0, time.UTC))
		flags := int32(0)
		if m.read {
			flags = 1 // mfRead ([MS-OXCMSG] 2.2.1.6)
		}
		props := mapi.Props{
			{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
			{Key: mapi.TagKey(pid.TagMessageFlags), Value: flags},
			{Key: mapi.TagKey(pid.TagSubject), Value: m.subject},
			{Key: mapi.TagKey(pid.TagBody), Value: m.text},
			{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: when},
			{Key: mapi.TagKey(pid.TagClientSubmitTime), Value: when},
		}
		for _, p := range [][3]mapi.Tag{{pid.TagSenderName, pid.TagSenderAddressType, pid.TagSenderEmailAddress},
			{pid.TagSentRepresentingName, pid.TagSentRepresentingAddressType, pid.TagSentRepresentingEmailAddress}} {
			props = append(props, mapi.Prop{Key: mapi.TagKey(p[0]), Value: m.from}, mapi.Prop{Key: mapi.TagKey(p[1]), Value: "SMTP"},
				mapi.Prop{Key: mapi.TagKey(p[2]), Value: m.address})
		}
		if m.headers != "" {
			props = append(props, mapi.Prop{Key: mapi.TagKey(pid.TagTransportMessageHeaders), Value: m.headers})
		}
		if _, err := mapi.WriteItem(ctx, inbox, mapi.Normal, &mapi.Item{Props: props}); err != nil {
			return err
		}
	}
	return nil
}
