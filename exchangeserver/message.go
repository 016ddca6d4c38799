package exchangeserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"time"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// message is a message that a client has open: in a folder, or embedded in an attachment.
type message struct {
	lg       *logon
	cp       int // code page that the client wants its 8-bit strings in
	stored   int // code page that it named when it was opened
	writable bool

	dir  mapi.Folder
	fid  ID
	mid  ID           // 0 until a new message is saved
	id   mapi.EntryID // the same
	kind mapi.Kind
	att  *attachment // that it is embedded in; the fields from dir on are then unused

	work      *content // working copy; nil until it is needed
	spool     *spool
	defaults  mapi.Props // of a new message, unless they are set; dropped when it gets an upload
	changeKey []byte     // when it was opened

	columns    []mapi.Tag // of recipients, as the client was told
	columnKeys []mapi.Key

	upload *destination // under way
	direct *directUpload

	imported *importedItem // a change made elsewhere, until it is saved
}

func (m *message) close() {
	if m.upload != nil {
		m.upload.abandon()
	}
	if m.direct != nil {
		m.direct.close(m.lg.s)
	}
	m.spool.release()
}

func (m *message) logonOf() *logon { return m.lg }

// pages implements propObject.
func (m *message) pages() pages {
	p := pages{m.stored, m.cp}
	switch {
	case m.direct != nil:
		p.stored = itemPage(m.direct.top)
	case m.work != nil:
		p.stored = itemPage(m.work.Props)
	}
	return p
}

// errUnsaved is what becomes of changes to a message whose content went straight to the store.
var errUnsaved = &mapi.Error{Op: "use message", Code: mapi.ErrNoSupport, Err: errors.New("it holds an upload: save it first")}

// content is the working copy, loaded when it is needed first.
func (m *message) content(c *call) (*content, error) {
	if err := m.endUpload(c); err != nil {
		return nil, err
	}
	if m.direct != nil {
		return nil, errUnsaved
	}
	if m.work != nil {
		return m.work, nil
	}
	var it mapi.Item
	if m.id != "" {
		opened, err := openItem(c, m.dir, m.id, m.spool)
		if err != nil {
			return nil, err
		}
		it = *opened
	}
	m.work = newContent(it, m.spool)
	return m.work, nil
}

// openItem loads an item, with its large values left in the store if the folder can do that.
func openItem(c *call, dir mapi.Folder, id mapi.EntryID, sp *spool) (*mapi.Item, error) {
	if o, ok := dir.(ItemOpener); ok {
		return o.OpenItem(c.s.ctx, id)
	}
	b := newContent(mapi.Item{}, sp).builder()
	if err := dir.Read(c, id, b); err != nil {
		return nil, err
	}
	return &b.Item, nil
}

// editable is content for changes.
func (c *call) editable(i uint8) (*message, *content, error) {
	m, err := get[*message](c, i)
	if err != nil {
		return nil, nil, err
	}
	if !m.writable {
		return nil, nil, mapi.ErrNoAccess
	}
	w, err := m.content(c)
	return m, w, err
}

func (m *message) props(c *call) (mapi.Props, error) {
	if err := m.endUpload(c); err != nil {
		return nil, err
	}
	if m.direct != nil {
		return m.direct.top, nil
	}
	w, err := m.content(c)
	if err != nil {
		return nil, err
	}
	props := w.all(c.s)
	for _, p := range m.defaults {
		if props.Get(p.Key) == nil && !w.del[p.Key] {
			props = append(props, p)
		}
	}
	return props, nil
}

func (m *message) change(c *call, set mapi.Props, del []mapi.Key) error {
	if !m.writable {
		return mapi.ErrNoAccess
	}
	if err := m.endUpload(c); err != nil {
		return err
	}
	if m.direct != nil {
		return m.direct.change(set, del)
	}
	w, err := m.content(c)
	if err != nil {
		return err
	}
	w.change(set, del)
	for _, k := range del {
		if m.defaults.Get(k) != nil {
			w.del[k] = true
		}
	}
	return nil
}

// errEnough ends the reading of an item whose rest isn't wanted.
var errEnough = errors.New("enough was read")

// head is the sink for the beginning of an item: its own small properties and its recipients.
type head struct{ mapi.ItemBuilder }

func (h *head) Stream(mapi.Key, int64, io.Reader) error { return nil }
func (h *head) Attachment() error                       { return errEnough }

func readHead(c *call, dir mapi.Folder, id mapi.EntryID) (*mapi.Item, error) {
	h := &head{}
	if err := dir.Read(c, id, h); err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return &h.Item, nil
}

// Bits of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6).
const (
	flagRead   = 0x01
	flagUnsent = 0x08
)

