package exchange

import (
	"context"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// logonFolders are the positions of folders in RopLogon's answer ([MS-OXCSTOR] 2.2.1.1.3).
var logonFolders = map[mapi.Role]int{
	mapi.RoleRoot: 0, mapi.RoleDeferred: 1, mapi.RoleSpooler: 2, mapi.RoleIPM: 3, mapi.RoleInbox: 4, mapi.RoleOutbox: 5,
	mapi.RoleSent: 6, mapi.RoleDeleted: 7, mapi.RoleCommonViews: 8, mapi.RoleSchedule: 9, mapi.RoleFinder: 10,
	mapi.RoleViews: 11, mapi.RoleShortcuts: 12,
}

// inboxFolders are properties of the Inbox that hold the entry ids of other special folders ([MS-OXOSFLD] 2.2.3).
var inboxFolders = map[mapi.Role]mapi.Tag{
	mapi.RoleCalendar: pid.TagIpmAppointmentEntryId, mapi.RoleContacts: pid.TagIpmContactEntryId,
	mapi.RoleJournal: pid.TagIpmJournalEntryId, mapi.RoleNotes: pid.TagIpmNoteEntryId, mapi.RoleTasks: pid.TagIpmTaskEntryId,
	mapi.RoleDrafts: pid.TagIpmDraftsEntryId, mapi.RoleReminders: pid.TagRemindersOnlineEntryId,
}

// additionalFolders are positions in PidTagAdditionalRenEntryIds ([MS-OXOSFLD] 2.2.4).
var additionalFolders = map[mapi.Role]int{
	mapi.RoleConflicts: 0, mapi.RoleSyncIssues: 1, mapi.RoleLocalFailures: 2, mapi.RoleServerFailures: 3, mapi.RoleJunk: 4,
}

// Special implements mapi.Store.
func (st *Store) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	missing := &mapi.Error{Op: "find folder", Object: string(r), Code: mapi.ErrNotFound}
	if i, ok := logonFolders[r]; ok {
		if i >= len(st.info.FolderIDs) || st.info.FolderIDs[i].Counter() == 0 {
			return "", missing
		}
		var id mapi.EntryID
		err := st.reading(ctx, func(s *session) (err error) {
			id, err = st.folderEntry(ctx, s, st.info.FolderIDs[i])
			return err
		})
		return id, err
	}
	tag, ok := inboxFolders[r]
	i, additional := additionalFolders[r]
	if additional {
		tag = pid.TagAdditionalRenEntryIds
	} else if !ok {
		return "", missing
	}
	var id mapi.EntryID
	err := st.reading(ctx, func(s *session) error {
		v, err := st.specialProperty(ctx, s, tag)
		if err != nil {
			return err
		}
		if list, ok := v.([][]byte); ok && i < len(list) {
			id = mapi.EntryID(list[i])
		} else if b, ok := v.([]byte); ok {
			id = mapi.EntryID(b)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if _, err := parseFolder(id); err != nil {
		return "", missing // absent, or the empty placeholder that some entries hold
	}
	return id, nil
}

// specialProperty reads a property of the Inbox, or where it isn't there, of the root, which keeps a copy.
func (st *Store) specialProperty(ctx context.Context, s *session, tag mapi.Tag) (mapi.Value, error) {
	for _, role := range []mapi.Role{mapi.RoleInbox, mapi.RoleRoot} {
		v, err := folderProperty(ctx, s, st.info.FolderIDs[logonFolders[role]], tag)
		if v != nil || err != nil {
			return v, err
		}
	}
	return nil, nil
}

func folderProperty(ctx context.Context, s *session, fid oxcdata.ID, tag mapi.Tag) (mapi.Value, error) {
	var b batch
	in, out := b.in(s.logon), b.out()
	b.add(&oxcrops.OpenFolderRequest{In: in, Out: out, FolderID: fid})
	b.add(&oxcrops.GetPropertiesSpecificRequest{In: out, Tags: []mapi.Tag{tag}})
	res, err := s.execute(ctx, &b)
	if err != nil {
		return nil, err
	}
	s.free(res.at(out))
	if err := res.check("open folder"); err != nil {
		return nil, err
	}
	r, err := answer[*oxcrops.GetPropertiesSpecificResponse](res)
	if err != nil {
		return nil, err
	}
	return value(r.Row, 0), nil
}
