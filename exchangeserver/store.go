package exchangeserver

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// longTermID is RopLongTermIdFromId ([MS-OXCSTOR] 3.2.5.9).
func (c *call) longTermID(q *oxcrops.LongTermIdFromIdRequest) (oxcrops.Response, error) {
	lg, err := get[*logon](c, q.In)
	if err != nil {
		return nil, err
	}
	id := wireID(q.ObjectID)
	g, ok := lg.box.ReplicaGUID(id.Replica())
	if !ok || id.Counter() == 0 {
		return nil, mapi.ErrNotFound
	}
	resp := &oxcrops.LongTermIdFromIdResponse{}
	resp.LongTermID.Replica, resp.LongTermID.Counter = g, id.Counter()
	return resp, nil
}

// idFromLongTerm is RopIdFromLongTermId ([MS-OXCSTOR] 3.2.5.10). Replicas that the mailbox hasn't met get an id.
func (c *call) idFromLongTerm(q *oxcrops.IdFromLongTermIdRequest) (oxcrops.Response, error) {
	lg, err := get[*logon](c, q.In)
	if err != nil {
		return nil, err
	}
	if q.LongTermID.Replica == (mapi.GUID{}) || q.LongTermID.Counter == 0 {
		return nil, mapi.ErrInvalidParameter
	}
	replica, err := lg.box.ReplicaID(c, q.LongTermID.Replica, true)
	if err != nil {
		return nil, err
	}
	return &oxcrops.IdFromLongTermIdResponse{ObjectID: newID(replica, q.LongTermID.Counter).wire()}, nil
}

// localReplicaIDs is RopGetLocalReplicaIds ([MS-OXCFXICS] 3.2.5.9.4.7).
func (c *call) localReplicaIDs(q *oxcrops.GetLocalReplicaIdsRequest) (oxcrops.Response, error) {
	lg, err := get[*logon](c, q.In)
	if err != nil {
		return nil, err
	}
	const most = 1 << 20 // 48 bits are many, but not endless
	if q.IDCount == 0 || q.IDCount > most {
		return nil, mapi.ErrInvalidParameter
	}
	first, err := lg.box.ReserveIDs(c, q.IDCount)
	if err != nil {
		return nil, err
	}
	g, _ := lg.box.ReplicaGUID(first.Replica())
	return &oxcrops.GetLocalReplicaIdsResponse{First: oxcdata.GlobalID{Replica: g, Counter: first.Counter()}}, nil
}

// perUser is RopReadPerUserInformation ([MS-OXCSTOR] 3.2.5.12): there is no such information.
func (c *call) perUser(q *oxcrops.ReadPerUserInformationRequest) (oxcrops.Response, error) {
	_, err := get[*logon](c, q.In)
	return &oxcrops.ReadPerUserInformationResponse{HasFinished: true}, err
}

// receiveFolder is where messages of a class are delivered.
type receiveFolder struct {
	class    string // as it was set
	fid      ID
	modified mapi.FileTime
}

// receiving are the receive folders of the mailbox ([MS-OXCSTOR] 3.2.1.3), as far as they live: for the logon.
func (lg *logon) receiving(c *call) (map[string]receiveFolder, error) {
	if lg.receive != nil {
		return lg.receive, nil
	}
	find := func(r mapi.Role) (ID, error) {
		e, err := lg.box.Special(c, r)
		if errors.Is(err, mapi.ErrNotFound) {
			e, err = lg.box.Special(c, mapi.RoleIPM)
		}
		if err != nil {
			return 0, err
		}
		return lg.box.FolderID(e)
	}
	inbox, err := find(mapi.RoleInbox)
	if err != nil {
		return nil, err
	}
	root, err := find(mapi.RoleRoot)
	if err != nil {
		return nil, err
	}
	lg.receive = map[string]receiveFolder{}
	for _, f := range []receiveFolder{{"", inbox, 0}, {"IPM", inbox, 0}, {"REPORT.IPM", inbox, 0}, {"IPC", root, 0}} {
		f.modified = gwartTime()
		lg.receive[strings.ToLower(f.class)] = f
	}
	return lg.receive, nil
}

