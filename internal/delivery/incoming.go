package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Refused is the error of a relay that reached some addresses and not others: why, by the address. Addresses that are not in it got
// the message.
type Refused map[string]error

func (r Refused) Error() string { return fmt.Sprintf("%d addresses were refused", len(r)) }

// Receive puts a message that came from outside into the Inboxes of those whom its envelope names; who gets it isn't a matter of
// its recipients. It gives the addresses that got nothing and why; one that nobody has fails with mapi.ErrUnknownUser. There are no
// automatic replies to the outside.
func Receive(ctx context.Context, post Post, to []string, it *mapi.Item) Refused {
	m := &submitted{post: post, it: it, now: mapi.NewFileTime(time.Now())}
	failed := Refused{}
	given := map[string]bool{}
	for _, address := range to {
		p, ok, err := post.Find(ctx, "SMTP", address)
		switch {
		case err != nil:
		case !ok:
			err = &mapi.Error{Op: "deliver", Object: address, Code: mapi.ErrUnknownUser}
		case !given[p.DN]:
			if err = m.give(ctx, m.named(ctx, p)); err == nil {
				given[p.DN] = true
			}
		}
		if err != nil {
			failed[address] = err
		}
	}
	return failed
}

// named tells how the recipients of the message name somebody.
func (m *submitted) named(ctx context.Context, p Person) *addressee {
	a := &addressee{Person: p}
	for _, r := range m.it.Recipients {
		if who, ok, err := m.find(ctx, r); err == nil && ok && who.DN == p.DN {
			a.to = a.to || kindOf(r) == toRecipient
			a.cc = a.cc || kindOf(r) == ccRecipient
		}
	}
	return a
}

// Bounce reports to somebody outside that a message didn't reach all.
func Bounce(ctx context.Context, post Post, from string, it *mapi.Item, failed Refused) error {
	m := &submitted{post: post, it: it, now: mapi.NewFileTime(time.Now())}
	for address, err := range failed {
		m.fail(address, err)
	}
	r := m.nonDelivery()
	postmaster := "postmaster@" + post.Domain()
	for _, t := range []role{sender, representing} {
		r.Props = slices.Concat(r.Props, mapi.Props{
			{Key: mapi.TagKey(t.name), Value: "Mail system"}, {Key: mapi.TagKey(t.addressType), Value: "SMTP"},
			{Key: mapi.TagKey(t.email), Value: postmaster}, {Key: mapi.TagKey(t.smtp), Value: postmaster},
		})
	}
	for _, p := range []mapi.Prop{
		{Key: mapi.TagKey(pid.TagInternetMessageId), Value: m.messageID()}, {Key: mapi.TagKey(pid.TagOriginalSenderName), Value: from},
		{Key: mapi.TagKey(pid.TagOriginalSenderAddressType), Value: "SMTP"}, {Key: mapi.TagKey(pid.TagOriginalSenderEmailAddress), Value: from},
	} {
		r.Props.Set(p.Key, p.Value)
	}
	return post.Relay(ctx, "", []string{from}, r)
}
