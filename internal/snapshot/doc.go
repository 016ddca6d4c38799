// Package snapshot is a mailbox in a backup repository: [Builder] writes one, [Open] reads it as a store.
//
// The layout is described in docs/repository.md. A folder is a directory with its properties in files of fixed names, its
// items as .msg files in directories of a month each, and the folders below. Each directory of items has a catalog, so that
// lists don't open every item. Everything is a file in restic's trees; stock restic can restore it.
package snapshot
