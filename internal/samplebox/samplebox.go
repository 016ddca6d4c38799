// Package samplebox makes a mailbox of an invented company for demonstrations and measurements: mail in ten scripts,
// meetings, contacts, tasks, notes, reports, settings. What it makes depends on the seed and on nothing else: item n of a
// mailbox is the same however many items follow it.
//
// Items come in blocks of [Block]. Each block holds every kind of item in fixed shares, so a mailbox of at least one block
// has all kinds and a larger one the same mixture.
package samplebox

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// Options says what to make. Only Items has to be set.
type Options struct {
	Items int    // how many, associated items counted among them
	Seed  uint64 // another seed makes another mailbox
	// Owner is whose mailbox it is; the zero value is an invented employee.
	Owner Owner
	// Progress, when set, is called from one goroutine at a time.
	Progress func(done, total int)
}

// Owner is the person whose mailbox it is.
type Owner struct {
	Name     string
	SMTP     string
	LegacyDN string // legacyExchangeDN
}

// Sample is an item and where it belongs.
type Sample struct {
	Name string    // what it is: "plain mail", "recurring appointment"
	Role mapi.Role // a special folder
	Path []string  // names of folders below it, to be made where missing
	Kind mapi.Kind
	Item *mapi.Item
}

// Items makes the samples one after the other. The loop may keep them; nothing of them is used again.
func Items(o Options) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		b := newBox(o)
		for s := range b.slots() {
			if !yield(b.sample(s)) {
				return
			}
		}
	}
}

// baseDate is the newest moment in a mailbox: fixed, so that a seed means the same mailbox for ever.
var baseDate = time.Date(2026, time.October, 30, 16, 0, 0, 0, time.UTC)

// years is how far back a mailbox goes.
const years = 3

// box is what all items of a mailbox share. It isn't changed once it is made.
type box struct {
	Options
	owner  person
	people []person // of the company
	others []person // of its customers and suppliers
	pool   []poolFile
}

func newBox(o Options) *box {
	b := &box{Options: o}
	b.employ()
	b.pool = newPool(b.random("pool", 0))
	return b
}

// random is a source of its own for each purpose and number, so that items don't depend on each other.
func (b *box) random(purpose string, n uint64) *rand.Rand {
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range []byte(purpose) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(b.Seed^h, mix(n^h)))
}

// mix spreads the bits of n (the finalizer of SplitMix64).
func mix(n uint64) uint64 {
	n = (n ^ n>>30) * 0xBF58476D1CE4E5B9
	n = (n ^ n>>27) * 0x94D049BB133111EB
	return n ^ n>>31
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// chance is true in one of n cases.
func chance(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		v := r.Uint64()
		b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56))
	}
	return b[:n:n]
}

// sample makes the item of a slot.
func (b *box) sample(s slot) (Sample, error) {
	m := &maker{box: b, slot: s, r: b.random("item", uint64(s.index))}
	out := s.kind.make(m)
	out.Name = s.kind.name
	m.finish(&out)
	return out, m.err
}

// maker makes one item.
type maker struct {
	*box
	slot
	r   *rand.Rand
	err error // the first
}

// Fill writes a mailbox into a store, which must have the special folders. Folders below them are made. It holds a few
// items in memory at a time and writes them in their order.
func Fill(ctx context.Context, st mapi.Store, o Options) (Counts, error) {
	return newBox(o).fill(ctx, st)
}
