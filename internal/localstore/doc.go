// Package localstore is the embedded message store: one SQLite file that holds a mailbox.
//
// A [Store] is a [mapi.Store], and a back end for servers: folders, messages and changes have the 48-bit counters that
// FIDs, MIDs and CNs are made of ([ID]), entry ids are those of [MS-OXCDATA] 2.2.4, named properties have property ids.
// The counter lies in the file and moves in the transaction that uses the ids, so that none is given out twice and change
// numbers rise in the order of the commits, whatever process makes them.
//
// What Commit, and every other change, confirms is on the disk. An item that is being written lies in the file under a
// content that belongs to no item: large values are written as they come, other writers need not wait, and what a dead
// writer left is removed when the file is opened next. schema.go describes the tables, props.go the encoding of the
// properties.
package localstore
