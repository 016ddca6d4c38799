// Package endtoend holds tests of the main job as a whole: mail goes into a mailbox of the embedded server, comes out of it
// by MAPI over HTTP, goes into a backup repository, and from there into an empty mailbox over the same protocol. What
// arrives is compared with what went in, and with what independent tools say of it. On the way connections break, sessions
// get lost and processes are killed.
//
// The environment may say how thorough to be: OPENCDO_KILLS is how often the processes of a backup and of a restore are
// killed, 10 times each when not set; with OPENCDO_CUTS the network fails at each place, which takes minutes.
package endtoend
