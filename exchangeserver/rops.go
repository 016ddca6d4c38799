package exchangeserver

import (
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// rop is what the server does for a RopId.
type rop struct {
	do   func(*call, oxcrops.Request) (oxcrops.Response, error) // nil: mapi.ErrNoSupport
	need int                                                    // bytes of response that must fit before it is begun
}

// Room that responses need: most are a head and a few numbers; those that carry strings and rows are cut to what there is,
// but need some.
const (
	needSmall  = 64
	needOpened = 512
	needLogon  = 200
	needRows   = 64
)

// on makes a handler of a function for its request.
func on[Q oxcrops.Request](f func(*call, Q) (oxcrops.Response, error)) rop {
	return rop{do: func(c *call, q oxcrops.Request) (oxcrops.Response, error) { return f(c, q.(Q)) }, need: needSmall}
}

// with is on with another need.
func (r rop) with(need int) rop {
	r.need = need
	return r
}

// done is for operations without effect here. The handle must be good.
func done() rop {
	return rop{do: func(c *call, q oxcrops.Request) (oxcrops.Response, error) { return nil, c.known(q) }, need: needSmall}
}

// refuse is for operations that fail the same way always.
func refuse(code mapi.Code) rop {
	return rop{do: func(c *call, q oxcrops.Request) (oxcrops.Response, error) {
		if err := c.known(q); err != nil {
			return nil, err
		}
		return nil, code
	}, need: needSmall}
}

// known checks the object that a request is about.
func (c *call) known(q oxcrops.Request) error {
	s, _ := slotsOf(q)
	if s.in < 0 {
		return nil
	}
	_, err := c.at(uint8(s.in))
	return err
}

// rops is the table of all operations. Those that aren't in it are not supported, among them categories (RopExpandRow and its
// like), search folders, rules and public folders.
var rops [256]rop

func init() {
	rops = [256]rop{
		oxcrops.RopRelease: on((*call).release).with(0),

		// Stores.
		oxcrops.RopLogon:                  on((*call).logon).with(needLogon),
		oxcrops.RopGetReceiveFolder:       on((*call).getReceiveFolder).with(needOpened),
		oxcrops.RopSetReceiveFolder:       on((*call).setReceiveFolder),
		oxcrops.RopGetReceiveFolderTable:  on((*call).receiveFolders),
		oxcrops.RopLongTermIdFromId:       on((*call).longTermID),
		oxcrops.RopIdFromLongTermId:       on((*call).idFromLongTerm),
		oxcrops.RopGetLocalReplicaIds:     on((*call).localReplicaIDs),
		oxcrops.RopGetOwningServers:       refuse(mapi.ErrNoSupport), // of a private mailbox
		oxcrops.RopPublicFolderIsGhosted:  done(),                    // no folder of a private mailbox is
		oxcrops.RopGetStoreState:          refuse(mapi.ErrNotImplemented),
		oxcrops.RopGetPerUserLongTermIds:  done(),
		oxcrops.RopGetPerUserGuid:         refuse(mapi.ErrNotFound),
		oxcrops.RopReadPerUserInformation: on((*call).perUser),

		// Folders.
		oxcrops.RopOpenFolder:        on((*call).ropOpenFolder),
		oxcrops.RopCreateFolder:      on((*call).createFolder),
		oxcrops.RopDeleteFolder:      on((*call).deleteFolder),
		oxcrops.RopGetHierarchyTable: on((*call).getHierarchyTable),
		oxcrops.RopGetContentsTable:  on((*call).getContentsTable),
		oxcrops.RopMoveCopyMessages:  on((*call).moveCopyMessages),
		oxcrops.RopMoveFolder:        on((*call).moveFolder),
		oxcrops.RopCopyFolder:        on((*call).copyFolder),
		oxcrops.RopEmptyFolder: on(func(c *call, q *oxcrops.EmptyFolderRequest) (oxcrops.Response, error) {
			return c.emptyFolder(q.In, q.WantDeleteAssociated, false, q.RopID())
		}),
		oxcrops.RopHardDeleteMessagesAndSubfolders: on(func(c *call, q *oxcrops.HardDeleteMessagesAndSubfoldersRequest) (oxcrops.Response, error) {
			return c.emptyFolder(q.In, q.WantDeleteAssociated, true, q.RopID())
		}),
		oxcrops.RopDeleteMessages: on(func(c *call, q *oxcrops.DeleteMessagesRequest) (oxcrops.Response, error) {
			return c.deleteMessages(q.In, q.MessageIDs, false, q.RopID())
		}),
		oxcrops.RopHardDeleteMessages: on(func(c *call, q *oxcrops.HardDeleteMessagesRequest) (oxcrops.Response, error) {
			return c.deleteMessages(q.In, q.MessageIDs, true, q.RopID())
		}),
		oxcrops.RopGetSearchCriteria: on(func(c *call, q *oxcrops.GetSearchCriteriaRequest) (oxcrops.Response, error) {
			_, err := get[*folder](c, q.In)
			return nil, orElse(err, errNotSearchFolder)
		}),
		oxcrops.RopSetSearchCriteria: on(func(c *call, q *oxcrops.SetSearchCriteriaRequest) (oxcrops.Response, error) {
			_, err := get[*folder](c, q.In)
			return nil, orElse(err, errNotSearchFolder)
		}),

		oxcrops.RopGetRulesTable:       on((*call).getRulesTable),
		oxcrops.RopGetPermissionsTable: on((*call).getPermissionsTable),
		oxcrops.RopModifyPermissions:   refuse(mapi.ErrNoSupport),
		oxcrops.RopModifyRules:         refuse(mapi.ErrNoSupport),

		// Tables.
		oxcrops.RopSetColumns:        on((*call).setColumns),
		oxcrops.RopSortTable:         on((*call).sortTable),
		oxcrops.RopRestrict:          on((*call).restrict),
		oxcrops.RopQueryRows:         on((*call).queryRows).with(needRows),
		oxcrops.RopGetStatus:         on((*call).getStatus),
		oxcrops.RopAbort:             on((*call).abort),
		oxcrops.RopQueryPosition:     on((*call).queryPosition),
		oxcrops.RopSeekRow:           on((*call).seekRow),
		oxcrops.RopSeekRowBookmark:   on((*call).seekRowBookmark),
		oxcrops.RopSeekRowFractional: on((*call).seekRowFractional),
		oxcrops.RopCreateBookmark:    on((*call).createBookmark),
		oxcrops.RopFreeBookmark:      on((*call).freeBookmark),
		oxcrops.RopFindRow:           on((*call).findRow),
		oxcrops.RopQueryColumnsAll:   on((*call).queryColumns).with(needOpened),
		oxcrops.RopResetTable:        on((*call).resetTable),

		// Messages.
		oxcrops.RopOpenMessage:             on((*call).openMessage).with(needOpened),
		oxcrops.RopCreateMessage:           on((*call).createMessage),
		oxcrops.RopSaveChangesMessage:      on((*call).saveMessage),
		oxcrops.RopReloadCachedInformation: on((*call).reload).with(needOpened),
		oxcrops.RopRemoveAllRecipients:     on((*call).removeRecipients),
		oxcrops.RopModifyRecipients:        on((*call).modifyRecipients),
		oxcrops.RopReadRecipients:          on((*call).readRecipients),
		oxcrops.RopSetMessageReadFlag:      on((*call).setMessageReadFlag),
		oxcrops.RopSetReadFlags:            on((*call).setReadFlags),
		oxcrops.RopGetMessageStatus:        on((*call).getMessageStatus),
		oxcrops.RopSetMessageStatus:        on((*call).setMessageStatus),
		oxcrops.RopGetAttachmentTable:      on((*call).getAttachmentTable),
		oxcrops.RopOpenAttachment:          on((*call).openAttachment),
		oxcrops.RopCreateAttachment:        on((*call).createAttachment),
		oxcrops.RopDeleteAttachment:        on((*call).deleteAttachment),
		oxcrops.RopSaveChangesAttachment:   on((*call).saveAttachment),
		oxcrops.RopOpenEmbeddedMessage:     on((*call).openEmbedded).with(needOpened),
		oxcrops.RopGetValidAttachments:     refuse(mapi.ErrNotImplemented),

		// Properties.
		oxcrops.RopGetPropertyIdsFromNames: on((*call).propertyIDs),
		oxcrops.RopGetNamesFromPropertyIds: on((*call).propertyNames),
		oxcrops.RopQueryNamedProperties:    on((*call).queryNames),
		oxcrops.RopGetPropertiesSpecific:   on((*call).getSpecific),
		oxcrops.RopGetPropertiesAll:        on((*call).getAll),
		oxcrops.RopGetPropertiesList:       on((*call).getList),
		oxcrops.RopSetProperties: on(func(c *call, q *oxcrops.SetPropertiesRequest) (oxcrops.Response, error) {
			return c.setProps(q.In, q.Values, q.RopID())
		}),
		oxcrops.RopSetPropertiesNoReplicate: on(func(c *call, q *oxcrops.SetPropertiesNoReplicateRequest) (oxcrops.Response, error) {
			return c.setProps(q.In, q.Values, q.RopID())
		}),
		oxcrops.RopDeleteProperties: on(func(c *call, q *oxcrops.DeletePropertiesRequest) (oxcrops.Response, error) {
			return c.deleteProps(q.In, q.Tags, q.RopID())
		}),
		oxcrops.RopDeletePropertiesNoReplicate: on(func(c *call, q *oxcrops.DeletePropertiesNoReplicateRequest) (oxcrops.Response, error) {
			return c.deleteProps(q.In, q.Tags, q.RopID())
		}),
		oxcrops.RopCopyTo:         on((*call).copyTo),
		oxcrops.RopCopyProperties: on((*call).copyProperties),

		// Streams.
		oxcrops.RopOpenStream:           on((*call).openStream),
		oxcrops.RopReadStream:           on((*call).readStream),
		oxcrops.RopWriteStream:          on((*call).writeStream),
		oxcrops.RopWriteStreamExtended:  on((*call).writeStreamExtended),
		oxcrops.RopCommitStream:         on((*call).commitStream),
		oxcrops.RopGetStreamSize:        on((*call).streamSize),
		oxcrops.RopSetStreamSize:        on((*call).setStreamSize),
		oxcrops.RopSeekStream:           on((*call).seekStream),
		oxcrops.RopCopyToStream:         on((*call).copyToStream),
		oxcrops.RopCloneStream:          refuse(mapi.ErrNotImplemented),
		oxcrops.RopLockRegionStream:     refuse(mapi.ErrNotImplemented),
		oxcrops.RopUnlockRegionStream:   refuse(mapi.ErrNotImplemented),
		oxcrops.RopWriteAndCommitStream: refuse(mapi.ErrNotImplemented),

		// FastTransfer.
		oxcrops.RopFastTransferSourceCopyTo: on(func(c *call, q *oxcrops.FastTransferSourceCopyToRequest) (oxcrops.Response, error) {
			return c.sourceCopyTo(q.In, q.Out, q.Level, q.SendOptions, q.Tags, false)
		}),
		oxcrops.RopFastTransferSourceCopyProperties: on(func(c *call, q *oxcrops.FastTransferSourceCopyPropertiesRequest) (oxcrops.Response, error) {
			return c.sourceCopyTo(q.In, q.Out, q.Level, q.SendOptions, q.Tags, true)
		}),
		oxcrops.RopFastTransferSourceCopyMessages:           on((*call).sourceCopyMessages),
		oxcrops.RopFastTransferSourceCopyFolder:             on((*call).sourceCopyFolder),
		oxcrops.RopFastTransferSourceGetBuffer:              on((*call).getBuffer),
		oxcrops.RopFastTransferDestinationConfigure:         on((*call).configureDestination),
		oxcrops.RopFastTransferDestinationPutBuffer:         on((*call).putBuffer),
		oxcrops.RopFastTransferDestinationPutBufferExtended: on((*call).putBufferExtended),
		oxcrops.RopTellVersion:                              done(),

		// Synchronization.
		oxcrops.RopSynchronizationConfigure:                 on((*call).configureSync),
		oxcrops.RopSynchronizationUploadStateStreamBegin:    on((*call).stateBegin),
		oxcrops.RopSynchronizationUploadStateStreamContinue: on((*call).stateContinue),
		oxcrops.RopSynchronizationUploadStateStreamEnd:      on((*call).stateEnd),
		oxcrops.RopSynchronizationGetTransferState:          on((*call).transferState),
		oxcrops.RopSynchronizationOpenCollector:             on((*call).openCollector),
		oxcrops.RopSynchronizationImportMessageChange:       on((*call).importMessage),
		oxcrops.RopSynchronizationImportHierarchyChange:     on((*call).importFolder),
		oxcrops.RopSynchronizationImportMessageMove:         on((*call).importMove),
		oxcrops.RopSynchronizationImportDeletes:             on((*call).importDeletes),
		oxcrops.RopSynchronizationImportReadStateChanges:    on((*call).importReadStates),

		// Sending, notifications, and what clients say in passing.
		oxcrops.RopSetSpooler:                   done(),
		oxcrops.RopGetTransportFolder:           on((*call).transportFolder),
		oxcrops.RopGetAddressTypes:              on((*call).transportTypes),
		oxcrops.RopOptionsData:                  done(),
		oxcrops.RopTransportNewMail:             done(),
		oxcrops.RopSubmitMessage:                on((*call).submitMessage),
		oxcrops.RopTransportSend:                on((*call).transportSend),
		oxcrops.RopAbortSubmit:                  refuse(mapi.ErrUnableToAbort), // submitted is delivered
		oxcrops.RopUpdateDeferredActionMessages: done(),
		oxcrops.RopSetLocalReplicaMidsetDeleted: done(),
		oxcrops.RopRegisterNotification:         on((*call).subscribe),
		oxcrops.RopProgress:                     refuse(mapi.ErrNoSupport), // nothing goes on behind an answer
	}
	for i := range rops {
		if rops[i].need == 0 && i != int(oxcrops.RopRelease) {
			rops[i].need = needSmall
		}
	}
}

// errNotSearchFolder is ecNotSearchFolder ([MS-OXCFOLD] 3.2.5.4).
const errNotSearchFolder mapi.Code = 0x461

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
