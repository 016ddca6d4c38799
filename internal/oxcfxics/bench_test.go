package oxcfxics_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/mapi"
)

// samples are a recorded synchronization of a folder, small properties mostly, and a message that is one large attachment.
func samples(b *testing.B) map[string][]byte {
	s := map[string][]byte{}
	for _, r := range recordings(b) {
		if r.ID == "fasttransfer-0102" {
			s["recorded"] = r.data
		}
	}
	it := &mapi.Item{Attachments: []*mapi.Attachment{{Props: mapi.Props{{Key: mapi.TagKey(0x37010102), Value: mapi.MemBlob(make([]byte, 8<<20))}}}}}
	body := write(b, nil, func(w *oxcfxics.Writer) error {
		p := oxcfxics.NewPartWriter(w, oxcfxics.RootContents)
		c, err := p.Message(&oxcfxics.Message{})
		if err != nil {
			return err
		}
		if err := it.WriteTo(c); err != nil {
			return err
		}
		if err := p.Write(&oxcfxics.State{}); err != nil {
			return err
		}
		return p.Close()
	})
	s["attachment"] = body
	return s
}

// elements holds a stream apart, so that writing is measured alone.
type elements []oxcfxics.Element

func load(b *testing.B, stream []byte) (list elements) {
	r := oxcfxics.NewReader(bytes.NewReader(stream))
	for {
		e, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			b.Fatal(err)
		}
		c := *e
		if c.Stream != nil {
			data, err := io.ReadAll(c.Stream)
			if err != nil {
				b.Fatal(err)
			}
			c.Stream = bytes.NewReader(data)
		}
		list = append(list, c)
	}
}

// sink takes an item as cheaply as possible.
type sink struct{ scratch []byte }

func (s *sink) Prop(mapi.Key, mapi.Value) error { return nil }
func (s *sink) Stream(_ mapi.Key, _ int64, r io.Reader) error {
	for {
		if _, err := r.Read(s.scratch); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}
func (s *sink) Recipient() error  { return nil }
func (s *sink) Attachment() error { return nil }
func (s *sink) Embedded() error   { return nil }
func (s *sink) End() error        { return nil }

func BenchmarkStream(b *testing.B) {
	for name, stream := range samples(b) {
		run := func(what string, f func(b *testing.B)) {
			b.Run(what+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(stream)))
				b.ReportAllocs()
				f(b)
			})
		}
		buf := make([]byte, 32<<10)
		run("copy", func(b *testing.B) {
			for b.Loop() {
				io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{bytes.NewReader(stream)}, buf)
			}
		})
		run("decode", func(b *testing.B) {
			r := oxcfxics.NewReader(nil)
			s := &sink{buf}
			for b.Loop() {
				r.Reset(bytes.NewReader(stream))
				for part, err := range oxcfxics.Parts(r, oxcfxics.RootContents) {
					if err != nil {
						b.Fatal(err)
					}
					if m, ok := part.(*oxcfxics.Message); ok {
						if err := m.Content(s); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
		run("encode", func(b *testing.B) {
			list := load(b, stream)
			for b.Loop() {
				w := oxcfxics.NewWriter(oxcfxics.Plain(io.Discard), nil)
				for i := range list {
					if s, ok := list[i].Stream.(io.Seeker); ok {
						s.Seek(0, io.SeekStart)
					}
					if err := w.Element(&list[i]); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		run("transfer", func(b *testing.B) { // through buffers from one end to the other
			ctx := context.Background()
			for b.Loop() {
				p := oxcfxics.NewProducer(ctx, nil, copyTo(stream))
				c := oxcfxics.NewConsumer(ctx, func(_ context.Context, r *oxcfxics.Reader) error {
					for _, err := range oxcfxics.Parts(r, oxcfxics.RootContents) {
						if err != nil {
							return err
						}
					}
					return nil
				})
				for done := false; !done; {
					chunk, err := p.GetBuffer(ctx, 31<<10)
					if err == nil {
						err = c.PutBuffer(ctx, chunk.Data)
					}
					if err != nil {
						b.Fatal(err)
					}
					done = chunk.Status == oxcfxics.TransferDone
				}
				if err := c.Finish(); err != nil {
					b.Fatal(err)
				}
				p.Close()
			}
		})
	}
}
