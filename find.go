package opencdo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Place is a folder of a store, or an item in one.
type Place struct {
	Folder mapi.Folder
	Path   string       // of the folder, as names are spelled in the store
	Item   mapi.EntryID // empty: the folder itself is meant
	Kind   mapi.Kind    // of the item
}

// SplitPath takes a path inside a store apart. Names are separated by "/"; a "/" that belongs to a name is written "\/", a
// "\" is "\\".
func SplitPath(path string) []string {
	var names []string
	var name strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '\\' && i+1 < len(path) && (path[i+1] == '/' || path[i+1] == '\\'):
			i++
			name.WriteByte(path[i])
		case c == '/':
			if name.Len() > 0 {
				names = append(names, name.String())
			}
			name.Reset()
		default:
			name.WriteByte(c)
		}
	}
	if name.Len() > 0 {
		names = append(names, name.String())
	}
	return names
}

// JoinPath is the reverse of SplitPath.
func JoinPath(names ...string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strings.NewReplacer(`\`, `\\`, `/`, `\/`).Replace(n)
	}
	return strings.Join(quoted, "/")
}

// Find goes from the visible root of a store along a path. Folder names compare without regard to case. The last name may
// be an item: "#12" is the twelfth of the folder's list, "id:HEX" the one with that entry id, anything else one with that
// subject, if there is just one; "associated" before it looks among the associated items ("Inbox/associated/#1"), "soft-deleted"
// among what was deleted and can still be recovered.
// Errors answer mapi.ErrNotFound and mapi.ErrAmbiguous.
func Find(ctx context.Context, s mapi.Store, path string) (*Place, error) {
	top, err := s.Special(ctx, mapi.RoleIPM)
	if err != nil {
		return nil, err
	}
	f, err := s.Folder(ctx, top)
	if err != nil {
		return nil, err
	}
	p := &Place{Folder: f}
	names := SplitPath(path)
	var walked []string
	for i, name := range names {
		child, err := childFolder(ctx, s, p.Folder, name)
		if err != nil {
			return nil, err
		}
		if child != nil {
			walked = append(walked, child.Name)
			if p.Folder, err = s.Folder(ctx, child.ID); err != nil {
				return nil, err
			}
			continue
		}
		p.Path = JoinPath(walked...)
		rest := names[i:]
		for _, k := range []mapi.Kind{mapi.Associated, mapi.SoftDeleted} {
			if len(rest) == 2 && strings.EqualFold(rest[0], k.String()) {
				p.Kind, rest = k, rest[1:]
			}
		}
		if len(rest) > 1 {
			return nil, &mapi.Error{Op: "find folder", Object: JoinPath(append(walked, name)...), Code: mapi.ErrNotFound}
		}
		p.Item, err = findItem(ctx, p, rest[0])
		return p, err
	}
	p.Path = JoinPath(walked...)
	return p, nil
}

func childFolder(ctx context.Context, s mapi.Store, f mapi.Folder, name string) (*mapi.FolderInfo, error) {
	for x, err := range f.Folders(ctx) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(x.Name, name) {
			return &x, nil
		}
	}
	return nil, nil
}

func findItem(ctx context.Context, p *Place, name string) (mapi.EntryID, error) {
	subject := mapi.TagKey(pid.TagSubject)
	q := mapi.Query{Kind: p.Kind, Columns: []mapi.Key{subject}}
	what := JoinPath(append(SplitPath(p.Path), name)...)
	missing := &mapi.Error{Op: "find", Object: what, Code: mapi.ErrNotFound, Err: errors.New("no folder or item has this name")}
	if text, ok := strings.CutPrefix(name, "id:"); ok {
		b, err := hex.DecodeString(text)
		if err != nil {
			return "", &mapi.Error{Op: "find", Object: what, Code: mapi.ErrInvalidEntryID, Err: err}
		}
		return mapi.EntryID(b), nil
	}
	if text, ok := strings.CutPrefix(name, "#"); ok {
		if n, err := strconv.Atoi(text); err == nil && n > 0 {
			q.Offset, q.Limit = n-1, 1
			for r, err := range p.Folder.Rows(ctx, q) {
				return r.ID, err
			}
			return "", missing
		}
	}
	var found []mapi.EntryID
	for r, err := range p.Folder.Rows(ctx, q) {
		if err != nil {
			return "", err
		}
		if s, ok := r.Values[0].(string); ok && strings.EqualFold(s, name) {
			found = append(found, r.ID)
		}
	}
	switch len(found) {
	case 0:
		return "", missing
	case 1:
		return found[0], nil
	}
	return "", &mapi.Error{Op: "find", Object: what, Code: mapi.ErrAmbiguous, Err: fmt.Errorf("%d items have this subject: use #N", len(found))}
}
