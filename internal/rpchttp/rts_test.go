package rpchttp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
)

// formOf are the vectors' PDUs as this package names them.
var formOf = map[string]*form{
	"CONN/A1": connA1, "CONN/A2": connA2, "CONN/A3": connA3, "CONN/B1": connB1, "CONN/B2": connB2, "CONN/B3": connB3,
	"CONN/C2": connC2, "Echo": echo, "Keep-Alive": keepAlive, "Ping": ping, "OUT_R1/A2": outA2, "OUT_R1/A3": outA3,
	"OUT_R1/A7": outR1A7, "OUT_R1/A10": outR1A10,
}

func TestRTSVectors(t *testing.T) {
	for _, v := range vectors.Load(t, "rpch.json") {
		t.Run(v.ID, func(t *testing.T) {
			b := v.Bytes(t)
			p, err := decodeRTS(b)
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Flags    flags
				Commands []map[string]any `json:"commands"`
			}
			if err := json.Unmarshal(v.Decoded, &want); err != nil {
				t.Fatal(err)
			}
			if p.flags != want.Flags || len(p.commands) != len(want.Commands) {
				t.Fatalf("decoded %+v, want %s", p, v.Decoded)
			}
			for i, w := range want.Commands {
				if got := described(&p.commands[i]); !reflect.DeepEqual(got, known(w)) {
					t.Errorf("command %d: got %v, want %v", i, got, known(w))
				}
			}
			if again := p.encode(); !bytes.Equal(again, b) {
				t.Errorf("encoded again:\n%x, want\n%x", again, b)
			}
			f := formOf[strings.TrimSuffix(v.What, " RTS PDU")]
			if f == nil || !p.is(f) {
				t.Errorf("%s isn't recognized but as %v", v.What, p)
			}
		})
	}
}

// described is a command in the vectors' words.
func described(m *command) map[string]any {
	name := map[commandType]string{cmdReceiveWindowSize: "ReceiveWindowSize", cmdConnectionTimeout: "ConnectionTimeout",
		cmdChannelLifetime: "ChannelLifetime", cmdClientKeepalive: "ClientKeepalive", cmdVersion: "Version",
		cmdDestination: "Destination"}[m.kind]
	switch m.kind {
	case cmdCookie:
		return map[string]any{"Cookie": m.cookie.String()}
	case cmdAssociationGroupID:
		return map[string]any{"AssociationGroupId": m.cookie.String()}
	case cmdANCE:
		return map[string]any{"ANCE": true}
	case cmdClientAddress:
		return map[string]any{"ClientAddress": m.address.String()}
	}
	return map[string]any{name: float64(m.number)}
}

// known leaves out of a vector's command what isn't in the bytes.
func known(w map[string]any) map[string]any {
	delete(w, "role")
	delete(w, "name")
	if a, ok := w["ClientAddress"].(map[string]any); ok {
		text, _, _ := strings.Cut(a["note"].(string), " ")
		w["ClientAddress"] = netip.MustParseAddr(text).String()
	}
	return w
}

