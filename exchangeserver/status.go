package exchangeserver

import (
	"errors"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// setRead marks items of a folder. Where the folder has no better way the message flags are changed.
func setRead(c *call, dir mapi.Folder, ids []mapi.EntryID, read bool) error {
	if r, ok := dir.(ReadMarker); ok {
		return r.SetRead(c, ids, read)
	}
	for _, id := range ids {
		it, err := readHead(c, dir, id)
		if err != nil {
			return err
		}
		flags, _ := it.Props.Tag(pid.TagMessageFlags).(int32)
		if flags &^= flagRead; read {
			flags |= flagRead
		}
		if err := dir.Update(c, id, mapi.Props{{Key: mapi.TagKey(pid.TagMessageFlags), Value: flags}}, nil); err != nil {
			return err
		}
	}
	return nil
}

// readFlags tells what ReadFlags ask for: whether the read flag is to be changed, and to what. The other bits are about
// receipts ([MS-OXCMSG] 2.2.3.10.1).
func readFlags(flags uint8) (change, read bool, err error) {
	const known = oxcrops.ReadSuppressReceipt | oxcrops.ReadClear | oxcrops.ReadGenerateReceipt | oxcrops.ReadClearNotifyRead |
		oxcrops.ReadClearNotifyUnread | 0x0A // reserved, and folder message dialog, which clients set
	if flags&^known != 0 || flags&oxcrops.ReadSuppressReceipt != 0 && flags&oxcrops.ReadGenerateReceipt != 0 {
		return false, false, mapi.ErrInvalidParameter
	}
	if flags&(oxcrops.ReadGenerateReceipt|oxcrops.ReadClearNotifyRead|oxcrops.ReadClearNotifyUnread) != 0 {
		return false, false, nil
	}
	return true, flags&oxcrops.ReadClear == 0, nil
}

// setMessageReadFlag is RopSetMessageReadFlag ([MS-OXCMSG] 3.2.5.11).
func (c *call) setMessageReadFlag(q *oxcrops.SetMessageReadFlagRequest) (oxcrops.Response, error) {
	m, err := get[*message](c, q.In)
	if err != nil {
		return nil, err
	}
	change, read, err := readFlags(q.ReadFlags)
	if err != nil {
		return nil, err
	}
	props, err := m.props(c)
	if err != nil {
		return nil, err
	}
	flags, _ := props.Tag(pid.TagMessageFlags).(int32)
	was := flags&flagRead != 0
	resp := &oxcrops.SetMessageReadFlagResponse{ReadStatusChanged: change && was != read}
	if !resp.ReadStatusChanged {
		return resp, nil
	}
	if m.id != "" {
		ids := []mapi.EntryID{m.id}
		asking := c.asking(m.dir, ids, q.ReadFlags, read)
		if err := setRead(c, m.dir, ids, read); err != nil {
			return nil, err
		}
		c.receipts(m.lg, m.dir, asking)
	}
	if flags &^= flagRead; read {
		flags |= flagRead
	}
	k := mapi.TagKey(pid.TagMessageFlags)
	switch {
	case m.id == "":
		if !m.writable {
			return nil, mapi.ErrNoAccess
		}
		return resp, m.change(c, mapi.Props{{Key: k, Value: flags}}, nil)
	case m.work != nil: // it shows the new state, which isn't a change to be saved
		m.work.Props.Set(k, flags)
	}
	return resp, nil
}

// setReadFlags is RopSetReadFlags ([MS-OXCMSG] 3.2.5.10). Without messages all of the folder are meant.
func (c *call) setReadFlags(q *oxcrops.SetReadFlagsRequest) (oxcrops.Response, error) {
	resp := &oxcrops.PartialResponse{ROP: q.RopID()}
	f, err := get[*folder](c, q.In)
	if err != nil {
		return resp, err
	}
	change, read, err := readFlags(q.ReadFlags)
	if err != nil || !change {
		return resp, err
	}
	ids := f.entryIDs(q.MessageIDs)
	if len(ids) == 0 {
		for r, err := range f.dir.Rows(c, mapi.Query{}) {
			if err != nil {
				return resp, err
			}
			ids = append(ids, r.ID)
		}
	}
	asking := c.asking(f.dir, ids, q.ReadFlags, read)
	defer func() { c.receipts(f.lg, f.dir, asking) }()
	err = setRead(c, f.dir, ids, read)
	if err == nil || !errors.Is(err, mapi.ErrNotFound) {
		return resp, err
	}
	for _, id := range ids {
		err := setRead(c, f.dir, []mapi.EntryID{id}, read)
		if errors.Is(err, mapi.ErrNotFound) {
			resp.PartialCompletion = true
		} else if err != nil {
			return resp, err
		}
	}
	return resp, nil
}

func (c *call) messageStatus(in uint8, mid oxcdata.ID) (f *folder, id mapi.EntryID, status uint32, err error) {
	if f, err = get[*folder](c, in); err != nil {
		return nil, "", 0, err
	}
	id = f.lg.box.MessageEntryID(f.fid, wireID(mid))
	it, err := readHead(c, f.dir, id)
	if err != nil {
		return nil, "", 0, err
	}
	n, _ := it.Props.Tag(pid.TagMessageStatus).(int32)
	return f, id, uint32(n), nil
}

// getMessageStatus is RopGetMessageStatus ([MS-OXCMSG] 3.2.5.9).
func (c *call) getMessageStatus(q *oxcrops.GetMessageStatusRequest) (oxcrops.Response, error) {
	_, _, status, err := c.messageStatus(q.In, q.MessageID)
	return &oxcrops.SetMessageStatusResponse{MessageStatusFlags: status}, err
}

// setMessageStatus is RopSetMessageStatus ([MS-OXCMSG] 3.2.5.8), which answers the status before.
func (c *call) setMessageStatus(q *oxcrops.SetMessageStatusRequest) (oxcrops.Response, error) {
	f, id, status, err := c.messageStatus(q.In, q.MessageID)
	if err != nil {
		return nil, err
	}
	next := status&^q.MessageStatusMask | q.MessageStatusFlags&q.MessageStatusMask
	if next != status {
		err = f.dir.Update(c, id, mapi.Props{{Key: mapi.TagKey(pid.TagMessageStatus), Value: int32(next)}}, nil)
	}
	return &oxcrops.SetMessageStatusResponse{MessageStatusFlags: status}, err
}
