package oxcfxics_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// copyTo writes the elements of a stream to w.
func copyTo(stream []byte) func(context.Context, *oxcfxics.Writer) error {
	return func(_ context.Context, w *oxcfxics.Writer) error {
		r := oxcfxics.NewReader(bytes.NewReader(stream))
		for {
			e, err := r.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := w.Element(e); err != nil {
				return err
			}
		}
	}
}

// cuts marks the places where a stream may be cut ([MS-OXCFXICS] 2.2.4.1), and gives the longest piece without one. It is
// its own reading of the grammar, without the package's help. By the letter a cut may also lie between a property's
// definition and its value; the package keeps these together, since receivers differ, but others send such cuts.
func cuts(stream []byte) (allowed, legal []bool, longest int) {
	allowed, legal = make([]bool, len(stream)+1), make([]bool, len(stream)+1)
	fixed := map[uint32]int{2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 2, 0x14: 8, 0x40: 8, 0x48: 16}
	markers := []uint32{0x4000, 0x4001, 0x4002, 0x4003, 0x4004, 0x4009, 0x400A, 0x400B, 0x400C, 0x400D, 0x400E, 0x4010, 0x4012,
		0x4013, 0x4014, 0x4015, 0x4018, 0x402F, 0x403A, 0x403B, 0x4074, 0x4075, 0x407B, 0x407D}
	at := 0
	u32 := func() uint32 { at += 4; return binary.LittleEndian.Uint32(stream[at-4:]) }
	value := func(t uint32) {
		if n, ok := fixed[t]; ok {
			at += n
			return
		}
		for n := u32(); ; n-- {
			allowed[at] = true // the value of 0 bytes included
			if n == 0 {
				return
			}
			at++
		}
	}
	for at < len(stream) {
		allowed[at] = true
		tag := u32()
		id, t := tag>>16, tag&0xFFFF
		if slices.Contains(markers, id) {
			continue
		}
		if id >= 0x8000 {
			at += 17
			if stream[at-1] == 0 {
				at += 4
			} else {
				for at += 2; stream[at-2] != 0 || stream[at-1] != 0; at += 2 {
				}
			}
		}
		legal[at] = true
		switch {
		case tag == 0x40170003:
			value(0x102)
		case t&0x8000 == 0 && t&0x1000 != 0:
			for n := u32(); n > 0; n-- {
				allowed[at] = true
				value(t &^ 0x1000)
			}
		default:
			value(t)
		}
	}
	allowed[len(stream)] = true
	last := 0
	for i, ok := range allowed {
		if ok {
			longest, last = max(longest, i-last), i
			legal[i] = true
		}
	}
	return allowed, legal, longest
}

func TestVectorsCuts(t *testing.T) {
	ctx := context.Background()
	for _, r := range recordings(t) {
		if r.ID == "fasttransfer-0094" { // no stream
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			allowed, legal, least := cuts(r.data)
			if r.Direction == "download" {
				end := 0
				for _, n := range r.Parts { // the server kept the rule that is checked here
					if end += n; !legal[end] {
						t.Errorf("recorded with a cut at 0x%x", end)
					}
				}
			}
			for size := max(least, 1); size <= len(r.data)+1; size += 1 + max(0, size-least-20)/4 {
				p := oxcfxics.NewProducer(ctx, nil, copyTo(r.data))
				var got []byte
				for {
					c, err := p.GetBuffer(ctx, size)
					if err != nil {
						t.Fatal(err)
					}
					if len(c.Data) > size || c.Status == oxcfxics.TransferNoRoom {
						t.Fatalf("buffers of %d: %d bytes, status %d", size, len(c.Data), c.Status)
					}
					got = append(got, c.Data...)
					if !allowed[len(got)] {
						t.Fatalf("buffers of %d: cut at 0x%x", size, len(got))
					}
					if c.Status == oxcfxics.TransferDone {
						break
					}
				}
				if !bytes.Equal(got, r.data) {
					t.Fatalf("buffers of %d: the stream isn't whole", size)
				}
				p.Close()
			}
		})
	}
}

// oneProp is the stream of a message with one GUID property: 20 bytes in one piece.
func oneProp(_ context.Context, w *oxcfxics.Writer) error {
	w.Total(7)
	w.Step()
	return w.Prop(mapi.TagKey(0x66660048), mapi.PSMAPI)
}

