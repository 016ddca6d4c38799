package exchangeserver

import (
	"slices"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// attachment is an attachment that a client has open: a copy of that in its message, until it is saved.
type attachment struct {
	m        *message
	num      int32
	att      *mapi.Attachment
	spool    *spool
	writable bool
	changed  bool
	upload   *destination // under way
}

func (a *attachment) close() {
	if a.upload != nil {
		a.upload.abandon()
	}
	a.spool.release()
}

func (a *attachment) logonOf() *logon { return a.m.lg }
func (a *attachment) pages() pages    { return a.m.pages() }

func (a *attachment) props(c *call) (mapi.Props, error) {
	if err := a.endUpload(c); err != nil {
		return nil, err
	}
	props := slices.Clone(a.att.Props)
	add := func(t mapi.Tag, v mapi.Value) {
		if props.Tag(t) == nil {
			props.Set(mapi.TagKey(t), v)
		}
	}
	add(pid.TagAttachNumber, a.num)
	add(pid.TagObjectType, objectAttachment)
	add(pid.TagAttachSize, attachSize(a.att))
	return props, nil
}

// attachSize is PidTagAttachSize of an attachment that has none.
func attachSize(a *mapi.Attachment) int32 {
	var n int64
	for _, p := range a.Props {
		n += mapi.ValueSize(p.Value)
	}
	return int32(min(n, 1<<31-1))
}

func (a *attachment) change(c *call, set mapi.Props, del []mapi.Key) error {
	if !a.writable {
		return mapi.ErrNoAccess
	}
	if err := a.endUpload(c); err != nil {
		return err
	}
	for _, k := range del {
		a.att.Props.Delete(k)
	}
	for _, p := range set {
		if o, ok := otherString(p.Key); ok {
			a.att.Props.Delete(o)
		}
		a.att.Props.Set(p.Key, p.Value)
	}
	a.changed = true
	return nil
}

// openAttachment is RopOpenAttachment ([MS-OXCMSG] 3.2.5.12).
func (c *call) openAttachment(q *oxcrops.OpenAttachmentRequest) (oxcrops.Response, error) {
	m, err := get[*message](c, q.In)
	if err != nil {
		return nil, err
	}
	w, err := m.content(c)
	if err != nil {
		return nil, err
	}
	at := w.attachmentAt(int32(q.AttachmentID))
	if at < 0 {
		return nil, mapi.ErrNotFound
	}
	a := &attachment{m: m, num: int32(q.AttachmentID), att: cloneAttachment(w.Attachments[at])}
	switch q.OpenAttachmentFlags {
	case oxcrops.OpenReadOnly:
	case oxcrops.OpenReadWrite:
		if !m.writable {
			return nil, mapi.ErrNoAccess
		}
		a.writable = true
	case oxcrops.OpenBestAccess:
		a.writable = m.writable
	default:
		return nil, errorf(mapi.ErrInvalidParameter, "open mode 0x%02X", q.OpenAttachmentFlags)
	}
	a.spool = m.spool.retain()
	return nil, c.put(q.Out, m.lg, a)
}

// createAttachment is RopCreateAttachment ([MS-OXCMSG] 3.2.5.13).
func (c *call) createAttachment(q *oxcrops.CreateAttachmentRequest) (oxcrops.Response, error) {
	m, w, err := c.editable(q.In)
	if err != nil {
		return nil, err
	}
	a := &attachment{m: m, num: w.nextNum, att: &mapi.Attachment{}, spool: m.spool.retain(), writable: true, changed: true}
	w.nextNum++
	return &oxcrops.CreateAttachmentResponse{AttachmentID: uint32(a.num)}, c.put(q.Out, m.lg, a)
}

// deleteAttachment is RopDeleteAttachment ([MS-OXCMSG] 3.2.5.14).
func (c *call) deleteAttachment(q *oxcrops.DeleteAttachmentRequest) (oxcrops.Response, error) {
	_, w, err := c.editable(q.In)
	if err != nil {
		return nil, err
	}
	at := w.attachmentAt(int32(q.AttachmentID))
	if at < 0 {
		return nil, mapi.ErrNotFound
	}
	w.Attachments = slices.Delete(w.Attachments, at, at+1)
	w.whole = true
	return nil, nil
}

// saveAttachment is RopSaveChangesAttachment ([MS-OXCMSG] 3.2.5.15): the attachment becomes part of the message's working
// copy.
func (c *call) saveAttachment(q *oxcrops.SaveChangesAttachmentRequest) (oxcrops.Response, error) {
	a, err := get[*attachment](c, q.In)
	if err != nil {
		return nil, err
	}
	if !a.writable {
		return nil, mapi.ErrNoAccess
	}
	if err := a.endUpload(c); err != nil {
		return nil, err
	}
	if a.changed {
		w, err := a.m.content(c)
		if err != nil {
			return nil, err
		}
		saved := cloneAttachment(a.att)
		saved.Props.Set(mapi.TagKey(pid.TagAttachNumber), a.num)
		saved.Props.Delete(mapi.TagKey(pid.TagAttachSize)) // the store counts it anew
		if at := w.attachmentAt(a.num); at >= 0 {
			w.Attachments[at] = saved
		} else {
			w.Attachments = append(w.Attachments, saved)
		}
		w.whole = true
		a.changed = false
	}
	a.writable = keepsWritable(q.SaveFlags)
	return nil, nil
}

// Values of PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9).
const attachEmbedded int32 = 5

// openEmbedded is RopOpenEmbeddedMessage ([MS-OXCMSG] 3.2.5.16).
func (c *call) openEmbedded(q *oxcrops.OpenEmbeddedMessageRequest) (oxcrops.Response, error) {
	a, err := get[*attachment](c, q.In)
	if err != nil {
		return nil, err
	}
	if err := a.endUpload(c); err != nil {
		return nil, err
	}
	m := &message{lg: a.m.lg, cp: int(q.CodePageID), att: a}
	var it mapi.Item
	switch q.OpenModeFlags {
	case oxcrops.OpenReadOnly:
	case oxcrops.OpenReadWrite, oxcrops.OpenCreate:
		if !a.writable {
			return nil, mapi.ErrNoAccess
		}
		m.writable = true
	default:
		return nil, errorf(mapi.ErrInvalidParameter, "open mode 0x%02X", q.OpenModeFlags)
	}
	switch {
	case a.att.Embedded != nil:
		it = *cloneItem(a.att.Embedded)
	case q.OpenModeFlags == oxcrops.OpenCreate:
		m.defaults = newMessage()
	default:
		return nil, mapi.ErrNotFound
	}
	m.spool = a.spool.retain()
	m.work = newContent(it, m.spool)
	resp := &oxcrops.OpenEmbeddedMessageResponse{}
	if err := c.opened(m, m.work, &resp.OpenedMessage, c.room-replySize-9); err != nil {
		m.close()
		return nil, err
	}
	return resp, c.put(q.Out, m.lg, m)
}

// saveEmbedded puts an embedded message into its attachment.
func (m *message) saveEmbedded(c *call) error {
	w, err := m.content(c)
	if err != nil {
		return err
	}
	for _, p := range m.defaults {
		if w.Props.Get(p.Key) == nil && !w.del[p.Key] && !isReadOnly(p.Key) {
			w.put(p.Key, p.Value)
		}
	}
	m.defaults = nil
	m.att.att.Embedded = cloneItem(&w.Item)
	m.att.att.Props.Set(mapi.TagKey(pid.TagAttachMethod), attachEmbedded)
	m.att.changed = true
	w.saved()
	return nil
}
