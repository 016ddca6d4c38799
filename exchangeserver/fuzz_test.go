package exchangeserver

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/opencdo/opencdo/internal/directory"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// fuzzed is a session with an object of every kind open.
type fuzzed struct {
	*session
	t       testing.TB
	handles []uint32
}

// newFuzzed makes a server with one user and a session.
func newFuzzed(t testing.TB) *fuzzed {
	ctx := context.Background()
	dir, err := directory.Create(ctx, t.TempDir(), "contoso.test")
	if err == nil {
		_, err = dir.Add(ctx, directory.NewUser{Alias: "alice", Password: "x"})
	}
	if err != nil {
		t.Fatal(err)
	}
	backend := NewLocal(dir)
	srv, err := New(Config{Backend: backend, Domain: "contoso.test", MaxSpool: 1 << 20, MaxObjects: 100, SpoolDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	users, err := backend.Users(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(srv, users[0], &oxcmapihttp.ConnectRequest{UserDN: mapi.String8(users[0].LegacyDN), DefaultCodePage: 1252})
	t.Cleanup(func() {
		s.Close()
		srv.Close()
		backend.Close()
	})
	return &fuzzed{session: s, t: t}
}

// run executes a payload.
func (f *fuzzed) run(payload []byte) ([]byte, mapi.Code) {
	f.t.Helper()
	packed, err := oxcrpc.Pack(nil, 0, payload)
	if err != nil {
		f.t.Fatal(err)
	}
	const most = 0x20000
	out, code := f.execute(context.Background(), &oxcmapihttp.ExecuteRequest{Flags: oxcmapihttp.ExecuteChain | oxcmapihttp.ExecuteNoCompression, ROPBuffer: packed, MaxROPOut: most})
	if code != 0 {
		return nil, code
	}
	payloads, err := oxcrpc.Unpack(out)
	if err != nil || len(payloads) == 0 || len(out) > most {
		f.t.Fatalf("an answer of %d bytes in %d buffers: %v", len(out), len(payloads), err)
	}
	return payloads[0], 0
}

// open opens an object of every kind anew.
func (f *fuzzed) open() {
	f.t.Helper()
	handles := make([]uint32, 18)
	for i := range handles {
		handles[i] = noHandle
	}
	inbox := f.inbox()
	reqs := []oxcrops.Request{
		&oxcrops.LogonRequest{Out: 0, LogonFlags: oxcrops.LogonPrivate},
		&oxcrops.OpenFolderRequest{In: 0, Out: 1, FolderID: inbox},
		&oxcrops.GetContentsTableRequest{In: 1, Out: 2},
		&oxcrops.SetColumnsRequest{In: 2, Tags: []mapi.Tag{pid.TagMid, pid.TagSubject, pid.TagSearchKey}},
		&oxcrops.CreateMessageRequest{In: 0, Out: 3, FolderID: inbox},
		&oxcrops.CreateAttachmentRequest{In: 3, Out: 4},
		&oxcrops.OpenStreamRequest{In: 4, Out: 5, Tag: pid.TagAttachDataBinary, OpenModeFlags: oxcrops.StreamCreate},
		&oxcrops.OpenEmbeddedMessageRequest{In: 4, Out: 6, OpenModeFlags: oxcrops.OpenCreate},
		&oxcrops.GetAttachmentTableRequest{In: 3, Out: 7},
		&oxcrops.FastTransferDestinationConfigureRequest{In: 6, Out: 8, SourceOperation: oxcrops.SourceCopyTo},
		&oxcrops.FastTransferDestinationConfigureRequest{In: 1, Out: 9, SourceOperation: oxcrops.SourceCopyMessages},
		&oxcrops.FastTransferSourceCopyToRequest{In: 3, Out: 10, SendOptions: oxcrops.SendForUpload},
		&oxcrops.FastTransferSourceCopyFolderRequest{In: 1, Out: 11},
		&oxcrops.GetHierarchyTableRequest{In: 1, Out: 12, TableFlags: oxcrops.TableDepth},
		&oxcrops.SetColumnsRequest{In: 12, Tags: []mapi.Tag{pid.TagDisplayName}},
		&oxcrops.RegisterNotificationRequest{In: 0, Out: 13, WantWholeStore: true},
		&oxcrops.SynchronizationConfigureRequest{In: 1, Out: 14, SynchronizationType: oxcrops.SyncContents, SendOptions: oxcrops.SendUnicode,
			SynchronizationFlags: oxcrops.SyncUnicode | oxcrops.SyncNormal | oxcrops.SyncFAI | oxcrops.SyncReadState},
		&oxcrops.SynchronizationConfigureRequest{In: 1, Out: 15, SynchronizationType: oxcrops.SyncHierarchy},
		&oxcrops.SynchronizationOpenCollectorRequest{In: 1, Out: 16, IsContentsCollector: true},
		&oxcrops.SynchronizationOpenCollectorRequest{In: 1, Out: 17},
	}
	payload, err := oxcrops.EncodeRequests(nil, reqs, handles)
	if err != nil {
		f.t.Fatal(err)
	}
	out, code := f.run(payload)
	if code != 0 {
		f.t.Fatal(code)
	}
	resps, table, err := oxcrops.DecodeResponses(out, reqs)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, r := range resps {
		if r.Result() != 0 {
			f.t.Fatalf("%s: %v", oxcrops.Name(r.RopID()), r.Result())
		}
	}
	f.handles = table
}

// inbox is the id of the Inbox.
func (f *fuzzed) inbox() oxcdata.ID {
	box, err := f.srv.cfg.Backend.OpenMailbox(context.Background(), f.user.Mailbox)
	if err != nil {
		f.t.Fatal(err)
	}
	defer box.Close()
	e, err := box.Special(context.Background(), mapi.RoleInbox)
	if err != nil {
		f.t.Fatal(err)
	}
	fid, err := box.FolderID(e)
	if err != nil {
		f.t.Fatal(err)
	}
	return fid.wire()
}

// FuzzExecute runs whatever list of operations on objects of every kind: it must be answered, or refused as a whole, and
// the session must go on.
func FuzzExecute(f *testing.F) {
	add := func(reqs ...oxcrops.Request) {
		p, err := oxcrops.EncodeRequests(nil, reqs, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p[sizeField:])
	}
	add(&oxcrops.QueryRowsRequest{In: 2, ForwardRead: true, RowCount: 10}, &oxcrops.SeekRowRequest{In: 2, Origin: 2, RowCount: -1})
	add(&oxcrops.RestrictRequest{In: 2, RestrictionData: mapi.ResExist{Key: mapi.TagKey(pid.TagSubject)}}, &oxcrops.FindRowRequest{In: 2})
	add(&oxcrops.SortTableRequest{In: 12}, &oxcrops.QueryRowsRequest{In: 12, RowCount: 3}, &oxcrops.CreateBookmarkRequest{In: 12})
	add(&oxcrops.ModifyRecipientsRequest{In: 3, Recipients: []oxcrops.ModifyRecipientRow{{RowID: 1}}}, &oxcrops.ReadRecipientsRequest{In: 3})
	add(&oxcrops.SaveChangesAttachmentRequest{ResponseIndex: 3, In: 4}, &oxcrops.SaveChangesMessageRequest{ResponseIndex: 3, In: 3})
	add(&oxcrops.SaveChangesMessageRequest{ResponseIndex: 6, In: 6}, &oxcrops.ReleaseRequest{In: 3}, &oxcrops.GetPropertiesAllRequest{In: 4})
	add(&oxcrops.WriteStreamRequest{In: 5, Data: make([]byte, 100)}, &oxcrops.SetStreamSizeRequest{In: 5, StreamSize: 1 << 30}, &oxcrops.CommitStreamRequest{In: 5})
	add(&oxcrops.FastTransferSourceGetBufferRequest{In: 10, BufferSize: oxcrops.MaximumSize}, &oxcrops.FastTransferSourceGetBufferRequest{In: 11, BufferSize: 100})
	add(&oxcrops.FastTransferDestinationPutBufferRequest{In: 8, TransferData: binary.LittleEndian.AppendUint32(nil, 0x40030003)}, &oxcrops.SaveChangesMessageRequest{In: 6})
	add(&oxcrops.FastTransferDestinationPutBufferRequest{In: 9, TransferData: binary.LittleEndian.AppendUint32(nil, 0x400C0003)}, &oxcrops.ReleaseRequest{In: 9})
	add(&oxcrops.CopyToRequest{Src: 3, Dest: 6, WantSubObjects: true}, &oxcrops.DeletePropertiesRequest{In: 6, Tags: []mapi.Tag{pid.TagSubject}})
	add(&oxcrops.ReleaseRequest{In: 0}, &oxcrops.GetPropertiesListRequest{In: 1}, &oxcrops.LogonRequest{Out: 0, LogonFlags: 1})
	add(&oxcrops.EmptyFolderRequest{In: 1, WantDeleteAssociated: true}, &oxcrops.CreateFolderRequest{In: 1, Out: 9, FolderType: 1, DisplayName: "x", OpenExisting: true})
	add(&oxcrops.SetMessageReadFlagRequest{In: 3, ReadFlags: 4}, &oxcrops.GetReceiveFolderRequest{In: 0, MessageClass: "IPM"}, &oxcrops.GetReceiveFolderTableRequest{In: 0})
	add(&oxcrops.SynchronizationUploadStateStreamBeginRequest{In: 14, StateProperty: pid.MetaTagCnsetSeen, TransferBufferSize: 3},
		&oxcrops.SynchronizationUploadStateStreamContinueRequest{In: 14, StreamData: []byte{1, 0, 0}}, &oxcrops.SynchronizationUploadStateStreamEndRequest{In: 14},
		&oxcrops.FastTransferSourceGetBufferRequest{In: 14, BufferSize: oxcrops.MaximumSize}, &oxcrops.SynchronizationGetTransferStateRequest{In: 14, Out: 15})
	add(&oxcrops.FastTransferSourceGetBufferRequest{In: 15, BufferSize: 2000}, &oxcrops.SynchronizationGetTransferStateRequest{In: 16, Out: 14},
		&oxcrops.FastTransferSourceGetBufferRequest{In: 14, BufferSize: 2000})
	xid := append(make([]byte, 16), 1, 2, 3, 4, 5, 6)
	change := []oxcdata.TaggedValue{{Tag: pid.TagSourceKey, Value: xid}, {Tag: pid.TagLastModificationTime, Value: mapi.FileTime(1)},
		{Tag: pid.TagChangeKey, Value: xid}, {Tag: pid.TagPredecessorChangeList, Value: append([]byte{22}, xid...)}, {Tag: pid.TagDisplayName, Value: "x"}}
	add(&oxcrops.SynchronizationImportMessageChangeRequest{In: 16, Out: 3, Values: change}, &oxcrops.SaveChangesMessageRequest{ResponseIndex: 3, In: 3},
		&oxcrops.SynchronizationImportReadStateChangesRequest{In: 16, MessageReadStates: []oxcrops.MessageReadState{{MessageID: xid}}},
		&oxcrops.SynchronizationImportDeletesRequest{In: 16, Values: []oxcdata.TaggedValue{{Tag: 0x1102, Value: [][]byte{xid}}}})
	add(&oxcrops.SynchronizationImportHierarchyChangeRequest{In: 17, HierarchyValues: change}, &oxcrops.SynchronizationImportMessageMoveRequest{In: 16, SourceFolderID: xid,
		SourceMessageID: xid, PredecessorChangeList: []byte{}, DestinationMessageID: xid, ChangeNumber: xid})
	s := newFuzzed(f)
	f.Fuzz(func(t *testing.T, rops []byte) {
		if len(rops) > 1<<15 {
			return
		}
		s.t = t
		s.open()
		payload := binary.LittleEndian.AppendUint16(nil, uint16(sizeField+len(rops)))
		payload = append(payload, rops...)
		for _, h := range s.handles {
			payload = binary.LittleEndian.AppendUint32(payload, h)
		}
		s.run(payload)
		s.run(payload)
	})
}
