package oxcrops

// RopIds ([MS-OXCROPS] 2.2.2).
const (
	RopRelease                                  uint8 = 0x01
	RopOpenFolder                               uint8 = 0x02
	RopOpenMessage                              uint8 = 0x03
	RopGetHierarchyTable                        uint8 = 0x04
	RopGetContentsTable                         uint8 = 0x05
	RopCreateMessage                            uint8 = 0x06
	RopGetPropertiesSpecific                    uint8 = 0x07
	RopGetPropertiesAll                         uint8 = 0x08
	RopGetPropertiesList                        uint8 = 0x09
	RopSetProperties                            uint8 = 0x0A
	RopDeleteProperties                         uint8 = 0x0B
	RopSaveChangesMessage                       uint8 = 0x0C
	RopRemoveAllRecipients                      uint8 = 0x0D
	RopModifyRecipients                         uint8 = 0x0E
	RopReadRecipients                           uint8 = 0x0F
	RopReloadCachedInformation                  uint8 = 0x10
	RopSetMessageReadFlag                       uint8 = 0x11
	RopSetColumns                               uint8 = 0x12
	RopSortTable                                uint8 = 0x13
	RopRestrict                                 uint8 = 0x14
	RopQueryRows                                uint8 = 0x15
	RopGetStatus                                uint8 = 0x16
	RopQueryPosition                            uint8 = 0x17
	RopSeekRow                                  uint8 = 0x18
	RopSeekRowBookmark                          uint8 = 0x19
	RopSeekRowFractional                        uint8 = 0x1A
	RopCreateBookmark                           uint8 = 0x1B
	RopCreateFolder                             uint8 = 0x1C
	RopDeleteFolder                             uint8 = 0x1D
	RopDeleteMessages                           uint8 = 0x1E
	RopGetMessageStatus                         uint8 = 0x1F
	RopSetMessageStatus                         uint8 = 0x20
	RopGetAttachmentTable                       uint8 = 0x21
	RopOpenAttachment                           uint8 = 0x22
	RopCreateAttachment                         uint8 = 0x23
	RopDeleteAttachment                         uint8 = 0x24
	RopSaveChangesAttachment                    uint8 = 0x25
	RopSetReceiveFolder                         uint8 = 0x26
	RopGetReceiveFolder                         uint8 = 0x27
	RopRegisterNotification                     uint8 = 0x29
	RopNotify                                   uint8 = 0x2A
	RopOpenStream                               uint8 = 0x2B
	RopReadStream                               uint8 = 0x2C
	RopWriteStream                              uint8 = 0x2D
	RopSeekStream                               uint8 = 0x2E
	RopSetStreamSize                            uint8 = 0x2F
	RopSetSearchCriteria                        uint8 = 0x30
	RopGetSearchCriteria                        uint8 = 0x31
	RopSubmitMessage                            uint8 = 0x32
	RopMoveCopyMessages                         uint8 = 0x33
	RopAbortSubmit                              uint8 = 0x34
	RopMoveFolder                               uint8 = 0x35
	RopCopyFolder                               uint8 = 0x36
	RopQueryColumnsAll                          uint8 = 0x37
	RopAbort                                    uint8 = 0x38
	RopCopyTo                                   uint8 = 0x39
	RopCopyToStream                             uint8 = 0x3A
	RopCloneStream                              uint8 = 0x3B
	RopGetPermissionsTable                      uint8 = 0x3E
	RopGetRulesTable                            uint8 = 0x3F
	RopModifyPermissions                        uint8 = 0x40
	RopModifyRules                              uint8 = 0x41
	RopGetOwningServers                         uint8 = 0x42
	RopLongTermIdFromId                         uint8 = 0x43
	RopIdFromLongTermId                         uint8 = 0x44
	RopPublicFolderIsGhosted                    uint8 = 0x45
	RopOpenEmbeddedMessage                      uint8 = 0x46
	RopSetSpooler                               uint8 = 0x47
	RopSpoolerLockMessage                       uint8 = 0x48
	RopGetAddressTypes                          uint8 = 0x49
	RopTransportSend                            uint8 = 0x4A
	RopFastTransferSourceCopyMessages           uint8 = 0x4B
	RopFastTransferSourceCopyFolder             uint8 = 0x4C
	RopFastTransferSourceCopyTo                 uint8 = 0x4D
	RopFastTransferSourceGetBuffer              uint8 = 0x4E
	RopFindRow                                  uint8 = 0x4F
	RopProgress                                 uint8 = 0x50
	RopTransportNewMail                         uint8 = 0x51
	RopGetValidAttachments                      uint8 = 0x52
	RopFastTransferDestinationConfigure         uint8 = 0x53
	RopFastTransferDestinationPutBuffer         uint8 = 0x54
	RopGetNamesFromPropertyIds                  uint8 = 0x55
	RopGetPropertyIdsFromNames                  uint8 = 0x56
	RopUpdateDeferredActionMessages             uint8 = 0x57
	RopEmptyFolder                              uint8 = 0x58
	RopExpandRow                                uint8 = 0x59
	RopCollapseRow                              uint8 = 0x5A
	RopLockRegionStream                         uint8 = 0x5B
	RopUnlockRegionStream                       uint8 = 0x5C
	RopCommitStream                             uint8 = 0x5D
	RopGetStreamSize                            uint8 = 0x5E
	RopQueryNamedProperties                     uint8 = 0x5F
	RopGetPerUserLongTermIds                    uint8 = 0x60
	RopGetPerUserGuid                           uint8 = 0x61
	RopReadPerUserInformation                   uint8 = 0x63
	RopWritePerUserInformation                  uint8 = 0x64
	RopSetReadFlags                             uint8 = 0x66
	RopCopyProperties                           uint8 = 0x67
	RopGetReceiveFolderTable                    uint8 = 0x68
	RopFastTransferSourceCopyProperties         uint8 = 0x69
	RopGetCollapseState                         uint8 = 0x6B
	RopSetCollapseState                         uint8 = 0x6C
	RopGetTransportFolder                       uint8 = 0x6D
	RopPending                                  uint8 = 0x6E
	RopOptionsData                              uint8 = 0x6F
	RopSynchronizationConfigure                 uint8 = 0x70
	RopSynchronizationImportMessageChange       uint8 = 0x72
	RopSynchronizationImportHierarchyChange     uint8 = 0x73
	RopSynchronizationImportDeletes             uint8 = 0x74
	RopSynchronizationUploadStateStreamBegin    uint8 = 0x75
	RopSynchronizationUploadStateStreamContinue uint8 = 0x76
	RopSynchronizationUploadStateStreamEnd      uint8 = 0x77
	RopSynchronizationImportMessageMove         uint8 = 0x78
	RopSetPropertiesNoReplicate                 uint8 = 0x79
	RopDeletePropertiesNoReplicate              uint8 = 0x7A
	RopGetStoreState                            uint8 = 0x7B
	RopSynchronizationOpenCollector             uint8 = 0x7E
	RopGetLocalReplicaIds                       uint8 = 0x7F
	RopSynchronizationImportReadStateChanges    uint8 = 0x80
	RopResetTable                               uint8 = 0x81
	RopSynchronizationGetTransferState          uint8 = 0x82
	RopTellVersion                              uint8 = 0x86
	RopFreeBookmark                             uint8 = 0x89
	RopWriteAndCommitStream                     uint8 = 0x90
	RopHardDeleteMessages                       uint8 = 0x91
	RopHardDeleteMessagesAndSubfolders          uint8 = 0x92
	RopSetLocalReplicaMidsetDeleted             uint8 = 0x93
	RopFastTransferDestinationPutBufferExtended uint8 = 0x9D
	RopWriteStreamExtended                      uint8 = 0xA3
	RopBackoff                                  uint8 = 0xF9
	RopLogon                                    uint8 = 0xFE
	RopBufferTooSmall                           uint8 = 0xFF
)

