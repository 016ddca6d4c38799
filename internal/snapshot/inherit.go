package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// Inheritance is what a folder takes over from an earlier snapshot.
type Inheritance struct {
	From *Store
	At   mapi.EntryID // of the folder in it
	// Gone are the source keys of items that aren't taken over.
	Gone map[string]bool
	// Whole says that nothing is gone, and that nothing will be created in the folder: its directories are taken as they are.
	Whole bool
	// Count is how many items must be taken over, normal and associated ones.
	Count int
}

// ErrNotInherited says why nothing could be taken over. The folder is then as if nothing had been tried.
var ErrNotInherited = errors.New("the earlier snapshot doesn't do")

func notInherited(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotInherited, fmt.Sprintf(format, args...))
}

// Inherit gives a folder items of an earlier snapshot, which become the same files again without being read. What the
// repository has lost isn't taken over.
func (b *Builder) Inherit(ctx context.Context, id mapi.EntryID, in Inheritance) error {
	b.mu.Lock()
	f := b.folders[id]
	b.mu.Unlock()
	if f == nil {
		return fail("inherit items", "", mapi.ErrNotFound)
	}
	if in.From.Level() != b.level {
		return notInherited("its catalogs list %s, this one's are to list %s", in.From.Level(), b.level)
	}
	old, err := in.From.Folder(ctx, in.At)
	if err != nil {
		return notInherited("%v", err)
	}
	h := &heir{Inheritance: in, ctx: ctx, dir: old.(*folder)}
	if in.Whole {
		err = h.whole()
	} else {
		err = h.records()
	}
	if err == nil && h.count != in.Count {
		err = notInherited("%d items remain of it, %d should", h.count, in.Count)
	}
	if err != nil {
		for _, l := range h.lists {
			if l != nil {
				err = errors.Join(err, l.close())
			}
		}
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f.nodes, f.lists = h.nodes, h.lists // before there is anything soft-deleted
	f.info.Items, f.info.Unread, f.info.Associated, f.info.Classes = h.items, h.unread, h.associated, h.classes
	b.stats.Items += h.count
	b.stats.Files += h.files
	b.stats.Bytes += h.bytes
	return nil
}

// heir collects what is taken over.
type heir struct {
	Inheritance
	ctx context.Context
	dir *folder

	nodes                     []*restic.Node
	lists                     [3]*itemList
	only                      map[string]bool // source keys of what is taken; nil: all but what is gone
	taken                     map[string]bool
	classes                   map[string]int
	count                     int
	items, unread, associated int
	files                     int
	bytes                     uint64
}

// whole takes the directories of items as they are.
func (h *heir) whole() error {
	for _, n := range h.dir.tree.Nodes {
		if n.Type != restic.DirNode || !isItemDir(n.Name) && n.Name != associatedDir {
			continue
		}
		if err := h.each(n, 0, func(t *restic.Tree, _ restic.ID) error {
			for _, n := range t.Nodes {
				if n.Type == restic.FileNode {
					if err := h.file(n); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			return err
		}
		h.nodes = append(h.nodes, copyOf(n))
	}
	h.items, h.unread, h.associated = h.dir.info.Items, h.dir.info.Unread, h.dir.info.Associated
	h.count = h.items + h.associated
	h.classes = maps.Clone(h.dir.info.Classes)
	return nil
}

func copyOf(n *restic.Node) *restic.Node {
	c := *n
	return &c
}

// file counts a file that is taken over.
func (h *heir) file(n *restic.Node) error {
	for _, id := range n.Content {
		there, err := h.From.repo.HasBlob(h.ctx, restic.BlobHandle{Type: restic.DataBlob, ID: id})
		if err != nil {
			return err
		}
		if !there {
			return notInherited("the repository has lost a part of it")
		}
	}
	h.files++
	h.bytes += n.Size
	return nil
}

// each calls do for a directory and all within it.
func (h *heir) each(dir *restic.Node, depth int, do func(*restic.Tree, restic.ID) error) error {
	if dir.Subtree == nil || depth > idDigits+1 {
		return notInherited("%s is damaged", dir.Name)
	}
	t, err := h.From.loadTree(h.ctx, *dir.Subtree)
	if err != nil {
		return notInherited("%v", err)
	}
	if err := do(t, *dir.Subtree); err != nil {
		return err
	}
	for _, n := range t.Nodes {
		if n.Type == restic.DirNode {
			if err := h.each(n, depth+1, do); err != nil {
				return err
			}
		}
	}
	return nil
}

// records takes single items, so that the directories are made anew.
func (h *heir) records() error {
	if err := h.months(mapi.Normal, h.dir.tree); err != nil {
		return err
	}
	n := h.dir.tree.Find(associatedDir)
	if n == nil || n.Subtree == nil {
		return nil
	}
	t, err := h.From.loadTree(h.ctx, *n.Subtree)
	if err != nil {
		return notInherited("%v", err)
	}
	return h.months(mapi.Associated, t)
}

func (h *heir) months(k mapi.Kind, t *restic.Tree) error {
	for _, n := range t.Nodes {
		if n.Type != restic.DirNode || !isItemDir(n.Name) {
			continue
		}
		err := h.each(n, 0, func(t *restic.Tree, id restic.ID) error { return h.leaf(k, n.Name, t, id) })
		if err != nil {
			return err
		}
	}
	return nil
}

// itemFile is the name of an item's file: its name, and a number if it isn't the first of it in the directory.
var itemFile = regexp.MustCompile(`^(.* [0-9a-f]{` + fmt.Sprint(idDigits) + `})(-\d+)?\` + itemExt + `$`)

// leaf takes the items of a directory.
func (h *heir) leaf(k mapi.Kind, month string, t *restic.Tree, id restic.ID) error {
	c, err := h.From.loadCatalog(h.ctx, t, id)
	if err != nil {
		return notInherited("%v", err)
	}
	for _, n := range t.Nodes {
		if n.Type != restic.FileNode || n.Name[0] == '.' {
			continue
		}
		name := itemFile.FindStringSubmatch(n.Name)
		if name == nil {
			continue // a sidecar
		}
		row := c.find(n.Name)
		if row == nil || !slices.Equal(c.Keys, columnsOf(h.From.Level()).keys) {
			return notInherited("its catalogs are of another version")
		}
		key, _ := c.get(row, mapi.TagKey(pid.TagSourceKey))
		source, _ := key.([]byte)
		if len(source) == 0 {
			return notInherited("it doesn't say which items of the mailbox its items are")
		}
		if h.Gone[string(source)] || h.only != nil && !h.only[string(source)] {
			continue
		}
		if h.only != nil {
			h.taken[string(source)] = true
		}
		rec := &record{month: month, name: name[1], nodes: []*restic.Node{copyOf(n)}, row: *row}
		if side := t.Find(n.Name + msgfile.SidecarExt); side != nil {
			rec.nodes = append(rec.nodes, copyOf(side))
		}
		for _, n := range rec.nodes {
			if err := h.file(n); err != nil {
				return err
			}
		}
		if h.lists[k] == nil {
			h.lists[k] = &itemList{columns: columnsOf(h.From.Level())}
		}
		if err := h.lists[k].add(rec); err != nil {
			return err
		}
		h.tally(k, c, row)
	}
	return nil
}

// tally counts an item as when it was created.
func (h *heir) tally(k mapi.Kind, c *catalog, row *catalogRow) {
	h.count++
	switch k {
	case mapi.Associated:
		h.associated++
		class, _ := c.get(row, mapi.TagKey(pid.TagMessageClass))
		tallyClass(&h.classes, shown(class))
		return
	case mapi.SoftDeleted:
		return
	}
	h.items++
	v, _ := c.get(row, mapi.TagKey(pid.TagMessageFlags))
	if flags, ok := v.(int32); !ok || flags&1 == 0 { // mfRead ([MS-OXCMSG] 2.2.1.6)
		h.unread++
	}
}

// FolderProps are the properties that were stored of a folder.
func (s *Store) FolderProps(ctx context.Context, id mapi.EntryID) (mapi.Props, error) {
	f, err := s.Folder(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.readProps(ctx, f.(*folder).tree, folderProps)
}
