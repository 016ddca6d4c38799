package oxcfxics_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/mapi"
)

// propIDs are the ids that the sender of a stream has for its named properties.
func propIDs(t testing.TB, stream []byte) map[mapi.PropName]uint16 {
	ids := map[mapi.PropName]uint16{}
	r := oxcfxics.NewReader(bytes.NewReader(stream))
	for {
		e, err := r.Next()
		if err == io.EOF {
			return ids
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Marker == 0 && e.Key().Named() {
			ids[e.Name] = e.Tag.ID()
		}
	}
}

// options write a stream as the sender of another did.
func (r *recording) options(t testing.TB) *oxcfxics.Options {
	ids := propIDs(t, r.data)
	o := &oxcfxics.Options{PropID: func(n mapi.PropName) (uint16, error) { return ids[n], nil }}
	if r.Config.SendOptions.Strings() == oxcfxics.CodePages {
		o.Strings, o.CodePage = oxcfxics.CodePages, 1252
	}
	return o
}

// root tells what a stream consists of. CopyTo and CopyProperties don't say whether they were asked of a message, an
// attachment or a folder; the first marker does.
func (r *recording) root(t testing.TB) oxcfxics.Root {
	switch r.Rop {
	case "FastTransferSourceCopyMessages":
		return oxcfxics.RootMessageList
	case "FastTransferSourceCopyFolder":
		return oxcfxics.RootTopFolder
	case "SynchronizationGetTransferState":
		return oxcfxics.RootState
	case "SynchronizationConfigure":
		if r.Config.SyncType == 1 {
			return oxcfxics.RootContents
		}
		return oxcfxics.RootHierarchy
	case "FastTransferDestinationConfigure":
		if r.Config.SourceOperation == 3 {
			return oxcfxics.RootMessageList
		}
	}
	in := oxcfxics.NewReader(bytes.NewReader(r.data))
	for {
		e, err := in.Next()
		if err == io.EOF {
			return oxcfxics.RootMessage
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e.Marker {
		case oxcfxics.StartEmbed:
			return oxcfxics.RootAttachment
		case oxcfxics.StartMessage, oxcfxics.StartSubFld:
			return oxcfxics.RootFolder
		case oxcfxics.StartRecip, oxcfxics.NewAttach:
			return oxcfxics.RootMessage
		}
	}
}

// messages are the recorded streams of one message.
func messages(t testing.TB) []*recording {
	var list []*recording
	for _, r := range recordings(t) {
		if r.Complete && r.root(t) == oxcfxics.RootMessage {
			list = append(list, r)
		}
	}
	return list
}

func TestVectorsContent(t *testing.T) {
	for _, r := range messages(t) {
		t.Run(r.ID, func(t *testing.T) {
			var b mapi.ItemBuilder
			if err := oxcfxics.ReadContent(oxcfxics.NewReader(bytes.NewReader(r.data)), &b); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			w := oxcfxics.NewContentWriter(oxcfxics.NewWriter(oxcfxics.Plain(&out), r.options(t)))
			if err := b.Item.WriteTo(w); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), r.data) {
				t.Errorf("came back different\n got %x\nwant %x", out.Bytes(), r.data)
			}
		})
	}
}

func TestVectorsAttachment(t *testing.T) {
	for _, r := range recordings(t) {
		if !r.Complete || r.root(t) != oxcfxics.RootAttachment {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			var b mapi.ItemBuilder
			b.Attachment()
			if err := oxcfxics.ReadAttachment(oxcfxics.NewReader(bytes.NewReader(r.data)), &b); err != nil {
				t.Fatal(err)
			}
			if a := b.Item.Attachments[0]; len(a.Props) == 0 || a.Embedded == nil || len(a.Embedded.Props) == 0 {
				t.Errorf("read %+v", a)
			}
			var out bytes.Buffer
			w := oxcfxics.NewAttachmentWriter(oxcfxics.NewWriter(oxcfxics.Plain(&out), r.options(t)))
			if err := oxcfxics.ReadAttachment(oxcfxics.NewReader(bytes.NewReader(r.data)), w); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), r.data) {
				t.Errorf("came back different: %v\n got %x\nwant %x", err, out.Bytes(), r.data)
			}
		})
	}
}

// TestTransfer sends every recorded message through buffers from one end to the other.
func TestTransfer(t *testing.T) {
	ctx := context.Background()
	for _, r := range messages(t) {
		var b mapi.ItemBuilder
		p := oxcfxics.NewProducer(ctx, r.options(t), func(ctx context.Context, w *oxcfxics.Writer) error {
			c := oxcfxics.NewContentWriter(w)
			if err := oxcfxics.ReadContent(oxcfxics.NewReader(bytes.NewReader(r.data)), c); err != nil {
				return err
			}
			return c.Close()
		})
		c := oxcfxics.NewConsumer(ctx, func(ctx context.Context, r *oxcfxics.Reader) error {
			return oxcfxics.ReadContent(r, &b)
		})
		for {
			buf, err := p.GetBuffer(ctx, 512)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.PutBuffer(ctx, buf.Data); err != nil {
				t.Fatal(err)
			}
			if buf.Status == oxcfxics.TransferDone {
				break
			}
		}
		if err := c.Finish(); err != nil {
			t.Fatal(err)
		}
		p.Close()
		c.Close()
	}
}
