package cdo

import (
	"context"
	"errors"

	"github.com/opencdo/opencdo/mapi"
)

// Dialogs are what members can show to a person. All may be nil, as they are for programs that run by themselves. A dialog that is
// cancelled fails with CdoE_USER_CANCEL, a window that isn't there with CdoE_INVALID_PARAMETER.
type Dialogs struct {
	// PickRecipients is Session.AddressBook.
	PickRecipients func(ctx context.Context, s *Session, o AddressBookOptions) ([]Picked, error)
	// ChooseEntry is asked for what an ambiguous name means when a recipient is resolved.
	ChooseEntry func(ctx context.Context, name string, candidates *AddressEntries) (*AddressEntry, error)
	// ShowDetails is AddressEntry.Details.
	ShowDetails func(ctx context.Context, e *AddressEntry, parentWindow int) error
	// ShowMessage lets a person see and change a message before it is sent.
	ShowMessage func(ctx context.Context, m *Message, parentWindow int) error
	// ShowOptions is Message.Options.
	ShowOptions func(ctx context.Context, m *Message, parentWindow int) error
}

// AddressBookOptions are the arguments of Session.AddressBook.
type AddressBookOptions struct {
	Recipients      *Recipients // that stand in the boxes at first; may be nil
	Title           string
	OneAddress      bool // one entry at most
	ForceResolution bool // names have to be resolved before the dialog closes
	RecipLists      int  // boxes: 1 to 3; 0 for looking only; -1 for three with the usual captions, without resolving
	ToLabel         string
	CcLabel         string
	BccLabel        string
	ParentWindow    int
}

// Picked is a choice of the person: an address entry, or a name and address that stand in no address book.
type Picked struct {
	Entry         *AddressEntry
	Name, Address string
	Type          RecipientType
}

// AddressBook lets a person choose recipients: nil when nobody was chosen. Where there is no dialog it is CdoE_NO_SUPPORT.
func (s *Session) AddressBook(ctx context.Context, o AddressBookOptions) (*Recipients, error) {
	const member = "Session.AddressBook"
	l, err := s.open(ctx, member)
	if err != nil {
		return nil, err
	}
	switch {
	case o.RecipLists < -1 || o.RecipLists > 3:
		return nil, failf(member, CdoE_INVALID_PARAMETER, "there are no %d boxes", o.RecipLists)
	case s.config.Dialogs.PickRecipients == nil:
		return nil, failf(member, CdoE_NO_SUPPORT, "there is no dialog to show")
	}
	list, err := s.config.Dialogs.PickRecipients(ctx, s, o)
	if err != nil || len(list) == 0 || o.RecipLists == 0 {
		return nil, fail(member, err)
	}
	if o.OneAddress && len(list) > 1 {
		return nil, failf(member, CdoE_INVALID_PARAMETER, "%d entries were chosen where one may be", len(list))
	}
	folder, err := l.stores.list[0].special(ctx, s, mapi.RoleIPM)
	if err != nil {
		return nil, fail(member, err)
	}
	picked, err := folder.Messages().Add("", "", "").Recipients(ctx)
	if err != nil {
		return nil, rename(err, member)
	}
	for _, p := range list {
		if err := picked.pick(ctx, p); err != nil {
			return nil, rename(err, member)
		}
	}
	if o.ForceResolution && o.RecipLists > 0 {
		if err := picked.Resolve(ctx, true); err != nil {
			return nil, rename(err, member)
		}
	}
	return picked, nil
}

func (c *Recipients) pick(ctx context.Context, p Picked) error {
	if p.Type == 0 {
		p.Type = CdoTo
	}
	if p.Entry == nil {
		_, err := c.Add(ctx, p.Name, p.Address, p.Type)
		return err
	}
	r := c.add(p.Type)
	return r.take(ctx, p.Entry)
}

// Details shows an entry to a person. Where there is no dialog it is CdoE_NO_SUPPORT.
func (e *AddressEntry) Details(ctx context.Context, parentWindow int) error {
	const member = "AddressEntry.Details"
	if err := e.logon.alive(); err != nil {
		return fail(member, err)
	}
	show := e.logon.session.config.Dialogs.ShowDetails
	if show == nil {
		return failf(member, CdoE_NO_SUPPORT, "there is no dialog to show")
	}
	return fail(member, show(ctx, e, parentWindow))
}

// Options shows what the transport can do for a message. Where there is nothing to show it is CdoE_NOT_FOUND; of appointments and
// meeting items it is CdoE_NO_SUPPORT.
func (m *Message) Options(ctx context.Context, parentWindow int) error {
	const member = "Message.Options"
	if err := m.usable(); err != nil {
		return fail(member, err)
	}
	show := m.logon.session.config.Dialogs.ShowOptions
	switch {
	case m.Class() != CdoMsg:
		return failf(member, CdoE_NO_SUPPORT, "appointments and meetings have no such options")
	case show == nil:
		return failf(member, CdoE_NOT_FOUND, "no transport has options")
	}
	return fail(member, show(ctx, m, parentWindow))
}

// SendShown is Send after a person has seen and changed the message: CDO's Send with ShowDialog. Appointments and meeting items, and
// sessions without a dialog, are CdoE_NO_SUPPORT.
func (m *Message) SendShown(ctx context.Context, saveCopy bool, parentWindow int) error {
	const member = "Message.Send"
	if err := m.usable(); err != nil {
		return fail(member, err)
	}
	show := m.logon.session.config.Dialogs.ShowMessage
	if show == nil || m.Class() != CdoMsg {
		return fail(member, &mapi.Error{Op: "send", Code: mapi.ErrNoSupport, Err: errors.New("there is no dialog to show")})
	}
	if err := show(ctx, m, parentWindow); err != nil {
		return fail(member, err)
	}
	return m.Send(ctx, saveCopy)
}
