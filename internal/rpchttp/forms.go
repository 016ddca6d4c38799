package rpchttp

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// form is the shape of a named RTS PDU: its flags and the types of its commands. Several PDUs can have one form; which of
// them it is follows from who receives it, on what channel and in which state ([MS-RPCH] 3.2).
type form struct {
	name  string // as in [MS-RPCH] 2.2.4; those of one form are joined by a blank
	flags flags
	types []commandType
	to    destination // of a Destination command
}

// The named RTS PDUs ([MS-RPCH] 2.2.4).
var (
	connA1 = &form{name: "CONN/A1", types: []commandType{cmdVersion, cmdCookie, cmdCookie, cmdReceiveWindowSize}}
	connA2 = &form{name: "CONN/A2", flags: flagOut,
		types: []commandType{cmdVersion, cmdCookie, cmdCookie, cmdChannelLifetime, cmdReceiveWindowSize}}
	connA3 = &form{name: "CONN/A3", types: []commandType{cmdConnectionTimeout}}
	connB1 = &form{name: "CONN/B1",
		types: []commandType{cmdVersion, cmdCookie, cmdCookie, cmdChannelLifetime, cmdClientKeepalive, cmdAssociationGroupID}}
	connB2 = &form{name: "CONN/B2", flags: flagIn, types: []commandType{cmdVersion, cmdCookie, cmdCookie, cmdReceiveWindowSize,
		cmdConnectionTimeout, cmdAssociationGroupID, cmdClientAddress}}
	connB3 = &form{name: "CONN/B3", types: []commandType{cmdReceiveWindowSize, cmdVersion}}
	connC2 = &form{name: "CONN/C1 CONN/C2", types: []commandType{cmdVersion, cmdReceiveWindowSize, cmdConnectionTimeout}}

	inA1 = &form{name: "IN_R1/A1 IN_R2/A1", flags: flagRecycle,
		types: []commandType{cmdVersion, cmdCookie, cmdCookie, cmdCookie}}
	inR1A2 = &form{name: "IN_R1/A2", flags: flagIn | flagRecycle,
		types: []commandType{cmdVersion, cmdCookie, cmdCookie, cmdCookie, cmdReceiveWindowSize, cmdConnectionTimeout}}
	inR1A4 = &form{name: "IN_R1/A3 IN_R1/A4",
		types: []commandType{cmdDestination, cmdVersion, cmdReceiveWindowSize, cmdConnectionTimeout}}
	inA5   = &form{name: "IN_R1/A5 IN_R1/A6 IN_R2/A2 IN_R2/A5 OUT_R2/A4", types: []commandType{cmdCookie}}
	inR1B1 = &form{name: "IN_R1/B1", types: []commandType{cmdEmpty}}
	inR1B2 = &form{name: "IN_R1/B2", types: []commandType{cmdReceiveWindowSize}}
	inR2A4 = &form{name: "IN_R2/A3 IN_R2/A4", types: []commandType{cmdDestination}}

	outA2 = &form{name: "OUT_R1/A1 OUT_R1/A2 OUT_R2/A1 OUT_R2/A2", flags: flagRecycle, types: []commandType{cmdDestination}}
	outA3 = &form{name: "OUT_R1/A3 OUT_R2/A3", flags: flagRecycle,
		types: []commandType{cmdVersion, cmdCookie, cmdCookie, cmdCookie, cmdReceiveWindowSize}}
	outR1A4 = &form{name: "OUT_R1/A4", flags: flagRecycle | flagOut, types: []commandType{cmdVersion, cmdCookie, cmdCookie,
		cmdCookie, cmdChannelLifetime, cmdReceiveWindowSize, cmdConnectionTimeout}}
	outR1A6  = &form{name: "OUT_R1/A5 OUT_R1/A6", flags: flagOut, types: []commandType{cmdDestination, cmdVersion, cmdConnectionTimeout}}
	outR1A7  = &form{name: "OUT_R1/A7 OUT_R1/A8 OUT_R2/A8", flags: flagOut, types: []commandType{cmdDestination, cmdCookie}, to: toServer}
	outR1A10 = &form{name: "OUT_R1/A9 OUT_R1/A10 OUT_R1/A11 OUT_R2/B1", types: []commandType{cmdANCE}}
	outR2A6  = &form{name: "OUT_R2/A5 OUT_R2/A6", types: []commandType{cmdDestination, cmdANCE}}
	outR2A7  = &form{name: "OUT_R2/A7", flags: flagOut, types: []commandType{cmdDestination, cmdCookie, cmdVersion}, to: toServer}
	outR2B2  = &form{name: "OUT_R2/B2", types: []commandType{cmdNegativeANCE}}
	outR2B3  = &form{name: "OUT_R2/B3", flags: flagEOF, types: []commandType{cmdANCE}}
	outR2C1  = &form{name: "OUT_R2/C1", flags: flagPing, types: []commandType{cmdEmpty}}
	// outR2C1Padded is for a request whose declared length leaves more to fill.
	outR2C1Padded = &form{name: "OUT_R2/C1", flags: flagPing, types: []commandType{cmdPadding}}

	keepAlive      = &form{name: "Keep-Alive", flags: flagOther, types: []commandType{cmdClientKeepalive}}
	pingNotify     = &form{name: "Ping-Traffic-Sent-Notify", flags: flagOther, types: []commandType{cmdPingTrafficSentNotify}}
	echo           = &form{name: "Echo", flags: flagEcho}
	ping           = &form{name: "Ping", flags: flagPing}
	flowControlAck = &form{name: "FlowControlAck", flags: flagOther, types: []commandType{cmdFlowControlAck}}
	// flowControlAckTo is FlowControlAckWithDestination as a client sends it; gromox sends it to the client, too.
	flowControlAckTo = &form{name: "FlowControlAckWithDestination", flags: flagOther,
		types: []commandType{cmdDestination, cmdFlowControlAck}, to: toOutProxy}
)

