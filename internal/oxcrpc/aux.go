package oxcrpc

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Auxiliary buffers ([MS-OXCRPC] 2.2.2.2) carry blocks of information that neither side has to understand. Their extended
// buffer is packed and unpacked as that of ROPs is.

// Block is a block of an auxiliary buffer: one of the Aux types, [AuxRaw] where the type is not known here.
type Block interface {
	kind() (version, typ uint8)
	code(*oxcdata.Coder)
}

// AuxRaw is a block as it stood.
type AuxRaw struct {
	Version, Type uint8
	Data          []byte // without AUX_HEADER
}

func (r *AuxRaw) kind() (uint8, uint8)  { return r.Version, r.Type }
func (r *AuxRaw) code(c *oxcdata.Coder) { c.Rest(&r.Data) }

// Block types of AUX_HEADER ([MS-OXCRPC] 2.2.2.2).
const (
	auxPerfRequestID        = 0x01
	auxPerfClientInfo       = 0x02
	auxPerfSessionInfo      = 0x04
	auxPerfDefMDBSuccess    = 0x05
	auxClientControl        = 0x0A
	auxPerfProcessInfo      = 0x0B
	auxPerfBGDefMDBSuccess  = 0x0C
	auxPerfFGDefMDBSuccess  = 0x11
	auxOSVersionInfo        = 0x16
	auxExOrgInfo            = 0x17
	auxPerfAccountInfo      = 0x18
	auxServerCapabilities   = 0x46
	auxEndpointCapabilities = 0x48
)

// newBlock is an empty block of a known version and type, or an AuxRaw.
func newBlock(version, typ uint8) Block {
	switch {
	case version == 1 && typ == auxPerfRequestID:
		return new(AuxPerfRequestID)
	case version == 1 && typ == auxPerfClientInfo:
		return new(AuxPerfClientInfo)
	case (version == 1 || version == 2) && typ == auxPerfSessionInfo:
		return &AuxPerfSessionInfo{Version: version}
	case version == 1 && (typ == auxPerfDefMDBSuccess || typ == auxPerfBGDefMDBSuccess || typ == auxPerfFGDefMDBSuccess):
		return &AuxPerfDefMDBSuccess{Type: typ}
	case version == 1 && typ == auxClientControl:
		return new(AuxClientControl)
	case version == 1 && typ == auxPerfProcessInfo:
		return new(AuxPerfProcessInfo)
	case version == 1 && typ == auxOSVersionInfo:
		return new(AuxOSVersionInfo)
	case version == 1 && typ == auxExOrgInfo:
		return new(AuxExOrgInfo)
	case version == 1 && typ == auxPerfAccountInfo:
		return new(AuxPerfAccountInfo)
	case version == 1 && typ == auxServerCapabilities:
		return new(AuxServerCapabilities)
	case version == 1 && typ == auxEndpointCapabilities:
		return new(AuxEndpointCapabilities)
	}
	return &AuxRaw{Version: version, Type: typ}
}

// auxHeaderSize is that of Size, Version and Type; Size counts it.
const auxHeaderSize = 4

// EncodeAux appends blocks to dst, without the extended buffer.
func EncodeAux(dst []byte, blocks []Block) ([]byte, error) {
	for _, b := range blocks {
		body := oxcdata.NewEncoder(nil)
		b.code(body)
		c := oxcdata.NewEncoder(dst)
		size := uint16(c.Fit16(auxHeaderSize + len(body.Bytes())))
		version, typ := b.kind()
		c.U16(&size)
		c.U8(&version)
		c.U8(&typ)
		c.Fixed(body.Bytes())
		if body.Err() != nil {
			return nil, body.Err()
		}
		if c.Err() != nil {
			return nil, c.Err()
		}
		dst = c.Bytes()
	}
	return dst, nil
}

// DecodeAux reads the blocks of an unpacked auxiliary buffer. Blocks of known type that are not what they should be are
// kept as AuxRaw: nothing in them is worth failing a call for. Byte fields alias payload.
func DecodeAux(payload []byte) ([]Block, error) {
	var blocks []Block
	for off := 0; off < len(payload); {
		var size uint16
		var version, typ uint8
		c := oxcdata.NewDecoder(payload[off:])
		c.U16(&size)
		c.U8(&version)
		c.U8(&typ)
		if c.Err() != nil || size < auxHeaderSize || int(size) > len(payload)-off {
			return nil, malformed("AUX_HEADER ([MS-OXCRPC] 2.2.2.2)", off, "block of %d bytes, %d left", size, len(payload)-off)
		}
		data := payload[off+auxHeaderSize : off+int(size) : off+int(size)]
		b := newBlock(version, typ)
		if err := oxcdata.Decode(oxcdata.ROP, data, b.code); err != nil {
			b = &AuxRaw{Version: version, Type: typ, Data: data}
		}
		blocks = append(blocks, b)
		off += int(size)
	}
	return blocks, nil
}

