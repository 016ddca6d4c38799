package oxcrops

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// The capture is of Outlook clients and an Exchange server of 2003, on the first version of the protocol (EcDoRpc), whose
// ROP buffers are those of today, obfuscated as a whole.

// segment is a piece of a TCP stream.
type segment struct {
	seq  uint32
	data []byte
}

// tcpStreams reads the TCP payloads of a little-endian pcap file, by direction.
func tcpStreams(t *testing.T, file string) map[string][]byte {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	segments := map[string][]segment{}
	for b = b[24:]; len(b) >= 16; {
		n := int(binary.LittleEndian.Uint32(b[8:]))
		p := b[16 : 16+n]
		b = b[16+n:]
		if len(p) < 34 || p[12] != 8 || p[13] != 0 || p[23] != 6 {
			continue
		}
		ip := p[14 : 14+int(binary.BigEndian.Uint16(p[16:]))]
		tcp := ip[int(ip[0]&15)*4:]
		key := fmt.Sprintf("%x:%x", ip[12:20], tcp[:4])
		segments[key] = append(segments[key], segment{binary.BigEndian.Uint32(tcp[4:]), tcp[int(tcp[12]>>4)*4:]})
	}
	streams := map[string][]byte{}
	for key, list := range segments {
		sort.SliceStable(list, func(i, j int) bool { return int32(list[i].seq-list[j].seq) < 0 })
		next := list[0].seq
		for _, s := range list {
			if int32(s.seq-next) >= 0 { // not sent before
				streams[key] = append(streams[key], s.data...)
				next = s.seq + uint32(len(s.data))
			}
		}
	}
	return streams
}

// rpcStubs joins the fragments of requests with an opnum, or of responses, by call id.
func rpcStubs(stream []byte, ptype byte, opnum uint16) map[uint32][]byte {
	stubs := map[uint32][]byte{}
	for len(stream) >= 24 {
		n := int(binary.LittleEndian.Uint16(stream[8:]))
		if stream[0] != 5 || n < 24 || n > len(stream) {
			i := bytes.Index(stream[1:], []byte{5, 0}) // the capture began in the middle
			if i < 0 {
				break
			}
			stream = stream[1+i:]
			continue
		}
		pdu := stream[:n]
		stream = stream[n:]
		if pdu[2] != ptype || ptype == 0 && binary.LittleEndian.Uint16(pdu[22:]) != opnum {
			continue
		}
		end := n
		if auth := int(binary.LittleEndian.Uint16(pdu[10:])); auth > 0 {
			trailer := n - auth - 8
			end = trailer - int(pdu[trailer+2])
		}
		id := binary.LittleEndian.Uint32(pdu[12:])
		stubs[id] = append(stubs[id], pdu[24:end]...)
	}
	return stubs
}

// ropBuffer takes the ROP buffer out of the stub of an EcDoRpc: after the context handle a conformant varying array.
func ropBuffer(stub []byte) []byte {
	const at = 20 + 12
	if len(stub) < at {
		return nil
	}
	n := int(binary.LittleEndian.Uint32(stub[at-4:]))
	if n > len(stub)-at {
		return nil
	}
	p := make([]byte, n)
	for i := range p {
		p[i] = stub[at+i] ^ 0xA5
	}
	return p
}

// columnsInUse follows the columns of the tables of one connection: by handle, and while a buffer is being built by slot.
type columnsInUse map[uint32][]mapi.Tag

// prepare gives the requests of a buffer the columns that are known, and reports whether all are.
func (m columnsInUse) prepare(reqs []Request, handles []uint32) bool {
	slots := map[uint8][]mapi.Tag{}
	known := true
	for _, r := range reqs {
		switch r := r.(type) {
		case *SetColumnsRequest:
			slots[r.In] = r.Tags
		case *QueryRowsRequest:
			if r.Columns = slots[r.In]; r.Columns == nil {
				r.Columns = m[handles[r.In]]
			}
			known = known && r.Columns != nil
		}
	}
	return known
}

// keep remembers the columns set once the handles are known.
func (m columnsInUse) keep(reqs []Request, handles []uint32) {
	for _, r := range reqs {
		if r, ok := r.(*SetColumnsRequest); ok && int(r.In) < len(handles) {
			m[handles[r.In]] = r.Tags
		}
	}
}

// TestVectorsExchangeCapture decodes what Outlook and Exchange said to each other, and encodes it again to the same bytes.
func TestVectorsExchangeCapture(t *testing.T) {
	streams := tcpStreams(t, filepath.Join(vectors.Data(t), "pcap", "zeek", "mapi.pcap"))
	var requests, responses, unknownColumns int
	seen := map[string]bool{}
	for key, stream := range streams {
		back := key[8:16] + key[:8] + ":" + key[21:25] + key[17:21] // addresses and ports the other way round
		calls, answers := rpcStubs(stream, 0, 2), rpcStubs(streams[back], 2, 0)
		ids := slices.Sorted(maps.Keys(calls))
		columns := columnsInUse{}
		for _, id := range ids {
			q, p := ropBuffer(calls[id]), ropBuffer(answers[id])
			if q == nil {
				continue
			}
			t.Run(fmt.Sprintf("%s-%d", key, id), func(t *testing.T) {
				reqs, handles, err := DecodeRequests(q)
				if err != nil {
					t.Fatalf("%v\n%x", err, q)
				}
				if again, err := EncodeRequests(nil, reqs, handles); err != nil || !bytes.Equal(again, q) {
					t.Errorf("%x came back as %x, %v", q, again, err)
				}
				requests += len(reqs)
				for _, r := range reqs {
					seen[Name(r.RopID())] = true
				}
				known := columns.prepare(reqs, handles)
				switch {
				case p == nil: // answered after the end of the capture
					return
				case !known: // columns set before its beginning
					unknownColumns++
					return
				}
				resps, h, err := DecodeResponses(p, reqs)
				if err != nil {
					t.Fatalf("%v\n%x\n%x", err, q, p)
				}
				if again, err := EncodeResponses(nil, reqs, resps, h); err != nil || !bytes.Equal(again, p) {
					t.Errorf("%x came back as %x, %v", p, again, err)
				}
				responses += len(resps)
				columns.keep(reqs, h)
			})
		}
	}
	t.Logf("%d requests and %d responses; %d answers over columns that were set before the capture began; %d ROPs: %v",
		requests, responses, unknownColumns, len(seen), slices.Sorted(maps.Keys(seen)))
	if responses == 0 {
		t.Error("nothing was tested")
	}
}