// openMessage is RopOpenMessage ([MS-OXCMSG] 3.2.5.1).
func (c *call) openMessage(q *oxcrops.OpenMessageRequest) (oxcrops.Response, error) {
	lg, err := c.opener(q.In)
	if err != nil {
		return nil, err
	}
	fid, mid := wireID(q.FolderID), wireID(q.MessageID)
	f, err := c.openFolder(lg, fid)
	if err != nil {
		return nil, err
	}
	m := &message{lg: lg, cp: int(q.CodePageID), dir: f.dir, fid: fid, mid: mid, id: lg.box.MessageEntryID(fid, mid)}
	it, err := readHead(c, f.dir, m.id)
	if err != nil {
		return nil, err
	}
	level, known := it.Props.Tag(pid.TagAccessLevel).(int32)
	locked := known && level == 0
	if locked && q.OpenModeFlags&oxcrops.OpenSoftDeleted == 0 {
		if deleted, err := softDeleted(c, f.dir, m.id); err != nil {
			return nil, err
		} else if deleted {
			return nil, mapi.ErrNotFound
		}
	}
	switch q.OpenModeFlags &^ oxcrops.OpenSoftDeleted {
	case oxcrops.OpenReadOnly:
	case oxcrops.OpenReadWrite:
		if locked {
			return nil, mapi.ErrNoAccess
		}
		m.writable = true
	case oxcrops.OpenBestAccess:
		m.writable = !locked
	default:
		return nil, errorf(mapi.ErrInvalidParameter, "open mode 0x%02X", q.OpenModeFlags)
	}
	m.changeKey, _ = it.Props.Tag(pid.TagChangeKey).([]byte)
	m.stored = itemPage(it.Props)
	if assoc, _ := it.Props.Tag(pid.TagMessageFlags).(int32); assoc&flagAssociated != 0 {
		m.kind = mapi.Associated
	}
	m.spool = c.s.newSpool()
	resp := &oxcrops.OpenMessageResponse{}
	if err := c.opened(m, newContent(*it, m.spool), &resp.OpenedMessage, c.room-replySize); err != nil {
		m.close()
		return nil, err
	}
	return resp, c.put(q.Out, lg, m)
}

const flagAssociated = 0x40

// softDeleted tells whether an item that cannot be changed is one of Recoverable Items.
func softDeleted(c *call, dir mapi.Folder, id mapi.EntryID) (bool, error) {
	for r, err := range dir.Rows(c, mapi.Query{Kind: mapi.SoftDeleted}) {
		if err != nil || r.ID == id {
			return err == nil, err
		}
	}
	return false, nil
}

// createMessage is RopCreateMessage ([MS-OXCMSG] 3.2.5.2).
func (c *call) createMessage(q *oxcrops.CreateMessageRequest) (oxcrops.Response, error) {
	lg, err := c.opener(q.In)
	if err != nil {
		return nil, err
	}
	f, err := c.openFolder(lg, wireID(q.FolderID))
	if err != nil {
		return nil, err
	}
	m := &message{lg: lg, cp: int(q.CodePageID), dir: f.dir, fid: f.fid, writable: true, defaults: newMessage(), spool: c.s.newSpool()}
	if q.AssociatedFlag {
		m.kind = mapi.Associated
	}
	return &oxcrops.CreateMessageResponse{}, c.put(q.Out, lg, m)
}

// newMessage are the properties that a new message begins with ([MS-OXCMSG] 3.2.5.2).
func newMessage() mapi.Props {
	key := make([]byte, 16)
	rand.Read(key)
	now := mapi.NewFileTime(time.Now())
	return mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
		{Key: mapi.TagKey(pid.TagImportance), Value: int32(1)},
		{Key: mapi.TagKey(pid.TagSensitivity), Value: int32(0)},
		{Key: mapi.TagKey(pid.TagMessageFlags), Value: int32(flagRead | flagUnsent)},
		{Key: mapi.TagKey(pid.TagTrustSender), Value: int32(1)},
		{Key: mapi.TagKey(pid.TagSearchKey), Value: key},
		{Key: mapi.TagKey(pid.TagCreationTime), Value: now},
		{Key: mapi.TagKey(pid.TagLastModificationTime), Value: now},
		{Key: mapi.TagKey(pid.TagDisplayTo), Value: ""},
		{Key: mapi.TagKey(pid.TagDisplayCc), Value: ""},
		{Key: mapi.TagKey(pid.TagDisplayBcc), Value: ""},
		{Key: mapi.TagKey(pid.TagObjectType), Value: objectMessage},
		{Key: mapi.TagKey(pid.TagAccess), Value: int32(3)},
		{Key: mapi.TagKey(pid.TagAccessLevel), Value: int32(1)},
	}
}