// TestRecordedRTSVectors decodes and encodes again each RTS PDU of conversations between impacket and gromox.
func TestRecordedRTSVectors(t *testing.T) {
	seen := map[string]int{}
	vectors.Recorded(t, "rpchttp.jsonl.gz", func(line []byte) {
		type stream struct{ Stream, Request_stream string }
		var r struct {
			ID      string
			In, Out stream
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		t.Run(r.ID, func(t *testing.T) {
			for _, text := range []string{r.In.Stream, r.Out.Request_stream, r.Out.Stream} {
				b, err := hex.DecodeString(text)
				if err != nil {
					t.Fatal(err)
				}
				for rest := bytes.NewReader(b); rest.Len() > 0; {
					pdu, err := readPDU(rest)
					if err != nil {
						t.Fatal(err)
					}
					if !isRTS(pdu) {
						continue
					}
					p, err := decodeRTS(pdu)
					if err != nil {
						t.Fatalf("%x: %v", pdu, err)
					}
					if again := p.encode(); !bytes.Equal(again, pdu) {
						t.Errorf("%v: encoded again:\n%x, want\n%x", p, again, pdu)
					}
					seen[p.String()]++
				}
			}
		})
	})
	for _, f := range []*form{connA1, connB1, connA3, connC2, flowControlAckTo} {
		if seen[strings.ReplaceAll(f.name, " ", " or ")] == 0 {
			t.Errorf("no %s among the recorded %v", f.name, seen)
		}
	}
}

// everyCommand has each of a form's values different from the others, and the most that it can be.
func everyCommand(f *form) *rts {
	var values []command
	for i, t := range f.types {
		switch t {
		case cmdVersion, cmdDestination, cmdEmpty, cmdANCE, cmdNegativeANCE:
		default:
			values = append(values, command{number: uint32(1000 + i), cookie: cookie{byte(i), 1, 15: 2}, received: 1 << 31, window: uint32(i),
				address: netip.MustParseAddr("2001:db8::7"), padding: bytes.Repeat([]byte{9}, i+1)})
		}
	}
	return f.with(values...)
}

func TestForms(t *testing.T) {
	// Sizes from [MS-RPCH] 2.2.4, where a number of them are also the way to tell PDUs apart.
	sizes := map[*form]int{connA1: 76, connA2: 84, connA3: 28, connB1: 104, connB3: 36, connC2: 44, inA1: 88, inR1A2: 104,
		inR1A4: 52, inA5: 40, inR1B1: 24, inR1B2: 28, inR2A4: 28, outA2: 28, outA3: 96, outR1A4: 112, outR1A6: 44, outR1A7: 48,
		outR1A10: 24, outR2A6: 32, outR2A7: 56, outR2B2: 24, outR2B3: 24, outR2C1: 24, keepAlive: 28, pingNotify: 28, echo: 20,
		ping: 20, flowControlAck: 48, flowControlAckTo: 56}
	for _, f := range forms {
		b := everyCommand(f).encode()
		if want := sizes[f]; want != 0 && len(b) != want {
			t.Errorf("%s has %d bytes, want %d", f.name, len(b), want)
		}
		p, err := decodeRTS(b)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		for _, other := range forms {
			if p.is(other) != (f == other) {
				t.Errorf("%s recognized as %s: %v", f.name, other.name, p.is(other))
			}
		}
		if again := p.encode(); !bytes.Equal(again, b) {
			t.Errorf("%s: encoded again: %x, want %x", f.name, again, b)
		}
	}
	if n := firstOutLength; n != len(everyCommand(connA1).encode()) {
		t.Errorf("an OUT channel's request has %d bytes", n)
	}
	if n := laterOutLength; n != len(everyCommand(outA3).encode())+len(everyCommand(outR2C1).encode()) {
		t.Errorf("a replacement OUT channel's request has %d bytes", n)
	}
}

func TestRefusedRTS(t *testing.T) {
	good := everyCommand(connB1).encode()
	for what, change := range map[string]func(b []byte) []byte{
		"cut":                 func(b []byte) []byte { return b[:len(b)-1] },
		"longer":              func(b []byte) []byte { return append(b, 0) },
		"frag_length":         func(b []byte) []byte { b[8]++; return b },
		"version":             func(b []byte) []byte { b[0] = 4; return b },
		"PTYPE":               func(b []byte) []byte { b[2] = 0; return b },
		"pfc_flags":           func(b []byte) []byte { b[3] = 1; return b },
		"big-endian":          func(b []byte) []byte { b[4] = 0; return b },
		"number of commands":  func(b []byte) []byte { b[18] = 5; return b },
		"65535 commands":      func(b []byte) []byte { b[18], b[19] = 0xFF, 0xFF; return b },
		"unknown command":     func(b []byte) []byte { b[20] = 15; return b },
		"padding without end": func(b []byte) []byte { return append(b[:20], 8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F) },
	} {
		if p, err := decodeRTS(change(bytes.Clone(good))); err == nil {
			t.Errorf("%s: decoded as %v", what, p)
		}
	}
}

func FuzzRTS(f *testing.F) {
	for _, form := range forms {
		f.Add(everyCommand(form).encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		pdu, err := readPDU(bytes.NewReader(b))
		if err != nil || !isRTS(pdu) {
			return
		}
		p, err := decodeRTS(pdu)
		if err != nil {
			return
		}
		_ = p.String()
		again, err := decodeRTS(p.encode())
		if err != nil || fmt.Sprint(again) != fmt.Sprint(p) || again.flags != p.flags || len(again.commands) != len(p.commands) {
			t.Fatalf("%+v, again %+v, %v", p, again, err)
		}
	})
}
