package oxcrpc

import (
	"encoding/binary"
	"math/bits"
)

// DIRECT2 ([MS-OXCRPC] 3.1.4.1.1.2.2) is the plain LZ77 format of [MS-XCA] 2.3: 32-bit words of flags, from the most
// significant bit one for each token that follows: 0 a literal byte, 1 a match of distance 1 to 8192 and length 3 and more.
const (
	minMatch    = 3
	maxDistance = 1 << 13

	tokenLength  = 7   // the three length bits of a token; more continues in
	nibbleLength = 15  // half a byte, which two long matches share,
	byteLength   = 255 // then a byte, then 16 and 32 bits that hold the whole length
)

// Decompress appends size bytes to dst that DIRECT2 made src of. Bytes of src that aren't needed for them are ignored:
// encoders may leave a word of flags without tokens at the end.
func Decompress(dst, src []byte, size int) ([]byte, error) {
	start, end := len(dst), len(dst)+size
	if cap(dst) < end {
		dst = append(make([]byte, 0, end), dst...)
	}
	d := direct2{src: src}
	flags, left := uint32(0), 0
	for len(dst) < end {
		if left == 0 {
			if len(src)-d.in < 4 {
				return nil, d.bad("%d of %d bytes expanded", len(dst)-start, size)
			}
			flags, left = binary.LittleEndian.Uint32(src[d.in:]), 32
			d.in += 4
		}
		// A run of literals at once.
		if n := min(bits.LeadingZeros32(flags), left, end-len(dst)); n > 0 {
			if len(src)-d.in < n {
				return nil, d.bad("%d of %d bytes expanded", len(dst)-start, size)
			}
			dst = append(dst, src[d.in:d.in+n]...)
			d.in += n
			flags <<= n
			left -= n
			continue
		}
		flags <<= 1
		left--
		distance, length, ok := d.match()
		if !ok {
			return nil, d.bad("%d of %d bytes expanded", len(dst)-start, size)
		}
		if distance > len(dst)-start {
			return nil, d.bad("match %d bytes back after %d", distance, len(dst)-start)
		}
		if length < minMatch || length > end-len(dst) {
			return nil, d.bad("match of %d bytes where %d fit", length, end-len(dst))
		}
		dst = appendMatch(dst, distance, length)
	}
	return dst, nil
}

// direct2 reads tokens.
type direct2 struct {
	src    []byte
	in     int
	nibble int // where the next long match finds its nibble, if half
	half   bool
}

func (d *direct2) bad(format string, args ...any) error {
	return malformed("DIRECT2 ([MS-OXCRPC] 3.1.4.1.1.2.2)", d.in, format, args...)
}

// match reads a match token; ok is false when the input ends in it.
func (d *direct2) match() (distance, length int, ok bool) {
	src := d.src
	if len(src)-d.in < 2 {
		return 0, 0, false
	}
	token := int(binary.LittleEndian.Uint16(src[d.in:]))
	d.in += 2
	distance, length = token>>3+1, token&tokenLength
	if length < tokenLength {
		return distance, length + minMatch, true
	}
	if d.half {
		length = int(src[d.nibble] >> 4)
	} else {
		if d.in == len(src) {
			return 0, 0, false
		}
		d.nibble = d.in
		d.in++
		length = int(src[d.nibble] & 0x0F)
	}
	d.half = !d.half
	if length < nibbleLength {
		return distance, length + tokenLength + minMatch, true
	}
	if d.in == len(src) {
		return 0, 0, false
	}
	length = int(src[d.in])
	d.in++
	if length < byteLength {
		return distance, length + nibbleLength + tokenLength + minMatch, true
	}
	if len(src)-d.in < 2 {
		return 0, 0, false
	}
	length = int(binary.LittleEndian.Uint16(src[d.in:]))
	d.in += 2
	if length == 0 {
		if len(src)-d.in < 4 {
			return 0, 0, false
		}
		length = int(binary.LittleEndian.Uint32(src[d.in:]))
		d.in += 4
	}
	return distance, length + minMatch, true
}

