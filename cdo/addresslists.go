package cdo

import "iter"

// AddressLists are the address lists of the session, parents before the lists below them.
type AddressLists struct {
	node
	list []*AddressList
}

// Class is CdoAddressLists.
func (c *AddressLists) Class() ObjectClass { return CdoAddressLists }

// Count is how many address lists there are.
func (c *AddressLists) Count() int { return len(c.list) }

// Item is an address list by its position, from 1 on; nil where there is none.
func (c *AddressLists) Item(index int) *AddressList {
	if index < 1 || index > len(c.list) {
		return nil
	}
	return c.list[index-1]
}

// ByName is the address list of a name, CDO's Item with a string. None of that name is CdoE_NOT_FOUND. Names differ by language:
// Session.GetAddressList finds the global list in all of them.
func (c *AddressLists) ByName(name string) (*AddressList, error) {
	for _, l := range c.list {
		if l.list.Name == name {
			return l, nil
		}
	}
	return nil, failf("AddressLists.Item", CdoE_NOT_FOUND, "there is no address list %q", name)
}

// All gives the address lists in turn.
func (c *AddressLists) All() iter.Seq[*AddressList] {
	return func(yield func(*AddressList) bool) {
		for _, l := range c.list {
			if !yield(l) {
				return
			}
		}
	}
}
