package cfb

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"unicode/utf16"
)

// Storage is a storage object: it holds streams and other storages.
type Storage struct {
	Name  string
	CLSID [16]byte // in the byte order of the file

	parent  *Storage
	depth   int
	entries []Entry
	damage  []fault
}

// Entry is what a storage holds; either Storage or Stream is set.
type Entry struct {
	Name    string
	Storage *Storage
	Stream  *Stream

	key string
}

// Entries returns what the storage holds, ordered as [MS-CFB] 2.6.4 orders names. When some of it couldn't be read, it
// returns the rest together with an error that wraps a *FormatError for each loss.
func (s *Storage) Entries() ([]Entry, error) {
	return append([]Entry(nil), s.entries...), s.losses()
}

func (s *Storage) losses() error {
	errs := make([]error, len(s.damage))
	for i, f := range s.damage {
		errs[i] = f.in(s)
	}
	return errors.Join(errs...)
}

// Storage returns the storage of that name, in any case of letters. A missing one is fs.ErrNotExist; the error also wraps
// what of s couldn't be read, because the one sought may be among that.
func (s *Storage) Storage(name string) (*Storage, error) {
	for _, e := range s.named(name) {
		if e.Storage != nil {
			return e.Storage, nil
		}
	}
	return nil, s.missing("storage", name)
}

// Stream returns the stream of that name, in any case of letters, with the errors of Storage.
func (s *Storage) Stream(name string) (*Stream, error) {
	for _, e := range s.named(name) {
		if e.Stream != nil {
			return e.Stream, nil
		}
	}
	return nil, s.missing("stream", name)
}

// named returns the entries of that name: one, unless the file is damaged.
func (s *Storage) named(name string) []Entry {
	key := sortKey(utf16.Encode([]rune(name)))
	i := sort.Search(len(s.entries), func(i int) bool { return s.entries[i].key >= key })
	j := i
	for j < len(s.entries) && s.entries[j].key == key {
		j++
	}
	return s.entries[i:j]
}

func (s *Storage) missing(kind, name string) error {
	err := fmt.Errorf("cfb: no %s %q: %w", kind, join(s, name), fs.ErrNotExist)
	return errors.Join(err, s.losses())
}

// Path is the storage's name with those of the storages around it, separated by slashes. The root's is empty.
func (s *Storage) Path() string {
	if s.parent == nil {
		return ""
	}
	return join(s.parent, s.Name)
}

// String names the storage in error messages.
func (s *Storage) String() string {
	if s.parent == nil {
		return "root storage"
	}
	return fmt.Sprintf("storage %q", s.Path())
}

// join returns the path of what a storage holds.
func join(parent *Storage, name string) string {
	names := []string{name}
	for s := parent; s.parent != nil; s = s.parent {
		names = append(names, s.Name)
	}
	slices.Reverse(names)
	return strings.Join(names, "/")
}

// tree builds the storages and streams. Each directory entry is taken at most once and without recursion, so that cycles
// end and degenerate trees cost no stack. The order of siblings in the file's tree isn't trusted: they are sorted anew.
func (o *opener) tree() error {
	root := &Storage{CLSID: o.root.CLSID}
	root.Name, _ = o.root.name()
	if o.dir.damage != nil {
		root.damage = append(root.damage, *o.dir.damage)
	}
	o.file.Root = root

	type visit struct {
		id     uint32
		parent *Storage
		from   int64 // offset of the entry that points here
	}
	entries := o.dir.length / dirEntrySize
	rootOffset, _ := o.dir.at(0)
	storages := []*Storage{root}
	var taken bitmap
	taken.set(0)
	for stack := []visit{{o.root.Child, root, rootOffset}}; len(stack) > 0; {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		lost := func(offset int64, format string, args ...any) {
			v.parent.damage = append(v.parent.damage, fault{offset, fmt.Sprintf(format, args...)})
		}
		if v.id == noStream {
			continue
		}
		if int64(v.id) >= entries {
			lost(v.from, "directory entry %#x doesn't exist", v.id)
			continue
		}
		offset, _ := o.dir.at(int64(v.id) * dirEntrySize)
		if !taken.set(v.id) {
			lost(v.from, "directory entry %#x is reached twice", v.id)
			continue
		}
		var e dirEntry
		if err := o.entry(v.id, &e); err != nil {
			return err
		}
		stack = append(stack, visit{e.Left, v.parent, offset}, visit{e.Right, v.parent, offset})

		name, ok := e.name()
		if !ok {
			lost(offset, "directory entry %#x has a name of %d bytes", v.id, e.NameLength)
		}
		entry := Entry{Name: name, key: sortKey(e.units())}
		switch e.ObjectType {
		case objectStorage:
			if v.parent.depth >= maxDepth {
				lost(offset, "storages nest more than %d levels deep", maxDepth)
				continue
			}
			entry.Storage = &Storage{Name: name, CLSID: e.CLSID, parent: v.parent, depth: v.parent.depth + 1}
			storages = append(storages, entry.Storage)
			stack = append(stack, visit{e.Child, entry.Storage, offset})
		case objectStream:
			entry.Stream = &Stream{Name: name, parent: v.parent, file: o.file}
			entry.Stream.Size, entry.Stream.data = o.content(&e)
		default:
			lost(offset, "directory entry %#x (%q) has object type %d", v.id, name, e.ObjectType)
			continue
		}
		v.parent.entries = append(v.parent.entries, entry)
	}
	for _, s := range storages {
		sort.SliceStable(s.entries, func(i, j int) bool { return s.entries[i].key < s.entries[j].key })
	}
	return nil
}

// units is the name in UTF-16; of a name whose length is wrong, what stands before the first zero.
func (e *dirEntry) units() []uint16 {
	if n := e.NameLength; n >= 2 && n%2 == 0 && n <= 2*(maxNameUnits+1) {
		return e.Name[:n/2-1]
	}
	for i, u := range e.Name {
		if u == 0 {
			return e.Name[:i]
		}
	}
	return e.Name[:]
}

func (e *dirEntry) name() (name string, ok bool) {
	units := e.units()
	return string(utf16.Decode(units)), int(e.NameLength) == 2*len(units)+2
}
