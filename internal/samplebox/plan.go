package samplebox

import (
	"iter"
	"math"
)

// Block is the number of items in which every kind occurs in its share.
const Block = 200

// kind is a kind of item.
type kind struct {
	name  string
	share int // how many in each Block
	role  part
	make  func(*maker) Sample
}

// part is what a kind has to do with conversations.
type part uint8

const (
	alone   part = iota // nothing
	letter              // it is mail of one
	carrier             // and may carry a file of the pool
)

// slot is the place of one item: what is known of it before it is made.
type slot struct {
	index  int
	nth    int // how many of the kind come before it in its block
	kind   *kind
	thread int // conversation, for mail
	depth  int // place in it
	turn   int // how many mails come before it in its block
	file   int // index in the pool, or -1
}

const (
	longestThread  = 6
	filesPerBlock  = 14 // different files of the pool in a block
	copiesPerBlock = 3  // mails that carry each of them
	threadsInBlock = Block
)

// slots are those of the whole mailbox, in order.
func (b *box) slots() iter.Seq[slot] {
	return func(yield func(slot) bool) {
		for start := 0; start < b.Items; start += Block {
			for _, s := range b.block(start / Block) {
				if s.index >= b.Items || !yield(s) {
					return
				}
			}
		}
	}
}

// block plans the items of a block: kinds in random order, mail in conversations, files handed out.
func (b *box) block(n int) []slot {
	r := b.random("block", uint64(n))
	var slots []slot
	for i := range kinds {
		for nth := range kinds[i].share {
			slots = append(slots, slot{kind: &kinds[i], nth: nth, file: -1})
		}
	}
	r.Shuffle(len(slots), func(i, j int) { slots[i], slots[j] = slots[j], slots[i] })
	thread, left, depth := n*threadsInBlock-1, 0, 0
	var carriers []int
	turn := 0
	for i := range slots {
		s := &slots[i]
		s.index = n*Block + i
		if s.kind.role == alone {
			continue
		}
		s.turn, turn = turn, turn+1
		if s.kind.role == carrier {
			carriers = append(carriers, i)
		}
		if left == 0 {
			thread, depth = thread+1, 0
			left = 1 + int(math.Abs(r.NormFloat64())*1.4)
			left = min(left, longestThread)
		}
		s.thread, s.depth = thread, depth
		depth, left = depth+1, left-1
	}
	// One file of each stretch of sizes, so that blocks are of about the same size; places within the stretches go round by
	// the golden ratio, beginning among the large ones.
	_, place := math.Modf(0.85 + float64(n)*(math.Phi-1))
	r.Shuffle(len(carriers), func(i, j int) { carriers[i], carriers[j] = carriers[j], carriers[i] })
	for i := range min(filesPerBlock*copiesPerBlock, len(carriers)) {
		if i%copiesPerBlock == 0 {
			slots[carriers[i]].file = int((float64(i/copiesPerBlock) + place) * poolSize / filesPerBlock)
		} else {
			slots[carriers[i]].file = slots[carriers[i-1]].file
		}
	}
	return slots
}
