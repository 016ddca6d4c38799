// Package gss has security contexts with the shape of the GSS-API (RFC 2743): the mechanisms that implement Context are NTLM,
// Kerberos and the negotiation between them, and HTTP authentication and DCE/RPC are their users.
package gss

import "context"

// Context is one side of a security context. It is used by one goroutine at a time.
type Context interface {
	// Step takes the peer's token, nil where this side begins, and gives the one to send, nil if there is none. done: the
	// context is established on this side, though out may still have to be sent.
	Step(ctx context.Context, token []byte) (out []byte, done bool, err error)

	// TokenSize is the length of what Sign and Seal give; where they differ, as with Kerberos, what Seal gives in a context
	// that was made for sealing, and what Sign gives in another. It is known once the context is established.
	TokenSize() int
	// Sign gives the token that proves the integrity of a message; Verify checks the peer's. Both count messages, so each is
	// to be signed and verified once and in order.
	Sign(message []byte) (token []byte, err error)
	Verify(message, token []byte) error
	// Seal encrypts secret, which is a part of message, in place, and gives the token over all of message as it was before.
	// Unseal is the reverse. DCE/RPC seals a PDU's body but signs its header, too ([MS-RPCE] 2.2.2.11).
	Seal(message, secret []byte) (token []byte, err error)
	Unseal(message, secret, token []byte) error

	// Peer is the name of an acceptor's authenticated client, such as "anna@EXAMPLE.COM" or `EXAMPLE\anna`; an initiator's
	// is the server's name, if it is known. Empty before the context is established.
	Peer() string
}

// ChannelBinding is the application data of a channel binding (RFC 5056), such as "tls-server-end-point:" and the hash of the
// server's certificate (RFC 5929, 4.1); nil: none.
type ChannelBinding []byte
