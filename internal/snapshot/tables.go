package snapshot

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// SetTables stores the permissions and rules of a folder; nil: it is not known which it has.
func (b *Builder) SetTables(id mapi.EntryID, permissions, rules []mapi.Props) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.folders[id]
	if f == nil {
		return fail("set permissions and rules", "", mapi.ErrNotFound)
	}
	f.tables = map[string][]mapi.Props{}
	if permissions != nil {
		f.tables[permissionsFile] = permissions
	}
	if len(rules) > 0 {
		f.tables[rulesFile] = rules
	}
	return nil
}

// saveTable stores rows as the recipients of an item: the rows that a .msg file has.
func (b *Builder) saveTable(name string, rows []mapi.Props, at time.Time) ([]*restic.Node, error) {
	m, err := msgfile.Plan(&mapi.Item{Recipients: rows})
	if err != nil {
		return nil, err
	}
	return b.saveMessage(name, m, at)
}

// InheritRecoverable gives a folder soft-deleted items of an earlier snapshot: those of the source keys in only. It tells which
// there were. Where it fails nothing was taken.
func (b *Builder) InheritRecoverable(ctx context.Context, id mapi.EntryID, from *Store, at mapi.EntryID, only map[string]bool) (taken map[string]bool, err error) {
	b.mu.Lock()
	f := b.folders[id]
	b.mu.Unlock()
	if f == nil {
		return nil, fail("inherit items", "", mapi.ErrNotFound)
	}
	if from.Level() != b.level {
		return nil, nil
	}
	old, err := from.Folder(ctx, at)
	if err != nil {
		return nil, err
	}
	h := &heir{Inheritance: Inheritance{From: from, At: at}, ctx: ctx, dir: old.(*folder), only: only, taken: map[string]bool{}}
	n := h.dir.tree.Find(recoverableDir)
	if n == nil || n.Subtree == nil {
		return nil, nil
	}
	t, err := from.loadTree(ctx, *n.Subtree)
	if err == nil {
		err = h.months(mapi.SoftDeleted, t)
	}
	if err != nil {
		if l := h.lists[mapi.SoftDeleted]; l != nil {
			err = errors.Join(err, l.close())
		}
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f.lists[mapi.SoftDeleted] = h.lists[mapi.SoftDeleted]
	f.info.Recoverable = h.count
	b.stats.Items += h.count
	b.stats.Files += h.files
	b.stats.Bytes += h.bytes
	return h.taken, nil
}

var _ mapi.FolderTabler = (*Store)(nil)

// FolderTables implements mapi.FolderTabler.
func (s *Store) FolderTables(ctx context.Context, folders []mapi.EntryID) iter.Seq2[mapi.FolderTables, error] {
	return func(yield func(mapi.FolderTables, error) bool) {
		for _, id := range folders {
			t := mapi.FolderTables{Folder: id}
			f, err := s.Folder(ctx, id)
			if err == nil {
				dir := f.(*folder)
				t.Recoverable = dir.info.Recoverable
				t.Permissions, t.PermissionsErr = s.table(ctx, dir.tree, permissionsFile)
				t.Rules, t.RulesErr = s.table(ctx, dir.tree, rulesFile)
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

// table reads the rows of a table, nil where the snapshot has none.
func (s *Store) table(ctx context.Context, tree *restic.Tree, name string) ([]mapi.Props, error) {
	if tree.Find(name) == nil {
		return nil, nil
	}
	it, err := s.openItem(ctx, tree, name)
	if err != nil {
		return nil, err
	}
	rows := it.Recipients
	if rows == nil {
		rows = []mapi.Props{}
	}
	for i := range rows {
		rows[i].Delete(mapi.TagKey(pid.TagRowid)) // .msg files number recipients ([MS-OXMSG] 2.2.1)
	}
	return rows, nil
}

// AddPermissions implements mapi.FolderTabler.
func (s *Store) AddPermissions(context.Context, mapi.EntryID, []mapi.Props) error {
	return readOnly("set permissions")
}

// AddRules implements mapi.FolderTabler.
func (s *Store) AddRules(context.Context, mapi.EntryID, []mapi.Props) error {
	return readOnly("set rules")
}

// Counts tells how many normal and associated items there are so far.
func (b *Builder) Counts() (normal, associated int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.folders {
		normal += f.info.Items
		associated += f.info.Associated
	}
	return normal, associated
}

// AssociatedClasses counts the associated items of all folders by message class.
func (b *Builder) AssociatedClasses() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]int{}
	for _, f := range b.folders {
		for class, n := range f.info.Classes {
			all[class] += n
		}
	}
	return all
}
