package localstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// defaultFolder is a folder of a fresh mailbox, below the folder with role in.
type defaultFolder struct {
	role, in mapi.Role
	name     string
	class    string
}

// defaultFolders are those that Exchange makes ([MS-OXOSFLD] 2.2.1, 2.2.2), parents first. The Reminders folder is a search
// folder that Outlook makes when it needs it.
var defaultFolders = []defaultFolder{
	{mapi.RoleRoot, mapi.RoleRoot, "", ""},
	{mapi.RoleDeferred, mapi.RoleRoot, "Deferred Action", ""},
	{mapi.RoleSpooler, mapi.RoleRoot, "Spooler Queue", ""},
	{mapi.RoleIPM, mapi.RoleRoot, "Top of Information Store", ""},
	{mapi.RoleInbox, mapi.RoleIPM, "Inbox", "IPF.Note"},
	{mapi.RoleOutbox, mapi.RoleIPM, "Outbox", "IPF.Note"},
	{mapi.RoleSent, mapi.RoleIPM, "Sent Items", "IPF.Note"},
	{mapi.RoleDeleted, mapi.RoleIPM, "Deleted Items", "IPF.Note"},
	{mapi.RoleCommonViews, mapi.RoleRoot, "Common Views", ""},
	{mapi.RoleSchedule, mapi.RoleRoot, "Schedule", ""},
	{mapi.RoleFinder, mapi.RoleRoot, "Finder", ""},
	{mapi.RoleViews, mapi.RoleRoot, "Views", ""},
	{mapi.RoleShortcuts, mapi.RoleRoot, "Shortcuts", ""},
	{mapi.RoleCalendar, mapi.RoleIPM, "Calendar", "IPF.Appointment"},
	{mapi.RoleContacts, mapi.RoleIPM, "Contacts", "IPF.Contact"},
	{mapi.RoleDrafts, mapi.RoleIPM, "Drafts", "IPF.Note"},
	{mapi.RoleJournal, mapi.RoleIPM, "Journal", "IPF.Journal"},
	{mapi.RoleJunk, mapi.RoleIPM, "Junk Email", "IPF.Note"},
	{mapi.RoleNotes, mapi.RoleIPM, "Notes", "IPF.StickyNote"},
	{mapi.RoleTasks, mapi.RoleIPM, "Tasks", "IPF.Task"},
	{mapi.RoleSyncIssues, mapi.RoleIPM, "Sync Issues", "IPF.Note"},
	{mapi.RoleConflicts, mapi.RoleSyncIssues, "Conflicts", "IPF.Note"},
	{mapi.RoleLocalFailures, mapi.RoleSyncIssues, "Local Failures", "IPF.Note"},
	{mapi.RoleServerFailures, mapi.RoleSyncIssues, "Server Failures", "IPF.Note"},
}

// createFolders makes the folders of a fresh mailbox.
func createFolders(tx *tx) error {
	ids := map[mapi.Role]ID{}
	for _, d := range defaultFolders {
		f := &folderRow{parent: ids[d.in], role: sql.NullString{String: string(d.role), Valid: true}, name: d.name, kind: folderGeneric}
		if d.role == mapi.RoleRoot {
			f.kind = folderRoot
		}
		var props mapi.Props
		if d.class != "" {
			props = mapi.Props{{Key: mapi.TagKey(pid.TagContainerClass), Value: d.class}}
		}
		if err := tx.addFolder(f, props, Identity{}); err != nil {
			return err
		}
		ids[d.role] = f.fid
	}
	return nil
}

// SpecialID is the FID of the folder with a role, or ErrNotFound.
func (s *Store) SpecialID(ctx context.Context, r mapi.Role) (fid ID, err error) {
	const op = "find special folder"
	if err := s.alive(); err != nil {
		return 0, err
	}
	err = s.read.QueryRowContext(ctx, "SELECT fid FROM folders WHERE role = ?", string(r)).Scan(&fid)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, notFound(op, string(r))
	}
	return fid, s.fail(op, err)
}

// Special implements mapi.Store.
func (s *Store) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	fid, err := s.SpecialID(ctx, r)
	if err != nil {
		return "", err
	}
	return s.FolderEntryID(fid), nil
}

