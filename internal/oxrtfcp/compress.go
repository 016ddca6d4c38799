package oxrtfcp

import (
	"encoding/binary"
	"math"
)

// Store wraps RTF without compressing it ([MS-OXRTFCP] 2.3.3). It must be shorter than 4 GiB.
func Store(rtf []byte) []byte { return wrap(uncompressed, 0, len(rtf), rtf) }

// Compress compresses RTF with the choices of [MS-OXRTFCP] 2.3.3.2: at each point the longest match, and the first of equally long
// ones. RTF of 2 GiB or more is stored.
func Compress(rtf []byte) []byte {
	if len(rtf) > math.MaxInt32-dictionarySize {
		return Store(rtf)
	}
	c := compressor{buf: append([]byte(initialDictionary), rtf...)}
	for i := range initialDictionary {
		c.remember(i)
	}
	for pos := len(initialDictionary); pos < len(c.buf); {
		match, length := c.longest(pos)
		if length < minMatch {
			c.literal(c.buf[pos])
			length = 1
		} else {
			c.reference(match, length)
		}
		for range length {
			c.remember(pos)
			pos++
		}
	}
	c.reference(len(c.buf), minMatch) // to where the next byte would go: the end mark
	var crc uint32
	for _, b := range c.out {
		crc = updateCRC(crc, b)
	}
	return wrap(compressed, crc, len(rtf), c.out)
}

func wrap(kind, crc uint32, rawSize int, contents []byte) []byte {
	h := header{uint32(len(contents) + compSizeBase), uint32(rawSize), kind, crc}
	value, _ := binary.Append(make([]byte, 0, headerSize+len(contents)), order, &h) // its size is fixed: no error
	return append(value, contents...)
}

// compressor finds matches by lists of the positions in the dictionary at which the same two bytes stand, oldest first. Positions
// count from the start of buf, with 1 as the first so that 0 is none; by the dictionary's size they give the place in it.
type compressor struct {
	buf         []byte // initial dictionary and RTF
	first, last [1 << 16]int32
	next        [dictionarySize]int32

	out     []byte
	control int // where in out the run's control byte is
	tokens  int // of the run
}

// pair is the number of the list for a position.
func (c *compressor) pair(pos int) int { return int(c.buf[pos])<<8 | int(c.buf[pos+1]) }

// remember adds a position to its list and takes the one that leaves the dictionary out of its own, where it is the oldest.
func (c *compressor) remember(pos int) {
	if pos+1 == len(c.buf) {
		return
	}
	slot := &c.next[pos%dictionarySize]
	if pos >= dictionarySize {
		c.first[c.pair(pos-dictionarySize)] = *slot
	}
	*slot = 0
	pair := c.pair(pos)
	if c.first[pair] == 0 {
		c.first[pair] = int32(pos + 1)
	} else {
		c.next[(c.last[pair]-1)%dictionarySize] = int32(pos + 1)
	}
	c.last[pair] = int32(pos + 1)
}

// longest returns the longest match for what stands at pos, and of several equally long ones the oldest
// ([MS-OXRTFCP] 2.3.3.2.1). A match may run into what it stands for.
func (c *compressor) longest(pos int) (match, length int) {
	if pos+1 == len(c.buf) {
		return 0, 0
	}
	want := c.buf[pos:min(pos+maxMatch, len(c.buf))]
	for next := c.first[c.pair(pos)]; next != 0 && length < len(want); {
		from := int(next - 1)
		next = c.next[from%dictionarySize]
		if from == pos-dictionarySize {
			continue // a reference to there is the end mark
		}
		n := minMatch
		for n < len(want) && c.buf[from+n] == want[n] {
			n++
		}
		if n > length {
			match, length = from, n
		}
	}
	return match, length
}

func (c *compressor) token(isReference bool) {
	if c.tokens%8 == 0 {
		c.control = len(c.out)
		c.out = append(c.out, 0)
	}
	if isReference {
		c.out[c.control] |= 1 << (c.tokens % 8)
	}
	c.tokens++
}

func (c *compressor) literal(b byte) {
	c.token(false)
	c.out = append(c.out, b)
}

func (c *compressor) reference(match, length int) {
	c.token(true)
	offset := match % dictionarySize
	c.out = binary.BigEndian.AppendUint16(c.out, uint16(offset<<4|(length-minMatch)))
}
