package oxcfxics

import (
	"fmt"
	"slices"
)

// Commands of a GLOBSET ([MS-OXCFXICS] 2.2.2.6). Push1 to Push6 are 0x01 to 0x06.
const (
	globEnd     = 0x00
	globBitmask = 0x42
	globPop     = 0x50
	globRange   = 0x52

	globBytes = 6 // of a counter, high-order bytes first
)

// decodeGlobset reads a GLOBSET from the start of b: its ranges as they come, and how many bytes it took.
func decodeGlobset(b []byte) ([]Range, int, error) {
	var (
		ranges []Range
		common []byte // the stack of high-order bytes
		pushed []int  // how many each push put there
		off    int
	)
	fail := func(format string, args ...any) ([]Range, int, error) {
		return nil, 0, &FormatError{Offset: int64(off), Reason: "GLOBSET: " + fmt.Sprintf(format, args...)}
	}
	for off < len(b) {
		cmd, arg := b[off], b[off+1:]
		used := 0
		switch {
		case cmd == globEnd:
			if len(common) > 0 {
				return fail("end with %d bytes on the stack", len(common))
			}
			return ranges, off + 1, nil
		case cmd <= globBytes:
			used = int(cmd)
			if len(arg) < used || len(common)+used > globBytes {
				return fail("push of %d bytes onto %d, %d left", used, len(common), len(arg))
			}
			if len(common)+used == globBytes { // a whole counter is taken off at once
				c := counterOf(common, arg[:used])
				ranges = append(ranges, Range{c, c})
				break
			}
			common = append(common, arg[:used]...)
			pushed = append(pushed, used)
		case cmd == globPop:
			if len(pushed) == 0 {
				return fail("pop from an empty stack")
			}
			common = common[:len(common)-pushed[len(pushed)-1]]
			pushed = pushed[:len(pushed)-1]
		case cmd == globBitmask:
			used = 2
			if len(arg) < used || len(common) != globBytes-1 {
				return fail("bitmask with %d bytes on the stack, %d left", len(common), len(arg))
			}
			low := counterOf(common, arg[:1])
			ranges = append(ranges, Range{low, low})
			for i := range uint64(8) {
				if arg[1]>>i&1 == 0 {
					continue
				}
				c := low + 1 + i
				if c>>8 != low>>8 {
					return fail("bitmask 0x%02x from 0x%02x goes beyond a byte", arg[1], arg[0])
				}
				if last := &ranges[len(ranges)-1]; last.High == c-1 {
					last.High = c
				} else {
					ranges = append(ranges, Range{c, c})
				}
			}
		case cmd == globRange:
			n := globBytes - len(common)
			used = 2 * n
			if len(arg) < used {
				return fail("range of %d bytes, %d left", used, len(arg))
			}
			r := Range{counterOf(common, arg[:n]), counterOf(common, arg[n:used])}
			if r.Low > r.High {
				return fail("range from 0x%x down to 0x%x", r.Low, r.High)
			}
			ranges = append(ranges, r)
		default:
			return fail("command 0x%02x", cmd)
		}
		off += 1 + used
	}
	return fail("no end")
}

// counterOf joins the high-order and low-order bytes of a counter.
func counterOf(high, low []byte) (c uint64) {
	for _, x := range high {
		c = c<<8 | uint64(x)
	}
	for _, x := range low {
		c = c<<8 | uint64(x)
	}
	return c
}

// appendCounter appends the low-order bytes of a counter, from the given depth of the stack on.
func appendCounter(dst []byte, c uint64, depth int) []byte {
	for i := depth; i < globBytes; i++ {
		dst = append(dst, counterByte(c, i))
	}
	return dst
}

// counterByte is byte i of a counter, high-order bytes first.
func counterByte(c uint64, i int) byte { return byte(c >> (8 * (globBytes - 1 - i))) }

// sharedBytes is how many high-order bytes two counters have in common.
func sharedBytes(a, b uint64) int {
	n := 0
	for n < globBytes && counterByte(a, n) == counterByte(b, n) {
		n++
	}
	return n
}

// encodeGlobset appends a set as a GLOBSET.
func encodeGlobset(dst []byte, s RangeSet) []byte {
	return append(encodeRanges(dst, s, 0), globEnd)
}

// encodeRanges appends ranges that have depth high-order bytes in common, which are on the stack.
func encodeRanges(dst []byte, s RangeSet, depth int) []byte {
	for len(s) > 0 {
		if depth == globBytes-1 {
			n := 0
			dst, n = encodeBytes(dst, s)
			s = s[n:]
			continue
		}
		// What lies under one value of the next byte goes together, with a push of all that it has in common.
		first := s[0]
		n := 0
		for n < len(s) && sharedBytes(first.Low, s[n].High) > depth {
			n++
		}
		if n == 0 {
			dst = appendRange(dst, first, depth)
			s = s[1:]
			continue
		}
		shared := sharedBytes(first.Low, s[n-1].High)
		// A push and its pop cost two bytes more than what is pushed, a range saves that much twice.
		switch {
		case shared == globBytes:
			dst = appendCounter(append(dst, byte(globBytes-depth)), first.Low, depth)
		case n == 1 && shared-depth <= 2:
			dst = appendRange(dst, first, depth)
		default:
			dst = append(dst, byte(shared-depth))
			for i := depth; i < shared; i++ {
				dst = append(dst, counterByte(first.Low, i))
			}
			dst = append(encodeRanges(dst, s[:n], shared), globPop)
		}
		s = s[n:]
	}
	return dst
}

func appendRange(dst []byte, r Range, depth int) []byte {
	return appendCounter(appendCounter(append(dst, globRange), r.Low, depth), r.High, depth)
}

// encodeBytes appends the first range or ranges of a set whose counters differ in their last byte only, and tells how many
// those are. A bitmask has room for nine counters in a row.
func encodeBytes(dst []byte, s RangeSet) ([]byte, int) {
	low := s[0].Low
	n, mask := 0, byte(0)
	for n < len(s) && s[n].High <= low+8 {
		for c := max(s[n].Low, low+1); c <= s[n].High; c++ {
			mask |= 1 << (c - low - 1)
		}
		n++
	}
	switch {
	case n > 1:
		return append(dst, globBitmask, byte(low), mask), n
	case s[0].Low == s[0].High:
		return append(dst, 1, byte(low)), 1
	}
	return appendRange(dst, s[0], globBytes-1), 1
}

// Equal reports whether the sets are the same. They have ranges then, since ranges never touch.
func (s RangeSet) Equal(o RangeSet) bool { return slices.Equal(s, o) }
