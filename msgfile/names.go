package msgfile

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
)

// Streams of the named property mapping storage ([MS-OXMSG] 2.2.3).
const (
	guidStream   mapi.Tag = 0x00020102
	entryStream  mapi.Tag = 0x00030102
	stringStream mapi.Tag = 0x00040102
	hashStreams           = 0x1000 // the id of the first
	hashModulus           = 0x1F
)

// nameEntry is an entry of the entry stream ([MS-OXMSG] 2.2.3.1.2).
type nameEntry struct {
	ID    uint32 // the number, or where in the string stream the string is; in hash streams its checksum
	Kind  uint16 // bit 0: a string; above it the index of the property set
	Index uint16 // of the property: its id is 0x8000 more
}

const nameEntrySize = 8

// Indexes of property sets that aren't in the GUID stream, and the first that is.
const (
	setMAPI          = 1
	setPublicStrings = 2
	setFirst         = 3
)

// maxNames is how many names fit: property sets have indexes of 15 bits, less those that aren't in the stream, and ids
// end at 0xFFFE.
const maxNames = 0x7FFF - setFirst

// firstName is the property id of the first name.
const firstName = 0x8000

// nameIDs maps names to the ids that they have in one file.
type nameIDs map[mapi.PropName]uint16

// carriedName tells whether a .msg file can hold a name as it is.
func carriedName(n mapi.PropName) bool {
	return n.Name == "" || n.LID == 0 && exact(n.Name) && !strings.HasSuffix(n.Name, "\x00")
}

// assign gives ids to the names, in their order, so that the same names always have the same ids.
func (ids nameIDs) assign() []mapi.PropName {
	names := make([]mapi.PropName, 0, len(ids))
	for n := range ids {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b mapi.PropName) int {
		return mapi.NamedKey(a, 0).Compare(mapi.NamedKey(b, 0))
	})
	for i, n := range names {
		ids[n] = uint16(firstName + i)
	}
	return names
}

// nameidStorage is the named property mapping storage for names that have ascending ids.
func nameidStorage(names []mapi.PropName) *cfb.Node {
	var guids, entries, texts []byte
	sets := map[mapi.GUID]uint16{mapi.PSMAPI: setMAPI, mapi.PSPublicStrings: setPublicStrings}
	hashes := map[uint32][]byte{}
	for i, n := range names {
		set, ok := sets[n.Set]
		if !ok {
			set = uint16(setFirst + len(guids)/16)
			sets[n.Set] = set
			guids = append(guids, n.Set[:]...)
		}
		e := nameEntry{ID: n.LID, Kind: set << 1, Index: uint16(i)}
		hash := e
		if n.Name != "" {
			e.Kind |= 1
			text := mapi.EncodeUTF16(n.Name)
			hash = e
			hash.ID = checksum(text)
			texts = append(texts, make([]byte, -len(texts)&3)...) // the last one is not padded
			e.ID = uint32(len(texts))
			texts = order.AppendUint32(texts, uint32(len(text)))
			texts = append(texts, text...)
		}
		entries = appendFixed(entries, e)
		bucket := (hash.ID ^ uint32(hash.Kind)) % hashModulus
		hashes[bucket] = appendFixed(hashes[bucket], hash)
	}
	s := &cfb.Node{Name: nameidName, Children: []*cfb.Node{
		cfb.Bytes(valueName(guidStream), guids),
		cfb.Bytes(valueName(entryStream), entries),
		cfb.Bytes(valueName(stringStream), texts),
	}}
	for bucket := range uint32(hashModulus) {
		if b, ok := hashes[bucket]; ok {
			s.Children = append(s.Children, cfb.Bytes(valueName(mapi.NewTag(uint16(hashStreams+bucket), mapi.TypeBinary)), b))
		}
	}
	return s
}

// checksum is a CRC-32 that begins with zero and isn't inverted at the end ([MS-OXMSG] 2.2.3.2.2).
func checksum(b []byte) uint32 {
	return ^crc32.Update(^uint32(0), crc32.IEEETable, b)
}

// readNames reads the named property mapping storage. What it cannot make out is left out: properties with such ids have
// no name.
func (r *reader) readNames(root *cfb.Storage) (map[uint16]mapi.PropName, error) {
	s, err := root.Storage(nameidName)
	if err != nil {
		return nil, nil // fine unless there are named properties, and then those are reported
	}
	stream := func(t mapi.Tag) ([]byte, error) {
		st, err := s.Stream(valueName(t))
		if err != nil {
			return nil, nil
		}
		b, err := load(st)
		if err != nil {
			err = r.problem(st, err)
		}
		return b, err
	}
	guids, err := stream(guidStream)
	if err != nil {
		return nil, err
	}
	entries, err := stream(entryStream)
	if err != nil {
		return nil, err
	}
	texts, err := stream(stringStream)
	if err != nil {
		return nil, err
	}
	names := map[uint16]mapi.PropName{}
	for n := 0; n < maxNames && len(entries) >= nameEntrySize; n++ {
		var e nameEntry
		decodeFixed(entries, &e)
		entries = entries[nameEntrySize:]
		name, err := e.name(guids, texts)
		if err == nil && e.Index >= firstName {
			err = errors.New("there is no such id")
		}
		if err != nil {
			if err := r.problem(s, fmt.Errorf("name %d: %w", e.Index, err)); err != nil {
				return nil, err
			}
			continue
		}
		names[firstName+e.Index] = name
	}
	return names, nil
}

func (e nameEntry) name(guids, texts []byte) (mapi.PropName, error) {
	var n mapi.PropName
	switch set := int(e.Kind >> 1); {
	case set == setMAPI:
		n.Set = mapi.PSMAPI
	case set == setPublicStrings:
		n.Set = mapi.PSPublicStrings
	case set >= setFirst && (set-setFirst+1)*16 <= len(guids):
		copy(n.Set[:], guids[(set-setFirst)*16:])
	default:
		return n, fmt.Errorf("there is no property set %d", set)
	}
	if e.Kind&1 == 0 {
		n.LID = e.ID
		if n.IsZero() {
			return n, fmt.Errorf("it has neither set nor number")
		}
		return n, nil
	}
	if int64(e.ID)+4 > int64(len(texts)) {
		return n, fmt.Errorf("its string at %d is beyond the strings", e.ID)
	}
	texts = texts[e.ID:]
	size := int64(order.Uint32(texts))
	if size > int64(len(texts)-4) {
		return n, fmt.Errorf("its string at %d has %d bytes, but %d are left", e.ID, size, len(texts)-4)
	}
	n.Name = strings.TrimRight(mapi.DecodeUTF16(texts[4:4+size]), "\x00")
	if n.Name == "" {
		return n, fmt.Errorf("it is an empty string")
	}
	return n, nil
}
