package mapi

// Restriction is a filter on rows ([MS-OXCDATA] 2.12). The implementations are the Res types of this package.
type Restriction interface{ restriction() }

// RelOp compares a property with a value ([MS-OXCDATA] 2.12.5.1).
type RelOp uint8

// Relational operators.
const (
	RelLT         RelOp = 0
	RelLE         RelOp = 1
	RelGT         RelOp = 2
	RelGE         RelOp = 3
	RelEQ         RelOp = 4
	RelNE         RelOp = 5
	RelMemberOfDL RelOp = 0x64
)

// Fuzzy levels of [ResContent] ([MS-OXCDATA] 2.12.4.1): how much must match in the low, how loosely in the high 16 bits.
const (
	FuzzyFullString     uint32 = 0
	FuzzySubstring      uint32 = 1
	FuzzyPrefix         uint32 = 2
	FuzzyIgnoreCase     uint32 = 0x00010000
	FuzzyIgnoreNonSpace uint32 = 0x00020000
	FuzzyLoose          uint32 = 0x00040000
)

// Sub-objects of [ResSub].
const (
	SubRecipients  Tag = 0x0E12000D // PidTagMessageRecipients
	SubAttachments Tag = 0x0E13000D // PidTagMessageAttachments
)

type (
	// ResAnd is true when all its members are.
	ResAnd []Restriction
	// ResOr is true when one of its members is.
	ResOr []Restriction
	// ResNot reverses its member.
	ResNot struct{ Res Restriction }
	// ResContent looks for a string or binary in a property.
	ResContent struct {
		Fuzzy uint32
		Key   Key
		Value Value
	}
	// ResProperty compares a property with a value. It is false when the property is missing.
	ResProperty struct {
		Op    RelOp
		Key   Key
		Value Value
	}
	// ResCompare compares two properties of the row.
	ResCompare struct {
		Op   RelOp
		A, B Key
	}
	// ResBitMask tests bits of an Integer32 property: all zero, or with NonZero at least one set.
	ResBitMask struct {
		NonZero bool
		Key     Key
		Mask    uint32
	}
	// ResSize compares the size of a property in bytes.
	ResSize struct {
		Op   RelOp
		Key  Key
		Size uint32
	}
	// ResExist is true when the property is there.
	ResExist struct{ Key Key }
	// ResSub is true when a recipient or attachment fulfils its member.
	ResSub struct {
		Sub Tag
		Res Restriction
	}
	// ResComment carries values beside its member, which may be nil, and is as true as that.
	ResComment struct {
		Props Props
		Res   Restriction
	}
	// ResCount is true for the first Count rows that fulfil its member.
	ResCount struct {
		Count uint32
		Res   Restriction
	}
)

func (ResAnd) restriction()      {}
func (ResOr) restriction()       {}
func (ResNot) restriction()      {}
func (ResContent) restriction()  {}
func (ResProperty) restriction() {}
func (ResCompare) restriction()  {}
func (ResBitMask) restriction()  {}
func (ResSize) restriction()     {}
func (ResExist) restriction()    {}
func (ResSub) restriction()      {}
func (ResComment) restriction()  {}
func (ResCount) restriction()    {}

// Sort is one column of a sort order ([MS-OXCDATA] 2.13.1).
type Sort struct {
	Key        Key
	Descending bool
}
