package transfer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// identityColumns are what items are known by before they are read.
var identityColumns = []mapi.Key{
	mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagMessageClass), mapi.TagKey(pid.TagSourceKey), mapi.TagKey(pid.TagSearchKey),
}

// key stands for a source key, a search key or a title: a hash, so that a folder of a million items takes little memory.
// The zero key stands for none.
type key [16]byte

func keyOf(b []byte) key {
	if len(b) == 0 {
		return key{}
	}
	h := sha256.Sum256(b)
	return key(h[:16])
}

func title(row mapi.Row) string {
	subject, _ := row.Values[0].(string)
	class, _ := row.Values[1].(string)
	return titleOf(subject, class)
}

func titleOf(subject, class string) string { return fmt.Sprintf("%q (%s)", subject, class) }

// identity is what is known of an item from its row.
type identity struct {
	source, search, title key
}

func identify(row mapi.Row) identity {
	source, _ := row.Values[2].([]byte)
	search, _ := row.Values[3].([]byte)
	return identity{keyOf(source), keyOf(search), keyOf([]byte(title(row)))}
}

// decision says what to do about an item of the source.
type decision uint8

const (
	take  decision = iota // copy it
	leave                 // the destination has it
	look                  // read it and see
)

// known is what the destination's folder held when the copy of a list began.
type known struct {
	all     bool         // take all, ask nothing
	source  map[key]bool // source keys of which both sides have equally many
	search  map[key]decision
	noKey   bool             // what lacks a search key is to be looked at
	present kin              // items of the destination; nil when not known
	took    kin              // copied since
	digests map[[32]byte]int // of the destination's items that have to be looked at
	// For the policies that look at what is there: source keys to be looked at, items of the destination by identities that
	// they share with items of the source, and those of them that were replaced.
	looked map[key]bool
	rivals map[key][]rival
	taken  map[mapi.EntryID]bool
	mu     sync.Mutex
	// writing is held shared while items may be in the destination that took doesn't count yet, and alone to look for one whose
	// commit was not answered: else another's could be taken for it.
	writing sync.RWMutex
}

// know lists what the destination has, compares it with what the source has, and reads what has to be looked at.
//
// Source keys name one item of one mailbox for good. Search keys are shared by copies of an item, and stay with it when it
// is copied to another store. Where as many items have a key on one side as on the other they are the same; where
// the numbers differ, or there is no key, a digest of the whole item decides.
func (r *run) know(ctx context.Context, l *list) (*known, error) {
	k := &known{took: kin{}, present: kin{}}
	if l.fresh || r.Policy == Append {
		k.all = true
		if !l.fresh {
			k.present = nil
		}
		return k, nil
	}
	var have []knownItem
	err := r.retry(ctx, func(int) error {
		have = nil
		for row, err := range l.dst.Rows(ctx, mapi.Query{Kind: l.kind, Columns: r.columns()}) {
			if err != nil {
				return err
			}
			have = append(have, knownItem{identify(row), version(row), row.ID})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(have) == 0 {
		k.all = true
		return k, nil
	}
	var wanted []knownItem
	err = r.retry(ctx, func(int) error {
		wanted = nil
		for row, err := range r.rows(ctx, l.src, l.kind) {
			if err != nil {
				return err
			}
			wanted = append(wanted, knownItem{identify(row), version(row), row.ID})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, h := range have {
		k.present.add(h.identity)
	}
	if r.Policy == Replace || r.Policy == Beside {
		return k, r.knowVersions(ctx, l, k, wanted, have)
	}

	balance := map[key][2]int{}
	tally := func(side int, id key) {
		if id != (key{}) {
			n := balance[id]
			n[side]++
			balance[id] = n
		}
	}
	for _, w := range wanted {
		tally(0, w.source)
	}
	for _, h := range have {
		tally(1, h.source)
	}
	k.source = map[key]bool{}
	for id, n := range balance {
		if n[0] == n[1] {
			k.source[id] = true
		}
	}
	wanted = slices.DeleteFunc(wanted, func(w knownItem) bool { return k.source[w.source] })
	have = slices.DeleteFunc(have, func(h knownItem) bool { return k.source[h.source] })

	clear(balance)
	titles := map[key]bool{} // of what lacks a search key
	for _, w := range wanted {
		tally(0, w.search)
		if w.search == (key{}) {
			titles[w.title] = true
		}
	}
	for _, h := range have {
		tally(1, h.search)
	}
	k.search, k.noKey = map[key]decision{}, len(titles) > 0
	for id, n := range balance {
		switch {
		case n[0] == n[1]:
			k.search[id] = leave
		case n[0] > 0 && n[1] > 0:
			k.search[id] = look
		}
	}
	k.digests = map[[32]byte]int{}
	for _, h := range have {
		d, shared := k.search[h.search]
		if d == look || !shared && titles[h.title] {
			sum, err := r.digest(ctx, l.dst, h.id)
			if systemic(err) || ctx.Err() != nil {
				return nil, err
			}
			if err == nil { // else it is damaged, and no copy of anything
				k.digests[sum]++
			}
		}
	}
	return k, nil
}

func (k *known) decide(row mapi.Row) decision {
	if k.all {
		return take
	}
	id := identify(row)
	switch {
	case k.source[id.source]:
		return leave
	case k.looked[id.source]:
		return look
	case id.search == (key{}):
		if k.noKey && len(k.digests) > 0 {
			return look
		}
		return take
	}
	return k.search[id.search]
}

// has tells whether the destination has an item with a digest that doesn't stand for another one of the source already.
func (k *known) has(sum [32]byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.digests[sum] == 0 {
		return false
	}
	k.digests[sum]--
	return true
}

func (r *run) digest(ctx context.Context, f mapi.Folder, id mapi.EntryID) (sum [32]byte, err error) {
	err = r.retry(ctx, func(int) error {
		var fp compare.Fingerprint
		if err := f.Read(ctx, id, &fp); err != nil {
			return err
		}
		sum = fp.Node().Core()
		return nil
	})
	return sum, err
}

// kin counts items that may be the same one: by their search keys, and by their titles because a store may make a search key
// for an item that came without.
type kin map[key]int

func (k kin) add(i identity) {
	k[i.title]++
	if i.search != (key{}) {
		k[i.search]++
	}
}

func (s *sink) identity() identity {
	return identity{search: keyOf(s.searchKey), title: keyOf([]byte(s.title))}
}

// committed notes that an item was written.
func (k *known) committed(s *sink) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.took.add(s.identity())
}

// landed tells whether an item is there whose commit was not answered: the destination has one more of its kin than is
// known of. If so, now it is known.
func (k *known) landed(ctx context.Context, l *list, s *sink) (bool, error) {
	if k.present == nil {
		return false, nil
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	by := s.identity().title
	q := mapi.Query{Kind: l.kind, Columns: identityColumns}
	if len(s.searchKey) > 0 {
		by = s.identity().search
		q.Where = mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagSearchKey), Value: s.searchKey}
	}
	there := kin{}
	for row, err := range l.dst.Rows(ctx, q) {
		if err != nil {
			return false, err
		}
		there.add(identify(row))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if there[by] <= k.present[by]+k.took[by] {
		return false, nil
	}
	k.took.add(s.identity())
	return true, nil
}

// refuses tells whether the destination cannot take items of a kind at all.
func refuses(err error) bool {
	return errors.Is(err, mapi.ErrNoSupport) || errors.Is(err, mapi.ErrNoAccess)
}
