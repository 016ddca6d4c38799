package msgfile

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

var order = binary.LittleEndian

// Names of the streams and storages ([MS-OXMSG] 2.2, 2.3).
const (
	propertiesName   = "__properties_version1.0"
	nameidName       = "__nameid_version1.0"
	recipientPrefix  = "__recip_version1.0_#"
	attachmentPrefix = "__attach_version1.0_#"
	valuePrefix      = "__substg1.0_"
)

// maxChildren is how many recipients, and how many attachments, a message can have ([MS-OXMSG] 2.1.2, 2.1.3).
const maxChildren = 2048

// classID is the CLSID of the root storage of a message ([MS-OXMSG] 2.2.1).
var classID = mapi.MustGUID("00020D0B-0000-0000-C000-000000000046")

// header begins the property stream of a message ([MS-OXMSG] 2.4.1.1, 2.4.1.2). At the top level 8 more reserved bytes follow; the
// property streams of recipients and attachments have 8 reserved bytes only (2.4.1.3).
type header struct {
	Reserved        [8]byte
	NextRecipient   uint32
	NextAttachment  uint32
	RecipientCount  uint32
	AttachmentCount uint32
}

// Sizes of the headers of property streams.
const (
	topHeader      = 32
	embeddedHeader = 24
	childHeader    = 8
)

// entry is a property in a property stream ([MS-OXMSG] 2.4.2). Value is the value of a fixed-length property, or the
// size and a reserved number.
type entry struct {
	Tag   uint32
	Flags uint32
	Value [8]byte
}

const entrySize = 16

// Flags of an entry ([MS-OXMSG] 2.4.2.1).
const (
	flagMandatory = 1
	flagReadable  = 2
	flagWritable  = 4
)

// Reserved numbers of entries of objects ([MS-OXMSG] 2.4.2.2), whose size is objectSize.
const (
	reservedMessage = 1
	reservedStorage = 4
	objectSize      = 0xFFFFFFFF
)

// Properties that the format itself uses.
const (
	tagStoreSupportMask mapi.Tag = 0x340D0003
	tagAttachMethod     mapi.Tag = 0x37050003
	tagAttachObject     mapi.Tag = 0x3701000D // PidTagAttachDataObject
)

// storeUnicodeOK in PidTagStoreSupportMask says that the strings are Unicode ([MS-OXMSG] 2.1.1.1).
const storeUnicodeOK = 0x00040000

// addedMask are the flags of a PidTagStoreSupportMask that the item itself doesn't have.
const addedMask = flagMandatory | flagReadable

// Attachment methods ([MS-OXCMSG] 2.2.2.9).
const (
	methodEmbedded = 5
	methodOLE      = 6
)

func (e *entry) size() uint32     { return order.Uint32(e.Value[:]) }
func (e *entry) reserved() uint32 { return order.Uint32(e.Value[4:]) }

func sized(t mapi.Tag, size, reserved uint32) entry {
	e := entry{Tag: uint32(t), Flags: flagReadable | flagWritable}
	order.PutUint32(e.Value[:], size)
	order.PutUint32(e.Value[4:], reserved)
	return e
}

// valueName is the name of the stream or storage of a value ([MS-OXMSG] 2.1.4).
func valueName(t mapi.Tag) string { return fmt.Sprintf("%s%08X", valuePrefix, uint32(t)) }

// elementName is the name of the stream of a value of many.
func elementName(t mapi.Tag, i int) string {
	return fmt.Sprintf("%s%08X-%08X", valuePrefix, uint32(t), i)
}

func childName(prefix string, i int) string { return fmt.Sprintf("%s%08X", prefix, i) }

// number is the hexadecimal number that follows a prefix in a name.
func number(name, prefix string) (uint32, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok || len(digits) != 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	return uint32(n), err == nil
}