func TestBufferTooSmall(t *testing.T) {
	ctx := context.Background()
	p := oxcfxics.NewProducer(ctx, nil, oneProp)
	defer p.Close()
	for range 2 {
		if c, err := p.GetBuffer(ctx, 19); err != nil || c.Status != oxcfxics.TransferNoRoom || len(c.Data) != 0 || c.Step != 1 || c.Steps != 7 {
			t.Errorf("too small a buffer gives %+v, %v", c, err)
		}
	}
	if c, err := p.GetBuffer(ctx, 20); err != nil || c.Status != oxcfxics.TransferDone || len(c.Data) != 20 || c.Step != 7 {
		t.Errorf("a larger one gives %+v, %v", c, err)
	}
	if c, err := p.GetBuffer(ctx, 20); err != nil || c.Status != oxcfxics.TransferDone || len(c.Data) != 0 {
		t.Errorf("after the end comes %+v, %v", c, err)
	}
}

func TestProducerFails(t *testing.T) {
	ctx := context.Background()
	p := oxcfxics.NewProducer(ctx, nil, func(ctx context.Context, w *oxcfxics.Writer) error {
		oneProp(ctx, w)
		return mapi.ErrDisk
	})
	defer p.Close()
	for range 2 {
		if _, err := p.GetBuffer(ctx, 100); !errors.Is(err, mapi.ErrDisk) {
			t.Errorf("the error of the source became %v", err)
		}
	}
}

// TestCloseEndsWork closes transfers that are not at their end, in every state they can be in.
func TestCloseEndsWork(t *testing.T) {
	ctx := context.Background()
	returned := make(chan error, 1)
	write := func(ctx context.Context, w *oxcfxics.Writer) (err error) {
		defer func() { returned <- err }()
		for {
			if err := oneProp(ctx, w); err != nil {
				return err
			}
		}
	}
	p := oxcfxics.NewProducer(ctx, nil, write) // never asked
	p.Close()
	p = oxcfxics.NewProducer(ctx, nil, write) // waiting to be asked again
	if c, err := p.GetBuffer(ctx, 64); err != nil || len(c.Data) != 60 {
		t.Errorf("%d bytes, %v", len(c.Data), err)
	}
	p.Close()
	if err := <-returned; !errors.Is(err, mapi.ErrUserCancel) {
		t.Errorf("the writing function got %v", err)
	}
	if _, err := p.GetBuffer(ctx, 64); !errors.Is(err, mapi.ErrUserCancel) {
		t.Errorf("a closed producer gives %v", err)
	}

	blocked := make(chan struct{})
	p = oxcfxics.NewProducer(ctx, nil, func(ctx context.Context, w *oxcfxics.Writer) error {
		close(blocked)
		<-ctx.Done()
		return ctx.Err()
	})
	call, cancel := context.WithCancel(ctx)
	go func() { <-blocked; cancel() }()
	if _, err := p.GetBuffer(call, 64); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call gives %v", err)
	}
	p.Close()

	read := func(ctx context.Context, r *oxcfxics.Reader) (err error) {
		err = oxcfxics.ReadContent(r, &mapi.ItemBuilder{})
		returned <- err
		return err
	}
	c := oxcfxics.NewConsumer(ctx, read) // never fed
	c.Close()
	<-returned
	c = oxcfxics.NewConsumer(ctx, read) // hungry in the middle of an element
	if err := c.PutBuffer(ctx, []byte{0x48, 0}); err != nil {
		t.Error(err)
	}
	c.Close()
	if err := <-returned; !errors.Is(err, mapi.ErrUserCancel) {
		t.Errorf("the reading function got %v", err)
	}
	if err := c.PutBuffer(ctx, []byte{0x66}); !errors.Is(err, mapi.ErrUserCancel) {
		t.Errorf("a closed consumer gives %v", err)
	}
}

func TestConsumerFails(t *testing.T) {
	ctx := context.Background()
	read := func(ctx context.Context, r *oxcfxics.Reader) error {
		return oxcfxics.ReadContent(r, &mapi.ItemBuilder{})
	}
	c := oxcfxics.NewConsumer(ctx, read)
	defer c.Close()
	for range 2 {
		if err := c.PutBuffer(ctx, vectors.Hex(t, "ff003700")); !errors.Is(err, mapi.ErrFormat) {
			t.Errorf("garbage gives %v", err)
		}
	}
	if err := c.Finish(); !errors.Is(err, mapi.ErrFormat) {
		t.Errorf("and at the end %v", err)
	}

	c = oxcfxics.NewConsumer(ctx, read)
	defer c.Close()
	for _, b := range vectors.Hex(t, "1f003700 04000000 4100") { // a string cut short
		if err := c.PutBuffer(ctx, []byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Finish(); !errors.Is(err, mapi.ErrFormat) {
		t.Errorf("a stream that ends in a value gives %v", err)
	}
	if err := c.PutBuffer(ctx, []byte{0}); err == nil {
		t.Error("data after the end is taken")
	}

	c = oxcfxics.NewConsumer(ctx, func(ctx context.Context, r *oxcfxics.Reader) error { return nil })
	defer c.Close()
	if err := c.PutBuffer(ctx, []byte{1}); err == nil {
		t.Error("data that nobody reads is taken")
	}
}
