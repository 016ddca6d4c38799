// Package cdo is the object model of Collaboration Data Objects 1.2.1 ("MAPI.Session") on any message store: sessions,
// stores, folders, messages, recipients, attachments, address lists and the fields of all of them, under CDO's names and
// with CDO's behaviour and error codes.
//
// A program makes a [Session] with a function that opens the stores of a profile, logs on, and reaches everything else from
// there:
//
//	s := cdo.NewSession(cdo.Config{Open: open})
//	err := s.Logon(ctx, cdo.LogonOptions{ProfileInfo: "server.example\nada"})
//	inbox, err := s.Inbox(ctx)
//	for m, err := range inbox.Messages().All(ctx) { ... }
//
// What CDO calls Nothing is a nil pointer without an error: the ends of GetFirst and GetNext, an Inbox that the store doesn't
// have, a member past the end of a collection. Every other failure is an [Error] with CDO's code; errors.Is works with the
// CdoE constants and with the codes of package mapi, which are the same.
//
// What a Messages collection gives is a [Message]. [Message.Appointment], [Message.Meeting] and [Message.GroupHeader] give it as what
// it is besides; [Message.Object] is the object that CDO would give. A calendar that is narrowed to a period ([Messages.SetPeriod], or
// the [MessageFilter] that scripts use) has an appointment for each occurrence of a series.
//
// What a store may lack (sending, an address book, out of office, free/busy) is asked of it with [github.com/opencdo/opencdo/mapi.As]; where it is missing, members
// fail with CdoE_NO_SUPPORT.
//
// The members are described in package cdo/model, from which docs/cdo.md and the calls of automation clients (package
// cdo/dispatch) are made. docs/cdo-decisions.md says what was chosen where sources about CDO disagree.
//
// IDs are entry ids as upper-case hexadecimal strings. Two strings may name the same object: [Session.CompareIDs] tells.
// Collections count from 1. Folder.Messages, Folder.Folders and AddressList.AddressEntries give a new collection with its own
// position, sort order and restriction each time. Changes to an object are kept until its Update.
//
// Dates are handed out in local time ([Config].Location); any zone is taken.
//
// A session and all that is reached from it are for one goroutine at a time, like CDO's apartment.
package cdo
