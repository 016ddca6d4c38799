// Package oxnspi holds the structures of the address book protocol [MS-OXNSPI] that both of its transports share.
package oxnspi

import "github.com/opencdo/opencdo/internal/oxcdata"

// Stat is the position in an address book table ([MS-OXNSPI] 2.2.8), 36 bytes.
type Stat struct {
	SortType       uint32 // SortDisplayName, ...
	ContainerID    uint32 // 0: the global address list
	CurrentRec     uint32 // a minimal id, or MidBeginning, MidCurrent, MidEnd
	Delta          int32
	NumPos         uint32
	TotalRecs      uint32
	CodePage       uint32
	TemplateLocale uint32
	SortLocale     uint32
}

// Sort types.
const (
	SortDisplayName         = 0
	SortPhoneticDisplayName = 3
)

// Special minimal ids ([MS-OXNSPI] 2.2.1.8), and the results of name resolution (2.2.1.9).
const (
	MidBeginning = 0
	MidCurrent   = 1
	MidEnd       = 2

	MidUnresolved = 0
	MidAmbiguous  = 1
	MidResolved   = 2

	// MidFirst is the lowest id that an object can have.
	MidFirst = 0x10
)

// Stat walks a STAT structure.
func (s *Stat) Code(c *oxcdata.Coder) {
	for _, p := range []*uint32{&s.SortType, &s.ContainerID, &s.CurrentRec} {
		c.U32(p)
	}
	c.I32(&s.Delta)
	for _, p := range []*uint32{&s.NumPos, &s.TotalRecs, &s.CodePage, &s.TemplateLocale, &s.SortLocale} {
		c.U32(p)
	}
}
