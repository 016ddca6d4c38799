// Package smtp carries mail between the embedded server and others ([RFC5321], [RFC2033]): a listener that takes messages for its
// mailboxes, and a relay that hands messages for everybody else to a smarthost. Messages are those of package mime. The protocol is
// github.com/emersion/go-smtp's, on both sides.
//
// There is no queue. What comes in is in the mailboxes before it is acknowledged, so that the other side tries again if it isn't; what
// goes out is handed over, or reported to its sender as undeliverable, while it is submitted.
package smtp
