package comserver

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// GUID is a class, interface or library id, laid out in memory as Windows has it.
type GUID struct {
	Data1 uint32
	Data2 uint16
	Data3 uint16
	Data4 [8]byte
}

// ParseGUID reads "{3FA7DEB3-6438-101B-ACC1-00AA00423326}", with or without the braces.
func ParseGUID(s string) (GUID, error) {
	t := strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	b, err := hex.DecodeString(strings.ReplaceAll(t, "-", ""))
	if err != nil || len(t) != 36 || len(b) != 16 {
		return GUID{}, fmt.Errorf("comserver: %.60q isn't a GUID", s)
	}
	return GUID{
		Data1: uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]),
		Data2: uint16(b[4])<<8 | uint16(b[5]),
		Data3: uint16(b[6])<<8 | uint16(b[7]),
		Data4: [8]byte(b[8:]),
	}, nil
}

// MustGUID is [ParseGUID] for constants. It panics where the text is none.
func MustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}

// String is the form of the registry, with braces and upper-case digits.
func (g GUID) String() string {
	return fmt.Sprintf("{%08X-%04X-%04X-%X-%X}", g.Data1, g.Data2, g.Data3, g.Data4[:2], g.Data4[2:])
}
