// Package msgfile reads and writes .msg files ([MS-OXMSG]): one item, with its recipients, attachments and the items
// embedded in them, as a compound file.
//
// # Reading
//
// [Read] pushes the item into a sink, in the canonical order of package mapi and with the properties of each object in the
// order of the file. [Open] and [OpenFile] give a [mapi.Item] whose large values are read from the file when they are
// wanted. Named properties come with their names. 8-bit strings stay as they are, as mapi.String8: their code page is
// the item's. An attachment that is an OLE object comes as a mapi.Object (or a stream, when large) that holds the object as
// a compound file of its own, always the same bytes for the same object.
//
// A file may be damaged. What is lost is an error, unless [Options.Report] takes it: then all else is read.
//
// # Writing
//
// [Plan] lays out an item; a [Writer] takes it as a stream and keeps its large values on disk meanwhile. The [Message] that
// both give knows the size of the file, writes it as often as wanted, and tells where in the file the attachments lie. The
// same item always gives the same bytes: the properties of each object are put in the order of mapi.Key.Compare, which is
// all that a writing and a reading change.
//
// Strings of both kinds are written as what they are; when there is a Unicode string, the file says that it is a Unicode
// one with a PidTagStoreSupportMask, which a reading of it leaves out again if the item has none: its flags are mandatory
// and readable, a combination that nothing else gives it. A zero at the end of a stored string is a terminator and no
// part of it, because Outlook stores some strings with one; strings that do end in zero are stored with one more.
//
// # The sidecar
//
// What a .msg file cannot carry goes into a second file, the sidecar, and only that: file and sidecar together are exactly the item.
// Most items need none. These do:
//
//   - recipients and attachments from the 2,049th on, with all that they hold ([MS-OXMSG] 2.1.2, 2.1.3),
//   - values of the types Null, Unspecified, ErrorCode, ServerId, Restriction and RuleAction,
//   - objects that are no OLE storages; and OLE storages that would come back as other bytes, which the .msg file has too,
//   - strings that are neither UTF-8 nor the form of unpaired surrogates that mapi.DecodeUTF16 gives,
//   - a second property with the same key, the object of an attachment that has an embedded item too,
//   - properties with an id from 0x8000 on but no name, or with a name that is both a number and a string,
//   - a PidTagStoreSupportMask that doesn't agree with the strings that are there.
//
// All numbers in a sidecar are little-endian. Counts are 32 bits wide.
//
//	magic      8 bytes "OCDOMSGX"
//	version    u32, 1
//	msg size   u64, the size of the .msg file that it belongs to
//	tree size  u64
//	tree       an item
//	contents   of the large values, one after the other, as the tree names them
//
//	item       properties, count, recipients, count, attachments
//	recipient  u32 index from 0, properties
//	attachment u32 index from 0, properties, u8 1 and an item if there is something to say of its embedded item, else u8 0
//	properties count, each: u32 tag, name, u8 form, value
//	name       u8 0; or u8 1, GUID, u32 LID, string
//	form       u8 0: the value follows; u8 1: u64 size of the value among the contents, as mapi.ItemSink.Stream takes it
//	value      numbers in their own width, Boolean u8, GUID 16 bytes, nothing for Null and Unspecified;
//	           a string for String (UTF-8, or what the item has), String8, Binary, Object, ServerId, Restriction, RuleAction;
//	           for multiple types a count and the values
//	string     count of bytes, bytes
//
// What is said of a recipient, attachment or embedded item that the .msg file has is in addition to that; of one that it
// doesn't have it is everything. The order is that of the item; properties are in the order of mapi.Key.Compare.
package msgfile
