package exchangeserver

import (
	"strings"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// logon is a mailbox opened in a session.
type logon struct {
	id     uint8
	handle uint32
	s      *session
	box    Mailbox
	user   User // whose mailbox it is
	ident  Identity

	receive map[string]receiveFolder // by message class; nil until it is asked for
	unwatch func()                   // ends being told of changes; nil: they aren't told
}

func (lg *logon) close() {
	if lg.unwatch != nil {
		lg.unwatch()
	}
	srv := lg.s.srv
	srv.openMu.Lock()
	delete(srv.open[lg.ident.Mailbox], lg)
	if len(srv.open[lg.ident.Mailbox]) == 0 {
		delete(srv.open, lg.ident.Mailbox)
	}
	srv.openMu.Unlock()
	if err := lg.box.Close(); err != nil {
		lg.s.srv.log("mailbox not closed", "mailbox", lg.user.Alias, "error", err)
	}
}

// logonFolders are the roles of the folders in RopLogon's answer ([MS-OXCSTOR] 2.2.1.1.3).
var logonFolders = [13]mapi.Role{mapi.RoleRoot, mapi.RoleDeferred, mapi.RoleSpooler, mapi.RoleIPM, mapi.RoleInbox, mapi.RoleOutbox,
	mapi.RoleSent, mapi.RoleDeleted, mapi.RoleCommonViews, mapi.RoleSchedule, mapi.RoleFinder, mapi.RoleViews, mapi.RoleShortcuts}

// logon is RopLogon ([MS-OXCSTOR] 3.2.5.1). There are no public folders: such a logon fails as on a server without them.
func (c *call) logon(q *oxcrops.LogonRequest) (oxcrops.Response, error) {
	if q.LogonFlags&oxcrops.LogonPrivate == 0 {
		return nil, errorf(mapi.ErrLogonFailed, "there are no public folders")
	}
	dn := string(q.Essdn)
	if dn == "" {
		dn = c.s.dn
	}
	owner, err := c.s.srv.findUser(c, dn)
	if err != nil {
		return nil, err
	}
	if owner == nil {
		return nil, errorf(mapi.ErrUnknownUser, "there is no mailbox %q", dn)
	}
	if owner.Mailbox != c.s.user.Mailbox {
		wanted := c.s.admin || q.OpenFlags&oxcrops.OpenUseAdminPrivilege != 0
		if !c.s.user.Admin || !wanted {
			return nil, errorf(mapi.ErrLoginPermission, "%s may not open the mailbox of %s", c.s.user.Alias, owner.Alias)
		}
	}
	box, err := c.s.srv.cfg.Backend.OpenMailbox(c, owner.Mailbox)
	if err != nil {
		return nil, err
	}
	lg := &logon{id: c.logonID, s: c.s, box: box, user: *owner, ident: box.Identity()}
	resp, err := lg.response(c, q)
	if err != nil {
		lg.close()
		return nil, err
	}
	c.s.logoff(c.logonID) // the name goes over to the new one
	if err := c.put(q.Out, lg, lg); err != nil {
		return nil, err
	}
	lg.handle = c.handles[q.Out]
	c.s.logons[c.logonID] = lg
	srv := c.s.srv
	srv.openMu.Lock()
	if srv.open == nil {
		srv.open = map[mapi.GUID]map[*logon]struct{}{}
	}
	if srv.open[lg.ident.Mailbox] == nil {
		srv.open[lg.ident.Mailbox] = map[*logon]struct{}{}
	}
	srv.open[lg.ident.Mailbox][lg] = struct{}{}
	srv.openMu.Unlock()
	if w, ok := box.(Watcher); ok {
		lg.unwatch = w.Watch(func(e []Event) { c.s.notes.happened(lg, e) })
	}
	return resp, nil
}

func (lg *logon) response(c *call, q *oxcrops.LogonRequest) (oxcrops.Response, error) {
	r := &oxcrops.LogonResponse{LogonFlags: q.LogonFlags & (oxcrops.LogonPrivate | oxcrops.LogonUndercover | oxcrops.LogonGhosted),
		ResponseFlags: oxcrops.ResponseReserved | oxcrops.ResponseOwnerRight | oxcrops.ResponseSendAsRight,
		MailboxGUID:   lg.ident.Mailbox, ReplID: lg.ident.Replica, ReplGUID: lg.ident.ReplicaGUID}
	for i, role := range logonFolders {
		e, err := lg.box.Special(c, role)
		if mapi.CodeOf(err) == mapi.ErrNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		fid, err := lg.box.FolderID(e)
		if err != nil {
			return nil, err
		}
		r.FolderIDs[i] = fid.wire()
	}
	now := time.Now().UTC()
	r.LogonTime = oxcrops.LogonTime{Seconds: uint8(now.Second()), Minutes: uint8(now.Minute()), Hour: uint8(now.Hour()),
		DayOfWeek: uint8(now.Weekday()), Day: uint8(now.Day()), Month: uint8(now.Month()), Year: uint16(now.Year())}
	r.GwartTime = gwartTime()
	return r, nil
}

// gwartTime tells clients whether routing has changed; it hasn't since the program began.
var gwartTime = sync.OnceValue(func() mapi.FileTime { return mapi.NewFileTime(time.Now()) })

// props are the properties of the mailbox itself ([MS-OXCSTOR] 2.2.2.1).
func (lg *logon) props(c *call) (mapi.Props, error) {
	props, err := lg.box.Props(c)
	if err != nil {
		return nil, err
	}
	props = append(mapi.Props(nil), props...)
	add := func(t mapi.Tag, v mapi.Value) {
		if props.Tag(t) == nil {
			props.Set(mapi.TagKey(t), v)
		}
	}
	add(pid.TagUserEntryId, addressBookEntryID(lg.s.user.LegacyDN))
	add(pid.TagMailboxOwnerEntryId, addressBookEntryID(lg.user.LegacyDN))
	add(pid.TagMailboxOwnerName, lg.user.DisplayName)
	add(pid.TagOutOfOfficeState, false)
	add(pid.TagSerializedReplidGuidMap, lg.replicaMap())
	return props, nil
}

// replicaMap is PidTagSerializedReplidGuidMap ([MS-OXCSTOR] 2.2.2.1.1.13).
func (lg *logon) replicaMap() []byte {
	return entryID(func(c *oxcdata.Coder) {
		for id := uint16(1); ; id++ {
			g, ok := lg.box.ReplicaGUID(id)
			if !ok {
				return
			}
			c.U16(&id)
			c.GUID(&g)
		}
	})
}

func (lg *logon) change(c *call, set mapi.Props, del []mapi.Key) error {
	b, ok := lg.box.(PropSetter)
	if !ok {
		return mapi.ErrNoAccess
	}
	return b.SetProps(c, set, del)
}

func (lg *logon) logonOf() *logon { return lg }

func (lg *logon) pages() pages { return pages{} }

// addressBookEntryID is the entry id of a user in the address book ([MS-OXCDATA] 2.2.5.2).
func addressBookEntryID(dn string) []byte {
	e := oxcdata.AddressBookEntryID{Provider: oxcdata.ProviderAddressBook, Version: 1, DN: mapi.String8(dn)}
	return entryID(func(c *oxcdata.Coder) { c.AddressBookEntryID(&e) })
}

// foldClass makes message classes equal that differ in case only.
func foldClass(s mapi.String8) string { return strings.ToLower(string(s)) }
