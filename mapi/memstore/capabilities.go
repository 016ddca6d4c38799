package memstore

import (
	"context"
	"slices"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// flagUnsent and flagSubmitted are mfUnsent and mfSubmitted of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6).
const (
	flagSubmitted int32 = 0x04
	flagUnsent    int32 = 0x08
)

// Submit implements mapi.Submitter. Config.Deliver is given what is sent; without it nobody is.
func (s *Store) Submit(ctx context.Context, folder, item mapi.EntryID) error {
	const op = "submit item"
	f, err := s.Folder(ctx, folder)
	if err != nil {
		return err
	}
	it, err := f.(*Folder).open(ctx, item)
	if err != nil {
		return err
	}
	if len(it.Recipients) == 0 {
		return fail(op, "", errNoRecipients)
	}
	flags, _ := it.Props.Tag(pid.TagMessageFlags).(int32)
	sent := mapi.Props{{Key: mapi.TagKey(pid.TagMessageFlags), Value: flags &^ (flagUnsent | flagSubmitted)}}
	if err := f.Update(ctx, item, sent, nil); err != nil {
		return err
	}
	if it, err = f.(*Folder).open(ctx, item); err != nil {
		return err
	}
	if s.config.Deliver != nil {
		if err := s.config.Deliver(ctx, it); err != nil {
			return err
		}
	}
	if gone, _ := it.Props.Tag(pid.TagDeleteAfterSubmit).(bool); gone {
		return f.Delete(ctx, []mapi.EntryID{item}, true)
	}
	if to, ok := it.Props.Tag(pid.TagSentMailEntryId).([]byte); ok {
		return s.move(ctx, f.(*Folder), item, mapi.EntryID(to))
	}
	return nil
}

// errNoRecipients is MAPI_E_NO_RECIPIENTS.
const errNoRecipients mapi.Code = 0x80040607

// move takes an item to another folder.
func (s *Store) move(ctx context.Context, from *Folder, id, to mapi.EntryID) error {
	defer s.lock()()
	const op = "move item"
	if err := from.usable(ctx, op, true); err != nil {
		return err
	}
	k, i, err := from.changeable(op, id)
	if err != nil {
		return err
	}
	n, ok := s.folders[to]
	if !ok {
		return fail(op, "to its folder", mapi.ErrNotFound)
	}
	e := from.n.lists[k][i]
	from.n.lists[k] = slices.Delete(slices.Clone(from.n.lists[k]), i, i+1)
	n.lists[k] = append(n.lists[k], &entry{s.newID(), e.item})
	return nil
}

// OutOfOffice implements mapi.OutOfOfficer.
func (s *Store) OutOfOffice(ctx context.Context) (mapi.OutOfOffice, error) {
	defer s.rlock()()
	return s.away, s.usable(ctx, "read the out-of-office state", false)
}

// SetOutOfOffice implements mapi.OutOfOfficer. Nothing is answered: the state is kept.
func (s *Store) SetOutOfOffice(ctx context.Context, o mapi.OutOfOffice) error {
	defer s.lock()()
	if err := s.usable(ctx, "set the out-of-office state", true); err != nil {
		return err
	}
	s.away = o
	return nil
}

// CreateSpecial implements mapi.SpecialCreator.
func (s *Store) CreateSpecial(ctx context.Context, r mapi.Role, name string) (mapi.EntryID, error) {
	defer s.lock()()
	const op = "create special folder"
	if n, ok := s.special[r]; ok {
		return n.id, s.usable(ctx, op, false)
	}
	if err := s.usable(ctx, op, true); err != nil {
		return "", err
	}
	for _, f := range specials {
		if f.role != r {
			continue
		}
		parent, ok := s.special[f.parent]
		if !ok {
			return "", fail(op, string(f.parent), mapi.ErrNotFound)
		}
		if err := parent.free(op, name, nil); err != nil {
			return "", err
		}
		n := s.addSpecial(r, parent, name, f.class)
		return n.id, nil
	}
	return "", fail(op, string(r), mapi.ErrInvalidParameter)
}

// addSpecial makes the folder of a role. The lock is held.
func (s *Store) addSpecial(r mapi.Role, parent *node, name, class string) *node {
	var props mapi.Props
	if class != "" {
		props.Set(mapi.TagKey(pid.TagContainerClass), class)
	}
	n := s.addFolder(parent, name, props)
	n.role = r
	s.special[r] = n
	return n
}