// SetRole gives a folder a role, taking it from the folder that had it; an empty role takes the folder's away. Folders with
// a role cannot be deleted.
func (s *Store) SetRole(ctx context.Context, fid ID, r mapi.Role) error {
	return s.fail("set role of folder", s.update(ctx, func(tx *tx) error {
		role := sql.NullString{String: string(r), Valid: r != ""}
		if err := tx.exec("UPDATE folders SET role = NULL WHERE role = ?", role); err != nil {
			return err
		}
		return tx.one("UPDATE folders SET role = ? WHERE fid = ?", role, int64(fid))
	}))
}

// specialTags are the properties of the Inbox and the root that name other folders ([MS-OXOSFLD] 2.2.3).
var specialTags = map[mapi.Tag]mapi.Role{
	pid.TagIpmAppointmentEntryId: mapi.RoleCalendar,
	pid.TagIpmContactEntryId:     mapi.RoleContacts,
	pid.TagIpmJournalEntryId:     mapi.RoleJournal,
	pid.TagIpmNoteEntryId:        mapi.RoleNotes,
	pid.TagIpmTaskEntryId:        mapi.RoleTasks,
	pid.TagIpmDraftsEntryId:      mapi.RoleDrafts,
}

// additionalRoles are the places of PidTagAdditionalRenEntryIds ([MS-OXOSFLD] 2.2.4).
var additionalRoles = []mapi.Role{mapi.RoleConflicts, mapi.RoleSyncIssues, mapi.RoleLocalFailures, mapi.RoleServerFailures, mapi.RoleJunk}

// roles reads which folder has which role.
func (s *Store) roles(ctx context.Context, q querier) (map[mapi.Role]ID, error) {
	rows, err := q.QueryContext(ctx, "SELECT role, fid FROM folders WHERE role IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[mapi.Role]ID{}
	for rows.Next() {
		var r string
		var fid ID
		if err := rows.Scan(&r, &fid); err != nil {
			return nil, err
		}
		m[mapi.Role(r)] = fid
	}
	return m, rows.Err()
}

// specialValue is one of the properties that name other folders.
func (s *Store) specialValue(t mapi.Tag, roles map[mapi.Role]ID) mapi.Value {
	if r, ok := specialTags[t]; ok {
		if fid, ok := roles[r]; ok {
			return []byte(s.FolderEntryID(fid))
		}
		return nil
	}
	list := make([][]byte, len(additionalRoles))
	for i, r := range additionalRoles {
		list[i] = []byte{}
		if fid, ok := roles[r]; ok {
			list[i] = []byte(s.FolderEntryID(fid))
		}
	}
	return list
}

// Props implements mapi.Store.
func (s *Store) Props(ctx context.Context) (props mapi.Props, err error) {
	const op = "read store properties"
	err = s.view(ctx, func(q *sql.Tx) error {
		var data []byte
		var size int64
		row := q.QueryRowContext(ctx, "SELECT props, (SELECT sum(bytes + associated_bytes) FROM folders) FROM mailbox")
		if err := row.Scan(&data, &size); err != nil {
			return err
		}
		if props, err = s.props(ctx, q, data); err != nil {
			return err
		}
		in := s.Info()
		add := func(t mapi.Tag, v mapi.Value) {
			if props.Tag(t) == nil {
				props.Set(mapi.TagKey(t), v)
			}
		}
		add(pid.TagDisplayName, "Mailbox - "+in.Owner)
		add(pid.TagMailboxOwnerName, in.Owner)
		if in.LegacyDN != "" {
			e := oxcdata.AddressBookEntryID{Provider: oxcdata.ProviderAddressBook, Version: 1, DN: mapi.String8(in.LegacyDN)}
			if b, err := oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.AddressBookEntryID(&e) }); err == nil {
				add(pid.TagMailboxOwnerEntryId, b)
			}
		}
		add(pid.TagObjectType, objectStore)
		add(pid.TagRecordKey, append([]byte(nil), s.mailbox[:]...))
		add(pid.TagMappingSignature, append([]byte(nil), s.mailbox[:]...))
		add(pid.TagMessageSizeExtended, size)
		return nil
	})
	return props, s.fail(op, err)
}

// SetProps changes properties of the store itself; computed ones are ignored.
func (s *Store) SetProps(ctx context.Context, set mapi.Props, del []mapi.Key) error {
	err := s.update(ctx, func(tx *tx) error {
		var data []byte
		if err := tx.QueryRowContext(ctx, "SELECT props FROM mailbox").Scan(&data); err != nil {
			return err
		}
		data, _, err := tx.change(data, set, del, computedStore)
		if err != nil {
			return err
		}
		return tx.exec("UPDATE mailbox SET props = ?", notNull(data))
	})
	return s.fail("set store properties", err)
}
