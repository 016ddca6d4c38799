package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Status codes of non-delivery reports (RFC 3463 without dots; [MS-OXOMSG] 2.2.2.34).
const (
	statusUnknown = 511 // nobody has the address
	statusNoRoute = 544
	statusMailbox = 520
)

// undeliverable tells the sender who didn't get the message.
func (m *submitted) undeliverable(ctx context.Context) error {
	it := m.nonDelivery()
	for _, p := range slices.Concat(sender.of(m.system()), representing.of(m.system())) {
		it.Props.Set(p.Key, p.Value)
	}
	if err := deposit(ctx, m.post, m.Owner, it); err != nil {
		return fmt.Errorf("report what wasn't delivered: %w", err)
	}
	return nil
}

// statusCoder is an error that knows the number for [MS-OXOMSG] 2.2.2.34: that of another server.
type statusCoder interface{ StatusCode() int32 }

// nonDelivery is the report about those who didn't get the message, which comes back with it.
func (m *submitted) nonDelivery() *mapi.Item {
	it := report("REPORT.IPM.Note.NDR", "Undeliverable: ", m.it, m.now)
	var text strings.Builder
	text.WriteString("Your message did not reach some or all of the intended recipients.\r\n\r\n")
	fmt.Fprintf(&text, "      Subject:\t%s\r\n      Sent:\t%s\r\n\r\n", m.it.Props.Text(pid.TagSubject), m.now.Time().Format(time.RFC1123))
	text.WriteString("The following recipient(s) could not be reached:\r\n\r\n")
	for _, f := range m.failed {
		r := slices.Clone(f.recipient)
		if len(r) == 0 {
			r = mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: f.address}, {Key: mapi.TagKey(pid.TagAddressType), Value: "SMTP"},
				{Key: mapi.TagKey(pid.TagEmailAddress), Value: f.address}}
		}
		status := int32(statusUnknown)
		var coded statusCoder
		switch {
		case errors.As(f.reason, &coded) && coded.StatusCode() != 0:
			status = coded.StatusCode()
		case errors.Is(f.reason, mapi.ErrUnknownUser):
		case errors.Is(f.reason, ErrNoRelay):
			status = statusNoRoute
		case mapi.CodeOf(f.reason) != 0:
			status = statusMailbox
		}
		why := fmt.Sprintf("%s: %v", f.address, f.reason)
		for _, p := range []mapi.Prop{
			{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(toRecipient)},
			{Key: mapi.TagKey(pid.TagNonDeliveryReportStatusCode), Value: status},
			{Key: mapi.TagKey(pid.TagNonDeliveryReportReasonCode), Value: int32(1)},
			{Key: mapi.TagKey(pid.TagNonDeliveryReportDiagCode), Value: int32(-1)},
			{Key: mapi.TagKey(pid.TagReportTime), Value: m.now},
			{Key: mapi.TagKey(pid.TagReportText), Value: why},
		} {
			r.Set(p.Key, p.Value)
		}
		it.Recipients = append(it.Recipients, r)
		fmt.Fprintf(&text, "      %s\r\n", why)
	}
	it.Props.Set(mapi.TagKey(pid.TagReportText), text.String())
	it.Props.Set(mapi.TagKey(pid.TagBody), text.String())
	it.Attachments = []*mapi.Attachment{{Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagAttachMethod), Value: int32(5)}, // afEmbeddedMessage
		{Key: mapi.TagKey(pid.TagDisplayName), Value: m.it.Props.Text(pid.TagSubject)},
		{Key: mapi.TagKey(pid.TagRenderingPosition), Value: int32(-1)},
	}, Embedded: m.it}}
	return it
}

// system is in whose name reports about delivery come.
func (m *submitted) system() Person {
	return Person{Name: "System Administrator", SMTP: "postmaster@" + m.post.Domain(), DN: "/o=OpenCDO/cn=System Administrator"}
}

// receiptClass is the message class of a read receipt ([MS-OXOMSG] 2.2.2.2).
const receiptClass = "REPORT.IPM.Note.IPNRN"

