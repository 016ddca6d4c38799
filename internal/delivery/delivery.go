// Package delivery brings submitted messages to the mailboxes of a directory: what the transport of an Exchange organization
// does between them ([MS-OXOMSG] 3.2.5.1, 3.2.5.2).
package delivery

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Person is someone who has a mailbox.
type Person struct {
	Name string // to show
	SMTP string
	DN   string // legacy DN
}

func (p Person) entryID() []byte {
	e := oxcdata.AddressBookEntryID{Provider: oxcdata.ProviderAddressBook, Version: 1, DN: mapi.String8(p.DN)}
	b, _ := oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.AddressBookEntryID(&e) })
	return b
}

func (p Person) searchKey() []byte { return []byte("EX:" + strings.ToUpper(p.DN) + "\x00") }

// Post knows who has a mailbox.
type Post interface {
	// Find looks for the owner of an address, whose type is "EX", "SMTP" or unknown; ok is false where nobody has it.
	Find(ctx context.Context, addressType, address string) (p Person, ok bool, err error)
	// Open opens someone's mailbox, which the caller closes.
	Open(ctx context.Context, p Person) (mapi.Store, error)
	// Relay hands over a message for addresses outside. ErrNoRelay: there is no way out. Refused: not all addresses got it.
	Relay(ctx context.Context, from string, to []string, it *mapi.Item) error
	// Domain is what message ids are made in.
	Domain() string
	// Delivered is told of each item that was put into an Inbox.
	Delivered(ctx context.Context, p Person, box mapi.Store, item mapi.EntryID, class string)
	// Told is who was told that somebody is away.
	Told() *Told
	// Log notes what failed without the sender being told.
	Log(what string, p Person, err error)
}

// ErrNoRelay says that nothing is sent to the outside.
var ErrNoRelay = errors.New("messages to other servers aren't relayed")

// Submission is a message that somebody sends.
type Submission struct {
	User   Person     // who does it
	Owner  Person     // of the mailbox it lies in, in whose name it is sent
	Store  mapi.Store // the mailbox
	Folder mapi.EntryID
	Item   mapi.EntryID
}

// submitted is a submission under way.
type submitted struct {
	Submission
	post   Post
	dir    mapi.Folder
	it     *mapi.Item
	now    mapi.FileTime
	failed []failure
}

// failure is a recipient who didn't get the message.
type failure struct {
	recipient mapi.Props
	address   string
	reason    error
}

// Bits of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6).
const (
	flagRead      = 0x0001
	flagSubmitted = 0x0004
	flagUnsent    = 0x0008
	flagFromMe    = 0x0020
)

// Submit delivers a message to its recipients and then does with it what it says itself: PidTagDeleteAfterSubmit removes it,
// else it goes to the folder that PidTagSentMailEntryId names, by default Sent Items. Recipients who can't be reached are
// reported to the sender by mail. A message without recipients is mapi.ErrNoRecipients.
func Submit(ctx context.Context, post Post, s Submission) error {
	m := &submitted{Submission: s, post: post, now: mapi.NewFileTime(time.Now())}
	var err error
	if m.dir, err = s.Store.Folder(ctx, s.Folder); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if m.it, err = openItem(ctx, m.dir, s.Item); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if len(m.it.Recipients) == 0 {
		return &mapi.Error{Op: "submit", Code: mapi.ErrNoRecipients}
	}
	if err := m.sign(ctx); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if err := m.deliver(ctx); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if err := m.file(ctx); err != nil {
		return fmt.Errorf("file the sent message: %w", err)
	}
	if len(m.failed) > 0 {
		return m.undeliverable(ctx)
	}
	return nil
}

// itemOpener is a folder that opens an item without reading its large values.
type itemOpener interface {
	OpenItem(ctx context.Context, id mapi.EntryID) (*mapi.Item, error)
}

func openItem(ctx context.Context, f mapi.Folder, id mapi.EntryID) (*mapi.Item, error) {
	if o, ok := f.(itemOpener); ok {
		return o.OpenItem(ctx, id)
	}
	return mapi.ReadItem(ctx, f, id)
}

