package oxcfxics

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// ProgressInformation says how much a synchronization of contents will send ([MS-OXCFXICS] 2.2.2.7).
type ProgressInformation struct {
	Version                uint16 // 0
	FAIMessageCount        uint32
	FAIMessageTotalSize    uint64
	NormalMessageCount     uint32
	NormalMessageTotalSize uint64
	reserved               uint16
	reserved2              uint32
}

func (p *ProgressInformation) code(c *oxcdata.Coder) {
	c.In("ProgressInformation ([MS-OXCFXICS] 2.2.2.7)", func(c *oxcdata.Coder) {
		c.U16(&p.Version)
		c.U16(&p.reserved)
		c.U32(&p.FAIMessageCount)
		c.U64(&p.FAIMessageTotalSize)
		c.U32(&p.NormalMessageCount)
		c.U32(&p.reserved2)
		c.U64(&p.NormalMessageTotalSize)
	})
}

// PropertyGroupInfo maps properties to groups that change together ([MS-OXCFXICS] 2.2.2.8).
type PropertyGroupInfo struct {
	GroupID  uint32 // of the mapping
	Groups   [][]GroupProperty
	reserved uint32
}

// GroupProperty is a property of a group; Name is set where the tag has a named id.
type GroupProperty struct {
	Tag  mapi.Tag
	Name mapi.PropName
}

func (p *PropertyGroupInfo) code(c *oxcdata.Coder) {
	c.In("PropertyGroupInfo ([MS-OXCFXICS] 2.2.2.8)", func(c *oxcdata.Coder) {
		c.U32(&p.GroupID)
		c.U32(&p.reserved)
		oxcdata.List32(c, &p.Groups, 4, func(c *oxcdata.Coder, g *[]GroupProperty) {
			oxcdata.List32(c, g, 4, func(c *oxcdata.Coder, p *GroupProperty) { p.code(c) })
		})
	})
}

func (p *GroupProperty) code(c *oxcdata.Coder) {
	c.Tag(&p.Tag)
	if p.Tag.ID() < firstNamedID {
		return
	}
	c.GUID(&p.Name.Set)
	kind := uint32(0)
	if p.Name.Name != "" {
		kind = 1
	}
	c.U32(&kind)
	if kind == 0 {
		c.U32(&p.Name.LID)
		return
	}
	// The specification leaves open whether the terminator counts; as in other names, it is written and not demanded.
	var name []byte
	if c.Encoding() {
		name = stringForm.put(nil, p.Name.Name)
	}
	c.Bytes32(&name)
	p.Name.Name = mapi.DecodeUTF16(stringForm.trim(name))
}

// FolderReplicaInfo says where the contents of a public folder are ([MS-OXCFXICS] 2.2.2.9).
type FolderReplicaInfo struct {
	Flags            uint32 // 0
	Depth            uint32 // 0
	Folder           oxcdata.LongTermID
	CheapServerCount uint32 // of the first servers
	Servers          []mapi.String8
}

func (p *FolderReplicaInfo) code(c *oxcdata.Coder) {
	c.In("FolderReplicaInfo ([MS-OXCFXICS] 2.2.2.9)", func(c *oxcdata.Coder) {
		c.U32(&p.Flags)
		c.U32(&p.Depth)
		c.LongTermID(&p.Folder)
		n := c.Len32(len(p.Servers))
		c.U32(&p.CheapServerCount)
		oxcdata.ListN(c, n, &p.Servers, 1, (*oxcdata.Coder).SZ)
	})
}

// ExtendedErrorInfo says what could not be sent ([MS-OXCFXICS] 2.2.2.10).
type ExtendedErrorInfo struct {
	Version  uint16 // 0
	Code     mapi.Code
	Folder   oxcdata.GlobalID
	Message  oxcdata.GlobalID
	Aux      []byte // blocks of diagnostics
	reserved uint16
	rest     [24]byte
}

// extendedErrorInfoSize is where the aux blocks stand if nothing lies between.
const extendedErrorInfoSize = 2 + 2 + 4 + 22 + 22 + 24 + 4 + 4

func (p *ExtendedErrorInfo) code(c *oxcdata.Coder) {
	c.In("ExtendedErrorInfo ([MS-OXCFXICS] 2.2.2.10)", func(c *oxcdata.Coder) {
		c.U16(&p.Version)
		c.U16(&p.reserved)
		c.Code(&p.Code)
		c.GlobalID(&p.Folder)
		c.GlobalID(&p.Message)
		c.Fixed(p.rest[:])
		n := c.Len32(len(p.Aux))
		at := uint32(0)
		if n > 0 {
			at = extendedErrorInfoSize
		}
		c.U32(&at)
		if n > 0 {
			var gap []byte
			c.Raw(int(at)-extendedErrorInfoSize, &gap)
			c.Raw(n, &p.Aux)
		}
	})
}