// appendMatch copies length bytes from distance back; both may overlap.
func appendMatch(dst []byte, distance, length int) []byte {
	from := len(dst) - distance
	for length > distance {
		dst = append(dst, dst[from:]...)
		length -= distance
		distance *= 2
	}
	return append(dst, dst[from:from+length]...)
}

// Compress appends src to dst in DIRECT2. The result may be larger than src.
func Compress(dst, src []byte) []byte {
	const hashBits = 13
	var last [1 << hashBits]int32 // position + 1 of the last 4 bytes with a hash
	e := encoder{out: dst}
	e.word()
	i := 0
	for i+4 <= len(src) {
		v := binary.LittleEndian.Uint32(src[i:])
		h := v * 2654435761 >> (32 - hashBits) // Knuth's multiplicative hash
		j := int(last[h]) - 1
		last[h] = int32(i + 1)
		if j < 0 || i-j > maxDistance || binary.LittleEndian.Uint32(src[j:]) != v {
			e.literal(src[i])
			i++
			continue
		}
		n := 4 + commonPrefix(src[j+4:], src[i+4:])
		e.match(i-j, n)
		// Positions in the match are remembered sparsely: all of them cost more than they find.
		for k := i + 1; k < min(i+n, i+8) && k+4 <= len(src); k++ {
			last[binary.LittleEndian.Uint32(src[k:])*2654435761>>(32-hashBits)] = int32(k + 1)
		}
		i += n
	}
	for ; i < len(src); i++ {
		e.literal(src[i])
	}
	return e.finish()
}

// commonPrefix is how far b begins like a.
func commonPrefix(a, b []byte) int {
	n := 0
	for len(b)-n >= 8 && len(a)-n >= 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < len(b) && n < len(a) && a[n] == b[n] {
		n++
	}
	return n
}

// encoder writes tokens.
type encoder struct {
	out    []byte
	at     int // of the word of flags being filled
	flags  uint32
	count  int
	nibble int // of a half-filled byte of lengths, 0: none
}

// word begins a word of flags.
func (e *encoder) word() {
	e.at = len(e.out)
	e.out = append(e.out, 0, 0, 0, 0)
	e.flags, e.count = 0, 0
}

// flag adds a flag; the word for the next one stands before its token.
func (e *encoder) flag(f uint32) {
	if e.count == 32 {
		binary.LittleEndian.PutUint32(e.out[e.at:], e.flags)
		e.word()
	}
	e.flags = e.flags<<1 | f
	e.count++
}

func (e *encoder) literal(b byte) {
	e.flag(0)
	e.out = append(e.out, b)
}

func (e *encoder) match(distance, length int) {
	e.flag(1)
	length -= minMatch
	token := uint16(distance-1) << 3
	if length < tokenLength {
		e.out = binary.LittleEndian.AppendUint16(e.out, token|uint16(length))
		return
	}
	e.out = binary.LittleEndian.AppendUint16(e.out, token|tokenLength)
	nibble := byte(min(length-tokenLength, nibbleLength))
	if e.nibble == 0 {
		e.nibble = len(e.out)
		e.out = append(e.out, nibble)
	} else {
		e.out[e.nibble] |= nibble << 4
		e.nibble = 0
	}
	if nibble < nibbleLength {
		return
	}
	if rest := length - tokenLength - nibbleLength; rest < byteLength {
		e.out = append(e.out, byte(rest))
		return
	}
	e.out = append(e.out, byteLength)
	if length <= 0xFFFF {
		e.out = binary.LittleEndian.AppendUint16(e.out, uint16(length))
		return
	}
	e.out = binary.LittleEndian.AppendUint16(e.out, 0)
	e.out = binary.LittleEndian.AppendUint32(e.out, uint32(length))
}

// finish fills the last word: flags that aren't used are 1.
func (e *encoder) finish() []byte {
	unused := 32 - e.count
	binary.LittleEndian.PutUint32(e.out[e.at:], e.flags<<unused|(1<<unused-1))
	return e.out
}
