package mapi

import (
	"context"
	"iter"
)

// FolderTables is what a folder has beside items and properties.
type FolderTables struct {
	Folder EntryID
	// Permissions are the rows of the permissions table ([MS-OXCPERM] 2.2.4): PidTagMemberId, PidTagEntryId, PidTagMemberName and
	// PidTagMemberRights.
	Permissions []Props
	// Rules are those of the rules table ([MS-OXORULE] 2.2.1.3.1).
	Rules []Props
	// Recoverable is how many soft-deleted items there are.
	Recoverable int
	// PermissionsErr, RulesErr and RecoverableErr are why there is none of these.
	PermissionsErr, RulesErr, RecoverableErr error
}

// FolderTabler is a mailbox whose folders have such tables.
type FolderTabler interface {
	// FolderTables reads the tables of folders, in any order, many in a round trip.
	FolderTables(ctx context.Context, folders []EntryID) iter.Seq2[FolderTables, error]
	// AddPermissions gives the members of rows the rights that stand there; other members keep theirs.
	AddPermissions(ctx context.Context, folder EntryID, rows []Props) error
	// AddRules adds rules.
	AddRules(ctx context.Context, folder EntryID, rows []Props) error
}
