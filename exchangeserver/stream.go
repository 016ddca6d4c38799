package exchangeserver

import (
	"io"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// stream is a property opened as a stream ([MS-OXCPRPT] 3.2.5.13). The value is read where it lies until it is written to;
// then a copy of it is, which becomes the property when the stream is committed or released.
type stream struct {
	owner    propObject
	key      mapi.Key
	s        *session
	writable bool
	spool    *spool // of the message, or its own

	pos    int64
	blob   mapi.Blob     // the value, until it is written to
	reader io.ReadCloser // of blob, at
	at     int64
	copy   *spooled // once it is written to
	dirty  bool
}

func (s *stream) size() int64 {
	if s.copy != nil {
		return s.copy.size
	}
	return s.blob.Size()
}

func (s *stream) closeReader() {
	if s.reader != nil {
		s.reader.Close()
		s.reader = nil
	}
}

func (s *stream) close() {
	if _, immediate := s.owner.(*folder); !immediate { // a folder's needs a commit
		if err := s.commit(&call{Context: s.s.ctx, s: s.s}); err != nil {
			s.s.srv.log("stream not committed", "error", err)
		}
	}
	s.closeReader()
	if s.copy != nil {
		s.copy.rest()
	}
	s.spool.release()
}

// maxStream is the size that streams can have: their positions are signed 32-bit numbers in places ([MS-OXCPRPT] 3.2.5.20).
const maxStream = 1<<31 - 1

// securityDescriptorAsXML is the property id of PidTagSecurityDescriptorAsXml.
const securityDescriptorAsXML = 0x0E6A

// openStream is RopOpenStream ([MS-OXCPRPT] 3.2.5.13).
func (c *call) openStream(q *oxcrops.OpenStreamRequest) (oxcrops.Response, error) {
	o, err := get[propObject](c, q.In)
	if err != nil {
		return nil, err
	}
	switch q.Tag.Type() {
	case mapi.TypeBinary, mapi.TypeString, mapi.TypeString8, mapi.TypeObject:
	default:
		return nil, errorf(mapi.ErrNoSupport, "a %v property has no stream", q.Tag.Type())
	}
	k, err := o.logonOf().key(c, q.Tag)
	if err != nil {
		return nil, err
	}
	switch {
	case k == noKey:
		return nil, mapi.ErrNotFound
	case q.Tag.ID() == securityDescriptorAsXML:
		return nil, mapi.ErrNoSupport // clients then use the permissions table ([MS-OXCPERM] 4.1)
	}
	st := &stream{owner: o, key: k, s: c.s}
	switch q.OpenModeFlags {
	case oxcrops.StreamReadOnly:
	case oxcrops.StreamReadWrite, oxcrops.StreamCreate:
		if !canWrite(o) || isReadOnly(k) {
			return nil, mapi.ErrNoAccess
		}
		st.writable = true
	default:
		return nil, errorf(mapi.ErrInvalidParameter, "open mode 0x%02X", q.OpenModeFlags)
	}
	if err := st.load(c, q.OpenModeFlags); err != nil {
		return nil, err
	}
	return &oxcrops.OpenStreamResponse{StreamSize: uint32(min(st.size(), maxStream))}, c.put(q.Out, o.logonOf(), st)
}

func canWrite(o propObject) bool {
	switch o := o.(type) {
	case *message:
		return o.writable
	case *attachment:
		return o.writable
	}
	return true
}

// load finds the value that a stream begins with.
func (s *stream) load(c *call, mode uint8) error {
	switch o := s.owner.(type) {
	case *message:
		s.spool = o.spool.retain()
	case *attachment:
		s.spool = o.spool.retain()
	default:
		s.spool = c.s.newSpool()
	}
	if mode == oxcrops.StreamCreate {
		s.copy, s.dirty = s.spool.value(), true
		return nil
	}
	props, err := s.owner.props(c)
	if err != nil {
		s.spool.release()
		return err
	}
	v := props.Get(s.key)
	if v == nil {
		if other, ok := otherString(s.key); ok {
			if v = props.Get(other); v != nil {
				v, err = c.recode(v, other.Type(), s.owner.pages())
			}
		}
	}
	switch b, ok := v.(mapi.Blob); {
	case err != nil:
	case ok:
		s.blob = b
	case v == nil && mode == oxcrops.StreamReadWrite:
		s.copy = s.spool.value()
	case v == nil:
		err = mapi.ErrNotFound
	default:
		raw, ok := mapi.ValueBytes(v)
		if !ok {
			err = mapi.ErrNoSupport
		}
		s.blob = mapi.MemBlob(raw)
	}
	if err != nil {
		s.spool.release()
	}
	return err
}

// maxRecoded bounds strings that are converted whole for a stream of the other type.
const maxRecoded = 64 << 20

// recode converts a string for a stream of the other string type.
func (c *call) recode(v mapi.Value, t mapi.Type, p pages) (mapi.Value, error) {
	if b, ok := v.(mapi.Blob); ok {
		if b.Size() > maxRecoded {
			return nil, mapi.ErrNoMemory
		}
		r, err := b.Open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		raw, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		if v, err = mapi.BytesValue(t, raw); err != nil {
			return nil, err
		}
	}
	return c.s.restring(v, p), nil
}

// read fills p from the position on, which moves.
func (s *stream) read(p []byte) (n int, err error) {
	if s.copy != nil {
		n, err = s.copy.ReadAt(p, s.pos)
		s.pos += int64(n)
		if err == io.EOF {
			err = nil
		}
		return n, err
	}
	if s.reader == nil || s.at != s.pos {
		if err := s.reopen(); err != nil {
			return 0, err
		}
	}
	n, err = io.ReadFull(s.reader, p)
	s.pos += int64(n)
	s.at = s.pos
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}

// reopen puts the reader of the value to the position.
func (s *stream) reopen() error {
	if s.reader == nil || s.at > s.pos {
		s.closeReader()
		r, err := s.blob.Open()
		if err != nil {
			return err
		}
		s.reader, s.at = r, 0
	}
	_, err := io.CopyN(io.Discard, s.reader, s.pos-s.at)
	if err == io.EOF {
		err = nil // behind the end there is nothing
	}
	s.at = s.pos
	return err
}

// own makes the copy that is written to.
func (s *stream) own() error {
	if !s.writable {
		return mapi.ErrNoAccess
	}
	s.dirty = true
	if s.copy != nil {
		return nil
	}
	v := s.spool.value()
	r, err := s.blob.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := v.fill(r); err != nil {
		return err
	}
	s.closeReader()
	s.copy = v
	return nil
}

// write writes at the position, which moves.
func (s *stream) write(p []byte) (int, error) {
	if err := s.own(); err != nil {
		return 0, err
	}
	if s.pos+int64(len(p)) > maxStream {
		return 0, mapi.ErrStreamSize
	}
	n, err := s.copy.WriteAt(p, s.pos)
	s.pos += int64(n)
	return n, err
}

// commit makes what was written the property.
func (s *stream) commit(c *call) error {
	if !s.dirty {
		return nil
	}
	s.dirty = false
	v, err := s.copy.asValue(s.key.Type())
	if err != nil {
		return err
	}
	return s.owner.change(c, mapi.Props{{Key: s.key, Value: v}}, nil)
}

// streamFraming is a response of RopReadStream without its data.
const streamFraming = replySize + 2

// readStream is RopReadStream ([MS-OXCPRPT] 3.2.5.14).
func (c *call) readStream(q *oxcrops.ReadStreamRequest) (oxcrops.Response, error) {
	resp := &oxcrops.ReadStreamResponse{}
	s, err := get[*stream](c, q.In)
	if err != nil {
		return resp, err
	}
	n := int64(q.ByteCount)
	if q.ByteCount == oxcrops.MaximumSize {
		if q.MaximumByteCount > 0x80000000 {
			c.fatal = mapi.ErrRPCFormat
			return resp, mapi.ErrRPCFormat
		}
		n = int64(q.MaximumByteCount)
	}
	n = min(n, int64(c.room-streamFraming), max(s.size()-s.pos, 0))
	if n <= 0 {
		return resp, nil
	}
	resp.Data = make([]byte, n)
	got, err := s.read(resp.Data)
	resp.Data = resp.Data[:got]
	if err != nil {
		resp.Data = nil
	}
	return resp, err
}

// writeStream is RopWriteStream ([MS-OXCPRPT] 3.2.5.15).
func (c *call) writeStream(q *oxcrops.WriteStreamRequest) (oxcrops.Response, error) {
	resp := &oxcrops.WriteStreamResponse{ROP: q.RopID()}
	s, err := get[*stream](c, q.In)
	if err != nil {
		return resp, err
	}
	n, err := s.write(q.Data)
	resp.WrittenSize = uint16(n)
	return resp, err
}

// writeStreamExtended is RopWriteStreamExtended ([MS-OXCPRPT] 3.2.5.16).
func (c *call) writeStreamExtended(q *oxcrops.WriteStreamExtendedRequest) (oxcrops.Response, error) {
	resp := &oxcrops.WriteStreamExtendedResponse{}
	s, err := get[*stream](c, q.In)
	if err != nil {
		return resp, err
	}
	n, err := s.write(q.Data)
	resp.WrittenSize = uint32(n)
	return resp, err
}

// commitStream is RopCommitStream ([MS-OXCPRPT] 3.2.5.17).
func (c *call) commitStream(q *oxcrops.CommitStreamRequest) (oxcrops.Response, error) {
	s, err := get[*stream](c, q.In)
	if err != nil {
		return nil, err
	}
	return nil, s.commit(c)
}

// streamSize is RopGetStreamSize ([MS-OXCPRPT] 3.2.5.18).
func (c *call) streamSize(q *oxcrops.GetStreamSizeRequest) (oxcrops.Response, error) {
	s, err := get[*stream](c, q.In)
	if err != nil {
		return nil, err
	}
	return &oxcrops.GetStreamSizeResponse{StreamSize: uint32(min(s.size(), maxStream))}, nil
}

// setStreamSize is RopSetStreamSize ([MS-OXCPRPT] 3.2.5.19).
func (c *call) setStreamSize(q *oxcrops.SetStreamSizeRequest) (oxcrops.Response, error) {
	s, err := get[*stream](c, q.In)
	if err != nil {
		return nil, err
	}
	if q.StreamSize > maxStream {
		return nil, mapi.ErrStreamSize
	}
	if err := s.own(); err != nil {
		return nil, err
	}
	return nil, s.copy.truncate(int64(q.StreamSize))
}

// seekStream is RopSeekStream ([MS-OXCPRPT] 3.2.5.20).
func (c *call) seekStream(q *oxcrops.SeekStreamRequest) (oxcrops.Response, error) {
	s, err := get[*stream](c, q.In)
	if err != nil {
		return nil, err
	}
	base := int64(0)
	switch q.Origin {
	case io.SeekStart:
	case io.SeekCurrent:
		base = s.pos
	case io.SeekEnd:
		base = s.size()
	default:
		return nil, errorf(mapi.ErrInvalidParameter, "origin %d", q.Origin)
	}
	if q.Offset > maxStream || base+q.Offset < 0 || base+q.Offset > maxStream {
		return nil, mapi.ErrStreamSeek
	}
	s.pos = base + q.Offset
	return &oxcrops.SeekStreamResponse{NewPosition: uint64(s.pos)}, nil
}

// copyToStream is RopCopyToStream ([MS-OXCPRPT] 3.2.5.21).
func (c *call) copyToStream(q *oxcrops.CopyToStreamRequest) (oxcrops.Response, error) {
	resp := &oxcrops.CopyToStreamResponse{Dest: uint32(q.Dest)}
	src, dest, err := sourceAndTarget[*stream](c, q.Src, q.Dest)
	if err != nil {
		return resp, err
	}
	if !dest.writable {
		return resp, mapi.ErrNoAccess
	}
	buf := make([]byte, 64<<10)
	for left := q.ByteCount; left > 0; {
		n, err := src.read(buf[:min(left, uint64(len(buf)))])
		resp.ReadByteCount += uint64(n)
		if err != nil || n == 0 {
			return resp, err
		}
		w, err := dest.write(buf[:n])
		resp.WrittenByteCount += uint64(w)
		if err != nil {
			return resp, err
		}
		left -= uint64(n)
	}
	return resp, nil
}
