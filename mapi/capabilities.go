package mapi

import (
	"context"
	"time"
)

// The interfaces here are abilities that not every store has. Ask for them with [As]; where a store lacks one, what needs it fails
// with ErrNoSupport.

// Submitter is a store that can send.
type Submitter interface {
	// Submit hands an item of a folder to the transport. When it is on its way it is moved to the folder that its
	// PidTagSentMailEntryId names, or removed when PidTagDeleteAfterSubmit is true; without either it goes to Sent
	// Items or stays where it is, as the server does. Errors are those of [MS-OXOMSG] 3.2.5.1: ErrNoAccess for a sender that the user may not be, and others.
	Submit(ctx context.Context, folder, item EntryID) error
}

// QueueFlusher is a store whose transport has queues.
type QueueFlusher interface {
	// FlushQueues returns when all that waited to be sent or fetched has been.
	FlushQueues(ctx context.Context) error
}

// OutOfOffice is what a mailbox answers while its owner is away ([MS-OXWOOF] 2.2).
type OutOfOffice struct {
	On   bool
	Text string // plain, to senders of the same organisation
}

// OutOfOfficer is a mailbox that answers for its owner.
type OutOfOfficer interface {
	OutOfOffice(ctx context.Context) (OutOfOffice, error)
	// SetOutOfOffice takes effect at once. What it doesn't say (times, other texts) stays as it is.
	SetOutOfOffice(ctx context.Context, o OutOfOffice) error
}

// Busy is a time that somebody isn't free.
type Busy struct {
	Start, End time.Time
	Status     int32 // as PidLidBusyStatus ([MS-OXOCAL] 2.2.1.2): 1 tentative, 2 busy, 3 out of office
}

// FreeBusyReader is a store that knows when others are free ([MS-OXOPFFB], [MS-OXWAVLS]).
type FreeBusyReader interface {
	// FreeBusy lists when somebody isn't free between two times, in any order; periods may overlap each other and reach beyond
	// the times. who are the address book properties of a user or room: of these PidTagSmtpAddress, PidTagAddressType,
	// PidTagEmailAddress and PidTagEntryId are there as far as they are known. Nothing published is ErrNotFound.
	FreeBusy(ctx context.Context, who Props, from, to time.Time) ([]Busy, error)
}

// EntryIDComparer is a store where the same folder or item may have ids of different bytes.
type EntryIDComparer interface {
	SameEntryID(ctx context.Context, a, b EntryID) (bool, error)
}

// SpecialCreator is a mailbox where special folders that are missing can be made.
type SpecialCreator interface {
	// CreateSpecial makes the folder of a role under a name, with the container class that the role has, and registers it
	// ([MS-OXOSFLD] 2.2.2). The folder of a role that exists is given as it is.
	CreateSpecial(ctx context.Context, r Role, name string) (EntryID, error)
}

// AddressBookWriter is an [AddressBook] whose entries can be changed, as far as the container and the user's rights allow:
// ErrNoAccess else.
type AddressBookWriter interface {
	// CreateEntry adds an entry to a list. PidTagAddressType says what it becomes; "MAPIPDL" is a private distribution list.
	CreateEntry(ctx context.Context, list EntryID, ps Props) (EntryID, error)
	// UpdateEntry changes properties of an entry at once.
	UpdateEntry(ctx context.Context, id EntryID, set Props, del []Key) error
	// DeleteEntry removes an entry.
	DeleteEntry(ctx context.Context, id EntryID) error
}
