package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// FastTransfer parameters ([MS-OXCFXICS] 2.2.3.1).
const (
	sendForUpload  = 0x03   // strings as they are stored, 8-bit ones with their code page
	copySendIDs    = 0x20   // CopyMessages: messages carry their entry ids
	bufferByServer = 0xBABE // the server chooses the size, up to MaximumBufferSize
	bufferMost     = 0x7BC0 // what fits an answer of 32 KiB; packed buffers bring more of them

	transferError   = 0
	transferPartial = 1
	transferNoRoom  = 2
	transferDone    = 3
)

// download reads a FastTransfer stream as its answers come.
type download struct {
	ctx  context.Context
	s    *session
	h    handle
	made []handle // it and what it reads
	rest [][]byte
	done bool
}

// startDownload runs a batch that ends in making a FastTransfer source in slot out, and reads its first buffers.
func startDownload(ctx context.Context, s *session, b *batch, out uint8) (*download, error) {
	b.add(getBuffer(out))
	res, err := s.execute(ctx, b)
	if err != nil {
		return nil, err
	}
	d := &download{ctx: ctx, s: s, h: res.at(out), made: b.made(res)}
	err = res.check("download")
	if err == nil {
		err = d.take(res)
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func getBuffer(slot uint8) *oxcrops.FastTransferSourceGetBufferRequest {
	return &oxcrops.FastTransferSourceGetBufferRequest{In: slot, BufferSize: bufferByServer, MaximumBufferSize: bufferMost}
}

func (d *download) take(res *result) error {
	for _, x := range res.resps {
		r, ok := x.(*oxcrops.FastTransferSourceGetBufferResponse)
		if !ok {
			continue
		}
		switch r.TransferStatus {
		case transferDone:
			d.done = true
		case transferPartial, transferNoRoom:
		default:
			return &mapi.Error{Op: "download", Code: mapi.ErrCallFailed, Err: errors.New("the server gave up the transfer")}
		}
		if len(r.TransferBuffer) > 0 {
			d.rest = append(d.rest, r.TransferBuffer)
		}
	}
	return nil
}

// Read implements io.Reader.
func (d *download) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		if d.done {
			return 0, io.EOF
		}
		var b batch
		b.add(getBuffer(b.in(d.h)))
		res, err := d.s.execute(d.ctx, &b)
		if err != nil {
			return 0, err
		}
		if err := res.check("download"); err != nil {
			return 0, err
		}
		if err := d.take(res); err != nil {
			return 0, err
		}
	}
	n := copy(p, d.rest[0])
	if d.rest[0] = d.rest[0][n:]; len(d.rest[0]) == 0 {
		d.rest = d.rest[1:]
	}
	return n, nil
}

func (d *download) close() { d.s.free(d.made...) }

// openMessage adds opening an item to a batch and gives its slot.
func (f *folder) openMessage(ctx context.Context, s *session, b *batch, id mapi.EntryID, mode uint8) (uint8, error) {
	home, message, err := parseMessage(id)
	if err != nil {
		return 0, err
	}
	fid, err := f.st.wireID(ctx, s, home)
	if err != nil {
		return 0, err
	}
	mid, err := f.st.wireID(ctx, s, message)
	if err != nil {
		return 0, err
	}
	const logonCodePage = 0x0FFF
	in, out := b.in(s.logon), b.out()
	b.add(&oxcrops.OpenMessageRequest{In: in, Out: out, CodePageID: logonCodePage, FolderID: fid, OpenModeFlags: mode, MessageID: mid})
	return out, nil
}

// Open modes of messages ([MS-OXCMSG] 2.2.3.1.1).
const (
	openReadOnly    = 0x00
	openReadWrite   = 0x01
	openSoftDeleted = 0x04
)

// Read implements mapi.Folder.
func (f *folder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	return f.ReadExcept(ctx, id, nil, w)
}

// ReadExcept implements mapi.PartReader.
func (f *folder) ReadExcept(ctx context.Context, id mapi.EntryID, except []mapi.Tag, w mapi.ItemSink) error {
	pushed := false // what w has seen isn't taken back
	read := func(mode uint8) error {
		return f.st.again(ctx, func() bool { return !pushed }, func(s *session) error { return f.read(ctx, s, id, mode, except, w, &pushed) })
	}
	err := read(openReadOnly)
	if errors.Is(err, mapi.ErrNotFound) {
		err = read(openReadOnly | openSoftDeleted)
	}
	if err != nil {
		return fmt.Errorf("read item: %w", err)
	}
	return nil
}

func (f *folder) read(ctx context.Context, s *session, id mapi.EntryID, mode uint8, except []mapi.Tag, w mapi.ItemSink, pushed *bool) error {
	d, err := f.download(ctx, s, id, mode, except)
	if mapi.CodeOf(err) == serverNoMemory {
		d, err = f.download(ctx, s, id, mode, except)
	}
	if err != nil {
		return err
	}
	defer d.close()
	*pushed = true
	r := oxcfxics.NewReader(d)
	t := newTextSink(w, r)
	if err := oxcfxics.ReadContent(r, t); err != nil {
		return err
	}
	return t.release()
}

// serverNoMemory is ecServerOOM ([MS-OXCDATA] 2.4), which passes. gromox says it of an item that is deleted just now; asked
// again, it says that there is none.
const serverNoMemory mapi.Code = 0x000003F0

// download opens an item and begins to read it.
func (f *folder) download(ctx context.Context, s *session, id mapi.EntryID, mode uint8, except []mapi.Tag) (*download, error) {
	var b batch
	message, err := f.openMessage(ctx, s, &b, id, mode)
	if err != nil {
		return nil, err
	}
	out := b.out()
	b.add(&oxcrops.FastTransferSourceCopyToRequest{In: message, Out: out, SendOptions: sendForUpload, Tags: except})
	return startDownload(ctx, s, &b, out)
}