// Values of PidTagObjectType ([MS-OXCPRPT] 2.2.1.7).
const (
	objectMessage    int32 = 5
	objectMailUser   int32 = 6
	objectAttachment int32 = 7
)

// saveMessage is RopSaveChangesMessage ([MS-OXCMSG] 3.2.5.3).
func (c *call) saveMessage(q *oxcrops.SaveChangesMessageRequest) (oxcrops.Response, error) {
	m, err := get[*message](c, q.In)
	if err != nil {
		return nil, err
	}
	if !m.writable {
		return nil, mapi.ErrNoAccess
	}
	if err := m.endUpload(c); err != nil {
		return nil, err
	}
	if m.att != nil {
		err = m.saveEmbedded(c)
	} else {
		err = m.save(c, q.SaveFlags&oxcrops.SaveForce != 0)
	}
	if err != nil {
		return nil, err
	}
	m.writable = keepsWritable(q.SaveFlags)
	return &oxcrops.SaveChangesMessageResponse{In: q.In, MessageID: m.mid.wire()}, nil
}

// keepsWritable tells whether an object can be changed after it was saved: unless the client wants to go on reading only.
func keepsWritable(flags uint8) bool {
	return flags&oxcrops.SaveKeepOpenReadOnly == 0 || flags&(oxcrops.SaveKeepOpenReadWrite|oxcrops.SaveForce) != 0
}

// save writes the working copy into the store. What changed in the store since the message was opened isn't overwritten,
// unless the client insists.
func (m *message) save(c *call, force bool) error {
	if m.id != "" && m.direct == nil && (m.work == nil || !m.work.changed()) {
		return nil
	}
	if m.id != "" && !force {
		now, err := readHead(c, m.dir, m.id)
		if errors.Is(err, mapi.ErrNotFound) {
			return mapi.ErrObjectDeleted
		}
		if err != nil {
			return err
		}
		if key, _ := now.Props.Tag(pid.TagChangeKey).([]byte); !bytes.Equal(key, m.changeKey) {
			return mapi.ErrObjectChanged
		}
	}
	id, err := m.commit(c)
	if err != nil {
		return err
	}
	if _, m.mid, err = m.lg.box.MessageID(id); err != nil {
		return err
	}
	m.id, m.work, m.defaults = id, nil, nil
	if m.imported != nil {
		if err := m.imported.saved(c, m); err != nil {
			return err
		}
		m.imported = nil
	}
	now, err := readHead(c, m.dir, m.id)
	if err != nil {
		return err
	}
	m.changeKey, _ = now.Props.Tag(pid.TagChangeKey).([]byte)
	return nil
}

func (m *message) commit(c *call) (mapi.EntryID, error) {
	if m.direct != nil {
		d := m.direct
		m.direct = nil
		defer d.close(m.lg.s)
		return d.w.Commit(c)
	}
	w, err := m.content(c)
	if err != nil {
		return "", err
	}
	if m.id != "" && !w.whole {
		var set mapi.Props
		for _, p := range w.Props {
			if w.set[p.Key] {
				set = append(set, p)
			}
		}
		var del []mapi.Key
		for k := range w.del {
			del = append(del, k)
		}
		return m.id, m.dir.Update(c, m.id, set, del)
	}
	if m.id == "" {
		for _, p := range m.defaults {
			if w.Props.Get(p.Key) == nil && !w.del[p.Key] && !isReadOnly(p.Key) {
				w.put(p.Key, p.Value)
			}
		}
	}
	sink, err := m.writer(c)
	if err != nil {
		return "", err
	}
	defer sink.Close()
	if err := w.write(sink); err != nil {
		return "", err
	}
	return sink.Commit(c)
}

// writer takes the whole of the message.
func (m *message) writer(ctx context.Context) (mapi.ItemWriter, error) {
	switch {
	case m.imported != nil:
		return m.imported.writer(ctx, m.kind)
	case m.id != "":
		return m.dir.Replace(ctx, m.id)
	}
	return m.dir.Create(ctx, m.kind)
}

// reload is RopReloadCachedInformation ([MS-OXCMSG] 3.2.5.7).
func (c *call) reload(q *oxcrops.ReloadCachedInformationRequest) (oxcrops.Response, error) {
	m, err := get[*message](c, q.In)
	if err != nil {
		return nil, err
	}
	w, err := m.content(c)
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.ReloadCachedInformationResponse{}
	return resp, c.opened(m, w, &resp.OpenedMessage, c.room-replySize)
}
