package spnego

import (
	"bytes"
	"context"
	"encoding/asn1"
)

// Acceptor is the server's side. It also takes NTLM and Kerberos without negotiation, as Windows sends them at times.
type Acceptor struct {
	negotiated
	mechs   []Mechanism
	started bool
	raw     bool
	told    bool // the client knows the mechanism
}

// NewAcceptor accepts mechanisms; the client's preference decides.
func NewAcceptor(mechs ...Mechanism) *Acceptor { return &Acceptor{mechs: mechs} }

// Step implements gss.Context. What has failed once doesn't go on.
func (a *Acceptor) Step(ctx context.Context, token []byte) (out []byte, done bool, err error) {
	if a.done || a.failed {
		return nil, false, errSequence
	}
	out, done, err = a.next(ctx, token)
	a.failed = err != nil
	return out, done, err
}

func (a *Acceptor) next(ctx context.Context, token []byte) (out []byte, done bool, err error) {
	var r respToken
	switch {
	case a.started && a.raw:
		out, err = a.plain(ctx, token)
		return out, a.done, err
	case a.started:
		var t respToken
		if t, err = decodeResp(token); err == nil {
			r, err = a.answer(ctx, t.ResponseToken, t.MechListMIC)
		}
	default:
		a.started = true
		if id := plainMechanism(token); id != nil {
			a.raw = true
			if err := a.choose(ctx, id); err != nil {
				return nil, false, err
			}
			out, err = a.plain(ctx, token)
			return out, a.done, err
		}
		var t initToken
		if t, err = decodeInit(token); err == nil {
			r, err = a.offered(ctx, t)
		}
	}
	if err != nil {
		return nil, false, err
	}
	out, err = encodeResp(r)
	return out, a.done && err == nil, err
}

// plainMechanism is the mechanism of a first token without negotiation.
func plainMechanism(token []byte) asn1.ObjectIdentifier {
	if bytes.HasPrefix(token, []byte(ntlmSignature)) {
		return NTLM
	}
	if id := mechanismOf(token); isKerberos(id) {
		return Kerberos
	}
	return nil
}

func (a *Acceptor) plain(ctx context.Context, token []byte) ([]byte, error) {
	out, err := a.step(ctx, token)
	a.done = a.innerDone && err == nil
	return out, err
}

func (a *Acceptor) choose(ctx context.Context, id asn1.ObjectIdentifier) error {
	n := find(a.mechs, id)
	if n < 0 {
		return ErrNoMechanism
	}
	c, err := a.mechs[n].New(ctx)
	if err != nil {
		return err
	}
	a.Context, a.id = c, id
	return nil
}

// offered chooses a mechanism. A token came only for the client's preferred one.
func (a *Acceptor) offered(ctx context.Context, t initToken) (r respToken, err error) {
	if a.mechTypes, err = mechList(t.MechTypes); err != nil {
		return r, err
	}
	for n, id := range t.MechTypes {
		if find(a.mechs, id) < 0 {
			continue
		}
		if err := a.choose(ctx, id); err != nil {
			return r, err
		}
		if n == 0 || isKerberos(id) && isKerberos(t.MechTypes[0]) {
			return a.answer(ctx, t.MechToken, t.MechListMIC)
		}
		a.needMIC = true
		return a.answer(ctx, nil, nil)
	}
	return r, ErrNoMechanism
}

// answer goes on with the mechanism's token, if one came, and the client's proof of its list.
func (a *Acceptor) answer(ctx context.Context, token, mic []byte) (r respToken, err error) {
	if !a.told {
		a.told, r.SupportedMech = true, a.id
	}
	if token != nil {
		if r.ResponseToken, err = a.step(ctx, token); err != nil {
			return r, err
		}
	}
	if err := a.verify(mic); err != nil {
		return r, err
	}
	if a.innerDone && a.needMIC {
		if r.MechListMIC, err = a.mic(); err != nil {
			return r, err
		}
	}
	switch {
	case a.innerDone && (!a.needMIC || a.gotMIC):
		a.complete()
		r.NegState = acceptCompleted
	case a.needMIC && r.SupportedMech != nil:
		r.NegState = requestMIC
	case r.ResponseToken == nil && r.SupportedMech == nil && r.MechListMIC == nil:
		return r, errSequence // nothing would go on
	default:
		r.NegState = acceptIncomplete
	}
	return r, nil
}