// getReceiveFolder is RopGetReceiveFolder ([MS-OXCSTOR] 3.2.5.2): the longest entry that the class begins with counts.
func (c *call) getReceiveFolder(q *oxcrops.GetReceiveFolderRequest) (oxcrops.Response, error) {
	lg, err := get[*logon](c, q.In)
	if err != nil {
		return nil, err
	}
	if err := checkClass(q.MessageClass); err != nil {
		return nil, err
	}
	all, err := lg.receiving(c)
	if err != nil {
		return nil, err
	}
	for class := foldClass(q.MessageClass); ; {
		if f, ok := all[class]; ok {
			return &oxcrops.GetReceiveFolderResponse{FolderID: f.fid.wire(), ExplicitMessageClass: mapi.String8(f.class)}, nil
		}
		class = class[:max(strings.LastIndexByte(class, '.'), 0)]
	}
}

// checkClass checks a message class ([MS-OXCSTOR] 2.2.1.2.1.1).
func checkClass(s mapi.String8) error {
	const most = 255
	if len(s) > most || strings.HasPrefix(string(s), ".") || strings.HasSuffix(string(s), ".") || strings.Contains(string(s), "..") {
		return mapi.ErrInvalidParameter
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return mapi.ErrInvalidParameter
		}
	}
	return nil
}

// maxReceiveFolders bounds the table.
const maxReceiveFolders = 1000

// setReceiveFolder is RopSetReceiveFolder ([MS-OXCSTOR] 3.2.5.3).
func (c *call) setReceiveFolder(q *oxcrops.SetReceiveFolderRequest) (oxcrops.Response, error) {
	lg, err := get[*logon](c, q.In)
	if err != nil {
		return nil, err
	}
	if err := checkClass(q.MessageClass); err != nil {
		return nil, err
	}
	class, fid := foldClass(q.MessageClass), wireID(q.FolderID)
	if class == "ipm" || class == "report.ipm" {
		return nil, mapi.ErrNoAccess
	}
	all, err := lg.receiving(c)
	if err != nil {
		return nil, err
	}
	if q.FolderID == 0 {
		if class == "" {
			return nil, mapi.ErrCallFailed
		}
		delete(all, class)
		return nil, nil
	}
	if _, err := c.openFolder(lg, fid); err != nil {
		return nil, err
	}
	if len(all) >= maxReceiveFolders {
		return nil, mapi.ErrNoMemory
	}
	all[class] = receiveFolder{string(q.MessageClass), fid, mapi.NewFileTime(time.Now())}
	return nil, nil
}

// receiveFolders is RopGetReceiveFolderTable ([MS-OXCSTOR] 3.2.5.4).
func (c *call) receiveFolders(q *oxcrops.GetReceiveFolderTableRequest) (oxcrops.Response, error) {
	lg, err := get[*logon](c, q.In)
	if err != nil {
		return nil, err
	}
	all, err := lg.receiving(c)
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.GetReceiveFolderTableResponse{}
	for _, class := range slices.Sorted(maps.Keys(all)) {
		f := all[class]
		resp.Rows = append(resp.Rows, oxcdata.PropertyRow{Values: []mapi.Value{int64(f.fid.wire()), mapi.String8(f.class), f.modified}})
	}
	return resp, nil
}

// transportFolder is RopGetTransportFolder ([MS-OXOMSG] 3.2.5.8): the Outbox.
func (c *call) transportFolder(q *oxcrops.GetTransportFolderRequest) (oxcrops.Response, error) {
	lg, err := get[*logon](c, q.In)
	if err != nil {
		return nil, err
	}
	e, err := lg.box.Special(c, mapi.RoleOutbox)
	if err != nil {
		return nil, err
	}
	fid, err := lg.box.FolderID(e)
	return &oxcrops.GetTransportFolderResponse{FolderID: fid.wire()}, err
}

// transportTypes is RopGetAddressTypes ([MS-OXOMSG] 3.2.5.3).
func (c *call) transportTypes(q *oxcrops.GetAddressTypesRequest) (oxcrops.Response, error) {
	if _, err := get[*logon](c, q.In); err != nil {
		return nil, err
	}
	return &oxcrops.GetAddressTypesResponse{AddressTypes: []mapi.String8{"EX", "SMTP"}}, nil
}
