package dcerpc

import (
	"context"
	"fmt"
	"time"

	"github.com/opencdo/opencdo/internal/ndr"
)

// bind answers the first PDU of a connection ([C706] 9.3.3, [MS-RPCE] 3.3.1.5.1).
func (a *association) bind(ctx context.Context, h Header, pdu []byte) error {
	t, _, end, token, err := split(h, pdu)
	if err != nil {
		return err
	}
	var body bindBody
	if err := ndr.Unmarshal(pdu[:end], within(&body)); err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	a.maxXmit = max(min(a.srv.fragment(), body.MaxRecv), minFragment)
	var sec *security
	var out []byte
	if t != nil {
		if sec, out, err = a.authenticate(ctx, h, t, token); err != nil {
			return a.refuse(h, err)
		}
	}
	if a.group = a.srv.join(body.Group); a.group == nil {
		return a.refuse(h, &Refusal{RefusedUnspecified})
	}
	a.conn.SetReadDeadline(time.Time{})
	ack := a.results(&body)
	if a.info.Endpoint != "" {
		ack.Address = append([]byte(a.info.Endpoint), 0)
	}
	return a.acknowledge(BindAck, h, ack, sec, out)
}

// refuse sends a bind_nak and ends the association.
func (a *association) refuse(h Header, err error) error {
	reason := uint16(RefusedUnspecified)
	if r, ok := err.(*Refusal); ok {
		reason = r.Reason
	}
	if err := a.send(Header{Type: BindNak, Flags: whole, CallID: h.CallID}, &nakBody{Reason: reason, Versions: [][2]uint8{version}}, nil, nil); err != nil {
		return err
	}
	return fmt.Errorf("bind %w: %w", errRefused, err)
}

// acknowledge answers a bind or alter_context.
func (a *association) acknowledge(kind PDUType, h Header, ack *ackBody, sec *security, token []byte) error {
	reply := Header{Type: kind, Flags: whole | h.Flags&Concurrent, CallID: h.CallID}
	var t *trailer
	if sec != nil {
		t = &sec.trailer
		reply.Flags |= h.Flags & SupportsHeaderSigning
	}
	return a.send(reply, ack, t, token)
}

// results decides on the presentation contexts that a client proposes.
func (a *association) results(body *bindBody) *ackBody {
	ack := &ackBody{MaxXmit: a.maxXmit, MaxRecv: max(min(a.srv.fragment(), body.MaxXmit), minFragment), Group: a.group.id}
	for _, e := range body.Contexts {
		r := contextResult{Result: providerRejection, Reason: reasonTransferSyntax}
		i := a.srv.lookup(e.Abstract)
		if i == nil {
			r.Reason = reasonAbstractSyntax
		}
		for _, s := range e.Transfer {
			if wanted, ok := s.features(); ok {
				// Negotiation of features, which has nothing to do with the interface ([MS-RPCE] 3.3.1.5.3).
				features := wanted & supportedFeatures
				a.multiplexed = a.multiplexed || features&featureMultiplexing != 0
				r = contextResult{Result: negotiateAck, Reason: uint16(features)}
				break
			}
			if i != nil && s == NDR20 {
				a.contexts[e.ID] = i
				r = contextResult{Transfer: NDR20}
				break
			}
		}
		ack.Results = append(ack.Results, r)
	}
	return ack
}

// alter answers an alter_context: more interfaces, the next token, or another security context.
func (a *association) alter(ctx context.Context, h Header, pdu []byte) error {
	t, _, end, token, err := split(h, pdu)
	if err != nil {
		return err
	}
	var body bindBody
	if err := ndr.Unmarshal(pdu[:end], within(&body)); err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	var sec *security
	var out []byte
	if t != nil {
		if sec, out, err = a.authenticate(ctx, h, t, token); err != nil {
			a.fault(h.CallID, 0, StatusAccessDenied, DidNotExecute)
			return err
		}
	}
	return a.acknowledge(AlterResp, h, a.results(&body), sec, out)
}

// auth3 takes the client's last token. It isn't answered; where it is no good, the calls are that follow ([MS-RPCE]
// 3.3.1.5.2.3).
func (a *association) auth3(ctx context.Context, h Header, pdu []byte) error {
	t, _, _, token, err := split(h, pdu)
	if err != nil {
		return err
	}
	if t == nil || a.security[t.ContextID] == nil || a.security[t.ContextID].done {
		return protocolError("auth3 without a negotiation")
	}
	if _, out, err := a.authenticate(ctx, h, t, token); err != nil || out != nil {
		a.srv.log(ctx, a.info, "DCE/RPC authentication failed", err)
	}
	return nil
}

// maxSecurity bounds the security contexts of an association.
const maxSecurity = 16

// authenticate goes a step on with a security context, new where its number is.
func (a *association) authenticate(ctx context.Context, h Header, t *trailer, token []byte) (*security, []byte, error) {
	sec := a.security[t.ContextID]
	if sec == nil {
		if a.srv.Accept == nil || t.Level < LevelConnect || t.Level > LevelPrivacy {
			return nil, nil, &Refusal{RefusedAuthType}
		}
		if a.first != nil && !a.multiplexed || len(a.security) >= maxSecurity {
			return nil, nil, &Refusal{RefusedLimit}
		}
		gc, err := a.srv.Accept(t.Type)
		if err != nil {
			return nil, nil, err
		}
		if gc == nil {
			return nil, nil, &Refusal{RefusedAuthType}
		}
		sec = &security{trailer: trailer{Type: t.Type, Level: t.Level, ContextID: t.ContextID}, ctx: gc}
		sec.header = h.Flags&SupportsHeaderSigning != 0 || a.first != nil && a.first.header
		a.security[t.ContextID] = sec
		if a.first == nil {
			a.first = sec
		}
	}
	if sec.done || sec.Type != t.Type || sec.Level != t.Level {
		return nil, nil, protocolError("security context %d is negotiated anew", t.ContextID)
	}
	out, done, err := sec.ctx.Step(ctx, token)
	if err != nil {
		return nil, nil, fmt.Errorf("authenticate: %w", err)
	}
	sec.finish(done)
	return sec, out, nil
}
