package mime

// narrow tells whether text in a code page of eastern Asia is also text of the smaller standard whose name the code page has in
// MIME: 936 is called gb2312, 932 shift_jis, 949 ks_c_5601-1987, 950 big5. Programs that go by the standard refuse what Windows
// has added.
func narrow(page int, b []byte) bool {
	r, ok := standards[page]
	if !ok {
		return true
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c < 0x80 || c >= r.single[0] && c <= r.single[1] {
			continue
		}
		if i++; i == len(b) || c < r.lead[0] || c > r.lead[1] || c >= r.hole[0] && c <= r.hole[1] || b[i] < r.trail {
			return false
		}
	}
	return true
}

// standards are the bytes that characters of the standards consist of: the first of two bytes, from and to, but for a hole, and the
// least second one; and single bytes.
var standards = map[int]struct {
	lead, hole, single [2]byte
	trail              byte
}{
	932: {lead: [2]byte{0x81, 0xEA}, hole: [2]byte{0x85, 0x87}, single: [2]byte{0xA1, 0xDF}, trail: 0x40},
	936: {lead: [2]byte{0xA1, 0xF7}, hole: [2]byte{0xA6, 0xAF}, single: [2]byte{0xFF, 0xFE}, trail: 0xA1},
	949: {lead: [2]byte{0xA1, 0xFD}, hole: [2]byte{0xC9, 0xC9}, single: [2]byte{0xFF, 0xFE}, trail: 0xA1},
	950: {lead: [2]byte{0xA1, 0xF9}, hole: [2]byte{0xA3, 0xA3}, single: [2]byte{0xFF, 0xFE}, trail: 0x40},
}
