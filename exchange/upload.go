package exchange

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// upload sends a FastTransfer stream to an object on the server, buffer by buffer ([MS-OXCFXICS] 3.3.5.8). The object is
// opened with the first buffer and the session held until close.
type upload struct {
	st        *Store
	operation uint8 // SourceOperation of RopFastTransferDestinationConfigure
	// begin adds opening the object to a batch and gives its slot; prepare, if set, runs once it is open.
	begin   func(context.Context, *session, *batch) (uint8, error)
	prepare func(context.Context, *session, handle) error

	s      *session
	object handle
	target handle
	buf    []byte
}

// putMost is the data of one PutBuffer: a request of 32 KiB less framing.
const putMost = 0x7B00

// put adds bytes to the buffer, which has room for them.
func (u *upload) put(p []byte) error {
	if len(u.buf)+len(p) > putMost {
		return &mapi.Error{Op: "upload", Code: mapi.ErrNoMemory, Err: fmt.Errorf("an element of %d bytes", len(p))}
	}
	u.buf = append(u.buf, p...)
	return nil
}

// flush sends the buffer.
func (u *upload) flush(ctx context.Context) error {
	_, err := u.send(ctx, nil)
	return err
}

// send sends the buffer and, in the same call, what last adds to the batch after it: it is given the slot of the object
// and that of the upload, which is over then.
func (u *upload) send(ctx context.Context, last func(b *batch, object, target uint8)) (*result, error) {
	for {
		if u.s == nil {
			s, err := u.st.acquire(ctx, u.st.writing)
			if err != nil {
				return nil, err
			}
			u.s = s
		}
		res, err := u.try(ctx, last)
		if err != nil && lost(err) && u.s.calls == 0 { // a session that lay idle was stale: nothing has happened yet
			u.st.release(u.s)
			u.s = nil
			continue
		}
		return res, err
	}
}

func (u *upload) try(ctx context.Context, last func(b *batch, object, target uint8)) (*result, error) {
	var b batch
	object, err := u.open(ctx, &b)
	if err != nil {
		return nil, err
	}
	target := uint8(0)
	if u.target == none {
		target = b.out()
		b.add(&oxcrops.FastTransferDestinationConfigureRequest{In: object, Out: target, SourceOperation: u.operation})
	} else {
		target = b.in(u.target)
	}
	if len(u.buf) > 0 {
		b.add(&oxcrops.FastTransferDestinationPutBufferRequest{In: target, TransferData: u.buf})
	}
	if last != nil {
		last(&b, object, target)
	}
	res, err := u.s.execute(ctx, &b)
	if err != nil {
		return nil, err
	}
	if u.object == none {
		u.object = res.at(object)
	}
	if u.target == none {
		u.target = res.at(target)
	}
	if last != nil {
		u.target = none
	}
	if err := res.check("write item"); err != nil {
		return nil, err
	}
	if x, err := answer[*oxcrops.FastTransferDestinationPutBufferResponse](res); err == nil && int(x.BufferUsedSize) != len(u.buf) {
		return nil, &mapi.Error{Op: "write item", Code: mapi.ErrCallFailed,
			Err: fmt.Errorf("the server took %d of %d bytes", x.BufferUsedSize, len(u.buf))}
	}
	u.buf = u.buf[:0]
	return res, nil
}

// open gives the slot of the object in a batch. Where it has to be prepared, that takes calls of its own.
func (u *upload) open(ctx context.Context, b *batch) (uint8, error) {
	if u.object != none {
		return b.in(u.object), nil
	}
	slot, err := u.begin(ctx, u.s, b)
	if err != nil || u.prepare == nil {
		return slot, err
	}
	res, err := u.s.execute(ctx, b)
	if err != nil {
		return 0, err
	}
	if err := res.check("open item"); err != nil {
		return 0, err
	}
	u.object = res.at(slot)
	*b = batch{}
	return b.in(u.object), u.prepare(ctx, u.s, u.object)
}

// abandon ends the stream without its end; the server forgets what isn't whole.
func (u *upload) abandon() {
	if u.s != nil {
		u.s.free(u.target)
	}
	u.target = none
}

// close gives the session back.
func (u *upload) close() {
	if u.s == nil {
		return
	}
	u.s.free(u.target, u.object)
	u.st.release(u.s)
	u.s, u.object, u.target = nil, none, none
}

var (
	errEnded       = &mapi.Error{Op: "write item", Code: mapi.ErrInvalidObject, Err: errors.New("the writer has ended")}
	errSoftDeleted = &mapi.Error{Op: "create item", Code: mapi.ErrNoSupport, Err: errors.New("items are not created as deleted")}
)
