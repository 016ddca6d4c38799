// Package spnego negotiates which mechanism a security context uses: SPNEGO (RFC 4178) as Windows speaks it ([MS-SPNG]).
package spnego

import (
	"context"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/internal/gss"
)

// Errors that callers tell apart.
var (
	// ErrRefused means that the server ended the negotiation.
	ErrRefused = errors.New("spnego: refused by the server")
	// ErrNoMechanism means that both sides have no mechanism in common.
	ErrNoMechanism = errors.New("spnego: no mechanism in common")
	// ErrTampered means that the list of mechanisms was changed on its way, or isn't proven to be the client's.
	ErrTampered = errors.New("spnego: the list of mechanisms isn't authentic")

	errSequence  = errors.New("spnego: token outside of the negotiation")
	errNoContext = errors.New("spnego: the context isn't established")
)

// Mechanism is one that may be negotiated.
type Mechanism struct {
	ID asn1.ObjectIdentifier
	// New makes the context when it is needed. An initiator leaves out a mechanism that fails here or in its first step.
	New func(context.Context) (gss.Context, error)
}

// negotiated is what both sides have in common: the mechanism's context and the state of the mechListMICs.
type negotiated struct {
	gss.Context // nil until it is chosen
	id          asn1.ObjectIdentifier
	innerDone   bool
	done        bool
	failed      bool
	mechTypes   []byte // as the initiator sent them
	// The proofs of the list: whether they are needed, and went.
	needMIC, sentMIC, gotMIC bool
}

// Mechanism is the one that was chosen, nil before.
func (n *negotiated) Mechanism() asn1.ObjectIdentifier { return n.id }

// step hands a token to the mechanism.
func (n *negotiated) step(ctx context.Context, token []byte) (out []byte, err error) {
	if n.innerDone {
		return nil, errSequence
	}
	out, n.innerDone, err = n.Context.Step(ctx, token)
	return out, err
}

// mic makes the own proof of the list, once.
func (n *negotiated) mic() ([]byte, error) {
	if n.sentMIC {
		return nil, nil
	}
	n.sentMIC = true
	return n.Context.Sign(n.mechTypes)
}

// verify checks the peer's proof of the list.
func (n *negotiated) verify(mic []byte) error {
	switch {
	case mic == nil:
		return nil
	case !n.innerDone || n.gotMIC:
		return errSequence
	}
	if err := n.Context.Verify(n.mechTypes, mic); err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	n.gotMIC, n.needMIC = true, true
	return nil
}

// complete ends the negotiation. The key streams begin again after the proofs ([MS-SPNG] 3.3.5.1).
func (n *negotiated) complete() {
	if c, ok := n.Context.(interface{ ResetCipher() }); ok && n.sentMIC {
		c.ResetCipher()
	}
	n.done = true
}

// TokenSize implements gss.Context.
func (n *negotiated) TokenSize() int {
	if n.Context == nil {
		return 0
	}
	return n.Context.TokenSize()
}

// Peer implements gss.Context.
func (n *negotiated) Peer() string {
	if !n.done {
		return ""
	}
	return n.Context.Peer()
}

// SignsHeader tells DCE/RPC whether the mechanism signs the headers of PDUs whatever was negotiated.
func (n *negotiated) SignsHeader() bool {
	c, ok := n.Context.(interface{ SignsHeader() bool })
	return ok && c.SignsHeader()
}

// SignSize tells DCE/RPC the length of what Sign gives, where the mechanism says that it differs from that of Seal.
func (n *negotiated) SignSize() int {
	if c, ok := n.Context.(interface{ SignSize() int }); ok {
		return c.SignSize()
	}
	return n.TokenSize()
}

// Sign implements gss.Context.
func (n *negotiated) Sign(message []byte) ([]byte, error) {
	if !n.done {
		return nil, errNoContext
	}
	return n.Context.Sign(message)
}

// Verify implements gss.Context.
func (n *negotiated) Verify(message, token []byte) error {
	if !n.done {
		return errNoContext
	}
	return n.Context.Verify(message, token)
}

// Seal implements gss.Context.
func (n *negotiated) Seal(message, secret []byte) ([]byte, error) {
	if !n.done {
		return nil, errNoContext
	}
	return n.Context.Seal(message, secret)
}

// Unseal implements gss.Context.
func (n *negotiated) Unseal(message, secret, token []byte) error {
	if !n.done {
		return errNoContext
	}
	return n.Context.Unseal(message, secret, token)
}

var (
	_ gss.Context = (*Initiator)(nil)
	_ gss.Context = (*Acceptor)(nil)
)