// sign says in the message who sends it, and when ([MS-OXOMSG] 3.2.5.1.1).
func (m *submitted) sign(ctx context.Context) error {
	flags, _ := m.it.Props.Tag(pid.TagMessageFlags).(int32)
	set := mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageFlags), Value: flags&^(flagUnsent|flagSubmitted) | flagRead | flagFromMe},
		{Key: mapi.TagKey(pid.TagClientSubmitTime), Value: m.now},
		{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: m.now},
	}
	set = append(set, sender.of(m.User)...)
	if m.it.Props.Tag(pid.TagSentRepresentingEmailAddress) == nil {
		set = append(set, representing.of(m.Owner)...)
	}
	if m.it.Props.Tag(pid.TagInternetMessageId) == nil {
		set.Set(mapi.TagKey(pid.TagInternetMessageId), m.messageID())
	}
	if err := m.dir.Update(ctx, m.Item, set, nil); err != nil {
		return err
	}
	for _, p := range set {
		m.it.Props.Set(p.Key, p.Value)
	}
	return nil
}

// messageID makes a new one.
func (m *submitted) messageID() string {
	var id [16]byte
	rand.Read(id[:])
	return "<" + hex.EncodeToString(id[:]) + "@" + m.post.Domain() + ">"
}

// role is a set of properties that name a person.
type role struct{ name, addressType, email, smtp, entryID, searchKey mapi.Tag }

var (
	sender = role{pid.TagSenderName, pid.TagSenderAddressType, pid.TagSenderEmailAddress, pid.TagSenderSmtpAddress,
		pid.TagSenderEntryId, pid.TagSenderSearchKey}
	representing = role{pid.TagSentRepresentingName, pid.TagSentRepresentingAddressType, pid.TagSentRepresentingEmailAddress,
		pid.TagSentRepresentingSmtpAddress, pid.TagSentRepresentingEntryId, pid.TagSentRepresentingSearchKey}
	receivedBy = role{pid.TagReceivedByName, pid.TagReceivedByAddressType, pid.TagReceivedByEmailAddress, pid.TagReceivedBySmtpAddress,
		pid.TagReceivedByEntryId, pid.TagReceivedBySearchKey}
	receivedFor = role{pid.TagReceivedRepresentingName, pid.TagReceivedRepresentingAddressType, pid.TagReceivedRepresentingEmailAddress,
		pid.TagReceivedRepresentingSmtpAddress, pid.TagReceivedRepresentingEntryId, pid.TagReceivedRepresentingSearchKey}
)

func (r role) of(p Person) mapi.Props {
	return mapi.Props{
		{Key: mapi.TagKey(r.name), Value: p.Name}, {Key: mapi.TagKey(r.addressType), Value: "EX"},
		{Key: mapi.TagKey(r.email), Value: p.DN}, {Key: mapi.TagKey(r.smtp), Value: p.SMTP},
		{Key: mapi.TagKey(r.entryID), Value: p.entryID()}, {Key: mapi.TagKey(r.searchKey), Value: p.searchKey()},
	}
}

// file puts the message where sent ones go.
func (m *submitted) file(ctx context.Context) error {
	if gone, _ := m.it.Props.Tag(pid.TagDeleteAfterSubmit).(bool); gone {
		return m.dir.Delete(ctx, []mapi.EntryID{m.Item}, true)
	}
	target, named := m.it.Props.Tag(pid.TagSentMailEntryId).([]byte)
	to := mapi.EntryID(target)
	if named {
		if _, err := m.Store.Folder(ctx, to); errors.Is(err, mapi.ErrNotFound) || errors.Is(err, mapi.ErrInvalidEntryID) {
			named = false // of another store, or deleted meanwhile: better in Sent Items than lost
		}
	}
	if !named {
		var err error
		if to, err = m.Store.Special(ctx, mapi.RoleSent); err != nil {
			return err
		}
	}
	if to == m.Folder {
		return nil
	}
	if mv, ok := m.dir.(mover); ok {
		_, err := mv.Move(ctx, []mapi.EntryID{m.Item}, to)
		return err
	}
	f, err := m.Store.Folder(ctx, to)
	if err != nil {
		return err
	}
	if _, err := mapi.WriteItem(ctx, f, mapi.Normal, m.it); err != nil {
		return err
	}
	return m.dir.Delete(ctx, []mapi.EntryID{m.Item}, true)
}

// mover is a folder that moves items within its mailbox.
type mover interface {
	Move(ctx context.Context, ids []mapi.EntryID, to mapi.EntryID) ([]mapi.EntryID, error)
}
