package cdo

import (
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Attachment is an attachment of a message.
type Attachment struct {
	node
	in       *Attachments
	place    int // in the message as it is saved
	bag      bag
	embedded *mapi.Item // of an embedded message
	message  *Message   // that stands for it, once it was asked for
	dirty    bool       // embedded was changed
}

// unsaved is the place of an attachment that the saved message doesn't have.
const unsaved = -1

func newAttachment(c *Attachments, place int) *Attachment {
	a := &Attachment{node: c.below(c), in: c, place: place}
	a.bag = bag{names: &c.logon.names, load: c.message.read}
	return a
}

// Class is CdoAttachment.
func (a *Attachment) Class() ObjectClass { return CdoAttachment }

// bind takes what was read of the attachment.
func (a *Attachment) bind(att *mapi.Attachment) {
	a.bag.fill(att.Props)
	if !a.dirty {
		a.embedded = att.Embedded
		if a.message != nil {
			a.message.stale()
		}
	}
}

// stale has the content read again: that of the store may be gone when the item was written anew.
func (a *Attachment) stale() {
	if a.place == unsaved {
		return
	}
	a.bag.all = false
	a.bag.have = slices.DeleteFunc(slices.Clone(a.bag.have), func(p mapi.Prop) bool { _, large := p.Value.(mapi.Blob); return large })
	if a.message != nil {
		a.message.stale()
	}
}

func (a *Attachment) saved(number int) *mapi.Attachment {
	ps := a.bag.merged(a.bag.have)
	k := mapi.TagKey(pid.TagAttachNumber)
	if i := find(ps, k); i >= 0 {
		ps[i].Value = int32(number)
	} else {
		ps = append(ps, mapi.Prop{Key: k, Value: int32(number)})
	}
	return &mapi.Attachment{Props: ps, Embedded: a.embedded}
}

func (a *Attachment) written(place int) {
	a.bag.saved()
	a.dirty, a.place = false, place
}

// Index is the position among the attachments, 0 when the attachment was removed.
func (a *Attachment) Index() int { return 1 + slices.Index(a.in.list, a) }

// Fields are the properties of the attachment.
func (a *Attachment) Fields() *Fields { return newFields(a, &a.node, &a.bag) }

// methods are the values of PR_ATTACH_METHOD for the types of attachments ([MS-OXCMSG] 2.2.2.9).
var methods = map[AttachmentType]int32{CdoFileData: 1, CdoFileLink: 2, CdoEmbeddedMessage: 5, CdoOle: 6}

// Type is the kind of the attachment. Methods that CDO has no type for are links of one sort or another: CdoFileLink.
func (a *Attachment) Type(ctx context.Context) (AttachmentType, error) {
	v, err := a.bag.number(ctx, pid.TagAttachMethod, 0)
	if err != nil {
		return 0, fail("Attachment.Type", err)
	}
	for t, method := range methods {
		if v == method {
			return t, nil
		}
	}
	if v == 0 { // created and not filled
		return CdoFileData, nil
	}
	return CdoFileLink, nil
}

// SetType changes the kind. Set it before the source.
func (a *Attachment) SetType(t AttachmentType) error {
	method, ok := methods[t]
	if !ok {
		return failf("Attachment.Type", CdoE_INVALID_PARAMETER, "there is no type %d of attachments", t)
	}
	a.bag.putTag(pid.TagAttachMethod, method)
	return nil
}

// Name is the display name; where there is none the name of the file.
func (a *Attachment) Name(ctx context.Context) (string, error) {
	const member = "Attachment.Name"
	for _, t := range []mapi.Tag{pid.TagDisplayName, pid.TagAttachLongFilename, pid.TagAttachFilename} {
		if v, err := a.bag.text(ctx, t); v != "" || err != nil {
			return v, fail(member, err)
		}
	}
	if t, err := a.Type(ctx); err != nil || t == CdoOle || t == CdoEmbeddedMessage {
		return "", rename(err, member)
	}
	source, err := a.path(ctx)
	return fileName(source), fail(member, err)
}

// fileName is the last part of a path of Windows or Unix.
func fileName(p string) string {
	p = strings.ReplaceAll(p, `\`, "/")
	return p[strings.LastIndexByte(p, '/')+1:]
}

// SetName changes the display name, and the name of the file for those who open the attachment.
func (a *Attachment) SetName(name string) {
	a.bag.putTag(pid.TagDisplayName, name)
	a.bag.putTag(pid.TagAttachLongFilename, name)
	a.bag.putTag(pid.TagAttachExtension, path.Ext(name))
	a.bag.remove(mapi.TagKey(pid.TagAttachFilename))
}

// Position is where in the text the attachment is shown, counted in characters; -1 when nowhere.
func (a *Attachment) Position(ctx context.Context) (int32, error) {
	v, err := a.bag.number(ctx, pid.TagRenderingPosition, 0)
	return v, fail("Attachment.Position", err)
}

// SetPosition changes the position. The character there is overwritten when the message is shown.
func (a *Attachment) SetPosition(p int32) { a.bag.putTag(pid.TagRenderingPosition, p) }

// path is the longest form of the path.
func (a *Attachment) path(ctx context.Context) (string, error) {
	long, err := a.bag.text(ctx, pid.TagAttachLongPathname)
	if long != "" || err != nil {
		return long, err
	}
	return a.bag.text(ctx, pid.TagAttachPathname)
}

// Source is the path of a file or link and the class name of an OLE object. Of an embedded message Message is the source.
func (a *Attachment) Source(ctx context.Context) (string, error) {
	v, err := a.path(ctx)
	return v, fail("Attachment.Source", err)
}

// SetSource changes the source: a path or class name, which isn't read, or the ID of a message, which is copied.
func (a *Attachment) SetSource(ctx context.Context, source string) error {
	const member = "Attachment.Source"
	t, err := a.Type(ctx)
	if err != nil {
		return rename(err, member)
	}
	if t == CdoEmbeddedMessage {
		return rename(a.begin(ctx, source), member)
	}
	a.bag.putTag(pid.TagAttachPathname, source)
	a.bag.remove(mapi.TagKey(pid.TagAttachLongPathname))
	return nil
}

// begin gives the attachment the content that Attachments.Add names.
func (a *Attachment) begin(ctx context.Context, source string) error {
	t, err := a.Type(ctx)
	if err != nil {
		return err
	}
	if t == CdoEmbeddedMessage {
		m, err := a.logon.session.GetMessage(ctx, source, "")
		if err != nil {
			return err
		}
		it, err := m.copy(ctx)
		if err == nil {
			a.embed(it)
		}
		return err
	}
	switch t {
	case CdoFileLink:
		a.bag.putTag(pid.TagAttachPathname, source)
		return nil
	case CdoFileData: // the path itself would tell every reader about the sender's machine
		a.SetName(fileName(source))
	}
	return a.ReadFromFile(ctx, source)
}

func (a *Attachment) embed(it *mapi.Item) { a.embedded, a.dirty = it, true }

// Message is the embedded message; nil when the attachment isn't one. It is saved by its own Update and then that of the message
// it is in.
func (a *Attachment) Message(ctx context.Context) (*Message, error) {
	const member = "Attachment.Source"
	if err := a.in.fresh(ctx); err != nil {
		return nil, fail(member, err)
	}
	if a.embedded == nil {
		return nil, nil
	}
	if a.message == nil {
		a.message = newMessage(a, a.in.message.folder, mapi.Normal, "")
		a.message.within = a
	}
	return a.message, nil
}

// content is the property that holds the data.
func (a *Attachment) content(ctx context.Context) (mapi.Key, error) {
	t, err := a.Type(ctx)
	if err != nil {
		return mapi.Key{}, err
	}
	switch t {
	case CdoFileData:
		return mapi.TagKey(pid.TagAttachDataBinary), nil
	case CdoOle:
		return mapi.TagKey(pid.TagAttachDataObject), nil
	}
	return mapi.Key{}, &mapi.Error{Op: "open attachment", Code: CdoE_NO_SUPPORT, Err: errors.New("it holds no data: it is a link or a message")}
}

// Open reads the data of a file or OLE object. Without any it is CdoE_NOT_FOUND; other types are CdoE_NO_SUPPORT.
func (a *Attachment) Open(ctx context.Context) (io.ReadCloser, error) {
	r, err := a.open(ctx)
	return r, fail("Attachment.Open", err)
}

func (a *Attachment) open(ctx context.Context) (io.ReadCloser, error) {
	k, err := a.content(ctx)
	if err != nil {
		return nil, err
	}
	p, ok, err := a.bag.get(ctx, k)
	if err == nil && !ok { // a storage may be kept as a binary
		p, ok, err = a.bag.get(ctx, mapi.TagKey(pid.TagAttachDataBinary))
	}
	if err == nil && !ok {
		err = &mapi.Error{Op: "open attachment", Object: "data", Code: mapi.ErrNotFound}
	}
	if err != nil {
		return nil, err
	}
	return openValue(p)
}

// SetData makes what r gives the data of a file or OLE object.
func (a *Attachment) SetData(ctx context.Context, r io.Reader) error {
	const member = "Attachment.SetData"
	k, err := a.content(ctx)
	if err != nil {
		return fail(member, err)
	}
	v, err := a.logon.keep(k, r)
	if err == nil {
		a.bag.put(k, v)
	}
	return fail(member, err)
}

// ReadFromFile makes the content of a file the data of a file or OLE object; other types are CdoE_NO_SUPPORT.
func (a *Attachment) ReadFromFile(ctx context.Context, fileName string) error {
	const member = "Attachment.ReadFromFile"
	k, err := a.content(ctx)
	if err != nil {
		return fail(member, err)
	}
	v, err := a.logon.keepFile(k, fileName)
	if err == nil {
		a.bag.put(k, v)
	}
	return fail(member, err)
}

// WriteToFile writes the data of a file or OLE object to a file, which is overwritten; other types are CdoE_NO_SUPPORT.
func (a *Attachment) WriteToFile(ctx context.Context, fileName string) error {
	const member = "Attachment.WriteToFile"
	r, err := a.open(ctx)
	if err != nil {
		return fail(member, err)
	}
	defer r.Close()
	return fail(member, writeFile(fileName, r))
}

// Delete removes the attachment from the message when it is updated.
func (a *Attachment) Delete() {
	if i := slices.Index(a.in.list, a); i >= 0 {
		a.in.list = slices.Delete(a.in.list, i, i+1)
		a.in.dirty = true
	}
}

// IsSameAs reports whether o is the same attachment of the same message.
func (a *Attachment) IsSameAs(o *Attachment) bool { return a == o }
