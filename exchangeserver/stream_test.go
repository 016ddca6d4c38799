package exchangeserver_test

import (
	"bytes"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// readAll reads a property by stream, in packed answers.
func (m *mailbox) readAll(h uint32, tag mapi.Tag) []byte {
	m.t.Helper()
	opened, s := one[*oxcrops.OpenStreamResponse](m.rpc, h, &oxcrops.OpenStreamRequest{Out: 1, Tag: tag})
	m.flags, m.maxOut = oxcmapihttp.ExecuteChain, 0x40000
	defer func() { m.flags, m.maxOut = 0, 0x10008 }()
	var out []byte
	for {
		resps, _ := m.call([]uint32{s}, &oxcrops.ReadStreamRequest{ByteCount: oxcrops.MaximumSize, MaximumByteCount: 1 << 20})
		n := 0
		for _, x := range resps {
			r := x.(*oxcrops.ReadStreamResponse)
			if r.ReturnValue != 0 {
				m.t.Fatalf("RopReadStream: %v", r.ReturnValue)
			}
			out = append(out, r.Data...)
			n += len(r.Data)
		}
		if n == 0 {
			break
		}
	}
	m.call([]uint32{s}, &oxcrops.ReleaseRequest{})
	if int(opened.StreamSize) != len(out) {
		m.t.Errorf("a stream of %d bytes gave %d", opened.StreamSize, len(out))
	}
	return out
}

// stream opens a property for writing.
func (m *mailbox) stream(h uint32, tag mapi.Tag, mode uint8) uint32 {
	m.t.Helper()
	_, s := one[*oxcrops.OpenStreamResponse](m.rpc, h, &oxcrops.OpenStreamRequest{Out: 1, Tag: tag, OpenModeFlags: mode})
	return s
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// TestStream writes a value in pieces, larger than what is held in memory, and changes it in the middle.
func TestStream(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	const tag = mapi.Tag(0x6A000102)
	want := pattern(200_000)
	s := m.stream(h, tag, oxcrops.StreamCreate)
	for at := 0; at < len(want); at += 30_000 {
		part := want[at:min(at+30_000, len(want))]
		if r, _ := one[*oxcrops.WriteStreamResponse](m.rpc, s, &oxcrops.WriteStreamRequest{Data: part}); int(r.WrittenSize) != len(part) {
			t.Fatalf("%d bytes written of %d", r.WrittenSize, len(part))
		}
	}
	seek := func(origin uint8, offset int64) uint64 {
		r, _ := one[*oxcrops.SeekStreamResponse](m.rpc, s, &oxcrops.SeekStreamRequest{Origin: origin, Offset: offset})
		return r.NewPosition
	}
	if p := seek(0, 100_000); p != 100_000 {
		t.Errorf("position %d", p)
	}
	copy(want[100_000:], "in the middle")
	one[*oxcrops.WriteStreamResponse](m.rpc, s, &oxcrops.WriteStreamRequest{Data: []byte("in the middle")})
	if p := seek(1, -13); p != 100_000 {
		t.Errorf("position %d", p)
	}
	if r, _ := one[*oxcrops.ReadStreamResponse](m.rpc, s, &oxcrops.ReadStreamRequest{ByteCount: 6}); string(r.Data) != "in the" {
		t.Errorf("read back %q", r.Data)
	}
	if p := seek(2, 0); p != uint64(len(want)) {
		t.Errorf("end at %d", p)
	}
	m.fails(mapi.ErrStreamSeek, s, &oxcrops.SeekStreamRequest{Origin: 0, Offset: -1})
	m.fails(mapi.ErrInvalidParameter, s, &oxcrops.SeekStreamRequest{Origin: 7})
	m.fails(mapi.ErrStreamSize, s, &oxcrops.SetStreamSizeRequest{StreamSize: 1 << 33})
	one[*oxcrops.PlainResponse](m.rpc, s, &oxcrops.SetStreamSizeRequest{StreamSize: 150_000})
	want = want[:150_000]
	one[*oxcrops.PlainResponse](m.rpc, s, &oxcrops.CommitStreamRequest{})
	if got := m.readAll(h, tag); !bytes.Equal(got, want) {
		t.Error("the committed stream reads differently")
	}
	one[*oxcrops.PlainResponse](m.rpc, s, &oxcrops.SetStreamSizeRequest{StreamSize: 150_002})
	want = append(want, 0, 0)
	m.call([]uint32{s}, &oxcrops.ReleaseRequest{}) // commits too
	id := m.save(h)
	_, h = m.open(id, oxcrops.OpenReadWrite)
	if got := m.readAll(h, tag); !bytes.Equal(got, want) {
		t.Error("the saved value reads differently")
	}

	// A change of a value that lies in the store.
	s = m.stream(h, tag, oxcrops.StreamReadWrite)
	one[*oxcrops.WriteStreamResponse](m.rpc, s, &oxcrops.WriteStreamRequest{Data: []byte("new")})
	copy(want, "new")
	m.call([]uint32{s}, &oxcrops.ReleaseRequest{})
	m.save(h)
	_, h = m.open(id, oxcrops.OpenReadOnly)
	s = m.stream(h, tag, oxcrops.StreamReadOnly)
	one[*oxcrops.SeekStreamResponse](m.rpc, s, &oxcrops.SeekStreamRequest{Offset: 149_999})
	if r, _ := one[*oxcrops.ReadStreamResponse](m.rpc, s, &oxcrops.ReadStreamRequest{ByteCount: 100}); !bytes.Equal(r.Data, want[149_999:]) {
		t.Errorf("the end reads %x", r.Data)
	}
	one[*oxcrops.SeekStreamResponse](m.rpc, s, &oxcrops.SeekStreamRequest{Offset: 1})
	if r, _ := one[*oxcrops.ReadStreamResponse](m.rpc, s, &oxcrops.ReadStreamRequest{ByteCount: 2}); string(r.Data) != "ew" {
		t.Errorf("the beginning reads %q", r.Data)
	}
	m.fails(mapi.ErrNoAccess, s, &oxcrops.WriteStreamRequest{Data: []byte("x")})
	m.fails(mapi.ErrNoAccess, h, &oxcrops.OpenStreamRequest{Out: 1, Tag: tag, OpenModeFlags: oxcrops.StreamReadWrite})
	m.fails(mapi.ErrNotFound, h, &oxcrops.OpenStreamRequest{Out: 1, Tag: 0x6A990102})
	m.fails(mapi.ErrNoSupport, h, &oxcrops.OpenStreamRequest{Out: 1, Tag: pid.TagImportance})
	m.fails(mapi.ErrNotImplemented, s, &oxcrops.LockRegionStreamRequest{})
	m.fails(mapi.ErrNotImplemented, s, &oxcrops.CloneStreamRequest{Out: 1})
}

// TestStringStreams opens strings in the type that they aren't stored in.
func TestStringStreams(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	m.set(h, pid.TagBody, "Grüße")
	if got := m.readAll(h, pid.TagBody); !bytes.Equal(got, mapi.EncodeUTF16("Grüße")) {
		t.Errorf("Unicode %q", got)
	}
	if got := m.readAll(h, pid.TagBody.WithType(mapi.TypeString8)); string(got) != "Gr\xfc\xdfe" {
		t.Errorf("8-bit %q", got)
	}
	s := m.stream(h, pid.TagBody, oxcrops.StreamCreate)
	one[*oxcrops.WriteStreamResponse](m.rpc, s, &oxcrops.WriteStreamRequest{Data: mapi.EncodeUTF16("neu")})
	one[*oxcrops.PlainResponse](m.rpc, s, &oxcrops.CommitStreamRequest{})
	m.want(h, pid.TagBody, "neu")
}

// TestPackedWrite sends several buffers with one RopWriteStreamExtended each.
func TestPackedWrite(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	s := m.stream(h, 0x6A000102, oxcrops.StreamCreate)
	want := pattern(100_000)
	var payloads [][]byte
	for at := 0; at < len(want); at += 25_000 {
		p, err := oxcrops.EncodeRequests(nil, []oxcrops.Request{&oxcrops.WriteStreamExtendedRequest{Data: want[at : at+25_000]}}, []uint32{s})
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, p)
	}
	out, code := m.execute(payloads...)
	if code != 0 || len(out) != 1 {
		t.Fatalf("%v, %d buffers", code, len(out))
	}
	resps, _ := m.decode(out, []oxcrops.Request{&oxcrops.WriteStreamExtendedRequest{}}, []uint32{s})
	if r := resps[0].(*oxcrops.WriteStreamExtendedResponse); r.ReturnValue != 0 || r.WrittenSize != uint32(len(want)) {
		t.Errorf("%v, %d bytes written of %d", r.ReturnValue, r.WrittenSize, len(want))
	}
	m.call([]uint32{s}, &oxcrops.ReleaseRequest{})
	if got := m.readAll(h, 0x6A000102); !bytes.Equal(got, want) {
		t.Error("what was written reads differently")
	}
	// Buffers that don't belong together are malformed.
	other, _ := oxcrops.EncodeRequests(nil, []oxcrops.Request{&oxcrops.GetStreamSizeRequest{}}, []uint32{s})
	if _, code := m.execute(payloads[0], other); code != mapi.ErrRPCFormat {
		t.Errorf("a mixture: %v", code)
	}
}

func TestCopyToStream(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	m.set(h, mapi.Tag(0x6A000102), pattern(5000))
	src, dest := m.stream(h, 0x6A000102, oxcrops.StreamReadOnly), m.stream(h, 0x6A010102, oxcrops.StreamCreate)
	copyOf := func(n uint64, table ...uint32) *oxcrops.CopyToStreamResponse {
		resps, _ := m.call(table, &oxcrops.CopyToStreamRequest{Src: 0, Dest: 1, ByteCount: n})
		return resps[0].(*oxcrops.CopyToStreamResponse)
	}
	if r := copyOf(3000, src, dest); r.ReturnValue != 0 || r.ReadByteCount != 3000 || r.WrittenByteCount != 3000 {
		t.Errorf("%+v", r)
	}
	if r := copyOf(3000, src, dest); r.ReadByteCount != 2000 {
		t.Errorf("to the end: %+v", r)
	}
	if r := copyOf(1, src, none); r.ReturnValue != mapi.ErrNullDestination || r.Dest != 1 {
		t.Errorf("no target: %+v", r)
	}
	m.call([]uint32{dest}, &oxcrops.ReleaseRequest{})
	if got := m.readAll(h, 0x6A010102); !bytes.Equal(got, pattern(5000)) {
		t.Error("the copy reads differently")
	}
}

// TestFolderStream sets a folder's property by stream, which needs a commit.
func TestFolderStream(t *testing.T) {
	m := openMailbox(t)
	for commit, want := range map[bool]mapi.Value{false: mapi.ErrNotFound, true: []byte("views")} {
		s := m.stream(m.inbox, 0x6A000102, oxcrops.StreamCreate)
		one[*oxcrops.WriteStreamResponse](m.rpc, s, &oxcrops.WriteStreamRequest{Data: []byte("views")})
		if commit {
			one[*oxcrops.PlainResponse](m.rpc, s, &oxcrops.CommitStreamRequest{})
		}
		m.call([]uint32{s}, &oxcrops.ReleaseRequest{})
		m.want(m.inbox, 0x6A000102, want)
		one[*oxcrops.ProblemsResponse](m.rpc, m.inbox, &oxcrops.DeletePropertiesRequest{Tags: []mapi.Tag{0x6A000102}})
	}
}
