package exchange

import (
	"context"
	"sync"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// nameMap knows the property ids that this mailbox has given to names. They hold for all sessions of the mailbox.
type nameMap struct {
	mu    sync.Mutex
	ids   map[mapi.PropName]uint16
	names map[uint16]mapi.PropName
}

func (m *nameMap) learn(n mapi.PropName, id uint16) {
	if m.ids == nil {
		m.ids, m.names = map[mapi.PropName]uint16{}, map[uint16]mapi.PropName{}
	}
	m.ids[n], m.names[id] = id, n
}

// maxNames bounds the names of one request: 127 characters each still fit 32 KiB.
const maxNames = 100

// tags gives the wire tags of keys. A named property that the mailbox doesn't know has tag 0 unless create is set.
func (st *Store) tags(ctx context.Context, s *session, keys []mapi.Key, create bool) ([]mapi.Tag, error) {
	var ask []mapi.PropName
	st.names.mu.Lock()
	for _, k := range keys {
		if k.Named() && k.Name.Set != mapi.PSMAPI {
			if _, ok := st.names.ids[k.Name]; !ok {
				ask = append(ask, k.Name)
			}
		}
	}
	st.names.mu.Unlock()
	for len(ask) > 0 {
		n := min(len(ask), maxNames)
		if err := st.askIDs(ctx, s, ask[:n], create); err != nil {
			return nil, err
		}
		ask = ask[n:]
	}
	out := make([]mapi.Tag, len(keys))
	st.names.mu.Lock()
	defer st.names.mu.Unlock()
	for i, k := range keys {
		switch {
		case !k.Named():
			out[i] = k.Tag
		case k.Name.Set == mapi.PSMAPI: // ids below 0x8000 under another name
			out[i] = mapi.NewTag(uint16(k.Name.LID), k.Type())
		default:
			if id := st.names.ids[k.Name]; id != 0 {
				out[i] = mapi.NewTag(id, k.Type())
			}
		}
	}
	return out, nil
}

func (st *Store) askIDs(ctx context.Context, s *session, names []mapi.PropName, create bool) error {
	const createFlag = 0x02
	var b batch
	req := &oxcrops.GetPropertyIdsFromNamesRequest{In: b.in(s.logon), Names: names}
	if create {
		req.Flags = createFlag
	}
	b.add(req)
	res, err := s.execute(ctx, &b)
	if err != nil {
		return err
	}
	if err := res.check("map property names"); err != nil {
		return err
	}
	r, err := answer[*oxcrops.GetPropertyIdsFromNamesResponse](res)
	if err != nil {
		return err
	}
	st.names.mu.Lock()
	defer st.names.mu.Unlock()
	for i, id := range r.IDs {
		if i < len(names) && id >= 0x8000 {
			st.names.learn(names[i], id)
		}
	}
	return nil
}

// keys gives the keys of wire tags. A tag whose name cannot be found keeps its number and is useless elsewhere, so it is
// left out: ok is false.
func (st *Store) keys(ctx context.Context, s *session, tags []mapi.Tag) (keys []mapi.Key, ok []bool, err error) {
	var ask []uint16
	st.names.mu.Lock()
	for _, t := range tags {
		if t.Named() {
			if _, known := st.names.names[t.ID()]; !known {
				ask = append(ask, t.ID())
			}
		}
	}
	st.names.mu.Unlock()
	if len(ask) > 0 {
		if err := st.askNames(ctx, s, ask); err != nil {
			return nil, nil, err
		}
	}
	keys, ok = make([]mapi.Key, len(tags)), make([]bool, len(tags))
	st.names.mu.Lock()
	defer st.names.mu.Unlock()
	for i, t := range tags {
		keys[i], ok[i] = mapi.TagKey(t), true
		if t.Named() {
			n, known := st.names.names[t.ID()]
			keys[i], ok[i] = mapi.NamedKey(n, t.Type()), known
		}
	}
	return keys, ok, nil
}

func (st *Store) askNames(ctx context.Context, s *session, ids []uint16) error {
	var b batch
	b.add(&oxcrops.GetNamesFromPropertyIdsRequest{In: b.in(s.logon), IDs: ids})
	res, err := s.execute(ctx, &b)
	if err != nil {
		return err
	}
	if err := res.check("find property names"); err != nil {
		return err
	}
	r, err := answer[*oxcrops.GetNamesFromPropertyIdsResponse](res)
	if err != nil {
		return err
	}
	st.names.mu.Lock()
	defer st.names.mu.Unlock()
	for i, n := range r.Names {
		if i < len(ids) && !n.IsZero() {
			st.names.learn(n, ids[i])
		}
	}
	return nil
}

// mapRestriction gives a restriction with wire tags in place of names. Properties that the mailbox has no id for cannot be
// on any item: they get an id that no item has.
func (st *Store) mapRestriction(ctx context.Context, s *session, r mapi.Restriction) (mapi.Restriction, error) {
	return mapi.MapKeys(r, func(k mapi.Key) (mapi.Key, error) {
		t, err := st.tags(ctx, s, []mapi.Key{k}, true)
		if err != nil {
			return k, err
		}
		return mapi.TagKey(t[0]), nil
	})
}
