package oxcfxics

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/opencdo/opencdo/mapi"
)

// Consumer puts the buffers of a stream together and has a function read them: the target of an upload, or of a
// download. It keeps nothing of a buffer when PutBuffer returns but an element that isn't whole yet.
type Consumer struct {
	cancel context.CancelFunc
	feed   chan []byte   // buffers
	hungry chan struct{} // the last buffer is used up
	done   chan struct{}

	mu       sync.Mutex // one PutBuffer at a time
	finished bool
	err      error // of the reading function, when done is closed
}

// NewConsumer starts read in a goroutine of its own. The context that read gets ends with ctx and with Close; read must
// return soon after that.
func NewConsumer(ctx context.Context, read func(ctx context.Context, r *Reader) error) *Consumer {
	ctx, cancel := context.WithCancel(ctx)
	c := &Consumer{cancel: cancel, feed: make(chan []byte), hungry: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.err = read(ctx, NewReader(&feeder{ctx: ctx, c: c}))
	}()
	return c
}

// errTrailing is what comes after the end of a stream.
var errTrailing = &mapi.Error{Op: "transfer", Code: mapi.ErrFormat, Err: errors.New("data after the end of the stream")}

// PutBuffer takes the next part of the stream, cut anywhere. It returns when the function has read all of it, with the
// function's error if it failed. After an error of ctx the transfer is over.
func (c *Consumer) PutBuffer(ctx context.Context, b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return ErrClosed
	}
	if len(b) == 0 {
		return nil
	}
	select {
	case c.feed <- b:
	case <-c.done:
		return c.ended()
	case <-ctx.Done():
		c.cancel()
		return ctx.Err()
	}
	select {
	case <-c.hungry:
		return nil
	case <-c.done:
		return c.err
	case <-ctx.Done():
		c.cancel()
		<-c.done // it may still be reading b
		return ctx.Err()
	}
}

// ended is the answer to data that comes when the function has returned.
func (c *Consumer) ended() error {
	if c.err != nil {
		return c.err
	}
	return errTrailing
}

// Finish tells the function that the stream is at its end, waits for it to return and gives its error.
func (c *Consumer) Finish() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.finished {
		c.finished = true
		close(c.feed)
	}
	<-c.done
	c.cancel()
	return c.err
}

// Close ends a transfer that Finish didn't end, and waits until the reading function has returned.
func (c *Consumer) Close() error {
	c.cancel()
	<-c.done
	return nil
}

// feeder is the reading end.
type feeder struct {
	ctx  context.Context
	c    *Consumer
	buf  []byte
	used bool // a buffer was taken whose end PutBuffer waits for
}

func (f *feeder) Read(p []byte) (int, error) {
	for len(f.buf) == 0 {
		if f.used {
			select {
			case f.c.hungry <- struct{}{}:
				f.used = false
			case <-f.ctx.Done():
				return 0, ErrClosed
			}
		}
		select {
		case b, ok := <-f.c.feed:
			if !ok {
				return 0, io.EOF
			}
			f.buf, f.used = b, true
		case <-f.ctx.Done():
			return 0, ErrClosed
		}
	}
	n := copy(p, f.buf)
	f.buf = f.buf[n:]
	return n, nil
}
