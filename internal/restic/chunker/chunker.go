// Package chunker cuts a stream of bytes into pieces at places its content decides, so that an
// insertion or removal changes only the pieces around it. It finds the same places as restic does:
// where the Rabin fingerprint of the last 64 bytes, modulo an irreducible polynomial that is random
// in each repository, ends in 20 zero bits.
package chunker

const (
	MinSize = 512 << 10 // no piece but the last is smaller
	MaxSize = 8 << 20   // no piece is larger

	windowSize = 64
	// splitMask gives pieces of 1 MiB on average beyond the minimum.
	splitMask = 1<<20 - 1
)

// tables make sliding the window by one byte two look-ups.
type tables struct {
	out [256]Polynomial // fingerprint of a byte followed by windowSize-1 zeros
	mod [256]Polynomial // what reduces a fingerprint whose top 8 bits are the index
}

// A Chunker finds cut points in bytes handed to it piece by piece. It isn't safe for concurrent use.
type Chunker struct {
	tables *tables
	shift  uint // brings a fingerprint's top 8 bits down
	window [windowSize]byte
	pos    int
	digest Polynomial
	count  int // bytes since the last cut
}

// New returns a chunker for a polynomial, whose degree must be 9 at least and 55 at most, as all that
// RandomPolynomial makes are; any other cuts at MaxSize only.
func New(p Polynomial) *Chunker {
	c := new(Chunker)
	if d := p.Degree(); d > 8 && d <= 55 {
		c.tables, c.shift = makeTables(p), uint(d-8)
	}
	c.Reset()
	return c
}

func makeTables(p Polynomial) *tables {
	t := new(tables)
	for b := range Polynomial(256) {
		h := b.mod(p)
		for range windowSize - 1 {
			h = (h << 8).mod(p)
		}
		t.out[b] = h
		top := b << p.Degree()
		t.mod[b] = top.mod(p) | top
	}
	return t
}

// Reset begins a new piece.
func (c *Chunker) Reset() {
	c.window = [windowSize]byte{}
	c.count = 0
	// A leading 1, whose fingerprint is 1, as restic has it.
	c.window[0], c.pos, c.digest = 1, 1, 1
}

// Next takes bytes from p up to the next cut point. It returns how many it took and whether the piece
// ends behind them; where it doesn't, all of p was taken and the piece goes on.
func (c *Chunker) Next(p []byte) (n int, cut bool) {
	// Bytes that have left the window by the time the first cut is possible needn't be looked at.
	if skip := MinSize - windowSize - c.count; skip > 0 {
		n = min(skip, len(p))
		c.count += n
	}
	limit := n + min(MaxSize-c.count, len(p)-n)
	if c.tables == nil {
		c.count += limit - n
		n = limit
	} else {
		n = c.scan(p, n, limit)
	}
	if c.count >= MaxSize || c.count >= MinSize && c.tables != nil && c.digest&splitMask == 0 {
		c.Reset()
		return n, true
	}
	return n, false
}

// scan slides the window over p[from:limit] up to a cut point and returns where it stopped.
func (c *Chunker) scan(p []byte, from, limit int) int {
	t, shift, pos, digest := c.tables, c.shift, c.pos, c.digest
	n := from
	for n < limit {
		b := p[n]
		d := digest ^ t.out[c.window[pos]]
		c.window[pos] = b
		pos = (pos + 1) % windowSize
		digest = (d<<8 | Polynomial(b)) ^ t.mod[byte(d>>shift)]
		n++
		if digest&splitMask == 0 && c.count+n-from >= MinSize {
			break
		}
	}
	c.count += n - from
	c.pos, c.digest = pos, digest
	return n
}
