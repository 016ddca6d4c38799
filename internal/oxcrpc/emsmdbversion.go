package oxcrpc

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a client's or server's, such as 15.0.847.4040: major and minor number, build, revision. Versions compare as arrays
// do: by their first number that differs. Major and minor numbers are below 256 on the wire, builds below 0x8000.
type Version [4]uint16

// newVersionWords marks version words in the second form ([MS-OXCRPC] 3.1.4.1.3.1).
const newVersionWords = 0x8000

// VersionOf reads the three words of a version ([MS-OXCRPC] 3.1.4.1.3.1). The older form has no minor number.
func VersionOf(words [3]uint16) Version {
	if words[1]&newVersionWords == 0 {
		return Version{words[0], 0, words[1], words[2]}
	}
	return Version{words[0] >> 8, words[0] & 0xFF, words[1] &^ newVersionWords, words[2]}
}

// Words are the version in its three words, in the newer form, which has room for all of it.
func (v Version) Words() [3]uint16 {
	return [3]uint16{v[0]<<8 | v[1]&0xFF, v[2] | newVersionWords, v[3]}
}

// ParseVersion reads "15.0.847.4040", or what stands before it to a slash: "Outlook/15.0.847.4040".
func ParseVersion(s string) (v Version, err error) {
	text := s[strings.LastIndexByte(s, '/')+1:]
	parts := strings.Split(text, ".")
	if len(parts) != len(v) {
		return v, fmt.Errorf("version %q isn't four numbers", s)
	}
	for i, p := range parts {
		most := uint64([4]uint16{0xFF, 0xFF, newVersionWords - 1, 0xFFFF}[i])
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n > most {
			return v, fmt.Errorf("version %q: %q is no number up to %d", s, p, most)
		}
		v[i] = uint16(n)
	}
	return v, nil
}

// Compare is negative where v is older than o, positive where it is newer.
func (v Version) Compare(o Version) int {
	for i := range v {
		if v[i] != o[i] {
			return int(v[i]) - int(o[i])
		}
	}
	return 0
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d.%d", v[0], v[1], v[2], v[3]) }
