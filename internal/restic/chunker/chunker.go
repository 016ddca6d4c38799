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
	c.pos, c.count, c.digest = 0, 0, 0
	if c.tables != nil {
		// A leading 1 keeps runs of zeros from having the fingerprint 0, which would cut them everywhere.
		c.slide(1)
	}
}

func (c *Chunker) slide(b byte) {
	out := c.window[c.pos]
	c.window[c.pos] = b
	c.pos = (c.pos + 1) % windowSize
	d := c.digest ^ c.tables.out[out]
	c.digest = (d<<8 | Polynomial(b)) ^ c.tables.mod[byte(d>>c.shift)]
}

// Next takes bytes from p up to the next cut point. It returns how many it took and whether the piece
// ends behind them; where it doesn't, all of p was taken and the piece goes on.
func (c *Chunker) Next(p []byte) (n int, cut bool) {
	// Bytes that have left the window by the time the first cut is possible needn't be looked at.
	if skip := MinSize - windowSize - c.count; skip > 0 {
		n = min(skip, len(p))
		c.count += n
	}
	if c.tables == nil {
		taken := min(MaxSize-c.count, len(p)-n)
		c.count += taken
		n += taken
	} else {
		for ; n < len(p); n++ {
			c.slide(p[n])
			c.count++
			if c.count >= MinSize && (c.digest&splitMask == 0 || c.count >= MaxSize) {
				n++
				c.Reset()
				return n, true
			}
		}
	}
	if c.count >= MaxSize {
		c.Reset()
		return n, true
	}
	return n, false
}
