// Package restic reads and writes repositories in restic's published format, version 2 (and reads and
// extends version 1), so that a stock restic can list, check, mount, restore, forget and prune what is
// written here. It knows bytes and trees; what they mean is the caller's affair.
//
// # Use
//
// A [Backend] keeps the files; [NewLocal] is one in a directory, package storage has others. [Create] and [Open] give a
// [Repository], which reads: [Repository.Snapshots], [Repository.LoadTree], [Repository.OpenFile],
// [Repository.LoadBlob], [Repository.Check]. A [Writer] adds to it: [Writer.NewFile] stores a file's
// content, [Writer.SaveTree] a directory whose nodes are sorted by name, [Writer.SaveSnapshot] the
// whole. Hold a [Lock] all the while.
//
// # Promises
//
// A file in the repository appears whole and synced or not at all. Packs come first, then the index
// that names them, then the snapshot, so that a process may die at any moment and leave a repository
// that stock restic's check calls free of errors. [Writer.Flush] and [Writer.SaveSnapshot] return nil
// only when everything given to the writer before is confirmed: each pack was synced and its header
// read back, and an index file that names it was synced. A run that is interrupted loses the work of
// its last minute at most: what was indexed by then, the next run finds and doesn't store again.
//
// Every blob is verified against its id when it is read. Damage comes back as a [*DamagedError] naming
// the file, a blob in no index as a [*MissingBlobError]; a full disk as an error that answers to
// syscall.ENOSPC. After a failure a Writer takes nothing more: make a new one.
//
// # Removing
//
// A [Policy] chooses snapshots as stock restic's forget does, [Repository.Forget] removes them, and [Repository.Prune] what no
// snapshot needs any more. Hold an exclusive lock. At every moment each snapshot that is there is whole.
//
// # Memory
//
// The index takes 48 bytes for each of a million blobs. More lie in temporary files, sealed with the repository's key, and
// take a byte and a third; each pack takes some 90. A Writer takes some forty megabytes for blobs that
// are compressed and encrypted; packs being filled or saved lie in temporary files, up to 25 MiB each.
// A [FileReader] holds two blobs.
//
// # Locks
//
// As stock restic's, and respected by it: a file in locks/, written anew every five minutes, stale
// after thirty or when its process on this host is gone. [Repository.Lock] removes stale ones first.
// While it holds a lock a process takes no notice of SIGHUP, which stock restic sends to probe it.
package restic
