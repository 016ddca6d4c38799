package exchangeserver

import (
	"context"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// receive begins an upload to a folder: of messages, of a folder below it, or of what it consists of. Each message is
// saved as it comes.
func (f *folder) receive(c *call, op uint8) (*destination, error) {
	roots := map[uint8]oxcfxics.Root{oxcrops.SourceCopyTo: oxcfxics.RootFolder, oxcrops.SourceCopyProperties: oxcfxics.RootFolder,
		oxcrops.SourceCopyMessages: oxcfxics.RootMessageList, oxcrops.SourceCopyFolder: oxcfxics.RootTopFolder}
	root, ok := roots[op]
	if !ok {
		return nil, errorf(mapi.ErrInvalidParameter, "source operation %d", op)
	}
	read := func(ctx context.Context, r *oxcfxics.Reader) error {
		in := &folderReceiver{ctx: ctx, s: c.s, at: []mapi.Folder{f.dir}, root: root}
		for part, err := range oxcfxics.Parts(r, root) {
			if err == nil {
				err = in.take(part)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return newDestination(c.s, read, nil, nil), nil
}

// folderReceiver writes the parts of a stream into a folder.
type folderReceiver struct {
	ctx  context.Context
	s    *session
	root oxcfxics.Root
	at   []mapi.Folder // open ones, the innermost last
}

func (in *folderReceiver) top() mapi.Folder { return in.at[len(in.at)-1] }

func (in *folderReceiver) take(part oxcfxics.Part) error {
	switch p := part.(type) {
	case *oxcfxics.Message:
		return in.message(p)
	case *oxcfxics.Folder:
		return in.folder(p)
	case oxcfxics.FolderEnd:
		if len(in.at) > 1 {
			in.at = in.at[:len(in.at)-1]
		}
	case *oxcfxics.DelProp:
		return in.clear(p.Tag)
	}
	return nil // what the sender says of itself
}

func (in *folderReceiver) message(m *oxcfxics.Message) error {
	kind := mapi.Normal
	if m.Associated {
		kind = mapi.Associated
	}
	w, err := in.top().Create(in.ctx, kind)
	if err != nil {
		return err
	}
	defer closeWriter(in.s, w)
	if err := m.Content(w); err != nil {
		return err
	}
	_, err = w.Commit(in.ctx)
	return err
}

// folder begins a folder. The one that a stream of folder contents consists of is the target itself.
func (in *folderReceiver) folder(f *oxcfxics.Folder) error {
	props := ownProps(f.Props)
	if in.root == oxcfxics.RootFolder && !f.Sub {
		in.at = append(in.at, in.top()) // for its end
		return in.top().SetProps(in.ctx, props, nil)
	}
	name := f.Props.Text(pid.TagDisplayName)
	dir, err := in.top().CreateFolder(in.ctx, name, props)
	if err != nil {
		return err
	}
	in.at = append(in.at, dir)
	return nil
}

// clear empties the folder of what the stream is about to bring (MetaTagFXDelProp).
func (in *folderReceiver) clear(t mapi.Tag) error {
	c := &call{Context: in.ctx, s: in.s}
	switch t {
	case pid.TagContainerContents:
		return c.deleteAll(in.top(), mapi.Normal, true)
	case pid.TagFolderAssociatedContents:
		return c.deleteAll(in.top(), mapi.Associated, true)
	case pid.TagContainerHierarchy:
		var below []mapi.EntryID
		for info, err := range in.top().Folders(in.ctx) {
			if err != nil {
				return err
			}
			below = append(below, info.ID)
		}
		for _, id := range below {
			if err := in.top().DeleteFolder(in.ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// send writes a folder and, if wanted, those below ([MS-OXCFXICS] 2.2.4.3.6). The outermost one's properties
// and parts are given.
func (c *call) send(ctx context.Context, p *oxcfxics.PartWriter, form textForm, lg *logon, dir mapi.Folder, first *oxcfxics.Folder, parts folderParts, below folderParts) error {
	if err := p.Write(first); err != nil {
		return err
	}
	for _, k := range []mapi.Kind{mapi.Associated, mapi.Normal} {
		if k == mapi.Associated && !parts.associated || k == mapi.Normal && !parts.messages {
			continue
		}
		var ids []mapi.EntryID
		for r, err := range dir.Rows(ctx, mapi.Query{Kind: k}) {
			if err != nil {
				return err
			}
			ids = append(ids, r.ID)
		}
		if err := c.sendMessages(ctx, p, form, dir, ids, k); err != nil {
			return err
		}
	}
	if parts.folders {
		var list []mapi.EntryID
		for info, err := range dir.Folders(ctx) {
			if err != nil {
				return err
			}
			list = append(list, info.ID)
		}
		for _, id := range list {
			sub, err := lg.box.Folder(ctx, id)
			if err != nil {
				return err
			}
			props, err := sub.Props(ctx)
			if err != nil {
				return err
			}
			if err := c.send(ctx, p, form, lg, sub, &oxcfxics.Folder{Sub: true, Props: sentFolderProps(props, true)}, below, below); err != nil {
				return err
			}
		}
	}
	return p.Write(oxcfxics.FolderEnd{})
}

// folderParts are the parts of a folder that are sent.
type folderParts struct{ messages, associated, folders bool }

// sentFolderProps are the properties of a folder in a stream: PidTagFolderId, PidTagDisplayName and PidTagComment first
// ([MS-OXCFXICS] 2.2.4.3.20).
func sentFolderProps(props mapi.Props, head bool) (out mapi.Props) {
	if head {
		out = mapi.Props{{Key: mapi.TagKey(pid.TagFolderId), Value: props.Tag(pid.TagFolderId)},
			{Key: mapi.TagKey(pid.TagDisplayName), Value: props.Text(pid.TagDisplayName)},
			{Key: mapi.TagKey(pid.TagComment), Value: props.Text(pid.TagComment)}}
		if out[0].Value == nil {
			out = out[1:]
		}
	}
	for _, p := range props {
		if out.Get(p.Key) == nil && !isReadOnly(p.Key) {
			out = append(out, p)
		}
	}
	return out
}

func (c *call) sendMessages(ctx context.Context, p *oxcfxics.PartWriter, form textForm, dir mapi.Folder, ids []mapi.EntryID, k mapi.Kind) error {
	for _, id := range ids {
		w, err := p.Message(&oxcfxics.Message{Associated: k == mapi.Associated})
		if err != nil {
			return err
		}
		read := func(ctx context.Context, to mapi.ItemSink) error { return dir.Read(ctx, id, to) }
		if err := c.s.inForm(form, read)(ctx, w); err != nil {
			return err
		}
	}
	return nil
}
