package oxcfxics

import (
	"bytes"
	"cmp"
	"iter"
	"slices"

	"github.com/opencdo/opencdo/mapi"
)

// Replica identifies where counters come from: by its id in one mailbox (REPLID) or everywhere (REPLGUID).
type Replica interface {
	uint16 | mapi.GUID
	comparable
}

// IDSet is a set of folder, message or change numbers: counters by replica ([MS-OXCFXICS] 2.2.2.3). The zero value is empty.
type IDSet[R Replica] struct{ sets []replicaSet[R] }

// The two forms of sets. State is kept with GUIDs, deletions are sent with ids.
type (
	GUIDSet   = IDSet[mapi.GUID]
	ReplIDSet = IDSet[uint16]
)

type replicaSet[R Replica] struct {
	replica R
	ids     RangeSet
}

// DecodeGUIDSet reads a serialized IDSET or CNSET in REPLGUID form, which takes all of b.
func DecodeGUIDSet(b []byte) (*GUIDSet, error) {
	return decodeSet(b, func(b []byte) (mapi.GUID, int) { return mapi.GUID(b[:16]), 16 }, 16)
}

// DecodeReplIDSet reads a serialized IDSET in REPLID form, which takes all of b.
func DecodeReplIDSet(b []byte) (*ReplIDSet, error) {
	return decodeSet(b, func(b []byte) (uint16, int) { return le.Uint16(b), 2 }, 2)
}

func decodeSet[R Replica](b []byte, replica func([]byte) (R, int), width int) (*IDSet[R], error) {
	found := map[R][]Range{} // a replica may come more than once
	for off := 0; off < len(b); {
		if len(b)-off < width {
			return nil, &FormatError{Offset: int64(off), Reason: "IDSET: the replica is cut short"}
		}
		r, n := replica(b[off:])
		off += n
		ranges, n, err := decodeGlobset(b[off:])
		if err != nil {
			err.(*FormatError).Offset += int64(off)
			return nil, err
		}
		off += n
		if len(ranges) > 0 {
			found[r] = append(found[r], ranges...)
		}
	}
	s := &IDSet[R]{}
	for r, ranges := range found {
		s.sets = append(s.sets, replicaSet[R]{r, NewRangeSet(ranges...)})
	}
	slices.SortFunc(s.sets, func(a, b replicaSet[R]) int { return compareReplicas(a.replica, b.replica) })
	return s, nil
}

// Bytes serializes the set; an empty one takes no bytes.
func (s *IDSet[R]) Bytes() []byte {
	var b []byte
	for _, x := range s.sets {
		switch r := any(x.replica).(type) {
		case uint16:
			b = le.AppendUint16(b, r)
		case mapi.GUID:
			b = append(b, r[:]...)
		}
		b = encodeGlobset(b, x.ids)
	}
	return b
}

// of gives the counters of a replica, made room for if create is set.
func (s *IDSet[R]) of(r R, create bool) *RangeSet {
	i, ok := slices.BinarySearchFunc(s.sets, r, func(x replicaSet[R], r R) int { return compareReplicas(x.replica, r) })
	if !ok {
		if !create {
			return &RangeSet{}
		}
		s.sets = slices.Insert(s.sets, i, replicaSet[R]{replica: r})
	}
	return &s.sets[i].ids
}

func compareReplicas[R Replica](a, b R) int {
	switch a := any(a).(type) {
	case mapi.GUID:
		b := any(b).(mapi.GUID)
		return bytes.Compare(a[:], b[:])
	case uint16:
		return cmp.Compare(a, any(b).(uint16))
	}
	return 0
}

// Ranges are the counters of a replica; they must not be changed.
func (s *IDSet[R]) Ranges(r R) RangeSet { return *s.of(r, false) }

// Contains reports whether a replica's counter is in the set.
func (s *IDSet[R]) Contains(r R, counter uint64) bool { return s.Ranges(r).Contains(counter) }

// Insert adds a counter.
func (s *IDSet[R]) Insert(r R, counter uint64) { s.of(r, true).Insert(Range{counter, counter}) }

// Add adds counters of a replica.
func (s *IDSet[R]) Add(r R, ids RangeSet) {
	if len(ids) > 0 {
		have := s.of(r, true)
		*have = have.Union(ids)
	}
}

// Remove takes a counter out.
func (s *IDSet[R]) Remove(r R, counter uint64) {
	have := s.of(r, false)
	have.Remove(Range{counter, counter})
	s.sets = slices.DeleteFunc(s.sets, func(x replicaSet[R]) bool { return len(x.ids) == 0 })
}

// AddAll adds another set.
func (s *IDSet[R]) AddAll(o *IDSet[R]) {
	for _, x := range o.sets {
		s.Add(x.replica, x.ids)
	}
}

// Includes reports whether all of o is in the set.
func (s *IDSet[R]) Includes(o *IDSet[R]) bool {
	for _, x := range o.sets {
		if !s.Ranges(x.replica).Includes(x.ids) {
			return false
		}
	}
	return true
}

// All yields the replicas with their counters.
func (s *IDSet[R]) All() iter.Seq2[R, RangeSet] {
	return func(yield func(R, RangeSet) bool) {
		for _, x := range s.sets {
			if !yield(x.replica, x.ids) {
				return
			}
		}
	}
}

// IsEmpty reports whether nothing is in the set.
func (s *IDSet[R]) IsEmpty() bool { return len(s.sets) == 0 }

// Equal reports whether the same is in both.
func (s *IDSet[R]) Equal(o *IDSet[R]) bool { return s.Includes(o) && o.Includes(s) }
