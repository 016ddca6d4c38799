// Package storage keeps a repository's files where they may be kept: in a directory, on a server that is reached by SFTP, in
// an S3-compatible object store, or on a server of restic's REST protocol. [Parse] reads addresses as stock restic writes
// them, [Open] gives the [restic.Backend].
//
// # Credentials
//
// Addresses hold none. They come from the environment that stock restic reads, from files, from an SSH agent, or from
// [Config.Secret], which is asked by name: "sftp:USER@HOST", "rest:USER@HOST", "s3:KEYID@HOST", and "key:FILE" for the
// passphrase of a private key. HOST has the port where the address has it.
//
// # Failures
//
// What [Open] gives for servers repeats calls that fail for a reason that may pass, with growing pauses, for a bounded time;
// a call that makes no progress is given up and repeated, too ([Patience]). Files appear whole or not at all.
package storage
