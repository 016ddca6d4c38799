// Package mapi is the vocabulary of MAPI and the contract of a message store.
//
// Everything that holds mail is a [Store]: an Exchange mailbox, an embedded store file, a folder of .msg files, a backup
// snapshot. A store has a hierarchy of [Folder]s; a folder holds items. Items are read and written as one canonical
// stream of properties, recipients, attachments and embedded items, pushed into an [ItemSink] in the order of
// [MS-OXCFXICS] 2.2.4. Whoever can write that stream can be copied from, whoever can take it can be copied to.
//
// The package imports nothing of this module. Its conformance suite for providers is mapi/storetest; the names of
// well-known properties are in mapi/pid.
package mapi