// Read sends the receipt that a message asks for when its reader has read it ([MS-OXOMSG] 3.1.4.2); nothing if it asks for none, or
// for one that cannot leave the server.
func Read(ctx context.Context, post Post, reader Person, it *mapi.Item) error {
	if wanted, _ := it.Props.Tag(pid.TagReadReceiptRequested).(bool); !wanted {
		return nil
	}
	to, ok, err := post.Find(ctx, strings.ToUpper(it.Props.Text(pid.TagSentRepresentingAddressType)), it.Props.Text(pid.TagSentRepresentingEmailAddress))
	if err != nil {
		return err
	}
	now := mapi.NewFileTime(time.Now())
	r := report(receiptClass, "Read: ", it, now)
	for _, p := range slices.Concat(sender.of(reader), representing.of(reader)) {
		r.Props.Set(p.Key, p.Value)
	}
	text := fmt.Sprintf("Your message\r\n\r\n      To:\t%s\r\n      Subject:\t%s\r\n\r\nwas read on %s.\r\n", it.Props.Text(pid.TagDisplayTo),
		it.Props.Text(pid.TagSubject), now.Time().Format(time.RFC1123))
	r.Props.Set(mapi.TagKey(pid.TagReceiptTime), now)
	r.Props.Set(mapi.TagKey(pid.TagReportText), text)
	r.Props.Set(mapi.TagKey(pid.TagBody), text)
	if !ok {
		return relayReceipt(ctx, post, reader, it, r)
	}
	for _, p := range slices.Concat(receivedBy.of(to), receivedFor.of(to)) {
		r.Props.Set(p.Key, p.Value)
	}
	return deposit(ctx, post, to, r)
}

// relayReceipt sends a receipt to the address outside that the message names for it, or to its sender.
func relayReceipt(ctx context.Context, post Post, reader Person, it, r *mapi.Item) error {
	address := it.Props.Text(pid.TagReadReceiptSmtpAddress)
	if address == "" {
		address = it.Props.Text(pid.TagSentRepresentingSmtpAddress)
	}
	if address == "" {
		return nil
	}
	r.Recipients = []mapi.Props{{{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(toRecipient)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: address},
		{Key: mapi.TagKey(pid.TagAddressType), Value: "SMTP"}, {Key: mapi.TagKey(pid.TagEmailAddress), Value: address}, {Key: mapi.TagKey(pid.TagSmtpAddress), Value: address}}}
	r.Props.Set(mapi.TagKey(pid.TagInternetMessageId), (&submitted{post: post}).messageID())
	if err := post.Relay(ctx, reader.SMTP, []string{address}, r); !errors.Is(err, ErrNoRelay) {
		return err
	}
	return nil
}

// report makes a report about a message ([MS-OXOMSG] 2.2.2).
func report(class, prefix string, about *mapi.Item, now mapi.FileTime) *mapi.Item {
	subject := about.Props.Text(pid.TagNormalizedSubject)
	if subject == "" {
		subject = about.Props.Text(pid.TagSubject)
	}
	it := &mapi.Item{Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: class},
		{Key: mapi.TagKey(pid.TagSubject), Value: prefix + subject},
		{Key: mapi.TagKey(pid.TagSubjectPrefix), Value: prefix},
		{Key: mapi.TagKey(pid.TagNormalizedSubject), Value: subject},
		{Key: mapi.TagKey(pid.TagMessageFlags), Value: int32(0)},
		{Key: mapi.TagKey(pid.TagClientSubmitTime), Value: now},
		{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: now},
		{Key: mapi.TagKey(pid.TagReportTime), Value: now},
		{Key: mapi.TagKey(pid.TagOriginalSubject), Value: about.Props.Text(pid.TagSubject)},
	}}
	for _, t := range kept {
		if v := about.Props.Tag(t.from); v != nil {
			it.Props.Set(mapi.TagKey(t.to), v)
		}
	}
	return it
}

// kept is what a report repeats of the message that it is about.
var kept = []struct{ from, to mapi.Tag }{
	{pid.TagClientSubmitTime, pid.TagOriginalSubmitTime}, {pid.TagMessageDeliveryTime, pid.TagOriginalDeliveryTime},
	{pid.TagSearchKey, pid.TagOriginalSearchKey}, {pid.TagInternetMessageId, pid.TagOriginalMessageId},
	{pid.TagMessageClass, pid.TagOriginalMessageClass}, {pid.TagDisplayTo, pid.TagOriginalDisplayTo},
	{pid.TagDisplayCc, pid.TagOriginalDisplayCc}, {pid.TagConversationTopic, pid.TagConversationTopic},
	{pid.TagConversationIndex, pid.TagConversationIndex},
}
