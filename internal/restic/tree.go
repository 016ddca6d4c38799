package restic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Node types.
const (
	FileNode    = "file"
	DirNode     = "dir"
	SymlinkNode = "symlink"
)

// Node is an entry of a directory. The fields' order is that of the JSON document, which must come out
// byte for byte as stock restic writes it: a tree's id is the hash of these bytes.
type Node struct {
	Name       string      `json:"name"`
	Type       string      `json:"type"`
	Mode       fs.FileMode `json:"mode,omitempty"`
	ModTime    time.Time   `json:"mtime"`
	AccessTime time.Time   `json:"atime"`
	ChangeTime time.Time   `json:"ctime"`
	UID        uint32      `json:"uid"`
	GID        uint32      `json:"gid"`
	User       string      `json:"user,omitempty"`
	Group      string      `json:"group,omitempty"`
	Inode      uint64      `json:"inode,omitempty"`
	DeviceID   uint64      `json:"device_id,omitempty"`
	Size       uint64      `json:"size,omitempty"`
	Links      uint64      `json:"links,omitempty"`
	LinkTarget string      `json:"linktarget,omitempty"`
	// LinkTargetRaw is in the document only, for targets that aren't UTF-8; LinkTarget is right then, too.
	LinkTargetRaw      []byte                     `json:"linktarget_raw,omitempty"`
	ExtendedAttributes []ExtendedAttribute        `json:"extended_attributes,omitempty"`
	GenericAttributes  map[string]json.RawMessage `json:"generic_attributes,omitempty"`
	Device             uint64                     `json:"device,omitempty"`
	// Content lists a file's data blobs. A file's is never nil; that of anything else is.
	Content []ID `json:"content"`
	// Subtree is a directory's tree blob.
	Subtree *ID    `json:"subtree,omitempty"`
	Error   string `json:"error,omitempty"`
}

// ExtendedAttribute is one of a file's.
type ExtendedAttribute struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

// nodeJSON has Node's fields without its methods.
type nodeJSON Node

// MarshalJSON writes n as restic does: the name as a Go string literal without its quotes, times
// within the years that RFC 3339 can tell, and a file's content never null.
func (n Node) MarshalJSON() ([]byte, error) {
	quoted := strconv.Quote(n.Name)
	n.Name = quoted[1 : len(quoted)-1]
	for _, t := range []*time.Time{&n.ModTime, &n.AccessTime, &n.ChangeTime} {
		*t = fixTime(*t)
	}
	if n.Type == FileNode && n.Content == nil {
		n.Content = []ID{}
	}
	n.LinkTargetRaw = nil
	if !utf8.ValidString(n.LinkTarget) {
		n.LinkTargetRaw = []byte(n.LinkTarget)
	}
	return json.Marshal(nodeJSON(n))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Node) UnmarshalJSON(document []byte) error {
	if err := json.Unmarshal(document, (*nodeJSON)(n)); err != nil {
		return err
	}
	name, err := strconv.Unquote(`"` + n.Name + `"`)
	if err != nil {
		return fmt.Errorf("node name %q: %w", n.Name, err)
	}
	n.Name = name
	if n.LinkTargetRaw != nil {
		n.LinkTarget, n.LinkTargetRaw = string(n.LinkTargetRaw), nil
	}
	return nil
}

func fixTime(t time.Time) time.Time {
	switch {
	case t.Year() < 0:
		return t.AddDate(-t.Year(), 0, 0)
	case t.Year() > 9999:
		return t.AddDate(9999-t.Year(), 0, 0)
	}
	return t
}

// Tree is a directory's content, ordered by the names' bytes, each name once.
type Tree struct {
	Nodes []*Node `json:"nodes"`
}

// Find returns the node with a name, or nil.
func (t *Tree) Find(name string) *Node {
	i, ok := slices.BinarySearchFunc(t.Nodes, name, func(n *Node, name string) int { return strings.Compare(n.Name, name) })
	if !ok {
		return nil
	}
	return t.Nodes[i]
}

// encode returns the tree blob's bytes.
func (t *Tree) encode() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`{"nodes":[`)
	for i, n := range t.Nodes {
		if err := n.validate(); err != nil {
			return nil, err
		}
		if i > 0 {
			if n.Name <= t.Nodes[i-1].Name {
				return nil, fmt.Errorf("restic: tree: %q can't follow %q", n.Name, t.Nodes[i-1].Name)
			}
			b.WriteByte(',')
		}
		document, err := json.Marshal(n)
		if err != nil {
			return nil, fmt.Errorf("restic: node %q: %w", n.Name, err)
		}
		b.Write(document)
	}
	b.WriteString("]}\n")
	return b.Bytes(), nil
}

// validate refuses what stock restic's check would call an error.
func (n *Node) validate() error {
	switch {
	case n == nil:
		return errors.New("restic: tree: a node is missing")
	case n.Name == "" || n.Name == "." || n.Name == ".." || strings.ContainsAny(n.Name, "/\x00"):
		return fmt.Errorf("restic: tree: %q can't be a name", n.Name)
	case n.Type == "":
		return fmt.Errorf("restic: node %q has no type", n.Name)
	case n.Type == DirNode && (n.Subtree == nil || n.Subtree.IsZero()):
		return fmt.Errorf("restic: directory %q has no subtree", n.Name)
	case n.Type != DirNode && n.Subtree != nil:
		return fmt.Errorf("restic: node %q has a subtree but is no directory", n.Name)
	}
	return nil
}

// parseTree decodes a tree blob.
func parseTree(document []byte) (*Tree, error) {
	t := new(Tree)
	if err := json.Unmarshal(document, t); err != nil {
		return nil, err
	}
	for i, n := range t.Nodes {
		if n == nil {
			return nil, fmt.Errorf("node %d is null", i)
		}
	}
	return t, nil
}

// malformedTree is about a tree whose bytes are as they were stored, so no single file is to blame.
func malformedTree(id ID, err error) error {
	return fmt.Errorf("%w: tree %v was stored malformed: %w", ErrDamaged, id, err)
}

// LoadTree reads a directory.
func (r *Repository) LoadTree(ctx context.Context, id ID) (*Tree, error) {
	document, err := r.LoadBlob(ctx, BlobHandle{TreeBlob, id}, nil)
	if err != nil {
		return nil, err
	}
	t, err := parseTree(document)
	if err != nil {
		return nil, malformedTree(id, err)
	}
	return t, nil
}
