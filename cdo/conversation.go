package cdo

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// Sizes of a conversation index ([MS-OXOMSG] 2.2.1.3): a header, and a level for each reply.
const (
	conversationHeader = 22
	conversationLevel  = 5
	conversationMost   = conversationHeader + conversationLevel*255
)

// newConversation is the index of the first message of a thread: 1, the five bytes of the FILETIME below its highest, a GUID.
func newConversation(now time.Time) []byte {
	b := make([]byte, 0, conversationHeader)
	b = append(b, 1)
	b = append(b, binary.BigEndian.AppendUint64(nil, uint64(mapi.NewFileTime(now)))[1:6]...)
	b = b[:conversationHeader]
	rand.Read(b[6:])
	return b
}

// replyConversation adds a level: the time since the header's, in steps of 2^18 or, from 1.7 years on, 2^23 units of 100
// nanoseconds, and four random bits.
func replyConversation(parent []byte, now time.Time) ([]byte, error) {
	if len(parent) < conversationHeader || (len(parent)-conversationHeader)%conversationLevel != 0 {
		return nil, &mapi.Error{Op: "read conversation index", Code: CdoE_INVALID_PARAMETER, Err: errors.New("not a header of 22 bytes and levels of 5")}
	}
	if len(parent) >= conversationMost {
		return nil, &mapi.Error{Op: "make conversation index", Code: CdoE_TOO_BIG, Err: errors.New("the thread is 255 replies deep")}
	}
	var began [8]byte
	copy(began[:6], parent) // the header's first byte is also the highest of the time
	delta := max(int64(mapi.NewFileTime(now))-int64(binary.BigEndian.Uint64(began[:])), 0)
	step := uint32(delta>>18) & 0x7FFFFFFF
	if delta>>49 != 0 {
		step = uint32(delta>>23) | 1<<31
	}
	level := binary.BigEndian.AppendUint32(nil, step)
	var random [1]byte
	rand.Read(random[:])
	return append(append(append([]byte(nil), parent...), level...), random[0]&0xF0), nil
}
