package restic

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
)

// packBlob is where a blob lies in a pack.
type packBlob struct {
	BlobHandle
	offset uint32
	length uint32 // as it lies there, encrypted
	size   uint32 // plaintext if it is compressed, else 0
}

// plainSize is the blob's length once decrypted and decompressed.
func (b packBlob) plainSize() int {
	if b.size != 0 {
		return int(b.size)
	}
	return int(b.length) - overhead
}

// Entries of a pack's header ("Pack Format"). A type byte comes first: bit 0 is the blob's type, bit
// 1 tells which of the two entries follows.
type (
	plainEntry struct {
		Length uint32
		ID     ID
	}
	compressedEntry struct {
		Length uint32
		Size   uint32
		ID     ID
	}
)

const (
	compressedBit = 2

	plainEntrySize      = 1 + 4 + len(ID{})
	compressedEntrySize = 1 + 4 + 4 + len(ID{})

	headerLengthSize = 4
	// maxHeaderSize is stock restic's own bound.
	maxHeaderSize = 16 << 20
)

func (b packBlob) headerSize() int {
	if b.size != 0 {
		return compressedEntrySize
	}
	return plainEntrySize
}

// appendHeader encodes a pack's header before its encryption.
func appendHeader(dst []byte, blobs []packBlob) ([]byte, error) {
	var err error
	for _, b := range blobs {
		if b.size != 0 {
			dst = append(dst, byte(b.Type)|compressedBit)
			dst, err = binary.Append(dst, binary.LittleEndian, compressedEntry{b.length, b.size, b.ID})
		} else {
			dst = append(dst, byte(b.Type))
			dst, err = binary.Append(dst, binary.LittleEndian, plainEntry{b.length, b.ID})
		}
		if err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// parseHeader decodes a decrypted header and works out the offsets.
func parseHeader(header []byte) ([]packBlob, error) {
	blobs := make([]packBlob, 0, len(header)/plainEntrySize)
	var offset uint64 // validate keeps it below 4 GiB
	for len(header) > 0 {
		kind := header[0]
		b := packBlob{BlobHandle: BlobHandle{Type: BlobType(kind &^ compressedBit)}, offset: uint32(offset)}
		if b.Type >= blobTypes {
			return nil, fmt.Errorf("pack header: unknown blob type %d", kind)
		}
		var n int
		var err error
		if kind&compressedBit != 0 {
			var e compressedEntry
			n, err = binary.Decode(header[1:], binary.LittleEndian, &e)
			b.length, b.size, b.ID = e.Length, e.Size, e.ID
		} else {
			var e plainEntry
			n, err = binary.Decode(header[1:], binary.LittleEndian, &e)
			b.length, b.ID = e.Length, e.ID
		}
		if err != nil {
			return nil, errors.New("pack header: its last entry is cut off")
		}
		if err := b.validate(); err != nil {
			return nil, fmt.Errorf("pack header: %w", err)
		}
		offset += uint64(b.length)
		blobs = append(blobs, b)
		header = header[1+n:]
	}
	return blobs, nil
}

func (b packBlob) validate() error {
	if b.length < overhead {
		return fmt.Errorf("%v has a length of %d, less than encryption adds", b.BlobHandle, b.length)
	}
	if b.length > maxBlobSize || b.size > maxBlobSize || uint64(b.offset)+uint64(b.length) > math.MaxUint32 {
		return fmt.Errorf("%v is larger than any, or lies beyond 4 GiB", b.BlobHandle)
	}
	return nil
}

// packSize is a pack's size by what lies in it.
func packSize(blobs []packBlob) int64 {
	size := int64(overhead + headerLengthSize)
	for _, b := range blobs {
		size += int64(b.length) + int64(b.headerSize())
	}
	return size
}

// openHeader decrypts the header at the end of a pack, or of a pack's last part.
func (k *masterKey) openHeader(tail []byte) ([]packBlob, error) {
	if len(tail) < headerLengthSize {
		return nil, errors.New("too short for a pack")
	}
	rest := tail[:len(tail)-headerLengthSize]
	n := binary.LittleEndian.Uint32(tail[len(rest):])
	if int64(n) > int64(len(rest)) || n > maxHeaderSize {
		return nil, fmt.Errorf("a pack header of %d bytes doesn't fit", n)
	}
	sealed := append([]byte(nil), rest[len(rest)-int(n):]...)
	header, err := k.open(sealed)
	if err != nil {
		return nil, fmt.Errorf("pack header: %w", err)
	}
	return parseHeader(header)
}

// loadHeader reads the header of a stored pack of the given size.
func (r *Repository) loadHeader(ctx context.Context, h Handle, size int64) (blobs []packBlob, err error) {
	err = twice(func() error {
		blobs, err = r.loadHeaderOnce(ctx, h, size)
		return err
	})
	return blobs, err
}

func (r *Repository) loadHeaderOnce(ctx context.Context, h Handle, size int64) ([]packBlob, error) {
	damaged := func(err error) error { return &DamagedError{File: h.String(), Err: err} }
	if size < overhead+headerLengthSize {
		return nil, damaged(fmt.Errorf("%d bytes are too few for a pack", size))
	}
	var length [headerLengthSize]byte
	if err := loadRange(ctx, r.be, h, size-headerLengthSize, length[:]); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(length[:])) + headerLengthSize
	if n > size || n > maxHeaderSize {
		return nil, damaged(fmt.Errorf("a header of %d bytes doesn't fit", n))
	}
	tail := make([]byte, n)
	if err := loadRange(ctx, r.be, h, size-n, tail); err != nil {
		return nil, err
	}
	blobs, err := r.key.openHeader(tail)
	if err != nil {
		return nil, damaged(err)
	}
	return blobs, nil
}

// pack is a pack being filled. What doesn't fit in a little memory lies in a temporary file.
type pack struct {
	blobs []packBlob
	size  int64
	sum   hash.Hash
	mem   []byte // all of it until it moves
	file  *os.File
	moved bool // from mem to file
}

// packMemory is how much of a pack is held in memory: packs of trees are often small.
const packMemory = 1 << 20

// write appends.
func (p *pack) write(b []byte) error {
	if p.sum == nil {
		p.sum = sha256.New()
	}
	p.sum.Write(b)
	p.size += int64(len(b))
	if !p.moved && len(p.mem)+len(b) <= packMemory {
		p.mem = append(p.mem, b...)
		return nil
	}
	if p.file == nil {
		f, err := createTemp("opencdo-pack-*")
		if err != nil {
			return err
		}
		p.file = f
	}
	if !p.moved {
		if _, err := p.file.Write(p.mem); err != nil {
			return err
		}
		p.mem, p.moved = p.mem[:0], true
	}
	_, err := p.file.Write(b)
	return err
}

// content is all that was written.
func (p *pack) content() *io.SectionReader {
	if p.moved {
		return io.NewSectionReader(p.file, 0, p.size)
	}
	return inMemory(p.mem)
}

// add appends an encrypted blob.
func (p *pack) add(h BlobHandle, sealed []byte, size int) error {
	p.blobs = append(p.blobs, packBlob{h, uint32(p.size), uint32(len(sealed)), uint32(size)})
	return p.write(sealed)
}

// finish appends the header and returns the pack's id.
func (p *pack) finish(k *masterKey) (id ID, err error) {
	header, err := appendHeader(nil, p.blobs)
	if err != nil {
		return ID{}, err
	}
	tail := k.seal(nil, header)
	if err := p.write(binary.LittleEndian.AppendUint32(tail, uint32(len(tail)))); err != nil {
		return ID{}, err
	}
	p.sum.Sum(id[:0])
	return id, nil
}

// reset empties the pack for another use. Where its file cannot be emptied the next use makes a new one.
func (p *pack) reset() {
	if p.moved {
		_, err := p.file.Seek(0, io.SeekStart)
		if err = errors.Join(err, p.file.Truncate(0)); err != nil {
			p.close()
		}
	}
	*p = pack{blobs: p.blobs[:0], mem: p.mem[:0], file: p.file}
}

// close gives up the file.
func (p *pack) close() {
	if p == nil || p.file == nil {
		return
	}
	p.file.Close()
	p.file = nil
}
