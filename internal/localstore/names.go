package localstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/opencdo/opencdo/mapi"
)

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Property ids of named properties ([MS-OXCDATA] 2.6): 0x8000 to 0xFFFE.
const (
	firstNamedID = 0x8000
	lastNamedID  = 0xFFFE
)

// PropIDs gives the property ids that named properties have in this store ([MS-OXCPRPT] 3.2.5.10). A name without one gets
// one with create, otherwise 0; 0 also when all ids are given out, which items can bear: they hold the name itself then.
// LIDs of PS_MAPI are ids themselves.
func (s *Store) PropIDs(ctx context.Context, names []mapi.PropName, create bool) ([]uint16, error) {
	if create {
		return s.propIDs(ctx, names, s.write)
	}
	return s.propIDs(ctx, names, nil)
}

// propIDs adds missing names through db, when it is given.
func (s *Store) propIDs(ctx context.Context, names []mapi.PropName, db *sql.DB) ([]uint16, error) {
	ids := make([]uint16, len(names))
	var missing []int
	for i, n := range names {
		switch {
		case n.IsZero():
		case n.Set == mapi.PSMAPI && n.Name == "":
			if n.LID < firstNamedID {
				ids[i] = uint16(n.LID)
			}
		default:
			if ids[i] = s.knownName(n); ids[i] == 0 {
				missing = append(missing, i)
			}
		}
	}
	if len(missing) == 0 {
		return ids, nil
	}
	if err := s.alive(); err != nil {
		return nil, err
	}
	if err := s.loadNames(ctx, s.read); err != nil { // another opener may have added them
		return nil, s.fail("look up property names", err)
	}
	left := missing[:0]
	for _, i := range missing {
		if ids[i] = s.knownName(names[i]); ids[i] == 0 {
			left = append(left, i)
		}
	}
	if len(left) == 0 || db == nil {
		return ids, nil
	}
	err := s.updateOn(ctx, db, func(tx *tx) (err error) {
		for _, i := range left {
			if ids[i], err = tx.nameID(names[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return ids, s.fail("add property names", err)
}

// PropNames gives the names of property ids. Ids below 0x8000 are LIDs of PS_MAPI; an unknown id has the zero name.
func (s *Store) PropNames(ctx context.Context, ids []uint16) ([]mapi.PropName, error) {
	names := make([]mapi.PropName, len(ids))
	loaded := false
	for i, id := range ids {
		if id < firstNamedID {
			names[i] = mapi.PropName{Set: mapi.PSMAPI, LID: uint32(id)}
			continue
		}
		n, ok := s.nameOf(id)
		if !ok && !loaded {
			if err := s.alive(); err != nil {
				return nil, err
			}
			if err := s.loadNames(ctx, s.read); err != nil {
				return nil, s.fail("look up property names", err)
			}
			loaded = true
			n, _ = s.nameOf(id)
		}
		names[i] = n
	}
	return names, nil
}

// AllPropNames are all named properties of the store with their ids.
func (s *Store) AllPropNames(ctx context.Context) (map[uint16]mapi.PropName, error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	if err := s.loadNames(ctx, s.read); err != nil {
		return nil, s.fail("list property names", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make(map[uint16]mapi.PropName, len(s.names))
	for id, n := range s.names {
		all[id] = n
	}
	return all, nil
}

func (s *Store) knownName(n mapi.PropName) uint16 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.nameIDs[n]
}

func (s *Store) nameOf(id uint16) (mapi.PropName, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, ok := s.names[id]
	return n, ok
}

// nameID finds or makes the id of a name; 0 when there are no ids left.
func (t *tx) nameID(n mapi.PropName) (uint16, error) {
	if id := t.s.knownName(n); id != 0 {
		return id, nil
	}
	if id := t.names[n]; id != 0 {
		return id, nil
	}
	var id uint16
	err := t.QueryRowContext(t.ctx, "SELECT id FROM names WHERE guid = ? AND lid = ? AND name = ?", n.Set[:], n.LID, n.Name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		if err = t.QueryRowContext(t.ctx, "SELECT coalesce(max(id) + 1, ?) FROM names", firstNamedID).Scan(&id); err != nil || id > lastNamedID {
			return 0, err
		}
		err = t.exec("INSERT INTO names VALUES (?, ?, ?, ?)", id, n.Set[:], n.LID, n.Name)
	}
	if err != nil {
		return 0, err
	}
	if t.names == nil {
		t.names = map[mapi.PropName]uint16{}
	}
	t.names[n] = id
	return id, nil
}

// addNames keeps the names that a transaction added, once it is committed.
func (s *Store) addNames(names map[mapi.PropName]uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, id := range names {
		s.names[id], s.nameIDs[n] = n, id
	}
}

func (s *Store) loadNames(ctx context.Context, q querier) error {
	rows, err := q.QueryContext(ctx, "SELECT id, guid, lid, name FROM names")
	if err != nil {
		return err
	}
	defer rows.Close()
	names, ids := map[uint16]mapi.PropName{}, map[mapi.PropName]uint16{}
	for rows.Next() {
		var id uint16
		var set []byte
		var n mapi.PropName
		if err := rows.Scan(&id, &set, &n.LID, &n.Name); err != nil {
			return err
		}
		copy(n.Set[:], set)
		names[id], ids[n] = n, id
	}
	if err := rows.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names, s.nameIDs = names, ids
	return nil
}

// ReplicaGUID is the GUID of a replica id ([MS-OXCDATA] 2.2.1.1.1).
func (s *Store) ReplicaGUID(id uint16) (mapi.GUID, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g, ok := s.replicas[id]
	return g, ok
}

// replicaGUID is ReplicaGUID for ids that the file holds; another opener may have added them.
func (s *Store) replicaGUID(id uint16) mapi.GUID {
	g, ok := s.ReplicaGUID(id)
	if !ok && s.alive() == nil && s.loadReplicas(context.Background(), s.read) == nil {
		g, _ = s.ReplicaGUID(id)
	}
	return g
}

// ReplicaID is the replica id of a GUID. An unknown GUID gets one with create and is ErrNotFound otherwise.
func (s *Store) ReplicaID(ctx context.Context, g mapi.GUID, create bool) (uint16, error) {
	const op = "find replica"
	if id, ok := s.replicaID(g); ok {
		return id, nil
	}
	if create {
		err := s.update(ctx, func(tx *tx) error {
			return tx.exec("INSERT OR IGNORE INTO replicas SELECT max(id) + 1, ? FROM replicas", g[:])
		})
		if err != nil {
			return 0, s.fail(op, err)
		}
	}
	if err := s.loadReplicas(ctx, s.read); err != nil {
		return 0, s.fail(op, err)
	}
	id, ok := s.replicaID(g)
	if !ok {
		return 0, notFound(op, g.String())
	}
	return id, nil
}

func (s *Store) replicaID(g mapi.GUID) (uint16, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, ok := s.replicaIDs[g]
	return id, ok
}

func (s *Store) loadReplicas(ctx context.Context, q querier) error {
	rows, err := q.QueryContext(ctx, "SELECT id, guid FROM replicas")
	if err != nil {
		return err
	}
	defer rows.Close()
	byID, byGUID := map[uint16]mapi.GUID{}, map[mapi.GUID]uint16{}
	for rows.Next() {
		var id uint16
		var b []byte
		var g mapi.GUID
		if err := rows.Scan(&id, &b); err != nil {
			return err
		}
		copy(g[:], b)
		byID[id], byGUID[g] = g, id
	}
	if err := rows.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replicas, s.replicaIDs = byID, byGUID
	return nil
}

// ReserveIDs takes n ids in a row out of the store's counter, for clients that make objects offline ([MS-OXCFXICS]
// 3.2.5.9.4.7), and returns the first. They are never given out again.
func (s *Store) ReserveIDs(ctx context.Context, n uint32) (first ID, err error) {
	err = s.update(ctx, func(tx *tx) error {
		first, err = tx.newIDs(uint64(n))
		return err
	})
	return first, s.fail("reserve ids", err)
}
