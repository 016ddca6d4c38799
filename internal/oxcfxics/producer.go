package oxcfxics

import (
	"context"
	"errors"
	"sync"

	"github.com/opencdo/opencdo/mapi"
)

// TransferStatus says how far a transfer is ([MS-OXCROPS] 2.2.12.4.2).
type TransferStatus uint16

// Transfer statuses.
const (
	TransferError   TransferStatus = 0
	TransferPartial TransferStatus = 1
	TransferNoRoom  TransferStatus = 2 // the buffer is smaller than what must not be cut: ask again with a larger one
	TransferDone    TransferStatus = 3
)

// Chunk is one buffer of a stream.
type Chunk struct {
	Data        []byte
	Status      TransferStatus
	Step, Steps int // progress: of Writer.Step and Writer.Total
}

// Producer hands out a stream in buffers while a function writes it: the source of a download, or of an upload. Never more
// than one buffer is held: the function waits until the next is asked for. All methods may be called from any goroutine.
type Producer struct {
	cancel context.CancelFunc
	ask    chan int   // sizes of buffers
	give   chan Chunk // full ones
	done   chan struct{}

	mu   sync.Mutex // one GetBuffer at a time
	last Chunk      // set when done is closed
	err  error
}

// NewProducer starts write in a goroutine of its own. The context that write gets ends with ctx and with Close; write must
// return soon after that.
func NewProducer(ctx context.Context, opt *Options, write func(ctx context.Context, w *Writer) error) *Producer {
	ctx, cancel := context.WithCancel(ctx)
	p := &Producer{cancel: cancel, ask: make(chan int), give: make(chan Chunk), done: make(chan struct{})}
	o := &cutter{ctx: ctx, p: p}
	o.w = NewWriter(o, opt)
	go func() {
		defer close(p.done)
		if p.err = o.wait(); p.err != nil {
			return
		}
		if p.err = write(ctx, o.w); p.err == nil {
			p.err = o.w.err
		}
		p.last = o.chunk(TransferDone)
		p.last.Steps = max(p.last.Steps, p.last.Step, 1)
		p.last.Step = p.last.Steps
	}()
	return p
}

// ErrClosed is what a Producer or Consumer that was closed answers.
var ErrClosed = &mapi.Error{Op: "transfer", Code: mapi.ErrUserCancel, Err: errors.New("closed")}

// GetBuffer gives the next part of the stream, at most size bytes, cut where [MS-OXCFXICS] allows it. The last one has
// status TransferDone; after it come empty ones. An error of the writing function, or of ctx, ends the transfer.
func (p *Producer) GetBuffer(ctx context.Context, size int) (Chunk, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.ask <- size:
	case <-p.done:
		if p.err != nil {
			return Chunk{}, p.err
		}
		c := p.last
		c.Data = nil
		return c, nil
	case <-ctx.Done():
		p.cancel()
		return Chunk{}, ctx.Err()
	}
	select {
	case c := <-p.give:
		return c, nil
	case <-p.done:
		return p.last, p.err
	case <-ctx.Done():
		p.cancel()
		return Chunk{}, ctx.Err()
	}
}

// Close ends the transfer and waits until the writing function has returned.
func (p *Producer) Close() error {
	p.cancel()
	<-p.done
	return nil
}

// cutter is the Output of a Producer: it fills the buffer that was asked for.
type cutter struct {
	ctx  context.Context
	p    *Producer
	w    *Writer
	buf  []byte
	size int
}

// wait waits until a buffer is asked for.
func (o *cutter) wait() error {
	select {
	case o.size = <-o.p.ask:
		o.buf = nil
		return nil
	case <-o.ctx.Done():
		return ErrClosed
	}
}

func (o *cutter) chunk(s TransferStatus) Chunk {
	return Chunk{Data: o.buf, Status: s, Step: o.w.steps, Steps: max(o.w.total, o.w.steps)}
}

// flush gives the buffer away and waits for the next.
func (o *cutter) flush() error {
	s := TransferPartial
	if len(o.buf) == 0 {
		s = TransferNoRoom
	}
	select {
	case o.p.give <- o.chunk(s):
		return o.wait()
	case <-o.ctx.Done():
		return ErrClosed
	}
}

func (o *cutter) grow() {
	if o.buf == nil {
		o.buf = make([]byte, 0, max(o.size, 0))
	}
}

func (o *cutter) Atom(b []byte) error {
	for len(o.buf)+len(b) > o.size {
		if err := o.flush(); err != nil {
			return err
		}
	}
	o.grow()
	o.buf = append(o.buf, b...)
	return nil
}

func (o *cutter) Data(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), o.size-len(o.buf))
		if n <= 0 {
			if err := o.flush(); err != nil {
				return err
			}
			continue
		}
		o.grow()
		o.buf = append(o.buf, b[:n]...)
		b = b[n:]
	}
	return nil
}

// MaxAtom is the largest part of a stream that must not be cut, and so the least buffer that always has room: the
// definition of a property with the longest name and a GUID.
const MaxAtom = 4 + 16 + 1 + 2*(maxName+1) + 16
