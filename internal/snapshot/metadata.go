package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Level is how much a snapshot tells of a mailbox without its messages being opened.
type Level string

// Levels. Each tells what those before it do.
const (
	LevelMailboxes Level = "mailboxes" // that there is the mailbox
	LevelFolders   Level = "folders"   // its folders, too
	LevelMessages  Level = "messages"  // and what lists of messages show, with recipients and the names of attachments
)

// Levels are all, the least first.
var Levels = []Level{LevelMailboxes, LevelFolders, LevelMessages}

// Has tells whether a level includes another.
func (l Level) Has(other Level) bool { return slices.Index(Levels, l) >= slices.Index(Levels, other) }

// ParseLevel reads the name of a level; the empty one is that of messages.
func ParseLevel(name string) (Level, error) {
	l := Level(strings.ToLower(name))
	switch {
	case name == "":
		return LevelMessages, nil
	case slices.Contains(Levels, l):
		return l, nil
	}
	return "", fmt.Errorf("%q is none of mailboxes, folders and messages", name)
}

// metadataFile is the catalog of the mailbox, beside the root folder's own files.
const metadataFile = ".metadata.json"

// metadataInfo is the content of a metadataFile.
type metadataInfo struct {
	Format  int              `json:"format"`
	Level   Level            `json:"level"`
	Mailbox string           `json:"mailbox"`
	Name    string           `json:"name,omitempty"` // of the mailbox, as it calls itself
	Items   int              `json:"items"`
	Bytes   uint64           `json:"bytes"`
	Folders []metadataFolder `json:"folders,omitempty"` // parents before children
}

type metadataFolder struct {
	Dir string `json:"dir"` // below that of the mailbox
	folderInfo
	HasChildren bool `json:"has_children,omitempty"`
}

// setNames is the namespace of catalog columns that are no properties.
var setNames = mapi.GUID{0x6f, 0x70, 0x65, 0x6e, 0x63, 0x64, 0x6f, 0x40, 0x80, 0x63, 0x61, 0x74, 0x61, 0x6c, 0x6f, 0x67}

// Columns of lists of messages that tables don't have.
var (
	columnRecipients  = mapi.NamedKey(mapi.PropName{Set: setNames, Name: "recipients"}, mapi.MultiValue|mapi.TypeString)
	columnAttachments = mapi.NamedKey(mapi.PropName{Set: setNames, Name: "attachments"}, mapi.MultiValue|mapi.TypeString)
)

// maxListed is how many bytes of recipients, and of names of attachments, a catalog has of an item. Those of a circular letter
// to a thousand people would be more than all the rest.
const maxListed = 8 << 10

// columns are those of catalogs of a level.
type columns struct {
	keys  []mapi.Key
	index map[mapi.Key]int
}

func newColumns(keys []mapi.Key) *columns {
	slices.SortFunc(keys, mapi.Key.Compare)
	return &columns{keys, columnIndex(keys)}
}

var (
	// listColumns hold what lists and searches show.
	listColumns = newColumns(append(slices.Clone(catalogKeys), columnRecipients, columnAttachments))
	// identityColumns hold what the next backup has to know of items.
	identityColumns = newColumns([]mapi.Key{mapi.TagKey(pid.TagSourceKey), mapi.TagKey(pid.TagSearchKey), mapi.TagKey(pid.TagChangeKey), mapi.TagKey(pid.TagMessageFlags),
		mapi.TagKey(pid.TagLastModificationTime), mapi.TagKey(pid.TagHasAttachments), mapi.TagKey(pid.TagMessageClass)})
)

func columnsOf(l Level) *columns {
	if l == LevelMessages {
		return listColumns
	}
	return identityColumns
}

// SetLevel says how much the snapshot is to tell; LevelMessages if nothing is said. It is called before anything is created.
func (b *Builder) SetLevel(l Level) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.level, b.columns = l, columnsOf(l)
}

// Level is how much the snapshot tells.
func (s *Store) Level() Level { return s.info.Metadata }

// Opened is how many items were opened since the store was: a question that the catalogs answer opens none.
func (s *Store) Opened() int64 { return s.opened.Load() }

// metadata makes the content of the metadata file.
func (b *Builder) metadata() *metadataInfo {
	m := &metadataInfo{Format: formatVersion, Level: b.level, Mailbox: b.box, Name: b.props.Text(pid.TagDisplayName), Items: b.stats.Items, Bytes: b.stats.Bytes}
	if b.level.Has(LevelFolders) {
		b.listFolders(b.root, m)
	}
	return m
}

func (b *Builder) listFolders(f *building, m *metadataInfo) {
	m.Folders = append(m.Folders, metadataFolder{Dir: b.paths[f.id], folderInfo: f.info, HasChildren: len(f.children) > 0})
	for _, c := range f.children {
		b.listFolders(c, m)
	}
}

// loadMetadata reads the metadata file.
func (s *Store) loadMetadata(ctx context.Context) (*metadataInfo, error) {
	tree, _, err := s.dir(ctx, s.root)
	if err != nil {
		return nil, err
	}
	n := tree.Find(metadataFile)
	if n == nil {
		return nil, fail("read catalog", metadataFile, mapi.ErrNotFound)
	}
	m := &metadataInfo{}
	return m, s.readJSON(ctx, n, m)
}

var _ mapi.TreeLister = (*Store)(nil)

// Tree implements mapi.TreeLister. It reads one file, where the snapshot lists its folders.
func (s *Store) Tree(ctx context.Context, below mapi.EntryID) ([]mapi.TreeFolder, error) {
	const op = "list folders"
	if err := s.usable(ctx, op); err != nil {
		return nil, err
	}
	m, err := s.loadMetadata(ctx)
	if err != nil {
		return nil, err
	}
	if !m.Level.Has(LevelFolders) {
		return nil, &mapi.Error{Op: op, Code: mapi.ErrNoSupport, Err: errors.New("the snapshot's catalog doesn't list folders")}
	}
	var list []mapi.TreeFolder
	for _, f := range m.Folders {
		id := path.Join(s.root, f.Dir)
		if !strings.HasPrefix(id, string(below)+"/") {
			continue
		}
		list = append(list, mapi.TreeFolder{FolderInfo: mapi.FolderInfo{ID: mapi.EntryID(id), Name: f.Name, Class: f.Class, Items: f.Items,
			Unread: f.Unread, Associated: f.Associated, HasChildren: f.HasChildren, Hidden: f.Hidden}, Parent: mapi.EntryID(path.Dir(id))})
	}
	return list, nil
}

// UnmarshalJSON refuses levels that this program doesn't know.
func (l *Level) UnmarshalJSON(document []byte) error {
	var name string
	if err := json.Unmarshal(document, &name); err != nil {
		return err
	}
	var err error
	*l, err = ParseLevel(name)
	return err
}