// AuxClientControl tells the client what the server wants of it ([MS-OXCRPC] 2.2.2.2.15).
type AuxClientControl struct {
	EnableFlags uint32
	ExpiryTime  uint32 // milliseconds
}

// EnableFlags of AuxClientControl.
const (
	EnablePerfSendToServer = 0x00000001
	EnableCompression      = 0x00000004 // extended buffers may be compressed
	EnableHTTPTunneling    = 0x00000008
	EnablePerfSendGCData   = 0x00000010
)

func (*AuxClientControl) kind() (uint8, uint8) { return 1, auxClientControl }

func (b *AuxClientControl) code(c *oxcdata.Coder) {
	c.U32(&b.EnableFlags)
	c.U32(&b.ExpiryTime)
}

// AuxOSVersionInfo is the server's operating system ([MS-OXCRPC] 2.2.2.2.16).
type AuxOSVersionInfo struct {
	OSVersionInfoSize uint32
	MajorVersion      uint32
	MinorVersion      uint32
	BuildNumber       uint32
	Reserved1         [132]byte
	ServicePackMajor  uint16
	ServicePackMinor  uint16
	Reserved2         uint32
}

func (*AuxOSVersionInfo) kind() (uint8, uint8) { return 1, auxOSVersionInfo }

func (b *AuxOSVersionInfo) code(c *oxcdata.Coder) {
	c.U32(&b.OSVersionInfoSize)
	c.U32(&b.MajorVersion)
	c.U32(&b.MinorVersion)
	c.U32(&b.BuildNumber)
	c.Fixed(b.Reserved1[:])
	c.U16(&b.ServicePackMajor)
	c.U16(&b.ServicePackMinor)
	c.U32(&b.Reserved2)
}

// AuxExOrgInfo tells about the organization ([MS-OXCRPC] 2.2.2.2.17).
type AuxExOrgInfo struct{ OrgFlags uint32 }

// OrgFlags of AuxExOrgInfo.
const (
	OrgPublicFoldersEnabled            = 0x00000001
	OrgUseAutodiscoverForPublicFolders = 0x00000002
)

func (*AuxExOrgInfo) kind() (uint8, uint8)    { return 1, auxExOrgInfo }
func (b *AuxExOrgInfo) code(c *oxcdata.Coder) { c.U32(&b.OrgFlags) }

// AuxServerCapabilities tells what the server can do beyond the protocol's first version ([MS-OXCRPC] 2.2.2.2.19).
type AuxServerCapabilities struct{ ServerCapabilityFlags uint32 }

// ServerCapabilityFlags of AuxServerCapabilities.
const (
	PackedFastTransferUpload = 0x00000001 // several RopFastTransferDestinationPutBuffer(Extended) in one request
	PackedWriteStreamUpload  = 0x00000002 // several RopWriteStreamExtended in one request
	UltraLargePackedDownload = 0x00000008 // more packed answers at once
)

func (*AuxServerCapabilities) kind() (uint8, uint8)    { return 1, auxServerCapabilities }
func (b *AuxServerCapabilities) code(c *oxcdata.Coder) { c.U32(&b.ServerCapabilityFlags) }

// AuxEndpointCapabilities tells what the endpoint can do ([MS-OXCRPC] 2.2.2.2.20): 1, sessions of all kinds share one.
type AuxEndpointCapabilities struct{ EndpointCapabilityFlag uint32 }

func (*AuxEndpointCapabilities) kind() (uint8, uint8)    { return 1, auxEndpointCapabilities }
func (b *AuxEndpointCapabilities) code(c *oxcdata.Coder) { c.U32(&b.EndpointCapabilityFlag) }

// AuxPerfRequestID names a request for later performance data ([MS-OXCRPC] 2.2.2.2.1).
type AuxPerfRequestID struct{ SessionID, RequestID uint16 }

func (*AuxPerfRequestID) kind() (uint8, uint8) { return 1, auxPerfRequestID }

func (b *AuxPerfRequestID) code(c *oxcdata.Coder) {
	c.U16(&b.SessionID)
	c.U16(&b.RequestID)
}

// AuxPerfSessionInfo names a session ([MS-OXCRPC] 2.2.2.2.2, version 2: 2.2.2.2.3).
type AuxPerfSessionInfo struct {
	Version      uint8 // 1, or 2 with ConnectionID
	SessionID    uint16
	Reserved     uint16
	SessionGUID  mapi.GUID
	ConnectionID uint32
}

func (b *AuxPerfSessionInfo) kind() (uint8, uint8) { return b.Version, auxPerfSessionInfo }

func (b *AuxPerfSessionInfo) code(c *oxcdata.Coder) {
	c.U16(&b.SessionID)
	c.U16(&b.Reserved)
	c.GUID(&b.SessionGUID)
	if b.Version == 2 {
		c.U32(&b.ConnectionID)
	}
}

// AuxPerfDefMDBSuccess reports how long a call to the default mailbox database took ([MS-OXCRPC] 2.2.2.2.7).
type AuxPerfDefMDBSuccess struct {
	Type                  uint8  // 0x05, 0x0C in the background, 0x11 in the foreground
	TimeSinceRequest      uint32 // milliseconds
	TimeToCompleteRequest uint32 // milliseconds
	RequestID             uint16
	Reserved              uint16
}

