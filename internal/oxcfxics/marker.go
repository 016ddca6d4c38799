// Package oxcfxics reads and writes the streams of [MS-OXCFXICS]: FastTransfer and incremental change synchronization.
//
// A stream is a sequence of elements, markers and properties. [Reader] pulls elements, [Writer] pushes them; both know the
// values of a stream from one table. What may follow what is one grammar table too, walked by everything above the elements:
// [ReadContent] and [ContentWriter] translate between the stream of one item and mapi's canonical item stream, [Parts]
// and [PartWriter] do the streams of many items, of folders and of synchronization. [Producer] cuts a stream into the
// buffers of a download, [Consumer] puts those of an upload together.
package oxcfxics

import "fmt"

// Marker delimits the objects of a stream ([MS-OXCFXICS] 2.2.4.1.4). Zero is no marker.
type Marker uint32

// Markers. Some have a property type that says Boolean or Binary; all are bare 32-bit numbers.
const (
	NewAttach              Marker = 0x40000003
	StartEmbed             Marker = 0x40010003
	EndEmbed               Marker = 0x40020003
	StartRecip             Marker = 0x40030003
	EndToRecip             Marker = 0x40040003
	StartTopFld            Marker = 0x40090003
	StartSubFld            Marker = 0x400A0003
	EndFolder              Marker = 0x400B0003
	StartMessage           Marker = 0x400C0003
	EndMessage             Marker = 0x400D0003
	EndAttach              Marker = 0x400E0003
	StartFAIMsg            Marker = 0x40100003
	IncrSyncChg            Marker = 0x40120003
	IncrSyncDel            Marker = 0x40130003
	IncrSyncEnd            Marker = 0x40140003
	IncrSyncMessage        Marker = 0x40150003
	FXErrorInfo            Marker = 0x40180003
	IncrSyncRead           Marker = 0x402F0003
	IncrSyncStateBegin     Marker = 0x403A0003
	IncrSyncStateEnd       Marker = 0x403B0003
	IncrSyncProgressMode   Marker = 0x4074000B
	IncrSyncProgressPerMsg Marker = 0x4075000B
	IncrSyncGroupInfo      Marker = 0x407B0102
	IncrSyncChgPartial     Marker = 0x407D0003
)

var markerNames = map[Marker]string{
	NewAttach: "NewAttach", StartEmbed: "StartEmbed", EndEmbed: "EndEmbed", StartRecip: "StartRecip",
	EndToRecip: "EndToRecip", StartTopFld: "StartTopFld", StartSubFld: "StartSubFld", EndFolder: "EndFolder",
	StartMessage: "StartMessage", EndMessage: "EndMessage", EndAttach: "EndAttach", StartFAIMsg: "StartFAIMsg",
	IncrSyncChg: "IncrSyncChg", IncrSyncDel: "IncrSyncDel", IncrSyncEnd: "IncrSyncEnd",
	IncrSyncMessage: "IncrSyncMessage", FXErrorInfo: "FXErrorInfo", IncrSyncRead: "IncrSyncRead",
	IncrSyncStateBegin: "IncrSyncStateBegin", IncrSyncStateEnd: "IncrSyncStateEnd",
	IncrSyncProgressMode: "IncrSyncProgressMode", IncrSyncProgressPerMsg: "IncrSyncProgressPerMsg",
	IncrSyncGroupInfo: "IncrSyncGroupInfo", IncrSyncChgPartial: "IncrSyncChgPartial",
}

// String is the specification's name.
func (m Marker) String() string {
	if n, ok := markerNames[m]; ok {
		return n
	}
	return fmt.Sprintf("marker 0x%08X", uint32(m))
}

// isMarker tells a marker from a property tag.
func isMarker(u uint32) bool {
	if u>>16 < 0x4000 || u>>16 > 0x407D { // ids of all markers
		return false
	}
	_, ok := markerNames[Marker(u)]
	return ok
}
