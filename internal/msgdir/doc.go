// Package msgdir is a message store in a tree of directories that hold .msg files: the store msg:DIR.
//
// Any such tree can be read, whoever made it; one that this package made keeps everything. Every directory is a folder, DIR
// itself the root, and every file that ends in .msg an item. Beside them there may be, all in UTF-8:
//
//	.folder.json   {"format": 1, "name": "the folder's name", "directory": "the directory's", "roles": ["inbox"]}
//	.folder.msg    the properties of the folder, as those of an item
//	.associated    a directory of the folder's associated items
//	NAME.sidecar   what the file NAME cannot carry: see package msgfile
//
// Without the first, a folder has the name of its directory; also when that isn't "directory" any more, because somebody gave
// it another name. Other names that begin with a dot are left alone, and so are symbolic links.
//
// What this package makes has names that suit every system: a file has the time (UTC) and the subject of its item, a directory
// the name of its folder, at most 120 bytes long, without characters that Windows forbids. These names are identities:
// they stay when a subject or a folder's name changes. Files appear complete or not at all, and stay after a power failure.
//
// A mailbox that stock restic restored from a backup repository can be read too: there the directories of a month, which have no
// .folder.json though the folder has one with a "kind", are not folders but hold items of theirs.
package msgdir