// forms are all of them.
var forms = []*form{connA1, connA2, connA3, connB1, connB2, connB3, connC2, inA1, inR1A2, inR1A4, inA5, inR1B1, inR1B2, inR2A4,
	outA2, outA3, outR1A4, outR1A6, outR1A7, outR1A10, outR2A6, outR2A7, outR2B2, outR2B3, outR2C1, outR2C1Padded, keepAlive,
	pingNotify, echo, ping, flowControlAck, flowControlAckTo}

// with makes a PDU of this form. values are those of its commands in order; Version and Destination have theirs, and commands
// without content take none.
func (f *form) with(values ...command) *rts {
	p := &rts{flags: f.flags}
	for _, t := range f.types {
		m := command{kind: t}
		switch t {
		case cmdVersion:
			m.number = protoVersion
		case cmdDestination:
			m.number = uint32(f.to)
		case cmdEmpty, cmdANCE, cmdNegativeANCE:
		default:
			m, values = values[0], values[1:]
			m.kind = t
		}
		p.commands = append(p.commands, m)
	}
	return p
}

// Values of commands.
func id(c cookie) command              { return command{cookie: c} }
func size[T int | int64](n T) command  { return command{number: uint32(n)} }
func millis(d time.Duration) command   { return command{number: uint32(d.Milliseconds())} }
func (m *command) time() time.Duration { return time.Duration(m.number) * time.Millisecond }
func ackOf(c cookie, received, window uint32) command {
	return command{cookie: c, received: received, window: window}
}

// is reports whether the PDU has the form.
func (p *rts) is(f *form) bool {
	return p.flags == f.flags && slices.EqualFunc(p.commands, f.types, func(m command, t commandType) bool { return m.kind == t })
}

// String names the PDU for errors.
func (p *rts) String() string {
	for _, f := range forms {
		if p.is(f) {
			return strings.ReplaceAll(f.name, " ", " or ")
		}
	}
	types := make([]string, len(p.commands))
	for i, m := range p.commands {
		types[i] = strconv.Itoa(int(m.kind))
	}
	return "RTS PDU with flags 0x" + strconv.FormatUint(uint64(p.flags), 16) + " and commands [" + strings.Join(types, " ") + "]"
}
