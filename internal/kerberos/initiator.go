package kerberos

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/opencdo/opencdo/internal/gss"
)

// Target is the service that an initiator speaks to, and how.
type Target struct {
	// Service is its principal name without realm, such as "HTTP/mail.example.com".
	Service        string
	ChannelBinding gss.ChannelBinding
	// Seal asks for confidentiality; integrity there is always.
	Seal bool
	// DCE makes the three legs of DCE/RPC.
	DCE bool
}

// Initiator is the client's side.
type Initiator struct {
	session
	client    *Client
	target    Target
	ticketKey types.EncryptionKey
	request   types.Authenticator
	requested bool
}

// NewInitiator begins a handshake: the first Step takes nil.
func (c *Client) NewInitiator(t Target) *Initiator {
	i := &Initiator{client: c, target: t}
	i.initiator = true
	i.flags = flagMutual | flagReplay | flagSequence | flagInteg
	if t.Seal {
		i.flags |= flagConf
	}
	if t.DCE {
		i.flags |= flagDCE
	}
	return i
}

// Step implements gss.Context.
func (i *Initiator) Step(ctx context.Context, token []byte) (out []byte, done bool, err error) {
	switch {
	case i.done || i.requested == (token == nil):
		return nil, false, errSequence
	case !i.requested:
		out, err = i.ask(ctx)
		return out, false, err
	}
	out, err = i.answer(token)
	return out, err == nil, err
}

// ask makes the AP-REQ (RFC 4121, 4.1.1).
func (i *Initiator) ask(ctx context.Context) ([]byte, error) {
	ticket, key, err := i.client.ticket(ctx, i.target.Service)
	if err != nil {
		return nil, err
	}
	cl := i.client.client
	a, err := types.NewAuthenticator(cl.Credentials.Domain(), cl.Credentials.CName())
	if err != nil {
		return nil, err
	}
	a.SubKey = newKey(key.KeyType)
	a.Cksum = types.Checksum{CksumType: checksumType, Checksum: checksum(i.target.ChannelBinding, i.flags)}
	req, err := messages.NewAPReq(ticket, key, a)
	if err != nil {
		return nil, fmt.Errorf("kerberos: AP-REQ: %w", err)
	}
	types.SetFlag(&req.APOptions, flags.APOptionMutualRequired)
	b, err := req.Marshal()
	if err != nil {
		return nil, fmt.Errorf("kerberos: AP-REQ: %w", err)
	}
	i.requested, i.ticketKey, i.request = true, key, a
	if i.target.DCE {
		return b, nil
	}
	return frame(tokenRequest, b)
}

// answer checks the AP-REP, which proves the service's identity.
func (i *Initiator) answer(token []byte) ([]byte, error) {
	if !i.target.DCE {
		id, b, err := unframe(token)
		if err != nil {
			return nil, err
		}
		if id == tokenError {
			return nil, peerError(b)
		}
		if id != tokenReply {
			return nil, errSequence
		}
		token = b
	}
	p, err := decodeReply(token, i.ticketKey)
	if err != nil {
		return nil, err
	}
	if p.Time.Unix() != i.request.CTime.Unix() || p.Microseconds != i.request.Cusec {
		return nil, ErrIntegrity
	}
	key := i.request.SubKey
	if len(p.Subkey.KeyValue) > 0 {
		key, i.acceptorSubkey = p.Subkey, true
	}
	i.sending, i.receiving = uint64(uint32(i.request.SeqNumber)), uint64(uint32(p.SequenceNumber))
	var out []byte
	if i.target.DCE {
		// The third leg says the same with the acceptor's number ([MS-KILE] 3.4.5.1).
		out, err = encodeReply(replyPart{Time: p.Time.UTC(), Microseconds: p.Microseconds, SequenceNumber: p.SequenceNumber}, i.ticketKey)
		if err != nil {
			return nil, err
		}
	}
	if err := i.establish(key); err != nil {
		return nil, err
	}
	i.peer = i.target.Service
	return out, nil
}

func peerError(b []byte) error {
	var e messages.KRBError
	if err := guard(func() error { return e.Unmarshal(b) }); err != nil {
		return errMalformed
	}
	return fmt.Errorf("%w by the service: error code %d", ErrRefused, e.ErrorCode)
}

func newKey(etype int32) types.EncryptionKey {
	k := types.EncryptionKey{KeyType: etype, KeyValue: make([]byte, keySize(etype))}
	rand.Read(k.KeyValue)
	return k
}
