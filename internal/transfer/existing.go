package transfer

import (
	"context"
	"slices"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// versionColumns tell, beside the identityColumns, whether an item that both sides have is the same version of it.
var versionColumns = append(slices.Clone(identityColumns), mapi.TagKey(pid.TagChangeKey), mapi.TagKey(pid.TagMessageFlags))

// columns are what is asked of items before they are read.
func (r *run) columns() []mapi.Key {
	if r.Policy == Replace || r.Policy == Beside {
		return versionColumns
	}
	return identityColumns
}

const flagRead = 0x1 // mfRead ([MS-OXCMSG] 2.2.1.6)

// version is a key of an item's change key and read state, or none where there is no change key.
func version(row mapi.Row) key {
	if len(row.Values) <= len(identityColumns) {
		return key{}
	}
	change, _ := row.Values[len(identityColumns)].([]byte)
	flags, _ := row.Values[len(identityColumns)+1].(int32)
	if len(change) == 0 {
		return key{}
	}
	return keyOf(append(slices.Clone(change), byte(flags&flagRead)))
}

// rival is an item of the destination that has the identity of one of the source.
type rival struct {
	id  mapi.EntryID
	sum [32]byte
}

// knownItem is an item as its row tells of it.
type knownItem struct {
	identity
	version key
	id      mapi.EntryID
}

// knowVersions is the rest of know for the policies that look at what is there already: each item of the destination that
// shares its identity with one of the source, and isn't the same version of it, is read, and so is each such item of the source when its turn
// comes. One of the same content stands for it; else it is a rival, which the policy decides about.
func (r *run) knowVersions(ctx context.Context, l *list, k *known, wanted, have []knownItem) error {
	type count struct{ source, search, title map[key]int }
	there := count{map[key]int{}, map[key]int{}, map[key]int{}}
	for _, h := range have {
		there.source[h.source]++
		there.search[h.search]++
		there.title[h.title]++
	}
	// Same version of the same item: nothing has to be read.
	versions := map[[2]key]int{}
	for _, h := range have {
		if h.source != (key{}) && h.version != (key{}) {
			versions[[2]key{h.source, h.version}]++
		}
	}
	k.source, k.search = map[key]bool{}, map[key]decision{}
	k.rivals, k.looked = map[key][]rival{}, map[key]bool{}
	unchanged := map[key]int{}
	for _, w := range wanted {
		if v := [2]key{w.source, w.version}; w.version != (key{}) && versions[v] > 0 {
			versions[v]--
			unchanged[w.source]++
		}
	}
	for id, n := range unchanged {
		if n == there.source[id] {
			k.source[id] = true
		}
	}
	shared := map[key]bool{} // identities of the source that the destination has
	for _, w := range wanted {
		if k.source[w.source] {
			continue
		}
		if w.source != (key{}) && there.source[w.source] > 0 {
			shared[w.source], k.looked[w.source] = true, true
		}
		switch { // besides: a copy that an earlier run put there has another source key
		case w.search != (key{}) && there.search[w.search] > 0:
			shared[w.search], k.search[w.search] = true, look
		case w.search == (key{}) && there.title[w.title] > 0:
			shared[w.title], k.noKey = true, true
		}
	}
	groups := map[mapi.EntryID][]key{}
	var ids []mapi.EntryID
	for _, h := range have {
		if k.source[h.source] {
			continue
		}
		var of []key
		for _, id := range []key{h.source, h.search, h.title} {
			if id != (key{}) && shared[id] {
				of = append(of, id)
			}
		}
		if len(of) > 0 {
			groups[h.id] = of
			ids = append(ids, h.id)
		}
	}
	k.digests = map[[32]byte]int{}
	for chunk := range slices.Chunk(ids, r.Batch) {
		sums, err := r.digestAll(ctx, l.dst, chunk)
		if err != nil {
			return err
		}
		for _, id := range chunk {
			sum, ok := sums[id]
			if !ok {
				continue // it is damaged: nothing stands for it
			}
			k.digests[sum]++
			for _, g := range groups[id] {
				k.rivals[g] = append(k.rivals[g], rival{id, sum})
			}
		}
	}
	return nil
}

// digestAll reads items of a folder. What cannot be read is left out.
func (r *run) digestAll(ctx context.Context, f mapi.Folder, ids []mapi.EntryID) (map[mapi.EntryID][32]byte, error) {
	sums := map[mapi.EntryID][32]byte{}
	for id, read := range mapi.ReadAll(ctx, f, ids) {
		var fp compare.Fingerprint
		if read(&fp) == nil {
			sums[id] = fp.Node().Core()
		}
	}
	for _, id := range ids {
		if _, ok := sums[id]; ok {
			continue
		}
		sum, err := r.digest(ctx, f, id)
		if systemic(err) || ctx.Err() != nil {
			return nil, err
		}
		if err == nil {
			sums[id] = sum
		}
	}
	return sums, nil
}

// rival takes an item of the destination that an item of the source is to replace: one of its identity that stands for no other. A title is no identity; two
// letters may have the same.
func (k *known) rival(of identity) (mapi.EntryID, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, g := range []key{of.source, of.search} {
		if g == (key{}) {
			continue
		}
		for i, v := range k.rivals[g] {
			if k.taken[v.id] || k.digests[v.sum] == 0 {
				continue
			}
			k.digests[v.sum]--
			if k.taken == nil {
				k.taken = map[mapi.EntryID]bool{}
			}
			k.taken[v.id] = true
			k.rivals[g] = slices.Delete(k.rivals[g], i, i+1)
			return v.id, true
		}
	}
	return "", false
}