func (b *AuxPerfDefMDBSuccess) kind() (uint8, uint8) { return 1, b.Type }

func (b *AuxPerfDefMDBSuccess) code(c *oxcdata.Coder) {
	c.U32(&b.TimeSinceRequest)
	c.U32(&b.TimeToCompleteRequest)
	c.U16(&b.RequestID)
	c.U16(&b.Reserved)
}

// AuxPerfAccountInfo names the account of a client ([MS-OXCRPC] 2.2.2.2.18).
type AuxPerfAccountInfo struct {
	ClientID uint16
	Reserved uint16
	Account  mapi.GUID
}

func (*AuxPerfAccountInfo) kind() (uint8, uint8) { return 1, auxPerfAccountInfo }

func (b *AuxPerfAccountInfo) code(c *oxcdata.Coder) {
	c.U16(&b.ClientID)
	c.U16(&b.Reserved)
	c.GUID(&b.Account)
}

// ClientMode of AuxPerfClientInfo.
const (
	ClientModeUnknown = 0
	ClientModeClassic = 1
	ClientModeCached  = 2
)

// AuxPerfClientInfo describes the client's machine ([MS-OXCRPC] 2.2.2.2.4). Its strings and addresses
// stand behind the fields, where offsets tell; Blobs is that part as it stood, to be read with Text and set with NewClientInfo.
type AuxPerfClientInfo struct {
	AdapterSpeed       uint32
	ClientID           uint16
	MachineNameOffset  uint16
	UserNameOffset     uint16
	ClientIPSize       uint16
	ClientIPOffset     uint16
	ClientIPMaskSize   uint16
	ClientIPMaskOffset uint16
	AdapterNameOffset  uint16
	MacAddressSize     uint16
	MacAddressOffset   uint16
	ClientMode         uint16
	Reserved           uint16
	Blobs              []byte
}

// clientInfoSize is that of AUX_HEADER and the fixed fields, from whose beginning offsets count.
const clientInfoSize = auxHeaderSize + 28

func (*AuxPerfClientInfo) kind() (uint8, uint8) { return 1, auxPerfClientInfo }

func (b *AuxPerfClientInfo) code(c *oxcdata.Coder) {
	c.U32(&b.AdapterSpeed)
	for _, p := range []*uint16{&b.ClientID, &b.MachineNameOffset, &b.UserNameOffset, &b.ClientIPSize, &b.ClientIPOffset,
		&b.ClientIPMaskSize, &b.ClientIPMaskOffset, &b.AdapterNameOffset, &b.MacAddressSize, &b.MacAddressOffset,
		&b.ClientMode, &b.Reserved} {
		c.U16(p)
	}
	c.Rest(&b.Blobs)
}

// NewClientInfo describes a client by the names of its machine and user.
func NewClientInfo(machine, user string, mode uint16) *AuxPerfClientInfo {
	b := &AuxPerfClientInfo{ClientMode: mode}
	b.MachineNameOffset = b.add(machine)
	b.UserNameOffset = b.add(user)
	return b
}

func (b *AuxPerfClientInfo) add(s string) uint16 {
	if s == "" {
		return 0
	}
	at := clientInfoSize + len(b.Blobs)
	b.Blobs = append(append(b.Blobs, mapi.EncodeUTF16(s)...), 0, 0)
	return uint16(at)
}

// Text is the string at one of the block's offsets, empty where there is none.
func (b *AuxPerfClientInfo) Text(offset uint16) string { return text(b.Blobs, clientInfoSize, offset) }

// AuxPerfProcessInfo describes the client's process ([MS-OXCRPC] 2.2.2.2.6).
type AuxPerfProcessInfo struct {
	ProcessID         uint16
	Reserved1         uint16
	ProcessGUID       mapi.GUID
	ProcessNameOffset uint16
	Reserved2         uint16
	Blobs             []byte
}

const processInfoSize = auxHeaderSize + 24

func (*AuxPerfProcessInfo) kind() (uint8, uint8) { return 1, auxPerfProcessInfo }

func (b *AuxPerfProcessInfo) code(c *oxcdata.Coder) {
	c.U16(&b.ProcessID)
	c.U16(&b.Reserved1)
	c.GUID(&b.ProcessGUID)
	c.U16(&b.ProcessNameOffset)
	c.U16(&b.Reserved2)
	c.Rest(&b.Blobs)
}

// Name is the name of the process.
func (b *AuxPerfProcessInfo) Name() string {
	return text(b.Blobs, processInfoSize, b.ProcessNameOffset)
}

// text reads the UTF-16 string at offset of a block whose blobs begin at base.
func text(blobs []byte, base int, offset uint16) string {
	at := int(offset) - base
	if at < 0 || at > len(blobs) {
		return ""
	}
	var s string
	oxcdata.NewDecoder(blobs[at:]).WSZ(&s)
	return s
}