// table is all ROPs ([MS-OXCROPS] 2.2.2).
var table = []ROP{
	{RopRelease, "RopRelease", "2.2.15.3", req[ReleaseRequest], nil},
	{RopOpenFolder, "RopOpenFolder", "2.2.4.1", req[OpenFolderRequest], resp[OpenFolderResponse]},
	{RopOpenMessage, "RopOpenMessage", "2.2.6.1", req[OpenMessageRequest], resp[OpenMessageResponse]},
	{RopGetHierarchyTable, "RopGetHierarchyTable", "2.2.4.13", req[GetHierarchyTableRequest], resp[GetHierarchyTableResponse]},
	{RopGetContentsTable, "RopGetContentsTable", "2.2.4.14", req[GetContentsTableRequest], resp[GetContentsTableResponse]},
	{RopCreateMessage, "RopCreateMessage", "2.2.6.2", req[CreateMessageRequest], resp[CreateMessageResponse]},
	{RopGetPropertiesSpecific, "RopGetPropertiesSpecific", "2.2.8.3", req[GetPropertiesSpecificRequest], resp[GetPropertiesSpecificResponse]},
	{RopGetPropertiesAll, "RopGetPropertiesAll", "2.2.8.4", req[GetPropertiesAllRequest], resp[GetPropertiesAllResponse]},
	{RopGetPropertiesList, "RopGetPropertiesList", "2.2.8.5", req[GetPropertiesListRequest], resp[GetPropertiesListResponse]},
	{RopSetProperties, "RopSetProperties", "2.2.8.6", req[SetPropertiesRequest], problems(RopSetProperties)},
	{RopDeleteProperties, "RopDeleteProperties", "2.2.8.8", req[DeletePropertiesRequest], problems(RopDeleteProperties)},
	{RopSaveChangesMessage, "RopSaveChangesMessage", "2.2.6.3", req[SaveChangesMessageRequest], resp[SaveChangesMessageResponse]},
	{RopRemoveAllRecipients, "RopRemoveAllRecipients", "2.2.6.4", req[RemoveAllRecipientsRequest], plain(RopRemoveAllRecipients)},
	{RopModifyRecipients, "RopModifyRecipients", "2.2.6.5", req[ModifyRecipientsRequest], plain(RopModifyRecipients)},
	{RopReadRecipients, "RopReadRecipients", "2.2.6.6", req[ReadRecipientsRequest], resp[ReadRecipientsResponse]},
	{RopReloadCachedInformation, "RopReloadCachedInformation", "2.2.6.7", req[ReloadCachedInformationRequest], resp[ReloadCachedInformationResponse]},
	{RopSetMessageReadFlag, "RopSetMessageReadFlag", "2.2.6.11", req[SetMessageReadFlagRequest], resp[SetMessageReadFlagResponse]},
	{RopSetColumns, "RopSetColumns", "2.2.5.1", req[SetColumnsRequest], status(RopSetColumns)},
	{RopSortTable, "RopSortTable", "2.2.5.2", req[SortTableRequest], status(RopSortTable)},
	{RopRestrict, "RopRestrict", "2.2.5.3", req[RestrictRequest], status(RopRestrict)},
	{RopQueryRows, "RopQueryRows", "2.2.5.4", req[QueryRowsRequest], resp[QueryRowsResponse]},
	{RopGetStatus, "RopGetStatus", "2.2.5.6", req[GetStatusRequest], status(RopGetStatus)},
	{RopQueryPosition, "RopQueryPosition", "2.2.5.7", req[QueryPositionRequest], resp[QueryPositionResponse]},
	{RopSeekRow, "RopSeekRow", "2.2.5.8", req[SeekRowRequest], resp[SeekRowResponse]},
	{RopSeekRowBookmark, "RopSeekRowBookmark", "2.2.5.9", req[SeekRowBookmarkRequest], resp[SeekRowBookmarkResponse]},
	{RopSeekRowFractional, "RopSeekRowFractional", "2.2.5.10", req[SeekRowFractionalRequest], plain(RopSeekRowFractional)},
	{RopCreateBookmark, "RopCreateBookmark", "2.2.5.11", req[CreateBookmarkRequest], resp[CreateBookmarkResponse]},
	{RopCreateFolder, "RopCreateFolder", "2.2.4.2", req[CreateFolderRequest], resp[CreateFolderResponse]},
	{RopDeleteFolder, "RopDeleteFolder", "2.2.4.3", req[DeleteFolderRequest], partial(RopDeleteFolder)},
	{RopDeleteMessages, "RopDeleteMessages", "2.2.4.11", req[DeleteMessagesRequest], partial(RopDeleteMessages)},
	{RopGetMessageStatus, "RopGetMessageStatus", "2.2.6.9", req[GetMessageStatusRequest], resp[SetMessageStatusResponse]},
	{RopSetMessageStatus, "RopSetMessageStatus", "2.2.6.8", req[SetMessageStatusRequest], resp[SetMessageStatusResponse]},
	{RopGetAttachmentTable, "RopGetAttachmentTable", "2.2.6.17", req[GetAttachmentTableRequest], plain(RopGetAttachmentTable)},
	{RopOpenAttachment, "RopOpenAttachment", "2.2.6.12", req[OpenAttachmentRequest], plain(RopOpenAttachment)},
	{RopCreateAttachment, "RopCreateAttachment", "2.2.6.13", req[CreateAttachmentRequest], resp[CreateAttachmentResponse]},
	{RopDeleteAttachment, "RopDeleteAttachment", "2.2.6.14", req[DeleteAttachmentRequest], plain(RopDeleteAttachment)},
	{RopSaveChangesAttachment, "RopSaveChangesAttachment", "2.2.6.15", req[SaveChangesAttachmentRequest], plain(RopSaveChangesAttachment)},
	{RopSetReceiveFolder, "RopSetReceiveFolder", "2.2.3.3", req[SetReceiveFolderRequest], plain(RopSetReceiveFolder)},
	{RopGetReceiveFolder, "RopGetReceiveFolder", "2.2.3.2", req[GetReceiveFolderRequest], resp[GetReceiveFolderResponse]},
	{RopRegisterNotification, "RopRegisterNotification", "2.2.14.1", req[RegisterNotificationRequest], plain(RopRegisterNotification)},
	{RopNotify, "RopNotify", "2.2.14.2", nil, resp[NotifyResponse]},
	{RopOpenStream, "RopOpenStream", "2.2.9.1", req[OpenStreamRequest], resp[OpenStreamResponse]},
	{RopReadStream, "RopReadStream", "2.2.9.2", req[ReadStreamRequest], resp[ReadStreamResponse]},
	{RopWriteStream, "RopWriteStream", "2.2.9.3", req[WriteStreamRequest], written(RopWriteStream)},
	{RopSeekStream, "RopSeekStream", "2.2.9.8", req[SeekStreamRequest], resp[SeekStreamResponse]},
	{RopSetStreamSize, "RopSetStreamSize", "2.2.9.7", req[SetStreamSizeRequest], plain(RopSetStreamSize)},
	{RopSetSearchCriteria, "RopSetSearchCriteria", "2.2.4.4", req[SetSearchCriteriaRequest], plain(RopSetSearchCriteria)},
	{RopGetSearchCriteria, "RopGetSearchCriteria", "2.2.4.5", req[GetSearchCriteriaRequest], resp[GetSearchCriteriaResponse]},
	{RopSubmitMessage, "RopSubmitMessage", "2.2.7.1", req[SubmitMessageRequest], plain(RopSubmitMessage)},
	{RopMoveCopyMessages, "RopMoveCopyMessages", "2.2.4.6", req[MoveCopyMessagesRequest], move(RopMoveCopyMessages)},
	{RopAbortSubmit, "RopAbortSubmit", "2.2.7.2", req[AbortSubmitRequest], plain(RopAbortSubmit)},
	{RopMoveFolder, "RopMoveFolder", "2.2.4.7", req[MoveFolderRequest], move(RopMoveFolder)},
	{RopCopyFolder, "RopCopyFolder", "2.2.4.8", req[CopyFolderRequest], move(RopCopyFolder)},
	{RopQueryColumnsAll, "RopQueryColumnsAll", "2.2.5.12", req[QueryColumnsAllRequest], resp[QueryColumnsAllResponse]},
	{RopAbort, "RopAbort", "2.2.5.5", req[AbortRequest], status(RopAbort)},
	{RopCopyTo, "RopCopyTo", "2.2.8.12", req[CopyToRequest], problems(RopCopyTo)},
	{RopCopyToStream, "RopCopyToStream", "2.2.9.9", req[CopyToStreamRequest], resp[CopyToStreamResponse]},
	{RopCloneStream, "RopCloneStream", "2.2.9.13", req[CloneStreamRequest], plain(RopCloneStream)},
	{RopGetPermissionsTable, "RopGetPermissionsTable", "2.2.10.2", req[GetPermissionsTableRequest], plain(RopGetPermissionsTable)},
	{RopGetRulesTable, "RopGetRulesTable", "2.2.11.2", req[GetRulesTableRequest], plain(RopGetRulesTable)},
	{RopModifyPermissions, "RopModifyPermissions", "2.2.10.1", req[ModifyPermissionsRequest], plain(RopModifyPermissions)},
	{RopModifyRules, "RopModifyRules", "2.2.11.1", req[ModifyRulesRequest], plain(RopModifyRules)},
	{RopGetOwningServers, "RopGetOwningServers", "2.2.3.6", req[GetOwningServersRequest], resp[GetOwningServersResponse]},
	{RopLongTermIdFromId, "RopLongTermIdFromId", "2.2.3.8", req[LongTermIdFromIdRequest], resp[LongTermIdFromIdResponse]},
	{RopIdFromLongTermId, "RopIdFromLongTermId", "2.2.3.9", req[IdFromLongTermIdRequest], resp[IdFromLongTermIdResponse]},
	{RopPublicFolderIsGhosted, "RopPublicFolderIsGhosted", "2.2.3.7", req[PublicFolderIsGhostedRequest], resp[PublicFolderIsGhostedResponse]},
	{RopOpenEmbeddedMessage, "RopOpenEmbeddedMessage", "2.2.6.16", req[OpenEmbeddedMessageRequest], resp[OpenEmbeddedMessageResponse]},
	{RopSetSpooler, "RopSetSpooler", "2.2.7.4", req[SetSpoolerRequest], plain(RopSetSpooler)},
	{RopSpoolerLockMessage, "RopSpoolerLockMessage", "2.2.7.5", req[SpoolerLockMessageRequest], plain(RopSpoolerLockMessage)},
	{RopGetAddressTypes, "RopGetAddressTypes", "2.2.7.3", req[GetAddressTypesRequest], resp[GetAddressTypesResponse]},
	{RopTransportSend, "RopTransportSend", "2.2.7.6", req[TransportSendRequest], resp[TransportSendResponse]},
	{RopFastTransferSourceCopyMessages, "RopFastTransferSourceCopyMessages", "2.2.12.6", req[FastTransferSourceCopyMessagesRequest], plain(RopFastTransferSourceCopyMessages)},
	{RopFastTransferSourceCopyFolder, "RopFastTransferSourceCopyFolder", "2.2.12.5", req[FastTransferSourceCopyFolderRequest], plain(RopFastTransferSourceCopyFolder)},
	{RopFastTransferSourceCopyTo, "RopFastTransferSourceCopyTo", "2.2.12.7", req[FastTransferSourceCopyToRequest], plain(RopFastTransferSourceCopyTo)},
	{RopFastTransferSourceGetBuffer, "RopFastTransferSourceGetBuffer", "2.2.12.4", req[FastTransferSourceGetBufferRequest], resp[FastTransferSourceGetBufferResponse]},
	{RopFindRow, "RopFindRow", "2.2.5.13", req[FindRowRequest], resp[FindRowResponse]},
	{RopProgress, "RopProgress", "2.2.8.13", req[ProgressRequest], resp[ProgressResponse]},
	{RopTransportNewMail, "RopTransportNewMail", "2.2.7.7", req[TransportNewMailRequest], plain(RopTransportNewMail)},
	{RopGetValidAttachments, "RopGetValidAttachments", "2.2.6.18", req[GetValidAttachmentsRequest], resp[GetValidAttachmentsResponse]},
	{RopFastTransferDestinationConfigure, "RopFastTransferDestinationConfigure", "2.2.12.1", req[FastTransferDestinationConfigureRequest], plain(RopFastTransferDestinationConfigure)},
	{RopFastTransferDestinationPutBuffer, "RopFastTransferDestinationPutBuffer", "2.2.12.2", req[FastTransferDestinationPutBufferRequest], resp[FastTransferDestinationPutBufferResponse]},
	{RopGetNamesFromPropertyIds, "RopGetNamesFromPropertyIds", "2.2.8.2", req[GetNamesFromPropertyIdsRequest], resp[GetNamesFromPropertyIdsResponse]},
	{RopGetPropertyIdsFromNames, "RopGetPropertyIdsFromNames", "2.2.8.1", req[GetPropertyIdsFromNamesRequest], resp[GetPropertyIdsFromNamesResponse]},
	{RopUpdateDeferredActionMessages, "RopUpdateDeferredActionMessages", "2.2.11.3", req[UpdateDeferredActionMessagesRequest], plain(RopUpdateDeferredActionMessages)},
	{RopEmptyFolder, "RopEmptyFolder", "2.2.4.9", req[EmptyFolderRequest], partial(RopEmptyFolder)},
	{RopExpandRow, "RopExpandRow", "2.2.5.16", req[ExpandRowRequest], resp[ExpandRowResponse]},
	{RopCollapseRow, "RopCollapseRow", "2.2.5.17", req[CollapseRowRequest], resp[CollapseRowResponse]},
	{RopLockRegionStream, "RopLockRegionStream", "2.2.9.10", req[LockRegionStreamRequest], plain(RopLockRegionStream)},
	{RopUnlockRegionStream, "RopUnlockRegionStream", "2.2.9.11", req[UnlockRegionStreamRequest], plain(RopUnlockRegionStream)},
	{RopCommitStream, "RopCommitStream", "2.2.9.5", req[CommitStreamRequest], plain(RopCommitStream)},
	{RopGetStreamSize, "RopGetStreamSize", "2.2.9.6", req[GetStreamSizeRequest], resp[GetStreamSizeResponse]},
	{RopQueryNamedProperties, "RopQueryNamedProperties", "2.2.8.10", req[QueryNamedPropertiesRequest], resp[QueryNamedPropertiesResponse]},
	{RopGetPerUserLongTermIds, "RopGetPerUserLongTermIds", "2.2.3.10", req[GetPerUserLongTermIdsRequest], resp[GetPerUserLongTermIdsResponse]},
	{RopGetPerUserGuid, "RopGetPerUserGuid", "2.2.3.11", req[GetPerUserGuidRequest], resp[GetPerUserGuidResponse]},
	{RopReadPerUserInformation, "RopReadPerUserInformation", "2.2.3.12", req[ReadPerUserInformationRequest], resp[ReadPerUserInformationResponse]},
	{RopWritePerUserInformation, "RopWritePerUserInformation", "2.2.3.13", req[WritePerUserInformationRequest], plain(RopWritePerUserInformation)},
	{RopSetReadFlags, "RopSetReadFlags", "2.2.6.10", req[SetReadFlagsRequest], partial(RopSetReadFlags)},
	{RopCopyProperties, "RopCopyProperties", "2.2.8.11", req[CopyPropertiesRequest], problems(RopCopyProperties)},
	{RopGetReceiveFolderTable, "RopGetReceiveFolderTable", "2.2.3.4", req[GetReceiveFolderTableRequest], resp[GetReceiveFolderTableResponse]},
	{RopFastTransferSourceCopyProperties, "RopFastTransferSourceCopyProperties", "2.2.12.8", req[FastTransferSourceCopyPropertiesRequest], plain(RopFastTransferSourceCopyProperties)},
	{RopGetCollapseState, "RopGetCollapseState", "2.2.5.18", req[GetCollapseStateRequest], resp[GetCollapseStateResponse]},
	{RopSetCollapseState, "RopSetCollapseState", "2.2.5.19", req[SetCollapseStateRequest], resp[SetCollapseStateResponse]},
	{RopGetTransportFolder, "RopGetTransportFolder", "2.2.7.8", req[GetTransportFolderRequest], resp[GetTransportFolderResponse]},
	{RopPending, "RopPending", "2.2.14.3", nil, resp[PendingResponse]},
	{RopOptionsData, "RopOptionsData", "2.2.7.9", req[OptionsDataRequest], resp[OptionsDataResponse]},
	{RopSynchronizationConfigure, "RopSynchronizationConfigure", "2.2.13.1", req[SynchronizationConfigureRequest], plain(RopSynchronizationConfigure)},
	{RopSynchronizationImportMessageChange, "RopSynchronizationImportMessageChange", "2.2.13.2", req[SynchronizationImportMessageChangeRequest], resp[SynchronizationImportMessageChangeResponse]},
	{RopSynchronizationImportHierarchyChange, "RopSynchronizationImportHierarchyChange", "2.2.13.4", req[SynchronizationImportHierarchyChangeRequest], resp[SynchronizationImportHierarchyChangeResponse]},
	{RopSynchronizationImportDeletes, "RopSynchronizationImportDeletes", "2.2.13.5", req[SynchronizationImportDeletesRequest], plain(RopSynchronizationImportDeletes)},
	{RopSynchronizationUploadStateStreamBegin, "RopSynchronizationUploadStateStreamBegin", "2.2.13.9", req[SynchronizationUploadStateStreamBeginRequest], plain(RopSynchronizationUploadStateStreamBegin)},
	{RopSynchronizationUploadStateStreamContinue, "RopSynchronizationUploadStateStreamContinue", "2.2.13.10", req[SynchronizationUploadStateStreamContinueRequest], plain(RopSynchronizationUploadStateStreamContinue)},
	{RopSynchronizationUploadStateStreamEnd, "RopSynchronizationUploadStateStreamEnd", "2.2.13.11", req[SynchronizationUploadStateStreamEndRequest], plain(RopSynchronizationUploadStateStreamEnd)},
	{RopSynchronizationImportMessageMove, "RopSynchronizationImportMessageMove", "2.2.13.6", req[SynchronizationImportMessageMoveRequest], resp[SynchronizationImportMessageMoveResponse]},
	{RopSetPropertiesNoReplicate, "RopSetPropertiesNoReplicate", "2.2.8.7", req[SetPropertiesNoReplicateRequest], problems(RopSetPropertiesNoReplicate)},
	{RopDeletePropertiesNoReplicate, "RopDeletePropertiesNoReplicate", "2.2.8.9", req[DeletePropertiesNoReplicateRequest], problems(RopDeletePropertiesNoReplicate)},
	{RopGetStoreState, "RopGetStoreState", "2.2.3.5", req[GetStoreStateRequest], resp[GetStoreStateResponse]},
	{RopSynchronizationOpenCollector, "RopSynchronizationOpenCollector", "2.2.13.7", req[SynchronizationOpenCollectorRequest], plain(RopSynchronizationOpenCollector)},
	{RopGetLocalReplicaIds, "RopGetLocalReplicaIds", "2.2.13.13", req[GetLocalReplicaIdsRequest], resp[GetLocalReplicaIdsResponse]},
	{RopSynchronizationImportReadStateChanges, "RopSynchronizationImportReadStateChanges", "2.2.13.3", req[SynchronizationImportReadStateChangesRequest], plain(RopSynchronizationImportReadStateChanges)},
	{RopResetTable, "RopResetTable", "2.2.5.15", req[ResetTableRequest], plain(RopResetTable)},
	{RopSynchronizationGetTransferState, "RopSynchronizationGetTransferState", "2.2.13.8", req[SynchronizationGetTransferStateRequest], plain(RopSynchronizationGetTransferState)},
	{RopTellVersion, "RopTellVersion", "2.2.12.9", req[TellVersionRequest], plain(RopTellVersion)},
	{RopFreeBookmark, "RopFreeBookmark", "2.2.5.14", req[FreeBookmarkRequest], plain(RopFreeBookmark)},
	{RopWriteAndCommitStream, "RopWriteAndCommitStream", "2.2.9.12", req[WriteAndCommitStreamRequest], written(RopWriteAndCommitStream)},
	{RopHardDeleteMessages, "RopHardDeleteMessages", "2.2.4.12", req[HardDeleteMessagesRequest], partial(RopHardDeleteMessages)},
	{RopHardDeleteMessagesAndSubfolders, "RopHardDeleteMessagesAndSubfolders", "2.2.4.10", req[HardDeleteMessagesAndSubfoldersRequest], partial(RopHardDeleteMessagesAndSubfolders)},
	{RopSetLocalReplicaMidsetDeleted, "RopSetLocalReplicaMidsetDeleted", "2.2.13.12", req[SetLocalReplicaMidsetDeletedRequest], plain(RopSetLocalReplicaMidsetDeleted)},
	{RopFastTransferDestinationPutBufferExtended, "RopFastTransferDestinationPutBufferExtended", "2.2.12.3", req[FastTransferDestinationPutBufferExtendedRequest], resp[FastTransferDestinationPutBufferExtendedResponse]},
	{RopWriteStreamExtended, "RopWriteStreamExtended", "2.2.9.4", req[WriteStreamExtendedRequest], resp[WriteStreamExtendedResponse]},
	{RopBackoff, "RopBackoff", "2.2.15.2", nil, resp[BackoffResponse]},
	{RopLogon, "RopLogon", "2.2.3.1", req[LogonRequest], resp[LogonResponse]},
	{RopBufferTooSmall, "RopBufferTooSmall", "2.2.15.1", nil, resp[BufferTooSmallResponse]},
}
