package oxocal

import (
	"crypto/rand"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// GlobalObjectID is the identity of a meeting in all calendars ([MS-OXOCAL] 2.2.1.27).
type GlobalObjectID struct {
	ByteArrayID      [16]byte
	YH, YL, Month, D uint8 // the day of an occurrence; zero for the whole
	Created          mapi.FileTime
	X                uint64
	Data             []byte
}

// meetingID begins every GlobalObjectID.
var meetingID = [16]byte{0x04, 0, 0, 0, 0x82, 0, 0xE0, 0, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08}

func (g *GlobalObjectID) code(c *oxcdata.Coder) {
	c.Fixed(g.ByteArrayID[:])
	for _, b := range []*uint8{&g.YH, &g.YL, &g.Month, &g.D} {
		c.U8(b)
	}
	created := int64(g.Created)
	c.I64(&created)
	g.Created = mapi.FileTime(created)
	c.U64(&g.X)
	c.Bytes32(&g.Data)
}

// DecodeGlobalObjectID reads one.
func DecodeGlobalObjectID(b []byte) (*GlobalObjectID, error) {
	g := &GlobalObjectID{}
	return g, oxcdata.Decode(oxcdata.ROP, b, func(c *oxcdata.Coder) { c.In("GlobalObjectID", g.code) })
}

// Encode is the reverse of DecodeGlobalObjectID.
func (g *GlobalObjectID) Encode() ([]byte, error) {
	return oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.In("GlobalObjectID", g.code) })
}

// NewGlobalObjectID is the identity of a new meeting.
func NewGlobalObjectID(now time.Time) *GlobalObjectID {
	g := &GlobalObjectID{ByteArrayID: meetingID, Created: mapi.NewFileTime(now), Data: make([]byte, 16)}
	rand.Read(g.Data)
	return g
}

// On is the identity of the occurrence of a day.
func (g GlobalObjectID) On(day Minutes) *GlobalObjectID {
	y, m, d := day.Clock().Date()
	g.YH, g.YL, g.Month, g.D = uint8(y>>8), uint8(y), uint8(m), uint8(d)
	return &g
}

// Clean is the identity of the whole meeting, PidLidCleanGlobalObjectId.
func (g GlobalObjectID) Clean() *GlobalObjectID {
	g.YH, g.YL, g.Month, g.D = 0, 0, 0, 0
	return &g
}
