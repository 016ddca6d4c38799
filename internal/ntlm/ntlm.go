// Package ntlm is NTLM version 2 ([MS-NLMP]), both sides of it, in its connection-oriented form with extended session
// security. NTLM version 1, LM responses and anonymous users are refused.
package ntlm

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"time"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/mapi"
)

// Errors that callers tell apart.
var (
	// ErrRefused is what an acceptor says to wrong users and wrong passwords alike.
	ErrRefused = errors.New("ntlm: user name or password not accepted")
	// ErrVersion means that the peer knows NTLM version 1 only, or one without extended session security.
	ErrVersion = errors.New("ntlm: the peer offers no NTLM version 2")
	// ErrChannelBinding means that a client came over another TLS connection than the server's, or didn't say over which.
	ErrChannelBinding = errors.New("ntlm: the channel binding is missing or another connection's")
	// ErrIntegrity means that a message was changed, repeated or lost.
	ErrIntegrity = errors.New("ntlm: message integrity violated")

	errSequence  = errors.New("ntlm: token outside of the handshake")
	errNoContext = errors.New("ntlm: the context isn't established")
	errNoSecrecy = errors.New("ntlm: no protection of messages with keys of 128 bits was negotiated")
)

// String hides the hash.
func (Hash) String() string { return "redacted" }

// Format hides the hash from every verb.
func (Hash) Format(s fmt.State, _ rune) { fmt.Fprint(s, "redacted") }

// MarshalText hides the hash.
func (Hash) MarshalText() ([]byte, error) { return []byte("redacted"), nil }

// session is what both sides have in common once the context is established.
type session struct {
	flags         uint32
	send, receive *direction
	peer          string
	done          bool
}

// establish derives the keys of both directions from the exported session key.
func (s *session) establish(flags uint32, key []byte, initiator bool) {
	exchange := flags&flagKeyExchange != 0
	client := newDirection(deriveKey(key, clientSign), deriveKey(key, clientSeal), exchange)
	server := newDirection(deriveKey(key, serverSign), deriveKey(key, serverSeal), exchange)
	s.flags, s.done = flags, true
	if s.send, s.receive = server, client; initiator {
		s.send, s.receive = client, server
	}
}

// String leaves keys and password out.
func (s *session) String() string { return "ntlm: context with " + s.peer }

// GoString leaves keys and password out.
func (s *session) GoString() string { return s.String() }

// TokenSize implements gss.Context.
func (s *session) TokenSize() int { return signatureSize }

// Peer implements gss.Context.
func (s *session) Peer() string { return s.peer }

// Sign implements gss.Context. There are keys for it even where no protection of messages was asked for, as the negotiation
// of mechanisms needs them.
func (s *session) Sign(message []byte) ([]byte, error) {
	if !s.done {
		return nil, errNoContext
	}
	return s.send.sign(message), nil
}

// Verify implements gss.Context.
func (s *session) Verify(message, token []byte) error {
	if !s.done {
		return errNoContext
	}
	return s.receive.verify(message, token)
}

// Seal implements gss.Context.
func (s *session) Seal(message, secret []byte) ([]byte, error) {
	if err := s.canSeal(); err != nil {
		return nil, err
	}
	return s.send.seal(message, secret), nil
}

// Unseal implements gss.Context.
func (s *session) Unseal(message, secret, token []byte) error {
	if err := s.canSeal(); err != nil {
		return err
	}
	return s.receive.unseal(message, secret, token)
}

func (s *session) canSeal() error {
	switch {
	case !s.done:
		return errNoContext
	case s.flags&flagSeal == 0:
		return errNoSecrecy
	}
	return nil
}

// SignsHeader tells DCE/RPC that the headers of PDUs are signed, too, whatever was negotiated.
func (s *session) SignsHeader() bool { return true }

// ResetCipher begins the key streams again after the mechListMICs of a negotiation ([MS-SPNG] 3.3.5.1). The numbers of
// messages go on.
func (s *session) ResetCipher() {
	s.send.resetCipher()
	s.receive.resetCipher()
}

// mic is the code over all three messages, the last with zeroes in its place ([MS-NLMP] 3.1.5.1.2).
func mic(key, negotiate, challenge, authenticate []byte) []byte {
	return hmacMD5(key, negotiate, challenge, authenticate)
}

func equal(a, b []byte) bool { return hmac.Equal(a, b) }

func fileTime(t time.Time) uint64 { return uint64(mapi.NewFileTime(t)) }

var (
	_ gss.Context = (*Initiator)(nil)
	_ gss.Context = (*Acceptor)(nil)
)
