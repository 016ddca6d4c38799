package restic

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdWindow suits blobs of about 1 MiB and keeps an encoder's memory small; restic uses the same.
	zstdWindow = 512 << 10
	// maxBlobSize bounds what a blob may decompress to. restic's chunks end at 8 MiB, its largest trees at some hundred.
	maxBlobSize = 1 << 30
)

// codec compresses and decompresses; it is safe for concurrent use.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec(concurrency int) (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithWindowSize(zstdWindow), zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(concurrency))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(concurrency), zstd.WithDecoderMaxMemory(maxFileSize))
	if err != nil {
		return nil, err
	}
	return &codec{enc, dec}, nil
}

func (c *codec) compress(dst, src []byte) []byte { return c.enc.EncodeAll(src, dst) }

func (c *codec) decodeUnpacked(plain []byte) ([]byte, error) {
	switch {
	case len(plain) == 0:
		return nil, errors.New("empty")
	case plain[0] == '{' || plain[0] == '[':
		return plain, nil
	case plain[0] == encodingZstd:
		return c.dec.DecodeAll(plain[1:], nil)
	}
	return nil, fmt.Errorf("unknown encoding version %d", plain[0])
}

// decompressBlob returns exactly size bytes.
func (c *codec) decompressBlob(dst, src []byte, size int) ([]byte, error) {
	if size > maxBlobSize {
		return nil, fmt.Errorf("a blob of %d bytes is larger than any", size)
	}
	if cap(dst) < size {
		dst = make([]byte, 0, size)
	}
	out, err := c.dec.DecodeAll(src, dst[:0])
	if err != nil {
		return nil, err
	}
	if len(out) != size {
		return nil, fmt.Errorf("decompressed to %d bytes instead of %d", len(out), size)
	}
	return out, nil
}
