package kerberos

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/opencdo/opencdo/internal/gss"
)

// maxSkew is how much the clocks of clients and ours may differ: Kerberos's usual five minutes.
const maxSkew = 5 * time.Minute

// AcceptorConfig is what a server authenticates users with.
type AcceptorConfig struct {
	Keytab *Keytab
	// Principal is the keytab's principal whose key all tickets are encrypted with, without realm, for services that clients
	// know by several names; empty: the one that the ticket names.
	Principal string
	// ChannelBinding of the TLS connection; nil: bindings aren't looked at. A client that names one has to name this one;
	// RequireChannelBinding refuses those that name none.
	ChannelBinding        gss.ChannelBinding
	RequireChannelBinding bool
	// Replays is shared by all acceptors with the same keys; required.
	Replays *ReplayCache
}

// Acceptor is the server's side. It takes DCE/RPC's form from clients that use it.
type Acceptor struct {
	session
	cfg AcceptorConfig
	// For the third leg of DCE/RPC.
	wait      bool
	ticketKey types.EncryptionKey
	finalKey  types.EncryptionKey
	user      string
}

// NewAcceptor waits for a client's first token.
func NewAcceptor(cfg AcceptorConfig) *Acceptor { return &Acceptor{cfg: cfg} }

// Step implements gss.Context.
func (a *Acceptor) Step(_ context.Context, token []byte) (out []byte, done bool, err error) {
	switch {
	case a.done || a.ticketKey.KeyValue != nil && !a.wait:
		return nil, false, errSequence
	case a.wait:
		a.wait = false
		err = a.lastLeg(token)
	default:
		out, err = a.request(token)
	}
	if err == nil && !a.wait {
		if err = a.establish(a.finalKey); err == nil {
			a.peer = a.user
		}
	}
	if err != nil {
		return nil, false, err
	}
	return out, a.done, nil
}

// request checks an AP-REQ (RFC 4120, 3.2.3; RFC 4121, 4.1.1).
func (a *Acceptor) request(token []byte) ([]byte, error) {
	framed := len(token) > 0 && token[0] == byte(classApplication|0x20)
	if framed {
		id, b, err := unframe(token)
		if err != nil {
			return nil, err
		}
		if id != tokenRequest {
			return nil, errSequence
		}
		token = b
	}
	var req messages.APReq
	if err := guard(func() error { return req.Unmarshal(token) }); err != nil {
		return nil, errMalformed
	}
	if err := a.verify(&req); err != nil {
		return nil, err
	}
	auth := &req.Authenticator
	bound, fl, err := parseChecksum(auth.Cksum)
	if err != nil {
		return nil, err
	}
	if err := a.checkBinding(bound); err != nil {
		return nil, err
	}
	if framed == (fl&flagDCE != 0) {
		return nil, errMalformed
	}
	ticket := &req.Ticket.DecryptedEncPart
	a.flags, a.ticketKey = fl, ticket.Key
	a.user = principalName(ticket.CName.NameString, ticket.CRealm)
	if a.finalKey = auth.SubKey; len(a.finalKey.KeyValue) == 0 {
		a.finalKey = ticket.Key
	}
	if !usable(a.finalKey.KeyType) {
		return nil, errEncryption
	}
	a.receiving = uint64(uint32(auth.SeqNumber))
	a.sending = a.receiving
	if !types.IsFlagSet(&req.APOptions, flags.APOptionMutualRequired) {
		return nil, nil
	}
	a.finalKey, a.acceptorSubkey = newKey(a.finalKey.KeyType), true
	// 30 bits, as some read the number with a sign.
	var seq [4]byte
	rand.Read(seq[:])
	a.sending = uint64(binary.BigEndian.Uint32(seq[:]) >> 2)
	b, err := encodeReply(replyPart{auth.CTime.UTC(), auth.Cusec, a.finalKey, int64(a.sending)}, a.ticketKey)
	if err != nil {
		return nil, err
	}
	if !framed {
		a.wait = true
		return b, nil
	}
	return frame(tokenReply, b)
}

func (a *Acceptor) verify(req *messages.APReq) error {
	if !usable(req.Ticket.EncPart.EType) || !usable(req.EncryptedAuthenticator.EType) {
		return errEncryption
	}
	var name *types.PrincipalName
	if a.cfg.Principal != "" {
		n, _ := types.ParseSPNString(a.cfg.Principal)
		name = &n
	}
	err := guard(func() error {
		if len(req.Ticket.SName.NameString) == 0 {
			return errMalformed
		}
		ok, err := req.Verify(a.cfg.Keytab.keys, maxSkew, types.HostAddress{}, name)
		if err == nil && !ok {
			err = errMalformed
		}
		return err
	})
	if err != nil {
		// gokrb5's texts show no keys.
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if !req.Authenticator.CName.Equal(req.Ticket.DecryptedEncPart.CName) || req.Authenticator.CRealm != req.Ticket.DecryptedEncPart.CRealm {
		return ErrRefused
	}
	if !usable(req.Ticket.DecryptedEncPart.Key.KeyType) {
		return errEncryption
	}
	return a.cfg.Replays.seen(req.EncryptedAuthenticator.Cipher, time.Now())
}

func (a *Acceptor) checkBinding(got [16]byte) error {
	none := got == [16]byte{}
	switch {
	case a.cfg.RequireChannelBinding && (none || a.cfg.ChannelBinding == nil):
		return ErrChannelBinding
	case none || a.cfg.ChannelBinding == nil:
		return nil
	}
	if want := a.cfg.ChannelBinding.Hash(); !hmac.Equal(want[:], got[:]) {
		return ErrChannelBinding
	}
	return nil
}

// lastLeg checks DCE/RPC's AP-REP of the client.
func (a *Acceptor) lastLeg(token []byte) error {
	p, err := decodeReply(token, a.ticketKey)
	if err != nil {
		return err
	}
	// Some clients tell the time of this leg, not of the first.
	if uint64(uint32(p.SequenceNumber)) != a.sending {
		return ErrIntegrity
	}
	return nil
}

// maxReplays bounds the memory for authenticators: 100,000 logons within ten minutes are more than a server has.
const maxReplays = 100_000

var errTooMany = errors.New("kerberos: too many logons at a time")

// ReplayCache knows the authenticators that came while they could be used. The zero value is ready.
type ReplayCache struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

// seen remembers an authenticator, or says that it came before.
func (c *ReplayCache) seen(authenticator []byte, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := sha256.Sum256(authenticator)
	if until, ok := c.until[key]; ok && now.Before(until) {
		return ErrReplay
	}
	if len(c.until) >= maxReplays {
		for k, until := range c.until {
			if !now.Before(until) {
				delete(c.until, k)
			}
		}
		if len(c.until) >= maxReplays {
			return errTooMany
		}
	}
	if c.until == nil {
		c.until = map[[sha256.Size]byte]time.Time{}
	}
	c.until[key] = now.Add(2 * maxSkew)
	return nil
}
