package exchangeserver

import (
	"slices"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// copyTo is RopCopyTo ([MS-OXCPRPT] 3.2.5.7).
func (c *call) copyTo(q *oxcrops.CopyToRequest) (oxcrops.Response, error) {
	level := uint8(1)
	if q.WantSubObjects {
		level = 0
	}
	return c.copyObject(q.Src, q.Dest, q.CopyFlags, q.ExcludedTags, false, level, q.RopID())
}

// copyProperties is RopCopyProperties ([MS-OXCPRPT] 3.2.5.8).
func (c *call) copyProperties(q *oxcrops.CopyPropertiesRequest) (oxcrops.Response, error) {
	return c.copyObject(q.Src, q.Dest, q.CopyFlags, q.Tags, true, 0, q.RopID())
}

func (c *call) copyObject(srcIn, destIn, flags uint8, tags []mapi.Tag, include bool, level uint8, id uint8) (oxcrops.Response, error) {
	resp := &oxcrops.ProblemsResponse{ROP: id, Dest: uint32(destIn)}
	src, dest, err := sourceAndTarget[propObject](c, srcIn, destIn)
	if err != nil {
		return resp, err
	}
	if flags&^(oxcrops.CopyMove|oxcrops.CopyNoOverwrite) != 0 {
		return resp, mapi.ErrInvalidParameter
	}
	sel, err := src.logonOf().selection(c, tags, include, level)
	if err != nil {
		return resp, err
	}
	props, err := src.props(c)
	if err != nil {
		return resp, err
	}
	var have mapi.Props
	if flags&oxcrops.CopyNoOverwrite != 0 {
		if have, err = dest.props(c); err != nil {
			return resp, err
		}
	}
	props = slices.DeleteFunc(slices.Clone(props), func(p mapi.Prop) bool {
		return isReadOnly(p.Key) || !sel.has(p.Key) || have.Get(p.Key) != nil
	})
	switch from := src.(type) {
	case *message:
		to, ok := dest.(*message)
		if !ok {
			return resp, mapi.ErrNoSupport
		}
		err = c.copyMessage(from, to, props, sel)
	case *attachment:
		to, ok := dest.(*attachment)
		if !ok {
			return resp, mapi.ErrNoSupport
		}
		if err = to.change(c, props, nil); err == nil && from.att.Embedded != nil && sel.part(pid.TagAttachDataObject) {
			to.att.Embedded = cloneItem(from.att.Embedded)
		}
	case *folder:
		to, ok := dest.(*folder)
		if !ok || flags&oxcrops.CopyMove != 0 {
			return resp, mapi.ErrNoSupport
		}
		err = c.copyIntoFolder(from, to, props, sel, include)
	default:
		err = mapi.ErrNoSupport
	}
	if err == nil && flags&oxcrops.CopyMove != 0 {
		err = src.change(c, nil, keysOf(props))
	}
	return resp, err
}

// copyMessage copies properties, recipients and attachments into the working copy of a message. Large values are shared
// with the source, which must stay as it is until the target is saved; so they are spooled.
func (c *call) copyMessage(from, to *message, props mapi.Props, sel *selection) error {
	if !to.writable {
		return mapi.ErrNoAccess
	}
	src, err := from.content(c)
	if err != nil {
		return err
	}
	w, err := to.content(c)
	if err != nil {
		return err
	}
	it := mapi.Item{Props: props}
	b := w.builder()
	if sel.part(pid.TagMessageRecipients) {
		it.Recipients = src.Recipients
		w.clearRecipients()
	}
	if sel.part(pid.TagMessageAttachments) {
		it.Attachments = src.Attachments
		w.clearAttachments()
	}
	if err := it.WriteTo(b); err != nil {
		return err
	}
	b.finish()
	return nil
}

// copyIntoFolder copies a folder's properties and, if they are chosen, its contents into another folder.
func (c *call) copyIntoFolder(from, to *folder, props mapi.Props, sel *selection, include bool) error {
	props = slices.DeleteFunc(props, func(p mapi.Prop) bool { return p.Key.Tag.ID() == pid.TagDisplayName.ID() && !include })
	if len(props) > 0 {
		if err := to.change(c, props, nil); err != nil {
			return err
		}
	}
	if from.lg.user.Mailbox != to.lg.user.Mailbox {
		return nil
	}
	for k, t := range map[mapi.Kind]mapi.Tag{mapi.Normal: pid.TagContainerContents, mapi.Associated: pid.TagFolderAssociatedContents} {
		if sel.part(t) {
			if err := c.copyItems(from.dir, k, to.dir); err != nil {
				return err
			}
		}
	}
	if !sel.part(pid.TagContainerHierarchy) {
		return nil
	}
	var below []mapi.EntryID
	for info, err := range from.dir.Folders(c) {
		if err != nil {
			return err
		}
		below = append(below, info.ID)
	}
	for _, id := range below {
		sub, err := from.lg.box.Folder(c, id)
		if err == nil {
			err = c.copyTree(sub, from.lg, to.dir, "", true, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
