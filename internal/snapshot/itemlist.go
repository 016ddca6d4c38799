package snapshot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/msgfile"
)

// record is an item that was stored and waits for its place in a directory.
type record struct {
	month, name string
	nodes       []*restic.Node // the .msg file and, perhaps, its sidecar
	row         catalogRow
}

// id is a hash of an item's identity, or of its content if it has none.
func (r *record) id(identity []byte) string {
	if len(identity) == 0 {
		identity = r.content()
	}
	sum := sha256.Sum256(identity)
	return hex.EncodeToString(sum[:])[:idDigits]
}

func (r *record) content() []byte {
	var b []byte
	for _, n := range r.nodes {
		for _, id := range n.Content {
			b = append(b, id[:]...)
		}
	}
	return b
}

// itemList is the items of a folder until it is finished. Their records wait in memory, or in a temporary file when they are
// many, so that a folder of a million items needs little memory.
type itemList struct {
	columns *columns // of the catalogs
	entries []entry
	log     []byte // records of the entries, or those not yet in the file
	start   int64  // of log in the sequence of records
	file    *os.File
}

// entry says where the record of an item is, and what orders it.
type entry struct {
	month, name string
	tie         [8]byte // a hash of the content, which orders items of equal names
	offset      int64
	size        int
}

// maxLog is how many bytes of records wait in memory.
const maxLog = 4 << 20

// recordJSON is the part of a record that has a JSON form already.
type recordJSON []*restic.Node

func (l *itemList) add(r *record) error {
	document, err := json.Marshal(recordJSON(r.nodes))
	if err != nil {
		return err
	}
	b, err := oxcdata.Encode(oxcdata.Wide, func(c *oxcdata.Coder) {
		c.Bytes32(&document)
		r.row.code(c, l.columns.keys)
	})
	if err != nil {
		return err
	}
	tie := sha256.Sum256(r.content())
	l.entries = append(l.entries, entry{r.month, r.name, [8]byte(tie[:8]), l.start + int64(len(l.log)), len(b)})
	l.log = append(l.log, b...)
	if len(l.log) < maxLog {
		return nil
	}
	if l.file == nil {
		if l.file, err = os.CreateTemp("", "opencdo-snapshot-*"); err != nil {
			return err
		}
	}
	if _, err := l.file.WriteAt(l.log, l.start); err != nil {
		return err
	}
	l.start += int64(len(l.log))
	l.log = l.log[:0]
	return nil
}

// load reads a record again.
func (l *itemList) load(e entry) (*record, error) {
	b := make([]byte, e.size)
	if e.offset >= l.start {
		copy(b, l.log[e.offset-l.start:])
	} else if _, err := l.file.ReadAt(b, e.offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	r := &record{month: e.month, name: e.name}
	err := oxcdata.Decode(oxcdata.Wide, b, func(c *oxcdata.Coder) {
		var document []byte
		c.Bytes32(&document)
		if err := json.Unmarshal(document, (*recordJSON)(&r.nodes)); err != nil && c.Err() == nil {
			c.Fail(err.Error())
		}
		r.row.code(c, l.columns.keys)
	})
	return r, err
}

func (l *itemList) close() error {
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Close(), os.Remove(l.file.Name()))
	l.file = nil
	return err
}

// finish stores the directories of a folder's items.
func (b *Builder) finish(ctx context.Context, f *building) error {
	b.mu.Lock()
	done := f.done
	f.done = true
	b.mu.Unlock()
	if done {
		return nil
	}
	for _, kind := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		if err := b.finishList(ctx, f, kind, &f.nodes); err != nil {
			return err
		}
	}
	return nil
}

// kindDirs are the directories of lists that don't lie in that of the folder itself.
var kindDirs = map[mapi.Kind]string{mapi.Associated: associatedDir, mapi.SoftDeleted: recoverableDir}

// finishList stores the directories of one list.
func (b *Builder) finishList(ctx context.Context, f *building, kind mapi.Kind, into *[]*restic.Node) error {
	l := f.lists[kind]
	if l == nil {
		return nil
	}
	nodes, err := b.saveList(ctx, l)
	if err != nil {
		return err
	}
	if err := l.close(); err != nil {
		return err
	}
	f.lists[kind] = nil
	if dir, ok := kindDirs[kind]; ok {
		n, err := b.saveDir(ctx, dir, nodes)
		if err != nil {
			return err
		}
		nodes = []*restic.Node{n}
	}
	*into = append(*into, nodes...)
	return nil
}

// saveList stores the directories of all months.
func (b *Builder) saveList(ctx context.Context, l *itemList) ([]*restic.Node, error) {
	slices.SortFunc(l.entries, func(a, b entry) int {
		if c := strings.Compare(a.month, b.month); c != 0 {
			return c
		}
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return bytes.Compare(a.tie[:], b.tie[:])
	})
	var nodes []*restic.Node
	for rest := l.entries; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].month == rest[0].month {
			n++
		}
		node, err := b.saveItems(ctx, l, rest[0].month, 0, rest[:n])
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
		rest = rest[n:]
	}
	return nodes, nil
}

// saveItems stores a directory of items, split by the digit of their ids at depth when they are too many.
func (b *Builder) saveItems(ctx context.Context, l *itemList, name string, depth int, items []entry) (*restic.Node, error) {
	if len(items) <= maxItems || depth == idDigits {
		return b.saveLeaf(ctx, l, name, items)
	}
	shards := map[string][]entry{}
	for _, e := range items {
		d := digits(e.name, depth+1)[depth:]
		shards[d] = append(shards[d], e)
	}
	var nodes []*restic.Node
	for _, d := range slices.Sorted(maps.Keys(shards)) {
		n, err := b.saveItems(ctx, l, d, depth+1, shards[d])
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return b.saveDir(ctx, name, nodes)
}

// saveLeaf stores a directory that holds items.
func (b *Builder) saveLeaf(ctx context.Context, l *itemList, name string, items []entry) (*restic.Node, error) {
	var nodes []*restic.Node
	c := &catalog{Keys: l.columns.keys}
	taken := map[string]int{} // names compare without regard to case on Windows
	for _, e := range items {
		r, err := l.load(e)
		if err != nil {
			return nil, fmt.Errorf("snapshot: the record of %s: %w", e.name, err)
		}
		lower := strings.ToLower(e.name)
		taken[lower]++
		file := numbered(e.name, taken[lower])
		for i, n := range r.nodes {
			n.Name = file
			if i > 0 {
				n.Name += msgfile.SidecarExt
			}
		}
		nodes = append(nodes, r.nodes...)
		r.row.Name = file
		c.Rows = append(c.Rows, r.row)
	}
	slices.SortFunc(c.Rows, func(a, b catalogRow) int { return strings.Compare(a.Name, b.Name) })
	encoded, err := oxcdata.Encode(oxcdata.Wide, c.code)
	if err != nil {
		return nil, err
	}
	n, err := b.saveFile(catalogFile, newest(nodes), nil, func(w *cutter) error { _, err := w.Write(encoded); return err })
	if err != nil {
		return nil, err
	}
	return b.saveDir(ctx, name, append(nodes, n))
}
