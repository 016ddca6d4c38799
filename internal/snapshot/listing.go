package snapshot

import (
	"context"
	"path"
	"strings"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Outline is the directory of a folder without its items: what searches go through. It depends on nothing but the directory's
// tree, so that it can be kept under that.
type Outline struct {
	Name, Class string
	Roles       []mapi.Role
	Items       int
	Associated  int
	Folders     []OutlineDir // below
	Lists       []OutlineList
}

// OutlineDir is a directory of a folder below.
type OutlineDir struct {
	Dir  string // its name
	Tree restic.ID
}

// OutlineList is a directory of items.
type OutlineList struct {
	Dir  string // below that of the folder
	Kind mapi.Kind
	Tree restic.ID
}

// Top is the directory of the mailbox and its tree.
func (s *Store) Top(ctx context.Context) (OutlineDir, error) {
	_, id, err := s.dir(ctx, s.root)
	return OutlineDir{s.root, id}, err
}

// Outline reads the directory of a folder.
func (s *Store) Outline(ctx context.Context, id restic.ID) (*Outline, error) {
	tree, err := s.loadTree(ctx, id)
	if err != nil {
		return nil, err
	}
	o := &Outline{}
	var info folderInfo
	n := tree.Find(folderFile)
	if n == nil {
		return nil, fail("read folder", folderFile, mapi.ErrNotFound)
	}
	if err := s.readJSON(ctx, n, &info); err != nil {
		return nil, err
	}
	o.Name, o.Class, o.Roles, o.Items, o.Associated = info.Name, info.Class, info.Roles, info.Items, info.Associated
	for _, n := range tree.Nodes {
		if n.Type != restic.DirNode || n.Subtree == nil {
			continue
		}
		switch {
		case isFolder(n):
			o.Folders = append(o.Folders, OutlineDir{n.Name, *n.Subtree})
		case isItemDir(n.Name):
			err = s.outlineLists(ctx, o, mapi.Normal, n.Name, *n.Subtree, 0)
		case n.Name == associatedDir:
			err = s.outlineLists(ctx, o, mapi.Associated, n.Name, *n.Subtree, 0)
		case n.Name == recoverableDir:
			err = s.outlineLists(ctx, o, mapi.SoftDeleted, n.Name, *n.Subtree, 0)
		}
		if err != nil {
			return nil, err
		}
	}
	return o, nil
}

// outlineLists adds a directory, or those in it where it holds no items itself.
func (s *Store) outlineLists(ctx context.Context, o *Outline, k mapi.Kind, dir string, id restic.ID, depth int) error {
	tree, err := s.loadTree(ctx, id)
	if err != nil {
		return err
	}
	if depth > idDigits+1 {
		return fail("list items", dir, mapi.ErrCorruptData)
	}
	leaf := false
	for _, n := range tree.Nodes {
		if n.Type == restic.DirNode && n.Subtree != nil {
			if err := s.outlineLists(ctx, o, k, path.Join(dir, n.Name), *n.Subtree, depth+1); err != nil {
				return err
			}
		}
		leaf = leaf || n.Type == restic.FileNode
	}
	if leaf {
		o.Lists = append(o.Lists, OutlineList{dir, k, id})
	}
	return nil
}

// ListedItem is what a catalog tells of an item.
type ListedItem struct {
	File                                      string // its name in the directory
	Class, Subject, SenderName, SenderAddress string
	Recipients                                []string // kind, name and address with tabs between them
	Attachments                               []string // names
	Date                                      mapi.FileTime
	Size                                      uint64
	HasAttachments, Unread                    bool
}

// List is what the catalog of a directory tells of its items. Those of which it tells nothing are opened for it if deep is set;
// else they are left out, and listed is false.
func (s *Store) List(ctx context.Context, id restic.ID, deep bool) (items []ListedItem, listed bool, err error) {
	tree, err := s.loadTree(ctx, id)
	if err != nil {
		return nil, false, err
	}
	c, err := s.loadCatalog(ctx, tree, id)
	if err != nil {
		return nil, false, err
	}
	known := c != nil
	if known {
		_, known = c.columns[columnRecipients]
	}
	listed = true
	for _, n := range tree.Nodes {
		if n.Type != restic.FileNode || n.Name[0] == '.' || !strings.HasSuffix(n.Name, itemExt) {
			continue
		}
		if row := c.find(n.Name); known && row != nil {
			items = append(items, listedItem(c, row))
			continue
		}
		if !deep {
			listed = false
			continue
		}
		f, o, err := s.itemFile(ctx, tree, n.Name)
		if err != nil {
			return nil, false, err
		}
		l := &lister{columns: listColumns}
		l.row.Name = n.Name
		if err := o.Read(f, f.Size(), l); err != nil {
			return nil, false, err
		}
		l.finish()
		items = append(items, listedItem(&catalog{Keys: listColumns.keys, columns: listColumns.index}, &l.row))
	}
	return items, listed, nil
}

// listedItem reads the line of a catalog.
func listedItem(c *catalog, r *catalogRow) ListedItem {
	get := func(k mapi.Key) mapi.Value { v, _ := c.get(r, k); return v }
	text := func(tags ...mapi.Tag) string {
		for _, t := range tags {
			if s, ok := get(mapi.TagKey(t)).(string); ok && s != "" {
				return s
			}
			if s, ok := get(narrow(mapi.TagKey(t))).(mapi.String8); ok && s != "" {
				return shown(s)
			}
		}
		return ""
	}
	it := ListedItem{File: r.Name, Size: r.Size, HasAttachments: r.Attach, Class: text(pid.TagMessageClass),
		SenderName:    text(pid.TagSentRepresentingName, pid.TagSenderName),
		SenderAddress: text(pid.TagSenderSmtpAddress, pid.TagSenderEmailAddress, pid.TagSentRepresentingEmailAddress)}
	if it.Subject = text(pid.TagSubject); it.Subject == "" {
		it.Subject = text(pid.TagSubjectPrefix) + text(pid.TagNormalizedSubject)
	}
	if it.Subject == "" {
		it.Subject = text(pid.TagDisplayName, pid.TagConversationTopic)
	}
	it.Recipients, _ = get(columnRecipients).([]string)
	it.Attachments, _ = get(columnAttachments).([]string)
	for _, k := range []mapi.Key{mapi.TagKey(pid.TagMessageDeliveryTime), mapi.TagKey(pid.TagClientSubmitTime), pid.LidAppointmentStartWhole,
		mapi.TagKey(pid.TagLastModificationTime), mapi.TagKey(pid.TagCreationTime)} {
		if t, ok := get(k).(mapi.FileTime); ok && t > 0 {
			it.Date = t
			break
		}
	}
	if flags, ok := get(mapi.TagKey(pid.TagMessageFlags)).(int32); ok {
		it.Unread = flags&1 == 0 // mfRead ([MS-OXCMSG] 2.2.1.6)
	}
	return it
}
