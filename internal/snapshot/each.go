package snapshot

import (
	"context"
	"path"
	"strings"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
)

// Each calls do for every item of the snapshot, in directories that aren't in seen, and adds those to it. Of a directory that
// can't be read, do gets the error. It ends with the first error of do.
func (s *Store) Each(ctx context.Context, seen map[restic.ID]bool, do func(path string, read func(mapi.ItemSink) error, err error) error) error {
	return s.each(ctx, s.root, seen, 0, do)
}

func (s *Store) each(ctx context.Context, at string, seen map[restic.ID]bool, depth int, do func(string, func(mapi.ItemSink) error, error) error) error {
	if depth > maxDepth {
		return do(at, nil, fail("list items", at, mapi.ErrTooComplex))
	}
	tree, id, err := s.dir(ctx, at)
	if err != nil {
		return do(at, nil, err)
	}
	if seen[id] {
		return nil
	}
	seen[id] = true
	if _, err := s.loadCatalog(ctx, tree, id); err != nil {
		if err := do(path.Join(at, catalogFile), nil, err); err != nil {
			return err
		}
	}
	for _, n := range tree.Nodes {
		p := path.Join(at, n.Name)
		switch {
		case n.Type == restic.DirNode:
			err = s.each(ctx, p, seen, depth+1, do)
		case strings.HasSuffix(n.Name, itemExt):
			err = do(p, func(w mapi.ItemSink) error {
				f, o, err := s.itemFile(ctx, tree, n.Name)
				if err != nil {
					return err
				}
				return o.Read(f, f.Size(), w)
			}, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
