package cdo

import (
	"context"
	"iter"
)

// InfoStores are the message stores of the session's profile, the default store first.
type InfoStores struct {
	node
	list []*InfoStore
}

// Class is CdoInfoStores.
func (c *InfoStores) Class() ObjectClass { return CdoInfoStores }

// Count is how many stores there are.
func (c *InfoStores) Count() int { return len(c.list) }

// Item is a store by its position, from 1 on; nil where there is none.
func (c *InfoStores) Item(index int) *InfoStore {
	if index < 1 || index > len(c.list) {
		return nil
	}
	return c.list[index-1]
}

// ByName is the store of a name, CDO's Item with a string. None of that name is CdoE_NOT_FOUND.
func (c *InfoStores) ByName(ctx context.Context, name string) (*InfoStore, error) {
	const member = "InfoStores.Item"
	for _, s := range c.list {
		own, err := s.Name(ctx)
		if err != nil {
			return nil, rename(err, member)
		}
		if own == name {
			return s, nil
		}
	}
	return nil, failf(member, CdoE_NOT_FOUND, "there is no store %q", name)
}

// All gives the stores in turn.
func (c *InfoStores) All() iter.Seq[*InfoStore] {
	return func(yield func(*InfoStore) bool) {
		for _, s := range c.list {
			if !yield(s) {
				return
			}
		}
	}
}
