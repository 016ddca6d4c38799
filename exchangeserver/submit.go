package exchangeserver

import (
	"context"
	"errors"
	"strings"

	"github.com/opencdo/opencdo/internal/delivery"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Relay sends a message to addresses that have no mailbox here.
type Relay interface {
	Relay(ctx context.Context, from string, to []string, it *mapi.Item) error
}

// post is the server as a post office.
type post struct{ srv *Server }

func person(u User) delivery.Person {
	return delivery.Person{Name: u.DisplayName, SMTP: u.SMTPAddress, DN: u.LegacyDN}
}

// Find implements delivery.Post.
func (p post) Find(ctx context.Context, addressType, address string) (delivery.Person, bool, error) {
	u, err := p.srv.findUser(ctx, address)
	if u == nil || err != nil {
		return delivery.Person{}, false, err
	}
	return person(*u), true, nil
}

// Open implements delivery.Post.
func (p post) Open(ctx context.Context, who delivery.Person) (mapi.Store, error) {
	u, err := p.srv.findUser(ctx, who.DN)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, mapi.ErrUnknownUser
	}
	return p.srv.cfg.Backend.OpenMailbox(ctx, u.Mailbox)
}

// Relay implements delivery.Post. What is addressed to the server's own domain has been looked for there.
func (p post) Relay(ctx context.Context, from string, to []string, it *mapi.Item) error {
	if p.srv.cfg.Relay == nil {
		return delivery.ErrNoRelay
	}
	for _, a := range to {
		if strings.HasSuffix(strings.ToLower(a), "@"+strings.ToLower(p.srv.cfg.Domain)) {
			return errors.New("nobody here has this address")
		}
	}
	return p.srv.cfg.Relay.Relay(ctx, from, to, it)
}

// Domain implements delivery.Post.
func (p post) Domain() string { return p.srv.cfg.Domain }

// Delivered implements delivery.Post: who has the mailbox open hears of new mail.
func (p post) Delivered(ctx context.Context, who delivery.Person, box mapi.Store, item mapi.EntryID, class string) {
	b, ok := box.(Mailbox)
	if !ok {
		return
	}
	fid, mid, err := b.MessageID(item)
	if err != nil {
		return
	}
	e := []Event{{Kind: EventNewMail, Folder: fid, Item: mid, Class: class}}
	p.srv.openMu.Lock()
	defer p.srv.openMu.Unlock()
	for lg := range p.srv.open[b.Identity().Mailbox] {
		lg.s.notes.happened(lg, e)
	}
}

// Told implements delivery.Post.
func (p post) Told() *delivery.Told { return &p.srv.told }

// Log implements delivery.Post.
func (p post) Log(what string, who delivery.Person, err error) {
	p.srv.log(what, "user", who.SMTP, "error", err)
}

// submitMessage is RopSubmitMessage ([MS-OXOMSG] 3.2.5.1): the message is delivered before the answer, so that nothing is
// under way when the server stops. What wasn't saved is.
func (c *call) submitMessage(q *oxcrops.SubmitMessageRequest) (oxcrops.Response, error) {
	return nil, c.submit(q.In)
}

// transportSend is RopTransportSend ([MS-OXOMSG] 3.2.5.7).
func (c *call) transportSend(q *oxcrops.TransportSendRequest) (oxcrops.Response, error) {
	return &oxcrops.TransportSendResponse{NoPropertiesReturned: true}, c.submit(q.In)
}

func (c *call) submit(in uint8) error {
	m, err := get[*message](c, in)
	if err != nil {
		return err
	}
	if m.att != nil || m.kind != mapi.Normal {
		return mapi.ErrNoSupport
	}
	if m.writable {
		if err := m.endUpload(c); err != nil {
			return err
		}
		if err := m.save(c, false); err != nil {
			return err
		}
	}
	if m.id == "" {
		return mapi.ErrNotFound
	}
	s := delivery.Submission{User: person(c.s.user), Owner: person(m.lg.user), Store: m.lg.box, Folder: m.dir.ID(), Item: m.id}
	if err := delivery.Submit(c.s.ctx, post{c.s.srv}, s); err != nil {
		c.s.srv.log("message not submitted", "user", c.s.user.Alias, "error", err)
		return err
	}
	m.writable = false
	return nil
}

// receipts sends the receipts that messages just read ask for. One that can't be sent doesn't make them unread.
func (c *call) receipts(lg *logon, dir mapi.Folder, ids []mapi.EntryID) {
	for _, id := range ids {
		it, err := readHead(c, dir, id)
		if err == nil {
			err = delivery.Read(c, post{c.s.srv}, person(lg.user), it)
		}
		if err != nil {
			c.s.srv.log("receipt not sent", "user", lg.user.Alias, "error", err)
		}
	}
}

// asking are those of the items that a change to the read flag makes send a receipt: unread ones that ask for it, unless the
// client says no.
func (c *call) asking(dir mapi.Folder, ids []mapi.EntryID, flags uint8, read bool) []mapi.EntryID {
	if !read || flags&oxcrops.ReadSuppressReceipt != 0 {
		return nil
	}
	var list []mapi.EntryID
	for _, id := range ids {
		it, err := readHead(c, dir, id)
		if err != nil {
			continue // setting the flag meets the same error, and reports it
		}
		flags, _ := it.Props.Tag(pid.TagMessageFlags).(int32)
		if wanted, _ := it.Props.Tag(pid.TagReadReceiptRequested).(bool); wanted && flags&flagRead == 0 {
			list = append(list, id)
		}
	}
	return list
}
