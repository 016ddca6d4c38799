package spnego

import (
	"context"
	"encoding/asn1"
	"errors"

	"github.com/opencdo/opencdo/internal/gss"
)

// Initiator is the client's side.
type Initiator struct {
	negotiated
	mechs   []Mechanism // that can be used, the preferred first
	started bool
	settled bool // the server has named the mechanism, or used the preferred one
}

// NewInitiator offers mechanisms, the preferred first.
func NewInitiator(mechs ...Mechanism) *Initiator { return &Initiator{mechs: mechs} }

// Step implements gss.Context. What has failed once doesn't go on.
func (i *Initiator) Step(ctx context.Context, token []byte) (out []byte, done bool, err error) {
	switch {
	case i.done || i.failed || i.started == (token == nil):
		return nil, false, errSequence
	case !i.started:
		i.started = true
		out, err = i.offer(ctx)
	default:
		out, err = i.answer(ctx, token)
	}
	i.failed = err != nil
	return out, i.done && err == nil, err
}

// begin makes a mechanism's context and first token.
func (i *Initiator) begin(ctx context.Context, m Mechanism) (token []byte, err error) {
	c, err := m.New(ctx)
	if err != nil {
		return nil, err
	}
	i.Context, i.id, i.innerDone = c, m.ID, false
	return i.step(ctx, nil)
}

// offer is the first token, with that of the preferred mechanism that can be used.
func (i *Initiator) offer(ctx context.Context) ([]byte, error) {
	var t initToken
	var failed []error
	for len(i.mechs) > 0 {
		token, err := i.begin(ctx, i.mechs[0])
		if err == nil {
			t.MechToken = token
			break
		}
		failed = append(failed, err)
		i.mechs = i.mechs[1:]
	}
	if len(i.mechs) == 0 {
		i.Context, i.id = nil, nil
		return nil, errors.Join(append(failed, ErrNoMechanism)...)
	}
	for _, m := range i.mechs {
		t.MechTypes = append(t.MechTypes, m.ID)
	}
	var err error
	if i.mechTypes, err = mechList(t.MechTypes); err != nil {
		return nil, err
	}
	return encodeInit(t)
}

// answer goes on with a NegTokenResp (RFC 4178, 4.2.2 and 5).
func (i *Initiator) answer(ctx context.Context, token []byte) ([]byte, error) {
	t, err := decodeResp(token)
	if err != nil {
		return nil, err
	}
	if t.NegState == reject {
		return nil, ErrRefused
	}
	var out respToken
	out.NegState = noState
	if !i.settled {
		i.settled = true
		if t.SupportedMech != nil && !same(t.SupportedMech, i.id) {
			if out.ResponseToken, err = i.change(ctx, t); err != nil {
				return nil, err
			}
			return encodeResp(out)
		}
	}
	i.needMIC = i.needMIC || t.NegState == requestMIC
	if t.ResponseToken != nil && !i.innerDone {
		if out.ResponseToken, err = i.step(ctx, t.ResponseToken); err != nil {
			return nil, err
		}
	}
	if err := i.verify(t.MechListMIC); err != nil {
		return nil, err
	}
	if i.innerDone && (i.needMIC || i.id.Equal(NTLM)) {
		// Windows demands the proof after an NTLM message with a MIC ([MS-SPNG] 3.2.5.1).
		if out.MechListMIC, err = i.mic(); err != nil {
			return nil, err
		}
	}
	if t.NegState == acceptCompleted {
		if !i.innerDone || i.needMIC && !i.gotMIC {
			return nil, ErrTampered
		}
		i.complete()
	}
	if out.ResponseToken == nil && out.MechListMIC == nil {
		if !i.done {
			return nil, errSequence
		}
		return nil, nil
	}
	return encodeResp(out)
}

// change takes the mechanism that the server prefers. What went on until now was unprotected, so the list is to be proven.
func (i *Initiator) change(ctx context.Context, t respToken) ([]byte, error) {
	n := find(i.mechs, t.SupportedMech)
	if n < 0 || t.ResponseToken != nil {
		return nil, ErrNoMechanism
	}
	i.needMIC = true
	return i.begin(ctx, i.mechs[n])
}

// Fixed is a mechanism whose context is there already.
func Fixed(id asn1.ObjectIdentifier, c gss.Context) Mechanism {
	return Mechanism{id, func(context.Context) (gss.Context, error) { return c, nil }}
}
